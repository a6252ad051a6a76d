"""The order of packings, held against trying every labelling."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from proofs.fit.packing import Item, packings, spans


def tried(free: list[int], items: list[Item]) -> list[dict[str, object]]:
    """Every labelling of the places, fewest pieces first, then those whose lowest places have the earliest items."""
    found = []
    for labels in product(range(len(items) + 1), repeat=len(free)):
        if all(labels.count(index) == one.width for index, one in enumerate(items)):
            packing = {one.name: spans([place for place, label in zip(free, labels) if label == index]) for index, one in enumerate(items)}
            found.append((sum(map(len, packing.values())), labels, packing))
    return [packing for _, _, packing in sorted(found, key=lambda one: one[:2])]


@given(st.sets(st.integers(0, 11), max_size=6), st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_packings_are_all_there_are_in_order(free: set[int], widths: list[int]) -> None:
    items = [Item(f"field{index}", width) for index, width in enumerate(widths)]
    assert list(packings(list(free), items)) == tried(sorted(free), items)


def test_a_wide_entry_with_many_fields_is_packed_at_once() -> None:
    free = [place for place in range(64) if place not in (2, 3, 5, 10)]
    items = [Item("a", 1), Item("b", 1), Item("c", 1), Item("type", 5), Item("offset", 50)]
    first = next(packings(free, items))
    assert first["offset"] == ((61, 12),)
    assert sum(map(len, first.values())) == 6
