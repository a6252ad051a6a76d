"""Known refutations of powerpc's layouts, reviewed against the callers in the same release."""

from __future__ import annotations

from typing import Final

from proofs.known import Known

_RADIX: Final = ("radix-64k", "radix-4k")
_PMD_SWAP: Final = ("swap", "migration-read", "migration-read-exclusive", "migration-write")
_INVALID_PUD: Final = (
    "pudp_invalidate() takes the valid bit from a PUD and leaves _PAGE_INVALID, which pmd_present() looks for and pud_present() does not. "
    "Its only caller is change_huge_pud(), under the PUD lock; DAX is the only user of huge PUDs, and those walkers that see the entry in "
    "between "
)

_YOUNG: Final = (
    "The protection is added unmasked, and every protection of the table has _PAGE_ACCESSED: a change of protection makes an old entry young. It happens in "
    "every mprotect() and NUMA hint of an old page, and costs reclaim an estimate; no page is lost, and young never becomes old."
)
_YOUNGER: Final = {
    "pte": ("", "(leaf-devmap)", "(leaf-protnone)", "(leaf-devmap-protnone)"),
    "pmd": ("", "(leaf-devmap)", "(leaf-protnone)", "(leaf-devmap-protnone)"),
    "pud": ("(leaf-devmap)", "(leaf-devmap-protnone)"),
}
_CODES_INVALIDATED: Final = {
    "PUD341": ("leaf-invalidated",),
    "PUD343": ("leaf-invalidated",),
    "PUD355": ("leaf-invalidated", "leaf-devmap-invalidated"),
}

