"""The MMU of the Nios II processor: a TLB that software fills.

The kernel's entry is what it writes to the register tlbacc, whole and unchecked: on a miss the handler loads the entry and moves it there
(arch/nios2/kernel/head.S: fast_handler), and after a fault update_mmu_cache() does (arch/nios2/mm/tlb.c: replace_tlb_one_pid). So there is no
valid bit: an entry that permits nothing makes every access a TLB permission violation, which is what the kernel builds "not present" on.

Sources: Nios II Processor Reference Guide (Intel 683836; NII51003 before), chapter "Programming Model": "TLB Lookups" with the lookup
algorithm, 3.4.2.9 "The tlbacc Register" with its fields; the files above, the same in linux-6.1 and linux-6.12.
"""

from __future__ import annotations

from typing import Final

from bitspec.expr import Expr, bit, bits, none_of, not_, zext
from bitspec.fields import acts, ignored, view
from bitspec.hardware import Access, Context, Hardware, HardwareLevel, Walk, decide
from bitspec.vocabulary import Level

MANUAL: Final = "Nios II Processor Reference Guide, chapter 3"
VARIANTS: Final = ("mmu",)
PAGE_SHIFT: Final = 12

R, W, X = 23, 22, 21
_TLBACC: Final = f"{MANUAL}, 3.4.2.9"

_LEAF: Final = view(
    "leaf",
    ignored("IG", (31, 25), "ignored; read back from the register as zero"),
    acts("C", 24, "data accesses are cacheable"),
    acts("R", R, "loads permitted"),
    acts("W", W, "stores permitted"),
    acts("X", X, "fetches permitted"),
    acts("G", 20, "the process identifier is not compared"),
    acts("PFN", (19, 0), "physical frame number"),
    width=32,
    source=_TLBACC,
)

_INVALID: Final = view(
    "invalid",
    ignored("IG", (31, 25), "ignored"),
    ignored("C", 24, "looked at in an access that is permitted"),
    acts("R", R, "0"),
    acts("W", W, "0"),
    acts("X", X, "0"),
    acts("G", 20, "the process identifier is not compared, even so"),
    ignored("PFN", (19, 0), "looked at in an access that is permitted"),
    width=32,
    source=_TLBACC,
)

_RIGHT: Final = {Access.LOAD: R, Access.STORE: W, Access.FETCH: X}


def _walk(entry: Expr, access: Access, context: Context) -> Walk:
    """The TLB lookup on an entry just written: a permission violation, whatever the access, counts as invalid."""
    return decide(
        ("invalid", none_of(entry, 1 << R | 1 << W | 1 << X)),
        ("refused", not_(bit(entry, _RIGHT[access]))),
        otherwise="leaf",
        frame=zext(bits(entry, 19, 0), 32),
    )


def hardware(variant: str) -> Hardware:
    """The MMU; it has no variants that change the format."""
    return Hardware(
        arch="nios2",
        variant=variant,
        manual=MANUAL,
        levels={Level.PTE: HardwareLevel(Level.PTE, "tlbacc", {"leaf": _LEAF, "invalid": _INVALID}, _walk)},
        approximations=(
            "what walks is software: an entry stands for the TLB entry the refill makes of it, as if no older one were left in the TLB",
            "the PFN field has as many bits as the address width the processor was generated with, and those above must be zero: here it has all 20",
            "the upper level is no level here: the kernel folds it, and an entry of it is a virtual address that only the refill follows",
            "nothing marks a page accessed or dirty, neither the TLB nor the refill",
        ),
    )
