"""Swap entries and what they share with all non-present entries (SWP4xx)."""

from __future__ import annotations

from collections.abc import Iterator

from bitspec.expr import Expr, and_, const, eq, iff, implies, not_, or_, uge, ult, var, zext
from bitspec.layout import Absent, Kernel
from bitspec.vocabulary import NON_PRESENT
from proofs import preconditions as pre
from proofs.claim import Goal, Scene, claim
from proofs.preconditions import Given
from proofs.state import Lacking, State
from proofs.states import offset_bits, probed_offset, swap_flags
from proofs.subjects import Flagged, Thing, flagged, non_present, rows


def decoded(k: Kernel, entry: Expr, part: str) -> Expr:
    """The type (``__swp_type``) or offset (``__swp_offset``) the kernel reads from a non-present entry, its software flags stripped."""
    return k.helper(part)(k.to_swp_entry(entry))


def _codec(scene: Scene) -> Iterator[Thing | Lacking]:
    name = f"__swp_entry_to_{scene.level}"
    try:
        scene.layout.helper(name)
        yield Thing("swp_entry")
    except Absent as reason:
        yield Lacking("swp_entry", str(reason))


@claim("swap-entry-garbled", "SWP401/pte,pmd", about=rows("swap"))
def swap_entry_garbled(k: Kernel, s: State) -> Expr:
    """A swap entry without flags decodes to the type and offset it was made of.

    Why it matters: a process would be given another one's page.

    Example: nios2 before v6.3: two type bits, so that type 4 decodes as 0.

    References: mm/debug_vm_pgtable.c: pte_swap_tests (one value); include/linux/swapops.h.
    """
    plain = s.plain(("exclusive", "soft_dirty", "uffd_wp"))
    swp = k.helper(f"__{k.level}_to_swp_entry")(plain)
    return and_(
        eq(k.helper("__swp_type")(swp), zext(s.value("type"), k.layout.word)),
        eq(k.helper("__swp_offset")(swp), zext(s.value("offset"), k.layout.word)),
    )


@claim("swap-entry-looks-none", "SWP402/pte,pmd", about=non_present, column="none", expect=False)
def swap_entry_looks_none(k: Kernel, s: State) -> Expr:
    """A non-present entry with content is not none.

    The one that may be is excluded by the preconditions: (type 0, offset 0) on most architectures; (type 0, largest offset) on x86, where the offset is
    stored inverted.

    Why it matters: the page it stands for would be forgotten.

    Example: a type and offset that start at bit 0 with no marker: type 0, offset 0 is the empty entry.

    References: mm/debug_vm_pgtable.c: pte_swap_tests; include/linux/swapops.h: is_swap_pte.
    """
    return not_(k.none(s.entry))


@claim("flag-lost", "SWP403/pte,pmd", about=flagged)
def flag_lost(k: Kernel, s: Flagged) -> Expr:
    """A software flag set on a non-present entry is found there, whatever other flags the entry has.

    Why it matters: exclusive decides whether a page may be reused without a copy; soft-dirty and uffd-wp would be lost over swap.

    Example: the setter and the predicate disagree about the bit.

    References: mm/debug_vm_pgtable.c: pte_swap_exclusive_tests, pte_swap_soft_dirty_tests; nothing tests uffd-wp.
    """
    return k.helper(f"swp_{s.flag}")(k.helper(f"swp_mk{s.flag}")(s.entry))


@claim("flag-disturbs", "SWP404/pte,pmd", about=flagged)
def flag_disturbs(k: Kernel, s: Flagged) -> Expr:
    """Setting or clearing a flag changes no other flag, nor the type, nor the offset.

    Why it matters: an exclusive bit inside the offset swaps in another page.

    Example: s390 or arm with the exclusive flag put on the lowest bit of an offset that was not moved up.

    References: the exclusive bits added in v6.3 to every architecture with swap PTEs.
    """
    facts = []
    for after in (k.helper(f"swp_mk{s.flag}")(s.entry), k.helper(f"swp_clear_{s.flag}")(s.entry)):
        facts += [iff(k.helper(f"swp_{flag}")(after), k.helper(f"swp_{flag}")(s.entry)) for flag in swap_flags(k) if flag != s.flag]
        facts += [eq(decoded(k, after, part), decoded(k, s.entry, part)) for part in ("__swp_type", "__swp_offset")]
    return and_(*facts)


