"""Expressions as text: what repr writes is read back, the kernel's names are known, and nothing else is in the language."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitspec.expr import ExprError, any_of, const, ne, var, variables
from bitspec.fields import LayoutError
from bitspec.layout import Absent
from bitspec.vocabulary import Level, VocabularyError
from bitspec.written import DEPTH, LENGTH, build, parse
from tests import toy
from tests.strategies import expressions

TOY = toy.layout()
PTE = TOY.at(Level.PTE)
X = var("x", 16)


def read(text: str):
    return build(parse(text), PTE, {"x": X})


@given(st.integers(1, 32).flatmap(expressions))
def test_what_repr_writes_is_read_back(one):
    params = {str(each.attr): each for each in variables(one)}
    assert build(parse(repr(one)), PTE, params) is one


def test_the_names_of_the_kernel():
    young = PTE.field("YOUNG").mask
    assert read("any_of(x, YOUNG)") is any_of(X, young)
    assert read("ne(x & (YOUNG | 1 << 3), 0)") is ne(X & (young | 8), 0)
    assert read("pte_present(x)") is PTE.present(X)
    assert read("insert(x, TYPE)") is PTE.field("TYPE").insert(X, 16)
    assert read("TRUE") is const(1, 1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "an expression must be one"),
        ("x &", "an expression must be one: invalid syntax at column"),
        ("x\0", "an expression must be one"),
        ("~" * LENGTH, "an expression must be"),
        ("~" * (LENGTH + 1), f"at most {LENGTH} characters"),
        ("~" * (DEPTH + 1) + "x", f"at most {DEPTH} deep"),
        ("__import__('os')", "unknown helper '__import__'"),
        ("x.op", "'x.op' is not in the language at column 1"),
        ("(lambda: x)()", "is not in the language"),
        ("[x for x in x]", "is not in the language"),
        ("x and x", "'x and x' is not in the language"),
        ("x == x", "'x == x' is not in the language"),
        ("eq(x, *x)", "is not in the language"),
        ("eq(left=x, right=x)", "is not in the language"),
        ("True", "'True' is not in the language"),
        ("1.5", "'1.5' is not in the language"),
        ("'text'", "is not in the language"),
        ("5", "const(value, width), not the number 0x5"),
        ("x & 0x10000", "a constant must fit into 16 bits, not 0x10000 at column 1"),
        ("x & (1 << 999)", "a number must be shifted by at most 256"),
        ("x & ~YOUNG", "write clear(entry, mask) at column 5"),
        ("x & (1 - 2)", "a number must not be negative"),
        ("const(1, 10 ** 9)", "is not in the language"),
        ("const(1, 1000000000)", "a width must be at most 256, not 1000000000 at column 10"),
        ("concat(" + "x, " * 17 + "x)", "an expression must be at most 256 bits wide, not 288"),
        ("zext(x, x)", "zext must be given a number, not an expression at column 9"),
        ("not_(1)", "not_ must be given an expression, not the number 0x1"),
        ("any_of(x)", "any_of must be given 2 arguments, not 1"),
        ("var('y', 16)", "a variable must be an argument: var('x', 16)"),
        ("var('x', 8)", "a variable must be an argument: var('x', 16)"),
        ("var(x, 16)", "a variable must be var(NAME, WIDTH)"),
        ("insert(x, 3)", "it must be insert(EXPRESSION, FIELD)"),
        ("COLOUR", "unknown pte field of toy@linux-0.1 'COLOUR'"),
        ("pte_yuong(x)", "did you mean 'pte_young'?"),
    ],
)
def test_everything_else_is_an_error(text, words):
    with pytest.raises((ExprError, LayoutError, VocabularyError, Absent)) as caught:
        read(text)
    assert words in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@given(st.text(alphabet="x()~&|^<>+-*01, _'[]{}:=.\n#\\", max_size=60))
def test_no_text_does_anything_but_raise_one_of_these(text):
    with suppress(ExprError, LayoutError, VocabularyError, Absent):
        read(text)
