"""The language: what can be built, what cannot, and the sentences that say why."""

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitspec import expr
from bitspec.expr import (
    FALSE,
    OPS,
    TRUE,
    Expr,
    ExprError,
    all_of,
    and_,
    any_of,
    ashr,
    bit,
    bits,
    clear,
    concat,
    const,
    eq,
    iff,
    implies,
    ite,
    ne,
    nodes,
    none_of,
    not_,
    or_,
    select,
    sext,
    sle,
    slt,
    substitute,
    trunc,
    udiv,
    uge,
    ugt,
    ule,
    ult,
    urem,
    var,
    variables,
    zext,
)
from bitspec.read.as_int import evaluate, signed
from tests.strategies import BINARY, COMPARISONS, OPERATIONS, constants, evaluations, expressions

X, Y, Z = var("x", 8), var("y", 8), var("z", 8)
A, B = var("a", 1), var("b", 1)
WIDE = var("wide", 16)
BYTES = st.integers(0, 255)


# What cannot be built


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: const(0, 0), "a width must be at least 1, not 0"),
        (lambda: const(0, -3), "a width must be at least 1, not -3"),
        (lambda: const(256, 8), "a constant must fit into 8 bits, not 0x100"),
        (lambda: const(-1, 8), "a constant must fit into 8 bits, not -0x1"),
        (lambda: var("x", 0), "a width must be at least 1, not 0"),
        (lambda: var("", 8), "a variable's name must be an identifier, not ''"),
        (lambda: var("7up", 8), "a variable's name must be an identifier, not '7up'"),
        (lambda: var("a b", 8), "a variable's name must be an identifier, not 'a b'"),
        (lambda: var("a\n", 8), "a variable's name must be an identifier, not 'a\\n'"),
        (lambda: X & WIDE, "operands of and must have the same width, not 8 and 16"),
        (lambda: X | WIDE, "operands of or must have the same width, not 8 and 16"),
        (lambda: X ^ WIDE, "operands of xor must have the same width, not 8 and 16"),
        (lambda: WIDE + X, "operands of add must have the same width, not 16 and 8"),
        (lambda: X - WIDE, "operands of sub must have the same width, not 8 and 16"),
        (lambda: X * WIDE, "operands of mul must have the same width, not 8 and 16"),
        (lambda: X << WIDE, "operands of shl must have the same width, not 8 and 16"),
        (lambda: X >> WIDE, "operands of lshr must have the same width, not 8 and 16"),
        (lambda: ashr(X, WIDE), "operands of ashr must have the same width, not 8 and 16"),
        (lambda: udiv(X, WIDE), "operands of udiv must have the same width, not 8 and 16"),
        (lambda: urem(X, WIDE), "operands of urem must have the same width, not 8 and 16"),
        (lambda: eq(X, WIDE), "operands of eq must have the same width, not 8 and 16"),
        (lambda: ne(X, WIDE), "operands of eq must have the same width, not 8 and 16"),
        (lambda: ult(X, WIDE), "operands of ult must have the same width, not 8 and 16"),
        (lambda: ule(X, WIDE), "operands of ule must have the same width, not 8 and 16"),
        (lambda: slt(X, WIDE), "operands of slt must have the same width, not 8 and 16"),
        (lambda: sle(X, WIDE), "operands of sle must have the same width, not 8 and 16"),
        (lambda: ite(A, X, WIDE), "operands of ite must have the same width, not 8 and 16"),
        (lambda: X & 256, "a constant must fit into 8 bits, not 0x100"),
        (lambda: 256 | X, "a constant must fit into 8 bits, not 0x100"),
        (lambda: X + -1, "a constant must fit into 8 bits, not -0x1"),
        (lambda: any_of(X, 1 << 8), "a constant must fit into 8 bits, not 0x100"),
        (lambda: eq(1, 2), "an operand of eq must be an expression, not 1 and 2"),
        (lambda: ite(A, 1, 0), "an operand of ite must be an expression, not 1 and 0"),
        (lambda: udiv(1, 2), "an operand of udiv must be an expression, not 1 and 2"),
        (lambda: ite(X, Y, Z), "a condition must be 1 bit wide, not 8"),
        (lambda: bits(X, 8, 0), "bits 8:0 must lie inside 8 bits"),
        (lambda: bits(X, 3, 4), "bits 3:4 must lie inside 8 bits"),
        (lambda: bits(X, 3, -1), "bits 3:-1 must lie inside 8 bits"),
        (lambda: bit(X, 8), "bits 8:8 must lie inside 8 bits"),
        (lambda: trunc(X, 9), "bits 8:0 must lie inside 8 bits"),
        (lambda: trunc(X, 0), "bits -1:0 must lie inside 8 bits"),
        (lambda: zext(X, 7), "zext must widen, not go from 8 to 7 bits"),
        (lambda: sext(X, 7), "sext must widen, not go from 8 to 7 bits"),
        (lambda: concat(), "concat must have at least one part"),
        (lambda: and_(A, X), "an operand of and_ must be 1 bit wide, not 8"),
        (lambda: and_(X), "an operand of and_ must be 1 bit wide, not 8"),
        (lambda: or_(A, B, X), "an operand of or_ must be 1 bit wide, not 8"),
        (lambda: not_(X), "an operand of not_ must be 1 bit wide, not 8"),
        (lambda: implies(X, A), "an operand of not_ must be 1 bit wide, not 8"),
        (lambda: implies(A, X), "an operand of or_ must be 1 bit wide, not 8"),
        (lambda: substitute(X + Y, {X: WIDE}), "x must be replaced by 8 bits, not 16"),
    ],
)
def test_diagnostic(build, sentence):
    with pytest.raises(ExprError) as caught:
        build()
    assert str(caught.value) == sentence


