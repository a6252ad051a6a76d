"""nios2: the old bug in its before and after forms, what is special to a TLB filled with the entry as it is, and what is refuted."""

from __future__ import annotations

import pytest

from archs.discover import known, layout
from bitspec.expr import Expr, clear, eq, var
from bitspec.fields import Field, Owner
from bitspec.hardware import Access
from bitspec.layout import Kernel, Layout
from bitspec.read.as_int import evaluate
from bitspec.vocabulary import Level
from proofs.check import Checker, Result, Verdict
from proofs.report import stale
from proofs.state import State
from proofs.states import offset_bits, states

RELEASES = ("linux-6.1", "linux-6.12")


def ask(subject: Layout, *codes: str) -> dict[tuple[str, str], Result]:
    return {(one.code, one.subject): one for one in Checker().check(subject, [Level.PTE], frozenset(codes))}


def refuted(results: dict[tuple[str, str], Result]) -> set[tuple[str, str]]:
    return {key for key, one in results.items() if one.verdict is Verdict.REFUTED}


def call(subject: Layout, name: str, *values: int) -> int:
    one = subject.helper(name)
    return evaluate(one.body, dict(zip(one.params, values, strict=True)))


def witness(result: Result) -> int:
    assert result.witness is not None
    return result.witness.entry


def walk(entry: int, access: Access = Access.LOAD) -> tuple[str, int]:
    value = var("entry", 32)
    made = layout("nios2").hardware.level(Level.PTE).walk(value, access, {})
    outcome = next(name for name in ("invalid", "refused", "reserved", "table", "leaf") if evaluate(getattr(made, name), {value: entry}))
    return outcome, evaluate(made.frame, {value: entry})


# nios2-type-bits (0a9ad8273ff4, v6.3)

CODEC = ("SWP401", "SWP406", "SWP407", "MIG501", "LEAF601")


def before_v6_3() -> Layout:
    """The newer layout with the type field of the older one."""
    return layout("nios2").but(Field("SWP_TYPE", ((27, 26),), Owner.SOFTWARE))


@pytest.mark.parametrize("subject", [layout("nios2", "linux-6.1"), before_v6_3()], ids=["linux-6.1", "linux-6.12 with two bits"])
def test_before_v6_3_type_4_decodes_as_0(subject: Layout) -> None:
    results = ask(subject, *CODEC)
    assert {("SWP401", "swap"), ("SWP407", "swp_entry"), ("MIG501", "migration-write"), ("LEAF601", "swap/migration-read")} <= refuted(results)
    assert call(subject, "__swp_type", call(subject, "__swp_entry", 4, 1)) == 0
    found = results["SWP401", "swap"].witness
    assert found is not None
    assert {str(one.attr): value for one, value in found.inputs}["type"] == 4
    assert call(subject, "__swp_type", call(subject, "__swp_entry", 28, 1)) == 0  # a migration entry is one of swap file 0


def test_since_v6_3_every_type_survives() -> None:
    results = ask(layout("nios2"), *CODEC, "SWP403", "SWP404", "SWP416", "SWP417")
    assert not refuted(results)
    assert results["SWP401", "swap"].verdict is Verdict.PROVED
    assert results["SWP407", "swp_entry"].verdict is Verdict.PROVED
    assert results["SWP403", "swap+exclusive"].verdict is Verdict.PROVED


@pytest.mark.parametrize("release", RELEASES)
def test_the_offset_has_20_bits_and_an_unsigned_long_32(release: str) -> None:
    subject = layout("nios2", release)
    assert offset_bits(subject) == 20
    assert {subject.helper(name).body.width for name in ("__swp_entry", "swp_entry", "pte_pfn", "pfn_pte")} == {32}
    assert call(subject, "swp_entry", 31, 5) == 31 << 26 | 5  # include/linux/swapops.h on 32 bits


# none is many values


@pytest.mark.parametrize("release", RELEASES)
def test_an_empty_entry_keeps_four_bits_of_the_address(release: str) -> None:
    none = states(layout("nios2", release), Level.PTE)["none"]
    assert isinstance(none, State)
    assert [value for value in range(64) if value in none] == list(range(16))


@pytest.mark.parametrize("release", RELEASES)
def test_type_0_with_a_small_offset_is_none(release: str) -> None:
    """The header's comment says that an offset other than 0 is enough."""
    subject = layout("nios2", release)
    results = ask(subject, "SWP402", "LAY803")
    assert {("SWP402", "swap"), ("LAY803", "none/swap")} <= refuted(results)
    assert witness(results["SWP402", "swap"]) == 1
    assert [call(subject, "pte_none", call(subject, "__swp_entry", 0, offset)) for offset in (1, 15, 16)] == [1, 1, 0]


def test_a_pte_none_that_looks_at_every_bit_would_not_do() -> None:
    """It would tell swap entries from an empty one, and not know what pte_clear() leaves."""

    def strict(k: Kernel, pte: Expr) -> Expr:
        return eq(pte, 0)

    results = ask(layout("nios2").but(pte_none=strict), "SWP402", "LAY803", "PTE130")
    assert ("SWP402", "swap") not in refuted(results)
    assert ("PTE130", "none") in refuted(results)
    assert ("LAY803", "none/swap") in refuted(results)


# The TLB


def test_the_entry_is_what_the_tlb_gets() -> None:
    shared = next(row.value for row in layout("nios2").at(Level.PTE).protections if row.name == "VM_SHARED|VM_WRITE|VM_READ")
    assert walk(shared | 0x12345) == ("leaf", 0x12345)
    assert walk(shared | 0x12345, Access.STORE) == ("leaf", 0x12345)
    assert walk(shared | 0x12345, Access.FETCH)[0] == "refused"
    assert {walk(0xFE0F_FFFF & ~(7 << 21), access)[0] for access in Access} == {"invalid"}  # no right, whatever else is set


@pytest.mark.parametrize("release", RELEASES)
def test_a_store_to_a_clean_page_is_not_seen(release: str) -> None:
    results = ask(layout("nios2", release), "HW911")
    entry = witness(results["HW911", "leaf"])
    assert walk(entry, Access.STORE)[0] == "leaf"
    assert not call(layout("nios2", release), "pte_dirty", entry)


def test_write_protecting_what_is_made_clean_would_show_the_store() -> None:
    """And a refill that notes the access: both together are what it takes."""

    def protecting(k: Kernel, pte: Expr) -> Expr:
        return clear(pte, k["_PAGE_DIRTY", "_PAGE_WRITE"])

    cleaned = call(layout("nios2").but(pte_mkclean=protecting), "pte_mkclean", 0x0FC0_0001)
    assert walk(cleaned, Access.STORE)[0] == "refused"


def test_nothing_is_refuted_but_what_is_known_and_no_known_is_stale() -> None:
    checker = Checker(known=known("nios2"))
    results = [one for release in RELEASES for one in checker.check(layout("nios2", release), Level)]
    assert [one.key for one in results if one.failed or one.verdict is Verdict.UNKNOWN] == []
    assert list(stale(known("nios2"), results)) == []
