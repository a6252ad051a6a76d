"""Why nothing fits: a minimal set of requirements that cannot hold together, and the smallest changes to the question that would do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from bitspec.fields import Numbering, Owner
from bitspec.vocabulary import Level
from proofs.check import InternalError
from proofs.fit.build import PresentPlan, with_present
from proofs.fit.codec import existing
from proofs.fit.hazards import Hazard, touched
from proofs.fit.packing import Spans, positions, positions_of, spans
from proofs.fit.present_side import movable, present_plans
from proofs.fit.question import PRESENT, SWAP, Need, Question, software
from proofs.fit.room import Rooms, vacant
from proofs.fit.search import Fitted, Search
from proofs.fit.swap_side import Demand, loosest
from proofs.known import Known
from proofs.report import numbering_of


@dataclass(frozen=True)
class Relaxation:
    """A change to the question under which something fits.

    Attributes:
        words: the change.
        answer: what fits then.
    """

    words: str
    answer: Fitted


@dataclass(frozen=True)
class Infeasible:
    """No layout of the kind that was sought exists.

    Attributes:
        question: what was asked.
        reasons: requirements that cannot hold together, a sentence each; without any one of them the others can.
        relaxations: changes to the question that would do, each of them checked.
    """

    question: Question
    reasons: tuple[str, ...]
    relaxations: tuple[Relaxation, ...]


@dataclass(frozen=True)
class Refused:
    """Some layouts have room, or were not looked at, but none that was tried will do: another helper might have to change, which is not sought.

    Attributes:
        question: what was asked.
        tried: how many were put to the claims.
        claims: the claims that refuted them, and how often.
        lost: the claims that could no longer be asked of them.
        spoilt: what else was wrong with them.
    """

    question: Question
    tried: int
    claims: tuple[tuple[str, int], ...] = ()
    lost: tuple[str, ...] = ()
    spoilt: tuple[str, ...] = ()


def why(search: Search) -> Infeasible | Refused:
    """Why a search found nothing.  Raises Unknown."""
    question = search.question
    if search.tried or not search.exhausted:
        return Refused(question, search.tried, tuple(search.refuted.most_common()), tuple(search.lost), tuple(search.spoilt))
    lacking = _occupied(question) or _no_vacancy(question)
    reasons = lacking if lacking is not None else _no_room(question, search.rooms)
    return Infeasible(question, reasons, tuple(relaxations(question, search.known, search.timeout)))


# Present entries: the bits are counted


def _occupied(question: Question) -> tuple[str, ...] | None:
    """Who has the bits that a field of present entries is pinned to, if somebody has."""
    scene, can_move = question.scene, movable(question)
    numbering, width = numbering_of(scene), question.layout.uses[question.level].width
    freed = {place for one in can_move for place in positions(one.spans)}
    holders: dict[int, str] = {}
    for name, places in _pinned(question).items():
        for other in {holders.setdefault(place, name) for place in positions(places)} - {name}:
            both = (other, name)
            return tuple(f"{one} is pinned at {_places(positions(_pinned(question)[one]), width, numbering)}" for one in both)
        taken = set(positions(places)) - set(vacant(scene, tables=name == "present")) - freed
        if taken:
            return f"{name} is pinned at {_places(positions(places), width, numbering)}", *_owners(question, width, numbering)
    return None


def _pinned(question: Question) -> dict[str, Spans]:
    here = software(question.layout, question.level)
    fields = {one.name: question.pins[one.name] for one in movable(question) if one.name in question.pins and one.name in here}
    return {**fields, **{one.name: places for one in question.fresh() if (places := question.at(one.name, PRESENT)) is not None}}


def _no_vacancy(question: Question) -> tuple[str, ...] | None:
    """Who has the bits of a present entry, if there are too few for what is needed."""
    new = question.fresh()
    numbering, width = numbering_of(question.scene), question.layout.uses[question.level].width
    if not new or next(present_plans(question), None) is not None:
        return None
    tables = any(one.name == "present" for one in new) and not vacant(question.scene, tables=True)
    free = vacant(question.scene, tables=tables)
    wanted = sum(one.width for one in new)
    names = " and ".join(one.text for one in new)
    kinds = "a leaf and of an entry that leads to a table" if tables else "a leaf"
    places = f" ({_places(free, width, numbering)})" if free else ""
    first = f"{names}: {_count(wanted)} of a present entry; {len(free) or 'none'} of {kinds} {'is' if len(free) == 1 else 'are'} vacant{places}"
    return first, *_owners(question, width, numbering)


def _owners(question: Question, width: int, numbering: Numbering) -> Iterator[str]:
    scene = question.scene
    facts = scene.layout.hardware
    theirs = facts.levels[scene.level].views.get("leaf") if facts.no_walk is None and scene.level in facts.levels else None
    if theirs is not None:
        acted = [place for one in theirs if one.owner in (Owner.HARDWARE, Owner.RESERVED) for place in positions(one.spans)]
        yield f"the hardware acts on {_places(acted, width, numbering)} of a leaf, or demands 0 there ({facts.manual})"
    else:
        acted = []
    mine = [one for one in software(scene.layout, scene.level).values() if not set(positions(one.spans)) <= set(acted)]
    if mine:
        yield f"the kernel has {', '.join(f'{one.name} {one.where(width, numbering)}' for one in mine)}"


# Swap entries: requirements are left out until the others can hold


def _no_room(question: Question, rooms: Rooms) -> tuple[str, ...]:
    demand = loosest(question, question.layout, None, rooms)
    if demand is None:
        return tuple(_too_narrow(question))
    first: tuple[str, ...] = ()
    if _possible(demand, rooms):  # but not beside what present entries need
        present = next(present_plans(question), PresentPlan())
        demand = loosest(question, with_present(question.layout, question.level, present), present.placed.get("present"), rooms) or demand
        numbering = numbering_of(question.scene)
        first = tuple(f"present entries have {name} at {_places(positions(at), demand.width, numbering)}" for name, at in present.placed.items())
    cube = next(demand.cubes(rooms), None)
    written = touched(question.scene, cube) if cube is not None else 0
    if written:  # an erratum: the bits are there, but not for a field
        words = f"the hardware may write {_places(positions_of(written), demand.width, numbering_of(question.scene))} of an entry that it finds invalid"
        return (*first, words, *(f"{one.name} needs {_count(one.width)}" for one in demand.items))
    if cube is not None:
        raise InternalError(f"{question.layout.name} {question.level}: there is room for what is needed, and no plan was made of it")
    parts = _parts(question, demand, rooms)
    needed = list(parts)
    for name in parts:  # what can be left out while the rest still cannot hold is no part of the reason
        rest = [one for one in needed if one != name]
        if not _possible(_without(demand, set(parts) - set(rest)), rooms):
            needed = rest
    told = _parts(question, demand, rooms)  # once more: the way here has taught what the hazards demand
    return first + tuple(told[name] for name in needed)


def _too_narrow(question: Question) -> Iterator[str]:
    codec = existing(question.layout.at(question.level))
    numbering, width = numbering_of(question.scene), question.layout.uses[question.level].width
    for one in question.wanted(SWAP):
        if codec is not None and one.name in codec.places and one.width > len(positions(codec.places[one.name])):
            yield f"{one.name} needs {_count(one.width)} ({one.text})"
            yield f"{one.name} has {_places(positions(codec.places[one.name]), width, numbering)} and stays where it is"


def _possible(demand: Demand, rooms: Rooms) -> bool:
    return next(demand.cubes(rooms), None) is not None


def _without(demand: Demand, names: set[str]) -> Demand:
    """The demand without some requirements; a field that is left out takes no bits."""
    return replace(
        demand,
        items=tuple(one for one in demand.items if f"need {one.name}" not in names),
        held={name: places for name, places in demand.held.items() if f"held {name}" not in names},
        fixed=tuple((name, cube) for name, cube in demand.fixed if f"fixed {name}" not in names),
        hazards=tuple(one for one in demand.hazards if _hazard(one) not in names),
        constant=None if "the codec" in names else demand.constant,
    )


def _hazard(one: Hazard) -> str:
    return f"hazard {one.name} {one.level}"


def _parts(question: Question, demand: Demand, rooms: Rooms) -> dict[str, str]:
    """The requirements of a swap entry, each in words; what one would rather not give up last, so that the reason names what one might."""
    numbering, width = numbering_of(question.scene), demand.width
    parts: dict[str, str] = {}
    for one in demand.hazards:
        if one.state is not None:
            parts[_hazard(one)] = f"it must not be an entry of the state {one.name}{_bits_of(one, demand, rooms, numbering)}"
    for one in reversed(demand.hazards):
        if one.state is None and one.name != "hardware":
            kept = " (kept)" if one.name in question.keep else ""
            parts[_hazard(one)] = f"{one.name}{kept} must be false of it{_bits_of(one, demand, rooms, numbering)}"
    for one in demand.hazards:
        if one.name == "hardware":
            parts[_hazard(one)] = f"the hardware must find it invalid{_bits_of(one, demand, rooms, numbering)}"
    for name, cube in demand.fixed:
        parts[f"fixed {name}"] = f"{name}: {_cube(cube.literals, width, numbering)}"
    if demand.constant is not None:
        parts["the codec"] = "the other bits of an entry stay as type and offset have them"
    for name, places in demand.held.items():
        stays = "is pinned" if name in question.pins or f"{name}@{SWAP}" in question.pins else "stays where it is"
        parts[f"held {name}"] = f"{name} has {_places(positions(places), width, numbering)} and {stays}"
    asked = {one.name: one.text for one in question.wanted(SWAP)}
    for item in demand.items:
        text = f" ({asked[item.name]})" if item.name in asked and asked[item.name] != item.name else ""
        parts[f"need {item.name}"] = f"{item.name} needs {_count(item.width)}{text}"
    return parts


def _bits_of(one: Hazard, demand: Demand, rooms: Rooms, numbering: Numbering) -> str:
    """What a hazard has been found to demand, where that is few words: each a bit, or one of two."""
    choices = demand.choices
    clauses = {frozenset(literal for literal in clause if literal[1] in choices.get(literal[0], ())) for clause in rooms.learned.get(one, [])}
    short = sorted(sorted(clause) for clause in clauses if 0 < len(clause) < 3)
    if not short:
        return ""
    if len(short) > 8:
        return f", which fixes {len(short)} bits of it"
    return ": " + ", ".join(" or ".join(_cube([literal], demand.width, numbering) for literal in clause) for clause in short)


def _cube(literals: Iterable[tuple[int, int]], width: int, numbering: Numbering) -> str:
    return ", ".join(f"bit {numbering.position(place, width)} must be {bit}" for place, bit in literals)


def _places(places: Iterable[int], width: int, numbering: Numbering) -> str:
    return ", ".join(numbering.text(high, low, width) for high, low in spans(tuple(places)))


def _count(bits: int) -> str:
    return f"{bits} bit{'s' if bits != 1 else ''}"


# Relaxations


def relaxations(question: Question, known: Sequence[Known], timeout: float | None) -> Iterator[Relaxation]:
    """The smallest changes to the question under which something fits, one change each, every one with its answer.  Raises Unknown."""
    for words, other in _relaxed(question):
        answer = next(Search(other, known, timeout).answers(), None)
        if answer is not None:
            yield Relaxation(words, answer)


def _relaxed(question: Question) -> Iterator[tuple[str, Question]]:
    for name in sorted(question.keep):
        yield f"let {name} change", replace(question, keep=question.keep - {name})
    for one in question.needs:
        rest = tuple(other for other in question.needs if other is not one)
        if one.width > 1 and not (one.name == "offset" and question.level is not Level.PTE):
            fewer = _fewer(question, one, rest)
            if fewer is not None:
                yield f"{one.name} {one.width} -> {fewer.width}", replace(question, needs=(*rest, fewer))
        if rest and one.name not in ("type", "offset"):
            yield f"give up {one.name} in {one.where} entries", replace(question, needs=rest)
    codec = existing(question.layout.at(question.level))
    for name in codec.places if codec is not None and question.wanted(SWAP) else ():
        if name not in question.move and "swap" not in question.move:
            yield f"move {name}", replace(question, move=question.move | {name})
    if _no_vacancy(question) is not None:
        for name in software(question.layout, question.level):
            if name not in question.move and "software" not in question.move:
                yield f"move {name}", replace(question, move=question.move | {name})
    for name in question.pins:
        yield f"unpin {name}", replace(question, pins={other: places for other, places in question.pins.items() if other != name})


def _fewer(question: Question, one: Need, rest: tuple[Need, ...]) -> Need | None:
    """The need with the most bits for which there is room, or None."""
    possible, impossible, rooms = 0, one.width, Rooms()
    while impossible - possible > 1:
        width = (possible + impossible) // 2
        other = replace(question, needs=(*rest, replace(one, width=width)))
        demand = loosest(other, other.layout, None, rooms) if other.wanted(SWAP) else None
        fits = _no_vacancy(other) is None and (not other.wanted(SWAP) or (demand is not None and _possible(demand, rooms)))
        possible, impossible = (width, impossible) if fits else (possible, width)
    return replace(one, width=possible) if possible else None
