"""Compiling the wrappers to LLVM IR, and finding out which helpers the tree lacks."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bitspec.lift.problem import Problem
from bitspec.lift.toolchain import Clang
from bitspec.lift.wrappers import Wrapper, source

#: After the kernel's own flags. Vectors, unrolled remainders and calls would only have to be undone.
FLAGS: Final = (
    "-O2", "-g1", "-fno-vectorize", "-fno-slp-vectorize", "-fno-optimize-sibling-calls", "-fno-discard-value-names", "-mllvm", "-inline-threshold=100000",
    "-ferror-limit=0", "-fno-spell-checking", "-fno-caret-diagnostics",
    "-Wno-everything", "-Werror=implicit-function-declaration", "-Werror=implicit-int", "-Werror=int-conversion",
    "-Werror=incompatible-pointer-types", "-Qunused-arguments", "-S", "-emit-llvm",
)  # fmt: skip
_ROUNDS: Final = 4


@dataclass(frozen=True, slots=True)
class Compiled:
    """What came of a file.

    Attributes:
        ir: LLVM IR.
        symbols: the function of each helper and constant, by its name.
        absent: why a helper is missing, by name.
        text: the C, for those who want to see it.
        state: changes with whatever went into it.
    """

    ir: str
    symbols: dict[str, str]
    absent: dict[str, str]
    text: str
    state: str = ""


def compile_wrappers(
    clang: Clang,
    triple: str,
    flags: Sequence[str],
    includes: Sequence[str],
    wrappers: Sequence[Wrapper],
    folder: Path,
    name: str,
    *,
    cwd: Path,
    prelude: Sequence[str] = (),
    tree: bool = True,
) -> Compiled:
    """Compile one file of wrappers.  Raises Problem where the headers themselves do not compile.

    The IR is kept in `folder`, and used again as long as neither the C, nor the flags, nor any file that was included has changed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    command = [*clang.command, f"--target={triple}", *flags, *FLAGS]
    if tree and clang.resources is not None:
        command += ["-isystem", str(clang.resources)]
    chosen = list(wrappers)
    key = hashlib.sha256("\0".join([clang.version, *command, source(includes, chosen, prelude, tree)]).encode()).hexdigest()
    name = f"{name}-{key[:12]}"  # variants of one configuration differ in what they pin, and so in their C
    kept = _kept(folder / f"{name}.json", key)
    if kept is not None:
        return kept
    reasons: dict[str, str] = {}
    path, ir, depends = folder / f"{name}.c", folder / f"{name}.ll", folder / f"{name}.d"
    for _ in range(_ROUNDS):
        text = source(includes, chosen, prelude, tree)
        path.write_text(text, encoding="utf-8")
        done = subprocess.run(
            [*command, "-MD", "-MF", str(depends), "-o", str(ir), str(path)], capture_output=True, text=True, cwd=cwd, timeout=300, check=False
        )
        if done.returncode == 0:
            break
        unknown = re.findall(r"error: (?:unknown argument|unsupported option)s?:? '?([^'\s]+)'?", done.stderr)
        if unknown:  # a tree configured with gcc
            command = [word for word in command if not any(word == one or word.startswith(one) for one in unknown)]
            continue
        failed = _failed(done.stderr, path, text)
        if not failed:
            raise Problem(f"{name}: clang fails on the tree's headers: {_first_error(done.stderr)}")
        reasons.update({one.symbol: failed[one.symbol] for one in chosen if one.symbol in failed})
        chosen = [one for one in chosen if one.symbol not in failed]
    else:
        raise Problem(f"{name}: clang still fails after {_ROUNDS} rounds: {_first_error(done.stderr)}")
    symbols: dict[str, str] = {}
    absent: dict[str, str] = {}
    left = {one.symbol for one in chosen}
    for one in wrappers:
        if one.symbol in left:
            symbols.setdefault(one.helper, one.symbol)
        else:
            absent.setdefault(one.helper, reasons[one.symbol])
    files = [_state(name) for name in _inputs(depends, cwd, path)]
    absent = {helper: why for helper, why in absent.items() if helper not in symbols}
    result = Compiled(ir.read_text(encoding="utf-8"), symbols, absent, text, _digest(key, files))
    _keep(folder / f"{name}.json", key, result, files)
    return result


def _failed(errors: str, path: Path, text: str) -> dict[str, str]:
    """The functions whose lines do not compile, with the compiler's reason."""
    lines = text.splitlines()
    found: dict[str, str] = {}
    for match in re.finditer(rf"^{re.escape(str(path))}:(\d+):\d+: error: (.*)$", errors, re.M):
        symbol = re.search(r"([LC]_\w+)\(", lines[int(match[1]) - 1])
        if symbol:
            found.setdefault(symbol[1], match[2])
    return found


def _first_error(errors: str) -> str:
    found = re.search(r"^.*error: .*$", errors, re.M)
    return found[0] if found else (errors.strip().splitlines() or ["it says nothing"])[-1]


def _state(path: str) -> list[object]:
    stat = Path(path).stat()
    return [path, stat.st_size, stat.st_mtime_ns]


def _inputs(depends: Path, cwd: Path, own: Path) -> list[str]:
    """The files that were included, from what ``-MD`` wrote."""
    text = depends.read_text(encoding="utf-8").replace("\\\n", " ")
    return [str(cwd / name) for name in text.partition(": ")[2].split() if cwd / name != own]


def _digest(key: str, files: Sequence[Sequence[object]]) -> str:
    return hashlib.sha256(json.dumps([key, files]).encode()).hexdigest()


def _keep(path: Path, key: str, result: Compiled, files: Sequence[Sequence[object]]) -> None:
    kept = {"key": key, "files": files, "symbols": result.symbols, "absent": result.absent, "ir": result.ir, "text": result.text}
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(kept), encoding="utf-8")
    fresh.replace(path)


def _kept(path: Path, key: str) -> Compiled | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["key"] != key or any(_state(str(one[0])) != one for one in found["files"]):
            return None
        return Compiled(found["ir"], found["symbols"], found["absent"], found["text"], _digest(key, found["files"]))
    except (OSError, ValueError, KeyError):
        return None
