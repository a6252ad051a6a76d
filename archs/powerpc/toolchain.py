"""How to compile 64-bit powerpc's headers, and what is known of the symbols its helpers depend on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bitspec.lift.target import Target, Unit


def _pins(variant: str) -> Mapping[str, int | str]:
    """What radix__early_init_mmu() and hash__early_init_mmu() choose."""
    radix = variant.startswith("radix")
    size, value = ("RADIX", "RADIX") if radix else ("H", "HASH")
    return {
        "key.mmu_feature_keys+96": int(radix),  # MMU_FTR_TYPE_RADIX
        "__pte_index_size": f"{size}_PTE_INDEX_SIZE",
        "__pmd_index_size": f"{size}_PMD_INDEX_SIZE",
        "__pte_frag_size_shift": f"{size}_PTE_FRAG_SIZE_SHIFT",
        "__pte_table_size": f"{size}_PTE_TABLE_SIZE",
        "__pmd_table_size": f"{size}_PMD_TABLE_SIZE",
        "__pmd_val_bits": f"{value}_PMD_VAL_BITS",
        "__pud_val_bits": f"{value}_PUD_VAL_BITS",
    }


_INVALIDATE: Final = "({{ struct vm_area_struct vma = {{ .vm_mm = &bs_mm }}; {0}_t at = {0}; {0}p_invalidate(&vma, 0, &at); {0}_val(at); }})"
_UPDATE: Final = (
    "unsigned long {0}_hugepage_update(struct mm_struct *mm, unsigned long address, {1}_t *at, unsigned long clear, unsigned long set)"
    " {{ unsigned long old = {1}_val(*at); *at = __{1}(old & ~clear | set); return old; }}"
)
_FLUSH: Final = "void radix__flush_{}_tlb_range(struct vm_area_struct *vma, unsigned long from, unsigned long to) {{ }}"
_STORED: Final = "the kernel has no function of values by this name: {}() stores it with inline assembly"


TARGET: Final = Target(
    arch="powerpc",
    triple="powerpc64le-linux-gnu",
    defconfig="ppc64le",
    options={
        "": (),
        "radix-64k": ("PPC_64K_PAGES", "-PPC_4K_PAGES"),
        "hash-64k": ("PPC_64K_PAGES", "-PPC_4K_PAGES"),
        "radix-4k": ("PPC_4K_PAGES", "-PPC_64K_PAGES"),
        "hash-4k": ("PPC_4K_PAGES", "-PPC_64K_PAGES"),
    },
    units=(
        Unit(
            "pgtable",
            ("arch/powerpc/mm/book3s64/pgtable.c",),
            {"pmd_modify": "", "pud_modify": "", "pfn_pmd": "", "pfn_pud": ""},
            ("-Iarch/powerpc/mm/book3s64",),
        ),
        Unit(
            "invalidate",
            ("arch/powerpc/mm/book3s64/pgtable.c",),
            {"pmd_mkinvalid": _INVALIDATE.format("pmd"), "pud_mkinvalid": _INVALIDATE.format("pud")},
            ("-Iarch/powerpc/mm/book3s64",),
            prelude=(
                *(_UPDATE.format(name, name.split("__")[1][:3]) for name in ("radix__pmd", "hash__pmd", "radix__pud")),
                *(_FLUSH.format(level) for level in ("pmd", "pud")),
            ),
        ),
        Unit(
            "protection",
            ("arch/powerpc/mm/pgtable.c", "arch/powerpc/mm/book3s64/pgtable.c"),
            {},
            protections=True,
        ),
    ),
    pins=_pins,
    given=(
        "the radix key, the table sizes and the bits of table entries are what the early_init_mmu() of each MMU sets",
        "arch_pte_access_permitted() is true: a protection key may refuse more than pXd_access_permitted() does here",
        "pXd_mkinvalid is what pXdp_invalidate() stores, where radix__ and hash__pXd_hugepage_update() clear and set the bits they are told to",
    ),
    calls={"arch_pte_access_permitted": 1},
    not_functions={
        "pte_clear": _STORED.format("pte_update"),
    },
)
