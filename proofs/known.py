"""Known refutations: claims that a shipped layout violates, reviewed and classified.

The lists live with the architectures (``archs/ARCH/known.py``).  An entry turns ``refuted`` into ``refuted (known: class)``; it never narrows a claim.  An
entry that no longer applies is stale, and fails the check: nothing stays on the list unseen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bitspec.fields import LayoutError
from bitspec.layout import Layout

#: What a known refutation means in practice.
CLASSES: Final = {
    "guarded": "callers test something else first, and are named",
    "latent": "needs a value that cannot occur today, and the reason says why",
    "cosmetic": "no caller can tell the difference",
    "reachable": "can happen on a running system",
}


@dataclass(frozen=True)
class Known:
    """A reviewed refutation.

    Attributes:
        code: the claim's code, or several.
        subjects: the subjects it is about.
        layouts: the releases it is in.
        levels: the levels it is about.
        kind: one of :data:`CLASSES`.
        reason: why it is so, and what keeps it from doing harm.
        guards: the callers that guard against it, as ``file: function`` of that release.
        variants: the hardware variants it is in; empty means all.
        parts: for a claim made of named parts, those that fail; every other must hold.
    """

    code: str
    subjects: tuple[str, ...]
    layouts: tuple[str, ...]
    levels: tuple[str, ...]
    kind: str
    reason: str
    guards: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in CLASSES:
            raise LayoutError(f"the class of a known refutation must be one of {', '.join(CLASSES)}, not {self.kind!r}")
        if self.kind == "guarded" and not self.guards:
            raise LayoutError(f"a guarded refutation must name the callers that guard it ({self.code})")

    def covers(self, layout: Layout, level: str, code: str, subject: str) -> bool:
        """Whether this entry is about such a result."""
        return (
            code == self.code
            and subject in self.subjects
            and level in self.levels
            and layout.release in self.layouts
            and (not self.variants or layout.hardware.variant in self.variants)
        )


def find(entries: Iterable[Known], layout: Layout, level: str, code: str, subject: str) -> Known | None:
    """The entry about such a result, or None."""
    return next((one for one in entries if one.covers(layout, level, code, subject)), None)
