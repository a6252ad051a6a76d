"""Every cell of the matrix comes from the claims or from a count: change a layout, and the cell follows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from archs import discover
from bitspec.expr import const
from bitspec.fields import Field, software, view
from bitspec.layout import Layout
from bitspec.matrix import Asked, Cell, Counted, Matrix
from bitspec.vocabulary import Level
from proofs.check import Checker, Verdict
from proofs.claim import find
from proofs.known import Known
from proofs.matrix import COLUMNS, block, codes, matrix
from tests.toy import layout as toy

TOY = toy()


def cells(layout: Layout, level: str, known: tuple[Known, ...] = ()) -> dict[str, Cell]:
    """The row of one level, by column."""
    made = matrix([layout], [Level(level)], {layout.arch: known})
    return {column.name: cell for column, cell in zip(made.columns, made.blocks[0].rows[0].cells, strict=True)}


def without(layout: Layout, *helpers: str) -> Layout:
    """The same layout without some helpers."""
    assert all(name in layout.helpers for name in helpers)
    left = {name: one for name, one in layout.helpers.items() if name not in helpers}
    return replace(layout, helpers=left, derived={}, _built={})


def field(name: str, bits: int | tuple[int, int]) -> Field:
    """A software field of the toy's entries."""
    return view("swap", software(name, bits), width=16)[name]


def shipped(text: str, variant: str | None = None) -> Layout:
    return discover.layout(*discover.target(text), variant)


@pytest.fixture(scope="module")
def everything() -> Matrix:
    """The newest layout of every architecture."""
    layouts = [discover.layout(arch) for arch in discover.architectures()]
    return matrix(layouts, list(Level), {arch: discover.known(arch) for arch in discover.architectures()})


# What there is


def test_the_toy_reads_as_its_table_says():
    pte = cells(TOY, "pte")
    assert {name: cell.text for name, cell in pte.items()} == {
        "swap types": "32", "offset bits": "8", "largest swap": "64 KiB", "PFN bits": "8", "young/dirty": "no", "exclusive": "yes", "soft-dirty": "no",
        "uffd-wp": "no", "migration": "entry", "told apart": "yes", "free in leaf": "0", "free in swap": "0",
    }  # fmt: skip
    assert pte["exclusive"].standing == pte["migration"].standing == "proved"
    assert pte["young/dirty"].standing == "not-applicable"


def test_a_cell_names_its_claims_and_its_count():
    cell = cells(TOY, "pte")["offset bits"]
    assert Asked("SWP408", "offset-probe-wrong", ("swp_entry",), "proved") in cell.claims
    assert cell.counts == (Counted("proofs.states.offset_bits", 8),)
    assert cells(TOY, "pte")["largest swap"].counts == (Counted("proofs.capacity.swap_bits", 16),)
    assert cells(TOY, "pte")["swap types"].counts == (Counted("proofs.capacity.swap_types", 32),)


def test_every_cell_rests_on_something(everything):
    for one, row, column, cell in everything.cells:
        where = f"{one.name} {row.level} {column.name}"
        assert cell.text == "." or cell.claims or cell.counts or cell.reasons, where
        assert (cell.text == ".") == (cell.standing == "not asked"), where
        assert cell.text not in ("-", "no", "split") or cell.reasons, where
        allowed = {code for _, its in column.claims for code in its}
        assert {claim.code for claim in cell.claims} <= allowed, where


def test_a_number_is_what_its_count_says(everything):
    numbers = {"swap types", "offset bits", "PFN bits", "free in leaf", "free in swap"}
    seen = set()
    for _, _, column, cell in everything.cells:
        if column.name in numbers and cell.counts:
            assert cell.text == str(cell.counts[0].value)
            seen.add(column.name)
    assert seen == numbers


def test_all_types_come_back_where_the_claim_is_proved(everything):
    seen = 0
    for _, _, column, cell in everything.cells:
        if column.name == "swap types" and any(one.code == "SWP407" and one.verdict == "proved" for one in cell.claims):
            assert cell.text == "32"
            seen += 1
    assert seen > len(everything.blocks)


