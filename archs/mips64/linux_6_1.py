"""mips64 at linux-6.1: eight bits for the swap type and no exclusive bit, and a pte_modify() that drops _PAGE_SPECIAL.

There is no userfaultfd write-protection, and so there are no PTE markers.

Sources: arch/mips/include/asm/{pgtable,pgtable-64,pgtable-bits,pgalloc}.h, arch/mips/mm/{cache,hugetlbpage}.c of linux-6.1.
"""

from __future__ import annotations

from typing import Final

from archs import linux
from archs.mips64 import pgtable
from archs.mips64.pgtable import PGTABLE, PGTABLE_64
from bitspec.expr import Expr, any_of
from bitspec.fields import software
from bitspec.hardware import Hardware
from bitspec.layout import Config, Kernel, Layout, definitions, helper

_SWAP: Final = (
    software("SWP_OFFSET", (63, 24), "swap offset"),
    software("SWP_TYPE", (23, 16), "swap type"),
)


@helper("pte_mkwrite pmd_mkwrite", PGTABLE)
def mkwrite(k: Kernel, entry: Expr) -> Expr:
    return pgtable.writable(k, entry)


@helper("pte_modify pmd_modify", PGTABLE)
def modify(k: Kernel, entry: Expr, prot: Expr) -> Expr:
    return pgtable.changed(k, entry, prot)


@helper("pmd_huge", "arch/mips/mm/hugetlbpage.c")
def pmd_huge(k: Kernel, pmd: Expr) -> Expr:
    return any_of(pmd, k["_PAGE_HUGE"])


@helper("__swp_entry", PGTABLE_64)
def swp_entry(k: Kernel, swap_type: Expr, offset: Expr) -> Expr:
    """Neither is masked."""
    return swap_type << k.shift("SWP_TYPE") | offset << k.shift("SWP_OFFSET")


def layout(hardware: Hardware, config: Config) -> Layout:
    """mips64 at linux-6.1."""
    chosen = pgtable.supported(config)
    kinds = linux.kinds(chosen, marker=False, swapin_error=True)
    return pgtable.layout(hardware, "linux-6.1", chosen, _SWAP, definitions(globals()), kinds)
