"""Known refutations of loongarch64's layouts, reviewed against the callers in the same release.

The call chains were read; none of them was executed.
"""

from __future__ import annotations

from typing import Final

from proofs.known import Known

_BOTH: Final = ("linux-6.1", "linux-6.12")
_OLD: Final = ("linux-6.1",)
_NEW: Final = ("linux-6.12",)
_THREE_LEVELS: Final = ("16k", "4k")
"""Where the pmd is not folded."""
_MIGRATION: Final = ("migration-read", "migration-read-exclusive", "migration-write")

_NO_SWAP_PMD: Final = (
    "no PMD holds a swap entry: a huge page is swapped out whole only after its mapping was split into PTEs (mm/vmscan.c: shrink_folio_list "
    "unmaps with TTU_SPLIT_HUGE_PMD)."
)
_WIDE_OFFSET: Final = f"Bit 36 of an offset is bit 60 of the PMD, _PAGE_PRESENT_INVALID; but {_NO_SWAP_PMD}"
_YOUNG_ENTRY: Final = (
    "With 4K pages and SPARSEMEM a page frame number has 36 bits, so that the young bit of a migration entry, next above it, is bit 60 of the PMD: "
    "_PAGE_PRESENT_INVALID, by which pmd_present() and pmd_trans_huge() take an entry with _PAGE_HUGE for a huge page being split. "
    "set_pmd_migration_entry() sets it for every young huge page it moves (swapfile_init() finds the offset wide enough). remove_migration_ptes() then "
    "does not find the entry again, since page_vma_mapped_walk() takes it for a mapping; a fault goes on to huge_pmd_set_accessed() or wp_huge_pmd(), and "
    "zap_huge_pmd() takes the page off a page that is not the one. With 16K pages young and dirty are bits 58 and 59; without SPARSEMEM there are none."
)
_REVIVES: Final = (
    "pmd_mkinvalid() sets _PAGE_PRESENT_INVALID in whatever it is given, so that a migration entry would become a leaf whose frame is part of its "
    "offset. Every caller of pmdp_invalidate() holds the PMD lock and has told migration entries apart under it; pmdp_invalidate() itself warns about an "
    "entry that is not present (CONFIG_DEBUG_VM)"
)
_INVALIDATE: Final = (
    "mm/huge_memory.c: __split_huge_pmd_locked",
    "mm/huge_memory.c: change_huge_pmd",
    "mm/huge_memory.c: madvise_free_huge_pmd",
    "mm/page_vma_mapped.c: page_vma_mapped_walk, for set_pmd_migration_entry and page_vma_mkclean_one",
)
_COLD: Final = "mm/madvise.c: madvise_cold_or_pageout_pte_range"
_MARKER: Final = (
    "A marker of hugetlb's has the PTE's form, without _PAGE_HUGE, in the slot of a PMD; without that bit a directory entry is the address of a table. "
    "UFFDIO_POISON of a hugetlb page stores such a marker (hugetlb_mfill_atomic_pte), and nothing on the way sets the bit"
)
_MARKER_WALKED: Final = (
    f"{_MARKER}. lddir and ldpte go on to read memory at the marker's value for page table entries, and handle_tlb_load and handle_tlb_store at the same "
    "value as a virtual address; what they find there decides what is mapped. linux-6.1 has no markers here, and neither release has hugetlb's "
    "migration or hwpoison entries (no ARCH_ENABLE_HUGEPAGE_MIGRATION, no ARCH_SUPPORTS_MEMORY_FAILURE)."
)
_MARKER_PRESENT: Final = (
    f"{_MARKER}. pmd_present() says that it is one. hugetlb asks pte_present() and is_pte_marker(), but get_user_pages() goes through the generic walk: "
    "follow_pmd_mask() and gup_fast_pmd_range() find the PMD present, no leaf and not bad, and read page table entries where the marker points."
)
_LEAF: Final = (
    "pmd_leaf() tests _PAGE_HUGE alone, and every swap PMD has that bit, which keeps lddir from following it. Callers ask pmd_present() first, or look at the "
    "kernel's own tables."
)
_EMPTY_TABLE: Final = (
    "An empty PMD is the address of invalid_pte_table: lddir and the handlers walk on to that table, and fault there, as all its entries are 0. Nothing "
    "writes to it."
)
_FORGETS: Final = (
    "pmd_mkinvalid() clears V, which is the young bit as well. Who invalidates a PMD goes by what pmdp_invalidate() returns, the entry as it was before, or "
    "by what was read under the PMD lock"
)
_INVALIDATED: Final = (
    "pmd_mkinvalid() sets _PAGE_PRESENT_INVALID, which keeps the entry present and a leaf; pmd_access_permitted() is the generic one and asks for neither "
    "V nor P. So an invalidated PMD passes every test of the lockless walk"
)
_PINNED: Final = (
    f"{_INVALIDATED}, and what it reads again after taking the reference is still the same. A pin taken there is of a page whose PageAnonExclusive is "
    "being cleared, as the comment of folio_try_share_anon_rmap_pmd() (linux-6.1: page_try_share_anon_rmap()) rests on the opposite. What follows notices the "
    "reference, and turns the entries back into exclusive pages; so it takes a fork() in the window as well to lose what a device writes. Of a "
    "PROT_NONE mapping that is split or changed, the pages are taken in spite of it, as pmd_protnone() is false meanwhile."
)
_DEVMAP: Final = (
    "pmd_trans_huge() does not look at _PAGE_DEVMAP as x86 and powerpc do. Most callers ask for either kind, or have put devmap or the whole DAX mapping "
    "aside before. madvise_cold_or_pageout_pte_range() does not: MADV_COLD or MADV_PAGEOUT on a DAX file mapped huge takes the device page for a "
    "transparent huge page. It ages the entry and finds the page on no LRU list, which does no harm; for a part of the huge page it calls split_folio(), which "
    "refuses a single page, and stops at a VM_BUG_ON_FOLIO() under CONFIG_DEBUG_VM."
)
_YOUNG: Final = (
    "V is the young bit, and both keep none of it: it is that of the new protection, which is set where anything is permitted. A change of protection makes "
    "an old entry young, and a prot-none one cannot be young. It happens in every mprotect() of an old page, and when a NUMA hint is taken back, "
    "and costs reclaim an estimate; no page is lost."
)
_KINDS: Final = {_BOTH: ("", "(leaf-protnone)"), _NEW: ("(leaf-devmap)", "(leaf-devmap-protnone)")}


