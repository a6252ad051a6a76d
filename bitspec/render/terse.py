"""Terse: a line per finding that needs attention, as checkpatch prints them: ``file:line: LEVEL:CODE: message``."""

from __future__ import annotations

from bitspec.report import Finding, Report


def render(report: Report) -> str:
    """A line per refuted, unknown or stale finding, then a line of counts."""
    lines = [_line(one) for one in report.findings if one.verdict in ("refuted", "unknown")]
    lines += [f"{one.where}: ERROR:STALE: {one.code} {one.subject}: {one.reason}" for one in report.stale]
    counts = ", ".join(f"{number} {name}" for name, number in report.counts().items())
    return "\n".join([*lines, f"total: {counts}"]) + "\n"


def _line(one: Finding) -> str:
    where = f"{one.arch}@{one.layout} {one.variant} {one.level} {one.subject}"
    if one.verdict == "unknown":
        return f"{one.where}: WARNING:{one.code}: {one.name}: {where}: unknown ({one.reason})"
    assert one.evidence is not None
    level = f"CHECK:{one.code}" if one.known else f"ERROR:{one.code}"
    known = f" (known: {one.known['class']})" if one.known else ""
    replayed = f", {one.evidence.replayed}" if one.evidence.replayed else ""
    rests = one.evidence.account.rests
    return f"{one.where}: {level}: {one.name}{known}: {where}: witness {one.evidence.text}{replayed}" + (f" (rests on {'; '.join(rests)})" if rests else "")
