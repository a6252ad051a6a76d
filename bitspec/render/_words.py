"""What several formats say in the same words, as plain text: each escapes it by its own rules."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable

from bitspec.report import Account, Evidence, Finding


def one_line(text: str) -> str:
    """A text as one line that any format can hold.

    What cannot be printed (control characters, which XML and terminals don't take; lone surrogates, which no file takes; marks that reverse the direction
    of reading) is shown as Python would write it, so that nothing is lost and nothing acts.
    """
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in " ".join(text.split()))


def place(where: str) -> tuple[str, int | None]:
    """The file and the line of ``file:line``; no line, where there is none."""
    file, colon, line = where.rpartition(":")
    return (file, int(line)) if colon and line.isascii() and line.isdigit() and int(line) > 0 else (where, None)


def grouped(findings: Iterable[Finding], by: Callable[[Finding], str]) -> dict[str, list[Finding]]:
    """Findings by a name, names and findings in the order they come in."""
    groups: dict[str, list[Finding]] = {}
    for one in findings:
        groups.setdefault(by(one), []).append(one)
    return groups


def alike(known: Iterable[Finding]) -> list[list[Finding]]:
    """Known refutations that share code, place and reason, together."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for one in known:
        assert one.known is not None
        groups.setdefault((one.code, one.scope, one.known["reason"]), []).append(one)
    return list(groups.values())


def title(one: Finding) -> str:
    """The claim and what it is about."""
    return f"{one.code} {one.name}: {one.subject}"


def reason(one: Finding) -> str:
    """Why a refutation is known, and who guards against it."""
    assert one.known is not None
    guards = one.known.get("guards")
    return str(one.known["reason"]) + (f" (guarded by {'; '.join(map(str, guards))})" if isinstance(guards, list) and guards else "")


def known(one: Finding) -> str:
    """The class of a known refutation, and why it is known."""
    assert one.known is not None
    return f"{one.known['class']}: {reason(one)}"


def witness(one: Evidence) -> str:
    """The counterexample, its inputs, and whether there are others."""
    inputs = ", ".join(f"{name} {value:#x}" for name, value in one.inputs.items())
    return one.text + (f" ({inputs})" if inputs else "") + (", the only entry that refutes it" if one.unique else ", the simplest of several")


def predicates(one: Account) -> str:
    """What the kernel's predicates say: those that hold, then those that do not."""
    yes = [name for name, value in one.predicates.items() if value]
    no = [name for name, value in one.predicates.items() if not value]
    return f"{' '.join(yes) or 'nothing'}; not {' '.join(no) or 'anything'}"


def reactions(one: Account) -> str:
    """What the hardware does, said once where it is the same for every access."""
    if len(set(one.hardware.values())) == 1:
        return next(iter(one.hardware.values()))
    return "; ".join(f"{access}: {reaction}" for access, reaction in one.hardware.items())


def facts(one: Finding) -> tuple[tuple[str, str], ...]:
    """A refutation told in full: a label and its words, a line each."""
    assert one.evidence is not None
    account = one.evidence.account
    return (
        ("says", one_line(one.summary)),
        ("claim", one_line(account.claim)),
        ("given", one_line(", ".join(one.given) or "nothing")),
        ("layout", one_line(f"{one.scope}: {one.provenance}, {one.source} helpers, config {one.config}")),
        ("witness", one_line(witness(one.evidence))),
        ("kernel", one_line(predicates(account))),
        ("hardware", one_line(reactions(account))),
        *((("replayed", one_line(one.evidence.replayed)),) if one.evidence.replayed else ()),
        *(("rests on", one_line(words)) for words in account.rests),
        *(("defined", one_line(f"{each.name} at {each.where}" + (f" ({each.cite})" if each.cite else ""))) for each in account.places),
    )


def reproduce(one: Finding) -> tuple[str, ...]:
    """The commands that show a refutation again; of a kernel tree, or a proposal, only its user knows where it is."""
    assert one.evidence is not None
    variant = ("--variant", one.variant) if one.variant else ()
    asked = ("--level", one.level, "--select", one.code, *(("--replay",) if one.evidence.replayed else ()))
    if one.source == "lifted":
        return (shlex.join(("bitspec", "check", one.arch, "--kernel", "TREE", *variant, *asked)),)
    layout = f"{one.arch}@{one.layout}"
    if one.source == "proposal":  # the layout is named BASE+PROPOSAL; only its user knows where the file is
        return (shlex.join(("bitspec", "gate", "--base", layout.partition("+")[0], "--proposal", "FILE")),)
    config = ("--config", one.config) if one.config != "default" else ()
    return (
        shlex.join(("bitspec", "check", layout, *variant, *config, *asked)),
        shlex.join(("bitspec", "decode", layout, one.level, one.evidence.text, *variant, *config)),
    )
