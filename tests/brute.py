"""An independent reading of a layout: plain ints, plain loops, no claims, no states, no simplifier and no solver.

It builds entries the way the kernel does, for every swap type, every single offset or frame bit and every subset of flags, and looks for collisions.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, combinations

from bitspec.fields import Owner
from bitspec.hardware import Access
from bitspec.layout import Kernel, Layout
from bitspec.read.as_int import evaluate
from bitspec.vocabulary import Level


def collisions(layout: Layout, level: Level) -> Iterator[str]:
    """What goes wrong at one level, a line each."""
    k = layout.at(level)
    yield from _overlaps(layout, level)
    yield from _swap(k)
    yield from _leaves(k)


def call(k: Kernel, stem: str, *args: int) -> int:
    """A helper applied to ints."""
    one = k.helper(stem)
    return evaluate(one.body, dict(zip(one.params, args, strict=True)))


def _overlaps(layout: Layout, level: Level) -> Iterator[str]:
    facts = layout.hardware.levels.get(level) if layout.hardware.no_walk is None else None
    for name, view in layout.uses[level].views.items():
        theirs = facts.views.get("invalid" if name == "swap" else name) if facts else None
        used: set[int] = set()
        acted = {place for one in theirs or () if one.owner in (Owner.HARDWARE, Owner.RESERVED) for place in _places(one)}
        for one in view:
            places = set(_places(one))
            if places & used:
                yield f"{one.name} shares a bit in the {name} view"
            if max(places) >= view.width:
                yield f"{one.name} sticks out of the {name} view"
            if one.owner is Owner.SOFTWARE and places & acted:
                yield f"{one.name} stands on a bit the hardware acts on in the {name} view"
            used |= places


def _places(field) -> Iterator[int]:
    return chain.from_iterable(range(low, high + 1) for high, low in field.spans)


def _subsets(items):
    return chain.from_iterable(combinations(items, size) for size in range(len(items) + 1))


def _reactions(k: Kernel, entry: int) -> set[str]:
    """What the MMU may do with the entry, over all accesses and a handful of circumstances."""
    hardware = k.layout.hardware
    facts = hardware.levels[k.level]
    found = set()
    for access in Access:
        for setting in (0, 1):
            values = {}
            for one in hardware.circumstances:
                possible = [value for value in range(1 << one.width) if one.holds is None or evaluate(one.holds(one.variable), {one.variable: value})]
                values[one.variable] = possible[-setting]
            from bitspec.expr import const

            walk = facts.walk(const(entry, facts.width), access, hardware.context)
            found |= {name for name in ("invalid", "refused", "reserved", "table", "leaf") if evaluate(getattr(walk, name), values)}
    return found


def _swap(k: Kernel) -> Iterator[str]:
    encode = f"__swp_entry_to_{k.level}"
    if k.level is Level.PUD or not k.has(encode):
        return
    flags = [flag for flag in ("exclusive", "soft_dirty", "uffd_wp") if k.has(f"swp_mk{flag}")]
    probe = call(k, encode, call(k, "__swp_entry", 0, (1 << 64) - 1))
    most = call(k, "__swp_offset", call(k, f"__{k.level}_to_swp_entry", probe))
    if most & (most + 1):
        yield "the probe of the maximum offset has a hole"
    offsets = [1 << bit for bit in range(most.bit_length())] + [most >> 1, most - 1]
    denied = [name for name in ("none", "present", "leaf", "trans_huge", "protnone") if k.has(name)]
    seen: dict[int, tuple[int, int]] = {}
    for kind in range(32):
        for offset in offsets:
            plain = call(k, encode, call(k, "__swp_entry", kind, offset))
            if seen.setdefault(plain, (kind, offset)) != (kind, offset):
                yield f"two swap entries are {plain:#x}"
            for flag in flags:
                if call(k, f"swp_{flag}", plain):
                    yield f"fresh {plain:#x} is {flag}"
            for chosen in _subsets(flags) if offset in (1, 2, most - 1) else [(), tuple(flags)]:
                entry = plain
                for flag in chosen:
                    entry = call(k, f"swp_mk{flag}", entry)
                back = call(k, "to_swp_entry", entry)
                if (call(k, "__swp_type", back), call(k, "__swp_offset", back)) != (kind, offset):
                    yield f"{entry:#x} decodes as something else"
                for flag in flags:
                    if call(k, f"swp_{flag}", entry) != (flag in chosen):
                        yield f"{entry:#x} loses or gains {flag}"
                for name in denied:
                    if call(k, name, entry):
                        yield f"{entry:#x} is {name}"
        if k.layout.hardware.no_walk is None:
            for offset in offsets[:: max(1, len(offsets) // 6)]:
                entry = call(k, encode, call(k, "__swp_entry", kind, offset))
                for flag in flags:
                    entry = call(k, f"swp_mk{flag}", entry)
                if _reactions(k, entry) != {"invalid"}:
                    yield f"the hardware walks {entry:#x}"


_MARKS = (("mksoft_dirty", "soft_dirty"), ("mkuffd_wp", "uffd_wp"), ("mkspecial", "special"), ("mkdirty", "dirty"), ("mkyoung", "young"), ("mkdevmap", "devmap"))
_WATCHED = ("none", "present", "leaf", "protnone", "bad", "young", "dirty", "write", "special", "devmap", "soft_dirty", "uffd_wp")
_CARRIED = {"mkdirty": {"soft_dirty", "dirty"}, "mkuffd_wp": {"uffd_wp", "write"}, "mkdevmap": {"devmap", "special"}}


def _leaves(k: Kernel) -> Iterator[str]:
    level = k.level
    marks = [(maker, test) for maker, test in _MARKS if k.has(maker, test)]
    watched = [name for name in _WATCHED if k.has(name)]
    order = k.use.order
    frames = [0, *(1 << bit for bit in range(0, k.layout.pfn_bits - order, 5)), (1 << (k.layout.pfn_bits - order)) - 1]
    values = dict.fromkeys(row.value for row in k.protections)
    for prot in values:
        for frame in frames:
            leaf = call(k, f"pfn_{level}", frame << order, prot)
            if level is not Level.PTE:
                leaf = call(k, "mkhuge", leaf)
            for chosen in _subsets(marks) if frame in (0, frames[-1]) else [tuple(marks)]:
                entry = leaf
                for maker, test in chosen:
                    before = {name: call(k, name, entry) for name in watched}
                    entry = call(k, maker, entry)
                    after = {name: call(k, name, entry) for name in watched}
                    if not after[test]:
                        yield f"{maker} of {leaf:#x} is lost"
                    changed = {name for name in watched if before[name] != after[name]}
                    if changed - _CARRIED.get(maker, {test}):
                        yield f"{maker} of {leaf:#x} changes {changed}"
                if call(k, "pfn", entry) != frame << order:
                    yield f"{entry:#x} names another frame"
                if call(k, "none", entry):
                    yield f"{entry:#x} is none"
            for maker, test in marks:
                if test in ("soft_dirty", "uffd_wp", "special", "dirty") and k.has("modify") and prot:
                    marked = call(k, maker, leaf)
                    if not all(call(k, test, call(k, "modify", marked, other)) for other in values):
                        yield f"modify of {marked:#x} forgets {test}"
