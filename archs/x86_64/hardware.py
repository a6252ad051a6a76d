"""The x86-64 MMU: IA-32e paging.

Sources: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 3A (SDM), chapter 4 "Paging" (5 in editions since 2024):
section 4.5 (4-level and 5-level paging), figure 4-11 and tables 4-14 to 4-20 (formats of entries), 4.6 (access rights), 4.7 (page-fault
exceptions, reserved bits), 4.8 (accessed and dirty flags). AMD's manual (24593, volume 2, sections 5.3 to 5.6) has the same formats, with
NX for XD.

A PTE maps 4 KB (table 4-20); a PDE maps 2 MB (4-18) or references a page table (4-19); a PDPTE maps 1 GB (4-16) or references a page
directory (4-17).
"""

from __future__ import annotations

from typing import Final

from bitspec.expr import Expr, all_of, and_, any_of, bit, const, ite, ne, not_, or_, uge, ule, zext
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
    "EFER.NXE: bit 63 means execute-disable instead of reserved (SDM 4.1.3). Linux sets it where the CPU has it, and takes _PAGE_NX out of "
    "__supported_pte_mask where not (arch/x86/kernel/setup.c: x86_configure_nx)",
    lambda on: on,
)


def _one(context: Context) -> Expr:
    """2^MAXPHYADDR."""
    return const(1, 64) << zext(context["MAXPHYADDR"], 64)


def _reserved(entry: Expr, context: Context, below: int) -> Expr:
    """A reserved bit is set: from MAXPHYADDR to 51, XD without NXE, one of `below`, the bits under a large frame (SDM 4.7)."""
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
    """The walk at a level whose large frames are aligned to 2^large bytes; None for the last level (SDM 4.5.4).

    Only P is looked at in an entry that is not present; a reserved bit faults whatever the access is (4.7). An old leaf translates like a
    young one.
    """

    def walk(entry: Expr, access: Access, context: Context) -> Walk:
        absent = not_(bit(entry, 0))
        denied = _denied(entry, access)
        if large is None:
            return decide(
                ("invalid", absent),
                ("reserved", _reserved(entry, context, 0)),
                ("refused", denied),
                otherwise="leaf",
                frame=_address(entry, 12) >> 12,
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


def _leaf_view(low: int, pat: int, table: str) -> View:
    """An entry that maps a page of 2^low bytes, and has its PAT bit at `pat`."""
    rows = [
        acts("XD", 63, "execute-disable"),
        acts("PK", (62, 59), "protection key, where CR4.PKE or CR4.PKS is set"),
        ignored("58:52", (58, 52)),
        acts("address", (51, low), "page frame; bits from MAXPHYADDR up are reserved"),
        acts("G", 8, "global, where CR4.PGE is set"),
        ignored("R", 11, "available to software; restarts the walk in HLAT paging, which Linux does not use"),
        ignored("10:9", (10, 9)),
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
    return view("leaf", *rows, source=f"{MANUAL}, table {table}")


_TABLE: Final = view(
    "table",
    acts("XD", 63, "execute-disable for all below"),
    ignored("62:52", (62, 52)),
    acts("address", (51, 12), "the lower table; bits from MAXPHYADDR up are reserved"),
    ignored("R", 11, "available to software; restarts the walk in HLAT paging, which Linux does not use"),
    ignored("10:8", (10, 8)),
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


def _dirty(entry: Expr) -> Expr:
    return entry | D


def _dirties(large: bool, protected: bool) -> Update:
    """D, set by a store in a leaf.

    With CR0.WP set, no processor that has shadow stacks (CET) sets it where R/W is 0; older ones may, if rarely (SDM 4.8;
    arch/x86/mm/pgtable.c: arch_check_zapped_pte).
    """
    wanted = P | (PS if large else 0) | (0 if protected else RW)
    return Update("D", lambda entry: all_of(entry, wanted), _dirty, "SDM 4.8", Access.STORE)


def _stray(entry: Expr) -> Expr:
    return not_(bit(entry, 0))


_KNL: Final = (
    Update("A_not_present", _stray, lambda entry: entry | A, "erratum KNL4"),
    Update("D_not_present", _stray, _dirty, "erratum KNL4"),
)


def _levels(knl: bool) -> dict[Level, HardwareLevel]:
    """The three levels; Knights Landing has the erratum, and no shadow stacks."""
    invalid = _INVALID_KNL if knl else _INVALID
    errata = _KNL if knl else ()
    large = (_ACCESSED, _dirties(large=True, protected=knl), *errata)
    return {
        Level.PTE: HardwareLevel(
            Level.PTE,
            "PTE",
            {"leaf": _leaf_view(12, 7, "4-20"), "invalid": invalid},
            _walker(Level.PTE, None),
            (_ACCESSED, _dirties(large=False, protected=knl), *errata),
        ),
        Level.PMD: HardwareLevel(Level.PMD, "PDE", {"table": _TABLE, "leaf": _leaf_view(21, 12, "4-18"), "invalid": invalid}, _walker(Level.PMD, 21), large),
        Level.PUD: HardwareLevel(Level.PUD, "PDPTE", {"table": _TABLE, "leaf": _leaf_view(30, 12, "4-16"), "invalid": invalid}, _walker(Level.PUD, 30), large),
    }


def _speculated(entry: Expr, context: Context) -> tuple[Expr, Expr]:
    """L1TF: a load through a not-present entry may go to the address in it (Intel, "L1 Terminal Fault", INTEL-SA-00161).

    The cache compares as many address bits as boot_cpu_data.x86_cache_bits counts, which stands for MAXPHYADDR here.
    """
    size = _one(context)
    return entry & (size - 1) & ~const(0xFFF, 64), size >> 1


def _addressable(address: Expr, context: Context) -> Expr:
    return not_(ne(address & ~(_one(context) - 1), 0))


VARIANTS: Final = ("4-level", "5-level", "4-level-knl")
"""5-level paging has the same formats with one table more on top.  ``-knl`` is a Xeon Phi x200: erratum KNL4, no shadow stacks, no L1TF."""


def hardware(variant: str) -> Hardware:
    """The MMU in one of :data:`VARIANTS`."""
    knl = variant == "4-level-knl"
    return Hardware(
        arch="x86_64",
        variant=variant,
        manual=MANUAL,
        levels=_levels(knl),
        circumstances=(MAXPHYADDR, NXE),
        addressable=_addressable,
        speculated=None if knl else _speculated,  # NO_L1TF in arch/x86/kernel/cpu/common.c: cpu_vuln_whitelist
        approximations=(
            "protection keys, SMAP and shadow-stack accesses are not modelled: a protection key may refuse what the walk permits",
            "1 GB pages are assumed to exist (CPUID.80000001H:EDX[26]): without them PS is reserved in a PDPTE",
            "hierarchical rights are checked entry by entry: a table entry that forbids the access counts as refused",
            "memory encryption (SME, SEV, TDX) is not modelled: it takes a physical-address bit for itself",
            "the first two variants have L1TF: no CPU with 5-level paging has, but Linux would mitigate it there, too",
        ),
    )
