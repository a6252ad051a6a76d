"""The page of findings counts what there is."""

from __future__ import annotations

import re
from pathlib import Path

from archs import toolchains

ROOT = Path(__file__).parent.parent.parent


def test_the_counts_are_those_of_the_known_refutations() -> None:
    known = (ROOT / "tests" / "golden" / "known.txt").read_text()
    page = (ROOT / "docs" / "findings.md").read_text()
    for kind in ("reachable", "guarded", "latent", "cosmetic"):
        row = re.search(rf"^\| {kind} \| .* \| (\d+) \|$", page, re.MULTILINE)
        assert row is not None
        assert int(row[1]) == known.count(f": {kind}, ")


def _lifted_only() -> dict[str, int]:
    """Refuted verdicts by architecture, of those without a layout, in the table of kernel trees."""
    page = (ROOT / "docs" / "kernel-trees.md").read_text()
    found: dict[str, int] = {}
    for arch, refuted in re.findall(r"^\| (\w+) \S+ \| \d+ \| \d+ \| \d+ \| \d+ \| (\d+) \|", page, re.MULTILINE):
        if not toolchains.releases(arch):
            found[arch] = found.get(arch, 0) + int(refuted)
    return found


def test_every_refutation_on_a_tree_without_a_layout_is_classified() -> None:
    page = (ROOT / "docs" / "findings.md").read_text()
    total = sum(_lifted_only().values())
    classes = re.findall(r"^\| (?:reachable|guarded|latent|cosmetic), lifted only \| (\d+) \|$", page, re.MULTILINE)
    groups = re.findall(r"^\| \[(\w\d)\] \| (?:[^|]*\| ){4}(\d+) \| [^|]*\|$", page, re.MULTILINE)
    assert sum(map(int, classes)) == sum(int(number) for _, number in groups) == total
    assert f"all {total} verdicts" in page
    for group, _ in groups:
        assert re.search(rf"^## (?:\w\d, )*{group}[.,]", page, re.MULTILINE), group


def test_groups_of_a_class_add_up() -> None:
    page = (ROOT / "docs" / "findings.md").read_text()
    rows = re.findall(r"^\| \[\w\d\] \| (?:[^|]*\| ){3}([^|]*) \| (\d+) \| [^|]*\|$", page, re.MULTILINE)
    for kind in ("reachable", "guarded", "latent", "cosmetic"):
        row = re.search(rf"^\| {kind}, lifted only \| (\d+) \|$", page, re.MULTILINE)
        assert row is not None
        assert int(row[1]) == sum(int(number) for told, number in rows if told.strip("* ").startswith(kind)), kind
