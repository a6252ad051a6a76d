"""The engine: verdicts, preconditions, witnesses, and what it does when something is wrong with itself."""

import itertools
import random
from dataclasses import dataclass, replace
from functools import cache

import pytest

from bitspec.expr import Expr, and_, any_of, const, eq, ne, not_, or_, uge, ugt, ult, var, variables, zext
from bitspec.fields import Field, Owner
from bitspec.layout import CONFIGS
from bitspec.read.as_int import evaluate
from bitspec.solver import Solver
from bitspec.vocabulary import Level
from bitspec.witness import Witness
from proofs import check
from proofs.check import Checker, InternalError, Result, Verdict, reread
from proofs.claim import Claim, Goal, Scene, claim
from proofs.known import Known
from proofs.preconditions import Given, Precondition
from proofs.state import Lacking
from proofs.subjects import rows
from tests import toy

X, Y = var("x", 8), var("y", 8)
P, Q = var("p", 64), var("q", 64)
SMALL = Precondition("x < 16", "this test")
OTHER = Precondition("y is odd", "this test")
#: More than a query may cost: no 33-bit number times another is this prime.
HARD = and_(eq(P * Q, 0xFFFFFFFFFFFFFFC5), ugt(P, 1), ugt(Q, 1), ult(P, 1 << 32), ult(Q, 1 << 32))


@dataclass(frozen=True)
class Thing:
    name: str = "thing"


def made(goal, *codes: str, name: str = "thing-broken", about=lambda scene: (Thing(),)) -> Claim:
    """A claim about a thing."""

    def statement(k, subject):
        """A thing is as it should be."""
        return goal if isinstance(goal, (Goal, Expr)) else goal(k, subject)

    return claim(name, *(codes or ("LAY899/pte",)), about=about)(statement)


@pytest.fixture
def ask(monkeypatch):
    """Ask claims of this test's own about the toy."""

    def run(*those: Claim, layout=None, levels=(Level.PTE,), resources: int | None = None, **options) -> list[Result]:
        monkeypatch.setattr(check, "claims", lambda: those)
        if resources is not None:
            monkeypatch.setattr(check, "Solver", lambda timeout: Solver(timeout, resources))
        return list(Checker(**options).check(layout or toy.layout(), levels))

    return run


BOTH = pytest.mark.parametrize("simplify", [True, False])


# Verdicts


@BOTH
@pytest.mark.parametrize(
    ("holds", "given", "verdict", "witness"),
    [
        (eq(X & 0xF0, X & 0xF0), (), Verdict.PROVED, None),
        (ult(X & 0x0F, 16), (), Verdict.PROVED, None),
        (eq((X & 0xF0) & (Y & 0xF0), X & Y), (), Verdict.REFUTED, Witness(1, ((X, 1), (Y, 1)), False)),
        (eq(X * 2, X + X), (), Verdict.PROVED, None),
        (ne(X, 0x22), (), Verdict.REFUTED, Witness(0x22, ((X, 0x22),), True)),
        (ult(X, 3), (), Verdict.REFUTED, Witness(4, ((X, 4),), False)),
        (ult(X, 32), (SMALL.holds(ult(X, 16)),), Verdict.PROVED, None),
        (ult(X, 8), (SMALL.holds(ult(X, 16)),), Verdict.REFUTED, Witness(8, ((X, 8),), False)),
        (ne(X, 9), (SMALL.holds(ult(X, 16)), OTHER.holds(eq(X & 1, 1))), Verdict.REFUTED, Witness(9, ((X, 9),), True)),
        (any_of(X | 1, 1), (SMALL.holds(ult(X, 16)),), Verdict.PROVED, None),
        (const(0, 1), (), Verdict.REFUTED, Witness(0, ((X, 0),), False)),
    ],
)
def test_verdict(ask, simplify, holds, given, verdict, witness):
    (result,) = ask(made(Goal(holds, given, X, (X,))), simplify=simplify)
    assert result.verdict is verdict
    assert result.witness == witness
    assert result.given == tuple(one.precondition.name for one in given)
    assert result.failed == (verdict is Verdict.REFUTED)
    assert result.reason is None


