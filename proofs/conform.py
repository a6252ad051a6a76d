"""Conformance: is every helper and constant that a layout declares what a kernel tree's own headers say, for all values?

The declared expression is the specification in ``archs/``, the lifted one comes from the tree's C by way of clang (:mod:`bitspec.lift`). They are compared
for every value of the arguments and of every symbol that is not pinned; a difference is shown with a witness and both definitions.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from bitspec.expr import FALSE, TRUE, Expr, and_, eq, ne, not_, ult, variables
from bitspec.layout import CONFIGS, OPTIONS, Absent, Config, Helper, Layout
from bitspec.lift.layout import ALSO, TYPES
from bitspec.lift.lifting import PROTECTION, Lifted, Lifting, by_physical_address, fit, vm_flags
from bitspec.lift.translate import Outcome
from bitspec.lift.wrappers import ADDRESSES
from bitspec.read.as_c import c_text
from bitspec.read.as_int import evaluate
from bitspec.read.as_known import constant, decided
from bitspec.solver import Solver, Unknown
from bitspec.vocabulary import HELPERS, Kind, Level
from proofs.check import InternalError
from proofs.equality import difference

EQUAL: Final = "equal"
DIFFERENT: Final = "different"
UNKNOWN: Final = "unknown"
NOT_APPLICABLE: Final = "not-applicable"
VERDICTS: Final = (EQUAL, DIFFERENT, UNKNOWN, NOT_APPLICABLE)

#: Kernel options that every declared layout takes for granted; they are no part of its config.
ASSUMED: Final = ("TRANSPARENT_HUGEPAGE", "NUMA_BALANCING", "HUGETLB_PAGE", "SWAP", "MIGRATION", "SPARSEMEM_VMEMMAP")


@dataclass(frozen=True, slots=True)
class Places:
    """File and line of the declared definition and of the tree's."""

    declared: str = ""
    lifted: str = ""


@dataclass(frozen=True)
class Difference:
    """A witness that the two definitions are not the same.

    Attributes:
        inputs: the arguments and symbols, by name.
        declared, lifted: what either definition gives.
        width: of both, in bits.
        free: the symbols among the inputs of which nothing is known: the difference may rest on a value they never have.
    """

    inputs: tuple[tuple[str, int], ...]
    declared: int
    lifted: int
    width: int
    free: tuple[str, ...] = ()


@dataclass(frozen=True)
class Agreement:
    """The verdict for one helper or constant.

    Attributes:
        name: what was compared.
        verdict: one of :data:`VERDICTS`.
        reason: why it is unknown or not applicable.
        given: what was assumed of the arguments.
        places: file and line of both definitions.
        declared, lifted: both definitions as C, where they differ.
        difference: the witness.
        notes: what else was found: undefined behaviour, BUG(), a symbol of which nothing is known.
    """

    name: str
    verdict: str
    reason: str = ""
    given: str = ""
    places: Places = Places()
    declared: str = ""
    lifted: str = ""
    difference: Difference | None = None
    notes: tuple[str, ...] = ()


@dataclass
class Conformance:
    """A layout held against a tree.

    Attributes:
        layout: the declared one.
        lifting: the tree.
        results: one per helper and constant.
        seconds: what the comparison took.
    """

    layout: Layout
    lifting: Lifting
    results: Sequence[Agreement]
    seconds: float = 0.0
    extra: Sequence[str] = field(default=())

    def count(self, verdict: str) -> int:
        """How many have a verdict."""
        return sum(one.verdict == verdict for one in self.results)

    @property
    def status(self) -> int:
        """The exit status: 1 a difference, 3 something unknown, else 0."""
        return 1 if self.count(DIFFERENT) else 3 if self.count(UNKNOWN) else 0


def agreed(layout: Layout, lifting: Lifting) -> frozenset[str]:
    """Those of the helpers that are given a table's address which are proved equal to the declared ones."""
    solver = Solver()
    return frozenset(name for name in ADDRESSES if name in layout.helpers and _helper(layout, lifting, name, solver).verdict == EQUAL)


