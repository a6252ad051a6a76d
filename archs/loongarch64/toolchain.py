"""How to compile 64-bit LoongArch's headers, and what is known of the symbols its helpers depend on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from archs.loongarch64.pgtable import INVALID_PTE_TABLE
from bitspec.lift.target import AsmRule, Target, Unit

_VARIABLE: Final = 0x9000_0000_0300_0000
"""Where a variable on the stack is taken to lie: linux-6.1's pte_clear() asks the entry beside it, the other page of a pair in the TLB."""

_VMEMMAP: Final = "IS_ENABLED(CONFIG_SPARSEMEM_VMEMMAP)"
_PMD_POPULATE: Final = (
    f"({{ pmd_t at = __pmd(0); if ({_VMEMMAP}) pmd_populate(&bs_mm, &at, (pgtable_t)a); else pmd_populate_kernel(&bs_mm, &at, (pte_t *)__va(a)); "
    "pmd_val(at); })"
)
"""Without a virtual memory map (linux-6.1) page_address() depends on tables in memory: the helper is then that of the kernel's own mappings."""


def _pins(variant: str) -> Mapping[str, int | str]:
    return {
        "addr.invalid_pte_table": INVALID_PTE_TABLE,
        "addr.invalid_pmd_table": 0x9000_0000_0201_0000,
        "addr.invalid_pud_table": 0x9000_0000_0202_0000,
        f"mem.{_VARIABLE + 8:#x}": 0,
        "vm_map_base": 0xFFFF_8000_0000_0000,
        "cpu_data+128": 47,  # vabits: VALEN - 1
        "cpu_data+132": 47,  # pabits: PALEN - 1
    }


_CSR: Final = ("csrrd_w(reg)", "csrrd_d(reg)", "csrwr_w(val, reg)", "csrwr_d(val, reg)", "csrxchg_w(val, mask, reg)", "csrxchg_d(val, mask, reg)")
"""linux-6.1 hands these built-in functions a register's number that only an inlined function makes constant, which clang refuses."""

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
    units=(
        Unit("cache", ("arch/loongarch/mm/cache.c",), {}, protections=True),
        Unit("hugetlbpage", ("arch/loongarch/mm/hugetlbpage.c",), {"pmd_huge": ""}),
    ),
    pins=_pins,
    static_tables=("invalid_pte_table", "invalid_pmd_table", "invalid_pud_table"),
    addresses={"%": _VARIABLE},
    asm=(AsmRule(r"^1:ll\.d\t", "same", "", index=1),),
    wrappers={"pmd_populate": _PMD_POPULATE},
    physical={"pmd_populate": f"{_VMEMMAP} ? PFN_PHYS(page_to_pfn((pgtable_t)a)) : a"},
    as_gcc=True,
    defines=tuple(f"__builtin_loongarch_{name}=0" for name in _CSR),
    given=(
        "invalid_pte_table and its like lie somewhere in the kernel's image, at 0x9000000002000000 here",
        "the other page of the pair that a TLB entry maps is not global, so that linux-6.1's pte_clear() stores 0",
        "without a virtual memory map pmd_populate() is pmd_populate_kernel() of the table's __va(): page_address() reads tables in memory there",
    ),
)
