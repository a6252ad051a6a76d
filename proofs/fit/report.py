"""From answers to plain data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import bitspec
from bitspec import fitted as plain
from bitspec.expr import Expr, not_, substitute
from bitspec.fields import Numbering
from bitspec.layout import Helper
from bitspec.picture import Picture, draw
from bitspec.proposed import between
from bitspec.read.as_c import c_text
from bitspec.read.as_known import decided
from bitspec.read.as_prose import phrase, prose
from bitspec.solver import Solver, version
from bitspec.vocabulary import HELPERS, NON_PRESENT, Kind, Level
from proofs.capacity import binary_size, swap_bits
from proofs.check import Result
from proofs.claim import Scene
from proofs.fit.build import name_of, whole
from proofs.fit.codec import existing
from proofs.fit.hazards import PREDICATES
from proofs.fit.packing import Spans, mask_of, positions
from proofs.fit.question import SWAP, Question
from proofs.fit.reasons import Infeasible, Refused, Relaxation
from proofs.fit.search import Fitted
from proofs.report import numbering_of, tables
from proofs.state import State
from proofs.states import offset_bits


def outcome(
    question: Question,
    asked: str,
    answers: Iterable[Fitted],
    none: Infeasible | Refused | None,
    unknown: str | None,
    seconds: float,
    statistics: Mapping[str, float],
) -> plain.Outcome:
    """What became of a question."""
    layout = question.layout
    if isinstance(none, Refused):
        wrong = "; ".join((*(f"{code} {count} times" for code, count in none.claims), *(f"{code} can no longer be asked" for code in none.lost), *none.spoilt))
        unknown = f"the bits are there, but none of the {none.tried} layouts that were tried will do ({wrong})"
        if not none.tried:
            unknown = "of the ways to place the fields of present entries, those that were tried leave no room for the swap entries"
    return plain.Outcome(
        version=bitspec.__version__,
        solver=version(),
        arch=layout.arch,
        layout=layout.release,
        variant=layout.hardware.variant,
        config=layout.config.name,
        level=question.level.value,
        provenance=layout.provenance,
        width=layout.uses[question.level].width,
        asked=asked,
        answers=tuple(_answer(one) for one in answers),
        infeasible=none.reasons if isinstance(none, Infeasible) else (),
        relaxations=tuple(_relaxed(one) for one in none.relaxations) if isinstance(none, Infeasible) else (),
        unknown=unknown,
        seconds=seconds,
        statistics=statistics,
    )


def _relaxed(one: Relaxation) -> plain.Relaxed:
    return plain.Relaxed(one.words, tuple(place for place in _placements(one.answer) if place.status != "kept"))


def _answer(one: Fitted) -> plain.Answer:
    question, scene = one.question, Scene(one.layout, one.question.level)
    changed = one.swap.changed if one.swap is not None else ()
    narrowed = {scene.k.name(stem) for stem in changed} | ({scene.k.name("present")} if "present" in one.present.placed else set())
    predicates = [scene.k.name(stem) for stem in PREDICATES if scene.k.has(stem)]
    layout = question.layout
    kept = [name for name in predicates if layout.helper(name).body == one.layout.helper(name).body]
    return plain.Answer(
        title=f"{layout.name} {layout.hardware.variant} {question.level}",
        placements=tuple(_placements(one)),
        changes=tuple(_changes(one, narrowed)),
        kept=tuple(kept),
        sought=tuple(name for name in predicates if name not in kept),
        marker=_marker(one),
        pictures=tuple(_pictures(one)),
        table=next((table for table in tables(one.results) if f" {question.level} " in table.title), None),
        said=_said(scene) if one.swap is not None else {},
        cost=_cost(one),
        counts=_counts(one.results),
        proposal=between(layout, one.layout, question.level),
    )


# Fields


def _placements(one: Fitted) -> Iterator[plain.Placement]:
    question = one.question
    k, level = question.layout.at(question.level), question.level
    width, numbering = k.use.width, numbering_of(question.scene)
    for name, places in one.present.placed.items():
        yield plain.Placement(name_of(k, name, "present"), "present", _text(places, width, numbering), mask_of(places), "new")
    for name, places in one.present.moved.items():
        old = next(found for use in (question.layout.uses[level], *question.layout.uses.values()) if (found := use.field(name)) is not None)
        note = _shares(question, places, ("leaf",)) if name in one.present.overlaid else ""
        yield plain.Placement(name, "present", _text(places, width, numbering), mask_of(places), "moved", _text(old.spans, width, numbering), note=note)
    if one.swap is None:
        return
    codec = existing(k)
    for name, places in one.swap.places.items():
        before = codec.places.get(name) if codec is not None else None
        status = "kept" if before == places else "new" if before is None else "moved"
        was = _text(before, width, numbering) if before is not None and status == "moved" else None
        note = _shares(question, places, ("leaf", "invalid")) if status != "kept" and len(positions(places)) == 1 else ""
        inverted = one.swap.inverted and name == "offset"
        yield plain.Placement(name_of(k, name, SWAP), SWAP, _text(places, width, numbering), mask_of(places), status, was, inverted, note)


def _shares(question: Question, places: Spans, views: tuple[str, ...]) -> str:
    """The overlay: the fields of a mapped entry that stand on the same bits."""
    scene = question.scene
    facts = scene.layout.hardware
    theirs = facts.levels[scene.level].views if facts.no_walk is None and scene.level in facts.levels else {}
    found: list[str] = []
    for name in views:
        for view in (scene.k.use.views.get(name), theirs.get(name)):
            for place in positions(places):
                owner = view.owner(place) if view is not None else None
                if owner is not None and owner.owner.value in ("hardware", "software") and not found:
                    found.append(owner.name)
    return f"overlays {found[0]} of a mapped entry" if found else ""


def _text(places: Spans, width: int, numbering: Numbering) -> str:
    return ",".join(numbering.text(high, low, width) for high, low in places)


def _marker(one: Fitted) -> str:
    if one.swap is None:
        return ""
    k = one.layout.at(one.question.level)
    entry = phrase(f"{one.question.level}", k.use.width)
    if "present" in one.present.placed:
        return prose(not_(k.present(entry)))
    return prose(one.swap.marker.member(entry)) if one.swap.changed else ""


def _pictures(one: Fitted) -> Iterator[Picture]:
    """The kinds of entry that change, before and after; of their fields those that change."""
    level, numbering = one.question.level, numbering_of(one.question.scene)
    before, after = one.question.layout.uses[level].views, one.layout.uses[level].views
    for name in dict.fromkeys((*before, *after)):
        if before.get(name) == after.get(name):
            continue
        kind = "present leaf" if name == "leaf" else name
        old, new = ({field.name: field for field in views[name]} if name in views else {} for views in (before, after))
        if old:
            drawn = draw(f"before: {kind} entry", before[name], numbering=numbering)
            yield replace(drawn, legend=tuple(each for each in drawn.legend if old.get(each.name) != new.get(each.name)))
        drawn = draw(f"after: {kind} entry", after[name], numbering=numbering)
        fresh = [each for each in drawn.legend if old.get(each.name) != new.get(each.name)]
        words = {each.name: "moved" if each.name in old else "new" for each in fresh}
        yield replace(drawn, legend=tuple(replace(each, meaning=f">> {words[each.name]}: {each.meaning}" if old else each.meaning) for each in fresh))


# Helpers


def _changes(one: Fitted, narrowed: set[str]) -> Iterator[plain.Change]:
    base, made = one.question.layout, one.layout
    for name in HELPERS:
        definition = made.helpers.get(name)
        if definition is None or definition is base.helpers.get(name) or not made.has(name):
            continue
        helper = made.helper(name)
        if base.has(name) and base.helper(name).body == helper.body:
            continue
        words = None
        if name in narrowed and base.has(name):
            words = _marker(one)
        yield plain.Change(
            name, "changed" if base.has(name) else "new", _function(helper, one), repr(helper.body), tuple(str(param.attr) for param in helper.params), words
        )


_RETURNS: Mapping[Kind, str] = {Kind.BOOL: "int", Kind.NUMBER: "unsigned long", Kind.SWAP: "swp_entry_t", Kind.PROT: "pgprot_t"}


def _function(helper: Helper, one: Fitted) -> str:
    """A helper in C, as a static inline function over the kernel's types."""
    level = helper.signature.level or Level.PTE
    numbers = {"__swp_entry": ("type", "offset"), "mk_swap_rste": ("type", "offset")}.get(helper.name, ("pfn", "prot"))
    declared: list[str] = []
    named: dict[Expr, Expr] = {}
    for index, (kind, param) in enumerate(zip(helper.signature.params, helper.params, strict=True)):
        words, value = {
            Kind.ENTRY: (f"{level}_t {level}", f"{level}_val({level})"),
            Kind.SWAP: ("swp_entry_t entry", "entry.val"),
            Kind.PROT: ("pgprot_t prot", "pgprot_val(prot)"),
        }.get(kind, (f"unsigned long {numbers[index]}", numbers[index]))
        declared.append(words)
        named[param] = phrase(value, param.width)
    calls = _calls(helper, one, named) if helper.name in (f"__swp_entry_to_{level}", f"__{level}_to_swp_entry") else {}
    body = c_text(substitute(helper.body, {**calls, **named}))
    result = helper.signature.result
    if result is Kind.ENTRY:
        body = f"__{level}({body})"
    elif result is Kind.SWAP and not calls:
        body = f"(swp_entry_t){{ {body} }}"
    kind_text = f"{level}_t" if result is Kind.ENTRY else _RETURNS[result]
    return f"static inline {kind_text} {helper.name}({', '.join(declared)})\n{{\n\treturn {body};\n}}"


