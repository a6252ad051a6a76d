"""The three MMUs of m68k.

``motorola`` is the MC68040's (and the MC68060's, of the same format), which walks three levels of tables. ``coldfire`` is the version 4e ColdFire's, a
TLB that cf_tlb_miss() fills, and ``sun3`` the Sun-3's page map, which mmu_emu_handle_fault() fills. A walk of those two is the refill and the MMU
together: what the handler refuses to load is invalid, what the MMU does with what it loaded decides the rest, and what the handler writes back to the
entry is an update.

Sources: M68040 User's Manual, section 3.2.2 (descriptors; 3.2.2.3 defines their fields, and says when U and M are set), M68060 User's Manual, section 4.2.2.3,
for the same; of the former only the definitions and the page on indirect descriptors (3-17) were at hand, and its section numbers are those of the latter one
chapter earlier. An emulated 68040 agrees (archs/m68k/mmu.py). ColdFire CF4e Core User's Manual, tables 10-9 (MMUTR) and 10-10 (MMUDR), which chapter 5 of the
MCF548x Reference Manual repeats; arch/m68k/mm/mcfmmu.c: cf_tlb_miss. arch/m68k/include/asm/sun3mmu.h and arch/m68k/sun3/mmu_emu.c: mmu_emu_handle_fault. The
handlers do the same in linux-6.1 and linux-6.12.
"""

from __future__ import annotations

from typing import Final

from bitspec.expr import FALSE, Expr, and_, any_of, bit, bits, clear, eq, none_of, not_, zext
from bitspec.fields import acts, ignored, reserved, view
from bitspec.hardware import Access, Context, Hardware, HardwareLevel, Update, Walk, decide
from bitspec.vocabulary import Level

VARIANTS: Final = ("motorola", "coldfire", "sun3")
PAGE_SHIFT: Final = {"motorola": 12, "coldfire": 13, "sun3": 13}

# Motorola

_M68040: Final = "M68040 User's Manual, 3.2.2"
_M, _U, _W, _S = 4, 3, 2, 7

_PAGE: Final = view(
    "leaf",
    acts("PA", (31, 12), "physical address"),
    ignored("UR", 11, "reserved for the user"),
    acts("G", 10, "global: kept by a flush of the others"),
    acts("U1:U0", (9, 8), "user page attributes, echoed on UPA1 and UPA0"),
    acts("S", _S, "supervisor only"),
    acts("CM", (6, 5), "cache mode"),
    acts("M", _M, "modified"),
    acts("U", _U, "used"),
    acts("W", _W, "write protected"),
    acts("PDT", (1, 0), "01 or 11: resident"),
    width=32,
    source=_M68040,
)

_INDIRECT: Final = view(
    "table",
    acts("DA", (31, 2), "address of the page descriptor"),
    acts("PDT", (1, 0), "10: indirect"),
    width=32,
    source=_M68040,
)

_TABLE: Final = view(
    "table",
    acts("TA", (31, 8), "page table address"),
    reserved("X", (7, 4)),
    acts("U", _U, "used"),
    acts("W", _W, "write protected"),
    acts("UDT", (1, 0), "10 or 11: resident"),
    width=32,
    source=_M68040,
)

_NO_PAGE: Final = view("invalid", ignored("31:2", (31, 2)), acts("PDT", (1, 0), "00: invalid, all else ignored"), width=32, source=_M68040)
_NO_TABLE: Final = view("invalid", ignored("31:2", (31, 2)), acts("UDT", (1, 0), "00 or 01: invalid, all else ignored"), width=32, source=_M68040)


def _page(entry: Expr, access: Access, context: Context) -> Walk:
    """A page descriptor. There is no right to execute: a fetch is permitted where a load is."""
    protected = bit(entry, _W) if access is Access.STORE else FALSE
    return decide(
        ("invalid", eq(bits(entry, 1, 0), 0)),
        ("table", eq(bits(entry, 1, 0), 2)),
        ("refused", bit(entry, _S) | protected),
        otherwise="leaf",
        address=zext(clear(entry, 3), 64),
        frame=zext(entry, 64) >> 12,
    )


