"""What arm64 kernels read alike in linux-6.1 and linux-6.12: the fields of present entries, most helpers, the protection table.

The releases differ in how a present entry that is invalid to the hardware is told, in the swap codec, in the mask of the address field, and
in what the newer one added; that stands in ``linux_6_1.py`` and ``linux_6_12.py``.  Each helper of a huge level is the PTE's on the same
bits, unless it says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from archs.arm64.hardware import VARIANTS
from bitspec.expr import Expr, all_of, and_, any_of, clear, const, eq, ite, none_of, not_, or_, zext
from bitspec.fields import Place, Row, View, acts, software, view
from bitspec.hardware import Hardware
from bitspec.layout import Kernel, LevelUse, Protection, definitions, helper, protections
from bitspec.vocabulary import Level

PGTABLE: Final = "arch/arm64/include/asm/pgtable.h"
HWDEF: Final = "arch/arm64/include/asm/pgtable-hwdef.h"
PROT: Final = "arch/arm64/include/asm/pgtable-prot.h"
PGALLOC: Final = "arch/arm64/include/asm/pgalloc.h"
SOURCES: Final = (PGTABLE, HWDEF, PROT, PGALLOC, "arch/arm64/mm/mmap.c")
_ALL: Final = "pte_{0} pmd_{0} pud_{0}"
_HUGE: Final = "pmd_{0} pud_{0}"
_THP: Final = "pte_{0} pmd_{0}"

# Fields


def _address(hardware: Hardware, low: int, top: int) -> list[Row]:
    """PTE_ADDR_LOW up to `top`, and PTE_ADDR_HIGH where addresses have 52 bits."""
    granule = VARIANTS[hardware.variant]
    rows = [acts("PTE_ADDR_LOW", (top, low), "output address")]
    if granule.high is not None:
        rows.append(acts("PTE_ADDR_HIGH", granule.high, "output address, upper bits"))
    return rows


def _attributes(hardware: Hardware, low: int, top: int, *extra: Row) -> list[Row]:
    """A leaf's bits, without nG."""
    return [
        software("PTE_DEVMAP", 57, "device memory"),
        software("PTE_SPECIAL", 56, "no struct page"),
        software("PTE_DIRTY", 55, "dirty, as software noted it"),
        acts("PTE_UXN", 54, "UXN"),
        acts("PTE_PXN", 53, "PXN"),
        acts("PTE_CONT", 52, "Contiguous"),
        acts("PTE_WRITE", 51, "DBM: writable, though it may be read-only while clean"),
        acts("PTE_GP", 50, "GP"),
        *_address(hardware, low, top),
        acts("PTE_AF", 10, "AF"),
        *([] if VARIANTS[hardware.variant].ds else [acts("PTE_SHARED", (9, 8), "SH: inner shareable")]),
        acts("PTE_RDONLY", 7, "AP[2]"),
        acts("PTE_USER", 6, "AP[1]"),
        acts("PTE_ATTRINDX", (4, 2), "AttrIndx: MT_NORMAL is 0, MT_NORMAL_TAGGED 1"),
        acts("PTE_TABLE_BIT", 1, "type"),
        acts("PTE_VALID", 0, "valid"),
        *extra,
    ]


def uses(hardware: Hardware, swap: View, top: int, present: tuple[Row, ...], absent: dict[Level, tuple[Row, ...]], mark: str) -> dict[Level, LevelUse]:
    """The kernel's use of each level.

    Args:
        hardware: the variant.
        swap: the view of a swap entry.
        top: the highest bit of PTE_ADDR_LOW.
        present: the release's own fields of a valid leaf, nG among them.
        absent: by level, those that take their place while the entry is not valid.
        mark: the one among them that PAGE_NONE has.
    """
    granule = VARIANTS[hardware.variant]
    extra = _GP | _CONT | _ATTRINDX | sum(_mask(row.place) for row in present if row.name == "PTE_PO_IDX")
    found = {}
    for level in Level:
        low = granule.low(level)
        views = {
            "leaf": view("leaf", *_attributes(hardware, low, top, *present), source=HWDEF),
            "invalid": view("invalid", *_attributes(hardware, low, top, *absent[level]), source=PROT),
        }
        if level is not Level.PTE:
            views["table"] = view(
                "table",
                acts("PXD_TABLE_UXN", 60, "UXNTable: set in a table of the kernel"),
                acts("PXD_TABLE_PXN", 59, "PXNTable: set in a table of a process"),
                *_address(hardware, granule.shift, top),
                acts("PXD_TYPE_TABLE", (1, 0), "type, valid"),
                source=HWDEF,
            )
        if level is not Level.PUD:
            views["swap"] = swap
        leaves = level is not Level.PUD or granule.shift == 12
        none = "" if leaves else "pud_sect_supported() is false: with 16K and 64K pages no PUD maps memory"
        table = _protection_map(mark, granule.ds) if leaves else ()
        found[level] = LevelUse(views, low - granule.shift, table, extra, granule.shift, no_leaves=none)
    return found


