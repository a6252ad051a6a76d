"""An emulated loongarch64 machine: the MMU of Debian's qemu-system-loongarch64, asked by a guest (guest.S) that answers through a mailbox in shared memory.

unicorn has no loongarch64. The guest is assembled by ziglang's clang. Its refill is lddir, ldpte and tlbfill as the kernel's, with PWCL and PWCH as
setup_ptwalker() sets them (arch/loongarch/mm/tlb.c); the other handlers are those of tlbex.S, restated. QEMU's own log (-d mmu,guest_errors) says what an
access translated to, and where ldpte read beyond the RAM. QEMU reads zeros there: the guest's refill replaces them by a leaf, which makes the minefield.
"""

from __future__ import annotations

import mmap
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import weakref
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from archs.loongarch64.hardware import MODIFIED, NR, NX, PALEN, D, H, P, Paging, V, W
from archs.loongarch64.hardware import VARIANTS as FORMATS
from archs.loongarch64.pgtable import INVALID_PTE_TABLE
from bitspec.hardware import Access
from bitspec.mmu.emulator import EmulatorError, EmulatorMissing
from bitspec.mmu.expected import Expected
from bitspec.mmu.machine import Answer, Limitation, Machine, Slot, fixed
from bitspec.vocabulary import Level

VARIANTS: Final = ("16k", "4k")
NOT_EMULATED: Final = {"64k": "no entry of bitspec's leads to a table there, by which the controls could see the minefield"}

QEMU: Final = "qemu-system-loongarch64"
_TIMEOUT: Final = 60.0
_WINDOW: Final = 0x9000_0000_0000_0000
_CODE, _MAILBOX, _ROOT, _DIRECTORY, _TABLE = (0x800_0000 + 0x1_0000 * number for number in range(5))
"""Places in the RAM, which begins at physical address 0."""
_RAM, _SHARED, _END = 1 << 30, 1 << 28, 0xC000_0000
"""The RAM's size, the part of it that begins at 0, and where what QEMU's machine virt has ends: the rest of the RAM lies below, beyond the devices."""
_REQUEST, _ANSWERED, _ENTRY, _SLOT, _IS_DIRECTORY, _VIRTUAL, _SHIFT, _PWCL, _PWCH, _HALF, _MINE, _PGDL, _PRMD, _FROM, _TO, _ = (
    _MAILBOX + 8 * number for number in range(16)
)
_RESULTS: Final = _MAILBOX + 128

_WHERE: Final = 0x80_4000_0000
_FAR: Final = 0x12_3450_0000
"""Of a table in the minefield."""
_CACHED, _USER = 1 << 4, 3 << 2
_GOOD: Final = _WHERE | V | D | _USER | _CACHED | P | W | MODIFIED
"""A leaf."""
_TOP, _OF_TABLE, _OF_HUGE, _INDEX = 3, 5, 7, 9
"""Indexes: in the root, of the directory's entries, and in the table that the first leads to: an odd page.  QEMU 7.2's TLBEHI has no bits 14:13."""
_ORDER: Final = (Access.LOAD, Access.STORE, Access.FETCH)
_EXECUTE: Final = 4
"""PAGE_EXEC of QEMU."""

_LINE: Final = re.compile(rb"address=([0-9a-f]+) (?:physical ([0-9a-f]+) prot (\d)|ret (\d+))|Invalid read at addr 0x([0-9A-Fa-f]+), size 8")


@dataclass
class _Seen:
    """What the log says of one access."""

    physical: int | None = None
    rights: int | None = None
    result: bytes = b""
    reads: tuple[int, ...] = ()

    @property
    def fetches(self) -> bool | None:
        """Whether a fetch would be permitted, as far as the access says so: QEMU's TLB entries have the rights of all accesses."""
        if self.rights is not None:
            return self.rights & _EXECUTE != 0
        return False if self.result == b"7" else None


