"""32-bit x86: a swap_entry_t of half an entry's width, the exclusive bit in its before and after forms, L1TF with PAE and without, and what is refuted."""

from __future__ import annotations

import pytest

from archs.discover import known, layout, variants
from bitspec.expr import Expr, eq, var
from bitspec.fields import Field, Owner
from bitspec.hardware import Access
from bitspec.layout import Kernel, Layout
from bitspec.read.as_int import evaluate
from bitspec.vocabulary import Level
from proofs.check import Checker, Result, Verdict
from proofs.report import stale
from proofs.states import migration_keeps_age, offset_bits

RELEASES = ("linux-6.1", "linux-6.12")
ALL = [(release, variant) for release in RELEASES for variant in variants("x86_32")]
EVERY = pytest.mark.parametrize(("release", "variant"), ALL)
P, RW, US, A, D, PS, G, XD = 1 << 0, 1 << 1, 1 << 2, 1 << 5, 1 << 6, 1 << 7, 1 << 8, 1 << 63
USER = P | RW | US | A | D
BEYOND = 0x9_0000_0000
"""A physical address that an unsigned long does not hold."""


def ask(subject: Layout, level: Level, *codes: str) -> dict[tuple[str, str], Result]:
    return {(one.code, one.subject): one for one in Checker().check(subject, [level], frozenset(codes))}


def refuted(results: dict[tuple[str, str], Result]) -> set[tuple[str, str]]:
    return {key for key, one in results.items() if one.verdict is Verdict.REFUTED}


def all_proved(results: dict[tuple[str, str], Result]) -> bool:
    """Every claim that applies, and at least one does."""
    return {one.verdict for one in results.values()} - {Verdict.NOT_APPLICABLE} == {Verdict.PROVED}


def call(subject: Layout, name: str, *values: int) -> int:
    one = subject.helper(name)
    return evaluate(one.body, dict(zip(one.params, values, strict=True)))


def prot(subject: Layout, name: str) -> int:
    return next(row.value for row in subject.at(Level.PTE).protections if row.name == name)


CPU = {"MAXPHYADDR": 40, "NXE": 1, "PSE": 1, "PSE36": 1}


def walk(variant: str, level: Level, entry: int, access: Access = Access.LOAD, **cpu: int) -> tuple[str, int]:
    """The outcome, and the address or frame it leads to."""
    hardware = layout("x86_32", variant=variant).hardware
    value = var("entry", hardware.level(level).width)
    made = hardware.level(level).walk(value, access, hardware.context)
    values = {value: entry, **{one.variable: (CPU | cpu)[one.name] for one in hardware.circumstances}}
    outcome = next(name for name in ("invalid", "refused", "reserved", "table", "leaf") if evaluate(getattr(made, name), values))
    return outcome, evaluate(made.address if outcome == "table" else made.frame, values)


# The swap codec


@pytest.mark.parametrize(("variant", "bits"), [("pae", 26), ("pae-knl", 26), ("2-level", 23)])
def test_the_exclusive_bit_of_v6_3_cost_nothing(variant: str, bits: int) -> None:
    before, after = layout("x86_32", "linux-6.1", variant), layout("x86_32", "linux-6.12", variant)
    assert offset_bits(before) == offset_bits(after) == bits
    assert ask(before, Level.PTE, "SWP403")["SWP403", "swap+exclusive"].verdict is Verdict.NOT_APPLICABLE
    results = ask(after, Level.PTE, "SWP403", "SWP404", "SWP416", "SWP417")
    assert all_proved(results)
    assert results["SWP403", "swap+exclusive"].verdict is Verdict.PROVED


