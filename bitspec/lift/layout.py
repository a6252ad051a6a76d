"""A layout whose helpers are a tree's own.

The declared layout of the release lends what has no counterpart in C: the fields with their names and owners.  Every helper, number, swap type and
protection that the tree has takes the place of the declared one, so that a claim about this layout is a claim about the tree's code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bitspec.expr import Expr
from bitspec.fields import View
from bitspec.hardware import Hardware
from bitspec.layout import Absent, Config, Definition, Kernel, Layout, LevelUse, Protection, SwapKind
from bitspec.lift.lifting import PROTECTION, Lifting, fit, vm_flags
from bitspec.lift.problem import Problem
from bitspec.lift.wrappers import ADDRESSES, BY_PHYSICAL
from bitspec.vocabulary import HELPERS, Kind, Level, signature

#: The tree's constant that has a state's first swap type.
TYPES: Mapping[str, str] = {
    "hwpoison": "SWP_HWPOISON", "migration-read": "SWP_MIGRATION_READ", "migration-read-exclusive": "SWP_MIGRATION_READ_EXCLUSIVE",
    "migration-write": "SWP_MIGRATION_WRITE", "device-private-read": "SWP_DEVICE_READ", "device-private-write": "SWP_DEVICE_WRITE",
    "device-exclusive-read": "SWP_DEVICE_EXCLUSIVE_READ", "device-exclusive-write": "SWP_DEVICE_EXCLUSIVE_WRITE",
    "device-exclusive": "SWP_DEVICE_EXCLUSIVE", "marker": "SWP_PTE_MARKER", "swapin-error": "SWP_SWAPIN_ERROR",
}  # fmt: skip


#: The tree's predicate, asked of an entry of such a state, that is 1 where it has the state at one of the levels that it came to later.
ALSO: Mapping[str, tuple[str, Level]] = {
    "device-private-read": ("pmd_is_device_private_entry", Level.PMD), "device-private-write": ("pmd_is_device_private_entry", Level.PMD),
}  # fmt: skip

WORD: Final = 64
"""Bits in a number of a layout that is made of nothing but a tree: as many as any kernel's, since a 32-bit one may have wider physical addresses."""


@dataclass(frozen=True)
class FromTree:
    """A layout made of a tree.

    Attributes:
        layout: what the claims are asked about.
        declared: the helpers that are the declared ones after all, with the reason.
    """

    layout: Layout
    declared: Mapping[str, str]


def from_tree(skeleton: Layout, lifting: Lifting, agreed: frozenset[str], more: frozenset[str] = frozenset()) -> FromTree:
    """The layout of a tree.

    Args:
        skeleton: the declared layout that is nearest.
        lifting: the tree.
        agreed: helpers that the kernel gives its own address of a table, and that were proved equal to the declared ones, which take a
            physical address (:func:`proofs.conform.agreed`).
        more: helpers that the declared layout lacks, and that are taken from the tree.
    """
    helpers: dict[str, Definition] = {}
    declared: dict[str, str] = {}
    for name, definition in skeleton.helpers.items():
        one = lifting.item(name)
        if name in ADDRESSES and name in agreed:
            helpers[name] = replace(definition, where=one.where or definition.where)
        elif one.outcome is not None and name not in ADDRESSES and skeleton.has(name):
            helpers[name] = Definition((name,), _build(lifting, name), one.where or definition.where, definition.cite, definition.needs)
        else:
            helpers[name] = definition
            if skeleton.has(name):
                declared[name] = one.absent or one.unknown or "it takes an address, and differs from the declared one"
    for name in more - skeleton.helpers.keys() - ADDRESSES.keys():
        of = signature(name).level
        if lifting.item(name).outcome is not None and (of is None or of in skeleton.uses):
            helpers[name] = Definition((name,), _build(lifting, name), lifting.item(name).where, "", ())
    shift = lifting.number("PAGE_SHIFT")
    bits = lifting.number("MAX_PHYSMEM_BITS")
    numbers = {name: lifting.number(name) for name in skeleton.numbers}
    lost = [lifting.item(name) for name, number in numbers.items() if number is None and name in lifting.items]
    declared |= {one.name: one.absent or one.unknown or "it is no constant" for one in lost}
    layout = replace(
        skeleton,
        helpers=helpers,
        uses={level: _use(skeleton, use, lifting, agreed, level) for level, use in skeleton.uses.items()},
        kinds=_kinds(skeleton.kinds, lifting),
        numbers={name: value if (lifted := numbers[name]) is None else lifted for name, value in skeleton.numbers.items()},
        pfn_bits=skeleton.pfn_bits if bits is None or shift is None else bits - shift,
        provenance=f"lifted from {lifting.build.release}",
        derived={},
        _built={},
    )
    return FromTree(layout, declared)


