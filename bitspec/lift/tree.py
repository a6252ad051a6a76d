"""A kernel tree, configured for an architecture: out of tree, into a cache folder, unless it is configured already.

The compiler flags are not made up: the build system wrote them down when it made ``asm-offsets.s``, and they are read from there.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bitspec.lift.alone import alone
from bitspec.lift.overlay import Overlay
from bitspec.lift.problem import Problem
from bitspec.lift.sandbox import bwrap
from bitspec.lift.target import OFF, WORST_CASE, Target
from bitspec.lift.toolchain import Clang

TOOLS: Final = ("make", "gcc", "flex", "bison", "bc")
#: Flags that only matter for what is not done here (assembling, linking, dependencies), or that say where to write.
_DROPPED: Final = re.compile(r"-W(?!p,-D)|-o$|-[Sc]$|-fverbose-asm|-g|-pg$|-mrecord-mcount|-fpatchable|-fstack-protector|-fsanitize|-fzero-call|-ftrivial-auto")
_STEP_LIMIT: Final = 900


@dataclass(frozen=True, slots=True)
class Build:
    """A configured tree.

    Attributes:
        tree: the sources.
        folder: where the configuration and generated headers are; the tree itself when it was configured in place.
        arch: the kernel's name for the architecture.
        release: such as ``6.12.117``.
        flags: what to compile a file with, but for the target.
        options: the kernel options that are on.
        overlay: files of the tree that are read in another state than they are in; the configuration is the same.
    """

    tree: Path
    folder: Path
    arch: str
    release: str
    flags: tuple[str, ...]
    options: frozenset[str]
    overlay: Overlay | None = None


def cache_folder() -> Path:
    """Where bitspec keeps what can be made again."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "bitspec"


def release(tree: Path) -> str:
    """The release of the tree.  Raises Problem for a folder that is no kernel tree, or not a whole one."""
    makefile = tree / "Makefile"
    if not makefile.is_file():
        raise Problem(f"{tree}: a kernel tree must have a Makefile")
    text = makefile.read_text(encoding="utf-8", errors="replace")
    parts = re.findall(r"^(?:VERSION|PATCHLEVEL|SUBLEVEL) *= *(\d+)$", text, re.M)
    if len(parts) < 2:
        raise Problem(f"{tree}: a kernel tree's Makefile must tell its version")
    for needed in ("Kbuild", "scripts/Kbuild.include", "include/linux/mm.h"):
        if not (tree / needed).is_file():
            raise Problem(f"{tree}: a kernel tree must have {needed}; without it make does not end")
    return ".".join(parts)


def prepare(
    tree: Path,
    target: Target,
    clang: Clang,
    variant: str,
    *,
    defconfig: str | None = None,
    fragments: Iterable[Path] = (),
    folder: Path | None = None,
    sandbox: bool = False,
    progress: Callable[[str], None] = lambda line: None,
) -> Build:
    """The tree, configured for a variant.

    Args:
        defconfig: in place of the target's.
        fragments: configuration to add, after the worst case for bits and the variant's own options.
        folder: an own build folder; one that has a ``.config`` is used as it is, and so is a tree that has one.
        sandbox: run make under bubblewrap, without network.
        progress: is told what is going on.

    Raises Problem.
    """
    tree = tree.resolve()
    version = release(tree)
    given = folder is not None and (folder / ".config").is_file()
    if given or (folder is None and (tree / ".config").is_file()):
        place = folder.resolve() if folder is not None and given else tree
        if tuple(fragments):
            raise Problem(f"{place}: a configured tree or build folder is used as it is; no config can be added to it")
        return _build(tree, place, target, version)
    wanted = _fragment(target, variant, [path.read_text(encoding="utf-8") for path in fragments])
    base = defconfig or target.defconfig
    place = (folder or cache_folder() / "kernel" / _key(tree, version, target, clang, base, wanted)).resolve()
    with alone(place) if folder is None else nullcontext():
        if not (place / ".bitspec-prepared").is_file():
            _need_tools()
            try:
                _configure(tree, place, target, clang, base, wanted, sandbox, progress)
            except Problem:
                raise  # the log in there says more
            except BaseException:
                if folder is None:  # interrupted: what is half done in the cache is of no use
                    shutil.rmtree(place, ignore_errors=True)
                raise
    return _build(tree, place, target, version)


def _need_tools() -> None:
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        raise Problem(f"configuring a kernel needs {', '.join(missing)}, which must be installed")


def _fragment(target: Target, variant: str, more: list[str]) -> str:
    options = [*WORST_CASE, *(f"-{name}" for name in OFF), *target.options.get("", ()), *target.options.get(variant, ())]
    return "\n".join([*map(_line, options), *more, ""])


