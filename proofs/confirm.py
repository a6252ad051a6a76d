"""Hardware facts against an emulated MMU: ``bitspec confirm`` and ``bitspec replay``.

The facts are asked entry by entry, on structured and random values and on what the kernel's layout encodes.  What the kernel holds to be not present
must fault without any walk into memory, whatever the specification says; what is on the architecture's list of known refutations is told, and no difference.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from bitspec.expr import Expr
from bitspec.hardware import Access
from bitspec.layout import Layout
from bitspec.mmu import values
from bitspec.mmu.compare import WALKED, Comparer, Difference, disagreement
from bitspec.mmu.controls import control
from bitspec.mmu.expected import Expected, expected
from bitspec.mmu.machine import Answer, Machine
from bitspec.read.as_int import evaluate
from bitspec.vocabulary import NON_PRESENT, Level
from proofs.claim import claims
from proofs.known import Known
from proofs.state import Lacking, State
from proofs.states import states

NEVER_WALKED: Final = ("none", *NON_PRESENT, "leaf-protnone", "leaf-invalidated")
"""The states that must fault without any walk into memory."""

SHOWN: Final = 5
"""How many kinds of difference a report shows of each level."""


@dataclass
class Confirmed:
    """One level.

    Attributes:
        level: which.
        questions: entries times accesses that were compared.
        skipped: questions left out because the entry leads into the machine's own tables.
        outcomes: how often the specification expected what.
        states: how many entries of each of the kernel's states were among them.
        differences: one minimal difference of each unexplained kind, and how many there are of it.
        known: how many differences each known limitation of the emulator explains.
        refuted: how many questions showed a known refutation, by state and entry of the list.
    """

    level: Level
    questions: int = 0
    skipped: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    states: dict[str, int] = field(default_factory=dict)
    differences: list[tuple[Difference, int, str]] = field(default_factory=list)
    known: dict[str, int] = field(default_factory=dict)
    refuted: dict[tuple[str, Known], int] = field(default_factory=dict)


@dataclass
class Confirmation:
    """A layout's hardware facts held against a machine.

    Attributes:
        layout, machine: the two sides.
        levels: the result of each level.
        seconds: how long it took.
    """

    layout: Layout
    machine: Machine
    levels: list[Confirmed]
    seconds: float

    @property
    def questions(self) -> int:
        """How many questions were put."""
        return sum(one.questions for one in self.levels)

    @property
    def status(self) -> int:
        """0, or 1 for an unexplained difference."""
        return int(any(one.differences for one in self.levels))


def confirm(
    layout: Layout, machine: Machine, samples: int = 10_000, seed: int = 1, *, levels: Iterable[Level] = Level, known: Iterable[Known] = ()
) -> Confirmation:
    """Put every question to both.

    Args:
        layout: the kernel whose states are asked about; its hardware is what is to be confirmed.
        machine: the emulated machine; the controls are run first.
        samples: random entries for each level.
        seed: of the random choice.
        levels: which levels to ask about, of those the machine has.
        known: the reviewed refutations of the architecture.

    Raises BrokenSetup where the controls fail.
    """
    start = time.perf_counter()
    control(machine)
    asked = [level for level in levels if level in machine.slots and level in layout.hardware.levels]
    found = [_level(layout, machine, level, samples, seed, tuple(known)) for level in asked]
    return Confirmation(layout, machine, found, time.perf_counter() - start)


def _level(layout: Layout, machine: Machine, level: Level, samples: int, seed: int, known: Sequence[Known]) -> Confirmed:
    facts = layout.hardware.level(level)
    comparer = Comparer(machine, level, expected(layout.hardware, level, machine.circumstances))
    found = Confirmed(level)
    groups: dict[tuple[Access, str, str], tuple[Difference, int]] = {}

    def ask(entries: Iterable[int], state: str = "") -> None:
        faults = state in NEVER_WALKED
        refuted = _refutation(layout, level, state, known) if faults else None
        for entry in entries:
            for one in comparer.ask(entry, faults):
                if one.known is not None:
                    found.known[one.known.name] = found.known.get(one.known.name, 0) + 1
                    continue
                if one.kind == WALKED and refuted is not None:
                    found.refuted[state, refuted] = found.refuted.get((state, refuted), 0) + 1
                    continue
                key = (one.access, one.kind, state if faults else "")
                first, count = groups.get(key, (one, 0))
                groups[key] = (first, count + 1)

    for state, entries in _kernel(layout, level, samples, seed):
        found.states[state] = len(entries)
        ask(entries, state)
    on = values.bases(facts, machine.slots[level])
    ask(values.structured(facts, on))
    ask(values.random(facts, on, samples, seed))
    found.questions, found.skipped, found.outcomes = comparer.questions, comparer.skipped, dict(comparer.outcomes)
    found.differences = [
        (first if key[2] else comparer.minimal(first), count, key[2]) for key, (first, count) in groups.items()
    ]  # an entry of a state stays as it is: clearing a bit would lead out of the state
    return found


def _refutation(layout: Layout, level: Level, state: str, known: Iterable[Known]) -> Known | None:
    """The reviewed entry that says the hardware walks entries of a state."""
    codes = [one.codes[level] for one in claims() if one.column == "hardware" and level in one.codes]
    return next((one for one in known for code in codes if one.covers(layout, level.value, code, state)), None)


def _kernel(layout: Layout, level: Level, samples: int, seed: int) -> Iterator[tuple[str, list[int]]]:
    """Entries of every state of the level: its smallest example, and ones of random inputs."""
    if level not in layout.uses:
        return
    source = Random(seed)
    for name, state in states(layout, level).items():
        if not isinstance(state, Lacking):
            yield name, list(dict.fromkeys(_members(state, max(samples // 25, 50), source)))


def _members(state: State, count: int, source: Random) -> Iterator[int]:
    yield state.example_entry
    for _ in range(count if state.inputs else 0):
        inputs = {one.variable: _draw(one.variable, one.count, source) for one in state.inputs}
        if all(evaluate(one.fact, inputs) for one in state.given):
            yield evaluate(state.entry, inputs)


def _draw(variable: Expr, count: int, source: Random) -> int:
    """Any value of an input, or one near its bounds: 0 and all ones, one bit, one bit missing, a sparse one."""
    if count:
        return source.randrange(count)
    ones = (1 << variable.width) - 1
    match source.randrange(8):
        case 0:
            return source.choice((0, 1 & ones, ones))
        case 1 | 2:
            return 1 << source.randrange(variable.width)
        case 3:
            return ones ^ 1 << source.randrange(variable.width)
        case 4:
            return source.getrandbits(variable.width) & source.getrandbits(variable.width)
        case _:
            return source.getrandbits(variable.width)


def render(found: Confirmation) -> Iterator[str]:
    """The lines of a report."""
    layout, machine = found.layout, found.machine
    yield f"{layout.name} {layout.hardware.variant} against {machine.model}"
    fixed = ", ".join(f"{name}={value}" for name, value in machine.circumstances.items())
    if fixed:
        yield f"  with {fixed}"
    for one in found.levels:
        yield from _rendered(one, machine)
    for level, reason in machine.missing.items():
        yield f"  {level}: not asked: {reason}"
    rate = found.questions / found.seconds if found.seconds else 0
    unexplained = sum(count for one in found.levels for _, count, _ in one.differences)
    explained = sum(count for one in found.levels for count in one.known.values())
    yield f"  {found.questions} questions, {unexplained} unexplained differences, {explained} explained; {found.seconds:.1f} s, {rate:.0f} a second"


def _rendered(one: Confirmed, machine: Machine) -> Iterator[str]:
    outcomes = ", ".join(f"{count} {name}" for name, count in sorted(one.outcomes.items()))
    skipped = f"; {one.skipped} led into the machine's own tables and were left out" if one.skipped else ""
    yield f"  {one.level}: {one.questions} questions ({outcomes}); {sum(one.states.values())} entries of {len(one.states)} kernel states{skipped}"
    for name, count in one.known.items():
        reason = next(limit.reason for limit in machine.limitations if limit.name == name)
        yield f"    known limitation, {count} times: {name}: {reason}"
    for (state, known), count in one.refuted.items():
        yield f"    known refutation, {count} times: {known.code}: {state} entries are walked ({known.kind}; bitspec check tells more)"
    for difference, count, state in one.differences[:SHOWN]:
        about = f" in a {state} entry" if state else ""
        yield f"    DIFFERS, {count} times{about}: {difference.kind}"
        yield f"      {one.level} {difference.entry:#018x}, {difference.access.value}"
        yield f"        specification: {_wanted(difference.expected, difference.entry)}"
        yield f"        machine:       {_got(difference.answer, difference.entry)}"
    if len(one.differences) > SHOWN:
        yield f"    and {len(one.differences) - SHOWN} more kinds"


def _wanted(want: Expected, entry: int) -> str:
    written = f", may write {want.after ^ entry:#x}" if want.after != entry and want.outcome in ("leaf", "table") else ""
    return f"{want}{written}"


def _got(answer: Answer, entry: int) -> str:
    text = "fault" if answer.address is None else f"address {answer.address:#x}"
    if answer.reads:
        text += f", after reading a lower table at {answer.reads[0]:#x}"
    return text + (f", wrote {answer.after ^ entry:#x}" if answer.after != entry else "")


# replay


@dataclass(frozen=True)
class Replayed:
    """One entry and one access, on both sides.

    Attributes:
        access: which.
        expected: what the specification says.
        answer: what the machine did.
        kind: what differs, or None.
        known: why it does, where that is known.
    """

    access: Access
    expected: Expected
    answer: Answer
    kind: str | None
    known: str | None


def replay(layout: Layout, machine: Machine, level: Level, entry: int) -> tuple[Replayed, ...]:
    """What specification and machine make of one entry, per access.  Raises BrokenSetup where the controls fail."""
    control(machine)
    found = []
    for access, asker in expected(layout.hardware, level, machine.circumstances).items():
        want, got = asker(entry), machine.ask(level, entry, access)
        kind = disagreement(machine, machine.slots[level], entry, want, got)
        known = next((one.reason for one in machine.limitations if kind and one.covers(level, entry, want, got)), None)
        if want.outcome == "table" and machine.emulator.inside(machine.slots[level].next(entry, want.where) or 0):
            kind, known = kind or "not watched", "the table would be one of the machine's own"
        found.append(Replayed(access, want, got, kind, known))
    return tuple(found)


def verdict(machine: Machine, rows: Sequence[Replayed]) -> str:
    """One line for a report of something else that shows the entry."""
    for one in rows:
        if one.kind is not None and one.known is None:
            return f"NOT confirmed on {machine.model}: {one.access.value}: {one.kind}"
    reasons = [one.known for one in rows if one.known is not None]
    return f"not decided by {machine.model}: {reasons[0]}" if reasons else f"confirmed on {machine.model}"


def render_replay(machine: Machine, level: Level, entry: int, rows: Iterable[Replayed]) -> Iterator[str]:
    """The lines of a report."""
    slot = machine.slots[level]
    yield f"{level} {entry:#018x}, address {slot.virtual:#x}, on {machine.model}"
    for one in rows:
        verdict = "agree" if one.kind is None else f"differ: {one.kind}"
        yield f"  {one.access.value:<5}  machine: {_got(one.answer, entry)}"
        yield f"         specification: {_wanted(one.expected, entry)}  ({verdict})"
        if one.known is not None:
            yield f"         known limitation: {one.known}"
