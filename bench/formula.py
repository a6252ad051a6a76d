"""A question to ``fit`` as one quantified formula, in SMT-LIB 2: is there a placement with which, for all values of the fields, nothing goes wrong?

The placement is what the formula leaves free at its top, and so asks to exist; below it stands a "for all" for each thing that can go wrong.  What it asks
for is what ``fit`` answered: the same fields move, the same predicates change, the fields are as wide.  That is kind to the solvers: ``fit`` has to find out
all three.  Where nothing fits, everything moves and changes that may.

Two formulas are made:

* :func:`placement`: what the search reasons about.  The hardware finds every swap entry invalid, the predicates that are kept are false of it, the
  hardware writes to no entry, and some constant bit of swap entries tells them from every table and leaf.  The claims are not in it.
* :func:`sound`: the same fields have to be placed so that every claim holds that ``fit`` proved of its answer and that says something about the placement.
  Left out are refutations that are known and excused, and the search for their witnesses.

Neither asks for the preferred placement, with the fewest pieces and the lowest positions, and neither says why where there is none.  Fields take every value
of their width, but for an offset of 0 in ``bits`` and ``shifts``.

There are three ways to write down a placement:

* ``bits``: as the question has it.  Every bit of an entry carries the next bit of a field, in order, or is constant: a mask for each field, with as many bits
  as the field is wide.
* ``masks``: one mask of the bits that carry fields, and the constant bits.  An entry is any value under that mask.  Which field is where does not matter
  to what goes wrong, so that it is left out; this is the insight that ``fit`` rests on, and a gift.
* ``shifts``: every piece of a field has a shift.  How many pieces there are, and how wide each of them is, is taken from ``fit``'s answer: a gift as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final
from unittest.mock import patch

from bitspec.expr import TRUE, Expr, and_, bit, concat, const, eq, implies, ite, ne, not_, substitute, trunc, ule, ult, var, variables, zext
from bitspec.layout import Absent, Layout
from bitspec.read.as_demanded import simplified
from bitspec.read.as_int import evaluate
from bitspec.read.as_known import decided
from bitspec.solver import Solver
from bitspec.vocabulary import Level
from proofs.check import Verdict, questions
from proofs.claim import Scene
from proofs.fit.build import SwapPlan
from proofs.fit.codec import existing, sharing
from proofs.fit.packing import Spans, mask_of, positions
from proofs.fit.question import Question
from proofs.fit.room import Rooms
from proofs.fit.search import Fitted
from proofs.fit.swap_side import Demand, Sketch, sketches
from proofs.state import entry_variable

GIFTED: Final = ("masks", "shifts")
"""The ways to write down a placement that tell the solver something that the question does not."""


@dataclass(frozen=True)
class Formula:
    """An "exists, for all".

    Attributes:
        answer: the values of what must exist, as ``fit`` found them; empty where it found nothing.
        facts: what must hold of the placement alone.
        bodies: what must hold for all values of the other variables.
        placed: the variables of the placement.
    """

    answer: Mapping[Expr, Expr]
    facts: tuple[Expr, ...]
    bodies: tuple[Expr, ...]
    placed: frozenset[Expr]

    @property
    def text(self) -> str:
        """SMT-LIB 2."""
        import z3

        terms, solver = Solver(), z3.SolverFor("BV")
        solver.add(*(terms.term(fact) for fact in self.facts))
        for body in self.bodies:
            bound = [terms.term(one) for one in variables(body) if one not in self.placed]
            solver.add(z3.ForAll(bound, terms.term(body)) if bound else terms.term(body))
        return f"(set-logic BV)\n{solver.to_smt2()}"

    def check(self) -> None:
        """Make sure that the answer of ``fit`` is one to the formula.  Raises AssertionError."""
        solver = Solver()
        for one in (*self.facts, *self.bodies) if self.answer else ():
            assert solver.model_of(not_(substitute(one, self.answer))) is None, "fit's answer must satisfy the formula"


@dataclass(frozen=True)
class Piece:
    """A run of neighbouring bits of a field: how wide it is, which bit of the value it begins with, and where it stands in an entry."""

    width: int
    first: int
    shift: Expr

    @property
    def mask(self) -> Expr:
        """The bits it takes."""
        return const((1 << self.width) - 1, self.shift.width) << self.shift

    def put(self, value: Expr) -> Expr:
        """Its part of `value`, where it stands in an entry."""
        return (value >> self.first & (1 << self.width) - 1) << self.shift

    def get(self, entry: Expr) -> Expr:
        """Its part of the value of an entry."""
        return (entry >> self.shift & (1 << self.width) - 1) << self.first


@dataclass(frozen=True)
class Places:
    """Where the fields of a swap entry are; those with a new place anywhere.

    Attributes:
        plan: the answer of ``fit``.
        pieces: of each field.
    """

    plan: SwapPlan
    pieces: Mapping[str, tuple[Piece, ...]]

    @staticmethod
    def of(plan: SwapPlan, width: int) -> Places:
        """The places of the answer's fields, with a variable for each one that is new."""
        return Places(plan, {name: tuple(_pieces(name, spans, width, name in plan.new)) for name, spans in plan.places.items()})

    def mask(self, name: str) -> Expr:
        """The bits a field takes."""
        return _any([one.mask for one in self.pieces[name]])

    def put(self, name: str, value: Expr) -> Expr:
        """A value in its field."""
        return _any([one.put(value) for one in self.pieces[name]])

    def get(self, name: str, entry: Expr) -> Expr:
        """The value of a field."""
        return _any([one.get(entry) for one in self.pieces[name]])

    @property
    def answer(self) -> dict[Expr, Expr]:
        """Where ``fit`` put what is new."""
        return {
            variables(one.shift)[0]: const(low, variables(one.shift)[0].width)
            for name in self.plan.new
            for one, (_, low) in zip(self.pieces[name], reversed(self.plan.places[name]), strict=True)
        }

    @property
    def facts(self) -> Iterator[Expr]:
        """Every piece lies in the entry, those of a field in order, and none on another."""
        for name in self.plan.new:
            shifts = [one.shift for one in self.pieces[name]]
            yield from (ule(one.shift, one.shift.width - one.width) for one in self.pieces[name])
            yield from (ult(lower, upper) for lower, upper in pairwise(shifts))
        masks = [one.mask for pieces in self.pieces.values() for one in pieces]
        for place in range(1, len(masks)):
            yield eq(masks[place] & _any(masks[:place]), 0)


