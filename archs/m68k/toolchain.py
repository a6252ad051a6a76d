"""How to compile m68k's headers for a Motorola MMU (68040), and what is known of the symbols its helpers depend on."""

from __future__ import annotations

from typing import Final

from bitspec.lift.target import AsmRule, Target, Unit

VARIANTS: Final = ("motorola",)

TARGET: Final = Target(
    arch="m68k",
    triple="m68k-linux-gnu",
    defconfig="virt_defconfig",
    options={},
    units=(Unit("motorola", ("arch/m68k/mm/motorola.c",), {}, protections=True),),
    initial=frozenset({"protection_map"}),
    front_end=True,
    asm=(AsmRule(r"^1:\t(add|sub)l #0,\$0\n", "same", ""),),
    protection=("pgprot_val(vm_get_page_prot({n})) | _PAGE_CACHE040",),
    given=(
        "the CPU is a 68040 or 68060: paging_init() of arch/m68k/mm/motorola.c adds _PAGE_CACHE040 to every protection",
        "memory begins at physical address 0, so that m68k_memoffset is 0",
    ),
)
