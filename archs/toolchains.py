"""Finding what the lifter has to know of an architecture: its ``toolchain.py``, and its layouts in the config that a tree happens to have."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

import archs
from archs import discover
from bitspec.layout import Config, Layout
from bitspec.vocabulary import VocabularyError, unknown

if TYPE_CHECKING:
    from bitspec.lift.target import Target


@dataclass(frozen=True, slots=True)
class Chosen:
    """A configuration to run: the worst case for bits, and what is added to it.

    Attributes:
        name: of the shipped fragment, or the file's; ``default`` is the worst case itself.
        fragments: files of kernel options.
    """

    name: str
    fragments: tuple[Path, ...] = ()


DEFAULT = Chosen("default")


def configs() -> tuple[Chosen, ...]:
    """The shipped configurations, the default first: one for each choice that moves bits and is no hardware variant."""
    folder = Path(__file__).parent / "configs"
    return (DEFAULT, *(Chosen(path.stem, (path,)) for path in sorted(folder.glob("*.config"))))


def config(text: str) -> Chosen:
    """A shipped configuration by its name, or a file of kernel options.  Raises VocabularyError for what is neither."""
    known = {one.name: one for one in configs()}
    if text in known:
        return known[text]
    path = Path(text)
    if path.is_file():
        return Chosen(path.stem if path.suffix == ".config" else path.name, (path,))
    raise VocabularyError(unknown("config, and no file,", text, tuple(known)))


@cache
def architectures() -> tuple[str, ...]:
    """The architectures whose trees can be lifted."""
    found = [module.name for module in iter_modules(archs.__path__) if module.ispkg]
    return tuple(sorted(name for name in found if find_spec(f"archs.{name}.toolchain")))


def releases(arch: str) -> tuple[str, ...]:
    """The releases an architecture has layouts of; an architecture that can only be lifted has none."""
    return discover.releases(arch) if arch in discover.architectures() else ()


def variants(arch: str) -> tuple[str, ...]:
    """The hardware variants of an architecture, the default first.  Raises VocabularyError for one that is not known."""
    if arch in discover.architectures():
        return discover.variants(arch)
    target(arch)
    return tuple(import_module(f"archs.{arch}.toolchain").VARIANTS)


def target(arch: str) -> Target:
    """How to compile an architecture's headers.  Raises VocabularyError for one that is not known, or that no compiler at hand knows."""
    if arch in discover.architectures() and arch not in architectures():
        raise VocabularyError(f"{arch} cannot be lifted: it has no archs/{arch}/toolchain.py, which says how clang compiles its headers")
    if arch not in architectures():
        raise VocabularyError(unknown("architecture", arch, architectures()))
    found: Target = import_module(f"archs.{arch}.toolchain").TARGET
    return found


def layout(arch: str, release: str, variant: str, config: Config) -> Layout:
    """A layout in any config, not only in those that have a name.  Raises VocabularyError for a name that is none."""
    discover.layout(arch, release, variant)
    hardware: Any = import_module(f"archs.{arch}.hardware")
    module: Any = import_module(f"archs.{arch}.{release.replace('-', '_').replace('.', '_')}")
    made: Layout = module.layout(hardware.hardware(variant), config)
    return made
