"""What sparc64 kernels read alike in linux-6.1 and linux-6.12: everything but the swap codec, the right to write, and pXd_huge().

sun4u and sun4v have the same bits in other places; the headers' names end in _4U and _4V there, and have no such end here. The kernel's young bit stands
beside V, and its right to write with its dirty bit beside the hardware's W: a page that is made old is not valid, and one that is clean is not writable to
the hardware.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from archs import linux
from archs.sparc64.hardware import ORDER, PAGE_SHIFT
from bitspec.expr import Expr, and_, any_of, clear, const, eq, ne
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

PGTABLE: Final = "arch/sparc/include/asm/pgtable_64.h"
PGALLOC: Final = "arch/sparc/include/asm/pgalloc_64.h"
INIT: Final = "arch/sparc/mm/init_64.c"
HUGETLB: Final = "arch/sparc/mm/hugetlbpage.c"
GENERIC: Final = "include/linux/pgtable.h"
SOURCES: Final = (PGTABLE, PGALLOC, INIT, HUGETLB, "arch/sparc/mm/tlb.c", "arch/sparc/include/asm/page_64.h")
MAX_PHYSMEM_BITS: Final = 53
"""MAX_PHYS_ADDRESS_BITS, for every CPU."""

_MCD: Final = 1 << 9
"""_PAGE_MCD_4V, which pte_mknotmcd() clears on every CPU."""
_THP: Final = "pte_{0} pmd_{0}"
_UPPER: Final = "pmd_{0} pud_{0}"

# Fields


def _4v(nine: Row) -> tuple[Row, ...]:
    return (
        software("_PAGE_MODIFIED", 61, "written"),
        software("_PAGE_ACCESSED", 60, "referenced"),
        software("_PAGE_READ", 59, "readable; nobody asks"),
        software("_PAGE_WRITE", 58, "writable"),
        acts("_PAGE_IE", 12, "IE"),
        acts("_PAGE_E", 11, "E"),
        acts("_PAGE_CP", 10, "CP"),
        nine,
        acts("_PAGE_P", 8, "P"),
        acts("_PAGE_EXEC", 7, "X"),
        acts("_PAGE_W", 6, "W"),
        software("_PAGE_PRESENT", 4, "there is a translation"),
        acts("_PAGE_SZALL", (2, 0), "SZ: 000 _PAGE_SZ8K, 011 _PAGE_SZHUGE"),
    )


_BITS: Final[Mapping[str, tuple[Row, ...]]] = {
    "sun4v": _4v(acts("_PAGE_CV", 9, "CV")),
    "m7": _4v(acts("_PAGE_MCD", 9, "MCD")),
    "sun4u": (
        acts("_PAGE_SZALL", [48, (62, 61)], "Size: 000 _PAGE_SZ8K, 011 _PAGE_SZHUGE"),
        acts("_PAGE_IE", 59, "IE"),
        acts("_PAGE_EXEC", 12, "executable, asked by the refill"),
        software("_PAGE_MODIFIED", 11, "written"),
        software("_PAGE_ACCESSED", 10, "referenced"),
        software("_PAGE_READ", 9, "readable; nobody asks"),
        software("_PAGE_WRITE", 8, "writable"),
        software("_PAGE_PRESENT", 7, "there is a translation"),
        acts("_PAGE_L", 6, "L"),
        acts("_PAGE_CP", 5, "CP"),
        acts("_PAGE_CV", 4, "CV"),
        acts("_PAGE_E", 3, "E"),
        acts("_PAGE_P", 2, "P"),
        acts("_PAGE_W", 1, "W"),
    ),
}
_PADDR: Final = {"sun4v": 55, "m7": 55, "sun4u": 42}
_SZHUGE: Final = {"sun4v": 3, "m7": 3, "sun4u": 3 << 61}
"""_PAGE_SZ4MB."""
_CACHE: Final = {"sun4v": ("_PAGE_CP", "_PAGE_CV"), "m7": ("_PAGE_CP",), "sun4u": ("_PAGE_CP", "_PAGE_CV")}
"""_PAGE_CACHE_4U, and page_cache4v_flag as paging_init() sets it."""


def _leaf(variant: str, level: Level) -> View:
    huge = acts("_PAGE_PMD_HUGE", 56, "huge, asked by the refill") if level is not Level.PTE else software("_PAGE_PMD_HUGE", 56, "huge: hugetlbfs")
    low = PAGE_SHIFT + ORDER[level]
    return view(
        "leaf",
        acts("_PAGE_VALID", 63, "V; _PAGE_R with the accessed bit"),
        software("_PAGE_SPECIAL", 57, "no struct page"),
        huge,
        acts("_PAGE_PADDR", (_PADDR[variant], low), "PA"),
        *_BITS[variant],
        source=PGTABLE,
    )


_TABLE: Final = view(
    "table",
    acts("above", [(63, 57), (55, MAX_PHYSMEM_BITS)], "0: no physical address has so many bits"),
    acts("_PAGE_PMD_HUGE", 56, "0"),
    acts("PA", (MAX_PHYSMEM_BITS - 1, PAGE_SHIFT), "the lower table"),
    acts("~PAGE_MASK", (PAGE_SHIFT - 1, 0), "0: pXd_bad()"),
    source=PGALLOC,
)


def _extra(variant: str) -> int:
    """What pgprot_noncached() changes, and _PAGE_MCD of a mapping with VM_SPARC_ADI."""
    names = {"_PAGE_CP", "_PAGE_CV", "_PAGE_E", "_PAGE_MCD"}
    mask = 0
    for one in _leaf(variant, Level.PTE):
        mask |= one.mask if one.name in names else 0
    return mask


def _uses(variant: str, swap: View) -> dict[Level, LevelUse]:
    extra = _extra(variant)
    return {
        Level.PTE: LevelUse({"leaf": _leaf(variant, Level.PTE), "swap": swap}, 0, _protections, extra=extra),
        **{
            level: LevelUse({"table": _TABLE, "leaf": _leaf(variant, level)}, ORDER[level], _protections, extra=extra, table_bits=PAGE_SHIFT)
            for level in (Level.PMD, Level.PUD)
        },
    }


def swap_view(*rows: Row) -> View:
    """The view of a swap entry."""
    return view("swap", *rows, source=PGTABLE)


def _protections(k: Kernel) -> tuple[Protection, ...]:
    """protection_map, as sun4u_pgprot_init() or sun4v_pgprot_init() fills it (arch/sparc/mm/init_64.c)."""
    cached = k["_PAGE_PRESENT", "_PAGE_ACCESSED"] | k[_CACHE[k.layout.hardware.variant]]
    none = cached
    read = cached | k["_PAGE_VALID", "_PAGE_READ"]
    execute, write = read | k["_PAGE_EXEC"], read | k["_PAGE_WRITE"]
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
        "VM_SHARED|VM_WRITE": write,
        "VM_SHARED|VM_WRITE|VM_READ": write,
        "VM_SHARED|VM_EXEC": execute,
        "VM_SHARED|VM_EXEC|VM_READ": execute,
        "VM_SHARED|VM_EXEC|VM_WRITE": execute | write,
        "VM_SHARED|VM_EXEC|VM_WRITE|VM_READ": execute | write,
    })  # fmt: skip


# What an entry is


@helper("pte_none pmd_none pud_none", PGTABLE)
def none(k: Kernel, entry: Expr) -> Expr:
    return eq(entry, 0)


@helper("pte_present", PGTABLE)
def pte_present(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_PRESENT"])


@helper(_UPPER.format("present"), PGTABLE)
def upper_present(k: Kernel, entry: Expr) -> Expr:
    return ne(entry, 0)


@helper(_UPPER.format("bad"), PGTABLE)
def bad(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, (1 << PAGE_SHIFT) - 1)


@helper("pmd_leaf pud_leaf pmd_trans_huge", PGTABLE)
def leaf(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["_PAGE_PMD_HUGE"])


@helper(_THP.format("young"), PGTABLE)
def young(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["_PAGE_ACCESSED"])


@helper(_THP.format("dirty"), PGTABLE)
def dirty(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["_PAGE_MODIFIED"])


@helper("pte_write pmd_write pud_write", PGTABLE)
def write(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["_PAGE_WRITE"])


@helper("pte_exec", PGTABLE)
def execute(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_EXEC"])


@helper("pte_special", PGTABLE)
def special(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_SPECIAL"])


def _permitted(k: Kernel, pte: Expr, *wanted: str) -> Expr:
    """_PAGE_P has to be set, which no page of a user's has."""
    prot = k[("_PAGE_PRESENT", "_PAGE_P", *wanted)]
    return eq(pte & (prot | k["_PAGE_SPECIAL"]), prot)


