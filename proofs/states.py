"""The states of an entry, derived from the helpers that build it.

A state is the set of values its constructors make, closed under the helpers the kernel may apply and under the hardware's own writes.  Nothing here is
drawn by hand: a layout's helpers, its protection table and its swap types decide what a state is, and a helper that does not exist leaves out the state
it would have built, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from bitspec.expr import TRUE, Expr, const, eq, ite, ne, or_, select, substitute, trunc, uge, ule, ult, var, zext
from bitspec.fields import LayoutError
from bitspec.hardware import Update
from bitspec.layout import Absent, Kernel, Layout, Protection, SwapKind
from bitspec.read.as_int import evaluate, function, masks
from bitspec.read.as_known import decided, known
from bitspec.vocabulary import Level, StateName, state_names
from proofs import preconditions as pre
from proofs.closure import Patterns, closure
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
class Missing:
    """A state that does not exist in a layout, and why."""

    about: StateName
    reason: str

    @property
    def name(self) -> str:
        """The state's name."""
        return self.about.name


def states(layout: Layout, level: Level) -> Mapping[str, State | Missing]:
    """Every state of the level, by name and in table order, or why it does not exist."""
    return _deriver(layout, level).states


def mapped(layout: Layout, level: Level) -> State:
    """Every accessible leaf, young or old: what the setters are applied to.  Raises Absent."""
    return _deriver(layout, level).mapped


def writable(layout: Layout, level: Level) -> State:
    """Every accessible leaf of a VMA with VM_WRITE: what mkwrite is applied to.  Raises Absent."""
    return _deriver(layout, level).writable


def writers(k: Kernel) -> tuple[str, ...]:
    """The helpers that make a leaf writable: pXd_mkwrite where the architecture has its own, else pXd_mkwrite_novma, and that for shadow stacks."""
    plain = ("mkwrite",) if k.has("mkwrite") else ("mkwrite_novma",)
    return tuple(stem for stem in (*plain, "mkwrite_shstk") if k.has(stem))


def inaccessible(layout: Layout, level: Level) -> State:
    """Every prot-none leaf.  Raises Absent."""
    found = _deriver(layout, level).states["leaf-protnone"]
    if isinstance(found, Missing):
        raise Absent(found.reason)
    return found


def _deriver(layout: Layout, level: Level) -> _Deriver:
    """The level's deriver, made once per layout."""
    found = layout.derived.get(level)
    if found is None:
        found = layout.derived[level] = _Deriver(layout.at(level))
    assert isinstance(found, _Deriver)
    return found


#: Setters that keep a mapped entry in its state, whatever the VMA; `maybe_mkwrite` asks for VM_WRITE first.
_SETTERS = ("mkyoung", "mkold", "mkdirty", "mkclean", "wrprotect", "mksoft_dirty", "clear_soft_dirty", "mkuffd_wp", "clear_uffd_wp", "mkspecial")


