"""Huge pages of hugetlbfs (HTLB7xx): the PTE generic code sees of a huge page, and s390's conversion between it and what the tables hold.

On most architectures a huge PTE is the segment, PMD or PUD entry itself.  s390 has two formats: generic code works on PTEs that are in no
table, and set_huge_pte_at() and huge_ptep_get() convert them to and from entries of the segment table (pmd) and the region-third table
(pud).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bitspec.expr import Expr, and_, const, eq, iff, implies, not_, or_, var, zext
from bitspec.hardware import Access
from bitspec.layout import Absent, Kernel, Layout
from bitspec.read.as_int import evaluate
from bitspec.vocabulary import NON_PRESENT, Level, StateName
from proofs import preconditions as pre
from proofs.claim import Goal, Scene, claim
from proofs.families.hardware import walks
from proofs.families.swap import decoded
from proofs.leaves import Pages
from proofs.preconditions import Given
from proofs.state import Lacking, State
from proofs.states import states
from proofs.subjects import Aspect

# The huge PTE: arch_make_huge_pte of pfn_pte, and what mm/hugetlb.c may make of it. It is never special.

_SETTERS = ("mkyoung", "mkold", "mkdirty", "mkclean", "wrprotect", "mksoft_dirty", "clear_soft_dirty", "mkuffd_wp", "clear_uffd_wp")
_MAPPED = StateName("huge-pte", "present leaf", (Level.PTE,), "the PTE of a huge page that is mapped")
_PROTNONE = StateName("huge-pte-protnone", "present leaf", (Level.PTE,), "the PTE of a huge page made inaccessible")


def huge_ptes(layout: Layout, level: Level) -> tuple[State | Lacking, ...]:
    """The PTEs of huge pages that an entry of `level` maps: the accessible ones, and the prot-none ones."""
    key = ("huge PTEs", level)
    found = layout.derived.get(key)
    if found is None:
        found = layout.derived[key] = tuple(_huge_ptes(layout, level))
    assert isinstance(found, tuple)
    return found


def _huge_ptes(layout: Layout, level: Level) -> Iterator[State | Lacking]:
    try:
        k = layout.at(Level.PTE)
        made, modify, construct = k.arch_make_huge_pte, k.modify, k.pfn_pte
    except Absent as reason:
        yield from (Lacking(about.name, str(reason)) for about in (_MAPPED, _PROTNONE))
        return
    # a protection is changed by arch_make_huge_pte(huge_pte_modify()) (mm/hugetlb.c: hugetlb_change_protection)
    pages = Pages(k, layout.uses[level].order, lambda frame, prot: made(construct(frame, prot)), lambda pte, prot: made(modify(pte, prot)), _SETTERS)
    for about in (_MAPPED, _PROTNONE):
        try:
            yield pages.state(about, pages.accessible if about is _MAPPED else pages.inaccessible)
        except Absent as reason:
            yield Lacking(about.name, str(reason))


def _huge(scene: Scene) -> Iterator[State | Lacking]:
    """Huge PTEs as the lowest level that has huge pages aligns them."""
    level = next((one for one in (Level.PMD, Level.PUD) if one in scene.layout.uses), None)
    if level is not None:
        yield from huge_ptes(scene.layout, level)


def _accessible(scene: Scene) -> Iterator[State | Lacking]:
    return (one for one in _huge(scene) if one.name == _MAPPED.name)


@claim("huge-pte-not-huge", "HTLB701/pte", about=_huge)
def huge_pte_not_huge(k: Kernel, s: State) -> Expr:
    """The PTE of a huge page is pte_huge.

    Why it matters: architectures that share the format of a level tell a huge entry from a table by it.

    Example: an arch_make_huge_pte() that leaves the leaf bit clear.

    References: mm/debug_vm_pgtable.c: hugetlb_basic_tests; include/linux/hugetlb.h: arch_make_huge_pte.
    """
    return k.huge(s.entry)


@claim("huge-pte-dirty-lost", "HTLB702/pte", about=_accessible)
def huge_pte_dirty_lost(k: Kernel, s: State) -> Expr:
    """A huge PTE made dirty is dirty.

    Why it matters: a huge page whose writes are forgotten is dropped from the page cache.

    Example: a huge mark on the bit of the dirty predicate.

    References: mm/debug_vm_pgtable.c: hugetlb_basic_tests; include/asm-generic/hugetlb.h: huge_pte_mkdirty.
    """
    return k.dirty(k.mkdirty(s.entry))


@claim("huge-pte-write-lost", "HTLB703/pte", about=_accessible)
def huge_pte_write_lost(k: Kernel, s: State) -> Expr:
    """A huge PTE made writable is writable, also after it was write-protected.

    Why it matters: the write fault that made it so comes again, for ever.

    Example: a wrprotect that leaves a mark which overrules write.

    References: mm/debug_vm_pgtable.c: hugetlb_basic_tests; include/asm-generic/hugetlb.h: huge_pte_mkwrite.
    """
    return and_(k.write(k.mkwrite_novma(s.entry)), k.write(k.mkwrite_novma(k.wrprotect(s.entry))))


@claim("huge-pte-wrprotect-ineffective", "HTLB704/pte", about=_accessible)
def huge_pte_wrprotect_ineffective(k: Kernel, s: State) -> Expr:
    """A write-protected huge PTE is not writable, also if it was just made so.

    Why it matters: a huge page shared by fork() would be written by both.

    Example: a huge mark on the bit of the write predicate.

    References: mm/debug_vm_pgtable.c: hugetlb_basic_tests; mm/hugetlb.c: copy_hugetlb_page_range.
    """
    return and_(not_(k.write(k.wrprotect(s.entry))), not_(k.write(k.wrprotect(k.mkwrite_novma(s.entry)))))


@claim("huge-pte-frame-lost", "HTLB705/pte", about=_huge)
def huge_pte_frame_lost(k: Kernel, s: State) -> Expr:
    """The frame number read back from a huge PTE is the one it was built with.

    Why it matters: pte_page() of it is the page that is freed, copied or migrated.

    Example: a huge mark inside the frame number.

    References: mm/hugetlb.c: make_huge_pte.
    """
    assert s.frame is not None
    return eq(k.pfn(s.entry), s.frame)


# s390: what the tables hold


def _to(k: Kernel, pte: Expr) -> Expr:
    """The entry that set_huge_pte_at() stores at this level for a PTE."""
    return k.helper(f"__pte_to_rste_{k.level}")(pte)


def _from(k: Kernel, entry: Expr) -> Expr:
    """The PTE that huge_ptep_get() makes of an entry of this level."""
    return k.helper(f"__rste_to_pte_{k.level}")(entry)


def _converts(scene: Scene) -> Lacking | None:
    """Why this level has no conversion, or None where it has."""
    try:
        for name in (f"__pte_to_rste_{scene.level}", f"__rste_to_pte_{scene.level}"):
            scene.layout.helper(name)
    except Absent as reason:
        return Lacking("conversion", str(reason))
    return None


def _present(scene: Scene) -> Iterator[State | Lacking]:
    """Huge PTEs, where they are converted."""
    lacking = _converts(scene)
    yield from (lacking,) if lacking else huge_ptes(scene.layout, scene.level)


def _absent(scene: Scene) -> Iterator[State | Lacking]:
    """Swap PTEs and their relatives, where they are converted."""
    lacking = _converts(scene)
    if lacking:
        yield lacking
        return
    for name, one in states(scene.layout, Level.PTE).items():
        if name in NON_PRESENT:
            yield one


@dataclass(frozen=True)
class Marked(Aspect):
    """A kind of PTE and one of its marks.

    Attributes:
        mark: the attribute or the flag.
    """

    mark: str

    @property
    def name(self) -> str:
        """``swap+exclusive``."""
        return f"{self.state.name}+{self.mark}"


@claim("huge-pte-garbled", "HTLB711/pmd,pud", about=_present)
def huge_pte_garbled(k: Kernel, s: State) -> Expr:
    """A huge PTE comes back from the tables as it went in: every attribute, and the frame.

    Why it matters: whatever mm/hugetlb.c marks in a huge PTE would be gone when it looks again.

    Example: s390 at linux-6.12 takes a clean, old, prot-none region-third leaf of frame 0 for an empty entry: its origin is 0.

    References: arch/s390/mm/hugetlbpage.c: __pte_to_rste, __rste_to_pte.
    """
    return eq(_from(k, _to(k, s.entry)), s.entry)


def _attributes(scene: Scene) -> Iterator[Marked | Lacking]:
    for one in _present(scene):
        if not isinstance(one, State):
            yield one
            continue
        for name in ("young", "dirty", "write", "soft_dirty", "uffd_wp", "protnone"):
            if scene.layout.has(f"pte_{name}"):
                missing = not scene.k.has(name)
                reason = f"{scene.k.name(name)} does not exist in {scene.layout.name}"
                yield Lacking(f"{one.name}+{name}", reason) if missing else Marked(one, name)


@claim("huge-entry-attribute-garbled", "HTLB712/pmd,pud", about=_attributes)
def huge_entry_attribute_garbled(k: Kernel, s: Marked) -> Expr:
    """The tables' entry of a huge page has the attributes of its PTE: pmd_write or pud_write of the one is pte_write of the other, and so
    on.

    Why it matters: page-table walkers that know nothing of hugetlbfs read the entry with the level's own predicates.

    Example: s390 before v6.10 had the read and write bits of region-third entries the other way round: the read-only PTE 0x211 gave one
    that pud_write called writable.

    References: mm/pagewalk.c; mm/gup.c; the header comments of arch/s390/include/asm/pgtable.h.
    """
    return iff(k.helper(s.mark)(_to(k, s.entry)), k.helper(f"pte_{s.mark}")(s.entry))


@claim("huge-entry-frame-lost", "HTLB713/pmd,pud", about=_present)
def huge_entry_frame_lost(k: Kernel, s: State) -> Expr:
    """The tables' entry of a huge page names the frame of its PTE, in the level's own pfn helper.

    Why it matters: get_user_pages_fast() takes the page it names.

    Example: an attribute bit inside the address field of a region-third leaf.

    References: mm/gup.c: gup_fast_pud_leaf.
    """
    assert s.frame is not None
    return eq(k.pfn(_to(k, s.entry)), s.frame)


@claim("huge-entry-not-leaf", "HTLB714/pmd,pud", about=_present)
def huge_entry_not_leaf(k: Kernel, s: State) -> Expr:
    """The tables' entry of a huge page is present and a leaf, and not none.

    Why it matters: a walker would free it, or follow it as a table into user memory.

    Example: a large-page bit that is set for one of the levels only.

    References: mm/pagewalk.c; mm/gup.c; arch/s390/mm/hugetlbpage.c: __set_huge_pte_at.
    """
    made = _to(k, s.entry)
    return and_(k.present(made), k.leaf(made), not_(k.none(made)))


@claim("huge-entry-mistranslated", "HTLB715/pmd,pud", about=_present, scene=True)
def huge_entry_mistranslated(scene: Scene, s: State) -> Goal:
    """The hardware translates the tables' entry of a huge page to its frame, or faults: it lets no store through but to a writable, dirty
    one, nothing through a prot-none one, and some access through a young one.

    Why it matters: it is what the user gets to see.

    Example: an entry whose table type belongs to the other level: a translation-specification exception, which the kernel does not survive.

    References: SA22-7832, Translation Process; arch/s390/kernel/traps.c: translation_specification_exception.
    """
    assert s.frame is not None
    facts = scene.layout.hardware
    if "leaf" not in scene.hardware.views:
        raise Absent(f"{scene.hardware.name} cannot map a frame in variant {facts.variant}")
    made = _to(scene.k, s.entry)
    pte = scene.layout.at(Level.PTE)
    results = walks(scene, made)
    holds = [or_(and_(one.leaf, eq(one.frame, s.frame)), one.refused, one.invalid) for one in results.values()]
    holds.append(implies(results[Access.STORE].leaf, and_(pte.write(s.entry), pte.dirty(s.entry))))
    reached = or_(*[one.leaf for one in results.values()])
    holds.append(implies(pte.young(s.entry), reached) if s.about is _MAPPED else not_(reached))
    known_facts = tuple(Given(pre.CIRCUMSTANCE, fact) for fact in facts.known())
    return Goal(and_(*holds), known_facts, made, (*s.variables, *(one.variable for one in facts.circumstances)))


@dataclass(frozen=True)
class Empty:
    """The empty PTE."""

    name: str
    entry: Expr


def _none(scene: Scene) -> Iterator[Empty | Lacking]:
    yield _converts(scene) or Empty("none", scene.layout.at(Level.PTE).clear())


@claim("huge-none-garbled", "HTLB716/pmd,pud", about=_none)
def huge_none_garbled(k: Kernel, s: Empty) -> Expr:
    """The empty PTE becomes the level's own empty entry, and that the empty PTE.

    Why it matters: a hugetlb fault starts from huge_pte_none(); the page-table code frees by pmd_none() and pud_none().

    Example: a conversion that gives the empty segment-table entry at a region-third table, too: its table type is wrong.

    References: arch/s390/mm/hugetlbpage.c; mm/hugetlb.c: hugetlb_fault.
    """
    made = _to(k, s.entry)
    return and_(k.none(made), eq(made, k.clear()), eq(_from(k, k.clear()), s.entry))


@claim("huge-swap-entry-lost", "HTLB717/pmd,pud", about=_absent)
def huge_swap_entry_lost(k: Kernel, s: State) -> Expr:
    """A swap, migration or marker PTE comes back from the tables with its type and offset, and meanwhile looks neither empty nor present.

    Why it matters: a poisoned huge page would read as zeroes, and a huge page on the move would be forgotten.

    Example: s390 from v6.6, when UFFDIO_POISON came to hugetlbfs, to v6.12: a marker is stored as the empty entry. The PTE 0x267c becomes
    0x20.

    References: arch/s390/mm/hugetlbpage.c; mm/hugetlb.c: hugetlb_mfill_atomic_pte; f934f6be76c1.
    """
    pte = k.layout.at(Level.PTE)
    made = _to(k, s.entry)
    back = _from(k, made)
    same = [eq(decoded(pte, back, part), decoded(pte, s.entry, part)) for part in ("__swp_type", "__swp_offset")]
    return and_(*same, not_(k.none(made)), not_(k.present(made)), not_(pte.none(back)), not_(pte.present(back)))


def _flags(scene: Scene) -> Iterator[Marked | Lacking]:
    for one in _absent(scene):
        if not isinstance(one, State):
            yield one
            continue
        for flag in ("exclusive", "soft_dirty", "uffd_wp"):
            if any(spare.name == flag for spare in one.inputs):
                yield Marked(one, flag)


@claim("huge-swap-flag-lost", "HTLB718/pmd,pud", about=_flags)
def huge_swap_flag_lost(k: Kernel, s: Marked) -> Expr:
    """A software flag of a swap, migration or marker PTE comes back from the tables.

    Why it matters: exclusive, soft-dirty and uffd-wp of a huge page would be lost while it is away.

    Example: s390's conversion takes type and offset along, and nothing else.

    References: arch/s390/mm/hugetlbpage.c: __pte_to_rste.
    """
    test = k.helper(f"pte_swp_{s.mark}")
    return iff(test(_from(k, _to(k, s.entry))), test(s.entry))


def _stored(scene: Scene) -> Iterator[State | Empty | Lacking]:
    """Everything set_huge_pte_at() may store."""
    lacking = _converts(scene)
    if lacking:
        yield lacking
        return
    yield from _none(scene)
    yield from _present(scene)
    yield from _absent(scene)


@claim("huge-entry-wrong-level", "HTLB719/pmd,pud", about=_stored, scene=True)
def huge_entry_wrong_level(scene: Scene, s: State | Empty) -> Goal:
    """Whatever is stored for a huge page tells by its table type which level it belongs to.

    The conversion takes no level: huge_ptep_get() and set_huge_pte_at() read it off the table type (01 in a region-third table) of the
    entry they find.

    Why it matters: the next entry stored there would be one of the other level, and a present one a translation-specification exception.

    Example: a swap entry that is marked by its table type.

    References: arch/s390/mm/hugetlbpage.c: __set_huge_pte_at, __rste_to_pte; arch/s390/include/asm/pgtable.h: pud_folded.
    """
    made = _to(scene.k, s.entry)
    return Goal(_tells_level(scene, made), (), made)


def _tells_level(scene: Scene, entry: Expr) -> Expr:
    """Hardware's table type is 01 in a region-third table, and there only."""
    region_third = eq(scene.hardware.views["table"]["TT"].extract(entry), 0b01)
    return region_third if scene.level is Level.PUD else not_(region_third)


