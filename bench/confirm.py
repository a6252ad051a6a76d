"""How fast are the emulated MMUs asked?  ``python bench/confirm.py [ARCH]...`` prints questions a second.

For each machine: the emulator alone (put the entry in its place, flush, translate, read it back), the specification alone, and both with the comparison,
on the same random entries.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from archs import discover, machines
from bitspec.hardware import Access, Hardware
from bitspec.mmu import values
from bitspec.mmu.compare import Comparer
from bitspec.mmu.expected import expected
from bitspec.mmu.machine import Machine
from bitspec.vocabulary import Level

ENTRIES = 5_000


def rate(questions: int, work: Callable[[], object]) -> float:
    """Questions a second."""
    start = time.perf_counter()
    work()
    return questions / (time.perf_counter() - start)


def measured(hardware: Hardware, machine: Machine, level: Level) -> str:
    """The line for one level of a machine."""
    facts = hardware.level(level)
    askers = expected(hardware, level, machine.circumstances)
    comparer = Comparer(machine, level, askers)
    entries = list(values.random(facts, values.bases(facts, machine.slots[level]), ENTRIES, seed=1))
    questions = len(entries) * len(Access)
    alone = rate(questions, lambda: [machine.ask(level, entry, access) for entry in entries for access in Access])
    specification = rate(questions, lambda: [asker(entry) for entry in entries for asker in askers.values()])
    both = rate(questions, lambda: [comparer.ask(entry) for entry in entries])
    return f"  {level}: emulator {alone:8.0f}   specification {specification:8.0f}   compared {both:8.0f} a second"


def main() -> None:
    """Every machine of the architectures named, or of all."""
    for arch in sys.argv[1:] or machines.architectures():
        for variant in machines.variants(arch):
            begun = time.perf_counter()
            machine = machines.machine(arch, variant)
            print(f"{arch} {variant}: set up in {time.perf_counter() - begun:.2f} s")
            for level in machine.slots:
                print(measured(discover.layout(arch, None, variant).hardware, machine, level))


if __name__ == "__main__":
    main()
