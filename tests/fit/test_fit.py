"""Questions and answers: what moves and what may not, in which order answers come, and why there is none.  Each answer is tried out in plain ints."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache
from itertools import islice

import pytest

from archs.discover import known, layout
from bitspec.expr import const, ne, var
from bitspec.fields import LayoutError
from bitspec.layout import Layout
from bitspec.read.as_int import evaluate
from bitspec.solver import Solver, Unknown
from bitspec.vocabulary import Level, VocabularyError
from proofs.check import Checker, Verdict
from proofs.claim import Scene
from proofs.families.hardware import walks
from proofs.fit.codec import existing
from proofs.fit.cube import Cube
from proofs.fit.packing import positions
from proofs.fit.question import ask
from proofs.fit.reasons import Infeasible, Refused, _parts, _possible, _without, why
from proofs.fit.report import outcome
from proofs.fit.room import Rooms, table_type, vacant
from proofs.fit.search import Search
from proofs.fit.swap_side import sketches
from proofs.states import offset_bits
from tests.toy import layout as toy

S390 = {"need": ("type:5", "pfn", "soft_dirty")}


@cache
def answers(arch, release, level, count=1, **asked):
    question = ask(layout(arch, release), level, **asked)
    return tuple(islice(Search(question, known(arch)).answers(), count))


def none(arch, release, level, **asked):
    search = Search(ask(layout(arch, release), level, **asked), known(arch))
    assert next(search.answers(), None) is None
    return why(search)


def call(one, name, *values):
    helper = one.helper(name)
    return evaluate(helper.body, dict(zip(helper.params, values, strict=True)))


# s390 at linux-6.12: can a PMD hold a swap entry?


def test_s390_has_room_for_five_type_bits_and_the_pfn_without_moving_a_bit():
    (answer,) = answers("s390", "linux-6.12", Level.PMD, **S390)
    assert answer.present.moved == answer.present.placed == {}
    assert answer.swap.changed == ("present",)
    assert len(positions(answer.swap.places["type"])) == 5
    assert len(positions(answer.swap.places["offset"])) == 52 >= layout("s390", "linux-6.12").pfn_bits
    assert len(positions(answer.swap.places["soft_dirty"])) == 1
    before = layout("s390", "linux-6.12").at(Level.PMD).use.views["leaf"]
    assert answer.layout.at(Level.PMD).use.views["leaf"] == before


def test_that_answer_in_plain_ints():
    """Thousands of entries: none is present, none, a leaf or walked, and each decodes to what it was made of."""
    (answer,) = answers("s390", "linux-6.12", Level.PMD, **S390)
    made, draw = answer.layout, random.Random(1)
    scene = Scene(made, Level.PMD)
    entry = var("entry", 64)
    invalid = [walk.invalid for walk in walks(scene, entry).values()]
    contexts = [dict.fromkeys(made.hardware.context.values(), 0), dict.fromkeys(made.hardware.context.values(), 1)]
    for _ in range(400):
        kind, offset, dirty = draw.randrange(32), draw.randrange(1, 1 << 52), draw.randrange(2)
        value = call(made, "__swp_entry_to_pmd", call(made, "__swp_entry", kind, offset))
        value = call(made, "pmd_swp_mksoft_dirty", value) if dirty else value
        assert not any(call(made, f"pmd_{name}", value) for name in ("present", "none", "leaf", "trans_huge", "protnone"))
        assert call(made, "pmd_swp_soft_dirty", value) == dirty
        back = call(made, "pmd_to_swp_entry", value)
        assert (call(made, "__swp_type", back), call(made, "__swp_offset", back)) == (kind, offset)
        assert all(evaluate(one, {entry: value, **context}) for one in invalid for context in contexts)


def test_the_table_type_is_no_marker():
    (answer,) = answers("s390", "linux-6.12", Level.PMD, **S390)
    assert table_type(Scene(layout("s390", "linux-6.12"), Level.PMD)) == Cube(0xC, 0)
    assert answer.swap.constant.mask & 0xC == 0xC
    assert not answer.swap.constant.value & 0xC
    assert table_type(Scene(layout("s390", "linux-6.12"), Level.PUD)) == Cube(0xC, 0x4)
    for arch in ("x86_64", "arm64", "powerpc", "riscv64"):
        for level in (Level.PTE, Level.PMD):
            assert table_type(Scene(layout(arch), level)) == Cube()


def test_with_pmd_present_kept_that_predicate_is_the_reason():
    found = none("s390", "linux-6.12", Level.PMD, keep=("pmd_present",), **S390)
    assert isinstance(found, Infeasible)
    assert any(reason.startswith("pmd_present (kept) must be false") for reason in found.reasons)
    assert [one.words for one in found.relaxations] == ["let pmd_present change"]


_6_13 = (
    "present=63", "mark=59", "type=53:57", "offset=0:51", "soft_dirty@swap=62", "_SEGMENT_ENTRY_SOFT_DIRTY=62", "_SEGMENT_ENTRY_READ=49",
    "_SEGMENT_ENTRY_WRITE=48", "_REGION3_ENTRY_SOFT_DIRTY=62", "_REGION3_ENTRY_READ=49", "_REGION3_ENTRY_WRITE=48",
)  # fmt: skip


def test_the_layout_of_6_13_is_found_when_its_choices_are_pinned():
    (answer,) = answers("s390", "linux-6.12", Level.PMD, need=("type:5", "offset:52", "soft_dirty@swap", "present"), pin=_6_13)
    shipped, entry, kind, offset = layout("s390", "linux-6.13"), var("entry", 64), var("type", 64), var("offset", 64)
    made = answer.layout
    solver = Solver()
    encoded = made.helper("__swp_entry_to_pmd")(made.helper("__swp_entry")(kind & 31, offset & (1 << 52) - 1))
    pairs = [(encoded, shipped.helper("mk_swap_rste")(kind & 31, offset & (1 << 52) - 1))]
    pairs += [(made.helper(f"pmd_{name}")(entry), shipped.helper(f"pmd_{name}")(entry)) for name in ("present", "leaf", "trans_huge", "protnone", "none")]
    pairs.append((made.helper("pmd_populate")(entry << 11), shipped.helper("pmd_populate")(entry << 11)))
    for row in layout("s390", "linux-6.13").at(Level.PMD).protections:
        pairs.append((made.helper("pfn_pmd")(entry & 0xFFFF, const(row.value, 64)), shipped.helper("pfn_pmd")(entry & 0xFFFF, const(row.value, 64))))
    for ours, theirs in pairs:
        with solver.scope(ne(ours, theirs)):
            assert solver.model() is None


# What may move


def test_nothing_moves_unless_it_is_said():
    (answer,) = answers("arm64", None, Level.PTE, need=("mine@swap",))
    before = existing(layout("arm64").at(Level.PTE))
    assert {name: places for name, places in answer.swap.places.items() if name != "mine"} == before.places
    assert answer.swap.new == ("mine",)
    assert not answer.present.moved


def test_what_fits_where_it_is_does_not_move_though_it_may():
    (answer,) = answers("x86_64", None, Level.PTE, need=("type:5", "offset:max"), move=("swap",))
    assert answer.swap.new == ()


def test_maximise_comes_before_not_moving():
    (answer,) = answers("arm64", None, Level.PTE, need=("offset:max",), move=("swap",), maximise="offset")
    assert offset_bits(answer.layout) == 55 > offset_bits(layout("arm64"))
    (wide,) = answers("arm64", None, Level.PTE, need=("offset:50",), move=("swap",), maximise="type")
    assert len(positions(wide.swap.places["type"])) == 10


def test_answers_come_in_order_and_differ():
    found = answers("s390", "linux-6.12", Level.PMD, count=5, **S390)
    places = [str(sorted(one.swap.places.items())) for one in found]
    assert len(set(places)) == 5
    pieces = [sum(len(each) for each in one.swap.places.values()) for one in found]
    assert pieces == sorted(pieces)


def test_the_same_question_has_the_same_answer():
    question = ask(layout("s390", "linux-6.12"), Level.PMD, **S390)
    first, second = (next(Search(question, known("s390")).answers()) for _ in range(2))
    assert (first.swap, first.present) == (second.swap, second.present)


def test_a_pin_is_where_it_says():
    (answer,) = answers("s390", "linux-6.12", Level.PMD, need=("type:5", "pfn"), pin=("type=47:51",))
    assert answer.swap.places["type"] == ((16, 12),)
    (by_mask,) = answers("s390", "linux-6.12", Level.PMD, need=("type:5", "pfn"), pin=("type=0x1f000",))
    assert by_mask.swap.places == answer.swap.places


def test_a_flag_without_helpers_is_in_every_state_it_can_be_in():
    """It is a free bit of the states, so that every claim has been asked with it and without."""
    (answer,) = answers("x86_64", None, Level.PTE, need=("mine",))
    scene = Scene(answer.layout, Level.PTE)
    (present,), (swapped,) = positions(answer.present.placed["mine"]), positions(answer.swap.places["mine"])
    leaf, swap = scene.states["leaf"], scene.states["swap"]
    assert (leaf.example_entry | 1 << present) in leaf
    assert (swap.example_entry | 1 << swapped) in swap
    assert call(answer.layout, "pte_to_swp_entry", swap.example_entry | 1 << swapped) == call(answer.layout, "pte_to_swp_entry", swap.example_entry)


@pytest.mark.parametrize("level", [Level.PTE, Level.PMD])
def test_two_more_flags_fit_into_a_present_entry_of_x86_64_and_six_do_not(level):
    """Bits 52 to 56 are ignored by the hardware (SDM vol. 3A, 4-18 to 4-20) and named by no macro of pgtable_types.h."""
    assert vacant(Scene(layout("x86_64"), level)) == (52, 53, 54, 55, 56)
    (answer,) = answers("x86_64", None, level, need=("mine:2@present",))
    assert answer.present.placed == {"mine": ((53, 52),)}
    found = none("x86_64", None, level, need=("mine:6@present",))
    assert found.reasons[0] == "mine:6@present: 6 bits of a present entry; 5 of a leaf are vacant (56:52)"
    assert [one.words for one in found.relaxations] == ["mine 6 -> 5"]


# Why not


@pytest.mark.parametrize(
    ("arch", "release", "level", "asked"),
    [
        ("s390", "linux-6.12", Level.PMD, {"need": ("type:5", "pfn"), "keep": ("pmd_present",)}),
        ("s390", "linux-6.12", Level.PMD, {"need": ("type:5", "pfn", "mine:8@swap")}),
        ("arm64", "linux-6.12", Level.PTE, {"need": ("mine:6@swap",)}),
        ("x86_64", "linux-6.12", Level.PTE, {"need": ("type:9", "offset:54"), "move": ("swap",)}),
    ],
)
def test_a_reason_is_minimal(arch, release, level, asked):
    """All of it cannot hold together, and without any one part the rest can."""
    question = ask(layout(arch, release), level, **asked)
    search = Search(question, known(arch))
    assert next(search.answers(), None) is None
    found = why(search)
    assert isinstance(found, Infeasible)
    demand = list(sketches(question, question.layout, None, search.rooms))[-1].demand
    parts = _parts(question, demand, search.rooms)
    mine = [name for name, words in parts.items() if words in found.reasons]
    assert len(mine) == len(found.reasons)
    assert not _possible(_without(demand, set(parts) - set(mine)), Rooms())
    for left_out in mine:
        assert _possible(_without(demand, set(parts) - set(mine) | {left_out}), Rooms()), left_out


def test_every_relaxation_has_its_answer():
    found = none("arm64", "linux-6.1", Level.PTE, need=("uffd_wp", "mine@present"))
    assert [one.words for one in found.relaxations] == ["give up uffd_wp in present entries", "give up mine in present entries", "move PTE_PROT_NONE"]
    for one in found.relaxations:
        assert one.answer.results
        assert not any(result.failed for result in one.answer.results)


def test_a_pin_on_a_bit_that_is_taken():
    found = none("x86_64", None, Level.PMD, need=("mine@present",), pin=("mine=3",))
    assert found.reasons[0] == "mine is pinned at 3"
    assert "unpin mine" in [one.words for one in found.relaxations]


def test_a_field_that_does_not_move_is_too_narrow():
    found = none("x86_64", None, Level.PTE, need=("type:6",))
    assert found.reasons == ("type needs 6 bits (type:6)", "type has 63:59 and stays where it is")
    assert [one.words for one in found.relaxations] == ["type 6 -> 5", "move type"]


def test_layouts_that_have_room_and_are_refuted_are_no_proof_of_anything():
    """With pmd_leaf narrowed the toy might be mended, which was not tried."""
    search = Search(ask(toy(), Level.PMD, need=["mine@swap"], move=["exclusive"]))
    assert next(search.answers(), None) is None
    found = why(search)
    assert isinstance(found, Refused)
    assert search.tried
    assert "SWP414" in dict(found.claims)  # pmd_mkinvalid makes every swap entry prot-none


def test_layouts_that_were_all_refuted_are_no_proof_either():
    """Every place for the flag was tried: but that PTEs have no helper for it is what a kernel would change, and is not sought."""
    search = Search(ask(layout("arm64"), Level.PMD, need=["soft_dirty@swap"]), known("arm64"))
    assert next(search.answers(), None) is None
    found = why(search)
    assert isinstance(found, Refused)
    assert found.lost == ("MIG505",)  # a PMD that is split would lose it, and nobody could ask


def test_a_claim_without_a_verdict_is_no_refutation(monkeypatch):
    question = ask(layout("arm64"), Level.PTE, need=["mine@swap"])
    check = Checker.check

    def undecided(self, *args):
        yield from (replace(one, verdict=Verdict.UNKNOWN, reason="time-out") if one.code == "SWP401" else one for one in check(self, *args))

    monkeypatch.setattr(Checker, "check", undecided)
    with pytest.raises(Unknown, match=r"SWP401 about swap.*: time-out"):
        next(Search(question, known("arm64")).answers())


def test_what_moves_needs_room_as_well():
    search = Search(ask(layout("powerpc", None, "radix-64k", "minimal"), Level.PTE, need=["mine@present"], move=["_PAGE_DEVMAP"]), known("powerpc"))
    assert next(search.answers(), None) is None
    found = why(search)
    assert isinstance(found, Infeasible)
    assert found.reasons[0] == "mine@present: 1 bit of a present entry; none of a leaf are vacant"


def test_what_leaves_room_for_no_field_elsewhere_is_found_soon():
    """The hardware alone leaves no 14 bits for a type beside the rest: wherever the fields of present entries are."""
    search = Search(ask(layout("x86_64"), Level.PTE, need=["mine@present", "type:14"], move=["software", "swap"]), known("x86_64"))
    assert next(search.answers(), None) is None
    assert isinstance(why(search), Infeasible)


def test_not_every_place_of_present_fields_is_tried():
    search = Search(ask(layout("x86_64"), Level.PTE, need=["type:9"], move=["software", "swap"]), known("x86_64"))
    assert next(search.answers(), None) is None
    assert not search.exhausted
    assert isinstance(why(search), Refused)


# What is pinned, and what is kept


def test_a_pin_goes_by_the_kernels_name_of_a_swap_field_too():
    (answer,) = answers("x86_64", None, Level.PTE, need=("mine@swap",), pin=("_PAGE_SWP_EXCLUSIVE=4",))
    assert answer.swap.places["exclusive"] == ((4, 4),)
    names = [one.name for one in answer.layout.at(Level.PTE).use.views["swap"]]
    assert len(set(names)) == len(names)


def test_bits_that_an_erratum_writes_are_a_reason():
    search = Search(ask(layout("x86_64", None, "4-level-knl"), Level.PTE, need=["mine:2@swap"]), known("x86_64"))
    assert next(search.answers(), None) is None
    found = why(search)
    assert isinstance(found, Infeasible)
    assert found.reasons == ("the hardware may write 6:5 of an entry that it finds invalid", "mine needs 2 bits")


def test_two_fields_on_one_bit_are_a_reason():
    found = none("x86_64", None, Level.PTE, need=("exclusive",), pin=("exclusive=9",))
    assert found.reasons == ("offset has 58:9 and stays where it is", "exclusive has 9 and is pinned")


def test_a_mark_is_in_no_codec_that_stays():
    found = none("x86_64", None, Level.PTE, need=("mine@swap",), pin=("mark=4",))
    assert found.reasons == ("the pinned mark: bit 4 must be 1", "the other bits of an entry stay as type and offset have them")
    (answer,) = answers("x86_64", None, Level.PTE, move=("swap",), pin=("mark=4",))
    assert call(answer.layout, "__swp_entry_to_pte", call(answer.layout, "__swp_entry", 0, 1)) & 1 << 4


def test_no_flag_is_where_the_codec_has_a_1():
    """s390 sets bit 54 in every swap PTE: a flag there would always be set."""
    (answer,) = answers("s390", "linux-6.17", Level.PTE, need=("mine@swap",))
    ((place, _),) = answer.swap.places["mine"]
    assert not call(answer.layout, "__swp_entry_to_pte", call(answer.layout, "__swp_entry", 0, 1)) >> place & 1


def test_a_level_without_leaves_can_hold_swap_entries():
    (answer,) = islice(Search(ask(layout("m68k", None, "motorola"), Level.PMD, need=["type:5", "offset:max"]), known("m68k")).answers(), 1)
    assert answer.swap is not None


def test_a_helper_that_is_kept_does_not_change():
    search = Search(ask(layout("arm64", "linux-6.1"), Level.PTE, need=["uffd_wp"], keep=["pte_modify"]), known("arm64"))
    assert next(search.answers(), None) is None
    found = why(search)
    assert isinstance(found, Refused)
    assert found.spoilt == ("it changes pte_modify, which is kept",)


def test_a_swap_field_that_is_kept_does_not_move():
    wider = {"need": ("type:6",), "move": ("swap",)}
    assert answers("arm64", None, Level.PTE, **wider)
    found = none("arm64", None, Level.PTE, keep=("__SWP_TYPE",), **wider)
    assert found.reasons == ("type needs 6 bits (type:6)", "type has 10:6 and stays where it is")


def test_a_table_with_the_present_bit_is_not_bad():
    (answer,) = answers("s390", "linux-6.12", Level.PMD, need=("present",))
    assert answer.swap is None
    table = Scene(answer.layout, Level.PMD).states["table"].example_entry
    assert call(answer.layout, "pmd_present", table)
    assert not call(answer.layout, "pmd_bad", table)


def test_a_predicate_whose_field_moves_is_not_kept():
    answer = next(Search(ask(layout("x86_64"), Level.PMD, need=["pfn"], move=["_PAGE_DEVMAP"], pin=["_PAGE_DEVMAP=52"]), known("x86_64")).answers())
    told = outcome(answer.question, "", [answer], None, None, 0.0, {}).answers[0]
    assert "pmd_trans_huge" in told.sought
    assert "pmd_present" in told.kept


# The toy architecture, by brute force


def small() -> Layout:
    """The toy's PTEs, which hold nothing but swap entries: V and PROTNONE must be clear, so that of 16 bits 14 are left."""
    whole = toy()
    kinds = tuple(one for one in whole.kinds if one.payload == "slot")
    return replace(whole, uses={Level.PTE: whole.uses[Level.PTE]}, kinds=kinds, derived={}, _built={})


