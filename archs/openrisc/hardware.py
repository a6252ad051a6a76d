"""The MMU of OpenRISC 1000: a data and an instruction TLB that the kernel fills.

A miss loads an entry that has bit 0: dtlb_miss_handler() masks it with 0xffffe3fa and writes it to DTLBW0TR, itlb_miss_handler() masks it with 0xffffe03a, sets
both rights to execute, and writes it to ITLBW0TR (arch/openrisc/kernel/head.S). An entry without any right is none that the latter gets into
the TLB: it takes a branch past the choice of the set. A walk is the handler and the TLB together.

Sources: OpenRISC 1000 Architecture Manual, Architecture Version 1.1, chapter 8: 8.4 (DTLBWyTR, ITLBWyTR), 8.7 (protection), 8.10 (page history); the
file above, the same in linux-6.1 and linux-6.12.
"""

from __future__ import annotations

from typing import Final

from bitspec.expr import Expr, bit, none_of, not_
from bitspec.fields import acts, ignored, view
from bitspec.hardware import Access, Context, Hardware, HardwareLevel, Walk, decide
from bitspec.vocabulary import Level

MANUAL: Final = "OpenRISC 1000 Architecture Manual, chapter 8"
VARIANTS: Final = ("or1k",)
PAGE_SHIFT: Final = 13

_REFILL: Final = "arch/openrisc/kernel/head.S"
_LOADED, _URE, _UWE = 0, 6, 7
_ANY_RIGHT: Final = 0x7C0

_LEAF: Final = view(
    "leaf",
    acts("PPN", (31, 13), "physical page number"),
    ignored("12:11", (12, 11), "masked by the refill"),
    acts("10", 10, "a right for itlb_miss_handler() to see; no TLB gets it"),
    acts("SWE", 9, "supervisor stores permitted"),
    acts("SRE", 8, "supervisor loads permitted"),
    acts("UWE", _UWE, "user stores permitted"),
    acts("URE", _URE, "user loads permitted"),
    acts("D", 5, "dirty; loaded, and not acted on"),
    acts("A", 4, "accessed; loaded, and not acted on"),
    acts("WOM", 3, "weakly ordered memory"),
    ignored("WBC", 2, "masked by the refill"),
    acts("CI", 1, "cache inhibit"),
    acts("CC", _LOADED, "1: the refill loads the entry, with 0 for cache coherency"),
    width=32,
    source=f"{MANUAL}, 8.4",
)

_INVALID: Final = view("invalid", ignored("31:1", (31, 1)), acts("CC", _LOADED, "0: the refill gives up"), width=32, source=_REFILL)


def _walk(entry: Expr, access: Access, context: Context) -> Walk:
    """What the refill does not load is invalid; of what it loads, the instruction TLB permits everything to be fetched that has any right."""
    missing = {Access.LOAD: not_(bit(entry, _URE)), Access.STORE: not_(bit(entry, _UWE)), Access.FETCH: none_of(entry, _ANY_RIGHT)}
    return decide(("invalid", not_(bit(entry, _LOADED))), ("refused", missing[access]), otherwise="leaf", frame=entry >> PAGE_SHIFT)


def hardware(variant: str) -> Hardware:
    """The MMU; it has no variants that change the format."""
    return Hardware(
        arch="openrisc",
        variant=variant,
        manual=MANUAL,
        levels={Level.PTE: HardwareLevel(Level.PTE, "DTLBWyTR and ITLBWyTR", {"leaf": _LEAF, "invalid": _INVALID}, _walk)},
        approximations=(
            "of the manual only the table of contents was at hand: the fields are those that the kernel's header and its refill name",
            "what walks is software: an entry stands for the TLB entries the refill makes of it, as if no older ones were left in a TLB",
            "a fetch of what has no right counts as refused: itlb_miss_handler() writes some other entry, and the miss comes again",
            "the upper level is no level here: the kernel folds it, and an entry of it is a virtual address that only the refill follows",
            "nothing marks a page accessed or dirty, neither the refill nor a TLB of the implementations that Linux runs on",
        ),
    )
