"""How fast is the synthesis?  ``python bench/fit.py`` prints, side by side in one run, what ``fit`` takes and what quantified formulas take.

For each question:

* ``fit``: in all, in a fresh process with everything imported and nothing derived yet; the search alone, its Python included, once the states are derived,
  as they are when a formula is made; and the seconds in z3, those of the search and those of the claims together: the seconds of solving.
* the placement as a quantified formula, which is what the search reasons about (:func:`formula.placement`), against the search alone: as the question has
  it, and with gifts, things told to the solver that the question does not say; for these also with the seconds that it takes to make the formula from the
  question, which the search has in it;
* the placement with every claim that depends on it (:func:`formula.sound`), against the seconds of solving, and against ``fit`` in all.

Every formula is written out once and put to z3, cvc5 and bitwuzla, each in a process of its own; the seconds are those of the query, without reading the
text.  Of several ways to write a formula down, and of several ways to run a solver, the fastest counts; of several runs the fastest, for ``fit`` too.  All
seconds are of the processor's time.  Where a solver has no answer when its time is up, the time it did work counts, and the ratio is at least that.  cvc5
and bitwuzla are needed for nothing else: ``pip install cvc5 bitwuzla``.
"""

from __future__ import annotations

import gc
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any, Final

import click
import formula

import bitspec.solver
from archs import discover
from bitspec.solver import Solver
from bitspec.vocabulary import Level
from proofs.claim import Scene, claims
from proofs.fit.build import SwapPlan
from proofs.fit.question import Question, ask
from proofs.fit.search import Fitted, Search


@dataclass(frozen=True)
class Asked:
    """A question as the command line has it."""

    arch: str
    release: str
    level: Level
    need: tuple[str, ...]
    move: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()

    def __str__(self) -> str:
        flags = [*(f"--need {one}" for one in self.need), *(f"--move {one}" for one in self.move), *(f"--keep {one}" for one in self.keep)]
        return f"{self.arch}@{self.release} --level {self.level} {' '.join(flags)}"

    @property
    def question(self) -> Question:
        """The question."""
        return ask(discover.layout(self.arch, self.release), self.level, self.need, self.keep, self.move)

    def answer(self) -> Fitted | None:
        """What ``fit`` answers."""
        return next(Search(self.question, discover.known(self.arch)).answers(), None)


CLOCK: Final = time.process_time
"""Processor time of the process, user's and system's: what others do on the machine is not in it.  All that is measured has one thread."""

NEW, SWAP = ("type:5", "pfn", "soft_dirty"), ("swap",)
QUESTIONS: Final = (
    Asked("s390", "linux-6.12", Level.PMD, NEW),
    Asked("s390", "linux-6.12", Level.PMD, NEW, keep=("pmd_present",)),
    Asked("s390", "linux-6.12", Level.PTE, ("offset:54",), SWAP),
    Asked("x86_64", "linux-6.12", Level.PTE, ("offset:51",), SWAP),
    Asked("x86_64", "linux-6.12", Level.PTE, ("offset:52",), SWAP),
    Asked("x86_64", "linux-6.12", Level.PTE, ("offset:56",), SWAP),
    Asked("arm64", "linux-6.1", Level.PTE, ("uffd_wp@swap",), SWAP),
    Asked("arm64", "linux-6.1", Level.PTE, ("uffd_wp@swap", "offset:54"), SWAP),
    Asked("arm64", "linux-6.1", Level.PTE, ("uffd_wp@swap", "offset:57"), SWAP),
    Asked("powerpc", "linux-6.12", Level.PTE, ("uffd_wp@swap",), SWAP),
    Asked("powerpc", "linux-6.12", Level.PTE, ("uffd_wp@swap", "offset:50"), SWAP),
    Asked("powerpc", "linux-6.12", Level.PTE, ("uffd_wp@swap", "offset:57"), SWAP),
)

# Each of the following runs in a forked process of its own, so that none finds anything derived


class Timed(Search):
    """A search that tells how long it spent outside itself, with the claims."""

    verifying = 0.0

    def _judged(self, *args: Any) -> Any:
        start = CLOCK()
        try:
            return super()._judged(*args)
        finally:
            self.verifying += CLOCK() - start


@dataclass(frozen=True)
class Figures:
    """What a question cost ``fit``, in seconds.

    Attributes:
        fits: something does.
        plan: the answer.
        tried: how many layouts were put to the claims.
        seconds: in all.
        search: of that, the search alone.
        in_search, in_claims: of that, in z3.
    """

    fits: bool
    plan: SwapPlan | None
    tried: int
    seconds: float
    search: float
    in_search: float
    in_claims: float

    @property
    def solving(self) -> float:
        """Seconds in z3."""
        return self.in_search + self.in_claims


