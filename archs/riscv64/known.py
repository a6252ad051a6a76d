"""Known refutations of riscv64's layouts, reviewed against the callers in the same release.

The call chains were read; none of them was executed.
"""

from __future__ import annotations

from typing import Final

from archs.riscv64.hardware import VARIANTS
from proofs.known import Known

_ALL: Final = ("linux-6.1", "linux-6.12", "linux-6.19")
_OLD: Final = ("linux-6.1",)
_DEVMAP_TOO: Final = ("linux-6.12",)
_NEW: Final = ("linux-6.12", "linux-6.19")
_NEWEST: Final = ("linux-6.19",)
_EXTENDED: Final = "sv48-svrsw60t59b"
_OTHERS: Final = tuple(name for name, form in VARIANTS.items() if not form.svrsw60t59b)

_NO_FAST_GUP: Final = (
    "Only the lockless walk asks pXd_access_permitted() (mm/gup.c, under CONFIG_HAVE_FAST_GUP), and arch/riscv/Kconfig does not select that yet: "
    "get_user_pages_fast() takes the page table lock and asks the VMA."
)
_EXECUTE_ONLY: Final = (
    "pte_access_permitted() and pmd_access_permitted() are the generic ones: a read needs no more than a present entry. VM_EXEC alone is PAGE_EXEC, "
    "without R, through which no load is permitted; nothing else is refuted"
)
_DISCLOSED: Final = (
    f"{_EXECUTE_ONLY}. gup_fast() takes the pages of an execute-only mapping for reading, where check_vma_flags() of the slow path fails without "
    "VM_READ: whether write() from such memory with O_DIRECT succeeds depends on which of the two finds the page (lib/iov_iter.c: "
    "__iov_iter_get_pages_alloc). What leaks is the process's own text, to itself."
)
_SEGV: Final = (
    f"{_EXECUTE_ONLY}. The fault does not come again: access_error() (arch/riscv/mm/fault.c) finds neither VM_READ nor VM_WRITE, and the process gets "
    "SIGSEGV as it should."
)
_INVALIDATED: Final = (
    "pmd_mkinvalid() clears V and _PAGE_PROT_NONE, and R, W, X keep the entry present and a leaf; pmd_access_permitted() is the generic one and does not "
    "ask for V. So an invalidated PMD passes every test of the lockless walk"
)
_PINNED: Final = (
    f"{_INVALIDATED}, and what it reads again after taking the reference (gup_fast_pmd_leaf) is still the same. folio_try_share_anon_rmap_pmd() (called by "
    "__split_huge_pmd_locked with freeze, and by set_pmd_migration_entry) rests on the opposite: that GUP-fast cannot pin once the PMD is "
    "invalid. A pin taken there is of a page whose PageAnonExclusive is being cleared. What follows notices the reference: folio_ref_freeze() in "
    "splitting a folio and in __folio_migrate_mapping() fails, and the migration entries, which were made writable or exclusive, "
    "are turned back into exclusive pages; so it takes a fork() in the window as well to lose what a device writes. Of a PROT_NONE mapping that "
    "is split or changed, the pages are taken in spite of it, as pmd_protnone() is false meanwhile."
)
_DEVMAP: Final = (
    "pmd_trans_huge() is pmd_leaf(), and does not look at _PAGE_DEVMAP as x86 and powerpc do. Most callers ask for either kind, or have put devmap or "
    "the whole DAX mapping aside before. madvise_cold_or_pageout_pte_range() does not: MADV_COLD or MADV_PAGEOUT on a DAX file mapped huge takes "
    "the device page for a transparent huge page. It ages the entry and finds the page on no LRU list, which does no harm; for a part of the "
    "huge page it calls split_folio(), which refuses a single page, and stops at a VM_BUG_ON_FOLIO() under CONFIG_DEBUG_VM."
)
_YOUNG: Final = (
    "The protection is added unmasked, and every protection that permits anything has _PAGE_ACCESSED: a change of protection makes an old entry young. "
    "It happens in every mprotect() of an old page, and when a NUMA hint is taken back, and costs reclaim an estimate; no page is lost, and young "
    "never becomes old."
)
_KINDS: Final = {_ALL: ("", "(leaf-protnone)"), _DEVMAP_TOO: ("(leaf-devmap)", "(leaf-devmap-protnone)")}
_DEVMAP_GUARDS: Final = (
    "mm/gup.c: follow_pmd_mask",
    "mm/migrate_device.c: migrate_vma_setup",
    "mm/vmscan.c: should_skip_vma",
    "mm/damon/ops-common.c: damon_get_folio",
)

