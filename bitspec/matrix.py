"""What layouts can hold, level by level, as plain data: the one thing the formats of ``matrix`` render."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Asked:
    """A claim a cell rests on, and what became of it.

    Attributes:
        code, name: the claim.
        subjects: what it was asked about, those with this outcome.
        verdict: the outcome.
        known: of a known refutation, its class; else empty.
    """

    code: str
    name: str
    subjects: tuple[str, ...]
    verdict: str
    known: str = ""

    @property
    def standing(self) -> str:
        """The verdict, with the refutations apart that are known."""
        return "known" if self.known else self.verdict


@dataclass(frozen=True)
class Counted:
    """A number a cell rests on, and the function that counts it."""

    by: str
    value: int


#: What a cell can rest on, the gravest first.
_GRAVE = ("refuted", "unknown", "known", "proved")


@dataclass(frozen=True)
class Cell:
    """A capability at one level.

    Attributes:
        text: what it comes to: a number, ``yes``, ``no``, ``leaf``, ...; ``-`` where there is nothing that could have it, ``.`` where nobody asks.
        claims, counts: what that rests on.
        reasons: why something is not there.
        where: of free bits, their positions as the manual counts.
    """

    text: str
    claims: tuple[Asked, ...] = ()
    counts: tuple[Counted, ...] = ()
    reasons: tuple[str, ...] = ()
    where: str = ""

    @property
    def standing(self) -> str:
        """The gravest of what it rests on: refuted, unknown, known, proved; else counted, not-applicable or not asked."""
        found = {one.standing for one in self.claims}
        least = "counted" if self.counts else "not-applicable" if self.reasons else "not asked"
        return next((one for one in _GRAVE if one in found), least)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of the known refutations it rests on."""
        return tuple(dict.fromkeys(one.known for one in self.claims if one.known))


@dataclass(frozen=True)
class Column:
    """A capability.

    Attributes:
        name: what it is called.
        head: the same, in two short lines.
        meaning: what a cell says.
        claims: the claims its cells may rest on, by name, with their codes.
    """

    name: str
    head: tuple[str, str]
    meaning: str
    claims: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Row:
    """One level of a layout.

    Attributes:
        level: its name.
        cells: one for each column; none where it is folded.
        folded: why the level does not exist, or empty.
    """

    level: str
    cells: tuple[Cell, ...]
    folded: str = ""


@dataclass(frozen=True)
class Block:
    """One layout.

    Attributes:
        arch, layout, config: their names.
        variants: its hardware variant, or several that have the same rows.
        provenance: how far it is trusted.
        rows: one for each level that was asked about.
    """

    arch: str
    layout: str
    variants: tuple[str, ...]
    config: str
    provenance: str
    rows: tuple[Row, ...]

    @property
    def name(self) -> str:
        """``ARCH@LAYOUT``."""
        return f"{self.arch}@{self.layout}"


@dataclass(frozen=True)
class Matrix:
    """Layouts by levels by capabilities.

    Attributes:
        version: who says so.
        columns: the capabilities.
        blocks: a layout each, in the order they were asked for.
        missing: layouts that do not exist in a variant, as ``ARCH@LAYOUT VARIANT``, with the reason.
    """

    version: str
    columns: tuple[Column, ...]
    blocks: tuple[Block, ...]
    missing: tuple[tuple[str, str], ...] = field(default=())

    @property
    def merged(self) -> tuple[Block, ...]:
        """The layouts, with the variants of a release put together that have the same rows."""
        found: dict[tuple[str, str, tuple[Row, ...]], Block] = {}
        for one in self.blocks:
            key = (one.name, one.config, one.rows)
            same = found.get(key)
            found[key] = one if same is None else Block(one.arch, one.layout, same.variants + one.variants, one.config, one.provenance, one.rows)
        return tuple(found.values())

    @property
    def cells(self) -> Iterator[tuple[Block, Row, Column, Cell]]:
        """Every cell, with where it stands."""
        for block in self.blocks:
            for row in block.rows:
                for column, cell in zip(self.columns, row.cells, strict=bool(row.cells)):
                    yield block, row, column, cell
