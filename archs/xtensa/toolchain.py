"""How to compile Xtensa's headers, for a CPU with an MMU; its helpers depend on no symbols."""

from __future__ import annotations

from typing import Final

from bitspec.lift.target import Target, Unit

VARIANTS: Final = ("mmu",)

TARGET: Final = Target(
    arch="xtensa",
    triple="xtensa-linux-gnu",
    defconfig="generic_kc705_defconfig",
    options={},
    units=(Unit("init", ("arch/xtensa/mm/init.c",), {}, protections=True),),
    defines=("__XTENSA_WINDOWED_ABI__=1",),
    front_end=True,
    as_gcc=True,
)
