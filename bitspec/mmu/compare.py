"""The specification's answer held against the emulated MMU's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from bitspec.hardware import Access
from bitspec.mmu.expected import Asker, Expected
from bitspec.mmu.machine import Answer, Limitation, Machine, Slot
from bitspec.vocabulary import Level

WALKED: Final = "an entry that the kernel holds to be not present is walked"
"""What differs where specification and machine are of one mind, and the kernel is of another."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A question that the specification and the emulated MMU answer differently.

    Attributes:
        level, access, entry: the question.
        kind: what differs, in words.
        expected: what the specification says.
        answer: what the machine did.
        known: the limitation of the emulator that explains it, or None.
    """

    level: Level
    access: Access
    entry: int
    kind: str
    expected: Expected
    answer: Answer
    known: Limitation | None = None


def disagreement(machine: Machine, slot: Slot, entry: int, want: Expected, got: Answer) -> str | None:
    """What differs, in words, or None.

    A fault on the entry alone must come without any read through it; an entry that is refused may have been a table that forbids the access, which
    the hardware finds out at the end of its walk.  A write is a difference where the specification does not allow it, and, on a machine that
    makes them all, where one is missing from a walk that succeeds.
    """
    if want.outcome in ("leaf", "table"):
        if got.address is None:
            return f"{want.outcome} expected, fault answered"
        if want.outcome == "leaf":
            if got.reads:
                return "leaf expected, table followed"
            inside = (slot.virtual & (1 << slot.below) - 1) >> machine.page_shift
            if got.address >> machine.page_shift != want.where + inside:
                return "another frame"
        elif not got.reads:
            return "table expected, leaf answered"
        elif got.reads[0] & -slot.size != slot.next(entry, want.where):
            return "another table"
        if machine.writes and got.after != want.after:
            return "other bits written"
        return None if machine.writes or got.after == entry else "bits written"
    if got.address is not None:
        return f"{want.outcome} expected, {'table followed' if got.reads else 'leaf answered'}"
    if got.reads and want.outcome != "refused":
        return f"{want.outcome} expected, table followed"
    return "bits written that may not be" if (got.after ^ entry) & ~(want.after ^ entry) else None


class Comparer:
    """Puts entries of one level to both, and counts."""

    def __init__(self, machine: Machine, level: Level, askers: Mapping[Access, Asker]) -> None:
        self.machine = machine
        self.level = level
        self.slot = machine.slots[level]
        self.askers = askers
        self.questions = 0
        self.skipped = 0
        self.outcomes: dict[str, int] = {}

    def ask(self, entry: int, faults: bool = False) -> list[Difference]:
        """The differences about one entry; with `faults`, an entry that has to fault without any walk into memory, whatever the specification says."""
        found = []
        emulator, slot, machine = self.machine.emulator, self.slot, self.machine
        for access, asker in self.askers.items():
            want = asker(entry)
            own = want.outcome == "table" and emulator.inside(slot.next(entry, want.where) or 0)  # the table would be one of the machine's: nobody sees it read
            if own and not faults:
                self.skipped += 1
                continue
            got = emulator.ask(slot, entry, access)
            self.questions += 1
            self.outcomes[want.outcome] = self.outcomes.get(want.outcome, 0) + 1
            kind = None if own else disagreement(machine, slot, entry, want, got)
            if faults and (own or got.address is not None or got.reads):
                kind = kind or WALKED
            if kind is not None:
                found.append(Difference(self.level, access, entry, kind, want, got, self._known(entry, want, got)))
        return found

    def _known(self, entry: int, want: Expected, got: Answer) -> Limitation | None:
        return next((one for one in self.machine.limitations if one.covers(self.level, entry, want, got)), None)

    def minimal(self, difference: Difference, faults: bool = False) -> Difference:
        """The same kind of difference with as few bits as clearing one after the other gets to, from the top down."""

        def same(entry: int) -> Difference | None:
            return next((one for one in self.ask(entry, faults) if one.access is difference.access and one.kind == difference.kind and one.known is None), None)

        return _cleared(difference, same)


def _cleared(difference: Difference, same: Callable[[int], Difference | None]) -> Difference:
    position = difference.entry.bit_length()
    while position:
        position -= 1
        if difference.entry >> position & 1:
            difference = same(difference.entry ^ 1 << position) or difference
    return difference
