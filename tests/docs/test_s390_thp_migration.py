"""The pages under docs/ are true: what they show is what bitspec prints, and their Python runs.

In every page, a line ``$ bitspec ...`` of a ```console block is run and compared with the lines up to the next ``$``: a line ``...`` alone stands
for any number of lines, timings don't matter, and ``$ echo $?`` shows the exit status of the command before it.  Blocks fenced as ```python are executed in
order and share their names; those with ``>>>`` are doctests.  ``python -m tests.docs.test_s390_thp_migration`` writes the outputs that have nothing
left out anew; read the difference before you commit it.
"""

from __future__ import annotations

import doctest
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

import pytest
from click.testing import CliRunner

import cli
from archs.discover import architectures, layout, releases
from bitspec.expr import not_, or_, var
from bitspec.solver import Solver
from bitspec.vocabulary import Level
from proofs.check import Checker, Verdict
from proofs.claim import select
from tests.archs import s390_candidates as candidates

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(DOCS.glob("*.md"))
_FENCE = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page and the line its text begins on."""

    language: str
    text: str
    line: int


@dataclass(frozen=True)
class Command:
    """A command a page shows, the output it shows for it, and the lines of the page that hold it (from 0, the end excluded)."""

    page: Path
    text: str
    shown: tuple[str, ...]
    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.page.name}:{self.first + 1}"


def blocks(page: Path, language: str) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        if found["language"] == language:
            yield Block(language, found["text"], text.count("\n", 0, found.start()) + 1)


def commands(page: Path) -> Iterator[Command]:
    for block in blocks(page, "console"):
        lines = block.text.splitlines()
        starts = [index for index, line in enumerate(lines) if line.startswith("$ ")]
        for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
            shown = tuple(lines[start + 1 : end])
            yield Command(page, lines[start].removeprefix("$ "), shown, block.line + start + 1, block.line + end)


def checked(page: Path) -> list[tuple[Command, ...]]:
    """The bitspec commands of a page, each with the ``echo $?`` that follows it, if one does."""
    found: list[tuple[Command, ...]] = []
    for one in commands(page):
        if one.text.startswith("bitspec "):
            found.append((one,))
        elif one.text == "echo $?" and found:
            found[-1] += (one,)
    return found


def normal(line: str) -> str:
    return re.sub(r" in \d+\.\d+ s$", " in ... s", line)


@cache
def run(text: str) -> tuple[tuple[str, ...], int]:
    """What a command prints, and its exit status."""
    assert not re.search(r"[|<>;&`]", text), f"only a plain bitspec command can be tested, not {text!r}"
    result = CliRunner().invoke(cli.main, shlex.split(text, comments=True)[1:])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return tuple(result.output.splitlines()), result.exit_code


def same(shown: tuple[str, ...], printed: tuple[str, ...]) -> bool:
    pieces = [r"(?:.*\n)*?" if line == "..." else re.escape(normal(line)) + "\n" for line in shown]
    return re.fullmatch("".join(pieces), "".join(normal(line) + "\n" for line in printed)) is not None


COMMANDS = [pytest.param(group, id=str(group[0])) for page in PAGES for group in checked(page)]


@pytest.mark.parametrize("group", COMMANDS)
def test_a_command_prints_what_its_page_shows(group):
    command, *statuses = group
    printed, status = run(command.text)
    assert same(command.shown, printed), "\n".join([f"{command}: {command.text} prints", *printed, "and the page shows", *command.shown])
    for one in statuses:
        assert one.shown == (str(status),), f"{one}: {command.text} exits with {status}"


def execute(page: Path) -> dict[str, object]:
    """The names a page's Python has defined when all of it has run.  Raises doctest.DocTestFailure where a page shows another result."""
    names: dict[str, object] = {"__name__": page.stem}
    runner = doctest.DebugRunner(verbose=False, optionflags=doctest.ELLIPSIS)
    for block in blocks(page, "python"):
        if ">>>" in block.text:
            test = doctest.DocTestParser().get_doctest(block.text, {}, page.name, str(page), block.line)
            test.globs = names
            runner.run(test, clear_globs=False)
        else:
            exec(compile("\n" * block.line + block.text, str(page), "exec"), names)
    return names


