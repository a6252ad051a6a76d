"""s390: the cases of THP migration and hugetlbfs, in their before and after forms, and what is special to its tables."""

from itertools import product

import pytest

from archs.discover import known, layout, releases, variants
from bitspec.expr import any_of, clear, const, ite, ne, not_, or_, substitute, var
from bitspec.hardware import Access
from bitspec.layout import Layout
from bitspec.read.as_int import evaluate, function
from bitspec.solver import Solver
from bitspec.vocabulary import Level
from proofs.check import Checker, Verdict
from proofs.claim import select
from proofs.state import State
from proofs.states import states
from tests.archs import s390_candidates as candidates


def asked(chosen, level, *codes):
    """The verdict and the witness's entry per code and subject."""
    results = Checker().check(chosen, [Level(level)], select(codes) if codes else None)
    return {(one.code, one.subject): (one.verdict, one.witness.entry if one.witness else None) for one in results}


def verdicts(found, code):
    return {verdict for (asked_code, _), (verdict, _) in found.items() if asked_code == code and verdict is not Verdict.NOT_APPLICABLE}


def encoded(found, code):
    """As verdicts, without hugetlbfs markers, which linux-6.12 stores as the empty entry."""
    return verdicts({key: answer for key, answer in found.items() if key[1] != "marker"}, code)


def failures(chosen, *levels):
    checker = Checker(known("s390"))
    return [(one.code, one.subject) for one in checker.check(chosen, levels) if one.failed]


def ints(chosen, name):
    helper = chosen.helper(name)
    return function(helper.body, helper.params[0])


def walk(chosen: Layout, level, entry, access=Access.LOAD, **circumstances):
    """What the hardware does with the value `entry`: the outcome, and where it leads."""
    hardware = chosen.hardware
    values = {"private_space": 1, "EDAT": 1, "IEP": 1, "SX01": 0, **circumstances}
    here = var("entry", 64)
    made = hardware.level(Level(level)).walk(here, access, hardware.context)
    known_values = {one.variable: values[one.name] for one in hardware.circumstances} | {here: entry}
    outcome = next(name for name in ("invalid", "refused", "reserved", "table", "leaf") if evaluate(getattr(made, name), known_values))
    where = {"leaf": made.frame, "table": made.address}.get(outcome)
    return (outcome, evaluate(where, known_values)) if where is not None else (outcome,)


# Shipped layouts


@pytest.mark.parametrize(("release", "variant"), list(product(releases("s390"), variants("s390"))))
def test_every_refutation_is_known(release, variant):
    assert failures(layout("s390", release, variant), *Level) == []


def test_no_known_refutation_is_stale():
    covered = set()
    for release, variant in product(releases("s390"), variants("s390")):
        for one in Checker(known("s390")).check(layout("s390", release, variant), Level):
            if one.known:
                covered.add((one.known, one.subject, one.level.value, release))
    parts = {(one, *part) for one in known("s390") for part in product(one.subjects, one.levels, one.layouts)}
    assert parts - covered == set()


# Statement 1: "you cannot simply write a swap pte into a pmd"


def test_pte_format_in_a_segment_table_is_mapped_by_the_hardware():
    before = candidates.pte_format_in_segment_table()
    found = asked(before, "pmd", "SWP4")
    verdict, entry = found["SWP409", "swap"]
    assert (verdict, entry) == (Verdict.REFUTED, 0x1600)
    assert walk(before, "pmd", entry) == ("leaf", 0)
    assert walk(before, "pmd", entry, Access.STORE) == ("refused",)
    assert walk(before, "pmd", entry, EDAT=0) == ("table", 0x1000)


def test_pte_format_in_a_segment_table_looks_mapped_to_the_kernel():
    before = candidates.pte_format_in_segment_table()
    found = asked(before, "pmd", "SWP405", "SWP411", "SWP412", "SWP413")
    assert found["SWP405", "migration-read"] == (Verdict.REFUTED, 0x670)
    for code in ("SWP405", "SWP411", "SWP412", "SWP413"):
        assert encoded(found, code) == {Verdict.REFUTED}
    for name in ("pmd_present", "pmd_leaf", "pmd_trans_huge"):
        assert ints(before, name)(0x670) == 1


