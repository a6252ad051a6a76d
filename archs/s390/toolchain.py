"""How to compile s390's headers, and what is known of the symbols its helpers depend on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bitspec.lift.target import AsmRule, Target, Unit

_NOEXEC: Final = 0x100
"""_PAGE_NOEXEC, _SEGMENT_ENTRY_NOEXEC, _REGION_ENTRY_NOEXEC."""


def _pins(variant: str) -> Mapping[str, int | str]:
    masks = (1 << 64) - 1 if variant == "z14" else (1 << 64) - 1 & ~_NOEXEC
    return {
        # machine_flags of the lowcore, which is at address 0 until v6.9 and where get_lowcore() says since
        **dict.fromkeys(("mem.0x3c8", "lowcore.7+968"), "MACHINE_FLAG_NX" if variant == "z14" else 0),
        **dict.fromkeys(("page_noexec_mask", "segment_noexec_mask", "region_noexec_mask"), masks),  # since v6.14
        "vm_layout": (1 << 64) - 1,  # kaslr_offset
        "vm_layout+8": 0,  # kaslr_offset_phys
        "vm_layout+16": 0,  # identity_base
    }


_RSTE: Final = "({{ pte_t at = __pte({}); __set_huge_pte_at(&bs_mm, 0, &at, __pte(a)); pte_val(at); }})"

TARGET: Final = Target(
    arch="s390",
    triple="s390x-linux-gnu",
    defconfig="defconfig",
    options={"": ("MARCH_Z14", "MAX_PHYSMEM_BITS=53")},
    wrappers={"pud_clear": "({ pud_t at = __pud(_REGION3_ENTRY); pud_clear(&at); pud_val(at); })"},
    units=(
        Unit(
            "hugetlbpage",
            ("arch/s390/mm/hugetlbpage.c",),
            {
                "__pte_to_rste_pmd": _RSTE.format("_SEGMENT_ENTRY_EMPTY"),
                "__pte_to_rste_pud": _RSTE.format("_REGION3_ENTRY_EMPTY"),
                "__rste_to_pte_pmd": "pte_val(__rste_to_pte(a))",
                "__rste_to_pte_pud": "pte_val(__rste_to_pte(a))",
            },
            prelude=(  # its name since v6.6, when set_huge_pte_at() got the size
                "#include <linux/version.h>",
                "#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)",
                "#define __set_huge_pte_at set_huge_pte_at",
                "#endif",
            ),
        ),
        Unit(
            "invalidate",
            (),
            {"pmd_mkinvalid": "({ struct vm_area_struct vma = { .vm_mm = &bs_mm }; pmd_t at = pmd; pmdp_invalidate(&vma, 0, &at); pmd_val(at); })"},
            prelude=("pmd_t pmdp_xchg_direct(struct mm_struct *mm, unsigned long address, pmd_t *at, pmd_t new) { pmd_t old = *at; *at = new; return old; }",),
        ),
        Unit("mmap", ("arch/s390/mm/mmap.c",), {}, protections=True),
    ),
    asm=(AsmRule(r"\tllilh \$0,0\n", "register", "lowcore"),),
    pins=_pins,
    initial=frozenset({"protection_map"}),
    protection=("({{ setup_protection_map(); pgprot_val(vm_get_page_prot({n})); }})", "pgprot_val(vm_get_page_prot({n}))"),
    given=(
        "instruction-execution protection is there on z14 only (MACHINE_FLAG_NX, page_noexec_mask), and machine_flags is not asked for anything else",
        "addresses in tables are of the identity mapping, which begins at 0: none is in the kernel's image (vm_layout)",
        "pmd_mkinvalid is what pmdp_invalidate() stores, where pmdp_xchg_direct() stores what it is given",
    ),
)
