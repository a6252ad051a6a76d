"""Move any one software or swap field by one bit: the claims notice exactly the moves that collide.

What collides is decided by :mod:`tests.brute`, which shares nothing with the claims but the helpers.  No position is compared with an expected position.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest

from archs import discover
from bitspec.fields import Field, Owner
from bitspec.layout import Layout
from bitspec.vocabulary import Level
from proofs.check import Checker
from tests.brute import collisions


def _software(layout: Layout) -> Iterator[str]:
    """Fields that are software's wherever they stand."""
    fields = [one for use in layout.uses.values() for view in use.views.values() for one in view]
    fixed = {one.name for one in fields if one.owner is not Owner.SOFTWARE}
    return iter(dict.fromkeys(one.name for one in fields if one.name not in fixed))


def _mutants() -> Iterator[object]:
    for arch in discover.architectures():
        layout = discover.layout(arch)
        for name in _software(layout):
            for level, use in layout.uses.items():
                field = use.field(name)
                for by in (-1, 1):
                    if field is not None and min(low for _, low in field.spans) + by >= 0 and max(high for high, _ in field.spans) + by < use.width:
                        yield pytest.param(arch, level, field.moved(by), id=f"{arch}-{level}-{name}{by:+}")


@cache
def _as_shipped(arch: str, level: Level) -> tuple[frozenset[tuple[str, str]], frozenset[str]]:
    layout = discover.layout(arch)
    return Checker().refuted(layout, level), collisions(layout, level)


@pytest.mark.parametrize(("arch", "level", "field"), list(_mutants()))
def test_a_moved_field_is_refuted_exactly_when_it_collides(arch: str, level: Level, field: Field) -> None:
    mutant = discover.layout(arch).but(field)
    known, harmless = _as_shipped(arch, level)
    refuted = sorted(Checker().refuted(mutant, level) - known)
    collides = sorted(collisions(mutant, level) - harmless)
    assert bool(refuted) == bool(collides), f"refuted: {refuted[:5]}; collisions found on ints: {collides[:5]}"


def test_some_moves_collide_and_some_fit() -> None:
    """The test above would say nothing if every mutant fell on one side."""
    layout = discover.layout("x86_64")
    use = layout.uses[Level.PTE]
    sides = {bool(collisions(layout.but(field.moved(1)), Level.PTE)) for view in use.views.values() for field in view if field.owner is Owner.SOFTWARE}
    assert sides == {True, False}
