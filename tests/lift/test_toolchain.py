from __future__ import annotations

from pathlib import Path

import pytest

from bitspec.lift import toolchain
from bitspec.lift.problem import Problem

pytest.importorskip("llvmlite")


def fake(folder: Path, says: str) -> str:
    path = folder / "cc"
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return str(path)


def test_clang_and_llvmlite_must_be_of_one_major_version(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"clang and llvmlite must be of one LLVM major version, not 9\.0\.1 .* and \d+"):
        toolchain.find(fake(tmp_path, "clang version 9.0.1"))


def test_another_compiler_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="must be clang; it does not say so"):
        toolchain.find(fake(tmp_path, "gcc (Debian) 12.2.0"))


def test_a_compiler_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="must be a clang that runs"):
        toolchain.find(str(tmp_path / "none"))


def test_an_own_clang_of_the_right_version_is_taken(tmp_path: Path) -> None:
    found = toolchain.find(fake(tmp_path, f"Debian clang version {toolchain.llvm_version()}"))
    assert found.major == int(toolchain.llvm_version().split(".")[0])


def test_ziglang_has_the_version_that_is_pinned() -> None:
    pytest.importorskip("ziglang")
    assert toolchain.find().major == int(toolchain.llvm_version().split(".")[0])
