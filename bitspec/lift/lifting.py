"""A kernel tree's helpers, lifted: the whole way from a tree to expressions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Final

from bitspec.expr import Expr, _node, ne, nodes, substitute, trunc, var, variables, zext
from bitspec.expr import const as constant_of
from bitspec.layout import Absent, Helper
from bitspec.lift import debug, ir, kept, wrappers
from bitspec.lift.build import Compiled, Source, compile_all
from bitspec.lift.problem import Problem, Unliftable
from bitspec.lift.target import Target, Unit
from bitspec.lift.toolchain import Clang
from bitspec.lift.translate import Outcome, Rules, translate
from bitspec.lift.tree import Build, prepare
from bitspec.lift.wrappers import ADDRESS, BY_PHYSICAL, CONSTANTS, Wrapper
from bitspec.read.as_known import constant, decided
from bitspec.vocabulary import HELPERS, Kind, signature

PROTECTION: Final = "protection {}"
STATIC: Final = "physical address of {}"
VM_FLAGS: Final = ("VM_READ", "VM_WRITE", "VM_EXEC", "VM_SHARED")


def vm_flags(number: int) -> frozenset[str]:
    """The flags an index of the protection table stands for."""
    return frozenset(name for place, name in enumerate(VM_FLAGS) if number >> place & 1)


@dataclass(frozen=True, slots=True)
class Lifted:
    """What came of one helper or constant.

    Attributes:
        name: the vocabulary's, or a constant's.
        outcome: the expression; None where there is none.
        absent: why it does not exist in this tree and configuration.
        unknown: why it could not be translated: the instruction.
        where: ``file:line`` of the definition in the tree, or empty.
        symbol: the function of the IR, with the IR's name.
    """

    name: str
    outcome: Outcome | None = None
    absent: str = ""
    unknown: str = ""
    where: str = ""
    symbol: tuple[str, str] = ("", "")


@dataclass
class Lifting:
    """A tree in one configuration, lifted.

    Attributes:
        build: the configured tree.
        variant: the hardware variant the symbols are pinned for.
        items: helpers, constants and protections, by name.
        pins: the symbols whose value is known.
        given: what that rests on.
        modules: the IR, by unit, for running it.
        static_tables: physical addresses of tables in the kernel's image.
        read: the files that clang read.
    """

    build: Build
    variant: str
    items: Mapping[str, Lifted]
    pins: Mapping[str, int]
    given: tuple[str, ...]
    modules: Mapping[str, str] = field(default_factory=dict, repr=False)
    static_tables: tuple[int, ...] = ()
    read: frozenset[str] = field(default=frozenset(), repr=False)
    _helpers: dict[str, Helper] = field(default_factory=dict, repr=False)

    def item(self, name: str) -> Lifted:
        """The helper or constant; absent where nothing is known of it."""
        return self.items.get(name) or Lifted(name, absent=f"{name} is not lifted")

    def pinned(self, expr: Expr) -> Expr:
        """`expr` with every symbol replaced whose value is known."""
        known = {one: constant_of(self.pins[str(one.attr)] & (1 << one.width) - 1, one.width) for one in variables(expr) if str(one.attr) in self.pins}
        return folded(substitute(expr, known)) if known else expr

    def helper(self, name: str) -> Helper:
        """The helper as a layout has it.  Raises Absent with the reason."""
        found = self._helpers.get(name)
        if found is None:
            found = self._helpers[name] = self._helper(name)
        return found

    def _helper(self, name: str) -> Helper:
        one = self.item(name)
        if one.outcome is None:
            raise Absent(f"{name}: {one.absent or f'unknown: {one.unknown}'}")
        wanted = signature(name.removeprefix(BY_PHYSICAL))
        params = tuple(var(f"arg{place}", param.width) for place, param in enumerate(one.outcome.params))
        body = self.pinned(one.outcome.value)
        if wanted.result is Kind.BOOL:
            body = trunc(body, 1)
        body = independent(body, params)
        return Helper(wanted, params, body, one.where)

    def number(self, name: str) -> int | None:
        """The value of a constant, if it is one."""
        one = self.item(name)
        return constant(self.pinned(one.outcome.value)) if one.outcome is not None else None


def lift(
    tree: Path,
    target: Target,
    variant: str,
    clang: Clang,
    *,
    defconfig: str | None = None,
    fragments: Iterable[Path] = (),
    folder: Path | None = None,
    sandbox: bool = False,
    progress: Callable[[str], None] = lambda line: None,
) -> Lifting:
    """Prepare `tree` for a variant, and lift what it has.  Raises Problem."""
    build = prepare(tree, target, clang, variant, defconfig=defconfig, fragments=fragments, folder=folder, sandbox=sandbox, progress=progress)
    return lift_build(build, target, variant, clang)


def lift_build(build: Build, target: Target, variant: str, clang: Clang) -> Lifting:
    """Lift what a configured tree has.  Raises Problem."""
    pins, units = target.pins(variant), _units(target, variant)
    place = _place(build)
    items: dict[str, Lifted] = {name: Lifted(name, absent=why) for name, why in target.not_functions.items()}
    modules: dict[str, str] = {}
    rules = Rules(target.asm, target.calls, target.initial, target.addresses, target.instructions, target.written)
    read: set[str] = set()
    with ThreadPoolExecutor(1) as beside:
        beside.submit(import_module, "z3")  # the solver is asked right after, and loads while clang runs
        for (unit, lines), compiled in zip(units, compile_all(_sources(build, target, clang, units)), strict=True):
            read |= compiled.headers
            modules[unit.name] = compiled.ir
            items |= {one.name: one for one in _read_once(place, compiled, rules, unit.name, lines, build, target)}
    known = {name: value for name, value in pins.items() if isinstance(value, int)}
    lifting = Lifting(build, variant, items, known, target.given, modules, read=frozenset(read))
    lifting = replace(lifting, pins=_resolved(lifting, pins), _helpers={})
    tables = [lifting.number(STATIC.format(name)) for name in target.static_tables]  # a level that is folded has none
    return replace(lifting, static_tables=tuple(sorted({at for at in tables if at is not None})))


def compile_build(build: Build, target: Target, variant: str, clang: Clang) -> None:
    """Compile what :func:`lift_build` reads, which finds it kept then: the part of it that runs beside other work.  Raises Problem."""
    compile_all(_sources(build, target, clang, _units(target, variant)))


def _units(target: Target, variant: str) -> list[tuple[Unit, tuple[Wrapper, ...]]]:
    """The files to compile, and the wrappers in each."""
    static = {STATIC.format(name): f"__pa({name})" for name in target.static_tables}
    symbolic = {f"pin {name}": text for name, text in target.pins(variant).items() if isinstance(text, str)}
    own = tuple(unit for unit in target.units if not unit.variants or variant in unit.variants)
    elsewhere = {name for unit in own for name in unit.wrappers}
    main = (
        *wrappers.helpers(target.wrappers, leave_out=elsewhere | set(target.not_functions)),
        *wrappers.addresses(target.by_physical, target.physical),
        *wrappers.constants({**CONSTANTS, **target.constants, **static, **symbolic}),
    )
    return [(Unit("main", target.includes, {}), main), *((unit, _wrappers(unit, target)) for unit in own)]


def _sources(build: Build, target: Target, clang: Clang, units: Iterable[tuple[Unit, tuple[Wrapper, ...]]]) -> list[Source]:
    flags, place = flags_for(build, target), _place(build)
    return [
        Source(clang, target.triple, (*flags, *unit.flags), unit.includes, lines, place, unit.name, build.folder, unit.prelude, overlay=build.overlay)
        for unit, lines in units
    ]


def flags_for(build: Build, target: Target) -> tuple[str, ...]:
    """What clang is given for a tree's files: the build's flags, as far as it knows them."""
    known = (flag for flag in build.flags if flag not in target.dropped)
    return (*known, f"-I{build.tree}", f"-I{build.tree}/arch/{target.arch}")


def _read_once(place: Path, compiled: Compiled, rules: Rules, unit: str, lines: Iterable[Wrapper], build: Build, target: Target) -> Iterable[Lifted]:
    """What the functions of one module say, with the places of their definitions; from the cache where nothing has changed."""
    key = kept.key(compiled.state, rules, unit, str(build.tree))
    path = place / f"{unit}-{compiled.state[:12]}.lifted"
    found = kept.kept(path, key)
    if found is not None:
        return [Lifted(name, outcome, absent, unknown, where, (unit, symbol)) for (name, absent, unknown, where, symbol), outcome in found]
    made = [_located(one, build, target, compiled.headers) for one in read(compiled, rules, unit, lines)]
    made = [one if one.symbol[0] else replace(one, symbol=(unit, "")) for one in made]
    kept.keep(path, key, [((one.name, one.absent, one.unknown, one.where, one.symbol[1]), one.outcome) for one in made])
    return made


def _place(build: Build) -> Path:
    """The folder for what is made of a tree: one that was configured in place stays as it is, and what is in a passing state is not kept."""
    import hashlib

    if build.overlay is not None:
        return build.overlay.folder / "bitspec-lift"
    if build.folder != build.tree:
        return build.folder / "bitspec-lift"

    from bitspec.lift.tree import cache_folder

    return cache_folder() / "lift" / f"{build.arch}-{build.release}-{hashlib.sha256(str(build.folder).encode()).hexdigest()[:12]}"


def _resolved(lifting: Lifting, pins: Mapping[str, int | str]) -> dict[str, int]:
    """The pins as numbers; those that are C may rest on others."""
    known = {name: value for name, value in pins.items() if isinstance(value, int)}
    # A constant that this release does not have pins nothing: what it is about is called otherwise there, or does not exist.
    left = {name: text for name, text in pins.items() if isinstance(text, str) and not lifting.item(f"pin {name}").absent}
    while left:
        so_far = replace(lifting, pins=known)
        fresh = {name: value for name in left if (value := so_far.number(f"pin {name}")) is not None}
        if not fresh:
            name, text = next(iter(left.items()))
            one = lifting.item(f"pin {name}")
            raise Problem(f"{name} must be pinned to a constant of the tree's headers, not {text}: {one.unknown or 'it is none'}")
        known |= fresh
        left = {name: text for name, text in left.items() if name not in fresh}
    return known


def _wrappers(unit: Unit, target: Target) -> tuple[Wrapper, ...]:
    found = [one for name, text in unit.wrappers.items() for one in wrappers.wrap(signature(name), (text,) if text else ())]
    if unit.protections:
        for n in range(1 << len(VM_FLAGS)):
            found += [wrappers.number(PROTECTION.format(n), f"C_{n}__{place}", text.format(n=n)) for place, text in enumerate(target.protection)]
    return tuple(found)


def read(compiled: Compiled, rules: Rules, unit: str, lines: Iterable[Wrapper]) -> Iterable[Lifted]:
    """What the functions of one module say."""
    module = ir.parse(compiled.ir)
    for name in dict.fromkeys(one.helper for one in lines):
        symbol = compiled.symbols.get(name)
        if symbol is None:
            yield Lifted(name, absent=_plain(compiled.absent[name]))
            continue
        try:
            function = module.function(symbol)
            if function is None:
                raise Unliftable("clang left the wrapper out")
            where = debug.definition(module, function, name) or ""
            yield _outcome(Lifted(name, where=where, symbol=(unit, symbol)), module, function, rules)
        except Unliftable as reason:
            yield Lifted(name, unknown=str(reason), symbol=(unit, symbol))


def _outcome(one: Lifted, module: ir.Module, function: ir.Function, rules: Rules) -> Lifted:
    try:
        return replace(one, outcome=translate(module, function, rules))
    except Unliftable as reason:
        text = str(reason).removeprefix("it never returns: ")
        if text.startswith("BUILD_BUG") or text == "BUG()":
            return replace(one, absent=f"{text} in this configuration")
        return replace(one, unknown=text)


def _plain(reason: str) -> str:
    """A compiler's message without what is of no use here."""
    import re

    text = re.sub(r"; (ISO C99|did you mean).*$", "", reason)
    found = re.match(r"(?:call to undeclared function|use of undeclared identifier) '(\w+)'", text)
    return f"the tree has no {found[1]} in this configuration" if found else text


