"""From results to a report."""

from bitspec.vocabulary import Level
from proofs import report
from proofs.check import Checker, Verdict
from proofs.report import finding
from tests import toy


def test_a_refutation_is_told_in_full_once_and_only_when_asked(monkeypatch):
    told = []
    say = report.say
    monkeypatch.setattr(report, "say", lambda *args: told.append(args) or say(*args))
    results = Checker().check(toy.layout(), [Level.PMD], frozenset({"SWP411"}))
    found = [finding(one) for one in results if one.verdict is Verdict.REFUTED]
    assert found
    assert not told
    assert found[0].claim == "not pmd_leaf(swap)"
    assert found[0].places
    assert found[0].evidence.account.predicates["pmd_leaf"] is True
    assert len(told) == 1


def test_what_is_proved_has_no_more_to_tell_than_what_the_claim_says():
    (proved,) = (finding(one) for one in Checker().check(toy.layout(), [Level.PTE], frozenset({"SWP405"})) if one.subject == "swap")
    assert (proved.verdict, proved.evidence, proved.places) == ("proved", None, ())
    assert proved.claim == proved.summary
