"""How many slices and pixels every accepted object has; follows the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segnext.session.found import parts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    import numpy.typing as npt

    from napari_segnext.session.acts import Act
    from napari_segnext.session.found import Found

    Size = tuple[int, float]

__all__ = ["Sizes", "measured", "sizes_of"]

_MOST_ONE_BY_ONE = 100  # from there on one look at everything is quicker


class Sizes:
    """Sizes of the objects of a target, measured again where acts changed pixels."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._acts: Sequence[Act] = []
        self._sizes: dict[int, Size] = {}

    def read(
        self,
        data: Any,
        labels: Collection[int],
        find: Callable[[int], Found],
        acts: Sequence[Act],
        axes: tuple[int, int],
        times: tuple[int, ...],
    ) -> dict[int, Size]:
        """Return slices and pixels a time point by label.

        Parameters
        ----------
        data : array
            Of the target.
        labels : collection of int
            The labels in it.
        find : callable
            Finds one of them.
        acts : sequence of Act
            What was done, oldest first.
        axes : (int, int)
            The axes on display.
        times : tuple of int
            The time axes.
        """
        done = [act for act in acts if act.pixels is not None]
        key = (id(data), axes, times)
        if key == self._key:
            stale = self._touched(done)
        else:
            self._sizes, stale = {}, set()
        for label in stale | (set(self._sizes) - set(labels)):
            self._sizes.pop(label, None)
        missing = [label for label in labels if label not in self._sizes]
        if len(missing) > _MOST_ONE_BY_ONE:
            everything = sizes_of(data, axes, times)
            self._sizes = {label: everything.get(label, (0, 0.0)) for label in labels}
        else:
            for label in missing:
                self._sizes[label] = measured(find(label).coordinates, axes, times)
        self._key, self._acts = key, done
        return self._sizes

    def _touched(self, done: Sequence[Act]) -> set[int]:
        """Return the labels of which acts that came or went changed pixels."""
        same = 0
        for before, after in zip(self._acts, done, strict=False):
            if before is not after:
                break
            same += 1
        touched: set[int] = set()
        for act in [*self._acts[same:], *done[same:]]:
            if act.pixels is not None:
                for values in (act.pixels.before, act.pixels.after):
                    touched.update(np.unique(values).tolist())
        return touched


def measured(
    coordinates: Sequence[npt.NDArray[np.intp]],
    axes: tuple[int, int],
    times: tuple[int, ...],
) -> Size:
    """Count slices and pixels a time point of the pixels at D index arrays."""
    pixels = len(coordinates[0])
    fixed = [axis for axis in range(len(coordinates)) if axis not in axes]
    slices = _count([coordinates[axis] for axis in fixed], pixels)
    points = _count([coordinates[axis] for axis in times], pixels)
    return slices, pixels / max(points, 1)


def sizes_of(
    data: Any, axes: tuple[int, int], times: tuple[int, ...]
) -> dict[int, Size]:
    """Measure all objects of an array, part by part along its first axis."""
    fixed = tuple(axis for axis in range(data.ndim) if axis not in axes)
    pixels: dict[int, int] = {}
    slices: dict[int, set[int]] = {}
    points: dict[int, set[int]] = {}
    for index, part in enumerate(parts_of(data)):
        plane = np.asarray(part)
        where = np.nonzero(plane)
        if not len(where[0]):
            continue
        values = plane[where]
        if data.ndim > 2:
            where = (np.full(len(values), index), *where)
        for label, count in zip(*np.unique(values, return_counts=True), strict=True):
            pixels[int(label)] = pixels.get(int(label), 0) + int(count)
        _collect(slices, values, where, fixed, data.shape)
        _collect(points, values, where, times, data.shape)
    return {
        label: (len(slices[label]), count / max(len(points[label]), 1))
        for label, count in pixels.items()
    }


def _collect(
    places: dict[int, set[int]],
    values: npt.NDArray[Any],
    where: Sequence[npt.NDArray[np.intp]],
    axes: tuple[int, ...],
    shape: tuple[int, ...],
) -> None:
    """Note for every label at which positions along some axes it is."""
    flat = np.zeros(len(values), np.intp)
    for axis in axes:
        flat = flat * shape[axis] + where[axis]
    kinds, number = np.unique(values, return_inverse=True)
    room = int(flat.max()) + 1
    pairs = np.unique(number.astype(np.int64) * room + flat)
    for pair in pairs.tolist():
        label = int(kinds[pair // room])
        places.setdefault(label, set()).add(pair % room)


def _count(positions: list[npt.NDArray[np.intp]], pixels: int) -> int:
    """How many different positions there are; one where there are no axes."""
    if not pixels:
        return 0
    if not positions:
        return 1
    shape = tuple(int(axis.max()) + 1 for axis in positions)
    return len(np.unique(np.ravel_multi_index(tuple(positions), shape)))
