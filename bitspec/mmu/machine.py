"""What an architecture says of its emulated machine, and what the machine answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from bitspec.hardware import Access
from bitspec.vocabulary import Level

if TYPE_CHECKING:
    from bitspec.mmu.expected import Expected


@dataclass(frozen=True, slots=True)
class Answer:
    """What the emulated MMU did with one entry and one access.

    Attributes:
        address: the physical address it translated to, or None for a fault.
        after: the entry after the walk.
        reads: the physical addresses that the walk read beyond the emulated RAM, in order; the first is where the entry led.
    """

    address: int | None
    after: int
    reads: tuple[int, ...] = ()


def fixed(offset: int) -> Callable[[int], int]:
    """A :attr:`Slot.lower` that is the same for every entry."""
    return lambda _entry: offset


@dataclass(frozen=True, slots=True)
class Slot:
    """The place of an entry in the emulated machine's tables, and entries whose meaning is beyond doubt.

    Attributes:
        virtual: the address that is accessed.
        entry: the physical address of the entry.
        below: the entry maps ``2 ** below`` bytes.
        lower: the offset, in the lower table an entry leads to, of the entry that the walk reads next; None where there is no lower table.
        good: a leaf that permits everything in user mode, and is young and dirty; None at a level whose format has no leaves.
        frame: the number of the page frame `good` maps.
        readonly: a leaf, or a table at a level without leaves, that permits loads and refuses stores.
        invalid: an entry that faults.
        table: an entry that leads to a table beyond the emulated RAM, and permits everything; None where there are none.
        where: the address of that table.
        privileged: a leaf that user mode may not load from; None on hardware that knows no such thing.
        typical: more entries to build questions on.
        size: of an entry in bytes; where a walk leads to is compared in multiples of it.
    """

    virtual: int
    entry: int
    below: int
    lower: Callable[[int], int] | None
    good: int | None
    frame: int
    readonly: int
    invalid: int
    table: int | None = None
    where: int = 0
    privileged: int | None = None
    typical: tuple[int, ...] = ()
    size: int = 8

    def next(self, entry: int, table: int) -> int | None:
        """The address of the entry that the walk reads next when `entry` leads to `table`: a carry out of 64 bits is lost."""
        return None if self.lower is None else (table + self.lower(entry)) % (1 << 64)


class Oracle(Protocol):
    """Where questions are put: :class:`bitspec.mmu.emulator.Emulator`, or another program that emulates an MMU."""

    def inside(self, address: int) -> bool:
        """Whether a physical address is one of the machine's own, where reads are not recorded."""

    def ask(self, slot: Slot, entry: int, access: Access) -> Answer:
        """Put `entry` into its slot and access the address it maps."""


@dataclass(frozen=True, slots=True)
class Limitation:
    """Something in which the emulator is known to differ from the manual.

    Attributes:
        name: in a few words.
        reason: what the emulator does, what the manual says, and where each is written.
        covers: whether it explains what happened at a level to an entry, given what was expected and what was answered.
    """

    name: str
    reason: str
    covers: Callable[[Level, int, Expected, Answer], bool]


@dataclass(frozen=True)
class Machine:
    """An emulated machine, set up and ready for questions.

    Attributes:
        model: the emulator and the CPU model, as reports name them.
        emulator: where the questions are put.
        slots: a place for an entry of each level it can be asked about.
        page_shift: log2 of the base page.
        circumstances: the values of what the hardware specification leaves open.
        writes: whether it makes every write that the specification lets an MMU make; else it makes none.
        limitations: where it is known to differ from the manual.
        missing: the levels it cannot be asked about, and why.
    """

    model: str
    emulator: Oracle
    slots: Mapping[Level, Slot]
    page_shift: int
    circumstances: Mapping[str, int]
    writes: bool
    limitations: tuple[Limitation, ...] = ()
    missing: Mapping[Level, str] = field(default_factory=dict)

    def ask(self, level: Level, entry: int, access: Access) -> Answer:
        """What the MMU does with `entry` at `level` when the mapped address is accessed."""
        return self.emulator.ask(self.slots[level], entry, access)
