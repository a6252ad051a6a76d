"""The loongarch64 layouts: what the handlers make of an entry, and what is refuted has no other cause than the one it is filed under."""

from __future__ import annotations

from dataclasses import replace

import pytest

from archs.discover import known, layout, variants
from archs.loongarch64.hardware import MODIFIED, NR, NX, VARIANTS, D, H, P, V, W
from archs.loongarch64.pgtable import CACHE_BASE, INVALID_PTE_TABLE
from bitspec.expr import Expr, and_, any_of, clear, ite, ne, or_, var
from bitspec.hardware import Access, Update
from bitspec.layout import Kernel, Layout
from bitspec.read.as_int import evaluate
from bitspec.vocabulary import Level
from proofs.check import Checker, Result, Verdict
from proofs.report import stale
from proofs.states import migration_keeps_age, offset_bits, probed_offset

RELEASES = ("linux-6.1", "linux-6.12")
ALL = [(release, variant) for release in RELEASES for variant in variants("loongarch64")]
HUGE = [(release, variant) for release, variant in ALL if VARIANTS[variant].levels > 2]
MIGRATIONS = ("migration-read", "migration-read-exclusive", "migration-write")
USER = 3 << 2 | 1 << 4
"""PLV 3, coherent cached."""
YOUNG = USER | P | V


def ask(subject: Layout, level: Level, *codes: str) -> dict[tuple[str, str], Result]:
    return {(one.code, one.subject): one for one in Checker().check(subject, [level], frozenset(codes))}


def refuted(results: dict[tuple[str, str], Result]) -> set[tuple[str, str]]:
    return {key for key, one in results.items() if one.verdict is Verdict.REFUTED}


def call(subject: Layout, name: str, *values: int) -> int:
    one = subject.helper(name)
    return evaluate(one.body, dict(zip(one.params, values, strict=True)))


def walk(entry: int, access: Access = Access.LOAD, level: Level = Level.PTE, variant: str = "16k") -> tuple[str, int]:
    """The outcome, and the address or frame it leads to."""
    value = var("entry", 64)
    made = layout("loongarch64", variant=variant).hardware.level(level).walk(value, access, {})
    outcome = next(name for name in ("invalid", "refused", "reserved", "table", "leaf") if evaluate(getattr(made, name), {value: entry}))
    return outcome, evaluate(made.address if outcome == "table" else made.frame, {value: entry})


def updated(entry: int, name: str, level: Level = Level.PTE) -> int:
    """The entry after one of the handlers."""
    value = var("entry", 64)
    update = next(one for one in layout("loongarch64").hardware.level(level).updates if one.name == name)
    return evaluate(update.apply(value), {value: entry})


# The walk: the handlers and the MMU


def test_neither_v_nor_p_is_a_fault_whatever_the_access() -> None:
    for access in Access:
        assert walk(USER | W | D, access)[0] == "invalid"


def test_without_v_the_handlers_ask_for_p_and_for_w() -> None:
    assert [walk(USER | P, access)[0] for access in Access] == ["leaf", "refused", "leaf"]
    assert [walk(USER | P | W, access)[0] for access in Access] == ["leaf", "leaf", "leaf"]


def test_with_v_nobody_asks_for_p() -> None:
    """So that whoever makes an entry invalid has to clear V, as pmd_mkinvalid() does, and PAGE_NONE."""
    assert [walk(USER | V, access)[0] for access in Access] == ["leaf", "refused", "leaf"]
    assert walk(USER | V | D, Access.STORE)[0] == "leaf"
    assert walk(USER | V | W, Access.STORE)[0] == "leaf"


def test_rights() -> None:
    assert [walk(YOUNG | NR, access)[0] for access in Access] == ["refused", "refused", "leaf"]
    assert [walk(YOUNG | NX, access)[0] for access in Access] == ["leaf", "refused", "refused"]
    for level in range(3):
        assert walk(YOUNG & ~(3 << 2) | level << 2)[0] == "refused"
    assert walk(YOUNG | 3 << 4)[0] == "reserved"


