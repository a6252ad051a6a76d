"""The MMU of 32-bit x86: PAE paging, and 32-bit paging.

Sources: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 3A (SDM), chapter 4 "Paging" (5 in editions since 2024): section 4.3 (32-bit
paging) and tables 4-4 to 4-6 (formats of entries), 4.4 (PAE paging) and tables 4-9 to 4-11, 4.6 (access rights), 4.7 (page-fault exceptions, reserved
bits), 4.8 (accessed and dirty flags), 4.1.4 (what of it a processor has). AMD's manual (24593, volume 2, sections 5.2, 5.4 to 5.6) has the same formats,
with NX for XD.

With PAE an entry has 64 bits: a PTE maps 4 KB (table 4-11); a PDE maps 2 MB (4-9) or references a page table (4-10). With 32-bit paging it has 32: a PTE
maps 4 KB (4-6); a PDE, which is the kernel's folded pmd, maps 4 MB (4-4) or references a page table (4-5).
"""

from __future__ import annotations

from typing import Final

from bitspec.expr import Expr, all_of, and_, any_of, bit, const, ite, ne, not_, or_, uge, ule, ult, zext
from bitspec.fields import Row, View, acts, ignored, reserved, view
from bitspec.hardware import Access, Circumstance, Context, Hardware, HardwareLevel, Update, Walk, Walker, decide
from bitspec.vocabulary import Level

MANUAL: Final = "Intel SDM vol. 3A, chapter 4"

VARIANTS: Final = ("pae", "2-level", "pae-knl")
"""``pae-knl`` is a Xeon Phi x200 with a PAE kernel: erratum KNL4, no L1TF. A kernel without PAE refuses to boot there (arch/x86/boot/cpucheck.c)."""

P, RW, US, A, D, PS, XD = 1 << 0, 1 << 1, 1 << 2, 1 << 5, 1 << 6, 1 << 7, 1 << 63

_NARROWEST: Final = 32
"""Physical address bits of the first processors; those with PAE have 36 at least (SDM 4.1.4)."""


def _maxphyaddr(least: int) -> Circumstance:
    return Circumstance(
        "MAXPHYADDR",
        6,
        "physical address bits of the CPU; entry bits above it are reserved (SDM 4.1.4). Linux: boot_cpu_data.x86_phys_bits",
        lambda width: and_(uge(width, least), ule(width, 52)),
    )


NXE: Final = Circumstance(
    "NXE",
    1,
    "EFER.NXE: bit 63 means execute-disable instead of reserved (SDM 4.1.3). Linux sets it where the CPU has it, and takes _PAGE_NX out of "
    "__supported_pte_mask where not (arch/x86/kernel/setup.c: x86_configure_nx)",
    lambda on: on,
)
PSE: Final = Circumstance(
    "PSE",
    1,
    "CR4.PSE: a PDE with PS maps 4 MB; without, PS is ignored (SDM 4.3, table 4-5). Linux sets it where the CPU has it (arch/x86/mm/init.c: "
    "probe_page_size_mask), and has no huge pages where not (has_transparent_hugepage(), hugepages_supported())",
    lambda on: on,
)
PSE36: Final = Circumstance(
    "PSE36",
    1,
    "CPUID.01H:EDX[17]: bits of a PDE that maps 4 MB are address bits from 32 up, to MAXPHYADDR or 40, instead of reserved (SDM 4.1.4, table 4-4). "
    "Linux without PAE has no memory there (arch/x86/kernel/e820.c: MAX_ARCH_PFN)",
)


def _one(context: Context) -> Expr:
    """2^MAXPHYADDR."""
    return const(1, 64) << zext(context["MAXPHYADDR"], 64)


def _denied(entry: Expr, access: Access) -> Expr:
    """A user-mode access that this entry's rights forbid (SDM 4.6.1). A fetch is forbidden by XD as well, which 32-bit paging is without."""
    user = not_(bit(entry, 2))
    if access is Access.STORE:
        return or_(user, not_(bit(entry, 1)))
    return or_(user, bit(entry, 63)) if access is Access.FETCH and entry.width == 64 else user


# PAE paging


def _reserved(entry: Expr, context: Context, below: int) -> Expr:
    """A reserved bit is set: from MAXPHYADDR to 62, XD without NXE, one of `below`, the bits under a large frame (SDM 4.4.2)."""
    high = ~(_one(context) - 1) & ((1 << 63) - 1)
    return or_(ne(entry & high, 0), and_(bit(entry, 63), not_(context["NXE"])), any_of(entry, below))


def _address(entry: Expr, low: int) -> Expr:
    return entry & ((1 << 52) - (1 << low))


def _pae_pte(entry: Expr, access: Access, context: Context) -> Walk:
    """Only P is looked at in an entry that is not present; a reserved bit faults whatever the access is (4.7). An old leaf translates like a young one."""
    return decide(
        ("invalid", not_(bit(entry, 0))),
        ("reserved", _reserved(entry, context, 0)),
        ("refused", _denied(entry, access)),
        otherwise="leaf",
        frame=_address(entry, 12) >> 12,
    )


