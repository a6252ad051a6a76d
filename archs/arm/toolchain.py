"""How to compile 32-bit Arm's headers, and what is known of the symbols its helpers depend on."""

from __future__ import annotations

from typing import Final

from bitspec.lift.target import AsmRule, Target, Unit

VARIANTS: Final = ("lpae", "2-level")

#: With LPAE what is stored is not what the helper made: set_pmd_at() takes the valid bit of a PROT_NONE page, and the hardware's write permission of a
#: clean or read-only one.  Every huge page goes through it, by generic_pmdp_establish() too, so that a helper's entry is the one that it stores.
_STORED: Final = "({{ pmd_t at = __pmd(0); set_pmd_at(&bs_mm, 0, &at, {}); pmd_val(at); }})"
_SETTERS: Final = ("mkhuge", "mkinvalid", "mkyoung", "mkold", "mkdirty", "mkclean", "mkwrite_novma", "wrprotect")

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
    ),
    wrappers={f"pmd_{name}": _STORED.format(f"pmd_{name}(pmd)") for name in _SETTERS}
    | {"pmd_modify": _STORED.format("pmd_modify(pmd, __pgprot(b))"), "pmd_mkwrite": _STORED.format("pmd_mkwrite(pmd, &(struct vm_area_struct){ })")},
    asm=(AsmRule(r"^tst\s+\$1, \$2\n\tmcrne", "flush", ""), AsmRule(r"^tst\s+\$\d, \$\d", "flush", "")),
    initial=frozenset({"protection_map"}),
    protection=("pgprot_val(vm_get_page_prot({n})) | L_PTE_MT_WRITEALLOC | L_PTE_SHARED",),
    given=(
        "memory is cached as build_mem_type_table() of arch/arm/mm/mmu.c chooses for SMP: protections have L_PTE_MT_WRITEALLOC and L_PTE_SHARED",
        "with LPAE an entry of a huge page is what set_pmd_at() stores of the one a helper made",
        "set_pte_ext() stores the entry it is given, which is Linux's, not the hardware's",
        "physical addresses have PHYS_MASK_SHIFT bits; a table entry is _PAGE_USER_TABLE, without PMD_PXNTABLE",
    ),
    by_physical={"pmd_populate": "({ pmd_t at = __pmd(0); __pmd_populate(&at, a, _PAGE_USER_TABLE); pmd_val(at); })"},
    constants={"MAX_PHYSMEM_BITS": "PHYS_MASK_SHIFT"},
)
