"""Cubes: sets of entries in which some bits are fixed and all others take either value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from bitspec.expr import Expr, eq
from proofs.fit.packing import positions_of

#: A bit (LSB 0) and the value it is fixed at.
Literal: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Cube:
    """The entries with ``entry & mask == value``."""

    mask: int = 0
    value: int = 0

    @staticmethod
    def of(literals: Iterable[Literal]) -> Cube:
        """The cube in which these bits are fixed."""
        mask = value = 0
        for place, bit in literals:
            mask |= 1 << place
            value |= bit << place
        return Cube(mask, value)

    @property
    def literals(self) -> tuple[Literal, ...]:
        """The fixed bits, the lowest first."""
        return tuple((place, self.value >> place & 1) for place in positions_of(self.mask))

    def __contains__(self, entry: int) -> bool:
        return entry & self.mask == self.value

    def __and__(self, other: Cube) -> Cube | None:
        """The entries in both, or None where there are none."""
        if (self.value ^ other.value) & self.mask & other.mask:
            return None
        return Cube(self.mask | other.mask, self.value | other.value)

    def member(self, entry: Expr) -> Expr:
        """Whether `entry` is in it, as an expression."""
        return eq(entry & self.mask, self.value)

    def of_any(self, entry: Expr) -> Expr:
        """`entry` moved into the cube: its fixed bits replaced."""
        return entry & ((1 << entry.width) - 1 & ~self.mask) | self.value


EVERYTHING: Final = Cube()
"""Every entry."""


def apart(cube: Cube) -> frozenset[Literal]:
    """The bits of which another cube must fix one, to have no entry in common with `cube`."""
    return frozenset((place, 1 - bit) for place, bit in cube.literals)


def hitting(clauses: Sequence[frozenset[Literal]], choices: Mapping[int, tuple[int, ...]], fixed: Cube, most: int) -> Iterator[Cube]:
    """Every cube that fixes a literal of each clause, none of them without need; those that fix fewer bits first, then those with lower bits.

    Args:
        clauses: sets of literals.
        choices: the bits that may be fixed, and the values they may be fixed at.
        fixed: bits that are fixed in any case.
        most: how many may be fixed besides.
    """
    usable = [frozenset(one for one in clause if one[1] in choices.get(one[0], ())) for clause in clauses if not clause & set(fixed.literals)]
    for size in range(most + 1):
        found = {frozenset(one) for one in _choose(usable, frozenset(), size)}
        for chosen in sorted(found, key=sorted):
            if all(any(clause & chosen == {literal} for clause in usable) for literal in chosen):
                yield Cube.of((*fixed.literals, *chosen))


def _choose(clauses: Sequence[frozenset[Literal]], chosen: frozenset[Literal], left: int) -> Iterator[frozenset[Literal]]:
    """Sets of just `left` more literals that hit all of `clauses` which `chosen` does not."""
    taken = {place for place, _ in chosen}
    unhit = [frozenset(one for one in clause if one[0] not in taken) for clause in clauses if not clause & chosen]
    if not unhit:
        if not left:
            yield chosen
        return
    if left:
        fewest = min(unhit, key=len)
        for literal in sorted(fewest):
            yield from _choose(clauses, chosen | {literal}, left - 1)
