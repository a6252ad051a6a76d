"""Hazards: what a non-present entry must not be taken for, by the hardware, by the kernel's predicates, or as an entry of another state.

A hazard is asked two things: has it an entry in common with a cube, and if so, which cube of its own is that entry in?  Both answers are exact, so that
what hazards rule out is ruled out for every layout.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bitspec.expr import Expr, and_, const, eq, not_, substitute, var, variables
from bitspec.layout import Absent
from bitspec.read.as_int import evaluate, masks
from bitspec.read.as_known import decided, known
from bitspec.solver import Solver
from bitspec.vocabulary import LEAVES, Level
from proofs.claim import Scene
from proofs.families.hardware import walks
from proofs.fit.cube import Cube
from proofs.fit.packing import positions_of
from proofs.state import State, entry_variable

#: The predicates whose answer about a non-present entry is promised: no.
PREDICATES = ("present", "leaf", "trans_huge", "protnone")


@dataclass(frozen=True)
class Hazard:
    """A set of entries.

    Attributes:
        name: of the predicate, the state, or ``hardware``.
        level: where.
        why: what is wrong with a non-present entry that is among them.
        entry: the entry, over some variables.
        when: what those variables satisfy.
        state: the state, if it is one.
    """

    name: str
    level: Level
    why: str
    entry: Expr
    when: Expr
    state: State | None = None

    def within(self, solver: Solver, cube: Cube) -> Cube | None:
        """A cube of entries of the hazard, one of them in `cube`; None where there is none.  Raises Unknown."""
        if decided(substitute(self.when, {self.entry: cube.of_any(self.entry)}) if self.state is None else cube.member(self.entry)) is False:
            return None
        free = tuple(dict.fromkeys((*variables(self.entry), *variables(self.when))))
        with solver.scope(cube.member(self.entry), self.when):
            values = solver.model(*free)
        if values is None:
            return None
        return self._around(dict(zip(free, values, strict=True)), solver)

    def _around(self, values: dict[Expr, int], solver: Solver) -> Cube:
        """A large cube of the hazard's entries around the one that `values` make."""
        if self.state is not None:
            return self._of_state(values, solver)
        when = substitute(self.when, {one: const(value, one.width) for one, value in values.items() if one is not self.entry})
        return _widest(self.entry, when, values[self.entry])

    def _of_state(self, values: dict[Expr, int], solver: Solver) -> Cube:
        """What entries the state has around the one at hand, all inputs free that can be recovered from an entry."""
        assert self.state is not None
        everything = (1 << self.entry.width) - 1
        alone = Cube(everything, evaluate(self.entry, values))
        fixed = {one.variable: const(values[one.variable], one.variable.width) for one in self.state.inputs if one.recover is None}
        part = substitute(self.entry, fixed)
        zeros, ones = known(part)
        here = entry_variable(self.entry.width)
        recovered = {one.variable: one.recover for one in self.state.inputs if one.recover is not None}
        member = and_(eq(substitute(part, recovered), here), substitute(substitute(self.when, fixed), recovered))
        wide = Cube(zeros | ones, ones)
        with solver.scope(wide.member(here), not_(member)):
            return wide if solver.model() is None else alone


def _widest(entry: Expr, when: Expr, value: int) -> Cube:
    """A cube around `value` in which `when` holds of every entry: bits are let go, in halves, as long as the fixed ones decide it."""
    loose = var("loose", entry.width)

    def holds(mask: int) -> bool:
        return decided(substitute(when, {entry: Cube(mask, value & mask).of_any(loose)})) is True

    mask = (1 << entry.width) - 1
    queue = [mask]
    while queue:
        part = queue.pop() & mask
        if holds(mask & ~part):
            mask &= ~part
        elif part.bit_count() > 1:
            places = positions_of(part)
            half = sum(1 << place for place in places[: len(places) // 2])
            queue += [half, part & ~half]
    return Cube(mask, value & mask)


def hazards(scene: Scene) -> Iterator[Hazard]:
    """Everything a non-present entry of this level must not be but empty: that depends on its payload, and is left to the claims."""
    k, level = scene.k, scene.level
    here = entry_variable(k.use.width)
    try:
        faults = and_(*[one.invalid for one in walks(scene, here).values()])
        yield Hazard("hardware", level, "the hardware does not find it invalid", here, and_(*scene.layout.hardware.known(), not_(faults)))
    except Absent:
        pass
    for stem in PREDICATES:
        if k.has(stem):
            yield Hazard(k.name(stem), level, f"{k.name(stem)} is true of it", here, k.helper(stem)(here))
    for name in ("table", *LEAVES):
        state = scene.states.get(name)
        if isinstance(state, State):
            yield Hazard(name, level, f"it is an entry of the state {name}", state.entry, and_(*[one.fact for one in state.given]), state)


def touched(scene: Scene, cube: Cube) -> int:
    """The bits the hardware may write by itself into some entry of `cube`; all of them where its write is no plain setting and clearing of bits."""
    try:
        updates = scene.hardware.updates
    except Absent:
        return 0
    loose = var("loose", scene.k.use.width)
    everything = (1 << loose.width) - 1
    written = 0
    for update in updates:
        if decided(update.when(cube.of_any(loose))) is not False:
            keep, put = masks(update.result(loose), loose) or (0, everything)
            written |= everything & ~keep | put
    return written
