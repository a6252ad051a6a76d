"""Closures and their description as a product."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs.closure import Patterns, Unbounded, closure

PATTERNS = st.frozensets(st.integers(0, 63), min_size=1, max_size=64)


def spelled_out(found: Patterns) -> set[int]:
    """Every pattern of the product."""
    bits = [1 << index for index in range(found.free.bit_length()) if found.free >> index & 1]
    extras = [sum(chosen) for size in range(len(bits) + 1) for chosen in itertools.combinations(bits, size)]
    return {core | extra for core in found.cores for extra in extras}


@given(st.dictionaries(st.integers(0, 15), st.lists(st.integers(0, 15), max_size=3)), st.sets(st.integers(0, 15), max_size=3))
def test_closure_is_the_least_closed_set(edges, start):
    found = closure(start, lambda one: edges.get(one, ()))
    assert found >= start
    assert all(fresh in found for one in found for fresh in edges.get(one, ()))
    reached = set(start)
    for _ in range(16):
        reached |= {fresh for one in reached for fresh in edges.get(one, ())}
    assert found == reached


def test_closure_of_setters():
    assert closure({1}, lambda one: (one | 4, one & ~4, one | 8)) == {1, 5, 9, 13}
    assert closure((), lambda one: (one + 1,)) == frozenset()


def test_every_member_is_expanded_once():
    seen = []

    def steps(one):
        seen.append(one)
        return [(one + 1) % 10, (one + 3) % 10, one]

    assert closure([0, 0, 1], steps) == set(range(10))
    assert sorted(seen) == list(range(10))


@given(PATTERNS)
def test_patterns_spell_out_the_set(patterns):
    found = Patterns.of(patterns)
    assert spelled_out(found) == patterns
    assert len(found) == len(patterns)
    assert all(core & found.free == 0 for core in found.cores)
    assert list(found.cores) == sorted(set(found.cores))
    assert all((one & found.checked) in found.cores for one in patterns)
    assert all((one & found.checked in found.cores) == (one in patterns) for one in range(64))


@given(PATTERNS)
def test_every_independent_bit_is_free(patterns):
    found = Patterns.of(patterns)
    for index in range(6):
        assert bool(found.free >> index & 1) == all(one ^ 1 << index in patterns for one in patterns)


def test_patterns():
    assert Patterns.of(frozenset({0b100, 0b101, 0b110, 0b111})) == Patterns((0b100,), 0b011, ~0b011)
    assert Patterns.of(frozenset({0b01, 0b10})) == Patterns((0b01, 0b10), 0, ~0)
    assert Patterns.of(frozenset({7})) == Patterns((7,), 0, ~0)


def test_a_closure_that_has_no_end_is_an_error():
    with pytest.raises(Unbounded):
        closure([0], lambda one: (one + 1,), most=1000)
    assert len(closure([0], lambda one: (min(one + 1, 999),), most=1000)) == 1000
