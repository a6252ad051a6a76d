"""Text: what changed in meaning first, then what it costs, then what breaks, marked ``>>``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from bitspec.compared import Comparison, Figure, History, Pair, Turn
from bitspec.proposal import FieldChange
from bitspec.render.text import full


def diff(one: Comparison) -> RenderableType:
    """Everything that is not the same."""
    parts: list[RenderableType] = [_title(one), Text()]
    changed = [pair for pair in one.helpers if pair.verdict != "equal"]
    equal = len(one.helpers) - len(changed)
    parts.append(Text("Helpers", "bold"))
    if not changed:
        parts.append(Text(f"  no change in meaning: all {equal} are equal for every value", "green"))
    for pair in changed:
        parts += _pair(pair)
    if changed:
        parts.append(Text(f"  {equal} others are equal for every value", "dim"))
    parts += [Text(), Text("Fields", "bold"), *([Text(f"  {_field(each)}") for each in one.fields] or [Text("  none moves", "green")])]
    parts += [Text(), Text("Capacity", "bold"), *[Text(f"  {_figure(each)}", "yellow" if each.lost else "") for each in one.capacity]]
    parts += [Text(), Text("Claims", "bold")]
    parts += [Text(f"  unknown  {name}: it cannot be read any more: {why}", "yellow") for name, why in one.unread.items()]
    for turn in (*one.broken, *one.undecided, *one.reviewed, *one.fixed):
        parts += _turn(turn)
    parts += [Text(f"  {line}") for line in _others(one)]
    parts.append(Text(f"  {one.agreed} have the same verdict, {one.standing} of them refuted"))
    return Group(*parts)


def diffs(several: Sequence[Comparison]) -> RenderableType:
    """Of two trees, each architecture, variant and config."""
    parts = [part for one in several for part in (diff(one), Text())]
    return Group(*parts[:-1])


def gate(one: Comparison) -> RenderableType:
    """What is new in full, what was fixed, what it costs."""
    return Group(_title(one), Text(), *_news(one), _total(one))


def series(one: History, strict: bool = False) -> RenderableType:
    """Patch by patch what is new in full, what was fixed, what it costs; then the first patch that breaks something."""
    parts: list[RenderableType] = [Text(f"{one.tree}: {len(one.patches)} patches on top of {one.base}", "bold"), Text()]
    for patch in one.patches:
        parts.append(Text(f"{patch.name} {patch.subject}".rstrip(), "bold"))
        if not patch.comparisons and not patch.alike:
            parts.append(Text("  no helper is made of what it changes", "dim"))
        parts += [Text(f"  {scope}: no change in meaning", "green") for scope in patch.alike]
        for found in patch.comparisons:
            parts += [Text(f"  {found.scope}"), *_news(found), Text("  ").append(_total(found))]
    first, undecided = one.first(strict), any(patch.status(strict) for patch in one.patches)
    looked_at = ", ".join(one.scopes) or "no architecture"
    parts += [Text(), Text(f"looked at {looked_at} in {one.seconds:.2f} s", "dim")]
    if first is not None:
        does = "breaks something" if first.status() else "costs something"
        parts.append(Text(f">> {first.name} {first.subject}".rstrip() + f" is the first patch that {does}", "bold red"))
    else:
        parts.append(Text("unknown: see above", "bold yellow") if undecided else Text("no patch breaks a claim", "bold green"))
    return Group(*parts)


def _news(one: Comparison) -> Iterator[RenderableType]:
    for name, why in one.unread.items():
        yield Text(f"unknown  {name}: it cannot be read any more: {why}", "yellow")
    told: set[str] = set()
    for turn in one.broken:
        again = turn.finding.code in told  # the same defect of another kind or level is told in two lines
        told.add(turn.finding.code)
        yield from _turn(turn, indent="", witness=again)
        yield from () if again else (full(turn.finding), Text())
    for turn in (*one.undecided, *one.reviewed, *one.fixed):
        yield from _turn(turn, indent="")
    yield from (Text(f"lost     {_figure(each)}", "yellow") for each in one.capacity if each.lost)


def _total(one: Comparison) -> Text:
    counts = (
        (len(one.broken), "newly refuted"), (len(one.reviewed), "known"), (len(one.fixed), "fixed"),
        (one.standing, "refuted before and after"), (len(one.undecided) + len(one.unread), "unknown"),
    )  # fmt: skip
    gone = sum(turn.before in ("proved", "refuted") and turn.after in ("not asked", "not-applicable") for turn in one.others)
    total = Text(", ".join(f"{number} {words}" for number, words in (*counts, *([(gone, "no longer asked")] if gone else []))))
    total.stylize("bold red" if one.broken else "bold yellow" if one.undecided or one.unread else "bold green")
    return total.append(f" in {one.seconds:.2f} s")


def _title(one: Comparison) -> Text:
    config = f", config {one.config}" if one.config != "default" else ""
    return Text(f"{one.before} -> {one.after} ({one.variant}{config})", "bold")


def _pair(one: Pair) -> Iterator[RenderableType]:
    reason = f": {one.reason}" if one.reason else ""
    yield Text(f"  {one.verdict:<8} {one.name}{reason}", "yellow" if one.verdict == "unknown" else "")
    if one.verdict == "differs":
        inputs = ", ".join(f"{name} = {value:#x}" for name, value in one.inputs.items())
        yield Text(f"    for {inputs or 'no argument'}: {one.before:#x} before, {one.after:#x} after", "dim")


def _field(one: FieldChange) -> str:
    where = f"{', '.join(map(str, one.levels))} {', '.join(one.entries)}".strip()
    place = f"{one.was} -> {one.bits}" if one.was else one.bits or ""
    inverted = "" if one.inverted is None else ", stored inverted" if one.inverted else ", no longer inverted"
    return f"{one.status:<8} {one.name} {place}{inverted} ({where})".replace("  (", " (")


def _figure(one: Figure) -> str:
    return f"{one.name} {one.texts[0]}" + (f" -> {one.texts[1]}" if one.before != one.after else "")


def _turn(one: Turn, indent: str = "  ", witness: bool = False) -> Iterator[RenderableType]:
    """A line or two; the witness where it is not told in full anyway."""
    found = one.finding
    what = f"{found.code} {found.name}: {found.subject}, {found.level}"
    was = ", more of it than before" if one.before == one.after == "refuted" else f", was {one.before}"
    if one.known:
        yield Text(f"{indent}known    {what}{was}: {one.known}", "yellow")
    elif found.verdict == "unknown":
        yield Text(f"{indent}unknown  {what}{was}: {found.reason}", "yellow")
    elif one.after == "refuted":
        yield Text(f"{indent}>> refuted {what}{was}", "bold red")
    else:
        yield Text(f"{indent}fixed    {what}", "green")
    if found.evidence is not None and (indent or witness or one.known or one.after != "refuted"):
        yield Text(f"{indent}         witness{'' if one.after == 'refuted' else ' before'} {found.evidence.text}", "dim")


def _others(one: Comparison) -> Iterator[str]:
    counts: dict[str, int] = {}
    for turn in one.others:
        change = f"{turn.before} -> {turn.after}"
        counts[change] = counts.get(change, 0) + 1
    yield from (f"{number} {change}" for change, number in counts.items())
