"""Questions to QEMU's MMUs through unicorn, at 100,000 a second and more.

The library's ``uc_vmem_translate`` goes through the real TLB fill: rights, reserved bits and write-back count.  All physical space beyond the
emulated RAM is a *minefield*: it reads as an entry that is a valid leaf at every level, and reads are recorded.  Without it an entry that the
hardware takes for a pointer to a lower table would look like a fault, as the table it points to would be empty.  What the tables in RAM leave
unused holds the same entry.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from importlib import import_module
from typing import Any, Final, Literal

from bitspec.hardware import Access
from bitspec.mmu.machine import Answer, Slot

VERSION: Final = "2.1.4"
"""The unicorn the set-ups were made for; some of them reach into its insides."""
NAME: Final = f"unicorn {VERSION} (QEMU 5.0)"
"""As reports have it, with the QEMU it descends from."""

_PROT: Final = {Access.LOAD: 1, Access.STORE: 2, Access.FETCH: 4}
_OK: Final = 0
_FAULTS: Final = (12, 13, 14)
"""UC_ERR_WRITE_PROT, UC_ERR_READ_PROT, UC_ERR_FETCH_PROT."""
_FLUSH: Final = 11 | 1 << 30
"""UC_CTL_TLB_FLUSH, as a write."""


class EmulatorMissing(Exception):
    """No emulator is installed."""


class EmulatorError(Exception):
    """The emulator gave an answer that is neither a translation nor a fault."""


def unicorn(part: str = "unicorn") -> Any:
    """The module of unicorn called `part`.  Raises EmulatorMissing where it is not installed, or not the version we know."""
    try:
        found = import_module("unicorn")
        module = import_module(part)
    except ImportError:
        raise EmulatorMissing("an emulated MMU needs unicorn: pip install 'bitspec-pgtable[mmu]'") from None
    if found.__version__ != VERSION:
        raise EmulatorMissing(f"an emulated MMU needs unicorn {VERSION}, not {found.__version__}: pip install 'bitspec-pgtable[mmu]'")
    return module


class Emulator:
    """One emulated CPU with `size` bytes of RAM at physical address `base`, and the minefield around it.

    Args:
        arch, mode: unicorn's names, without prefix: ``ARCH_X86``, ``MODE_64``; several modes are joined by ``|``.
        order: the byte order of table entries.
        mine: the entry that all of the minefield reads as.
        physical: the number of physical address bits.
        base, size: of the RAM.
        piece: log2 of the largest piece of the minefield: unicorn tells a 32-bit CPU's only the low 32 bits of where in it a read was.
        minefield: False leaves it out, which makes the answers worthless; tests use it to show that the controls notice.
    """

    def __init__(
        self,
        arch: str,
        mode: str,
        *,
        order: Literal["little", "big"],
        mine: int,
        physical: int,
        base: int = 0,
        size: int = 0x40000,
        piece: int = 62,
        minefield: bool = True,
        cpu: int | None = None,
    ) -> None:
        names = unicorn()
        self._library: Any = unicorn("unicorn.unicorn_py3.unicorn").uclib
        joined = 0
        for name in mode.split("|"):
            joined |= getattr(names, f"UC_{name}")
        self.uc: Any = names.Uc(getattr(names, f"UC_{arch}"), joined)
        if cpu is not None:
            self.uc.ctl_set_cpu_model(cpu)
        self.order = order
        self.mine = mine
        self.reads: list[int] = []
        self.base, self.size = base, size
        self._memory = (ctypes.c_char * size)()
        self.ram = memoryview(self._memory).cast("B")
        self.uc.mem_map_ptr(base, size, names.UC_PROT_ALL, self._memory)
        self.ram[:] = mine.to_bytes(8, order) * (size // 8)
        if minefield:
            self._lay_mines(physical, 1 << piece)
        self._handle = self.uc._uch
        self._address = ctypes.c_uint64()
        translate = self._library.uc_vmem_translate
        translate.restype = ctypes.c_int
        translate.argtypes = [ctypes.c_void_p, ctypes.c_uint64, ctypes.c_int, ctypes.POINTER(ctypes.c_uint64)]

    def _lay_mines(self, physical: int, piece: int) -> None:
        end = self.base + self.size
        for start, stop in ((0, self.base), (end, 1 << physical)):
            while start < stop:
                part = min(stop - start, piece)
                self.uc.mmio_map(start, part, self._mine(start), None, _ignored, None)
                start += part

    def _mine(self, start: int) -> Any:
        reads, mine, big = self.reads, self.mine, self.order == "big"

        def read(_uc: Any, offset: int, size: int, _data: Any) -> int:
            reads.append(start + offset)
            if size == 8:
                return mine
            place = offset & 7
            return mine >> 8 * (8 - size - place if big else place) & (1 << 8 * size) - 1

        return read

    def put(self, address: int, value: int) -> None:
        """Write a doubleword to the RAM."""
        at = address - self.base
        self.ram[at : at + 8] = value.to_bytes(8, self.order)

    def get(self, address: int) -> int:
        """Read a doubleword of the RAM."""
        at = address - self.base
        return int.from_bytes(self.ram[at : at + 8], self.order)

    def code(self, address: int, code: bytes) -> None:
        """Write instructions to the RAM."""
        at = address - self.base
        self.ram[at : at + len(code)] = code

    def inside(self, address: int) -> bool:
        """Whether a physical address lies in the RAM, which is no minefield."""
        return self.base <= address < self.base + self.size

    def ask(self, slot: Slot, entry: int, access: Access) -> Answer:
        """Put `entry` into its slot and access the address it maps."""
        library, handle, reads = self._library, self._handle, self.reads
        at = slot.entry - self.base
        ram, order, end = self.ram, self.order, at + slot.size
        ram[at:end] = entry.to_bytes(slot.size, order)
        library.uc_ctl(handle, _FLUSH)
        reads.clear()
        result = library.uc_vmem_translate(handle, slot.virtual, _PROT[access], ctypes.byref(self._address))
        after = int.from_bytes(ram[at:end], order)
        if result == _OK:
            return Answer(self._address.value, after, tuple(reads))
        if result not in _FAULTS:
            raise EmulatorError(f"the emulator must translate or fault, not fail with error {result}, for the entry {entry:#x}")
        return Answer(None, after, tuple(reads))


def _ignored(*_: object) -> None:
    """A write to the minefield: nothing is there to be written."""


def tables(emulator: Emulator, places: Iterable[tuple[int, int]]) -> None:
    """Write entries, as pairs of address and value."""
    for address, value in places:
        emulator.put(address, value)
