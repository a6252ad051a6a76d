"""A series of patches, read for each architecture it touches: what the tree's helpers are before it, and after every step that changes one of the files
they are made of.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from os.path import normpath
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import TYPE_CHECKING

from archs import discover, toolchains, trees
from archs.trees import Runs, say
from bitspec.lift.problem import Problem
from bitspec.patches import needed
from bitspec.patches.git import FILES, Change, Git
from bitspec.patches.series import Series, Step, of_commits, of_mails
from bitspec.patches.stage import Stage
from bitspec.vocabulary import HELPERS

if TYPE_CHECKING:
    from archs.toolchains import Chosen
    from bitspec.lift.lifting import Lifted, Lifting
    from bitspec.lift.toolchain import Clang
    from bitspec.lift.tree import Build


@dataclass
class Workshop:
    """What the architectures of one run share.

    Attributes:
        git: the repository or folder.
        series: the steps.
        folder: the files of the tree before the steps.
        runs: which configurations to run.
        clang: the compiler.
        whole: whether git's trees are whole; of files as they are on disk they hold those that the series names.
    """

    git: Git
    series: Series
    folder: Path
    runs: Runs
    clang: Clang
    whole: bool
    _trees: dict[str, Path] = field(default_factory=dict, repr=False)

    def files_of(self, step: Step) -> Path:
        """A folder with the files of the tree after a step: all that it takes to configure it."""
        if step.tree not in self._trees:
            self._trees[step.tree] = self._written(step)
        return self._trees[step.tree]

    def _written(self, step: Step) -> Path:
        folder = self.git.scratch / f"tree-{step.tree[:12]}"
        if self.whole:
            self.git.check_out(step.tree, filter(needed.to_lift, self.git.files(step.tree)), folder)
            return folder
        copy(self.folder, folder)
        for change in self.git.changes(self.series.base, step.tree):
            place = folder / change.path
            if not change.blob:
                place.unlink(missing_ok=True)
            elif needed.to_lift(change.path):
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(self.git.contents(change.blob))
        return folder


def copy(tree: Path, folder: Path) -> None:
    """Copy what it takes to configure a tree."""
    for path, folders, files in os.walk(tree):
        inside = Path(path).relative_to(tree)
        folders[:] = [name for name in folders if name != ".git"]
        wanted = [name for name in files if needed.to_lift(str(inside / name))]
        (folder / inside).mkdir(parents=True, exist_ok=True)
        for name in wanted:
            shutil.copy2(Path(path) / name, folder / inside / name, follow_symlinks=False)
        for name in folders:
            if (Path(path) / name).is_symlink():
                shutil.copy2(Path(path) / name, folder / inside / name, follow_symlinks=False)


def touched(git: Git, series: Series) -> tuple[str, ...]:
    """The architectures that a series may mean something for, by the files it touches."""
    paths = {change.path for before, after in _pairs(series) for change in git.changes(before, after)}
    return tuple(arch for arch in toolchains.architectures() if any(needed.of_arch(path, toolchains.target(arch).arch) for path in paths))


def _pairs(series: Series) -> Iterator[tuple[str, str]]:
    names = [series.base, *(step.tree for step in series.steps)]
    yield from pairwise(names)


def kernel_archs(targets: tuple[str, ...]) -> tuple[str, ...]:
    """The kernel's names for architectures: those named, or all that can be lifted.  Raises VocabularyError."""
    names = [discover.target(name)[0] for name in targets] or toolchains.architectures()
    return tuple(dict.fromkeys(toolchains.target(name).arch for name in names))


def tracks(targets: tuple[str, ...], shop: Workshop) -> Iterator[Iterator[Stage]]:
    """For each architecture, variant and config: the tree before the series, and after every step that changes something there.

    Raises VocabularyError, and Problem with the step that cannot be read.
    """
    for name in targets:
        arch, chosen = discover.target(name)
        release = chosen or trees.nearest(arch, shop.folder)
        for variant, one, build in shop.runs.prepared(arch, partial(trees.absent, arch, release)):
            yield _Track(shop, arch, release, variant, one, build).stages()


@dataclass(frozen=True)
class _Work:
    """A step that is being compiled; one without a build has to be configured anew.

    Attributes:
        step: the step.
        laid: the build before, with the step's files laid over the tree.
        compiled: the compiler at work.
        alike: whether the headers that make generates would stay as they are.
    """

    step: Step
    laid: Build | None = None
    compiled: Future[None] | None = None
    alike: Future[bool] | None = None


