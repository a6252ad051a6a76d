"""Sets of bit patterns, closed under the kernel's setters, and their shortest description.

A mapped entry is a frame number and a pattern of attribute bits.  The patterns are finite and small in number, so they are found by running the
helpers on ints until nothing new comes: exact, and without a solver.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

State = TypeVar("State")


class Unbounded(ValueError):
    """There is more to be reached than anybody can look at."""


def closure(start: Iterable[State], steps: Callable[[State], Iterable[State]], most: int | None = None) -> frozenset[State]:
    """Everything reachable from `start` by `steps`.  Raises Unbounded for more than `most`."""
    found = set(start)
    queue = list(found)
    while queue:
        for fresh in steps(queue.pop()):
            if fresh not in found:
                found.add(fresh)
                queue.append(fresh)
        if most is not None and len(found) > most:
            raise Unbounded
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Patterns:
    """A set of bit patterns as a product: any of `cores`, with any subset of the `free` bits added.

    Attributes:
        cores: patterns of the bits that depend on each other, sorted.
        free: a mask of the bits that are independent of all others; 0 in every core.
        checked: a mask of the bits a core fixes.
    """

    cores: tuple[int, ...]
    free: int
    checked: int

    @staticmethod
    def of(patterns: frozenset[int]) -> Patterns:
        """The set `patterns`, with every bit factored out that the set is closed under flipping."""
        spread = 0
        least = ~0
        for one in patterns:
            spread |= one
            least &= one
        free = 0
        mask = spread & ~least
        while mask:
            bit = mask & -mask
            mask ^= bit
            if all(one ^ bit in patterns for one in patterns):
                free |= bit
        return Patterns(tuple(sorted({one & ~free for one in patterns})), free, ~free)

    def __len__(self) -> int:
        return len(self.cores) << self.free.bit_count()
