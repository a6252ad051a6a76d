"""What nios2 kernels read alike in linux-6.1 and linux-6.12: everything but the swap codec and the name of mkwrite.

The kernel has two levels; the upper one is the folded pmd, whose entries are virtual addresses of the lower tables.
"""

from __future__ import annotations

from typing import Final

from archs import linux
from archs.nios2.hardware import PAGE_SHIFT
from bitspec.expr import Expr, any_of, clear, none_of, var, zext
from bitspec.fields import Row, View, acts, software, view
from bitspec.hardware import Hardware
from bitspec.layout import Config, Definition, Kernel, Layout, LevelUse, SwapKind, by_name, definitions, helper, protections
from bitspec.vocabulary import Level

PGTABLE: Final = "arch/nios2/include/asm/pgtable.h"
BITS: Final = "arch/nios2/include/asm/pgtable-bits.h"
SOURCES: Final = (PGTABLE, BITS, "arch/nios2/mm/init.c")

_LEAF: Final = view(
    "leaf",
    software("_PAGE_DIRTY", 27, "written"),
    software("_PAGE_ACCESSED", 26, "referenced"),
    software("_PAGE_PRESENT", 25, "there is a translation"),
    acts("_PAGE_CACHED", 24, "C"),
    acts("_PAGE_READ", 23, "R"),
    acts("_PAGE_WRITE", 22, "W"),
    acts("_PAGE_EXEC", 21, "X"),
    acts("_PAGE_GLOBAL", 20, "G"),
    acts("PFN", (19, 0), "the frame"),
    width=32,
    source=BITS,
)


def swap_view(*rows: Row) -> View:
    """The view of a swap entry."""
    return view("swap", *rows, width=32, source=PGTABLE)


def _mkp(x: int, w: int, r: int) -> int:
    """MKP(x, w, r): _PAGE_PRESENT, _PAGE_CACHED, and the rights."""
    return 1 << 25 | 1 << 24 | x << 21 | w << 22 | r << 23


#: protection_map, arch/nios2/mm/init.c
PROTECTIONS: Final = protections({
    "VM_NONE": _mkp(0, 0, 0),
    "VM_READ": _mkp(0, 0, 1),
    "VM_WRITE": _mkp(0, 0, 0),
    "VM_WRITE|VM_READ": _mkp(0, 0, 1),
    "VM_EXEC": _mkp(1, 0, 0),
    "VM_EXEC|VM_READ": _mkp(1, 0, 1),
    "VM_EXEC|VM_WRITE": _mkp(1, 0, 0),
    "VM_EXEC|VM_WRITE|VM_READ": _mkp(1, 0, 1),
    "VM_SHARED": _mkp(0, 0, 0),
    "VM_SHARED|VM_READ": _mkp(0, 0, 1),
    "VM_SHARED|VM_WRITE": _mkp(0, 1, 0),
    "VM_SHARED|VM_WRITE|VM_READ": _mkp(0, 1, 1),
    "VM_SHARED|VM_EXEC": _mkp(1, 0, 0),
    "VM_SHARED|VM_EXEC|VM_READ": _mkp(1, 0, 1),
    "VM_SHARED|VM_EXEC|VM_WRITE": _mkp(1, 1, 0),
    "VM_SHARED|VM_EXEC|VM_WRITE|VM_READ": _mkp(1, 1, 1),
})  # fmt: skip

_LEFT: Final = 0xF
"""What pte_none() looks past besides _PAGE_GLOBAL: pte_clear() leaves the lowest bits of the virtual page number there."""

# What an entry is


@helper("pte_none", PGTABLE)
def none(k: Kernel, pte: Expr) -> Expr:
    return none_of(pte, ~(k["_PAGE_GLOBAL"] | _LEFT) & (1 << 32) - 1)


