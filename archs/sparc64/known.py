"""Known refutations of sparc64's layouts, reviewed against the callers in the same release.

The call chains were read; none of them was executed.
"""

from __future__ import annotations

from typing import Final

from proofs.known import Known

_BOTH: Final = ("linux-6.1", "linux-6.12")
_OLD: Final = ("linux-6.1",)
_NEW: Final = ("linux-6.12",)

_MARKER: Final = (
    "A marker of hugetlb's has the PTE's form in the slot of a PMD or a PUD, without _PAGE_PMD_HUGE, and what has not that bit is the address of a table. "
    "UFFDIO_POISON of a hugetlb page stores such a marker (mm/hugetlb.c: hugetlb_mfill_atomic_pte), and __set_huge_pte_at() warns once about its size and "
    "stores it all the same"
)
_MARKER_WALKED: Final = (
    f"{_MARKER}. The refill goes on to read physical memory at the marker's value, and takes what has bit 63 there for a PTE. linux-6.1 has no markers "
    "here, and neither release has hugetlb's migration or hwpoison entries (no ARCH_ENABLE_HUGEPAGE_MIGRATION, no ARCH_SUPPORTS_MEMORY_FAILURE)."
)
_MARKER_PRESENT: Final = (
    f"{_MARKER}. pmd_present() and pud_present() say that it is one. hugetlb asks pte_present() and is_pte_marker(), but get_user_pages() goes through the "
    "generic walk, and follow_pmd_mask() finds the PMD present, no leaf and not bad."
)
_TABLE_0: Final = (
    "A table's entry is its physical address and nothing else, so that the entry of a table at address 0 is the empty one. memblock does not hand out page 0, "
    "and the first page of memory usually is the kernel's or the firmware's; nothing was found in arch/sparc that keeps it from the page allocator where the "
    "firmware calls it available (arch/sparc/mm/init_64.c)."
)
_FRAMES: Final = (
    "MAX_PHYSMEM_BITS is 53 for every CPU, and a TTE of sun4u has address bits 42:13: frames from 2^30 up do not fit. No such CPU has more than 43 bits, and "
    "the firmware reports no memory above. pfn_pte() does not mask them"
)
_FORCED: Final = (
    "pte_mkyoung() sets V, and a page under PROT_NONE is kept from the TLB by V alone: the hardware has no right to read. FOLL_FORCE reaches such pages, from "
    "ptrace() and /proc/PID/mem, and pmd_protnone() and pte_protnone() are false without NUMA balancing"
)


def _known(
    code: str,
    subjects: tuple[str, ...],
    levels: tuple[str, ...],
    kind: str,
    reason: str,
    layouts: tuple[str, ...] = _BOTH,
    guards: tuple[str, ...] = (),
    variants: tuple[str, ...] = (),
) -> Known:
    return Known(code=code, subjects=subjects, layouts=layouts, levels=levels, kind=kind, reason=reason, guards=guards, variants=variants)


def _frames(code: str, subjects: tuple[str, ...], level: str, reason: str = f"{_FRAMES}.") -> Known:
    return _known(code, subjects, (level,), "latent", reason, variants=("sun4u",))


