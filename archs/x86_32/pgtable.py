"""What 32-bit x86 kernels read alike in linux-6.1 and linux-6.12, with PAE and without: the fields of present entries, most helpers, the protections.

The releases differ in the swap codec, and in what the newer one does about dirty: since v6.6 a write-protected entry keeps it in a bit of the kernel's own.

With PAE an entry has 64 bits and a ``swp_entry_t`` 32, so that ``__swp_entry_to_pte()`` is an encoding of its own. Both variants have transparent huge
pages; without PAE the pmd is the folded pgd, and a huge page has 4 MB. Of what x86-64 has, Kconfig leaves out: soft-dirty, userfaultfd
write-protection, NUMA balancing, device memory, the migration of huge pages, protection keys.

A page frame number has as many bits as with SPARSEMEM. With FLATMEM, which alone goes with memory failure, a migration entry of PAE has all 26 bits of the
offset for it, and carries no age: a case of what is asked about here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from archs import linux
from bitspec.expr import Expr, all_of, and_, any_of, bit, clear, const, eq, ite, ne, none_of, not_, trunc, ult, zext
from bitspec.fields import Row, View, acts, software, view
from bitspec.hardware import Context, Hardware
from bitspec.layout import (
    Config,
    Definition,
    Kernel,
    Layout,
    LevelUse,
    Provenance,
    SwapKind,
    by_name,
    definitions,
    helper,
    protections,
)
from bitspec.vocabulary import Level

PGTABLE: Final = "arch/x86/include/asm/pgtable.h"
TYPES: Final = "arch/x86/include/asm/pgtable_types.h"
CODEC: Final = "arch/x86/include/asm/pgtable-{2,3}level.h"
SOURCES: Final = (PGTABLE, TYPES, CODEC, "arch/x86/include/asm/pgtable-invert.h", "arch/x86/mm/pgprot.c")
PAGE_SHIFT: Final = 12
BOTH: Final = "pte_{0} pmd_{0}"

_ADDRESS: Final = {64: (1 << 52) - (1 << 12), 32: (1 << 32) - (1 << 12)}
"""PTE_PFN_MASK by an entry's width: PHYSICAL_PAGE_MASK."""


def supported(config: Config) -> Config:
    """What a 32-bit kernel can be configured with (arch/x86/Kconfig)."""
    return Config(config.name, config.options & {"MIGRATION", "MEMORY_FAILURE"})


def pae(hardware: Hardware) -> bool:
    """CONFIG_X86_PAE."""
    return hardware.variant != "2-level"


# Fields


def _leaf(level: Level, wide: bool, *more: Row) -> View:
    low = 12 if level is Level.PTE else 21 if wide else 22
    pat = acts("_PAGE_PAT", 7, "PAT") if level is Level.PTE else acts("_PAGE_PAT_LARGE", 12, "PAT")
    return view(
        "leaf",
        *([acts("_PAGE_NX", 63, "XD")] if wide else []),
        acts("PFN", (51 if wide else 31, low), "the frame; stored inverted while not present" if wide else "the frame"),
        *more,
        software("_PAGE_SPECIAL", 9, "no struct page"),
        acts("_PAGE_PROTNONE", 8, "G; while not present: prot-none"),
        *([] if level is Level.PTE else [acts("_PAGE_PSE", 7, "PS")]),
        pat,
        acts("_PAGE_DIRTY", 6, "D"),
        acts("_PAGE_ACCESSED", 5, "A"),
        acts("_PAGE_PCD", 4, "PCD"),
        acts("_PAGE_PWT", 3, "PWT"),
        acts("_PAGE_USER", 2, "U/S"),
        acts("_PAGE_RW", 1, "R/W"),
        acts("_PAGE_PRESENT", 0, "P"),
        width=64 if wide else 32,
        source=TYPES,
    )


