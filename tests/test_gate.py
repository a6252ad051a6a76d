"""``diff`` and ``gate``: the layout bugs that shipped, as proposals, in both directions; what is said to wrong input."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner
from jsonschema import Draft4Validator

import cli
from bitspec.render import formats
from tests.test_formats import schema

FOLDER = Path(__file__).parent / "proposals"


def file(name: str) -> str:
    return name if "@" in name else str(FOLDER / f"{name}.toml")


def run(*args: object):
    return CliRunner().invoke(cli.main, [str(arg) for arg in args])


@cache
def gated(old: str, new: str):
    result = run("gate", "--base", file(old), "--proposal", file(new), "--format", "json")
    return result.exit_code, json.loads(result.stdout)


def codes(data, kind: str) -> set[str]:
    return {one["result"]["code"] for one in data[kind]}


#: Right, wrong, and the codes that tell them apart.
PAIRS = {
    "x86-pmd-present-split": ("x86_64@linux-6.12", "x86-pmd-present-split", {"PMD241"}),
    "x86-swp-softdirty-bit": ("x86-swap-v4.14", "x86-swap-v3.7", {"SWP405"}),
    "x86-l1tf-swap": ("x86_64@linux-6.12", "x86-swap-v4.14", {"SWP410"}),
    "generic-radix-type": ("generic-radix-type-after", "generic-radix-type-before", {"SWP418"}),
    "arm64-pmd-semantics": ("arm64@linux-6.1", "arm64-pmd-semantics", {"PMD241", "SWP412"}),
    "arm64-relayout, mutated": ("arm64@linux-6.12", "arm64-relayout-offset-11", {"SWP405"}),
    "riscv-protnone-leaf": ("riscv64@linux-6.1", "riscv-protnone-leaf", {"PMD240", "SWP405", "SWP412"}),
    "s390-pmd-swap, statement 1": ("s390-thp-swap", "s390-pte-format-in-pmd", {"SWP405", "SWP409", "SWP411"}),
    "s390-pmd-swap, v6.13": ("s390@linux-6.13", "s390@linux-6.12", {"HTLB717", "SWP402"}),
    "s390-pud-rw-swapped": ("s390@linux-6.12", "s390-pud-rw-swapped", {"HTLB712"}),
    "m68k-sun3-valid, as it was": ("m68k-sun3-valid", "m68k@linux-6.1", {"SWP405", "SWP409", "LAY802"}),
    "m68k-sun3-valid": ("m68k@linux-6.12", "m68k-sun3-unmasked", {"SWP405", "SWP409", "LAY802"}),
    "nios2-type-bits, as it was": ("nios2-type-bits", "nios2@linux-6.1", {"SWP401", "SWP407", "MIG501"}),
    "nios2-type-bits": ("nios2@linux-6.12", "nios2-two-type-bits", {"SWP401", "SWP407", "MIG501"}),
    "ppc64-pud-present-int": ("powerpc@linux-6.12", "ppc64-pud-present-int", {"PUD335", "PUD341"}),
}
REVIEWED = {name for name, (_, wrong, _) in PAIRS.items() if "@" in wrong}  # what shipped broken is on the list of what is known


@pytest.mark.parametrize("name", PAIRS)
def test_the_breaking_direction_fails_with_the_right_code(name):
    right, wrong, expected = PAIRS[name]
    status, data = gated(right, wrong)
    assert expected <= codes(data, "reviewed" if name in REVIEWED else "broken")
    assert status == (0 if name in REVIEWED else 1)
    for one in data["broken"]:
        assert one["before"] != "refuted"
        assert one["after"] == one["result"]["verdict"] == "refuted"
        assert one["result"]["witness"]["entry"]
        assert one["result"]["source"] == "proposal"
        assert one["result"]["known"] is None


@pytest.mark.parametrize("name", PAIRS)
def test_the_fixing_direction_passes_and_lists_what_was_fixed(name):
    right, wrong, expected = PAIRS[name]
    status, data = gated(wrong, right)
    assert status == 0
    assert expected <= codes(data, "fixed")
    assert not data["broken"]
    assert not data["undecided"]


@pytest.mark.parametrize("file_", sorted(FOLDER.glob("*.toml")), ids=lambda one: one.stem)
def test_every_proposal_is_in_a_pair_or_told_of_below(file_):
    used = {name for right, wrong, _ in PAIRS.values() for name in (right, wrong)}
    assert file_.stem in used | {"arm64-trans-huge-refactor", "riscv-exclusive"}


def test_a_refactoring_changes_nothing():
    args = ("arm64@linux-6.12", file("arm64-trans-huge-refactor"))
    data = json.loads(run("diff", *args, "--format", "json").stdout)
    assert data["helpers"] == data["fields"] == data["others"] == data["broken"] == data["fixed"] == []
    assert data["equal"] > 90
    assert not any(one["lost"] for one in data["capacity"].values())
    assert "no change in meaning" in run("diff", *args).stdout
    assert run("gate", "--base", args[0], "--proposal", args[1], "--strict").exit_code == 0


def test_lost_capacity_fails_only_where_that_is_asked_for():
    args = ("gate", "--base", "riscv64@linux-6.1", "--proposal", file("riscv-exclusive"))
    result = run(*args)
    assert result.exit_code == 0
    assert "lost     swap offset bits 53 -> 52\nlost     maximum swap size 32 EiB -> 16 EiB\n" in result.stdout
    assert run(*args, "--strict").exit_code == 1


def test_arm64_re_layout():
    data = json.loads(run("diff", "arm64@linux-6.1", "arm64@linux-6.12", "--format", "json").stdout)
    moved = {one["name"]: (one["was"], one["bits"]) for one in data["fields"] if one["status"] == "moved" and "swap" in one["entries"]}
    assert moved == {"__SWP_TYPE": ("7:3", "10:6"), "__SWP_OFFSET": ("57:8", "61:12")}
    assert data["capacity"]["swap offset bits"] == {"before": 50, "after": 50, "lost": False}
    found = {one["name"]: one for one in data["helpers"]}
    assert found["pte_present"]["witness"] == {"inputs": {"arg0": "0x800"}, "before": "0x0", "after": "0x1"}
    assert (found["pmd_special"]["verdict"], found["pmd_huge"]["verdict"]) == ("added", "removed")
    assert not data["broken"]
    assert {one["known"] for one in data["reviewed"]} <= {"guarded", "latent", "cosmetic", "reachable"}


def test_diff_never_fails():
    result = run("diff", "x86_64@linux-6.12", file("x86-swap-v3.7"))
    assert result.exit_code == 0
    assert ">> refuted SWP405 swap-entry-looks-present: migration-read, pmd, was proved" in result.stdout


def test_what_is_refuted_of_both_does_not_fail():
    status, data = gated("powerpc@linux-6.12", "powerpc@linux-6.12")
    assert (status, data["broken"], data["others"]) == (0, [], [])
    assert data["summary"]["standing"] > 10


@pytest.mark.parametrize("form", formats())
def test_every_format_of_check_shows_what_is_new_and_nothing_else(form):
    result = run("gate", "--base", "powerpc@linux-6.12", "--proposal", file("ppc64-pud-present-int"), "--format", form)
    assert result.exit_code == 1
    assert "PUD335" in result.stdout
    assert "PMD211" not in result.stdout  # refuted before and after
    if form == "text":
        assert len(re.findall(r"^>> refuted ", result.stdout, re.MULTILINE)) == len(gated("powerpc@linux-6.12", "ppc64-pud-present-int")[1]["broken"])


def test_sarif_of_a_gate_is_valid_and_a_proposal_is_no_file_of_ours():
    result = run("gate", "--base", "powerpc@linux-6.12", "--proposal", file("ppc64-pud-present-int"), "--format", "sarif")
    data = json.loads(result.stdout)
    assert not list(Draft4Validator(schema()).iter_errors(data))
    places = [one["locations"][0]["physicalLocation"]["artifactLocation"] for one in data["runs"][0]["results"]]
    assert {one.get("uriBaseId") for one in places} == {None, "BITSPEC"}
    assert all(one["uri"].endswith(".toml") for one in places if "uriBaseId" not in one)
    assert {one["properties"]["source"] for one in data["runs"][0]["results"]} == {"proposal"}


def test_a_query_that_takes_too_long_is_no_answer():
    result = run("gate", "--base", "x86_64@linux-6.12", "--proposal", file("x86-swap-v4.14"), "--timeout", "0.000001", "--format", "json")
    assert result.exit_code in (1, 3)  # a query may be done before the clock is looked at
    if result.exit_code == 3:
        assert json.loads(result.stdout)["undecided"]


BASE = '[base]\nlayout = "x86_64@linux-6.12"\n'
WRONG = {
    "no file": (None, "No such file or directory"),
    "no toml": ("[base", "a proposal must be TOML"),
    "architecture": ('[base]\nlayout = "sparc"\n', "base: unknown architecture 'sparc'"),
    "variant": (BASE + 'variant = "9-level"\n', "base: unknown variant of x86_64 '9-level'"),
    "other architecture": ('[base]\nlayout = "arm64"\n', "two layouts must be of one architecture to be compared, not of x86_64 and arm64"),
    "hardware bit": (
        BASE + '[[field]]\nname = "_PAGE_PRESENT"\nbits = "9"\n',
        "x.toml:3: field _PAGE_PRESENT: _PAGE_PRESENT is a hardware bit (Intel SDM vol. 3A, chapter 4) and must stay where it is",
    ),
    "a setter that counts": (
        BASE + '[[helper]]\nname = "pmd_clear_soft_dirty"\nexpression = "0x200 - arg0"\n',
        "the setters of a pmd must lead to at most 16384 combinations of attribute bits",
    ),
    "a codec that is none": (
        BASE + '[[field]]\nname = "SWP_TYPE"\nentry = "swap"\nbits = "63,58:55"\n',
        "SWP_TYPE must be in one piece to have a shift, not in 2",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize("command", [("diff", "x86_64@linux-6.12"), ("gate", "--base", "x86_64@linux-6.12", "--proposal")], ids=["diff", "gate"])
def test_wrong_input_is_one_line_and_exit_2(kind, command, tmp_path):
    text, words = WRONG[kind]
    path = tmp_path / "x.toml"
    if text is not None:
        path.write_text(text)
    result = run(*command, path)
    assert result.exit_code == 2, result.output
    assert words in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert result.stdout == ""


def test_variant_and_config_are_the_same_on_both_sides(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text('[base]\nlayout = "arm64@linux-6.12"\nvariant = "64k-52"\nconfig = "minimal"\n')
    result = run("gate", "--base", "arm64@linux-6.12", "--proposal", path)
    assert result.exit_code == 0
    assert result.stdout.startswith("arm64@linux-6.12 -> arm64@linux-6.12+x (64k-52, config minimal)\n")
    wrong = run("gate", "--base", "arm64@linux-6.12", "--proposal", path, "--variant", "4k-48")
    assert (wrong.exit_code, wrong.stderr) == (2, "bitspec: both must be of one variant, not of 64k-52 and 4k-48\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("gate",), "gate takes --base and --proposal, or --kernel"),
        (("gate", "--base", "s390"), "gate takes --base and --proposal, or --kernel"),
        (("gate", "--proposal", "s390"), "gate takes --base and --proposal, or --kernel"),
        (("gate", "x.mbox"), "gate takes --base and --proposal, or --kernel"),
        (("gate", "--base", "s390", "--proposal", "s390", "--head", "x"), "go with --kernel"),
        (("gate", "--base", "s390", "--proposal", "s390", "--arch", "s390"), "go with --kernel"),
        (("gate", "--base", "s390", "--proposal", "s390", "--variant", "all"), "one variant and one config"),
        (("gate", "--kernel", "{tree}", "--head", "x"), "--head must come with --base"),
        (("gate", "--kernel", "{tree}", "--base", "x", "--head", "y", "{tree}/Makefile"), "no --head with patches"),
        (("gate", "--kernel", "{tree}", "--proposal", "x.toml"), "no --proposal"),
        (("gate", "--kernel", "{tree}", "--base", "v6.99"), "not the top folder of a git repository"),
        (("gate", "--kernel", "{tree}", "{tree}/none.mbox"), "No such file"),
        (("gate", "--kernel", "{tree}", "{tree}/Makefile"), "there must be a patch in it, and there is none"),
        (("gate", "--kernel", "{tree}/none", "{tree}/Makefile"), "no such folder"),
        (("gate", "--kernel", "{tree}/include", "{tree}/Makefile"), "a kernel tree must have a Makefile"),
        (("gate", "--kernel", "{tree}", "{tree}/Makefile", "--format", "htlm"), "unknown format 'htlm'"),
        (("diff", "{tree}", "s390"), "both be kernel trees, or neither"),
        (("diff", "{tree}@v1", "{tree}", "--arch", "s390"), "not the top folder of a git repository"),
        (("diff", "{tree}", "{tree}", "--arch", "s309"), "unknown architecture 's309'"),
        (("diff", "s390", "s390", "--arch", "s390"), "--arch, --all-configs, --sandbox and --cc are for kernel trees"),
        (("baseline", "check", "s390", "--baseline", "{tree}/none.toml"), "does not exist"),
        (("baseline", "write", "s390", "-o", "{tree}/none/baseline.toml"), "no such folder"),
    ],
)
def test_wrong_usage_is_one_line(arguments, says, tmp_path):
    pytest.importorskip("llvmlite")
    pytest.importorskip("ziglang")
    from tests.patches.repository import folder

    tree = folder(tmp_path / "tree")
    result = run(*(word.format(tree=tree) for word in arguments))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1
    assert says in result.stderr


def test_a_proposal_is_judged_against_its_own_base():
    path = file("arm64-relayout-offset-11")
    short, long = run("gate", "--proposal", path, "--format", "terse"), run("gate", "--base", "arm64@linux-6.12", "--proposal", path, "--format", "terse")
    assert (short.exit_code, short.stdout) == (long.exit_code, long.stdout) == (1, long.stdout)
