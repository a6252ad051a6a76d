"""What is wrong with a new codec, by example: entries on plain ints, before any claim is asked.

What is dropped here would be refuted by a claim; what is not has still to be proved.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from bitspec.expr import TRUE, and_, const, ult, var, variables
from bitspec.layout import Layout
from bitspec.read.as_int import evaluate
from bitspec.vocabulary import Level
from proofs.fit.build import SwapPlan
from proofs.fit.packing import positions
from proofs.state import entry_variable


def leaks(layout: Layout, width: int, plan: SwapPlan) -> bool:
    """Whether an entry of some permitted offset, one bit of it set or all, points below half of the physical address space (l1tf-points-to-memory)."""
    facts = layout.hardware
    if facts.speculated is None:
        return False
    here, offset = entry_variable(width), var("offset", layout.word)
    address, half = facts.speculated(here, facts.context)
    permitted = TRUE if layout.permitted_offset is None else layout.permitted_offset(layout.numbers, offset, facts.context)
    known, bad = and_(*facts.known()), and_(permitted, ult(address, half))
    free = tuple(one for one in variables(and_(known, bad)) if one not in (here, offset))
    stored = [(number, entry(plan, number)) for number in _offsets(_width(plan))]
    contexts = (dict(zip(free, values, strict=True)) for values in product(*(range(1 << one.width) for one in free)))
    return any(evaluate(bad, {here: value, offset: number, **context}) for context in contexts if evaluate(known, context) for number, value in stored)


def looks_none(layout: Layout, level: Level, plan: SwapPlan) -> bool:
    """Whether an entry of type 0 and an offset of which one bit is set, or one is not, is none to the kernel (swap-entry-looks-none)."""
    k = layout.at(level)
    singles = [1 << place for place in range(_width(plan))]
    offsets = (*singles, *((1 << _width(plan)) - 1 ^ one for one in singles))
    return any(evaluate(k.none(const(entry(plan, offset), k.use.width)), {}) for offset in offsets)


def _width(plan: SwapPlan) -> int:
    return len(positions(plan.places["offset"]))


def _offsets(width: int) -> Iterator[int]:
    yield from (1 << place for place in range(width))
    yield from ((1 << size) - 1 for size in range(2, width))


def entry(plan: SwapPlan, offset: int) -> int:
    """The entry of type 0 and an offset, without flags, as the plan stores it."""
    places = positions(plan.places["offset"])
    stored = ~offset if plan.inverted else offset
    return plan.constant.value | sum(1 << place for index, place in enumerate(places) if stored >> index & 1)
