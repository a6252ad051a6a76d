"""A kernel tree at one step of a series, as one architecture's layout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bitspec.layout import Layout
from bitspec.patches.series import Step


@dataclass(frozen=True)
class Stage:
    """What an architecture's helpers are after a step.

    Attributes:
        step: the step; None is the tree before all.
        layout: their layout.
        changed: whether any helper or constant is another expression than at the stage before.
        unread: helpers that were lifted before and cannot be now, with the reason: the layout has the declared ones, which say nothing of the tree.
    """

    step: Step | None
    layout: Layout
    changed: bool = True
    unread: Mapping[str, str] = field(default_factory=dict)
