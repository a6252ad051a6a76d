"""Claims that the shipped s390 layouts violate, reviewed against the callers in their trees."""

from __future__ import annotations

from typing import Final

from proofs.known import Known

_ALL: Final = ("linux-6.12", "linux-6.13", "linux-6.17")
_HUGE: Final = ("pmd", "pud")
_MIGRATIONS: Final = ("migration-read", "migration-read-exclusive", "migration-write")
_DEVICES: Final = ("device-private-read", "device-private-write", "device-exclusive")

_NO_FLAGS: Final = (
    "__pte_to_rste() takes the type and the offset along and drops soft-dirty and exclusive. No entry of hugetlbfs has either: its pages "
    "are not swapped out, they do not migrate by entry on s390 (no ARCH_ENABLE_HUGEPAGE_MIGRATION), and mm/hugetlb.c makes PTE markers "
    "without flags"
)

KNOWN: Final[tuple[Known, ...]] = (
    Known(
        "PMD252",
        ("leaf-invalidated",),
        _ALL,
        ("pmd",),
        "reachable",
        "pmdp_invalidate() only sets the hardware's invalid bit, which an old leaf has too, and pmd_access_permitted() asks for present "
        "and write alone (prot-none leaves are turned away before, in gup_fast_pmd_range(); all others pass). "
        "__folio_try_share_anon_rmap() relies on GUP-fast meeting a changed or rejected entry after the invalidation, but a GUP-fast that"
        " starts after it reads the invalidated, writable leaf twice without a change, pins the page after folio_maybe_dma_pinned() was "
        "asked, and does not look at PageAnonExclusive: a pinned page that the next write fault copies. The window lies between "
        "pmdp_invalidate() and the entry that follows in set_pmd_migration_entry() (where THP migration is enabled) and "
        "__split_huge_pmd_locked() with freeze. This is read from the code: nobody has reported it. Invalid, young and readable together "
        "would tell such a leaf. The migration entry that follows keeps what it says of exclusivity, so that a copy needs a fork() in the window as well; "
        "CONFIG_DEBUG_VM warns about the pinned page (mm/gup.c: sanity_check_pinned_pages)",
    ),
    Known(
        "HTLB717",
        ("marker",),
        ("linux-6.12",),
        _HUGE,
        "reachable",
        "__pte_to_rste() stores whatever is not present as the empty entry. UFFDIO_POISON on hugetlbfs (mm/hugetlb.c: "
        "hugetlb_mfill_atomic_pte) calls set_huge_pte_at() with a marker and reports success; the next access (hugetlb_fault) finds none "
        "and faults in a fresh page where it should deliver SIGBUS. From v6.6 on; f934f6be76c1 (v6.13) gave such entries a format",
    ),
    Known(
        "SWP402",
        ("marker",),
        ("linux-6.12",),
        ("pmd",),
        "reachable",
        "a PTE marker of hugetlbfs is stored as the empty entry: the same loss as HTLB717, seen in the tables",
    ),
    Known(
        "LAY803",
        ("none/marker",),
        ("linux-6.12",),
        _HUGE,
        "reachable",
        "a PTE marker of hugetlbfs is stored as the empty entry: the same loss as HTLB717, seen in the tables",
    ),
    Known(
        "HTLB717",
        ("swap", *_MIGRATIONS),
        ("linux-6.12",),
        _HUGE,
        "latent",
        "__pte_to_rste() stores whatever is not present as the empty entry. hugetlbfs has no such entries on s390: its pages are not "
        "swapped out, and they do not migrate (arch/s390/Kconfig selects no ARCH_ENABLE_HUGEPAGE_MIGRATION, so that mm/migrate.c: "
        "migrate_hugetlbs leaves them alone)",
    ),
    Known(
        "HTLB718",
        ("swap+exclusive", "swap+soft_dirty", *(f"{one}+soft_dirty" for one in (*_MIGRATIONS, "marker"))),
        _ALL,
        _HUGE,
        "latent",
        _NO_FLAGS,
    ),
    Known(
        "HTLB718",
        tuple(f"{one}+soft_dirty" for one in _DEVICES),
        ("linux-6.17",),
        _HUGE,
        "latent",
        f"{_NO_FLAGS}; hugetlbfs has no device memory",
    ),
    Known(
        "HTLB711",
        ("huge-pte", "huge-pte-protnone"),
        ("linux-6.12",),
        ("pud",),
        "latent",
        "pud_present() asks for a region-third origin that is not 0, so that a leaf of frame 0 is lost when no software bit lies in the "
        "origin: clean, old and not soft-dirty. The first 2 GB cannot be one page of hugetlbfs: they hold the absolute lowcore and the "
        "kernel's reserved memory (arch/s390/kernel/setup.c: reserve_kernel), which alloc_contig_pages() does not hand out "
        "(pfn_range_valid_contig)",
    ),
    Known(
        "HTLB714",
        ("huge-pte", "huge-pte-protnone"),
        ("linux-6.12",),
        ("pud",),
        "latent",
        "as for HTLB711: a region-third leaf of frame 0, which cannot be a page of hugetlbfs, is not present",
    ),
    Known(
        "HTLB711",
        ("huge-pte",),
        ("linux-6.12",),
        ("pmd",),
        "cosmetic",
        "without instruction-execution protection the protections still have the no-execute bit. pte_modify() puts it into a huge PTE, "
        "__set_huge_pte_at() drops it; the machine does not look at it, and a fault that compares the two (huge_ptep_set_access_flags) "
        "stores the entry once more",
        variants=("z13", "z10"),
    ),
    Known(
        "PUD335",
        ("table",),
        ("linux-6.12",),
        ("pud",),
        "latent",
        "pud_present() asks for an origin that is not 0: a segment table at address 0 would not be present. That page is the absolute "
        "lowcore, and reserved (arch/s390/kernel/setup.c: reserve_kernel)",
    ),
)
