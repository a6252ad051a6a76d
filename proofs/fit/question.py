"""What ``fit`` is asked: a layout, the fields it needs, and what may move for them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bitspec.fields import LayoutError, Numbering
from bitspec.layout import Layout
from bitspec.vocabulary import HELPERS, Level, VocabularyError
from proofs.claim import Scene, select
from proofs.fit.packing import Spans, spans
from proofs.report import numbering_of

SWAP, PRESENT = "swap", "present"

#: The flags the kernel's helpers know, and the states they can be in.
FLAGS: Final[Mapping[str, tuple[str, ...]]] = {"exclusive": (SWAP,), "soft_dirty": (PRESENT, SWAP), "uffd_wp": (PRESENT, SWAP)}

#: What is said of a field that an answer adds.
MEANINGS: Final[Mapping[str, str]] = {
    "type": "swap type",
    "offset": "swap offset",
    "present": "mapped",
    "exclusive": "anonymous page, exclusive",
    "soft_dirty": "written since soft-dirty was cleared",
    "uffd_wp": "write-protected for userfaultfd",
}

_NEED: Final = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_-]*)(?::(?P<width>max|[0-9]+))?(?:@(?P<where>present|swap|both))?\Z")
_PIN: Final = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_-]*(?:@(?:present|swap))?)=(?P<bits>.+)\Z")


@dataclass(frozen=True, slots=True)
class Need:
    """A field that is wanted.

    Attributes:
        name: ``type``, ``offset``, ``present``, a flag the kernel knows, or any other software flag.
        where: ``swap`` or ``present``: in which entries.
        width: in bits; for the offset, at least so many.
        text: as it was asked.
    """

    name: str
    where: str
    width: int
    text: str

    @property
    def key(self) -> str:
        """Name and place."""
        return f"{self.name}@{self.where}"


@dataclass(frozen=True)
class Question:
    """A question to :func:`proofs.fit.search.fit`.

    Attributes:
        layout, level: what it is about.
        needs: the fields that are wanted.
        keep: predicates that must stay as they are, by name.
        move: what may move: field names, ``type``, ``offset``, flags, ``swap`` for all of a swap entry, ``software`` for all software fields of a present one.
        pins: the bits a field must have, by ``name`` or ``name@where``; ``mark`` pins bits that are 1 in every swap entry.
        maximise: the field that is to be as wide as can be, before anything else counts.
        mend: claims of which an answer must have no refutation, known or not.
    """

    layout: Layout
    level: Level
    needs: tuple[Need, ...]
    keep: frozenset[str] = frozenset()
    move: frozenset[str] = frozenset()
    pins: Mapping[str, Spans] = field(default_factory=dict)
    maximise: str | None = None
    mend: frozenset[str] = frozenset()

    @property
    def scene(self) -> Scene:
        """The level."""
        return Scene(self.layout, self.level)

    def wanted(self, where: str) -> tuple[Need, ...]:
        """The needs in one kind of entry."""
        return tuple(one for one in self.needs if one.where == where)

    def at(self, name: str, where: str) -> Spans | None:
        """Where a field is pinned, or None."""
        return self.pins.get(f"{name}@{where}") or self.pins.get(name)


def needs(texts: Iterable[str], layout: Layout) -> tuple[Need, ...]:
    """Needs as the command line has them: ``type:5``, ``offset:max``, ``pfn``, ``migration-ad``, ``uffd_wp@swap``, ``mine:2@present``.

    Raises VocabularyError for one that cannot be read.
    """
    found: dict[str, Need] = {}
    for text in texts:
        for one in _need(text, layout):
            before = found.get(one.key)
            if before is not None and one.name != "offset":
                raise VocabularyError(f"a need must be given once, not as {before.text!r} and {one.text!r}")
            found[one.key] = one if before is None or one.width > before.width else before
    return tuple(found.values())


def _need(text: str, layout: Layout) -> Iterable[Need]:
    match = _NEED.match(text)
    if match is None:
        raise VocabularyError(f"a need must be NAME, NAME:WIDTH or NAME:WIDTH@present|swap|both, not {text!r}")
    name, width, where = match["name"], match["width"], match["where"]
    least = 1 if width in (None, "max") else int(width)
    if least < 1:
        raise VocabularyError(f"a need must be at least 1 bit wide, not {text!r}")
    if name in ("pfn", "migration-ad"):
        name, least = "offset", layout.pfn_bits + (2 if name == "migration-ad" else 0)
    elif name == "type" and width is None:
        least = 5
    elif width == "max" and name != "offset":
        raise VocabularyError(f"only the offset can be as wide as there is room for ({text!r}); --maximise makes another field so")
    if name in ("type", "offset"):
        if where not in (None, SWAP):
            raise VocabularyError(f"{name} must be in a swap entry, not {text!r}")
        return (Need(name, SWAP, least, text),)
    if name == "present":
        if where is not None or least != 1:
            raise VocabularyError(f"present must be one bit, of the present entries, not {text!r}")
        return (Need(name, PRESENT, 1, text),)
    possible = FLAGS.get(name, (PRESENT, SWAP))
    if name in FLAGS and least != 1:
        raise VocabularyError(f"{name} must be one bit wide, not {text!r}")
    chosen = possible if where in (None, "both") else (where,)
    if not set(chosen) <= set(possible):
        raise VocabularyError(f"{name} must be in a {' or '.join(possible)} entry, not {text!r}")
    return tuple(Need(name, one, least, text) for one in chosen)


def pins(texts: Iterable[str], width: int, numbering: Numbering) -> dict[str, Spans]:
    """Pins as the command line has them: ``type=53:57``, ``type=52,54:57`` in the manual's numbering, or a mask, ``type=0x3c0``.

    Raises VocabularyError for one that cannot be read, or that lies outside the entry.
    """
    found: dict[str, Spans] = {}
    for text in texts:
        match = _PIN.match(text)
        if match is None:
            raise VocabularyError(f"a pin must be NAME=BITS, not {text!r}")
        found[match["name"]] = bits(match["bits"], width, numbering)
    return found


def bits(text: str, width: int, numbering: Numbering) -> Spans:
    """Bits as text: ``58``, ``53:57``, ``52,54:57`` in the manual's numbering, or a mask in hexadecimal.  Raises VocabularyError."""
    try:
        if text.lower().startswith("0x"):
            mask = int(text, 16)
            chosen = [place for place in range(mask.bit_length()) if mask >> place & 1]
        else:
            chosen = []
            for part in text.split(","):
                first, _, last = part.partition(":")
                ends = sorted(numbering.position(int(one), width) for one in (first, last or first))
                chosen += range(ends[0], ends[1] + 1)
    except ValueError:
        raise VocabularyError(f"bits must be like 58, 53:57 or 0x3c0, not {text!r}") from None
    if not chosen or min(chosen) < 0 or max(chosen) >= width:
        raise VocabularyError(f"bits must lie inside the {width} of an entry, not {text!r}")
    if len(set(chosen)) != len(chosen):
        raise VocabularyError(f"bits must be named once, not {text!r}")
    return spans(chosen)


