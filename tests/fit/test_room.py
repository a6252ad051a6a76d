"""What keeps a non-present entry from being taken for something else: cubes against all 65536 entries of the toy architecture."""

from __future__ import annotations

from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitspec.expr import and_, const, eq, substitute
from bitspec.read.as_int import evaluate, function
from bitspec.solver import Solver
from bitspec.vocabulary import Level
from proofs.claim import Scene
from proofs.fit.cube import Cube, apart, hitting
from proofs.fit.hazards import Hazard, hazards, touched
from proofs.fit.room import Rooms
from proofs.state import entry_variable
from tests.toy import WIDTH, layout

EVERY = range(1 << WIDTH)
LEVELS = (Level.PTE, Level.PMD)


def choices(state):
    """Every choice of the inputs that cannot be read back from an entry."""
    tried = [each for each in state.inputs if each.recover is None]
    for values in product(*(range(each.count) for each in tried)):
        yield {each.variable: const(value, each.variable.width) for each, value in zip(tried, values, strict=True)}


def members(state, choice):
    """The entries that are what their own inputs, read back from them, build again."""
    here = entry_variable(WIDTH)
    recovered = {each.variable: each.recover for each in state.inputs if each.recover is not None}
    built = substitute(substitute(state.entry, choice), recovered)
    facts = [substitute(substitute(each.fact, choice), recovered) for each in state.given]
    test = function(and_(eq(built, here), *facts), here)
    return frozenset(entry for entry in EVERY if test(entry))


def entries(one: Hazard) -> frozenset[int]:
    """What the hazard is, by trying every entry."""
    if one.state is not None:
        return frozenset().union(*(members(one.state, choice) for choice in choices(one.state)))
    on = dict.fromkeys(Scene(layout(), one.level).layout.hardware.context.values(), 1)
    return frozenset(entry for entry in EVERY if evaluate(one.when, {one.entry: entry, **on}))


@pytest.fixture(scope="module")
def known() -> dict[Level, list[tuple[Hazard, frozenset[int]]]]:
    return {level: [(one, entries(one)) for one in hazards(Scene(layout(), level))] for level in LEVELS}


@pytest.mark.parametrize("level", LEVELS)
def test_a_hazard_is_met_exactly_where_it_has_an_entry(level, known):
    solver = Solver()
    for one, bad in known[level]:
        for mask in (0x0001, 0x0090, 0x0081, 0x00FF, 0xFF12, 0x8000):
            for value in (0, mask, mask & 0x5555):
                cube = Cube(mask, value)
                found = one.within(solver, cube)
                assert (found is not None) == any(entry in cube for entry in bad), (one.name, cube)
                if found is not None:
                    assert cube & found is not None
                    assert all(entry in bad for entry in EVERY if entry in found), (one.name, cube, found)


@pytest.mark.parametrize("level", LEVELS)
def test_the_cubes_are_all_the_safe_ones_without_a_needless_bit(level, known):
    bad = frozenset().union(*(each for _, each in known[level]))

    def safe(cube):
        return not any(entry in cube for entry in bad)

    most = 3
    found = list(Rooms().cubes([one for one, _ in known[level]], dict.fromkeys(range(WIDTH), (0, 1)), Cube(), most))
    literals = [(place, bit) for place in range(WIDTH) for bit in (0, 1)]
    every = (chosen for size in range(most + 1) for chosen in combinations(literals, size) if len({place for place, _ in chosen}) == size)
    expected = [Cube.of(chosen) for chosen in every if safe(Cube.of(chosen)) and not any(safe(Cube.of(set(chosen) - {other})) for other in chosen)]
    assert found
    assert sorted(found, key=repr) == sorted(expected, key=repr)
    sizes = [cube.mask.bit_count() for cube in found]
    assert sizes == sorted(sizes)


def test_bits_the_hardware_writes_into_an_entry():
    scene = Scene(layout(), Level.PTE)
    assert touched(scene, Cube(1, 0)) == 0  # not valid: neither A nor D
    assert touched(scene, Cube(1, 1)) == 0xC
    assert touched(scene, Cube(3, 1)) == 0x4  # not writable: no D


literal = st.tuples(st.integers(0, 4), st.integers(0, 1))
clauses = st.lists(st.frozensets(literal, min_size=1, max_size=3), max_size=5)


@given(clauses)
@settings(max_examples=150, deadline=None)
def test_hitting_sets_are_the_minimal_ones(given_clauses):
    found = list(hitting(given_clauses, dict.fromkeys(range(5), (0, 1)), Cube(), 5))
    literals = [(place, bit) for place in range(5) for bit in (0, 1)]

    def hits(chosen):
        return all(clause & set(chosen) for clause in given_clauses)

    expected = [
        Cube.of(chosen)
        for size in range(6)
        for chosen in combinations(literals, size)
        if len({place for place, _ in chosen}) == size and hits(chosen) and not any(hits(set(chosen) - {one}) for one in chosen)
    ]
    assert sorted(map(repr, found)) == sorted(map(repr, expected))


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
def test_cubes_are_sets(mask, value, other_mask, other_value):
    one, other = Cube(mask, value & mask), Cube(other_mask, other_value & other_mask)
    both = one & other
    for entry in range(256):
        assert (entry in one and entry in other) == (both is not None and entry in both)
    assert Cube.of(one.literals) == one
    if both is None:
        assert apart(one) & set(other.literals)
