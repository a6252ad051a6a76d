"""The MMU of 64-bit POWER: Radix Tree Translation, and the hashed page table that takes its place on older CPUs and hypervisors.

Sources: Power ISA Version 3.1, Book III, sections 6.7.10 (Radix Tree Translation; 5.7.10 in v3.0B), 6.7.10.1 (page directory entry),
6.7.10.2 (page table entry), 6.7.12 (reference and change recording); POWER9 User's Manual, section 4.10.4.1 (supported radix tree
configurations). The manual's text was not at hand: the facts are those in which gem5 (radixwalk.cc), QEMU (mmu-radix64.c), microwatt
(mmu.vhdl) and the kernel agree, and the section numbers are those that they cite.

Bits are numbered as in the manual: 0 is the most significant bit. An entry is a big-endian doubleword in memory, whatever the CPU's byte
order; values here are the doubleword as the MMU reads it, which is the kernel's ``pte_val()``.
"""

from __future__ import annotations

from typing import Final

from bitspec.expr import Expr, and_, bit, eq, not_, or_, ugt, ult
from bitspec.fields import Numbering, acts, ignored, reserved, view
from bitspec.hardware import Access, Context, Hardware, HardwareLevel, Update, Walk, Walker, decide
from bitspec.vocabulary import Level

MANUAL: Final = "Power ISA v3.1, Book III"

VARIANTS: Final = ("radix-64k", "radix-4k", "hash-64k", "hash-4k")
"""Which MMU a kernel runs on is decided at boot, the page size when it is built; both change the format."""

PAGE_SHIFT: Final = {"radix-64k": 16, "radix-4k": 12, "hash-64k": 16, "hash-4k": 12}


def _at(manual: int) -> int:
    """Bit `manual` of the manual as an index of :func:`bit`."""
    return Numbering.MSB0.position(manual, 64)


V, L, R, C = (_at(one) for one in (0, 1, 55, 56))
EAA_PRIVILEGED, EAA_READ, EAA_WRITE, EAA_EXECUTE = (_at(one) for one in (60, 61, 62, 63))
ATT: Final = 1 << _at(58) | 1 << _at(59)
ATT_NON_IDEMPOTENT: Final = 1 << _at(58)
NLB: Final = (1 << _at(3)) - (1 << _at(55))
RPN: Final = (1 << _at(6)) - (1 << _at(51))
NLS: Final = (1 << _at(58)) - 1

_LEAF: Final = view(
    "leaf",
    acts("V", 0, "valid"),
    acts("L", 1, "1: this entry maps a page"),
    ignored("SW0", 2),
    reserved("3:6", (3, 6)),
    acts("RPN", (7, 51), "real page number; bits below the page's size are not looked at"),
    ignored("SW1:3", (52, 54)),
    acts("R", 55, "reference, set by any access"),
    acts("C", 56, "change, set by a store"),
    reserved("57", 57),
    acts("ATT", (58, 59), "memory: 00 normal, 01 strong access order, 10 non-idempotent I/O, 11 tolerant I/O"),
    acts("EAA0", 60, "privileged: no access in problem state"),
    acts("EAA1", 61, "loads permitted"),
    acts("EAA2", 62, "loads and stores permitted"),
    acts("EAA3", 63, "fetches permitted"),
    numbering=Numbering.MSB0,
    source=f"{MANUAL}, 6.7.10.2",
)

_TABLE: Final = view(
    "table",
    acts("V", 0, "valid"),
    acts("L", 1, "0: this entry leads to a table"),
    reserved("2:3", (2, 3)),
    acts("NLB", (4, 55), "next level base: the lower table's address over 256"),
    reserved("56:58", (56, 58)),
    acts("NLS", (59, 63), "next level size: log2 of the lower table's number of entries"),
    numbering=Numbering.MSB0,
    source=f"{MANUAL}, 6.7.10.1",
)

_INVALID: Final = view(
    "invalid",
    acts("V", 0, "0: not valid, all else ignored"),
    ignored("1:63", (1, 63)),
    numbering=Numbering.MSB0,
    source=f"{MANUAL}, 6.7.10",
)


