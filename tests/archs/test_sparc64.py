"""sparc64: the exclusive bit in its before and after forms, the refill that asks V, and what is refuted has no other cause than the one it is filed under."""

from __future__ import annotations

from dataclasses import replace

import pytest

from archs.discover import known, layout, variants
from archs.sparc64.hardware import HUGE, V
from bitspec.expr import Expr, any_of, ite, var
from bitspec.fields import Field, Owner
from bitspec.hardware import Access
from bitspec.layout import Kernel, Layout, Provenance
from bitspec.read.as_int import evaluate
from bitspec.vocabulary import Level
from proofs.check import Checker, Result, Verdict
from proofs.report import stale
from proofs.states import migration_keeps_age, offset_bits

RELEASES = ("linux-6.1", "linux-6.12")
VARIANTS = variants("sparc64")
ALL = pytest.mark.parametrize(("release", "variant"), [(release, variant) for release in RELEASES for variant in VARIANTS])
EACH = pytest.mark.parametrize("variant", VARIANTS)
MIGRATIONS = ("migration-read", "migration-read-exclusive", "migration-write")
FLAGS = ("SWP403", "SWP404", "SWP416", "SWP417")


def ask(subject: Layout, level: Level, *codes: str) -> dict[tuple[str, str], Result]:
    return {(one.code, one.subject): one for one in Checker().check(subject, [level], frozenset(codes))}


def refuted(results: dict[tuple[str, str], Result]) -> set[tuple[str, str]]:
    return {key for key, one in results.items() if one.verdict is Verdict.REFUTED}


def call(subject: Layout, name: str, *values: int) -> int:
    one = subject.helper(name)
    return evaluate(one.body, dict(zip(one.params, values, strict=True)))


def walk(subject: Layout, entry: int, access: Access = Access.LOAD, level: Level = Level.PTE) -> tuple[str, int]:
    """The outcome, and the address or frame it leads to."""
    value = var("entry", 64)
    made = subject.hardware.level(level).walk(value, access, {})
    outcome = next(name for name in ("invalid", "refused", "reserved", "table", "leaf") if evaluate(getattr(made, name), {value: entry}))
    return outcome, evaluate(made.address if outcome == "table" else made.frame, {value: entry})


def outcomes(subject: Layout, entry: int, level: Level = Level.PTE) -> list[str]:
    return [walk(subject, entry, access, level)[0] for access in Access]


def prot(subject: Layout, name: str) -> int:
    return next(row.value for row in subject.at(Level.PTE).protections if row.name == name)


def page(subject: Layout, name: str, frame: int = 5) -> int:
    return call(subject, "pfn_pte", frame, prot(subject, name))


def huge(subject: Layout, name: str, frame: int = 1 << 10) -> int:
    return call(subject, "pmd_mkhuge", call(subject, "pfn_pmd", frame, prot(subject, name)))


# The swap codec


@EACH
def test_the_exclusive_bit_took_the_top_of_an_over_wide_type(variant: str) -> None:
    before, after = layout("sparc64", "linux-6.1", variant), layout("sparc64", "linux-6.12", variant)
    assert (offset_bits(before), offset_bits(after)) == (43, 43)
    assert [one.at(Level.PTE).field("SWP_TYPE").width for one in (before, after)] == [8, 7]
    assert ask(before, Level.PTE, "SWP403")["SWP403", "swap+exclusive"].verdict is Verdict.NOT_APPLICABLE
    results = ask(after, Level.PTE, *FLAGS)
    assert not refuted(results)
    assert results["SWP403", "swap+exclusive"].verdict is Verdict.PROVED


def test_the_older_encoder_let_a_type_of_eight_bits_through() -> None:
    before, after = (layout("sparc64", release) for release in RELEASES)
    assert call(before, "__swp_entry", 0x1FF, 0) == 0x1FF << 13
    assert call(after, "__swp_entry", 0x1FF, 0) == 0x7F << 13
    assert call(after, "pte_swp_exclusive", call(before, "__swp_entry", 0x80, 1))
    assert not call(after, "pte_swp_exclusive", call(after, "__swp_entry", 0x80, 1))


