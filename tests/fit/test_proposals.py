"""What ``fit --format toml`` writes is the answer: read back, it is the same layout for every value."""

from __future__ import annotations

from dataclasses import replace

import pytest

from archs.discover import known, layout
from bitspec.layout import Layout
from bitspec.proposal import read, write
from bitspec.proposed import applied, between
from bitspec.vocabulary import HELPERS, Level
from proofs.fit.question import ask
from proofs.fit.search import Search
from tests.fit.cases import CASES
from tests.fit.test_fit import _6_13

QUESTIONS = {
    **{name: (case.before, case.level, case.asked) for name, case in CASES.items()},
    "fresh codec": (layout("s390", "linux-6.12"), Level.PMD, {"need": ("type:5", "pfn", "soft_dirty")}),
    "present and swap": (layout("arm64", "linux-6.1"), Level.PTE, {"need": ("uffd_wp", "mine@swap", "other@present"), "move": ("PTE_PROT_NONE",)}),
    "widest offset": (layout("x86_64"), Level.PTE, {"move": ("swap",), "maximise": "offset"}),
    "present bit": (layout("s390", "linux-6.12"), Level.PMD, {"need": ("type:5", "offset:52", "soft_dirty@swap", "present"), "pin": _6_13}),
    "another variant": (layout("arm64", "linux-6.12", "16k-48"), Level.PTE, {"need": ("mine@present",)}),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_an_answer_read_back_is_the_answer(name):
    base, level, asked = QUESTIONS[name]
    answer = next(Search(ask(base, level, **asked), known(base.arch)).answers()).layout
    back = applied(read(write(between(base, answer, level)), "answer.toml"), base)
    for helper in HELPERS:
        assert back.has(helper) == answer.has(helper), helper
        if answer.has(helper):
            assert back.helper(helper).body is answer.helper(helper).body, helper  # equal expressions are one object
    for at in base.uses:
        assert back.at(at).protections == answer.at(at).protections
        assert (back.uses[at].extra, back.uses[at].swap_extra) == (answer.uses[at].extra, answer.uses[at].swap_extra)
    assert fields(back) == fields(answer)
    assert replace(between(answer, back), base=None) == replace(between(answer, answer), base=None)


def fields(one: Layout) -> dict[tuple[str, str], set[object]]:
    """What each view says, without what is meant by it; of fields with one name only the first counts."""
    return {
        (str(level), name): {(each.name, each.spans, each.owner, each.inverted) for each in (view[field.name] for field in view)}
        for level, use in one.uses.items()
        for name, view in use.views.items()
    }
