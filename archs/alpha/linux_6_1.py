"""alpha at linux-6.1: eight bits for the swap type, and no exclusive bit.

Sources: arch/alpha/include/asm/{pgtable,pgalloc,sparsemem}.h, arch/alpha/mm/init.c of linux-6.1.
"""

from __future__ import annotations

from typing import Final

from archs import linux
from archs.alpha import pgtable
from archs.alpha.pgtable import PGTABLE
from bitspec.expr import Expr
from bitspec.fields import software
from bitspec.hardware import Hardware
from bitspec.layout import Config, Kernel, Layout, definitions, helper

_SWAP: Final = pgtable.swap_view(software("SWP_OFFSET", (63, 40), "swap offset"), software("SWP_TYPE", (39, 32), "swap type"))


@helper("pte_mkwrite", PGTABLE)
def mkwrite(k: Kernel, pte: Expr) -> Expr:
    return pgtable.writable(k, pte)


@helper("__swp_entry", PGTABLE)
def swp_entry(k: Kernel, swap_type: Expr, offset: Expr) -> Expr:
    """Neither is masked."""
    return swap_type << k.shift("SWP_TYPE") | offset << k.shift("SWP_OFFSET")


def layout(hardware: Hardware, config: Config) -> Layout:
    """Alpha at linux-6.1."""
    chosen = pgtable.supported(config)
    kinds = linux.kinds(chosen, marker=False, swapin_error=True)
    return pgtable.layout(hardware, "linux-6.1", chosen, _SWAP, definitions(globals()), kinds)
