"""What mm/ and include/linux fix for every architecture: the types of non-present entries, and the helpers built on an architecture's own.

Sources: include/linux/swap.h and include/linux/swapops.h of linux-6.1, linux-6.12 and linux-6.19; include/linux/leafops.h of linux-6.19.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from bitspec.expr import Expr, const, ite, or_
from bitspec.layout import Config, Kernel, SwapKind, definitions, helper
from bitspec.vocabulary import Level

MAX_SWAPFILES_SHIFT: Final = 5
"""Bits of a swap type: include/linux/swap.h, the same in every release here."""


_DEVICES: Final = ("device-private-write", "device-private-read", "device-exclusive-write", "device-exclusive-read")


def kinds(config: Config, *, marker: bool = True, swapin_error: bool = False, one_exclusive: bool = False, huge_private: bool = False) -> tuple[SwapKind, ...]:
    """The kinds of non-present entry and their swap types, as include/linux/swap.h numbers them from the top down (linux-5.19 to linux-6.19).

    The types below are swap files: ``MAX_SWAPFILES``.

    Args:
        marker: PTE markers exist; until v6.1 only where the architecture has userfaultfd write-protection (CONFIG_PTE_MARKER).
        swapin_error: SWP_SWAPIN_ERROR has a type of its own, as in v6.0 to v6.2; later it is a marker.
        one_exclusive: there is one SWP_DEVICE_EXCLUSIVE, restored writable where the VMA allows it, as since v6.15; before, there were two.
        huge_private: huge pages of private device memory have PMD entries where THP migration is supported, as since v6.19 (include/linux/leafops.h:
            pmd_is_device_private_entry).
    """
    found = _kinds(config, marker, swapin_error, (*_DEVICES[:2], "device-exclusive") if one_exclusive else _DEVICES)
    return tuple(replace(one, also=(Level.PMD,)) if huge_private and one.state in _DEVICES[:2] else one for one in found)


def _kinds(config: Config, marker: bool, swapin_error: bool, devices: tuple[str, ...]) -> Iterator[SwapKind]:
    cite = "include/linux/swap.h"
    device = len(devices) if "DEVICE_PRIVATE" in config else 0
    migration = 3 if "MIGRATION" in config else 0
    poison = 1 if "MEMORY_FAILURE" in config else 0
    files = (1 << MAX_SWAPFILES_SHIFT) - device - migration - poison - marker - swapin_error
    yield SwapKind("swap", range(files), "slot", f"{cite}: MAX_SWAPFILES")
    at = files
    if poison:
        yield SwapKind("hwpoison", range(at, at + 1), "pfn", f"{cite}: SWP_HWPOISON")
        at += 1
    if migration:
        for offset, name in enumerate(("migration-read", "migration-read-exclusive", "migration-write")):
            yield SwapKind(name, range(at + offset, at + offset + 1), "pfn", f"{cite}: SWP_MIGRATION_*")
        at += 3
    if device:
        for offset, name in enumerate(devices):
            yield SwapKind(name, range(at + offset, at + offset + 1), "pfn", f"{cite}: SWP_DEVICE_*")
        at += device
    if marker:
        yield SwapKind("marker", range(at, at + 1), "marker", f"{cite}: SWP_PTE_MARKER")
        at += 1
    if swapin_error:
        yield SwapKind("swapin-error", range(at, at + 1), "pfn", f"{cite}: SWP_SWAPIN_ERROR")


@helper("pte_to_swp_entry", "include/linux/swapops.h")
def pte_to_swp_entry(k: Kernel, pte: Expr) -> Expr:
    for test, strip in (("swp_exclusive", "swp_clear_exclusive"), ("swp_soft_dirty", "swp_clear_soft_dirty"), ("swp_uffd_wp", "swp_clear_uffd_wp")):
        if k.has(test, strip):
            pte = ite(k.helper(test)(pte), k.helper(strip)(pte), pte)
    return k.__pte_to_swp_entry(pte)


@helper("pmd_to_swp_entry", "include/linux/swapops.h", needs="MIGRATION")
def pmd_to_swp_entry(k: Kernel, pmd: Expr) -> Expr:
    for test, strip in (("swp_soft_dirty", "swp_clear_soft_dirty"), ("swp_uffd_wp", "swp_clear_uffd_wp")):
        if k.has(test, strip):
            pmd = ite(k.helper(test)(pmd), k.helper(strip)(pmd), pmd)
    return k.__pmd_to_swp_entry(pmd)


def _type_shift(k: Kernel) -> int:
    """SWP_TYPE_SHIFT: a value in an xarray keeps one bit of the unsigned long for its tag (include/linux/xarray.h: BITS_PER_XA_VALUE)."""
    return k.layout.word - 1 - MAX_SWAPFILES_SHIFT


@helper("swp_entry", "include/linux/swapops.h")
def swp_entry(k: Kernel, swap_type: Expr, offset: Expr) -> Expr:
    return swap_type << _type_shift(k) | offset & ((1 << _type_shift(k)) - 1)


@helper("swp_type", "include/linux/swapops.h")
def swp_type(k: Kernel, entry: Expr) -> Expr:
    return entry >> _type_shift(k)


@helper("swp_offset", "include/linux/swapops.h")
def swp_offset(k: Kernel, entry: Expr) -> Expr:
    return entry & ((1 << _type_shift(k)) - 1)


@helper("swp_to_radix_entry", "include/linux/swapops.h, xa_mk_value() of include/linux/xarray.h")
def swp_to_radix_entry(k: Kernel, entry: Expr) -> Expr:
    return entry << 1 | 1


@helper("radix_to_swp_entry", "include/linux/swapops.h, xa_to_value() of include/linux/xarray.h")
def radix_to_swp_entry(k: Kernel, entry: Expr) -> Expr:
    return entry >> 1


HELPERS: Final = definitions(globals())
"""Helpers that every architecture has in the same words."""


# Since v6.19 (include/linux/leafops.h) what is present, or empty, is asked first, and gives the empty entry: softleaf_mk_none().


@helper("pte_to_swp_entry", "include/linux/leafops.h: softleaf_from_pte")
def softleaf_from_pte(k: Kernel, pte: Expr) -> Expr:
    return ite(or_(k.pte_present(pte), k.pte_none(pte)), const(0, k.layout.word), pte_to_swp_entry.build(k, pte))


@helper("pmd_to_swp_entry", "include/linux/leafops.h: softleaf_from_pmd", needs="MIGRATION")
def softleaf_from_pmd(k: Kernel, pmd: Expr) -> Expr:
    return ite(or_(k.pmd_present(pmd), k.pmd_none(pmd)), const(0, k.layout.word), pmd_to_swp_entry.build(k, pmd))


SOFTLEAF: Final = (softleaf_from_pte, softleaf_from_pmd)
"""What takes the place of pte_to_swp_entry() and pmd_to_swp_entry() since v6.19; :data:`HELPERS` are the ones before."""
