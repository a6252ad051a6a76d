"""mips64 at linux-6.12: the top bit of the swap type became the exclusive bit in v6.3, and pte_modify() keeps _PAGE_SPECIAL.

Sources: arch/mips/include/asm/{pgtable,pgtable-64,pgtable-bits,pgalloc}.h, arch/mips/mm/cache.c of linux-6.12.
"""

from __future__ import annotations

from typing import Final

from archs import linux
from archs.mips64 import pgtable
from archs.mips64.pgtable import GENERIC, PGTABLE, PGTABLE_64
from bitspec.expr import Expr, any_of, clear
from bitspec.fields import software
from bitspec.hardware import Hardware
from bitspec.layout import Config, Kernel, Layout, definitions, helper

_SWAP: Final = (
    software("SWP_OFFSET", (63, 24), "swap offset"),
    software("_PAGE_SWP_EXCLUSIVE", 23, "anonymous page, exclusive"),
    software("SWP_TYPE", (22, 16), "swap type"),
)


@helper("pte_mkwrite_novma pmd_mkwrite_novma", PGTABLE)
def mkwrite_novma(k: Kernel, entry: Expr) -> Expr:
    return pgtable.writable(k, entry)


@helper("pte_mkwrite pmd_mkwrite", GENERIC)
def mkwrite(k: Kernel, entry: Expr) -> Expr:
    return k.mkwrite_novma(entry)


@helper("pte_modify pmd_modify", PGTABLE)
def modify(k: Kernel, entry: Expr, prot: Expr) -> Expr:
    """_PAGE_CHG_MASK is the same for both, though no PMD is special."""
    return pgtable.changed(k, entry, prot, "_PAGE_SPECIAL")


# Swap entries


@helper("__swp_entry", PGTABLE_64)
def swp_entry(k: Kernel, swap_type: Expr, offset: Expr) -> Expr:
    """The type is masked."""
    return k.field("SWP_TYPE").insert(swap_type, 64) | offset << k.shift("SWP_OFFSET")


@helper("pte_swp_exclusive", PGTABLE)
def swp_exclusive(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_SWP_EXCLUSIVE"])


@helper("pte_swp_mkexclusive", PGTABLE)
def swp_mkexclusive(k: Kernel, pte: Expr) -> Expr:
    return pte | k["_PAGE_SWP_EXCLUSIVE"]


@helper("pte_swp_clear_exclusive", PGTABLE)
def swp_clear_exclusive(k: Kernel, pte: Expr) -> Expr:
    return clear(pte, k["_PAGE_SWP_EXCLUSIVE"])


def layout(hardware: Hardware, config: Config) -> Layout:
    """mips64 at linux-6.12."""
    chosen = pgtable.supported(config)
    return pgtable.layout(hardware, "linux-6.12", chosen, _SWAP, definitions(globals()), linux.kinds(chosen))
