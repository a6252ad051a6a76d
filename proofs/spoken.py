"""A claim in the kernel's words: the same function, run with helpers that only say their names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bitspec.expr import Expr, substitute
from bitspec.layout import Absent, Helper, Kernel
from bitspec.read.as_c import c_text
from bitspec.read.as_prose import phrase, prose
from bitspec.vocabulary import HELPERS, Kind, signature
from proofs.claim import Claim, Goal, Scene

_LONGEST = 240


class SpokenKernel:
    """A kernel whose helpers return phrases, and that remembers which it was asked for."""

    def __init__(self, k: Kernel, entry: Expr | None, name: str, said: dict[str, Helper]) -> None:
        self._k, self._entry, self._name, self._said = k, entry, name, said

    def helper(self, stem: str) -> Callable[..., Expr]:
        """The helper, as something that says its call.  Raises Absent as the real one does."""
        real = self._k.helper(stem)
        self._said[real.name] = real

        def call(*args: Expr | int) -> Expr:
            words = ", ".join(self._word(arg) for arg in args)
            return phrase(f"{real.name}({words})", real.body.width)

        return call

    def _word(self, arg: Expr | int) -> str:
        if isinstance(arg, int):
            return hex(arg)
        if arg is self._entry:
            return self._name
        text = c_text(arg)
        return text if len(text) < 60 else "..."

    def __getitem__(self, names: str | tuple[str, ...]) -> int:
        return self._k[names]

    def __getattr__(self, stem: str) -> Any:
        if stem in ("layout", "level", "use", "protections", "config", "number", "field", "shift", "has", "name"):
            return getattr(self._k, stem)
        if stem.endswith("__"):
            raise AttributeError(stem)
        return self.helper(stem)


def say(claim: Claim, scene: Scene, subject: Any, fails: Callable[[Expr], bool]) -> tuple[str, tuple[Helper, ...]]:
    """The claim about `subject` in words, and the helpers it asks.

    Of a claim made of several parts only those that fail are said, as `fails` tells of a part.  Claims about the hardware ask the MMU rather than helpers,
    and speak through their documentation.
    """
    said: dict[str, Helper] = {}
    if claim.scene:
        return claim.summary, ()
    entry = getattr(subject, "entry", None)
    try:
        words = _holds(claim.statement(SpokenKernel(scene.k, entry, _name(subject), said), subject))
        real = _holds(claim.statement(scene.k, subject))
    except (Absent, TypeError, AttributeError):
        return claim.summary, tuple(said.values())
    if entry is not None and entry.op != "const":
        words = substitute(words, {entry: phrase(_name(subject), entry.width)})
    failing = [part for part, meant in zip(_parts(words), _parts(real), strict=False) if fails(meant)]
    text = " and ".join(prose(part) for part in failing)
    asked = tuple(one for one in said.values() if one.name in text) or tuple(said.values())[:4]
    return (text if 0 < len(text) <= _LONGEST else claim.summary), asked


def _holds(made: Expr | Goal) -> Expr:
    return made.holds if isinstance(made, Goal) else made


def _parts(expr: Expr) -> list[Expr]:
    """The operands of a chain of and."""
    return [*_parts(expr.args[0]), *_parts(expr.args[1])] if expr.op == "and" and expr.width == 1 else [expr]


def _name(subject: Any) -> str:
    return str(getattr(subject, "state", subject).name).split("/")[0].split("(")[0]


def predicates(k: Kernel) -> tuple[Helper, ...]:
    """Every predicate of one entry that exists at this level, in the vocabulary's order."""
    names = [name for name, one in HELPERS.items() if one.level is k.level and one.params == (Kind.ENTRY,) and one.result is Kind.BOOL]
    return tuple(k.layout.helper(signature(name).name) for name in names if k.layout.has(name))