def test_what_the_handlers_write_back() -> None:
    assert updated(USER | P, "V") == USER | P | V
    assert updated(USER, "V") == USER
    assert updated(USER | P | W, "D") == USER | P | W | V | D | MODIFIED
    assert updated(USER | V | W, "D") == USER | V | W | D | MODIFIED
    assert updated(USER | P, "D") == USER | P
    assert updated(YOUNG | W | D, "D") == YOUNG | W | D  # no exception, and so no handler
    assert updated(P, "V", Level.PMD) == P
    assert updated(P | H, "V", Level.PMD) == P | H | V


@pytest.mark.parametrize("variant", ["16k", "4k"])
def test_a_directory_entry_is_an_address_unless_it_is_huge(variant: str) -> None:
    table = CACHE_BASE | 0x12340000
    assert walk(table, level=Level.PMD, variant=variant) == ("table", 0x12340000)
    assert walk(0x5A << 40 | YOUNG, level=Level.PMD, variant=variant)[0] == "table"
    assert walk(H, level=Level.PMD, variant=variant)[0] == "invalid"
    frame = 1 << VARIANTS[variant].order
    entry = frame << VARIANTS[variant].shift | H | YOUNG
    assert walk(entry, level=Level.PMD, variant=variant) == ("leaf", frame)


def test_the_halves_of_a_huge_page_begin_where_the_manual_says() -> None:
    """PA[PALEN-1:24] with pages of 16 KiB: an entry that is aligned to half a huge page only maps the wrong half, and G is not part of it."""
    view = layout("loongarch64").hardware.level(Level.PMD).views["leaf"]
    assert view["PA"].spans == ((47, 24),)
    assert walk(1 << 24 | H | YOUNG, level=Level.PMD) == ("leaf", 1 << 10)
    assert walk(1 << 25 | 1 << 12 | H | YOUNG, level=Level.PMD) == ("leaf", 1 << 11)


def test_global_moves_when_a_page_is_made_huge() -> None:
    for release in RELEASES:
        here = layout("loongarch64", release)
        assert call(here, "pmd_mkhuge", YOUNG | 1 << 6) == YOUNG | H | 1 << 12
        assert call(here, "pmd_mkhuge", YOUNG) == YOUNG | H


# The hardware page table walker, which this manual does not describe: it sets D, and no bit of the kernel's


def test_a_walker_that_sets_d_alone_needs_the_newer_pte_dirty() -> None:
    update = Update("D", lambda entry: and_(any_of(entry, P), any_of(entry, W)), lambda entry: entry | V | D, "commit 01158487af60", Access.STORE)

    def walked(release: str) -> Layout:
        here = layout("loongarch64", release)
        level = here.hardware.level(Level.PTE)
        levels = {**here.hardware.levels, Level.PTE: replace(level, updates=(update, level.updates[1]))}
        return replace(here, hardware=replace(here.hardware, levels=levels), derived={}, _built={})

    assert not refuted(ask(walked("linux-6.12"), Level.PTE, "HW911"))
    assert refuted(ask(walked("linux-6.1"), Level.PTE, "HW911"))  # which does not turn the walker on


# A young migration entry looks present with 4K pages


@pytest.mark.parametrize("release", RELEASES)
def test_young_is_the_present_invalid_bit_with_4k_pages_only(release: str) -> None:
    for variant, at in (("4k", 60), ("16k", 58)):
        here = layout("loongarch64", release, variant)
        assert here.at(Level.PTE).shift("SWP_OFFSET") + here.pfn_bits == at
        found = refuted(ask(here, Level.PMD, "SWP405", "SWP412"))
        for name in MIGRATIONS:
            assert (("SWP405", name) in found) == (("SWP412", name) in found) == (variant == "4k")
    here = layout("loongarch64", release, "4k")
    assert here.at(Level.PMD)["_PAGE_PRESENT_INVALID"] == 1 << 60
    assert call(here, "pmd_present", 1 << 60 | 0x18 << 16 | H)


@pytest.mark.parametrize(("release", "variant"), ALL)
def test_age_is_kept_with_sparsemem_alone(release: str, variant: str) -> None:
    """Without it SWP_PFN_BITS is what a phys_addr_t has, up to SWP_TYPE_SHIFT."""
    here = layout("loongarch64", release, variant)
    assert offset_bits(here) == 40
    assert migration_keeps_age(here)
    flat = min(64 - here.numbers["PAGE_SHIFT"], 58)
    assert not probed_offset(here) + 1 >= 1 << flat + 2


