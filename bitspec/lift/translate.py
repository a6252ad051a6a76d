"""IR functions as expressions.

A function without loops is a circuit: each block has a condition under which it is reached, each phi chooses by the conditions of its edges.

Soundness.  LLVM's ``poison`` and ``undef`` are followed beside every value, as a condition under which it is not defined: nsw, nuw, exact, disjoint and
nneg flags, shifts by too much, divisions by zero, memory that was never written.  What a helper returns is compared and claimed only together with that
condition, :attr:`Outcome.undefined`; that it can be 1 at all is a finding of its own.  BUG() is kept apart, as :attr:`Outcome.stops`.

What does not change while a helper runs (a global variable, a system register, a static key) is a variable of the expression, one for all helpers.
Anything else is refused, with the instruction named.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from bitspec.expr import (
    FALSE,
    TRUE,
    Expr,
    ashr,
    bit,
    bits,
    concat,
    const,
    eq,
    ite,
    ne,
    sext,
    sle,
    slt,
    substitute,
    trunc,
    udiv,
    ugt,
    ule,
    ult,
    urem,
    var,
    variables,
    zext,
)
from bitspec.lift import asm as assembly
from bitspec.lift import sequence
from bitspec.lift.ir import Aggregate, Array, Constant, Function, Global, Instruction, Int, Local, Module, Number, Operand, Ptr, Struct, Type, Typed, Undefined
from bitspec.lift.problem import Unliftable
from bitspec.lift.target import AsmRule, Instructions
from bitspec.read.as_known import constant, decided

#: Calls by which the kernel stops itself; what comes after one is not reached.
_STOPS: Final = frozenset({"llvm.trap", "llvm.ubsantrap", "panic"})
#: Functions that only say something.
_SAID: Final = frozenset({"_printk", "__warn_printk", "warn_slowpath_fmt", "do_BUG"})


@dataclass(frozen=True, slots=True)
class Value:
    """An integer: what it is, and the condition under which it is not defined."""

    expr: Expr
    poison: Expr = FALSE


@dataclass(frozen=True, slots=True)
class Pointer:
    """An address: `offset` from a base, which is a global variable, a local one (``%name``), or "" for an absolute address."""

    base: str
    offset: Expr
    poison: Expr = FALSE


@dataclass(frozen=True, slots=True)
class Several:
    """A structure or array of values."""

    values: tuple[Thing, ...]


Thing: TypeAlias = "Value | Pointer | Several"
#: What local variables hold: by name, offset and width; the width 0 stands for "all of it is zero".
Memory: TypeAlias = dict[tuple[str, int, int], Thing]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a function returns.

    Attributes:
        params: the variables that stand for its arguments.
        value: the result.
        undefined: 1 where C leaves the result undefined.
        stops: 1 where the kernel stops itself, by BUG().
        symbols: what the result depends on besides its arguments.
    """

    params: tuple[Expr, ...]
    value: Expr
    undefined: Expr
    stops: Expr
    symbols: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """What is known beyond the IR.

    Attributes:
        asm: what inline assembly means.
        calls: functions that are defined elsewhere and taken to return a number.
        initial: global variables that are taken to have the value they are built with, although they could be written.
        addresses: where variables are taken to lie, by name; ``%`` stands for those on the stack.
        instructions: those that inline assembly may be made of, to be computed.
        written: global variables that may be stored to; what is found in them before is not known.
    """

    asm: tuple[AsmRule, ...] = ()
    calls: Mapping[str, int] = field(default_factory=dict)
    initial: frozenset[str] = frozenset()
    addresses: Mapping[str, int] = field(default_factory=dict)
    instructions: Instructions | None = None
    written: frozenset[str] = frozenset()


def both(left: Expr, right: Expr) -> Expr:
    """and, with what is decided folded."""
    if FALSE in (left, right):
        return FALSE
    if left is TRUE or left is right:
        return right
    return left if right is TRUE else _folded(left & right)


def either(left: Expr, right: Expr) -> Expr:
    """or, with what is decided folded."""
    if TRUE in (left, right):
        return TRUE
    if left is FALSE or left is right:
        return right
    return left if right is FALSE else _folded(left | right)


def negated(term: Expr) -> Expr:
    """not, with what is decided folded."""
    if term.op == "not":
        return term.args[0]
    return _folded(~term)


def _folded(term: Expr) -> Expr:
    known = decided(term)
    return term if known is None else TRUE if known else FALSE


