"""LLVM IR, read: modules, functions, blocks and instructions as plain data.

llvmlite parses and verifies the IR, and prints it in LLVM's one canonical way; what it does not tell by its interface (predicates, flags, the targets of a
callbr, debug locations) is read from that text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from bitspec.lift.problem import Problem, Unliftable

# Types


@dataclass(frozen=True, slots=True)
class Int:
    """``iN``."""

    width: int


@dataclass(frozen=True, slots=True)
class Ptr:
    """A pointer."""

    width: int = 64


@dataclass(frozen=True, slots=True)
class Array:
    """``[N x T]``."""

    count: int
    element: Type


@dataclass(frozen=True, slots=True)
class Struct:
    """A structure."""

    fields: tuple[Type, ...]
    packed: bool = False


@dataclass(frozen=True, slots=True)
class Other:
    """A type the lifter does nothing with: void, float, label, a vector."""

    text: str


Type: TypeAlias = Int | Ptr | Array | Struct | Other

# Operands


@dataclass(frozen=True, slots=True)
class Local:
    """``%name``."""

    name: str


@dataclass(frozen=True, slots=True)
class Number:
    """An integer constant; null is 0."""

    value: int


@dataclass(frozen=True, slots=True)
class Global:
    """The address of ``@name``."""

    name: str


@dataclass(frozen=True, slots=True)
class Undefined:
    """undef or poison."""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """Elements of an array or structure; an empty one is zeroinitializer."""

    elements: tuple[Typed, ...]


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant expression, which is an instruction without a name."""

    instruction: Instruction


Operand: TypeAlias = "Local | Number | Global | Undefined | Aggregate | Constant"


