"""Borders that are lines of their own, as membranes are: masks are drawn to them.

Whether an object has such a border is seen on its keyed slice: there it is darker, or
brighter, than both its sides. A mask that was carried to another slice then goes half
of the way to where watershed [1]_ finds the line in a narrow band around its border.
That takes back the small errors of each slice before they add up.

References
----------
.. [1] F. Meyer, "Color image segmentation", ICIP 1992; as in scikit-image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import ndimage
from skimage.segmentation import watershed

from napari_segnext.core.features import Features
from napari_segnext.core.interpolation import signed_distance
from napari_segnext.core.motion import grey
from napari_segnext.core.regions import joined_region

if TYPE_CHECKING:
    from napari_segnext.core.patches import Bools, Patch

    Line = Literal[-1, 0, 1]

__all__ = ["drawn_to_line", "line_of"]

_MARGIN_PX = 8
_BLUR_PX = 0.8
_LINE_PX = 1.5  # half of the line's width
_SIDE_PX = 3.0  # where the inside and the outside begin ...
_REACH_PX = 7.0  # ... and where the outside ends
_CLEAR = 0.25  # standard deviations by which a line differs from both its sides
_BAND_PX = 2.0  # on both sides of the border, in which the line is looked for
_CORE = 0.6  # of the depth of a mask; never part of the band
_FAR_PX = 4.0  # distances beyond say no more


def line_of(patch: Patch, features: object) -> Line:
    """Return whether the border of a mask is a line, and of which kind.

    Parameters
    ----------
    patch : Patch
        The mask.
    features : Features
        Of its slice; anything else has no image to look at.

    Returns
    -------
    {-1, 0, 1}
        Darker than both sides, no line, brighter than both.
    """
    if not isinstance(features, Features) or not patch.area:
        return 0
    region = joined_region([patch.region], features.shape, _MARGIN_PX)
    distance = signed_distance(patch.on(region))
    image = ndimage.gaussian_filter(grey(features, region), _BLUR_PX)
    inside = image[distance > min(_SIDE_PX, _CORE * distance.max())]
    outside = image[(distance < -_SIDE_PX) & (distance > -_REACH_PX)]
    border = image[np.abs(distance) < _LINE_PX]
    if not inside.size or not outside.size:
        return 0
    spread = np.sqrt((inside.var() + outside.var() + border.var()) / 3)
    sides = inside.mean(), outside.mean()
    if min(sides) - border.mean() > _CLEAR * spread:
        return -1
    return 1 if border.mean() - max(sides) > _CLEAR * spread else 0


def drawn_to_line(patch: Patch, features: Features, line: Line) -> Patch:
    """Return a mask whose border has gone half of the way to the line beside it.

    Parameters
    ----------
    patch : Patch
        The mask, not empty.
    features : Features
        Of its slice.
    line : {-1, 1}
        Whether the line is dark or bright, see :func:`line_of`.
    """
    region = joined_region([patch.region], features.shape, _MARGIN_PX)
    distance = signed_distance(patch.on(region))
    markers = np.zeros(distance.shape, np.int8)
    markers[distance > min(_BAND_PX, _CORE * distance.max())] = 1
    markers[distance < -_BAND_PX] = 2
    ridges = line * ndimage.gaussian_filter(grey(features, region), _BLUR_PX)
    found: Bools = watershed(ridges, markers) == 1
    there = signed_distance(found)
    halfway = _limited(distance) + _limited(there)
    # halves of a pixel go to the outside: what is too small leaks into nothing
    return type(patch).of(halfway > 0, region[:2])


def _limited(distance: np.ndarray) -> np.ndarray:
    return np.clip(distance, -_FAR_PX, _FAR_PX)