def any_of(terms: Iterable[Expr]) -> Expr:
    """Or of all of them."""
    result = FALSE
    for term in terms:
        result = either(result, term)
    return result


def symbol(name: str, width: int) -> Expr:
    """The variable for something outside the helper."""
    clean = re.sub(r"[^A-Za-z0-9_.+]", "_", name)
    return var(clean if re.match(r"[A-Za-z_]", clean) else f"_{clean}", width)


def translate(module: Module, function: Function, rules: Rules) -> Outcome:
    """The function as an expression.  Raises Unliftable."""
    return _Translation(module, function, rules).outcome()


class _Translation:
    """One function on its way."""

    def __init__(self, module: Module, function: Function, rules: Rules) -> None:
        self.module, self.function, self.rules = module, function, rules
        self.values: dict[str, Thing] = {}
        self.undefined = FALSE
        self.stops = FALSE
        self.returns: list[tuple[Expr, Value]] = []
        self.edges: dict[tuple[str, str], Expr] = {}
        self.memories: dict[str, Memory] = {}
        self.reach, self.memory = TRUE, Memory()
        self.locals: set[str] = set()

    def outcome(self) -> Outcome:
        params = []
        for place, (name, kind) in enumerate(self.function.params):
            params.append(var(f"arg{place}", _width(kind)))
            self.values[name] = Value(params[-1])
        for label in _order(self.function):
            self._block(label)
        if not self.returns:
            stops = "BUG()" if self.stops is not FALSE else "undefined behaviour"
            raise Unliftable(f"it never returns: {stops}")
        result, poison = self.returns[-1][1].expr, self.returns[-1][1].poison
        for condition, value in reversed(self.returns[:-1]):
            result, poison = _choose(condition, value.expr, result), _choose(condition, value.poison, poison)
        undefined = either(self.undefined, both(poison, negated(self.stops)))
        free = [node for node in _free(result, undefined, self.stops) if node not in params]
        return Outcome(tuple(params), result, undefined, self.stops, tuple(free))

    # Blocks

    def _block(self, label: str) -> None:
        entry = label == next(iter(self.function.blocks))
        sources = [(source, condition) for (source, to), condition in self.edges.items() if to == label and condition is not FALSE]
        self.reach = TRUE if entry else any_of(condition for _, condition in sources)
        if self.reach is FALSE:
            return
        self.memory = self._merged(sources)
        trapped = False
        for one in self.function.blocks[label]:
            trapped = trapped or (one.opcode == "call" and (one.asm is not None or one.detail.removeprefix("@") in _STOPS))
            if one.opcode == "phi":
                self.values[one.result] = self._phi(one, label)
            elif one.opcode == "ret":
                if one.operands:
                    self.returns.append((self.reach, self._value(one.operands[0])))
            elif one.opcode == "unreachable":
                if trapped:
                    self.stops = either(self.stops, self.reach)
                else:
                    self.undefined = either(self.undefined, self.reach)
            elif one.opcode in ("br", "switch", "callbr"):
                self._leave(one, label)
            else:
                made = self._instruction(one)
                if one.result and made is not None:
                    self.values[one.result] = made
        self.memories[label] = self.memory

    def _merged(self, sources: Sequence[tuple[str, Expr]]) -> Memory:
        if len(sources) <= 1:
            return dict(self.memories[sources[0][0]]) if sources else {}
        keys = dict.fromkeys(key for source, _ in sources for key in self.memories[source])
        merged: Memory = {}
        for key in keys:
            found = [(condition, self.memories[source].get(key)) for source, condition in sources]
            first = found[0][1]
            if first is not None and all(value == first for _, value in found):
                merged[key] = first
            elif all(value is not None for _, value in found):
                merged[key] = _joined([(condition, value) for condition, value in found if value is not None])
            else:
                before = self._before(key)
                merged[key] = _joined([(condition, before if value is None else value) for condition, value in found])
        return merged

    def _before(self, key: tuple[str, int, int]) -> Thing:
        """What a variable holds before anything is stored to it."""
        base, offset, width = key
        if base.startswith("%"):
            return Value(const(0, max(1, width)), TRUE)
        if base in self.rules.written:
            return Value(symbol(f"{base}+{offset}" if offset else base, width))
        variable = self.module.variable(base)
        if variable is None or variable.type is None or variable.value is None:
            raise Unliftable(f"the initial value of {base} is not known")
        for at, part in self._flattened(variable.type, variable.value, 0):
            if (at, _width(part.type)) == (offset, width):
                return self._thing(part)
        raise Unliftable(f"part of {base} is written")

    def _phi(self, one: Instruction, label: str) -> Thing:
        found = [
            (self.edges[source, label], self._thing(operand))
            for operand, source in zip(one.operands, one.labels, strict=True)
            if self.edges.get((source, label), FALSE) is not FALSE
        ]
        return _joined(found)

    def _leave(self, one: Instruction, label: str) -> None:
        for to, condition in self._ways(one):
            taken = both(self.reach, condition)
            self.edges[label, to] = either(self.edges.get((label, to), FALSE), taken)

    def _ways(self, one: Instruction) -> list[tuple[str, Expr]]:
        if one.opcode == "callbr":
            return self._asm_goto(one)
        if not one.operands:
            return [(one.labels[0], TRUE)]
        value = self._value(one.operands[0])
        self.undefined = either(self.undefined, both(self.reach, value.poison))
        if one.opcode == "br":
            yes = _folded(value.expr)
            return [(one.labels[0], yes), (one.labels[1], negated(yes))]
        found, rest = [], TRUE
        for case, label in zip(one.operands[1:], one.labels[1:], strict=True):
            hit = _folded(eq(value.expr, self._value(case).expr))
            found.append((label, hit))
            rest = both(rest, negated(hit))
        return [*found, (one.labels[0], rest)]

    # Inline assembly

    def _meaning(self, one: Instruction) -> object:
        assert one.asm is not None
        goto = one.opcode == "callbr"
        results = not (hasattr(one.type, "text") and one.type.text == "void")
        return assembly.meaning(one.asm[0], one.asm[1], [self._fixed(each) for each in one.operands], self.rules.asm, results, goto)

    def _fixed(self, operand: Typed) -> tuple[str, int] | None:
        """A constant operand as base and offset."""
        thing = self._thing(operand)
        if isinstance(thing, Pointer) and not thing.base.startswith("%"):
            offset = constant(thing.offset)
            return None if offset is None else (thing.base, offset)
        if isinstance(thing, Value):
            number = constant(thing.expr)
            return None if number is None else ("", number)
        return None

    def _asm_goto(self, one: Instruction) -> list[tuple[str, Expr]]:
        what = self._meaning(one) if one.asm else None
        if not isinstance(what, assembly.Choice):
            raise Unliftable(one.text)
        chosen = symbol(what.symbol, 1)
        return [(one.labels[what.yes], chosen), (one.labels[what.no], negated(chosen))]

    def _asm(self, one: Instruction) -> Thing | None:
        what = self._meaning(one)
        if isinstance(what, assembly.Barrier):
            if not what.harmless and any(self._is_local(each) for each in one.operands):
                raise Unliftable(one.text)
            return None
        if isinstance(what, assembly.Same):
            return self._thing(one.operands[what.operand])
        if isinstance(what, assembly.Computed):
            inputs = [self._value(each) for each in one.operands]
            return Value(_constant_folded(what.compute([each.expr for each in inputs])), any_of(each.poison for each in inputs))
        if isinstance(what, assembly.Register):
            return _outside(what.symbol, one.type, one)
        return self._computed(one)

    def _computed(self, one: Instruction) -> Thing:
        """What assembly yields that is made of instructions we know."""
        if self.rules.instructions is None or one.asm is None:
            raise Unliftable(one.text)
        inputs = [self._value(each) for each in one.operands]
        made = sequence.results(one.asm[0], one.asm[1], [each.expr for each in inputs], self.rules.instructions)
        poison = any_of(each.poison for each in inputs)
        values = tuple(Value(_constant_folded(each), either(poison, _folded(unset))) for each, unset in made)
        return values[0] if isinstance(one.type, Int) else Several(values)

    def _is_local(self, operand: Typed) -> bool:
        thing = self._thing(operand)
        return isinstance(thing, Pointer) and thing.base.startswith("%")

    # Operands

    def _thing(self, operand: Typed) -> Thing:
        return self._operand(operand.type, operand.value)

    def _operand(self, kind: Type, value: Operand) -> Thing:
        match value:
            case Local(name):
                if name not in self.values:
                    raise Unliftable(f"%{name} has no value that is known")
                return self.values[name]
            case Number(number):
                width = _width(kind)
                made = const(number % (1 << width), width)
                return Pointer("", made) if isinstance(kind, Ptr) else Value(made)
            case Global(name):
                return Pointer(name, const(0, self.module.pointer))
            case Undefined():
                return _undefined(kind)
            case Aggregate(elements):
                if not elements:
                    return _zero(kind)
                return Several(tuple(self._thing(each) for each in elements))
            case Constant(instruction):
                inner = self._instruction(instruction)
                assert inner is not None
                return inner

    def _value(self, operand: Typed) -> Value:
        thing = self._thing(operand)
        if isinstance(thing, Pointer) and thing.base:
            place = self.rules.addresses.get("%" if thing.base.startswith("%") else thing.base)
            if place is not None:
                return Value(_constant_folded(const(place, thing.offset.width) + thing.offset), thing.poison)
        return as_value(thing)

    def _pointer(self, operand: Typed) -> Pointer:
        thing = self._thing(operand)
        if isinstance(thing, Several):
            raise Unliftable("a structure used as an address")
        return thing if isinstance(thing, Pointer) else Pointer("", thing.expr, thing.poison)

    # Instructions

    def _instruction(self, one: Instruction) -> Thing | None:
        make = _MAKERS.get(one.opcode)
        if make is None:
            raise Unliftable(f"{one.opcode}: {one.text}" if one.opcode != "unknown" else f"{one.detail}: {one.text}")
        return make(self, one)

    def _binary(self, one: Instruction) -> Thing:
        left, right = (self._value(each) for each in one.operands)
        made = _BINARY[one.opcode](left.expr, right.expr)
        poison = any_of((left.poison, right.poison, *(_violated(one, left.expr, right.expr, made))))
        if one.opcode in ("udiv", "urem", "sdiv", "srem"):
            self.undefined = either(self.undefined, both(self.reach, eq(right.expr, 0)))
        return Value(_constant_folded(made), poison)

    def _icmp(self, one: Instruction) -> Thing:
        left, right = (self._value(each) for each in one.operands)
        poison = either(left.poison, right.poison)
        if "samesign" in one.flags:
            top = left.expr.width - 1
            poison = either(poison, _folded(ne(bit(left.expr, top), bit(right.expr, top))))
        return Value(_folded(_PREDICATES[one.detail](left.expr, right.expr)), poison)

    def _select(self, one: Instruction) -> Thing:
        condition = self._value(one.operands[0])
        yes, no = (self._thing(each) for each in one.operands[1:])
        return _poisoned(_joined([(_folded(condition.expr), yes), (negated(_folded(condition.expr)), no)]), condition.poison)

    def _cast(self, one: Instruction) -> Thing:
        thing = self._thing(one.operands[0])
        if isinstance(one.type, Ptr):
            return thing if isinstance(thing, Pointer) else Pointer("", _resized(as_value(thing).expr, one.type.width), as_value(thing).poison)
        inner, width = self._value(one.operands[0]), _width(one.type)
        if one.opcode in ("zext", "ptrtoint", "ptrtoaddr", "inttoptr") and width >= inner.expr.width:
            poison = _folded(bit(inner.expr, inner.expr.width - 1)) if "nneg" in one.flags else FALSE
            return Value(zext(inner.expr, width), either(inner.poison, poison))
        if one.opcode == "sext":
            return Value(sext(inner.expr, width), inner.poison)
        made = trunc(inner.expr, width)
        lost = any_of([
            *([ne(zext(made, inner.expr.width), inner.expr)] if "nuw" in one.flags else []),
            *([ne(sext(made, inner.expr.width), inner.expr)] if "nsw" in one.flags else []),
        ])  # fmt: skip
        return Value(made, either(inner.poison, lost))

    def _freeze(self, one: Instruction) -> Thing:
        thing = self._thing(one.operands[0])
        if isinstance(thing, Value) and thing.poison is not FALSE:
            return Value(ite(thing.poison, symbol(f"undefined.{self.function.name}.{one.result}", thing.expr.width), thing.expr))
        return thing

    def _extract(self, one: Instruction) -> Thing:
        thing = self._thing(one.operands[0])
        for index in one.indices:
            if not isinstance(thing, Several):
                raise Unliftable(one.text)
            thing = thing.values[index]
        return thing

    def _insert(self, one: Instruction) -> Thing:
        into, new = (self._thing(each) for each in one.operands)
        if not isinstance(into, Several) or len(one.indices) != 1:
            raise Unliftable(one.text)
        values = list(into.values)
        values[one.indices[0]] = new
        return Several(tuple(values))

    # Memory

    def _alloca(self, one: Instruction) -> Thing:
        return Pointer(f"%{one.result}", const(0, self.module.pointer))

    def _element(self, one: Instruction) -> Thing:
        start = self._pointer(one.operands[0])
        offset, poison = start.offset, start.poison
        kind = one.source
        assert kind is not None
        for place, operand in enumerate(one.operands[1:]):
            index = self._value(operand)
            poison = either(poison, index.poison)
            if place and isinstance(kind, Struct):
                number = constant(index.expr)
                assert number is not None
                offset, kind = offset + self.module.offsets(kind)[number], kind.fields[number]
                continue
            if place:
                if not isinstance(kind, Array):
                    raise Unliftable(one.text)
                kind = kind.element
            wide = sext(index.expr, offset.width) if index.expr.width < offset.width else trunc(index.expr, offset.width)
            offset = offset + wide * self.module.size(kind)
        return Pointer(start.base, _constant_folded(offset), poison)

    def _load(self, one: Instruction) -> Thing:
        at = self._pointer(one.operands[0])
        self.undefined = either(self.undefined, both(self.reach, at.poison))
        offset = constant(at.offset)
        if at.base.startswith("%"):
            if offset is None:
                raise Unliftable(one.text)
            return self._load_local(one, at.base, offset)
        variable = self.module.variable(at.base) if at.base else None
        if at.base in self.rules.initial | self.rules.written and offset is not None:
            stored = self.memory.get((at.base, offset, _width(one.type)))
            if stored is not None:
                return stored
        if variable is not None and variable.value is not None and variable.type is not None and (variable.constant or at.base in self.rules.initial):
            return self._load_initial(one, at, variable.type, variable.value)
        return self._load_outside(one, at.base, at.offset)

    def _load_outside(self, one: Instruction, base: str, where: Expr) -> Thing:
        """A load of what the helper finds and does not change; at an address of a few possible ones, it is a choice between them."""
        offset = constant(where)
        if offset is None and where.op == "ite" and base:
            return _join(where.args[0], self._load_outside(one, base, where.args[1]), self._load_outside(one, base, where.args[2]))
        if offset is None:
            raise Unliftable(one.text)
        name = base or f"mem.{offset:#x}"
        return _outside(f"{name}+{offset}" if offset and base else name, one.type, one)

    def _load_local(self, one: Instruction, base: str, offset: int) -> Thing:
        width = _width(one.type)
        found = self.memory.get((base, offset, width))
        if found is not None:
            return as_value(found) if isinstance(one.type, Int) else found
        for (name, start, size), value in self.memory.items():
            if name == base and size and start < offset + width // 8 and offset < start + size // 8:
                if start <= offset and isinstance(value, Value) and offset + width // 8 <= start + size // 8 and one.type == Int(width):
                    raise Unliftable(f"part of a stored value is read: {one.text}")
                raise Unliftable(f"what was stored in pieces is read: {one.text}")
        return _zero(one.type) if (base, 0, 0) in self.memory else _undefined(one.type)

    def _load_initial(self, one: Instruction, at: Pointer, kind: Type, value: Operand) -> Thing:
        """A load from a variable whose contents are known: a choice by the address, and undefined elsewhere."""
        width = _width(one.type)
        parts = [(offset, part) for offset, part in self._flattened(kind, value, 0) if _width(part.type) == width]
        if not parts:
            raise Unliftable(one.text)
        found = [(_folded(eq(at.offset, offset)), self._thing(part)) for offset, part in parts]
        self.undefined = either(self.undefined, both(self.reach, negated(any_of(condition for condition, _ in found))))
        possible = [(condition, thing) for condition, thing in found if condition is not FALSE]
        return _joined(possible) if possible else _undefined(one.type)

    def _flattened(self, kind: Type, value: Operand, offset: int) -> list[tuple[int, Typed]]:
        if isinstance(kind, Array):
            steps = [(index * self.module.size(kind.element), kind.element) for index in range(kind.count)]
        elif isinstance(kind, Struct):
            steps = list(zip(self.module.offsets(kind), kind.fields, strict=False))
        else:
            return [(offset, Typed(kind, value))]
        if not isinstance(value, Aggregate):
            raise Unliftable("an initial value that is not known")
        inner = [each.value for each in value.elements] or [Aggregate(()) if isinstance(each, Array | Struct) else Number(0) for _, each in steps]
        return [pair for (step, each), part in zip(steps, inner, strict=True) for pair in self._flattened(each, part, offset + step)]

    def _store(self, one: Instruction) -> None:
        value, at = self._thing(one.operands[0]), self._pointer(one.operands[1])
        offset = constant(at.offset)
        if not (at.base.startswith("%") or at.base in self.rules.initial | self.rules.written) or offset is None:
            raise Unliftable(one.text)
        if isinstance(value, Pointer) and value.base.startswith("%"):
            raise Unliftable(f"the address of a local variable is stored: {one.text}")
        width = _width(one.operands[0].type)
        for name, start, size in list(self.memory):
            if name == at.base and size and start < offset + width // 8 and offset < start + size // 8:
                del self.memory[name, start, size]
                if (start, size) != (offset, width):
                    raise Unliftable(f"part of a stored value is overwritten: {one.text}")
        self.memory[at.base, offset, width] = value

    # Calls

    def _call(self, one: Instruction) -> Thing | None:
        if one.asm is not None:
            return self._asm(one)
        name = one.detail.removeprefix("@").strip('"')
        if name.startswith("llvm."):
            return self._intrinsic(one, name)
        if name in _STOPS:
            return None
        if name in self.rules.calls:
            return Value(const(self.rules.calls[name], _width(one.type)))
        if name in _SAID:
            return None if not isinstance(one.type, Int) else Value(symbol(f"result.{name}", one.type.width))
        if re.match(r"__(compiletime_assert|build_bug|bad_|static_assert)", name):
            raise Unliftable(f"BUILD_BUG(): {name}()")
        callee = self.module.function(name)
        if callee is None or any(isinstance(kind, Ptr) for _, kind in callee.params):
            raise Unliftable(f"call of {name}(), which is defined in another file" if callee is None else one.text)
        inner = _Translation(self.module, callee, self.rules).outcome()
        arguments = [self._value(each) for each in one.operands]
        given = {param: value.expr for param, value in zip(inner.params, arguments, strict=True)}
        self.undefined = either(self.undefined, both(self.reach, substitute(inner.undefined, given)))
        self.stops = either(self.stops, both(self.reach, substitute(inner.stops, given)))
        return Value(substitute(inner.value, given), any_of(value.poison for value in arguments))

    def _intrinsic(self, one: Instruction, name: str) -> Thing | None:
        stem = re.sub(r"(\.[ip]\d+)+$", "", name.removeprefix("llvm."))
        if stem in ("lifetime.start", "lifetime.end", "donothing", "sideeffect", "trap", "ubsantrap") or stem.startswith(("dbg.", "experimental.noalias")):
            return None
        if stem == "assume":
            value = self._value(one.operands[0])
            self.undefined = either(self.undefined, both(self.reach, either(value.poison, negated(_folded(value.expr)))))
            return None
        if stem == "memset":
            self._memset(one)
            return None
        make = _INTRINSICS.get(stem)
        if make is None:
            raise Unliftable(one.text)
        values = [self._value(each) for each in one.operands]
        made, poison = make([value.expr for value in values])
        return Value(_constant_folded(made), any_of((poison, *(value.poison for value in values))))

    def _memset(self, one: Instruction) -> None:
        at, byte, size = self._pointer(one.operands[0]), self._value(one.operands[1]), self._value(one.operands[2])
        if not at.base.startswith("%") or constant(at.offset) != 0 or constant(byte.expr) != 0 or constant(size.expr) is None:
            raise Unliftable(one.text)
        for key in [key for key in self.memory if key[0] == at.base]:
            del self.memory[key]
        self.memory[at.base, 0, 0] = Value(const(0, 1))


