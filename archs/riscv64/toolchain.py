"""How to compile 64-bit RISC-V's headers, and what is known of the symbols its helpers depend on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bitspec.lift.target import AsmRule, Target, Unit

VARIANTS: Final = ("sv57", "sv48", "sv39")


def _pins(variant: str) -> Mapping[str, int | str]:
    page_offset = {"sv57": 0xFF60_0000_0000_0000, "sv48": 0xFFFF_AF80_0000_0000, "sv39": 0xFFFF_FFD6_0000_0000}[variant]
    return {
        "kernel_map": page_offset,
        "kernel_map+40": page_offset,  # va_pa_offset, with memory that begins at 0
        "kernel_map+48": 0xFFFF_FFFF_8000_0000,  # va_kernel_pa_offset
        "vmemmap_start_pfn": 0,
        "pgtable_l5_enabled": int(variant == "sv57"), "pgtable_l4_enabled": int(variant != "sv39"),
        "extension_33": 1,  # Svnapot
        "memory_type.3.31.61.59": 3 << 61,  # _PAGE_MTMASK with Svpbmt
    }


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
        AsmRule(r"^886 :\n(?:\.option \w+\n)*\.rept\s+7\nnop\n.*\.2byte\s+0x5b7\n", "same", "", index=3),  # ALT_THEAD_PMA, on CPUs of other vendors
        AsmRule(r"^886 :\n(?:\.option \w+\n)*li\s+\$0, 0", "register", "memory_type"),  # ALT_SVPBMT
        AsmRule(r"^886 :\n(?:\.option \w+\n)*j\t", "feature", "extension_{}", index=1, yes=0, no=1),
        AsmRule(r"^886 :\n(?:\.option \w+\n)*nop\n.*888 :\n(?:\.option \w+\n)*j\t", "feature", "extension_{}", index=1, yes=1, no=0),
    ),
    pins=_pins,
    given=(
        "memory begins at physical address 0 and is mapped at PAGE_OFFSET",
        "four and five levels are on as the variant says",
        "the CPU has Svnapot and Svpbmt, and is none of T-Head's with memory types of their own",
    ),
)
