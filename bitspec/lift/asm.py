"""What inline assembly means, as far as a helper's value depends on it.

Static keys are understood everywhere: the entry that the kernel's own patching reads (``__jump_table``) says which key it is and which way it goes. The
rest is told by an architecture's rules; assembly that neither covers is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bitspec.expr import Expr
from bitspec.lift.target import AsmRule

#: A static key's structure is aligned to 4 at least; the lowest bit of what the jump table refers to is the expected direction.
_DIRECTION = 1


@dataclass(frozen=True, slots=True)
class Choice:
    """An asm goto that goes one way or the other by a symbol: to the label with index `yes` where it is 1, else to `no`."""

    symbol: str
    yes: int
    no: int


@dataclass(frozen=True, slots=True)
class Register:
    """Assembly that yields something which does not change, the same wherever it stands."""

    symbol: str


@dataclass(frozen=True, slots=True)
class Barrier:
    """Assembly without a result; `harmless` where it is known to leave alone what its operands point to."""

    harmless: bool = False


@dataclass(frozen=True, slots=True)
class Same:
    """Assembly that yields its operand, hidden from the optimiser."""

    operand: int


@dataclass(frozen=True, slots=True)
class Computed:
    """Assembly that yields a function of its operands."""

    compute: Callable[[Sequence[Expr]], Expr]


def meaning(
    text: str, constraints: str, operands: Sequence[tuple[str, int] | None], rules: Sequence[AsmRule], results: bool, goto: bool
) -> Choice | Register | Barrier | Same | Computed | None:
    """What a piece of assembly does; None where nobody knows.

    Args:
        text: the assembly.
        constraints: LLVM's constraint string.
        operands: of each operand the base and the offset, where it is an address or a number ("" for a base) that is constant.
        rules: the architecture's.
        results: whether it yields a value.
        goto: whether it may jump.
    """
    if goto and "__jump_table" in text:
        key = next((one for one in operands if one is not None and one[0]), None)
        if key is None:
            return None
        branch = sum(one[1] for one in operands if one is not None and not one[0]) + key[1] & _DIRECTION
        offset = key[1] & ~_DIRECTION
        symbol = f"key.{key[0]}" + (f"+{offset}" if offset else "")
        return Choice(symbol, 1 - branch, branch)  # it jumps where enabled ^ branch: jump_label_type() of kernel/jump_label.c
    for rule in rules:
        found = re.search(rule.pattern, text, re.S)
        if found is None:
            continue
        if rule.kind == "feature" and goto:
            named = operands[rule.index] if rule.index < len(operands) else None
            word = found[1] if found.groups() else str(named[1]) if named is not None else None
            return None if word is None else Choice(rule.name.format(word), rule.yes, rule.no)
        if rule.kind == "same" and results:
            return Same(rule.index)
        if rule.compute is not None and results and not goto:
            return Computed(rule.compute)
        if rule.kind == "flush" and not results and not goto:
            return Barrier(harmless=True)
        if rule.kind == "register" and results:
            if any(one is None for one in operands):
                return None
            told = ["+".join(filter(None, (one[0], str(one[1])))) for one in operands if one is not None]  # the same text with other numbers is another thing
            return Register(".".join([rule.name.format(*found.groups()), *told]))
    if goto:
        return None
    if not results:
        return Barrier() if "*" not in constraints else None
    tied = re.match(r"=r,0(,|$)", constraints)
    return Same(0) if tied and not text.strip() else None
