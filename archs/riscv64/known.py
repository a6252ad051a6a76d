"""Known refutations of riscv64's layouts, reviewed against the callers in the same release.

The call chains were read; none of them was executed.
"""

from __future__ import annotations

from typing import Final

from proofs.known import Known

_BOTH: Final = ("linux-6.1", "linux-6.12")
_OLD: Final = ("linux-6.1",)
_NEW: Final = ("linux-6.12",)

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
    "split_huge_page_to_list_to_order() and __folio_migrate_mapping() fail, and the migration entries, which were made writable or exclusive, "
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
_KINDS: Final = {_BOTH: ("", "(leaf-protnone)"), _NEW: ("(leaf-devmap)", "(leaf-devmap-protnone)")}
_DEVMAP_GUARDS: Final = (
    "mm/gup.c: follow_pmd_mask",
    "mm/migrate_device.c: migrate_vma_setup",
    "mm/vmscan.c: should_skip_vma",
    "mm/damon/ops-common.c: damon_get_folio",
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
        subjects=("leaf", "leaf-old", "leaf-devmap"),
        layouts=_NEW,
        levels=("pte", "pmd"),
        kind="reachable",
        reason=_DISCLOSED,
    ),
    Known(
        code="HW914",
        subjects=("leaf", "leaf-old"),
        layouts=_OLD,
        levels=("pte", "pmd"),
        kind="latent",
        reason=f"{_EXECUTE_ONLY}. {_NO_FAST_GUP}",
    ),
    Known(code="HW912", subjects=("leaf",), layouts=_BOTH, levels=("pte", "pmd"), kind="cosmetic", reason=_SEGV),
    Known(code="HW912", subjects=("leaf-devmap",), layouts=_NEW, levels=("pte", "pmd"), kind="cosmetic", reason=_SEGV),
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
        layouts=_NEW,
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
        layouts=_NEW,
        levels=("pmd",),
        kind="reachable",
        reason=_DEVMAP,
        guards=_DEVMAP_GUARDS,
    ),
)
