"""A series: what a tree is to become, step by step, made of commits or of mails."""

from __future__ import annotations

import email
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from bitspec.lift.problem import Problem
from bitspec.patches.git import FILES, Change, Git

SIZE: Final = 32 << 20
"""Bytes of a patch or of a whole mailbox, which are not read beyond."""
PATCHES: Final = 1000
"""Patches in a mailbox."""
FILE_SIZE: Final = 8 << 20
"""Bytes of a file that a patch makes."""


#: How a mail or a mailbox begins: RFC 5322, and the line that separates the mails of a mailbox.
_HEADER: Final = re.compile(rb"From |[A-Za-z][A-Za-z0-9-]*:[ \t\r\n]")
_NUMBERED: Final = re.compile(r"\[[^\]]*?\b(\d{1,4})/(\d{1,4})\]")


@dataclass(frozen=True, slots=True)
class Step:
    """One commit or one mail.

    Attributes:
        name: a commit's short name, or the number of a mail.
        subject: its first line.
        tree: git's name for the tree after it.
    """

    name: str
    subject: str
    tree: str

    def __str__(self) -> str:
        return f"{self.name} {self.subject}".strip()


@dataclass(frozen=True)
class Series:
    """Steps on top of a tree.

    Attributes:
        base: git's name for the tree there is.
        steps: in their order.
    """

    base: str
    steps: tuple[Step, ...]


def of_commits(git: Git, base: str, head: str, paths: Iterable[str]) -> Series:
    """The commits after `base` up to `head` that change `paths`.  Raises Problem where there is no such commit."""
    steps = tuple(Step(name, plain(subject), tree) for tree, name, subject in git.commits(base, head, paths))
    return Series(git.tree_of(base), steps)


def of_mails(git: Git, base: str | None, texts: Sequence[tuple[str, bytes]]) -> Series:
    """The patches in files or mailboxes, each with its name, applied one after the other to an index of our own.

    Args:
        base: a tree of the repository; None for the files of a folder as they are on disk, of which those are looked at that a patch names.

    Raises Problem for what is no patch, does not apply, or would do something else than change text files in the tree.
    """
    mails = [one for name, text in texts for one in _mails(git, name, text)]
    if not mails:
        raise Problem(f"{', '.join(name for name, _ in texts)}: there must be a patch in it, and there is none")
    if len(mails) > PATCHES:
        raise Problem(f"a series must have at most {PATCHES} patches, not {len(mails)}")
    if base is not None:
        git.ask("read-tree", base)
    else:
        git.ask("read-tree", "--empty")
        _add_named(git, mails)
    before = start = git.ask("write-tree").decode().strip()
    steps = []
    for number, (name, subject, patch) in enumerate(mails, 1):
        place = f"{number}/{len(mails)}"
        try:
            git.ask("apply", "--cached", "--whitespace=nowarn", "-", given=patch)
        except Problem as reason:
            raise Problem(f"{name}: patch {place} must apply, and does not: {plain(str(reason))}") from None
        after = git.ask("write-tree").decode().strip()
        for change in git.changes(before, after):
            _allowed(git, change, f"{name}: patch {place}")
        steps.append(Step(place, plain(subject), after))
        before = after
    return Series(start, tuple(steps))


