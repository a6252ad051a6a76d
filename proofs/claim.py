"""Claims: what is asked, of what, and under which code.

A claim is a function from the kernel at one level and a *subject* (a state, a setter, a flag, ...) to an expression that must be 1 for every value::

    @claim("swap-entry-looks-present", "SWP405", about=non_present, column="present", expect=False)
    def swap_entry_looks_present(k: Kernel, s: State) -> Expr:
        '''A swap entry must not look present. ...'''
        return not_(k.present(s.entry))

Claims are found by looking into the modules of :mod:`proofs.families`; adding one is adding a function.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Final

from bitspec.expr import Expr
from bitspec.hardware import Access, HardwareLevel, Walk
from bitspec.layout import Absent, Kernel, Layout
from bitspec.vocabulary import Level, VocabularyError, unknown
from proofs.preconditions import Given, Precondition
from proofs.state import Lacking, State
from proofs.states import states

#: The headings of a claim's documentation, in order; the text before the first one says what the claim says.
HEADINGS: Final = ("Why it matters", "Precondition", "Example", "References")

#: The families of codes.
FAMILIES: Final[Mapping[str, str]] = {
    "PTE1": "attributes of a PTE",
    "PMD2": "attributes of a PMD",
    "PUD3": "attributes of a PUD",
    "SWP4": "swap entries",
    "MIG5": "migration entries",
    "LEAF6": "other non-present entries",
    "HTLB7": "huge pages of hugetlbfs",
    "LAY8": "the layout itself",
    "HW9": "what the hardware does",
}


@dataclass(frozen=True)
class Scene:
    """One level of a layout, with everything a claim may ask about."""

    layout: Layout
    level: Level
    walks: dict[Expr, dict[Access, Walk]] = field(default_factory=dict, compare=False, repr=False)
    """The MMU on entries that were asked about, kept for the next claim."""

    @cached_property
    def k(self) -> Kernel:
        """The kernel at this level.  Raises Absent where it is folded."""
        return self.layout.at(self.level)

    @cached_property
    def states(self) -> Mapping[str, State | Lacking]:
        """The states of this level, by name."""
        return states(self.layout, self.level)

    @property
    def hardware(self) -> HardwareLevel:
        """What the MMU does at this level.  Raises Absent where it does not walk these tables."""
        facts = self.layout.hardware
        if facts.no_walk is not None:
            raise Absent(facts.no_walk)
        return facts.level(self.level)

    def state(self, name: str) -> State:
        """The state called `name`.  Raises Absent where it does not exist."""
        found = self.states.get(name)
        if found is None:
            raise Absent(f"{self.level} has no state {name}")
        if isinstance(found, Lacking):
            raise Absent(found.reason)
        return found


@dataclass(frozen=True)
class Goal:
    """What has to be proved, with what may be assumed and whose entry a witness shows."""

    holds: Expr
    given: tuple[Given, ...] = ()
    entry: Expr | None = None
    variables: tuple[Expr, ...] = ()
    parts: tuple[tuple[str, Expr], ...] = ()
    """The conjuncts of `holds` by name, where a known refutation must say which of them fail."""


@dataclass(frozen=True)
class Claim:
    """A property.

    Attributes:
        name: the defect, so that "bitspec reports NAME" reads right.
        codes: the code at each level it is asked at.
        about: the subjects at a scene: anything with a name, and with the entry, given and variables a goal needs; a Lacking one is not applicable.
        statement: what must hold, as an expression or a Goal with preconditions of its own.
        column: the truth table's column it fills, or None.
        expect: what the cell promises: True, False, or a word for the hardware's reaction.
        doc: the documentation.
        where: file and line.
    """

    name: str
    codes: Mapping[Level, str]
    about: Callable[[Scene], Iterable[Any]]
    statement: Callable[..., Expr | Goal]
    column: str | None
    expect: bool | str | None
    doc: str = field(repr=False)
    where: str
    scene: bool = False

    def goal(self, scene: Scene, subject: Any) -> Goal:
        """The goal for one subject.  Raises Absent where something it needs does not exist."""
        made = self.statement(scene if self.scene else scene.k, subject)
        given, entry, inputs = getattr(subject, "given", ()), getattr(subject, "entry", None), getattr(subject, "variables", ())
        if not isinstance(made, Goal):
            return Goal(made, given, entry, inputs)
        return Goal(made.holds, made.given + given, entry if made.entry is None else made.entry, made.variables or inputs, made.parts)

    @cached_property
    def summary(self) -> str:
        """The first sentence of the documentation."""
        return self.sections[""].split("\n\n")[0].replace("\n", " ")

    @cached_property
    def sections(self) -> Mapping[str, str]:
        """The documentation by heading; "" is the text before the first."""
        parts = re.split(rf"^({'|'.join(HEADINGS)}):\s*", self.doc, flags=re.MULTILINE)
        return {"": parts[0].strip(), **{name: text.strip() for name, text in zip(parts[1::2], parts[2::2], strict=True)}}


def claim(
    name: str,
    *codes: str,
    about: Callable[[Scene], Iterable[Any]],
    column: str | None = None,
    expect: bool | str | None = None,
    scene: bool = False,
) -> Callable[[Callable[..., Expr | Goal]], Claim]:
    """Declare a claim.

    Args:
        name: the defect.
        codes: one code for every level it is asked at; the families PTE1, PMD2 and PUD3 belong to their level, other codes name theirs after a slash
            (``SWP405/pte,pmd``) and mean every level without one.
        about: the subjects.
        column, expect: the cell of the truth table it decides.
        scene: the function takes the Scene in place of the kernel.
    """

    def declare(statement: Callable[..., Expr | Goal]) -> Claim:
        where = f"{statement.__module__.replace('.', '/')}.py:{statement.__code__.co_firstlineno}"
        return Claim(name, _codes(codes), about, statement, column, expect, inspect.cleandoc(statement.__doc__ or ""), where, scene)

    return declare


_OWN_LEVEL: Final = {"PTE1": Level.PTE, "PMD2": Level.PMD, "PUD3": Level.PUD}


def _codes(codes: tuple[str, ...]) -> Mapping[Level, str]:
    found: dict[Level, str] = {}
    for text in codes:
        code, _, levels = text.partition("/")
        own = _OWN_LEVEL.get(code[:4])
        for level in [Level(one) for one in levels.split(",")] if levels else [own] if own else Level:
            found[level] = code
    return found


@cache
def claims() -> tuple[Claim, ...]:
    """Every claim there is, sorted by its first code."""
    import proofs.families as package

    found = []
    for module in iter_modules(package.__path__):
        names = vars(import_module(f"proofs.families.{module.name}"))
        found += [value for value in names.values() if isinstance(value, Claim)]
    unique = {id(one): one for one in found}.values()
    return tuple(sorted(unique, key=lambda one: min(one.codes.values())))


@cache
def by_code() -> Mapping[str, Claim]:
    """Every claim by each of its codes.  Raises VocabularyError where two claims share one."""
    found: dict[str, Claim] = {}
    for one in claims():
        for code in one.codes.values():
            if found.setdefault(code, one) is not one:
                raise VocabularyError(f"{code} must be one claim's code, not of both {one.name} and {found[code].name}")
    return dict(sorted(found.items(), key=lambda pair: code_order(pair[0])))


def code_order(code: str) -> tuple[int, str]:
    """Sorts codes by family number: PTE101 before PMD201 before SWP401."""
    digits = re.sub(r"\D", "", code)
    return int(digits or 0), code


def find(code: str) -> Claim:
    """The claim with this code or name.  Raises VocabularyError."""
    known = by_code()
    named = {one.name: one for one in claims()}
    found = known.get(code.upper()) or named.get(code)
    if found is None:
        raise VocabularyError(unknown("claim", code, (*known, *named)))
    return found


def select(patterns: Iterable[str]) -> frozenset[str]:
    """The codes that begin with one of `patterns`.  Raises VocabularyError for a pattern that selects none."""
    chosen: set[str] = set()
    for pattern in patterns:
        wanted = pattern.upper()
        matching = {code for code in by_code() if code.startswith(wanted)} or {code for code, one in by_code().items() if one.name == pattern}
        if not matching:
            raise VocabularyError(unknown("claim code", pattern, by_code()))
        chosen |= matching
    return frozenset(chosen)


def assumptions(one: Claim, layouts: Iterable[Layout]) -> tuple[Precondition, ...]:
    """The preconditions a claim is asked under, in any of `layouts`."""
    found: dict[Precondition, None] = {}
    for layout in layouts:
        for level in one.codes:
            if level not in layout.uses:  # folded: neither the kernel nor the hardware has anything to ask about
                continue
            scene = Scene(layout, level)
            try:
                for subject in one.about(scene):
                    if not isinstance(subject, Lacking):
                        found.update(dict.fromkeys(given.precondition for given in one.goal(scene, subject).given))
            except Absent:
                continue
    return tuple(found)
