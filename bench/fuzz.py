"""Hostile input by the hundred thousand: proposal files, baselines, patches, mailboxes and raw values.

    python bench/fuzz.py [--inputs N] [--seed S]

Whatever comes in, one of two things happens: it is taken, or it is refused by one of the errors that become one line and exit 2.  Anything else (another
exception, an input that takes longer than LIMIT seconds, a file outside the scratch folder, a change to the tree) ends the run with the input.
Hypothesis makes the inputs: pieces of what is right, put together wrong.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from click.testing import CliRunner
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

import cli
from archs import discover
from bitspec import baseline
from bitspec.expr import ExprError
from bitspec.fields import LayoutError
from bitspec.layout import Absent
from bitspec.lift.problem import Problem
from bitspec.patches.git import Git
from bitspec.patches.series import of_mails
from bitspec.proposal import read
from bitspec.proposed import applied
from bitspec.vocabulary import VocabularyError
from proofs.check import Vacuous

LIMIT = 20
REFUSED = (VocabularyError, LayoutError, Absent, Problem, OSError, ExprError, Vacuous, RecursionError)
ROOT = Path(__file__).parent.parent
#: How the inputs are shared out, in percent.
SHARES = {"proposal": 40, "value": 35, "baseline": 10, "patch": 10, "mailbox": 5}


# What inputs are made of


def mutated(texts: list[str], more: list[str]) -> st.SearchStrategy[str]:
    """A right text with some lines doubled, dropped, swapped for others of any text, or written over."""
    lines = sorted({line for text in texts for line in text.splitlines()})
    piece = st.one_of(st.sampled_from(lines + more), st.text(max_size=30), st.builds("".join, st.lists(st.sampled_from(more + lines), max_size=3)))
    edit = st.tuples(st.sampled_from("idrc"), st.integers(0, 60), piece)

    def apply(text: str, edits: list[tuple[str, int, str]]) -> str:
        found = text.splitlines()
        for what, at, words in edits:
            place = at % (len(found) + 1)
            if what == "i":
                found.insert(place, words)
            elif place < len(found):
                line = found[place]
                found[place : place + 1] = {"d": [], "r": [words], "c": [line[: at % (len(line) + 1)] + words + line[at % (len(line) + 1) :]]}[what]
        return "\n".join(found) + "\n"

    return st.builds(apply, st.sampled_from(texts), st.lists(edit, min_size=1, max_size=6))


PROPOSALS = [path.read_text() for path in sorted((ROOT / "tests" / "proposals").glob("*.toml"))]
TOML = [
    "[base]",
    "[[field]]",
    "[[helper]]",
    'layout = "x86_64"',
    'layout = "s390@linux-6.17"',
    'name = "pmd_present"',
    'name = "__swp_entry"',
    'entry = "swap"',
    'bits = "63:0"',
    'bits = "-1"',
    'bits = "0:63,1"',
    'mask = "0xffffffffffffffffffff"',
    "mask = -1",
    "mask = 1e99",
    'status = "new"',
    'status = "removed"',
    'expression = "x"',
    'expression = "ite(arg0, arg0, arg0)"',
    'expression = "arg0 << (arg0 * arg0) ** 2"',
    "expression = \"__import__('os')\"",
    'expression = "pmd_present(arg0)"',
    'expression = "const(1, 10**9)"',
    'expression = "zext(arg0, 100000)"',
    'expression = "' + "(" * 300 + 'arg0"',
    'expression = "' + "~" * 5000 + 'arg0"',
    'params = ["a", "a"]',
    "level = 3",
    'level = "pmd"',
    "inverted = 3",
    'extra = "yes"',
    "\x00",
    "\ud7ff",
    "'''",
    '"""',
]
MM, OLD, NEW = "include/linux/mm.h", ["one", "two", "three"], ["1", "two", "3"]
PATCH = "\n".join(
    [
        f"diff --git a/{MM} b/{MM}",
        "index 1111111..2222222 100644",
        f"--- a/{MM}",
        f"+++ b/{MM}",
        "@@ -1,3 +1,3 @@",
        "-one",
        "+1",
        " two",
        "-three",
        "+3",
        "",
    ]
)
FRESH = "\n".join(["diff --git a/include/new.h b/include/new.h", "new file mode 100644", "--- /dev/null", "+++ b/include/new.h", "@@ -0,0 +1 @@", "+new", ""])
GONE = "\n".join([f"diff --git a/{MM} b/{MM}", "deleted file mode 100644", f"--- a/{MM}", "+++ /dev/null", "@@ -1,3 +0,0 @@", "-one", "-two", "-three", ""])
NAMED = "\n".join([f"diff --git a/{MM} b/include/x.h", "similarity index 100%", f"rename from {MM}", "rename to include/x.h", ""])
DIFF = [
    "--- a/../../outside",
    "+++ b/../../outside",
    "+++ /outside",
    "+++ b//outside",
    "+++ b/.git/config",
    "+++ b/.GIT/hooks/post-checkout",
    "+++ b/a/./b",
    "+++ b/",
    '+++ "b/\\056\\056/outside"',
    '+++ "b/new\\nline"',
    "rename from ../outside",
    "rename to ../outside",
    "copy from include/linux/mm.h",
    "copy to .git/x",
    "new mode 120000",
    "new file mode 120000",
    "new file mode 160000",
    "old mode 100755",
    "deleted file mode 040000",
    "GIT binary patch",
    "literal 999999999",
    "delta 3",
    "zcmV;",
    "Binary files a/x and b/x differ",
    "@@ -0,0 +1,999999999 @@",
    "@@ -1,3 +1,3 @@ @@",
    "@@ -99999999999999999999 +1 @@",
    "\\ No newline at end of file",
    "+\x1b[2J",
    "-- ",
    "--- ",
    "+++ ",
    "@@",
    "diff --git a/x b/y",
    "diff --git",
    "index 0000000..0000000",
    "similarity index 200%",
    "From 0 Mon Sep 17 00:00:00 2001",
    "\x00",
]
HEAD = "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\nFrom: A <a@b.c>\nDate: Thu, 1 Jan 2026 00:00:00 +0000\n"
MAIL = f"{HEAD}Subject: [PATCH 1/1] a change\n\nwhy\n---\n{PATCH}-- \n2.39\n\n"
ENCODED = f"{HEAD}Subject: =?utf-8?q?caf=C3=A9?=\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\nwhy\n---\n{PATCH}\n"
LETTER = [
    "Content-Transfer-Encoding: base64",
    "Content-Transfer-Encoding: x",
    "Content-Type: multipart/mixed; boundary=x",
    "--x",
    "--x--",
    "Content-Type: text/plain; charset=nonsense",
    "Subject: =?utf-16?b?////?=",
    "Subject: \x1b[31m",
    "From: ",
    "From \x00",
    "-- >8 --",
    ">From x",
    "In-Reply-To: <x>",
    *DIFF,
]
_KEY = {"code": "SWP411", "subject": "swap", "arch": "powerpc", "layout": "linux-6.12", "variant": "radix-64k", "config": "default", "level": "pmd"}
ENTRY = "\n".join(["[[refuted]]", *(f'{name} = "{text}"' for name, text in _KEY.items()), 'reason = "x"', ""])
NUMBERS = st.one_of(
    st.integers(-(1 << 70), 1 << 130).flatmap(
        lambda number: st.sampled_from([hex(number), str(number), bin(number), oct(number), f"{number:x}", f"{number:_}"])
    ),
    st.text(max_size=12),
    st.sampled_from(["0x", "1e9", "٣", "0x_1", "--help", "-1", "", " 1", "1\n2", "0b2", "0o9", "∞", "nan"]),
)