@BOTH
def test_claims_asked_together_are_answered_apart(ask, simplify):
    goals = [Goal(ne(X * 3, number), (), X, (X,)) for number in range(6)]
    goals += [Goal(ne(X * 2, 7), (), X, (X,)), Goal(ult(X, 200), (SMALL.holds(ult(X, 16)),), X, (X,))]
    found = ask(*[made(goal, f"LAY{880 + place}/pte") for place, goal in enumerate(goals)], simplify=simplify)
    assert [one.code for one in found] == [f"LAY{880 + place}" for place in range(8)]
    assert [one.verdict for one in found] == [Verdict.REFUTED] * 6 + [Verdict.PROVED] * 2
    assert [one.witness.entry * 3 % 256 for one in found[:6]] == list(range(6))
    assert all(one.witness.unique for one in found[:6])


def test_equal_questions_share_a_witness(ask, monkeypatch):
    searched = []
    canonical = check.canonical
    monkeypatch.setattr(check, "canonical", lambda *args: searched.append(args) or canonical(*args))
    goals = [Goal(ult(X, 3), (), X, (X,)), Goal(ult(X, 3), (), X, (X,)), Goal(ult(X, 3), (), X + 1, (X,)), Goal(ult(X, 4), (), X, (X,))]
    found = ask(*[made(goal, f"LAY{880 + place}") for place, goal in enumerate(goals)], levels=(Level.PTE, Level.PMD))
    assert [one.witness.entry for one in found] == [4, 4, 0, 4] * 2
    assert [dict(one.witness.inputs)[X] for one in found] == [4, 4, 255, 4] * 2
    assert len(searched) == 3


def test_a_result_says_what_was_asked(ask):
    (result,) = ask(made(Goal(ult(X, 3), (), X, (X,)), "LAY899/pte,pmd"), levels=(Level.PMD,))
    assert result.key == ("LAY899", "thing", "toy", "linux-0.1", "small", "default", "pmd")
    assert result.layout.name == "toy@linux-0.1"
    assert result.level is Level.PMD
    assert str(result.verdict) == "refuted"


def test_codes_and_levels(ask):
    one = made(Goal(const(1, 1), (), X), "PTE198", "PMD298")
    other = made(Goal(const(1, 1), (), X), "LAY899")
    everywhere = ask(one, other, levels=Level)
    assert [(result.code, str(result.level)) for result in everywhere] == [
        ("PTE198", "pte"),
        ("LAY899", "pte"),
        ("PMD298", "pmd"),
        ("LAY899", "pmd"),
        ("LAY899", "pud"),
    ]
    chosen = list(Checker().check(toy.layout(), Level, frozenset({"PMD298"})))
    assert [result.code for result in chosen] == ["PMD298"]


# Not applicable


def test_not_applicable_has_a_reason(ask):
    present = made(lambda k, s: k.uffd_wp(s.entry), about=rows("leaf"))
    missing = made(lambda k, s: k.present(s.entry), about=rows("leaf-devmap"))
    (by_helper,) = ask(present)
    (by_state,) = ask(missing)
    (folded,) = ask(made(Goal(const(0, 1), (), X), "LAY899"), levels=(Level.PUD,))
    (by_config,) = ask(made(lambda k, s: k.soft_dirty(s.entry), about=rows("leaf")), layout=toy.layout(CONFIGS[-1]))
    assert {one.verdict for one in (by_helper, by_state, folded, by_config)} == {Verdict.NOT_APPLICABLE}
    assert by_helper.reason == "pte_uffd_wp does not exist in toy@linux-0.1"
    assert by_state.reason == "pte_mkdevmap does not exist in toy@linux-0.1"
    assert (folded.subject, folded.reason) == ("pud", "pud is folded in variant small")
    assert by_config.reason == "pte_soft_dirty needs CONFIG_MEM_SOFT_DIRTY, which config minimal is without"


def test_a_typo_in_a_claim_is_not_not_applicable(ask):
    with pytest.raises(ValueError, match="unknown helper 'pte_presnt'; did you mean 'pte_present'"):
        ask(made(lambda k, s: k.presnt(s.entry), about=rows("leaf")))


