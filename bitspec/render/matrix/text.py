"""Text: for people, in a terminal or a pipe.  A table an architecture, then what does not hold, then why something is not there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from bitspec.matrix import Block, Cell, Matrix
from bitspec.render.matrix._words import flaws, lacks, provenance

_MARKS = {"refuted": "!{}", "unknown": "?{}", "known": "({})"}
_STYLES = {"refuted": "bold red", "unknown": "bold yellow", "known": "yellow", "proved": "green", "not-applicable": "dim", "not asked": "dim"}
_LEGEND = """\
A cell is a count, or what is proved for every value.  !x refuted, ?x unknown,
(x) refuted and known, - nothing that could have it, . not asked."""


def render(one: Matrix) -> RenderableType:
    """The matrix as a rich renderable; its tables fit 80 columns."""
    level = max((len(row.level) for block in one.blocks for row in block.rows), default=0)
    widths = [level, *(max(map(len, (*column.head, *_column(one, index)))) for index, column in enumerate(one.columns))]
    parts: list[RenderableType] = []
    shown = (block for block in one.merged if any(row.cells for row in block.rows))
    for _, blocks in groupby(shown, key=lambda block: block.arch):
        parts += [_line([Text(), *[Text(column.head[line], "bold") for column in one.columns]], widths) for line in (0, 1)]
        for block in blocks:
            parts += _block(block, widths)
        parts.append(Text())
    parts += [Text(_LEGEND, "dim"), Text(), *_flaws(one), *_lacks(one)]
    return Group(*parts)


def _column(one: Matrix, index: int) -> Iterator[str]:
    return (_cell(row.cells[index]).plain for block in one.blocks for row in block.rows if row.cells)


def _block(one: Block, widths: Sequence[int]) -> Iterator[RenderableType]:
    yield Text.assemble((one.name, "bold underline"), f" {' '.join(one.variants)}, {provenance(one)}")
    for row in one.rows:
        if row.cells:
            yield _line([Text(row.level), *map(_cell, row.cells)], widths)


def _cell(one: Cell) -> Text:
    return Text(_MARKS.get(one.standing, "{}").format(one.text), _STYLES.get(one.standing, ""))


def _line(cells: Iterable[Text], widths: Sequence[int]) -> Text:
    """Cells in columns, without blanks at the end."""
    line = Text(no_wrap=True, overflow="fold")
    for cell, width in zip(cells, widths, strict=True):
        line.append_text(cell).append(" " * (width - len(cell) + 1))
    line.rstrip()
    return line


def _flaws(one: Matrix) -> Iterator[RenderableType]:
    found = flaws(one)
    for flaw in found:
        kind = f": {flaw.known}" if flaw.known else ""
        yield Text.assemble((f"{flaw.standing:<9}", _STYLES[flaw.standing]), (f"{flaw.code} {flaw.name}", "bold"), kind)
        yield _indented(f"{', '.join(flaw.columns)}: {flaw.where}")
        yield _indented(", ".join(flaw.subjects), "dim")
    if found:
        yield Text()


def _lacks(one: Matrix) -> Iterator[RenderableType]:
    found = lacks(one)
    if found or one.missing:
        yield Text("Not there, and why", "bold")
    for lack in found:
        yield Text(": ".join(filter(None, (", ".join(lack.columns), "; ".join(lack.reasons)))))
        yield _indented(lack.where, "dim")
    for name, reason in one.missing:
        yield Text(f"{name}: {reason}")


def _indented(words: str, style: str = "") -> RenderableType:
    return Padding(Text(words, style), (0, 0, 0, 9))