def config_of(options: frozenset[str]) -> Config:
    """The config that a configured tree has, by its kernel options."""
    mine = {option for option in OPTIONS if {"USERFAULTFD_WP": "HAVE_ARCH_USERFAULTFD_WP"}.get(option, option) in options}
    found = next((one for one in CONFIGS if one.options == mine), None)
    return found or Config("the tree's: " + ", ".join(sorted(mine)), frozenset(mine))


def conform(layout: Layout, lifting: Lifting, timeout: float | None = None) -> Conformance:
    """Compare everything that `layout` declares with what was lifted."""
    start = time.perf_counter()
    solver = Solver(timeout)
    results = [_helper(layout, lifting, name, solver) for name in HELPERS if name in layout.helpers]
    results += list(_constants(layout, lifting))
    results += list(_protections(layout, lifting, solver))
    extra = tuple(name for name in HELPERS if name not in layout.helpers and lifting.item(name).outcome is not None)
    return Conformance(layout, lifting, results, time.perf_counter() - start, extra)


# Helpers


def _helper(layout: Layout, lifting: Lifting, name: str, solver: Solver) -> Agreement:
    one = lifting.item(name)
    cite = layout.helpers[name].cite
    try:
        declared = layout.helper(name)
    except Absent as reason:
        returns = one.outcome is not None and decided(lifting.pinned(one.outcome.stops)) is not True
        verdict = DIFFERENT if returns and "BUG()" in str(reason) else NOT_APPLICABLE
        return Agreement(name, verdict, str(reason), places=Places(layout.helpers[name].where, one.where))
    places = Places(declared.where, one.where or cite)
    if one.absent:
        return Agreement(name, NOT_APPLICABLE, one.absent, places=places)
    if one.outcome is None:
        return Agreement(name, UNKNOWN, one.unknown, places=places)
    if name in ADDRESSES:
        return _populate(layout, lifting, declared, solver, places)
    outcome, given = one.outcome, ""
    arguments = [fit(param, wanted.width) for param, wanted in zip(outcome.params, declared.params, strict=True)]
    value = declared(*arguments)
    if declared.signature.stem == "to_swp_entry":
        # A layout gives the entry as the architecture has it, without its flags; the kernel's function goes on to its own swp_entry_t.
        value = layout.helper("swp_entry")(layout.helper("__swp_type")(value), layout.helper("__swp_offset")(value))
        given = "declared is swp_entry(__swp_type(), __swp_offset()) of the layout's"
    return _compare(name, value, outcome, lifting, solver, TRUE, given, places)


def _populate(layout: Layout, lifting: Lifting, declared: Helper, solver: Solver, places: Places) -> Agreement:
    """A helper that stores the physical address of a table of which it is given the kernel's address: whatever that is, for every physical address."""
    pair = by_physical_address(lifting, declared.name)
    if pair is None:
        reason = lifting.item(f"address of {declared.name}")
        return Agreement(declared.name, UNKNOWN, f"the table's physical address: {reason.absent or reason.unknown}", places=places)
    stored, physical = pair
    level = declared.signature.level
    assert level is not None
    use, address = layout.uses[level], lifting.pinned(physical.value)
    top = layout.pfn_bits + layout.numbers["PAGE_SHIFT"]
    aligned = eq(address & (1 << use.table_bits) - 1, 0)
    domain = and_(aligned, ult(address, 1 << top)) if top < address.width else aligned
    domain = and_(domain, not_(lifting.pinned(physical.undefined)))
    given = f"the table is aligned to 2^{use.table_bits} and lies below 2^{top}"
    return _compare(declared.name, declared(fit(address, declared.params[0].width)), stored, lifting, solver, domain, given, places)


