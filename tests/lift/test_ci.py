"""What CI does about the kernel where it cannot have one: it says so, loudly, and does not fail."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

CI = Path(__file__).parents[2] / ".ci" / "kernel"
BASH = shutil.which("bash") or ""


def _tools(folder: Path, **scripts: str) -> dict[str, str]:
    """A PATH with a few real tools, and stand-ins for others."""
    folder.mkdir()
    for name in ("dirname", "mktemp", "rm", "tail", "timeout", "bash"):
        (folder / name).symlink_to(shutil.which(name) or "")
    for name, text in scripts.items():
        path = folder / name.replace("_", "-")
        path.write_text(f"#!{BASH}\n{text}\n")
        path.chmod(0o755)
    return {"PATH": str(folder), "TMPDIR": str(folder)}


@pytest.mark.skipif(not BASH or not CI.is_file(), reason="no bash, or no checkout")
@pytest.mark.parametrize(
    ("scripts", "says"),
    [
        ({}, "KERNEL PART NOT RUN: there is no apt-get"),
        (
            {"apt_get": "echo no network; exit 100", "apt_cache": "echo Candidate: 1", "dpkg": "exit 1"},
            "KERNEL PART NOT RUN: make gcc flex bison bc xz-utils",
        ),
        (
            {"apt_get": "[ $2 != download ] || { echo no network; exit 100; }", "apt_cache": "echo Candidate: 1", "dpkg": "exit 1"},
            "KERNEL PART NOT RUN: linux-source-6.12 cannot be fetched: no network",
        ),
    ],
)
def test_a_kernel_that_cannot_be_had_is_told_and_is_no_failure(scripts: dict[str, str], says: str, tmp_path: Path) -> None:
    done = subprocess.run([BASH, str(CI)], env=_tools(tmp_path / "bin", **scripts), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0
    assert says in done.stderr


@pytest.mark.skipif(not BASH or not CI.is_file(), reason="no bash, or no checkout")
def test_a_failing_test_against_the_kernel_is_a_failure(tmp_path: Path) -> None:
    env = {**_tools(tmp_path / "bin", pytest="exit 1"), "BITSPEC_KERNEL": "somewhere"}
    done = subprocess.run([BASH, str(CI)], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "kernel part: somewhere\n")
