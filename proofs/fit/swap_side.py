"""Plans for swap entries: which bits are constant, which fields stand where, which predicates have to be narrowed; the preferred first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import merge
from itertools import chain, combinations, groupby, islice
from typing import Any

from bitspec.expr import const
from bitspec.fields import LayoutError
from bitspec.layout import Layout
from bitspec.read.as_int import evaluate
from bitspec.vocabulary import LEAVES, Level, VocabularyError
from proofs.claim import Scene
from proofs.fit.build import SwapPlan
from proofs.fit.codec import Codec, existing, sharing
from proofs.fit.cube import EVERYTHING, Cube
from proofs.fit.hazards import PREDICATES, Hazard, hazards, touched
from proofs.fit.packing import Item, Packing, Spans, mask_of, packings, positions
from proofs.fit.question import SWAP, Question
from proofs.fit.room import Rooms, table_type
from proofs.states import offset_bits

CUBES = 16
"""Ways to fix the same number of bits that are looked at; more than a handful has not been seen."""


@dataclass(frozen=True)
class Demand:
    """What a swap entry has to hold, and what it must not be taken for.

    Attributes:
        width: of an entry.
        items: the fields to be placed, with the least width each needs.
        held: fields that have their place: those that do not move, and those that are pinned.
        fixed: constant bits that are given, by what gives them.
        hazards: what an entry must not be taken for.
        constant: of a codec that stays, the entry without its fields; None for a new one.
        most: the widest the offset can be.
    """

    width: int
    items: tuple[Item, ...]
    held: Packing
    fixed: tuple[tuple[str, Cube], ...]
    hazards: tuple[Hazard, ...]
    constant: int | None
    most: int

    @property
    def given(self) -> Cube | None:
        """The bits that are constant in any case; None where two of them contradict each other, are a field's, or are another in the codec that stays."""
        ones = self.constant or 0  # no field can be where the codec that stays has a 1
        found: Cube | None = Cube(ones, ones)
        for _, cube in self.fixed:
            found = found & cube if found is not None else None
        if found is None or found.mask & self._held or len(self._places) != len(set(self._places)):
            return None
        return found if self.constant is None or self.constant & found.mask == found.value else None

    @property
    def _places(self) -> tuple[int, ...]:
        """The bits of every field that has its place."""
        return tuple(place for spans in self.held.values() for place in positions(spans))

    @property
    def _held(self) -> int:
        return sum(1 << place for place in set(self._places))

    @property
    def choices(self) -> dict[int, tuple[int, ...]]:
        """The bits that may be fixed besides, and the values they may be fixed at."""
        taken = self._held | (self.given or Cube()).mask
        values = {place: (0, 1) if self.constant is None else (self.constant >> place & 1,) for place in range(self.width)}
        return {place: bits for place, bits in values.items() if not taken >> place & 1}

    def cubes(self, rooms: Rooms) -> Iterator[Cube]:
        """The constant bits of every way to keep an entry apart from the hazards that leaves room for the fields; the fewest first."""
        given, choices = self.given, self.choices
        if given is not None:
            yield from rooms.cubes(self.hazards, choices, given, len(choices) - sum(one.width for one in self.items))

    def free(self, cube: Cube, written: int) -> tuple[int, ...]:
        """The bits that are left for fields; `written` are those the hardware may write."""
        return tuple(place for place in range(self.width) if not (cube.mask | self._held | written) >> place & 1)


@dataclass(frozen=True)
class Sketch:
    """A choice of what moves and of which predicates change, before places are sought.

    Attributes:
        demand: what is to be placed.
        moved: the fields of the codec that get a new place.
        changed: the predicates that are narrowed.
        codec: the codec as it is, or None.
    """

    demand: Demand
    moved: tuple[str, ...]
    changed: tuple[str, ...]
    codec: Codec | None

    @property
    def fresh(self) -> bool:
        """Whether type and offset get a new codec."""
        return self.codec is None or bool({"type", "offset"} & set(self.moved))


