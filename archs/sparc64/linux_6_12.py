"""sparc64 at linux-6.12: the top bit of the swap type became the exclusive bit in v6.3, and W needs both the right to write and a dirty page.

Sources: arch/sparc/include/asm/{pgtable_64,pgalloc_64}.h, arch/sparc/mm/{init_64,hugetlbpage,tlb}.c of linux-6.12.
"""

from __future__ import annotations

from typing import Final

from archs import linux
from archs.sparc64 import pgtable
from archs.sparc64.pgtable import GENERIC, PGTABLE
from bitspec.expr import Expr, any_of, clear, ite, zext
from bitspec.fields import software
from bitspec.hardware import Hardware
from bitspec.layout import Config, Kernel, Layout, definitions, helper

_SWAP: Final = pgtable.swap_view(
    software("SWP_OFFSET", (63, 21), "swap offset"),
    software("_PAGE_SWP_EXCLUSIVE", 20, "anonymous page, exclusive"),
    software("SWP_TYPE", (19, 13), "swap type"),
)


def _writable_if(k: Kernel, entry: Expr, given: str) -> Expr:
    """The entry, with W where it has the bit `given`."""
    return ite(any_of(entry, k[given]), entry | k["_PAGE_W"], entry)


@helper("pte_mkdirty pmd_mkdirty", PGTABLE)
def mkdirty(k: Kernel, entry: Expr) -> Expr:
    return _writable_if(k, entry | k["_PAGE_MODIFIED"], "_PAGE_WRITE")


@helper("pte_mkwrite_novma pmd_mkwrite_novma", PGTABLE)
def mkwrite_novma(k: Kernel, entry: Expr) -> Expr:
    return _writable_if(k, entry | k["_PAGE_WRITE"], "_PAGE_MODIFIED")


@helper("pte_mkwrite pmd_mkwrite", GENERIC)
def mkwrite(k: Kernel, entry: Expr) -> Expr:
    return k.mkwrite_novma(entry)


@helper("__swp_type", PGTABLE)
def swp_type(k: Kernel, swp: Expr) -> Expr:
    return zext(k.field("SWP_TYPE").extract(swp), 64)


@helper("__swp_entry", PGTABLE)
def swp_entry(k: Kernel, swap_type: Expr, offset: Expr) -> Expr:
    """The type is masked, the offset by the width of an unsigned long."""
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
    """sparc64 at linux-6.12."""
    chosen = pgtable.supported(config)
    return pgtable.layout(hardware, "linux-6.12", chosen, _SWAP, definitions(globals()), linux.kinds(chosen))
