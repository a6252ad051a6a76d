"""The names the tool knows, and the sentence for one it does not."""

import pytest

from bitspec.vocabulary import HELPERS, LEAVES, NON_PRESENT, STATES, Kind, Level, VocabularyError, level, signature, state_names, unknown


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda: signature("pmd_presnt"), "unknown helper 'pmd_presnt'; did you mean 'pmd_present'?"),
        (lambda: signature("xyzzy"), "unknown helper 'xyzzy'"),
        (lambda: level("pme"), "unknown level 'pme'; did you mean 'pte'?"),
        (lambda: level("xyz"), "unknown level 'xyz'; known: pte, pmd, pud"),
        (lambda: level("PTE"), "unknown level 'PTE'; known: pte, pmd, pud"),
    ],
)
def test_diagnostic(ask, sentence):
    with pytest.raises(VocabularyError) as caught:
        ask()
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("known", "sentence"),
    [
        (["s390"], "unknown architecture 'vax'; known: s390"),
        ([str(number) * 3 for number in range(20)], "unknown architecture 'vax'; known: " + ", ".join(str(number) * 3 for number in range(20))),
        ([str(number) * 3 for number in range(21)], "unknown architecture 'vax'"),
        (["vaxen"], "unknown architecture 'vax'; did you mean 'vaxen'?"),
    ],
)
def test_unknown(known, sentence):
    assert unknown("architecture", "vax", known) == sentence


def test_signatures():
    present = signature("pmd_present")
    assert (present.level, present.params, present.result, present.stem) == (Level.PMD, (Kind.ENTRY,), Kind.BOOL, "present")
    assert signature("__swp_type").level is None
    assert signature("__swp_type").stem == "__swp_type"
    assert signature("pte_modify").params == (Kind.ENTRY, Kind.PROT)
    assert all(name == one.name for name, one in HELPERS.items())


@pytest.mark.parametrize("at", Level)
def test_a_helper_per_level(at):
    assert level(str(at)) is at
    assert signature(f"{at}_present").level is at


def test_states():
    names = [one.name for one in STATES]
    assert len(set(names)) == len(names)
    assert {*LEAVES, *NON_PRESENT, "none", "table"} == set(names)
    assert not set(LEAVES) & set(NON_PRESENT)
    assert [one.name for one in state_names(Level.PTE)] == [name for name in names if name in {one.name for one in state_names(Level.PTE)}]
    assert "table" not in {one.name for one in state_names(Level.PTE)}
