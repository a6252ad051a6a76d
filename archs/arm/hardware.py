"""The ARMv7-A MMU, in the two formats of its translation tables.

``lpae`` is the Long-descriptor format of the Large Physical Address Extension: the kernel's tables are the hardware's. ``2-level`` is the Short-descriptor
format. There the kernel keeps a table of its own in front of each of the hardware's, and for every entry that it writes into the one,
cpu_v7_set_pte_ext() makes a descriptor for the other, 2048 bytes further (arch/arm/mm/proc-v7-2level.S, the same in linux-6.1 and linux-6.12). A walk of
that variant is this function and the walk of what it made: a Linux entry for which it stores 0 is invalid.

Source: Arm Architecture Reference Manual, ARMv7-A and ARMv7-R edition, DDI 0406C: B3.5 (Short-descriptor translation table format), B3.6
(Long-descriptor translation table format), B3.7 (memory access control). Of issue C nothing was at hand; of issue B the pages on second-level descriptors
(table B3-2), simplified access permissions (table B3-5) and execute-never (B3.6.2), all of AP[2:0] in the ARM1176's manual (DDI 0301H, table 3-151), and
the long descriptors as VMSAv8-64 has them, in the same bits (DDI 0487, D8.3). An emulated Cortex-A15 agrees (``bitspec confirm arm``).

Linux counts its levels the other way: pte is the manual's second level in the Short-descriptor format and level 3 in the Long-descriptor format, pmd is
level 2 of that.
"""

from __future__ import annotations

from typing import Final

from bitspec.expr import Expr, all_of, and_, any_of, clear, const, ite, none_of, not_, or_, zext
from bitspec.fields import Row, View, acts, ignored, reserved, view
from bitspec.hardware import Access, Context, Hardware, HardwareLevel, Walk, Walker, decide
from bitspec.vocabulary import Level

MANUAL: Final = "Arm ARM DDI 0406C, chapter B3"
VARIANTS: Final = ("lpae", "2-level")
PAGE_SHIFT: Final = 12
ADDRESS_BITS: Final = {"lpae": 40, "2-level": 32}

# Long descriptors

VALID, TABLE, AP1, AP2, AF, XN = 1 << 0, 1 << 1, 1 << 6, 1 << 7, 1 << 10, 1 << 54
"""Of a block or page: B3.6.1, B3.6.2."""
XN_TABLE, AP_TABLE0, AP_TABLE1 = 1 << 60, 1 << 61, 1 << 62
"""Of a table: B3.6.2."""
_SECTION_SHIFT: Final = 21


def _output(entry: Expr, low: int) -> Expr:
    """Bits 39 to `low`: the output address, or that of the next table."""
    return entry & (1 << ADDRESS_BITS["lpae"]) - (1 << low)


def _denied(entry: Expr, access: Access) -> Expr:
    """What a block or page forbids a user (B3.7): AP[1] gives access, AP[2] takes stores; a fetch needs the right to read, and XN clear."""
    denied = none_of(entry, AP1)
    return {Access.LOAD: denied, Access.STORE: or_(denied, any_of(entry, AP2)), Access.FETCH: or_(denied, any_of(entry, XN))}[access]


def _table_denied(entry: Expr, access: Access) -> Expr:
    """What a table forbids a user for all below (B3.6.2, B3.7)."""
    return any_of(entry, {Access.LOAD: AP_TABLE0, Access.STORE: AP_TABLE0 | AP_TABLE1, Access.FETCH: AP_TABLE0 | XN_TABLE}[access])


def _long(level: Level) -> Walker:
    """The walk at one level, in the order of the faults' priority: translation, access flag, permission.

    Bits 1:0 (B3.6.1): at level 3, 11 is a page and 01 is reserved, which faults as invalid; at level 2, 01 is a block and 11 a table.
    """
    low = PAGE_SHIFT if level is Level.PTE else _SECTION_SHIFT

    def walk(entry: Expr, access: Access, context: Context) -> Walk:
        both = all_of(entry, VALID | TABLE)
        refused = or_(none_of(entry, AF), _denied(entry, access))
        frame = _output(entry, low) >> PAGE_SHIFT
        if level is Level.PTE:
            return decide(("invalid", not_(both)), ("refused", refused), otherwise="leaf", frame=frame)
        return decide(
            ("invalid", none_of(entry, VALID)),
            ("refused", ite(both, _table_denied(entry, access), refused)),
            ("table", both),
            otherwise="leaf",
            address=_output(entry, PAGE_SHIFT),
            frame=frame,
        )

    return walk


