"""What the three m68k formats have in common, and how one of them becomes a layout.

The formats stand in :mod:`archs.m68k.motorola`, :mod:`archs.m68k.coldfire` and :mod:`archs.m68k.sun3`, a header of the kernel each; they name their fields
as that header does, and the names used here stand in all three.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from archs import linux
from archs.m68k.hardware import PAGE_SHIFT
from bitspec.expr import Expr, any_of, clear, const, eq, zext
from bitspec.fields import View
from bitspec.hardware import Hardware
from bitspec.layout import Config, Definition, Kernel, Layout, LevelUse, SwapKind, by_name, definitions, helper
from bitspec.vocabulary import Level

HEADERS: Final = "arch/m68k/include/asm/{motorola,mcf,sun3}_pgtable.h"
_ALL: Final = "pte_{0} pmd_{0}"


@dataclass(frozen=True)
class Format:
    """One of the formats.

    Attributes:
        uses: the kernel's use of each level, given the view of a swap entry.
        helpers: those that are its own.
        sources: the kernel files that were read.
    """

    uses: Callable[[View], Mapping[Level, LevelUse]]
    helpers: tuple[Definition, ...]
    sources: tuple[str, ...]


@helper(_ALL.format("none"), HEADERS)
def none(k: Kernel, entry: Expr) -> Expr:
    return eq(entry, 0)


@helper("pte_clear pmd_clear", HEADERS)
def cleared(k: Kernel) -> Expr:
    return const(0, 32)


@helper("pte_young", HEADERS)
def young(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_ACCESSED"])


@helper("pte_mkyoung", HEADERS)
def mkyoung(k: Kernel, pte: Expr) -> Expr:
    return pte | k["_PAGE_ACCESSED"]


@helper("pte_mkold", HEADERS)
def mkold(k: Kernel, pte: Expr) -> Expr:
    return clear(pte, k["_PAGE_ACCESSED"])


@helper("pte_dirty", HEADERS)
def dirty(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_DIRTY"])


@helper("pte_mkdirty", HEADERS)
def mkdirty(k: Kernel, pte: Expr) -> Expr:
    return pte | k["_PAGE_DIRTY"]


@helper("pte_mkclean", HEADERS)
def mkclean(k: Kernel, pte: Expr) -> Expr:
    return clear(pte, k["_PAGE_DIRTY"])


# Swap entries


@helper("__swp_type", HEADERS)
def swp_type(k: Kernel, swp: Expr) -> Expr:
    return zext(k.field("SWP_TYPE").extract(swp), 32)


@helper("__swp_offset", HEADERS)
def swp_offset(k: Kernel, swp: Expr) -> Expr:
    """All that lies above: it is not masked."""
    return swp >> k.shift("SWP_OFFSET")


@helper("__pte_to_swp_entry __swp_entry_to_pte", HEADERS)
def as_it_is(k: Kernel, entry: Expr) -> Expr:
    return entry


_HELPERS: Final = definitions(globals())


def writable(k: Kernel, pte: Expr) -> Expr:
    """pte_mkwrite, since v6.6 pte_mkwrite_novma."""
    if k.layout.hardware.variant == "motorola":
        return clear(pte, k["_PAGE_RONLY"])
    return pte | k["_PAGE_WRITABLE"]


def supported(config: Config) -> Config:
    """What m68k can be configured with: no soft-dirty, userfaultfd write-protection, device memory or memory failure (arch/m68k/Kconfig)."""
    return Config(config.name, config.options & {"MIGRATION"})


def layout(
    hardware: Hardware, release: str, config: Config, of: Format, swap: View, helpers: tuple[Definition, ...], kinds: tuple[SwapKind, ...], provenance: str
) -> Layout:
    """m68k at a release, from the format and what the release has of its own."""
    return Layout(
        hardware=hardware,
        release=release,
        provenance=provenance,
        config=config,
        uses=of.uses(swap),
        helpers=by_name(linux.HELPERS, _HELPERS, of.helpers, helpers),
        kinds=kinds,
        pfn_bits=32 - PAGE_SHIFT[hardware.variant],  # SWP_PFN_BITS without MAX_PHYSMEM_BITS: BITS_PER_LONG - PAGE_SHIFT
        word=32,
        sources=of.sources,
        numbers={"PAGE_SHIFT": PAGE_SHIFT[hardware.variant]},
    )
