"""x86-64 at linux-6.12.

Sources: arch/x86/include/asm/{pgtable,pgtable_types,pgtable_64,pgtable_64_types,pgtable-invert}.h and arch/x86/mm/{pgprot,pgtable,init}.c.
Memory encryption is left out: sme_me_mask and cc_mask are 0, and physical_mask has 52 bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from archs import linux
from bitspec.expr import Expr, all_of, and_, any_of, bit, clear, const, eq, ite, ne, none_of, not_, or_, ult, zext
from bitspec.fields import View, acts, software, view
from bitspec.hardware import Context, Hardware
from bitspec.layout import Config, Kernel, Layout, LevelUse, Provenance, by_name, definitions, helper, protections
from bitspec.vocabulary import Level

_PGTABLE: Final = "arch/x86/include/asm/pgtable.h"
_TYPES: Final = "arch/x86/include/asm/pgtable_types.h"
_64: Final = "arch/x86/include/asm/pgtable_64.h"
_ALL: Final = "pte_{0} pmd_{0} pud_{0}"

PAGE_SHIFT: Final = 12
PTE_PFN_MASK: Final = (1 << 52) - (1 << 12)  # PHYSICAL_PAGE_MASK

# Fields


def _leaf(pat: int, level: Level) -> View:
    huge = () if level is Level.PTE else (acts("_PAGE_PSE", 7, "PS"),)
    return view(
        "leaf",
        acts("_PAGE_NX", 63, "XD"),
        acts("_PAGE_PKEY_MASK", (62, 59), "PK"),
        software("_PAGE_SAVED_DIRTY", 58, "dirty, while write-protected: the hardware's bit would make it a shadow stack"),
        software("_PAGE_DEVMAP", 57, "device memory"),
        acts("PFN", (51, {Level.PTE: 12, Level.PMD: 21, Level.PUD: 30}[level]), "the frame; stored inverted while not present"),
        software("_PAGE_SOFT_DIRTY", 11, "written since soft-dirty was cleared"),
        software("_PAGE_UFFD_WP", 10, "write-protected for userfaultfd"),
        software("_PAGE_SPECIAL", 9, "no struct page"),
        acts("_PAGE_PROTNONE", 8, "G; while not present: prot-none"),
        *huge,
        acts("_PAGE_PAT_LARGE" if huge else "_PAGE_PAT", pat, "PAT"),
        acts("_PAGE_DIRTY", 6, "D"),
        acts("_PAGE_ACCESSED", 5, "A"),
        acts("_PAGE_PCD", 4, "PCD"),
        acts("_PAGE_PWT", 3, "PWT"),
        acts("_PAGE_USER", 2, "U/S"),
        acts("_PAGE_RW", 1, "R/W"),
        acts("_PAGE_PRESENT", 0, "P"),
        source=_TYPES,
    )


_TABLE: Final = view("table", acts("TABLE", (51, 12), "the lower table"), acts("_PAGE_TABLE", [6, 5, 2, 1, 0], "P R/W U/S A D"), source=_TYPES)

_SWAP_ROWS: Final = (
    software("SWP_TYPE", (63, 59), "swap type"),
    software("SWP_OFFSET", (58, 9), "swap offset, inverted against L1TF", inverted=True),
    software("_PAGE_SWP_UFFD_WP", 2, "write-protected for userfaultfd"),
    software("_PAGE_SWP_SOFT_DIRTY", 1, "soft-dirty"),
)
_SWAP: Final = view("swap", *_SWAP_ROWS, software("_PAGE_SWP_EXCLUSIVE", 3, "anonymous page, exclusive"), source=_64)
_PMD_SWAP: Final = view("swap", *_SWAP_ROWS, source=_64)

# What an entry is


@helper("pte_none pmd_none pud_none", _PGTABLE)
def none(k: Kernel, entry: Expr) -> Expr:
    return eq(clear(entry, k["_PAGE_DIRTY", "_PAGE_ACCESSED"]), 0)  # _PAGE_KNL_ERRATUM_MASK


@helper("pte_present", _PGTABLE)
def pte_present(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_PRESENT", "_PAGE_PROTNONE"])


@helper("pmd_present", _PGTABLE)
def pmd_present(k: Kernel, pmd: Expr) -> Expr:
    return any_of(pmd, k["_PAGE_PRESENT", "_PAGE_PROTNONE", "_PAGE_PSE"])


@helper("pud_present", _PGTABLE)
def pud_present(k: Kernel, pud: Expr) -> Expr:
    return any_of(pud, k["_PAGE_PRESENT"])


@helper("pmd_leaf pud_leaf", _PGTABLE)
def leaf(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["_PAGE_PSE"])


@helper("pte_huge", _PGTABLE)
def pte_huge(k: Kernel, pte: Expr) -> Expr:
    """Of a huge page's PTE; in any other the bit is PAT."""
    return any_of(pte, k["_PAGE_PAT"])  # _PAGE_PSE: the same bit


