"""The AArch64 MMU: stage 1 of the EL1&0 translation regime, VMSAv8-64.

Source: Arm Architecture Reference Manual for A-profile architecture, DDI 0487 (numbering of issues J and K), chapter D8 "The AArch64
Virtual Memory System Architecture": D8.3 (translation table descriptor formats), D8.4 (memory access control), D8.5 (hardware updates to
the translation tables), D8.6 (memory region attributes), D8.7 (other descriptor fields).

Linux counts its levels the other way: pte is the manual's level 3, pmd level 2, pud level 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bitspec.expr import Expr, all_of, and_, any_of, bit, bits, concat, const, eq, ite, none_of, not_, or_, uge, ule, zext
from bitspec.fields import Place, Row, View, acts, ignored, reserved, view
from bitspec.hardware import Access, Circumstance, Context, Hardware, HardwareLevel, Update, Walk, Walker, decide
from bitspec.vocabulary import Level

MANUAL: Final = "Arm ARM DDI 0487, chapter D8"

VALID, TABLE, AP1, AP2, AF, DBM, PXN, UXN = 1 << 0, 1 << 1, 1 << 6, 1 << 7, 1 << 10, 1 << 51, 1 << 53, 1 << 54
"""Of a leaf: D8.3.1.2."""
UXN_TABLE, AP_TABLE0, AP_TABLE1 = 1 << 60, 1 << 61, 1 << 62
"""Of a table: D8.3.1.1."""


@dataclass(frozen=True)
class Granule:
    """What a variant fixes: the page size and where the address stands.

    Attributes:
        shift: log2 of the page size.
        address_bits: width of an output address, 48 or 52.
        ds: TCR_EL1.DS, the LPA2 format: 52-bit addresses with 4K and 16K pages.
    """

    shift: int
    address_bits: int
    ds: bool

    def low(self, level: Level) -> int:
        """log2 of the size of a block or page of this level."""
        return self.shift + (self.shift - 3) * (Level.PTE, Level.PMD, Level.PUD).index(level)

    @property
    def top(self) -> int:
        """The highest bit of the address's lower piece, which stands in its place."""
        return 49 if self.ds else 47

    @property
    def high(self) -> tuple[int, int] | None:
        """Where the address's upper piece stands, if there is one: [51:50] at 9:8 with DS = 1, [51:48] at 15:12 with 64K pages."""
        if self.address_bits == 48:
            return None
        return (9, 8) if self.ds else (15, 12)

    def leaf_at(self, level: Level) -> bool:
        """Whether a descriptor of this level can map memory: at level 1 the larger granules need 52-bit output addresses (D8.3.1)."""
        return level is not Level.PUD or self.shift == 12 or self.address_bits == 52

    def address(self, entry: Expr, low: int) -> Expr:
        """The output or next-table address, its bits below `low` left out (D8.3.1)."""
        found = entry & ((1 << self.top + 1) - (1 << low))
        if self.high is None:
            return found
        return found | zext(bits(entry, *self.high), 64) << self.top + 1

    def place(self, low: int) -> Place:
        """The address field of a descriptor, as a view has it."""
        return (self.top, low) if self.high is None else [self.high, (self.top, low)]


VARIANTS: Final = {
    "4k-48": Granule(12, 48, ds=False),
    "16k-48": Granule(14, 48, ds=False),
    "64k-48": Granule(16, 48, ds=False),
    "4k-52": Granule(12, 52, ds=True),
    "16k-52": Granule(14, 52, ds=True),
    "64k-52": Granule(16, 52, ds=False),
}
"""Page size and address bits.  4k-52 and 16k-52 are FEAT_LPA2 with TCR_EL1.DS = 1, 64k-52 is FEAT_LPA."""


# What a walk depends on besides the descriptor

_HA: Final = Circumstance(
    "HA", 1, "TCR_EL1.HA: hardware sets the access flag (D8.5.1). Linux sets it where the CPU can (__cpu_setup), and runs without as well"
)
_HD: Final = Circumstance("HD", 1, "TCR_EL1.HD: hardware manages dirty state, if HA is set too (D8.5.2). Linux sets it where every CPU can (cpu_enable_hw_dbm)")
_PIE: Final = Circumstance(
    "PIE",
    1,
    "TCR2_EL1.PIE: permissions come from PIRE0_EL1, indexed by PIIndex (D8.4.2). Linux sets it with FEAT_S1PIE, since v6.5, to PIE_E0",
)


def _ps(granule: Granule) -> Circumstance:
    return Circumstance(
        "PS",
        6,
        "bits of a physical address, the lesser of TCR_EL1.IPS and ID_AA64MMFR0_EL1.PARange; beyond is an Address size fault (D8.2). "
        "Linux takes the CPU's, up to its own (tcr_compute_pa_size)",
        lambda width: and_(uge(width, 32), ule(width, granule.address_bits)),
    )


