"""Layouts: a kernel release's use of the bits, as fields and helpers.

An architecture declares helpers as plain functions over expressions::

    @helper("pte_young pmd_young pud_young", "arch/x86/include/asm/pgtable.h")
    def young(k: Kernel, entry: Expr) -> Expr:
        return any_of(entry, k["_PAGE_ACCESSED"])

``k`` is the kernel at one level: ``k["NAME"]`` is a field's mask, ``k.present(x)`` the helper of that level, ``k.pmd_present(x)`` the one named in full.
Because everything is looked up through ``k``, :meth:`Layout.but` gives the same kernel with a field moved or a helper replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from bitspec.expr import Expr, const, substitute, var
from bitspec.fields import Field, LayoutError, View
from bitspec.hardware import Context, Hardware
from bitspec.vocabulary import HELPERS, Kind, Level, Signature, signature, unknown


class Absent(Exception):
    """Something a claim needs does not exist here; the message is the reason a report gives for "not applicable"."""


@dataclass(frozen=True, slots=True)
class Config:
    """A choice of kernel options that move bits or numbers.

    Attributes:
        name: as given to ``--config``.
        options: Kconfig names, without the CONFIG_ prefix.
    """

    name: str
    options: frozenset[str]

    def __contains__(self, option: str) -> bool:
        return option in self.options


#: The options that bring bits or type numbers of their own; Kconfig names, linux-6.12.
OPTIONS: Final = frozenset({"MEM_SOFT_DIRTY", "USERFAULTFD_WP", "DEVICE_PRIVATE", "MIGRATION", "MEMORY_FAILURE", "ZONE_DEVICE"})

#: Every config the tool can be asked about.  The default is the worst case for bits.
CONFIGS: Final[tuple[Config, ...]] = (
    Config("default", OPTIONS),
    Config("no-soft-dirty", OPTIONS - {"MEM_SOFT_DIRTY"}),
    Config("no-uffd-wp", OPTIONS - {"USERFAULTFD_WP"}),
    Config("no-device-private", OPTIONS - {"DEVICE_PRIVATE"}),
    Config("minimal", frozenset({"MIGRATION"})),
)


@dataclass(frozen=True, slots=True)
class Helper:
    """A kernel function as an expression.

    Attributes:
        signature: its name and type.
        params: the variables that stand for its arguments.
        body: what it returns.
        where: file and line of the definition that was read.
        cite: the kernel file it was transcribed from, or empty for a lifted one.
    """

    signature: Signature
    params: tuple[Expr, ...]
    body: Expr
    where: str
    cite: str = ""
    _calls: dict[tuple[Expr | int, ...], Expr] = field(default_factory=dict, compare=False, repr=False)

    @property
    def name(self) -> str:
        """The kernel's name for it."""
        return self.signature.name

    def __call__(self, *args: Expr | int) -> Expr:
        """The body for given arguments.  Raises LayoutError for a wrong number of them, ExprError for a wrong width."""
        found = self._calls.get(args)
        if found is None:
            if len(args) != len(self.params):
                raise LayoutError(f"{self.name} must be given {len(self.params)} arguments, not {len(args)}")
            pairs = zip(self.params, args, strict=True)
            found = substitute(self.body, {param: const(arg, param.width) if isinstance(arg, int) else arg for param, arg in pairs})
            self._calls[args] = found
        return found


@dataclass(frozen=True, slots=True)
class Definition:
    """How a layout defines one helper or several that read alike.

    Attributes:
        names: the helpers it defines.
        build: makes the body from the kernel at the helper's level and the arguments.
        where: file and line of `build`.
        cite: the kernel file the definition restates.
        needs: the kernel options without which the helper does not exist.
    """

    names: tuple[str, ...]
    build: Callable[..., Expr]
    where: str
    cite: str
    needs: tuple[str, ...] = ()


def helper(names: str, cite: str, needs: str = "") -> Callable[[Callable[..., Expr]], Definition]:
    """Declare the helpers `names` (separated by spaces); `cite` is the kernel's file, `needs` the options they exist under.

    Raises VocabularyError for a helper the kernel does not have.
    """
    known = tuple(signature(name).name for name in names.split())

    def declare(build: Callable[..., Expr]) -> Definition:
        code = build.__code__
        where = f"{build.__module__.replace('.', '/')}.py:{code.co_firstlineno}"
        return Definition(known, build, where, cite, tuple(needs.split()))

    return declare