def test_the_widest_offset_of_the_toy():
    search = Search(ask(small(), Level.PTE, need=["type:5", "offset:max"], move=["swap"], maximise="offset", pin=["exclusive=15"]))
    answer = next(search.answers())
    made = answer.layout
    assert offset_bits(made) == 16 - 2 - 5 - 1
    assert answer.swap.places["exclusive"] == ((15, 15),)
    for kind in range(32):
        for offset in range(1, 1 << offset_bits(made)):
            value = call(made, "__swp_entry_to_pte", call(made, "__swp_entry", kind, offset))
            for entry in (value, call(made, "pte_swp_mkexclusive", value)):
                assert not entry & (1 | 1 << 7)
                assert entry
                back = call(made, "pte_to_swp_entry", entry)
                assert (call(made, "__swp_type", back), call(made, "__swp_offset", back)) == (kind, offset)


def test_one_offset_bit_more_is_too_much_for_the_toy():
    found = Search(ask(small(), Level.PTE, need=["type:5", "offset:9"], move=["swap"]))
    assert next(found.answers(), None) is None
    reasons = why(found)
    assert isinstance(reasons, Infeasible)
    assert reasons.reasons == (
        "it must not be an entry of the state leaf-protnone",  # whatever becomes of pte_present
        "the hardware must find it invalid: bit 0 must be 0",
        "exclusive needs 1 bit",
        "type needs 5 bits (type:5)",
        "offset needs 9 bits (offset:9)",
    )
    assert [one.words for one in reasons.relaxations] == ["offset 9 -> 8"]