def as_value(thing: Thing) -> Value:
    """A pointer as the integer that its address is."""
    if isinstance(thing, Value):
        return thing
    if isinstance(thing, Several):
        raise Unliftable("a structure used as a number")
    if not thing.base:
        return Value(thing.offset, thing.poison)
    if thing.base.startswith("%"):
        raise Unliftable(f"the address of the local variable {thing.base} is used as a number")
    return Value(_constant_folded(symbol(f"addr.{thing.base}", thing.offset.width) + thing.offset), thing.poison)


def _resized(expr: Expr, width: int) -> Expr:
    return zext(expr, width) if expr.width <= width else trunc(expr, width)


def _constant_folded(expr: Expr) -> Expr:
    if expr.op == "const":
        return expr
    number = constant(expr)
    return expr if number is None else const(number, expr.width)


def _choose(condition: Expr, yes: Expr, no: Expr) -> Expr:
    if yes is no or condition is TRUE:
        return yes
    return no if condition is FALSE else ite(condition, yes, no)


def _joined(found: list[tuple[Expr, Thing]]) -> Thing:
    """The thing that holds under whichever condition is 1; one of them is."""
    result = found[-1][1]
    for condition, thing in reversed(found[:-1]):
        result = _join(condition, thing, result)
    return result


def _join(condition: Expr, yes: Thing, no: Thing) -> Thing:
    if yes == no:
        return yes
    if isinstance(yes, Several) and isinstance(no, Several):
        return Several(tuple(_join(condition, a, b) for a, b in zip(yes.values, no.values, strict=True)))
    if isinstance(yes, Pointer) and isinstance(no, Pointer) and yes.base == no.base:
        return Pointer(yes.base, _choose(condition, yes.offset, no.offset), _choose(condition, yes.poison, no.poison))
    a, b = as_value(yes), as_value(no)
    made = Value(_choose(condition, a.expr, b.expr), _choose(condition, a.poison, b.poison))
    return Pointer("", made.expr, made.poison) if isinstance(yes, Pointer) else made


