"""s390 at linux-6.12.

Sources: arch/s390/include/asm/{pgtable,pgalloc,hugetlb}.h, arch/s390/mm/{hugetlbpage,mmap}.c, arch/s390/Kconfig of linux-6.12.

The kernel is taken to be loaded so that ``__pa(__va(x)) == x`` (vm_layout: identity_base 0), which pmd_pfn() and pud_pfn() go through.  On
machines without instruction-execution protection set_pmd_at() and ptep_modify_prot_commit() drop the no-execute bit besides; those are not
helpers, and an entry that keeps it here differs in a bit such a machine does not look at.
"""

from __future__ import annotations

from typing import Final

from archs import linux
from bitspec.expr import Expr, and_, any_of, clear, const, eq, ite, ne, none_of, not_, or_, ult, zext
from bitspec.fields import Field, Numbering, Row, View, acts, software, view
from bitspec.hardware import Hardware
from bitspec.layout import Config, Kernel, Layout, LevelUse, Protection, Provenance, by_name, definitions, helper, protections
from bitspec.vocabulary import Level

_PGTABLE: Final = "arch/s390/include/asm/pgtable.h"
_PGALLOC: Final = "arch/s390/include/asm/pgalloc.h"
_HUGETLB: Final = "arch/s390/mm/hugetlbpage.c"
_GENERIC: Final = "include/linux/pgtable.h"

SOURCES: Final = (_PGTABLE, _PGALLOC, "arch/s390/include/asm/hugetlb.h", _HUGETLB, "arch/s390/mm/mmap.c", "arch/s390/Kconfig")

PAGE_SHIFT: Final = 12
MAX_PHYSMEM_BITS: Final = 53
"""CONFIG_MAX_PHYSMEM_BITS is 42 to 53, by default 46: the worst case for bits."""

# Fields


def _view(name: str, *rows: Row) -> View:
    return view(name, *rows, numbering=Numbering.MSB0, source=_PGTABLE)


_PAGE_BITS: Final = (
    acts("_PAGE_INVALID", 53, "I; set in an old or inaccessible entry too"),
    acts("_PAGE_PROTECT", 54, "P; set in a clean or read-only entry"),
    acts("_PAGE_NOEXEC", 55, "IEP"),
    software("_PAGE_UNUSED", 56, "only in an old value handed back: the guest does not use the page"),
    software("_PAGE_SPECIAL", 57, "no struct page"),
    software("_PAGE_WRITE", 58, "stores are allowed once it is dirty"),
    software("_PAGE_READ", 59, "accesses are allowed once it is young"),
    software("_PAGE_DIRTY", 60, "written"),
    software("_PAGE_YOUNG", 61, "accessed"),
    software("_PAGE_SOFT_DIRTY", 62, "written since soft-dirty was cleared"),
    software("_PAGE_PRESENT", 63, "mapped"),
)

PAGE_VIEWS: Final = {
    "leaf": _view("leaf", acts("PFN", (0, 51), "PFRA"), *_PAGE_BITS),
    "swap": _view(
        "swap",
        software("SWP_OFFSET", (0, 51), "swap offset"),
        software("_PAGE_SWP_EXCLUSIVE", 52, "anonymous page, exclusive"),
        acts("_PAGE_INVALID", 53, "1: not valid, and all else is the kernel's"),
        acts("_PAGE_PROTECT", 54, "1: not the empty entry"),
        software("SWP_TYPE", (57, 61), "swap type"),
        software("_PAGE_SOFT_DIRTY", 62, "soft-dirty"),
        software("_PAGE_PRESENT", 63, "0: not mapped"),
    ),
    # What generic code sees of a hugetlbfs entry: a PTE that is never in a page table, where bit 52 would be reserved.
    "huge": _view(
        "huge",
        acts("PFN", (0, 51), "the frame"),
        software("_PAGE_LARGE", 52, "made from a segment- or region-third-table entry"),
        *_PAGE_BITS,
    ),
}

_SEGMENT_HARDWARE: Final = (
    acts("_SEGMENT_ENTRY_PROTECT", 54, "P"),
    acts("_SEGMENT_ENTRY_INVALID", 58, "I; set in an old or inaccessible leaf too"),
    acts("_SEGMENT_ENTRY_TYPE_MASK", (60, 61), "TT, 00"),
)

SEGMENT_TABLE: Final = _view("table", acts("_SEGMENT_ENTRY_ORIGIN", (0, 52), "PTO"), *_SEGMENT_HARDWARE)