@dataclass
class _Track:
    """One architecture in one variant and config, going through a series."""

    shop: Workshop
    arch: str
    release: str | None
    variant: str
    chosen: Chosen
    build: Build

    def stages(self) -> Iterator[Stage]:
        """The stages; what the next one takes is compiled while the last one is judged."""
        from bitspec.lift.lifting import lift_build

        self.target = toolchains.target(self.arch)
        self.at = self.laid_on = self.shop.series.base
        self.lifting = lift_build(self.build, self.target, self.variant, self.shop.clang)
        self.first = self.lifting
        layout, self.declared = trees.read(self.arch, self.release, self.lifting, trees.config_of(self.build, self.chosen))
        steps = iter(self.shop.series.steps)
        with ThreadPoolExecutor(2) as pool:
            work = self._begun(steps, pool)
            yield Stage(None, layout)
            while work is not None:
                try:
                    stage = self._finished(work)
                except Problem as reason:
                    raise Problem(f"{self.arch} after {work.step}: {reason}") from None
                work = self._begun(steps, pool)
                yield stage

    def _begun(self, steps: Iterator[Step], pool: ThreadPoolExecutor) -> _Work | None:
        """The next step that changes something the helpers are made of, its files being compiled; None where there is none."""
        for step in steps:
            changes = self._mine(self.at, step)
            self.at = step.tree
            again = any(needed.configures(one.path, self.target.arch) or needed.generates(one.path) for one in changes)
            if again or self._reads(changes):
                return _Work(step) if again else self._compiling(step, pool)
        return None

    def _compiling(self, step: Step, pool: ThreadPoolExecutor) -> _Work:
        from bitspec.lift.generated import alike
        from bitspec.lift.lifting import compile_build

        tree, clang = self.build.tree, self.shop.clang
        since = self._mine(self.laid_on, step)
        if any(one.after not in FILES and (one.path.endswith(".h") or normpath(tree / one.path) in self.lifting.read) for one in since):
            return _Work(step)  # what is gone cannot be laid over
        laid = self._laid(step, since)
        changed = frozenset(normpath(tree / one.path) for one in since)
        compiled = pool.submit(compile_build, laid, self.target, self.variant, clang)
        fresh = any(not one.before and one.path.endswith(".h") for one in since)
        return _Work(step, laid, compiled, pool.submit(alike, laid, self.target, clang, changed, self.lifting.read, fresh))

    def _finished(self, work: _Work) -> Stage:
        """What a step makes of the helpers."""
        from bitspec.lift.lifting import lift_build

        build = work.laid
        if work.compiled is not None:
            work.compiled.result()  # what does not compile would not after make either
        if build is None or work.alike is None or not work.alike.result():
            build = self.build = self._configured(work.step)
            self.laid_on = work.step.tree
        lifting = lift_build(build, self.target, self.variant, self.shop.clang)
        before, self.lifting = self.lifting, lifting
        more = frozenset(name for name in HELPERS if self.first.item(name).outcome is None and lifting.item(name).outcome is not None)
        layout, declared = trees.read(self.arch, self.release, lifting, trees.config_of(lifting.build, self.chosen), more)
        fresh = {name: why for name, why in declared.items() if name not in self.declared}
        layout = trees.without(layout, {name for name in fresh if _gone(lifting.item(name))})
        lost = {name: one for name in before.items if (one := lifting.item(name)).outcome is None and before.item(name).outcome is not None}
        unread = {name: one.absent or one.unknown for name, one in lost.items() if not _gone(one)}
        unread |= {name: why for name, why in fresh.items() if not _gone(lifting.item(name))}
        unread |= {name: "it is no constant" for name in _numbers(before) if name not in lost and lifting.number(name) is None}
        changed = _meaning(before) != _meaning(lifting) or before.build.options != lifting.build.options
        return Stage(work.step, layout, changed, unread)

    def _mine(self, before: str, step: Step) -> list[Change]:
        """What has changed since a tree that may matter to this architecture."""
        read, tree, arch = self.lifting.read, self.build.tree, self.target.arch
        return [one for one in self.shop.git.changes(before, step.tree) if needed.of_arch(one.path, arch) or normpath(tree / one.path) in read]

    def _reads(self, changes: list[Change]) -> bool:
        """Whether the helpers are made of any of the files; of a header that is new, nobody knows before it is tried."""
        return any(normpath(self.build.tree / one.path) in self.lifting.read or (not one.before and one.path.endswith(".h")) for one in changes)

    def _laid(self, step: Step, changes: list[Change]) -> Build:
        from bitspec.lift.overlay import lay

        contents = {one.path: self.shop.git.contents(one.blob) for one in changes if one.blob}
        return replace(self.build, overlay=lay(self.build.tree, Path(mkdtemp(prefix="patched-", dir=self.shop.git.scratch)), contents))

    def _configured(self, step: Step) -> Build:
        """The tree after a step, configured anew, in a folder that does not outlive this run."""
        from bitspec.lift.tree import prepare

        if self.build.folder == self.build.tree or self.shop.runs.build is not None:
            raise Problem("it changes what the configuration is made of, and a configured tree is used as it is: name one that is not configured")
        folder = Path(mkdtemp(prefix="build-", dir=self.shop.git.scratch))
        runs = self.shop.runs
        return prepare(
            self.shop.files_of(step), self.target, self.shop.clang, self.variant,
            defconfig=runs.defconfig, fragments=self.chosen.fragments, folder=folder, sandbox=runs.sandbox, progress=say,
        )  # fmt: skip


