"""x86-64: the old bugs in their before and after forms, and what is special to this architecture."""

from __future__ import annotations

import pytest

from archs.discover import known, layout, variants
from bitspec.expr import Expr, any_of, clear, eq, ite, var
from bitspec.fields import Field, Owner
from bitspec.hardware import Access
from bitspec.layout import Kernel, Layout
from bitspec.read.as_int import evaluate
from bitspec.vocabulary import NON_PRESENT, Level
from proofs.check import Checker, Result, Verdict
from proofs.states import offset_bits

MIGRATIONS = ("migration-read", "migration-read-exclusive", "migration-write")
P, RW, D, PSE, PROTNONE = 1 << 0, 1 << 1, 1 << 6, 1 << 7, 1 << 8
READONLY, SHARED, NONE = 0x8000000000000025, 0x8000000000000027, 0x120


def ask(subject: Layout, level: Level, *codes: str) -> dict[tuple[str, str], Result]:
    return {(one.code, one.subject): one for one in Checker().check(subject, [level], frozenset(codes) if codes else None)}


def refuted(results: dict[tuple[str, str], Result]) -> set[tuple[str, str]]:
    return {key for key, one in results.items() if one.verdict is Verdict.REFUTED}


def all_proved(results: dict[tuple[str, str], Result]) -> bool:
    """Every claim that applies, and at least one does."""
    return {one.verdict for one in results.values()} - {Verdict.NOT_APPLICABLE} == {Verdict.PROVED}


def call(subject: Layout, name: str, *values: int) -> int:
    one = subject.helper(name)
    return evaluate(one.body, dict(zip(one.params, values, strict=True)))


def witness(result: Result) -> tuple[int, dict[str, int]]:
    assert result.witness is not None
    return result.witness.entry, {str(variable.attr): value for variable, value in result.witness.inputs}


def walk(level: Level, entry: int, access: Access = Access.LOAD, width: int = 46, nxe: int = 1) -> tuple[str, int]:
    """The outcome, and the address or frame it leads to."""
    value = var("entry", 64)
    hardware = layout("x86_64").hardware
    made = hardware.level(level).walk(value, access, hardware.context)
    values = {value: entry, **{one.variable: {"MAXPHYADDR": width, "NXE": nxe}[one.name] for one in hardware.circumstances}}
    outcome = next(name for name in ("invalid", "refused", "reserved", "table", "leaf") if evaluate(getattr(made, name), values))
    return outcome, evaluate(made.address if outcome == "table" else made.frame, values)


# x86-pmd-present-split (027ef6c87853, v3.7): splitting a huge page clears P, and pmd_present() tested P alone


def pmd_present_before(k: Kernel, pmd: Expr) -> Expr:
    return any_of(pmd, k["_PAGE_PRESENT"])


def pmd_mknotpresent(k: Kernel, pmd: Expr) -> Expr:
    return clear(pmd, k["_PAGE_PRESENT"])


def test_before_v3_7_a_huge_page_being_split_is_not_present() -> None:
    before = layout("x86_64").but(pmd_present=pmd_present_before, pmd_mkinvalid=pmd_mknotpresent)
    results = ask(before, Level.PMD, "PMD241")
    assert refuted(results) == {("PMD241", f"leaf{kind}-{how}") for kind in ("", "-devmap") for how in ("invalidated", "protnone")}
    entry, _ = witness(results["PMD241", "leaf-invalidated"])
    assert entry & (P | PSE) == PSE
    assert not call(before, "pmd_present", entry)
    assert not call(before, "pmd_none", entry)
    assert call(layout("x86_64"), "pmd_present", entry)
    assert call(before, "pmd_mkinvalid", 0x81) == 0x80
    assert not call(before, "pmd_present", 0x80)


