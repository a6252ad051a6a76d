"""Known refutations of alpha's layouts, reviewed against the callers in the same release."""

from __future__ import annotations

from typing import Final

from proofs.known import Known

_BOTH: Final = ("linux-6.1", "linux-6.12")
_MIGRATION: Final = ("migration-read", "migration-read-exclusive", "migration-write")
_FRAMES: Final = (
    "With SPARSEMEM a frame number has 35 bits (MAX_PHYSMEM_BITS is 48), and the PFN of an entry 32: 2^45 bytes of memory, which is more than any Alpha can "
    "address. And pfn_pte() takes a frame between 2^42 and 2^43 bytes for a KSEG address, and puts it at 2^43 (PHYS_TWIDDLE in "
    "arch/alpha/include/asm/pgtable.h, which says that there is nothing meaningful)"
)


def _known(code: str, subjects: tuple[str, ...], kind: str, reason: str, layouts: tuple[str, ...] = _BOTH, levels: tuple[str, ...] = ("pte",)) -> Known:
    return Known(code=code, subjects=subjects, layouts=layouts, levels=levels, kind=kind, reason=reason)


KNOWN: Final[tuple[Known, ...]] = (
    _known(
        "SWP403",
        ("swap+exclusive",),
        "reachable",
        (
            "pte_swp_exclusive() returns an int, and the mark is bit 39: it is cut off, and the answer is always no. do_swap_page() (mm/memory.c) maps an "
            "exclusive page as one that may be shared. swapoff does not end: pte_swp_clear_flags() leaves the mark, unuse_pte() finds another entry than it "
            "looks for (mm/swapfile.c: pte_same_as_swp), and try_to_unuse() begins again until a signal comes."
        ),
        ("linux-6.12",),
    ),
    _known(
        "MIG502",
        _MIGRATION,
        "reachable",
        (
            "An offset has 24 bits, which is 128 GiB of memory; the largest machines of ALPHA_WILDFIRE and ALPHA_MARVEL have more. Nothing keeps compaction "
            "from migrating a page above, whose frame is cut: remove_migration_pte() does not find the entry again (mm/page_vma_mapped.c: check_pte), and "
            "who touches the page waits for another one."
        ),
    ),
    _known(
        "LEAF603",
        ("swapin-error",),
        "cosmetic",
        "An offset has 24 bits, so that the frame may be cut. Nobody reads it back: is_swapin_error_entry() asks for the type (include/linux/swapops.h).",
        ("linux-6.1",),
    ),
    _known(
        "HW911",
        ("leaf-old",),
        "reachable",
        (
            "pte_mkold() takes KRE and URE away, and leaves KWE and UWE to a page that is dirty: a store to it does not fault, and it stays old. The header "
            "says that accessed just means read. Reclaim may take a page that is only written; it writes it back first, and nothing is lost."
        ),
    ),
    _known(
        "PTE123",
        ("pte_modify/young", "pte_modify/young(leaf-protnone)"),
        "reachable",
        (
            "pte_modify() keeps the accessed bits and ORs the new protection in, and every protection has them: an old page becomes young by mprotect(). "
            "Reclaim takes the page for one that was used; young never becomes old, and nothing is lost."
        ),
    ),
    _known("PTE122", ("leaf", "leaf-old", "leaf-protnone"), "latent", f"{_FRAMES}."),
    _known("PTE124", ("pte_modify", "pte_modify(leaf-protnone)"), "latent", f"{_FRAMES}. It is pfn_pte() that loses the frame, not pte_modify()."),
    _known("PTE125", ("pfn_pte(mapped)", "pfn_pte(leaf-protnone)"), "latent", f"{_FRAMES}."),
    _known("HW904", ("leaf", "leaf-old"), "latent", f"{_FRAMES}."),
    _known(
        "HW907",
        ("table",),
        "latent",
        "As for a page's frame (PTE122): pmd_set() drops what is above 2^45 of the lower table's address, which no Alpha has.",
        levels=("pmd",),
    ),
)
