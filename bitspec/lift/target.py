"""What the lifter has to know of an architecture; each ``archs/ARCH/toolchain.py`` makes one of these."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bitspec.expr import Expr

#: The kernel options that bring bits or numbers of their own: the worst case. What a tree does not offer, its Kconfig drops.
WORST_CASE: Final = (
    "EXPERT", "TRANSPARENT_HUGEPAGE", "MEM_SOFT_DIRTY", "NUMA", "NUMA_BALANCING", "USERFAULTFD", "MIGRATION", "COMPACTION", "SWAP",
    "MEMORY_FAILURE", "MEMORY_HOTPLUG", "MEMORY_HOTREMOVE", "ZONE_DEVICE", "DEVICE_PRIVATE", "HUGETLBFS", "PROC_FS", "PROC_PAGE_MONITOR", "CHECKPOINT_RESTORE",
    "SPARSEMEM_VMEMMAP", "BUG",
)  # fmt: skip
#: What would only clutter the IR.
OFF: Final = ("DEBUG_VM", "DEBUG_INFO_BTF", "KASAN", "KCSAN", "UBSAN", "GCOV_KERNEL", "FTRACE", "WERROR", "MODULE_SIG", "RUST")


@dataclass(frozen=True, slots=True)
class Unit:
    """A file to compile: wrappers around what some ``.c`` file of the tree defines.

    Attributes:
        name: of the file.
        includes: files of the tree, or headers in angle brackets, included before the wrappers.
        wrappers: C by helper: the body of a function whose arguments are ``a`` and ``b``; see :mod:`bitspec.lift.wrappers`.
        flags: more compiler flags.
        variants: the variants it is for; none is all of them.
    """

    name: str
    includes: tuple[str, ...]
    wrappers: Mapping[str, str]
    flags: tuple[str, ...] = ()
    prelude: tuple[str, ...] = ()
    protections: bool = False
    variants: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AsmRule:
    """What inline assembly of a certain text means.

    Attributes:
        pattern: a regular expression, searched for in the assembly's text.
        kind: ``register``: it reads something that does not change, named by the pattern's first group;
            ``feature``: an asm goto that asks for a feature of the CPU, `index` telling which operand names it;
            ``same``: it yields its operand `index` on the CPUs that are meant;
            ``computed``: it yields what `compute` makes of its operands;
            ``flush``: it yields nothing, and changes no memory although it is given addresses.
        index: the operand that names the feature, or that is yielded.
        yes: which way control goes where the CPU has the feature: 0 falls through, n is the n-th label.
        no: which way it goes where the CPU lacks it.
        name: the symbol's name, with ``{}`` for the pattern's group or the operand.
        compute: what assembly of kind ``computed`` does; a frozen dataclass, as its text is part of what is kept with the lifted helpers.
    """

    pattern: str
    kind: str
    name: str
    index: int = 0
    yes: int = 0
    no: int = 0
    compute: Callable[[Sequence[Expr]], Expr] | None = None


@dataclass(frozen=True, slots=True)
class Instructions:
    """The instructions of a CPU, as far as the kernel writes helpers in them: see :mod:`bitspec.lift.sequence`.

    Attributes:
        operations: what an instruction does, by its name: ``copy``, ``part`` (of a number, and nothing else), ``and``, ``or``, ``andnot``,
            ``shl``, ``lshr``, with the target last, or ``nothing``.
        parts: the assembler's names for parts of a number: how far to shift it down, and what to keep.
        immediate: bits of a number in an instruction, which is signed.
        patches: sections of replacements that boot code applies, in its order, and the symbol that is 1 where it does.
    """

    operations: Mapping[str, str]
    parts: Mapping[str, tuple[int, int]]
    immediate: int
    patches: Mapping[str, str]


@dataclass(frozen=True)
class Target:
    """How to compile and read an architecture's helpers.

    Attributes:
        arch: the kernel's ``ARCH=``.
        triple: clang's.
        defconfig: the configuration to begin with.
        options: kernel options by variant, ``NAME`` or ``NAME=value``, or ``-NAME`` to turn one off.
        units: more files to compile.
        wrappers: C that takes the place of the usual wrapper, by helper.
        includes: headers the wrappers need besides the usual.
        asm: what inline assembly means.
        pins: what is known of a symbol in a variant: a value, or (mask, value).
        given: the reasons for the pins, one line each, which reports print.
        not_functions: helpers the kernel has no function for, with the reason.
        constants: C for constants, in place of the usual, by name.
        physical: C for the physical address of what a helper of :data:`bitspec.lift.wrappers.ADDRESSES` is given, in place of the usual, by helper.
        front_end: clang knows the architecture but cannot compile for it: what the build wants as assembly is made of IR.
        as_gcc: the build refuses clang, and is not told that it is one.
        dropped: flags of the build that clang does not know for this architecture, and is not given.
        static_tables: tables of the kernel's image that empty entries point to, by the name of their variable.
        written: global variables that initialisation stores to besides, and whose value before is not assumed.
        instructions: what inline assembly computes that is made of these.
        defines: macros the compiler is given besides the build's own, ``NAME=TEXT``: those that gcc predefines and clang does not, and for
            code that only gcc takes.
        by_physical: C that makes a table's entry of its physical address ``a``, in place of the usual, by helper.
    """

    arch: str
    triple: str
    defconfig: str
    options: Mapping[str, tuple[str, ...]]
    units: tuple[Unit, ...] = ()
    wrappers: Mapping[str, str] = field(default_factory=dict)
    includes: tuple[str, ...] = ()
    asm: tuple[AsmRule, ...] = ()
    pins: Callable[[str], Mapping[str, int | str]] = lambda variant: {}
    given: tuple[str, ...] = ()
    calls: Mapping[str, int] = field(default_factory=dict)
    initial: frozenset[str] = frozenset()
    addresses: Mapping[str, int] = field(default_factory=dict)
    protection: tuple[str, ...] = ("pgprot_val(vm_get_page_prot({n}))",)
    not_functions: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    static_tables: tuple[str, ...] = ()
    instructions: Instructions | None = None
    written: frozenset[str] = frozenset()
    by_physical: Mapping[str, str] = field(default_factory=dict)
    physical: Mapping[str, str] = field(default_factory=dict)
    front_end: bool = False
    as_gcc: bool = False
    dropped: tuple[str, ...] = ()
    defines: tuple[str, ...] = ()