def _calls(helper: Helper, one: Fitted, named: Mapping[Expr, Expr]) -> dict[Expr, Expr]:
    """The calls of the PTE's codec in another level's, which the kernel would write as calls."""
    (param,) = helper.params
    made, plan = one.layout, one.swap
    if plan is None or one.question.level is Level.PTE:
        return {}
    if helper.signature.result is Kind.ENTRY:
        return {made.helper(name)(param): phrase(f"{name}(entry)", made.helper(name).body.width) for name in ("__swp_type", "__swp_offset")}
    parts = [whole(plan, name, param, made.word) for name in ("type", "offset")]
    inside = ", ".join(c_text(substitute(part, named)) for part in parts)
    return {made.helper("__swp_entry")(*parts): phrase(f"__swp_entry({inside})", helper.body.width)}


# What it costs, and what is proved


def _said(scene: Scene) -> dict[str, str]:
    """What ``pXd_bad`` says of swap entries, about which nothing is promised."""
    k = scene.k
    if not k.has("bad"):
        return {}
    states = [one for name, one in scene.states.items() if name in NON_PRESENT and isinstance(one, State)]
    found = set()
    for one in states:
        condition = k.bad(one.entry)
        settled = decided(condition)
        if settled is not None:
            found.add(int(settled))
            continue
        solver = Solver()
        for value, fact in ((0, not_(condition)), (1, condition)):
            with solver.scope(fact, *[given.fact for given in one.given]):
                if solver.model() is not None:
                    found.add(value)
    words = "false of some swap entries and true of others" if len(found) > 1 else f"{'true' if 1 in found else 'false'} of every swap entry"
    return {k.name("bad"): words} if found else {}


def _cost(one: Fitted) -> dict[str, tuple[str, str]]:
    if one.swap is None or one.question.level is not Level.PTE:
        return {}
    before, after = one.question.layout, one.layout
    return {
        "swap offset bits": (str(offset_bits(before)), str(offset_bits(after))),
        "maximum swap size": (binary_size(swap_bits(before)), binary_size(swap_bits(after))),
    }


def _counts(results: Iterable[Result]) -> dict[str, int]:
    counts = Counter("known" if one.known is not None else str(one.verdict) for one in results)
    return {name: counts[name] for name in ("proved", "refuted", "known", "unknown", "not-applicable")}
