"""Asking the claims: one result per claim, subject and level."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from bitspec.expr import Expr, and_, not_, variables
from bitspec.layout import Absent, Layout
from bitspec.read.as_int import evaluate
from bitspec.read.as_known import decided
from bitspec.solver import Solver, Unknown
from bitspec.vocabulary import Level
from bitspec.witness import Witness, canonical
from proofs.claim import Claim, Goal, Scene, claims
from proofs.known import Known, find
from proofs.preconditions import Given


class InternalError(Exception):
    """bitspec contradicts itself: a vacuous claim, or two readings that disagree.  Exit status 4."""


class Verdict(Enum):
    """What became of a claim."""

    PROVED = "proved"
    REFUTED = "refuted"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not-applicable"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Result:
    """A claim's verdict for one subject.

    Attributes:
        claim, code, subject, layout, level: what was asked; with variant and config they are the result's key.
        verdict: the answer.
        given: the preconditions' names.
        witness: the counterexample of a refuted claim.
        known: the reviewed entry that covers a refuted claim.
        reason: why it is unknown or not applicable.
        by: who decided: ``known bits``, ``z3``, or nobody.
        milliseconds: what it took.
        goal: what was asked, for reports that show more.
        about: the subject itself.
    """

    claim: Claim
    code: str
    subject: str
    layout: Layout
    level: Level
    verdict: Verdict
    given: tuple[str, ...] = ()
    witness: Witness | None = None
    known: Known | None = None
    reason: str | None = None
    by: str = ""
    milliseconds: float = 0.0
    goal: Goal | None = field(default=None, compare=False, repr=False)
    about: Any = field(default=None, compare=False, repr=False)

    @property
    def key(self) -> tuple[str, str, str, str, str, str, str]:
        """(code, subject, arch, layout, variant, config, level)."""
        layout = self.layout
        return self.code, self.subject, layout.arch, layout.release, layout.hardware.variant, layout.config.name, self.level.value

    @property
    def failed(self) -> bool:
        """Refuted, and not known."""
        return self.verdict is Verdict.REFUTED and self.known is None


@dataclass
class Statistics:
    """How the claims of a run were decided."""

    known_bits: int = 0
    solver: int = 0
    vacuity: int = 0
    vacuity_solver: int = 0
    queries: int = 0
    solver_seconds: float = 0.0


@dataclass(frozen=True)
class Question:
    """One claim about one subject, before it is asked."""

    claim: Claim
    scene: Scene
    subject: Any

    @property
    def code(self) -> str:
        """The claim's code at this level."""
        return self.claim.codes[self.scene.level]


