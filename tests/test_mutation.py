"""Move any one software or swap field by one bit: the claims notice exactly the moves that collide."""

from __future__ import annotations

from functools import cache

import pytest
from tests.brute import collisions

from archs import discover
from bitspec.fields import Owner
from bitspec.layout import Layout
from bitspec.vocabulary import Level
from proofs.check import Checker, Verdict


def _mutants():
    for arch in discover.architectures():
        layout = discover.layout(arch)
        names = dict.fromkeys(one.name for use in layout.uses.values() for view in use.views.values() for one in view if one.owner is Owner.SOFTWARE)
        for name in names:
            for by in (-1, 1):
                yield pytest.param(arch, name, by, id=f"{arch}-{name}{by:+}")


@cache
def _refuted(layout_id: int, layout: Layout, level: Level) -> frozenset[tuple[str, str]]:
    return frozenset((one.code, one.subject) for one in Checker().check(layout, [level]) if one.verdict is Verdict.REFUTED)


@pytest.mark.parametrize(("arch", "name", "by"), _mutants())
def test_a_moved_field_is_refuted_exactly_when_it_collides(arch, name, by):
    layout = discover.layout(arch)
    for level, use in layout.uses.items():
        field = use.field(name)
        if field is None or min(low for _, low in field.spans) + by < 0:
            continue
        mutant = layout.but(field.moved(by))
        before = set(collisions(layout, level))
        collides = sorted(set(collisions(mutant, level)) - before)
        refuted = {(one.code, one.subject) for one in Checker().check(mutant, [level]) if one.verdict is Verdict.REFUTED}
        fresh = sorted(refuted - {(one.code, one.subject) for one in Checker().check(layout, [level]) if one.verdict is Verdict.REFUTED})
        assert bool(fresh) == bool(collides), f"{level}: claims refuted: {fresh[:5]}; collisions found on ints: {collides[:5]}"