def _pieces(name: str, spans: Spans, width: int, free: bool) -> Iterator[Piece]:
    first = 0
    for high, low in reversed(spans):
        shift = var(f"shift_{name}_{first}", (width - 1).bit_length())  # no wider than it must be
        yield Piece(high - low + 1, first, zext(shift, width) if free else const(low, width))
        first += high - low + 1


def _any(terms: Sequence[Expr]) -> Expr:
    made = terms[0]
    for one in terms[1:]:
        made = made | one
    return made


def _constant(width: int) -> Expr:
    return var("constant", width)


def _surroundings(demand: Demand, carried: Expr) -> Iterator[Expr]:
    """What must hold of the constant bits, and of the bits that carry fields."""
    constant = _constant(demand.width)
    yield eq(constant & carried, 0)
    given = demand.given
    assert given is not None, "bits that are given must not contradict each other"
    yield and_(eq(constant & given.mask, given.value), eq(carried & given.mask, 0))
    if demand.constant is not None:
        yield eq(constant, const(demand.constant, demand.width) & ~carried)


def sketch_of(question: Question, plan: SwapPlan | None) -> Sketch:
    """What moves and what changes in an answer; without one, everything that may."""
    every = tuple(sketches(question, question.layout, None, Rooms()))
    if plan is None:
        return every[-1]
    return next(one for one in every if one.changed == plan.changed and set(one.moved) == ({*one.codec.places} & {*plan.new} if one.codec else set()))