@dataclass(frozen=True, slots=True)
class Typed:
    """An operand with its type."""

    type: Type
    value: Operand


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction.

    Attributes:
        opcode: LLVM's name for it.
        result: the name it defines, or empty.
        type: of the result.
        operands: in LLVM's order.
        flags: nuw, nsw, exact, disjoint, nneg, inbounds, volatile, sideeffect.
        detail: the predicate of an icmp, the callee of a call, the source element of a getelementptr, ...
        labels: the blocks it names: targets of br, switch and callbr, sources of a phi.
        indices: the path of an extractvalue or insertvalue.
        asm: text and constraints of inline assembly.
        range: the bounds a call's result is said to have.
        location: the number of its debug location.
        text: as LLVM prints it, shortened.
    """

    opcode: str
    result: str
    type: Type
    operands: tuple[Typed, ...] = ()
    flags: frozenset[str] = frozenset()
    detail: str = ""
    source: Type | None = None
    labels: tuple[str, ...] = ()
    indices: tuple[int, ...] = ()
    asm: tuple[str, str] | None = None
    range: tuple[int, int] | None = None
    location: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Function:
    """A function: its parameters and its blocks, the entry first."""

    name: str
    result: Type
    params: tuple[tuple[str, Type], ...]
    blocks: Mapping[str, tuple[Instruction, ...]]


@dataclass(frozen=True, slots=True)
class Variable:
    """A global variable, with its initial value if the module has one."""

    name: str
    constant: bool
    type: Type | None
    value: Operand | None


@dataclass
class Module:
    """A module; functions are read when they are asked for."""

    texts: dict[str, str]
    variables: dict[str, str]
    structs: dict[str, str]
    metadata: dict[int, str]
    pointer: int = 64
    _functions: dict[str, Function] = field(default_factory=dict)

    def function(self, name: str) -> Function | None:
        """The definition of a function, or None where there is only a declaration.  Raises Unliftable for what cannot be read."""
        if name not in self._functions and name in self.texts:
            self._functions[name] = _function(self, self.texts[name])
        return self._functions.get(name)

    def variable(self, name: str) -> Variable | None:
        """A global variable."""
        text = self.variables.get(name)
        if text is None:
            return None
        found = re.match(r".*?\b(global|constant) (.*)", text)
        if found is None or re.search(r"= (external|extern_weak|weak|weak_odr|common|linkonce|available_externally) ", text):  # not here, or not for certain
            return Variable(name, False, None, None)
        reader = _Reader(self, found[2])
        try:
            kind = reader.type()
            return Variable(name, found[1] == "constant", kind, reader.value(kind))
        except Unliftable:
            return Variable(name, found[1] == "constant", None, None)

    def size(self, kind: Type) -> int:
        """The size in bytes, padding included."""
        return _round(self._end(kind), self.align(kind))

    def _end(self, kind: Type) -> int:
        match kind:
            case Int(width):
                return (width + 7) // 8
            case Ptr():
                return self.pointer // 8
            case Array(count, element):
                return count * self.size(element)
            case Struct(fields):
                return self.offsets(kind)[-1] if fields else 0
        raise Unliftable(f"the size of {kind}")

    def align(self, kind: Type) -> int:
        """The natural alignment in bytes."""
        match kind:
            case Int(width):
                return 1 << max(0, ((width + 7) // 8 - 1).bit_length())
            case Array(_, element):
                return self.align(element)
            case Struct(fields, packed):
                return 1 if packed or not fields else max(map(self.align, fields))
        return self.pointer // 8

    def offsets(self, kind: Struct) -> list[int]:
        """Where each field begins, and where the last one ends."""
        found, at = [], 0
        for one in kind.fields:
            at = at if kind.packed else _round(at, self.align(one))
            found.append(at)
            at += self.size(one)
        return [*found, at]


def _round(value: int, to: int) -> int:
    return -(-value // to) * to


def parse(text: str) -> Module:
    """A module from IR text.  Raises Problem where llvmlite does not take it."""
    from llvmlite import binding

    try:
        module = binding.parse_assembly(text)
        module.verify()
    except RuntimeError as error:
        raise Problem(f"llvmlite does not take clang's IR: {str(error).strip().splitlines()[0]}") from None
    return _module(str(module))


def _module(text: str) -> Module:
    texts: dict[str, str] = {}
    variables: dict[str, str] = {}
    structs: dict[str, str] = {}
    metadata: dict[int, str] = {}
    for found in re.finditer(r"^define .*?^}$", text, re.M | re.S):
        name = re.search(r'@("[^"]+"|[\w.$]+)\(', found[0])
        if name:
            texts[name[1].strip('"')] = found[0]
    for line in text.splitlines():
        if line.startswith("@"):
            head, _, _ = line.partition(" = ")
            variables[head[1:].strip('"')] = line
        elif line.startswith("%"):
            head, _, rest = line.partition(" = type ")
            structs[head[1:].strip('"')] = rest
        elif line.startswith("!"):
            number = re.match(r"!(\d+) = (?:distinct )?(.*)", line)
            if number:
                metadata[int(number[1])] = number[2]
    layout = re.search(r'^target datalayout = ".*?-p:(\d+):', text, re.M)
    return Module(texts, variables, structs, metadata, int(layout[1]) if layout else 64)


# Reading

_TOKEN: Final = re.compile(
    r'\s*(?:(?P<string>c?"(?:[^"\\]|\\.)*")|(?P<name>[%@]"[^"]*"|[%@][-\w.$]+)|(?P<meta>!"[^"]*"|![\w.]*)|(?P<number>-?\d+(?:\.\d+e[-+]?\d+)?)'
    r"|(?P<word>[A-Za-z_][\w.]*)|(?P<attribute>#\d+)|(?P<mark>\.\.\.|[()\[\]{}<>,*=:|]))"
)
_VALUE_WORDS: Final = frozenset({
    "true", "false", "null", "undef", "poison", "zeroinitializer", "none", "getelementptr", "ptrtoint", "inttoptr", "ptrtoaddr", "bitcast", "addrspacecast",
    "trunc", "add", "sub", "xor", "c",
})  # fmt: skip
_FLAGS: Final = frozenset({"nuw", "nsw", "exact", "disjoint", "nneg", "inbounds", "nusw", "volatile", "samesign"})
_BINARY: Final = frozenset(["add", "sub", "mul", "udiv", "sdiv", "urem", "srem", "shl", "lshr", "ashr", "and", "or", "xor"])
_CASTS: Final = frozenset(["zext", "sext", "trunc", "ptrtoint", "inttoptr", "ptrtoaddr", "bitcast", "addrspacecast"])


class _Reader:
    """A cursor over the tokens of one instruction or initial value."""

    def __init__(self, module: Module, text: str) -> None:
        self.module, self.text = module, text
        self.tokens = list(_tokens(text))
        self.at = 0

    @property
    def next(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        token = self.next
        self.at += 1
        return token

    def expect(self, *tokens: str) -> None:
        for token in tokens:
            if self.take() != token:
                raise Unliftable(f"{_short(self.text)}: {token!r} expected before {self.next!r}")

    def accept(self, token: str) -> bool:
        if self.next == token:
            self.at += 1
            return True
        return False

    def is_type(self) -> bool:
        token = self.next
        return bool(re.match(r"(i\d+|ptr|void|float|double|half|label|metadata|token|x86_fp80|fp128)$", token)) or token in "{[<" or token.startswith("%")

    def type(self) -> Type:
        token = self.take()
        if re.match(r"i\d+$", token):
            return Int(int(token[1:]))
        if token == "ptr":
            if self.accept("addrspace"):
                self.group()
            return Ptr(self.module.pointer)
        if token == "[":
            count = int(self.take())
            self.expect("x")
            element = self.type()
            self.expect("]")
            return Array(count, element)
        if token == "{":
            return Struct(self._fields("}"))
        if token == "<":
            if self.accept("{"):
                fields = self._fields("}")
                self.expect(">")
                return Struct(fields, packed=True)
            self.at -= 1
            return Other(f"vector {self.group('<', '>')}")
        if token.startswith("%"):
            name = token[1:].strip('"')
            text = self.module.structs.get(name)
            if text is None or text == "opaque":
                return Other(token)
            return _Reader(self.module, text).type()
        return Other(token)

    def _fields(self, end: str) -> tuple[Type, ...]:
        found: list[Type] = []
        while not self.accept(end):
            found.append(self.type())
            self.accept(",")
        return tuple(found)

    def group(self, opening: str = "(", closing: str = ")") -> str:
        """A balanced group; the cursor stands on its opening mark."""
        start, depth = self.at, 0
        while True:
            token = self.take()
            depth += (token == opening) - (token == closing)
            if depth == 0 or not token:
                return " ".join(self.tokens[start + 1 : self.at - 1])

    def attributes(self) -> list[str]:
        """Skip parameter and return attributes up to a value or type."""
        found: list[str] = []
        while True:
            token = self.next
            if not re.match(r"[A-Za-z_]\w*$", token) or token in _VALUE_WORDS or (self.is_type() and token != "align"):
                if token.startswith('"'):
                    self.take()
                    continue
                return found
            word = self.take()
            if self.next == "(":
                word += f"({self.group()})"
            elif word == "align":
                self.take()
            found.append(word)

    def typed(self) -> Typed:
        kind = self.type()
        self.attributes()
        return Typed(kind, self.value(kind))

    def value(self, kind: Type) -> Operand:
        token = self.take()
        if token.startswith("%"):
            return Local(token[1:].strip('"'))
        if token.startswith("@"):
            return Global(token[1:].strip('"'))
        if re.match(r"-?\d+$", token):
            return Number(int(token))
        if token in ("true", "false"):
            return Number(int(token == "true"))
        if token == "null":
            return Number(0)
        if token in ("undef", "poison"):
            return Undefined()
        if token == "zeroinitializer":
            return Aggregate(())
        if token.startswith('c"'):
            return Aggregate(tuple(Typed(Int(8), Number(byte)) for byte in _bytes(token[2:-1])))
        if token in ("[", "{"):
            elements = []
            while not self.accept("]" if token == "[" else "}"):
                elements.append(self.typed())
                self.accept(",")
            return Aggregate(tuple(elements))
        if token in _VALUE_WORDS:
            return Constant(self._constant(token, kind))
        raise Unliftable(f"{_short(self.text)}: {token!r} is no operand that is known")

    def _constant(self, opcode: str, kind: Type) -> Instruction:
        flags = self.flags()
        self.expect("(")
        if opcode == "getelementptr":
            source = self.type()
            self.expect(",")
            operands = [self.typed()]
            while self.accept(","):
                operands.append(self.typed())
            self.expect(")")
            return Instruction(opcode, "", kind, tuple(operands), flags, source=source, text=_short(self.text))
        first = self.typed()
        if opcode in _CASTS:
            self.expect("to")
            self.type()
            operands = [first]
        else:
            self.expect(",")
            operands = [first, self.typed()]
        self.expect(")")
        return Instruction(opcode, "", kind, tuple(operands), flags, text=_short(self.text))

    def flags(self) -> frozenset[str]:
        found = set()
        while self.next in _FLAGS or (self.next == "inrange" and self.tokens[self.at + 1] == "("):
            word = self.take()
            if word == "inrange":
                self.group()
            found.add(word)
        return frozenset(found)

    def label(self) -> str:
        self.expect("label")
        return self.take()[1:].strip('"')


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while at < len(text.rstrip()):
        found = _TOKEN.match(text, at)
        if found is None:
            raise Unliftable(f"{_short(text)}: cannot be read from {text[at : at + 20]!r}")
        yield found[0].strip()
        at = found.end()


def _bytes(text: str) -> list[int]:
    pieces = re.findall(r"\\[0-9A-Fa-f]{2}|\\\\|.", text, re.S)
    return [int(one[1:], 16) if re.match(r"\\\w", one) else ord(one[-1]) for one in pieces]


def _short(text: str) -> str:
    text = re.sub(r",? ![\w.]+(?: !\d+)?", "", " ".join(text.split()))
    text = re.sub(r'asm (sideeffect )?"((?:[^"\\]|\\.){40})(?:[^"\\]|\\.)*"', r'asm \1"\2..."', text)
    return text if len(text) <= 160 else f"{text[:157]}..."


def _lines(body: str) -> Iterator[str]:
    """The lines of a function's body; an instruction that LLVM prints on several lines is one."""
    pending = ""
    for raw in body.splitlines():
        line = raw if raw.lstrip().startswith(("%", "call", "callbr", "store", "ret", "br")) and '"' in raw else re.sub(r"\s*;.*$", "", raw)
        if not line.strip() or line.lstrip().startswith("#dbg"):
            continue
        pending = f"{pending} {line.strip()}" if pending else line.strip()
        opcode = re.sub(r"^%\S+ = ", "", pending)
        if opcode.startswith("switch ") and not re.search(r"\](, !.*)?$", pending):
            continue
        if opcode.startswith("callbr ") and not re.search(r"\](, !.*)?$", pending):
            continue
        yield pending
        pending = ""


