"""``show``, ``decode`` and ``free``, for people."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from bitspec.anatomy import Decoded, Owners, Shown
from bitspec.fields import Owner
from bitspec.render.text import OWNER_STYLES, picture, truth_table


def show(one: Shown) -> RenderableType:
    """A level: pictures, then the truth table."""
    parts: list[RenderableType] = [Text(one.title, "bold underline"), Text()]
    for drawn in one.pictures:
        parts += [picture(drawn), Text()]
    parts.append(truth_table(one.table))
    parts += [Text(note, "dim") for note in one.notes]
    return Group(*parts, Text())


def decode(one: Decoded) -> RenderableType:
    """A value: states first, then the kernel's and the hardware's word, then the bits."""
    facts = Grid(box=None, show_header=False, padding=(0, 1, 0, 0), pad_edge=False)
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column()
    for member in one.members:
        inputs = ", ".join(f"{name} {value:#x}" for name, value in member.inputs.items())
        facts.add_row("state", Text.assemble((member.state, "bold green"), f": {member.meaning}" + (f"\n{inputs}" if inputs else "")))
    if one.nearest is not None:
        state, entry, bits = one.nearest
        facts.add_row("state", Text.assemble(("no state", "bold red"), f": the nearest is {state} with {entry}, which differs in {bits}"))
    yes = " ".join(name for name, value in one.predicates.items() if value)
    no = " ".join(name for name, value in one.predicates.items() if not value)
    facts.add_row("kernel", yes or "none of its predicates holds")
    facts.add_row("not", Text(no, "dim"))
    if one.swap:
        facts.add_row("as swap", ", ".join(f"{name} {value:#x}" for name, value in one.swap.items()))
    if len(set(one.hardware.values())) == 1:
        facts.add_row("hardware", next(iter(one.hardware.values())))
    else:
        for access, reaction in one.hardware.items():
            facts.add_row(access, reaction)
    parts: list[RenderableType] = [Text.assemble((f"{one.entry}", "bold"), f"  {one.title}"), facts]
    for drawn in one.pictures:
        parts += [Text(), picture(drawn)]
    return Group(*parts)


def free(one: Owners) -> RenderableType:
    """A row per run of bits, a column per kind of entry; then what is free."""
    grid = Grid(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    grid.add_column("bits", no_wrap=True)
    for kind in one.kinds:
        grid.add_column(kind)
    for span in one.spans:
        grid.add_row(span.where, *[_owner(owner, name) for owner, name in span.owners])
    lines = [Text(f"free in {kind}: {count} bits" + (f" ({where})" if where else ""), "green" if count else "dim") for kind, (count, where) in one.free.items()]
    lines += [Text(f"free in {kind}, used in a mapped entry: {where}", "green") for kind, where in one.overlays.items()]
    return Group(Text(one.title, "bold"), grid, *lines, Text())


def _owner(owner: Owner, name: str) -> Text:
    return Text("free" if owner is Owner.FREE else name, OWNER_STYLES[owner])
