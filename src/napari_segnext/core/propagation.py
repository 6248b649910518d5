"""From keyed slices to all slices of an object: propagation, and interpolate-and-snap.

Slices are whole numbers along one axis; a mask goes from slice to slice as a prompt
(:mod:`napari_segnext.core.carrying`), forward from each key and backward from each key.
Between two keys both passes meet and are joined, beyond the outermost keys a pass goes
on until :class:`EndRule` says that the object ended.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_segnext.core.carrying import Found, carry, guess_from
from napari_segnext.core.ending import Ending, EndRule, Sight, reason_to_end
from napari_segnext.core.interpolation import between, blended, interpolate
from napari_segnext.core.patches import EMPTY, PackedPatch, Patch, overlap, union_of
from napari_segnext.core.runs import (
    Keys,
    Schedule,
    check_shape,
    check_spacing,
    plan_runs,
    read_keys,
)
from napari_segnext.core.snapping import snap
from napari_segnext.core.steps import Slice, Step, scored
from napari_segnext.errors import Cancelled, SegNextError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping

    import numpy.typing as npt

    from napari_segnext.core.features import Features
    from napari_segnext.core.predictor import Predictor
    from napari_segnext.core.runs import Run

    Near = tuple[float, float]
    FeaturesOf = Callable[[int, Near | None], Features]
    Masks = Mapping[Hashable, Mapping[int, npt.ArrayLike]]

__all__ = [
    "EndRule",
    "Ending",
    "Slice",
    "Step",
    "interpolate",
    "propagate",
    "snap",
]


def propagate(
    predictor: Predictor,
    features: FeaturesOf,
    keys: Masks,
    slices: Iterable[int],
    *,
    spacing: float = 1.0,
    rule: EndRule | None = None,
    should_stop: Callable[[], bool] | None = None,
    resume: Iterable[Step] = (),
) -> Iterator[Step]:
    """Carry objects from their keyed slices to the others.

    A forward sweep visits the slices upwards, a backward sweep downwards. Every visit
    answers all objects that are on their way there, and they compete for its pixels by
    probability; masks keyed there keep theirs. Between two keys of an object its
    forward mask is yielded first and replaced when the backward pass comes by.

    Parameters
    ----------
    predictor : Predictor
        Of the model that encodes the slices.
    features : callable
        Takes a slice's index and a (row, col) the object is near, or None; returns the
        `Features` of that slice. May cache them; each slice is asked for at most twice.
    keys : dict of id to dict of int to array (H, W)
        Masks of the slices that are right. An empty mask says that the object is not
        there.
    slices : range or iterable of int
        What may be written. Keyed slices never are.
    spacing : float
        Distance of two slices over the size of a pixel in the plane.
    rule : EndRule, optional
        What ends an object beyond its outermost keys.
    should_stop : callable, optional
        Asked several times per slice.
    resume : iterable of Step
        All steps that a run with the same arguments yielded before it was cut off, in
        their order. They are neither computed nor yielded again, and what follows is
        what would have followed.

    Yields
    ------
    Step
        In the order of the visits.

    Raises
    ------
    PromptError
        At once, if keys differ in shape or an object has no key with a mask.
    SegNextError
        At once, if `spacing` makes no sense.
    Cancelled
        As soon as `should_stop` says so.
    """
    known = read_keys(keys)
    check_spacing(spacing)
    order = sorted(set(slices))
    schedule = Schedule([plan_runs(known, order, step) for step in (1, -1)])
    sweep = _Sweep(predictor, features, known, rule or EndRule(), spacing, should_stop)
    return sweep.steps(schedule, iter(resume))


@dataclass(slots=True)
class _Sweep:
    """Both sweeps of one call, and the forward masks that the backward one needs."""

    predictor: Predictor
    features: FeaturesOf
    keys: Keys
    rule: EndRule
    spacing: float
    should_stop: Callable[[], bool] | None
    awaited: frozenset[int] = frozenset()  # slices that the backward sweep visits
    forward: dict[int, dict[Hashable, PackedPatch]] = field(default_factory=dict)
    seen: dict[int, Features] = field(default_factory=dict)
    sights: dict[Hashable, Sight] = field(default_factory=dict)

    def steps(self, schedule: Schedule, resume: Iterator[Step]) -> Iterator[Step]:
        total = len(schedule.visits)
        self.awaited = schedule.visited_backward
        for number, (index, runs) in enumerate(schedule.visits):
            live = [run for run in runs if not run.ended]
            known = next(resume, None) if live else None
            if known is not None:
                self._repeat(known, index, live)
            elif live:
                step = self._visit(index, live)
                done = total - schedule.count_left(number)
                yield Step(index, step.answers, step.endings, done, total)
            if not runs[0].is_forward:
                self.forward.pop(index, None)

    def _visit(self, index: int, runs: list[Run]) -> Step:
        if self.should_stop is not None and self.should_stop():
            raise Cancelled
        features = self._seen(index, runs[0].before.centre)
        guesses = {}
        for run in runs:
            line = self._sight(run.name).line
            earlier = self._seen(run.last, run.before.centre)
            guesses[run.name] = guess_from(run.before, earlier, features, line)
        found = carry(
            self.predictor,
            features,
            guesses,
            union_of(self._owned(index, guesses).values(), self.keys.shape),
            self.should_stop,
        )
        answers: dict[Hashable, Slice] = {}
        endings: dict[Hashable, Ending] = {}
        for run in runs:
            one = found[run.name]
            reason = reason_to_end(
                self.rule,
                self._sight(run.name),
                run.before,
                one.patch,
                one.confidence,
                features,
                self.spacing * abs(index - run.last),
            )
            if reason is not None and run.stop is None:
                run.ended = True
                endings[run.name] = Ending(index, reason)
                continue
            if reason is not None:
                one = Found(self._interpolated(run, index), 0.0, 0.0, 0.0)
            answers[run.name] = self._answer(run, index, one)
        self._advance(index, runs, answers)
        return Step(index, answers, endings)

    def _seen(self, index: int, near: Near) -> Features:
        """Return the features of a slice; those of the two seen last are at hand."""
        if index not in self.seen:
            features = self.features(index, near)
            check_shape(features, self.keys)
            while len(self.seen) > 1:
                del self.seen[next(iter(self.seen))]
            self.seen[index] = features
        return self.seen[index]

    def _sight(self, name: Hashable) -> Sight:
        """Return what an object is like where it is largest; looks once."""
        if name not in self.sights:
            index, patch = self.keys.largest(name)
            self.sights[name] = Sight.of(patch, self._seen(index, patch.centre))
        return self.sights[name]

    def _owned(self, index: int, moving: Iterable[Hashable]) -> dict[Hashable, Patch]:
        """Masks on a slice that those on their way cannot have."""
        names = set(moving)
        passed = {
            name: packed.patch
            for name, packed in self.forward.get(index, {}).items()
            if name not in names
        }
        keyed = self.keys.on(index).items()
        return passed | {name: mask for name, mask in keyed if name not in names}

    def _interpolated(self, run: Run, index: int) -> Patch:
        """Return what lies between two keys where the network lost the object."""
        if run.stop is None:
            return EMPTY
        known = self.keys.patches[run.name]
        share = (index - run.start) / (run.stop - run.start)
        patch = between(known[run.start], known[run.stop], share, self.keys.shape)
        return patch if patch.area else run.before

    def _answer(self, run: Run, index: int, found: Found) -> Slice:
        passed = self.forward.get(index, {}).get(run.name)
        patch, agreement = found.patch, found.agreement
        if passed is not None and run.stop is not None and not run.is_forward:
            other = passed.patch
            agreement = overlap(patch, other)
            known = self.keys.patches[run.name]
            # the pass that came a shorter way, and from more of the object, knows more
            weights = (
                (index - run.stop) * float(known[run.start].area),
                (run.start - index) * float(known[run.stop].area),
            )
            joined = blended(patch, other, weights, self.keys.shape)
            patch = joined if joined.area else patch
        away = self.keys.distance(run.name, index) * self.spacing
        return scored(patch, found, agreement, away)

    def _advance(
        self, index: int, runs: list[Run], answers: Mapping[Hashable, Slice]
    ) -> None:
        for run in runs:
            if run.name not in answers:
                continue
            answer = answers[run.name]
            run.before, run.last = Patch(answer.region, answer.crop), index
            if run.is_forward and index in self.awaited:
                packed = PackedPatch.of(run.before)
                self.forward.setdefault(index, {})[run.name] = packed

    def _repeat(self, step: Step, index: int, runs: list[Run]) -> None:
        """Take over a step of the run that was cut off."""
        names = {run.name for run in runs}
        if step.index != index or names != {*step.answers, *step.endings}:
            raise SegNextError(
                f"Slice {step.index} does not continue this run, slice {index} does; "
                "start it anew, or with the arguments it had."
            )
        for run in runs:
            run.ended = run.name in step.endings
        self._advance(index, runs, step.answers)
