"""How large the swap area is that the entries of a layout can name."""

from __future__ import annotations

from typing import Final

from bitspec.layout import Layout
from proofs.states import offset_bits

_UNITS: Final = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB")


def swap_bits(layout: Layout) -> int:
    """The base-2 logarithm of the largest swap area in bytes: a page for each offset."""
    return offset_bits(layout) + layout.numbers["PAGE_SHIFT"]


def binary_size(bits: int) -> str:
    """2^bits bytes, in binary units."""
    step = min(bits // 10, len(_UNITS) - 1)
    return f"{1 << (bits - 10 * step)} {_UNITS[step]}"
