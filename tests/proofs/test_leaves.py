"""The leaves that the search finds, against one that leaves nothing out."""

from __future__ import annotations

import pytest

from archs import discover
from bitspec.expr import const, substitute
from bitspec.read.as_int import evaluate, function
from bitspec.vocabulary import Level
from proofs.closure import closure
from proofs.leaves import SETTERS, Leaves, Pages, writers
from proofs.states import pages


def exhaustive(made: Pages, access: bool) -> frozenset[int]:
    """Every pattern of one kind of leaf, with no bit taken for independent; prot-none leaves start from what accessible ones become, too."""
    k = made.k
    rows, built = made.rows(access), made.built(made.rows(access))
    always = [function(k.helper(stem).body, k.helper(stem).params[0]) for stem in SETTERS if k.has(stem)]
    always += [function(update.apply(made.here), made.here) for update in made.updates]
    makers = [function(k.helper(stem).body, k.helper(stem).params[0]) for stem in writers(k)]
    changes = []
    if k.has("modify"):
        prot = k.modify.params[1]
        changes = [(row.write, function(substitute(k.modify.body, {prot: const(row.value, prot.width)}), k.modify.params[0])) for row in rows]
    start = set(built.patterns)
    if not access:
        before = made.built(made.rows(True))
        frame = evaluate(before.placed, {made.pfn: 0})
        start |= {(write, change(frame | pattern) & ~built.mask) for write, change in changes for pattern in exhaustive(made, True)}

    def steps(state: tuple[bool, int]):
        write, pattern = state
        entry = built.frame | pattern
        yield from ((write, setter(entry) & ~built.mask) for setter in always)
        if write:
            yield from ((True, setter(entry) & ~built.mask) for setter in makers)
        yield from ((allows, change(entry) & ~built.mask) for allows, change in changes)

    return frozenset(pattern for _, pattern in closure(start, steps))


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