def _pae_pde(entry: Expr, access: Access, context: Context) -> Walk:
    """A PDE, with PS or without; CR4.PSE does not matter here (SDM 4.4)."""
    big = bit(entry, 7)
    below = (1 << 21) - (1 << 13)  # bit 12 is PAT
    return decide(
        ("invalid", not_(bit(entry, 0))),
        ("reserved", ite(big, _reserved(entry, context, below), _reserved(entry, context, 0))),
        ("refused", _denied(entry, access)),
        ("leaf", big),
        otherwise="table",
        address=_address(entry, 12),
        frame=_address(entry, 21) >> 12,
    )


# 32-bit paging


def _pte(entry: Expr, access: Access, context: Context) -> Walk:
    """A PTE has no reserved bits on a processor that has PAT (SDM 4.3)."""
    return decide(("invalid", not_(bit(entry, 0))), ("refused", _denied(entry, access)), otherwise="leaf", frame=zext(entry, 64) >> 12)


def _width(context: Context) -> Expr:
    """M of table 4-4: bits of the physical address of a 4-MB page."""
    width = zext(context["MAXPHYADDR"], 32)
    return ite(context["PSE36"], ite(ult(width, 40), width, const(40, 32)), const(32, 32))


def _pde(entry: Expr, access: Access, context: Context) -> Walk:
    """A PDE; PS counts with CR4.PSE only, and with it bits 21 down to M-19 are reserved."""
    big = and_(bit(entry, 7), context["PSE"])
    bad = const(1 << 22, 32) - (const(1, 32) << (_width(context) - 19))
    high = zext(entry >> 13 & 0xFF, 64) << 32
    return decide(
        ("invalid", not_(bit(entry, 0))),
        ("reserved", and_(big, ne(entry & bad, 0))),
        ("refused", _denied(entry, access)),
        ("leaf", big),
        otherwise="table",
        address=zext(entry & 0xFFFFF000, 64),
        frame=(high | zext(entry & 0xFFC00000, 64)) >> 12,
    )


# The entries


def _common(*, leaf: bool) -> tuple[Row, ...]:
    """Bits 6 to 0 of a present entry."""
    return (
        acts("D", 6, "dirty, set by a store") if leaf else ignored("6", 6),
        acts("A", 5, "accessed, set by any access"),
        acts("PCD", 4, "cache disable"),
        acts("PWT", 3, "write-through"),
        acts("U/S", 2, "user-mode access permitted"),
        acts("R/W", 1, "stores permitted"),
        acts("P", 0, "present"),
    )


_GLOBAL: Final = acts("G", 8, "global, where CR4.PGE is set")
_PAT: Final = "memory type, with PWT and PCD"
_XD: Final = acts("XD", 63, "execute-disable; reserved without NXE")
_HIGH: Final = reserved("62:52", (62, 52))

_PAE_PTE: Final = view(
    "leaf",
    _XD,
    _HIGH,
    acts("address", (51, 12), "page frame; bits from MAXPHYADDR up are reserved"),
    ignored("11:9", (11, 9)),
    _GLOBAL,
    acts("PAT", 7, _PAT),
    *_common(leaf=True),
    source=f"{MANUAL}, table 4-11",
)
_PAE_LARGE: Final = view(
    "leaf",
    _XD,
    _HIGH,
    acts("address", (51, 21), "page frame; bits from MAXPHYADDR up are reserved"),
    reserved("20:13", (20, 13), "reserved below a large frame"),
    acts("PAT", 12, _PAT),
    ignored("11:9", (11, 9)),
    _GLOBAL,
    acts("PS", 7, "1: this entry maps a page"),
    *_common(leaf=True),
    source=f"{MANUAL}, table 4-9",
)
_PAE_TABLE: Final = view(
    "table",
    acts("XD", 63, "execute-disable for all below; reserved without NXE"),
    _HIGH,
    acts("address", (51, 12), "the lower table; bits from MAXPHYADDR up are reserved"),
    ignored("11:8", (11, 8)),
    acts("PS", 7, "0: this entry leads to a table"),
    *_common(leaf=False),
    source=f"{MANUAL}, table 4-10",
)

_PTE: Final = view(
    "leaf",
    acts("address", (31, 12), "page frame"),
    ignored("11:9", (11, 9)),
    _GLOBAL,
    acts("PAT", 7, _PAT),
    *_common(leaf=True),
    width=32,
    source=f"{MANUAL}, table 4-6",
)
_LARGE: Final = view(
    "leaf",
    acts("address", (31, 22), "page frame"),
    reserved("21", 21),
    acts("address, high", (20, 13), "address bits 39:32, with PSE-36; those from MAXPHYADDR up are reserved"),
    acts("PAT", 12, _PAT),
    ignored("11:9", (11, 9)),
    _GLOBAL,
    acts("PS", 7, "1: this entry maps a page, where CR4.PSE is set"),
    *_common(leaf=True),
    width=32,
    source=f"{MANUAL}, table 4-4",
)
_TABLE: Final = view(
    "table",
    acts("address", (31, 12), "the lower table"),
    ignored("11:8", (11, 8)),
    acts("PS", 7, "0: this entry leads to a table; ignored without CR4.PSE"),
    *_common(leaf=False),
    width=32,
    source=f"{MANUAL}, table 4-5",
)


