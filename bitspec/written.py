"""Expressions that somebody wrote down: text in Python's syntax, read by a whitelist and never run.

The constructors and operators of :mod:`bitspec.expr` mean what they mean there, so that what ``repr`` writes is read back.  Beside them stand the names a
kernel developer would use: an argument by its name, a field's mask by the field's name, another helper as a call, and ``extract(entry, FIELD)`` and
``insert(value, FIELD)`` for a field's value::

    and_(ne(pmd, 0), pmd_present(pmd), none_of(pmd, PTE_TABLE_BIT))

The text may come from anywhere: its length, its depth and the widths in it are limited.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Mapping
from operator import add, and_, lshift, mul, or_, rshift, sub, xor
from typing import Any, Final

from bitspec import expr
from bitspec.expr import Expr, ExprError
from bitspec.layout import Kernel

LENGTH: Final = 1 << 18
DEPTH: Final = 150
WIDTH: Final = 256

_OPERATORS: Final[Mapping[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.BitAnd: and_, ast.BitOr: or_, ast.BitXor: xor, ast.Add: add, ast.Sub: sub, ast.Mult: mul, ast.LShift: lshift, ast.RShift: rshift,
}  # fmt: skip

#: What each constructor takes: e an expression, o one or a number, n a number, w a width; a star for any number of what stands before it.
_TAKES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("udiv", "urem", "eq", "ne", "ult", "ule", "ugt", "uge", "slt", "sle"), "oo"),
    **dict.fromkeys(("any_of", "none_of", "all_of", "clear", "bit"), "en"),
    **dict.fromkeys(("zext", "sext", "trunc"), "ew"),
    **dict.fromkeys(("and_", "or_", "concat"), "e*"),
    **dict.fromkeys(("implies", "iff"), "ee"),
    "not_": "e", "ashr": "eo", "ite": "eoo", "bits": "enn", "const": "nw",
}  # fmt: skip


class _Placed(ExprError):
    """An error that says where."""


def parse(text: str) -> ast.expr:
    """The syntax of an expression.  Raises ExprError for what is none, is too long or too deep."""
    if len(text) > LENGTH:
        raise ExprError(f"an expression must have at most {LENGTH} characters, not {len(text)}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's opinion of what is no Python is no output of ours
            tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise ExprError(f"an expression must be one: {error.msg}{_at(error.lineno, error.offset)}") from None
    except (ValueError, RecursionError, MemoryError) as error:  # a zero byte; what is too deep for Python's parser
        raise ExprError(f"an expression must be one: {error or 'too deep'}") from None
    level: list[ast.AST] = [tree]
    for _ in range(DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return tree
    raise ExprError(f"an expression must be at most {DEPTH} deep")


def _at(line: int | None, column: int | None) -> str:
    return f" at column {column}" if line == 1 else f" at line {line}, column {column}"


def build(tree: ast.expr, k: Kernel, params: Mapping[str, Expr]) -> Expr:
    """The expression, as the helper of a kernel.

    Raises ExprError for what is not in the language, LayoutError for a name the kernel does not have, Absent and VocabularyError for a helper.
    """
    made = _Reader(k, params).value(tree)
    if not isinstance(made, Expr):
        raise ExprError(f"an expression must be made of the arguments, or be const(value, width), not the number {made:#x}")
    return made


class _Reader:
    """One expression, being built."""

    def __init__(self, k: Kernel, params: Mapping[str, Expr]) -> None:
        self.k = k
        self.params = params

    def value(self, node: ast.expr) -> Expr | int:
        try:
            made = self._value(node)
        except ExprError as error:
            if isinstance(error, _Placed):
                raise
            raise _Placed(f"{error}{_at(node.lineno, node.col_offset + 1)}") from None
        if isinstance(made, Expr) and made.width > WIDTH:
            raise self._error(node, f"an expression must be at most {WIDTH} bits wide, not {made.width}")
        if isinstance(made, int) and not 0 <= made < 1 << WIDTH:
            raise self._error(node, f"a number must not be negative, and fit into {WIDTH} bits")
        return made

    def _value(self, node: ast.expr) -> Expr | int:
        match node:
            case ast.Constant(value=int(number)) if not isinstance(number, bool):
                return number
            case ast.Name(id=name):
                return self._named(name)
            case ast.UnaryOp(op=ast.Invert(), operand=operand):
                inner = self.value(operand)
                if isinstance(inner, int):
                    raise self._error(node, "a number has no width to take its complement in: write clear(entry, mask)")
                return ~inner
            case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _OPERATORS:
                return self._combined(node, type(operator), self.value(left), self.value(right))
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                return self._called(node, name, args)
        raise self._error(node, f"{ast.unparse(node)[:40]!r} is not in the language")

    def _combined(self, node: ast.expr, operator: type[ast.operator], left: Expr | int, right: Expr | int) -> Expr | int:
        if isinstance(left, int):
            if isinstance(right, Expr):
                left = expr.const(left, right.width)
            elif operator is ast.LShift and right > WIDTH:
                raise self._error(node, f"a number must be shifted by at most {WIDTH}")
        made: Expr | int = _OPERATORS[operator](left, right)
        return made

    def _named(self, name: str) -> Expr | int:
        if name in self.params:
            return self.params[name]
        if name in ("TRUE", "FALSE"):
            return expr.TRUE if name == "TRUE" else expr.FALSE
        numbers = self.k.layout.numbers
        return numbers[name] if name in numbers else self.k[name]

    def _called(self, node: ast.expr, name: str, args: list[ast.expr]) -> Expr:
        if name == "var":
            return self._variable(node, args)
        if name in ("extract", "insert"):
            return self._field(node, name, args)
        if name not in _TAKES:
            called = self.k.layout.helper(name)
            return called(*[self.value(arg) for arg in args])
        takes = _TAKES[name]
        if takes.endswith("*"):
            takes = takes[0] * len(args)
        if len(takes) != len(args):
            raise self._error(node, f"{name} must be given {len(takes)} arguments, not {len(args)}")
        values = [self.value(arg) for arg in args]
        for kind, value, arg in zip(takes, values, args, strict=True):
            if kind == "e" and isinstance(value, int):
                raise self._error(arg, f"{name} must be given an expression, not the number {value:#x}")
            if kind in "nw" and isinstance(value, Expr):
                raise self._error(arg, f"{name} must be given a number, not an expression")
            if kind == "w" and isinstance(value, int) and value > WIDTH:
                raise self._error(arg, f"a width must be at most {WIDTH}, not {value}")
        made: Expr = getattr(expr, name)(*values)
        return made

    def _variable(self, node: ast.expr, args: list[ast.expr]) -> Expr:
        match args:
            case [ast.Constant(value=str(name)), ast.Constant(value=int(width))]:
                found = self.params.get(name)
                if found is None or found.width != width:
                    known = ", ".join(f"var({name!r}, {one.width})" for name, one in self.params.items())
                    raise self._error(node, f"a variable must be an argument: {known or 'there is none'}")
                return found
        raise self._error(node, "a variable must be var(NAME, WIDTH)")

    def _field(self, node: ast.expr, name: str, args: list[ast.expr]) -> Expr:
        match args:
            case [what, ast.Name(id=field)]:
                value, one = self.value(what), self.k.field(field)
                if isinstance(value, Expr):
                    return expr.zext(one.extract(value), value.width) if name == "extract" else one.insert(value, value.width)
        raise self._error(node, f"it must be {name}(EXPRESSION, FIELD)")

    def _error(self, node: ast.expr, words: str) -> ExprError:
        return _Placed(f"{words}{_at(node.lineno, node.col_offset + 1)}")
