"""Layouts: helpers looked up through the kernel, what does not exist and why, and what may be changed."""

import copy
import inspect
import pickle
from dataclasses import replace

import pytest

from bitspec.expr import Expr, ExprError, any_of, const, eq, var, zext
from bitspec.fields import Field, LayoutError, Owner
from bitspec.layout import CONFIGS, OPTIONS, Absent, Definition, by_name, definitions, helper, protections
from bitspec.read.as_int import evaluate, function
from bitspec.vocabulary import Level, VocabularyError
from tests import toy

TOY = toy.layout()
PTE, PMD = TOY.at(Level.PTE), TOY.at(Level.PMD)
MINIMAL = toy.layout(next(one for one in CONFIGS if one.name == "minimal"))
ENTRY = var("entry", 16)
PMD_FIELDS = "TABLE, BITS, PFN, PROTNONE, SPECIAL, SOFT_DIRTY, LEAF, DIRTY, YOUNG, WRITE, VALID, OFFSET, TYPE, EXCLUSIVE"


def replaced(**helpers):
    return TOY.but(**helpers)


@helper("__swp_type", "toy.h")
def as_it_is(k, swp):
    return swp


def twice() -> None:
    @helper("pte_young", "a.h")
    def one(k, entry):
        return any_of(entry, 1)

    @helper("pmd_young pte_young", "b.h")
    def other(k, entry):
        return any_of(entry, 2)

    by_name((one, other))


# Diagnostics


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: PTE.young(), "pte_young must be given 1 arguments, not 0"),
        (lambda: PTE.young(ENTRY, 1), "pte_young must be given 1 arguments, not 2"),
        (lambda: PTE["YUNG"], "unknown pte field of toy@linux-0.1 'YUNG'; did you mean 'YOUNG'?"),
        (lambda: PMD["XYZZY"], f"unknown pmd field of toy@linux-0.1 'XYZZY'; known: {PMD_FIELDS}"),
        (lambda: PTE["DIRTY", "TYPO"], "unknown pte field of toy@linux-0.1 'TYPO'; did you mean 'TYPE'?"),
        (lambda: replaced(__swp_type=lambda k, swp: zext(k.field("TIPE").extract(swp), 64)).helper("__swp_type"), None),
        (lambda: PTE.number("PAGE_SHIFF"), "unknown number of toy@linux-0.1 'PAGE_SHIFF'; did you mean 'PAGE_SHIFT'?"),
        (lambda: protections({"VM_READ|VM_WIRTE": 1}), "a protection must be named by vm_flags, not 'VM_READ|VM_WIRTE'"),
        (lambda: TOY.but(Field("COLOUR", ((5, 5),), Owner.SOFTWARE)), "a field must exist in toy@linux-0.1 to be moved, not 'COLOUR'"),
        (lambda: TOY.but(Field("YOUNG", ((5, 5),), Owner.HARDWARE)), "YOUNG is a hardware bit (the toy manual) and must stay where it is"),
        (lambda: replaced(__swp_type=lambda k, swp: const(k.use.order, 64)).helper("__swp_type"), "a helper of no level must not ask for the use of one"),
    ],
)
def test_diagnostic(build, sentence):
    with pytest.raises(LayoutError) as caught:
        build()
    if sentence is None:
        assert str(caught.value).startswith("unknown swap field of toy@linux-0.1 'TIPE'; did you mean 'TYPE'?")
    else:
        assert str(caught.value) == sentence


def test_a_body_of_the_wrong_width_names_the_line():
    def wide(k, entry):
        return entry

    line = inspect.getsourcelines(wide)[1]
    with pytest.raises(LayoutError) as caught:
        replaced(pte_young=wide).helper("pte_young")
    assert str(caught.value) == f"pte_young at tests/bitspec/test_layout.py:{line} must be 1 bits wide, not 16"


def test_a_helper_defined_twice_names_both_lines():
    line = inspect.getsourcelines(twice)[1]
    with pytest.raises(LayoutError) as caught:
        twice()
    place = "tests/bitspec/test_layout.py"
    assert str(caught.value) == f"pte_young must be defined once, not at {place}:{line + 1} and at {place}:{line + 5}"