# s390 since v6.13: the swap codec of these tables


@dataclass(frozen=True)
class Codec:
    """An entry the codec makes, for every type and offset it has, as the level stores it.

    Attributes:
        name: as a subject.
        type, offset: the inputs.
        made: what mk_swap_rste() gives.
        entry: that, with the table type of the level's empty entry.
    """

    name: str
    type: Expr
    offset: Expr
    made: Expr
    entry: Expr

    @property
    def given(self) -> tuple[Given, ...]:
        """Every offset of the width the codec has."""
        return (Given(pre.WHOLE_OFFSET, const(1, 1)),)

    @property
    def variables(self) -> tuple[Expr, ...]:
        """Type and offset."""
        return self.type, self.offset


def _codec(scene: Scene) -> Iterator[Codec | Lacking]:
    k = scene.k
    try:
        largest = evaluate(k.helper("__swp_offset_rste")(k.mk_swap_rste(0, (1 << k.layout.word) - 1)), {})
        kind, offset = var("type", 5), var("offset", largest.bit_length())
        made = k.mk_swap_rste(zext(kind, k.layout.word), zext(offset, k.layout.word))
        table_type = scene.hardware.views["table"]["TT"].mask
        yield Codec("swap_rste", kind, offset, made, made | (k.clear() & table_type))
    except Absent as reason:
        yield Lacking("swap_rste", str(reason))


