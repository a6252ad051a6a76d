"""The MMU of 64-bit MIPS with RI and XI, as Octeon+ and later have it, and pages of 4, 16 and 64 KiB: a TLB that software fills.

A walk is the handlers and the TLB together, repeated until the access succeeds or do_page_fault() has it:

- The refill handler finds the entry, or a huge page's in the directory by _PAGE_HUGE, rotates it to the right by ilog2(_PAGE_GLOBAL) and writes it to
  EntryLo0 or EntryLo1 (build_update_entries, build_huge_update_entries, build_convert_pte_to_entrylo). It asks for nothing else. The six bits of
  software's come to lie above the PFN, where the TLB keeps no bits; a CPU that might keep some gets the entry shifted first (check_pabits).
- Where V is 0 the access raises a TLB invalid exception. handle_tlbl sets V and the accessed bit where the present bit is set, whatever RI and XI say;
  handle_tlbs sets V, D, the accessed and the modified bit where present and write are. Both write the entry back, to memory and to the TLB. Else it is a
  page fault.
- Where V is 1 and RI inhibits a load, or XI a fetch, it is a page fault, by an exception of its own or by handle_tlbl, which tells it by V in the TLB.
- A store to a page with V and without D raises a TLB modified exception. handle_tlbm does as handle_tlbs where write is set. It does not ask for present.

What a handler writes back is an update here; an entry without both V and the present bit is invalid, whatever the access.

A pair of pages is one TLB entry. A huge page is a pair of halves: EntryLo1 is EntryLo0 with half the size added to the PFN, and PageMask is that of the half
(build_huge_tlb_write_entry). In a directory entry without _PAGE_HUGE the handlers have the virtual address of the lower table, and load from there.

Sources: MIPS Architecture For Programmers, Volume III: MIPS64 Privileged Resource Architecture (MD00091): EntryLo0 and EntryLo1, PageMask, PageGrain, the
TLB exceptions. Of it only the contents were at hand; TLBR of the instruction set (volume II) for what PageMask does to the PFN, c2bc435e4f2c and
6dd9344cfc41 of the kernel, by Imagination and Cavium, for RI and XI: Octeon+ has them at the top of a 64-bit EntryLo, as SmartMIPS has of a 32-bit one.
arch/mips/include/asm/octeon/cvmx-address.h: physical and unmapped addresses of Octeon. arch/mips/mm/tlbex.c and tlb-r4k.c: the handlers, which do the same
in linux-6.1 and linux-6.12.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bitspec.expr import Expr, all_of, and_, any_of, bit, bits, eq, ite, none_of, not_, or_, zext
from bitspec.fields import Row, View, acts, ignored, view
from bitspec.hardware import Access, Context, Hardware, HardwareLevel, Update, Walk, Walker, decide
from bitspec.vocabulary import Level

MANUAL: Final = "MIPS Architecture For Programmers, volume III (MD00091)"
_HANDLERS: Final = "arch/mips/mm/tlbex.c"
_ENTRYLO: Final = f"{MANUAL}, EntryLo0 and EntryLo1; {_HANDLERS}: build_convert_pte_to_entrylo"

PABITS: Final = 49
"""Of Octeon, the topmost of which is I/O (cvmx-address.h: sphys)."""

# EntryLo
G, V, D, XI, RI = 0, 1, 2, 62, 63
PFN_SHIFT: Final = 6
"""The PFN's lowest bit is bit 12 of the address."""

# The entry in memory: what the handlers ask of it besides
PRESENT, WRITE, ACCESSED, MODIFIED, HUGE = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 4
SHIFT: Final = 8
"""ilog2(_PAGE_GLOBAL)."""


@dataclass(frozen=True)
class Paging:
    """What a variant fixes.

    Attributes:
        shift: log2 of the page size.
        levels: of tables; with two the kernel folds the pmd into its root.
    """

    shift: int
    levels: int

    @property
    def order(self) -> int:
        """log2 of the base pages that a huge page has."""
        return self.shift - 3


VARIANTS: Final = {"4k": Paging(12, 3), "16k": Paging(14, 3), "64k": Paging(16, 2)}
"""The page size, with the number of levels that the kernel has for it without MIPS_VA_BITS_48."""