@claim("swap-entry-looks-present", "SWP405/pte,pmd", about=non_present, column="present", expect=False)
def swap_entry_looks_present(k: Kernel, s: State) -> Expr:
    """A swap, migration or other non-present entry must not look present, with any subset of its software flags.

    Why it matters: the kernel would take part of a swap offset for a page frame number and touch that page.

    Example: x86 before eee4818baac0 (v4.14): soft-dirty of swap entries was bit 7, which pmd_present tests as PSE: a soft-dirty migration PMD is present.

    References: include/linux/swapops.h: is_swap_pmd; mm/debug_vm_pgtable.c: pte_swap_tests, pmd_swap_tests (one value, at offset 0 of type 0).
    """
    return not_(k.present(s.entry))


@claim("flags-confuse-decode", "SWP406/pte,pmd", about=rows("swap"))
def flags_confuse_decode(k: Kernel, s: State) -> Expr:
    """The generic decode strips every flag that can be set: type and offset come out the same for every subset of flags.

    Why it matters: pte_to_swp_entry() is what rmap, swap-in and migration call on entries that carry flags.

    Example: a new flag that pte_swp_clear_flags() does not know.

    References: include/linux/swapops.h: pte_swp_clear_flags, pte_to_swp_entry, pmd_to_swp_entry.
    """
    return and_(
        eq(decoded(k, s.entry, "__swp_type"), zext(s.value("type"), k.layout.word)),
        eq(decoded(k, s.entry, "__swp_offset"), zext(s.value("offset"), k.layout.word)),
    )


@claim("swap-type-truncated", "SWP407/pte,pmd", about=_codec)
def swap_type_truncated(k: Kernel, s: Thing) -> Goal:
    """Every one of the 2^5 swap types survives encoding, next to every offset of the probed width.

    It is asked of all 32 types rather than of those in use: which numbers mean swap files, migration or devices is a matter of configuration.

    Why it matters: a truncated type turns one kind of entry into another.

    Example: nios2 before 0a9ad8273ff4 (v6.3) with two type bits; m68k-sun3 before v6.3, whose offset ran into the valid bit.

    References: include/linux/swap.h: MAX_SWAPFILES_SHIFT.
    """
    kind = var("type", 5)
    offset = var("offset", offset_bits(k.layout))
    swp = k.helper("__swp_entry")(zext(kind, k.layout.word), zext(offset, k.layout.word))
    entry = k.helper(f"__swp_entry_to_{k.level}")(swp)
    back = k.helper(f"__{k.level}_to_swp_entry")(entry)
    holds = and_(eq(k.helper("__swp_type")(back), zext(kind, k.layout.word)), eq(k.helper("__swp_offset")(back), zext(offset, k.layout.word)))
    return Goal(holds, (Given(pre.WHOLE_OFFSET, const(1, 1)),), entry, (kind, offset))


@claim("offset-probe-wrong", "SWP408/pte,pmd", about=_codec)
def offset_probe_wrong(k: Kernel, s: Thing) -> Goal:
    """The kernel's probe of the maximum swap size, decode(encode(0, ~0)), gives an offset whose bits are all ones from bit 0 up.

    With swap-type-truncated, which takes every offset of that width through the codec, the probed size is then the true one.

    Why it matters: a hole in the probed offset makes the kernel hand out slots that cannot be encoded.

    Example: an offset split around a fixed bit, decoded without closing the gap.

    References: mm/swapfile.c: generic_max_swapfile_size.
    """
    entry = k.helper(f"__swp_entry_to_{k.level}")(k.helper("__swp_entry")(0, (1 << k.layout.word) - 1))
    offset = k.helper("__swp_offset")(k.helper(f"__{k.level}_to_swp_entry")(entry))
    probed = probed_offset(k.layout)
    return Goal(and_(eq(offset & (offset + 1), 0), uge(offset, probed)), (), entry)


