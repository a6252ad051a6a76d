"""A tree with some files in another state, which clang reads in place of the tree's own: a patch costs no copy of the tree, and leaves it as it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from os.path import normpath
from pathlib import Path


@dataclass(frozen=True)
class Overlay:
    """The files that are not as they are in the tree.

    Attributes:
        folder: of our own, for the files and for what is made of them.
        files: where the contents are, by the normalised path in the tree as clang names it.
    """

    folder: Path
    files: Mapping[str, Path]

    @property
    def flags(self) -> tuple[str, ...]:
        """What clang is given: https://clang.llvm.org/doxygen/classllvm_1_1vfs_1_1RedirectingFileSystem.html has the format."""
        return ("-ivfsoverlay", str(self.folder / "overlay.yaml"))

    def actual(self, path: str) -> str:
        """The file that is read for a path."""
        return str(self.files.get(normpath(path), path))

    def beside(self, folder: Path) -> Iterator[tuple[Path, Path]]:
        """Paths in a folder of the tree, and where their contents are."""
        for name, contents in self.files.items():
            if Path(name).parent == folder:
                yield Path(name), contents


def lay(tree: Path, folder: Path, contents: Mapping[str, bytes]) -> Overlay:
    """An overlay of `contents`, by their paths relative to the `tree`."""
    own = folder / "files"
    own.mkdir(parents=True)
    files: dict[str, Path] = {}
    for name, text in contents.items():
        # by a name of its own: what a patch calls a file is no path of ours
        place = own / hashlib.sha256(name.encode()).hexdigest()
        place.write_bytes(text)
        files[normpath(tree / name)] = place
    roots = [{"name": name, "type": "file", "external-contents": str(place)} for name, place in files.items()]
    told = {"version": 0, "case-sensitive": "true", "use-external-names": False, "roots": roots}
    (folder / "overlay.yaml").write_text(json.dumps(told), encoding="utf-8")  # JSON is YAML
    return Overlay(folder, files)