# Internal errors


@BOTH
@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ((ult(X, 0),), "x < 0"),
        ((ult(X, 5), ugt(X, 5)), "x < 5 and 5 < x"),
        ((const(0, 1),), "false"),
        ((eq(X * 2, 7),), None),
    ],
)
@pytest.mark.parametrize("holds", [const(1, 1), eq(X, X), ult(X, 200), const(0, 1)])
def test_a_vacuous_claim_is_an_internal_error(ask, simplify, facts, words, holds):
    with pytest.raises(InternalError) as caught:
        ask(made(Goal(holds, tuple(SMALL.holds(fact) for fact in facts), X, (X,))), simplify=simplify)
    assert str(caught.value).startswith("LAY899 about thing at pte assumes what cannot be: ")
    if words is not None:
        assert str(caught.value) == f"LAY899 about thing at pte assumes what cannot be: {words}"


@BOTH
def test_a_rare_value_is_not_vacuous(ask, simplify):
    rare = and_(eq(P * 0x10001, 0x123456789ABCDEF), ugt(P, 77))
    (result,) = ask(made(Goal(ne(P, 0), (SMALL.holds(rare),), P, (P,))), simplify=simplify)
    assert result.verdict is Verdict.PROVED


def test_a_witness_the_int_reading_does_not_confirm_is_an_internal_error(ask, monkeypatch):
    goal = Goal(ult(X, 16), (), X, (X,))
    monkeypatch.setattr(check, "canonical", lambda *asked: Witness(3, ((X, 3),), False))
    with pytest.raises(InternalError, match=r"^LAY899: the readings disagree: 0x3 refutes the claim for z3 and satisfies it as ints$"):
        ask(made(goal))


@pytest.mark.parametrize(
    ("witness", "sentence"),
    [
        (Witness(17, ((X, 16),), False), "LAY899: the readings disagree about the witness's entry 0x11"),
        (Witness(3, ((X, 3),), False), "LAY899: the readings disagree: 0x3 refutes the claim for z3 and satisfies it as ints"),
        (Witness(33, ((X, 33),), False), "LAY899: the readings disagree: the witness 0x21 violates x < 16"),
    ],
)
def test_a_witness_is_read_again(witness, sentence):
    goal = Goal(ult(X, 16), (SMALL.holds(ult(X, 32)),), X, (X,))
    with pytest.raises(InternalError) as caught:
        reread(goal, witness, "LAY899")
    assert str(caught.value) == sentence
    reread(goal, Witness(20, ((X, 20),), False), "LAY899")


# Unknown


@BOTH
@pytest.mark.parametrize("known", [False, True])
def test_unknown_stays_unknown(ask, simplify, known):
    entry = Known("LAY899", ("thing",), ("linux-0.1",), ("pte",), "latent", "for this test")
    (result,) = ask(made(Goal(not_(HARD), (), P, (P, Q))), resources=1000, simplify=simplify, known=(entry,) if known else ())
    assert result.verdict is Verdict.UNKNOWN
    assert result.reason
    assert result.witness is None
    assert not result.failed


def test_unknown_by_time(ask):
    """Of a question that no machine answers before its clock has been looked at."""
    hopeless = and_(eq(zext(P, 128) * zext(Q, 128), (1 << 127) - 1), ugt(P, 1), ugt(Q, 1))
    (result,) = ask(made(Goal(not_(hopeless), (), P, (P, Q))), timeout=0.01)
    assert (result.verdict, result.reason) == (Verdict.UNKNOWN, "time-out")


@BOTH
def test_unknown_whether_it_is_vacuous_is_unknown(ask, simplify):
    for holds in (const(1, 1), ult(P, 3)):
        (result,) = ask(made(Goal(holds, (SMALL.holds(HARD),), P, (P, Q))), resources=1000, simplify=simplify)
        assert result.verdict is Verdict.UNKNOWN
        assert result.reason


