"""The x86-64 MMU: IA-32e paging.

Sources: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 3A (SDM), chapter 4 "Paging": section 4.5 (4-level and 5-level paging), tables
4-15 to 4-20 (formats of entries), 4.6 (access rights), 4.7 (page-fault exceptions, reserved bits), 4.8 (accessed and dirty flags).
"""

from __future__ import annotations

from typing import Final

from bitspec.expr import Expr, and_, any_of, bit, const, ite, ne, not_, or_, uge, ule, zext
from bitspec.fields import View, acts, ignored, reserved, view
from bitspec.hardware import Access, Circumstance, Context, Hardware, HardwareLevel, Update, Walk, Walker, decide
from bitspec.vocabulary import Level

MANUAL: Final = "Intel SDM vol. 3A, chapter 4"

P, RW, US, A, D, PS, XD = 1 << 0, 1 << 1, 1 << 2, 1 << 5, 1 << 6, 1 << 7, 1 << 63

MAXPHYADDR: Final = Circumstance(
    "MAXPHYADDR",
    6,
    "physical address bits of the CPU; entry bits above it are reserved (SDM 4.1.4). Linux: boot_cpu_data.x86_phys_bits",
    lambda width: and_(uge(width, 36), ule(width, 52)),
)
NXE: Final = Circumstance(
    "NXE",
    1,
    "EFER.NXE: bit 63 means execute-disable instead of reserved. Linux sets it where the CPU has it (x86_configure_nx) and masks the bit where not",
    lambda on: on,
)


def _one(context: Context) -> Expr:
    """2^MAXPHYADDR."""
    return const(1, 64) << zext(context["MAXPHYADDR"], 64)


def _reserved(entry: Expr, context: Context, below: int) -> Expr:
    """A reserved bit is set: above MAXPHYADDR up to 51, XD without NXE, and `below`, the bits under a large frame (SDM 4.7)."""
    high = ~(_one(context) - 1) & ((1 << 52) - 1)
    return or_(ne(entry & high, 0), and_(bit(entry, 63), not_(context["NXE"])), any_of(entry, below))


def _denied(entry: Expr, access: Access) -> Expr:
    """A user-mode access that this entry's rights forbid (SDM 4.6.1)."""
    user = not_(bit(entry, 2))
    if access is Access.STORE:
        return or_(user, not_(bit(entry, 1)))
    return or_(user, bit(entry, 63)) if access is Access.FETCH else user


def _address(entry: Expr, low: int) -> Expr:
    return entry & ((1 << 52) - (1 << low))


def _walker(level: Level, large: int | None) -> Walker:
    """The walk at a level whose large frames are aligned to 2^large bytes; None for the last level (SDM 4.5.4)."""

    def walk(entry: Expr, access: Access, context: Context) -> Walk:
        absent = not_(bit(entry, 0))
        denied = _denied(entry, access)
        if large is None:
            return decide(
                ("invalid", absent), ("reserved", _reserved(entry, context, 0)), ("refused", denied), otherwise="leaf", frame=_address(entry, 12) >> 12
            )
        below = (1 << large) - (1 << 13)  # bit 12 is PAT
        big = bit(entry, 7)
        bad = ite(big, _reserved(entry, context, below), _reserved(entry, context, 0))
        return decide(
            ("invalid", absent),
            ("reserved", bad),
            ("refused", denied),
            ("leaf", big),
            otherwise="table",
            address=_address(entry, 12),
            frame=_address(entry, large) >> 12,
        )

    return walk


def _leaf_view(low: int, pat: int) -> View:
    """Tables 4-16, 4-18 and 4-20: an entry that maps a page of 2^low bytes."""
    rows = [
        acts("XD", 63, "execute-disable"),
        acts("PK", (62, 59), "protection key"),
        ignored("58:52", (58, 52)),
        acts("address", (51, low), "page frame; bits from MAXPHYADDR up are reserved"),
        acts("G", 8, "global"),
        ignored("11:9", (11, 9)),
        acts("D", 6, "dirty, set by a store"),
        acts("A", 5, "accessed, set by any access"),
        acts("PCD", 4, "cache disable"),
        acts("PWT", 3, "write-through"),
        acts("U/S", 2, "user-mode access permitted"),
        acts("R/W", 1, "stores permitted"),
        acts("P", 0, "present"),
        acts("PAT", pat, "memory type, with PWT and PCD"),
    ]
    if low > 12:
        rows += [acts("PS", 7, "1: this entry maps a page"), reserved("low", (low - 1, 13), "reserved below a large frame")]
    return view("leaf", *rows, source=MANUAL)


