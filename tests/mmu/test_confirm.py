"""The hardware facts agree with the emulated MMUs; facts that are wrong do not."""

from dataclasses import replace

import pytest

from archs import discover, machines
from archs.m68k import mmu as m68k
from archs.s390 import mmu as s390
from bitspec.expr import any_of, bit, ite, zext
from bitspec.hardware import Access, Update
from bitspec.mmu.compare import Comparer
from bitspec.mmu.expected import expected
from bitspec.vocabulary import Level
from proofs.confirm import NEVER_WALKED, confirm, render, replay, verdict
from proofs.known import Known
from tests.mmu.test_controls import ALL

PTE, PMD, PUD = Level


WALKED = {"loongarch64": {(PMD, "marker", "SWP409")}}
"""Bugs that shipped, which the machine shows: the entries are no fault."""


@pytest.mark.parametrize(("arch", "variant"), ALL)
def test_states_and_random_entries_agree(arch, variant, few):
    found = confirm(discover.layout(arch, None, variant), machines.machine(arch, variant), samples=1500, known=discover.known(arch))
    assert found.status == 0, "\n".join(render(found))
    assert {(one.level, state, known.code) for one in found.levels for state, known in one.refuted} == WALKED.get(arch, set())
    assert found.questions > 5_000 * len(found.levels)
    for one in found.levels:
        assert {"invalid", "refused"} <= set(one.outcomes)
        assert set(one.states) & set(NEVER_WALKED)


def test_pairs_of_bits_agree():
    found = confirm(discover.layout("x86_64"), machines.machine("x86_64", "4-level"), samples=0, levels=[PMD])
    assert found.status == 0
    assert found.questions > 50_000
    assert found.levels[0].outcomes["table"] > 1000


# Facts that are wrong


def sees(change):
    """A walk that takes an entry for another one."""
    return lambda level: replace(level, walk=lambda entry, access, context: level.walk(change(entry), access, context))


def swapped(entry, one, other):
    a, b = zext(bit(entry, one), entry.width), zext(bit(entry, other), entry.width)
    return entry & ~(entry ^ entry | 1 << one | 1 << other) | a << other | b << one


def stores_count_as_loads(level):
    return replace(level, walk=lambda entry, access, context: level.walk(entry, Access.LOAD if access is Access.STORE else access, context))


def without_updates(level):
    return replace(level, updates=())


def dirty_on_load(level):
    return replace(level, updates=tuple(Update(one.name, one.when, one.result, one.source) for one in level.updates))


def store_sets(bits):
    """The last update, which a store makes, sets other bits."""
    return lambda level: replace(level, updates=(*level.updates[:-1], replace(level.updates[-1], result=lambda entry: entry | bits)))


def frame_is(change):
    def wrong(level):
        def walk(entry, access, context):
            found = level.walk(entry, access, context)
            return replace(found, frame=change(found.frame, entry))

        return replace(level, walk=walk)

    return wrong