def sketches(question: Question, layout: Layout, present: Spans | None, rooms: Rooms) -> Iterator[Sketch]:
    """Every choice of what moves and what changes; the fewest first.  Raises VocabularyError for a question that leaves out what a codec has to have."""
    scene = Scene(layout, question.level)
    codec = existing(scene.k)
    dangers = [one for each in (sharing(scene) if codec is not None else (scene,)) for one in hazards(each)]
    asked = {one.name: one for one in question.wanted(SWAP)}
    if codec is None and not {"type", "offset"} <= set(asked):
        raise VocabularyError(f"{layout.name} has no swap entries at {question.level}: ask for a type and an offset too (--need type:5 --need pfn)")
    can_change = [stem for stem in PREDICATES if scene.k.has(stem) and scene.k.name(stem) not in question.keep]
    for moved, changed in _choices(movable(question, codec), can_change, _forced(question, codec)):
        kept = {} if codec is None else {name: spans for name, spans in codec.places.items() if name not in moved}
        if any(one.name in kept and one.width > len(positions(kept[one.name])) for one in asked.values()):
            continue  # what stays is too narrow
        demand = _demand(question, layout, codec, kept, present)
        names = {scene.k.name(stem) for stem in changed}
        others = tuple(one for one in dangers if one.name not in names or one.level is not question.level)
        if codec is None or {"type", "offset"} & set(moved):
            yield Sketch(replace(demand, hazards=others), moved, changed, codec)
        else:  # what the entries are taken for already is for the claims to judge
            constant = (1 << demand.width) - 1 & ~sum(mask_of(spans) for spans in kept.values())
            as_it_is = Cube(constant, codec.constant & constant)
            others = tuple(one for one in others if one.within(rooms.solver, as_it_is) is None)
            yield Sketch(replace(demand, hazards=others, constant=codec.constant), moved, changed, codec)


def loosest(question: Question, layout: Layout, present: Spans | None, rooms: Rooms) -> Demand | None:
    """The demand when everything moves that may, and every predicate changes that may; None where a field that stays is too narrow."""
    every = tuple(sketches(question, layout, present, rooms))
    return every[-1].demand if every else None


def movable(question: Question, codec: Codec | None) -> tuple[str, ...]:
    """The fields of the codec that may move."""
    if codec is None:
        return ()
    may = {name for name in codec.places if name in question.move or "swap" in question.move or name in _forced(question, codec)}
    return tuple(name for name in codec.places if name in may - question.keep)


def _forced(question: Question, codec: Codec | None) -> tuple[str, ...]:
    """The fields of the codec that are pinned to another place."""
    if codec is None:
        return ()
    return tuple(name for name, spans in codec.places.items() if question.at(name, SWAP) not in (None, spans))


def _choices(can_move: Sequence[str], can_change: Sequence[str], forced: Sequence[str]) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    moves = [one for one in _subsets(can_move) if set(forced) <= set(one)]
    for count, group in groupby(moves, key=len):
        several = list(group)
        assert all(len(one) == count for one in several)
        for changed in _subsets(can_change):
            yield from ((moved, changed) for moved in several)


