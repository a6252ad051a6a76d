"""What loongarch64 kernels read alike in linux-6.1 and linux-6.12: the fields of present entries, most helpers, the protection table.

The releases differ in the swap codec, in what counts as dirty, and in what the newer one added: devmap and the exclusive mark. Helpers of the PMD are
the PTE's on the same bits, unless they say otherwise.

An empty PMD holds the virtual address of invalid_pte_table, a page of the kernel's image; it lies somewhere, and here at one place. A PMD that is not
huge holds the virtual address of the lower table, in the direct mapping window of cached memory.

MAX_PHYSMEM_BITS is 48 with SPARSEMEM (arch/loongarch/include/asm/sparsemem.h), which every layout here assumes. Without, which takes a kernel without NUMA,
a swap offset has no room for SWP_PFN_BITS and two more, and migration entries carry neither young nor dirty.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from archs.loongarch64.hardware import VARIANTS
from bitspec.expr import Expr, and_, any_of, clear, const, eq, ite, ne
from bitspec.fields import Row, View, acts, software, view
from bitspec.hardware import Hardware
from bitspec.layout import Config, Definition, Kernel, Layout, LevelUse, Protection, Provenance, SwapKind, definitions, helper, protections
from bitspec.vocabulary import Level

PGTABLE: Final = "arch/loongarch/include/asm/pgtable.h"
BITS: Final = "arch/loongarch/include/asm/pgtable-bits.h"
PGALLOC: Final = "arch/loongarch/include/asm/pgalloc.h"
GENERIC: Final = "include/linux/pgtable.h"
SOURCES: Final = (PGTABLE, BITS, PGALLOC, "arch/loongarch/mm/cache.c")
MAX_PHYSMEM_BITS: Final = 48
CACHE_BASE: Final = 0x9000_0000_0000_0000
"""The direct mapping window of cached memory (arch/loongarch/include/asm/addrspace.h)."""
INVALID_PTE_TABLE: Final = 0x9000_0000_0200_0000
"""Where invalid_pte_table is taken to lie."""
_THP: Final = "pte_{0} pmd_{0}"


def supported(config: Config, *options: str) -> Config:
    """The config without the options that arch/loongarch/Kconfig does not offer: MEMORY_FAILURE, MEM_SOFT_DIRTY, USERFAULTFD_WP, and ZONE_DEVICE but for
    `options`.
    """
    return Config(config.name, config.options & {"MIGRATION", *options})


# Fields


def _attributes(low: int, upper: tuple[Row, ...]) -> list[Row]:
    """A leaf's bits; `upper` are those of bits 60:59, and `low` is where the frame begins."""
    return [
        acts("_PAGE_NO_EXEC", 62, "NX"),
        acts("_PAGE_NO_READ", 61, "NR"),
        *upper,
        acts("_PFN_MASK", (47, low), "PA"),
        software("_PAGE_SPECIAL", 11, "no struct page"),
        software("_PAGE_PROTNONE", 10, "prot-none"),
        software("_PAGE_MODIFIED", 9, "written"),
        acts("_PAGE_WRITE", 8, "W"),
        acts("_PAGE_PRESENT", 7, "P"),
        acts("_CACHE_MASK", (5, 4), "MAT: 00 _CACHE_SUC, 01 _CACHE_CC, 10 _CACHE_WUC"),
        acts("_PAGE_PLV", (3, 2), "PLV: 11 _PAGE_USER"),
        acts("_PAGE_DIRTY", 1, "D"),
        acts("_PAGE_ACCESSED", 0, "V, _PAGE_VALID"),
    ]


_GLOBAL: Final = acts("_PAGE_GLOBAL", 6, "G")
_HUGE: Final = acts("_PAGE_HUGE", 6, "H")
_HGLOBAL: Final = acts("_PAGE_HGLOBAL", 12, "G")
_PRESENT_INVALID: Final = software("_PAGE_PRESENT_INVALID", 60, "a huge page being split or changed")


