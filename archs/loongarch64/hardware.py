"""The MMU of 64-bit LoongArch, with pages of 16, 4 and 64 KiB: a TLB that software fills from tables of a format the architecture fixes.

A walk is the handlers and the MMU together, repeated until the access succeeds or do_page_fault() has it:

- handle_tlb_refill loads an entry into the TLB as it is, by the instructions lddir and ldpte, which know directory entries and huge pages. It asks for
  neither P nor V.
- Where V is 0 the access raises a page invalid exception. handle_tlb_load sets V where P is set, handle_tlb_store V, D and bit 9 where P and W are; both
  write the entry back, to memory and to the TLB. Else it is a page fault.
- A store to a page with V and without D raises a page modify exception. handle_tlb_modify sets V, D and bit 9 where W is set. It does not ask for P.
- Every other exception is a page fault at once (handle_tlb_protect).

What a handler writes back is an update here; an entry without both V and P is invalid, whatever the access.

Sources: LoongArch Reference Manual, Volume 1: Basic Architecture, v1.10, chapter "Memory Management", section "Memory Management of Page Table Mapping"
with "TLB Entry", "Software Management of TLB", "TLB-based Translation of Virtual Addresses to Physical Addresses" (the order of the exceptions), and
"Multi-level Page Table Structure Supported by page walking" (the formats of entries); "Software page walking Instructions"; "TLB Entry Low-order
Bits"; "Memory Access Types". arch/loongarch/mm/tlbex.S: the handlers, which do the same in linux-6.1 and linux-6.12.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bitspec.expr import Expr, all_of, and_, any_of, bits, eq, ne, none_of, not_, or_
from bitspec.fields import Row, View, acts, ignored, view
from bitspec.hardware import Access, Context, Hardware, HardwareLevel, Update, Walk, Walker, decide
from bitspec.vocabulary import Level

MANUAL: Final = "LoongArch Reference Manual, volume 1, v1.10"
_FORMATS: Final = f"{MANUAL}, Multi-level Page Table Structure Supported by page walking"
_HANDLERS: Final = "arch/loongarch/mm/tlbex.S"

V, D, H, P, W = 1 << 0, 1 << 1, 1 << 6, 1 << 7, 1 << 8
MODIFIED: Final = 1 << 9
"""No bit of the manual's: the handlers set it with D."""
NR, NX = 1 << 61, 1 << 62
PALEN: Final = 48


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
        """log2 of the base pages that a huge page of the lowest directory has."""
        return self.shift - 3


VARIANTS: Final = {"16k": Paging(14, 3), "4k": Paging(12, 3), "64k": Paging(16, 2)}
"""The page size, with the number of levels that the kernel's defaults have for it: 16KB_3LEVEL, 4KB_3LEVEL, 64KB_2LEVEL."""

# The walk


def _refused(entry: Expr, access: Access) -> Expr:
    """An access at PLV3 that raises an exception whose handler gives up.

    PLV3 matches PLV = 3 alone, whatever RPLV is.  A store is permitted with V and D, or where a handler sets them: with W, beside P or V.
    """
    privilege = ne(bits(entry, 3, 2), 3)
    match access:
        case Access.FETCH:
            return or_(privilege, any_of(entry, NX))
        case Access.LOAD:
            return or_(privilege, any_of(entry, NR))
        case Access.STORE:
            return or_(privilege, not_(or_(all_of(entry, V | D), any_of(entry, W))))


def _page(entry: Expr, access: Access) -> tuple[tuple[str, Expr], ...]:
    """What keeps a page's entry from being a leaf."""
    return (("invalid", none_of(entry, V | P)), ("reserved", eq(bits(entry, 5, 4), 3)), ("refused", _refused(entry, access)))


def _frame(paging: Paging, low: int, entry: Expr) -> Expr:
    return (entry & (1 << PALEN) - (1 << low)) >> paging.shift


def _half(paging: Paging) -> int:
    """log2 of the size of a huge page's half: the TLB has pairs of pages, and ldpte makes the halves of a huge page one."""
    return paging.shift + paging.order - 1


def _walker(paging: Paging, level: Level) -> Walker:
    """The walk at one level.  Of a directory entry lddir looks at H alone: without it, it is the address of the lower table."""
    if level is Level.PTE:
        return lambda entry, access, context: decide(*_page(entry, access), otherwise="leaf", frame=_frame(paging, paging.shift, entry))

    def walk(entry: Expr, access: Access, context: Context) -> Walk:
        table = none_of(entry, H)
        address = entry & (1 << PALEN) - (1 << paging.shift)
        return decide(("table", table), *_page(entry, access), otherwise="leaf", address=address, frame=_frame(paging, _half(paging), entry))

    return walk


