"""The states of an entry, derived from the helpers that build it.

A state is the set of values its constructors make, closed under the helpers the kernel may apply and under the hardware's own writes.  Nothing here is
drawn by hand: a layout's helpers, its protection table and its swap types decide what a state is, and a helper that does not exist leaves out the state
it would have built, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property

from bitspec.expr import TRUE, Expr, and_, const, ite, ne, substitute, trunc, uge, ult, var, variables, zext
from bitspec.hardware import Update
from bitspec.layout import Absent, Kernel, Layout, SwapKind
from bitspec.read.as_int import evaluate, function
from bitspec.read.as_known import decided
from bitspec.vocabulary import Level, StateName, state_names
from proofs import preconditions as pre
from proofs.leaves import Leaves, Pages
from proofs.preconditions import Given
from proofs.state import Input, Lacking, State, entry_variable


def states(layout: Layout, level: Level) -> Mapping[str, State | Lacking]:
    """Every state of the level, by name and in table order, or why it does not exist."""
    return _deriver(layout, level).states


def pages(layout: Layout, level: Level) -> Pages:
    """How pages are mapped at the level.  Raises Absent."""
    return _deriver(layout, level).pages


def mapped(layout: Layout, level: Level) -> State:
    """Every accessible leaf, young or old: what the setters are applied to.  Raises Absent."""
    return _deriver(layout, level).mapped


def writable(layout: Layout, level: Level) -> State:
    """Every accessible leaf of a VMA with VM_WRITE: what mkwrite is applied to.  Raises Absent."""
    return _deriver(layout, level).writable


def settled(layout: Layout, level: Level) -> tuple[State, ...]:
    """Every kind of leaf the kernel may change in place: accessible, devmap, and the prot-none ones; those that exist.  Raises Absent for none at all."""
    deriver = _deriver(layout, level)
    others = (deriver.states.get(name) for name in ("leaf-devmap", "leaf-protnone", "leaf-devmap-protnone"))
    return (deriver.mapped, *(one for one in others if isinstance(one, State)))


def _deriver(layout: Layout, level: Level) -> _Deriver:
    """The level's deriver, made once per layout."""
    found = layout.derived.get(level)
    if found is None:
        found = layout.derived[level] = _Deriver(layout.at(level))
    assert isinstance(found, _Deriver)
    return found


