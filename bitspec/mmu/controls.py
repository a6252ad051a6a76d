"""Controls: before anything else a set-up shows that it translates, refuses and faults where there is no doubt.

An oracle that faults on everything confirms any swap encoding, and one that translates everything confirms nothing: eight wrong set-ups did one or the
other without a word.
"""

from __future__ import annotations

from collections.abc import Iterator

from bitspec.hardware import Access
from bitspec.mmu.machine import Machine
from bitspec.vocabulary import Level


class BrokenSetup(Exception):
    """The emulated machine does not answer as any MMU would: its answers are worthless."""


def control(machine: Machine) -> None:
    """Raise BrokenSetup, with the first control that fails."""
    for failure in failures(machine):
        raise BrokenSetup(f"{machine.model}: {failure}")


def failures(machine: Machine) -> Iterator[str]:
    """Every control that fails, a sentence each."""
    if not any(slot.table is not None for slot in machine.slots.values()):
        yield "the minefield must be shown to be there by some level's table, and none has one"
    for level in machine.slots:
        yield from _leaf(machine, level)
        yield from _refusals(machine, level)
        yield from _minefield(machine, level)


def _leaf(machine: Machine, level: Level) -> Iterator[str]:
    slot = machine.slots[level]
    if slot.good is None:
        return
    inside = slot.virtual & (1 << slot.below) - 1
    for access in Access:
        got = machine.ask(level, slot.good, access)
        if got.address is None:
            yield f"the known-good {level} {slot.good:#x} must translate for a {access.value}, not fault"
        elif got.address != (slot.frame << machine.page_shift) + inside:
            yield f"the known-good {level} {slot.good:#x} must translate to frame {slot.frame:#x}, not to {got.address:#x}"


def _refusals(machine: Machine, level: Level) -> Iterator[str]:
    slot = machine.slots[level]
    if machine.ask(level, slot.readonly, Access.LOAD).address is None:
        yield f"the read-only {level} {slot.readonly:#x} must translate for a load, not fault"
    if machine.ask(level, slot.readonly, Access.STORE).address is not None:
        yield f"the read-only {level} {slot.readonly:#x} must refuse a store, not translate"
    if slot.privileged is not None and machine.ask(level, slot.privileged, Access.LOAD).address is not None:
        yield f"the privileged {level} {slot.privileged:#x} must refuse a load in user mode, not translate"
    for access in Access:
        got = machine.ask(level, slot.invalid, access)
        if got.address is not None or got.reads:
            yield f"the invalid {level} {slot.invalid:#x} must fault for a {access.value}, not translate"


def _minefield(machine: Machine, level: Level) -> Iterator[str]:
    slot = machine.slots[level]
    if slot.table is None:
        return
    where = slot.next(slot.table, slot.where)
    for access in Access:
        got = machine.ask(level, slot.table, access)
        if not got.reads:
            yield f"the {level} {slot.table:#x} must be followed into the minefield by a {access.value}, and nothing was read there"
        elif got.reads[0] & -slot.size != where:
            yield f"the {level} {slot.table:#x} must lead to a read at {where:#x}, not at {got.reads[0]:#x}"
        elif got.address is None:
            yield f"the {level} {slot.table:#x} must translate for a {access.value} by the leaf in the minefield, not fault"
