"""What the formats for people say below the table: which claims do not hold, and why something is not there."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from bitspec.matrix import Block, Matrix, Row

_Key = TypeVar("_Key", bound=Hashable)


@dataclass(frozen=True)
class Flaw:
    """A claim that is refuted or unknown.

    Attributes:
        standing: refuted, unknown, or known.
        known: the class of a known refutation, or empty.
        code, name: the claim.
        subjects: what it is about.
        columns: the capabilities that rest on it.
        where: the levels, in words.
    """

    standing: str
    known: str
    code: str
    name: str
    subjects: tuple[str, ...]
    columns: tuple[str, ...]
    where: str


@dataclass(frozen=True)
class Lack:
    """Why something is not there.

    Attributes:
        reasons: why.
        columns: the capabilities; none where the whole level is not there.
        where: the levels, in words.
    """

    reasons: tuple[str, ...]
    columns: tuple[str, ...]
    where: str


#: A level of one layout in one variant.
_Place = tuple[str, str, str, str]


def _place(block: Block, row: Row, variant: str) -> _Place:
    return block.arch, row.level, block.layout, variant


def flaws(one: Matrix) -> tuple[Flaw, ...]:
    """Every claim that does not hold, the gravest first; subjects of one fate together."""
    order = ("refuted", "unknown", "known")
    columns: dict[tuple[str, str, str, str, str], dict[str, None]] = {}
    places: dict[tuple[str, str, str, str, str], dict[_Place, None]] = {}
    for block, row, column, cell in one.cells:
        for claim in cell.claims:
            for subject in claim.subjects if claim.standing in order else ():
                key = (claim.standing, claim.known, claim.code, claim.name, subject)
                columns.setdefault(key, {})[column.name] = None
                places.setdefault(key, {}).update(dict.fromkeys(_place(block, row, variant) for variant in block.variants))
    together = _together({key: (key[:4], tuple(columns[key]), tuple(places[key])) for key in columns})
    found = [
        Flaw(standing, known, code, name, tuple(key[4] for key in keys), named, _where(one, which))
        for ((standing, known, code, name), named, which), keys in together.items()
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda flaw: (order.index(flaw.standing), flaw.code)))


def lacks(one: Matrix) -> tuple[Lack, ...]:
    """Every reason why something is not there, in the order of columns; whole levels last."""
    places: dict[tuple[str, str], dict[_Place, None]] = {}
    folded: dict[str, dict[_Place, None]] = {}
    for block, row, column, cell in one.cells:
        for reason in cell.reasons:
            places.setdefault((reason, column.name), {}).update(dict.fromkeys(_place(block, row, variant) for variant in block.variants))
    for block in one.blocks:
        for row in block.rows:
            if row.folded:
                folded.setdefault(row.folded, {}).update(dict.fromkeys(_place(block, row, variant) for variant in block.variants))
    columns = _together({key: (key[0], tuple(places[key])) for key in places})
    told: dict[tuple[tuple[str, ...], tuple[_Place, ...]], list[str]] = {}
    for (reason, which), keys in columns.items():
        told.setdefault((tuple(name for _, name in keys), which), []).append(reason)
    names = [column.name for column in one.columns]
    found = [Lack(tuple(reasons), named, _where(one, which)) for (named, which), reasons in told.items()]
    whole = [Lack((reason,), (), _where(one, tuple(which), whole=True)) for reason, which in folded.items()]
    return (*sorted(found, key=lambda lack: names.index(lack.columns[0])), *whole)


_Value = TypeVar("_Value", bound=Hashable)


def _together(found: Mapping[_Key, _Value]) -> dict[_Value, list[_Key]]:
    """The keys that have the same value."""
    result: dict[_Value, list[_Key]] = {}
    for key, value in found.items():
        result.setdefault(value, []).append(key)
    return result


def _where(one: Matrix, places: tuple[_Place, ...], whole: bool = False) -> str:
    """Places in words: a release or a variant is named where not all that are shown and have the level are meant; with `whole`, folded ones too."""
    every = [_place(block, row, variant) for block in one.blocks for row in block.rows for variant in block.variants if row.cells or whole]
    parts: dict[tuple[str, str], list[str]] = {}
    for arch, level in dict.fromkeys(place[:2] for place in places):
        tail = _releases([place[2:] for place in places if place[:2] == (arch, level)], [place[2:] for place in every if place[:2] == (arch, level)])
        parts.setdefault((arch, tail), []).append(level)
    return "; ".join(f"{arch}{tail} {' '.join(levels)}" for (arch, tail), levels in parts.items())


def _releases(mine: list[tuple[str, str]], every: list[tuple[str, str]]) -> str:
    """Which releases and variants of one level."""
    if set(mine) >= set(every):
        return ""
    variants: dict[str, str] = {}
    for release in dict.fromkeys(release for release, _ in mine):
        which = [variant for name, variant in mine if name == release]
        whole = {variant for name, variant in every if name == release} <= set(which)
        variants[release] = "" if whole else f" ({', '.join(which)})"
    return "".join(f" {' '.join(releases)}{which}" for which, releases in _together(variants).items())


def provenance(block: Block) -> str:
    """How far a layout is trusted, with its config where that is not the default."""
    return block.provenance + (f", config {block.config}" if block.config != "default" else "")
