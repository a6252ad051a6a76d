"""How to compile C-SKY's headers, and what is known of the symbols its helpers depend on."""

from __future__ import annotations

from typing import Final

from bitspec.lift.target import Target, Unit

TARGET: Final = Target(
    arch="csky",
    triple="csky-linux-gnu",
    defconfig="defconfig",
    options={"abiv1": ("-CPU_CK807", "-CPU_CK810", "-CPU_CK860", "CPU_CK610")},
    units=(
        Unit("init", ("arch/csky/mm/init.c",), {}, protections=True),
        Unit("set", (), {"pte_clear": ""}, prelude=("#define set_pte(at, entry) (*(at) = (entry))",)),
    ),
    pins=lambda variant: {"va_pa_offset": 0, "addr.invalid_pte_table": 0x8100_0000},
    static_tables=("invalid_pte_table",),
    given=(
        "memory begins at physical address 0 and is mapped at 0x80000000; invalid_pte_table lies in the kernel's image, at 0x81000000 here",
        "pte_clear() is of a user's address, and set_pte() stores the entry it is given: that it writes the cache line back changes nothing",
    ),
    front_end=True,
    as_gcc=True,
    dropped=("-mcpu=ck610",),  # ABI v1: clang knows no CPU of it, and the helpers ask for it by the header's folder only
    constants={"MAX_PHYSMEM_BITS": "SWP_PFN_BITS + PAGE_SHIFT"},  # without SPARSEMEM the kernel has no such constant, and takes an unsigned long's bits
)
