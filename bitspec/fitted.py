"""What ``fit`` found, as plain data: the one thing its output formats render."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bitspec.picture import Picture
from bitspec.proposal import Proposal
from bitspec.report import Table


@dataclass(frozen=True)
class Placement:
    """A field of an answer.

    Attributes:
        name: as that kernel names it, or would.
        where: ``present`` or ``swap``: the kind of entry it is in.
        bits: in the manual's numbering.
        mask: of the entry.
        status: ``new``, ``moved``, ``kept``.
        was: the bits of a moved field before.
        inverted: it holds the complement of its value.
        note: what else there is to say of it: what it shares its bits with.
    """

    name: str
    where: str
    bits: str
    mask: int
    status: str
    was: str | None = None
    inverted: bool = False
    note: str = ""


@dataclass(frozen=True)
class Change:
    """A helper that changes, or is new.

    Attributes:
        name: the kernel's.
        status: ``new`` or ``changed``.
        text: in C, as one function.
        expression: its body, in the constructor syntax of :mod:`bitspec.expr`.
        params: the names of its arguments in `expression`.
        narrowed: for a predicate that was narrowed, by what, in words.
    """

    name: str
    status: str
    text: str
    expression: str
    params: tuple[str, ...]
    narrowed: str | None = None


@dataclass(frozen=True)
class Answer:
    """A layout that fits.

    Attributes:
        title: architecture, base, variant, level.
        placements: every field of the entries that change.
        changes: the helpers that change.
        kept: the predicates that stay as they are, by name.
        sought: those that change: narrowed, or because a field of theirs moves.
        marker: what tells a swap entry, in words.
        pictures: the entries before and after.
        table: the truth table of the level, proved.
        said: what predicates nothing is promised of say of swap entries.
        cost: bits and bytes, before and after.
        counts: the claims asked, by verdict.
        proposal: the whole answer, as changes to the layout that was asked about.
    """

    title: str
    placements: tuple[Placement, ...]
    changes: tuple[Change, ...]
    kept: tuple[str, ...]
    sought: tuple[str, ...]
    marker: str
    pictures: tuple[Picture, ...]
    table: Table | None
    said: Mapping[str, str]
    cost: Mapping[str, tuple[str, str]]
    counts: Mapping[str, int]
    proposal: Proposal


@dataclass(frozen=True)
class Relaxed:
    """A smaller wish that can be met.

    Attributes:
        words: what is given up.
        placements: the fields of the answer there is then that are new or moved.
    """

    words: str
    placements: tuple[Placement, ...]


@dataclass(frozen=True)
class Outcome:
    """What became of a question.

    Attributes:
        version, solver: who says so.
        arch, layout, variant, config, level, provenance: what was asked about.
        width: of an entry, in bits.
        asked: the question, as the command line has it.
        answers: layouts that fit, the preferred first.
        infeasible: requirements that cannot hold together; empty where something fits, or nobody knows.
        relaxations: smaller wishes that can be met.
        unknown: why nobody knows, or None.
        seconds: what it took.
        statistics: figures for ``--stats``.
    """

    version: str
    solver: str
    arch: str
    layout: str
    variant: str
    config: str
    level: str
    provenance: str
    width: int
    asked: str
    answers: tuple[Answer, ...]
    infeasible: tuple[str, ...] = ()
    relaxations: tuple[Relaxed, ...] = ()
    unknown: str | None = None
    seconds: float = 0.0
    statistics: Mapping[str, float] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """The exit status: 0 something fits, 1 nothing does, 3 nobody knows."""
        if self.answers:
            return 0
        return 3 if self.unknown is not None else 1
