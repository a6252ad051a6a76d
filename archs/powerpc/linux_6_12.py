"""powerpc (64-bit, book3s64) at linux-6.12.

Sources: arch/powerpc/include/asm/book3s/64/{pgtable,radix,hash,hash-4k,hash-64k,pgalloc}.h,
arch/powerpc/include/asm/{pgtable,pgtable-masks,pgtable-be-types}.h, arch/powerpc/mm/pgtable.c and
arch/powerpc/mm/book3s64/pgtable.c of linux-6.12.

One kernel runs on both MMUs: most helpers are the same words for radix and hash, and stand here; those that ask radix_enabled() stand in
:mod:`archs.powerpc.radix` and :mod:`archs.powerpc.hash`. Fields are numbered as in the manual: the header's mask is ``1UL << (63 - n)``.
"""

from __future__ import annotations

from typing import Final

from archs import linux
from archs.powerpc import hash as hashed
from archs.powerpc import radix
from archs.powerpc.hardware import PAGE_SHIFT
from bitspec.expr import Expr, all_of, and_, any_of, clear, const, none_of, not_, or_, zext
from bitspec.fields import Numbering, Row, View, acts, reserved, software, view
from bitspec.hardware import Hardware
from bitspec.layout import Config, Kernel, Layout, LevelUse, Protection, Provenance, by_name, definitions, helper, protections
from bitspec.vocabulary import Level

_PGTABLE: Final = "arch/powerpc/include/asm/book3s/64/pgtable.h"
_MASKS: Final = "arch/powerpc/include/asm/pgtable-masks.h"
_ALL: Final = "pte_{0} pmd_{0} pud_{0}"

MAX_PHYSMEM_BITS: Final = 51
"""The larger of R_ and H_MAX_PHYSMEM_BITS, with SPARSEMEM_VMEMMAP and SPARSEMEM_EXTREME."""

# Fields


def _hash_rows(variant: str) -> tuple[Row, ...]:
    """What the hash fault handler keeps in an entry; a radix kernel of the same page size knows the bits, and keeps them zero."""
    row = software if variant.startswith("hash") else reserved
    busy = row("H_PAGE_BUSY", 57, "hash: an HPTE is being made of this entry")
    if variant.endswith("64k"):
        return busy, row("H_PAGE_HASHPTE", 8, "hash: there is an HPTE"), row("H_PAGE_COMBO", 51, "hash: made of 4K HPTEs")
    return (
        busy,
        row("H_PAGE_HASHPTE", 3, "hash: there is an HPTE"),
        row("H_PAGE_F_SECOND", 7, "hash: it is in the secondary group"),
        row("H_PAGE_F_GIX", (8, 10), "hash: its slot in the group"),
    )


def _rpn(variant: str) -> tuple[int, int]:
    """PTE_RPN_MASK: from the page size up to _PAGE_PA_MAX, 53."""
    return 11, 63 - PAGE_SHIFT[variant]


def _leaf(variant: str, level: Level) -> View:
    """The header's _RPAGE_SW0 is bit 2 of the manual, _RPAGE_SW1 to 3 are bits 52 to 54."""
    of_hash = variant.startswith("hash")
    mmu = software if of_hash else acts
    rows = [
        mmu("_PAGE_PRESENT", 0, "valid"),
        mmu("_PAGE_PTE", 1, "a leaf"),
        software("_PAGE_INVALID", 2, "a leaf taken from the MMU for a while: present to the kernel"),
        mmu("PTE_RPN_MASK", _rpn(variant), "the frame"),
        software("_PAGE_DEVMAP", 52, "device memory"),
        software("_PAGE_SOFT_DIRTY", 54, "written since soft-dirty was cleared"),
        mmu("_PAGE_ACCESSED", 55, "accessed"),
        mmu("_PAGE_DIRTY", 56, "written"),
        mmu("_PAGE_CACHE_CTL", (58, 59), "memory: 01 _PAGE_SAO, 10 _PAGE_NON_IDEMPOTENT, 11 _PAGE_TOLERANT"),
        mmu("_PAGE_PRIVILEGED", 60, "not for user mode"),
        mmu("_PAGE_READ", 61, "loads permitted"),
        mmu("_PAGE_WRITE", 62, "stores permitted"),
        mmu("_PAGE_EXEC", 63, "fetches permitted"),
        *_hash_rows(variant),
    ]
    if level is Level.PTE:
        rows.append(software("_PAGE_SPECIAL", 53, "no struct page"))
    elif variant.endswith("64k"):
        rows.append((software if of_hash else reserved)("H_PAGE_THP_HUGE", 50, "hash: a transparent huge page"))
    if of_hash:
        rows.append(software("H_PTE_PKEY", (3, 7) if variant.endswith("64k") else (4, 6), "protection key"))
    return view("leaf", *rows, numbering=Numbering.MSB0, source=_PGTABLE)


