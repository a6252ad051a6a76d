"""Room: the bits a non-present entry has for its fields, once those are fixed that keep it from being taken for something else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bitspec.fields import Owner
from bitspec.read.as_known import known
from bitspec.solver import Solver
from bitspec.vocabulary import LEAVES
from proofs.claim import Scene
from proofs.fit.cube import Cube, Literal, apart, hitting
from proofs.fit.hazards import Hazard
from proofs.fit.packing import positions_of
from proofs.state import State


@dataclass
class Rooms:
    """Finds the cubes of entries that no hazard is among, and remembers what it has learned of each hazard.

    A cube that is proposed and meets a hazard teaches a clause: any cube must fix one of these bits.  The cubes that satisfy what is learned
    become better proposals, until one is safe or there is none left to propose.

    Attributes:
        solver: what the hazards are asked.
        learned: the clauses, by the hazard that taught them.
        cut: whether whoever asked has left some cubes, or plans made of them, aside.
    """

    solver: Solver = field(default_factory=Solver)
    learned: dict[Hazard, list[frozenset[Literal]]] = field(default_factory=dict)
    cut: bool = False

    def cubes(self, hazards: Sequence[Hazard], choices: Mapping[int, tuple[int, ...]], fixed: Cube, most: int) -> Iterator[Cube]:
        """Every safe cube without needless bits that fixes at most `most` of `choices` besides `fixed`; the smallest number first.  Raises Unknown."""
        safe: set[Cube] = set()
        while True:
            clauses = [clause for one in hazards for clause in self.learned.get(one, ())]
            for cube in hitting(clauses, choices, fixed, most):
                if cube not in safe:
                    if not self._safe(hazards, cube):
                        break  # something was learned: better proposals from the beginning
                    safe.add(cube)
                    yield cube
            else:
                return

    def _safe(self, hazards: Sequence[Hazard], cube: Cube) -> bool:
        for one in hazards:
            met = one.within(self.solver, cube)
            if met is not None:
                self.learned.setdefault(one, []).append(apart(met))
                return False
        return True

    def marker(self, hazards: Sequence[Hazard], cube: Cube) -> Cube:
        """The fewest bits of a safe cube that keep it apart from these hazards."""
        return next(self.cubes(hazards, {place: (bit,) for place, bit in cube.literals}, Cube(), len(cube.literals)))


def table_type(scene: Scene) -> Cube:
    """Bits by which the hardware tells which table an entry is in: one value in all of a level's entries, the empty one included, and another elsewhere.

    On s390 these are TT.  A swap entry keeps them: the kernel reads them off an entry without knowing its level.
    """
    mine = _constant(scene)
    others = [_constant(Scene(scene.layout, level)) for level in scene.layout.uses if level is not scene.level]
    found = Cube()
    for mask, value in mine.items():
        if any(mask in other and other[mask] != value for other in others):
            found = Cube(found.mask | mask, found.value | value)
    return found


def _constant(scene: Scene) -> dict[int, int]:
    """The kernel's names of hardware bits, as masks, that have one value in all of a level's entries but non-present ones."""
    if scene.layout.hardware.no_walk is not None:
        return {}
    states = [scene.states.get(name) for name in ("none", "table", *LEAVES)]
    entries = [known(one.entry) for one in states if isinstance(one, State)]
    width = scene.k.use.width
    zeros = ones = (1 << width) - 1
    for always_0, always_1 in entries:
        zeros, ones = zeros & always_0, ones & always_1
    masks = {one.mask for name, view in scene.k.use.views.items() if name in ("table", "leaf") for one in view if one.owner is Owner.HARDWARE}
    return {mask: ones & mask for mask in masks if mask & (zeros | ones) == mask}


def vacant(scene: Scene, *, tables: bool = False) -> tuple[int, ...]:
    """The bits of a present leaf that neither the hardware nor the kernel uses, the lowest first; with `tables`, of an entry that leads to a table too."""
    facts = scene.layout.hardware
    theirs = facts.levels[scene.level].views if facts.no_walk is None and scene.level in facts.levels else {}
    kinds = ("leaf", "table") if tables else ("leaf",)
    taken = 0
    for name in kinds:
        taken |= sum(one.mask for one in theirs[name] if one.owner in (Owner.HARDWARE, Owner.RESERVED)) if name in theirs else 0
    for name in (*kinds, "invalid"):
        taken |= sum(one.mask for one in scene.k.use.views[name] if one.owner is not Owner.IGNORED) if name in scene.k.use.views else 0
    for name in LEAVES:
        state = scene.states.get(name)
        if isinstance(state, State):
            never, _ = known(state.entry)
            taken |= ~never
    width = scene.k.use.width
    return tuple(place for place in range(width) if not taken >> place & 1)


def settled(scene: Scene) -> tuple[int, int]:
    """The bits that are 0, and those that are 1, in every leaf that is valid to the hardware."""
    states = [scene.states.get(name) for name in ("leaf", "leaf-old", "leaf-devmap")]
    zeros = ones = (1 << scene.k.use.width) - 1
    for one in states:
        if isinstance(one, State):
            always_0, always_1 = known(one.entry)
            zeros, ones = zeros & always_0, ones & always_1
    return zeros, ones


def overlays(scene: Scene, held: int) -> dict[int, int] | None:
    """The bits that can hold a mark of a present entry while it is not valid, and the value they have in every valid leaf; None without leaves.

    The hardware does not look at them while the entry is not valid, and in a valid leaf they are always the same, so that nothing is lost.

    Args:
        scene: the level.
        held: the bits of swap entries that do not move, which are none of them.
    """
    facts = scene.layout.hardware
    if not any(isinstance(scene.states.get(name), State) for name in ("leaf", "leaf-old")):
        return None
    if facts.no_walk is not None or scene.level not in facts.levels or "invalid" not in facts.levels[scene.level].views or "invalid" not in scene.k.use.views:
        return {}
    ignored = sum(one.mask for one in facts.levels[scene.level].views["invalid"] if one.owner is Owner.IGNORED)
    zeros, ones = settled(scene)
    mine = sum(one.mask for name, view in scene.k.use.views.items() if name in ("leaf", "invalid") for one in view if one.owner is Owner.SOFTWARE)
    wide = sum(one.mask for one in scene.k.use.views["invalid"] if one.width > 1)
    usable = ignored & (zeros | ones) & ~(mine | wide | held)
    return {place: ones >> place & 1 for place in positions_of(usable)}
