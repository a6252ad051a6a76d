"""Canonical witnesses: of all counterexamples the one with the fewest set bits, then the smallest.

The choice does not depend on Z3's search, so a witness is the same from run to run and across versions, and it can be golden output.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bitspec.expr import Expr, bit, eq, named, ne, ult
from bitspec.read.as_known import NOTHING, Known, known
from bitspec.solver import Solver


@dataclass(frozen=True, slots=True)
class Witness:
    """One counterexample.

    Attributes:
        entry: the entry's value.
        inputs: the value of each free variable, in declared order.
        unique: no other entry refutes the claim.
    """

    entry: int
    inputs: tuple[tuple[Expr, int], ...]
    unique: bool


def canonical(solver: Solver, entry: Expr, inputs: Sequence[Expr], some: Sequence[tuple[int, ...]] = ()) -> Witness | None:
    """The canonical witness of what `solver` asserts now, or None when nothing satisfies it.

    Order: fewest set bits in `entry`, then the smallest `entry`, then each of `inputs` by the same rule, in the order given.

    Args:
        solver, entry, inputs: what is asked.
        some: values of `entry` and of each of `inputs` that satisfy it, where some are known; the search begins with the first.

    Raises Unknown.
    """
    target = named("the witness", entry.width)  # a name for the entry: its bits are the same terms for every question
    wanted = target, *inputs
    with solver.scope(eq(target, entry)):
        first = some[0] if some else solver.model(*wanted)
        if first is None:
            return None
        values = _smallest(solver, wanted, 0, first, known(entry))
        others = {one[0] for one in (first, *some)} - {values[0]}
        unique = not others and not _has_choice(solver, target, values[0])
        for place in range(1, len(wanted)):
            solver.add(eq(wanted[place - 1], values[place - 1]))
            if values[place] and _has_choice(solver, wanted[place], values[place]):  # most inputs follow from the entry
                values = _smallest(solver, wanted, place, values, NOTHING)
    return Witness(values[0], tuple(zip(inputs, values[1:], strict=True)), unique)


def _has_choice(solver: Solver, expr: Expr, value: int) -> bool:
    """Whether `expr` could have another value."""
    with solver.scope(ne(expr, value)):
        return solver.model() is not None


def _smallest(solver: Solver, wanted: Sequence[Expr], place: int, values: tuple[int, ...], fixed: Known) -> tuple[int, ...]:
    """The model of `wanted` whose value at `place` has the fewest set bits, and is the smallest of those.

    `values` is one that is possible, `fixed` are the bits there that have no choice.
    """
    expr = wanted[place]
    zeros, ones = fixed
    free = [bit(expr, index) for index in range(expr.width) if not (zeros | ones) >> index & 1]
    lowest = ones.bit_count()
    while values[place].bit_count() > lowest:  # a model is seldom far from the fewest bits: go down from it
        with solver.scope():
            solver.add_count(free, values[place].bit_count() - lowest - 1)
            fewer = solver.model(*wanted)
        if fewer is None:
            break
        values = fewer
    count = values[place].bit_count() - lowest
    if not count:
        return values
    with solver.scope():
        solver.add_count(free, count)
        while True:
            with solver.scope(ult(expr, values[place])):
                smaller = solver.model(*wanted)
            if smaller is None:
                return values
            values = smaller
