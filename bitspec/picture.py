"""Bit pictures: an entry as rows of bits, a letter per field, in the manual's numbering."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from string import ascii_letters

from bitspec.fields import Field, Numbering, Owner, View

_GROUP = 4
_ROW = 64


@dataclass(frozen=True)
class Legend:
    """A field of a picture.

    Attributes:
        letter: what stands for its bits.
        name: the field's name.
        where: its bits, in the manual's numbering.
        owner: whose they are.
        meaning: one line.
        value: its value in the entry shown, or None.
    """

    letter: str
    name: str
    where: str
    owner: Owner
    meaning: str
    value: int | None = None


@dataclass(frozen=True)
class Picture:
    """An entry, or a kind of entry, drawn.

    Attributes:
        title: what is shown.
        lines: ruler, bits and letters; at most 79 columns for 64 bits.
        legend: the fields.
    """

    title: str
    lines: tuple[str, ...]
    legend: tuple[Legend, ...]


def draw(title: str, view: View, entry: int | None = None, numbering: Numbering | None = None) -> Picture:
    """The picture of `view`; with an `entry`, its bits, and a legend of the fields that have any.

    Args:
        numbering: of a manual other than the view's own.
    """
    letters = _letters(view.fields)
    numbers = numbering or view.numbering
    marks = []
    for position in reversed(range(view.width)):
        owner = view.owner(position)
        marks.append("." if owner is None or owner.owner in (Owner.IGNORED, Owner.FREE) else letters[owner.name])
    lines: list[str] = []
    for start in range(0, view.width, _ROW):
        places = range(view.width - 1 - start, max(view.width - 1 - start - _ROW, -1), -1)
        lines.append(_ruler(places, view.width, numbers))
        if entry is not None:
            lines.append(_grouped([str(entry >> place & 1) for place in places]))
        lines.append(_grouped(marks[start : start + _ROW]))
    shown = [one for one in view.fields if entry is None or entry & one.mask]
    shown.sort(key=lambda one: -max(high for high, _ in one.spans))
    legend = tuple(
        Legend(
            "." if one.owner is Owner.IGNORED else letters[one.name],
            one.name,
            one.where(view.width, numbers),
            one.owner,
            one.meaning,
            None if entry is None else value_of(one, entry),
        )
        for one in shown
    )
    return Picture(title, tuple(lines), legend)


def value_of(field: Field, entry: int) -> int:
    """The field's value in a concrete entry."""
    result = 0
    for high, low in field.spans:
        result = result << (high - low + 1) | entry >> low & ((1 << (high - low + 1)) - 1)
    return result ^ ((1 << field.width) - 1) if field.inverted else result


def _letters(fields: Sequence[Field]) -> dict[str, str]:
    """A letter per field: the first of its own letters that is still free, else any."""
    taken: dict[str, str] = {}
    for one in fields:
        core = one.name.lstrip("_").removeprefix("PAGE_").removeprefix("SWP_").removeprefix("PTE_").removeprefix("SEGMENT_ENTRY_")
        wanted = [letter for letter in core if letter.isalpha()]
        candidates = [*wanted, *(letter.swapcase() for letter in wanted), *ascii_letters, *"#$%&*+@^"]
        taken[one.name] = next((letter for letter in candidates if letter not in taken.values()), "?")
    return taken


def _grouped(cells: Sequence[str]) -> str:
    return " ".join("".join(cells[index : index + _GROUP]) for index in range(0, len(cells), _GROUP))


def _ruler(places: Iterable[int], width: int, numbering: Numbering) -> str:
    """Bit numbers over the first bit of every second group."""
    result = ""
    for index, place in enumerate(places):
        if index % (2 * _GROUP) == 0:
            column = index + index // _GROUP
            result = result.ljust(column) + str(numbering.position(place, width))
    return result
