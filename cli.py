"""The command line: ``bitspec check``, ``list``, ``show``, ``decode``, ``free``, ``explain``.

z3 is imported by ``check`` alone, so that the others start at once.
"""

from __future__ import annotations

import atexit
import gc
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from functools import cache, partial, wraps
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import click

import bitspec
from archs import discover, toolchains, trees
from bitspec.expr import ExprError
from bitspec.fields import LayoutError
from bitspec.layout import CONFIGS, Absent, Layout
from bitspec.lift.problem import Problem
from bitspec.render import formats, renderer
from bitspec.report import Finding, Report
from bitspec.vocabulary import Level, VocabularyError, level, unknown

if TYPE_CHECKING:
    from rich.console import RenderableType

    from bitspec.compared import Comparison, History
    from bitspec.fitted import Outcome
    from bitspec.proposal import Proposal
    from proofs.check import Result, Statistics
    from proofs.claim import Scene
    from proofs.compare import Side

USAGE, INTERNAL = 2, 4


class BadInput(click.ClickException):
    """Something the user gave is wrong: one line on standard error, exit 2."""

    exit_code = USAGE


def _guarded(command: Callable[..., Any]) -> Callable[..., Any]:
    """Turn what a user can get wrong into one line and exit 2, and what we got wrong into one line and exit 4."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except BrokenPipeError:  # whoever read our output has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(128 + signal.SIGPIPE)
        except (VocabularyError, LayoutError, Absent, Problem) as error:
            raise BadInput(str(error)) from None
        except OSError as error:
            raise BadInput(f"{error.filename or ''}: {error.strerror}".lstrip(": ")) from None
        except click.ClickException:
            raise
        except Exception as error:
            if os.environ.get("BITSPEC_TRACEBACK"):
                raise
            click.echo(f"bitspec: internal error: {type(error).__name__}: {error} (BITSPEC_TRACEBACK=1 shows where)", err=True)
            sys.exit(INTERNAL)

    return run


class OneLine(click.Group):
    """A group that says what is wrong with its arguments in one line, as every other error is said."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command; click's own usage errors become one line and exit 2."""
        if not kwargs.pop("standalone_mode", True):
            return super().main(*args, standalone_mode=False, **kwargs)
        try:
            status = super().main(*args, standalone_mode=False, **kwargs)
        except click.ClickException as error:
            if isinstance(error, click.exceptions.NoArgsIsHelpError):
                click.echo(error.format_message(), err=True)
            else:
                click.echo(f"bitspec: {error.format_message()}".replace("\n", " "), err=True)
            sys.exit(USAGE)
        except click.Abort:
            sys.exit(130)
        sys.exit(status if isinstance(status, int) else 0)


def _print(renderable: RenderableType, output: Path | None = None) -> None:
    """Print for people: in colour on a terminal; plain, 100 columns wide and without trailing blanks elsewhere.  NO_COLOR is honoured by rich."""
    from rich.console import Console

    if output is None and sys.stdout is not None and sys.stdout.isatty():
        Console(highlight=False, markup=False, emoji=False).print(renderable)
        return
    page = StringIO()
    Console(file=page, width=100, highlight=False, markup=False, emoji=False, color_system=None).print(renderable)
    text = "".join(line.rstrip() + "\n" for line in page.getvalue().splitlines())
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")


def _layouts(targets: Iterable[str], variant: str | None, config: str) -> Iterator[Layout]:
    """The layouts a command is about: every architecture's newest, or the ones named."""
    for target in targets or discover.architectures():
        arch, release = discover.target(target)
        if variant != "all":
            yield discover.layout(arch, release, variant, config)
            continue
        for one in discover.variants(arch):
            try:
                yield discover.layout(arch, release, one, config)
            except Absent as reason:
                click.echo(f"bitspec: {target} {one}: skipped: {reason}", err=True)


def _levels(names: tuple[str, ...]) -> tuple[Level, ...]:
    return tuple(level(name) for name in names) or tuple(Level)


def _one(target: str, variant: str | None, config: str = "default") -> Layout:
    arch, release = discover.target(target)
    return discover.layout(arch, release, variant, config)


