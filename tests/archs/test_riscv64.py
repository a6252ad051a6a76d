"""The riscv64 layouts: the case that shipped in its before and after form, and what is special to this architecture."""

from __future__ import annotations

from dataclasses import replace

import pytest

from archs.discover import known, layout, variants
from archs.riscv64.hardware import A, D, N, R, U, V, W, X
from bitspec.expr import Expr, all_of, any_of, clear, eq, implies, var
from bitspec.fields import Field, Owner
from bitspec.hardware import Access
from bitspec.layout import Kernel, Layout
from bitspec.read.as_int import evaluate
from bitspec.solver import Solver
from bitspec.vocabulary import Level
from proofs.check import Checker, Result, Verdict
from proofs.report import stale
from proofs.states import migration_keeps_age

RELEASES = ("linux-6.1", "linux-6.12", "linux-6.19")
NEWEST = "linux-6.19"
EXTENDED = "sv48-svrsw60t59b"
PMD_SWAP = ("swap", "migration-read", "migration-read-exclusive", "migration-write")
ALL = [(release, variant) for release in RELEASES for variant in variants("riscv64")]
LEAF = V | R | W | X | U | A | D
FRAME = 0x40000 << 10
"""A frame that is aligned at every level."""


def ask(subject: Layout, level: Level, *codes: str) -> dict[tuple[str, str], Result]:
    return {(one.code, one.subject): one for one in Checker().check(subject, [level], frozenset(codes))}


def all_refuted(subject: Layout, level: Level) -> set[tuple[str, str]]:
    return {(one.code, one.subject) for one in Checker().check(subject, [level]) if one.verdict is Verdict.REFUTED}


def refuted(results: dict[tuple[str, str], Result]) -> set[tuple[str, str]]:
    return {key for key, one in results.items() if one.verdict is Verdict.REFUTED}


def call(subject: Layout, name: str, *values: int) -> int:
    one = subject.helper(name)
    return evaluate(one.body, dict(zip(one.params, values, strict=True)))


def witness(result: Result) -> int:
    assert result.witness is not None
    return result.witness.entry


def without_flags(release: str, variant: str) -> Layout:
    """In a configuration without soft-dirty and userfaultfd write-protection."""
    return layout("riscv64", release, variant, "minimal") if release == NEWEST else layout("riscv64", release, variant)


def walk(variant: str, level: Level, entry: int, access: Access = Access.LOAD, adue: int = 1) -> tuple[str, int]:
    """The outcome, and the address or frame it leads to."""
    value = var("entry", 64)
    hardware = layout("riscv64", variant=variant).hardware
    made = hardware.level(level).walk(value, access, hardware.context)
    values = {value: entry, **{one.variable: adue for one in hardware.circumstances}}
    outcome = next(name for name in ("invalid", "refused", "reserved", "table", "leaf") if evaluate(getattr(made, name), values))
    return outcome, evaluate(made.address if outcome == "table" else made.frame, values)


# riscv-protnone-leaf ("riscv/mm: Adjust PAGE_PROT_NONE to comply with THP semantics", v5.17)


def before_v5_17() -> Layout:
    """PROT_NONE is R, and the swap codec begins right behind it; no PMD held a swap entry yet, so this is the PTE's format written there."""
    return layout("riscv64", "linux-6.1").but(
        Field("_PAGE_PROT_NONE", ((1, 1),), Owner.SOFTWARE),
        Field("__SWP_TYPE", ((6, 2),), Owner.SOFTWARE),
        Field("__SWP_OFFSET", ((63, 7),), Owner.SOFTWARE),
    )


def test_before_v5_17_an_invalidated_read_only_leaf_vanishes() -> None:
    before = before_v5_17()
    assert call(before, "pmd_mkinvalid", V | R) == 0
    results = ask(before, Level.PMD, "PMD240", "PMD241", "PMD242", "PMD243")
    assert refuted(results) == {(code, "leaf-invalidated") for code in ("PMD240", "PMD241", "PMD242", "PMD243")}
    assert witness(results["PMD240", "leaf-invalidated"]) == 0
    assert not witness(results["PMD242", "leaf-invalidated"]) & (R | W | X)


