"""The demanded-bits reading: the same value in the bits that are asked for, and the parts that cannot matter gone."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bitspec.expr import TRUE, bit, bits, concat, const, eq, ite, sext, var, variables, zext
from bitspec.read.as_demanded import demanded, simplified
from bitspec.read.as_int import evaluate
from tests.strategies import OPERATIONS, WIDTHS, applications, can_make, constants, evaluations, values

X, Y, A = var("x", 8), var("y", 8), var("a", 1)
WIDE = var("w", 64)


@given(evaluations(depth=5))
@example(((X & 0xF0) & (Y & 0xF0), {X: 0x0F, Y: 0x0F}))
@example(((X | 1) | (Y | 1), {X: 0, Y: 0}))
@example((eq((X & 0xF0) & (Y & 0xF0), X & Y), {X: 0x0F, Y: 0x0F}))
def test_simplified_has_the_same_value(pair):
    e, given_values = pair
    made = simplified(e)
    assert made.width == e.width
    assert evaluate(made, given_values) == evaluate(e, given_values)


@pytest.mark.parametrize("op", OPERATIONS)
@settings(max_examples=12)
@given(data=st.data())
def test_demanded_bits_stay(op, data):
    width = data.draw(st.sampled_from([one for one in WIDTHS if can_make(op, one)]))
    e = data.draw(applications(op, width, 3))
    mask = data.draw(constants(width))
    at = data.draw(values(e))
    made = demanded(e, mask)
    assert made.width == width
    assert evaluate(made, at) & mask == evaluate(e, at) & mask


@given(evaluations(depth=4))
def test_no_variable_is_added(pair):
    e, _ = pair
    assert set(variables(simplified(e))) <= set(variables(e))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((X | 8) >> 4, X >> 4),
        (bit(X | 8, 0), bit(X, 0)),
        (bits(X & 0x3F, 3, 2), bits(X, 3, 2)),
        (~~X, X),
        (ite(TRUE, X, Y), X),
        (ite(A, X | 1, X | 3) & 0xF0, X & 0xF0),
        (concat(X, Y) & 0, const(0, 16)),
        ((X & 0xF) & 0xF0, const(0, 8)),
        (X & X, X),
        (eq((X | 1) >> 1, X >> 1), TRUE),
        ((X ^ 0xFF) ^ const(0, 8), X ^ 0xFF),
    ],
)
def test_what_cannot_matter_is_dropped(before, after):
    assert simplified(before) in (after, zext(after, before.width))


def test_a_flag_does_not_disturb_the_decode_of_a_swap_entry():
    kind, offset, flag = var("type", 5), var("offset", 50), var("flag", 1)
    entry = zext(kind, 64) << 59 | zext(offset, 64) << 9
    marked = ite(flag, entry | 8, entry)
    assert simplified(eq(marked >> 59, entry >> 59)) == TRUE
    assert simplified(eq(bits(marked, 58, 9), offset)) != const(0, 1)


def test_sign_bits_are_kept():
    assert evaluate(demanded(sext(X, 16), 0x8000), {X: 0x80}) & 0x8000


def test_demanding_nothing():
    assert demanded(WIDE, 0).width == 64
