"""arm64 at linux-6.12.

A present entry that is not valid is told by PTE_PRESENT_INVALID, which is the hardware's nG: an overlay, with one meaning while valid and
another while not.

Sources: arch/arm64/include/asm/{pgtable,pgtable-hwdef,pgtable-prot,pgalloc}.h, arch/arm64/mm/mmap.c of linux-6.12.
"""

from __future__ import annotations

from typing import Final

from archs import linux
from archs.arm64 import pgtable
from archs.arm64.hardware import VARIANTS
from archs.arm64.pgtable import PGTABLE
from bitspec.expr import Expr, and_, any_of, clear, eq, ne, none_of, not_, or_
from bitspec.fields import acts, software, view
from bitspec.hardware import Hardware
from bitspec.layout import Config, Kernel, Layout, Provenance, by_name, definitions, helper
from bitspec.vocabulary import Level

_PTE_ADDR_LOW_TOP: Final = 49
"""GENMASK(49, PAGE_SHIFT) for every page size, LPA2 or not."""

_SWAP: Final = view(
    "swap",
    software("__SWP_OFFSET", (61, 12), "swap offset"),
    software("__SWP_TYPE", (10, 6), "swap type"),
    software("PTE_SWP_UFFD_WP", 3, "write-protected for userfaultfd"),
    software("PTE_SWP_EXCLUSIVE", 2, "anonymous page, exclusive"),
    source=PGTABLE,
)

_UFFD_WP: Final = software("PTE_UFFD_WP", 58, "write-protected for userfaultfd")
_PO_IDX: Final = acts("PTE_PO_IDX", (62, 60), "POIndex: the protection key")
_PRESENT: Final = (_PO_IDX, _UFFD_WP, acts("PTE_NG", 11, "nG"))
_ABSENT: Final = (_PO_IDX, _UFFD_WP, software("PTE_PRESENT_INVALID", 11, "nG; while not valid: present"))

# What an entry is


def pte_present_invalid(k: Kernel, entry: Expr) -> Expr:
    return eq(entry & k["PTE_VALID", "PTE_PRESENT_INVALID"], k["PTE_PRESENT_INVALID"])


@helper("pte_present pmd_present pud_present", PGTABLE)
def present(k: Kernel, entry: Expr) -> Expr:
    return or_(any_of(entry, k["PTE_VALID"]), pte_present_invalid(k, entry))


@helper("pmd_trans_huge", PGTABLE)
def trans_huge(k: Kernel, pmd: Expr) -> Expr:
    return and_(ne(pmd, 0), k.present(pmd), not_(pgtable.pxd_table(k, pmd | k["PTE_VALID"])))


@helper("pte_protnone pmd_protnone", PGTABLE)
def protnone(k: Kernel, entry: Expr) -> Expr:
    """PAGE_NONE is the only protection with neither user access nor user execution."""
    return and_(pte_present_invalid(k, entry), none_of(entry, k["PTE_USER"]), any_of(entry, k["PTE_UXN"]))


@helper("pmd_special", PGTABLE)
def pmd_special(k: Kernel, pmd: Expr) -> Expr:
    return any_of(pmd, k["PTE_SPECIAL"])


@helper("pte_uffd_wp pmd_uffd_wp", PGTABLE, needs="USERFAULTFD_WP")
def uffd_wp(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["PTE_UFFD_WP"])


# Setters


@helper("pte_mkwrite_novma pmd_mkwrite_novma", PGTABLE)
def mkwrite_novma(k: Kernel, entry: Expr) -> Expr:
    return pgtable.writable(k, entry)


@helper("pte_mkwrite pmd_mkwrite", "include/linux/pgtable.h")
def mkwrite(k: Kernel, entry: Expr) -> Expr:
    return k.mkwrite_novma(entry)


@helper("pmd_mkspecial", PGTABLE)
def pmd_mkspecial(k: Kernel, pmd: Expr) -> Expr:
    return pmd | k["PTE_SPECIAL"]


@helper("pte_mkinvalid pmd_mkinvalid", PGTABLE)
def mkinvalid(k: Kernel, entry: Expr) -> Expr:
    return clear(entry | k["PTE_PRESENT_INVALID"], k["PTE_VALID"])


@helper("pte_mkuffd_wp pmd_mkuffd_wp", PGTABLE, needs="USERFAULTFD_WP")
def mkuffd_wp(k: Kernel, entry: Expr) -> Expr:
    return k.wrprotect(entry | k["PTE_UFFD_WP"])


@helper("pte_clear_uffd_wp pmd_clear_uffd_wp", PGTABLE, needs="USERFAULTFD_WP")
def clear_uffd_wp(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["PTE_UFFD_WP"])


@helper("pte_modify pmd_modify", PGTABLE)
def modify(k: Kernel, entry: Expr, prot: Expr) -> Expr:
    """The protection has a say in the type of an entry, its key and memory type; the shareability and the frame stay."""
    mask = k["PTE_USER", "PTE_PXN", "PTE_UXN", "PTE_RDONLY", "PTE_PRESENT_INVALID", "PTE_VALID", "PTE_WRITE", "PTE_GP"]
    return pgtable.modified(k, entry, prot, mask | k["PTE_ATTRINDX", "PTE_PO_IDX"])


# Swap entries


@helper("pte_swp_uffd_wp pmd_swp_uffd_wp", PGTABLE, needs="USERFAULTFD_WP")
def swp_uffd_wp(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["PTE_SWP_UFFD_WP"])


@helper("pte_swp_mkuffd_wp pmd_swp_mkuffd_wp", PGTABLE, needs="USERFAULTFD_WP")
def swp_mkuffd_wp(k: Kernel, entry: Expr) -> Expr:
    return entry | k["PTE_SWP_UFFD_WP"]


@helper("pte_swp_clear_uffd_wp pmd_swp_clear_uffd_wp", PGTABLE, needs="USERFAULTFD_WP")
def swp_clear_uffd_wp(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["PTE_SWP_UFFD_WP"])


# The layout


def layout(hardware: Hardware, config: Config) -> Layout:
    """arm64 at linux-6.12."""
    granule = VARIANTS[hardware.variant]
    return Layout(
        hardware=hardware,
        release="linux-6.12",
        provenance=Provenance.CONFORMED,
        config=config,
        uses=pgtable.uses(hardware, _SWAP, _PTE_ADDR_LOW_TOP, _PRESENT, dict.fromkeys(Level, _ABSENT), "PTE_PRESENT_INVALID"),
        helpers=by_name(linux.HELPERS, pgtable.HELPERS, definitions(globals())),
        kinds=linux.kinds(config),
        pfn_bits=granule.address_bits - granule.shift,  # MAX_PHYSMEM_BITS, arch/arm64/include/asm/sparsemem.h
        sources=pgtable.SOURCES,
        numbers=pgtable.address_numbers(hardware, _PTE_ADDR_LOW_TOP),
    )
