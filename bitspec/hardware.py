"""What an MMU does with one entry: the facts of a manual, apart from any kernel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from bitspec.expr import FALSE, TRUE, Expr, ExprError, and_, const, ite, not_, var
from bitspec.fields import LayoutError, View
from bitspec.vocabulary import Level


class Access(Enum):
    """What the CPU wants of the mapped address, in user mode."""

    LOAD = "load"
    STORE = "store"
    FETCH = "fetch"


#: The outcomes of a walk, in the order in which reports list them.
OUTCOMES = ("invalid", "refused", "reserved", "table", "leaf")


@dataclass(frozen=True, slots=True)
class Walk:
    """The MMU on one entry.  Exactly one of the five outcomes is 1.

    Attributes:
        invalid: it faults on the entry alone, whatever the access.
        refused: the entry is valid, but its access flag or its permissions forbid this access.
        reserved: it faults on a reserved bit, or with a specification exception.
        table: it goes on to a lower table at `address`.
        leaf: it translates to the page frame `frame`.
        address: physical address of the lower table, meaningful where `table` is 1.
        frame: the number of the first base page of the frame, meaningful where `leaf` is 1.
    """

    invalid: Expr
    refused: Expr
    reserved: Expr
    table: Expr
    leaf: Expr
    address: Expr
    frame: Expr


def decide(*cases: tuple[str, Expr], otherwise: str, address: Expr | None = None, frame: Expr | None = None) -> Walk:
    """A walk from the manual's order of tests: the first case whose condition is 1 decides, else `otherwise`.

    Raises ExprError for an outcome that is none, or a table or leaf without where it leads.
    """
    result = dict.fromkeys(OUTCOMES, FALSE)
    before = TRUE
    for outcome, condition in (*cases, (otherwise, TRUE)):
        if outcome not in result:
            raise ExprError(f"an outcome must be one of {', '.join(OUTCOMES)}, not {outcome!r}")
        here = condition if before is TRUE else before if condition is TRUE else and_(before, condition)
        result[outcome] = here if result[outcome] is FALSE else result[outcome] | here
        before = not_(condition) if before is TRUE else and_(before, not_(condition))
    if (address is None and result["table"] is not FALSE) or (frame is None and result["leaf"] is not FALSE):
        raise ExprError("a walk that ends in a table or a leaf must say where it leads")
    return Walk(**result, address=const(0, 64) if address is None else address, frame=const(0, 64) if frame is None else frame)


@dataclass(frozen=True, slots=True)
class Update:
    """A write the MMU may make by itself.

    Attributes:
        name: the bits it writes, as the manual calls them.
        access: the access that makes it happen, or None for any.
        when: 1 for an entry it may happen to.
        result: the entry afterwards.
        source: where the manual says so.
    """

    name: str
    when: Callable[[Expr], Expr]
    result: Callable[[Expr], Expr]
    source: str
    access: Access | None = None

    def apply(self, entry: Expr) -> Expr:
        """The entry after the update, or unchanged where it cannot happen."""
        return ite(self.when(entry), self.result(entry), entry)


@dataclass(frozen=True, slots=True)
class Circumstance:
    """Something the MMU looks at besides the entry: a control-register bit, a CPU's address width.

    Attributes:
        name: as the manual calls it.
        width: in bits; 1 for on or off.
        meaning: one line, with what the kernel does about it.
        holds: what is known of its value, or None.
    """

    name: str
    width: int
    meaning: str
    holds: Callable[[Expr], Expr] | None = None

    @property
    def variable(self) -> Expr:
        """The circumstance as a free variable."""
        return var(self.name, self.width)


#: The context of a walk: a value per circumstance, by name.
Context: TypeAlias = Mapping[str, Expr]
Walker: TypeAlias = Callable[[Expr, Access, Context], Walk]


@dataclass(frozen=True)
class HardwareLevel:
    """One level of the hardware's tables.

    Attributes:
        level: its Linux name.
        name: the manual's name for an entry of it.
        views: the meaning of the bits of a ``table``, a ``leaf`` and an ``invalid`` entry; a level lacks the ones it cannot have.
        walk: what the MMU does.
        updates: what the MMU may write by itself.
    """

    level: Level
    name: str
    views: Mapping[str, View]
    walk: Walker
    updates: tuple[Update, ...] = ()

    @property
    def width(self) -> int:
        """The entry's width in bits."""
        return next(iter(self.views.values())).width


@dataclass(frozen=True)
class Hardware:
    """An architecture's MMU in one variant.

    Attributes:
        arch, variant: their names.
        manual: the document all section numbers refer to.
        levels: by Linux name; a folded level is missing.
        circumstances: what a walk depends on besides the entry.
        no_walk: why the MMU does not walk these tables at all, or None when it does.
        addressable: whether a physical address lies within the CPU's address width, for hardware where that varies; else None.
        speculated: for hardware with L1TF: the physical address it may load speculatively for an entry that is not present, and half of the
            physical address space, both 64 bits wide; else None.
        approximations: what the model leaves out, a sentence each.
    """

    arch: str
    variant: str
    manual: str
    levels: Mapping[Level, HardwareLevel]
    circumstances: tuple[Circumstance, ...] = ()
    no_walk: str | None = None
    addressable: Callable[[Expr, Context], Expr] | None = None
    speculated: Callable[[Expr, Context], tuple[Expr, Expr]] | None = None
    approximations: tuple[str, ...] = field(default=())

    @property
    def context(self) -> Context:
        """Every circumstance as a free variable."""
        return {one.name: one.variable for one in self.circumstances}

    def known(self) -> tuple[Expr, ...]:
        """What is known of the circumstances."""
        return tuple(one.holds(one.variable) for one in self.circumstances if one.holds is not None)

    def level(self, level: Level) -> HardwareLevel:
        """The level's facts.  Raises LayoutError where it is folded."""
        try:
            return self.levels[level]
        except KeyError:
            raise LayoutError(f"{level} is folded in {self.arch} {self.variant}") from None
