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
from typing import Any, TypeAlias

from bitspec.expr import Expr

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
        self._context = z3.main_ctx()
        self._c = _C(z3.z3core, self._context.ref())
        self._terms: dict[Expr, Any] = {}
        self._solver = self._limited(z3.SolverFor("QF_BV"))

    def add(self, *facts: Expr) -> None:
        """Assert `facts` (width 1) until the scope they were added in ends."""
        for fact in facts:
            self._c.core.Z3_solver_assert(self._c.context, self._solver.solver, self._ast(fact))

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
        if bits:
            terms = _array([self._ast(one) for one in bits])
            self._c.core.Z3_solver_assert(self._c.context, self._solver.solver, self._c("Z3_mk_atmost", len(bits), terms, most))

    def model(self, *wanted: Expr) -> tuple[int, ...] | None:
        """Values of the expressions `wanted` under which all assertions hold, or None if there are none.  Raises Unknown."""
        return self._model(self._solver, wanted)

    def model_of(self, fact: Expr, *wanted: Expr) -> tuple[int, ...] | None:
        """The same for `fact` alone, whatever is asserted: the quick way for one large question.  Raises Unknown."""
        tactics = ("simplify", "propagate-values", "bit-blast", "sat")
        solver = self._limited(self._z3.Then(*tactics).solver())
        solver.set("burst_search", 1000)  # conflicts before Z3 simplifies the clauses: most questions need fewer than that takes
        self._c.core.Z3_solver_assert(self._c.context, solver.solver, self._ast(fact))
        return self._model(solver, wanted)

    def _limited(self, solver: Any) -> Any:
        """A solver with our seed and limits."""
        solver.set("random_seed", SEED)
        solver.set("rlimit", self.resources)
        if self.timeout is not None:
            solver.set("timeout", max(1, int(self.timeout * 1000)))
        return solver

    def _model(self, solver: Any, wanted: Sequence[Expr]) -> tuple[int, ...] | None:
        z3 = self._z3
        start = time.perf_counter()
        verdict = solver.check()
        self.statistics.queries += 1
        try:
            if verdict == z3.unsat:
                return None
            if verdict == z3.unknown:
                late = self.timeout is not None and time.perf_counter() - start >= self.timeout
                raise Unknown("time-out" if late else _reason(solver.reason_unknown()))
            model = solver.model()
            return tuple(_number(z3, model.eval(self.term(expr), model_completion=True)) for expr in wanted)
        finally:
            self.statistics.seconds += time.perf_counter() - start

    def smt2(self, *facts: Expr) -> str:
        """The question whether all of `facts` can hold, in SMT-LIB 2."""
        solver = self._z3.SolverFor("QF_BV")
        solver.add(*[self.term(fact) for fact in facts])
        return "(set-logic QF_BV)\n" + str(solver.to_smt2())

    def term(self, expr: Expr) -> Any:
        """`expr` as a Z3 term: a Bool where it is 1 bit wide, else a BitVec."""
        return self._z3.z3._to_expr_ref(self._ast(expr), self._context)

    def _ast(self, expr: Expr) -> Any:
        """`expr` as a bare Z3 AST."""
        found = self._terms.get(expr)
        if found is None:
            found = self._terms[expr] = _MAKE[expr.op](self._c, expr, [self._ast(arg) for arg in expr.args])
        return found


def version() -> str:
    """The solver's name and version."""
    import z3

    return f"z3 {z3.get_version_string()}"


def _reason(words: str) -> str:
    """Z3's reason, in ours.  What it says when the resources run out depends on where: "canceled", "no reason given", "max. resource limit exceeded"."""
    if "timeout" in words:
        return "time-out"
    return "resource limit" if any(part in words for part in ("canceled", "resource", "no reason given")) else words


def _number(z3: Any, value: Any) -> int:
    if z3.is_bv_value(value):
        return int(value.as_long())
    return int(z3.is_true(value))


class _C:
    """Z3's C interface, one call a term.

    Its functions are called directly: z3's operators on Python objects coerce and wrap every operand, which would cost more than the solving.  Every term
    made is kept for as long as this object, since Z3 frees what nobody counts a reference to.
    """

    def __init__(self, core: Any, context: Any) -> None:
        self.core, self.context = core, context
        self.kept: list[Any] = []
        self.numerals: dict[tuple[int, int], Any] = {}
        self.sorts: dict[int, Any] = {}

    def __call__(self, name: str, *args: Any) -> Any:
        made = getattr(self.core, name)(self.context, *args)
        self.core.Z3_inc_ref(self.context, made)
        self.kept.append(made)
        return made

    def constant(self, value: int, width: int) -> Any:
        """A BitVec numeral."""
        key = value, width
        if key not in self.numerals:
            sort = self.bits(width)
            self.numerals[key] = self("Z3_mk_unsigned_int64", value, sort) if width <= 64 else self("Z3_mk_numeral", str(value), sort)
        return self.numerals[key]

    def bits(self, width: int) -> Any:
        """The sort of BitVecs of a width."""
        if width not in self.sorts:
            self.sorts[width] = self("Z3_mk_bv_sort", width)
        return self.sorts[width]


