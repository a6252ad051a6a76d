"""Lists and explanations, for people."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

_WORD: Final = re.compile(r"[a-z]+(?![\w/.(])")
"""What begins with a capital at the start of a sentence: a word, and not the name of a file or a function."""


def _grid(*columns: str) -> Grid:
    grid = Grid(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        grid.add_column(column, no_wrap=index == 0)
    return grid


def architectures(rows: Sequence[tuple[str, Sequence[str], Sequence[str], Sequence[str]]]) -> RenderableType:
    """Architectures with layouts, variants and levels; the first variant and the last layout are the defaults."""
    grid = _grid("architecture", "layouts", "variants", "levels")
    for name, layouts, variants, levels in rows:
        grid.add_row(name, "\n".join(layouts), " ".join(variants), " ".join(levels))
    return grid


def claims(rows: Sequence[tuple[str, str, str, str]], families: Mapping[str, str]) -> RenderableType:
    """Claims by family: code, name, levels, summary."""
    parts: list[RenderableType] = []
    for prefix, title in families.items():
        grid = _grid("", "", "", "")
        grid.show_header = False
        for code, name, levels, summary in rows:
            if code.startswith(prefix):
                grid.add_row(code, name, levels, summary)
        parts += [Text(f"{prefix}xx: {title}", "bold"), grid, Text()]
    return Group(*parts[:-1])


def preconditions(rows: Sequence[tuple[str, str]]) -> RenderableType:
    """Preconditions and what guarantees them."""
    parts: list[RenderableType] = []
    for name, guarantee in rows:
        parts += [Text(name, "bold"), Padding(Text(guarantee), (0, 0, 0, 4))]
    return Group(*parts)


def explanation(
    name: str, codes: Sequence[str], sections: Mapping[str, str], headings: Sequence[str], given: Sequence[tuple[str, str]], where: str
) -> RenderableType:
    """One claim in full, under the fixed headings."""
    parts: list[RenderableType] = [Text.assemble((name, "bold"), "  ", ", ".join(codes)), Text(), _paragraph("What it says", sections[""])]
    for heading in headings:
        if heading == "Precondition":
            parts += [Text(), Text(heading, "bold")]
            parts += [Padding(Text.assemble(fact, ("\n" + guarantee, "dim")), (0, 0, 0, 4)) for fact, guarantee in given] or [Padding("none", (0, 0, 0, 4))]
        elif heading in sections:
            parts += [Text(), _paragraph(heading, sections[heading])]
    return Group(*parts, Text(), Text(f"defined at {where}", "dim"))


def _paragraph(heading: str, text: str) -> RenderableType:
    blocks = [" ".join(block.split()) for block in text.split("\n\n")]
    blocks = [block[:1].upper() + block[1:] if _WORD.match(block) else block for block in blocks]
    return Group(Text(heading, "bold"), *[Padding(Text(block), (0, 0, 0, 4)) for block in blocks])
