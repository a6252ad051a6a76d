"""JSON: one object, for programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from bitspec.fitted import Answer, Outcome, Placement


def render(one: Outcome) -> str:
    """The outcome as one JSON object."""
    data: dict[str, Any] = {
        "bitspec": one.version,
        "solver": one.solver,
        "arch": one.arch,
        "layout": one.layout,
        "variant": one.variant,
        "config": one.config,
        "level": one.level,
        "provenance": one.provenance,
        "asked": one.asked,
        "fits": {0: True, 1: False}.get(one.status),
        "answers": [_answer(each) for each in one.answers],
        "infeasible": list(one.infeasible),
        "relaxations": [{"change": each.words, "fields": [_placement(place) for place in each.placements]} for each in one.relaxations],
        "unknown": one.unknown,
        "seconds": round(one.seconds, 3),
    }
    if one.statistics:
        data["statistics"] = dict(one.statistics)
    return json.dumps(data, indent=2) + "\n"


def _placement(one: Placement) -> dict[str, Any]:
    return {**asdict(one), "mask": f"{one.mask:#x}"}


def _answer(one: Answer) -> dict[str, Any]:
    return {
        "fields": [_placement(place) for place in one.placements],
        "helpers": [{"name": each.name, "status": each.status, "narrowed": each.narrowed, "c": each.text} for each in one.changes],
        "kept": list(one.kept),
        "sought": list(one.sought),
        "marker": one.marker or None,
        "said": dict(one.said),
        "cost": {name: {"before": before, "after": after} for name, (before, after) in one.cost.items()},
        "claims": dict(one.counts),
    }
