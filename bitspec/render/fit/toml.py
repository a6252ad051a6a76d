"""TOML: the first answer as a proposal, a layout as changes to a base, which ``diff`` and ``gate`` read."""

from __future__ import annotations

from dataclasses import replace

from bitspec.fitted import Outcome
from bitspec.proposal import write


def render(one: Outcome) -> str:
    """The first answer as a proposal; where there is none, the reasons, as comments."""
    if not one.answers:
        words, reasons = ("nothing fits", one.infeasible) if one.unknown is None else ("unknown", (one.unknown,))
        return "".join(f"# {line}\n" for line in (one.asked, f"{words}:", *reasons))
    return write(replace(one.answers[0].proposal, asked=one.asked))