def test_every_architecture_has_its_rows(everything):
    assert [one.arch for one in everything.blocks] == list(discover.architectures())
    for one in everything.blocks:
        assert [row.level for row in one.rows] == [level.value for level in Level]
        uses = discover.layout(one.arch).uses
        assert [row.level for row in one.rows if row.cells] == [level.value for level in Level if level in uses]


def test_a_folded_level_says_so_and_has_no_cells():
    made = matrix([shipped("nios2")], [Level.PMD], {"nios2": ()})
    assert made.blocks[0].rows[0].cells == ()
    assert made.blocks[0].rows[0].folded == "pmd is folded"


@pytest.mark.parametrize("column", COLUMNS, ids=lambda one: one.name)
def test_a_column_is_defined_in_one_sentence_and_its_claims_exist(column):
    plain = column.column
    assert plain.meaning.endswith(".")
    assert ". " not in plain.meaning
    assert plain.claims
    for name, its in plain.claims:
        assert set(its) == set(find(name).codes.values()) <= codes()


# A change to the layout changes the cell


def test_an_offset_with_fewer_bits_holds_less():
    narrow = cells(TOY.but(field("OFFSET", (15, 10))), "pte")
    assert (narrow["offset bits"].text, narrow["largest swap"].text) == ("6", "16 KiB")
    assert (narrow["PFN bits"].text, narrow["PFN bits"].standing) == ("8", "refuted")
    assert narrow["migration"].standing == "refuted"
    assert narrow["free in swap"].text == "2"
    assert narrow["free in swap"].where == "9:8"


def test_a_type_with_fewer_bits_keeps_fewer_types():
    narrow = cells(TOY.but(field("TYPE", (5, 2))), "pte")
    assert (narrow["swap types"].text, narrow["swap types"].standing) == ("16", "refuted")
    assert cells(TOY, "pte")["swap types"].standing == "proved"


def test_a_codec_that_is_narrower_at_one_level_is_so_there_alone():
    narrow = TOY.but(__swp_entry_to_pmd=lambda k, swp: k.layout.helper("__swp_entry_to_pte")(swp & 0x3FFF))
    assert cells(narrow, "pte")["offset bits"] == cells(TOY, "pte")["offset bits"]
    pmd = cells(narrow, "pmd")
    assert (pmd["offset bits"].text, pmd["offset bits"].standing) == ("6", "refuted")
    assert (pmd["swap types"].text, pmd["swap types"].standing) == ("32", "refuted")


def test_without_an_exclusive_bit_there_is_none():
    old, new = cells(shipped("riscv64@linux-6.1"), "pte")["exclusive"], cells(shipped("riscv64@linux-6.12"), "pte")["exclusive"]
    assert (old.text, old.standing, old.reasons) == ("no", "not-applicable", ("pte_swp_mkexclusive does not exist",))
    assert (new.text, new.standing, new.reasons) == ("yes", "proved", ())
    dropped = without(shipped("riscv64@linux-6.12"), "pte_swp_exclusive", "pte_swp_mkexclusive", "pte_swp_clear_exclusive")
    assert cells(dropped, "pte")["exclusive"] == old


def test_an_exclusive_bit_inside_the_offset_is_refuted():
    assert cells(TOY.but(field("EXCLUSIVE", 8)), "pte")["exclusive"].standing == "refuted"


def test_a_flag_that_is_only_in_mapped_entries_says_so():
    full = shipped("x86_64")
    assert cells(full, "pte")["soft-dirty"].text == "yes"
    leaf = cells(without(full, "pte_swp_soft_dirty", "pte_swp_mksoft_dirty", "pte_swp_clear_soft_dirty"), "pte")["soft-dirty"]
    assert (leaf.text, leaf.standing, leaf.reasons) == ("leaf", "proved", ("pte_swp_mksoft_dirty does not exist",))
    swap = cells(without(full, "pte_mksoft_dirty"), "pte")["soft-dirty"]
    assert (swap.text, swap.reasons) == ("swap", ("pte_mksoft_dirty does not exist",))
    assert cells(full, "pud")["soft-dirty"].text == "leaf"


