"""The RISC-V MMU: Sv39, Sv48 and Sv57, with and without the extensions that give meaning to the upper bits of an entry; and T-Head's.

Source: The RISC-V Instruction Set Manual, Volume II: Privileged Architecture, chapter "Supervisor-Level ISA", sections "Sv32" (the meaning
of the low bits, and "Virtual Address Translation Process", whose steps are counted here), "Sv39", "Sv48", "Sv57"; chapters "Svnapot", "Svpbmt",
"Svrsw60t59b", "Svade" and "Svadu".  Svade and Svadu are no variants: a walk is asked about with both, as the circumstance ADUE.

XTheadMaee of T-Head's C906 and C910 is older than Svnapot and Svpbmt, and takes their bits for memory types of its own (T-Head Extension Specification,
"XTheadMaee", which says so).  Sources: that; the C906 User Manual (openc906, 2024-06-27), 5.2.2 "Address translation", and the C910 User Manual
(openc910, 2024-06-27), 6.2.4.5 "MMU EntryLo" (SMEL), for SO, C, B, SH and Sec, and that A and D raise page faults; for what the manuals leave
open, which bits make a walk fault and which are ignored, the published core: openc910, C910_RTL_FACTORY/gen_rtl/mmu/rtl/ct_mmu_ptw.v.

An entry of a page table is a PTE at every level.  The manual counts levels from the leaves: pte is its level 0, pmd level 1, pud level 2.  All three
exist in every mode, and have the same format in each: Sv39 has level 2 as its root, Sv48 and Sv57 put one and two levels on top.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bitspec.expr import Expr, all_of, and_, any_of, bits, const, ite, ne, none_of, not_, or_
from bitspec.fields import Row, View, acts, ignored, reserved, view
from bitspec.hardware import Access, Circumstance, Context, Hardware, HardwareLevel, Update, Walk, Walker, decide
from bitspec.vocabulary import Level

MANUAL: Final = "RISC-V ISA Manual, volume II: Privileged Architecture"
THEAD: Final = "T-Head C906 User Manual (openc906)"

V, R, W, X, U, G, A, D = (1 << position for position in range(8))
N: Final = 1 << 63
PPN_SHIFT: Final = 10
PAGE_SHIFT: Final = 12
_PPN: Final = (1 << 54) - (1 << PPN_SHIFT)
_RESERVED: Final = (1 << 61) - (1 << 54)
"""Bits 60:54, reserved for future standard use."""
_RSW60T59: Final = 3 << 59
"""Of these, the ones that Svrsw60t59b gives to software, in every PTE."""
_PBMT: Final = 3 << 61
_NAPOT_BITS: Final = 4
"""The one NAPOT size: 64 KiB, its PTE's PPN ending in 1000."""


@dataclass(frozen=True)
class Format:
    """What a variant fixes.

    Attributes:
        section: the manual's section on the mode.
        svnapot: bit 63 of a level 0 leaf is N; else it is reserved.
        svpbmt: bits 62:61 of a leaf are PBMT, with menvcfg.PBMTE set; else they are reserved.
        svrsw60t59b: bits 60:59 of every entry are software's; else they are reserved.
        thead: a CPU of T-Head's with mxstatus.MAEE set, which has none of these extensions.
    """

    section: str
    svnapot: bool = True
    svpbmt: bool = True
    svrsw60t59b: bool = False
    thead: bool = False

    @property
    def source(self) -> str:
        """The manual and its section."""
        return f"{THEAD}, 5.2.2" if self.thead else f"{MANUAL}, {self.section}"

    @property
    def reserved(self) -> int:
        """The bits among 60:54 that fault."""
        return _RESERVED & ~_RSW60T59 if self.svrsw60t59b else _RESERVED


VARIANTS: Final = {
    "sv48": Format("Sv48"),
    "sv39": Format("Sv39"),
    "sv57": Format("Sv57"),
    "sv48-base": Format("Sv48", svnapot=False, svpbmt=False),
    "sv48-svrsw60t59b": Format("Sv48", svrsw60t59b=True),
    "sv39-thead": Format("Sv39", svnapot=False, svpbmt=False, thead=True),
}
"""The mode in satp.  ``-base`` is a CPU without Svnapot and Svpbmt, on which bits 63:61 are reserved as bits 60:54 are on all that lack
Svrsw60t59b; ``-thead`` is a C906 or C910, which has no other mode.
"""

ADUE: Final = Circumstance(
    "ADUE",
    1,
    "menvcfg.ADUE: hardware sets A and D (Svadu) instead of raising a page fault (Svade). Firmware chooses; Linux runs with either",
)


def _order(level: Level) -> int:
    """log2 of the base pages that a leaf of this level maps."""
    return 9 * (Level.PTE, Level.PMD, Level.PUD).index(level)


# The walk


def _is_leaf(entry: Expr) -> Expr:
    return any_of(entry, R | X)


