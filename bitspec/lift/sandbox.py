"""Running make on a stranger's tree: bubblewrap, without network, with nothing to write to but the build folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from bitspec.lift.problem import Problem

#: What is hidden, for its sockets and for what others leave there; what make needs of it is put back.
_HIDDEN: Final = ("/tmp", "/run")


def bwrap(place: Path, needed: Iterable[Path]) -> list[str]:
    """The words to put before a command.  Raises Problem where there is no bubblewrap, or where it may not do its work.

    Args:
        place: the build folder.
        needed: folders and files that the command reads.
    """
    if shutil.which("bwrap") is None:
        raise Problem("--sandbox needs bubblewrap (bwrap), which must be installed")
    words = ["bwrap", "--unshare-net", "--unshare-pid", "--unshare-ipc", "--new-session", "--die-with-parent", "--cap-drop", "ALL"]
    words += ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
    for hidden in _HIDDEN:
        words += ["--tmpfs", hidden]
    for path in needed:  # after what would hide them
        if any(path.is_relative_to(hidden) for hidden in _HIDDEN):
            words += ["--ro-bind", str(path), str(path)]
    words += ["--bind", str(place), str(place)]
    settings = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(place), "LC_ALL": "C", "ZIG_GLOBAL_CACHE_DIR": str(place / ".zig")}
    words += ["--clearenv", *(word for name, value in settings.items() for word in ("--setenv", name, value))]
    done = subprocess.run([*words, "true"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [f"it exits with {done.returncode}"])[-1]
        raise Problem(f"--sandbox needs a machine on which bubblewrap may make namespaces; here it does not run: {said}")
    return words
