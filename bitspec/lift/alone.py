"""One process at a time: several may want to fill one folder of the cache, or of a build."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other processes out of a folder, which need not be there yet; whoever comes second waits, and finds what the first has made.

    The lock is on a file beside the folder, and ends with the process that holds it.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
