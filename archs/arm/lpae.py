"""arm's format in the hardware's long descriptors (LPAE), with huge pages at the pmd."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from archs.arm.pgtable import Format, frame, placed, protection_map, stored
from bitspec.expr import Expr, and_, any_of, clear, const, eq, ite, ne, none_of, not_, or_
from bitspec.fields import View, acts, software, view
from bitspec.layout import Kernel, LevelUse, definitions, helper
from bitspec.vocabulary import Level

HEADER: Final = "arch/arm/include/asm/pgtable-3level.h"
HWDEF: Final = "arch/arm/include/asm/pgtable-3level-hwdef.h"
_GENERIC: Final = "include/linux/pgtable.h"

_LEAF: Final = view(
    "leaf",
    software("L_PTE_RDONLY", 58, "not writable"),
    software("L_PTE_NONE", 57, "PROT_NONE"),
    software("L_PTE_SPECIAL", 56, "no struct page"),
    software("L_PTE_DIRTY", 55, "written"),
    acts("L_PTE_XN", 54, "XN"),
    acts("PTE_EXT_PXN", 53, "PXN"),
    acts("PFN", (39, 12), "the frame"),
    acts("PTE_EXT_NG", 11, "nG"),
    acts("L_PTE_YOUNG", 10, "AF"),
    acts("L_PTE_SHARED", (9, 8), "SH"),
    acts("PTE_AP2", 7, "AP[2]"),
    acts("L_PTE_USER", 6, "AP[1]"),
    acts("L_PTE_MT", (4, 2), "L_PTE_MT_MASK: AttrIndx; 111 L_PTE_MT_WRITEALLOC"),
    acts("PTE_TABLE_BIT", 1, "type; L_PTE_PRESENT is this or VALID"),
    acts("L_PTE_VALID", 0, "valid"),
    source=HEADER,
)

_HUGE: Final = view(
    "leaf",
    software("L_PMD_SECT_RDONLY", 58, "not writable"),
    software("L_PMD_SECT_NONE", 57, "PROT_NONE"),
    software("L_PMD_SECT_DIRTY", 55, "written"),
    acts("PMD_SECT_XN", 54, "XN"),
    acts("PMD_SECT_PXN", 53, "PXN"),
    acts("PFN", (39, 21), "the frame"),
    acts("PMD_SECT_nG", 11, "nG"),
    acts("PMD_SECT_AF", 10, "AF"),
    acts("PMD_SECT_S", (9, 8), "SH"),
    acts("PMD_SECT_AP2", 7, "AP[2]"),
    acts("PMD_SECT_USER", 6, "AP[1]"),
    acts("PMD_SECT_CACHE_MASK", (4, 2), "AttrIndx; 111 PMD_SECT_WBWA"),
    acts("PMD_TABLE_BIT", 1, "type: 0"),
    acts("L_PMD_SECT_VALID", 0, "valid"),
    source=HEADER,
)

_TABLE: Final = view(
    "table",
    acts("PMD_PXNTABLE", 59, "PXNTable; not set"),
    acts("TABLE", (39, 12), "the lower table"),
    acts("PMD_TYPE_TABLE", (1, 0), "type, valid"),
    source=HWDEF,
)

_VALID, _TABLE_BIT = 1 << 0, 1 << 1
_USER, _XN, _NONE, _RDONLY = 1 << 6, 1 << 54, 1 << 57, 1 << 58
_DEFAULT: Final = _VALID | _TABLE_BIT | 1 << 10 | 7 << 2 | 3 << 8 | 1 << 53
"""L_PTE_PRESENT, L_PTE_YOUNG; of SMP: L_PTE_MT_WRITEALLOC, L_PTE_SHARED; of a user's: PTE_EXT_PXN."""
_PROTECTIONS: Final = protection_map(_DEFAULT, _USER, _XN, _RDONLY, _NONE)
_MEMORY_TYPE: Final = 7 << 2
"""L_PTE_MT_MASK: what pgprot_noncached() and its like change."""
_PMD_ORDER: Final = 21 - 12


def _uses(swap: View) -> Mapping[Level, LevelUse]:
    return {
        Level.PTE: LevelUse({"leaf": _LEAF, "swap": swap}, 0, _PROTECTIONS, extra=_MEMORY_TYPE),
        Level.PMD: LevelUse({"table": _TABLE, "leaf": _HUGE}, _PMD_ORDER, _PROTECTIONS, extra=_MEMORY_TYPE),
    }


# PTEs


@helper("pte_special", HEADER)
def special(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["L_PTE_SPECIAL"])


@helper("pte_mkspecial", HEADER)
def mkspecial(k: Kernel, pte: Expr) -> Expr:
    return stored(k, pte | k["L_PTE_SPECIAL"])


@helper("pte_huge", HEADER)
def pte_huge(k: Kernel, pte: Expr) -> Expr:
    return and_(ne(pte, 0), none_of(pte, k["PTE_TABLE_BIT"]))


@helper("arch_make_huge_pte", "include/linux/hugetlb.h, pte_mkhuge() of " + HEADER)
def arch_make_huge_pte(k: Kernel, pte: Expr) -> Expr:
    return stored(k, clear(pte, k["PTE_TABLE_BIT"]))


# What a PMD is


def _is_table(k: Kernel, pmd: Expr) -> Expr:
    return eq(pmd & (_VALID | _TABLE_BIT), _VALID | _TABLE_BIT)


@helper("pmd_none", "arch/arm/include/asm/pgtable.h")
def pmd_none(k: Kernel, pmd: Expr) -> Expr:
    return eq(pmd, 0)


@helper("pmd_clear", HEADER)
def pmd_clear(k: Kernel) -> Expr:
    return const(0, 64)