@helper("pmd_trans_huge pud_trans_huge", _PGTABLE)
def trans_huge(k: Kernel, entry: Expr) -> Expr:
    return eq(entry & k["_PAGE_PSE", "_PAGE_DEVMAP"], k["_PAGE_PSE"])


@helper("pte_devmap pmd_devmap pud_devmap", _PGTABLE)
def devmap(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["_PAGE_DEVMAP"])


@helper("pte_special pmd_special pud_special", _PGTABLE)
def special(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["_PAGE_SPECIAL"])


@helper("pte_protnone pmd_protnone", _PGTABLE)
def protnone(k: Kernel, entry: Expr) -> Expr:
    return eq(entry & k["_PAGE_PROTNONE", "_PAGE_PRESENT"], k["_PAGE_PROTNONE"])


def _flags(k: Kernel, entry: Expr) -> Expr:
    """pmd_flags, pud_flags: all but the frame, whose low end depends on PSE."""
    return clear(entry, PTE_PFN_MASK) | ite(any_of(entry, k["_PAGE_PSE"]), entry & (PTE_PFN_MASK & ~_frame_mask(k)), 0)


def _frame_mask(k: Kernel) -> int:
    """PTE_PFN_MASK, PHYSICAL_PMD_PAGE_MASK, PHYSICAL_PUD_PAGE_MASK."""
    return k["PFN"]


@helper("pmd_bad", _PGTABLE)
def pmd_bad(k: Kernel, pmd: Expr) -> Expr:
    return ne(clear(_flags(k, pmd), k["_PAGE_USER", "_PAGE_ACCESSED"]), k["_PAGE_PRESENT", "_PAGE_RW", "_PAGE_DIRTY"])  # _KERNPG_TABLE


@helper("pud_bad", _PGTABLE)
def pud_bad(k: Kernel, pud: Expr) -> Expr:
    return any_of(_flags(k, pud), ((1 << 64) - 1) & ~k["_PAGE_PRESENT", "_PAGE_RW", "_PAGE_ACCESSED", "_PAGE_DIRTY", "_PAGE_USER"])


@helper(_ALL.format("young"), _PGTABLE)
def young(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["_PAGE_ACCESSED"])


@helper(_ALL.format("dirty"), _PGTABLE)
def dirty(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["_PAGE_DIRTY", "_PAGE_SAVED_DIRTY"])


@helper("pte_write pmd_write", _PGTABLE)
def write(k: Kernel, entry: Expr) -> Expr:
    """R/W, or a shadow stack: dirty and not R/W, on a CPU that has them."""
    huge = k["_PAGE_PSE"] if k.level is Level.PMD else 0
    shadow_stack = eq(entry & (k["_PAGE_RW", "_PAGE_DIRTY"] | huge), k["_PAGE_DIRTY"] | huge)
    return or_(any_of(entry, k["_PAGE_RW"]), and_(const(k.number("X86_FEATURE_SHSTK"), 1), shadow_stack))


