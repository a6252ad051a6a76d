"""How to compile 64-bit MIPS's headers, and what is known of the symbols its helpers depend on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from archs.mips64.hardware import VARIANTS
from archs.mips64.pgtable import INVALID_PTE_TABLE
from bitspec.lift.target import Target, Unit


def _pins(variant: str) -> Mapping[str, int | str]:
    return {
        "addr.invalid_pte_table": INVALID_PTE_TABLE,
        "addr.invalid_pmd_table": 0xFFFF_FFFF_8201_0000,
        "addr.invalid_pud_table": 0xFFFF_FFFF_8202_0000,
        "cpu_data+48": "CPU_CAVIUM_OCTEON2",  # cputype: cpu_has_rixi is that it is not CPU_CAVIUM_OCTEON
        "_page_cachable_default": 0,
    }


_PMD_POPULATE: Final = "({ pmd_t at = __pmd(0); pmd_populate_kernel(&init_mm, &at, (pte_t *)__va(a)); pmd_val(at); })"
"""page_address() reads tables in memory, as there is no virtual memory map: the helper is that of the kernel's own mappings."""

_SIZES: Final = tuple(f"-PAGE_SIZE_{size}KB" for size in (4, 16, 64))

TARGET: Final = Target(
    arch="mips",
    triple="mips64-linux-gnuabi64",
    defconfig="cavium_octeon_defconfig",
    options={name: (*_SIZES, f"PAGE_SIZE_{name.upper()}B") for name in VARIANTS},
    units=(
        Unit("cache", ("arch/mips/mm/cache.c",), {}, protections=True),
        Unit("hugetlbpage", ("arch/mips/mm/hugetlbpage.c",), {"pmd_huge": ""}),
    ),
    pins=_pins,
    wrappers={"pte_clear": "pte_val(__pte(0))", "pmd_populate": _PMD_POPULATE},
    initial=frozenset({"protection_map"}),
    by_physical={"pmd_populate": _PMD_POPULATE},
    physical={"pmd_populate": "a"},
    protection=("({{ setup_protection_map(); pgprot_val(vm_get_page_prot({n})); }})",),
    static_tables=("invalid_pte_table", "invalid_pmd_table", "invalid_pud_table"),
    given=(
        "the other page of the pair that a TLB entry maps is not global, so that pte_clear() stores 0",
        "pmd_populate() is pmd_populate_kernel() of the table's __va(): page_address() reads tables in memory",
        "invalid_pte_table and its like lie somewhere in the kernel's image, at 0xffffffff82000000 here",
        "the CPU is an Octeon that has RI and XI, and _page_cachable_default is 0: nothing sets it on Octeon",
    ),
)
