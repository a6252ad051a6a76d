"""The layout itself (LAY8xx): fields against fields, fields against the hardware, classes of states against each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bitspec.expr import Expr, const, eq, ne
from bitspec.fields import Field, Owner, View
from bitspec.layout import Absent, Kernel
from bitspec.vocabulary import LEAVES, NON_PRESENT
from proofs.claim import Goal, Scene, claim
from proofs.state import Lacking, State
from proofs.subjects import Pair, pairs, rows


@dataclass(frozen=True)
class Seen:
    """A kernel's view of an entry, beside the hardware's.

    Attributes:
        name: the view's.
        kernel: the kernel's fields.
        hardware: what the hardware does with the same kind of entry, or None where it has none.
        why: why not, if so.
    """

    name: str
    kernel: View
    hardware: View | None
    why: str


def _views(scene: Scene) -> Iterator[Seen]:
    facts = scene.layout.hardware
    walked = facts.no_walk is None and scene.level in facts.levels
    for name, view in scene.k.use.views.items():
        theirs = facts.levels[scene.level].views if walked else {}
        other = theirs.get("invalid" if name == "swap" else name)
        why = facts.no_walk or f"the hardware has no {name} entry at {scene.level} in variant {facts.variant}"
        yield Seen(name, view, other, why)


@claim("fields-overlap", "LAY801", about=_views)
def fields_overlap(k: Kernel, s: Seen) -> Goal:
    """Every field lies inside the entry, and no two fields of one view share a bit.

    Why it matters: two meanings on one bit cannot both be kept.

    Example: an exclusive flag at 7 and an offset from 7.

    References: systemrdl-compiler's and every register generator's first check.
    """
    shared = 0
    seen = 0
    for one in s.kernel:
        shared |= seen & one.mask
        seen |= one.mask
    outside = seen >> s.kernel.width
    return Goal(const(int(not shared and not outside), 1), (), const(shared & ((1 << s.kernel.width) - 1), s.kernel.width))


@claim("software-on-hardware-bit", "LAY802", about=_views)
def software_on_hardware_bit(k: Kernel, s: Seen) -> Goal:
    """A software field stands only on bits that the hardware ignores in such an entry.

    Why it matters: the hardware would act on the kernel's mark, or fault on it, or come to use it.

    Example: a software flag of a present entry on a reserved bit.

    References: each architecture's manual, named with its hardware facts.
    """
    if s.hardware is None:
        raise Absent(s.why)
    taken = 0
    for one in s.kernel:
        if one.owner is Owner.SOFTWARE:
            taken |= one.mask & _acted_on(s.hardware)
    return Goal(const(int(not taken), 1), (), const(taken, s.kernel.width))


def _acted_on(view: View) -> int:
    owners = (Owner.HARDWARE, Owner.RESERVED)
    return sum(one.mask for one in view if one.owner in owners)


def owner(view: View | None, hardware: View | None, position: int) -> tuple[Owner, Field | None]:
    """Who has the bit at `position`: the hardware where it acts on it, else the kernel's field there, else nobody."""
    theirs = hardware.owner(position) if hardware is not None else None
    if theirs is not None and theirs.owner in (Owner.HARDWARE, Owner.RESERVED):
        return theirs.owner, theirs
    ours = view.owner(position) if view is not None else None
    if ours is not None:
        return ours.owner, ours
    return Owner.FREE, theirs


def _mappings(scene: Scene) -> Iterator[State | Lacking]:
    """Everything but a non-present entry with content."""
    return rows("none", "table", *LEAVES)(scene)


def _everything(scene: Scene) -> Iterator[State | Lacking]:
    return rows("table", *LEAVES, *NON_PRESENT)(scene)


@claim("classes-overlap", "LAY803", about=pairs(_mappings, _everything))
def classes_overlap(k: Kernel, s: Pair) -> Expr:
    """No entry is in two classes: none, table, present leaf (all its forms), and each kind of non-present entry.

    Overlaps inside the class of present leaves are allowed: an invalidated prot-none leaf may equal a prot-none leaf.

    Why it matters: no predicate can tell apart what is the same value.

    Example: a migration PMD whose type and offset spell a prot-none leaf.

    References: DESIGN, Semantics: states.
    """
    return ne(s.left.entry, s.right.entry)


@dataclass(frozen=True)
class Bit:
    """One view's coverage: every bit has an owner."""

    name: str
    view: View


def _covered(scene: Scene) -> Iterator[Bit]:
    facts = scene.hardware
    for name, view in facts.views.items():
        yield Bit(name, view)


@claim("bit-without-owner", "LAY805", about=_covered)
def bit_without_owner(k: Kernel, s: Bit) -> Goal:
    """The hardware description says of every bit whose it is: hardware, reserved, or ignored.

    Why it matters: a bit nobody described is a bit a proposal would call free.

    Example: a manual's "reserved" left out of the table.

    References: each architecture's manual, named with its hardware facts.
    """
    gap = ((1 << s.view.width) - 1) & ~sum(one.mask for one in s.view)
    return Goal(eq(const(gap, s.view.width), 0), (), const(gap, s.view.width))