@pytest.mark.parametrize("by", [-1, 1])
def test_an_exclusive_bit_beside_its_place_is_found(by: int) -> None:
    shipped = layout("sparc64")
    mutant = shipped.but(shipped.at(Level.PTE).field("_PAGE_SWP_EXCLUSIVE").moved(by))
    assert ("LAY801", "swap") in refuted(ask(mutant, Level.PTE, "LAY801"))
    if by > 0:  # the types in use leave the upper bits of the field clear
        assert {("SWP406", "swap"), ("SWP417", "swap+exclusive")} <= refuted(ask(mutant, Level.PTE, "SWP406", "SWP417"))


@ALL
def test_every_type_and_offset_survives(release: str, variant: str) -> None:
    subject = layout("sparc64", release, variant)
    results = ask(subject, Level.PTE, "SWP401", "SWP402", "SWP405", "SWP406", "SWP407", "SWP408", "MIG501", "MIG502", "MIG503")
    assert not refuted(results)
    assert results["SWP401", "swap"].verdict is Verdict.PROVED
    assert migration_keeps_age(subject)
    assert {results["MIG503", name].verdict for name in MIGRATIONS} == {Verdict.PROVED}


# The highest bit of an offset is V


@ALL
def test_an_offset_of_2_42_is_valid_to_the_refill(release: str, variant: str) -> None:
    subject = layout("sparc64", release, variant)
    results = ask(subject, Level.PTE, "SWP405", "SWP409", "LAY802")
    assert refuted(results) == {("SWP409", "swap"), ("LAY802", "swap")}
    found = results["SWP409", "swap"].witness
    assert found is not None
    assert found.entry == call(subject, "__swp_entry", 0, 1 << 42) == 1 << V
    assert walk(subject, 1 << V)[0] == "leaf"
    assert not call(subject, "pte_present", 1 << V)


@ALL
def test_no_swap_area_and_no_frame_reaches_it(release: str, variant: str) -> None:
    """mm/swapfile.c: read_swap_header takes the last page from 32 bits; above a frame number of 40 bits stand young and dirty."""
    subject = layout("sparc64", release, variant)
    assert outcomes(subject, call(subject, "__swp_entry", 31, (1 << 32) - 1)) == ["invalid"] * 3
    assert outcomes(subject, call(subject, "__swp_entry", 30, (1 << subject.pfn_bits + 2) - 1)) == ["invalid"] * 3
    assert {ask(subject, Level.PTE, "SWP409")["SWP409", name].verdict for name in MIGRATIONS} == {Verdict.PROVED}


@EACH
def test_an_offset_that_ends_below_v_would_hold(variant: str) -> None:
    def masked(k: Kernel, swap_type: Expr, offset: Expr) -> Expr:
        return k.field("SWP_TYPE").insert(swap_type, 64) | k.field("SWP_OFFSET").insert(offset, 64)

    proposal = layout("sparc64", variant=variant).but(Field("SWP_OFFSET", ((62, 21),), Owner.SOFTWARE), __swp_entry=masked)
    results = ask(proposal, Level.PTE, "SWP401", "SWP408", "SWP409", "LAY802", "MIG502", "MIG503")
    assert not refuted(results)
    assert results["SWP409", "swap"].verdict is Verdict.PROVED
    assert offset_bits(proposal) == 42  # a frame number, young and dirty
    assert results["MIG503", "migration-write"].verdict is Verdict.PROVED


# The refill


@ALL
def test_rights(release: str, variant: str) -> None:
    subject = layout("sparc64", release, variant)
    assert outcomes(subject, page(subject, "VM_READ")) == ["leaf", "refused", "refused"]
    assert outcomes(subject, page(subject, "VM_EXEC")) == ["leaf", "refused", "leaf"]
    assert outcomes(subject, page(subject, "VM_NONE")) == ["invalid"] * 3
    shared = page(subject, "VM_SHARED|VM_WRITE|VM_READ")
    assert outcomes(subject, shared) == ["leaf", "refused", "refused"]  # clean
    assert outcomes(subject, call(subject, "pte_mkdirty", shared)) == ["leaf", "leaf", "refused"]
    assert outcomes(subject, call(subject, "pte_mkold", shared)) == ["invalid"] * 3
    assert outcomes(subject, page(subject, "VM_EXEC") | subject.at(Level.PTE)["_PAGE_P"]) == ["refused"] * 3
    assert walk(subject, page(subject, "VM_READ", 0x1234)) == ("leaf", 0x1234)


