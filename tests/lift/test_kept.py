"""What was lifted comes back from the cache as it was, and nothing else does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bitspec.expr import FALSE, ite, ult, var, zext
from bitspec.lift import kept
from bitspec.lift.target import AsmRule
from bitspec.lift.translate import Outcome, Rules

V, M = var("arg0", 64), var("mystery+8", 32)
ROWS = [
    (("pte_young", "", "", "a.h:1", "L_pte_young"), Outcome((V,), ite(ult(V, 5), V & zext(M, 64), V << 3), ult(V, 1), FALSE, (M,))),
    (("pte_gone", "the tree has none", "", "", ""), None),
]


def test_outcomes_come_back_as_the_same_objects(tmp_path: Path) -> None:
    kept.keep(tmp_path / "a.lifted", "k", ROWS)
    found = kept.kept(tmp_path / "a.lifted", "k")
    assert found is not None
    assert [(tuple(texts), one) for texts, one in found] == ROWS
    assert found[0][1] is not None
    assert found[0][1].value is ROWS[0][1].value  # type: ignore[union-attr]


def test_another_key_gives_nothing(tmp_path: Path) -> None:
    kept.keep(tmp_path / "a.lifted", "k", ROWS)
    assert kept.kept(tmp_path / "a.lifted", "l") is None
    assert kept.kept(tmp_path / "b.lifted", "k") is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"key": "k"}', '{"key": "k", "nodes": [["add", [7, 8], null, 1]], "rows": []}'])
def test_a_broken_file_gives_nothing(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.lifted").write_text(text)
    assert kept.kept(tmp_path / "a.lifted", "k") is None


def test_an_operation_nobody_knows_gives_nothing(tmp_path: Path) -> None:
    data = {"key": "k", "nodes": [["system", [], "x", 1]], "rows": []}
    (tmp_path / "a.lifted").write_text(json.dumps(data))
    assert kept.kept(tmp_path / "a.lifted", "k") is None


def test_the_key_changes_with_the_files_and_with_the_rules() -> None:
    keys = {
        kept.key("s", Rules()),
        kept.key("t", Rules()),
        kept.key("s", Rules(), "unit"),
        kept.key("s", Rules(calls={"f": 1})),
        kept.key("s", Rules(asm=(AsmRule("x", "register", "x"),))),
        kept.key("s", Rules(initial=frozenset({"table"}))),
    }
    assert len(keys) == 6
    assert kept.key("s", Rules(initial=frozenset({"a", "b", "c"}))) == kept.key("s", Rules(initial=frozenset({"c", "b", "a"})))
