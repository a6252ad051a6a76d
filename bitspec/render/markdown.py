"""Markdown, for a reply mail or a comment: what is new comes first, with its witness and the commands that show it again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from bitspec.render._words import alike, facts, one_line, reason, reproduce, title
from bitspec.report import Finding, Report

# What may begin or end a construct inside a line.  An underscore before a letter or a digit ends none, and none is without an end: names stay readable.
_SPECIAL = re.compile(r"[\\`*\[|~#$]|<(?=[A-Za-z/!?])|&(?=#?\w+;)|_(?!_*[^\W_])")
_CODE = frozenset({"claim", "defined"})  # facts that are names and places, not sentences


def render(report: Report) -> str:
    """The report, new findings first."""
    by = {standing: [one for one in report.findings if one.standing == standing] for standing in ("refuted", "unknown", "known")}
    counts = ", ".join(f"{number} {name}" for name, number in report.counts().items())
    parts = [f"bitspec {text(report.version)} ({text(report.solver)}): {counts}.", ""]
    if not by["refuted"] and not report.stale:
        parts += ["Nothing is refuted" + (" but what is known." if by["known"] else "."), ""]
    for one in by["refuted"]:
        parts += _refuted(one)
    if report.stale:
        rows = ((text(one.code), text(one.subject), code(one.where), text(one.reason)) for one in report.stale)
        parts += ["## Stale: listed as known, and not refuted any more", "", *table(("claim", "subject", "where", "why"), rows), ""]
    if by["unknown"]:
        rows = ((text(f"{one.code} {one.name}"), text(one.subject), code(one.scope), text(one.reason or "")) for one in by["unknown"])
        parts += ["## Unknown", "", *table(("claim", "subject", "where", "why"), rows), ""]
    if by["known"]:
        parts += ["## Known", "", *table(("claim", "where", "witness", "class", "why"), map(_known, alike(by["known"]))), ""]
    return "\n".join(parts[:-1]) + "\n"


def _refuted(one: Finding) -> Iterator[str]:
    yield from (f"## Refuted: {text(title(one))}", "")
    for name, words in facts(one):
        yield f"- {name}: {code(words) if name in _CODE else text(words)}"
    yield from ("", "To reproduce:", "")
    yield from (f"    {one_line(command)}" for command in reproduce(one))  # a block of code needs no escapes
    yield ""


def _known(group: list[Finding]) -> tuple[str, ...]:
    first = group[0]
    assert first.known is not None
    witnesses = ", ".join(f"{text(one.subject)} {code(one.evidence.text)}" for one in group if one.evidence is not None)
    return text(f"{first.code} {first.name}"), code(first.scope), witnesses, text(str(first.known["class"])), text(reason(first))


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """The lines of a table; its cells are Markdown already."""
    for row in (head, ("---",) * len(head), *rows):
        yield f"| {' | '.join(row)} |"


def text(words: str) -> str:
    """Words as they are, whatever is in them; never to begin a line with."""
    return _SPECIAL.sub(r"\\\g<0>", one_line(words))


def code(words: str) -> str:
    """A name or a number.  What a code span, or one in a table, cannot hold for every reader is plain text."""
    line = one_line(words)
    return text(words) if not line or "`" in line or "|" in line else f"`{line}`"