def test_one_hard_question_does_not_spoil_the_others(ask):
    easy = made(Goal(ne(X * 3, 6), (), X, (X,)), "LAY897/pte")
    true = made(Goal(eq(X * 3, X + X + X), (), X, (X,)), "LAY898/pte")
    hard = made(Goal(not_(HARD), (), P, (P, Q)), "LAY899/pte")
    found = ask(easy, true, hard, resources=60_000)
    assert [one.verdict for one in found] == [Verdict.REFUTED, Verdict.PROVED, Verdict.UNKNOWN]
    assert found[0].witness == Witness(2, ((X, 2),), True)


# Known refutations


def test_a_known_refutation_stays_refuted(ask):
    entry = Known("LAY899", ("thing",), ("linux-0.1",), ("pte",), "cosmetic", "for this test")
    for covered in (entry, replace(entry, variants=("small",))):
        (result,) = ask(made(Goal(ult(X, 3), (), X, (X,))), known=(covered,))
        assert (result.verdict, result.known, result.failed) == (Verdict.REFUTED, covered, False)
        assert result.witness == Witness(4, ((X, 4),), False)


@pytest.mark.parametrize(
    "change",
    [{"code": "LAY898"}, {"subjects": ("other",)}, {"layouts": ("linux-0.2",)}, {"levels": ("pmd",)}, {"variants": ("big",)}],
)
def test_an_entry_about_something_else_covers_nothing(ask, change):
    entry = Known("LAY899", ("thing",), ("linux-0.1",), ("pte",), "cosmetic", "for this test")
    (result,) = ask(made(Goal(ult(X, 3), (), X, (X,))), known=(replace(entry, **change),))
    assert (result.verdict, result.known, result.failed) == (Verdict.REFUTED, None, True)


def test_what_is_known_and_holds_is_proved(ask):
    entry = Known("LAY899", ("thing",), ("linux-0.1",), ("pte",), "cosmetic", "for this test")
    for simplify in (True, False):
        (result,) = ask(made(Goal(eq(X * 3, X + X + X), (), X, (X,))), known=(entry,), simplify=simplify)
        assert (result.verdict, result.known) == (Verdict.PROVED, None)


# Every claim there is, about the toy


def run(layout, **options) -> list[Result]:
    return list(Checker(**options).check(layout, Level))


@pytest.fixture(scope="module")
def toy_results() -> list[Result]:
    return run(toy.layout())


def brief(found: list[Result]) -> list[tuple]:
    return [(one.key, one.verdict, one.witness, one.given, one.reason) for one in found]


VARIATIONS = {
    "as it is": lambda: toy.layout(),
    "minimal": lambda: toy.layout(CONFIGS[-1]),
    "type and offset swap bits": lambda: toy.layout().but(Field("TYPE", ((7, 3),), Owner.SOFTWARE)),
    "exclusive inside the offset": lambda: toy.layout().but(Field("EXCLUSIVE", ((9, 9),), Owner.SOFTWARE)),
    "exclusive on the valid bit": lambda: toy.layout().but(Field("EXCLUSIVE", ((0, 0),), Owner.SOFTWARE)),
    "soft-dirty on prot-none": lambda: toy.layout().but(Field("SOFT_DIRTY", ((7, 7),), Owner.SOFTWARE)),
    "a present that lies": lambda: toy.layout().but(pte_present=lambda k, entry: any_of(entry, 0x81 | 4), pmd_present=lambda k, entry: ne(entry & 3, 0)),
    "a mkclean that forgets": lambda: toy.layout().but(pte_mkclean=lambda k, entry: entry & 0xFFF1, pmd_mkclean=lambda k, entry: entry & 0x0FF7),
}


@cache
def checked(variation: str) -> list[Result]:
    return run(VARIATIONS[variation]())


@pytest.mark.parametrize("variation", VARIATIONS)
def test_the_simplifier_changes_no_verdict(variation):
    assert brief(checked(variation)) == brief(run(VARIATIONS[variation](), simplify=False))