def segment_leaf(*more: Row) -> View:
    """A leaf of the segment table: what every release has, and `more`."""
    return _view(
        "leaf",
        acts("_SEGMENT_ENTRY_ORIGIN_LARGE", (0, 43), "SFAA"),
        software("_SEGMENT_ENTRY_DIRTY", 50, "written; in ACC"),
        software("_SEGMENT_ENTRY_YOUNG", 51, "accessed; in ACC"),
        acts("_SEGMENT_ENTRY_LARGE", 53, "FC"),
        acts("_SEGMENT_ENTRY_NOEXEC", 55, "IEP"),
        *_SEGMENT_HARDWARE,
        *more,
    )


_REGION_HARDWARE: Final = (
    acts("_REGION_ENTRY_PROTECT", 54, "P"),
    acts("_REGION_ENTRY_INVALID", 58, "I; set in an old or inaccessible leaf too"),
    acts("_REGION_ENTRY_TYPE_MASK", (60, 61), "TT, 01"),
)

REGION_TABLE: Final = _view(
    "table",
    acts("_REGION_ENTRY_ORIGIN", (0, 51), "STO"),
    acts("_REGION_ENTRY_OFFSET", (56, 57), "TF"),
    acts("_REGION_ENTRY_LENGTH", (62, 63), "TL"),
    *_REGION_HARDWARE,
)


def region_leaf(*more: Row) -> View:
    """A leaf of the region-third table, which only hugetlbfs and the kernel's own mappings have: what every release has, and `more`."""
    return _view(
        "leaf",
        acts("_REGION3_ENTRY_ORIGIN_LARGE", (0, 32), "RFAA"),
        software("_REGION3_ENTRY_DIRTY", 50, "written; in ACC"),
        software("_REGION3_ENTRY_YOUNG", 51, "accessed; in ACC"),
        acts("_REGION3_ENTRY_LARGE", 53, "FC"),
        acts("_REGION_ENTRY_NOEXEC", 55, "IEP"),
        *_REGION_HARDWARE,
        *more,
    )


_SEGMENT_LEAF: Final = segment_leaf(
    software("_SEGMENT_ENTRY_SOFT_DIRTY", 49, "written since soft-dirty was cleared; in ACC"),
    software("_SEGMENT_ENTRY_WRITE", 62, "stores are allowed once it is dirty"),
    software("_SEGMENT_ENTRY_READ", 63, "accesses are allowed once it is young"),
)
_REGION_LEAF: Final = region_leaf(
    software("_REGION3_ENTRY_SOFT_DIRTY", 49, "written since soft-dirty was cleared; in ACC"),
    software("_REGION3_ENTRY_WRITE", 62, "stores are allowed once it is dirty"),
    software("_REGION3_ENTRY_READ", 63, "accesses are allowed once it is young"),
)

REGION_ENTRY_TYPE_R3: Final = 0x04
"""_REGION_ENTRY_TYPE_R3: TT 01."""
_SEGMENT_ENTRY_BITS: Final = 0xFFFF_FFFF_FFFF_FE3F
_REGION_ENTRY_BITS: Final = 0xFFFF_FFFF_FFFF_F22F

_PREFIXES: Final = {Level.PTE: ("_PAGE_",), Level.PMD: ("_SEGMENT_ENTRY_",), Level.PUD: ("_REGION3_ENTRY_", "_REGION_ENTRY_")}


def entry_bits(k: Kernel, *names: str) -> int:
    """The mask of bits that have the same name at several levels: _PAGE_READ, _SEGMENT_ENTRY_READ, _REGION3_ENTRY_READ.

    SOFT_DIRTY is 0 without CONFIG_MEM_SOFT_DIRTY.
    """
    assert k.level is not None
    mask = 0
    for name in names:
        if name == "SOFT_DIRTY" and "MEM_SOFT_DIRTY" not in k.config:
            continue
        known = [prefix + name for prefix in _PREFIXES[k.level] if k.use.field(prefix + name)]
        mask |= k[known[0] if known else _PREFIXES[k.level][0] + name]
    return mask


# What an entry is


def empty(k: Kernel) -> int:
    """_PAGE_INVALID, _SEGMENT_ENTRY_EMPTY, _REGION3_ENTRY_EMPTY."""
    return entry_bits(k, "INVALID") | (REGION_ENTRY_TYPE_R3 if k.level is Level.PUD else 0)


