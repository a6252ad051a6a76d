"""arm's format beside the hardware's short descriptors: an entry that only the kernel and its set_pte_ext() read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from archs.arm.pgtable import Format, protection_map
from bitspec.fields import View, acts, software, view
from bitspec.layout import LevelUse, definitions
from bitspec.vocabulary import Level

HEADER: Final = "arch/arm/include/asm/pgtable-2level.h"

_LEAF: Final = view(
    "leaf",
    acts("PFN", (31, 12), "the frame"),
    acts("L_PTE_NONE", 11, "PROT_NONE"),
    acts("L_PTE_SHARED", 10, "S"),
    acts("L_PTE_XN", 9, "XN"),
    acts("L_PTE_USER", 8, "AP[1]"),
    acts("L_PTE_RDONLY", 7, "AP[2]"),
    acts("L_PTE_DIRTY", 6, "written; without it AP[2]"),
    software("L_PTE_MT[3]", 5, "L_PTE_MT_MASK: tells types apart that are one to ARMv7"),
    acts("L_PTE_MT[2:0]", (4, 2), "L_PTE_MT_MASK: TEX[0], C, B; 111 L_PTE_MT_WRITEALLOC"),
    acts("L_PTE_YOUNG", 1, "referenced"),
    acts("L_PTE_VALID", 0, "L_PTE_PRESENT"),
    width=32,
    source=HEADER,
)

_USER, _XN, _RDONLY, _NONE = 1 << 8, 1 << 9, 1 << 7, 1 << 11
_DEFAULT: Final = 1 << 0 | 1 << 1 | 7 << 2 | 1 << 10  # L_PTE_PRESENT, L_PTE_YOUNG; of SMP: L_PTE_MT_WRITEALLOC, L_PTE_SHARED
_PROTECTIONS: Final = protection_map(_DEFAULT, _USER, _XN, _RDONLY, _NONE)
_MEMORY_TYPE: Final = 15 << 2
"""L_PTE_MT_MASK: what pgprot_noncached() and its like change."""


def _uses(swap: View) -> Mapping[Level, LevelUse]:
    return {Level.PTE: LevelUse({"leaf": _LEAF, "swap": swap}, 0, _PROTECTIONS, extra=_MEMORY_TYPE)}


FORMAT: Final = Format(_uses, 32, definitions(globals()), (HEADER,))
