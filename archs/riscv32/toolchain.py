"""How to compile 32-bit RISC-V's headers; its helpers depend on no symbols."""

from __future__ import annotations

from typing import Final

from bitspec.lift.target import Target, Unit

VARIANTS: Final = ("sv32",)

TARGET: Final = Target(
    arch="riscv",
    triple="riscv32-linux-gnu",
    defconfig="defconfig",
    options={"": ("-64BIT", "32BIT", "ARCH_RV32I", "-ARCH_RV64I", "NONPORTABLE", "-ERRATA_THEAD", "-ARCH_THEAD", "-ARCH_SOPHGO")},
    units=(Unit("init", ("arch/riscv/mm/init.c",), {}, protections=True),),
)