# What they are given to


def proposal(text: str) -> None:
    """As ``diff`` and ``gate`` read a proposal, up to the layout with every helper built."""
    made = read(text, "x.toml")
    base = made.base
    applied(made, discover.layout(base.arch, base.release, base.variant, base.config))


def value(given_: tuple[str, str, str]) -> None:
    """``bitspec decode``."""
    arch, level, number = given_
    result = CliRunner().invoke(cli.main, ["decode", arch, level, "--", number])
    if result.exit_code == 2 and (result.stdout or result.stderr.count("\n") != 1):
        raise AssertionError(f"exit 2 must come with one line, not {result.output!r}")
    if result.exit_code not in (0, 2):
        raise AssertionError(f"exit {result.exit_code}: {result.output}") from result.exception
    if result.exit_code:
        raise Problem("refused")


class Patches:
    """Patches and mailboxes, for a folder and for a repository, each in a place of its own."""

    def __init__(self, place: Path) -> None:
        from tests.patches.repository import folder, repository, state

        self.place, self.state = place, state
        self.trees = [folder(place / "within" / "folder"), repository(place / "within" / "repository")]
        self.before = state(place / "within")
        self.turn = 0

    def __call__(self, text: str) -> None:
        """As ``bitspec gate --kernel`` reads them."""
        tree = self.trees[self.turn % 2]
        self.turn += 1
        with TemporaryDirectory(dir=self.place) as scratch:
            git = Git(tree, Path(scratch))
            try:
                of_mails(git, git.tree_of(git.commit("HEAD")) if git.repository else None, [("x", text.encode(errors="surrogatepass"))])
            finally:
                if [path.name for path in self.place.iterdir() if path.name != Path(scratch).name] != ["within"]:
                    raise AssertionError("a file was written outside the scratch folder")
                if self.turn % 50 < 2:
                    self.unchanged()

    def unchanged(self) -> None:
        """Raise AssertionError unless the trees are as they were."""
        if self.state(self.place / "within") != self.before:
            raise AssertionError("a tree was changed")


