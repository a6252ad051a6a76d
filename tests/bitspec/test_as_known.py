"""The known-bits reading: what it says is so for every value, and it says it where a truth table needs it."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitspec.expr import (
    FALSE,
    TRUE,
    ExprError,
    any_of,
    ashr,
    bit,
    bits,
    concat,
    const,
    eq,
    ite,
    ne,
    sext,
    udiv,
    ule,
    ult,
    urem,
    var,
    variables,
    zext,
)
from bitspec.read.as_int import evaluate
from bitspec.read.as_known import constant, decided, known
from tests.strategies import OPERATIONS, applications, can_make, evaluations

X, Y, A = var("x", 8), var("y", 8), var("a", 1)


def check(e, values):
    zeros, ones = known(e)
    assert zeros & ones == 0
    assert (zeros | ones) >> e.width == 0
    value = evaluate(e, values)
    assert value & zeros == 0
    assert value & ones == ones


@given(evaluations(depth=5))
def test_every_value_has_the_known_bits(pair):
    check(*pair)


SMALL = (1, 2, 3)


@pytest.mark.parametrize("op", OPERATIONS)
@settings(max_examples=12)
@given(data=st.data())
def test_transfer_against_all_values(op, data):
    width = data.draw(st.sampled_from([one for one in SMALL if can_make(op, one, SMALL)]))
    e = data.draw(applications(op, width, 3, SMALL))
    names = variables(e)
    for values in itertools.product(*[range(1 << name.width) for name in names[:3]]):
        check(e, {**dict.fromkeys(names, 1), **dict(zip(names, values, strict=False))})


@pytest.mark.parametrize(
    ("e", "zeros", "ones"),
    [
        (X, 0, 0),
        (const(0xA5, 8), 0x5A, 0xA5),
        (X & 0x0F, 0xF0, 0),
        (X | 0x0F, 0, 0x0F),
        (X & 0x0F | 0x01, 0xF0, 0x01),
        (~(X | 0x0F), 0x0F, 0),
        ((X & 0x0F) ^ 0xF0, 0, 0xF0),
        (X ^ X, 0xFF, 0),
        ((X & 0xF0) + 0x01, 0x0E, 0x01),
        ((X | 0x01) - 0x01, 0x01, 0),
        (X << 3, 0x07, 0),
        (X >> 3, 0xE0, 0),
        (X << 8, 0xFF, 0),
        (ashr(X | 0x80, 3), 0, 0xF0),
        (ashr(X & 0x7F, 9), 0xFF, 0),
        (const(6, 8) * 7, 0xD5, 0x2A),
        (udiv(const(42, 8), 0), 0, 0xFF),
        (urem(const(42, 8), 8), 0xFD, 0x02),
        (ite(A, X | 0x81, const(0x01, 8)), 0, 0x01),
        (ite(TRUE, const(1, 8), X), 0xFE, 1),
        (ite(FALSE, X, const(1, 8)), 0xFE, 1),
        (zext(X, 12), 0xF00, 0),
        (sext(X | 0x80, 12), 0, 0xF80),
        (sext(X & 0x7F, 12), 0xF80, 0),
        (concat(X & 0x0F, const(5, 3)), 0x782, 0x005),
        (bits(X | 0x18, 4, 3), 0, 3),
    ],
)
def test_known(e, zeros, ones):
    assert known(e) == (zeros, ones)


@pytest.mark.parametrize(
    ("e", "truth"),
    [
        (TRUE, True),
        (FALSE, False),
        (A, None),
        (eq(X, X), True),
        (eq(X | 1, 0), False),
        (eq(X & 0x0F, 0x10), False),
        (ne(X | 1, 0), True),
        (eq(X, Y), None),
        (eq(const(3, 8), 3), True),
        (any_of(X | 0x40, 0x41), True),
        (any_of(X & 0x3E, 0x41), False),
        (ult(X & 0x0F, 0x10), True),
        (ult(X | 0x10, 0x10), False),
        (ule(X, 0xFF), True),
        (ult(X, 0), False),
        (ult(X, Y), None),
        (bit(X | 8, 3), True),
    ],
)
def test_decided(e, truth):
    assert decided(e) is truth


def test_a_number_is_no_truth_value():
    with pytest.raises(ExprError) as caught:
        decided(X)
    assert str(caught.value) == "a truth value must be 1 bit wide, not 8"


def test_constant():
    assert constant((X & 0) | 5) == 5
    assert constant(X & 1) is None
    assert constant(const(0, 64)) == 0