def _ready(asked: Asked, derive: bool) -> None:
    """Import everything, and with `derive`, derive the states."""
    gc.disable()  # as the command line does
    bitspec.solver.time = SimpleNamespace(perf_counter=CLOCK)  # type: ignore[attr-defined] # z3's seconds by the same clock
    claims()
    Solver()  # makes z3 ready, which costs a process more than any query, and is not counted for the formulas either
    layout = discover.layout(asked.arch, asked.release)
    if derive:
        for level in layout.uses:
            Scene(layout, level).states  # noqa: B018 - derived when asked for


def fitted(asked: Asked, derive: bool) -> Figures:
    """One run of ``fit``, until it has an answer, or knows that there is none; its words for why are not counted."""
    known = discover.known(asked.arch)
    _ready(asked, derive)
    start = CLOCK()
    search = Timed(asked.question, known)
    answer = next(search.answers(), None)
    seconds = CLOCK() - start
    in_search, in_claims = search.rooms.solver.statistics.seconds, search.statistics.seconds
    return Figures(answer is not None, answer.swap if answer is not None else None, search.tried, seconds, seconds - search.verifying, in_search, in_claims)


def placements(asked: Asked) -> dict[str, str]:
    """The placement as formulas, by the way they are written down."""
    answer = asked.answer()
    plan = None if answer is None else answer.swap
    ways = ("bits", *(formula.GIFTED if plan is not None else formula.GIFTED[:1]))
    return {way: _checked(formula.placement(asked.question, plan, way)) for way in ways}


def making(asked: Asked, plan: SwapPlan | None) -> float:
    """Seconds to make the formula of the placement, once the states are derived; without writing it out."""
    _ready(asked, True)
    start = CLOCK()
    formula.placement(asked.question, plan, formula.GIFTED[0])
    return CLOCK() - start


def sounds(asked: Asked) -> dict[str, str]:
    """The placement with the claims as a formula, where something fits; where nothing does, the placement alone says so."""
    answer = asked.answer()
    assert answer is not None
    return {"shifts": _checked(formula.sound(asked.question, answer))}


def _checked(one: formula.Formula) -> str:
    one.check()
    return one.text


def z3_seconds(text: str, limit: float, logic: str | None) -> tuple[str, float]:
    """What z3 says, and how long it took; its default solver, or the one for a logic."""
    import z3

    solver = z3.Solver() if logic is None else z3.SolverFor(logic)
    solver.set("timeout", int(limit * 1000))
    solver.from_string(text)
    start = CLOCK()
    return str(solver.check()), CLOCK() - start


def cvc5_seconds(text: str, limit: float) -> tuple[str, float]:
    """What cvc5 says, and how long it took."""
    import cvc5

    solver = cvc5.Solver()
    solver.setOption("tlimit-per", str(int(limit * 1000)))
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, text, "formula")
    while not (command := parser.nextCommand()).isNull():
        start = CLOCK()
        said = str(command.invoke(solver, parser.getSymbolManager())).strip()
        if command.getCommandName() == "check-sat":
            return said, CLOCK() - start
    raise ValueError("the text must have a check-sat")


def bitwuzla_seconds(text: str, limit: float) -> tuple[str, float]:
    """What bitwuzla says, and how long it took."""
    import bitwuzla

    options = bitwuzla.Options()
    options.set(bitwuzla.Option.TIME_LIMIT_PER, int(limit * 1000))
    parser = bitwuzla.Parser(bitwuzla.TermManager(), options)
    parser.parse(text, parse_only=True, parse_file=False)
    start = CLOCK()
    return str(parser.bitwuzla().check_sat()), CLOCK() - start


#: The ways to run each solver.
RUNS: Final[dict[str, tuple[tuple[Callable[..., tuple[str, float]], tuple[Any, ...]], ...]]] = {
    "z3": ((z3_seconds, (None,)), (z3_seconds, ("BV",))),
    "cvc5": ((cvc5_seconds, ()),),
    "bitwuzla": ((bitwuzla_seconds, ()),),
}


