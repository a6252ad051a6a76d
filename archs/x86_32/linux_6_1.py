"""32-bit x86 at linux-6.1: no exclusive bit, and no mask on a swap type.

Sources: arch/x86/include/asm/{pgtable,pgtable_types,pgtable-2level,pgtable-3level,pgtable-invert}.h, arch/x86/mm/{pgprot,hugetlbpage}.c of linux-6.1.
"""

from __future__ import annotations

from typing import Final

from archs import linux
from archs.x86_32 import pgtable
from archs.x86_32.pgtable import BOTH, CODEC, PGTABLE
from bitspec.expr import Expr, and_, any_of, clear, ne, not_
from bitspec.hardware import Hardware
from bitspec.layout import Config, Kernel, Layout, definitions, helper

_DEVMAP: Final = 58


@helper("pmd_huge", "arch/x86/mm/hugetlbpage.c")
def huge(k: Kernel, pmd: Expr) -> Expr:
    return and_(not_(k.none(pmd)), ne(pmd & k["_PAGE_PRESENT", "_PAGE_PSE"], k["_PAGE_PRESENT"]))


@helper(BOTH.format("dirty"), PGTABLE)
def dirty(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["_PAGE_DIRTY"])


@helper(BOTH.format("mkdirty"), PGTABLE)
def mkdirty(k: Kernel, entry: Expr) -> Expr:
    return entry | k["_PAGE_DIRTY"]


@helper(BOTH.format("mkclean"), PGTABLE)
def mkclean(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["_PAGE_DIRTY"])


@helper(BOTH.format("mkwrite"), PGTABLE)
def mkwrite(k: Kernel, entry: Expr) -> Expr:
    return pgtable.writable(k, entry)


@helper(BOTH.format("wrprotect"), PGTABLE)
def wrprotect(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["_PAGE_RW"])


@helper(BOTH.format("modify"), PGTABLE)
def modify(k: Kernel, entry: Expr, prot: Expr) -> Expr:
    return pgtable.changed(k, entry, prot)


@helper("__swp_entry", CODEC)
def swp_entry(k: Kernel, swap_type: Expr, offset: Expr) -> Expr:
    return pgtable.encoded(k, swap_type, offset)


def layout(hardware: Hardware, config: Config) -> Layout:
    """32-bit x86 at linux-6.1."""
    chosen = pgtable.supported(config)
    kinds = linux.kinds(chosen, marker=False, swapin_error=True)
    return pgtable.layout(hardware, "linux-6.1", chosen, definitions(globals()), kinds, devmap=_DEVMAP)
