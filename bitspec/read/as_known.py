"""The known-bits reading: the bits of an expression that are the same for every value of its variables.

This is the simplifier.  Most cells of a truth table are about bits that the encoding leaves 0, and two masks decide those without a solver.
It is exact where it says something and silent elsewhere: a bit it does not know goes to Z3.  The transfer functions are those of LLVM's KnownBits;
the tests hold each against the int reading, and the whole run against Z3 with this reading switched out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from bitspec.expr import Expr, ExprError


class Known(NamedTuple):
    """Masks over an expression's bits: those that are always 0, and those that are always 1."""

    zeros: int
    ones: int


_memo: dict[Expr, Known] = {}


def known(expr: Expr) -> Known:
    """The bits of `expr` that do not depend on any variable."""
    found = _memo.get(expr)
    if found is None:
        found = _memo[expr] = _TRANSFER[expr.op](expr, (1 << expr.width) - 1)
    return found


def decided(expr: Expr) -> bool | None:
    """The truth value of `expr` (width 1) if it is the same for every value of its variables, else None."""
    if expr.width != 1:
        raise ExprError(f"a truth value must be 1 bit wide, not {expr.width}")
    zeros, ones = known(expr)
    return True if ones else False if zeros else None


def constant(expr: Expr) -> int | None:
    """The value of `expr` if every bit of it is known, else None."""
    zeros, ones = known(expr)
    return ones if zeros | ones == (1 << expr.width) - 1 else None


def _truth(value: bool | None) -> Known:
    return Known(0, 0) if value is None else Known(int(not value), int(value))


def _and(node: Expr, mask: int) -> Known:
    a = known(node.args[0])
    b = known(node.args[1])
    return Known(a.zeros | b.zeros, a.ones & b.ones)


def _or(node: Expr, mask: int) -> Known:
    a = known(node.args[0])
    b = known(node.args[1])
    return Known(a.zeros & b.zeros, a.ones | b.ones)


def _xor(node: Expr, mask: int) -> Known:
    if node.args[0] is node.args[1]:
        return Known(mask, 0)
    a = known(node.args[0])
    b = known(node.args[1])
    return Known(a.zeros & b.zeros | a.ones & b.ones, a.zeros & b.ones | a.ones & b.zeros)


def _not(node: Expr, mask: int) -> Known:
    a = known(node.args[0])
    return Known(a.ones, a.zeros)


def _sum(a: Known, b: Known, carry: int, mask: int) -> Known:
    most = (~a.zeros & mask) + (~b.zeros & mask) + carry
    least = a.ones + b.ones + carry
    carry_zero = ~(most ^ a.zeros ^ b.zeros)
    carry_one = least ^ a.ones ^ b.ones
    sure = (a.zeros | a.ones) & (b.zeros | b.ones) & (carry_zero | carry_one) & mask
    return Known(~most & sure, least & sure)


def _add(node: Expr, mask: int) -> Known:
    return _sum(known(node.args[0]), known(node.args[1]), 0, mask)


def _sub(node: Expr, mask: int) -> Known:
    b = known(node.args[1])
    return _sum(known(node.args[0]), Known(b.ones, b.zeros), 1, mask)


def _arithmetic(compute: Callable[[int, int, int], int]) -> Callable[[Expr, int], Known]:
    """For operations that are followed only when both operands are constants."""

    def transfer(node: Expr, mask: int) -> Known:
        a = constant(node.args[0])
        b = constant(node.args[1])
        if a is None or b is None:
            return Known(0, 0)
        value = compute(a, b, mask)
        return Known(mask & ~value, value)

    return transfer


def _shl(node: Expr, mask: int) -> Known:
    amount = constant(node.args[1])
    if amount is None:
        return Known(0, 0)
    if amount >= node.width:
        return Known(mask, 0)
    zeros, ones = known(node.args[0])
    return Known((zeros << amount | (1 << amount) - 1) & mask, ones << amount & mask)