def _pointer(entry: Expr, access: Access, context: Context) -> Walk:
    protected = bit(entry, _W) if access is Access.STORE else FALSE
    return decide(
        ("invalid", not_(bit(entry, 1))),
        ("refused", protected),
        otherwise="table",
        address=zext(clear(entry, 0xFF), 64),
    )


def _resident(entry: Expr) -> Expr:
    return bit(entry, 0)


def _writable(entry: Expr) -> Expr:
    return and_(bit(entry, 0), none_of(entry, 1 << _W | 1 << _S))


_SEARCH: Final = "M68040 User's Manual, 3.2.2.3"
_MOTOROLA: Final = {
    Level.PTE: HardwareLevel(
        Level.PTE,
        "page descriptor",
        {"leaf": _PAGE, "table": _INDIRECT, "invalid": _NO_PAGE},
        _page,
        (
            Update("U", _resident, lambda entry: entry | 1 << _U, _SEARCH),
            Update("M", _writable, lambda entry: entry | 1 << _M, _SEARCH, Access.STORE),
        ),
    ),
    Level.PMD: HardwareLevel(
        Level.PMD,
        "pointer-level table descriptor",
        {"table": _TABLE, "invalid": _NO_TABLE},
        _pointer,
        (Update("U", lambda entry: bit(entry, 1), lambda entry: entry | 1 << _U, _SEARCH),),
    ),
}

# ColdFire: the entry, as cf_tlb_miss() makes MMUTR and MMUDR of it

_MISS: Final = "arch/m68k/mm/mcfmmu.c: cf_tlb_miss"
_V, _ACCESSED, _SP, _R, _CW = 10, 12, 5, 4, 3

_CF_LEAF: Final = view(
    "leaf",
    acts("PA", (31, 13), "MMUDR: physical address"),
    acts("12", _ACCESSED, "set by the refill"),
    acts("SG", 11, "MMUTR: shared, where the address is not the user's"),
    acts("V", _V, "1: the refill loads the entry"),
    ignored("9:8", (9, 8), "replaced by SZ, 8 KB"),
    acts("CM", (7, 6), "MMUDR: cache mode"),
    acts("SP", _SP, "MMUDR: supervisor only"),
    acts("R", _R, "MMUDR: data reads permitted"),
    acts("W", _CW, "MMUDR: data writes permitted"),
    ignored("X", 2, "MMUDR: fetches permitted; the refill sets it whatever the entry says"),
    acts("LK", 1, "MMUDR: locked in the TLB"),
    acts("0", 0, "set by the refill for a write; without it the refill takes W away"),
    width=32,
    source="ColdFire CF4e Core User's Manual, tables 10-9 and 10-10",
)

_CF_INVALID: Final = view("invalid", ignored("31:11", (31, 11)), acts("V", _V, "0: the refill gives up"), ignored("9:0", (9, 0)), width=32, source=_MISS)


def _coldfire(entry: Expr, access: Access, context: Context) -> Walk:
    """The refill, then the TLB: R and W guard data accesses only, and X is set in every entry loaded."""
    missing = {Access.LOAD: not_(bit(entry, _R)), Access.STORE: not_(bit(entry, _CW)), Access.FETCH: FALSE}[access]
    return decide(("invalid", not_(bit(entry, _V))), ("refused", bit(entry, _SP) | missing), otherwise="leaf", frame=entry >> 13)


def _loaded(entry: Expr) -> Expr:
    return bit(entry, _V)


def _written(entry: Expr) -> Expr:
    return and_(bit(entry, _V), bit(entry, _CW))


def _clean(entry: Expr) -> Expr:
    return and_(bit(entry, _V), bit(entry, _CW), not_(bit(entry, 0)))


_COLDFIRE: Final = HardwareLevel(
    Level.PTE,
    "MMUTR and MMUDR",
    {"leaf": _CF_LEAF, "invalid": _CF_INVALID},
    _coldfire,
    (
        Update("12", _loaded, lambda entry: entry | 1 << _ACCESSED, _MISS),
        Update("0", _written, lambda entry: entry | 1, _MISS, Access.STORE),
        Update("W-load", _clean, lambda entry: clear(entry, 1 << _CW), _MISS, Access.LOAD),
        Update("W-fetch", _clean, lambda entry: clear(entry, 1 << _CW), _MISS, Access.FETCH),
    ),
)

