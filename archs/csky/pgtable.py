"""What csky kernels read alike in linux-6.1 and linux-6.12: everything but the swap codec and the name of mkwrite.

The kernel keeps what it knows of a page in bits of its own, and V and D of the MMU follow: V is set where a page is young and readable, D where it is
modified and writable. The two ABIs have the same bits in other places. There are two levels; the upper one is the folded pmd.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from archs import linux
from archs.csky.hardware import PAGE_SHIFT
from bitspec.expr import Expr, any_of, clear, const, ite, none_of, zext
from bitspec.fields import Row, View, acts, software, view
from bitspec.hardware import Hardware
from bitspec.layout import (
    Config,
    Definition,
    Kernel,
    Layout,
    LevelUse,
    Protection,
    Provenance,
    SwapKind,
    by_name,
    definitions,
    helper,
    protections,
)
from bitspec.vocabulary import Level

PGTABLE: Final = "arch/csky/include/asm/pgtable.h"
BITS: Final = "arch/csky/abiv{1,2}/inc/abi/pgtable-bits.h"
SOURCES: Final = (PGTABLE, BITS, "arch/csky/mm/init.c")

_LEAF: Final[Mapping[str, tuple[Row, ...]]] = {
    "abiv1": (
        acts("PFN", (31, 12), "the frame"),
        acts("_CACHE_MASK", (11, 9), "C: 011 _CACHE_CACHED, 010 _CACHE_UNCACHED"),
        acts("_PAGE_DIRTY", 8, "D"),
        acts("_PAGE_VALID", 7, "V"),
        acts("_PAGE_GLOBAL", 6, "G"),
        software("_PAGE_MODIFIED", 4, "written"),
        software("_PAGE_ACCESSED", 3, "referenced"),
        software("_PAGE_WRITE", 2, "writable"),
        software("_PAGE_READ", 1, "readable; alone, PAGE_NONE"),
        software("_PAGE_PRESENT", 0, "there is a translation"),
    ),
    "abiv2": (
        acts("PFN", (31, 12), "the frame"),
        software("_PAGE_MODIFIED", 11, "written"),
        software("_PAGE_PRESENT", 10, "there is a translation"),
        software("_PAGE_WRITE", 9, "writable; alone, PAGE_NONE"),
        software("_PAGE_READ", 8, "readable"),
        software("_PAGE_ACCESSED", 7, "referenced"),
        acts("_PAGE_BUF", 6, "B"),
        acts("_PAGE_SO", 5, "SO"),
        acts("_CACHE_MASK", 3, "C: _PAGE_CACHE"),
        acts("_PAGE_DIRTY", 2, "D"),
        acts("_PAGE_VALID", 1, "V"),
        acts("_PAGE_GLOBAL", 0, "G"),
    ),
}

_CACHED: Final = {"abiv1": 3 << 9, "abiv2": 1 << 3 | 1 << 6}
"""_CACHE_CACHED."""
_MEMORY_TYPE: Final = {"abiv1": 7 << 9, "abiv2": 1 << 3 | 1 << 5}
"""What pgprot_noncached() and pgprot_writecombine() change."""
_PROT_NONE: Final = {"abiv1": "_PAGE_READ", "abiv2": "_PAGE_WRITE"}


def swap_view(kind: list[int | tuple[int, int]], offset: list[int | tuple[int, int]], *more: Row) -> View:
    """The view of a swap entry."""
    return view("swap", software("SWP_TYPE", kind, "swap type"), software("SWP_OFFSET", offset, "swap offset"), *more, width=32, source=BITS)


def _protections(k: Kernel) -> tuple[Protection, ...]:
    """protection_map, arch/csky/mm/init.c."""
    variant = k.layout.hardware.variant
    none = k[_PROT_NONE[variant]]
    read = k["_PAGE_PRESENT", "_PAGE_ACCESSED", "_PAGE_READ"] | _CACHED[variant]
    write = read | k["_PAGE_WRITE"]
    return protections({
        "VM_NONE": none,
        "VM_READ": read,
        "VM_WRITE": read,
        "VM_WRITE|VM_READ": read,
        "VM_EXEC": read,
        "VM_EXEC|VM_READ": read,
        "VM_EXEC|VM_WRITE": read,
        "VM_EXEC|VM_WRITE|VM_READ": read,
        "VM_SHARED": none,
        "VM_SHARED|VM_READ": read,
        "VM_SHARED|VM_WRITE": write,
        "VM_SHARED|VM_WRITE|VM_READ": write,
        "VM_SHARED|VM_EXEC": read,
        "VM_SHARED|VM_EXEC|VM_READ": read,
        "VM_SHARED|VM_EXEC|VM_WRITE": write,
        "VM_SHARED|VM_EXEC|VM_WRITE|VM_READ": write,
    })  # fmt: skip


# What an entry is


@helper("pte_none", PGTABLE)
def none(k: Kernel, pte: Expr) -> Expr:
    return none_of(pte, ~k["_PAGE_GLOBAL"] & (1 << 32) - 1)


@helper("pte_clear", PGTABLE)
def cleared(k: Kernel) -> Expr:
    """Of a user's address; for the kernel's it is _PAGE_GLOBAL."""
    return const(0, 32)


@helper("pte_present", PGTABLE)
def present(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_PRESENT"])


@helper("pte_young", PGTABLE)
def young(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_ACCESSED"])


@helper("pte_dirty", PGTABLE)
def dirty(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_MODIFIED"])


@helper("pte_write", PGTABLE)
def write(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_WRITE"])


# Setters


@helper("pte_mkyoung", PGTABLE)
def mkyoung(k: Kernel, pte: Expr) -> Expr:
    return _and_if(pte | k["_PAGE_ACCESSED"], k["_PAGE_READ"], k["_PAGE_VALID"])


@helper("pte_mkold", PGTABLE)
def mkold(k: Kernel, pte: Expr) -> Expr:
    return clear(pte, k["_PAGE_ACCESSED", "_PAGE_VALID"])


@helper("pte_mkdirty", PGTABLE)
def mkdirty(k: Kernel, pte: Expr) -> Expr:
    return _and_if(pte | k["_PAGE_MODIFIED"], k["_PAGE_WRITE"], k["_PAGE_DIRTY"])


@helper("pte_mkclean", PGTABLE)
def mkclean(k: Kernel, pte: Expr) -> Expr:
    return clear(pte, k["_PAGE_MODIFIED", "_PAGE_DIRTY"])


def writable(k: Kernel, pte: Expr) -> Expr:
    """pte_mkwrite, since v6.6 pte_mkwrite_novma."""
    return _and_if(pte | k["_PAGE_WRITE"], k["_PAGE_MODIFIED"], k["_PAGE_DIRTY"])


@helper("pte_wrprotect", PGTABLE)
def wrprotect(k: Kernel, pte: Expr) -> Expr:
    return clear(pte, k["_PAGE_WRITE", "_PAGE_DIRTY"])


def _and_if(pte: Expr, given: int, too: int) -> Expr:
    """`pte`, and `too` set where it has `given`."""
    return ite(any_of(pte, given), pte | too, pte)


@helper("pte_modify", PGTABLE)
def modify(k: Kernel, pte: Expr, prot: Expr) -> Expr:
    """_PAGE_CHG_MASK keeps what is not named here."""
    return clear(pte, k["_PAGE_PRESENT", "_PAGE_READ", "_PAGE_WRITE", "_CACHE_MASK", "_PAGE_GLOBAL"]) | prot


# The frame


@helper("pte_pfn", PGTABLE)
def pfn(k: Kernel, pte: Expr) -> Expr:
    return pte >> PAGE_SHIFT


@helper("pfn_pte", PGTABLE)
def pfn_pte(k: Kernel, page: Expr, prot: Expr) -> Expr:
    return page << PAGE_SHIFT | prot


# Swap entries


@helper("__swp_type", BITS)
def swp_type(k: Kernel, swp: Expr) -> Expr:
    return zext(k.field("SWP_TYPE").extract(swp), 32)


@helper("__swp_offset", BITS)
def swp_offset(k: Kernel, swp: Expr) -> Expr:
    return zext(k.field("SWP_OFFSET").extract(swp), 32)


@helper("__swp_entry", BITS)
def swp_entry(k: Kernel, swap_type: Expr, offset: Expr) -> Expr:
    """Both are masked, on ABI v1 the offset by the width of an unsigned long."""
    return k.field("SWP_TYPE").insert(swap_type, 32) | k.field("SWP_OFFSET").insert(offset, 32)


@helper("__pte_to_swp_entry __swp_entry_to_pte", PGTABLE)
def as_it_is(k: Kernel, entry: Expr) -> Expr:
    return entry


_HELPERS: Final = definitions(globals())


def supported(config: Config) -> Config:
    """What csky can be configured with: no soft-dirty, userfaultfd write-protection, device memory or memory failure (arch/csky/Kconfig)."""
    return Config(config.name, config.options & {"MIGRATION"})


def layout(hardware: Hardware, release: str, config: Config, swap: View, helpers: tuple[Definition, ...], kinds: tuple[SwapKind, ...]) -> Layout:
    """C-SKY at a release, from what that has of its own."""
    variant = hardware.variant
    leaf = view("leaf", *_LEAF[variant], width=32, source=BITS)
    return Layout(
        hardware=hardware,
        release=release,
        config=config,
        uses={Level.PTE: LevelUse({"leaf": leaf, "swap": swap}, 0, _protections, extra=_MEMORY_TYPE[variant])},
        helpers=by_name(linux.HELPERS, _HELPERS, helpers),
        kinds=kinds,
        pfn_bits=32 - PAGE_SHIFT,  # SWP_PFN_BITS without MAX_PHYSMEM_BITS: BITS_PER_LONG - PAGE_SHIFT
        word=32,
        sources=SOURCES,
        numbers={"PAGE_SHIFT": PAGE_SHIFT},
        provenance=Provenance.CONFORMED,
    )