def _table(wide: bool) -> View:
    return view(
        "table",
        acts("TABLE", (51 if wide else 31, 12), "the lower table"),
        acts("_PAGE_TABLE", [6, 5, 2, 1, 0], "P R/W U/S A D"),
        width=64 if wide else 32,
        source=TYPES,
    )


def swap_view(wide: bool, *more: Row) -> View:
    """The view of a swap entry."""
    if wide:
        rows = (
            software("SWP_TYPE", (63, 59), "swap type"),
            software("SWP_OFFSET", (58, 9), "swap offset of 27 bits, inverted against L1TF: the upper ones are all 1", inverted=True),
        )
    else:
        rows = (software("SWP_OFFSET", (31, 9), "swap offset"), software("SWP_TYPE", (5, 1), "swap type"))
    return view("swap", *rows, *more, width=64 if wide else 32, source=CODEC)


# What an entry is


def _erratum(k: Kernel) -> int:
    """_PAGE_KNL_ERRATUM_MASK."""
    return k["_PAGE_DIRTY", "_PAGE_ACCESSED"] if pae(k.layout.hardware) else 0


@helper("pte_none", PGTABLE)
def pte_none(k: Kernel, pte: Expr) -> Expr:
    return eq(clear(pte, _erratum(k)), 0)


@helper("pmd_none", PGTABLE)
def pmd_none(k: Kernel, pmd: Expr) -> Expr:
    """The low word decides: the high one may be out of step with it."""
    return eq(clear(trunc(pmd, 32), _erratum(k)), 0)


