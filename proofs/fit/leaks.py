"""L1TF by example: what a CPU loads through a swap entry, tried on plain ints before any claim is asked.

What is dropped here would be refuted by l1tf-points-to-memory; what is not has still to be proved.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from bitspec.expr import TRUE, Expr, and_, ult, var, variables
from bitspec.layout import Layout
from bitspec.read.as_int import evaluate
from proofs.fit.build import SwapPlan
from proofs.fit.packing import positions
from proofs.state import entry_variable


def leaks(layout: Layout, width: int, plan: SwapPlan) -> bool:
    """Whether an entry of some permitted offset, one bit of it set or all, points below half of the physical address space."""
    facts = layout.hardware
    if facts.speculated is None:
        return False
    here, offset = entry_variable(width), var("offset", layout.word)
    address, half = facts.speculated(here, facts.context)
    permitted = TRUE if layout.permitted_offset is None else layout.permitted_offset(offset, facts.context)
    bad = and_(*facts.known(), permitted, ult(address, half))
    free = tuple(one for one in variables(bad) if one not in (here, offset))
    for values in _contexts(free):
        for number in _offsets(len(positions(plan.places["offset"]))):
            if evaluate(bad, {here: entry(plan, number), offset: number, **values}):
                return True
    return False


def _contexts(free: tuple[Expr, ...]) -> Iterator[dict[Expr, int]]:
    for values in product(*(range(1 << one.width) for one in free)):
        yield dict(zip(free, values, strict=True))


def _offsets(width: int) -> Iterator[int]:
    yield from (1 << place for place in range(width))
    yield from ((1 << size) - 1 for size in range(2, width))


def entry(plan: SwapPlan, offset: int) -> int:
    """The entry of type 0 and an offset, without flags, as the plan stores it."""
    places = positions(plan.places["offset"])
    stored = ~offset if plan.inverted else offset
    return plan.constant.value | sum(1 << place for index, place in enumerate(places) if stored >> index & 1)
