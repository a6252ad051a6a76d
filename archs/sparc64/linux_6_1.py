"""sparc64 at linux-6.1: eight bits for the swap type, no exclusive bit, and a dirty page is writable to the hardware whether or not it is to the kernel.

Sources: arch/sparc/include/asm/{pgtable_64,pgalloc_64}.h, arch/sparc/mm/{init_64,hugetlbpage,tlb}.c of linux-6.1.
"""

from __future__ import annotations

from typing import Final

from archs import linux
from archs.sparc64 import pgtable
from archs.sparc64.pgtable import HUGETLB, PGTABLE
from bitspec.expr import Expr, and_, ne, zext
from bitspec.fields import software
from bitspec.hardware import Hardware
from bitspec.layout import Config, Kernel, Layout, definitions, helper

_SWAP: Final = pgtable.swap_view(software("SWP_OFFSET", (63, 21), "swap offset"), software("SWP_TYPE", (20, 13), "swap type"))


@helper("pte_mkdirty pmd_mkdirty", PGTABLE)
def mkdirty(k: Kernel, entry: Expr) -> Expr:
    """W is set even in an entry that is not writable."""
    return entry | k["_PAGE_MODIFIED", "_PAGE_W"]


@helper("pte_mkwrite pmd_mkwrite", PGTABLE)
def mkwrite(k: Kernel, entry: Expr) -> Expr:
    return entry | k["_PAGE_WRITE"]


@helper("pmd_huge pud_huge", HUGETLB)
def huge(k: Kernel, entry: Expr) -> Expr:
    """True of tables, too, which have neither of the bits."""
    valid = k["_PAGE_VALID"]
    return and_(ne(entry, 0), ne(entry & (valid | k["_PAGE_PMD_HUGE"]), valid))


@helper("__swp_type", PGTABLE)
def swp_type(k: Kernel, swp: Expr) -> Expr:
    return zext(k.field("SWP_TYPE").extract(swp), 64)


@helper("__swp_entry", PGTABLE)
def swp_entry(k: Kernel, swap_type: Expr, offset: Expr) -> Expr:
    """The type is not masked."""
    return swap_type << k.shift("SWP_TYPE") | offset << k.shift("SWP_OFFSET")


def layout(hardware: Hardware, config: Config) -> Layout:
    """sparc64 at linux-6.1."""
    chosen = pgtable.supported(config)
    kinds = linux.kinds(chosen, marker=False, swapin_error=True)
    return pgtable.layout(hardware, "linux-6.1", chosen, _SWAP, definitions(globals()), kinds)
