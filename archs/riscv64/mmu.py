"""An emulated riscv64 machine: QEMU's Sv39, Sv48 and Sv57 in unicorn, in user mode, with A and D set by the hardware (ADUE = 1).

satp is written before the privilege mode.  The CPU is one with an MMU: ANY and SIFIVE_E51 map everything to itself without a word.  It takes bits 63:54 of
an entry for a part of the address, so that it has nothing to say about Svnapot, Svpbmt, Svrsw60t59b and reserved bits: tests/mmu/test_spike.py asks
spike.  T-Head's CPUs are in neither.
"""

from __future__ import annotations

from typing import Final

from archs.riscv64.hardware import PPN_SHIFT, A, D, G, N, R, U, V, W, X
from archs.riscv64.hardware import VARIANTS as FORMATS
from bitspec.mmu.emulator import NAME, Emulator, tables, unicorn
from bitspec.mmu.expected import Expected
from bitspec.mmu.machine import Answer, Limitation, Machine, Slot, fixed
from bitspec.vocabulary import Level

VARIANTS: Final = tuple(name for name, form in FORMATS.items() if not form.thead)

PHYSICAL: Final = 56
_ALL: Final = V | R | W | X | U | A | D
_BASE: Final = 0x5_8000_0000
"""Of the RAM: where few of the entries asked about lead to."""
_P4D, _PGD, _PUD, _PMD, _PMD_PMD, _PTE = (_BASE + 0x1000 * number for number in range(1, 7))
_WHERE: Final = 0x80_4000_0000
_INDEX: Final = {Level.PTE: 7, Level.PMD: 5}
_TOP: Final = {Level.PTE: 1, Level.PMD: 2, Level.PUD: 3}
_ROOT: Final = {"Sv39": (8, _PUD, 0), "Sv48": (9, _PGD, 1 << 39), "Sv57": (10, _P4D, 1 << 48 | 1 << 39)}
"""satp.MODE, the table it begins with, and the part of an address above the PUD."""
_CPU_BASE64, _CPU_ANY = 1, 0


def _pointer(address: int) -> int:
    """The PPN field of an entry."""
    return address >> 12 << PPN_SHIFT


def machine(variant: str, *, minefield: bool = True, mmu: bool = True, user: bool = True, translating: bool = True) -> Machine:
    """The machine, set up.  The switches leave a step out, which tests use to show that the controls notice."""
    cpu = _CPU_BASE64 if mmu else _CPU_ANY
    mine = _pointer(_WHERE) | _ALL
    emulator = Emulator("ARCH_RISCV", "MODE_RISCV64", order="little", mine=mine, physical=PHYSICAL, base=_BASE, minefield=minefield, cpu=cpu)
    names = unicorn("unicorn.riscv_const")
    _tables(emulator)
    mode, root, above = _ROOT[FORMATS[variant].section]
    if translating:
        emulator.uc.reg_write(names.UC_RISCV_REG_SATP, mode << 60 | root >> 12)
    emulator.uc.reg_write(names.UC_RISCV_REG_PRIV, 0 if user else 1)
    return Machine(
        model=f"{NAME}, BASE64, {FORMATS[variant].section}",
        emulator=emulator,
        slots={level: _slot(level, above) for level in Level},
        page_shift=12,
        circumstances={"ADUE": 1},
        writes=True,
        limitations=(_upper(above), _pointer_bits(above)),
    )


def _tables(emulator: Emulator) -> None:
    """One table each of the two topmost levels, used with so many levels only; the PUD table has an entry for a slot of each level."""
    tables(emulator, ((table + 8 * place, 0) for table in (_P4D, _PGD) for place in range(512)))
    tables(
        emulator,
        (
            (_P4D + 8, _pointer(_PGD) | V),
            (_PGD + 8, _pointer(_PUD) | V),
            (_PUD + 8 * _TOP[Level.PTE], _pointer(_PMD) | V),
            (_PMD + 8 * _INDEX[Level.PMD], _pointer(_PTE) | V),
            (_PUD + 8 * _TOP[Level.PMD], _pointer(_PMD_PMD) | V),
        ),
    )


def _slot(level: Level, above: int) -> Slot:
    low = {Level.PTE: 12, Level.PMD: 21, Level.PUD: 30}[level]
    entry = {Level.PTE: _PTE + 8 * _INDEX[Level.PTE], Level.PMD: _PMD_PMD + 8 * _INDEX[Level.PMD], Level.PUD: _PUD + 8 * _TOP[Level.PUD]}[level]
    virtual = above | _TOP[level] << 30 | _INDEX[Level.PMD] << 21 | _INDEX[Level.PTE] << 12 | 0x128
    lower = {Level.PTE: None, Level.PMD: fixed(8 * _INDEX[Level.PTE]), Level.PUD: fixed(8 * _INDEX[Level.PMD])}[level]
    good = _pointer(_WHERE) | _ALL
    return Slot(
        virtual=virtual,
        entry=entry,
        below=low,
        lower=lower,
        good=good,
        frame=_WHERE >> 12,
        readonly=good & ~W,
        invalid=good & ~V,
        table=None if lower is None else _pointer(0x12345000) | V,
        where=0x12345000,
        privileged=good & ~U,
        typical=(good & ~(A | D), good & ~D, good & ~(R | W), good | G, good & ~R, good | 1 << 61, good | N | 8 << PPN_SHIFT),
    )


def _taken(level: Level, above: int, entry: int, got: Answer) -> bool:
    """Whether the answer is that of a CPU whose PPN field is bits 63:10 of an entry."""
    slot, address = _slot(level, above), entry >> PPN_SHIFT << 12
    if got.reads:
        return got.reads[0] & ~7 == slot.next(entry, address)
    return got.address == (address | slot.virtual & (1 << slot.below) - 1) % (1 << 64)


def _upper(above: int) -> Limitation:
    """Bits 63:54, of a leaf or of a pointer."""

    def covers(level: Level, entry: int, want: Expected, got: Answer) -> bool:
        if want.outcome == "table" and entry >> 54:  # the table is taken to lie where nothing can
            return got.address is None and not got.reads
        return entry >> 54 != 0 and want.outcome in ("reserved", "leaf") and _taken(level, above, entry, got)

    return Limitation(
        "bits 63:54 are taken into the address",
        "bits 60:54 of an entry fault when set, but for 60:59 with Svrsw60t59b, and so do 63:61 without Svnapot and Svpbmt (Privileged Architecture, Sv39, "
        "Svnapot, Svpbmt, Svrsw60t59b); QEMU 5.0 shifts the entry right by 10 and masks nothing, later ones fault or have the extensions "
        "(target/riscv/cpu_helper.c: get_physical_address)",
        covers,
    )


def _pointer_bits(above: int) -> Limitation:
    """D, A or U in a pointer to a lower table."""

    def covers(level: Level, entry: int, want: Expected, got: Answer) -> bool:
        pointer = entry >> 54 == 0 and entry & (V | R | W | X) == V and entry & (D | A | U) != 0
        return pointer and want.outcome == "reserved" and _taken(level, above, entry, got)

    return Limitation(
        "D, A and U of a pointer are ignored",
        "they are reserved for future standard use in an entry that points to a table (Privileged Architecture, Sv32); QEMU 5.0 does not look at them, later "
        "ones fault (target/riscv/cpu_helper.c: get_physical_address)",
        covers,
    )
