"""alpha at linux-6.12: the top bit of the swap type became the exclusive bit in v6.3, which pte_swp_exclusive() cannot see.

Sources: arch/alpha/include/asm/{pgtable,pgalloc,sparsemem}.h, arch/alpha/mm/init.c of linux-6.12.
"""

from __future__ import annotations

from typing import Final

from archs import linux
from archs.alpha import pgtable
from archs.alpha.pgtable import PGTABLE
from bitspec.expr import Expr, clear, ne, trunc
from bitspec.fields import software
from bitspec.hardware import Hardware
from bitspec.layout import Config, Kernel, Layout, definitions, helper

_SWAP: Final = pgtable.swap_view(
    software("SWP_OFFSET", (63, 40), "swap offset"),
    software("_PAGE_SWP_EXCLUSIVE", 39, "anonymous page, exclusive"),
    software("SWP_TYPE", (38, 32), "swap type"),
)


@helper("pte_mkwrite_novma", PGTABLE)
def mkwrite_novma(k: Kernel, pte: Expr) -> Expr:
    return pgtable.writable(k, pte)


@helper("pte_mkwrite", "include/linux/pgtable.h")
def mkwrite(k: Kernel, pte: Expr) -> Expr:
    return k.mkwrite_novma(pte)


@helper("__swp_entry", PGTABLE)
def swp_entry(k: Kernel, swap_type: Expr, offset: Expr) -> Expr:
    """The type is masked, the offset by the width of an unsigned long."""
    return k.field("SWP_TYPE").insert(swap_type, 64) | offset << k.shift("SWP_OFFSET")


@helper("pte_swp_exclusive", PGTABLE)
def swp_exclusive(k: Kernel, pte: Expr) -> Expr:
    """The C function returns an int, which is cut to 32 bits before anybody asks whether it is zero; the field lies above."""
    return ne(trunc(pte & k["_PAGE_SWP_EXCLUSIVE"], 32), 0)


@helper("pte_swp_mkexclusive", PGTABLE)
def swp_mkexclusive(k: Kernel, pte: Expr) -> Expr:
    return pte | k["_PAGE_SWP_EXCLUSIVE"]


@helper("pte_swp_clear_exclusive", PGTABLE)
def swp_clear_exclusive(k: Kernel, pte: Expr) -> Expr:
    return clear(pte, k["_PAGE_SWP_EXCLUSIVE"])


def layout(hardware: Hardware, config: Config) -> Layout:
    """Alpha at linux-6.12."""
    chosen = pgtable.supported(config)
    return pgtable.layout(hardware, "linux-6.12", chosen, _SWAP, definitions(globals()), linux.kinds(chosen))
