"""What a state is: a set of entries, as an expression over free inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from bitspec.expr import Expr, const, eq, or_, substitute, var
from bitspec.fields import LayoutError
from bitspec.read.as_int import evaluate
from bitspec.vocabulary import Level, StateName
from proofs.closure import Patterns
from proofs.preconditions import Given


@dataclass(frozen=True)
class Input:
    """A free variable of a state.

    Attributes:
        variable: the variable.
        meaning: one line.
        recover: its value in a given entry, as an expression of :func:`entry_variable`; None when every value up to `count` has to be tried.
        count: how many values it has, when `recover` is None.
    """

    variable: Expr
    meaning: str
    recover: Expr | None = None
    count: int = 0

    @property
    def name(self) -> str:
        """The variable's name."""
        return str(self.variable.attr)


@dataclass(frozen=True)
class State:
    """A set of entries, as an expression over free inputs.

    Attributes:
        about: name, group and meaning.
        level: where.
        entry: the entry for given inputs; over all inputs that satisfy `given` it takes exactly the state's values.
        inputs: the free variables of `entry`, in the order in which reports list them.
        given: what may be assumed of the inputs.
        view: the kernel's view that reads such an entry: table, leaf, invalid or swap.
        patterns: for a leaf, the attribute bits it can have; None elsewhere.
        frame: for an entry that has one, its page frame number as an expression of the inputs.
        address: for a table, the lower table's physical address.
        made_by: the helpers that built it, by name.
    """

    about: StateName
    level: Level
    entry: Expr
    inputs: tuple[Input, ...]
    given: tuple[Given, ...]
    view: str
    patterns: Patterns | None = None
    frame: Expr | None = None
    address: Expr | None = None
    made_by: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The state's name; the subject of claims about it."""
        return self.about.name

    def __repr__(self) -> str:
        return f"State({self.name!r}, {self.level})"

    @property
    def variables(self) -> tuple[Expr, ...]:
        """The free variables of the entry."""
        return tuple(one.variable for one in self.inputs)

    def value(self, name: str) -> Expr:
        """The input called `name`, as an expression."""
        return next(one.variable for one in self.inputs if one.name == name)

    def member(self, entry: Expr) -> Expr:
        """Whether `entry` has a frame and a pattern of this leaf.  Raises LayoutError for a state that is no plain leaf."""
        if self.patterns is None:
            raise LayoutError(f"{self.name} must be a leaf built from patterns to test membership")
        return or_(*[eq(entry & self.patterns.checked, core) for core in self.patterns.cores])

    def plain(self, flags: tuple[str, ...]) -> Expr:
        """The entry with none of `flags` set."""
        return substitute(self.entry, {one.variable: const(0, 1) for one in self.inputs if one.name in flags})

    def apart(self, suffix: str) -> State:
        """The same state over variables of its own, to stand beside another of the same inputs."""
        fresh = {one.variable: var(f"{one.name}{suffix}", one.variable.width) for one in self.inputs}
        return State(
            self.about,
            self.level,
            substitute(self.entry, fresh),
            tuple(Input(fresh[one.variable], one.meaning, one.recover, one.count) for one in self.inputs),
            tuple(Given(one.precondition, substitute(one.fact, fresh)) for one in self.given),
            self.view,
            self.patterns,
            None if self.frame is None else substitute(self.frame, fresh),
            None if self.address is None else substitute(self.address, fresh),
            self.made_by,
        )

    def rebuild(self, entry: int) -> tuple[int, dict[Expr, int]]:
        """The member of the state nearest to the value `entry`, in bits that differ, and its inputs; `entry` itself if it is a member."""
        here = entry_variable(self.entry.width)
        fixed: dict[Expr, int] = {}
        tried: list[Input] = []
        for one in self.inputs:
            if one.recover is None:
                tried.append(one)
            else:
                fixed[one.variable] = evaluate(one.recover, {here: entry})
        best: tuple[int, int, dict[Expr, int]] | None = None
        for choice in _choices(tried):
            values = {**fixed, **choice}
            if not all(evaluate(one.fact, values) for one in self.given):
                continue
            made = evaluate(self.entry, values)
            rank = ((made ^ entry).bit_count(), made)
            if best is None or rank < best[:2]:
                best = (*rank, values)
        if best is None:  # the recovered inputs lie outside the state's domain
            return self.example_entry, dict(self.example)
        return best[1], best[2]

    def __contains__(self, entry: int) -> bool:
        return self.rebuild(entry)[0] == entry

    @cached_property
    def example(self) -> Mapping[Expr, int]:
        """Inputs of one member, found by trying small values; raises LayoutError when none of those satisfies `given`."""
        for small in (0, 1, 2, 3):
            values = {variable: min(small, (1 << variable.width) - 1) for variable in self.variables}
            if all(evaluate(one.fact, values) for one in self.given):
                return values
        raise LayoutError(f"no small inputs are in the state {self.name}")

    @cached_property
    def example_entry(self) -> int:
        """The entry of :attr:`example`."""
        return evaluate(self.entry, self.example)


def _choices(inputs: list[Input]) -> Iterator[dict[Expr, int]]:
    if not inputs:
        yield {}
        return
    first, *rest = inputs
    for value in range(first.count):
        for others in _choices(rest):
            yield {first.variable: value, **others}


def entry_variable(width: int) -> Expr:
    """The variable that stands for a whole entry in :attr:`Input.recover`."""
    return var("entry", width)


@dataclass(frozen=True)
class Lacking:
    """A state, or another subject, that does not exist here, and why: claims about it are not applicable."""

    name: str
    reason: str
