"""nios2 at linux-6.12: five bits for the swap type and an exclusive bit, since 0a9ad8273ff4 (v6.3).

Sources: arch/nios2/include/asm/{pgtable,pgtable-bits}.h, arch/nios2/mm/init.c of linux-6.12.
"""

from __future__ import annotations

from typing import Final

from archs import linux
from archs.nios2 import pgtable
from archs.nios2.pgtable import PGTABLE
from bitspec.expr import Expr, any_of, clear
from bitspec.fields import software
from bitspec.hardware import Hardware
from bitspec.layout import Config, Kernel, Layout, definitions, helper

_SWAP: Final = pgtable.swap_view(
    software("_PAGE_SWP_EXCLUSIVE", 31, "anonymous page, exclusive"),
    software("SWP_TYPE", (30, 26), "swap type"),
    software("SWP_OFFSET", (19, 0), "swap offset"),
)


@helper("pte_mkwrite_novma", PGTABLE)
def mkwrite_novma(k: Kernel, pte: Expr) -> Expr:
    return pte | k["_PAGE_WRITE"]


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
    """nios2 at linux-6.12."""
    chosen = pgtable.supported(config)
    return pgtable.layout(hardware, "linux-6.12", chosen, _SWAP, definitions(globals()), linux.kinds(chosen))
