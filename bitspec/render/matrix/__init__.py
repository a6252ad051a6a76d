"""Output formats of ``matrix``, one module each: ``render(matrix)`` gives the text.  A new format is a new module."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules

from bitspec.matrix import Matrix


def formats() -> tuple[str, ...]:
    """The names of all formats, those for people first."""
    names = [module.name for module in iter_modules(__path__) if not module.name.startswith("_")]
    return tuple(sorted(names, key=lambda name: (name != "text", name)))


def renderer(name: str) -> Callable[[Matrix], object]:
    """The function that renders a matrix in a format; text comes back as a rich renderable, everything else as a string."""
    render: Callable[[Matrix], object] = import_module(f"bitspec.render.matrix.{name}").render
    return render
