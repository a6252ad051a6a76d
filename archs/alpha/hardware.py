"""Alpha's page tables, as OSF/1 PALcode walks them: three levels of entries of one format.

Sources: Alpha Architecture Reference Manual, OSF/1 software (II-B), chapter 3, "Memory Management": the page table entry, and the order of faults. The manual
was not at hand: arch/alpha/include/asm/pgtable.h names the bits, arch/alpha/mm/fault.c the faults, the same in linux-6.1 and linux-6.12.
"""

from __future__ import annotations

from typing import Final

from bitspec.expr import Expr, and_, bit, bits, not_, zext
from bitspec.fields import acts, ignored, reserved, view
from bitspec.hardware import Access, Context, Hardware, HardwareLevel, Walk, decide
from bitspec.vocabulary import Level

MANUAL: Final = "Alpha Architecture Reference Manual, II-B, chapter 3"
VARIANTS: Final = ("osf1",)
PAGE_SHIFT: Final = 13

_V, _FOR, _FOW, _FOE, _KRE, _URE, _UWE = 0, 1, 2, 3, 8, 9, 13

_LEAF: Final = view(
    "leaf",
    acts("PFN", (63, 32), "page frame number"),
    ignored("SW", (31, 16), "reserved for software"),
    reserved("15:14", (15, 14)),
    acts("UWE", _UWE, "user write enable"),
    acts("KWE", 12, "kernel write enable"),
    reserved("11:10", (11, 10)),
    acts("URE", _URE, "user read enable, for fetches, too"),
    acts("KRE", _KRE, "kernel read enable"),
    reserved("7", 7),
    acts("GH", (6, 5), "granularity hint"),
    acts("ASM", 4, "address space match: in every address space"),
    acts("FOE", _FOE, "fault on execute"),
    acts("FOW", _FOW, "fault on write"),
    acts("FOR", _FOR, "fault on read"),
    acts("V", _V, "valid"),
    source=MANUAL,
)

_TABLE: Final = view(
    "table",
    acts("PFN", (63, 32), "page frame number of the lower table"),
    ignored("SW", (31, 16), "reserved for software"),
    reserved("15:14", (15, 14)),
    ignored("UWE", 13, "not looked at on the way to a lower table"),
    ignored("KWE", 12, "not looked at on the way to a lower table"),
    reserved("11:10", (11, 10)),
    ignored("URE", 9, "not looked at on the way to a lower table"),
    acts("KRE", _KRE, "kernel read enable"),
    reserved("7:1", (7, 1)),
    acts("V", _V, "valid"),
    source=MANUAL,
)

_INVALID: Final = view("invalid", ignored("63:1", (63, 1), "choose between two faults at most"), acts("V", _V, "0: not valid"), source=MANUAL)


def _page(entry: Expr, access: Access, context: Context) -> Walk:
    """A third-level entry."""
    enable, fault = {Access.LOAD: (_URE, _FOR), Access.STORE: (_UWE, _FOW), Access.FETCH: (_URE, _FOE)}[access]
    permitted = and_(bit(entry, enable), not_(bit(entry, fault)))
    return decide(("invalid", not_(bit(entry, _V))), ("refused", not_(permitted)), otherwise="leaf", frame=_frame(entry))


def _lower(entry: Expr, access: Access, context: Context) -> Walk:
    """A second-level entry."""
    return decide(
        ("invalid", not_(bit(entry, _V))),
        ("refused", not_(bit(entry, _KRE))),
        otherwise="table",
        address=_frame(entry) << PAGE_SHIFT,
    )


def _frame(entry: Expr) -> Expr:
    return zext(bits(entry, 63, 32), 64)


def hardware(variant: str) -> Hardware:
    """The format; it has no variants."""
    return Hardware(
        arch="alpha",
        variant=variant,
        manual=MANUAL,
        levels={
            Level.PTE: HardwareLevel(Level.PTE, "third-level PTE", {"leaf": _LEAF, "invalid": _INVALID}, _page),
            Level.PMD: HardwareLevel(Level.PMD, "second-level PTE", {"table": _TABLE, "invalid": _INVALID}, _lower),
        },
        approximations=(
            "the manual was not at hand: the fields are those of the kernel's header, which calls them PALcode's, and reserved what it does not name",
            "what walks is PALcode; the translation buffers it fills are taken to hold no older entry",
            "a store that UWE permits goes through whether or not URE is set, as the header has it: the manual may leave that open",
            "the first-level entries are no level here: the kernel folds the pud into the pgd, and they have the format of the second level",
            "nothing marks a page accessed or dirty: the kernel takes the enables away to be told",
            "the CPU implements all 32 bits of the PFN",
        ),
    )
