"""m68k at linux-6.1: the swap type is not masked, and there is no exclusive bit.

Sources: arch/m68k/include/asm/{motorola,mcf,sun3}_pgtable.h of linux-6.1, and what each format names.
"""

from __future__ import annotations

from typing import Final

from archs import linux
from archs.m68k import coldfire, motorola, pgtable, sun3
from archs.m68k.pgtable import HEADERS
from bitspec.expr import Expr
from bitspec.fields import View, software, view
from bitspec.hardware import Hardware
from bitspec.layout import Config, Kernel, Layout, Provenance, definitions, helper


def _swap(kind: tuple[int, int], offset: tuple[int, int], source: str) -> View:
    return view("swap", software("SWP_OFFSET", offset, "swap offset"), software("SWP_TYPE", kind, "swap type"), width=32, source=source)


_FORMATS: Final = {
    "motorola": (motorola.FORMAT, _swap((11, 4), (31, 12), motorola.HEADER)),
    "coldfire": (coldfire.FORMAT, _swap((7, 0), (31, 11), coldfire.HEADER)),
    "sun3": (sun3.FORMAT, _swap((6, 0), (31, 7), sun3.HEADER)),
}


@helper("pte_mkwrite", HEADERS)
def mkwrite(k: Kernel, pte: Expr) -> Expr:
    return pgtable.writable(k, pte)


@helper("__swp_entry", HEADERS)
def swp_entry(k: Kernel, swap_type: Expr, offset: Expr) -> Expr:
    """Neither is masked."""
    return swap_type << k.shift("SWP_TYPE") | offset << k.shift("SWP_OFFSET")


def layout(hardware: Hardware, config: Config) -> Layout:
    """m68k at linux-6.1."""
    chosen = pgtable.supported(config)
    of, swap = _FORMATS[hardware.variant]
    kinds = linux.kinds(chosen, marker=False, swapin_error=True)
    return pgtable.layout(hardware, "linux-6.1", chosen, of, swap, definitions(globals()), kinds, Provenance.CONFORMED)