def _uses(hardware: Hardware, swap: tuple[Row, ...], extra: tuple[Row, ...]) -> dict[Level, LevelUse]:
    paging = VARIANTS[hardware.variant]
    pte = {"leaf": view("leaf", *_attributes(paging.shift, extra), _GLOBAL, source=BITS), "swap": _swap(*swap)}
    found = {Level.PTE: LevelUse(pte, 0, protection_map, extra=_MEMORY_TYPE, table_bits=paging.shift)}
    if Level.PMD in hardware.levels:
        table = (
            software("CACHE_BASE", (63, 48), "the lower table's virtual address, upper bits"),
            acts("PHYSADDR", (47, paging.shift), "the lower table"),
            software("~PAGE_MASK", [(paging.shift - 1, 7), (5, 0)], "the lower table's virtual address, 0: pmd_bad()"),
            acts("_PAGE_HUGE", 6, "H: 0"),
        )
        frame = max(paging.shift, 13)  # with 4K pages bit 12 is in _PFN_MASK, too
        pmd = {
            "table": view("table", *table, source=PGALLOC),
            "leaf": view("leaf", *_attributes(frame, (_PRESENT_INVALID, *extra)), _HGLOBAL, _HUGE, source=BITS),
            "swap": _swap(*swap, _HUGE),
        }
        found[Level.PMD] = LevelUse(pmd, paging.order, protection_map, extra=_MEMORY_TYPE, table_bits=paging.shift)
    return found


def _swap(*rows: Row) -> View:
    return view("swap", *rows, source=PGTABLE)


_MEMORY_TYPE: Final = 1 << 4
"""_CACHE_CC, which pgprot_noncached() takes away. Not _CACHE_WUC as well: bits here are independent, and no entry has both."""


def protection_map(k: Kernel) -> tuple[Protection, ...]:
    """The protection table (arch/loongarch/mm/cache.c)."""
    base = 1 << 4 | k["_PAGE_PLV"]
    none = base | k["_PAGE_PROTNONE", "_PAGE_NO_EXEC", "_PAGE_NO_READ"]
    execute = base | k["_PAGE_ACCESSED", "_PAGE_PRESENT"]
    read, write = execute | k["_PAGE_NO_EXEC"], k["_PAGE_WRITE"]
    return protections({
        "VM_NONE": none,
        "VM_READ": read,
        "VM_WRITE": read,
        "VM_WRITE|VM_READ": read,
        "VM_EXEC": execute,
        "VM_EXEC|VM_READ": execute,
        "VM_EXEC|VM_WRITE": execute,
        "VM_EXEC|VM_WRITE|VM_READ": execute,
        "VM_SHARED": none,
        "VM_SHARED|VM_READ": read,
        "VM_SHARED|VM_WRITE": read | write,
        "VM_SHARED|VM_WRITE|VM_READ": read | write,
        "VM_SHARED|VM_EXEC": execute,
        "VM_SHARED|VM_EXEC|VM_READ": execute,
        "VM_SHARED|VM_EXEC|VM_WRITE": execute | write,
        "VM_SHARED|VM_EXEC|VM_WRITE|VM_READ": execute | write,
    })  # fmt: skip


# What an entry is


@helper("pte_none", PGTABLE)
def pte_none(k: Kernel, pte: Expr) -> Expr:
    """But for G, which an empty entry of the kernel's has so that its neighbour may be global."""
    return eq(clear(pte, k["_PAGE_GLOBAL"]), 0)


@helper("pmd_none", PGTABLE)
def pmd_none(k: Kernel, pmd: Expr) -> Expr:
    return eq(pmd, k.number("invalid_pte_table"))


