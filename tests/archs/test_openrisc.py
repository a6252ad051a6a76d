"""openrisc: the exclusive bit in its before and after forms, two TLBs that make different things of one entry, and what is refuted."""

from __future__ import annotations

import pytest

from archs.discover import known, layout
from bitspec.expr import Expr, clear, var
from bitspec.fields import Field, Owner
from bitspec.hardware import Access
from bitspec.layout import Kernel, Layout
from bitspec.read.as_int import evaluate
from bitspec.vocabulary import Level
from proofs.check import Checker, Result, Verdict
from proofs.report import stale
from proofs.states import offset_bits

RELEASES = ("linux-6.1", "linux-6.12")


def ask(subject: Layout, *codes: str) -> dict[tuple[str, str], Result]:
    return {(one.code, one.subject): one for one in Checker().check(subject, [Level.PTE], frozenset(codes))}


def refuted(results: dict[tuple[str, str], Result]) -> set[tuple[str, str]]:
    return {key for key, one in results.items() if one.verdict is Verdict.REFUTED}


def call(subject: Layout, name: str, *values: int) -> int:
    one = subject.helper(name)
    return evaluate(one.body, dict(zip(one.params, values, strict=True)))


def walk(entry: int, access: Access = Access.LOAD) -> tuple[str, int]:
    value = var("entry", 32)
    made = layout("openrisc").hardware.level(Level.PTE).walk(value, access, {})
    outcome = next(name for name in ("invalid", "refused", "reserved", "table", "leaf") if evaluate(getattr(made, name), {value: entry}))
    return outcome, evaluate(made.frame, {value: entry})


def prot(name: str) -> int:
    return next(row.value for row in layout("openrisc").at(Level.PTE).protections if row.name == name)


# The swap codec

CODEC = ("SWP401", "SWP402", "SWP405", "SWP406", "SWP407", "SWP409", "MIG501")


@pytest.mark.parametrize("release", RELEASES)
def test_every_type_and_offset_survives(release: str) -> None:
    subject = layout("openrisc", release)
    results = ask(subject, *CODEC)
    assert not refuted(results)
    assert results["SWP401", "swap"].verdict is Verdict.PROVED
    assert offset_bits(subject) == 20
    assert call(subject, "__swp_entry", 31, 3) == 31 << 5 | 3 << 12


def test_the_exclusive_bit_of_v6_3_cost_a_bit_of_the_type_only() -> None:
    before, after = (layout("openrisc", release).at(Level.PTE)["SWP_TYPE"] for release in RELEASES)
    assert before & ~after == layout("openrisc").at(Level.PTE)["_PAGE_SWP_EXCLUSIVE"] == 1 << 11
    assert ask(layout("openrisc", "linux-6.1"), "SWP403")["SWP403", "swap+exclusive"].verdict is Verdict.NOT_APPLICABLE
    assert ask(layout("openrisc"), "SWP403", "SWP404")["SWP403", "swap+exclusive"].verdict is Verdict.PROVED


def test_an_exclusive_bit_within_the_five_bits_of_the_type_would_not_do() -> None:
    results = ask(layout("openrisc").but(Field("_PAGE_SWP_EXCLUSIVE", ((9, 9),), Owner.SOFTWARE)), "SWP401", "SWP406")
    assert refuted(results) == {("SWP406", "swap")}  # the generic decode takes the flag for a mark and strips it


# The TLBs


def test_one_entry_two_tlbs() -> None:
    shared = prot("VM_SHARED|VM_WRITE|VM_READ")
    assert [walk(shared | 5 << 13, access) for access in Access] == [("leaf", 5)] * 3
    private = prot("VM_WRITE|VM_READ")
    assert [walk(private, access)[0] for access in Access] == ["leaf", "refused", "leaf"]
    assert {walk(prot("VM_NONE") | 5 << 13, access)[0] for access in Access} == {"refused"}  # loaded, and without any right
    assert {walk(0xFFFF_FFFE, access)[0] for access in Access} == {"invalid"}


@pytest.mark.parametrize("release", RELEASES)
def test_what_may_be_written_only_can_be_executed(release: str) -> None:
    """The kernel's table has the rights the wrong way round besides: what can be read is executable, what can be executed is not."""
    assert [bool(call(layout("openrisc", release), "pte_exec", prot(name))) for name in ("VM_READ", "VM_EXEC", "VM_WRITE")] == [True, False, False]
    assert walk(prot("VM_WRITE"), Access.FETCH)[0] == "leaf"
    assert ("HW913", "leaf") in refuted(ask(layout("openrisc", release), "HW913"))


@pytest.mark.parametrize("release", RELEASES)
def test_a_store_to_a_clean_page_is_not_seen(release: str) -> None:
    found = ask(layout("openrisc", release), "HW911")["HW911", "leaf"].witness
    assert found is not None
    assert walk(found.entry, Access.STORE)[0] == "leaf"
    assert not call(layout("openrisc", release), "pte_dirty", found.entry)


def test_write_protecting_what_is_made_clean_would_show_the_store() -> None:
    def protecting(k: Kernel, pte: Expr) -> Expr:
        return clear(pte, k["_PAGE_DIRTY", "_PAGE_UWE", "_PAGE_SWE"])

    cleaned = call(layout("openrisc").but(pte_mkclean=protecting), "pte_mkclean", prot("VM_SHARED|VM_WRITE|VM_READ"))
    assert walk(cleaned, Access.STORE)[0] == "refused"


def test_nothing_is_refuted_but_what_is_known_and_no_known_is_stale() -> None:
    checker = Checker(known=known("openrisc"))
    results = [one for release in RELEASES for one in checker.check(layout("openrisc", release), Level)]
    assert [one.key for one in results if one.failed or one.verdict is Verdict.UNKNOWN] == []
    assert list(stale(known("openrisc"), results)) == []
