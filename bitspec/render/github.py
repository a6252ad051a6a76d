"""GitHub: a workflow command per finding that needs attention; a job's log turns each into an annotation of its file and line."""

from __future__ import annotations

from bitspec.render._words import facts, known, one_line, place, title, witness
from bitspec.report import Finding, Report


def render(report: Report) -> str:
    """Errors for what is refuted or stale, warnings for what is unknown, notices for what is known; then a line of counts."""
    lines = [_finding(one) for one in report.findings if one.verdict in ("refuted", "unknown")]
    lines += [_command("error", one.where, f"stale: {one.code} {one.subject}", one.reason) for one in report.stale]
    counts = ", ".join(f"{number} {name}" for name, number in report.counts().items())
    return "\n".join([*lines, f"total: {counts}"]) + "\n"


def _finding(one: Finding) -> str:
    if one.standing == "unknown":
        return _command("warning", one.where, title(one), f"{one.scope}: unknown: {one.reason}")
    assert one.evidence is not None
    if one.standing == "known":
        return _command("notice", one.where, title(one), f"{one.scope}: known, {known(one)}", f"witness: {witness(one.evidence)}")
    return _command("error", one.where, title(one), *(f"{name}: {words}" for name, words in facts(one)))


def _command(kind: str, where: str, heading: str, *message: str) -> str:
    file, line = place(where)
    properties = {"file": file, "line": line, "title": heading}
    said = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items() if value is not None)
    return f"::{kind} {said}::{_data(chr(10).join(map(one_line, message)))}"


def _data(text: str) -> str:
    """A message, escaped as the runner reads it: the percent sign first, since it is what escapes."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(one_line(text)).replace(":", "%3A").replace(",", "%2C")
