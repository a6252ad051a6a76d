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
        unread: helpers of a tree that could be read before and cannot now, with the reason: what is said of them rests on the declared ones.
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
    unread: Mapping[str, str] = field(default_factory=dict)

    @property
    def scope(self) -> str:
        """The architecture, the variant, and the config where it is not the default."""
        config = f" {self.config}" if self.config != "default" else ""
        return f"{self.before.partition('@')[0]} {self.variant}{config}"

    def status(self, strict: bool = False) -> int:
        """The exit status of a gate: 1 something broke, or with `strict` capacity was lost, 3 nobody knows, else 0."""
        if self.broken or (strict and any(one.lost for one in self.capacity)):
            return 1
        return 3 if self.undecided or self.unread else 0

    @property
    def report(self) -> Report:
        """What is new alone, as a report of ``check``, for the formats that are made of one."""
        findings = tuple(one.finding for one in (*self.broken, *self.undecided))
        return Report(self.version, self.solver, findings, (), (), self.seconds, self.notes)

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be read, a line each."""
        return tuple(f"{self.after} {self.variant}: {name} cannot be read any more: {why}" for name, why in self.unread.items())


@dataclass(frozen=True)
class Patch:
    """A step of a series, and what it does.

    Attributes:
        name: a commit's short name, or the number of a mail.
        subject: its first line.
        comparisons: with the step before, for each architecture, variant and config for which a helper or constant changed.
        alike: the architectures, variants and configs that were read again, and where nothing changed in meaning.
    """

    name: str
    subject: str
    comparisons: tuple[Comparison, ...] = ()
    alike: tuple[str, ...] = ()

    def status(self, strict: bool = False) -> int:
        """As of a comparison."""
        found = {one.status(strict) for one in self.comparisons}
        return 1 if 1 in found else max(found, default=0)


@dataclass(frozen=True)
class History:
    """A series of patches, step by step.

    Attributes:
        version, solver: who says so.
        tree: the kernel tree.
        base: what the series is on top of.
        scopes: the architectures, variants and configs that were looked at.
        patches: the steps.
        seconds: what it took.
    """

    version: str
    solver: str
    tree: str
    base: str
    scopes: tuple[str, ...]
    patches: tuple[Patch, ...]
    seconds: float = 0.0

    def first(self, strict: bool = False) -> Patch | None:
        """The first patch that breaks a claim, or with `strict` loses capacity."""
        return next((one for one in self.patches if one.status(strict) == 1), None)

    def status(self, strict: bool = False) -> int:
        """The exit status of a gate."""
        found = {one.status(strict) for one in self.patches}
        return 1 if 1 in found else max(found, default=0)

    @property
    def report(self) -> Report:
        """What is new alone, of every patch, as a report of ``check``."""
        every = [one for patch in self.patches for one in patch.comparisons]
        findings = tuple(finding for one in every for finding in one.report.findings)
        return Report(self.version, self.solver, findings, (), (), self.seconds, tuple(note for one in every for note in one.notes))
