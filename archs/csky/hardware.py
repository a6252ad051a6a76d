"""The MMU of C-SKY processors: a TLB that the hardware refills from the kernel's tables.

``abiv1`` is the format of the CK610, ``abiv2`` that of the CK807, CK810 and CK860. The kernel hands the MMU its pgd with bit 0 set, which turns the refill
on (arch/csky/abiv*/inc/abi/ckmmu.h: setup_pgd), and has no handler for a miss (arch/csky/kernel/traps.c: trap_init). The refill looks at Valid, Dirty,
Global and the cache attributes only; whether the kernel calls an entry present is nothing to it.

Sources: no manual was at hand. arch/csky/abiv{1,2}/inc/abi/pgtable-bits.h say which bits are the hardware's, arch/csky/mm/fault.c which exceptions
there are; C-SKY's port of QEMU (mmu.c: mmu_get_physical_address) does what these say, for both formats. The same in linux-6.1 and linux-6.12.
"""

from __future__ import annotations

from typing import Final

from bitspec.expr import FALSE, Expr, and_, bit, not_
from bitspec.fields import Row, View, acts, ignored, reserved, view
from bitspec.hardware import Access, Context, Hardware, HardwareLevel, Walk, Walker, decide
from bitspec.vocabulary import Level

VARIANTS: Final = ("abiv2", "abiv1")
PAGE_SHIFT: Final = 12

_BITS: Final = "arch/csky/{}/inc/abi/pgtable-bits.h"
_PFN: Final = acts("PFN", (31, 12), "physical frame number")


def _view(name: str, variant: str, *rows: Row) -> View:
    return view(name, *rows, width=32, source=_BITS.format(variant))


_LEAF: Final = {
    "abiv1": (
        _PFN,
        acts("C", (11, 9), "cache attribute"),
        acts("D", 8, "dirty: stores permitted"),
        acts("V", 7, "valid"),
        acts("G", 6, "global: the address space is not compared, if the other page of the pair says so, too"),
        ignored("5:0", (5, 0), "shifted out on the way into the TLB"),
    ),
    "abiv2": (
        _PFN,
        ignored("11:7", (11, 7)),
        acts("B", 6, "bufferable"),
        acts("SO", 5, "strongly ordered"),
        acts("4", 4, "an attribute that the kernel does not name"),
        acts("C", 3, "cacheable"),
        acts("D", 2, "dirty: stores permitted"),
        acts("V", 1, "valid"),
        acts("G", 0, "global: the address space is not compared, if the other page of the pair says so, too"),
    ),
}

_NOT_GLOBAL: Final = "must be zero in a user's: an invalid pair that is global stands in the TLB for every address space"

_INVALID: Final = {
    "abiv1": (
        ignored("31:8", (31, 8)),
        acts("V", 7, "0: every access is a TLB invalid exception"),
        reserved("G", 6, _NOT_GLOBAL),
        ignored("5:0", (5, 0)),
    ),
    "abiv2": (
        ignored("31:2", (31, 2)),
        acts("V", 1, "0: every access is a TLB invalid exception"),
        reserved("G", 0, _NOT_GLOBAL),
    ),
}


def _walk(leaf: View) -> Walker:
    """The refill and the TLB. There is no right to read or to execute: what is valid can be loaded and fetched."""
    valid, dirty, everybody = leaf["V"].shift, leaf["D"].shift, leaf["G"].shift

    def walk(entry: Expr, access: Access, context: Context) -> Walk:
        protected = not_(bit(entry, dirty)) if access is Access.STORE else FALSE
        return decide(
            ("reserved", and_(not_(bit(entry, valid)), bit(entry, everybody))),
            ("invalid", not_(bit(entry, valid))),
            ("refused", protected),
            otherwise="leaf",
            frame=entry >> PAGE_SHIFT,
        )

    return walk


def hardware(variant: str) -> Hardware:
    """The MMU in one of :data:`VARIANTS`."""
    leaf, invalid = _view("leaf", variant, *_LEAF[variant]), _view("invalid", variant, *_INVALID[variant])
    return Hardware(
        arch="csky",
        variant=variant,
        manual="C-SKY MMU, as the kernel has it",
        levels={Level.PTE: HardwareLevel(Level.PTE, "MEL0 or MEL1", {"leaf": leaf, "invalid": invalid}, _walk(leaf))},
        approximations=(
            "no manual was at hand: which bits the hardware acts on is what the kernel's headers and C-SKY's port of QEMU say",
            (
                "a TLB entry holds a pair of pages, and is global if both are: here an entry stands alone, and is a user's. An invalid one that is global "
                "counts as reserved: to the access it is invalid, but if its pair is so, too, every address space meets it in the TLB"
            ),
            "an entry stands for the TLB entry the refill makes of it, as if no older one were left in the TLB",
            "the upper level is no level here: the kernel folds it, and its entries are addresses of lower tables and nothing else",
            "nothing marks a page accessed or dirty, neither the TLB nor the refill: the kernel takes V and D away to be told",
        ),
    )
