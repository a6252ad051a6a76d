"""Text: for people.  What fits, where, at what cost; or what cannot hold together, and what would do."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from bitspec.fitted import Answer, Outcome, Placement
from bitspec.render.text import picture, truth_table

_STYLES = {"new": "bold green", "moved": "bold yellow", "kept": "dim"}


def render(one: Outcome) -> RenderableType:
    """The outcome as a rich renderable."""
    parts: list[RenderableType] = [Text.assemble((f"{one.arch}@{one.layout} {one.variant} {one.level}", "bold underline"), f", {one.provenance}")]
    parts += [Text(f"asked: {one.asked}", "dim"), Text()]
    for number, answer in enumerate(one.answers, 1):
        if len(one.answers) > 1:
            parts.append(Text(f"answer {number} of {len(one.answers)}", "bold"))
        parts += [_answer(answer), Text()]
    if one.infeasible:
        parts.append(Text("these cannot hold together:", "bold"))
        parts += [Padding(Text(f"- {reason}"), (0, 0, 0, 2)) for reason in one.infeasible]
        parts.append(Text("what would do, each checked:" if one.relaxations else "no single change to the question would do", "bold"))
        for each in one.relaxations:
            places = "; ".join(f"{place.name} {place.bits}" for place in each.placements)
            parts.append(Padding(Text.assemble("- ", (each.words, "bold green"), f": {places}" if places else ""), (0, 0, 0, 2)))
        parts.append(Text())
    if one.unknown is not None:
        parts.append(Text(f"unknown: {one.unknown}", "yellow"))
    verdict = {0: ("it fits", "bold green"), 1: ("nothing fits", "bold red"), 3: ("unknown", "bold yellow")}[one.status]
    parts.append(Text.assemble(verdict, f" in {one.seconds:.2f} s"))
    if one.statistics:
        parts.append(Text("  ".join(f"{name} {value:g}" for name, value in one.statistics.items()), "dim"))
    return Group(*parts)


def _answer(one: Answer) -> RenderableType:
    parts: list[RenderableType] = [_fields(one.placements), Text()]
    parts.append(Text.assemble("predicates kept: ", (" ".join(one.kept) or "none", "bold"), "; changed: ", (" ".join(one.sought) or "none", "bold")))
    if one.marker:
        parts.append(Text(f"a swap entry is told by: {one.marker}"))
    parts += [Text(f"{name} is {words}") for name, words in one.said.items()]
    for name, (before, after) in one.cost.items():
        parts.append(Text(f"{name}: {before}" + (f" -> {after}" if before != after else ", as before"), "" if before == after else "bold"))
    parts.append(Text())
    for drawn in one.pictures:
        parts += [picture(drawn), Text()]
    if one.table is not None:
        parts += [truth_table(one.table), Text()]
    parts.append(Text("claims: " + ", ".join(f"{number} {name}" for name, number in one.counts.items() if number)))
    return Group(*parts)


def _fields(placements: tuple[Placement, ...]) -> RenderableType:
    grid = Grid(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for column in ("entry", "field", "bits", ""):
        grid.add_column(column, no_wrap=column != "")
    for one in placements:
        words = one.status + (f" from {one.was}" if one.was else "") + (", stored inverted" if one.inverted else "") + (f"; {one.note}" if one.note else "")
        style = _STYLES[one.status]
        grid.add_row(Text(one.where, style), Text(one.name, style), Text(one.bits, style), Text(words, style))
    return grid
