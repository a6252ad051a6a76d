"""make under bubblewrap: what it may do, and what is said where it cannot be."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from bitspec.lift.problem import Problem
from bitspec.lift.sandbox import bwrap


def fake(folder: Path, script: str) -> None:
    """A bwrap of ours in `folder`."""
    path = folder / "bwrap"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_without_bubblewrap_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Problem, match="needs bubblewrap"):
        bwrap(tmp_path, ())


def test_where_namespaces_are_forbidden_it_says_so_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(tmp_path, 'echo "bwrap: No permissions to create new namespace" >&2; exit 1')
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(Problem) as caught:
        bwrap(tmp_path, ())
    assert str(caught.value).endswith("here it does not run: bwrap: No permissions to create new namespace")
    assert "\n" not in str(caught.value)


def test_the_command_line_says_it_with_status_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    import cli

    pytest.importorskip("ziglang")
    pytest.importorskip("llvmlite")
    for name in ("make", "gcc", "flex", "bison", "bc"):
        fake(tmp_path, "exit 0")
        (tmp_path / "bwrap").rename(tmp_path / name)
    fake(tmp_path, 'echo "bwrap: setting up uid map: Permission denied" >&2; exit 1')
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    tree = tmp_path / "tree"
    for name in ("Kbuild", "scripts/Kbuild.include", "include/linux/mm.h"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).touch()
    (tree / "Makefile").write_text("VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 0\n")
    done = CliRunner().invoke(cli.main, ["kernel", "prepare", str(tree), "arm64", "--build", str(tmp_path / "build"), "--sandbox"])
    assert done.exit_code == 2
    assert "setting up uid map: Permission denied" in done.output
    assert "Traceback" not in done.output


def _works() -> bool:
    try:
        bwrap(Path("/"), ())
    except Problem:
        return False
    return True


@pytest.mark.skipif(shutil.which("bwrap") is None or not _works(), reason="there is no bubblewrap that runs")
@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("echo made > {place}/file", 0),
        ("echo made > {tree}/file", 1),
        ("cat {tree}/Makefile", 0),
        ("test -e {other}/secret", 1),
        ("test $(grep -c : /proc/net/dev) = 1", 0),  # the loopback device alone
        ('test -z "$SECRET"', 0),
    ],
)
def test_it_reads_the_tree_and_writes_to_the_build_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, status: int) -> None:
    if not tmp_path.is_relative_to("/tmp"):
        pytest.skip("the folders of this test are not where others are hidden")
    monkeypatch.setenv("SECRET", "told to none")
    place, tree, other = (tmp_path / name for name in ("place", "tree", "other"))
    for folder in (place, tree, other):
        folder.mkdir()
    (tree / "Makefile").touch()
    (other / "secret").touch()
    done = subprocess.run([*bwrap(place, [tree]), "sh", "-c", command.format(place=place, tree=tree, other=other)], capture_output=True, check=False)
    assert bool(done.returncode) is bool(status), done.stderr