@helper("pud_write", _PGTABLE)
def pud_write(k: Kernel, pud: Expr) -> Expr:
    return any_of(pud, k["_PAGE_RW"])


@helper("pte_exec", _PGTABLE)
def executable(k: Kernel, pte: Expr) -> Expr:
    return none_of(pte, k["_PAGE_NX"])


@helper(_ALL.format("soft_dirty"), _PGTABLE, needs="MEM_SOFT_DIRTY")
def soft_dirty(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["_PAGE_SOFT_DIRTY"])


@helper("pte_uffd_wp pmd_uffd_wp", _PGTABLE, needs="USERFAULTFD_WP")
def uffd_wp(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["_PAGE_UFFD_WP"])


@helper(_ALL.format("access_permitted_read"), _PGTABLE)
def access_permitted_read(k: Kernel, entry: Expr) -> Expr:
    """What it lets through at most: the current PKRU may refuse more."""
    return all_of(entry, k["_PAGE_PRESENT", "_PAGE_USER"])


@helper(_ALL.format("access_permitted_write"), _PGTABLE)
def access_permitted_write(k: Kernel, entry: Expr) -> Expr:
    return all_of(entry, k["_PAGE_PRESENT", "_PAGE_USER", "_PAGE_RW"])


# Setters


@helper(_ALL.format("mkyoung"), _PGTABLE)
def mkyoung(k: Kernel, entry: Expr) -> Expr:
    return entry | k["_PAGE_ACCESSED"]


@helper(_ALL.format("mkold"), _PGTABLE)
def mkold(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["_PAGE_ACCESSED"])


def _move_bit(entry: Expr, source: int, target: int, condition: Expr) -> Expr:
    """Where `condition`: bit `source` is or-ed into bit `target`, and cleared."""
    moved = entry | zext(and_(bit(entry, source), condition), 64) << target
    return ite(condition, clear(moved, 1 << source), moved)


def _mksaveddirty(k: Kernel, entry: Expr) -> Expr:
    return _move_bit(entry, k.shift("_PAGE_DIRTY"), k.shift("_PAGE_SAVED_DIRTY"), none_of(entry, k["_PAGE_RW"]))


def _clear_saveddirty(k: Kernel, entry: Expr) -> Expr:
    return _move_bit(entry, k.shift("_PAGE_SAVED_DIRTY"), k.shift("_PAGE_DIRTY"), any_of(entry, k["_PAGE_RW"]))


@helper(_ALL.format("mkdirty"), _PGTABLE)
def mkdirty(k: Kernel, entry: Expr) -> Expr:
    soft = k["_PAGE_SOFT_DIRTY"] if "MEM_SOFT_DIRTY" in k.config else 0
    return _mksaveddirty(k, entry | (k["_PAGE_DIRTY"] | soft))


@helper(_ALL.format("mkclean"), _PGTABLE)
def mkclean(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["_PAGE_DIRTY", "_PAGE_SAVED_DIRTY"])


@helper("pte_mkwrite pmd_mkwrite", "arch/x86/mm/pgtable.c")
def mkwrite(k: Kernel, entry: Expr) -> Expr:
    """For a VMA that is no shadow stack."""
    return _clear_saveddirty(k, k.mkwrite_novma(entry))


@helper("pud_mkwrite", _PGTABLE)
def pud_mkwrite(k: Kernel, pud: Expr) -> Expr:
    return _clear_saveddirty(k, pud | k["_PAGE_RW"])


@helper("pte_mkwrite_novma pmd_mkwrite_novma", _PGTABLE)
def mkwrite_novma(k: Kernel, entry: Expr) -> Expr:
    return entry | k["_PAGE_RW"]


@helper("pte_mkwrite_shstk pmd_mkwrite_shstk", _PGTABLE)
def mkwrite_shstk(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["_PAGE_RW"]) | k["_PAGE_DIRTY"]


@helper(_ALL.format("wrprotect"), _PGTABLE)
def wrprotect(k: Kernel, entry: Expr) -> Expr:
    return _mksaveddirty(k, clear(entry, k["_PAGE_RW"]))