@pytest.mark.parametrize(("release", "variant"), HUGE)
def test_a_present_that_asks_for_a_users_page_would_hold(release: str, variant: str) -> None:
    """A swap entry has PLV 0, and a huge page of a process PLV 3."""

    def present(k: Kernel, pmd: Expr) -> Expr:
        invalid = and_(any_of(pmd, k["_PAGE_PRESENT_INVALID"]), any_of(pmd, k["_PAGE_PLV"]))
        huge = or_(any_of(pmd, k["_PAGE_PRESENT", "_PAGE_PROTNONE"]), invalid)
        return ite(any_of(pmd, k["_PAGE_HUGE"]), huge, ne(pmd, k.number("invalid_pte_table")))

    proposal = layout("loongarch64", release, variant).but(pmd_present=present)
    left = refuted(ask(proposal, Level.PMD, "SWP405", "SWP412", "PMD240", "PMD241", "PMD242", "PMD243"))
    assert left == ({("SWP405", "marker")} if release == "linux-6.12" else set())


# A marker in the slot of a PMD is an address


@pytest.mark.parametrize("variant", ["16k", "4k"])
def test_lddir_follows_a_marker_that_is_not_huge(variant: str) -> None:
    here = layout("loongarch64", variant=variant)
    entry = call(here, "__swp_entry_to_pte", call(here, "__swp_entry", 31, 2))
    assert walk(entry, level=Level.PMD, variant=variant) == ("table", entry)
    assert walk(entry | H, level=Level.PMD, variant=variant)[0] == "invalid"
    assert [call(here, f"pmd_{name}", entry) for name in ("present", "leaf", "bad")] == [1, 0, 0]
    assert [call(here, f"pmd_{name}", entry | H) for name in ("present", "leaf", "bad")] == [0, 1, 1]


@pytest.mark.parametrize(("release", "variant"), HUGE)
def test_every_other_non_present_pmd_is_huge_to_the_hardware(release: str, variant: str) -> None:
    results = ask(layout("loongarch64", release, variant), Level.PMD, "SWP409")
    assert {subject for _, subject in refuted(results)} == ({"marker"} if release == "linux-6.12" else set())


# An empty PMD is an address, too


@pytest.mark.parametrize("place", [0x9000_0000_0030_0000, 0x9000_0000_0F00_0000, 0x9000_7FFF_0000_0000])
def test_the_verdicts_don_t_depend_on_where_invalid_pte_table_lies(place: int) -> None:
    here = layout("loongarch64")
    moved = replace(here, numbers={**here.numbers, "invalid_pte_table": place}, static_tables=(place & (1 << 48) - 1,), derived={}, _built={})
    verdicts = [{(one.code, one.subject): one.verdict for one in Checker().check(each, [Level.PMD])} for each in (here, moved)]
    assert verdicts[0] == verdicts[1]


def test_an_empty_pmd_is_walked_and_only_its_address_is_mistaken() -> None:
    codes = ("HW901", "LAY803", "PMD234", "PMD235")
    assert refuted(ask(layout("loongarch64"), Level.PMD, *codes)) == {("HW901", "none")}
    results = ask(replace(layout("loongarch64"), static_tables=(), derived={}, _built={}), Level.PMD, *codes)  # were it a table one could allocate
    assert refuted(results) == {("HW901", "none"), ("LAY803", "none/table"), ("PMD234", "table"), ("PMD235", "table")}
    for key in refuted(results):
        found = results[key].witness
        assert found is not None
        assert found.entry == INVALID_PTE_TABLE
    assert walk(0, level=Level.PTE)[0] == "invalid"  # what the walk finds there


# What pmd_access_permitted() does not ask for, and what modify and mkinvalid drop


@pytest.mark.parametrize(("release", "variant"), HUGE)
def test_an_access_permitted_that_asks_for_p_would_hold(release: str, variant: str) -> None:
    shipped = layout("loongarch64", release, variant)
    proposal = shipped.but(
        pmd_access_permitted_read=lambda k, pmd: any_of(pmd, k["_PAGE_PRESENT"]),
        pmd_access_permitted_write=lambda k, pmd: and_(any_of(pmd, k["_PAGE_PRESENT"]), any_of(pmd, k["_PAGE_WRITE"])),
    )
    codes = ("PMD252", "HW912", "HW914")
    assert {code for code, _ in refuted(ask(shipped, Level.PMD, *codes))} == {"PMD252"}
    assert not refuted(ask(proposal, Level.PMD, *codes))


