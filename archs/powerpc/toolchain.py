"""How to compile 64-bit powerpc's headers, and what is known of the symbols its helpers depend on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bitspec.lift.target import AsmRule, Target, Unit


def _pins(variant: str) -> Mapping[str, int]:
    return {}


TARGET: Final = Target(
    arch="powerpc",
    triple="powerpc64le-linux-gnu",
    defconfig="ppc64le",
    options={
        "": (),
        "radix-64k": ("PPC_64K_PAGES", "-PPC_4K_PAGES"),
        "hash-64k": ("PPC_64K_PAGES", "-PPC_4K_PAGES"),
        "radix-4k": ("PPC_4K_PAGES", "-PPC_64K_PAGES"),
        "hash-4k": ("PPC_4K_PAGES", "-PPC_64K_PAGES"),
    },
    units=(),
    pins=_pins,
)
