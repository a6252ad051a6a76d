"""Fields: who owns which bits of an entry, seen from the hardware or from a kernel.

A :class:`View` is one reading of an entry: the hardware's view of a leaf, a kernel's view of a swap entry.  Two fields of one view never overlap; the
same bits in two views are an overlay, and are sound only when no entry is in both, which is what the claims are about.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from functools import reduce
from operator import or_
from typing import Final, TypeAlias

from bitspec.expr import Expr, bits, concat, zext


class LayoutError(ValueError):
    """A specification that cannot be: fields that overlap, lie outside the entry, or name nothing."""


_BITS: Final = re.compile(r"[0-9]{1,4}(?::[0-9]{1,4})?(?:, *[0-9]{1,4}(?::[0-9]{1,4})?){0,63}\Z")


class Owner(Enum):
    """Who decides what a bit means."""

    HARDWARE = "hardware"
    SOFTWARE = "software"
    RESERVED = "reserved"  # must be zero: the hardware faults on a one, or may come to mean something by it
    IGNORED = "ignored"  # hardware does not look at it: software may use it
    FREE = "free"  # ignored by the hardware and unused by the kernel

    def __repr__(self) -> str:
        return f"Owner.{self.name}"


class Numbering(Enum):
    """How a manual counts bits."""

    LSB0 = "0 is the least significant bit"
    MSB0 = "0 is the most significant bit (s390, POWER)"

    def __repr__(self) -> str:
        return f"Numbering.{self.name}"

    def position(self, index: int, width: int) -> int:
        """A bit number of this numbering as LSB 0, or the other way round: the one place where numberings are converted."""
        return width - 1 - index if self is Numbering.MSB0 else index

    def text(self, high: int, low: int, width: int) -> str:
        """Bits `high` to `low` (LSB 0) as the manual would write them: ``58`` or ``63:59``."""
        first, last = self.position(high, width), self.position(low, width)
        return str(first) if high == low else f"{first}:{last}"

    def spans(self, text: str, width: int) -> tuple[tuple[int, int], ...]:
        """Bits as the manual would write them, ``63:59`` or ``12:5,2``, as the spans of a field; what :meth:`Field.where` writes is read back.

        Raises LayoutError for a text that is none, or bits outside the entry or named twice.
        """
        if not _BITS.match(text):
            raise LayoutError(f"bits must be like 58, 63:59 or 12:5,2, not {text!r}")
        found = []
        for piece in text.replace(" ", "").split(","):
            first, _, last = piece.partition(":")
            low, high = sorted(self.position(int(one), width) for one in (first, last or first))
            found.append((high, low))
        if any(low < 0 or high >= width for high, low in found):
            raise LayoutError(f"bits must lie inside the {width} of an entry, not {text!r}")
        if sum(high - low + 1 for high, low in found) != len({place for high, low in found for place in range(low, high + 1)}):
            raise LayoutError(f"bits must be named once, not {text!r}")
        return tuple(found)


#: A bit, a (first, last) pair, or several of either, in the numbering of the view and from the most significant end.
Place: TypeAlias = "int | tuple[int, int] | list[int | tuple[int, int]]"


@dataclass(frozen=True, slots=True)
class Field:
    """Named bits of an entry.

    Attributes:
        name: the manual's or the kernel's own.
        spans: (high, low) pairs in LSB 0, the most significant piece of the value first.  Several make a split or scattered field.
        owner: who decides what the bits mean.
        meaning: one line.
        inverted: the field holds the complement of its value (x86's swap offset).
    """

    name: str
    spans: tuple[tuple[int, int], ...]
    owner: Owner
    meaning: str = ""
    inverted: bool = False

    @property
    def mask(self) -> int:
        """The field's bits within the entry; what lies below bit 0 is not among them."""
        return sum((1 << max(high + 1, 0)) - 1 & -1 << max(low, 0) for high, low in self.spans)

    @property
    def width(self) -> int:
        """The number of bits the field has."""
        return sum(high - low + 1 for high, low in self.spans)

    @property
    def shift(self) -> int:
        """The lowest bit's position.  Raises LayoutError for a field in several pieces, which has no single one."""
        if len(self.spans) != 1:
            raise LayoutError(f"{self.name} must be in one piece to have a shift, not in {len(self.spans)}")
        return self.spans[0][1]

    def extract(self, entry: Expr) -> Expr:
        """The field's value in `entry`, `self.width` bits wide."""
        value = concat(*[bits(entry, high, low) for high, low in self.spans])
        return ~value if self.inverted else value

    def insert(self, value: Expr, width: int) -> Expr:
        """An entry `width` bits wide with only this field set, to the low bits of `value`; what does not fit is dropped."""
        if value.width > self.width:
            value = bits(value, self.width - 1, 0)
        value = zext(value, self.width)
        if self.inverted:
            value = ~value
        placed = []
        left = self.width
        for high, low in self.spans:
            size = high - low + 1
            piece = zext(bits(value, left - 1, left - size), width)
            placed.append(piece << low if low else piece)
            left -= size
        return reduce(or_, placed)

    def moved(self, by: int) -> Field:
        """The field with every bit moved up by `by` places (down if negative)."""
        return replace(self, spans=tuple((high + by, low + by) for high, low in self.spans))

    def where(self, width: int, numbering: Numbering = Numbering.LSB0) -> str:
        """The field's place as text: ``63:59``, or ``12:5,2`` for one in pieces."""
        return ",".join(numbering.text(high, low, width) for high, low in self.spans)


@dataclass(frozen=True)
class View:
    """Fields that are alive together.

    Attributes:
        name: what kind of entry it reads: table, leaf, invalid, swap.
        width: of the entry, in bits.
        fields: in any order, none overlapping.
        numbering: of the manual; the spans of the fields are LSB 0 all the same.
        source: where the facts come from.
    """

    name: str
    width: int
    fields: tuple[Field, ...]
    numbering: Numbering = Numbering.LSB0
    source: str = ""

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields)

    def __contains__(self, name: object) -> bool:
        return any(one.name == name for one in self.fields)

    def __getitem__(self, name: str) -> Field:
        for one in self.fields:
            if one.name == name:
                return one
        raise LayoutError(f"the {self.name} view must have a field {name!r} to use it; it has {', '.join(one.name for one in self.fields)}")

    def owner(self, position: int) -> Field | None:
        """The field that has the bit at `position` (LSB 0), or None."""
        return next((one for one in self.fields if one.mask >> position & 1), None)

    def faults(self) -> Iterator[str]:
        """What makes this view malformed, a sentence each."""
        masks = [one.mask for one in self.fields]
        for index, one in enumerate(self.fields):
            yield from self._outside(one)
            for other, mask in zip(self.fields[:index], masks, strict=False):
                if mask & masks[index]:
                    yield f"{self._at(one)} overlaps {self._at(other)} in the {self.name} view"
                if one.name == other.name:
                    yield f"{one.name} must be named once, not twice, in the {self.name} view"

    def _outside(self, one: Field) -> Iterator[str]:
        for high, low in one.spans:
            if not 0 <= low <= high < self.width:
                yield f"{one.name} at {high}:{low} must lie inside {self.width} bits of the {self.name} view"
        if one.mask.bit_count() != one.width:
            yield f"{one.name} must not overlap itself at {one.where(self.width)}"

    def _at(self, one: Field) -> str:
        return f"{one.name} at {','.join(f'{high}:{low}' for high, low in one.spans)}"

    def but(self, *fields: Field) -> View:
        """The same view with some fields replaced, by name.  It is not checked: that is the claims' business."""
        new = {one.name: one for one in fields}
        return replace(self, fields=tuple(new.get(one.name, one) for one in self.fields))


