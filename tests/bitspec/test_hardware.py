"""The MMU: exactly one outcome for every entry, and what the updates write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitspec.expr import FALSE, TRUE, Expr, ExprError, and_, bit, const, eq, or_, ult, var, variables
from bitspec.fields import LayoutError
from bitspec.hardware import OUTCOMES, Access, Circumstance, Update, decide
from bitspec.read.as_int import evaluate, function
from bitspec.vocabulary import Level
from tests import toy
from tests.strategies import expressions, values

E = var("e", 8)
SOMEWHERE = const(0, 64)


def outcomes(walk, at: dict[Expr, int]) -> list[str]:
    return [name for name in OUTCOMES if evaluate(getattr(walk, name), at)]


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: decide(("absent", TRUE), otherwise="invalid"), "an outcome must be one of invalid, refused, reserved, table, leaf, not 'absent'"),
        (lambda: decide(otherwise="Leaf", frame=SOMEWHERE), "an outcome must be one of invalid, refused, reserved, table, leaf, not 'Leaf'"),
        (lambda: decide(("invalid", bit(E, 0)), otherwise="leaf"), "a walk that ends in a table or a leaf must say where it leads"),
        (lambda: decide(("table", bit(E, 0)), otherwise="leaf", frame=SOMEWHERE), "a walk that ends in a table or a leaf must say where it leads"),
        (lambda: decide(("leaf", E), otherwise="invalid", frame=SOMEWHERE), "an operand of not_ must be 1 bit wide, not 8"),
    ],
)
def test_diagnostic(build, sentence):
    with pytest.raises(ExprError) as caught:
        build()
    assert str(caught.value) == sentence


def test_a_folded_level():
    with pytest.raises(LayoutError) as caught:
        toy.HARDWARE.level(Level.PUD)
    assert str(caught.value) == "pud is folded in toy small"


CASES = st.lists(st.tuples(st.sampled_from(OUTCOMES), expressions(1, 2)), max_size=5)


@given(CASES, st.sampled_from(OUTCOMES), st.data())
def test_exactly_one_outcome_and_it_is_the_first_that_holds(cases, otherwise, data):
    walk = decide(*cases, otherwise=otherwise, address=SOMEWHERE, frame=SOMEWHERE)
    at = data.draw(values(and_(TRUE, *(condition for _, condition in cases))))
    expected = next((outcome for outcome, condition in cases if evaluate(condition, at)), otherwise)
    assert outcomes(walk, at) == [expected]


@pytest.mark.parametrize("entry", range(256))
def test_exactly_one_outcome_for_every_byte(entry):
    walk = decide(
        ("invalid", eq(E, 0)),
        ("reserved", bit(E, 7)),
        ("invalid", ult(E, 8)),
        ("refused", or_(bit(E, 1), bit(E, 2))),
        ("table", FALSE),
        ("leaf", bit(E, 6)),
        ("table", bit(E, 5)),
        otherwise="refused",
        address=SOMEWHERE,
        frame=SOMEWHERE,
    )
    expected = (
        "invalid"
        if entry == 0
        else "reserved"
        if entry >> 7
        else "invalid"
        if entry < 8
        else "refused"
        if entry & 6
        else "leaf"
        if entry & 64
        else "table"
        if entry & 32
        else "refused"
    )
    assert outcomes(walk, {E: entry}) == [expected]


def test_no_cases():
    walk = decide(otherwise="invalid")
    assert outcomes(walk, {}) == ["invalid"]
    assert walk.invalid == TRUE


@pytest.mark.parametrize(("level", "access"), [(Level.PTE, Access.LOAD), (Level.PMD, Access.STORE)])
def test_every_entry_of_the_toy_has_one_outcome(level, access):
    entry = var("entry", 16)
    walk = toy.HARDWARE.level(level).walk(entry, access, {"CHECKED": TRUE})
    runs = [function(getattr(walk, name), entry) for name in OUTCOMES]
    assert all(sum(run(value) for run in runs) == 1 for value in range(1 << 16))


def test_the_toy_walk():
    entry = var("entry", 16)

    def at(value: int, access: Access = Access.LOAD) -> str:
        walk = toy.HARDWARE.level(Level.PMD).walk(entry, access, toy.HARDWARE.context)
        return outcomes(walk, {entry: value, var("CHECKED", 1): 1})[0]

    assert at(0xFFFE) == "invalid"
    assert at(0x0411) == "leaf"
    assert at(0x0511) == "reserved"
    assert at(0x0501) == "table"
    assert at(0x0411, Access.STORE) == "refused"
    assert at(0x0413, Access.STORE) == "leaf"


# Updates and circumstances


@given(st.integers(0, 255))
def test_an_update_happens_only_where_it_may(entry):
    update = Update("A", lambda e: bit(e, 0), lambda e: e | 0x20, "the manual")
    assert evaluate(update.apply(E), {E: entry}) == (entry | 0x20 if entry & 1 else entry)


def test_circumstances():
    width = Circumstance("MAXPHYADDR", 6, "address bits", lambda value: ult(value, 53))
    assert width.variable == var("MAXPHYADDR", 6)
    assert toy.HARDWARE.context == {"CHECKED": var("CHECKED", 1)}
    assert toy.HARDWARE.known() == (var("CHECKED", 1),)
    assert variables(width.holds(width.variable)) == (width.variable,)


def test_a_level_has_its_views_width():
    assert toy.HARDWARE.level(Level.PTE).width == 16
