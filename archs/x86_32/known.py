"""Known refutations of 32-bit x86's layouts, reviewed against the callers in the same release."""

from __future__ import annotations

from typing import Final

from proofs.known import Known

_BOTH: Final = ("linux-6.1", "linux-6.12")
_PAE: Final = ("pae", "pae-knl")
_FLAT: Final = ("2-level",)
_L1TF: Final = (
    "Without PAE nothing is inverted (arch/x86/include/asm/pgtable-2level.h), and arch_max_swapfile_size() permits what the codec holds; an entry of 32 bits "
    "could not point beyond 4 GB anyway. The kernel says so as it boots, on a CPU with L1TF: no mitigation without PAE (arch/x86/kernel/cpu/bugs.c: "
    "l1tf_select_mitigation)"
)


def _leak(subjects: tuple[str, ...], kind: str, reason: str, layouts: tuple[str, ...] = _BOTH, level: str = "pte") -> Known:
    return Known(code="SWP410", subjects=subjects, layouts=layouts, levels=(level,), kind=kind, reason=f"{_L1TF}. {reason}", variants=_FLAT)


_MIGRATIONS: Final = ("migration-read", "migration-read-exclusive", "migration-write")
_OTHER: Final = "The offset stands in bits 31:9, so that an entry points to the frame offset >> 3"

KNOWN: Final[tuple[Known, ...]] = (
    _leak(
        ("swap",),
        "reachable",
        f"{_OTHER}: which frames those are, follows from how much is swapped out, and whoever maps the page can load through the entry.",
    ),
    _leak(
        (*_MIGRATIONS, "hwpoison"),
        "reachable",
        f"{_OTHER}, where the offset is the number of another frame.",
    ),
    _leak(("swapin-error",), "reachable", f"{_OTHER}, where the offset is the number of another frame.", ("linux-6.1",)),
    *(
        _leak(
            ("leaf-protnone", "leaf-invalidated") if level == "pmd" else ("leaf-protnone",),
            "reachable",
            "The frame is the process's own, which it might read as well; but in a guest its number is one of the guest's, and the load goes to the host's "
            "frame of that number. An invalidated leaf is there while the PMD is locked.",
            level=level,
        )
        for level in ("pte", "pmd")
    ),
    *(
        _leak(
            ("marker",),
            "cosmetic",
            "What a marker says has two bits, 10:9, so that it points to frame 0, of which the kernel makes no use (arch/x86/kernel/setup.c: "
            "early_reserve_memory keeps the first 64 KB, and more).",
            ("linux-6.12",),
            level,
        )
        for level in ("pte", "pmd")
    ),
    Known(
        code="SWP419",
        subjects=("swp_entry",),
        layouts=_BOTH,
        levels=("pte",),
        kind="latent",
        reason=(
            "The architecture's swp_entry_t has 27 bits for the offset, the kernel's own has 26 (include/linux/swapops.h: SWP_TYPE_SHIFT). All that is encoded "
            "comes from the latter by swp_entry_to_pte(), the probe of the largest offset included (mm/swapfile.c: generic_max_swapfile_size)."
        ),
        variants=_PAE,
    ),
    *(
        Known(
            code=code,
            subjects=(f"{level}_mkwrite_shstk",),
            layouts=("linux-6.12",),
            levels=(level,),
            kind="latent",
            reason=(
                "No mapping has VM_SHADOW_STACK, for which pte_mkwrite() and pmd_mkwrite() call it (arch/x86/mm/pgtable.c): X86_USER_SHADOW_STACK depends on "
                "X86_64 (arch/x86/Kconfig)."
            ),
        )
        for code, level in (("PTE105", "pte"), ("PMD205", "pmd"))
    ),
)
