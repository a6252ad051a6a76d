"""The headers that every file of wrappers begins with, parsed once.

Parsing ``linux/mm.h`` and its like is most of what clang does for a file, and there are several files, compiled in several rounds.  A precompiled header
is what clang itself would have read: the IR that comes out is the same but for the places of inline assembly in the source.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bitspec.lift.wrappers import heading


def in_folder(cwd: Path) -> dict[str, str]:
    """The environment of a compiler that runs in a folder: clang believes PWD, and by another spelling of it finds no file that is laid over the tree."""
    return {**os.environ, "PWD": str(cwd)}


@contextmanager
def parsed(command: Sequence[str], folder: Path, cwd: Path) -> Iterator[Path | None]:
    """The precompiled headers, for as long as the context lasts; None where clang cannot make them, whatever the reason: the files say it better.

    Args:
        command: the compiler and the flags of the files that will be compiled.
        folder: for a folder of our own in it.
        cwd: where the compiler runs.
    """
    with TemporaryDirectory(prefix="headers-", dir=folder) as own:
        source, made = Path(own) / "headers.h", Path(own) / "headers.pch"
        source.write_text(heading(), encoding="utf-8")
        flags = [word for word in command if word not in ("-S", "-emit-llvm")]
        command = [*flags, "-x", "c-header", "-o", str(made), str(source)]
        done = subprocess.run(command, capture_output=True, cwd=cwd, env=in_folder(cwd), timeout=300, check=False)
        yield made if done.returncode == 0 else None


def using(command: Sequence[str], made: Path) -> list[str]:
    """The command for a file that begins with the headers: what it would include before its first line is in them already."""
    kept: list[str] = []
    words = iter(command)
    for word in words:
        if word == "-include":
            next(words, None)
        else:
            kept.append(word)
    return [*kept, "-include-pch", str(made)]