def test_no_truth_value():
    for use in (lambda: bool(X), lambda: X and Y, lambda: not A, lambda: 1 if eq(X, Y) else 0):
        with pytest.raises(TypeError, match="no truth value in Python; use and_"):
            use()


# Values


@given(expressions())
def test_repr_is_constructor_syntax(e):
    assert eval(repr(e), vars(expr).copy()) == e


@pytest.mark.parametrize(
    ("e", "text"),
    [
        (const(0x10, 8), "const(0x10, 8)"),
        (X, "var('x', 8)"),
        (~X, "(~var('x', 8))"),
        (X << 4 | 1, "((var('x', 8) << const(0x4, 8)) | const(0x1, 8))"),
        (bits(X, 4, 2), "bits(var('x', 8), 4, 2)"),
        (bit(X, 0), "bits(var('x', 8), 0, 0)"),
        (zext(X, 16), "zext(var('x', 8), 16)"),
        (sext(X, 16), "sext(var('x', 8), 16)"),
        (concat(X, A), "concat(var('x', 8), var('a', 1))"),
        (ite(A, X, 0), "ite(var('a', 1), var('x', 8), const(0x0, 8))"),
        (ne(X, 1), "(~eq(var('x', 8), const(0x1, 8)))"),
        (ugt(X, Y), "ult(var('y', 8), var('x', 8))"),
    ],
)
def test_repr_reads_well(e, text):
    assert repr(e) == text
    assert eval(text, vars(expr).copy()) == e


def test_equal_expressions_are_one_object():
    assert (X + 1) is (var("x", 8) + const(1, 8))
    assert var("x", 8) + 1 == X + 1
    assert hash(X + 1) == hash(var("x", 8) + 1)
    assert X + Y != Y + X
    assert var("x", 16) != X
    assert {eq(X, 1): "one"}[eq(var("x", 8), 1)] == "one"


@given(expressions())
def test_copies_are_the_same_object(e):
    assert copy.copy(e) is e
    assert copy.deepcopy(e) is e
    assert pickle.loads(pickle.dumps(e)) is e


@given(expressions())
def test_nodes_come_after_their_operands(e):
    order = nodes(e)
    place = {node: index for index, node in enumerate(order)}
    assert len(place) == len(order)
    assert order[-1] is e
    for node in order:
        assert all(place[arg] < place[node] for arg in node.args)
        count = OPS[node.op]
        assert count is None or count == len(node.args)
        assert node.width >= 1


def test_every_operation_is_generated():
    assert {*OPERATIONS, "const", "var"} == set(OPS)


def test_variables_in_the_order_they_are_met():
    assert variables((Y + X) * (Y - Z)) == (Y, X, Z)
    assert variables(const(1, 8)) == ()


# What the constructors mean