def _mask(place: Place) -> int:
    assert isinstance(place, tuple)
    return (1 << place[0] + 1) - (1 << place[1])


# The protection table: arch/arm64/mm/mmap.c

_DEFAULT: Final = 1 << 0 | 1 << 1 | 1 << 10 | 3 << 8  # _PROT_DEFAULT: PTE_TYPE_PAGE | PTE_AF | PTE_SHARED
_VALID, _USER, _RDONLY, _NG, _WRITE, _PXN, _UXN = 1 << 0, 1 << 6, 1 << 7, 1 << 11, 1 << 51, 1 << 53, 1 << 54
_GP, _CONT, _ATTRINDX, _SHARED_BITS = 1 << 50, 1 << 52, 7 << 2, 3 << 8
_PAGE_NONE: Final = (_DEFAULT & ~_VALID) | _RDONLY | _NG | _PXN | _UXN  # and the release's mark of a present entry that is not valid
_PAGE_READONLY: Final = _DEFAULT | _USER | _RDONLY | _NG | _PXN | _UXN
_PAGE_READONLY_EXEC: Final = _DEFAULT | _USER | _RDONLY | _NG | _PXN
_PAGE_EXECONLY: Final = _DEFAULT | _RDONLY | _NG | _PXN
_PAGE_SHARED: Final = _PAGE_READONLY | _WRITE  # clean: PTE_RDONLY until the first store
_PAGE_SHARED_EXEC: Final = _PAGE_READONLY_EXEC | _WRITE

#: protection_map; the second pair of rows for VM_EXEC is what a CPU with FEAT_PAN3 gets (adjust_protection_map).
PROTECTIONS: Final = (
    *protections({
        "VM_NONE": _PAGE_NONE,
        "VM_READ": _PAGE_READONLY,
        "VM_WRITE": _PAGE_READONLY,
        "VM_WRITE|VM_READ": _PAGE_READONLY,
        "VM_EXEC": _PAGE_READONLY_EXEC,
        "VM_EXEC|VM_READ": _PAGE_READONLY_EXEC,
        "VM_EXEC|VM_WRITE": _PAGE_READONLY_EXEC,
        "VM_EXEC|VM_WRITE|VM_READ": _PAGE_READONLY_EXEC,
        "VM_SHARED": _PAGE_NONE,
        "VM_SHARED|VM_READ": _PAGE_READONLY,
        "VM_SHARED|VM_WRITE": _PAGE_SHARED,
        "VM_SHARED|VM_WRITE|VM_READ": _PAGE_SHARED,
        "VM_SHARED|VM_EXEC": _PAGE_READONLY_EXEC,
        "VM_SHARED|VM_EXEC|VM_READ": _PAGE_READONLY_EXEC,
        "VM_SHARED|VM_EXEC|VM_WRITE": _PAGE_SHARED_EXEC,
        "VM_SHARED|VM_EXEC|VM_WRITE|VM_READ": _PAGE_SHARED_EXEC,
    }),
    *protections({"VM_EXEC": _PAGE_EXECONLY, "VM_SHARED|VM_EXEC": _PAGE_EXECONLY}),
)  # fmt: skip


def _protection_map(mark: str, ds: bool) -> Callable[[Kernel], tuple[Protection, ...]]:
    """PROTECTIONS with the release's mark in PAGE_NONE.

    With TCR_EL1.DS the shareability comes from TCR_EL1 and its bits hold the address, so that no protection has it (adjust_protection_map).
    """

    def table(k: Kernel) -> tuple[Protection, ...]:
        dropped = _SHARED_BITS if ds else 0
        return tuple(replace(row, value=row.value & ~dropped | (0 if row.access else k[mark])) for row in PROTECTIONS)

    return table


# What an entry is


@helper(_ALL.format("none"), PGTABLE)
def none(k: Kernel, entry: Expr) -> Expr:
    return eq(entry, 0)


def _type_table(entry: Expr) -> Expr:
    """(entry & PXD_TYPE_MASK) == PXD_TYPE_TABLE."""
    return eq(entry & 3, 3)


def pxd_table(k: Kernel, entry: Expr) -> Expr:
    """pmd_table, pud_table; with 64K pages pud_table is true whatever the entry."""
    if k.level is Level.PUD and k.number("PAGE_SHIFT") == 16:
        return const(1, 1)
    return _type_table(entry)


