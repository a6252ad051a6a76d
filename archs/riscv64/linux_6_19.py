"""riscv64 at linux-6.19: soft-dirty and userfaultfd write-protection, on a CPU with Svrsw60t59b (277a1ae3879a to c64da3950cf4).

A leaf has the two bits that the extension frees, a swap entry X and U.  Both are asked of the CPU at run time: without the extension the helpers exist,
set nothing and find nothing, and mm/ does not offer what rests on them (pgtable_supports_soft_dirty, pgtable_supports_uffd_wp).  linux-6.18 has neither.
_PAGE_DEVMAP is gone; a PUD can be a huge page of the kernel's own, and a huge page can be without struct pages (pmd_special, pud_special).  Device-private
entries of a PMD, which mm/ has in this release, are not among the states; they have the format of a migration entry.

Sources: arch/riscv/include/asm/{pgtable,pgtable-bits,pgtable-64,pgalloc}.h, arch/riscv/mm/{init,hugetlbpage}.c, include/linux/leafops.h of linux-6.19.
"""

from __future__ import annotations

from typing import Final

from archs import linux
from archs.riscv64 import linux_6_12 as previous
from archs.riscv64 import pgtable
from archs.riscv64.hardware import PAGE_SHIFT, VARIANTS
from archs.riscv64.pgtable import BITS, MAX_PHYSMEM_BITS, PGTABLE, PGTABLE_64
from bitspec.expr import Expr, any_of, clear, or_
from bitspec.fields import software, view
from bitspec.hardware import Hardware
from bitspec.layout import Config, Kernel, Layout, Provenance, by_name, definitions, helper

_LEAF: Final = (
    software("_PAGE_UFFD_WP", 60, "write-protected for userfaultfd; Svrsw60t59b"),
    software("_PAGE_SOFT_DIRTY", 59, "written since soft-dirty was cleared; Svrsw60t59b"),
)
_SWAP: Final = (
    software("_PAGE_SWP_UFFD_WP", 4, "write-protected for userfaultfd; U"),
    software("_PAGE_SWP_SOFT_DIRTY", 3, "soft-dirty; X"),
)
_THP: Final = "pte_{0} pmd_{0}"


def _flag(k: Kernel, name: str) -> int:
    """0 on a CPU without the extension."""
    return k[name] if VARIANTS[k.layout.hardware.variant].svrsw60t59b else 0


# What an entry is


@helper("pud_bad", PGTABLE_64)
def pud_bad(k: Kernel, pud: Expr) -> Expr:
    return or_(pgtable.pud_bad.build(k, pud), any_of(pud, k["_PAGE_READ", "_PAGE_WRITE", "_PAGE_EXEC"]))


@helper("pud_trans_huge", PGTABLE)
def pud_trans_huge(k: Kernel, pud: Expr) -> Expr:
    return k.leaf(pud)


@helper("pud_young", PGTABLE)
def pud_young(k: Kernel, pud: Expr) -> Expr:
    return pgtable.young.build(k, pud)


@helper("pud_dirty", PGTABLE)
def pud_dirty(k: Kernel, pud: Expr) -> Expr:
    return pgtable.dirty.build(k, pud)


@helper("pmd_special pud_special", PGTABLE)
def special(k: Kernel, entry: Expr) -> Expr:
    return pgtable.special.build(k, entry)


@helper(_THP.format("soft_dirty"), PGTABLE, needs="MEM_SOFT_DIRTY")
def soft_dirty(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, _flag(k, "_PAGE_SOFT_DIRTY"))


@helper(_THP.format("uffd_wp"), PGTABLE, needs="USERFAULTFD_WP")
def uffd_wp(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, _flag(k, "_PAGE_UFFD_WP"))


# Setters


@helper("pte_mkdirty pmd_mkdirty pud_mkdirty", PGTABLE)
def mkdirty(k: Kernel, entry: Expr) -> Expr:
    soft = _flag(k, "_PAGE_SOFT_DIRTY") if "MEM_SOFT_DIRTY" in k.config else 0
    return entry | k["_PAGE_DIRTY"] | soft


@helper(_THP.format("mksoft_dirty"), PGTABLE, needs="MEM_SOFT_DIRTY")
def mksoft_dirty(k: Kernel, entry: Expr) -> Expr:
    return entry | _flag(k, "_PAGE_SOFT_DIRTY")


@helper(_THP.format("clear_soft_dirty"), PGTABLE, needs="MEM_SOFT_DIRTY")
def clear_soft_dirty(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, _flag(k, "_PAGE_SOFT_DIRTY"))


@helper(_THP.format("mkuffd_wp"), PGTABLE, needs="USERFAULTFD_WP")
def mkuffd_wp(k: Kernel, entry: Expr) -> Expr:
    return k.wrprotect(entry | _flag(k, "_PAGE_UFFD_WP"))


@helper(_THP.format("clear_uffd_wp"), PGTABLE, needs="USERFAULTFD_WP")
def clear_uffd_wp(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, _flag(k, "_PAGE_UFFD_WP"))


@helper("pmd_mkspecial pud_mkspecial", PGTABLE)
def mkspecial(k: Kernel, entry: Expr) -> Expr:
    return pgtable.mkspecial.build(k, entry)