KNOWN: Final[tuple[Known, ...]] = (
    # entries that are not present
    _known("SWP409", ("marker",), ("pmd", "pud"), "reachable", _MARKER_WALKED, _NEW),
    _known("SWP405", ("marker",), ("pmd",), "reachable", _MARKER_PRESENT, _NEW),
    _known("LAY803", ("table/marker",), ("pmd", "pud"), "reachable", _MARKER_PRESENT, _NEW),
    _known(
        "SWP414",
        ("marker",),
        ("pmd",),
        "latent",
        (
            "The marker is present as it is. Only hugetlb puts markers into PMDs, and nothing invalidates a hugetlb entry as a PMD: every caller of "
            "pmdp_invalidate() works on transparent huge pages (mm/huge_memory.c), and page_vma_mapped_walk() hands hugetlb entries to mm/rmap.c as PTEs."
        ),
        _NEW,
    ),
    *(
        _known(
            code,
            ("swap",),
            ("pte",),
            "guarded",
            (
                "The highest bit of an offset is bit 63, V: with an offset of 2^42 or more the refill loads a swap entry. The probe of the maximum swap size "
                "finds all 43 bits. But the header of a swap area tells its last page in 32 bits. A migration entry with young and dirty ends below, at bit 62."
            ),
            guards=("mm/swapfile.c: read_swap_header",),
        )
        for code in ("SWP409", "LAY802")
    ),
    # tables
    *(_known(code, ("table",), (code[:3].lower(),), "latent", _TABLE_0) for code in ("PMD234", "PMD235", "PUD334", "PUD335")),
    _known("LAY803", ("none/table",), ("pmd", "pud"), "latent", _TABLE_0),
    _known("HW907", ("table",), ("pmd", "pud"), "latent", f"{_TABLE_0} The refill takes it for empty, too."),
    # rights
    _known(
        "HW909",
        ("leaf-protnone",),
        ("pte",),
        "reachable",
        (
            f"{_FORCED}. A debugger's write to a page that is anonymous and not exclusive is a write fault, and where the page need not be copied "
            "wp_page_reuse() makes the entry young: the process can read it from then on. What is exclusive is written without a fault "
            "(can_follow_write_pte), and a copy is built of PAGE_NONE."
        ),
    ),
    _known(
        "HW909",
        ("leaf-protnone",),
        ("pmd",),
        "reachable",
        (
            f"{_FORCED}. Of a huge page reading is enough: GUP's walk makes the entry young (mm/huge_memory.c: touch_pmd), and so does a write fault "
            "(do_huge_pmd_wp_page). The process can read its PROT_NONE memory from then on, until something makes it old or changes its protection."
        ),
    ),
    _known(
        "HW905",
        ("leaf",),
        ("pte", "pmd"),
        "reachable",
        (
            "pte_mkdirty() sets W, whether or not the entry is writable. Generic code makes what it has written dirty, and writable only with VM_WRITE "
            "(mm/memory.c: wp_page_copy, wp_page_reuse, do_set_pte; mm/huge_memory.c: do_huge_pmd_wp_page): after a debugger's write to a read-only private "
            "mapping, such as a breakpoint, the process can write that page, too. fork() then leaves W in both entries, since pte_write() is false "
            "(copy_present_pte), and a store of the parent's or the child's is seen by the other. linux-6.12 sets W only where the page is writable and dirty."
        ),
        _OLD,
    ),
    _known(
        "HW912",
        ("leaf",),
        ("pmd",),
        "guarded",
        (
            "pmd_modify() keeps the dirty bit and drops W, and no protection has W: a page that is writable and dirty refuses the next store. The fault that "
            "follows sets W by pmd_mkdirty(), and so does not come again. Of PTEs the same holds; pte_access_permitted() is false of them, since it wants "
            "_PAGE_P."
        ),
        guards=("mm/huge_memory.c: huge_pmd_set_accessed", "mm/huge_memory.c: touch_pmd"),
    ),
    _known(
        "PMD252",
        ("leaf-invalidated",),
        ("pmd",),
        "latent",
        (
            "pmdp_invalidate() clears V alone, and pmd_access_permitted(), the generic one, asks for no more than an entry that is not 0. But nothing but the "
            "lockless walk asks it, and arch/sparc/Kconfig does not select that (HAVE_GUP_FAST, in linux-6.1 HAVE_FAST_GUP)."
        ),
    ),
    # frames that no sun4u has
    _frames("PTE122", ("leaf", "leaf-old", "leaf-protnone"), "pte"),
    _frames("PTE124", ("pte_modify", "pte_modify(leaf-protnone)"), "pte", f"{_FRAMES}. It is pfn_pte() that loses the frame, not pte_modify()."),
    _frames("PTE125", ("pfn_pte(mapped)", "pfn_pte(leaf-protnone)"), "pte"),
    _frames("PMD222", ("leaf", "leaf-old", "leaf-protnone", "leaf-invalidated"), "pmd"),
    _frames("PMD224", ("pmd_modify", "pmd_modify(leaf-protnone)"), "pmd", f"{_FRAMES}. It is pfn_pmd() that loses the frame, not pmd_modify()."),
    _frames("PMD225", ("pfn_pmd(mapped)", "pfn_pmd(leaf-protnone)"), "pmd"),
    _frames("HTLB705", ("huge-pte", "huge-pte-protnone"), "pte"),
    *(_frames(code, ("leaf", "leaf-protnone"), level) for code in ("HW903", "HW904") for level in ("pte", "pmd")),
)
