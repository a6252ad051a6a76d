"""A claim about a tree whose helpers depend on a symbol of which nothing is known: a verdict, and a witness that says what it rests on."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

from archs import discover
from bitspec.lift.layout import bare, from_tree
from bitspec.lift.problem import Problem
from bitspec.render import renderer
from bitspec.report import Evidence, Report
from bitspec.vocabulary import Level
from proofs.check import Checker, Verdict
from proofs.report import finding
from tests.lift.declared import header
from tests.lift.toy import lift_toy

pytest.importorskip("llvmlite")
pytest.importorskip("ziglang")


@cache
def _report(folder: Path, codes: frozenset[str], **instead: str) -> Report:
    layout = discover.layout("x86_64", "linux-6.12", "4-level")
    text = f"extern u64 mystery;\n{header(layout, **instead)}"
    lifted = from_tree(layout, lift_toy(text, folder), frozenset()).layout
    results = [one for one in Checker().check(lifted, (Level.PTE,), codes) if one.verdict is Verdict.REFUTED]
    return Report("0", "z3", tuple(finding(one) for one in results), (), (), 0.0)


def _evidence(report: Report) -> Evidence:
    assert report.findings
    evidence = report.findings[0].evidence
    assert evidence is not None
    return evidence


def test_a_predicate_that_rests_on_the_witnesss_symbol_is_asked_with_its_value(tmp_path: Path) -> None:
    report = _report(tmp_path, frozenset({"SWP405"}), pte_present="((arg0 & 0x101) != 0) | ((arg0 & mystery) != 0)")
    evidence = _evidence(report)
    value = evidence.inputs["mystery"]
    assert evidence.account.predicates["pte_present"] is bool(evidence.entry & (0x101 | value)) is True
    assert evidence.account.rests == (f"mystery = {value:#x}, of which nothing is known",)


def test_a_predicate_on_a_symbol_without_a_value_is_left_out_by_name(tmp_path: Path) -> None:
    report = _report(tmp_path, frozenset({"SWP405"}), pte_present="1", pte_young="(arg0 & mystery) != 0")
    evidence = _evidence(report)
    assert "pte_young" not in evidence.account.predicates
    assert evidence.account.predicates["pte_present"] is True
    assert evidence.account.rests == ("no mystery, of which nothing is known: pte_young left out, which depends on it",)


@pytest.mark.parametrize("name", ["text", "terse", "json"])
def test_every_format_says_what_a_witness_rests_on(name: str, tmp_path: Path) -> None:
    from io import StringIO

    from rich.console import Console

    report = _report(tmp_path, frozenset({"SWP405"}), pte_present="(arg0 & mystery) != 0")
    rendered = renderer(name)(report)
    if not isinstance(rendered, str):
        page = StringIO()
        Console(file=page, width=160).print(rendered)
        rendered = page.getvalue()
    if name == "json":
        assert json.loads(rendered)["results"][0]["witness"]["rests_on"]
    assert "of which nothing is known" in rendered


def test_a_tree_that_does_not_tell_its_page_size_is_not_given_one(tmp_path: Path) -> None:
    layout = discover.layout("x86_64", "linux-6.12", "4-level")
    lifting = lift_toy(f"extern u64 mystery;\n#define PAGE_SHIFT mystery\n{header(layout).replace('#define PAGE_SHIFT 12', '')}", tmp_path)
    with pytest.raises(Problem, match="PAGE_SHIFT must be lifted"):
        bare("x86_64", "4-level", lifting, layout.config)
