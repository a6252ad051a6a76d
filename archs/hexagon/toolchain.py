"""How to compile Hexagon's headers, and what is known of the symbols its helpers depend on."""

from __future__ import annotations

from typing import Final

from bitspec.lift.target import Target, Unit

VARIANTS: Final = ("4k", "16k", "64k")

_SIZES: Final = tuple(f"-PAGE_SIZE_{size}KB" for size in (4, 16, 64, 256))

TARGET: Final = Target(
    arch="hexagon",
    triple="hexagon-linux-musl",
    defconfig="comet_defconfig",
    options={name: (*_SIZES, f"PAGE_SIZE_{name.upper()}B") for name in VARIANTS},
    units=(Unit("vm_fault", ("arch/hexagon/mm/init.c",), {}, protections=True),),
)
