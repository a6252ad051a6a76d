"""How to compile s390's headers, and what is known of the symbols its helpers depend on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bitspec.lift.target import AsmRule, Target, Unit


def _pins(variant: str) -> Mapping[str, int]:
    return {}


TARGET: Final = Target(
    arch="s390",
    triple="s390x-linux-gnu",
    defconfig="defconfig",
    options={"": ("MARCH_Z14",)},
    units=(),
    pins=_pins,
)
