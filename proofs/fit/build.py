"""Layouts made from a plan: the base with its new fields, and the helpers that go with them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from bitspec.expr import Expr, and_, any_of, clear, ite, not_, trunc, zext
from bitspec.fields import Field, Owner, View
from bitspec.layout import Kernel, Layout, LevelUse, Provenance
from bitspec.vocabulary import HELPERS, Level, VocabularyError
from proofs.claim import Scene
from proofs.fit.cube import EVERYTHING, Cube
from proofs.fit.packing import Packing, Spans, mask_of
from proofs.fit.packing import spans as spans_of
from proofs.fit.question import FLAGS, MEANINGS
from proofs.report import numbering_of

#: The body of a helper: a function of the kernel at its level and the arguments.
Body: TypeAlias = Callable[..., Expr]


@dataclass(frozen=True)
class PresentPlan:
    """What changes in present entries.

    Attributes:
        placed: new flags, and ``present``, by name.
        moved: fields that have a new place, by the kernel's name.
        overlaid: those of them that stand on a bit of the hardware's, which means nothing to it while the entry is not valid.
    """

    placed: Packing = field(default_factory=dict)
    moved: Packing = field(default_factory=dict)
    overlaid: frozenset[str] = frozenset()


@dataclass(frozen=True)
class SwapPlan:
    """What changes in swap entries, and in the predicates that tell them from others.

    Attributes:
        places: every field of a swap entry, by name: ``type``, ``offset`` and the flags.
        constant: the bits that are the same in every swap entry.
        changed: the predicates that get a new condition, by stem.
        marker: what that condition is about: every swap entry is among these, and no table or leaf.
        inverted: the offset is stored inverted.
        fresh: type and offset have a new codec.
        new: the fields that have a new place.
    """

    places: Packing
    constant: Cube
    changed: tuple[str, ...] = ()
    marker: Cube = EVERYTHING
    inverted: bool = False
    fresh: bool = False
    new: tuple[str, ...] = ()


def prefix(k: Kernel) -> str:
    """What the names of this level's software bits begin with: ``_PAGE_``, ``PTE_``, ``_SEGMENT_ENTRY_``."""
    names = [one.name for view in k.use.views.values() for one in view if one.owner is Owner.SOFTWARE]
    found = Counter(match[0] for name in names if (match := re.match(r"_*[A-Z0-9]+_(?:ENTRY_)?", name)))
    return found.most_common(1)[0][0] if found else f"{str(k.level).upper()}_"


def name_of(k: Kernel, need: str, where: str) -> str:
    """A field's name as that kernel would have it; of type and offset the one it has, if it has one."""
    if need in ("type", "offset"):
        owned = [one.name for view in k.use.views.values() for one in view if re.search(rf"SWP_{need.upper()}", one.name)]
        return owned[0] if owned else f"SWP_{need.upper()}"
    bare = need.upper().replace("-", "_")
    return f"{prefix(k)}{'SWP_' if where == 'swap' else ''}{bare}"


def with_view(base: Layout, level: Level, *views: View, **changes: Any) -> Layout:
    """The layout with some views of a level in place of those it has by their names, and other attributes of its use changed."""
    use: LevelUse = base.uses[level]
    made = replace(use, views={**use.views, **{one.name: one for one in views}}, **changes)
    return replace(base, uses={**base.uses, level: made}, provenance=Provenance.TRANSCRIBED, derived={}, _built={})


def _added(view: View, fields: Iterable[Field]) -> View:
    fresh = list(fields)
    names, taken = {one.name for one in fresh}, sum(one.mask for one in fresh)
    kept = [one for one in view if one.name not in names and not (one.owner is Owner.IGNORED and one.mask & taken)]
    return replace(view, fields=(*kept, *fresh))


# Present entries


def with_present(base: Layout, level: Level, plan: PresentPlan) -> Layout:
    """The layout with the plan's fields of present entries."""
    layout = base
    for name, spans in plan.moved.items():  # one macro: it moves wherever the kernel uses it
        layout = layout.but(*{replace(old, spans=spans) for use in base.uses.values() if (old := use.field(name)) is not None})
        if name in plan.overlaid:
            layout = _overlaid(layout, name)
    for need, spans in plan.placed.items():
        layout = _with_present_bit(layout, level, spans) if need == "present" else _with_flag(layout, level, need, spans)
    return layout


def _overlaid(base: Layout, name: str) -> Layout:
    """The field only in entries that are not valid, in place of what the kernel keeps there of a valid one."""
    layout = base
    for level, use in base.uses.items():
        one = use.field(name)
        if one is not None and "invalid" in use.views:
            leaf, invalid = use.views["leaf"], use.views["invalid"]
            valid = replace(leaf, fields=tuple(other for other in leaf if other.name != name))
            others = tuple(other for other in invalid if other.name != name and not other.mask & one.mask)
            layout = with_view(layout, level, valid, replace(invalid, fields=(*others, one)))
    return layout