def test_since_v3_7_it_is() -> None:
    assert all_proved(ask(layout("x86_64").but(pmd_mkinvalid=pmd_mknotpresent), Level.PMD, "PMD241"))
    assert all_proved(ask(layout("x86_64"), Level.PMD, "PMD241"))


# The swap entry until v4.18: type << 9 | offset << 14, soft-dirty in bit 7 until v4.14


def swp_type_before(k: Kernel, swp: Expr) -> Expr:
    return swp >> k.shift("SWP_TYPE") & 0x1F


def before_v4_19(soft_dirty: int = 1) -> Layout:
    return layout("x86_64").but(
        Field("SWP_TYPE", ((13, 9),), Owner.SOFTWARE),
        Field("SWP_OFFSET", ((63, 14),), Owner.SOFTWARE),
        Field("_PAGE_SWP_SOFT_DIRTY", ((soft_dirty, soft_dirty),), Owner.SOFTWARE),
        __swp_type=swp_type_before,
    )


def test_the_old_encoding_is_itself_sound() -> None:
    assert call(before_v4_19(), "__swp_entry", 3, 5) == 3 << 9 | 5 << 14
    for level in (Level.PTE, Level.PMD):
        assert all_proved(ask(before_v4_19(), level, "SWP401", "SWP404", "SWP405", "SWP406", "SWP407", "SWP408", "SWP409"))


# x86-swp-softdirty-bit (eee4818baac0, v4.14): what v3.7 made pmd_present() test is the soft-dirty bit of swap entries


def test_before_v4_14_a_soft_dirty_migration_pmd_is_present() -> None:
    before = before_v4_19(soft_dirty=7)
    results = ask(before, Level.PMD, "SWP405")
    assert {("SWP405", one) for one in MIGRATIONS} <= refuted(results)
    entry, inputs = witness(results["SWP405", "migration-read"])
    assert entry & PSE
    assert inputs["soft_dirty"] == 1
    assert call(before, "pmd_present", entry)
    assert not call(before, "pmd_present", entry & ~PSE)
    assert call(before, "pmd_swp_soft_dirty", 0x4080)
    assert call(before, "pmd_present", 0x4080)


def test_before_v4_14_the_same_bit_did_no_harm_in_a_pte() -> None:
    assert all_proved(ask(before_v4_19(soft_dirty=7), Level.PTE, "SWP405"))


def test_with_the_pmd_present_of_v3_6_that_bit_did_no_harm_either() -> None:
    """The fix of 2012 made the bug of 2017 possible."""
    assert all_proved(ask(before_v4_19(soft_dirty=7).but(pmd_present=pmd_present_before), Level.PMD, "SWP405"))


def test_since_v4_14_it_is_not() -> None:
    assert all_proved(ask(before_v4_19(soft_dirty=1), Level.PMD, "SWP405"))
    assert all_proved(ask(layout("x86_64"), Level.PMD, "SWP405"))


# x86-l1tf-swap (bcd11afa7ada, 2f22b4cd45b6, v4.19; CVE-2018-3620)


@pytest.mark.parametrize("level", [Level.PTE, Level.PMD])
def test_before_v4_19_a_swap_entry_points_into_memory(level: Level) -> None:
    before = before_v4_19()
    results = ask(before, level, "SWP410")
    assert refuted(results) == {("SWP410", one) for one in NON_PRESENT if ("SWP410", one) in results}
    assert {("SWP410", one) for one in ("swap", *MIGRATIONS)} <= refuted(results)
    entry, inputs = witness(results["SWP410", "swap"])
    assert entry & (1 << inputs["MAXPHYADDR"]) - 1 & ~0xFFF < 1 << inputs["MAXPHYADDR"] - 1
    assert entry == call(before, "__swp_entry", inputs["type"], inputs["offset"]) | inputs["soft_dirty"] << 1 | inputs["uffd_wp"] << 2 | (
        inputs.get("exclusive", 0) << 3
    )
    assert call(before, "__swp_entry", 0, 1) == 0x4000


