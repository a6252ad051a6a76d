"""An emulated arm64 machine: QEMU's VMSAv8-64 in unicorn, at EL0, with 48-bit addresses.

EL1 is AArch64 only after SCR_EL3 and HCR_EL2 say so; without, every access faults.  EL0 takes effect with the next write of a system register.  The
emulated CPU (MAX) manages neither the access flag nor dirty state, and has neither LPA nor LPA2 nor S1PIE.
"""

from __future__ import annotations

from typing import Final

from bitspec.mmu.emulator import NAME, Emulator, tables, unicorn
from bitspec.mmu.expected import Expected
from bitspec.mmu.machine import Answer, Limitation, Machine, Slot, fixed
from bitspec.vocabulary import Level

VARIANTS: Final = ("4k-48", "16k-48", "64k-48")
NOT_EMULATED: Final = dict.fromkeys(("4k-52", "16k-52", "64k-52"), "QEMU 5.0 has 48-bit addresses alone")

_GRANULE: Final = {"4k-48": (12, 0), "16k-48": (14, 2), "64k-48": (16, 1)}
"""log2 of the page size, and TCR_EL1.TG0."""
_BASE: Final = 0x5_A960_0000
_L0, _L1, _L2, _L2_PTE, _L3, _CODE = (_BASE + 0x10000 * number for number in range(6))
_WHERE: Final = 0x0123_8000_0000
_ATTRIBUTES: Final = 0x740  # AF, SH, AP[1]
_READ_ONLY: Final = 0x80
_TABLE_READ_ONLY: Final = 1 << 62
_TABLE: Final = 3
_MINE: Final = 0x0007_8000_0000 | _ATTRIBUTES | _TABLE
"""A page at level 3; at levels 1 and 2 a table that is once more in the minefield."""
_INDEX: Final = {Level.PTE: 7, Level.PMD: 5}
_TOP: Final = {Level.PTE: 1, Level.PMD: 2, Level.PUD: 3}
_CPU_MAX: Final = 3

_SCR_EL3, _HCR_EL2 = (1, 1, 3, 6, 0), (1, 1, 3, 4, 0)  # crn, crm, op0, op1, op2
_MAIR, _TTBR0, _TCR, _SCTLR = (10, 2, 3, 0, 0), (2, 0, 3, 0, 0), (2, 0, 3, 0, 2), (1, 0, 3, 0, 0)


def machine(variant: str, *, minefield: bool = True, aarch64: bool = True, user: bool = True, translating: bool = True) -> Machine:
    """The machine, set up.  The switches leave a step out, which tests use to show that the controls notice."""
    shift, granule = _GRANULE[variant]
    emulator = Emulator("ARCH_ARM64", "MODE_ARM", order="little", mine=_MINE, physical=48, base=_BASE, size=0x80000, minefield=minefield, cpu=_CPU_MAX)
    names = unicorn("unicorn.arm64_const")
    _tables(emulator)

    def write(register: tuple[int, ...], value: int) -> None:
        emulator.uc.reg_write(names.UC_ARM64_REG_CP_REG, (*register, value))

    if aarch64:
        write(_SCR_EL3, 0x431)
        write(_HCR_EL2, 1 << 31)
    write(_MAIR, 0xFFFF_FFFF_FFFF_FFFF)
    write(_TTBR0, _L1 if shift == 16 else _L0)
    write(_TCR, 16 | 5 << 32 | 1 << 23 | granule << 14)  # T0SZ, IPS, EPD1
    if user:
        emulator.uc.reg_write(names.UC_ARM64_REG_PSTATE, 0x3C0)
    if translating:
        write(_SCTLR, 0x30D00805)
    return Machine(
        model=f"{NAME}, CPU max, {1 << shift - 10}K pages, 48-bit addresses",
        emulator=emulator,
        slots={level: _slot(level, shift) for level in Level},
        page_shift=shift,
        circumstances={"PS": 48, "HA": 0, "HD": 0, "PIE": 0},
        writes=False,
        limitations=(_low_bits(shift), _misplaced(shift)),
    )