def _gone(one: Lifted) -> bool:
    """Whether the tree has no such function or constant any more; what is there and does not compile, or is BUG(), cannot be read instead."""
    found = re.fullmatch(r"the tree has no (\w+) in this configuration", one.absent)
    return found is not None and one.name.startswith(found[1])


def _numbers(lifting: Lifting) -> list[str]:
    """The constants that have a value."""
    return [name for name, one in lifting.items.items() if one.outcome is not None and not one.outcome.params and lifting.number(name) is not None]


def _meaning(lifting: Lifting) -> dict[str, object]:
    """What the helpers and constants are, without the lines where they stand."""
    return {name: (one.outcome, one.absent, one.unknown) for name, one in lifting.items.items()}


@contextmanager
def workshop(targets: tuple[str, ...], runs: Runs, base: str | None, head: str | None, mails: Sequence[tuple[str, bytes]]) -> Iterator[Workshop]:
    """Everything that judging a series takes; nothing of it is left behind but builds and checked-out bases in the cache.

    Args:
        targets: the architectures that are asked for, which may be none.
        runs: the tree, and which configurations to run.
        base: the revision that the series is on top of; None for the files as they are on disk.
        head: the last commit of it; None with `mails`, patches or mailboxes with their names.

    Raises VocabularyError and Problem.
    """
    from bitspec.lift import toolchain
    from bitspec.lift.tree import release

    clang = toolchain.find(runs.cc)
    if not runs.tree.is_dir():
        raise Problem(f"{runs.tree}: no such folder")
    with TemporaryDirectory(prefix="bitspec-") as scratch:
        git = Git(runs.tree, Path(scratch))
        if base is None:
            release(git.tree)
            whole = _clean(git)
            series = of_mails(git, git.tree_of(git.commit("HEAD")) if whole else None, mails)
            folder = git.tree
        else:
            whole, start = True, git.commit(base)
            end = start if head is None else git.commit(head)
            if head is not None and (parted := git.merge_base(start, end)) != start:
                if parted == end:
                    raise Problem(f"{head} must come after {base}, and comes before it: there is nothing to judge")
                say(f"{head} does not come after {base}: it is judged from where they parted, {parted[:12]}")
                start = parted
            paths = needed.paths(kernel_archs(targets))
            series = of_mails(git, git.tree_of(start), mails) if mails else of_commits(git, start, end, paths)
            folder = checked_out(git, start)
        yield Workshop(git, series, folder, replace(runs, tree=folder), clang, whole)


def _clean(git: Git) -> bool:
    """Whether the files on disk are those of the commit that is checked out, so that git can tell what else there is."""
    return git.repository and git.same_on_disk(git.commit("HEAD"))


def checked_out(git: Git, revision: str) -> Path:
    """A folder with the files of a commit that matter: the user's own, if they are those of that commit, else one in the cache.  Raises Problem."""
    from bitspec.lift.alone import alone
    from bitspec.lift.tree import cache_folder

    if git.same_on_disk(revision):
        return git.tree
    tree = git.tree_of(revision)
    place = cache_folder() / "trees" / tree
    with alone(place):
        if not place.is_dir():
            say(f"{git.tree.name}: checking out {revision[:12]}")
            fresh = git.scratch / f"out-{tree[:12]}"
            git.check_out(tree, filter(needed.to_lift, git.files(tree)), fresh)
            moved = place.with_name(f"{tree}.{os.getpid()}")
            shutil.move(fresh, moved)
            moved.rename(place)
    return place


def different(old: Path, new: Path) -> tuple[str, ...]:
    """The architectures that two folders may mean something else for, by the files in which they differ."""
    with TemporaryDirectory(prefix="bitspec-") as scratch:
        git = Git(old, Path(scratch))
        paths = git.differing(old.resolve(), new.resolve())
    return tuple(arch for arch in toolchains.architectures() if any(needed.of_arch(path, toolchains.target(arch).arch) for path in paths))


def tree_and_revision(text: str) -> tuple[Path, str | None] | None:
    """The folder, and the revision if there is one, of ``TREE[@REV]``; None for what names no folder."""
    if text.partition("@")[0] in discover.architectures() or text.endswith(".toml"):
        return None
    if Path(text).is_dir():
        return Path(text), None
    folder, at, revision = text.rpartition("@")
    return (Path(folder), revision) if at and revision and Path(folder).is_dir() else None


@contextmanager
def folder_of(tree: Path, revision: str | None) -> Iterator[Path]:
    """A folder with the files of a tree as they are, or of a revision of it.  Raises Problem."""
    if revision is None:
        yield tree
        return
    with TemporaryDirectory(prefix="bitspec-") as scratch:
        git = Git(tree, Path(scratch))
        yield checked_out(git, git.commit(revision))
