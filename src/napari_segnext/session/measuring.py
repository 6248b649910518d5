"""How large a pixel is, how far apart slices are: from a layer's scale and units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_segnext.session.planes import Affine, shape_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from napari.layers import Image

__all__ = ["pixel_size", "slice_axis", "spacing", "time_axes"]

_TIME_LABELS = ("t", "time")
_POWERS = {2: "²", 3: "³"}


def time_axes(image: Image) -> tuple[int, ...]:
    """Return the axes of an image along which objects are not measured, as time.

    Those in another kind of unit than its columns, those that are labelled so, and what
    comes before the last three others. The last two axes never are.
    """
    units = [unit.dimensionality for unit in image.units]
    labels = [str(label).lower() for label in image.axis_labels]
    times = [
        axis
        for axis in range(image.ndim - 2)
        if units[axis] != units[-1] or labels[axis] in _TIME_LABELS
    ]
    space = [axis for axis in range(image.ndim) if axis not in times]
    return tuple(sorted(times + space[:-3]))


def slice_axis(image: Image, axes: Sequence[int]) -> int:
    """Return which of several axes has the slices: the last one that is not time.

    One along which there is a single slice only if all are so.
    """
    shape, times = shape_of(image), time_axes(image)
    return max(axes, key=lambda axis: (shape[axis] > 1, axis not in times, axis))


def pixel_size(image: Image) -> tuple[float, str]:
    """Volume of a pixel (area, of a plane) without its time axes, and the unit.

    Axes in other units than the last one, as nanometres beside micrometres, are
    converted to that. A scale without a unit counts, and leaves the size without one.
    """
    times = time_axes(image)
    space = [axis for axis in range(image.ndim) if axis not in times]
    steps = _steps(image)[:, space]
    unit = image.units[-1]
    size = float(np.linalg.det(steps.T @ steps)) ** 0.5
    name = f"{unit:~P}"
    if name in ("", "pixel"):
        if not np.allclose(np.linalg.norm(steps, axis=0), 1):
            return size, ""
        name = "px"
    return size, f"{name}{_POWERS[len(space)]}"


def spacing(image: Image, axis: int, displayed: tuple[int, int]) -> float:
    """Distance of two slices along an axis over the size of a pixel on them.

    1 along time, where nothing says how far apart the slices are.
    """
    if axis in time_axes(image):
        return 1.0
    steps = _steps(image)
    plane = steps[:, list(displayed)]
    pixel = float(np.linalg.det(plane.T @ plane)) ** 0.25
    return float(np.linalg.norm(steps[:, axis])) / pixel


def _steps(image: Image) -> npt.NDArray[np.float64]:
    """Return the way (D, D) that a step along each data axis goes, in one unit."""
    unit = image.units[-1]
    matrix = np.array(Affine.data_to_world(image).matrix)
    for axis in range(image.ndim):
        if image.units[axis].dimensionality == unit.dimensionality:
            matrix[axis] *= float((1 * image.units[axis]).to(unit).magnitude)
    return matrix
