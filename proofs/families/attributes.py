"""Attributes of a mapped leaf: young, dirty, write, special, soft-dirty, uffd-wp, and the frame (PTE1xx, PMD2xx, PUD3xx)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bitspec.expr import Expr, and_, const, eq, iff, implies, not_, or_, select, var
from bitspec.layout import Absent, Kernel
from bitspec.vocabulary import Level
from proofs import preconditions as pre
from proofs.claim import Goal, Scene, claim
from proofs.leaves import writers
from proofs.preconditions import Given
from proofs.state import Missing, State
from proofs.states import inaccessible, mapped, writable
from proofs.subjects import Lacking, Setter, leaves, mapped_leaves, rows, setters, settled_leaves


def codes(number: int) -> tuple[str, str, str]:
    """The three codes of a claim that is asked alike at pte, pmd and pud."""
    return f"PTE1{number:02}", f"PMD2{number:02}", f"PUD3{number:02}"


@claim("young-lost", *codes(1), about=mapped_leaves)
def young_lost(k: Kernel, s: State) -> Expr:
    """A leaf made young is young.

    Why it matters: reclaim ages pages by this bit; a page whose access is forgotten is swapped out while in use.

    Example: an architecture whose mkyoung sets a bit that its young predicate does not test.

    References: Documentation/mm/arch_pgtable_helpers.rst; mm/debug_vm_pgtable.c: pte_basic_tests (for one frame and one protection).
    """
    return k.young(k.mkyoung(s.entry))


@claim("old-lost", *codes(2), about=mapped_leaves)
def old_lost(k: Kernel, s: State) -> Expr:
    """A leaf made old is not young.

    Why it matters: a page that cannot be aged is never reclaimed.

    Example: mkold clears one of two bits that young tests.

    References: Documentation/mm/arch_pgtable_helpers.rst; mm/debug_vm_pgtable.c: pte_basic_tests.
    """
    return not_(k.young(k.mkold(s.entry)))


@claim("dirty-lost", *codes(3), about=mapped_leaves)
def dirty_lost(k: Kernel, s: State) -> Expr:
    """A leaf made dirty is dirty.

    Why it matters: a page whose writes are forgotten is dropped without write-back: data loss.

    Example: x86 with a mkdirty that always sets SAVED_DIRTY while dirty tests DIRTY alone.

    References: Documentation/mm/arch_pgtable_helpers.rst; mm/debug_vm_pgtable.c: pte_basic_tests.
    """
    return k.dirty(k.mkdirty(s.entry))


@claim("clean-lost", *codes(4), about=mapped_leaves)
def clean_lost(k: Kernel, s: State) -> Expr:
    """A leaf made clean is not dirty.

    Why it matters: write-back that cannot clean a page never ends.

    Example: x86 with a mkclean that leaves SAVED_DIRTY set.

    References: Documentation/mm/arch_pgtable_helpers.rst; mm/debug_vm_pgtable.c: pte_basic_tests.
    """
    return not_(k.dirty(k.mkclean(s.entry)))


@claim("write-lost", *codes(5), about=setters("mkwrite", "mkwrite_novma", "mkwrite_shstk"))
def write_lost(k: Kernel, s: Setter) -> Expr:
    """A leaf made writable is writable.

    Why it matters: the write fault that made it so comes again, for ever.

    Example: mkwrite sets a bit that the write predicate does not test.

    References: Documentation/mm/arch_pgtable_helpers.rst; mm/debug_vm_pgtable.c: pte_basic_tests.
    """
    return k.write(k.helper(s.stem)(s.entry))


@claim("wrprotect-ineffective", *codes(6), about=mapped_leaves)
def wrprotect_ineffective(k: Kernel, s: State) -> Expr:
    """A write-protected leaf is not writable.

    Why it matters: copy-on-write, write-back and soft-dirty tracking all rest on the next write faulting.

    Example: wrprotect clears the hardware's bit and leaves the software's.

    References: Documentation/mm/arch_pgtable_helpers.rst; mm/debug_vm_pgtable.c: pte_basic_tests.
    """
    return not_(k.write(k.wrprotect(s.entry)))


@claim("wrprotect-loses-dirty", *codes(7), about=mapped_leaves)
def wrprotect_loses_dirty(k: Kernel, s: State) -> Expr:
    """A dirty leaf is still dirty after wrprotect.

    Why it matters: fork() write-protects dirty pages; were the mark lost there, so would be the data.

    Example: arm64 before hardware-dirty state was moved to PTE_DIRTY in wrprotect; x86 shadow stacks without SAVED_DIRTY.

    References: mm/debug_vm_pgtable.c: pte_basic_tests; arch/arm64/include/asm/pgtable.h: pte_wrprotect; arch/x86/include/asm/pgtable.h: pte_mksaveddirty.
    """
    return implies(k.dirty(s.entry), k.dirty(k.wrprotect(s.entry)))


@claim("special-lost", *codes(8), about=mapped_leaves)
def special_lost(k: Kernel, s: State) -> Expr:
    """A leaf made special is special.

    Why it matters: vm_normal_page() would hand out a struct page that does not exist.

    Example: mkspecial sets a bit that a later mkwrite clears.

    References: Documentation/mm/arch_pgtable_helpers.rst; mm/debug_vm_pgtable.c: pte_special_tests.
    """
    return k.special(k.mkspecial(s.entry))


@claim("devmap-lost", *codes(9), about=mapped_leaves)
def devmap_lost(k: Kernel, s: State) -> Expr:
    """A leaf made devmap is devmap.

    Why it matters: get_user_pages() would take a reference on device memory without holding the device.

    Example: mkdevmap sets a bit that modify drops.

    References: mm/debug_vm_pgtable.c: pte_devmap_tests.
    """
    return k.devmap(k.mkdevmap(s.entry))


@claim("soft-dirty-lost", *codes(10), about=settled_leaves)
def soft_dirty_lost(k: Kernel, s: State) -> Expr:
    """A leaf marked soft-dirty is soft-dirty.

    Why it matters: checkpoint/restore copies only the pages so marked; a lost mark is a page with old contents after restore.

    Example: the mark shares a bit with another attribute that is cleared.

    References: Documentation/admin-guide/mm/soft-dirty.rst; mm/debug_vm_pgtable.c: pte_soft_dirty_tests.
    """
    return k.soft_dirty(k.mksoft_dirty(s.entry))


@claim("soft-dirty-sticky", *codes(11), about=settled_leaves)
def soft_dirty_sticky(k: Kernel, s: State) -> Expr:
    """A leaf whose soft-dirty mark was cleared is not soft-dirty.

    Why it matters: every page would be copied again in every round.

    Example: clear_soft_dirty clears another bit than the predicate tests.

    References: mm/debug_vm_pgtable.c: pte_soft_dirty_tests.
    """
    return not_(k.soft_dirty(k.clear_soft_dirty(s.entry)))


@claim("uffd-wp-lost", *codes(12), about=settled_leaves)
def uffd_wp_lost(k: Kernel, s: State) -> Expr:
    """A leaf marked uffd-wp is uffd-wp.

    Why it matters: a user-space pager that is not told of a write loses it.

    Example: the mark shares a bit with another attribute that is cleared.

    References: Documentation/admin-guide/mm/userfaultfd.rst.
    """
    return k.uffd_wp(k.mkuffd_wp(s.entry))


@claim("uffd-wp-sticky", *codes(13), about=settled_leaves)
def uffd_wp_sticky(k: Kernel, s: State) -> Expr:
    """A leaf whose uffd-wp mark was cleared is not uffd-wp.

    Why it matters: the write faults for ever.

    Example: clear_uffd_wp clears another bit than the predicate tests.

    References: Documentation/admin-guide/mm/userfaultfd.rst.
    """
    return not_(k.uffd_wp(k.clear_uffd_wp(s.entry)))


@claim("uffd-wp-writable", *codes(14), about=mapped_leaves)
def uffd_wp_writable(k: Kernel, s: State) -> Expr:
    """A leaf marked uffd-wp is not writable.

    Why it matters: the write the mark is there to catch would not fault.

    Example: mkuffd_wp that only sets its own bit.

    References: mm/userfaultfd.c; include/asm-generic/pgtable_uffd.h.
    """
    return not_(k.write(k.mkuffd_wp(s.entry)))


#: What a setter may change besides its own attribute; everything else must stay.
PERMITTED: dict[str, frozenset[str]] = {
    "mkyoung": frozenset({"young"}),
    "mkold": frozenset({"young"}),
    "mkdirty": frozenset({"dirty", "soft_dirty"}),  # a dirty page is soft-dirty as well
    "mkclean": frozenset({"dirty"}),
    "mkwrite": frozenset({"write"}),
    "mkwrite_novma": frozenset({"write"}),
    "mkwrite_shstk": frozenset({"write", "dirty"}),  # write-protected and dirty is how hardware recognises a shadow stack
    "wrprotect": frozenset({"write"}),
    "mksoft_dirty": frozenset({"soft_dirty"}),
    "clear_soft_dirty": frozenset({"soft_dirty"}),
    "mkuffd_wp": frozenset({"uffd_wp", "write"}),
    "clear_uffd_wp": frozenset({"uffd_wp"}),
    "mkspecial": frozenset({"special"}),
    "mkdevmap": frozenset({"devmap", "special", "trans_huge"}),  # powerpc marks devmap special too; a devmap page is no THP
}
_ATTRIBUTES = ("none", "present", "leaf", "trans_huge", "devmap", "special", "protnone", "bad", "young", "dirty", "write", "soft_dirty", "uffd_wp")


@claim("setter-moves-frame", *codes(20), about=setters(*PERMITTED))
def setter_moves_frame(k: Kernel, s: Setter) -> Expr:
    """A setter leaves the page frame number alone, and the protection keys and memory types a mapping may have.

    Why it matters: an attribute that spills into the frame maps somebody else's memory.

    Example: a software bit placed at the lowest bit of a frame that was thought to be aligned.

    References: G in the catalogue: nobody checks it at run time.
    """
    after = k.helper(s.stem)(s.entry)
    return and_(eq(k.pfn(after), k.pfn(s.entry)), eq((after ^ s.entry) & k.use.extra, 0))


@claim("setter-disturbs", *codes(21), about=setters(*PERMITTED))
def setter_disturbs(k: Kernel, s: Setter) -> Expr:
    """A setter changes no attribute but its own, and those it is documented to carry along.

    mkdirty may set soft-dirty; mkuffd_wp clears write; mkwrite_shstk makes dirty; mkdevmap makes special, and no THP.

    Why it matters: two attributes on one bit, or one helper that clears a neighbour, lose marks without a fault.

    Example: soft-dirty placed on the bit of special: mkspecial makes every such page soft-dirty.

    References: G in the catalogue.
    """
    after = k.helper(s.stem)(s.entry)
    kept = [name for name in _ATTRIBUTES if name not in PERMITTED[s.stem] and k.has(name)]
    return and_(*[iff(k.helper(name)(after), k.helper(name)(s.entry)) for name in kept])


@claim("frame-lost", *codes(22), about=leaves)
def frame_lost(k: Kernel, s: State) -> Expr:
    """The frame number read back from a leaf is the one it was built with.

    It holds for every frame the architecture has, every protection, prot-none and invalidated leaves included.

    Why it matters: rmap, migration and splitting find the page by this number.

    Example: x86 inverts the frame of a not-present leaf against L1TF; a pmd_pfn that did not undo it would name another page.

    References: mm/debug_vm_pgtable.c: pte_basic_tests; arch/x86/include/asm/pgtable-invert.h.
    """
    assert s.frame is not None
    return eq(k.pfn(s.entry), s.frame)


@dataclass(frozen=True)
class Kept:
    """An attribute that modify has to keep.

    Attributes:
        name: as a subject.
        attribute: the predicate.
        state: the leaf it is asked of.
    """

    name: str
    attribute: str
    state: State


def _kept(scene: Scene) -> Iterator[Kept | Lacking]:
    for attribute in ("soft_dirty", "uffd_wp", "special", "devmap", "dirty", "young"):
        name = f"{scene.level}_modify/{attribute}"
        try:
            scene.k.helper("modify")
            scene.k.helper(attribute)
            state = scene.states.get("leaf-devmap") if attribute == "devmap" else mapped(scene.layout, scene.level)
            if isinstance(state, State):
                yield Kept(name, attribute, state)
        except Absent as reason:
            yield Lacking(name, str(reason))


@claim("modify-forgets", *codes(23), about=_kept)
def modify_forgets(k: Kernel, s: Kept) -> Goal:
    """Changing the protection of a leaf keeps soft-dirty, uffd-wp, special, devmap, dirty and young.

    It is asked for every protection in the table, PROT_NONE among them.

    Why it matters: mprotect() and NUMA balancing go through it; what it drops is lost for every page of the range.

    Example: a new software bit that was not added to _PAGE_CHG_MASK.

    References: mm/mprotect.c: change_pte_range; the _PAGE_CHG_MASK (_HPAGE_CHG_MASK) of each architecture.
    """
    table = tuple(dict.fromkeys(row.value for row in k.protections))
    choice = var("newprot", max(1, (len(table) - 1).bit_length()))
    after = k.modify(s.state.entry, select(choice, table, k.use.views["leaf"].width))
    test = k.helper(s.attribute)
    return Goal(
        iff(test(after), test(s.state.entry)),
        (*s.state.given, Given(pre.PROTECTION, const(1, 1))),
        s.state.entry,
        (*s.state.variables, choice),
    )


@dataclass(frozen=True)
class Move:
    """A helper that takes leaves of one state to another.

    Attributes:
        name: as a subject.
        before: the leaf it is applied to, or None for a constructor.
        after: the entry it gives.
        into: where that has to be.
        given: what may be assumed.
        variables: the inputs.
    """

    name: str
    entry: Expr
    after: Expr
    into: State
    given: tuple[Given, ...]
    variables: tuple[Expr, ...]


_STAYING = ("mkyoung", "mkold", "mkdirty", "mkclean", "wrprotect", "mksoft_dirty", "clear_soft_dirty", "mkuffd_wp", "clear_uffd_wp", "mkspecial")


def _move(k: Kernel, stem: str, source: State, target: State) -> Move:
    return Move(f"{k.name(stem)}({source.name})", source.entry, k.helper(stem)(source.entry), target, source.given, source.variables)


def _moves(scene: Scene) -> Iterator[Move | Lacking | Missing]:
    k, level = scene.k, scene.level
    try:
        everything = mapped(scene.layout, level)
    except Absent as reason:
        yield Lacking(f"pfn_{level}", str(reason))
        return
    young, old = scene.states.get("leaf"), scene.states.get("leaf-old")
    for stem, source, target in (("mkyoung", old, young), ("mkold", young, old)):
        if isinstance(source, State) and isinstance(target, State):
            yield _move(k, stem, source, target)
    for stem in _STAYING:
        if k.has(stem):
            yield _move(k, stem, everything, everything)
    for stem in writers(k):
        yield _move(k, stem, writable(scene.layout, level), everything)
    yield from _constructions(scene, everything, access=True)
    for name in ("leaf-devmap", "leaf-protnone"):
        kind = scene.states.get(name)
        if isinstance(kind, State):
            yield from (_move(k, stem, kind, kind) for stem in _STAYING if k.has(stem))
    try:
        none = inaccessible(scene.layout, level)
    except Absent:
        return
    yield from _constructions(scene, none, access=False)


def _constructions(scene: Scene, into: State, access: bool) -> Iterator[Move]:
    k, level = scene.k, scene.level
    table = tuple(dict.fromkeys(row.value for row in k.protections if row.access is access))
    choice = var("prot", max(1, (len(table) - 1).bit_length()))
    prot = select(choice, table, k.use.views["leaf"].width)
    assert into.frame is not None
    made = k.helper(f"pfn_{level}")(into.frame, prot)
    if level is not Level.PTE:
        made = k.mkhuge(made)
    pfn = into.inputs[0].variable
    given = (*(one for one in into.given if one.precondition is not pre.PROTECTION), Given(pre.PROTECTION, const(1, 1)))
    yield Move(f"pfn_{level}({into.name})", made, made, into, given, (pfn, choice))
    if k.has("modify"):
        source = mapped(scene.layout, level)
        after = k.modify(source.entry, prot)
        yield Move(f"{level}_modify({into.name})", source.entry, after, into, source.given, (*source.variables, choice))


@claim("helper-leaves-state", "LAY804", about=_moves)
def helper_leaves_state(k: Kernel, s: Move) -> Expr:
    """A constructor lands in the state it builds, and a setter stays in the state it promises.

    mkyoung and mkold go between young and old leaves; the other setters keep an accessible leaf accessible; modify and pfn_pXd land among the accessible
    or the prot-none leaves, by the protection.  The states were found by running the helpers on ints; this proves the result for all frames at once.

    Why it matters: every other claim is asked of these states; a state that is too narrow makes a false proof.

    Example: a wrprotect that clears a bit of the frame.

    References: DESIGN, Semantics: states.
    """
    return s.into.member(s.after)


@claim("leaf-without-present", *codes(55), about=rows("none", "table", "leaf-protnone", "leaf-invalidated"))
def leaf_without_present(k: Kernel, s: State) -> Expr:
    """What looks like a leaf looks present.

    Why it matters: generic walkers test pXd_leaf() after pXd_present(), and some after nothing.

    Example: powerpc book3s64, whose leaf predicate tests _PAGE_PTE alone, which swap entries carry (see swap-entry-looks-leaf).

    References: mm/pagewalk.c; mm/gup.c.
    """
    return implies(k.leaf(s.entry), k.present(s.entry))


@claim("invalidated-passes-gup", "PMD252", "PUD352", about=rows("leaf-invalidated"))
def invalidated_passes_gup(k: Kernel, s: State) -> Expr:
    """An invalidated leaf is refused by the lockless walk.

    It tests present, then protnone where there is such a thing, then whether the access is permitted.

    Why it matters: while a huge page is being split, get_user_pages_fast() must not take a reference on it.

    Example: an access_permitted that tests present in its wider, software sense.

    References: mm/gup.c: gup_fast_pmd_range, gup_fast_pmd_leaf, gup_fast_pud_leaf; mm/huge_memory.c: __split_huge_pmd_locked.
    """
    passed = [k.present(s.entry), or_(k.access_permitted_read(s.entry), k.access_permitted_write(s.entry))]
    if k.has("protnone"):
        passed.append(not_(k.protnone(s.entry)))
    return not_(and_(*passed))


@claim("mkinvalid-not-idempotent", "PMD253", "PUD353", about=rows("leaf-invalidated"))
def mkinvalid_not_idempotent(k: Kernel, s: State) -> Expr:
    """Invalidating an invalidated leaf changes nothing.

    Why it matters: pmdp_invalidate() may meet an entry that a racing caller has invalidated.

    Example: an invalidation that toggles the frame instead of inverting it once.

    References: mm/pgtable-generic.c: pmdp_invalidate.
    """
    return eq(k.mkinvalid(s.entry), s.entry)
