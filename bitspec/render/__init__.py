"""Output formats, one module each: ``render(report)`` gives the text.  A new format is a new module."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules

from bitspec.report import Report


def formats() -> tuple[str, ...]:
    """The names of all formats, those for people first."""
    names = [module.name for module in iter_modules(__path__) if not module.ispkg and not module.name.startswith("_")]
    return tuple(sorted(names, key=lambda name: (name != "text", name)))


def renderer(name: str) -> Callable[[Report], object]:
    """The function that renders a report in a format; text comes back as a rich renderable, everything else as a string."""
    render: Callable[[Report], object] = import_module(f"bitspec.render.{name}").render
    return render
