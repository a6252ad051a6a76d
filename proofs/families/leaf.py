"""The other kinds of non-present entry (LEAF6xx), which newer kernels call leaf entries (include/linux/leafops.h)."""

from __future__ import annotations

from bitspec.expr import Expr, bits, eq, ne, zext
from bitspec.layout import Kernel
from proofs.claim import claim
from proofs.families.swap import decoded
from proofs.state import State
from proofs.subjects import Pair, non_present, pairs, rows


@claim("kinds-overlap", "LEAF601/pte,pmd", about=pairs(non_present, non_present))
def kinds_overlap(k: Kernel, s: Pair) -> Expr:
    """No entry is of two kinds: swap, migration (three), device (four), hwpoison, marker.

    Why it matters: a migration entry taken for a swap entry is read from a disk.

    Example: a type field one bit short makes types 15 and 31 the same.

    References: include/linux/swapops.h: the is_*_entry() predicates.
    """
    return ne(s.left.entry, s.right.entry)


@claim("marker-payload-lost", "LEAF602/pte", about=rows("marker"))
def marker_payload_lost(k: Kernel, s: State) -> Expr:
    """A PTE marker keeps what it marks.

    Why it matters: a poisoned page would be handed out, or a uffd-wp mark forgotten.

    Example: an offset field that starts above bit 0 of the marker.

    References: include/linux/swapops.h: pte_marker_get.
    """
    return eq(decoded(k, s.entry, "__swp_offset"), zext(s.value("marker"), k.layout.word))


_DEVICE = ("device-private-read", "device-private-write", "device-exclusive-read", "device-exclusive-write", "device-exclusive")


@claim("payload-truncated", "LEAF603/pte", about=rows(*_DEVICE, "hwpoison", "swapin-error"))
def payload_truncated(k: Kernel, s: State) -> Expr:
    """The page frame number in a device or hwpoison entry comes back whole.

    Why it matters: pfn_swap_entry_to_page() would name another page.

    Example: an offset field narrower than SWP_PFN_BITS.

    References: include/linux/swapops.h: is_pfn_swap_entry, swp_offset_pfn.
    """
    width = k.layout.pfn_bits
    return eq(bits(decoded(k, s.entry, "__swp_offset"), width - 1, 0), bits(zext(s.value("pfn"), k.layout.word), width - 1, 0))


@claim("kind-lost", "LEAF604/pte", about=rows(*_DEVICE, "hwpoison", "swapin-error", "marker"))
def kind_lost(k: Kernel, s: State) -> Expr:
    """A device, hwpoison or marker entry decodes as one of its own kind.

    Why it matters: a page with broken memory would be taken for one on the move.

    Example: a type field one bit short.

    References: include/linux/swapops.h: is_device_private_entry, is_hwpoison_entry, is_pte_marker_entry.
    """
    number = next(kind.types.start for kind in k.layout.kinds if kind.state == s.name)
    return eq(decoded(k, s.entry, "__swp_type"), number)
