"""Attributes of a mapped leaf: young, dirty, write, special, soft-dirty, uffd-wp, and the frame (PTE1xx, PMD2xx, PUD3xx)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bitspec.expr import Expr, and_, const, eq, iff, implies, not_, or_, select, var
from bitspec.layout import Absent, Kernel
from proofs import preconditions as pre
from proofs.claim import Goal, Scene, claim
from proofs.preconditions import Given
from proofs.state import Lacking, State
from proofs.states import settled
from proofs.subjects import Aspect, Setter, leaves, mapped_leaves, rows, setters, settled_leaves

INVALIDATED = ("leaf-invalidated", "leaf-devmap-invalidated")


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

    Example: a mkold that clears one of two bits that young tests.

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

    Example: a wrprotect that clears the hardware's bit and leaves the software's.

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

    Example: a mkspecial that sets a bit that a later mkwrite clears.

    References: Documentation/mm/arch_pgtable_helpers.rst; mm/debug_vm_pgtable.c: pte_special_tests.
    """
    return k.special(k.mkspecial(s.entry))


@claim("devmap-lost", *codes(9), about=mapped_leaves)
def devmap_lost(k: Kernel, s: State) -> Expr:
    """A leaf made devmap is devmap.

    Why it matters: get_user_pages() would take a reference on device memory without holding the device.

    Example: a mkdevmap that sets a bit that modify drops.

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
def setter_disturbs(k: Kernel, s: Setter) -> Goal:
    """A setter changes no attribute but its own, and those it is documented to carry along.

    What may change: mkdirty may set soft-dirty; mkuffd_wp clears write; mkwrite_shstk makes dirty; mkdevmap makes special, and no THP.

    Why it matters: two attributes on one bit, or one helper that clears a neighbour, lose marks without a fault.

    Example: soft-dirty placed on the bit of special: mkspecial makes every such page soft-dirty.

    References: G in the catalogue.
    """
    after = k.helper(s.stem)(s.entry)
    kept = [name for name in _ATTRIBUTES if name not in PERMITTED[s.stem] and k.has(name)]
    parts = tuple((name, iff(k.helper(name)(after), k.helper(name)(s.entry))) for name in kept)
    return Goal(and_(*[part for _, part in parts]), parts=parts)


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
class Changed(Aspect):
    """A kind of leaf whose protection is changed to any in the table, and what is asked of the change.

    Attributes:
        attribute: the predicate that must stay, or "" where the frame is meant.
        after: the leaf afterwards.
        choice: which protection it gets.
    """

    attribute: str
    after: Expr
    choice: Expr

    @property
    def name(self) -> str:
        """``pte_modify/dirty``, ``pte_modify/dirty(leaf-protnone)``."""
        what = f"{self.state.level}_modify" + (f"/{self.attribute}" if self.attribute else "")
        return what if self.state.name == "mapped" else f"{what}({self.state.name})"

    @property
    def given(self) -> tuple[Given, ...]:
        """The state's, and that the protection is in the table."""
        return (*self.state.given, Given(pre.PROTECTION, const(1, 1)))

    @property
    def variables(self) -> tuple[Expr, ...]:
        """The state's inputs, and the new protection."""
        return (*self.state.variables, self.choice)


def _changed(scene: Scene, attribute: str) -> Iterator[Changed]:
    """Every kind of leaf with its protection changed.  Raises Absent."""
    k = scene.k
    modify = k.modify
    table = tuple(dict.fromkeys(row.value for row in k.protections))
    choice = var("newprot", max(1, (len(table) - 1).bit_length()))
    for state in settled(scene.layout, scene.level):
        yield Changed(state, attribute, modify(state.entry, select(choice, table, state.entry.width)), choice)


def _kept(scene: Scene) -> Iterator[Changed | Lacking]:
    for attribute in ("soft_dirty", "uffd_wp", "special", "devmap", "dirty", "young"):
        try:
            scene.k.helper(attribute)
            yield from _changed(scene, attribute)
        except Absent as reason:
            yield Lacking(f"{scene.level}_modify/{attribute}", str(reason))


def _framed(scene: Scene) -> Iterator[Changed | Lacking]:
    try:
        yield from _changed(scene, "")
    except Absent as reason:
        yield Lacking(f"{scene.level}_modify", str(reason))