@helper("pte_access_permitted_read", PGTABLE)
def pte_access_permitted_read(k: Kernel, pte: Expr) -> Expr:
    return _permitted(k, pte)


@helper("pte_access_permitted_write", PGTABLE)
def pte_access_permitted_write(k: Kernel, pte: Expr) -> Expr:
    return _permitted(k, pte, "_PAGE_WRITE")


@helper(_UPPER.format("access_permitted_read"), GENERIC)
def access_permitted_read(k: Kernel, entry: Expr) -> Expr:
    return k.present(entry)


@helper(_UPPER.format("access_permitted_write"), GENERIC)
def access_permitted_write(k: Kernel, entry: Expr) -> Expr:
    return and_(k.present(entry), k.write(entry))


# Setters


@helper(_THP.format("mkyoung"), PGTABLE)
def mkyoung(k: Kernel, entry: Expr) -> Expr:
    return entry | k["_PAGE_ACCESSED", "_PAGE_VALID"]


@helper(_THP.format("mkold"), PGTABLE)
def mkold(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["_PAGE_ACCESSED", "_PAGE_VALID"])


@helper(_THP.format("mkclean"), PGTABLE)
def mkclean(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["_PAGE_MODIFIED", "_PAGE_W"])


@helper(_THP.format("wrprotect"), PGTABLE)
def wrprotect(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["_PAGE_WRITE", "_PAGE_W"])


