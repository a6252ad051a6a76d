"""The page of formats leaves none out; the commands it shows are run with those of the other pages."""

from __future__ import annotations

import re
from pathlib import Path

from bitspec.render import formats

PAGE = Path(__file__).parents[2] / "docs" / "formats.md"


def test_every_format_has_its_row_and_its_example():
    page = PAGE.read_text()
    table = page[page.index("| --- |") : page.index("A refutation in full")]
    shown = re.findall(r"^\$ bitspec check .* --format (\w+)$", page, re.MULTILINE)
    assert sorted(re.findall(r"^\| (\w+) \|", table, re.MULTILINE)) == sorted(formats())
    assert sorted([*shown, "text"]) == sorted(formats())  # text is what every other page shows
