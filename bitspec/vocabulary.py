"""Every level, state and helper the tool knows.

The wrappers for lifting, the type checks of layouts, and "not applicable" all derive from this module: a helper that is named here and missing in a
layout is not applicable there; a helper that is not named here is an error, so that a typo cannot silently become "not applicable".

Semantics of the helpers: Documentation/mm/arch_pgtable_helpers.rst, include/linux/pgtable.h, include/linux/swapops.h (linux-6.12).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum, StrEnum
from typing import Final


class Level(StrEnum):
    """A level of the page table, by its Linux name; each architecture says which hardware table that is."""

    PTE = "pte"
    PMD = "pmd"
    PUD = "pud"

    __repr__ = StrEnum.__str__


class Kind(Enum):
    """What an argument or a result is.  The width follows from the layout: an entry's from its level, a number's from the word size."""

    ENTRY = "entry"  # pte_t, pmd_t, pud_t by the helper's level
    PROT = "pgprot_t"
    NUMBER = "unsigned long"  # a page frame number, a swap type or offset
    ADDRESS = "phys_addr_t"  # of a lower table
    SWAP = "swp_entry_t, as the architecture has it"
    BOOL = "bool"


@dataclass(frozen=True, slots=True)
class Signature:
    """A helper's name and type.

    Attributes:
        name: the kernel's name for it, such as ``pmd_present``.
        level: the level it belongs to, or None when it belongs to none (``__swp_type``).
        params: the arguments' kinds.
        result: the result's kind.
    """

    name: str
    level: Level | None
    params: tuple[Kind, ...]
    result: Kind

    @property
    def stem(self) -> str:
        """The name without its level: ``present`` for ``pmd_present``."""
        return self.name.removeprefix(f"{self.level}_") if self.level else self.name


class VocabularyError(ValueError):
    """A name the tool does not know."""


_E, _P, _N, _A, _S, _B = Kind.ENTRY, Kind.PROT, Kind.NUMBER, Kind.ADDRESS, Kind.SWAP, Kind.BOOL

#: Helpers that exist per level, as ``{level}_{stem}``.
_PER_LEVEL: Final[tuple[tuple[str, tuple[Kind, ...], Kind], ...]] = (
    # what an entry is
    ("none present bad leaf trans_huge huge devmap special protnone", (_E,), _B),
    ("young dirty write exec soft_dirty uffd_wp", (_E,), _B),
    # what get_user_pages_fast() asks before it takes a page: for a load, for a store
    ("access_permitted_read access_permitted_write", (_E,), _B),
    # setters
    ("mkyoung mkold mkdirty mkclean mkwrite mkwrite_novma mkwrite_shstk wrprotect", (_E,), _E),
    ("mksoft_dirty clear_soft_dirty mkuffd_wp clear_uffd_wp", (_E,), _E),
    ("mkspecial mkdevmap mkhuge mkinvalid", (_E,), _E),
    # construction and taking apart
    ("pfn", (_E,), _N),
    ("modify", (_E, _P), _E),
    # flags of a non-present entry
    ("swp_exclusive swp_soft_dirty swp_uffd_wp", (_E,), _B),
    ("swp_mkexclusive swp_clear_exclusive swp_mksoft_dirty swp_clear_soft_dirty swp_mkuffd_wp swp_clear_uffd_wp", (_E,), _E),
    # include/linux/swapops.h, linux/swap_cgroup.h: generic, but made of the above
    ("to_swp_entry", (_E,), _S),
)

#: Helpers that belong to one level by another pattern, or to none.
_OTHERS: Final[tuple[tuple[str, Level | None, tuple[Kind, ...], Kind], ...]] = (
    ("pfn_pte", Level.PTE, (_N, _P), _E),
    ("pfn_pmd", Level.PMD, (_N, _P), _E),
    ("pfn_pud", Level.PUD, (_N, _P), _E),
    # the value the kernel stores for "no entry"
    ("pte_clear", Level.PTE, (), _E),
    ("pmd_clear", Level.PMD, (), _E),
    ("pud_clear", Level.PUD, (), _E),
    # the value the kernel stores to hook in a lower table at a physical address
    ("pmd_populate", Level.PMD, (_A,), _E),
    ("pud_populate", Level.PUD, (_A,), _E),
    ("__swp_type", None, (_S,), _N),
    ("__swp_offset", None, (_S,), _N),
    ("__swp_entry", None, (_N, _N), _S),
    ("__pte_to_swp_entry", Level.PTE, (_E,), _S),
    ("__swp_entry_to_pte", Level.PTE, (_S,), _E),
    ("__pmd_to_swp_entry", Level.PMD, (_E,), _S),
    ("__swp_entry_to_pmd", Level.PMD, (_S,), _E),
    # hugetlb: the PTE a huge page is given, and s390's conversion between PTEs and segment- or region-table entries
    ("arch_make_huge_pte", Level.PTE, (_E,), _E),
    ("__pte_to_rste_pmd", Level.PMD, (_E,), _E),
    ("__pte_to_rste_pud", Level.PUD, (_E,), _E),
    ("__rste_to_pte_pmd", Level.PMD, (_E,), _E),
    ("__rste_to_pte_pud", Level.PUD, (_E,), _E),
    # s390 since v6.13: the swap codec of segment- and region-table entries
    ("__swp_type_rste", None, (_S,), _N),
    ("__swp_offset_rste", None, (_S,), _N),
    ("mk_swap_rste", None, (_N, _N), _S),
    # include/linux/swapops.h, linux/shmem: the kernel's own swp_entry_t, and as an entry of an xarray
    ("swp_entry", None, (_N, _N), _N),
    ("swp_type", None, (_N,), _N),
    ("swp_offset", None, (_N,), _N),
    ("swp_to_radix_entry", None, (_N,), _N),
    ("radix_to_swp_entry", None, (_N,), _N),
)


def _signatures() -> Mapping[str, Signature]:
    found = [Signature(f"{level}_{stem}", level, params, result) for stems, params, result in _PER_LEVEL for stem in stems.split() for level in Level]
    found += [Signature(*row) for row in _OTHERS]
    return {signature.name: signature for signature in found}


HELPERS: Final[Mapping[str, Signature]] = _signatures()


def signature(name: str) -> Signature:
    """The signature of the helper `name`.  Raises VocabularyError for a name the kernel does not have."""
    try:
        return HELPERS[name]
    except KeyError:
        raise VocabularyError(unknown("helper", name, HELPERS)) from None


def level(name: str) -> Level:
    """The level called `name`.  Raises VocabularyError."""
    try:
        return Level(name)
    except ValueError:
        raise VocabularyError(unknown("level", name, [one.value for one in Level])) from None


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """The sentence for a name that is not among `known`, with the nearest that is."""
    names = list(known)
    near = get_close_matches(name, names, 1)
    if near:
        return f"unknown {what} {name!r}; did you mean {near[0]!r}?"
    return f"unknown {what} {name!r}; known: {', '.join(names)}" if len(names) <= 20 else f"unknown {what} {name!r}"


@dataclass(frozen=True, slots=True)
class StateName:
    """A state an entry can be in.

    Attributes:
        name: as in reports.
        group: its class; different classes must be disjoint.
        levels: where it can exist at all.
        meaning: one line.
        optional: it came and went with some releases; where it is missing, nothing is said of it.
        later: the levels that it came to with some release; where a layout does not say so (SwapKind.also), nothing is said of it there.
    """

    name: str
    group: str
    levels: tuple[Level, ...]
    meaning: str
    optional: bool = False
    later: tuple[Level, ...] = ()


_ALL = tuple(Level)
_HUGE = (Level.PMD, Level.PUD)
_CODEC = (Level.PTE, Level.PMD)
_LEAF = "present leaf"

#: Every state, in the order of the truth table's rows.
STATES: Final[tuple[StateName, ...]] = (
    StateName("none", "none", _ALL, "no entry: what pXd_clear stores, and what hardware may make of it"),
    StateName("table", "table", _HUGE, "a lower table hooked in by pXd_populate"),
    StateName("leaf", _LEAF, _ALL, "a mapped page, accessed lately (young)"),
    StateName("leaf-old", _LEAF, _ALL, "a mapped page whose accessed mark was taken away (mkold)"),
    StateName("leaf-devmap", _LEAF, _ALL, "a mapped page of device memory (mkdevmap)"),
    StateName("leaf-protnone", _LEAF, _ALL, "a mapped page made inaccessible: PAGE_NONE, or a NUMA hint"),
    StateName("leaf-devmap-protnone", _LEAF, _ALL, "a mapped page of device memory made inaccessible"),
    StateName("leaf-invalidated", _LEAF, _HUGE, "a huge page being split or changed (mkinvalid)"),
    StateName("leaf-devmap-invalidated", _LEAF, _HUGE, "a huge page of device memory being changed (mkinvalid)"),
    StateName("swap", "swap", _CODEC, "a swapped-out page: swap file and slot"),
    StateName("migration-read", "migration-read", _CODEC, "a page on the move, mapped read-only and shared"),
    StateName("migration-read-exclusive", "migration-read-exclusive", _CODEC, "a page on the move, mapped read-only and exclusive"),
    StateName("migration-write", "migration-write", _CODEC, "a page on the move, mapped writable"),
    StateName("device-private-read", "device-private-read", _CODEC, "a page in device memory the CPU cannot reach, read-only", later=(Level.PMD,)),
    StateName("device-private-write", "device-private-write", _CODEC, "a page in device memory the CPU cannot reach, writable", later=(Level.PMD,)),
    StateName("device-exclusive-read", "device-exclusive-read", (Level.PTE,), "a page a device has for itself, mapped read-only"),
    StateName("device-exclusive-write", "device-exclusive-write", (Level.PTE,), "a page a device has for itself, mapped writable"),
    StateName("device-exclusive", "device-exclusive", (Level.PTE,), "a page a device has for itself (one kind since v6.15)", optional=True),
    StateName("hwpoison", "hwpoison", (Level.PTE,), "a page with broken memory"),
    StateName("swapin-error", "swapin-error", (Level.PTE,), "a page that could not be read back (a kind of its own in v6.1 only)", optional=True),
    StateName("marker", "marker", _ALL, "a PTE marker (uffd-wp, poisoned), at pmd and pud only for hugetlb"),
)  # fmt: skip


def state_names(at: Level) -> tuple[StateName, ...]:
    """The states that can exist at a level, in table order."""
    return tuple(state for state in STATES if at in state.levels)


NON_PRESENT: Final[tuple[str, ...]] = tuple(state.name for state in STATES if state.group not in ("none", "table", _LEAF))
"""The states of a non-present entry that carries information: swap and its relatives."""
LEAVES: Final[tuple[str, ...]] = tuple(state.name for state in STATES if state.group == _LEAF)
"""The states of a present leaf."""
