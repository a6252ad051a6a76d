"""Known refutations of nios2's layouts, reviewed against the callers in the same release."""

from __future__ import annotations

from typing import Final

from proofs.known import Known

_BOTH: Final = ("linux-6.1", "linux-6.12")
_MIGRATION: Final = ("migration-read", "migration-read-exclusive", "migration-write")
_NO_SWAP: Final = "nios2 selects ARCH_NO_SWAP (arch/nios2/Kconfig), so that there is no swap area and no such entry"
_TWO_BITS: Final = (
    "The swap type has two bits: 28, 29 and 30 are stored as 0, 1 and 2, which are swap files. COMPACTION, which selects MIGRATION, is on by "
    "default (mm/Kconfig). A page that is migrated is not mapped again, because remove_migration_pte() is not given an entry that is no "
    "migration entry (mm/page_vma_mapped.c: check_pte), and whoever touches it faults for ever: do_swap_page() takes the entry for one of a swap "
    "file, and get_swap_device() has none. 0a9ad8273ff4 (v6.3) made it five bits."
)


def _known(code: str, subjects: tuple[str, ...], layouts: tuple[str, ...], kind: str, reason: str, guards: tuple[str, ...] = ()) -> Known:
    return Known(code=code, subjects=subjects, layouts=layouts, levels=("pte",), kind=kind, reason=reason, guards=guards)


KNOWN: Final[tuple[Known, ...]] = (
    _known(
        "HW911",
        ("leaf", "leaf-old"),
        _BOTH,
        "reachable",
        (
            "Nothing notes an access: the refill writes the entry to the TLB unchecked (arch/nios2/kernel/head.S: fast_handler), and the TLB has no "
            "such bits. An old page stays old, which misleads reclaim. A clean page stays writable, for pte_mkclean() leaves _PAGE_WRITE set, and a "
            "store to it is not seen: after MADV_FREE (mm/madvise.c: madvise_free_pte_range) a page that was written again still looks clean, and "
            "try_to_unmap_one() lets reclaim discard it. Shared file pages are safe: page_mkclean() and maybe_mkwrite() go through write protection."
        ),
    ),
    _known(
        "HW902",
        ("leaf",),
        _BOTH,
        "guarded",
        (
            "A VMA with VM_WRITE alone gives a private page no right at all until a store makes it writable; reading it is refused for good, since the "
            "hardware has write-only pages. Both end in the fault handler, which asks the VMA and either makes the page writable or sends SIGSEGV."
        ),
        ("arch/nios2/mm/fault.c: do_page_fault",),
    ),
    _known(
        "SWP402",
        ("swap",),
        _BOTH,
        "latent",
        (
            "pte_none() looks past the low four bits, where pte_clear() leaves a part of the address: an entry of type 0 and offset 1 to 15 is none, and "
            "the comment that an offset other than 0 keeps it from that is wrong. The page would be lost. " + _NO_SWAP + "."
        ),
    ),
    _known(
        "LAY803",
        ("none/swap",),
        _BOTH,
        "latent",
        "The same entries: pte_clear() stores the values 0 to 15, which type 0 with an offset up to 15 is encoded as. " + _NO_SWAP + ".",
    ),
    _known(
        "SWP402",
        ("migration-read",),
        ("linux-6.1",),
        "latent",
        (
            "Type 28 is stored as 0, so that the entry of frame 0 to 15 is none. If memory begins at physical address 0 at all, these frames hold the "
            "exception vectors and the start of the kernel's image, which does not migrate."
        ),
    ),
    _known(
        "LAY803",
        ("none/migration-read",),
        ("linux-6.1",),
        "latent",
        "The same entries: type 28 is stored as 0, and frames 0 to 15 hold the exception vectors and the start of the kernel's image.",
    ),
    _known("MIG501", _MIGRATION, ("linux-6.1",), "reachable", _TWO_BITS),
    _known("LEAF601", tuple(f"swap/{name}" for name in _MIGRATION), ("linux-6.1",), "latent", f"{_TWO_BITS} It is not mistaken for a real one: {_NO_SWAP}."),
    _known("SWP407", ("swp_entry",), ("linux-6.1",), "reachable", _TWO_BITS),
    _known(
        "SWP401",
        ("swap",),
        ("linux-6.1",),
        "latent",
        f"The swap type has two bits, enough for four swap files of the 28 that mm/ may ask for. But {_NO_SWAP}.",
    ),
    _known("SWP406", ("swap",), ("linux-6.1",), "latent", f"As the decode without flags: the swap type has two bits. But {_NO_SWAP}."),
    _known("LEAF604", ("swapin-error",), ("linux-6.1",), "latent", f"Type 31 is stored as 3. Only swap-in and swapoff make such entries, and {_NO_SWAP}."),
    _known("LEAF601", ("swap/swapin-error",), ("linux-6.1",), "latent", f"Type 31 is stored as 3. Only swap-in and swapoff make such entries, and {_NO_SWAP}."),
)
