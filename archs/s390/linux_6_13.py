"""s390 at linux-6.13: segment- and region-third-table entries get a present bit, and swap entries of their own, for the PTE markers of
hugetlbfs.

Commits ae1b9fb2d556, 03e6db16b808, f934f6be76c1 and 487ef5d4d912.  Sources: arch/s390/include/asm/{pgtable,pgalloc,hugetlb}.h,
arch/s390/mm/{hugetlbpage,mmap}.c of linux-6.13.2.
"""

from __future__ import annotations

from typing import Final

from archs import linux
from archs.s390 import linux_6_12 as previous
from bitspec.expr import Expr, and_, any_of, const, eq, ite, or_
from bitspec.fields import Numbering, Row, View, acts, software, view
from bitspec.hardware import Hardware
from bitspec.layout import Config, Kernel, Layout, Provenance, by_name, definitions, helper
from bitspec.vocabulary import Level

_PGTABLE: Final = "arch/s390/include/asm/pgtable.h"
_PGALLOC: Final = "arch/s390/include/asm/pgalloc.h"
_HUGETLB: Final = "arch/s390/mm/hugetlbpage.c"

# Fields


def _swap(level: str, invalid: str, table_type: str, where: str) -> View:
    return view(
        "swap",
        software("SWP_OFFSET_RSTE", (0, 51), "swap offset"),
        software("SWP_TYPE_RSTE", (53, 57), "swap type"),
        acts(invalid, 58, "1: not valid, and all else is the kernel's"),
        software(f"{level}COMM", 59, "1: not the empty entry. CS or CR in a valid entry, where it is never set"),
        acts(table_type, (60, 61), where),
        software(f"{level}SOFT_DIRTY", 62, "soft-dirty"),
        software(f"{level}PRESENT", 63, "0: not mapped"),
        numbering=Numbering.MSB0,
        source=_PGTABLE,
    )


def _software(level: str) -> tuple[Row, ...]:
    return (
        software(f"{level}WRITE", 48, "stores are allowed once it is dirty; in ACC"),
        software(f"{level}READ", 49, "accesses are allowed once it is young; in ACC"),
        software(f"{level}SOFT_DIRTY", 62, "written since soft-dirty was cleared"),
        software(f"{level}PRESENT", 63, "mapped; in a region-third table entry that leads to a table it is part of TL, and 1"),
    )


SEGMENT_VIEWS: Final = {
    "leaf": previous.segment_leaf(*_software("_SEGMENT_ENTRY_")),
    "swap": _swap("_SEGMENT_ENTRY_", "_SEGMENT_ENTRY_INVALID", "_SEGMENT_ENTRY_TYPE_MASK", "TT, 00: in a segment table"),
}
REGION_VIEWS: Final = {
    "leaf": previous.region_leaf(*_software("_REGION3_ENTRY_")),
    "swap": _swap("_REGION3_ENTRY_", "_REGION_ENTRY_INVALID", "_REGION_ENTRY_TYPE_MASK", "TT, 01: in a region-third table"),
}

# What an entry is


@helper("pmd_present", _PGTABLE)
def pmd_present(k: Kernel, pmd: Expr) -> Expr:
    return any_of(pmd, k["_SEGMENT_ENTRY_PRESENT"])


@helper("pud_present", _PGTABLE)
def pud_present(k: Kernel, pud: Expr) -> Expr:
    return or_(previous.pud_folded(pud), any_of(pud, k["_REGION3_ENTRY_PRESENT"]))


@helper("pmd_leaf", _PGTABLE)
def pmd_leaf(k: Kernel, pmd: Expr) -> Expr:
    return and_(k.present(pmd), any_of(pmd, k["_SEGMENT_ENTRY_LARGE"]))


@helper("pmd_trans_huge", _PGTABLE)
def pmd_trans_huge(k: Kernel, pmd: Expr) -> Expr:
    return k.leaf(pmd)


@helper("pud_leaf", _PGTABLE)
def pud_leaf(k: Kernel, pud: Expr) -> Expr:
    region_third = eq(previous.table_type(pud), previous.REGION_ENTRY_TYPE_R3)
    return and_(region_third, k.present(pud), any_of(pud, k["_REGION3_ENTRY_LARGE"]))


# Construction


def _massaged(k: Kernel, prot: Expr) -> Expr:
    """The SEGMENT_* protections have the present bit."""
    return previous.massage_pgprot_pmd(prot, previous.page_protections(k), previous.segment_protections(k, k["_SEGMENT_ENTRY_PRESENT"]))


