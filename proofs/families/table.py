"""The truth table: what each predicate says of each state (PTE13x to PUD34x; the rows of non-present kinds are SWP4xx, the hardware's column HW9xx)."""

from __future__ import annotations

from bitspec.expr import Expr, not_
from bitspec.layout import Kernel
from proofs.claim import claim
from proofs.families.attributes import codes
from proofs.state import State
from proofs.subjects import leaves, rows

_none = rows("none")
_table = rows("table")


@claim("none-not-none", *codes(30), about=_none, column="none", expect=True)
def none_not_none(k: Kernel, s: State) -> Expr:
    """A cleared entry is none, whatever the hardware has written into it.

    Why it matters: free_pgtables() and every fault start from this test; an entry that is not none and not present is taken for a swap entry.

    Example: Knights Landing may set accessed and dirty in an entry that is not present; a pte_none() of ``pte == 0`` then finds a swap entry there.

    References: mm/debug_vm_pgtable.c: pte_clear_tests; arch/x86/include/asm/pgtable.h: pte_none; Intel Xeon Phi x200 specification update, KNL4.
    """
    return k.none(s.entry)


@claim("none-looks-present", *codes(31), about=_none, column="present", expect=False)
def none_looks_present(k: Kernel, s: State) -> Expr:
    """A cleared entry does not look present.

    Why it matters: the kernel would follow it to a page that is not there.

    Example: a present predicate that tests for "not the empty value", when the empty value has two forms.

    References: Documentation/mm/arch_pgtable_helpers.rst.
    """
    return not_(k.present(s.entry))


@claim("none-looks-huge", *codes(32)[1:], about=_none, column="trans_huge", expect=False)
def none_looks_huge(k: Kernel, s: State) -> Expr:
    """A cleared entry does not look like a transparent huge page.

    Why it matters: the split and zap paths test trans_huge first.

    Example: a trans_huge of ``!(v & TABLE)`` without a test for present.

    References: mm/huge_memory.c; arch/arm64/include/asm/pgtable.h before v5.10.
    """
    return not_(k.trans_huge(s.entry))


@claim("none-looks-protnone", *codes(33), about=_none, column="protnone", expect=False)
def none_looks_protnone(k: Kernel, s: State) -> Expr:
    """A cleared entry does not look prot-none.

    Why it matters: do_numa_page() would be called for an empty entry.

    Example: a protnone of "not valid".

    References: mm/memory.c: handle_pte_fault.
    """
    return not_(k.protnone(s.entry))


@claim("table-looks-none", *codes(34)[1:], about=_table, column="none", expect=False)
def table_looks_none(k: Kernel, s: State) -> Expr:
    """An entry that leads to a lower table is not none.

    Why it matters: the table would be leaked, and its mappings with it.

    Example: a none predicate that tests only the flag bits of a leaf.

    References: mm/debug_vm_pgtable.c: pmd_populate_tests.
    """
    return not_(k.none(s.entry))


@claim("table-not-present", *codes(35)[1:], about=_table, column="present", expect=True)
def table_not_present(k: Kernel, s: State) -> Expr:
    """An entry that leads to a lower table is present.

    Why it matters: walkers skip what is not present.

    Example: s390 at a release whose present bit pmd_populate() does not set.

    References: mm/debug_vm_pgtable.c: pmd_populate_tests.
    """
    return k.present(s.entry)


@claim("table-looks-leaf", *codes(36)[1:], about=_table, column="leaf", expect=False)
def table_looks_leaf(k: Kernel, s: State) -> Expr:
    """An entry that leads to a lower table does not look like a leaf.

    Why it matters: the table's page would be handed out as user memory.

    Example: a leaf predicate on a bit that is part of the table's address.

    References: mm/pagewalk.c; mm/gup.c.
    """
    return not_(k.leaf(s.entry))


@claim("table-looks-huge", *codes(37)[1:], about=_table, column="trans_huge", expect=False)
def table_looks_huge(k: Kernel, s: State) -> Expr:
    """An entry that leads to a lower table does not look like a transparent huge page.

    Why it matters: as for table-looks-leaf, on the zap and split paths.

    Example: a trans_huge of "present and not devmap".

    References: mm/huge_memory.c.
    """
    return not_(k.trans_huge(s.entry))


@claim("table-looks-protnone", *codes(38)[1:], about=_table, column="protnone", expect=False)
def table_looks_protnone(k: Kernel, s: State) -> Expr:
    """An entry that leads to a lower table does not look prot-none.

    Why it matters: do_huge_pmd_numa_page() would be called for a table.

    Example: a protnone that tests the absence of a user bit, which tables do not have.

    References: mm/memory.c: __handle_mm_fault.
    """
    return not_(k.protnone(s.entry))