@pytest.mark.parametrize("variant", ["4-level", "5-level"])
@pytest.mark.parametrize("level", list(Level))
def test_since_v4_19_no_address_field_does(variant: str, level: Level) -> None:
    after = ask(layout("x86_64", variant=variant), level, "SWP410")
    assert all_proved(after)
    assert ("SWP410", "leaf-protnone") in after
    if level is not Level.PUD:
        assert all_proved(ask(layout("x86_64", variant=variant), level, "SWP401"))


def test_l1tf_is_not_asked_of_knights_landing() -> None:
    assert not ask(layout("x86_64", variant="4-level-knl"), Level.PTE, "SWP410")


def test_what_is_not_present_holds_the_complement_of_its_frame() -> None:
    subject = layout("x86_64")
    assert call(subject, "pfn_pte", 1, NONE) == 0x000FFFFFFFFFE120
    assert call(subject, "pte_pfn", 0x000FFFFFFFFFE120) == 1
    assert call(subject, "__swp_entry", 24, 0x12345) == 0xC7FFFFFFFDB97400


# generic-radix-type (9b15b817f3d6, v3.5): the type in the top five bits of swp_entry_t, of which the radix tree's tag pushed out two


def generic(shift: int) -> Layout:
    mask = (1 << shift) - 1
    return layout("x86_64").but(
        swp_entry=lambda k, swap_type, offset: swap_type << shift | offset & mask,
        swp_type=lambda k, entry: entry >> shift,
        swp_offset=lambda k, entry: entry & mask,
        swp_to_radix_entry=lambda k, entry: entry << 2 | 2,
        radix_to_swp_entry=lambda k, entry: entry >> 2,
    )


def test_before_v3_5_the_radix_tree_loses_two_bits_of_the_type() -> None:
    before = generic(64 - 5)
    results = ask(before, Level.PTE, "SWP418")
    assert refuted(results) == {("SWP418", "swp_entry_t")}
    entry, inputs = witness(results["SWP418", "swp_entry_t"])
    back = call(before, "radix_to_swp_entry", call(before, "swp_to_radix_entry", entry))
    assert call(before, "swp_type", back) != inputs["type"]
    shmem = call(before, "swp_to_radix_entry", call(before, "swp_entry", 8, 1))
    assert call(before, "swp_type", call(before, "radix_to_swp_entry", shmem)) == 0


def test_since_v3_5_it_does_not() -> None:
    assert all_proved(ask(generic(64 - (5 + 2)), Level.PTE, "SWP418"))
    assert all_proved(ask(layout("x86_64"), Level.PTE, "SWP418"))


# Knights Landing: the CPU may set A and D in an entry that is not present; worked around in v4.8


def is_zero(k: Kernel, entry: Expr) -> Expr:
    return eq(entry, 0)


@pytest.mark.parametrize(("level", "code"), [(Level.PTE, "PTE130"), (Level.PMD, "PMD230"), (Level.PUD, "PUD330")])
def test_on_knights_landing_none_is_more_than_zero(level: Level, code: str) -> None:
    helper = f"{level}_none"
    before = {variant: layout("x86_64", variant=variant).but(**{helper: is_zero}) for variant in ("4-level", "4-level-knl")}
    assert all_proved(ask(before["4-level"], level, code))
    results = ask(before["4-level-knl"], level, code)
    assert refuted(results) == {(code, "none")}
    entry, _ = witness(results[code, "none"])
    assert entry in (0x20, 0x40, 0x60)
    assert not call(before["4-level-knl"], helper, entry)
    assert call(layout("x86_64", variant="4-level-knl"), helper, entry)
    assert all_proved(ask(layout("x86_64", variant="4-level-knl"), level, code))


