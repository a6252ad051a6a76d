"""Text: for people, in a terminal or a pipe.  Truth tables first, then what is refuted, then what is known, then the counts."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from bitspec.fields import Owner
from bitspec.picture import Picture
from bitspec.render._words import alike, predicates, reactions
from bitspec.report import Cell, Evidence, Finding, Report, Table

_MARKS = {"proved": ("", "green"), "refuted": ("!", "bold red"), "unknown": ("?", "yellow"), "not-applicable": ("-", "dim")}
_LEGEND = "A cell is what is promised, proved for every value. !x refuted, (x) refuted and known, ?x unknown, . nothing promised, - no such thing."
OWNER_STYLES = {
    Owner.HARDWARE: "bold cyan",
    Owner.SOFTWARE: "bold magenta",
    Owner.RESERVED: "bold red",
    Owner.IGNORED: "dim",
    Owner.FREE: "green",
}


def render(report: Report) -> RenderableType:
    """The report as a rich renderable."""
    parts: list[RenderableType] = []
    for table in report.tables:
        parts += [truth_table(table), Text()]
    if report.tables:
        parts += [Text(_LEGEND, "dim"), Text()]
    refuted = [one for one in report.findings if one.verdict == "refuted"]
    for one in refuted:
        if not one.known:
            parts += [full(one), Text()]
    known = [one for one in refuted if one.known]
    if known:
        parts += [Text("Known refutations", "bold"), *(brief(group) for group in alike(known)), Text()]
    for one in report.findings:
        if one.verdict == "unknown":
            parts.append(Text(f"unknown  {one.code} {one.name}: {one.subject}, {one.scope}: {one.reason}", "yellow"))
    for gone in report.stale:
        parts.append(Text(f"stale    {gone.code} {gone.subject}: {gone.reason} ({gone.where})", "bold red"))
    parts += [Text(note, "dim") for note in report.notes]
    parts.append(_summary(report))
    if report.statistics:
        parts.append(Text("  ".join(f"{name} {value:g}" for name, value in report.statistics.items()), "dim"))
    return Group(*parts)


def truth_table(table: Table) -> RenderableType:
    """Rows are states, columns predicates and the hardware's reaction."""
    grid = Grid(box=None, padding=0)  # rich's padding of each cell takes longer than all the rest: a space in it does the same
    grid.add_column("state ", no_wrap=True)
    for column in table.columns:
        last = column == table.columns[-1]
        grid.add_column(column if last else column + " ", justify="left", no_wrap=column != "hardware", overflow="fold")
    for name, cells in table.rows:
        grid.add_row(f"{name} ", *[_cell(cell) for cell in cells])
    notes = [Text(note, "dim") for note in table.notes]
    return Group(Text(table.title, "bold"), grid, *notes)


def _cell(cell: Cell) -> Text:
    if not cell.promise:
        return Text(".", "dim")
    if cell.verdict == "not asked":
        return Text()
    if cell.known:
        return Text(f"({cell.promise})", "yellow")
    mark, style = _MARKS.get(cell.verdict, ("", ""))
    return Text("-", style) if mark == "-" else Text(mark + cell.promise, style)


def full(one: Finding) -> RenderableType:
    """The report of one refutation: what was claimed, the counterexample under every view, and the definitions that clash."""
    assert one.evidence is not None
    account = one.evidence.account
    head = Text.assemble(("refuted  ", "bold red"), (f"{one.code} {one.name}", "bold"), f": {one.subject}, {one.scope}")
    rows: list[tuple[str, RenderableType]] = [
        ("says", Text(one.summary)),
        ("claim", Text(account.claim)),
        ("given", Text(", ".join(one.given) or "nothing")),
        ("layout", Text(f"{one.provenance}, {one.source} helpers, config {one.config}")),
        ("witness", _witness(one.evidence)),
    ]
    parts: list[RenderableType] = [head, _rows(rows)]
    parts += [picture(shown) for shown in account.pictures]
    facts: list[tuple[str, RenderableType]] = [
        ("kernel", Text(predicates(account))),
        ("hardware", Text(reactions(account))),
    ]
    if one.evidence.replayed:
        facts.append(("replayed", Text(one.evidence.replayed)))
    facts += [("rests on", Text(words)) for words in account.rests]
    facts += [("defined", Text(f"{place.name} at {place.where}" + (f" ({place.cite})" if place.cite else ""))) for place in account.places]
    parts.append(_rows(facts))
    return Group(*parts)


def _rows(rows: list[tuple[str, RenderableType]]) -> Grid:
    grid = Grid(box=None, show_header=False, padding=(0, 1, 0, 0), pad_edge=False)
    grid.add_column(style="dim", no_wrap=True, min_width=9)
    grid.add_column()
    for name, value in rows:
        grid.add_row(name, value)
    return grid


def _witness(one: Evidence) -> Text:
    inputs = ", ".join(f"{name} {value:#x}" for name, value in one.inputs.items())
    text = Text.assemble((one.text, "bold"), f"  ({inputs})" if inputs else "")
    text.append(", the only entry that refutes it" if one.unique else ", the simplest of several", "dim")
    return text


def picture(shown: Picture) -> RenderableType:
    """A bit picture with its legend."""
    grid = Grid(box=None, show_header=False, padding=(0, 1, 0, 0), pad_edge=False)
    for _ in range(4):
        grid.add_column(no_wrap=True)
    grid.add_column()
    for one in shown.legend:
        value = "" if one.value is None else f"{one.value:#x}"
        words = f"{one.owner.value}: {one.meaning}" if one.meaning else one.owner.value
        style = OWNER_STYLES[one.owner]
        grid.add_row(Text(one.letter, style), one.where, Text(one.name, style), value, Text(words, "dim"))
    return Group(Text(shown.title, "bold"), *[Text(line, no_wrap=True) for line in shown.lines], grid)


def brief(group: list[Finding]) -> RenderableType:
    """Known refutations with one reason: what, of which class, the witness of each, why, and who guards against it."""
    first = group[0]
    assert first.known is not None
    head = Text.assemble(("known    ", "yellow"), (f"{first.code} {first.name}", "bold"), f", {first.scope}: {first.known['class']}")
    lines = [
        f"{one.subject}, witness {one.evidence.text}" + (f", {one.evidence.replayed}" if one.evidence.replayed else "")
        for one in group
        if one.evidence is not None
    ]
    lines.append(str(first.known["reason"]))
    guards = first.known.get("guards")
    if isinstance(guards, list) and guards:
        lines.append("guarded by " + "; ".join(map(str, guards)))
    return Group(head, Padding(Text("\n".join(lines)), (0, 0, 0, 9)))


def _summary(report: Report) -> Text:
    counts = report.counts()
    text = Text(", ".join(f"{number} {name}" for name, number in counts.items()))
    text.stylize("bold red" if report.status == 1 else "bold yellow" if report.status else "bold green")
    text.append(f" in {report.seconds:.2f} s")
    return text