# A layout without a declared one

#: Kernel options under which helpers are more than the stand-ins of include/linux, by a part of their names.
_NEEDS: Mapping[str, str] = {
    "soft_dirty": "MEM_SOFT_DIRTY", "uffd_wp": "HAVE_ARCH_USERFAULTFD_WP", "devmap": "ARCH_HAS_PTE_DEVMAP", "protnone": "NUMA_BALANCING",
    "pte_special": "ARCH_HAS_PTE_SPECIAL", "pte_mkspecial": "ARCH_HAS_PTE_SPECIAL",
    "pmd_special": "ARCH_SUPPORTS_PMD_PFNMAP", "pmd_mkspecial": "ARCH_SUPPORTS_PMD_PFNMAP",
    "pud_special": "ARCH_SUPPORTS_PUD_PFNMAP", "pud_mkspecial": "ARCH_SUPPORTS_PUD_PFNMAP",
    "pmd_swp": "ARCH_ENABLE_THP_MIGRATION", "pmd_to_swp_entry": "ARCH_ENABLE_THP_MIGRATION", "swp_entry_to_pmd": "ARCH_ENABLE_THP_MIGRATION",
    "pmd_trans_huge": "TRANSPARENT_HUGEPAGE", "pfn_pmd": "TRANSPARENT_HUGEPAGE",
    "pud_trans_huge": "HAVE_ARCH_TRANSPARENT_HUGEPAGE_PUD", "pfn_pud": "HAVE_ARCH_TRANSPARENT_HUGEPAGE_PUD",
}  # fmt: skip
_PAYLOADS: Mapping[str, str] = {"swap": "slot", "marker": "marker"}


def bare(arch: str, variant: str, lifting: Lifting, config: Config) -> Layout:
    """A layout made of nothing but a tree: the helpers and numbers are its own, the bits have no names, and the hardware is not known.

    Raises Problem where the tree does not tell its PAGE_SHIFT, without which nothing can be asked.
    """
    shift = lifting.number("PAGE_SHIFT")
    if shift is None:
        item = lifting.item("PAGE_SHIFT")
        why = item.absent or item.unknown or "it is no constant"
        raise Problem(f"{arch}: PAGE_SHIFT must be lifted, and is not: {why}")
    levels = {Level.PTE: 2, Level.PMD: 3, Level.PUD: 4}
    depth = lifting.number("CONFIG_PGTABLE_LEVELS") or 4
    table = []
    for index in range(16):
        number, flags = lifting.number(PROTECTION.format(index)), vm_flags(index)
        if number is not None:
            table.append(Protection("|".join(sorted(flags)) or "VM_NONE", number, "VM_WRITE" in flags, bool(flags & {"VM_READ", "VM_WRITE", "VM_EXEC"})))
    uses = {}
    for level, needed in levels.items():
        if depth < needed:
            continue
        order = 0 if level is Level.PTE else (lifting.number(f"{level.name}_SHIFT") or shift) - shift
        width = _width(lifting, level)
        mine = {name: View(name, width, ()) for name in ("leaf", "table", "swap") if (name, level) not in (("table", Level.PTE), ("swap", Level.PUD))}
        leaves = level is Level.PTE or lifting.item(f"pfn_{level}").outcome is not None
        none = "" if leaves else f"the tree has no pfn_{level}"
        uses[level] = LevelUse(mine, order, tuple(table) if leaves else (), table_bits=shift, no_leaves=none)
    helpers = {}
    for name in HELPERS:
        option = next((needed for part, needed in _NEEDS.items() if part in name), None)
        source = f"{BY_PHYSICAL}{name}" if name in ADDRESSES else name
        of = signature(name).level
        if of is not None and of not in uses:
            continue
        if lifting.item(source).outcome is None or (option is not None and option not in lifting.build.options):
            continue
        helpers[name] = Definition((name,), _fitted(lifting, source, _width(lifting, of)), lifting.item(name).where, "", ())
    states = {"swap": "MAX_SWAPFILES", **TYPES}
    kinds = [
        SwapKind(
            state,
            range(value) if state == "swap" else range(value, value + 1),
            _PAYLOADS.get(state, "pfn"),
            "include/linux/swap.h",
            _also(state, lifting),
        )
        for state, name in states.items()
        if (value := lifting.number(name)) is not None
    ]
    bits, marker = lifting.number("MAX_PHYSMEM_BITS") or lifting.number("PHYS_ADDR_BITS"), lifting.number("PTE_MARKER_MASK")
    return Layout(
        hardware=Hardware(arch, variant, manual="none", levels={}, no_walk=f"there are no hardware facts of {arch} yet"),
        release="linux-" + ".".join(lifting.build.release.split(".")[:2]),
        config=config,
        uses=uses,
        helpers=helpers,
        kinds=tuple(kinds),
        pfn_bits=(bits or WORD) - shift,
        word=WORD,
        marker_bits=(marker or 3).bit_length(),
        numbers={"PAGE_SHIFT": shift},
        static_tables=lifting.static_tables,
        provenance=f"lifted from {lifting.build.release}",
    )