def _function(module: Module, text: str) -> Function:
    header, _, body = text.partition("{\n") if "{\n" in text else (text, "", "")
    reader = _Reader(module, re.sub(r"^define ", "", header))
    reader.attributes()
    while not reader.is_type():
        reader.take()
        reader.attributes()
    result = reader.type()
    name = reader.take()[1:].strip('"')
    reader.expect("(")
    params: list[tuple[str, Type]] = []
    while not reader.accept(")"):
        kind = reader.type()
        reader.attributes()
        params.append((reader.take()[1:].strip('"') if reader.next.startswith("%") else str(len(params)), kind))
        reader.accept(",")
    blocks: dict[str, list[Instruction]] = {}
    current = "0" if not params else str(len(params))
    for line in _lines(body.rstrip().removesuffix("}")):
        heading = re.match(r'("[^"]+"|[-\w.$]+):$', line)
        if heading:
            current = heading[1].strip('"')
            blocks.setdefault(current, [])
        else:
            blocks.setdefault(current, []).append(_instruction(module, line))
    return Function(name, result, tuple(params), {label: tuple(block) for label, block in blocks.items()})


def _instruction(module: Module, line: str) -> Instruction:
    found = re.search(r"!dbg !(\d+)", line)
    location = int(found[1]) if found else None
    named = re.match(r'%("[^"]+"|[-\w.$]+) = ', line)
    result, text = (named[1].strip('"'), line[named.end() :]) if named else ("", line)
    try:
        return _read(module, text, result, location)
    except Unliftable as reason:
        return Instruction("unknown", result, Other("?"), detail=str(reason), location=location, text=_short(line))