class _Deriver:
    """Builds the states of one level; each method is one recipe."""

    def __init__(self, k: Kernel) -> None:
        assert k.level is not None
        self.k = k
        self.level = k.level
        self.use = k.use
        self.layout = k.layout
        hardware = k.layout.hardware
        walked = k.level in hardware.levels and hardware.no_walk is None
        self.updates: tuple[Update, ...] = hardware.levels[k.level].updates if walked else ()
        self.width = self.use.width
        self.here = entry_variable(self.width)

    @cached_property
    def pages(self) -> Pages:
        """How pages are mapped at this level."""
        construct, modify = self.k.helper(f"pfn_{self.level}"), self.k.modify if self.k.has("modify") else None
        huge = self.k.mkhuge if self.level is not Level.PTE else None

        def build(frame: Expr, prot: Expr) -> Expr:
            made = construct(frame, prot)
            return made if huge is None else huge(made)

        return Pages(self.k, self.use.order, build, modify, updates=self.updates, extra=self.use.extra)

    @cached_property
    def mapped(self) -> State:
        """Every accessible leaf."""
        return self.pages.state(StateName("mapped", "present leaf", (self.level,), "any accessible leaf"), self.pages.accessible)

    @cached_property
    def writable(self) -> State:
        """Every accessible leaf that may be made writable."""
        about = StateName("writable", "present leaf", (self.level,), "any accessible leaf of a VMA with VM_WRITE")
        leaves = self.pages.accessible
        return self.pages.state(about, replace(leaves, patterns=frozenset(one for one in leaves.patterns if one[0])))

    @cached_property
    def states(self) -> Mapping[str, State | Lacking]:
        """Every state, or why it does not exist."""
        found: dict[str, State | Lacking] = {}
        for about in state_names(self.level):
            if not self._is_said(about):
                continue
            try:
                found[about.name] = self._recipe(about)(about)
            except Absent as reason:
                found[about.name] = Lacking(about.name, str(reason))
        return found

    def _is_said(self, about: StateName) -> bool:
        """Whether the layout's release has a word for the state at this level."""
        kinds = [kind for kind in self.layout.kinds if kind.state == about.name]
        if self.level in about.later:
            return any(self.level in kind.also for kind in kinds)
        return bool(kinds) or not about.optional

    def _recipe(self, about: StateName) -> Callable[[StateName], State]:
        recipes = {
            "none": self._none,
            "table": self._table,
            "leaf": lambda about: self._aged(about, "mkyoung"),
            "leaf-old": lambda about: self._aged(about, "mkold"),
            "leaf-devmap": lambda about: self.pages.state(about, self._devmap_leaves),
            "leaf-protnone": lambda about: self.pages.state(about, self.pages.inaccessible),
            "leaf-devmap-protnone": lambda about: self.pages.state(about, self._devmap_inaccessible),
            "leaf-invalidated": lambda about: self._invalidated(about, self.pages.accessible, lambda: self.pages.inaccessible),
            "leaf-devmap-invalidated": lambda about: self._invalidated(about, self._devmap_leaves, lambda: self._devmap_inaccessible),
            "marker": self._marker,
        }
        return recipes.get(about.name, self._swap)

    # none and table: one value (or one per address, as nios2 has it), or one address, and what the hardware may add

    def _none(self, about: StateName) -> State:
        made = self.k.clear()
        left = tuple(Input(one, "what the address leaves in an empty entry", self._scatter(made, one)) for one in variables(made))
        entry, inputs = self._touched(made)
        return State(about, self.level, entry, (*left, *inputs), (), "none", made_by=(f"{self.level}_clear",))

    def _table(self, about: StateName) -> State:
        bits = self.use.table_bits
        number = var("table", self.layout.pfn_bits + self._page_shift() - bits)
        where = zext(number, self.layout.address) << bits
        made = self.k.populate(where)
        address = self._scatter(made, number)
        entry, inputs = self._touched(made)
        given = [pre.TABLE.holds(TRUE), pre.PFN.holds(TRUE)]
        if self.layout.static_tables:
            given.append(pre.ALLOCATED.holds(and_(*[ne(where, at) for at in self.layout.static_tables])))
        recovered = Input(number, "the lower table's address over its size", address)
        return State(about, self.level, entry, (recovered, *inputs), tuple(given), "table", address=where, made_by=(f"{self.level}_populate",))

    def _page_shift(self) -> int:
        return self.k.number("PAGE_SHIFT")

    def _scatter(self, made: Expr, number: Expr) -> Expr:
        """Where each bit of `number` stands in `made`, read back from an entry."""
        result = const(0, number.width)
        for index in range(number.width):
            alone = evaluate(made, {number: 1 << index}) ^ evaluate(made, {number: 0})
            if alone:
                low = (alone & -alone).bit_length() - 1
                found = trunc(self.here >> low if low else self.here, 1)
                result = result | (zext(found, number.width) << index if number.width > 1 else found)
        return result

    def _touched(self, entry: Expr) -> tuple[Expr, tuple[Input, ...]]:
        """The entry after any of the hardware's own writes."""
        inputs = []
        for update in self.updates:
            if decided(update.when(entry)) is False:
                continue
            happened = var(f"hw_{update.name}", 1)
            entry = ite(happened, update.apply(entry), entry)
            inputs.append(Input(happened, f"the hardware has set {update.name}", None, 2))
        return entry, tuple(inputs)

    # leaves: a frame number and a pattern of attributes

    def _aged(self, about: StateName, stem: str) -> State:
        age = self.k.helper(stem)
        return self.pages.state(about, self.pages.accessible.image(function(age.body, age.params[0])))

    @cached_property
    def _devmap_leaves(self) -> Leaves:
        rows = self.pages.rows(access=True)
        mark = self.k.mkdevmap
        return self.pages.closed(self.pages.built(rows).image(function(mark.body, mark.params[0])), rows)

    @cached_property
    def _devmap_inaccessible(self) -> Leaves:
        mark = self.k.mkdevmap
        rows = self.pages.rows(access=False)
        built = self.pages.built(rows).image(function(mark.body, mark.params[0]))
        return self.pages.closed(self.pages.protected(built, self._devmap_leaves, rows), rows)

    def _invalidated(self, about: StateName, accessible: Leaves, inaccessible: Callable[[], Leaves]) -> State:
        """Mkinvalid of the leaves of one kind, accessible or prot-none."""
        invalidate = self.k.mkinvalid
        plain = self.pages.state(about, accessible)
        entry, inputs, given = plain.entry, plain.inputs, plain.given
        try:
            none = self.pages.state(about, inaccessible(), suffix="_protnone")
        except Absent:
            pass
        else:
            which = var("protnone", 1)
            entry = ite(which, none.entry, entry)
            inputs = (*inputs, *none.inputs[1:], Input(which, "it was a prot-none leaf", None, 2))
            given = (*given, *none.given)
        made_by = (invalidate.name, f"pfn_{self.level}")
        return State(about, self.level, invalidate(entry), inputs, given, "invalid", frame=self.pages.frame, made_by=made_by)

    # swap and its relatives

    def _kind(self, about: StateName) -> SwapKind:
        for kind in self.layout.kinds:
            if kind.state == about.name:
                return kind
        raise Absent(f"{self.layout.name} has no {about.name} entries in config {self.layout.config.name}")

    @cached_property
    def _offset_bits(self) -> int:
        return offset_bits(self.layout)

    def _encode(self, swap_type: Expr | int, offset: Expr) -> Expr:
        return self.k.helper(f"__swp_entry_to_{self.level}")(self.k.__getattr__("__swp_entry")(swap_type, offset))

    def _decoded(self, part: str) -> Expr:
        return self.k.__getattr__(part)(self.k.to_swp_entry(self.here))

    def _swap(self, about: StateName) -> State:
        kind = self._kind(about)
        codec = f"__swp_entry_to_{self.level}"
        self.layout.helper(codec)  # raises Absent where entries of this level cannot be written at all
        inputs: list[Input] = []
        given: list[Given] = []
        swap_type: Expr | int = kind.types.start
        frame = None
        if kind.payload == "slot":
            narrow = var("type", 5)
            swap_type = zext(narrow, self.layout.word)
            number = var("offset", self._offset_bits)
            offset = zext(number, self.layout.word)
            inputs += [
                Input(narrow, "the swap area", trunc(self._decoded("__swp_type"), 5)),
                Input(number, "the slot", trunc(self._decoded("__swp_offset"), number.width)),
            ]
            below = ult(number, probed_offset(self.layout))
            given += [pre.SWAP_TYPE.holds(ult(narrow, kind.types.stop)), pre.SLOT.holds(uge(number, 1)), pre.OFFSET.holds(below)]
        else:
            number = var("pfn" if kind.payload == "pfn" else "marker", self.layout.pfn_bits if kind.payload == "pfn" else self.layout.marker_bits)
            offset = zext(number, self.layout.word)
            found = self._decoded("__swp_offset")
            inputs.append(Input(number, "the page frame number" if kind.payload == "pfn" else "what it marks", trunc(found, number.width)))
            if kind.payload == "pfn":
                frame = offset
                given.append(pre.PFN.holds(TRUE))
                if kind.state.startswith("migration") and migration_keeps_age(self.layout):
                    for place, name in enumerate(("young", "dirty")):
                        mark = var(name, 1)
                        at = self.layout.pfn_bits + place
                        offset = offset | zext(mark, self.layout.word) << at
                        inputs.append(Input(mark, f"the page was {name}", trunc(found >> at, 1)))
            else:
                given.append(pre.MARKER.holds(ne(number, 0)))
        entry = self._encode(swap_type, offset)
        entry, flags = self._flagged(entry, exclusive=kind.payload == "slot")
        entry, touched = self._touched(entry)
        made_by = ("__swp_entry", codec, *(f"{self.level}_swp_mk{one.name}" for one in flags))
        return State(about, self.level, entry, (*inputs, *flags, *touched), tuple(given), "swap", frame=frame, made_by=made_by)

    def _flagged(self, entry: Expr, exclusive: bool) -> tuple[Expr, tuple[Input, ...]]:
        """Any subset of the software flags; only a swapped-out page can be marked exclusive by a flag, the other kinds say it by their type."""
        inputs = []
        for flag in swap_flags(self.k) if exclusive else tuple(one for one in swap_flags(self.k) if one != "exclusive"):
            mark = var(flag, 1)
            entry = ite(mark, self.k.helper(f"swp_mk{flag}")(entry), entry)
            inputs.append(Input(mark, f"the entry is marked {flag}", self.k.helper(f"swp_{flag}")(self.here)))
        more = self.use.swap_extra
        if more:
            marks = var("more_flags", self.width)
            entry = entry | marks & more
            inputs.append(Input(marks, "flags no helper knows yet", self.here & more))
        return entry, tuple(inputs)

    def _marker(self, about: StateName) -> State:
        if self.level is Level.PTE:
            return self._swap(about)
        made = states(self.layout, Level.PTE)["marker"]
        if isinstance(made, Lacking):
            raise Absent(made.reason)
        if not self.k.has(f"__pte_to_rste_{self.level}"):  # set_huge_pte_at() stores the PTE as it is
            return replace(made, about=about, level=self.level)
        convert = self.k.helper(f"__pte_to_rste_{self.level}")
        back = self.k.helper(f"__rste_to_pte_{self.level}")(self.here)
        inputs = tuple(Input(one.variable, one.meaning, _through(one.recover, back)) for one in made.inputs)
        return State(about, self.level, convert(made.entry), inputs, made.given, "swap", made_by=(convert.name,))