def entrylo(entry: Expr) -> Expr:
    """What the refill writes to EntryLo0 or EntryLo1."""
    return entry >> SHIFT | entry << 64 - SHIFT


def _place(position: int) -> int:
    """Where the entry in memory has a bit of EntryLo."""
    return (position + SHIFT) % 64


VALID, DIRTY = 1 << _place(V), 1 << _place(D)

# The walk


def _refused(entry: Expr, access: Access) -> Expr:
    """An access whose exception ends in a page fault, though the entry may be valid.

    A store is permitted with V and D, or where a handler sets them: with the write bit, beside V or the present bit.
    """
    lo = entrylo(entry)
    match access:
        case Access.FETCH:
            return bit(lo, XI)
        case Access.LOAD:
            return bit(lo, RI)
        case Access.STORE:
            return not_(or_(all_of(lo, 1 << V | 1 << D), any_of(entry, WRITE)))


def _page(entry: Expr, access: Access) -> tuple[tuple[str, Expr], ...]:
    """What keeps a page's entry from being a leaf."""
    return (("invalid", and_(not_(bit(entrylo(entry), V)), none_of(entry, PRESENT))), ("refused", _refused(entry, access)))


def _frame(paging: Paging, low: int, entry: Expr) -> Expr:
    """The PFN without the bits that PageMask takes, those below bit `low` of the address."""
    drop = low - 12
    pfn = bits(entrylo(entry), PABITS - 12 + PFN_SHIFT - 1, PFN_SHIFT + drop)
    return zext(pfn, 64) << low - paging.shift


def _half(paging: Paging) -> int:
    """log2 of the size of a huge page's half."""
    return paging.shift + paging.order - 1


def physical(address: Expr) -> Expr:
    """Where an unmapped virtual address leads: xkphys by its low bits, ckseg0 and ckseg1 by theirs; any other one as it is."""
    unmapped = and_(eq(bits(address, 63, 31), (1 << 33) - 1), not_(bit(address, 30)))
    return ite(unmapped, address & (1 << 29) - 1, ite(eq(bits(address, 63, 62), 2), address & (1 << 59) - 1, address))


def _walker(paging: Paging, level: Level) -> Walker:
    if level is Level.PTE:
        return lambda entry, access, context: decide(*_page(entry, access), otherwise="leaf", frame=_frame(paging, paging.shift, entry))

    def walk(entry: Expr, access: Access, context: Context) -> Walk:
        table = none_of(entry, HUGE)
        return decide(("table", table), *_page(entry, access), otherwise="leaf", address=physical(entry), frame=_frame(paging, _half(paging), entry))

    return walk


def _updates(level: Level) -> tuple[Update, ...]:
    """What the handlers write back; in a directory entry, only with _PAGE_HUGE."""
    page = 0 if level is Level.PTE else HUGE

    def loaded(entry: Expr) -> Expr:
        return and_(all_of(entry, page | PRESENT), none_of(entry, VALID))

    def stored(entry: Expr) -> Expr:
        fresh, clean = and_(any_of(entry, PRESENT), none_of(entry, VALID)), and_(any_of(entry, VALID), none_of(entry, DIRTY))
        return and_(all_of(entry, page | WRITE), or_(fresh, clean))

    def marked(entry: Expr) -> Expr:
        return entry | ACCESSED | MODIFIED | VALID | DIRTY

    def read(entry: Expr) -> Expr:
        return entry | ACCESSED | VALID

    return (
        *(Update(f"V-{access.value}", loaded, read, f"{_HANDLERS}: build_r4000_tlb_load_handler", access) for access in (Access.LOAD, Access.FETCH)),
        Update("D", stored, marked, f"{_HANDLERS}: build_r4000_tlb_store_handler, build_r4000_tlb_modify_handler", Access.STORE),
    )


# The fields, at their places in memory