@helper(_HUGE.format("bad"), PGTABLE)
def bad(k: Kernel, entry: Expr) -> Expr:
    return not_(_type_table(entry))


@helper(_HUGE.format("leaf"), PGTABLE)
def leaf(k: Kernel, entry: Expr) -> Expr:
    return and_(k.present(entry), not_(pxd_table(k, entry)))


@helper(_ALL.format("young"), PGTABLE)
def young(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["PTE_AF"])


@helper("pte_special", PGTABLE)
def special(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["PTE_SPECIAL"])


@helper(_ALL.format("write"), PGTABLE)
def write(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["PTE_WRITE"])


@helper(_THP.format("devmap"), PGTABLE, needs="ZONE_DEVICE")
def devmap(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["PTE_DEVMAP"])


@helper("pud_devmap", PGTABLE, needs="ZONE_DEVICE")
def pud_devmap(k: Kernel, pud: Expr) -> Expr:
    return const(0, 1)


def pte_hw_dirty(k: Kernel, entry: Expr) -> Expr:
    return and_(any_of(entry, k["PTE_WRITE"]), none_of(entry, k["PTE_RDONLY"]))


@helper(_THP.format("dirty"), PGTABLE)
def dirty(k: Kernel, entry: Expr) -> Expr:
    return or_(any_of(entry, k["PTE_DIRTY"]), pte_hw_dirty(k, entry))


@helper(_ALL.format("access_permitted_read"), PGTABLE)
def access_permitted_read(k: Kernel, entry: Expr) -> Expr:
    """What it lets through at most: since v6.12 the current POR_EL0 may refuse more."""
    return all_of(entry, k["PTE_VALID", "PTE_USER"])


@helper(_ALL.format("access_permitted_write"), PGTABLE)
def access_permitted_write(k: Kernel, entry: Expr) -> Expr:
    return and_(all_of(entry, k["PTE_VALID", "PTE_USER"]), any_of(entry, k["PTE_WRITE"]))


# Setters


@helper(_ALL.format("mkyoung"), PGTABLE)
def mkyoung(k: Kernel, entry: Expr) -> Expr:
    return entry | k["PTE_AF"]


@helper(_THP.format("mkold"), PGTABLE)
def mkold(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["PTE_AF"])


@helper(_THP.format("mkdirty"), PGTABLE)
def mkdirty(k: Kernel, entry: Expr) -> Expr:
    made = entry | k["PTE_DIRTY"]
    return ite(any_of(made, k["PTE_WRITE"]), clear(made, k["PTE_RDONLY"]), made)


@helper(_THP.format("mkclean"), PGTABLE)
def mkclean(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["PTE_DIRTY"]) | k["PTE_RDONLY"]


def writable(k: Kernel, entry: Expr) -> Expr:
    """pte_mkwrite, since v6.6 pte_mkwrite_novma: a clean page stays read-only until the hardware or a fault makes it dirty."""
    made = entry | k["PTE_WRITE"]
    return ite(any_of(made, k["PTE_DIRTY"]), clear(made, k["PTE_RDONLY"]), made)


@helper(_THP.format("wrprotect"), PGTABLE)
def wrprotect(k: Kernel, entry: Expr) -> Expr:
    """What the hardware noted by clearing PTE_RDONLY moves to PTE_DIRTY."""
    noted = ite(pte_hw_dirty(k, entry), entry | k["PTE_DIRTY"], entry)
    return clear(noted, k["PTE_WRITE"]) | k["PTE_RDONLY"]


@helper("pte_mkspecial", PGTABLE)
def mkspecial(k: Kernel, entry: Expr) -> Expr:
    return entry | k["PTE_SPECIAL"]


@helper("pte_mkdevmap", PGTABLE, needs="ZONE_DEVICE")
def pte_mkdevmap(k: Kernel, pte: Expr) -> Expr:
    return pte | k["PTE_DEVMAP", "PTE_SPECIAL"]


@helper("pmd_mkdevmap", PGTABLE, needs="ZONE_DEVICE")
def pmd_mkdevmap(k: Kernel, pmd: Expr) -> Expr:
    return pmd | k["PTE_DEVMAP"]


@helper(_ALL.format("mkhuge"), PGTABLE)
def mkhuge(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["PTE_TABLE_BIT"])


@helper("arch_make_huge_pte", "arch/arm64/mm/hugetlbpage.c")
def arch_make_huge_pte(k: Kernel, pte: Expr) -> Expr:
    """For PMD_SIZE and PUD_SIZE.  CONT_PMD_SIZE sets PTE_CONT as well, CONT_PTE_SIZE that and both type bits (pte_mkcont)."""
    return k.mkhuge(pte)