def test_what_the_hardware_does_with_each_type_of_the_pte_format():
    before = candidates.pte_format_in_segment_table()
    outcomes = {kind: walk(before, "pmd", 0x600 | kind << 2 | 1 << 12)[0] for kind in range(32)}
    assert {kind for kind, outcome in outcomes.items() if outcome == "leaf"} == {0, 16}
    assert {kind for kind, outcome in outcomes.items() if outcome == "invalid"} == {*range(8, 16), *range(24, 32)}
    assert {kind for kind, outcome in outcomes.items() if outcome == "reserved"} == {*range(1, 8), *range(17, 24)}
    in_common_space = {kind for kind in range(32) if walk(before, "pmd", 0x600 | kind << 2 | 1 << 12, private_space=0)[0] == "leaf"}
    assert in_common_space == {0, 4, 16, 20}


# Statement 2: "a 5-bit type plus the PFN would not be possible"


def test_type_and_pfn_fit_into_a_segment_table_entry_without_moving_a_bit():
    candidate = candidates.marked_by_invalid_and_common(candidates.type_below_offset())
    assert failures(candidate, *Level) == []
    found = asked(candidate, "pmd", "SWP", "MIG", "LEAF601")
    applied = {code for (code, _), (verdict, _) in found.items() if verdict is Verdict.PROVED}
    assert applied >= {"SWP401", "SWP402", "SWP403", "SWP404", "SWP405", "SWP406", "SWP407", "SWP409", "SWP411", "SWP412", "SWP413"}
    assert applied >= {"MIG501", "MIG502", "MIG503", "MIG505", "LEAF601"}


def test_a_type_inside_the_origin_leaves_offset_bits_enough_for_migration():
    candidate = candidates.marked_by_invalid_and_common(candidates.type_in_origin())
    found = asked(candidate, "pmd")
    migrations = {key: answer for key, answer in found.items() if "migration" in key[1] and answer[0] is Verdict.REFUTED and "HTLB" not in key[0]}
    assert migrations == {}
    assert verdicts(found, "MIG502") == verdicts(found, "MIG503") == verdicts(found, "SWP409") == {Verdict.PROVED}
    assert ints(candidate, "pmd_bad")(evaluate(candidate.helper("__swp_entry_to_pmd")(const(0x1670, 64)), {})) == 0
    # Swap files would lose offset bits there: it is a format for migration alone.
    assert found["SWP407", "swp_entry"][0] is Verdict.REFUTED


@pytest.mark.parametrize("places", [candidates.type_below_offset, candidates.type_in_origin])
def test_the_new_pmd_present_agrees_with_the_old_on_all_that_linux_6_12_builds(places):
    before = layout("s390", "linux-6.12")
    after = candidates.marked_by_invalid_and_common(places())
    built = [one for one in states(before, Level.PMD).values() if isinstance(one, State)]
    assert {one.name for one in built} == {"none", "table", "leaf", "leaf-old", "leaf-protnone", "leaf-invalidated", "marker"}
    for one in built:
        differs = ne(before.helper("pmd_present")(one.entry), after.helper("pmd_present")(one.entry))
        solver = Solver()
        with solver.scope(*[given.fact for given in one.given], differs):
            assert solver.model() is None, one.name


@pytest.mark.parametrize("table_type", [0b01, 0b10, 0b11])
def test_the_table_type_cannot_mark_a_swap_entry_of_both_tables(table_type):
    candidate = candidates.marked_by_table_type(table_type)
    found = {level: asked(candidate, level, "HTLB719", "SWP409") for level in ("pmd", "pud")}
    level = "pmd" if table_type == 0b01 else "pud"
    verdict, entry = found[level]["HTLB719", "marker"]
    assert verdict is Verdict.REFUTED
    region_third = entry & 0xC == 4
    assert region_third is (level == "pmd"), "huge_ptep_get() takes it for an entry of the other level"
    for answers in found.values():
        assert verdicts(answers, "SWP409") == {Verdict.PROVED}, "the hardware would not mind"


def test_pmd_bad_is_false_for_some_swap_entries():
    """pmd_bad() looks at bits 6 to 8 and TT, and at the leaf bit of what is present."""
    for chosen in (candidates.marked_by_invalid_and_common(candidates.type_below_offset()), layout("s390", "linux-6.17")):
        encode = chosen.helper("__swp_entry_to_pmd")
        bad = ints(chosen, "pmd_bad")
        not_bad = {kind for kind in range(32) if not bad(evaluate(encode(const(0x1600 | kind << 2, 64)), {}))}
        assert not_bad == {0, 8, 16, 24}


