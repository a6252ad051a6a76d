"""Known refutations of arm's layouts, reviewed against the callers in the same release.

The call chains were read; none of them was executed.
"""

from __future__ import annotations

from typing import Final

from proofs.known import Known

_BOTH: Final = ("linux-6.1", "linux-6.12")
_OLD: Final = ("linux-6.1",)
_NEW: Final = ("linux-6.12",)
_MIGRATION: Final = ("migration-read", "migration-read-exclusive", "migration-write")

_PROT_NONE: Final = (
    "set_pmd_at() takes the valid bit of a huge page under PROT_NONE, and pmd_present() asks for that bit alone (a PTE keeps bit 1, and with it "
    "pte_present()). mprotect(PROT_NONE) over the whole of an anonymous huge page stores such an entry (mm/huge_memory.c: change_huge_pmd), and munmap() or "
    "exit finds it not present (mm/huge_memory.c: zap_huge_pmd): without THP migration that is a WARN_ONCE, and then the page it looks at is NULL, with the "
    "PMD lock held."
)
_INVALIDATED: Final = (
    "pmd_mkinvalid() takes the valid bit, which is all that pmd_present() asks for; pmd_trans_huge() stays true. Such an entry exists under the PMD lock "
    "only. Who comes without it goes by pmd_trans_huge() or is_swap_pmd() and takes the lock, or finds nothing and is back after a fault that returns 0; as "
    "there is no THP migration, nobody waits for one"
)
_LEAF: Final = (
    "pmd_leaf() asks for the type of a section, which an entry that is not valid has not. Its callers ask pmd_present() first, look at the kernel's own "
    "tables, or go on as for an entry that is bad"
)
_FRAMES: Final = (
    "A swp_entry_t has 32 bits, and the offset {} of them; a page frame number has 28. The struct pages of memory so large take 512 MB and more of the "
    "kernel's directly mapped memory, of which there is less than 1 GB; with SPARSEMEM physical addresses have 36 bits (arch/arm/include/asm/sparsemem.h)."
)


def _known(code: str, subjects: tuple[str, ...], level: str, kind: str, reason: str, layouts: tuple[str, ...] = _BOTH, guards: tuple[str, ...] = ()) -> Known:
    return Known(code=code, subjects=subjects, layouts=layouts, levels=(level,), kind=kind, reason=reason, guards=guards, variants=("lpae",))


KNOWN: Final[tuple[Known, ...]] = (
    _known("PMD241", ("leaf-protnone",), "pmd", "reachable", _PROT_NONE),
    _known(
        "PMD241",
        ("leaf-invalidated",),
        "pmd",
        "reachable",
        f"{_INVALIDATED}. Under CONFIG_DEBUG_VM follow_pmd_mask() (mm/gup.c) stops at a VM_BUG_ON() that holds such an entry for impossible without it.",
        _OLD,
    ),
    _known(
        "PMD241",
        ("leaf-invalidated",),
        "pmd",
        "guarded",
        f"{_INVALIDATED}.",
        _NEW,
        (
            "mm/gup.c: follow_pmd_mask, gup_fast_pmd_range",
            "mm/memory.c: copy_pmd_range, zap_pmd_range, __handle_mm_fault",
            "mm/mprotect.c: change_pmd_range",
            "mm/mremap.c: move_page_tables",
            "mm/page_vma_mapped.c: page_vma_mapped_walk",
            "mm/pgtable-generic.c: __pte_offset_map",
        ),
    ),
    _known(
        "PMD242",
        ("leaf-protnone", "leaf-invalidated"),
        "pmd",
        "guarded",
        f"{_LEAF}.",
        _OLD,
        ("mm/ksm.c: ksm_next_page_pmd_entry", "kernel/events/core.c: perf_get_pgtable_size", "mm/pagewalk.c: walk_pmd_range, without a VMA"),
    ),
    _known(
        "PMD242",
        ("leaf-protnone", "leaf-invalidated"),
        "pmd",
        "guarded",
        f"{_LEAF}.",
        _NEW,
        (
            "mm/gup.c: follow_pmd_mask, gup_fast_pmd_range",
            "mm/memory.c: follow_pfnmap_start",
            "mm/pagewalk.c: walk_pmd_range, folio_walk_start",
            "mm/ksm.c: ksm_next_page_pmd_entry",
            "kernel/events/core.c: perf_get_pgtable_size",
            "arch/arm/lib/uaccess_with_memcpy.c: pin_page_for_write",
        ),
    ),
    _known(
        "SWP412",
        ("marker",),
        "pmd",
        "guarded",
        (
            "pmd_trans_huge() is true of every entry but 0 and tables. A marker gets into a PMD by hugetlbfs only, whose VMAs are sent elsewhere before a "
            "PMD is asked; get_user_pages() asks pmd_present() first. (What hugetlbfs itself makes of it is another matter: docs/findings.md, T4.)"
        ),
        _NEW,
        (
            "mm/memory.c: copy_page_range, unmap_single_vma, handle_mm_fault",
            "mm/mprotect.c: change_protection",
            "mm/mremap.c: move_page_tables",
            "mm/pagewalk.c: __walk_page_range",
            "mm/page_vma_mapped.c: page_vma_mapped_walk",
            "mm/gup.c: follow_pmd_mask, gup_fast_pmd_range",
        ),
    ),
    _known("MIG502", _MIGRATION, "pte", "latent", _FRAMES.format(25), _OLD),
    _known("LEAF603", ("swapin-error",), "pte", "latent", _FRAMES.format(25), _OLD),
    _known("MIG502", _MIGRATION, "pte", "latent", _FRAMES.format(24), _NEW),
)
