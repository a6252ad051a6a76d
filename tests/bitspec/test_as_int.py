"""The int reading: exact values, and the sentences for values that are missing or too large."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitspec.expr import ExprError, ashr, bits, concat, const, eq, ite, sext, sle, slt, substitute, udiv, urem, var, variables, zext
from bitspec.read.as_int import evaluate, function, signed
from tests.strategies import constants, evaluations, expressions

X, Y = var("x", 8), var("y", 8)


@pytest.mark.parametrize(
    ("e", "value"),
    [
        (const(0xFF, 8) + 1, 0),
        (const(0, 8) - 1, 0xFF),
        (const(0x80, 8) * 2, 0),
        (const(1, 8) << 7, 0x80),
        (const(1, 8) << 8, 0),
        (const(1, 8) << 255, 0),
        (const(0x80, 8) >> 7, 1),
        (const(0x80, 8) >> 8, 0),
        (ashr(const(0x80, 8), 3), 0xF0),
        (ashr(const(0x80, 8), 8), 0xFF),
        (ashr(const(0x80, 8), 255), 0xFF),
        (ashr(const(0x40, 8), 8), 0),
        (ashr(const(1, 1), 1), 1),
        (const(1, 1) << 1, 0),
        (const(1, 1) + 1, 0),
        (const(1, 1) * 1, 1),
        (udiv(const(7, 8), 2), 3),
        (udiv(const(7, 8), 0), 0xFF),
        (urem(const(7, 8), 4), 3),
        (urem(const(7, 8), 0), 7),
        (udiv(const(1, 1), 0), 1),
        (slt(const(0x80, 8), 0x7F), 1),
        (slt(const(0x7F, 8), 0x80), 0),
        (sle(const(0xFF, 8), 0), 1),
        (slt(const(1, 1), 0), 1),
        (sext(const(1, 1), 8), 0xFF),
        (sext(const(0x80, 8), 16), 0xFF80),
        (sext(const(0x7F, 8), 16), 0x7F),
        (zext(const(0x80, 8), 16), 0x80),
        (concat(const(1, 1), const(0, 2), const(5, 3)), 0b100101),
        (bits(const(1 << 127, 128), 127, 64), 1 << 63),
        (~const(0, 128), (1 << 128) - 1),
        (const((1 << 128) - 1, 128) + 1, 0),
    ],
)
def test_corner(e, value):
    assert evaluate(e, {}) == value


def test_a_variable_alone():
    assert evaluate(X, {X: 7}) == 7
    assert function(X, X)(7) == 7


def test_values_of_other_variables_are_ignored():
    assert evaluate(X + 1, {X: 1, Y: 999}) == 2


def test_missing_value():
    with pytest.raises(ExprError) as caught:
        evaluate(X + Y, {X: 1})
    assert str(caught.value) == "y must have a value"


@pytest.mark.parametrize(("value", "shown"), [(256, "0x100"), (-1, "-0x1")])
def test_value_that_does_not_fit(value, shown):
    with pytest.raises(ExprError) as caught:
        evaluate(X + 1, {X: value})
    assert str(caught.value) == f"x must fit into 8 bits, not {shown}"


def test_function_of_another_variable():
    with pytest.raises(ExprError) as caught:
        function(X + Y, X)
    assert str(caught.value) == "the only variable must be x, not x, y"


def test_function_of_no_variable():
    assert function(const(5, 8) + 1, X)(77) == 6


@given(evaluations())
def test_the_value_fits_the_width(pair):
    e, values = pair
    assert 0 <= evaluate(e, values) < 1 << e.width


@given(expressions(), st.data())
def test_function_agrees_with_evaluate(e, data):
    one = var("one", 128)
    narrowed = substitute(e, {name: bits(one, name.width - 1, 0) for name in variables(e)})
    value = data.draw(constants(128))
    assert function(narrowed, one)(value) == evaluate(narrowed, {one: value})


@given(st.lists(st.tuples(st.sampled_from("&|"), constants(16)), max_size=5), constants(16))
def test_function_of_masks(steps, value):
    x = var("x", 16)
    e = x
    for symbol, mask in steps:
        e = e & mask if symbol == "&" else e | mask
    assert function(e, x)(value) == evaluate(e, {x: value})


@given(st.integers(1, 128), st.data())
def test_signed(width, data):
    value = data.draw(st.integers(0, (1 << width) - 1))
    assert -(1 << width - 1) <= signed(value, width) < 1 << width - 1
    assert signed(value, width) % (1 << width) == value


def test_a_shared_term_is_visited_once():
    e = X
    for _ in range(200):  # 2^200 paths
        e = e + e
    assert evaluate(e, {X: 1}) == 0
    assert evaluate(ite(eq(e, 0), X, Y), {X: 3, Y: 4}) == 3