# Statement 3: "a single type bit could already be enough, to indicate read/write migration, plus a present bit"


def test_one_type_bit_was_enough_in_2021():
    stored = {"migration-read": 0, "migration-write": 1}
    found = asked(candidates.migration_alone(candidates.MIGRATION_2021, stored, 1), "pmd", "MIG501", "LEAF601", "SWP405", "SWP409")
    for code in ("MIG501", "LEAF601", "SWP405", "SWP409"):
        assert encoded(found, code) == {Verdict.PROVED}, code


@pytest.mark.parametrize("values", list(product((0, 1), repeat=3)))
def test_one_type_bit_is_too_few_since_read_exclusive(values):
    stored = dict(zip(candidates.MIGRATION, values, strict=True))
    found = asked(candidates.migration_alone(candidates.MIGRATION, stored, 1), "pmd", "MIG501", "LEAF601")
    assert Verdict.REFUTED in verdicts(found, "MIG501")
    assert Verdict.REFUTED in verdicts(found, "LEAF601")


def test_two_type_bits_are_enough():
    stored = dict(zip(candidates.MIGRATION, range(3), strict=True))
    found = asked(candidates.migration_alone(candidates.MIGRATION, stored, 2), "pmd", "MIG501", "LEAF601")
    assert verdicts(found, "MIG501") == verdicts(found, "LEAF601") == {Verdict.PROVED}


# Statement 4: no swap encoding is possible while pmd_present is "not empty"


def test_every_value_but_the_empty_one_is_present_in_linux_6_12():
    before = layout("s390", "linux-6.12")
    value = var("value", 64)
    solver = Solver()
    with solver.scope(not_(or_(before.helper("pmd_none")(value), before.helper("pmd_present")(value)))):
        assert solver.model() is None


@pytest.mark.parametrize("places", [candidates.type_below_offset, candidates.type_in_origin])
def test_a_good_encoding_is_present_all_the_same_while_pmd_present_stands(places):
    found = asked(candidates.marked_by_invalid_and_common(places(), present_as_before=True), "pmd", "SWP405")
    assert encoded(found, "SWP405") == {Verdict.REFUTED}


# linux-6.13 and linux-6.17: what was done


def test_swap_entries_of_linux_6_17():
    after = layout("s390", "linux-6.17")
    encode = function(after.helper("__swp_entry_to_pmd").body, after.helper("__swp_entry_to_pmd").params[0])
    assert [hex(encode(0x1600 | kind << 2)) for kind in (28, 29, 30)] == ["0x1730", "0x1770", "0x17b0"]
    found = asked(after, "pmd", "SWP", "MIG")
    assert Verdict.REFUTED not in {verdict for verdict, _ in found.values()}
    assert verdicts(found, "SWP409") == verdicts(found, "MIG503") == verdicts(found, "MIG505") == {Verdict.PROVED}


def test_a_poisoned_huge_page_is_forgotten_by_linux_6_12_and_kept_by_linux_6_13():
    poisoned = 0x267C
    before, after = layout("s390", "linux-6.12"), layout("s390", "linux-6.13")
    assert ints(before, "__pte_to_rste_pmd")(poisoned) == 0x20
    assert ints(before, "__pte_to_rste_pud")(poisoned) == 0x24
    assert ints(after, "__pte_to_rste_pmd")(poisoned) == 0x27F0
    assert ints(after, "__pte_to_rste_pud")(poisoned) == 0x27F4
    for level in ("pmd", "pud"):
        assert asked(before, level, "HTLB717")["HTLB717", "marker"][0] is Verdict.REFUTED
        assert asked(after, level, "HTLB717")["HTLB717", "marker"][0] is Verdict.PROVED


# s390-pud-rw-swapped


