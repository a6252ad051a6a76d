"""The demanded-bits reading: an equal expression without the parts that cannot matter.

``(entry | EXCLUSIVE) >> 59`` does not depend on EXCLUSIVE; dropping it makes the decode of a flagged entry the same term as the decode of a plain one, and
"the flag changes nothing" is then decided by looking.  The rules are those of LLVM's SimplifyDemandedBits.  Each keeps the demanded bits as they are, for
every value of the variables; the tests hold them against the int reading, and the whole run against Z3 without them.
"""

from __future__ import annotations

from collections.abc import Callable

from bitspec.expr import TRUE, Expr, ashr, bits, concat, const, eq, ite, sext, sle, slt, udiv, ule, ult, urem, zext
from bitspec.read.as_known import decided, known

_memo: dict[tuple[Expr, int], Expr] = {}


def simplified(expr: Expr) -> Expr:
    """An expression with the same value as `expr`, and as few nodes as these rules find."""
    return demanded(expr, (1 << expr.width) - 1)


def demanded(expr: Expr, mask: int) -> Expr:
    """An expression that agrees with `expr` in the bits of `mask`; the other bits may differ."""
    key = (expr, mask)
    found = _memo.get(key)
    if found is None:
        found = _memo[key] = _demanded(expr, mask)
    return found


def _demanded(node: Expr, mask: int) -> Expr:
    if node.op == "var":
        return node
    zeros, ones = known(node)
    if mask & ~(zeros | ones) == 0:
        return const(ones & mask, node.width)
    rule = _RULES.get(node.op)
    return rule(node, mask) if rule is not None else _rebuilt(node)


def _rebuilt(node: Expr) -> Expr:
    """The node over simplified operands: for operations every bit of whose operands may matter."""
    args = tuple(simplified(arg) for arg in node.args)
    if args == node.args:
        return node
    left, right = args
    return TRUE if node.op == "eq" and left is right else _OPERATORS[node.op](left, right)


def _and(node: Expr, mask: int) -> Expr:
    left, right = node.args
    if right.op != "const" and left.op == "const":
        left, right = right, left
    zeros, ones = known(right)
    if mask & ~ones == 0:
        return demanded(left, mask)
    if mask & ~known(left)[1] == 0:
        return demanded(right, mask)
    left = demanded(left, mask & ~zeros)  # where the right is 0 the left does not matter; what the left now is decides what matters of the right
    right = demanded(right, mask & ~known(left)[0])
    return left if left is right else left & right


def _or(node: Expr, mask: int) -> Expr:
    left, right = node.args
    if right.op != "const" and left.op == "const":
        left, right = right, left
    zeros, ones = known(right)
    if mask & ~zeros == 0:
        return demanded(left, mask)
    if mask & ~known(left)[0] == 0:
        return demanded(right, mask)
    left = demanded(left, mask & ~ones)
    right = demanded(right, mask & ~known(left)[1])
    return left if left is right else left | right


def _xor(node: Expr, mask: int) -> Expr:
    left, right = node.args
    if mask & ~known(right)[0] == 0:
        return demanded(left, mask)
    if mask & ~known(left)[0] == 0:
        return demanded(right, mask)
    return demanded(left, mask) ^ demanded(right, mask)


def _not(node: Expr, mask: int) -> Expr:
    inner = demanded(node.args[0], mask)
    return inner.args[0] if inner.op == "not" else ~inner


def _ite(node: Expr, mask: int) -> Expr:
    condition = simplified(node.args[0])
    settled = decided(condition)
    if settled is not None:
        return demanded(node.args[1 if settled else 2], mask)
    then, otherwise = demanded(node.args[1], mask), demanded(node.args[2], mask)
    return then if then is otherwise else ite(condition, then, otherwise)


def _shl(node: Expr, mask: int) -> Expr:
    value, amount = node.args
    if amount.op != "const" or int(amount.attr or 0) >= node.width:
        return simplified(value) << simplified(amount)
    return demanded(value, mask >> int(amount.attr or 0)) << amount


def _lshr(node: Expr, mask: int) -> Expr:
    value, amount = node.args
    if amount.op != "const" or int(amount.attr or 0) >= node.width:
        return simplified(value) >> simplified(amount)
    return demanded(value, mask << int(amount.attr or 0) & (1 << node.width) - 1) >> amount


def _carried(node: Expr, mask: int) -> Expr:
    """add, sub, mul: a bit of the result depends on the bits below it."""
    below = (1 << mask.bit_length()) - 1
    left, right = (demanded(arg, below) for arg in node.args)
    return _OPERATORS[node.op](left, right)


def _slice(node: Expr, mask: int) -> Expr:
    low = int(node.attr or 0)
    return bits(demanded(node.args[0], mask << low), low + node.width - 1, low)


def _zext(node: Expr, mask: int) -> Expr:
    inner = node.args[0]
    return zext(demanded(inner, mask & (1 << inner.width) - 1), node.width)


def _sext(node: Expr, mask: int) -> Expr:
    return sext(simplified(node.args[0]), node.width)


def _concat(node: Expr, mask: int) -> Expr:
    parts = []
    low = node.width
    for part in node.args:
        low -= part.width
        parts.append(demanded(part, mask >> low & (1 << part.width) - 1))
    return concat(*parts)


_OPERATORS: dict[str, Callable[[Expr, Expr], Expr]] = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b, "udiv": udiv, "urem": urem, "ashr": ashr,
    "eq": eq, "ult": ult, "ule": ule, "slt": slt, "sle": sle,
}  # fmt: skip
_RULES: dict[str, Callable[[Expr, int], Expr]] = {
    "and": _and, "or": _or, "xor": _xor, "not": _not, "ite": _ite, "shl": _shl, "lshr": _lshr, "add": _carried, "sub": _carried, "mul": _carried,
    "slice": _slice, "zext": _zext, "sext": _sext, "concat": _concat,
}  # fmt: skip
