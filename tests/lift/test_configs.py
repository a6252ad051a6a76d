"""The shipped configurations: named fragments, files, and the cross-section of an architecture."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from archs import toolchains
from archs.trees import Runs
from bitspec.layout import CONFIGS
from bitspec.lift import tree
from bitspec.lift.problem import Problem
from bitspec.vocabulary import VocabularyError
from cli import main
from tests.lift.test_tree import CLANG, TARGET, configured, kernel


def test_every_config_that_a_layout_can_have_is_shipped_as_a_fragment() -> None:
    assert {one.name for one in CONFIGS} <= {one.name for one in toolchains.configs()}
    assert toolchains.configs()[0] == toolchains.DEFAULT


@pytest.mark.parametrize("one", toolchains.configs()[1:], ids=lambda one: one.name)
def test_a_fragment_says_what_it_is_about_and_is_kconfig(one: toolchains.Chosen) -> None:
    first, *rest = one.fragments[0].read_text().splitlines()
    assert re.fullmatch(r"# [A-Z].*[.]", first)
    assert rest
    assert all(re.fullmatch(r"# CONFIG_\w+ is not set|CONFIG_\w+=\S+", line) for line in rest)


def test_a_config_is_a_name_or_a_file(tmp_path: Path) -> None:
    mine = tmp_path / "mine.config"
    mine.write_text("CONFIG_X=y\n")
    assert toolchains.config(str(mine)) == toolchains.Chosen("mine", (mine,))
    assert toolchains.config("minimal").fragments[0].name == "minimal.config"
    with pytest.raises(VocabularyError, match=r"unknown config, and no file, 'minimum'; did you mean 'minimal'\?"):
        toolchains.config("minimum")


def test_each_config_runs_by_itself_in_each_variant(tmp_path: Path) -> None:
    runs = Runs(tmp_path, "all", ("default", "minimal", "default"))
    found = [(variant, one.name) for variant, one in runs.combinations("s390")]
    assert found == [(variant, name) for variant in toolchains.variants("s390") for name in ("default", "minimal")]


def test_the_cross_section_has_every_variant_and_every_config_once(tmp_path: Path) -> None:
    found = [(variant, one.name) for variant, one in Runs(tmp_path, all_configs=True).combinations("arm64")]
    variants = toolchains.variants("arm64")
    assert found == [(one, "default") for one in variants] + [(variants[0], one.name) for one in toolchains.configs()[1:]]
    with pytest.raises(VocabularyError, match="must not come together"):
        Runs(tmp_path, None, ("minimal",), all_configs=True).combinations("arm64")


def test_of_configs_with_the_same_options_the_cross_section_runs_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    pytest.importorskip("llvmlite")
    pytest.importorskip("ziglang")

    def prepare(*_: object, fragments: tuple[Path, ...] = (), **more: object) -> tree.Build:
        options = frozenset({"A"} if fragments and fragments[0].stem == "minimal" else {"A", "B"})
        return tree.Build(tmp_path, tmp_path, "s390", "6.12", (), options)

    monkeypatch.setattr(tree, "prepare", prepare)
    found = [one.name for variant, one, _ in Runs(tmp_path, "z14", all_configs=True).prepared("s390")]
    assert found == ["default", "minimal"]
    assert "config no-uffd-wp skipped: the tree has the same options as in config default" in capsys.readouterr().err


def test_a_configured_tree_takes_no_config(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="is used as it is; no config can be added to it"):
        tree.prepare(configured(kernel(tmp_path)), TARGET, CLANG, "", fragments=toolchains.config("minimal").fragments)


def test_all_configs_without_a_tree_is_one_line() -> None:
    result = CliRunner().invoke(main, ["check", "--all-configs"])
    assert (result.exit_code, result.stderr) == (2, "bitspec: --all-configs must come with --kernel TREE\n")


def test_declared_layouts_are_asked_in_several_configs() -> None:
    arguments = ["check", "s390", "--level", "pte", "--select", "SWP405", "--config", "default", "--config", "minimal", "--format", "json"]
    result = CliRunner().invoke(main, arguments)
    assert '"config": "default"' in result.stdout
    assert '"config": "minimal"' in result.stdout