def table_type(entry: Expr) -> Expr:
    """``entry & _REGION_ENTRY_TYPE_MASK``: hardware's TT."""
    return entry & 0x0C


def pud_folded(pud: Expr) -> Expr:
    """There is no region-third table above this entry."""
    return ult(table_type(pud), REGION_ENTRY_TYPE_R3)


@helper("pte_none pmd_none", _PGTABLE)
def none(k: Kernel, entry: Expr) -> Expr:
    return eq(entry, empty(k))


@helper("pud_none", _PGTABLE)
def pud_none(k: Kernel, pud: Expr) -> Expr:
    return and_(not_(pud_folded(pud)), eq(pud, empty(k)))


@helper("pte_present", _PGTABLE)
def pte_present(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_PRESENT"])


@helper("pmd_present", _PGTABLE)
def pmd_present(k: Kernel, pmd: Expr) -> Expr:
    return ne(pmd, empty(k))


@helper("pud_present", _PGTABLE)
def pud_present(k: Kernel, pud: Expr) -> Expr:
    return or_(pud_folded(pud), any_of(pud, k["_REGION_ENTRY_ORIGIN"]))


@helper("pmd_leaf pmd_trans_huge", _PGTABLE)
def pmd_leaf(k: Kernel, pmd: Expr) -> Expr:
    return any_of(pmd, k["_SEGMENT_ENTRY_LARGE"])


@helper("pud_leaf", _PGTABLE)
def pud_leaf(k: Kernel, pud: Expr) -> Expr:
    return and_(eq(table_type(pud), REGION_ENTRY_TYPE_R3), any_of(pud, k["_REGION3_ENTRY_LARGE"]))


@helper("pmd_bad", _PGTABLE)
def pmd_bad(k: Kernel, pmd: Expr) -> Expr:
    return or_(any_of(pmd, k["_SEGMENT_ENTRY_TYPE_MASK"]), k.leaf(pmd), any_of(pmd, ~_SEGMENT_ENTRY_BITS & ((1 << 64) - 1)))


@helper("pud_bad", _PGTABLE)
def pud_bad(k: Kernel, pud: Expr) -> Expr:
    kind = table_type(pud)
    wrong = or_(ult(const(REGION_ENTRY_TYPE_R3, 64), kind), k.leaf(pud))
    return or_(wrong, and_(not_(pud_folded(pud)), any_of(pud, ~_REGION_ENTRY_BITS & ((1 << 64) - 1))))


@helper("pte_special", _PGTABLE)
def special(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_SPECIAL"])


@helper("pte_protnone", _PGTABLE)
def pte_protnone(k: Kernel, pte: Expr) -> Expr:
    """With CONFIG_NUMA_BALANCING; without, it is false of every entry."""
    return and_(k.present(pte), none_of(pte, k["_PAGE_READ"]))


@helper("pmd_protnone", _PGTABLE)
def pmd_protnone(k: Kernel, pmd: Expr) -> Expr:
    """With CONFIG_NUMA_BALANCING; without, it is false of every entry."""
    return and_(k.leaf(pmd), none_of(pmd, k["_SEGMENT_ENTRY_READ"]))


@helper("pte_young pmd_young", _PGTABLE)
def young(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, entry_bits(k, "YOUNG"))


@helper("pte_dirty pmd_dirty", _PGTABLE)
def dirty(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, entry_bits(k, "DIRTY"))


@helper("pte_write pmd_write pud_write", _PGTABLE)
def write(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, entry_bits(k, "WRITE"))


@helper("pte_soft_dirty pmd_soft_dirty pte_swp_soft_dirty", _PGTABLE, needs="MEM_SOFT_DIRTY")
def soft_dirty(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, entry_bits(k, "SOFT_DIRTY"))


@helper("pte_access_permitted_read pmd_access_permitted_read pud_access_permitted_read", _GENERIC)
def access_permitted_read(k: Kernel, entry: Expr) -> Expr:
    return k.present(entry)


@helper("pte_access_permitted_write pmd_access_permitted_write pud_access_permitted_write", _GENERIC)
def access_permitted_write(k: Kernel, entry: Expr) -> Expr:
    return and_(k.present(entry), k.write(entry))


# Setters. Young and dirty are the kernel's own: an old entry is invalid, a clean one protected, so that the next access or store faults.


@helper("pte_mkyoung pmd_mkyoung", _PGTABLE)
def mkyoung(k: Kernel, entry: Expr) -> Expr:
    entry = entry | entry_bits(k, "YOUNG")
    return ite(any_of(entry, entry_bits(k, "READ")), clear(entry, entry_bits(k, "INVALID")), entry)


@helper("pte_mkold pmd_mkold", _PGTABLE)
def mkold(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, entry_bits(k, "YOUNG")) | entry_bits(k, "INVALID")


@helper("pte_mkdirty pmd_mkdirty pud_mkdirty", _PGTABLE)
def mkdirty(k: Kernel, entry: Expr) -> Expr:
    entry = entry | entry_bits(k, "DIRTY", "SOFT_DIRTY")
    return ite(any_of(entry, entry_bits(k, "WRITE")), clear(entry, entry_bits(k, "PROTECT")), entry)


@helper("pte_mkclean pmd_mkclean pud_mkclean", _PGTABLE)
def mkclean(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, entry_bits(k, "DIRTY")) | entry_bits(k, "PROTECT")


@helper("pte_mkwrite_novma pmd_mkwrite_novma pud_mkwrite", _PGTABLE)
def mkwrite_novma(k: Kernel, entry: Expr) -> Expr:
    entry = entry | entry_bits(k, "WRITE")
    return ite(any_of(entry, entry_bits(k, "DIRTY")), clear(entry, entry_bits(k, "PROTECT")), entry)


@helper("pte_mkwrite pmd_mkwrite", _GENERIC)
def mkwrite(k: Kernel, entry: Expr) -> Expr:
    return k.mkwrite_novma(entry)


@helper("pte_wrprotect pmd_wrprotect pud_wrprotect", _PGTABLE)
def wrprotect(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, entry_bits(k, "WRITE")) | entry_bits(k, "PROTECT")


@helper("pte_mksoft_dirty pmd_mksoft_dirty pte_swp_mksoft_dirty", _PGTABLE, needs="MEM_SOFT_DIRTY")
def mksoft_dirty(k: Kernel, entry: Expr) -> Expr:
    return entry | entry_bits(k, "SOFT_DIRTY")


@helper("pte_clear_soft_dirty pmd_clear_soft_dirty pte_swp_clear_soft_dirty", _PGTABLE, needs="MEM_SOFT_DIRTY")
def clear_soft_dirty(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, entry_bits(k, "SOFT_DIRTY"))


@helper("pte_mkspecial", _PGTABLE)
def mkspecial(k: Kernel, pte: Expr) -> Expr:
    return pte | k["_PAGE_SPECIAL"]


@helper("pte_mkhuge", _PGTABLE)
def pte_mkhuge(k: Kernel, pte: Expr) -> Expr:
    return pte | k["_PAGE_LARGE"]


@helper("arch_make_huge_pte", "include/linux/hugetlb.h")
def arch_make_huge_pte(k: Kernel, pte: Expr) -> Expr:
    return k.mkhuge(pte)


@helper("pmd_mkhuge", _PGTABLE)
def pmd_mkhuge(k: Kernel, pmd: Expr) -> Expr:
    return pmd | k["_SEGMENT_ENTRY_LARGE", "_SEGMENT_ENTRY_YOUNG", "_SEGMENT_ENTRY_PROTECT"]


@helper("pmd_mkinvalid", f"{_PGTABLE}: pmdp_invalidate")
def pmd_mkinvalid(k: Kernel, pmd: Expr) -> Expr:
    """s390 has no helper of this name: it is the entry that its own pmdp_invalidate() leaves behind."""
    return pmd | k["_SEGMENT_ENTRY_INVALID"]


# The frame


@helper("pte_pfn", _PGTABLE)
def pte_pfn(k: Kernel, pte: Expr) -> Expr:
    return pte >> PAGE_SHIFT


@helper("pmd_pfn", _PGTABLE)
def pmd_pfn(k: Kernel, pmd: Expr) -> Expr:
    return (pmd & ite(k.leaf(pmd), const(k["_SEGMENT_ENTRY_ORIGIN_LARGE"], 64), k["_SEGMENT_ENTRY_ORIGIN"])) >> PAGE_SHIFT


@helper("pud_pfn", _PGTABLE)
def pud_pfn(k: Kernel, pud: Expr) -> Expr:
    return (pud & ite(k.leaf(pud), const(k["_REGION3_ENTRY_ORIGIN_LARGE"], 64), k["_REGION_ENTRY_ORIGIN"])) >> PAGE_SHIFT


@helper("pfn_pte", f"{_PGTABLE}: mk_pte_phys")
def pfn_pte(k: Kernel, pfn: Expr, prot: Expr) -> Expr:
    pte = pfn << PAGE_SHIFT | prot
    return k.mkyoung(pte if k.number("MACHINE_HAS_NX") else clear(pte, k["_PAGE_NOEXEC"]))


def page_protections(k: Kernel) -> dict[str, int]:
    """PAGE_NONE and its like, of which mmap() protections are made, by name; without the bits a machine lacks (noexec_mask)."""
    pte = k.layout.at(Level.PTE)
    invalid = pte["_PAGE_PRESENT", "_PAGE_INVALID", "_PAGE_PROTECT"]
    read, write_ = invalid | pte["_PAGE_READ"], invalid | pte["_PAGE_READ", "_PAGE_WRITE"]
    noexec = pte["_PAGE_NOEXEC"] & k.number("noexec_mask")
    return {"NONE": invalid, "RO": read | noexec, "RX": read, "RW": write_ | noexec, "RWX": write_}


def segment_protections(k: Kernel, present: int = 0) -> dict[str, int]:
    """SEGMENT_NONE and its like, by name; each with `present`."""
    read = present | k["_SEGMENT_ENTRY_READ"]
    write_ = read | k["_SEGMENT_ENTRY_WRITE"]
    protect, invalid = k["_SEGMENT_ENTRY_PROTECT"], k["_SEGMENT_ENTRY_INVALID"]
    noexec = k["_SEGMENT_ENTRY_NOEXEC"] & k.number("noexec_mask")
    return {"NONE": present | invalid | protect, "RO": protect | read | noexec, "RX": protect | read, "RW": write_ | noexec, "RWX": write_}


def massage_pgprot_pmd(prot: Expr, pages: dict[str, int], segments: dict[str, int]) -> Expr:
    """The segment-table form of a protection; one that is none of the first four becomes SEGMENT_RWX."""
    result = const(segments["RWX"], 64)
    for name in ("RW", "RX", "RO", "NONE"):
        result = ite(eq(prot, pages[name]), const(segments[name], 64), result)
    return result


@helper("pfn_pmd", f"{_PGTABLE}: mk_pmd_phys")
def pfn_pmd(k: Kernel, pfn: Expr, prot: Expr) -> Expr:
    return (pfn << PAGE_SHIFT) + massage_pgprot_pmd(prot, page_protections(k), segment_protections(k))


@helper("pte_modify", _PGTABLE)
def pte_modify(k: Kernel, pte: Expr, prot: Expr) -> Expr:
    """_PAGE_CHG_MASK is kept; then a young, readable entry is made valid, and a dirty, writable one loses its protection."""
    pte = pte & (k["PFN", "_PAGE_SPECIAL"] | entry_bits(k, "DIRTY", "YOUNG", "SOFT_DIRTY")) | prot
    both = and_(any_of(pte, k["_PAGE_YOUNG"]), any_of(pte, k["_PAGE_READ"]))
    pte = ite(both, clear(pte, k["_PAGE_INVALID"]), pte)
    both = and_(any_of(pte, k["_PAGE_DIRTY"]), any_of(pte, k["_PAGE_WRITE"]))
    return ite(both, clear(pte, k["_PAGE_PROTECT"]), pte)


def modified(k: Kernel, pmd: Expr, prot: Expr) -> Expr:
    """pmd_modify with the protection already in segment-table form."""
    kept = k["_SEGMENT_ENTRY_ORIGIN_LARGE", "_SEGMENT_ENTRY_LARGE"] | entry_bits(k, "DIRTY", "YOUNG", "SOFT_DIRTY")
    pmd = pmd & kept | prot
    pmd = ite(none_of(pmd, k["_SEGMENT_ENTRY_DIRTY"]), pmd | k["_SEGMENT_ENTRY_PROTECT"], pmd)
    return ite(none_of(pmd, k["_SEGMENT_ENTRY_YOUNG"]), pmd | k["_SEGMENT_ENTRY_INVALID"], pmd)


@helper("pmd_modify", _PGTABLE)
def pmd_modify(k: Kernel, pmd: Expr, prot: Expr) -> Expr:
    return modified(k, pmd, massage_pgprot_pmd(prot, page_protections(k), segment_protections(k)))


@helper("pte_clear pmd_clear pud_clear", _PGTABLE)
def cleared(k: Kernel) -> Expr:
    """pud_clear() leaves an entry alone that is not in a region-third table."""
    return const(empty(k), 64)


@helper("pmd_populate", _PGALLOC)
def pmd_populate(k: Kernel, table: Expr) -> Expr:
    """_SEGMENT_ENTRY is 0."""
    return table


@helper("pud_populate", _PGALLOC)
def pud_populate(k: Kernel, table: Expr) -> Expr:
    """_REGION3_ENTRY."""
    return table | REGION_ENTRY_TYPE_R3 | k["_REGION_ENTRY_LENGTH"]


# Swap entries


def field_at(entry: Expr, field: Field) -> Expr:
    """``(entry >> SHIFT) & MASK``."""
    return zext(field.extract(entry), 64)


def mk_swap_pte(k: Kernel, swap_type: Expr, offset: Expr) -> Expr:
    """A swap entry as a page table has it."""
    return k["_PAGE_INVALID", "_PAGE_PROTECT"] | k.field("SWP_OFFSET").insert(offset, 64) | k.field("SWP_TYPE").insert(swap_type, 64)


@helper("__swp_type", _PGTABLE)
def swp_type(k: Kernel, swp: Expr) -> Expr:
    return field_at(swp, k.field("SWP_TYPE"))


@helper("__swp_offset", _PGTABLE)
def swp_offset(k: Kernel, swp: Expr) -> Expr:
    return field_at(swp, k.field("SWP_OFFSET"))


@helper("__swp_entry", f"{_PGTABLE}: mk_swap_pte")
def swp_entry(k: Kernel, swap_type: Expr, offset: Expr) -> Expr:
    return mk_swap_pte(k, swap_type, offset)


@helper("__pte_to_swp_entry __swp_entry_to_pte", _PGTABLE)
def as_it_is(k: Kernel, entry: Expr) -> Expr:
    return entry


@helper("pte_swp_exclusive", _PGTABLE)
def swp_exclusive(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_SWP_EXCLUSIVE"])


@helper("pte_swp_mkexclusive", _PGTABLE)
def swp_mkexclusive(k: Kernel, pte: Expr) -> Expr:
    return pte | k["_PAGE_SWP_EXCLUSIVE"]


@helper("pte_swp_clear_exclusive", _PGTABLE)
def swp_clear_exclusive(k: Kernel, pte: Expr) -> Expr:
    return clear(pte, k["_PAGE_SWP_EXCLUSIVE"])


# hugetlbfs: generic code sees PTEs, the tables have segment- and region-third-table entries. The conversion works with
# the names of segment-table bits at either level.

_MOVED: Final = ("READ", "WRITE", "INVALID", "PROTECT", "DIRTY", "YOUNG", "SOFT_DIRTY", "NOEXEC")


def move_set_bits(value: Expr, source: Kernel, target: Kernel) -> Expr:
    """Each bit that has a place in both forms, moved from the one to the other."""
    result = const(0, 64)
    for name in _MOVED:
        mask = entry_bits(source, name)
        if mask:
            result = result | ite(any_of(value, mask), const(entry_bits(target, name), 64), 0)
    return result


def present_pte_to_rste(k: Kernel, pte: Expr) -> Expr:
    """__pte_to_rste of a present PTE."""
    pte_level, segment = k.layout.at(Level.PTE), k.layout.at(Level.PMD)
    return pte & pte_level["PFN"] | move_set_bits(pte, pte_level, segment)


def set_huge(k: Kernel, pte: Expr, rste: Expr) -> Expr:
    """__set_huge_pte_at: the entry as it is stored at this level, which the old entry's table type tells."""
    if k.level is Level.PUD:
        rste = rste | REGION_ENTRY_TYPE_R3
    return ite(k.pte_present(pte), rste | entry_bits(k, "LARGE"), rste)


@helper("__pte_to_rste_pmd __pte_to_rste_pud", f"{_HUGETLB}: __pte_to_rste, __set_huge_pte_at")
def pte_to_rste(k: Kernel, pte: Expr) -> Expr:
    """What is not present becomes the empty entry: a PTE marker is lost."""
    segment = k.layout.at(Level.PMD)
    rste = ite(k.pte_present(pte), present_pte_to_rste(k, pte), const(empty(segment), 64))
    return set_huge(k, pte, rste if k.number("MACHINE_HAS_NX") else clear(rste, segment["_SEGMENT_ENTRY_NOEXEC"]))


def either_level(k: Kernel, stem: str, rste: Expr) -> Expr:
    """A predicate by the table type of the entry at hand, as __rste_to_pte asks it."""
    region_third = eq(table_type(rste), REGION_ENTRY_TYPE_R3)
    return ite(region_third, k.helper(f"pud_{stem}")(rste), k.helper(f"pmd_{stem}")(rste))


def present_rste_to_pte(k: Kernel, rste: Expr) -> Expr:
    """__rste_to_pte of a present entry."""
    pte_level, segment = k.layout.at(Level.PTE), k.layout.at(Level.PMD)
    kept = rste & segment["_SEGMENT_ENTRY_ORIGIN_LARGE"] | pte_level["_PAGE_LARGE", "_PAGE_PRESENT"]
    return kept | move_set_bits(rste, segment, pte_level)


@helper("__rste_to_pte_pmd __rste_to_pte_pud", f"{_HUGETLB}: __rste_to_pte")
def rste_to_pte(k: Kernel, rste: Expr) -> Expr:
    return ite(either_level(k, "present", rste), present_rste_to_pte(k, rste), empty(k.layout.at(Level.PTE)))


# The layout

_NONE, _RO, _RX, _RW, _RWX = 0x601, 0x711, 0x611, 0x731, 0x631


def protection_map(noexec_mask: int) -> tuple[Protection, ...]:
    """protection_map of arch/s390/mm/mmap.c."""
    values = {
        "VM_NONE": _NONE,
        "VM_READ": _RO,
        "VM_WRITE": _RO,
        "VM_WRITE|VM_READ": _RO,
        "VM_EXEC": _RX,
        "VM_EXEC|VM_READ": _RX,
        "VM_EXEC|VM_WRITE": _RX,
        "VM_EXEC|VM_WRITE|VM_READ": _RX,
        "VM_SHARED": _NONE,
        "VM_SHARED|VM_READ": _RO,
        "VM_SHARED|VM_WRITE": _RW,
        "VM_SHARED|VM_WRITE|VM_READ": _RW,
        "VM_SHARED|VM_EXEC": _RX,
        "VM_SHARED|VM_EXEC|VM_READ": _RX,
        "VM_SHARED|VM_EXEC|VM_WRITE": _RWX,
        "VM_SHARED|VM_EXEC|VM_WRITE|VM_READ": _RWX,
    }
    return protections({name: value & noexec_mask for name, value in values.items()})


def uses(segment: dict[str, View], region: dict[str, View], table: tuple[Protection, ...]) -> dict[Level, LevelUse]:
    """The levels' use: a page table has 2 KB, a segment table 16 KB, and they are aligned so."""
    return {
        Level.PTE: LevelUse(PAGE_VIEWS, 0, table),
        Level.PMD: LevelUse({"table": SEGMENT_TABLE, **segment}, 8, table, table_bits=11),
        Level.PUD: LevelUse({"table": REGION_TABLE, **region}, 19, table, table_bits=14),
    }


def supported(config: Config, *options: str) -> Config:
    """The config without the options arch/s390/Kconfig does not offer: MEMORY_FAILURE, USERFAULTFD_WP, and ZONE_DEVICE but for
    `options`.
    """
    return Config(config.name, config.options & {"MIGRATION", "MEM_SOFT_DIRTY", *options})


ALL_BITS: Final = (1 << 64) - 1
DEFINITIONS: Final = definitions(globals())


def layout(hardware: Hardware, config: Config) -> Layout:
    """s390 at linux-6.12."""
    chosen = supported(config)
    return Layout(
        hardware=hardware,
        release="linux-6.12",
        provenance=Provenance.CONFORMED,
        config=chosen,
        uses=uses({"leaf": _SEGMENT_LEAF}, {"leaf": _REGION_LEAF}, protection_map(ALL_BITS)),
        helpers=by_name(linux.HELPERS, DEFINITIONS),
        kinds=linux.kinds(chosen),
        pfn_bits=MAX_PHYSMEM_BITS - PAGE_SHIFT,
        marker_bits=2,
        sources=SOURCES,
        numbers={"PAGE_SHIFT": PAGE_SHIFT, "MACHINE_HAS_NX": int(hardware.variant == "z14"), "noexec_mask": ALL_BITS},
    )
