"""arm: the exclusive bit in its before and after forms, what is stored beside what helpers make, and what is refuted."""

from __future__ import annotations

import os
from itertools import combinations
from pathlib import Path
from random import Random

import pytest

from archs.arm.hardware import set_pte_ext
from archs.arm.pgtable import stored
from archs.discover import known, layout
from bitspec.expr import Expr, any_of, clear, or_, var
from bitspec.hardware import Access
from bitspec.layout import Absent, Kernel, Layout
from bitspec.lift import toolchain
from bitspec.read.as_int import evaluate, function
from bitspec.vocabulary import Level
from proofs.check import Checker, Result, Verdict
from proofs.report import stale
from proofs.states import offset_bits, states
from tests.archs.arm_store import assembled, stores

RELEASES = ("linux-6.1", "linux-6.12")
VARIANTS = ("lpae", "2-level")
BOTH = pytest.mark.parametrize(("release", "variant"), [(release, variant) for release in RELEASES for variant in VARIANTS])
TREE = os.environ.get("BITSPEC_KERNEL", "")


def ask(subject: Layout, *codes: str) -> dict[tuple[str, str, str], Result]:
    return {(one.code, one.subject, str(one.level)): one for one in Checker().check(subject, Level, frozenset(codes))}


def refuted(results: dict[tuple[str, str, str], Result]) -> set[tuple[str, str, str]]:
    return {key for key, one in results.items() if one.verdict is Verdict.REFUTED}


def call(subject: Layout, name: str, *values: int) -> int:
    one = subject.helper(name)
    return evaluate(one.body, dict(zip(one.params, values, strict=True)))


def walk(subject: Layout, entry: int, access: Access = Access.LOAD, level: Level = Level.PTE) -> str:
    facts = subject.hardware.level(level)
    value = var("entry", facts.width)
    made = facts.walk(value, access, {})
    return next(name for name in ("invalid", "refused", "reserved", "table", "leaf") if evaluate(getattr(made, name), {value: entry}))


def prot(subject: Layout, name: str) -> int:
    return next(row.value for row in subject.at(Level.PTE).protections if row.name == name)


def page(subject: Layout, name: str = "VM_SHARED|VM_WRITE|VM_READ", frame: int = 5) -> int:
    return call(subject, "pfn_pte", frame, prot(subject, name))


# The swap codec


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_exclusive_bit_of_v6_3_cost_an_offset_bit(variant: str) -> None:
    before, after = layout("arm", "linux-6.1", variant), layout("arm", "linux-6.12", variant)
    assert (offset_bits(before), offset_bits(after)) == (25, 24)
    assert ask(before, "SWP403")["SWP403", "swap+exclusive", "pte"].verdict is Verdict.NOT_APPLICABLE
    assert ask(after, "SWP403")["SWP403", "swap+exclusive", "pte"].verdict is Verdict.PROVED


@pytest.mark.parametrize(("release", "entry"), [("linux-6.1", 31 << 2 | 3 << 7), ("linux-6.12", 31 << 2 | 3 << 8)])
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_swap_entry(release: str, entry: int, variant: str) -> None:
    subject = layout("arm", release, variant)
    assert call(subject, "__swp_entry_to_pte", call(subject, "__swp_entry", 31, 3)) == entry
    assert [walk(subject, entry, access) for access in Access] == ["invalid"] * 3


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_exclusive_bit_is_the_hardwares_in_a_valid_entry(variant: str) -> None:
    """AP[2] with LPAE, L_PTE_RDONLY with two levels."""
    k = layout("arm", variant=variant).at(Level.PTE)
    assert k["L_PTE_SWP_EXCLUSIVE"] == k["PTE_AP2" if variant == "lpae" else "L_PTE_RDONLY"] == 1 << 7


@BOTH
def test_every_type_and_offset_survives(release: str, variant: str) -> None:
    results = ask(layout("arm", release, variant), "SWP401", "SWP402", "SWP405", "SWP406", "SWP407", "SWP409", "MIG501")
    assert not refuted(results)
    assert results["SWP401", "swap", "pte"].verdict is Verdict.PROVED
    assert results["SWP409", "swap", "pte"].verdict is Verdict.PROVED


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_type_one_bit_lower_would_meet_young(variant: str) -> None:
    """A mutation: with two levels bit 1 is YOUNG, which no swap entry may have beside VALID; with LPAE it makes a PTE present."""

    def shifted(k: Kernel, kind: Expr, offset: Expr) -> Expr:
        return kind << 1 | offset << k.shift("SWP_OFFSET")

    subject = layout("arm", variant=variant).but(__swp_entry=shifted)
    found = {key[0] for key in refuted(ask(subject, "SWP401", "SWP405"))}
    assert found == ({"SWP401", "SWP405"} if variant == "lpae" else {"SWP401"})


# Two levels: Linux's entry, and the hardware's


