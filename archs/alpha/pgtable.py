"""What alpha kernels read alike in linux-6.1 and linux-6.12: everything but the swap codec and the name of mkwrite.

Young and dirty are the kernel's own bits together with the hardware's enables for reading and writing; write protection is FOW. The pmd is a level
of tables only; the pud is folded.
"""

from __future__ import annotations

from typing import Final

from archs import linux
from archs.alpha.hardware import PAGE_SHIFT
from bitspec.expr import FALSE, Expr, any_of, clear, const, eq, ite, ne, none_of, zext
from bitspec.fields import Row, View, acts, software, view
from bitspec.hardware import Hardware
from bitspec.layout import Config, Definition, Kernel, Layout, LevelUse, SwapKind, by_name, definitions, helper, protections
from bitspec.vocabulary import Level

PGTABLE: Final = "arch/alpha/include/asm/pgtable.h"
SOURCES: Final = (PGTABLE, "arch/alpha/include/asm/pgalloc.h", "arch/alpha/include/asm/sparsemem.h", "arch/alpha/mm/init.c")

_BITS: Final = (
    acts("_PFN_MASK", (63, 32), "PFN"),
    software("_PAGE_ACCESSED", 18, "referenced"),
    software("_PAGE_DIRTY", 17, "written"),
    acts("_PAGE_UWE", 13, "UWE"),
    acts("_PAGE_KWE", 12, "KWE"),
    acts("_PAGE_URE", 9, "URE"),
    acts("_PAGE_KRE", 8, "KRE"),
)
_VALID: Final = acts("_PAGE_VALID", 0, "V")

_LEAF: Final = view(
    "leaf",
    *_BITS,
    acts("_PAGE_ASM", 4, "ASM"),
    acts("_PAGE_FOE", 3, "FOE"),
    acts("_PAGE_FOW", 2, "FOW"),
    acts("_PAGE_FOR", 1, "FOR"),
    _VALID,
    source=PGTABLE,
)
_TABLE: Final = view("table", *_BITS, _VALID, source=PGTABLE)


def swap_view(*rows: Row) -> View:
    """The view of a swap entry."""
    return view("swap", *rows, source=PGTABLE)


_DIRTY_BITS: Final = ("_PAGE_DIRTY", "_PAGE_KWE", "_PAGE_UWE")
_ACCESS_BITS: Final = ("_PAGE_ACCESSED", "_PAGE_KRE", "_PAGE_URE")

_NORMAL: Final = 1 << 0 | 1 << 18 | 1 << 8 | 1 << 9
_FOR, _FOW, _FOE = 1 << 1, 1 << 2, 1 << 3

#: protection_map, arch/alpha/mm/init.c
PROTECTIONS: Final = protections({
    "VM_NONE": _NORMAL | _FOE | _FOW | _FOR,
    "VM_READ": _NORMAL | _FOE | _FOW,
    "VM_WRITE": _NORMAL | _FOE | _FOW,
    "VM_WRITE|VM_READ": _NORMAL | _FOE | _FOW,
    "VM_EXEC": _NORMAL | _FOW | _FOR,
    "VM_EXEC|VM_READ": _NORMAL | _FOW,
    "VM_EXEC|VM_WRITE": _NORMAL | _FOW,
    "VM_EXEC|VM_WRITE|VM_READ": _NORMAL | _FOW,
    "VM_SHARED": _NORMAL | _FOE | _FOW | _FOR,
    "VM_SHARED|VM_READ": _NORMAL | _FOE | _FOW,
    "VM_SHARED|VM_WRITE": _NORMAL | _FOE,
    "VM_SHARED|VM_WRITE|VM_READ": _NORMAL | _FOE,
    "VM_SHARED|VM_EXEC": _NORMAL | _FOW | _FOR,
    "VM_SHARED|VM_EXEC|VM_READ": _NORMAL | _FOW,
    "VM_SHARED|VM_EXEC|VM_WRITE": _NORMAL,
    "VM_SHARED|VM_EXEC|VM_WRITE|VM_READ": _NORMAL,
})  # fmt: skip

# What an entry is


@helper("pte_none pmd_none", PGTABLE)
def none(k: Kernel, entry: Expr) -> Expr:
    return eq(entry, 0)


@helper("pte_clear pmd_clear", PGTABLE)
def cleared(k: Kernel) -> Expr:
    return const(0, 64)


@helper("pte_present pmd_present", PGTABLE)
def present(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["_PAGE_VALID"])


@helper("pte_write", PGTABLE)
def write(k: Kernel, pte: Expr) -> Expr:
    return none_of(pte, k["_PAGE_FOW"])


