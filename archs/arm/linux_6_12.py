"""arm at linux-6.12: an exclusive bit, taken from the offset in v6.3.

Sources: arch/arm/include/asm/pgtable.h, pgtable-{2,3}level.h, pgalloc.h, arch/arm/mm/mmu.c, proc-v7-{2,3}level.S of linux-6.12.
"""

from __future__ import annotations

from typing import Final

from archs import linux
from archs.arm import lpae, pgtable, two_level
from archs.arm.pgtable import PGTABLE
from bitspec.expr import Expr, any_of, clear
from bitspec.fields import software
from bitspec.hardware import Hardware
from bitspec.layout import Config, Kernel, Layout, Provenance, definitions, helper

_FORMATS: Final = {"lpae": lpae.FORMAT, "2-level": two_level.FORMAT}
_EXCLUSIVE: Final = software("L_PTE_SWP_EXCLUSIVE", 7, "anonymous page, exclusive")


@helper("pte_mkwrite_novma", PGTABLE)
def mkwrite_novma(k: Kernel, pte: Expr) -> Expr:
    return pgtable.writable(k, pte)


@helper("pte_mkwrite", "include/linux/pgtable.h")
def mkwrite(k: Kernel, pte: Expr) -> Expr:
    return k.mkwrite_novma(pte)


@helper("pmd_mkwrite_novma", lpae.HEADER)
def pmd_mkwrite_novma(k: Kernel, pmd: Expr) -> Expr:
    return lpae.pmd_writable(k, pmd)


@helper("pmd_mkwrite", "include/linux/pgtable.h")
def pmd_mkwrite(k: Kernel, pmd: Expr) -> Expr:
    return k.mkwrite_novma(pmd)


@helper("__swp_entry", PGTABLE)
def swp_entry(k: Kernel, swap_type: Expr, offset: Expr) -> Expr:
    """The type is masked; so is the offset, by the width of an unsigned long."""
    return k.field("SWP_TYPE").insert(swap_type, 32) | offset << k.shift("SWP_OFFSET")


@helper("pte_swp_exclusive", PGTABLE)
def swp_exclusive(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["L_PTE_SWP_EXCLUSIVE"])


@helper("pte_swp_mkexclusive", PGTABLE)
def swp_mkexclusive(k: Kernel, pte: Expr) -> Expr:
    return pte | k["L_PTE_SWP_EXCLUSIVE"]


@helper("pte_swp_clear_exclusive", PGTABLE)
def swp_clear_exclusive(k: Kernel, pte: Expr) -> Expr:
    return clear(pte, k["L_PTE_SWP_EXCLUSIVE"])


def layout(hardware: Hardware, config: Config) -> Layout:
    """Arm at linux-6.12."""
    chosen = pgtable.supported(config)
    of = _FORMATS[hardware.variant]
    swap = pgtable.swap_view(of.width, 8, _EXCLUSIVE)
    return pgtable.layout(hardware, "linux-6.12", chosen, of, swap, definitions(globals()), linux.kinds(chosen), Provenance.CONFORMED)