def test_before_v5_17_type_bits_overlap_those_of_a_leaf() -> None:
    """But for a readable migration entry, whose type 28 has neither of the two bits."""
    codes = ("SWP405", "SWP411", "SWP412", "SWP414")
    results = ask(before_v5_17(), Level.PMD, *codes)
    assert refuted(results) == {(code, name) for code in codes for name in PMD_SWAP if name != "migration-read"}
    entry = witness(results["SWP405", "swap"])
    assert entry & (W | X)
    assert call(before_v5_17(), "pmd_present", entry)
    assert call(before_v5_17(), "pmd_trans_huge", entry)
    assert not refuted(ask(before_v5_17(), Level.PTE, "SWP405"))  # as a PTE the format was sound


def test_since_v5_17_both_hold() -> None:
    for release in RELEASES:
        after = layout("riscv64", release)
        assert call(after, "pmd_mkinvalid", V | R) == R
        results = ask(after, Level.PMD, "PMD240", "PMD241", "PMD242", "PMD243", "SWP405", "SWP411", "SWP412", "SWP414")
        assert {one.verdict for one in results.values() if one.verdict is not Verdict.NOT_APPLICABLE} == {Verdict.PROVED}
        for code in ("PMD240", "PMD241", "PMD242"):
            assert results[code, "leaf-invalidated"].verdict is Verdict.PROVED
        for name in PMD_SWAP:
            assert results["SWP405", name].verdict is Verdict.PROVED


def test_swap_entries_keep_bits_0_to_5_zero_since_v5_17() -> None:
    for release in RELEASES:
        swap = layout("riscv64", release).at(Level.PTE).use.views["swap"]
        assert not sum(one.mask for one in swap) & 0x3F


# The exclusive mark (v6.3)