def test_without_uffd_wp_helpers_there_is_none():
    dropped = without(shipped("x86_64"), "pte_mkuffd_wp", "pte_swp_mkuffd_wp")
    assert cells(shipped("x86_64"), "pte")["uffd-wp"].text == "yes"
    assert cells(dropped, "pte")["uffd-wp"].text == "no"


def test_a_config_without_soft_dirty_has_none():
    cell = cells(discover.layout("x86_64", None, None, "no-soft-dirty"), "pmd")["soft-dirty"]
    assert cell.text == "no"
    assert all("CONFIG_MEM_SOFT_DIRTY" in reason for reason in cell.reasons)


def test_a_huge_page_is_split_where_its_level_has_no_codec():
    old, new = cells(shipped("s390@linux-6.12"), "pmd"), cells(shipped("s390@linux-6.17"), "pmd")
    assert (old["migration"].text, old["migration"].reasons) == ("split", ("__swp_entry_to_pmd does not exist",))
    assert new["migration"].text == "entry"
    dropped = cells(without(shipped("x86_64"), "__swp_entry_to_pmd"), "pmd")
    assert dropped["migration"] == old["migration"]
    assert {name for name, cell in dropped.items() if cell.text == "-"} == {"swap types", "offset bits", "PFN bits", "young/dirty"}
    assert (dropped["soft-dirty"].text, dropped["soft-dirty"].reasons) == ("leaf", old["migration"].reasons)


def test_there_is_nothing_to_split_without_huge_pages():
    for layout in (without(shipped("x86_64"), "pmd_trans_huge"), shipped("powerpc", "hash-4k"), shipped("alpha")):
        assert cells(layout, "pmd")["migration"].text == "-"


def test_young_and_dirty_need_two_bits_more_than_the_frame():
    full = shipped("x86_64")
    room = int(cells(full, "pte")["offset bits"].text)
    for bits, text in ((room - 2, "yes"), (room - 1, "no")):
        wider = replace(full, pfn_bits=bits, derived={}, _built={})
        assert cells(wider, "pte")["young/dirty"].text == text
        assert cells(wider, "pte")["PFN bits"].text == str(bits)


def test_a_level_of_which_no_swap_claim_is_asked_has_dots():
    pud = cells(shipped("x86_64"), "pud")
    assert {name for name, cell in pud.items() if cell.text == "."} == {
        "swap types", "offset bits", "largest swap", "PFN bits", "young/dirty", "exclusive", "migration", "told apart", "free in swap",
    }  # fmt: skip


# Verdicts show


def test_a_known_refutation_shows_with_its_class():
    entry = cells(shipped("nios2@linux-6.1"), "pte", discover.known("nios2"))["swap types"]
    assert (entry.text, entry.standing, entry.classes[0]) == ("4", "known", "reachable")
    unreviewed = cells(shipped("nios2@linux-6.1"), "pte")["swap types"]
    assert (unreviewed.text, unreviewed.standing, unreviewed.classes) == ("4", "refuted", ())


def test_a_migration_entry_that_looks_present_shows_at_its_level():
    found = {level: cells(shipped("loongarch64@linux-6.12", "4k"), level, discover.known("loongarch64"))["migration"] for level in ("pte", "pmd")}
    assert found["pte"].standing == "proved"
    assert found["pmd"].text == "entry"
    assert "reachable" in found["pmd"].classes
    assert "SWP405" in {one.code for one in found["pmd"].claims if one.known == "reachable"}


def test_a_helper_that_is_made_wrong_shows():
    wrong = TOY.but(pte_present=lambda k, entry: const(1, 1))
    assert cells(wrong, "pte")["told apart"].standing == "refuted"
    assert cells(TOY, "pte")["told apart"].standing == "proved"


