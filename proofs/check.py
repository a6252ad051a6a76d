"""Asking the claims: one result per claim, subject and level."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cache
from typing import Any

from bitspec.expr import TRUE, Expr, and_, not_, or_, variables
from bitspec.layout import Absent, Layout
from bitspec.read.as_demanded import simplified
from bitspec.read.as_int import evaluate
from bitspec.read.as_known import decided
from bitspec.read.as_prose import prose
from bitspec.solver import Solver, Unknown
from bitspec.vocabulary import Level
from bitspec.witness import Witness, canonical
from proofs.claim import Claim, Goal, Scene, claims
from proofs.known import Known, find
from proofs.state import Lacking


class InternalError(Exception):
    """bitspec contradicts itself: a vacuous claim, or two readings that disagree.  Exit status 4."""


class Vacuous(InternalError):
    """A claim assumes what cannot be: it would be proved of anything.  Of a shipped layout that is our mistake."""


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
        witness: the counterexample of a refuted claim, where one was looked for.
        known: the reviewed entry that covers a refuted claim.
        reason: why it is unknown or not applicable.
        by: who decided: ``simplifier``, ``z3``, or nobody.
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

    simplified: int = 0
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
        known: the reviewed refutations of the layouts' architecture.
        timeout: seconds for a single query, or None.
        explain: find a canonical witness for what is refuted.  Without, a refutation is told and no more; and once one is that is not known, whatever the
            level has open yet stays unknown.
        simplify: let the known-bits and demanded-bits readings decide what they can; the tests and the benchmark also run without it.
    """

    known: Sequence[Known] = ()
    timeout: float | None = None
    simplify: bool = True
    explain: bool = True
    statistics: Statistics = field(default_factory=Statistics)
    witnesses: dict[tuple[Expr, Expr, tuple[Expr, ...]], Witness | None] = field(default_factory=dict, init=False, repr=False)
    """What was found for something broken, its entry and its inputs: claims often differ in their words alone, and ask the same."""

    def check(self, layout: Layout, levels: Iterable[Level], codes: frozenset[str] | None = None) -> Iterator[Result]:
        """A result per claim and subject, in the order of levels, claims and subjects.

        Args:
            codes: the codes to ask; None is all.
        """
        for level in levels:
            yield from _Round(self, Scene(layout, level)).results(codes)

    def refuted(self, layout: Layout, level: Level, codes: frozenset[str] | None = None) -> frozenset[tuple[str, str]]:
        """Code and subject of every refuted claim, known or not, without witnesses: the quick way to hear whether a layout is sound.

        Args:
            codes: the codes to ask; None is all.

        Raises Unknown.
        """
        return frozenset((one.code, one.subject.name) for one in _Round(self, Scene(layout, level)).refuted(codes))

    def wrong(self, layout: Layout, level: Level, codes: frozenset[str] | None = None) -> frozenset[str]:
        """The codes of some claims that are refuted and not known, none only if there are none: the quickest way to hear that a layout is not sound.

        Raises Unknown.
        """
        return _Round(self, Scene(layout, level)).wrong(codes)


@dataclass
class _Open:
    """A question that the simplifier did not settle."""

    place: int
    question: Question
    goal: Goal
    given: tuple[str, ...]
    known: Known | None  # the reviewed entry that expects it to be refuted
    broken: Expr  # 1 where the preconditions hold and the goal does not


