"""32-bit x86 at linux-6.12: an exclusive bit (since v6.3), and dirty in a bit of its own while write-protected (since v6.6).

Sources: arch/x86/include/asm/{pgtable,pgtable_types,pgtable-2level,pgtable-3level,pgtable-invert}.h, arch/x86/mm/{pgprot,pgtable}.c of linux-6.12.
"""

from __future__ import annotations

from typing import Final

from archs import linux
from archs.x86_32 import pgtable
from archs.x86_32.pgtable import BOTH, CODEC, PGTABLE
from bitspec.expr import Expr, and_, any_of, bit, clear, ite, none_of, zext
from bitspec.fields import software
from bitspec.hardware import Hardware
from bitspec.layout import Config, Kernel, Layout, definitions, helper

_DEVMAP: Final = 57
_SAVED_DIRTY: Final = software("_PAGE_SAVED_DIRTY", 10, "dirty, while write-protected")
_EXCLUSIVE: Final = software("_PAGE_SWP_EXCLUSIVE", 7, "anonymous page, exclusive")


@helper(BOTH.format("dirty"), PGTABLE)
def dirty(k: Kernel, entry: Expr) -> Expr:
    return any_of(entry, k["_PAGE_DIRTY", "_PAGE_SAVED_DIRTY"])


# Setters


def _move_bit(entry: Expr, source: int, target: int, condition: Expr) -> Expr:
    """Where `condition`: bit `source` is or-ed into bit `target`, and cleared."""
    moved = entry | zext(and_(bit(entry, source), condition), entry.width) << target
    return ite(condition, clear(moved, 1 << source), moved)


def _mksaveddirty(k: Kernel, entry: Expr) -> Expr:
    return _move_bit(entry, k.shift("_PAGE_DIRTY"), k.shift("_PAGE_SAVED_DIRTY"), none_of(entry, k["_PAGE_RW"]))


def _clear_saveddirty(k: Kernel, entry: Expr) -> Expr:
    return _move_bit(entry, k.shift("_PAGE_SAVED_DIRTY"), k.shift("_PAGE_DIRTY"), any_of(entry, k["_PAGE_RW"]))


@helper(BOTH.format("mkdirty"), PGTABLE)
def mkdirty(k: Kernel, entry: Expr) -> Expr:
    return _mksaveddirty(k, entry | k["_PAGE_DIRTY"])


@helper(BOTH.format("mkclean"), PGTABLE)
def mkclean(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["_PAGE_DIRTY", "_PAGE_SAVED_DIRTY"])


@helper(BOTH.format("mkwrite"), "arch/x86/mm/pgtable.c")
def mkwrite(k: Kernel, entry: Expr) -> Expr:
    """For a VMA that is no shadow stack."""
    return _clear_saveddirty(k, k.mkwrite_novma(entry))


@helper(BOTH.format("mkwrite_novma"), PGTABLE)
def mkwrite_novma(k: Kernel, entry: Expr) -> Expr:
    return pgtable.writable(k, entry)


@helper(BOTH.format("mkwrite_shstk"), PGTABLE)
def mkwrite_shstk(k: Kernel, entry: Expr) -> Expr:
    return clear(entry, k["_PAGE_RW"]) | k["_PAGE_DIRTY"]


@helper(BOTH.format("wrprotect"), PGTABLE)
def wrprotect(k: Kernel, entry: Expr) -> Expr:
    return _mksaveddirty(k, clear(entry, k["_PAGE_RW"]))


@helper(BOTH.format("modify"), PGTABLE)
def modify(k: Kernel, entry: Expr, prot: Expr) -> Expr:
    value = pgtable.changed(k, entry, prot, "_PAGE_SAVED_DIRTY")
    return ite(any_of(entry, k["_PAGE_RW"]), _mksaveddirty(k, value), _clear_saveddirty(k, value))


# Swap entries


@helper("__swp_entry", CODEC)
def swp_entry(k: Kernel, swap_type: Expr, offset: Expr) -> Expr:
    return pgtable.encoded(k, swap_type & (1 << linux.MAX_SWAPFILES_SHIFT) - 1, offset)


@helper("pte_swp_exclusive", PGTABLE)
def swp_exclusive(k: Kernel, pte: Expr) -> Expr:
    return any_of(pte, k["_PAGE_SWP_EXCLUSIVE"])


@helper("pte_swp_mkexclusive", PGTABLE)
def swp_mkexclusive(k: Kernel, pte: Expr) -> Expr:
    return pte | k["_PAGE_SWP_EXCLUSIVE"]


@helper("pte_swp_clear_exclusive", PGTABLE)
def swp_clear_exclusive(k: Kernel, pte: Expr) -> Expr:
    return clear(pte, k["_PAGE_SWP_EXCLUSIVE"])


def layout(hardware: Hardware, config: Config) -> Layout:
    """32-bit x86 at linux-6.12."""
    chosen = pgtable.supported(config)
    kinds = linux.kinds(chosen)
    made = definitions(globals())
    return pgtable.layout(hardware, "linux-6.12", chosen, made, kinds, leaf=(_SAVED_DIRTY,), swap=(_EXCLUSIVE,), devmap=_DEVMAP)