@dataclass
class Checker:
    """Asks questions about one layout after the other, and keeps count.

    Args:
        known: the reviewed refutations.
        timeout: seconds for a single query, or None.
        simplify: let the known-bits reading decide what it can; the tests and the benchmark also run without it.
    """

    known: Sequence[Known] = ()
    timeout: float | None = None
    simplify: bool = True
    statistics: Statistics = field(default_factory=Statistics)
    used: set[Known] = field(default_factory=set)

    def check(self, layout: Layout, levels: Iterable[Level], codes: frozenset[str] | None = None) -> Iterator[Result]:
        """A result per claim and subject, in the order of levels, claims and subjects.

        Args:
            codes: the codes to ask; None is all.
        """
        for level in levels:
            scene = Scene(layout, level)
            solver = _LazySolver(self.timeout)
            inhabited: dict[tuple[Expr, ...], bool] = {}
            for question in questions(scene, codes):
                yield self._ask(question, solver, inhabited)
            if solver.made is not None:
                self.statistics.queries += solver.made.statistics.queries
                self.statistics.solver_seconds += solver.made.statistics.seconds

    def _ask(self, question: Question, solver: _LazySolver, inhabited: dict[tuple[Expr, ...], bool]) -> Result:
        start = time.perf_counter()
        one, scene, subject = question.claim, question.scene, question.subject

        def result(verdict: Verdict, **details: Any) -> Result:
            spent = (time.perf_counter() - start) * 1000
            return Result(one, question.code, subject.name, scene.layout, scene.level, verdict, milliseconds=spent, about=subject, **details)

        if hasattr(subject, "reason"):
            return result(Verdict.NOT_APPLICABLE, reason=subject.reason)
        try:
            goal = one.goal(scene, subject)
        except Absent as reason:
            return result(Verdict.NOT_APPLICABLE, reason=str(reason))
        given = tuple(dict.fromkeys(fact.precondition.name for fact in goal.given))
        facts = tuple(dict.fromkeys(fact.fact for fact in goal.given if decided(fact.fact) is not True))
        try:
            self._inhabited(facts, goal, subject, solver, inhabited, question)
            verdict = decided(goal.holds) if self.simplify else None
            if verdict is True:
                self.statistics.known_bits += 1
                return result(Verdict.PROVED, given=given, by="known bits", goal=goal)
            witness = self._refute(solver, facts, goal)
        except Unknown as reason:
            return result(Verdict.UNKNOWN, given=given, reason=str(reason), goal=goal)
        self.statistics.solver += 1
        if witness is None:
            return result(Verdict.PROVED, given=given, by="z3", goal=goal)
        reread(goal, witness, question.code)
        known = find(self.known, scene.layout, scene.level.value, question.code, subject.name)
        if known is not None:
            self.used.add(known)
        return result(Verdict.REFUTED, given=given, by="z3", witness=witness, known=known, goal=goal)

    def _refute(self, solver: _LazySolver, facts: tuple[Expr, ...], goal: Goal) -> Witness | None:
        """A counterexample to `goal`, or None when there is none."""
        inputs = _inputs(goal)
        entry = goal.entry
        assert entry is not None
        with solver.get().scope(*facts, not_(goal.holds)):
            return canonical(solver.get(), entry, inputs)

    def _inhabited(
        self, facts: tuple[Expr, ...], goal: Goal, subject: Any, solver: _LazySolver, seen: dict[tuple[Expr, ...], bool], question: Question
    ) -> None:
        """Make sure that the preconditions can hold together.  Raises InternalError where they cannot: such a claim says nothing."""
        self.statistics.vacuity += 1
        if not facts or seen.get(facts):
            return
        if not _by_example(facts):
            self.statistics.vacuity_solver += 1
            with solver.get().scope(*facts):
                if solver.get().model() is None:
                    raise InternalError(f"{question.code} about {subject.name} at {question.scene.level} assumes what cannot be: {_names(goal.given)}")
        seen[facts] = True


@dataclass
class _LazySolver:
    """A solver for one level, made when the first question needs it."""

    timeout: float | None
    made: Solver | None = None

    def get(self) -> Solver:
        if self.made is None:
            self.made = Solver(self.timeout)
        return self.made


def _names(given: Iterable[Given]) -> str:
    return " and ".join(dict.fromkeys(one.precondition.name for one in given))


def _by_example(facts: tuple[Expr, ...]) -> bool:
    """Whether some small values make all of `facts` true: an exact answer without the solver, when it is yes."""
    together = and_(*facts)
    free = variables(together)
    for small in (0, 1, 2, 46):
        if evaluate(together, {variable: min(small, (1 << variable.width) - 1) for variable in free}):
            return True
    return False


def _inputs(goal: Goal) -> tuple[Expr, ...]:
    """The declared inputs, and whatever else is free in the goal."""
    free = dict.fromkeys(goal.variables)
    for fact in (goal.holds, *(one.fact for one in goal.given)):
        free.update(dict.fromkeys(variables(fact)))
    return tuple(free)


def reread(goal: Goal, witness: Witness, code: str) -> None:
    """Evaluate a witness again with the int reading.  Raises InternalError where it does not refute the claim: two readings disagree."""
    values = dict(witness.inputs)
    assert goal.entry is not None
    if evaluate(goal.entry, values) != witness.entry:
        raise InternalError(f"{code}: the readings disagree about the witness's entry {witness.entry:#x}")
    if evaluate(goal.holds, values):
        raise InternalError(f"{code}: the readings disagree: {witness.entry:#x} refutes the claim for z3 and satisfies it as ints")
    for one in goal.given:
        if not evaluate(one.fact, values):
            raise InternalError(f"{code}: the readings disagree: the witness {witness.entry:#x} violates {one.precondition.name}")


def questions(scene: Scene, codes: frozenset[str] | None = None) -> Iterator[Question]:
    """Every question at one level.  A level that is folded has one question per claim, which is not applicable."""
    for one in claims():
        code = one.codes.get(scene.level)
        if code is None or (codes is not None and code not in codes):
            continue
        try:
            scene.k  # noqa: B018 - a folded level has no subjects to ask about
            yield from (Question(one, scene, subject) for subject in one.about(scene))
        except Absent as reason:
            yield Question(one, scene, _Folded(str(scene.level), str(reason)))


@dataclass(frozen=True)
class _Folded:
    name: str
    reason: str


