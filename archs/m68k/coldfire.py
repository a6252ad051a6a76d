"""m68k's format for the ColdFire's MMU: the bits of MMUDR in their places, those of MMUTR shifted up by 10, and two of the kernel's own.

_PAGE_WRITABLE is CF_PAGE_WRITABLE here, _PAGE_DIRTY is CF_PAGE_DIRTY, and _PAGE_ACCESSED is CF_PAGE_ACCESSED; the helpers of all formats use these names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from archs.m68k.pgtable import Format
from bitspec.expr import Expr, any_of, clear
from bitspec.fields import View, acts, view
from bitspec.layout import Kernel, LevelUse, definitions, helper, protections
from bitspec.vocabulary import Level

HEADER: Final = "arch/m68k/include/asm/mcf_pgtable.h"

_LEAF: Final = view(
    "leaf",
    acts("PFN", (31, 13), "the frame"),
    acts("_PAGE_ACCESSED", 12, "referenced, as the refill noted it"),
    acts("CF_PAGE_SHARED", 11, "SG"),
    acts("CF_PAGE_VALID", 10, "V"),
    acts("CF_PAGE_NOCACHE", 7, "CM"),
    acts("CF_PAGE_COPYBACK", 6, "CM"),
    acts("CF_PAGE_SYSTEM", 5, "SP"),
    acts("CF_PAGE_READABLE", 4, "R"),
    acts("_PAGE_WRITABLE", 3, "W"),
    acts("CF_PAGE_EXEC", 2, "X"),
    acts("CF_PAGE_LOCKED", 1, "LK"),
    acts("_PAGE_DIRTY", 0, "written, as the refill noted it"),
    width=32,
    source=HEADER,
)

_NONE: Final = 1 << 10 | 1 << 12
_SHARED, _READABLE, _WRITABLE, _EXEC = 1 << 11, 1 << 4, 1 << 3, 1 << 2

#: protection_map, arch/m68k/mm/mcfmmu.c
_PROTECTIONS: Final = protections({
    "VM_NONE": _NONE,
    "VM_READ": _NONE | _READABLE,
    "VM_WRITE": _NONE | _WRITABLE,
    "VM_WRITE|VM_READ": _NONE | _READABLE | _WRITABLE,
    "VM_EXEC": _NONE | _EXEC,
    "VM_EXEC|VM_READ": _NONE | _READABLE | _EXEC,
    "VM_EXEC|VM_WRITE": _NONE | _WRITABLE | _EXEC,
    "VM_EXEC|VM_WRITE|VM_READ": _NONE | _READABLE | _WRITABLE | _EXEC,
    "VM_SHARED": _NONE,
    "VM_SHARED|VM_READ": _NONE | _READABLE,
    "VM_SHARED|VM_WRITE": _NONE | _SHARED,
    "VM_SHARED|VM_WRITE|VM_READ": _NONE | _READABLE | _SHARED,
    "VM_SHARED|VM_EXEC": _NONE | _EXEC,
    "VM_SHARED|VM_EXEC|VM_READ": _NONE | _READABLE | _EXEC,
    "VM_SHARED|VM_EXEC|VM_WRITE": _NONE | _SHARED | _EXEC,
    "VM_SHARED|VM_EXEC|VM_WRITE|VM_READ": _NONE | _READABLE | _SHARED | _EXEC,
})  # fmt: skip


def _uses(swap: View) -> Mapping[Level, LevelUse]:
    return {Level.PTE: LevelUse({"leaf": _LEAF, "swap": swap}, 0, _PROTECTIONS, extra=1 << 7)}


@helper("pte_present", HEADER)
def present(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["CF_PAGE_VALID"])


@helper("pte_write", HEADER)
def write(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_WRITABLE"])


@helper("pte_exec", HEADER)
def executable(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["CF_PAGE_EXEC"])


@helper("pte_wrprotect", HEADER)
def wrprotect(k: Kernel, pte: Expr) -> Expr:
    return clear(pte, k["_PAGE_WRITABLE"])


@helper("pte_modify", HEADER)
def modify(k: Kernel, pte: Expr, prot: Expr) -> Expr:
    """CF_PAGE_CHG_MASK."""
    return pte & k["PFN", "_PAGE_ACCESSED", "_PAGE_DIRTY"] | prot


@helper("pte_pfn", HEADER)
def pfn(k: Kernel, pte: Expr) -> Expr:
    return pte >> k.number("PAGE_SHIFT")


@helper("pfn_pte", HEADER)
def pfn_pte(k: Kernel, page: Expr, prot: Expr) -> Expr:
    return page << k.number("PAGE_SHIFT") | prot


FORMAT: Final = Format(_uses, definitions(globals()), (HEADER, "arch/m68k/include/asm/mcfmmu.h", "arch/m68k/mm/mcfmmu.c"))
