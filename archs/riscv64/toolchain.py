"""How to compile 64-bit RISC-V's headers, and what is known of the symbols its helpers depend on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bitspec.lift.target import AsmRule, Target, Unit

VARIANTS: Final = ("sv57", "sv48", "sv39")


def _pins(variant: str) -> Mapping[str, int | str]:
    return {"pgtable_l5_enabled": int(variant == "sv57"), "pgtable_l4_enabled": int(variant != "sv39"), "extension_33": 1}  # Svnapot


TARGET: Final = Target(
    arch="riscv",
    triple="riscv64-linux-gnu",
    defconfig="defconfig",
    options={"": ("-ERRATA_THEAD", "-ARCH_THEAD", "-ARCH_SOPHGO")},
    units=(
        Unit("hugetlbpage", ("arch/riscv/mm/hugetlbpage.c",), {"arch_make_huge_pte": ""}),
        Unit("init", ("arch/riscv/mm/init.c",), {}, protections=True),
    ),
    asm=(
        AsmRule(r"^886 :\n(?:\.option \w+\n)*j\t", "feature", "extension_{}", index=1, yes=0, no=1),
        AsmRule(r"^886 :\n(?:\.option \w+\n)*nop\n.*888 :\n(?:\.option \w+\n)*j\t", "feature", "extension_{}", index=1, yes=1, no=0),
    ),
    pins=_pins,
    given=("four and five levels are on as the variant says", "the CPU has Svnapot, and is none of T-Head's with memory types of their own"),
)
