"""Where a helper is defined: from the debug locations of its instructions, or by looking for its name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Set
from functools import cache
from pathlib import Path
from typing import Final

from bitspec.lift.ir import Function, Module
from bitspec.lift.overlay import Overlay


def definition(module: Module, function: Function, name: str) -> str | None:
    """``file:line`` of the function called `name` among those inlined into `function`, or None."""
    for block in function.blocks.values():
        for one in block:
            found = _chain(module, one.location, name)
            if found:
                return found
    return None


def _chain(module: Module, location: int | None, name: str) -> str | None:
    while location is not None:
        text = module.metadata.get(location, "")
        scope = _subprogram(module, _reference(text, "scope"))
        if scope and re.search(rf'name: "{re.escape(name)}"', scope):
            line = re.search(r"[ (]line: (\d+)", scope)
            file = module.metadata.get(_reference(scope, "file") or -1, "")
            path = re.search(r'filename: "([^"]*)", directory: "([^"]*)"', file)
            if line and path:
                return f"{Path(path[2]) / path[1]}:{line[1]}"
        location = _reference(text, "inlinedAt")
    return None


def _reference(text: str, key: str) -> int | None:
    found = re.search(rf"\b{key}: !(\d+)", text)
    return int(found[1]) if found else None


def _subprogram(module: Module, scope: int | None) -> str:
    for _ in range(100):
        text = module.metadata.get(scope if scope is not None else -1, "")
        if not text.startswith("!DILexicalBlock"):
            return text
        scope = _reference(text, "scope")
    return ""


#: Headers that may define a helper or a constant of the vocabulary.
_HEADERS: Final = re.compile(r".*(pgtable|pgalloc|swap|hugetlb|huge_mm|page|sparsemem|xarray|radix|hash|setup|mm).*\.h")


def search(tree: Path, folders: tuple[str, ...], name: str, included: Set[str], overlay: Overlay | None = None) -> str | None:
    """``file:line`` of the first definition of `name`, as a macro or function, in those headers of `folders` that were included."""
    named = re.compile(rf"\b{re.escape(name)}\b(\s*\()?")
    for folder in folders:
        for path, text in _as_laid(tree / folder, overlay):
            if name in text and str(path) in included:
                found = next((one.end() for one in named.finditer(text) if _defines(text, one.start(), called=bool(one[1]))), None)
                if found is not None:
                    return f"{path.relative_to(tree)}:{text.count(chr(10), 0, found) + 1}"
    return None


_MACRO: Final = re.compile(r"#\s*define\s+")
_FUNCTION: Final = re.compile(r"^(?:static|[\w\s*]*\binline)\b", re.MULTILINE)


def _defines(text: str, at: int, called: bool) -> bool:
    """Whether the name at `at` is being defined: after ``#define`` on its line, or as a function after ``static`` or ``inline``, no statement between."""
    if _MACRO.fullmatch(text, text.rfind("\n", 0, at) + 1, at):
        return True
    return called and _FUNCTION.search(text, max(text.rfind(";", 0, at), text.rfind("=", 0, at)) + 1, at) is not None


def _as_laid(folder: Path, overlay: Overlay | None) -> Iterable[tuple[Path, str]]:
    """The headers of a folder, some of them as an overlay has them."""
    if overlay is None:
        return _headers(folder)
    laid = {path: contents.read_text(encoding="utf-8", errors="replace") for path, contents in overlay.beside(folder) if _HEADERS.fullmatch(path.name)}
    return sorted((dict(_headers(folder)) | laid).items())


@cache
def _headers(folder: Path) -> tuple[tuple[Path, str], ...]:
    if not folder.is_dir():
        return ()
    paths = sorted(path for path in folder.iterdir() if _HEADERS.fullmatch(path.name))
    return tuple((path, path.read_text(encoding="utf-8", errors="replace")) for path in paths)