@claim("table-bad", *codes(39)[1:], about=_table, column="bad", expect=False)
def table_bad(k: Kernel, s: State) -> Expr:
    """An entry that leads to a lower table is not bad.

    Why it matters: pmd_none_or_clear_bad() would clear it and leak the table.

    Example: x86 with accessed set by the hardware, and a bad predicate that compares with the value as it was stored.

    References: mm/pgtable-generic.c: pmd_clear_bad; mm/debug_vm_pgtable.c: pmd_populate_tests.
    """
    return not_(k.bad(s.entry))


@claim("leaf-looks-none", *codes(40), about=leaves, column="none", expect=False)
def leaf_looks_none(k: Kernel, s: State) -> Expr:
    """A present leaf is not none.

    Why it matters: the page would be leaked.

    Example: frame 0, read-only, prot-none: a leaf whose every bit is an attribute the predicate ignores.

    References: Documentation/mm/arch_pgtable_helpers.rst.
    """
    return not_(k.none(s.entry))


@claim("leaf-not-present", *codes(41), about=leaves, column="present", expect=True)
def leaf_not_present(k: Kernel, s: State) -> Expr:
    """A mapped leaf is present: young, old, devmap, prot-none, and invalidated for splitting.

    Why it matters: an entry that is neither none nor present is taken for a swap entry, and its bits for a swap type.

    Example: x86 before 027ef6c87853 (v3.7): a huge page being split, 0x80, is not present. arm64 before b65399f6111b (v5.10).

    References: mm/debug_vm_pgtable.c: pmd_thp_tests; Documentation/mm/arch_pgtable_helpers.rst: pmd_mkinvalid.
    """
    return k.present(s.entry)


@claim("leaf-not-leaf", *codes(42)[1:], about=leaves, column="leaf", expect=True)
def leaf_not_leaf(k: Kernel, s: State) -> Expr:
    """A huge leaf looks like a leaf.

    Why it matters: a walker would follow it as a table, into user memory.

    Example: on riscv before v5.17 a read-only leaf, invalidated, had no R, W or X left.

    References: mm/debug_vm_pgtable.c: pmd_leaf_tests, pmd_thp_tests.
    """
    return k.leaf(s.entry)


@claim("leaf-not-huge", *codes(43)[1:], about=rows("leaf", "leaf-old", "leaf-protnone", "leaf-invalidated"), column="trans_huge", expect=True)
def leaf_not_huge(k: Kernel, s: State) -> Expr:
    """A transparent huge page looks like one, mapped or being split.

    Why it matters: the zap and split paths would take it for a table.

    Example: a trans_huge that tests the hardware's valid bit, which mkinvalid clears.

    References: mm/debug_vm_pgtable.c: pmd_thp_tests; mm/huge_memory.c.
    """
    return k.trans_huge(s.entry)


@claim("devmap-looks-huge", *codes(44)[1:], about=rows("leaf-devmap", "leaf-devmap-protnone", "leaf-devmap-invalidated"), column="trans_huge", expect=False)
def devmap_looks_huge(k: Kernel, s: State) -> Expr:
    """A devmap leaf does not look like a transparent huge page.

    Why it matters: device memory has no compound page to split.

    Example: a trans_huge that tests the leaf bit alone.

    References: include/linux/huge_mm.h: pmd_trans_huge_lock.
    """
    return not_(k.trans_huge(s.entry))


@claim("leaf-looks-protnone", *codes(45), about=rows("leaf", "leaf-old", "leaf-devmap"), column="protnone", expect=False)
def leaf_looks_protnone(k: Kernel, s: State) -> Expr:
    """An accessible leaf does not look prot-none.

    Why it matters: every fault on it would be taken for a NUMA hint.

    Example: an old leaf on an architecture whose protnone tests the invalid bit alone.

    References: mm/memory.c: handle_pte_fault.
    """
    return not_(k.protnone(s.entry))


@claim("protnone-not-recognised", *codes(46), about=rows("leaf-protnone", "leaf-devmap-protnone"), column="protnone", expect=True)
def protnone_not_recognised(k: Kernel, s: State) -> Expr:
    """A prot-none leaf looks prot-none.

    Why it matters: a NUMA hint that is not recognised faults for ever.

    Example: PROT_NONE on a bit that another attribute may set.

    References: mm/debug_vm_pgtable.c: pte_protnone_tests, pmd_protnone_tests.
    """
    return k.protnone(s.entry)


@claim("leaf-not-bad", "PMD247", "PUD347", about=rows("leaf", "leaf-old", "leaf-devmap", "leaf-protnone", "leaf-devmap-protnone"), column="bad", expect=True)
def leaf_not_bad(k: Kernel, s: State) -> Expr:
    """A huge leaf is bad: it is not what a table looks like.

    Why it matters: pmd_none_or_clear_bad() is the last line against walking a leaf as a table.

    Example: a bad predicate that ignores the leaf bit.

    References: mm/debug_vm_pgtable.c: pmd_huge_tests, pmd_bad of a huge entry; Documentation/mm/arch_pgtable_helpers.rst.
    """
    return k.bad(s.entry)
