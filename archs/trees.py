"""Layouts made from a kernel tree: which of its configurations to run, and what the helpers of each are."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from archs import discover, toolchains
from archs.toolchains import Chosen
from bitspec.layout import Absent, Config, Layout
from bitspec.vocabulary import VocabularyError, unknown

if TYPE_CHECKING:
    from bitspec.lift.lifting import Lifting
    from bitspec.lift.tree import Build


@dataclass(frozen=True)
class Runs:
    """Which configurations of a kernel tree to run."""

    tree: Path
    variant: str | None = None
    configs: tuple[str, ...] = ()
    all_configs: bool = False
    defconfig: str | None = None
    build: Path | None = None
    sandbox: bool = False
    cc: str | None = None

    def combinations(self, arch: str) -> tuple[tuple[str, Chosen], ...]:
        """Variants and configs.  The cross-section takes each variant in the default config, and each config in the default variant.

        Raises VocabularyError.
        """
        chosen = [toolchains.config(name) for name in dict.fromkeys(self.configs)] or [toolchains.DEFAULT]
        if not self.all_configs:
            return tuple((variant, one) for variant in _chosen_variants(arch, self.variant) for one in chosen)
        if self.configs:
            raise VocabularyError("--all-configs and --config must not come together")
        variants = _chosen_variants(arch, self.variant or "all")
        return (*((variant, toolchains.DEFAULT) for variant in variants), *((variants[0], one) for one in toolchains.configs()[1:]))

    def prepared(self, arch: str, skip: Callable[[str], str | None] = lambda variant: None) -> Iterator[tuple[str, Chosen, Build]]:
        """The configured trees of an architecture; of those that have the same options only the first, where a cross-section is asked for.

        Raises VocabularyError, and Problem where a tree cannot be configured.
        """
        from bitspec.lift import toolchain
        from bitspec.lift.tree import prepare

        target, clang = toolchains.target(arch), toolchain.find(self.cc)
        wanted = self.combinations(arch)
        seen: dict[tuple[str, frozenset[str]], str] = {}
        skipped = {variant: skip(variant) for variant in dict.fromkeys(variant for variant, _ in wanted)}
        for variant, reason in skipped.items():
            if reason is not None:
                say(f"{arch} {variant}: skipped: {reason}")
        wanted = tuple((variant, one) for variant, one in wanted if skipped[variant] is None)
        for variant, one in wanted:
            folder = self.build
            if folder is not None and len(wanted) > 1 and not (folder / ".config").is_file():
                folder = folder / f"{arch}-{variant}-{one.name}"
            made = prepare(
                self.tree, target, clang, variant, defconfig=self.defconfig, fragments=one.fragments, folder=folder, sandbox=self.sandbox, progress=say
            )
            same = seen.setdefault((variant, made.options), one.name)
            if self.all_configs and same != one.name:
                say(f"{arch} {variant}: config {one.name} skipped: the tree has the same options as in config {same}")
                continue
            yield variant, one, made


def _chosen_variants(arch: str, variant: str | None) -> tuple[str, ...]:
    known = toolchains.variants(arch)
    if variant == "all":
        return known
    if variant is not None and variant not in known:
        raise VocabularyError(unknown(f"variant of {arch}", variant, known))
    return (variant or known[0],)


def liftings(targets: tuple[str, ...], runs: Runs) -> Iterator[tuple[Layout, Lifting]]:
    """A tree lifted for each architecture, variant and config, with the declared layout of its release in the same config.

    Raises VocabularyError and Problem.
    """
    from bitspec.lift import toolchain
    from bitspec.lift.lifting import lift_build
    from bitspec.lift.tree import release

    tree, clang, version = runs.tree, toolchain.find(runs.cc), release(runs.tree)
    same = "linux-" + ".".join(version.split(".")[:2])
    every = [arch for arch in toolchains.architectures() if same in toolchains.releases(arch)]
    if not targets and not every:
        raise VocabularyError(f"no architecture has a layout of {same}, which {tree} is; name one to hold against it, as ARCH@LAYOUT")
    for name in targets or every:
        arch, chosen = discover.target(name)
        if chosen is None and same not in toolchains.releases(arch):
            raise VocabularyError(f"{arch} has no layout of {same}, which {tree} is; it has {', '.join(toolchains.releases(arch)) or 'none'}")

        layout = chosen or same
        for variant, one, build in runs.prepared(arch, partial(absent, arch, layout)):
            lifting = lift_build(build, toolchains.target(arch), variant, clang)
            yield toolchains.layout(arch, chosen or same, variant, config_of(build, one)), lifting


def absent(arch: str, release: str | None, variant: str) -> str | None:
    """Why a release has no layout of a variant; None where it has, or where no layout is asked for."""
    try:
        if release is not None:
            discover.layout(arch, release, variant)
    except Absent as reason:
        return str(reason)
    return None


def nearest(arch: str, tree: Path) -> str | None:
    """The newest layout of an architecture that is not newer than a tree, or its oldest; None where it has none.  Raises Problem."""
    from bitspec.lift.tree import release

    known = toolchains.releases(arch)
    version = _age(release(tree))
    older = [one for one in known if _age(one.removeprefix("linux-")) <= version]
    found = older[-1] if older else known[0] if known else None
    if found is not None and _age(found.removeprefix("linux-")) != version:
        say(f"{arch}: {tree} is no {found}, whose layout lends the names of the fields")
    return found


def _age(version: str) -> tuple[int, int]:
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


def lifted(arch: str, release: str | None, runs: Runs) -> Iterator[tuple[str, Chosen, Layout]]:
    """A tree's layouts with the variant and config of each; helpers that cannot be lifted are named on standard error.

    Args:
        release: the declared layout that lends the names of the fields; None where there is none.

    Raises VocabularyError and Problem.
    """
    from bitspec.lift import toolchain
    from bitspec.lift.lifting import lift_build

    clang = toolchain.find(runs.cc)
    for variant, one, build in runs.prepared(arch, partial(absent, arch, release)):
        lifting = lift_build(build, toolchains.target(arch), variant, clang)
        layout, declared = read(arch, release, lifting, config_of(build, one))
        for name, reason in declared.items():
            say(f"{layout.name} {variant}: {name} is the declared one: {reason}")
        yield variant, one, layout


def read(arch: str, release: str | None, lifting: Lifting, config: Config, more: frozenset[str] = frozenset()) -> tuple[Layout, Mapping[str, str]]:
    """The layout of a lifted tree, and the helpers in it that are the declared ones after all, with the reason.

    Args:
        release: the declared layout that lends the names of the fields; None where there is none.
        more: helpers that the declared layout lacks, and that the tree has.
    """
    from bitspec.lift.layout import bare

    if release is None:
        return bare(arch, lifting.variant, lifting, config), {}
    return _read(toolchains.layout(arch, release, lifting.variant, config), lifting, more)


def _read(declared: Layout, lifting: Lifting, more: frozenset[str] = frozenset()) -> tuple[Layout, Mapping[str, str]]:
    from bitspec.lift.layout import from_tree
    from proofs.conform import agreed

    made = from_tree(declared, lifting, agreed(declared, lifting), more)
    if _age(lifting.build.release) == _age(declared.release.removeprefix("linux-")):
        return made.layout, made.declared
    # of another release a helper that the tree lacks does not exist, and is not what the declared layout says
    gone = {name for name in made.declared if lifting.item(name).absent and name not in toolchains.target(declared.arch).not_functions}
    return without(made.layout, gone), {name: why for name, why in made.declared.items() if name not in gone}


def without(layout: Layout, gone: Collection[str]) -> Layout:
    """A layout that lacks some helpers."""
    if not gone:
        return layout
    return replace(layout, helpers={name: one for name, one in layout.helpers.items() if name not in gone}, derived={}, _built={})


def config_of(build: Build, chosen: Chosen) -> Config:
    """The config of a configured tree: its own options, under the name that was asked for."""
    from proofs.conform import config_of

    found = config_of(build.options)
    return found if chosen.name == "default" else replace(found, name=chosen.name)


def layouts(targets: tuple[str, ...], runs: Runs) -> Iterator[Layout]:
    """Layouts whose helpers are a tree's own.  Raises VocabularyError and Problem."""
    lone = tuple(name for name in targets if name in toolchains.architectures() and not toolchains.releases(name))
    for arch in lone:
        yield from _bare_layouts(arch, runs)
    if lone and len(lone) == len(targets):
        return
    for layout, lifting in liftings(tuple(name for name in targets if name not in lone), runs):
        made, declared = _read(layout, lifting)
        for name, reason in declared.items():
            say(f"{layout.name} {lifting.variant}: {name} is the declared one: {reason}")
        yield made


def _bare_layouts(arch: str, runs: Runs) -> Iterator[Layout]:
    """Layouts of an architecture that nobody has declared: only what the kernel's own helpers say of each other can be asked."""
    from bitspec.lift import toolchain
    from bitspec.lift.layout import bare
    from bitspec.lift.lifting import lift_build

    clang = toolchain.find(runs.cc)
    for variant, one, build in runs.prepared(arch):
        yield bare(arch, variant, lift_build(build, toolchains.target(arch), variant, clang), config_of(build, one))


def say(line: str) -> None:
    """Tell the user what is going on."""
    print(f"bitspec: {line}", file=sys.stderr)