def test_the_formats_have_their_bits_where_the_header_has_them() -> None:
    """arch/sparc/include/asm/pgtable_64.h: PAGE_SHARED as sun4u_pgprot_init() and sun4v_pgprot_init() make it."""
    found = {variant: prot(layout("sparc64", variant=variant), "VM_SHARED|VM_EXEC|VM_WRITE|VM_READ") for variant in VARIANTS}
    assert found == {"sun4v": 0x9C00_0000_0000_0690, "m7": 0x9C00_0000_0000_0490, "sun4u": 0x8000_0000_0000_17B0}


@pytest.mark.parametrize("variant", ["sun4v", "m7"])
def test_the_hypervisor_knows_no_size_with_bit_3(variant: str) -> None:
    subject = layout("sparc64", variant=variant)
    assert outcomes(subject, page(subject, "VM_READ") | 1 << 3) == ["reserved"] * 3
    assert outcomes(subject, 1 << 3) == ["invalid"] * 3


@ALL
@pytest.mark.parametrize("level", [Level.PMD, Level.PUD])
def test_an_upper_entry_is_nothing_or_huge_or_an_address(release: str, variant: str, level: Level) -> None:
    subject = layout("sparc64", release, variant)
    assert outcomes(subject, 0, level) == ["invalid"] * 3
    assert walk(subject, call(subject, f"{level}_populate", 0x1234_6000), level=level) == ("table", 0x1234_6000)
    assert walk(subject, 1 << V | 1, level=level) == ("table", 1 << V | 1)  # V is not asked on the way
    assert outcomes(subject, 1 << HUGE, level) == ["invalid"] * 3


@ALL
def test_a_huge_page_is_loaded_in_pieces_of_4_mb(release: str, variant: str) -> None:
    subject = layout("sparc64", release, variant)
    entry = huge(subject, "VM_READ")
    assert walk(subject, entry, level=Level.PMD) == ("leaf", 1 << 10)
    assert walk(subject, entry | 1 << 22, level=Level.PMD) == ("leaf", 1 << 10)  # replaced by the refill
    assert walk(subject, clear_size(subject, entry), level=Level.PMD)[0] == "reserved"
    assert outcomes(subject, call(subject, "pmd_mkinvalid", entry), Level.PMD) == ["invalid"] * 3


def clear_size(subject: Layout, entry: int) -> int:
    return entry & ~subject.at(Level.PMD)["_PAGE_SZALL"]


@EACH
def test_a_mkhuge_without_the_size_would_be_found(variant: str) -> None:
    shipped = layout("sparc64", variant=variant)
    careless = shipped.but(pmd_mkhuge=lambda k, pmd: pmd | k["_PAGE_PMD_HUGE"])
    assert not refuted(ask(shipped, Level.PMD, "HW902"))
    assert ("HW902", "leaf") in refuted(ask(careless, Level.PMD, "HW902"))


def test_the_pud_has_no_leaves_that_helpers_make() -> None:
    """Only hugetlbfs maps 16 GB."""
    for code in ("PUD340", "HW902"):
        assert ask(layout("sparc64"), Level.PUD, code)[code, "leaf"].verdict is Verdict.NOT_APPLICABLE


# Memory types, and what only the M7 has


def test_bit_9_is_kept_as_a_cache_bit_and_taken_as_mcd() -> None:
    nine = 1 << 9
    kept = {}
    for variant in VARIANTS:
        subject = layout("sparc64", variant=variant)
        bare, with_it = page(subject, "VM_READ") & ~nine, page(subject, "VM_READ") | nine
        new = prot(subject, "VM_READ") & ~nine
        kept[variant] = (
            [bool(call(subject, "pte_modify", old, new) & nine) for old in (bare, with_it)],
            bool(call(subject, "pte_modify", bare, new | nine) & nine),
        )
    assert kept == {"sun4v": ([False, True], False), "m7": ([False, False], True), "sun4u": ([False, False], True)}


@ALL
def test_a_huge_pte_of_hugetlbfs_loses_bit_9_on_every_cpu(release: str, variant: str) -> None:
    """pte_mknotmcd(): CV of sun4v, and the readable bit of sun4u, which nobody asks."""
    subject = layout("sparc64", release, variant)
    before = page(subject, "VM_READ", 1 << 10)
    made = call(subject, "arch_make_huge_pte", before | 1 << 9)
    assert made == call(subject, "pmd_mkhuge", before) & ~(1 << 9)


# Rights that come back


