"""The matrix of capabilities: layouts by levels by what their entries can hold, every cell from a claim's verdict or from a count.

A column is a function: what is known of the claims it rests on comes in, a cell goes out; its documentation is the column's definition.  What a layout
lacks is never written down here: it is what the claims are not applicable for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import bitspec
from bitspec import matrix as plain
from bitspec.anatomy import Span
from bitspec.fields import Owner
from bitspec.layout import Layout
from bitspec.matrix import Cell, Counted
from bitspec.vocabulary import NON_PRESENT, Level
from proofs.anatomy import owners
from proofs.capacity import binary_size, swap_bits, swap_types
from proofs.check import Checker, Result, Verdict
from proofs.claim import Scene, find
from proofs.known import Known
from proofs.report import numbering_of
from proofs.state import Lacking
from proofs.states import offset_bits

NOT_ASKED: Final = Cell(".")
"""No claim asks for it at this level, and nothing is counted."""


def _any(subject: str) -> bool:
    return True


@dataclass(frozen=True)
class Facet:
    """Something a level may have, told by claims.

    Attributes:
        needs: names of claims; it is there if each of them that is asked at the level applies to some subject.
        also: names of claims that are asked of it, too.
        about: which of their subjects are meant.
    """

    needs: tuple[str, ...]
    also: tuple[str, ...] = ()
    about: Callable[[str], bool] = _any


@dataclass(frozen=True)
class Found:
    """What became of a facet at one level.

    Attributes:
        asked: whether any of the claims it needs is asked at the level.
        claims: those that apply.
        reasons: why it is not there; empty where it is.
    """

    asked: bool
    claims: tuple[plain.Asked, ...]
    reasons: tuple[str, ...]

    @property
    def there(self) -> bool:
        """Whether the level has it."""
        return self.asked and not self.reasons


def _found(scene: Scene, results: Sequence[Result], facet: Facet) -> Found:
    groups = [[one for one in results if one.claim.name == name and facet.about(one.subject)] for name in dict.fromkeys(facet.needs + facet.also)]
    needed = [group for group in groups[: len(facet.needs)] if group]
    lacking = [group for group in needed if all(one.verdict is Verdict.NOT_APPLICABLE for one in group)]
    if lacking:
        return Found(True, (), (_told(scene, lacking[0][0].reason or ""),))  # the first subject is the plainest
    return Found(bool(needed), _asked(one for group in groups for one in group), ())


def _asked(results: Iterable[Result]) -> tuple[plain.Asked, ...]:
    """The claims that apply, the subjects of one outcome together."""
    subjects: dict[tuple[str, str, str, str], list[str]] = {}
    for one in results:
        if one.verdict is not Verdict.NOT_APPLICABLE:
            key = (one.code, one.claim.name, str(one.verdict), one.known.kind if one.known is not None else "")
            subjects.setdefault(key, []).append(one.subject)
    return tuple(plain.Asked(code, name, tuple(which), verdict, known) for (code, name, verdict, known), which in subjects.items())


def _told(scene: Scene, reason: str) -> str:
    """A reason without the layout and the variant: a cell stands in a row that names both."""
    return reason.replace(f" in {scene.layout.name}", "").replace(f" in variant {scene.layout.hardware.variant}", "")


def _counted(function: Callable[..., Any], value: int) -> Counted:
    return Counted(f"{function.__module__}.{function.__qualname__}", value)


# Facets

_PREDICATES = ("swap-entry-looks-none", "swap-entry-looks-present", "swap-entry-looks-leaf", "swap-entry-looks-huge", "swap-entry-looks-protnone")
_APART = (*_PREDICATES, "kinds-overlap", "classes-overlap", "hardware-walks-swap-entry", "l1tf-points-to-memory")


def _moving(subject: str) -> bool:
    """A migration entry, alone or in a pair: ``migration-read``, ``swap/migration-read``."""
    return any(part.startswith("migration") for part in subject.split("/"))


def _absent(subject: str) -> bool:
    """An entry of a non-present kind, alone or in a pair: ``swap``, ``leaf-protnone/swap``."""
    return any(part in NON_PRESENT for part in subject.split("/"))


def _of(view: str) -> Callable[[str], bool]:
    return lambda subject: subject == view


def _marked(flag: str) -> Facet:
    """A software flag of swap entries and their relatives."""
    return Facet(("flag-lost", "flag-sticky", "flag-disturbs", "fresh-entry-flagged"), (), lambda subject: subject.endswith(f"+{flag}"))


def _attribute(flag: str) -> Callable[[str], bool]:
    """Subjects of an attribute of leaves: a kind of leaf, a setter of the attribute, or what has to keep it."""
    setters = (f"_mk{flag}", f"_clear_{flag}")

    def about(subject: str) -> bool:
        helper = subject.partition("(")[0]
        return "_" not in helper or helper.endswith((f"/{flag}", *setters))

    return about


_KEPT = ("modify-forgets", "mkinvalid-forgets", "setter-moves-frame", "setter-disturbs")

CODEC: Final = Facet(("swap-type-truncated",), ("swap-entry-garbled", "flags-confuse-decode", "generic-swap-entry-garbled", "kind-lost"))
PROBE: Final = Facet(("offset-probe-wrong",), ("encoder-spills",))
AREA: Final = Facet(("offset-probe-wrong",), ("generic-swap-entry-garbled",))
FRAME: Final = Facet(("migration-pfn-truncated",), ("payload-truncated",))
AGE: Final = Facet(("migration-age-lost",))
MOVES: Final = Facet(("migration-kind-lost",), ("migration-pfn-truncated", "split-loses-migration", "mkinvalid-revives-swap", *_APART), _moving)
THP: Final = Facet(("leaf-not-huge",))
LEAF: Final = Facet(("frame-lost",))
APART: Final = Facet(("swap-entry-looks-present",), _APART, _absent)
SOFT_DIRTY: Final = Facet(("soft-dirty-lost", "soft-dirty-sticky"), _KEPT, _attribute("soft_dirty"))
UFFD_WP: Final = Facet(("uffd-wp-lost", "uffd-wp-sticky"), ("uffd-wp-writable", *_KEPT), _attribute("uffd_wp"))
LEAF_BITS: Final = Facet(("bit-without-owner",), (), _of("leaf"))
SWAP_BITS: Final = Facet(("bit-without-owner",), (), _of("invalid"))


# Columns


@dataclass(frozen=True)
class Maker:
    """A column, and how its cells are made.

    Attributes:
        name, head: what it is called, in full and in two short lines.
        facets: what its cells rest on.
        beside: what could have it; a cell does not rest on these, they only tell `no` from `-`.
        make: the cell, from the scene and what became of each facet.
    """

    name: str
    head: tuple[str, str]
    facets: tuple[Facet, ...]
    beside: tuple[Facet, ...]
    make: Callable[..., Cell]

    def cell(self, scene: Scene, results: Sequence[Result]) -> Cell:
        """The cell of a level that exists."""
        found: Cell = self.make(scene, *[_found(scene, results, one) for one in self.facets + self.beside])
        return found

    @property
    def claims(self) -> tuple[str, ...]:
        """The names of the claims its cells may rest on."""
        return tuple(dict.fromkeys(name for one in self.facets for name in one.needs + one.also))

    @property
    def column(self) -> plain.Column:
        """The column as plain data."""
        claims = [(name, tuple(dict.fromkeys(find(name).codes.values()))) for name in self.claims]
        return plain.Column(self.name, self.head, " ".join((self.make.__doc__ or "").split()), tuple(claims))


def column(name: str, head: str, *facets: Facet, beside: tuple[Facet, ...] = ()) -> Callable[[Callable[..., Cell]], Maker]:
    """Declare a column; `head` is its two short lines, with a line break between them."""
    upper, _, lower = head.partition("\n")
    return lambda make: Maker(name, (upper, lower), facets, beside, make)


@column("swap types", "swap\ntypes", CODEC)
def _types(scene: Scene, codec: Found) -> Cell:
    """How many of the 32 swap types of mm/ (MAX_SWAPFILES_SHIFT is 5) come back from an entry, next to any offset: swap files share them with the kinds
    of migration, device, poison and marker entries.
    """
    if not codec.there:
        return _without(codec)
    kept = swap_types(scene.layout, scene.level)
    return Cell(str(kept), codec.claims, (_counted(swap_types, kept),))


@column("offset bits", "offset\nbits", PROBE)
def _offset(scene: Scene, probe: Found) -> Cell:
    """How many bits of a swap offset come back, by the probe the kernel makes at boot, decode(encode(0, ~0)); the claims are that the probe tells the
    truth, and that a wider offset does not spill into other fields.
    """
    if not probe.there:
        return _without(probe)
    width = offset_bits(scene.layout, scene.level)
    return Cell(str(width), probe.claims, (_counted(offset_bits, width),))


@column("largest swap", "largest\nswap", AREA)
def _largest(scene: Scene, area: Found) -> Cell:
    """The largest swap area whose every page has an offset, as generic_max_swapfile_size() finds it, which probes PTEs alone; what else limits an area
    is not counted: the 32 bits of last_page in its header, and arch_max_swapfile_size() on x86 with L1TF.
    """
    if scene.level is not Level.PTE:
        return NOT_ASKED
    if not area.there:
        return _without(area)
    size = swap_bits(scene.layout)
    return Cell(binary_size(size), area.claims, (_counted(swap_bits, size),))


@column("PFN bits", "PFN\nbits", FRAME)
def _frame(scene: Scene, frame: Found) -> Cell:
    """How many bits the largest page frame number has (MAX_PHYSMEM_BITS - PAGE_SHIFT), which the offset of a migration, device or poison entry has to
    hold: the claim is that every frame comes back whole.
    """
    if not frame.there:
        return _without(frame)
    width, room = scene.layout.pfn_bits, offset_bits(scene.layout, scene.level)
    return Cell(str(width), frame.claims, (Counted("bitspec.layout.Layout.pfn_bits", width), _counted(offset_bits, room)))


@column("young/dirty", "young\ndirty", AGE, beside=(MOVES,))
def _age(scene: Scene, age: Found, moves: Found) -> Cell:
    """Whether migration entries keep young and dirty above the page frame number (migration_entry_supports_ad()), for which the probed offset needs two
    bits more than the frame.
    """
    return _flag(age, moves)


@column("exclusive", "exclu-\nsive", _marked("exclusive"), beside=(CODEC,))
def _exclusive(scene: Scene, flag: Found, codec: Found) -> Cell:
    """Whether a swapped-out page keeps PageAnonExclusive in a bit of its entry (pte_swp_mkexclusive()) that is independent of type, offset and the other
    flags; migration entries say it by their kind.
    """
    return _flag(flag, codec)


@column("soft-dirty", "soft-\ndirty", SOFT_DIRTY, _marked("soft_dirty"), beside=(LEAF, CODEC))
def _soft_dirty(scene: Scene, leaf: Found, swap: Found, leaves: Found, codec: Found) -> Cell:
    """Whether entries carry the soft-dirty mark: `yes` in mapped and in non-present ones, `leaf` in mapped ones alone, `swap` in non-present ones
    alone.
    """
    return _both(leaf, swap, leaves, codec)


@column("uffd-wp", "uffd-\nwp", UFFD_WP, _marked("uffd_wp"), beside=(LEAF, CODEC))
def _uffd_wp(scene: Scene, leaf: Found, swap: Found, leaves: Found, codec: Found) -> Cell:
    """Whether entries carry the write-protection mark of userfaultfd: `yes`, `leaf` and `swap` as for soft-dirty."""
    return _both(leaf, swap, leaves, codec)


@column("migration", "migra-\ntion", MOVES, beside=(THP,))
def _migration(scene: Scene, moves: Found, thp: Found) -> Cell:
    """What stands for a page on the move: `entry`, a migration entry of this level that keeps kind and frame and is taken for nothing else; `split`, a
    huge page is split into base pages first (thp_migration_supported()), because the level has no swap codec; `-` where there are no transparent huge
    pages.
    """
    if not moves.asked:
        return NOT_ASKED
    if scene.level is not Level.PTE and not thp.there:
        return Cell("-", reasons=thp.reasons)
    if moves.there:
        return Cell("entry", moves.claims)
    return Cell("no" if scene.level is Level.PTE else "split", reasons=moves.reasons)


@column("told apart", "told\napart", APART)
def _apart(scene: Scene, apart: Found) -> Cell:
    """Whether no swap, migration, device, poison or marker entry is taken for none, present, a leaf, huge or prot-none, equals an entry of another
    class, or is walked by the hardware (on x86 with L1TF: not even speculatively), whatever its software flags; at pmd without a swap codec that is asked of
    the markers of hugetlbfs alone.
    """
    if not apart.there:
        return _without(apart)
    return Cell("yes", apart.claims)


@column("free in leaf", "free\nleaf", LEAF_BITS)
def _free_leaf(scene: Scene, described: Found) -> Cell:
    """How many bits of a mapped entry neither the hardware nor the kernel uses, as `bitspec free` lists them; the claim is that the hardware description
    leaves none out.
    """
    unmapped = scene.k.use.no_leaves
    return Cell("-", reasons=(_told(scene, unmapped),)) if unmapped else _free(scene, "leaf", described)


@column("free in swap", "free\nswap", SWAP_BITS)
def _free_swap(scene: Scene, described: Found) -> Cell:
    """How many bits of a swap entry are free, as `bitspec free` lists them: nothing stands on them, the hardware does not look at them, and an example of
    each kind of entry answers no predicate otherwise when one is flipped.
    """
    return _free(scene, "swap", described)


def _free(scene: Scene, kind: str, described: Found) -> Cell:
    """The bits of one kind of entry that are free."""
    found = owners(scene)
    if kind not in found.kinds:
        lacking = scene.states.get(kind)
        if lacking is None:
            return NOT_ASKED
        return Cell("-", reasons=(_told(scene, lacking.reason) if isinstance(lacking, Lacking) else f"no {kind} entry is described",))
    index = found.kinds.index(kind)
    free = [span for span in found.spans if span.owners[index][0] is Owner.FREE]
    count, _ = found.free[kind]
    return Cell(str(count), described.claims, (_counted(owners, count),), where=_positions(scene, free))


def _positions(scene: Scene, spans: Sequence[Span]) -> str:
    """The bits of some spans, highest first, neighbours together, as the manual counts."""
    runs: list[tuple[int, int]] = []
    for span in spans:
        high = span.low + span.width - 1
        if runs and runs[-1][1] == high + 1:
            high = runs.pop()[0]
        runs.append((high, span.low))
    numbering, width = numbering_of(scene), scene.k.use.width
    return ", ".join(numbering.text(high, low, width) for high, low in runs)


def _without(facet: Found) -> Cell:
    """The cell where there is nothing to count, or nobody asks."""
    return Cell("-", reasons=facet.reasons) if facet.asked else NOT_ASKED


def _flag(flag: Found, holder: Found) -> Cell:
    """Whether something that may not be there itself carries a flag."""
    if not flag.asked:
        return NOT_ASKED
    if flag.there and holder.there:
        return Cell("yes", flag.claims)
    return Cell("no", reasons=flag.reasons) if holder.there else Cell("-", reasons=holder.reasons)


def _both(leaf: Found, swap: Found, leaves: Found, codec: Found) -> Cell:
    """Whether mapped entries, non-present ones, or both carry a mark; a marker of hugetlbfs that does is no swap entry of the level."""
    if not leaf.asked and not swap.asked:
        return NOT_ASKED
    kept = swap.there and codec.there
    names = {(True, True): "yes", (True, False): "leaf", (False, True): "swap", (False, False): "no" if leaves.there or codec.there else "-"}
    lacking = () if kept or not codec.asked else codec.reasons or swap.reasons
    return Cell(names[leaf.there, kept], leaf.claims + (swap.claims if kept else ()), reasons=(*leaf.reasons, *lacking))


COLUMNS: Final[tuple[Maker, ...]] = tuple(value for value in globals().values() if isinstance(value, Maker))
"""Every column, in the order of the page."""


@cache
def codes() -> frozenset[str]:
    """The codes of every claim a cell may rest on."""
    needed = {name for one in COLUMNS for facet in one.beside for name in facet.needs}
    return frozenset(code for name in needed.union(*(one.claims for one in COLUMNS)) for code in find(name).codes.values())


# Rows


def row(scene: Scene, results: Sequence[Result]) -> plain.Row:
    """The row of one level that exists, from what became of its claims."""
    return plain.Row(scene.level.value, tuple(one.cell(scene, results) for one in COLUMNS))


def block(layout: Layout, levels: Iterable[Level], results: Iterable[Result]) -> plain.Block:
    """The rows of one layout, from what became of its claims; a folded level has its reason alone."""
    of_level: dict[Level, list[Result]] = {level: [] for level in levels}
    for one in results:
        of_level[one.level].append(one)
    rows = [
        row(mine[0].scene, mine) if level in layout.uses else plain.Row(level.value, (), _told(mine[0].scene, mine[0].reason or ""))
        for level, mine in of_level.items()
    ]  # fmt: skip
    return plain.Block(layout.arch, layout.release, (layout.hardware.variant,), layout.config.name, layout.provenance, tuple(rows))


def matrix(
    layouts: Iterable[Layout],
    levels: Sequence[Level],
    known: Mapping[str, Sequence[Known]],
    timeout: float | None = None,
    missing: Sequence[tuple[str, str]] = (),
) -> plain.Matrix:
    """The matrix of some layouts.

    Args:
        layouts: the layouts.
        levels: the levels.
        known: the reviewed refutations, by architecture.
        timeout: seconds for a single query, or None.
        missing: layouts that do not exist in a variant, with the reason.
    """
    checkers = {arch: Checker(entries, timeout) for arch, entries in known.items()}
    blocks = [block(one, levels, checkers[one.arch].check(one, levels, codes())) for one in layouts]
    return plain.Matrix(bitspec.__version__, tuple(one.column for one in COLUMNS), tuple(blocks), tuple(missing))
