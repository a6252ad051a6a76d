"""How to compile 64-bit LoongArch's headers, and what is known of the symbols its helpers depend on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bitspec.lift.target import Target, Unit

VARIANTS: Final = ("16k", "4k", "64k")


def _pins(variant: str) -> Mapping[str, int | str]:
    return {
        "addr.invalid_pte_table": 0x9000_0000_0200_0000,
        "addr.invalid_pmd_table": 0x9000_0000_0201_0000,
        "addr.invalid_pud_table": 0x9000_0000_0202_0000,
        "vm_map_base": 0xFFFF_8000_0000_0000,
        "cpu_data+128": 0,
        "cpu_data+132": 0,
    }


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
    static_tables=("invalid_pte_table", "invalid_pmd_table", "invalid_pud_table"),
    given=("invalid_pte_table and its like lie somewhere in the kernel's image, at 0x9000000002000000 here",),
)
