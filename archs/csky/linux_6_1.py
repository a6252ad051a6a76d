"""C-SKY at linux-6.1: no exclusive bit, and an offset of one bit more.

Sources: arch/csky/include/asm/pgtable.h, arch/csky/abiv{1,2}/inc/abi/pgtable-bits.h, arch/csky/mm/init.c of linux-6.1.
"""

from __future__ import annotations

from typing import Final

from archs import linux
from archs.csky import pgtable
from archs.csky.pgtable import PGTABLE
from bitspec.expr import Expr
from bitspec.hardware import Hardware
from bitspec.layout import Config, Kernel, Layout, definitions, helper

_SWAP: Final = {
    "abiv1": pgtable.swap_view([8, (5, 2)], [(31, 9)]),
    "abiv2": pgtable.swap_view([(6, 2)], [(31, 11), (8, 7)]),
}


@helper("pte_mkwrite", PGTABLE)
def mkwrite(k: Kernel, pte: Expr) -> Expr:
    return pgtable.writable(k, pte)


def layout(hardware: Hardware, config: Config) -> Layout:
    """C-SKY at linux-6.1."""
    chosen = pgtable.supported(config)
    kinds = linux.kinds(chosen, marker=False, swapin_error=True)
    return pgtable.layout(hardware, "linux-6.1", chosen, _SWAP[hardware.variant], definitions(globals()), kinds)
