"""An emulated 68040: QEMU's walk of its three levels of tables in unicorn, in user mode, with pages of 4 KB and no transparent translation.

Each question has the TLB flushed before it, and of a sequence nothing is learned here: QEMU lets a store through where a load has filled the TLB, and M stays
clear. Of an indirect descriptor it is asked where it leads, and no more: QEMU does not look at the type of what is there, where an invalid or an indirect one
has to fault (M68040 User's Manual, page 3-17), and writes it in the place of the indirect one, with U set, and M by a store. The minefield has a descriptor
there in which both are set already.
"""

from __future__ import annotations

from typing import Final

from bitspec.mmu.emulator import NAME, Emulator, unicorn
from bitspec.mmu.expected import Expected
from bitspec.mmu.machine import Answer, Limitation, Machine, Slot, fixed
from bitspec.vocabulary import Level

VARIANTS: Final = ("motorola",)
NOT_EMULATED: Final = {
    "coldfire": "unicorn's ColdFire has no MMU",
    "sun3": "its MMU is no part of the CPU, which is all that unicorn has",
}

_RESIDENT: Final = 1
_TABLE: Final = 2
_W, _U, _M, _S = 1 << 2, 1 << 3, 1 << 4, 1 << 7
_ON: Final = 0x8000
"""TCR.E."""
_ALL: Final = 0x00FF_8000
"""A TTR that maps every address in user mode: the mask, and E."""
_SUPERVISOR: Final = 0x2700
"""SR.S, with interrupts masked."""

_BASE: Final = 0x5A96_0000
_ROOT, _POINTERS, _POINTERS_PMD, _PAGES = (_BASE + 0x200 * number for number in range(4))
_TOP: Final = {Level.PTE: 2, Level.PMD: 3}
"""The index in the root table that leads to the PTE, and the one that leads to the PMD."""
_INDEX: Final = {Level.PTE: 7, Level.PMD: 5}
_WHERE: Final = 0x9870_0000
_INDIRECT: Final = _WHERE | 4
_MINE: Final = 0x7650_0000 | 3
"""A page at the lowest level; above it a table that is once more in the minefield."""


def machine(variant: str, *, minefield: bool = True, user: bool = True, translating: bool = True, transparent: bool = False, used: bool = True) -> Machine:
    """The machine, set up.  The switches leave a step out, or translate transparently, which tests use to show that the controls notice; with used=False
    the minefield's descriptor is neither used nor modified.
    """
    mine = _MINE | (_U | _M if used else 0)
    emulator = Emulator("ARCH_M68K", "MODE_BIG_ENDIAN", order="big", mine=mine << 32 | mine, physical=32, base=_BASE, minefield=minefield, cpu=_model())
    for place, table in (
        (_ROOT + 4 * _TOP[Level.PTE], _POINTERS),
        (_ROOT + 4 * _TOP[Level.PMD], _POINTERS_PMD),
        (_POINTERS + 4 * _INDEX[Level.PMD], _PAGES),
    ):
        emulator.code(place, (table | _U | _TABLE).to_bytes(4, "big"))
    _start(emulator, user=user, translating=translating, transparent=transparent)
    return Machine(
        model=f"{NAME}, M68040",
        emulator=emulator,
        slots={Level.PTE: _PAGE, Level.PMD: _POINTER},
        page_shift=12,
        circumstances={},
        writes=True,
        limitations=(_MODIFIED,),
    )


def _model() -> int:
    return int(unicorn("unicorn.m68k_const").UC_CPU_M68K_M68040)


def _start(emulator: Emulator, *, user: bool, translating: bool, transparent: bool) -> None:
    names = unicorn("unicorn.m68k_const")
    write = emulator.uc.reg_write
    for register in (names.UC_M68K_REG_CR_ITT0, names.UC_M68K_REG_CR_ITT1, names.UC_M68K_REG_CR_DTT0, names.UC_M68K_REG_CR_DTT1):
        write(register, _ALL if transparent else 0)
    write(names.UC_M68K_REG_CR_URP, _ROOT)
    write(names.UC_M68K_REG_CR_SRP, _ROOT)
    write(names.UC_M68K_REG_SR, 0 if user else _SUPERVISOR)
    write(names.UC_M68K_REG_CR_TC, _ON if translating else 0)


def _virtual(level: Level) -> int:
    return _TOP[level] << 25 | _INDEX[Level.PMD] << 18 | _INDEX[Level.PTE] << 12 | 0x128


_GOOD: Final = _WHERE | _M | _U | _RESIDENT
_PAGE: Final = Slot(
    virtual=_virtual(Level.PTE),
    entry=_PAGES + 4 * _INDEX[Level.PTE],
    below=12,
    lower=fixed(0),
    good=_GOOD,
    frame=_WHERE >> 12,
    readonly=_GOOD | _W,
    invalid=_GOOD & ~_RESIDENT,
    table=_INDIRECT | _TABLE,
    where=_INDIRECT,
    privileged=_GOOD | _S,
    typical=(
        _GOOD | 3,
        _GOOD & ~_M,
        _GOOD & ~(_M | _U),
        _GOOD & ~(_M | _U) | _W,
        _GOOD & ~(_M | _U) | _S,
        _GOOD & ~(_M | _U) | _S | _W,
        _GOOD | 0xF << 8 | 3 << 5,
    ),
    size=4,
)
_LEADING: Final = 0x1234_5600 | _U | _TABLE
_POINTER: Final = Slot(
    virtual=_virtual(Level.PMD),
    entry=_POINTERS_PMD + 4 * _INDEX[Level.PMD],
    below=18,
    lower=fixed(4 * _INDEX[Level.PTE]),
    good=None,
    frame=0,
    readonly=_LEADING | _W,
    invalid=_LEADING & ~_TABLE,
    table=_LEADING,
    where=0x1234_5600,
    typical=(_LEADING | 3, _LEADING & ~_U, _LEADING & ~_U | _W, _LEADING & ~_TABLE | _RESIDENT, _LEADING | 0xF << 4),
    size=4,
)


def _modified(level: Level, entry: int, want: Expected, got: Answer) -> bool:
    """Whether a store to a supervisor-only page that is not write protected was refused, and has set M."""
    refused = level is Level.PTE and want.outcome == "refused" and got.address is None and not got.reads
    return refused and entry & (_S | _W) == _S and got.after == entry | _M | _U


_MODIFIED: Final = Limitation(
    "M is set in a supervisor-only page",
    "a store in user mode is refused, and M is not set by one that is (M68060 User's Manual, 4.2.2.3: except for write-protect or supervisor violations); QEMU "
    "5.0 writes U and M before it looks at S (target/m68k/helper.c: get_physical_address)",
    _modified,
)
