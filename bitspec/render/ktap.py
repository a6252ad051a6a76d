"""KTAP, version 1, as the kernel's own tests print it: layout and level, in it the claims, in each its subjects.

A known refutation is a test that is expected to fail (XFAIL), which kselftest reports as ok; what does not apply is skipped; what is unknown is an
error of the test (ERROR), and not ok.  ``# Subtest:`` is what KUnit adds to the specification so that a parser knows the name from the start.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bitspec.render._words import facts, grouped, known, one_line, witness
from bitspec.report import Finding, Report, Stale


@dataclass(frozen=True)
class _Test:
    """A test, or a group of tests.

    Attributes:
        name: what is tested.
        ok: whether it passed.
        directive: what else became of it, with the reason; or nothing.
        notes: diagnostic lines.
        parts: the tests of a group.
    """

    name: str
    ok: bool
    directive: str = ""
    notes: tuple[str, ...] = ()
    parts: tuple[_Test, ...] = ()


def render(report: Report) -> str:
    """The report as nested tests."""
    tests = [
        _group(scope, [_group(claim, map(_subject, ones)) for claim, ones in grouped(here, _claim).items()])
        for scope, here in grouped(report.findings, lambda one: one.scope).items()
    ]
    if report.stale:
        tests.append(_group("known refutations that are stale", map(_stale, report.stale)))
    return "\n".join(_all(tests)) + "\n"


def _claim(one: Finding) -> str:
    return f"{one.code} {one.name}"


def _subject(one: Finding) -> _Test:
    match one.standing:
        case "proved":
            return _Test(one.subject, True)
        case "not-applicable":
            return _Test(one.subject, True, f"SKIP {one.reason}")
        case "unknown":
            return _Test(one.subject, False, f"ERROR unknown: {one.reason}")
    assert one.evidence is not None
    if one.standing == "known":
        return _Test(one.subject, True, f"XFAIL known, {known(one)}", (f"witness: {witness(one.evidence)}",))
    return _Test(one.subject, False, "", tuple(f"{name}: {words}" for name, words in facts(one)))


def _stale(one: Stale) -> _Test:
    return _Test(f"{one.code} {one.subject}", False, "", (f"{one.where}: {one.reason}",))


def _group(name: str, tests: Iterable[_Test]) -> _Test:
    """A group is ok if every part is, and skipped if every part is."""
    parts = tuple(tests)
    return _Test(name, all(one.ok for one in parts), "SKIP" if all(one.directive.startswith("SKIP") for one in parts) else "", (), parts)


def _all(tests: Iterable[_Test], name: str = "") -> Iterator[str]:
    """The lines of a group's parts: version, name, plan, tests."""
    parts = tuple(tests)
    yield "KTAP version 1"
    if name:
        yield f"# Subtest: {name}"
    yield f"1..{len(parts)}"
    for number, one in enumerate(parts, 1):
        yield from _lines(one, number)


def _lines(one: _Test, number: int) -> Iterator[str]:
    name = _plain(one.name)
    if one.parts:
        yield from (f"  {line}" for line in _all(one.parts, name))
    yield from (f"# {_plain(note)}" for note in one.notes)
    yield f"{'ok' if one.ok else 'not ok'} {number} {name}" + (f" # {_plain(one.directive)}" if one.directive else "")


def _plain(text: str) -> str:
    """A hash sign begins a directive, and there is no escape for it."""
    return one_line(text).replace("#", "_")
