"""What the two formats of arm have in common, and how one of them becomes a layout.

The formats stand in :mod:`archs.arm.lpae` and :mod:`archs.arm.two_level`; they name their fields as the kernel's headers do, and the names used here stand
in both.

What a helper returns goes through set_pte_at() into the tables. With two levels that stores it, and makes the hardware's descriptor of it beside (see
:mod:`archs.arm.hardware`). With LPAE the entry is the hardware's, and what set_pte_at() stores is not what it is given: it takes the valid bit of a
PROT_NONE page, and the hardware's right to write of a clean or read-only one. There an entry is what is stored, and every helper that makes one ends with
that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from archs import linux
from archs.arm.hardware import ADDRESS_BITS, PAGE_SHIFT
from bitspec.expr import Expr, all_of, and_, any_of, clear, const, eq, ite, none_of, not_, trunc, zext
from bitspec.fields import Row, View, software, view
from bitspec.hardware import Hardware
from bitspec.layout import Config, Definition, Kernel, Layout, LevelUse, Protection, SwapKind, by_name, definitions, helper, protections
from bitspec.vocabulary import Level, signature

PGTABLE: Final = "arch/arm/include/asm/pgtable.h"
SOURCES: Final = (PGTABLE, "arch/arm/include/asm/pgalloc.h", "arch/arm/mm/mmu.c")


@dataclass(frozen=True)
class Format:
    """One of the formats.

    Attributes:
        uses: the kernel's use of each level, given the view of a swap entry.
        width: bits in a PTE.
        helpers: those that are its own.
        sources: the kernel files that were read.
    """

    uses: Callable[[View], Mapping[Level, LevelUse]]
    width: int
    helpers: tuple[Definition, ...]
    sources: tuple[str, ...]


# The protection table: arch/arm/mm/mmu.c


def protection_map(default: int, user: int, xn: int, rdonly: int, none: int) -> tuple[Protection, ...]:
    """protection_map as build_mem_type_table() leaves it.

    Args:
        default: _L_PTE_DEFAULT, and what the memory policy adds.
        user, xn, rdonly, none: L_PTE_USER and so on.
    """
    nothing, shared_exec = default | rdonly | xn | none, default | user
    shared, readonly_exec = shared_exec | xn, shared_exec | rdonly
    readonly = readonly_exec | xn  # PAGE_COPY as well
    return protections({
        "VM_NONE": nothing,
        "VM_READ": readonly,
        "VM_WRITE": readonly,
        "VM_WRITE|VM_READ": readonly,
        "VM_EXEC": readonly_exec,
        "VM_EXEC|VM_READ": readonly_exec,
        "VM_EXEC|VM_WRITE": readonly_exec,
        "VM_EXEC|VM_WRITE|VM_READ": readonly_exec,
        "VM_SHARED": nothing,
        "VM_SHARED|VM_READ": readonly,
        "VM_SHARED|VM_WRITE": shared,
        "VM_SHARED|VM_WRITE|VM_READ": shared,
        "VM_SHARED|VM_EXEC": readonly_exec,
        "VM_SHARED|VM_EXEC|VM_READ": readonly_exec,
        "VM_SHARED|VM_EXEC|VM_WRITE": shared_exec,
        "VM_SHARED|VM_EXEC|VM_WRITE|VM_READ": shared_exec,
    })  # fmt: skip


# What is stored


def stored(k: Kernel, pte: Expr) -> Expr:
    """What set_pte_at() puts where the kernel reads it: arch/arm/mm/mmu.c (set_ptes, in linux-6.1 set_pte_at), cpu_v7_set_pte_ext.

    With LPAE (arch/arm/mm/proc-v7-3level.S): nG where a user can reach the page (pte_valid_user), VALID taken from a PROT_NONE page, and AP[2] of any
    other valid one as RDONLY and DIRTY say. An entry that is not valid stays as it is. Storing what was stored changes nothing.
    """
    if k.layout.hardware.variant == "2-level":
        return pte
    valid = any_of(pte, k["L_PTE_VALID"])
    reached = ite(all_of(pte, k["L_PTE_VALID", "L_PTE_USER", "L_PTE_YOUNG"]), pte | k["PTE_EXT_NG"], pte)
    writable = and_(any_of(pte, k["L_PTE_DIRTY"]), none_of(pte, k["L_PTE_RDONLY"]))
    guarded = ite(writable, clear(reached, k["PTE_AP2"]), reached | k["PTE_AP2"])
    return ite(not_(valid), pte, ite(any_of(pte, k["L_PTE_NONE"]), clear(reached, k["L_PTE_VALID"]), guarded))


# What an entry is


def _present(k: Kernel) -> int:
    """L_PTE_PRESENT: with LPAE both bits of the descriptor's type."""
    return k["L_PTE_VALID"] if k.layout.hardware.variant == "2-level" else k["L_PTE_VALID", "PTE_TABLE_BIT"]


@helper("pte_none", PGTABLE)
def none(k: Kernel, pte: Expr) -> Expr:
    return eq(pte, 0)


@helper("pte_clear", PGTABLE)
def cleared(k: Kernel) -> Expr:
    return const(0, k.use.width)


@helper("pte_present", PGTABLE)
def present(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, _present(k))


@helper("pte_write", PGTABLE)
def write(k: Kernel, pte: Expr) -> Expr:
    return none_of(pte, k["L_PTE_RDONLY"])


@helper("pte_dirty", PGTABLE)
def dirty(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["L_PTE_DIRTY"])