@helper("pte_mkspecial", PGTABLE)
def mkspecial(k: Kernel, pte: Expr) -> Expr:
    return pte | k["_PAGE_SPECIAL"]


@helper("pte_mkhuge", PGTABLE)
def pte_mkhuge(k: Kernel, pte: Expr) -> Expr:
    return pte | _SZHUGE[k.layout.hardware.variant]


@helper("pmd_mkhuge", PGTABLE)
def pmd_mkhuge(k: Kernel, pmd: Expr) -> Expr:
    return pmd | _SZHUGE[k.layout.hardware.variant] | k["_PAGE_PMD_HUGE"]


@helper("arch_make_huge_pte", HUGETLB)
def arch_make_huge_pte(k: Kernel, pte: Expr) -> Expr:
    """Of a page of HPAGE_SIZE in a mapping without VM_SPARC_ADI: bit 9 is cleared on every CPU, though only the M7 has MCD there."""
    sized = clear(pte, k["_PAGE_SZALL"]) | _SZHUGE[k.layout.hardware.variant] | k["_PAGE_PMD_HUGE"]
    return clear(sized, _MCD)


@helper("pmd_mkinvalid", "arch/sparc/mm/tlb.c: pmdp_invalidate")
def mkinvalid(k: Kernel, pmd: Expr) -> Expr:
    """The kernel has no function of values by this name here: it is what pmdp_invalidate() stores."""
    return clear(pmd, k["_PAGE_VALID"])


@helper(_THP.format("modify"), PGTABLE)
def modify(k: Kernel, entry: Expr, prot: Expr) -> Expr:
    """Neither V nor W is kept: the former comes with the protection, the latter does not."""
    cache = k[_CACHE[k.layout.hardware.variant]]
    kept = _paddr(k) | k["_PAGE_MODIFIED", "_PAGE_ACCESSED", "_PAGE_E", "_PAGE_SPECIAL", "_PAGE_PMD_HUGE", "_PAGE_SZALL"] | cache
    return entry & kept | clear(prot, kept)


# The frame


def _paddr(k: Kernel) -> int:
    """_PAGE_PADDR, the same at every level."""
    return (1 << _PADDR[k.layout.hardware.variant] + 1) - (1 << PAGE_SHIFT)


@helper("pte_pfn pmd_pfn pud_pfn", PGTABLE)
def pfn(k: Kernel, entry: Expr) -> Expr:
    return (entry & _paddr(k)) >> PAGE_SHIFT


@helper("pfn_pte pfn_pmd", PGTABLE)
def pfn_entry(k: Kernel, page: Expr, prot: Expr) -> Expr:
    """The frame is not masked."""
    return page << PAGE_SHIFT | prot


@helper("pte_clear pmd_clear pud_clear", PGTABLE)
def cleared(k: Kernel) -> Expr:
    return const(0, 64)


@helper("pmd_populate pud_populate", PGALLOC)
def populate(k: Kernel, table: Expr) -> Expr:
    """The physical address and nothing else."""
    return table


# Swap entries


@helper("__swp_offset", PGTABLE)
def swp_offset(k: Kernel, swp: Expr) -> Expr:
    return swp >> k.shift("SWP_OFFSET")


@helper("__pte_to_swp_entry __swp_entry_to_pte", PGTABLE)
def as_it_is(k: Kernel, entry: Expr) -> Expr:
    return entry


_HELPERS: Final = definitions(globals())


def supported(config: Config) -> Config:
    """What sparc64 can be configured with: no soft-dirty, userfaultfd write-protection, device memory or memory failure (arch/sparc/Kconfig)."""
    return Config(config.name, config.options & {"MIGRATION"})


def layout(hardware: Hardware, release: str, config: Config, swap: View, helpers: tuple[Definition, ...], kinds: tuple[SwapKind, ...]) -> Layout:
    """sparc64 at a release, from what that has of its own."""
    return Layout(
        hardware=hardware,
        release=release,
        config=config,
        uses=_uses(hardware.variant, swap),
        helpers=by_name(linux.HELPERS, _HELPERS, helpers),
        kinds=kinds,
        pfn_bits=MAX_PHYSMEM_BITS - PAGE_SHIFT,
        sources=SOURCES,
        numbers={"PAGE_SHIFT": PAGE_SHIFT},
        provenance=Provenance.CONFORMED,
    )
