"""With a kernel tree, which BITSPEC_KERNEL names: every declared helper is what the tree's headers say, and runs as its expression says."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

import cli
from archs import discover, toolchains, trees
from bitspec.lift import toolchain
from bitspec.lift.lifting import Lifting, lift
from bitspec.lift.native import compile_native, disagreement
from bitspec.lift.tree import release
from bitspec.patches import needed
from bitspec.vocabulary import HELPERS
from proofs.conform import DIFFERENT, UNKNOWN, config_of, conform, render

TABLE = Path(__file__).parent.parent.parent / "docs" / "kernel-trees.md"
TREE = os.environ.get("BITSPEC_KERNEL", "")
pytestmark = pytest.mark.skipif(not TREE, reason="BITSPEC_KERNEL names no kernel tree")


def _layouts() -> list[tuple[str, str]]:
    if not TREE:
        return []
    name = "linux-" + ".".join(release(Path(TREE)).split(".")[:2])
    return [(arch, name) for arch in toolchains.architectures() if name in toolchains.releases(arch)]


def _lift(arch: str, variant: str) -> Lifting:
    return lift(Path(TREE), toolchains.target(arch), variant, toolchain.find())


@pytest.mark.parametrize("arch", toolchains.architectures())
def test_what_a_patch_may_matter_to_is_all_that_is_read(arch: str) -> None:
    """A commit that touches none of these files is no step of a series (bitspec.patches.needed)."""
    lifting = _lift(arch, toolchains.variants(arch)[0])
    read = [str(Path(one).relative_to(lifting.build.tree)) for one in lifting.read if Path(one).is_relative_to(lifting.build.tree)]
    assert len(read) > 100
    assert [one for one in read if not needed.of_arch(one, toolchains.target(arch).arch) or not needed.to_lift(one)] == []


@pytest.mark.parametrize(("arch", "name"), _layouts())
def test_the_declared_layout_is_what_the_tree_says(arch: str, name: str) -> None:
    variant = discover.variants(arch)[0]
    lifting = _lift(arch, variant)
    found = conform(toolchains.layout(arch, name, variant, config_of(lifting.build.options)), lifting)
    assert not [each for each in found.results if each.verdict in (DIFFERENT, UNKNOWN)], "\n".join(render(found))


@pytest.mark.skipif(not TREE or not release(Path(TREE)).startswith("6.12."), reason="it is what linux-6.12 has not any more")
def test_of_another_release_a_helper_that_the_tree_lacks_does_not_exist() -> None:
    """linux-6.1's layout lends the names of the fields, and not pmd_huge() and pud_huge(), which are gone."""
    declared = toolchains.layout("arm64", "linux-6.1", toolchains.variants("arm64")[0], discover.config("default"))
    (made,) = trees.layouts(("arm64@linux-6.1",), trees.Runs(Path(TREE)))
    assert {name for name in declared.helpers if declared.has(name)} - {name for name in made.helpers if made.has(name)} == {"pmd_huge", "pud_huge"}
    (same,) = trees.layouts(("arm64@linux-6.12",), trees.Runs(Path(TREE)))
    assert same.helpers.keys() == discover.layout("arm64", "linux-6.12").helpers.keys()


@pytest.mark.parametrize("arch", [arch for arch in toolchains.architectures() if not toolchains.releases(arch)])
def test_an_architecture_without_a_layout_is_lifted_and_checked(arch: str) -> None:
    """Most helpers are read, what is not says why, and those that are read are held against each other with no claim left unknown."""
    from bitspec.lift.layout import bare
    from bitspec.vocabulary import Level
    from proofs.check import Checker, Verdict

    lifting = _lift(arch, toolchains.variants(arch)[0])
    layout = bare(arch, lifting.variant, lifting, config_of(lifting.build.options))
    # Of some architectures a populate or a write cannot be read; the column *unknown* of docs/kernel-trees.md counts the helpers.
    unread = [one.name for one in lifting.items.values() if one.unknown]
    assert len(unread) * 20 < len(lifting.items), unread
    results = list(Checker().check(layout, tuple(Level)))
    assert not [one for one in results if one.verdict is Verdict.UNKNOWN]
    proved, refuted = (sum(one.verdict is verdict for one in results) for verdict in (Verdict.PROVED, Verdict.REFUTED))
    assert proved > 100
    told = re.search(rf"^\| {arch} {lifting.variant} \| \d+ \| \d+ \| \d+ \| (\d+) \| (\d+) \|", TABLE.read_text(), re.MULTILINE)
    assert told is not None, "docs/kernel-trees.md must have a row for it; python -m tests.lift.survey makes them"
    if lifting.build.release in TABLE.read_text():  # the release of the table
        assert (proved, refuted) == (int(told[1]), int(told[2]))


@pytest.mark.parametrize(("arch", "name"), _layouts())
def test_lifted_helpers_run_as_their_expressions_say(arch: str, name: str) -> None:
    lifting = _lift(arch, discover.variants(arch)[0])
    native = {unit: compile_native(text) for unit, text in lifting.modules.items()}
    compared = 0
    for helper in HELPERS:
        one = lifting.item(helper)
        if one.outcome is None or one.outcome.symbols:
            continue
        run = native[one.symbol[0]].function(one.symbol[1])
        if run is not None:
            assert disagreement(one.outcome, run) is None, helper
            compared += 1
    assert compared > 60  # of sparc64, where many depend on the instructions that boot code replaces, 65; of m68k 76


@pytest.mark.parametrize(
    ("target", "level", "asked"),
    [
        ("s390", "pmd", ("type:5", "pfn", "soft_dirty")),
        ("arm64", "pte", ("mine@swap",)),
        ("x86_64", "pte", ("mine:2@present",)),
    ],
)
def test_what_fits_into_a_trees_own_helpers_is_what_fits_into_the_declared_ones(target: str, level: str, asked: tuple[str, ...]) -> None:
    name = "linux-" + ".".join(release(Path(TREE)).split(".")[:2])
    if name not in toolchains.releases(target):
        pytest.skip(f"{target} has no layout of {name}")
    args = ["fit", f"{target}@{name}", "--level", level, *(word for one in asked for word in ("--need", one)), "--format", "json"]
    declared, lifted = (json.loads(CliRunner().invoke(cli.main, each).stdout) for each in (args, [*args, "--kernel", TREE]))
    assert declared["fits"] is lifted["fits"] is True
    assert declared["answers"][0]["fields"] == lifted["answers"][0]["fields"]
    assert lifted["provenance"].startswith("lifted from")