_SOFT_DIRTY: Final = (
    "_PAGE_SWP_SOFT_DIRTY is X, and pmd_present() asks for R, W and X, so that a huge page being split stays present (v5.17 moved PROT_NONE and the swap codec "
    "to keep these bits clear). A soft-dirty migration entry in a PMD is taken for a mapped huge page"
)
_MIGRATING: Final = (
    f"{_SOFT_DIRTY}. Every huge page that was written is soft-dirty (pmd_mkdirty), and set_pmd_migration_entry() keeps the mark: so it is with each huge "
    "page that migrates. remove_migration_ptes() does not find the entry again, as page_vma_mapped_walk() takes it for a huge page that is no migration "
    "entry; the process faults at it for ever or, unmapping it, drops the reference of a page that is another's. gup_fast_pmd_leaf() takes page frame "
    "4 * pfn + 3 for the page mapped, and a write() with O_DIRECT from there discloses what that page holds. A hugetlb page's migration entry lies in a "
    "PMD as well, and the lockless walk takes it for a page alike."
)
_NOT_IN_A_PMD: Final = (
    f"{_SOFT_DIRTY}. No such entry is made: a PMD holds no swap entry (a huge page is split before it is swapped out), and a marker of hugetlbfs is made "
    "without soft-dirty (make_pte_marker)."
)
_PRIVATE: Final = ("device-private-read", "device-private-write")
_NOT_MADE: Final = (
    f"{_SOFT_DIRTY}. A device-private entry gets the mark from a soft-dirty migration entry alone (remove_migration_pmd), and such a one is not found again. "
    "Neither migrate_vma_insert_huge_pmd_page() nor mremap() (move_soft_dirty_pmd) sets it, and fork() keeps what there is."
)
_MISREAD: Final = (
    "set_pmd_migration_entry() asks a device-private PMD that comes back to memory pmd_uffd_wp() and pmd_soft_dirty(), which are bits 60 and 59 of a leaf, and "
    "0 in any such entry. change_non_present_huge_pmd() has set _PAGE_SWP_UFFD_WP there for UFFDIO_WRITEPROTECT: it is lost, and the next write to the page is "
    "not reported. Huge pages of private device memory are made by nouveau with DRM_NOUVEAU_SVM, which is experimental (nouveau_dmem_migrate_vma), and by "
    "lib/test_hmm.c."
)
_PMD_SWAP: Final = ("SWP405", "SWP411", "SWP412", "SWP414")
_MIGRATION: Final = ("migration-read", "migration-read-exclusive", "migration-write")
_WITHOUT: Final = (
    "Without Svrsw60t59b there is no bit, and the helpers set and find nothing, as pgtable_supports_{}() says. Who would rely on {} asks that first, and "
    "behaves as a kernel without the option"
)
_NO_SOFT_DIRTY: Final = _WITHOUT.format("soft_dirty", "soft-dirty") + ": no VMA gets VM_SOFTDIRTY, and clear_refs write-protects nothing."
_SOFT_DIRTY_GUARDS: Final = (
    "mm/internal.h: vma_soft_dirty_enabled",
    "mm/vma.c: __mmap_complete",
    "mm/vma.c: do_brk_flags",
    "mm/vma_exec.c: create_init_stack_vma",
    "mm/mmap.c: __install_special_mapping",
    "fs/proc/task_mmu.c: clear_soft_dirty",
    "fs/proc/task_mmu.c: clear_soft_dirty_pmd",
)
_NO_UFFD_WP: Final = _WITHOUT.format("uffd_wp", "uffd-wp") + ": registration with UFFDIO_REGISTER_MODE_WP is refused, and no marker is made."
_UFFD_WP_GUARDS: Final = (
    "fs/userfaultfd.c: userfaultfd_api",
    "fs/userfaultfd.c: userfaultfd_register",
    "include/asm-generic/pgtable_uffd.h: uffd_supports_wp_marker",
)
_FLAGS: Final = (("soft_dirty", _NO_SOFT_DIRTY, _SOFT_DIRTY_GUARDS), ("uffd_wp", _NO_UFFD_WP, _UFFD_WP_GUARDS))
_NOT_PRESENT: Final = {"pte": (*_PRIVATE, "device-exclusive"), "pmd": _PRIVATE}
_PUD_PROTNONE: Final = (
    "pud_present() asks for V alone, and pud_leaf() and pud_trans_huge() for pud_present(), where pmd_present() knows PROT_NONE: a page of 1 GB under "
    "PROT_NONE is neither empty nor present. change_huge_pud() makes it so for device-dax and for huge PFN mappings, hugetlb_change_protection() for "
    "hugetlbfs. Of the former, the next mprotect() takes the page itself for a table: change_pud_range() finds no leaf, and change_pmd_range() reads PMDs "
    "out of it; munmap() finds a bad PUD (zap_pud_range), reports it, and forgets the page without giving it back. Of hugetlbfs "
    "get_user_pages() with FOLL_FORCE goes round for ever (follow_pud_mask finds nothing, and a fault finds the page)."
)
_PUD_GUARDS: Final = ("mm/huge_memory.c: change_huge_pud", "mm/gup.c: gup_fast_pud_range", "kernel/events/core.c: perf_get_pgtable_size")
_PUD_INVALIDATED: Final = (
    "pud_mkinvalid() clears V, which is all that pud_present() asks for. change_huge_pud() stores the new entry a few instructions later, under the PUD's "
    "lock, and under mmap_lock for writing; of those who take neither, the lockless walk falls back to the slow path, which waits, and perf reports no "
    "page size. Memory failure, which would miss the page, does not exist on riscv."
)

