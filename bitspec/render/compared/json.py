"""JSON: one object; its findings are those of ``check --format json``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from bitspec.compared import Comparison, History, Pair, Turn
from bitspec.proposal import FieldChange
from bitspec.render.json import finding

_GROUPS = ("broken", "reviewed", "fixed", "undecided", "others")


def diff(one: Comparison) -> str:
    """Everything that is not the same."""
    data = _common(one)
    data["helpers"] = [_pair(pair) for pair in one.helpers if pair.verdict != "equal"]
    data["equal"] = sum(pair.verdict == "equal" for pair in one.helpers)
    return json.dumps(data, indent=2) + "\n"


def diffs(several: Sequence[Comparison]) -> str:
    """Of two trees, each architecture, variant and config."""
    return json.dumps({"comparisons": [json.loads(diff(one)) for one in several]}, indent=2) + "\n"


def gate(one: Comparison) -> str:
    """What a gate looks at."""
    return json.dumps(_common(one), indent=2) + "\n"


def series(one: History) -> str:
    """Every patch, and for every architecture it means something for what a gate looks at."""
    first = one.first()
    data = {
        "bitspec": one.version,
        "solver": one.solver,
        "tree": one.tree,
        "base": one.base,
        "looked_at": list(one.scopes),
        "first_broken": None if first is None else first.name,
        "patches": [
            {"name": each.name, "subject": each.subject, "alike": list(each.alike), "comparisons": [_common(found) for found in each.comparisons]}
            for each in one.patches
        ],
        "summary": {"patches": len(one.patches), "seconds": round(one.seconds, 3)},
    }
    return json.dumps(data, indent=2) + "\n"


def _common(one: Comparison) -> dict[str, Any]:
    return {
        "bitspec": one.version,
        "solver": one.solver,
        "before": one.before,
        "after": one.after,
        "variant": one.variant,
        "config": one.config,
        "fields": [_field(each) for each in one.fields],
        **({"unread": dict(one.unread)} if one.unread else {}),
        "capacity": {each.name: {"before": each.before, "after": each.after, "lost": each.lost} for each in one.capacity},
        **{kind: [_turn(turn) for turn in getattr(one, kind)] for kind in _GROUPS},
        "summary": {
            **{kind: len(getattr(one, kind)) for kind in _GROUPS},
            "standing": one.standing,
            "agreed": one.agreed,
            "seconds": round(one.seconds, 3),
        },
    }


def _turn(one: Turn) -> dict[str, Any]:
    return {"before": one.before, "after": one.after, "known": one.known or None, "result": finding(one.finding)}


def _field(one: FieldChange) -> dict[str, Any]:
    return {
        "name": one.name,
        "status": one.status,
        "levels": [level.value for level in one.levels],
        "entries": list(one.entries),
        "was": one.was,
        "bits": one.bits,
        "mask": None if one.mask is None else hex(one.mask),
        **({} if one.inverted is None else {"inverted": one.inverted}),
    }


def _pair(one: Pair) -> dict[str, Any]:
    made: dict[str, Any] = {"name": one.name, "verdict": one.verdict, "reason": one.reason or None}
    if one.verdict == "differs":
        inputs = {name: hex(value) for name, value in one.inputs.items()}
        made |= {"witness": {"inputs": inputs, "before": hex(one.before), "after": hex(one.after)}, "before": one.texts[0], "after": one.texts[1]}
    return made
