"""From results to a report: witnesses under every view, claims in words, the truth table, stale entries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product

from bitspec import report as plain
from bitspec.expr import Expr, const, variables
from bitspec.fields import Numbering
from bitspec.hardware import OUTCOMES, Access, Circumstance, Hardware, Walk
from bitspec.layout import Helper, Kernel
from bitspec.picture import Picture, draw
from bitspec.read.as_int import evaluate, function
from bitspec.read.as_known import decided
from bitspec.witness import Witness
from proofs.check import Result, Verdict
from proofs.claim import Scene, claims
from proofs.known import Known
from proofs.spoken import predicates, say
from proofs.state import Lacking, State, entry_variable


def finding(result: Result) -> plain.Finding:
    """One result as plain data; a refuted one comes with its evidence."""
    layout = result.layout
    return plain.Finding(
        code=result.code,
        subject=result.subject,
        arch=layout.arch,
        layout=layout.release,
        variant=layout.hardware.variant,
        config=layout.config.name,
        level=result.level.value,
        name=result.claim.name,
        source="declared",
        provenance=layout.provenance,
        verdict=result.verdict.value,
        given=result.given,
        reason=result.reason,
        known=None if result.known is None else _known(result.known),
        evidence=_evidence(result),
        summary=result.claim.summary,
        ms=result.milliseconds,
    )


def _known(one: Known) -> dict[str, object]:
    return {"class": one.kind, "reason": one.reason, "guards": list(one.guards)}


def _places(helpers: Sequence[Helper], result: Result) -> tuple[plain.Place, ...]:
    """The definitions that clash: the helpers the claim asks, and those that built the entry."""
    names = {one.name: one for one in helpers}
    state = getattr(result.about, "state", result.about)
    for name in getattr(state, "made_by", ()):
        names.setdefault(name, result.layout.helper(name))
    return tuple(plain.Place(one.name, one.where, one.cite if one.cite != "replaced" else "") for one in names.values())


def _evidence(result: Result) -> plain.Evidence | None:
    witness = result.witness
    if witness is None:
        return None
    inputs = {str(variable.attr): value for variable, value in witness.inputs}
    return plain.Evidence(witness.entry, result.scene.k.use.width, witness.unique, inputs, partial(_account, result, witness))


def _account(result: Result, witness: Witness) -> plain.Account:
    scene = result.scene
    entry, values = witness.entry, dict(witness.inputs)
    claim, helpers = say(result.claim, scene, result.about, lambda part: all(one in values for one in variables(part)) and not evaluate(part, values))
    is_entry = result.goal is not None and result.goal.entry is not None and result.goal.entry.width == scene.k.use.width
    return plain.Account(
        claim=claim,
        places=_places(helpers, result),
        predicates=said_of(scene.k, entry, values) if is_entry else {},
        rests=tuple(rests_on(result, is_entry)),
        hardware=hardware_says(scene, entry),
        pictures=() if result.known is not None else tuple(pictures(scene, entry)),
    )


def said_of(k: Kernel, entry: int, symbols: Mapping[Expr, int] | None = None) -> dict[str, bool]:
    """What every predicate of the level says of a value.

    One that depends on a symbol of which nothing is known, as a lifted one may, is asked with the value the symbol has among `symbols`, and left out
    where it has none there.
    """
    values = symbols or {}
    found = {}
    for one in predicates(k):
        free = symbols_of(one)
        if not free:
            found[one.name] = bool(function(one.body, one.params[0])(entry))
        elif all(symbol in values for symbol in free):
            found[one.name] = bool(evaluate(one.body, {**{symbol: values[symbol] for symbol in free}, one.params[0]: entry}))
    return found


def symbols_of(one: Helper) -> tuple[Expr, ...]:
    """What a helper depends on besides its arguments: symbols of a kernel tree that are not pinned."""
    return tuple(symbol for symbol in variables(one.body) if symbol not in one.params)


def rests_on(result: Result, predicates_too: bool) -> Iterator[str]:
    """What a witness has to say of symbols of which nothing is known: those it rests on, and the predicates that are left out because of others."""
    assert result.witness is not None
    values = dict(result.witness.inputs)
    k = result.scene.k
    asked = predicates(k) if predicates_too else ()
    declared = set(result.goal.variables if result.goal is not None else ()) | {one.variable for one in k.layout.hardware.circumstances}
    if any(one not in declared for one in values):  # seldom: only then every helper is looked at
        every = [k.layout.helper(name) for name in k.layout.helpers if k.layout.has(name)]
        known = {symbol for one in every for symbol in symbols_of(one)}
        for symbol, value in values.items():
            if symbol in known and symbol not in declared:
                yield f"{symbol.attr} = {value:#x}, of which nothing is known"
    left: dict[str, list[str]] = {}
    for one in asked:
        for symbol in symbols_of(one):
            if symbol not in values:
                left.setdefault(str(symbol.attr), []).append(one.name)
    for name, names in left.items():
        yield f"no {name}, of which nothing is known: {', '.join(names)} left out, which {'depends' if len(names) == 1 else 'depend'} on it"


def hardware_says(scene: Scene, entry: int) -> dict[str, str]:
    """What the MMU does with a value, per access, under every circumstance that can be."""
    hardware = scene.layout.hardware
    if hardware.no_walk is not None:
        return {access.value: f"not asked: {hardware.no_walk}" for access in Access}
    facts = hardware.level(scene.level)
    value = const(entry, facts.width)
    result = {}
    for access in Access:
        walk = facts.walk(value, access, hardware.context)
        certain = next((outcome for outcome in OUTCOMES if decided(getattr(walk, outcome))), None)
        if certain is not None and certain not in ("leaf", "table"):
            result[access.value] = certain
            continue
        seen: dict[str, list[str]] = {}
        for values, words in circumstances(hardware):
            seen.setdefault(_reaction(walk, values), []).append(words)
        result[access.value] = _either(seen)
    return result


def _either(seen: Mapping[str, list[str]]) -> str:
    """One reaction, or several with the circumstances under which each happens."""
    if len(seen) == 1:
        return next(iter(seen))
    return " or ".join(f"{reaction} ({_first(words)})" for reaction, words in seen.items())


def _first(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{words[0]}, ..."


def _reaction(walk: Walk, values: Mapping[Expr, int]) -> str:
    for outcome in OUTCOMES:
        if evaluate(getattr(walk, outcome), values):
            if outcome == "leaf":
                return f"leaf, frame {evaluate(walk.frame, values):#x}"
            if outcome == "table":
                return f"table at {evaluate(walk.address, values):#x}"
            return outcome
    raise AssertionError("a walk must have an outcome")


def circumstances(hardware: Hardware) -> Iterator[tuple[dict[Expr, int], str]]:
    """Every combination of what is possible: both values of a switch, the ends of a range."""
    choices = [_possible(one) for one in hardware.circumstances]
    for combination in product(*choices):
        pairs = list(zip(hardware.circumstances, combination, strict=True))
        yield {one.variable: value for one, value in pairs}, ", ".join(f"{one.name}={value}" for one, value in pairs)


def _possible(one: Circumstance) -> list[int]:
    every = range(1 << one.width)
    held = [value for value in every if one.holds is None or evaluate(one.holds(one.variable), {one.variable: value})]
    return held if len(held) <= 2 else [held[-1], held[0]]


def pictures(scene: Scene, entry: int) -> Iterator[Picture]:
    """The value under the hardware's view, and under each of the kernel's."""
    hardware = scene.layout.hardware
    if hardware.no_walk is None and scene.level in hardware.levels:
        facts = hardware.level(scene.level)
        kind = _hardware_view(scene, entry)
        yield draw(f"{facts.name}, as the hardware sees it ({kind})", facts.views[kind], entry)
    for name, view in scene.k.use.views.items():
        if name != "table":
            yield draw(f"{scene.layout.release}, read as a {'present' if name == 'leaf' else name} entry", view, entry, numbering_of(scene))


def numbering_of(scene: Scene) -> Numbering:
    """How the architecture's manual counts bits, whatever the kernel's own views say."""
    facts = scene.layout.hardware.levels.get(scene.level)
    views = facts.views if facts is not None else scene.k.use.views
    return next(iter(views.values())).numbering


def _hardware_view(scene: Scene, entry: int) -> str:
    facts = scene.layout.hardware.level(scene.level)
    here = entry_variable(facts.width)
    walk = facts.walk(here, Access.LOAD, scene.layout.hardware.context)
    values, _ = next(circumstances(scene.layout.hardware))
    together = {here: entry, **values}
    kind = next((kind for kind in ("invalid", "table") if evaluate(getattr(walk, kind), together)), "leaf")
    return kind if kind in facts.views else list(facts.views)[-1]


# The truth table


def tables(results: Iterable[Result]) -> Iterator[plain.Table]:
    """The truth table of every layout and level that was asked about, in the order of the results."""
    scenes: dict[int, Scene] = {}
    cells: dict[int, dict[tuple[str, str], Result]] = {}
    for one in results:
        if one.claim.column is not None and one.level in one.layout.uses:
            scenes[id(one.scene)] = one.scene
            cells.setdefault(id(one.scene), {})[(one.subject, one.claim.column)] = one
    for key, scene in scenes.items():
        yield table(scene, cells[key])


_COLUMNS = ("none", "present", "leaf", "trans_huge", "protnone", "bad", "hardware")


def table(scene: Scene, cells: Mapping[tuple[str, str], Result]) -> plain.Table:
    """One level's truth table; with no results, its promises alone."""
    promises = promised(scene)
    known = cells or promises
    columns = tuple(name for name in _COLUMNS if any(column == name for _, column in known))
    rows = []
    for name, state in scene.states.items():
        if isinstance(state, State):
            rows.append((name, tuple(_cell(promises.get((name, column)), cells.get((name, column)), asked=bool(cells)) for column in columns)))
    missing: dict[str, list[str]] = {}
    for name, state in scene.states.items():
        if isinstance(state, Lacking):
            missing.setdefault(state.reason, []).append(name)
    notes = tuple(f"no {', '.join(names)}: {reason}" for reason, names in missing.items())
    layout = scene.layout
    config = f", config {layout.config.name}" if layout.config.name != "default" else ""
    title = f"{layout.name} {layout.hardware.variant} {scene.level} ({layout.provenance}{config})"
    return plain.Table(title, columns, tuple(rows), notes)


