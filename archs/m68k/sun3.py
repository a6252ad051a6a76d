"""m68k's format for the Sun-3's MMU: a page map entry.

_PAGE_WRITABLE is SUN3_PAGE_WRITEABLE here, _PAGE_DIRTY is SUN3_PAGE_MODIFIED, and _PAGE_ACCESSED is SUN3_PAGE_ACCESSED; the helpers of all formats use
these names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from archs.m68k.pgtable import Format
from bitspec.expr import Expr, any_of, clear
from bitspec.fields import View, acts, view
from bitspec.layout import Kernel, LevelUse, definitions, helper, protections
from bitspec.vocabulary import Level

HEADER: Final = "arch/m68k/include/asm/sun3_pgtable.h"

_LEAF: Final = view(
    "leaf",
    acts("SUN3_PAGE_VALID", 31, "valid"),
    acts("_PAGE_WRITABLE", 30, "write"),
    acts("SUN3_PAGE_SYSTEM", 29, "system"),
    acts("SUN3_PAGE_NOCACHE", 28, "nocache"),
    acts("SUN3_PAGE_TYPE_MASK", (27, 26), "type"),
    acts("_PAGE_ACCESSED", 25, "accessed"),
    acts("_PAGE_DIRTY", 24, "modified"),
    acts("SUN3_PAGE_PGNUM_MASK", (18, 0), "pgnum"),
    width=32,
    source=HEADER,
)

_READONLY: Final = 1 << 31 | 1 << 25 | 1 << 28  # PAGE_NONE and PAGE_COPY as well
_SHARED: Final = _READONLY | 1 << 30

#: protection_map, arch/m68k/mm/sun3mmu.c
_PROTECTIONS: Final = protections({
    "VM_NONE": _READONLY,
    "VM_READ": _READONLY,
    "VM_WRITE": _READONLY,
    "VM_WRITE|VM_READ": _READONLY,
    "VM_EXEC": _READONLY,
    "VM_EXEC|VM_READ": _READONLY,
    "VM_EXEC|VM_WRITE": _READONLY,
    "VM_EXEC|VM_WRITE|VM_READ": _READONLY,
    "VM_SHARED": _READONLY,
    "VM_SHARED|VM_READ": _READONLY,
    "VM_SHARED|VM_WRITE": _SHARED,
    "VM_SHARED|VM_WRITE|VM_READ": _SHARED,
    "VM_SHARED|VM_EXEC": _READONLY,
    "VM_SHARED|VM_EXEC|VM_READ": _READONLY,
    "VM_SHARED|VM_EXEC|VM_WRITE": _SHARED,
    "VM_SHARED|VM_EXEC|VM_WRITE|VM_READ": _SHARED,
})  # fmt: skip


def _uses(swap: View) -> Mapping[Level, LevelUse]:
    return {Level.PTE: LevelUse({"leaf": _LEAF, "swap": swap}, 0, _PROTECTIONS)}


@helper("pte_present", HEADER)
def present(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["SUN3_PAGE_VALID"])


@helper("pte_write", HEADER)
def write(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_WRITABLE"])


@helper("pte_wrprotect", HEADER)
def wrprotect(k: Kernel, pte: Expr) -> Expr:
    return clear(pte, k["_PAGE_WRITABLE"])


@helper("pte_modify", HEADER)
def modify(k: Kernel, pte: Expr, prot: Expr) -> Expr:
    """SUN3_PAGE_CHG_MASK, arch/m68k/include/asm/sun3mmu.h."""
    return pte & k["SUN3_PAGE_PGNUM_MASK", "_PAGE_ACCESSED", "_PAGE_DIRTY"] | prot


@helper("pte_pfn", HEADER)
def pfn(k: Kernel, pte: Expr) -> Expr:
    return pte & k["SUN3_PAGE_PGNUM_MASK"]


@helper("pfn_pte", HEADER)
def pfn_pte(k: Kernel, page: Expr, prot: Expr) -> Expr:
    """The frame is not masked."""
    return page | prot


FORMAT: Final = Format(_uses, definitions(globals()), (HEADER, "arch/m68k/include/asm/sun3mmu.h", "arch/m68k/mm/sun3mmu.c"))