# Sun-3

_PME: Final = "arch/m68k/include/asm/sun3mmu.h, sun3_pgtable.h"
_EMU: Final = "arch/m68k/sun3/mmu_emu.c: mmu_emu_handle_fault"

_SUN3_LEAF: Final = view(
    "leaf",
    acts("valid", 31, "1: the refill loads the entry"),
    acts("write", 30, "stores permitted"),
    acts("system", 29, "supervisor only"),
    acts("nocache", 28, "not cached"),
    acts("type", (27, 26), "memory, I/O, VME"),
    acts("accessed", 25, "set by the refill, and by the MMU in its own copy"),
    acts("modified", 24, "set by the refill for a store, and by the MMU in its own copy"),
    ignored("23:19", (23, 19), "not used"),
    acts("pgnum", (18, 0), "physical page number"),
    width=32,
    source=_PME,
)

_SUN3_INVALID: Final = view("invalid", acts("valid", 31, "0: the refill gives up"), ignored("30:0", (30, 0)), width=32, source=_EMU)


def _sun3(entry: Expr, access: Access, context: Context) -> Walk:
    refused = 1 << 29
    protected = not_(bit(entry, 30)) if access is Access.STORE else FALSE
    return decide(
        ("invalid", not_(bit(entry, 31))),
        ("refused", any_of(entry, refused) | protected),
        otherwise="leaf",
        frame=zext(bits(entry, 18, 0), 32),
    )


_SUN3: Final = HardwareLevel(
    Level.PTE,
    "page map entry",
    {"leaf": _SUN3_LEAF, "invalid": _SUN3_INVALID},
    _sun3,
    (Update("accessed", lambda entry: bit(entry, 31), lambda entry: entry | 1 << 25, _EMU),),
)

_SOFTWARE: Final = "what walks is software: an entry stands for the map entry the refill makes of it, as if no older one were left in the MMU"
_FOLDED: Final = "the upper level is no level here: the kernel folds it, and only the refill follows it"


def hardware(variant: str) -> Hardware:
    """The MMU in one of :data:`VARIANTS`."""
    if variant == "coldfire":
        return Hardware(
            arch="m68k",
            variant=variant,
            manual="ColdFire CF4e Core User's Manual, chapter 10",
            levels={Level.PTE: _COLDFIRE},
            approximations=(
                _SOFTWARE,
                _FOLDED,
                "accesses are a user's to its own addresses: for the kernel's the refill takes SG over and leaves W to clean entries",
            ),
        )
    if variant == "sun3":
        return Hardware(
            arch="m68k",
            variant=variant,
            manual="Sun-3 MMU, as the kernel has it",
            levels={Level.PTE: _SUN3},
            approximations=(
                "no manual was at hand: the fields of a page map entry are those the kernel names",
                _SOFTWARE,
                _FOLDED,
                (
                    "the refill notes a store only where that is the access it loads the entry for; the MMU notes a later one in its own copy, which "
                    "nobody reads back: so there is no update of modified that could be relied on"
                ),
            ),
        )
    return Hardware(
        arch="m68k",
        variant=variant,
        manual="M68040 User's Manual, section 3",
        levels=_MOTOROLA,
        approximations=(
            "the CPU is a 68040 or 68060; of a 68030 or 68851, DT 11 is a descriptor of 8 bytes, 01 in a pointer table maps memory, and bits 7 and 5 are 0",
            "pages have 4 KB: TCR.P is 0",
            "the root level is no level here: the kernel folds it into the pgd, and its descriptors differ from the pointer level's in the table's size only",
            "a page is write protected, too, by W of an upper level, which the kernel never sets",
            "any access may set U of a resident descriptor here; by table 4-1 of the M68060 User's Manual a store that W refuses does not",
        ),
    )
