"""How fast is the lifter?  ``python bench/lift.py TREE [ARCH]`` prints ratios for one prepared architecture, measured side by side in one run.

* clang alone: the wrappers' files that compile in the end, each compiled again with the same command, as many at once as the lifter does;
* the first run: all helpers lifted and checked at three levels, by a process that finds a prepared tree and no IR;
* the second run: the same process again, from the cache.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click


def seconds(job: Callable[[], object]) -> float:
    """What a job takes."""
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def commands(build: Any, target: Any, variant: str, clang: Any) -> tuple[list[list[str]], int]:
    """The commands that compile the files from their text alone, and how many clang runs the lifter makes when it starts from nothing."""
    from bitspec.lift import build as compiling
    from bitspec.lift import lifting

    real, parsed, good, runs = subprocess.run, compiling.parsed, [], []

    def run(command: list[str], **how: Any) -> Any:
        done = real(command, **how)
        if "--target=" + target.triple in command:
            runs.append(command)
            if "-emit-llvm" in command and done.returncode == 0:
                good.append(command)
        return done

    subprocess.run = run
    try:
        lifting.lift_build(build, target, variant, clang)
        every = len(runs)
        forget(build.folder)
        good.clear()
        compiling.parsed = lambda *_: nullcontext()
        lifting.lift_build(build, target, variant, clang)
    finally:
        subprocess.run, compiling.parsed = real, parsed
    return good, every


def forget(place: Path) -> None:
    """Empty the lifter's part of a build folder; the configured tree stays."""
    for path in place.glob("bitspec-lift/*"):
        path.unlink()


@click.command()
@click.argument("tree", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.argument("arch", default="x86_64")
@click.option("--runs", default=5, show_default=True, help="How often each is measured; medians are printed.")
def main(tree: Path, arch: str, runs: int) -> None:
    """Measure lifting and checking ARCH's helpers in TREE against clang alone on the same files."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installation has its modules compiled
    from archs import toolchains
    from bitspec.lift import toolchain
    from bitspec.lift.tree import prepare

    variant, target, clang = toolchains.variants(arch)[0], toolchains.target(arch), toolchain.find()
    build = prepare(tree, target, clang, variant)
    if build.folder == build.tree:
        raise click.ClickException("the tree must not be configured in place")
    forget(build.folder)
    good, every = commands(build, target, variant, clang)
    check = [sys.executable, "-m", "cli", "check", arch, "--kernel", str(tree), "--exit-zero", "--format", "terse"]

    def compiled() -> None:
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda command: subprocess.run(command, cwd=build.folder, capture_output=True, check=True), good))

    def checked() -> None:
        subprocess.run(check, capture_output=True, check=True)

    alone, first, second = [], [], []
    for _ in range(runs):  # in turn, so that a machine that slows down slows all
        alone.append(seconds(compiled))
        forget(build.folder)
        first.append(seconds(checked))
        second.append(seconds(checked))
    ratio = statistics.median(a / b for a, b in zip(first, alone, strict=True))
    click.echo(f"{arch} {variant}, Linux {build.release}")
    click.echo(f"clang alone              {statistics.median(alone):.2f} s for {len(good)} files; the lifter runs it {every} times")
    click.echo(f"lift and check           {statistics.median(first):.2f} s, {ratio:.2f} times clang alone")
    click.echo(f"the second run           {statistics.median(second):.2f} s, from cache")


if __name__ == "__main__":
    main()