@helper("pmd_bad", HEADER)
def pmd_bad(k: Kernel, pmd: Expr) -> Expr:
    return none_of(pmd, k["PMD_TABLE_BIT"])


@helper("pmd_present", HEADER)
def pmd_present(k: Kernel, pmd: Expr) -> Expr:
    return any_of(pmd, k["L_PMD_SECT_VALID"])


@helper("pmd_leaf", HEADER)
def pmd_leaf(k: Kernel, pmd: Expr) -> Expr:
    return eq(pmd & (_VALID | _TABLE_BIT), _VALID)


@helper("pmd_trans_huge", HEADER)
def pmd_trans_huge(k: Kernel, pmd: Expr) -> Expr:
    return and_(ne(pmd, 0), not_(_is_table(k, pmd)))


@helper("pmd_young", HEADER)
def pmd_young(k: Kernel, pmd: Expr) -> Expr:
    return any_of(pmd, k["PMD_SECT_AF"])


@helper("pmd_write", HEADER)
def pmd_write(k: Kernel, pmd: Expr) -> Expr:
    return none_of(pmd, k["L_PMD_SECT_RDONLY"])


@helper("pmd_dirty", HEADER)
def pmd_dirty(k: Kernel, pmd: Expr) -> Expr:
    return any_of(pmd, k["L_PMD_SECT_DIRTY"])


@helper("pmd_access_permitted_read", _GENERIC)
def pmd_access_permitted_read(k: Kernel, pmd: Expr) -> Expr:
    return k.present(pmd)


@helper("pmd_access_permitted_write", _GENERIC)
def pmd_access_permitted_write(k: Kernel, pmd: Expr) -> Expr:
    return and_(k.present(pmd), k.write(pmd))


# What makes a PMD of another


def _set_pmd_at(k: Kernel, pmd: Expr) -> Expr:
    """What set_pmd_at() stores, which every huge page goes through, by generic_pmdp_establish() as well.

    nG, VALID taken from a PROT_NONE page, and AP[2] as RDONLY and DIRTY say, of an entry that is not valid, too.
    """
    valid = ite(any_of(pmd, k["L_PMD_SECT_NONE"]), clear(pmd, k["L_PMD_SECT_VALID"]), pmd)
    guarded = or_(any_of(pmd, k["L_PMD_SECT_RDONLY"]), none_of(pmd, k["L_PMD_SECT_DIRTY"]))
    return ite(guarded, valid | k["PMD_SECT_AP2"], clear(valid, k["PMD_SECT_AP2"])) | k["PMD_SECT_nG"]


@helper("pmd_mkyoung", HEADER)
def pmd_mkyoung(k: Kernel, pmd: Expr) -> Expr:
    return _set_pmd_at(k, pmd | k["PMD_SECT_AF"])


@helper("pmd_mkold", HEADER)
def pmd_mkold(k: Kernel, pmd: Expr) -> Expr:
    return _set_pmd_at(k, clear(pmd, k["PMD_SECT_AF"]))


@helper("pmd_mkdirty", HEADER)
def pmd_mkdirty(k: Kernel, pmd: Expr) -> Expr:
    return _set_pmd_at(k, pmd | k["L_PMD_SECT_DIRTY"])


@helper("pmd_mkclean", HEADER)
def pmd_mkclean(k: Kernel, pmd: Expr) -> Expr:
    return _set_pmd_at(k, clear(pmd, k["L_PMD_SECT_DIRTY"]))


@helper("pmd_wrprotect", HEADER)
def pmd_wrprotect(k: Kernel, pmd: Expr) -> Expr:
    return _set_pmd_at(k, pmd | k["L_PMD_SECT_RDONLY"])


def pmd_writable(k: Kernel, pmd: Expr) -> Expr:
    """pmd_mkwrite, since v6.6 pmd_mkwrite_novma."""
    return _set_pmd_at(k, clear(pmd, k["L_PMD_SECT_RDONLY"]))


@helper("pmd_mkhuge", HEADER)
def pmd_mkhuge(k: Kernel, pmd: Expr) -> Expr:
    return _set_pmd_at(k, clear(pmd, k["PMD_TABLE_BIT"]))


@helper("pmd_mkinvalid", HEADER)
def pmd_mkinvalid(k: Kernel, pmd: Expr) -> Expr:
    return _set_pmd_at(k, clear(pmd, k["L_PMD_SECT_VALID"]))


@helper("pmd_modify", HEADER)
def pmd_modify(k: Kernel, pmd: Expr, prot: Expr) -> Expr:
    """Only the rights, VALID and NONE come from the protection."""
    mask = k["PMD_SECT_USER", "PMD_SECT_XN", "L_PMD_SECT_RDONLY", "L_PMD_SECT_VALID", "L_PMD_SECT_NONE"]
    return _set_pmd_at(k, clear(pmd, mask) | prot & mask)


# The frame


@helper("pmd_pfn", HEADER)
def pmd_pfn(k: Kernel, pmd: Expr) -> Expr:
    return clear(frame(k, pmd), (1 << _PMD_ORDER) - 1)


@helper("pfn_pmd", HEADER)
def pfn_pmd(k: Kernel, page: Expr, prot: Expr) -> Expr:
    return placed(k, page) | prot


@helper("pmd_populate", "arch/arm/include/asm/pgalloc.h")
def pmd_populate(k: Kernel, table: Expr) -> Expr:
    """_PAGE_USER_TABLE."""
    return table | k["PMD_TYPE_TABLE"]


FORMAT: Final = Format(_uses, 64, definitions(globals()), (HEADER, HWDEF, "arch/arm/mm/proc-v7-3level.S"))
