"""SARIF 2.1.0, the exchange format of static analysis.

Every result is in it, with the kind the standard has for it.  A known refutation is a note that is suppressed, with the reason as the justification.
Nothing in a fingerprint but the result's key: a line that moves makes no new finding, and neither does another witness.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from bitspec.render._words import facts, known, one_line, place, title, witness
from bitspec.report import Finding, Place, Report, Stale

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
# What paths are relative to.  A report about a kernel tree may name both: what is not the tree's own is declared here.
_ROOTS = {"BITSPEC": "bitspec's own source", "KERNEL": "the kernel tree that was read"}
_STALE = {
    "id": "STALE",
    "name": "stale-known-refutation",
    "shortDescription": {"text": "A refutation that is listed as known still is one."},
    "fullDescription": {"text": "A refutation that is listed as known still is one."},
    "help": {"text": "take it off the list of known refutations"},
}

# Kind and level.  The standard has a level other than none for failures alone, and viewers show nothing else: what is unknown is a warning.
_KINDS = {
    "refuted": ("fail", "error"),
    "known": ("fail", "note"),
    "unknown": ("fail", "warning"),
    "not-applicable": ("notApplicable", "none"),
    "proved": ("pass", "none"),
}


def render(report: Report) -> str:
    """The report as a SARIF log of one run."""
    rules = {one.code: _rule(one) for one in report.findings} | ({"STALE": _STALE} if report.stale else {})
    indices = {code: index for index, code in enumerate(rules)}
    run = {
        "tool": {"driver": {"name": "bitspec", "version": report.version, "rules": list(rules.values())}},
        "originalUriBaseIds": {name: {"description": _message(meaning)} for name, meaning in _ROOTS.items()},
        "columnKind": "unicodeCodePoints",
        "results": [
            *({**_finding(one), "ruleIndex": indices[one.code]} for one in report.findings),
            *({**_stale(one), "ruleIndex": indices["STALE"]} for one in report.stale),
        ],
        "properties": {"solver": report.solver, "summary": report.counts()},
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(one: Finding) -> dict[str, Any]:
    return {
        "id": one.code,
        "name": one.name,
        "shortDescription": _message(one.summary),
        "fullDescription": _message(one.summary),  # GitHub asks for both
        "help": _message(f"bitspec explain {one.code}"),
    }


def _finding(one: Finding) -> dict[str, Any]:
    kind, level = _KINDS[one.standing]
    made = {
        "ruleId": one.code,
        "kind": kind,
        "level": level,
        "message": _message(*_told(one)),
        "locations": [_location(one)],
        **_prints(*one.key),
        "properties": _properties(one),
    }
    if len(one.places) > 1:
        made["relatedLocations"] = [_place(each, number) for number, each in enumerate(one.places[1:], 1)]
    if one.standing == "known":
        made["suppressions"] = [{"kind": "external", "status": "accepted", "justification": one_line(known(one))}]
    return made


def _told(one: Finding) -> tuple[str, ...]:
    about = f"{title(one)}, {one.scope}"
    match one.standing:
        case "refuted":
            return (f"{about}: refuted", *(f"{name}: {words}" for name, words in facts(one)))
        case "known":
            assert one.evidence is not None
            return (f"{about}: refuted, and known", f"witness: {witness(one.evidence)}")
        case "proved":
            return (f"{about}: proved",)
    return (f"{about}: {one.standing}: {one.reason}",)


def _properties(one: Finding) -> dict[str, Any]:
    """The key and the verdict, for whoever wants to count; the same words as in JSON."""
    shown = {
        "subject": one.subject,
        "arch": one.arch,
        "layout": one.layout,
        "variant": one.variant,
        "config": one.config,
        "level": one.level,
        "source": one.source,
        "provenance": one.provenance,
        "verdict": one.verdict,
    }
    return shown if one.evidence is None else {**shown, "witness": one.evidence.text}


def _stale(one: Stale) -> dict[str, Any]:
    return {
        "ruleId": "STALE",
        "kind": "fail",
        "level": "error",
        "message": _message(f"{one.code} {one.subject}: {one.reason}"),
        "locations": [{"physicalLocation": _physical(one.where)}],
        **_prints("STALE", one.code, one.subject, one.reason),
    }


def _location(one: Finding) -> dict[str, Any]:
    """Where to look, and the subject.  Where nothing is refuted that is the architecture's folder: GitHub rejects a file with a result that has no place."""
    logical = {"name": one.subject, "fullyQualifiedName": f"{one.scope} {one.subject}"}
    return {"physicalLocation": _physical(one.where), "logicalLocations": [logical]}


def _place(one: Place, number: int) -> dict[str, Any]:
    return {"id": number, "physicalLocation": _physical(one.where), "message": _message(one.name)}


def _physical(where: str) -> dict[str, Any]:
    file, line = place(where)
    artifact = {"uri": quote(file)}
    if not file.endswith(".toml"):  # a proposal is where its user said, and relative to nothing of ours
        artifact["uriBaseId"] = "BITSPEC" if file.startswith("archs/") else "KERNEL"
    made: dict[str, Any] = {"artifactLocation": artifact}
    return made if line is None else {**made, "region": {"startLine": line}}


def _prints(*key: str) -> dict[str, Any]:
    """Fingerprints by the key alone.

    GitHub matches results by primaryLocationLineHash and nothing else, and where there is none it makes one from the text around the line.
    """
    mark = sha256(json.dumps(key).encode("ascii")).hexdigest()
    return {"fingerprints": {"bitspec/v1": mark}, "partialFingerprints": {"primaryLocationLineHash": mark}}


def _message(*lines: str) -> dict[str, str]:
    """A message.  Braces would be placeholders, and are doubled; brackets before a parenthesis would be a link, for which there is no escape."""
    text = "\n".join(map(one_line, lines))
    return {"text": text.replace("{", "{{").replace("}", "}}").replace("](", "] (")}
