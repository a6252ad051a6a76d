"""Which entries to ask about: structured ones, and random ones near them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations
from random import Random

from bitspec.hardware import HardwareLevel
from bitspec.mmu.machine import Slot


def bases(facts: HardwareLevel, slot: Slot) -> tuple[int, ...]:
    """Typical entries of a level, 0 and all ones among them."""
    ones = (1 << facts.width) - 1
    typical = (0, slot.good, slot.readonly, slot.invalid, slot.table, *slot.typical, ones)
    return tuple(dict.fromkeys(value for value in typical if value is not None))


def structured(facts: HardwareLevel, on: Iterable[int]) -> Iterator[int]:
    """On top of each entry of `on`: every bit and every pair of bits flipped, and every field at its bounds."""
    width = facts.width
    single = [1 << position for position in range(width)]
    flips = [0, *single, *(one | other for one, other in combinations(single, 2))]
    seen: set[int] = set()
    for base in on:
        for value in (*(base ^ flip for flip in flips), *_bounds(facts, base)):
            if value not in seen:
                seen.add(value)
                yield value


def _bounds(facts: HardwareLevel, base: int) -> Iterator[int]:
    for view in facts.views.values():
        for one in view:
            mask = one.mask
            lowest, highest = mask & -mask, 1 << mask.bit_length() - 1
            for bound in (0, lowest, highest, mask, mask ^ lowest, mask ^ highest):
                yield base & ~mask | bound


def random(facts: HardwareLevel, on: tuple[int, ...], count: int, seed: int) -> Iterator[int]:
    """`count` entries: evenly spread ones, sparse and dense ones, ones a few bits from an entry of `on`, and ones with a field drawn anew."""
    source = Random(seed)
    width = facts.width
    masks = [one.mask for view in facts.views.values() for one in view]
    for index in range(count):
        value = source.getrandbits(width)
        match index % 6:
            case 0:
                pass
            case 1:
                value &= source.getrandbits(width)
            case 2:
                value |= source.getrandbits(width)
            case 3:
                value = source.choice(on) ^ (1 << source.randrange(width) | 1 << source.randrange(width) | 1 << source.randrange(width))
            case _:
                mask = source.choice(masks) | source.choice(masks)
                value = source.choice(on) & ~mask | value & mask
        yield value