def _poisoned(thing: Thing, poison: Expr) -> Thing:
    if poison is FALSE:
        return thing
    match thing:
        case Value(expr, old):
            return Value(expr, either(old, poison))
        case Pointer(base, offset, old):
            return Pointer(base, offset, either(old, poison))
        case Several(values):
            return Several(tuple(_poisoned(each, poison) for each in values))


def _width(kind: Type) -> int:
    match kind:
        case Int(width):
            return width
        case Ptr(width):
            return width
    raise Unliftable(f"a value of type {kind}")


def _zero(kind: Type) -> Thing:
    match kind:
        case Array(count, element):
            return Several(tuple(_zero(element) for _ in range(count)))
        case Struct(fields):
            return Several(tuple(map(_zero, fields)))
        case Ptr(width):
            return Pointer("", const(0, width))
    return Value(const(0, _width(kind)))


def _undefined(kind: Type) -> Thing:
    return _poisoned(_zero(kind), TRUE)


def _outside(name: str, kind: Type, one: Instruction) -> Thing:
    """Something the helper finds and does not change."""
    match kind:
        case Ptr(width):
            return Pointer(name, const(0, width))
        case Int(width):
            return Value(symbol(name, width))
        case Struct(fields):
            return Several(tuple(_outside(f"{name}.{place}" if place else name, each, one) for place, each in enumerate(fields)))
    raise Unliftable(one.text)


