"""arm64: the old bugs in their before and after forms, and what is special to this architecture."""

from __future__ import annotations

import pytest

from archs.discover import known, layout, variants
from bitspec.expr import Expr, and_, any_of, clear, iff, ne, none_of, not_, var
from bitspec.hardware import Access
from bitspec.layout import Absent, Kernel, Layout
from bitspec.read.as_int import evaluate
from bitspec.solver import Solver
from bitspec.vocabulary import Level
from proofs.check import Checker, Result, Verdict
from proofs.report import stale

RELEASES = ("linux-6.1", "linux-6.12")
WITH_LPA2 = ("4k-52", "16k-52")
PMD_SWAP = ("swap", "migration-read", "migration-read-exclusive", "migration-write")
ALL = [(release, variant) for release in RELEASES for variant in variants("arm64") if release != "linux-6.1" or variant not in WITH_LPA2]


def ask(subject: Layout, level: Level, *codes: str) -> dict[tuple[str, str], Result]:
    return {(one.code, one.subject): one for one in Checker().check(subject, [level], frozenset(codes))}


def refuted(results: dict[tuple[str, str], Result]) -> set[tuple[str, str]]:
    return {key for key, one in results.items() if one.verdict is Verdict.REFUTED}


def call(subject: Layout, name: str, *values: int) -> int:
    one = subject.helper(name)
    return evaluate(one.body, dict(zip(one.params, values, strict=True)))


def witness(result: Result) -> int:
    assert result.witness is not None
    return result.witness.entry


def walk(variant: str, level: Level, entry: int, access: Access = Access.LOAD, **context: int) -> tuple[str, int]:
    """The outcome, and the address or frame it leads to."""
    value = var("entry", 64)
    hardware = layout("arm64", variant=variant).hardware
    made = hardware.level(level).walk(value, access, hardware.context)
    circumstances = {"PS": 52 if variant.endswith("52") else 48, "HA": 0, "HD": 0, "PIE": 0, **context}
    values = {value: entry, **{one.variable: circumstances[one.name] for one in hardware.circumstances}}
    outcome = next(name for name in ("invalid", "refused", "reserved", "table", "leaf") if evaluate(getattr(made, name), values))
    return outcome, evaluate(made.address if outcome == "table" else made.frame, values)


# arm64-pmd-semantics (b65399f6111b, v5.10): the PTE format written into a PMD, before PMD_PRESENT_INVALID


def present_before(k: Kernel, pmd: Expr) -> Expr:
    return any_of(pmd, k["PTE_VALID", "PTE_PROT_NONE"])


def trans_huge_before(k: Kernel, pmd: Expr) -> Expr:
    return and_(ne(pmd, 0), none_of(pmd, k["PTE_TABLE_BIT"]))


def mknotpresent(k: Kernel, pmd: Expr) -> Expr:
    return clear(pmd, k["PTE_VALID"])


def before_v5_10() -> Layout:
    return layout("arm64", "linux-6.1").but(pmd_present=present_before, pmd_trans_huge=trans_huge_before, pmd_mkinvalid=mknotpresent)


def test_before_v5_10_an_invalidated_leaf_is_not_present() -> None:
    results = ask(before_v5_10(), Level.PMD, "PMD241")
    assert refuted(results) == {("PMD241", "leaf-invalidated"), ("PMD241", "leaf-devmap-invalidated")}
    entry = witness(results["PMD241", "leaf-invalidated"])
    assert not entry & (1 << 0 | 1 << 58)
    assert not call(before_v5_10(), "pmd_present", entry)
    assert call(layout("arm64", "linux-6.1"), "pmd_present", entry | 1 << 59)


def test_before_v5_10_a_swap_pmd_is_trans_huge() -> None:
    results = ask(before_v5_10(), Level.PMD, "SWP412")
    assert refuted(results) == {("SWP412", name) for name in PMD_SWAP}
    entry = witness(results["SWP412", "swap"])
    assert call(before_v5_10(), "pmd_trans_huge", entry)
    assert not entry & 2


def test_since_v5_10_both_hold() -> None:
    for release in RELEASES:
        results = ask(layout("arm64", release), Level.PMD, "PMD241", "PMD243", "SWP405", "SWP412")
        assert {one.verdict for one in results.values() if one.verdict is not Verdict.NOT_APPLICABLE} == {Verdict.PROVED}
        assert results["PMD241", "leaf-invalidated"].verdict is Verdict.PROVED
        assert results["SWP412", "migration-write"].verdict is Verdict.PROVED


# arm64-relayout (v6.10)