@claim("rste-swap-garbled", "HTLB721/pmd,pud", about=_codec)
def rste_swap_garbled(k: Kernel, s: Codec) -> Expr:
    """A swap entry of a segment or region-third table decodes to the type and offset it was made of, for all 32 types, with any flag or
    table type.

    Why it matters: one kind of entry would become another, or name another page.

    Example: a type that reaches into the table type.

    References: arch/s390/include/asm/pgtable.h: mk_swap_rste, __swp_type_rste, __swp_offset_rste.
    """
    return and_(
        eq(k.helper("__swp_type_rste")(s.entry), zext(s.type, k.layout.word)),
        eq(k.helper("__swp_offset_rste")(s.entry), zext(s.offset, k.layout.word)),
    )


@claim("rste-swap-looks-mapped", "HTLB722/pmd,pud", about=_codec)
def rste_swap_looks_mapped(k: Kernel, s: Codec) -> Expr:
    """A swap entry of a segment or region-third table is neither present, nor a leaf, nor none.

    Why it matters: the kernel would take its offset for a frame number, or forget it.

    Example: s390 at linux-6.12, where every segment-table entry but the empty one is present.

    References: arch/s390/include/asm/pgtable.h: pmd_present, pud_present.
    """
    return and_(not_(k.present(s.entry)), not_(k.leaf(s.entry)), not_(k.none(s.entry)))


