"""One slice: masks of the slice before become prompts, the network answers them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from napari_segnext.core.patches import EMPTY, Patch, joined_region, placed
from napari_segnext.core.prompts import Click, Mask, Prompts

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    import numpy.typing as npt

    from napari_segnext.core.prediction import Prediction

__all__ = ["Found", "carry", "mined_prompts"]

_MAX_CLICKS = 8  # parts of a mask that get a click of their own


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What the network found of one object on one slice.

    Parameters
    ----------
    patch : Patch
        The mask, after the objects of the slice competed for pixels.
    confidence : float
        Mean probability inside it, 0 where it is empty.
    """

    patch: Patch
    confidence: float


def mined_prompts(patch: Patch, shape: tuple[int, int]) -> Prompts:
    """Return a mask as a prompt, with a click into the middle of each of its parts.

    Parameters
    ----------
    patch : Patch
        Not empty.
    shape : (int, int)
        Of the plane.
    """
    padded = np.pad(patch.crop, 1)
    parts, _ = ndimage.label(padded)
    depth = ndimage.distance_transform_edt(padded)
    areas = np.bincount(parts.ravel())[1:]
    largest = np.argsort(-areas, kind="stable")[:_MAX_CLICKS] + 1
    spots = ndimage.maximum_position(depth, parts, largest)
    row, col = patch.region[:2]
    clicks = [Click(float(r - 1 + row), float(c - 1 + col)) for r, c in spots]
    return Prompts(clicks=clicks, mask=Mask.from_array(patch.plane(shape)))


def carry(
    predictor: Any,
    features: Any,
    before: Mapping[Hashable, Patch],
    taken: Patch,
    should_stop: Callable[[], bool] | None,
) -> dict[Hashable, Found]:
    """Find objects on a slice by their masks on the one before.

    Parameters
    ----------
    predictor : Predictor
        Answers all objects in one batch.
    features : Features
        Of the slice.
    before : dict of id to Patch
        Masks on the slice before, not empty.
    taken : Patch
        Pixels that belong to keyed objects and are not given away.
    should_stop : callable, optional
        Asked now and then; once it says True, ``Cancelled`` is raised.
    """
    shape = features.shape
    prompts = [mined_prompts(patch, shape) for patch in before.values()]
    answers = predictor.predict_many(features, prompts, should_stop=should_stop)
    masks = _compete(answers, taken)
    return {name: Found(*mask) for name, mask in zip(before, masks, strict=True)}


def _compete(answers: list[Prediction], taken: Patch) -> list[tuple[Patch, float]]:
    """Give each pixel to the most probable object; masks and mean probabilities."""
    region = joined_region([answer.region for answer in answers])
    best = placed(taken.crop.astype(np.float32) * 2, taken.region, region)
    masks: list[npt.NDArray[np.bool_]] = []
    for answer in answers:
        masks.append(answer.crop_mask)
        np.maximum(
            best,
            placed(np.where(masks[-1], answer.crop, 0), answer.region, region),
            out=best,
        )
    given = np.zeros(best.shape, bool)
    results = []
    for answer, mask in zip(answers, masks, strict=True):
        row, col = answer.region[0] - region[0], answer.region[1] - region[1]
        here = np.s_[row : row + mask.shape[0], col : col + mask.shape[1]]
        own = mask & (answer.crop >= best[here]) & ~given[here]
        given[here] |= own
        patch = Patch.of(own, answer.region[:2])
        mean = float(answer.crop[own].mean()) if patch.area else 0.0
        results.append((patch if patch.area else EMPTY, mean))
    return results
