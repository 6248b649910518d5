"""An object cut in two by a line."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from napari_segnext.errors import PromptError
from napari_segnext.session.pixels import PixelChange

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_segnext.session.found import Found
    from napari_segnext.session.planes import PlaneKey

__all__ = ["cut"]


def cut(
    found: Found,
    plane: PlaneKey,
    line: npt.NDArray[np.intp],
    label: int,
    new: int,
) -> PixelChange:
    """Work out which pixels of an object become `new` when a line cuts it in two.

    Parameters
    ----------
    found : Found
        The object.
    plane : PlaneKey
        Where the line lies; it cuts all planes parallel to that one.
    line : array (N, 2) of int
        Rows and columns of two or more vertices on the plane.
    label, new : int
        What the object has, and what the smaller part gets.

    Raises
    ------
    PromptError
        If no part of the object falls apart.
    """
    from scipy.ndimage import label as components

    own = found.mask
    wall = _wall(found, plane, line) & own
    islands, _ = components(own)
    parts, _ = components(own & ~wall)
    for island in np.unique(islands[wall]):
        here = islands == island
        numbers, sizes = np.unique(parts[here & ~wall], return_counts=True)
        if len(numbers) > 1:
            rest = here & ~wall & (parts != numbers[sizes.argmax()])
            pixels = found.placed(rest)
            return PixelChange.from_arrays(found.shape, pixels, label, new)
    raise PromptError(
        f"The line does not cut label {label} in two; "
        "draw it from one side of the object to the other."
    )


def _wall(
    found: Found, plane: PlaneKey, line: npt.NDArray[np.intp]
) -> npt.NDArray[np.bool_]:
    """Draw the line into the object's box, on all planes parallel to its own."""
    from skimage.draw import line as pixels_between

    shape = found.mask.shape
    barrier = np.zeros(tuple(shape[axis] for axis in plane.displayed), bool)
    corner = [found.offset[axis] for axis in plane.displayed]
    for start, end in pairwise(line - corner):
        rows, cols = pixels_between(*start, *end)
        inside = (rows >= 0) & (cols >= 0)
        inside &= (rows < barrier.shape[0]) & (cols < barrier.shape[1])
        barrier[rows[inside], cols[inside]] = True
    fixed = tuple(shape[axis] for axis in plane.fixed)
    return np.moveaxis(
        np.broadcast_to(barrier, (*fixed, *barrier.shape)),
        range(len(shape)),
        (*plane.fixed, *plane.displayed),
    )
