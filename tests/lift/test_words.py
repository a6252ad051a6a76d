"""Architectures whose unsigned long and pointers are narrower than the claims' numbers, and those whose build refuses clang."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from archs import toolchains
from bitspec.lift.lifting import flags_for
from bitspec.lift.target import Target
from bitspec.lift.tree import Build, _script

pytest.importorskip("llvmlite")

IR = """
target datalayout = "e-m:e-p:32:32-n8:16:32-S128"
@table = external global i32

define i32 @address() {
  %at = getelementptr i8, ptr @table, i32 4
  %number = ptrtoint ptr %at to i32
  ret i32 %number
}

define i64 @loaded(i64 %wide) {
  %at = alloca i64
  store i64 %wide, ptr %at
  %back = load i64, ptr %at
  ret i64 %back
}

define i64 @quiet(i64 %a) {
  call void (ptr, i32, i32, ptr, ...) @warn_slowpath_fmt(ptr null, i32 1, i32 9, ptr null)
  ret i64 %a
}

declare void @warn_slowpath_fmt(ptr, i32, i32, ptr, ...)
"""


def lifted(name: str) -> str:
    from bitspec.lift import ir
    from bitspec.lift.translate import Rules, translate

    module = ir.parse(IR)
    function = module.function(name)
    assert function is not None
    outcome = translate(module, function, Rules())
    return f"{outcome.value.width}: {[(str(one.attr), one.width) for one in outcome.symbols]}"


def test_an_address_has_the_width_of_the_machines_pointers() -> None:
    assert lifted("address") == "32: [('addr.table', 32)]"


def test_wide_entries_live_on_narrow_stacks() -> None:
    assert lifted("loaded") == "64: []"


def test_a_warning_changes_nothing() -> None:
    assert lifted("quiet") == "64: []"


@pytest.mark.parametrize("arch", [arch for arch in toolchains.architectures() if not toolchains.releases(arch)])
def test_it_is_known_how_to_lift(arch: str) -> None:
    assert toolchains.releases(arch) == ()
    assert toolchains.target(arch).given or arch in ("hexagon", "riscv32", "powerpc32", "xtensa")
    assert all(isinstance(toolchains.target(arch).pins(variant), dict) for variant in toolchains.variants(arch))


def script(tmp_path: Path, *arguments: str) -> str:
    path = tmp_path / "cc"
    path.write_text(_script(Target("toy", "toy", "defconfig", {}, as_gcc=True), "echo real"))
    return subprocess.run(["sh", str(path), *arguments], capture_output=True, text=True, check=True).stdout.strip()


def test_a_build_that_refuses_clang_is_not_told(tmp_path: Path) -> None:
    assert script(tmp_path, "--version") == "bitspec cc"
    assert script(tmp_path, "-Wa,--version", "-c").startswith("GNU assembler")
    assert script(tmp_path, "-O2", "-mcpu=ck810", "-mlongcalls", "-mmpy-option=6", "a b.c").endswith("-O2 a b.c")


def test_flags_that_clang_does_not_know_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "cc"
    path.write_text(_script(Target("toy", "toy", "defconfig", {}, dropped=("-m5200",)), "echo real"))
    done = subprocess.run(["sh", str(path), "-O2", "-m5200", "a b.c"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "real -O2 a b.c"


def test_lifting_does_without_them_too(tmp_path: Path) -> None:
    build = Build(tmp_path, tmp_path, "toy", "6.12.0", ("-O2", "-m5200"), frozenset())
    assert flags_for(build, Target("toy", "toy", "defconfig", {}, dropped=("-m5200",)))[:2] == ("-O2", f"-I{tmp_path}")


def test_offsets_are_read_out_of_ir(tmp_path: Path) -> None:
    target = Target("toy", "toy", "defconfig", {}, front_end=True)
    compiler = tmp_path / "real"
    compiler.write_text('#!/bin/sh\nprintf "%s\\n" \'  tail call void asm sideeffect "\\0A.ascii \\22->FOO ${0:c} 6 * 2\\22", "i"(i32 12) #1\' > "$OUT"\n')
    compiler.chmod(0o755)
    path, out = tmp_path / "cc", tmp_path / "out.s"
    path.write_text(_script(target, str(compiler)))
    subprocess.run(["sh", str(path), "-S", "-o", str(out), "x.c"], check=True, env={"OUT": str(out), "PATH": "/usr/bin:/bin"})
    assert out.read_text() == '.ascii "->FOO 12 6 * 2"\n'
