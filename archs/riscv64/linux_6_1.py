"""riscv64 at linux-6.1.

A swap entry has no exclusive mark yet, and its type is not masked.  There is no userfaultfd write-protection, and so there are no PTE markers; no devmap,
and no NAPOT PTE.

Sources: arch/riscv/include/asm/{pgtable,pgtable-bits,pgtable-64,pgalloc}.h, arch/riscv/mm/{init,hugetlbpage}.c of linux-6.1.
"""

from __future__ import annotations

from typing import Final

from archs import linux
from archs.riscv64 import pgtable
from archs.riscv64.hardware import PAGE_SHIFT
from archs.riscv64.pgtable import MAX_PHYSMEM_BITS, PGTABLE
from bitspec.expr import Expr
from bitspec.fields import software, view
from bitspec.hardware import Hardware
from bitspec.layout import Config, Kernel, Layout, Provenance, by_name, definitions, helper

_SWAP: Final = view(
    "swap",
    software("__SWP_OFFSET", (63, 11), "swap offset"),
    software("__SWP_TYPE", (10, 6), "swap type"),
    source=PGTABLE,
)


@helper("pmd_huge pud_huge", "arch/riscv/mm/hugetlbpage.c")
def huge(k: Kernel, entry: Expr) -> Expr:
    return k.leaf(entry)


@helper("pte_pfn", PGTABLE)
def pte_pfn(k: Kernel, pte: Expr) -> Expr:
    return pgtable.page_val_to_pfn(k, pte)


@helper("pte_mkwrite pmd_mkwrite", PGTABLE)
def mkwrite(k: Kernel, entry: Expr) -> Expr:
    return pgtable.writable(k, entry)


@helper("arch_make_huge_pte", "include/linux/hugetlb.h")
def arch_make_huge_pte(k: Kernel, pte: Expr) -> Expr:
    return k.mkhuge(pte)


@helper("__swp_entry", PGTABLE)
def swp_entry(k: Kernel, swap_type: Expr, offset: Expr) -> Expr:
    """Neither is masked."""
    return swap_type << k.shift("__SWP_TYPE") | offset << k.shift("__SWP_OFFSET")


def layout(hardware: Hardware, config: Config) -> Layout:
    """riscv64 at linux-6.1."""
    chosen = pgtable.supported(config)
    return Layout(
        hardware=hardware,
        release="linux-6.1",
        provenance=Provenance.CONFORMED,
        config=chosen,
        uses=pgtable.uses(hardware, _SWAP),
        helpers=by_name(linux.HELPERS, pgtable.HELPERS, definitions(globals())),
        kinds=linux.kinds(chosen, marker=False, swapin_error=True),
        pfn_bits=MAX_PHYSMEM_BITS - PAGE_SHIFT,
        sources=(*pgtable.SOURCES, "arch/riscv/mm/hugetlbpage.c"),
        numbers={"PAGE_SHIFT": PAGE_SHIFT},
    )
