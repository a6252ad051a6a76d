"""Finding the emulated machines: an architecture has them if it has a ``mmu.py`` (``VARIANTS`` and ``machine(variant)``)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from archs import discover
from bitspec.layout import Absent
from bitspec.mmu.machine import Machine
from bitspec.vocabulary import VocabularyError, unknown


@cache
def architectures() -> tuple[str, ...]:
    """The architectures that have an emulated machine."""
    return tuple(arch for arch in discover.architectures() if find_spec(f"archs.{arch}.mmu"))


def variants(arch: str) -> tuple[str, ...]:
    """The variants that can be emulated, the default first.  Raises VocabularyError for an architecture without a machine."""
    if arch not in discover.architectures():
        raise VocabularyError(unknown("architecture", arch, discover.architectures()))
    if arch not in architectures():
        raise VocabularyError(f"{arch} has no emulated machine; {', '.join(architectures())} have one")
    return tuple(import_module(f"archs.{arch}.mmu").VARIANTS)


def machine(arch: str, variant: str) -> Machine:
    """The machine of one variant, set up.  Raises Absent for a variant that cannot be emulated, EmulatorMissing without unicorn."""
    possible = variants(arch)
    if variant not in possible:
        module: Any = import_module(f"archs.{arch}.mmu")
        reason = getattr(module, "NOT_EMULATED", {}).get(variant, "no emulator has it")
        raise Absent(f"{arch} {variant} cannot be emulated: {reason}; it can in {', '.join(possible)}")
    made: Machine = import_module(f"archs.{arch}.mmu").machine(variant)
    return made


def every(arch: str, variant: str) -> Iterator[Machine]:
    """The machine of one variant, and the same in other circumstances, as its ``mmu.py`` has them in ``others(variant)``."""
    yield machine(arch, variant)
    others = getattr(import_module(f"archs.{arch}.mmu"), "others", None)
    if others is not None:
        yield from others(variant)
