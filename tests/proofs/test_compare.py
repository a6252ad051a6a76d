"""Which group of a comparison a claim falls into, by its verdicts before and after."""

from __future__ import annotations

from dataclasses import replace

import pytest

from archs.discover import known, layout
from bitspec.expr import any_of
from bitspec.vocabulary import Level
from proofs.check import Checker, Verdict
from proofs.compare import Judge, Side, _kind, _turn, compare

RESULT = next(one for one in Checker(known("powerpc")).check(layout("powerpc"), [Level.PMD]) if one.known is not None)
REFUTED = replace(RESULT, known=None)
SIDES = Side(layout("powerpc")), Side(layout("powerpc"), "mine")


def verdict(name: str | None):
    return None if name is None else replace(REFUTED, verdict=Verdict(name))


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ("proved", "proved", "agreed"),
        ("proved", "refuted", "broken"),
        ("not-applicable", "refuted", "broken"),
        (None, "refuted", "broken"),
        ("refuted", "refuted", "standing"),
        ("refuted", "proved", "fixed"),
        ("refuted", "not-applicable", "others"),
        ("refuted", None, "others"),
        ("proved", "not-applicable", "others"),
        (None, "proved", "others"),
        ("unknown", "refuted", "undecided"),
        ("unknown", "unknown", "undecided"),
        ("proved", "unknown", "undecided"),
        ("refuted", "unknown", "undecided"),
        ("unknown", "proved", "others"),
    ],
)
def test_kinds(before, after, kind):
    assert _kind(verdict(before), verdict(after), ()) == kind


def test_more_parts_that_fail_than_the_reviewed_ones_are_new():
    assert _kind(RESULT, RESULT, known("powerpc")) == "standing"
    assert _kind(RESULT, REFUTED, known("powerpc")) == "broken"
    assert _kind(REFUTED, REFUTED, known("powerpc")) == "standing"


def test_what_was_unknown_is_not_said_to_be_new():
    turn = _turn("undecided", *SIDES, verdict("unknown"), REFUTED)
    assert (turn.before, turn.after, turn.finding.verdict, turn.finding.evidence) == ("unknown", "refuted", "unknown", None)
    assert turn.finding.reason is not None
    assert turn.finding.reason.endswith("and unknown before")


def test_a_proposal_has_no_reviewed_refutations_of_its_own():
    """powerpc's known ones, of a base that does not have them: they count, though the release's list has them."""
    shipped = layout("powerpc")
    fixed = shipped.but(pmd_leaf=lambda k, pmd: any_of(pmd, 0) & any_of(pmd, 1))
    before, as_shipped, proposed = Side(fixed, "fixed"), Side(shipped), Side(shipped, "proposed")
    reviewed = compare(before, as_shipped, Judge(known("powerpc")), everything=False)
    mine = compare(before, proposed, Judge(known("powerpc")), everything=False)
    assert reviewed.reviewed
    assert not reviewed.broken
    assert {one.finding.key[:2] for one in mine.broken} == {one.finding.key[:2] for one in reviewed.reviewed}
    assert {one.known for one in mine.broken} == {""}
    assert (reviewed.status(), mine.status()) == (0, 1)
