"""The command ``matrix``: for a terminal, a pipe and a program; what it is asked about, and wrong input."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest
from click.testing import CliRunner
from markdown_it import MarkdownIt
from rich.console import Console

import cli
from archs import discover
from bitspec.matrix import Asked, Block, Cell, Column, Counted, Matrix, Row
from bitspec.render.matrix import formats, renderer


def run(*args: str):
    return CliRunner().invoke(cli.main, ["matrix", *args])


def rows(*args: str) -> list[dict]:
    return json.loads(run(*args, "--format", "json").stdout)["rows"]


def plain(one: Matrix, width: int = 80) -> str:
    console = Console(width=width, color_system=None, highlight=False, markup=False, emoji=False)
    with console.capture() as capture:
        console.print(renderer("text")(one))
    return capture.get()


def plain_lines(text: str) -> list[str]:
    return re.sub(r"\x1b\[[\d;]*m", "", text).splitlines()


# What it is about


def test_without_a_layout_it_is_every_release_and_variant():
    found = {(one["layout"], one["variant"]) for one in rows("s390")}
    assert found == {(release, variant) for release in discover.releases("s390") for variant in discover.variants("s390")}


def test_a_layout_a_variant_and_a_level_narrow_it():
    (one,) = rows("s390@linux-6.12", "--variant", "z14", "--level", "pmd")
    assert [one[name] for name in ("arch", "layout", "variant", "config", "level")] == ["s390", "linux-6.12", "z14", "default", "pmd"]
    assert one["cells"]["migration"]["value"] == "split"


def test_several_architectures_come_in_the_order_asked_for_and_once():
    found = [one["arch"] for one in rows("nios2", "alpha", "nios2@linux-6.12", "--level", "pte")]
    assert found == ["nios2"] * len(discover.releases("nios2")) + ["alpha"] * len(discover.releases("alpha"))


def test_a_release_without_the_variant_is_said_and_left_out():
    data = json.loads(run("arm64", "--variant", "4k-52", "--format", "json").stdout)
    assert {one["layout"] for one in data["rows"]} == {"linux-6.12"}
    assert [one["layout"] for one in data["missing"]] == ["arm64@linux-6.1 4k-52"]
    text = run("arm64", "--variant", "4k-52").stdout
    assert "arm64@linux-6.1 4k-52: linux-6.1 has no LPA2" in text


def test_a_config_is_asked_about_and_named():
    assert {one["config"] for one in rows("x86_64", "--config", "no-soft-dirty")} == {"no-soft-dirty"}
    assert "config no-soft-dirty" in run("x86_64", "--config", "no-soft-dirty").stdout


def test_a_folded_level_is_a_row_without_cells():
    one, *_ = rows("nios2", "--level", "pud")
    assert one["folded"] == "pud is folded"
    assert one["cells"] == {}
    assert "pud is folded" in run("nios2", "--level", "pud").stdout


# What it prints


def test_json_has_every_cell_with_what_it_rests_on():
    data = json.loads(run("riscv64@linux-6.1", "--variant", "sv48", "--format", "json").stdout)
    assert set(data) == {"bitspec", "columns", "rows", "missing"}
    names = [one["name"] for one in data["columns"]]
    assert all(list(one["cells"]) == names for one in data["rows"])
    pte = data["rows"][0]["cells"]
    assert pte["exclusive"] == {
        "value": "no", "standing": "not-applicable", "claims": [], "counts": [], "reasons": ["pte_swp_mkexclusive does not exist"],
    }  # fmt: skip
    assert pte["offset bits"]["counts"] == [{"by": "proofs.states.offset_bits", "value": 53}]
    claim = next(one for one in pte["swap types"]["claims"] if one["code"] == "SWP407")
    assert claim == {"code": "SWP407", "name": "swap-type-truncated", "subjects": ["swp_entry"], "verdict": "proved", "known": None}


@pytest.mark.parametrize("arch", discover.architectures())
def test_its_tables_fit_80_columns_and_a_pipe_gets_no_colour_and_no_blanks_at_the_end(arch):
    text = run(arch).stdout
    table = text[: text.index("A cell is a count")].splitlines()
    assert max(map(len, table)) <= 80
    assert "\x1b" not in text
    assert all(line == line.rstrip() for line in text.splitlines())


def test_colour_is_only_for_a_terminal_that_wants_it():
    def printed(**environment: str) -> str:
        script = "import sys, cli\nsys.stdout.isatty = lambda: True\ncli.main(['matrix', 's390'], standalone_mode=False)"
        settings = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "FORCE_COLOR": "1", **environment}
        return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=settings, check=True).stdout

    coloured, bare = printed(), printed(NO_COLOR="1")
    assert "\x1b[32m" in coloured
    assert "\x1b[3" not in bare
    assert max(map(len, plain_lines(bare))) <= 80


def test_a_file_holds_it_and_nothing_is_printed(tmp_path):
    target = tmp_path / "matrix.md"
    result = run("nios2", "--format", "markdown", "-o", str(target))
    assert (result.exit_code, result.stdout) == (0, "")
    assert target.read_text() == run("nios2", "--format", "markdown").stdout


def test_a_known_refutation_is_exit_0():
    assert run("nios2@linux-6.1").exit_code == 0


WRONG = {
    "architecture": (("vax",), "unknown architecture 'vax'"),
    "layout": (("s390@linux-2.4",), "unknown layout of s390 'linux-2.4'"),
    "variant": (("s390", "--variant", "z99"), "unknown variant of s390 'z99'"),
    "variant of one of several": (("x86_64", "s390", "--variant", "z14"), "unknown variant of x86_64 'z14'"),
    "layout without the variant": (("arm64@linux-6.1", "--variant", "4k-52"), "LPA2"),
    "level": (("s390", "--level", "pgd"), "unknown level 'pgd'"),
    "config": (("s390", "--config", "tiny"), "unknown config 'tiny'"),
    "format": (("s390", "--format", "sarif"), "unknown format 'sarif'; known: text, json, markdown"),
    "folder": (("s390", "-o", "/nowhere/at/all/matrix.md"), "no such folder"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_input_is_one_line_and_exit_2(kind):
    args, sentence = WRONG[kind]
    result = run(*args)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert result.stdout == ""


# Every standing in every format


def small(**changed: object) -> Matrix:
    """One cell that is refuted."""
    claim = replace(Asked("SWP407", "swap-type-truncated", ("swp_entry",), "refuted"), **changed)
    column = Column("swap types", ("swap", "types"), "How many come back.", (("swap-type-truncated", ("SWP407",)),))
    cell = Cell("4", (claim,), (Counted("proofs.capacity.swap_types", 4),))
    return Matrix("0.1.0", (column,), (Block("vax", "linux-9.9", ("small",), "default", "transcribed", (Row("pte", (cell,)),)),))


STANDINGS = {
    "refuted": ({}, "pte !4", "4, refuted", "refuted  SWP407 swap-type-truncated"),
    "unknown": ({"verdict": "unknown"}, "pte ?4", "4, unknown", "unknown  SWP407 swap-type-truncated"),
    "known": ({"known": "latent"}, "pte (4)", "4, known: latent", "known    SWP407 swap-type-truncated: latent"),
    "proved": ({"verdict": "proved"}, "pte 4", "| 4 |", ""),
}


@pytest.mark.parametrize("standing", STANDINGS)
def test_a_standing_shows_in_every_format(standing):
    changed, cell, in_markdown, below = STANDINGS[standing]
    one = small(**changed)
    text, page = plain(one), str(renderer("markdown")(one))
    assert cell in text.splitlines()
    assert in_markdown in page
    assert below in text
    assert ("SWP407 swap-type-truncated | " in page) == bool(below)
    assert json.loads(str(renderer("json")(one)))["rows"][0]["cells"]["swap types"]["standing"] == standing


def test_places_are_named_as_far_as_they_need_be():
    one = small(known="latent")
    (block,) = one.blocks
    fine = replace(block, variants=("large",), rows=(Row("pte", (Cell("32", (replace(block.rows[0].cells[0].claims[0], verdict="proved", known=""),)),)),))
    both = replace(one, blocks=(block, replace(block, layout="linux-9.10"), fine, replace(fine, layout="linux-9.10")))
    assert "swap types: vax pte" in plain(one)
    assert "swap types: vax linux-9.9 linux-9.10 (small) pte" in plain(both)
    assert "swap types: vax linux-9.9 pte" in plain(replace(one, blocks=(block, replace(fine, layout="linux-9.10"))))


def test_markdown_is_tables_whatever_is_in_the_words():
    one = small(subjects=("a|b*c`",), known="latent")
    page = str(renderer("markdown")(one))
    tokens = MarkdownIt("commonmark").enable("table").parse(page)
    cells = [token.content for token in tokens if token.type == "inline"]
    assert r"a\|b\*c\`" in cells or "a|b\\*c\\`" in cells


def test_formats_are_found():
    assert formats() == ("text", "json", "markdown")