@dataclass
class _Round:
    """The questions of one level, asked of one solver.

    What the simplifier leaves open is asked together: "is there a question whose preconditions hold and whose goal fails?".  If not, all are proved by one
    query; if so, those the model refutes are set aside, to be asked alone for a canonical witness, and the rest is asked again.
    """

    checker: Checker
    scene: Scene
    solver: Solver | None = None
    started: float = 0.0

    def results(self, codes: frozenset[str] | None) -> list[Result]:
        found: list[Result] = []
        later: list[_Open] = []
        for question in questions(self.scene, codes):
            self.started = time.perf_counter()
            found.append(self._settle(question, len(found), later))
        start = time.perf_counter()
        answers = self._together(later)
        share = (time.perf_counter() - start) * 1000 / max(1, len(answers))  # they were asked together: nobody can tell whose the time was
        for place, answer in answers.items():
            found[place] = replace(answer, milliseconds=found[place].milliseconds + share)
        self._count()
        return found

    def _count(self) -> None:
        """Add what the solver did to the run's statistics."""
        if self.solver is not None:
            self.checker.statistics.queries += self.solver.statistics.queries
            self.checker.statistics.solver_seconds += self.solver.statistics.seconds

    def _result(self, question: Question, verdict: Verdict, **details: Any) -> Result:
        subject = question.subject
        spent = (time.perf_counter() - self.started) * 1000
        return Result(question.claim, question.code, subject.name, self.scene, verdict, about=subject, milliseconds=spent, **details)

    def _settle(self, question: Question, place: int, later: list[_Open]) -> Result:
        """The result of what needs no solver; the rest is put into `later`, with a place kept for it."""
        if isinstance(question.subject, Lacking):
            return self._result(question, Verdict.NOT_APPLICABLE, reason=question.subject.reason)
        try:
            goal = question.claim.goal(self.scene, question.subject)
        except Absent as reason:
            return self._result(question, Verdict.NOT_APPLICABLE, reason=str(reason))
        given = tuple(dict.fromkeys(fact.precondition.name for fact in goal.given))
        facts = tuple(dict.fromkeys(fact.fact for fact in goal.given if decided(fact.fact) is not True))
        unknown = self._inhabited(facts, question)
        holds = goal.holds
        if unknown is None and self.checker.simplify:
            holds = _simplest(holds)
            if decided(holds) is True:
                self.checker.statistics.simplified += 1
                return self._result(question, Verdict.PROVED, given=given, by="simplifier", goal=goal)
        if unknown is None:
            later.append(_Open(place, question, goal, given, self._known(question), and_(*facts, not_(holds))))
        return self._result(question, Verdict.UNKNOWN, given=given, reason=unknown, goal=goal)

    def _inhabited(self, facts: tuple[Expr, ...], question: Question) -> str | None:
        """Make sure that the preconditions can hold together; the reason if the solver cannot tell.

        Raises Vacuous where they cannot: such a claim says nothing.
        """
        self.checker.statistics.vacuity += 1
        if not facts or _by_example(facts):
            return None
        self.checker.statistics.vacuity_solver += 1
        try:
            with self._ask().scope(*facts):
                if self._ask().model() is None:
                    words = " and ".join(prose(fact) for fact in facts)
                    raise Vacuous(f"{question.code} about {question.subject.name} at {self.scene.level} assumes what cannot be: {words}")
        except Unknown as reason:
            return str(reason)
        return None

    def _ask(self) -> Solver:
        if self.solver is None:
            self.solver = Solver(self.checker.timeout)
        return self.solver

    def _together(self, group: list[_Open]) -> dict[int, Result]:
        """The results of open questions, by their places."""
        expected = [one for one in group if one.known is not None]
        others = [one for one in group if one.known is None]
        try:
            if not self.checker.explain and (wrong := self._broken(others)):
                return {one.place: self._refuted(one, None) for one in wrong}
            left, refuted = self._sorted(others) if self.checker.explain else (others, [])
        except Unknown:
            left, refuted = [], others
        alone = self._alone if self.checker.explain else self._told
        return {**{one.place: self._proved(one) for one in left}, **{one.place: alone(one) for one in (*expected, *refuted)}}

    def _sorted(self, left: list[_Open]) -> tuple[list[_Open], list[_Open]]:
        """The proved and the refuted among open questions.  Raises Unknown."""
        refuted: list[_Open] = []
        while found := self._broken(left):
            refuted += found
            places = {one.place for one in found}
            left = [one for one in left if one.place not in places]
        return left, refuted

    def _broken(self, group: list[_Open]) -> list[_Open]:
        """Some of the refuted among open questions, none only if there are none.  Raises Unknown."""
        broken = [one.broken for one in group]
        values = self._ask().model_of(or_(*broken), *broken) if group else None
        if values is None:
            return []
        if not any(values):
            raise InternalError("z3 satisfies a disjunction and none of its parts")
        return [one for one, value in zip(group, values, strict=True) if value]

    def refuted(self, codes: frozenset[str] | None) -> Iterator[Question]:
        """The questions that are refuted.  Raises Unknown."""
        later: list[_Open] = []
        for place, question in enumerate(questions(self.scene, codes)):
            self._settle(question, place, later)
        _, refuted = self._sorted(later)
        self._count()
        yield from (one.question for one in refuted)

    def wrong(self, codes: frozenset[str] | None) -> frozenset[str]:
        """The codes of some questions that are refuted and not known, none only if there are none.  Raises Unknown."""
        later: list[_Open] = []
        for place, question in enumerate(questions(self.scene, codes)):
            self._settle(question, place, later)
        found = self._broken([one for one in later if one.known is None])
        self._count()
        return frozenset(one.question.code for one in found)

    def _worse(self, one: _Open, known: Known) -> bool:
        """Whether a part of the claim fails that the reviewed entry does not name."""
        others = [_simplest(part) for name, part in one.goal.parts if name not in known.parts]
        if all(decided(part) for part in others):
            return False
        with self._ask().scope(one.broken, not_(and_(*others))):
            return self._ask().model() is not None

    def _known(self, question: Question) -> Known | None:
        return find(self.checker.known, self.scene.layout, self.scene.level.value, question.code, question.subject.name)

    def _proved(self, one: _Open) -> Result:
        self.checker.statistics.solver += 1
        return self._result(one.question, Verdict.PROVED, given=one.given, by="z3", goal=one.goal)

    def _alone(self, one: _Open) -> Result:
        """One question by itself; a refutation gets its canonical witness."""
        if one.goal.entry is None:
            raise InternalError(f"{one.question.code} about {one.question.subject.name} has no entry a witness could show")
        known = one.known
        try:
            witness = self._witness(one.broken, one.goal.entry, _inputs(one.goal))
            if witness is not None and known is not None and self._worse(one, known):
                known = None
        except Unknown as reason:
            return self._result(one.question, Verdict.UNKNOWN, given=one.given, reason=str(reason), goal=one.goal)
        if witness is None:
            return self._proved(one)
        self.checker.statistics.solver += 1
        reread(one.goal, witness, one.question.code)
        return self._result(one.question, Verdict.REFUTED, given=one.given, by="z3", witness=witness, known=known, goal=one.goal)

    def _told(self, one: _Open) -> Result:
        """One question by itself, without a witness."""
        known = one.known
        try:
            with self._ask().scope(one.broken):
                refuted = self._ask().model() is not None
            if refuted and known is not None and self._worse(one, known):
                known = None
        except Unknown as reason:
            return self._result(one.question, Verdict.UNKNOWN, given=one.given, reason=str(reason), goal=one.goal)
        return self._refuted(one, known) if refuted else self._proved(one)

    def _refuted(self, one: _Open, known: Known | None) -> Result:
        self.checker.statistics.solver += 1
        return self._result(one.question, Verdict.REFUTED, given=one.given, by="z3", known=known, goal=one.goal)

    def _witness(self, broken: Expr, entry: Expr, inputs: tuple[Expr, ...]) -> Witness | None:
        """The canonical witness of `broken`, if there is one.  Raises Unknown."""
        found, key = self.checker.witnesses, (broken, entry, inputs)
        if key not in found:
            with self._ask().scope(broken):
                found[key] = canonical(self._ask(), entry, inputs, _plain(broken, entry, inputs))
        return found[key]