@claim("encoder-spills", "SWP419/pte,pmd", about=_codec)
def encoder_spills(k: Kernel, s: Thing) -> Goal:
    """An offset wider than the codec holds does not spill out of its field: the encoder masks with the field's mask.

    Why it matters: __swp_entry() has no other guard; the probe of the maximum swap size itself passes all ones.

    Example: m68k-sun3 before v6.3: an offset of 2^24 set the valid bit.

    References: the v6.3 series "mm: support __HAVE_ARCH_PTE_SWP_EXCLUSIVE on all architectures with swap PTEs", which added such masks.
    """
    kind, offset = var("type", 5), var("offset", k.layout.word)
    encode = k.helper(f"__swp_entry_to_{k.level}")
    entry = encode(k.helper("__swp_entry")(zext(kind, k.layout.word), offset))
    cut = encode(k.helper("__swp_entry")(zext(kind, k.layout.word), offset & probed_offset(k.layout)))
    return Goal(eq(entry, cut), (), entry, (kind, offset))


@claim("flag-sticky", "SWP416/pte,pmd", about=flagged)
def flag_sticky(k: Kernel, s: Flagged) -> Expr:
    """A software flag that was cleared is gone.

    Why it matters: pte_swp_clear_flags() would leave it in the offset.

    Example: the setter sets two bits and the other clears one.

    References: mm/debug_vm_pgtable.c: pte_swap_exclusive_tests.
    """
    return not_(k.helper(f"swp_{s.flag}")(k.helper(f"swp_clear_{s.flag}")(s.entry)))


@claim("fresh-entry-flagged", "SWP417/pte,pmd", about=flagged)
def fresh_entry_flagged(k: Kernel, s: Flagged) -> Expr:
    """An entry just encoded carries no flag.

    Why it matters: a page would be taken for exclusive, and written in place, that is shared.

    Example: a flag on a bit of the type: every entry of an odd type has it.

    References: mm/debug_vm_pgtable.c: pte_swap_exclusive_tests.
    """
    return not_(k.helper(f"swp_{s.flag}")(s.state.plain(swap_flags(k))))


@claim("swap-entry-looks-leaf", "SWP411/pte,pmd", about=non_present, column="leaf", expect=False)
def swap_entry_looks_leaf(k: Kernel, s: State) -> Expr:
    """A non-present entry does not look like a leaf, with any subset of its software flags.

    Why it matters: walkers that test leaf before present would map the swap offset.

    Example: on powerpc book3s64 swap entries keep _PAGE_PTE set, and pmd_leaf tests just that bit: true for every swap PMD.

    References: arch/powerpc/include/asm/book3s/64/pgtable.h: pmd_leaf; mm/pagewalk.c.
    """
    return not_(k.leaf(s.entry))


@claim("swap-entry-looks-huge", "SWP412/pte,pmd", about=non_present, column="trans_huge", expect=False)
def swap_entry_looks_huge(k: Kernel, s: State) -> Expr:
    """A non-present PMD does not look like a transparent huge page, with any subset of its software flags.

    Why it matters: copy_huge_pmd(), zap_huge_pmd() and the split path tell migration from mapped by this test.

    Example: arm64 before b65399f6111b (v5.10): every swap PMD whose bit 1 is clear is trans_huge.

    References: mm/huge_memory.c; mm/debug_vm_pgtable.c: pmd_thp_tests.
    """
    return not_(k.trans_huge(s.entry))


@claim("swap-entry-looks-protnone", "SWP413/pte,pmd", about=non_present, column="protnone", expect=False)
def swap_entry_looks_protnone(k: Kernel, s: State) -> Expr:
    """A non-present entry does not look prot-none, with any subset of its software flags.

    Why it matters: a swap-in fault would be taken for a NUMA hint.

    Example: on riscv before v5.17 PROT_NONE was on the lowest swap type bit.

    References: mm/memory.c: handle_pte_fault tests present first, so that most callers are guarded.
    """
    return not_(k.protnone(s.entry))


