"""csky: the exclusive bit in its before and after forms, an MMU that looks at other bits than the kernel does, and what is refuted."""

from __future__ import annotations

import pytest

from archs.discover import known, layout
from bitspec.expr import Expr, clear, var
from bitspec.hardware import Access
from bitspec.layout import Kernel, Layout
from bitspec.read.as_int import evaluate
from bitspec.vocabulary import Level
from proofs.check import Checker, Result, Verdict
from proofs.report import stale
from proofs.states import offset_bits

RELEASES = ("linux-6.1", "linux-6.12")
VARIANTS = ("abiv1", "abiv2")
BOTH = pytest.mark.parametrize(("release", "variant"), [(release, variant) for release in RELEASES for variant in VARIANTS])


def ask(subject: Layout, *codes: str) -> dict[tuple[str, str], Result]:
    return {(one.code, one.subject): one for one in Checker().check(subject, [Level.PTE], frozenset(codes))}


def refuted(results: dict[tuple[str, str], Result]) -> set[tuple[str, str]]:
    return {key for key, one in results.items() if one.verdict is Verdict.REFUTED}


def call(subject: Layout, name: str, *values: int) -> int:
    one = subject.helper(name)
    return evaluate(one.body, dict(zip(one.params, values, strict=True)))


def walk(subject: Layout, entry: int, access: Access = Access.LOAD) -> str:
    value = var("entry", 32)
    made = subject.hardware.level(Level.PTE).walk(value, access, {})
    return next(name for name in ("invalid", "refused", "reserved", "table", "leaf") if evaluate(getattr(made, name), {value: entry}))


def prot(subject: Layout, name: str) -> int:
    return next(row.value for row in subject.at(Level.PTE).protections if row.name == name)


# The swap codec


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_exclusive_bit_of_v6_3_cost_an_offset_bit(variant: str) -> None:
    before, after = layout("csky", "linux-6.1", variant), layout("csky", "linux-6.12", variant)
    assert (offset_bits(before), offset_bits(after)) == (23, 22)
    assert ask(before, "SWP403")["SWP403", "swap+exclusive"].verdict is Verdict.NOT_APPLICABLE
    assert ask(after, "SWP403")["SWP403", "swap+exclusive"].verdict is Verdict.PROVED


@pytest.mark.parametrize(
    ("release", "variant", "entry"),
    [
        ("linux-6.1", "abiv1", 1 << 8 | 0xF << 2 | 3 << 9),
        ("linux-6.12", "abiv1", 1 << 8 | 0xF << 2 | 3 << 10),
        ("linux-6.1", "abiv2", 0x1F << 2 | 3 << 7),
        ("linux-6.12", "abiv2", 0x1F << 2 | 1 << 8 | 1 << 11),
    ],
)
def test_type_and_offset_in_pieces(release: str, variant: str, entry: int) -> None:
    assert call(layout("csky", release, variant), "__swp_entry", 31, 3) == entry


@BOTH
def test_every_type_and_offset_survives(release: str, variant: str) -> None:
    results = ask(layout("csky", release, variant), "SWP401", "SWP402", "SWP405", "SWP406", "SWP407", "SWP409", "MIG501")
    assert not refuted(results)
    assert results["SWP401", "swap"].verdict is Verdict.PROVED
    assert results["SWP409", "swap"].verdict is Verdict.PROVED


# The hardware's bits beside the kernel's


@BOTH
def test_the_mmu_is_told_of_by_the_setters(release: str, variant: str) -> None:
    subject = layout("csky", release, variant)
    page = call(subject, "pfn_pte", 5, prot(subject, "VM_SHARED|VM_WRITE|VM_READ"))
    assert walk(subject, page) == "invalid"  # young, but nobody has said so to the MMU: the first access does
    young = call(subject, "pte_mkyoung", page)
    assert [walk(subject, young, access) for access in Access] == ["leaf", "refused", "leaf"]
    assert walk(subject, call(subject, "pte_mkdirty", young), Access.STORE) == "leaf"
    assert walk(subject, call(subject, "pte_mkold", young)) == "invalid"


@BOTH
def test_no_protection_is_kept_from_a_page_that_was_used(release: str, variant: str) -> None:
    subject = layout("csky", release, variant)
    used = call(subject, "pte_mkdirty", call(subject, "pte_mkyoung", call(subject, "pfn_pte", 5, prot(subject, "VM_SHARED|VM_WRITE|VM_READ"))))
    readonly, nothing = (call(subject, "pte_modify", used, prot(subject, name)) for name in ("VM_READ", "VM_NONE"))
    assert not call(subject, "pte_write", readonly)
    assert walk(subject, readonly, Access.STORE) == "leaf"
    assert [walk(subject, nothing, access) for access in Access] == ["leaf", "leaf", "leaf"]
    assert not call(subject, "pte_present", nothing)
    assert {("HW905", "leaf"), ("HW909", "leaf-protnone"), ("PTE141", "leaf-protnone")} <= refuted(ask(subject, "HW905", "HW909", "PTE141"))


@BOTH
def test_a_pte_modify_that_takes_the_mmus_bits_would_protect(release: str, variant: str) -> None:
    """They come back by the next fault, as for a page that is old and clean to the MMU.  ABI v1 marks PROT_NONE by the bit that pte_mkyoung() goes by."""

    def strict(k: Kernel, pte: Expr, prot: Expr) -> Expr:
        dropped = k["_PAGE_PRESENT", "_PAGE_READ", "_PAGE_WRITE", "_CACHE_MASK", "_PAGE_GLOBAL", "_PAGE_VALID", "_PAGE_DIRTY"]
        return clear(pte, dropped) | prot

    subject = layout("csky", release, variant).but(pte_modify=strict)
    results = ask(subject, "HW905", "HW909")
    assert results["HW905", "leaf"].verdict is Verdict.PROVED
    assert results["HW909", "leaf-protnone"].verdict is (Verdict.PROVED if variant == "abiv2" else Verdict.REFUTED)
    assert walk(subject, call(subject, "pte_mkyoung", prot(subject, "VM_NONE"))) == ("invalid" if variant == "abiv2" else "leaf")


@pytest.mark.parametrize("variant", VARIANTS)
def test_an_entry_that_is_not_valid_must_not_be_global(variant: str) -> None:
    subject = layout("csky", variant=variant)
    everybody = subject.at(Level.PTE)["_PAGE_GLOBAL"]
    assert walk(subject, everybody) == "reserved"
    assert walk(subject, 0) == "invalid"


def test_only_abi_v2_loses_the_mark_of_prot_none_to_a_setter() -> None:
    """There the mark is _PAGE_WRITE."""
    marks = {variant: prot(layout("csky", variant=variant), "VM_NONE") for variant in VARIANTS}
    left = {variant: call(layout("csky", variant=variant), "pte_wrprotect", mark) for variant, mark in marks.items()}
    assert left == {"abiv1": marks["abiv1"], "abiv2": 0}


@pytest.mark.parametrize("variant", VARIANTS)
def test_nothing_is_refuted_but_what_is_known_and_no_known_is_stale(variant: str) -> None:
    checker = Checker(known=known("csky"))
    results = [one for release in RELEASES for one in checker.check(layout("csky", release, variant), Level)]
    assert [one.key for one in results if one.failed or one.verdict is Verdict.UNKNOWN] == []
    assert list(stale(known("csky"), results)) == []