def _named(k: Kernel, level: Level, need: str, spans: Spans) -> Field:
    """A new field of present entries.  Raises VocabularyError where the kernel has one of that name that is something else."""
    one = Field(name_of(k, need, "present"), spans, Owner.SOFTWARE, MEANINGS.get(need, "as was asked for"))
    old = k.use.field(one.name)
    if old is not None and (need not in FLAGS or old.owner is not Owner.SOFTWARE):
        raise VocabularyError(f"{need} must be a new name, not that of {old.name} {old.where(k.use.width, numbering_of(Scene(k.layout, level)))}")
    return one


def _with_present_bit(base: Layout, level: Level, spans: Spans) -> Layout:
    """Every constructor of a present entry sets the bit, ``pXd_present`` tests it alone, and ``pXd_bad`` does not mind it."""
    k, mask = base.at(level), mask_of(spans)
    one = _named(k, level, "present", spans)
    views = [_added(view, [one]) for name, view in k.use.views.items() if name in ("leaf", "invalid", "table")]
    before = k.present
    helpers: dict[str, Body] = {}
    for name in (f"pfn_{level}", f"{level}_populate", f"__pte_to_rste_{level}"):
        if name in HELPERS and base.has(name):
            helpers[name] = _marking(base, name, lambda made: ite(before(made), made | mask, made))
    if k.has("modify"):
        helpers[f"{level}_modify"] = _marking(base, f"{level}_modify", lambda made: made | mask)
    helpers[f"{level}_present"] = lambda k, entry: any_of(entry, mask)
    if k.has("bad"):
        bad = k.bad
        helpers[f"{level}_bad"] = lambda k, entry: bad(clear(entry, mask))  # the bit is no fault of a table's
    return with_view(base, level, *views).but(level=None, **helpers)


def _marking(base: Layout, name: str, change: Callable[[Expr], Expr]) -> Body:
    """The helper of `base`, with `change` made to what it returns."""
    old = base.helper(name)
    return lambda k, *args: change(old(*args))


def _with_flag(base: Layout, level: Level, flag: str, spans: Spans) -> Layout:
    """A software flag of present entries: the setters the kernel has for it, where it has some; every change of protection keeps it."""
    k, mask = base.at(level), mask_of(spans)
    one = _named(k, level, flag, spans)
    views = [_added(view, [one]) for name, view in k.use.views.items() if name in ("leaf", "invalid")]
    helpers: dict[str, Body] = {}
    if flag in FLAGS:
        helpers[f"{level}_{flag}"] = lambda k, entry: any_of(entry, mask)
        helpers[f"{level}_clear_{flag}"] = lambda k, entry: clear(entry, mask)
        # a write-protect fault is what userfaultfd waits for (include/linux/userfaultfd_k.h)
        protects = flag == "uffd_wp" and k.has("wrprotect")
        helpers[f"{level}_mk{flag}"] = lambda k, entry: k.wrprotect(entry | mask) if protects else entry | mask
    if k.has("modify"):
        modify = k.modify
        helpers[f"{level}_modify"] = lambda k, entry, prot: clear(modify(entry, prot), mask) | entry & mask
    extra = k.use.extra if flag in FLAGS else k.use.extra | mask
    return with_view(base, level, *views, extra=extra).but(level=None, **helpers)


# Swap entries


def with_swap(base: Layout, levels: Iterable[Level], plan: SwapPlan, present: Spans | None = None) -> Layout:
    """The layout with the plan's swap entries.

    Args:
        base: the layout with its present entries as they will be.
        levels: the level that is asked about, and those that store its swap entries as they are.
        plan: the plan.
        present: the bit that every present entry has, if there is one: what the changed predicates ask for then.
    """
    first, *others = levels
    layout = base
    if plan.fresh:
        layout = _with_codec(layout, first, tuple(others), plan)
    for level in (first, *others):
        k = layout.at(level)
        for flag, spans in sorted(plan.places.items(), key=lambda pair: pair[0] not in FLAGS):  # those without helpers last: decoding strips them on top
            its = level is first or (flag in FLAGS and k.has(f"swp_{flag}", f"swp_mk{flag}"))
            if flag in plan.new and flag not in ("type", "offset") and its:
                layout = _with_swap_flag(layout, level, flag, spans)
        layout = with_view(layout, level, _swap_view(Scene(layout, level), plan))
    return layout.but(level=None, **_predicates(layout.at(first), plan, present))


def _predicates(k: Kernel, plan: SwapPlan, present: Spans | None) -> dict[str, Body]:
    mask = mask_of(present) if present is not None else 0
    made: dict[str, Body] = {}
    for stem in plan.changed:
        if not (present is not None and stem == "present"):  # that one asks for the bit already
            made[k.name(stem)] = _narrowed(k.layout, k.name(stem), plan.marker, mask)
    return made