def _subsets(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Every subset, the smallest first."""
    return chain.from_iterable(combinations(names, size) for size in range(len(names) + 1))


def _demand(question: Question, layout: Layout, codec: Codec | None, kept: Packing, present: Spans | None) -> Demand:
    scene = Scene(layout, question.level)
    width = scene.k.use.width
    if width > layout.word:
        raise LayoutError(f"an entry of {layout.name} is wider than its swp_entry_t ({width} and {layout.word} bits): such a codec is not sought")
    wanted = {one.name: one.width for one in question.wanted(SWAP)}
    if codec is not None:
        for name, spans in codec.places.items():
            wanted[name] = max(wanted.get(name, 0), len(positions(spans)) if name != "offset" or name not in wanted else 0)
    if question.level is not Level.PTE and "offset" in wanted:
        wanted["offset"] = max(wanted["offset"], _widest_offset(question))  # its entries are made of swp_entry_t, whatever that holds
    order = sorted((name for name in wanted if name not in kept), key=lambda name: (name in ("type", "offset"), name == "offset"))
    pinned = {name: places for name in order if (places := question.at(name, SWAP)) is not None}
    for name, spans in pinned.items():
        if len(positions(spans)) < wanted[name]:
            raise LayoutError(f"{name} must be at least {wanted[name]} bits wide, not {len(positions(spans))} as it is pinned")
    fixed = [("the table type", table_type(scene))] if codec is None or not {"type", "offset"} <= set(kept) else []
    if "mark" in question.pins:
        mark = mask_of(question.pins["mark"])
        fixed.append(("the pinned mark", Cube(mark, mark)))
    if present is not None:
        fixed.append(("the present bit, 0", Cube(mask_of(present), 0)))
    items = tuple(Item(name, wanted[name]) for name in order if name not in pinned)
    return Demand(width, items, {**kept, **pinned}, tuple(fixed), (), None, _widest_offset(question))


def _widest_offset(question: Question) -> int:
    """At pte, what the kernel's own swp_entry_t holds; at other levels, what a swap PTE holds, of which their entries are made."""
    layout = question.layout
    if question.level is not Level.PTE:
        return offset_bits(layout)
    if not layout.has("swp_offset"):
        return layout.uses[question.level].width
    everything = const((1 << layout.word) - 1, layout.word)
    return evaluate(layout.helper("swp_offset")(everything), {}).bit_length()


def reach(sketch: Sketch, name: str, rooms: Rooms) -> int:
    """The widest a field can be in a sketch, in bits; -1 where nothing has room."""
    demand = sketch.demand
    cube = next(demand.cubes(rooms), None)
    if cube is None:
        return -1
    wanted = next((one.width for one in demand.items if one.name == name), None)
    if wanted is None:
        return len(positions(demand.held.get(name, ())))
    width = wanted + len(demand.free(cube, 0)) - sum(one.width for one in demand.items)
    return min(width, max(wanted, demand.most)) if name == "offset" else width


def plans(question: Question, sketch: Sketch, layout: Layout, present: Spans | None, rooms: Rooms) -> Iterator[SwapPlan]:
    """The plans for one sketch; those with the widest offset first, then in the order of packings."""
    demand = sketch.demand
    scene = Scene(layout, question.level)
    states = [one for one in demand.hazards if one.level is question.level and one.name in ("table", *LEAVES)]
    wide = any(one.name == "offset" for one in demand.items)
    found = ((cube, touched(scene, cube)) for cube in demand.cubes(rooms))
    usable = ((cube, demand.free(cube, written)) for cube, written in _steady(found, rooms))
    for _, group in groupby(usable, key=lambda pair: len(pair[1]) if wide else 0):
        several = list(islice(group, CUBES + 1))
        rooms.cut |= len(several) > CUBES
        for _, cube, packing in merge(*[_packed(demand, cube, free, question.maximise) for cube, free in several[:CUBES]], key=lambda entry: entry[0]):
            places = {**demand.held, **packing}
            new = tuple(name for name in places if sketch.codec is None or sketch.codec.places.get(name) != places[name])
            if sketch.codec is not None and any(name in sketch.moved and name not in new for name in places):
                continue  # nothing that is said to move may stay: that is another sketch
            everything = sum(mask_of(spans) for spans in places.values())
            rest = (1 << demand.width) - 1 & ~everything
            value = cube.value if sketch.fresh or sketch.codec is None else sketch.codec.constant
            marker = rooms.marker(states, cube) if sketch.changed and present is None else EVERYTHING
            plan = SwapPlan(places, Cube(rest, value & rest), sketch.changed, marker, False, sketch.fresh, new)
            yield from _stored(plan, sketch, layout)


def _steady(found: Iterator[tuple[Cube, int]], rooms: Rooms) -> Iterator[tuple[Cube, int]]:
    """The cubes whose bits the hardware leaves alone, each with what it may write; with more bits fixed others might be left alone too."""
    for cube, written in found:
        if written & cube.mask:
            rooms.cut = True
        else:
            yield cube, written


def _stored(plan: SwapPlan, sketch: Sketch, layout: Layout) -> Iterator[SwapPlan]:
    """The offset as it is; on hardware that loads through entries that are not present, inverted first."""
    if not sketch.fresh:
        assert sketch.codec is not None
        yield replace(plan, inverted=sketch.codec.inverted)
        return
    if layout.hardware.speculated is not None:
        yield replace(plan, inverted=True)
    yield plan


def _packed(demand: Demand, cube: Cube, free: tuple[int, ...], maximise: str | None) -> Iterator[tuple[Any, Cube, Packing]]:
    """The packings of one cube, with what they are ordered by."""
    spare = len(free) - sum(one.width for one in demand.items)
    widest = maximise if maximise is not None and any(one.name == maximise for one in demand.items) else "offset"
    items = []
    for one in demand.items:
        more = spare if one.name == widest else 0
        items.append(Item(one.name, max(one.width, min(one.width + more, demand.most)) if one.name == "offset" else one.width + more))
    width = sum(one.width for one in items if one.name == widest)
    for packing in packings(free, items):
        labels = {place: index for index, one in enumerate(items) for place in positions(packing[one.name])}
        pieces = sum(len(spans) for spans in packing.values())
        yield (-width, pieces, [labels.get(place, len(items)) for place in range(demand.width)]), cube, packing