@helper("pte_present", PGTABLE)
def pte_present(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_PRESENT", "_PAGE_PROTNONE"])


@helper("pmd_present", PGTABLE)
def pmd_present(k: Kernel, pmd: Expr) -> Expr:
    huge = any_of(pmd, k["_PAGE_PRESENT", "_PAGE_PROTNONE", "_PAGE_PRESENT_INVALID"])
    return ite(any_of(pmd, k["_PAGE_HUGE"]), huge, ne(pmd, k.number("invalid_pte_table")))


@helper("pmd_bad", PGTABLE)
def pmd_bad(k: Kernel, pmd: Expr) -> Expr:
    return any_of(pmd, (1 << k.number("PAGE_SHIFT")) - 1)


@helper("pmd_leaf", PGTABLE)
def pmd_leaf(k: Kernel, pmd: Expr) -> Expr:
    """H alone, which swap entries have as well."""
    return any_of(pmd, k["_PAGE_HUGE"])


@helper("pte_huge", PGTABLE)
def pte_huge(k: Kernel, pte: Expr) -> Expr:
    """A PTE is a PMD here, and its bit 6 _PAGE_HUGE."""
    return any_of(pte, k["_PAGE_GLOBAL"])


@helper("pmd_trans_huge", PGTABLE)
def pmd_trans_huge(k: Kernel, pmd: Expr) -> Expr:
    return and_(any_of(pmd, k["_PAGE_HUGE"]), k.present(pmd))


@helper(_THP.format("protnone"), PGTABLE)
def protnone(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["_PAGE_PROTNONE"])


@helper(_THP.format("young"), PGTABLE)
def young(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["_PAGE_ACCESSED"])


@helper(_THP.format("write"), PGTABLE)
def write(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["_PAGE_WRITE"])


@helper("pte_special", PGTABLE)
def special(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_SPECIAL"])


@helper(_THP.format("access_permitted_read"), GENERIC)
def access_permitted_read(k: Kernel, entry: Expr) -> Expr:
    """Present in the software's sense: neither V nor P is asked for."""
    return k.present(entry)


@helper(_THP.format("access_permitted_write"), GENERIC)
def access_permitted_write(k: Kernel, entry: Expr) -> Expr:
    return and_(k.present(entry), k.write(entry))


# Setters


@helper(_THP.format("mkyoung"), PGTABLE)
def mkyoung(k: Kernel, entry: Expr) -> Expr:
    return entry | k["_PAGE_ACCESSED"]


@helper(_THP.format("mkold"), PGTABLE)
def mkold(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["_PAGE_ACCESSED"])


@helper(_THP.format("mkdirty"), PGTABLE)
def mkdirty(k: Kernel, entry: Expr) -> Expr:
    """D, with which stores are permitted, only in an entry that is writable."""
    marked = entry | k["_PAGE_MODIFIED"]
    return ite(any_of(entry, k["_PAGE_WRITE"]), marked | k["_PAGE_DIRTY"], marked)


@helper(_THP.format("mkclean"), PGTABLE)
def mkclean(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["_PAGE_DIRTY", "_PAGE_MODIFIED"])


def writable(k: Kernel, entry: Expr) -> Expr:
    """pXd_mkwrite, since v6.6 pXd_mkwrite_novma."""
    marked = entry | k["_PAGE_WRITE"]
    return ite(any_of(entry, k["_PAGE_MODIFIED"]), marked | k["_PAGE_DIRTY"], marked)


def _remembered(k: Kernel, entry: Expr) -> Expr:
    """D kept as _PAGE_MODIFIED, before it is taken away."""
    return ite(any_of(entry, k["_PAGE_DIRTY"]), entry | k["_PAGE_MODIFIED"], entry)


@helper(_THP.format("wrprotect"), PGTABLE)
def wrprotect(k: Kernel, entry: Expr) -> Expr:
    return clear(_remembered(k, entry), k["_PAGE_WRITE", "_PAGE_DIRTY"])


@helper("pte_mkspecial", PGTABLE)
def mkspecial(k: Kernel, pte: Expr) -> Expr:
    return pte | k["_PAGE_SPECIAL"]


@helper("pte_mkhuge", PGTABLE)
def pte_mkhuge(k: Kernel, pte: Expr) -> Expr:
    return pte | k["_PAGE_GLOBAL"]


@helper("arch_make_huge_pte", "include/linux/hugetlb.h")
def arch_make_huge_pte(k: Kernel, pte: Expr) -> Expr:
    return k.mkhuge(pte)


@helper("pmd_mkhuge", PGTABLE)
def pmd_mkhuge(k: Kernel, pmd: Expr) -> Expr:
    """G moves to bit 12, since bit 6 becomes H."""
    at = k.shift("_PAGE_HGLOBAL") - k.shift("_PAGE_HUGE")
    return clear(pmd, k["_PAGE_HUGE"]) | (pmd & k["_PAGE_HUGE"]) << at | k["_PAGE_HUGE"]


@helper("pmd_mkinvalid", PGTABLE)
def mkinvalid(k: Kernel, pmd: Expr) -> Expr:
    return clear(pmd | k["_PAGE_PRESENT_INVALID"], k["_PAGE_PRESENT", "_PAGE_ACCESSED", "_PAGE_DIRTY", "_PAGE_PROTNONE"])


def modified(k: Kernel, entry: Expr, prot: Expr, *kept: str) -> Expr:
    """pXd_modify: of the entry _PAGE_CHG_MASK stays, with the release's own bits `kept`, and of the protection the rest."""
    mask = k["_PAGE_MODIFIED", "_PAGE_SPECIAL", "_CACHE_MASK", "_PAGE_PLV"] | _pfn_mask(k)
    mask |= k[kept] if kept else 0
    mask |= k["_PAGE_HUGE"] if k.level is Level.PMD else 0
    return _remembered(k, entry) & mask | clear(prot, mask)


# The frame


def _pfn_mask(k: Kernel) -> int:
    """_PFN_MASK, the same at both levels."""
    return (1 << MAX_PHYSMEM_BITS) - (1 << k.number("PAGE_SHIFT"))


@helper(_THP.format("pfn"), PGTABLE)
def pfn(k: Kernel, entry: Expr) -> Expr:
    return (entry & _pfn_mask(k)) >> k.number("PAGE_SHIFT")


@helper("pfn_pte pfn_pmd", PGTABLE)
def pfn_entry(k: Kernel, page: Expr, prot: Expr) -> Expr:
    return page << k.number("PAGE_SHIFT") | prot


@helper("pte_clear", PGTABLE)
def pte_clear(k: Kernel) -> Expr:
    """Of a process's entry, which is not global: else G stays."""
    return const(0, 64)


@helper("pmd_clear", PGTABLE)
def pmd_clear(k: Kernel) -> Expr:
    return const(k.number("invalid_pte_table"), 64)


@helper("pmd_populate", PGALLOC)
def populate(k: Kernel, table: Expr) -> Expr:
    """The virtual address; lddir reads the physical one in its low bits."""
    return table | CACHE_BASE


# Swap entries


@helper("__swp_offset", PGTABLE)
def swp_offset(k: Kernel, swp: Expr) -> Expr:
    return swp >> k.shift("SWP_OFFSET")


@helper("__pte_to_swp_entry __swp_entry_to_pte", PGTABLE)
def as_it_is(k: Kernel, entry: Expr) -> Expr:
    return entry


@helper("__pmd_to_swp_entry", PGTABLE, needs="MIGRATION")
def pmd_to_swp_entry(k: Kernel, pmd: Expr) -> Expr:
    return pmd


@helper("__swp_entry_to_pmd", PGTABLE, needs="MIGRATION")
def swp_entry_to_pmd(k: Kernel, swp: Expr) -> Expr:
    """H keeps lddir from following it."""
    return swp | k["_PAGE_HUGE"]


HELPERS: Final = definitions(globals())
"""What both releases define in the same words."""


def layout(
    hardware: Hardware,
    release: str,
    config: Config,
    helpers: Mapping[str, Definition],
    kinds: tuple[SwapKind, ...],
    swap: tuple[Row, ...],
    extra: tuple[Row, ...] = (),
) -> Layout:
    """loongarch64 at a release, from what that has of its own: the codec of `swap`, and `extra` fields of a leaf."""
    shift = VARIANTS[hardware.variant].shift
    return Layout(
        hardware=hardware,
        release=release,
        provenance=Provenance.CONFORMED,
        config=config,
        uses=_uses(hardware, swap, extra),
        helpers=helpers,
        kinds=kinds,
        pfn_bits=MAX_PHYSMEM_BITS - shift,
        sources=SOURCES,
        numbers={"PAGE_SHIFT": shift, "invalid_pte_table": INVALID_PTE_TABLE},
        static_tables=(INVALID_PTE_TABLE & ((1 << 48) - 1),),  # __pa(): TO_PHYS_MASK
    )
