"""What 64-bit MIPS kernels read alike in linux-6.1 and linux-6.12: the fields of present entries, most helpers, the protection table.

The releases differ in the swap codec and in whether pte_modify() keeps _PAGE_SPECIAL. Helpers of the PMD are the PTE's on the same bits, unless they say
otherwise.

The kernel is Octeon's (cavium_octeon_defconfig) on a CPU with RI and XI, which has no bit of its own for no-read below the hardware's. There the accesses of a
page's owner are traced by V and D: an old page has no V, a clean one no D.

An empty PMD holds the virtual address of invalid_pte_table, a page of the kernel's image; it lies somewhere, and here at one place. A PMD that is not huge
holds the virtual address of the lower table, in the unmapped segment of cached memory.

MAX_PHYSMEM_BITS is 48 with SPARSEMEM (arch/mips/include/asm/sparsemem.h), which Octeon's kernel has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from archs import linux
from archs.mips64.hardware import VARIANTS
from bitspec.expr import FALSE, Expr, and_, any_of, clear, const, eq, ite, ne, none_of
from bitspec.fields import Row, View, acts, software, view
from bitspec.hardware import Hardware
from bitspec.layout import Config, Definition, Kernel, Layout, LevelUse, Protection, Provenance, SwapKind, by_name, definitions, helper, protections
from bitspec.vocabulary import Level

PGTABLE: Final = "arch/mips/include/asm/pgtable.h"
PGTABLE_64: Final = "arch/mips/include/asm/pgtable-64.h"
BITS: Final = "arch/mips/include/asm/pgtable-bits.h"
PGALLOC: Final = "arch/mips/include/asm/pgalloc.h"
GENERIC: Final = "include/linux/pgtable.h"
SOURCES: Final = (PGTABLE, PGTABLE_64, BITS, PGALLOC, "arch/mips/mm/cache.c")
MAX_PHYSMEM_BITS: Final = 48
CAC_BASE: Final = 0x8000_0000_0000_0000
"""Where Octeon's memory is mapped (arch/mips/include/asm/mach-cavium-octeon/spaces.h)."""
INVALID_PTE_TABLE: Final = 0xFFFF_FFFF_8200_0000
"""Where invalid_pte_table is taken to lie: in ckseg0, as the kernel's image does."""
_THP: Final = "pte_{0} pmd_{0}"


def supported(config: Config) -> Config:
    """The config without the options that arch/mips/Kconfig does not offer: MEMORY_FAILURE, MEM_SOFT_DIRTY, USERFAULTFD_WP, ZONE_DEVICE."""
    return Config(config.name, config.options & {"MIGRATION"})


# Fields

_CACHE_UNCACHED: Final = 2 << 11
"""What pgprot_noncached() makes of _CACHE_MASK, and of pgprot_writecombine() where the CPU's probe leaves it; memory has 0, _page_cachable_default."""


def _leaf(shift: int, huge: Row) -> View:
    rows = (
        acts("_PFN_MASK", (63, shift + 2), "PFN"),
        acts("_CACHE_MASK", (13, 11), "C: 000 _page_cachable_default, 010 _CACHE_UNCACHED"),
        acts("_PAGE_DIRTY", 10, "D"),
        acts("_PAGE_VALID", 9, "V"),
        acts("_PAGE_GLOBAL", 8, "G"),
        acts("_PAGE_NO_READ", 7, "RI"),
        acts("_PAGE_NO_EXEC", 6, "XI"),
        software("_PAGE_SPECIAL", 5, "no struct page"),
        huge,
        software("_PAGE_MODIFIED", 3, "written"),
        software("_PAGE_ACCESSED", 2, "referenced"),
        acts("_PAGE_WRITE", 1, "writable"),
        acts("_PAGE_PRESENT", 0, "there is a page"),
    )
    return view("leaf", *rows, source=BITS)


def _table(shift: int) -> View:
    rows = (
        acts("VA", (63, shift), "the lower table's virtual address"),
        acts("~PAGE_MASK", [(shift - 1, 5), (3, 0)], "the lower table's virtual address, 0: pmd_bad()"),
        acts("_PAGE_HUGE", 4, "0"),
    )
    return view("table", *rows, source=PGALLOC)


