"""Packing: which bits of an entry a field takes, among those that are free.

A field keeps the order of its value's bits, so that a packing is a label for every free bit, from the lowest up.  Packings come in the order of
preference: fields in the fewest pieces first, then the one whose labels, in the order in which they are wanted, lie lowest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

#: (high, low) pairs, the most significant first, as a Field has them.
Spans: TypeAlias = tuple[tuple[int, int], ...]
Packing: TypeAlias = Mapping[str, Spans]


@dataclass(frozen=True, slots=True)
class Item:
    """A field to be packed: its name and its width in bits."""

    name: str
    width: int


def packings(free: Sequence[int], items: Sequence[Item]) -> Iterator[Packing]:
    """Every way to give each of `items` its bits among the positions `free`, the preferred first.

    Preferred is what has fewer pieces; of the same number, what gives the lowest positions to the earlier items.
    """
    places = tuple(sorted(free))
    widths = tuple(one.width for one in items)
    spare = len(places) - sum(widths)
    if spare < 0:
        return
    unused = len(items)
    start = (*widths, spare)

    def continues(index: int, label: int, last: int) -> bool:
        return label == last and places[index] == places[index - 1] + 1

    def cost(index: int, label: int, last: int) -> int:
        return 0 if label == unused or continues(index, label, last) else 1

    @cache
    def possible(index: int, left: tuple[int, ...], last: int, most: int) -> bool:
        """Whether the places from `index` on can be packed in at most so many pieces."""
        if index == len(places):
            return True
        waiting = sum(left[label] > 0 and not continues(index, label, last) for label in range(unused))
        if waiting > most:  # each of them begins a piece yet
            return False
        labels = [label for label in range(unused + 1) if left[label] and cost(index, label, last) <= most]
        return any(possible(index + 1, _take(left, label), label, most - cost(index, label, last)) for label in labels)

    def walk(index: int, left: tuple[int, ...], last: int, pieces: int) -> Iterator[tuple[int, ...]]:
        """Every labelling with exactly so many pieces, in order."""
        if index == len(places):
            if not pieces:
                yield ()
            return
        for label in range(unused + 1):
            if not left[label]:
                continue
            rest, after = pieces - cost(index, label, last), _take(left, label)
            if rest >= 0 and possible(index + 1, after, label, rest):
                for more in walk(index + 1, after, label, rest):
                    yield (label, *more)

    for pieces in range(len(places) + 1):
        if not possible(0, start, -1, pieces):
            continue
        for labels in walk(0, start, -1, pieces):
            yield {one.name: spans(place for place, label in zip(places, labels, strict=True) if label == index) for index, one in enumerate(items)}


def _take(left: tuple[int, ...], label: int) -> tuple[int, ...]:
    return (*left[:label], left[label] - 1, *left[label + 1 :])


def spans(positions: Iterator[int] | Sequence[int]) -> Spans:
    """Positions as runs of neighbours, the highest first."""
    found: list[tuple[int, int]] = []
    for place in sorted(positions, reverse=True):
        if found and found[-1][1] == place + 1:
            found[-1] = (found[-1][0], place)
        else:
            found.append((place, place))
    return tuple(found)


def positions(places: Spans) -> tuple[int, ...]:
    """The bits of spans, the lowest first."""
    return tuple(sorted(bit for high, low in places for bit in range(low, high + 1)))


def mask_of(places: Spans) -> int:
    """The bits of spans as a mask."""
    return sum(1 << place for place in positions(places))


def positions_of(mask: int) -> tuple[int, ...]:
    """The bits of a mask, the lowest first."""
    return tuple(place for place in range(mask.bit_length()) if mask >> place & 1)
