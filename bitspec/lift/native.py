"""The same IR, run: wrappers compiled for this machine and called, to hold the expressions against what a CPU does.

Where the IR came from another architecture's headers it is compiled for this machine all the same: a helper is integer arithmetic, and IR says what that
is whatever the machine.  Functions whose IR has inline assembly, external symbols or variables cannot be run, and are left out.
"""

from __future__ import annotations

import ctypes
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bitspec.expr import variables
from bitspec.lift.ir import Global, Int, Module, parse
from bitspec.lift.translate import Outcome
from bitspec.read.as_int import evaluate

_TYPES: Final = {8: ctypes.c_uint8, 16: ctypes.c_uint16, 32: ctypes.c_uint32, 64: ctypes.c_uint64}


@dataclass
class Native:
    """A module compiled for this machine."""

    module: Module
    _engine: Any
    _runnable: frozenset[str]

    def function(self, name: str) -> Callable[..., int] | None:
        """The function called `name`, or None where it cannot be run."""
        if name not in self._runnable:
            return None
        described = self.module.function(name)
        assert described is not None
        widths = [kind.width for _, kind in described.params if isinstance(kind, Int)]
        result = described.result
        if len(widths) != len(described.params) or not isinstance(result, Int) or result.width not in _TYPES or not set(widths) <= set(_TYPES):
            return None
        kind = ctypes.CFUNCTYPE(_TYPES[result.width], *[_TYPES[width] for width in widths])
        made, engine = kind(self._engine.get_function_address(name)), self._engine

        def call(*arguments: int) -> int:
            assert engine is not None  # it owns the code, and must live as long as this function
            return int(made(*arguments))

        return call


def compile_native(text: str) -> Native:
    """Compile IR text, whatever it was made for, and keep of it what can be run."""
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    module = parse(text)
    runnable = frozenset(name for name in module.texts if _runs(module, name))
    bare = _bare(text, runnable)
    compiled = binding.parse_assembly(bare)
    compiled.triple = binding.get_process_triple()
    machine = binding.Target.from_triple(compiled.triple).create_target_machine()
    engine = binding.create_mcjit_compiler(compiled, machine)
    engine.finalize_object()
    return Native(module, engine, runnable)


def _runs(module: Module, name: str) -> bool:
    function = module.function(name)
    assert function is not None
    for block in function.blocks.values():
        for one in block:
            external = one.opcode == "call" and not one.detail.startswith("@llvm.")
            if one.asm is not None or external or one.opcode in ("callbr", "unknown"):
                return False
            if re.search(r"@(?!llvm\.)", one.text) or any(isinstance(each.value, Global) for each in one.operands):
                return False
    return True


def _bare(text: str, runnable: frozenset[str]) -> str:
    """The module with nothing but the functions that run: no variables, no debug information, no attributes of another machine."""
    kept = ['source_filename = "bitspec"']
    kept += [line for line in text.splitlines() if line.startswith("%") and " = type " in line]
    kept += [re.sub(r" #\d+", "", line) for line in text.splitlines() if line.startswith("declare ") and "@llvm." in line]
    for found in re.finditer(r"^define .*?^}$", text, re.M | re.S):
        name = re.search(r'@("[^"]+"|[\w.$]+)\(', found[0])
        if name and name[1].strip('"') in runnable:
            kept.append(_without_metadata(found[0]))
    return "\n".join(kept) + "\n"


def _without_metadata(text: str) -> str:
    text = re.sub(r",? ![A-Za-z_][\w.]* !\d+", "", text)
    text = re.sub(r" #\d+(?= |$|\n|,)", "", text, flags=re.M)
    return re.sub(r"^define [^@]*?((?:range\(i\d+ -?\d+, -?\d+\) )?i\d+) @", r"define \1 @", text, flags=re.M)


def values(width: int, count: int, seed: int) -> Iterator[int]:
    """Corner values of a width, then random ones: dense, sparse, and a few bits away from each other."""
    chance = random.Random(seed)
    top = (1 << width) - 1
    yield from (0, top, 1, top - 1, 1 << width - 1, (1 << width - 1) - 1)
    for place in range(width):
        yield 1 << place
        yield top ^ 1 << place
    for _ in range(count):
        kind = chance.randrange(3)
        bits = chance.getrandbits(width)
        yield bits if kind == 0 else bits & chance.getrandbits(width) & chance.getrandbits(width) if kind == 1 else bits | chance.getrandbits(width)


def disagreement(outcome: Outcome, run: Callable[..., int], count: int = 300, seed: int = 2021) -> tuple[int, ...] | None:
    """Arguments for which the expression and the function give different results, or None if there are none among those tried.

    Where C leaves the result undefined, there is nothing to compare.
    """
    for arguments in _arguments([one.width for one in outcome.params], count, seed):
        given = dict(zip(outcome.params, arguments, strict=True))
        if evaluate(outcome.undefined, {one: given[one] for one in variables(outcome.undefined)}):
            continue
        if evaluate(outcome.value, {one: given[one] for one in variables(outcome.value)}) != run(*arguments):
            return arguments
    return None


def _arguments(widths: Sequence[int], count: int, seed: int) -> Iterator[tuple[int, ...]]:
    if not widths:
        yield ()
        return
    streams = [list(values(width, count, seed + place)) for place, width in enumerate(widths)]
    chance = random.Random(seed)
    for place, first in enumerate(streams[0]):
        yield (first, *(stream[chance.randrange(len(stream))] if place % 2 else stream[place % len(stream)] for stream in streams[1:]))