# Questions that make no sense


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "there must be something to fit"),
        ({"need": ["5x"]}, "a need must be NAME"),
        ({"need": ["x:0"]}, "at least 1 bit"),
        ({"need": ["type:max"]}, "only the offset"),
        ({"need": ["type@present"]}, "type must be in a swap entry"),
        ({"need": ["present:2"]}, "present must be one bit"),
        ({"need": ["soft_dirty:2"]}, "soft_dirty must be one bit wide"),
        ({"need": ["exclusive@present"]}, "exclusive must be in a swap entry"),
        ({"need": ["x", "x:2"]}, "a need must be given once"),
        ({"need": ["x"], "pin": ["x"]}, "a pin must be NAME=BITS"),
        ({"need": ["x"], "pin": ["x=64"]}, "bits must lie inside the 64"),
        ({"need": ["x"], "pin": ["x=a"]}, "bits must be like"),
        ({"need": ["x"], "pin": ["x=3,3"]}, "bits must be named once"),
        ({"need": ["x"], "pin": ["y=3"]}, "a pin must be of something needed"),
        ({"need": ["x"], "pin": ["x=0:99999999999"]}, "bits must lie inside the 64"),
        ({"need": ["x"], "pin": ["soft_dirty@present=9"]}, "a pin must be of something needed"),
        ({"need": ["soft_dirty"], "pin": ["soft_dirty=9"]}, "present entries have soft_dirty already"),
        ({"need": ["x"], "keep": ["exclusive"], "pin": ["exclusive=4"]}, "exclusive must be kept or pinned, not both"),
        ({"need": ["a-b", "A_b"]}, "a need must be given once"),
        ({"need": ["x"], "keep": ["y"]}, "unknown helper"),
        ({"need": ["x"], "move": ["y"]}, "--move must name"),
        ({"need": ["x"], "maximise": "y"}, "--maximise must name"),
        ({"need": ["x"], "mend": ["XYZ"]}, "unknown claim code"),
    ],
)
def test_what_makes_no_sense_is_said(asked, words):
    with pytest.raises(VocabularyError, match=words):
        ask(layout("x86_64"), Level.PTE, **asked)