@pytest.mark.parametrize("level", [Level.PTE, Level.PMD])
def test_on_knights_landing_a_swap_flag_on_bit_5_is_lost_to_the_cpu(level: Level) -> None:
    moved = Field("_PAGE_SWP_UFFD_WP", ((5, 5),), Owner.SOFTWARE)
    assert all_proved(ask(layout("x86_64").but(moved), level, "HW906", "LAY802"))
    results = ask(layout("x86_64", variant="4-level-knl").but(moved), level, "HW906", "LAY802")
    assert refuted(results) >= {("HW906", "swap+A_not_present"), ("LAY802", "swap")}


# 1 GB pages: pud_present() tests P alone


def hugetlb_protnone(level: Level) -> int:
    """What mprotect(PROT_NONE) stores for a huge page of hugetlbfs."""
    subject = layout("x86_64")
    huge = call(subject, "arch_make_huge_pte", call(subject, "pfn_pte", {Level.PMD: 0x200, Level.PUD: 0x40000}[level], SHARED))
    return call(subject, "arch_make_huge_pte", call(subject, "pte_modify", huge, NONE))


def test_a_prot_none_1_gb_page_is_present_as_a_pte_and_not_as_a_pud() -> None:
    subject = layout("x86_64")
    for level, present in ((Level.PMD, 1), (Level.PUD, 0)):
        entry = hugetlb_protnone(level)
        assert call(subject, "pte_present", entry)
        assert call(subject, f"{level}_present", entry) == present
        assert call(subject, f"{level}_leaf", entry)
        assert not call(subject, f"{level}_none", entry)
        assert call(subject, f"{level}_pfn", entry) == call(subject, "pte_pfn", entry)
        assert walk(level, entry)[0] == "invalid"


def pud_present_like_pmd_present(k: Kernel, pud: Expr) -> Expr:
    return any_of(pud, k["_PAGE_PRESENT", "_PAGE_PROTNONE", "_PAGE_PSE"])


@pytest.mark.parametrize("variant", variants("x86_64"))
def test_a_pud_present_like_pmd_present_violates_nothing(variant: str) -> None:
    """As proposed in March 2020 ("x86/mm: Make pud_present() check _PAGE_PROTNONE and _PAGE_PSE as well")."""
    shipped = layout("x86_64", variant=variant)
    assert refuted(ask(shipped, Level.PUD)) == {
        (code, f"leaf{kind}-{how}") for code in ("PUD341", "PUD355") for kind in ("", "-devmap") for how in ("protnone", "invalidated")
    }
    assert refuted(ask(shipped.but(pud_present=pud_present_like_pmd_present), Level.PUD)) == set()


# Shadow stacks: D without R/W is their mark


def test_mkdirty_has_to_come_before_mkwrite_in_a_shadow_stack() -> None:
    subject = layout("x86_64")
    leaf = call(subject, "pfn_pte", 0x12345, READONLY)
    right = call(subject, "pte_mkwrite_shstk", call(subject, "pte_mkdirty", leaf))
    wrong = call(subject, "pte_mkdirty", call(subject, "pte_mkwrite_shstk", leaf))
    assert right & (RW | D) == D
    assert call(subject, "pte_write", right)
    assert not call(subject, "pte_write", wrong)
    assert call(subject, "pte_dirty", wrong)
    assert walk(Level.PTE, right, Access.STORE)[0] == "refused"


def test_a_dirty_bit_set_without_write_makes_no_shadow_stack_where_there_are_none() -> None:
    """CPUs before CET may do that; the write predicate looks at it only where there are shadow stacks."""
    older = layout("x86_64", variant="4-level-knl")
    assert all_proved(ask(older, Level.PTE, "HW906"))
    confused = older.but(pte_write=lambda k, pte: any_of(pte, k["_PAGE_RW"]) | eq(pte & k["_PAGE_RW", "_PAGE_DIRTY"], k["_PAGE_DIRTY"]))
    results = ask(confused, Level.PTE, "HW906")
    assert ("HW906", "leaf+D") in refuted(results)
    entry, _ = witness(results["HW906", "leaf+D"])
    assert not call(confused, "pte_write", entry)
    assert call(confused, "pte_write", entry | D)


