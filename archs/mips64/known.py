"""Known refutations of mips64's layouts, reviewed against the callers in the same release.

The call chains were read; none of them was executed.
"""

from __future__ import annotations

from typing import Final

from proofs.known import Known

_BOTH: Final = ("linux-6.1", "linux-6.12")
_OLD: Final = ("linux-6.1",)
_NEW: Final = ("linux-6.12",)
_THREE_LEVELS: Final = ("4k", "16k")
"""Where the pmd is not folded."""

_MARKER: Final = (
    "A marker of hugetlb's has the PTE's form, without _PAGE_HUGE, in the slot of a PMD; without that bit a directory entry is the virtual address of a "
    "table. UFFDIO_POISON of a hugetlb page stores such a marker (hugetlb_mfill_atomic_pte), and nothing on the way sets the bit"
)
_MARKER_WALKED: Final = (
    f"{_MARKER}. The handlers load page table entries from that address, which is a user's, and write back to it (arch/mips/mm/tlbex.c: "
    "build_r4000_tlbchange_handler_head); what they find there decides what is mapped. So does __update_tlb(), which hugetlb_mfill_atomic_pte() calls itself. "
    "linux-6.1 has no markers here, and neither release has hugetlb's migration or hwpoison entries (no ARCH_ENABLE_HUGEPAGE_MIGRATION, no "
    "ARCH_SUPPORTS_MEMORY_FAILURE)."
)
_MARKER_PRESENT: Final = (
    f"{_MARKER}. pmd_present() says that it is one. hugetlb asks pte_present() and is_pte_marker(), but get_user_pages() goes through the generic walk: "
    "follow_pmd_mask() and gup_fast_pmd_range() find the PMD present, no leaf and not bad, and read page table entries where the marker points."
)
_MARKER_INVALIDATED: Final = (
    "The marker is present as it is. Only hugetlb puts markers into PMDs, and nothing invalidates a hugetlb entry as a PMD: every caller of "
    "pmdp_invalidate() works on transparent huge pages (mm/huge_memory.c), and page_vma_mapped_walk() hands hugetlb entries to mm/rmap.c as PTEs."
)
_EMPTY_TABLE: Final = (
    "An empty PMD is the address of invalid_pte_table: the handlers walk on to that table, and give up there, as all its entries are 0. Nothing writes to it."
)
_WRITE_ONLY: Final = (
    "VM_WRITE without VM_READ has _PAGE_NO_READ, which is RI and lets no load through, and no _PAGE_WRITE where the mapping is private; nothing else is refuted"
)
_GIVES_RIGHT: Final = f"{_WRITE_ONLY}. A store ends in do_page_fault(), which finds VM_WRITE and makes the page writable; a load gets SIGSEGV, as it should."
_SEGV: Final = (
    f"{_WRITE_ONLY}. pXd_access_permitted() is the generic one and asks for a present entry. The fault does not come again: do_page_fault() finds no VM_READ, "
    "and the process gets SIGSEGV as it should."
)
_DISCLOSED: Final = (
    f"{_WRITE_ONLY}. pXd_access_permitted() is the generic one and asks for a present entry: get_user_pages_fast() takes the pages of a write-only mapping "
    "for reading, where check_vma_flags() of the slow path fails without VM_READ. Whether write() from such memory with O_DIRECT succeeds depends on which "
    "of the two finds the page. PROT_NONE pages are taken as well, as there is no pte_protnone() without NUMA balancing. What leaks is the process's own "
    "memory, to itself."
)
_INVALIDATED: Final = (
    "pmd_mkinvalid() clears _PAGE_PRESENT, which is what pmd_present() asks of a huge page, and leaves _PAGE_HUGE, so that pmd_leaf() and pmd_trans_huge() "
    "stay true. Such an entry exists under the PMD lock only"
)
_WAITS: Final = (
    f"{_INVALIDATED}. Who comes without the lock sees no page and falls back, or sees an entry that is neither none nor present and takes the lock; a fault "
    "returns and is tried again."
)
_ASSERTED: Final = (
    f"{_INVALIDATED}, but follow_pmd_mask() comes without it: an entry that is not present it takes for a migration entry, and stops at a VM_BUG_ON() where "
    "huge pages are not migrated, under CONFIG_DEBUG_VM. Without, it finds no page, and the fault that follows is tried again. linux-6.12 does not assert it."
)
_SHARED_GUARDS: Final = (
    "mm/memory.c: __handle_mm_fault",
    "mm/memory.c: copy_pmd_range",
    "mm/memory.c: zap_pmd_range",
    "mm/mprotect.c: change_pmd_range",
    "mm/mremap.c: move_page_tables",
    "mm/page_vma_mapped.c: page_vma_mapped_walk",
)
_NOT_BAD: Final = (
    "pmd_bad() is false of every huge page, and says so (arch/mips/include/asm/pgtable-64.h). All who ask it of a user's PMD have put huge pages aside before."
)
_SPECIAL: Final = (
    "_PAGE_CHG_MASK has no _PAGE_SPECIAL: mprotect() makes a special page, such as the zero page, an ordinary one. vm_normal_page() then gives out its struct "
    "page, which zap_pte_range() takes a map count and a reference from that nobody took. Fixed in v6.4, by its date (MIPS: Don't clear _PAGE_SPECIAL in "
    "_PAGE_CHG_MASK)."
)


