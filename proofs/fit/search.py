"""The search: plans in the order of preference, each proved sound before it is an answer.

Preferred is what moves the fewest fields, then what changes the fewest predicates, then what has the most offset bits, then what leaves fields in one
piece, then what has the lowest positions.  A plan comes from reasoning about masks, which sees the hardware, the predicates and the other states; whether
it is sound is for the claims to say, all of them, at every level of the layout that comes out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, islice

from bitspec.layout import Layout
from bitspec.solver import Statistics, Unknown
from bitspec.vocabulary import HELPERS, Level
from proofs.check import Checker, Result, Verdict, applicable
from proofs.claim import Scene
from proofs.fit.build import PresentPlan, SwapPlan, with_present, with_swap
from proofs.fit.codec import existing, sharing
from proofs.fit.example import leaks, looks_none
from proofs.fit.packing import Spans, mask_of
from proofs.fit.present_side import present_plans
from proofs.fit.question import SWAP, Question
from proofs.fit.room import Rooms, settled
from proofs.fit.swap_side import loosest, plans, reach, sketches
from proofs.known import Known

CANDIDATES = 240
"""Plans that are put to the claims before the search gives up."""
EACH = 8
"""Of them, those that share a sketch: what is wrong with what moves and changes is seldom mended by another place."""
BESIDE = 24
"""Plans for present entries beside which swap entries are planned, before the search gives up."""


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
    lost: Counter[str] = field(default_factory=Counter)
    spoilt: Counter[str] = field(default_factory=Counter)
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

    @cached_property
    def _asked(self) -> Mapping[Level, Mapping[tuple[str, str], bool]]:
        """What can be asked of the layout as it is."""
        layout = self.question.layout
        return {level: applicable(Scene(layout, level)) for level in layout.uses}

    def answers(self) -> Iterator[Fitted]:
        """Layouts that fit, the preferred first.  Raises Unknown where the solver gives up."""
        for layout, present, swap in self._candidates():
            if self.tried == CANDIDATES:
                return
            self.tried += 1
            results = self._judged(layout, present, swap)
            if results is not None:
                yield Fitted(self.question, layout, present, swap, results)

    def _judged(self, layout: Layout, present: PresentPlan, swap: SwapPlan | None) -> tuple[Result, ...] | None:
        """What the claims say of a layout; None where it will not do.  Raises Unknown."""
        spoilt = (*self._spoilt(layout, present), *self._by_example(layout, swap))
        self.spoilt.update(spoilt)
        if spoilt or self._loses(layout, frozenset(self.lost)):
            return None
        results = self._sound(layout)
        return None if results is None or self._loses(layout) else results

    def _by_example(self, layout: Layout, swap: SwapPlan | None) -> Iterator[str]:
        """What plain ints can tell of a new codec: quicker than to have a claim refute it.  What is known to be refuted of the base is no reason."""
        if swap is None or not swap.fresh:
            return
        level, excused = self.question.level, {one.code for one in self.known}
        if "SWP410" not in excused and leaks(layout, layout.uses[level].width, swap):
            yield "it leaks against L1TF (SWP410)"
        if "SWP402" not in excused and looks_none(layout, level, swap):
            yield "an entry of it looks none (SWP402)"

    def _candidates(self) -> Iterator[tuple[Layout, PresentPlan, SwapPlan | None]]:
        question = self.question
        beside = 0
        for present in present_plans(question):
            layout = with_present(question.layout, question.level, present)
            if not self._asks_for_swap(present):
                yield layout, present, None
                continue
            bit = present.placed.get("present")
            scene = Scene(layout, question.level)
            levels = [one.level for one in sharing(scene)] if existing(scene.k) is not None else [question.level]
            plan = None
            for plan in self._plans(layout, bit):
                yield with_swap(layout, levels, plan, bit), present, plan
            if plan is None and not beside and self._hopeless():
                return
            beside += 1
            if beside == BESIDE:
                self.rooms.cut = True
                return

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

    def _loses(self, layout: Layout, codes: frozenset[str] | None = None) -> bool:
        """Whether a claim cannot be asked any more of something it is asked of now; only of `codes`, which others have lost, where they are given."""
        left = ((level, key, yes) for level in layout.uses for key, yes in applicable(Scene(layout, level), codes).items())
        lost = {key[0] for level, key, yes in left if not yes and self._asked[level].get(key)}
        self.lost.update(lost)
        return bool(lost)

    def _hopeless(self) -> bool:
        """Whether swap entries have no room wherever the fields of present entries are: the hardware alone does not leave enough."""
        demand = loosest(self.question, self.question.layout, None, self.rooms)
        if demand is None:
            return True
        hardware = tuple(one for one in demand.hazards if one.name == "hardware" and one.state is None)
        return next(replace(demand, hazards=hardware).cubes(self.rooms), None) is None

    def _asks_for_swap(self, present: PresentPlan) -> bool:
        question = self.question
        if question.wanted(SWAP):
            return True
        codec = existing(question.layout.at(question.level))
        named = {*question.move, *(name.removesuffix(f"@{SWAP}") for name in question.pins)}
        return codec is not None and ("present" in present.placed or bool(named & {*codec.places, "swap", "mark"}))

    def _sound(self, layout: Layout) -> tuple[Result, ...] | None:
        """What the claims say of a layout; None where one is refuted that is not known.  Raises Unknown where one is not decided."""
        excused = [one for one in self.known if one.code not in self.question.mend]
        checker = Checker(excused, self.timeout, explain=False)  # nobody is shown the witnesses
        try:
            return self._checked(checker, layout)
        finally:  # what a refuted layout cost is part of what the search cost
            self.statistics.queries += checker.statistics.queries
            self.statistics.seconds += checker.statistics.solver_seconds

    def _checked(self, checker: Checker, layout: Layout) -> tuple[Result, ...] | None:
        """What the claims say of every level, or None as soon as one is refuted that is not known.  Raises Unknown."""
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
            wrong = frozenset(one.code for one in found[level] if one.failed)
            if wrong:  # the rest was not asked any more
                self.refuted.update(wrong)
                return None
            undecided = next((one for one in found[level] if one.verdict is Verdict.UNKNOWN), None)
            if undecided is not None:
                raise Unknown(f"{undecided.code} about {undecided.subject}: {undecided.reason}")
        return tuple(one for level in layout.uses for one in found[level])

    def _spoilt(self, layout: Layout, present: PresentPlan) -> Iterable[str]:
        """What is wrong with a layout that no claim would say."""
        base = self.question.layout
        for name in sorted(self.question.keep):
            if name in HELPERS and base.has(name) and not (layout.has(name) and base.helper(name).body == layout.helper(name).body):
                yield f"it changes {name}, which is kept"
        for name in present.overlaid:
            mask = mask_of(present.moved[name])
            for level in layout.uses:
                before, after = settled(Scene(base, level)), settled(Scene(layout, level))
                if layout.uses[level].field(name) is not None and [one & mask for one in before] != [one & mask for one in after]:
                    yield f"{name} changes a hardware bit of valid leaves"