@helper(_ALL.format("mksoft_dirty"), _PGTABLE, needs="MEM_SOFT_DIRTY")
def mksoft_dirty(k: Kernel, entry: Expr) -> Expr:
    return entry | k["_PAGE_SOFT_DIRTY"]


@helper(_ALL.format("clear_soft_dirty"), _PGTABLE, needs="MEM_SOFT_DIRTY")
def clear_soft_dirty(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["_PAGE_SOFT_DIRTY"])


@helper("pte_mkuffd_wp pmd_mkuffd_wp", _PGTABLE, needs="USERFAULTFD_WP")
def mkuffd_wp(k: Kernel, entry: Expr) -> Expr:
    return k.wrprotect(entry | k["_PAGE_UFFD_WP"])


@helper("pte_clear_uffd_wp pmd_clear_uffd_wp", _PGTABLE, needs="USERFAULTFD_WP")
def clear_uffd_wp(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["_PAGE_UFFD_WP"])


@helper(_ALL.format("mkspecial"), _PGTABLE)
def mkspecial(k: Kernel, entry: Expr) -> Expr:
    return entry | k["_PAGE_SPECIAL"]


@helper("pte_mkdevmap", _PGTABLE)
def pte_mkdevmap(k: Kernel, pte: Expr) -> Expr:
    return pte | k["_PAGE_SPECIAL", "_PAGE_DEVMAP"]


@helper("pmd_mkdevmap pud_mkdevmap", _PGTABLE)
def mkdevmap(k: Kernel, entry: Expr) -> Expr:
    return entry | k["_PAGE_DEVMAP"]


@helper("pte_mkhuge", _PGTABLE)
def pte_mkhuge(k: Kernel, pte: Expr) -> Expr:
    return pte | k["_PAGE_PAT"]  # _PAGE_PSE: the same bit


@helper("pmd_mkhuge pud_mkhuge", _PGTABLE)
def mkhuge(k: Kernel, entry: Expr) -> Expr:
    return entry | k["_PAGE_PSE"]


@helper("arch_make_huge_pte", "include/linux/hugetlb.h")
def arch_make_huge_pte(k: Kernel, pte: Expr) -> Expr:
    return k.mkhuge(pte)


@helper("pmd_mkinvalid pud_mkinvalid", _PGTABLE)
def mkinvalid(k: Kernel, entry: Expr) -> Expr:
    flags = clear(_flags(k, entry), k["_PAGE_PRESENT", "_PAGE_PROTNONE"])
    return k.helper(f"pfn_{k.level}")(k.pfn(entry), flags)


# The frame


def _needs_invert(entry: Expr) -> Expr:
    """__pte_needs_invert: not present and not empty; such an entry holds the complement of its frame, against L1TF."""
    return and_(ne(entry, 0), not_(bit(entry, 0)))


def _inverted(entry: Expr, by: Expr) -> Expr:
    return ite(_needs_invert(by), ~entry, entry)


@helper("pte_pfn", _PGTABLE)
def pte_pfn(k: Kernel, pte: Expr) -> Expr:
    return (_inverted(pte, pte) & PTE_PFN_MASK) >> PAGE_SHIFT


@helper("pmd_pfn pud_pfn", _PGTABLE)
def pfn(k: Kernel, entry: Expr) -> Expr:
    mask = ite(any_of(entry, k["_PAGE_PSE"]), const(_frame_mask(k), 64), PTE_PFN_MASK)
    return (_inverted(entry, entry) & mask) >> PAGE_SHIFT


@helper("pfn_pte pfn_pmd pfn_pud", _PGTABLE)
def pfn_entry(k: Kernel, page: Expr, prot: Expr) -> Expr:
    """The protection is taken as it is: __supported_pte_mask, which drops NX or G on CPUs without, is assumed to be all ones."""
    return _inverted(page << PAGE_SHIFT, prot) & _frame_mask(k) | prot


