"""The whole way without a kernel tree: a header written from a declared layout is lifted and held against it."""

from __future__ import annotations

from pathlib import Path

import pytest

from archs import discover
from bitspec.layout import Layout
from bitspec.lift.lifting import Lifting
from bitspec.read.as_int import evaluate
from proofs.conform import DIFFERENT, EQUAL, Agreement, Conformance, conform, render
from tests.lift.declared import header
from tests.lift.toy import lift_toy

pytest.importorskip("llvmlite")
pytest.importorskip("ziglang")

LAYOUTS = [
    ("x86_64", "linux-6.12", "4-level"),
    ("arm64", "linux-6.12", "64k-52"),
    ("loongarch64", "linux-6.12", "4k"),
    ("powerpc", "linux-6.12", "hash-4k"),
    ("riscv64", "linux-6.12", "sv39"),
    ("riscv64", "linux-6.19", "sv48-svrsw60t59b"),
    ("s390", "linux-6.12", "z10"),
]


def held(layout: Layout, folder: Path, **instead: str) -> Conformance:
    return conform(layout, lift_toy(header(layout, **instead), folder))


def one(found: Conformance, name: str) -> Agreement:
    return next(each for each in found.results if each.name == name)


@pytest.mark.parametrize(("arch", "release", "variant"), LAYOUTS)
def test_a_header_made_from_a_layout_is_equal_to_it(arch: str, release: str, variant: str, tmp_path: Path) -> None:
    layout = discover.layout(arch, release, variant)
    found = held(layout, tmp_path)
    wrong = [each for each in found.results if each.verdict not in (EQUAL, "not-applicable")]
    assert not wrong
    compared = {each.name for each in found.results if each.verdict == EQUAL}
    assert {name for name in layout.helpers if layout.has(name)} <= compared
    assert found.status == 0


def test_a_difference_has_the_smallest_witness_and_both_definitions(tmp_path: Path) -> None:
    layout = discover.layout("x86_64", "linux-6.12", "4-level")
    found = held(layout, tmp_path, pmd_present="(arg0 & 0x101) != 0")  # without _PAGE_PSE
    wrong = one(found, "pmd_present")
    assert wrong.verdict == DIFFERENT
    assert wrong.difference is not None
    assert wrong.difference.inputs == (("arg0", 0x80),)
    assert (wrong.difference.declared, wrong.difference.lifted) == (1, 0)
    assert wrong.places.declared.startswith("archs/x86_64/linux_6_12.py:")
    assert wrong.places.lifted.startswith("kernel.h:") or wrong.places.lifted.endswith(tuple("0123456789"))
    assert found.status == 1
    assert [each.name for each in found.results if each.verdict == DIFFERENT] == ["pmd_present"]
    text = "\n".join(render(found))
    assert "different      pmd_present" in text
    assert "for arg0 = 0x80" in text
    assert "1 different" in text


@pytest.mark.parametrize(
    "name", ["pte_pfn", "__swp_entry", "pmd_modify", "pfn_pud", "pud_populate", "pte_clear", "pte_to_swp_entry", "pmd_access_permitted_write"]
)
def test_one_flipped_bit_is_found_wherever_it_is(name: str, tmp_path: Path) -> None:
    from bitspec.read.as_c import c_text
    from tests.lift.declared import _body

    layout = discover.layout("x86_64", "linux-6.12", "4-level")
    text = f"({c_text(_body(layout, name))}) ^ (1ul << {0 if name.endswith('_write') else 17})"
    found = held(layout, tmp_path, **{name: text})
    assert [each.name for each in found.results if each.verdict == DIFFERENT] == [name]


def test_a_witness_is_a_difference_for_the_int_reading_too(tmp_path: Path) -> None:
    layout = discover.layout("s390", "linux-6.12", "z14")
    found = held(layout, tmp_path, pte_mkyoung="arg0 | 4")
    wrong = one(found, "pte_mkyoung").difference
    assert wrong is not None
    helper = layout.helper("pte_mkyoung")
    value = dict(wrong.inputs)["arg0"]
    assert evaluate(helper.body, {helper.params[0]: value}) == wrong.declared != wrong.lifted == value | 4


def test_a_helper_the_tree_lacks_is_not_applicable_with_the_reason(tmp_path: Path) -> None:
    layout = discover.layout("x86_64", "linux-6.12", "4-level")
    text = "\n".join(line for line in header(layout).splitlines() if " pte_mkspecial(" not in line)
    found = conform(layout, lift_toy(text, tmp_path))
    lost = one(found, "pte_mkspecial")
    assert (lost.verdict, lost.reason) == ("not-applicable", "the tree has no pte_mkspecial in this configuration")


def test_a_difference_that_rests_on_an_unknown_symbol_says_so(tmp_path: Path) -> None:
    layout = discover.layout("x86_64", "linux-6.12", "4-level")
    text = f"extern u64 mystery;\n{header(layout, pte_young='(arg0 & mystery) != 0')}"
    found = conform(layout, lift_toy(text, tmp_path))
    assert "rests on mystery, of which nothing is known" in "\n".join(render(found))
    pinned = conform(layout, lift_toy(text, tmp_path, pins={"mystery": 0x20}))
    assert one(pinned, "pte_young").verdict == EQUAL


def test_undefined_behaviour_is_a_finding(tmp_path: Path) -> None:
    layout = discover.layout("x86_64", "linux-6.12", "4-level")
    found = held(layout, tmp_path, __swp_type="arg0 >> (arg0 == 5 ? 64 + (arg0 & 1) : 59)")
    assert any("undefined behaviour in C for arg0=0x5" in note for note in one(found, "__swp_type").notes)


def test_a_second_run_comes_from_the_cache_and_a_changed_header_does_not(tmp_path: Path) -> None:
    layout = discover.layout("x86_64", "linux-6.12", "4-level")
    lift_toy(header(layout), tmp_path)
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.ll")}
    lift_toy_again = lift_toy_unchanged(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.ll")} == kept
    assert lift_toy_again.item("pte_young").outcome is not None
    lift_toy(header(layout, pte_young="0"), tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.ll")} != kept


def lift_toy_unchanged(folder: Path) -> Lifting:
    """Lift again without touching the header."""
    from bitspec.lift.build import Source, compile_all
    from bitspec.lift.lifting import read
    from bitspec.lift.translate import Rules
    from bitspec.lift.tree import Build
    from bitspec.lift.wrappers import addresses, constants, helpers
    from tests.lift.toy import TRIPLE, C, clang

    lines = (*helpers({}), *addresses(), *constants())
    flags = ("-std=gnu11", "-ffreestanding", f"-I{C}", f"-I{folder}")
    (compiled,) = compile_all([Source(clang(), TRIPLE, flags, ("toy.h", "kernel.h"), lines, folder, "toy", folder, tree=False)])
    build = Build(folder, folder, "toy", "6.12", (), frozenset())
    return Lifting(build, "toy", {one.name: one for one in read(compiled, Rules(), "toy", lines)}, {}, ())
