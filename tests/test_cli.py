"""The command line: exit statuses, one line for wrong input, output for a terminal, a pipe and a program."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

import cli
from archs import discover
from proofs.claim import by_code


def run(*args: str):
    return CliRunner().invoke(cli.main, [str(arg) for arg in args])


def test_everything_shipped_is_proved_or_known():
    result = run("check", "--format", "json")
    data = json.loads(result.stdout)
    assert result.exit_code == 0
    assert data["summary"]["refuted"] == data["summary"]["unknown"] == 0
    assert data["stale"] == []
    known = [one for one in data["results"] if one["verdict"] == "refuted"]
    assert known
    assert all(one["known"]["class"] and one["known"]["reason"] and one["witness"]["entry"] for one in known)
    assert all(one["known"]["guards"] for one in known if one["known"]["class"] == "guarded")


@pytest.mark.parametrize("arch", discover.architectures())
def test_every_release_and_variant_is_proved_or_known(arch):
    targets = [f"{arch}@{release}" for release in discover.releases(arch)]
    result = run("check", *targets, "--variant", "all", "--format", "terse")
    assert result.exit_code == 0, result.stdout[-2000:]


@pytest.mark.parametrize("config", ["no-soft-dirty", "no-uffd-wp", "no-device-private", "minimal"])
def test_every_config_is_proved_or_known(config):
    result = run("check", "--config", config, "--format", "terse")
    assert result.exit_code == 0, result.stdout[-2000:]


WRONG = {
    "architecture": (("check", "sparc"), "unknown architecture 'sparc'"),
    "nearest architecture": (("check", "s309"), "did you mean 's390'?"),
    "layout": (("check", "s390@linux-9.9"), "unknown layout of s390 'linux-9.9'"),
    "level": (("check", "--level", "pgd"), "unknown level 'pgd'"),
    "variant": (("check", "arm64", "--variant", "8k"), "unknown variant of arm64 '8k'"),
    "config": (("check", "--config", "tiny"), "unknown config 'tiny'"),
    "code": (("check", "--select", "SWP999"), "unknown claim code 'SWP999'"),
    "ignored code": (("check", "--ignore", "nonsense"), "unknown claim code 'nonsense'"),
    "format": (("check", "--format", "yaml"), "unknown format 'yaml'"),
    "explained code": (("explain", "XYZ1"), "unknown claim 'XYZ1'"),
    "value too wide": (("decode", "s390", "pmd", "0x1ffffffffffffffff"), "the value must fit into 64 bits, not 0x1ffffffffffffffff"),
    "not a number": (("decode", "s390", "pmd", "abc"), "the value must be a number like 0x1600 or 5632, not 'abc'"),
    "negative": (("decode", "s390", "pmd", "--", "-1"), "the value must not be negative, not -1"),
    "output folder": (("check", "s390", "-o", "/nowhere/at/all/report"), "no such folder"),
    "decoded level": (("decode", "s390", "pgd", "0"), "unknown level 'pgd'"),
    "shown architecture": (("show", "vax"), "unknown architecture 'vax'"),
    "freed layout": (("free", "arm64@linux-2.4"), "unknown layout of arm64 'linux-2.4'"),
    "layout without the variant": (("check", "arm64@linux-6.1", "--variant", "4k-52"), "LPA2"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_input_is_one_line_and_exit_2(kind):
    args, sentence = WRONG[kind]
    result = run(*args)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert result.stdout == ""


def test_refuted_is_exit_1_and_exit_zero_says_otherwise(monkeypatch):
    monkeypatch.setattr(discover, "known", lambda arch: ())
    args = ("check", "powerpc", "--level", "pmd", "--select", "SWP411")
    assert run(*args).exit_code == 1
    assert run(*args, "--exit-zero").exit_code == 0


def test_a_stale_known_is_exit_1(monkeypatch):
    from proofs.known import Known

    gone = Known("SWP405", ("swap",), ("linux-6.12",), ("pte",), "cosmetic", "it was so once")
    monkeypatch.setattr(discover, "known", lambda arch: (gone,))
    result = run("check", "x86_64", "--select", "SWP405")
    assert result.exit_code == 1
    assert "listed as known, and is proved" in result.stdout


def test_a_report_says_what_clashes(monkeypatch):
    monkeypatch.setattr(discover, "known", lambda arch: ())
    text = run("check", "powerpc", "--level", "pmd", "--select", "SWP411").stdout
    for part in (
        "SWP411 swap-entry-looks-leaf: swap",
        "not pmd_leaf(swap)",
        "offset >= 1",
        "0x4000000000010000",
        "as the hardware sees it",
        "read as a present entry",
        "read as a swap entry",
        "pmd_leaf at archs/powerpc/",
        "__swp_entry at archs/powerpc/",
    ):
        assert part in text


def test_json_has_the_promised_keys():
    data = json.loads(run("check", "powerpc", "--level", "pmd", "--select", "SWP411", "--format", "json").stdout)
    assert set(data) >= {"bitspec", "solver", "results", "summary"}
    one = data["results"][0]
    assert set(one) >= {"code", "name", "subject", "arch", "layout", "variant", "config", "level", "source", "provenance", "verdict", "known", "claim", "given",
                        "reason", "witness", "ms"}  # fmt: skip
    assert set(one["witness"]) >= {"entry", "inputs", "predicates", "hardware"}
    keys = [tuple(each[name] for name in ("code", "subject", "arch", "layout", "variant", "config", "level")) for each in data["results"]]
    assert len(keys) == len(set(keys))


def test_result_keys_are_unique_over_everything():
    data = json.loads(run("check", "--format", "json").stdout)
    keys = [tuple(each[name] for name in ("code", "subject", "arch", "layout", "variant", "config", "level")) for each in data["results"]]
    assert len(keys) == len(set(keys))


def test_output_file_holds_the_report_and_nothing_else_is_written(tmp_path):
    target = tmp_path / "report.json"
    result = run("check", "s390", "--level", "pmd", "--format", "json", "-o", target)
    assert result.exit_code == 0
    assert result.stdout == ""
    assert json.loads(target.read_text())["summary"]["proved"] > 0


@pytest.mark.parametrize("code", by_code())
def test_every_claim_can_be_explained(code):
    text = run("explain", code).stdout
    for heading in ("What it says", "Why it matters", "Precondition", "Example", "References"):
        assert heading in text


@pytest.mark.parametrize("command", ["check", "list", "show", "decode", "free", "fit", "diff", "gate", "matrix", "explain"])
def test_every_command_has_help_with_an_example(command):
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "Example:" in result.stdout


def _process(*args: str, **environment: str):
    return subprocess.run([sys.executable, "-m", "cli", *args], capture_output=True, text=True, env={**os.environ, **environment}, check=False)


def test_a_pipe_gets_plain_lines_without_trailing_blanks():
    text = _process("show", "s390", "--level", "pmd").stdout
    assert "\x1b" not in text
    assert all(line == line.rstrip() for line in text.splitlines())


def test_a_closed_pipe_is_no_error():
    piped = subprocess.run(f"{sys.executable} -m cli check s390 | head -n 1", shell=True, capture_output=True, text=True, check=False)
    assert piped.stderr == ""


ENDS = (
    ("check", "s390", "--format", "terse"),
    ("show", "x86_64"),
    ("fit", "x86_64", "--level", "pte", "--need", "mine:6@present", "--format", "c"),
    ("check", "s391"),
)


@pytest.mark.parametrize("args", ENDS, ids=lambda args: args[0])
def test_the_process_ends_with_the_status_of_the_command_and_all_that_it_wrote(args):
    inside, process = run(*args), _process(*args)
    assert (process.returncode, process.stderr) == (inside.exit_code, inside.stderr)
    assert process.stdout == inside.stdout


def test_a_closed_standard_output_is_no_traceback():
    closed = subprocess.run(f"{sys.executable} -m cli list >&-", shell=True, capture_output=True, text=True, check=False)
    assert "Traceback" not in closed.stderr


@pytest.mark.parametrize("args", [("--help",), ("list",), ("show", "x86_64"), ("decode", "x86_64", "pte", "0x80"), ("free", "x86_64"), ("explain", "SWP405")])
def test_only_check_imports_z3(args):
    script = f"import sys, cli\ntry:\n    cli.main({list(args)!r}, standalone_mode=False)\nexcept SystemExit:\n    pass\nsys.exit('z3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, check=False).returncode == 0


def test_decode_finds_the_state_of_what_the_kernel_builds():
    assert "migration-read: " in run("decode", "x86_64", "pmd", "0xc7fffffffffffe00").stdout


def test_decode_of_nothing_names_the_nearest():
    text = run("decode", "s390@linux-6.12", "pmd", "0x1600").stdout
    assert "no state: the nearest is" in text
    assert "leaf, frame" in text
    assert run("decode", "s390@linux-6.12", "pmd", "5632").stdout == text
