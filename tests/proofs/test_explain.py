"""A check that finds no witnesses says the same of every claim."""

import pytest

from archs import discover
from bitspec.vocabulary import Level
from proofs.check import Checker, Verdict


@pytest.mark.parametrize("arch", discover.architectures())
def test_without_witnesses_the_verdicts_are_the_same(arch) -> None:
    layout, known = discover.layout(arch), discover.known(arch)
    explained = list(Checker(known).check(layout, list(Level)))
    told = list(Checker(known, explain=False).check(layout, list(Level)))
    assert [(one.key, one.verdict, one.known, one.given, one.by) for one in told] == [(one.key, one.verdict, one.known, one.given, one.by) for one in explained]
    assert not any(one.witness for one in told)


def test_a_refutation_that_nobody_expects_ends_a_level() -> None:
    layout = discover.layout("x86_64")
    every = {code for code, _ in Checker().refuted(layout, Level.PTE)}
    found = list(Checker(explain=False).check(layout, [Level.PTE]))
    told = {one.code for one in found if one.failed}
    assert told
    assert told <= every
    assert any(one.verdict is Verdict.UNKNOWN for one in found)
    assert Checker().wrong(layout, Level.PTE)
    assert Checker().wrong(layout, Level.PTE) <= every


@pytest.mark.parametrize("level", list(Level))
def test_what_is_known_is_not_wrong(level) -> None:
    assert not Checker(discover.known("x86_64")).wrong(discover.layout("x86_64"), level)
