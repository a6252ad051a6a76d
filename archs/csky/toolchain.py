"""How to compile C-SKY's headers, and what is known of the symbols its helpers depend on."""

from __future__ import annotations

from typing import Final

from bitspec.lift.target import Target, Unit

VARIANTS: Final = ("abiv2", "abiv1")

TARGET: Final = Target(
    arch="csky",
    triple="csky-linux-gnu",
    defconfig="defconfig",
    options={"abiv1": ("-CPU_CK807", "-CPU_CK810", "-CPU_CK860", "CPU_CK610")},
    units=(Unit("init", ("arch/csky/mm/init.c",), {}, protections=True),),
    pins=lambda variant: {"va_pa_offset": 0, "addr.invalid_pte_table": 0x8100_0000},
    static_tables=("invalid_pte_table",),
    given=("memory begins at physical address 0 and is mapped at 0x80000000; invalid_pte_table lies in the kernel's image, at 0x81000000 here",),
    front_end=True,
    as_gcc=True,
    dropped=("-mcpu=ck610",),
)