def test_an_argument_of_the_wrong_width():
    with pytest.raises(ExprError) as caught:
        PTE.young(var("entry", 64))
    assert str(caught.value) == "arg0 must be replaced by 16 bits, not 64"
    with pytest.raises(ExprError) as caught:
        PTE.young(0x10000)
    assert str(caught.value) == "a constant must fit into 16 bits, not 0x10000"


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda: PTE.yuong(ENTRY), "unknown helper 'pte_yuong'; did you mean 'pte_young'?"),
        (lambda: TOY.helper("pte_is_purple_and_heavy"), "unknown helper 'pte_is_purple_and_heavy'"),
        (lambda: TOY.has("pte_yuong"), "unknown helper 'pte_yuong'; did you mean 'pte_young'?"),
        (lambda: TOY.but(pte_yuong=toy.young.build), "unknown helper 'pte_yuong'; did you mean 'pte_young'?"),
        (lambda: helper("pte_yuong", "x.h"), "unknown helper 'pte_yuong'; did you mean 'pte_young'?"),
    ],
)
def test_a_name_the_kernel_does_not_have(ask, sentence):
    with pytest.raises(VocabularyError) as caught:
        ask()
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("ask", "reason"),
    [
        (lambda: PTE.uffd_wp, "pte_uffd_wp does not exist in toy@linux-0.1"),
        (lambda: MINIMAL.at(Level.PTE).soft_dirty, "pte_soft_dirty needs CONFIG_MEM_SOFT_DIRTY, which config minimal is without"),
        (lambda: TOY.at(Level.PUD), "pud is folded in variant small"),
        (lambda: replaced(pud_young=toy.young.build).helper("pud_young"), "pud is folded in variant small"),
    ],
)
def test_what_does_not_exist_says_why(ask, reason):
    with pytest.raises(Absent) as caught:
        ask()
    assert str(caught.value) == reason


def test_absence_raised_by_a_definition_is_kept():
    def build(k, entry):
        raise Absent("a BUG() in this variant")

    layout = replaced(pmd_mkinvalid=build)
    assert not layout.has("pmd_mkinvalid")
    with pytest.raises(Absent, match=r"a BUG\(\) in this variant"):
        layout.helper("pmd_mkinvalid")


# Helpers


def test_helpers_by_level_and_by_full_name():
    assert PTE.young(ENTRY) == TOY.helper("pte_young")(ENTRY)
    assert PTE.pmd_young(ENTRY) == PMD.young(ENTRY)
    assert PTE.name("young") == "pte_young"
    assert PTE.name("__swp_type") == "__swp_type"
    assert PTE.name("pmd_young") == "pmd_young"
    assert PTE.has("young", "mkold")
    assert not PTE.has("young", "uffd_wp")


def test_a_helper_knows_where_it_was_read():
    one = TOY.helper("pte_young")
    assert one.name == "pte_young"
    assert one.cite == "toy.h"
    assert one.where == f"tests/toy.py:{inspect.getsourcelines(toy.young.build)[1]}"


@pytest.mark.parametrize("entry", [0, 4, 0xFFFF, 0xFFFB])
def test_calling_a_helper(entry):
    assert evaluate(PTE.young(entry), {}) == bool(entry & 4)
    assert evaluate(PTE.young(const(entry, 16)), {}) == bool(entry & 4)
    assert evaluate(PTE.young(ENTRY), {ENTRY: entry}) == bool(entry & 4)


def test_arguments_do_not_mix():
    arg0, arg1 = TOY.helper("__swp_entry").params
    made = TOY.helper("__swp_entry")(arg1, arg0)
    assert evaluate(made, {arg0: 3, arg1: 5}) == 3 << 8 | 5 << 2


def test_masks():
    assert PTE["YOUNG"] == 4
    assert PTE["YOUNG", "DIRTY"] == 12
    assert PTE.shift("PROTNONE") == 7
    assert PTE.field("TYPE").spans == ((6, 2),)
    assert PTE.number("PAGE_SHIFT") == 8
    assert PMD.use.order == 2
    assert PMD.config is TOY.config


def test_definitions_of_a_module():
    found = definitions(vars(toy))
    assert toy.young in found
    assert all(isinstance(one, Definition) for one in found)


def test_a_later_group_replaces_an_earlier_one():
    @helper("pte_young", "later.h")
    def later(k, entry):
        return any_of(entry, 1)

    assert by_name((toy.young,), (later,))["pte_young"] is later
    assert by_name((toy.young,), (later,))["pmd_young"] is toy.young