def _tables(emulator: Emulator) -> None:
    tables(emulator, ((table + 8 * index, 0) for table in (_L0, _L1) for index in range(512)))
    tables(
        emulator,
        (
            (_L0, _L1 | _TABLE),
            (_L1 + 8 * _TOP[Level.PTE], _L2_PTE | _TABLE),
            (_L2_PTE + 8 * _INDEX[Level.PMD], _L3 | _TABLE),
            (_L1 + 8 * _TOP[Level.PMD], _L2 | _TABLE),
        ),
    )


def _slot(level: Level, shift: int) -> Slot:
    at = {Level.PTE: shift, Level.PMD: 2 * shift - 3, Level.PUD: 3 * shift - 6}
    virtual = _TOP[level] << at[Level.PUD] | _INDEX[Level.PMD] << at[Level.PMD] | _INDEX[Level.PTE] << at[Level.PTE] | 0x128
    entry = {Level.PTE: _L3 + 8 * _INDEX[Level.PTE], Level.PMD: _L2 + 8 * _INDEX[Level.PMD], Level.PUD: _L1 + 8 * _TOP[Level.PUD]}[level]
    lower = {Level.PTE: None, Level.PMD: fixed(8 * _INDEX[Level.PTE]), Level.PUD: fixed(8 * _INDEX[Level.PMD])}[level]
    leaf = _WHERE | _ATTRIBUTES | (3 if level is Level.PTE else 1)
    table = None if lower is None else _WHERE | _TABLE
    has_leaf = level is not Level.PUD or shift == 12
    return Slot(
        virtual=virtual,
        entry=entry,
        below=at[level],
        lower=lower,
        good=leaf if has_leaf else None,
        frame=_WHERE >> shift,
        readonly=leaf | _READ_ONLY if has_leaf or table is None else table | _TABLE_READ_ONLY,
        invalid=leaf & ~1,
        table=table,
        where=_WHERE,
        privileged=leaf & ~0x40 if has_leaf else None,
        typical=(leaf & ~0x400, leaf & ~0x40, leaf | 1 << 54 | 1 << 53 | 1 << 51 | _READ_ONLY, leaf | 0xF << 59 | 1 << 11),
    )


def _block(level: Level, entry: int) -> bool:
    return level is not Level.PTE and entry & 3 == 1


def _low_bits(shift: int) -> Limitation:
    """Bits of a block between the page size and the block size end up in the address."""

    def covers(level: Level, entry: int, want: Expected, got: Answer) -> bool:
        if want.outcome != "leaf" or not _block(level, entry) or got.address is None or got.reads:
            return False
        slot = _slot(level, shift)
        inside = slot.virtual & (1 << slot.below) - 1
        return got.address == entry & (1 << 48) - (1 << shift) | inside

    return Limitation(
        "RES0 bits under a block's address are taken into it",
        "bits of a block descriptor below its output address are RES0 (Arm ARM D8.3.1.2), which a PE ignores; QEMU 5.0 does not clear them, "
        'fixed by QEMU commit 39a1fd25287f "target/arm: Fix handling of LPAE block descriptors"',
        covers,
    )


def _misplaced(shift: int) -> Limitation:
    """Blocks at level 1, which the larger granules have with 52-bit addresses alone."""

    def covers(level: Level, entry: int, want: Expected, got: Answer) -> bool:
        return level is Level.PUD and shift > 12 and want.outcome == "invalid" and _block(level, entry) and not got.reads

    return Limitation(
        "level 1 blocks with 16K and 64K pages",
        "a block descriptor at level 1 needs 4K pages or 52-bit addresses (Arm ARM D8.3.1), else it is a translation fault; QEMU 5.0 maps it, "
        "later ones do not (target/arm/ptw.c: lpae_block_desc_valid)",
        covers,
    )
