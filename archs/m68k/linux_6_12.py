"""m68k at linux-6.12: type and exclusive bit since ed4154067a08 (v6.3), which masks what it encodes.

Sources: arch/m68k/include/asm/{motorola,mcf,sun3}_pgtable.h of linux-6.12, and what each format names.
"""

from __future__ import annotations

from typing import Final

from archs import linux
from archs.m68k import coldfire, motorola, pgtable, sun3
from archs.m68k.pgtable import HEADERS
from bitspec.expr import Expr, any_of, clear
from bitspec.fields import View, software, view
from bitspec.hardware import Hardware
from bitspec.layout import Config, Kernel, Layout, Provenance, definitions, helper


def _swap(kind: tuple[int, int], exclusive: int, offset: tuple[int, int], source: str) -> View:
    return view(
        "swap",
        software("SWP_OFFSET", offset, "swap offset"),
        software("_PAGE_SWP_EXCLUSIVE", exclusive, "anonymous page, exclusive"),
        software("SWP_TYPE", kind, "swap type"),
        width=32,
        source=source,
    )


_FORMATS: Final = {
    "motorola": (motorola.FORMAT, _swap((10, 4), 11, (31, 12), motorola.HEADER)),
    "coldfire": (coldfire.FORMAT, _swap((6, 0), 7, (31, 11), coldfire.HEADER)),
    "sun3": (sun3.FORMAT, _swap((5, 0), 6, (30, 7), sun3.HEADER)),
}


@helper("pte_mkwrite_novma", HEADERS)
def mkwrite_novma(k: Kernel, pte: Expr) -> Expr:
    return pgtable.writable(k, pte)


@helper("pte_mkwrite", "include/linux/pgtable.h")
def mkwrite(k: Kernel, pte: Expr) -> Expr:
    return k.mkwrite_novma(pte)


@helper("__swp_entry", HEADERS)
def swp_entry(k: Kernel, swap_type: Expr, offset: Expr) -> Expr:
    """The type is masked; so is the offset, by the width of an unsigned long and, on Sun-3, with ~SUN3_PAGE_VALID."""
    return k.field("SWP_TYPE").insert(swap_type, 32) | k.field("SWP_OFFSET").insert(offset, 32)


@helper("pte_swp_exclusive", HEADERS)
def swp_exclusive(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_SWP_EXCLUSIVE"])


@helper("pte_swp_mkexclusive", HEADERS)
def swp_mkexclusive(k: Kernel, pte: Expr) -> Expr:
    return pte | k["_PAGE_SWP_EXCLUSIVE"]


@helper("pte_swp_clear_exclusive", HEADERS)
def swp_clear_exclusive(k: Kernel, pte: Expr) -> Expr:
    return clear(pte, k["_PAGE_SWP_EXCLUSIVE"])


def layout(hardware: Hardware, config: Config) -> Layout:
    """m68k at linux-6.12."""
    chosen = pgtable.supported(config)
    of, swap = _FORMATS[hardware.variant]
    return pgtable.layout(hardware, "linux-6.12", chosen, of, swap, definitions(globals()), linux.kinds(chosen), Provenance.CONFORMED)