def _table(variant: str) -> View:
    mmu = software if variant.startswith("hash") else acts
    rows = [
        mmu("_PAGE_PRESENT", 0, "valid"),
        mmu("_PAGE_PTE", 1, "0: no leaf"),
        mmu("TABLE", (4, 55), "the lower table"),
    ]
    if mmu is acts:
        rows.append(acts("INDEX_SIZE", (59, 63), "log2 of its number of entries"))
    return view("table", *rows, numbering=Numbering.MSB0, source=_PGTABLE)


def _swap(variant: str) -> View:
    """The codec is the same for both MMUs; it stays off _PAGE_HPTEFLAGS, which set_pte_at() clears under hash."""
    return view(
        "swap",
        software("_PAGE_PTE", 1, "set: no table"),
        software("_PAGE_INVALID", 2, "0: set, the entry would look present"),
        software("SWP_OFFSET", _rpn(variant), "swap offset"),
        software("_PAGE_SWP_SOFT_DIRTY", 54, "soft-dirty"),
        software("_PAGE_SWP_EXCLUSIVE", 58, "anonymous page, exclusive"),
        software("SWP_TYPE", (59, 63), "swap type"),
        *_hash_rows(variant),
        numbering=Numbering.MSB0,
        source=_PGTABLE,
    )


# What an entry is


@helper("pmd_none pud_none", _PGTABLE)
def none(k: Kernel, entry: Expr) -> Expr:
    return none_of(entry, (1 << 64) - 1)


def _pte_present(k: Kernel, entry: Expr) -> Expr:
    """pte_hw_valid(), or a leaf that was invalidated."""
    return or_(all_of(entry, k["_PAGE_PRESENT", "_PAGE_PTE"]), all_of(entry, k["_PAGE_INVALID", "_PAGE_PTE"]))


@helper("pte_present", _PGTABLE)
def pte_present(k: Kernel, pte: Expr) -> Expr:
    return _pte_present(k, pte)


@helper("pmd_present", _PGTABLE)
def pmd_present(k: Kernel, pmd: Expr) -> Expr:
    return any_of(pmd, k["_PAGE_PRESENT", "_PAGE_INVALID"])


@helper("pud_present", _PGTABLE)
def pud_present(k: Kernel, pud: Expr) -> Expr:
    return any_of(pud, k["_PAGE_PRESENT"])


@helper("pmd_leaf pud_leaf", _PGTABLE)
def leaf(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["_PAGE_PTE"])


@helper("pte_protnone pmd_protnone", _PGTABLE)
def protnone(k: Kernel, entry: Expr) -> Expr:
    """With NUMA_BALANCING. Whether the entry is privileged is not looked at."""
    return and_(all_of(entry, k["_PAGE_PRESENT", "_PAGE_PTE"]), none_of(entry, k["_PAGE_READ", "_PAGE_WRITE", "_PAGE_EXEC"]))


@helper(_ALL.format("devmap"), _PGTABLE, needs="ZONE_DEVICE")
def devmap(k: Kernel, entry: Expr) -> Expr:
    return all_of(entry, k["_PAGE_DEVMAP", "_PAGE_PTE"])