def test_read_and_write_swapped_makes_a_read_only_huge_page_look_writable():
    before, after = candidates.pud_read_and_write_swapped(), layout("s390", "linux-6.12")
    verdict, entry = asked(before, "pud", "HTLB712")["HTLB712", "huge-pte+write"]
    assert verdict is Verdict.REFUTED
    assert ints(before, "pud_write")(ints(before, "__pte_to_rste_pud")(entry)) != ints(before, "pte_write")(entry)
    assert asked(after, "pud", "HTLB712")["HTLB712", "huge-pte+write"][0] is Verdict.PROVED
    read_only = 0x211
    assert ints(before, "pte_write")(read_only) == 0
    assert ints(before, "pud_write")(ints(before, "__pte_to_rste_pud")(read_only)) == 1
    assert ints(after, "pud_write")(ints(after, "__pte_to_rste_pud")(read_only)) == 0


def test_the_swapped_bits_stay_unseen_by_hugetlbfs():
    """Cosmetic: the conversion goes back by the same places, and the hardware looks at neither bit."""
    found = asked(candidates.pud_read_and_write_swapped(), "pud", "HTLB715")
    assert verdicts(found, "HTLB715") == {Verdict.PROVED}


# Facts special to s390


def test_an_old_leaf_and_an_inaccessible_one_are_invalid_to_the_hardware():
    for release in releases("s390"):
        chosen = layout("s390", release)
        for level in (Level.PTE, Level.PMD):
            for name in ("leaf-old", "leaf-protnone"):
                one = states(chosen, level)[name]
                assert walk(chosen, level, one.example_entry) == ("invalid",)


def test_an_invalidated_leaf_passes_gup_fast():
    chosen = layout("s390", "linux-6.17")
    writable = 0x1F0F403  # read, write, young, dirty
    assert walk(chosen, "pmd", writable, Access.STORE) == ("leaf", 0x1F00)
    invalidated = ints(chosen, "pmd_mkinvalid")(writable)
    assert walk(chosen, "pmd", invalidated, Access.STORE) == ("invalid",)
    assert ints(chosen, "pmd_access_permitted_write")(invalidated) == 1
    assert ints(chosen, "pmd_protnone")(invalidated) == 0


def test_a_region_third_table_must_have_its_whole_length():
    chosen = layout("s390", "linux-6.12")
    assert {walk(chosen, "pud", 0x4007, SX01=index)[0] for index in range(4)} == {"table"}
    assert walk(chosen, "pud", 0x4005, SX01=2) == ("invalid",)
    short = chosen.but(pud_populate=lambda k, table: table | 0x5)
    assert asked(short, "pud", "HW907")["HW907", "table"][0] is Verdict.REFUTED


def test_a_common_segment_is_a_specification_exception_in_a_private_space_only():
    chosen = layout("s390", "linux-6.12")
    assert walk(chosen, "pmd", 0x100410) == ("reserved",)
    assert walk(chosen, "pmd", 0x100410, private_space=0) == ("leaf", 0x100)


def test_without_the_facility_no_protection_has_the_no_execute_bit_in_linux_6_17():
    for variant, expected in (("z14", True), ("z13", False)):
        use = layout("s390", "linux-6.17", variant).uses[Level.PMD]
        assert any(row.value & 0x100 for row in use.protections) is expected


def test_moving_a_segment_bit_moves_it_in_every_helper():
    chosen = layout("s390", "linux-6.17")
    young = chosen.uses[Level.PMD].views["leaf"]["_SEGMENT_ENTRY_YOUNG"]
    moved = chosen.but(young.moved(-6), level=Level.PMD)  # bit 6: unassigned
    for name in ("pmd_young", "pmd_mkyoung", "pmd_mkold", "pmd_mkhuge", "pmd_modify", "__pte_to_rste_pmd", "__rste_to_pte_pmd"):
        assert moved.helper(name).body != chosen.helper(name).body, name
    assert failures(moved, Level.PMD) == []


def test_a_swap_entry_on_a_bit_of_the_table_type_is_caught():
    chosen = layout("s390", "linux-6.13")
    kind = chosen.uses[Level.PMD].views["swap"]["SWP_TYPE_RSTE"]
    found = asked(chosen.but(kind.moved(-3)), "pud", "HTLB72", "HTLB719")
    assert found["HTLB724", "swap_rste"][0] is Verdict.REFUTED
    assert found["HTLB719", "marker"][0] is Verdict.REFUTED
    assert asked(chosen, "pud", "HTLB724")["HTLB724", "swap_rste"][0] is Verdict.PROVED