@helper("pte_present", PGTABLE)
def pte_present(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_PRESENT", "_PAGE_PROTNONE"])


@helper("pmd_present", PGTABLE)
def pmd_present(k: Kernel, pmd: Expr) -> Expr:
    return any_of(pmd, k["_PAGE_PRESENT", "_PAGE_PROTNONE", "_PAGE_PSE"])


@helper("pmd_leaf", PGTABLE)
def leaf(k: Kernel, pmd: Expr) -> Expr:
    return any_of(pmd, k["_PAGE_PSE"])


@helper("pte_huge", PGTABLE)
def pte_huge(k: Kernel, pte: Expr) -> Expr:
    """Of a huge page's PTE; in any other the bit is PAT."""
    return any_of(pte, k["_PAGE_PAT"])  # _PAGE_PSE: the same bit


@helper("pmd_trans_huge", PGTABLE)
def trans_huge(k: Kernel, pmd: Expr) -> Expr:
    """_PAGE_DEVMAP is asked for, too, though nothing sets it here."""
    return eq(pmd & (k["_PAGE_PSE"] | _devmap(k)), k["_PAGE_PSE"])


def _devmap(k: Kernel) -> int:
    """_PAGE_DEVMAP: a bit of PAE entries that the hardware reserves; ARCH_HAS_PTE_DEVMAP is x86-64's alone."""
    return 1 << k.number("_PAGE_BIT_DEVMAP") if pae(k.layout.hardware) else 0


@helper("pte_special", PGTABLE)
def special(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_SPECIAL"])


def _flags(k: Kernel, pmd: Expr) -> Expr:
    """pmd_flags: all but the frame, whose low end depends on PSE."""
    address = _ADDRESS[pmd.width]
    return clear(pmd, address) | ite(any_of(pmd, k["_PAGE_PSE"]), pmd & (address & ~k["PFN"]), 0)


@helper("pmd_bad", PGTABLE)
def pmd_bad(k: Kernel, pmd: Expr) -> Expr:
    return ne(clear(_flags(k, pmd), k["_PAGE_USER", "_PAGE_ACCESSED"]), k["_PAGE_PRESENT", "_PAGE_RW", "_PAGE_DIRTY"])  # _KERNPG_TABLE


@helper(BOTH.format("young"), PGTABLE)
def young(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["_PAGE_ACCESSED"])


@helper(BOTH.format("write"), PGTABLE)
def write(k: Kernel, entry: Expr) -> Expr:
    """R/W; what linux-6.12 has of shadow stacks needs X86_FEATURE_SHSTK, which no 32-bit kernel sets (arch/x86/Kconfig: X86_USER_SHADOW_STACK)."""
    return any_of(entry, k["_PAGE_RW"])


@helper("pte_exec", PGTABLE)
def executable(k: Kernel, pte: Expr) -> Expr:
    """_PAGE_NX is 0 without PAE."""
    return none_of(pte, k["_PAGE_NX"]) if pae(k.layout.hardware) else const(1, 1)


@helper(BOTH.format("access_permitted_read"), PGTABLE)
def access_permitted_read(k: Kernel, entry: Expr) -> Expr:
    return all_of(entry, k["_PAGE_PRESENT", "_PAGE_USER"])


@helper(BOTH.format("access_permitted_write"), PGTABLE)
def access_permitted_write(k: Kernel, entry: Expr) -> Expr:
    return all_of(entry, k["_PAGE_PRESENT", "_PAGE_USER", "_PAGE_RW"])


# Setters


@helper(BOTH.format("mkyoung"), PGTABLE)
def mkyoung(k: Kernel, entry: Expr) -> Expr:
    return entry | k["_PAGE_ACCESSED"]


@helper(BOTH.format("mkold"), PGTABLE)
def mkold(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["_PAGE_ACCESSED"])


def writable(k: Kernel, entry: Expr) -> Expr:
    """pte_mkwrite, since v6.6 pte_mkwrite_novma."""
    return entry | k["_PAGE_RW"]


@helper("pte_mkspecial", PGTABLE)
def mkspecial(k: Kernel, pte: Expr) -> Expr:
    return pte | k["_PAGE_SPECIAL"]


@helper("pte_mkhuge", PGTABLE)
def pte_mkhuge(k: Kernel, pte: Expr) -> Expr:
    return pte | k["_PAGE_PAT"]  # _PAGE_PSE: the same bit


@helper("pmd_mkhuge", PGTABLE)
def pmd_mkhuge(k: Kernel, pmd: Expr) -> Expr:
    return pmd | k["_PAGE_PSE"]


@helper("arch_make_huge_pte", "include/linux/hugetlb.h")
def arch_make_huge_pte(k: Kernel, pte: Expr) -> Expr:
    return k.mkhuge(pte)


@helper("pmd_mkinvalid", PGTABLE)
def mkinvalid(k: Kernel, pmd: Expr) -> Expr:
    return k.pfn_pmd(k.pfn(pmd), clear(_flags(k, pmd), k["_PAGE_PRESENT", "_PAGE_PROTNONE"]))


def changed(k: Kernel, entry: Expr, prot: Expr, *more: str) -> Expr:
    """The first half of pte_modify() and pmd_modify(), up to the inversion; _PAGE_CHG_MASK keeps `more`.

    The whole address field is kept at either level.
    """
    keep = _ADDRESS[entry.width] | _devmap(k) | k[("_PAGE_PCD", "_PAGE_PWT", "_PAGE_SPECIAL", "_PAGE_ACCESSED", "_PAGE_DIRTY", *more)]
    keep |= k["_PAGE_PAT"] if k.level is Level.PTE else k["_PAGE_PSE", "_PAGE_PAT_LARGE"]
    value = entry & keep | clear(prot, keep)
    if not pae(k.layout.hardware):
        return value
    return ite(eq(_needs_invert(entry), _needs_invert(value)), value, value ^ k["PFN"])


# The frame


def _needs_invert(entry: Expr) -> Expr:
    """__pte_needs_invert of PAE: not present and not empty; such an entry holds the complement of its frame, against L1TF."""
    return and_(ne(entry, 0), not_(bit(entry, 0)))


def _inverted(k: Kernel, entry: Expr, by: Expr) -> Expr:
    """An entry of 64 bits, inverted with PAE where `by` asks for it."""
    return ite(_needs_invert(by), ~entry, entry) if pae(k.layout.hardware) else entry


@helper("pte_pfn", PGTABLE)
def pte_pfn(k: Kernel, pte: Expr) -> Expr:
    return trunc((_inverted(k, pte, pte) & _ADDRESS[pte.width]) >> PAGE_SHIFT, 32)


@helper("pmd_pfn", PGTABLE)
def pmd_pfn(k: Kernel, pmd: Expr) -> Expr:
    mask = ite(any_of(pmd, k["_PAGE_PSE"]), const(k["PFN"], pmd.width), _ADDRESS[pmd.width])
    return trunc((_inverted(k, pmd, pmd) & mask) >> PAGE_SHIFT, 32)


@helper("pfn_pte pfn_pmd", PGTABLE)
def pfn_entry(k: Kernel, page: Expr, prot: Expr) -> Expr:
    """The protection is taken as it is: __supported_pte_mask, which drops NX or G on CPUs without, is assumed to be all ones."""
    return _inverted(k, zext(page, prot.width) << PAGE_SHIFT, prot) & k["PFN"] | prot


@helper("pte_clear pmd_clear", CODEC)
def cleared(k: Kernel) -> Expr:
    return const(0, k.use.width)


@helper("pmd_populate", "arch/x86/include/asm/pgalloc.h")
def populate(k: Kernel, table: Expr) -> Expr:
    return table | k["_PAGE_TABLE"]


# Swap entries

_TYPE_BITS: Final = linux.MAX_SWAPFILES_SHIFT
_TYPE: Final = (1 << _TYPE_BITS) - 1


def swap_shifts(k: Kernel) -> tuple[int, int]:
    """Where the type and the offset stand in a ``swp_entry_t`` of the architecture's."""
    return (0, _TYPE_BITS) if pae(k.layout.hardware) else (k.shift("SWP_TYPE"), k.shift("SWP_OFFSET"))


@helper("__swp_type", CODEC)
def swp_type(k: Kernel, swp: Expr) -> Expr:
    return swp >> swap_shifts(k)[0] & _TYPE


@helper("__swp_offset", CODEC)
def swp_offset(k: Kernel, swp: Expr) -> Expr:
    return swp >> swap_shifts(k)[1]


def encoded(k: Kernel, swap_type: Expr, offset: Expr) -> Expr:
    """__swp_entry(): both as they are, the offset cut by the width of an unsigned long."""
    low, high = swap_shifts(k)
    return swap_type << low | offset << high


@helper("__swp_entry_to_pte", CODEC)
def swp_entry_to_pte(k: Kernel, swp: Expr) -> Expr:
    """With PAE, __swp_pteval_entry() of the parts: 64 bits out of 32."""
    if not pae(k.layout.hardware):
        return swp
    kind, number = k.__getattr__("__swp_type")(swp), k.__getattr__("__swp_offset")(swp)
    return k.field("SWP_OFFSET").insert(zext(number, 64), 64) | zext(kind, 64) << k.shift("SWP_TYPE")


@helper("__pte_to_swp_entry", CODEC)
def __pte_to_swp_entry(k: Kernel, pte: Expr) -> Expr:
    if not pae(k.layout.hardware):
        return pte
    kind, number = trunc(pte >> k.shift("SWP_TYPE"), 32), trunc(k.field("SWP_OFFSET").extract(pte), 32)
    return k.__getattr__("__swp_entry")(kind, number)


@helper("pte_to_swp_entry", "include/linux/swapops.h")
def pte_to_swp_entry(k: Kernel, pte: Expr) -> Expr:
    """By way of the kernel's own swp_entry_t, as every decoding goes: it has 26 bits for the offset, one less than PAE's codec."""
    swp = linux.pte_to_swp_entry.build(k, pte)
    own = k.swp_entry(k.__getattr__("__swp_type")(swp), k.__getattr__("__swp_offset")(swp))
    return k.__getattr__("__swp_entry")(k.swp_type(own), k.swp_offset(own))


def permitted_offset(numbers: Mapping[str, int], offset: Expr, context: Context) -> Expr:
    """arch_max_swapfile_size() with PAE, on a CPU with L1TF: offset < (MAX_PA/2 >> PAGE_SHIFT) << (PAGE_SHIFT - SWP_OFFSET_FIRST_BIT) (arch/x86/mm/init.c)."""
    half = const(1, 64) << (zext(context["MAXPHYADDR"], 64) - 1)
    return ult(zext(offset, 64), half >> PAGE_SHIFT << PAGE_SHIFT - numbers["SWP_OFFSET_FIRST_BIT"])


_HELPERS: Final = definitions(globals())

# The layout

_P, _R_W, _US, _ACC, _G = 1 << 0, 1 << 1, 1 << 2, 1 << 5, 1 << 8
_NONE = _ACC | _G
_READONLY = _P | _US | _ACC
_SHARED = _READONLY | _R_W

#: What vm_get_page_prot() makes of protection_map (arch/x86/mm/pgprot.c). The table has NX with PAE, in a pgprot_t of 64 bits; the function takes an entry
#: of it through an unsigned long, of 32.
PROTECTIONS: Final = protections({
    "VM_NONE": _NONE,
    "VM_READ": _READONLY,
    "VM_WRITE": _READONLY,
    "VM_WRITE|VM_READ": _READONLY,
    "VM_EXEC": _READONLY,
    "VM_EXEC|VM_READ": _READONLY,
    "VM_EXEC|VM_WRITE": _READONLY,
    "VM_EXEC|VM_WRITE|VM_READ": _READONLY,
    "VM_SHARED": _NONE,
    "VM_SHARED|VM_READ": _READONLY,
    "VM_SHARED|VM_WRITE": _SHARED,
    "VM_SHARED|VM_WRITE|VM_READ": _SHARED,
    "VM_SHARED|VM_EXEC": _READONLY,
    "VM_SHARED|VM_EXEC|VM_READ": _READONLY,
    "VM_SHARED|VM_EXEC|VM_WRITE": _SHARED,
    "VM_SHARED|VM_EXEC|VM_WRITE|VM_READ": _SHARED,
})  # fmt: skip

_CACHE: Final = 1 << 4 | 1 << 3
"""_PAGE_PCD and _PAGE_PWT, which a mapping may have on top; and PAT, by level."""


def layout(
    hardware: Hardware,
    release: str,
    config: Config,
    helpers: tuple[Definition, ...],
    kinds: tuple[SwapKind, ...],
    *,
    leaf: tuple[Row, ...] = (),
    swap: tuple[Row, ...] = (),
    devmap: int,
) -> Layout:
    """32-bit x86 at a release, from what that has of its own: fields of a leaf and of a swap entry, helpers, and where _PAGE_DEVMAP is."""
    wide = pae(hardware)
    return Layout(
        hardware=hardware,
        release=release,
        provenance=Provenance.CONFORMED,
        config=config,
        uses={
            Level.PTE: LevelUse({"leaf": _leaf(Level.PTE, wide, *leaf), "swap": swap_view(wide, *swap)}, 0, PROTECTIONS, _CACHE | 1 << 7),
            Level.PMD: LevelUse({"table": _table(wide), "leaf": _leaf(Level.PMD, wide, *leaf)}, 9 if wide else 10, PROTECTIONS, _CACHE | 1 << 12),
        },
        helpers=by_name(linux.HELPERS, _HELPERS, helpers),
        kinds=kinds,
        pfn_bits=(36 if wide else 32) - PAGE_SHIFT,  # MAX_PHYSMEM_BITS, arch/x86/include/asm/sparsemem.h; MAX_ARCH_PFN, arch/x86/kernel/e820.c
        word=32,
        sources=SOURCES,
        numbers={"PAGE_SHIFT": PAGE_SHIFT, "_PAGE_BIT_DEVMAP": devmap, **({"SWP_OFFSET_FIRST_BIT": 9} if wide else {})},
        permitted_offset=permitted_offset if wide else None,
    )
