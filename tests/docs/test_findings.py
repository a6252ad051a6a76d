"""The page of findings counts what there is."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_the_counts_are_those_of_the_known_refutations() -> None:
    known = (ROOT / "tests" / "golden" / "known.txt").read_text()
    page = (ROOT / "docs" / "findings.md").read_text()
    for kind in ("reachable", "guarded", "latent", "cosmetic"):
        row = re.search(rf"^\| {kind} \| .* \| (\d+) \|$", page, re.MULTILINE)
        assert row is not None
        assert int(row[1]) == known.count(f": {kind}, ")
