"""How to compile 64-bit LoongArch's headers, and what is known of the symbols its helpers depend on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bitspec.lift.target import Target, Unit

VARIANTS: Final = ("16k", "4k", "64k")


def _pins(variant: str) -> Mapping[str, int | str]:
    return {}


TARGET: Final = Target(
    arch="loongarch",
    triple="loongarch64-linux-gnu",
    defconfig="loongson3_defconfig",
    options={
        "": ("MEM_SOFT_DIRTY",),
        "16k": ("16KB_3LEVEL", "-4KB_3LEVEL", "-64KB_2LEVEL"),
        "4k": ("4KB_3LEVEL", "-16KB_3LEVEL", "-64KB_2LEVEL"),
        "64k": ("64KB_2LEVEL", "-16KB_3LEVEL", "-4KB_3LEVEL"),
    },
    units=(Unit("cache", ("arch/loongarch/mm/cache.c",), {}, protections=True),),
    pins=_pins,
)
