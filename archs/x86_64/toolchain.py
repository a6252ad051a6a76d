"""How to compile x86-64's headers, and what is known of the symbols its helpers depend on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bitspec.lift.target import AsmRule, Target, Unit


def _pins(variant: str) -> Mapping[str, int]:
    return {}


TARGET: Final = Target(
    arch="x86",
    triple="x86_64-linux-gnu",
    defconfig="x86_64_defconfig",
    options={"": ("X86_5LEVEL", "X86_USER_SHADOW_STACK", "-UNWINDER_ORC", "UNWINDER_FRAME_POINTER")},
    units=(),
    pins=_pins,
)
