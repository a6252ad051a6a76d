"""Expressions: immutable bit-vector terms with explicit widths.

A helper of the kernel, the walk of an MMU, a claim: all are expressions of this one kind.  They are *built* here and *read* elsewhere: as Python
ints (:mod:`bitspec.read.as_int`), as known bits (:mod:`bitspec.read.as_known`), as C (:mod:`bitspec.read.as_c`), as prose
(:mod:`bitspec.read.as_prose`) and as Z3 terms (:mod:`bitspec.solver`).

Rules of the language:

* Every expression has a width in bits, at least 1.  A truth value is an expression of width 1.
* Arithmetic is unsigned and wraps at the width.  Signed operations say so in their name (:func:`slt`, :func:`sext`, :func:`ashr`).
* A shift by the width or more gives 0 (and the sign, for :func:`ashr`), as in SMT-LIB.  C leaves that undefined.
* ``==`` compares expressions as values, it does not build one: write :func:`eq`.  An expression has no truth value in Python.
* Equal expressions are one object, so that sharing is kept and every reading visits a term once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final, NoReturn, TypeAlias

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.+]*\Z")


class ExprError(ValueError):
    """An expression that cannot be: widths that differ, a value that does not fit, a name that is none."""


class Expr:
    """One term.  Use the functions of this module and the operators to make one, never the class itself.

    Attributes:
        op: what the node does, a key of :data:`OPS`.
        args: the operands.
        attr: the value of a ``const``, the name of a ``var``, the low bit of a ``slice``; else None.
        width: in bits.
    """

    __slots__ = ("args", "attr", "op", "width")
    op: str
    args: tuple[Expr, ...]
    attr: int | str | None
    width: int

    # Operators.  A plain int is taken as a constant of the other operand's width.
    def __and__(self, other: Operand) -> Expr:
        return _same("and", self, other)

    def __or__(self, other: Operand) -> Expr:
        return _same("or", self, other)

    def __xor__(self, other: Operand) -> Expr:
        return _same("xor", self, other)

    def __add__(self, other: Operand) -> Expr:
        return _same("add", self, other)

    def __sub__(self, other: Operand) -> Expr:
        return _same("sub", self, other)

    def __mul__(self, other: Operand) -> Expr:
        return _same("mul", self, other)

    def __lshift__(self, other: Operand) -> Expr:
        return _same("shl", self, other)

    def __rshift__(self, other: Operand) -> Expr:
        """Logical shift: zeros come in from the left."""
        return _same("lshr", self, other)

    def __rand__(self, other: int) -> Expr:
        return _same("and", const(other, self.width), self)

    def __ror__(self, other: int) -> Expr:
        return _same("or", const(other, self.width), self)

    def __rxor__(self, other: int) -> Expr:
        return _same("xor", const(other, self.width), self)

    def __invert__(self) -> Expr:
        return _node("not", (self,), None, self.width)

    def __bool__(self) -> NoReturn:
        raise TypeError("an expression has no truth value in Python; use and_(), or_(), not_() or ite()")

    def __repr__(self) -> str:
        """Constructor syntax: ``eval(repr(e)) == e`` with the names of this module."""
        if self.op == "const":
            return f"const({self.attr:#x}, {self.width})"
        if self.op == "var":
            return f"var({self.attr!r}, {self.width})"
        if self.op == "slice":
            low = int(self.attr or 0)
            return f"bits({self.args[0]!r}, {low + self.width - 1}, {low})"
        if self.op in ("zext", "sext"):
            return f"{self.op}({self.args[0]!r}, {self.width})"
        symbol = _SYMBOLS.get(self.op)
        if symbol is not None:
            return f"({self.args[0]!r} {symbol} {self.args[1]!r})"
        if self.op == "not":
            return f"(~{self.args[0]!r})"
        return f"{self.op}({', '.join(map(repr, self.args))})"

    def __copy__(self) -> Expr:
        return self

    def __deepcopy__(self, memo: object) -> Expr:
        return self

    def __reduce__(self) -> tuple[object, ...]:
        return _node, (self.op, self.args, self.attr, self.width)


Operand: TypeAlias = Expr | int
_SYMBOLS: Final = {"and": "&", "or": "|", "xor": "^", "add": "+", "sub": "-", "mul": "*", "shl": "<<", "lshr": ">>"}

#: Every operation and the number of its operands (None: any number).
OPS: Final[Mapping[str, int | None]] = {
    "const": 0, "var": 0,
    "and": 2, "or": 2, "xor": 2, "not": 1,
    "add": 2, "sub": 2, "mul": 2, "udiv": 2, "urem": 2,
    "shl": 2, "lshr": 2, "ashr": 2,
    "eq": 2, "ult": 2, "ule": 2, "slt": 2, "sle": 2,
    "ite": 3, "slice": 1, "zext": 1, "sext": 1, "concat": None,
}  # fmt: skip

# Hash consing: one object per value.  This is what makes `==` on expressions cheap and every reading linear in the size of the shared graph.
_known: dict[tuple[object, ...], Expr] = {}


def _node(op: str, args: tuple[Expr, ...], attr: int | str | None, width: int) -> Expr:
    key = (op, args, attr, width)
    found = _known.get(key)
    if found is None:
        found = object.__new__(Expr)
        found.op, found.args, found.attr, found.width = op, args, attr, width
        _known[key] = found
    return found


def _operand(value: Operand, width: int) -> Expr:
    return value if isinstance(value, Expr) else const(value, width)


def _pair(op: str, left: Operand, right: Operand) -> tuple[Expr, Expr]:
    if isinstance(left, Expr):
        right = _operand(right, left.width)
    elif isinstance(right, Expr):
        left = _operand(left, right.width)
    else:
        raise ExprError(f"an operand of {op} must be an expression, not {left!r} and {right!r}")
    if left.width != right.width:
        raise ExprError(f"operands of {op} must have the same width, not {left.width} and {right.width}")
    return left, right


def _same(op: str, left: Operand, right: Operand) -> Expr:
    pair = _pair(op, left, right)
    return _node(op, pair, None, pair[0].width)


def _test(op: str, left: Operand, right: Operand) -> Expr:
    return _node(op, _pair(op, left, right), None, 1)


def const(value: int, width: int) -> Expr:
    """The constant `value`, `width` bits wide.  Raises ExprError when it does not fit or is negative."""
    if width < 1:
        raise ExprError(f"a width must be at least 1, not {width}")
    if not 0 <= value < 1 << width:
        raise ExprError(f"a constant must fit into {width} bits, not {value:#x}")
    return _node("const", (), int(value), width)


def var(name: str, width: int) -> Expr:
    """A free variable.  Raises ExprError for a name that is not an identifier (dots and plus signs are allowed inside)."""
    if width < 1:
        raise ExprError(f"a width must be at least 1, not {width}")
    if not _NAME.match(name):
        raise ExprError(f"a variable's name must be an identifier, not {name!r}")
    return _node("var", (), name, width)


def named(text: str, width: int) -> Expr:
    """A variable with any text for a name; it can be read as C and prose, and is not meant for anything else."""
    return _node("var", (), text, width)


TRUE: Final = const(1, 1)
FALSE: Final = const(0, 1)


def udiv(left: Operand, right: Operand) -> Expr:
    """Unsigned division; by zero it gives all ones (SMT-LIB)."""
    return _same("udiv", left, right)


def urem(left: Operand, right: Operand) -> Expr:
    """Unsigned remainder; by zero it gives the dividend (SMT-LIB)."""
    return _same("urem", left, right)


def ashr(left: Expr, right: Operand) -> Expr:
    """Arithmetic shift right: copies of the sign bit come in from the left."""
    return _same("ashr", left, right)


def eq(left: Operand, right: Operand) -> Expr:
    """1 where the operands are equal."""
    return _test("eq", left, right)


def ne(left: Operand, right: Operand) -> Expr:
    """1 where the operands differ."""
    return ~_test("eq", left, right)


def ult(left: Operand, right: Operand) -> Expr:
    """Left < right, unsigned."""
    return _test("ult", left, right)


def ule(left: Operand, right: Operand) -> Expr:
    """Left <= right, unsigned."""
    return _test("ule", left, right)


def ugt(left: Operand, right: Operand) -> Expr:
    """Left > right, unsigned."""
    return _test("ult", right, left)


def uge(left: Operand, right: Operand) -> Expr:
    """Left >= right, unsigned."""
    return _test("ule", right, left)


def slt(left: Operand, right: Operand) -> Expr:
    """Left < right, as two's complement."""
    return _test("slt", left, right)