@helper(_ALL.format("modify"), _PGTABLE)
def modify(k: Kernel, entry: Expr, prot: Expr) -> Expr:
    """_PAGE_CHG_MASK, _HPAGE_CHG_MASK: the whole address field is kept at every level."""
    huge = k.level is not Level.PTE
    keep = PTE_PFN_MASK | k["_PAGE_PCD", "_PAGE_PWT", "_PAGE_SPECIAL", "_PAGE_ACCESSED", "_PAGE_DIRTY", "_PAGE_SAVED_DIRTY", "_PAGE_DEVMAP"]
    keep |= k["_PAGE_PSE", "_PAGE_PAT_LARGE"] if huge else k["_PAGE_PAT"]
    keep |= k["_PAGE_SOFT_DIRTY"] if "MEM_SOFT_DIRTY" in k.config else 0
    keep |= k["_PAGE_UFFD_WP"] if "USERFAULTFD_WP" in k.config else 0
    value = entry & keep | clear(prot, keep)
    flip = not_(eq(_needs_invert(entry), _needs_invert(value)))
    value = ite(flip, value ^ _frame_mask(k), value)
    return ite(any_of(entry, k["_PAGE_RW"]), _mksaveddirty(k, value), _clear_saveddirty(k, value))


@helper("pte_clear pmd_clear pud_clear", _PGTABLE)
def cleared(k: Kernel) -> Expr:
    return const(0, 64)


@helper("pmd_populate pud_populate", "arch/x86/include/asm/pgalloc.h")
def populate(k: Kernel, table: Expr) -> Expr:
    return table | k["_PAGE_TABLE"]


# Swap entries


@helper("__swp_type", _64)
def swp_type(k: Kernel, swp: Expr) -> Expr:
    return swp >> k.shift("SWP_TYPE")


@helper("__swp_offset", _64)
def swp_offset(k: Kernel, swp: Expr) -> Expr:
    return zext(k.field("SWP_OFFSET").extract(swp), 64)


@helper("__swp_entry", _64)
def swp_entry(k: Kernel, swap_type: Expr, offset: Expr) -> Expr:
    return k.field("SWP_OFFSET").insert(offset, 64) | swap_type << k.shift("SWP_TYPE")


@helper("__pte_to_swp_entry __pmd_to_swp_entry __swp_entry_to_pte __swp_entry_to_pmd", _64)
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


@helper("pte_swp_soft_dirty pmd_swp_soft_dirty", _PGTABLE, needs="MEM_SOFT_DIRTY")
def swp_soft_dirty(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["_PAGE_SWP_SOFT_DIRTY"])


@helper("pte_swp_mksoft_dirty pmd_swp_mksoft_dirty", _PGTABLE, needs="MEM_SOFT_DIRTY")
def swp_mksoft_dirty(k: Kernel, entry: Expr) -> Expr:
    return entry | k["_PAGE_SWP_SOFT_DIRTY"]


@helper("pte_swp_clear_soft_dirty pmd_swp_clear_soft_dirty", _PGTABLE, needs="MEM_SOFT_DIRTY")
def swp_clear_soft_dirty(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["_PAGE_SWP_SOFT_DIRTY"])


@helper("pte_swp_uffd_wp pmd_swp_uffd_wp", _PGTABLE, needs="USERFAULTFD_WP")
def swp_uffd_wp(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["_PAGE_SWP_UFFD_WP"])


@helper("pte_swp_mkuffd_wp pmd_swp_mkuffd_wp", _PGTABLE, needs="USERFAULTFD_WP")
def swp_mkuffd_wp(k: Kernel, entry: Expr) -> Expr:
    return entry | k["_PAGE_SWP_UFFD_WP"]


@helper("pte_swp_clear_uffd_wp pmd_swp_clear_uffd_wp", _PGTABLE, needs="USERFAULTFD_WP")
def swp_clear_uffd_wp(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["_PAGE_SWP_UFFD_WP"])


