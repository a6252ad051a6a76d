"""Known refutations of openrisc's layouts, reviewed against the callers in the same release."""

from __future__ import annotations

from typing import Final

from proofs.known import Known

_BOTH: Final = ("linux-6.1", "linux-6.12")


def _known(code: str, subjects: tuple[str, ...], kind: str, reason: str) -> Known:
    return Known(code=code, subjects=subjects, layouts=_BOTH, levels=("pte",), kind=kind, reason=reason)


KNOWN: Final[tuple[Known, ...]] = (
    _known(
        "HW911",
        ("leaf", "leaf-old"),
        "reachable",
        (
            "Nothing notes an access: the refill writes what is present to the TLB (arch/openrisc/kernel/head.S: dtlb_miss_handler), A and D as they are, and "
            "nobody faults on them. An old page stays old, which misleads reclaim. A clean page stays writable, for pte_mkclean() leaves _PAGE_UWE set, and a "
            "store to it is not seen: after MADV_FREE (mm/madvise.c: madvise_free_pte_range) a page that was written again still looks clean, and "
            "try_to_unmap_one() lets reclaim discard it. Shared file pages are safe: page_mkclean() and maybe_mkwrite() go through write protection."
        ),
    ),
    _known(
        "HW913",
        ("leaf", "leaf-old"),
        "reachable",
        (
            "itlb_miss_handler() sets the right to execute in every entry that has any right, and says that it should not (arch/openrisc/kernel/head.S): "
            "_PAGE_EXEC decides nothing, and data can be executed. do_page_fault() asks for it at vector 0x400 only (arch/openrisc/mm/fault.c), which is a "
            "protection fault of an entry in the TLB, and there is none."
        ),
    ),
    _known(
        "PTE123",
        ("pte_modify/young", "pte_modify/young(leaf-protnone)"),
        "reachable",
        (
            "pte_modify() keeps the accessed bit and ORs the new protection in, and every protection has it: an old page becomes young by mprotect(). "
            "Reclaim takes the page for one that was used; young never becomes old, and nothing is lost."
        ),
    ),
)
