"""s390 at linux-6.17: transparent huge pages migrate, with the swap entries that segment tables got in linux-6.13 (10dd5a000989).

The no-execute bit is now left out of the protections on machines without instruction-execution protection.  Sources: as for linux-6.13, of
linux-6.17; arch/s390/boot/startup.c for the masks.
"""

from __future__ import annotations

from typing import Final

from archs import linux
from archs.s390 import linux_6_12 as base
from archs.s390 import linux_6_13 as previous
from bitspec.expr import Expr, any_of, clear
from bitspec.hardware import Hardware
from bitspec.layout import Config, Kernel, Layout, Provenance, by_name, definitions, helper
from bitspec.vocabulary import Level

_PGTABLE: Final = "arch/s390/include/asm/pgtable.h"


@helper("pfn_pte", f"{_PGTABLE}: mk_pte_phys")
def pfn_pte(k: Kernel, pfn: Expr, prot: Expr) -> Expr:
    return k.mkyoung(pfn << base.PAGE_SHIFT | prot)


# Swap entries. swp_entry_t always has the form of a page-table entry; segment-table entries are converted.


@helper("__pmd_to_swp_entry", _PGTABLE)
def pmd_to_swp_entry(k: Kernel, pmd: Expr) -> Expr:
    return base.mk_swap_pte(k.layout.at(Level.PTE), k.helper("__swp_type_rste")(pmd), k.helper("__swp_offset_rste")(pmd))


@helper("__swp_entry_to_pmd", _PGTABLE)
def swp_entry_to_pmd(k: Kernel, swp: Expr) -> Expr:
    return k.mk_swap_rste(k.helper("__swp_type")(swp), k.helper("__swp_offset")(swp))


@helper("pmd_swp_soft_dirty", _PGTABLE, needs="MEM_SOFT_DIRTY")
def pmd_swp_soft_dirty(k: Kernel, pmd: Expr) -> Expr:
    return any_of(pmd, k["_SEGMENT_ENTRY_SOFT_DIRTY"])


@helper("pmd_swp_mksoft_dirty", _PGTABLE, needs="MEM_SOFT_DIRTY")
def pmd_swp_mksoft_dirty(k: Kernel, pmd: Expr) -> Expr:
    return pmd | k["_SEGMENT_ENTRY_SOFT_DIRTY"]


@helper("pmd_swp_clear_soft_dirty", _PGTABLE, needs="MEM_SOFT_DIRTY")
def pmd_swp_clear_soft_dirty(k: Kernel, pmd: Expr) -> Expr:
    return clear(pmd, k["_SEGMENT_ENTRY_SOFT_DIRTY"])


DEFINITIONS: Final = definitions(globals())
_NOEXEC: Final = 0x100  # _PAGE_NOEXEC, _SEGMENT_ENTRY_NOEXEC


def layout(hardware: Hardware, config: Config) -> Layout:
    """s390 at linux-6.17."""
    chosen = base.supported(config, "ZONE_DEVICE", "DEVICE_PRIVATE")
    mask = base.ALL_BITS if hardware.variant == "z14" else base.ALL_BITS & ~_NOEXEC
    return Layout(
        hardware=hardware,
        release="linux-6.17",
        provenance=Provenance.CONFORMED,
        config=chosen,
        uses=base.uses(previous.SEGMENT_VIEWS, previous.REGION_VIEWS, base.protection_map(mask)),
        helpers=by_name(linux.HELPERS, base.DEFINITIONS, previous.DEFINITIONS, DEFINITIONS),
        kinds=linux.kinds(chosen, one_exclusive=True),
        pfn_bits=base.MAX_PHYSMEM_BITS - base.PAGE_SHIFT,
        marker_bits=3,
        sources=(*base.SOURCES, "arch/s390/boot/startup.c"),
        numbers={"PAGE_SHIFT": base.PAGE_SHIFT, "noexec_mask": mask},
    )
