from __future__ import annotations

import re

from bitspec.lift.wrappers import addresses, constants, helpers, source, wrap
from bitspec.vocabulary import HELPERS, signature


def test_every_helper_of_the_vocabulary_has_a_wrapper() -> None:
    assert {one.helper for one in helpers({})} == set(HELPERS)


def test_a_wrapper_is_one_line_and_its_name_is_its_own() -> None:
    lines = [*helpers({}), *constants(), *addresses()]
    assert all("\n" not in one.line for one in lines)
    assert len({one.symbol for one in lines}) == len(lines)


def test_a_macro_finds_the_name_it_hopes_for() -> None:
    """powerpc's pud_soft_dirty(pmd) uses a variable called pud."""
    (one,) = wrap(signature("pud_soft_dirty"))
    assert "pud_t pud = __pud(a);" in one.line
    assert "pud_soft_dirty(pud)" in one.line


def test_a_helper_whose_signature_changed_has_a_candidate_each() -> None:
    assert len(wrap(signature("pte_mkwrite"))) == 2


def test_a_replaced_body_is_the_only_candidate() -> None:
    found = [one for one in helpers({"pud_clear": "42"}) if one.helper == "pud_clear"]
    assert [re.search(r"return (.*); }", one.line)[1] for one in found] == ["42"]  # type: ignore[index]


def test_a_tables_address_is_the_kernels_and_its_physical_one_may_be_wider() -> None:
    found = {one.helper: one.line for one in addresses()}
    assert "(unsigned long a)" in found["address of pmd_populate"]
    assert "(unsigned long long a)" in found["by physical address pmd_populate"]


def test_a_given_physical_address_takes_the_place_of_the_usual_ones() -> None:
    given = [one.line for one in addresses({}, {"pmd_populate": "a + 42"}) if one.helper == "address of pmd_populate"]
    assert [re.search(r"return (.*); }", line)[1] for line in given] == ["a + 42"]  # type: ignore[index]
    assert {one.helper for one in addresses({}, {"pmd_populate": "a"})} == {one.helper for one in addresses()}


def test_the_prelude_stands_before_the_wrappers() -> None:
    text = source(("kernel.h",), wrap(signature("pte_none")), ("int before;",), tree=False)
    assert text.index('#include "kernel.h"') < text.index("int before;") < text.index("pte_none")
