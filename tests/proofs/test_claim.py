"""Claims: their codes, how they are found, and their documentation."""

import re

import pytest

from bitspec.expr import const
from bitspec.vocabulary import Level, VocabularyError
from proofs import claim as claims_module
from proofs.claim import FAMILIES, HEADINGS, by_code, claim, claims, find, select
from proofs.preconditions import ALL


def declared(name, *codes):
    def statement(k, subject):
        """A statement.

        Why it matters: it may not.
        """
        return const(1, 1)

    return claim(name, *codes, about=lambda scene: ())(statement)


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda: find("xyzzy"), "unknown claim 'xyzzy'"),
        (lambda: select(["SWP405", "qqqqqqqqqq"]), "unknown claim code 'qqqqqqqqqq'"),
    ],
)
def test_diagnostic(ask, sentence):
    with pytest.raises(VocabularyError) as caught:
        ask()
    assert str(caught.value) == sentence


def test_a_near_miss_is_helped():
    with pytest.raises(VocabularyError, match=r"^unknown claim 'SWP4O5'; did you mean 'SWP\d05'\?$"):
        find("SWP4O5")
    with pytest.raises(VocabularyError, match=r"did you mean 'swap-entry-looks-present'\?$"):
        find("swap-entry-look-present")


def test_two_claims_with_one_code(monkeypatch):
    pair = (declared("one-thing", "LAY899"), declared("other-thing", "LAY899/pte"))
    monkeypatch.setattr(claims_module, "claims", lambda: pair)
    with pytest.raises(VocabularyError) as caught:
        by_code.__wrapped__()
    assert str(caught.value) == "LAY899 must be one claim's code, not of both other-thing and one-thing"


@pytest.mark.parametrize(
    ("codes", "levels"),
    [
        (("PTE101",), {Level.PTE: "PTE101"}),
        (("PTE101", "PMD201", "PUD301"), {Level.PTE: "PTE101", Level.PMD: "PMD201", Level.PUD: "PUD301"}),
        (("SWP405/pte,pmd",), {Level.PTE: "SWP405", Level.PMD: "SWP405"}),
        (("LAY801",), dict.fromkeys(Level, "LAY801")),
        (("LAY801/pud",), {Level.PUD: "LAY801"}),
    ],
)
def test_codes(codes, levels):
    assert declared("thing", *codes).codes == levels


def test_documentation_is_read_by_heading():
    one = declared("thing", "LAY899")
    assert one.summary == "A statement."
    assert one.sections == {"": "A statement.", "Why it matters": "it may not."}


@pytest.mark.parametrize("one", claims(), ids=lambda one: one.name)
def test_every_claim_is_documented(one):
    assert one.summary
    assert set(one.sections) <= {"", *HEADINGS}
    assert one.sections["Why it matters"]
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", one.name)


def test_every_code_belongs_to_a_family():
    assert not [code for code in by_code() if not any(re.fullmatch(rf"{family}\d\d", code) for family in FAMILIES)]


def test_codes_and_names_are_unique():
    assert len({one.name for one in claims()}) == len(claims())
    assert set(by_code()) == {code for one in claims() for code in one.codes.values()}


def test_find_and_select():
    one = find("SWP405")
    assert find("swp405") is one
    assert find("swap-entry-looks-present") is one
    assert select(["SWP405"]) == select(["swap-entry-looks-present"]) == {"SWP405"}
    assert {code for code in by_code() if code.startswith("SWP4")} == select(["swp4"])
    assert select(["SWP4", "LAY8"]) == select(["SWP4"]) | select(["LAY8"])


def test_preconditions_are_named_once():
    assert len({one.name for one in ALL}) == len(ALL)
    assert all(one.guarantee for one in ALL)