def test_protections():
    table = protections({"VM_NONE": 1, "VM_READ": 2, "VM_SHARED": 3, "VM_SHARED|VM_WRITE": 4, "VM_EXEC": 5})
    assert [(one.value, one.write, one.access) for one in table] == [
        (1, False, False),
        (2, False, True),
        (3, False, False),
        (4, True, True),
        (5, False, True),
    ]


def test_numbers_are_as_wide_as_an_unsigned_long():
    narrow = replace(TOY, word=32, helpers=by_name((as_it_is,)), derived={}, _built={})
    assert [one.helper("__swp_type").params[0].width for one in (narrow, TOY)] == [32, 64]


def test_a_page_frame_number_must_fit_an_unsigned_long():
    assert replace(TOY, word=8).word == 8
    with pytest.raises(LayoutError, match="a page frame number must fit an unsigned long of 7 bits, not have 8"):
        replace(TOY, word=7)


def test_a_physical_address_may_be_wider_than_an_unsigned_long():
    """8 bits of a frame's number, 8 within the page."""
    for word, address in ((16, 16), (15, 64)):
        one = replace(TOY, word=word, helpers=by_name((as_it_is, toy.populate)), derived={}, _built={})
        assert one.address == address
        assert (one.helper("__swp_type").params[0].width, one.helper("pmd_populate").params[0].width) == (word, address)


def test_names_and_configs():
    assert (TOY.arch, TOY.name) == ("toy", "toy@linux-0.1")
    assert CONFIGS[0].name == "default"
    assert CONFIGS[0].options == OPTIONS
    assert len({one.name for one in CONFIGS}) == len(CONFIGS)
    assert "MIGRATION" in MINIMAL.config
    assert "MEM_SOFT_DIRTY" not in MINIMAL.config


def test_a_kernel_can_be_copied():
    assert copy.copy(PTE) == PTE
    with pytest.raises(AttributeError):
        PTE.__unheard_of__  # noqa: B018
    assert pickle.loads(pickle.dumps(TOY.config)) == TOY.config


# The same layout, but


def test_but_moves_a_field_for_every_helper():
    moved = TOY.but(Field("SOFT_DIRTY", ((6, 6),), Owner.SOFTWARE))
    body = function(moved.at(Level.PTE).soft_dirty(ENTRY), ENTRY)
    assert [body(1 << index) for index in range(16)] == [int(index == 6) for index in range(16)]
    assert TOY.at(Level.PTE)["SOFT_DIRTY"] == 1 << 5


def test_but_at_one_level():
    moved = TOY.but(Field("SOFT_DIRTY", ((6, 6),), Owner.SOFTWARE), level=Level.PMD)
    assert moved.at(Level.PMD)["SOFT_DIRTY"] == 1 << 6
    assert moved.at(Level.PTE)["SOFT_DIRTY"] == 1 << 5


def test_but_at_a_level_without_the_field():
    with pytest.raises(LayoutError):
        TOY.but(Field("SOFT_DIRTY", ((6, 6),), Owner.SOFTWARE), level=Level.PUD)


def test_but_replaces_a_helper():
    other = TOY.but(pte_none=lambda k, entry: eq(entry | k["YOUNG"], k["YOUNG"]))
    assert evaluate(other.at(Level.PTE).none(4), {}) == 1
    assert evaluate(TOY.at(Level.PTE).none(4), {}) == 0
    assert other.at(Level.PMD).none(ENTRY) == TOY.at(Level.PMD).none(ENTRY)


def test_but_changes_helpers_built_on_the_replaced_one():
    other = TOY.but(pte_swp_clear_exclusive=lambda k, entry: entry)
    assert other.at(Level.PTE).to_swp_entry(ENTRY) == zext(ENTRY, 64)


def test_a_hardware_bit_may_be_named_where_it_is():
    same = Field("YOUNG", ((2, 2),), Owner.HARDWARE, "another meaning")
    assert TOY.but(same).at(Level.PTE).field("YOUNG").meaning == "another meaning"


def test_layouts_do_not_change():
    before: Expr = PTE.soft_dirty(ENTRY)
    TOY.but(Field("SOFT_DIRTY", ((6, 6),), Owner.SOFTWARE))
    assert toy.layout().at(Level.PTE).soft_dirty(ENTRY) == before
