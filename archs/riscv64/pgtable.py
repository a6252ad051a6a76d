"""What riscv64 kernels read alike from linux-6.1 to linux-6.19: the fields of present entries, most helpers, the protection table.

The releases differ in the swap codec, and in what the newer ones added: Svnapot, the exclusive mark, devmap, soft-dirty and uffd-wp; that stands in
``linux_6_1.py``, ``linux_6_12.py`` and ``linux_6_19.py``.  Helpers of the PMD are the PTE's on the same bits, unless they say otherwise.  Linux folds
levels at run time (pgtable_l4_enabled, pgtable_l5_enabled), above the PUD: under Sv39 the PUD is the hardware's root, and its helpers are the same.

On a CPU of T-Head with memory types of its own (ERRATA_THEAD_PBMT, since v6.9 ERRATA_THEAD_MAE) memory has a type that is not 0: pfn_pte(), pfn_pmd()
and pte_modify() add _PAGE_PMA to a protection without a type.  pfn_pud() does not, in any of the releases.
"""

from __future__ import annotations

from typing import Final

from archs.riscv64.hardware import PAGE_SHIFT, VARIANTS
from bitspec.expr import Expr, and_, any_of, clear, const, eq, ite, not_, or_, zext
from bitspec.fields import Row, View, acts, software, view
from bitspec.hardware import Hardware
from bitspec.layout import Config, Kernel, LevelUse, Protection, definitions, helper, protections
from bitspec.vocabulary import Level

PGTABLE: Final = "arch/riscv/include/asm/pgtable.h"
BITS: Final = "arch/riscv/include/asm/pgtable-bits.h"
PGTABLE_64: Final = "arch/riscv/include/asm/pgtable-64.h"
PGALLOC: Final = "arch/riscv/include/asm/pgalloc.h"
GENERIC: Final = "include/linux/pgtable.h"
SOURCES: Final = (PGTABLE, BITS, PGTABLE_64, PGALLOC, "arch/riscv/mm/init.c")
MAX_PHYSMEM_BITS: Final = 56
"""arch/riscv/include/asm/sparsemem.h, whatever the mode."""
_ALL: Final = "pte_{0} pmd_{0} pud_{0}"
_HUGE: Final = "pmd_{0} pud_{0}"
_THP: Final = "pte_{0} pmd_{0}"
_LEAF: Final = ("_PAGE_READ", "_PAGE_WRITE", "_PAGE_EXEC")
_ORDER: Final = {Level.PTE: 0, Level.PMD: 9, Level.PUD: 18}


_PMA_THEAD: Final = 0b01110 << 59
"""_PAGE_PMA_THEAD: C, B and SH."""


def supported(config: Config, *options: str) -> Config:
    """The config without the options that arch/riscv/Kconfig does not offer: MEMORY_FAILURE, and others but for `options`."""
    return Config(config.name, config.options & {"MIGRATION", *options})


# Fields


def _attributes(hardware: Hardware) -> list[Row]:
    """A leaf's bits, without bit 5."""
    form = VARIANTS[hardware.variant]
    return [
        *([acts("_PAGE_MTMASK", (62, 61), "PBMT: 01 _PAGE_NOCACHE, 10 _PAGE_IO")] if form.svpbmt else []),
        *([acts("_PAGE_MTMASK", (63, 59), "T-Head: 01110 _PAGE_PMA, 00110 _PAGE_NOCACHE, 10010 _PAGE_IO")] if form.thead else []),
        acts("_PAGE_PFN_MASK", (53, 10), "PPN"),
        software("_PAGE_SPECIAL", 8, "no struct page"),
        acts("_PAGE_DIRTY", 7, "D"),
        acts("_PAGE_ACCESSED", 6, "A"),
        acts("_PAGE_USER", 4, "U"),
        acts("_PAGE_EXEC", 3, "X"),
        acts("_PAGE_WRITE", 2, "W"),
        acts("_PAGE_READ", 1, "R"),
        acts("_PAGE_PRESENT", 0, "V"),
    ]


def uses(hardware: Hardware, swap: View, *extra: Row, pte: tuple[Row, ...] = ()) -> dict[Level, LevelUse]:
    """The kernel's use of each level; `extra` are a release's own fields of a leaf, `pte` those of a PTE alone."""
    table = view("table", acts("_PAGE_PFN_MASK", (53, 10), "PPN"), acts("_PAGE_PRESENT", 0, "V: _PAGE_TABLE"), source=BITS)
    found = {}
    for level in Level:
        rows = [*_attributes(hardware), *extra, *(pte if level is Level.PTE else ())]
        views = {
            "leaf": view("leaf", *rows, acts("_PAGE_GLOBAL", 5, "G"), source=BITS),
            "invalid": view("invalid", *rows, software("_PAGE_PROT_NONE", 5, "G; while not valid: present, prot-none"), source=BITS),
        }
        if level is not Level.PTE:
            views["table"] = table
        if level is not Level.PUD:
            views["swap"] = swap
        found[level] = LevelUse(views, _ORDER[level], protection_map, _memory_type(hardware))
    return found


