"""loongarch64 at linux-6.1.

A swap entry has no exclusive mark yet, and a type of eight bits that is not masked. There is no userfaultfd write-protection, and so there are no PTE
markers; and no devmap. Only _PAGE_MODIFIED counts as dirty.

Sources: arch/loongarch/include/asm/{pgtable,pgtable-bits,pgalloc}.h, arch/loongarch/mm/{cache,hugetlbpage}.c of linux-6.1.
"""

from __future__ import annotations

from typing import Final

from archs import linux
from archs.loongarch64 import pgtable
from archs.loongarch64.pgtable import PGTABLE
from bitspec.expr import Expr, any_of, zext
from bitspec.fields import software
from bitspec.hardware import Hardware
from bitspec.layout import Config, Kernel, Layout, by_name, definitions, helper

_SWAP: Final = (software("SWP_OFFSET", (63, 24), "swap offset"), software("SWP_TYPE", (23, 16), "swap type"))


@helper("pte_dirty pmd_dirty", PGTABLE)
def dirty(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["_PAGE_MODIFIED"])


@helper("pte_mkwrite pmd_mkwrite", PGTABLE)
def mkwrite(k: Kernel, entry: Expr) -> Expr:
    return pgtable.writable(k, entry)


@helper("pte_modify pmd_modify", PGTABLE)
def modify(k: Kernel, entry: Expr, prot: Expr) -> Expr:
    return pgtable.modified(k, entry, prot)


@helper("pmd_huge", "arch/loongarch/mm/hugetlbpage.c")
def pmd_huge(k: Kernel, pmd: Expr) -> Expr:
    return any_of(pmd, k["_PAGE_HUGE"])


@helper("__swp_type", PGTABLE)
def swp_type(k: Kernel, swp: Expr) -> Expr:
    return zext(k.field("SWP_TYPE").extract(swp), 64)


@helper("__swp_entry", PGTABLE)
def swp_entry(k: Kernel, swap_type: Expr, offset: Expr) -> Expr:
    """The type is not masked."""
    return swap_type << k.shift("SWP_TYPE") | offset << k.shift("SWP_OFFSET")


def layout(hardware: Hardware, config: Config) -> Layout:
    """loongarch64 at linux-6.1."""
    chosen = pgtable.supported(config)
    helpers = by_name(linux.HELPERS, pgtable.HELPERS, definitions(globals()))
    return pgtable.layout(hardware, "linux-6.1", chosen, helpers, linux.kinds(chosen, marker=False, swapin_error=True), _SWAP)