def _line(option: str) -> str:
    if option.startswith("-"):
        return f"# CONFIG_{option[1:]} is not set"
    return f"CONFIG_{option}" if "=" in option else f"CONFIG_{option}=y"


def _key(tree: Path, version: str, target: Target, clang: Clang, defconfig: str, fragment: str) -> str:
    """The name of a build folder: by the tree's place and state, the architecture, the configuration and the compiler."""
    state = [str(tree), version, clang.version, defconfig, fragment]
    if (tree / ".git").exists():  # a folder, or of another work tree a file
        done = subprocess.run(["git", "-C", str(tree), "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
        state.append(done.stdout)
    for name in ("Makefile", "Kconfig", f"arch/{target.arch}/Kconfig", f"arch/{target.arch}/Makefile", "mm/Kconfig", "init/Kconfig"):
        path = tree / name
        if path.is_file():
            stat = path.stat()
            state.append(f"{name} {stat.st_size} {stat.st_mtime_ns}")
    return f"{target.arch}-{version}-{hashlib.sha256(chr(0).join(state).encode()).hexdigest()[:12]}"


def _configure(tree: Path, place: Path, target: Target, clang: Clang, defconfig: str, fragment: str, sandbox: bool, progress: Callable[[str], None]) -> None:
    if (tree / "include" / "config").is_dir() or (tree / f"arch/{target.arch}/include/generated").is_dir():
        raise Problem(f"{tree}: a tree that was built in must be configured, or cleaned with 'make mrproper'; it has generated files and no .config")
    place.mkdir(parents=True, exist_ok=True)
    compiler = place / "bitspec-clang"
    own = ["-isystem", str(clang.resources)] if clang.resources is not None else []  # ziglang's clang does not find its own headers
    command = shlex.join([*clang.command, f"--target={target.triple}", *own, *_defines(target)])
    compiler.write_text(_script(target, command), encoding="utf-8")
    compiler.chmod(0o755)
    make = ["make", f"-j{os.cpu_count() or 1}", "-C", str(tree), f"O={place}", f"ARCH={target.arch}", f"CC={compiler}", "HOSTCC=gcc", "V=0"]
    if sandbox:
        make = [*bwrap(place, _needed(tree, clang)), *make]
    name = "" if re.search(r"(def)?config$", defconfig) else "_defconfig"
    progress(f"{target.arch}: {defconfig}{name}")
    _run([*make, f"{defconfig}{name}"], place, f"make {defconfig}{name}")
    config = place / ".config"
    names = re.findall(r"^(?:# )?CONFIG_(\w+)", fragment, re.M)
    kept = [line for line in config.read_text(encoding="utf-8").splitlines() if not re.match(rf"(# )?CONFIG_({'|'.join(names)})\b", line)]
    config.write_text("\n".join([*kept, fragment]), encoding="utf-8")
    progress(f"{target.arch}: olddefconfig")
    _run([*make, "olddefconfig"], place, "make olddefconfig")
    progress(f"{target.arch}: prepare")
    # The end of it builds the vdso, which may fail without a linker for the architecture: the generated headers are there by then.
    _run([*make, "-k", "prepare"], place, "make prepare", may_fail=True)
    if _recorded(place, target) is None:
        relative = f"arch/{target.arch}/kernel/asm-offsets.s"
        _run([*make, "-k", relative], place, f"make {relative}", may_fail=True)
    if _recorded(place, target) is None:
        raise Problem(f"{place}: make prepare must produce asm-offsets.s and does not; see {place / 'bitspec-log'}")
    (place / ".bitspec-prepared").touch()


#: Turns the IR of asm-offsets.c and its like into the lines that the build looks for in their assembly.
_OFFSETS: Final = r"""s/.*asm sideeffect "\\0A\.ascii \\22->\([^ ]*\) \$[{]*0[:c}]* \(.*\)\\22", "i"([^ ]* \([^)]*\)).*/.ascii "->\1 \3 \2"/p"""


def _script(target: Target, command: str) -> str:
    """What the build takes for its compiler."""
    lines = ["#!/bin/sh"]
    if target.as_gcc or target.front_end:
        command += " -Qunused-arguments -Wno-unused-command-line-argument"
    if target.as_gcc or target.front_end:
        lines.append('case " $* " in *" -Wa,--version "*) echo "GNU assembler (GNU Binutils) 2.40"; exit 0 ;; esac')
    if target.as_gcc:
        lines.append('[ "$1" = --version ] && { echo "bitspec cc"; exit 0; }')
        command += " -Wno-unknown-warning-option"
    dropped = "|".join([*([_GCC_ONLY] if target.as_gcc else []), *target.dropped])
    if dropped:
        lines += ["for word; do", "  shift", '  case "$word" in', f"    {dropped}) ;;", '    *) set -- "$@" "$word" ;;', "  esac", "done"]
    if target.front_end:
        # a trial run of a flag needs no file, and gets none; an object is an empty one of this machine's
        lines += [
            'out=; assembly=; before=; for word; do [ "$before" = -o ] && out=$word; [ "$word" = -S ] && assembly=1; before=$word; done',
            'if [ -n "$assembly" ] && [ -n "$out" ] && [ "$out" != /dev/null ]; then',
            f'  {command} "$@" -emit-llvm || exit 1',
            f'  sed -n {shlex.quote(_OFFSETS)} "$out" > "$out.bitspec" && mv "$out.bitspec" "$out"',
            "  exit",
            "fi",
            f'case " $* " in *" -c "*) {command} "$@" {_CHECKED} && echo | gcc -c -x c - -o "${{out:-/dev/null}}"; exit ;; esac',
            f'case " $* " in *" -S "*) exec {command} "$@" {_CHECKED} ;; esac',
        ]
    return "\n".join([*lines, f'exec {command} "$@"', ""])


_CHECKED: Final = "-fsyntax-only -Qunused-arguments -Wno-unused-command-line-argument"
#: Flags of gcc's for these architectures, which clang does not take.
_GCC_ONLY: Final = (
    "-mcpu=*|-mdiv|-mno-stack-size|-mbacktrace|-mlittle-endian|-Wa,*|-fcall-used-*|-mcmodel=*|-mtune=*|-fconserve-stack|-fno-tree-vectorize"
    "|-mlongcalls|-mtext-section-literals|-mforce-no-pic|-mno-serialize-volatile|-mabi=call0|-mabi=windowed"
    "|-mmedium-calls|-ffixed-gp|-fsection-anchors|-mlock|-mswape|-mno-sdata|-mmpy-option=*|-mno-long-calls|-fcall-saved-*|-munaligned-access|-mno-unaligned-access"
)


def _needed(tree: Path, clang: Clang) -> list[Path]:
    """What make reads besides what the machine has installed: the tree, and the folders of the compiler and its headers."""
    found = [tree, Path(sys.prefix), *([clang.resources] if clang.resources is not None else [])]
    program = shutil.which(clang.command[0])
    return [*found, *([Path(program).resolve().parent] if program else [])]


def _run(command: list[str], place: Path, what: str, may_fail: bool = False) -> None:
    log = place / "bitspec-log"
    with log.open("a", encoding="utf-8") as out:
        out.write(f"$ {shlex.join(command)}\n")
        out.flush()
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, timeout=_STEP_LIMIT, check=False)
        except subprocess.TimeoutExpired:
            raise Problem(f"{what} must end within {_STEP_LIMIT} seconds and does not; see {log}") from None
    if done.returncode and not may_fail:
        raise Problem(f"{what} fails: {_last_error(log)} (all of it: {log})")


def _last_error(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    for line in lines:
        if re.search(r"error|not found|can't open|No rule", line) and not line.startswith("$"):
            return line.strip()
    return lines[-1].strip() if lines else "it says nothing"


def _recorded(place: Path, target: Target) -> Path | None:
    found = place / "arch" / target.arch / "kernel" / ".asm-offsets.s.cmd"
    return found if found.is_file() else None


def _build(tree: Path, place: Path, target: Target, version: str) -> Build:
    config = (place / ".config").read_text(encoding="utf-8")
    recorded = _recorded(place, target)
    if recorded is None:
        raise Problem(f"{place}: a configured tree must be prepared ('make ARCH={target.arch} prepare') and for {target.arch}; there is no asm-offsets.s")
    line = recorded.read_text(encoding="utf-8").splitlines()[0]
    options = frozenset(re.findall(r"^CONFIG_(\w+)=[ym]$", config, re.M))
    return Build(tree, place, target.arch, version, (*_flags(line), *_defines(target)), options)


def _defines(target: Target) -> tuple[str, ...]:
    return tuple(f"-D{one}" for one in target.defines)


def _flags(recorded: str) -> tuple[str, ...]:
    """The flags in a line of a ``.cmd`` file: all but the compiler, the file, and what has to do with writing."""
    _, _, command = recorded.partition(":=")
    words = shlex.split(command)
    kept: list[str] = []
    skip = True  # the compiler, which may be several words: up to the first flag
    for place, word in enumerate(words[:-1]):
        skip = skip and not word.startswith("-")
        if skip or _DROPPED.match(word) or words[place - 1] == "-o" or word.startswith("--target"):
            continue
        kept.append(word)
    return tuple(kept)
