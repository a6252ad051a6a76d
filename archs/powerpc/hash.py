"""What powerpc's kernel does its own way on a CPU with a hashed page table (linux-6.12, where radix_enabled() is false).

The MMU does not see the Linux tables, so every bit is the kernel's. Huge pages differ by page size: with 64K pages a PMD maps 16 MB and is
marked H_PAGE_THP_HUGE; with 4K pages there are none, and what would make one is BUG().
"""

from __future__ import annotations

from typing import Final

from bitspec.expr import FALSE, Expr, all_of, and_, any_of, clear, eq, none_of
from bitspec.layout import Absent, Kernel, definitions, helper

_HASH: Final = "arch/powerpc/include/asm/book3s/64/hash.h"
_HASH_4K: Final = "arch/powerpc/include/asm/book3s/64/hash-4k.h"
_HASH_64K: Final = "arch/powerpc/include/asm/book3s/64/hash-64k.h"
_PGTABLE: Final = "arch/powerpc/include/asm/book3s/64/pgtable.h"
_PGTABLE_C: Final = "arch/powerpc/mm/book3s64/pgtable.c"
_PGALLOC: Final = "arch/powerpc/include/asm/book3s/64/pgalloc.h"

PMD_SHIFT: Final = {"hash-64k": 24, "hash-4k": 21}
PUD_SHIFT: Final = {"hash-64k": 34, "hash-4k": 28}
TABLE_BITS: Final = {"hash-64k": (12, 14), "hash-4k": (12, 10)}
"""log2 of PTE_TABLE_SIZE and PMD_TABLE_SIZE; with 64K pages a table has a second half, for the slots of the hashed page table."""


def hpteflags(k: Kernel) -> int:
    """_PAGE_HPTEFLAGS: what the hash fault handler keeps in an entry.

    Under radix the constant is the same, and the bits are expected to be zero.
    """
    return k["H_PAGE_BUSY", "H_PAGE_HASHPTE"] | (k["H_PAGE_COMBO"] if _64k(k) else k["H_PAGE_F_GIX", "H_PAGE_F_SECOND"])


def _64k(k: Kernel) -> bool:
    return k.number("PAGE_SHIFT") == 16


@helper("pte_none", _HASH)
def pte_none(k: Kernel, pte: Expr) -> Expr:
    return eq(clear(pte, hpteflags(k)), 0)


@helper("pmd_bad pud_bad", f"{_HASH}: H_PMD_BAD_BITS, H_PUD_BAD_BITS")
def bad(k: Kernel, entry: Expr) -> Expr:
    """A table is aligned to its size, so that the bits below are clear."""
    return any_of(entry, (1 << k.use.table_bits) - 1)


@helper("pmd_trans_huge", f"{_PGTABLE}, {_HASH_64K}, {_HASH_4K}")
def pmd_trans_huge(k: Kernel, pmd: Expr) -> Expr:
    if not _64k(k):
        return FALSE
    return and_(k.present(pmd), all_of(pmd, k["_PAGE_PTE", "H_PAGE_THP_HUGE"]), none_of(pmd, k["_PAGE_DEVMAP"]))


@helper("pud_trans_huge", _PGTABLE)
def pud_trans_huge(k: Kernel, pud: Expr) -> Expr:
    return FALSE


@helper("pmd_mkdevmap", f"{_HASH_64K}, {_HASH_4K}", needs="ZONE_DEVICE")
def pmd_mkdevmap(k: Kernel, pmd: Expr) -> Expr:
    if not _64k(k):
        raise Absent("pmd_mkdevmap() is BUG() with hash translation and 4K pages (hash__pmd_mkdevmap)")
    return pmd | k["_PAGE_PTE", "H_PAGE_THP_HUGE", "_PAGE_DEVMAP"]


@helper("pud_mkdevmap", _PGTABLE, needs="ZONE_DEVICE")
def pud_mkdevmap(k: Kernel, pud: Expr) -> Expr:
    raise Absent("pud_mkdevmap() is BUG() with hash translation")


@helper("pfn_pmd", f"{_PGTABLE_C}, {_HASH_64K}, {_HASH_4K}")
def pfn_pmd(k: Kernel, page: Expr, prot: Expr) -> Expr:
    if not _64k(k):
        raise Absent("pfn_pmd() is BUG() with hash translation and 4K pages (hash__pmd_mkhuge)")
    return page << k.number("PAGE_SHIFT") & k["PTE_RPN_MASK"] | prot | k["_PAGE_PTE", "H_PAGE_THP_HUGE"]


@helper("pfn_pud", _PGTABLE_C)
def pfn_pud(k: Kernel, page: Expr, prot: Expr) -> Expr:
    raise Absent("pfn_pud() is BUG() with hash translation (__pud_mkhuge)")


@helper("pmd_mkinvalid", f"{_PGTABLE_C}: pmdp_invalidate")
def pmd_mkinvalid(k: Kernel, pmd: Expr) -> Expr:
    """The kernel has no function of values by this name here: it is what pmdp_invalidate() stores."""
    return clear(pmd, k["_PAGE_PRESENT"]) | k["_PAGE_INVALID"]


@helper("pud_mkinvalid", _PGTABLE)
def pud_mkinvalid(k: Kernel, pud: Expr) -> Expr:
    raise Absent("pudp_invalidate() is BUG() with hash translation (pud_hugepage_update)")


@helper("pmd_populate pud_populate", f"{_PGALLOC}, {_HASH}: HASH_PMD_VAL_BITS, HASH_PUD_VAL_BITS")
def populate(k: Kernel, table: Expr) -> Expr:
    return table | k["_PAGE_PRESENT"]


HELPERS: Final = definitions(globals())
