"""Known refutations of csky's layouts, reviewed against the callers in the same release."""

from __future__ import annotations

from typing import Final

from proofs.known import Known

_BOTH: Final = ("linux-6.1", "linux-6.12")
_KEPT: Final = (
    "_PAGE_CHG_MASK drops _PAGE_PRESENT, _PAGE_READ and _PAGE_WRITE, which only the kernel looks at, and keeps _PAGE_VALID and _PAGE_DIRTY, which are all "
    "that the refill looks at. mm/mprotect.c: change_pte_range() stores what pte_modify() makes, and the flush that follows has the TLB refilled with it"
)
_NOT_PRESENT: Final = (
    "pte_modify() drops _PAGE_PRESENT, and PAGE_NONE is without it: what mprotect(PROT_NONE) makes of a mapped page is neither none nor present, and taken for "
    "a swap entry, of a type below 28 and the frame's bits for an offset. munmap() (mm/memory.c: zap_pte_range) counts a swap entry less and drops no page: "
    "its reference and its rmap stay for ever; where there is such a swap area, a slot of somebody else's loses a user. mprotect() back leaves the "
    "entry as it is (mm/mprotect.c: change_pte_range), and a fault ends in do_swap_page()"
)
_SETTER: Final = (
    "A setter takes or gives the bit that marks a prot-none entry, _PAGE_WRITE. Generic code calls setters on present entries only, and these are not present "
    "(PTE141). Were pte_present() alone repaired, fork() would be such a caller (mm/memory.c)."
)


def _known(code: str, subjects: tuple[str, ...], kind: str, reason: str, variants: tuple[str, ...] = (), parts: tuple[str, ...] = ()) -> Known:
    return Known(code=code, subjects=subjects, layouts=_BOTH, levels=("pte",), kind=kind, reason=reason, variants=variants, parts=parts)


KNOWN: Final[tuple[Known, ...]] = (
    _known(
        "HW905",
        ("leaf",),
        "reachable",
        (
            f"{_KEPT}: after mprotect(PROT_READ) a page that was written can still be written. fork() then leaves it as it is, since pte_write() is false "
            "(mm/memory.c), and a store of the parent's or the child's is seen by the other."
        ),
    ),
    _known(
        "HW909",
        ("leaf-protnone",),
        "reachable",
        f"{_KEPT}: after mprotect(PROT_NONE) a page that was read can still be read, and one that was written be written.",
    ),
    _known("PTE141", ("leaf-protnone",), "reachable", f"{_NOT_PRESENT}."),
    _known(
        "PTE123",
        ("pte_modify/young",),
        "reachable",
        (
            "pte_modify() keeps the accessed bit and ORs the new protection in, and every one that permits anything has it: an old page becomes young by "
            "mprotect(). Reclaim takes the page for one that was used; young never becomes old, and nothing is lost."
        ),
    ),
    _known(
        "PTE123",
        ("pte_modify/young(leaf-protnone)",),
        "latent",
        "As for an accessible page; but pte_modify() is called on present entries only (mm/mprotect.c: change_pte_range), and these are not present (PTE141).",
    ),
    _known(
        "PTE121",
        tuple(f"pte_{name}(leaf-protnone)" for name in ("mkyoung", "mkold", "mkdirty", "mkclean", "wrprotect")),
        "latent",
        f"{_SETTER} What changes is pte_none(), of frame 0.",
        ("abiv2",),
        ("none",),
    ),
    _known("PTE140", ("leaf-protnone",), "latent", f"{_SETTER} What is left of frame 0 is the empty entry.", ("abiv2",)),
    _known("LAY803", ("none/leaf-protnone", "leaf-protnone/swap"), "latent", _SETTER, ("abiv2",)),
)
