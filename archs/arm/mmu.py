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
from bitspec.mmu.expected import Expected
from bitspec.mmu.machine import Answer, Limitation, Machine, Slot, fixed
from bitspec.read.as_int import function
from bitspec.vocabulary import Level

VARIANTS: Final = ("lpae", "2-level")

_CORTEX_A15: Final = "UC_CPU_ARM_CORTEX_A15"
_SCTLR, _TTBR0, _TTBCR, _DACR, _MAIR0, _MAIR1 = (1, 0, 0, 0), (2, 0, 0, 0), (2, 0, 0, 2), (3, 0, 0, 0), (10, 2, 0, 0), (10, 2, 0, 1)  # crn, crm, opc1, opc2
_EAE: Final = 1 << 31
_ON: Final = 0x00C5_0078 | 1
"""SCTLR.M, and what reads as one; AFE is 0."""
_USER_MODE: Final = 0x10
_BASE: Final = 0x5A96_0000
_INDEX: Final = {Level.PTE: 6, Level.PMD: 5}


def machine(variant: str, *, minefield: bool = True, long: bool | None = None, user: bool = True, translating: bool = True) -> Machine:
    """The machine, set up.  The switches leave a step out, or ask for the other format's walk, which tests use to show that the controls notice."""
    control = _EAE if (variant == "lpae" if long is None else long) else 0
    return (_long if variant == "lpae" else _short)(minefield, control, user, translating)


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
        write(_SCTLR, _ON)


def _model() -> int:
    found: Any = unicorn("unicorn.arm_const")
    return int(getattr(found, _CORTEX_A15))


# Long descriptors

_L2, _L2_PMD, _L3 = (_BASE + 0x1000 * number for number in range(1, 4))
_TOP: Final = {Level.PTE: 1, Level.PMD: 2}
_ATTRIBUTES: Final = 0x740  # AF, SH, AP[1]
_READ_ONLY: Final = 0x80
_TABLE: Final = 3
_WHERE: Final = 0x9860_0000
_LONG_MINE: Final = 0x07_8000_0000 | _ATTRIBUTES | _TABLE
"""A page at level 3; at level 2 a table that is once more in the minefield."""


def _long(minefield: bool, control: int, user: bool, translating: bool) -> Machine:
    emulator = Emulator("ARCH_ARM", "MODE_ARM", order="little", mine=_LONG_MINE, physical=40, base=_BASE, piece=32, minefield=minefield, cpu=_model())
    tables(
        emulator,
        (
            (_BASE + 8 * _TOP[Level.PTE], _L2 | _TABLE),
            (_L2 + 8 * _INDEX[Level.PMD], _L3 | _TABLE),
            (_BASE + 8 * _TOP[Level.PMD], _L2_PMD | _TABLE),
        ),
    )
    _start(emulator, control, user, translating)
    return Machine(
        model=f"{NAME}, Cortex-A15, long descriptors",
        emulator=emulator,
        slots={level: _long_slot(level) for level in (Level.PTE, Level.PMD)},
        page_shift=PAGE_SHIFT,
        circumstances={},
        writes=False,
        limitations=(_LOW_BITS, _NARROW),
    )


def _below(level: Level, entry: int, got: Answer, address: int) -> bool:
    """Whether the answer is this address of the mapped page or block, in 32 bits."""
    slot = _long_slot(level)
    return got.address == (address | slot.virtual & (1 << slot.below) - 1) & 0xFFFF_FFFF and not got.reads


def _narrow(level: Level, entry: int, want: Expected, got: Answer) -> bool:
    address = want.where << PAGE_SHIFT
    return want.outcome == "leaf" and address >> 32 != 0 and _below(level, entry, got, address)


def _low_bits(level: Level, entry: int, want: Expected, got: Answer) -> bool:
    low = entry & 0x1F_F000
    return want.outcome == "leaf" and level is Level.PMD and low != 0 and _below(level, entry, got, want.where << PAGE_SHIFT | low)


_NARROW: Final = Limitation(
    "32 bits of a physical address",
    "an output address has 40 bits (DDI 0406C, B3.6.1); what unicorn answers for a 32-bit CPU is cut to 32. The upper 8 bits of a table's address are "
    "confirmed all the same, as the walk goes on there; those of a leaf's are not",
    _narrow,
)
_LOW_BITS: Final = Limitation(
    "UNK/SBZP bits under a block's address are taken into it",
    "bits 20:12 of a block descriptor of level 2 are UNK/SBZP (DDI 0406C, B3.6.1), and no part of the address; QEMU 5.0 does not clear them, "
    'fixed by QEMU commit 39a1fd25287f "target/arm: Fix handling of LPAE block descriptors"',
    _low_bits,
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


def _short(minefield: bool, control: int, user: bool, translating: bool) -> Machine:
    mine = _SHORT_MINE | _SHORT_MINE << 32
    emulator = _Beside("ARCH_ARM", "MODE_ARM", order="little", mine=mine, physical=32, base=_BASE, minefield=minefield, cpu=_model())
    _put(emulator, 2, _SECOND | 1)
    _start(emulator, control, user, translating)
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
