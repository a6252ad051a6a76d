"""riscv64's facts against spike, the simulator of those who keep the manual: the bits that unicorn's QEMU does not know.

Needs ``pip install spike``, ziglang, and Debian's device-tree-compiler.  A guest puts entries into a table of each level and loads and stores through
them; it cannot fetch (MPRV is about loads and stores).
"""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from archs.riscv64.hardware import VARIANTS, A, D, hardware
from bitspec.hardware import Access
from bitspec.mmu.expected import Expected, expected
from bitspec.vocabulary import Level

HERE = Path(__file__).parent / "spike"
MODES = {"Sv39": 8, "Sv48": 9, "Sv57": 10}
PBMTE, ADUE = 1 << 62, 1 << 61
FRAME, PAGE = 0x80000, 0x407
"""The frame of most entries, and the page within a gigabyte that is accessed: see guest.c."""
UPPER = (0, *(1 << position for position in range(54, 64)), 3 << 61, 5 << 61, 3 << 59, 3 << 62, 0x3FF << 54, 0x41 << 54)
ENTRIES = tuple(FRAME + low << 10 | upper | flags for upper in UPPER for low in (0, 1, 8) for flags in range(256))
TOLD = {FRAME: 2, FRAME + 1: 3, FRAME + 8: 4, FRAME + 7: 6, FRAME + PAGE: 7}
"""What guest.c makes of what it reads from a frame."""

missing = [tool for tool in ("spike", "dtc") if shutil.which(tool) is None] + [name for name in ("ziglang",) if find_spec(name) is None]
pytestmark = pytest.mark.skipif(bool(missing), reason=f"there is no {', '.join(missing)}")


def zig(*arguments: str, where: Path) -> None:
    subprocess.run([sys.executable, "-m", "ziglang", *arguments], cwd=where, check=True, capture_output=True, text=True)


def rsw(where: Path) -> tuple[str, ...]:
    """The option for a library whose extension, Xrsw, turns Svrsw60t59b on: no name of --isa does."""
    spike = shutil.which("spike")
    assert spike is not None
    headers = next(Path(spike).parents[1].glob("lib/python*/site-packages/riscv/data/include"), None)
    if headers is None or shutil.which("g++") is None:
        pytest.skip("there is no g++, or spike has no headers: its --isa has no name for Svrsw60t59b")
    folders = [f"-I{headers / name}" for name in ("riscv", "fesvr", "softfloat", ".")]
    command = ("g++", "-std=c++20", "-shared", "-fPIC", "-O1", *folders, str(HERE / "rsw.cc"), "-o", "rsw.so")
    subprocess.run(command, cwd=where, check=True, capture_output=True)
    return ("--extlib=./rsw.so",)


def answers(where: Path, variant: str, adue: int) -> bytes:
    """Two bytes for each level, entry and access: what was read or the fault, and the bits A and D that were set."""
    form = VARIANTS[variant]
    for source in ("guest.c", "start.S"):
        shutil.copy(HERE / source, where)
    (where / "entries.bin").write_bytes(struct.pack(f"<{len(ENTRIES)}Q", *ENTRIES))
    size = len(Level) * len(ENTRIES) * 4
    (where / "guest.ld").write_text((HERE / "guest.ld").read_text().replace("SIGNATURE", str(size)))
    defines = (f"-DMODE={MODES[form.section]}", f"-DENVCFG={PBMTE * form.svpbmt | ADUE * adue:#x}UL")
    target = ("--target=riscv64-freestanding-none", "-march=rv64gc", "-mabi=lp64d", "-mcmodel=medany")
    for source in ("guest.c", "start.S"):
        zig("clang", *target, "-O1", "-ffreestanding", "-fno-builtin", *defines, "-c", source, "-o", f"{source}.o", where=where)
    zig("ld.lld", "-static", "--no-relax", "-T", "guest.ld", "guest.c.o", "start.S.o", "-o", "guest", where=where)
    extensions = (*(["svnapot"] if form.svnapot else []), *(["svpbmt"] if form.svpbmt else []), "svadu" if adue else "svade")
    more = rsw(where) if form.svrsw60t59b else ()
    isa = "_".join(("rv64gc_zicntr", *extensions, *(["xrsw"] if more else [])))
    subprocess.run(
        ["spike", *more, f"--isa={isa}", "+signature=answers", "+signature-granularity=8", "guest"], cwd=where, check=True, capture_output=True, timeout=300
    )
    return b"".join(bytes.fromhex(line)[::-1] for line in (where / "answers").read_text().split())


def wanted(level: Level, entry: int, want: Expected, adue: int) -> tuple[int, int]:
    """What the specification's answer looks like to the guest."""
    below = {Level.PTE: 0, Level.PMD: 9, Level.PUD: 18}[level]
    if want.outcome == "table":
        return TOLD[FRAME | PAGE & (1 << below - 9) - 1], 0  # by the leaf in a table of mines
    if want.outcome != "leaf":
        return 0, 0
    inside = 0xF if level is Level.PTE and entry >> 63 else (1 << below) - 1
    return TOLD[want.where | PAGE & inside], (want.after ^ entry) >> 6 & 3 if adue else 0


def questions(variant: str, adue: int) -> Iterator[tuple[Level, int, Access, Expected]]:
    facts = hardware(variant)
    for level in Level:
        askers = expected(facts, level, {"ADUE": adue})
        for entry in ENTRIES:
            for access in (Access.LOAD, Access.STORE):
                yield level, entry, access, askers[access](entry)


@pytest.mark.parametrize("adue", [0, 1])
@pytest.mark.parametrize("variant", [name for name, form in VARIANTS.items() if not form.thead])
def test_every_answer_is_the_specifications(variant: str, adue: int, tmp_path: Path) -> None:
    got = answers(tmp_path, variant, adue)
    outcomes: set[str] = set()
    for place, (level, entry, access, want) in enumerate(questions(variant, adue)):
        outcomes.add(want.outcome)
        assert tuple(got[2 * place : 2 * place + 2]) == wanted(level, entry, want, adue), (level, hex(entry), access, want)
    assert outcomes == {"invalid", "refused", "reserved", "table", "leaf"}
    assert {byte & 0x7F for byte in got[1::2]} == ({0, A >> 6, D >> 6, (A | D) >> 6} if adue else {0})


@pytest.mark.parametrize("other", ["sv48-base", "sv48-svrsw60t59b"])
def test_the_facts_of_another_cpu_differ(other: str, tmp_path: Path) -> None:
    """Else the test above would say nothing."""
    got = answers(tmp_path, other, 1)
    asked = enumerate(questions("sv48", 1))
    assert {level for place, (level, entry, _, want) in asked if tuple(got[2 * place : 2 * place + 2]) != wanted(level, entry, want, 1)} == set(Level)