@ALL
@pytest.mark.parametrize("level", [Level.PTE, Level.PMD])
def test_a_prot_none_page_that_is_made_young_can_be_read(release: str, variant: str, level: Level) -> None:
    subject = layout("sparc64", release, variant)
    entry = page(subject, "VM_NONE") if level is Level.PTE else huge(subject, "VM_NONE")
    assert outcomes(subject, entry, level) == ["invalid"] * 3
    young = call(subject, f"{level}_mkyoung", entry)
    assert outcomes(subject, young, level) == ["leaf", "refused", "refused"]
    assert ("HW909", "leaf-protnone") in refuted(ask(subject, level, "HW909"))


@ALL
def test_a_mkyoung_that_asks_for_the_readable_bit_would_hold(release: str, variant: str) -> None:
    """Every protection that permits anything has _PAGE_READ."""

    def careful(k: Kernel, entry: Expr) -> Expr:
        marked = entry | k["_PAGE_ACCESSED"]
        return ite(any_of(entry, k["_PAGE_READ"]), marked | k["_PAGE_VALID"], marked)

    proposal = layout("sparc64", release, variant).but(pte_mkyoung=careful, pmd_mkyoung=careful)
    for level in (Level.PTE, Level.PMD):
        results = ask(proposal, level, "HW909", "HW902", "PTE101", "PMD201")
        assert not refuted(results)
        assert results["HW909", "leaf-protnone"].verdict is results["HW902", "leaf"].verdict is Verdict.PROVED


@ALL
def test_dirty_made_a_page_writable_to_the_hardware_until_6_12(release: str, variant: str) -> None:
    subject = layout("sparc64", release, variant)
    entry = call(subject, "pte_mkdirty", page(subject, "VM_READ"))
    assert call(subject, "pte_dirty", entry)
    assert not call(subject, "pte_write", entry)
    assert walk(subject, entry, Access.STORE)[0] == ("leaf" if release == "linux-6.1" else "refused")
    for level in (Level.PTE, Level.PMD):
        assert refuted(ask(subject, level, "HW905")) == ({("HW905", "leaf")} if release == "linux-6.1" else set())


@EACH
def test_the_newer_setters_repair_the_older_release(variant: str) -> None:
    def mkdirty(k: Kernel, entry: Expr) -> Expr:
        marked = entry | k["_PAGE_MODIFIED"]
        return ite(any_of(entry, k["_PAGE_WRITE"]), marked | k["_PAGE_W"], marked)

    def mkwrite(k: Kernel, entry: Expr) -> Expr:
        marked = entry | k["_PAGE_WRITE"]
        return ite(any_of(entry, k["_PAGE_MODIFIED"]), marked | k["_PAGE_W"], marked)

    repaired = layout("sparc64", "linux-6.1", variant).but(pte_mkdirty=mkdirty, pmd_mkdirty=mkdirty, pte_mkwrite=mkwrite, pmd_mkwrite=mkwrite)
    for level in (Level.PTE, Level.PMD):
        assert ask(repaired, level, "HW905")["HW905", "leaf"].verdict is Verdict.PROVED


@ALL
def test_a_change_of_protection_takes_w_until_the_next_fault(release: str, variant: str) -> None:
    subject = layout("sparc64", release, variant)
    name = "VM_SHARED|VM_WRITE|VM_READ"
    written = call(subject, "pmd_mkdirty", huge(subject, name))
    assert walk(subject, written, Access.STORE, Level.PMD)[0] == "leaf"
    changed = call(subject, "pmd_modify", written, prot(subject, name))
    assert call(subject, "pmd_write", changed)
    assert call(subject, "pmd_dirty", changed)
    assert walk(subject, changed, Access.STORE, Level.PMD)[0] == "refused"
    assert walk(subject, call(subject, "pmd_mkdirty", changed), Access.STORE, Level.PMD)[0] == "leaf"  # mm/huge_memory.c: touch_pmd
    assert refuted(ask(subject, Level.PMD, "HW912")) == {("HW912", "leaf")}


@ALL
def test_an_old_page_is_valid_again_after_a_change_of_protection(release: str, variant: str) -> None:
    """Which no claim asks: what follows is not noted, and the page stays old."""
    subject = layout("sparc64", release, variant)
    old = call(subject, "pte_mkold", page(subject, "VM_READ"))
    changed = call(subject, "pte_modify", old, prot(subject, "VM_READ"))
    assert not call(subject, "pte_young", changed)
    assert walk(subject, changed)[0] == "leaf"


