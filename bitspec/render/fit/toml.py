"""TOML: the first answer as a proposal, a layout as changes to a base."""

from __future__ import annotations

from typing import Any

import tomli_w

from bitspec.fitted import Outcome


def render(one: Outcome) -> str:
    """The first answer as a proposal; where there is none, the reasons, as comments."""
    if not one.answers:
        words, reasons = ("nothing fits", one.infeasible) if one.unknown is None else ("unknown", (one.unknown,))
        return "".join(f"# {line}\n" for line in (one.asked, f"{words}:", *reasons))
    answer = one.answers[0]
    data: dict[str, Any] = {
        "base": {"layout": f"{one.arch}@{one.layout}", "variant": one.variant, "config": one.config, "level": one.level},
        "asked": one.asked,
        "field": [
            {
                "name": place.name,
                "entry": place.where,
                "mask": f"{place.mask:#x}",
                "bits": place.bits,
                "status": place.status,
                **({"was": place.was} if place.was else {}),
                **({"inverted": True} if place.inverted else {}),
            }
            for place in answer.placements
        ],
        "helper": [{"name": each.name, "status": each.status, "params": list(each.params), "expression": each.expression} for each in answer.changes],
    }
    return tomli_w.dumps(data)