def test_only_young_is_forgotten() -> None:
    here = layout("loongarch64")
    found = refuted(ask(here, Level.PMD, "PMD223", "PMD254")) | refuted(ask(here, Level.PTE, "PTE123"))
    assert {subject.split("(")[0].split("/")[1] for _, subject in found} == {"young"}


def test_dirty_survives_what_takes_the_right_to_write() -> None:
    for release in RELEASES:
        here = layout("loongarch64", release)
        entry = YOUNG | W | D
        assert call(here, "pte_wrprotect", entry) == YOUNG | MODIFIED
        assert call(here, "pte_mkwrite", YOUNG | MODIFIED) == entry | MODIFIED
        assert call(here, "pte_mkdirty", YOUNG) == YOUNG | MODIFIED
        assert walk(call(here, "pte_mkdirty", YOUNG), Access.STORE)[0] == "refused"


def test_a_prot_none_leaf_is_refused_even_when_it_is_made_young() -> None:
    for release, variant in ALL:
        here = layout("loongarch64", release, variant)
        none = next(row.value for row in here.at(Level.PTE).protections if not row.access)
        assert walk(none)[0] == "invalid"
        assert [walk(call(here, "pte_mkyoung", none), access)[0] for access in Access] == ["refused"] * 3
        assert not refuted(ask(here, Level.PTE, "HW909"))


def test_d_before_it_is_a_writable_page_would_let_stores_through() -> None:
    """pte_mkdirty() sets D only with W: with V and D nobody asks for W."""
    careless = layout("loongarch64").but(pte_mkdirty=lambda k, pte: pte | k["_PAGE_MODIFIED", "_PAGE_DIRTY"])
    assert ("HW905", "leaf") in refuted(ask(careless, Level.PTE, "HW905"))
    assert not refuted(ask(layout("loongarch64"), Level.PTE, "HW905"))


# Swap entries


def test_the_exclusive_mark_cost_one_bit_of_the_type() -> None:
    widths = [layout("loongarch64", release).at(Level.PTE).field("SWP_TYPE").width for release in RELEASES]
    assert widths == [8, 7]


@pytest.mark.parametrize("by", [-1, 1])
def test_an_exclusive_mark_beside_its_place_is_found(by: int) -> None:
    shipped = layout("loongarch64")
    mutant = shipped.but(shipped.at(Level.PTE).field("_PAGE_SWP_EXCLUSIVE").moved(by))
    assert ("LAY801", "swap") in refuted(ask(mutant, Level.PTE, "LAY801"))
    if by > 0:  # the types in use leave the upper bits of the field clear
        assert ("SWP406", "swap") in refuted(ask(mutant, Level.PTE, "SWP406"))


def test_loongarch_has_no_types_for_what_its_kconfig_does_not_offer() -> None:
    kinds = {release: [kind.state for kind in layout("loongarch64", release).kinds] for release in RELEASES}
    devices = ["device-private-write", "device-private-read", "device-exclusive-write", "device-exclusive-read"]
    assert kinds["linux-6.1"] == ["swap", *MIGRATIONS, "swapin-error"]
    assert kinds["linux-6.12"] == ["swap", *MIGRATIONS, *devices, "marker"]


def test_a_modify_that_keeps_v_would_hold() -> None:
    def careful(k: Kernel, entry: Expr, prot: Expr) -> Expr:
        young = entry & k["_PAGE_ACCESSED"]
        return clear(shipped.helper("pte_modify")(entry, prot), k["_PAGE_ACCESSED"]) | young

    shipped = layout("loongarch64")
    assert refuted(ask(shipped, Level.PTE, "PTE123"))
    assert not refuted(ask(shipped.but(pte_modify=careful), Level.PTE, "PTE123", "HW909"))


def test_nothing_is_refuted_but_what_is_known_and_no_known_is_stale() -> None:
    checker = Checker(known=known("loongarch64"))
    results = [one for release, variant in ALL for one in checker.check(layout("loongarch64", release, variant), Level)]
    assert [one.key for one in results if one.failed or one.verdict is Verdict.UNKNOWN] == []
    assert list(stale(known("loongarch64"), results)) == []
