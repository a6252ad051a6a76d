"""Every precondition a claim may have, and what in the kernel guarantees it.

The list is closed: a state or a claim can assume only what stands here, so that nothing is ever proved by assuming it away.  Kernel files are those of
linux-6.12.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bitspec.expr import Expr


@dataclass(frozen=True, slots=True)
class Precondition:
    """Something that may be assumed.

    Attributes:
        name: as printed with every claim that needs it.
        guarantee: who sees to it, with the kernel's file and function.
    """

    name: str
    guarantee: str

    def holds(self, fact: Expr) -> Given:
        """This precondition for the variables at hand: `fact` is what it says of them."""
        return Given(self, fact)


@dataclass(frozen=True, slots=True)
class Given:
    """A precondition and what it says of some variables."""

    precondition: Precondition
    fact: Expr


PFN: Final = Precondition(
    "pfn < 2^PFN_BITS",
    "sparse_init() registers no section beyond MAX_PHYSMEM_BITS (mm/sparse.c: mminit_validate_memmodel_limits); PFN_BITS is MAX_PHYSMEM_BITS - PAGE_SHIFT",
)
ALIGNED: Final = Precondition(
    "the pfn is aligned to the leaf's size",
    "a huge page is a compound page of that order, naturally aligned by the buddy allocator (mm/page_alloc.c); devmap and pfnmap callers check it "
    "(drivers/dax/device.c: __dev_dax_pmd_fault, mm/memory.c: vmf_insert_pfn_pmd)",
)
PHYSICAL: Final = Precondition(
    "pfn < 2^(physical address bits - PAGE_SHIFT)",
    "firmware reports no memory the CPU cannot address; x86 trims it to boot_cpu_data.x86_phys_bits (arch/x86/kernel/e820.c: e820__end_of_ram_pfn)",
)
PROTECTION: Final = Precondition(
    "prot in protection table, and what may be made of it",
    "vm_get_page_prot() indexes protection_map by the VMA's flags (mm/mmap.c, arch/*/mm); the setters a mapped entry may go through are those of mm/, "
    "mkwrite only under VM_WRITE (include/linux/mm.h: maybe_mkwrite)",
)
TABLE: Final = Precondition(
    "the lower table is aligned to its size",
    "pte_alloc_one(), pmd_alloc_one() take whole pages or slab objects of the table's size (include/asm-generic/pgalloc.h, arch/*/mm)",
)
ALLOCATED: Final = Precondition(
    "the lower table is no table of the kernel's image",
    "pte_alloc_one(), pmd_alloc_one() take it from the page allocator (include/asm-generic/pgalloc.h), which never has the memory of the kernel's image, "
    "where invalid_pte_table and its like lie (arch/loongarch/mm/init.c, arch/mips/mm/init.c, arch/csky/mm/init.c)",
)
SLOT: Final = Precondition(
    "offset >= 1",
    "slot 0 of a swap area is its header; scan_swap_map_slots() never hands it out (mm/swapfile.c: setup_swap_map_and_extents marks it SWAP_MAP_BAD)",
)
SWAP_TYPE: Final = Precondition(
    "type < MAX_SWAPFILES",
    "alloc_swap_info() refuses more swap areas (mm/swapfile.c)",
)
OFFSET: Final = Precondition(
    "offset < largest offset the codec holds",
    "last_page in a swap area's header has 32 bits (include/linux/swap.h: union swap_header), so that read_swap_header() never goes so far (mm/swapfile.c). "
    "This leaves out the one entry that is none where the offset is stored inverted (x86: type 0, all ones)",
)
WHOLE_OFFSET: Final = Precondition(
    "offset <= largest offset the codec holds",
    "read_swap_header() cuts the area to swapfile_maximum_size, probed at boot with an all-ones offset (mm/swapfile.c: generic_max_swapfile_size)",
)
PERMITTED: Final = Precondition(
    "offset < arch_max_swapfile_size()",
    "read_swap_header() cuts the area to it (mm/swapfile.c); on a CPU with L1TF it is MAX_PA/2 in units of the offset (arch/x86/mm/init.c)",
)
AGED: Final = Precondition(
    "young and dirty only where arch_max_swapfile_size() >= 2^SWP_MIG_TOTAL_BITS",
    "swapfile_init() sets swap_migration_ad_supported only then (mm/swapfile.c); make_migration_entry_young(), make_migration_entry_dirty() ask it "
    "(include/linux/swapops.h)",
)
MARKER: Final = Precondition(
    "marker in PTE_MARKER_MASK, not 0",
    "make_pte_marker() is only called with PTE_MARKER_* bits (include/linux/swapops.h, mm/mprotect.c, mm/memory.c)",
)
HALF: Final = Precondition(
    "pfn < MAX_PA/2",
    "l1tf_select_mitigation() gives up and warns when memory reaches MAX_PA/2 (arch/x86/kernel/cpu/bugs.c); pfn_modify_allowed() keeps PROT_NONE mappings of "
    "such addresses to root (arch/x86/mm/mmap.c)",
)
CIRCUMSTANCE: Final = Precondition(
    "what is known of the CPU",
    "the hardware description of the architecture: ranges of address widths, control bits every Linux kernel sets",
)

ALL: Final = tuple(value for value in globals().values() if isinstance(value, Precondition))
