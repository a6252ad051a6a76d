"""Emulated ARMv7-A machines: QEMU's long and short descriptors in unicorn, on a Cortex-A15, in user mode.

User mode takes effect with the next write of a system register. With two levels the kernel's entry is in no table of the hardware's: what is put there is
what the specification of cpu_v7_set_pte_ext() makes of it, so that the walk of the descriptor is asked about, and its making is not
(tests/archs/test_arm.py has it made by a kernel tree's own code). The first-level slot of that machine is for the controls alone, which show the minefield by
a table of the hardware's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from archs.arm.hardware import L_DIRTY, L_NONE, L_RDONLY, L_USER, L_VALID, L_XN, L_YOUNG, PAGE_SHIFT, set_pte_ext
from bitspec.expr import var
from bitspec.hardware import Access
from bitspec.mmu.emulator import NAME, Emulator, tables, unicorn
from bitspec.mmu.machine import Answer, Machine, Slot, fixed
from bitspec.read.as_int import function
from bitspec.vocabulary import Level

VARIANTS: Final = ("lpae", "2-level")

_CORTEX_A15: Final = "UC_CPU_ARM_CORTEX_A15"
_SCTLR, _TTBR0, _TTBCR, _DACR, _MAIR0, _MAIR1 = (1, 0, 0, 0), (2, 0, 0, 0), (2, 0, 0, 2), (3, 0, 0, 0), (10, 2, 0, 0), (10, 2, 0, 1)  # crn, crm, opc1, opc2
_EAE: Final = 1 << 31
_M, _TRE, _AFE = 1 << 0, 1 << 28, 1 << 29
_USER_MODE: Final = 0x10
_BASE: Final = 0x5A96_0000
_INDEX: Final = {Level.PTE: 6, Level.PMD: 5}


def machine(variant: str, *, minefield: bool = True, long: bool = True, user: bool = True, translating: bool = True) -> Machine:
    """The machine, set up.  The switches leave a step out, which tests use to show that the controls notice."""
    return (_long if variant == "lpae" else _short)(minefield, long, user, translating)


def _start(emulator: Emulator, control: int, user: bool, translating: bool) -> None:
    names = unicorn("unicorn.arm_const")

    def write(register: tuple[int, ...], value: int) -> None:
        emulator.uc.reg_write(names.UC_ARM_REG_CP_REG, (15, 0, 0, *register, value))

    write(_TTBCR, control)
    write(_TTBR0, _BASE)
    write(_DACR, 1)
    if control:
        write(_MAIR0, 0xFFFF_FFFF)
        write(_MAIR1, 0xFFFF_FFFF)
    if user:
        emulator.uc.reg_write(names.UC_ARM_REG_CPSR, _USER_MODE)
    if translating:
        write(_SCTLR, 0x00C5_0078 | _M)


def _model() -> int:
    found: Any = unicorn("unicorn.arm_const")
    return int(getattr(found, _CORTEX_A15))


# Long descriptors

_L2, _L2_PMD, _L3 = (_BASE + 0x1000 * number for number in range(1, 4))
_TOP: Final = {Level.PTE: 1, Level.PMD: 2}
_ATTRIBUTES: Final = 0x740  # AF, SH, AP[1]
_READ_ONLY: Final = 0x80
_TABLE: Final = 3
_WHERE: Final = 0x12_3800_0000
_LONG_MINE: Final = 0x07_8000_0000 | _ATTRIBUTES | _TABLE
"""A page at level 3; at level 2 a table that is once more in the minefield."""


def _long(minefield: bool, long: bool, user: bool, translating: bool) -> Machine:
    emulator = Emulator("ARCH_ARM", "MODE_ARM", order="little", mine=_LONG_MINE, physical=40, base=_BASE, minefield=minefield, cpu=_model())
    tables(
        emulator,
        (
            (_BASE + 8 * _TOP[Level.PTE], _L2 | _TABLE),
            (_L2 + 8 * _INDEX[Level.PMD], _L3 | _TABLE),
            (_BASE + 8 * _TOP[Level.PMD], _L2_PMD | _TABLE),
        ),
    )
    _start(emulator, _EAE if long else 0, user, translating)
    return Machine(
        model=f"{NAME}, Cortex-A15, long descriptors",
        emulator=emulator,
        slots={level: _long_slot(level) for level in (Level.PTE, Level.PMD)},
        page_shift=PAGE_SHIFT,
        circumstances={},
        writes=False,
    )


def _long_slot(level: Level) -> Slot:
    lowest = level is Level.PTE
    leaf = _WHERE | _ATTRIBUTES | (3 if lowest else 1)
    return Slot(
        virtual=_TOP[level] << 30 | _INDEX[Level.PMD] << 21 | _INDEX[Level.PTE] << 12 | 0x128,
        entry=_L3 + 8 * _INDEX[Level.PTE] if lowest else _L2_PMD + 8 * _INDEX[Level.PMD],
        below=12 if lowest else 21,
        lower=None if lowest else fixed(8 * _INDEX[Level.PTE]),
        good=leaf,
        frame=_WHERE >> PAGE_SHIFT,
        readonly=leaf | _READ_ONLY,
        invalid=leaf & ~1,
        table=None if lowest else _WHERE | _TABLE,
        where=_WHERE,
        privileged=leaf & ~0x40,
        typical=(leaf & ~0x400, leaf & ~0x40, leaf | 1 << 54, leaf | 1 << 53, leaf | 0xF << 55, leaf ^ 2, leaf | 1 << 11 | _READ_ONLY),
    )


# Short descriptors

_SECOND: Final = _BASE + 0x4000
_SHORT_WHERE: Final = 0x9870_0000
_SMALL: Final = 1 << 11 | 3 << 4 | 2  # nG, AP[1:0]
_SHORT_MINE: Final = 0x7650_0000 | _SMALL
_SECTION: Final = _SHORT_WHERE | 3 << 10 | 2
_SECTION_APX: Final = 1 << 15
_LINUX: Final = _SHORT_WHERE | L_VALID | L_YOUNG | L_DIRTY | L_USER | 1 << 10


class _Beside(Emulator):
    """With the hardware's second-level table beside the kernel's: what is put there is what set_pte_ext() makes of the entry."""

    def ask(self, slot: Slot, entry: int, access: Access) -> Answer:
        """Put the descriptor made of `entry` into its slot, where it is the second-level one, and access the address it maps."""
        if slot.entry != _SECOND + 4 * _INDEX[Level.PTE]:
            return super().ask(slot, entry, access)
        made = _made(entry)
        got = super().ask(slot, made, access)
        return replace(got, after=entry) if got.after == made else got


_ENTRY: Final = var("entry", 32)
_made: Final = function(set_pte_ext(_ENTRY), _ENTRY)


def _short(minefield: bool, long: bool, user: bool, translating: bool) -> Machine:
    mine = _SHORT_MINE | _SHORT_MINE << 32
    emulator = _Beside("ARCH_ARM", "MODE_ARM", order="little", mine=mine, physical=32, base=_BASE, minefield=minefield, cpu=_model())
    _put(emulator, 2, _SECOND | 1)
    _start(emulator, 0 if long else _EAE, user, translating)
    return Machine(
        model=f"{NAME}, Cortex-A15, short descriptors",
        emulator=emulator,
        slots={Level.PTE: _SECOND_SLOT, Level.PMD: _FIRST_SLOT},
        page_shift=PAGE_SHIFT,
        circumstances={},
        writes=False,
    )


def _put(emulator: Emulator, index: int, descriptor: int) -> None:
    """A first-level descriptor, in place of one that is even numbered, with a fault after it."""
    emulator.put(_BASE + 4 * index, descriptor)


_SECOND_SLOT: Final = Slot(
    virtual=2 << 20 | _INDEX[Level.PTE] << 12 | 0x128,
    entry=_SECOND + 4 * _INDEX[Level.PTE],
    below=12,
    lower=None,
    good=_LINUX,
    frame=_SHORT_WHERE >> PAGE_SHIFT,
    readonly=_LINUX | L_RDONLY,
    invalid=_LINUX & ~L_VALID,
    privileged=_LINUX & ~L_USER,
    typical=(_LINUX & ~L_DIRTY, _LINUX & ~L_YOUNG, _LINUX | L_NONE, _LINUX | L_XN, _LINUX | 0x3C, _LINUX | L_RDONLY | L_XN),
)
_FIRST_SLOT: Final = Slot(
    virtual=4 << 20 | _INDEX[Level.PTE] << 12 | 0x128,
    entry=_BASE + 4 * 4,
    below=20,
    lower=fixed(4 * _INDEX[Level.PTE]),
    good=_SECTION,
    frame=_SHORT_WHERE >> PAGE_SHIFT,
    readonly=_SECTION | _SECTION_APX,
    invalid=_SECTION & ~2,
    table=_SHORT_WHERE | 1,
    where=_SHORT_WHERE,
    privileged=_SECTION & ~(2 << 10),
)
