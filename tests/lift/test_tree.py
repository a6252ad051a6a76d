"""Configuring: what can be missing, and what is used as it is. No kernel tree is needed."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event
from time import sleep

import pytest

from bitspec.lift import tree
from bitspec.lift.problem import Problem
from bitspec.lift.target import Target
from bitspec.lift.toolchain import Clang

TARGET = Target(arch="toy", triple="x86_64-linux-gnu", defconfig="defconfig", options={"": ("A",), "big": ("PAGES=5", "-SMALL")})
CLANG = Clang(("/bin/true",), "22.1.8")


def kernel(folder: Path) -> Path:
    files = {"Makefile": "VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 7\n", "Kbuild": "", "scripts/Kbuild.include": "", "include/linux/mm.h": ""}
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def configured(folder: Path) -> Path:
    command = folder / "arch/toy/kernel/.asm-offsets.s.cmd"
    command.parent.mkdir(parents=True)
    command.write_text(
        "savedcmd_x := gcc -Wp,-MMD,x.d -nostdinc -I./include -include ./k.h -D__KERNEL__ -DNAME='\"a b\"' -O2 -g -Wall -fstack-protector-strong "
        "-mbig -fverbose-asm -S -o x.s x.c\n"
    )
    (folder / ".config").write_text("CONFIG_A=y\nCONFIG_M=m\n# CONFIG_B is not set\nCONFIG_N=5\n")
    return folder


@pytest.mark.parametrize(
    ("missing", "says"),
    [
        ("Makefile", "a kernel tree must have a Makefile"),
        ("Kbuild", "a kernel tree must have Kbuild; without it make does not end"),
        ("include/linux/mm.h", "a kernel tree must have include/linux/mm.h"),
    ],
)
def test_a_folder_that_is_no_whole_tree_is_refused(tmp_path: Path, missing: str, says: str) -> None:
    (kernel(tmp_path) / missing).unlink()
    with pytest.raises(Problem, match=says):
        tree.release(tmp_path)


def test_the_release_is_the_makefiles(tmp_path: Path) -> None:
    assert tree.release(kernel(tmp_path)) == "6.12.7"


def test_what_is_interrupted_leaves_no_build_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(tree_: Path, place: Path, *more: object) -> None:
        place.mkdir(parents=True)
        (place / "half").touch()
        raise KeyboardInterrupt

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(tree, "_need_tools", lambda: None)
    monkeypatch.setattr(tree, "_configure", interrupted)
    with pytest.raises(KeyboardInterrupt):
        tree.prepare(kernel(tmp_path / "tree"), TARGET, CLANG, "")
    assert [path.suffix for path in (tmp_path / "cache").rglob("*") if path.is_file()] == [".lock"]


def test_who_comes_second_finds_what_the_first_has_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that want one build are one after the other; a file's lock does not care whether they are processes or threads."""
    begun, both = Event(), []

    def configure(tree_: Path, place: Path, *more: object) -> None:
        begun.set()
        both.append("in")
        sleep(0.2)
        configured(place)
        (place / ".bitspec-prepared").touch()
        both.append("out")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(tree, "_need_tools", lambda: None)
    monkeypatch.setattr(tree, "_configure", configure)
    source = kernel(tmp_path / "tree")
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(tree.prepare, source, TARGET, CLANG, "")
        begun.wait()
        assert tree.prepare(source, TARGET, CLANG, "") == first.result()
    assert both == ["in", "out"]


def test_missing_tools_are_named_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Problem, match="configuring a kernel needs make, gcc, flex, bison, bc, which must be installed"):
        tree.prepare(kernel(tmp_path), TARGET, CLANG, "", folder=tmp_path / "build")


def test_a_configured_tree_is_used_as_it_is(tmp_path: Path) -> None:
    made = tree.prepare(configured(kernel(tmp_path)), TARGET, CLANG, "")
    assert made.folder == made.tree == tmp_path.resolve()
    assert made.options == {"A", "M"}


def test_a_configured_build_folder_is_used_as_it_is(tmp_path: Path) -> None:
    made = tree.prepare(kernel(tmp_path / "tree"), TARGET, CLANG, "", folder=configured(tmp_path / "build"))
    assert (made.tree, made.folder) == ((tmp_path / "tree").resolve(), (tmp_path / "build").resolve())


def test_a_tree_configured_for_another_architecture_is_refused(tmp_path: Path) -> None:
    (kernel(tmp_path) / ".config").write_text("")
    with pytest.raises(Problem, match=r"must be prepared .* and for toy"):
        tree.prepare(tmp_path, TARGET, CLANG, "")


def test_flags_are_those_of_the_build_without_what_writes(tmp_path: Path) -> None:
    made = tree.prepare(configured(kernel(tmp_path)), TARGET, CLANG, "")
    assert made.flags == ("-nostdinc", "-I./include", "-include", "./k.h", "-D__KERNEL__", '-DNAME="a b"', "-O2", "-mbig")


def test_a_targets_own_macros_come_after_the_builds_flags(tmp_path: Path) -> None:
    made = tree.prepare(configured(kernel(tmp_path)), replace(TARGET, defines=("odd(x)=0",)), CLANG, "")
    assert made.flags[-2:] == ("-mbig", "-Dodd(x)=0")


def test_a_variants_options_come_after_the_worst_case(tmp_path: Path) -> None:
    lines = tree._fragment(TARGET, "big", ["CONFIG_LAST=y"]).splitlines()
    assert lines.index("CONFIG_MEM_SOFT_DIRTY=y") < lines.index("CONFIG_PAGES=5") < lines.index("# CONFIG_SMALL is not set") < lines.index("CONFIG_LAST=y")


def test_the_cache_folder_is_keyed_by_tree_and_configuration(tmp_path: Path) -> None:
    source = kernel(tmp_path)
    keys = {
        tree._key(source, "6.12.7", TARGET, CLANG, "defconfig", "A"),
        tree._key(source, "6.12.7", TARGET, CLANG, "defconfig", "B"),
        tree._key(source, "6.12.7", TARGET, CLANG, "tinyconfig", "A"),
    }
    assert len(keys) == 3
    (source / "Makefile").write_text((source / "Makefile").read_text() + "# touched\n")
    os.utime(source / "Makefile", (1, 1))
    assert tree._key(source, "6.12.7", TARGET, CLANG, "defconfig", "A") not in keys


def test_a_make_that_fails_is_told_with_its_reason(tmp_path: Path) -> None:
    source = kernel(tmp_path / "tree")
    (source / "Makefile").write_text((source / "Makefile").read_text() + "defconfig:\n\t@echo 'Kconfig:1: error: no such luck'; exit 1\n")
    if any(shutil.which(tool) is None for tool in tree.TOOLS):
        pytest.skip("make and its friends are not installed")
    with pytest.raises(Problem, match="make defconfig fails: Kconfig:1: error: no such luck"):
        tree.prepare(source, TARGET, CLANG, "", folder=tmp_path / "build")
