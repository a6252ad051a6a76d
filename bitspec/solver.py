"""The Z3 reading, and the only module that imports z3.

A :class:`Solver` answers one kind of question: are there values of the variables that make all of these expressions 1?  The answer is a model, none,
or "unknown" with the reason.  Its seed is fixed and its effort is limited by a resource count before it is limited by time, so that the same question
gets the same answer on a fast machine and on a slow one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bitspec.expr import Expr

if TYPE_CHECKING:
    import z3

#: Z3's resource units a single query may use; the hardest built-in query needs less than a hundredth of it.
RESOURCE_LIMIT = 20_000_000
SEED = 2021


class Unknown(Exception):
    """The solver gave up; the message is its reason."""


@dataclass
class Statistics:
    """What a run of the solver cost."""

    queries: int = 0
    seconds: float = 0.0


@dataclass
class Solver:
    """An incremental solver over expressions.

    Args:
        timeout: seconds a single query may take, or None.
        resources: Z3 resource units a single query may use.
    """

    timeout: float | None = None
    resources: int = RESOURCE_LIMIT
    statistics: Statistics = field(default_factory=Statistics)

    def __post_init__(self) -> None:
        import z3

        self._z3 = z3
        self._terms: dict[Expr, Any] = {}
        self._solver = z3.SolverFor("QF_BV")
        self._solver.set("random_seed", SEED)
        self._solver.set("rlimit", self.resources)
        if self.timeout is not None:
            self._solver.set("timeout", max(1, int(self.timeout * 1000)))

    def add(self, *facts: Expr) -> None:
        """Assert `facts` (width 1) until the scope they were added in ends."""
        self._solver.add(*[self.term(fact) for fact in facts])

    @contextmanager
    def scope(self, *facts: Expr) -> Iterator[None]:
        """Assert `facts` inside the with-block only."""
        self._solver.push()
        try:
            self.add(*facts)
            yield
        finally:
            self._solver.pop()

    def add_count(self, bits: Sequence[Expr], most: int) -> None:
        """Assert that at most `most` of `bits` are 1."""
        self._solver.add(self._z3.PbLe([(self.term(one), 1) for one in bits], most))

    def model(self, *wanted: Expr) -> tuple[int, ...] | None:
        """Values of the expressions `wanted` under which all assertions hold, or None if there are none.  Raises Unknown."""
        z3 = self._z3
        start = time.perf_counter()
        verdict = self._solver.check()
        self.statistics.queries += 1
        try:
            if verdict == z3.unsat:
                return None
            if verdict == z3.unknown:
                raise Unknown(_reason(self._solver.reason_unknown()))
            model = self._solver.model()
            return tuple(_number(z3, model.eval(self.term(expr), model_completion=True)) for expr in wanted)
        finally:
            self.statistics.seconds += time.perf_counter() - start

    def smt2(self, *facts: Expr) -> str:
        """The question whether all of `facts` can hold, in SMT-LIB 2."""
        solver = self._z3.SolverFor("QF_BV")
        solver.add(*[self.term(fact) for fact in facts])
        return "(set-logic QF_BV)\n" + solver.to_smt2()

    def term(self, expr: Expr) -> Any:
        """`expr` as a Z3 term: a Bool where it is 1 bit wide, else a BitVec."""
        found = self._terms.get(expr)
        if found is None:
            found = self._terms[expr] = _TERMS[expr.op](self._z3, expr, [self.term(arg) for arg in expr.args])
        return found


def version() -> str:
    """The solver's name and version."""
    import z3

    return "z3 " + z3.get_version_string()


def _reason(text: str) -> str:
    if "canceled" in text or "timeout" in text:
        return "time-out"
    return "resource limit" if "resource" in text else text


def _number(z3: Any, value: Any) -> int:
    if z3.is_bv_value(value):
        return int(value.as_long())
    return int(z3.is_true(value))