def promised(scene: Scene) -> dict[tuple[str, str], str]:
    """What the claims promise of each state and column."""
    found: dict[tuple[str, str], str] = {}
    for one in claims():
        if one.column is None or scene.level not in one.codes:
            continue
        for subject in one.about(scene):
            expect = one.expect
            found[(subject.name, one.column)] = str(int(expect)) if isinstance(expect, bool) else str(expect)
    return found


def _cell(promise: str | None, result: Result | None, asked: bool) -> plain.Cell:
    if promise is None:
        return plain.Cell("", "")
    if result is None:
        return plain.Cell(promise, "not asked" if asked else "promised")
    return plain.Cell(promise, result.verdict.value, result.known is not None, result.key)


# Known refutations that are none any more


def stale(known: Iterable[Known], results: Sequence[Result]) -> Iterator[plain.Stale]:
    """Every known refutation that a result contradicts, or that nothing was asked about although its code was."""
    asked: dict[str, dict[int, dict[str, Verdict]]] = {}
    scenes: dict[int, Scene] = {}
    for one in results:
        key = id(one.scene)
        asked.setdefault(one.code, {}).setdefault(key, {})[one.subject] = one.verdict
        scenes[key] = one.scene
    for entry in known:
        for key, verdicts in asked.get(entry.code, {}).items():
            layout, level = scenes[key].layout, scenes[key].level.value
            for subject in entry.subjects:
                if layout.config.name == "default" and entry.covers(layout, level, entry.code, subject):
                    verdict = verdicts.get(subject)
                    if verdict in (None, Verdict.PROVED, Verdict.NOT_APPLICABLE):
                        what = "is not asked any more" if verdict is None else f"is {verdict}"
                        where = f"{level}, {layout.release} {layout.hardware.variant}"
                        yield plain.Stale(entry.code, subject, f"archs/{layout.arch}/known.py", f"listed as known, and {what} at {where}")


# decode


def nearest(scene: Scene, entry: int) -> tuple[list[State], tuple[State, int] | None]:
    """The states a value is in; and if none, the one with the member that differs in the fewest bits, and that member."""
    members = []
    best: tuple[int, State, int] | None = None
    for state in scene.states.values():
        if isinstance(state, Lacking):
            continue
        made, _ = state.rebuild(entry)
        if made == entry:
            members.append(state)
            continue
        distance = (made ^ entry).bit_count()
        if best is None or distance < best[0]:
            best = (distance, state, made)
    return members, None if members or best is None else (best[1], best[2])