@pytest.mark.parametrize(("release", "variant"), ALL)
def test_every_property_of_a_swap_entry_holds_in_both_formats(release: str, variant: str) -> None:
    codes = frozenset(f"SWP4{number:02}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 16, 17))
    found = {one.verdict for level in (Level.PTE, Level.PMD) for one in Checker().check(layout("arm64", release, variant), [level], codes)}
    assert found == {Verdict.PROVED, Verdict.NOT_APPLICABLE}


@pytest.mark.parametrize("level", [Level.PTE, Level.PMD])
def test_an_offset_from_bit_11_makes_swap_entries_look_present(level: Level) -> None:
    shipped = layout("arm64", "linux-6.12")
    mutant = shipped.but(shipped.at(Level.PTE).field("__SWP_OFFSET").moved(-1))
    results = ask(mutant, level, "SWP405")
    assert ("SWP405", "swap") in refuted(results)
    assert ("SWP405", "migration-read") in refuted(results)
    assert witness(results["SWP405", "swap"]) == 0x800  # type 0, offset 1: PTE_PRESENT_INVALID
    assert call(mutant, f"{level}_present", 0x800)
    assert not refuted(ask(shipped, level, "SWP405"))


def test_an_offset_one_bit_higher_in_6_1_reaches_the_prot_none_bit() -> None:
    shipped = layout("arm64", "linux-6.1")
    mutant = shipped.but(shipped.at(Level.PTE).field("__SWP_OFFSET").moved(1))
    results = ask(mutant, Level.PTE, "SWP405", "SWP413")
    assert ("SWP405", "swap") in refuted(results)
    assert ("SWP413", "swap") in refuted(results)
    assert witness(results["SWP405", "swap"]) & 1 << 58


@pytest.mark.parametrize(("release", "mark", "by"), [("linux-6.1", "PTE_PROT_NONE", 2), ("linux-6.12", "PTE_PRESENT_INVALID", 52)])
def test_the_mark_of_a_present_entry_that_is_not_valid_can_move_to_a_free_bit(release: str, mark: str, by: int) -> None:
    """It moves in every helper and in PAGE_NONE; what was proved of prot-none leaves before is proved after."""
    shipped = layout("arm64", release)
    moved = shipped.but(shipped.at(Level.PTE).field(mark).moved(by))
    none = next(row.value for row in moved.at(Level.PTE).protections if not row.access)
    assert none & moved.at(Level.PTE)[mark]
    results = ask(moved, Level.PTE, "PTE141", "PTE146", "SWP405", "SWP413", "LAY803", "HW909")
    assert not refuted(results)
    assert results["PTE146", "leaf-protnone"].verdict is Verdict.PROVED


# arm64-trans-huge-refactor (d1770e909898)


def test_the_refactored_pmd_trans_huge_is_the_same_for_every_value() -> None:
    def old(k: Kernel, pmd: Expr) -> Expr:
        return and_(ne(pmd, 0), k.present(pmd), none_of(pmd, k["PTE_TABLE_BIT"]))

    new = layout("arm64", "linux-6.12").helper("pmd_trans_huge")
    before = layout("arm64", "linux-6.12").but(pmd_trans_huge=old).helper("pmd_trans_huge")
    solver = Solver()
    with solver.scope(not_(iff(before(new.params[0]), new.body))):
        assert solver.model() is None


def test_without_the_forced_valid_bit_it_would_not_be() -> None:
    """pmd_table() alone does not know an invalidated table for one."""

    def careless(k: Kernel, pmd: Expr) -> Expr:
        return k.leaf(pmd)

    shipped = layout("arm64", "linux-6.12")
    new, other = shipped.helper("pmd_trans_huge"), shipped.but(pmd_trans_huge=careless).helper("pmd_trans_huge")
    solver = Solver()
    with solver.scope(not_(iff(other(new.params[0]), new.body))):
        model = solver.model(new.params[0])
    assert model is not None
    assert model[0] & 0x803 == 0x802


# What is special to arm64


def test_lpa2_is_absent_from_6_1() -> None:
    for variant in WITH_LPA2:
        with pytest.raises(Absent, match=r"linux-6\.1 has no LPA2"):
            layout("arm64", "linux-6.1", variant)


def test_type_bits_select_page_block_and_table_by_level() -> None:
    page, block = 1 << 10 | 1 << 6 | 3, 1 << 10 | 1 << 6 | 1
    assert walk("4k-48", Level.PTE, page | 0x5000) == ("leaf", 5)
    assert walk("4k-48", Level.PTE, block | 0x5000)[0] == "invalid"  # 01 is reserved at level 3
    assert walk("4k-48", Level.PMD, page | 0x5000) == ("table", 0x5000)
    assert walk("4k-48", Level.PMD, block | 0x40_0000) == ("leaf", 0x400)


def test_a_level_1_block_needs_52_bit_addresses_unless_pages_are_4k() -> None:
    block = 1 << 10 | 1 << 6 | 1
    outcomes = {variant: walk(variant, Level.PUD, block)[0] for variant in variants("arm64")}
    assert outcomes == {"4k-48": "leaf", "4k-52": "leaf", "16k-48": "invalid", "64k-48": "invalid", "16k-52": "leaf", "64k-52": "leaf"}


def test_the_upper_address_bits_stand_elsewhere_in_each_format() -> None:
    page = 1 << 10 | 1 << 6 | 3
    assert walk("4k-52", Level.PTE, page | 1 << 9 | 1 << 49) == ("leaf", (1 << 51 | 1 << 49) >> 12)
    assert walk("64k-52", Level.PTE, page | 1 << 15 | 3 << 8) == ("leaf", 1 << 51 >> 16)
    assert walk("4k-48", Level.PTE, page | 1 << 49 | 3 << 8) == ("leaf", 0)  # RES0 there


def test_an_address_beyond_the_cpus_is_an_address_size_fault() -> None:
    page = 1 << 40 | 1 << 10 | 1 << 6 | 3
    assert walk("4k-48", Level.PTE, page, PS=40)[0] == "reserved"
    assert walk("4k-48", Level.PTE, page, PS=42) == ("leaf", 1 << 28)


def test_hardware_management_of_access_flag_and_dirty_state() -> None:
    shared = next(row.value for row in layout("arm64").at(Level.PTE).protections if row.name == "VM_SHARED|VM_WRITE")
    old = shared & ~(1 << 10)
    assert walk("4k-48", Level.PTE, old)[0] == "refused"
    assert walk("4k-48", Level.PTE, old, HA=1)[0] == "leaf"
    assert walk("4k-48", Level.PTE, shared, Access.STORE, HA=1)[0] == "refused"  # clean, and nobody to note the store
    assert walk("4k-48", Level.PTE, shared, Access.STORE, HA=1, HD=1)[0] == "leaf"
    assert walk("4k-48", Level.PTE, shared, Access.STORE, HA=0, HD=1)[0] == "refused"  # HD needs HA


def test_permissions_do_not_depend_on_how_they_are_looked_up() -> None:
    """PIE_E0 gives every entry of the protection table the rights it has without FEAT_S1PIE."""
    for row in layout("arm64").at(Level.PTE).protections:
        for access in Access:
            for managed in (0, 1):
                direct, indirect = (walk("4k-48", Level.PTE, row.value, access, HA=managed, HD=managed, PIE=pie)[0] for pie in (0, 1))
                assert direct == indirect, (row, access, managed)


def test_execute_only_is_neither_prot_none_nor_readable() -> None:
    only = min(row.value for row in layout("arm64").at(Level.PTE).protections if row.name == "VM_EXEC")
    assert [walk("4k-48", Level.PTE, only, access)[0] for access in Access] == ["refused", "refused", "leaf"]
    invalidated = call(layout("arm64"), "pmd_mkinvalid", only & ~2)
    assert not call(layout("arm64"), "pmd_protnone", invalidated)


def test_invalidating_a_prot_none_leaf_changes_nothing_since_6_10() -> None:
    for release, same in (("linux-6.12", True), ("linux-6.1", False)):
        here = layout("arm64", release)
        none = next(row.value for row in here.at(Level.PMD).protections if not row.access) & ~2
        assert (call(here, "pmd_mkinvalid", none) == none) is same


def test_store_without_dirty_is_found_when_wrprotect_forgets_rdonly() -> None:
    def forgetful(k: Kernel, entry: Expr) -> Expr:
        return clear(entry, k["PTE_WRITE"])

    mutant = layout("arm64").but(pte_wrprotect=forgetful)
    results = ask(mutant, Level.PTE, "HW905")
    entry = witness(results["HW905", "leaf"])
    assert not entry & (1 << 51 | 1 << 7)
    assert walk("4k-48", Level.PTE, entry, Access.STORE, HA=1)[0] == "leaf"


def test_wrprotect_has_to_move_the_hardwares_dirty_mark() -> None:
    def forgetful(k: Kernel, entry: Expr) -> Expr:
        return clear(entry, k["PTE_WRITE"]) | k["PTE_RDONLY"]

    results = ask(layout("arm64").but(pte_wrprotect=forgetful), Level.PTE, "PTE107")
    entry = witness(results["PTE107", "leaf"])
    assert entry & (1 << 51 | 1 << 7 | 1 << 55) == 1 << 51  # dirty by the hardware alone
    assert not refuted(ask(layout("arm64"), Level.PTE, "PTE107"))


def test_64k_frames_above_2_48_set_reserved_bits_since_6_9() -> None:
    results = ask(layout("arm64", "linux-6.12", "64k-52"), Level.PTE, "HW903")
    entry = witness(results["HW903", "leaf"])
    assert entry & 1 << 48
    assert entry & 1 << 12
    assert call(layout("arm64", "linux-6.12", "64k-52"), "pte_pfn", entry) == 1 << 32
    assert walk("64k-52", Level.PTE, entry)[1] == 1 << 32
    assert not refuted(ask(layout("arm64", "linux-6.1", "64k-52"), Level.PTE, "HW903"))


def test_nothing_is_refuted_but_what_is_known_and_no_known_is_stale() -> None:
    checker = Checker(known=known("arm64"))
    results = [one for release, variant in ALL for one in checker.check(layout("arm64", release, variant), Level)]
    assert [one.key for one in results if one.failed or one.verdict is Verdict.UNKNOWN] == []
    assert list(stale(known("arm64"), results)) == []


def test_types_of_6_1_have_a_swapin_error_in_the_markers_place() -> None:
    old = {kind.state: kind.types for kind in layout("arm64", "linux-6.1").kinds}
    new = {kind.state: kind.types for kind in layout("arm64", "linux-6.12").kinds}
    assert "marker" not in old
    assert old.pop("swapin-error") == new.pop("marker") == range(31, 32)
    assert old == new
