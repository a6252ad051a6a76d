"""TOML files that people write and anybody may send: read into plain data, key by key, with the file and the line in every error."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bitspec.fields import LayoutError
from bitspec.vocabulary import unknown


class TextError(LayoutError):
    """A file that cannot be: its name, the line where that is known, and what is wrong."""


def written(path: Path, limit: int, what: str) -> str:
    """The text of a file of at most `limit` bytes.  Raises TextError, OSError."""
    with path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise TextError(f"{path}: {what} must have at most {limit} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise TextError(f"{path}:{data.count(10, 0, error.start) + 1}: {what} must be UTF-8") from None


def toml(text: str, where: str, what: str) -> dict[str, Any]:
    """The data of a TOML text.  Raises TextError."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise TextError(f"{where}: {what} must be TOML: {error}") from None


def line_of(text: str, head: str, index: int, count: int) -> int | None:
    """The line of the `index`-th of `count` equal heads; tomllib does not say, and where they cannot be counted nobody does."""
    found = [number for number, line in enumerate(text.splitlines(), 1) if line.partition("#")[0].replace(" ", "").rstrip() == head]
    return found[index] if len(found) == count else None


class Section:
    """A table of the file, whose keys are taken one by one; what is left over is an error."""

    def __init__(self, data: Mapping[str, Any], where: str, line: int | None, kind: str) -> None:
        self.data, self.where, self.line, self.kind = dict(data), where, line, kind
        self.about = f"{kind} {data['name']}" if isinstance(data.get("name"), str) and data["name"].isidentifier() else kind
        self.known: list[str] = []

    def error(self, what: str) -> TextError:
        """What is wrong with it, with the place."""
        return TextError(f"{self.where}{f':{self.line}' if self.line else ''}: {self.about}: {what}")

    def take(self, key: str) -> Any:
        """A value, whatever it is; None where there is none."""
        self.known.append(key)
        return self.data.pop(key, None)

    def text(self, key: str) -> str | None:
        """A text, if it is there.  Raises TextError."""
        value = self.take(key)
        if value is not None and not isinstance(value, str):
            raise self.error(f"{key} must be a text, not a value of type {type(value).__name__}")
        return value

    def needed(self, key: str) -> str:
        """A text that must be there.  Raises TextError."""
        value = self.text(key)
        if value is None:
            raise self.error(f"it must have {key}")
        return value

    def flag(self, key: str) -> bool | None:
        """True or false, if it is there.  Raises TextError."""
        value = self.take(key)
        if value is not None and not isinstance(value, bool):
            raise self.error(f"{key} must be true or false, not a value of type {type(value).__name__}")
        return value

    def words(self, key: str) -> tuple[str, ...]:
        """A text or an array of texts."""
        value = self.take(key)
        found = () if value is None else tuple(value) if isinstance(value, list) else (value,)
        if not all(isinstance(one, str) for one in found) or len(found) > 64:
            raise self.error(f"{key} must be a text or a few of them, not a value of type {type(value).__name__}")
        return found

    def one_of(self, key: str, known: Sequence[str]) -> str | None:
        """One of some texts, if it is there.  Raises TextError."""
        value = self.text(key)
        if value is not None and value not in known:
            raise self.error(f"{key} must be one of {', '.join(known)}, not {value[:40]!r}")
        return value

    def table(self, key: str) -> Mapping[str, Any]:
        """A table that must be there.  Raises TextError."""
        value = self.take(key)
        if not isinstance(value, dict):
            raise self.error(f"it must have a table [{key}]")
        return value

    def tables(self, key: str) -> Sequence[Mapping[str, Any]]:
        """An array of tables; empty where there is none.  Raises TextError."""
        value = self.take(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise self.error(f"{key} must be written as tables [[{key}]]")
        return value

    def done(self) -> None:
        """Raise TextError for a key that nobody has taken."""
        for key in self.data:
            raise self.error(unknown("key", key[:40], self.known))