@dataclass(frozen=True, slots=True)
class Row:
    """A field as a specification writes it, in its manual's numbering; :func:`view` makes it a :class:`Field`."""

    name: str
    place: Place
    owner: Owner
    meaning: str = ""
    inverted: bool = False


def acts(name: str, place: Place, meaning: str = "") -> Row:
    """A bit the hardware acts on."""
    return Row(name, place, Owner.HARDWARE, meaning)


def reserved(name: str, place: Place, meaning: str = "must be zero") -> Row:
    """A bit that must be zero."""
    return Row(name, place, Owner.RESERVED, meaning)


def ignored(name: str, place: Place, meaning: str = "available to software") -> Row:
    """A bit the hardware does not look at."""
    return Row(name, place, Owner.IGNORED, meaning)


def software(name: str, place: Place, meaning: str = "", inverted: bool = False) -> Row:
    """A bit the kernel gives a meaning; `inverted` stores the value's complement."""
    return Row(name, place, Owner.SOFTWARE, meaning, inverted)


def view(name: str, *rows: Row, width: int = 64, numbering: Numbering = Numbering.LSB0, source: str = "") -> View:
    """A checked view.  Raises LayoutError with the first fault, naming the fields."""
    fields = tuple(Field(row.name, _spans(row.place, width, numbering), row.owner, row.meaning, row.inverted) for row in rows)
    made = View(name, width, fields, numbering, source)
    for fault in made.faults():
        raise LayoutError(fault)
    return made


def _spans(place: Place, width: int, numbering: Numbering) -> tuple[tuple[int, int], ...]:
    pieces = place if isinstance(place, list) else [place]
    found = []
    for piece in pieces:
        first, last = piece if isinstance(piece, tuple) else (piece, piece)
        found.append((numbering.position(first, width), numbering.position(last, width)))
    return tuple(found)