_UPPER: Final = (
    ignored("63:59", (63, 59)),
    ignored("58:55", (58, 55), "reserved for software use"),
    acts("XN", 54, "execute-never"),
    acts("PXN", 53, "privileged execute-never"),
    acts("Contiguous", 52, "one of a set that a TLB may hold as one entry"),
    reserved("51:40", (51, 40), "UNK/SBZP: should be zero, no fault"),
)
_LOWER: Final = (
    acts("nG", 11, "not global"),
    acts("AF", 10, "access flag"),
    acts("SH", (9, 8), "shareability"),
    acts("AP[2]", 7, "read-only"),
    acts("AP[1]", 6, "accessible at PL0"),
    acts("NS", 5, "non-secure; ignored in Non-secure state"),
    acts("AttrIndx", (4, 2), "memory type, an index of MAIR0 and MAIR1"),
)


def _long_leaf(level: Level) -> View:
    low = PAGE_SHIFT if level is Level.PTE else _SECTION_SHIFT
    return view(
        "leaf",
        *_UPPER,
        acts("OA", (39, low), "output address"),
        *([reserved("20:12", (20, 12), "UNK/SBZP below the block, no fault")] if low > PAGE_SHIFT else []),
        *_LOWER,
        acts("type", 1, "1: page" if level is Level.PTE else "0: block"),
        acts("valid", 0),
        source=MANUAL + ", B3.6.1, B3.6.2",
    )


_LONG_TABLE: Final = view(
    "table",
    acts("NSTable", 63, "ignored in Non-secure state"),
    acts("APTable", (62, 61), "forbid stores, access at PL0 for all below"),
    acts("XNTable", 60, "execute-never for all below"),
    acts("PXNTable", 59, "privileged execute-never for all below"),
    ignored("58:52", (58, 52)),
    reserved("51:40", (51, 40), "UNK/SBZP: should be zero, no fault"),
    acts("address", (39, 12), "the lower table"),
    ignored("11:2", (11, 2)),
    acts("type", 1, "1: table"),
    acts("valid", 0),
    source=MANUAL + ", B3.6.1, B3.6.2",
)

_LONG_INVALID: Final = view("invalid", ignored("63:1", (63, 1)), acts("valid", 0, "0: all else is ignored"), source=MANUAL + ", B3.6.1")

_LPAE: Final = {
    Level.PTE: HardwareLevel(Level.PTE, "level 3 descriptor", {"leaf": _long_leaf(Level.PTE), "invalid": _LONG_INVALID}, _long(Level.PTE)),
    Level.PMD: HardwareLevel(
        Level.PMD,
        "level 2 descriptor",
        {"table": _LONG_TABLE, "leaf": _long_leaf(Level.PMD), "invalid": _LONG_INVALID},
        _long(Level.PMD),
    ),
}

# A Linux entry, and the small page descriptor made of it

_SET_PTE: Final = "arch/arm/mm/proc-v7-2level.S: cpu_v7_set_pte_ext"

L_VALID, L_YOUNG, L_TEX, L_DIRTY, L_RDONLY, L_USER, L_XN, L_NONE = (1 << place for place in (0, 1, 4, 6, 7, 8, 9, 11))
"""L_PTE_* of arch/arm/include/asm/pgtable-2level.h; L_TEX is the bit of a memory type that becomes TEX[0]."""
_HW_XN, _SMALL, _AP0, _AP1, _TEX0, _APX, _NG = (1 << place for place in (0, 1, 4, 5, 6, 9, 11))
"""Of a small page descriptor (B3.5.1); PTE_EXT_* of arch/arm/include/asm/pgtable-2level-hwdef.h."""
_REPLACED: Final = 0x3F0 | 3
"""What set_pte_ext() does not take over as it stands."""


