"""Where an object is in a Labels layer: its bounding box and its pixels there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segnext.session.pixels import PixelChange, PlaneMask
from napari_segnext.session.planes import PlaneKey

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from napari_segnext.session.pixels import Coordinates

__all__ = ["Found", "find", "parts_of", "spans_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The pixels of an object, inside their bounding box.

    Parameters
    ----------
    shape : tuple of int
        Shape of the whole array.
    offset : tuple of int
        First corner of the box.
    mask : array of bool
        The object in the box; of no size where there is no pixel.
    """

    shape: tuple[int, ...]
    offset: tuple[int, ...]
    mask: npt.NDArray[np.bool_]

    def __bool__(self) -> bool:
        """Whether there is any pixel."""
        return bool(self.mask.size)

    @property
    def coordinates(self) -> Coordinates:
        """D index arrays of the pixels in the whole array."""
        return self.placed(self.mask)

    def placed(self, mask: npt.NDArray[np.bool_]) -> Coordinates:
        """D index arrays, in the whole array, of the pixels of another mask of the box.

        Parameters
        ----------
        mask : array of bool
            Of the shape of the box.
        """
        inside = np.nonzero(mask)
        return tuple(
            axis + start for axis, start in zip(inside, self.offset, strict=True)
        )

    def change_to(self, label: int, value: int) -> PixelChange:
        """Return the change of all pixels from `label` to `value`."""
        return PixelChange.from_arrays(self.shape, self.coordinates, label, value)

    def keys(self, axes: tuple[int, int]) -> Iterator[PlaneKey]:
        """Planes with `axes` on which the object has pixels, in order."""
        if not self:
            return
        for inside in np.argwhere(self.mask.any(axis=axes)):
            fixed = [axis for axis in range(len(self.shape)) if axis not in axes]
            start = [self.offset[axis] for axis in fixed]
            yield PlaneKey(tuple(int(value) for value in inside + start), axes)

    def on_plane(self, plane: PlaneKey) -> PlaneMask:
        """Return the object's pixels on a plane."""
        index: list[int | slice] = [slice(None)] * len(self.shape)
        for axis, position in zip(plane.fixed, plane.index, strict=True):
            inside = position - self.offset[axis]
            if not self or not 0 <= inside < self.mask.shape[axis]:
                return PlaneMask()
            index[axis] = inside
        crop = self.mask[tuple(index)]
        row, col = (self.offset[axis] for axis in plane.displayed)
        region = (row, col, row + crop.shape[0], col + crop.shape[1])
        return PlaneMask.from_crop(region, crop)


def parts_of(data: Any) -> Any:
    """Return an array's parts along its first axis; a plane is one part."""
    return data if data.ndim > 2 else [data]


def spans_of(data: Any) -> dict[int, tuple[int, int]]:
    """Find all labels of an array but 0, and the first and last part with each.

    Part by part, because sorting a whole stack takes time and memory.
    """
    spans: dict[int, tuple[int, int]] = {}
    for index, part in enumerate(parts_of(data)):
        labels = np.asarray(part)
        if not labels.any():  # far faster to see than to sort
            continue
        for value in np.unique(labels):
            label = int(value)
            spans[label] = (spans.get(label, (index, index))[0], index)
    spans.pop(0, None)
    return spans


def find(data: Any, label: int, span: tuple[int, int]) -> Found:
    """Find an object; only the parts of `span` are looked at, each once.

    Parameters
    ----------
    data : array
        Numpy, zarr or similar.
    label : int
        What to look for.
    span : (int, int)
        First and last index along the first axis where it can be; any for a plane.
    """
    shape = tuple(int(size) for size in data.shape)
    is_plane = len(shape) == 2
    crops: dict[int, tuple[tuple[int, ...], npt.NDArray[np.bool_]]] = {}
    for index in range(1) if is_plane else range(span[0], span[1] + 1):
        own = np.asarray(data if is_plane else data[index]) == label
        box = _box(own)
        if box:
            crop = own[tuple(slice(start, stop) for start, stop in box)].copy()
            crops[index] = tuple(start for start, _ in box), crop
    if not crops:
        return Found(shape, (0,) * len(shape), np.zeros((0,) * len(shape), bool))
    if is_plane:
        return Found(shape, *crops[0])
    starts = np.array([start for start, _ in crops.values()])
    sizes = np.array([crop.shape for _, crop in crops.values()])
    low, high = starts.min(axis=0), (starts + sizes).max(axis=0)
    first, last = min(crops), max(crops)
    mask = np.zeros((last - first + 1, *(high - low)), bool)
    for index, (start, crop) in crops.items():
        corner = np.array(start) - low
        place = tuple(
            slice(int(a), int(a) + size)
            for a, size in zip(corner, crop.shape, strict=True)
        )
        mask[index - first][place] = crop
    return Found(shape, (first, *(int(value) for value in low)), mask)


def _box(mask: npt.NDArray[np.bool_]) -> tuple[tuple[int, int], ...]:
    """First and one past the last index with a pixel, by axis; () if there is none."""
    result = []
    for axis in range(mask.ndim):
        others = tuple(other for other in range(mask.ndim) if other != axis)
        hits = np.flatnonzero(mask.any(axis=others))
        if not hits.size:
            return ()
        result.append((int(hits[0]), int(hits[-1]) + 1))
    return tuple(result)
