"""The layouts of shipped bugs, as questions: each is the layout before the fix, what was needed, and what shipped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from archs.discover import layout
from bitspec.layout import Layout
from bitspec.vocabulary import Level
from tests.archs.test_riscv64 import before_v5_17
from tests.archs.test_x86_64 import before_v4_19


@dataclass(frozen=True)
class Case:
    """A question that was answered once.

    Attributes:
        before: the layout that was to be changed.
        asked: the question, as arguments of :func:`proofs.fit.question.ask`.
        shipped: the bits that the kernel's answer gave the offset and the type, and how many software bits of a present entry it took.
    """

    before: Layout
    level: Level
    asked: Mapping[str, tuple[str, ...]]
    offset: int
    type: int = 5
    present: int = 0
    options: Mapping[str, str] = field(default_factory=dict)


def without_l1tf(one: Layout) -> Layout:
    """The layout on hardware that was not known to speculate through entries that are not present: as the world was before 2018."""
    return replace(one, hardware=replace(one.hardware, speculated=None), derived={}, _built={})


CASES = {
    # eee4818baac0 (v4.14): soft-dirty moved from bit 7 to bit 1; the offset kept its 50 bits
    "x86-swp-softdirty-bit": Case(without_l1tf(before_v4_19(soft_dirty=7)), Level.PTE, {"move": ("soft_dirty",)}, offset=50),
    # bcd11afa7ada, 2f22b4cd45b6 (v4.19): type at the top, offset from bit 9 and inverted, 50 bits
    "x86-l1tf-swap": Case(before_v4_19(), Level.PTE, {"move": ("swap",), "need": ("offset:50",)}, offset=50),
    # v6.10: the mark of PROT_NONE went onto nG, which freed bit 58 for uffd-wp; swap entries lost no offset bit
    "arm64-protnone": Case(
        layout("arm64", "linux-6.1"), Level.PTE, {"move": ("PTE_PROT_NONE",), "need": ("uffd_wp", "other@present")}, offset=50, present=1
    ),
    "arm64-uffd-wp": Case(layout("arm64", "linux-6.1"), Level.PTE, {"need": ("uffd_wp",)}, offset=50, present=1),
    # v5.17: the mark of PROT_NONE went from R onto G, type from bit 6, offset from bit 11: 53 bits; it takes no bit of a valid entry,
    # and the one that is free goes to another flag, or it would do for the mark: pte_modify() leaves it behind in valid entries, which is no harm
    "riscv-protnone-leaf": Case(
        before_v5_17(), Level.PTE, {"move": ("_PAGE_PROT_NONE", "swap"), "need": ("type:5", "offset:53", "other@present")}, offset=53
    ),
    # ed4154067a08 (v6.3): the offset no longer reaches VALID, and exclusive came out of the type's spare bit: 24 bits
    "m68k-sun3-valid": Case(
        layout("m68k", "linux-6.1", "sun3"), Level.PTE, {"move": ("swap",), "need": ("type:5", "exclusive"), "mend": ("SWP", "LAY8")}, offset=24
    ),
    # v6.3: exclusive on bit 7, the second of two that the swap entry left free; the offset kept its 23 bits
    "x86_32-exclusive": Case(layout("x86_32", "linux-6.1", "2-level"), Level.PTE, {"need": ("exclusive", "type:5")}, offset=23),
    # v6.3: exclusive on bit 7, below an offset from bit 8 on: 24 bits
    "arm-exclusive": Case(layout("arm", "linux-6.1", "2-level"), Level.PTE, {"move": ("swap",), "need": ("type:5", "exclusive")}, offset=24),
    # 0a9ad8273ff4 (v6.3): five type bits and exclusive beside the 20 of the offset
    "nios2-type-bits": Case(
        layout("nios2", "linux-6.1"), Level.PTE, {"move": ("swap",), "need": ("type:5", "exclusive", "offset:20"), "mend": ("SWP401", "SWP407")}, offset=20
    ),
    # v6.3: exclusive is the top bit of a type of eight bits, of which five were needed; the offset kept its 43 bits
    "sparc64-exclusive": Case(layout("sparc64", "linux-6.1"), Level.PTE, {"move": ("swap",), "need": ("type:5", "exclusive")}, offset=43),
    # v6.3: the top bit of an unmasked type of eight became exclusive; the offset kept its 40 bits
    "mips64-exclusive": Case(
        layout("mips64", "linux-6.1"), Level.PTE, {"move": ("swap",), "need": ("type:7", "exclusive", "offset:40")}, offset=40, type=7
    ),
}  # fmt: skip
