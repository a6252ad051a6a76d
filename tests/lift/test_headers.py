"""Headers that are parsed once: what comes out is what comes out without."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from bitspec.lift.build import Compiled, Source, compile_all
from bitspec.lift.headers import parsed, using
from bitspec.lift.wrappers import INCLUDES, constants, helpers
from tests.lift.toy import TRIPLE, C, clang

HEADER = """
#include "early.h"
#include "toy.h"
static inline int pte_young(pte_t pte) { return pte_val(pte) & EARLY; }
"""


def source(folder: Path, name: str) -> Source:
    """A file about a tree of ours."""
    for each in INCLUDES:
        path = folder / each.strip("<>")
        path.parent.mkdir(exist_ok=True)
        path.write_text("#pragma once\n" + (HEADER if each == "<linux/mm.h>" else ""))
    (folder / "early.h").write_text("#ifdef EARLY\n#error twice\n#endif\n#define EARLY 0x20\n")
    (folder / "linux" / "mm.h").write_text("#pragma once\n" + HEADER.replace('#include "early.h"\n', ""))
    flags = ("-std=gnu11", "-ffreestanding", "-nostdinc", f"-I{folder}", f"-I{C}", "-include", "early.h")
    return Source(clang(), TRIPLE, flags, (), (*helpers({}), *constants()), folder / "out", name, folder)


def functions(ir: str) -> str:
    """The IR without names of files and places in them."""
    return re.sub(r"^(!.*|source_filename.*|; ModuleID.*)$", "", ir, flags=re.MULTILINE)


def test_the_ir_is_the_same(tmp_path: Path) -> None:
    plain = source(tmp_path, "plain").compiled()
    one = source(tmp_path, "parsed")
    one.folder.mkdir(exist_ok=True)
    with parsed(one.command, one.folder, one.cwd) as headers:
        assert headers is not None
        fast = one.compiled(headers)
    assert functions(fast.ir) == functions(plain.ir)
    assert (fast.symbols, fast.absent) == (plain.symbols, plain.absent)
    assert "pte_young" in fast.symbols
    assert "pte_dirty" in fast.absent


def test_a_header_that_changes_is_seen(tmp_path: Path) -> None:
    (first,) = compile_all([source(tmp_path, "toy")])
    again = source(tmp_path, "toy")
    (tmp_path / "linux" / "mm.h").write_text('#pragma once\n#include "toy.h"\n')
    assert again.kept() is None
    (second,) = compile_all([again])
    assert "pte_young" in first.symbols
    assert "pte_young" in second.absent


def test_what_is_kept_of_a_file_does_not_rest_on_what_is_gone(tmp_path: Path) -> None:
    one = source(tmp_path, "toy")
    (made,) = compile_all([one])
    assert one.kept() == made
    assert not list(one.folder.glob("headers-*"))


def test_a_function_that_stands_for_something_else_is_not_taken_from_what_is_kept(tmp_path: Path) -> None:
    one = source(tmp_path, "toy")
    compile_all([one])
    (made,) = compile_all([replace(one, wrappers=tuple(replace(each, helper=each.helper.upper()) for each in one.wrappers))])
    assert "PTE_YOUNG" in made.symbols
    assert "pte_young" not in made.symbols


def test_two_at_once_compile_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who comes second waits, and takes what is kept: neither reads what the other is about to write."""
    one, plain, runs = source(tmp_path, "toy"), Source.compiled, []

    def compiled(self: Source, headers: Path | None = None) -> Compiled:
        runs.append(self.name)
        return plain(self, headers)

    monkeypatch.setattr(Source, "compiled", compiled)
    with ThreadPoolExecutor(4) as pool:
        results = [made.ir for (made,) in pool.map(lambda _: compile_all([replace(one)]), range(4))]
    assert len(set(results)) == len(runs) == 1


def test_headers_that_do_not_compile_are_left_to_the_files_to_tell(tmp_path: Path) -> None:
    with parsed([*clang().command, "--target=" + TRIPLE], tmp_path, tmp_path) as headers:
        assert headers is None


def test_what_is_included_before_the_first_line_is_in_the_headers() -> None:
    assert using(["clang", "-include", "a.h", "-O2"], Path("all.pch")) == ["clang", "-O2", "-include-pch", "all.pch"]
