"""An emulated x86-64 machine: QEMU's MMU in unicorn, in user mode (CPL 3), with CR0.WP and EFER.NXE set.

Long mode is entered by writing the registers; user mode needs a GDT and one IRETQ that is really executed.  Tables are chained so that every level's
entry stands under an address of its own.  The emulated CPU has 40 physical address bits (bits 40 to 51 of an entry are reserved), 1 GB pages, and
writes A and D.
"""

from __future__ import annotations

from typing import Final

from bitspec.mmu.emulator import NAME, Emulator, tables, unicorn
from bitspec.mmu.machine import Machine, Slot, fixed
from bitspec.vocabulary import Level

VARIANTS: Final = ("4-level", "5-level")
NOT_EMULATED: Final = {"4-level-knl": "no emulator has the erratum KNL4"}

PHYSICAL: Final = 40
_ALL: Final = 0x67  # P, R/W, U/S, A, D
_PS: Final = 0x80
_XD: Final = 1 << 63
_BASE: Final = 0x5_8000_0000
"""Of the RAM: where few of the entries asked about lead to; address 0 maps it."""
_TOP, _PGD, _PUD, _PMD, _PTE, _LOW, _GDT, _CODE, _STACK = (_BASE + 0x1000 * number for number in range(1, 10))
_WHERE: Final = 0x80_4000_0000
_INDEX: Final = {39: 1, 30: 3, 21: 5, 12: 7}
_GDT_ENTRIES: Final = (0, 0x00209A0000000000, 0x0000920000000000, 0x0020FA0000000000, 0x0000F20000000000)


def machine(variant: str, *, minefield: bool = True, user: bool = True, paging: bool = True) -> Machine:
    """The machine, set up.  The switches leave a step out, which tests use to show that the controls notice."""
    mine = _WHERE | _ALL | _PS
    emulator = Emulator("ARCH_X86", "MODE_64", order="little", mine=mine, physical=PHYSICAL, base=_BASE, minefield=minefield)
    five = variant == "5-level"
    _tables(emulator)
    _start(emulator, five=five, user=user, paging=paging)
    slots = {level: _slot(level) for level in Level}
    return Machine(
        model=f"{NAME}, qemu64 with {PHYSICAL} physical address bits",
        emulator=emulator,
        slots=slots,
        page_shift=12,
        circumstances={"MAXPHYADDR": PHYSICAL, "NXE": 1},
        writes=True,
    )


def _tables(emulator: Emulator) -> None:
    """The top table, which is used with five levels only; the one below, whose first entries lead to the machine's own pages and to the levels."""
    index = {shift: 8 * number for shift, number in _INDEX.items()}
    tables(emulator, ((table + 8 * place, 0) for table in (_TOP, _PGD, _LOW) for place in range(512)))
    places = [(_TOP, _PGD | _ALL), (_PGD, _LOW | _ALL), (_LOW, _BASE | _PS | _ALL)]
    # One table of each kind serves three addresses, which differ in the topmost index alone: 1 for a PTE, 2 for a PMD, 3 for a PUD.
    places += [
        (_PGD + index[39], _PUD | _ALL),
        (_PUD + index[30], _PMD | _ALL),
        (_PMD + index[21], _PTE | _ALL),
        (_PGD + 2 * index[39], _PUD + 0x10000 | _ALL),
        (_PUD + 0x10000 + index[30], _PMD + 0x10000 | _ALL),
        (_PGD + 3 * index[39], _PUD + 0x20000 | _ALL),
    ]
    tables(emulator, places)


def _slot(level: Level) -> Slot:
    low = {Level.PTE: 12, Level.PMD: 21, Level.PUD: 30}[level]
    top = {Level.PTE: 1, Level.PMD: 2, Level.PUD: 3}[level]
    entry = {Level.PTE: _PTE + 8 * _INDEX[12], Level.PMD: _PMD + 0x10000 + 8 * _INDEX[21], Level.PUD: _PUD + 0x20000 + 8 * _INDEX[30]}[level]
    virtual = top << 39 | _INDEX[30] << 30 | _INDEX[21] << 21 | _INDEX[12] << 12 | 0x128
    size = 0 if level is Level.PTE else _PS
    good = _WHERE | _ALL | size
    lower = None if level is Level.PTE else fixed(8 * _INDEX[low - 9])
    return Slot(
        virtual=virtual,
        entry=entry,
        below=low,
        lower=lower,
        good=good,
        frame=_WHERE >> 12,
        readonly=good & ~2,
        invalid=good & ~1,
        table=None if lower is None else 0x12345000 | _ALL,
        where=0x12345000,
        privileged=good & ~4,
        typical=(good & ~0x60, good & ~0x60 | _XD, good | 0x100, 0x4080 | size),
    )


def _start(emulator: Emulator, *, five: bool, user: bool, paging: bool) -> None:
    names = unicorn("unicorn.x86_const")
    uc = emulator.uc
    for number, descriptor in enumerate(_GDT_ENTRIES):
        emulator.put(_GDT + 8 * number, descriptor)
    uc.reg_write(names.UC_X86_REG_MSR, (0xC0000080, 0xD01))  # EFER: SCE, LME, LMA, NXE
    uc.reg_write(names.UC_X86_REG_CR4, 0x20 | (0x1000 if five else 0))  # PAE, LA57
    uc.reg_write(names.UC_X86_REG_CR3, _TOP if five else _PGD)
    if not paging:
        return
    uc.reg_write(names.UC_X86_REG_CR0, 0x80010011)  # PG, WP, ET, PE
    uc.reg_write(names.UC_X86_REG_GDTR, (0, _GDT - _BASE, 8 * len(_GDT_ENTRIES) - 1, 0))
    if not user:
        return
    emulator.code(_CODE, b"\x48\xcf")  # iretq
    emulator.code(_CODE + 0x10, b"\x90\x90")
    code, stack = _CODE - _BASE, _STACK - _BASE
    for number, value in enumerate((code + 0x10, 0x1B, 2, stack + 0x800, 0x23)):  # RIP, CS, RFLAGS, RSP, SS
        emulator.put(_STACK + 8 * number, value)
    uc.reg_write(names.UC_X86_REG_RSP, stack)
    uc.emu_start(code, code + 0x11, count=2)
