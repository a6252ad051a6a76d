"""Layouts that s390 might have had: what was said about THP migration on s390 in 2021, as proposals to be proved or refuted.

Each function gives linux-6.12 (or another release) with some helpers replaced.  Hardware bits, and the software bits of a mapped leaf, stay
where that release has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from archs.discover import layout
from archs.s390 import linux_6_12
from bitspec.expr import Expr, and_, any_of, clear, const, eq, ite, ne, none_of, not_, zext
from bitspec.fields import Field, Numbering, Owner, View, acts, software, view
from bitspec.layout import Kernel, Layout, SwapKind
from bitspec.vocabulary import Level

#: The fields of mapped leaves, swapped: how linux-6.1 had them at the region-third level while the conversion used linux-6.12's places.
_PUD_READ = Field("_REGION3_ENTRY_READ", ((1, 1),), Owner.SOFTWARE)
_PUD_WRITE = Field("_REGION3_ENTRY_WRITE", ((0, 0),), Owner.SOFTWARE)


def pte_format_in_segment_table() -> Layout:
    """The swap entry of a page table, 0x600 | type << 2 | offset << 12, written into a segment table of linux-6.12 as it is."""
    return layout("s390", "linux-6.12").but(
        __swp_entry_to_pmd=lambda k, swp: swp,
        __pmd_to_swp_entry=lambda k, pmd: pmd,
        pmd_swp_soft_dirty=lambda k, pmd: any_of(pmd, k.layout.at(Level.PTE)["_PAGE_SOFT_DIRTY"]),
        pmd_swp_mksoft_dirty=lambda k, pmd: pmd | k.layout.at(Level.PTE)["_PAGE_SOFT_DIRTY"],
        pmd_swp_clear_soft_dirty=lambda k, pmd: clear(pmd, k.layout.at(Level.PTE)["_PAGE_SOFT_DIRTY"]),
    )


def type_below_offset() -> View:
    """I and CS mark a swap entry; the type is in bits 6 to 9 and 11 (from the least significant), FC between them stays 0; the offset from
    bit 12."""
    return _marked(software("SWP_OFFSET_PMD", (0, 51)), software("SWP_TYPE_PMD", [52, (54, 57)]))


def type_in_origin() -> View:
    """I and CS mark a swap entry; the type is in bits 12 to 16, the offset, 47 bits, from bit 17: for migration entries, which need 43."""
    return _marked(software("SWP_OFFSET_PMD", (0, 46)), software("SWP_TYPE_PMD", (47, 51)))


def _marked(*rows: object) -> View:
    return view(
        "swap",
        *rows,  # type: ignore[arg-type]
        acts("_SEGMENT_ENTRY_INVALID", 58, "1"),
        software("_SEGMENT_ENTRY_COMM", 59, "1: a swap entry"),
        software("SWP_SOFT_DIRTY_PMD", 62, "soft-dirty"),
        numbering=Numbering.MSB0,
    )


def _with_swap_view(base: Layout, swap: View) -> Layout:
    use = base.uses[Level.PMD]
    return replace(base, uses={**base.uses, Level.PMD: replace(use, views={**use.views, "swap": swap})}, derived={}, _built={})


def marked_by_invalid_and_common(swap: View, present_as_before: bool = False) -> Layout:
    """linux-6.12 with swap entries in segment tables, in the places of `swap`, and no bit of a mapped entry moved.

    pmd_present() is ``v != 0x20 && !(v & 0x10)``, unless it is to stay ``v != 0x20``.
    """
    before = layout("s390", "linux-6.12")

    def encode(k: Kernel, swp: Expr) -> Expr:
        marks = k["_SEGMENT_ENTRY_INVALID", "_SEGMENT_ENTRY_COMM"]
        swap_type, offset = k.helper("__swp_type")(swp), k.helper("__swp_offset")(swp)
        return marks | k.field("SWP_TYPE_PMD").insert(swap_type, 64) | k.field("SWP_OFFSET_PMD").insert(offset, 64)

    def decode(k: Kernel, pmd: Expr) -> Expr:
        swap_type, offset = (zext(k.field(name).extract(pmd), 64) for name in ("SWP_TYPE_PMD", "SWP_OFFSET_PMD"))
        return k.helper("__swp_entry")(swap_type, offset)

    def present(k: Kernel, pmd: Expr) -> Expr:
        return and_(before.helper("pmd_present")(pmd), none_of(pmd, k["_SEGMENT_ENTRY_COMM"]))

    made = _with_swap_view(before, swap).but(
        __swp_entry_to_pmd=encode,
        __pmd_to_swp_entry=decode,
        pmd_swp_soft_dirty=lambda k, pmd: any_of(pmd, k["SWP_SOFT_DIRTY_PMD"]),
        pmd_swp_mksoft_dirty=lambda k, pmd: pmd | k["SWP_SOFT_DIRTY_PMD"],
        pmd_swp_clear_soft_dirty=lambda k, pmd: clear(pmd, k["SWP_SOFT_DIRTY_PMD"]),
    )
    return made if present_as_before else made.but(pmd_present=present)


def marked_by_table_type(table_type: int) -> Layout:
    """linux-6.13 with swap entries of segment and region-third tables marked by their table type (01, 10 or 11) in place of the common
    bit."""
    mark = table_type << 2

    def marked(k: Kernel, entry: Expr) -> Expr:
        """The entry has at least the bits of the mark, and I: no table and no valid leaf does."""
        return and_(eq(entry & mark, mark), any_of(entry, k.layout.at(Level.PMD)["_SEGMENT_ENTRY_INVALID"]))

    def make(k: Kernel, swap_type: Expr, offset: Expr) -> Expr:
        places = k.field("SWP_OFFSET_RSTE").insert(offset, 64) | k.field("SWP_TYPE_RSTE").insert(swap_type, 64)
        return places | k["_SEGMENT_ENTRY_INVALID"] | mark

    return layout("s390", "linux-6.13").but(
        mk_swap_rste=make,
        pmd_present=lambda k, pmd: and_(ne(pmd, linux_6_12.empty(k)), not_(marked(k, pmd))),
        pud_present=lambda k, pud: and_(ne(pud, linux_6_12.empty(k)), not_(marked(k, pud))),
    )


#: The migration kinds and their swap types when the statement was made (v5.12), and since v5.19.
MIGRATION_2021: Mapping[str, int] = {"migration-read": 30, "migration-write": 31}
MIGRATION: Mapping[str, int] = {"migration-read": 28, "migration-read-exclusive": 29, "migration-write": 30}


def migration_alone(numbers: Mapping[str, int], stored: Mapping[str, int], width: int) -> Layout:
    """linux-6.12 with nothing but migration entries in segment tables, and `width` bits to tell their kinds apart.

    Args:
        numbers: the kinds, and their swap types.
        stored: the value that is kept for each kind.
        width: of that value; it is in the bits from 6 up.
    """
    assert max(stored.values()) < 1 << width
    places = _marked(software("SWP_OFFSET_PMD", (0, 51)), software("SWP_TYPE_PMD", (58 - width, 57)))
    made = marked_by_invalid_and_common(places)
    kinds = tuple(SwapKind(state, range(number, number + 1), "pfn", "include/linux/swap.h") for state, number in numbers.items())

    def encode(k: Kernel, swp: Expr) -> Expr:
        kept = const(0, 64)
        for state, number in numbers.items():
            kept = ite(eq(k.helper("__swp_type")(swp), number), const(stored[state], 64), kept)
        marks = k["_SEGMENT_ENTRY_INVALID", "_SEGMENT_ENTRY_COMM"]
        return marks | k.field("SWP_TYPE_PMD").insert(kept, 64) | k.field("SWP_OFFSET_PMD").insert(k.helper("__swp_offset")(swp), 64)

    def decode(k: Kernel, pmd: Expr) -> Expr:
        kept = zext(k.field("SWP_TYPE_PMD").extract(pmd), 64)
        swap_type = const(0, 64)
        for state, number in numbers.items():
            swap_type = ite(eq(kept, stored[state]), const(number, 64), swap_type)
        return k.helper("__swp_entry")(swap_type, zext(k.field("SWP_OFFSET_PMD").extract(pmd), 64))

    return replace(made.but(__swp_entry_to_pmd=encode, __pmd_to_swp_entry=decode), kinds=kinds, derived={}, _built={})


def pud_read_and_write_swapped() -> Layout:
    """Region-third entries before v6.10: READ is bit 1 and WRITE bit 0, while the conversion from PTEs used the segment table's places, 0
    and 1."""
    return layout("s390", "linux-6.12").but(_PUD_READ, _PUD_WRITE, level=Level.PUD)
