"""A check that finds no witnesses says the same of every claim."""

import pytest

from archs import discover
from bitspec.vocabulary import Level
from proofs.check import Checker


@pytest.mark.parametrize("arch", discover.architectures())
def test_without_witnesses_the_verdicts_are_the_same(arch) -> None:
    layout, known = discover.layout(arch), discover.known(arch)
    explained = list(Checker(known).check(layout, list(Level)))
    told = list(Checker(known, explain=False).check(layout, list(Level)))
    assert [(one.key, one.verdict, one.known, one.given, one.by) for one in told] == [(one.key, one.verdict, one.known, one.given, one.by) for one in explained]
    assert not any(one.witness for one in told)


def test_a_refutation_that_nobody_expects_is_told_too() -> None:
    layout = discover.layout("x86_64")
    found = [one for one in Checker(explain=False).check(layout, list(Level)) if one.failed]
    assert {(one.code, one.subject) for one in found if one.level is Level.PTE} == set(Checker().refuted(layout, Level.PTE))
