"""By example: what is dropped before the claims are asked is what they would refute."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import pytest

from archs.discover import known, layout
from bitspec.read.as_int import evaluate
from bitspec.vocabulary import Level
from proofs.check import Checker, Verdict
from proofs.fit.build import SwapPlan
from proofs.fit.codec import existing
from proofs.fit.cube import Cube
from proofs.fit.example import entry, leaks, looks_none
from proofs.fit.question import ask
from proofs.fit.reasons import Refused, why
from proofs.fit.search import Search
from tests.archs.test_x86_64 import before_v4_19


def plan_of(one) -> SwapPlan:
    codec = existing(one.at(Level.PTE))
    return SwapPlan(codec.places, Cube((1 << 64) - 1 & ~codec.mask, codec.constant), inverted=codec.inverted)


@pytest.mark.parametrize("variant", ["4-level", "5-level", "4-level-knl"])
def test_what_leaks_is_refuted_and_what_is_proved_does_not_leak(variant):
    shipped, before = layout("x86_64", variant=variant), before_v4_19()
    before = replace(before, hardware=shipped.hardware, pfn_bits=shipped.pfn_bits, derived={}, _built={})
    for one, leaky in ((shipped, False), (before, variant != "4-level-knl")):  # which speculates through no such entry
        verdicts = [each.verdict for each in Checker().check(one, [Level.PTE], frozenset({"SWP410"})) if each.subject == "swap"]
        assert verdicts == ([] if variant == "4-level-knl" else [Verdict.REFUTED if leaky else Verdict.PROVED])
        assert leaks(one, 64, plan_of(one)) is leaky


def test_a_plain_offset_leaks_where_an_inverted_one_does_not():
    plan = plan_of(layout("x86_64"))
    assert not leaks(layout("x86_64"), 64, plan)
    assert leaks(layout("x86_64"), 64, replace(plan, inverted=False))
    assert leaks(layout("x86_64"), 64, replace(plan, places={**plan.places, "offset": ((59, 10),)}))  # one bit too high for the largest offsets


def test_the_entry_is_the_codecs():
    for one in (layout("x86_64"), before_v4_19(), layout("arm64"), layout("s390")):
        made = one.helper("__swp_entry")
        for offset in (1, 2, 0x1234, (1 << 20) - 1):
            kind, number = made.params
            assert entry(plan_of(one), offset) == evaluate(made.body, {kind: 0, number: offset})


def test_where_every_layout_leaks_nobody_is_told_that_nothing_fits():
    """Pinned as it was before v4.19: the bits are there, and each of the two ways to store the offset leaks."""
    asked = ask(layout("x86_64"), Level.PTE, move=["swap"], pin=["SWP_OFFSET=63:14", "SWP_TYPE=13:9"])
    search = Search(asked, known("x86_64"))
    assert next(search.answers(), None) is None
    found = why(search)
    assert isinstance(found, Refused)
    assert any("L1TF" in words for words in found.spoilt)


@pytest.mark.parametrize(("arch", "asked"), [("x86_64", {"need": ["offset:51"]}), ("powerpc", {"need": ["uffd_wp@swap", "offset:50"]})])
def test_what_looks_none_is_refuted_and_what_is_proved_does_not(arch, asked):
    search = Search(ask(layout(arch), Level.PTE, move=["swap"], **asked), known(arch))
    seen = set()
    for one, _, plan in islice(search._candidates(), 16):
        verdicts = {each.verdict for each in Checker().check(one, [Level.PTE], frozenset({"SWP402"})) if each.subject == "swap"}
        assert verdicts == {Verdict.REFUTED} or not looks_none(one, Level.PTE, plan)
        seen.add(looks_none(one, Level.PTE, plan))
    assert seen == {True, False}