@claim("rste-swap-walked", "HTLB723/pmd,pud", about=_codec, scene=True)
def rste_swap_walked(scene: Scene, s: Codec) -> Goal:
    """The hardware finds a swap entry of a segment or region-third table invalid, whatever its type, offset and table type.

    Why it matters: it would map what the offset happens to name.

    Example: the PTE format in a segment-table entry: 0x1600 maps a megabyte.

    References: SA22-7832, Segment-Table Entries, Region-Table Entries: the invalid bit.
    """
    facts = scene.layout.hardware
    given = tuple(Given(pre.CIRCUMSTANCE, fact) for fact in facts.known())
    holds = and_(*[one.invalid for one in walks(scene, s.entry).values()])
    return Goal(holds, given, s.entry, (*s.variables, *(one.variable for one in facts.circumstances)))


@claim("rste-swap-wrong-level", "HTLB724/pmd,pud", about=_codec, scene=True)
def rste_swap_wrong_level(scene: Scene, s: Codec) -> Goal:
    """mk_swap_rste() leaves the table type 00, so that the caller can or the level's into it, and the entry tells its level.

    Why it matters: as for huge-entry-wrong-level.

    Example: a type field one bit lower.

    References: arch/s390/include/asm/pgtable.h: mk_swap_rste; arch/s390/mm/hugetlbpage.c: __set_huge_pte_at.
    """
    table_type = scene.hardware.views["table"]["TT"].extract(s.made)
    return Goal(and_(eq(table_type, 0), _tells_level(scene, s.entry)), (), s.entry)
