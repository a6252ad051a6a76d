"""Baselines: what is accepted today is known, what is new fails, what is gone is stale, and nothing goes without a reason."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

import cli
from archs import discover
from bitspec.baseline import BYTES, Entry, Key, read, write
from bitspec.section import TextError

#: Refutations of a release whose reviewed list is taken away.
ASKED = ("powerpc", "--level", "pmd", "--select", "SWP411,SWP414,PMD242")


@pytest.fixture(autouse=True)
def nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discover, "known", lambda arch: ())


def run(*arguments: object):
    return CliRunner().invoke(cli.main, [str(one) for one in arguments])


def written(place: Path, *more: object) -> Path:
    file = place / "baseline.toml"
    result = run("baseline", "write", *ASKED, "-o", file, *more)
    assert result.exit_code == 0, result.output
    return file


def test_what_is_accepted_is_known_and_passes(tmp_path: Path) -> None:
    assert run("check", *ASKED).exit_code == 1
    file = written(tmp_path, "--reason", "as of v6.12")
    result = run("baseline", "check", *ASKED, "--baseline", file, "--format", "json")
    data = json.loads(result.stdout)
    assert result.exit_code == 0
    assert data["summary"]["refuted"] == 0
    assert data["summary"]["known"] == len(tomllib.loads(file.read_text())["refuted"]) > 3
    assert {one["known"]["reason"] for one in data["results"] if one["known"]} == {"as of v6.12"}


def test_what_is_accepted_stands_as_known_in_the_truth_table_and_what_is_new_does_not(tmp_path: Path) -> None:
    def marks(*arguments: object) -> tuple[int, int]:
        table = run(*arguments).stdout.partition("A cell is")[0]
        return table.count("!"), table.count("(0)") + table.count("(1)")

    file = written(tmp_path, "--reason", "as of v6.12")
    refuted, none = marks("check", *ASKED)
    assert (refuted > 1, none) == (True, 0)
    assert marks("baseline", "check", *ASKED, "--baseline", file) == (0, refuted)
    first, *others = read(file.read_text(), "x")
    assert first.key.code == "SWP411"
    file.write_text(write(others))
    assert marks("baseline", "check", *ASKED, "--baseline", file) == (1, refuted - 1)


def test_keys_have_no_line_and_no_witness_in_them(tmp_path: Path) -> None:
    rows = tomllib.loads(written(tmp_path).read_text())["refuted"]
    assert {name for row in rows for name in row} == {"code", "subject", "arch", "layout", "variant", "config", "level", "witness", "reason"}
    file = tmp_path / "other.toml"
    file.write_text(write(Entry(Key(**{name: row[name] for name in row if name not in ("witness", "reason")}), "because") for row in rows))
    assert run("baseline", "check", *ASKED, "--baseline", file).exit_code == 0


def test_what_is_new_fails(tmp_path: Path) -> None:
    file = written(tmp_path, "--reason", "accepted")
    entries = read(file.read_text(), "x")
    file.write_text(write(entries[1:]))
    result = run("baseline", "check", *ASKED, "--baseline", file, "--format", "json")
    assert result.exit_code == 1
    new = [one for one in json.loads(result.stdout)["results"] if one["verdict"] == "refuted" and not one["known"]]
    assert [(one["code"], one["subject"]) for one in new] == [(entries[0].key.code, entries[0].key.subject)]


def test_an_entry_without_a_reason_is_an_error(tmp_path: Path) -> None:
    file = written(tmp_path)
    result = run("baseline", "check", *ASKED, "--baseline", file)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"bitspec: {file}:1: SWP411")
    assert result.stderr.endswith("it must have a reason\n")


def test_what_is_not_refuted_any_more_is_stale(tmp_path: Path) -> None:
    file = written(tmp_path, "--reason", "accepted")
    gone = Key("SWP411", "no such subject", "powerpc", "linux-6.12", "radix-64k", "default", "pmd")
    file.write_text(write([*read(file.read_text(), "x"), Entry(gone, "it was so")]))
    result = run("baseline", "check", *ASKED, "--baseline", file, "--format", "json")
    assert result.exit_code == 1
    (stale,) = json.loads(result.stdout)["stale"]
    assert (stale["code"], stale["subject"]) == ("SWP411", "no such subject")


def test_what_was_not_asked_is_not_stale(tmp_path: Path) -> None:
    file = written(tmp_path, "--reason", "accepted")
    assert run("baseline", "check", "powerpc", "--level", "pmd", "--select", "PMD242", "--baseline", file).exit_code == 0
    assert run("baseline", "check", "s390", "--select", "SWP411", "--baseline", file).exit_code == 0


def test_writing_again_keeps_reasons_and_drops_what_is_gone(tmp_path: Path) -> None:
    file = written(tmp_path, "--reason", "old")
    gone = Key("SWP411", "no such subject", "powerpc", "linux-6.12", "radix-64k", "default", "pmd")
    entries = read(file.read_text(), "x")
    file.write_text(write([*entries[1:], Entry(gone, "it was so")]))
    result = run("baseline", "write", *ASKED, "-o", file, "--reason", "new")
    assert result.stderr == f"{file}: {len(entries)} entries, 1 new, 1 gone\n"
    assert {one.key: one.reason for one in read(file.read_text(), "x")} == {one.key: "new" if one is entries[0] else "old" for one in entries}
    assert [path.name for path in tmp_path.iterdir()] == ["baseline.toml"]


ROW = '[[refuted]]\ncode = "SWP411"\nsubject = "a"\narch = "b"\nlayout = "c"\nvariant = "d"\nconfig = "e"\nlevel = "pmd"\nreason = "f"\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("refuted = 3", "refuted must be written as tables"),
        ("[[refuted]]\n", "x.toml:1: refuted: it must have code"),
        (ROW.replace("reason", "reasons"), "unknown key 'reasons'; did you mean 'reason'"),
        (ROW.replace('"a"', "3"), "x.toml:1: refuted: subject must be a text"),
        (ROW + ROW, "x.toml:10: refuted: it must be there once"),
        ("known = []", "unknown key 'known'"),
        ("[", "a baseline must be TOML"),
    ],
)
def test_what_is_no_baseline(text: str, says: str) -> None:
    with pytest.raises(TextError) as caught:
        read(text, "x.toml")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_too_large_or_not_there(tmp_path: Path) -> None:
    file = tmp_path / "large.toml"
    file.write_bytes(b"#" * (BYTES + 1))
    for name in (file, tmp_path / "none.toml"):
        result = run("baseline", "check", *ASKED, "--baseline", name)
        assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)


def test_what_is_written_is_read_back() -> None:
    entries = (Entry(Key("SWP411", 'a "b" \\ c', "d", "e", "f", "g", "pmd"), "line one\nline two", "0x1"), Entry(Key("SWP412", "", "", "", "", "", "x"), ""))
    assert [(one.key, one.reason, one.witness) for one in read(write(entries), "x")] == [(one.key, one.reason, one.witness) for one in entries]


def test_writing_a_part_again_keeps_the_rest(tmp_path: Path) -> None:
    file = written(tmp_path, "--reason", "old")
    before = read(file.read_text(), "x")
    assert run("baseline", "write", "powerpc", "--level", "pmd", "--select", "PMD242", "-o", file).exit_code == 0
    assert {(one.key, one.reason) for one in read(file.read_text(), "x")} == {(one.key, one.reason) for one in before}