@pytest.mark.parametrize("variation", [name for name in VARIATIONS if name not in ("as it is", "minimal")])
def test_a_broken_layout_is_refuted(variation, toy_results):
    before = {one.key for one in toy_results if one.verdict is Verdict.REFUTED}
    assert {one.key for one in checked(variation) if one.verdict is Verdict.REFUTED} - before


def test_what_is_wrong_with_the_toy(toy_results):
    found = {(one.claim.name, one.subject, str(one.level)): one.witness.entry for one in toy_results if one.verdict is Verdict.REFUTED}
    assert found["swap-entry-looks-leaf", "swap", "pmd"] == 0x110
    assert found["swap-entry-looks-huge", "swap", "pmd"] == 0x110
    assert found["swap-entry-looks-leaf", "migration-write", "pmd"] == 29 << 2
    assert not any(level == "pte" for _, _, level in found)


def test_asking_twice_gives_the_same(toy_results):
    assert brief(run(toy.layout())) == brief(toy_results)


def _assignments(free: tuple[Expr, ...], most: int):
    """Every assignment if there are few, else some."""
    if sum(one.width for one in free) <= most:
        yield from (dict(zip(free, choice, strict=True)) for choice in itertools.product(*[range(1 << one.width) for one in free]))
        return
    chance = random.Random(2021)
    for _ in range(60):
        yield {one: chance.getrandbits(one.width) for one in free}


def _free(result: Result) -> tuple[Expr, ...]:
    goal = result.goal
    facts = and_(goal.holds, *[one.fact for one in goal.given])
    return tuple(dict.fromkeys((*goal.variables, *variables(facts))))


def test_what_is_proved_holds_for_every_value_tried(toy_results):
    for result in toy_results:
        if result.verdict is Verdict.PROVED:
            goal = result.goal
            for at in _assignments(_free(result), 7):
                if all(evaluate(one.fact, at) for one in goal.given):
                    assert evaluate(goal.holds, at), f"{result.key} with {at}"


def test_what_is_refuted_has_the_canonical_witness(toy_results):
    def rank(value: int) -> tuple[int, int]:
        return value.bit_count(), value

    for result in toy_results:
        if result.verdict is not Verdict.REFUTED:
            continue
        goal, free = result.goal, _free(result)
        assert sum(one.width for one in free) <= 16
        broken = {}
        for at in _assignments(free, 16):
            if all(evaluate(one.fact, at) for one in goal.given) and not evaluate(goal.holds, at):
                broken.setdefault(evaluate(goal.entry, at), []).append(tuple(at.values()))
        best = min(broken, key=rank)
        chosen = min(broken[best], key=lambda choice: [rank(value) for value in choice])
        assert result.witness == Witness(best, tuple(zip(free, chosen, strict=True)), len(broken) == 1)


def test_every_not_applicable_has_a_reason(toy_results):
    for result in toy_results:
        assert bool(result.reason) == (result.verdict is Verdict.NOT_APPLICABLE)


def test_a_missing_state_says_why():
    missing = [one for one in Scene(toy.layout(), Level.PTE).states.values() if isinstance(one, Lacking)]
    assert {one.name for one in missing} >= {"leaf-devmap", "device-private-read"}
    assert all(one.reason for one in missing)


def test_statistics_count_every_answer(toy_results):
    checker = Checker()
    found = list(checker.check(toy.layout(), Level))
    decided = [one for one in found if one.verdict in (Verdict.PROVED, Verdict.REFUTED)]
    assert checker.statistics.simplified + checker.statistics.solver == len(decided)
    assert checker.statistics.simplified == sum(one.by == "simplifier" for one in decided)
    assert {one.by for one in decided} <= {"simplifier", "z3"}


def test_preconditions_are_printed(toy_results):
    swaps = [one for one in toy_results if one.subject == "swap" and one.verdict is Verdict.PROVED]
    assert all("offset >= 1" in one.given for one in swaps if one.claim.name == "swap-entry-looks-none")
    assert any(one.given for one in swaps)


def test_given_is_what_a_precondition_says():
    assert SMALL.holds(or_(uge(X, 1), eq(X, 0))) == Given(SMALL, or_(uge(X, 1), eq(X, 0)))