@pytest.mark.parametrize("release", RELEASES)
def test_age_and_dirty_are_kept_by_the_kernel(release: str) -> None:
    """There is no descriptor for an old page, and none that may be written for a clean one."""
    subject = layout("arm", release, "2-level")
    clean = page(subject)
    assert [walk(subject, clean, access) for access in Access] == ["leaf", "refused", "refused"]
    assert walk(subject, call(subject, "pte_mkdirty", clean), Access.STORE) == "leaf"
    assert walk(subject, call(subject, "pte_mkold", clean)) == "invalid"
    assert walk(subject, page(subject, "VM_EXEC|VM_READ"), Access.FETCH) == "leaf"
    results = ask(subject, "HW905", "HW911", "HW913")
    assert {results[code, "leaf", "pte"].verdict for code in ("HW905", "HW911", "HW913")} == {Verdict.PROVED}


@pytest.mark.parametrize(
    ("linux", "descriptor"),
    [
        (0x1234575F, 0x12345C7F),  # a user's, written: nG, S, TEX[0], AP[1:0], C, B, small page, XN
        (0x1234571F, 0x12345E7F),  # clean: AP[2]
        (0x123457DF, 0x12345E7F),  # read-only
        (0x1234565F, 0x1234545F),  # not a user's: neither AP[1] nor nG
        (0x1234575E, 0),  # not valid
        (0x1234575D, 0),  # old
        (0x12345F5F, 0),  # PROT_NONE
    ],
)
def test_a_descriptor(linux: int, descriptor: int) -> None:
    value = var("entry", 32)
    assert evaluate(set_pte_ext(value), {value: linux}) == descriptor


# LPAE: what is stored


@pytest.mark.parametrize("release", RELEASES)
def test_what_is_stored_is_stored_again_as_it_is(release: str) -> None:
    k = layout("arm", release).at(Level.PTE)
    value = var("entry", 64)
    once = function(stored(k, value), value)
    source = Random(1)
    for entry in (*(1 << place for place in range(64)), *(source.getrandbits(64) for _ in range(500))):
        assert once(once(entry)) == once(entry)


@pytest.mark.parametrize("release", RELEASES)
def test_a_page_under_prot_none_is_not_valid_and_still_present(release: str) -> None:
    subject = layout("arm", release)
    nothing = call(subject, "pte_modify", page(subject), prot(subject, "VM_NONE"))
    assert walk(subject, nothing) == "invalid"
    assert nothing & 3 == 2
    assert call(subject, "pte_present", nothing)
    again = call(subject, "pte_modify", nothing, prot(subject, "VM_SHARED|VM_WRITE|VM_READ"))
    assert walk(subject, again) == "leaf"


@pytest.mark.parametrize("release", RELEASES)
def test_a_huge_page_under_prot_none_is_not_present(release: str) -> None:
    subject = layout("arm", release)
    huge = call(subject, "pmd_mkhuge", call(subject, "pfn_pmd", 512, prot(subject, "VM_SHARED|VM_WRITE|VM_READ")))
    assert walk(subject, huge, level=Level.PMD) == "leaf"
    nothing = call(subject, "pmd_modify", huge, prot(subject, "VM_NONE"))
    assert walk(subject, nothing, level=Level.PMD) == "invalid"
    assert not call(subject, "pmd_present", nothing)
    assert call(subject, "pmd_trans_huge", nothing)
    assert ("PMD241", "leaf-protnone", "pmd") in refuted(ask(subject, "PMD241"))


@pytest.mark.parametrize("release", RELEASES)
def test_a_pmd_present_that_asks_for_the_mark_would_be_right(release: str) -> None:
    """L_PMD_SECT_NONE tells a PROT_NONE page; the invalidated one it does not tell."""

    def present(k: Kernel, pmd: Expr) -> Expr:
        return or_(any_of(pmd, k["L_PMD_SECT_VALID"]), any_of(pmd, k["L_PMD_SECT_NONE"]))

    results = ask(layout("arm", release).but(pmd_present=present), "PMD241")
    assert results["PMD241", "leaf-protnone", "pmd"].verdict is Verdict.PROVED
    assert results["PMD241", "leaf-invalidated", "pmd"].verdict is Verdict.REFUTED


@pytest.mark.parametrize("release", RELEASES)
def test_an_old_page_that_was_prot_none_is_global_until_it_is_young(release: str) -> None:
    """set_pte_at() adds nG to what a user can reach. The state of old leaves has both, and the hardware refuses both."""
    subject = layout("arm", release)
    hidden = call(subject, "pte_mkold", page(subject, "VM_NONE"))
    back = call(subject, "pte_modify", hidden, prot(subject, "VM_READ"))
    mark = subject.at(Level.PTE)["PTE_EXT_NG"]
    assert not back & mark
    assert walk(subject, back) == "refused"
    assert call(subject, "pte_mkyoung", back) & mark
    old = states(subject, Level.PTE)["leaf-old"]
    assert back in old
    assert back | mark in old