@helper("pte_young", PGTABLE)
def young(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["L_PTE_YOUNG"])


@helper("pte_exec", PGTABLE)
def executable(k: Kernel, pte: Expr) -> Expr:
    return none_of(pte, k["L_PTE_XN"])


@helper("pte_access_permitted_read", PGTABLE)
def access_permitted_read(k: Kernel, pte: Expr) -> Expr:
    return all_of(pte, _present(k) | k["L_PTE_USER"])


@helper("pte_access_permitted_write", PGTABLE)
def access_permitted_write(k: Kernel, pte: Expr) -> Expr:
    return and_(all_of(pte, _present(k) | k["L_PTE_USER"]), none_of(pte, k["L_PTE_RDONLY"]))


# What makes an entry of another


@helper("pte_mkyoung", PGTABLE)
def mkyoung(k: Kernel, pte: Expr) -> Expr:
    return stored(k, pte | k["L_PTE_YOUNG"])


@helper("pte_mkold", PGTABLE)
def mkold(k: Kernel, pte: Expr) -> Expr:
    return stored(k, clear(pte, k["L_PTE_YOUNG"]))


@helper("pte_mkdirty", PGTABLE)
def mkdirty(k: Kernel, pte: Expr) -> Expr:
    return stored(k, pte | k["L_PTE_DIRTY"])


@helper("pte_mkclean", PGTABLE)
def mkclean(k: Kernel, pte: Expr) -> Expr:
    return stored(k, clear(pte, k["L_PTE_DIRTY"]))


@helper("pte_wrprotect", PGTABLE)
def wrprotect(k: Kernel, pte: Expr) -> Expr:
    return stored(k, pte | k["L_PTE_RDONLY"])


def writable(k: Kernel, pte: Expr) -> Expr:
    """pte_mkwrite, since v6.6 pte_mkwrite_novma."""
    return stored(k, clear(pte, k["L_PTE_RDONLY"]))


@helper("pte_modify", PGTABLE)
def modify(k: Kernel, pte: Expr, prot: Expr) -> Expr:
    """Only the rights, VALID and NONE come from the protection."""
    mask = k["L_PTE_XN", "L_PTE_RDONLY", "L_PTE_USER", "L_PTE_NONE", "L_PTE_VALID"]
    return stored(k, clear(pte, mask) | prot & mask)


# The frame


def frame(k: Kernel, entry: Expr) -> Expr:
    """What lies below PHYS_MASK, as a page frame number."""
    masked = entry & (1 << ADDRESS_BITS[k.layout.hardware.variant]) - 1
    return trunc(masked >> PAGE_SHIFT, 32)


def placed(k: Kernel, page: Expr) -> Expr:
    """__pfn_to_phys(), in the width of an entry."""
    return zext(page, k.use.width) << PAGE_SHIFT


@helper("pte_pfn", PGTABLE)
def pfn(k: Kernel, pte: Expr) -> Expr:
    return frame(k, pte)


@helper("pfn_pte", PGTABLE)
def pfn_pte(k: Kernel, page: Expr, prot: Expr) -> Expr:
    return stored(k, placed(k, page) | prot)


# Swap entries


def swap_view(width: int, offset: int, *more: Row) -> View:
    """The view of a swap entry, whose offset begins at bit `offset`: a swp_entry_t has 32 bits in either format."""
    return view("swap", software("SWP_OFFSET", (31, offset), "swap offset"), *more, software("SWP_TYPE", (6, 2), "swap type"), width=width, source=PGTABLE)


@helper("__swp_type", PGTABLE)
def swp_type(k: Kernel, swp: Expr) -> Expr:
    return zext(k.field("SWP_TYPE").extract(swp), 32)


@helper("__swp_offset", PGTABLE)
def swp_offset(k: Kernel, swp: Expr) -> Expr:
    """All that lies above: it is not masked."""
    return swp >> k.shift("SWP_OFFSET")


@helper("__pte_to_swp_entry", PGTABLE)
def pte_to_swp_entry(k: Kernel, pte: Expr) -> Expr:
    return trunc(pte, 32)


@helper("__swp_entry_to_pte", PGTABLE)
def swp_entry_to_pte(k: Kernel, swp: Expr) -> Expr:
    return zext(swp, k.use.width)


_HELPERS: Final = definitions(globals())


def supported(config: Config) -> Config:
    """What arm can be configured with: no soft-dirty, userfaultfd write-protection, device memory or memory failure (arch/arm/Kconfig)."""
    return Config(config.name, config.options & {"MIGRATION"})


def layout(
    hardware: Hardware, release: str, config: Config, of: Format, swap: View, helpers: tuple[Definition, ...], kinds: tuple[SwapKind, ...], provenance: str
) -> Layout:
    """Arm at a release, from the format and what the release has of its own."""
    levels = of.uses(swap)
    own = tuple(one for one in helpers if all(signature(name).level in (None, *levels) for name in one.names))  # a release's, of a level there is
    return Layout(
        hardware=hardware,
        release=release,
        provenance=provenance,
        config=config,
        uses=levels,
        helpers=by_name(linux.HELPERS, _HELPERS, of.helpers, own),
        kinds=kinds,
        pfn_bits=ADDRESS_BITS[hardware.variant] - PAGE_SHIFT,  # of PHYS_MASK: without SPARSEMEM there is no MAX_PHYSMEM_BITS
        word=32,
        sources=(*SOURCES, *of.sources),
        numbers={"PAGE_SHIFT": PAGE_SHIFT},
    )