def _through(recover: Expr | None, entry: Expr) -> Expr | None:
    return None if recover is None else substitute(recover, {entry_variable(entry.width): entry})


def swap_flags(k: Kernel) -> tuple[str, ...]:
    """The software flags a non-present entry of this level can carry."""
    return tuple(flag for flag in ("exclusive", "soft_dirty", "uffd_wp") if k.has(f"swp_{flag}", f"swp_mk{flag}"))


def probed_offset(layout: Layout, level: Level = Level.PTE) -> int:
    """The offset the kernel's probe of the maximum swap size finds: decode(encode(0, ~0)), mm/swapfile.c: generic_max_swapfile_size.

    On x86 the entry that is probed is none. Since linux-6.19 there is nothing to decode in such a one, and the probe decodes it by the architecture's helper.

    Args:
        layout: the layout.
        level: whose entries are probed; the kernel itself asks PTEs alone.

    Raises Absent where entries of the level cannot be written.
    """
    k = layout.at(level)
    entry = k.helper(f"__swp_entry_to_{level}")(k.__getattr__("__swp_entry")(0, const((1 << layout.word) - 1, layout.word)))
    decode = k.helper(f"__{level}_to_swp_entry") if evaluate(k.none(entry), {}) else k.to_swp_entry
    return evaluate(k.__getattr__("__swp_offset")(decode(entry)), {})


def offset_bits(layout: Layout, level: Level = Level.PTE) -> int:
    """Bits of a swap offset, from the probe.  Raises Absent where entries of the level cannot be written."""
    return probed_offset(layout, level).bit_length()


def migration_keeps_age(layout: Layout) -> bool:
    """Whether migration entries carry young and dirty: offset bits for the PFN and two more (mm/swapfile.c: swapfile_init, linux-6.1 on)."""
    return probed_offset(layout) + 1 >= 1 << (layout.pfn_bits + 2)
