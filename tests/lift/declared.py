"""A kernel header written from a declared layout: what conform must find equal, and what a test can spoil."""

from __future__ import annotations

from bitspec.expr import Expr
from bitspec.layout import Absent, Layout
from bitspec.lift.layout import TYPES
from bitspec.read.as_c import c_text
from bitspec.vocabulary import HELPERS, Kind, Level, Signature

_C = {Kind.PROT: "pgprot_t", Kind.NUMBER: "u64", Kind.ADDRESS: "u64", Kind.SWAP: "swp_entry_t", Kind.BOOL: "_Bool"}


def _type(kind: Kind, one: Signature) -> str:
    return f"{one.level}_t" if kind is Kind.ENTRY else "u64" if kind is Kind.SWAP and one.name.endswith("_rste") else _C[kind]


def _open(kind: Kind, one: Signature, name: str) -> str:
    return {Kind.ENTRY: f"{one.level}_val({name})", Kind.PROT: f"pgprot_val({name})", Kind.SWAP: f"{name}.val"}.get(kind, name)


def _close(one: Signature, text: str) -> str:
    if one.result is Kind.ENTRY:
        return f"({one.level}_t){{ {text} }}"
    return f"(swp_entry_t){{ {text} }}" if one.result is Kind.SWAP else text


def _function(one: Signature, body: str) -> str:
    kinds = list(zip(one.params, ("x", "y"), strict=False))
    params = ", ".join(f"{_type(kind, one)} {name}" for kind, name in kinds) or "void"
    names = " ".join(f"u64 arg{place} = {_open(kind, one, name)};" for place, (kind, name) in enumerate(kinds))
    return f"static inline {_type(one.result, one)} {one.name}({params}) {{ {names} return {_close(one, body)}; }}"


def _special(one: Signature, text: str) -> str | None:
    at, level = one.stem, one.level
    if at == "mkwrite":
        return f"static inline {level}_t {level}_mkwrite({level}_t x, struct vm_area_struct *vma) {{ u64 arg0 = {level}_val(x); return __{level}({text}); }}"
    if at == "clear":
        return f"static inline void {level}_clear(struct mm_struct *mm, u64 address, {level}_t *at) {{ *at = __{level}({text}); }}"
    if at == "populate":
        table = "pgtable_t" if level is Level.PMD else "pmd_t *"
        return f"static inline void {level}_populate(struct mm_struct *mm, {level}_t *at, {table} t) {{ u64 arg0 = __pa(t); *at = __{level}({text}); }}"
    if one.name == "arch_make_huge_pte":
        return f"static inline pte_t arch_make_huge_pte(pte_t x, unsigned int shift, u64 flags) {{ u64 arg0 = pte_val(x); return __pte({text}); }}"
    if at == "access_permitted_write":
        return (
            f"static inline _Bool {level}_access_permitted({level}_t x, _Bool write) {{ u64 arg0 = {level}_val(x); return write ? {text} : {level}_read(x); }}"
        )
    if one.name == "swp_to_radix_entry":
        return f"static inline void *swp_to_radix_entry(swp_entry_t x) {{ u64 arg0 = x.val; return (void *)({text}); }}"
    if one.name == "radix_to_swp_entry":
        return f"static inline swp_entry_t radix_to_swp_entry(void *x) {{ u64 arg0 = (u64)x; return (swp_entry_t){{ {text} }}; }}"
    if one.name == "swp_entry":
        return f"static inline swp_entry_t swp_entry(u64 arg0, u64 arg1) {{ return (swp_entry_t){{ {text} }}; }}"
    if one.name in ("swp_type", "swp_offset"):
        return f"static inline u64 {one.name}(swp_entry_t x) {{ u64 arg0 = x.val; return {text}; }}"
    return None


def _body(layout: Layout, name: str) -> Expr:
    body = layout.helper(name).body
    if HELPERS[name].stem == "to_swp_entry":
        return layout.helper("swp_entry")(layout.helper("__swp_type")(body), layout.helper("__swp_offset")(body))
    return body


def header(layout: Layout, **instead: str) -> str:
    """The header; `instead` gives the C of some helpers' results, of ``arg0`` and ``arg1``."""
    lines = ["static struct mm_struct init_mm;", "typedef pte_t *pgtable_t;", "#define __pa(x) ((u64)(x))"]
    for name, one in HELPERS.items():
        if name not in layout.helpers:
            continue
        try:
            text = instead.get(name) or c_text(_body(layout, name))
        except Absent:
            continue
        if one.stem == "access_permitted_read":
            lines.append(f"static inline _Bool {one.level}_read({one.level}_t x) {{ u64 arg0 = {one.level}_val(x); return {text}; }}")
            continue
        lines.append(_special(one, text) or _function(one, text))
    return "\n".join([*lines, *_constants(layout), ""])


def _constants(layout: Layout) -> list[str]:
    shift = layout.numbers["PAGE_SHIFT"]
    values = {"PAGE_SHIFT": shift, "MAX_PHYSMEM_BITS": layout.pfn_bits + shift, "PTE_MARKER_MASK": (1 << layout.marker_bits) - 1}
    values |= {f"{level.name}_SHIFT": use.order + shift for level, use in layout.uses.items() if level is not Level.PTE}
    for kind in layout.kinds:
        values["MAX_SWAPFILES" if kind.state == "swap" else TYPES[kind.state]] = len(kind.types) if kind.state == "swap" else kind.types.start
    also = ("make_readable_device_private_entry(x) (x)", "swp_entry_to_pmd(x) (x)", "pmd_is_device_private_entry(x) 1")
    huge = [f"#define {text}" for text in also if any(kind.also for kind in layout.kinds)]
    return [f"#define {name} {value}" for name, value in values.items()] + huge
