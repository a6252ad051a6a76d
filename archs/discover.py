"""Finding architectures and releases by looking into this package.

An architecture is a folder with a ``hardware.py`` (``VARIANTS`` and ``hardware(variant)``) and a ``linux_*.py`` per release (``layout(hardware, config)``);
``known.py`` lists its reviewed refutations.  Adding one is adding a folder or a file.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import Any

import archs
from bitspec.layout import CONFIGS, Config, Layout, Provenance
from bitspec.vocabulary import VocabularyError, unknown


@cache
def architectures() -> tuple[str, ...]:
    """The names of all architectures, in alphabetical order."""
    found = [module.name for module in iter_modules(archs.__path__) if module.ispkg]
    return tuple(sorted(name for name in found if find_spec(f"archs.{name}.hardware")))


@cache
def target(text: str) -> tuple[str, str | None]:
    """The architecture and the release of ``ARCH`` or ``ARCH@LAYOUT``.  Raises VocabularyError."""
    arch, at, release = text.partition("@")
    if at and not release:
        raise VocabularyError(f"a layout must follow the @ in {text!r}")
    return arch, release or None


def releases(arch: str) -> tuple[str, ...]:
    """The releases an architecture has layouts of, oldest first."""
    package = import_module(f"archs.{_arch(arch)}")
    names = [module.name for module in iter_modules(package.__path__) if module.name.startswith("linux_")]
    return tuple(sorted((name.replace("linux_", "linux-").replace("_", ".") for name in names), key=_age))


def _age(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.removeprefix("linux-").split("."))


def variants(arch: str) -> tuple[str, ...]:
    """The hardware variants of an architecture, the default first."""
    return tuple(import_module(f"archs.{_arch(arch)}.hardware").VARIANTS)


def config(name: str) -> Config:
    """The config called `name`.  Raises VocabularyError."""
    for one in CONFIGS:
        if one.name == name:
            return one
    raise VocabularyError(unknown("config", name, [one.name for one in CONFIGS]))


def layout(arch: str, release: str | None = None, variant: str | None = None, config_name: str = "default") -> Layout:
    """A layout; by default the newest release in the default variant.  Raises VocabularyError for a name that is none."""
    known = releases(arch)
    chosen = release or known[-1]
    if chosen not in known:
        raise VocabularyError(unknown(f"layout of {arch}", chosen, known))
    possible = variants(arch)
    kind = variant or possible[0]
    if kind not in possible:
        raise VocabularyError(unknown(f"variant of {arch}", kind, possible))
    return _layout(arch, chosen, kind, config_name)


@cache
def _layout(arch: str, release: str, variant: str, config_name: str) -> Layout:
    hardware: Any = import_module(f"archs.{arch}.hardware")
    module: Any = import_module(f"archs.{arch}.{release.replace('-', '_').replace('.', '_')}")
    made: Layout = module.layout(hardware.hardware(variant), config(config_name))
    # conform holds layouts against a tree in the worst-case config; in any other they are as they were read
    return made if config_name == "default" else replace(made, provenance=Provenance.TRANSCRIBED)


def known(arch: str) -> tuple[Any, ...]:
    """The reviewed refutations of an architecture."""
    name = f"archs.{_arch(arch)}.known"
    return tuple(import_module(name).KNOWN) if find_spec(name) else ()


def _arch(name: str) -> str:
    if name not in architectures():
        raise VocabularyError(unknown("architecture", name, architectures()))
    return name
