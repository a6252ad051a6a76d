"""Markdown: a page.  What a cell means, the newest layouts at a glance, then every architecture, what does not hold, and why something is not there."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from bitspec.matrix import Block, Cell, Column, Matrix, Row
from bitspec.render.markdown import table, text
from bitspec.render.matrix._words import flaws, lacks, provenance

_HEAD = """\
# What page-table entries can hold

Architecture by level by capability. Made by `bitspec matrix --format markdown -o docs/matrix.md`; not edited by hand, and a test holds it fresh.
`bitspec matrix ARCH` prints the same for a terminal, `--format json` every cell with what it rests on.

Every cell comes from a claim that bitspec has asked of every value (`bitspec explain CODE`), or from a count. A claim that does not hold is said in its cell:

| cell | means |
| --- | --- |
| `32`, `yes`, `leaf`, `entry` | counted, or proved of every value |
| `yes, known: CLASS` | a claim behind it is refuted, reviewed and of that class; see [below](#what-does-not-hold) |
| `yes, refuted` | a claim behind it is refuted, and nobody has reviewed it |
| `yes, unknown` | a claim behind it could not be decided |
| `no`, `split`, `-` | not there; `-` where the level has nothing that could have it, or nothing that builds it; see [why](#what-is-not-there) |
| `.` | no claim asks for it at that level |

The config is `default`, the worst case for bits, unless a row names another. Each layout is `conformed`, proved equal to the headers of its
release, or `transcribed`, read from them. Variants that are alike share a row. Below the tables an architecture without a release or a variant stands for all
that are shown. What a class means, and what was found about each refutation: [findings.md](findings.md).
"""


def render(one: Matrix) -> str:
    """The matrix as a page."""
    parts = [_HEAD, "## Columns", "", *map(_column, one.columns), ""]
    newest = _newest(one)
    if len(newest) < len(one.blocks):
        parts += ["## At a glance", "", "The newest layout of each architecture, in its first variant.", "", *_table(one, newest), ""]
    for arch, blocks in groupby(one.merged, key=lambda block: block.arch):
        parts += [f"## {text(arch)}", "", *_table(one, list(blocks)), ""]
    parts += [*_flaws(one), *_lacks(one)]
    return "\n".join(parts[:-1]) + "\n"


def _column(one: Column) -> str:
    claims = ", ".join(f"{' '.join(codes)} {name}" for name, codes in one.claims)
    return f"- **{text(one.name)}**: {one.meaning} Rests on {text(claims)}."


def _newest(one: Matrix) -> list[Block]:
    """The last layout of each architecture, in the first of its variants."""
    last = {block.arch: block.layout for block in one.blocks}
    found: dict[str, Block] = {}
    for block in one.blocks:
        if block.layout == last[block.arch]:
            found.setdefault(block.arch, block)
    return list(found.values())


def _table(one: Matrix, blocks: list[Block]) -> Iterator[str]:
    rows = [_row(block, row) for block in blocks for row in block.rows if row.cells]
    head = ("layout", "variant", "level", *(text(column.name) for column in one.columns))
    return table(head, rows) if rows else iter(("Every level asked for is folded.",))


def _row(block: Block, row: Row) -> tuple[str, ...]:
    return text(f"{block.name} ({provenance(block)})"), text(", ".join(block.variants)), row.level, *map(_cell, row.cells)


def _cell(one: Cell) -> str:
    words = f"{one.text} ({one.where})" if one.where else one.text
    if one.standing == "known":
        words += f", known: {', '.join(one.classes)}"
    elif one.standing in ("refuted", "unknown"):
        words += f", {one.standing}"
    return text(words)


def _flaws(one: Matrix) -> Iterator[str]:
    rows = [
        (text(f"{flaw.code} {flaw.name}"), flaw.standing + (f": {text(flaw.known)}" if flaw.known else ""), text(", ".join(flaw.columns)),
         text(flaw.where), text(", ".join(flaw.subjects)))
        for flaw in flaws(one)
    ]  # fmt: skip
    if rows:
        yield from ("## What does not hold", "", *table(("claim", "verdict", "columns", "where", "subjects"), rows), "")


def _lacks(one: Matrix) -> Iterator[str]:
    rows = [(text(", ".join(lack.columns) or "the level"), text("; ".join(lack.reasons)), text(lack.where)) for lack in lacks(one)]
    rows += [("the layout", text(reason), text(name)) for name, reason in one.missing]
    if rows:
        yield from ("## What is not there", "", *table(("columns", "because", "where"), rows), "")
