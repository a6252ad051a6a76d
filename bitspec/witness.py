"""Canonical witnesses: of all counterexamples the one with the fewest set bits, then the smallest.

The choice does not depend on Z3's search, so a witness is the same from run to run and across versions, and it can be golden output.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bitspec.expr import Expr, bit, eq, named, ne
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
            chosen.append(_smallest(solver, variable, values[1 + place], Known(0, 0)))
            solver.add(eq(variable, chosen[-1]))
    return Witness(best, tuple(zip(inputs, chosen, strict=True)), unique)


def _certain(values: tuple[int, ...] | None) -> tuple[int, ...]:
    assert values is not None  # everything asserted came from a model
    return values


def _smallest(solver: Solver, expr: Expr, value: int, fixed: Known) -> int:
    """The value of `expr` with the fewest set bits, and the smallest of those.  `value` is one that is possible, `fixed` are the bits that have no choice."""
    free = [index for index in range(expr.width) if not (fixed.zeros | fixed.ones) >> index & 1]
    lowest = fixed.ones.bit_count()
    few, enough = 0, value.bit_count() - lowest  # `enough` free bits can be set and all else clear; fewer than `few` cannot
    while few < enough:
        count = (few + enough) // 2
        with solver.scope():
            solver.add_count([bit(expr, index) for index in free], count)
            fewer = solver.model(expr)
        if fewer is None:
            few = count + 1
        else:
            value = fewer[0]
            enough = value.bit_count() - lowest
    count = value.bit_count() - lowest
    with solver.scope():
        if count:
            solver.add_count([bit(expr, index) for index in free], count)
        for index in reversed(free):
            if not count:
                break
            one = bit(expr, index)
            if value >> index & 1:
                with solver.scope(~one):
                    smaller = solver.model(expr)
                if smaller is None:
                    count -= 1
                    solver.add(one)
                    continue
                value = smaller[0]
            solver.add(~one)
    return value
