"""The page of the matrix is what the command prints: ``bitspec matrix --format markdown -o docs/matrix.md`` writes it anew."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

import cli
from archs import discover
from proofs.claim import by_code
from proofs.matrix import COLUMNS

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "matrix.md"


@pytest.fixture(scope="module")
def page() -> str:
    """The page as the command makes it now, of what there is now."""
    result = CliRunner().invoke(cli.main, ["matrix", "--format", "markdown"])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_page_is_fresh(page):
    assert PAGE.read_text() == page, "bitspec matrix --format markdown -o docs/matrix.md makes it anew"


def test_the_page_names_the_command_that_makes_it(page):
    assert "`bitspec matrix --format markdown -o docs/matrix.md`" in page


def test_every_architecture_and_release_is_there(page):
    for arch in discover.architectures():
        section = page[page.index(f"\n## {arch}\n") :]
        for release in discover.releases(arch):
            assert f"| {arch}@{release} " in section


def test_every_column_is_defined_and_its_claims_exist(page):
    head = page[: page.index("## At a glance")]
    for column in COLUMNS:
        assert f"- **{column.name}**: " in head
    assert set(re.findall(r"\b[A-Z]{2,4}\d{3}\b", head)) <= set(by_code())


def test_its_links_lead_somewhere(page):
    anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^## (.*)$", page, re.MULTILINE)}
    for target in re.findall(r"\]\(([^)]*)\)", page):
        assert target[1:] in anchors if target.startswith("#") else (DOCS / target).exists()


def test_every_table_has_the_same_width_in_all_rows(page):
    for table in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
        assert len({line.count(" | ") for line in table.splitlines()}) == 1
