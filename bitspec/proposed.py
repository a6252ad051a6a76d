"""The layout a proposal makes of its base, and the proposal that makes one layout of another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from bitspec.expr import Expr, ExprError, nodes
from bitspec.fields import Field, LayoutError, Numbering, Owner, View
from bitspec.layout import Absent, Definition, Kernel, Layout, LevelUse, Provenance, must_stay
from bitspec.proposal import MOVED, NEW, REMOVED, Base, FieldChange, HelperChange, Proposal
from bitspec.vocabulary import HELPERS, Level, VocabularyError
from bitspec.written import build, parse

NODES: Final = 20_000
DEEP: Final = 200


def numbering(layout: Layout, level: Level) -> Numbering:
    """How the manual counts the bits of a level, whatever the kernel's own views say."""
    facts = layout.hardware.levels.get(level)
    views = facts.views if facts is not None else layout.uses[level].views
    return next(iter(views.values())).numbering


# From a proposal to a layout


def applied(proposal: Proposal, base: Layout) -> Layout:
    """The layout that a proposal makes of `base`, every helper of it built once, so that what is wrong is said now.

    Raises TextError.
    """
    layout = base
    for status in (REMOVED, MOVED, NEW):
        for one in proposal.fields:
            if one.status == status:
                try:
                    layout = _changed(layout, one, proposal.base.level)
                except (LayoutError, VocabularyError, Absent) as error:
                    raise proposal.error(str(error), one.line, f"field {one.name}") from None
    made = {one.name: Definition((one.name,), _once(one), f"{proposal.where}:{one.line or 1}", "replaced") for one in proposal.helpers}
    trust = Provenance.TRANSCRIBED if proposal.fields or made else layout.provenance
    layout = replace(layout, helpers={**layout.helpers, **made}, provenance=trust, derived={}, _built={})
    _tried(proposal, base, layout)
    return layout


def _changed(layout: Layout, one: FieldChange, usual: Level | None) -> Layout:
    """The layout with one field moved, added or removed."""
    levels = one.levels or ((usual,) if usual is not None else tuple(layout.uses))
    uses, found = dict(layout.uses), set()
    for level in levels:
        if level not in uses:
            raise Absent(f"{level} is folded in variant {layout.hardware.variant}")
        use = uses[level]
        views = dict(use.views)
        for name in _entries(one, use):
            old = views.get(name)
            fields = _fields(layout, level, name, old, one)
            if fields is not None:
                found.add(level)
                views[name] = replace(old, fields=fields) if old is not None else _fresh(use, name, fields)
        uses[level] = replace(use, views=views)
        if one.extra:
            mask = _place(layout, level, one)[1]
            mapped, swapped = (mask if any((name == "swap") is kind for name in one.entries) else 0 for kind in (False, True))
            uses[level] = replace(uses[level], extra=use.extra | mapped, swap_extra=use.swap_extra | swapped)
    missing = [level for level in one.levels if level not in found]
    if not found or missing:
        where = f"{layout.name} {', '.join(missing)}".strip()
        if one.status == NEW:
            raise LayoutError(f"{where} must have such an entry to have a field in it")
        hint = 'with status = "new" it is added' if one.status == MOVED else "there is nothing to remove"
        raise LayoutError(f"a field must exist in {where} to be {one.status}; {hint}")
    return replace(layout, uses=uses, derived={}, _built={})


def _entries(one: FieldChange, use: LevelUse) -> Iterable[str]:
    """The views that a change is about."""
    present = ("leaf", "invalid") if one.status == NEW else ("table", "leaf", "invalid")
    every = one.entries or tuple(use.views)
    found = [name for each in every for name in (present if each == "present" else (each,))]
    return dict.fromkeys(name for name in found if name in use.views or (one.status == NEW and name == "swap"))


