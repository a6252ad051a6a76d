"""How to compile 64-bit RISC-V's headers, and what is known of the symbols its helpers depend on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from archs.riscv64.hardware import VARIANTS
from bitspec.expr import Expr, and_, eq, ite, var, zext
from bitspec.lift.target import AsmRule, Target, Unit

_PAGE_OFFSET: Final = {"Sv57": 0xFF60_0000_0000_0000, "Sv48": 0xFFFF_AF80_0000_0000, "Sv39": 0xFFFF_FFD6_0000_0000}
_IMAGE: Final = 0xFFFF_FFFF_8000_0000


def _kernel_map(offset: int, page_offset: int) -> str:
    """A member of kernel_map by its offset, which differs between releases: where memory and the kernel's image are, with memory that begins at 0."""
    at = "__builtin_offsetof(struct kernel_mapping, {}) == {}"
    return f"{at.format('va_pa_offset', offset)} ? {page_offset:#x}UL : {at.format('va_kernel_pa_offset', offset)} ? {_IMAGE:#x}UL : 0UL"


def _pins(variant: str) -> Mapping[str, int | str]:
    form = VARIANTS[variant]
    page_offset = _PAGE_OFFSET[form.section]
    return {
        "kernel_map": page_offset,
        **{f"kernel_map+{offset}": _kernel_map(offset, page_offset) for offset in (32, 40, 48)},
        "vmemmap_start_pfn": 0,
        "pgtable_l5_enabled": int(form.section == "Sv57"),
        "pgtable_l4_enabled": int(form.section != "Sv39"),
        "extension_33": int(form.svnapot),
        "extension_100": int(form.svrsw60t59b),
        "memory_type.3.31.61.59": 3 << 61 if form.svpbmt else 31 << 59 if form.thead else 0,  # _PAGE_MTMASK
        "thead_mae": int(form.thead),
    }


@dataclass(frozen=True, slots=True)
class TheadPma:
    """ALT_THEAD_PMA: boot code puts it in the place of seven nops."""

    def __call__(self, operands: Sequence[Expr]) -> Expr:
        """Of a mask, a default, how far both are shifted down, and a value: on T-Head's the value with the default, where it has none of the mask."""
        mask, default, shift, value = (zext(each, 64) if each.width < 64 else each for each in operands)
        return ite(and_(var("thead_mae", 1), eq(value & mask << shift, 0)), value | default << shift, value)


#: page_address() of memory beyond the linear mapping would be an address that virt_to_pfn() takes for one of the kernel's image.
_PMD_POPULATE: Final = (
    "({ pmd_t at = __pmd(0); if (!is_linear_mapping((unsigned long)page_address((pgtable_t)a))) __builtin_unreachable(); "
    "pmd_populate(&bs_mm, &at, (pgtable_t)a); pmd_val(at); })"
)

TARGET: Final = Target(
    arch="riscv",
    triple="riscv64-linux-gnu",
    defconfig="defconfig",
    options={"": ("-ERRATA_THEAD", "-ARCH_THEAD", "-ARCH_SOPHGO"), "sv39-thead": ("ERRATA_THEAD",)},
    units=(
        Unit("hugetlbpage", ("arch/riscv/mm/hugetlbpage.c",), {"arch_make_huge_pte": "", "pmd_huge": "", "pud_huge": ""}),
        Unit("init", ("arch/riscv/mm/init.c",), {}, protections=True),
    ),
    wrappers={"pmd_populate": _PMD_POPULATE},
    asm=(
        AsmRule(r"^886 :\n(?:\.option \w+\n)*\.rept\s+7\nnop\n.*\sbne\s+t3, zero, 2f\n", "computed", "", compute=TheadPma()),
        AsmRule(r"^886 :\n(?:\.option \w+\n)*li\s+\$0, 0", "register", "memory_type"),  # ALT_SVPBMT
        AsmRule(r"^886 :\n(?:\.option \w+\n)*j\t", "feature", "extension_{}", index=1, yes=0, no=1),
        AsmRule(r"^886 :\n(?:\.option \w+\n)*nop\n.*888 :\n(?:\.option \w+\n)*j\t", "feature", "extension_{}", index=1, yes=1, no=0),
    ),
    pins=_pins,
    given=(
        "memory begins at physical address 0 and is mapped at PAGE_OFFSET",
        "PTE tables lie in the linear mapping: setup_bootmem() of arch/riscv/mm/init.c leaves no memory to the allocator that does not",
        "four and five levels are on as the variant says",
        "the CPU has Svnapot, Svpbmt and Svrsw60t59b as the variant says, or is one of T-Head's with memory types of its own",
    ),
)
