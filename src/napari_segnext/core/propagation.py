"""From keyed slices to all slices of an object: propagation, and interpolate-and-snap.

Slices are whole numbers along one axis; a mask goes from slice to slice as a prompt
(:mod:`napari_segnext.core.carrying`), forward from each key and backward from each key.
Between two keys both passes meet and are joined, beyond the outermost keys a pass goes
on until :class:`EndRule` says that the object ended.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_segnext.core.carrying import Found, carry, guess_from, plain_guess
from napari_segnext.core.ending import Ending, EndRule, Sight, reason_to_end
from napari_segnext.core.interpolation import between, interpolate
from napari_segnext.core.patches import EMPTY, Patch, joined_region, overlap
from napari_segnext.core.runs import Keys, Schedule, plan_runs, read_keys
from napari_segnext.errors import Cancelled, PromptError, SegNextError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping

    import numpy as np
    import numpy.typing as npt

    from napari_segnext.core.features import Features
    from napari_segnext.core.patches import Region
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

_SCORE_PER_PX = 0.97  # what a pixel of distance from the nearest key takes off


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """One object's mask on one slice.

    Parameters
    ----------
    region : (row0, col0, row1, col1)
        Bounding box of the mask, ends excluded.
    crop : array (row1 - row0, col1 - col0) bool
        The mask in it.
    score : float
        How good it probably is, from 0 to 1.
    confidence : float
        Mean probability inside the mask.
    agreement : float
        IoU of the forward and the backward pass where they met between two keys;
        elsewhere of the network's own answer with what it was given as a prompt.
    """

    region: Region
    crop: npt.NDArray[np.bool_]
    score: float
    confidence: float
    agreement: float

    def mask(self, shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
        """Return the mask (H, W) bool on a plane of `shape`."""
        return Patch(self.region, self.crop).plane(shape)


@dataclass(frozen=True, slots=True)
class Step:
    """What became known about one slice.

    Parameters
    ----------
    index : int
        The slice.
    answers : dict of id to Slice
        Objects that are on it. An answer replaces an earlier one of the same run.
    endings : dict of id to Ending
        Objects that turned out not to be on it.
    done, total : int
        Visits of slices so far and in all; equal in the last step.
    """

    index: int
    answers: dict[Hashable, Slice]
    endings: dict[Hashable, Ending] = field(default_factory=dict)
    done: int = 0
    total: int = 0


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
    _check_spacing(spacing)
    order = sorted(set(slices))
    schedule = Schedule([plan_runs(known, order, step) for step in (1, -1)])
    sweep = _Sweep(predictor, features, known, rule or EndRule(), spacing, should_stop)
    return sweep.steps(schedule, iter(resume))


@dataclass(slots=True)
class _Sweep:
    """Both sweeps of one call, and the forward masks that wait to be joined."""

    predictor: Predictor
    features: FeaturesOf
    keys: Keys
    rule: EndRule
    spacing: float
    should_stop: Callable[[], bool] | None
    forward: dict[int, dict[Hashable, Patch]] = field(default_factory=dict)
    seen: dict[int, Features] = field(default_factory=dict)

    def steps(self, schedule: Schedule, resume: Iterator[Step]) -> Iterator[Step]:
        total = len(schedule.visits)
        for number, (index, runs) in enumerate(schedule.visits):
            live = [run for run in runs if not run.ended]
            if not live:
                continue
            known = next(resume, None)
            if known is not None:
                self._repeat(known, index, live)
                continue
            step = self._visit(index, live)
            done = total - schedule.count_left(number)
            yield Step(index, step.answers, step.endings, done, total)

    def _visit(self, index: int, runs: list[Run]) -> Step:
        if self.should_stop is not None and self.should_stop():
            raise Cancelled
        features = self._seen(index, runs[0].before.centre)
        guesses = {}
        for run in runs:
            earlier = self._seen(run.last, run.before.centre)
            guesses[run.name] = guess_from(run.before, earlier, features)
            if run.sight is None:
                key = self.keys.patches[run.name][run.start]
                run.sight = Sight.of(key, self._seen(run.start, key.centre))
        found = carry(
            self.predictor,
            features,
            guesses,
            _union(self._owned(index, guesses), self.keys.shape),
            self.should_stop,
        )
        answers: dict[Hashable, Slice] = {}
        endings: dict[Hashable, Ending] = {}
        for run in runs:
            one = found[run.name]
            reason = reason_to_end(
                self.rule,
                run.sight or Sight(run.before.area),
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
            _check_shape(features, self.keys)
            while len(self.seen) > 1:
                del self.seen[next(iter(self.seen))]
            self.seen[index] = features
        return self.seen[index]

    def _owned(self, index: int, moving: Iterable[Hashable]) -> dict[Hashable, Patch]:
        """Masks on a slice that those on their way cannot have."""
        settled = {**self.forward.get(index, {}), **self.keys.on(index)}
        names = set(moving)
        return {name: mask for name, mask in settled.items() if name not in names}

    def _interpolated(self, run: Run, index: int) -> Patch:
        """Return what lies between two keys where the network lost the object."""
        if run.stop is None:
            return EMPTY
        known = self.keys.patches[run.name]
        share = (index - run.start) / (run.stop - run.start)
        patch = between(known[run.start], known[run.stop], share, self.keys.shape)
        return patch if patch.area else run.before

    def _answer(self, run: Run, index: int, found: Found) -> Slice:
        other = self.forward.get(index, {}).get(run.name)
        patch, agreement = found.patch, found.agreement
        if other is not None and run.stop is not None and index < run.start:
            share = (run.start - index) / (run.start - run.stop)
            agreement = overlap(patch, other)
            joined = between(patch, other, share, self.keys.shape)
            patch = joined if joined.area else patch
        away = self.keys.distance(run.name, index) * self.spacing
        return _slice(patch, found, agreement, away)

    def _advance(
        self, index: int, runs: list[Run], answers: Mapping[Hashable, Slice]
    ) -> None:
        for run in runs:
            if run.name not in answers:
                continue
            answer = answers[run.name]
            run.before, run.last = Patch(answer.region, answer.crop), index
            if run.indices[-1] > run.start:  # forward
                self.forward.setdefault(index, {})[run.name] = run.before

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


def snap(
    predictor: Predictor,
    features: FeaturesOf,
    keys: Masks,
    slices: Iterable[int],
    *,
    spacing: float = 1.0,
    should_stop: Callable[[], bool] | None = None,
) -> Iterator[Step]:
    """Interpolate between keyed slices, then let the network snap to the image.

    Parameters
    ----------
    predictor, features, keys, slices, spacing, should_stop
        As for :func:`propagate`. Slices that lie between no two keys are left out.

    Yields
    ------
    Step
        In ascending order.

    Raises
    ------
    PromptError, SegNextError, Cancelled
        As for :func:`propagate`.
    """
    known = read_keys(keys)
    _check_spacing(spacing)
    ways: dict[int, dict[Hashable, tuple[int, int]]] = {}
    for name in known.patches:
        for low, high in known.spans(name):
            for index in slices:
                if low < index < high:
                    ways.setdefault(index, {})[name] = (low, high)
    return _snapped(predictor, features, known, ways, spacing, should_stop)


def _snapped(
    predictor: Predictor,
    features: FeaturesOf,
    keys: Keys,
    ways: dict[int, dict[Hashable, tuple[int, int]]],
    spacing: float,
    should_stop: Callable[[], bool] | None,
) -> Iterator[Step]:
    for number, index in enumerate(sorted(ways)):
        if should_stop is not None and should_stop():
            raise Cancelled
        guesses = {}
        for name, (low, high) in ways[index].items():
            ends = keys.patches[name][low], keys.patches[name][high]
            share = (index - low) / (high - low)
            guess = between(*ends, share, keys.shape)
            guesses[name] = guess if guess.area else ends[round(share)]
        planes = features(index, next(iter(guesses.values())).centre)
        _check_shape(planes, keys)
        owned = {n: mask for n, mask in keys.on(index).items() if n not in guesses}
        taken = _union(owned, keys.shape)
        found = carry(
            predictor,
            planes,
            {name: plain_guess(guess) for name, guess in guesses.items()},
            taken,
            should_stop,
        )
        answers: dict[Hashable, Slice] = {}
        for name, guess in guesses.items():
            one = found[name]
            patch = one.patch if one.patch.area else guess
            away = keys.distance(name, index) * spacing
            answers[name] = _slice(patch, one, one.agreement, away)
        yield Step(index, answers, {}, number + 1, len(ways))


def _slice(patch: Patch, found: Found, agreement: float, away: float) -> Slice:
    """Score an answer `away` pixels from the nearest key."""
    score = found.confidence * found.sureness * agreement * _SCORE_PER_PX**away
    return Slice(patch.region, patch.crop, score, found.confidence, agreement)


def _union(masks: Mapping[Hashable, Patch], shape: tuple[int, int]) -> Patch:
    region = joined_region([patch.region for patch in masks.values()], shape)
    crop = EMPTY.on(region)
    for patch in masks.values():
        crop |= patch.on(region)
    return Patch.of(crop, region[:2])


def _check_spacing(spacing: float) -> None:
    if not 0 < spacing < float("inf"):
        raise SegNextError(
            f"The spacing is {spacing}; give the distance of two slices over the size "
            "of a pixel, above 0."
        )


def _check_shape(features: Features, keys: Keys) -> None:
    if tuple(features.shape) != keys.shape:
        raise PromptError(
            f"The keyed masks have shape {keys.shape}, but the slice has "
            f"{tuple(features.shape)}; give masks of the slice's shape."
        )
