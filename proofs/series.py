"""A series of patches, judged step by step: each against the one before it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

import bitspec
from bitspec.compared import Comparison, History, Patch
from bitspec.patches.series import Series
from bitspec.patches.stage import Stage
from bitspec.solver import version
from proofs.compare import Judge, Side, compare
from proofs.known import Known


def judge(
    tree: str, base: str, series: Series, tracks: Iterable[Iterable[Stage]], known: Callable[[str], Sequence[Known]], timeout: float | None = None
) -> History:
    """What every patch of a series breaks, mends and costs.

    Args:
        tree, base: what to call the tree, and what the series is on top of.
        series: the patches.
        tracks: for each architecture, variant and config, its stages, the tree before the series first.
        known: the reviewed refutations of an architecture.
        timeout: seconds for a single query, or None.
    """
    start = time.perf_counter()
    found: dict[str, list[Comparison]] = {step.name: [] for step in series.steps}
    alike: dict[str, list[str]] = {step.name: [] for step in series.steps}
    scopes = []
    for track in tracks:
        stages = iter(track)
        before = next(stages)
        one = Judge(known(before.layout.arch), timeout)
        scopes.append(_scope(before))
        one.of(before.layout)  # now, while the first step is being compiled
        for stage in stages:
            assert stage.step is not None
            if stage.changed or stage.unread:
                found[stage.step.name].append(compare(_side(before), _side(stage), one, everything=False, unread=stage.unread))
            else:
                alike[stage.step.name].append(_scope(stage))
            before = stage
    patches = tuple(Patch(step.name, step.subject, tuple(found[step.name]), tuple(alike[step.name])) for step in series.steps)
    return History(bitspec.__version__, version(), tree, base, tuple(scopes), patches, time.perf_counter() - start)


def _side(stage: Stage) -> Side:
    return Side(stage.layout, stage.step.name if stage.step is not None else "", lifted=True)


def _scope(stage: Stage) -> str:
    layout = stage.layout
    config = f" {layout.config.name}" if layout.config.name != "default" else ""
    return f"{layout.arch} {layout.hardware.variant}{config}"
