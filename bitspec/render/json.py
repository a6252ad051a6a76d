"""JSON: one object, for programs.  The key of a result is (code, subject, arch, layout, variant, config, level)."""

from __future__ import annotations

import json
from typing import Any

from bitspec.report import Evidence, Finding, Report


def render(report: Report) -> str:
    """The report as one JSON object."""
    counts = report.counts()
    data: dict[str, Any] = {
        "bitspec": report.version,
        "solver": report.solver,
        "results": [finding(one) for one in report.findings],
        "stale": [{"code": one.code, "subject": one.subject, "where": one.where, "reason": one.reason} for one in report.stale],
        "summary": {**counts, "seconds": round(report.seconds, 3)},
    }
    if report.statistics:
        data["statistics"] = dict(report.statistics)
    return json.dumps(data, indent=2) + "\n"


def finding(one: Finding) -> dict[str, Any]:
    """One result as a JSON object."""
    return {
        "code": one.code,
        "name": one.name,
        "subject": one.subject,
        "arch": one.arch,
        "layout": one.layout,
        "variant": one.variant,
        "config": one.config,
        "level": one.level,
        "source": one.source,
        "provenance": one.provenance,
        "verdict": one.verdict,
        "known": one.known,
        "claim": one.claim,
        "given": list(one.given),
        "reason": one.reason,
        "witness": None if one.evidence is None else _evidence(one.evidence),
        "where": [f"{place.where}: {place.name}" for place in one.places],
        "ms": round(one.ms, 3),
    }


def _evidence(one: Evidence) -> dict[str, Any]:
    account = one.account
    reactions = set(account.hardware.values())
    return {
        "entry": one.text,
        "unique": one.unique,
        "inputs": {name: hex(value) for name, value in one.inputs.items()},
        "predicates": dict(account.predicates),
        "hardware": reactions.pop() if len(reactions) == 1 else dict(account.hardware),
        **({} if one.replayed is None else {"replayed": one.replayed}),
        **({"rests_on": list(account.rests)} if account.rests else {}),
    }
