"""The search: plans in the order of preference, each proved sound before it is an answer.

Preferred is what moves the fewest fields, then what changes the fewest predicates, then what has the most offset bits, then what leaves fields in one
piece, then what has the lowest positions.  A plan comes from reasoning about masks, which sees the hardware, the predicates and the other states; whether
it is sound is for the claims to say, all of them, at every level of the layout that comes out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice

from bitspec.layout import Layout
from bitspec.solver import Statistics
from bitspec.vocabulary import Level
from proofs.check import Checker, Result, Verdict
from proofs.claim import Scene
from proofs.fit.build import PresentPlan, SwapPlan, mask_of, with_present, with_swap
from proofs.fit.codec import existing, sharing
from proofs.fit.packing import Spans
from proofs.fit.present_side import present_plans
from proofs.fit.question import SWAP, Question
from proofs.fit.room import Rooms, settled
from proofs.fit.swap_side import plans, reach, sketches
from proofs.known import Known

CANDIDATES = 240
"""Plans that are put to the claims before the search gives up."""
EACH = 8
"""Of them, those that share a sketch: what is wrong with what moves and changes is seldom mended by another place."""


@dataclass(frozen=True)
class Fitted:
    """A layout that fits.

    Attributes:
        question: what was asked.
        layout: the answer: proved sound, but for what is known of the base.
        present, swap: how it differs from the base; `swap` is None where swap entries stay as they are.
        results: what the claims said of it.
    """

    question: Question
    layout: Layout
    present: PresentPlan
    swap: SwapPlan | None
    results: tuple[Result, ...] = field(repr=False)


def as_it_is(layout: Layout) -> tuple[Known, ...]:
    """What is refuted of a layout whose refutations nobody has reviewed, as if somebody had: an answer must not be worse than what there is.

    Raises Unknown.
    """
    refuted = ((level, *one) for level in layout.uses for one in sorted(Checker().refuted(layout, level)))
    return tuple(Known(code, (subject,), (layout.release,), (level.value,), "latent", "refuted of the tree as it is") for level, code, subject in refuted)


@dataclass
class Search:
    """One question, and what the search for its answers came across.

    Args:
        question: what is asked.
        known: the reviewed refutations of the architecture, which an answer may have too.
        timeout: seconds for a single query, or None.
    """

    question: Question
    known: Sequence[Known] = ()
    timeout: float | None = None
    rooms: Rooms = field(default_factory=Rooms)
    tried: int = 0
    refuted: Counter[str] = field(default_factory=Counter)
    statistics: Statistics = field(default_factory=Statistics)

    @property
    def figures(self) -> dict[str, float]:
        """What the search cost, for ``--stats``."""
        own = self.rooms.solver.statistics
        return {
            "layouts tried": self.tried,
            "z3 queries of the search": own.queries,
            "their seconds": round(own.seconds, 4),
            "z3 queries of the claims": self.statistics.queries,
            "their seconds in all": round(self.statistics.seconds, 4),
        }

    @property
    def exhausted(self) -> bool:
        """Every plan there is was put to the claims."""
        return self.tried < CANDIDATES and not self.rooms.cut

    def answers(self) -> Iterator[Fitted]:
        """Layouts that fit, the preferred first.  Raises Unknown where the solver gives up."""
        for layout, present, swap in self._candidates():
            if self.tried == CANDIDATES:
                return
            if not self._unspoilt(layout, present):
                continue
            self.tried += 1
            results = self._sound(layout)
            if results is not None:
                yield Fitted(self.question, layout, present, swap, results)

    def _candidates(self) -> Iterator[tuple[Layout, PresentPlan, SwapPlan | None]]:
        question = self.question
        for present in present_plans(question):
            layout = with_present(question.layout, question.level, present)
            if not self._asks_for_swap(present):
                yield layout, present, None
                continue
            bit = present.placed.get("present")
            scene = Scene(layout, question.level)
            levels = [one.level for one in sharing(scene)] if existing(scene.k) is not None else [question.level]
            for plan in self._plans(layout, bit):
                yield with_swap(layout, levels, plan, bit), present, plan

    def _plans(self, layout: Layout, bit: Spans | None) -> Iterator[SwapPlan]:
        """Plans for the swap entries of `layout`; with a field to be maximised, those that make it widest first."""
        every = sketches(self.question, layout, bit, self.rooms)
        widest = self.question.maximise
        if widest is not None:
            able = [(one, width) for one in every if (width := reach(one, widest, self.rooms)) >= 0]
            every = (one for one, _ in sorted(able, key=lambda pair: -pair[1]))
        roomy: dict[tuple[str, ...], list[set[str]]] = {}
        for sketch in every:
            if any(less < set(sketch.changed) for less in roomy.get(sketch.moved, ())):
                self.rooms.cut = True
                continue  # with fewer predicates changed there was room
            found = plans(self.question, sketch, layout, bit, self.rooms)
            first = next(found, None)
            if first is not None:
                roomy.setdefault(sketch.moved, []).append(set(sketch.changed))
                yield from chain((first,), islice(found, EACH - 1))
                self.rooms.cut |= next(found, None) is not None

    def _asks_for_swap(self, present: PresentPlan) -> bool:
        codec = existing(self.question.layout.at(self.question.level)) if self.question.wanted(SWAP) or self.question.move or self.question.pins else None
        moves = codec is not None and any(name in self.question.move or name in self.question.pins for name in (*codec.places, "swap"))
        return bool(self.question.wanted(SWAP)) or moves or "present" in present.placed

    def _sound(self, layout: Layout) -> tuple[Result, ...] | None:
        """What the claims say of a layout; None where one is refuted that is not known, or is not decided."""
        excused = [one for one in self.known if one.code not in self.question.mend]
        checker = Checker(excused, self.timeout, explain=False)  # nobody is shown the witnesses
        try:
            return self._checked(checker, layout)
        finally:  # what a refuted layout cost is part of what the search cost
            self.statistics.queries += checker.statistics.queries
            self.statistics.seconds += checker.statistics.solver_seconds

    def _checked(self, checker: Checker, layout: Layout) -> tuple[Result, ...] | None:
        """What the claims say of every level, or None as soon as one is refuted that is not known, or is not decided."""
        first = self.question.level
        order = (first, *(one for one in layout.uses if one is not first))
        suspects = frozenset(self.refuted)
        for level in order if suspects else ():  # most plans fail at what others have failed at: those claims first, without witnesses
            wrong = checker.wrong(layout, level, suspects)
            if wrong:
                self.refuted.update(wrong)
                return None
        found: dict[Level, tuple[Result, ...]] = {}
        for level in order:
            found[level] = tuple(checker.check(layout, [level]))
            wrong = frozenset(one.code for one in found[level] if one.failed)  # with one of them, what was not asked any more is unknown too
            wrong = wrong or frozenset(one.code for one in found[level] if one.verdict is Verdict.UNKNOWN)
            if wrong:
                self.refuted.update(wrong)
                return None
        return tuple(one for level in layout.uses for one in found[level])

    def _unspoilt(self, layout: Layout, present: PresentPlan) -> bool:
        """Whether fields that stand on hardware bits leave those as they are in every valid leaf: no claim is about that."""
        for name in present.overlaid:
            mask = mask_of(present.moved[name])
            for level in layout.uses:
                before, after = settled(Scene(self.question.layout, level)), settled(Scene(layout, level))
                if layout.uses[level].field(name) is not None and [one & mask for one in before] != [one & mask for one in after]:
                    return False
        return True