def set_pte_ext(pte: Expr) -> Expr:
    """The descriptor that cpu_v7_set_pte_ext() stores for a Linux entry of a user's, with the nG that set_ptes() (arch/arm/mm/mmu.c) asks for.

    The address, S, C and B stay where they are. A page of the user's has AP[1], one that is clean or read-only AP[2]; AP[0] is always set. There is no
    descriptor but 0 for an entry that is old, not valid, or PROT_NONE.
    """
    made = clear(pte, _REPLACED) | _AP0 | _SMALL
    for wanted, mark in (
        (any_of(pte, L_TEX), _TEX0),
        (or_(none_of(pte, L_DIRTY), any_of(pte, L_RDONLY)), _APX),
        (any_of(pte, L_USER), _AP1 | _NG),
        (any_of(pte, L_XN), _HW_XN),
    ):
        made = ite(wanted, made | mark, made)
    return ite(and_(all_of(pte, L_VALID | L_YOUNG), none_of(pte, L_NONE)), made, const(0, 32))


def small_page(entry: Expr, access: Access, context: Context) -> Walk:
    """The walk of a second-level descriptor that is 0 or a small page (B3.5.1), with SCTLR.AFE = 0 (v7_crval clears it).

    Of AP[2:0] a user may load with 010, 011, 110 and 111, and store with 011 (B3.7). A fetch needs the right to read, and XN
    clear. A large page, 01, is what set_pte_ext() never makes.
    """
    unreadable = none_of(entry, _AP1)
    denied = {
        Access.LOAD: unreadable,
        Access.STORE: or_(not_(all_of(entry, _AP1 | _AP0)), any_of(entry, _APX)),
        Access.FETCH: or_(unreadable, any_of(entry, _HW_XN)),
    }[access]
    return decide(("invalid", none_of(entry, _SMALL)), ("refused", denied), otherwise="leaf", frame=zext(entry, 64) >> PAGE_SHIFT)


def _linux(entry: Expr, access: Access, context: Context) -> Walk:
    return small_page(set_pte_ext(entry), access, context)


def _linux_view(name: str, *rows: Row) -> View:
    return view(name, *rows, width=32, source=f"{MANUAL}, B3.5.1; {_SET_PTE}")


_2_LEVEL: Final = {
    Level.PTE: HardwareLevel(
        Level.PTE,
        "Linux entry",
        {
            "leaf": _linux_view(
                "leaf",
                acts("PA", (31, 12), "small page base address"),
                acts("NONE", 11, "1: 0 is stored"),
                acts("S", 10, "shareable"),
                acts("XN", 9, "execute-never"),
                acts("USER", 8, "AP[1], and nG"),
                acts("RDONLY", 7, "AP[2], as a clean page has it"),
                acts("DIRTY", 6, "0: AP[2]"),
                ignored("5", 5, "not taken over"),
                acts("TEX[0]", 4, "memory type"),
                acts("C", 3, "memory type"),
                acts("B", 2, "memory type"),
                acts("YOUNG", 1, "0: 0 is stored"),
                acts("VALID", 0, "0: 0 is stored"),
            ),
            "invalid": _linux_view(
                "invalid", ignored("31:1", (31, 1)), acts("VALID", 0, "0: 0 is stored, which is a translation fault, whatever else there is")
            ),
        },
        _linux,
    )
}

_COMMON: Final = (
    "domains are clients (DACR): a table's domain, which the kernel uses against its own accesses (CPU_SW_DOMAIN_PAN), forbids a user nothing",
    "accesses are a user's, in Non-secure state, and without stage 2",
    "an entry stands for what a walk of it finds, as if no older one were left in the TLB",
)


def hardware(variant: str) -> Hardware:
    """The MMU in one of :data:`VARIANTS`."""
    if variant == "lpae":
        return Hardware(
            arch="arm",
            variant=variant,
            manual=MANUAL,
            levels=_LPAE,
            approximations=(
                "a bit that is UNK/SBZP has no effect; the manual only asks software to write it as zero",
                "the Contiguous bit is ignored: every descriptor is read alone",
                "rights of a table are checked entry by entry: one that forbids the access counts as refused",
                "level 1 is no level here: the kernel folds the pud into the pgd, whose entries are tables only",
                "the right to execute is not taken from what can be written: SCTLR.WXN and UWXN are 0",
                *_COMMON,
            ),
        )
    return Hardware(
        arch="arm",
        variant=variant,
        manual=MANUAL,
        levels=_2_LEVEL,
        approximations=(
            "the entry is Linux's, and the CPU one of ARMv7: other CPUs have a set_pte_ext of their own (arch/arm/mm/proc-*.S)",
            "the first level is no level here: the kernel folds the pmd into the pgd, a pair of whose entries are tables, and has no huge pages there",
            *_COMMON,
        ),
    )