def definitions(namespace: Mapping[str, Any]) -> tuple[Definition, ...]:
    """The definitions among a module's names: ``definitions(globals())`` at the end of a release's file."""
    return tuple(value for value in namespace.values() if isinstance(value, Definition))


def by_name(*groups: Iterable[Definition]) -> Mapping[str, Definition]:
    """Definitions by helper; a later group replaces what an earlier one defines.  Raises LayoutError for a helper defined twice in one group."""
    found: dict[str, Definition] = {}
    for group in groups:
        fresh: dict[str, Definition] = {}
        for one in group:
            for name in one.names:
                if name in fresh:
                    raise LayoutError(f"{name} must be defined once, not at {fresh[name].where} and at {one.where}")
                fresh[name] = one
        found.update(fresh)
    return found


@dataclass(frozen=True, slots=True)
class Protection:
    """An entry of the protection table.

    Attributes:
        name: the vm_flags it is for, such as ``VM_READ|VM_WRITE``.
        value: the pgprot, as ``pfn_pXd`` takes it.
        write: VM_WRITE is among the flags, so that ``maybe_mkwrite`` may make an entry writable.
        access: some of read, write and exec is among the flags; without, the entry is PROT_NONE.
    """

    name: str
    value: int
    write: bool
    access: bool


def protections(values: Mapping[str, int]) -> tuple[Protection, ...]:
    """A protection table from names of vm_flags combinations to pgprot values; the names are made of VM_NONE, VM_READ, VM_WRITE, VM_EXEC, VM_SHARED."""
    table = []
    for name, value in values.items():
        flags = set(name.split("|"))
        if flags - {"VM_NONE", "VM_READ", "VM_WRITE", "VM_EXEC", "VM_SHARED"}:
            raise LayoutError(f"a protection must be named by vm_flags, not {name!r}")
        table.append(Protection(name, value, "VM_WRITE" in flags, bool(flags & {"VM_READ", "VM_WRITE", "VM_EXEC"})))
    return tuple(table)


@dataclass(frozen=True)
class LevelUse:
    """A kernel's use of one level.

    Attributes:
        views: the kernel's fields in a ``table``, a ``leaf`` and a ``swap`` entry, and an ``invalid`` leaf where it differs.
        order: a leaf of this level maps ``2 ** order`` base pages.
        protections: the protection table; where it is made of software bits, a function of the kernel, so that they can move.
        extra: bits a mapping may have on top of any protection (protection keys, memory types).
        no_leaves: why the kernel builds no leaves at this level although the format has them, if so; the protection table is then empty.
        table_bits: log2 of the size of the lower table an entry of this level points to, which is its alignment.
        swap_extra: bits a non-present entry may have on top of what its helpers set: flags that a proposal adds and no helper knows yet.
    """

    views: Mapping[str, View]
    order: int
    protections: tuple[Protection, ...] | Callable[[Kernel], tuple[Protection, ...]]
    extra: int = 0
    table_bits: int = 12
    no_leaves: str = ""
    swap_extra: int = 0

    @property
    def width(self) -> int:
        """Of an entry, in bits: every view has the same."""
        return next(iter(self.views.values())).width

    def field(self, name: str) -> Field | None:
        """The field `name` in whichever view has it."""
        return next((view[name] for view in self.views.values() if name in view), None)


@dataclass(frozen=True, slots=True)
class SwapKind:
    """A kind of non-present entry: the type numbers it uses and what its offset means.

    Attributes:
        state: the state's name.
        types: the swap types, as a range.
        payload: ``slot``, ``pfn`` or ``marker``.
        cite: where the numbers come from.
        also: the levels that the state came to later (StateName.later) and that this release has it at.
    """

    state: str
    types: range
    payload: str
    cite: str
    also: tuple[Level, ...] = ()


class Provenance:
    """How far a layout is trusted."""

    CONFORMED: Final = "conformed"  # proved equal to that release's headers, in the default config (bitspec conform)
    TRANSCRIBED: Final = "transcribed"  # read from them, not proved; or changed since