def _fields(layout: Layout, level: Level, name: str, view: View | None, one: FieldChange) -> tuple[Field, ...] | None:
    """The fields of a view after the change; None where it is not concerned."""
    old = view[one.name] if view is not None and one.name in view else None
    if one.status == NEW:
        if old is not None:
            raise LayoutError(f"it is in a {name} entry already: it can be moved, not added")
        spans, mask = _place(layout, level, one)
        owner = Owner(one.owner)
        if owner is Owner.HARDWARE:
            _is_hardware(layout, level, one.name, spans)
        kept = tuple(each for each in view or () if not (each.owner is Owner.IGNORED and each.mask & mask))
        return (*kept, Field(one.name, spans, owner, one.meaning or "proposed", bool(one.inverted)))
    if old is None:
        return None
    if old.owner is not Owner.SOFTWARE and (one.status == MOVED or _acted_on(layout, level, name, old)):
        raise must_stay(one.name, layout.hardware)
    rest = tuple(each for each in view or () if each is not old)
    if one.status == REMOVED:
        return rest
    if one.was is not None and numbering(layout, level).spans(one.was, layout.uses[level].width) != old.spans:
        raise LayoutError(f"it was at {old.where(layout.uses[level].width, numbering(layout, level))} in a {name} entry, not {one.was}")
    inverted = old.inverted if one.inverted is None else one.inverted
    moved = replace(old, spans=_place(layout, level, one)[0], inverted=inverted)
    return tuple(moved if each is old else each for each in view or ())


def _fresh(use: LevelUse, name: str, fields: tuple[Field, ...]) -> View:
    leaf = next(iter(use.views.values()))
    return View(name, use.width, fields, leaf.numbering)


def _place(layout: Layout, level: Level, one: FieldChange) -> tuple[tuple[tuple[int, int], ...], int]:
    """The spans and the mask of a changed field."""
    width = layout.uses[level].width
    if one.mask is not None and not 0 < one.mask < 1 << width:
        raise LayoutError(f"mask must have bits, and inside the {width} of an entry, not be {hex(one.mask)[:40]}")
    if one.bits is None:
        assert one.mask is not None
        return _runs(one.mask), one.mask
    spans = numbering(layout, level).spans(one.bits, width)
    mask = Field(one.name, spans, Owner.SOFTWARE).mask
    if one.mask not in (None, mask):
        raise LayoutError(f"bits {one.bits} are the mask {mask:#x}, not {one.mask:#x}")
    return spans, mask


def _runs(mask: int) -> tuple[tuple[int, int], ...]:
    """A mask as spans, the most significant first."""
    found: list[tuple[int, int]] = []
    for place in reversed(range(mask.bit_length())):
        if mask >> place & 1:
            joined = bool(found) and found[-1][1] == place + 1
            found[-1:] = [(found[-1][0], place)] if joined else [*found[-1:], (place, place)]
    return tuple(found)


def _acted_on(layout: Layout, level: Level, name: str, one: Field) -> bool:
    """Whether the hardware looks at a field in such an entry, as far as is known; of one that is not valid it ignores most."""
    facts = layout.hardware.levels.get(level)
    view = facts.views.get("invalid" if name == "swap" else name) if facts is not None else None
    if view is None:
        return True
    owners = [view.owner(place) for place in range(view.width) if one.mask >> place & 1]
    return any(owner is not None and owner.owner is Owner.HARDWARE for owner in owners)


def _is_hardware(layout: Layout, level: Level, name: str, spans: tuple[tuple[int, int], ...]) -> None:
    """Raises LayoutError where the hardware has no such field in that place."""
    facts = layout.hardware.levels.get(level)
    places = [view[name].spans for view in facts.views.values() if name in view] if facts is not None else []
    if spans not in places:
        raise LayoutError(f"the hardware ({layout.hardware.manual}) must have a bit of this name in this place")


def _once(one: HelperChange) -> Callable[..., Expr]:
    """What builds the helper; it must not come to itself again, by way of other helpers either."""
    tree = parse(one.expression)
    under_way: list[str] = []

    def made(k: Kernel, *args: Expr) -> Expr:
        if under_way:
            raise LayoutError(f"{one.name} must not be defined by itself, nor by helpers that call it")
        under_way.append(one.name)
        try:
            return build(tree, k, dict(zip(one.params, args, strict=True)))
        finally:
            under_way.clear()

    return made


def _tried(proposal: Proposal, base: Layout, layout: Layout) -> None:
    """Build everything.  Raises TextError."""
    changed = {one.name: one for one in proposal.helpers}
    for name in dict.fromkeys((*changed, *layout.helpers)):
        one = changed.get(name)
        line, about = (one.line, f"helper {name}") if one is not None else (None, f"{name}, which is as it was, goes wrong")
        try:
            if one is not None and one.status is not None and (one.status == NEW) == base.has(name):
                raise LayoutError(f"{base.name} {'has' if base.has(name) else 'does not have'} it: its status must be {'changed' if base.has(name) else 'new'}")
            body = layout.helper(name).body
            if one is not None:
                _small(body)
        except Absent as error:
            if one is not None:
                raise proposal.error(str(error), line, about) from None
        except (LayoutError, ExprError, VocabularyError) as error:
            raise proposal.error(str(error), line, about) from None
        except RecursionError:
            raise proposal.error("it is too deep", line, about) from None
    for level in layout.uses:
        try:
            layout.at(level).protections  # noqa: B018 - software bits may be in the table
        except (LayoutError, ExprError) as error:
            raise proposal.error(f"the protection table of {level} goes wrong: {error}", None) from None