def main() -> None:
    """Run, and print how many inputs of each kind were taken and refused."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--inputs", type=int, default=100_000)
    asked.add_argument("--seed", type=int, default=1)
    chosen = asked.parse_args()
    with TemporaryDirectory() as place:
        patches = Patches(Path(place) / "patches")
        kinds: dict[str, tuple[st.SearchStrategy[Any], Callable[[Any], object]]] = {
            "proposal": (mutated(PROPOSALS, TOML), proposal),
            "value": (st.tuples(st.sampled_from(discover.architectures()), st.sampled_from(["pte", "pmd", "pud"]), NUMBERS), value),
            "baseline": (mutated([ENTRY, ENTRY * 2], TOML), lambda text: baseline.read(text, "x.toml")),
            "patch": (mutated([PATCH, FRESH, GONE, NAMED, PATCH + FRESH], DIFF), patches),
            "mailbox": (mutated([MAIL, MAIL + ENCODED, ENCODED], LETTER), patches),
        }
        total: Counter[str] = Counter()
        for name, (inputs, target) in kinds.items():
            found = run(inputs, target, chosen.inputs * SHARES[name] // 100, chosen.seed)
            patches.unchanged()
            total.update(found)
            print(f"{name:<10}{found['inputs']:>8} inputs, {found['taken']} taken, {found['refused']} refused, slowest {found['slowest'] / 1000:.2f} s")
            sys.stdout.flush()
    print(f"{total['inputs']} inputs: no traceback, none over {LIMIT} s, no file outside the scratch folder")


def run(inputs: st.SearchStrategy[Any], target: Callable[[Any], object], count: int, number: int) -> Counter[str]:
    """Put `count` inputs to `target`.  Raises whatever is no refusal."""
    found: Counter[str] = Counter()

    def late(signum: int, frame: object) -> None:
        raise TimeoutError(f"it takes longer than {LIMIT} s")

    @seed(number)
    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate], report_multiple_bugs=False)
    @given(inputs)
    def put(one: Any) -> None:
        found["inputs"] += 1
        signal.alarm(LIMIT)
        start = time.perf_counter()
        try:
            target(one)
            found["taken"] += 1
        except TimeoutError:  # it is an OSError
            print(f"input: {one!r}", file=sys.stderr)
            raise
        except REFUSED:
            found["refused"] += 1
        except BaseException:
            print(f"input: {one!r}", file=sys.stderr)
            raise
        finally:
            signal.alarm(0)
            found["slowest"] = max(found["slowest"], int(1000 * (time.perf_counter() - start)))

    signal.signal(signal.SIGALRM, late)
    with suppress(StopIteration):
        put()
    return found


if __name__ == "__main__":
    main()
