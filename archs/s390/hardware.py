"""The z/Architecture MMU: dynamic address translation (DAT).

The manual is z/Architecture Principles of Operation, SA22-7832 (PoP), chapter 3 "Storage": "Dynamic Address Translation" (its "Translation
Tables" give the formats of region-, segment- and page-table entries, its "Translation Process" the order of the tests) and "Protection"
(DAT protection, instruction-execution protection).  Bits are numbered as there, from the most significant end.

The text of the manual was not at hand: names and places come from arch/s390/include/asm/dat-bits.h (linux-6.12), which has the manual's
names, the order of the tests from arch/s390/kvm/gaccess.c: guest_translate and QEMU's target/s390x/mmu_helper.c: mmu_translate_asce, which
agree.
"""

from __future__ import annotations

from typing import Final

from bitspec.expr import FALSE, Expr, and_, bit, clear, ne, or_, ugt, ult
from bitspec.expr import bits as span
from bitspec.fields import Numbering, Row, View, acts, ignored, reserved, view
from bitspec.hardware import Access, Circumstance, Context, Hardware, HardwareLevel, Walk, Walker, decide
from bitspec.vocabulary import Level

MANUAL: Final = "z/Architecture Principles of Operation SA22-7832, chapter 3, Dynamic Address Translation"

PRIVATE_SPACE: Final = Circumstance(
    "private_space",
    1,
    "ASCE.P, the private-space control. Linux sets it in the ASCE of every user address space (_ASCE_USER_BITS)",
    lambda on: on,
)
EDAT: Final = Circumstance(
    "EDAT",
    1,
    "CR0.40, enhanced DAT: FC is looked at, and P of region entries. Linux sets it where facility 8 is installed, and maps no large "
    "frames where not (has_transparent_hugepage, arch_hugetlb_valid_size)",
    lambda on: on,
)
IEP: Final = Circumstance(
    "IEP",
    1,
    "CR0.43, instruction-execution protection. Linux sets it where facility 130 is installed, unless told noexec=off",
)
SX01: Final = Circumstance(
    "SX01",
    2,
    "the first two bits of the address's segment index, which a region-third-table entry bounds by TF and TL",
)

_I: Final = {Level.PTE: 53, Level.PMD: 58, Level.PUD: 58}
"""The invalid bit."""
_P: Final = 54
_IEP: Final = 55
_FC: Final = 53
_COMMON: Final = 59


def _bit(entry: Expr, number: int) -> Expr:
    """A bit of `entry` by its number in the manual."""
    return bit(entry, Numbering.MSB0.position(number, 64))


def _bits(entry: Expr, first: int, last: int) -> Expr:
    return span(entry, Numbering.MSB0.position(first, 64), Numbering.MSB0.position(last, 64))


def _denied(entry: Expr, access: Access, protected: Expr) -> Expr:
    """DAT protection refuses a store, instruction-execution protection a fetch; a load is never refused, in problem or supervisor state."""
    if access is Access.STORE:
        return _bit(entry, _P)
    return and_(_bit(entry, _IEP), protected) if access is Access.FETCH else FALSE


def _page(iep: bool) -> Walker:
    def walk(entry: Expr, access: Access, context: Context) -> Walk:
        return decide(
            ("invalid", _bit(entry, _I[Level.PTE])),  # page-translation exception
            ("reserved", _bit(entry, 52)),  # translation-specification exception
            ("refused", _denied(entry, access, context["IEP"] if iep else FALSE)),
            otherwise="leaf",
            frame=entry >> 12,
        )

    return walk


def _segment(iep: bool) -> Walker:
    def walk(entry: Expr, access: Access, context: Context) -> Walk:
        large = and_(_bit(entry, _FC), context["EDAT"])
        return decide(
            ("invalid", _bit(entry, _I[Level.PMD])),  # segment-translation exception
            ("reserved", ne(_bits(entry, 60, 61), 0b00)),  # TT: translation-specification exception
            ("reserved", and_(_bit(entry, _COMMON), context["private_space"])),
            ("refused", _denied(entry, access, and_(large, context["IEP"]) if iep else FALSE)),
            ("leaf", large),
            otherwise="table",
            address=clear(entry, (1 << 11) - 1),
            frame=clear(entry, (1 << 20) - 1) >> 12,
        )

    return walk


def _region_third(iep: bool, edat2: bool) -> Walker:
    """Without EDAT-2 the format control and the common-region bit are not looked at."""

    def walk(entry: Expr, access: Access, context: Context) -> Walk:
        enhanced = context["EDAT"] if edat2 else FALSE
        large = and_(_bit(entry, _FC), enhanced)
        outside = or_(ult(context["SX01"], _bits(entry, 56, 57)), ugt(context["SX01"], _bits(entry, 62, 63)))
        return decide(
            ("invalid", _bit(entry, _I[Level.PUD])),  # region-third-translation exception
            ("reserved", ne(_bits(entry, 60, 61), 0b01)),  # TT: translation-specification exception
            ("reserved", and_(_bit(entry, _COMMON), context["private_space"], enhanced)),
            ("invalid", and_(~large, outside)),  # segment-translation exception: beyond the table's offset and length
            ("refused", and_(_denied(entry, access, and_(large, context["IEP"]) if iep else FALSE), context["EDAT"])),
            ("leaf", large),
            otherwise="table",
            address=clear(entry, (1 << 12) - 1),
            frame=clear(entry, (1 << 31) - 1) >> 12,
        )

    return walk