def _segments(log: bytes, virtual: int) -> list[_Seen]:
    """Every access begins with an empty TLB: the address does not match (2).  What comes after a translation is the access itself."""
    found: list[_Seen] = []
    for address, physical, rights, result, read in _LINE.findall(log):
        if address and int(address, 16) == virtual:
            if result == b"2":
                found.append(_Seen())
            elif found:
                found[-1].physical = int(physical, 16) if physical else None
                found[-1].rights, found[-1].result = int(rights) if rights else None, result
        elif read and found and found[-1].physical is None:
            found[-1].reads += (int(read, 16),)
    return found


def _program(where: Path) -> Path:
    """The guest, assembled.  Raises EmulatorMissing without ziglang."""
    if find_spec("ziglang") is None:
        raise EmulatorMissing("the emulated MMU of loongarch64 needs ziglang: pip install 'bitspec-pgtable[kernel]'")
    zig = (sys.executable, "-m", "ziglang")
    source = Path(__file__).with_name("guest.S")
    link = ("ld.lld", "--no-relax", f"-Ttext={_WINDOW + _CODE:#x}", "-e", "_start", "guest.o", "-o", "guest")
    for command in (("clang", "--target=loongarch64-linux-gnu", "-mno-relax", "-c", str(source), "-o", "guest.o"), link):
        subprocess.run((*zig, *command), cwd=where, check=True, capture_output=True)
    return where / "guest"


