"""What the hardware does with what the kernel builds (HW9xx)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bitspec.expr import Expr, and_, eq, iff, implies, not_, or_, zext
from bitspec.fields import Owner
from bitspec.hardware import Access, Update, Walk
from bitspec.read.as_known import decided
from bitspec.vocabulary import LEAVES
from proofs import preconditions as pre
from proofs.claim import Goal, Scene, claim
from proofs.families.swap import decoded
from proofs.preconditions import Given
from proofs.state import Lacking, State
from proofs.states import swap_flags
from proofs.subjects import Aspect, leaves, mapped_leaves, non_present, rows


def walks(scene: Scene, entry: Expr) -> dict[Access, Walk]:
    """The MMU on `entry`, for each access.  Raises Absent where it does not walk these tables."""
    found = scene.walks.get(entry)
    if found is None:
        facts = scene.hardware
        context = scene.layout.hardware.context
        found = scene.walks[entry] = {access: facts.walk(entry, access, context) for access in Access}
    return found


def _goal(scene: Scene, s: State, holds: Expr, *more: Given) -> Goal:
    hardware = scene.layout.hardware
    known = tuple(Given(pre.CIRCUMSTANCE, fact) for fact in hardware.known())
    return Goal(holds, (*known, *_addressable(scene, s), *more), s.entry, (*s.variables, *(one.variable for one in hardware.circumstances)))


def _same(one: Expr, other: Expr) -> Expr:
    """Two numbers are equal; the manual's addresses may be wider than the kernel's."""
    width = max(one.width, other.width)
    return eq(zext(one, width), zext(other, width))


def _addressable(scene: Scene, s: State) -> tuple[Given, ...]:
    """The frame lies where the CPU can address it, for hardware whose address width varies."""
    within = scene.layout.hardware.addressable
    where = s.address if s.frame is None else zext(s.frame, scene.layout.address) << scene.k.number("PAGE_SHIFT")
    if within is None or where is None or s.view == "swap":
        return ()
    return (Given(pre.PHYSICAL, within(where, scene.layout.hardware.context)),)


@claim("empty-entry-not-invalid", "HW901", about=rows("none"), column="hardware", expect="invalid", scene=True)
def empty_entry_not_invalid(scene: Scene, s: State) -> Goal:
    """The hardware faults on an empty entry.

    Why it matters: it would walk, or translate, an address nobody mapped.

    Example: an empty value whose invalid bit is clear (s390 without 0x20).

    References: each architecture's manual.
    """
    return _goal(scene, s, and_(*[one.invalid for one in walks(scene, s.entry).values()]))


@claim("table-not-walked", "HW907", about=rows("table"), column="hardware", expect="table", scene=True)
def table_not_walked(scene: Scene, s: State) -> Goal:
    """The hardware follows an entry that leads to a lower table, for every access, to the table the kernel allocated.

    Why it matters: nothing below it could be reached.

    Example: a reserved bit set by pmd_populate; x86 without U/S in the upper level.

    References: each architecture's manual.
    """
    assert s.address is not None
    return _goal(scene, s, and_(*[and_(one.table, _same(one.address, s.address)) for one in walks(scene, s.entry).values()]))


@claim("leaf-not-translated", "HW902", about=rows("leaf"), column="hardware", expect="leaf", scene=True)
def leaf_not_translated(scene: Scene, s: State) -> Goal:
    """The hardware translates a young leaf, or refuses the access; some access it permits.

    It never faults on a reserved bit, never walks on as through a table, never finds it invalid.  Which accesses it must permit is permitted-access-refused.

    Why it matters: a fault the kernel cannot resolve comes again, for ever; a walk reads user data as page tables.

    Example: a software flag on a bit the hardware reserves below a large frame.

    References: each architecture's manual.
    """
    results = walks(scene, s.entry)
    settled = [or_(one.leaf, one.refused) for one in results.values()]
    return _goal(scene, s, and_(*settled, or_(*[one.leaf for one in results.values()])))


@claim("old-leaf-misread", "HW908", about=rows("leaf-old", "leaf-devmap"), column="hardware", expect="leaf|refused|invalid", scene=True)
def old_leaf_misread(scene: Scene, s: State) -> Goal:
    """The hardware translates an old leaf, refuses it or finds it invalid, as the architecture tracks age; it never takes it for a table.

    Why it matters: an old leaf is still a leaf: its frame is no page table.

    Example: an invalid bit used for aging that also selects the descriptor's type.

    References: each architecture's manual.
    """
    return _goal(scene, s, and_(*[or_(one.leaf, one.refused, one.invalid) for one in walks(scene, s.entry).values()]))


@claim("protnone-accessible", "HW909", about=rows("leaf-protnone", "leaf-devmap-protnone"), column="hardware", expect="invalid|refused", scene=True)
def protnone_accessible(scene: Scene, s: State) -> Goal:
    """The hardware permits no access through a prot-none leaf.

    It finds it invalid, or refuses it where the format keeps the valid bit set (powerpc radix).

    Why it matters: PROT_NONE is a promise to the user, and NUMA hinting needs the fault.

    Example: a prot-none that only clears write.

    References: each architecture's manual.
    """
    return _goal(scene, s, and_(*[or_(one.invalid, one.refused) for one in walks(scene, s.entry).values()]))


@claim("invalidated-leaf-walked", "HW910", about=rows("leaf-invalidated", "leaf-devmap-invalidated"), column="hardware", expect="invalid", scene=True)
def invalidated_leaf_walked(scene: Scene, s: State) -> Goal:
    """The hardware finds an invalidated leaf invalid.

    Why it matters: the page would be written while it is split or moved.

    Example: a mkinvalid that clears the kernel's present mark and not the hardware's.

    References: mm/huge_memory.c: __split_huge_pmd_locked.
    """
    return _goal(scene, s, and_(*[one.invalid for one in walks(scene, s.entry).values()]))


@claim("hardware-walks-swap-entry", "SWP409", about=non_present, column="hardware", expect="invalid", scene=True)
def hardware_walks_swap_entry(scene: Scene, s: State) -> Goal:
    """The hardware finds every non-present entry invalid, whatever its type, offset and flags, without a walk into memory.

    Why it matters: it would read the swap offset as a page table, or map it.

    Example: an s390 PTE swap entry written into a segment-table entry: types 0-7 and 16-23 leave the invalid bit clear; 0x1600 maps a megabyte.

    References: docs/s390-thp-migration.md; m68k-sun3 before v6.3, where an offset bit was the valid bit.
    """
    return _goal(scene, s, and_(*[one.invalid for one in walks(scene, s.entry).values()]))


@claim("frame-mistranslated", "HW904", about=leaves, scene=True)
def frame_mistranslated(scene: Scene, s: State) -> Goal:
    """Where the hardware translates, it does so to the frame the leaf was built for.

    Why it matters: the user would see another page than the kernel thinks.

    Example: an attribute bit inside the address field of a large page.

    References: each architecture's manual.
    """
    assert s.frame is not None
    return _goal(scene, s, and_(*[implies(one.leaf, _same(one.frame, s.frame)) for one in walks(scene, s.entry).values()]))


@claim("store-without-write", "HW905", about=mapped_leaves, scene=True)
def store_without_write(scene: Scene, s: State) -> Goal:
    """The hardware permits a user's store only through a leaf the kernel calls writable.

    Why it matters: copy-on-write is broken by a store the kernel did not allow.

    Example: a write predicate on a software bit, with the hardware's bit left set by wrprotect.

    References: mm/memory.c: do_wp_page.
    """
    return _goal(scene, s, implies(walks(scene, s.entry)[Access.STORE].leaf, scene.k.write(s.entry)))


@claim("reserved-bit-set", "HW903", about=rows("table", *LEAVES), scene=True)
def reserved_bit_set(scene: Scene, s: State) -> Goal:
    """No valid entry the kernel builds sets a bit the hardware reserves, whether that faults at once or is only promised to be zero (RES0).

    Why it matters: a reserved-bit fault is an oops; a bit that is ignored today will mean something tomorrow.

    Example: a software flag at bit 51 of an x86 entry on a CPU with fewer physical address bits.

    References: each architecture's manual.
    """
    views = scene.hardware.views
    view = views["table" if s.name == "table" else "leaf"]
    zero = sum(one.mask for one in view if one.owner is Owner.RESERVED)
    results = walks(scene, s.entry).values()
    return _goal(scene, s, and_(*[not_(one.reserved) for one in results], *[or_(one.invalid, eq(s.entry & zero, 0)) for one in results]))


@claim("permitted-access-refused", "HW912", about=rows("leaf", "leaf-devmap"), scene=True)
def permitted_access_refused(scene: Scene, s: State) -> Goal:
    """The hardware permits a load through a young leaf that GUP may read, and a store through a young, dirty leaf that GUP may write.

    Why it matters: the kernel has nothing left to do about such a fault: it comes again, for ever.

    Example: arm64 with a mkdirty that leaves RDONLY set; s390 with one that leaves the page protected.

    References: mm/memory.c: handle_pte_fault; each architecture's manual.
    """
    k, results = scene.k, walks(scene, s.entry)
    young = k.young(s.entry)
    load = implies(and_(young, k.access_permitted_read(s.entry)), results[Access.LOAD].leaf)
    store = implies(and_(young, k.dirty(s.entry), k.access_permitted_write(s.entry)), results[Access.STORE].leaf)
    return _goal(scene, s, and_(load, store))


@claim("gup-permits-more", "HW914", about=mapped_leaves, scene=True)
def gup_permits_more(scene: Scene, s: State) -> Goal:
    """What access_permitted lets get_user_pages_fast() do, the leaf permits: a write needs a writable leaf, and a read one that a load would reach.

    A load that only finds the leaf old counts as reaching it.

    Why it matters: GUP would touch memory for a user who may not.

    Example: an access_permitted that ignores the user bit.

    References: mm/gup.c: gup_fast_pte_range, gup_fast_pmd_leaf.
    """
    k = scene.k
    load = walks(scene, k.mkyoung(s.entry))[Access.LOAD].leaf
    write = implies(k.access_permitted_write(s.entry), k.write(s.entry))
    return _goal(scene, s, and_(write, implies(k.access_permitted_read(s.entry), load)))


@claim("fetch-without-exec", "HW913", about=mapped_leaves, scene=True)
def fetch_without_exec(scene: Scene, s: State) -> Goal:
    """The hardware permits a user's fetch only through a leaf the kernel calls executable, where it has such a predicate.

    Why it matters: data would be executed.

    Example: a predicate on a bit the hardware reads the other way round.

    References: arch/x86/include/asm/pgtable.h: pte_exec.
    """
    return _goal(scene, s, implies(walks(scene, s.entry)[Access.FETCH].leaf, scene.k.exec(s.entry)))


def _updates(scene: Scene, access: Access) -> tuple[Update, ...]:
    return tuple(one for one in scene.hardware.updates if one.access in (None, access))


@claim("hardware-update-hidden", "HW911", about=mapped_leaves, scene=True)
def hardware_update_hidden(scene: Scene, s: State) -> Goal:
    """After a load or a fetch the leaf is young, after a store it is dirty: the hardware has marked it, or it was marked before.

    Where the hardware marks nothing by itself, it must refuse the access until the kernel has.

    Why it matters: a written page that looks clean is dropped: data loss.

    Example: a dirty predicate on a software bit, on hardware that permits the store.

    References: mm/vmscan.c, mm/page-writeback.c.
    """
    k = scene.k
    results = walks(scene, s.entry)
    facts = []
    for access, test in ((Access.LOAD, "young"), (Access.FETCH, "young"), (Access.STORE, "young"), (Access.STORE, "dirty")):
        after = s.entry
        for update in _updates(scene, access):
            after = update.apply(after)
        facts.append(implies(results[access].leaf, k.helper(test)(after)))
    return _goal(scene, s, and_(*facts))


@dataclass(frozen=True)
class Touched(Aspect):
    """A state and one write the hardware may make to it.

    Attributes:
        update: the write.
    """

    update: Update

    @property
    def name(self) -> str:
        """``leaf+A``."""
        return f"{self.state.name}+{self.update.name}"


def _touched(scene: Scene) -> Iterator[Touched | Lacking]:
    for one in scene.states.values():
        if isinstance(one, State):
            for update in scene.hardware.updates:
                if decided(update.when(one.entry)) is not False:  # else it never happens to such an entry
                    yield Touched(one, update)


_STABLE = ("none", "present", "leaf", "trans_huge", "devmap", "special", "protnone", "bad", "write", "soft_dirty", "uffd_wp")


@claim("hardware-moves-state", "HW906", about=_touched, scene=True)
def hardware_moves_state(scene: Scene, s: Touched) -> Goal:
    """What the hardware may write by itself changes no predicate but young and dirty, no frame, no swap type, offset or flag.

    Why it matters: an entry would change its meaning without any code having run.

    Example: Knights Landing may set accessed and dirty in an entry that is not present: bits 5 and 6 cannot be part of a swap entry there.

    References: arch/x86/include/asm/pgtable_64.h: the swap entry layout; each architecture's manual.
    """
    k = scene.k
    after = s.update.apply(s.entry)
    facts = [iff(k.helper(name)(after), k.helper(name)(s.entry)) for name in _STABLE if k.has(name)]
    if s.state.about.group == "present leaf":
        facts.append(eq(k.pfn(after), k.pfn(s.entry)))
    elif s.state.view == "swap" and k.has("to_swp_entry"):
        facts += [eq(decoded(k, after, part), decoded(k, s.entry, part)) for part in ("__swp_type", "__swp_offset")]
        facts += [iff(k.helper(f"swp_{flag}")(after), k.helper(f"swp_{flag}")(s.entry)) for flag in swap_flags(k)]
    return Goal(and_(*facts))