def _invalid(width: int) -> View:
    name = f"{width - 1}:1"
    return view(
        "invalid",
        ignored(name, (width - 1, 1)),
        acts("P", 0, "0: not present, all else ignored"),
        width=width,
        source=f"{MANUAL}, figure {'4-7' if width == 64 else '4-4'}",
    )


_INVALID_KNL: Final = view(
    "invalid",
    ignored("63:7", (63, 7)),
    acts("D", 6, "may be set by the CPU: erratum KNL4"),
    acts("A", 5, "may be set by the CPU: erratum KNL4"),
    ignored("4:1", (4, 1)),
    acts("P", 0, "0: not present"),
    source="Intel Xeon Phi x200 specification update, erratum KNL4",
)

# What the MMU writes


def _accessed(entry: Expr) -> Expr:
    return entry | A


def _dirty(entry: Expr) -> Expr:
    return entry | D


def _stray(entry: Expr) -> Expr:
    return not_(bit(entry, 0))


_ACCESSED: Final = Update("A", lambda entry: bit(entry, 0), _accessed, "SDM 4.8")
_KNL: Final = (
    Update("A_not_present", _stray, _accessed, "erratum KNL4"),
    Update("D_not_present", _stray, _dirty, "erratum KNL4"),
)


def _dirties(large: bool) -> Update:
    """D, set by a store in a leaf. A processor without shadow stacks may set it where R/W is 0, if rarely (SDM 4.8)."""
    wanted = P | (PS if large else 0)
    return Update("D", lambda entry: all_of(entry, wanted), _dirty, "SDM 4.8", Access.STORE)


def _levels(variant: str) -> dict[Level, HardwareLevel]:
    """PTE and PDE."""
    if variant == "2-level":
        pte: tuple[dict[str, View], Walker] = ({"leaf": _PTE, "invalid": _invalid(32)}, _pte)
        pde: tuple[dict[str, View], Walker] = ({"table": _TABLE, "leaf": _LARGE, "invalid": _invalid(32)}, _pde)
    else:
        invalid = _INVALID_KNL if variant == "pae-knl" else _invalid(64)
        pte = ({"leaf": _PAE_PTE, "invalid": invalid}, _pae_pte)
        pde = ({"table": _PAE_TABLE, "leaf": _PAE_LARGE, "invalid": invalid}, _pae_pde)
    errata = _KNL if variant == "pae-knl" else ()
    return {
        Level.PTE: HardwareLevel(Level.PTE, "PTE", *pte, (_ACCESSED, _dirties(large=False), *errata)),
        Level.PMD: HardwareLevel(Level.PMD, "PDE", *pde, (_ACCESSED, _dirties(large=True), *errata)),
    }


def _speculated(entry: Expr, context: Context) -> tuple[Expr, Expr]:
    """L1TF: a load through a not-present entry may go to the address in it (Intel, "L1 Terminal Fault", INTEL-SA-00161).

    The cache compares as many address bits as boot_cpu_data.x86_cache_bits counts, which stands for MAXPHYADDR here.
    """
    size = _one(context)
    return zext(entry, 64) & (size - 1) & ~const(0xFFF, 64), size >> 1


def _addressable(address: Expr, context: Context) -> Expr:
    return not_(ne(zext(address, 64) & ~(_one(context) - 1), 0))


_BOTH: Final = (
    "PAT is assumed to exist (CPUID.01H:EDX[16]): without it the PAT bit is reserved, and Linux does not set it",
    "SMAP, SMEP and shadow-stack accesses are not modelled",
    "hierarchical rights are checked entry by entry: a table entry that forbids the access counts as refused",
)
_OF_PAE: Final = (
    *_BOTH,
    "the PDPTE is no level here: the kernel folds it, and the processor takes the four of them into registers when CR3 is loaded (SDM 4.4.1)",
)
_OF_2_LEVEL: Final = (
    *_BOTH,
    "any CPU may have L1TF here; those that have it have 36 physical address bits or more",
)


def hardware(variant: str) -> Hardware:
    """The MMU in one of :data:`VARIANTS`."""
    flat = variant == "2-level"
    return Hardware(
        arch="x86_32",
        variant=variant,
        manual=MANUAL,
        levels=_levels(variant),
        circumstances=(_maxphyaddr(_NARROWEST), PSE, PSE36) if flat else (_maxphyaddr(36), NXE),
        addressable=_addressable,
        speculated=None if variant == "pae-knl" else _speculated,  # NO_L1TF in arch/x86/kernel/cpu/common.c: cpu_vuln_whitelist
        approximations=_OF_2_LEVEL if flat else _OF_PAE,
    )