def _addressable(address: Expr, context: Context) -> Expr:
    return eq(address >> zext(context["PS"], 64), 0)


# The walk


def _user_rights(entry: Expr, context: Context) -> dict[Access, Expr]:
    """What a leaf permits at EL0 (D8.4).

    Directly: AP[1] permits loads, AP[2] forbids stores, UXN forbids fetches.  Indirectly, PIIndex (UXN, PXN, DBM, AP[1]) selects one of the
    sixteen rights that Linux puts into PIRE0_EL1 (PIE_E0 of arch/arm64/include/asm/pgtable-prot.h), and AP[2] is nDirty.  A read-only leaf
    with DBM is dirtied by the hardware under HD instead of being refused.
    """
    managed = and_(context["HA"], context["HD"])
    index = concat(bit(entry, 54), bit(entry, 53), bit(entry, 51), bit(entry, 6))
    clean = bit(entry, 7)
    direct = {
        Access.LOAD: bit(entry, 6),
        Access.STORE: and_(bit(entry, 6), or_(not_(clean), and_(managed, bit(entry, 51)))),
        Access.FETCH: not_(bit(entry, 54)),
    }
    indirect = {
        Access.LOAD: _among(index, 0x5, 0x7, 0xD, 0xF),
        Access.STORE: and_(_among(index, 0x7, 0xF), or_(not_(clean), managed)),
        Access.FETCH: _among(index, 0x4, 0x5, 0x7),
    }
    return {access: ite(context["PIE"], indirect[access], direct[access]) for access in Access}


def _among(index: Expr, *values: int) -> Expr:
    return or_(*[eq(index, value) for value in values])


def _table_denies(entry: Expr, access: Access, context: Context) -> Expr:
    """Hierarchical permissions: UXNTable and APTable forbid it at EL0 for all below (D8.4.1); they are ignored under PIE."""
    forbidding = {Access.LOAD: AP_TABLE0, Access.STORE: AP_TABLE0 | AP_TABLE1, Access.FETCH: UXN_TABLE}
    return and_(not_(context["PIE"]), any_of(entry, forbidding[access]))


def _is_leaf(level: Level, entry: Expr) -> Expr:
    """Bits 1:0 (D8.3.1): at level 3, 11 is a page and 01 is reserved, which faults as invalid; above it, 01 is a block and 11 a table."""
    return eq(entry & (VALID | TABLE), VALID | TABLE if level is Level.PTE else VALID)


def _walker(granule: Granule, level: Level) -> Walker:
    """The walk at one level, in the order of the faults' priority (D8.2): translation, address size, access flag, permission."""

    def walk(entry: Expr, access: Access, context: Context) -> Walk:
        output = granule.address(entry, granule.low(level))
        lower = granule.address(entry, granule.shift)
        leaf = _is_leaf(level, entry) if granule.leaf_at(level) else const(0, 1)
        table = const(0, 1) if level is Level.PTE else all_of(entry, VALID | TABLE)
        aged = and_(none_of(entry, AF), not_(context["HA"]))
        return decide(
            ("invalid", not_(or_(leaf, table))),
            ("reserved", not_(_addressable(ite(table, lower, output), context))),
            ("refused", ite(table, _table_denies(entry, access, context), or_(aged, not_(_user_rights(entry, context)[access])))),
            ("table", table),
            otherwise="leaf",
            address=lower,
            frame=output >> granule.shift,
        )

    return walk


def _updates(level: Level) -> tuple[Update, ...]:
    """HA and HD: in a valid leaf only, never in an entry whose bit 0 is clear (D8.5)."""
    return (
        Update("AF", lambda entry: and_(_is_leaf(level, entry), none_of(entry, AF)), lambda entry: entry | AF, "D8.5.1"),
        Update(
            "AP2",
            lambda entry: and_(_is_leaf(level, entry), all_of(entry, DBM | AP2)),
            lambda entry: entry & ~const(AP2, 64),
            "D8.5.2",
            Access.STORE,
        ),
    )


# The fields


def _above(granule: Granule) -> list[Row]:
    """Bits 50:48 of a leaf or table that belong to no address."""
    return [] if granule.ds else [reserved("49:48", (49, 48), "RES0: should be zero, no fault")]


def _between(granule: Granule, level: Level) -> list[Row]:
    """The bits of a leaf between its attributes and its frame."""
    low = granule.low(level)
    if low == granule.shift:
        under: list[int | tuple[int, int]] = [(granule.shift - 1, 12)] if granule.shift > 12 else []
        rows = []
    else:
        under = [(low - 1, 17), (15, 12)]
        rows = [acts("nT", 16, "FEAT_BBM: break-before-make may be left out; else RES0")]
    left = [piece for piece in under if piece != granule.high]
    return rows + ([reserved("low", left, "RES0 below the frame, no fault")] if left else [])


