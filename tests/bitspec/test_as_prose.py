"""The prose reading: sentences that mean what the expression means."""

import pytest

from bitspec.expr import TRUE, all_of, and_, any_of, bit, const, eq, iff, implies, ite, ne, none_of, not_, or_, slt, ule, ult, var
from bitspec.read.as_prose import phrase, prose

X, Y = var("x", 64), var("y", 64)
A, B, C = (var(name, 1) for name in "abc")
PRESENT = phrase("pmd_present(swap)", 1)


@pytest.mark.parametrize(
    ("e", "text"),
    [
        (A, "a"),
        (TRUE, "true"),
        (not_(A), "not a"),
        (and_(A, B, C), "a and b and c"),
        (and_(A, and_(B, C)), "a and b and c"),
        (or_(A, B, C), "a or b or c"),
        (or_(and_(A, B), C), "(a and b) or c"),
        (and_(A, or_(B, C)), "a and (b or c)"),
        (not_(or_(A, B)), "not (a or b)"),
        (not_(and_(A, B)), "not (a and b)"),
        (implies(A, B), "if a then b"),
        (implies(A, and_(B, C)), "if a then (b and c)"),
        (implies(and_(A, B), C), "if (a and b) then c"),
        (implies(not_(A), B), "if not a then b"),
        (and_(implies(A, B), C), "(if a then b) and c"),
        (not_(implies(A, B)), "not (if a then b)"),
        (iff(A, B), "a exactly when b"),
        (not_(iff(A, B)), "not (a exactly when b)"),
        (iff(and_(A, B), C), "(a and b) exactly when c"),
        (ult(X, Y), "x < y"),
        (ule(X, Y), "x <= y"),
        (eq(X, 0), "x == 0"),
        (ne(X, Y), "x != y"),
        (and_(eq(X, 1), ne(Y, 2)), "x == 1 and y != 2"),
        (slt(X, Y), "(s64)x < (s64)y"),
        (X + Y, "x + y"),
        (PRESENT, "pmd_present(swap)"),
        (not_(PRESENT), "not pmd_present(swap)"),
        (eq(phrase("pmd_pfn(leaf)", 64), X), "pmd_pfn(leaf) == x"),
        (const(0x40, 64), "0x40"),
    ],
)
def test_sentence(e, text):
    assert prose(e) == text


@pytest.mark.parametrize(
    ("e", "text"),
    [
        (any_of(X, 8), "(x & 8) != 0"),
        (none_of(X, 8), "(x & 8) == 0"),
        (all_of(X, 9), "(x & 9) == 9"),
        (eq(X, ite(A, X, Y)), "x == (a ? x : y)"),
        (not_(bit(X, 3)), "not ((x >> 3) & 1)"),
    ],
)
def test_operands_of_a_comparison_keep_their_parentheses(e, text):
    assert prose(e) == text
