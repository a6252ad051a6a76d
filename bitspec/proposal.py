"""Proposals: a layout as changes to another one, in a TOML file that people write and ``fit`` writes too.

The file is text from anywhere.  It is read into plain, immutable data here; :mod:`bitspec.proposed` makes a layout of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import tomli_w

from bitspec.expr import ExprError
from bitspec.section import Section, TextError, line_of, toml, written
from bitspec.vocabulary import Level, VocabularyError, level, signature
from bitspec.written import parse

BYTES: Final = 1 << 20
MOVED, NEW, REMOVED = "moved", "new", "removed"
ENTRIES: Final = ("present", "table", "leaf", "invalid", "swap")


@dataclass(frozen=True)
class Base:
    """What a proposal changes.

    Attributes:
        arch, release: the layout, written ``ARCH@RELEASE``; the newest release without the second half.
        variant: the hardware variant; None is the architecture's first.
        config: the kernel options assumed.
        level: the level the fields are at, where they do not say; None is every level that has them.
    """

    arch: str
    release: str | None
    variant: str | None = None
    config: str = "default"
    level: Level | None = None


@dataclass(frozen=True)
class FieldChange:
    """A field that moves, is new or goes.

    Attributes:
        name: the kernel's.
        status: ``moved``, ``new`` or ``removed``.
        entries: the kinds of entry it is about (``present`` is leaf and invalid; of a field there is, table too); none given is all that have it.
        levels: the levels; none given is the base's, or all that have it.
        bits: its place in the manual's numbering, the most significant piece first.
        mask: its place as a mask; with `bits`, both must agree.
        was: where it was, to be compared with the base.
        inverted: it holds the complement of its value; None leaves that as it is.
        extra: no helper knows it yet: it may be set in any such entry.
        owner: ``software``, or ``hardware`` for a bit of the hardware's that the kernel begins to use as it is.
        meaning: one line.
        line: where the file has it, if that is known.
    """

    name: str
    status: str
    entries: tuple[str, ...] = ()
    levels: tuple[Level, ...] = ()
    bits: str | None = None
    mask: int | None = None
    was: str | None = None
    inverted: bool | None = None
    extra: bool = False
    owner: str = "software"
    meaning: str = ""
    line: int | None = None


@dataclass(frozen=True)
class HelperChange:
    """A helper with a new body.

    Attributes:
        name: the kernel's.
        params: names for its arguments in `expression`; where none are given, they are arg0, arg1, ...
        expression: its body, as :mod:`bitspec.written` reads it.
        status: ``new`` or ``changed``, to be compared with the base; None is either.
        line: where the file has it, if that is known.
    """

    name: str
    params: tuple[str, ...]
    expression: str
    status: str | None = None
    line: int | None = None


@dataclass(frozen=True)
class Proposal:
    """A layout as changes to a base.

    Attributes:
        where: the file, for what is said of it.
        base: what it changes.
        fields, helpers: the changes.
        asked: what it answers or is for, in words.
    """

    where: str
    base: Base
    fields: tuple[FieldChange, ...] = ()
    helpers: tuple[HelperChange, ...] = ()
    asked: str = ""

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return Path(self.where).stem

    def error(self, what: str, line: int | None, about: str = "") -> TextError:
        """What is wrong, with the place."""
        return TextError(f"{self.where}{f':{line}' if line else ''}: {f'{about}: ' if about else ''}{what}")


def load(path: Path) -> Proposal:
    """The proposal in a file.  Raises TextError, OSError."""
    return read(written(path, BYTES, "a proposal"), str(path))


def read(text: str, where: str) -> Proposal:
    """The proposal a text is.  Raises TextError."""
    file = Section(toml(text, where, "a proposal"), where, None, "the file")
    base = _base(Section(file.table("base"), where, line_of(text, "[base]", 0, 1), "base"))
    fields, helpers = (file.tables(name) for name in ("field", "helper"))
    made = Proposal(
        where,
        base,
        tuple(_field(Section(one, where, line_of(text, "[[field]]", n, len(fields)), "field")) for n, one in enumerate(fields)),
        tuple(_helper(Section(one, where, line_of(text, "[[helper]]", n, len(helpers)), "helper")) for n, one in enumerate(helpers)),
        file.text("asked") or "",
    )
    file.done()
    names = [one.name for one in made.helpers]
    for one in made.helpers:
        if names.count(one.name) > 1:
            raise made.error("it must be given once", one.line, f"helper {one.name}")
    return made


def _base(section: Section) -> Base:
    arch, at, release = section.needed("layout").partition("@")
    if at and not release:
        raise section.error("a layout must follow the @")
    name = section.text("level")
    made = Base(arch, release or None, section.text("variant"), section.text("config") or "default", _level(section, name) if name else None)
    section.done()
    return made


def _level(section: Section, name: str) -> Level:
    try:
        return level(name)
    except VocabularyError as error:
        raise section.error(str(error)) from None


def _field(section: Section) -> FieldChange:
    name = section.needed("name")
    if not name.isidentifier():
        raise section.error(f"a name must be an identifier, not {name[:40]!r}")
    status = section.one_of("status", (MOVED, NEW, REMOVED)) or MOVED
    entries = section.words("entry")
    for one in entries:
        if one not in ENTRIES:
            raise section.error(f"entry must be of {', '.join(ENTRIES)}, not {one[:40]!r}")
    levels = tuple(_level(section, one) for one in section.words("level"))
    bits, mask = section.text("bits"), section.text("mask")
    number = None
    if mask is not None:
        try:
            number = int(mask, 16)
        except ValueError:
            raise section.error(f"mask must be hexadecimal, not {mask[:40]!r}") from None
    made = FieldChange(
        name, status, entries, levels, bits, number, section.text("was"), section.flag("inverted"), bool(section.flag("extra")),
        section.one_of("owner", ("software", "hardware")) or "software", section.text("meaning") or "", section.line,
    )  # fmt: skip
    section.done()
    if status == REMOVED and (bits or mask):
        raise section.error("a field that is removed must not have bits")
    if status != REMOVED and not bits and not mask:
        raise section.error("it must have bits, as the manual numbers them, or a mask")
    if status == NEW and not entries:
        raise section.error(f"a new field must say in which entry it is: {', '.join(ENTRIES)}")
    if status != NEW and (made.extra or made.owner != "software"):
        raise section.error("extra and owner are for new fields")
    return made


def _helper(section: Section) -> HelperChange:
    name = section.needed("name")
    try:
        wanted = signature(name)
        expression = section.needed("expression")
        parse(expression)
    except (VocabularyError, ExprError) as error:
        raise section.error(str(error)) from None
    params = section.words("params") or tuple(f"arg{index}" for index in range(len(wanted.params)))
    if len(params) != len(wanted.params) or len(set(params)) != len(params) or not all(one.isidentifier() for one in params):
        raise section.error(f"params must be {len(wanted.params)} different names")
    made = HelperChange(name, params, expression, section.one_of("status", (NEW, "changed")), section.line)
    section.done()
    return made


def write(one: Proposal) -> str:
    """The text of a proposal, which :func:`read` reads back."""
    base = one.base
    data: dict[str, Any] = {
        **({"asked": one.asked} if one.asked else {}),
        "base": {
            "layout": f"{base.arch}@{base.release}" if base.release else base.arch,
            **({"variant": base.variant} if base.variant else {}),
            "config": base.config,
            **({"level": base.level.value} if base.level else {}),
        },
        **({"field": [_written_field(each) for each in one.fields]} if one.fields else {}),
        **({"helper": [_written_helper(each) for each in one.helpers]} if one.helpers else {}),
    }
    return tomli_w.dumps(data)


def _written_helper(one: HelperChange) -> dict[str, Any]:
    params = one.params[0] if len(one.params) == 1 else list(one.params)
    return {"name": one.name, **({"status": one.status} if one.status else {}), **({"params": params} if params else {}), "expression": one.expression}


def _written_field(one: FieldChange) -> dict[str, Any]:
    some = {"entry": one.entries, "level": tuple(each.value for each in one.levels)}
    return {
        "name": one.name,
        **{key: values[0] if len(values) == 1 else list(values) for key, values in some.items() if values},
        **({"mask": f"{one.mask:#x}"} if one.mask is not None else {}),
        **({"bits": one.bits} if one.bits else {}),
        "status": one.status,
        **({"was": one.was} if one.was else {}),
        **({"inverted": one.inverted} if one.inverted is not None else {}),
        **({"extra": True} if one.extra else {}),
        **({"owner": one.owner} if one.owner != "software" else {}),
        **({"meaning": one.meaning} if one.meaning else {}),
    }