def sle(left: Operand, right: Operand) -> Expr:
    """Left <= right, as two's complement."""
    return _test("sle", left, right)


def ite(condition: Expr, then: Operand, otherwise: Operand) -> Expr:
    """`then` where `condition` (width 1) is 1, else `otherwise`."""
    if condition.width != 1:
        raise ExprError(f"a condition must be 1 bit wide, not {condition.width}")
    pair = _pair("ite", then, otherwise)
    return _node("ite", (condition, *pair), None, pair[0].width)


def bits(value: Expr, high: int, low: int) -> Expr:
    """Bits `high` down to `low` of `value`, counted from the least significant bit, 0."""
    if not 0 <= low <= high < value.width:
        raise ExprError(f"bits {high}:{low} must lie inside {value.width} bits")
    return value if high - low + 1 == value.width else _node("slice", (value,), low, high - low + 1)


def bit(value: Expr, index: int) -> Expr:
    """One bit of `value`, as a truth value."""
    return bits(value, index, index)


def zext(value: Expr, width: int) -> Expr:
    """`value` widened to `width` with zeros."""
    if width < value.width:
        raise ExprError(f"zext must widen, not go from {value.width} to {width} bits")
    return value if width == value.width else _node("zext", (value,), None, width)


def sext(value: Expr, width: int) -> Expr:
    """`value` widened to `width` with copies of its sign bit."""
    if width < value.width:
        raise ExprError(f"sext must widen, not go from {value.width} to {width} bits")
    return value if width == value.width else _node("sext", (value,), None, width)


