"""The commands: what they print, and how they exit."""

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

import cli
from archs import discover, machines
from bitspec.mmu import emulator


def run(*arguments):
    return CliRunner().invoke(cli.main, arguments)


def test_replay_shows_both_sides():
    result = run("replay", "s390@linux-6.12", "pmd", "0x1600")
    assert result.exit_code == 0
    assert "pmd 0x0000000000001600" in result.stdout
    assert "load   machine: address 0x7128" in result.stdout
    assert "specification: leaf, frame 0x0  (agree)" in result.stdout
    assert "store  machine: fault" in result.stdout


def test_replay_shows_what_the_walk_writes_and_where_it_leads():
    result = run("replay", "x86_64", "pmd", "0x4080", "0x12345007")
    assert result.exit_code == 0
    assert result.stdout.count("machine: fault") == 3
    assert "after reading a lower table at 0x12345038, wrote 0x20" in result.stdout
    assert "table at 0x12345000, may write 0x20  (agree)" in result.stdout


def test_replay_explains_a_known_limitation():
    result = run("replay", "powerpc", "pmd", "0x8000000000000016")
    assert result.exit_code == 0
    assert "differ: reserved expected, table followed" in result.stdout
    assert "known limitation: a radix tree must" in result.stdout


def test_replay_owns_up_where_it_cannot_see():
    own = machines.machine("x86_64", "4-level").emulator.base + 0x5000
    result = run("replay", "x86_64", "pmd", hex(own | 7))
    assert result.exit_code == 0
    assert result.stdout.count("known limitation: the table would be one of the machine's own") == 3


def test_confirm_prints_counts_and_a_rate(few):
    result = run("confirm", "s390", "--variant", "z10", "--samples", "0", "--seed", "3")
    assert result.exit_code == 0
    assert "0 unexplained differences" in result.stdout
    assert " a second" in result.stdout
    assert {f"SX01={quarter}" in result.stdout for quarter in range(4)} == {True}  # one machine for each of the circumstances


def test_a_difference_exits_with_1(few, monkeypatch):
    right = machines.machine

    def wrong(arch, variant):
        made = right(arch, variant)
        return replace(made, circumstances={"MAXPHYADDR": 38, "NXE": 1})

    monkeypatch.setattr(machines, "machine", wrong)
    assert run("replay", "x86_64", "pte", "0x8000000007").exit_code == 1
    result = run("confirm", "x86_64", "--samples", "600")
    assert result.exit_code == 1
    assert "DIFFERS" in result.stdout


WRONG = [
    (("confirm", "vax"), "unknown architecture 'vax'"),
    (("confirm", "x86_64", "--variant", "4-level-knl"), "cannot be emulated: no emulator has the erratum"),
    (("confirm", "powerpc", "--variant", "hash-4k"), "cannot be emulated: the MMU does not walk these tables"),
    (("replay", "x86_64", "pmd", "0x1ffffffffffffffff"), "must fit into 64 bits"),
    (("replay", "x86_64", "pmd", "many"), "must be a number"),
    (("replay", "x86_64", "p4d", "0"), "p4d"),
    (("replay", "x86_64@linux-1.0", "pmd", "0"), "linux-1.0"),
]


@pytest.mark.parametrize(("arguments", "said"), WRONG, ids=lambda value: " ".join(value) if isinstance(value, tuple) else "")
def test_wrong_input_is_one_line(arguments, said):
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


@pytest.mark.parametrize("command", [("replay", "x86_64", "pmd", "0"), ("confirm", "arm64")])
def test_without_the_extra_it_says_how_to_install_it(command, monkeypatch):
    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(emulator, "import_module", absent)
    result = run(*command)
    assert result.exit_code == 2
    assert result.stderr == "bitspec: an emulated MMU needs unicorn: pip install 'bitspec-pgtable[mmu]'\n"


def test_another_version_is_refused(monkeypatch):
    monkeypatch.setattr(emulator, "VERSION", "9.9.9")
    result = run("confirm", "s390")
    assert result.exit_code == 2
    assert "needs unicorn 9.9.9, not 2.1.4" in result.stderr


def test_a_broken_set_up_is_an_internal_error(monkeypatch):
    from archs.x86_64 import mmu

    monkeypatch.setattr(machines, "machine", lambda arch, variant: mmu.machine(variant, minefield=False))
    result = run("replay", "x86_64", "pmd", "0")
    assert result.exit_code == 4
    assert "nothing was read there" in result.stderr


def test_helps_have_examples():
    for command in ("replay", "confirm"):
        assert "Example:" in run(command, "--help").stdout


def test_s390_needs_proc(monkeypatch):
    from archs.s390 import mmu

    def denied(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(mmu.os, "open", denied)
    result = run("replay", "s390", "pmd", "0")
    assert result.exit_code == 2
    assert "/proc/self/mem" in result.stderr


def test_check_replays_the_witnesses_about_the_hardware(monkeypatch):
    monkeypatch.setattr(discover, "known", lambda arch: ())
    proposal = discover.layout("s390", "linux-6.12").but(__swp_entry_to_pmd=lambda k, swp: swp, __pmd_to_swp_entry=lambda k, pmd: pmd)
    monkeypatch.setattr(discover, "layout", lambda *names: proposal)
    result = CliRunner().invoke(cli.main, ["check", "s390", "--level", "pmd", "--select", "SWP409,SWP405", "--replay", "--format", "json"])
    witnesses = {one["code"]: one["witness"] for one in json.loads(result.stdout)["results"] if one["witness"] and one["subject"] == "swap"}
    assert witnesses["SWP409"]["entry"] == "0x0000000000001600"
    assert witnesses["SWP409"]["replayed"].startswith("confirmed on unicorn")
    assert "replayed" not in witnesses["SWP405"]
