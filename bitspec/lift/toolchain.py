"""Finding clang, and making sure that it and llvmlite speak of the same LLVM."""

from __future__ import annotations

import re
import shlex
import subprocess
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from bitspec.lift.problem import Problem

INSTALL: Final = "pip install 'bitspec-pgtable[kernel]'"


@dataclass(frozen=True, slots=True)
class Clang:
    """A clang.

    Attributes:
        command: how to call it, without a target.
        version: as it says itself.
        resources: the folder of its own headers, or None where ``-print-resource-dir`` is right.
    """

    command: tuple[str, ...]
    version: str
    resources: Path | None = None

    @property
    def major(self) -> int:
        """The LLVM release it belongs to."""
        return int(self.version.split(".")[0])


def llvm_version() -> str:
    """The version of LLVM inside llvmlite.  Raises Problem where it is missing."""
    if find_spec("llvmlite") is None:
        raise Problem(f"llvmlite must be installed to read LLVM IR: {INSTALL}")
    from llvmlite import binding

    return ".".join(map(str, binding.llvm_version_info))


@cache
def find(cc: str | None = None) -> Clang:
    """The clang to use: `cc` if given, else ziglang's.  Raises Problem if there is none, or if its LLVM is not llvmlite's."""
    if cc:
        command, resources = tuple(shlex.split(cc)), None
    else:
        command, resources = _ziglang()
    clang = Clang(command, _version(command), resources)
    llvm = llvm_version()
    if clang.major != int(llvm.split(".")[0]):
        raise Problem(f"clang and llvmlite must be of one LLVM major version, not {clang.version} ({command[0]}) and {llvm}: {INSTALL}")
    return clang


def _ziglang() -> tuple[tuple[str, ...], Path]:
    spec = find_spec("ziglang")
    if spec is None or not spec.submodule_search_locations:
        raise Problem(f"ziglang must be installed for its clang, or a clang be named by --cc: {INSTALL}")
    folder = Path(next(iter(spec.submodule_search_locations)))
    return (str(folder / "zig"), "clang"), folder / "lib" / "include"


def _version(command: tuple[str, ...]) -> str:
    try:
        done = subprocess.run([*command, "--version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Problem(f"{' '.join(command)} must be a clang that runs, not: {error}") from None
    found = re.search(r"clang version (\d+\.\d+\.\d+)", done.stdout)
    if found is None:
        raise Problem(f"{' '.join(command)} must be clang; it does not say so when asked for its version")
    return found[1]