def _reserved_leaf(form: Format, level: Level, entry: Expr) -> Expr:
    """A leaf sets something that is reserved for future standard use (step 3), or is a misaligned superpage (step 6)."""
    found = [any_of(entry, form.reserved), and_(any_of(entry, W), none_of(entry, R))]
    found.append(all_of(entry, _PBMT) if form.svpbmt else any_of(entry, _PBMT))
    if form.svnapot and level is Level.PTE:
        low = bits(entry, PPN_SHIFT + _NAPOT_BITS - 1, PPN_SHIFT)
        found.append(and_(any_of(entry, N), ne(low, 1 << _NAPOT_BITS - 1)))
    else:
        found.append(any_of(entry, N))
    if level is not Level.PTE:
        found.append(ne(bits(entry, PPN_SHIFT + _order(level) - 1, PPN_SHIFT), 0))
    return or_(*found)


def _reserved_table(form: Format, entry: Expr) -> Expr:
    """A pointer to a lower table sets one of D, A, U, or of bits 63:54, which are reserved there (Sv32, Sv39, Svnapot, Svpbmt) but for what
    Svrsw60t59b frees; or W without R.
    """
    return any_of(entry, N | _PBMT | form.reserved | D | A | U | W)


def _denied(entry: Expr, access: Access) -> Expr:
    """A user-mode access that the leaf's U and R, W, X forbid (step 5), with sstatus.MXR = 0."""
    return not_(all_of(entry, U | {Access.LOAD: R, Access.STORE: W, Access.FETCH: X}[access]))


def _unmarked(entry: Expr, access: Access) -> Expr:
    """A is 0, or D is 0 and the access is a store."""
    return not_(all_of(entry, A | D if access is Access.STORE else A))


def _frame(form: Format, level: Level, entry: Expr) -> Expr:
    """The first base page: of a NAPOT PTE, that of its 64 KiB, as the low PPN bits come from the virtual address (Svnapot)."""
    ppn = (entry & _PPN) >> PPN_SHIFT
    if form.svnapot and level is Level.PTE:
        return ite(any_of(entry, N), ppn & ~const((1 << _NAPOT_BITS) - 1, 64), ppn)
    return ppn


def _walker(form: Format, level: Level) -> Walker:
    """The walk at one level ("Virtual Address Translation Process").  A pointer at level 0 leads nowhere, and faults (step 4)."""

    def walk(entry: Expr, access: Access, context: Context) -> Walk:
        leaf = _is_leaf(entry)
        bad = ite(leaf, _reserved_leaf(form, level, entry), _reserved_table(form, entry))
        refused = and_(leaf, or_(_denied(entry, access), and_(not_(context["ADUE"]), _unmarked(entry, access))))  # step 7
        cases = (("invalid", none_of(entry, V)), ("reserved", bad), ("refused", refused))
        frame = _frame(form, level, entry)
        if level is Level.PTE:
            return decide(*cases, ("invalid", not_(leaf)), otherwise="leaf", frame=frame)
        return decide(*cases, ("table", not_(leaf)), otherwise="leaf", address=(entry & _PPN) << PAGE_SHIFT - PPN_SHIFT, frame=frame)

    return walk


def _thead_walker(level: Level) -> Walker:
    """The walk of a C910 (ct_mmu_ptw.v: ptw_page_flt): W without R faults at every level, and a superpage must be aligned; no other bit is reserved, in a
    leaf or in a pointer.
    """

    def walk(entry: Expr, access: Access, context: Context) -> Walk:
        leaf = _is_leaf(entry)
        bad = and_(any_of(entry, W), none_of(entry, R))
        if level is not Level.PTE:
            bad = or_(bad, and_(leaf, ne(bits(entry, PPN_SHIFT + _order(level) - 1, PPN_SHIFT), 0)))
        refused = and_(leaf, or_(_denied(entry, access), _unmarked(entry, access)))
        cases = (("invalid", none_of(entry, V)), ("reserved", bad), ("refused", refused))
        frame = (entry & _PPN) >> PPN_SHIFT
        if level is Level.PTE:
            return decide(*cases, ("invalid", not_(leaf)), otherwise="leaf", frame=frame)
        return decide(*cases, ("table", not_(leaf)), otherwise="leaf", address=(entry & _PPN) << PAGE_SHIFT - PPN_SHIFT, frame=frame)

    return walk


_UPDATES: Final = (
    Update("A", lambda entry: and_(all_of(entry, V), _is_leaf(entry)), lambda entry: entry | A, "Svadu; Sv32: A may be set by speculation"),
    Update("D", lambda entry: all_of(entry, V | R | W), lambda entry: entry | D, "Svadu; Sv32: D is set exactly", Access.STORE),
)
"""What Svadu writes: in valid leaves alone."""


# The fields