@ALL
def test_no_page_of_a_users_is_permitted_to_gup_fast(release: str, variant: str) -> None:
    """pte_access_permitted() wants _PAGE_P; pmd_access_permitted() wants nothing.  Neither is asked: there is no GUP-fast."""
    subject = layout("sparc64", release, variant)
    entry = call(subject, "pte_mkdirty", call(subject, "pte_mkwrite", page(subject, "VM_SHARED|VM_WRITE|VM_READ")))
    assert not call(subject, "pte_access_permitted_read", entry)
    assert call(subject, "pte_access_permitted_read", entry | subject.at(Level.PTE)["_PAGE_P"])
    assert refuted(ask(subject, Level.PMD, "PMD252")) == {("PMD252", "leaf-invalidated")}


# What stands in the slot of a table


@EACH
@pytest.mark.parametrize("level", [Level.PMD, Level.PUD])
def test_a_marker_in_the_slot_of_a_table_is_walked(variant: str, level: Level) -> None:
    subject = layout("sparc64", variant=variant)
    entry = call(subject, "__swp_entry_to_pte", call(subject, "__swp_entry", 31, 2))
    assert entry == 0x43E000
    assert walk(subject, entry, level=level) == ("table", entry)
    assert [call(subject, f"{level}_{name}", entry) for name in ("present", "leaf", "bad")] == [1, 0, 0]
    assert outcomes(subject, entry | 1 << HUGE, level) == ["invalid"] * 3
    assert {("SWP409", "marker"), ("LAY803", "table/marker")} <= refuted(ask(subject, level, "SWP409", "LAY803"))


@EACH
def test_linux_6_1_has_no_markers(variant: str) -> None:
    assert "marker" not in [kind.state for kind in layout("sparc64", "linux-6.1", variant).kinds]


@ALL
@pytest.mark.parametrize(("level", "codes"), [(Level.PMD, ("PMD234", "PMD235")), (Level.PUD, ("PUD334", "PUD335"))])
def test_only_a_table_at_address_0_is_mistaken(release: str, variant: str, level: Level, codes: tuple[str, str]) -> None:
    subject = layout("sparc64", release, variant)
    keys = {*((code, "table") for code in (*codes, "HW907")), ("LAY803", "none/table")}
    results = ask(subject, level, *codes, "HW907", "LAY803")
    assert keys <= refuted(results)
    for key in keys:
        found = results[key].witness
        assert found is not None
        assert found.entry == 0
        assert found.unique
    elsewhere = ask(replace(subject, static_tables=(0,), derived={}, _built={}), level, *codes, "HW907", "LAY803")
    assert not keys & refuted(elsewhere)


# Frames


FRAMES = ("PTE122", "PTE124", "PTE125", "PMD222", "PMD224", "PMD225", "HTLB705", "HW903", "HW904")


@ALL
def test_frames_above_2_30_do_not_fit_sun4u(release: str, variant: str) -> None:
    subject = layout("sparc64", release, variant)
    found = {code for level in (Level.PTE, Level.PMD) for code, _ in refuted(ask(subject, level, *FRAMES))}
    assert found == (set(FRAMES) if variant == "sun4u" else set())
    frames = {frame: call(subject, "pte_pfn", page(subject, "VM_READ", frame)) for frame in ((1 << 30) - 1, 1 << 30)}
    assert frames == {(1 << 30) - 1: (1 << 30) - 1, 1 << 30: 0 if variant == "sun4u" else 1 << 30}


@pytest.mark.parametrize("release", RELEASES)
def test_with_43_bits_of_memory_every_frame_fits_sun4u(release: str) -> None:
    narrow = replace(layout("sparc64", release, "sun4u"), pfn_bits=30, derived={}, _built={})
    assert not {key for level in (Level.PTE, Level.PMD) for key in refuted(ask(narrow, level, *FRAMES))}


# All of them


@ALL
def test_every_variant_was_held_against_its_headers(release: str, variant: str) -> None:
    assert layout("sparc64", release, variant).provenance == Provenance.CONFORMED


def test_nothing_is_refuted_but_what_is_known_and_no_known_is_stale() -> None:
    checker = Checker(known=known("sparc64"))
    results = [one for release in RELEASES for variant in VARIANTS for one in checker.check(layout("sparc64", release, variant), Level)]
    assert [one.key for one in results if one.failed or one.verdict is Verdict.UNKNOWN] == []
    assert list(stale(known("sparc64"), results)) == []
