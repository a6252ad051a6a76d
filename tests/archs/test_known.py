"""Every reviewed refutation is about something that exists, and is refuted wherever it says so."""

from __future__ import annotations

import pytest

from archs import discover
from bitspec.layout import Absent
from bitspec.vocabulary import Level
from proofs.check import Checker, Verdict
from proofs.claim import by_code


@pytest.mark.parametrize("arch", discover.architectures())
def test_known_refutations_name_what_exists(arch: str) -> None:
    for one in discover.known(arch):
        claim = by_code()[one.code]
        assert set(one.layouts) <= set(discover.releases(arch))
        assert set(one.variants) <= set(discover.variants(arch))
        assert all(claim.codes.get(Level(level)) == one.code for level in one.levels)


@pytest.mark.parametrize("arch", discover.architectures())
def test_known_refutations_are_refuted(arch: str) -> None:
    refuted = set()
    for release in discover.releases(arch):
        for variant in discover.variants(arch):
            try:
                layout = discover.layout(arch, release, variant)
            except Absent:
                continue
            for result in Checker(discover.known(arch)).check(layout, list(Level)):
                if result.verdict is Verdict.REFUTED:
                    refuted.add((result.code, result.subject, result.level.value, release, variant))
    for one in discover.known(arch):
        for subject in one.subjects:
            for level in one.levels:
                for release in one.layouts:
                    for variant in one.variants or (None,):
                        assert any(key[:4] == (one.code, subject, level, release) and variant in (None, key[4]) for key in refuted), (
                            f"{one.code} {subject} {level} {release} {variant}"
                        )