WRONG = [
    ("x86_64", "4-level", PTE, "bit 8 makes an entry present, too", sees(lambda entry: entry | zext(bit(entry, 8), 64))),
    ("x86_64", "4-level", PMD, "PS is bit 8", sees(lambda entry: swapped(entry, 7, 8))),
    ("x86_64", "4-level", PMD, "bits below a large frame are ignored", sees(lambda entry: ite(bit(entry, 7), entry & ~(entry ^ entry | 0x1FE000), entry))),
    ("x86_64", "5-level", PUD, "a large frame is aligned to 2G", frame_is(lambda frame, entry: frame & 0xFFF80000)),
    ("x86_64", "4-level", PTE, "XD is bit 62", sees(lambda entry: swapped(entry, 63, 62))),
    ("x86_64", "5-level", PTE, "A and D are the kernel's to set", without_updates),
    ("x86_64", "4-level", PTE, "D is set by a load", dirty_on_load),
    ("x86_32", "pae", PTE, "bits 62:52 are ignored, as in IA-32e paging", sees(lambda entry: entry & ~(entry ^ entry | 0x7FF << 52))),
    ("x86_32", "pae", PMD, "XD is bit 62", sees(lambda entry: swapped(entry, 63, 62))),
    ("x86_32", "2-level", PMD, "a 4-MB page is one below 4 GB", frame_is(lambda frame, entry: frame & 0xFFFFF)),
    ("x86_32", "2-level", PMD, "bit 21 is ignored", sees(lambda entry: ite(bit(entry, 7), entry & ~(entry ^ entry | 1 << 21), entry))),
    ("x86_32", "2-level", PTE, "A and D are the kernel's to set", without_updates),
    ("s390", "z14", PMD, "I stands where a PTE has it", sees(lambda entry: swapped(entry, 5, 10))),
    ("s390", "z14", PMD, "the common-segment bit is ignored", sees(lambda entry: entry & ~(entry ^ entry | 0x10))),
    ("s390", "z14", PTE, "bit 52 is ignored", sees(lambda entry: entry & ~(entry ^ entry | 0x800))),
    ("s390", "z14", PUD, "TT is ignored", sees(lambda entry: entry & ~(entry ^ entry | 0xC) | 4)),
    ("s390", "z13", PTE, "DAT protection is advice", stores_count_as_loads),
    ("arm", "lpae", PTE, "01 is a page", sees(lambda entry: entry | zext(bit(entry, 0), 64) << 1)),
    ("arm", "lpae", PTE, "old leaves translate", sees(lambda entry: entry | 1 << 10)),
    ("arm", "lpae", PMD, "AP[1] and AP[2] are swapped", sees(lambda entry: swapped(entry, 6, 7))),
    ("arm", "lpae", PMD, "addresses have 36 bits", sees(lambda entry: entry & 0xFFFF_FF0F_FFFF_FFFF)),
    ("arm", "2-level", PTE, "AP[2] is advice", stores_count_as_loads),
    ("arm", "2-level", PTE, "old pages have a descriptor", sees(lambda entry: entry | 2)),
    ("arm64", "4k-48", PTE, "old leaves translate", sees(lambda entry: entry | 1 << 10)),
    ("arm64", "16k-48", PTE, "01 is a page", sees(lambda entry: entry | zext(bit(entry, 0), 64) << 1)),
    ("arm64", "64k-48", PMD, "AP[1] and AP[2] are swapped", sees(lambda entry: swapped(entry, 6, 7))),
    ("arm64", "4k-48", PMD, "UXNTable is bit 59", sees(lambda entry: swapped(entry, 60, 59))),
    ("powerpc", "radix-64k", PTE, "L is ignored", sees(lambda entry: entry | 1 << 62)),
    ("powerpc", "radix-4k", PMD, "privileged leaves are everyone's", sees(lambda entry: ite(bit(entry, 62), entry & ~(entry ^ entry | 8), entry))),
    ("powerpc", "radix-4k", PUD, "R makes an entry valid", sees(lambda entry: entry | zext(any_of(entry, 0x100), 64) << 63)),
    ("powerpc", "radix-64k", PMD, "C is set by a load", dirty_on_load),
    ("riscv64", "sv48", PTE, "W without R is a store's", sees(lambda entry: entry | zext(bit(entry, 2), 64) << 1)),
    ("riscv64", "sv39", PMD, "X alone is a pointer", sees(lambda entry: ite(any_of(entry, 6), entry, entry & ~(entry ^ entry | 8)))),
    ("riscv64", "sv57", PUD, "a superpage may be misaligned", sees(lambda entry: entry & ~(entry ^ entry | 0x0FFFFC00))),
    ("riscv64", "sv48-base", PTE, "U is bit 5", sees(lambda entry: swapped(entry, 4, 5))),
    ("riscv64", "sv48", PTE, "A and D are the kernel's to set", without_updates),
    ("mips64", "4k", PTE, "RI and XI are swapped", sees(lambda entry: swapped(entry, 6, 7))),
    ("mips64", "16k", PTE, "the refill does not shift", sees(lambda entry: entry >> 1)),
    ("mips64", "16k", PTE, "PageMask takes nothing of the PFN", frame_is(lambda frame, entry: frame | entry >> 14 & 1)),
    ("mips64", "4k", PMD, "a huge page has one half", frame_is(lambda frame, entry: frame & ~(frame ^ frame | 0x100))),
    ("mips64", "4k", PMD, "huge is bit 5", sees(lambda entry: swapped(entry, 4, 5))),
    ("mips64", "4k", PTE, "a store needs the present bit", sees(lambda entry: ite(bit(entry, 0), entry, entry & ~(entry ^ entry | 2)))),
    ("mips64", "4k", PTE, "nobody notes an access", without_updates),
    ("loongarch64", "16k", PTE, "NX is bit 60", sees(lambda entry: swapped(entry, 62, 60))),
    ("loongarch64", "16k", PTE, "D and W are swapped", sees(lambda entry: swapped(entry, 1, 8))),
    ("loongarch64", "4k", PMD, "H is bit 5", sees(lambda entry: swapped(entry, 6, 5))),
    ("loongarch64", "4k", PMD, "a huge page has one half", frame_is(lambda frame, entry: frame & ~(frame ^ frame | 0x100))),
    ("loongarch64", "4k", PTE, "V alone is set by a store", lambda level: replace(level, updates=level.updates[1:])),
    ("m68k", "motorola", PTE, "W and U are swapped", sees(lambda entry: swapped(entry, 2, 3))),
    ("m68k", "motorola", PTE, "10 is a page", sees(lambda entry: entry | zext(bit(entry, 1), 32))),
    ("m68k", "motorola", PTE, "an indirect address is a doubleword's", sees(lambda entry: ite(bit(entry, 0), entry, entry & ~(entry ^ entry | 4)))),
    ("m68k", "motorola", PTE, "S is bit 8", sees(lambda entry: swapped(entry, 7, 8))),
    ("m68k", "motorola", PTE, "M is bit 5", store_sets(1 << 5)),
    ("m68k", "motorola", PTE, "M is set by a load", dirty_on_load),
    ("m68k", "motorola", PTE, "U and M are the kernel's to set", without_updates),
    ("m68k", "motorola", PMD, "01 leads to a table", sees(lambda entry: entry | zext(bit(entry, 0), 32) << 1)),
    ("m68k", "motorola", PMD, "a page table has 512 bytes", sees(lambda entry: entry & ~(entry ^ entry | 0x100))),
    ("m68k", "motorola", PMD, "W of an upper level is advice", stores_count_as_loads),
    ("m68k", "motorola", PMD, "U is the kernel's to set", without_updates),
]


