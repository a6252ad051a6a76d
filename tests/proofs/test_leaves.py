"""The leaves that the search finds, against one that leaves nothing out."""

from __future__ import annotations

import pytest

from archs import discover
from bitspec.expr import const, substitute
from bitspec.read.as_int import function
from bitspec.vocabulary import Level
from proofs.closure import closure
from proofs.leaves import SETTERS, Leaves, Pages, writers
from proofs.states import pages


def exhaustive(made: Pages, access: bool) -> frozenset[int]:
    """Every pattern of one kind of leaf, with no bit taken for independent; a change of protection leads from either kind to the other."""
    k = made.k
    rows = (*made.rows(True), *made.rows(False))
    built = {kind: made.built(made.rows(kind)) for kind in (True, False) if made.rows(kind)}
    frame, keep = built[True].frame, ~built[True].mask
    always = [function(k.helper(stem).body, k.helper(stem).params[0]) for stem in SETTERS if k.has(stem)]
    always += [function(update.apply(made.here), made.here) for update in made.updates]
    makers = [function(k.helper(stem).body, k.helper(stem).params[0]) for stem in writers(k)]
    changes = []
    if k.has("modify"):
        pte, prot = k.modify.params
        changes = [(row.access, row.write, function(substitute(k.modify.body, {prot: const(row.value, prot.width)}), pte)) for row in rows]

    def steps(state: tuple[bool, bool, int]):
        kind, write, pattern = state
        entry = frame | pattern
        yield from ((kind, write, setter(entry) & keep) for setter in always)
        if write:
            yield from ((kind, True, setter(entry) & keep) for setter in makers)
        yield from ((allows, writes, change(entry) & keep) for allows, writes, change in changes)

    start = {(kind, write, pattern) for kind, leaves in built.items() for write, pattern in leaves.patterns}
    return frozenset(pattern for kind, _, pattern in closure(start, steps) if kind is access)


def spelled(leaves: Leaves) -> frozenset[int]:
    """Every pattern of `leaves`, its loose bits written out."""
    found = {pattern for _, pattern in leaves.patterns}
    for position in range(leaves.loose.bit_length()):
        if leaves.loose >> position & 1:
            found |= {pattern | 1 << position for pattern in found}
    return frozenset(found)


def with_leaves() -> list[tuple[str, Level]]:
    """The levels at which an architecture maps pages."""
    layouts = [(arch, discover.layout(arch)) for arch in discover.architectures()]
    return [(arch, level) for arch, layout in layouts for level in (Level.PTE, Level.PMD) if level in layout.uses and layout.has(f"pfn_{level}")]


@pytest.mark.parametrize(("arch", "level"), with_leaves())
def test_the_search_finds_the_leaves_there_are(arch: str, level: Level) -> None:
    made = pages(discover.layout(arch), level)
    assert spelled(made.accessible) == exhaustive(made, access=True)
    assert spelled(made.inaccessible) >= exhaustive(made, access=False)
