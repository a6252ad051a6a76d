"""git, asked about a kernel tree: what is made goes into a scratch folder, and the tree stays as it is.

One thing git does to a repository that is only read: of an object that it was to write, and that is there already, it renews the time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bitspec.lift.problem import Problem

#: Modes of the entries of a git tree: https://git-scm.com/docs/git-fast-import#_filemodify
FILES: Final = ("100644", "100755")
_NOTHING: Final = "000000"
_LIMIT: Final = 600


@dataclass(frozen=True, slots=True)
class Change:
    """A file that two trees have differently.

    Attributes:
        path: in both trees.
        before, after: the mode in either; empty where it is in one of them only.
        blob: its new contents' name; empty where it is gone.
    """

    path: str
    before: str
    after: str
    blob: str


class Git:
    """A repository, or a folder that is none, and a scratch folder beside it.

    Attributes:
        tree: the user's folder, which is only read.
        scratch: a folder of our own, for objects and the index.
        repository: whether `tree` is a repository; of a folder that is none, git knows only the files that were given to it.
    """

    def __init__(self, tree: Path, scratch: Path) -> None:
        self.tree = tree.resolve()
        self.scratch = scratch
        self.objects = scratch / "objects"
        self.objects.mkdir(parents=True, exist_ok=True)
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        self._environment |= {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_REPLACE_OBJECTS": "1", "LC_ALL": "C"}
        self._environment |= {"GIT_INDEX_FILE": str(scratch / "index")}
        theirs = self._repository()
        self.repository = theirs is not None
        if theirs is None:
            self._run(["git", "init", "-q", "--bare", str(scratch / "none.git")])
            self._environment |= {"GIT_DIR": str(scratch / "none.git")}
        else:
            self._environment |= {"GIT_OBJECT_DIRECTORY": str(self.objects), "GIT_ALTERNATE_OBJECT_DIRECTORIES": theirs}

    def _repository(self) -> str | None:
        """The folder of the objects of the repository that `tree` is; None where it is none, or a part of a larger one."""
        done = self._done(["git", "-C", str(self.tree), "rev-parse", "--is-bare-repository", "--git-path", "objects", "--show-cdup"])
        lines = done.stdout.decode(errors="replace").split("\n")
        bare = bool(lines) and lines[0] == "true"
        if len(lines) < 2 or not (bare or (done.returncode == 0 and not lines[2].strip())):
            return None
        return str((self.tree / lines[1]).resolve())

    # Asking

    def commit(self, revision: str) -> str:
        """The commit that a revision names.  Raises Problem."""
        if revision.startswith("-"):
            raise Problem(f"a revision must not begin with a dash: {revision}")
        done = self._done(self._git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"))
        if done.returncode:
            raise Problem(f"{self.tree}: there is no commit {revision}" if self.repository else f"{self.tree}: not the top folder of a git repository")
        return done.stdout.decode().strip()

    def merge_base(self, one: str, other: str) -> str:
        """The commit at which two parted.  Raises Problem where they have none."""
        done = self._done(self._git("merge-base", one, other))
        if done.returncode:
            raise Problem(f"{self.tree}: {one} and {other} have no commit in common")
        return done.stdout.decode().strip()

    def commits(self, base: str, head: str, paths: Iterable[str]) -> Iterator[tuple[str, str, str]]:
        """The commits after `base` up to `head`, along first parents, that change `paths`: the tree of each, its short name and its subject."""
        told = self.ask("log", "--no-show-signature", "--first-parent", "--reverse", "-z", "--format=%T%x00%H%x00%s", f"{base}..{head}", "--", *paths)
        texts = told.decode(errors="replace").split("\0")
        for at in range(0, len(texts) - 2, 3):
            yield texts[at], texts[at + 1][:12], texts[at + 2]

    def tree_of(self, commit: str) -> str:
        """The name of a commit's tree."""
        return self.ask("rev-parse", f"{commit}^{{tree}}").decode().strip()

    def changes(self, before: str, after: str) -> tuple[Change, ...]:
        """The files that two trees have differently."""
        words = self.ask("diff-tree", "-r", "-z", "--raw", "--no-renames", "--full-index", before, after).decode(errors="surrogateescape").split("\0")
        found = []
        for told, path in zip(words[::2], words[1::2], strict=False):
            old, new, _, blob, _ = told.removeprefix(":").split(" ")
            gone = new == _NOTHING
            found.append(Change(path, "" if old == _NOTHING else old, "" if gone else new, "" if gone else blob))
        return tuple(found)

    def files(self, tree: str) -> tuple[str, ...]:
        """The paths in a tree."""
        return tuple(self.ask("ls-tree", "-r", "-z", "--name-only", tree).decode(errors="surrogateescape").split("\0")[:-1])

    def contents(self, blob: str) -> bytes:
        """What is in a file."""
        return self.ask("cat-file", "blob", blob)

    def same_on_disk(self, commit: str) -> bool:
        """Whether the user's files are those of `commit`, as far as git has an eye on them."""
        own = {name: value for name, value in self._environment.items() if name != "GIT_INDEX_FILE"}
        told = self._done(self._git("rev-parse", "--git-path", "index"), environment=own).stdout.decode(errors="replace").strip()
        index = self.tree / told
        if self._done(self._git("rev-parse", "--is-inside-work-tree"), environment=own).stdout.strip() != b"true" or not index.is_file():
            return False
        own["GIT_INDEX_FILE"] = str(shutil.copyfile(index, self.scratch / "theirs"))
        self._done(self._git("update-index", "-q", "--refresh"), environment=own)
        return self._done(self._git("diff-index", "--quiet", "--no-ext-diff", commit), environment=own).returncode == 0

    def differing(self, one: Path, other: Path) -> tuple[str, ...]:
        """The paths, in either of two folders, whose files are not the same in both."""
        command = ["git", "diff", "--no-index", "--name-only", "-z", "--no-renames", "--no-ext-diff", str(one), str(other)]
        done = self._done(command)
        if done.returncode > 1:
            raise Problem(f"{one} and {other} cannot be compared")
        names = done.stdout.decode(errors="surrogateescape").split("\0")[:-1]
        folders = (f"{one}/", f"{other}/")
        return tuple(name.removeprefix(folders[0]).removeprefix(folders[1]) for name in names)

    # Making

    def ask(self, *arguments: str, given: bytes = b"") -> bytes:
        """What git prints.  Raises Problem with its first line of error."""
        return self._run(self._git(*arguments), given)

    def add(self, path: str, text: bytes) -> None:
        """Put a file into the index."""
        blob = self.ask("hash-object", "-w", "--stdin", "--no-filters", given=text).decode().strip()
        self.ask("update-index", "--add", "--cacheinfo", f"{FILES[0]},{blob},{path}")

    def check_out(self, tree: str, paths: Iterable[str], folder: Path) -> None:
        """Write files of a tree into a folder."""
        self.ask("read-tree", tree)
        given = "".join(f"{path}\0" for path in paths).encode(errors="surrogateescape")
        folder.mkdir(parents=True)
        own = {**self._environment, "GIT_WORK_TREE": str(folder)}  # a bare repository has none
        self._run(self._git("checkout-index", "-q", "-z", "--stdin", f"--prefix={folder}/"), given, own)

    def _git(self, *arguments: str) -> list[str]:
        return ["git", *(["-C", str(self.tree)] if self.repository else []), *arguments]

    def _done(self, command: list[str], given: bytes = b"", environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(
                command, input=given, capture_output=True, env=environment or self._environment, cwd=self.scratch, timeout=_LIMIT, check=False
            )
        except FileNotFoundError:
            raise Problem("git must be installed to compare revisions and to apply patches") from None
        except subprocess.TimeoutExpired:
            raise Problem(f"git {command[-1]} must end within {_LIMIT} seconds and does not") from None

    def _run(self, command: list[str], given: bytes = b"", environment: Mapping[str, str] | None = None) -> bytes:
        done = self._done(command, given, environment)
        if done.returncode:
            said = [line for line in done.stderr.decode(errors="replace").splitlines() if line.strip()]
            raise Problem((said or [f"git exits with {done.returncode}"])[0].removeprefix("error: ").removeprefix("fatal: "))
        return done.stdout