def _compare(name: str, declared: Expr, outcome: Outcome, lifting: Lifting, solver: Solver, domain: Expr, given: str, places: Places) -> Agreement:
    lifted = lifting.pinned(outcome.value)
    if HELPERS[name].result is Kind.BOOL:
        lifted = ne(lifted, 0)
    width = max(declared.width, lifted.width)
    declared, lifted = fit(declared, width), fit(lifted, width)
    undefined, stops = lifting.pinned(outcome.undefined), lifting.pinned(outcome.stops)
    facts = [fact for fact in (domain, not_(undefined), not_(stops)) if decided(fact) is not True]
    inputs = tuple(dict.fromkeys((*outcome.params, *(one for term in (declared, lifted, *facts) for one in variables(term)))))
    free = tuple(str(one.attr) for one in inputs if one not in outcome.params)
    notes: list[str] = []
    try:
        if _example(solver, facts, inputs) is None and facts:
            return Agreement(name, UNKNOWN, "there is no value to compare: its conditions cannot hold", given, places=places)
        for condition, what in ((undefined, "undefined behaviour in C"), (stops, "BUG()")):
            found = _example(solver, (domain, condition), inputs)
            if found is not None:
                notes.append(f"{what} for {found}")
        witness = difference(solver, declared, lifted, inputs, facts)
    except Unknown as reason:
        return Agreement(name, UNKNOWN, str(reason), given, places=places, notes=tuple(notes))
    if witness is None:
        rests = f"for every value of {', '.join(free)}" if free else ""
        return Agreement(name, EQUAL, rests, given, places=places, notes=tuple(notes))
    values = dict(witness.inputs)
    found_for = Difference(tuple((str(one.attr), value) for one, value in witness.inputs), _value(declared, values), _value(lifted, values), width, free)
    if found_for.declared == found_for.lifted:
        raise InternalError(f"{name}: the readings disagree: {found_for.inputs} is a difference for z3 and none as ints")
    return Agreement(name, DIFFERENT, "", given, places=places, declared=c_text(declared), lifted=c_text(lifted), difference=found_for, notes=tuple(notes))


def _value(expr: Expr, values: dict[Expr, int]) -> int:
    return evaluate(expr, {one: values[one] for one in variables(expr)})


def _example(solver: Solver, facts: Sequence[Expr], inputs: Sequence[Expr]) -> str | None:
    """Values under which all of `facts` hold, as text."""
    if any(decided(fact) is False for fact in facts) or FALSE in facts:
        return None
    with solver.scope(*facts):
        values = solver.model(*inputs)
    return None if values is None else ", ".join(f"{one.attr}={value:#x}" for one, value in zip(inputs, values, strict=True)) or "every value"


# Constants and protections


def _constants(layout: Layout, lifting: Lifting) -> Iterator[Agreement]:
    shift = lifting.number("PAGE_SHIFT")
    numbers: list[tuple[str, int, Callable[[int], int]]] = [("MAX_PHYSMEM_BITS", layout.pfn_bits, lambda value: value - (shift or 0))]
    numbers += [(name, value, lambda value: value) for name, value in layout.numbers.items() if name in lifting.items]
    for level, name in ((Level.PMD, "PMD_SHIFT"), (Level.PUD, "PUD_SHIFT")):
        if level in layout.uses:
            numbers.append((name, layout.uses[level].order, lambda value: value - (shift or 0)))
    for kind in layout.kinds:
        if kind.state == "swap":
            numbers.append(("MAX_SWAPFILES", len(kind.types), lambda value: value))
        elif kind.state in TYPES:
            numbers.append((TYPES[kind.state], kind.types.start, lambda value: value))
        if kind.state in ALSO and kind.also:
            numbers.append((ALSO[kind.state][0], 1, lambda value: value))
        if kind.payload == "marker":
            numbers.append(("PTE_MARKER_MASK", (1 << layout.marker_bits) - 1, lambda value: value))
    for name, declared, convert in numbers:
        yield _number(layout, lifting.item(name), lifting.number(name), declared, convert)
    declared_states = {kind.state for kind in layout.kinds}
    for state, name in TYPES.items():
        value = lifting.number(name)
        if state not in declared_states and value is not None:
            reason = f"the tree has {name} = {value}, and {layout.name} has no state {state}"
            yield Agreement(name, DIFFERENT, reason, places=Places(_file(layout), lifting.item(name).where))


