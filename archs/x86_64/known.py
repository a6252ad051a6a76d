"""Claims that the shipped x86-64 layouts violate, reviewed against the callers in the same release.

The call chains were read; none of them was executed.
"""

from __future__ import annotations

from typing import Final

from proofs.known import Known

_RELEASE: Final = ("linux-6.12",)
_CET: Final = ("4-level", "5-level")

_SHADOW_STACK: Final = (
    "A leaf of a shadow stack is what has D set and R/W clear; pte_write() and pmd_write() count it as writable. Without D it is a "
    "read-only leaf like any other, and the next shadow-stack access faults: access_error() (arch/x86/mm/fault.c) lets it pass as a "
    "write, do_wp_page() or do_huge_pmd_wp_page() find the page exclusive and end in maybe_mkwrite(mkdirty()), which makes it a shadow "
    "stack again. It costs that one fault, and loses neither data nor dirty"
)
_ORDER: Final = "mkdirty moves D to SAVED_DIRTY where R/W is clear, and so must come before mkwrite, as in maybe_mkwrite(pte_mkdirty())"

KNOWN: Final[tuple[Known, ...]] = (
    Known(
        code="PTE121",
        subjects=("pte_mkdirty",),
        parts=("write",),
        layouts=_RELEASE,
        levels=("pte",),
        kind="reachable",
        reason=(
            f"{_SHADOW_STACK}. {_ORDER}. "
            "The other way round have it mm/memory.c: do_swap_page (a shadow-stack access that swaps the page in), mm/huge_memory.c: "
            "__split_huge_pmd_locked (one fault for each of the 512 pages that is used again) and mm/memory.c: handle_pte_fault (a fault "
            "on an entry that has become a shadow stack's meanwhile)."
        ),
        variants=_CET,
    ),
    Known(
        code="PTE121",
        subjects=("pte_mkclean",),
        parts=("write",),
        layouts=_RELEASE,
        levels=("pte",),
        kind="reachable",
        reason=(
            f"{_SHADOW_STACK}. "
            "A clean leaf cannot be a shadow stack at all. madvise(MADV_FREE) on one makes it clean (mm/madvise.c: "
            "madvise_free_pte_range, by clear_young_dirty_ptes). The other callers write-protect as well (mm/ksm.c: write_protect_page), "
            "only compare (mm/internal.h: folio_pte_batch), or work on shared mappings, which a shadow stack never is."
        ),
        variants=_CET,
    ),
    Known(
        code="PMD221",
        subjects=("pmd_mkdirty",),
        parts=("write",),
        layouts=_RELEASE,
        levels=("pmd",),
        kind="reachable",
        reason=(
            f"{_SHADOW_STACK}. {_ORDER}. "
            "The other way round have it mm/huge_memory.c: remove_migration_pmd (a huge page of a shadow stack was migrated) and "
            "touch_pmd (a debugger writes to one by FOLL_FORCE)."
        ),
        variants=_CET,
    ),
    Known(
        code="PMD221",
        subjects=("pmd_mkclean",),
        parts=("write",),
        layouts=_RELEASE,
        levels=("pmd",),
        kind="reachable",
        reason=(
            f"{_SHADOW_STACK}. "
            "A clean leaf cannot be a shadow stack at all. madvise(MADV_FREE) on one makes it clean (mm/huge_memory.c: "
            "madvise_free_huge_pmd). The other caller, mm/rmap.c: page_vma_mkclean_one, works on shared mappings."
        ),
        variants=_CET,
    ),
    *(
        Known(
            code=code,
            subjects=(f"{level}_mkdirty(leaf-protnone)", f"{level}_mkclean(leaf-protnone)"),
            parts=("write",),
            layouts=_RELEASE,
            levels=(level,),
            kind="latent",
            reason=(
                f"{_SHADOW_STACK}. "
                "A prot-none leaf must first become accessible before it matters: do_numa_page() and mprotect() give it a new protection by modify, and go "
                "through maybe_mkwrite() after that."
            ),
            variants=_CET,
        )
        for code, level in (("PTE121", "pte"), ("PMD221", "pmd"))
    ),
    *(
        Known(
            code=code,
            subjects=tuple(f"{level}_{stem}({kind})" for stem in ("mkdirty", "mkclean") for kind in ("leaf-devmap", "leaf-devmap-protnone")),
            parts=("write",),
            layouts=_RELEASE,
            levels=(level,),
            kind="latent",
            reason=(
                "As for other leaves; but a shadow stack is private anonymous memory (arch/x86/kernel/shstk.c: alloc_shstk), and device memory is never that."
            ),
            variants=_CET,
        )
        for code, level in (("PTE121", "pte"), ("PMD221", "pmd"))
    ),
    *(
        Known(
            code=code,
            subjects=(f"{level}_mkwrite_shstk", f"{level}_mkwrite_shstk(leaf-devmap)"),
            layouts=_RELEASE,
            levels=(level,),
            kind="latent",
            reason=(
                "Without X86_FEATURE_SHSTK a leaf with D set and R/W clear is not writable. pte_mkwrite() and pmd_mkwrite() make one for "
                "VM_SHADOW_STACK only, and no mapping has that on such a CPU: alloc_shstk() is the one place that sets it, and "
                "shstk_setup() and map_shadow_stack() ask X86_FEATURE_USER_SHSTK first (shstk_alloc_thread_stack() whether shstk_setup() "
                "has been there; all in arch/x86/kernel/shstk.c)."
            ),
            variants=("4-level-knl",),
        )
        for code, level in (("PTE105", "pte"), ("PMD205", "pmd"))
    ),
    Known(
        code="PUD341",
        subjects=("leaf-protnone", "leaf-devmap-protnone"),
        layouts=_RELEASE,
        levels=("pud",),
        kind="reachable",
        reason=(
            "pud_present() tests P alone, where pte_present() and pmd_present() also count PROTNONE, and pmd_present() PSE; pud_leaf() "
            "tests PSE alone (with P, too, in linux-6.1). A 1 GB leaf under PROT_NONE is thus neither none nor present. "
            "mprotect(PROT_NONE) builds such leaves: of hugetlbfs by pte_modify() (mm/hugetlb.c: hugetlb_change_protection), of "
            "device-dax and device mappings by pud_modify() (mm/huge_memory.c: change_huge_pud). mm/mprotect.c: change_pud_range, "
            "mm/memory.c: copy_pud_range, zap_pud_range and __handle_mm_fault go by pud_leaf(), pud_trans_huge() or pud_devmap(), and "
            "are right. Those that go by pud_present() take the page for absent: (1) mm/gup.c: follow_pud_mask finds no page for a read "
            "with FOLL_FORCE (PTRACE_PEEKDATA, /proc/PID/mem), mm/hugetlb.c: hugetlb_fault finds one that wants nothing done (for "
            "device-dax mm/huge_memory.c: huge_pud_set_accessed), and __get_user_pages() tries again until the reader is killed, holding "
            "the mmap_lock of the process it reads; linux-6.1 went by pte_present() (mm/hugetlb.c: follow_hugetlb_page). With FOLL_DUMP "
            "a private hugetlbfs page is left out of the core dump. (2) mprotect() back from PROT_NONE trips VM_WARN_ON_ONCE() in "
            "arch/x86/mm/pgtable.c: pudp_invalidate (CONFIG_DEBUG_VM; not hugetlbfs). (3) mm/memory-failure.c: dev_pagemap_mapping_shift "
            "reports no mapping, so that broken device-dax memory stays mapped, and the process is not told. (4) move_pages() says "
            "ENOENT of a hugetlbfs page that is there (mm/pagewalk.c: folio_walk_start). 4 KB and 2 MB leaves do none of this."
        ),
    ),
    Known(
        code="PUD341",
        subjects=("leaf-invalidated",),
        layouts=_RELEASE,
        levels=("pud",),
        kind="guarded",
        reason=(
            "As for device memory below; but of the walkers that may meet the entry without a lock only those that treat it as absent, and try again or do "
            "with less, can meet one that is not device memory."
        ),
        guards=("mm/gup.c: gup_fast_pud_range", "arch/x86/kvm/mmu/mmu.c: host_pfn_mapping_level"),
    ),
    Known(
        code="PUD341",
        subjects=("leaf-devmap-invalidated",),
        layouts=_RELEASE,
        levels=("pud",),
        kind="reachable",
        reason=(
            "mm/huge_memory.c: change_huge_pud is the only caller of pudp_invalidate(), and stores the new entry right after it, under "
            "the lock of the PUD and with mmap_lock held for writing. Of the walkers that take neither, mm/gup.c: gup_fast_pud_range and "
            "arch/x86/kvm/mmu/mmu.c: host_pfn_mapping_level take what is not present for absent, and try again or do with less; "
            "mm/memory-failure.c: dev_pagemap_mapping_shift would, for just that time, miss the mapping of a broken page. "
            "mm/debug_vm_pgtable.c: pud_thp_tests has its tests of pud_mkinvalid() commented out until there is a modified "
            "pud_present()."
        ),
    ),
    Known(
        code="PUD355",
        subjects=("leaf-protnone", "leaf-devmap-protnone"),
        layouts=_RELEASE,
        levels=("pud",),
        kind="reachable",
        reason=(
            "The same leaves as of PUD341: a prot-none PUD looks like a leaf and not present. What comes of it is told there: the walkers that go by "
            "pud_leaf() and those that go by pud_present() disagree about one entry."
        ),
    ),
    Known(
        code="PUD355",
        subjects=("leaf-invalidated", "leaf-devmap-invalidated"),
        layouts=_RELEASE,
        levels=("pud",),
        kind="guarded",
        reason=(
            "An invalidated PUD looks like a leaf, not present. No walker concludes the one from the other: those that may meet it ask "
            "pud_present() first, or treat both alike; mm/mprotect.c: change_pud_range, which asks pud_leaf() first, is kept out by "
            "mmap_lock."
        ),
        guards=(
            "mm/gup.c: follow_pud_mask",
            "mm/gup.c: gup_fast_pud_range",
            "mm/pagewalk.c: walk_pmd_range",
            "mm/pagewalk.c: walk_pud_range",
            "mm/pagewalk.c: folio_walk_start",
            "mm/memory.c: follow_pfnmap_start",
            "mm/hmm.c: hmm_vma_walk_pud",
            "mm/vmscan.c: walk_pud_range",
            "arch/x86/kvm/mmu/mmu.c: host_pfn_mapping_level",
        ),
    ),
)