def _lshr(node: Expr, mask: int) -> Known:
    amount = constant(node.args[1])
    if amount is None:
        return Known(0, 0)
    if amount >= node.width:
        return Known(mask, 0)
    zeros, ones = known(node.args[0])
    return Known(zeros >> amount | mask & ~(mask >> amount), ones >> amount)


def _ashr(node: Expr, mask: int) -> Known:
    amount = constant(node.args[1])
    if amount is None:
        return Known(0, 0)
    amount = min(amount, node.width - 1)
    zeros, ones = known(node.args[0])
    sign = 1 << (node.width - 1)
    fill = mask & ~(mask >> amount)
    return Known(zeros >> amount | (fill if zeros & sign else 0), ones >> amount | (fill if ones & sign else 0))


def _eq(node: Expr, mask: int) -> Known:
    if node.args[0] is node.args[1]:
        return Known(0, 1)
    a = known(node.args[0])
    b = known(node.args[1])
    if a.zeros & b.ones or a.ones & b.zeros:
        return Known(1, 0)
    full = (1 << node.args[0].width) - 1
    return _truth(True if (a.zeros | a.ones) & (b.zeros | b.ones) == full else None)


def _order(strict: bool) -> Callable[[Expr, int], Known]:
    def transfer(node: Expr, mask: int) -> Known:
        a = known(node.args[0])
        b = known(node.args[1])
        full = (1 << node.args[0].width) - 1
        least_a, most_a, least_b, most_b = a.ones, full & ~a.zeros, b.ones, full & ~b.zeros
        if most_a < least_b or (not strict and most_a <= least_b):
            return _truth(True)
        if least_a > most_b or (strict and least_a >= most_b):
            return _truth(False)
        return _truth(None)

    return transfer


def _unknown(node: Expr, mask: int) -> Known:
    return Known(0, 0)


def _ite(node: Expr, mask: int) -> Known:
    condition = decided(node.args[0])
    if condition is not None:
        return known(node.args[1] if condition else node.args[2])
    a = known(node.args[1])
    b = known(node.args[2])
    return Known(a.zeros & b.zeros, a.ones & b.ones)


def _slice(node: Expr, mask: int) -> Known:
    zeros, ones = known(node.args[0])
    low = int(node.attr or 0)
    return Known(zeros >> low & mask, ones >> low & mask)


def _zext(node: Expr, mask: int) -> Known:
    zeros, ones = known(node.args[0])
    return Known(zeros | mask & ~((1 << node.args[0].width) - 1), ones)


def _sext(node: Expr, mask: int) -> Known:
    zeros, ones = known(node.args[0])
    width = node.args[0].width
    high = mask & ~((1 << width) - 1)
    sign = 1 << (width - 1)
    return Known(zeros | (high if zeros & sign else 0), ones | (high if ones & sign else 0))


def _concat(node: Expr, mask: int) -> Known:
    zeros = ones = 0
    for part in node.args:
        part_zeros, part_ones = known(part)
        zeros = zeros << part.width | part_zeros
        ones = ones << part.width | part_ones
    return Known(zeros, ones)


def _const(node: Expr, mask: int) -> Known:
    value = int(node.attr or 0)
    return Known(mask & ~value, value)


_TRANSFER: dict[str, Callable[[Expr, int], Known]] = {
    "const": _const, "var": _unknown,
    "and": _and, "or": _or, "xor": _xor, "not": _not,
    "add": _add, "sub": _sub,
    "mul": _arithmetic(lambda a, b, mask: a * b & mask),
    "udiv": _arithmetic(lambda a, b, mask: a // b if b else mask),
    "urem": _arithmetic(lambda a, b, mask: a % b if b else a),
    "shl": _shl, "lshr": _lshr, "ashr": _ashr,
    "eq": _eq, "ult": _order(True), "ule": _order(False), "slt": _unknown, "sle": _unknown,
    "ite": _ite, "slice": _slice, "zext": _zext, "sext": _sext, "concat": _concat,
}  # fmt: skip
