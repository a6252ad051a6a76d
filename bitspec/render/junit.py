"""JUnit XML: a suite per layout and level, a case per claim and subject.

No times: those of single claims say nothing, and without them equal runs give equal files.
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from bitspec.render._words import facts, grouped, known, one_line, title, witness
from bitspec.report import Finding, Report, Stale

_COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def render(report: Report) -> str:
    """The report as one XML document."""
    suites = [_suite(scope, [_case(one) for one in here]) for scope, here in grouped(report.findings, lambda one: one.scope).items()]
    if report.stale:
        suites.append(_suite("known refutations that are stale", [_stale(one) for one in report.stale]))
    root = _parent("testsuites", "bitspec", suites)
    indent(root)
    # The declaration by hand: tostring would name the locale's encoding.
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _parent(tag: str, name: str, parts: Iterable[Element]) -> Element:
    """An element that counts the cases below it."""
    made = Element(tag, {"name": one_line(name)})
    made.extend(parts)
    made.set("tests", str(sum(1 for _ in made.iter("testcase"))))
    for attribute, kind in _COUNTED.items():
        made.set(attribute, str(sum(1 for _ in made.iter(kind))))
    return made


def _suite(name: str, cases: list[Element]) -> Element:
    for case in cases:
        case.set("classname", one_line(name))
    return _parent("testsuite", name, cases)


def _case(one: Finding) -> Element:
    case = Element("testcase", {"name": one_line(title(one))})
    match one.standing:
        case "refuted":
            told = [one.where, *(f"{name}: {words}" for name, words in facts(one))]
            _outcome(case, "failure", f"refuted: {one.claim}", one.code, told)
        case "known":
            assert one.evidence is not None
            _outcome(case, "skipped", f"known, {known(one)}", "known", [one.where, f"witness: {witness(one.evidence)}"])
        case "unknown":
            _outcome(case, "error", f"unknown: {one.reason}", "unknown", [one.where])
        case "not-applicable":
            _outcome(case, "skipped", f"not applicable: {one.reason}", "not-applicable", [])
    return case


def _stale(one: Stale) -> Element:
    case = Element("testcase", {"name": one_line(f"{one.code} {one.subject}")})
    _outcome(case, "failure", one.reason, "stale", [one.where])
    return case


def _outcome(case: Element, kind: str, message: str, of_type: str, told: list[str]) -> None:
    made = SubElement(case, kind, {"message": one_line(message), "type": one_line(of_type)})
    made.text = "\n".join(map(one_line, told)) or None
