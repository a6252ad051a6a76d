"""How much the swap entries of a layout can name: types, and how large a swap area."""

from __future__ import annotations

from typing import Final

from bitspec.layout import Layout
from bitspec.read.as_int import evaluate
from bitspec.vocabulary import Level
from proofs.states import offset_bits, probed_offset

_UNITS: Final = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB")
_TYPES: Final = 1 << 5
"""Swap types of mm/, whatever they are used for: include/linux/swap.h, MAX_SWAPFILES_SHIFT."""


def swap_types(layout: Layout, level: Level = Level.PTE) -> int:
    """How many of the 2^5 swap types come back from an entry of the level, with the smallest and with the largest offset.

    It is a count of values; that no offset loses a type is the claim swap-type-truncated.  Raises Absent where entries of the level cannot be written.
    """
    k = layout.at(level)
    encode, write, decode = k.helper("__swp_entry"), k.helper(f"__swp_entry_to_{level}"), k.helper("__swp_type")

    def kept(kind: int, offset: int) -> bool:
        return evaluate(decode(k.to_swp_entry(write(encode(kind, offset)))), {}) == kind

    largest = probed_offset(layout, level)
    return sum(kept(kind, 0) and kept(kind, largest) for kind in range(_TYPES))


def swap_bits(layout: Layout) -> int:
    """The base-2 logarithm of the largest swap area in bytes: a page for each offset."""
    return offset_bits(layout) + layout.numbers["PAGE_SHIFT"]


def binary_size(bits: int) -> str:
    """2^bits bytes, in binary units."""
    step = min(bits // 10, len(_UNITS) - 1)
    return f"{1 << (bits - 10 * step)} {_UNITS[step]}"