def _uses(hardware: Hardware, swap: tuple[Row, ...]) -> dict[Level, LevelUse]:
    paging = VARIANTS[hardware.variant]
    pte = {"leaf": _leaf(paging.shift, software("_PAGE_HUGE", 4, "an entry of hugetlbfs")), "swap": view("swap", *swap, source=PGTABLE_64)}
    found = {Level.PTE: LevelUse(pte, 0, protection_map, extra=_CACHE_UNCACHED, table_bits=paging.shift)}
    if Level.PMD in hardware.levels:
        pmd = {"table": _table(paging.shift), "leaf": _leaf(paging.shift, acts("_PAGE_HUGE", 4, "1"))}
        found[Level.PMD] = LevelUse(pmd, paging.order, protection_map, extra=_CACHE_UNCACHED, table_bits=paging.shift)
    return found


def protection_map(k: Kernel) -> tuple[Protection, ...]:
    """The protection table (arch/mips/mm/cache.c: setup_protection_map), on a CPU with RI and XI."""
    execute = k["_PAGE_PRESENT"]
    read = execute | k["_PAGE_NO_EXEC"]
    none, write = read | k["_PAGE_NO_READ"], k["_PAGE_WRITE"]
    return protections({
        "VM_NONE": none,
        "VM_READ": read,
        "VM_WRITE": none,
        "VM_WRITE|VM_READ": read,
        "VM_EXEC": execute,
        "VM_EXEC|VM_READ": execute,
        "VM_EXEC|VM_WRITE": execute,
        "VM_EXEC|VM_WRITE|VM_READ": execute,
        "VM_SHARED": none,
        "VM_SHARED|VM_READ": read,
        "VM_SHARED|VM_WRITE": none | write,
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


@helper("pmd_none", PGTABLE_64)
def pmd_none(k: Kernel, pmd: Expr) -> Expr:
    return eq(pmd, k.number("invalid_pte_table"))


@helper("pte_present", PGTABLE)
def pte_present(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_PRESENT"])


@helper("pmd_present", PGTABLE_64)
def pmd_present(k: Kernel, pmd: Expr) -> Expr:
    return ite(any_of(pmd, k["_PAGE_HUGE"]), any_of(pmd, k["_PAGE_PRESENT"]), ne(pmd, k.number("invalid_pte_table")))


@helper("pmd_bad", PGTABLE_64)
def pmd_bad(k: Kernel, pmd: Expr) -> Expr:
    """False of huge pages."""
    return ite(any_of(pmd, k["_PAGE_HUGE"]), FALSE, any_of(pmd, (1 << k.number("PAGE_SHIFT")) - 1))


@helper("pmd_leaf pte_huge", PGTABLE)
def huge(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["_PAGE_HUGE"])


@helper("pmd_trans_huge", PGTABLE)
def pmd_trans_huge(k: Kernel, pmd: Expr) -> Expr:
    return any_of(pmd, k["_PAGE_HUGE"])


@helper(_THP.format("young"), PGTABLE)
def young(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["_PAGE_ACCESSED"])


@helper(_THP.format("dirty"), PGTABLE)
def dirty(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["_PAGE_MODIFIED"])


@helper(_THP.format("write"), PGTABLE)
def write(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["_PAGE_WRITE"])


@helper("pte_special", PGTABLE)
def special(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_SPECIAL"])


@helper(_THP.format("access_permitted_read"), GENERIC)
def access_permitted_read(k: Kernel, entry: Expr) -> Expr:
    """_PAGE_NO_READ is not asked for."""
    return k.present(entry)


@helper(_THP.format("access_permitted_write"), GENERIC)
def access_permitted_write(k: Kernel, entry: Expr) -> Expr:
    return and_(k.present(entry), k.write(entry))


# Setters


@helper(_THP.format("mkyoung"), PGTABLE)
def mkyoung(k: Kernel, entry: Expr) -> Expr:
    """V only where loads are not inhibited: else the next one is to fault."""
    return ite(any_of(entry, k["_PAGE_NO_READ"]), entry | k["_PAGE_ACCESSED"], entry | k["_PAGE_ACCESSED", "_PAGE_VALID"])


@helper(_THP.format("mkold"), PGTABLE)
def mkold(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["_PAGE_ACCESSED", "_PAGE_VALID"])


@helper(_THP.format("mkdirty"), PGTABLE)
def mkdirty(k: Kernel, entry: Expr) -> Expr:
    """D, with which stores are permitted, only in an entry that is writable."""
    marked = entry | k["_PAGE_MODIFIED"]
    return ite(any_of(entry, k["_PAGE_WRITE"]), marked | k["_PAGE_DIRTY"], marked)


@helper(_THP.format("mkclean"), PGTABLE)
def mkclean(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["_PAGE_MODIFIED", "_PAGE_DIRTY"])


def writable(k: Kernel, entry: Expr) -> Expr:
    """pXd_mkwrite, since v6.6 pXd_mkwrite_novma."""
    marked = entry | k["_PAGE_WRITE"]
    return ite(any_of(entry, k["_PAGE_MODIFIED"]), marked | k["_PAGE_DIRTY"], marked)


@helper(_THP.format("wrprotect"), PGTABLE)
def wrprotect(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["_PAGE_WRITE", "_PAGE_DIRTY"])


@helper("pte_mkspecial", PGTABLE)
def mkspecial(k: Kernel, pte: Expr) -> Expr:
    return pte | k["_PAGE_SPECIAL"]


@helper("pte_mkhuge pmd_mkhuge", PGTABLE)
def mkhuge(k: Kernel, entry: Expr) -> Expr:
    return entry | k["_PAGE_HUGE"]


@helper("arch_make_huge_pte", "include/linux/hugetlb.h")
def arch_make_huge_pte(k: Kernel, pte: Expr) -> Expr:
    return k.mkhuge(pte)


@helper("pmd_mkinvalid", PGTABLE)
def mkinvalid(k: Kernel, pmd: Expr) -> Expr:
    return clear(pmd, k["_PAGE_PRESENT", "_PAGE_VALID", "_PAGE_DIRTY"])


def changed(k: Kernel, entry: Expr, prot: Expr, *kept: str) -> Expr:
    """pXd_modify: of the entry _PAGE_CHG_MASK stays, with the release's own bits `kept`, and of the protection the rest. A young PTE gets V back."""
    mask = k["_PAGE_ACCESSED", "_PAGE_MODIFIED", "_PFN_MASK", "_CACHE_MASK"] | (k[kept] if kept else 0)
    if k.level is Level.PMD:
        return entry & (mask | k["_PAGE_HUGE"]) | clear(prot, mask)
    made = entry & mask | clear(prot, mask)
    read = and_(any_of(made, k["_PAGE_ACCESSED"]), none_of(made, k["_PAGE_NO_READ"]))
    return ite(read, made | k["_PAGE_VALID"], made)


# The frame


@helper(_THP.format("pfn"), PGTABLE_64)
def pfn(k: Kernel, entry: Expr) -> Expr:
    return entry >> k.shift("_PFN_MASK")


@helper("pfn_pte pfn_pmd", PGTABLE_64)
def pfn_entry(k: Kernel, page: Expr, prot: Expr) -> Expr:
    return page << k.shift("_PFN_MASK") | prot


@helper("pte_clear", PGTABLE)
def pte_clear(k: Kernel) -> Expr:
    """Of a process's entry, which is not global: else G stays."""
    return const(0, 64)


@helper("pmd_clear", PGTABLE_64)
def pmd_clear(k: Kernel) -> Expr:
    return const(k.number("invalid_pte_table"), 64)


@helper("pmd_populate", PGALLOC)
def populate(k: Kernel, table: Expr) -> Expr:
    """The virtual address."""
    return table | CAC_BASE


# Swap entries


@helper("__swp_type", PGTABLE_64)
def swp_type(k: Kernel, swp: Expr) -> Expr:
    return swp >> k.shift("SWP_TYPE") & (1 << k.field("SWP_TYPE").width) - 1


@helper("__swp_offset", PGTABLE_64)
def swp_offset(k: Kernel, swp: Expr) -> Expr:
    return swp >> k.shift("SWP_OFFSET")


@helper("__pte_to_swp_entry __swp_entry_to_pte", PGTABLE_64)
def as_it_is(k: Kernel, entry: Expr) -> Expr:
    return entry


HELPERS: Final = definitions(globals())
"""What both releases define in the same words."""


def layout(hardware: Hardware, release: str, config: Config, swap: tuple[Row, ...], helpers: tuple[Definition, ...], kinds: tuple[SwapKind, ...]) -> Layout:
    """mips64 at a release, from what that has of its own."""
    shift = VARIANTS[hardware.variant].shift
    made: Mapping[str, Definition] = by_name(linux.HELPERS, HELPERS, helpers)
    return Layout(
        hardware=hardware,
        release=release,
        provenance=Provenance.CONFORMED,
        config=config,
        uses=_uses(hardware, swap),
        helpers=made,
        kinds=kinds,
        pfn_bits=MAX_PHYSMEM_BITS - shift,
        sources=SOURCES,
        numbers={"PAGE_SHIFT": shift, "invalid_pte_table": INVALID_PTE_TABLE},
        static_tables=(INVALID_PTE_TABLE & (1 << 29) - 1,),  # __pa(): CPHYSADDR()
    )
