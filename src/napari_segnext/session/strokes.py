"""The scribble Labels layer <-> painted strokes and the mask prompt.

The layer means 1 object, 2 background, 3 rough mask. Each painted stroke is a prompt of
its own: what is there and was not there at the last look. A stroke that was painted
over or erased in part is cut down to what is left.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segnext.core.prompts import Mask, Prompts, Stroke
from napari_segnext.session.layers import (
    SCRIBBLE_MASK,
    SCRIBBLE_NEGATIVE,
    SCRIBBLE_POSITIVE,
)
from napari_segnext.session.planes import PlaneKey

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    Known = dict[PlaneKey, Prompts]

__all__ = ["draw_strokes", "paint_planes", "painted_planes", "read_strokes"]


def _value(stroke: Stroke) -> int:
    return SCRIBBLE_POSITIVE if stroke.positive else SCRIBBLE_NEGATIVE


def draw_strokes(
    known: Known, plane: PlaneKey, shape: tuple[int, int]
) -> npt.NDArray[np.uint8]:
    """Draw what the layer should hold on `plane`: masks, and strokes over them.

    Strokes on planes of another orientation that cross this one are included.
    """
    result = np.zeros(shape, np.uint8)
    crossing = [key for key in known if key.displayed != plane.displayed]
    for key in (*crossing, *([plane] if plane in known else [])):
        mask = known[key].mask
        if mask is not None:
            _draw(result, plane, key, mask, mask.crop_mask, SCRIBBLE_MASK)
        for stroke in known[key].strokes:
            _draw(result, plane, key, stroke, stroke.crop, _value(stroke))
    return result


def _draw(
    result: npt.NDArray[np.uint8],
    plane: PlaneKey,
    key: PlaneKey,
    prompt: Mask | Stroke,
    crop: npt.NDArray[np.bool_],
    value: int,
) -> None:
    if key == plane:
        row0, col0, row1, col1 = prompt.region
        result[row0:row1, col0:col1][crop] = value
    else:
        rows, cols = plane.pixels_on(key.coordinates_of(prompt.region, crop))
        result[rows, cols] = value


def paint_planes(data: Any, known: Known, planes: Iterable[PlaneKey]) -> list[PlaneKey]:
    """Write what `planes` should hold into the layer's array.

    Returns
    -------
    list of PlaneKey
        The planes that had to be changed.
    """
    changed = []
    for plane in planes:
        shape = plane.shape_in(data.shape)
        wanted = draw_strokes(known, plane, shape)
        if not np.array_equal(data[plane.slices], wanted):
            data[plane.slices] = wanted
            changed.append(plane)
    return changed


def read_strokes(data: Any, known: Known, plane: PlaneKey) -> Prompts:
    """Return the prompts on `plane` with strokes and mask as the layer has them.

    Parameters
    ----------
    data : array
        The layer's array.
    known : dict of PlaneKey to Prompts
        All prompts of the object as they were at the last look.
    plane : PlaneKey
        The plane to read.
    """
    before = known.get(plane, Prompts())
    actual = np.asarray(data[plane.slices])
    expected = draw_strokes(known, plane, plane.shape_in(data.shape))
    if np.array_equal(actual, expected):
        return before
    strokes = [_what_is_left(stroke, actual) for stroke in before.strokes]
    for value in (SCRIBBLE_POSITIVE, SCRIBBLE_NEGATIVE):
        painted = (actual == value) & (expected != value)
        if painted.any():
            strokes.append(Stroke.from_array(painted, value == SCRIBBLE_POSITIVE))
    return replace(
        before,
        strokes=tuple(stroke for stroke in strokes if stroke is not None),
        mask=_mask_left(before.mask, actual),
    )


def _what_is_left(stroke: Stroke, actual: npt.NDArray[Any]) -> Stroke | None:
    row0, col0, row1, col1 = stroke.region
    left = stroke.crop & (actual[row0:row1, col0:col1] == _value(stroke))
    if np.array_equal(left, stroke.crop):
        return stroke
    if not left.any():
        return None
    plane = np.zeros(actual.shape, bool)
    plane[row0:row1, col0:col1] = left
    return Stroke.from_array(plane, stroke.positive)


def _mask_left(mask: Mask | None, actual: npt.NDArray[Any]) -> Mask | None:
    drawn = actual == SCRIBBLE_MASK
    if mask is not None:
        hidden = (actual == SCRIBBLE_POSITIVE) | (actual == SCRIBBLE_NEGATIVE)
        wanted = np.zeros(actual.shape, bool)
        row0, col0, row1, col1 = mask.region
        wanted[row0:row1, col0:col1] = mask.crop_mask
        if np.array_equal(drawn, wanted & ~hidden):
            return mask
    return Mask.from_array(drawn) if drawn.any() else None


def painted_planes(atoms: Any, axes: tuple[int, int]) -> set[PlaneKey]:
    """Return the planes with `axes` that napari's undo atoms of a stroke touch."""
    planes: set[PlaneKey] = set()
    for where, *_ in atoms:
        fixed = [axis for axis in range(len(where)) if axis not in axes]
        # napari names pixels by a tuple of slices, or by one of index arrays
        if all(isinstance(item, slice) for item in where):
            ranges = [range(where[axis].start, where[axis].stop) for axis in fixed]
            planes |= {PlaneKey(index, axes) for index in product(*ranges)}
        else:
            arrays = np.broadcast_arrays(*where)
            indices = set(zip(*(arrays[axis].flat for axis in fixed), strict=True))
            planes |= {PlaneKey(index, axes) for index in indices or {()}}
    return planes