def _leaf_view(paging: Paging, level: Level) -> View:
    low = paging.shift if level is Level.PTE else _half(paging)
    first = _place(PFN_SHIFT)
    rows: list[Row] = [
        ignored("Fill", (63, _place(PFN_SHIFT + PABITS - 12)), "above the PFN: the TLB keeps no bits there"),
        acts("PFN", (_place(PFN_SHIFT + PABITS - 12) - 1, first + low - 12), "physical frame number"),
    ]
    if low > 12:
        rows.append(ignored("Mask", (first + low - 13, first), "of the PFN: not looked at, by PageMask"))
    rows += [
        acts("C", (first - 1, first - 3), "cacheability and coherency attribute"),
        acts("D", _place(D), "stores permitted"),
        acts("V", _place(V), "valid"),
        acts("G", _place(G), "global, if the other page of the pair says so, too"),
        acts("RI", _place(RI), "no loads"),
        acts("XI", _place(XI), "no fetches"),
        ignored("5", 5, "rotated above the PFN"),
    ]
    if level is Level.PTE:
        rows.append(ignored("4", 4, "rotated above the PFN"))
    else:
        rows.append(acts("_PAGE_HUGE", 4, "1: this entry is a huge page's"))
    rows += [
        ignored("3:2", (3, 2), "written by the handlers: modified and accessed"),
        acts("_PAGE_WRITE", 1, "writable: asked by the handlers"),
        acts("_PAGE_PRESENT", 0, "the page exists: asked by the handlers"),
    ]
    return view("leaf", *rows, source=_ENTRYLO)


def _table_view() -> View:
    return view(
        "table",
        acts("VA", (63, 5), "virtual address of the lower table"),
        acts("_PAGE_HUGE", 4, "0: this entry points to a table"),
        acts("VA low", (3, 0), "virtual address of the lower table"),
        source=f"{_HANDLERS}: build_is_huge_pte, build_get_ptep",
    )


def _invalid_view(level: Level) -> View:
    middle = [ignored("8:1", (8, 1))]
    if level is not Level.PTE:
        middle = [ignored("8:5", (8, 5)), acts("_PAGE_HUGE", 4, "1: this entry is a huge page's"), ignored("3:1", (3, 1))]
    rows = (ignored("63:10", (63, 10)), acts("V", 9, "0: TLB invalid exception"), *middle, acts("_PAGE_PRESENT", 0, "0: the handlers give up"))
    return view("invalid", *rows, source=f"{_ENTRYLO}, build_pte_present, build_pte_writable")


def _level(paging: Paging, level: Level) -> HardwareLevel:
    views = {"invalid": _invalid_view(level), "leaf": _leaf_view(paging, level)}
    if level is not Level.PTE:
        views["table"] = _table_view()
    name = "EntryLo" if level is Level.PTE else "directory entry"
    return HardwareLevel(level, name, views, _walker(paging, level), _updates(level))


def hardware(variant: str) -> Hardware:
    """The MMU in one of :data:`VARIANTS`."""
    paging = VARIANTS[variant]
    levels = (Level.PTE, Level.PMD) if paging.levels > 2 else (Level.PTE,)
    return Hardware(
        arch="mips64",
        variant=variant,
        manual=MANUAL,
        levels={level: _level(paging, level) for level in levels},
        approximations=(
            "the CPU has RI and XI: Octeon+, II and III. The first Octeon has neither, and the kernel then shifts and asks its own no-read bit",
            "of the manual only the contents were at hand",
            "what walks is software: an entry stands for the TLB entry the handlers make of it, as if no older one were left in the TLB",
            "an access that RI or XI inhibits is refused; that handle_tlbl has set V and the accessed bit before, at the first one, is its update",
            "a hardware page table walker (HTW) and the instructions lddir and ldpte, which the kernel uses where it finds them, are not modelled",
            "the TLB takes G for 1 only where both pages of a pair have it: an entry is read alone",
            "a huge page's frame is that of its lower half; the upper one is as far above",
            "MIPS16 code, whose loads relative to the program counter RI does not inhibit, is not modelled",
            "a physical address has 49 bits, as Octeon's; the unmapped segments are taken to reach all of it",
            "a directory entry whose address is in a mapped segment is a table here, at that address: the load goes through the TLB itself",
            "so is one whose address is not aligned, where the load reads parts of two entries or is an address error",
            "the root directory is no level here; with two levels it is the one with huge pages, and the kernel folds the pmd into it",
        ),
    )
