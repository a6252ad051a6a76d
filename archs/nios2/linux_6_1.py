"""nios2 at linux-6.1: two bits for the swap type, and no exclusive bit.

Sources: arch/nios2/include/asm/{pgtable,pgtable-bits}.h, arch/nios2/mm/init.c of linux-6.1.
"""

from __future__ import annotations

from typing import Final

from archs import linux
from archs.nios2 import pgtable
from archs.nios2.pgtable import PGTABLE
from bitspec.expr import Expr
from bitspec.fields import software
from bitspec.hardware import Hardware
from bitspec.layout import Config, Kernel, Layout, definitions, helper

_SWAP: Final = pgtable.swap_view(software("SWP_TYPE", (27, 26), "swap type"), software("SWP_OFFSET", (19, 0), "swap offset"))


@helper("pte_mkwrite", PGTABLE)
def mkwrite(k: Kernel, pte: Expr) -> Expr:
    return pte | k["_PAGE_WRITE"]


def layout(hardware: Hardware, config: Config) -> Layout:
    """nios2 at linux-6.1."""
    chosen = pgtable.supported(config)
    kinds = linux.kinds(chosen, marker=False, swapin_error=True)
    return pgtable.layout(hardware, "linux-6.1", chosen, _SWAP, definitions(globals()), kinds)
