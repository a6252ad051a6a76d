"""What openrisc kernels read alike in linux-6.1 and linux-6.12: everything but the swap codec and the name of mkwrite.

The kernel has two levels; the upper one is the folded pmd, whose entries are virtual addresses of the lower tables.
"""

from __future__ import annotations

from typing import Final

from archs import linux
from archs.openrisc.hardware import PAGE_SHIFT
from bitspec.expr import Expr, any_of, clear, const, eq, zext
from bitspec.fields import Row, View, acts, software, view
from bitspec.hardware import Hardware
from bitspec.layout import Config, Definition, Kernel, Layout, LevelUse, SwapKind, by_name, definitions, helper, protections
from bitspec.vocabulary import Level

PGTABLE: Final = "arch/openrisc/include/asm/pgtable.h"
SOURCES: Final = (PGTABLE, "arch/openrisc/mm/init.c")

_LEAF: Final = view(
    "leaf",
    acts("PFN", (31, 13), "the frame"),
    software("_PAGE_U_SHARED", 11, "a shared mapping may write"),
    acts("_PAGE_EXEC", 10, "executable"),
    acts("_PAGE_SWE", 9, "SWE"),
    acts("_PAGE_SRE", 8, "SRE"),
    acts("_PAGE_UWE", 7, "UWE"),
    acts("_PAGE_URE", 6, "URE"),
    acts("_PAGE_DIRTY", 5, "D: written"),
    acts("_PAGE_ACCESSED", 4, "A: referenced"),
    acts("_PAGE_WOM", 3, "WOM"),
    software("_PAGE_WBC", 2, "write-back cache; never set"),
    acts("_PAGE_CI", 1, "CI"),
    acts("_PAGE_PRESENT", 0, "there is a translation; _PAGE_CC"),
    width=32,
    source=PGTABLE,
)


def swap_view(*rows: Row) -> View:
    """The view of a swap entry."""
    return view("swap", *rows, width=32, source=PGTABLE)


_NONE: Final = 1 << 0 | 1 << 4
_READ: Final = _NONE | 1 << 6 | 1 << 8  # PAGE_COPY as well
_SHARED: Final = _READ | 1 << 7 | 1 << 9 | 1 << 11
_X: Final = 1 << 10

#: protection_map, arch/openrisc/mm/init.c: what can be read gets _PAGE_EXEC, and what can be executed does not
PROTECTIONS: Final = protections({
    "VM_NONE": _NONE,
    "VM_READ": _READ | _X,
    "VM_WRITE": _READ,
    "VM_WRITE|VM_READ": _READ | _X,
    "VM_EXEC": _READ,
    "VM_EXEC|VM_READ": _READ | _X,
    "VM_EXEC|VM_WRITE": _READ,
    "VM_EXEC|VM_WRITE|VM_READ": _READ | _X,
    "VM_SHARED": _NONE,
    "VM_SHARED|VM_READ": _READ | _X,
    "VM_SHARED|VM_WRITE": _SHARED,
    "VM_SHARED|VM_WRITE|VM_READ": _SHARED | _X,
    "VM_SHARED|VM_EXEC": _READ,
    "VM_SHARED|VM_EXEC|VM_READ": _READ | _X,
    "VM_SHARED|VM_EXEC|VM_WRITE": _SHARED,
    "VM_SHARED|VM_EXEC|VM_WRITE|VM_READ": _SHARED | _X,
})  # fmt: skip

_WRITE: Final = ("_PAGE_UWE", "_PAGE_SWE")

# What an entry is


@helper("pte_none", PGTABLE)
def none(k: Kernel, pte: Expr) -> Expr:
    return eq(pte, 0)


@helper("pte_clear", PGTABLE)
def cleared(k: Kernel) -> Expr:
    return const(0, 32)


@helper("pte_present", PGTABLE)
def present(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_PRESENT"])


@helper("pte_write", PGTABLE)
def write(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k[_WRITE])


@helper("pte_exec", PGTABLE)
def executable(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_EXEC"])


@helper("pte_dirty", PGTABLE)
def dirty(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_DIRTY"])


@helper("pte_young", PGTABLE)
def young(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_ACCESSED"])


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


def writable(k: Kernel, pte: Expr) -> Expr:
    """pte_mkwrite, since v6.6 pte_mkwrite_novma."""
    return pte | k[_WRITE]


@helper("pte_wrprotect", PGTABLE)
def wrprotect(k: Kernel, pte: Expr) -> Expr:
    return clear(pte, k[_WRITE])


@helper("pte_modify", PGTABLE)
def modify(k: Kernel, pte: Expr, prot: Expr) -> Expr:
    """_PAGE_CHG_MASK."""
    return pte & k["PFN", "_PAGE_ACCESSED", "_PAGE_DIRTY"] | prot


# The frame


@helper("pte_pfn", PGTABLE)
def pfn(k: Kernel, pte: Expr) -> Expr:
    return pte >> PAGE_SHIFT


@helper("pfn_pte", PGTABLE)
def pfn_pte(k: Kernel, page: Expr, prot: Expr) -> Expr:
    return page << PAGE_SHIFT | prot


# Swap entries


@helper("__swp_type", PGTABLE)
def swp_type(k: Kernel, swp: Expr) -> Expr:
    return zext(k.field("SWP_TYPE").extract(swp), 32)


@helper("__swp_offset", PGTABLE)
def swp_offset(k: Kernel, swp: Expr) -> Expr:
    """All that lies above: it is not masked."""
    return swp >> k.shift("SWP_OFFSET")


@helper("__pte_to_swp_entry __swp_entry_to_pte", PGTABLE)
def as_it_is(k: Kernel, entry: Expr) -> Expr:
    return entry


_HELPERS: Final = definitions(globals())


def supported(config: Config) -> Config:
    """What openrisc can be configured with: no soft-dirty, userfaultfd write-protection, device memory or memory failure (arch/openrisc/Kconfig)."""
    return Config(config.name, config.options & {"MIGRATION"})


def layout(hardware: Hardware, release: str, config: Config, swap: View, helpers: tuple[Definition, ...], kinds: tuple[SwapKind, ...]) -> Layout:
    """OpenRISC at a release, from what that has of its own."""
    return Layout(
        hardware=hardware,
        release=release,
        config=config,
        uses={Level.PTE: LevelUse({"leaf": _LEAF, "swap": swap}, 0, PROTECTIONS)},
        helpers=by_name(linux.HELPERS, _HELPERS, helpers),
        kinds=kinds,
        pfn_bits=32 - PAGE_SHIFT,  # SWP_PFN_BITS without MAX_PHYSMEM_BITS: BITS_PER_LONG - PAGE_SHIFT
        word=32,
        sources=SOURCES,
        numbers={"PAGE_SHIFT": PAGE_SHIFT},
    )
