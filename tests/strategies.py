"""Random expressions, and values for their variables."""

from collections.abc import Callable

from hypothesis import strategies as st

from bitspec import expr as ex
from bitspec.expr import Expr

#: Narrow ones, machine words, and their neighbours.
WIDTHS = (1, 2, 3, 5, 8, 13, 16, 31, 32, 33, 63, 64, 65, 128)

#: Operations of two operands as wide as their result.
BINARY: dict[str, Callable[[Expr, Expr], Expr]] = {
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "xor": lambda a, b: a ^ b,
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "udiv": ex.udiv,
    "urem": ex.urem,
    "shl": lambda a, b: a << b,
    "lshr": lambda a, b: a >> b,
    "ashr": ex.ashr,
}
COMPARISONS: dict[str, Callable[[Expr, Expr], Expr]] = {"eq": ex.eq, "ult": ex.ult, "ule": ex.ule, "slt": ex.slt, "sle": ex.sle}
#: The rest: not, ite, slice, zext, sext, concat change widths or take another number of operands; const and var end a term.
OTHERS = ("not", "ite", "slice", "zext", "sext", "concat")
OPERATIONS = (*BINARY, *COMPARISONS, *OTHERS)


def constants(width: int) -> st.SearchStrategy[int]:
    """Values that fit: mostly those at which something happens."""
    top = (1 << width) - 1
    corners = {0, 1, top, top >> 1, 1 << (width - 1), min(width, top), min(width - 1, top), top & 0xF0F0F0F0F0F0F0F0, top & ~1}
    return st.one_of(st.sampled_from(sorted(corners)), st.integers(0, top))


def variable(name: str, width: int) -> Expr:
    """The variable of this name at this width; the width is part of the name, so that no two have the same."""
    return ex.var(f"{name}{width}", width)


@st.composite
def leaves(draw: st.DrawFn, width: int) -> Expr:
    """A constant or one of two variables."""
    if draw(st.integers(0, 3)) == 0:
        return ex.const(draw(constants(width)), width)
    return variable(draw(st.sampled_from("xy")), width)


@st.composite
def expressions(draw: st.DrawFn, width: int | None = None, depth: int = 4, widths: tuple[int, ...] = WIDTHS, without: tuple[str, ...] = ()) -> Expr:
    """An expression of any operation but those in `without`, `width` bits wide, with widths from `widths` below."""
    if width is None:
        width = draw(st.sampled_from(widths))
    if depth == 0 or draw(st.integers(0, 7)) == 0:
        return draw(leaves(width))
    possible = [op for op in OPERATIONS if op not in without and _fits(op, width, widths)]
    return draw(applications(draw(st.sampled_from(possible)), width, depth, widths, without))


def _fits(op: str, width: int, widths: tuple[int, ...]) -> bool:
    if op in COMPARISONS:
        return width == 1
    if op == "slice":
        return width < max(widths)
    if op in ("zext", "sext"):
        return width > min(widths)
    if op == "concat":
        return any(width - part in widths for part in widths)
    return True


@st.composite
def applications(draw: st.DrawFn, op: str, width: int, depth: int = 1, widths: tuple[int, ...] = WIDTHS, without: tuple[str, ...] = ()) -> Expr:
    """The operation `op` on random operands, with a result `width` bits wide."""

    def below(size: int) -> Expr:
        return draw(expressions(size, depth - 1, widths, without))

    if op in BINARY:
        left = below(width)
        if op in ("shl", "lshr", "ashr") and draw(st.booleans()):  # an amount below the width, as kernels have them
            return BINARY[op](left, ex.const(draw(st.integers(0, min(width, (1 << width) - 1))), width))
        return BINARY[op](left, below(width))
    if op in COMPARISONS:
        size = draw(st.sampled_from(widths))
        return COMPARISONS[op](below(size), below(size))
    if op == "not":
        return ~below(width)
    if op == "ite":
        return ex.ite(below(1), below(width), below(width))
    if op == "slice":
        size = draw(st.sampled_from([one for one in widths if one > width]))
        low = draw(st.integers(0, size - width))
        return ex.bits(below(size), low + width - 1, low)
    if op in ("zext", "sext"):
        size = draw(st.sampled_from([one for one in widths if one < width]))
        return getattr(ex, op)(below(size), width)
    size = draw(st.sampled_from([one for one in widths if width - one in widths]))
    return ex.concat(below(size), below(width - size))


def can_make(op: str, width: int, widths: tuple[int, ...] = WIDTHS) -> bool:
    """Whether :func:`applications` has operands for `op` at this width."""
    return _fits(op, width, widths)


@st.composite
def values(draw: st.DrawFn, root: Expr) -> dict[Expr, int]:
    """A value for every free variable of `root`."""
    return {name: draw(constants(name.width)) for name in ex.variables(root)}


@st.composite
def evaluations(draw: st.DrawFn, width: int | None = None, depth: int = 4, **options: tuple) -> tuple[Expr, dict[Expr, int]]:
    """An expression and a value for each of its variables."""
    root = draw(expressions(width, depth, **options))
    return root, draw(values(root))
