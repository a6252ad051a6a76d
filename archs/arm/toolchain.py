"""How to compile 32-bit Arm's headers, and what is known of the symbols its helpers depend on."""

from __future__ import annotations

from typing import Final

from bitspec.lift.target import AsmRule, Target, Unit

#: With LPAE what is stored is not what the helper made: the valid bit of a PROT_NONE page is taken, and the hardware's right to write of a clean or read-only
#: one.  Every page goes through set_pte_at() or set_pmd_at(), by generic_pmdp_establish() too, so that a helper's entry is the one that they store.  The last
#: step of set_pte_at(), cpu_v7_set_pte_ext() of proc-v7-3level.S, is assembly, and restated here, as set_pte_at() itself is, which calls it by a pointer.
_STORED: Final = (
    "#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)",
    "#define BS_VMA , &(struct vm_area_struct){ }",
    "#else",
    "#define BS_VMA",
    "#endif",
    "static pteval_t bs_stored_pte(pte_t pte) {",
    "pteval_t at = pte_val(pte) | (pte_valid_user(pte) ? PTE_EXT_NG : 0);",
    "if (!(at & L_PTE_VALID)) return at;",
    "if (at & L_PTE_NONE) return at & ~L_PTE_VALID;",
    "return (at & L_PTE_DIRTY) && !(at & L_PTE_RDONLY) ? at & ~PTE_AP2 : at | PTE_AP2;",
    "}",
    "static pmdval_t bs_stored_pmd(pmd_t pmd) { pmd_t at = __pmd(0); set_pmd_at(&bs_mm, 0, &at, pmd); return pmd_val(at); }",
)
_BOTH: Final = ("mkyoung", "mkold", "mkdirty", "mkclean", "mkwrite_novma", "wrprotect")
_SETTERS: Final = {
    **{f"pte_{name}": f"bs_stored_pte(pte_{name}(pte))" for name in (*_BOTH, "mkspecial")},
    "pte_mkwrite": "bs_stored_pte(pte_mkwrite(pte BS_VMA))",
    "pte_modify": "bs_stored_pte(pte_modify(pte, __pgprot(b)))",
    "pfn_pte": "bs_stored_pte(pfn_pte(a, __pgprot(b)))",
    "arch_make_huge_pte": "bs_stored_pte(arch_make_huge_pte(pte, PMD_SHIFT, 0))",
    **{f"pmd_{name}": f"bs_stored_pmd(pmd_{name}(pmd))" for name in (*_BOTH, "mkhuge", "mkinvalid")},
    "pmd_mkwrite": "bs_stored_pmd(pmd_mkwrite(pmd BS_VMA))",
    "pmd_modify": "bs_stored_pmd(pmd_modify(pmd, __pgprot(b)))",
}
_HUGETLBPAGE: Final = '"arch/arm/mm/hugetlbpage.c"'  # gone in v6.10

TARGET: Final = Target(
    arch="arm",
    triple="arm-linux-gnueabi",
    defconfig="multi_v7_defconfig",
    options={
        "": ("-ARCH_MULTI_V6",),
        "lpae": ("ARM_LPAE",),
        "2-level": ("-ARM_LPAE",),
    },
    units=(
        Unit("mmu", ("arch/arm/mm/mmu.c",), {}, protections=True),
        Unit("set", (), {"pte_clear": ""}, prelude=("#undef set_pte_ext", "#define set_pte_ext(at, entry, more) (*(at) = (entry))")),
        Unit("stored", ("<linux/version.h>",), _SETTERS, prelude=_STORED, variants=("lpae",)),
        Unit(
            "hugetlbpage",
            (),
            {"pmd_huge": ""},
            prelude=(f"#if __has_include({_HUGETLBPAGE})", f"#include {_HUGETLBPAGE}", "#endif"),
            variants=("lpae",),
        ),
    ),
    asm=(AsmRule(r"^tst\s+\$1, \$2\n\tmcrne", "flush", ""), AsmRule(r"^tst\s+\$\d, \$\d", "flush", "")),
    initial=frozenset({"protection_map"}),
    protection=("pgprot_val(vm_get_page_prot({n})) | L_PTE_MT_WRITEALLOC | L_PTE_SHARED | (IS_ENABLED(CONFIG_ARM_LPAE) ? 1ULL << 53 : 0)",),
    given=(
        "protections have what build_mem_type_table() of arch/arm/mm/mmu.c adds on SMP: L_PTE_MT_WRITEALLOC, L_PTE_SHARED, with LPAE PTE_EXT_PXN, bit 53",
        "with LPAE an entry is what set_pmd_at() stores of the one a helper made, or set_pte_at() for a user's address, which is restated",
        "pte_clear() stores the entry that it is given: with two levels that is Linux's, beside the hardware's",
        "physical addresses have the bits of PHYS_MASK; a table entry is _PAGE_USER_TABLE, without PMD_PXNTABLE",
    ),
    by_physical={"pmd_populate": "({ pmd_t at = __pmd(0); __pmd_populate(&at, a, _PAGE_USER_TABLE); pmd_val(at); })"},
    constants={"MAX_PHYSMEM_BITS": "__builtin_popcountll(PHYS_MASK)"},
)
