"""How fast is the check?  ``python bench/check.py`` prints ratios, measured side by side in one run.

* the default ``bitspec check``, as a whole process, against the floor: a process that imports z3, click and rich and decides one query;
* milliseconds a claim above that floor, vacuity checks included;
* the check in process against raw z3 on the same queries: each claim exported, and solved by a fresh solver of its own.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

import click

FLOOR = "import z3, click, rich.console, rich.table; x = z3.BitVec('x', 64); s = z3.Solver(); s.add(x & 1 == 2); assert s.check() == z3.unsat"


def process(*command: str) -> float:
    """Seconds a whole process takes."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def exported() -> Iterator[tuple[object, ...]]:
    """Every claim of the default check as Z3 terms: its preconditions, and that it fails."""
    from archs import discover
    from bitspec.expr import not_
    from bitspec.layout import Absent
    from bitspec.solver import Solver
    from bitspec.vocabulary import Level
    from proofs.check import questions
    from proofs.claim import Scene
    from proofs.state import Lacking

    terms = Solver()
    for arch in discover.architectures():
        for level in Level:
            scene = Scene(discover.layout(arch), level)
            for question in questions(scene):
                if isinstance(question.subject, Lacking):
                    continue
                try:
                    goal = question.claim.goal(scene, question.subject)
                except Absent:
                    continue
                yield (*(terms.term(one.fact) for one in goal.given), terms.term(not_(goal.holds)))


def raw_seconds(queries: Sequence[tuple[object, ...]]) -> float:
    """Seconds z3 takes for the queries, a fresh solver each; building the terms is not counted."""
    import z3

    start = time.perf_counter()
    for facts in queries:
        solver = z3.SolverFor("QF_BV")
        solver.add(*facts)
        solver.check()
    return time.perf_counter() - start


INSIDE = """
import time
from archs import discover
from bitspec.solver import version
from bitspec.vocabulary import Level
from proofs.check import Checker, Verdict
from proofs.claim import claims
version(), claims()
layouts = [discover.layout(arch) for arch in discover.architectures()]
start = time.perf_counter()
results = [one for layout in layouts for one in Checker(discover.known(layout.arch)).check(layout, list(Level))]
print(time.perf_counter() - start, sum(one.verdict is not Verdict.NOT_APPLICABLE for one in results))
"""


def check_seconds() -> tuple[float, int]:
    """Seconds of the default check inside a fresh process, everything imported, nothing derived yet; and how many claims it decided."""
    seconds, claims = subprocess.run([sys.executable, "-c", INSIDE], check=True, capture_output=True, text=True).stdout.split()
    return float(seconds), int(claims)


@click.command()
@click.option("--runs", default=5, show_default=True, help="How often each is measured; medians are printed.")
def main(runs: int) -> None:
    """Measure the check against the floor and against raw z3."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installation has its modules compiled
    floors, checks = [], []
    for _ in range(runs + 1):  # in turn, so that a machine that slows down slows both; the first pair warms up
        floors.append(process(sys.executable, "-c", FLOOR))
        checks.append(process(sys.executable, "-m", "cli", "check"))
    floor, check = statistics.median(floors[1:]), statistics.median(checks[1:])
    queries = list(exported())
    inside, raw = [], []
    for _ in range(runs):
        seconds, claims = check_seconds()
        inside.append(seconds)
        raw.append(raw_seconds(queries))
    click.echo(f"claims decided                  {claims}")
    click.echo(f"floor process                   {floor:.3f} s")
    click.echo(f"bitspec check process           {check:.3f} s, {check / floor:.1f} times the floor")
    click.echo(f"a claim above the floor         {(check - floor) / claims * 1000:.3f} ms")
    click.echo(f"check in process                {statistics.median(inside):.3f} s")
    click.echo(f"raw z3, one fresh solver each   {statistics.median(raw):.3f} s for {len(queries)} queries")
    click.echo(f"check / raw z3                  {statistics.median(a / b for a, b in zip(inside, raw, strict=True)):.2f}")


if __name__ == "__main__":
    main()
