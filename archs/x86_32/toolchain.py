"""How to compile 32-bit x86's headers, and what is known of the symbols its helpers depend on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bitspec.lift.target import AsmRule, Target, Unit

_PAE: Final = ("HIGHMEM64G", "-HIGHMEM4G", "-NOHIGHMEM", "X86_PAE")


def _pins(variant: str) -> Mapping[str, int | str]:
    return {
        "cpu_has_519": 0,  # X86_FEATURE_SHSTK
        "__supported_pte_mask": (1 << 64) - 1,
    }


#: set_pmd() of PAE is a loop around cmpxchg8b: what it is given to store is restated.
_PMD_POPULATE: Final = (
    "({ pmd_t at = __pmd(0); if (IS_ENABLED(CONFIG_X86_PAE)) at = __pmd(((pteval_t)page_to_pfn((pgtable_t)a) << PAGE_SHIFT) | _PAGE_TABLE); "
    "else pmd_populate(&bs_mm, &at, (pgtable_t)a); pmd_val(at); })"
)

TARGET: Final = Target(
    arch="x86",
    triple="i386-linux-gnu",
    defconfig="i386_defconfig",
    options={
        "": ("-UNWINDER_ORC", "UNWINDER_FRAME_POINTER", "-64BIT"),
        "pae": _PAE,
        "pae-knl": _PAE,
        "2-level": ("HIGHMEM4G", "-HIGHMEM64G", "-NOHIGHMEM", "-X86_PAE"),
    },
    units=(
        Unit("pgtable", ("arch/x86/mm/pgtable.c",), {"pte_mkwrite": "", "pmd_mkwrite": ""}),
        Unit("hugetlbpage", ("arch/x86/mm/hugetlbpage.c",), {"pmd_huge": "", "pud_huge": ""}),
        Unit("pgprot", ("arch/x86/mm/pgprot.c",), {}, protections=True),
    ),
    asm=(AsmRule(r"\.altinstr_aux.*testb", "feature", "cpu_has_{}", index=0, yes=1, no=2),),
    pins=_pins,
    given=(
        "the CPU has every bit the kernel uses in an entry: __supported_pte_mask is all ones",
        "with PAE memory ends at 64 GiB: MAX_ARCH_PFN of arch/x86/kernel/e820.c",
        "with PAE pmd_populate() is restated: its store is a loop around cmpxchg8b",
    ),
    constants={"MAX_PHYSMEM_BITS": "IS_ENABLED(CONFIG_X86_PAE) ? 36 : 32", "SWP_OFFSET_FIRST_BIT": "SWP_OFFSET_FIRST_BIT"},
    wrappers={"pmd_populate": _PMD_POPULATE},
    by_physical={"pmd_populate": "pmd_val(__pmd(((pteval_t)(a >> PAGE_SHIFT) << PAGE_SHIFT) | _PAGE_TABLE))"},
)
