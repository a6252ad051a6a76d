"""An emulated s390x machine: QEMU's DAT in unicorn, with EDAT-1, EDAT-2 and instruction-execution protection.

The control registers can be loaded by LCTLG alone.  The emulated CPU's model (a z14) comes without the facilities that a current kernel has, and unicorn
offers no way to add them: they are switched on in the process's own memory.  The CPU state is found there by values put into its general registers, and
what is about to be written is checked against what must stand there; the controls tell whether it has worked.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import Final

from bitspec.mmu.controls import BrokenSetup
from bitspec.mmu.emulator import NAME, Emulator, EmulatorMissing, tables, unicorn
from bitspec.mmu.machine import Machine, Slot, fixed
from bitspec.vocabulary import Level

_EDAT, _EDAT2, _IEP = 7, 66, 71
"""Facilities, as QEMU numbers its feature bits."""
_FACILITIES: Final = {"z14": (_EDAT, _EDAT2, _IEP), "z13": (_EDAT, _EDAT2), "z10": (_EDAT,)}
_NAMES: Final = {_EDAT: "EDAT-1", _EDAT2: "EDAT-2", _IEP: "IEP"}
VARIANTS: Final = tuple(_FACILITIES)

_CR0: Final = 0x800000 | 0x40000
"""EDAT and the AFP-register control."""
_CR0_IEP: Final = 0x100000
_BASE: Final = 0x5_A960_0000
"""Of the RAM: where few of the entries asked about lead to."""
_REGION, _SEGMENT, _PAGE, _CODE, _CONTROLS = (_BASE + offset for offset in (0x4000, 0x10000, 0x20000, 0x2000, 0x3000))
_PRIVATE: Final = 0x100
_MINE: Final = 0x0000_0007_8000_0000
_WHERE: Final = 0x0000_0123_8000_0000
_PX: Final = 7
_RTX: Final = {Level.PTE: 1, Level.PMD: 2, Level.PUD: 3}

_MODEL: Final = 1216
"""Distance in bytes of the pointer to the CPU's model from its general registers."""
_CPU: Final = 31
"""UC_CPU_S390X_Z14."""
_Z14: Final = 0x3906
"""The machine type in a z14's definition."""


def machine(
    variant: str, *, sx01: int = 1, iep: bool = True, minefield: bool = True, facilities: bool = True, private: bool = True, dat: bool = True
) -> Machine:
    """The machine, set up: the address's segment index begins with `sx01`, and `iep` is CR0.43.

    The other switches leave a step out, which tests use to show that the controls notice.
    """
    emulator = Emulator("ARCH_S390X", "MODE_BIG_ENDIAN", order="big", mine=_MINE, physical=64, base=_BASE, minefield=minefield, cpu=_CPU)
    names = unicorn("unicorn.s390x_const")
    if facilities:
        _facilities(emulator, _FACILITIES[variant])
    segment = sx01 << 9 | 5
    _tables(emulator, segment)
    uc = emulator.uc
    uc.reg_write(names.UC_S390X_REG_PSWM, 0x0000000180000000)
    emulator.code(_CODE, bytes.fromhex("eb011000002f"))  # lctlg 0,1,0(1)
    emulator.put(_CONTROLS, _CR0 | (_CR0_IEP if iep else 0))
    emulator.put(_CONTROLS + 8, _REGION | (_PRIVATE if private else 0) | 4 | 3)
    uc.reg_write(names.UC_S390X_REG_R1, _CONTROLS)
    uc.emu_start(_CODE, _CODE + 6, count=1)
    if dat:
        uc.reg_write(names.UC_S390X_REG_PSWM, 0x0400000180000000)
    return Machine(
        model=f"{NAME}, z14 ({', '.join(_NAMES[one] for one in _FACILITIES[variant])})",
        emulator=emulator,
        slots={level: _slot(level, variant, segment) for level in Level},
        page_shift=12,
        circumstances={"private_space": 1, "EDAT": 1, "IEP": int(iep), "SX01": sx01},
        writes=False,
    )


def others(variant: str) -> Iterator[Machine]:
    """The same machine in other circumstances: addresses in other quarters of a region, and no instruction-execution protection."""
    yield from (machine(variant, sx01=quarter) for quarter in (0, 2, 3))
    if variant == "z14":
        yield machine(variant, iep=False)


