"""The C reading: what gcc makes of the text is what the int reading says, wherever C defines it."""

import ctypes
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitspec.expr import (
    FALSE,
    TRUE,
    Expr,
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
    ite,
    ne,
    nodes,
    none_of,
    not_,
    or_,
    sext,
    slt,
    trunc,
    udiv,
    ult,
    var,
    variables,
    zext,
)
from bitspec.read.as_c import c_text, c_type
from bitspec.read.as_int import evaluate
from tests.strategies import BINARY, COMPARISONS, OPERATIONS, constants, expressions

X, Y = var("x", 64), var("y", 64)
A, B = var("a", 1), var("b", 1)
BYTE = var("byte", 8)


@pytest.mark.parametrize(
    ("e", "text"),
    [
        (X & 0x101, "x & 0x101"),
        (X & 1 << 63, "x & 0x8000000000000000UL"),
        (X & 0x7FFFFFFF, "x & 0x7fffffff"),
        (X & 0x80000000, "x & 0x80000000U"),
        (X | Y & 7, "x | (y & 7)"),
        (any_of(X, 8), "(x & 8) != 0"),
        (none_of(X, 8), "(x & 8) == 0"),
        (all_of(X, 9), "(x & 9) == 9"),
        (clear(X, 0xFFFFFFFFFFFFFFF0), "x & 0xf"),
        (ne(X, Y), "x != y"),
        (and_(A, B), "a && b"),
        (or_(A, not_(B)), "a || !b"),
        (A ^ B, "a != b"),
        (TRUE, "true"),
        (FALSE, "false"),
        (ite(A, X, Y), "a ? x : y"),
        (bits(X, 11, 8), "(x >> 8) & 0xf"),
        (trunc(X, 4), "x & 0xf"),
        (zext(BYTE, 64), "(u64)byte"),
        (sext(BYTE, 64), "(u64)(s8)byte"),
        (X, "x"),
        (~X, "~x"),
    ],
)
def test_text(e, text):
    assert c_text(e) == text


@pytest.mark.parametrize(
    ("width", "name"),
    [(1, "u8"), (8, "u8"), (9, "u16"), (16, "u16"), (17, "u32"), (32, "u32"), (33, "u64"), (64, "u64"), (65, "__uint128_t"), (128, "__uint128_t")],
)
def test_type(width, name):
    assert c_type(width) == name


# Against gcc

_HEAD = """
#include <stdbool.h>
#include <stdint.h>
typedef uint8_t u8; typedef uint16_t u16; typedef uint32_t u32; typedef uint64_t u64;
typedef int8_t s8; typedef int16_t s16; typedef int32_t s32; typedef int64_t s64;
"""


def _declared(width: int) -> str:
    return "bool" if width == 1 else c_type(width)


def _source(number: int, e: Expr) -> str:
    """A function that reads its arguments from, and writes its result to, arrays of two u64 a value."""
    lines = [f"void f{number}(const u64 *in, u64 *out) {{"]
    for place, name in enumerate(variables(e)):
        lines.append(f"{_declared(name.width)} {name.attr} = ((__uint128_t)in[{2 * place + 1}] << 64) | in[{2 * place}];")
    lines.append(f"{_declared(e.width)} result = {c_text(e)}; out[0] = result; out[1] = (__uint128_t)result >> 64; }}")
    return "\n".join(lines)


