"""Reviewed refutations: what an entry must say, what it covers, and when it is stale."""

import pytest

from bitspec.fields import LayoutError
from bitspec.layout import CONFIGS
from bitspec.vocabulary import Level
from proofs.check import Checker, Verdict
from proofs.known import CLASSES, Known, find
from proofs.report import stale
from tests import toy

LEAFY = Known("SWP411", ("swap", "migration-write"), ("linux-0.1",), ("pmd",), "guarded", "pmd_leaf tests a type bit", ("mm/toy.c: walk",))


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (
            lambda: Known("SWP411", ("swap",), ("linux-0.1",), ("pmd",), "harmless", "why"),
            f"the class of a known refutation must be one of {', '.join(CLASSES)}, not 'harmless'",
        ),
        (
            lambda: Known("SWP411", ("swap",), ("linux-0.1",), ("pmd",), "guarded", "why"),
            "a guarded refutation must name the callers that guard it (SWP411)",
        ),
    ],
)
def test_diagnostic(build, sentence):
    with pytest.raises(LayoutError) as caught:
        build()
    assert str(caught.value) == sentence


def test_find():
    layout = toy.layout()
    assert find([LEAFY], layout, "pmd", "SWP411", "swap") is LEAFY
    for other in (("pte", "SWP411", "swap"), ("pmd", "SWP412", "swap"), ("pmd", "SWP411", "migration-read")):
        assert find([LEAFY], layout, *other) is None


def test_known_refutations_do_not_fail():
    found = {one.subject: one for one in Checker(known=(LEAFY,)).check(toy.layout(), [Level.PMD], frozenset({"SWP411"}))}
    assert found["swap"].verdict is Verdict.REFUTED
    assert (found["swap"].known, found["swap"].failed) == (LEAFY, False)
    assert (found["migration-read-exclusive"].known, found["migration-read-exclusive"].failed) == (None, True)
    assert not list(stale([LEAFY], list(found.values())))


def test_an_entry_that_holds_by_now_is_stale():
    entry = Known("SWP411", ("migration-read", "swap", "table"), ("linux-0.1",), ("pmd",), "latent", "why")
    results = list(Checker(known=(entry,)).check(toy.layout(), [Level.PMD], frozenset({"SWP411"})))
    assert [one.subject for one in stale([entry], results)] == ["migration-read", "table"]


def test_an_entry_nothing_was_asked_about_is_not_stale():
    results = list(Checker().check(toy.layout(), [Level.PMD], frozenset({"SWP412"})))
    assert not list(stale([LEAFY], results))


def test_a_stale_entry_is_seen_whatever_config_is_asked_after_the_default():
    entry = Known("SWP411", ("table",), ("linux-0.1",), ("pmd",), "latent", "why")
    results = [one for config in CONFIGS[:2] for one in Checker().check(toy.layout(config), [Level.PMD], frozenset({"SWP411"}))]
    assert [one.subject for one in stale([entry], results)] == ["table"]