def _tables(emulator: Emulator, segment: int) -> None:
    """A region-third table; the segment table and the page table under the entries of the lower levels."""
    tables(emulator, ((_REGION + 8 * index, 0x20) for index in range(2048)))
    tables(
        emulator,
        (
            (_REGION + 8 * _RTX[Level.PTE], _SEGMENT | 7),
            (_REGION + 8 * _RTX[Level.PMD], _SEGMENT + 0x8000 | 7),
            (_SEGMENT + 8 * segment, _PAGE),
        ),
    )


def _slot(level: Level, variant: str, segment: int) -> Slot:
    virtual = _RTX[level] << 31 | segment << 20 | _PX << 12 | 0x128
    entry = {Level.PTE: _PAGE + 8 * _PX, Level.PMD: _SEGMENT + 0x8000 + 8 * segment, Level.PUD: _REGION + 8 * _RTX[Level.PUD]}[level]
    if level is Level.PTE:
        return Slot(virtual, entry, 12, None, _WHERE, _WHERE >> 12, _WHERE | 0x200, _WHERE | 0x400, typical=(_WHERE | 0x100, _WHERE | 0x13F))
    kind = 0 if level is Level.PMD else 4
    below, lower, table = (20, fixed(8 * _PX), _WHERE) if level is Level.PMD else (31, fixed(8 * segment), _WHERE | 3)
    good = _WHERE | 0x400 | kind
    leaf = level is Level.PMD or _EDAT2 in _FACILITIES[variant]
    return Slot(
        virtual=virtual,
        entry=entry,
        below=below,
        lower=lower,
        good=good if leaf else None,
        frame=_WHERE >> 12,
        readonly=(good if leaf else table | kind) | 0x200,
        invalid=good | 0x20,
        table=table | kind,
        where=_WHERE,
        typical=(good | 0x100, good | 0x3000, good | 0x300, table | 0x200 | kind),
    )


def _facilities(emulator: Emulator, wanted: tuple[int, ...]) -> None:
    """Switch facilities on in the CPU's model."""
    names = unicorn("unicorn.s390x_const")
    # values no other CPU of this process has, living or freed: else its state would be found instead
    magic = [int.from_bytes(os.urandom(8)) for _ in range(16)]
    for number, value in enumerate(magic):
        emulator.uc.reg_write(names.UC_S390X_REG_R0 + number, value)
    try:
        memory = os.open("/proc/self/mem", os.O_RDWR)
    except OSError as error:
        raise EmulatorMissing(f"the emulated s390 must be able to write /proc/self/mem, as on Linux ({error.strerror})") from None
    try:
        for registers in _found(memory, struct.pack("=16Q", *magic)):
            model = _peek(memory, registers + _MODEL)
            if _peek(memory, _peek(memory, model) + 16) >> 16 & 0xFFFF == _Z14:
                _enable(memory, model + 8, wanted)
                return
    finally:
        os.close(memory)
    raise BrokenSetup("unicorn's s390x CPU must be a z14, and its model be found where version 2.1.4 has it")


def _enable(memory: int, features: int, wanted: tuple[int, ...]) -> None:
    for feature in wanted:
        at = features + feature // 64 * 8
        os.pwrite(memory, struct.pack("=Q", _peek(memory, at) | 1 << feature % 64), at)


def _peek(memory: int, address: int) -> int:
    """A doubleword of this process's own memory; 0 where there is none."""
    try:
        return int(struct.unpack("=Q", os.pread(memory, 8, address))[0])
    except (OSError, OverflowError, struct.error):
        return 0


def _found(memory: int, wanted: bytes) -> Iterator[int]:
    """Every address of `wanted` in this process's own writable memory."""
    with open("/proc/self/maps", encoding="ascii") as maps:
        lines = maps.read().splitlines()
    for line in lines:
        span, rights = line.split()[:2]
        first, last = (int(part, 16) for part in span.split("-"))
        if not rights.startswith("rw"):
            continue
        try:
            content = os.pread(memory, last - first, first)
        except (OSError, OverflowError):
            continue
        at = content.find(wanted)
        while at >= 0:
            yield first + at
            at = content.find(wanted, at + 1)
