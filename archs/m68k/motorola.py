"""m68k's format for Motorola MMUs, on a 68040 or 68060.

The pmd is a level of tables only: the kernel has no huge pages. The header puts the tag of a prot-none page on the write-protection bit, which the
hardware does not look at while the descriptor's type is 00.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from archs.m68k.pgtable import Format
from bitspec.expr import FALSE, Expr, any_of, ne, none_of
from bitspec.fields import Row, View, acts, software, view
from bitspec.layout import Kernel, LevelUse, definitions, helper, protections
from bitspec.vocabulary import Level

HEADER: Final = "arch/m68k/include/asm/motorola_pgtable.h"

_ATTRIBUTES: Final = (
    acts("PFN", (31, 12), "the frame"),
    acts("_PAGE_GLOBAL040", 10, "G"),
    acts("_PAGE_SUPER", 7, "S"),
    acts("_PAGE_NOCACHE", (6, 5), "CM: 00 _PAGE_CACHE040W, 01 _PAGE_CACHE040, 10 _PAGE_NOCACHE_S"),
    acts("_PAGE_DIRTY", 4, "M"),
    acts("_PAGE_ACCESSED", 3, "U"),
)
_TYPE: Final = (acts("_PAGE_SHORT", 1, "PDT: 0"), acts("_PAGE_PRESENT", 0, "PDT"))


def _view(name: str, *rows: Row) -> View:
    return view(name, *rows, width=32, source=HEADER)


_LEAF: Final = _view("leaf", *_ATTRIBUTES, acts("_PAGE_RONLY", 2, "W"), *_TYPE)
_ABSENT: Final = _view("invalid", *_ATTRIBUTES, software("_PAGE_PROTNONE", 2, "present, prot-none"), *_TYPE)
_TABLE: Final = _view(
    "table",
    acts("_TABLE_MASK", (31, 8), "the lower table"),
    acts("_PAGE_ACCESSED", 3, "U"),
    acts("_PAGE_RONLY", 2, "W"),
    acts("_DESCTYPE_MASK", (1, 0), "UDT: _PAGE_TABLE"),
)

_CACHE040: Final = 1 << 5  # paging_init() of arch/m68k/mm/motorola.c adds it to every protection
_NONE: Final = 1 << 2 | 1 << 3 | _CACHE040
_SHARED: Final = 1 << 0 | 1 << 3 | _CACHE040
_READONLY: Final = _SHARED | 1 << 2  # PAGE_COPY as well

#: protection_map, arch/m68k/mm/motorola.c
_PROTECTIONS: Final = protections({
    "VM_NONE": _NONE,
    "VM_READ": _READONLY,
    "VM_WRITE": _READONLY,
    "VM_WRITE|VM_READ": _READONLY,
    "VM_EXEC": _READONLY,
    "VM_EXEC|VM_READ": _READONLY,
    "VM_EXEC|VM_WRITE": _READONLY,
    "VM_EXEC|VM_WRITE|VM_READ": _READONLY,
    "VM_SHARED": _NONE,
    "VM_SHARED|VM_READ": _READONLY,
    "VM_SHARED|VM_WRITE": _SHARED,
    "VM_SHARED|VM_WRITE|VM_READ": _SHARED,
    "VM_SHARED|VM_EXEC": _READONLY,
    "VM_SHARED|VM_EXEC|VM_READ": _READONLY,
    "VM_SHARED|VM_EXEC|VM_WRITE": _SHARED,
    "VM_SHARED|VM_EXEC|VM_WRITE|VM_READ": _SHARED,
})  # fmt: skip

_PAGE_TABLE: Final = 1 << 1
_PTE_TABLE_BITS: Final = 8  # 64 entries of 4 bytes
_PMD_ORDER: Final = 18 - 12


def _uses(swap: View) -> Mapping[Level, LevelUse]:
    return {
        Level.PTE: LevelUse({"leaf": _LEAF, "invalid": _ABSENT, "swap": swap}, 0, _PROTECTIONS, extra=3 << 5),
        Level.PMD: LevelUse({"table": _TABLE}, _PMD_ORDER, (), table_bits=_PTE_TABLE_BITS),
    }


@helper("pte_present", HEADER)
def present(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_PRESENT", "_PAGE_PROTNONE"])


@helper("pte_write", HEADER)
def write(k: Kernel, pte: Expr) -> Expr:
    return none_of(pte, k["_PAGE_RONLY"])


@helper("pte_wrprotect", HEADER)
def wrprotect(k: Kernel, pte: Expr) -> Expr:
    return pte | k["_PAGE_RONLY"]


@helper("pte_modify", HEADER)
def modify(k: Kernel, pte: Expr, prot: Expr) -> Expr:
    """_PAGE_CHG_MASK."""
    return pte & k["PFN", "_PAGE_ACCESSED", "_PAGE_DIRTY", "_PAGE_NOCACHE"] | prot


@helper("pte_pfn", HEADER)
def pfn(k: Kernel, pte: Expr) -> Expr:
    return pte >> k.number("PAGE_SHIFT")


@helper("pfn_pte", HEADER)
def pfn_pte(k: Kernel, page: Expr, prot: Expr) -> Expr:
    return page << k.number("PAGE_SHIFT") | prot


@helper("pmd_bad", HEADER)
def bad(k: Kernel, pmd: Expr) -> Expr:
    return ne(pmd & k["_DESCTYPE_MASK"], _PAGE_TABLE)


@helper("pmd_present", HEADER)
def pmd_present(k: Kernel, pmd: Expr) -> Expr:
    return any_of(pmd, _PAGE_TABLE)


@helper("pmd_pfn", HEADER)
def pmd_pfn(k: Kernel, pmd: Expr) -> Expr:
    """Of the lower table."""
    return (pmd & k["_TABLE_MASK"]) >> k.number("PAGE_SHIFT")


@helper("pmd_leaf", "include/linux/pgtable.h")
def leaf(k: Kernel, pmd: Expr) -> Expr:
    return FALSE


@helper("pmd_populate", "arch/m68k/include/asm/motorola_pgalloc.h, pmd_set() of motorola_pgtable.h")
def populate(k: Kernel, table: Expr) -> Expr:
    return table | _PAGE_TABLE | k["_PAGE_ACCESSED"]


FORMAT: Final = Format(_uses, definitions(globals()), (HEADER, "arch/m68k/include/asm/motorola_pgalloc.h", "arch/m68k/mm/motorola.c"))
