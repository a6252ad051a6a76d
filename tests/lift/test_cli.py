"""The commands that take a kernel tree: one clear line and exit 2 for what a user can get wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli import main
from tests.lift.test_tree import kernel

pytest.importorskip("llvmlite")
pytest.importorskip("ziglang")
TREE = os.environ.get("BITSPEC_KERNEL", "")


def refused(*arguments: object) -> str:
    result = CliRunner().invoke(main, [str(one) for one in arguments])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_a_folder_that_is_no_tree(tmp_path: Path) -> None:
    assert "a kernel tree must have a Makefile" in refused("conform", "--kernel", tmp_path)
    assert "a kernel tree must have a Makefile" in refused("check", "--kernel", tmp_path)
    assert "a kernel tree must have a Makefile" in refused("kernel", "prepare", tmp_path, "x86_64")


def test_an_architecture_nobody_knows(tmp_path: Path) -> None:
    assert "unknown architecture 'x86_46'; did you mean 'x86_64'?" in refused("kernel", "prepare", kernel(tmp_path), "x86_46")
    assert "alpha cannot be lifted" in refused("kernel", "prepare", kernel(tmp_path), "alpha")


def test_a_variant_nobody_knows(tmp_path: Path) -> None:
    assert "unknown variant of arm64 '4k-49'; did you mean '4k-48'?" in refused("conform", "--kernel", kernel(tmp_path), "arm64", "--variant", "4k-49")


def test_a_release_without_a_layout(tmp_path: Path) -> None:
    text = (kernel(tmp_path) / "Makefile").read_text().replace("12", "2")
    (tmp_path / "Makefile").write_text(text)
    assert "x86_64 has no layout of linux-6.2, which" in refused("conform", "--kernel", tmp_path, "x86_64")
    assert "no architecture has a layout of linux-6.2" in refused("conform", "--kernel", tmp_path)


def test_a_clang_that_is_none(tmp_path: Path) -> None:
    assert "must be a clang that runs" in refused("conform", "--kernel", kernel(tmp_path), "--cc", tmp_path / "none")


@pytest.mark.skipif(not TREE, reason="BITSPEC_KERNEL names no kernel tree")
def test_a_tree_conforms_and_is_checked() -> None:
    result = CliRunner().invoke(main, ["conform", "--kernel", TREE, "s390"])
    if "has no layout" in result.stderr:
        pytest.skip(result.stderr)
    assert result.exit_code == 0, result.output
    assert " 0 different, 0 unknown" in result.stdout
    lifted = CliRunner().invoke(main, ["check", "--kernel", TREE, "s390", "--format", "json"])
    assert '"source": "lifted"' in lifted.stdout


@pytest.mark.skipif(not TREE, reason="BITSPEC_KERNEL names no kernel tree")
def test_a_lifted_layout_gets_the_verdicts_of_the_declared_one() -> None:
    """Where every helper is equal, so is every verdict."""
    from archs import toolchains, trees
    from bitspec.lift.tree import release
    from bitspec.vocabulary import Level
    from proofs.check import Checker

    name = "linux-" + ".".join(release(Path(TREE)).split(".")[:2])
    arch = next((arch for arch in toolchains.architectures() if name in toolchains.releases(arch)), None)
    if arch is None:
        pytest.skip(f"no layout of {name}")
    ((declared, _),) = trees.liftings((arch,), trees.Runs(Path(TREE)))
    (lifted,) = trees.layouts((arch,), trees.Runs(Path(TREE)))
    verdicts = [{(one.code, one.subject, one.level.value): str(one.verdict) for one in Checker().check(layout, tuple(Level))} for layout in (declared, lifted)]
    assert verdicts[0] == verdicts[1]
