"""The Z3 reading against the int reading, and what the solver says when it gives up."""

import pytest
import z3
from hypothesis import example, given, seed, settings
from hypothesis import strategies as st

from bitspec.expr import FALSE, TRUE, ashr, bit, const, eq, ite, ne, not_, or_, udiv, ugt, ult, urem, var, variables, zext
from bitspec.read.as_int import evaluate
from bitspec.solver import SEED, Solver, Unknown, version
from tests.strategies import COMPARISONS, OPERATIONS, applications, can_make, evaluations, expressions, values

X, Y, A = var("x", 8), var("y", 8), var("a", 1)
P, Q = var("p", 64), var("q", 64)
#: The factors of a product of two primes of 31 bits: too much for a query that may not cost much.
HARD = (eq(P * Q, 2147483647 * 2147483629), ugt(P, 1), ugt(Q, 1), ult(P, 1 << 32), ult(Q, 1 << 32))

SHARED = Solver()


def value(e, at):
    """The value of `e` as Z3 has it, under these values of its variables."""
    with SHARED.scope(*[eq(name, number) for name, number in at.items()]):
        found = SHARED.model(e)
    assert found is not None
    return found[0]


# Both readings


@pytest.mark.parametrize("op", [*OPERATIONS, "const", "var"])
@seed(SEED)
@settings(max_examples=12)
@given(data=st.data())
def test_every_operation(op, data):
    width = data.draw(st.sampled_from((1, 32, 64, 128)))
    if op == "const":
        e = const(data.draw(st.integers(0, (1 << width) - 1)), width)
    elif op == "var":
        e = var("v", width)
    elif op in COMPARISONS:  # at the operands' width
        e = data.draw(applications(op, 1, 2, (width,)))
    elif can_make(op, width):
        e = data.draw(applications(op, width, 2))
    elif op == "slice":
        e = data.draw(applications(op, width, 2, (width, 2 * width)))
    else:  # nothing is widened to one bit: from one bit
        e = data.draw(applications(op, 2 * width, 2, (width, 2 * width)))
    at = data.draw(values(e))
    assert value(e, at) == evaluate(e, at)


@seed(SEED)
@given(evaluations(depth=5))
@example((udiv(X, Y), {X: 7, Y: 0}))
@example((urem(X, Y), {X: 7, Y: 0}))
@example((X << Y, {X: 255, Y: 8}))
@example((ashr(X, Y), {X: 128, Y: 255}))
@example((udiv(A, A), {A: 0}))
@example((A + A, {A: 1}))
@example((A << A, {A: 1}))
def test_random_expressions(pair):
    e, at = pair
    assert value(e, at) == evaluate(e, at)


@seed(SEED)
@given(expressions(1, 3, widths=(1, 2, 3)))
def test_a_model_satisfies_and_none_means_none(fact):
    free = variables(fact)
    solver = Solver()
    with solver.scope(fact):
        found = solver.model(*free)
    if found is not None:
        assert evaluate(fact, dict(zip(free, found, strict=True))) == 1
    else:
        assert all(evaluate(fact, at) == 0 for at in assignments(free[:5], free[5:]))


def assignments(some, others):
    """Every value of `some` variables, with 0 for the others."""
    at = dict.fromkeys(others, 0)
    for number in range(1 << sum(name.width for name in some)):
        for name in some:
            at[name] = number & (1 << name.width) - 1
            number >>= name.width
        yield at


# Assertions and scopes


def test_scopes_nest_and_end():
    solver = Solver()
    solver.add(ult(X, 10))
    with solver.scope(ugt(X, 5)):
        with solver.scope(ne(X, 6), ne(X, 7), ne(X, 8)):
            assert solver.model(X) == (9,)
        with solver.scope(ugt(X, 9)):
            assert solver.model(X) is None
        assert solver.model() == ()
    with solver.scope(eq(X, 3)):
        assert solver.model(X, X + Y - Y, const(7, 4), TRUE) == (3, 3, 7, 1)


def test_a_scope_ends_when_its_block_fails():
    solver = Solver()
    with pytest.raises(RuntimeError), solver.scope(FALSE):
        raise RuntimeError
    assert solver.model() == ()


