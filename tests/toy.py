"""A tiny architecture: 16-bit entries at pte and pmd, so that every entry can be tried.

    15-8 frame   7-5 ignored   4 L (a leaf, at pmd)   3 D   2 A   1 W   0 V

The MMU sets A on every access and D on a store.  The kernel keeps PROTNONE in bit 7, SPECIAL in bit 6 and SOFT_DIRTY in bit 5 of a leaf; a swap entry has its
offset in 15-8, its type in 6-2 and EXCLUSIVE in bit 1.  So a swap PMD with bit 2 of its type set looks like a leaf, which is a flaw the engine must find.
"""

from __future__ import annotations

from bitspec.expr import Expr, and_, any_of, bit, clear, const, eq, not_, trunc, zext
from bitspec.fields import View, acts, ignored, reserved, software, view
from bitspec.hardware import Access, Circumstance, Context, Hardware, HardwareLevel, Update, Walk, decide
from bitspec.layout import CONFIGS, Config, Kernel, Layout, LevelUse, SwapKind, by_name, definitions, helper, protections
from bitspec.vocabulary import Level

WIDTH = 16
V, W, A, D, L = 1, 2, 4, 8, 16
_SOURCE = "the toy manual"

# Hardware


def _view(name: str, leaf: str, low: int = 8) -> View:
    rows = [acts("frame", (15, low)), ignored("7:5", (7, 5)), acts("L", 4, leaf), acts("D", 3), acts("A", 2), acts("W", 1), acts("V", 0)]
    if low > 8:
        rows.append(reserved("low", (low - 1, 8), "reserved below a large frame"))
    return view(name, *rows, width=WIDTH, source=_SOURCE)


_INVALID = view("invalid", ignored("15:1", (15, 1)), acts("V", 0), width=WIDTH, source=_SOURCE)


def _walk_pte(entry: Expr, access: Access, context: Context) -> Walk:
    denied = not_(bit(entry, 1)) if access is Access.STORE else const(0, 1)
    return decide(("invalid", not_(bit(entry, 0))), ("refused", denied), otherwise="leaf", frame=zext(entry >> 8, 64))


def _walk_pmd(entry: Expr, access: Access, context: Context) -> Walk:
    denied = not_(bit(entry, 1)) if access is Access.STORE else const(0, 1)
    return decide(
        ("invalid", not_(bit(entry, 0))),
        ("reserved", and_(bit(entry, 4), any_of(entry, 0x300), context["CHECKED"])),
        ("refused", denied),
        ("leaf", bit(entry, 4)),
        otherwise="table",
        address=zext(clear(entry, 0xFF), 64),
        frame=zext(entry >> 8, 64),
    )


_UPDATES = (
    Update("A", lambda entry: bit(entry, 0), lambda entry: entry | A, _SOURCE),
    Update("D", lambda entry: and_(bit(entry, 0), bit(entry, 1)), lambda entry: entry | D, _SOURCE, Access.STORE),
)

HARDWARE = Hardware(
    arch="toy",
    variant="small",
    manual=_SOURCE,
    levels={
        Level.PTE: HardwareLevel(Level.PTE, "page entry", {"leaf": _view("leaf", "ignored here"), "invalid": _INVALID}, _walk_pte, _UPDATES),
        Level.PMD: HardwareLevel(
            Level.PMD, "directory entry", {"table": _view("table", "0"), "leaf": _view("leaf", "1", 10), "invalid": _INVALID}, _walk_pmd, _UPDATES
        ),
    },
    circumstances=(Circumstance("CHECKED", 1, "reserved bits fault", lambda on: on),),
)

# The kernel


def _leaf(low: int) -> View:
    return view(
        "leaf",
        acts("PFN", (15, low)),
        software("PROTNONE", 7, "inaccessible, while not valid"),
        software("SPECIAL", 6),
        software("SOFT_DIRTY", 5),
        acts("LEAF", 4),
        acts("DIRTY", 3),
        acts("YOUNG", 2),
        acts("WRITE", 1),
        acts("VALID", 0),
        width=WIDTH,
    )


_SWAP = view("swap", software("OFFSET", (15, 8)), software("TYPE", (6, 2)), software("EXCLUSIVE", 1), width=WIDTH)
_TABLE = view("table", acts("TABLE", (15, 8)), acts("BITS", (3, 0)), width=WIDTH)
_CITE = "toy.h"


@helper("pte_none pmd_none", _CITE)
def none(k: Kernel, entry: Expr) -> Expr:
    return eq(entry, 0)


@helper("pte_present pmd_present", _CITE)
def present(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["VALID", "PROTNONE"])


@helper("pmd_leaf pmd_trans_huge", _CITE)
def leaf(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["LEAF"])


@helper("pmd_bad", _CITE)
def bad(k: Kernel, entry: Expr) -> Expr:
    return not_(eq(entry & 0x1B, k["VALID", "WRITE", "DIRTY"]))


@helper("pte_protnone pmd_protnone", _CITE)
def protnone(k: Kernel, entry: Expr) -> Expr:
    return eq(entry & k["VALID", "PROTNONE"], k["PROTNONE"])


@helper("pte_young pmd_young", _CITE)
def young(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["YOUNG"])


@helper("pte_dirty pmd_dirty", _CITE)
def dirty(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["DIRTY"])


@helper("pte_write pmd_write", _CITE)
def write(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["WRITE"])


@helper("pte_soft_dirty pmd_soft_dirty", _CITE, needs="MEM_SOFT_DIRTY")
def soft_dirty(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["SOFT_DIRTY"])