def _pmd(code: str, subjects: tuple[str, ...], layouts: tuple[str, ...], kind: str, reason: str, guards: tuple[str, ...] = ()) -> Known:
    return Known(code=code, subjects=subjects, layouts=layouts, levels=("pmd",), kind=kind, reason=reason, guards=guards, variants=_THREE_LEVELS)


KNOWN: Final[tuple[Known, ...]] = (
    *(
        Known(code=code, subjects=_MIGRATION, layouts=_BOTH, levels=("pmd",), kind="reachable", reason=_YOUNG_ENTRY, variants=("4k",))
        for code in ("SWP405", "SWP412")
    ),
    _pmd("SWP405", ("swap",), _BOTH, "latent", _WIDE_OFFSET),
    _pmd("SWP412", ("swap",), _BOTH, "latent", _WIDE_OFFSET),
    _pmd("SWP409", ("marker",), _NEW, "reachable", _MARKER_WALKED),
    _pmd("SWP405", ("marker",), _NEW, "reachable", _MARKER_PRESENT),
    _pmd(
        "SWP411",
        ("swap", *_MIGRATION),
        _NEW,
        "guarded",
        _LEAF,
        (
            "mm/gup.c: follow_pmd_mask",
            "mm/gup.c: gup_fast_pmd_range",
            "mm/memory.c: follow_pfnmap_start",
            "mm/ksm.c: ksm_next_page_pmd_entry",
            "mm/mremap.c: move_normal_pmd",
            "mm/pagewalk.c: walk_pmd_range",
            "mm/pagewalk.c: folio_walk_start",
            "arch/loongarch/mm/fault.c: spurious_fault",
        ),
    ),
    _pmd(
        "SWP411",
        ("swap", *_MIGRATION),
        _OLD,
        "guarded",
        _LEAF,
        ("mm/gup.c: gup_pmd_range", "mm/ksm.c: ksm_next_page_pmd_entry", "mm/pagewalk.c: walk_pmd_range", "mm/vmscan.c: walk_pmd_range"),
    ),
    _pmd("SWP414", _MIGRATION, _NEW, "guarded", f"{_REVIVES}.", (*_INVALIDATE, "mm/pgtable-generic.c: pmdp_invalidate")),
    _pmd("SWP414", _MIGRATION, _OLD, "guarded", f"{_REVIVES}.", (*_INVALIDATE, _COLD, "mm/pgtable-generic.c: pmdp_invalidate")),
    _pmd("SWP414", ("swap",), _BOTH, "latent", f"As for migration entries; but {_NO_SWAP_PMD}"),
    _pmd(
        "SWP414",
        ("marker",),
        _NEW,
        "latent",
        (
            "As for migration entries; but only hugetlb puts markers into PMDs, and nothing invalidates a hugetlb entry as a PMD: every caller of "
            "pmdp_invalidate() works on transparent huge pages (mm/huge_memory.c), and page_vma_mapped_walk() hands hugetlb entries to mm/rmap.c as PTEs."
        ),
    ),
    _pmd("HW901", ("none",), _BOTH, "cosmetic", _EMPTY_TABLE),
    _pmd("PMD252", ("leaf-invalidated",), _BOTH, "reachable", _PINNED),
    _pmd(
        "PMD252",
        ("leaf-devmap-invalidated",),
        _NEW,
        "reachable",
        (
            f"{_INVALIDATED}. Of device memory only change_huge_pmd() and page_vma_mkclean_one() leave such an entry, for a moment; a "
            "reference taken in between could as well have been taken before. Of a PROT_NONE mapping it is taken in spite of it."
        ),
    ),
    _pmd("PMD254", ("pmd_mkinvalid/young", "pmd_mkinvalid/young(leaf-protnone)"), _OLD, "guarded", f"{_FORGETS}.", (*_INVALIDATE, _COLD)),
    _pmd(
        "PMD254",
        tuple(f"pmd_mkinvalid/young{kind}" for kinds in _KINDS.values() for kind in kinds),
        _NEW,
        "guarded",
        f"{_FORGETS}.",
        _INVALIDATE,
    ),
    _pmd(
        "PMD244",
        ("leaf-devmap", "leaf-devmap-protnone", "leaf-devmap-invalidated"),
        _NEW,
        "reachable",
        _DEVMAP,
        ("mm/gup.c: follow_pmd_mask", "mm/migrate_device.c: migrate_vma_setup", "mm/vmscan.c: should_skip_vma", "mm/damon/ops-common.c: damon_get_folio"),
    ),
    *(
        Known(
            code=code,
            subjects=tuple(f"{level}_modify/young{kind}" for kind in kinds),
            layouts=layouts,
            levels=(level,),
            kind="reachable",
            reason=_YOUNG,
            variants=() if level == "pte" else _THREE_LEVELS,
        )
        for code, level in (("PTE123", "pte"), ("PMD223", "pmd"))
        for layouts, kinds in _KINDS.items()
    ),
)
