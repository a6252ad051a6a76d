"""What powerpc's kernel does its own way on a CPU with Radix Tree Translation (linux-6.12, where radix_enabled() is true)."""

from __future__ import annotations

from typing import Final

from bitspec.expr import Expr, all_of, and_, any_of, clear, eq, none_of
from bitspec.layout import Kernel, definitions, helper

_RADIX: Final = "arch/powerpc/include/asm/book3s/64/radix.h"
_PGTABLE: Final = "arch/powerpc/include/asm/book3s/64/pgtable.h"
_PGTABLE_C: Final = "arch/powerpc/mm/book3s64/pgtable.c"
_PGALLOC: Final = "arch/powerpc/include/asm/book3s/64/pgalloc.h"

PMD_SHIFT: Final = {"radix-64k": 21, "radix-4k": 21}
PUD_SHIFT: Final = {"radix-64k": 30, "radix-4k": 30}
TABLE_BITS: Final = {"radix-64k": (8, 12), "radix-4k": (12, 12)}
"""log2 of the size of a table of PTEs and of one of PMDs, in bytes: RADIX_PTE_INDEX_SIZE and RADIX_PMD_INDEX_SIZE, and 3."""

RADIX_BAD_BITS: Final = 0x6000_0000_0000_00E0
"""RADIX_PMD_BAD_BITS, RADIX_PUD_BAD_BITS: L and reserved bits of a page directory entry (1, 2 and 56:58 of the manual)."""


@helper("pte_none", _RADIX)
def pte_none(k: Kernel, pte: Expr) -> Expr:
    """RADIX_PTE_NONE_MASK: an empty entry may still get R or C written back."""
    return eq(clear(pte, k["_PAGE_DIRTY", "_PAGE_ACCESSED"]), 0)


@helper("pmd_bad pud_bad", _RADIX)
def bad(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, RADIX_BAD_BITS)


@helper("pmd_trans_huge pud_trans_huge", f"{_PGTABLE}, {_RADIX}")
def trans_huge(k: Kernel, entry: Expr) -> Expr:
    return and_(k.present(entry), all_of(entry, k["_PAGE_PTE"]), none_of(entry, k["_PAGE_DEVMAP"]))


@helper("pmd_mkdevmap pud_mkdevmap", _RADIX, needs="ZONE_DEVICE")
def mkdevmap(k: Kernel, entry: Expr) -> Expr:
    return entry | k["_PAGE_PTE", "_PAGE_DEVMAP"]


@helper("pfn_pmd pfn_pud", f"{_PGTABLE_C}, {_RADIX}")
def pfn_entry(k: Kernel, page: Expr, prot: Expr) -> Expr:
    return page << k.number("PAGE_SHIFT") & k["PTE_RPN_MASK"] | prot | k["_PAGE_PTE"]


@helper("pmd_mkinvalid pud_mkinvalid", f"{_PGTABLE_C}: pmdp_invalidate, pudp_invalidate")
def mkinvalid(k: Kernel, entry: Expr) -> Expr:
    """The kernel has no function of values by this name here: it is what pmdp_invalidate() and pudp_invalidate() store."""
    return clear(entry, k["_PAGE_PRESENT"]) | k["_PAGE_INVALID"]


@helper("pmd_populate pud_populate", f"{_PGALLOC}, {_RADIX}: RADIX_PMD_VAL_BITS, RADIX_PUD_VAL_BITS")
def populate(k: Kernel, table: Expr) -> Expr:
    """A page directory entry; NLS is the log2 of the lower table's number of entries."""
    return table | k["_PAGE_PRESENT"] | k.use.table_bits - 3


HELPERS: Final = definitions(globals())