class _Shape:
    """Makes the instruction that is being read, from what its reader found."""

    def __init__(self, opcode: str, flags: frozenset[str], result: str, location: int | None, text: str) -> None:
        self.opcode, self.flags = opcode, flags
        self.result, self.location, self.text = result, location, text

    def __call__(self, kind: Type, *operands: Typed, more: tuple[str, ...] = (), **details: Any) -> Instruction:
        flags = self.flags | frozenset(more)
        return Instruction(self.opcode, self.result, kind, operands, flags, location=self.location, text=self.text, **details)


_VOID: Final = Other("void")


def _read(module: Module, text: str, result: str, location: int | None) -> Instruction:
    reader = _Reader(module, text)
    opcode = reader.take()
    if opcode in ("tail", "notail", "musttail"):
        opcode = reader.take()
    read = _READERS.get(opcode)
    if read is None:
        raise Unliftable(opcode)
    return read(reader, _Shape(opcode, reader.flags(), result, location, _short(f"%{result} = {text}" if result else text)))


def _read_binary(reader: _Reader, made: _Shape) -> Instruction:
    first = reader.typed()
    reader.expect(",")
    return made(first.type, first, Typed(first.type, reader.value(first.type)))


def _read_icmp(reader: _Reader, made: _Shape) -> Instruction:
    predicate = reader.take()
    first = reader.typed()
    reader.expect(",")
    return made(Int(1), first, Typed(first.type, reader.value(first.type)), detail=predicate)