KNOWN: Final[tuple[Known, ...]] = (
    Known(
        code="SWP411",
        subjects=(*_PMD_SWAP, "marker"),
        layouts=("linux-6.12",),
        levels=("pmd",),
        kind="guarded",
        reason=(
            "pmd_leaf() tests _PAGE_PTE alone, and every swap PMD has that bit. Callers ask pmd_present() first, or is_swap_pmd(). A test "
            "for present inside pmd_leaf() would be wrong here: __find_linux_pte() finds hugetlb's migration and hwpoison entries only "
            "because they look like leaves, and would otherwise follow them as tables; set_pmd_at() warns under DEBUG_VM about a migration "
            "PMD that is no leaf. What __find_linux_pte() returns is tested for present by whoever uses it."
        ),
        guards=(
            "mm/gup.c: follow_pmd_mask",
            "mm/gup.c: gup_fast_pmd_range",
            "mm/memory.c: follow_pfnmap_start",
            "mm/ksm.c: ksm_next_page_pmd_entry",
            "mm/mremap.c: move_normal_pmd",
            "mm/pagewalk.c: walk_pmd_range",
            "mm/pagewalk.c: folio_walk_start",
            "arch/powerpc/mm/book3s64/hash_utils.c: hash_page_mm",
            "arch/powerpc/kernel/mce_power.c: addr_to_pfn",
            "arch/powerpc/kvm/book3s_64_mmu_hv.c: kvmppc_book3s_hv_page_fault",
            "arch/powerpc/kvm/book3s_64_mmu_radix.c: kvmppc_book3s_instantiate_page",
        ),
    ),
    Known(
        code="SWP414",
        subjects=_PMD_SWAP,
        layouts=("linux-6.12",),
        levels=("pmd",),
        kind="guarded",
        reason=(
            "pmdp_invalidate() sets _PAGE_INVALID in whatever it finds, which pmd_present() takes for present and, under radix, "
            "pmd_trans_huge() for a huge page. It warns about an entry that is not present, and every caller has told migration entries "
            "apart before, under the PMD lock."
        ),
        guards=(
            "mm/huge_memory.c: madvise_free_huge_pmd",
            "mm/huge_memory.c: change_huge_pmd",
            "mm/huge_memory.c: __split_huge_pmd_locked",
            "mm/page_vma_mapped.c: page_vma_mapped_walk, for set_pmd_migration_entry and page_vma_mkclean_one",
            "fs/proc/task_mmu.c: clear_soft_dirty_pmd",
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
        code="PUD341",
        subjects=("leaf-devmap-invalidated",),
        layouts=("linux-6.12",),
        levels=("pud",),
        kind="reachable",
        reason=(
            _INVALID_PUD + "take it for absent. One of them takes no lock: mm/memory-failure.c: dev_pagemap_mapping_shift would, for just that time, miss the "
            "mapping of a broken page."
        ),
        variants=_RADIX,
    ),
    Known(
        code="PUD323",
        subjects=("pud_modify/young", "pud_modify/young(leaf-protnone)"),
        layouts=("linux-6.12",),
        levels=("pud",),
        kind="latent",
        reason=_YOUNG + " Only change_huge_pud() changes the protection of a PUD, and only device memory is mapped by one.",
        variants=_RADIX,
    ),
    *(
        Known(
            code=code,
            subjects=tuple(f"{level}_modify/young{kind}" for kind in _YOUNGER[level]),
            layouts=("linux-6.12",),
            levels=(level,),
            kind="reachable",
            reason=_YOUNG,
            variants=variants,
        )
        for code, level, variants in (("PTE123", "pte", ()), ("PMD223", "pmd", (*_RADIX, "hash-64k")), ("PUD323", "pud", _RADIX))
    ),
    Known(
        code="HW902",
        subjects=("leaf",),
        layouts=("linux-6.12",),
        levels=("pte",),
        kind="reachable",
        reason=(
            "The MMU refuses every fetch from non-idempotent memory, and a leaf of PROT_EXEC alone permits nothing else. Such a mapping of "
            "device registers can be made (phys_mem_access_prot() and PCI mappings use pgprot_noncached()); DSISR_NOEXEC_OR_G is not among "
            "DSISR_BAD_FAULT_64S, access_error() sees VM_EXEC, and the fault is taken again for ever. The process that asked for it spins, "
            "and can be killed; nobody else is touched."
        ),
        variants=_RADIX,
    ),
    Known(
        code="PMD221",
        subjects=tuple(f"pmd_{stem}(leaf-protnone)" for stem in ("mkyoung", "mkold", "mkdirty", "mkclean", "mksoft_dirty", "clear_soft_dirty")),
        parts=("bad",),
        layouts=("linux-6.12",),
        levels=("pmd",),
        kind="guarded",
        reason=(
            "hash__pmd_bad() is true of a PROT_NONE huge page as long as one of young, dirty and soft-dirty is set, and false of one without (see PMD247); "
            "so every setter of these can change it. Callers ask pmd_trans_huge() first."
        ),
        guards=("mm/memory.c: copy_pmd_range", "mm/memory.c: zap_pmd_range", "mm/pgtable-generic.c: __pte_offset_map"),
        variants=("hash-64k",),
    ),
    Known(
        code="PMD247",
        subjects=("leaf-protnone",),
        layouts=("linux-6.12",),
        levels=("pmd",),
        kind="guarded",
        reason=(
            "hash__pmd_bad() asks whether one of the bits below a table's alignment is set. A PROT_NONE huge page that is old and clean "
            "has none: it keeps only _PAGE_PRESENT, _PAGE_PTE and H_PAGE_THP_HUGE, which lie above. Callers ask pmd_trans_huge() first."
        ),
        guards=(
            "mm/memory.c: copy_pmd_range",
            "mm/memory.c: zap_pmd_range",
            "mm/pgtable-generic.c: __pte_offset_map",
            "mm/khugepaged.c: find_pmd_or_thp_or_none",
            "mm/hmm.c: hmm_vma_walk_pmd",
            "mm/userfaultfd.c: mfill_atomic",
        ),
        variants=("hash-64k",),
    ),
    *(
        Known(
            code=code,
            subjects=_CODES_INVALIDATED[code],
            layouts=("linux-6.12",),
            levels=("pud",),
            kind="guarded",
            reason=_INVALID_PUD + what,
            guards=guards,
            variants=_RADIX,
        )
        for code, what, guards in (
            ("PUD341", "try again, or skip it.", ("mm/pagewalk.c: walk_pmd_range", "mm/gup.c: gup_fast_pud_range")),
            (
                "PUD343",
                "go by pud_devmap(), which stays. A huge PUD that is not devmap would be taken for a bad table and cleared.",
                ("mm/memory.c: zap_pud_range", "mm/memory.c: copy_pud_range", "mm/huge_memory.c: __pud_trans_huge_lock"),
            ),
            (
                "PUD355",
                "ask pud_present() before pud_leaf(), or treat both alike.",
                ("mm/gup.c: gup_fast_pud_range", "mm/memory.c: follow_pfnmap_start", "mm/pagewalk.c: walk_pmd_range"),
            ),
        )
    ),
)