def apart(work: Callable[..., Any], *args: Any, limit: float | None = None) -> Any:
    """What `work` returns in a process of its own; None if that takes longer than `limit` and what it takes to begin, or ends without saying anything."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=lambda: theirs.send(work(*args)))
    child.start()
    theirs.close()
    try:
        return ours.recv() if ours.poll(None if limit is None else limit + 5) else None
    except EOFError:
        return None
    finally:
        child.kill()
        child.join()


@dataclass(frozen=True)
class Answer:
    """What a solver said.

    Attributes:
        solver: its name.
        said: ``sat``, ``unsat``, or anything else for none.
        seconds: how long it took; the time-out if it said nothing.
        way: how the formula was written down.
    """

    solver: str
    said: str
    seconds: float
    way: str

    @property
    def decided(self) -> bool:
        """It did answer."""
        return self.said in ("sat", "unsat")

    def __str__(self) -> str:
        return f"{self.solver} {self.said} {self.seconds:.4f} s ({self.way})" if self.decided else f"{self.solver} no answer in {self.seconds:.0f} s"


def quickest(solver: str, texts: dict[str, str], limit: float, runs: int) -> Answer:
    """The fastest answer of a solver to any of the texts."""
    found = [Answer(solver, "no answer", limit, "")]
    for way, text in texts.items():
        for work, args in RUNS[solver]:
            for _ in range(runs):
                said, seconds = apart(work, text, limit, *args, limit=limit) or ("", limit)
                found.append(Answer(solver, said, seconds, way))
                if not found[-1].decided or seconds > limit / 10:
                    break  # not worth repeating
    return min(found, key=lambda one: (not one.decided, one.seconds))


def compared(solvers: Sequence[str], texts: dict[str, str], expected: bool, limit: float, runs: int) -> tuple[list[Answer], float]:
    """Every solver's answer, and the seconds of the best.  Raises ValueError where one contradicts ``fit``."""
    answers = [quickest(solver, texts, limit, runs) for solver in solvers]
    for one in answers:
        if one.decided and (one.said == "sat") is not expected:
            raise ValueError(f"{one} contradicts fit")
    return answers, min(one.seconds for one in answers)


def ratio(name: str, values: Iterable[float]) -> str:
    """The median of a kind of ratio, and its range."""
    known = sorted(values)
    return f"{name:38} median {statistics.median(known):6.1f}, from {known[0]:.1f} to {known[-1]:.1f}, of {len(known)} questions"


@click.command()
@click.option("--runs", default=5, show_default=True, help="How often each is measured; the fastest is printed.")
@click.option("--timeout", default=60.0, show_default=True, help="Seconds a solver has for a formula.")
@click.option("--only", default="", help="Only the questions that contain this text.")
def main(runs: int, timeout: float, only: str) -> None:
    """Measure ``fit`` against the same questions as quantified formulas."""
    solvers = [one for one in RUNS if find_spec(one)]
    for one in RUNS:
        if one not in solvers:
            click.echo(f"{one} is not installed and left out")
    plainly: list[float] = []
    placing: list[float] = []
    made_too: list[float] = []
    solving: list[float] = []
    whole: list[float] = []
    most: dict[str, float] = {}
    for asked in QUESTIONS:
        if only not in str(asked):
            continue
        cold = min((apart(fitted, asked, False) for _ in range(runs)), key=lambda one: one.seconds)
        warm = [apart(fitted, asked, True) for _ in range(runs)]
        search, z3 = min(one.search for one in warm), min(one.solving for one in warm)
        in_search = min(one.in_search for one in warm)
        click.echo(f"{asked}")
        verdict = f"it fits, {cold.tried} tried" if cold.fits else "nothing fits"
        click.echo(f"  fit          {cold.seconds:.4f} s in all, search {search:.4f} s ({in_search:.4f} s in z3), solving {z3:.4f} s: {verdict}")
        texts = apart(placements, asked)
        answers, best = compared(solvers, {"bits": texts.pop("bits")}, cold.fits, timeout, runs)
        click.echo(f"  placement    {best / search:.1f} times the search: {', '.join(map(str, answers))}")
        plainly.append(best / search)
        answers, best = compared(solvers, texts, cold.fits, timeout, runs)
        made = min(apart(making, asked, cold.plan) for _ in range(runs))
        click.echo(f"  with gifts   {best / search:.1f} times the search, {(made + best) / search:.1f} as made ({made:.4f} s): {', '.join(map(str, answers))}")
        placing.append(best / search)
        made_too.append((made + best) / search)
        most[asked.arch] = max(z3, most.get(asked.arch, 0.0))
        if cold.fits:
            answers, best = compared(solvers, apart(sounds, asked), True, timeout, runs)
            click.echo(f"  with claims  {best / z3:.1f} times the solving, {best / cold.seconds:.1f} times all: {', '.join(map(str, answers))}")
            solving.append(best / z3)
            whole.append(best / cold.seconds)
    click.echo(ratio("placement / search", plainly))
    click.echo(ratio("placement with gifts / search", placing))
    click.echo(ratio("the same, made and answered / search", made_too))
    if solving:
        click.echo(ratio("placement with claims / solving", solving))
        click.echo(ratio("placement with claims / all of fit", whole))
    click.echo("most seconds of solving: " + ", ".join(f"{arch} {seconds:.4f}" for arch, seconds in most.items()))


if __name__ == "__main__":
    main()