def _read_cast(reader: _Reader, made: _Shape) -> Instruction:
    first = reader.typed()
    reader.expect("to")
    return made(reader.type(), first)


def _read_select(reader: _Reader, made: _Shape) -> Instruction:
    operands = [reader.typed()]
    while reader.accept(",") and not reader.next.startswith("!"):
        operands.append(reader.typed())
    return made(operands[1].type, *operands)


def _read_freeze(reader: _Reader, made: _Shape) -> Instruction:
    first = reader.typed()
    return made(first.type, first)


def _path(reader: _Reader) -> tuple[int, ...]:
    found = []
    while re.match(r"\d+$", reader.next):
        found.append(int(reader.take()))
        reader.accept(",")
    return tuple(found)


def _read_extractvalue(reader: _Reader, made: _Shape) -> Instruction:
    first = reader.typed()
    reader.expect(",")
    path = _path(reader)
    kind = first.type
    for index in path:
        kind = kind.fields[index] if isinstance(kind, Struct) else kind.element if isinstance(kind, Array) else Other("?")
    return made(kind, first, indices=path)


def _read_insertvalue(reader: _Reader, made: _Shape) -> Instruction:
    into = reader.typed()
    reader.expect(",")
    new = reader.typed()
    reader.expect(",")
    return made(into.type, into, new, indices=_path(reader))


def _read_phi(reader: _Reader, made: _Shape) -> Instruction:
    kind = reader.type()
    operands, labels = [], []
    while reader.accept("["):
        operands.append(Typed(kind, reader.value(kind)))
        reader.expect(",")
        labels.append(reader.take()[1:].strip('"'))
        reader.expect("]")
        if not reader.accept(","):
            break
    return made(kind, *operands, labels=tuple(labels))


