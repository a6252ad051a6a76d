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
    groups = re.findall(r"^\| \[(\w\d+)\] \| (?:[^|]*\| ){4}(\d+) \| [^|]*\|$", page, re.MULTILINE)
    assert sum(map(int, classes)) == sum(int(number) for _, number in groups) == total
    assert f"all {total} verdicts" in page
    for group, _ in groups:
        assert re.search(rf"^## (?:\w\d+, )*{group}[.,]", page, re.MULTILINE), group


def test_groups_of_a_class_add_up() -> None:
    page = (ROOT / "docs" / "findings.md").read_text()
    rows = re.findall(r"^\| \[\w\d+\] \| (?:[^|]*\| ){3}([^|]*) \| (\d+) \| [^|]*\|$", page, re.MULTILINE)
    for kind in ("reachable", "guarded", "latent", "cosmetic"):
        row = re.search(rf"^\| {kind}, lifted only \| (\d+) \|$", page, re.MULTILINE)
        assert row is not None
        assert int(row[1]) == sum(int(number) for told, number in rows if told.strip("* ").startswith(kind)), kind


def test_an_architecture_with_a_layout_is_in_no_group_of_those_without() -> None:
    page = (ROOT / "docs" / "findings.md").read_text()
    refuted = {arch for arch, number in _lifted_only().items() if number}
    named: set[str] = set()
    for about in re.findall(r"^\| \[\w\d+\] \| ([^|]*) \| (?:[^|]*\| ){3}\d+ \| [^|]*\|$", page, re.MULTILINE):
        named |= {one for one in re.findall(r"\w+", about) if one in toolchains.architectures()}
    assert named == refuted


def test_a_code_is_one_group_and_leads_to_it() -> None:
    page = (ROOT / "docs" / "findings.md").read_text()
    headings = re.findall(r"^## ((?:\w\d+, )*\w\d+)\. (.*)$", page, re.MULTILINE)
    anchors = {code: re.sub(r"[^\w -]", "", f"{codes} {title}".lower()).replace(" ", "-") for codes, title in headings for code in codes.split(", ")}
    rows = re.findall(r"^\| \[(\w\d+)\] \|", page, re.MULTILINE)
    links = re.findall(r"^\[(\w\d+)\]: #(.*)$", page, re.MULTILINE)
    assert sum(len(codes.split(", ")) for codes, _ in headings) == len(anchors)
    assert sorted(rows) == sorted(anchors) == sorted(code for code, _ in links)
    assert dict(links) == anchors


def test_a_group_that_the_text_names_is_there() -> None:
    page = (ROOT / "docs" / "findings.md").read_text()
    codes = set(re.findall(r"^\[(\w\d+)\]: #", page, re.MULTILINE))
    prose = re.sub(r"```.*?```|`[^`]*`", "", page, flags=re.DOTALL)
    letters = "".join(sorted({code[0] for code in codes}))
    assert set(re.findall(rf"\b[{letters}]\d{{1,2}}\b", prose)) - codes == {"A15"}  # Cortex-A15
