"""Headers that make generates from C: whether a tree with some files in another state would get the same ones.

Kbuild compiles kernel/bounds.c and arch/*/kernel/asm-offsets.c to assembly and takes the numbers from there (Kbuild, include/linux/kbuild.h, linux-6.12).
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Set
from os.path import normpath
from pathlib import Path
from typing import Final

from bitspec.lift.build import FLAGS, without_unknown
from bitspec.lift.headers import in_folder
from bitspec.lift.lifting import flags_for
from bitspec.lift.target import Target
from bitspec.lift.toolchain import Clang
from bitspec.lift.tree import Build

_DEFINED: Final = re.compile(r"^#define (\w+) (-?\w+)", re.M)
#: ``->NAME $value text`` inside inline assembly: the value is operand 0 of it.
_TOLD: Final = re.compile(r'asm sideeffect "\\0A\.ascii \\22->(\w+) \$[^"]*", "i[^"]*"\(i\d+ (-?\d+)\)')


def alike(build: Build, target: Target, clang: Clang, changed: Set[str], read: Set[str], fresh: bool = False) -> bool:
    """Whether every generated header that was read would be the same, were it made of the tree as the build's overlay has it.

    False where it is not known.

    Args:
        changed: the files that are in another state, as absolute paths.
        read: the files that the lifting read.
        fresh: whether there are headers that were not there before: any may take the place of another.
    """
    return all(_same(build, target, clang, source, header) for source, header in _affected(build, target, changed, read, fresh))


def _affected(build: Build, target: Target, changed: Set[str], read: Set[str], fresh: bool) -> Iterator[tuple[str, Path]]:
    offsets = f"arch/{target.arch}/kernel/asm-offsets"
    for stem, name in (("kernel/bounds", "bounds.h"), ("kernel/sched/rq-offsets", "rq-offsets.h"), (offsets, "asm-offsets.h")):
        header, recorded = build.folder / "include/generated" / name, build.folder / f"{Path(stem).parent}/.{Path(stem).name}.s.cmd"
        if normpath(header) not in read:
            continue
        if fresh or not recorded.is_file() or _inputs(recorded, build.folder) & changed:
            yield f"{stem}.c", header


def _inputs(recorded: Path, folder: Path) -> set[str]:
    """The files that a ``.cmd`` file names."""
    words = recorded.read_text(encoding="utf-8", errors="replace").partition("deps_")[2].split()
    return {normpath(folder / word) for word in words if not word.startswith("$")}


def _same(build: Build, target: Target, clang: Clang, source: str, header: Path) -> bool:
    own = ["-isystem", str(clang.resources)] if clang.resources is not None else []
    laid = build.overlay.flags if build.overlay is not None else ()
    command = [*clang.command, f"--target={target.triple}", *flags_for(build, target), *FLAGS, *own, *laid, "-o", "-", str(build.tree / source)]
    try:
        done = _run(command, build.folder)
        known_to_clang = without_unknown(command, done.stderr)
        if known_to_clang != command:
            done = _run(known_to_clang, build.folder)
    except subprocess.TimeoutExpired:
        return False
    known = dict(_DEFINED.findall(header.read_text(encoding="utf-8", errors="replace")))
    made = dict(_TOLD.findall(done.stdout))
    return done.returncode == 0 and set(made) == set(known) and all(_number(known[name]) == int(made[name]) for name in made)


def _run(command: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=in_folder(cwd), timeout=300, check=False)


def _number(text: str) -> int | None:
    try:
        return int(text, 0)
    except ValueError:
        return None
