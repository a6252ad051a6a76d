"""The C reading: an expression as one C expression over unsigned integers, for people who think in header files."""

from __future__ import annotations

from bitspec.expr import Expr, ExprError

_INFIX = {
    "and": "&", "or": "|", "xor": "^", "add": "+", "sub": "-", "mul": "*", "udiv": "/", "urem": "%", "shl": "<<", "lshr": ">>",
    "eq": "==", "ult": "<", "ule": "<=",
}  # fmt: skip
_LOGICAL = {"and": "&&", "or": "||", "xor": "!=", "eq": "=="}
_SIGNED = {"ashr": ">>", "slt": "<", "sle": "<="}
_TYPES = (8, 16, 32, 64, 128)


def c_text(expr: Expr) -> str:
    """`expr` in C, with the types u8, u16, u32, u64 and __uint128_t; operands are parenthesised rather than left to precedence.

    Narrow results are cast back, since C computes in int, and widths C has no type for are masked.  Two things keep the meaning of C, where the other
    readings say more: a shift by the width or more, and a division by zero, are undefined there.
    """
    return strip(text(expr))


def c_type(width: int) -> str:
    """The narrowest unsigned C type that holds `width` bits."""
    size = _size(width)
    return "__uint128_t" if size == 128 else f"u{size}"


def _size(width: int) -> int:
    return next((size for size in _TYPES if width <= size), 128)


def _signed_type(width: int) -> str:
    size = _size(width)
    return "__int128_t" if size == 128 else f"s{size}"


def strip(words: str) -> str:
    """`words` without a pair of outer parentheses, if they belong together."""
    if not words.startswith("("):
        return words
    depth = 0
    for index, letter in enumerate(words):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth == 0:
            return words[1:-1] if index == len(words) - 1 else words
    return words


def _number(value: int, width: int, typed: bool = False) -> str:
    """A literal; `typed` where its own type decides what is computed."""
    if width == 1:
        return "true" if value else "false"
    if value >> 64:
        return f"((__uint128_t){_number(value >> 64, 64)} << 64 | {_number(value & (1 << 64) - 1, 64)})"
    words = str(value) if value < 10 else f"{value:#x}"
    if typed and width > 64:
        return f"(__uint128_t){words}"
    long = value > 0xFFFFFFFF or (typed and width > 32)
    return words + ("UL" if long else "U" if value > 0x7FFFFFFF or (typed and width == 32) else "")


def _masked(words: str, width: int) -> str:
    """The result of an operation that may leave its width, brought back into it."""
    if width in (64, 128):
        return words
    if width in _TYPES:
        return f"({c_type(width)}){words}"
    return f"({words} & {_number((1 << width) - 1, width)})"


def _operand(node: Expr) -> str:
    """An operand whose type decides the type that is computed in."""
    if node.op == "const":
        return _number(int(node.attr or 0), node.width, typed=True)
    return text(node)


def _as_signed(node: Expr) -> str:
    """A value as a signed C integer, its sign bit moved to the type's where the width has no type of its own."""
    spare = _size(node.width) - node.width
    kind = _signed_type(node.width)
    if not spare:
        return f"({kind}){text(node)}"
    return f"(({kind})(({c_type(node.width)}){text(node)} << {spare}) >> {spare})"


def text(node: Expr) -> str:
    """`node` in C, in parentheses where it is more than a word."""
    args = node.args
    match node.op:
        case "const":
            return _number(int(node.attr or 0), node.width)
        case "var":
            return str(node.attr)
        case "not" if node.width == 1:
            inner = args[0]
            return f"({text(inner.args[0])} != {text(inner.args[1])})" if inner.op == "eq" else f"!{text(inner)}"
        case "not":
            return _masked(f"~{text(args[0])}", node.width)
        case "ite":
            return f"({text(args[0])} ? {text(args[1])} : {text(args[2])})"
        case "slice":
            return _slice(node)
        case "zext":
            return f"({c_type(node.width)}){text(args[0])}"
        case "sext":
            words = f"-({c_type(node.width)}){text(args[0])}" if args[0].width == 1 else f"({c_type(node.width)}){_as_signed(args[0])}"
            return words if node.width in (64, 128) else _masked(f"({words})", node.width)
        case "concat":
            return _concat(node)
        case "ashr":
            return _masked(f"({c_type(node.width)})({_as_signed(args[0])} >> {text(args[1])})", node.width)
        case "slt" | "sle":
            return f"({_as_signed(args[0])} {_SIGNED[node.op]} {_as_signed(args[1])})"
    if args[0].width == 1 and node.op in _LOGICAL:
        return f"({text(args[0])} {_LOGICAL[node.op]} {text(args[1])})"
    if node.op in ("add", "sub", "mul", "shl"):
        return _masked(f"({_operand(args[0])} {_INFIX[node.op]} {_operand(args[1])})", node.width)
    if node.op == "lshr":
        return f"({_operand(args[0])} >> {text(args[1])})"
    if node.op in _INFIX:
        return f"({text(args[0])} {_INFIX[node.op]} {text(args[1])})"
    raise ExprError(f"the C reading must know the operation {node.op!r}")


def _slice(node: Expr) -> str:
    low = int(node.attr or 0)
    inner = text(node.args[0])
    shifted = f"({inner} >> {low})" if low else inner
    if node.width in (8, 16, 32, 64):
        return f"({c_type(node.width)}){shifted}"
    return f"({shifted} & {_number((1 << node.width) - 1, max(node.width, 2))})"


def _concat(node: Expr) -> str:
    place = node.width
    parts = []
    for part in node.args:
        place -= part.width
        words = f"({c_type(node.width)}){text(part)}"
        parts.append(f"({words} << {place})" if place else words)
    return f"({' | '.join(parts)})"
