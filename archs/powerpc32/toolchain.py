"""How to compile 32-bit powerpc's headers, those of book3s; their helpers depend on no symbols."""

from __future__ import annotations

from typing import Final

from bitspec.lift.target import Target, Unit

VARIANTS: Final = ("book3s",)

TARGET: Final = Target(
    arch="powerpc",
    triple="powerpc-linux-gnu",
    defconfig="pmac32_defconfig",
    options={"": ("-PPC64",)},
    units=(Unit("protection", ("arch/powerpc/mm/pgtable.c",), {}, protections=True),),
)
