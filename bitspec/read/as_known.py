"""The known-bits reading: the bits of an expression that are the same for every value of its variables.

This is the simplifier.  Most cells of a truth table are about bits that the encoding leaves 0, and two masks decide those without a solver.
It is exact where it says something and silent elsewhere: a bit it does not know goes to Z3.  The transfer functions are those of LLVM's KnownBits;
the tests hold each against the int reading, and the whole run against Z3 with this reading switched out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from bitspec.expr import Expr, ExprError

#: Masks over an expression's bits: those that are always 0, and those that are always 1.  A plain pair, since a check makes tens of thousands of them.
Known: TypeAlias = tuple[int, int]

NOTHING: Final[Known] = 0, 0
_YES: Final[Known] = 0, 1
_NO: Final[Known] = 1, 0

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


def _and(node: Expr, mask: int) -> Known:
    left, right = node.args
    a_zeros, a_ones = known(left)
    b_zeros, b_ones = known(right)
    return a_zeros | b_zeros, a_ones & b_ones


def _or(node: Expr, mask: int) -> Known:
    left, right = node.args
    a_zeros, a_ones = known(left)
    b_zeros, b_ones = known(right)
    return a_zeros & b_zeros, a_ones | b_ones


def _xor(node: Expr, mask: int) -> Known:
    left, right = node.args
    if left is right:
        return mask, 0
    a_zeros, a_ones = known(left)
    b_zeros, b_ones = known(right)
    return a_zeros & b_zeros | a_ones & b_ones, a_zeros & b_ones | a_ones & b_zeros


def _not(node: Expr, mask: int) -> Known:
    zeros, ones = known(node.args[0])
    return ones, zeros


def _sum(a: Known, b: Known, carry: int, mask: int) -> Known:
    a_zeros, a_ones = a
    b_zeros, b_ones = b
    most = (~a_zeros & mask) + (~b_zeros & mask) + carry
    least = a_ones + b_ones + carry
    carry_zero = ~(most ^ a_zeros ^ b_zeros)
    carry_one = least ^ a_ones ^ b_ones
    sure = (a_zeros | a_ones) & (b_zeros | b_ones) & (carry_zero | carry_one) & mask
    return ~most & sure, least & sure


def _add(node: Expr, mask: int) -> Known:
    return _sum(known(node.args[0]), known(node.args[1]), 0, mask)


def _sub(node: Expr, mask: int) -> Known:
    zeros, ones = known(node.args[1])
    return _sum(known(node.args[0]), (ones, zeros), 1, mask)


def _arithmetic(compute: Callable[[int, int, int], int]) -> Callable[[Expr, int], Known]:
    """For operations that are followed only when both operands are constants."""

    def transfer(node: Expr, mask: int) -> Known:
        a = constant(node.args[0])
        b = constant(node.args[1])
        if a is None or b is None:
            return NOTHING
        value = compute(a, b, mask)
        return mask & ~value, value

    return transfer


def _shl(node: Expr, mask: int) -> Known:
    amount = constant(node.args[1])
    if amount is None:
        return NOTHING
    if amount >= node.width:
        return mask, 0
    zeros, ones = known(node.args[0])
    return (zeros << amount | (1 << amount) - 1) & mask, ones << amount & mask


def _lshr(node: Expr, mask: int) -> Known:
    amount = constant(node.args[1])
    if amount is None:
        return NOTHING
    if amount >= node.width:
        return mask, 0
    zeros, ones = known(node.args[0])
    return zeros >> amount | mask & ~(mask >> amount), ones >> amount


def _ashr(node: Expr, mask: int) -> Known:
    amount = constant(node.args[1])
    if amount is None:
        return NOTHING
    amount = min(amount, node.width - 1)
    zeros, ones = known(node.args[0])
    sign = 1 << (node.width - 1)
    fill = mask & ~(mask >> amount)
    return zeros >> amount | (fill if zeros & sign else 0), ones >> amount | (fill if ones & sign else 0)


def _eq(node: Expr, mask: int) -> Known:
    left, right = node.args
    if left is right:
        return _YES
    a_zeros, a_ones = known(left)
    b_zeros, b_ones = known(right)
    if a_zeros & b_ones or a_ones & b_zeros:
        return _NO
    full = (1 << left.width) - 1
    return _YES if (a_zeros | a_ones) & (b_zeros | b_ones) == full else NOTHING


def _order(strict: bool) -> Callable[[Expr, int], Known]:
    def transfer(node: Expr, mask: int) -> Known:
        a_zeros, least_a = known(node.args[0])
        b_zeros, least_b = known(node.args[1])
        full = (1 << node.args[0].width) - 1
        most_a, most_b = full & ~a_zeros, full & ~b_zeros
        if most_a < least_b or (not strict and most_a <= least_b):
            return _YES
        if least_a > most_b or (strict and least_a >= most_b):
            return _NO
        return NOTHING

    return transfer


def _unknown(node: Expr, mask: int) -> Known:
    return NOTHING


def _ite(node: Expr, mask: int) -> Known:
    condition, then, otherwise = node.args
    settled = decided(condition)
    if settled is not None:
        return known(then if settled else otherwise)
    a_zeros, a_ones = known(then)
    b_zeros, b_ones = known(otherwise)
    return a_zeros & b_zeros, a_ones & b_ones


def _slice(node: Expr, mask: int) -> Known:
    zeros, ones = known(node.args[0])
    low = int(node.attr or 0)
    return zeros >> low & mask, ones >> low & mask


def _zext(node: Expr, mask: int) -> Known:
    zeros, ones = known(node.args[0])
    return zeros | mask & ~((1 << node.args[0].width) - 1), ones


def _sext(node: Expr, mask: int) -> Known:
    zeros, ones = known(node.args[0])
    width = node.args[0].width
    high = mask & ~((1 << width) - 1)
    sign = 1 << (width - 1)
    return zeros | (high if zeros & sign else 0), ones | (high if ones & sign else 0)


def _concat(node: Expr, mask: int) -> Known:
    zeros = ones = 0
    for part in node.args:
        part_zeros, part_ones = known(part)
        zeros = zeros << part.width | part_zeros
        ones = ones << part.width | part_ones
    return zeros, ones


def _const(node: Expr, mask: int) -> Known:
    value = int(node.attr or 0)
    return mask & ~value, value


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
