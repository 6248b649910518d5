"""Overlap of masks, and how many clicks it takes to reach one.

References
----------
.. [1] B. Cheng, R. Girshick, P. Dollar, A. Berg, A. Kirillov, "Boundary IoU: Improving
   Object-Centric Image Segmentation Evaluation", CVPR 2021, arXiv:2103.16562.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import distance_transform_cdt

from napari_segnext.core.regions import region_of
from napari_segnext.errors import PromptError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

__all__ = [
    "boundary_iou",
    "check_truth",
    "clicks_needed",
    "iou",
    "noc",
    "nof",
    "value_after",
]


def check_truth(
    truth: npt.ArrayLike, mask: npt.ArrayLike
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Split an annotation, and check that a mask has its shape.

    Parameters
    ----------
    truth : array (H, W) of bool or int
        Positive where the object is, 0 elsewhere, negative where nobody knows.
    mask : array (H, W) of bool or int
        The segmentation; not zero where the object is said to be.

    Returns
    -------
    (object, mask, counted) : arrays (H, W) of bool
        `counted` is False where `truth` is negative.

    Raises
    ------
    PromptError
        If the shapes differ or are not those of one plane.
    """
    annotation, segmentation = np.asarray(truth), np.asarray(mask)
    if annotation.ndim != 2 or annotation.shape != segmentation.shape:
        raise PromptError(
            f"The annotation has shape {annotation.shape} and the mask "
            f"{segmentation.shape}; give two planes (H, W) of the same shape."
        )
    return annotation > 0, segmentation != 0, ~(annotation < 0)


def iou(truth: npt.ArrayLike, mask: npt.ArrayLike) -> float:
    """Intersection over union of an annotation and a mask.

    Parameters
    ----------
    truth : array (H, W) of bool or int
        Positive where the object is; negative pixels are not counted.
    mask : array (H, W) of bool or int
        The segmentation.

    Returns
    -------
    float
        From 0 to 1; 1 where both are empty.

    Raises
    ------
    PromptError
        If the shapes differ.
    """
    wanted, found, counted = check_truth(truth, mask)
    return _ratio(wanted & counted, found & counted)


def boundary_iou(
    truth: npt.ArrayLike,
    mask: npt.ArrayLike,
    dilation_ratio: float = 0.02,
    *,
    width_px: int | None = None,
) -> float:
    """Intersection over union of what lies near the two boundaries [1]_.

    Parameters
    ----------
    truth, mask : arrays (H, W)
        As :func:`iou` takes them.
    dilation_ratio : float
        Width of the band inside each boundary, over the plane's diagonal; at least
        one pixel.
    width_px : int, optional
        Width of the band itself, whatever the plane's size.

    Returns
    -------
    float
        From 0 to 1; 1 where both are empty.

    Raises
    ------
    PromptError
        If the shapes differ.
    """
    wanted, found, counted = check_truth(truth, mask)
    diagonal = float(np.hypot(*wanted.shape))
    width = max(1, round(dilation_ratio * diagonal)) if width_px is None else width_px
    region = region_of(wanted | found)
    if region is not None:  # nothing outside of both has a boundary
        part = np.s_[region[0] : region[2], region[1] : region[3]]
        wanted, found, counted = wanted[part], found[part], counted[part]
    return _ratio(
        _band_inside(wanted, width) & counted, _band_inside(found, width) & counted
    )


def clicks_needed(
    ious: Sequence[npt.ArrayLike], threshold: float, max_clicks: int
) -> npt.NDArray[np.intp]:
    """Count the clicks until each object reaches an IoU.

    Parameters
    ----------
    ious : sequence of arrays
        IoU after each click, one array per object.
    threshold : float
        The IoU to reach.
    max_clicks : int
        What an object counts that never reaches it.

    Returns
    -------
    array (len(ious),) of int
    """
    needed = []
    for values in ious:
        # compared in the precision of the values, as the reference does
        curve = np.asarray(values)
        reached = np.flatnonzero(curve >= curve.dtype.type(threshold))
        needed.append(int(reached[0]) + 1 if reached.size else max_clicks)
    return np.array(needed, dtype=np.intp)


def value_after(
    curve: Sequence[float] | npt.NDArray[np.floating], clicks: int
) -> float:
    """Value of a curve after so many clicks; its last one where it ended earlier."""
    return float(curve[min(clicks, len(curve)) - 1])


def noc(ious: Sequence[npt.ArrayLike], threshold: float, max_clicks: int) -> float:
    """NoC: mean number of clicks to reach `threshold`; see :func:`clicks_needed`."""
    return float(clicks_needed(ious, threshold, max_clicks).mean())


def nof(ious: Sequence[npt.ArrayLike], threshold: float, max_clicks: int) -> int:
    """NoF: number of objects that need `max_clicks` or never reach `threshold`.

    Success exactly at the last click counts as a failure, as in the reference.
    """
    return int((clicks_needed(ious, threshold, max_clicks) == max_clicks).sum())


def _ratio(wanted: npt.NDArray[np.bool_], found: npt.NDArray[np.bool_]) -> float:
    union = np.count_nonzero(wanted | found)
    return float(np.count_nonzero(wanted & found) / union) if union else 1.0


def _band_inside(mask: npt.NDArray[np.bool_], width: int) -> npt.NDArray[np.bool_]:
    """Pixels of `mask` that `width` erosions by 3x3 would remove."""
    depth = distance_transform_cdt(np.pad(mask, 1), metric="chessboard")[1:-1, 1:-1]
    band: npt.NDArray[np.bool_] = mask & (depth <= width)
    return band
