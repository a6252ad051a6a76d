"""What claims are asked about: states, setters, flags, pairs of states."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from bitspec.expr import Expr
from bitspec.layout import Absent
from bitspec.vocabulary import LEAVES, NON_PRESENT, Level
from proofs.claim import Scene
from proofs.leaves import SETTERS
from proofs.preconditions import Given
from proofs.state import Lacking, State
from proofs.states import settled, swap_flags

StateSubject: TypeAlias = State | Lacking


def rows(*names: str) -> Callable[[Scene], Iterator[StateSubject]]:
    """The states with these names, in table order; those the level cannot have are left out, those the layout has not are Lacking."""

    def subjects(scene: Scene) -> Iterator[StateSubject]:
        return (one for name, one in scene.states.items() if name in names)

    return subjects


mapped_leaves = rows("leaf", "leaf-old", "leaf-devmap")
settled_leaves = rows("leaf", "leaf-old", "leaf-devmap", "leaf-protnone", "leaf-devmap-protnone")
leaves = rows(*LEAVES)
non_present = rows(*NON_PRESENT)
migrations = rows("migration-read", "migration-read-exclusive", "migration-write")


@dataclass(frozen=True)
class Aspect:
    """A subject that is a state, and something about it; a claim's inputs and preconditions are the state's.

    Attributes:
        state: the state.
    """

    state: State

    @property
    def name(self) -> str:
        """As in reports: the state's name, where nothing is added to it."""
        return self.state.name

    @property
    def entry(self) -> Expr:
        """The state's entry."""
        return self.state.entry

    @property
    def given(self) -> tuple[Given, ...]:
        """What may be assumed of the state's inputs."""
        return self.state.given

    @property
    def variables(self) -> tuple[Expr, ...]:
        """The state's inputs."""
        return self.state.variables


@dataclass(frozen=True)
class Setter(Aspect):
    """A helper that changes one attribute, on one kind of leaf.

    Attributes:
        helper: its full name, with the kind of leaf where that is not the accessible one.
        stem: its name without the level.
    """

    helper: str
    stem: str

    @property
    def name(self) -> str:
        """The helper's name."""
        return self.helper


def setters(*stems: str) -> Callable[[Scene], Iterator[Setter | Lacking]]:
    """The setters with these stems, each on every kind of leaf it is applied to: ``pte_mkdirty``, ``pte_mkdirty(leaf-protnone)``.

    Only an accessible leaf is made writable, or devmap.
    """

    def subjects(scene: Scene) -> Iterator[Setter | Lacking]:
        for stem in stems:
            name = scene.k.name(stem)
            try:
                scene.k.helper(stem)
                for state in settled(scene.layout, scene.level):
                    if state.name == "mapped":
                        yield Setter(state, name, stem)
                    elif stem in SETTERS or (state.name == "leaf-devmap" and stem != "mkdevmap"):
                        yield Setter(state, f"{name}({state.name})", stem)
            except Absent as reason:
                yield Lacking(name, str(reason))

    return subjects


@dataclass(frozen=True)
class Flagged(Aspect):
    """A non-present state, every subset of its flags included, and one of the software flags it can carry.

    Attributes:
        flag: exclusive, soft_dirty or uffd_wp.
    """

    flag: str

    @property
    def name(self) -> str:
        """``swap+soft_dirty``."""
        return f"{self.state.name}+{self.flag}"


def flagged(scene: Scene) -> Iterator[Flagged | StateSubject | Lacking]:
    """Every non-present state with each flag it can carry; the flags the layout lacks are not applicable once, for swap entries."""
    carried = swap_flags(scene.k)
    for one in non_present(scene):
        if isinstance(one, Lacking):
            yield one
            continue
        for flag in ("exclusive", "soft_dirty", "uffd_wp"):
            if flag in carried:
                if any(spare.name == flag for spare in one.inputs):
                    yield Flagged(one, flag)
            elif one.name == "swap" and not (flag == "exclusive" and scene.level is not Level.PTE):
                yield Lacking(f"{one.name}+{flag}", _why(scene, f"swp_mk{flag}"))


def _why(scene: Scene, stem: str) -> str:
    try:
        scene.k.helper(stem)
    except Absent as reason:
        return str(reason)
    return f"{scene.k.name(stem)} does not exist in {scene.layout.name}"


@dataclass(frozen=True)
class Pair:
    """Two states that must not share an entry."""

    left: State
    right: State

    @property
    def name(self) -> str:
        """``none/swap``."""
        return f"{self.left.name}/{self.right.name}"

    @property
    def entry(self) -> Expr:
        """The left state's entry; a witness has it in both."""
        return self.left.entry

    @property
    def given(self) -> tuple[Given, ...]:
        """What may be assumed of both."""
        return self.left.given + self.right.given

    @property
    def variables(self) -> tuple[Expr, ...]:
        """The inputs of both."""
        return self.left.variables + self.right.variables


def pairs(chosen: Callable[[Scene], Iterable[StateSubject]], others: Callable[[Scene], Iterable[StateSubject]]) -> Callable[[Scene], Iterator[Pair]]:
    """Every pair of existing states of different groups, the first from `chosen` and the second later in table order and from `others`."""

    def subjects(scene: Scene) -> Iterator[Pair]:
        order = list(scene.states)
        right = [one.apart("_other") for one in others(scene) if isinstance(one, State)]
        for left in chosen(scene):
            for other in right:
                if isinstance(left, State) and left.about.group != other.about.group and order.index(left.name) < order.index(other.name):
                    yield Pair(left, other)

    return subjects


@dataclass(frozen=True)
class Thing:
    """A subject that is only a name: the codec, a view, a level."""

    name: str
