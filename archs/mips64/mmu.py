"""An emulated mips64 machine: QEMU's R4000-like TLB in unicorn, filled by handlers that run on it.

The CPU is the I6400, which has RI, XI and a large physical address (PageGrain.ELPA), big-endian. There is no Octeon. The handlers are those that
arch/mips/mm/tlbex.c builds, restated below in machine code without what finds the directory entry: the refill, handle_tlbl of a CPU whose RI and XI have no
exceptions of their own, handle_tlbs and handle_tlbm. unicorn says that an access faulted, and not why: which handler a store gets is read off V in the TLB,
as the manual has it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from archs.mips64.hardware import ACCESSED, DIRTY, HUGE, MODIFIED, PABITS, PRESENT, SHIFT, VALID, WRITE, Paging
from archs.mips64.hardware import VARIANTS as FORMATS
from archs.mips64.pgtable import INVALID_PTE_TABLE
from bitspec.hardware import Access
from bitspec.mmu.emulator import NAME, Emulator, unicorn
from bitspec.mmu.expected import Expected
from bitspec.mmu.machine import Answer, Limitation, Machine, Slot
from bitspec.vocabulary import Level

VARIANTS: Final = ("4k", "16k")
NOT_EMULATED: Final = {"64k": "no entry of bitspec's leads to a table there, by which the controls could see the minefield"}

PHYSICAL: Final = 48
_MIPS64R2, _I6400 = 5, 8  # UC_CPU_MIPS64_*
_CKSEG0: Final = 0xFFFF_FFFF_8000_0000
_XKPHYS: Final = 0x8000_0000_0000_0000
_CODE, _DIRECTORY, _DIRECTORY_HUGE, _TABLE = 0x10000, 0x20000, 0x20040, 0x30000
"""Places in the RAM, which begins at physical address 0."""
_WHERE: Final = 0x80_4000_0000
_ALL: Final = PRESENT | WRITE | ACCESSED | MODIFIED | VALID | DIRTY
_OFFSET, _PAIR = 8 * 5, 8 * 4
"""Of the entry, and of its pair, in the lower table."""
_GOOD: Final = _WHERE >> 12 << 14 | _ALL
"""A leaf."""
_NO_EXEC, _NO_READ = 1 << 6, 1 << 7
_KERNEL, _USER = 0xE0, 0x30
"""Status: KX, SX and UX; UX and user mode."""
_ELPA: Final = 1 << 29
_ATTEMPTS: Final = 4
"""More than an access can need: the refill, a handler, and the page fault."""

# Machine code

_ZERO, _V0, _V1, _A0, _A1, _A2, _A3, _T0, _T1, _T2, _K0, _K1 = 0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 26, 27
_INDEX, _LO0, _LO1, _MASK, _GRAIN, _HI = (0, 0), (2, 0), (3, 0), (5, 0), (5, 1), (10, 0)
_TLBWI, _TLBR, _NOP = 0x42000002, 0x42000001, 0


def _i(opcode: int, rs: int, rt: int, value: int) -> int:
    return opcode << 26 | rs << 21 | rt << 16 | value & 0xFFFF


def _ld(rt: int, base: int, offset: int = 0) -> int:
    return _i(0x37, base, rt, offset)


def _sd(rt: int, base: int, offset: int = 0) -> int:
    return _i(0x3F, base, rt, offset)


def _andi(rt: int, rs: int, value: int) -> int:
    return _i(0x0C, rs, rt, value)


def _ori(rt: int, rs: int, value: int) -> int:
    return _i(0x0D, rs, rt, value)


def _xori(rt: int, rs: int, value: int) -> int:
    return _i(0x0E, rs, rt, value)


def _daddu(rd: int, rs: int, rt: int) -> int:
    return rs << 21 | rt << 16 | rd << 11 | 0x2D


def _drotr(rd: int, rt: int, by: int) -> int:
    return 1 << 21 | rt << 16 | rd << 11 | by << 6 | 0x3A


def _dsrl(rd: int, rt: int, by: int) -> int:
    return rt << 16 | rd << 11 | by << 6 | 0x3A


def _move_to(register: tuple[int, int], rt: int, opcode: int = 5) -> int:
    """dmtc0, or mtc0."""
    return 0x10 << 26 | opcode << 21 | rt << 16 | register[0] << 11 | register[1]


def _move_from(register: tuple[int, int], rt: int) -> int:
    """dmfc0."""
    return 0x10 << 26 | 1 << 21 | rt << 16 | register[0] << 11 | register[1]


@dataclass
class _Code:
    """Instructions with labels, laid out at an address of ckseg0."""

    words: list[int] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)
    jumps: list[tuple[int, str]] = field(default_factory=list)

    def __call__(self, *words: int) -> None:
        self.words += words

    def label(self, name: str) -> None:
        self.labels[name] = len(self.words)

    def branch(self, name: str, opcode: int = 4, rs: int = _ZERO) -> None:
        """beqz, bnez (5), or b; nothing in the delay slot."""
        self.jumps.append((len(self.words), name))
        self(_i(opcode, rs, _ZERO, 0), _NOP)

    def at(self, name: str) -> int:
        return _CKSEG0 + _CODE + 4 * self.labels[name]

    def made(self) -> bytes:
        for place, name in self.jumps:
            self.words[place] |= self.labels[name] - place - 1 & 0xFFFF
        return b"".join(word.to_bytes(4, "big") for word in self.words)


def _handlers(paging: Paging, rotating: bool) -> _Code:
    """The handlers: K1 points to the directory entry, A1 and A2 are the offsets of the pair and of the entry in its table, A0 and A3 PageMask of a page's
    pair and of a huge page's, T2 what an exception leaves in EntryHi; V1 becomes 1 where it is a page fault.
    """
    code = _Code()
    half = 1 << 2 * paging.shift - 3 - 7
    """HPAGE_SIZE >> 7: half a huge page, as EntryLo has it."""

    def convert(register: int) -> None:
        code(_drotr(register, register, SHIFT) if rotating else _dsrl(register, register, SHIFT))

    def update() -> None:
        """K1 points to the pair: build_update_entries, build_tlb_write_entry."""
        code(_ld(_K0, _K1), _ld(_K1, _K1, 8))
        convert(_K0)
        code(_move_to(_LO0, _K0))
        convert(_K1)
        code(_move_to(_LO1, _K1), _move_to(_MASK, _A0, 4), _TLBWI)
        code.branch("done")

    def update_huge() -> None:
        """K0 is the entry: build_huge_update_entries, build_huge_tlb_write_entry."""
        convert(_K0)
        code(_move_to(_LO0, _K0), _i(0x0F, 0, _T0, half >> 16), _ori(_T0, _T0, half), _daddu(_K0, _K0, _T0), _move_to(_LO1, _K0))
        code(_move_to(_MASK, _A3, 4), _TLBWI)
        code.branch("done")

    def change(name: str, wants: int, mode: int, inhibits: bool) -> None:
        """One of handle_tlbl, handle_tlbs, handle_tlbm: K1 comes to point to the entry, which is to have all of `wants` and gets `mode`."""
        code.label(name)
        code(_move_to(_HI, _T2), _ld(_K0, _K1), _andi(_T0, _K0, HUGE))
        code.branch(f"{name} entry", 5, _T0)
        code(_daddu(_K1, _K0, _A2))
        code.label(f"{name} entry")
        code(_daddu(_T1, _T0, _ZERO), _ld(_K0, _K1), _andi(_T0, _K0, wants), _xori(_T0, _T0, wants))
        code.branch("no page", 5, _T0)
        if inhibits:  # V is set, and in the TLB as well: RI or XI
            code(_andi(_T0, _K0, VALID))
            code.branch(f"{name} goaround", 4, _T0)
            code(_TLBR, _move_from(_LO0, _V0), _andi(_T0, _K1, 8))
            code.branch(f"{name} even", 4, _T0)
            code(_move_from(_LO1, _V0))
            code.label(f"{name} even")
            code(_andi(_T0, _V0, 2))
            code.branch("no page", 5, _T0)
            code.label(f"{name} goaround")
        code(_ori(_K0, _K0, mode), _sd(_K0, _K1))
        code.branch(f"{name} huge", 5, _T1)
        code(_ori(_K1, _K1, 8), _xori(_K1, _K1, 8))
        update()
        code.label(f"{name} huge")
        update_huge()

    code.label("set up")
    code(_move_to(_GRAIN, _A0, 4), _move_to(_INDEX, _ZERO, 4))
    code.branch("done")
    code.label("probe")  # the entry of the odd page; of a huge page both halves have the same V
    code(_TLBR, _move_from(_LO1, _V0))
    code.branch("done")
    code.label("refill")
    code(_move_to(_HI, _T2), _ld(_K0, _K1), _andi(_T0, _K0, HUGE))
    code.branch("refill huge", 5, _T0)
    code(_daddu(_K1, _K0, _A1))
    update()
    code.label("refill huge")
    update_huge()
    change("tlbl", PRESENT, VALID | ACCESSED, True)
    change("tlbs", PRESENT | WRITE, VALID | DIRTY | ACCESSED | MODIFIED, False)
    change("tlbm", WRITE, VALID | DIRTY | ACCESSED | MODIFIED, False)
    code.label("no page")
    code(_ori(_V1, _ZERO, 1))
    code.label("done")
    code(_NOP, _NOP)
    return code


class _Handled(Emulator):
    """The emulated CPU, whose TLB the handlers fill."""

    def __init__(self, paging: Paging, *, minefield: bool, cpu: int, elpa: bool, rotating: bool) -> None:
        super().__init__("ARCH_MIPS", "MODE_MIPS64|MODE_BIG_ENDIAN", order="big", mine=_GOOD, physical=PHYSICAL, minefield=minefield, cpu=cpu)
        names = unicorn("unicorn.mips_const")
        self._first, self._status = names.UC_MIPS_REG_0, names.UC_MIPS_REG_CP0_STATUS
        self._error: Any = unicorn().UcError
        self._handlers = _handlers(paging, rotating)
        self.code(_CODE, self._handlers.made())
        self.put(_DIRECTORY, _XKPHYS | _TABLE)
        self._constant = {_A0: _mask(paging.shift), _A1: _PAIR, _A2: _OFFSET, _A3: _mask(_half(paging)), _T2: _virtual(paging) & ~0x1FFF, _V1: 0}
        self._run("set up", {_A0: _ELPA if elpa else 0})

    def _run(self, name: str, registers: dict[int, int]) -> bool:
        """Run a handler; False where an access of its own faults."""
        self.uc.reg_write(self._status, _KERNEL)
        for register, value in registers.items():
            self.uc.reg_write(self._first + register, value)
        try:
            self.uc.emu_start(self._handlers.at(name), self._handlers.at("done"))
        except self._error:
            return False
        finally:
            self.uc.reg_write(self._status, _USER)
        return True

    def _read(self, register: int) -> int:
        return int(self.uc.reg_read(self._first + register))

    def _fill(self, name: str, directory: int, reads: list[int]) -> bool:
        """Whether a handler has done something about the fault."""
        self.reads.clear()
        ran = self._run(name, {**self._constant, _K1: directory})
        reads += self.reads
        return ran and not self._read(_V1)

    def ask(self, slot: Slot, entry: int, access: Access) -> Answer:
        """Put `entry` into its slot, and access the address it maps until that succeeds or is a page fault."""
        reads: list[int] = []
        address = None
        self.put(slot.entry, entry)
        directory = _CKSEG0 + (_DIRECTORY if slot.lower is None else slot.entry)
        name = "refill"
        for _ in range(_ATTEMPTS):
            if not self._fill(name, directory, reads):
                break
            address = super().ask(slot, self.get(slot.entry), access).address
            if address is not None:
                break
            self._run("probe", {})
            name = "tlbl" if access is not Access.STORE else "tlbm" if self._read(_V0) & 2 else "tlbs"
        return Answer(address, self.get(slot.entry), tuple(reads))


# The machine


def _half(paging: Paging) -> int:
    """log2 of half a huge page."""
    return paging.shift + paging.order - 1


def _mask(shift: int) -> int:
    """PageMask for a pair of pages of that size."""
    return (1 << shift + 1) - (1 << 13)


def _virtual(paging: Paging) -> int:
    """An address in an odd page of the lower half of a huge one."""
    return 0x40_0000_0128 | _OFFSET // 8 << paging.shift


def machine(variant: str, *, minefield: bool = True, inhibiting: bool = True, elpa: bool = True, rotating: bool = True) -> Machine:
    """The machine, set up.  The switches leave a step out, which tests use to show that the controls notice."""
    paging = FORMATS[variant]
    cpu = _I6400 if inhibiting else _MIPS64R2
    return Machine(
        model=f"{NAME}, {'I6400' if inhibiting else 'MIPS64R2-generic'}, pages of {variant.upper()}",
        emulator=_Handled(paging, minefield=minefield, cpu=cpu, elpa=elpa, rotating=rotating),
        slots={level: _slot(paging, level) for level in (Level.PTE, Level.PMD)},
        page_shift=paging.shift,
        circumstances={},
        writes=True,
        limitations=(_narrow(paging), _MAPPED, _CROOKED, _EMPTY),
    )


def _slot(paging: Paging, level: Level) -> Slot:
    huge = level is Level.PMD
    good = _GOOD | (HUGE if huge else 0)
    return Slot(
        virtual=_virtual(paging),
        entry=_DIRECTORY_HUGE if huge else _TABLE + _OFFSET,
        below=_half(paging) + 1 if huge else paging.shift,
        lower=(lambda entry: _PAIR - (entry & 7)) if huge else None,  # a load that is not aligned begins with the doubleword below
        good=good,
        frame=_WHERE >> paging.shift,
        readonly=good & ~(WRITE | DIRTY | MODIFIED),
        invalid=good & ~(PRESENT | VALID),
        table=_XKPHYS | 0x12345000 if huge else None,
        where=0x12345000,
        privileged=good | _NO_READ,
        typical=(
            good & ~(VALID | DIRTY | ACCESSED | MODIFIED),
            good & ~(DIRTY | MODIFIED),
            good & ~PRESENT,
            good | _NO_EXEC,
            good & ~(VALID | DIRTY | WRITE) | _NO_READ | _NO_EXEC,
            0x21F_0000,
            _CKSEG0 | 0x12345000,
            0x9800_0000_1234_5000,
        ),
    )


def _narrow(paging: Paging) -> Limitation:
    """Bit 48 of a physical address."""

    def covers(level: Level, entry: int, want: Expected, got: Answer) -> bool:
        if want.outcome != "leaf" or got.address is None or got.reads:
            return False
        inside = (_virtual(paging) & (1 << _slot(paging, level).below) - 1) >> paging.shift
        return got.address >> paging.shift == (want.where + inside) % (1 << PHYSICAL - paging.shift)

    return Limitation(
        "bit 48 of the physical address is dropped",
        f"Octeon's has {PABITS} bits (arch/mips/include/asm/octeon/cvmx-address.h), the I6400's {PHYSICAL} (QEMU 5.0, target/mips/translate_init.inc.c)",
        covers,
    )


def _mapped(level: Level, entry: int, want: Expected, got: Answer) -> bool:
    """Whether the address in a directory entry is none that a handler's load reaches directly."""
    unmapped = entry >> 31 == (1 << 33) - 1 and not entry >> 30 & 1
    return want.outcome == "table" and not unmapped and not (entry >> 62 == 2 and entry & (1 << 59) - 1 < 1 << PHYSICAL)


_MAPPED: Final = Limitation(
    "a directory entry in a mapped segment",
    "it is a virtual address: in a mapped segment the handler's own load goes through the TLB, and beyond the physical address of an unmapped one it is an "
    "address error; the specification says a table at that address, as it approximates",
    _mapped,
)

_CROOKED: Final = Limitation(
    "a directory entry that is not aligned",
    "the handler's load reads parts of two entries, on the I6400, of release 6, as on Octeon with its fixup (mach-cavium-octeon/kernel-entry-init.h), or is an "
    "address error; the specification says a table at that address, as it approximates",
    lambda level, entry, want, got: want.outcome == "table" and entry & 7 != 0,
)

_EMPTY: Final = Limitation(
    "an empty entry leads to a mine",
    "it is the address of invalid_pte_table, whose entries are all 0 (arch/mips/mm/init.c), and which the machine does not have",
    lambda level, entry, want, got: entry == INVALID_PTE_TABLE and want.outcome == "table",
)
