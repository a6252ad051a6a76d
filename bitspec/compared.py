"""What becomes of a layout when it changes, as plain data: the one thing the formats of ``diff`` and ``gate`` render."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bitspec.proposal import FieldChange
from bitspec.report import Finding, Report


@dataclass(frozen=True)
class Pair:
    """A helper before and after.

    Attributes:
        name: the kernel's.
        verdict: ``equal`` for every value, ``differs``, ``added``, ``removed``, or ``unknown``.
        reason: why it is unknown.
        inputs: the simplest arguments it differs for.
        before, after: what it gives then.
        texts: both bodies in C, where they differ.
    """

    name: str
    verdict: str
    reason: str = ""
    inputs: Mapping[str, int] = field(default_factory=dict)
    before: int = 0
    after: int = 0
    texts: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Figure:
    """A capacity before and after; text says it in the unit people use."""

    name: str
    before: int
    after: int
    texts: tuple[str, str]

    @property
    def lost(self) -> bool:
        """There is less of it."""
        return self.after < self.before


@dataclass(frozen=True)
class Turn:
    """A claim whose verdict is another one.

    Attributes:
        before, after: the verdicts; ``not asked`` where a layout has no such subject.
        finding: the result that tells more: the refutation where there is one, else the later one; unknown, where nobody knows whether it is new.
        known: of a reviewed refutation, its class; else empty.
    """

    before: str
    after: str
    finding: Finding
    known: str = ""


@dataclass(frozen=True)
class Comparison:
    """A layout beside the one it came from.

    Attributes:
        version, solver: who says so.
        before, after: what is compared: ARCH@LAYOUT, and a proposal's name with a plus.
        variant, config: which both have.
        capacity: how much fits into a swap entry.
        broken: claims that are refuted now and were not.
        reviewed: of a layout that shipped, those that somebody has reviewed.
        fixed: claims that were refuted and are proved now.
        undecided: claims of which nobody knows whether they broke.
        others: claims whose verdict changed and that are in none of these.
        standing: claims refuted before and after.
        agreed: claims whose verdict is the same, refuted ones included.
        fields, helpers: what changed; helpers is empty where it was not asked for.
        seconds: what it took.
    """

    version: str
    solver: str
    before: str
    after: str
    variant: str
    config: str
    capacity: tuple[Figure, ...]
    broken: tuple[Turn, ...]
    reviewed: tuple[Turn, ...]
    fixed: tuple[Turn, ...]
    undecided: tuple[Turn, ...]
    others: tuple[Turn, ...]
    standing: int
    agreed: int
    fields: tuple[FieldChange, ...] = ()
    helpers: tuple[Pair, ...] = ()
    seconds: float = 0.0

    def status(self, strict: bool = False) -> int:
        """The exit status of a gate: 1 something broke, or with `strict` capacity was lost, 3 nobody knows, else 0."""
        if self.broken or (strict and any(one.lost for one in self.capacity)):
            return 1
        return 3 if self.undecided else 0

    @property
    def report(self) -> Report:
        """What is new alone, as a report of ``check``, for the formats that are made of one."""
        findings = tuple(one.finding for one in (*self.broken, *self.undecided))
        return Report(self.version, self.solver, findings, (), (), self.seconds)
