"""What the specification expects of one entry: its walk and its updates, in the int reading and under fixed circumstances."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from bitspec.expr import Expr, concat, const, ite, var, zext
from bitspec.hardware import OUTCOMES, Access, Hardware, HardwareLevel
from bitspec.read.as_int import function
from bitspec.vocabulary import Level

_WORD: Final = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Expected:
    """What the specification says of one entry and one access.

    Attributes:
        outcome: one of the outcomes of a walk.
        where: the frame's number of a leaf, the address of a table, else 0.
        after: the entry after every write that the MMU may make.
    """

    outcome: str
    where: int
    after: int

    def __str__(self) -> str:
        if self.outcome == "leaf":
            return f"leaf, frame {self.where:#x}"
        return f"table at {self.where:#x}" if self.outcome == "table" else self.outcome


Asker = Callable[[int], Expected]


def expected(hardware: Hardware, level: Level, circumstances: Mapping[str, int]) -> Mapping[Access, Asker]:
    """The specification of a level as a function per access; each is one expression, prepared once.

    Raises LayoutError for a level that is folded, and KeyError for a circumstance that is not given.
    """
    facts = hardware.level(level)
    fixed = {one.name: const(circumstances[one.name], one.width) for one in hardware.circumstances}
    return {access: _asker(facts, access, fixed) for access in Access}


def _asker(facts: HardwareLevel, access: Access, fixed: Mapping[str, Expr]) -> Asker:
    entry = var("entry", facts.width)
    walk = facts.walk(entry, access, fixed)
    outcome = const(0, 3)
    for number, name in enumerate(OUTCOMES):
        outcome = ite(getattr(walk, name), const(number, 3), outcome)
    where = ite(walk.leaf, walk.frame, ite(walk.table, walk.address, const(0, 64)))
    after: Expr = entry
    for update in facts.updates:
        if update.access in (None, access):
            after = update.apply(after)
    run = function(concat(zext(after, 64), where, outcome), entry)

    def ask(value: int) -> Expected:
        found = run(value)
        return Expected(OUTCOMES[found & 7], found >> 3 & _WORD, found >> 67)

    return ask
