"""What ``show``, ``decode`` and ``free`` tell, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bitspec.fields import Owner
from bitspec.picture import Picture
from bitspec.report import Table


@dataclass(frozen=True)
class Shown:
    """One level of a layout.

    Attributes:
        title: architecture, layout, variant, level, the manual's name for the entry.
        pictures: the bits of each kind of entry.
        table: the promised truth table.
        notes: approximations and sources.
    """

    title: str
    pictures: tuple[Picture, ...]
    table: Table
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Member:
    """A state a value is in, and the inputs that build it."""

    state: str
    meaning: str
    inputs: Mapping[str, int]


@dataclass(frozen=True)
class Decoded:
    """One raw value.

    Attributes:
        title: architecture, layout, variant, level.
        entry: the value in hexadecimal.
        members: the states it is in.
        nearest: when it is in none: the nearest state, its nearest member, and the bits that differ.
        pictures: the value under each view.
        predicates: what the kernel's predicates say.
        hardware: what the hardware does, per access.
        swap: swap type and offset as the kernel would read them, or empty.
    """

    title: str
    entry: str
    members: tuple[Member, ...]
    nearest: tuple[str, str, str] | None
    pictures: tuple[Picture, ...]
    predicates: Mapping[str, bool]
    hardware: Mapping[str, str]
    swap: Mapping[str, int]


@dataclass(frozen=True)
class Span:
    """Neighbouring bits with the same owner in every kind of entry.

    Attributes:
        where: in the manual's numbering.
        low: the lowest bit, LSB 0.
        width: how many bits.
        owners: per kind of entry, the owner and the field's name.
    """

    where: str
    low: int
    width: int
    owners: tuple[tuple[Owner, str], ...]


@dataclass(frozen=True)
class Owners:
    """Whose each bit is.

    Attributes:
        title: architecture, layout, variant, level.
        kinds: the kinds of entry, in column order.
        spans: from the most significant bit down.
        free: per kind, how many bits nobody uses, and where.
        overlays: per kind of entry that is not valid, the bits that are free there and are used in a mapped one, with who uses them.
    """

    title: str
    kinds: tuple[str, ...]
    spans: tuple[Span, ...]
    free: Mapping[str, tuple[int, str]]
    overlays: Mapping[str, str]