def _located(one: Lifted, build: Build, target: Target, included: Set[str]) -> Lifted:
    """With the place of the definition: what the debug information says, else where the headers define the name."""
    where = one.where
    for prefix in (f"{build.tree}/", "./"):
        where = where.removeprefix(prefix)
    if not where and one.outcome is not None and (one.name in HELPERS or one.name in CONSTANTS):
        stem = one.name.removesuffix("_read").removesuffix("_write") if "access_permitted" in one.name else one.name
        folders = (f"arch/{target.arch}/include/asm", f"arch/{target.arch}/include/asm/book3s/64", "include/linux", "include/asm-generic")
        where = debug.search(build.tree, folders, stem, included, build.overlay) or ""
    return replace(one, where=where)


def by_physical_address(lifting: Lifting, name: str) -> tuple[Outcome, Outcome] | None:
    """A helper that is given a table's address, and that table's physical address, both as functions of the same variable."""
    stored, physical = lifting.item(name), lifting.item(f"{ADDRESS}{name}")
    if stored.outcome is None or physical.outcome is None:
        return None
    return stored.outcome, physical.outcome


def independent(expr: Expr, params: tuple[Expr, ...]) -> Expr:
    """`expr` without the symbols that it names and does not depend on; the solver decides."""
    from bitspec.solver import Solver, Unknown

    for symbol in variables(expr):
        if symbol in params:
            continue
        without = folded(substitute(expr, {symbol: constant_of(0, symbol.width)}))
        solver = Solver()
        solver.add(ne(expr, without))
        try:
            if solver.model() is None:
                expr = without
        except Unknown:
            continue
    return expr


def folded(expr: Expr) -> Expr:
    """`expr` without what its constants decide, so that it does not depend on symbols that do not matter."""
    made: dict[Expr, Expr] = {}
    for node in nodes(expr):
        fresh = rebuilt(node, tuple(made[arg] for arg in node.args))
        number = constant(fresh)
        made[node] = fresh if number is None else constant_of(number, fresh.width)
    return made[expr]


def rebuilt(node: Expr, args: tuple[Expr, ...]) -> Expr:
    """A node over other operands; where they leave nothing to decide, one of them."""
    if node.op == "ite":
        known = decided(args[0])
        if known is not None or args[1] is args[2]:
            return args[1] if known or args[1] is args[2] else args[2]
    if node.op in ("and", "or", "eq") and node.args[0].width == 1:
        for one, other in (args, args[::-1]):
            if decided(one) is (node.op != "or"):
                return other
    return node if args == node.args else _node(node.op, args, node.attr, node.width)


def fit(expr: Expr, width: int) -> Expr:
    """`expr` at another width, as a C assignment makes it."""
    return zext(expr, width) if expr.width <= width else trunc(expr, width)