def _order(function: Function) -> list[str]:
    """The blocks, each after all that lead to it.  Raises Unliftable for a loop."""
    targets = {label: list(block[-1].labels) if block and block[-1].opcode != "phi" else [] for label, block in function.blocks.items()}
    done: list[str] = []
    state: dict[str, int] = {}
    stack = [(next(iter(function.blocks)), iter(targets[next(iter(function.blocks))]))]
    state[stack[0][0]] = 1
    while stack:
        label, rest = stack[-1]
        to = next(rest, None)
        if to is None:
            state[label] = 2
            done.append(label)
            stack.pop()
        elif state.get(to) == 1:
            raise Unliftable(f"a loop, at {to}")
        elif to not in state:
            state[to] = 1
            stack.append((to, iter(targets[to])))
    return done[::-1]


def _free(*terms: Expr) -> list[Expr]:
    return list(dict.fromkeys(one for term in terms for one in variables(term)))


# Operations


def _signed_division(op: Callable[[Expr, Expr], Expr]) -> Callable[[Expr, Expr], Expr]:
    def make(left: Expr, right: Expr) -> Expr:
        top, zero = left.width - 1, const(0, left.width)
        a, b = (ite(bit(each, top), zero - each, each) for each in (left, right))
        made = op(a, b)
        negative = bit(left, top) if op is urem else bit(left, top) ^ bit(right, top)
        return ite(negative, zero - made, made)

    return make


