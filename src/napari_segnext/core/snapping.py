"""Interpolate between keyed slices, then snap to the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_segnext.core.borders import line_of
from napari_segnext.core.carrying import carry, plain_guess
from napari_segnext.core.interpolation import between
from napari_segnext.core.patches import union_of
from napari_segnext.core.runs import check_shape, check_spacing, read_keys
from napari_segnext.core.steps import Slice, Step, scored
from napari_segnext.errors import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping

    import numpy.typing as npt

    from napari_segnext.core.borders import Line
    from napari_segnext.core.features import Features
    from napari_segnext.core.predictor import Predictor
    from napari_segnext.core.runs import Keys

    Near = tuple[float, float]
    FeaturesOf = Callable[[int, Near | None], Features]
    Masks = Mapping[Hashable, Mapping[int, npt.ArrayLike]]

__all__ = ["snap"]


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
    check_spacing(spacing)
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
    lines: dict[Hashable, Line] = {}
    for name in {name for way in ways.values() for name in way}:
        largest, patch = keys.largest(name)
        lines[name] = line_of(patch, features(largest, patch.centre))
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
        check_shape(planes, keys)
        owned = {n: mask for n, mask in keys.on(index).items() if n not in guesses}
        taken = union_of(owned.values(), keys.shape)
        found = carry(
            predictor,
            planes,
            {name: plain_guess(guess, lines[name]) for name, guess in guesses.items()},
            taken,
            should_stop,
        )
        answers: dict[Hashable, Slice] = {}
        for name, guess in guesses.items():
            one = found[name]
            patch = one.patch if one.patch.area else guess
            away = keys.distance(name, index) * spacing
            answers[name] = scored(patch, one, one.agreement, away)
        yield Step(index, answers, {}, number + 1, len(ways))