def _memory_type(hardware: Hardware) -> int:
    """_PAGE_IO of pgprot_noncached(), which a mapping may have on top.  Not _PAGE_NOCACHE as well: bits here are independent, and no entry has both.

    On T-Head's it is SO, on top of _PAGE_PMA: _PAGE_IO has no C and B, which no helper looks at.
    """
    form = VARIANTS[hardware.variant]
    return 1 << 62 if form.svpbmt else 1 << 63 if form.thead else 0


def protection_map(k: Kernel) -> tuple[Protection, ...]:
    """The protection table (arch/riscv/mm/init.c)."""
    base, read, write, execute = k["_PAGE_PRESENT", "_PAGE_ACCESSED", "_PAGE_USER"], k["_PAGE_READ"], k["_PAGE_WRITE"], k["_PAGE_EXEC"]
    none = k["_PAGE_PROT_NONE"] | read
    return protections({
        "VM_NONE": none,
        "VM_READ": base | read,
        "VM_WRITE": base | read,
        "VM_WRITE|VM_READ": base | read,
        "VM_EXEC": base | execute,
        "VM_EXEC|VM_READ": base | read | execute,
        "VM_EXEC|VM_WRITE": base | read | execute,
        "VM_EXEC|VM_WRITE|VM_READ": base | read | execute,
        "VM_SHARED": none,
        "VM_SHARED|VM_READ": base | read,
        "VM_SHARED|VM_WRITE": base | read | write,
        "VM_SHARED|VM_WRITE|VM_READ": base | read | write,
        "VM_SHARED|VM_EXEC": base | execute,
        "VM_SHARED|VM_EXEC|VM_READ": base | read | execute,
        "VM_SHARED|VM_EXEC|VM_WRITE": base | read | execute | write,
        "VM_SHARED|VM_EXEC|VM_WRITE|VM_READ": base | read | execute | write,
    })  # fmt: skip


# What an entry is


@helper(_ALL.format("none"), PGTABLE)
def none(k: Kernel, entry: Expr) -> Expr:
    return eq(entry, 0)


