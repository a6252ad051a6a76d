"""``bitspec fit`` on the command line: formats, exit status, what is said to wrong input."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib

import pytest
from click.testing import CliRunner

import cli
from bitspec.render.fit import formats

FITS = ("s390@linux-6.12", "--level", "pmd", "--need", "type:5", "--need", "pfn", "--need", "soft_dirty")
NOT = ("x86_64", "--level", "pte", "--need", "mine:6@present")


def run(*args):
    return CliRunner().invoke(cli.main, ["fit", *args])


def test_the_formats_are_the_modules():
    assert formats() == ("text", "c", "json", "toml")


@pytest.mark.parametrize("form", formats())
def test_exit_status_says_whether_something_fits(form):
    assert run(*FITS, "--format", form).exit_code == 0
    assert run(*NOT, "--format", form).exit_code == 1


def test_json():
    found = json.loads(run(*FITS, "--format", "json", "--all", "2", "--stats").stdout)
    assert found["fits"] is True
    assert [len(found["answers"]), found["infeasible"], found["unknown"]] == [2, [], None]
    first = found["answers"][0]
    assert {one["name"] for one in first["fields"]} == {"SWP_TYPE", "SWP_OFFSET", "_SEGMENT_ENTRY_SWP_SOFT_DIRTY"}
    assert first["sought"] == ["pmd_present"]
    assert first["claims"]["refuted"] == first["claims"]["unknown"] == 0
    assert found["statistics"]["layouts tried"] == 2
    nothing = json.loads(run(*NOT, "--format", "json").stdout)
    assert nothing["fits"] is False
    assert nothing["infeasible"]
    assert nothing["relaxations"][0]["change"] == "mine 6 -> 5"


def test_toml():
    found = tomllib.loads(run("arm64@linux-6.1", "--level", "pte", "--need", "uffd_wp", "--format", "toml").stdout)
    assert found["base"] == {"layout": "arm64@linux-6.1", "variant": "4k-48", "config": "default", "level": "pte"}
    assert {one["name"]: one["mask"] for one in found["field"] if one["status"] == "new"} == {"PTE_UFFD_WP": hex(1 << 63), "PTE_SWP_UFFD_WP": "0x2"}
    assert {"pte_uffd_wp", "pte_swp_uffd_wp", "pte_modify"} <= {one["name"] for one in found["helper"]}
    assert tomllib.loads(run(*NOT, "--format", "toml").stdout) == {}


_STUBS = """
typedef unsigned char u8; typedef unsigned int u32; typedef unsigned long u64;
typedef struct { unsigned long pte; } pte_t; typedef struct { unsigned long pmd; } pmd_t;
typedef struct { unsigned long val; } swp_entry_t; typedef struct { unsigned long pgprot; } pgprot_t;
#define pte_val(x) ((x).pte)
#define pmd_val(x) ((x).pmd)
#define pgprot_val(x) ((x).pgprot)
#define __pte(x) ((pte_t){ (x) })
#define __pmd(x) ((pmd_t){ (x) })
"""
_PTE_CODEC = """
unsigned long __swp_type(swp_entry_t entry); unsigned long __swp_offset(swp_entry_t entry);
swp_entry_t __swp_entry(unsigned long type, unsigned long offset);
"""


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
@pytest.mark.parametrize(
    "args",
    [FITS, ("arm64@linux-6.1", "--level", "pte", "--need", "uffd_wp"), ("x86_64", "--level", "pte", "--move", "swap", "--maximise", "offset")],
)
def test_the_c_block_compiles(args, tmp_path):
    text = run(*args, "--format", "c").stdout
    source = tmp_path / "made.c"
    source.write_text(_STUBS + ("" if "swp_entry_t __swp_entry(unsigned long type" in text else _PTE_CODEC) + text)
    done = subprocess.run(["cc", "-fsyntax-only", "-Wall", "-Werror", "-Wno-unused-function", str(source)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_output_goes_to_a_file(tmp_path):
    target = tmp_path / "answer.json"
    assert run(*FITS, "--format", "json", "-o", str(target)).stdout == ""
    assert json.loads(target.read_text())["fits"] is True


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("nowhere", "--level", "pte", "--need", "x"), "unknown architecture"),
        (("x86_64@linux-0.1", "--level", "pte", "--need", "x"), "linux-0.1"),
        (("x86_64", "--level", "pgd", "--need", "x"), "unknown level"),
        (("x86_64", "--need", "x"), "--level"),
        (("x86_64", "--level", "pte"), "there must be something to fit"),
        (("x86_64", "--level", "pte", "--need", "x", "--format", "xml"), "unknown format"),
        (("x86_64", "--level", "pte", "--need", "x", "-o", "/nowhere/at/all"), "no such folder"),
        (("x86_64", "--level", "pte", "--need", "x", "--variant", "y"), "variant"),
        (("x86_64", "--level", "pte", "--need", "x", "--mend", "NOPE"), "unknown claim code"),
        (("s390@linux-6.12", "--level", "pmd", "--need", "soft_dirty"), "ask for a type and an offset too"),
    ],
)
def test_wrong_input_is_one_line_and_exit_2(args, words):
    result = run(*args)
    assert result.exit_code == 2
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_query_that_takes_too_long_is_no_answer():
    result = run(*FITS, "--timeout", "0.000001", "--format", "json")
    assert result.exit_code in (0, 3)  # a query may be done before the clock is looked at
    if result.exit_code == 3:
        assert re.search("time-out|resource limit", json.loads(result.stdout)["unknown"])