@dataclass(frozen=True)
class Layout:
    """A kernel release on one architecture, in one variant and config.

    Attributes:
        hardware: the MMU it lives with.
        release: such as ``linux-6.12``.
        config: the kernel options assumed.
        uses: the kernel's use of each level that is not folded.
        helpers: every helper it has, by name.
        kinds: the kinds of non-present entry.
        pfn_bits: bits in a page frame number (MAX_PHYSMEM_BITS - PAGE_SHIFT).
        word: bits in an unsigned long, which is what numbers and an architecture's swp_entry_t are; a page frame number has to fit.
        marker_bits: bits in a PTE marker's payload (PTE_MARKER_MASK).
        sources: the kernel files that were read.
        numbers: named constants the helpers use (shifts, widths).
        static_tables: physical addresses of tables in the kernel's image that entries can hold (what an empty entry points to, on some architectures).
        permitted_offset: which swap offsets ``arch_max_swapfile_size`` permits beyond the probed maximum, given the layout's numbers and the hardware, or None.
        provenance: how far it is trusted.
    """

    hardware: Hardware
    release: str
    config: Config
    uses: Mapping[Level, LevelUse]
    helpers: Mapping[str, Definition]
    kinds: tuple[SwapKind, ...]
    pfn_bits: int
    word: int = 64
    marker_bits: int = 2
    sources: tuple[str, ...] = ()
    numbers: Mapping[str, int] = field(default_factory=dict)
    static_tables: tuple[int, ...] = ()
    permitted_offset: Callable[[Mapping[str, int], Expr, Context], Expr] | None = None
    provenance: str = Provenance.TRANSCRIBED
    derived: dict[object, object] = field(default_factory=dict, compare=False, repr=False)
    """A place for what others derive from the layout and want to keep with it, by a key of theirs (the states of each level)."""
    _built: dict[str, Helper | Absent] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.pfn_bits > self.word:  # its top bits would be dropped, and a claim about the rest would be a false proof
            raise LayoutError(f"a page frame number must fit an unsigned long of {self.word} bits, not have {self.pfn_bits}")

    @property
    def address(self) -> int:
        """Bits in a ``phys_addr_t``: those of an unsigned long, or 64 where physical addresses have more (x86 with PAE, Arm with LPAE)."""
        return self.word if self.pfn_bits + self.numbers.get("PAGE_SHIFT", 0) <= self.word else 64

    @property
    def arch(self) -> str:
        """The architecture's name."""
        return self.hardware.arch

    @property
    def name(self) -> str:
        """``ARCH@RELEASE``."""
        return f"{self.arch}@{self.release}"

    def at(self, level: Level) -> Kernel:
        """The kernel at one level.  Raises Absent where the level is folded."""
        if level not in self.uses:
            raise Absent(f"{level} is folded in variant {self.hardware.variant}")
        return Kernel(self, level)

    def helper(self, name: str) -> Helper:
        """The helper `name`.  Raises Absent with the reason where it does not exist, VocabularyError where the kernel has no such name."""
        found = self._looked_up(name)
        if isinstance(found, Absent):
            raise Absent(str(found))
        return found

    def has(self, name: str) -> bool:
        """Whether the helper `name` exists here."""
        return not isinstance(self._looked_up(name), Absent)

    def _looked_up(self, name: str) -> Helper | Absent:
        """The helper, or why there is none: what does not exist is asked for as often as what does."""
        found = self._built.get(name)
        if found is None:
            try:
                found = self._build(signature(name))
            except Absent as reason:
                found = Absent(str(reason))
            self._built[name] = found
        return found

    def _build(self, wanted: Signature) -> Helper:
        one = self.helpers.get(wanted.name)
        if one is None:
            raise Absent(f"{wanted.name} does not exist in {self.name}")
        for option in one.needs:
            if option not in self.config:
                raise Absent(f"{wanted.name} needs CONFIG_{option}, which config {self.config.name} is without")
        if wanted.level is not None and wanted.level not in self.uses:
            raise Absent(f"{wanted.level} is folded in variant {self.hardware.variant}")
        width = self.uses[wanted.level].width if wanted.level is not None else self.word
        widths = {Kind.ENTRY: width, Kind.PROT: width, Kind.NUMBER: self.word, Kind.ADDRESS: self.address, Kind.SWAP: self.word, Kind.BOOL: 1}
        params = tuple(var(f"arg{index}", widths[kind]) for index, kind in enumerate(wanted.params))
        body = one.build(Kernel(self, wanted.level), *params)
        if body.width != widths[wanted.result]:
            raise LayoutError(f"{wanted.name} at {one.where} must be {widths[wanted.result]} bits wide, not {body.width}")
        return Helper(wanted, params, body, one.where, one.cite)

    def but(self, *fields: Field, level: Level | None = None, **helpers: Callable[..., Expr]) -> Layout:
        """The same layout with some software fields moved and some helpers replaced; proposals and "before" forms are made with it.

        Args:
            fields: replacements, by name, in every view that has the name.
            level: where to replace the fields; None is every level.
            helpers: a function ``(k, *args)`` per helper.

        Raises LayoutError for a field no view has, or a hardware bit; VocabularyError for an unknown helper.
        """
        for one in fields:
            self._may_move(one, [use for at, use in self.uses.items() if level in (None, at)])
        uses = {
            at: replace(use, views={name: view.but(*fields) for name, view in use.views.items()}) if level in (None, at) else use
            for at, use in self.uses.items()
        }
        replaced = {name: helper(name, "replaced")(build) for name, build in helpers.items()}
        trust = Provenance.TRANSCRIBED if fields or helpers else self.provenance  # nobody has held the change against a tree
        return replace(self, uses=uses, helpers={**self.helpers, **replaced}, provenance=trust, derived={}, _built={})

    def _may_move(self, new: Field, uses: Iterable[LevelUse]) -> None:
        old = [use.field(new.name) for use in uses]
        found = [one for one in old if one is not None]
        if not found:
            raise LayoutError(f"a field must exist in {self.name} to be moved, not {new.name!r}")
        for one in found:
            if one.owner.value != "software" and one.spans != new.spans:
                raise must_stay(new.name, self.hardware)


