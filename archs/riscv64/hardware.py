"""The RISC-V MMU: Sv39, Sv48 and Sv57, with and without the extensions that give meaning to the upper bits of an entry.

Source: The RISC-V Instruction Set Manual, Volume II: Privileged Architecture, chapter "Supervisor-Level ISA", sections "Sv32" (the meaning
of the low bits, and "Virtual Address Translation Process", whose steps are counted here), "Sv39", "Sv48", "Sv57"; chapters "Svnapot", "Svpbmt",
"Svade" and "Svadu".

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

V, R, W, X, U, G, A, D = (1 << position for position in range(8))
N: Final = 1 << 63
PPN_SHIFT: Final = 10
PAGE_SHIFT: Final = 12
_PPN: Final = (1 << 54) - (1 << PPN_SHIFT)
_RESERVED: Final = (1 << 61) - (1 << 54)
"""Bits 60:54, reserved for future standard use."""
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
    """

    section: str
    svnapot: bool = True
    svpbmt: bool = True


VARIANTS: Final = {
    "sv48": Format("Sv48"),
    "sv39": Format("Sv39"),
    "sv57": Format("Sv57"),
    "sv48-base": Format("Sv48", svnapot=False, svpbmt=False),
}
"""The mode in satp.  ``-base`` is a CPU without Svnapot and Svpbmt, on which bits 63:61 are reserved as bits 60:54 are on all."""

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
    found = [any_of(entry, _RESERVED), and_(any_of(entry, W), none_of(entry, R))]
    found.append(all_of(entry, _PBMT) if form.svpbmt else any_of(entry, _PBMT))
    if form.svnapot and level is Level.PTE:
        low = bits(entry, PPN_SHIFT + _NAPOT_BITS - 1, PPN_SHIFT)
        found.append(and_(any_of(entry, N), ne(low, 1 << _NAPOT_BITS - 1)))
    else:
        found.append(any_of(entry, N))
    if level is not Level.PTE:
        found.append(ne(bits(entry, PPN_SHIFT + _order(level) - 1, PPN_SHIFT), 0))
    return or_(*found)


def _reserved_table(entry: Expr) -> Expr:
    """A pointer to a lower table sets one of D, A, U, or of bits 63:54, which are reserved there (Sv32, Sv39, Svnapot, Svpbmt); or W without R."""
    return any_of(entry, N | _PBMT | _RESERVED | D | A | U | W)


def _denied(entry: Expr, access: Access) -> Expr:
    """A user-mode access that the leaf's U and R, W, X forbid (step 5), with sstatus.MXR = 0."""
    return not_(all_of(entry, U | {Access.LOAD: R, Access.STORE: W, Access.FETCH: X}[access]))


def _unmarked(entry: Expr, access: Access, context: Context) -> Expr:
    """A is 0, or D is 0 and the access is a store, and the hardware does not set them (step 7)."""
    return and_(not_(context["ADUE"]), not_(all_of(entry, A | D if access is Access.STORE else A)))


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
        bad = ite(leaf, _reserved_leaf(form, level, entry), _reserved_table(entry))
        refused = and_(leaf, or_(_denied(entry, access), _unmarked(entry, access, context)))
        cases = (("invalid", none_of(entry, V)), ("reserved", bad), ("refused", refused))
        frame = _frame(form, level, entry)
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
    napot = acts("N", 63, "Svnapot: one of 16 PTEs that map 64 KiB alike") if form.svnapot and level is Level.PTE else reserved("N", 63)
    pbmt = acts("PBMT", (62, 61), "Svpbmt: 0 PMA, 1 NC, 2 IO; 3 is reserved") if form.svpbmt else reserved("PBMT", (62, 61))
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
        source=f"{MANUAL}, {form.section}",
    )


def _table_view(form: Format) -> View:
    return view(
        "table",
        reserved("63:54", (63, 54)),
        acts("PPN", (53, PPN_SHIFT), "the lower table"),
        ignored("RSW", (9, 8), "reserved for supervisor software"),
        reserved("D", 7),
        reserved("A", 6),
        acts("G", 5, "global, for all below"),
        reserved("U", 4),
        acts("X", 3, "0, with W and R: this entry points to a table"),
        acts("W", 2),
        acts("R", 1),
        acts("V", 0, "valid"),
        source=f"{MANUAL}, {form.section}",
    )


_INVALID: Final = view("invalid", ignored("63:1", (63, 1)), acts("V", 0, "0: all else is ignored"), source=f"{MANUAL}, Sv32")


def _level(form: Format, level: Level) -> HardwareLevel:
    tables = {} if level is Level.PTE else {"table": _table_view(form)}
    name = f"level {_order(level) // 9} PTE"
    return HardwareLevel(level, name, {"invalid": _INVALID, **tables, "leaf": _leaf_view(form, level)}, _walker(form, level), _UPDATES)


def hardware(variant: str) -> Hardware:
    """The MMU in one of :data:`VARIANTS`."""
    form = VARIANTS[variant]
    return Hardware(
        arch="riscv64",
        variant=variant,
        manual=MANUAL,
        levels={level: _level(form, level) for level in Level},
        circumstances=(ADUE,),
        approximations=(
            "all faults are page faults: what a reserved bit or encoding, or a misaligned superpage, causes counts as reserved",
            "D, A and U of a pointer to a table are taken to fault when set, as step 3 has it of what is reserved; their own text only asks to clear them",
            "physical addresses have 56 bits: an access fault of PMA or PMP, for what a CPU does not have, is not modelled",
            "sstatus.MXR is 0, as Linux has it, and menvcfg.SSE is 0 (Zicfiss): W without R is reserved",
            "a NAPOT PTE is read alone: that the 16 of a region agree is not asked",
            "G-stage translation (the hypervisor extension) is not modelled",
        ),
    )
