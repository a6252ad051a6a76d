"""Helpers broken on purpose: each defect is refuted, whatever else is known of the layout."""

from __future__ import annotations

import pytest

from archs import discover
from bitspec.expr import and_, any_of, clear, eq, ite, none_of
from bitspec.vocabulary import Level
from proofs.check import Checker

FRAME_BIT = 1 << 25


def _drops(name, mask, when=None):
    """The helper `name` of x86-64, with the bits of `mask` lost, for entries that `when` is true of."""
    real = discover.layout("x86_64").helper(name)

    def build(k, entry, *more):
        result = real(entry, *more)
        return clear(result, mask) if when is None else ite(when(entry), clear(result, mask), result)

    return {name: build}


def _prot_none(entry):
    return and_(any_of(entry, 1 << 8), none_of(entry, 1))


def _devmap(entry):
    return any_of(entry, 1 << 57)


DEFECTS = {
    "modify loses a frame bit": (_drops("pte_modify", FRAME_BIT), Level.PTE, "PTE124"),
    "modify of a prot-none leaf loses dirty": (_drops("pte_modify", 1 << 6 | 1 << 58, _prot_none), Level.PTE, "PTE123"),
    "modify of a prot-none leaf loses soft-dirty": (_drops("pmd_modify", 1 << 11, _prot_none), Level.PMD, "PMD223"),
    "a known setter loses one thing more": (_drops("pte_mkdirty", 1 << 10), Level.PTE, "PTE121"),
    "a setter moves the frame of a prot-none leaf": (_drops("pte_mksoft_dirty", FRAME_BIT, _prot_none), Level.PTE, "PTE120"),
    "mkyoung of a prot-none leaf loses soft-dirty": (_drops("pte_mkyoung", 1 << 11, _prot_none), Level.PTE, "PTE121"),
    "mkold of a devmap leaf loses special": (_drops("pte_mkold", 1 << 9, _devmap), Level.PTE, "PTE121"),
    "mkinvalid loses dirty": (_drops("pmd_mkinvalid", 1 << 6), Level.PMD, "PMD254"),
    "mkinvalid of a devmap leaf loses devmap": (_drops("pmd_mkinvalid", 1 << 57), Level.PMD, "PMD254"),
    "access_permitted is always true": ({"pte_access_permitted_write": lambda k, pte: eq(pte, pte)}, Level.PTE, "HW914"),
    "exec is inverted": ({"pte_exec": lambda k, pte: any_of(pte, 1 << 63)}, Level.PTE, "HW913"),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_is_refuted(defect: str) -> None:
    helpers, level, code = DEFECTS[defect]
    broken = discover.layout("x86_64").but(**helpers)
    results = Checker(discover.known("x86_64")).check(broken, [level], frozenset({code}))
    assert any(one.failed for one in results)


def test_a_frame_misplaced_for_one_protection_is_refuted() -> None:
    real = discover.layout("x86_64").helper("pfn_pte")
    broken = discover.layout("x86_64").but(pfn_pte=lambda k, pfn, prot: ite(eq(prot, 0x25), real(pfn ^ 1, prot), real(pfn, prot)))
    assert any(one.failed for one in Checker().check(broken, [Level.PTE], frozenset({"PTE125"})))


def test_a_store_that_is_refused_for_ever_is_refuted() -> None:
    shipped = discover.layout("arm64")
    dirty = shipped.helper("pte_mkdirty")
    broken = shipped.but(pte_mkdirty=lambda k, pte: dirty(pte) | k["PTE_RDONLY"])
    assert any(one.failed for one in Checker(discover.known("arm64")).check(broken, [Level.PTE], frozenset({"HW912"})))