@dataclass(frozen=True)
class _Leaves:
    """Leaves of one kind, as patterns of attribute bits.

    Attributes:
        mask: the bits of the frame.
        placed: the frame in its place, as an expression of the frame number.
        frame: those bits for frame 0.
        patterns: whether the VMA permits writing, and the attribute bits.
        loose: bits that take either value beside every pattern, and are 0 in all of them.
    """

    mask: int
    placed: Expr
    frame: int
    patterns: frozenset[tuple[bool, int]]
    loose: int = 0

    def image(self, helper: Callable[[int], int]) -> _Leaves:
        """What `helper` makes of them."""
        made = {(write, helper(self.frame | one) & ~self.mask, helper(self.frame | one | self.loose) & ~self.mask) for write, one in self.patterns}
        loose = 0
        for _, low, high in made:
            loose |= low ^ high
        return replace(self, patterns=frozenset((write, low & ~loose) for write, low, _ in made), loose=loose)


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
        self.width = self.use.views["leaf"].width
        self.here = entry_variable(self.width)

    @cached_property
    def mapped(self) -> State:
        """Every accessible leaf."""
        return self._leaf(StateName("mapped", "present leaf", (self.level,), "any accessible leaf"), self._accessible)

    @cached_property
    def writable(self) -> State:
        """Every accessible leaf that may be made writable."""
        about = StateName("writable", "present leaf", (self.level,), "any accessible leaf of a VMA with VM_WRITE")
        leaves = self._accessible
        return self._leaf(about, replace(leaves, patterns=frozenset(one for one in leaves.patterns if one[0])))

    @cached_property
    def states(self) -> Mapping[str, State | Missing]:
        """Every state, or why it does not exist."""
        found: dict[str, State | Missing] = {}
        for about in state_names(self.level):
            if about.optional and all(kind.state != about.name for kind in self.layout.kinds):
                continue
            try:
                found[about.name] = self._recipe(about)(about)
            except Absent as reason:
                found[about.name] = Missing(about, str(reason))
        return found

    def _recipe(self, about: StateName) -> Callable[[StateName], State]:
        recipes = {
            "none": self._none,
            "table": self._table,
            "leaf": lambda about: self._aged(about, "mkyoung"),
            "leaf-old": lambda about: self._aged(about, "mkold"),
            "leaf-devmap": self._devmap,
            "leaf-protnone": self._protnone,
            "leaf-invalidated": self._invalidated,
            "marker": self._marker,
        }
        return recipes.get(about.name, self._swap)

    # none and table: one value, or one address, and what the hardware may add

    def _none(self, about: StateName) -> State:
        entry, inputs = self._touched(self.k.clear())
        return State(about, self.level, entry, inputs, (), "none", made_by=(f"{self.level}_clear",))

    def _table(self, about: StateName) -> State:
        bits = self.use.table_bits
        number = var("table", self.layout.pfn_bits + self._page_shift() - bits)
        where = zext(number, 64) << bits
        made = self.k.populate(where)
        address = self._scatter(made, number)
        entry, inputs = self._touched(made)
        given = (pre.TABLE.holds(TRUE), pre.PFN.holds(TRUE))
        return State(about, self.level, entry, (Input(number, "the lower table's address over its size", address), *inputs), given, "table", address=where, made_by=(f"{self.level}_populate",))

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

    @cached_property
    def _pfn(self) -> Expr:
        return var("pfn", self.layout.pfn_bits - self.use.order)

    @cached_property
    def _frame(self) -> Expr:
        wide = zext(self._pfn, 64)
        return wide << self.use.order if self.use.order else wide

    def _constructed(self, protection: int) -> Expr:
        made = self.k.helper(f"pfn_{self.level}")(self._frame, const(protection, self.width))
        return self.k.mkhuge(made) if self.level is not Level.PTE else made

    def _table_rows(self, access: bool) -> tuple[Protection, ...]:
        return tuple(row for row in self.k.protections if row.access is access)

    def _split(self, rows: Iterable[Protection]) -> _Leaves:
        """The leaves as they are built with these protections, before any setter."""
        placed: Expr | None = None
        mask = 0
        start: set[tuple[bool, int]] = set()
        for row in rows:
            made = self._constructed(row.value)
            zeros, ones = known(made)
            unknown = ((1 << self.width) - 1) & ~(zeros | ones)
            if placed is None:
                placed, mask = made & unknown, unknown
            elif mask != unknown:
                raise LayoutError(f"pfn_{self.level} must put the frame into the same bits for every protection, not {mask:#x} and {unknown:#x}")
            start.add((row.write, ones))
        if placed is None:
            raise Absent(self.use.no_leaves or f"the protection table of {self.layout.name} has no such entry")
        return _Leaves(mask, placed, evaluate(placed, {self._pfn: 0}), frozenset(start))

    def _setters(self, stems: Iterable[str]) -> list[Callable[[int], int]]:
        return [function(one.body, one.params[0]) for one in (self.k.helper(stem) for stem in stems if self.k.has(stem))]

    def _modifiers(self, rows: Iterable[Protection]) -> list[tuple[bool, Callable[[int], int]]]:
        if not self.k.has("modify"):
            return []
        found: dict[int, tuple[bool, Callable[[int], int]]] = {}
        modify = self.k.modify
        for row in rows:
            body = substitute(modify.body, {modify.params[1]: const(row.value, modify.params[1].width)})
            before = found.get(row.value)
            found[row.value] = (row.write or (before is not None and before[0]), function(body, modify.params[0]))
        return list(found.values())

    def _closed(self, leaves: _Leaves, rows: tuple[Protection, ...]) -> _Leaves:
        """The leaves reachable from `leaves` within one kind."""
        always = self._setters(_SETTERS)
        always += [function(update.apply(self.here), self.here) for update in self.updates]
        makers = self._setters(writers(self.k))
        modifiers = self._modifiers(rows)
        loose = leaves.loose | self._toggled(leaves)
        frame, keep = leaves.frame, ~leaves.mask & ~loose

        def steps(state: tuple[bool, int]) -> Iterator[tuple[bool, int]]:
            write, pattern = state
            entry = frame | pattern
            for setter in always:
                yield write, setter(entry) & keep
            if write:
                for setter in makers:
                    yield True, setter(entry) & keep
            for allows, setter in modifiers:
                yield allows, setter(entry) & keep

        return replace(leaves, patterns=closure({(write, one & ~loose) for write, one in leaves.patterns}, steps), loose=loose)

    def _toggled(self, leaves: _Leaves) -> int:
        """Bits that one setter only sets, and that another only clears or that start out clear: they take either value beside every pattern.

        Leaving them out of the search makes it many times shorter.  Were one of them not independent, the state would come out too wide, not too narrow,
        and helper-leaves-state proves for all setters that they stay in it.
        """
        sets = clears = 0
        for stem in _SETTERS:
            if self.k.has(stem):
                one = self.k.helper(stem)
                keep, put = masks(one.body, one.params[0]) or (0, 0)
                cleared = ~keep & (1 << self.width) - 1
                if put.bit_count() == 1 and cleared & ~put == 0:
                    sets |= put
                elif not put and cleared.bit_count() == 1:
                    clears |= cleared
        started = 0
        for _, pattern in leaves.patterns:
            started |= pattern
        return sets & (clears | ~started) & ~leaves.mask

    @cached_property
    def _accessible(self) -> _Leaves:
        rows = self._table_rows(access=True)
        return self._closed(self._split(rows), rows)

    def _leaf(self, about: StateName, leaves: _Leaves, suffix: str = "") -> State:
        """A state from patterns: the frame, one of the cores, any of the free bits and of the bits a mapping may have besides."""
        extra = (self.use.extra | leaves.loose) & ~leaves.mask
        found = Patterns.of(frozenset(one & ~extra for _, one in leaves.patterns))
        entry = leaves.placed
        inputs = [Input(self._pfn, f"the frame, in units of {1 << self.use.order} pages", self._recover_frame())]
        given = [pre.PFN.holds(TRUE), pre.PROTECTION.holds(TRUE)]
        if self.use.order:
            given.append(pre.ALIGNED.holds(TRUE))
        if len(found.cores) > 1:
            choice = var(f"attributes{suffix}", (len(found.cores) - 1).bit_length())
            entry = entry | select(choice, found.cores, self.width)
            inputs.append(Input(choice, "which combination of the dependent attribute bits", None, len(found.cores)))
            given.append(pre.PROTECTION.holds(ule(choice, len(found.cores) - 1)))
        else:
            entry = entry | found.cores[0]
        if found.free | extra:
            flags = var(f"flags{suffix}", self.width)
            entry = entry | flags & (found.free | extra)
            inputs.append(Input(flags, "the independent attribute bits", self.here & (found.free | extra)))
        free = found.free | extra
        patterns = Patterns(found.cores, free, (1 << self.width) - 1 & ~(free | leaves.mask))
        return State(about, self.level, entry, tuple(inputs), tuple(given), "leaf", patterns, self._frame, made_by=(f"pfn_{self.level}",))

    def _recover_frame(self) -> Expr:
        pfn = self.k.pfn(self.here)
        return trunc(pfn >> self.use.order if self.use.order else pfn, self._pfn.width)

    def _aged(self, about: StateName, stem: str) -> State:
        age = self.k.helper(stem)
        return self._leaf(about, self._accessible.image(function(age.body, age.params[0])))

    def _devmap(self, about: StateName) -> State:
        rows = self._table_rows(access=True)
        mark = self.k.mkdevmap
        return self._leaf(about, self._closed(self._split(rows).image(function(mark.body, mark.params[0])), rows))

    @cached_property
    def _inaccessible(self) -> _Leaves:
        rows = self._table_rows(access=False)
        leaves = self._split(rows)
        start, loose = set(leaves.patterns), leaves.loose
        for _, modify in self._modifiers(rows):
            made = self._accessible.image(modify)
            start |= {(False, pattern & ~leaves.mask) for _, pattern in made.patterns}
            loose |= made.loose
        return self._closed(replace(leaves, patterns=frozenset(start), loose=loose & ~leaves.mask), rows)

    def _protnone(self, about: StateName) -> State:
        return self._leaf(about, self._inaccessible)

    def _invalidated(self, about: StateName) -> State:
        """mkinvalid of every present leaf: an accessible one, or a prot-none one."""
        invalidate = self.k.mkinvalid
        plain = self.mapped
        try:
            none = self._leaf(about, self._inaccessible, suffix="_protnone")
        except Absent:
            none = None
        if none is None:
            return State(about, self.level, invalidate(plain.entry), plain.inputs, plain.given, "invalid", frame=self._frame, made_by=(invalidate.name, f"pfn_{self.level}"))
        which = var("protnone", 1)
        return State(
            about,
            self.level,
            invalidate(ite(which, none.entry, plain.entry)),
            (*plain.inputs, *none.inputs[1:], Input(which, "it was a prot-none leaf", None, 2)),
            (*plain.given, *none.given),
            "invalid",
            frame=self._frame,
            made_by=(invalidate.name, f"pfn_{self.level}"),
        )

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
            swap_type = zext(narrow, 64)
            number = var("offset", self._offset_bits)
            offset = zext(number, 64)
            inputs += [
                Input(narrow, "the swap area", trunc(self._decoded("__swp_type"), 5)),
                Input(number, "the slot", trunc(self._decoded("__swp_offset"), number.width)),
            ]
            given += [pre.SWAP_TYPE.holds(ult(narrow, kind.types.stop)), pre.SLOT.holds(uge(number, 1)), pre.OFFSET.holds(ult(number, probed_offset(self.layout)))]
        else:
            number = var("pfn" if kind.payload == "pfn" else "marker", self.layout.pfn_bits if kind.payload == "pfn" else self.layout.marker_bits)
            offset = zext(number, 64)
            found = self._decoded("__swp_offset")
            inputs.append(Input(number, "the page frame number" if kind.payload == "pfn" else "what it marks", trunc(found, number.width)))
            if kind.payload == "pfn":
                frame = offset
                given.append(pre.PFN.holds(TRUE))
                if kind.state.startswith("migration") and migration_keeps_age(self.layout):
                    for place, name in enumerate(("young", "dirty")):
                        mark = var(name, 1)
                        at = self.layout.pfn_bits + place
                        offset = offset | zext(mark, 64) << at
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
        return entry, tuple(inputs)

    def _marker(self, about: StateName) -> State:
        if self.level is Level.PTE:
            return self._swap(about)
        made = states(self.layout, Level.PTE)["marker"]
        if isinstance(made, Missing):
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


def probed_offset(layout: Layout) -> int:
    """The offset the kernel's probe of the maximum swap size finds: decode(encode(0, ~0)), mm/swapfile.c: generic_max_swapfile_size."""
    k = layout.at(Level.PTE)
    entry = k.__getattr__("__swp_entry_to_pte")(k.__getattr__("__swp_entry")(0, const((1 << 64) - 1, 64)))
    return evaluate(k.__getattr__("__swp_offset")(k.to_swp_entry(entry)), {})


def offset_bits(layout: Layout) -> int:
    """Bits of a swap offset, from the probe."""
    return probed_offset(layout).bit_length()


def migration_keeps_age(layout: Layout) -> bool:
    """Whether migration entries carry young and dirty: offset bits for the PFN and two more (mm/swapfile.c: swapfile_init, linux-6.1 on)."""
    return probed_offset(layout) + 1 >= 1 << (layout.pfn_bits + 2)