def _upper(form: Format, level: Level) -> list[Row]:
    """Bits 63:54 of a leaf."""
    if form.thead:
        return [
            acts("SO", 63, "strong order: a device"),
            acts("C", 62, "cacheable"),
            acts("B", 61, "bufferable"),
            acts("SH", 60, "shareable"),
            acts("Sec", 59, "trustable: for a CPU with a TEE"),
            ignored("58:54", (58, 54)),
        ]
    napot = acts("N", 63, "Svnapot: one of 16 PTEs that map 64 KiB alike") if form.svnapot and level is Level.PTE else reserved("N", 63)
    pbmt = acts("PBMT", (62, 61), "Svpbmt: 0 PMA, 1 NC, 2 IO; 3 is reserved") if form.svpbmt else reserved("PBMT", (62, 61))
    if form.svrsw60t59b:
        return [napot, pbmt, ignored("RSW 60:59", (60, 59), "Svrsw60t59b: reserved for supervisor software"), reserved("58:54", (58, 54))]
    return [napot, pbmt, reserved("60:54", (60, 54))]


def _leaf_view(form: Format, level: Level) -> View:
    low = PPN_SHIFT + _order(level)
    return view(
        "leaf",
        *_upper(form, level),
        acts("PPN", (53, low), "physical page number"),
        *([reserved("PPN low", (low - 1, PPN_SHIFT), "must be zero: else a misaligned superpage")] if low > PPN_SHIFT else []),
        ignored("RSW", (9, 8), "reserved for supervisor software"),
        acts("D", 7, "dirty"),
        acts("A", 6, "accessed"),
        acts("G", 5, "global"),
        acts("U", 4, "accessible in user mode"),
        acts("X", 3, "fetches permitted"),
        acts("W", 2, "stores permitted; reserved without R"),
        acts("R", 1, "loads permitted"),
        acts("V", 0, "valid"),
        source=form.source,
    )


def _table_upper(form: Format) -> list[Row]:
    """Bits 63:54 of a pointer."""
    if form.thead:
        return [ignored("63:54", (63, 54))]
    if form.svrsw60t59b:
        return [
            reserved("63:61", (63, 61)),
            ignored("RSW 60:59", (60, 59), "Svrsw60t59b: reserved for supervisor software"),
            reserved("58:54", (58, 54)),
        ]
    return [reserved("63:54", (63, 54))]


def _table_view(form: Format) -> View:
    unused = ignored if form.thead else reserved
    return view(
        "table",
        *_table_upper(form),
        acts("PPN", (53, PPN_SHIFT), "the lower table"),
        ignored("RSW", (9, 8), "reserved for supervisor software"),
        unused("D", 7),
        unused("A", 6),
        acts("G", 5, "global, for all below"),
        unused("U", 4),
        acts("X", 3, "0, with W and R: this entry points to a table"),
        acts("W", 2),
        acts("R", 1),
        acts("V", 0, "valid"),
        source=form.source,
    )


_INVALID: Final = view("invalid", ignored("63:1", (63, 1)), acts("V", 0, "0: all else is ignored"), source=f"{MANUAL}, Sv32")


def _level(form: Format, level: Level) -> HardwareLevel:
    tables = {} if level is Level.PTE else {"table": _table_view(form)}
    name = f"level {_order(level) // 9} PTE"
    views = {"invalid": _INVALID, **tables, "leaf": _leaf_view(form, level)}
    if form.thead:
        return HardwareLevel(level, name, views, _thead_walker(level), ())
    return HardwareLevel(level, name, views, _walker(form, level), _UPDATES)


_SHARED: Final = (
    "all faults are page faults: what a reserved bit or encoding, or a misaligned superpage, causes counts as reserved",
    "physical addresses have 56 bits: an access fault of PMA or PMP, for what a CPU does not have, is not modelled",
)
_STANDARD: Final = (
    _SHARED[0],
    "D, A and U of a pointer to a table are taken to fault when set, as step 3 has it of what is reserved; their own text only asks to clear them",
    _SHARED[1],
    "sstatus.MXR is 0, as Linux has it, and menvcfg.SSE is 0 (Zicfiss): W without R is reserved",
    "a NAPOT PTE is read alone: that the 16 of a region agree is not asked",
    "G-stage translation (the hypervisor extension) is not modelled",
)
_THEAD: Final = (
    *_SHARED,
    "the published C910 has 40 bits of a physical address, and does not look at bits 53:38; frames there do not exist",
    "sstatus.MXR is 0, as Linux has it",
    "what a memory type does is not modelled: a leaf of any type translates",
    "mxstatus.MAEE is 1: with 0 the upper bits are ignored; linux-6.12 asks before it uses them (errata_probe_mae), linux-6.1 takes it for granted",
)


def hardware(variant: str) -> Hardware:
    """The MMU in one of :data:`VARIANTS`."""
    form = VARIANTS[variant]
    return Hardware(
        arch="riscv64",
        variant=variant,
        manual=THEAD if form.thead else MANUAL,
        levels={level: _level(form, level) for level in Level},
        circumstances=() if form.thead else (ADUE,),
        approximations=_THEAD if form.thead else _STANDARD,
    )