def _narrowed(base: Layout, name: str, marker: Cube, present: int) -> Body:
    old = base.helper(name)
    if present:
        return lambda k, entry: and_(old(entry), any_of(entry, present))
    return lambda k, entry: and_(old(entry), not_(marker.member(entry)))


def _resized(value: Expr, width: int) -> Expr:
    return zext(value, width) if value.width < width else trunc(value, width)


def whole(plan: SwapPlan, name: str, entry: Expr, wide: int) -> Expr:
    """The plan's ``type`` or ``offset`` of an entry, widened."""
    return zext(Field(name, plan.places[name], Owner.SOFTWARE, inverted=plan.inverted and name == "offset").extract(entry), wide)


def _with_codec(base: Layout, level: Level, others: tuple[Level, ...], plan: SwapPlan) -> Layout:
    width = base.at(level).use.width
    kind = Field("type", plan.places["type"], Owner.SOFTWARE)
    offset = Field("offset", plan.places["offset"], Owner.SOFTWARE, inverted=plan.inverted)

    def encoded(swap_type: Expr, number: Expr, wide: int = width) -> Expr:
        made = offset.insert(number, wide) | kind.insert(swap_type, wide)
        return made | plan.constant.value if plan.constant.value else made

    helpers: dict[str, Body] = {}
    if level is Level.PTE:
        helpers["__swp_entry"] = lambda k, swap_type, number: encoded(swap_type, number, base.word)
        helpers["__swp_type"] = lambda k, swp: whole(plan, "type", swp, swp.width)
        helpers["__swp_offset"] = lambda k, swp: whole(plan, "offset", swp, swp.width)
        for one in (level, *others):
            helpers[f"__{one}_to_swp_entry"] = lambda k, entry: _resized(entry, k.layout.word)
            helpers[f"__swp_entry_to_{one}"] = lambda k, swp: _resized(swp, width)
    else:
        helpers[f"__swp_entry_to_{level}"] = lambda k, swp: encoded(k.helper("__swp_type")(swp), k.helper("__swp_offset")(swp))
        helpers[f"__{level}_to_swp_entry"] = lambda k, entry: k.helper("__swp_entry")(
            whole(plan, "type", entry, k.layout.word), whole(plan, "offset", entry, k.layout.word)
        )
    return base.but(level=None, **helpers)


def _with_swap_flag(base: Layout, level: Level, flag: str, spans: Spans) -> Layout:
    mask = mask_of(spans)
    if flag in FLAGS:
        return base.but(level=None, **{
            f"{level}_swp_{flag}": lambda k, entry: any_of(entry, mask),
            f"{level}_swp_mk{flag}": lambda k, entry: entry | mask,
            f"{level}_swp_clear_{flag}": lambda k, entry: clear(entry, mask),
        })  # fmt: skip
    strip = f"{level}_to_swp_entry"
    old = base.helper(strip)
    use = base.uses[level]
    return with_view(base, level, swap_extra=use.swap_extra | mask).but(level=None, **{strip: lambda k, entry: old(clear(entry, mask))})


def _swap_view(scene: Scene, plan: SwapPlan) -> View:
    """The kernel's view of a swap entry: its fields, and the bits that mark one."""
    k = scene.k
    old = k.use.views.get("swap") or View("swap", k.use.width, (), numbering_of(scene), "")
    shown = {name: spans for name, spans in plan.places.items() if name in ("type", "offset") or name not in FLAGS or k.has(f"swp_mk{name}")}
    fields = []
    for need, spans in shown.items():
        here = mask_of(spans)
        same = next((one for one in old if one.mask == here and need not in plan.new), None)
        meaning = MEANINGS.get(need, "as was asked for")
        fields.append(same or Field(name_of(k, need, "swap"), spans, Owner.SOFTWARE, meaning, inverted=need == "offset" and plan.inverted))
    taken = sum(one.mask for one in fields)
    facts = scene.layout.hardware
    theirs = facts.levels[scene.level].views.get("invalid") if facts.no_walk is None and scene.level in facts.levels else None
    names = {one.name for one in fields}
    kept = [one for one in old if not one.mask & taken and one.name not in names and (one.owner is not Owner.SOFTWARE or not plan.fresh)]
    taken |= sum(one.mask for one in kept)
    marks = []
    for place, bit in plan.constant.literals if plan.fresh else ():
        if bit and not taken >> place & 1:
            owner = theirs.owner(place) if theirs is not None else None
            acts = owner is not None and owner.owner is Owner.HARDWARE
            if acts and owner is not None:
                kept.append(Field(owner.name, owner.spans, Owner.HARDWARE, "1: not valid"))
            else:
                marks.append(place)
    if marks:
        kept.append(Field(f"{prefix(k)}SWP_MARK", spans_of(marks), Owner.SOFTWARE, "1: a swap entry"))
    return replace(old, fields=(*fields, *kept))