def placement(question: Question, plan: SwapPlan | None, way: str) -> Formula:
    """The question the search answers.  Raises ValueError for ``shifts`` where nothing fits, as there is no answer to take the pieces from."""
    demand = sketch_of(question, plan).demand
    width, constant = demand.width, _constant(demand.width)
    if way == "masks":
        carried, payload = var("carried", width), var("payload", width)
        held = sum(mask_of(spans) for spans in demand.held.values())
        fields = sum(one.width for one in demand.items) + held.bit_count() if plan is None else sum(len(positions(one)) for one in plan.places.values())
        facts = [eq(carried & held, held), eq(_count(carried), fields)]
        entry, domain = payload & carried | constant, TRUE
        answer = {} if plan is None else {carried: const(sum(mask_of(one) for one in plan.places.values()), width)}
    elif way == "bits":
        chosen = demand.held if plan is None else plan.places
        widths = {one.name: one.width for one in demand.items} | {name: len(positions(spans)) for name, spans in chosen.items()}
        masks = {name: var(f"bits_{name}", width) for name in widths if name not in demand.held}
        held = sum(mask_of(spans) for spans in demand.held.values())
        carried, facts = const(held, width), []
        for name, mask in masks.items():
            facts += [eq(_count(mask), widths[name]), eq(carried & mask, 0)]
            carried = carried | mask
        values = {name: var(f"value_{name}", wide) for name, wide in widths.items()}
        stay = [_any([one.put(zext(values[name], width)) for one in _pieces(name, spans, width, False)]) for name, spans in demand.held.items()]
        entry = _any([constant, *stay, *(_deposited(values[name], mask) for name, mask in masks.items())])
        domain = ne(values["offset"], 0)
        answer = {} if plan is None else {mask: const(mask_of(plan.places[name]), width) for name, mask in masks.items()}
    elif plan is not None:
        places = Places.of(plan, width)
        carried, facts, answer = _any([places.mask(name) for name in plan.places]), list(places.facts), places.answer
        values = {name: var(f"value_{name}", len(positions(spans))) for name, spans in plan.places.items()}
        entry = _any([constant, *(places.put(name, zext(value, width)) for name, value in values.items())])
        domain = ne(values["offset"], 0)  # of type 0, that would be the empty entry
    else:
        raise ValueError("there must be an answer to take the pieces from")
    if plan is not None:
        answer = {**answer, constant: const(plan.constant.value, width)}
    bodies = tuple(_mistaken(question, demand, entry, domain, carried))
    return Formula(answer, (*facts, *_surroundings(demand, carried)), bodies, frozenset({constant, *_free(facts)}))


def _deposited(value: Expr, mask: Expr) -> Expr:
    """The bits of `value`, in order, at the bits of `mask`."""
    if value.width == 1:
        return ite(value, mask, 0)
    made = []
    for place in range(mask.width):
        made.append(and_(bit(mask, place), bit(value, 0)))
        value = ite(bit(mask, place), value >> 1, value)
    return concat(*reversed(made))


def _free(facts: Iterable[Expr]) -> set[Expr]:
    return {one for fact in facts for one in variables(fact)}


def _count(value: Expr) -> Expr:
    """The number of bits that are 1."""
    terms = [zext(bit(value, place), 8) for place in range(value.width)]
    while len(terms) > 1:
        terms = [left + right for left, right in zip(terms[::2], terms[1::2], strict=False)] + terms[len(terms) & ~1 :]
    return terms[0]


def _mistaken(question: Question, demand: Demand, entry: Expr, domain: Expr, carried: Expr) -> Iterator[Expr]:
    """That a swap entry is taken for nothing else; one body for each hazard."""
    here, constant = entry_variable(demand.width), _constant(demand.width)
    for one in demand.hazards:
        if one.state is None:
            yield not_(and_(domain, substitute(one.when, {here: entry})))
        else:  # a marker may be all of the constant bits: with fewer it would tell no more
            yield implies(one.when, ne(one.entry & ~carried, constant))
    try:
        for update in question.scene.hardware.updates:
            yield not_(and_(domain, update.when(entry)))
    except Absent:
        pass


def sound(question: Question, fitted: Fitted) -> Formula:
    """The question ``fit`` answers, as far as the claims tell: every one that it proved of its answer, about an answer with its new fields anywhere."""
    plan = fitted.swap
    assert plan is not None
    demand = sketch_of(question, plan).demand
    places, constant = Places.of(plan, demand.width), _constant(demand.width)
    carried = _any([places.mask(name) for name in plan.places])
    facts = (*places.facts, *_surroundings(demand, carried))
    answer = {**places.answer, constant: const(plan.constant.value, demand.width)}
    layout = fitted.layout.but(level=None, **_helpers(question, fitted, places))
    return Formula(answer, facts, tuple(dict.fromkeys(_claims(layout, fitted, answer))), frozenset(answer))


