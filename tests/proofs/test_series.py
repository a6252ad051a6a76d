"""A series of patches, judged step by step: the first that breaks something is named, wherever it is mended."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from archs.discover import known, layout
from bitspec.compared import History
from bitspec.expr import bit, or_
from bitspec.layout import Layout
from bitspec.patches.series import Series, Step
from bitspec.patches.stage import Stage
from bitspec.render import formats, renderer
from bitspec.render.compared import json, text
from proofs.series import judge

RIGHT = layout("arm64")
WRONG = RIGHT.but(pte_present=lambda k, pte: or_(RIGHT.helper("pte_present")(pte), bit(pte, 20)))
STEPS = tuple(Step(f"{number}/4", f"step {number}", f"tree{number}") for number in range(1, 5))
SERIES = Series("tree0", STEPS)


def run(*stages: Stage) -> History:
    def track() -> Iterator[Stage]:
        yield Stage(None, RIGHT)
        yield from stages

    return judge("linux", "v6.12", SERIES, [track()], known)


def words(one: History, strict: bool = False) -> str:
    from rich.console import Console

    console = Console(width=100, color_system=None)
    with console.capture() as got:
        console.print(text.series(one, strict))
    return got.get()


def test_the_patch_that_breaks_is_named_though_the_next_mends_it() -> None:
    found = run(Stage(STEPS[1], WRONG), Stage(STEPS[2], RIGHT))
    first = found.first()
    assert first is not None
    assert first.name == "2/4"
    assert found.status() == 1
    assert [patch.status() for patch in found.patches] == [0, 1, 0, 0]
    broken, fixed = (found.patches[number].comparisons[0] for number in (1, 2))
    assert {turn.finding.code for turn in broken.broken} >= {"SWP405"}
    assert {turn.finding.key[:2] for turn in fixed.fixed} == {turn.finding.key[:2] for turn in broken.broken}
    assert {turn.finding.layout for turn in broken.broken} == {"linux-6.12+2/4"}
    assert {turn.finding.source for turn in broken.broken} == {"lifted"}
    assert ">> 2/4 step 2 is the first patch that breaks something" in words(found)


def test_what_stays_broken_is_said_once() -> None:
    found = run(Stage(STEPS[1], WRONG), Stage(STEPS[2], WRONG, changed=True))
    assert [len(one.broken) > 0 for patch in found.patches for one in patch.comparisons] == [True, False]
    assert found.patches[2].comparisons[0].standing >= len(found.patches[1].comparisons[0].broken)


def test_no_change_in_meaning() -> None:
    found = run(Stage(STEPS[0], RIGHT, changed=False))
    assert found.status() == 0
    assert found.patches[0].alike == ("arm64 4k-48",)
    told = words(found)
    assert "arm64 4k-48: no change in meaning" in told
    assert told.count("no helper is made of what it changes") == 3
    assert "no patch breaks a claim" in told


def test_a_helper_that_cannot_be_read_any_more_is_no_pass() -> None:
    """What is said of it rests on the declared one."""
    found = run(Stage(STEPS[0], RIGHT, changed=False, unread={"pte_present": "a loop"}))
    assert found.status() == 3
    assert "unknown  pte_present: it cannot be read any more: a loop" in words(found)
    assert found.report.notes == ("arm64@linux-6.12+1/4 4k-48: pte_present cannot be read any more: a loop",)


def test_lost_capacity_is_the_first_thing_with_strict_alone() -> None:
    narrow = RIGHT.but(__swp_offset=lambda k, swp: RIGHT.helper("__swp_offset")(swp) & (1 << 49) - 1)
    found = run(Stage(STEPS[0], narrow))
    capacity = found.patches[0].comparisons[0].capacity
    assert any(one.lost for one in capacity)
    assert found.first(strict=True) is found.patches[0]


@pytest.mark.parametrize("format_", [name for name in formats() if name != "text"])
def test_the_other_formats_hold_what_is_new(format_: str) -> None:
    told = renderer(format_)(run(Stage(STEPS[1], WRONG)).report)
    assert isinstance(told, str)
    assert "SWP405" in told
    assert "linux-6.12+2/4" in told


def test_json_has_every_patch() -> None:
    from json import loads

    data = loads(json.series(run(Stage(STEPS[1], WRONG))))
    assert data["first_broken"] == "2/4"
    assert [one["name"] for one in data["patches"]] == ["1/4", "2/4", "3/4", "4/4"]
    assert data["patches"][1]["comparisons"][0]["broken"]


def test_two_steps_that_lead_to_the_same_tree_are_two() -> None:
    again = Series("tree0", (STEPS[0], Step("2/2", "revert", "tree0")))
    stages = [Stage(None, RIGHT), Stage(again.steps[0], WRONG), Stage(again.steps[1], RIGHT)]
    found = judge("linux", "base", again, [iter(stages)], known)
    assert [len(patch.comparisons) for patch in found.patches] == [1, 1]


def test_several_architectures() -> None:
    other: Layout = layout("s390")
    tracks = [[Stage(None, RIGHT), Stage(STEPS[0], WRONG)], [Stage(None, other), Stage(STEPS[0], other, changed=False)]]
    found = judge("linux", "base", SERIES, tracks, known)
    assert found.scopes == ("arm64 4k-48", "s390 z14")
    assert (len(found.patches[0].comparisons), found.patches[0].alike) == (1, ("s390 z14",))
