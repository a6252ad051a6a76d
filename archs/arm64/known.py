"""Known refutations of arm64's layouts, reviewed against the callers in the same release."""

from __future__ import annotations

from typing import Final

from proofs.known import Known

_MIGRATION: Final = ("migration-read", "migration-read-exclusive", "migration-write")
_REVIVES: Final = (
    "pmd_mkinvalid() sets the mark of a present entry that is not valid on whatever it is given, so that a migration entry would become a "
    "leaf whose frame is part of its offset. Every caller of pmdp_invalidate() holds the PMD lock and has seen under it that the entry is "
    "present; pmdp_invalidate() itself warns about one that is not (CONFIG_DEBUG_VM)"
)
_GUARDS: Final = (
    "mm/huge_memory.c: __split_huge_pmd_locked",
    "mm/huge_memory.c: change_huge_pmd",
    "mm/huge_memory.c: madvise_free_huge_pmd",
    "mm/page_vma_mapped.c: page_vma_mapped_walk",
    "mm/pgtable-generic.c: pmdp_invalidate",
)
_DEVMAP: Final = (
    "pmd_trans_huge() asks only whether the entry is present and no table, and does not look at PTE_DEVMAP as x86 and powerpc do. Most "
    "callers ask for either kind, or have put devmap or the whole DAX mapping aside before"
)
_DEVMAP_GUARDS: Final = ("mm/gup.c: follow_pmd_mask", "mm/migrate_device.c: migrate_vma_setup", "mm/vmscan.c: should_skip_vma")
_RES0: Final = (
    "Since v6.9 PTE_ADDR_LOW reaches up to bit 49 for every page size, which is the address field of LPA2 only. With 64K pages a frame at "
    "or above 2^48 puts bits 49:48 of the address into the descriptor twice: at 13:12, where FEAT_LPA has them, and at 49:48, which are "
    "RES0. The hardware does not look there, and the kernel reads the same address from either place."
)
_LEAVES: Final = ("leaf", "leaf-old", "leaf-devmap")

KNOWN: Final[tuple[Known, ...]] = (
    Known(
        code="SWP419",
        subjects=("swp_entry",),
        layouts=("linux-6.1", "linux-6.12"),
        levels=("pte", "pmd"),
        kind="latent",
        reason=(
            "__swp_entry() shifts the offset into place and masks nothing; in linux-6.1 the first bit beyond the field is PTE_PROT_NONE. No such offset "
            "exists: swap areas end at swapfile_maximum_size, which is probed as decode(encode(0, ~0)) and so is what the field holds (mm/swapfile.c: "
            "generic_max_swapfile_size, read_swap_header), and page frame numbers have PFN_BITS. The probe's own entry is only decoded."
        ),
    ),
    Known(
        code="SWP414",
        subjects=_MIGRATION,
        layouts=("linux-6.12",),
        levels=("pmd",),
        kind="guarded",
        reason=_REVIVES + ".",
        guards=(*_GUARDS, "fs/proc/task_mmu.c: make_uffd_wp_pmd"),
    ),
    Known(
        code="SWP414",
        subjects=_MIGRATION,
        layouts=("linux-6.1",),
        levels=("pmd",),
        kind="guarded",
        reason=_REVIVES + ".",
        guards=(*_GUARDS, "mm/madvise.c: madvise_cold_or_pageout_pte_range"),
    ),
    Known(
        code="SWP414",
        subjects=("swap",),
        layouts=("linux-6.1", "linux-6.12"),
        levels=("pmd",),
        kind="latent",
        reason=(
            "As for migration entries; but no PMD holds a swap entry: a huge page is swapped out whole only after its mapping was split "
            "into PTEs (mm/vmscan.c: shrink_folio_list unmaps with TTU_SPLIT_HUGE_PMD)."
        ),
    ),
    Known(
        code="SWP414",
        subjects=("marker",),
        layouts=("linux-6.12",),
        levels=("pmd",),
        kind="latent",
        reason=(
            "As for migration entries; but only hugetlb puts markers into PMDs, and nothing invalidates a hugetlb entry as a PMD: every caller of "
            "pmdp_invalidate() works on transparent huge pages (mm/huge_memory.c, fs/proc/task_mmu.c), and page_vma_mapped_walk() hands "
            "hugetlb entries to mm/rmap.c as PTEs."
        ),
    ),
    Known(
        code="PMD244",
        subjects=("leaf-devmap", "leaf-devmap-protnone", "leaf-devmap-invalidated"),
        layouts=("linux-6.12",),
        levels=("pmd",),
        kind="reachable",
        reason=_DEVMAP
        + (
            ". madvise_cold_or_pageout_pte_range() does not: MADV_COLD or MADV_PAGEOUT on a DAX file mapped huge takes the device page "
            "for a transparent huge page. It ages the entry and finds the page on no LRU list, which does no harm; for a part of the huge "
            "page it calls split_folio(), which refuses a single page, and stops at a VM_BUG_ON_FOLIO() under CONFIG_DEBUG_VM."
        ),
        guards=(*_DEVMAP_GUARDS, "mm/damon/ops-common.c: damon_get_folio"),
    ),
    Known(
        code="PMD244",
        subjects=("leaf-devmap", "leaf-devmap-protnone", "leaf-devmap-invalidated"),
        layouts=("linux-6.1",),
        levels=("pmd",),
        kind="guarded",
        reason=_DEVMAP
        + (". madvise_cold_or_pageout_pte_range() goes into the branch for huge pages and leaves it at once: the map count of a DAX page is 0, not 1."),
        guards=(*_DEVMAP_GUARDS, "mm/damon/ops-common.c: damon_get_page", "mm/madvise.c: madvise_cold_or_pageout_pte_range"),
    ),
    *(
        Known(
            code="HW903",
            subjects=subjects,
            layouts=("linux-6.12",),
            levels=(level,),
            kind="cosmetic",
            reason=_RES0,
            variants=("64k-52",),
        )
        for level, subjects in (("pte", _LEAVES), ("pmd", ("table", *_LEAVES)), ("pud", ("table",)))
    ),
)
