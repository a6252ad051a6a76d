"""How to compile m68k's headers for each of its MMUs, and what is known of the symbols its helpers depend on."""

from __future__ import annotations

from typing import Final

from bitspec.lift.target import AsmRule, Target, Unit

TARGET: Final = Target(
    arch="m68k",
    triple="m68k-linux-gnu",
    defconfig="virt_defconfig",
    options={
        "coldfire": ("-VIRT", "-M68KCLASSIC", "COLDFIRE", "MMU", "M547x"),
        "sun3": ("-VIRT", "-M68030", "-M68040", "-M68060", "SUN3"),
    },
    units=tuple(
        Unit(variant, (source,), {}, protections=True, variants=(variant,))
        for variant, source in (
            ("motorola", "arch/m68k/mm/motorola.c"),
            ("coldfire", "arch/m68k/mm/mcfmmu.c"),
            ("sun3", "arch/m68k/mm/sun3mmu.c"),
        )
    ),
    initial=frozenset({"protection_map"}),
    front_end=True,
    dropped=("-m5200",),  # which CPU to compile for: clang has no ColdFire, and the helpers ask for it by Kconfig only
    asm=(AsmRule(r"^1:\t(add|sub)l #0,\$0\n", "same", ""),),
    protection=("pgprot_val(vm_get_page_prot({n})) | (IS_ENABLED(CONFIG_MMU_MOTOROLA) ? 0x020 : 0)",),
    constants={"MAX_PHYSMEM_BITS": "SWP_PFN_BITS + PAGE_SHIFT"},  # without SPARSEMEM the kernel has no such constant, and takes an unsigned long's bits
    given=(
        "a Motorola CPU is a 68040 or 68060: paging_init() of arch/m68k/mm/motorola.c adds _PAGE_CACHE040, which is 0x020, to every protection",
        "memory begins at physical address 0, so that m68k_memoffset is 0",
    ),
)
