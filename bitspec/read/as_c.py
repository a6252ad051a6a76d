"""The C reading: an expression as one C expression over unsigned integers, for people who think in header files."""

from __future__ import annotations

from bitspec.expr import Expr, ExprError

_INFIX = {
    "and": "&", "or": "|", "xor": "^", "add": "+", "sub": "-", "mul": "*", "udiv": "/", "urem": "%", "shl": "<<", "lshr": ">>",
    "eq": "==", "ult": "<", "ule": "<=", "slt": "<", "sle": "<=",
}  # fmt: skip
_LOGICAL = {"and": "&&", "or": "||", "xor": "!=", "eq": "=="}


def c_text(expr: Expr) -> str:
    """`expr` in C.  Operands are parenthesised rather than left to precedence; widths C has no type for are masked.

    Shifts keep the meaning of C: an amount of the width or more is undefined there, while the other readings give 0.
    """
    return _strip(_text(expr))


def _strip(text: str) -> str:
    """Drop one pair of outer parentheses, if they belong together."""
    if not text.startswith("("):
        return text
    depth = 0
    for index, letter in enumerate(text):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth == 0:
            return text[1:-1] if index == len(text) - 1 else text
    return text


def c_type(width: int) -> str:
    """The narrowest unsigned C type that holds `width` bits."""
    return next((f"u{size}" for size in (8, 16, 32, 64) if width <= size), "__uint128_t")


def _number(value: int, width: int) -> str:
    if width == 1:
        return "true" if value else "false"
    text = str(value) if value < 10 else f"{value:#x}"
    return text + ("UL" if value > 0x7FFFFFFF else "")


def _text(node: Expr) -> str:
    args = node.args
    match node.op:
        case "const":
            return _number(int(node.attr or 0), node.width)
        case "var":
            return str(node.attr)
        case "not" if node.width == 1:
            inner = args[0]
            if inner.op == "eq":
                return f"({_text(inner.args[0])} != {_text(inner.args[1])})"
            return f"!{_text(inner)}"
        case "not":
            return f"~{_text(args[0])}"
        case "ite":
            return f"({_text(args[0])} ? {_text(args[1])} : {_text(args[2])})"
        case "slice":
            low = int(node.attr or 0)
            shifted = f"({_text(args[0])} >> {low})" if low else _text(args[0])
            return f"({shifted} & {_number((1 << node.width) - 1, max(node.width, 2))})"
        case "zext":
            return f"({c_type(node.width)}){_text(args[0])}" if node.width > 1 else _text(args[0])
        case "sext":
            return f"({c_type(node.width)})({c_type(args[0].width).replace('u', 's')}){_text(args[0])}"
        case "concat":
            return _concat(node)
        case "ashr" | "slt" | "sle":
            kind = c_type(args[0].width).replace("u", "s")
            symbol = {"ashr": ">>", "slt": "<", "sle": "<="}[node.op]
            return f"(({kind}){_text(args[0])} {symbol} {'' if node.op == 'ashr' else f'({kind})'}{_text(args[1])})"
    if args[0].width == 1 and node.op in _LOGICAL:
        return f"({_text(args[0])} {_LOGICAL[node.op]} {_text(args[1])})"
    if node.op in _INFIX:
        return f"({_text(args[0])} {_INFIX[node.op]} {_text(args[1])})"
    raise ExprError(f"the C reading must know the operation {node.op!r}")


def _concat(node: Expr) -> str:
    place = node.width
    parts = []
    for part in node.args:
        place -= part.width
        text = f"({c_type(node.width)}){_text(part)}"
        parts.append(f"({text} << {place})" if place else text)
    return f"({' | '.join(parts)})"
