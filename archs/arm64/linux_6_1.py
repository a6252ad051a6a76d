"""arm64 at linux-6.1.

A present entry that is not valid is told by PTE_PROT_NONE, and at the PMD by PMD_PRESENT_INVALID as well: software bits that mean nothing
while it is valid.  There is no LPA2 and no userfaultfd write-protection, and so there are no PTE markers.

Sources: arch/arm64/include/asm/{pgtable,pgtable-hwdef,pgtable-prot,pgalloc}.h, arch/arm64/mm/{mmap,hugetlbpage}.c of linux-6.1.
"""

from __future__ import annotations

from typing import Final

from archs import linux
from archs.arm64 import pgtable
from archs.arm64.hardware import VARIANTS
from archs.arm64.pgtable import PGTABLE
from bitspec.expr import Expr, and_, any_of, clear, eq, ne, none_of
from bitspec.fields import acts, software, view
from bitspec.hardware import Hardware
from bitspec.layout import Absent, Config, Kernel, Layout, Provenance, by_name, definitions, helper
from bitspec.vocabulary import Level

_PTE_ADDR_LOW_TOP: Final = 47

_SWAP: Final = view(
    "swap",
    software("__SWP_OFFSET", (57, 8), "swap offset"),
    software("__SWP_TYPE", (7, 3), "swap type"),
    software("PTE_SWP_EXCLUSIVE", 2, "anonymous page, exclusive"),
    source=PGTABLE,
)

_NG: Final = acts("PTE_NG", 11, "nG")
_PROT_NONE: Final = software("PTE_PROT_NONE", 58, "while not valid: present, prot-none")
_PRESENT_INVALID: Final = software("PMD_PRESENT_INVALID", 59, "while not valid: present, invalidated")
_PRESENT: Final = (_NG, _PROT_NONE)
_ABSENT: Final = {Level.PTE: (_NG, _PROT_NONE), Level.PMD: (_NG, _PROT_NONE, _PRESENT_INVALID), Level.PUD: (_NG, _PROT_NONE)}

# What an entry is


@helper("pte_present pud_present", PGTABLE)
def present(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["PTE_VALID", "PTE_PROT_NONE"])


@helper("pmd_present", PGTABLE)
def pmd_present(k: Kernel, pmd: Expr) -> Expr:
    return any_of(pmd, k["PTE_VALID", "PTE_PROT_NONE", "PMD_PRESENT_INVALID"])


@helper("pmd_trans_huge", PGTABLE)
def trans_huge(k: Kernel, pmd: Expr) -> Expr:
    return and_(ne(pmd, 0), k.present(pmd), none_of(pmd, k["PTE_TABLE_BIT"]))


@helper("pmd_huge pud_huge", "arch/arm64/mm/hugetlbpage.c")
def huge(k: Kernel, entry: Expr) -> Expr:
    """True of a swap entry too, which follow_huge_pmd() wants to see."""
    return and_(ne(entry, 0), none_of(entry, k["PTE_TABLE_BIT"]))


@helper("pte_protnone pmd_protnone", PGTABLE)
def protnone(k: Kernel, entry: Expr) -> Expr:
    return eq(entry & k["PTE_VALID", "PTE_PROT_NONE"], k["PTE_PROT_NONE"])


# Setters


@helper("pte_mkwrite pmd_mkwrite", PGTABLE)
def mkwrite(k: Kernel, entry: Expr) -> Expr:
    return pgtable.writable(k, entry)


@helper("pmd_mkinvalid", PGTABLE)
def mkinvalid(k: Kernel, pmd: Expr) -> Expr:
    return clear(pmd | k["PMD_PRESENT_INVALID"], k["PTE_VALID"])


@helper("pte_modify pmd_modify", PGTABLE)
def modify(k: Kernel, entry: Expr, prot: Expr) -> Expr:
    mask = k["PTE_USER", "PTE_PXN", "PTE_UXN", "PTE_RDONLY", "PTE_PROT_NONE", "PTE_VALID", "PTE_WRITE", "PTE_GP", "PTE_ATTRINDX"]
    return pgtable.modified(k, entry, prot, mask)


# The layout


def layout(hardware: Hardware, config: Config) -> Layout:
    """arm64 at linux-6.1.  Raises Absent for the LPA2 variants, which came with v6.9."""
    granule = VARIANTS[hardware.variant]
    if granule.ds:
        raise Absent(f"linux-6.1 has no LPA2, which {hardware.variant} is about: 52-bit addresses with 4K and 16K pages came with v6.9")
    return Layout(
        hardware=hardware,
        release="linux-6.1",
        provenance=Provenance.CONFORMED,
        config=config,
        uses=pgtable.uses(hardware, _SWAP, _PTE_ADDR_LOW_TOP, _PRESENT, _ABSENT, "PTE_PROT_NONE"),
        helpers=by_name(linux.HELPERS, pgtable.HELPERS, definitions(globals())),
        kinds=linux.kinds(config, marker=False, swapin_error=True),
        pfn_bits=granule.address_bits - granule.shift,  # MAX_PHYSMEM_BITS is CONFIG_ARM64_PA_BITS
        sources=(*pgtable.SOURCES, "arch/arm64/mm/hugetlbpage.c"),
        numbers=pgtable.address_numbers(hardware, _PTE_ADDR_LOW_TOP),
    )