@pytest.mark.parametrize(("arch", "variant", "level", "name", "wrong"), WRONG, ids=lambda value: value if isinstance(value, str) and " " in value else "")
def test_a_wrong_fact_is_caught(arch, variant, level, name, wrong):
    from bitspec.mmu import values

    right = discover.layout(arch, None, variant).hardware
    facts = wrong(right.level(level))
    machine = machines.machine(arch, variant)
    comparer = Comparer(machine, level, expected(replace(right, levels={**right.levels, level: facts}), level, machine.circumstances))
    on = values.bases(facts, machine.slots[level])
    found = next((one for entry in values.structured(facts, on) for one in comparer.ask(entry) if one.known is None), None)
    assert found is not None, name
    least = comparer.minimal(found)
    assert least.kind == found.kind
    assert least.entry & ~found.entry == 0


def test_a_wrong_circumstance_is_caught(few):
    layout = discover.layout("x86_64")
    machine = machines.machine("x86_64", "4-level")
    wrong = replace(machine, circumstances={"MAXPHYADDR": 41, "NXE": 1})
    found = confirm(layout, wrong, samples=3000, levels=[PTE])
    least = {one.entry for one, _, _ in found.levels[0].differences}
    assert found.status == 1
    assert all(entry >> 40 & 1 for entry in least)


def test_a_missing_private_space_is_caught(few):
    found = confirm(discover.layout("s390"), s390.machine("z14", private=False), samples=2000, levels=[PMD])
    assert {one.kind for one, _, _ in found.levels[0].differences} >= {"reserved expected, leaf answered"}


# What the kernel holds to be not present


def test_the_s390_witness_translates():
    """A PTE-format swap entry has the PTE's I where a segment-table entry has FC: it maps a frame."""
    load, store, fetch = replay(discover.layout("s390", "linux-6.12"), s390.machine("z14"), PMD, 0x1600)
    assert load.answer.address == fetch.answer.address == 0x07128
    assert load.expected.outcome == "leaf"
    assert store.answer.address is None
    assert [one.kind for one in (load, store, fetch)] == [None] * 3


