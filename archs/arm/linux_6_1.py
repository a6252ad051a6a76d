"""arm at linux-6.1: the swap type is not masked, and there is no exclusive bit.

Sources: arch/arm/include/asm/pgtable.h, pgtable-{2,3}level.h, pgalloc.h, arch/arm/mm/mmu.c, hugetlbpage.c, proc-v7-{2,3}level.S of linux-6.1.
"""

from __future__ import annotations

from typing import Final

from archs import linux
from archs.arm import lpae, pgtable, two_level
from archs.arm.pgtable import PGTABLE
from bitspec.expr import Expr, and_, ne, none_of
from bitspec.hardware import Hardware
from bitspec.layout import Config, Kernel, Layout, Provenance, definitions, helper

_FORMATS: Final = {"lpae": lpae.FORMAT, "2-level": two_level.FORMAT}


@helper("pte_mkwrite", PGTABLE)
def mkwrite(k: Kernel, pte: Expr) -> Expr:
    return pgtable.writable(k, pte)


@helper("pmd_mkwrite", lpae.HEADER)
def pmd_mkwrite(k: Kernel, pmd: Expr) -> Expr:
    return lpae.pmd_writable(k, pmd)


@helper("pmd_huge", "arch/arm/mm/hugetlbpage.c")
def pmd_huge(k: Kernel, pmd: Expr) -> Expr:
    return and_(ne(pmd, 0), none_of(pmd, k["PMD_TABLE_BIT"]))


@helper("__swp_entry", PGTABLE)
def swp_entry(k: Kernel, swap_type: Expr, offset: Expr) -> Expr:
    """Neither is masked."""
    return swap_type << k.shift("SWP_TYPE") | offset << k.shift("SWP_OFFSET")


def layout(hardware: Hardware, config: Config) -> Layout:
    """Arm at linux-6.1."""
    chosen = pgtable.supported(config)
    of = _FORMATS[hardware.variant]
    kinds = linux.kinds(chosen, marker=False, swapin_error=True)
    return pgtable.layout(hardware, "linux-6.1", chosen, of, pgtable.swap_view(of.width, 7), definitions(globals()), kinds, Provenance.CONFORMED)
