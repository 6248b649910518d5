"""Masks between keyed slices by signed distances, without looking at the image."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import distance_transform_edt

from napari_segnext.core.patches import EMPTY, Patch
from napari_segnext.core.regions import joined_region
from napari_segnext.errors import PromptError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy.typing as npt

    Bools = npt.NDArray[np.bool_]

__all__ = ["between", "blended", "interpolate", "neighbours", "signed_distance"]


def interpolate(
    keys: Mapping[int, npt.ArrayLike],
    slices: Iterable[int],
    *,
    by_size: bool = True,
) -> dict[int, Bools]:
    """Fill the slices between keyed ones by blending signed distances.

    On each slice between two keys that are next to each other and not empty, the two
    signed distance maps are weighted by how near their keys are, and by the root of
    their areas: a blunt object does not shrink towards its tip like a cone. The mask is
    where the sum is positive. Nothing is made beside an empty key, which says "not
    here".

    Parameters
    ----------
    keys : dict of int to array (H, W)
        Masks of the keyed slices, all of one shape.
    slices : iterable of int
        Which slices may be written. Keyed ones never are.
    by_size : bool
        Whether the areas count.

    Returns
    -------
    dict of int to array (H, W) bool
        In ascending order; slices that do not lie between two keys are left out.

    Raises
    ------
    PromptError
        If the keys differ in shape or are no planes.

    Examples
    --------
    >>> import numpy as np
    >>> small, large = np.zeros((2, 9, 9), bool)
    >>> small[3:6, 3:6] = large[1:8, 1:8] = True
    >>> int(interpolate({0: small, 2: large}, range(3), by_size=False)[1].sum())
    25
    """
    masks = {index: np.asarray(mask) for index, mask in keys.items()}
    shapes = {mask.shape for mask in masks.values()}
    if len(shapes) > 1 or any(len(shape) != 2 for shape in shapes):
        raise PromptError(
            f"The keyed masks have shapes {sorted(shapes)}; give planes (H, W) of one "
            "shape."
        )
    patches = {index: Patch.of(masks[index]) for index in sorted(masks)}
    found = {}
    for index in sorted(slices):
        pair = neighbours(list(patches), index)
        if pair is not None and all(patches[key].area for key in pair):
            (shape,) = shapes
            low, high = (patches[key] for key in pair)
            share = (index - pair[0]) / (pair[1] - pair[0])
            plane = (shape[0], shape[1])
            patch = between(low, high, share, plane, 0.5 if by_size else 0)
            found[index] = patch.plane(plane)
    return found


def neighbours(indices: list[int], index: int) -> tuple[int, int] | None:
    """Return the two sorted `indices` that `index` lies between, or None."""
    for low, high in pairwise(indices):
        if low < index < high:
            return low, high
    return None


def between(
    one: Patch,
    other: Patch,
    share: float,
    shape: tuple[int, int],
    power: float = 0.5,
) -> Patch:
    """Return the mask that lies between two keyed ones.

    Parameters
    ----------
    one, other : Patch
        The two masks; empty where one of them is.
    share : float
        0 gives `one`, 1 gives `other`.
    shape : (int, int)
        Of the plane.
    power : float
        Of the area by which a mask is weighted.
    """
    weights = (1 - share) * one.area**power, share * other.area**power
    return blended(one, other, weights, shape)


def blended(
    one: Patch, other: Patch, weights: tuple[float, float], shape: tuple[int, int]
) -> Patch:
    """Return where the weighted sum of two masks' signed distances is positive.

    Empty where one of them is.
    """
    if not (one.area and other.area):
        return EMPTY
    region = joined_region([one.region, other.region], shape, margin=1)
    total = weights[0] * signed_distance(one.on(region))
    total += weights[1] * signed_distance(other.on(region))
    return Patch.of(total > 0, region[:2])


def signed_distance(mask: Bools) -> npt.NDArray[np.float32]:
    """Distance to the border in pixels, positive inside.

    Parameters
    ----------
    mask : array (h, w) bool
        Not empty.
    """
    inside = distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    outside = distance_transform_edt(~mask)
    distance = np.where(mask, inside - 0.5, 0.5 - outside)
    return distance.astype(np.float32)