def _plain(broken: Expr, entry: Expr, inputs: tuple[Expr, ...]) -> list[tuple[int, ...]]:
    """At most two counterexamples of different entries, each as the entry and its inputs, of those whose inputs are 0, or all but one, which is 1.

    Such a one there often is, and seldom a simpler one.
    """
    zeros = dict.fromkeys(inputs, 0)
    found: dict[int, tuple[int, ...]] = {}
    for values in (zeros, *({**zeros, one: 1} for one in inputs)):
        if evaluate(broken, values):
            found.setdefault(evaluate(entry, values), tuple(values.values()))
        if len(found) == 2:
            break
    return [(one, *values) for one, values in found.items()]


def _simplest(expr: Expr) -> Expr:
    """`expr` with what cannot matter dropped; of a chain of and, only the parts that are not decided."""
    if expr.op == "and" and expr.width == 1:
        left, right = (_simplest(arg) for arg in expr.args)
        return right if decided(left) else left if decided(right) else left & right
    return TRUE if decided(expr) else simplified(expr)


@cache
def _by_example(facts: tuple[Expr, ...]) -> bool:
    """Whether some simple values make all of `facts` true: an exact answer without the solver, when it is yes."""
    values = dict.fromkeys(variables(and_(*facts)), 0)
    for place, fact in enumerate(facts):
        so_far = facts[: place + 1]
        if not evaluate(fact, {one: values[one] for one in variables(fact)}):
            changed = next((change for change in _changes(fact) if _hold(so_far, {**values, **change})), None)
            if changed is None:
                return False
            values.update(changed)
    return True


def _changes(fact: Expr) -> Iterator[dict[Expr, int]]:
    """Simple values for one variable of `fact`."""
    for variable in variables(fact):
        for value in (0, 1, 2, 40, 48, (1 << variable.width) - 1):
            if value >> variable.width == 0:
                yield {variable: value}


def _hold(facts: tuple[Expr, ...], values: dict[Expr, int]) -> bool:
    return all(evaluate(fact, {one: values[one] for one in variables(fact)}) for fact in facts)


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


def applicable(scene: Scene, codes: frozenset[str] | None = None) -> dict[tuple[str, str], bool]:
    """Whether each question of a level, by code and subject, is applicable.

    Args:
        codes: the codes to look at; None is all.
    """
    return {(one.code, one.subject.name): _applies(one) for one in questions(scene, codes)}


def _applies(one: Question) -> bool:
    if isinstance(one.subject, Lacking):
        return False
    try:
        one.claim.goal(one.scene, one.subject)
    except Absent:
        return False
    return True


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
            yield Question(one, scene, Lacking(str(scene.level), str(reason)))
