"""Asking the claims: one result per claim, subject and level."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cache
from typing import Any

from bitspec.expr import Expr, and_, not_, or_, variables
from bitspec.layout import Absent, Layout
from bitspec.read.as_int import evaluate
from bitspec.read.as_known import decided
from bitspec.read.as_prose import prose
from bitspec.solver import Solver, Unknown
from bitspec.vocabulary import Level
from bitspec.witness import Witness, canonical
from proofs.claim import Claim, Goal, Scene, claims
from proofs.known import Known, find


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
        claim, code, subject, scene: what was asked.
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
    scene: Scene = field(repr=False)
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
    def layout(self) -> Layout:
        """The layout it was asked about."""
        return self.scene.layout

    @property
    def level(self) -> Level:
        """The level it was asked at."""
        return self.scene.level

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
            yield from _Round(self, Scene(layout, level)).results(codes)


@dataclass
class _Open:
    """A question that the known bits did not settle."""

    place: int
    question: Question
    goal: Goal
    given: tuple[str, ...]


@dataclass
class _Round:
    """The questions of one level, asked of one solver.

    Questions with the same preconditions are asked together: "can any of these goals fail?".  If not, all are proved by one query; if so, the int reading
    tells which goals the model refutes, those are set aside for a canonical witness each, and the rest is asked again.
    """

    checker: Checker
    scene: Scene
    solver: Solver | None = None

    def results(self, codes: frozenset[str] | None) -> list[Result]:
        found: list[Result] = []
        open_questions: dict[tuple[Expr, ...], list[_Open]] = {}
        for question in questions(self.scene, codes):
            start = time.perf_counter()
            found.append(self._settle(question, len(found), open_questions))
            found[-1] = replace(found[-1], milliseconds=(time.perf_counter() - start) * 1000)
        for facts, group in open_questions.items():
            start = time.perf_counter()
            answers = self._together(facts, group)
            share = (time.perf_counter() - start) * 1000 / len(group)
            for one, answer in zip(group, answers, strict=True):
                found[one.place] = replace(answer, milliseconds=found[one.place].milliseconds + share)
        if self.solver is not None:
            self.checker.statistics.queries += self.solver.statistics.queries
            self.checker.statistics.solver_seconds += self.solver.statistics.seconds
        return found

    def _result(self, question: Question, verdict: Verdict, **details: Any) -> Result:
        subject = question.subject
        return Result(question.claim, question.code, subject.name, self.scene, verdict, about=subject, **details)

    def _settle(self, question: Question, place: int, later: dict[tuple[Expr, ...], list[_Open]]) -> Result:
        """The result of what needs no solver; the rest is put into `later`, with a place kept for it."""
        if hasattr(question.subject, "reason"):
            return self._result(question, Verdict.NOT_APPLICABLE, reason=question.subject.reason)
        try:
            goal = question.claim.goal(self.scene, question.subject)
        except Absent as reason:
            return self._result(question, Verdict.NOT_APPLICABLE, reason=str(reason))
        given = tuple(dict.fromkeys(fact.precondition.name for fact in goal.given))
        facts = tuple(dict.fromkeys(fact.fact for fact in goal.given if decided(fact.fact) is not True))
        if self.checker.simplify and decided(goal.holds) is True:
            unknown = self._inhabited(facts, question)
            if unknown is None:
                self.checker.statistics.known_bits += 1
                return self._result(question, Verdict.PROVED, given=given, by="known bits", goal=goal)
        later.setdefault(facts, []).append(_Open(place, question, goal, given))
        return self._result(question, Verdict.UNKNOWN, given=given, goal=goal)

    def _inhabited(self, facts: tuple[Expr, ...], question: Question) -> str | None:
        """Make sure that the preconditions can hold together; the reason if the solver cannot tell.

        Raises InternalError where they cannot: such a claim says nothing.
        """
        self.checker.statistics.vacuity += 1
        if not facts or _by_example(facts):
            return None
        self.checker.statistics.vacuity_solver += 1
        try:
            with self._ask().scope(*facts):
                if self._ask().model() is None:
                    words = " and ".join(prose(fact) for fact in facts)
                    raise InternalError(f"{question.code} about {question.subject.name} at {self.scene.level} assumes what cannot be: {words}")
        except Unknown as reason:
            return str(reason)
        return None

    def _ask(self) -> Solver:
        if self.solver is None:
            self.solver = Solver(self.checker.timeout)
        return self.solver

    def _together(self, facts: tuple[Expr, ...], group: list[_Open]) -> list[Result]:
        """The results of questions that share their preconditions."""
        for one in group:
            reason = self._inhabited(facts, one.question)
            if reason is not None:
                return [self._result(each.question, Verdict.UNKNOWN, given=each.given, reason=reason, goal=each.goal) for each in group]
        refuted: set[int] = set()
        free = tuple(dict.fromkeys(variable for one in group for variable in _inputs(one.goal)))
        with self._ask().scope(*facts):
            try:
                while len(refuted) < len(group):
                    left = [one for one in group if one.place not in refuted]
                    with self._ask().scope(or_(*[not_(one.goal.holds) for one in left])):
                        values = self._ask().model(*free)
                    if values is None:
                        break
                    model = dict(zip(free, values, strict=True))
                    broken = {one.place for one in left if not evaluate(one.goal.holds, model)}
                    if not broken:
                        raise InternalError(f"the readings disagree: a model of z3 refutes none of {', '.join(one.question.code for one in left)} as ints")
                    refuted |= broken
            except Unknown:
                return [self._alone(one) for one in group]
            return [self._alone(one) if one.place in refuted else self._proved(one) for one in group]

    def _proved(self, one: _Open) -> Result:
        self.checker.statistics.solver += 1
        return self._result(one.question, Verdict.PROVED, given=one.given, by="z3", goal=one.goal)

    def _alone(self, one: _Open) -> Result:
        """One question by itself, inside a scope that asserts its preconditions; a refutation gets its canonical witness."""
        assert one.goal.entry is not None
        try:
            with self._ask().scope(not_(one.goal.holds)):
                witness = canonical(self._ask(), one.goal.entry, _inputs(one.goal))
        except Unknown as reason:
            return self._result(one.question, Verdict.UNKNOWN, given=one.given, reason=str(reason), goal=one.goal)
        if witness is None:
            return self._proved(one)
        self.checker.statistics.solver += 1
        reread(one.goal, witness, one.question.code)
        known = find(self.checker.known, self.scene.layout, self.scene.level.value, one.question.code, one.question.subject.name)
        if known is not None:
            self.checker.used.add(known)
        return self._result(one.question, Verdict.REFUTED, given=one.given, by="z3", witness=witness, known=known, goal=one.goal)


@cache
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


