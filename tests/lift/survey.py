"""The table of docs/kernel-trees.md: ``python -m tests.lift.survey TREE`` prints it for every architecture and variant that lifts."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from archs import discover, toolchains
from bitspec.layout import Layout
from bitspec.lift import toolchain
from bitspec.lift.layout import bare, from_tree
from bitspec.lift.lifting import Lifting, lift
from bitspec.lift.problem import Problem
from bitspec.lift.tree import prepare
from bitspec.lift.wrappers import BY_PHYSICAL
from bitspec.vocabulary import HELPERS, Level
from proofs.check import Checker
from proofs.conform import agreed, config_of

VERDICTS = ("proved", "refuted", "known", "unknown", "not-applicable")


def layout_of(arch: str, variant: str, lifting: Lifting) -> Layout:
    """The layout that ``bitspec check --kernel`` asks about."""
    config = config_of(lifting.build.options)
    release = "linux-" + ".".join(lifting.build.release.split(".")[:2])
    if release not in toolchains.releases(arch):
        return bare(arch, variant, lifting, config)
    skeleton = toolchains.layout(arch, release, variant, config)
    return from_tree(skeleton, lifting, agreed(skeleton, lifting)).layout


def rows(tree: Path) -> Iterator[str]:
    """A row a variant."""
    clang = toolchain.find()
    yield "| architecture, variant | lifted | absent | unknown | proved | refuted | known | unknown | n-a | lift, s | check, s |"
    yield "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
    for arch in toolchains.architectures():
        for variant in toolchains.variants(arch):
            try:
                prepare(tree, toolchains.target(arch), clang, variant)
                start = time.perf_counter()
                lifting = lift(tree, toolchains.target(arch), variant, clang)
            except Problem as problem:
                yield f"| {arch} {variant} | {problem} |"
                continue
            lifted = time.perf_counter()
            layout = layout_of(arch, variant, lifting)
            known = discover.known(arch) if arch in discover.architectures() else ()
            found = Counter("known" if one.known is not None else one.verdict.value for one in Checker(known).check(layout, tuple(Level)))
            end = time.perf_counter()
            items = [lifting.item(name) for name in HELPERS]
            items = [lifting.item(BY_PHYSICAL + one.name) if BY_PHYSICAL + one.name in lifting.items else one for one in items]
            cells = [sum(one.outcome is not None for one in items), sum(bool(one.absent) for one in items), sum(bool(one.unknown) for one in items)]
            cells += [found[name] for name in VERDICTS]
            yield f"| {arch} {variant} | {' | '.join(map(str, cells))} | {lifted - start:.1f} | {end - lifted:.1f} |"


if __name__ == "__main__":
    for row in rows(Path(sys.argv[1])):
        print(row, flush=True)