@EVERY
def test_every_property_of_a_swap_entry_holds(release: str, variant: str) -> None:
    codes = (f"SWP4{number:02}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 18))
    results = ask(layout("x86_32", release, variant), Level.PTE, *codes, "MIG501", "MIG502")
    assert all_proved(results)
    assert results["SWP401", "swap"].verdict is Verdict.PROVED


@pytest.mark.parametrize("release", RELEASES)
def test_with_pae_32_bits_become_64_and_come_back(release: str) -> None:
    subject = layout("x86_32", release, "pae")
    swp = call(subject, "__swp_entry", 3, 5)
    assert swp == 5 << 5 | 3
    entry = call(subject, "__swp_entry_to_pte", swp)
    assert entry == 3 << 59 | (~5 << 9) & (1 << 59) - (1 << 9)
    assert call(subject, "__pte_to_swp_entry", entry) == swp


@pytest.mark.parametrize("release", RELEASES)
def test_without_pae_the_entry_is_the_swap_entry(release: str) -> None:
    subject = layout("x86_32", release, "2-level")
    assert call(subject, "__swp_entry", 31, 3) == 31 << 1 | 3 << 9
    assert call(subject, "__swp_entry_to_pte", 0x63E) == 0x63E


@pytest.mark.parametrize("release", RELEASES)
def test_the_kernels_own_swap_entry_holds_one_bit_less_than_paes(release: str) -> None:
    """Decoding goes through it, so that the bit is lost; the encoder alone would take it."""
    subject = layout("x86_32", release, "pae")
    entry = call(subject, "__swp_entry_to_pte", call(subject, "__swp_entry", 1, 1 << 26 | 7))
    assert call(subject, "__swp_offset", call(subject, "__pte_to_swp_entry", entry)) == 1 << 26 | 7
    assert call(subject, "__swp_offset", call(subject, "pte_to_swp_entry", entry)) == 7
    assert ("SWP419", "swp_entry") in refuted(ask(subject, Level.PTE, "SWP419"))
    assert not refuted(ask(layout("x86_32", release, "2-level"), Level.PTE, "SWP419"))


@EVERY
def test_migration_entries_carry_young_and_dirty(release: str, variant: str) -> None:
    """With SPARSEMEM; with FLATMEM and PAE SWP_PFN_BITS are all 26 of the offset."""
    assert migration_keeps_age(layout("x86_32", release, variant))


@pytest.mark.parametrize("variant", variants("x86_32"))
@pytest.mark.parametrize("to", [0, 8])
def test_an_exclusive_mark_on_a_mark_of_present_entries_is_found(variant: str, to: int) -> None:
    shipped = layout("x86_32", variant=variant)
    mutant = shipped.but(shipped.at(Level.PTE).field("_PAGE_SWP_EXCLUSIVE").moved(to - 7))
    assert ("SWP405", "swap") in refuted(ask(mutant, Level.PTE, "SWP405"))


# Knights Landing


def strict_none(k: Kernel, entry: Expr) -> Expr:
    return eq(entry, 0)


@pytest.mark.parametrize("release", RELEASES)
def test_a_none_that_asks_for_stray_bits_as_well_fails_on_knights_landing_alone(release: str) -> None:
    asked = {variant: layout("x86_32", release, variant).but(pte_none=strict_none, pmd_none=strict_none) for variant in ("pae", "pae-knl")}
    for level in (Level.PTE, Level.PMD):
        assert not refuted(ask(asked["pae"], level, "HW906"))
        assert {("HW906", "none+A_not_present"), ("HW906", "none+D_not_present")} <= refuted(ask(asked["pae-knl"], level, "HW906"))
        assert all_proved(ask(layout("x86_32", release, "pae-knl"), level, "HW906"))


def test_the_bit_that_two_levels_leave_free_is_one_that_knights_landing_may_write() -> None:
    shipped = layout("x86_32", variant="pae-knl")
    mutant = shipped.but(shipped.at(Level.PTE).field("_PAGE_SWP_EXCLUSIVE").moved(-1))
    assert ("HW906", "swap+D_not_present") in refuted(ask(mutant, Level.PTE, "HW906"))


@pytest.mark.parametrize(("variant", "stray"), [("pae", 1), ("pae-knl", 1), ("2-level", 0)])
def test_stray_bits_are_looked_past_with_pae_alone(variant: str, stray: int) -> None:
    for release in RELEASES:
        for level in (Level.PTE, Level.PMD):
            assert call(layout("x86_32", release, variant), f"{level}_none", A | D) == stray


def test_only_the_low_word_of_a_pmd_decides_whether_it_is_none() -> None:
    subject = layout("x86_32", variant="pae")
    assert call(subject, "pmd_none", 1 << 35)
    assert not call(subject, "pte_none", 1 << 35)


# L1TF


@pytest.mark.parametrize("release", RELEASES)
def test_with_pae_nothing_that_is_not_present_points_into_memory(release: str) -> None:
    for level in (Level.PTE, Level.PMD):
        assert all_proved(ask(layout("x86_32", release, "pae"), level, "SWP410"))
        assert not ask(layout("x86_32", release, "pae-knl"), level, "SWP410")


@pytest.mark.parametrize("release", RELEASES)
def test_without_pae_everything_does(release: str) -> None:
    for level in (Level.PTE, Level.PMD):
        found = {one.verdict for one in ask(layout("x86_32", release, "2-level"), level, "SWP410").values()}
        assert found - {Verdict.NOT_APPLICABLE} == {Verdict.REFUTED}


@pytest.mark.parametrize("release", RELEASES)
def test_an_offset_that_is_not_inverted_leaks_with_pae(release: str) -> None:
    plain = layout("x86_32", release, "pae").but(Field("SWP_OFFSET", ((58, 9),), Owner.SOFTWARE))
    assert all_proved(ask(plain, Level.PTE, "SWP401", "SWP407"))
    assert ("SWP410", "swap") in refuted(ask(plain, Level.PTE, "SWP410"))


def test_a_prot_none_page_beyond_4_gb_is_found_again() -> None:
    subject = layout("x86_32", variant="pae")
    page = call(subject, "pfn_pte", BEYOND >> 12, prot(subject, "VM_SHARED|VM_WRITE|VM_READ"))
    none = call(subject, "pte_modify", page, prot(subject, "VM_NONE"))
    assert none & (1 << 52) - (1 << 12) == ~BEYOND & (1 << 52) - (1 << 12)
    assert [call(subject, "pte_pfn", one) for one in (page, none)] == [BEYOND >> 12] * 2
    assert call(subject, "pte_present", none)
    assert walk("pae", Level.PTE, none)[0] == "invalid"
    assert call(subject, "pte_modify", none, prot(subject, "VM_SHARED|VM_WRITE|VM_READ")) == page


# Execute-disable, which vm_get_page_prot() drops


@pytest.mark.parametrize("release", RELEASES)
def test_no_protection_has_nx(release: str) -> None:
    for variant in variants("x86_32"):
        subject = layout("x86_32", release, variant)
        data = call(subject, "pfn_pte", 5, prot(subject, "VM_SHARED|VM_WRITE|VM_READ"))
        assert call(subject, "pte_exec", data)
        assert walk(variant, Level.PTE, data, Access.FETCH) == ("leaf", 5)
        assert {row.value & XD for row in subject.at(Level.PTE).protections} == {0}


def test_with_nx_the_hardware_would_refuse() -> None:
    """What PAGE_SHARED has, in protection_map."""
    subject = layout("x86_32", variant="pae")
    data = call(subject, "pfn_pte", 5, prot(subject, "VM_SHARED|VM_WRITE|VM_READ") | XD)
    assert not call(subject, "pte_exec", data)
    assert [walk("pae", Level.PTE, data, access)[0] for access in Access] == ["leaf", "leaf", "refused"]


# Dirty, which linux-6.12 keeps in a bit of its own


@pytest.mark.parametrize("variant", variants("x86_32"))
def test_dirty_outlives_write_protection(variant: str) -> None:
    for release, kept in zip(RELEASES, (D, 1 << 10), strict=True):
        subject = layout("x86_32", release, variant)
        assert call(subject, "pte_wrprotect", USER) == USER & ~(RW | D) | kept
        assert call(subject, "pte_dirty", call(subject, "pte_wrprotect", USER))
        assert call(subject, "pte_mkwrite", call(subject, "pte_wrprotect", USER)) == USER


# The walk


@pytest.mark.parametrize("variant", ["pae", "pae-knl"])
def test_bits_that_x86_64_ignores_are_reserved_with_pae(variant: str) -> None:
    for level, size in ((Level.PTE, 0), (Level.PMD, PS)):
        for position in range(40, 63):
            assert walk(variant, level, 1 << position | USER | size)[0] == "reserved"
            assert walk(variant, level, 1 << position | USER & ~P | size)[0] == "invalid"
        assert walk(variant, level, 1 << 39 | USER | size) == ("leaf", 1 << 27)
        assert walk(variant, level, XD | USER | size, NXE=0)[0] == "reserved"
    assert walk(variant, Level.PMD, 1 << 52 | USER)[0] == "reserved"
    assert walk(variant, Level.PMD, 0x9_8765_4000 | USER) == ("table", 0x9_8765_4000)


def test_a_large_page_is_aligned() -> None:
    assert walk("pae", Level.PMD, 1 << 21 | USER | PS) == ("leaf", 1 << 9)
    assert walk("pae", Level.PMD, 1 << 20 | USER | PS)[0] == "reserved"
    assert walk("pae", Level.PMD, 1 << 12 | USER | PS) == ("leaf", 0)  # PAT


def test_ps_counts_with_cr4_pse_alone() -> None:
    entry = 0xC0400000 | USER | PS
    assert walk("2-level", Level.PMD, entry) == ("leaf", 0xC0400)
    assert walk("2-level", Level.PMD, entry, PSE=0) == ("table", 0xC0400000)
    assert walk("pae", Level.PMD, entry)[0] == "leaf"


@pytest.mark.parametrize("width", [32, 36, 40, 46])
def test_a_4_mb_page_beyond_4_gb_needs_pse_36(width: int) -> None:
    for position in range(13, 22):
        entry = 1 << position | USER | PS
        address = position + 19
        if position < 21 and address < width:
            assert walk("2-level", Level.PMD, entry, MAXPHYADDR=width) == ("leaf", 1 << (address - 12))
        else:
            assert walk("2-level", Level.PMD, entry, MAXPHYADDR=width)[0] == "reserved"
        assert walk("2-level", Level.PMD, entry, MAXPHYADDR=width, PSE36=0)[0] == "reserved"


def test_no_bit_of_a_32_bit_pte_is_reserved() -> None:
    for position in range(3, 32):
        assert walk("2-level", Level.PTE, 1 << position | P | US)[0] == "leaf"


# The layouts


@pytest.mark.parametrize("release", RELEASES)
def test_two_levels_have_huge_pages_of_4_mb(release: str) -> None:
    flat, wide = (layout("x86_32", release, variant) for variant in ("2-level", "pae"))
    assert [one.at(Level.PMD).use.order for one in (flat, wide)] == [10, 9]
    huge = call(flat, "pmd_mkhuge", call(flat, "pfn_pmd", 1 << 10, prot(flat, "VM_READ")))
    assert call(flat, "pmd_trans_huge", huge)
    assert walk("2-level", Level.PMD, huge) == ("leaf", 1 << 10)
    assert call(flat, "pmd_mkinvalid", huge) == huge & ~P
    assert call(flat, "pmd_present", huge & ~P)


def test_a_table_may_lie_beyond_4_gb_with_pae() -> None:
    subject = layout("x86_32", variant="pae")
    entry = call(subject, "pmd_populate", BEYOND)
    assert walk("pae", Level.PMD, entry) == ("table", BEYOND)
    assert not call(subject, "pmd_bad", entry)


def test_32_bit_x86_has_no_types_for_what_its_kconfig_does_not_offer() -> None:
    kinds = {release: [kind.state for kind in layout("x86_32", release).kinds] for release in RELEASES}
    migration = ["swap", "hwpoison", "migration-read", "migration-read-exclusive", "migration-write"]
    assert kinds == {"linux-6.1": [*migration, "swapin-error"], "linux-6.12": [*migration, "marker"]}


@pytest.mark.parametrize("variant", variants("x86_32"))
def test_shadow_stack_setters_are_of_no_use_here(variant: str) -> None:
    after = layout("x86_32", variant=variant)
    assert refuted(ask(after, Level.PTE, "PTE105")) == {("PTE105", "pte_mkwrite_shstk")}
    assert refuted(ask(after, Level.PMD, "PMD205")) == {("PMD205", "pmd_mkwrite_shstk")}
    assert not layout("x86_32", "linux-6.1", variant).has("pte_mkwrite_shstk")


def test_nothing_is_refuted_but_what_is_known_and_no_known_is_stale() -> None:
    checker = Checker(known=known("x86_32"))
    results = [one for release, variant in ALL for one in checker.check(layout("x86_32", release, variant), Level)]
    assert [one.key for one in results if one.failed or one.verdict is Verdict.UNKNOWN] == []
    assert list(stale(known("x86_32"), results)) == []
