"""Compiling the wrappers to LLVM IR, and finding out which helpers the tree lacks."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from collections.abc import Iterable, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from os.path import normpath
from pathlib import Path
from typing import Final

from bitspec.lift.alone import alone
from bitspec.lift.headers import in_folder, parsed, using
from bitspec.lift.overlay import Overlay
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
        headers: the files that were included.
    """

    ir: str
    symbols: dict[str, str]
    absent: dict[str, str]
    text: str
    state: str = ""
    headers: frozenset[str] = field(default=frozenset(), repr=False)


@dataclass(frozen=True)
class Source:
    """A file to compile.

    Attributes:
        clang: the compiler.
        triple: its target.
        flags: what the kernel compiles with.
        includes: files to include before the wrappers.
        wrappers: one a line.
        folder: where the file, its IR and what is kept of it are.
        name: of the file.
        cwd: where the compiler runs.
        prelude: lines between the includes and the wrappers.
        tree: whether it is about a kernel tree; else its includes bring everything.
        overlay: files that are read in another state.
    """

    clang: Clang
    triple: str
    flags: Sequence[str]
    includes: Sequence[str]
    wrappers: Sequence[Wrapper]
    folder: Path
    name: str
    cwd: Path
    prelude: Sequence[str] = ()
    tree: bool = True
    overlay: Overlay | None = None

    @property
    def command(self) -> list[str]:
        """The compiler and its flags."""
        own = ["-isystem", str(self.clang.resources)] if self.tree and self.clang.resources is not None else []
        laid = self.overlay.flags if self.overlay is not None else ()
        return [*self.clang.command, f"--target={self.triple}", *self.flags, *FLAGS, *own, *laid]

    def text(self, wrappers: Sequence[Wrapper]) -> str:
        """The C, with some of the wrappers."""
        return source(self.includes, wrappers, self.prelude, self.tree)

    @cached_property
    def key(self) -> str:
        """Changes with the compiler, its flags, the C, and what its functions stand for."""
        names = (one.helper for one in self.wrappers)
        return hashlib.sha256("\0".join([self.clang.version, *self.command, self.text(self.wrappers), *names]).encode()).hexdigest()

    @property
    def stem(self) -> str:
        """The file's name: variants of one configuration differ in what they pin, and so in their C."""
        return f"{self.name}-{self.key[:12]}"

    def kept(self) -> Compiled | None:
        """What came of it, as long as neither the C, nor the flags, nor any file that was included has changed."""
        return _kept(self.folder / f"{self.stem}.json", self.key, self.overlay)

    def compiled(self, headers: Path | None = None) -> Compiled:
        """Compile it, with the headers it begins with precompiled if there are any.  Raises Problem where the headers themselves do not compile."""
        name, command = self.stem, self.command
        if headers is not None:
            command = using(command, headers)
        self.folder.mkdir(parents=True, exist_ok=True)
        path, ir, depends = (self.folder / f"{name}{suffix}" for suffix in (".c", ".ll", ".d"))
        chosen, reasons = list(self.wrappers), dict[str, str]()
        for _ in range(_ROUNDS):
            text = self.text(chosen)
            path.write_text(text, encoding="utf-8")
            done = subprocess.run(
                [*command, "-MD", "-MF", str(depends), "-o", str(ir), str(path)],
                capture_output=True, text=True, cwd=self.cwd, env=in_folder(self.cwd), timeout=300, check=False,
            )  # fmt: skip
            if done.returncode == 0:
                break
            known = without_unknown(command, done.stderr)
            if known != command:
                command = known
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
        for one in self.wrappers:
            if one.symbol in left:
                symbols.setdefault(one.helper, one.symbol)
            else:
                absent.setdefault(one.helper, reasons[one.symbol])
        ours = {path} if headers is None else {path, headers, headers.with_suffix(".h")}
        files = [_state(name, self.overlay) for name in _inputs(depends, self.cwd, ours)]
        absent = {helper: why for helper, why in absent.items() if helper not in symbols}
        result = Compiled(ir.read_text(encoding="utf-8"), symbols, absent, text, _digest(self.key, files), _included(files))
        _keep(self.folder / f"{name}.json", self.key, result, files)
        return result


def compile_all(sources: Sequence[Source]) -> list[Compiled]:
    """What came of several files with the same flags and folder; they are compiled side by side, and the headers that all begin with once."""
    with alone(sources[0].folder):
        found = [one.kept() for one in sources]
        missing = [one for one, kept in zip(sources, found, strict=True) if kept is None]
        if not missing:
            return [one for one in found if one is not None]
        first = missing[0]
        first.folder.mkdir(parents=True, exist_ok=True)
        with parsed(first.command, first.folder, first.cwd) as headers, ThreadPoolExecutor() as pool:
            running = {one.stem: pool.submit(one.compiled, headers) for one in missing}
            return [kept if kept is not None else running[one.stem].result() for one, kept in zip(sources, found, strict=True)]


def without_unknown(command: Sequence[str], errors: str) -> list[str]:
    """A command without the flags that clang says it does not know: those of a tree that was configured with gcc."""
    unknown = re.findall(r"error: (?:unknown argument|unsupported option)s?:? '?([^'\s]+)'?", errors)
    return [word for word in command if not any(word == one or word.startswith(one) for one in unknown)]


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


def _state(path: str, overlay: Overlay | None) -> list[object]:
    stat = Path(path if overlay is None else overlay.actual(path)).stat()
    return [path, stat.st_size, stat.st_mtime_ns]


def _inputs(depends: Path, cwd: Path, own: Set[Path]) -> list[str]:
    """The files that were included, from what ``-MD`` wrote, but for our `own`."""
    text = depends.read_text(encoding="utf-8").replace("\\\n", " ")
    return [str(cwd / name) for name in text.partition(": ")[2].split() if cwd / name not in own]


def _included(files: Iterable[Sequence[object]]) -> frozenset[str]:
    return frozenset(normpath(str(one[0])) for one in files)


def _digest(key: str, files: Sequence[Sequence[object]]) -> str:
    return hashlib.sha256(json.dumps([key, files]).encode()).hexdigest()


def _keep(path: Path, key: str, result: Compiled, files: Sequence[Sequence[object]]) -> None:
    kept = {"key": key, "files": files, "symbols": result.symbols, "absent": result.absent, "ir": result.ir, "text": result.text}
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(kept), encoding="utf-8")
    fresh.replace(path)


def _kept(path: Path, key: str, overlay: Overlay | None) -> Compiled | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["key"] != key or any(_state(str(one[0]), overlay) != one for one in found["files"]):
            return None
        return Compiled(found["ir"], found["symbols"], found["absent"], found["text"], _digest(key, found["files"]), _included(found["files"]))
    except (OSError, ValueError, KeyError):
        return None
