"""Inline assembly that only computes: a straight line of a few instructions, and what the kernel's boot code puts in their place.

What the instructions mean is data (:class:`bitspec.lift.target.Instructions`).  A replacement is a section of the same text: the label it begins at, and
the instructions that go there.  Whether the sections of a kind are applied is one symbol, the same in every helper, so that a hardware variant is a pin.
Anything that is not understood makes the whole text not understood.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bitspec.expr import FALSE, TRUE, Expr, const, ite, var
from bitspec.lift.problem import Unliftable
from bitspec.lift.target import Instructions
from bitspec.read.as_known import constant

#: An instruction: its name and its operands.
Line = tuple[str, tuple[str, ...]]
WIDTH = 64


@dataclass(frozen=True)
class Program:
    """Assembly, taken apart.

    Attributes:
        lines: the instructions that are built in.
        patches: by section, the place in `lines` and the instruction that goes there.
    """

    lines: tuple[Line, ...]
    patches: Mapping[str, tuple[tuple[int, Line], ...]]


def program(text: str) -> Program:
    """The text, taken apart.  Raises Unliftable."""
    lines: list[Line] = []
    labels: dict[str, int] = {}
    patches: dict[str, list[tuple[int, Line]]] = {}
    section, at = "", -1
    for raw in text.split("\n"):
        words = raw.strip()
        while label := re.match(r"(\d+):\s*", words):
            if section or label[1] in labels:
                raise Unliftable(f"a label that is not understood: {raw.strip()}")
            labels[label[1]] = len(lines)
            words = words[label.end() :]
        if not words:
            continue
        name, _, rest = words.partition("\t")
        name, rest = (name, rest.strip()) if rest else (words.partition(" ")[0], words.partition(" ")[2].strip())
        if name == ".section":
            section, at = rest.partition(",")[0].strip(), -1
            patches.setdefault(section, [])
        elif name == ".previous":
            section = ""
        elif name == ".word" and section:
            target = re.fullmatch(r"(\d+)b", rest)
            if target is None or target[1] not in labels:
                raise Unliftable(f"a replacement must tell its place, not {rest}")
            at = labels[target[1]]
        elif name.startswith("."):
            raise Unliftable(f"an assembler's directive: {words}")
        else:
            line = (name, tuple(each.strip() for each in rest.split(",")) if rest else ())
            if not section:
                lines.append(line)
            elif 0 <= at < len(lines):
                patches[section].append((at, line))
                at += 1
            else:
                raise Unliftable(f"a replacement without a place: {words}")
    return Program(tuple(lines), {name: tuple(found) for name, found in patches.items()})


def results(text: str, constraints: str, operands: Sequence[Expr], known: Instructions) -> tuple[tuple[Expr, Expr], ...]:
    """What the assembly yields, by output, and the condition under which it leaves that as it was.  Raises Unliftable.

    Args:
        text: the assembly.
        constraints: LLVM's constraint string.
        operands: its inputs.
        known: the instructions.
    """
    parsed = program(text)
    if strange := set(parsed.patches) - set(known.patches):
        raise Unliftable(f"a section of assembly: {', '.join(sorted(strange))}")
    lines = list(parsed.lines)
    made = _Machine(constraints, operands, known).run(lines)
    for section, symbol in known.patches.items():  # in the order in which the kernel applies them
        if section in parsed.patches:
            for place, line in parsed.patches[section]:
                lines[place] = line
            patched = _Machine(constraints, operands, known).run(lines)
            applied = var(symbol, 1)
            made = tuple((ite(applied, new, old), ite(applied, unset, was)) for (new, unset), (old, was) in zip(patched, made, strict=True))
    return made


class _Machine:
    """Registers by operand's number, while the instructions run."""

    def __init__(self, constraints: str, operands: Sequence[Expr], known: Instructions) -> None:
        every = [one for one in constraints.split(",") if not one.startswith("~")]
        outputs = [one for one in every if one.startswith("=")]
        inputs = every[len(outputs) :]
        if any(one not in ("=r", "=&r") for one in outputs) or len(inputs) != len(operands):
            raise Unliftable(f"assembly with the constraints {constraints}")
        self.known, self.outputs = known, len(outputs)
        self.early = all("&" in one for one in outputs)
        self.registers: dict[int, Expr] = {}
        self.numbers: dict[int, Expr] = {}
        self.shared: set[int] = set()  # inputs that may lie in an output's register
        for place, (constraint, value) in enumerate(zip(inputs, operands, strict=True), len(outputs)):
            if constraint == "i":
                self.numbers[place] = value
            elif constraint == "r" and value.width == WIDTH:
                self.registers[place] = value
                self.shared.add(place)
            elif constraint.isdigit() and int(constraint) < len(outputs) and value.width == WIDTH:
                self.registers[int(constraint)] = value
            else:
                raise Unliftable(f"assembly with the constraints {constraints}")

    def run(self, lines: Sequence[Line]) -> tuple[tuple[Expr, Expr], ...]:
        """The outputs after the instructions, and whether they have no value."""
        for name, operands in lines:
            self._step(name, operands)
        return tuple((self.registers[place], FALSE) if place in self.registers else (const(0, WIDTH), TRUE) for place in range(self.outputs))

    def _step(self, name: str, operands: tuple[str, ...]) -> None:
        operation = self.known.operations.get(name)
        if operation == "nothing" and not operands:
            return
        takes = {"part": 1, "copy": 1, "and": 2, "or": 2, "andnot": 2, "shl": 2, "lshr": 2}.get(operation or "", -1)
        target = re.fullmatch(r"\$(\d+)", operands[-1]) if operands else None
        if target is None or int(target[1]) >= self.outputs or len(operands) != takes + 1:
            raise Unliftable(f"an instruction: {name} {', '.join(operands)}")
        values = [self._value(one, alone=operation == "part") for one in operands[:-1]]
        match operation:
            case "copy" | "part":
                made = values[0]
            case "and":
                made = values[0] & values[1]
            case "or":
                made = values[0] | values[1]
            case "andnot":
                made = values[0] & ~values[1]
            case _:
                count = constant(values[1])
                if count is None or not 0 <= count < WIDTH:
                    raise Unliftable(f"a shift that is not constant: {name} {', '.join(operands)}")
                made = values[0] << count if operation == "shl" else values[0] >> count
        self.registers[int(target[1])] = made
        if not self.early:
            for place in self.shared:  # the compiler may have given it the register that was just written
                self.registers.pop(place, None)

    def _value(self, text: str, alone: bool) -> Expr:
        """An operand; a part of a number that stands `alone` in its instruction need not fit beside others, and nothing else may."""
        found = re.fullmatch(r"(?:(%\w+)\()?\$(\d+)\)?|(\d+)", text)
        if found is None or (found[1] is None) is text.endswith(")") or (alone and found[1] is None):
            raise Unliftable(f"an operand of assembly: {text}")
        if found[3] is not None:
            return self._immediate(int(found[3]))
        place = int(found[2])
        if place not in self.numbers:
            if found[1] is not None or place not in self.registers:
                raise Unliftable(f"an operand of assembly without a value: {text}")
            return self.registers[place]
        number = constant(self.numbers[place])
        if number is None:
            raise Unliftable(f"an operand of assembly that is no number: {text}")
        if found[1] is None:
            width = self.numbers[place].width
            return self._immediate(number - (1 << width) if number >> (width - 1) else number)
        part = self.known.parts.get(found[1])
        if part is None:
            raise Unliftable(f"a part of an operand of assembly: {found[1]}")
        shift, mask = part
        return const(number >> shift & mask, WIDTH) if alone else self._immediate(number >> shift & mask)

    def _immediate(self, number: int) -> Expr:
        """A number in an instruction, which is sign-extended; the assembler takes none that does not fit."""
        if not -(1 << self.known.immediate - 1) <= number < 1 << self.known.immediate - 1:
            raise Unliftable(f"a number that does not fit an instruction: {number:#x}")
        return const(number % (1 << WIDTH), WIDTH)
