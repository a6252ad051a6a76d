"""Assembly that only computes, and what replaces it at boot."""

from __future__ import annotations

import pytest

from archs import toolchains
from bitspec.expr import Expr, const, var
from bitspec.lift.problem import Unliftable
from bitspec.lift.sequence import program, results
from bitspec.read.as_int import evaluate

KNOWN = toolchains.target("sparc64").instructions
assert KNOWN is not None
X = var("x", 64)
NUMBER = 0x1234_5678_9ABC_DEF0


def number(value: int) -> Expr:
    return const(value, 64)


def lines(*each: str) -> str:
    return "\n".join(each) + "\n"


def run(text: str, constraints: str, *operands: Expr, x: int = 0, **symbols: int) -> list[int | None]:
    """The outputs for a value of X; None for one without a value."""
    assert KNOWN is not None
    given = {X: x, var("patched_for_sun4v", 1): symbols.get("sun4v", 0), var("patched_for_sun_m7", 1): symbols.get("m7", 0)}
    return [None if evaluate(unset, given) else evaluate(value, given) for value, unset in results(text, constraints, operands, KNOWN)]


@pytest.mark.parametrize(
    ("instruction", "x", "expected"),
    [
        ("or\t$0, $2, $0", 0x100, 0x121),
        ("and\t$0, $2, $0", 0x1FF, 0x21),
        ("andn\t\t$0, $2, $0", 0x1FF, 0x1DE),
        ("sllx\t$0, 32, $0", NUMBER, 0x9ABC_DEF0_0000_0000),
        ("srlx\t$0, 32, $0", NUMBER, 0x1234_5678),
        ("mov\t$2, $0", NUMBER, 0x21),
    ],
)
def test_an_instruction(instruction: str, x: int, expected: int) -> None:
    assert run(lines(instruction), "=r,0,i", X, number(0x21), x=x) == [expected]


def test_a_number_is_built_of_its_parts() -> None:
    """The six instructions that put a number of 64 bits into a register: upper and lower 22 bits, and the tens below them."""
    text = lines(
        "sethi %uhi($2), $1", "sethi %hi($2), $0", "or $1, %ulo($2), $1", "or $0, %lo($2), $0", "sllx $1, 32, $1", "or $0, $1, $0"
    )  # fmt: skip
    assert run(text, "=r,=r,i", number(NUMBER))[0] == NUMBER


def test_a_number_in_an_instruction_is_signed() -> None:
    assert run("and $0, $2, $0", "=r,0,i", X, number(-16 % (1 << 64)), x=NUMBER) == [NUMBER & ~15]


PATCHED = lines(
    "661:\tmov\t$1, $0", "\tnop", "\t.section\t.sun4v_2insn_patch, \"ax\"", "\t.word\t661b", "\tsethi\t%uhi($2), $0", "\tsllx\t$0, 32, $0", "\t.previous"
)  # fmt: skip


@pytest.mark.parametrize(("sun4v", "expected"), [(0, 0x800), (1, 1 << 61)])
def test_a_replacement_takes_the_place_of_what_is_there(sun4v: int, expected: int) -> None:
    assert run(PATCHED, "=r,i,i", number(0x800), number(1 << 61), sun4v=sun4v) == [expected]


def test_a_second_replacement_follows_the_first() -> None:
    text = PATCHED + lines('.section .sun_m7_2insn_patch, "ax"', ".word 661b", "mov 7, $0", "nop", ".previous")
    assert run(text, "=r,i,i", number(0x800), number(1 << 61), sun4v=1, m7=1) == [7]
    assert run(text, "=r,i,i", number(0x800), number(1 << 61), sun4v=1) == [1 << 61]


def test_a_replacement_of_several_labels() -> None:
    text = lines("661: mov 1, $0", "662: mov 2, $1", '.section .sun4v_1insn_patch, "ax"', ".word 662b", "mov 3, $1", ".word 661b", "mov 4, $0", ".previous")
    assert run(text, "=r,=r") == [1, 2]
    assert run(text, "=r,=r", sun4v=1) == [4, 3]


def test_an_output_that_is_not_written_has_no_value() -> None:
    assert run("mov 1, $0", "=r,=r") == [1, None]


@pytest.mark.parametrize(
    ("text", "constraints", "operands", "reason"),
    [
        ("xor $0, $1, $0", "=r,i", (number(1),), "an instruction: xor"),
        ("mov 4096, $0", "=r", (), "does not fit"),
        ("mov $1, $0", "=r,i", (number(0x1000),), "does not fit"),
        ("or $0, 1, $0", "=r", (), "without a value"),
        ("mov %tle($1), $0", "=r,i", (number(1),), "a part of an operand"),
        ("mov %lo($1, $0", "=r,i", (number(1),), "an operand of assembly"),
        ("sllx $0, $1, $0", "=r,r,0", (X, X), "not constant"),
        ("sllx $1, 64, $0", "=r,r", (X,), "not constant"),
        ("mov 1, $1", "=r,r", (X,), "an instruction: mov"),
        ("ldx [$1], $0", "=r,r", (X,), "an instruction: ldx"),
        ("mov 1, $0", "=r,*m", (X,), "constraints"),
        ("mov 1, $0", "=m", (), "constraints"),
        ("sethi 5, $0", "=r", (), "an operand of assembly"),
        ("sethi $1, $0", "=r,i", (number(5),), "an operand of assembly"),
        ("or $0, %hi($2), $0", "=r,0,i", (X, number(1 << 20)), "does not fit"),
        (".align 8", "=r", (), "directive"),
        ('.section .other, "ax"\n.previous\nmov 1, $0', "=r", (), "a section"),
        ('mov 1, $0\n.section .sun4v_1insn_patch, "ax"\nmov 2, $0\n.previous', "=r", (), "without a place"),
        ('1: mov 1, $0\n.section .sun4v_2insn_patch, "ax"\n.word 1b\nmov 2, $0\nnop\n.previous', "=r", (), "without a place"),
        ('mov 1, $0\n.section .sun4v_1insn_patch, "ax"\n.word 1b\nmov 2, $0\n.previous', "=r", (), "must tell its place"),
        ("1: mov 1, $0\n1: nop", "=r", (), "a label"),
    ],
)
def test_what_is_not_understood(text: str, constraints: str, operands: tuple[Expr, ...], reason: str) -> None:
    assert KNOWN is not None
    with pytest.raises(Unliftable, match=reason):
        results(text, constraints, operands, KNOWN)


def test_an_input_may_lie_in_the_register_that_was_written_first() -> None:
    """The compiler may give an output and an input one register; only with '&' it may not."""
    assert KNOWN is not None
    text = "mov 1, $0\nor $0, $1, $0"
    with pytest.raises(Unliftable, match="without a value"):
        results(text, "=r,r", (X,), KNOWN)
    assert run(text, "=&r,r", X, x=6) == [7]


def test_a_text_is_taken_apart() -> None:
    found = program(PATCHED)
    assert found.lines == (("mov", ("$1", "$0")), ("nop", ()))
    assert found.patches == {".sun4v_2insn_patch": ((0, ("sethi", ("%uhi($2)", "$0"))), (1, ("sllx", ("$0", "32", "$0"))))}
