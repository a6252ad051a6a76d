"""Constructors land in their state, and helpers stay in the states they promise (LAY804; of the constructors also PTE125, PTE126 and their like)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bitspec.expr import Expr, and_, const, eq, not_, select, var
from bitspec.layout import Absent, Kernel
from bitspec.vocabulary import Level
from proofs import preconditions as pre
from proofs.claim import Scene, claim
from proofs.families.attributes import codes
from proofs.leaves import SETTERS, writers
from proofs.preconditions import Given
from proofs.state import Lacking, State
from proofs.states import mapped, settled, writable


@dataclass(frozen=True)
class Move:
    """A helper that makes a leaf, or takes one from a state to another.

    Attributes:
        name: as a subject.
        entry: the leaf it is applied to; for a constructor, the one it makes.
        after: the entry it gives.
        into: where that has to be.
        given: what may be assumed.
        variables: the inputs.
    """

    name: str
    entry: Expr
    after: Expr
    into: State
    given: tuple[Given, ...]
    variables: tuple[Expr, ...]


def _move(name: str, source: State, after: Expr, into: State, *more: Expr) -> Move:
    return Move(f"{name}({source.name})", source.entry, after, into, source.given, (*source.variables, *more))


def _moves(scene: Scene) -> Iterator[Move | Lacking]:
    k, level = scene.k, scene.level
    try:
        kinds = settled(scene.layout, level)
    except Absent as reason:
        yield Lacking(f"pfn_{level}", str(reason))
        return
    everything = kinds[0]
    for state in kinds:
        for stem in SETTERS:
            if k.has(stem):
                yield _move(k.name(stem), state, k.helper(stem)(state.entry), state)
        if scene.layout.hardware.no_walk is None:
            for update in scene.hardware.updates:
                yield _move(f"hardware_{update.name}", state, update.apply(state.entry), state)
    for stem, name in (("mkyoung", "leaf"), ("mkold", "leaf-old")):
        target = scene.states.get(name)
        if isinstance(target, State):
            after = k.helper(stem)(everything.entry)
            yield Move(f"{k.name(stem)}({everything.name}/{name})", everything.entry, after, target, everything.given, everything.variables)
    for stem in writers(k):
        source = writable(scene.layout, level)
        yield _move(k.name(stem), source, k.helper(stem)(source.entry), everything)
    yield from _constructions(scene)
    yield from _changes(scene, kinds)


def _rows(k: Kernel, access: bool) -> tuple[Expr, Expr] | None:
    """Any protection that permits some access (or none), and the variable that chooses it."""
    table = tuple(dict.fromkeys(row.value for row in k.protections if row.access is access))
    if not table:
        return None
    choice = var("prot", max(1, (len(table) - 1).bit_length()))
    return select(choice, table, k.use.width), choice


def _constructions(scene: Scene) -> Iterator[Move]:
    """pfn_pXd of every frame and protection, made huge, and made devmap."""
    k, level = scene.k, scene.level
    named = {"mapped": mapped(scene.layout, level), **scene.states}
    for access, plain, marked in ((True, "mapped", "leaf-devmap"), (False, "leaf-protnone", "leaf-devmap-protnone")):
        into, devmap, rows = named.get(plain), named.get(marked), _rows(k, access)
        if not isinstance(into, State) or rows is None:
            continue
        assert into.frame is not None
        made = k.helper(f"pfn_{level}")(into.frame, rows[0])
        if level is not Level.PTE:
            made = k.mkhuge(made)
        given = (*(one for one in into.given if one.precondition is not pre.PROTECTION), Given(pre.PROTECTION, const(1, 1)))
        variables = (into.inputs[0].variable, rows[1])
        yield Move(f"pfn_{level}({into.name})", made, made, into, given, variables)
        if isinstance(devmap, State):
            made = k.mkdevmap(made)
            yield Move(f"pfn_{level}({devmap.name})", made, made, devmap, given, variables)


def _changes(scene: Scene, kinds: tuple[State, ...]) -> Iterator[Move]:
    """A change of protection, from every kind of leaf: it lands among the accessible or the prot-none ones, and devmap stays devmap."""
    k = scene.k
    if not k.has("modify"):
        return
    by_name = {state.name: state for state in kinds}
    for state in kinds:
        devmap = "devmap" in state.name
        for access, name in ((True, "leaf-devmap" if devmap else "mapped"), (False, "leaf-devmap-protnone" if devmap else "leaf-protnone")):
            rows = _rows(k, access)
            if rows is not None and name in by_name:
                yield _move(f"{scene.level}_modify/{name}", state, k.modify(state.entry, rows[0]), by_name[name], rows[1])


@claim("helper-leaves-state", "LAY804", about=_moves)
def helper_leaves_state(k: Kernel, s: Move) -> Expr:
    """A constructor lands in the state it builds; a setter, a change of protection and the hardware's own writes stay in the states they promise.

    What is proved is the pattern of attribute bits, for all frames at once; that the frame stays is setter-moves-frame, modify-moves-frame and
    constructor-misplaces-frame.

    Why it matters: every other claim is asked of these states; a state that is too narrow makes a false proof.

    Example: a wrprotect that sets a bit no other helper knows.

    References: DESIGN, Semantics: states.
    """
    return s.into.member(s.after)


def _constructors(scene: Scene) -> Iterator[Move | Lacking]:
    try:
        yield from _constructions(scene)
    except Absent as reason:
        yield Lacking(f"pfn_{scene.level}", str(reason))


@claim("constructor-misplaces-frame", *codes(25), about=_constructors)
def constructor_misplaces_frame(k: Kernel, s: Move) -> Expr:
    """A leaf just built, with any protection of the table, names the frame it was built for.

    Why it matters: frame-lost asks it of the states, whose frame is placed as for their first protection; this asks it of each.

    Example: x86 inverts the frame for protections without P.

    References: Documentation/mm/arch_pgtable_helpers.rst; arch/x86/include/asm/pgtable.h: pfn_pte.
    """
    assert s.into.frame is not None
    return eq(k.pfn(s.after), s.into.frame)


def _unmarked(scene: Scene) -> Iterator[Move | Lacking]:
    """Leaves just built, but for those that are then made devmap."""
    return (one for one in _constructors(scene) if isinstance(one, Lacking) or "devmap" not in one.into.name)


@claim("constructor-marks", *codes(26), about=_unmarked)
def constructor_marks(k: Kernel, s: Move) -> Expr:
    """A leaf just built, with any protection of the table, is not special, not devmap and not uffd-wp.

    Why it matters: vm_normal_page() takes a special page for one without a struct page, and nobody frees or ages it. That a leaf made special is special
    is true as well of a predicate that is true of every leaf.

    Example: the mark of special pages on a bit that every protection has.

    References: mm/memory.c: vm_normal_page; include/linux/pgtable.h; mm/userfaultfd.c.
    """
    marks = [stem for stem in ("special", "devmap", "uffd_wp") if k.has(stem)]
    if not marks:
        raise Absent(f"{k.layout.name} has no {k.level}_special, {k.level}_devmap, {k.level}_uffd_wp")
    return and_(*[not_(k.helper(stem)(s.after)) for stem in marks])