def test_a_verdict_is_one_line():
    layout, machine = discover.layout("x86_64"), machines.machine("x86_64", "4-level")
    assert verdict(machine, replay(layout, machine, PMD, 0x4080)).startswith("confirmed on unicorn 2.1.4")
    wrong = replace(machine, circumstances={"MAXPHYADDR": 39, "NXE": 1})
    assert verdict(wrong, replay(layout, wrong, PTE, 1 << 39 | 7)).endswith("load: reserved expected, leaf answered")
    power = machines.machine("powerpc", "radix-4k")
    rows = replay(discover.layout("powerpc", None, "radix-4k"), power, PMD, 1 << 63 | 22)
    assert verdict(power, rows).startswith("not decided by")


def test_a_swap_entry_that_is_walked_is_reported_though_the_facts_are_right(few):
    old = discover.layout("s390").but(__swp_entry_to_pmd=lambda k, entry: k.helper("__swp_entry_to_pte")(entry))
    found = confirm(old, s390.machine("z14"), samples=0, levels=[PMD])
    differences = [(one.kind, state) for one, _, state in found.levels[0].differences]
    assert ("an entry that the kernel holds to be not present is walked", "swap") in differences
    assert any("DIFFERS" in line and "in a swap entry" in line for line in render(found))


@pytest.mark.parametrize(("subject", "status"), [("swap", 0), ("marker", 1)])
def test_a_walk_is_a_known_refutation_only_of_the_state_that_is_listed(subject, status, few):
    old = discover.layout("s390").but(__swp_entry_to_pmd=lambda k, entry: k.helper("__swp_entry_to_pte")(entry))
    listed = Known("SWP409", (subject,), (old.release,), ("pmd",), "reachable", "a PTE's I is FC here")
    found = confirm(old, s390.machine("z14"), samples=0, levels=[PMD], known=[listed])
    assert found.status == status
    assert list(found.levels[0].refuted) == [("swap", listed)] * (not status)
    assert {state for _, _, state in found.levels[0].differences} == {"swap"} - {one.subjects[0] for one in [listed]}
    assert ("known refutation" in "\n".join(render(found))) == (not status)


def test_a_walk_into_a_lower_table_is_no_fault():
    """Without I a segment-table entry leads to a table: the minefield tells that from a fault."""
    (load, *_) = replay(discover.layout("s390"), s390.machine("z14"), PMD, 0x12345000)
    assert load.answer.reads
    assert load.expected.outcome == "table"


def test_an_indirect_descriptor_is_followed_to_a_word():
    """What QEMU writes in its place is that word, with U in it; the machine's minefield has U and M set, so that nothing is written."""
    layout = discover.layout("m68k")
    for machine, written, kind in ((m68k.machine("motorola"), 0x98700006, None), (m68k.machine("motorola", used=False), 0x7650000B, "other bits written")):
        load, *_ = replay(layout, machine, PTE, 0x98700006)
        assert (load.answer.reads, load.expected.where) == ((0x98700004,), 0x98700004)
        assert (load.answer.after, load.kind) == (written, kind)


def test_m68k_sets_m_where_the_store_is_refused():
    """Of a supervisor-only page alone; a store that W refuses, and a load, set U and no more."""
    layout, machine = discover.layout("m68k"), machines.machine("m68k", "motorola")
    load, store, _ = replay(layout, machine, PTE, 0x98700081)
    assert (load.answer.after, load.kind) == (0x98700089, None)
    assert (store.answer.address, store.answer.after) == (None, 0x98700099)
    assert "QEMU 5.0 writes U and M before it looks at S" in store.known
    assert replay(layout, machine, PTE, 0x98700085)[1].kind is None


def test_the_limitations_of_an_emulator_are_named(few):
    found = confirm(discover.layout("arm64", None, "16k-48"), machines.machine("arm64", "16k-48"), samples=2000, levels=[PUD])
    assert found.status == 0
    assert "level 1 blocks with 16K and 64K pages" in found.levels[0].known
    assert any("lpae_block_desc_valid" in line for line in render(found))