class _Guest:
    """QEMU with the guest in it.  One question asks about all three accesses; the answers of the last entry are kept."""

    def __init__(self, paging: Paging, *, minefield: bool, user: bool) -> None:
        program = shutil.which(QEMU)
        if program is None:
            raise EmulatorMissing(f"the emulated MMU of loongarch64 needs {QEMU}: apt install qemu-system-misc")
        said = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout.split()
        self.version = said[said.index("version") + 1]
        self._last: tuple[Slot, int, dict[Access, Answer]] | None = None
        self._number = 0
        with tempfile.TemporaryDirectory() as folder:
            guest, memory = _program(Path(folder)), Path(folder) / "ram"
            with memory.open("w+b") as file:
                file.truncate(_RAM)
                self._memory = mmap.mmap(file.fileno(), _SHARED)
            self._set_up(paging, minefield, user)
            self._start(program, guest, memory, minefield)
            self._wait()

    def _set_up(self, paging: Paging, minefield: bool, user: bool) -> None:
        bits = paging.shift - 3
        middle, top = paging.shift + bits, paging.shift + 2 * bits
        self._put(_ROOT + 8 * _TOP, _DIRECTORY)
        self._put(_DIRECTORY + 8 * _OF_TABLE, _TABLE)
        self._put(_SHIFT, paging.shift)
        self._put(_PWCL, paging.shift | bits << 5 | middle << 10 | bits << 15)
        self._put(_PWCH, top | bits << 6)
        self._put(_HALF, middle - 1)
        self._put(_MINE, _GOOD if minefield else 0)
        self._put(_PGDL, _ROOT)
        self._put(_PRMD, 3 if user else 0)
        self._put(_TO, 1)
        self._put(_REQUEST, 1)  # answered when the guest runs
        for address, value in ((_ENTRY, 0), (_SLOT, _WINDOW | _TABLE), (_VIRTUAL, _virtual(paging, Level.PTE))):
            self._put(address, value)
        self._number = 1

    def _start(self, program: str, guest: Path, memory: Path, minefield: bool) -> None:
        ram = f"memory-backend-file,id=ram,size={_RAM},share=on,mem-path={memory}"
        quiet = ("-nodefaults", "-display", "none", "-serial", "none", "-monitor", "none")
        log = "mmu,guest_errors" if minefield else "mmu"
        command = (program, "-M", "virt,memory-backend=ram", "-object", ram, "-m", f"{_RAM >> 20}M", *quiet, "-d", log, "-kernel", str(guest))
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        weakref.finalize(self, _end, self._process)
        assert self._process.stderr is not None
        self._log = self._process.stderr.fileno()
        os.set_blocking(self._log, False)

    def _put(self, address: int, value: int) -> None:
        self._memory[address : address + 8] = value.to_bytes(8, "little")

    def _get(self, address: int) -> int:
        return int.from_bytes(self._memory[address : address + 8], "little")

    def _said(self) -> bytes:
        try:
            return os.read(self._log, 1 << 20)
        except BlockingIOError:
            return b""

    def _wait(self) -> bytes:
        """The log up to the answer: QEMU writes it before the guest goes on."""
        log, late = b"", time.monotonic() + _TIMEOUT
        while True:
            answered = self._get(_ANSWERED) == self._number
            said = self._said()
            log += said
            if answered and not said:
                return log
            if self._process.poll() is not None or time.monotonic() > late:
                raise EmulatorError(f"{QEMU} must answer, not {'wait' if self._process.poll() is None else 'end'}: {log[-400:].decode(errors='replace')}")
            os.sched_yield()

    def inside(self, address: int) -> bool:
        """Whether a physical address is that of RAM or of a device."""
        return 0 <= address < _END

    def ask(self, slot: Slot, entry: int, access: Access) -> Answer:
        """Put `entry` into its slot, and access the address it maps until that succeeds or is a page fault."""
        if self._last is None or self._last[0] is not slot or self._last[1] != entry:
            self._last = slot, entry, self._asked(slot, entry)
        return self._last[2][access]

    def _asked(self, slot: Slot, entry: int) -> dict[Access, Answer]:
        """All three accesses.  On a refused fetch QEMU 7.2 hangs (do_interrupt() fetches the instruction again): what the others say of it is believed."""
        seen = self._accesses(slot, entry, 0, 2)
        answers = {access: answer for access, (_, answer) in zip(_ORDER, seen, strict=False)}
        load, store = (one for one, _ in seen)
        fetches = load.fetches if load.fetches is not None else store.fetches
        if fetches is False or (fetches is None and load.result == b"5"):
            answers[Access.FETCH] = Answer(None, answers[Access.LOAD].after, load.reads)
        else:
            answers[Access.FETCH] = self._accesses(slot, entry, 2, 3)[0][1]
        return answers

    def _accesses(self, slot: Slot, entry: int, first: int, end: int) -> list[tuple[_Seen, Answer]]:
        self._number += 1
        for address, value in ((_FROM, first), (_TO, end), (_ENTRY, entry), (_SLOT, _WINDOW | slot.entry), (_IS_DIRECTORY, int(slot.lower is not None))):
            self._put(address, value)
        self._put(_VIRTUAL, slot.virtual)
        self._put(_REQUEST, self._number)
        seen = _segments(self._wait(), slot.virtual)
        if len(seen) != end - first:
            raise EmulatorError(f"the log must show {end - first} accesses, not {len(seen)}, for the entry {entry:#x}")
        found = []
        for number, one in enumerate(seen, first):
            fault, after = self._get(_RESULTS + 16 * number), self._get(_RESULTS + 16 * number + 8)
            if (fault == 0) != (one.physical is not None):
                raise EmulatorError(f"guest and log must agree, not say {fault} and {one}, for the entry {entry:#x}")
            found.append((one, Answer(one.physical, after, one.reads)))
        return found


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    if process.stderr is not None:
        process.stderr.close()


# The machine


def _virtual(paging: Paging, level: Level) -> int:
    bits = paging.shift - 3
    middle = _OF_TABLE if level is Level.PTE else _OF_HUGE
    return ((_TOP << bits | middle) << bits | _INDEX) << paging.shift | 0x128


def machine(variant: str, *, minefield: bool = True, user: bool = True) -> Machine:
    """The machine, set up.  The switches leave a step out, which tests use to show that the controls notice."""
    paging = FORMATS[variant]
    guest = _Guest(paging, minefield=minefield, user=user)
    return Machine(
        model=f"QEMU {guest.version}, la464, pages of {variant.upper()}",
        emulator=guest,
        slots={level: _slot(paging, level) for level in (Level.PTE, Level.PMD)},
        page_shift=paging.shift,
        circumstances={},
        writes=True,
        limitations=(_UPPER, _NOT_TRIED, _MEMORY_TYPE, _EMPTY, _crooked(paging), _mixed(paging)),
    )


