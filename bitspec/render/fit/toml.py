"""TOML: the first answer as a proposal, a layout as changes to a base, which ``diff`` and ``gate`` read."""

from __future__ import annotations

from dataclasses import replace

from bitspec.fitted import Outcome
from bitspec.proposal import write


def render(one: Outcome) -> str:
    """The first answer as a proposal; where there is none, the reasons, as comments."""
    if not one.answers:
        reasons = one.infeasible or (one.unknown or "",)
        return "".join(f"# {line}\n" for line in (one.asked, "nothing fits:", *reasons))
    return write(replace(one.answers[0].proposal, asked=one.asked))