_BINARY: Final[Mapping[str, Callable[[Expr, Expr], Expr]]] = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b,
    "and": lambda a, b: a & b, "or": lambda a, b: a | b, "xor": lambda a, b: a ^ b,
    "shl": lambda a, b: a << b, "lshr": lambda a, b: a >> b, "ashr": ashr,
    "udiv": udiv, "urem": urem, "sdiv": _signed_division(udiv), "srem": _signed_division(urem),
}  # fmt: skip

_PREDICATES: Final[Mapping[str, Callable[[Expr, Expr], Expr]]] = {
    "eq": eq, "ne": ne, "ult": ult, "ule": ule, "ugt": ugt, "uge": lambda a, b: ule(b, a),
    "slt": slt, "sle": sle, "sgt": lambda a, b: slt(b, a), "sge": lambda a, b: sle(b, a),
}  # fmt: skip


def _violated(one: Instruction, left: Expr, right: Expr, made: Expr) -> list[Expr]:
    """The conditions under which an instruction's flags, or its operands, make the result poison."""
    width, found = left.width, []
    if one.opcode in ("shl", "lshr", "ashr"):
        found.append(~ult(right, width))
        if one.opcode == "shl" and "nuw" in one.flags:
            found.append(ne(made >> right, left))
        if one.opcode == "shl" and "nsw" in one.flags:
            found.append(ne(ashr(made, right), left))
        if "exact" in one.flags:
            found.append(ne((left >> right) << right, left))
    elif one.opcode in ("add", "sub", "mul"):
        for flag, extend in (("nuw", zext), ("nsw", sext)):
            if flag in one.flags:
                more = width if one.opcode == "mul" else 1
                wide = _BINARY[one.opcode](extend(left, width + more), extend(right, width + more))
                found.append(ne(extend(made, width + more), wide))
    elif one.opcode in ("udiv", "sdiv") and "exact" in one.flags:
        found.append(ne(made * right, left))
    elif one.opcode == "or" and "disjoint" in one.flags:
        found.append(ne(left & right, 0))
    return [_folded(each) for each in found]