def _number(layout: Layout, one: Lifted, value: int | None, declared: int, convert: Callable[[int], int]) -> Agreement:
    places = Places(_file(layout), one.where)
    if one.absent:
        return Agreement(one.name, DIFFERENT, f"declared as {declared}; {one.absent}", places=places)
    if value is None:
        return Agreement(one.name, UNKNOWN, one.unknown or "it is no constant", places=places)
    if convert(value) == declared:
        return Agreement(one.name, EQUAL, places=places)
    return Agreement(one.name, DIFFERENT, "", places=places, difference=Difference((), declared, convert(value), 64))


def _protections(layout: Layout, lifting: Lifting, solver: Solver) -> Iterator[Agreement]:
    """The protection table, entry by entry; an entry may be declared several times, for what a CPU may lack."""
    level = next(iter(layout.uses))
    table = layout.at(level).protections
    for index in range(16):
        one, flags = lifting.item(PROTECTION.format(index)), vm_flags(index)
        name = f"protection {'|'.join(sorted(flags)) or 'VM_NONE'}"
        places = Places(_file(layout), one.where)
        values = {each.value for each in table if frozenset(each.name.split("|")) - {"VM_NONE"} == flags}
        if one.outcome is None:
            missing = one.absent or one.unknown
            yield Agreement(name, NOT_APPLICABLE if one.absent else UNKNOWN, missing, places=places)
            continue
        expr = lifting.pinned(one.outcome.value)
        try:
            possible = _possible(expr, solver)
        except Unknown as reason:
            yield Agreement(name, UNKNOWN, str(reason), places=places)
            continue
        if possible is None:
            yield Agreement(name, UNKNOWN, f"it depends on {', '.join(str(each.attr) for each in variables(expr))}", places=places)
        elif possible == values:
            yield Agreement(name, EQUAL, places=places)
        else:
            told = " or ".join(f"{value:#x}" for value in sorted(values))
            yield Agreement(name, DIFFERENT, f"declared as {told}; the tree has {' or '.join(f'{value:#x}' for value in sorted(possible))}", places=places)


def _possible(expr: Expr, solver: Solver, most: int = 8) -> set[int] | None:
    """The values an expression can have, or None if they are many."""
    known = constant(expr)
    if known is not None:
        return {known}
    found: set[int] = set()
    with solver.scope():
        while (values := solver.model(expr)) is not None:
            if len(found) == most:
                return None
            found.add(values[0])
            solver.add(ne(expr, values[0]))
    return found


def _file(layout: Layout) -> str:
    return f"archs/{layout.arch}/{layout.release.replace('-', '_').replace('.', '_')}.py"


def render(found: Conformance, verbose: bool = False) -> Iterator[str]:
    """The lines of a report."""
    layout, lifting = found.layout, found.lifting
    yield f"{layout.name} {layout.hardware.variant} (config {layout.config.name}) against {lifting.build.tree.name} {lifting.build.release}"
    for one in found.results:
        if one.verdict == EQUAL and not one.notes and not verbose:
            continue
        given = f"  given: {one.given}" if one.given else ""
        yield f"  {one.verdict:<14} {one.name}{': ' + one.reason if one.reason else ''}{given}"
        if one.difference is not None:
            yield from _shown(one, one.difference)
        for note in one.notes:
            yield f"    note: {note}"
    counts = ", ".join(f"{found.count(verdict)} {verdict}" for verdict in VERDICTS)
    yield f"  {counts}; {found.seconds:.2f} s"
    for line in lifting.given:
        yield f"  given: {line}"
    lacking = [option for option in ASSUMED if option not in lifting.build.options]
    if lacking:
        yield f"  note: the tree is configured without {', '.join(lacking)}, which declared layouts assume: a difference may come from that"


def _shown(one: Agreement, difference: Difference) -> Iterator[str]:
    digits = difference.width // 4 + 2
    if difference.inputs:
        yield "    for " + ", ".join(f"{name} = {value:#x}" for name, value in difference.inputs)
    for what, value, text, place in (
        ("declared", difference.declared, one.declared, one.places.declared),
        ("the tree", difference.lifted, one.lifted, one.places.lifted),
    ):
        yield f"      {what} {value:#0{digits}x}  {place}"
        if text:
            yield f"        {text}"
    if difference.free:
        yield f"    rests on {', '.join(difference.free)}, of which nothing is known"