def _view(name: str, title: str, *rows: Row) -> View:
    return view(name, *rows, numbering=Numbering.MSB0, source=f"{MANUAL}, {title}")


def _page_views(iep: bool) -> dict[str, View]:
    title = "Page-Table Entries"
    execution = acts("IEP", 55, "1: no instruction fetch") if iep else acts("CO", 55, "change-recording override")
    return {
        "leaf": _view(
            "leaf",
            title,
            acts("PFRA", (0, 51), "page-frame real address"),
            reserved("52", 52, "must be zero: translation-specification exception"),
            acts("I", 53, "0: valid"),
            acts("P", 54, "DAT protection: no store"),
            execution,
            ignored("56:63", (56, 63)),
        ),
        "invalid": _view("invalid", title, ignored("0:52", (0, 52)), acts("I", 53, "1: all else ignored"), ignored("54:63", (54, 63))),
    }


def _large(name: str, last: int, iep: bool, common: str) -> tuple[Row, ...]:
    """An entry with FC 1, which maps a frame whose address ends at bit `last`; ACC and F count only with AV."""
    return (
        acts(name, (0, last), "absolute address of the frame"),
        ignored(f"{last + 1}:46", (last + 1, 46)),
        acts("AV", 47, "ACCF-validity control; 0: ACC and F are not looked at"),
        ignored("ACC", (48, 51), "access-control bits, ignored while AV is 0"),
        ignored("F", 52, "fetch protection, ignored while AV is 0"),
        acts("FC", 53, "format control, 1: this entry maps a frame"),
        acts("P", 54, "DAT protection: no store"),
        acts("IEP", 55, "1: no instruction fetch") if iep else ignored("55", 55),
        ignored("56:57", (56, 57)),
        acts("I", 58, "0: valid"),
        acts(common, 59, "must be 0 in a private space"),
        acts("TT", (60, 61), "table type"),
        ignored("62:63", (62, 63)),
    )


def _invalid(title: str) -> View:
    return _view("invalid", title, ignored("0:57", (0, 57)), acts("I", 58, "1: all else ignored"), ignored("59:63", (59, 63)))


def _segment_views(iep: bool) -> dict[str, View]:
    title = "Segment-Table Entries"
    return {
        "table": _view(
            "table",
            title,
            acts("PTO", (0, 52), "page-table origin"),
            acts("FC", 53, "format control, 0: this entry leads to a table"),
            acts("P", 54, "DAT protection for the segment"),
            ignored("55:57", (55, 57)),
            acts("I", 58, "0: valid"),
            acts("CS", 59, "common segment; must be 0 in a private space"),
            acts("TT", (60, 61), "table type, 00"),
            ignored("62:63", (62, 63)),
        ),
        "leaf": _view("leaf", title, *_large("SFAA", 43, iep, "CS")),
        "invalid": _invalid(title),
    }


def _region_views(iep: bool, edat2: bool) -> dict[str, View]:
    title = "Region-Table Entries"
    table = _view(
        "table",
        title,
        acts("STO", (0, 51), "segment-table origin"),
        ignored("52", 52),
        acts("FC", 53, "format control, 0: this entry leads to a table") if edat2 else ignored("53", 53),
        acts("P", 54, "DAT protection for the region"),
        ignored("55", 55),
        acts("TF", (56, 57), "segment-table offset"),
        acts("I", 58, "0: valid"),
        acts("CR", 59, "common region; must be 0 in a private space") if edat2 else ignored("59", 59),
        acts("TT", (60, 61), "table type, 01"),
        acts("TL", (62, 63), "segment-table length"),
    )
    leaf = {"leaf": _view("leaf", title, *_large("RFAA", 32, iep, "CR"))} if edat2 else {}
    return {"table": table, **leaf, "invalid": _invalid(title)}


VARIANTS: Final = ("z14", "z13", "z10")
"""By the first machine that has it: z14 has EDAT-1, EDAT-2 and instruction-execution protection, z13 both EDATs, z10 EDAT-1 alone."""


def hardware(variant: str) -> Hardware:
    """The MMU in one of :data:`VARIANTS`."""
    iep, edat2 = variant == "z14", variant != "z10"
    return Hardware(
        arch="s390",
        variant=variant,
        manual=MANUAL,
        levels={
            Level.PTE: HardwareLevel(Level.PTE, "page-table entry", _page_views(iep), _page(iep)),
            Level.PMD: HardwareLevel(Level.PMD, "segment-table entry", _segment_views(iep), _segment(iep)),
            Level.PUD: HardwareLevel(Level.PUD, "region-third-table entry", _region_views(iep, edat2), _region_third(iep, edat2)),
        },
        circumstances=(PRIVATE_SPACE, EDAT, *((IEP,) if iep else ()), SX01),
        approximations=(
            "the manual's text was not at hand: the facts are those of dat-bits.h, KVM's and QEMU's walkers",
            "storage keys are not modelled: user accesses go with key 0, and AV, which would bring the keys into the entry, is never set",
            "DAT protection is checked entry by entry: a table entry with P counts as refused for a store",
            "levels fold at run time, as an address space is limited: here all three exist",
        ),
    )
