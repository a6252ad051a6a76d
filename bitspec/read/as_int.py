"""The int reading: what an expression is for given values, in exact Python integers and without Z3.

Witnesses are re-evaluated with it before they are shown, ``decode`` runs on it, and the tests hold the Z3 reading against it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TypeAlias

from bitspec.expr import Expr, ExprError, nodes

#: A value per variable.
Values: TypeAlias = Mapping[Expr, int]
_Step: TypeAlias = Callable[[list[int]], int]


def evaluate(expr: Expr, values: Values) -> int:
    """The value of `expr`.  Raises ExprError for a variable without a value, or with one that does not fit its width."""
    inputs, steps = _program(expr)
    slots: list[int] = []
    for variable in inputs:
        value = values.get(variable)
        if value is None:
            raise ExprError(f"{variable.attr} must have a value")
        if not 0 <= value < 1 << variable.width:
            raise ExprError(f"{variable.attr} must fit into {variable.width} bits, not {value:#x}")
        slots.append(value)
    for step in steps:
        slots.append(step(slots))
    return slots[-1]


def function(expr: Expr, variable: Expr) -> Callable[[int], int]:
    """`expr` as a Python function of its only variable; the fast way to ask many values.  The argument is not range-checked."""
    masked = masks(expr, variable)
    if masked is not None:
        keep, put = masked
        return lambda value: value & keep | put
    inputs, steps = _program(expr)
    if any(name is not variable for name in inputs):
        raise ExprError(f"the only variable must be {variable.attr}, not {', '.join(str(name.attr) for name in inputs)}")

    def run(value: int) -> int:
        slots = [value] if inputs else []
        for step in steps:
            slots.append(step(slots))
        return slots[-1]

    return run


def masks(expr: Expr, variable: Expr) -> tuple[int, int] | None:
    """(keep, put) for an expression that only clears and sets fixed bits of `variable`: ``variable & keep | put``; else None."""
    if expr is variable:
        return (1 << expr.width) - 1, 0
    if expr.op not in ("and", "or") or expr.args[1].op != "const":
        return None
    inner = masks(expr.args[0], variable)
    if inner is None:
        return None
    keep, put = inner
    mask = int(expr.args[1].attr or 0)
    return (keep & mask, put & mask) if expr.op == "and" else (keep & ~mask, put | mask)


@cache
def _program(expr: Expr) -> tuple[tuple[Expr, ...], tuple[_Step, ...]]:
    """Straight-line code for `expr`: the variables fill the first slots, each step computes the next one."""
    order = nodes(expr)
    inputs = tuple(node for node in order if node.op == "var")
    rest = [node for node in order if node.op != "var"]
    place = {node: index for index, node in enumerate((*inputs, *rest))}
    steps = [_step(node, [place[arg] for arg in node.args]) for node in rest]
    if expr.op == "var":  # the result is the last slot: keep it there
        steps.append(lambda slots: slots[0])
    return inputs, tuple(steps)


def signed(value: int, width: int) -> int:
    """`value` read as two's complement."""
    return value - (1 << width) if value >> (width - 1) else value


def _step(node: Expr, at: list[int]) -> _Step:
    mask = (1 << node.width) - 1
    make = _STEPS.get(node.op)
    if make is not None:
        return make(at[0], at[1], mask, node.args[0].width)
    match node.op:
        case "const":
            constant = int(node.attr or 0)
            return lambda slots: constant
        case "not":
            (a,) = at
            return lambda slots: slots[a] ^ mask
        case "ite":
            c, a, b = at
            return lambda slots: slots[a] if slots[c] else slots[b]
        case "slice":
            (a,), low = at, int(node.attr or 0)
            return lambda slots: slots[a] >> low & mask
        case "zext":
            (a,) = at
            return lambda slots: slots[a]
        case "sext":
            (a,), width = at, node.args[0].width
            return lambda slots: signed(slots[a], width) & mask
        case "concat":
            parts = tuple(zip(at, (arg.width for arg in node.args), strict=True))
            return lambda slots: _concat(slots, parts)
    raise ExprError(f"the int reading must know the operation {node.op!r}")


def _concat(slots: list[int], parts: tuple[tuple[int, int], ...]) -> int:
    result = 0
    for place, width in parts:
        result = result << width | slots[place]
    return result


# Two operands at slots a and b, the result's mask m, the operands' width w.
_STEPS: dict[str, Callable[[int, int, int, int], _Step]] = {
    "and": lambda a, b, m, w: lambda s: s[a] & s[b],
    "or": lambda a, b, m, w: lambda s: s[a] | s[b],
    "xor": lambda a, b, m, w: lambda s: s[a] ^ s[b],
    "add": lambda a, b, m, w: lambda s: s[a] + s[b] & m,
    "sub": lambda a, b, m, w: lambda s: s[a] - s[b] & m,
    "mul": lambda a, b, m, w: lambda s: s[a] * s[b] & m,
    "udiv": lambda a, b, m, w: lambda s: s[a] // s[b] if s[b] else m,
    "urem": lambda a, b, m, w: lambda s: s[a] % s[b] if s[b] else s[a],
    "shl": lambda a, b, m, w: lambda s: s[a] << s[b] & m if s[b] < w else 0,
    "lshr": lambda a, b, m, w: lambda s: s[a] >> s[b] if s[b] < w else 0,
    "ashr": lambda a, b, m, w: lambda s: signed(s[a], w) >> min(s[b], w) & m,
    "eq": lambda a, b, m, w: lambda s: int(s[a] == s[b]),
    "ult": lambda a, b, m, w: lambda s: int(s[a] < s[b]),
    "ule": lambda a, b, m, w: lambda s: int(s[a] <= s[b]),
    "slt": lambda a, b, m, w: lambda s: int(signed(s[a], w) < signed(s[b], w)),
    "sle": lambda a, b, m, w: lambda s: int(signed(s[a], w) <= signed(s[b], w)),
}
