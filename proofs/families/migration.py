"""Migration entries (MIG5xx): three kinds, a page frame number, and perhaps the page's age."""

from __future__ import annotations

from collections.abc import Iterator

from bitspec.expr import Expr, and_, bits, eq, iff, ite, not_, var, zext
from bitspec.layout import Kernel
from bitspec.vocabulary import Level
from proofs import preconditions as pre
from proofs.claim import Goal, Scene, claim
from proofs.families.swap import decoded
from proofs.preconditions import Given
from proofs.state import Lacking, State
from proofs.states import migration_keeps_age, swap_flags
from proofs.subjects import migrations, rows


def _number(k: Kernel, name: str) -> int:
    return next(kind.types.start for kind in k.layout.kinds if kind.state == name)


@claim("migration-kind-lost", "MIG501/pte,pmd", about=migrations)
def migration_kind_lost(k: Kernel, s: State) -> Expr:
    """A migration entry decodes as one of its own kind: read, read-exclusive or write.

    Why it matters: remove_migration_pte() makes the page writable, or exclusive, by this.

    Example: s390 in 2021 could have spared one type bit for read and write; read-exclusive, added in v5.19, needs a second.

    References: include/linux/swapops.h: is_writable_migration_entry, is_readable_exclusive_migration_entry; mm/debug_vm_pgtable.c: swap_migration_tests.
    """
    return eq(decoded(k, s.entry, "__swp_type"), _number(k, s.name))


@claim("migration-pfn-truncated", "MIG502/pte,pmd", about=migrations)
def migration_pfn_truncated(k: Kernel, s: State) -> Expr:
    """The page frame number in a migration entry comes back whole, for every frame the architecture has.

    Why it matters: the page could not be found again, or another would be mapped.

    Example: an offset field narrower than SWP_PFN_BITS.

    References: include/linux/swapops.h: SWP_PFN_BITS, pfn_swap_entry_to_page.
    """
    offset = decoded(k, s.entry, "__swp_offset")
    pfn = s.value("pfn")
    return eq(bits(offset, k.layout.pfn_bits - 1, 0), bits(zext(pfn, k.layout.word), k.layout.pfn_bits - 1, 0))


def _aged(scene: Scene) -> Iterator[State | Lacking]:
    for one in migrations(scene):
        if isinstance(one, State) and not migration_keeps_age(scene.layout):
            yield Lacking(one.name, f"migration_entry_supports_ad() is false in {scene.layout.name}: the offset has fewer than SWP_MIG_TOTAL_BITS bits")
        else:
            yield one


@claim("migration-age-lost", "MIG503/pte,pmd", about=_aged)
def migration_age_lost(k: Kernel, s: State) -> Expr:
    """Young and dirty, kept above the page frame number, come back from a migration entry.

    Where the offset has no room for them the kernel leaves them out, and this is not applicable.

    Why it matters: a migrated page would look old and clean: reclaimed early, or its writes forgotten.

    Example: an offset that holds the frame and one bit more.

    References: include/linux/swapops.h: SWP_MIG_YOUNG_BIT, migration_entry_supports_ad; mm/swapfile.c: swapfile_init.
    """
    offset = decoded(k, s.entry, "__swp_offset")
    at = k.layout.pfn_bits
    return and_(iff(bits(offset, at, at), s.value("young")), iff(bits(offset, at + 1, at + 1), s.value("dirty")), eq(offset >> (at + 2), 0))


@claim("split-loses-migration", "MIG505/pmd", about=migrations)
def split_loses_migration(k: Kernel, s: State) -> Goal:
    """A migration PMD split into PTEs keeps kind, frame, age, soft-dirty and uffd-wp, in every one of the PTEs.

    The PTEs name the frames that follow each other from the PMD's on.

    Why it matters: the two levels have codecs of their own, and a flag one has may be missing in the other.

    Example: a soft-dirty bit that only PMD entries have.

    References: mm/huge_memory.c: __split_huge_pmd_locked.
    """
    pte = k.layout.at(Level.PTE)
    order = k.use.order
    index = var("index", order)
    page = zext(index, k.layout.word)
    kind, offset = decoded(k, s.entry, "__swp_type"), decoded(k, s.entry, "__swp_offset")
    made = pte.helper("__swp_entry_to_pte")(k.helper("__swp_entry")(kind, offset + page))
    facts = []
    for flag in swap_flags(k):
        marked = k.helper(f"swp_{flag}")(s.entry)
        made = ite(marked, pte.helper(f"swp_mk{flag}")(made), made)
        facts.append(iff(pte.helper(f"swp_{flag}")(made), marked))
    facts += [eq(decoded(pte, made, "__swp_type"), kind), eq(decoded(pte, made, "__swp_offset"), offset + page)]
    aligned = eq(s.value("pfn") & ((1 << order) - 1), 0)
    return Goal(and_(*facts), (Given(pre.ALIGNED, aligned),), s.entry, (*s.variables, index))


@claim("device-private-misread", "MIG506/pmd", about=rows("device-private-read", "device-private-write"))
def device_private_misread(k: Kernel, s: State) -> Goal:
    """What leaves say of themselves is right of a device-private PMD, too: a read-only one is not writable, soft-dirty and uffd-wp are its own marks.

    Why it matters: set_pmd_migration_entry() asks a device-private PMD that is to be migrated pmd_write(), pmd_soft_dirty() and pmd_uffd_wp(), as if it were
    present. A page that two processes share after fork() and that looks writable comes back writable in both.

    Example: x86, whose soft-dirty bit of swap entries is R/W.

    References: mm/huge_memory.c: set_pmd_migration_entry (since v6.19; mm/rmap.c: try_to_migrate_one asks the entry's type of a PTE).
    """
    parts = [("write", not_(k.write(s.entry)))] if s.name == "device-private-read" else []
    for flag in swap_flags(k):
        if k.has(flag):
            parts.append((flag, iff(k.helper(flag)(s.entry), k.helper(f"swp_{flag}")(s.entry))))
    return Goal(and_(*[part for _, part in parts]), parts=tuple(parts))
