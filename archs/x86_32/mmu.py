"""An emulated 32-bit x86 machine: QEMU's MMU in unicorn, in user mode (CPL 3), with CR0.WP set; with PAE also EFER.NXE, without CR4.PSE.

User mode needs a GDT and one IRET that is really executed.  One directory serves both levels: an index of its own leads to the table of the PTEs, another
is the place of a PDE.  The emulated CPU is one of 64 bits in 32-bit mode: it has 40 physical address bits and PSE-36, and writes A and D.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bitspec.mmu.emulator import NAME, Emulator, tables, unicorn
from bitspec.mmu.machine import Machine, Slot, fixed
from bitspec.vocabulary import Level

VARIANTS: Final = ("pae", "2-level")
NOT_EMULATED: Final = {"pae-knl": "no emulator has the erratum KNL4"}

PHYSICAL: Final = 40
_ALL: Final = 0x67  # P, R/W, U/S, A, D
_PS: Final = 0x80
_XD: Final = 1 << 63
_BASE: Final = 0x58000000
"""Of the RAM, below 4 GB as CR3 is: where few of the entries asked about lead to; address 0 maps it."""
_PDPT, _DIRECTORY, _TABLE, _GDT, _CODE, _STACK = (_BASE + 0x1000 * number for number in range(1, 7))
_GDT_ENTRIES: Final = (0, 0x00CF9A000000FFFF, 0x00CF92000000FFFF, 0x00CFFA000000FFFF, 0x00CFF2000000FFFF)
_PTE: Final = 6
"""The index of the entry in the table of the PTEs, and in the minefield's; even, as an entry of 32 bits is asked about together with the next."""
_TOP: Final = {Level.PTE: 2, Level.PMD: 4}
"""The index in the directory that leads to the PTEs, and that of the PDE."""


@dataclass(frozen=True)
class _Format:
    """Entries of one of the two kinds of paging.

    Attributes:
        size: of an entry, in bytes.
        large: log2 of what a PDE with PS maps.
        where: an address for a frame or a table; PAE's is beyond 4 GB.
    """

    size: int
    large: int
    where: int

    def both(self, entry: int) -> int:
        """A doubleword that reads as `entry` wherever it is read."""
        return entry if self.size == 8 else entry | entry << 32


_FORMATS: Final = {"pae": _Format(8, 21, 0x80_4000_0000), "2-level": _Format(4, 22, 0xC0400000)}


def machine(variant: str, *, minefield: bool = True, user: bool = True, paging: bool = True) -> Machine:
    """The machine, set up.  The switches leave a step out, which tests use to show that the controls notice."""
    form = _FORMATS[variant]
    mine = form.both(form.where | _ALL | _PS)
    emulator = Emulator("ARCH_X86", "MODE_32", order="little", mine=mine, physical=PHYSICAL, base=_BASE, minefield=minefield)
    wide = form.size == 8
    _tables(emulator, form)
    _start(emulator, wide=wide, user=user, paging=paging)
    return Machine(
        model=f"{NAME}, qemu64 in 32-bit mode with {PHYSICAL} physical address bits",
        emulator=emulator,
        slots={level: _slot(level, form) for level in _TOP},
        page_shift=12,
        circumstances={"MAXPHYADDR": PHYSICAL, **({"NXE": 1} if wide else {"PSE": 1, "PSE36": 1})},
        writes=True,
    )


def _tables(emulator: Emulator, form: _Format) -> None:
    """The PDPTEs, of which the first is used, and the directory, whose first entry maps the machine's own pages."""
    tables(emulator, ((table + 8 * place, 0) for table in (_PDPT, _DIRECTORY) for place in range(512)))
    own = _BASE | _PS | _ALL
    tables(emulator, ((_PDPT, _DIRECTORY | 1), (_DIRECTORY, own), (_DIRECTORY + _TOP[Level.PTE] * form.size, _TABLE | _ALL)))


def _slot(level: Level, form: _Format) -> Slot:
    virtual = _TOP[level] << form.large | _PTE << 12 | 0x128
    below = 12 if level is Level.PTE else form.large
    at = _TABLE + _PTE * form.size if level is Level.PTE else _DIRECTORY + _TOP[level] * form.size
    good = form.where | _ALL | (0 if level is Level.PTE else _PS)
    table = None if level is Level.PTE else 0x12345000 | _ALL
    return Slot(
        virtual=virtual,
        entry=at,
        below=below,
        lower=None if table is None else fixed(_PTE * form.size),
        good=good,
        frame=form.where >> 12,
        readonly=good & ~2,
        invalid=good & ~1,
        table=table,
        where=0x12345000,
        privileged=good & ~4,
        typical=(good & ~0x60, *([good & ~0x60 | _XD] if form.size == 8 else []), good | 0x100, good | 0x1000, good & ~1 | 0x4000),
    )


def _start(emulator: Emulator, *, wide: bool, user: bool, paging: bool) -> None:
    names = unicorn("unicorn.x86_const")
    uc = emulator.uc
    for number, descriptor in enumerate(_GDT_ENTRIES):
        emulator.put(_GDT + 8 * number, descriptor)
    if wide:
        uc.reg_write(names.UC_X86_REG_MSR, (0xC0000080, 0x800))  # EFER: NXE
    uc.reg_write(names.UC_X86_REG_CR4, 0x20 if wide else 0x10)  # PAE, or PSE
    uc.reg_write(names.UC_X86_REG_CR3, _PDPT if wide else _DIRECTORY)
    if not paging:
        return
    uc.reg_write(names.UC_X86_REG_CR0, 0x80010011)  # PG, WP, ET, PE
    uc.reg_write(names.UC_X86_REG_GDTR, (0, _GDT - _BASE, 8 * len(_GDT_ENTRIES) - 1, 0))
    if not user:
        return
    emulator.code(_CODE, b"\xcf")  # iret
    emulator.code(_CODE + 0x10, b"\x90\x90")
    code, stack = _CODE - _BASE, _STACK - _BASE
    for place, value in enumerate((code + 0x10 | 0x1B << 32, 2 | stack + 0x800 << 32, 0x23)):  # EIP, CS, EFLAGS, ESP, SS
        emulator.put(_STACK + 8 * place, value)
    uc.reg_write(names.UC_X86_REG_ESP, stack)
    uc.emu_start(code, code + 0x11, count=2)