@helper("pud_mkyoung", PGTABLE)
def pud_mkyoung(k: Kernel, pud: Expr) -> Expr:
    return pgtable.mkyoung.build(k, pud)


@helper("pud_mkold", PGTABLE)
def pud_mkold(k: Kernel, pud: Expr) -> Expr:
    return pgtable.mkold.build(k, pud)


@helper("pud_mkclean", PGTABLE)
def pud_mkclean(k: Kernel, pud: Expr) -> Expr:
    return pgtable.mkclean.build(k, pud)


@helper("pud_mkwrite", PGTABLE)
def pud_mkwrite(k: Kernel, pud: Expr) -> Expr:
    return pgtable.writable(k, pud)


@helper("pud_wrprotect", PGTABLE)
def pud_wrprotect(k: Kernel, pud: Expr) -> Expr:
    return pgtable.wrprotect.build(k, pud)


@helper("pud_mkhuge", PGTABLE)
def pud_mkhuge(k: Kernel, pud: Expr) -> Expr:
    return pud


@helper("pud_mkinvalid", PGTABLE)
def pud_mkinvalid(k: Kernel, pud: Expr) -> Expr:
    """As of a PMD, but pud_present() asks for V alone."""
    return pgtable.mkinvalid.build(k, pud)


@helper("pud_modify", PGTABLE)
def pud_modify(k: Kernel, pud: Expr, prot: Expr) -> Expr:
    return pgtable.modify.build(k, pud, prot)


# Swap entries


@helper("pte_swp_soft_dirty", PGTABLE, needs="MEM_SOFT_DIRTY")
def swp_soft_dirty(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, _flag(k, "_PAGE_SWP_SOFT_DIRTY"))


@helper("pte_swp_mksoft_dirty", PGTABLE, needs="MEM_SOFT_DIRTY")
def swp_mksoft_dirty(k: Kernel, entry: Expr) -> Expr:
    return entry | _flag(k, "_PAGE_SWP_SOFT_DIRTY")


@helper("pte_swp_clear_soft_dirty", PGTABLE, needs="MEM_SOFT_DIRTY")
def swp_clear_soft_dirty(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, _flag(k, "_PAGE_SWP_SOFT_DIRTY"))


@helper("pmd_swp_soft_dirty", PGTABLE, needs="MEM_SOFT_DIRTY MIGRATION")
def pmd_swp_soft_dirty(k: Kernel, pmd: Expr) -> Expr:
    return swp_soft_dirty.build(k, pmd)


@helper("pmd_swp_mksoft_dirty", PGTABLE, needs="MEM_SOFT_DIRTY MIGRATION")
def pmd_swp_mksoft_dirty(k: Kernel, pmd: Expr) -> Expr:
    return swp_mksoft_dirty.build(k, pmd)


@helper("pmd_swp_clear_soft_dirty", PGTABLE, needs="MEM_SOFT_DIRTY MIGRATION")
def pmd_swp_clear_soft_dirty(k: Kernel, pmd: Expr) -> Expr:
    return swp_clear_soft_dirty.build(k, pmd)


@helper(_THP.format("swp_uffd_wp"), PGTABLE, needs="USERFAULTFD_WP")
def swp_uffd_wp(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, _flag(k, "_PAGE_SWP_UFFD_WP"))


@helper(_THP.format("swp_mkuffd_wp"), PGTABLE, needs="USERFAULTFD_WP")
def swp_mkuffd_wp(k: Kernel, entry: Expr) -> Expr:
    return entry | _flag(k, "_PAGE_SWP_UFFD_WP")


@helper(_THP.format("swp_clear_uffd_wp"), PGTABLE, needs="USERFAULTFD_WP")
def swp_clear_uffd_wp(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, _flag(k, "_PAGE_SWP_UFFD_WP"))


# The layout

_GONE: Final = ("devmap", "mkdevmap")


def layout(hardware: Hardware, config: Config) -> Layout:
    """riscv64 at linux-6.19."""
    chosen = pgtable.supported(config, "ZONE_DEVICE", "DEVICE_PRIVATE", "MEM_SOFT_DIRTY", "USERFAULTFD_WP")
    form = VARIANTS[hardware.variant]
    swap = view("swap", *previous.SWAP, *(_SWAP if form.svrsw60t59b else ()), source=BITS)
    before = [one for one in previous.DEFINITIONS if not any(name.endswith(_GONE) for name in one.names)]
    return Layout(
        hardware=hardware,
        release="linux-6.19",
        provenance=Provenance.CONFORMED,
        config=chosen,
        uses=pgtable.uses(hardware, swap, *(_LEAF if form.svrsw60t59b else ()), pte=previous.napot(hardware)),
        helpers=by_name(linux.HELPERS, linux.SOFTLEAF, pgtable.HELPERS, before, definitions(globals())),
        kinds=linux.kinds(chosen, one_exclusive=True, huge_private=True),
        pfn_bits=MAX_PHYSMEM_BITS - PAGE_SHIFT,
        marker_bits=3,  # PTE_MARKER_GUARD, since v6.13
        sources=(*pgtable.SOURCES, "arch/riscv/mm/hugetlbpage.c", "include/linux/leafops.h"),
        numbers={"PAGE_SHIFT": PAGE_SHIFT},
    )