def trunc(value: Expr, width: int) -> Expr:
    """The low `width` bits of `value`: what a C cast to a narrower unsigned type does."""
    return bits(value, width - 1, 0)


def concat(*parts: Expr) -> Expr:
    """The parts side by side, the first in the most significant place."""
    if not parts:
        raise ExprError("concat must have at least one part")
    return parts[0] if len(parts) == 1 else _node("concat", parts, None, sum(part.width for part in parts))


def _fold(op: str, unit: Expr, terms: Iterable[Expr]) -> Expr:
    result = unit
    for term in terms:
        if term.width != 1:
            raise ExprError(f"an operand of {op}_ must be 1 bit wide, not {term.width}")
        result = term if result is unit else _node(op, (result, term), None, 1)
    return result


def and_(*terms: Expr) -> Expr:
    """1 where every term (width 1) is; TRUE for none."""
    return _fold("and", TRUE, terms)


def or_(*terms: Expr) -> Expr:
    """1 where some term (width 1) is; FALSE for none."""
    return _fold("or", FALSE, terms)


def not_(term: Expr) -> Expr:
    """1 where `term` (width 1) is 0."""
    if term.width != 1:
        raise ExprError(f"an operand of not_ must be 1 bit wide, not {term.width}")
    return ~term


def implies(premise: Expr, conclusion: Expr) -> Expr:
    """1 unless `premise` is 1 and `conclusion` is 0."""
    return or_(not_(premise), conclusion)


def iff(left: Expr, right: Expr) -> Expr:
    """1 where both truth values are the same."""
    return eq(left, right)


def any_of(value: Expr, mask: int) -> Expr:
    """The kernel's ``value & mask`` used as a condition: some bit of `mask` is set."""
    return ne(value & mask, 0)


def none_of(value: Expr, mask: int) -> Expr:
    """The kernel's ``!(value & mask)``: no bit of `mask` is set."""
    return eq(value & mask, 0)


def all_of(value: Expr, mask: int) -> Expr:
    """The kernel's ``(value & mask) == mask``: every bit of `mask` is set."""
    return eq(value & mask, mask)


def clear(value: Expr, mask: int) -> Expr:
    """``value & ~mask``, the complement taken at the value's width."""
    return value & (((1 << value.width) - 1) & ~mask)


def select(index: Expr, table: tuple[int, ...], width: int) -> Expr:
    """``table[index]`` as a chain of ite; an index beyond the table gives its last entry."""
    result = const(table[-1], width)
    for position in range(len(table) - 2, -1, -1):
        result = ite(eq(index, position), const(table[position], width), result)
    return result


def nodes(root: Expr) -> list[Expr]:
    """Every distinct node below and including `root`, operands before the nodes that use them."""
    found: dict[Expr, None] = {}
    _collect(root, found)
    return list(found)


def _collect(node: Expr, found: dict[Expr, None]) -> None:
    for arg in node.args:
        if arg not in found:
            _collect(arg, found)
    found[node] = None


@cache
def variables(root: Expr) -> tuple[Expr, ...]:
    """The free variables of `root`, in the order in which they are first met."""
    return tuple(node for node in nodes(root) if node.op == "var")


def substitute(root: Expr, values: Mapping[Expr, Expr]) -> Expr:
    """`root` with every variable of `values` replaced.  Raises ExprError when a width changes."""
    for old, new in values.items():
        if old.width != new.width:
            raise ExprError(f"{old.attr} must be replaced by {old.width} bits, not {new.width}")
    memo = dict(values)
    return memo[root] if root in memo else _substitute(root, memo)


def _substitute(node: Expr, memo: dict[Expr, Expr]) -> Expr:
    fresh = []
    for arg in node.args:
        done = memo.get(arg)
        if done is None:
            done = _substitute(arg, memo) if arg.args else arg  # a constant, or a variable that stays
        fresh.append(done)
    args = tuple(fresh)
    result = memo[node] = node if args == node.args else _node(node.op, args, node.attr, node.width)
    return result