def _slot(paging: Paging, level: Level) -> Slot:
    huge = level is Level.PMD
    good = _GOOD | (H if huge else 0)
    return Slot(
        virtual=_virtual(paging, level),
        entry=_DIRECTORY + 8 * _OF_HUGE if huge else _TABLE + 8 * _INDEX,
        below=2 * paging.shift - 3 if huge else paging.shift,
        lower=fixed(8 * (_INDEX & ~1)) if huge else None,
        good=good,
        frame=_WHERE >> paging.shift,
        readonly=good & ~(W | D | MODIFIED),
        invalid=good & ~(P | V),
        table=_FAR if huge else None,
        where=_FAR,
        privileged=good & ~_USER,
        typical=(
            good & ~(V | D | MODIFIED),
            good & ~(D | MODIFIED),
            good & ~P,
            good & ~V | NX,
            good & ~V | NR,
            good & ~(V | D | W) | NR | NX,
            _FAR | _WINDOW,
        ),
    )


def _upper(level: Level, entry: int, want: Expected, got: Answer) -> bool:
    return want.outcome == "refused" and entry & (NR | NX) != 0 and got.address is not None and not got.reads


_UPPER: Final = Limitation(
    "ldpte drops NR and NX",
    "they are bits 61 and 62 of an entry (LoongArch Reference Manual, TLB Entry Low-order Bits); QEMU 7.2 masks what ldpte reads with 48 bits "
    "(target/loongarch/tlb_helper.c: helper_ldpte), which tlbwr of a handler does not",
    _upper,
)

_NOT_TRIED: Final = Limitation(
    "a fetch that is not tried",
    "QEMU 7.2 hangs on a refused fetch (target/loongarch/cpu.c: loongarch_cpu_do_interrupt), so that one is tried only where a load or a store "
    "has shown the right to it; here NR refuses the load, and the store",
    lambda level, entry, want, got: want.outcome == "leaf" and entry & (NR | V) == NR and got.address is None and not got.reads,
)

_MEMORY_TYPE: Final = Limitation(
    "a memory access type of 3 is none",
    "it is reserved (LoongArch Reference Manual, Memory Access Types); QEMU has no caches and does not look at it",
    lambda level, entry, want, got: want.outcome == "reserved" and entry >> 4 & 3 == 3,
)


_EMPTY: Final = Limitation(
    "an empty entry leads to a mine",
    "it is the address of invalid_pte_table, whose entries are all 0 (arch/loongarch/mm/init.c), and which the machine does not have",
    lambda level, entry, want, got: entry == INVALID_PTE_TABLE and want.outcome == "table",
)


def _mixed(paging: Paging) -> Limitation:
    """The lower bits of a huge page's frame."""

    def covers(level: Level, entry: int, want: Expected, got: Answer) -> bool:
        half = 2 * paging.shift - 4
        if level is Level.PTE or want.outcome != "leaf" or got.reads or got.address is None or got.address >> half != want.where >> half - paging.shift:
            return False
        return got.address == entry & (1 << PALEN) - (1 << 12) | _slot(paging, level).virtual & (1 << half) - 1

    return Limitation(
        "the lower bits of a huge page's entry get into the address",
        "what lies below the page size is ignored (LoongArch Reference Manual, TLB Entry Low-order Bits); QEMU 7.2 takes the bitwise or with the offset "
        "(target/loongarch/tlb_helper.c: loongarch_map_tlb_entry)",
        covers,
    )


def _crooked(paging: Paging) -> Limitation:
    """The lower bits of a table's address."""

    def covers(level: Level, entry: int, want: Expected, got: Answer) -> bool:
        slot = _slot(paging, level)
        if want.outcome != "table" or slot.lower is None or not got.reads or not entry & (1 << paging.shift) - 1:
            return False
        return got.reads[0] == entry & (1 << PALEN) - 1 | slot.lower(entry)

    return Limitation(
        "the index does not replace the lower bits of a table's address",
        "QEMU 7.2 takes the bitwise or of both (target/loongarch/tlb_helper.c: helper_ldpte)",
        covers,
    )