@helper("pte_present", PGTABLE)
def present(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_PRESENT"])


@helper("pte_young", PGTABLE)
def young(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_ACCESSED"])


@helper("pte_dirty", PGTABLE)
def dirty(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_DIRTY"])


@helper("pte_write", PGTABLE)
def write(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_WRITE"])


# Setters


@helper("pte_mkyoung", PGTABLE)
def mkyoung(k: Kernel, pte: Expr) -> Expr:
    return pte | k["_PAGE_ACCESSED"]


@helper("pte_mkold", PGTABLE)
def mkold(k: Kernel, pte: Expr) -> Expr:
    return clear(pte, k["_PAGE_ACCESSED"])


@helper("pte_mkdirty", PGTABLE)
def mkdirty(k: Kernel, pte: Expr) -> Expr:
    return pte | k["_PAGE_DIRTY"]


@helper("pte_mkclean", PGTABLE)
def mkclean(k: Kernel, pte: Expr) -> Expr:
    return clear(pte, k["_PAGE_DIRTY"])


@helper("pte_wrprotect", PGTABLE)
def wrprotect(k: Kernel, pte: Expr) -> Expr:
    return clear(pte, k["_PAGE_WRITE"])


@helper("pte_modify", PGTABLE)
def modify(k: Kernel, pte: Expr, prot: Expr) -> Expr:
    rights = k["_PAGE_READ", "_PAGE_WRITE", "_PAGE_EXEC"]
    return clear(pte, rights) | prot & rights


# The frame


@helper("pte_pfn", PGTABLE)
def pfn(k: Kernel, pte: Expr) -> Expr:
    return pte & k["PFN"]


@helper("pfn_pte", PGTABLE)
def pfn_pte(k: Kernel, page: Expr, prot: Expr) -> Expr:
    """The frame is not masked."""
    return page | prot


@helper("pte_clear", PGTABLE)
def cleared(k: Kernel) -> Expr:
    """The four lowest bits of the virtual page number, whichever it is; a table that was never written holds zeros."""
    return zext(var("page", _LEFT.bit_length()), 32)


# Swap entries


@helper("__swp_type", PGTABLE)
def swp_type(k: Kernel, swp: Expr) -> Expr:
    return zext(k.field("SWP_TYPE").extract(swp), 32)


@helper("__swp_offset", PGTABLE)
def swp_offset(k: Kernel, swp: Expr) -> Expr:
    return zext(k.field("SWP_OFFSET").extract(swp), 32)


@helper("__swp_entry", PGTABLE)
def swp_entry(k: Kernel, swap_type: Expr, offset: Expr) -> Expr:
    """Both are masked."""
    return k.field("SWP_TYPE").insert(swap_type, 32) | k.field("SWP_OFFSET").insert(offset, 32)


@helper("__pte_to_swp_entry __swp_entry_to_pte", PGTABLE)
def as_it_is(k: Kernel, entry: Expr) -> Expr:
    return entry


HELPERS: Final = definitions(globals())
"""What both releases define in the same words."""


def supported(config: Config) -> Config:
    """What nios2 can be configured with: no soft-dirty, userfaultfd write-protection, device memory or memory failure (arch/nios2/Kconfig)."""
    return Config(config.name, config.options & {"MIGRATION"})


def layout(hardware: Hardware, release: str, config: Config, swap: View, helpers: tuple[Definition, ...], kinds: tuple[SwapKind, ...]) -> Layout:
    """nios2 at a release, from what that has of its own."""
    return Layout(
        hardware=hardware,
        release=release,
        config=config,
        uses={Level.PTE: LevelUse({"leaf": _LEAF, "swap": swap}, 0, PROTECTIONS)},
        helpers=by_name(linux.HELPERS, HELPERS, helpers),
        kinds=kinds,
        pfn_bits=32 - PAGE_SHIFT,  # SWP_PFN_BITS without MAX_PHYSMEM_BITS: BITS_PER_LONG - PAGE_SHIFT
        word=32,
        sources=SOURCES,
        numbers={"PAGE_SHIFT": PAGE_SHIFT},
    )