def ask(
    layout: Layout,
    level: Level,
    need: Sequence[str] = (),
    keep: Sequence[str] = (),
    move: Sequence[str] = (),
    pin: Sequence[str] = (),
    maximise: str | None = None,
    mend: Sequence[str] = (),
) -> Question:
    """A question as the command line has it.  Raises VocabularyError or LayoutError for one that makes no sense, Absent for a level that is folded."""
    scene = Scene(layout, level)
    width = scene.k.use.width
    places = pins(pin, width, numbering_of(scene))
    question = Question(layout, level, needs(need, layout), frozenset(keep), frozenset(move), places, maximise, select(mend))
    _check(question)
    return question


def _check(question: Question) -> None:
    """Raises VocabularyError or LayoutError with what does not make sense."""
    k = question.layout.at(question.level)
    fields = {one.name for use in question.layout.uses.values() for view in use.views.values() for one in view}
    known = {*(one.name for one in question.needs), *(one.key for one in question.needs), "mark", *fields, "type", "offset", *FLAGS}
    for name in question.pins:
        if name not in known:
            raise VocabularyError(f"a pin must be of something needed, of a field, or of mark, not of {name!r}")
    for name in question.keep:
        if name not in fields and not k.layout.has(name):
            raise VocabularyError(f"--keep must name a field or a helper of {question.layout.name} {question.level}, not {name!r}")
    for name in question.move:
        if name not in {*fields, "swap", "software", "type", "offset", *FLAGS}:
            raise VocabularyError(f"--move must name a field, type, offset, a flag, swap or software, not {name!r}")
        one = k.use.field(name)
        if one is not None and one.owner.value != "software":
            raise LayoutError(f"{name} is a hardware bit ({question.layout.hardware.manual}) and must stay where it is")
    if question.maximise is not None and question.maximise not in {*(one.name for one in question.needs), "type", "offset"}:
        raise VocabularyError(f"--maximise must name something needed, type or offset, not {question.maximise!r}")
    if question.wanted(SWAP) and f"__swp_entry_to_{question.level}" not in HELPERS:
        raise VocabularyError(f"the kernel writes no swap entries at {question.level}")
    if not question.needs and not question.move and not question.pins:
        raise VocabularyError("there must be something to fit: --need NAME, --move NAME or --pin NAME=BITS")
