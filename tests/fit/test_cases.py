"""The layouts of shipped bugs as questions: what is found is at least as good as what shipped, and it is not told the answer."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from archs.discover import known, layout
from bitspec.vocabulary import Level
from proofs.check import Checker, Verdict
from proofs.claim import Scene
from proofs.fit.packing import positions
from proofs.fit.question import ask
from proofs.fit.room import vacant
from proofs.fit.search import Fitted, Search
from proofs.states import offset_bits
from tests.fit.cases import CASES


@cache
def answered(name: str) -> Fitted:
    case = CASES[name]
    return next(Search(ask(case.before, case.level, **case.asked), known(case.before.arch)).answers())


@pytest.mark.parametrize("name", CASES)
def test_the_answer_is_at_least_as_good_as_what_shipped(name):
    case = CASES[name]
    answer = answered(name)
    assert answer.swap is not None
    assert offset_bits(answer.layout) >= case.offset
    assert len(positions(answer.swap.places["type"])) >= case.type
    taken = set(vacant(Scene(case.before, case.level))) - set(vacant(Scene(answer.layout, case.level)))
    others = sum(one.name == "other" for one in answer.question.needs)  # asked for to make bits scarce
    assert len(taken) <= case.present + others


@pytest.mark.parametrize("name", CASES)
def test_the_layout_before_was_not_an_answer(name):
    """Else the question would prove nothing: something was refuted, or something was missing."""
    case = CASES[name]
    answer = answered(name)
    excused = [one for one in known(case.before.arch) if one.code not in answer.question.mend]
    refuted = [one for one in Checker(excused).check(case.before, case.before.uses) if one.failed]
    assert refuted or answer.present.placed or answer.present.moved or (answer.swap is not None and answer.swap.new)


@pytest.mark.parametrize("name", CASES)
def test_the_answer_has_no_refutation_that_is_not_known(name):
    case = CASES[name]
    answer = answered(name)
    results = [one for level in answer.layout.uses for one in Checker(known(case.before.arch)).check(answer.layout, [level])]
    assert not [one.key for one in results if one.failed or one.verdict is Verdict.UNKNOWN]
    assert not [one.key for one in results if one.verdict is Verdict.REFUTED and one.code in answer.question.mend]


def test_against_l1tf_the_offset_is_stored_inverted_and_low():
    answer = answered("x86-l1tf-swap")
    assert answer.swap is not None
    assert answer.swap.inverted
    assert min(positions(answer.swap.places["offset"])) <= 9


_EXCLUSIVE = re.compile(r"^\| (?P<name>[\w -]+) \| (?P<before>\d+)[^|]*\| (?P<after>\d+) \| (?P<found>\d+) \|$", re.MULTILINE)
ROWS = [match.groupdict() for match in _EXCLUSIVE.finditer((Path(__file__).parents[2] / "docs" / "fit.md").read_text())]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_the_exclusive_bit_of_v6_3(row):
    """Asked of linux-6.1, which had none: at least as many offset and type bits as linux-6.12 has.  The table of docs/fit.md is what comes out."""
    arch, _, variant = row["name"].partition(" ")
    before, after = layout(arch, "linux-6.1", variant or None), layout(arch, "linux-6.12", variant or None)
    mend = {"sun3": ["SWP", "LAY8"], "": ["SWP401"]}.get(variant if arch == "m68k" else "" if arch == "nios2" else "-", [])  # what the same series mended
    question = ask(before, Level.PTE, need=["exclusive", "type:5", f"offset:{offset_bits(after)}"], move=["swap"], mend=mend)
    answer = next(Search(question, known(arch)).answers())
    assert answer.swap is not None
    assert "exclusive" in answer.swap.places
    assert len(positions(answer.swap.places["type"])) >= 5
    assert offset_bits(answer.layout) >= offset_bits(after)
    assert {"before": str(offset_bits(before)), "after": str(offset_bits(after)), "found": str(offset_bits(answer.layout))} == {
        key: row[key] for key in ("before", "after", "found")
    }


def test_the_table_was_found():
    assert len(ROWS) >= 9


def test_arm64_6_1_has_room_for_uffd_wp_by_an_overlay():
    """Bit 1 tells a page from a table while the entry is valid, and nothing while it is not.  v6.10 moved four fields for the same."""
    answer = answered("arm64-uffd-wp")
    assert answer.swap is not None
    assert answer.swap.places["uffd_wp"] == ((1, 1),)
    assert answer.swap.new == ("uffd_wp",)
    assert not answer.present.moved
    assert offset_bits(answer.layout) == offset_bits(layout("arm64", "linux-6.1")) == offset_bits(layout("arm64", "linux-6.12"))


def test_the_mark_of_prot_none_goes_where_valid_entries_are_all_alike():
    answer = answered("arm64-protnone")
    assert answer.present.overlaid == {"PTE_PROT_NONE"}
    ((place, _),) = answer.present.moved["PTE_PROT_NONE"]
    for level in (Level.PTE, Level.PMD):
        hardware = answer.layout.hardware.level(level)
        assert hardware.views["leaf"].owner(place) is not None
        assert hardware.views["invalid"].owner(place).owner.value == "ignored"
