"""alpha: the exclusive bit that an int cannot hold, in its before and after forms, PALcode's enables, and what is refuted."""

from __future__ import annotations

import pytest

from archs.discover import known, layout
from bitspec.expr import Expr, any_of, var
from bitspec.hardware import Access
from bitspec.layout import Kernel, Layout
from bitspec.read.as_int import evaluate
from bitspec.vocabulary import Level
from proofs.check import Checker, Result, Verdict
from proofs.report import stale
from proofs.states import migration_keeps_age, offset_bits

RELEASES = ("linux-6.1", "linux-6.12")


def ask(subject: Layout, *codes: str) -> dict[tuple[str, str], Result]:
    return {(one.code, one.subject): one for one in Checker().check(subject, [Level.PTE], frozenset(codes))}


def refuted(results: dict[tuple[str, str], Result]) -> set[tuple[str, str]]:
    return {key for key, one in results.items() if one.verdict is Verdict.REFUTED}


def call(subject: Layout, name: str, *values: int) -> int:
    one = subject.helper(name)
    return evaluate(one.body, dict(zip(one.params, values, strict=True)))


def walk(entry: int, access: Access = Access.LOAD, level: Level = Level.PTE) -> str:
    value = var("entry", 64)
    made = layout("alpha").hardware.level(level).walk(value, access, {})
    return next(name for name in ("invalid", "refused", "reserved", "table", "leaf") if evaluate(getattr(made, name), {value: entry}))


def prot(name: str) -> int:
    return next(row.value for row in layout("alpha").at(Level.PTE).protections if row.name == name)


# alpha-swp-exclusive-int: bit 39, returned as an int


def as_bool(k: Kernel, pte: Expr) -> Expr:
    """What newer kernels return."""
    return any_of(pte, k["_PAGE_SWP_EXCLUSIVE"])


def test_an_int_does_not_hold_bit_39() -> None:
    subject = layout("alpha")
    assert call(subject, "pte_swp_mkexclusive", 1 << 40) == 1 << 40 | 1 << 39
    assert call(subject, "pte_swp_exclusive", 1 << 40 | 1 << 39) == 0
    assert refuted(ask(subject, "SWP403", "SWP404", "SWP406")) == {("SWP403", "swap+exclusive")}


def test_a_bool_does() -> None:
    subject = layout("alpha").but(pte_swp_exclusive=as_bool)
    assert not refuted(ask(subject, "SWP403", "SWP404", "SWP406"))
    assert ask(subject, "SWP403")["SWP403", "swap+exclusive"].verdict is Verdict.PROVED


def test_what_swapoff_looks_for_is_another_entry() -> None:
    """include/linux/swapops.h: pte_swp_clear_flags."""
    for subject, found in ((layout("alpha"), False), (layout("alpha").but(pte_swp_exclusive=as_bool), True)):
        plain = call(subject, "__swp_entry", 3, 5)
        entry = call(subject, "pte_swp_mkexclusive", plain)
        cleared = call(subject, "pte_swp_clear_exclusive", entry) if call(subject, "pte_swp_exclusive", entry) else entry
        assert (cleared == plain) is found


# The swap codec


@pytest.mark.parametrize("release", RELEASES)
def test_every_type_and_offset_survives_but_not_every_frame(release: str) -> None:
    subject = layout("alpha", release)
    results = ask(subject, "SWP401", "SWP402", "SWP405", "SWP406", "SWP407", "SWP409", "MIG501", "MIG502")
    assert {subject for _, subject in refuted(results)} == {"migration-read", "migration-read-exclusive", "migration-write"}
    assert results["SWP401", "swap"].verdict is Verdict.PROVED
    assert offset_bits(subject) == 24
    assert not migration_keeps_age(subject)
    frame = 1 << 24  # 128 GiB, in pages of 8 KiB
    assert call(subject, "__swp_offset", call(subject, "__swp_entry", 28, frame)) == 0


# PALcode


def test_young_and_dirty_are_the_enables() -> None:
    subject = layout("alpha")
    page = call(subject, "pfn_pte", 5, prot("VM_SHARED|VM_WRITE|VM_READ"))
    assert [walk(page, access) for access in Access] == ["leaf", "refused", "refused"]
    assert walk(call(subject, "pte_mkdirty", page), Access.STORE) == "leaf"
    assert walk(call(subject, "pte_wrprotect", call(subject, "pte_mkdirty", page)), Access.STORE) == "refused"
    assert walk(call(subject, "pte_mkold", page)) == "refused"
    assert walk(prot("VM_EXEC"), Access.FETCH) == "leaf"
    assert {walk(prot("VM_NONE"), access) for access in Access} == {"refused"}


def test_a_store_does_not_make_a_dirty_page_young() -> None:
    subject = layout("alpha")
    old = call(subject, "pte_mkold", call(subject, "pte_mkdirty", prot("VM_SHARED|VM_WRITE|VM_READ")))
    assert walk(old, Access.STORE) == "leaf"
    assert not call(subject, "pte_young", old)


def test_a_table_is_walked_and_nothing_else_is() -> None:
    subject = layout("alpha")
    table = call(subject, "pmd_populate", 7 << 13)
    assert table >> 32 == 7
    assert walk(table, level=Level.PMD) == "table"
    assert walk(0, level=Level.PMD) == "invalid"


@pytest.mark.parametrize("release", RELEASES)
def test_a_frame_that_looks_like_kseg_gets_another_address(release: str) -> None:
    subject = layout("alpha", release)
    frames = {address: call(subject, "pte_pfn", call(subject, "pfn_pte", address >> 13, prot("VM_READ"))) << 13 for address in (1 << 41, 1 << 42, 1 << 43)}
    assert frames == {1 << 41: 1 << 41, 1 << 42: 1 << 43, 1 << 43: 1 << 43}
    assert ("PTE122", "leaf") in refuted(ask(subject, "PTE122"))


def test_nothing_is_refuted_but_what_is_known_and_no_known_is_stale() -> None:
    checker = Checker(known=known("alpha"))
    results = [one for release in RELEASES for one in checker.check(layout("alpha", release), Level)]
    assert [one.key for one in results if one.failed or one.verdict is Verdict.UNKNOWN] == []
    assert list(stale(known("alpha"), results)) == []