@pytest.mark.parametrize("asked", [{"move": ["_PAGE_RW"]}, {"pin": ["_PAGE_RW=5"]}])
def test_a_hardware_bit_does_not_move(asked):
    with pytest.raises(LayoutError, match="_PAGE_RW is a hardware bit"):
        ask(layout("x86_64"), Level.PTE, need=["x"], **asked)


@pytest.mark.parametrize(("need", "field"), [("rw@present", "_PAGE_RW 1"), ("devmap@present", "_PAGE_DEVMAP 57"), ("present", "_PAGE_PRESENT 0")])
def test_a_new_field_has_a_new_name(need, field):
    with pytest.raises(VocabularyError, match=f"must be a new name, not that of {field}"):
        next(Search(ask(layout("x86_64"), Level.PTE, need=[need], move=["software"]), known("x86_64")).answers())


def test_there_are_no_swap_entries_at_pud():
    with pytest.raises(VocabularyError, match="no swap entries at pud"):
        ask(layout("x86_64"), Level.PUD, need=["x@swap"])


def test_a_flag_needs_a_codec():
    with pytest.raises(VocabularyError, match="ask for a type and an offset too"):
        next(Search(ask(layout("s390", "linux-6.12"), Level.PMD, need=["soft_dirty"])).answers())


def test_a_pin_that_is_too_narrow():
    with pytest.raises(LayoutError, match="type must be at least 5 bits wide"):
        next(Search(ask(layout("s390", "linux-6.12"), Level.PMD, need=["type:5", "pfn"], pin=["type=1:3"])).answers())


def test_an_offset_of_one_bit_has_no_slot():
    """Slot 0 is the header, and the only other offset is the largest: every claim about a swap entry would be empty."""
    with pytest.raises(LayoutError, match="offset must be at least 2 bits wide"):
        next(Search(ask(layout("m68k", "linux-6.1"), Level.PTE, need=["offset:max"], pin=["SWP_OFFSET=5"]), known("m68k")).answers())