_TABLE: Final = view(
    "table",
    acts("XD", 63, "execute-disable for all below"),
    ignored("62:52", (62, 52)),
    acts("address", (51, 12), "the lower table; bits from MAXPHYADDR up are reserved"),
    ignored("11:8", (11, 8)),
    acts("PS", 7, "0: this entry leads to a table"),
    ignored("6", 6),
    acts("A", 5, "accessed, set by any access"),
    acts("PCD", 4, "cache disable"),
    acts("PWT", 3, "write-through"),
    acts("U/S", 2, "user-mode access permitted"),
    acts("R/W", 1, "stores permitted"),
    acts("P", 0, "present"),
    source=MANUAL + ", tables 4-17 and 4-19",
)

_INVALID: Final = view("invalid", ignored("63:1", (63, 1)), acts("P", 0, "0: not present, all else ignored"), source=MANUAL + ", figure 4-11")
_INVALID_KNL: Final = view(
    "invalid",
    ignored("63:7", (63, 7)),
    acts("D", 6, "may be set by the CPU: erratum KNL4"),
    acts("A", 5, "may be set by the CPU: erratum KNL4"),
    ignored("4:1", (4, 1)),
    acts("P", 0, "0: not present"),
    source="Intel Xeon Phi x200 specification update, erratum KNL4",
)

_ACCESSED: Final = Update("A", lambda entry: bit(entry, 0), lambda entry: entry | A, "SDM 4.8")
_DIRTY: Final = Update("D", lambda entry: and_(bit(entry, 0), bit(entry, 1)), lambda entry: entry | D, "SDM 4.8", Access.STORE)
_DIRTY_LARGE: Final = Update(
    "D", lambda entry: and_(bit(entry, 0), bit(entry, 1), bit(entry, 7)), lambda entry: entry | D, "SDM 4.8", Access.STORE
)
_KNL: Final = tuple(
    Update(f"{name}_not_present", lambda entry: not_(bit(entry, 0)), lambda entry, mask=mask: entry | mask, "erratum KNL4")
    for name, mask in (("A", A), ("D", D))
)


def _levels(errata: tuple[Update, ...]) -> dict[Level, HardwareLevel]:
    invalid = _INVALID_KNL if errata else _INVALID
    return {
        Level.PTE: HardwareLevel(
            Level.PTE, "PTE", {"leaf": _leaf_view(12, 7), "invalid": invalid}, _walker(Level.PTE, None), (_ACCESSED, _DIRTY, *errata)
        ),
        Level.PMD: HardwareLevel(
            Level.PMD,
            "PDE",
            {"table": _TABLE, "leaf": _leaf_view(21, 12), "invalid": invalid},
            _walker(Level.PMD, 21),
            (_ACCESSED, _DIRTY_LARGE, *errata),
        ),
        Level.PUD: HardwareLevel(
            Level.PUD,
            "PDPTE",
            {"table": _TABLE, "leaf": _leaf_view(30, 12), "invalid": invalid},
            _walker(Level.PUD, 30),
            (_ACCESSED, _DIRTY_LARGE, *errata),
        ),
    }


def _speculated(entry: Expr, context: Context) -> tuple[Expr, Expr]:
    """L1TF: a load through a not-present entry may go to the address in it (Intel, "L1 Terminal Fault", INTEL-SA-00161)."""
    size = _one(context)
    return entry & (size - 1) & ~const(0xFFF, 64), size >> 1


def _addressable(address: Expr, context: Context) -> Expr:
    return not_(ne(address & ~(_one(context) - 1), 0))


VARIANTS: Final = ("4-level", "5-level", "4-level-knl")
"""5-level paging has the same formats with one table more on top; ``-knl`` is a CPU with erratum KNL4."""


def hardware(variant: str) -> Hardware:
    """The MMU in one of :data:`VARIANTS`."""
    return Hardware(
        arch="x86_64",
        variant=variant,
        manual=MANUAL,
        levels=_levels(_KNL if variant == "4-level-knl" else ()),
        circumstances=(MAXPHYADDR, NXE),
        addressable=_addressable,
        speculated=_speculated,
        approximations=(
            "PKRU, SMAP and shadow-stack accesses are not modelled: a protection key may refuse what the walk permits",
            "large pages at the PUD are assumed to exist (CPUID.Page1GB)",
            "hierarchical rights are checked entry by entry: a table entry that forbids the access counts as refused",
        ),
    )