def _leaf_view(granule: Granule, level: Level) -> View:
    """D8.3.1.2: a block descriptor of level 1 or 2, a page descriptor of level 3."""
    return view(
        "leaf",
        ignored("63", 63),
        acts("POIndex", (62, 60), "FEAT_S1POE: permission overlay; or PBHA[3:1] (FEAT_HPDS2); else ignored"),
        acts("AttrIndx[3]", 59, "FEAT_AIE: memory type; or PBHA[0] (FEAT_HPDS2); else ignored"),
        ignored("58:55", (58, 55), "reserved for software use"),
        acts("UXN", 54, "no fetches at EL0; PIIndex[3]"),
        acts("PXN", 53, "no fetches at EL1; PIIndex[2]"),
        acts("Contiguous", 52, "one of a set that a TLB may hold as one entry"),
        acts("DBM", 51, "dirty bit modifier: a read-only leaf that the hardware may make writable; PIIndex[1]"),
        acts("GP", 50, "FEAT_BTI: guarded page; else RES0"),
        *_above(granule),
        acts("OA", granule.place(granule.low(level)), "output address"),
        *_between(granule, level),
        acts("nG", 11, "not global"),
        acts("AF", 10, "access flag"),
        *([] if granule.ds else [acts("SH", (9, 8), "shareability")]),
        acts("AP[2]", 7, "read-only; nDirty"),
        acts("AP[1]", 6, "EL0 has access; PIIndex[0]"),
        acts("NS", 5, "non-secure; ignored in Non-secure state"),
        acts("AttrIndx", (4, 2), "memory type, an index of MAIR_EL1"),
        acts("type", 1, "1: page" if level is Level.PTE else "0: block"),
        acts("valid", 0),
        source=MANUAL + ", D8.3.1.2",
    )


def _table_view(granule: Granule) -> View:
    """D8.3.1.1."""
    under = (granule.shift - 1, 12)
    spare = granule.shift > 12 and under != granule.high
    return view(
        "table",
        acts("NSTable", 63, "ignored in Non-secure state"),
        acts("APTable", (62, 61), "forbid stores, EL0 access for all below"),
        acts("UXNTable", 60, "no fetches at EL0 for all below"),
        acts("PXNTable", 59, "no fetches at EL1 for all below"),
        ignored("58:51", (58, 51)),
        reserved("50", 50, "RES0: should be zero, no fault"),
        *_above(granule),
        acts("address", granule.place(granule.shift), "the lower table"),
        *([reserved("low", under, "RES0 below the table, no fault")] if spare else []),
        ignored("11", 11),
        acts("AF", 10, "FEAT_HAFT: access flag of a table; else ignored"),
        *([] if granule.ds else [ignored("9:8", (9, 8))]),
        ignored("7:2", (7, 2)),
        acts("type", 1, "1: table"),
        acts("valid", 0),
        source=MANUAL + ", D8.3.1.1",
    )


_INVALID: Final = view("invalid", ignored("63:1", (63, 1)), acts("valid", 0, "0: all else is ignored"), source=MANUAL + ", D8.3.1")

_NAMES: Final = {Level.PTE: "level 3 descriptor", Level.PMD: "level 2 descriptor", Level.PUD: "level 1 descriptor"}


def _level(granule: Granule, level: Level) -> HardwareLevel:
    views = {"invalid": _INVALID}
    if level is not Level.PTE:
        views["table"] = _table_view(granule)
    if granule.leaf_at(level):
        views["leaf"] = _leaf_view(granule, level)
    return HardwareLevel(level, _NAMES[level], views, _walker(granule, level), _updates(level) if granule.leaf_at(level) else ())


def hardware(variant: str) -> Hardware:
    """The MMU in one of :data:`VARIANTS`."""
    granule = VARIANTS[variant]
    return Hardware(
        arch="arm64",
        variant=variant,
        manual=MANUAL,
        levels={level: _level(granule, level) for level in Level},
        circumstances=(_ps(granule), _HA, _HD, _PIE),
        addressable=_addressable,
        approximations=(
            "the Contiguous bit is ignored: every descriptor is read alone, and a set that disagrees is not noticed",
            "a bit that is RES0 has no effect; the manual only asks software to write it as zero",
            "an Address size fault counts as a reserved bit",
            "permission overlays (POR_EL0) are not modelled: a protection key may refuse what the walk permits",
            "hierarchical rights are checked entry by entry: a table entry that forbids the access counts as refused",
            "FEAT_HAFT (access flags of tables) is off, as in every kernel here",
            "the LPA2 variants are of a CPU that has it: on others such a kernel clears TCR_EL1.DS and keeps to 48 bits",
        ),
    )
