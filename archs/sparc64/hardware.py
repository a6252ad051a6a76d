"""The MMUs of 64-bit SPARC: TLBs that software fills with the entry as it is, a translation table entry (TTE).

``sun4u`` is the format of UltraSPARC I to IV, ``sun4v`` that of the CPUs under a hypervisor (T1 and later), and ``m7`` the latter with bit 9 as MCD (M7, M8).

A walk is the refill and the MMU together. The refill follows the kernel's tables by physical addresses: an upper entry that is 0 ends it, one with bit 56 is a
huge page's, and all else is the address of a lower table. Of the last entry, or a huge one, it asks V, and for a fetch the execute permission, which on sun4u
is a bit of software's; then the TLB gets it, from the refill itself on sun4u, by the hypervisor's hands on sun4v. Of a huge page it gets a piece of the size
the entry names: the refill replaces the address bits from 22 up to the level's span by those of the virtual address. Nothing is written back. A store
that W does not permit goes to do_sparc64_fault() at once.

Sources: UltraSPARC User's Manual (UltraSPARC I and II), 6.2 "Translation Table Entry (TTE)" with figure 6-1, and table 6-11 (fault types). Of the manuals of
UltraSPARC III to IV, of UltraSPARC Architecture 2005 and 2007, of Oracle SPARC Architecture 2015 and of the sun4v hypervisor's interface none was at hand.
What differs on sun4u, the PA of 43 bits and the third bit of Size, is what arch/sparc/include/asm/pgtable_64.h says, and so is MCD. Of sun4v's format the
same header, OpenSPARC T1's hypervisor (sun4v/mmu.h) and illumos (usr/src/uts/sun4v/sys/pte.h) agree in all but bit 3: there the hypervisor has the top of a
size of four bits, the kernel a reserved one, and illumos a bit of its own. That hypervisor refuses a size it does not know and an address that is not the
guest's, and takes the rest as it is (hcall_mmu_map_addr, immu_miss, dmmu_miss). The refill: arch/sparc/include/asm/tsb.h (USER_PGTABLE_WALK_TL1 and the
checks for huge pages), arch/sparc/kernel/tsb.S, itlb_miss.S, dtlb_miss.S, sun4v_tlb_miss.S, the same in linux-6.1 and linux-6.12.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bitspec.expr import Expr, and_, any_of, bit, bits, concat, eq, none_of, not_, or_, ult, zext
from bitspec.fields import Row, View, acts, ignored, reserved, view
from bitspec.hardware import Access, Context, Hardware, HardwareLevel, Walk, Walker, decide
from bitspec.vocabulary import Level

PAGE_SHIFT: Final = 13
ORDER: Final = {Level.PTE: 0, Level.PMD: PAGE_SHIFT - 3, Level.PUD: 2 * (PAGE_SHIFT - 3)}
"""log2 of the base pages that an entry of each level spans."""
HUGE: Final = 56
"""No bit of the manuals': the refill asks it of upper entries."""
V: Final = 63

_REFILL: Final = "arch/sparc/include/asm/tsb.h: USER_PGTABLE_WALK_TL1"
_SUN4U: Final = "UltraSPARC User's Manual, 6.2; arch/sparc/include/asm/pgtable_64.h"
_SUN4V: Final = "sun4v TTE, as arch/sparc/include/asm/pgtable_64.h has it"
_4MB: Final = 3
"""The code of the smallest size that the refill makes a huge page of."""


@dataclass(frozen=True)
class Format:
    """Where a TTE has what the walk asks.

    Attributes:
        manual: the document.
        pa: the highest bit of the address.
        execute, privileged, writable, nfo: bits.
        size: the pieces of the size's code, the highest first.
        refused: codes of a size that nobody has, as a mask.
        rows: the fields below V, but for the address and what the refill asks.
    """

    manual: str
    pa: int
    execute: int
    privileged: int
    writable: int
    nfo: int
    size: tuple[tuple[int, int], ...]
    refused: int
    rows: tuple[Row, ...]


_4U: Final = Format(
    manual=_SUN4U,
    pa=42,
    execute=12,
    privileged=2,
    writable=1,
    nfo=60,
    size=((48, 48), (62, 61)),
    refused=0,
    rows=(
        acts("Size", [48, (62, 61)], "8 KB << 3 * code; bit 48 on UltraSPARC IV+"),
        acts("NFO", 60, "for loads that must not fault only"),
        acts("IE", 59, "invert endianness"),
        ignored("Soft2", [(58, 57), (55, 50)], "software's; read as 0"),
        reserved("49", 49, "reserved"),
        acts("SN", 47, "snoop, as the kernel's header calls it"),
        reserved("46:43", (46, 43), "reserved"),
        ignored("Soft", (11, 7), "software's; read as 0"),
        acts("L", 6, "locked in the TLB"),
        acts("CP", 5, "cacheable in a physically indexed cache"),
        acts("CV", 4, "cacheable in a virtually indexed cache"),
        acts("E", 3, "side effect"),
        acts("P", 2, "privileged"),
        acts("W", 1, "writable"),
        acts("G", 0, "global: the context is not compared"),
    ),
)