@helper("pte_special", _PGTABLE)
def special(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_SPECIAL"])


@helper(_ALL.format("young"), _PGTABLE)
def young(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["_PAGE_ACCESSED"])


@helper(_ALL.format("dirty"), _PGTABLE)
def dirty(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["_PAGE_DIRTY"])


@helper(_ALL.format("write"), _PGTABLE)
def write(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["_PAGE_WRITE"])


@helper("pte_exec", _PGTABLE)
def executable(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_EXEC"])


@helper(_ALL.format("soft_dirty"), _PGTABLE)
def soft_dirty(k: Kernel, entry: Expr) -> Expr:
    """HAVE_ARCH_SOFT_DIRTY is always selected.

    pud_soft_dirty() and its two relatives are macros that name their parameter pmd and use pud: they work for a variable called pud.
    """
    return any_of(entry, k["_PAGE_SOFT_DIRTY"])


def _access_permitted(k: Kernel, entry: Expr) -> Expr:
    """pte_access_permitted() for a load; what it lets through at most: under hash a protection key may refuse more."""
    return and_(_pte_present(k, entry), none_of(entry, k["_PAGE_PRIVILEGED"]), any_of(entry, k["_PAGE_READ"]))


def _is_serializing(k: Kernel, pmd: Expr) -> Expr:
    """pmd_is_serializing(): invalidated, and other walkers are to be waited for."""
    return and_(any_of(pmd, k["_PAGE_INVALID"]), none_of(pmd, k["_PAGE_PRESENT"]))


@helper("pte_access_permitted_read pud_access_permitted_read", _PGTABLE)
def access_permitted_read(k: Kernel, entry: Expr) -> Expr:
    return _access_permitted(k, entry)


@helper("pte_access_permitted_write pud_access_permitted_write", _PGTABLE)
def access_permitted_write(k: Kernel, entry: Expr) -> Expr:
    return and_(_access_permitted(k, entry), any_of(entry, k["_PAGE_WRITE"]))


@helper("pmd_access_permitted_read", _PGTABLE)
def pmd_access_permitted_read(k: Kernel, pmd: Expr) -> Expr:
    return and_(not_(_is_serializing(k, pmd)), _access_permitted(k, pmd))


@helper("pmd_access_permitted_write", _PGTABLE)
def pmd_access_permitted_write(k: Kernel, pmd: Expr) -> Expr:
    return and_(not_(_is_serializing(k, pmd)), _access_permitted(k, pmd), any_of(pmd, k["_PAGE_WRITE"]))


# Setters


@helper(_ALL.format("mkyoung"), _PGTABLE)
def mkyoung(k: Kernel, entry: Expr) -> Expr:
    return entry | k["_PAGE_ACCESSED"]


@helper(_ALL.format("mkold"), _PGTABLE)
def mkold(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["_PAGE_ACCESSED"])


@helper(_ALL.format("mkdirty"), _PGTABLE)
def mkdirty(k: Kernel, entry: Expr) -> Expr:
    return entry | k["_PAGE_DIRTY", "_PAGE_SOFT_DIRTY"]


@helper(_ALL.format("mkclean"), _PGTABLE)
def mkclean(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["_PAGE_DIRTY"])


@helper("pte_mkwrite pmd_mkwrite", "include/linux/pgtable.h")
def mkwrite(k: Kernel, entry: Expr) -> Expr:
    return k.mkwrite_novma(entry)


@helper("pte_mkwrite_novma pmd_mkwrite_novma pud_mkwrite", _PGTABLE)
def mkwrite_novma(k: Kernel, entry: Expr) -> Expr:
    """_PAGE_RW: what is written can be read."""
    return entry | k["_PAGE_READ", "_PAGE_WRITE"]


@helper(_ALL.format("wrprotect"), _PGTABLE)
def wrprotect(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["_PAGE_WRITE"])


@helper(_ALL.format("mksoft_dirty"), _PGTABLE)
def mksoft_dirty(k: Kernel, entry: Expr) -> Expr:
    return entry | k["_PAGE_SOFT_DIRTY"]


@helper(_ALL.format("clear_soft_dirty"), _PGTABLE)
def clear_soft_dirty(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["_PAGE_SOFT_DIRTY"])


@helper("pte_mkspecial", _PGTABLE)
def mkspecial(k: Kernel, pte: Expr) -> Expr:
    return pte | k["_PAGE_SPECIAL"]


@helper("pte_mkdevmap", _PGTABLE, needs="ZONE_DEVICE")
def pte_mkdevmap(k: Kernel, pte: Expr) -> Expr:
    return pte | k["_PAGE_SPECIAL", "_PAGE_DEVMAP"]


@helper(_ALL.format("mkhuge"), _PGTABLE)
def mkhuge(k: Kernel, entry: Expr) -> Expr:
    """Nothing is left to do: pfn_pmd() and pfn_pud() make huge entries."""
    return entry


@helper("arch_make_huge_pte", "include/linux/hugetlb.h")
def arch_make_huge_pte(k: Kernel, pte: Expr) -> Expr:
    return k.mkhuge(pte)


# The frame


@helper(_ALL.format("pfn"), "arch/powerpc/include/asm/pgtable.h")
def pfn(k: Kernel, entry: Expr) -> Expr:
    return (entry & k["PTE_RPN_MASK"]) >> k.number("PAGE_SHIFT")


@helper("pfn_pte", _PGTABLE)
def pfn_pte(k: Kernel, page: Expr, prot: Expr) -> Expr:
    """The frame number is not masked, only checked under DEBUG_VM."""
    return page << k.number("PAGE_SHIFT") | prot | k["_PAGE_PTE"]


@helper("pte_modify", _PGTABLE)
def pte_modify(k: Kernel, pte: Expr, prot: Expr) -> Expr:
    """_PAGE_CHG_MASK. The protection is added as it is, and has _PAGE_PRESENT and _PAGE_ACCESSED: the result is valid and young."""
    return pte & (_kept(k) | k["_PAGE_SPECIAL"]) | prot


@helper("pmd_modify pud_modify", "arch/powerpc/mm/book3s64/pgtable.c")
def modify(k: Kernel, entry: Expr, prot: Expr) -> Expr:
    """_HPAGE_CHG_MASK."""
    thp = k["H_PAGE_THP_HUGE"] if "H_PAGE_THP_HUGE" in k.use.views["leaf"] else 0
    return entry & (_kept(k) | thp) | prot


def _kept(k: Kernel) -> int:
    """What _PAGE_CHG_MASK and _HPAGE_CHG_MASK have in common."""
    return k["PTE_RPN_MASK", "_PAGE_DIRTY", "_PAGE_ACCESSED", "_PAGE_PTE", "_PAGE_SOFT_DIRTY", "_PAGE_DEVMAP"] | hashed.hpteflags(k)


@helper(_ALL.format("clear"), _PGTABLE)
def cleared(k: Kernel) -> Expr:
    return const(0, 64)


# Swap entries


@helper("__swp_type", _PGTABLE)
def swp_type(k: Kernel, swp: Expr) -> Expr:
    return zext(k.field("SWP_TYPE").extract(swp), 64)


@helper("__swp_offset", _PGTABLE)
def swp_offset(k: Kernel, swp: Expr) -> Expr:
    return zext(k.field("SWP_OFFSET").extract(swp), 64)


@helper("__swp_entry", _PGTABLE)
def swp_entry(k: Kernel, swap_type: Expr, offset: Expr) -> Expr:
    """The type is not masked."""
    return swap_type << k.shift("SWP_TYPE") | k.field("SWP_OFFSET").insert(offset, 64)


@helper("__pte_to_swp_entry __pmd_to_swp_entry", _PGTABLE)
def to_swp_entry(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["_PAGE_PTE"])


@helper("__swp_entry_to_pte __swp_entry_to_pmd", _PGTABLE)
def swp_entry_to(k: Kernel, swp: Expr) -> Expr:
    return swp | k["_PAGE_PTE"]


@helper("pte_swp_exclusive", _PGTABLE)
def swp_exclusive(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_SWP_EXCLUSIVE"])


@helper("pte_swp_mkexclusive", _PGTABLE)
def swp_mkexclusive(k: Kernel, pte: Expr) -> Expr:
    return pte | k["_PAGE_SWP_EXCLUSIVE"]


@helper("pte_swp_clear_exclusive", _PGTABLE)
def swp_clear_exclusive(k: Kernel, pte: Expr) -> Expr:
    return clear(pte, k["_PAGE_SWP_EXCLUSIVE"])


@helper("pte_swp_soft_dirty pmd_swp_soft_dirty", _PGTABLE, needs="MEM_SOFT_DIRTY")
def swp_soft_dirty(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["_PAGE_SWP_SOFT_DIRTY"])


@helper("pte_swp_mksoft_dirty pmd_swp_mksoft_dirty", _PGTABLE, needs="MEM_SOFT_DIRTY")
def swp_mksoft_dirty(k: Kernel, entry: Expr) -> Expr:
    return entry | k["_PAGE_SWP_SOFT_DIRTY"]


@helper("pte_swp_clear_soft_dirty pmd_swp_clear_soft_dirty", _PGTABLE, needs="MEM_SOFT_DIRTY")
def swp_clear_soft_dirty(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["_PAGE_SWP_SOFT_DIRTY"])


# The layout

_BASE: Final = 1 << 63 | 1 << 8  # _PAGE_PRESENT, _PAGE_ACCESSED
_NONE: Final = _BASE
_READONLY: Final = _BASE | 1 << 2
_READONLY_X: Final = _READONLY | 1
_EXECONLY_X: Final = _BASE | 1
_SHARED: Final = _READONLY | 1 << 1
_SHARED_X: Final = _SHARED | 1


def _protections(variant: str) -> tuple[Protection, ...]:
    """protection_map of arch/powerpc/mm/pgtable.c, as vm_get_page_prot() reads it: under hash what can be executed can be read.

    PAGE_COPY is PAGE_READONLY: a private page is write-protected until the first store.
    """
    executable_only = _READONLY_X if variant.startswith("hash") else _EXECONLY_X
    return protections({
        "VM_NONE": _NONE,
        "VM_READ": _READONLY,
        "VM_WRITE": _READONLY,
        "VM_WRITE|VM_READ": _READONLY,
        "VM_EXEC": executable_only,
        "VM_EXEC|VM_READ": _READONLY_X,
        "VM_EXEC|VM_WRITE": _READONLY_X,
        "VM_EXEC|VM_WRITE|VM_READ": _READONLY_X,
        "VM_SHARED": _NONE,
        "VM_SHARED|VM_READ": _READONLY,
        "VM_SHARED|VM_WRITE": _SHARED,
        "VM_SHARED|VM_WRITE|VM_READ": _SHARED,
        "VM_SHARED|VM_EXEC": executable_only,
        "VM_SHARED|VM_EXEC|VM_READ": _READONLY_X,
        "VM_SHARED|VM_EXEC|VM_WRITE": _SHARED_X,
        "VM_SHARED|VM_EXEC|VM_WRITE|VM_READ": _SHARED_X,
    })  # fmt: skip


_KEPT_BY_HASH: Final = ("H_PTE_PKEY", "H_PAGE_BUSY", "H_PAGE_HASHPTE", "H_PAGE_COMBO", "H_PAGE_F_SECOND", "H_PAGE_F_GIX")
"""What a mapping may have under hash: a protection key, and the marks of the fault handler (_PAGE_HPTEFLAGS)."""


def _uses(variant: str) -> dict[Level, LevelUse]:
    mmu = hashed if variant.startswith("hash") else radix
    shifts = {Level.PTE: PAGE_SHIFT[variant], Level.PMD: mmu.PMD_SHIFT[variant], Level.PUD: mmu.PUD_SHIFT[variant]}
    pte_table, pmd_table = mmu.TABLE_BITS[variant]
    uses = {}
    for level, shift in shifts.items():
        leaf_view = _leaf(variant, level)
        views = {"leaf": leaf_view, "table": _table(variant), "swap": _swap(variant)}
        if level is Level.PTE:
            del views["table"]
        elif level is Level.PUD:
            del views["swap"]
        attributes = leaf_view["_PAGE_CACHE_CTL"]
        extra = attributes.mask if level is Level.PTE else 1 << attributes.shift  # a huge page is of memory: VM_SAO is all it can have
        if mmu is hashed:
            extra |= sum(one.mask for one in leaf_view if one.name in _KEPT_BY_HASH)
        below = pmd_table if level is Level.PUD else pte_table
        uses[level] = LevelUse(views, shift - shifts[Level.PTE], _protections(variant), extra, below)
    return uses


def layout(hardware: Hardware, config: Config) -> Layout:
    """64-bit powerpc at linux-6.12."""
    variant = hardware.variant
    mmu = hashed if variant.startswith("hash") else radix
    shift = PAGE_SHIFT[variant]
    return Layout(
        hardware=hardware,
        release="linux-6.12",
        provenance=Provenance.CONFORMED,
        config=config,
        uses=_uses(variant),
        helpers=by_name(linux.HELPERS, definitions(globals()), mmu.HELPERS),
        kinds=linux.kinds(config),
        pfn_bits=MAX_PHYSMEM_BITS - shift,
        sources=(
            _PGTABLE,
            _MASKS,
            "arch/powerpc/include/asm/book3s/64/{radix,hash,hash-4k,hash-64k,pgalloc}.h",
            "arch/powerpc/mm/pgtable.c",
            "arch/powerpc/mm/book3s64/pgtable.c",
        ),
        numbers={"PAGE_SHIFT": shift},
    )