@helper("pfn_pmd", f"{_PGTABLE}: mk_pmd_phys")
def pfn_pmd(k: Kernel, pfn: Expr, prot: Expr) -> Expr:
    return (pfn << previous.PAGE_SHIFT) + _massaged(k, prot)


@helper("pmd_modify", _PGTABLE)
def pmd_modify(k: Kernel, pmd: Expr, prot: Expr) -> Expr:
    return previous.modified(k, pmd, _massaged(k, prot))


@helper("pmd_populate", _PGALLOC)
def pmd_populate(k: Kernel, table: Expr) -> Expr:
    """_SEGMENT_ENTRY."""
    return table | k["_SEGMENT_ENTRY_PRESENT"]


@helper("pud_populate", _PGALLOC)
def pud_populate(k: Kernel, table: Expr) -> Expr:
    """_REGION3_ENTRY."""
    return table | previous.REGION_ENTRY_TYPE_R3 | k["_REGION_ENTRY_LENGTH", "_REGION3_ENTRY_PRESENT"]


# Swap entries of segment and region-third tables


@helper("mk_swap_rste", _PGTABLE)
def mk_swap_rste(k: Kernel, swap_type: Expr, offset: Expr) -> Expr:
    """_RST_ENTRY_INVALID and _RST_ENTRY_COMM, which are the same bits in both tables; TT is left 00."""
    marks = k["_SEGMENT_ENTRY_INVALID", "_SEGMENT_ENTRY_COMM"]
    return marks | k.field("SWP_OFFSET_RSTE").insert(offset, 64) | k.field("SWP_TYPE_RSTE").insert(swap_type, 64)


@helper("__swp_type_rste", _PGTABLE)
def swp_type_rste(k: Kernel, swp: Expr) -> Expr:
    return previous.field_at(swp, k.field("SWP_TYPE_RSTE"))


@helper("__swp_offset_rste", _PGTABLE)
def swp_offset_rste(k: Kernel, swp: Expr) -> Expr:
    return previous.field_at(swp, k.field("SWP_OFFSET_RSTE"))


# hugetlbfs


@helper("__pte_to_rste_pmd __pte_to_rste_pud", f"{_HUGETLB}: __pte_to_rste, __set_huge_pte_at")
def pte_to_rste(k: Kernel, pte: Expr) -> Expr:
    """A swap PTE keeps type and offset; its exclusive and soft-dirty marks are dropped."""
    segment = k.layout.at(Level.PMD)
    swp = k.helper("__pte_to_swp_entry")(pte)
    swap = k.mk_swap_rste(k.helper("__swp_type")(swp), k.helper("__swp_offset")(swp))
    absent = ite(k.pte_none(pte), const(previous.empty(segment), 64), swap)
    present = previous.present_pte_to_rste(k, pte) | segment["_SEGMENT_ENTRY_PRESENT"]
    return previous.set_huge(k, pte, ite(k.pte_present(pte), present, absent))


@helper("__rste_to_pte_pmd __rste_to_pte_pud", f"{_HUGETLB}: __rste_to_pte")
def rste_to_pte(k: Kernel, rste: Expr) -> Expr:
    pte_level = k.layout.at(Level.PTE)
    swap = previous.mk_swap_pte(pte_level, k.helper("__swp_type_rste")(rste), k.helper("__swp_offset_rste")(rste))
    absent = ite(previous.either_level(k, "none", rste), const(previous.empty(pte_level), 64), swap)
    return ite(previous.either_level(k, "present", rste), previous.present_rste_to_pte(k, rste), absent)


# The layout

DEFINITIONS: Final = definitions(globals())


def layout(hardware: Hardware, config: Config) -> Layout:
    """s390 at linux-6.13."""
    chosen = previous.supported(config)
    return Layout(
        hardware=hardware,
        release="linux-6.13",
        provenance=Provenance.CONFORMED,
        config=chosen,
        uses=previous.uses(SEGMENT_VIEWS, REGION_VIEWS, previous.protection_map(previous.ALL_BITS)),
        helpers=by_name(linux.HELPERS, previous.DEFINITIONS, DEFINITIONS),
        kinds=linux.kinds(chosen),
        pfn_bits=previous.MAX_PHYSMEM_BITS - previous.PAGE_SHIFT,
        marker_bits=3,  # PTE_MARKER_GUARD is new
        sources=previous.SOURCES,
        numbers={
            "PAGE_SHIFT": previous.PAGE_SHIFT,
            "MACHINE_HAS_NX": int(hardware.variant == "z14"),
            "noexec_mask": previous.ALL_BITS,
        },
    )