def test_variables_nothing_is_said_of_have_a_value():
    found = Solver().model(X, A, P)
    assert found is not None
    assert all(0 <= one < 1 << name.width for one, name in zip(found, (X, A, P), strict=True))


@pytest.mark.parametrize("most", range(4))
def test_count(most):
    solver = Solver()
    solver.add_count([bit(X, index) for index in range(8)], most)
    with solver.scope(eq(X & 7, 7)):
        found = solver.model(X)
    if most < 3:
        assert found is None
    else:
        assert found == (7,)


def test_solvers_do_not_share_assertions():
    one, other = Solver(), Solver()
    one.add(FALSE)
    assert one.model() is None
    assert other.model() == ()


def test_widths_tell_variables_apart():
    """A variable is its name and its width: two of one name are two variables."""
    solver = Solver()
    solver.add(eq(var("v", 1), 1), eq(var("v", 8), 0), eq(var("v", 64), 5))
    assert solver.model(var("v", 1), var("v", 8), var("v", 64)) == (1, 0, 5)


def test_queries_are_counted():
    solver = Solver()
    solver.model()
    solver.model(X)
    assert solver.statistics.queries == 2
    assert solver.statistics.seconds >= 0


# Giving up


def test_out_of_resources():
    solver = Solver(resources=1)
    solver.add(*HARD)
    with pytest.raises(Unknown) as caught:
        solver.model(P, Q)
    assert str(caught.value) == "resource limit"


@pytest.mark.parametrize(
    "resources",
    [1_000, 1_000_000],
)
def test_out_of_resources_in_the_search(resources):
    solver = Solver(resources=resources)
    with solver.scope(*HARD), pytest.raises(Unknown) as caught:
        solver.model(P, Q)
    assert str(caught.value) == "resource limit"


def test_out_of_time():
    """Of a question that no machine answers before its clock has been looked at."""
    solver = Solver(timeout=0.01)
    solver.add(eq(zext(P, 128) * zext(Q, 128), (1 << 127) - 1), ugt(P, 1), ugt(Q, 1))
    with pytest.raises(Unknown) as caught:
        solver.model(P, Q)
    assert str(caught.value) == "time-out"


def test_a_limit_is_per_query():
    solver = Solver(resources=20_000)
    with solver.scope(*HARD), pytest.raises(Unknown):
        solver.model()
    for number in range(20):
        with solver.scope(eq(X, number)):
            assert solver.model(X) == (number,)


def test_unknown_is_never_an_answer():
    """Whatever the limit, a query is answered rightly or not at all."""
    for resources in (1, 10, 100, 1_000, 10_000):
        solver = Solver(resources=resources)
        solver.add(eq(P * Q, 35), ugt(P, 1), ugt(Q, 1), ult(P, 16), ult(Q, P))
        try:
            assert solver.model(P, Q) == (7, 5)
        except Unknown:
            continue


# SMT-LIB


@seed(SEED)
@settings(max_examples=25)
@given(expressions(1, 3))
def test_smt2_parses_back_to_the_same_question(fact):
    solver = Solver()
    text = solver.smt2(fact)
    again = z3.SolverFor("QF_BV")
    again.set("rlimit", 2_000_000)
    again.from_string(text)
    answer = again.check()
    with solver.scope(fact):
        try:
            found = solver.model()
        except Unknown:
            return
    assert answer in (z3.unknown, z3.unsat if found is None else z3.sat)


def test_smt2_text():
    text = Solver().smt2(ult(zext(X, 16), 4), or_(A, not_(eq(X, 1))), eq(var("swap+x.1", 1), ite(A, 1, A)))
    assert text.startswith("(set-logic QF_BV)\n")
    assert text.count("(set-logic") == 1
    assert "(check-sat)" in text
    assert {"x", "a", "swap+x.1"} == {str(name) for fact in z3.parse_smt2_string(text) for name in z3.z3util.get_vars(fact)}


def test_smt2_asks_only_of_its_facts():
    solver = Solver()
    solver.add(FALSE)
    again = z3.Solver()
    again.from_string(solver.smt2(eq(X, 1)))
    assert again.check() == z3.sat


def test_version():
    assert version() == f"z3 {z3.get_version_string()}"