def _small(body: Expr) -> None:
    every = nodes(body)
    if len(every) > NODES:
        raise LayoutError(f"a helper must be made of at most {NODES} operations, not {len(every)}")
    depth: dict[Expr, int] = {}
    for node in every:
        depth[node] = 1 + max((depth[arg] for arg in node.args), default=0)
    if depth[body] > DEEP:
        raise LayoutError(f"a helper must be at most {DEEP} operations deep, not {depth[body]}")


# From two layouts to a proposal


@dataclass(frozen=True)
class _Key:
    """A change of a field, without its levels and entries."""

    change: FieldChange
    entries: tuple[str, ...]


def between(base: Layout, made: Layout, level: Level | None = None, asked: str = "") -> Proposal:
    """The proposal that makes `made` of `base`, which has the same levels; `level` is the one it is about."""
    helpers = []
    for name in HELPERS:
        if name not in made.helpers or made.helpers[name] is base.helpers.get(name) or not made.has(name):
            continue
        one = made.helper(name)
        if not base.has(name) or base.helper(name).body != one.body:
            status = "changed" if base.has(name) else NEW
            helpers.append(HelperChange(name, tuple(str(param.attr) for param in one.params), repr(one.body), status))
    target = Base(base.arch, base.release, base.hardware.variant, base.config.name, level)
    return Proposal("proposal", target, moves(base, made, level), tuple(helpers), asked)


def moves(base: Layout, made: Layout, level: Level | None = None) -> tuple[FieldChange, ...]:
    """The fields that move, are new or go, at the levels both have; a change says at which, but where it is `level` alone."""
    groups: dict[_Key, list[Level]] = {}
    for at in made.uses:
        if at not in base.uses:
            continue
        changes: dict[FieldChange, list[str]] = {}
        for name in dict.fromkeys((*base.uses[at].views, *made.uses[at].views)):
            for change in _differences(base, made, at, name):
                changes.setdefault(change, []).append(name)
        for change, entries in changes.items():
            present = [name for name in ("leaf", "invalid") if name in made.uses[at].views]
            alike = "present" if set(entries) == set(present) else None
            groups.setdefault(_Key(change, (alike,) if alike else tuple(entries)), []).append(at)
    return tuple(replace(key.change, entries=key.entries, levels=() if levels == [level] else tuple(levels)) for key, levels in groups.items())


def _differences(base: Layout, made: Layout, level: Level, name: str) -> Iterator[FieldChange]:
    """What changes in one view."""
    old, new = (_named(layout.uses[level], name) for layout in (base, made))
    use, counts = made.uses[level], numbering(base, level)
    fresh = (use.swap_extra & ~base.uses[level].swap_extra) if name == "swap" else (use.extra & ~base.uses[level].extra)
    added = sum(one.mask for one in new.values() if one.name not in old)
    for one in old.values():
        if one.name not in new and not (one.owner is Owner.IGNORED and one.mask & added):
            yield FieldChange(one.name, REMOVED)
    for one in new.values():
        before, place = old.get(one.name), one.where(use.width, counts)
        if before is None:
            yield FieldChange(
                one.name, NEW, bits=place, mask=one.mask, inverted=one.inverted or None, extra=one.mask & fresh == one.mask,
                owner=one.owner.value, meaning=one.meaning,
            )  # fmt: skip
        elif (before.spans, before.inverted) != (one.spans, one.inverted):
            inverted = one.inverted if one.inverted != before.inverted else None
            yield FieldChange(one.name, MOVED, bits=place, mask=one.mask, was=before.where(use.width, counts), inverted=inverted)


def _named(use: LevelUse, name: str) -> dict[str, Field]:
    """The fields of a view by their names, of which only the first counts."""
    view = use.views.get(name)
    return {} if view is None else {one.name: one for one in reversed(view.fields)}