@pytest.mark.parametrize(
    ("code", "column"),
    [
        ("SWP407", "swap types"), ("SWP419", "offset bits"), ("SWP418", "largest swap"), ("MIG502", "PFN bits"), ("MIG503", "young/dirty"),
        ("SWP403", "exclusive"), ("PTE110", "soft-dirty"), ("PTE123", "soft-dirty"), ("PTE120", "soft-dirty"), ("SWP404", "soft-dirty"),
        ("PTE114", "uffd-wp"), ("PTE121", "uffd-wp"), ("SWP416", "uffd-wp"), ("MIG501", "migration"), ("SWP409", "migration"), ("LAY803", "migration"),
        ("SWP402", "told apart"), ("LEAF601", "told apart"), ("LAY805", "free in leaf"), ("LAY805", "free in swap"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("verdict", [Verdict.UNKNOWN, Verdict.REFUTED])
def test_a_verdict_is_in_the_cell_that_rests_on_it(code, column, verdict):
    layout = shipped("x86_64")
    results = list(Checker(discover.known("x86_64")).check(layout, [Level.PTE], codes()))
    changed = [replace(one, verdict=verdict) if one.code == code and one.verdict is Verdict.PROVED else one for one in results]
    before, after = (block(layout, [Level.PTE], some).rows[0].cells for some in (results, changed))
    index = [one.name for one in COLUMNS].index(column)
    assert before[index].standing in ("proved", "counted")
    assert after[index].standing == verdict.value
    assert after[index].text == before[index].text


@pytest.mark.parametrize(
    ("code", "subject", "columns"),
    [
        ("PTE123", "pte_modify/uffd_wp", {"uffd-wp"}),
        ("PTE121", "pte_mksoft_dirty", {"soft-dirty"}),
        ("PTE121", "pte_mkdirty", set()),
        ("SWP403", "swap+exclusive", {"exclusive"}),
        ("SWP403", "migration-read+uffd_wp", {"uffd-wp"}),
        ("SWP405", "swap", {"told apart"}),
        ("SWP405", "migration-write", {"told apart", "migration"}),
        ("LEAF601", "migration-read/hwpoison", {"told apart", "migration"}),
        ("LAY803", "none/hwpoison", {"told apart"}),
        ("LAY803", "none/leaf", set()),
        ("SWP410", "leaf-protnone", set()),
        ("SWP410", "hwpoison", {"told apart"}),
        ("LAY805", "leaf", {"free in leaf"}),
    ],
)
def test_a_refutation_is_in_no_cell_that_it_is_not_about(code, subject, columns):
    layout = shipped("x86_64")
    results = list(Checker(discover.known("x86_64")).check(layout, [Level.PTE], codes()))
    changed = [replace(one, verdict=Verdict.REFUTED, known=None) if (one.code, one.subject) == (code, subject) else one for one in results]
    assert len([one for one in results if (one.code, one.subject) == (code, subject)]) == 1
    refuted = {column.name for column, cell in zip(COLUMNS, block(layout, [Level.PTE], changed).rows[0].cells, strict=True) if cell.standing == "refuted"}
    assert refuted == columns


def test_the_gravest_is_what_a_cell_stands_for():
    def cell(*claims: tuple[str, str]) -> Cell:
        return Cell("yes", tuple(Asked("SWP401", "swap-entry-garbled", ("swap",), verdict, known) for verdict, known in claims))

    proved, known, unknown, refuted = ("proved", ""), ("refuted", "latent"), ("unknown", ""), ("refuted", "")
    assert cell(proved).standing == "proved"
    assert cell(proved, known).standing == "known"
    assert cell(known, unknown, proved).standing == "unknown"
    assert cell(unknown, known, refuted, proved).standing == "refuted"
    assert cell(known, ("refuted", "reachable"), known).classes == ("latent", "reachable")


def test_variants_that_are_alike_share_their_rows():
    variants = ("sv48", "sv39", "sv57", "sv48-base")
    layouts = [discover.layout("riscv64", "linux-6.12", one) for one in variants]
    made = matrix(layouts, list(Level), {"riscv64": discover.known("riscv64")})
    assert [one.variants for one in made.merged] == [variants]
    other = matrix([discover.layout("loongarch64", None, one) for one in ("16k", "4k")], list(Level), {"loongarch64": discover.known("loongarch64")})
    assert [one.variants for one in other.merged] == [("16k",), ("4k",)]
