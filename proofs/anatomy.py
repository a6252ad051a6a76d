"""What ``show``, ``decode`` and ``free`` tell of one level; none of it needs a solver."""

from __future__ import annotations

from collections.abc import Iterator

from bitspec.anatomy import Decoded, Member, Owners, Shown, Span
from bitspec.fields import Owner, View
from bitspec.picture import Picture, draw
from bitspec.read.as_int import evaluate
from bitspec.vocabulary import NON_PRESENT
from proofs.claim import Scene
from proofs.families.lint import owner
from proofs.report import hardware_says, nearest, numbering_of, pictures, said_of, table
from proofs.state import State, entry_variable


def _title(scene: Scene) -> str:
    layout = scene.layout
    config = f", config {layout.config.name}" if layout.config.name != "default" else ""
    return f"{layout.name} {layout.hardware.variant} {scene.level}, {layout.provenance}{config}"


def shown(scene: Scene) -> Shown:
    """The pictures of one level, and its promised truth table."""
    hardware = scene.layout.hardware
    facts = hardware.levels.get(scene.level) if hardware.no_walk is None else None
    notes = [f"manual: {hardware.manual}", *(f"approximation: {one}" for one in hardware.approximations)]
    if hardware.no_walk is not None:
        notes.append(f"hardware: {hardware.no_walk}")
    name = f" ({facts.name})" if facts is not None else ""
    return Shown(_title(scene) + name, tuple(_drawn(scene)), table(scene, {}), tuple(notes))


def _drawn(scene: Scene) -> Iterator[Picture]:
    hardware = scene.layout.hardware
    facts = hardware.levels.get(scene.level) if hardware.no_walk is None else None
    numbering = numbering_of(scene)
    if facts is not None:
        for name, view in facts.views.items():
            yield draw(f"hardware: {name} entry", view)
    for name, view in scene.k.use.views.items():
        yield draw(f"{scene.layout.release}: {'present leaf' if name == 'leaf' else name} entry", view, numbering=numbering)


def decoded(scene: Scene, entry: int) -> Decoded:
    """Everything that can be said of one value."""
    members, near = nearest(scene, entry)
    width = scene.k.use.width
    nearest_text = None
    if near is not None:
        state, made = near
        different = [position for position in range(width) if (made ^ entry) >> position & 1]
        numbering = numbering_of(scene)
        places = ", ".join(str(numbering.position(position, width)) for position in different)
        nearest_text = (state.name, f"{made:#0{width // 4 + 2}x}", f"bit{'s' if len(different) > 1 else ''} {places}")
    return Decoded(
        title=_title(scene),
        entry=f"{entry:#0{width // 4 + 2}x}",
        members=tuple(_member(one, entry) for one in members),
        nearest=nearest_text,
        pictures=tuple(pictures(scene, entry)),
        predicates=said_of(scene.k, entry),
        hardware=hardware_says(scene, entry),
        swap=_swap(scene, entry) if any(one.view == "swap" for one in members) or near is not None else {},
    )


def _member(state: State, entry: int) -> Member:
    _, values = state.rebuild(entry)
    return Member(state.name, state.about.meaning, {one.name: values[one.variable] for one in state.inputs})


def _swap(scene: Scene, entry: int) -> dict[str, int]:
    k = scene.k
    if not k.has("to_swp_entry", "__swp_type", "__swp_offset"):
        return {}
    here = entry_variable(k.use.width)
    swp = k.to_swp_entry(here)
    return {part.removeprefix("__swp_"): evaluate(k.helper(part)(swp), {here: entry}) for part in ("__swp_type", "__swp_offset")}


def owners(scene: Scene) -> Owners:
    """Whose each bit is, per kind of entry: runs of bits with the same owners in every kind."""
    hardware = scene.layout.hardware
    facts = hardware.levels.get(scene.level) if hardware.no_walk is None else None
    views = scene.k.use.views
    kinds = tuple(name for name in ("table", "leaf", "invalid", "swap") if name in views or (facts is not None and name in facts.views and name != "invalid"))
    width = scene.k.use.width
    numbering = numbering_of(scene)
    columns = {kind: [_owner(views.get(kind), _theirs(facts, kind), position) for position in range(width)] for kind in kinds}
    if "swap" in columns:
        columns["swap"] = [_watched(scene, position) if mine[0] is Owner.FREE else mine for position, mine in enumerate(columns["swap"])]
    spans = []
    high = width - 1
    while high >= 0:
        low = high
        while low > 0 and all(columns[kind][low - 1] == columns[kind][high] for kind in kinds):
            low -= 1
        spans.append(Span(numbering.text(high, low, width), low, high - low + 1, tuple(columns[kind][high] for kind in kinds)))
        high = low - 1
    free = {}
    for index, kind in enumerate(kinds):
        mine = [span for span in spans if span.owners[index][0] is Owner.FREE]
        free[kind] = (sum(span.width for span in mine), ", ".join(span.where for span in mine))
    return Owners(_title(scene), kinds, tuple(spans), free, _overlays(kinds, spans))


def _overlays(kinds: tuple[str, ...], spans: list[Span]) -> dict[str, str]:
    """Bits used only while an entry is valid: what is not valid may use them for something else."""
    if "leaf" not in kinds:
        return {}
    leaf = kinds.index("leaf")
    found = {}
    for index, kind in enumerate(kinds):
        if kind in ("invalid", "swap"):
            used = [span for span in spans if span.owners[index][0] is Owner.FREE and span.owners[leaf][0] is not Owner.FREE]
            if used:
                found[kind] = ", ".join(f"{span.where} ({span.owners[leaf][1]})" for span in used)
    return found


def _watched(scene: Scene, position: int) -> tuple[Owner, str]:
    """A bit of a non-present entry that no field has: free, unless setting it changes what the kernel's predicates say of such an entry."""
    k = scene.k
    for state in scene.states.values():
        if isinstance(state, State) and state.name in NON_PRESENT:
            entry = state.example_entry
            before, after = said_of(k, entry & ~(1 << position)), said_of(k, entry | 1 << position)
            told = next((name for name in before if before[name] != after[name] and name.removeprefix(f"{k.level}_") in _CLASSES), None)
            if told is not None:
                return Owner.RESERVED, f"0 ({told})"
    return Owner.FREE, ""


_CLASSES = ("none", "present", "leaf", "trans_huge", "protnone")


def _theirs(facts: object, kind: str) -> View | None:
    views = getattr(facts, "views", {})
    found = views.get("invalid" if kind == "swap" else kind)
    return found if isinstance(found, View) else None


def _owner(ours: View | None, theirs: View | None, position: int) -> tuple[Owner, str]:
    whose, found = owner(ours, theirs, position)
    mine = ours.owner(position) if ours is not None else None
    if whose in (Owner.HARDWARE, Owner.RESERVED) and mine is not None:
        return whose, mine.name
    return whose, found.name if found is not None else ""