def _updates(level: Level) -> tuple[Update, ...]:
    """What the handlers write back; in a directory entry, only with H."""
    page = 0 if level is Level.PTE else H

    def loaded(entry: Expr) -> Expr:
        return and_(all_of(entry, page | P), none_of(entry, V))

    def stored(entry: Expr) -> Expr:
        fresh, clean = and_(any_of(entry, P), none_of(entry, V)), and_(any_of(entry, V), none_of(entry, D))
        return and_(all_of(entry, page | W), or_(fresh, clean))

    return (
        Update("D", stored, lambda entry: entry | V | D | MODIFIED, f"{_HANDLERS}: handle_tlb_store, handle_tlb_modify", Access.STORE),
        Update("V", loaded, lambda entry: entry | V, f"{_HANDLERS}: handle_tlb_load"),
    )


# The fields


def _leaf_view(paging: Paging, level: Level) -> View:
    common = level is Level.PTE
    low = paging.shift if common else _half(paging)
    rows: list[Row] = [
        acts("RPLV", 63, "only the privilege level of PLV has access"),
        acts("NX", 62, "no fetches"),
        acts("NR", 61, "no loads"),
        ignored("60:48", (60, PALEN), "not defined: ignored by lddir, ldpte and TLBELO"),
        acts("PA", (PALEN - 1, low), "physical address"),
    ]
    if common:
        rows += [ignored("low", (low - 1, 9), "not defined: ignored"), acts("W", 8, "writable: asked by the handlers")]
    else:
        rows += [ignored("low", (low - 1, 13), "not defined: ignored"), acts("G", 12, "global"), ignored("11:9", (11, 9), "not defined: ignored")]
        rows += [acts("W", 8, "writable: asked by the handlers")]
    rows += [
        acts("P", 7, "the page exists: asked by the handlers"),
        acts("G", 6, "global") if common else acts("H", 6, "1: this entry is a huge page's"),
        acts("MAT", (5, 4), "0 strongly-ordered uncached, 1 coherent cached, 2 weakly-ordered uncached; 3 is reserved"),
        acts("PLV", (3, 2), "privilege level"),
        acts("D", 1, "dirty: stores permitted"),
        acts("V", 0, "valid"),
    ]
    return view("leaf", *rows, source=_FORMATS)


def _table_view(paging: Paging) -> View:
    return view(
        "table",
        ignored("63:48", (63, PALEN), "no part of a physical address: the refill runs in direct address translation mode"),
        acts("PA", (PALEN - 1, paging.shift), "the lower table"),
        ignored("low", (paging.shift - 1, 7), "an address in the table, which the index replaces"),
        acts("H", 6, "0: this entry points to a table"),
        ignored("5:0", (5, 0), "an address in the table, which the index replaces"),
        source=f"{MANUAL}, Software page walking Instructions: LDDIR",
    )


def _invalid_view(level: Level) -> View:
    middle = [ignored("6:1", (6, 1))] if level is Level.PTE else [acts("H", 6, "1: this entry is a huge page's"), ignored("5:1", (5, 1))]
    rows = (ignored("63:8", (63, 8)), acts("P", 7, "0: the handlers give up"), *middle, acts("V", 0, "0: page invalid exception"))
    return view("invalid", *rows, source=f"{MANUAL}, TLB-based Translation; {_HANDLERS}")


def _level(paging: Paging, level: Level) -> HardwareLevel:
    views = {"invalid": _invalid_view(level), "leaf": _leaf_view(paging, level)}
    if level is not Level.PTE:
        views["table"] = _table_view(paging)
    name = "page table entry" if level is Level.PTE else "Dir1 entry"
    return HardwareLevel(level, name, views, _walker(paging, level), _updates(level))


def hardware(variant: str) -> Hardware:
    """The MMU in one of :data:`VARIANTS`."""
    paging = VARIANTS[variant]
    levels = (Level.PTE, Level.PMD) if paging.levels > 2 else (Level.PTE,)
    return Hardware(
        arch="loongarch64",
        variant=variant,
        manual=MANUAL,
        levels={level: _level(paging, level) for level in levels},
        approximations=(
            "what walks is software: an entry stands for the TLB entry the handlers make of it, as if no older one were left in the TLB",
            "no emulated MMU confirms these facts with pages of 64K, nor memory access type 3, nor NR and NX where ldpte brings them: they rest on the manual",
            "the hardware page table walker of newer CPUs (PTW, linux-6.4 on) is not modelled: this issue of the manual does not describe it",
            "PALEN is 48, as the kernel has it (DMW_PABITS); with fewer the upper bits of PA are ignored, and no memory is there",
            "a memory access type of 3, which is reserved, counts as a reserved bit",
            "the TLB takes G for 1 only where both pages of a pair have it: an entry is read alone",
            "the handler that follows a directory entry uses it as a virtual address, and lddir as a physical one: here it is the latter",
            "the root directory is no level here; with two levels it is the one with huge pages, and the kernel folds the pmd into it",
        ),
    )