def _swapped(args: list[Expr]) -> tuple[Expr, Expr]:
    (a,) = args
    return concat(*[bits(a, low + 7, low) for low in range(0, a.width, 8)]), FALSE


def _smaller(test: Callable[[Expr, Expr], Expr], first: bool) -> Callable[[list[Expr]], tuple[Expr, Expr]]:
    def make(args: list[Expr]) -> tuple[Expr, Expr]:
        a, b = args
        return (ite(test(a, b), a, b) if first else ite(test(a, b), b, a)), FALSE

    return make


def _funnel(left: bool) -> Callable[[list[Expr]], tuple[Expr, Expr]]:
    def make(args: list[Expr]) -> tuple[Expr, Expr]:
        a, b, by = args
        width = a.width
        amount = urem(by, width)
        whole = concat(a, b)
        shift = zext(amount, 2 * width)
        return (bits(whole << shift, 2 * width - 1, width) if left else trunc(whole >> shift, width)), FALSE

    return make


def _count(args: list[Expr]) -> tuple[Expr, Expr]:
    (a,) = args
    result = const(0, a.width)
    for index in range(a.width):
        result = result + (zext(bit(a, index), a.width) if a.width > 1 else a)
    return result, FALSE


def _absolute(args: list[Expr]) -> tuple[Expr, Expr]:
    a, strict = args
    negative = bit(a, a.width - 1)
    lowest = eq(a, 1 << a.width - 1)
    return ite(negative, const(0, a.width) - a, a), both(strict, lowest)


