"""C-SKY at linux-6.12: an exclusive bit, taken from the offset in v6.3.

Sources: arch/csky/include/asm/pgtable.h, arch/csky/abiv{1,2}/inc/abi/pgtable-bits.h, arch/csky/mm/init.c of linux-6.12.
"""

from __future__ import annotations

from typing import Final

from archs import linux
from archs.csky import pgtable
from archs.csky.pgtable import PGTABLE
from bitspec.expr import Expr, any_of, clear
from bitspec.fields import software
from bitspec.hardware import Hardware
from bitspec.layout import Config, Kernel, Layout, definitions, helper

_SWAP: Final = {
    "abiv1": pgtable.swap_view([8, (5, 2)], [(31, 10)], software("_PAGE_SWP_EXCLUSIVE", 9, "anonymous page, exclusive")),
    "abiv2": pgtable.swap_view([(6, 2)], [(31, 11), 8], software("_PAGE_SWP_EXCLUSIVE", 7, "anonymous page, exclusive")),
}


@helper("pte_mkwrite_novma", PGTABLE)
def mkwrite_novma(k: Kernel, pte: Expr) -> Expr:
    return pgtable.writable(k, pte)


@helper("pte_mkwrite", "include/linux/pgtable.h")
def mkwrite(k: Kernel, pte: Expr) -> Expr:
    return k.mkwrite_novma(pte)


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
    """C-SKY at linux-6.12."""
    chosen = pgtable.supported(config)
    return pgtable.layout(hardware, "linux-6.12", chosen, _SWAP[hardware.variant], definitions(globals()), linux.kinds(chosen))
