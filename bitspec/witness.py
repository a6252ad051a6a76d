"""Canonical witnesses: of all counterexamples the one with the fewest set bits, then the smallest.

The choice does not depend on Z3's search, so a witness is the same from run to run and across versions, and it can be golden output.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bitspec.expr import Expr, bit, eq, named, ne, ult
from bitspec.read.as_known import Known, known
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


def canonical(solver: Solver, entry: Expr, inputs: Sequence[Expr]) -> Witness | None:
    """The canonical witness of what `solver` asserts now, or None when nothing satisfies it.

    Order: fewest set bits in `entry`, then the smallest `entry`, then each of `inputs` by the same rule, in the order given.  Raises Unknown.
    """
    target = named("the witness", entry.width)  # a name for the entry: its bits are the same terms for every question
    with solver.scope(eq(target, entry)):
        values = solver.model(target, *inputs)
        if values is None:
            return None
        best = _smallest(solver, target, values[0], known(entry))
        with solver.scope(ne(target, best)):
            unique = solver.model() is None
        solver.add(eq(target, best))
        chosen: list[int] = []
        for place, variable in enumerate(inputs):
            if values[0] != best or values[1 : 1 + place] != tuple(chosen):  # the model is not one of what is asserted by now
                values = _certain(solver.model(target, *inputs))
            value = values[1 + place]
            if value and _has_choice(solver, variable, value):
                value = _smallest(solver, variable, value, Known(0, 0))
            chosen.append(value)
            solver.add(eq(variable, value))
    return Witness(best, tuple(zip(inputs, chosen, strict=True)), unique)


def _has_choice(solver: Solver, variable: Expr, value: int) -> bool:
    """Whether `variable` could have another value: most inputs follow from the entry."""
    with solver.scope(ne(variable, value)):
        return solver.model() is not None


def _certain(values: tuple[int, ...] | None) -> tuple[int, ...]:
    assert values is not None  # everything asserted came from a model
    return values


def _smallest(solver: Solver, expr: Expr, value: int, fixed: Known) -> int:
    """The value of `expr` with the fewest set bits, and the smallest of those.  `value` is one that is possible, `fixed` are the bits that have no choice."""
    free = [index for index in range(expr.width) if not (fixed.zeros | fixed.ones) >> index & 1]
    lowest = fixed.ones.bit_count()
    while value.bit_count() > lowest:  # a model is seldom far from the fewest bits: go down from it
        with solver.scope():
            solver.add_count([bit(expr, index) for index in free], value.bit_count() - lowest - 1)
            fewer = solver.model(expr)
        if fewer is None:
            break
        value = fewer[0]
    count = value.bit_count() - lowest
    if not count:
        return value
    with solver.scope():
        solver.add_count([bit(expr, index) for index in free], count)
        while True:
            with solver.scope(ult(expr, value)):
                smaller = solver.model(expr)
            if smaller is None:
                return value
            value = smaller[0]
