"""Which bits a field takes: every packing is one, each is there once, and the preferred come first; by brute force on small entries."""

from __future__ import annotations

from itertools import permutations, product
from math import factorial, prod

from hypothesis import given, settings
from hypothesis import strategies as st

from proofs.fit.packing import Item, packings, positions, spans

small = st.tuples(st.frozensets(st.integers(0, 11), max_size=7), st.lists(st.integers(1, 3), max_size=3))


def pieces(packing):
    return sum(len(places) for places in packing.values())


def brute(free, widths):
    """Every labelling of the free bits, as field -> positions."""
    labels = [index for index, width in enumerate(widths) for _ in range(width)]
    labels += [None] * (len(free) - len(labels))
    for chosen in set(permutations(labels)):
        yield {f"f{index}": tuple(place for place, label in zip(sorted(free), chosen, strict=True) if label == index) for index in range(len(widths))}


@given(small)
@settings(max_examples=60, deadline=None)
def test_packings_are_all_there_are_and_each_once(case):
    free, widths = case
    if sum(widths) > len(free):
        assert list(packings(free, [Item(f"f{index}", width) for index, width in enumerate(widths)])) == []
        return
    found = list(packings(free, [Item(f"f{index}", width) for index, width in enumerate(widths)]))
    as_places = [{name: positions(places) for name, places in one.items()} for one in found]
    assert len(found) == factorial(len(free)) // (prod(map(factorial, widths)) * factorial(len(free) - sum(widths)))
    assert sorted(map(str, as_places)) == sorted(map(str, brute(free, widths)))


@given(small)
@settings(max_examples=60, deadline=None)
def test_fewer_pieces_come_first(case):
    free, widths = case
    counts = [pieces(one) for one in packings(free, [Item(f"f{index}", width) for index, width in enumerate(widths)])]
    assert counts == sorted(counts)


def test_of_equally_many_pieces_the_earlier_field_is_lower():
    first = next(packings(range(8), [Item("flag", 1), Item("type", 2), Item("offset", 5)]))
    assert first == {"flag": ((0, 0),), "type": ((2, 1),), "offset": ((7, 3),)}


def test_a_gap_is_no_neighbour():
    first = next(packings([0, 1, 3, 4], [Item("type", 2), Item("offset", 2)]))
    assert first == {"type": ((1, 0),), "offset": ((4, 3),)}


def test_bits_that_are_not_needed_stay_free():
    assert next(packings(range(6), [Item("offset", 2)])) == {"offset": ((1, 0),)}


@given(st.frozensets(st.integers(0, 63)))
def test_spans_and_positions_undo_each_other(places):
    runs = spans(tuple(places))
    assert positions(runs) == tuple(sorted(places))
    assert all(high + 1 < above for (above, _), (high, _) in product(runs, runs) if high < above)