@given(BYTES, BYTES)
def test_operators(x, y):
    def at(e: Expr) -> int:
        return evaluate(e, {name: {X: x, Y: y}[name] for name in variables(e)})

    assert at(X & Y) == x & y
    assert at(X | Y) == x | y
    assert at(X ^ Y) == x ^ y
    assert at(X + Y) == (x + y) % 256
    assert at(X - Y) == (x - y) % 256
    assert at(X * Y) == x * y % 256
    assert at(X << Y) == (x << y) % 256
    assert at(X >> Y) == x >> y
    assert at(~X) == 255 - x
    assert at(udiv(X, Y)) == (x // y if y else 255)
    assert at(urem(X, Y)) == (x % y if y else x)
    assert at(ashr(X, Y)) == (signed(x, 8) >> y) % 256
    assert (at(y & X), at(y | X), at(y ^ X)) == (x & y, x | y, x ^ y)
    assert (at(eq(X, Y)), at(ne(X, Y)), at(ult(X, Y)), at(ule(X, Y)), at(ugt(X, Y)), at(uge(X, Y))) == (x == y, x != y, x < y, x <= y, x > y, x >= y)
    assert (at(slt(X, Y)), at(sle(X, Y))) == (signed(x, 8) < signed(y, 8), signed(x, 8) <= signed(y, 8))
    assert at(ite(ult(X, Y), X, Y)) == min(x, y)
    assert at(concat(X, Y)) == x << 8 | y
    assert at(zext(X, 20)) == x
    assert at(sext(X, 20)) == signed(x, 8) % (1 << 20)
    assert at(bits(X, 5, 2)) == x >> 2 & 15
    assert at(trunc(X, 3)) == x & 7
    assert at(bit(X, 7)) == x >> 7
    assert at(any_of(X, y)) == bool(x & y)
    assert at(none_of(X, y)) == (not x & y)
    assert at(all_of(X, y)) == (x & y == y)
    assert at(clear(X, y)) == x & ~y
    assert at(clear(X, y | 1 << 20)) == x & ~y


@given(st.booleans(), st.booleans())
def test_connectives(a, b):
    def at(e: Expr) -> int:
        return evaluate(e, {A: int(a), B: int(b)} if e.args else {})

    assert at(and_(A, B)) == (a and b)
    assert at(or_(A, B)) == (a or b)
    assert at(not_(A)) == (not a)
    assert at(implies(A, B)) == (b or not a)
    assert at(iff(A, B)) == (a == b)


def test_connectives_of_none_and_one():
    assert and_() is TRUE
    assert or_() is FALSE
    assert and_(A) is A
    assert or_(A) is A
    assert (const(1, 1), const(0, 1)) == (TRUE, FALSE)


def test_what_changes_nothing_is_no_node():
    assert bits(X, 7, 0) is X
    assert trunc(X, 8) is X
    assert zext(X, 8) is X
    assert sext(X, 8) is X
    assert concat(X) is X
    assert bit(A, 0) is A
    assert substitute(X + 1, {Y: Z}) is X + 1


def test_a_plain_int_takes_the_other_operands_width():
    assert WIDE & const(3, 16) == WIDE & 3
    assert eq(3, WIDE) == eq(const(3, 16), WIDE)
    assert ite(A, 3, WIDE) == ite(A, const(3, 16), WIDE)


@pytest.mark.parametrize("index", range(8))
def test_select_beyond_the_table_gives_its_last_entry(index):
    table = (7, 5, 3)
    assert evaluate(select(var("i", 3), table, 8), {var("i", 3): index}) == table[min(index, 2)]


def test_select_of_one():
    assert select(X, (9,), 4) == const(9, 4)


def test_names_with_dots_and_plus_signs():
    assert var("swap+x.1_", 8).attr == "swap+x.1_"


# Substitution


@given(evaluations(depth=3), st.data())
def test_substitution_is_evaluation(pair, data):
    e, values = pair
    chosen = {name: const(value, name.width) for name, value in values.items() if data.draw(st.booleans())}
    assert evaluate(substitute(e, chosen), values) == evaluate(e, values)


def test_substitution_is_simultaneous():
    assert substitute(X - Y, {X: Y, Y: X}) == Y - X
    assert substitute(X + Y, {X: X + Y}) == X + Y + Y


@given(st.sampled_from(sorted({**BINARY, **COMPARISONS})), st.data())
def test_width_of_a_result(op, data):
    width = data.draw(st.integers(1, 130))
    left, right = const(data.draw(constants(width)), width), var("v", width)
    made = {**BINARY, **COMPARISONS}[op](left, right)
    assert (made.op, made.width) == (op, width if op in BINARY else 1)
