"""loongarch64 at linux-6.12.

Swap entries have an exclusive mark (since v6.3), a type of seven bits that is masked, and leaves _PAGE_DEVMAP (since v6.10). D alone counts as dirty,
too: the hardware page table walker sets it without _PAGE_MODIFIED (since v6.4).

Sources: arch/loongarch/include/asm/{pgtable,pgtable-bits,pgalloc}.h, arch/loongarch/mm/cache.c of linux-6.12.
"""

from __future__ import annotations

from typing import Final

from archs import linux
from archs.loongarch64 import pgtable
from archs.loongarch64.pgtable import GENERIC, PGTABLE
from bitspec.expr import Expr, any_of, clear, zext
from bitspec.fields import software
from bitspec.hardware import Hardware
from bitspec.layout import Config, Kernel, Layout, by_name, definitions, helper

_SWAP: Final = (
    software("SWP_OFFSET", (63, 24), "swap offset"),
    software("_PAGE_SWP_EXCLUSIVE", 23, "anonymous page, exclusive"),
    software("SWP_TYPE", (22, 16), "swap type"),
)
_DEVMAP: Final = software("_PAGE_DEVMAP", 59, "device memory")


@helper("pte_dirty pmd_dirty", PGTABLE)
def dirty(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["_PAGE_DIRTY", "_PAGE_MODIFIED"])


@helper("pte_devmap pmd_devmap", PGTABLE, needs="ZONE_DEVICE")
def devmap(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["_PAGE_DEVMAP"])


@helper("pte_mkdevmap pmd_mkdevmap", PGTABLE, needs="ZONE_DEVICE")
def mkdevmap(k: Kernel, entry: Expr) -> Expr:
    return entry | k["_PAGE_DEVMAP"]


@helper("pte_mkwrite_novma pmd_mkwrite_novma", PGTABLE)
def mkwrite_novma(k: Kernel, entry: Expr) -> Expr:
    return pgtable.writable(k, entry)


@helper("pte_mkwrite pmd_mkwrite", GENERIC)
def mkwrite(k: Kernel, entry: Expr) -> Expr:
    return k.mkwrite_novma(entry)


@helper("pte_modify pmd_modify", PGTABLE)
def modify(k: Kernel, entry: Expr, prot: Expr) -> Expr:
    return pgtable.modified(k, entry, prot, "_PAGE_DEVMAP")


# Swap entries


@helper("__swp_type", PGTABLE)
def swp_type(k: Kernel, swp: Expr) -> Expr:
    return zext(k.field("SWP_TYPE").extract(swp), 64)


@helper("__swp_entry", PGTABLE)
def swp_entry(k: Kernel, swap_type: Expr, offset: Expr) -> Expr:
    return k.field("SWP_TYPE").insert(swap_type, 64) | offset << k.shift("SWP_OFFSET")


@helper("pte_swp_exclusive", PGTABLE)
def swp_exclusive(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_SWP_EXCLUSIVE"])


@helper("pte_swp_mkexclusive", PGTABLE)
def swp_mkexclusive(k: Kernel, pte: Expr) -> Expr:
    return pte | k["_PAGE_SWP_EXCLUSIVE"]


@helper("pte_swp_clear_exclusive", PGTABLE)
def swp_clear_exclusive(k: Kernel, pte: Expr) -> Expr:
    return clear(pte, k["_PAGE_SWP_EXCLUSIVE"])


def layout(hardware: Hardware, config: Config) -> Layout:
    """loongarch64 at linux-6.12."""
    chosen = pgtable.supported(config, "ZONE_DEVICE", "DEVICE_PRIVATE")
    helpers = by_name(linux.HELPERS, pgtable.HELPERS, definitions(globals()))
    return pgtable.layout(hardware, "linux-6.12", chosen, helpers, linux.kinds(chosen), _SWAP, (_DEVMAP,))
