"""Where a mask goes from one slice to the next, read from the two images alone.

Two answers are averaged. Optical flow by iterated Lucas-Kanade [1]_ shifts the signed
distances of the mask, which follows what moves as a whole and forgives a change of
brightness. Label fusion by patches [2]_ asks for every pixel where its surroundings
were on the slice before, and takes over what they were, which follows sharp borders.
Neither knows the object; the network has the other half of the say.

References
----------
.. [1] G. Le Besnerais, F. Champagnat, "Dense optical flow by iterative local window
   registration", ICIP 2005.
.. [2] P. Coupe et al., "Patch-based segmentation using expert priors", NeuroImage 2011.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from scipy.special import expit
from skimage.registration import optical_flow_ilk

from napari_segnext.core.image import normalise
from napari_segnext.core.interpolation import signed_distance
from napari_segnext.core.regions import joined_region

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_segnext.core.features import Features
    from napari_segnext.core.patches import Patch
    from napari_segnext.core.regions import Region

    Floats = npt.NDArray[np.float32]

__all__ = ["grey", "moved"]

_MARGIN_PX = 14  # around the mask; how far it can go
_MAX_SIDE_PX = 288  # larger crops are reduced by a whole number first
_FLOW_RADIUS_PX = 7
_BLUR_PX = 1.0
_SEARCH_PX = 4
_PATCH_PX = 7
_LIKENESS = 0.003  # mean squared difference of grey values at which a vote falls to 1/e
_NEARNESS = 0.0003  # the same for a squared pixel of distance


def grey(features: Features, region: Region) -> Floats:
    """Return a part of a slice as grey values from 0 to 1."""
    row0, col0, row1, col1 = region
    part = normalise(features.plane[row0:row1, col0:col1], features.limits)
    return part.mean(axis=-1)


def moved(
    before: Patch, earlier: Features, features: Features
) -> tuple[Region, npt.NDArray[np.float32]]:
    """Return where a mask of the slice `earlier` probably is on another.

    Parameters
    ----------
    before : Patch
        The mask, not empty.
    earlier, features : Features
        Of the two slices; only their images are looked at.

    Returns
    -------
    region : (row0, col0, row1, col1)
        Part of the plane; the mask is not expected outside.
    probability : array (row1 - row0, col1 - col0) float32
    """
    shape = features.shape
    region = joined_region([before.region], shape, _MARGIN_PX)
    old, new = grey(earlier, region), grey(features, region)
    factor = -(-max(old.shape) // _MAX_SIDE_PX)
    distance = signed_distance(before.on(region))
    if factor > 1:
        old, new = _reduced(old, factor), _reduced(new, factor)
        distance = _reduced(distance / np.float32(factor), factor)
    if min(old.shape) < 2 * _FLOW_RADIUS_PX + 1:  # too small to see anything move
        probability = _soft(distance)
    else:
        probability = _flowed(distance, old, new) + _fused(distance, old, new)
        probability *= np.float32(0.5)
    if factor > 1:
        size = (region[2] - region[0], region[3] - region[1])
        large = np.kron(probability, np.ones((factor, factor), np.float32))
        probability = ndimage.uniform_filter(large, factor)[: size[0], : size[1]]
    return region, probability.astype(np.float32)


def _flowed(distance: Floats, old: Floats, new: Floats) -> Floats:
    """Probability after moving signed distances with the optical flow."""
    flow = optical_flow_ilk(
        ndimage.gaussian_filter(new, _BLUR_PX),
        ndimage.gaussian_filter(old, _BLUR_PX),
        radius=_FLOW_RADIUS_PX,
        dtype=np.float32,
    )
    places = np.indices(distance.shape, np.float32) + flow
    return _soft(ndimage.map_coordinates(distance, places, order=1, mode="nearest"))


def _fused(distance: Floats, old: Floats, new: Floats) -> Floats:
    """Share of the votes of similar patches nearby that lay in the mask."""
    reach = _SEARCH_PX
    rows, cols = old.shape
    image = np.pad(old, reach, mode="edge")
    labels = np.pad((distance > 0).astype(np.float32), reach, mode="edge")
    costs, votes = [], []
    for row in range(-reach, reach + 1):
        for col in range(-reach, reach + 1):
            apart = row * row + col * col
            if apart > reach * reach:
                continue
            there = np.s_[
                reach + row : reach + row + rows, reach + col : reach + col + cols
            ]
            cost = ndimage.uniform_filter((image[there] - new) ** 2, _PATCH_PX)
            costs.append(cost + np.float32(_NEARNESS * apart))
            votes.append(labels[there])
    cost = np.stack(costs)
    weights = np.exp((cost.min(axis=0) - cost) / np.float32(_LIKENESS))
    share = (weights * np.stack(votes)).sum(axis=0) / weights.sum(axis=0)
    return np.asarray(share, np.float32)


def _soft(distance: Floats) -> Floats:
    """Probability of a pixel at a signed distance from the border."""
    return np.asarray(expit(distance), np.float32)


def _reduced(values: Floats, factor: int) -> Floats:
    """Return means of blocks; the last ones are filled with the border's values."""
    rows, cols = values.shape
    padded = np.pad(values, ((0, -rows % factor), (0, -cols % factor)), mode="edge")
    blocks = padded.reshape(
        padded.shape[0] // factor, factor, padded.shape[1] // factor, factor
    )
    return np.asarray(blocks.mean(axis=(1, 3)), np.float32)