def _saturated(add: bool) -> Callable[[list[Expr]], tuple[Expr, Expr]]:
    def make(args: list[Expr]) -> tuple[Expr, Expr]:
        a, b = args
        if add:
            return ite(ult(a + b, a), const((1 << a.width) - 1, a.width), a + b), FALSE
        return ite(ult(a, b), const(0, a.width), a - b), FALSE

    return make


_INTRINSICS: Final[Mapping[str, Callable[[list[Expr]], tuple[Expr, Expr]]]] = {
    "bswap": _swapped,
    "umin": _smaller(ult, True), "umax": _smaller(ult, False), "smin": _smaller(slt, True), "smax": _smaller(slt, False),
    "fshl": _funnel(True), "fshr": _funnel(False),
    "ctpop": _count, "abs": _absolute,
    "uadd.sat": _saturated(True), "usub.sat": _saturated(False),
    "expect": lambda args: (args[0], FALSE),
}  # fmt: skip

_MAKERS: Final[Mapping[str, Callable[[_Translation, Instruction], Thing | None]]] = {
    **dict.fromkeys(_BINARY, _Translation._binary),
    **dict.fromkeys(("zext", "sext", "trunc", "ptrtoint", "ptrtoaddr", "inttoptr", "bitcast", "addrspacecast"), _Translation._cast),
    "icmp": _Translation._icmp, "select": _Translation._select, "freeze": _Translation._freeze,
    "extractvalue": _Translation._extract, "insertvalue": _Translation._insert,
    "alloca": _Translation._alloca, "getelementptr": _Translation._element, "load": _Translation._load, "store": _Translation._store,
    "call": _Translation._call,
}  # fmt: skip
