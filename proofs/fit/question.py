"""What ``fit`` is asked: a layout, the fields it needs, and what may move for them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bitspec.fields import Field, LayoutError, Numbering, Owner
from bitspec.layout import Layout
from bitspec.vocabulary import HELPERS, Level, VocabularyError
from proofs.claim import Scene, select
from proofs.fit.codec import existing
from proofs.fit.packing import Spans, positions, positions_of, spans
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
        keep: what must stay as it is: helpers, by name; fields of present entries, by the kernel's name; ``type``, ``offset`` and flags of a swap entry.
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

    def fresh(self) -> tuple[Need, ...]:
        """The needs of present entries that the layout does not meet as it is."""
        k = self.layout.at(self.level)
        return tuple(one for one in self.wanted(PRESENT) if not (one.name in FLAGS and k.has(one.name, f"mk{one.name}")))


def needs(texts: Iterable[str], layout: Layout) -> tuple[Need, ...]:
    """Needs as the command line has them: ``type:5``, ``offset:max``, ``pfn``, ``migration-ad``, ``uffd_wp@swap``, ``mine:2@present``.

    Raises VocabularyError for one that cannot be read.
    """
    found: dict[str, Need] = {}
    for text in texts:
        for one in _need(text, layout):
            key = one.key.upper().replace("-", "_")  # as its macro will be called
            before = found.get(key)
            if before is not None and one.name != "offset":
                raise VocabularyError(f"a need must be given once, not as {before.text!r} and {one.text!r}")
            found[key] = one if before is None or one.width > before.width else before
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
    if name == "offset":
        least = max(least, 2)  # slot 0 is a swap area's header, and the largest offset may be the empty entry
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
            chosen = list(positions_of(int(text, 16)))
        else:
            chosen = []
            for part in text.split(","):
                first, _, last = part.partition(":")
                ends = sorted(numbering.position(int(one), width) for one in (first, last or first))
                chosen += range(max(ends[0], -1), min(ends[1], width) + 1)  # one outside is as wrong as many
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
    names = _codec_names(scene)
    places = {names.get(name, name): bits for name, bits in pins(pin, width, numbering_of(scene)).items()}
    kept, moved = (frozenset(names.get(name, name) for name in given) for given in (keep, move))
    question = Question(layout, level, needs(need, layout), kept, moved, places, maximise, select(mend))
    _check(question)
    return question


def software(layout: Layout, level: Level) -> dict[str, Field]:
    """The software fields of a level's present entries, by name."""
    views = [view for name, view in layout.uses[level].views.items() if name in ("leaf", "invalid")]
    return {one.name: one for view in views for one in view if one.owner is Owner.SOFTWARE}


def _codec_names(scene: Scene) -> dict[str, str]:
    """What the kernel calls the fields of its swap entries, and what they are called here."""
    codec, view = existing(scene.k), scene.k.use.views.get("swap")
    if codec is None or view is None:
        return {}
    present = software(scene.layout, scene.level)
    theirs = [one for one in view if one.owner is Owner.SOFTWARE and one.name not in present]
    return {one.name: name for name, places in codec.places.items() for one in theirs if set(positions(one.spans)) & set(positions(places))}


def _check(question: Question) -> None:
    """Raises VocabularyError or LayoutError with what does not make sense."""
    layout = question.layout
    k = layout.at(question.level)
    hardware = {one.name for use in layout.uses.values() for view in use.views.values() for one in view if one.owner is not Owner.SOFTWARE}
    fields = {name for level in layout.uses for name in software(layout, level)}
    for name in {*question.pins, *question.move} & hardware - fields:
        raise LayoutError(f"{name} is a hardware bit ({layout.hardware.manual}) and must stay where it is")
    codec = existing(k)
    swapped = {*(codec.places if codec is not None else ()), *(one.name for one in question.wanted(SWAP))}
    there = {one.name for one in question.wanted(PRESENT)} - {one.name for one in question.fresh()}
    can_pin = {*fields, *swapped, *(f"{name}@{SWAP}" for name in swapped), *(("mark",) if swapped else ())}
    can_pin |= {text for one in question.fresh() for text in (one.name, one.key)}
    for name in question.pins:
        if name.removesuffix(f"@{PRESENT}") in there:
            raise VocabularyError(f"present entries have {name.removesuffix(f'@{PRESENT}')} already: pin NAME@{SWAP}, or the field by the kernel's name")
        if name not in can_pin:
            raise VocabularyError(f"a pin must be of something needed, of a software field, or of mark, not of {name!r}")
        if name.removesuffix(f"@{SWAP}") in question.keep:
            raise VocabularyError(f"{name} must be kept or pinned, not both")
    for name in question.keep:
        if name not in {*fields, *hardware, "type", "offset", *FLAGS} and not layout.has(name):
            raise VocabularyError(f"--keep must name a field or a helper of {layout.name} {question.level}, not {name!r}")
    for name in question.move:
        if name not in {*fields, "swap", "software", "type", "offset", *FLAGS}:
            raise VocabularyError(f"--move must name a field, type, offset, a flag, swap or software, not {name!r}")
    if question.maximise is not None and question.maximise not in {*(one.name for one in question.needs), "type", "offset"}:
        raise VocabularyError(f"--maximise must name something needed, type or offset, not {question.maximise!r}")
    if question.wanted(SWAP) and f"__swp_entry_to_{question.level}" not in HELPERS:
        raise VocabularyError(f"the kernel writes no swap entries at {question.level}")
    if not question.needs and not question.move and not question.pins:
        raise VocabularyError("there must be something to fit: --need NAME, --move NAME or --pin NAME=BITS")
