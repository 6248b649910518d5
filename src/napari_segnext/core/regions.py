"""Boxes of whole pixels on a plane: around what, and from one onto another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

__all__ = ["Region", "joined_region", "moved", "placed", "region_of"]

Region = tuple[int, int, int, int]  # row0, col0, row1, col1, ends excluded


def region_of(values: npt.NDArray[Any], margin: int = 0) -> Region | None:
    """Return the smallest region of (H, W) around what is not zero.

    Parameters
    ----------
    values : array (H, W)
        A mask, or probabilities.
    margin : int
        Pixels to add on each side, where there is room for them.

    Returns
    -------
    (row0, col0, row1, col1) or None
        None where all is zero.
    """
    low, high = [], []
    for axis in (0, 1):
        found = np.flatnonzero(values.any(axis=1 - axis))
        if not found.size:
            return None
        low.append(max(int(found[0]) - margin, 0))
        high.append(min(int(found[-1]) + 1 + margin, values.shape[axis]))
    return low[0], low[1], high[0], high[1]


def moved(region: Region, by: Sequence[int]) -> Region:
    """Return a region (rows, columns) further: as seen from another corner."""
    row0, col0, row1, col1 = region
    rows, cols = by
    return row0 + rows, col0 + cols, row1 + rows, col1 + cols


def placed(crop: np.ndarray, region: Region, onto: Region) -> np.ndarray:
    """Return values known on `region`, on the region `onto`: zero where not known."""
    values = np.zeros((onto[2] - onto[0], onto[3] - onto[1]), crop.dtype)
    row0, col0 = max(region[0], onto[0]), max(region[1], onto[1])
    row1, col1 = min(region[2], onto[2]), min(region[3], onto[3])
    if row0 < row1 and col0 < col1:
        values[row0 - onto[0] : row1 - onto[0], col0 - onto[1] : col1 - onto[1]] = crop[
            row0 - region[0] : row1 - region[0], col0 - region[1] : col1 - region[1]
        ]
    return values


def joined_region(
    regions: Iterable[Region], shape: tuple[int, int] | None = None, margin: int = 0
) -> Region:
    """Return the smallest region around others that are not empty.

    Parameters
    ----------
    regions : iterable of (row0, col0, row1, col1)
        Empty ones are left out; all zero is returned where none is left.
    shape : (int, int), optional
        Of the plane, which the result does not leave.
    margin : int
        Pixels to add on each side.
    """
    known = [one for one in regions if one[0] < one[2] and one[1] < one[3]]
    if not known:
        return (0, 0, 0, 0)
    low, high = np.array(known).min(axis=0)[:2], np.array(known).max(axis=0)[2:]
    low, high = low - margin, high + margin
    if shape is not None:
        low, high = np.maximum(low, 0), np.minimum(high, shape)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])