@pytest.mark.parametrize(("release", "variant"), ALL)
def test_every_property_of_a_swap_entry_holds_in_all_formats(release: str, variant: str) -> None:
    """But for soft-dirty and uffd-wp (linux-6.19), of which more below."""
    codes = frozenset(f"SWP4{number:02}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 16, 17))
    found = {one.verdict for level in (Level.PTE, Level.PMD) for one in Checker().check(without_flags(release, variant), [level], codes)}
    assert found == {Verdict.PROVED, Verdict.NOT_APPLICABLE}


def test_the_exclusive_mark_cost_one_bit_of_the_offset() -> None:
    widths = [layout("riscv64", release).at(Level.PTE).field("__SWP_OFFSET").width for release in RELEASES]
    assert widths == [53, 52, 52]


@pytest.mark.parametrize("field", ["__SWP_TYPE", "_PAGE_SWP_EXCLUSIVE"])
def test_a_field_on_the_prot_none_bit_makes_swap_entries_look_present(field: str) -> None:
    shipped = layout("riscv64")
    low = shipped.at(Level.PTE).shift(field)
    results = ask(shipped.but(shipped.at(Level.PTE).field(field).moved(5 - low)), Level.PTE, "SWP405", "SWP413")
    assert ("SWP405", "swap") in refuted(results)
    assert ("SWP413", "swap") in refuted(results)
    assert witness(results["SWP405", "swap"]) & 1 << 5


def test_an_exclusive_mark_on_a_type_bit_is_found() -> None:
    shipped = layout("riscv64")
    mutant = shipped.but(shipped.at(Level.PTE).field("_PAGE_SWP_EXCLUSIVE").moved(1))
    assert refuted(ask(mutant, Level.PTE, "SWP406", "SWP417", "LAY801")) == {("SWP406", "swap"), ("SWP417", "swap+exclusive"), ("LAY801", "swap")}


@pytest.mark.parametrize("by", [-1, -2])
def test_an_offset_on_the_type_bits_is_lost(by: int) -> None:
    shipped = layout("riscv64")
    mutant = shipped.but(shipped.at(Level.PTE).field("__SWP_OFFSET").moved(by))
    assert ("SWP401", "swap") in refuted(ask(mutant, Level.PTE, "SWP401"))


@pytest.mark.parametrize("release", RELEASES)
def test_prot_none_can_move_to_a_bit_a_swap_entry_leaves_clear(release: str) -> None:
    """Bit 4, U, is as good as G: it moves in every helper and in PAGE_NONE."""
    shipped = layout("riscv64", release)
    moved = shipped.but(shipped.at(Level.PTE).field("_PAGE_PROT_NONE").moved(-1))
    none = next(row.value for row in moved.at(Level.PTE).protections if not row.access)
    assert none == R | U
    assert not refuted(ask(moved, Level.PTE, "PTE141", "PTE146", "SWP405", "SWP413", "LAY803", "HW909"))


# What pXd_access_permitted() does not ask for


def asks_the_hardware(k: Kernel, entry: Expr) -> Expr:
    return all_of(entry, k["_PAGE_PRESENT", "_PAGE_USER", "_PAGE_READ"])


def asks_the_hardware_for_write(k: Kernel, entry: Expr) -> Expr:
    return all_of(entry, k["_PAGE_PRESENT", "_PAGE_USER", "_PAGE_WRITE"])


CODES = ("HW912", "HW914", "PMD252")


@pytest.mark.parametrize(("release", "variant"), ALL)
def test_an_access_permitted_that_asks_for_v_u_and_r_would_hold(release: str, variant: str) -> None:
    """Nothing else is refuted of these claims but execute-only leaves, and invalidated ones."""
    shipped = layout("riscv64", release, variant)
    proposal = shipped.but(
        pte_access_permitted_read=asks_the_hardware,
        pmd_access_permitted_read=asks_the_hardware,
        pte_access_permitted_write=asks_the_hardware_for_write,
        pmd_access_permitted_write=asks_the_hardware_for_write,
    )
    for level in (Level.PTE, Level.PMD):
        assert refuted(ask(shipped, level, *CODES))
        assert not refuted(ask(proposal, level, *CODES))


def test_what_gup_reads_and_no_load_may_is_execute_only() -> None:
    for level in (Level.PTE, Level.PMD):
        entry = witness(ask(layout("riscv64"), level, "HW914")["HW914", "leaf"])
        assert entry & (V | U | R | W | X) == V | U | X
        assert walk("sv48", level, entry)[0] == "refused"
        assert walk("sv48", level, entry, Access.FETCH)[0] == "leaf"


def test_an_invalidated_prot_none_leaf_is_not_prot_none_and_passes() -> None:
    here = layout("riscv64")
    none = next(row.value for row in here.at(Level.PMD).protections if not row.access)
    entry = call(here, "pmd_mkinvalid", none)
    assert call(here, "pmd_protnone", none)
    assert [call(here, f"pmd_{name}", entry) for name in ("present", "leaf", "protnone", "access_permitted_read")] == [1, 1, 0, 1]
    assert walk("sv48", Level.PMD, entry)[0] == "invalid"


# The walk


@pytest.mark.parametrize("variant", variants("riscv64"))
def test_all_modes_have_the_same_three_levels(variant: str) -> None:
    for level in Level:
        assert walk(variant, level, FRAME | LEAF) == ("leaf", 0x40000)
        assert walk(variant, level, FRAME | V)[0] == ("invalid" if level is Level.PTE else "table")
        assert walk(variant, level, FRAME | LEAF & ~V)[0] == "invalid"
    assert walk(variant, Level.PMD, 0x12345 << 10 | V) == ("table", 0x12345000)


def test_write_without_read_is_reserved() -> None:
    for rights in (W, W | X):
        assert walk("sv48", Level.PTE, V | U | A | D | rights, Access.STORE)[0] == "reserved"


def test_a_misaligned_superpage_is_reserved() -> None:
    assert walk("sv48", Level.PMD, 1 << 10 | LEAF)[0] == "reserved"
    assert walk("sv48", Level.PMD, 1 << 19 | LEAF) == ("leaf", 1 << 9)
    assert walk("sv48", Level.PUD, 1 << 19 | LEAF)[0] == "reserved"
    assert walk("sv48", Level.PUD, 1 << 28 | LEAF) == ("leaf", 1 << 18)


@pytest.mark.parametrize("position", range(54, 64))
def test_upper_bits_fault_unless_an_extension_has_them(position: int) -> None:
    on = 1 << position
    napot = 8 << 10
    assert walk("sv48-base", Level.PTE, napot | LEAF | on)[0] == "reserved"
    freed = position in (59, 60)
    assert walk(EXTENDED, Level.PTE, napot | LEAF | on)[0] == ("leaf" if freed else walk("sv48", Level.PTE, napot | LEAF | on)[0])
    assert walk(EXTENDED, Level.PMD, FRAME | LEAF | on)[0] == ("leaf" if freed or position in (61, 62) else "reserved")
    assert walk(EXTENDED, Level.PMD, V | on)[0] == ("table" if freed else "reserved")  # in a pointer as well
    assert walk("sv39-thead", Level.PMD, FRAME | LEAF | on) == ("leaf", 0x40000)
    assert walk("sv39-thead", Level.PMD, 0x12345 << 10 | V | on) == ("table", 0x12345000)
    assert walk("sv48", Level.PTE, napot | LEAF | on)[0] == ("reserved" if position <= 60 else "leaf")
    assert walk("sv48", Level.PMD, FRAME | LEAF | on)[0] == ("leaf" if position in (61, 62) else "reserved")
    assert walk("sv48", Level.PMD, V | on)[0] == "reserved"  # a pointer has none of them
    assert walk("sv48", Level.PMD, on)[0] == "invalid"


def test_the_fourth_memory_type_is_reserved() -> None:
    assert walk("sv57", Level.PUD, LEAF | 3 << 61)[0] == "reserved"


def test_only_64_kib_is_a_napot_size() -> None:
    assert walk("sv39", Level.PTE, LEAF | N | 0x38 << 10) == ("leaf", 0x30)
    for low in range(16):
        assert walk("sv39", Level.PTE, LEAF | N | low << 10)[0] == ("leaf" if low == 8 else "reserved")


def test_d_a_and_u_of_a_pointer_are_reserved() -> None:
    for one in (D, A, U):
        assert walk("sv48", Level.PMD, V | one)[0] == "reserved"
    assert walk("sv48", Level.PMD, V | 1 << 5 | 3 << 8)[0] == "table"  # G and RSW


def test_without_adue_the_kernel_sets_a_and_d() -> None:
    old, clean = LEAF & ~A, LEAF & ~D
    assert [walk("sv48", Level.PTE, old, access, adue=0)[0] for access in Access] == ["refused"] * 3
    assert [walk("sv48", Level.PTE, clean, access, adue=0)[0] for access in Access] == ["leaf", "refused", "leaf"]
    assert [walk("sv48", Level.PTE, LEAF & ~(A | D), access)[0] for access in Access] == ["leaf"] * 3


def test_a_c9xx_has_no_reserved_bits_but_w_without_r_and_a_misaligned_superpage() -> None:
    for one in (D, A, U):
        assert walk("sv39-thead", Level.PMD, V | one)[0] == "table"
    for level in Level:
        assert walk("sv39-thead", level, FRAME | LEAF & ~R)[0] == "reserved"
        assert walk("sv39-thead", level, V | W)[0] == "reserved"
    assert walk("sv39-thead", Level.PMD, 1 << 10 | LEAF)[0] == "reserved"
    assert walk("sv39-thead", Level.PUD, 1 << 19 | LEAF)[0] == "reserved"


def test_a_c9xx_never_sets_a_and_d() -> None:
    facts = layout("riscv64", variant="sv39-thead").hardware
    assert not facts.circumstances
    assert not any(facts.level(level).updates for level in Level)
    assert walk("sv39-thead", Level.PTE, LEAF & ~A)[0] == "refused"
    assert [walk("sv39-thead", Level.PTE, LEAF & ~D, access)[0] for access in Access] == ["leaf", "refused", "leaf"]


def test_pte_pfn_of_a_napot_pte_is_the_frame_the_hardware_finds() -> None:
    """Of every one that the hardware does not fault on; no claim asks, as pte_mknapot() makes them for hugetlb alone."""
    here = layout("riscv64")
    pte = var("pte", 64)
    made = here.hardware.level(Level.PTE).walk(pte, Access.LOAD, here.hardware.context)
    solver = Solver()
    with solver.scope(all_of(pte, N), made.leaf):
        assert solver.model(pte) is not None
        solver.add(~implies(made.leaf, eq(here.helper("pte_pfn")(pte), made.frame)))
        assert solver.model(pte) is None


def test_either_memory_type_may_be_on_top_of_a_mapping() -> None:
    """A layout's extra bits are independent, and an entry has one of the two types at most: _PAGE_NOCACHE does as _PAGE_IO, which is declared."""
    io = layout("riscv64")
    nocache = replace(io, uses={level: replace(use, extra=1 << 61) for level, use in io.uses.items()}, derived={}, _built={})
    assert {use.extra for use in io.uses.values()} == {1 << 62}
    verdicts = [{(one.code, one.subject, one.level): one.verdict for one in Checker().check(each, Level)} for each in (io, nocache)]
    assert verdicts[0] == verdicts[1]
    assert {use.extra for use in layout("riscv64", variant="sv48-base").uses.values()} == {0}


# T-Head's memory types

PMA, IO = 0b01110 << 59, 0b10010 << 59


@pytest.mark.parametrize("release", RELEASES)
def test_memory_has_a_type_on_a_c9xx(release: str) -> None:
    here = layout("riscv64", release, "sv39-thead")
    assert call(here, "pfn_pte", 1, LEAF) == PMA | 1 << 10 | LEAF
    assert call(here, "pfn_pmd", 512, LEAF | IO) == IO | 512 << 10 | LEAF
    assert call(here, "pte_modify", IO | 1 << 10 | LEAF, V | R | U | A) == PMA | 1 << 10 | V | R | U | A | D
    assert call(here, "pmd_modify", PMA | LEAF, V | R | IO) == IO | V | R | A | D
    assert call(here, "pmd_populate", 0x1000) == 1 << 10 | V  # a pointer has none
    assert call(here, "pfn_pud", 1 << 18, LEAF) == 1 << 28 | LEAF  # nor has a leaf that was made so


@pytest.mark.parametrize("release", RELEASES)
def test_no_other_cpu_gets_the_type_of_memory(release: str) -> None:
    for variant in variants("riscv64"):
        if variant != "sv39-thead":
            assert call(layout("riscv64", release, variant), "pfn_pte", 1, LEAF) == 1 << 10 | LEAF


# Soft-dirty and uffd-wp (v6.19)

FLAGS = ("soft_dirty", "uffd_wp")
DEVICE_PRIVATE = ("device-private-read", "device-private-write")
LOOKS_PRESENT = ("SWP405", "SWP411", "SWP412", "SWP414")


def repaired() -> Layout:
    """What `bitspec fit riscv64@linux-6.12 --level pte --need soft_dirty --need uffd_wp --need offset:51 --move offset` finds: U and the lowest bit of the
    offset.
    """
    shipped = layout("riscv64", NEWEST, EXTENDED)
    return shipped.but(
        Field("_PAGE_SWP_SOFT_DIRTY", ((4, 4),), Owner.SOFTWARE),
        Field("_PAGE_SWP_UFFD_WP", ((12, 12),), Owner.SOFTWARE),
        Field("__SWP_OFFSET", ((63, 13),), Owner.SOFTWARE),
    )


def test_a_soft_dirty_migration_entry_looks_like_a_huge_page() -> None:
    """X is among the bits that keep a huge page present while it is being split."""
    shipped = layout("riscv64", NEWEST, EXTENDED)
    results = ask(shipped, Level.PMD, *LOOKS_PRESENT)
    assert refuted(results) == {(code, name) for code in LOOKS_PRESENT for name in (*PMD_SWAP, *DEVICE_PRIVATE, "marker")}
    entry = witness(results["SWP405", "migration-read"])
    assert entry & (V | R | W | X | 1 << 5) == X
    assert [call(shipped, f"pmd_{name}", entry) for name in ("present", "leaf", "trans_huge", "protnone", "access_permitted_read")] == [1, 1, 1, 0, 1]
    assert call(shipped, "pmd_to_swp_entry", entry) == 0  # no migration entry to those who ask
    assert walk(EXTENDED, Level.PMD, entry)[0] == "invalid"  # the hardware is right about it
    assert not refuted(ask(shipped, Level.PTE, *LOOKS_PRESENT))  # pte_present() does not ask for X


@pytest.mark.parametrize("kind", ["migration-read", "migration-read-exclusive", "migration-write"])
def test_the_page_it_is_taken_for_is_another(kind: str) -> None:
    """pmd_page() of it, which get_user_pages_fast() takes."""
    shipped = layout("riscv64", NEWEST, EXTENDED)
    types = next(one.types for one in shipped.kinds if one.state == kind)
    entry = call(shipped, "pmd_swp_mksoft_dirty", call(shipped, "__swp_entry_to_pmd", call(shipped, "__swp_entry", types.start, 0x40000)))
    assert (entry & (1 << 54) - 1) >> 10 == 4 * 0x40000 + 3


def test_nothing_but_soft_dirty_makes_it_look_so() -> None:
    hard = layout("riscv64", NEWEST, EXTENDED, "no-soft-dirty")
    assert not refuted(ask(hard, Level.PMD, *LOOKS_PRESENT, "SWP403", "SWP404", "SWP406", "MIG501", "MIG502", "MIG503", "LAY803"))


@pytest.mark.parametrize("position", [1, 2, 3])
def test_no_bit_of_a_leafs_rights_would_do(position: int) -> None:
    moved = layout("riscv64", NEWEST, EXTENDED).but(Field("_PAGE_SWP_SOFT_DIRTY", ((position, position),), Owner.SOFTWARE))
    assert ("SWP405", "migration-write") in refuted(ask(moved, Level.PMD, "SWP405"))


def test_one_bit_of_the_offset_would_do() -> None:
    for level in Level:
        shipped = all_refuted(layout("riscv64", NEWEST, EXTENDED), level)
        left = all_refuted(repaired(), level)
        assert left <= shipped
        assert left
        assert {code for code, _ in left if code.startswith(("SWP", "MIG", "LAY"))} == ({"MIG506"} if level is Level.PMD else set())


def test_a_device_private_huge_page_is_asked_for_the_marks_of_a_mapped_one() -> None:
    """set_pmd_migration_entry() asks what is not present pmd_soft_dirty() and pmd_uffd_wp(): right only where both have their marks in the same places."""
    shipped = layout("riscv64", NEWEST, EXTENDED)
    results = ask(shipped, Level.PMD, "MIG506")
    assert refuted(results) == {("MIG506", name) for name in DEVICE_PRIVATE}
    entry = call(shipped, "pmd_swp_mkuffd_wp", witness(results["MIG506", "device-private-write"]))
    assert [call(shipped, f"pmd_{name}", entry) for name in ("swp_uffd_wp", "uffd_wp", "write")] == [1, 0, 0]
    alike = shipped.but(
        Field("_PAGE_SWP_SOFT_DIRTY", ((59, 59),), Owner.SOFTWARE),
        Field("_PAGE_SWP_UFFD_WP", ((60, 60),), Owner.SOFTWARE),
        Field("__SWP_OFFSET", ((58, 12),), Owner.SOFTWARE),
    )
    assert not refuted(ask(alike, Level.PMD, "MIG506"))
    writable = alike.but(Field("_PAGE_SWP_SOFT_DIRTY", ((2, 2),), Owner.SOFTWARE))  # W, as x86 has it
    assert ("MIG506", "device-private-read") in refuted(ask(writable, Level.PMD, "MIG506"))


def test_a_release_without_huge_private_pages_says_nothing_of_them() -> None:
    for version in ("linux-6.1", "linux-6.12"):
        assert not ask(layout("riscv64", version), Level.PMD, "MIG506")
    assert set(ask(layout("riscv64", NEWEST), Level.PMD, "MIG506")) == {("MIG506", name) for name in DEVICE_PRIVATE}


def test_the_marks_of_a_leaf_are_the_bits_the_extension_frees() -> None:
    here = layout("riscv64", NEWEST, EXTENDED)
    assert call(here, "pte_mksoft_dirty", LEAF) == LEAF | 1 << 59
    assert call(here, "pmd_mkuffd_wp", LEAF) == (LEAF | 1 << 60) & ~W
    assert call(here, "pud_mkdirty", LEAF & ~D) == LEAF | 1 << 59
    assert walk(EXTENDED, Level.PTE, LEAF | 3 << 59)[0] == "leaf"


def test_a_kernel_that_did_not_ask_would_set_bits_that_fault() -> None:
    """The layout with the marks, on the hardware without the extension."""
    shipped = layout("riscv64", NEWEST, EXTENDED)
    for level in (Level.PTE, Level.PMD):
        assert not refuted(ask(shipped, level, "HW902", "HW903"))
    plain = layout("riscv64", NEWEST).hardware
    unasked = replace(shipped, hardware=replace(shipped.hardware, levels=plain.levels), derived={}, _built={})
    for level in (Level.PTE, Level.PMD):
        assert {("HW902", "leaf"), ("HW903", "leaf")} <= refuted(ask(unasked, level, "HW902", "HW903"))


@pytest.mark.parametrize("variant", [name for name in variants("riscv64") if name != EXTENDED])
def test_without_the_extension_the_helpers_do_nothing(variant: str) -> None:
    here = layout("riscv64", NEWEST, variant)
    for level in ("pte", "pmd"):
        for flag in FLAGS:
            for stem in (f"swp_mk{flag}", f"swp_clear_{flag}", f"clear_{flag}"):
                assert call(here, f"{level}_{stem}", (1 << 64) - 1) == (1 << 64) - 1
            assert not call(here, f"{level}_swp_{flag}", (1 << 64) - 1)
            assert not call(here, f"{level}_{flag}", (1 << 64) - 1)
        assert call(here, f"{level}_mksoft_dirty", 0) == 0
        assert call(here, f"{level}_mkuffd_wp", LEAF) == LEAF & ~W
        assert call(here, f"{level}_mkdirty", 0) == D


@pytest.mark.parametrize("level", [Level.PTE, Level.PMD])
def test_without_the_extension_a_mark_is_lost_and_nothing_else_is_disturbed(level: Level) -> None:
    """What mm/ asks pgtable_supports_soft_dirty() and pgtable_supports_uffd_wp() for."""
    codes = ("SWP403", "SWP404", "SWP405", "SWP406", f"{str(level).upper()}{'1' if level is Level.PTE else '2'}10")
    found = refuted(ask(layout("riscv64", NEWEST), level, *codes))
    assert found
    assert {code for code, _ in found} == {"SWP403", codes[-1]}
    assert not refuted(ask(layout("riscv64", NEWEST, EXTENDED), Level.PTE, *codes))


# Huge pages of the PUD (v6.19)


def test_a_prot_none_page_of_1_gb_is_neither_empty_nor_present() -> None:
    shipped = layout("riscv64", NEWEST)
    none = next(row.value for row in shipped.at(Level.PUD).protections if not row.access)
    entry = call(shipped, "pud_modify", FRAME | LEAF, none)
    assert [call(shipped, f"pud_{name}", entry) for name in ("none", "present", "leaf", "trans_huge", "bad")] == [0, 0, 0, 0, 1]
    assert [call(shipped, f"pmd_{name}", entry) for name in ("none", "present", "leaf", "trans_huge", "bad")] == [0, 1, 1, 1, 1]
    lost = {(code, name) for code in ("PUD341", "PUD342", "PUD343") for name in ("leaf-protnone", "leaf-invalidated")}
    assert refuted(ask(shipped, Level.PUD, "PUD341", "PUD342", "PUD343")) == lost


def test_a_pud_present_like_that_of_the_pmd_would_hold() -> None:
    def pud_present(k: Kernel, pud: Expr) -> Expr:
        return any_of(pud, k["_PAGE_PRESENT", "_PAGE_PROT_NONE", "_PAGE_READ", "_PAGE_WRITE", "_PAGE_EXEC"])

    shipped = layout("riscv64", NEWEST)
    before, after = all_refuted(shipped, Level.PUD), all_refuted(shipped.but(pud_present=pud_present), Level.PUD)
    assert {code for code, _ in before - after} == {"PUD341", "PUD342", "PUD343"}
    assert after - before == {("PUD352", "leaf-invalidated")}  # as at the PMD


# The layouts


def test_execute_only_is_neither_prot_none_nor_readable() -> None:
    only = next(row.value for row in layout("riscv64").at(Level.PTE).protections if row.name == "VM_EXEC")
    assert [walk("sv48", Level.PTE, only, access)[0] for access in Access] == ["refused", "refused", "leaf"]
    assert not call(layout("riscv64"), "pte_protnone", only)


def test_migration_entries_carry_young_and_dirty() -> None:
    """The offset has 53 or 52 bits, and a page frame number 44."""
    for release in RELEASES:
        assert migration_keeps_age(layout("riscv64", release))


def test_riscv_has_no_types_for_what_its_kconfig_does_not_offer() -> None:
    kinds = {release: [kind.state for kind in layout("riscv64", release).kinds] for release in RELEASES}
    migration = ["migration-read", "migration-read-exclusive", "migration-write"]
    devices = ["device-private-write", "device-private-read", "device-exclusive-write", "device-exclusive-read"]
    assert kinds["linux-6.1"] == ["swap", *migration, "swapin-error"]
    assert kinds["linux-6.12"] == ["swap", *migration, *devices, "marker"]
    assert kinds["linux-6.19"] == ["swap", *migration, *devices[:2], "device-exclusive", "marker"]


def test_a_modify_that_keeps_age_would_hold() -> None:
    """What is refuted of pte_modify() is the accessed bit of the protection alone."""

    def careful(k: Kernel, entry: Expr, prot: Expr) -> Expr:
        dropped = k["_PAGE_PRESENT", "_PAGE_USER", "_PAGE_GLOBAL", "_PAGE_READ", "_PAGE_WRITE", "_PAGE_EXEC", "_PAGE_MTMASK"]
        return clear(entry, dropped) | clear(prot, k["_PAGE_ACCESSED"])

    shipped = layout("riscv64")
    assert refuted(ask(shipped, Level.PTE, "PTE123"))
    assert not refuted(ask(shipped.but(pte_modify=careful), Level.PTE, "PTE123", "PTE124"))


def test_nothing_is_refuted_but_what_is_known_and_no_known_is_stale() -> None:
    checker = Checker(known=known("riscv64"))
    results = [one for release, variant in ALL for one in checker.check(layout("riscv64", release, variant), Level)]
    assert [one.key for one in results if one.failed or one.verdict is Verdict.UNKNOWN] == []
    assert list(stale(known("riscv64"), results)) == []
