"""How to compile x86-64's headers, and what is known of the symbols its helpers depend on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bitspec.lift.target import AsmRule, Target, Unit


def _pins(variant: str) -> Mapping[str, int | str]:
    return {
        "cpu_has_519": int(variant != "4-level-knl"),  # X86_FEATURE_SHSTK
        "cpu_has_528": int(variant == "5-level"),  # X86_FEATURE_LA57
        "__supported_pte_mask": (1 << 64) - 1,
        "pkru.0": 0,
    }


TARGET: Final = Target(
    arch="x86",
    triple="x86_64-linux-gnu",
    defconfig="x86_64_defconfig",
    options={"": ("X86_5LEVEL", "X86_USER_SHADOW_STACK", "-UNWINDER_ORC", "UNWINDER_FRAME_POINTER")},
    units=(
        Unit("pgtable", ("arch/x86/mm/pgtable.c",), {"pte_mkwrite": "", "pmd_mkwrite": "", "pud_mkwrite": ""}),
        Unit("pgprot", ("arch/x86/mm/pgprot.c",), {}, protections=True),
    ),
    asm=(
        AsmRule(r"\.altinstr_aux.*testb", "feature", "cpu_has_{}", index=0, yes=1, no=2),
        AsmRule(r"^\.byte 0x0f,0x01,0xee", "register", "pkru"),
    ),
    pins=_pins,
    constants={"SWP_OFFSET_FIRST_BIT": "SWP_OFFSET_FIRST_BIT"},
    given=(
        "the CPU has every bit the kernel uses in an entry: __supported_pte_mask is all ones",
        "PKRU permits everything: a protection key may refuse more than pXd_access_permitted() does here",
        "the CPU has shadow stacks, but for the variant with erratum KNL4; LA57 is on with five levels",
    ),
)