class Compiled:
    """Expressions as a shared library; `call` runs one."""

    def __init__(self, roots: Iterable[Expr], folder: Path) -> None:
        self.place = {e: index for index, e in enumerate(dict.fromkeys(roots))}
        source = folder / "all.c"
        source.write_text(_HEAD + "\n".join(_source(index, e) for e, index in self.place.items()))
        library = folder / "all.so"
        command = ["gcc", "-shared", "-fPIC", "-O0", "-w", "-fwrapv", "-o", str(library), str(source)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr[:2000]
        self.library = ctypes.CDLL(str(library))

    def call(self, e: Expr, values: dict[Expr, int]) -> int:
        words = [word for name in variables(e) for word in (values[name] & (1 << 64) - 1, values[name] >> 64)]
        given_words = (ctypes.c_uint64 * max(1, len(words)))(*words)
        out = (ctypes.c_uint64 * 2)()
        getattr(self.library, f"f{self.place[e]}")(given_words, out)
        return out[0] | out[1] << 64


def _defined(e: Expr, values: dict[Expr, int]) -> bool:
    """Whether C defines all of `e` for these values: no shift by the width or more, no division by zero."""
    for node in nodes(e):
        if node.op in ("shl", "lshr", "ashr", "udiv", "urem"):
            right = evaluate(node.args[1], values)
            if right == 0 if node.op in ("udiv", "urem") else right >= node.width:
                return False
    return True


OWN = (32, 64)  # the widths C computes in
TYPES = (1, 8, 16, 32, 64, 128)  # the widths it has a type for
ALL = (1, 5, 8, 16, 32, 33, 64, 65, 128)
OTHER = tuple(width for width in ALL if width not in (*OWN, 1))


def _shapes(op: str, width: int) -> Iterable[Expr]:
    """The operation on variables and constants, alone and below a comparison."""
    x, y, z = (var(f"{name}{width}", width) for name in "xyz")
    three = min(3, (1 << width) - 1)
    wider = [one for one in ALL if one > width]
    match op:
        case "not":
            found = [~x]
        case "ite":
            found = [ite(eq(x, z), x, y), ite(var("c", 1), x, (1 << width) - 1)]
        case "slice":
            found = [bits(var(f"v{one}", one), low + width - 1, low) for one in wider for low in sorted({0, one - width})]
        case "zext" | "sext":
            found = [{"zext": zext, "sext": sext}[op](x, one) for one in wider]
        case "concat":
            found = [concat(x, var(f"v{one}", one)) for one in ALL if width + one in ALL]
        case _:
            make = {**BINARY, **COMPARISONS}[op]
            found = [make(x, y), make(x, const(three, width))]
    return [*found, *(eq(one, var(f"r{one.width}", one.width)) for one in found)]


def _random() -> list[tuple[Expr, dict[Expr, int]]]:
    found: list[tuple[Expr, dict[Expr, int]]] = []

    @settings(derandomize=True, max_examples=3 * settings().max_examples)
    @given(expressions(depth=4, widths=ALL), st.data())
    def collect(e: Expr, data: st.DataObject) -> None:
        found.append((e, {name: data.draw(constants(name.width)) for name in variables(e)}))

    collect()
    return found


CONST_SHIFTED = [const(1, 64) << X, const(1 << 20, 64) << X, const(3, 64) >> X, ashr(const(3, 64), X)]
SIGN_OF_A_BIT = [sext(A, 64), sext(A, 32)]
WRAPPED = [eq(trunc(X, 32) + trunc(Y, 32), var("z32", 32)), eq(~trunc(X, 32), trunc(Y, 32))]


class Batch(Compiled):
    """Everything this module compares, compiled at once."""

    def __init__(self, folder: Path) -> None:
        self.random = _random()
        shapes = {(op, width): list(_shapes(op, width)) for op in OPERATIONS for width in ALL}
        self.shapes = shapes
        extra = [*CONST_SHIFTED, *SIGN_OF_A_BIT, *WRAPPED]
        super().__init__([*(e for e, _ in self.random), *(e for group in shapes.values() for e in group), *extra], folder)

    def compare(self, e: Expr) -> None:
        """Hold `e` against the int reading at the corners of its variables."""
        free = variables(e)
        for turn in range(24):
            values = {name: _corner(name.width, turn * 7 + 5 * place) for place, name in enumerate(free)}
            if _defined(e, values):
                assert self.call(e, values) == evaluate(e, values), f"{c_text(e)} with {values}"


def _corner(width: int, turn: int) -> int:
    top = (1 << width) - 1
    corners = [0, 1, 2, 3, width // 2, width - 1, top, top - 1, top >> 1, (top >> 1) + 1, top // 3, top // 5 * 2, top // 7 * 3]
    return min(corners[turn % len(corners)], top)


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc to compile the C texts")
    return Batch(tmp_path_factory.mktemp("c"))


def test_random_expressions(batch):
    for e, values in batch.random:
        if _defined(e, values):
            assert batch.call(e, values) == evaluate(e, values), f"{c_text(e)} with {values}"
        batch.compare(e)


@pytest.mark.parametrize("op", OPERATIONS)
def test_words(batch, op):
    for width in OWN:
        for e in batch.shapes[op, width]:
            if all(node.width in TYPES for node in nodes(e)):
                batch.compare(e)


@pytest.mark.parametrize("op", ["and", "or", "xor", "not", "eq", "ult", "ule", "ite", "slice", "zext", "concat"])
def test_truth_values(batch, op):
    for e in batch.shapes[op, 1]:
        batch.compare(e)


@pytest.mark.parametrize("op", OPERATIONS)
def test_widths_c_has_no_type_for(batch, op):
    for width in OTHER:
        for e in batch.shapes[op, width]:
            batch.compare(e)


@pytest.mark.parametrize("e", CONST_SHIFTED)
def test_a_shifted_constant_has_its_width(batch, e):
    for amount in (0, 5, 31, 32, 40, 63):
        values = {X: amount}
        assert batch.call(e, values) == evaluate(e, values), c_text(e)


@pytest.mark.parametrize("e", SIGN_OF_A_BIT)
def test_sign_of_a_truth_value(batch, e):
    assert batch.call(e, {A: 1}) == evaluate(e, {A: 1})


@pytest.mark.parametrize("e", WRAPPED)
def test_arithmetic_on_a_slice_wraps(batch, e):
    for x, y in ((0xFFFFFFFF, 1), (0, 0xFFFFFFFF)):
        values = {name: {"x": x, "y": y}.get(str(name.attr), 0) for name in variables(e)}
        assert batch.call(e, values) == evaluate(e, values), c_text(e)


@pytest.mark.parametrize("e", [slt(var("p", 128), var("q", 128)), ashr(var("p", 128), 3), sext(var("p", 65), 128)])
def test_signed_type_of_128_bits(e):
    assert "__int128_t" in c_text(e)


def test_conditions_nest(batch):
    assert c_text(ite(and_(ult(X, Y), bit(X, 3)), udiv(X, Y), 0)) == "((x < y) && ((x >> 3) & 1)) ? (x / y) : 0"
