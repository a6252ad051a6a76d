"""riscv64 at linux-6.12.

Swap entries have an exclusive mark (since v6.3), where a present entry has A; leaves have _PAGE_DEVMAP (since v6.11), and hugetlb pages of 64 KiB are
made of NAPOT PTEs (since v6.4).

Sources: arch/riscv/include/asm/{pgtable,pgtable-bits,pgtable-64,pgalloc}.h, arch/riscv/mm/{init,hugetlbpage}.c of linux-6.12.
"""

from __future__ import annotations

from typing import Final

from archs import linux
from archs.riscv64 import pgtable
from archs.riscv64.hardware import PAGE_SHIFT, VARIANTS
from archs.riscv64.pgtable import GENERIC, MAX_PHYSMEM_BITS, PGTABLE, PGTABLE_64
from bitspec.expr import Expr, and_, any_of, clear, const, ite
from bitspec.fields import Row, acts, software, view
from bitspec.hardware import Hardware
from bitspec.layout import Config, Kernel, Layout, Provenance, by_name, definitions, helper

SWAP: Final = (
    software("__SWP_OFFSET", (63, 12), "swap offset"),
    software("__SWP_TYPE", (11, 7), "swap type"),
    software("_PAGE_SWP_EXCLUSIVE", 6, "anonymous page, exclusive"),
)
_DEVMAP: Final = software("_PAGE_DEVMAP", 9, "device memory")


def napot(hardware: Hardware) -> tuple[Row, ...]:
    """The field of a PTE alone."""
    return (acts("_PAGE_NAPOT", 63, "N: one of 16 PTEs of a hugetlb page of 64 KiB"),) if VARIANTS[hardware.variant].svnapot else ()


# What an entry is


@helper("pud_write", PGTABLE)
def pud_write(k: Kernel, pud: Expr) -> Expr:
    return pgtable.write.build(k, pud)


@helper("pud_access_permitted_write", GENERIC)
def pud_access_permitted_write(k: Kernel, pud: Expr) -> Expr:
    return and_(k.present(pud), k.write(pud))


@helper("pte_devmap pmd_devmap", PGTABLE, needs="ZONE_DEVICE")
def devmap(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["_PAGE_DEVMAP"])


@helper("pud_devmap", PGTABLE_64, needs="ZONE_DEVICE")
def pud_devmap(k: Kernel, pud: Expr) -> Expr:
    return const(0, 1)


@helper("pte_pfn", PGTABLE)
def pte_pfn(k: Kernel, pte: Expr) -> Expr:
    """Of a NAPOT PTE without the lowest bit, which tells the size."""
    found = pgtable.page_val_to_pfn(k, pte)
    if not VARIANTS[k.layout.hardware.variant].svnapot:
        return found
    return ite(any_of(pte, k["_PAGE_NAPOT"]), found & (found - 1), found)


# Setters


@helper("pte_mkwrite_novma pmd_mkwrite_novma", PGTABLE)
def mkwrite_novma(k: Kernel, entry: Expr) -> Expr:
    return pgtable.writable(k, entry)


@helper("pte_mkwrite pmd_mkwrite", GENERIC)
def mkwrite(k: Kernel, entry: Expr) -> Expr:
    return k.mkwrite_novma(entry)


@helper("pte_mkdevmap pmd_mkdevmap", PGTABLE, needs="ZONE_DEVICE")
def mkdevmap(k: Kernel, entry: Expr) -> Expr:
    return entry | k["_PAGE_DEVMAP"]


@helper("arch_make_huge_pte", "arch/riscv/mm/hugetlbpage.c")
def arch_make_huge_pte(k: Kernel, pte: Expr) -> Expr:
    """For PMD_SIZE and PUD_SIZE; a page of 64 KiB is made of NAPOT PTEs instead (pte_mknapot)."""
    return k.mkhuge(pte)


# Swap entries


@helper("__swp_entry", PGTABLE)
def swp_entry(k: Kernel, swap_type: Expr, offset: Expr) -> Expr:
    kind = k.field("__SWP_TYPE")
    return (swap_type & (1 << kind.width) - 1) << kind.shift | offset << k.shift("__SWP_OFFSET")


@helper("pte_swp_exclusive", PGTABLE)
def swp_exclusive(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_SWP_EXCLUSIVE"])


@helper("pte_swp_mkexclusive", PGTABLE)
def swp_mkexclusive(k: Kernel, pte: Expr) -> Expr:
    return pte | k["_PAGE_SWP_EXCLUSIVE"]


@helper("pte_swp_clear_exclusive", PGTABLE)
def swp_clear_exclusive(k: Kernel, pte: Expr) -> Expr:
    return clear(pte, k["_PAGE_SWP_EXCLUSIVE"])


# The layout

DEFINITIONS: Final = definitions(globals())


def layout(hardware: Hardware, config: Config) -> Layout:
    """riscv64 at linux-6.12."""
    chosen = pgtable.supported(config, "ZONE_DEVICE", "DEVICE_PRIVATE")
    return Layout(
        hardware=hardware,
        release="linux-6.12",
        provenance=Provenance.CONFORMED,
        config=chosen,
        uses=pgtable.uses(hardware, view("swap", *SWAP, source=PGTABLE), _DEVMAP, pte=napot(hardware)),
        helpers=by_name(linux.HELPERS, pgtable.HELPERS, DEFINITIONS),
        kinds=linux.kinds(chosen),
        pfn_bits=MAX_PHYSMEM_BITS - PAGE_SHIFT,
        sources=(*pgtable.SOURCES, "arch/riscv/mm/hugetlbpage.c"),
        numbers={"PAGE_SHIFT": PAGE_SHIFT},
    )
