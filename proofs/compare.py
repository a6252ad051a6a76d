"""Two layouts of one architecture side by side: which helpers, fields, capacities and verdicts are not the same."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import bitspec
from bitspec import compared as plain
from bitspec.fields import LayoutError
from bitspec.layout import Absent, Layout
from bitspec.proposed import moves
from bitspec.read.as_c import c_text
from bitspec.read.as_int import evaluate
from bitspec.solver import Solver, Unknown, version
from bitspec.vocabulary import HELPERS, Level
from proofs.capacity import binary_size, swap_bits
from proofs.check import Checker, InternalError, Result, Verdict
from proofs.equality import difference
from proofs.known import Known, find
from proofs.places import moved
from proofs.report import finding
from proofs.states import migration_keeps_age, offset_bits

_Key: TypeAlias = tuple[str, str, Level]


@dataclass(frozen=True)
class Side:
    """A layout, and what to call it.

    Attributes:
        layout: the layout.
        proposal: the name of the proposal or patch it was made by, or empty.
        lifted: whether its helpers are a kernel tree's own.
        tree: what to call that tree; empty where the release says enough.
    """

    layout: Layout
    proposal: str = ""
    lifted: bool = False
    tree: str = ""

    @property
    def source(self) -> str:
        """Where its helpers come from, as reports have it."""
        return "lifted" if self.lifted else "proposal" if self.proposal else "declared"

    @property
    def release(self) -> str:
        """The release or the tree, and the proposal with a plus."""
        if self.tree:
            return self.tree
        return f"{self.layout.release}+{self.proposal}" if self.proposal else self.layout.release

    @property
    def name(self) -> str:
        """``ARCH@RELEASE+PROPOSAL``."""
        return f"{self.layout.arch}@{self.release}"


@dataclass
class Judge:
    """The verdicts of layouts of one architecture, each worked out once.

    Attributes:
        known: the architecture's reviewed refutations.
        timeout: seconds for a single query, or None.
    """

    known: Sequence[Known]
    timeout: float | None = None
    _seen: list[tuple[Layout, Mapping[_Key, Result]]] = field(default_factory=list, repr=False)

    def of(self, layout: Layout) -> Mapping[_Key, Result]:
        """Every claim about a layout."""
        found = next((verdicts for one, verdicts in self._seen if one is layout), None)
        if found is None:
            found = {(one.code, one.subject, one.level): one for one in Checker(self.known, self.timeout).check(layout, Level)}
            self._seen = [*self._seen[-1:], (layout, found)]  # a series looks back one step
        return found


def compare(before: Side, after: Side, judge: Judge, everything: bool = True, unread: Mapping[str, str] | None = None) -> plain.Comparison:
    """What changes from one to the other.

    Args:
        before, after: layouts of one architecture.
        judge: of that architecture.
        everything: the helpers too.
        unread: helpers of the later one that could be read before and cannot now, with the reason.

    Raises LayoutError where the two have nothing in common.
    """
    start = time.perf_counter()
    old, new = before.layout, after.layout
    if old.arch != new.arch:
        raise LayoutError(f"two layouts must be of one architecture to be compared, not of {old.arch} and {new.arch}")
    known, timeout = judge.known, judge.timeout
    was, now = judge.of(old), judge.of(new)
    found: dict[str, list[plain.Turn]] = {"broken": [], "reviewed": [], "fixed": [], "undecided": [], "others": []}
    standing = agreed = 0
    for key in dict.fromkeys((*was, *now)):
        one, other = was.get(key), now.get(key)
        kind = _kind(one, other, known)
        if kind == "broken" and not after.proposal and other is not None and other.known is not None:
            kind = "reviewed"  # a proposal, nobody has reviewed
        standing += kind == "standing"
        agreed += kind in ("standing", "agreed")
        if kind in found:
            found[kind].append(_turn(kind, before, after, one, other))
    return plain.Comparison(
        version=bitspec.__version__,
        solver=version(),
        before=before.name,
        after=after.name,
        variant=old.hardware.variant if old.hardware.variant == new.hardware.variant else f"{old.hardware.variant}, {new.hardware.variant}",
        config=new.config.name,
        capacity=tuple(_capacity(old, new)),
        standing=standing,
        agreed=agreed,
        fields=moved(old, new) if after.lifted else moves(old, new),
        helpers=tuple(pairs(old, new, timeout)) if everything else (),
        unread=dict(unread or {}),
        seconds=time.perf_counter() - start,
        **{kind: tuple(turns) for kind, turns in found.items()},
    )


# Claims


def _kind(one: Result | None, other: Result | None, known: Iterable[Known]) -> str:
    """Which of the groups of a comparison a claim is in."""
    was, now = (result.verdict if result is not None else None for result in (one, other))
    if now is Verdict.UNKNOWN or (now is Verdict.REFUTED and was is Verdict.UNKNOWN):
        return "undecided"
    if now is Verdict.REFUTED:
        return "standing" if was is Verdict.REFUTED and not _worse(one, other, known) else "broken"
    if was is now:
        return "agreed"
    return "fixed" if was is Verdict.REFUTED and now is Verdict.PROVED else "others"


def _worse(one: Result | None, other: Result | None, known: Iterable[Known]) -> bool:
    """Of a claim made of parts, more fail than the reviewed entry names, which was the whole truth before."""
    if one is None or other is None or one.known is None or other.known is not None:
        return False
    return find(known, other.layout, other.level.value, other.code, other.subject) is not None


def _turn(kind: str, before: Side, after: Side, one: Result | None, other: Result | None) -> plain.Turn:
    said = [str(result.verdict) if result is not None else "not asked" for result in (one, other)]
    later = other is not None and (other.verdict is Verdict.REFUTED or one is None or one.verdict is not Verdict.REFUTED)
    side, result = (after, other) if later else (before, one)
    assert result is not None
    told = finding(result)
    named = replace(told, layout=side.release, source=side.source, known=None)
    if kind == "undecided" and result.verdict is Verdict.REFUTED:
        assert named.evidence is not None
        named = replace(named, verdict="unknown", reason=f"refuted by {named.evidence.text}, and unknown before", evidence=None)
    return plain.Turn(said[0], said[1], named, result.known.kind if kind == "reviewed" and result.known is not None else "")


# Helpers


def pairs(old: Layout, new: Layout, timeout: float | None = None) -> Iterator[plain.Pair]:
    """Every helper that one of the two has."""
    solver = Solver(timeout)
    for name in HELPERS:
        if old.has(name) or new.has(name):
            yield _pair(old, new, name, solver)


def _pair(old: Layout, new: Layout, name: str, solver: Solver) -> plain.Pair:
    try:
        before = old.helper(name)
    except Absent:
        return plain.Pair(name, "added")
    try:
        after = new.helper(name)
    except Absent as reason:
        return plain.Pair(name, "removed", str(reason))
    widths = [[*(param.width for param in one.params), one.body.width] for one in (before, after)]
    if widths[0] != widths[1]:
        return plain.Pair(name, "unknown", f"an entry has {widths[0][0]} bits before and {widths[1][0]} after")
    if before.body is after.body and before.params == after.params:
        return plain.Pair(name, "equal")
    was = before(*after.params)
    try:
        witness = difference(solver, was, after.body, after.params)
    except Unknown as reason:
        return plain.Pair(name, "unknown", str(reason))
    if witness is None:
        return plain.Pair(name, "equal")
    values = dict(witness.inputs)
    results = [evaluate(body, values) for body in (was, after.body)]
    if results[0] == results[1]:
        raise InternalError(f"{name}: the readings disagree: {values} is a difference for z3 and none as ints")
    inputs = {str(param.attr): value for param, value in values.items()}
    return plain.Pair(name, "differs", "", inputs, results[0], results[1], (c_text(was), c_text(after.body)))


# Capacity


def _capacity(old: Layout, new: Layout) -> Iterator[plain.Figure]:
    offsets = [offset_bits(one) for one in (old, new)]
    sizes = [swap_bits(one) for one in (old, new)]
    frames = [one.pfn_bits for one in (old, new)]
    ages = [int(migration_keeps_age(one)) for one in (old, new)]
    yield plain.Figure("swap offset bits", offsets[0], offsets[1], (str(offsets[0]), str(offsets[1])))
    yield plain.Figure("maximum swap size", 1 << sizes[0], 1 << sizes[1], (binary_size(sizes[0]), binary_size(sizes[1])))
    yield plain.Figure("PFN bits", frames[0], frames[1], (str(frames[0]), str(frames[1])))
    words = ("no", "yes")
    yield plain.Figure("migration entries keep young and dirty", ages[0], ages[1], (words[ages[0]], words[ages[1]]))