def _width(lifting: Lifting, level: Level | None) -> int:
    """Bits in an entry of a level; in an unsigned long as the claims have it where there is no level."""
    return WORD if level is None else lifting.number(f"{level.name}_BITS") or WORD


def _fitted(lifting: Lifting, name: str, width: int) -> Callable[..., Expr]:
    """A helper of a tree whose unsigned long may be narrower than the claims' numbers.

    A number is converted to the parameter's type as C does it, and a result is extended: a 32-bit kernel has no larger numbers, and a claim that asks
    about one beyond what was probed (the largest swap offset, the bits of a page frame number) would be about nothing.
    """
    build, wanted = _build(lifting, name), signature(name.removeprefix(BY_PHYSICAL))
    widths = {Kind.ENTRY: width, Kind.PROT: width, Kind.NUMBER: WORD, Kind.ADDRESS: WORD, Kind.SWAP: WORD, Kind.BOOL: 1}

    def fitted(k: Kernel, *arguments: Expr) -> Expr:
        one = lifting.item(name).outcome
        assert one is not None
        return fit(build(k, *(fit(given, param.width) for given, param in zip(arguments, one.params, strict=True))), widths[wanted.result])

    return fitted


def _build(lifting: Lifting, name: str) -> Callable[..., Expr]:
    helper = lifting.helper(name)
    stem = name.removeprefix(BY_PHYSICAL)

    def build(k: Kernel, *arguments: Expr) -> Expr:
        one = lifting.item(name).outcome
        assert one is not None
        if lifting.pinned(one.stops).op == "const" and lifting.pinned(one.stops).attr:
            raise Absent(f"{stem}() is BUG() in {lifting.build.release} {lifting.variant}")
        value = helper(*arguments)
        if signature(stem).stem == "to_swp_entry":  # the kernel's own swp_entry_t, where a layout has the architecture's
            own = fit(value, k.layout.word)
            return k.helper("__swp_entry")(k.helper("swp_type")(own), k.helper("swp_offset")(own))
        return value

    return build


def _kinds(kinds: Sequence[SwapKind], lifting: Lifting) -> tuple[SwapKind, ...]:
    """The kinds with the tree's type numbers; those it lacks are gone."""
    found = []
    for kind in kinds:
        value = lifting.number("MAX_SWAPFILES" if kind.state == "swap" else TYPES.get(kind.state, ""))
        if value is not None:
            types = range(value) if kind.state == "swap" else range(value, value + len(kind.types))
            found.append(replace(kind, types=types, also=_also(kind.state, lifting)))
        elif kind.state not in TYPES:
            found.append(kind)
    return tuple(found)


def _also(state: str, lifting: Lifting) -> tuple[Level, ...]:
    """The levels that the tree has a state at, of those it came to later."""
    name, level = ALSO.get(state, ("", Level.PTE))
    return (level,) if lifting.number(name) else ()


def _use(skeleton: Layout, use: LevelUse, lifting: Lifting, agreed: frozenset[str], level: Level) -> LevelUse:
    """The level with the tree's protection table, unless it is the declared one; an entry that cannot be read is as it is declared."""
    table = skeleton.at(level).protections
    if not table:
        return use
    theirs: set[tuple[frozenset[str], int]] = set()
    made: list[Protection] = []
    for index in range(16):
        flags, number = vm_flags(index), lifting.number(PROTECTION.format(index))
        if number is None:
            made += [one for one in table if _flags(one) == flags]
            theirs |= {(flags, one.value) for one in table if _flags(one) == flags}
            continue
        theirs.add((flags, number))
        made.append(Protection("|".join(sorted(flags)) or "VM_NONE", number, "VM_WRITE" in flags, bool(flags & {"VM_READ", "VM_WRITE", "VM_EXEC"})))
    return use if theirs == {(_flags(one), one.value) for one in table} else replace(use, protections=tuple(made))


def _flags(one: Protection) -> frozenset[str]:
    return frozenset(one.name.split("|")) - {"VM_NONE"}
