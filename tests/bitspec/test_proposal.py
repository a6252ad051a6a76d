"""Proposal files: what may stand in one, and what is said of the rest."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitspec.layout import Layout, Provenance
from bitspec.proposal import BYTES, Base, FieldChange, HelperChange, Proposal, load, read, write
from bitspec.proposed import applied, between
from bitspec.section import TextError
from bitspec.vocabulary import Level
from tests import toy

TOY = toy.layout()
HEAD = '[base]\nlayout = "toy@linux-0.1"\n'


def made(text: str) -> Layout:
    return applied(read(HEAD + text, "change.toml"), TOY)


def test_a_field_moves_in_every_entry_that_has_it():
    layout = made('[[field]]\nname = "SOFT_DIRTY"\nbits = "6"\n[[field]]\nname = "SPECIAL"\nbits = "5"\n')
    for level in (Level.PTE, Level.PMD):
        assert layout.at(level)["SOFT_DIRTY"] == 1 << 6
    assert layout.helper("pte_soft_dirty")(1 << 6) != TOY.helper("pte_soft_dirty")(1 << 6)
    assert layout.provenance == Provenance.TRANSCRIBED
    assert TOY.at(Level.PTE)["SOFT_DIRTY"] == 1 << 5


def test_only_where_it_says():
    layout = made('[[field]]\nname = "SOFT_DIRTY"\nentry = "leaf"\nlevel = "pmd"\nmask = "0x40"\nwas = "5"\n')
    assert (layout.at(Level.PTE)["SOFT_DIRTY"], layout.at(Level.PMD)["SOFT_DIRTY"]) == (1 << 5, 1 << 6)


def test_a_field_is_added_and_one_goes():
    layout = made(
        '[[field]]\nname = "PROTNONE"\nentry = "leaf"\nlevel = "pte"\nstatus = "removed"\n'
        '[[field]]\nname = "PROTNONE"\nentry = "swap"\nlevel = "pte"\nbits = "0"\nstatus = "new"\n'
        '[[field]]\nname = "MINE"\nentry = "swap"\nlevel = "pte"\nbits = "7"\nstatus = "new"\nextra = true\ninverted = true\nmeaning = "of mine"\n'
    )
    swap = layout.uses[Level.PTE].views["swap"]
    assert "PROTNONE" not in layout.uses[Level.PTE].views["leaf"]
    assert layout.at(Level.PTE)["PROTNONE"] == 1
    assert (swap["MINE"].mask, swap["MINE"].inverted, swap["MINE"].meaning) == (1 << 7, True, "of mine")
    assert layout.uses[Level.PTE].swap_extra == 1 << 7
    assert layout.uses[Level.PMD].swap_extra == 0


def test_a_helper_is_replaced_and_those_that_call_it_follow():
    layout = made('[[helper]]\nname = "pte_present"\nparams = "pte"\nstatus = "changed"\nexpression = "any_of(pte, VALID | YOUNG)"\n')
    assert layout.helper("pte_present").where == "change.toml:3"
    assert layout.helper("pte_present").body != TOY.helper("pte_present").body


MOVE = '[[field]]\nname = "SOFT_DIRTY"\n'
HELPER = '[[helper]]\nname = "pte_present"\n'
WRONG = {
    "no toml": ("[[field", "change.toml: a proposal must be TOML: "),
    "unknown table": ("[fields]\n", "change.toml: the file: unknown key 'fields'"),
    "field is a table": ("[field]\n", "change.toml: the file: field must be written as tables [[field]]"),
    "no name": ('[[field]]\nbits = "1"\n', "change.toml:3: field: it must have name"),
    "name": ('[[field]]\nname = "a b"\n', "change.toml:3: field: a name must be an identifier, not 'a b'"),
    "number for a text": ("[[field]]\nname = 5\n", "change.toml:3: field: name must be a text, not a value of type int"),
    "no bits": (MOVE, "change.toml:3: field SOFT_DIRTY: it must have bits, as the manual numbers them, or a mask"),
    "unknown key": (MOVE + 'bits = "6"\nbit = "6"\n', "change.toml:3: field SOFT_DIRTY: unknown key 'bit'"),
    "bits": (MOVE + 'bits = "6-7"\n', "change.toml:3: field SOFT_DIRTY: bits must be like 58, 63:59 or 12:5,2, not '6-7'"),
    "bits outside": (MOVE + 'bits = "16"\n', "bits must lie inside the 16 of an entry, not '16'"),
    "bits twice": (MOVE + 'bits = "6:5,5"\n', "bits must be named once, not '6:5,5'"),
    "mask": (MOVE + 'mask = "six"\n', "mask must be hexadecimal, not 'six'"),
    "mask outside": (MOVE + 'mask = "0x10000"\n', "mask must have bits, and inside the 16 of an entry, not be 0x"),
    "negative mask": (MOVE + 'mask = "-0x1"\n', "mask must have bits"),
    "two places": (MOVE + 'bits = "6"\nmask = "0x80"\n', "bits 6 are the mask 0x40, not 0x80"),
    "stale": (MOVE + 'bits = "6"\nwas = "7"\n', "it was at 5 in a leaf entry, not 7"),
    "status": (MOVE + 'status = "gone"\n', "status must be one of moved, new, removed, not 'gone'"),
    "entry": (MOVE + 'bits = "6"\nentry = "pgd"\n', "entry must be of present, table, leaf, invalid, swap, not 'pgd'"),
    "level": (MOVE + 'bits = "6"\nlevel = "pgd"\n', "change.toml:3: field SOFT_DIRTY: unknown level 'pgd'"),
    "folded level": (MOVE + 'bits = "6"\nlevel = "pud"\n', "change.toml:3: field SOFT_DIRTY: pud is folded"),
    "flag": (MOVE + 'bits = "6"\ninverted = "yes"\n', "inverted must be true or false, not a value of type str"),
    "no such field": ('[[field]]\nname = "COLOUR"\nbits = "6"\n', 'a field must exist in toy@linux-0.1 to be moved; with status = "new" it is added'),
    "no such field there": (
        '[[field]]\nname = "EXCLUSIVE"\nlevel = ["pte", "pmd"]\nentry = "table"\nbits = "6"\n',
        "must exist in toy@linux-0.1 pte, pmd to be moved",
    ),
    "no such entry": ('[[field]]\nname = "MINE"\nlevel = "pte"\nentry = "table"\nbits = "6"\nstatus = "new"\n', "toy@linux-0.1 pte must have such an entry"),
    "nothing to remove": ('[[field]]\nname = "COLOUR"\nstatus = "removed"\n', "there is nothing to remove"),
    "removed with bits": (MOVE + 'status = "removed"\nbits = "6"\n', "a field that is removed must not have bits"),
    "new nowhere": ('[[field]]\nname = "MINE"\nstatus = "new"\nbits = "1"\n', "a new field must say in which entry it is"),
    "new twice": (MOVE + 'status = "new"\nbits = "6"\nentry = "leaf"\n', "it is in a leaf entry already: it can be moved, not added"),
    "moved extra": (MOVE + 'bits = "6"\nextra = true\n', "extra and owner are for new fields"),
    "hardware bit": ('[[field]]\nname = "YOUNG"\nbits = "6"\n', "field YOUNG: YOUNG is a hardware bit (the toy manual) and must stay where it is"),
    "hardware bit removed": ('[[field]]\nname = "YOUNG"\nstatus = "removed"\n', "YOUNG is a hardware bit (the toy manual) and must stay where it is"),
    "removed and used": (
        '[[field]]\nname = "EXCLUSIVE"\nstatus = "removed"\n',
        "change.toml: pte_to_swp_entry, which is as it was, goes wrong: unknown pte field of toy@linux-0.1 'EXCLUSIVE'",
    ),
    "no hardware bit": (
        '[[field]]\nname = "MINE"\nstatus = "new"\nbits = "1"\nentry = "swap"\nowner = "hardware"\n',
        "the hardware (the toy manual) must have a bit of this name in this place",
    ),
    "unknown helper": (
        '[[helper]]\nname = "pte_yuong"\nexpression = "x"\n',
        "change.toml:3: helper pte_yuong: unknown helper 'pte_yuong'; did you mean 'pte_young'?",
    ),
    "no expression": (HELPER, "change.toml:3: helper pte_present: it must have expression"),
    "expression": (HELPER + 'expression = "x ="\n', "change.toml:3: helper pte_present: an expression must be one: invalid syntax at column 3"),
    "not in the language": (HELPER + 'expression = "arg0.x"\n', "change.toml:3: helper pte_present: 'arg0.x' is not in the language at column 1"),
    "params": (HELPER + 'params = ["a", "b"]\nexpression = "a"\n', "params must be 1 different names"),
    "width": (HELPER + 'expression = "arg0"\n', "pte_present at change.toml:3 must be 1 bits wide, not 16"),
    "new and there": (HELPER + 'status = "new"\nexpression = "bit(arg0, 0)"\n', "toy@linux-0.1 has it: its status must be changed"),
    "itself": (HELPER + 'expression = "not_(pte_present(arg0))"\n', "pte_present must not be defined by itself, nor by helpers that call it"),
    "in a circle": (
        HELPER + 'expression = "not_(pte_none(arg0))"\n[[helper]]\nname = "pte_none"\nexpression = "not_(pte_present(arg0))"\n',
        "must not be defined by itself, nor by helpers that call it",
    ),
    "no such helper here": (HELPER + 'expression = "pud_present(arg0)"\n', "helper pte_present: pud_present does not exist in toy@linux-0.1"),
    "helper twice": ((HELPER + 'expression = "bit(arg0, 0)"\n') * 2, "change.toml:3: helper pte_present: it must be given once"),
    "too deep": (HELPER + f'expression = "ne({"pte_mkyoung(" * 160}arg0{")" * 160}, 0)"\n', "must be at most 150 deep"),
    "too deep when built": (
        "".join(
            f'[[helper]]\nname = "{name}"\nparams = "x"\nexpression = "{f"{under}(" * 100}x + 1{")" * 100}"\n'
            for name, under in (("pte_mkyoung", "pte_mkdirty"), ("pte_mkdirty", "pte_mkold"), ("pte_mkold", "~"))
        ),
        "change.toml:3: helper pte_mkyoung: it is too deep",
    ),
    "rather deep when built": (
        '[[helper]]\nname = "pte_mkyoung"\nexpression = "' + "~pte_mkdirty(" * 70 + "arg0" + ")" * 70 + '"\n'
        '[[helper]]\nname = "pte_mkdirty"\nexpression = "' + "~" * 9 + '(arg0 + 1)"\n',
        "a helper must be at most 200 operations deep",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_is_said_in_a_line(kind):
    text, words = WRONG[kind]
    with pytest.raises(TextError) as caught:
        made(text)
    assert words in str(caught.value)
    assert str(caught.value).startswith("change.toml")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "text",
    ["", "base = 1", "[base]", '[base]\nlayout = "x@"', '[base]\nlayout = "x"\nname = 1', "a = " + "[" * 5000, "a = 1" * 9, "a = " + "9" * 9999],
)
def test_a_file_must_have_a_base(text):
    with pytest.raises(TextError, match=r"^x\.toml"):
        read(text, "x.toml")


def test_a_file_must_be_small_and_text(tmp_path):
    path = tmp_path / "x.toml"
    path.write_bytes(b"#" * (BYTES + 1))
    with pytest.raises(TextError, match=f"must have at most {BYTES} bytes"):
        load(path)
    path.write_bytes(b"\n\n# \xff")
    with pytest.raises(TextError, match=r"x\.toml:3: a proposal must be UTF-8"):
        load(path)


@given(st.text(alphabet='[]=\n"{}., abenfildshpro0123456789:', max_size=80))
def test_no_text_does_anything_but_raise_that(text):
    with suppress(TextError):
        read(HEAD + text, "x.toml")


def test_what_is_written_is_read_back():
    fields = (
        FieldChange("A", "moved", ("swap",), (Level.PTE, Level.PMD), bits="5:2,1", mask=0x3E, was="3", inverted=False),
        FieldChange("B", "new", ("present", "swap"), (), bits="7", extra=True, meaning='a "word"'),
        FieldChange("C", "new", ("swap",), (), mask=1, owner="hardware"),
        FieldChange("D", "removed"),
    )
    helpers = (HelperChange("pte_modify", ("pte", "prot"), "pte | prot", "changed"), HelperChange("pte_none", ("x",), "eq(x, 0)"))
    one = Proposal("x.toml", Base("toy", "linux-0.1", "plain", "minimal", Level.PMD), fields, helpers, "why")
    back = read(write(one), "x.toml")
    assert [field.line for field in back.fields] == sorted(field.line or 0 for field in back.fields)
    assert _without_lines(back) == _without_lines(one)


def _without_lines(one: Proposal) -> Proposal:
    return replace(one, fields=tuple(replace(each, line=None) for each in one.fields), helpers=tuple(replace(each, line=None) for each in one.helpers))


def test_between_equal_layouts_there_is_nothing():
    one = between(TOY, TOY)
    assert not one.fields
    assert not one.helpers
