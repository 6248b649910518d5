"""The answer to one object's prompts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from scipy import ndimage

from napari_segnext.errors import PromptError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from napari_segnext.core.prompts import Prompts
    from napari_segnext.core.regions import Region
    from napari_segnext.core.windows import Bounds

__all__ = ["Prediction", "as_prediction", "mask_bounds", "most_probable"]

_Scalar = TypeVar("_Scalar", bound=np.generic)


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """The answer to one object's prompts.

    Parameters
    ----------
    shape : (int, int)
        Of the plane in pixels.
    region : (int, int, int, int)
        (row0, col0, row1, col1), ends excluded: the part that was looked at.
    crop : array (row1 - row0, col1 - col0) float32
        Probability of the object in the region.
    threshold : float
        The mask is where the probability is above it.
    """

    shape: tuple[int, int]
    region: tuple[int, int, int, int]
    crop: npt.NDArray[np.float32]
    threshold: float

    @property
    def crop_mask(self) -> npt.NDArray[np.bool_]:
        """The mask in the region, bool."""
        return self.crop > np.float32(self.threshold)

    @property
    def probability(self) -> npt.NDArray[np.float32]:
        """Probability on the whole plane (H, W), 0 outside the region; made anew."""
        return self._on_plane(self.crop)

    @property
    def mask(self) -> npt.NDArray[np.bool_]:
        """Mask on the whole plane (H, W); made anew."""
        return self._on_plane(self.crop_mask)

    def _on_plane(self, values: npt.NDArray[_Scalar]) -> npt.NDArray[_Scalar]:
        plane = np.zeros(self.shape, values.dtype)
        row0, col0, row1, col1 = self.region
        plane[row0:row1, col0:col1] = values
        return plane


def as_prediction(
    previous: Prediction | npt.ArrayLike | None,
    shape: tuple[int, int],
    threshold: float,
) -> Prediction | None:
    """Take a Prediction, an array (H, W) of probabilities, or None, as a Prediction.

    Raises
    ------
    PromptError
        If it is for a plane of another shape.
    """
    if previous is None:
        return None
    if isinstance(previous, Prediction):
        given, prediction = previous.shape, previous
    else:
        plane = np.asarray(previous, np.float32)
        given = plane.shape
        prediction = Prediction(shape, (0, 0, *shape), plane, threshold)
    if given != shape:
        raise PromptError(
            f"The previous mask has shape {given}, but the plane has {shape}; "
            "give one of the plane's shape, or None."
        )
    return prediction


def most_probable(
    answers: Sequence[Prediction],
) -> tuple[Region, npt.NDArray[np.uint16]]:
    """Give every pixel to the object that is most probable there.

    Parameters
    ----------
    answers : sequence of Prediction
        One for each object of a plane; at least one.

    Returns
    -------
    region : (int, int, int, int)
        (row0, col0, row1, col1), ends excluded: what was looked at for any of them.
    numbers : array (row1 - row0, col1 - col0) uint16
        The number of the object in that region, from 1 on in the order of `answers`; 0
        where there is none. The first one counts among equals.
    """
    corners = np.array([answer.region for answer in answers])
    row0, col0 = (int(value) for value in corners[:, :2].min(axis=0))
    row1, col1 = (int(value) for value in corners[:, 2:].max(axis=0))
    numbers = np.zeros((row1 - row0, col1 - col0), np.uint16)
    best = np.zeros(numbers.shape, np.float32)
    for number, answer in enumerate(answers, 1):
        top, left, bottom, right = answer.region
        place = slice(top - row0, bottom - row0), slice(left - col0, right - col0)
        wins = answer.crop_mask & (answer.crop > best[place])
        numbers[place][wins] = number
        best[place][wins] = answer.crop[wins]
    return (row0, col0, row1, col1), numbers


def mask_bounds(answer: Prediction, prompts: Prompts) -> Bounds | None:
    """Bounds on the plane of the parts of a mask that positive prompts lie on.

    The whole mask where no click, scribble or stroke is on it; None where the mask is
    empty.
    """
    mask = answer.crop_mask
    row0, col0 = answer.region[:2]
    parts, count = ndimage.label(mask)
    if not count:
        return None
    points = np.floor(_positive_points(prompts) + 0.5).astype(int) - (row0, col0)
    points = points[((points >= 0) & (points < mask.shape)).all(axis=1)]
    touched = set(parts[tuple(points.T)].tolist()) - {0}
    slices = ndimage.find_objects(parts)
    rows, cols = zip(
        *(slices[part - 1] for part in touched or range(1, count + 1)), strict=True
    )
    return (
        row0 + min(part.start for part in rows),
        col0 + min(part.start for part in cols),
        row0 + max(part.stop for part in rows) - 1,
        col0 + max(part.stop for part in cols) - 1,
    )


def _positive_points(prompts: Prompts) -> npt.NDArray[np.float64]:
    """Points (N, 2) of the plane that the user said are on the object."""
    points = [(click.row, click.col) for click in prompts.clicks if click.positive]
    for scribble in prompts.scribbles:
        if scribble.positive:
            points.extend(scribble.vertices)
    found = [np.array(points, float).reshape(-1, 2)]
    found += [
        np.argwhere(stroke.crop) + stroke.region[:2]
        for stroke in prompts.strokes
        if stroke.positive
    ]
    return np.concatenate(found)
