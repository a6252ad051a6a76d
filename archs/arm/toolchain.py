"""How to compile 32-bit Arm's headers, and what is known of the symbols its helpers depend on."""

from __future__ import annotations

from typing import Final

from bitspec.lift.target import AsmRule, Target, Unit

VARIANTS: Final = ("lpae", "2-level")


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
    asm=(AsmRule(r"^tst\s+\$1, \$2\n\tmcrne", "flush", ""), AsmRule(r"^tst\s+\$\d, \$\d", "flush", "")),
    initial=frozenset({"protection_map"}),
    protection=("pgprot_val(vm_get_page_prot({n})) | L_PTE_MT_WRITEALLOC | L_PTE_SHARED",),
    given=(
        "memory is cached as build_mem_type_table() of arch/arm/mm/mmu.c chooses for SMP: protections have L_PTE_MT_WRITEALLOC and L_PTE_SHARED",
        "set_pte_ext() stores the entry it is given, which is Linux's, not the hardware's",
        "physical addresses have PHYS_MASK_SHIFT bits; a table entry is _PAGE_USER_TABLE, without PMD_PXNTABLE",
    ),
    by_physical={"pmd_populate": "({ pmd_t at = __pmd(0); __pmd_populate(&at, a, _PAGE_USER_TABLE); pmd_val(at); })"},
    constants={"MAX_PHYSMEM_BITS": "PHYS_MASK_SHIFT"},
)