def _4v(corruption: bool) -> Format:
    """sun4v, with bit 9 as MCD or as CV."""
    nine = acts("MCD", 9, "memory corruption detection: versions are compared") if corruption else acts("CV", 9, "cacheable in a virtually indexed cache")
    return Format(
        manual=_SUN4V,
        pa=55,
        execute=7,
        privileged=8,
        writable=6,
        nfo=62,
        size=((2, 0),),
        refused=1 << 3,
        rows=(
            acts("NFO", 62, "for loads that must not fault only"),
            ignored("SOFT2", (61, 57), "software's"),
            acts("IE", 12, "invert endianness"),
            acts("E", 11, "side effect"),
            acts("CP", 10, "cacheable in a physically indexed cache"),
            nine,
            acts("P", 8, "privileged"),
            acts("W", 6, "writable"),
            ignored("SOFT", (5, 4), "software's"),
            reserved("3", 3, "reserved: the highest bit of the size, which none has"),
            acts("SZ", (2, 0), "8 KB << 3 * code"),
        ),
    )


FORMATS: Final = {"sun4v": _4v(corruption=False), "m7": _4v(corruption=True), "sun4u": _4U}
VARIANTS: Final = tuple(FORMATS)

# The walk


def _missing(form: Format, entry: Expr, access: Access) -> Expr:
    """Whether a user's access is refused."""
    right = {Access.LOAD: 0, Access.STORE: 1 << form.writable, Access.FETCH: 1 << form.execute}[access]
    always = any_of(entry, 1 << form.privileged | 1 << form.nfo)
    return or_(always, none_of(entry, right)) if right else always


def _size(form: Format, entry: Expr) -> Expr:
    return concat(*[bits(entry, high, low) for high, low in form.size])


def _walker(form: Format, level: Level) -> Walker:
    """The refill and the MMU, at one level."""
    low = PAGE_SHIFT + ORDER[level]

    def walk(entry: Expr, access: Access, context: Context) -> Walk:
        frame = zext(bits(entry, form.pa, low), 64) << ORDER[level]
        refused = ("refused", _missing(form, entry, access))
        malformed = any_of(entry, form.refused) if form.refused else None
        if level is Level.PTE:
            cases = [("invalid", not_(bit(entry, V)))]
        else:
            huge, small = bit(entry, HUGE), ult(_size(form, entry), _4MB)
            cases = [("invalid", or_(eq(entry, 0), and_(huge, not_(bit(entry, V))))), ("table", not_(huge))]
            malformed = small if malformed is None else or_(malformed, small)
        if malformed is not None:
            cases.append(("reserved", malformed))
        return decide(*cases, refused, otherwise="leaf", address=entry, frame=frame)

    return walk


# The fields


def _leaf_view(form: Format, level: Level) -> View:
    low = PAGE_SHIFT + ORDER[level]
    upper = level is not Level.PTE
    rows = [
        acts("V", V, "valid"),
        acts("huge", HUGE, "1: asked by the refill") if upper else ignored("huge", HUGE, "software's"),
        acts("PA", (form.pa, low), "physical address" if form is _4U else "real address"),
        acts("X", form.execute, "fetches permitted; asked by the refill alone" if form is _4U else "fetches permitted; asked by the refill, too"),
        *form.rows,
    ]
    if upper:
        rows.append(ignored("low", (low - 1, PAGE_SHIFT), "replaced by the refill, or below the size"))
    return view("leaf", *rows, source=form.manual)


_TABLE: Final = view(
    "table",
    acts("PA", [(63, 57), (55, 0)], "address of the lower table, not 0"),
    acts("huge", HUGE, "0"),
    source=_REFILL,
)


def _invalid_view(level: Level) -> View:
    if level is Level.PTE:
        return view("invalid", acts("V", V, "0: the refill gives up"), ignored("62:0", (62, 0)), source=_REFILL)
    rows = (acts("V", V, "0: the refill gives up"), acts("huge", HUGE, "1, or all of the entry is 0"), ignored("rest", [(62, 57), (55, 0)]))
    return view("invalid", *rows, source=_REFILL)


def _level(form: Format, level: Level) -> HardwareLevel:
    views = {"invalid": _invalid_view(level), "leaf": _leaf_view(form, level)}
    if level is not Level.PTE:
        views["table"] = _TABLE
    name = "TTE" if level is Level.PTE else f"{level.name} or huge TTE"
    return HardwareLevel(level, name, views, _walker(form, level))


def hardware(variant: str) -> Hardware:
    """The MMU in one of :data:`VARIANTS`."""
    form = FORMATS[variant]
    return Hardware(
        arch="sparc64",
        variant=variant,
        manual=form.manual,
        levels={level: _level(form, level) for level in Level},
        approximations=(
            "what walks is software: an entry stands for the TLB entry the refill makes of it, as if no older one were left in a TLB or a TSB",
            "no emulated MMU confirms these facts, and of most manuals none was at hand: they rest on the kernel's header and on a reading of the handlers",
            "every size of the format exists; which ones a chip has is its own, and the hypervisor refuses the others",
            (
                "a huge page of a size below 4 MB counts as reserved: the refill would map the same piece again and again; one that is larger than the level's "
                "span is aligned to its size, as hugetlbfs has it"
            ),
            "the address of a lower table is the entry as it is: what the CPU makes of bits above its physical address width is left open",
            "a huge PUD is told from a table, as the kernel's refill does after hugepagesz=16G (.pud_huge_patch); without that there is none",
            "NFO refuses every access; UltraSPARC's instruction TLB does not look at it, and the kernel never sets it",
            "a physical address width below that of the format is not modelled: UltraSPARC I and II have 41 bits, and bits 49:41 for diagnostics",
            *(("bit 3 counts as reserved, since OpenSPARC's hypervisor refuses such a size",) if variant != "sun4u" else ()),
            *(("MCD refuses nothing: versions are taken to agree",) if variant == "m7" else ()),
            "the top level is no level here: its entries are addresses of PUD tables, and the refill asks only whether one is 0",
        ),
    )