# The walk


def test_reserved_bits_of_large_pages_and_of_small_address_widths() -> None:
    assert walk(Level.PMD, 0x12200000 | 0xA5) == ("leaf", 0x12200)
    assert walk(Level.PMD, 0x12200000 | 1 << 12 | 0xA5) == ("leaf", 0x12200)  # PAT
    for position in range(13, 21):
        assert walk(Level.PMD, 0x12200000 | 1 << position | 0xA5)[0] == "reserved"
    for position in range(13, 30):
        assert walk(Level.PUD, 0x40000000 | 1 << position | 0xA5)[0] == "reserved"
    assert walk(Level.PTE, 1 << 46 | 0x25, width=46)[0] == "reserved"
    assert walk(Level.PTE, 1 << 46 | 0x25, width=47) == ("leaf", 1 << 34)
    assert walk(Level.PTE, READONLY, nxe=0)[0] == "reserved"
    assert walk(Level.PTE, READONLY, Access.FETCH)[0] == "refused"
    assert walk(Level.PMD, 0x1234067) == ("table", 0x1234000)


def test_an_entry_that_is_not_present_is_invalid_whatever_else_it_has() -> None:
    for position in range(1, 64):
        for level in Level:
            assert walk(level, 1 << position, width=36, nxe=0)[0] == "invalid"


# The list of known refutations


@pytest.mark.parametrize("variant", variants("x86_64"))
def test_every_refutation_is_known_and_none_is_stale(variant: str) -> None:
    subject = layout("x86_64", variant=variant)
    results = list(Checker(known("x86_64")).check(subject, list(Level)))
    assert [one.key for one in results if one.failed] == []
    covered = {(one.code, one.subject, str(one.level)) for one in results if one.known is not None}
    expected = {
        (one.code, name, level) for one in known("x86_64") if not one.variants or variant in one.variants for name in one.subjects for level in one.levels
    }
    assert covered == expected


def test_the_probe_of_the_largest_offset_does_not_care_that_its_entry_is_none() -> None:
    """All offset bits are inverted, so that the entry is 0; since linux-6.19 there is nothing in such a one for pte_to_swp_entry()."""
    shipped = layout("x86_64")
    probed = call(shipped, "__swp_entry_to_pte", call(shipped, "__swp_entry", 0, (1 << 64) - 1))
    assert call(shipped, "pte_none", probed)
    plain = shipped.helper("pte_to_swp_entry")
    later = shipped.but(pte_to_swp_entry=lambda k, pte: ite(k.none(pte) | k.present(pte), 0, plain(pte)))
    assert call(later, "pte_to_swp_entry", probed) == 0
    assert offset_bits(later) == offset_bits(shipped) == 50
    assert all_proved(ask(later, Level.PTE, "SWP401", "SWP402", "SWP405"))


def test_a_protection_change_that_drops_the_hardwares_dirty_bit_is_refuted() -> None:
    """Trees of v6.13 to v6.19 do so for huge pages: right for what becomes a shadow stack otherwise, and not for a page that stays writable."""
    shipped = layout("x86_64")
    assert all_proved(ask(shipped, Level.PMD, "PMD223"))
    plain = shipped.helper("pmd_modify")
    dropping = shipped.but(pmd_modify=lambda k, pmd, prot: plain(clear(pmd, 1 << 6), prot))
    results = ask(dropping, Level.PMD, "PMD223")
    assert ("PMD223", "pmd_modify/dirty") in refuted(results)
    entry, _ = witness(results["PMD223", "pmd_modify/dirty"])
    assert call(shipped, "pmd_dirty", entry)
    assert not call(dropping, "pmd_dirty", call(dropping, "pmd_modify", entry, 0x27))