def _denied(entry: Expr, access: Access) -> Expr:
    """A problem-state access that the encoded access authority or the memory attribute forbids (6.7.10.2)."""
    privileged = bit(entry, EAA_PRIVILEGED)
    if access is Access.LOAD:
        return or_(privileged, not_(or_(bit(entry, EAA_READ), bit(entry, EAA_WRITE))))
    if access is Access.STORE:
        return or_(privileged, not_(bit(entry, EAA_WRITE)))
    return or_(privileged, not_(bit(entry, EAA_EXECUTE)), eq(entry & ATT, ATT_NON_IDEMPOTENT))


def _walker(below: int, page_shift: int) -> Walker:
    """The walk at a level where `below` bits of the effective address are left to translate (6.7.10).

    A page directory entry and a page table entry are told apart by L alone, at every level: V=1, L=0 at the level Linux calls pte is a
    directory entry too, and the walk goes on where its size fits what is left of the address.
    """

    def walk(entry: Expr, access: Access, context: Context) -> Walk:
        size = entry & NLS
        return decide(
            ("invalid", not_(bit(entry, V))),
            ("reserved", and_(not_(bit(entry, L)), or_(ult(size, 5), ugt(size, below)))),
            ("table", not_(bit(entry, L))),
            ("refused", _denied(entry, access)),
            otherwise="leaf",
            address=entry & NLB,
            frame=(entry & (RPN & -(1 << below))) >> page_shift,
        )

    return walk


def _valid_leaf(entry: Expr) -> Expr:
    return and_(bit(entry, V), bit(entry, L))


def _writable_leaf(entry: Expr) -> Expr:
    return and_(_valid_leaf(entry), bit(entry, EAA_WRITE))


_UPDATES: Final = (
    Update("R", _valid_leaf, lambda entry: entry | 1 << R, f"{MANUAL}, 6.7.12"),
    Update("C", _writable_leaf, lambda entry: entry | 1 << C, f"{MANUAL}, 6.7.12", Access.STORE),
)


def _radix(page_shift: int) -> dict[Level, HardwareLevel]:
    """The effective address is split 13, 9, 9 and the rest: 5 bits with pages of 64K, 9 with 4K (POWER9 User's Manual, 4.10.4.1)."""
    views = {"table": _TABLE, "leaf": _LEAF, "invalid": _INVALID}
    return {
        level: HardwareLevel(level, name, views, _walker(below, page_shift), _UPDATES)
        for level, name, below in (
            (Level.PTE, "fourth-level entry", page_shift),
            (Level.PMD, "third-level entry", 21),
            (Level.PUD, "second-level entry", 30),
        )
    }


_HASHED: Final = (
    f"the MMU searches the hashed page table ({MANUAL}, 6.7.7 to 6.7.9) and does not walk the Linux tables; "
    "hash_page_mm() fills it from them (arch/powerpc/mm/book3s64/hash_utils.c)"
)


def hardware(variant: str) -> Hardware:
    """The MMU in one of :data:`VARIANTS`."""
    if variant.startswith("hash"):
        return Hardware(arch="powerpc", variant=variant, manual=MANUAL, levels={}, no_walk=_HASHED)
    return Hardware(
        arch="powerpc",
        variant=variant,
        manual=MANUAL,
        levels=_radix(PAGE_SHIFT[variant]),
        approximations=(
            "process-scoped translation only: under a hypervisor the resulting address goes through a partition-scoped tree as well",
            "accesses are those of problem state; AMR and IAMR are not looked at for pages without EAA0 set in problem state",
            (
                "the architecture lets a directory entry stand at any depth and name any size of 5 bits or more; POWER9 and POWER10 fault on one at "
                "the fourth level, and on a size other than 9 (5 or 9 for the last table)"
            ),
            "a directory entry's NLB is taken as it stands: where it is not aligned to the table's size, QEMU clears the low bits",
            "where the CPU cannot record R or C it raises an interrupt and the kernel sets them; the model records them",
            "reserved bits of an entry are ignored by the walk, as in QEMU, microwatt and gem5; the layout lint keeps the kernel off them",
        ),
    )
