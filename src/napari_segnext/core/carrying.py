"""One slice: masks of the slice before become prompts, the network answers them.

The mask is moved first to where the two images say that it went
(:mod:`napari_segnext.core.motion`), then goes to the mask channel together with a click
into the middle of each of its parts, and a negative one into each of its holes. What
the network answers and what the images say count the same; objects with a membrane are
drawn to it then (:mod:`napari_segnext.core.borders`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from napari_segnext.core.borders import drawn_to_line
from napari_segnext.core.features import Features
from napari_segnext.core.motion import moved
from napari_segnext.core.patches import EMPTY, Patch, overlap
from napari_segnext.core.prompts import Click, Mask, Prompts
from napari_segnext.core.regions import joined_region, placed

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    import numpy.typing as npt

    from napari_segnext.core.borders import Line
    from napari_segnext.core.regions import Region

    Bools = npt.NDArray[np.bool_]
    Floats = npt.NDArray[np.float32]

__all__ = ["Found", "Guess", "carry", "guess_from", "mined_prompts", "plain_guess"]

_MAX_CLICKS = 8  # into the object, and as many into its holes
_MIN_HOLE_PX = 3  # from its border to its middle
_CORE = 0.7  # of the depth of a part; a waist below it makes two cores
_NETWORK_SHARE = 0.5  # of the say; the rest is the guess's
_BARELY = np.float32(0.51)  # probability of what belongs to the mask by its line alone


@dataclass(frozen=True, slots=True, eq=False)
class Guess:
    """What is known of an object on a slice before the network is asked.

    Parameters
    ----------
    region, probability
        Part of the plane, and float32 values in it.
    patch : Patch
        The mask that becomes a prompt, not empty.
    say : bool
        Whether the probability counts in the answer, or was a prompt only.
    line : {-1, 0, 1}
        Whether the object's border is a line, see :func:`line_of`.
    """

    region: Region
    probability: Floats
    patch: Patch
    say: bool = True
    line: Line = 0


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What was found of one object on one slice.

    Parameters
    ----------
    patch : Patch
        The mask, after the objects of the slice competed for pixels.
    confidence : float
        The network's mean probability inside it, 0 where it is empty.
    sureness : float
        The mean probability by which it was decided.
    agreement : float
        IoU of the network's own mask with the guess.
    """

    patch: Patch
    confidence: float
    sureness: float
    agreement: float


def plain_guess(patch: Patch, line: Line = 0) -> Guess:
    """Return a mask as it is, only to be a prompt."""
    crop = patch.crop.astype(np.float32)
    return Guess(patch.region, crop, patch, say=False, line=line)


def guess_from(before: Patch, earlier: Any, features: Any, line: Line = 0) -> Guess:
    """Return where a mask went; where it was if the images cannot be seen."""
    if not (isinstance(earlier, Features) and isinstance(features, Features)):
        return plain_guess(before)
    region, probability = moved(before, earlier, features)
    patch = Patch.of(probability > 0.5, region[:2])
    return Guess(region, probability, patch if patch.area else before, line=line)


def mined_prompts(patch: Patch, shape: tuple[int, int]) -> Prompts:
    """Return a mask as a prompt, with clicks into the cores of its parts and its holes.

    A core is where a part is nearly as thick as it ever is: a part with a waist has two
    of them, so that both halves go on should it split. A hole gets a negative click, as
    the network is inclined to fill it.

    Parameters
    ----------
    patch : Patch
        Not empty.
    shape : (int, int)
        Of the plane.
    """
    padded = np.pad(patch.crop, 1)
    depth = ndimage.distance_transform_edt(padded)
    parts, count = ndimage.label(padded)
    deepest = np.zeros(count + 1)
    deepest[1:] = ndimage.maximum(depth, parts, np.arange(1, count + 1))
    cores = padded & (depth >= _CORE * deepest[parts])
    holes = ndimage.binary_fill_holes(padded) & ~padded
    hollow = ndimage.distance_transform_edt(holes)
    row, col = patch.region[0] - 1, patch.region[1] - 1
    on = [Click(row + r, col + c) for r, c in _middles(cores, depth)]
    off = [
        Click(row + r, col + c, positive=False)
        for r, c in _middles(holes, hollow)
        if hollow[r, c] >= _MIN_HOLE_PX
    ]
    return Prompts(clicks=on + off, mask=Mask.from_array(patch.plane(shape)))


