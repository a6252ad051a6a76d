"""Whether two expressions are the same for every value; if not, the simplest value they differ for."""

from __future__ import annotations

from collections.abc import Sequence

from bitspec.expr import Expr, const, ne
from bitspec.read.as_demanded import simplified
from bitspec.read.as_known import decided
from bitspec.solver import Solver
from bitspec.witness import Witness, canonical


def difference(solver: Solver, one: Expr, other: Expr, inputs: Sequence[Expr], facts: Sequence[Expr] = ()) -> Witness | None:
    """The canonical witness that the two are not equal where all of `facts` hold, or None if they are.  Raises Unknown."""
    broken = ne(one, other)
    if decided(broken) is False or decided(simplified(broken)) is False:
        return None
    with solver.scope(*facts, broken):
        return canonical(solver, inputs[0] if inputs else const(0, 1), inputs)