@claim("modify-moves-frame", *codes(24), about=_framed)
def modify_moves_frame(k: Kernel, s: Changed) -> Expr:
    """Changing the protection of a leaf keeps its frame.

    It is asked of accessible, devmap and prot-none leaves, for every protection in the table.

    Why it matters: mprotect() would map somebody else's memory.

    Example: x86 must flip the inverted frame when a leaf becomes prot-none, and flip it back.

    References: arch/x86/include/asm/pgtable-invert.h: flip_protnone_guard; mm/mprotect.c.
    """
    assert s.state.frame is not None
    return eq(k.pfn(s.after), s.state.frame)


@claim("modify-forgets", *codes(23), about=_kept)
def modify_forgets(k: Kernel, s: Changed) -> Expr:
    """Changing the protection of a leaf keeps soft-dirty, uffd-wp, special, devmap, dirty and young.

    It is asked of accessible, devmap and prot-none leaves, for every protection in the table, PROT_NONE among them.

    Why it matters: mprotect() and NUMA balancing go through it; what it drops is lost for every page of the range.

    Example: a new software bit that was not added to _PAGE_CHG_MASK.

    References: mm/mprotect.c: change_pte_range; the _PAGE_CHG_MASK (_HPAGE_CHG_MASK) of each architecture.
    """
    test = k.helper(s.attribute)
    return iff(test(s.after), test(s.entry))


@claim("leaf-without-present", *codes(55), about=rows("none", "table", "leaf-protnone", "leaf-devmap-protnone", *INVALIDATED))
def leaf_without_present(k: Kernel, s: State) -> Expr:
    """What looks like a leaf looks present.

    Why it matters: generic walkers test pXd_leaf() after pXd_present(), and some after nothing.

    Example: on powerpc book3s64 the leaf predicate tests _PAGE_PTE alone, which swap entries carry (see swap-entry-looks-leaf).

    References: mm/pagewalk.c; mm/gup.c.
    """
    return implies(k.leaf(s.entry), k.present(s.entry))


@claim("invalidated-passes-gup", "PMD252", "PUD352", about=rows(*INVALIDATED))
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


@claim("mkinvalid-not-idempotent", "PMD253", "PUD353", about=rows(*INVALIDATED))
def mkinvalid_not_idempotent(k: Kernel, s: State) -> Expr:
    """Invalidating an invalidated leaf changes nothing.

    Why it matters: pmdp_invalidate() may meet an entry that a racing caller has invalidated.

    Example: an invalidation that toggles the frame instead of inverting it once.

    References: mm/pgtable-generic.c: pmdp_invalidate.
    """
    return eq(k.mkinvalid(s.entry), s.entry)


@dataclass(frozen=True)
class Invalidated(Aspect):
    """A kind of leaf, and an attribute that mkinvalid has to keep.

    Attributes:
        attribute: the predicate.
    """

    attribute: str

    @property
    def name(self) -> str:
        """``pmd_mkinvalid/dirty``."""
        what = f"{self.state.level}_mkinvalid/{self.attribute}"
        return what if self.state.name == "mapped" else f"{what}({self.state.name})"


def _invalidated(scene: Scene) -> Iterator[Invalidated | Lacking]:
    for attribute in ("young", "dirty", "write", "soft_dirty", "uffd_wp", "special", "devmap"):
        try:
            scene.k.helper("mkinvalid")
            scene.k.helper(attribute)
            yield from (Invalidated(state, attribute) for state in settled(scene.layout, scene.level))
        except Absent as reason:
            yield Lacking(f"{scene.level}_mkinvalid/{attribute}", str(reason))


@claim("mkinvalid-forgets", "PMD254", "PUD354", about=_invalidated)
def mkinvalid_forgets(k: Kernel, s: Invalidated) -> Expr:
    """Invalidating a leaf keeps young, dirty, write, soft-dirty, uffd-wp, special and devmap.

    Why it matters: __split_huge_pmd_locked() reads them from the entry it has just invalidated, and gives them to the PTEs.

    Example: an invalidation that rebuilds the entry from its frame and a fresh protection.

    References: mm/huge_memory.c: __split_huge_pmd_locked, change_huge_pmd; mm/pgtable-generic.c: pmdp_invalidate.
    """
    test = k.helper(s.attribute)
    return iff(test(k.mkinvalid(s.entry)), test(s.entry))
