"""Small trees and repositories, and patches for them."""

from __future__ import annotations

import os
import subprocess
from difflib import unified_diff
from pathlib import Path

import pytest

FILES = {
    "Makefile": "VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 7\n",
    "Kbuild": "",
    "scripts/Kbuild.include": "",
    "include/linux/mm.h": "one\ntwo\nthree\n",
    "drivers/net/card.c": "card\n",
    "arch/x86/include/asm/pgtable.h": "pgtable\n",
}


def folder(place: Path) -> Path:
    """A folder that looks like a kernel tree."""
    for name, text in FILES.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    return place


def git(place: Path, *arguments: str) -> str:
    """git, as somebody."""
    who = dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"), "a") | dict.fromkeys(("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"), "a@b.c")
    when = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), "2026-01-01T00:00:00Z")
    quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", "-C", str(place), *arguments], capture_output=True, text=True, check=True, env=os.environ | who | when | quiet)
    return done.stdout


def repository(place: Path) -> Path:
    """A repository of one commit."""
    pytest.importorskip("shutil").which("git") or pytest.skip("git is not installed")
    git(folder(place), "init", "-q", "-b", "main")
    git(place, "add", "-A")
    git(place, "commit", "-q", "-m", "the tree")
    return place


def commit(place: Path, name: str, text: str, subject: str) -> str:
    """A commit that writes one file; its name."""
    (place / name).parent.mkdir(parents=True, exist_ok=True)
    (place / name).write_text(text)
    git(place, "add", "-A")
    git(place, "commit", "-q", "-m", subject)
    return git(place, "rev-parse", "HEAD").strip()


def patch(name: str, old: str, new: str) -> str:
    """A patch of one file."""
    return f"diff --git a/{name} b/{name}\n" + "".join(unified_diff(old.splitlines(True), new.splitlines(True), f"a/{name}", f"b/{name}"))


def mail(subject: str, body: str) -> str:
    """A mail of a mailbox."""
    head = f"From {'0' * 40} Mon Sep 17 00:00:00 2001\nFrom: A <a@b.c>\nDate: Thu, 1 Jan 2026 00:00:00 +0000\nSubject: {subject}\n"
    return f"{head}\n{body}\n"


def state(place: Path) -> dict[str, tuple[int, int, bytes]]:
    """Everything in a folder, with times; but git renews that of an object that it was to write."""
    found = {}
    for path in sorted(place.rglob("*")):
        if path.is_file() and not path.is_symlink():
            stat = path.stat()
            found[str(path)] = (stat.st_size, 0 if "objects" in path.parts else stat.st_mtime_ns, path.read_bytes())
    return found
