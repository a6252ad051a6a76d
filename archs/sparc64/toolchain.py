"""How to compile 64-bit SPARC's headers, and what is known of the symbols its helpers depend on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bitspec.lift.target import Instructions, Target, Unit

VARIANTS: Final = ("sun4v", "m7", "sun4u")


def _pins(variant: str) -> Mapping[str, int | str]:
    hypervisor = variant != "sun4u"
    return {
        "patched_for_sun4v": int(hypervisor),
        "patched_for_sun_m7": int(variant == "m7"),
        "tlb_type": "hypervisor" if hypervisor else "cheetah_plus",
        "sun4v_chip_type": "SUN4V_CHIP_SPARC_M7" if variant == "m7" else "SUN4V_CHIP_NIAGARA1",
    }


#: SPARC V9, 7.1.3 and appendix A: sethi sets bits 31:10 and clears the others, %hi and %uhi are those bits of a number's halves, %lo and %ulo the lower ten.
_INSTRUCTIONS: Final = Instructions(
    operations={"sethi": "part", "mov": "copy", "or": "or", "and": "and", "andn": "andnot", "sllx": "shl", "srlx": "lshr", "nop": "nothing"},
    parts={"%hi": (0, 0xFFFF_FC00), "%lo": (0, 0x3FF), "%uhi": (32, 0xFFFF_FC00), "%ulo": (32, 0x3FF)},
    immediate=13,
    patches={".sun4v_1insn_patch": "patched_for_sun4v", ".sun4v_2insn_patch": "patched_for_sun4v", ".sun_m7_2insn_patch": "patched_for_sun_m7"},
)

_PROTECTION: Final = (
    "({{ page_cache4v_flag = sun4v_chip_type == SUN4V_CHIP_SPARC_M7 ? _PAGE_CP_4V : _PAGE_CACHE_4V; "
    "if (tlb_type == hypervisor) sun4v_pgprot_init(); else sun4u_pgprot_init(); pgprot_val(vm_get_page_prot({n})); }})"
)
_INVALIDATE: Final = "({ struct vm_area_struct vma = { .vm_mm = &init_mm }; pmd_t at = pmd; pmdp_invalidate(&vma, 0, &at); pmd_val(at); })"
_COMPARE_AND_SWAP: Final = (
    "#undef cmpxchg64",
    "#define cmpxchg64(at, old, new) ({ __typeof__(*(at)) was = *(at); if (was == (old)) *(at) = (new); was; })",
    '#include "arch/sparc/mm/tlb.c"',
)

TARGET: Final = Target(
    arch="sparc",
    triple="sparc64-linux-gnu",
    defconfig="sparc64_defconfig",
    options={},
    units=(
        Unit("hugetlbpage", ("arch/sparc/mm/hugetlbpage.c",), {"arch_make_huge_pte": "", "pmd_huge": "", "pud_huge": ""}),
        Unit("invalidate", (), {"pmd_mkinvalid": _INVALIDATE}, prelude=_COMPARE_AND_SWAP),
        Unit("init", ("arch/sparc/mm/init_64.c",), {}, protections=True),
    ),
    initial=frozenset({"protection_map"}),
    written=frozenset(
        {"PAGE_KERNEL", "PAGE_KERNEL_LOCKED", "PAGE_COPY", "PAGE_SHARED", "_PAGE_IE", "_PAGE_E", "_PAGE_CACHE", "_PAGE_ALL_SZ_BITS"}
        | {"pg_iobits", "kern_linear_pte_xor", "page_cache4v_flag", "init_mm"}
    ),
    protection=(_PROTECTION,),
    pins=_pins,
    instructions=_INSTRUCTIONS,
    given=(
        "instructions are replaced as sun4v_patch() of arch/sparc/kernel/setup_64.c does: on sun4v, and further ones on M7, M8 and later chips (m7)",
        "protections are those that paging_init() makes, by sun4u_pgprot_init() or sun4v_pgprot_init(), with the cache bits that it takes for the chip",
        "pmd_mkinvalid is what pmdp_invalidate() stores, where nobody else changes the entry meanwhile: cmpxchg64() is restated in C",
    ),
    front_end=True,
    as_gcc=True,
)
