"""An independent reading of a layout: plain ints, plain loops, no claims, no states, no simplifier and no solver.

It builds entries the way the kernel does, for every swap type, every single offset or frame bit and every subset of flags, and looks for collisions.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, combinations

from bitspec.expr import var
from bitspec.fields import Owner
from bitspec.hardware import OUTCOMES, Access
from bitspec.layout import Kernel, Layout
from bitspec.read.as_int import evaluate, function
from bitspec.vocabulary import Level


def collisions(layout: Layout, level: Level) -> frozenset[str]:
    """The kinds of things that go wrong at one level."""
    k = layout.at(level)
    return frozenset(chain(_overlaps(layout, level), _swap(k), _leaves(k), _converted(k)))


def call(k: Kernel, stem: str, *args: int) -> int:
    """A helper applied to ints."""
    one = k.helper(stem)
    if len(args) == 1:
        return function(one.body, one.params[0])(args[0])
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


def _mmu(k: Kernel):
    """What the MMU may do with an entry, over all accesses and the ends of what is known of the circumstances, as a function on ints."""
    hardware = k.layout.hardware
    facts = hardware.levels[k.level]
    entry = var("entry", facts.width)
    walks = [facts.walk(entry, access, hardware.context) for access in Access]
    settings = []
    for pick in (0, -1):
        setting = {}
        for one in hardware.circumstances:
            possible = [value for value in range(1 << one.width) if one.holds is None or evaluate(one.holds(one.variable), {one.variable: value})]
            setting[one.variable] = possible[pick]
        settings.append(setting)

    def react(value: int) -> set[str]:
        found = set()
        for walk in walks:
            for setting in settings:
                found |= {name for name in OUTCOMES if evaluate(getattr(walk, name), {entry: value, **setting})}
        return found

    return react


def _swap(k: Kernel) -> Iterator[str]:
    encode = f"__swp_entry_to_{k.level}"
    if k.level is Level.PUD or not k.has(encode):
        return
    flags = [flag for flag in ("exclusive", "soft_dirty", "uffd_wp") if k.has(f"swp_mk{flag}")]
    probe = call(k, encode, call(k, "__swp_entry", 0, (1 << k.layout.word) - 1))
    most = call(k, "__swp_offset", call(k, f"__{k.level}_to_swp_entry", probe))
    if most & (most + 1):
        yield "the probe of the maximum offset has a hole"
    offsets = [1 << bit for bit in range(most.bit_length())] + [most >> 1, most - 1]
    react = _mmu(k) if k.layout.hardware.no_walk is None else None
    denied = [name for name in ("none", "present", "leaf", "trans_huge", "protnone") if k.has(name)]
    seen: dict[int, tuple[int, int]] = {}
    for kind in range(32):
        for offset in offsets:
            plain = call(k, encode, call(k, "__swp_entry", kind, offset))
            if seen.setdefault(plain, (kind, offset)) != (kind, offset):
                yield "two swap entries are the same"
            for flag in flags:
                if call(k, f"swp_{flag}", plain):
                    yield f"a fresh swap entry is {flag}"
            for chosen in _subsets(flags) if offset in (1, 2, most - 1) else [(), tuple(flags)]:
                entry = plain
                for flag in chosen:
                    entry = call(k, f"swp_mk{flag}", entry)
                back = call(k, "to_swp_entry", entry)
                if (call(k, "__swp_type", back), call(k, "__swp_offset", back)) != (kind, offset):
                    yield "a swap entry decodes as something else"
                for flag in flags:
                    if call(k, f"swp_{flag}", entry) != (flag in chosen):
                        yield f"a swap entry loses or gains {flag}"
                for name in denied:
                    if call(k, name, entry):
                        yield f"a swap entry is {name}"
        if react is not None:
            for offset in offsets[:: max(1, len(offsets) // 4)]:
                entry = call(k, encode, call(k, "__swp_entry", kind, offset))
                for flag in flags:
                    entry = call(k, f"swp_mk{flag}", entry)
                if react(entry) != {"invalid"}:
                    yield "the hardware walks a swap entry"


_MARKS = tuple((f"mk{name}", name) for name in ("soft_dirty", "uffd_wp", "special", "dirty", "young", "devmap"))
_WATCHED = ("none", "present", "leaf", "protnone", "bad", "young", "dirty", "write", "special", "devmap", "soft_dirty", "uffd_wp")
_CARRIED = {"mkdirty": {"soft_dirty", "dirty"}, "mkuffd_wp": {"uffd_wp", "write"}, "mkdevmap": {"devmap", "special"}}


def _leaves(k: Kernel) -> Iterator[str]:
    level = k.level
    if not k.has(f"pfn_{level}", "pfn", *(() if level is Level.PTE else ("mkhuge",))):  # riscv64 has pfn_pud() and no pud_mkhuge()
        return
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
                        yield f"{maker} is lost"
                    changed = {name for name in watched if before[name] != after[name]}
                    if changed - _CARRIED.get(maker, {test}):
                        yield f"{maker} changes {sorted(changed)}"
                if call(k, "pfn", entry) != frame << order:
                    yield "a leaf names another frame"
                if call(k, "none", entry):
                    yield "a leaf is none"
            for maker, test in marks:
                if test in ("soft_dirty", "uffd_wp", "special", "dirty") and k.has("modify") and prot:
                    marked = call(k, maker, leaf)
                    if not all(call(k, test, call(k, "modify", marked, other)) for other in values):
                        yield f"modify forgets {test}"


def _converted(k: Kernel) -> Iterator[str]:
    """s390's conversion of huge PTEs to segment- and region-table entries and back."""
    to, back = f"__pte_to_rste_{k.level}", f"__rste_to_pte_{k.level}"
    if k.level is Level.PTE or not k.has(to, back):
        return
    pte = k.layout.at(Level.PTE)
    watched = [name for name in ("none", "present", "young", "dirty", "write", "soft_dirty", "protnone") if pte.has(name)]
    marks = [maker for maker in ("mksoft_dirty", "mkdirty", "mkyoung", "mkold", "mkwrite_novma", "wrprotect") if pte.has(maker)]
    order = k.use.order
    for row in pte.protections:
        for frame in (0, 1, 1 << (k.layout.pfn_bits - order - 1)):
            leaf = call(pte, "pfn_pte", frame << order, row.value)
            if pte.has("mkhuge"):
                leaf = call(pte, "mkhuge", leaf)
            for chosen in _subsets(marks[:4]):
                entry = leaf
                for maker in (*chosen, *(marks[4:5] if row.write else ())):
                    entry = call(pte, maker, entry)
                huge = call(k, to, entry)
                again = call(k, back, huge)
                for name in watched:
                    if call(pte, name, again) != call(pte, name, entry):
                        yield f"a converted huge PTE changes {name}"
                for name in ("young", "dirty", "write", "soft_dirty", "present"):
                    if k.has(name) and pte.has(name) and call(k, name, huge) != call(pte, name, entry):
                        yield f"a converted huge PTE is read with another {name}"
                if call(pte, "pfn", again) != frame << order:
                    yield "a converted huge PTE names another frame"
    for kind in range(32):
        for offset in (1, 2, 1 << 20, 1 << 40):
            entry = call(pte, "__swp_entry_to_pte", call(pte, "__swp_entry", kind, offset))
            huge = call(k, to, entry)
            if call(k, back, huge) != entry:
                yield "a converted swap entry comes back as another"
            for name in ("none", "present", "leaf"):
                if k.has(name) and call(k, name, huge):
                    yield f"a converted swap entry is {name}"
