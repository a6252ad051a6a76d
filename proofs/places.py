"""Where the fields of swap entries are, told from the helpers: of a kernel tree's layout only these are its own, not the names of the fields."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bitspec.fields import Field, LayoutError, Owner
from bitspec.layout import Layout
from bitspec.proposal import MOVED, NEW, REMOVED, FieldChange
from bitspec.proposed import numbering
from bitspec.vocabulary import Level
from proofs.fit.codec import existing


def swap_fields(layout: Layout, level: Level) -> Iterator[Field]:
    """The fields of a level's swap entries: type, offset and flags; none where they have no bits of their own."""
    try:
        found = existing(layout.at(level))
    except LayoutError:
        return
    if found is not None:
        for name, spans in found.places.items():
            yield Field(name, spans, Owner.SOFTWARE, inverted=found.inverted and name == "offset")


def moved(old: Layout, new: Layout) -> tuple[FieldChange, ...]:
    """The fields of swap entries that two layouts have in different places, at the levels both have."""
    found: dict[FieldChange, list[Level]] = {}
    for level in (one for one in new.uses if one in old.uses):
        was, now = ({one.name: one for one in swap_fields(layout, level)} for layout in (old, new))
        for name in dict.fromkeys((*was, *now)):
            if was.get(name) != now.get(name):
                found.setdefault(_change(name, was.get(name), now.get(name), old, new, level), []).append(level)
    return tuple(replace(change, levels=tuple(levels)) for change, levels in found.items())


def _change(name: str, before: Field | None, after: Field | None, old: Layout, new: Layout, level: Level) -> FieldChange:
    counts = numbering(new, level)
    turned = before is not None and after is not None and before.inverted != after.inverted
    return FieldChange(
        f"swap {name}",
        NEW if before is None else REMOVED if after is None else MOVED,
        ("swap",),
        bits=None if after is None else after.where(new.uses[level].width, counts),
        mask=None if after is None else after.mask,
        was=None if before is None else before.where(old.uses[level].width, counts),
        inverted=after.inverted if turned and after is not None else None,
    )