@pytest.mark.parametrize("release", RELEASES)
def test_setters_alone_would_leave_the_right_to_write(release: str) -> None:
    def unstored_mkclean(k: Kernel, pte: Expr) -> Expr:
        return clear(pte, k["L_PTE_DIRTY"])

    def unstored_mkyoung(k: Kernel, pte: Expr) -> Expr:
        return pte | k["L_PTE_YOUNG"]

    subject = layout("arm", release)
    written = call(subject, "pte_mkdirty", page(subject))
    assert walk(subject, written, Access.STORE) == "leaf"
    assert walk(subject, call(subject, "pte_mkclean", written), Access.STORE) == "refused"
    assert ("HW911", "leaf", "pte") in refuted(ask(subject.but(pte_mkclean=unstored_mkclean, pte_mkyoung=unstored_mkyoung), "HW911"))


def test_a_poison_marker_that_is_read_as_valid_maps_the_first_page_of_memory() -> None:
    """hugetlb's huge_ptep_get() sets VALID in whatever is not 0 (docs/findings.md, T4); a fault makes that young, and a store dirty before."""
    subject = layout("arm", "linux-6.12")
    marker = call(subject, "__swp_entry_to_pte", call(subject, "__swp_entry", 31, 2))
    assert (marker, walk(subject, marker, level=Level.PMD)) == (0x27C, "invalid")
    read = marker | 1
    assert call(subject, "pte_present", read)
    loaded, written = call(subject, "pte_mkyoung", read), call(subject, "pte_mkyoung", call(subject, "pte_mkdirty", read))
    assert [walk(subject, loaded, access, Level.PMD) for access in Access] == ["leaf", "refused", "leaf"]
    assert [walk(subject, written, access, Level.PMD) for access in Access] == ["leaf", "leaf", "leaf"]
    assert (loaded, written) == (0xEFD, 0x0080_0000_0000_0E7D)


# Both


@BOTH
def test_a_page_can_be_made_writable(release: str, variant: str) -> None:
    """pte_mkwrite() is the header's own at linux-6.1, and made of pte_mkwrite_novma() since v6.6."""
    subject = layout("arm", release, variant)
    assert call(subject, "pte_write", call(subject, "pte_mkwrite", page(subject, "VM_WRITE|VM_READ")))
    assert subject.has("pte_mkwrite_novma") == (release == "linux-6.12")


def test_huge_pages_are_of_lpae_alone() -> None:
    assert tuple(layout("arm").uses) == (Level.PTE, Level.PMD)
    assert tuple(layout("arm", variant="2-level").uses) == (Level.PTE,)
    with pytest.raises(Absent, match="pte_huge does not exist"):
        layout("arm", variant="2-level").helper("pte_huge")


@pytest.mark.parametrize("variant", VARIANTS)
def test_nothing_is_refuted_but_what_is_known_and_no_known_is_stale(variant: str) -> None:
    checker = Checker(known=known("arm"))
    results = [one for release in RELEASES for one in checker.check(layout("arm", release, variant), Level)]
    assert [one.key for one in results if one.failed or one.verdict is Verdict.UNKNOWN] == []
    assert [one for one in stale(known("arm"), results) if variant in one.variants] == []


# The kernel's own store


def entries(width: int) -> list[int]:
    """Every choice of attribute bits that the store could look at, over several frames, and random ones."""
    source = Random(1)
    places = [place for place in range(width) if not 12 <= place < 53]
    pairs = [1 << one | 1 << other for one, other in combinations(places, 2)]
    typical = [0, 0x743, 0x7FF, 0x12345ACF, (1 << width) - 1]
    return [one ^ flip for one in typical for flip in (0, *pairs)] + [source.getrandbits(width) for _ in range(3000)] + list(range(1 << 12))


@pytest.mark.skipif(not TREE, reason="BITSPEC_KERNEL names no kernel tree")
def test_the_descriptor_is_what_the_tree_stores(tmp_path: Path) -> None:
    run = stores(assembled(Path(TREE), 2, toolchain.find(), tmp_path))
    value = var("entry", 32)
    expected = function(set_pte_ext(value), value)
    for entry in entries(32):
        reached = entry & 0x103 == 0x103  # pte_valid_user(), for which set_ptes() passes PTE_EXT_NG
        written = run(entry, 1 << 11 if reached else 0, 0)
        assert int.from_bytes(written[:4], "little") == entry
        assert int.from_bytes(written[2048:2052], "little") == expected(entry), hex(entry)


@pytest.mark.skipif(not TREE, reason="BITSPEC_KERNEL names no kernel tree")
@pytest.mark.parametrize("release", RELEASES)
def test_a_long_descriptor_is_what_the_tree_stores(tmp_path: Path, release: str) -> None:
    run = stores(assembled(Path(TREE), 3, toolchain.find(), tmp_path))
    k = layout("arm", release).at(Level.PTE)
    value = var("entry", 64)
    expected = function(stored(k, value), value)
    for entry in entries(64):
        reached = entry & 0x441 == 0x441
        given = entry | 1 << 11 if reached else entry
        written = run(0, given & 0xFFFF_FFFF, given >> 32)
        assert int.from_bytes(written[:8], "little") == expected(entry), hex(entry)