def _pmd(code: str, subjects: tuple[str, ...], layouts: tuple[str, ...], kind: str, reason: str, guards: tuple[str, ...] = ()) -> Known:
    return Known(code=code, subjects=subjects, layouts=layouts, levels=("pmd",), kind=kind, reason=reason, guards=guards, variants=_THREE_LEVELS)


def _both(code: str, subjects: tuple[str, ...], kind: str, reason: str, guards: tuple[str, ...] = ()) -> tuple[Known, Known]:
    """At both levels, in both releases."""
    pte = Known(code=code, subjects=subjects, layouts=_BOTH, levels=("pte",), kind=kind, reason=reason, guards=guards)
    return pte, _pmd(code, subjects, _BOTH, kind, reason, guards)


KNOWN: Final[tuple[Known, ...]] = (
    _pmd("SWP409", ("marker",), _NEW, "reachable", _MARKER_WALKED),
    _pmd("SWP405", ("marker",), _NEW, "reachable", _MARKER_PRESENT),
    _pmd("SWP414", ("marker",), _NEW, "latent", _MARKER_INVALIDATED),
    _pmd("HW901", ("none",), _BOTH, "cosmetic", _EMPTY_TABLE),
    *_both("HW902", ("leaf",), "guarded", _GIVES_RIGHT, ("arch/mips/mm/fault.c: __do_page_fault",)),
    *_both("HW912", ("leaf",), "cosmetic", _SEGV),
    *_both("HW914", ("leaf", "leaf-old"), "reachable", _DISCLOSED),
    _pmd(
        "PMD241",
        ("leaf-invalidated",),
        _NEW,
        "guarded",
        _WAITS,
        ("mm/gup.c: gup_fast_pmd_range", "mm/gup.c: follow_pmd_mask", *_SHARED_GUARDS, "mm/pgtable-generic.c: __pte_offset_map"),
    ),
    _pmd("PMD241", ("leaf-invalidated",), _OLD, "reachable", _ASSERTED),
    _pmd(
        "PMD255",
        ("leaf-invalidated",),
        _NEW,
        "guarded",
        _WAITS,
        ("mm/gup.c: gup_fast_pmd_range", "mm/gup.c: follow_pmd_mask", *_SHARED_GUARDS, "mm/pgtable-generic.c: __pte_offset_map"),
    ),
    _pmd(
        "PMD255",
        ("leaf-invalidated",),
        _OLD,
        "guarded",
        _WAITS,
        ("mm/gup.c: gup_pmd_range", *_SHARED_GUARDS, "include/linux/pgtable.h: pmd_none_or_trans_huge_or_clear_bad"),
    ),
    _pmd(
        "PMD247",
        ("leaf", "leaf-old", "leaf-protnone"),
        _NEW,
        "guarded",
        _NOT_BAD,
        (
            "mm/memory.c: copy_pmd_range",
            "mm/pgtable-generic.c: __pte_offset_map",
            "mm/khugepaged.c: find_pmd_or_thp_or_none",
            "mm/hmm.c: hmm_vma_walk_pmd",
            "mm/userfaultfd.c: mfill_atomic",
        ),
    ),
    _pmd(
        "PMD247",
        ("leaf", "leaf-old", "leaf-protnone"),
        _OLD,
        "guarded",
        _NOT_BAD,
        (
            "mm/memory.c: copy_pmd_range",
            "include/linux/pgtable.h: pmd_none_or_trans_huge_or_clear_bad",
            "mm/gup.c: follow_pmd_mask",
            "mm/mprotect.c: pmd_none_or_clear_bad_unless_trans_huge",
            "mm/khugepaged.c: find_pmd_or_thp_or_none",
            "mm/hmm.c: hmm_vma_walk_pmd",
            "mm/migrate_device.c: migrate_vma_collect_pmd",
            "mm/damon/vaddr.c: damon_mkold_pmd_entry",
            "mm/damon/vaddr.c: damon_young_pmd_entry",
            "mm/userfaultfd.c: __mcopy_atomic",
        ),
    ),
    Known(
        code="PTE123",
        subjects=("pte_modify/special", "pte_modify/special(leaf-protnone)"),
        layouts=_OLD,
        levels=("pte",),
        kind="reachable",
        reason=_SPECIAL,
    ),
)