@click.group(cls=OneLine, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(bitspec.__version__, prog_name="bitspec")
def main() -> None:
    """Decide whether a page-table layout is sound: prove or refute, for every value.

    \b
    Example:
      bitspec check                        every architecture's newest layout
      bitspec check s390@linux-6.12        one layout
      bitspec decode x86_64 pmd 0x4080     what one raw value means

    Exit status: 0 nothing refuted but what is known; 1 something refuted, or a stale known; 2 wrong input; 3 inconclusive; 4 internal error.
    """


_variant = click.option("--variant", metavar="NAME", help="The hardware variant, or 'all'; the default is each architecture's first.")
_one_variant = click.option("--variant", metavar="NAME", help="The hardware variant; the default is the architecture's first.")
_level = click.option("--level", "levels", multiple=True, metavar="LEVEL", help="pte, pmd or pud; may be given several times. Default: all.")
_configs = click.option(
    "--config", "configs", multiple=True, metavar="NAME|FILE",
    help=f"Kernel options: {', '.join(one.name for one in CONFIGS)}; of a kernel tree, those of archs/configs or a file too. Any number, each asked by itself.",
)  # fmt: skip
_all_configs = click.option(
    "--all-configs", is_flag=True,
    help="With --kernel: every variant, and every shipped config that changes something, once.",
)  # fmt: skip
_config = click.option("--config", default="default", metavar="NAME", show_default=True, help=f"Kernel options: {', '.join(one.name for one in CONFIGS)}.")


@dataclass(frozen=True)
class Asked:
    """What ``check`` and ``baseline`` are asked: which claims about which layouts."""

    targets: tuple[str, ...]
    levels: tuple[str, ...]
    variant: str | None
    configs: tuple[str, ...]
    all_configs: bool
    select: tuple[str, ...]
    ignore: tuple[str, ...]
    timeout: float | None
    tree: Path | None
    build: Path | None
    cc: str | None

    def report(self, stats: bool = False, on_machine: bool = False) -> Report:
        """The answer.  Raises BadInput."""
        gc.disable()  # everything a check makes is immutable and lives to its end: there is no garbage to look for
        wanted = _levels(self.levels)
        layouts = self._layouts()
        codes = _codes(self.select, self.ignore)
        if codes is not None and not codes:
            raise BadInput("--select and --ignore leave no claim to ask")
        if self.timeout is not None and not math.isfinite(self.timeout):
            raise BadInput(f"the time-out must be a number of seconds, not {self.timeout}")
        start = time.perf_counter()
        report = _check(layouts, wanted, codes, self.timeout, stats, start, on_machine)
        if self.tree is not None:
            report = replace(report, findings=tuple(replace(one, source="lifted") for one in report.findings))
        return report

    def _layouts(self) -> list[Layout]:
        if self.tree is not None:
            return list(trees.layouts(self.targets, trees.Runs(self.tree, self.variant, self.configs, self.all_configs, build=self.build, cc=self.cc)))
        if self.all_configs:
            raise BadInput("--all-configs must come with --kernel TREE")
        for name in self.configs:
            discover.config(name)
        return [one for name in dict.fromkeys(self.configs or ("default",)) for one in _layouts(self.targets, self.variant, name)]


def _asked(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of what is asked, which reach the command as one argument."""
    options = (
        click.argument("targets", nargs=-1, metavar="[ARCH[@LAYOUT]]..."),
        _level,
        _variant,
        _configs,
        _all_configs,
        click.option("--select", multiple=True, metavar="CODES", help="Ask only these claims: codes, their beginnings, or names; separated by commas."),
        click.option("--ignore", multiple=True, metavar="CODES", help="Leave these claims out."),
        click.option("--timeout", type=click.FloatRange(min=0, min_open=True, max=1e6), metavar="SECONDS", help="Give up on a query after this time: unknown."),
        click.option("--kernel", "tree", type=click.Path(path_type=Path, file_okay=False), metavar="TREE", help="Ask about this kernel tree's own helpers."),
        click.option("--build", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="With --kernel: a configured build folder of the tree."),
        click.option("--cc", metavar="COMMAND", help="With --kernel: the clang to use."),
    )

    @wraps(command)
    def run(**given: Any) -> Any:
        asked = Asked(**{one.name: given.pop(one.name) for one in fields(Asked)})
        return command(asked=asked, **given)

    made = run
    for option in reversed(options):
        made = option(made)
    return made


_written = click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the report to a file.")
_format = click.option("--format", "format_", default="text", show_default=True, metavar="FORMAT", help=f"One of {', '.join(formats())}.")


@main.command()
@_asked
@_format
@_written
@click.option("--stats", is_flag=True, help="Tell how many queries there were, who decided them, and how long it took.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 even if something is refuted or unknown.")
@click.option("--replay", "on_machine", is_flag=True, help="Put every witness about the hardware to an emulated MMU.")
@_guarded
def check(asked: Asked, format_: str, output: Path | None, stats: bool, exit_zero: bool, on_machine: bool) -> None:
    """Prove or refute every claim about the layouts named; without ARCH, about every architecture's newest.

    \b
    Example:
      bitspec check s390@linux-6.12 --level pmd
      bitspec check x86_64 --variant all --select SWP,MIG --format json -o report.json
      bitspec check s390 --kernel linux-6.12     the tree's own code
      bitspec check s390 --kernel linux-6.12 --all-configs
    """
    _writable(format_, formats(), output)
    report = asked.report(stats, on_machine)
    _show(renderer(format_)(report), output)
    sys.exit(0 if exit_zero else report.status)


@main.group()
def baseline() -> None:
    """Accept what is refuted today, each with a reason, and fail on what is new."""


@baseline.command("write")
@_asked
@click.option("-o", "--output", "file", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The baseline; reasons in it are kept.")
@click.option("--reason", default="", metavar="TEXT", help="Of entries that are new; without it they have none, and somebody has to write it.")
@_guarded
def baseline_write(asked: Asked, file: Path, reason: str) -> None:
    """Write what is refuted and not known into a baseline.

    Entries that are there keep their reasons; those that are not refuted any more go.

    \b
    Example:
      bitspec baseline write arm64 --kernel linux -o baseline.toml --reason "as of v6.12, see the thread"
    """
    from bitspec import baseline as entries

    _writable("text", formats(), file)
    old = entries.load(file) if file.exists() else ()
    new = entries.renewed(old, asked.report().findings, reason)
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    fresh.write_text(entries.write(new), encoding="utf-8")
    fresh.replace(file)
    kept, empty = len({one.key for one in old} & {one.key for one in new}), sum(not one.reason.strip() for one in new)
    click.echo(f"{file}: {len(new)} entries, {len(new) - kept} new, {len(old) - kept} gone" + (f"; {empty} must get a reason" if empty else ""), err=True)


@baseline.command("check")
@_asked
@click.option("--baseline", "file", required=True, type=click.Path(path_type=Path, dir_okay=False, exists=True), help="The baseline.")
@_format
@_written
@_guarded
def baseline_check(asked: Asked, file: Path, format_: str, output: Path | None) -> None:
    """Check, and take what the baseline accepts for known.  An entry that is not refuted any more is stale, and fails.

    \b
    Example:
      bitspec baseline check arm64 --kernel linux --baseline baseline.toml

    Exit status: as of check; 2 where an entry has no reason.
    """
    from bitspec import baseline as entries

    _writable(format_, formats(), output)
    accepted = entries.load(file)
    report = entries.applied(asked.report(), accepted, str(file))
    _show(renderer(format_)(report), output)
    sys.exit(report.status)


def _codes(select: tuple[str, ...], ignore: tuple[str, ...]) -> frozenset[str] | None:
    if not select and not ignore:
        return None
    from proofs import claim

    chosen = claim.select(_split(select)) if select else frozenset(claim.by_code())
    return chosen - claim.select(_split(ignore)) if ignore else chosen


def _split(values: tuple[str, ...]) -> list[str]:
    return [code.strip() for value in values for code in value.split(",") if code.strip()]


def _check(
    layouts: list[Layout],
    levels: tuple[Level, ...],
    codes: frozenset[str] | None,
    timeout: float | None,
    stats: bool,
    start: float,
    on_machine: bool = False,
) -> Report:
    from bitspec.solver import version
    from proofs.check import Checker, Statistics
    from proofs.report import finding, stale, tables

    known = {arch: _known_of(arch) for arch in dict.fromkeys(one.arch for one in layouts)}
    statistics = Statistics()
    checkers = {arch: Checker(entries, timeout, statistics=statistics) for arch, entries in known.items()}  # what is known of one says nothing of another
    results: list[Result] = []
    of_arch: dict[str, list[Result]] = {arch: [] for arch in known}
    for layout in _watched(layouts):
        answers = list(checkers[layout.arch].check(layout, levels, codes))
        results += answers
        of_arch[layout.arch] += answers
    if not results:
        raise BadInput("nothing to ask: none of the claims selected is about these levels")
    findings = [finding(one) for one in results]
    if on_machine:
        findings = [_replayed(result, one) for result, one in zip(results, findings, strict=True)]
    return Report(
        version=bitspec.__version__,
        solver=version(),
        findings=tuple(findings),
        tables=tuple(tables(results)),
        stale=tuple(gone for arch, entries in known.items() for gone in stale(entries, of_arch[arch])),
        seconds=time.perf_counter() - start,
        statistics=_statistics(statistics, len(results)) if stats else {},
    )


def _replayed(result: Result, one: Finding) -> Finding:
    """A finding about the hardware whose witness was put to an emulated machine, if there is one for its variant and level."""
    if one.evidence is None or not result.claim.scene:
        return one
    from archs import machines
    from proofs.confirm import replay as answers
    from proofs.confirm import verdict

    layout = result.layout
    if layout.hardware.no_walk is not None or layout.hardware.variant not in machines.variants(layout.arch):
        said = f"not replayed: no machine emulates {layout.arch} {layout.hardware.variant}"
    else:
        machine = _machine(layout.arch, layout.hardware.variant)
        if result.level in machine.slots:
            said = verdict(machine, answers(layout, machine, result.level, one.evidence.entry))
        else:
            said = f"not replayed: {machine.model} has no {result.level}"
    return replace(one, evidence=replace(one.evidence, replayed=said))


@cache
def _machine(arch: str, variant: str) -> Any:
    """The first emulated machine of a variant, its controls passed."""
    return next(_machines(discover.layout(arch, None, variant)))


def _statistics(counts: Statistics, results: int) -> dict[str, float]:
    return {
        "results": results,
        "decided by the simplifier": counts.simplified,
        "decided by z3": counts.solver,
        "z3 queries": counts.queries,
        "z3 seconds": round(counts.solver_seconds, 3),
        "vacuity checks": counts.vacuity,
        "of them by z3": counts.vacuity_solver,
    }


def _watched(layouts: list[Layout]) -> Iterator[Layout]:
    """The layouts, with a progress bar on a terminal when there are many."""
    if len(layouts) < 6 or not sys.stderr.isatty():
        yield from layouts
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(layouts, "checking", console=Console(stderr=True), transient=True)


@main.command("list")
@click.argument("what", type=click.Choice(["architectures", "claims", "preconditions"]), default="architectures")
@_guarded
def list_(what: str) -> None:
    """List architectures with their layouts, or the claims, or the preconditions.

    \b
    Example:
      bitspec list
      bitspec list claims
    """
    from bitspec.render import _listing

    if what == "architectures":
        rows = [(arch, _provenances(arch), discover.variants(arch), _level_names(arch)) for arch in discover.architectures()]
        _print(_listing.architectures(rows))
    elif what == "claims":
        from proofs.claim import FAMILIES, by_code

        asked = {code: ",".join(at.value for at, its in one.codes.items() if its == code) for code, one in by_code().items()}
        _print(_listing.claims([(code, one.name, asked[code], one.summary) for code, one in by_code().items()], FAMILIES))
    else:
        from proofs.preconditions import ALL

        _print(_listing.preconditions([(one.name, one.guarantee) for one in ALL]))


def _provenances(arch: str) -> list[str]:
    return [f"{release} ({discover.layout(arch, release).provenance})" for release in discover.releases(arch)]


def _level_names(arch: str) -> list[str]:
    return [at.value for at in Level if at in discover.layout(arch).uses]


def _scenes(target: str, levels: tuple[str, ...], variant: str | None, config: str) -> Iterator[Scene]:
    from proofs.claim import Scene

    layout = _one(target, variant, config)
    for at in _levels(levels):
        if at in layout.uses:
            yield Scene(layout, at)
        elif levels:
            raise BadInput(f"{at} is folded in {layout.name} {layout.hardware.variant}")


@main.command()
@click.argument("target", metavar="ARCH[@LAYOUT]")
@_level
@_one_variant
@_config
@_guarded
def show(target: str, levels: tuple[str, ...], variant: str | None, config: str) -> None:
    """Show the bits of every state in the manual's numbering, with their owners, and the truth table that is promised.

    \b
    Example:
      bitspec show s390 --level pmd
    """
    from bitspec.render import _anatomy
    from proofs.anatomy import shown

    for scene in _scenes(target, levels, variant, config):
        _print(_anatomy.show(shown(scene)))


@main.command(context_settings={"ignore_unknown_options": True})  # so that -5 is a value that is wrong, not an option
@click.argument("target", metavar="ARCH[@LAYOUT]")
@click.argument("level_name", metavar="LEVEL")
@click.argument("value")
@_one_variant
@_config
@_guarded
def decode(target: str, level_name: str, value: str, variant: str | None, config: str) -> None:
    """Say what one raw entry means: its states, its fields, the kernel's predicates, the walk.

    VALUE is hexadecimal (0x...), decimal, octal (0o...) or binary (0b...).

    \b
    Example:
      bitspec decode s390@linux-6.12 pmd 0x1600
    """
    from bitspec.render import _anatomy
    from proofs.anatomy import decoded

    layout = _one(target, variant, config)
    at = level(level_name)
    number = _number(value)
    (scene,) = _scenes(target, (at.value,), variant, config)
    width = layout.uses[at].width
    if number >> width:
        raise BadInput(f"the value must fit into {width} bits, not {value}")
    _print(_anatomy.decode(decoded(scene, number)))


def _number(text: str) -> int:
    try:
        number = int(text, 0)
    except ValueError:
        raise BadInput(f"the value must be a number like 0x1600 or 5632, not {text!r}") from None
    if number < 0:
        raise BadInput(f"the value must not be negative, not {text}")
    return number


@main.command()
@click.argument("target", metavar="ARCH[@LAYOUT]")
@_level
@_one_variant
@_config
@_guarded
def free(target: str, levels: tuple[str, ...], variant: str | None, config: str) -> None:
    """Say whose each bit is, in each kind of entry, and which are free.

    \b
    Example:
      bitspec free x86_64 --level pmd
    """
    from bitspec.render import _anatomy
    from proofs.anatomy import owners

    for scene in _scenes(target, levels, variant, config):
        _print(_anatomy.free(owners(scene)))


@main.command()
@click.argument("target", metavar="ARCH[@LAYOUT]")
@click.option("--level", "level_name", required=True, metavar="LEVEL", help="pte, pmd or pud.")
@click.option(
    "--need",
    "wanted",
    multiple=True,
    metavar="NAME[:WIDTH][@WHERE]",
    help="type:5, offset:max, pfn, migration-ad, present, exclusive, soft_dirty, uffd_wp, or any software flag; WHERE is present, swap or both.",
)
@click.option("--keep", multiple=True, metavar="NAME", help="A predicate or field that must stay as it is.")
@click.option("--move", multiple=True, metavar="NAME", help="What may move: a field, type, offset, a flag; swap or software: all of them.")
@click.option("--pin", "pinned", multiple=True, metavar="NAME=BITS", help="Where a field must be, as the manual counts, or a mask; mark: 1 in swap entries.")
@click.option("--maximise", metavar="NAME", help="The field that gets all the room there is, before anything else counts.")
@click.option("--mend", multiple=True, metavar="CODES", help="Claims of which an answer must have no refutation, not even one that is known.")
@click.option("--all", "count", type=click.IntRange(min=1), default=1, metavar="N", help="Show up to N answers, the preferred first.")
@_one_variant
@_config
@click.option("--format", "format_", default="text", show_default=True, metavar="FORMAT", help="One of text, c, json, toml.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the answer to a file.")
@click.option("--stats", is_flag=True, help="Tell how many layouts were tried, how many queries there were, and how long they took.")
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True, max=1e6), metavar="SECONDS", help="Give up on a query after this time: unknown.")
@click.option("--kernel", "tree", type=click.Path(path_type=Path, file_okay=False), metavar="TREE", help="Ask about this kernel tree's own helpers.")
@click.option("--build", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="With --kernel: a configured build folder of the tree.")
@click.option("--cc", metavar="COMMAND", help="With --kernel: the clang to use.")
@_guarded
def fit(
    target: str,
    level_name: str,
    wanted: tuple[str, ...],
    keep: tuple[str, ...],
    move: tuple[str, ...],
    pinned: tuple[str, ...],
    maximise: str | None,
    mend: tuple[str, ...],
    count: int,
    variant: str | None,
    config: str,
    format_: str,
    output: Path | None,
    stats: bool,
    timeout: float | None,
    tree: Path | None,
    build: Path | None,
    cc: str | None,
) -> None:
    """Find a layout that has what is needed, proved sound; or say which requirements cannot hold together.

    Nothing that exists moves unless --move says so.  Preferred is what moves the fewest fields, then what changes the fewest predicates, then what has
    the most offset bits, then what leaves fields in one piece, then what has the lowest positions.

    \b
    Example:
      bitspec fit s390@linux-6.12 --level pmd --need type:5 --need pfn --need soft_dirty
      bitspec fit arm64@linux-6.1 --level pte --need uffd_wp --format c
      bitspec fit x86_64 --level pte --need mine:6@present      nothing fits, and why
      bitspec fit arm --level pte --need exclusive --kernel linux-6.1 --variant classic

    Exit status: 0 something fits; 1 nothing does; 2 wrong input; 3 nobody knows.
    """
    gc.disable()
    from bitspec.render import fit as rendering

    if format_ not in rendering.formats():
        raise BadInput(unknown("format", format_, rendering.formats()))
    if output is not None and not output.parent.is_dir():
        raise BadInput(f"{output.parent}: no such folder")
    runs = None if tree is None else trees.Runs(tree, variant, (config,), build=build, cc=cc)
    layout = _one(target, variant, config) if runs is None else _alone(list(trees.layouts((target,), runs)))
    found = _fit(layout, level(level_name), (wanted, keep, move, pinned, maximise, tuple(_split(mend))), count, timeout, stats)
    rendered = rendering.renderer(format_)(found)
    if not isinstance(rendered, str):
        _print(rendered, output)
    elif output is None:
        click.echo(rendered, nl=False)
    else:
        output.write_text(rendered, encoding="utf-8")
    sys.exit(found.status)


def _alone(layouts: list[Layout]) -> Layout:
    """The only layout; a question is about one."""
    if len(layouts) != 1:
        raise BadInput(f"a question must be about one layout, not {len(layouts)}: name a variant and a config")
    return layouts[0]


#: What a question to ``fit`` is made of: --need, --keep, --move, --pin, --maximise, --mend.
_Asked: TypeAlias = "tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...], str | None, tuple[str, ...]]"


def _fit(layout: Layout, at: Level, asked: _Asked, count: int, timeout: float | None, stats: bool) -> Outcome:
    from bitspec.solver import Unknown
    from proofs.fit.question import ask
    from proofs.fit.reasons import why
    from proofs.fit.report import outcome
    from proofs.fit.search import Search, as_it_is

    start = time.perf_counter()
    question = ask(layout, at, *asked)
    known = discover.known(layout.arch) if layout.arch in discover.architectures() else as_it_is(layout)
    search = Search(question, known, timeout)
    none, gave_up, answers = None, None, []
    try:
        answers = list(islice(search.answers(), count))
        none = why(search) if not answers else None
    except Unknown as reason:
        gave_up = str(reason)
    *lists, maximise, mend = asked
    flags = zip(("--need", "--keep", "--move", "--pin", "--maximise", "--mend"), (*lists, (maximise,) if maximise else (), mend), strict=True)
    words = " ".join(f"{flag} {value}" for flag, values in flags for value in values)
    figures = search.figures if stats else {}
    return outcome(question, f"{layout.name} --level {at} {words}", answers, none, gave_up, time.perf_counter() - start, figures)


# Proposals

_timeout = click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True, max=1e6), default=60.0, show_default=True, metavar="SECONDS",
    help="Give up on a query after this time: unknown.",
)  # fmt: skip
_common_config = click.option("--config", metavar="NAME", help=f"Kernel options: {', '.join(one.name for one in CONFIGS)}; the default is a proposal's own.")


def _sides(texts: tuple[str, str], variant: str | None, config: str | None) -> tuple[Side, Side]:
    """Two layouts to be compared, each ARCH@LAYOUT or a proposal file; what one does not say of variant and config is as in the other."""
    from bitspec.proposal import load
    from bitspec.proposed import applied
    from proofs.compare import Side

    read = [load(Path(text)) if text.endswith(".toml") else None for text in texts]
    said = [one.base for one in read if one is not None]
    variant = variant or next((one.variant for one in said if one.variant), None)
    config = config or next((one.config for one in said), "default")
    for one in said:
        for name, mine, chosen in (("variant", one.variant, variant), ("config", one.config, config)):
            if mine not in (None, chosen):
                raise BadInput(f"both must be of one {name}, not of {mine} and {chosen}")
    made = [None if one is None else Side(applied(one, _base_of(one, variant, config)), one.name) for one in read]
    old, new = (Side(_one(text, variant, config)) if one is None else one for text, one in zip(texts, made, strict=True))
    return old, new


def _base_named(file: str) -> str:
    """The layout that a proposal file is based on, as ARCH@LAYOUT."""
    from bitspec.proposal import load

    one = load(Path(file)).base
    return f"{one.arch}@{one.release}" if one.release else one.arch


def _base_of(one: Proposal, variant: str | None, config: str) -> Layout:
    try:
        return discover.layout(one.base.arch, one.base.release, variant, config)
    except (VocabularyError, Absent) as error:
        raise one.error(str(error), None, "base") from None


def _compared(texts: tuple[str, str], variant: str | None, config: str | None, timeout: float | None, everything: bool) -> Comparison:
    from proofs.check import Vacuous
    from proofs.compare import Judge, compare

    gc.disable()
    sides = _sides(texts, variant, config)
    try:
        return compare(*sides, Judge(discover.known(sides[1].layout.arch), timeout), everything)
    except (Vacuous, ExprError, RecursionError) as error:
        if any(side.proposal for side in sides):  # of layouts that ship it would be our mistake
            words = "its helpers are too deep, put together" if isinstance(error, RecursionError) else str(error)
            raise BadInput(f"nothing can be asked of the proposal: {words}") from None
        raise


def _show(rendered: Any, output: Path | None) -> None:
    if not isinstance(rendered, str):
        _print(rendered, output)
    elif output is None:
        click.echo(rendered, nl=False)
    else:
        output.write_text(rendered, encoding="utf-8")


def _writable(format_: str, known: tuple[str, ...], output: Path | None) -> None:
    if format_ not in known:
        raise BadInput(unknown("format", format_, known))
    if output is not None and not output.parent.is_dir():
        raise BadInput(f"{output.parent}: no such folder")


@main.command()
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option("--arch", "targets", multiple=True, metavar="ARCH[@LAYOUT]", help="Of kernel trees: look at this one; default: all whose files differ.")
@_variant
@_configs
@_all_configs
@click.option("--format", "format_", default="text", show_default=True, metavar="FORMAT", help="text or json.")
@_written
@_timeout
@click.option("--sandbox", is_flag=True, help="Of kernel trees: run make under bubblewrap, without network.")
@click.option("--cc", metavar="COMMAND", help="Of kernel trees: the clang to use.")
@_guarded
def diff(
    old: str,
    new: str,
    targets: tuple[str, ...],
    variant: str | None,
    configs: tuple[str, ...],
    all_configs: bool,
    format_: str,
    output: Path | None,
    timeout: float,
    sandbox: bool,
    cc: str | None,
) -> None:
    """Say what a layout change does: to every helper, to the fields, to what fits into a swap entry, and to the claims.

    OLD and NEW are ARCH@LAYOUT, a proposal file, which ends in .toml, or both a kernel tree: a folder, or FOLDER@REVISION.

    \b
    Example:
      bitspec diff arm64@linux-6.1 arm64@linux-6.12
      bitspec diff x86_64@linux-6.12 proposal.toml
      bitspec diff linux-6.1 linux-6.12 --arch riscv64 --arch s390@linux-6.12
      bitspec diff linux@v6.11 linux@v6.12

    Exit status: 0, whatever is found; 2 wrong input.
    """
    from archs import patched
    from bitspec.render.compared import json, text

    _writable(format_, ("text", "json"), output)
    named = [patched.tree_and_revision(one) for one in (old, new)]
    render: Any = json if format_ == "json" else text
    if all(named):
        gc.disable()
        runs = trees.Runs(Path(), variant, configs, all_configs, sandbox=sandbox, cc=cc)
        _show(render.diffs(_of_trees([one for one in named if one is not None], targets, runs, timeout)), output)
        return
    if any(named):
        raise BadInput("OLD and NEW must both be kernel trees, or neither")
    if len(configs) > 1 or variant == "all" or targets or all_configs or sandbox or cc:
        raise BadInput("layouts are compared in one variant and one config; --arch, --all-configs, --sandbox and --cc are for kernel trees")
    _show(render.diff(_compared((old, new), variant, configs[0] if configs else None, timeout, everything=True)), output)


def _of_trees(named: list[tuple[Path, str | None]], targets: tuple[str, ...], runs: trees.Runs, timeout: float) -> list[Comparison]:
    """Two kernel trees, in every architecture, variant and config that both have."""
    from archs import patched
    from proofs.compare import Judge, Side, compare

    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that scratch folders go, too
    called = [f"{tree.resolve().name}@{revision}" if revision else tree.resolve().name for tree, revision in named]
    found = []
    with patched.folder_of(*named[0]) as old, patched.folder_of(*named[1]) as new:
        for target in targets or patched.different(old, new):
            arch, chosen = discover.target(target)
            sides: list[dict[tuple[str, str], Layout]] = []
            for folder in (old, new):
                release = chosen or trees.nearest(arch, folder)
                sides.append({(variant, one.name): layout for variant, one, layout in trees.lifted(arch, release, replace(runs, tree=folder))})
            judge = Judge(_known_of(arch), timeout)
            for key in (one for one in sides[0] if one in sides[1]):
                before, after = (Side(side[key], lifted=True, tree=name) for side, name in zip(sides, called, strict=True))
                found.append(compare(before, after, judge))
    return found


@main.command()
@click.argument("patches", nargs=-1, metavar="[PATCH]...")
@click.option(
    "--base", metavar="OLD", help="What there is: ARCH@LAYOUT or a proposal file; default: the proposal's own base. With --kernel, a revision of the tree."
)
@click.option("--proposal", "new", metavar="NEW", help="What it is to become: a proposal file or ARCH@LAYOUT.")
@click.option("--kernel", "tree", type=click.Path(path_type=Path, file_okay=False), metavar="TREE", help="Judge a series of patches for this kernel tree.")
@click.option("--head", metavar="REV", help="With --kernel and --base: the last commit of the series.  [default: HEAD]")
@click.option("--arch", "targets", multiple=True, metavar="ARCH[@LAYOUT]", help="With --kernel: look at this one; default: all that the series touches.")
@click.option("--strict", is_flag=True, help="Fail on lost capacity, too.")
@_variant
@_configs
@_all_configs
@_format
@_written
@_timeout
@click.option("--build", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="With --kernel: a configured build folder of the tree.")
@click.option("--sandbox", is_flag=True, help="With --kernel: run make under bubblewrap, without network.")
@click.option("--cc", metavar="COMMAND", help="With --kernel: the clang to use.")
@_guarded
def gate(
    patches: tuple[str, ...],
    base: str | None,
    new: str | None,
    tree: Path | None,
    head: str | None,
    targets: tuple[str, ...],
    strict: bool,
    variant: str | None,
    configs: tuple[str, ...],
    all_configs: bool,
    format_: str,
    output: Path | None,
    timeout: float,
    build: Path | None,
    sandbox: bool,
    cc: str | None,
) -> None:
    """Fail where a change breaks a claim that held before.

    The change is a proposal, or a series of patches for a kernel tree: PATCH is a file with a patch or a mailbox, - is standard input, which is read
    if nothing else is given.  Patches are judged one by one, and the first that breaks something is named.  The tree stays as it is.

    What is refuted before and after does not fail, and neither does what is fixed.  Formats other than text and json hold what is new alone.

    \b
    Example:
      bitspec gate --proposal proposal.toml
      bitspec gate --base arm64@linux-6.1 --proposal arm64@linux-6.12 --strict
      bitspec gate --kernel linux --base v6.12 --head my-branch
      bitspec gate --kernel linux series.mbox

    Exit status: 0 nothing breaks; 1 something does, or with --strict capacity is lost; 2 wrong input; 3 nobody knows.
    """
    from bitspec.render.compared import json, text

    _writable(format_, formats(), output)
    if tree is not None:
        if new is not None or (patches and head is not None):
            raise BadInput("--kernel takes --base and --head, or patches; no --proposal, and no --head with patches")
        if head is not None and base is None:
            raise BadInput("--head must come with --base")
        found: Comparison | History = _judged(trees.Runs(tree, variant, configs, all_configs, None, build, sandbox, cc), targets, base, head, patches, timeout)
        special = {"text": partial(text.series, strict=strict), "json": json.series}.get(format_)
    else:
        if new is None or patches or (base is None and not new.endswith(".toml")):
            raise BadInput("gate takes --base and --proposal, or --kernel and what is to become of the tree")
        base = base or _base_named(new)
        if len(configs) > 1 or variant == "all" or targets or head or all_configs or build or sandbox or cc:
            raise BadInput("a proposal is judged in one variant and one config; --arch, --head, --all-configs, --build, --sandbox and --cc go with --kernel")
        found = _compared((base, new), variant, configs[0] if configs else None, timeout, everything=False)
        special = {"text": text.gate, "json": json.gate}.get(format_)  # type: ignore[dict-item]
    _show(special(found) if special is not None else renderer(format_)(found.report), output)
    sys.exit(found.status(strict))


def _judged(runs: trees.Runs, targets: tuple[str, ...], base: str | None, head: str | None, patches: tuple[str, ...], timeout: float) -> History:
    """A series of commits or patches, judged."""
    from archs import patched
    from bitspec.patches.series import SIZE
    from proofs.check import Vacuous
    from proofs.series import judge

    gc.disable()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that the scratch folder goes, too
    mails = []
    for name in patches or (() if base is not None else ("-",)):
        if name == "-" and sys.stdin.isatty():
            raise BadInput("a patch must come by standard input or by name, or --base name a revision")
        with click.open_file(name, "rb") as file:
            mails.append(("standard input" if name == "-" else name, file.read(SIZE + 1)))
    with patched.workshop(targets, runs, base, None if mails else head or "HEAD", mails) as shop:
        said = "the files as they are" if base is None else base
        wanted = targets or patched.touched(shop.git, shop.series)
        try:
            return judge(str(runs.tree), said, shop.series, patched.tracks(wanted, shop), _known_of, timeout)
        except (Vacuous, ExprError, RecursionError) as error:  # of layouts that ship it would be our mistake
            raise BadInput(f"a patch makes a layout of which nothing can be asked: {error}") from None


def _known_of(arch: str) -> tuple[Any, ...]:
    """What is known of an architecture; of one that can only be lifted, nothing."""
    return discover.known(arch) if arch in discover.architectures() else ()


@main.command()
@click.argument("targets", nargs=-1, metavar="[ARCH[@LAYOUT]]...")
@_level
@click.option("--variant", metavar="NAME", help="The hardware variant; the default is 'all'.")
@_config
@click.option("--format", "format_", default="text", show_default=True, metavar="FORMAT", help="text, json or markdown.")
@_written
@_timeout
@_guarded
def matrix(targets: tuple[str, ...], levels: tuple[str, ...], variant: str | None, config: str, format_: str, output: Path | None, timeout: float) -> None:
    """Say what entries can hold, by architecture and level: swap types, offset bits, migration, flags, free bits.

    Each cell comes from claims that were asked of every value, or from a count.  An ARCH without a layout is every release of it; variants that are alike
    share their rows.  What a column means is said in docs/matrix.md, which is made by this command.

    \b
    Example:
      bitspec matrix                       every architecture, release and variant
      bitspec matrix s390 x86_64 --level pmd
      bitspec matrix arm64@linux-6.12 --variant 4k-48 --format json

    Exit status: 0, whatever is found; 2 wrong input.
    """
    gc.disable()
    from bitspec.render import matrix as rendering
    from proofs.matrix import matrix as made

    _writable(format_, rendering.formats(), output)
    wanted = _levels(levels)
    layouts, missing = _releases(targets, None if variant == "all" else variant, config)
    known = {arch: discover.known(arch) for arch in dict.fromkeys(one.arch for one in layouts)}
    _show(rendering.renderer(format_)(made(_watched(layouts), wanted, known, timeout, missing)), output)


def _releases(targets: Iterable[str], variant: str | None, config: str) -> tuple[list[Layout], list[tuple[str, str]]]:
    """Every release and variant of the architectures named, or of all; and those that do not exist, with the reason.  One that is named has to exist."""
    found: dict[tuple[str, str], Layout] = {}
    missing: dict[str, str] = {}
    for arch, named in map(discover.target, targets or discover.architectures()):
        for release in (named,) if named else discover.releases(arch):
            for name in (variant,) if variant else discover.variants(arch):
                try:
                    layout = discover.layout(arch, release, name, config)
                except Absent as reason:
                    if named and variant:
                        raise
                    missing[f"{arch}@{release} {name}"] = str(reason)
                else:
                    found[layout.name, name] = layout
    return list(found.values()), list(missing.items())


@main.command()
@click.argument("code")
@_guarded
def explain(code: str) -> None:
    """Explain a claim in full; CODE is its code or its name.

    \b
    Example:
      bitspec explain SWP405
    """
    from bitspec.render import _listing
    from proofs.claim import HEADINGS, assumptions, find

    one = find(code)
    given = assumptions(one, [discover.layout(arch) for arch in discover.architectures()])
    codes = [f"{its} ({', '.join(at.value for at in one.codes if one.codes[at] == its)})" for its in dict.fromkeys(one.codes.values())]
    _print(_listing.explanation(one.name, codes, one.sections, HEADINGS, [(fact.name, fact.guarantee) for fact in given], one.where))


# A kernel tree


@main.group()
def kernel() -> None:
    """Work with a kernel tree: configure it, so that its helpers can be lifted."""


_cc = click.option("--cc", metavar="COMMAND", help="The clang to use, in place of ziglang's; of the LLVM version that llvmlite has.")
_defconfig = click.option("--defconfig", metavar="NAME", help="The configuration to begin with, in place of the architecture's usual one.")
_shipped = ", ".join(one.name for one in toolchains.configs())
_fragments = click.option(
    "--config", "configs", multiple=True, metavar="NAME|FILE",
    help=f"Kernel options to add, as a file, or one of {_shipped}. Any number, each run by itself.",
)  # fmt: skip
_build = click.option("--build", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="The build folder, in place of one in the cache.")
_sandbox = click.option("--sandbox", is_flag=True, help="Run make under bubblewrap, without network.")


@kernel.command("prepare")
@click.argument("tree", type=click.Path(path_type=Path, file_okay=False))
@click.argument("arch")
@_variant
@_defconfig
@_fragments
@_all_configs
@_build
@_sandbox
@_cc
@_guarded
def kernel_prepare(
    tree: Path,
    arch: str,
    variant: str | None,
    defconfig: str | None,
    configs: tuple[str, ...],
    all_configs: bool,
    build: Path | None,
    sandbox: bool,
    cc: str | None,
) -> None:
    """Configure TREE for ARCH out of tree, with the options that are the worst case for bits, and make its generated headers.

    A tree or build folder that is configured already is used as it is.  The folder is printed.

    \b
    Example:
      bitspec kernel prepare linux-6.12 arm64 --variant 64k-52
      bitspec kernel prepare linux-6.12 x86_64 --config no-soft-dirty --config mine.config
    """
    for _, _, made in trees.Runs(tree, variant, configs, all_configs, defconfig, build, sandbox, cc).prepared(arch):
        click.echo(made.folder)


@main.command()
@click.argument("targets", nargs=-1, metavar="[ARCH[@LAYOUT]]...")
@click.option("--kernel", "tree", required=True, type=click.Path(path_type=Path, file_okay=False), metavar="TREE", help="The kernel tree.")
@_variant
@_defconfig
@_fragments
@_all_configs
@_build
@_sandbox
@_cc
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True, max=1e6), metavar="SECONDS", help="Give up on a helper after this time: unknown.")
@click.option("--verbose", is_flag=True, help="List the helpers that are equal, too.")
@_guarded
def conform(
    targets: tuple[str, ...],
    tree: Path,
    variant: str | None,
    defconfig: str | None,
    configs: tuple[str, ...],
    all_configs: bool,
    build: Path | None,
    sandbox: bool,
    cc: str | None,
    timeout: float | None,
    verbose: bool,
) -> None:
    """Prove every helper and constant of the declared layouts equal to what the headers of a kernel tree say, for all values.

    Without ARCH, every architecture is compared that has a layout of the tree's release.

    \b
    Example:
      bitspec conform --kernel linux-6.12
      bitspec conform --kernel linux-6.1 arm64 --variant all
      bitspec conform --kernel linux-6.12 x86_64 --all-configs

    Exit status: 0 all equal; 1 a difference; 2 wrong input or a missing prerequisite; 3 something could not be compared.
    """
    from proofs.conform import conform as compare
    from proofs.conform import render

    statuses = set()
    for layout, lifting in trees.liftings(targets, trees.Runs(tree, variant, configs, all_configs, defconfig, build, sandbox, cc)):
        found = compare(layout, lifting, timeout)
        for line in render(found, verbose):
            click.echo(line)
        statuses.add(found.status)
    sys.exit(1 if 1 in statuses else 3 if 3 in statuses else 0)


@main.command(context_settings={"ignore_unknown_options": True})  # so that -5 is a value that is wrong, not an option
@click.argument("target", metavar="ARCH[@LAYOUT]")
@click.argument("level_name", metavar="LEVEL")
@click.argument("entries", nargs=-1, required=True, metavar="VALUE...")
@_one_variant
@_guarded
def replay(target: str, level_name: str, entries: tuple[str, ...], variant: str | None) -> None:
    """Put entries into a page table of an emulated machine, and show what its MMU does beside what the specification says.

    For a load, a store and a fetch in user mode: a fault or the address it translates to, and the bits of the entry that the walk writes.

    \b
    Example:
      bitspec replay s390@linux-6.12 pmd 0x1600
      bitspec replay x86_64 pte 0x8000000012345025 0x4080

    Exit status: 0 both agree, or a known limitation of the emulator explains it; 1 they do not; 2 wrong input, or no emulator installed.
    """
    from archs import machines
    from proofs.confirm import render_replay
    from proofs.confirm import replay as answers

    at, numbers = level(level_name), [_number(text) for text in entries]
    layout = _one(target, variant or machines.variants(discover.target(target)[0])[0])
    width = layout.hardware.level(at).width if layout.hardware.no_walk is None else 64
    for number, text in zip(numbers, entries, strict=True):
        if number >> width:
            raise BadInput(f"the value must fit into {width} bits, not {text}")
    machine = next(_machines(layout))
    if at not in machine.slots:
        raise BadInput(f"{layout.name} {layout.hardware.variant} {at} cannot be asked: {machine.missing.get(at, 'the machine has no such level')}")
    wrong = False
    for number in numbers:
        rows = answers(layout, machine, at, number)
        for line in render_replay(machine, at, number, rows):
            click.echo(line)
        wrong |= any(row.kind is not None and row.known is None for row in rows)
    sys.exit(int(wrong))


def _machines(layout: Layout) -> Iterator[Any]:
    """The emulated machines of a layout's variant, one for each of the circumstances, set up and with their controls passed."""
    from archs import machines
    from bitspec.mmu.controls import BrokenSetup, control
    from bitspec.mmu.emulator import EmulatorMissing

    try:
        for machine in machines.every(layout.arch, layout.hardware.variant):
            control(machine)
            yield machine
    except EmulatorMissing as error:
        raise BadInput(str(error)) from None
    except BrokenSetup as error:
        click.echo(f"bitspec: internal error: {error}", err=True)
        sys.exit(INTERNAL)


@main.command()
@click.argument("target", metavar="ARCH[@LAYOUT]")
@_variant
@click.option("--samples", type=click.IntRange(min=0), default=10_000, show_default=True, metavar="N", help="Random entries for each level.")
@click.option("--seed", type=int, default=1, show_default=True, metavar="S", help="Of the random entries.")
@_guarded
def confirm(target: str, variant: str | None, samples: int, seed: int) -> None:
    """Hold the hardware facts of ARCH against an emulated MMU, entry by entry.

    Every bit, every pair of bits and every field's bounds on top of typical entries, random entries, and entries of every state of the kernel: those
    that are not present must fault without any walk into memory.

    \b
    Example:
      bitspec confirm x86_64
      bitspec confirm arm64 --variant all --samples 100000 --seed 7

    Exit status: 0 no difference but known limitations of the emulator, and known refutations; 1 a difference; 2 wrong input, or no emulator installed;
    4 a broken set-up.
    """
    from archs import machines
    from proofs.confirm import confirm as ask
    from proofs.confirm import render

    possible = machines.variants(discover.target(target)[0])
    status = 0
    for one in possible if variant == "all" else (variant or possible[0],):
        layout = _one(target, one)
        for machine in _machines(layout):
            found = ask(layout, machine, samples, seed, known=discover.known(layout.arch))
            for line in render(found):
                click.echo(line)
            status |= found.status
    sys.exit(status)


def run() -> NoReturn:
    """The command as a process: ends without taking apart, node by node, what it has built.  The operating system does that at once."""
    status = 0
    try:
        main()
    except SystemExit as end:
        if not isinstance(end.code, int):
            raise
        status = end.code
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # somebody has closed it
            stream.flush()
    os._exit(status)


if __name__ == "__main__":
    run()
