"""The C that is compiled: one function a line around each helper of the vocabulary, and one around each constant.

A line that does not compile is a helper this tree or configuration lacks, so every wrapper stands on a line of its own.  Where a helper's signature
differs from release to release there are several candidates; the first that compiles is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from bitspec.vocabulary import HELPERS, Kind, Level, Signature

PREFIX: Final = "L_"
CONSTANT: Final = "C_"
INCLUDES: Final = (
    "<linux/mm.h>", "<linux/swap.h>", "<linux/swapops.h>", "<linux/hugetlb.h>", "<linux/huge_mm.h>", "<linux/pgtable.h>", "<asm/pgalloc.h>",
)  # fmt: skip

#: Constants a layout restates, as the C that has their value.
CONSTANTS: Final[Mapping[str, str]] = {
    "PAGE_SHIFT": "PAGE_SHIFT", "PMD_SHIFT": "PMD_SHIFT", "PUD_SHIFT": "PUD_SHIFT",
    "MAX_PHYSMEM_BITS": "MAX_PHYSMEM_BITS", "SWP_PFN_BITS": "SWP_PFN_BITS", "SWP_TYPE_SHIFT": "SWP_TYPE_SHIFT",
    "MAX_SWAPFILES_SHIFT": "MAX_SWAPFILES_SHIFT", "MAX_SWAPFILES": "MAX_SWAPFILES", "SWP_HWPOISON": "SWP_HWPOISON",
    "SWP_MIGRATION_READ": "SWP_MIGRATION_READ", "SWP_MIGRATION_READ_EXCLUSIVE": "SWP_MIGRATION_READ_EXCLUSIVE",
    "SWP_MIGRATION_WRITE": "SWP_MIGRATION_WRITE", "SWP_DEVICE_READ": "SWP_DEVICE_READ", "SWP_DEVICE_WRITE": "SWP_DEVICE_WRITE",
    "SWP_DEVICE_EXCLUSIVE_READ": "SWP_DEVICE_EXCLUSIVE_READ", "SWP_DEVICE_EXCLUSIVE_WRITE": "SWP_DEVICE_EXCLUSIVE_WRITE",
    "SWP_DEVICE_EXCLUSIVE": "SWP_DEVICE_EXCLUSIVE", "SWP_PTE_MARKER": "SWP_PTE_MARKER", "SWP_SWAPIN_ERROR": "SWP_SWAPIN_ERROR",
    "PTE_MARKER_MASK": "PTE_MARKER_MASK", "CONFIG_PGTABLE_LEVELS": "CONFIG_PGTABLE_LEVELS", "SWP_MIG_TOTAL_BITS": "SWP_MIG_TOTAL_BITS",
    "pmd_is_device_private_entry": "pmd_is_device_private_entry(swp_entry_to_pmd(make_readable_device_private_entry(1)))",
    "PHYS_ADDR_BITS": "8 * sizeof(phys_addr_t)", **{f"{level.name}_BITS": f"8 * sizeof(bs_{level})" for level in Level},
}  # fmt: skip

# Candidates for helpers whose C is not simply NAME(arguments); {e} is the level, {E} its argument in the kernel's type.
_SPECIAL: Final[Mapping[str, tuple[str, ...]]] = {
    "{l}_access_permitted_read": ("!!{l}_access_permitted({l}, 0)",),
    "{l}_access_permitted_write": ("!!{l}_access_permitted({l}, 1)",),
    "{l}_mkwrite": ("{l}_val({l}_mkwrite({l}, &(struct vm_area_struct){{ }}))", "{l}_val({l}_mkwrite({l}))"),
    "{l}_clear": ("({{ {l}_t at = __{l}(0); {l}_clear(&init_mm, 0, &at); {l}_val(at); }})", "({{ {l}_t at = __{l}(0); {l}_clear(&at); {l}_val(at); }})"),
    "pmd_populate": ("({{ pmd_t at = __pmd(0); pmd_populate(&bs_mm, &at, (pgtable_t)a); pmd_val(at); }})",),
    "pud_populate": ("({{ pud_t at = __pud(0); pud_populate(&bs_mm, &at, (pmd_t *)a); pud_val(at); }})",),
    "pfn_{l}": ("{l}_val(pfn_{l}(a, __pgprot(b)))",),
    "__swp_entry_to_{l}": ("{l}_val(__swp_entry_to_{l}((swp_entry_t){{ a }}))",),
    "arch_make_huge_pte": ("pte_val(arch_make_huge_pte(pte, PMD_SHIFT, 0))",),
    "__swp_entry": ("__swp_entry(a, b).val",),
    "__swp_type": ("__swp_type((swp_entry_t){{ a }})",),
    "__swp_offset": ("__swp_offset((swp_entry_t){{ a }})",),
    "__swp_type_rste": ("__swp_type_rste((swp_entry_t){{ a }})",),
    "__swp_offset_rste": ("__swp_offset_rste((swp_entry_t){{ a }})",),
    "mk_swap_rste": ("mk_swap_rste(a, b)",),
    "swp_entry": ("swp_entry(a, b).val",),
    "swp_type": ("swp_type((swp_entry_t){{ a }})",),
    "swp_offset": ("swp_offset((swp_entry_t){{ a }})",),
    "swp_to_radix_entry": ("(unsigned long)swp_to_radix_entry((swp_entry_t){{ a }})",),
    "{l}_to_swp_entry": ("{l}_to_swp_entry({l}).val", "softleaf_from_{l}({l}).val"),  # the latter since v6.19
    "radix_to_swp_entry": ("radix_to_swp_entry((void *)a).val",),
}  # fmt: skip

#: Helpers that take the kernel's address of a table, and the C for its physical address: the helper is a function of that.
ADDRESSES: Final[Mapping[str, tuple[str, ...]]] = {
    "pmd_populate": ("PFN_PHYS(page_to_pfn((pgtable_t)a))", "__pa((pgtable_t)a)"),
    "pud_populate": ("__pa((pmd_t *)a)",),
}
ADDRESS: Final = "address of "
#: The same helpers as functions of the physical address, in so far as the kernel can reach it.
BY_PHYSICAL: Final = "by physical address "
_BY_PHYSICAL: Final[Mapping[str, tuple[str, ...]]] = {
    "pmd_populate": (
        "({ pmd_t at = __pmd(0); pmd_populate(&bs_mm, &at, pfn_to_page(a >> PAGE_SHIFT)); pmd_val(at); })",
        "({ pmd_t at = __pmd(0); pmd_populate(&bs_mm, &at, (pte_t *)__va(a)); pmd_val(at); })",
    ),
    "pud_populate": ("({ pud_t at = __pud(0); pud_populate(&bs_mm, &at, (pmd_t *)__va(a)); pud_val(at); })",),
}


@dataclass(frozen=True, slots=True)
class Wrapper:
    """One line of C.

    Attributes:
        helper: what it wraps: a helper or a constant.
        symbol: the function's name in the IR.
        line: the C.
    """

    helper: str
    symbol: str
    line: str


def _bodies(one: Signature) -> tuple[str, ...]:
    for level in (one.level,) if one.level else (None,):
        for pattern, bodies in _SPECIAL.items():
            if pattern.format(l=level) == one.name:
                return tuple(body.format(l=level) for body in bodies)
    arguments = {Kind.ENTRY: one.level, Kind.PROT: "__pgprot({})", Kind.NUMBER: "{}", Kind.ADDRESS: "{}", Kind.SWAP: "(swp_entry_t){{ {} }}"}
    call = f"{one.name}({', '.join(str(arguments[kind]).format(name) for kind, name in zip(one.params, 'ab', strict=False))})"
    match one.result:
        case Kind.BOOL:
            return (f"!!{call}",)
        case Kind.ENTRY:
            return (f"{one.level}_val({call})",)
        case Kind.SWAP:
            return (f"{call}.val",)
    return (call,)


def wrap(one: Signature, bodies: Iterable[str] = ()) -> tuple[Wrapper, ...]:
    """The candidates for a helper; `bodies` take the place of the usual ones."""
    word = "unsigned long"
    types = {Kind.ENTRY: f"bs_{one.level}", Kind.PROT: "bs_prot", Kind.NUMBER: word, Kind.ADDRESS: word, Kind.SWAP: word, Kind.BOOL: word}
    params = ", ".join(f"{types[kind]} {name}" for kind, name in zip(one.params, "ab", strict=False)) or "void"
    entry = f"{one.level}_t {one.level} = __{one.level}(a); " if one.params[:1] == (Kind.ENTRY,) else ""
    found = []
    for number, body in enumerate(bodies or _bodies(one)):
        symbol = f"{PREFIX}{one.name}.{number}".replace(".", "__")
        found.append(Wrapper(one.name, symbol, f"{types[one.result]} {symbol}({params}) {{ {entry}return {body}; }}"))
    return tuple(found)


def constants(more: Mapping[str, str] = CONSTANTS) -> tuple[Wrapper, ...]:
    """A wrapper a constant, by name and C."""
    return tuple(number(name, f"{CONSTANT}{place}", text) for place, (name, text) in enumerate(more.items()))


def addresses(replaced: Mapping[str, str] = MappingProxyType({}), given: Mapping[str, str] = MappingProxyType({})) -> tuple[Wrapper, ...]:
    """Wrappers around the physical address of what the helpers of :data:`ADDRESSES` are given, and around them as functions of it.

    `replaced` bodies take the place of the usual functions of the physical address, `given` ones that of the usual physical address.
    """
    tables = {**ADDRESSES, **{name: (text,) for name, text in given.items()}}
    physical = {**_BY_PHYSICAL, **{name: (text,) for name, text in replaced.items()}}
    return tuple(
        Wrapper(f"{prefix}{name}", symbol := f"{PREFIX}{stem}_{name}__{place}", f"unsigned long long {symbol}({word} a) {{ return {text}; }}")
        for prefix, stem, word, table in (
            (ADDRESS, "address", "unsigned long", tables),  # the same argument as the helper's own
            (BY_PHYSICAL, "physical", "unsigned long long", physical),
        )
        for name, texts in table.items()
        for place, text in enumerate(texts)
    )


def number(name: str, symbol: str, text: str) -> Wrapper:
    """The wrapper around a number."""
    return Wrapper(name, symbol, f"unsigned long long {symbol}(void) {{ return {text}; }}")


def helpers(replaced: Mapping[str, str], leave_out: Iterable[str] = ()) -> tuple[Wrapper, ...]:
    """Wrappers around every helper of the vocabulary but those of `leave_out`; `replaced` bodies take the place of the usual ones."""
    skipped = frozenset(leave_out)
    return tuple(one for name, signature in HELPERS.items() if name not in skipped for one in wrap(signature, (replaced[name],) if name in replaced else ()))


def heading() -> str:
    """The first lines of a file about a tree: what every one of them includes."""
    return "\n".join([*map(_include, INCLUDES), ""])


def _include(name: str) -> str:
    return f"#include {name}" if name.startswith("<") else f'#include "{name}"'


def source(includes: Iterable[str], wrappers: Iterable[Wrapper], prelude: Iterable[str] = (), tree: bool = True) -> str:
    """The file: what to include, types, a prelude, and a wrapper a line.  Without a `tree` the includes bring everything the wrappers need."""
    lines = [_include(name) for name in includes]
    lines += [f"typedef __typeof__({level}_val(*({level}_t *)0)) bs_{level};" for level in Level]
    lines += ["typedef __typeof__(pgprot_val(*(pgprot_t *)0)) bs_prot;", "static struct mm_struct bs_mm;"]
    return (heading() if tree else "") + "\n".join([*lines, *prelude, *(one.line for one in wrappers), ""])
