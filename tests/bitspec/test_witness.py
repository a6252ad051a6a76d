"""Canonical witnesses, against trying every value."""

import itertools

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from bitspec.expr import Expr, and_, bit, concat, const, eq, ite, ne, or_, uge, ugt, ult, var, variables, zext
from bitspec.read.as_int import evaluate
from bitspec.solver import SEED, Solver, Unknown
from bitspec.witness import Witness, canonical
from tests.strategies import expressions

X, Y, A = var("x", 8), var("y", 8), var("a", 1)


def rank(value: int) -> tuple[int, int]:
    return value.bit_count(), value


def brute(fact: Expr, entry: Expr, inputs: tuple[Expr, ...]) -> Witness | None:
    """The same by trying every value of the inputs."""
    found = []
    for choice in itertools.product(*[range(1 << name.width) for name in inputs]):
        at = dict(zip(inputs, choice, strict=True))
        if evaluate(fact, at):
            found.append((evaluate(entry, at), choice))
    if not found:
        return None
    entry_value, choice = min(found, key=lambda pair: (rank(pair[0]), *map(rank, pair[1])))
    return Witness(entry_value, tuple(zip(inputs, choice, strict=True)), len({value for value, _ in found}) == 1)


def asked(fact: Expr, entry: Expr, inputs: tuple[Expr, ...]) -> Witness | None:
    solver = Solver()
    with solver.scope(fact):
        return canonical(solver, entry, inputs)


@seed(SEED)
@settings(max_examples=40)
@given(expressions(1, 4, widths=(1, 2, 3)), expressions(3, 4, widths=(1, 2, 3)), st.randoms(use_true_random=False))
def test_against_trying_every_value(fact, entry, random):
    inputs = list(variables(concat(fact, entry)))
    random.shuffle(inputs)
    assert asked(fact, entry, tuple(inputs)) == brute(fact, entry, tuple(inputs))


@seed(SEED)
@settings(max_examples=25)
@given(st.sets(st.integers(0, 255), max_size=12))
def test_of_a_set_of_entries(entries):
    found = asked(or_(*[eq(X, one) for one in entries]), X, (X,))
    if not entries:
        assert found is None
    else:
        best = min(entries, key=rank)
        assert found == Witness(best, ((X, best),), len(entries) == 1)


@pytest.mark.parametrize(
    ("fact", "entry", "inputs", "witness"),
    [
        (ugt(X, 5), X, (X,), Witness(8, ((X, 8),), False)),  # one bit before the smaller value with two
        (ugt(X, 0xFE), X, (X,), Witness(0xFF, ((X, 0xFF),), True)),
        (or_(eq(X, 0x81), eq(X, 0x42)), X, (X,), Witness(0x42, ((X, 0x42),), False)),
        (eq(X ^ Y, 0xFF), X, (X, Y), Witness(0, ((X, 0), (Y, 0xFF)), False)),
        (ne(X, Y), X, (X, Y), Witness(0, ((X, 0), (Y, 1)), False)),
        (ne(X, Y), X, (Y, X), Witness(0, ((Y, 1), (X, 0)), False)),
        (uge(X + Y, 3), const(7, 4), (X, Y), Witness(7, ((X, 0), (Y, 4)), True)),
        (uge(X + Y, 3), const(7, 4), (Y, X), Witness(7, ((Y, 0), (X, 4)), True)),
        (eq(X & 0xF0, 0x30), X | 0x0F, (X,), Witness(0x3F, ((X, 0x30),), True)),
        (const(1, 1), X, (X, Y), Witness(0, ((X, 0), (Y, 0)), False)),
        (A, ite(A, X | 0x80, X), (A, X), Witness(0x80, ((A, 1), (X, 0)), False)),
        (eq(X, 3), X, (), Witness(3, (), True)),
    ],
)
def test_canonical(fact, entry, inputs, witness):
    assert asked(fact, entry, inputs) == witness


@pytest.mark.parametrize(
    ("fact", "entry", "values"),
    [
        (or_(eq(X, 0x81), eq(X, 0x42), eq(X, 0xFF)), X, (0x81, 0x42, 0xFF)),
        (eq(X, 0x40), X, (0x40,)),
        (ugt(X, 2), X & 0xF0, (3, 0x10, 0x13, 0xFF)),
        (ugt(X, 2), X | 0xFC, (3, 4, 0xFF)),
    ],
)
def test_where_the_search_begins_changes_nothing(fact, entry, values):
    alone = asked(fact, entry, (X,))
    for some in (*itertools.permutations(values, 1), *itertools.permutations(values, 2)):
        solver = Solver()
        with solver.scope(fact):
            assert canonical(solver, entry, (X,), [(evaluate(entry, {X: value}), value) for value in some]) == alone


def test_inputs_are_chosen_in_the_order_given():
    fact = eq(zext(X, 9) + zext(Y, 9), 7)
    assert asked(fact, const(0, 1), (X, Y)).inputs == ((X, 0), (Y, 7))
    assert asked(fact, const(0, 1), (Y, X)).inputs == ((Y, 0), (X, 7))


def test_wide_entries():
    entry = var("entry", 128)
    fact = and_(bit(entry, 127), or_(bit(entry, 64), bit(entry, 3)), ult(entry & 0xFF, 9))
    assert asked(fact, entry, (entry,)) == Witness(1 << 127 | 8, ((entry, 1 << 127 | 8),), False)


def test_many_bits_wanted():
    entry = var("entry", 64)
    found = asked(eq(entry | 1 << 40, (1 << 64) - 1), entry, (entry,))
    assert found == Witness((1 << 64) - 1 - (1 << 40), ((entry, (1 << 64) - 1 - (1 << 40)),), False)


def test_unique_is_about_the_entry():
    """Several inputs may build the only entry that there is."""
    assert asked(eq(X & 1, 1), X & 1, (X,)) == Witness(1, ((X, 1),), True)


def test_nothing_is_left_asserted():
    solver = Solver()
    with solver.scope(ugt(X, 5)):
        first = canonical(solver, X, (X, Y))
        assert canonical(solver, X, (X, Y)) == first
        with solver.scope(ne(X, 8)):
            assert canonical(solver, X, (X, Y)).entry == 16
    assert canonical(solver, X, (X,)) == Witness(0, ((X, 0),), False)


def test_nothing_satisfies():
    assert asked(and_(eq(X, 1), eq(X, 2)), X, (X,)) is None


def test_what_was_asked_before_does_not_matter():
    fresh = asked(ugt(X * Y, 100), X + Y, (X, Y))
    solver = Solver()
    for number in range(5):
        with solver.scope(eq(X * Y, 3 * number)):
            solver.model(X, Y)
    with solver.scope(ugt(X * Y, 100)):
        assert canonical(solver, X + Y, (X, Y)) == fresh == brute(ugt(X * Y, 100), X + Y, (X, Y))


def test_giving_up_is_no_witness():
    wide = var("p", 64), var("q", 64)
    solver = Solver(resources=100)
    with solver.scope(eq(wide[0] * wide[1], 2147483647 * 2147483629), ugt(wide[0], 1), ugt(wide[1], 1)), pytest.raises(Unknown):
        canonical(solver, wide[0], wide)
