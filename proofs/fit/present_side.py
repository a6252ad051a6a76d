"""Plans for present entries: where new flags go, and the fields that move for them; the preferred first."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, combinations, permutations

from bitspec.fields import Field
from bitspec.vocabulary import Level
from proofs.claim import Scene
from proofs.fit.build import PresentPlan
from proofs.fit.codec import existing
from proofs.fit.packing import Item, Packing, mask_of, packings, positions, positions_of
from proofs.fit.question import PRESENT, Question, software
from proofs.fit.room import overlays, vacant


def movable(question: Question) -> tuple[Field, ...]:
    """The software fields of present entries that may move: of this level, and those of another one that are named."""
    here = software(question.layout, question.level)
    others = {name: one for level in question.layout.uses for name, one in software(question.layout, level).items() if name not in here}
    allowed = [one for name, one in here.items() if name in question.move or "software" in question.move or name in question.pins]
    allowed += [one for name, one in others.items() if name in question.move or name in question.pins]
    return tuple(one for one in allowed if one.name not in question.keep)


def present_plans(question: Question) -> Iterator[PresentPlan]:
    """Every way to place the new flags and the fields that move; those that move the fewest first, then in the order of packings."""
    can_move = movable(question)
    forced = {one for one in can_move if one.name in question.pins and one.spans != question.pins[one.name]}
    for moved in chain.from_iterable(combinations(can_move, size) for size in range(len(can_move) + 1)):
        if forced <= set(moved):
            yield from _placed(question, moved)


def _placed(question: Question, moved: tuple[Field, ...]) -> Iterator[PresentPlan]:
    new = question.fresh()
    freed = positions_of(sum(one.mask for one in moved if question.layout.uses[question.level].field(one.name) == one))
    anywhere = {*vacant(question.scene), *freed}
    in_tables = {*vacant(question.scene, tables=True), *freed} if any(one.name == "present" for one in new) else anywhere
    elsewhere = {one.name for one in moved if question.layout.uses[question.level].field(one.name) != one}
    pinned = {one.name: question.pins[one.name] for one in moved if one.name in question.pins}
    pinned |= {one.name: spans for one in new if (spans := question.at(one.name, PRESENT)) is not None}
    here = [place for name, spans in pinned.items() if name not in elsewhere for place in positions(spans)]
    if len(set(here)) != len(here) or not set(here) <= anywhere or not elsewhere <= set(pinned):
        return
    items = [*(Item(one.name, one.width) for one in new), *(Item(one.name, one.width) for one in moved)]
    items = [one for one in items if one.name not in pinned]
    free = sorted(anywhere - set(here))
    for over in _overlays(question, moved, set(pinned)):
        rest = [one for one in items if one.name not in over]
        for packing in packings(free, rest):
            places: Packing = {**pinned, **over, **packing}
            if "present" in places and not set(positions(places["present"])) <= in_tables:
                continue
            if all(places[one.name] != one.spans for one in moved):
                names = {one.name for one in moved}
                placed = {name: spans for name, spans in places.items() if name not in names}
                yield PresentPlan(placed, {name: places[name] for name in names}, frozenset(over))


def _overlays(question: Question, moved: tuple[Field, ...], pinned: set[str]) -> Iterator[Packing]:
    """Moved fields put on bits that are the hardware's while an entry is valid; none first, as that leaves those bits as they are."""
    can = [one for one in moved if one.width == 1 and one.name not in pinned]
    levels = [level for level, use in question.layout.uses.items() if any(use.field(one.name) is not None for one in can)]
    places = [found for level in levels if (found := overlays(Scene(question.layout, level), _held(question, level))) is not None]
    usable = sorted(place for place, value in places[0].items() if all(each.get(place) == value for each in places)) if places else ()
    for count in range(len(can) + 1):
        for chosen in combinations(can, count):
            for where in permutations(usable, count):
                yield {one.name: ((place, place),) for one, place in zip(chosen, where, strict=True)}


def _held(question: Question, level: Level) -> int:
    """The bits of the fields of swap entries that do not move."""
    codec = existing(question.layout.at(level))
    if codec is None or "swap" in question.move:
        return 0
    return sum(mask_of(places) for name, places in codec.places.items() if name not in question.move)
