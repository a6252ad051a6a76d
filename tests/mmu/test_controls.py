"""A set-up that answers is no set-up that answers right: each step that is left out has to be noticed."""

import pytest

from archs import machines
from archs.arm import mmu as arm
from archs.arm64 import mmu as arm64
from archs.loongarch64 import mmu as loongarch64
from archs.m68k import mmu as m68k
from archs.mips64 import mmu as mips64
from archs.powerpc import mmu as powerpc
from archs.riscv64 import mmu as riscv64
from archs.s390 import mmu as s390
from archs.x86_32 import mmu as x86_32
from archs.x86_64 import mmu as x86_64
from bitspec.layout import Absent
from bitspec.mmu.controls import BrokenSetup, control, failures
from bitspec.vocabulary import VocabularyError

ALL = [(arch, variant) for arch in machines.architectures() for variant in machines.variants(arch)]


@pytest.mark.parametrize(("arch", "variant"), ALL)
def test_every_machine_passes_its_controls(arch, variant):
    assert list(failures(machines.machine(arch, variant))) == []


BROKEN = [
    (x86_64, "4-level", {"paging": False}, "must translate"),
    (x86_64, "4-level", {"user": False}, "must refuse a load in user mode"),
    (x86_64, "5-level", {"user": False}, "must refuse a load in user mode"),
    (x86_32, "pae", {"paging": False}, "must translate"),
    (x86_32, "pae", {"user": False}, "must refuse a load in user mode"),
    (x86_32, "2-level", {"paging": False}, "must translate"),
    (x86_32, "2-level", {"user": False}, "must refuse a load in user mode"),
    (s390, "z14", {"dat": False}, "must translate to frame"),
    (s390, "z14", {"facilities": False}, "known-good pmd"),
    (arm, "lpae", {"long": False}, "must translate"),
    (arm, "lpae", {"user": False}, "must refuse a load in user mode"),
    (arm, "lpae", {"translating": False}, "must translate to frame"),
    (arm, "2-level", {"long": True}, "must translate"),
    (arm, "2-level", {"user": False}, "must refuse a load in user mode"),
    (arm64, "4k-48", {"aarch64": False}, "must translate"),
    (arm64, "4k-48", {"user": False}, "must translate for a fetch"),
    (arm64, "16k-48", {"translating": False}, "must translate to frame"),
    (powerpc, "radix-4k", {"radix": False}, "must translate"),
    (powerpc, "radix-64k", {"user": False}, "must refuse a load in user mode"),
    (powerpc, "radix-64k", {"top": 0}, "must translate"),
    (riscv64, "sv39", {"mmu": False}, "must translate to frame"),
    (riscv64, "sv48", {"translating": False}, "must translate to frame"),
    (riscv64, "sv57", {"user": False}, "must translate for a fetch"),
    (mips64, "4k", {"inhibiting": False}, "must refuse a load in user mode"),
    (mips64, "16k", {"elpa": False}, "must translate to frame"),
    (mips64, "16k", {"rotating": False}, "must refuse a load in user mode"),
    (loongarch64, "16k", {"user": False}, "must refuse a load in user mode"),
    (loongarch64, "4k", {"user": False}, "must refuse a load in user mode"),
    (m68k, "motorola", {"user": False}, "must refuse a load in user mode"),
    (m68k, "motorola", {"translating": False}, "must translate to frame"),
    (m68k, "motorola", {"transparent": True}, "must translate to frame"),
]


@pytest.mark.parametrize(("module", "variant", "broken", "said"), BROKEN, ids=lambda value: getattr(value, "__name__", str(value)))
def test_a_missing_step_is_noticed(module, variant, broken, said):
    machine = module.machine(variant, **broken)
    assert any(said in failure for failure in failures(machine)), list(failures(machine))
    with pytest.raises(BrokenSetup, match="must"):
        control(machine)


WITH_MINES = [
    (x86_64, "4-level"), (x86_32, "pae"), (x86_32, "2-level"), (s390, "z14"), (arm, "lpae"), (arm, "2-level"), (arm64, "4k-48"), (powerpc, "radix-64k"),
    (riscv64, "sv48"), (mips64, "4k"), (loongarch64, "16k"), (m68k, "motorola"),
]  # fmt: skip


@pytest.mark.parametrize(("module", "variant"), WITH_MINES, ids=lambda value: str(value))
def test_a_missing_minefield_is_noticed(module, variant):
    said = list(failures(module.machine(variant, minefield=False)))
    assert any("nothing was read there" in one for one in said)


def test_a_machine_without_any_table_has_no_minefield_to_show():
    from dataclasses import replace

    from bitspec.vocabulary import Level

    machine = machines.machine("x86_64", "4-level")
    assert "minefield" in next(failures(replace(machine, slots={Level.PTE: machine.slots[Level.PTE]})))


def test_variants_that_cannot_be_emulated_say_why():
    with pytest.raises(Absent, match="no emulator has the erratum KNL4"):
        machines.machine("x86_64", "4-level-knl")
    with pytest.raises(Absent, match="48-bit addresses alone"):
        machines.machine("arm64", "64k-52")
    with pytest.raises(Absent, match="the controls could see the minefield"):
        machines.machine("mips64", "64k")
    with pytest.raises(Absent, match="unicorn's ColdFire has no MMU"):
        machines.machine("m68k", "coldfire")
    with pytest.raises(Absent, match="no part of the CPU"):
        machines.machine("m68k", "sun3")
    with pytest.raises(VocabularyError, match="unknown architecture 'vax'"):
        machines.variants("vax")