@pytest.mark.parametrize("page", [one for one in PAGES if any(blocks(one, "python"))], ids=lambda one: one.name)
def test_the_python_of_a_page_runs_and_gives_what_it_shows(page):
    try:
        execute(page)
    except doctest.DocTestFailure as failure:
        where = f"{page.name}:{(failure.test.lineno or 0) + failure.example.lineno + 1}"
        pytest.fail(f"{where}: {failure.example.source}gives\n{failure.got}and the page shows\n{failure.example.want}")


# The machinery itself


def test_the_page_of_the_discussion_has_commands_and_python():
    page = DOCS / "s390-thp-migration.md"
    assert len(checked(page)) >= 10
    assert len(list(blocks(page, "python"))) >= 10


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (("a", "b 1 in 0.5 s"), True),
        (("...",), True),
        (("a", "..."), True),
        (("...", "b 1 in 9.87 s"), True),
        (("a",), False),
        (("b", "..."), False),
        ((), False),
        (("a", "...", "b 2 in 0.5 s"), False),
        (("a", "b . in 0.5 s"), False),
    ],
)
def test_elided_output_stands_for_any_lines_and_timings_do_not_matter(shown, expected):
    assert same(shown, ("a", "b 1 in 0.31 s")) is expected


def test_commands_are_found_with_their_output_and_exit_status(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Page\n\n```console\n$ pip install .\nfine\n$ bitspec check riscy\nbitspec: no\n$ echo $?\n2\n```\n\n```text\n$ bitspec list\n```\n")
    ((command, status),) = checked(page)
    assert (command.text, command.shown, command.first, command.last) == ("bitspec check riscy", ("bitspec: no",), 6, 7)
    assert status.shown == ("2",)


def test_a_page_whose_python_shows_another_result_is_caught(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```python\nx = 1\n```\n\n```python\n>>> x\n2\n\n```\n")
    with pytest.raises(doctest.DocTestFailure):
        execute(page)
    page.write_text("```python\nx = 2\n```\n\n```python\n>>> x\n2\n\n```\n")
    assert execute(page)["x"] == 2


# The five statements, each by itself


@cache
def report(*args: str) -> tuple[dict, ...]:
    printed, status = run(" ".join(["bitspec", "check", *args, "--format", "json"]))
    assert status == 0
    return tuple(json.loads("\n".join(printed))["results"])


def refuted(proposal, *codes, level=Level.PMD):
    return {(one.code, one.subject): one.witness.entry for one in Checker().check(proposal, [level], select(codes) if codes else None) if one.witness}


def proved(proposal, *codes, level=Level.PMD):
    return {(one.code, one.subject) for one in Checker().check(proposal, [level], select(codes)) if one.verdict is Verdict.PROVED}


def test_statement_1_a_swap_pte_in_a_segment_table_is_mapped():
    assert refuted(candidates.pte_format_in_segment_table(), "SWP409", "SWP405")["SWP409", "swap"] == 0x1600
    shown, _ = run("bitspec decode s390@linux-6.12 pmd 0x1600")
    assert "load   leaf, frame 0x0" in shown
    assert "store  refused" in shown
    (kernel,) = [line for line in run("bitspec decode s390@linux-6.12 pmd 0x670")[0] if line.startswith("kernel")]
    assert {"pmd_present", "pmd_leaf", "pmd_trans_huge"} <= set(kernel.split())


def test_statement_2_type_and_pfn_fit():
    before = refuted(layout("s390", "linux-6.12"))
    assert refuted(candidates.marked_by_invalid_and_common(candidates.type_below_offset())).keys() <= before.keys()
    in_origin = candidates.marked_by_invalid_and_common(candidates.type_in_origin())
    assert {code for code, _ in refuted(in_origin).keys() - before.keys()} == {"SWP401", "SWP406", "SWP407", "SWP408"}
    assert len(proved(in_origin, "MIG")) == len(proved(layout("s390", "linux-6.17"), "MIG")) == 12


def test_statement_2_no_table_type_marks_swap_entries_of_both_tables():
    for table_type in (0b01, 0b10, 0b11):
        proposal = candidates.marked_by_table_type(table_type)
        wrong = [level for level in (Level.PMD, Level.PUD) if ("HTLB719", "marker") in refuted(proposal, "HTLB719", level=level)]
        assert wrong == [Level.PMD if table_type == 0b01 else Level.PUD]


def test_statement_3_one_bit_for_two_kinds_two_for_three():
    kinds = candidates.MIGRATION
    in_2021 = candidates.migration_alone(candidates.MIGRATION_2021, {"migration-read": 0, "migration-write": 1}, 1)
    assert len(proved(in_2021, "MIG501")) == 2
    for values in product((0, 1), repeat=3):
        assert refuted(candidates.migration_alone(kinds, dict(zip(kinds, values, strict=True)), 1), "MIG501")
    assert len(proved(candidates.migration_alone(kinds, dict(zip(kinds, range(3), strict=True)), 2), "MIG501")) == 3


def test_statement_4_what_is_not_empty_is_present():
    before, value = layout("s390", "linux-6.12"), var("value", 64)
    solver = Solver()
    with solver.scope(not_(or_(before.helper("pmd_none")(value), before.helper("pmd_present")(value)))):
        assert solver.model() is None
    proposal = candidates.marked_by_invalid_and_common(candidates.type_below_offset(), present_as_before=True)
    assert {subject for _, subject in refuted(proposal, "SWP405")} == {"swap", "migration-read", "migration-read-exclusive", "migration-write"}


@pytest.mark.parametrize("arch", ["x86_64", "arm64", "powerpc"])
def test_statement_5_these_have_thp_migration(arch):
    results = report(f"{arch}@linux-6.12", "--level", "pmd", "--select", "MIG,SWP405")
    about = [one for one in results if one["subject"].startswith("migration")]
    assert len({one["subject"] for one in about}) == 3
    assert {one["verdict"] for one in about} == {"proved"}


@pytest.mark.parametrize("release", ["linux-6.12", "linux-6.13"])
def test_statement_5_s390_had_not(release):
    results = report(f"s390@{release}", "--level", "pmd", "--select", "MIG,SWP401")
    assert {one["verdict"] for one in results} == {"not-applicable"}
    assert {one["reason"] for one in results} == {f"__swp_entry_to_pmd does not exist in s390@{release}"}


def test_what_each_release_proves():
    for level in (Level.PMD, Level.PUD):
        assert not refuted(layout("s390", "linux-6.13"), "HTLB717", "HTLB719", "HTLB72", level=level)
        assert {code for code, _ in proved(layout("s390", "linux-6.13"), "HTLB72", level=level)} == {"HTLB721", "HTLB722", "HTLB723", "HTLB724"}
    assert refuted(layout("s390", "linux-6.12"), "HTLB717")["HTLB717", "marker"] == 0x167C
    for config in ("default", "no-device-private"):
        results = report("s390@linux-6.17", "--level", "pte", "--level", "pmd", "--select", "SWP,MIG", "--config", config)
        assert {one["verdict"] for one in results} == {"proved", "not-applicable"}
        flagged = {one["subject"] for one in results if one["level"] == "pmd" and one["code"] == "SWP403" and one["verdict"] == "proved"}
        assert flagged == {f"{one}+soft_dirty" for one in ("swap", "migration-read", "migration-read-exclusive", "migration-write", "marker")}


def test_the_page_names_the_architectures_with_thp_migration():
    """Statement 5: the five of linux-6.12 are declared, and the page shows what becomes of one that is not."""
    text = (DOCS / "s390-thp-migration.md").read_text(encoding="utf-8")
    assert "All five are declared" in text
    assert {"x86_64", "arm64", "powerpc", "riscv64", "loongarch64"} <= set(architectures())
    assert "xtensa" not in architectures()
    assert list(releases("s390")) == ["linux-6.12", "linux-6.13", "linux-6.17"]


def rewrite(page: Path) -> None:
    """Put in what the commands print now, where a page leaves nothing out."""
    lines = page.read_text(encoding="utf-8").splitlines()
    for command, *_ in reversed(checked(page)):
        if "..." not in command.shown:
            lines[command.first : command.last] = run(command.text)[0]
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for one in PAGES:
        rewrite(one)