def modified(k: Kernel, entry: Expr, prot: Expr, mask: int) -> Expr:
    """pte_modify, pmd_modify: the bits of `mask` come from `prot`; dirty is kept, whoever noted it."""
    noted = ite(pte_hw_dirty(k, entry), entry | k["PTE_DIRTY"], entry)
    made = clear(noted, mask) | prot & mask
    return ite(any_of(made, k["PTE_DIRTY"]), k.mkdirty(made), made)


# The frame


def _pte_to_phys(k: Kernel, entry: Expr) -> Expr:
    """__pte_to_phys; of a PMD or PUD, masked with PMD_MASK or PUD_MASK: what lies below the level's size is no part of its PTE_ADDR_LOW."""
    low = entry & k["PTE_ADDR_LOW"]
    if k.number("PTE_ADDR_HIGH_SHIFT") == 0:
        return low
    return low | (entry & k["PTE_ADDR_HIGH"]) << k.number("PTE_ADDR_HIGH_SHIFT")


def _phys_to_pte_val(k: Kernel, phys: Expr) -> Expr:
    """__phys_to_pte_val: it masks only where addresses have 52 bits."""
    if k.number("PTE_ADDR_HIGH_SHIFT") == 0:
        return phys
    return (phys | phys >> k.number("PTE_ADDR_HIGH_SHIFT")) & k.number("PHYS_TO_PTE_ADDR_MASK")


def address_numbers(hardware: Hardware, top: int) -> dict[str, int]:
    """The constants of the address field, for a PTE_ADDR_LOW up to bit `top`."""
    granule = VARIANTS[hardware.variant]
    numbers = {"PAGE_SHIFT": granule.shift, "PTE_ADDR_HIGH_SHIFT": 0}
    if granule.high is not None:
        numbers["PTE_ADDR_HIGH_SHIFT"] = granule.address_bits - 1 - granule.high[0]
        numbers["PHYS_TO_PTE_ADDR_MASK"] = (1 << top + 1) - (1 << granule.high[1])
    return numbers


@helper(_ALL.format("pfn"), PGTABLE)
def pfn(k: Kernel, entry: Expr) -> Expr:
    return _pte_to_phys(k, entry) >> k.number("PAGE_SHIFT")


@helper("pfn_pte pfn_pmd pfn_pud", PGTABLE)
def pfn_entry(k: Kernel, page: Expr, prot: Expr) -> Expr:
    return _phys_to_pte_val(k, page << k.number("PAGE_SHIFT")) | prot


@helper("pte_clear pmd_clear pud_clear", PGTABLE)
def cleared(k: Kernel) -> Expr:
    return const(0, 64)


@helper(_HUGE.format("populate"), PGALLOC)
def populate(k: Kernel, table: Expr) -> Expr:
    """For a process; the kernel's own tables have PXD_TABLE_UXN in place of PXD_TABLE_PXN."""
    return _phys_to_pte_val(k, table) | k["PXD_TYPE_TABLE", "PXD_TABLE_PXN"]


# Swap entries


@helper("__swp_type", PGTABLE)
def swp_type(k: Kernel, swp: Expr) -> Expr:
    return zext(k.field("__SWP_TYPE").extract(swp), 64)


@helper("__swp_offset", PGTABLE)
def swp_offset(k: Kernel, swp: Expr) -> Expr:
    return zext(k.field("__SWP_OFFSET").extract(swp), 64)


@helper("__swp_entry", PGTABLE)
def swp_entry(k: Kernel, swap_type: Expr, offset: Expr) -> Expr:
    """Neither is masked."""
    return swap_type << k.shift("__SWP_TYPE") | offset << k.shift("__SWP_OFFSET")


@helper("__pte_to_swp_entry __swp_entry_to_pte", PGTABLE)
def as_it_is(k: Kernel, entry: Expr) -> Expr:
    return entry


@helper("__pmd_to_swp_entry __swp_entry_to_pmd", PGTABLE, needs="MIGRATION")
def pmd_as_it_is(k: Kernel, entry: Expr) -> Expr:
    return entry


@helper("pte_swp_exclusive", PGTABLE)
def swp_exclusive(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["PTE_SWP_EXCLUSIVE"])


@helper("pte_swp_mkexclusive", PGTABLE)
def swp_mkexclusive(k: Kernel, pte: Expr) -> Expr:
    return pte | k["PTE_SWP_EXCLUSIVE"]


@helper("pte_swp_clear_exclusive", PGTABLE)
def swp_clear_exclusive(k: Kernel, pte: Expr) -> Expr:
    return clear(pte, k["PTE_SWP_EXCLUSIVE"])


HELPERS: Final = definitions(globals())
"""What both releases define in the same words."""
