"""Tables of the kernel's own image: what an empty entry points to on some architectures, and no table that is allocated."""

from __future__ import annotations

from dataclasses import replace

import pytest

from archs import discover, toolchains
from bitspec.expr import eq, ne
from bitspec.layout import Layout
from bitspec.vocabulary import Level
from proofs.check import Checker, Verdict
from proofs.preconditions import ALLOCATED
from proofs.state import State
from proofs.states import states

IMAGE = 0x4000_0000


def layout(*static_tables: int) -> Layout:
    """A layout whose empty PMD is the entry of a table at IMAGE."""
    declared = discover.layout("arm64", "linux-6.12")
    empty = declared.at(Level.PMD).populate(IMAGE)
    made = declared.but(pmd_clear=lambda k: empty, pmd_none=lambda k, pmd: eq(pmd, empty), pmd_present=lambda k, pmd: ne(pmd, empty))
    return replace(made, static_tables=static_tables, derived={}, _built={})


def verdicts(made: Layout) -> set[Verdict]:
    found = Checker().check(made, (Level.PMD,))
    return {one.verdict for one in found if one.code in ("PMD234", "PMD235") and one.subject == "table"}


def test_without_it_a_table_may_lie_where_the_empty_one_does() -> None:
    assert verdicts(layout()) == {Verdict.REFUTED}


def test_a_table_that_is_allocated_is_not_in_the_image() -> None:
    assert verdicts(layout(IMAGE)) == {Verdict.PROVED}
    table = states(layout(IMAGE), Level.PMD)["table"]
    assert isinstance(table, State)
    assert ALLOCATED in [one.precondition for one in table.given]


def test_layouts_without_such_tables_assume_nothing_of_the_kind() -> None:
    table = states(discover.layout("arm64", "linux-6.12"), Level.PMD)["table"]
    assert isinstance(table, State)
    assert ALLOCATED not in [one.precondition for one in table.given]


@pytest.mark.parametrize("arch", ["loongarch64", "mips64", "csky"])
def test_they_are_named_where_an_empty_entry_points_to_one(arch: str) -> None:
    target = toolchains.target(arch)
    pinned = {name.removeprefix("addr.") for variant in toolchains.variants(arch) for name in target.pins(variant) if name.startswith("addr.")}
    assert set(target.static_tables) == pinned


def test_a_page_of_arm_is_what_is_stored() -> None:
    """With LPAE set_pmd_at() and set_pte_at() make a PROT_NONE page invalid; the helpers alone would not tell."""
    (unit,) = (one for one in toolchains.target("arm").units if one.name == "stored")
    assert unit.variants == ("lpae",)
    assert any("set_pmd_at" in line for line in unit.prelude)
    for level, names in (("pmd", ("mkhuge", "mkinvalid")), ("pte", ("mkspecial",))):
        assert all(unit.wrappers[f"{level}_{name}"].startswith(f"bs_stored_{level}(") for name in (*names, "modify", "mkyoung", "mkwrite", "wrprotect"))