def _mails(git: Git, name: str, text: bytes) -> Iterator[tuple[str, str, bytes]]:
    """The patches in a file: where they are from, their subjects, and what git applies.  Mails without a patch, such as cover letters, are left out."""
    if len(text) > SIZE:
        raise Problem(f"{name}: a patch must have at most {SIZE >> 20} MiB, not {len(text) >> 20}")
    if not _HEADER.match(text):
        if b"\ndiff " not in b"\n" + text and b"\n--- " not in b"\n" + text:
            raise Problem(f"{name}: there must be a patch in it, and there is none")
        yield name, "", _textual(text, name)
        return
    folder = git.scratch / "mails"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    try:
        git.ask("mailsplit", "-b", f"-o{folder}", given=text)
    except Problem as reason:
        raise Problem(f"{name}: must be a patch or a mailbox: {plain(str(reason))}") from None
    there: set[int] = set()
    total = 0
    for path in sorted(folder.iterdir(), key=lambda one: int(one.name) if one.name.isdigit() else 0):
        message, patch = git.scratch / "message", git.scratch / "patch"
        mail = path.read_bytes()
        told = git.ask("mailinfo", str(message), str(patch), given=mail).decode(errors="replace")
        subject = next((line.removeprefix("Subject: ") for line in told.splitlines() if line.startswith("Subject: ")), "")
        diff = patch.read_bytes()
        if b"\ndiff " in b"\n" + diff or b"\n--- " in b"\n" + diff:
            numbered = _NUMBERED.search(str(email.message_from_bytes(mail).get("Subject", "")))  # bytes beyond ASCII make it a Header
            if numbered is not None:
                there.add(int(numbered[1]))
                total = max(total, int(numbered[2]))
            yield name, subject, _textual(diff, name)
    missing = [str(number) for number in range(1, min(total, PATCHES) + 1) if number not in there]
    if len(there) > 1 and missing:
        raise Problem(f"{name}: the series says it has {total} patches, and {', '.join(missing[:5])} must be there, too")


def _textual(patch: bytes, name: str) -> bytes:
    if b"\nGIT binary patch" in patch or re.search(rb"^Binary files .* differ$", patch, re.M):
        raise Problem(f"{name}: a patch must change text, and this one is binary")
    return patch


def _add_named(git: Git, mails: Iterable[tuple[str, str, bytes]]) -> None:
    """Put the files of the folder that patches begin with into the index."""
    named: dict[str, None] = {}
    for name, _, patch in mails:
        for way in ([], ["-R"]):  # backwards it names what a file was called before
            try:
                told = git.ask("apply", "--numstat", "-z", *way, "-", given=patch)
            except Problem as reason:
                raise Problem(f"{name}: must be a patch: {plain(str(reason))}") from None
            named |= {row.split("\t", 2)[2]: None for row in told.decode(errors="surrogateescape").split("\0") if row.count("\t") >= 2}
    for path in named:
        if outside(path):
            raise Problem(f"a patch must stay in the tree, and this one names {plain(path)}")
        place = git.tree / path
        if place.is_symlink() or any(part.is_symlink() for part in _above(git.tree, path)):
            raise Problem(f"a patch must change files, and {plain(path)} is, or lies behind, a symbolic link")
        if place.is_file():
            git.add(path, _read(place))


def _above(tree: Path, path: str) -> Iterator[Path]:
    return (tree / parent for parent in PurePosixPath(path).parents if parent.parts)


def _read(place: Path) -> bytes:
    if place.stat().st_size > FILE_SIZE:
        raise Problem(f"{place}: a file to be patched must have at most {FILE_SIZE >> 20} MiB")
    return place.read_bytes()


def outside(path: str) -> bool:
    """Whether a path of a patch leads out of the tree, or into git's own folder."""
    parts = PurePosixPath(path).parts
    return not parts or path.startswith("/") or ".." in parts or any(part.lower() == ".git" for part in parts) or "\\" in path


def _allowed(git: Git, change: Change, where: str) -> None:
    """Raise Problem where a patch makes something else than a file of the tree that has some text in it."""
    if outside(change.path):
        raise Problem(f"{where} must stay in the tree, and names {plain(change.path)}")
    if (change.after or FILES[0]) not in FILES or (change.before or FILES[0]) not in FILES:
        raise Problem(f"{where} must change files, and {plain(change.path)} is a symbolic link or a submodule")
    if change.blob and int(git.ask("cat-file", "-s", change.blob)) > FILE_SIZE:
        raise Problem(f"{where} must make files of at most {FILE_SIZE >> 20} MiB, and {plain(change.path)} is larger")


def plain(text: str) -> str:
    """A stranger's words in one line, with nothing in them that a terminal would obey."""
    return "".join(letter if letter.isprintable() else "?" for letter in " ".join(text.split()))[:200]