def _as_bits(z3: Any, expr: Expr, term: Any) -> Any:
    """A term as a BitVec even where it is one bit wide."""
    return z3.If(term, z3.BitVecVal(1, 1), z3.BitVecVal(0, 1)) if expr.width == 1 else term


def _as_own(z3: Any, node: Expr, term: Any) -> Any:
    """A BitVec term as the sort its width calls for."""
    return term == 1 if node.width == 1 else term


_Make = Callable[["z3", Expr, list[Any]], Any] if TYPE_CHECKING else Any


def _const(z3: Any, node: Expr, args: list[Any]) -> Any:
    return z3.BoolVal(bool(node.attr)) if node.width == 1 else z3.BitVecVal(node.attr, node.width)


def _var(z3: Any, node: Expr, args: list[Any]) -> Any:
    return z3.Bool(node.attr) if node.width == 1 else z3.BitVec(node.attr, node.width)


def _logic(bool_name: str, bits: Callable[..., Any]) -> _Make:
    def make(z3: Any, node: Expr, args: list[Any]) -> Any:
        return getattr(z3, bool_name)(*args) if node.width == 1 else bits(*args)

    return make


def _arithmetic(compute: Callable[[Any, Any, Any], Any]) -> _Make:
    """Operations on bit-vectors whose operands and result have one width."""

    def make(z3: Any, node: Expr, args: list[Any]) -> Any:
        a, b = (_as_bits(z3, arg, term) for arg, term in zip(node.args, args, strict=True))
        return _as_own(z3, node, compute(z3, a, b))

    return make


def _compare(compute: Callable[[Any, Any, Any], Any]) -> _Make:
    """Comparisons: bit-vectors in, a Bool out."""

    def make(z3: Any, node: Expr, args: list[Any]) -> Any:
        return compute(z3, *(_as_bits(z3, arg, term) for arg, term in zip(node.args, args, strict=True)))

    return make


def _slice(z3: Any, node: Expr, args: list[Any]) -> Any:
    low = int(node.attr or 0)
    return _as_own(z3, node, z3.Extract(low + node.width - 1, low, _as_bits(z3, node.args[0], args[0])))


def _concat(z3: Any, node: Expr, args: list[Any]) -> Any:
    return z3.Concat(*[_as_bits(z3, arg, term) for arg, term in zip(node.args, args, strict=True)])


def _extend(name: str) -> _Make:
    def make(z3: Any, node: Expr, args: list[Any]) -> Any:
        inner = node.args[0]
        return getattr(z3, name)(node.width - inner.width, _as_bits(z3, inner, args[0]))

    return make


_TERMS: dict[str, _Make] = {
    "const": _const, "var": _var,
    "and": _logic("And", lambda a, b: a & b),
    "or": _logic("Or", lambda a, b: a | b),
    "xor": _logic("Xor", lambda a, b: a ^ b),
    "not": _logic("Not", lambda a: ~a),
    "add": _arithmetic(lambda z3, a, b: a + b),
    "sub": _arithmetic(lambda z3, a, b: a - b),
    "mul": _arithmetic(lambda z3, a, b: a * b),
    "udiv": _arithmetic(lambda z3, a, b: z3.UDiv(a, b)),
    "urem": _arithmetic(lambda z3, a, b: z3.URem(a, b)),
    "shl": _arithmetic(lambda z3, a, b: a << b),
    "lshr": _arithmetic(lambda z3, a, b: z3.LShR(a, b)),
    "ashr": _arithmetic(lambda z3, a, b: a >> b),
    "eq": lambda z3, node, args: args[0] == args[1],
    "ult": _compare(lambda z3, a, b: z3.ULT(a, b)),
    "ule": _compare(lambda z3, a, b: z3.ULE(a, b)),
    "slt": _compare(lambda z3, a, b: a < b),
    "sle": _compare(lambda z3, a, b: a <= b),
    "ite": lambda z3, node, args: z3.If(*args),
    "slice": _slice,
    "zext": _extend("ZeroExt"),
    "sext": _extend("SignExt"),
    "concat": _concat,
}  # fmt: skip

