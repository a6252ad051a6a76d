"""A baseline: refutations of somebody's tree that are accepted for now, each with a reason, told apart by the key of a result and never by a line.

It turns ``refuted`` into ``known``, as ``archs/ARCH/known.py`` does for layouts that ship; an entry that is not refuted any more is stale.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Final

import tomli_w

from bitspec.report import Finding, Report, Stale, Table
from bitspec.section import Section, TextError, line_of, toml, written

BYTES: Final = 8 << 20


@dataclass(frozen=True)
class Key:
    """What tells a result from every other."""

    code: str
    subject: str
    arch: str
    layout: str
    variant: str
    config: str
    level: str

    @property
    def scope(self) -> str:
        """Everything but the claim."""
        return f"{self.arch}@{self.layout} {self.variant} {self.config} {self.level}"


_KEY: Final = tuple(one.name for one in fields(Key))


@dataclass(frozen=True)
class Entry:
    """An accepted refutation.

    Attributes:
        key: of the result.
        reason: why it is accepted; empty until somebody says so.
        witness: the entry that refuted the claim when this was written, for people.
        line: where the file has it, if that is known.
    """

    key: Key
    reason: str
    witness: str = ""
    line: int | None = None


def key(one: Finding) -> Key:
    """The key of a result."""
    return Key(*one.key)


def load(path: Path) -> tuple[Entry, ...]:
    """The entries in a file.  Raises TextError, OSError."""
    return read(written(path, BYTES, "a baseline"), str(path))


def read(text: str, where: str) -> tuple[Entry, ...]:
    """The entries in a text.  Raises TextError for what is none, and for a key that is there twice."""
    file = Section(toml(text, where, "a baseline"), where, None, "the file")
    rows = file.tables("refuted")
    file.done()
    found: dict[Key, Entry] = {}
    for number, row in enumerate(rows):
        section = Section(row, where, line_of(text, "[[refuted]]", number, len(rows)), "refuted")
        one = Entry(Key(*map(section.needed, _KEY)), section.text("reason") or "", section.text("witness") or "", section.line)
        section.done()
        if one.key in found:
            raise section.error("it must be there once")
        found[one.key] = one
    return tuple(found.values())


def write(entries: Iterable[Entry]) -> str:
    """The file, in the order of the entries."""
    rows = [{name: getattr(one.key, name) for name in _KEY} | ({"witness": one.witness} if one.witness else {}) | {"reason": one.reason} for one in entries]
    return tomli_w.dumps({"refuted": rows})


def renewed(old: Iterable[Entry], findings: Iterable[Finding], reason: str) -> tuple[Entry, ...]:
    """Entries for what is refuted and not known; those there were keep their reasons, those not asked about stay, and those not refuted any more go."""
    every, before = list(findings), list(old)
    reasons, asked = {one.key: one.reason for one in before}, _asked(every)
    new = [one for one in every if one.standing == "refuted"]
    made = [Entry(key(one), reasons.get(key(one)) or reason, one.evidence.text if one.evidence is not None else "") for one in new]
    return (*(one for one in before if _scope(one.key) not in asked), *made)


def _scope(one: Key) -> tuple[str, ...]:
    """A claim about a level: what is asked as a whole, whatever its subjects."""
    return (one.code, one.arch, one.layout, one.variant, one.config, one.level)


def _asked(findings: Iterable[Finding]) -> set[tuple[str, ...]]:
    return {_scope(key(one)) for one in findings}


def applied(report: Report, entries: Sequence[Entry], where: str) -> Report:
    """The report with the accepted refutations known, and the entries that are not refuted any more stale.

    An entry about a layout, variant, config or level that was not asked about is neither.  Raises TextError for an entry without a reason.
    """
    for one in entries:
        if not one.reason.strip():
            raise TextError(f"{where}{f':{one.line}' if one.line else ''}: {one.key.code} {one.key.subject}: it must have a reason")
    accepted = {one.key: one for one in entries}
    findings = tuple(_known(one, accepted.get(key(one))) for one in report.findings)
    asked = _asked(report.findings)
    refuted = {key(one) for one in report.findings if one.verdict == "refuted"}
    stale = tuple(
        Stale(one.key.code, one.key.subject, f"{where}{f':{one.line}' if one.line else ''}", f"{one.key.scope}: not refuted any more")
        for one in entries
        if one.key not in refuted and _scope(one.key) in asked
    )
    known = {one.key for one in findings if one.known}
    tables = tuple(_marked(one, known) for one in report.tables)
    return replace(report, findings=findings, tables=tables, stale=(*report.stale, *stale))


def _marked(table: Table, known: Container[tuple[str, ...]]) -> Table:
    """A truth table in which what is accepted stands as known."""
    return replace(table, rows=tuple((name, tuple(replace(cell, known=cell.key in known) for cell in cells)) for name, cells in table.rows))


def _known(one: Finding, entry: Entry | None) -> Finding:
    if entry is None or one.standing != "refuted":
        return one
    return replace(one, known={"class": "baseline", "reason": entry.reason})
