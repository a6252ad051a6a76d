"""The mips64 layouts: what the handlers make of an entry, the exclusive bit before and after, and what is refuted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from archs.discover import known, layout, variants
from archs.mips64.hardware import ACCESSED, DIRTY, HUGE, MODIFIED, PRESENT, VALID, VARIANTS, WRITE, entrylo, physical
from archs.mips64.pgtable import CAC_BASE, INVALID_PTE_TABLE
from bitspec.expr import Expr, and_, any_of, clear, none_of, or_, var
from bitspec.hardware import Access
from bitspec.layout import Kernel, Layout
from bitspec.read.as_int import evaluate
from bitspec.vocabulary import Level
from proofs.check import Checker, Result, Verdict
from proofs.report import stale
from proofs.states import migration_keeps_age, offset_bits

RELEASES = ("linux-6.1", "linux-6.12")
ALL = [(release, variant) for release in RELEASES for variant in variants("mips64")]
HUGE_PAGES = [(release, variant) for release, variant in ALL if VARIANTS[variant].levels > 2]
BOTH = pytest.mark.parametrize(("release", "variant"), ALL)
THREE_LEVELS = pytest.mark.parametrize(("release", "variant"), HUGE_PAGES)
NX, NR = 1 << 6, 1 << 7


def ask(subject: Layout, level: Level, *codes: str) -> dict[tuple[str, str], Result]:
    return {(one.code, one.subject): one for one in Checker().check(subject, [level], frozenset(codes))}


def refuted(results: dict[tuple[str, str], Result]) -> set[tuple[str, str]]:
    return {key for key, one in results.items() if one.verdict is Verdict.REFUTED}


def call(subject: Layout, name: str, *values: int) -> int:
    one = subject.helper(name)
    return evaluate(one.body, dict(zip(one.params, values, strict=True)))


def walk(entry: int, access: Access = Access.LOAD, level: Level = Level.PTE, variant: str = "4k") -> tuple[str, int]:
    """The outcome, and the address or frame it leads to."""
    value = var("entry", 64)
    made = layout("mips64", variant=variant).hardware.level(level).walk(value, access, {})
    outcome = next(name for name in ("invalid", "refused", "reserved", "table", "leaf") if evaluate(getattr(made, name), {value: entry}))
    return outcome, evaluate(made.address if outcome == "table" else made.frame, {value: entry})


def outcomes(entry: int, level: Level = Level.PTE) -> list[str]:
    """For a load, a store and a fetch."""
    return [walk(entry, access, level)[0] for access in (Access.LOAD, Access.STORE, Access.FETCH)]


def updated(entry: int, access: Access, level: Level = Level.PTE) -> int:
    """The entry after the handlers."""
    value = var("entry", 64)
    for update in layout("mips64").hardware.level(level).updates:
        if update.access is access:
            entry = evaluate(update.apply(value), {value: entry})
    return entry


def prot(subject: Layout, name: str) -> int:
    return next(row.value for row in subject.at(Level.PTE).protections if row.name == name)


# What the refill writes


def test_the_refill_rotates_ri_and_xi_to_the_top_and_the_pfn_down() -> None:
    value = var("entry", 64)

    def register(entry: int) -> int:
        return evaluate(entrylo(value), {value: entry})

    assert register(NR) == 1 << 63  # RI
    assert register(NX) == 1 << 62  # XI
    assert register(1 << 8) == 1 << 0  # G
    assert register(VALID) == 1 << 1
    assert register(DIRTY) == 1 << 2
    assert register(7 << 11) == 7 << 3  # C
    assert register(0x12345 << 14) == 0x12345 << 6  # PFN
    assert register(0x3F) == 0x3F << 56  # software's bits: above a PFN of 37 bits
    assert {VALID, DIRTY} == {1 << 9, 1 << 10}


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_tlb_does_not_look_at_pfn_bits_below_the_page_size(variant: str) -> None:
    shift = VARIANTS[variant].shift
    assert call(layout("mips64", variant=variant), "pfn_pte", 5, VALID) == 5 << shift + 2 | VALID
    assert walk(5 << shift + 2 | VALID, variant=variant) == ("leaf", 5)
    assert walk(5 << shift + 2 | (1 << shift + 2) - (1 << 14) | VALID, variant=variant) == ("leaf", 5)


def test_a_frame_above_the_physical_address_is_lost_in_the_fill_bits() -> None:
    assert walk(1 << 50 | VALID) == ("leaf", 1 << 36)
    assert walk(1 << 51 | VALID) == ("leaf", 0)


@pytest.mark.parametrize("variant", ["4k", "16k"])
def test_a_huge_page_is_two_halves(variant: str) -> None:
    """An entry that is aligned to half a huge page only maps the wrong half."""
    paging = VARIANTS[variant]
    half = 1 << paging.order - 1
    entry = half << paging.shift + 2 | HUGE | VALID
    assert walk(entry, level=Level.PMD, variant=variant) == ("leaf", half)
    assert walk(entry | 1 << paging.shift + 2, level=Level.PMD, variant=variant) == ("leaf", half)


# The walk: the handlers and the TLB


def test_without_v_the_handlers_ask_for_present_and_for_write() -> None:
    assert outcomes(WRITE | DIRTY | ACCESSED) == ["invalid"] * 3
    assert outcomes(PRESENT) == ["leaf", "refused", "leaf"]
    assert outcomes(PRESENT | WRITE) == ["leaf", "leaf", "leaf"]


def test_with_v_nobody_asks_for_present() -> None:
    """So that whoever makes an entry invalid has to clear V, as pmd_mkinvalid() does."""
    assert outcomes(VALID) == ["leaf", "refused", "leaf"]
    assert outcomes(VALID | DIRTY) == ["leaf", "leaf", "leaf"]
    assert outcomes(VALID | WRITE) == ["leaf", "leaf", "leaf"]  # handle_tlbm


def test_ri_and_xi() -> None:
    assert outcomes(PRESENT | VALID | NR) == ["refused", "refused", "leaf"]
    assert outcomes(PRESENT | VALID | NX) == ["leaf", "refused", "refused"]
    assert outcomes(PRESENT | NR | NX | WRITE) == ["refused", "leaf", "refused"]


def test_what_the_handlers_write_back() -> None:
    assert updated(PRESENT, Access.LOAD) == updated(PRESENT, Access.FETCH) == PRESENT | VALID | ACCESSED
    assert updated(PRESENT | NR, Access.LOAD) == PRESENT | NR | VALID | ACCESSED  # before RI refuses it
    assert updated(PRESENT | WRITE, Access.STORE) == PRESENT | WRITE | VALID | DIRTY | ACCESSED | MODIFIED
    assert updated(VALID | WRITE, Access.STORE) == VALID | WRITE | DIRTY | ACCESSED | MODIFIED
    assert updated(PRESENT, Access.STORE) == PRESENT
    assert updated(VALID | DIRTY | WRITE, Access.STORE) == VALID | DIRTY | WRITE  # no exception, and so no handler
    assert updated(0, Access.LOAD) == 0
    assert updated(PRESENT, Access.LOAD, Level.PMD) == PRESENT
    assert updated(PRESENT | HUGE, Access.LOAD, Level.PMD) == PRESENT | HUGE | VALID | ACCESSED


@pytest.mark.parametrize(
    ("virtual", "at"),
    [
        (CAC_BASE | 0x1234_5000, 0x1234_5000),
        (0x9800_0000_1234_5000, 0x1234_5000),
        (0xFFFF_FFFF_8123_4000, 0x123_4000),
        (0xFFFF_FFFF_A123_4000, 0x123_4000),
        (0xFFFF_FFFF_C123_4000, 0xFFFF_FFFF_C123_4000),
        (0x21F_0000, 0x21F_0000),
    ],
)
def test_a_directory_entry_is_a_virtual_address(virtual: int, at: int) -> None:
    value = var("address", 64)
    assert evaluate(physical(value), {value: virtual}) == at
    assert walk(virtual, level=Level.PMD) == ("table", at)


# The exclusive bit of v6.3


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_exclusive_bit_of_v6_3_cost_a_bit_of_the_type_only(variant: str) -> None:
    before, after = (layout("mips64", release, variant) for release in RELEASES)
    assert [one.at(Level.PTE).field("SWP_TYPE").width for one in (before, after)] == [8, 7]
    assert (offset_bits(before), offset_bits(after)) == (40, 40)
    assert ask(before, Level.PTE, "SWP403")["SWP403", "swap+exclusive"].verdict is Verdict.NOT_APPLICABLE
    assert ask(after, Level.PTE, "SWP403")["SWP403", "swap+exclusive"].verdict is Verdict.PROVED
    assert call(after, "pte_swp_mkexclusive", call(after, "__swp_entry", 31, 3)) == 3 << 24 | 1 << 23 | 31 << 16


def test_the_type_of_linux_6_1_would_have_reached_the_mark() -> None:
    """It was not masked: a type of 128 is the mark."""
    before, after = (layout("mips64", release) for release in RELEASES)
    assert call(before, "__swp_entry", 128, 0) == 1 << 23
    assert call(after, "__swp_entry", 128, 0) == 0


@pytest.mark.parametrize("by", [-1, 1])
def test_an_exclusive_mark_beside_its_place_is_found(by: int) -> None:
    shipped = layout("mips64")
    mutant = shipped.but(shipped.at(Level.PTE).field("_PAGE_SWP_EXCLUSIVE").moved(by))
    assert ("LAY801", "swap") in refuted(ask(mutant, Level.PTE, "LAY801"))
    if by > 0:  # the types in use leave the upper bits of the field clear
        assert ("SWP406", "swap") in refuted(ask(mutant, Level.PTE, "SWP406"))


@BOTH
def test_every_type_and_offset_survives(release: str, variant: str) -> None:
    here = layout("mips64", release, variant)
    results = ask(here, Level.PTE, "SWP401", "SWP402", "SWP405", "SWP406", "SWP407", "SWP409", "MIG501", "MIG502")
    assert not refuted(results)
    assert results["SWP401", "swap"].verdict is Verdict.PROVED
    assert results["SWP409", "swap"].verdict is Verdict.PROVED
    assert migration_keeps_age(here)


def test_an_offset_from_the_valid_bit_would_be_mapped() -> None:
    shipped = layout("mips64")
    mutant = shipped.but(
        __swp_entry=lambda k, kind, offset: kind << 1 & 0xFE | offset << 9,
        __swp_type=lambda k, swp: swp >> 1 & 0x7F,
        __swp_offset=lambda k, swp: swp >> 9,
    )
    assert ("SWP409", "swap") in refuted(ask(mutant, Level.PTE, "SWP409"))


# pte_modify()


@pytest.mark.parametrize("variant", VARIANTS)
def test_linux_6_1_forgets_that_a_page_is_special(variant: str) -> None:
    before, after = (layout("mips64", release, variant) for release in RELEASES)
    zero = call(before, "pte_mkspecial", call(before, "pfn_pte", 5, prot(before, "VM_READ")))
    nothing = prot(before, "VM_NONE")
    assert not call(before, "pte_special", call(before, "pte_modify", zero, nothing))
    assert call(after, "pte_special", call(after, "pte_modify", zero, nothing))
    assert {subject for _, subject in refuted(ask(before, Level.PTE, "PTE123"))} == {"pte_modify/special", "pte_modify/special(leaf-protnone)"}
    assert not refuted(ask(after, Level.PTE, "PTE123"))


@BOTH
def test_a_change_of_protection_keeps_age_and_tells_the_tlb(release: str, variant: str) -> None:
    here = layout("mips64", release, variant)
    young = call(here, "pte_mkyoung", call(here, "pfn_pte", 5, prot(here, "VM_READ")))
    none = call(here, "pte_modify", young, prot(here, "VM_NONE"))
    assert call(here, "pte_young", none)
    assert walk(none, variant=variant)[0] == "refused"
    assert not none & VALID
    assert call(here, "pte_modify", none, prot(here, "VM_READ")) == young


# Huge pages


@THREE_LEVELS
def test_an_invalidated_huge_page_is_a_leaf_that_is_not_present(release: str, variant: str) -> None:
    here = layout("mips64", release, variant)
    page = call(here, "pmd_mkhuge", call(here, "pfn_pmd", 1 << VARIANTS[variant].order, prot(here, "VM_SHARED|VM_WRITE|VM_READ")))
    gone = call(here, "pmd_mkinvalid", call(here, "pmd_mkdirty", call(here, "pmd_mkyoung", page)))
    assert [call(here, f"pmd_{name}", gone) for name in ("present", "leaf", "trans_huge", "none", "bad")] == [0, 1, 1, 0, 0]
    assert walk(gone, Access.STORE, Level.PMD, variant)[0] == "invalid"
    assert {("PMD241", "leaf-invalidated"), ("PMD255", "leaf-invalidated")} <= refuted(ask(here, Level.PMD, "PMD241", "PMD255"))


@THREE_LEVELS
def test_a_mark_of_its_own_for_an_invalidated_page_would_hold(release: str, variant: str) -> None:
    """As loongarch64 has; here on bit 5, which no huge page uses."""

    def present(k: Kernel, pmd: Expr) -> Expr:
        huge = any_of(pmd, k["_PAGE_PRESENT", "_PAGE_SPECIAL"])
        return or_(and_(any_of(pmd, k["_PAGE_HUGE"]), huge), and_(none_of(pmd, k["_PAGE_HUGE"]), shipped.helper("pmd_present")(pmd)))

    def mkinvalid(k: Kernel, pmd: Expr) -> Expr:
        return clear(pmd | k["_PAGE_SPECIAL"], k["_PAGE_PRESENT", "_PAGE_VALID", "_PAGE_DIRTY"])

    shipped = layout("mips64", release, variant)
    results = ask(shipped.but(pmd_present=present, pmd_mkinvalid=mkinvalid), Level.PMD, "PMD241", "PMD255", "HW910")
    assert not refuted(results)
    assert results["PMD241", "leaf-invalidated"].verdict is Verdict.PROVED


def test_a_mkinvalid_that_leaves_v_would_not_stop_the_tlb() -> None:
    careless = layout("mips64").but(pmd_mkinvalid=lambda k, pmd: clear(pmd, k["_PAGE_PRESENT"]))
    assert ("HW910", "leaf-invalidated") in refuted(ask(careless, Level.PMD, "HW910"))
    assert not refuted(ask(layout("mips64"), Level.PMD, "HW910"))


@pytest.mark.parametrize("variant", ["4k", "16k"])
def test_the_handlers_follow_a_marker_that_is_not_huge(variant: str) -> None:
    here = layout("mips64", variant=variant)
    entry = call(here, "__swp_entry_to_pte", call(here, "__swp_entry", 31, 2))
    assert entry == 0x21F_0000
    assert walk(entry, level=Level.PMD, variant=variant) == ("table", entry)
    assert walk(entry | HUGE, level=Level.PMD, variant=variant)[0] == "invalid"
    assert [call(here, f"pmd_{name}", entry) for name in ("present", "leaf", "bad")] == [1, 0, 0]
    assert [call(here, f"pmd_{name}", entry | HUGE) for name in ("present", "leaf", "bad")] == [0, 1, 0]


# An empty PMD is an address, too


@pytest.mark.parametrize("place", [0xFFFF_FFFF_8110_0000, 0xFFFF_FFFF_9F00_0000, CAC_BASE | 0x7FFF_0000])
def test_the_verdicts_dont_depend_on_where_invalid_pte_table_lies(place: int) -> None:
    here = layout("mips64")
    value = var("address", 64)
    at = evaluate(physical(value), {value: place})
    moved = replace(here, numbers={**here.numbers, "invalid_pte_table": place}, static_tables=(at,), derived={}, _built={})
    verdicts = [{(one.code, one.subject): one.verdict for one in Checker().check(each, [Level.PMD])} for each in (here, moved)]
    assert verdicts[0] == verdicts[1]


def test_an_empty_pmd_is_walked() -> None:
    found = ask(layout("mips64"), Level.PMD, "HW901", "HW907")
    assert refuted(found) == {("HW901", "none")}
    witness = found["HW901", "none"].witness
    assert witness is not None
    assert witness.entry == INVALID_PTE_TABLE
    assert walk(0)[0] == "invalid"  # what the walk finds there


# Protections


@BOTH
def test_a_prot_none_leaf_is_refused_even_when_it_is_made_young(release: str, variant: str) -> None:
    here = layout("mips64", release, variant)
    none = prot(here, "VM_NONE")
    assert outcomes(none) == outcomes(call(here, "pte_mkyoung", none)) == ["refused"] * 3
    assert not refuted(ask(here, Level.PTE, "HW909"))


@BOTH
def test_write_only_memory_can_be_written_and_not_read(release: str, variant: str) -> None:
    here = layout("mips64", release, variant)
    shared, private = prot(here, "VM_SHARED|VM_WRITE"), prot(here, "VM_WRITE")
    assert outcomes(shared) == ["refused", "leaf", "refused"]
    assert outcomes(private) == ["refused"] * 3
    assert outcomes(call(here, "pte_mkwrite", private)) == ["refused", "leaf", "refused"]
    assert call(here, "pte_access_permitted_read", shared)
    assert {("HW902", "leaf"), ("HW912", "leaf"), ("HW914", "leaf")} <= refuted(ask(here, Level.PTE, "HW902", "HW912", "HW914"))


@BOTH
def test_an_access_permitted_that_asks_for_no_read_would_hold(release: str, variant: str) -> None:
    def read(k: Kernel, pte: Expr) -> Expr:
        return and_(any_of(pte, k["_PAGE_PRESENT"]), none_of(pte, k["_PAGE_NO_READ"]))

    proposal = layout("mips64", release, variant).but(pte_access_permitted_read=read)
    assert not refuted(ask(proposal, Level.PTE, "HW912", "HW914"))


def test_d_before_it_is_a_writable_page_would_let_stores_through() -> None:
    """pte_mkdirty() sets D only with write: with V and D nobody asks for it."""
    careless = layout("mips64").but(pte_mkdirty=lambda k, pte: pte | k["_PAGE_MODIFIED", "_PAGE_DIRTY"])
    assert ("HW905", "leaf") in refuted(ask(careless, Level.PTE, "HW905"))
    assert not refuted(ask(layout("mips64"), Level.PTE, "HW905"))


def test_handlers_that_note_nothing_would_hide_the_store() -> None:
    """The TLB has no accessed and no modified bit: that a store is seen is the handlers' doing."""
    here = layout("mips64")
    level = replace(here.hardware.level(Level.PTE), updates=())
    silent = replace(here, hardware=replace(here.hardware, levels={**here.hardware.levels, Level.PTE: level}), derived={}, _built={})
    assert ("HW911", "leaf") in refuted(ask(silent, Level.PTE, "HW911"))
    assert not refuted(ask(here, Level.PTE, "HW911"))


@BOTH
def test_mips_has_no_types_for_what_its_kconfig_does_not_offer(release: str, variant: str) -> None:
    kinds = [kind.state for kind in layout("mips64", release, variant).kinds]
    migrations = ["migration-read", "migration-read-exclusive", "migration-write"]
    assert kinds == ["swap", *migrations, "swapin-error" if release == "linux-6.1" else "marker"]


def test_nothing_is_refuted_but_what_is_known_and_no_known_is_stale() -> None:
    checker = Checker(known=known("mips64"))
    results = [one for release, variant in ALL for one in checker.check(layout("mips64", release, variant), Level)]
    assert [one.key for one in results if one.failed or one.verdict is Verdict.UNKNOWN] == []
    assert list(stale(known("mips64"), results)) == []
