"""How to compile 32-bit SPARC's headers; its helpers depend on no symbols."""

from __future__ import annotations

from typing import Final

from bitspec.lift.target import Target, Unit

VARIANTS: Final = ("srmmu",)

TARGET: Final = Target(
    arch="sparc",
    triple="sparc-linux-gnu",
    defconfig="sparc32_defconfig",
    options={"": ("-64BIT",)},
    units=(Unit("init", ("arch/sparc/mm/init_32.c",), {}, protections=True),),
    wrappers={f"{level}_clear": f"{level}_val(__{level}(0))" for level in ("pte", "pmd", "pud")},
    given=("pXd_clear() is restated: set_pte() stores 0 by the instruction swap",),
    front_end=True,
    as_gcc=True,
)