@helper("pte_present", PGTABLE)
def pte_present(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_PRESENT", "_PAGE_PROT_NONE"])


@helper("pmd_present", PGTABLE)
def pmd_present(k: Kernel, pmd: Expr) -> Expr:
    """R, W, X as well: a huge page being split has lost the other two."""
    return any_of(pmd, k["_PAGE_PRESENT", "_PAGE_PROT_NONE"] | k[_LEAF])


@helper("pud_present", PGTABLE_64)
def pud_present(k: Kernel, pud: Expr) -> Expr:
    return any_of(pud, k["_PAGE_PRESENT"])


@helper("pmd_bad", PGTABLE)
def pmd_bad(k: Kernel, pmd: Expr) -> Expr:
    return or_(not_(k.present(pmd)), any_of(pmd, k[_LEAF]))


@helper("pud_bad", PGTABLE_64)
def pud_bad(k: Kernel, pud: Expr) -> Expr:
    return not_(k.present(pud))


@helper(_HUGE.format("leaf") + " pte_huge", PGTABLE)
def leaf(k: Kernel, entry: Expr) -> Expr:
    return and_(k.present(entry), any_of(entry, k[_LEAF]))


@helper("pmd_trans_huge", PGTABLE)
def trans_huge(k: Kernel, pmd: Expr) -> Expr:
    return k.leaf(pmd)


@helper(_THP.format("protnone"), PGTABLE)
def protnone(k: Kernel, entry: Expr) -> Expr:
    return eq(entry & k["_PAGE_PRESENT", "_PAGE_PROT_NONE"], k["_PAGE_PROT_NONE"])


@helper(_THP.format("young"), PGTABLE)
def young(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["_PAGE_ACCESSED"])


@helper(_THP.format("dirty"), PGTABLE)
def dirty(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["_PAGE_DIRTY"])


@helper(_THP.format("write"), PGTABLE)
def write(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["_PAGE_WRITE"])


@helper("pte_exec", PGTABLE)
def execute(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_EXEC"])


@helper("pte_special", PGTABLE)
def special(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_SPECIAL"])


@helper(_ALL.format("access_permitted_read"), GENERIC)
def access_permitted_read(k: Kernel, entry: Expr) -> Expr:
    """Present in the software's sense: neither V nor U is asked for."""
    return k.present(entry)


@helper(_THP.format("access_permitted_write"), GENERIC)
def access_permitted_write(k: Kernel, entry: Expr) -> Expr:
    return and_(k.present(entry), k.write(entry))


# Setters


@helper(_THP.format("mkyoung"), PGTABLE)
def mkyoung(k: Kernel, entry: Expr) -> Expr:
    return entry | k["_PAGE_ACCESSED"]


@helper(_THP.format("mkold"), PGTABLE)
def mkold(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["_PAGE_ACCESSED"])


@helper(_THP.format("mkdirty"), PGTABLE)
def mkdirty(k: Kernel, entry: Expr) -> Expr:
    return entry | k["_PAGE_DIRTY"]


@helper(_THP.format("mkclean"), PGTABLE)
def mkclean(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["_PAGE_DIRTY"])


@helper(_THP.format("wrprotect"), PGTABLE)
def wrprotect(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["_PAGE_WRITE"])


def writable(k: Kernel, entry: Expr) -> Expr:
    """pte_mkwrite, since v6.6 pte_mkwrite_novma."""
    return entry | k["_PAGE_WRITE"]


@helper("pte_mkspecial", PGTABLE)
def mkspecial(k: Kernel, pte: Expr) -> Expr:
    return pte | k["_PAGE_SPECIAL"]


@helper(_THP.format("mkhuge"), PGTABLE)
def mkhuge(k: Kernel, entry: Expr) -> Expr:
    return entry


@helper("pmd_mkinvalid", PGTABLE)
def mkinvalid(k: Kernel, pmd: Expr) -> Expr:
    """R, W, X are what is left of present."""
    return clear(pmd, k["_PAGE_PRESENT", "_PAGE_PROT_NONE"])


@helper(_THP.format("modify"), PGTABLE)
def modify(k: Kernel, entry: Expr, prot: Expr) -> Expr:
    """All but _PAGE_CHG_MASK goes; the protection is added as it is, accessed included."""
    dropped = k["_PAGE_PRESENT", "_PAGE_USER", "_PAGE_GLOBAL"] | k[_LEAF]
    if VARIANTS[k.layout.hardware.variant].svpbmt or VARIANTS[k.layout.hardware.variant].thead:
        dropped |= k["_PAGE_MTMASK"]
    return clear(entry, dropped) | typed(k, prot)


# The frame


def page_val_to_pfn(k: Kernel, entry: Expr) -> Expr:
    return (entry & k["_PAGE_PFN_MASK"]) >> k.shift("_PAGE_PFN_MASK")


@helper(_HUGE.format("pfn"), PGTABLE)
def huge_pfn(k: Kernel, entry: Expr) -> Expr:
    """Masked with PMD_MASK or PUD_MASK."""
    return clear(page_val_to_pfn(k, entry), (1 << k.use.order) - 1)


def typed(k: Kernel, prot: Expr) -> Expr:
    """ALT_THEAD_PMA: on T-Head's a protection without a memory type gets that of memory."""
    if not VARIANTS[k.layout.hardware.variant].thead:
        return prot
    return ite(any_of(prot, k["_PAGE_MTMASK"]), prot, prot | _PMA_THEAD)


@helper("pfn_pte pfn_pmd", PGTABLE)
def pfn_entry(k: Kernel, page: Expr, prot: Expr) -> Expr:
    return page << k.shift("_PAGE_PFN_MASK") | typed(k, prot)


@helper("pfn_pud", PGTABLE_64)
def pfn_pud(k: Kernel, page: Expr, prot: Expr) -> Expr:
    """Without ALT_THEAD_PMA."""
    return page << k.shift("_PAGE_PFN_MASK") | prot


@helper("pte_clear pmd_clear pud_clear", PGTABLE)
def cleared(k: Kernel) -> Expr:
    return const(0, 64)


@helper(_HUGE.format("populate"), PGALLOC)
def populate(k: Kernel, table: Expr) -> Expr:
    return table >> PAGE_SHIFT << k.shift("_PAGE_PFN_MASK") | k["_PAGE_PRESENT"]


# Swap entries


@helper("__swp_type", PGTABLE)
def swp_type(k: Kernel, swp: Expr) -> Expr:
    return zext(k.field("__SWP_TYPE").extract(swp), 64)


@helper("__swp_offset", PGTABLE)
def swp_offset(k: Kernel, swp: Expr) -> Expr:
    return swp >> k.shift("__SWP_OFFSET")


@helper("__pte_to_swp_entry __swp_entry_to_pte", PGTABLE)
def as_it_is(k: Kernel, entry: Expr) -> Expr:
    return entry


@helper("__pmd_to_swp_entry __swp_entry_to_pmd", PGTABLE, needs="MIGRATION")
def pmd_as_it_is(k: Kernel, entry: Expr) -> Expr:
    return entry


HELPERS: Final = definitions(globals())
"""What all releases define in the same words, but for what a later one replaces."""