KNOWN: Final[tuple[Known, ...]] = (
    *(
        Known(
            code=code,
            subjects=tuple(f"{level}_modify/young{kind}" for kind in kinds),
            layouts=layouts,
            levels=(level,),
            kind="reachable",
            reason=_YOUNG,
        )
        for code, level in (("PTE123", "pte"), ("PMD223", "pmd"))
        for layouts, kinds in _KINDS.items()
    ),
    Known(
        code="HW914",
        subjects=("leaf", "leaf-old"),
        layouts=_NEW,
        levels=("pte", "pmd"),
        kind="reachable",
        reason=_DISCLOSED,
    ),
    Known(code="HW914", subjects=("leaf-devmap",), layouts=_DEVMAP_TOO, levels=("pte", "pmd"), kind="reachable", reason=_DISCLOSED),
    Known(code="HW914", subjects=("leaf", "leaf-old"), layouts=_NEWEST, levels=("pud",), kind="reachable", reason=_DISCLOSED),
    Known(
        code="HW914",
        subjects=("leaf", "leaf-old"),
        layouts=_OLD,
        levels=("pte", "pmd"),
        kind="latent",
        reason=f"{_EXECUTE_ONLY}. {_NO_FAST_GUP}",
    ),
    Known(code="HW912", subjects=("leaf",), layouts=_ALL, levels=("pte", "pmd"), kind="cosmetic", reason=_SEGV),
    Known(code="HW912", subjects=("leaf-devmap",), layouts=_DEVMAP_TOO, levels=("pte", "pmd"), kind="cosmetic", reason=_SEGV),
    Known(code="HW912", subjects=("leaf",), layouts=_NEWEST, levels=("pud",), kind="cosmetic", reason=_SEGV),
    Known(
        code="PMD252",
        subjects=("leaf-invalidated",),
        layouts=_NEW,
        levels=("pmd",),
        kind="reachable",
        reason=_PINNED,
    ),
    Known(
        code="PMD252",
        subjects=("leaf-devmap-invalidated",),
        layouts=_DEVMAP_TOO,
        levels=("pmd",),
        kind="reachable",
        reason=(
            f"{_INVALIDATED}. Of device memory only change_huge_pmd() and page_vma_mkclean_one() leave such an entry, for a moment; a "
            "reference taken in between could as well have been taken before. Of a PROT_NONE mapping it is taken in spite of it."
        ),
    ),
    Known(
        code="PMD252",
        subjects=("leaf-invalidated",),
        layouts=_OLD,
        levels=("pmd",),
        kind="latent",
        reason=f"{_INVALIDATED}. {_NO_FAST_GUP}",
    ),
    Known(
        code="PMD244",
        subjects=("leaf-devmap", "leaf-devmap-protnone", "leaf-devmap-invalidated"),
        layouts=_DEVMAP_TOO,
        levels=("pmd",),
        kind="reachable",
        reason=_DEVMAP,
        guards=_DEVMAP_GUARDS,
    ),
    Known(
        code="PUD323",
        subjects=("pud_modify/young", "pud_modify/young(leaf-protnone)"),
        layouts=_NEWEST,
        levels=("pud",),
        kind="reachable",
        reason=_YOUNG,
    ),
    *(
        Known(code=code, subjects=subjects, layouts=_NEWEST, levels=("pmd",), kind=kind, reason=reason, variants=(_EXTENDED,))
        for subjects, kind, reason in (
            (_MIGRATION, "reachable", _MIGRATING),
            (("swap", "marker"), "latent", _NOT_IN_A_PMD),
            (_PRIVATE, "latent", _NOT_MADE),
        )
        for code in _PMD_SWAP
    ),
    *(
        Known(code=code, subjects=_MIGRATION, layouts=_NEWEST, levels=("pmd",), kind="reachable", reason=_MIGRATING, variants=(_EXTENDED,))
        for code in ("MIG501", "MIG502", "MIG503")
    ),
    *(
        Known(
            code="SWP404",
            subjects=tuple(f"{name}+soft_dirty" for name in names),
            layouts=_NEWEST,
            levels=("pmd",),
            kind=kind,
            reason=reason,
            variants=(_EXTENDED,),
        )
        for names, kind, reason in ((_MIGRATION, "reachable", _MIGRATING), (_PRIVATE, "latent", _NOT_MADE))
    ),
    Known(
        code="MIG506",
        subjects=_PRIVATE,
        layouts=_NEWEST,
        levels=("pmd",),
        kind="reachable",
        reason=_MISREAD,
        variants=(_EXTENDED,),
        parts=("soft_dirty", "uffd_wp"),
    ),
    *(
        Known(code=code, subjects=subjects, layouts=_NEWEST, levels=("pmd",), kind="latent", reason=_NOT_IN_A_PMD, variants=(_EXTENDED,))
        for code, subjects in (
            ("SWP404", ("swap+soft_dirty", "marker+soft_dirty")),
            ("SWP406", ("swap",)),
            ("LAY803", ("leaf-invalidated/swap",)),
        )
    ),
    *(
        Known(
            code="SWP403",
            subjects=tuple(f"{name}+{flag}" for name in ("swap", *_MIGRATION, "marker", *_NOT_PRESENT.get(level, ()))),
            layouts=_NEWEST,
            levels=(level,),
            kind="guarded",
            reason=reason,
            guards=guards,
            variants=_OTHERS,
        )
        for flag, reason, guards in _FLAGS
        for level in ("pte", "pmd")
    ),
    *(
        Known(
            code=code,
            subjects=("leaf", "leaf-old", "leaf-protnone"),
            layouts=_NEWEST,
            levels=(level,),
            kind="guarded",
            reason=reason,
            guards=guards,
            variants=_OTHERS,
        )
        for codes, (_, reason, guards) in zip((("PTE110", "PMD210"), ("PTE112", "PMD212")), _FLAGS, strict=True)
        for code, level in zip(codes, ("pte", "pmd"), strict=True)
    ),
    *(
        Known(code=code, subjects=(subject,), layouts=_NEWEST, levels=("pud",), kind=kind, reason=reason, guards=guards)
        for code in ("PUD341", "PUD342", "PUD343")
        for subject, kind, reason, guards in (
            ("leaf-protnone", "reachable", _PUD_PROTNONE, ()),
            ("leaf-invalidated", "guarded", _PUD_INVALIDATED, _PUD_GUARDS),
        )
    ),
)
