"""What the gate costs: a patch against lifting its architecture once, and series of patches against the number of architectures they touch.

    python bench/gate.py TREE [ARCH]... [--runs N]

TREE is an unpacked linux-source-6.12, or a kernel tree of another release. Everything is measured in one run, side by side, medians of N.  The base is
configured before, and lifted before, as in any gate but the first.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from difflib import unified_diff
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from archs import discover, patched, toolchains, trees
from bitspec.lift import toolchain
from bitspec.lift.lifting import lift_build
from bitspec.lift.overlay import lay
from bitspec.vocabulary import Level
from proofs.check import Checker
from proofs.series import judge

HEADERS = {
    "x86_64": "arch/x86/include/asm/pgtable.h", "arm64": "arch/arm64/include/asm/pgtable.h", "s390": "arch/s390/include/asm/pgtable.h",
    "riscv64": "arch/riscv/include/asm/pgtable.h", "powerpc": "arch/powerpc/include/asm/book3s/64/pgtable.h",
}  # fmt: skip


def timed(run: Callable[[], object], runs: int) -> float:
    """The median of some runs, in seconds."""
    found = []
    for _ in range(runs):
        gc.collect()
        start = time.perf_counter()
        run()
        found.append(time.perf_counter() - start)
    return median(found)


def refactored(text: str, number: int) -> str:
    """A header that means the same: a comment and a macro nobody uses before its last #endif."""
    head, end, tail = text.rpartition("#endif")
    return f"{head}/* note {number} */\n#define BITSPEC_BENCH_{number} {number}\n{end}{tail}"


def mail(name: str, old: str, new: str) -> bytes:
    """A patch of one file."""
    lines = unified_diff(old.splitlines(True), new.splitlines(True), f"a/{name}", f"b/{name}")
    return (f"diff --git a/{name} b/{name}\n" + "".join(lines)).encode()


def series(tree: Path, names: list[str]) -> list[tuple[str, bytes]]:
    """A patch for each name, on top of each other."""
    now = {name: (tree / name).read_text() for name in names}
    found = []
    for number, name in enumerate(names):
        old, now[name] = now[name], refactored(now[name], number)
        found.append((str(number), mail(name, old, now[name])))
    return found


def gate(tree: Path, mails: list[tuple[str, bytes]]) -> None:
    """What ``bitspec gate --kernel TREE PATCH...`` does."""
    targets = tuple(arch for arch in HEADERS if any(HEADERS[arch] in text.decode() for _, text in mails))
    with patched.workshop(targets, trees.Runs(tree), None, None, mails) as shop:
        found = judge("tree", "base", shop.series, patched.tracks(targets, shop), discover.known)
    assert found.status() == 0


def lifted(tree: Path, arch: str, check: bool) -> None:
    """Lift a changed tree with nothing kept, and check it or not."""
    target, variant, clang = toolchains.target(arch), toolchains.variants(arch)[0], toolchain.find()
    ((_, chosen, build),) = trees.Runs(tree).prepared(arch)
    name = HEADERS[arch]
    with TemporaryDirectory() as folder:
        fresh = replace(build, overlay=lay(build.tree, Path(folder) / "overlay", {name: refactored((tree / name).read_text(), 0).encode()}))
        lifting = lift_build(fresh, target, variant, clang)
        if check:
            release = trees.nearest(arch, tree)
            layout, _ = trees.read(arch, release, lifting, trees.config_of(build, chosen))
            list(Checker(discover.known(arch)).check(layout, Level))


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("tree", type=Path)
    asked.add_argument("archs", nargs="*", default=list(HEADERS))
    asked.add_argument("--runs", type=int, default=5)
    given = asked.parse_args()
    tree = given.tree.resolve()
    every = series(tree, [HEADERS[arch] for arch in HEADERS])
    gate(tree, every)  # configures, and lifts the base
    print(f"{'':<10}{'lift':>8}{'lift and check':>16}{'gate 1 patch':>14}{'/ lift':>8}{'/ lift and check':>18}{'gate 5':>8}{'/ gate 1':>10}")
    alone = 0.0
    for arch in given.archs:
        name = HEADERS[arch]
        one, five = series(tree, [name]), series(tree, [name] * 5)
        lift, both = (timed(partial(lifted, tree, arch, check), given.runs) for check in (False, True))
        single, several = (timed(partial(gate, tree, mails), given.runs) for mails in (one, five))
        alone += single
        print(f"{arch:<10}{lift:8.2f}{both:16.2f}{single:14.2f}{single / lift:8.2f}{single / both:18.2f}{several:8.2f}{several / single:10.2f}")
        sys.stdout.flush()
    if set(given.archs) == set(HEADERS):
        spread = timed(partial(gate, tree, every), given.runs)
        print(f"five patches, each of another architecture: {spread:.2f} s, {spread / alone:.2f} times the five gated alone")


if __name__ == "__main__":
    main()