def must_stay(name: str, hardware: Hardware) -> LayoutError:
    """What is said to whoever touches a field that is not the kernel's."""
    return LayoutError(f"{name} is a hardware bit ({hardware.manual}) and must stay where it is")


@dataclass(frozen=True, slots=True)
class Kernel:
    """A layout seen from one level: what definitions and claims are written against."""

    layout: Layout
    level: Level | None

    def __getitem__(self, names: str | tuple[str, ...]) -> int:
        """The mask of a field, or of several together.  Raises LayoutError for a name the level does not have."""
        if isinstance(names, str):
            return self.field(names).mask
        mask = 0
        for name in names:
            mask |= self.field(name).mask
        return mask

    def field(self, name: str) -> Field:
        """The field `name` of this level; for a helper of no level, of the lowest level that has it."""
        uses = self.layout.uses
        for level in uses if self.level is None else (self.level,):
            found = uses[level].field(name)
            if found is not None:
                return found
        raise LayoutError(unknown(f"{self.level or 'swap'} field of {self.layout.name}", name, self._names()))

    def _names(self) -> list[str]:
        uses = self.layout.uses
        return [one.name for level in uses if self.level in (None, level) for view in uses[level].views.values() for one in view]

    def shift(self, name: str) -> int:
        """The lowest bit of the field `name`."""
        return self.field(name).shift

    def number(self, name: str) -> int:
        """The constant `name` of the layout."""
        try:
            return self.layout.numbers[name]
        except KeyError:
            raise LayoutError(unknown(f"number of {self.layout.name}", name, self.layout.numbers)) from None

    @property
    def use(self) -> LevelUse:
        """The kernel's use of this level."""
        if self.level is None:
            raise LayoutError("a helper of no level must not ask for the use of one")
        return self.layout.uses[self.level]

    @property
    def protections(self) -> tuple[Protection, ...]:
        """The protection table of this level."""
        table = self.use.protections
        return table if isinstance(table, tuple) else table(self)

    @property
    def config(self) -> Config:
        """The kernel options assumed."""
        return self.layout.config

    def name(self, stem: str) -> str:
        """The full name of a helper given without its level."""
        return stem if stem in HELPERS else f"{self.level}_{stem}"

    def helper(self, stem: str) -> Helper:
        """A helper by its full name, or by the part after the level.  Raises Absent."""
        return self.layout.helper(self.name(stem))

    def has(self, *stems: str) -> bool:
        """Whether all of these helpers exist."""
        return all(self.layout.has(self.name(stem)) for stem in stems)

    def __getattr__(self, stem: str) -> Helper:
        if stem.endswith("__"):  # copy, pickle and the like ask for such names
            raise AttributeError(stem)
        return self.helper(stem)
