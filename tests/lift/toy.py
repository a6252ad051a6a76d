"""Compiling and lifting small pieces of C of our own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bitspec.lift import ir, toolchain
from bitspec.lift.build import FLAGS, Source, compile_all
from bitspec.lift.lifting import Lifting, read
from bitspec.lift.translate import Outcome, Rules, translate
from bitspec.lift.tree import Build
from bitspec.lift.wrappers import Wrapper, addresses, constants, helpers

C = Path(__file__).parent / "c"
TRIPLE = "x86_64-linux-gnu"


def clang() -> toolchain.Clang:
    pytest.importorskip("llvmlite")
    pytest.importorskip("ziglang")
    return toolchain.find()


def ir_of(text: str, folder: Path, *flags: str, triple: str = TRIPLE) -> str:
    """LLVM IR of some C, as the lifter would have it compiled."""
    import subprocess

    source, out = folder / "piece.c", folder / "piece.ll"
    source.write_text(text)
    command = [*clang().command, f"--target={triple}", "-std=gnu11", "-ffreestanding", "-fno-strict-aliasing", *flags, *FLAGS, "-o", str(out), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return out.read_text()


def outcome(text: str, name: str, rules: Rules | None = None) -> Outcome:
    """One function of IR text, translated."""
    module = ir.parse(text)
    function = module.function(name)
    assert function is not None
    return translate(module, function, rules or Rules())


def lift_toy(header: str, folder: Path, pins: dict[str, int] | None = None, rules: Rules | None = None, **more: Any) -> Lifting:
    """The vocabulary's helpers, from a header of ours."""
    (folder / "kernel.h").write_text(header)
    lines: tuple[Wrapper, ...] = (*helpers({}), *addresses(), *constants())
    flags = ("-std=gnu11", "-ffreestanding", f"-I{C}", f"-I{folder}")
    (compiled,) = compile_all([Source(clang(), TRIPLE, flags, ("toy.h", "kernel.h"), lines, folder, "toy", folder, tree=False, **more)])
    build = Build(folder, folder, "toy", "6.12", (), frozenset())
    items = {one.name: one for one in read(compiled, rules or Rules(), "toy", lines)}
    return Lifting(build, "toy", items, pins or {}, (), {"toy": compiled.ir})