# The Z3 reading. Each maker gets the C interface, the node, and its operands' terms.

_Make: TypeAlias = Callable[[_C, Expr, list[Any]], Any]


def _const(c: _C, node: Expr, args: list[Any]) -> Any:
    if node.width == 1:
        return c("Z3_mk_true") if node.attr else c("Z3_mk_false")
    return c.constant(int(node.attr or 0), node.width)


def _var(c: _C, node: Expr, args: list[Any]) -> Any:
    sort = c.core.Z3_mk_bool_sort(c.context) if node.width == 1 else c.bits(node.width)
    return c("Z3_mk_const", c.core.Z3_mk_string_symbol(c.context, str(node.attr)), sort)


def _bits(c: _C, width: int, term: Any) -> Any:
    """A term as a BitVec even where it is one bit wide."""
    if width > 1:
        return term
    return c("Z3_mk_ite", term, c.constant(1, 1), c.constant(0, 1))


def _truth(c: _C, node: Expr, term: Any) -> Any:
    """A BitVec term as the sort its node calls for."""
    return c("Z3_mk_eq", term, c.constant(1, 1)) if node.width == 1 else term


def _array(args: list[Any]) -> Any:
    import z3

    array = (z3.Ast * len(args))()
    for index, arg in enumerate(args):
        array[index] = arg
    return array


def _logic(many: str, two: str) -> _Make:
    def make(c: _C, node: Expr, args: list[Any]) -> Any:
        if node.width == 1:
            return c(many, 2, _array(args))
        return c(two, args[0], args[1])

    return make


def _xor(c: _C, node: Expr, args: list[Any]) -> Any:
    return c("Z3_mk_xor" if node.width == 1 else "Z3_mk_bvxor", *args)


def _not(c: _C, node: Expr, args: list[Any]) -> Any:
    return c("Z3_mk_not" if node.width == 1 else "Z3_mk_bvnot", *args)


def _arithmetic(name: str) -> _Make:
    """Operations on bit-vectors whose operands and result have one width."""

    def make(c: _C, node: Expr, args: list[Any]) -> Any:
        a, b = (_bits(c, node.width, term) for term in args)
        return _truth(c, node, c(name, a, b))

    return make


def _compare(name: str) -> _Make:
    """Comparisons: bit-vectors in, a Bool out."""

    def make(c: _C, node: Expr, args: list[Any]) -> Any:
        a, b = (_bits(c, node.args[0].width, term) for term in args)
        return c(name, a, b)

    return make


def _eq(c: _C, node: Expr, args: list[Any]) -> Any:
    return c("Z3_mk_eq", args[0], args[1])


def _ite(c: _C, node: Expr, args: list[Any]) -> Any:
    return c("Z3_mk_ite", *args)


def _slice(c: _C, node: Expr, args: list[Any]) -> Any:
    low = int(node.attr or 0)
    inner = _bits(c, node.args[0].width, args[0])
    return _truth(c, node, c("Z3_mk_extract", low + node.width - 1, low, inner))


def _concat(c: _C, node: Expr, args: list[Any]) -> Any:
    parts = [_bits(c, arg.width, term) for arg, term in zip(node.args, args, strict=True)]
    result = parts[0]
    for part in parts[1:]:
        result = c("Z3_mk_concat", result, part)
    return result


def _extend(name: str) -> _Make:
    def make(c: _C, node: Expr, args: list[Any]) -> Any:
        width = node.args[0].width
        return c(name, node.width - width, _bits(c, width, args[0]))

    return make


_MAKE: dict[str, _Make] = {
    "const": _const, "var": _var,
    "and": _logic("Z3_mk_and", "Z3_mk_bvand"), "or": _logic("Z3_mk_or", "Z3_mk_bvor"), "xor": _xor, "not": _not,
    "add": _arithmetic("Z3_mk_bvadd"), "sub": _arithmetic("Z3_mk_bvsub"), "mul": _arithmetic("Z3_mk_bvmul"),
    "udiv": _arithmetic("Z3_mk_bvudiv"), "urem": _arithmetic("Z3_mk_bvurem"),
    "shl": _arithmetic("Z3_mk_bvshl"), "lshr": _arithmetic("Z3_mk_bvlshr"), "ashr": _arithmetic("Z3_mk_bvashr"),
    "eq": _eq, "ult": _compare("Z3_mk_bvult"), "ule": _compare("Z3_mk_bvule"), "slt": _compare("Z3_mk_bvslt"), "sle": _compare("Z3_mk_bvsle"),
    "ite": _ite, "slice": _slice, "zext": _extend("Z3_mk_zero_ext"), "sext": _extend("Z3_mk_sign_ext"), "concat": _concat,
}  # fmt: skip