@helper("pte_mkyoung pmd_mkyoung", _CITE)
def mkyoung(k: Kernel, entry: Expr) -> Expr:
    return entry | k["YOUNG"]


@helper("pte_mkold pmd_mkold", _CITE)
def mkold(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["YOUNG"])


@helper("pte_mkdirty pmd_mkdirty", _CITE)
def mkdirty(k: Kernel, entry: Expr) -> Expr:
    return entry | k["DIRTY"]


@helper("pte_mkclean pmd_mkclean", _CITE)
def mkclean(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["DIRTY"])


@helper("pte_mkwrite pmd_mkwrite", _CITE)
def mkwrite(k: Kernel, entry: Expr) -> Expr:
    return entry | k["WRITE"]


@helper("pte_wrprotect pmd_wrprotect", _CITE)
def wrprotect(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["WRITE"])


@helper("pte_mkspecial", _CITE)
def mkspecial(k: Kernel, entry: Expr) -> Expr:
    return entry | k["SPECIAL"]


@helper("pmd_mkhuge", _CITE)
def mkhuge(k: Kernel, entry: Expr) -> Expr:
    return entry | k["LEAF"]


@helper("pmd_mkinvalid", _CITE)
def mkinvalid(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["VALID"]) | k["PROTNONE"]


@helper("pte_pfn pmd_pfn", _CITE)
def pfn(k: Kernel, entry: Expr) -> Expr:
    return zext((entry & k["PFN"]) >> 8, 64)


@helper("pfn_pte pfn_pmd", _CITE)
def pfn_entry(k: Kernel, page: Expr, prot: Expr) -> Expr:
    return trunc(page << 8, WIDTH) & k["PFN"] | prot


@helper("pte_modify pmd_modify", _CITE)
def modify(k: Kernel, entry: Expr, prot: Expr) -> Expr:
    keep = k["PFN", "SPECIAL", "SOFT_DIRTY", "DIRTY", "YOUNG", "LEAF"]
    return entry & keep | clear(prot, keep)


@helper("pte_clear pmd_clear", _CITE)
def cleared(k: Kernel) -> Expr:
    return const(0, WIDTH)


@helper("pmd_populate", _CITE)
def populate(k: Kernel, table: Expr) -> Expr:
    return trunc(table, WIDTH) & 0xFF00 | (V | W | A | D)


@helper("__swp_type", _CITE)
def swp_type(k: Kernel, swp: Expr) -> Expr:
    return zext(k.field("TYPE").extract(trunc(swp, WIDTH)), 64)


@helper("__swp_offset", _CITE)
def swp_offset(k: Kernel, swp: Expr) -> Expr:
    return zext(k.field("OFFSET").extract(trunc(swp, WIDTH)), 64)


@helper("__swp_entry", _CITE)
def swp_entry(k: Kernel, kind: Expr, offset: Expr) -> Expr:
    return zext(k.field("TYPE").insert(kind, WIDTH) | k.field("OFFSET").insert(offset, WIDTH), 64)


@helper("__pte_to_swp_entry __pmd_to_swp_entry", _CITE)
def to_swp(k: Kernel, entry: Expr) -> Expr:
    return zext(entry, 64)


@helper("__swp_entry_to_pte __swp_entry_to_pmd", _CITE)
def from_swp(k: Kernel, swp: Expr) -> Expr:
    return trunc(swp, WIDTH)


@helper("pte_to_swp_entry", _CITE)
def pte_to_swp_entry(k: Kernel, entry: Expr) -> Expr:
    return k.__pte_to_swp_entry(k.swp_clear_exclusive(entry))


@helper("pmd_to_swp_entry", _CITE)
def pmd_to_swp_entry(k: Kernel, entry: Expr) -> Expr:
    return k.__pmd_to_swp_entry(entry)


@helper("pte_swp_exclusive", _CITE)
def swp_exclusive(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["EXCLUSIVE"])


@helper("pte_swp_mkexclusive", _CITE)
def swp_mkexclusive(k: Kernel, entry: Expr) -> Expr:
    return entry | k["EXCLUSIVE"]


@helper("pte_swp_clear_exclusive", _CITE)
def swp_clear_exclusive(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["EXCLUSIVE"])


_PROTECTIONS = protections({
    "VM_NONE": 1 << 7 | A,
    "VM_READ": V | A,
    "VM_WRITE|VM_READ": V | A,
    "VM_SHARED|VM_WRITE|VM_READ": V | W | A,
})  # fmt: skip

_KINDS = (
    SwapKind("swap", range(26), "slot", _CITE),
    SwapKind("hwpoison", range(26, 27), "pfn", _CITE),
    SwapKind("migration-read", range(27, 28), "pfn", _CITE),
    SwapKind("migration-read-exclusive", range(28, 29), "pfn", _CITE),
    SwapKind("migration-write", range(29, 30), "pfn", _CITE),
    SwapKind("marker", range(31, 32), "marker", _CITE),
)


def layout(config: Config = CONFIGS[0], hardware: Hardware = HARDWARE) -> Layout:
    """The toy kernel."""
    return Layout(
        hardware=hardware,
        release="linux-0.1",
        config=config,
        uses={
            Level.PTE: LevelUse({"leaf": _leaf(8), "swap": _SWAP}, 0, _PROTECTIONS, table_bits=8),
            Level.PMD: LevelUse({"table": _TABLE, "leaf": _leaf(10), "swap": _SWAP}, 2, _PROTECTIONS, table_bits=8),
        },
        helpers=by_name(definitions(globals())),
        kinds=_KINDS,
        pfn_bits=8,
        numbers={"PAGE_SHIFT": 8},
    )