def _claims(layout: Layout, fitted: Fitted, answer: Mapping[Expr, Expr]) -> Iterator[Expr]:
    proved = {(one.level, one.code, one.subject) for one in fitted.results if one.verdict is Verdict.PROVED}

    def number(expr: Expr, values: Mapping[Expr, int]) -> int:
        return evaluate(substitute(expr, answer), values)

    with patch("proofs.states.evaluate", number):  # how wide an offset the kernel's probe finds is the same wherever the offset is
        for level in layout.uses:
            for question in questions(Scene(layout, level)):
                if (level, question.code, question.subject.name) in proved:
                    goal = question.claim.goal(question.scene, question.subject)
                    holds = simplified(goal.holds)  # as the check itself does before it asks
                    body = implies(and_(*[one.fact for one in goal.given if decided(one.fact) is not True]), holds)
                    if decided(holds) is not True and set(variables(body)) & set(answer):
                        yield body


def _helpers(question: Question, fitted: Fitted, places: Places) -> dict[str, Callable[..., Expr]]:
    """The helpers that ``fit`` made for its answer, with the new fields anywhere."""
    plan, level = places.plan, question.level
    assert plan is not None
    made: dict[str, Callable[..., Expr]] = {}
    if plan.fresh:
        made |= _codec(level, places)
    others = sharing(question.scene) if existing(question.scene.k) is not None else (question.scene,)
    for scene in others:
        for name in plan.new:
            if name not in ("type", "offset") and fitted.layout.at(scene.level).has(f"swp_{name}", f"swp_mk{name}"):
                made |= _flag(f"{scene.level}_swp_", name, places.mask(name))
    marked = _any([places.mask(name) for name in plan.places])
    for stem in plan.changed:
        name = question.scene.k.name(stem)
        made[name] = _narrowed(question.layout.helper(name), marked)
    return made


def _flag(stem: str, name: str, mask: Expr) -> dict[str, Callable[..., Expr]]:
    return {
        f"{stem}{name}": lambda k, entry: ne(entry & mask, 0),
        f"{stem}mk{name}": lambda k, entry: entry | mask,
        f"{stem}clear_{name}": lambda k, entry: entry & ~mask,
    }


def _narrowed(old: Any, carried: Expr) -> Callable[..., Expr]:
    return lambda k, entry: and_(old(entry), ne(entry & ~carried, _constant(entry.width)))


def _codec(level: Level, places: Places) -> dict[str, Callable[..., Expr]]:
    inverted = places.plan.inverted

    def encoded(swap_type: Expr, number: Expr) -> Expr:
        made = _resized(~number if inverted else number, _width(places))
        return places.put("offset", made) | places.put("type", _resized(swap_type, _width(places))) | _constant(_width(places))

    def decoded(name: str, entry: Expr, wide: int) -> Expr:
        value = places.get(name, entry)
        if inverted and name == "offset":
            value = ~value & (1 << len(positions(places.plan.places[name]))) - 1
        return _resized(value, wide)

    if level is Level.PTE:
        return {
            "__swp_entry": lambda k, swap_type, number: encoded(swap_type, number),
            "__swp_type": lambda k, swp: decoded("type", swp, swp.width),
            "__swp_offset": lambda k, swp: decoded("offset", swp, swp.width),
        }
    return {
        f"__swp_entry_to_{level}": lambda k, swp: encoded(k.helper("__swp_type")(swp), k.helper("__swp_offset")(swp)),
        f"__{level}_to_swp_entry": lambda k, entry: k.helper("__swp_entry")(decoded("type", entry, k.layout.word), decoded("offset", entry, k.layout.word)),
    }


def _width(places: Places) -> int:
    return next(iter(places.pieces.values()))[0].shift.width


def _resized(value: Expr, width: int) -> Expr:
    return trunc(value, width) if value.width > width else zext(value, width)
