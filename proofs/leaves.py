"""Leaves: which entries can map a page, found by running the helpers on ints until nothing new comes.

A mapped entry is a frame number and a pattern of attribute bits.  The search starts from what the constructor makes of every protection, and goes on through
the setters mm/ may apply, changes of protection, and the hardware's own writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from bitspec.expr import TRUE, Expr, const, select, trunc, ule, var, zext
from bitspec.fields import LayoutError
from bitspec.hardware import Update
from bitspec.layout import Absent, Kernel, Protection
from bitspec.read.as_int import evaluate, function, masks
from bitspec.read.as_known import known
from bitspec.vocabulary import StateName
from proofs import preconditions as pre
from proofs.closure import Patterns, Unbounded, closure
from proofs.state import Input, State, entry_variable

#: Setters that keep a mapped entry in its state, whatever the VMA; maybe_mkwrite() asks for VM_WRITE first.
SETTERS = ("mkyoung", "mkold", "mkdirty", "mkclean", "wrprotect", "mksoft_dirty", "clear_soft_dirty", "mkuffd_wp", "clear_uffd_wp", "mkspecial")

#: Combinations of attribute bits that are looked at, and those that may be left when the free bits are taken out.  Kernels have some 40, and 12.
PATTERNS, CORES = 1 << 14, 256


def writers(k: Kernel) -> tuple[str, ...]:
    """The helpers that make a leaf writable: pXd_mkwrite where the architecture has its own, else pXd_mkwrite_novma, and that for shadow stacks."""
    plain = ("mkwrite",) if k.has("mkwrite") else ("mkwrite_novma",)
    return tuple(stem for stem in (*plain, "mkwrite_shstk") if k.has(stem))


@dataclass(frozen=True)
class Leaves:
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

    def image(self, helper: Callable[[int], int]) -> Leaves:
        """What `helper` makes of them."""
        made = {(write, helper(self.frame | one) & ~self.mask, helper(self.frame | one | self.loose) & ~self.mask) for write, one in self.patterns}
        loose = 0
        for _, low, high in made:
            loose |= low ^ high
        return replace(self, patterns=frozenset((write, low & ~loose) for write, low, _ in made), loose=loose)


@dataclass(frozen=True)
class Pages:
    """How one kind of mapping is built and changed.

    Attributes:
        k: the kernel at the level whose helpers are used.
        order: log2 of the base pages a mapping covers.
        build: the constructor: an entry from a page frame number and a protection.
        modify: a change of protection: an entry from an entry and a protection; or None.
        setters: the stems of the setters that apply.
        updates: what the hardware writes by itself.
        extra: bits a mapping may have on top of any protection.
    """

    k: Kernel
    order: int
    build: Callable[[Expr, Expr], Expr]
    modify: Callable[[Expr, Expr], Expr] | None
    setters: tuple[str, ...] = SETTERS
    updates: tuple[Update, ...] = ()
    extra: int = 0

    @property
    def width(self) -> int:
        """Of an entry, in bits."""
        return self.k.use.width

    @cached_property
    def here(self) -> Expr:
        """A whole entry, as a variable."""
        return entry_variable(self.width)

    @cached_property
    def pfn(self) -> Expr:
        """The frame's number, in units of a mapping."""
        return var("pfn", self.k.layout.pfn_bits - self.order)

    @cached_property
    def frame(self) -> Expr:
        """The frame's number, in base pages."""
        wide = zext(self.pfn, self.k.layout.word)
        return wide << self.order if self.order else wide

    def rows(self, access: bool) -> tuple[Protection, ...]:
        """The protections that permit some access, or the others."""
        return tuple(row for row in self.k.protections if row.access is access)

    @cached_property
    def accessible(self) -> Leaves:
        """Every leaf of a protection that permits some access, built as such or made so again."""
        rows = self.rows(access=True)
        built = self.closed(self.built(rows), rows)
        if not self.rows(access=False):
            return built
        again = self.protected(built, self._hidden(built), rows)
        # mostly the same; on arm with LPAE one that was built prot-none and made old lacks nG
        return built if again == built else self.closed(again, rows)

    @cached_property
    def inaccessible(self) -> Leaves:
        """Every prot-none leaf, built as such or made so."""
        return self._hidden(self.accessible)

    def _hidden(self, before: Leaves) -> Leaves:
        rows = self.rows(access=False)
        return self.closed(self.protected(self.built(rows), before, rows), rows)

    def protected(self, built: Leaves, before: Leaves, rows: tuple[Protection, ...]) -> Leaves:
        """The leaves `built` with the protections `rows`, and those that `before` become by a change to one of them."""
        start, loose = set(built.patterns), built.loose
        for write, modify in self._modifiers(rows):
            made = before.image(modify)
            start |= {(write, pattern & ~built.mask) for _, pattern in made.patterns}
            loose |= made.loose
        loose &= ~built.mask
        return replace(built, patterns=frozenset((write, pattern & ~loose) for write, pattern in start), loose=loose)

    def built(self, rows: Iterable[Protection]) -> Leaves:
        """The leaves as they are built with these protections, before any setter."""
        placed: Expr | None = None
        mask = 0
        start: set[tuple[bool, int]] = set()
        for row in rows:
            made = self.build(self.frame, const(row.value, self.width))
            zeros, ones = known(made)
            unknown = ((1 << self.width) - 1) & ~(zeros | ones)
            if placed is None:
                placed, mask = made & unknown, unknown
            elif mask != unknown:
                raise LayoutError(f"pfn_{self.k.level} must put the frame into the same bits for every protection, not {mask:#x} and {unknown:#x}")
            start.add((row.write, ones))
        if placed is None:
            raise Absent(self.k.use.no_leaves or f"the protection table of {self.k.layout.name} has no such entry")
        return Leaves(mask, placed, evaluate(placed, {self.pfn: 0}), frozenset(start))

    def _setters(self, stems: Iterable[str]) -> list[Callable[[int], int]]:
        return [function(one.body, one.params[0]) for one in (self.k.helper(stem) for stem in stems if self.k.has(stem))]

    def _modifiers(self, rows: Iterable[Protection]) -> list[tuple[bool, Callable[[int], int]]]:
        """A change to each protection, and whether that permits writing."""
        if self.modify is None:
            return []
        writes: dict[int, bool] = {}
        for row in rows:
            writes[row.value] = row.write or writes.get(row.value, False)
        return [(write, function(self.modify(self.here, const(value, self.width)), self.here)) for value, write in writes.items()]

    def closed(self, leaves: Leaves, rows: tuple[Protection, ...]) -> Leaves:
        """The leaves reachable from `leaves` within one kind."""
        always = self._setters(self.setters)
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

        try:
            found = closure({(write, one & ~loose) for write, one in leaves.patterns}, steps, PATTERNS)
        except Unbounded:
            raise LayoutError(f"the setters of a {self.k.level} must lead to at most {PATTERNS} combinations of attribute bits") from None
        return replace(leaves, patterns=found, loose=loose)

    def _toggled(self, leaves: Leaves) -> int:
        """Bits that one setter only sets, and that another only clears or that start out clear: they take either value beside every pattern.

        Leaving them out of the search makes it many times shorter.  A setter that looks at one of them could make the result wrong; the claim
        helper-leaves-state proves that every setter stays in the states found, and a test compares them with a search that leaves nothing out.
        """
        sets = clears = 0
        for stem in self.setters:
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

    def state(self, about: StateName, leaves: Leaves, suffix: str = "") -> State:
        """A state from patterns: the frame, one of the cores, any of the free bits and of the bits a mapping may have besides."""
        level = self.k.level
        assert level is not None
        extra = (self.extra | leaves.loose) & ~leaves.mask
        if not leaves.patterns:
            raise Absent(f"no protection of {self.k.layout.name} makes such a leaf")
        found = Patterns.of(frozenset(one & ~extra for _, one in leaves.patterns))
        if len(found.cores) > CORES:
            raise LayoutError(f"the attribute bits of a {self.k.level} must have at most {CORES} combinations beside the free ones, not {len(found.cores)}")
        entry = leaves.placed
        frame = self.k.pfn(self.here)
        found_frame = trunc(frame >> self.order if self.order else frame, self.pfn.width)
        inputs = [Input(self.pfn, f"the frame, in units of {1 << self.order} pages", found_frame)]
        given = [pre.PFN.holds(TRUE), pre.PROTECTION.holds(TRUE)]
        if self.order:
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
        return State(about, level, entry, tuple(inputs), tuple(given), "leaf", patterns, self.frame, made_by=(f"pfn_{level}",))
