"""How to compile 32-bit MIPS's headers, and what is known of the symbols its helpers depend on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bitspec.lift.target import Target, Unit

VARIANTS: Final = ("r2", "r2-rixi")


def _pins(variant: str) -> Mapping[str, int | str]:
    return {
        "addr.invalid_pte_table": 0x8200_0000,
        "cpu_data+16": "MIPS_CPU_RIXI" if variant == "r2-rixi" else 0,
        "_page_cachable_default": "_CACHE_CACHABLE_NONCOHERENT",
    }


TARGET: Final = Target(
    arch="mips",
    triple="mips-linux-gnu",
    defconfig="malta_defconfig",
    options={"": ("-CPU_LITTLE_ENDIAN", "CPU_BIG_ENDIAN")},
    pins=_pins,
    static_tables=("invalid_pte_table",),
    given=(
        "the other page of the pair that a TLB entry maps is not global, so that pte_clear() stores 0",
        "invalid_pte_table lies in the kernel's image, at 0x82000000 here",
        "the caches are not coherent: _page_cachable_default is what coherency_setup() of arch/mips/mm/c-r4k.c makes of that",
    ),
    units=(Unit("cache", ("arch/mips/mm/cache.c",), {}, protections=True),),
    wrappers={"pte_clear": "pte_val(__pte(0))"},
    initial=frozenset({"protection_map"}),
    protection=("({{ setup_protection_map(); pgprot_val(vm_get_page_prot({n})); }})",),
)
