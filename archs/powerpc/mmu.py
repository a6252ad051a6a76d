"""An emulated POWER10: QEMU's Radix Tree Translation in unicorn, in problem state on bare metal (MSR.HV and MSR.PR set), process 0.

What unicorn does not let one write (MSR.HV, LPCR, PTCR) is patched into a saved CPU context, where the registers are found by values that are known.
The CPU is unicorn's default one: asking for a model by number picks a wrong row of its table.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable
from typing import Any, Final

from bitspec.mmu.controls import BrokenSetup
from bitspec.mmu.emulator import NAME, Emulator, tables, unicorn
from bitspec.mmu.expected import Expected
from bitspec.mmu.machine import Answer, Limitation, Machine, Slot
from bitspec.vocabulary import Level

VARIANTS: Final = ("radix-64k", "radix-4k")
NOT_EMULATED: Final = dict.fromkeys(("hash-64k", "hash-4k"), "the MMU does not walk these tables")

_PAGE: Final = {"radix-64k": 16, "radix-4k": 12}
_BASE: Final = 0x5_A960_0000
_PGD, _PUD, _PUD_PMD, _PMD, _PTE, _PARTITIONS, _PROCESSES, _PUD_PUD = (
    _BASE + offset for offset in (0, 0x20000, 0x22000, 0x24000, 0x26000, 0x30000, 0x34000, 0x38000)
)
_PMD_PMD: Final = _BASE + 0x3A000
_V, _L = 1 << 63, 1 << 62
_ATTRIBUTES: Final = 0x187  # R, C, EAA: read, write, execute in problem state
_MINE: Final = _V | _L | 0x0007_8000_0000 | _ATTRIBUTES
_WHERE: Final = 0x0123_8000_0000
_INDEX: Final = {Level.PTE: 7, Level.PMD: 5, Level.PUD: 3}
_TOP: Final = {Level.PTE: 1, Level.PMD: 2, Level.PUD: 3}

_RTS: Final = 2 << 61 | 5 << 5
"""Radix tree size 52: 31 + 0b10101."""
_MSR: Final = 1 << 63 | 0x30  # SF, IR, DR
_HV, _PR = 1 << 60, 1 << 14
_PVR_VALUE: Final = 0x00800100
_PVR, _LPCR, _LPIDR, _PTCR, _PID = 287, 318, 319, 464, 48


def machine(variant: str, *, minefield: bool = True, radix: bool = True, user: bool = True, top: int = _PGD) -> Machine:
    """The machine, set up.  The switches leave a step out, which tests use to show that the controls notice."""
    shift = _PAGE[variant]
    emulator = Emulator("ARCH_PPC", "MODE_PPC64|MODE_BIG_ENDIAN", order="big", mine=_MINE, physical=61, base=_BASE, minefield=minefield)
    _tables(emulator, 21 - shift, top)
    _start(emulator, radix=radix, user=user)
    return Machine(
        model=f"{NAME}, POWER10 on bare metal, {1 << shift - 10}K pages",
        emulator=emulator,
        slots={level: _slot(level, shift) for level in Level},
        page_shift=shift,
        circumstances={},
        writes=True,
        limitations=(_oversized(shift),),
    )


def _tables(emulator: Emulator, last: int, top: int) -> None:
    """Partition 0, process 0, and a tree of 13, 9, 9 and `last` bits with a branch for each level."""
    tables(emulator, ((_PGD + 8 * index, 0) for index in range(1 << 13)))
    pud, pmd = 8 * _INDEX[Level.PUD], 8 * _INDEX[Level.PMD]
    tables(
        emulator,
        (
            (_PARTITIONS, _V | _RTS | top | 13),
            (_PARTITIONS + 8, _PROCESSES),
            (_PROCESSES, _RTS | top | 13),
            (_PROCESSES + 8, 0),
            (_PGD + 8 * _TOP[Level.PTE], _V | _PUD | 9),
            (_PUD + pud, _V | _PMD | 9),
            (_PMD + pmd, _V | _PTE | last),
            (_PGD + 8 * _TOP[Level.PMD], _V | _PUD_PMD | 9),
            (_PUD_PMD + pud, _V | _PMD_PMD | 9),
            (_PGD + 8 * _TOP[Level.PUD], _V | _PUD_PUD | 9),
        ),
    )


def _start(emulator: Emulator, *, radix: bool, user: bool) -> None:
    names = unicorn("unicorn.ppc_const")
    emulator.uc.reg_write(names.UC_PPC_REG_MSR, _MSR)
    context = emulator.uc.context_save()
    blob = bytearray(ctypes.string_at(context.context, context.size))
    msr, pvr = (blob.find(struct.pack("=Q", value)) for value in (_MSR, _PVR_VALUE))
    special = pvr - 8 * _PVR
    if msr < 0 or special < 0:
        raise BrokenSetup("unicorn's ppc64 CPU must be a POWER10, and its registers be found in a saved context")
    struct.pack_into("=Q", blob, msr, _MSR | _HV)
    registers = {_LPCR: (1 << 20 | 1 << 22) if radix else 0, _PTCR: _PARTITIONS, _PID: 0, _LPIDR: 0}  # LPCR: HR, UPRT
    for number, value in registers.items():
        struct.pack_into("=Q", blob, special + 8 * number, value)
    _restore(emulator.uc, context, blob)
    emulator.uc.reg_write(names.UC_PPC_REG_MSR, _MSR | _HV | (_PR if user else 0))


def _restore(uc: Any, context: Any, blob: bytearray) -> None:
    ctypes.memmove(context.context, bytes(blob), len(blob))
    uc.context_restore(context)


def _lower(virtual: int, below: int) -> Callable[[int], int]:
    """Where a walk goes on in a lower table, whose size the entry itself says: the next NLS bits of the address."""

    def offset(entry: int) -> int:
        size = entry & 0x1F
        return 8 * (virtual >> max(below - size, 0) & (1 << size) - 1)

    return offset


def _slot(level: Level, shift: int) -> Slot:
    at = {Level.PTE: shift, Level.PMD: 21, Level.PUD: 30}
    virtual = _TOP[level] << 39 | _INDEX[Level.PUD] << 30 | _INDEX[Level.PMD] << 21 | _INDEX[Level.PTE] << shift | 0xA28
    entry = {
        Level.PTE: _PTE + 8 * _INDEX[Level.PTE],
        Level.PMD: _PMD_PMD + 8 * _INDEX[Level.PMD],
        Level.PUD: _PUD_PUD + 8 * _INDEX[Level.PUD],
    }[level]
    size = {Level.PTE: 5, Level.PMD: 21 - shift, Level.PUD: 9}[level]
    good = _V | _L | _WHERE | _ATTRIBUTES
    table = _V | _WHERE
    return Slot(
        virtual=virtual,
        entry=entry,
        below=at[level],
        lower=_lower(virtual, at[level]),
        good=good,
        frame=_WHERE >> shift,
        readonly=good & ~2,
        invalid=good & ~_V,
        table=table | size,
        where=_WHERE,
        privileged=good | 8,
        typical=(good & ~0x180, good | 0x8, good | 0x20, table | 8, table | 9, table | 12, table | 0),
    )


def _oversized(shift: int) -> Limitation:
    """A directory entry whose lower table would translate more bits than the address has left."""

    def covers(level: Level, entry: int, want: Expected, _got: Answer) -> bool:
        return want.outcome == "reserved" and entry >> 62 == 2 and entry & 0x1F > _slot(level, shift).below

    return Limitation(
        "NLS beyond the rest of the address",
        "a radix tree must translate exactly the bits the address has, else it is an unsupported configuration (Power ISA 6.7.10; POWER9 User's Manual, "
        "4.10.4.1); QEMU 5.0 shifts by a negative number and goes on, later ones fault (mmu-radix64.c: ppc_radix64_is_valid_level)",
        covers,
    )
