"""m68k: the old bug of Sun-3 in its before and after forms, the three MMUs, and what is refuted."""

from __future__ import annotations

import pytest

from archs.discover import known, layout, variants
from bitspec.expr import Expr, var
from bitspec.fields import Field, Owner
from bitspec.hardware import Access
from bitspec.layout import Kernel, Layout, Provenance
from bitspec.read.as_int import evaluate
from bitspec.vocabulary import Level
from proofs.check import Checker, Result, Verdict
from proofs.report import stale
from proofs.states import migration_keeps_age, offset_bits

RELEASES = ("linux-6.1", "linux-6.12")
ALL = [(release, variant) for release in RELEASES for variant in variants("m68k")]
FLAGS = ("SWP403", "SWP404", "SWP416", "SWP417")
PRESENT = ("SWP405", "SWP409", "LAY802", "LAY803")


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


def walk(variant: str, level: Level, entry: int, access: Access = Access.LOAD) -> tuple[str, int]:
    """The outcome, and the address or frame it leads to."""
    value = var("entry", 32)
    made = layout("m68k", variant=variant).hardware.level(level).walk(value, access, {})
    outcome = next(name for name in ("invalid", "refused", "reserved", "table", "leaf") if evaluate(getattr(made, name), {value: entry}))
    return outcome, evaluate(made.address if outcome == "table" else made.frame, {value: entry})


def protection(variant: str, name: str) -> int:
    return next(row.value for row in layout("m68k", variant=variant).at(Level.PTE).protections if row.name == name)


# m68k-sun3-valid (ed4154067a08, v6.3)


def unmasked(k: Kernel, swap_type: Expr, offset: Expr) -> Expr:
    """The older encoder."""
    return swap_type | offset << 7


def before_v6_3() -> Layout:
    """The newer layout with the older encoder, and an offset that takes the bit as its own."""
    return layout("m68k", variant="sun3").but(Field("SWP_OFFSET", ((31, 7),), Owner.SOFTWARE), __swp_entry=unmasked)


@pytest.mark.parametrize("subject", [layout("m68k", "linux-6.1", "sun3"), before_v6_3()], ids=["linux-6.1", "linux-6.12 with the old encoder"])
def test_before_v6_3_an_offset_of_2_24_sets_the_valid_bit(subject: Layout) -> None:
    results = ask(subject, Level.PTE, *PRESENT)
    assert {(code, "swap") for code in ("SWP405", "SWP409", "LAY802")} <= refuted(results)
    assert ("LAY803", "leaf/swap") in refuted(results)
    assert witness(results["SWP405", "swap"]) == call(subject, "__swp_entry", 0, 1 << 24) == 1 << 31
    assert call(subject, "pte_present", 1 << 31)
    assert walk("sun3", Level.PTE, 1 << 31)[0] == "leaf"
    assert offset_bits(subject) == 25


def test_since_v6_3_the_offset_stops_below_it() -> None:
    subject = layout("m68k", variant="sun3")
    results = ask(subject, Level.PTE, *PRESENT, *FLAGS, "SWP401", "SWP406", "SWP407", "SWP408", "SWP419")
    assert not refuted(results)
    assert results["SWP405", "swap"].verdict is results["SWP409", "swap"].verdict is Verdict.PROVED
    assert results["SWP403", "swap+exclusive"].verdict is Verdict.PROVED
    assert call(subject, "__swp_entry", 3, 1 << 24 | 5) == 3 | 5 << 7
    assert offset_bits(subject) == 24


def test_the_exclusive_bit_took_the_top_of_an_over_wide_type() -> None:
    """And cost no offset bit, but on Sun-3 the one that was the valid bit."""
    found = {}
    for release, variant in ALL:
        subject = layout("m68k", release, variant)
        found[release, variant] = offset_bits(subject), subject.at(Level.PTE).field("SWP_TYPE").width
    assert found == {
        ("linux-6.1", "motorola"): (20, 8), ("linux-6.12", "motorola"): (20, 7),
        ("linux-6.1", "coldfire"): (21, 8), ("linux-6.12", "coldfire"): (21, 7),
        ("linux-6.1", "sun3"): (25, 7), ("linux-6.12", "sun3"): (24, 6),
    }  # fmt: skip


@pytest.mark.parametrize("variant", variants("m68k"))
def test_an_exclusive_bit_one_higher_is_in_the_offset(variant: str) -> None:
    shipped = layout("m68k", variant=variant)
    field = shipped.at(Level.PTE).field("_PAGE_SWP_EXCLUSIVE")
    results = ask(shipped.but(field.moved(1)), Level.PTE, "SWP406", "SWP417", "LAY801")
    if variant == "coldfire":  # three bits lie between them
        assert not refuted(results)
    else:
        assert {("SWP406", "swap"), ("SWP417", "swap+exclusive"), ("LAY801", "swap")} <= refuted(results)


