"""Known refutations of m68k's layouts, reviewed against the callers in the same release."""

from __future__ import annotations

from typing import Final

from proofs.known import Known

_BOTH: Final = ("linux-6.1", "linux-6.12")
_OFFSET: Final = (
    "An offset of 2^24 or more reaches SUN3_PAGE_VALID, bit 31, and the probe of the maximum swap size finds 25 bits: nothing but the size of the disk keeps "
    "the kernel from handing such slots out. It takes a swap area of 128 GiB, which is larger than any disk of a Sun-3's time. A page frame number "
    "with young and dirty has 21 bits. ed4154067a08 (v6.3) masks the offset"
)


def _known(code: str, subjects: tuple[str, ...], variants: tuple[str, ...], kind: str, reason: str, layouts: tuple[str, ...] = _BOTH) -> Known:
    return Known(code=code, subjects=subjects, layouts=layouts, levels=("pte",), kind=kind, reason=reason, variants=variants)


KNOWN: Final[tuple[Known, ...]] = (
    _known(
        "PTE123",
        ("pte_modify/young", "pte_modify/young(leaf-protnone)"),
        (),
        "reachable",
        (
            "pte_modify() keeps the accessed bit and ORs the new protection in, and every protection has it: an old page becomes young by mprotect(). "
            "Reclaim takes the page for one that was used; young never becomes old, and nothing is lost."
        ),
    ),
    _known(
        "HW909",
        ("leaf-protnone",),
        ("coldfire",),
        "reachable",
        (
            "PAGE_NONE keeps CF_PAGE_VALID, and lacks only the rights to read and write. cf_tlb_miss() loads any present entry and sets MMUDR_X whatever "
            "the entry says (arch/m68k/mm/mcfmmu.c), so that code in a page under PROT_NONE still runs. A page never touched before is refused by the VMA."
        ),
    ),
    _known(
        "HW913",
        ("leaf", "leaf-old"),
        ("coldfire",),
        "reachable",
        (
            "cf_tlb_miss() sets MMUDR_X in every entry it loads (arch/m68k/mm/mcfmmu.c), so that CF_PAGE_EXEC decides nothing: data can be executed, as on "
            "the other m68k MMUs, which have no such right. do_page_fault() does not ask for VM_EXEC either (arch/m68k/mm/fault.c)."
        ),
    ),
    _known(
        "HW906",
        tuple(f"{leaf}+W-{access}" for leaf in ("leaf", "leaf-old") for access in ("load", "fetch")),
        ("coldfire",),
        "reachable",
        (
            "cf_tlb_miss() takes the right to write from a clean page of a user, so that the first store faults and is noted: in the entry itself, not "
            "only in what it loads. pte_write() is then false of a page its VMA may write; do_wp_page() gives the right back at the store, as it does "
            "after fork(). What it costs is that fault."
        ),
    ),
    _known(
        "HW909",
        ("leaf-protnone",),
        ("sun3",),
        "reachable",
        (
            "PAGE_NONE is PAGE_READONLY (arch/m68k/include/asm/sun3_pgtable.h): a page that is present when mprotect() takes every right from it can still "
            "be read and executed, since mmu_emu_handle_fault() loads what is valid before anybody asks the VMA. A page never touched before is refused."
        ),
    ),
    _known(
        "HW911",
        ("leaf", "leaf-old"),
        ("sun3",),
        "reachable",
        (
            "mmu_emu_handle_fault() notes a store in the entry only if that is what it loads the page map entry for (arch/m68k/sun3/mmu_emu.c, which says "
            "so); a later one the MMU notes in the page map, which nobody reads back. pte_mkclean() leaves the page writable: after MADV_FREE "
            "(mm/madvise.c: madvise_free_pte_range), a load and a store it looks clean, and try_to_unmap_one() lets reclaim discard what was written."
        ),
    ),
    *(
        _known(code, subjects, ("sun3",), "latent", _OFFSET + why, ("linux-6.1",))
        for code, subjects, why in (
            ("SWP405", ("swap",), "."),
            ("SWP409", ("swap",), "."),
            ("LAY802", ("swap",), "."),
            ("LAY803", ("leaf/swap", "leaf-old/swap", "leaf-protnone/swap"), "."),
            ("SWP401", ("swap",), "; what changes the offset here is the refill, which sets SUN3_PAGE_ACCESSED in an entry that looks valid."),
            ("SWP406", ("swap",), "; what changes the offset here is the refill, which sets SUN3_PAGE_ACCESSED in an entry that looks valid."),
            ("HW906", ("swap+accessed",), "; the refill sets SUN3_PAGE_ACCESSED in an entry that looks valid."),
        )
    ),
)