def test_a_present_bit_moved_into_a_swap_type_is_caught():
    chosen = layout("s390", "linux-6.13")
    present = chosen.uses[Level.PMD].views["leaf"]["_SEGMENT_ENTRY_PRESENT"]
    found = asked(chosen.but(present.moved(7), level=Level.PMD), "pmd", "HTLB722")
    verdict, entry = found["HTLB722", "swap_rste"]
    assert (verdict, entry) == (Verdict.REFUTED, 0xB0)


def test_a_witness_reads_the_same_without_z3():
    one = next(r for r in Checker().check(layout("s390", "linux-6.12"), [Level.PMD], select(["HTLB717"])) if r.subject == "marker")
    values = dict(one.witness.inputs)
    assert evaluate(one.goal.holds, values) == 0
    assert evaluate(substitute(one.goal.entry, {}), values) == one.witness.entry


# Every claim about hugetlbfs refutes a conversion that has its defect


def converted(change):
    """linux-6.13 with what its conversion from PTEs gives changed, at both levels."""
    chosen = layout("s390", "linux-6.13")
    names = ("__pte_to_rste_pmd", "__pte_to_rste_pud")
    return chosen.but(**{name: lambda k, pte, name=name: change(k, pte, chosen.helper(name)(pte)) for name in names})


def present(k, pte, then, otherwise):
    return ite(k.pte_present(pte), then, otherwise)


@pytest.mark.parametrize(
    ("code", "subject", "change"),
    [
        ("HTLB711", "huge-pte", lambda k, pte, made: clear(made, 0x2000)),
        ("HTLB712", "huge-pte+write", lambda k, pte, made: present(k, pte, made ^ 0x8000, made)),
        ("HTLB713", "huge-pte", lambda k, pte, made: present(k, pte, made ^ 0x8000_0000, made)),
        ("HTLB714", "huge-pte-protnone", lambda k, pte, made: present(k, pte, clear(made, 0x400), made)),
        ("HTLB715", "huge-pte", lambda k, pte, made: present(k, pte, clear(made, 0x200), made)),
        ("HTLB715", "huge-pte-protnone", lambda k, pte, made: present(k, pte, clear(made, 0x20), made)),
        ("HTLB716", "none", lambda k, pte, made: ite(k.pte_none(pte), made | 0x100, made)),
        ("HTLB717", "migration-write", lambda k, pte, made: clear(made, 0x80)),
        ("HTLB719", "none", lambda k, pte, made: made ^ 0x4),
    ],
)
def test_a_wrong_conversion_is_refuted(code, subject, change):
    for level in ("pmd", "pud"):
        assert asked(converted(change), level, code)[code, subject][0] is Verdict.REFUTED, level
        assert asked(layout("s390", "linux-6.13"), level, code)[code, subject][0] is Verdict.PROVED, level


@pytest.mark.parametrize(
    ("code", "helpers"),
    [
        ("HTLB702", {"pte_mkdirty": lambda k, pte: pte}),
        ("HTLB703", {"pte_mkwrite_novma": lambda k, pte: pte}),
        ("HTLB704", {"pte_wrprotect": lambda k, pte: pte}),
        ("HTLB705", {"pte_pfn": lambda k, pte: clear(pte, 0x100000) >> 12}),
        ("HTLB701", {"pte_huge": lambda k, pte: any_of(pte, k["_PAGE_LARGE"]), "arch_make_huge_pte": lambda k, pte: pte}),
    ],
)
def test_a_wrong_huge_pte_is_refuted(code, helpers):
    chosen = layout("s390", "linux-6.13")
    assert asked(chosen.but(**helpers), "pte", code)[code, "huge-pte"][0] is Verdict.REFUTED


@pytest.mark.parametrize(
    ("code", "mask"),
    [("HTLB721", 0x40), ("HTLB723", 0x20), ("HTLB724", 0x4)],
)
def test_a_wrong_swap_codec_is_refuted(code, mask):
    chosen = layout("s390", "linux-6.13")
    wrong = chosen.but(mk_swap_rste=lambda k, kind, offset: chosen.helper("mk_swap_rste")(kind, offset) ^ mask)
    assert asked(wrong, "pmd", code)[code, "swap_rste"][0] is Verdict.REFUTED
    assert asked(chosen, "pmd", code)[code, "swap_rste"][0] is Verdict.PROVED