def _read_br(reader: _Reader, made: _Shape) -> Instruction:
    if reader.next == "label":
        return made(_VOID, labels=(reader.label(),))
    condition = reader.typed()
    reader.expect(",")
    yes = reader.label()
    reader.expect(",")
    return made(_VOID, condition, labels=(yes, reader.label()))


def _read_switch(reader: _Reader, made: _Shape) -> Instruction:
    value = reader.typed()
    reader.expect(",")
    operands, labels = [value], [reader.label()]
    reader.expect("[")
    while not reader.accept("]"):
        operands.append(reader.typed())
        reader.expect(",")
        labels.append(reader.label())
    return made(_VOID, *operands, labels=tuple(labels))


def _read_ret(reader: _Reader, made: _Shape) -> Instruction:
    return made(_VOID) if reader.next == "void" else made(_VOID, reader.typed())


def _read_unreachable(reader: _Reader, made: _Shape) -> Instruction:
    return made(_VOID)


def _read_load(reader: _Reader, made: _Shape) -> Instruction:
    kind = reader.type()
    reader.expect(",")
    return made(kind, reader.typed())


def _read_store(reader: _Reader, made: _Shape) -> Instruction:
    value = reader.typed()
    reader.expect(",")
    return made(_VOID, value, reader.typed())


def _read_alloca(reader: _Reader, made: _Shape) -> Instruction:
    return made(Ptr(reader.module.pointer), source=reader.type())


def _read_getelementptr(reader: _Reader, made: _Shape) -> Instruction:
    source = reader.type()
    operands = []
    while reader.accept(",") and not reader.next.startswith("!"):
        operands.append(reader.typed())
    return made(Ptr(reader.module.pointer), *operands, source=source)


def _read_call(reader: _Reader, made: _Shape) -> Instruction:
    bounds: tuple[int, int] | None = None
    while True:
        for word in reader.attributes():
            found = re.match(r"range\(i\d+ (-?\d+) , (-?\d+)\)$", word)
            bounds = (int(found[1]), int(found[2])) if found else bounds
        if reader.is_type():
            break
        reader.take()
    kind = reader.type()
    if reader.next == "(":  # the type of a function with a variable number of arguments
        reader.group()
    asm: tuple[str, str] | None = None
    more: list[str] = []
    callee = ""
    if reader.accept("asm"):
        while reader.next in ("sideeffect", "alignstack", "inteldialect", "unwind"):
            more.append(reader.take())
        text = bytes(_bytes(reader.take()[1:-1])).decode("latin-1")
        reader.expect(",")
        asm = text, reader.take()[1:-1]
    else:
        callee = reader.take()
    operands = _arguments(reader)
    labels: list[str] = []
    while reader.next and not reader.next.startswith("!"):
        if reader.next == "label":
            labels.append(reader.label())
        else:
            reader.take()
    return made(kind, *operands, detail=callee, asm=asm, labels=tuple(labels), range=bounds, more=tuple(more))


def _arguments(reader: _Reader) -> list[Typed]:
    reader.expect("(")
    operands: list[Typed] = []
    while not reader.accept(")"):
        if reader.accept("metadata"):
            reader.take()
            operands.append(Typed(Other("metadata"), Undefined()))
        else:
            operands.append(reader.typed())
        reader.accept(",")
    return operands


_READERS: Final[Mapping[str, Callable[[_Reader, _Shape], Instruction]]] = {
    **dict.fromkeys(_BINARY, _read_binary),
    **dict.fromkeys(_CASTS, _read_cast),
    **dict.fromkeys(("call", "callbr"), _read_call),
    "icmp": _read_icmp, "select": _read_select, "freeze": _read_freeze, "phi": _read_phi,
    "extractvalue": _read_extractvalue, "insertvalue": _read_insertvalue,
    "br": _read_br, "switch": _read_switch, "ret": _read_ret, "unreachable": _read_unreachable,
    "load": _read_load, "store": _read_store, "alloca": _read_alloca, "getelementptr": _read_getelementptr,
}  # fmt: skip