@helper("pte_dirty", PGTABLE)
def dirty(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_DIRTY"])


@helper("pte_young", PGTABLE)
def young(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_ACCESSED"])


# Setters


@helper("pte_mkyoung", PGTABLE)
def mkyoung(k: Kernel, pte: Expr) -> Expr:
    return pte | k[_ACCESS_BITS]


@helper("pte_mkold", PGTABLE)
def mkold(k: Kernel, pte: Expr) -> Expr:
    return clear(pte, k[_ACCESS_BITS])


@helper("pte_mkdirty", PGTABLE)
def mkdirty(k: Kernel, pte: Expr) -> Expr:
    return pte | k[_DIRTY_BITS]


@helper("pte_mkclean", PGTABLE)
def mkclean(k: Kernel, pte: Expr) -> Expr:
    return clear(pte, k[_DIRTY_BITS])


def writable(k: Kernel, pte: Expr) -> Expr:
    """pte_mkwrite, since v6.6 pte_mkwrite_novma."""
    return clear(pte, k["_PAGE_FOW"])


@helper("pte_wrprotect", PGTABLE)
def wrprotect(k: Kernel, pte: Expr) -> Expr:
    return pte | k["_PAGE_FOW"]


@helper("pte_modify", PGTABLE)
def modify(k: Kernel, pte: Expr, prot: Expr) -> Expr:
    """_PAGE_CHG_MASK."""
    return pte & k[("_PFN_MASK", *_DIRTY_BITS, *_ACCESS_BITS)] | prot


# The frame


@helper("pte_pfn pmd_pfn", PGTABLE)
def pfn(k: Kernel, entry: Expr) -> Expr:
    return entry >> k.shift("_PFN_MASK")


@helper("pfn_pte", PGTABLE)
def pfn_pte(k: Kernel, page: Expr, prot: Expr) -> Expr:
    """PHYS_TWIDDLE: what looks like a KSEG address of 43 bits gets the physical address it stands for."""
    kseg, alias = (address >> PAGE_SHIFT for address in (0xC00_0000_0000, 0x400_0000_0000))
    return ite(eq(page & kseg, alias), page ^ kseg, page) << k.shift("_PFN_MASK") | prot


# The pmd


@helper("pmd_bad", PGTABLE)
def bad(k: Kernel, pmd: Expr) -> Expr:
    return ne(clear(pmd, k["_PFN_MASK"]), _table(k))


@helper("pmd_leaf", "include/linux/pgtable.h")
def leaf(k: Kernel, pmd: Expr) -> Expr:
    return FALSE


@helper("pmd_populate", "arch/alpha/include/asm/pgalloc.h, pmd_set() of pgtable.h")
def populate(k: Kernel, table: Expr) -> Expr:
    return table << k.shift("_PFN_MASK") - PAGE_SHIFT | _table(k)


def _table(k: Kernel) -> int:
    """_PAGE_TABLE."""
    return k[("_PAGE_VALID", *_DIRTY_BITS, *_ACCESS_BITS)]


# Swap entries


@helper("__swp_type", PGTABLE)
def swp_type(k: Kernel, swp: Expr) -> Expr:
    return zext(k.field("SWP_TYPE").extract(swp), 64)


@helper("__swp_offset", PGTABLE)
def swp_offset(k: Kernel, swp: Expr) -> Expr:
    return swp >> k.shift("SWP_OFFSET")


@helper("__pte_to_swp_entry __swp_entry_to_pte", PGTABLE)
def as_it_is(k: Kernel, entry: Expr) -> Expr:
    return entry


_HELPERS: Final = definitions(globals())


def supported(config: Config) -> Config:
    """What alpha can be configured with: no soft-dirty, userfaultfd write-protection, device memory or memory failure (arch/alpha/Kconfig)."""
    return Config(config.name, config.options & {"MIGRATION"})


def layout(hardware: Hardware, release: str, config: Config, swap: View, helpers: tuple[Definition, ...], kinds: tuple[SwapKind, ...]) -> Layout:
    """Alpha at a release, from what that has of its own: a generic kernel, with SPARSEMEM."""
    return Layout(
        hardware=hardware,
        release=release,
        config=config,
        uses={
            Level.PTE: LevelUse({"leaf": _LEAF, "swap": swap}, 0, PROTECTIONS),
            Level.PMD: LevelUse({"table": _TABLE}, PAGE_SHIFT - 3, (), table_bits=PAGE_SHIFT),
        },
        helpers=by_name(linux.HELPERS, _HELPERS, helpers),
        kinds=kinds,
        pfn_bits=48 - PAGE_SHIFT,  # MAX_PHYSMEM_BITS
        sources=SOURCES,
        numbers={"PAGE_SHIFT": PAGE_SHIFT},
    )
