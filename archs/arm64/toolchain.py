"""How to compile arm64's headers, and what is known of the symbols its helpers depend on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from archs.arm64.hardware import VARIANTS
from bitspec.lift.target import AsmRule, Target, Unit

_PAGES: Final = {12: "ARM64_4K_PAGES", 14: "ARM64_16K_PAGES", 16: "ARM64_64K_PAGES"}


def _options() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {"": ("ARM64_POE", "ARM64_MTE", "ARM64_BTI")}
    for name, granule in VARIANTS.items():
        bits = granule.address_bits
        others = tuple(f"-{one}" for one in (*_PAGES.values(), *(f"ARM64_{kind}_BITS_{size}" for kind in ("VA", "PA") for size in (48, 52))))
        found[name] = (*others, _PAGES[granule.shift], f"ARM64_VA_BITS_{bits}", f"ARM64_PA_BITS_{bits}")
    return found


def _pins(variant: str) -> Mapping[str, int | str]:
    return {"mrs_tcr_el1": "TCR_DS" if VARIANTS[variant].ds else 0, "cpucap_42": 0}


_POR_EL0: Final = r"mrs_s \$0, " + re.escape("(((3) << 19) | ((3) << 16) | ((10) << 12) | ((2) << 8) | ((4) << 5))")

TARGET: Final = Target(
    arch="arm64",
    triple="aarch64-linux-gnu",
    defconfig="defconfig",
    options=_options(),
    units=(
        Unit("hugetlbpage", ("arch/arm64/mm/hugetlbpage.c",), {"arch_make_huge_pte": "", "pmd_huge": "", "pud_huge": ""}),
        Unit("mmap", ("arch/arm64/mm/mmap.c",), {}, protections=True),
    ),
    asm=(
        AsmRule(r"^\s*mrs\s+\$0, (\w+)", "register", "mrs_{}"),
        AsmRule(_POR_EL0, "register", "por_el0"),
        AsmRule(r"^\.if 1 == 1\n661:\n\tnop\n.*\n663:\n\tb\t", "feature", "cpucap_{}", index=0, yes=1, no=0),
        AsmRule(r"^\.if 1 == 1\n661:\n\tb\t", "feature", "cpucap_{}", index=0, yes=0, no=1),
    ),
    pins=_pins,
    addresses={"swapper_pg_dir": 0xFFFF_8000_8100_0000, "%": 0xFFFF_8000_8000_3F00},
    initial=frozenset({"protection_map"}),
    protection=("({{ adjust_protection_map(); pgprot_val(vm_get_page_prot({n})); }})",),
    given=(
        "TCR_EL1.DS is set in the LPA2 variants, and TCR_EL1 is not asked for anything else",
        "entries are not in swapper_pg_dir, which would be written through another mapping",
        "POR_EL0 permits everything: a protection key may refuse more than pXd_access_permitted() does here",
    ),
)
