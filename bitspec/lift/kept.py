"""What was lifted, kept as JSON beside the IR, so that a second run reads neither LLVM IR nor headers.

Not by pickle: a build folder may be somebody else's, and what lies in it must not run here.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import bitspec
from bitspec.expr import OPS, Expr, _node, nodes
from bitspec.lift.translate import Outcome, Rules


@cache
def _lifter() -> str:
    """The state of the lifter itself: another one may lift differently."""
    home = Path(__file__).parent
    digest = hashlib.sha256(bitspec.__version__.encode())
    for path in sorted((*home.glob("*.py"), home.parent / "expr.py", home.parent / "vocabulary.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def key(state: str, rules: Rules, *more: str) -> str:
    """Changes with anything that what is kept depends on."""
    known = [repr(rules.asm), repr(rules.instructions), *(repr(sorted(each)) for each in (rules.initial, rules.written))]
    known += [repr(sorted(each.items())) for each in (rules.calls, rules.addresses)]
    told = [state, *known, _lifter(), *more]
    return hashlib.sha256("\0".join(told).encode()).hexdigest()


def keep(path: Path, key: str, rows: Iterable[tuple[Sequence[str], Outcome | None]]) -> None:
    """Write rows of texts and outcomes."""
    place: dict[Expr, int] = {}
    written: list[list[object]] = []

    def number(expr: Expr) -> int:
        for node in nodes(expr) if expr not in place else ():
            if node not in place:
                place[node] = len(written)
                written.append([node.op, [place[arg] for arg in node.args], node.attr, node.width])
        return place[expr]

    def outcome(one: Outcome) -> list[object]:
        return [[number(each) for each in one.params], number(one.value), number(one.undefined), number(one.stops), [number(each) for each in one.symbols]]

    made = [[list(texts), None if one is None else outcome(one)] for texts, one in rows]
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps({"key": key, "nodes": written, "rows": made}), encoding="utf-8")
    fresh.replace(path)


def kept(path: Path, key: str) -> list[tuple[list[str], Outcome | None]] | None:
    """What was written under the same key, or None."""
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
        if found["key"] != key:
            return None
        made: list[Expr] = []
        for op, args, attr, width in found["nodes"]:
            if op not in OPS:
                return None
            made.append(_node(op, tuple([made[each] for each in args]), attr, width))

        def outcome(one: Any) -> Outcome | None:
            if one is None:
                return None
            params, value, undefined, stops, symbols = one
            return Outcome(tuple(made[each] for each in params), made[value], made[undefined], made[stops], tuple(made[each] for each in symbols))

        return [([str(text) for text in texts], outcome(one)) for texts, one in found["rows"]]
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return None