@claim("mkinvalid-revives-swap", "SWP414/pmd", about=non_present)
def mkinvalid_revives_swap(k: Kernel, s: State) -> Expr:
    """Invalidating a non-present entry does not make it present.

    Why it matters: a migration entry that is invalidated by a racing caller would become a mapped page.

    Example: arm64's pmd_mkinvalid sets the present-invalid mark on whatever it is given.

    References: mm/pgtable-generic.c: pmdp_invalidate, which warns about entries that are not present.
    """
    return not_(k.present(k.mkinvalid(s.entry)))


@claim("generic-swap-entry-garbled", "SWP418/pte", about=lambda scene: (Thing("swp_entry_t"),))
def generic_swap_entry_garbled(k: Kernel, s: Thing) -> Goal:
    """The kernel's own swp_entry_t keeps the type and every offset of the probed width, as a value and as an xarray entry.

    Why it matters: shmem and the swap cache keep entries in this form.

    Example: before 9b15b817f3d6 (v3.5) the type sat in the top five bits, and the xarray's tag pushed two of them out: type 8 came back as 0.

    References: include/linux/swapops.h: SWP_TYPE_SHIFT, swp_to_radix_entry; include/linux/xarray.h: xa_mk_value.
    """
    kind = var("type", 5)
    offset = var("offset", offset_bits(k.layout))
    made = k.helper("swp_entry")(zext(kind, k.layout.word), zext(offset, k.layout.word))
    back = k.helper("radix_to_swp_entry")(k.helper("swp_to_radix_entry")(made))
    facts = [eq(k.helper("swp_type")(one), zext(kind, k.layout.word)) for one in (made, back)]
    facts += [eq(k.helper("swp_offset")(one), zext(offset, k.layout.word)) for one in (made, back)]
    return Goal(and_(*facts), (Given(pre.WHOLE_OFFSET, const(1, 1)),), made, (kind, offset))


def _l1tf(scene: Scene) -> Iterator[State | Lacking]:
    """Asked only of hardware that loads through the address field of non-present entries."""
    if scene.layout.hardware.speculated is None:
        return
    yield from rows(*NON_PRESENT, "leaf-protnone", "leaf-devmap-protnone", "leaf-invalidated", "leaf-devmap-invalidated")(scene)


@claim("l1tf-points-to-memory", "SWP410", about=_l1tf, scene=True)
def l1tf_points_to_memory(scene: Scene, s: State) -> Goal:
    """On hardware with L1TF, the address field of an entry that is not present lies in the upper half of the physical address space.

    It is asked of swap entries for every offset arch_max_swapfile_size() permits, and of prot-none, invalidated and other non-present entries for every
    frame in the lower half, MAX_PA/2, where the kernel lets memory be.

    Why it matters: the CPU speculates through that field into the L1 cache before it notices that the entry is not present (CVE-2018-3620).

    Example: x86 before bcd11afa7ada and 2f22b4cd45b6 (v4.19): type << 9 | offset << 14; offset 1 points to physical address 0x4000.

    References: Documentation/admin-guide/hw-vuln/l1tf.rst; arch/x86/include/asm/pgtable-invert.h; arch/x86/mm/init.c: arch_max_swapfile_size.
    """
    hardware = scene.layout.hardware
    assert hardware.speculated is not None
    context = hardware.context
    address, half = hardware.speculated(s.entry, context)
    given = [Given(pre.CIRCUMSTANCE, fact) for fact in hardware.known()]
    limit = scene.layout.permitted_offset
    if s.name == "swap" and limit is not None:
        given.append(Given(pre.PERMITTED, limit(scene.layout.numbers, zext(s.value("offset"), scene.layout.word), context)))
    if s.frame is not None:
        shift = scene.k.number("PAGE_SHIFT")
        given.append(Given(pre.HALF, ult(zext(s.frame, half.width), half >> shift)))
    aged = [one.variable for one in s.inputs if one.name in ("young", "dirty")]
    if aged and limit is not None:
        largest = const((1 << (scene.layout.pfn_bits + 2)) - 1, scene.layout.word)
        given.append(Given(pre.AGED, implies(or_(*aged), limit(scene.layout.numbers, largest, context))))
    circumstances = tuple(one.variable for one in hardware.circumstances)
    return Goal(uge(address, half), tuple(given), s.entry, (*s.variables, *circumstances))