def permitted_offset(numbers: Mapping[str, int], offset: Expr, context: Context) -> Expr:
    """arch_max_swapfile_size() on a CPU with L1TF: offset < (MAX_PA/2 >> PAGE_SHIFT) << (PAGE_SHIFT - SWP_OFFSET_FIRST_BIT) (arch/x86/mm/init.c)."""
    half = const(1, 64) << (zext(context["MAXPHYADDR"], 64) - 1)
    return ult(offset, half >> PAGE_SHIFT << PAGE_SHIFT - numbers["SWP_OFFSET_FIRST_BIT"])


# The layout

_P, _R_W, _US, _ACC, _NX, _G = 1 << 0, 1 << 1, 1 << 2, 1 << 5, 1 << 63, 1 << 8
_NONE = _ACC | _G
_READONLY = _P | _US | _ACC | _NX
_READONLY_EXEC = _P | _US | _ACC
_SHARED = _P | _R_W | _US | _ACC | _NX
_SHARED_EXEC = _P | _R_W | _US | _ACC

#: protection_map of arch/x86/mm/pgprot.c. PAGE_COPY is PAGE_READONLY: a private page is write-protected until the first store.
PROTECTIONS: Final = protections({
    "VM_NONE": _NONE,
    "VM_READ": _READONLY,
    "VM_WRITE": _READONLY,
    "VM_WRITE|VM_READ": _READONLY,
    "VM_EXEC": _READONLY_EXEC,
    "VM_EXEC|VM_READ": _READONLY_EXEC,
    "VM_EXEC|VM_WRITE": _READONLY_EXEC,
    "VM_EXEC|VM_WRITE|VM_READ": _READONLY_EXEC,
    "VM_SHARED": _NONE,
    "VM_SHARED|VM_READ": _READONLY,
    "VM_SHARED|VM_WRITE": _SHARED,
    "VM_SHARED|VM_WRITE|VM_READ": _SHARED,
    "VM_SHARED|VM_EXEC": _READONLY_EXEC,
    "VM_SHARED|VM_EXEC|VM_READ": _READONLY_EXEC,
    "VM_SHARED|VM_EXEC|VM_WRITE": _SHARED_EXEC,
    "VM_SHARED|VM_EXEC|VM_WRITE|VM_READ": _SHARED_EXEC,
})  # fmt: skip

_PKEYS_AND_CACHE: Final = 0xF << 59 | 1 << 4 | 1 << 3


def _uses() -> dict[Level, LevelUse]:
    return {
        Level.PTE: LevelUse({"leaf": _leaf(7, Level.PTE), "swap": _SWAP}, 0, PROTECTIONS, _PKEYS_AND_CACHE | 1 << 7),
        Level.PMD: LevelUse({"table": _TABLE, "leaf": _leaf(12, Level.PMD), "swap": _PMD_SWAP}, 9, PROTECTIONS, _PKEYS_AND_CACHE | 1 << 12),
        Level.PUD: LevelUse({"table": _TABLE, "leaf": _leaf(12, Level.PUD)}, 18, PROTECTIONS, _PKEYS_AND_CACHE | 1 << 12),
    }


def layout(hardware: Hardware, config: Config) -> Layout:
    """x86-64 at linux-6.12."""
    return Layout(
        hardware=hardware,
        release="linux-6.12",
        provenance=Provenance.CONFORMED,
        config=config,
        uses=_uses(),
        helpers=by_name(linux.HELPERS, definitions(globals())),
        kinds=linux.kinds(config),
        pfn_bits=(52 if hardware.variant == "5-level" else 46) - PAGE_SHIFT,  # MAX_PHYSMEM_BITS, arch/x86/include/asm/sparsemem.h
        sources=(_PGTABLE, _TYPES, _64, "arch/x86/mm/pgprot.c"),
        numbers={"PAGE_SHIFT": PAGE_SHIFT, "SWP_OFFSET_FIRST_BIT": 9, "X86_FEATURE_SHSTK": int(hardware.variant != "4-level-knl")},
        permitted_offset=permitted_offset,
    )
