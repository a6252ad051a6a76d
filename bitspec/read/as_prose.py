"""The prose reading: an expression as a sentence's worth of words, for claims and preconditions."""

from __future__ import annotations

from bitspec.expr import Expr, named
from bitspec.read.as_c import c_text, text

_COMPARE = {"eq": "==", "ult": "<", "ule": "<="}


def phrase(text: str, width: int) -> Expr:
    """A variable that reads as `text`, for expressions that are only ever read as prose or C."""
    return named(text, width)


def prose(expr: Expr) -> str:
    """`expr` in words: and, or, not, if; what is not a truth value is left in C."""
    return _say(expr, outer=True)


def _say(node: Expr, outer: bool = False) -> str:
    if node.width != 1 or node.op in ("const", "var"):
        return c_text(node)
    args = node.args
    match node.op:
        case "not":
            inner = args[0]
            if inner.op in ("and", "or"):
                return f"not ({_say(inner, outer=True)})"
            if inner.op == "eq" and inner.args[0].width > 1:
                return f"{text(inner.args[0])} != {text(inner.args[1])}"
            return f"not {_say(inner)}"
        case "or" if args[0].op == "not":
            words = f"if {_say(args[0].args[0])} then {_say(args[1])}"
        case "and" | "or":
            words = f"{_say(args[0], outer=args[0].op == node.op)} {node.op} {_say(args[1], outer=args[1].op == node.op)}"
        case "eq" if args[0].width == 1:
            words = f"{_say(args[0])} exactly when {_say(args[1])}"
        case "eq" | "ult" | "ule":
            return f"{text(args[0])} {_COMPARE[node.op]} {text(args[1])}"
        case _:
            return text(node) if node.op in ("ite", "slice") else c_text(node)
    return words if outer else f"({words})"