def _middles(areas: Bools, depth: npt.NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return the innermost pixel of each area, those of the deepest areas first."""
    numbered, count = ndimage.label(areas)
    spots = ndimage.maximum_position(depth, numbered, np.arange(1, count + 1))
    return sorted(spots, key=lambda spot: -depth[spot])[:_MAX_CLICKS]


def carry(
    predictor: Any,
    features: Any,
    guesses: Mapping[Hashable, Guess],
    taken: Patch,
    should_stop: Callable[[], bool] | None,
) -> dict[Hashable, Found]:
    """Find objects on a slice by guesses of their masks.

    Parameters
    ----------
    predictor : Predictor
        Answers all objects in one batch.
    features : Features
        Of the slice.
    guesses : dict of id to Guess
        Of all objects that are looked for.
    taken : Patch
        Pixels that belong to other objects and are not given away.
    should_stop : callable, optional
        Asked now and then; once it says True, ``Cancelled`` is raised.
    """
    shape = features.shape
    prompts = [mined_prompts(guess.patch, shape) for guess in guesses.values()]
    answers = predictor.predict_many(features, prompts, should_stop=should_stop)
    pairs = list(zip(answers, guesses.values(), strict=True))
    opinions = [
        _at_line(_opinion(answer, guess), features, guess.line)
        for answer, guess in pairs
    ]
    masks = _compete(opinions, taken)
    found = {}
    for name, (answer, guess), opinion, patch in zip(
        guesses, pairs, opinions, masks, strict=True
    ):
        own = Patch.of(answer.crop_mask, answer.region[:2])
        found[name] = Found(
            patch,
            _mean_inside(patch, answer.crop, answer.region),
            _mean_inside(patch, opinion[1], opinion[0]),
            overlap(own, guess.patch),
        )
    return found


def _opinion(answer: Any, guess: Guess) -> tuple[Region, Floats]:
    """Return the probability of network and guess together; above 0.5 is the mask."""
    # the model's own threshold becomes 0.5
    limit = np.float32(getattr(answer, "threshold", 0.5))
    crop = np.where(
        answer.crop <= limit,
        answer.crop * (0.5 / limit),
        1 - (1 - answer.crop) * (0.5 / (1 - limit)),
    ).astype(np.float32)
    if not guess.say:
        return answer.region, crop
    region = joined_region([answer.region, guess.region])
    network = placed(crop, answer.region, region)
    known = placed(guess.probability, guess.region, region)
    share = np.float32(_NETWORK_SHARE)
    together = share * network + (1 - share) * known
    return region, np.asarray(together, np.float32)


def _at_line(
    opinion: tuple[Region, Floats], features: Any, line: Line
) -> tuple[Region, Floats]:
    """Change the probability as little as it takes for the mask to lie at its line."""
    region, values = opinion
    patch = Patch.of(values > 0.5, region[:2])
    if not line or not patch.area:
        return opinion
    drawn = drawn_to_line(patch, features, line)
    wider = joined_region([region, drawn.region])
    values = placed(values, region, wider)
    inside = drawn.on(wider)
    values[inside] = np.maximum(values[inside], _BARELY)
    values[~inside] = np.minimum(values[~inside], 1 - _BARELY)
    return wider, values


def _mean_inside(patch: Patch, values: Floats, region: Region) -> float:
    if not patch.area:
        return 0.0
    return float(placed(values, region, patch.region)[patch.crop].mean())


def _compete(opinions: list[tuple[Region, Floats]], taken: Patch) -> list[Patch]:
    """Give each pixel to the most probable object."""
    whole = joined_region([region for region, _ in opinions])
    best = placed(taken.crop.astype(np.float32) * 2, taken.region, whole)
    places = [
        np.s_[r0 - whole[0] : r1 - whole[0], c0 - whole[1] : c1 - whole[1]]
        for (r0, c0, r1, c1), _ in opinions
    ]
    for here, (_, values) in zip(places, opinions, strict=True):
        np.maximum(best[here], np.where(values > 0.5, values, 0), out=best[here])
    given = np.zeros(best.shape, bool)
    results = []
    for here, (region, values) in zip(places, opinions, strict=True):
        own = (values > 0.5) & (values >= best[here]) & ~given[here]
        given[here] |= own
        patch = Patch.of(own, region[:2])
        results.append(patch if patch.area else EMPTY)
    return results
