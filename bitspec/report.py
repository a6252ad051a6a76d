"""What a run found, as plain data: the one thing every output format renders.

A report names no claim's function and no solver; renderers need nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from bitspec.picture import Picture


@dataclass(frozen=True)
class Place:
    """A definition: a helper's name and where it was read."""

    name: str
    where: str
    cite: str


@dataclass(frozen=True)
class Account:
    """A refutation told in full.

    Attributes:
        claim: what does not hold, in the kernel's words.
        places: the definitions that clash.
        predicates: what every predicate of the level says of the entry.
        hardware: what the hardware does with it, per access; or why it is not asked.
        pictures: the entry under each view that may read it.
        rests: the symbols of a kernel tree it rests on, of which nothing is known, and what is left out because of them.
    """

    claim: str
    places: tuple[Place, ...]
    predicates: Mapping[str, bool]
    hardware: Mapping[str, str]
    pictures: tuple[Picture, ...] = ()
    rests: tuple[str, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """A counterexample.

    Attributes:
        entry: the entry's value.
        width: in bits.
        unique: whether it is the only entry that refutes the claim.
        inputs: the free inputs, by name.
        tell: works out the account; not every format asks for it.
        replayed: what an emulated machine made of the entry, or why none was asked; None without ``--replay``.
    """

    entry: int
    width: int
    unique: bool
    inputs: Mapping[str, int]
    tell: Callable[[], Account] = field(compare=False, repr=False)
    replayed: str | None = None

    @cached_property
    def account(self) -> Account:
        """What there is to tell of it."""
        return self.tell()

    @property
    def text(self) -> str:
        """The entry in hexadecimal, all digits."""
        return f"{self.entry:#0{self.width // 4 + 2}x}"


@dataclass(frozen=True)
class Finding:
    """One result.  The first seven attributes are its key."""

    code: str
    subject: str
    arch: str
    layout: str
    variant: str
    config: str
    level: str
    name: str
    source: str
    provenance: str
    verdict: str
    given: tuple[str, ...]
    reason: str | None
    known: Mapping[str, object] | None
    evidence: Evidence | None
    summary: str
    ms: float

    @property
    def key(self) -> tuple[str, ...]:
        """What tells this result from every other, in this run and in the next."""
        return (self.code, self.subject, self.arch, self.layout, self.variant, self.config, self.level)

    @property
    def scope(self) -> str:
        """The level of the layout it is about; the default config goes without saying."""
        variant = f" {self.variant}" if self.variant else ""
        config = f" {self.config}" if self.config != "default" else ""
        return f"{self.arch}@{self.layout}{variant}{config} {self.level}"

    @property
    def standing(self) -> str:
        """The verdict; a known refutation is told apart from one that is new."""
        return "known" if self.verdict == "refuted" and self.known else self.verdict

    @property
    def claim(self) -> str:
        """What is claimed; of a refuted claim, the part that does not hold."""
        return self.summary if self.evidence is None else self.evidence.account.claim

    @property
    def places(self) -> tuple[Place, ...]:
        """The definitions that clash."""
        return () if self.evidence is None else self.evidence.account.places

    @property
    def where(self) -> str:
        """Where to look first: the last definition involved, or the claim's layout."""
        return self.places[0].where if self.places else f"archs/{self.arch}"


@dataclass(frozen=True)
class Cell:
    """A cell of a truth table.

    Attributes:
        promise: what is promised; nothing is a dot.
        verdict: what became of it: a verdict, "not asked", or "promised" where none was.
        known: whether it is a known refutation.
        key: of the result it shows; none where there is no result.
    """

    promise: str
    verdict: str
    known: bool = False
    key: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """The truth table of one level.

    Attributes:
        title: architecture, layout, variant, level.
        columns: the predicates and the hardware's reaction.
        rows: state name and cells.
        notes: states that do not exist, with the reason.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stale:
    """A known refutation that is none any more."""

    code: str
    subject: str
    where: str
    reason: str


@dataclass(frozen=True)
class Report:
    """Everything a run of ``check`` found."""

    version: str
    solver: str
    findings: tuple[Finding, ...]
    tables: tuple[Table, ...]
    stale: tuple[Stale, ...]
    seconds: float
    notes: tuple[str, ...] = ()
    statistics: Mapping[str, float] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        """Findings by verdict; known refutations are counted apart from others."""
        result = dict.fromkeys(("proved", "refuted", "known", "unknown", "not-applicable"), 0)
        for one in self.findings:
            result[one.standing] += 1
        return result

    @property
    def status(self) -> int:
        """The exit status: 1 something refuted or stale, 3 inconclusive, else 0."""
        counts = self.counts()
        if counts["refuted"] or self.stale:
            return 1
        return 3 if counts["unknown"] else 0
