"""Golden output: what people see, kept as files.  ``python -m tests.test_golden`` writes them anew; read the difference before you commit it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

import cli
from archs import discover
from bitspec.layout import Absent
from bitspec.vocabulary import Level
from proofs.check import Checker, Verdict

GOLDEN = Path(__file__).parent / "golden"

COMMANDS = {
    "list.txt": ("list",),
    "claims.txt": ("list", "claims"),
    "preconditions.txt": ("list", "preconditions"),
    "explain-SWP405.txt": ("explain", "SWP405"),
    "show-s390-pmd.txt": ("show", "s390", "--level", "pmd"),
    "show-powerpc-hash-pte.txt": ("show", "powerpc", "--variant", "hash-64k", "--level", "pte"),
    "free-x86_64.txt": ("free", "x86_64"),
    "matrix-s390.txt": ("matrix", "s390"),
    "fit-s390-pmd.txt": ("fit", "s390@linux-6.12", "--level", "pmd", "--need", "type:5", "--need", "pfn", "--need", "soft_dirty"),
    "fit-s390-pmd.c": ("fit", "s390@linux-6.12", "--level", "pmd", "--need", "type:5", "--need", "pfn", "--need", "soft_dirty", "--format", "c"),
    "fit-arm64-6.1-pte.toml": ("fit", "arm64@linux-6.1", "--level", "pte", "--need", "uffd_wp", "--format", "toml"),
    "fit-arm64-6.1-moves.txt": (
        "fit",
        "arm64@linux-6.1",
        "--level",
        "pte",
        "--need",
        "uffd_wp",
        "--need",
        "mine@present",
        "--move",
        "PTE_PROT_NONE",
    ),
    "fit-x86_64-pte-6.txt": ("fit", "x86_64", "--level", "pte", "--need", "mine:6@present"),
    "diff-arm64-6.1-6.12.txt": ("diff", "arm64@linux-6.1", "arm64@linux-6.12"),
    "gate-s390-pud.txt": ("gate", "--base", "s390@linux-6.12", "--proposal", "tests/proposals/s390-pud-rw-swapped.toml"),
    "gate-riscv-strict.txt": ("gate", "--base", "riscv64@linux-6.1", "--proposal", "tests/proposals/riscv-exclusive.toml", "--strict"),
    "decode-s390-pmd-0x1600.txt": ("decode", "s390@linux-6.12", "pmd", "0x1600"),
    "decode-x86_64-pmd-0x4080.txt": ("decode", "x86_64", "pmd", "0x4080"),
    "check-s390-6.12-pmd.txt": ("check", "s390@linux-6.12", "--level", "pmd"),
    "check-powerpc-pmd.terse": ("check", "powerpc", "--level", "pmd", "--format", "terse"),
}


def produced(args: tuple[str, ...]) -> str:
    text = CliRunner().invoke(cli.main, list(args)).stdout
    return re.sub(r" in \d+\.\d+ s$", " in ... s", text, flags=re.MULTILINE)


def not_applicable() -> str:
    """Every not-applicable result of every release's default variant, with its reason; equal reasons together."""
    lines = []
    for arch in discover.architectures():
        for release in discover.releases(arch):
            reasons: dict[tuple[str, str], list[str]] = {}
            for one in Checker(discover.known(arch)).check(discover.layout(arch, release), list(Level)):
                if one.verdict is Verdict.NOT_APPLICABLE:
                    reasons.setdefault((one.level.value, one.reason or ""), []).append(f"{one.code} {one.subject}")
            for (level, reason), which in reasons.items():
                lines.append(f"{arch}@{release} {level}: {reason}")
                lines += [f"    {name}" for name in which]
    return "\n".join(lines) + "\n"


def known() -> str:
    """Every known refutation of every release and variant, with its witness: a defect that hides behind one that is known changes it."""
    lines = []
    for arch in discover.architectures():
        for release in discover.releases(arch):
            for variant in discover.variants(arch):
                try:
                    layout = discover.layout(arch, release, variant)
                except Absent:
                    continue
                for one in Checker(discover.known(arch)).check(layout, list(Level)):
                    if one.witness is not None and one.known is not None:
                        lines.append(f"{layout.name} {variant} {one.level} {one.code} {one.subject}: {one.known.kind}, {one.witness.entry:#x}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_output_is_as_kept(name):
    assert produced(COMMANDS[name]) == (GOLDEN / name).read_text()


def test_not_applicable_is_as_kept():
    assert not_applicable() == (GOLDEN / "not-applicable.txt").read_text()


def test_known_refutations_are_as_kept():
    assert known() == (GOLDEN / "known.txt").read_text()


if __name__ == "__main__":
    for file, arguments in COMMANDS.items():
        (GOLDEN / file).write_text(produced(arguments))
    (GOLDEN / "not-applicable.txt").write_text(not_applicable())
    (GOLDEN / "known.txt").write_text(known())