@pytest.mark.parametrize(("release", "variant"), ALL)
def test_migration_keeps_age_where_pages_have_8_kb(release: str, variant: str) -> None:
    """The offset has the frame's bits and two more; with pages of 4 KB the frame takes all of it."""
    subject = layout("m68k", release, variant)
    assert migration_keeps_age(subject) is (variant != "motorola")
    verdicts = {one.verdict for one in ask(subject, Level.PTE, "MIG501", "MIG502", "MIG503").values()}
    assert verdicts == ({Verdict.PROVED} if variant != "motorola" else {Verdict.PROVED, Verdict.NOT_APPLICABLE})


# The MMUs


def test_a_68040_page_descriptor() -> None:
    shared, readonly, none = (protection("motorola", name) for name in ("VM_SHARED|VM_WRITE", "VM_READ", "VM_NONE"))
    assert [walk("motorola", Level.PTE, 0x5000 | value, Access.STORE)[0] for value in (shared, readonly, none)] == ["leaf", "refused", "invalid"]
    assert walk("motorola", Level.PTE, 0x5000 | readonly) == ("leaf", 5)
    assert walk("motorola", Level.PTE, 0x5000 | readonly | 1 << 7)[0] == "refused"  # supervisor only
    assert walk("motorola", Level.PTE, 0x5004 | 2) == ("table", 0x5004)  # an indirect descriptor


def test_an_indirect_descriptor_is_what_a_swap_type_at_bit_1_would_be() -> None:
    shipped = layout("m68k")
    kind = shipped.at(Level.PTE).field("SWP_TYPE")
    results = ask(shipped.but(kind.moved(-3)), Level.PTE, "SWP409", "SWP405")
    assert ("SWP409", "swap") in refuted(results)
    assert witness(results["SWP409", "swap"]) & 3 == 2


@pytest.mark.parametrize("release", RELEASES)
def test_the_pointer_level_of_a_68040(release: str) -> None:
    subject = layout("m68k", release)
    assert walk("motorola", Level.PMD, call(subject, "pmd_populate", 0x12300)) == ("table", 0x12300)
    assert walk("motorola", Level.PMD, 0x12301)[0] == "invalid"
    results = ask(subject, Level.PMD, "HW901", "HW903", "HW906", "HW907", "LAY803")
    assert not refuted(results)
    assert results["HW907", "table"].verdict is Verdict.PROVED
    assert results["HW906", "table+U"].verdict is Verdict.PROVED


@pytest.mark.parametrize("variant", ["coldfire", "sun3"])
def test_the_pmd_is_folded_where_software_fills_the_map(variant: str) -> None:
    assert set(layout("m68k", variant=variant).uses) == {Level.PTE}


def test_coldfire_executes_whatever_is_present() -> None:
    none, readable = protection("coldfire", "VM_NONE"), protection("coldfire", "VM_READ")
    assert [walk("coldfire", Level.PTE, none, access)[0] for access in Access] == ["refused", "refused", "leaf"]
    assert [walk("coldfire", Level.PTE, readable, access)[0] for access in Access] == ["leaf", "refused", "leaf"]
    results = ask(layout("m68k", variant="coldfire"), Level.PTE, "HW909", "HW913", "HW905", "HW911")
    assert refuted(results) == {("HW909", "leaf-protnone"), ("HW913", "leaf"), ("HW913", "leaf-old")}


def test_coldfire_takes_the_right_to_write_from_a_clean_page() -> None:
    """So no store is missed, but the entry is changed by a load."""
    results = ask(layout("m68k", variant="coldfire"), Level.PTE, "HW906", "HW911")
    assert {subject for code, subject in refuted(results)} == {f"leaf{old}+W-{access}" for old in ("", "-old") for access in ("load", "fetch")}
    assert results["HW911", "leaf"].verdict is Verdict.PROVED


def test_prot_none_is_read_only_on_sun3() -> None:
    none = protection("sun3", "VM_NONE")
    assert none == protection("sun3", "VM_READ")
    assert [walk("sun3", Level.PTE, none, access)[0] for access in Access] == ["leaf", "refused", "leaf"]
    assert ("HW909", "leaf-protnone") in refuted(ask(layout("m68k", variant="sun3"), Level.PTE, "HW909"))


def test_a_store_after_a_load_is_not_seen_on_sun3() -> None:
    results = ask(layout("m68k", variant="sun3"), Level.PTE, "HW911")
    entry = witness(results["HW911", "leaf"])
    assert walk("sun3", Level.PTE, entry, Access.STORE)[0] == "leaf"
    assert not call(layout("m68k", variant="sun3"), "pte_dirty", entry)


# All of them


@pytest.mark.parametrize(("release", "variant"), ALL)
def test_every_variant_was_held_against_its_headers(release: str, variant: str) -> None:
    assert layout("m68k", release, variant).provenance == Provenance.CONFORMED


def test_nothing_is_refuted_but_what_is_known_and_no_known_is_stale() -> None:
    checker = Checker(known=known("m68k"))
    results = [one for release, variant in ALL for one in checker.check(layout("m68k", release, variant), Level)]
    assert [one.key for one in results if one.failed or one.verdict is Verdict.UNKNOWN] == []
    assert list(stale(known("m68k"), results)) == []
