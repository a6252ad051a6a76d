"""Where a layout keeps type, offset and flags of a non-present entry: found by running its codec, so that a lifted one can be asked too."""

from __future__ import annotations

from dataclasses import dataclass

from bitspec.expr import const
from bitspec.fields import LayoutError
from bitspec.layout import Kernel
from bitspec.read.as_int import evaluate
from bitspec.vocabulary import HELPERS, Level
from proofs.claim import Scene
from proofs.fit.packing import Packing, positions, positions_of, spans
from proofs.states import offset_bits, swap_flags

TYPE_BITS = 5
"""MAX_SWAPFILES_SHIFT: include/linux/swap.h."""


@dataclass(frozen=True)
class Codec:
    """A codec as it is.

    Attributes:
        constant: the entry of type 0 and offset 0, without flags.
        places: the bits of ``type``, ``offset`` and each flag.
        inverted: the offset is stored inverted.
    """

    constant: int
    places: Packing
    inverted: bool

    @property
    def mask(self) -> int:
        """Every bit that is not constant."""
        return sum(1 << place for places in self.places.values() for place in positions(places))


def existing(k: Kernel) -> Codec | None:
    """The codec of this level, or None where it has none.

    Raises LayoutError for one whose fields share bits or depend on each other: there is nothing to be said of its bits one by one.
    """
    assert k.level is not None
    if f"__swp_entry_to_{k.level}" not in HELPERS or not k.has(f"__swp_entry_to_{k.level}", "__swp_entry"):
        return None

    def encoded(swap_type: int, offset: int) -> int:
        return evaluate(k.helper(f"__swp_entry_to_{k.level}")(k.helper("__swp_entry")(swap_type, offset)), {})

    width = offset_bits(k.layout)
    empty = encoded(0, 0)
    masks = {"type": encoded((1 << TYPE_BITS) - 1, 0) ^ empty, "offset": encoded(0, (1 << width) - 1) ^ empty}
    inverted = bool(empty & masks["offset"])
    for flag in swap_flags(k):
        mask = evaluate(k.helper(f"swp_mk{flag}")(const(empty, k.use.width)), {}) ^ empty
        if mask:  # include/linux/pgtable.h has stand-ins that mark nothing
            masks[flag] = mask
    if sum(mask.bit_count() for mask in masks.values()) != sum(masks.values()).bit_count() or masks["offset"].bit_count() != width:
        raise LayoutError(f"{k.layout.name} {k.level}: type, offset and flags of a swap entry must have bits of their own")
    constant = empty & ~sum(masks.values())
    return Codec(constant, {name: spans(positions_of(mask)) for name, mask in masks.items()}, inverted)


def sharing(scene: Scene) -> tuple[Scene, ...]:
    """The levels whose swap entries change with this one's: it, and for pte every level that stores what ``__swp_entry()`` makes as it is."""
    found = [scene]
    if scene.level is Level.PTE and Level.PMD in scene.layout.uses:
        other = Scene(scene.layout, Level.PMD)
        ours, theirs = existing(scene.k), existing(other.k)
        if ours is not None and theirs is not None and all(ours.places[name] == theirs.places[name] for name in ("type", "offset")):
            found.append(other)
    return tuple(found)
