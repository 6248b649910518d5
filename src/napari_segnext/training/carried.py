"""First prompts of an object of a stack, as propagation carries them to a slice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scipy import ndimage

from napari_segnext.core.carrying import mined_prompts
from napari_segnext.core.interpolation import signed_distance
from napari_segnext.core.patches import Patch
from napari_segnext.core.prompts import Mask, Prompts

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Bools = npt.NDArray[np.bool_]

__all__ = ["sample_carried_prompts"]

_COPIED = 0.6  # of the masks; the others are nearly right
_CLICKED = 0.5
_WOBBLES = 16  # along a side of the crop
_WOBBLE_PX = 3.0
_SHIFT_PX = 1.5


def sample_carried_prompts(
    truth: Bools, neighbour: Bools, rng: np.random.Generator
) -> Prompts:
    """Return a mask from the slice beside this one, half of the time with clicks in it.

    The mask is the neighbour's own, or lies between it and the truth with a border that
    wobbles, as if it had followed what moved in the images. Clicks are mined from what
    of it is right, as propagation mines them.

    Parameters
    ----------
    truth, neighbour : array (S, S) bool
        The object here and on the slice beside; at least one pixel each.
    rng : numpy.random.Generator
        Source of everything random here.
    """
    is_copied = rng.random() < _COPIED
    mask = neighbour if is_copied else _nearly_right(truth, neighbour, rng)
    prompts = Prompts(mask=Mask.from_array(mask))
    right = Patch.of(mask & truth)
    if right.area and rng.random() < _CLICKED:
        prompts = prompts.add(*mined_prompts(right, truth.shape).clicks)
    return prompts


def _nearly_right(truth: Bools, neighbour: Bools, rng: np.random.Generator) -> Bools:
    share = rng.uniform(0, 0.8)
    distance = (1 - share) * signed_distance(truth) + share * signed_distance(neighbour)
    noise = rng.normal(size=(_WOBBLES, _WOBBLES))
    wobble = ndimage.zoom(noise, truth.shape[0] / _WOBBLES, order=1)
    distance += rng.uniform(0, _WOBBLE_PX) * wobble
    shift = rng.normal(0, _SHIFT_PX, 2)
    mask: Bools = ndimage.shift(distance, shift, order=1, mode="nearest") > 0
    return mask if mask.any() else truth
