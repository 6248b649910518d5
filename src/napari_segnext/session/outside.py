"""What others did to the target: painting, filling, napari's own undo and redo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segnext.session.pixels import PixelChange, take

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from napari_segnext.session.pixels import Coordinates
    from napari_segnext.session.planes import PlaneKey

    Before = tuple[Coordinates, npt.NDArray[Any]]

__all__ = [
    "Likeness",
    "changed_by_assignment",
    "changed_on_plane",
    "changed_pixels",
    "painted_pixels",
]

_SAMPLES = 64
_MOST_KEPT = 16


def changed_on_plane(
    data: Any, plane: PlaneKey, expected: npt.NDArray[Any]
) -> Before | None:
    """Return where a plane differs from what was expected, and what was expected there.

    None if it has another shape.
    """
    actual = np.asarray(data[plane.slices])
    if actual.shape != expected.shape:
        return None
    changed = actual != expected
    return plane.coordinates_of((0, 0, *actual.shape), changed), expected[changed]


def changed_by_assignment(before: Any, after: Any, most: int) -> Before | None:
    """Return where an array differs from the one before it, and the values of that.

    None if nothing differs, or that is not to be known: they are one, or of other
    shapes, or not in memory, or differ in more pixels than `most`.
    """
    if (
        before is after
        or not (isinstance(before, np.ndarray) and isinstance(after, np.ndarray))
        or before.shape != after.shape
    ):
        return None
    found, count = [], 0
    for index in range(len(before)):
        inside = np.nonzero(before[index] != after[index])
        count += len(inside[0])
        if count > most:
            return None
        found.append((np.full(len(inside[0]), index), *inside))
    if not count:
        return None
    where = tuple(np.concatenate(axes) for axes in zip(*found, strict=True))
    return where, before[where]


def painted_pixels(atoms: Iterable[Any]) -> list[Before]:
    """Return the pixels of napari's undo atoms, and their values before.

    An atom is what napari's `paint` event carries: where, and the values before and
    after; where is a tuple of slices (with a mask or None after it) or of index arrays.
    """
    result: list[Before] = []
    for where, *rest in atoms:
        if not all(isinstance(item, slice) for item in where):
            arrays = np.broadcast_arrays(*where)
            before = np.broadcast_to(rest[0], arrays[0].shape)
            result.append((tuple(array.ravel() for array in arrays), before.ravel()))
            continue
        mask, before, _ = rest
        if mask is None:
            mask = np.ones([item.stop - item.start for item in where], bool)
        inside = np.nonzero(mask)
        pixels = tuple(
            axis + item.start for axis, item in zip(inside, where, strict=True)
        )
        result.append((pixels, np.asarray(before).ravel()))
    return result


def changed_pixels(data: Any, parts: list[Before]) -> PixelChange:
    """Return the change from the values before to those in `data` now.

    The first of `parts` that names a pixel tells its value before.
    """
    shape = tuple(int(size) for size in data.shape)
    if not parts:
        nothing = tuple(np.empty(0, np.intp) for _ in shape)
        return PixelChange.from_arrays(shape, nothing, 0, 0)
    where = tuple(
        np.concatenate(axes)
        for axes in zip(*(where for where, _ in parts), strict=True)
    )
    before = np.concatenate([values.astype(np.int64) for _, values in parts])
    return PixelChange.from_arrays(shape, where, before, take(data, where))


class Likeness:
    """Tells whether a change was done, or taken back, by somebody else.

    A few pixels of every change that was asked for are kept, because most often it is
    nothing of the kind, and the question comes with every other slice.
    """

    def __init__(self) -> None:
        self._samples: dict[PixelChange, PixelChange] = {}

    def has_become(
        self, data: Any, change: PixelChange, edit: PixelChange | None, undone: bool
    ) -> bool:
        """Whether `data` is as after `change`, or as before it where that is `undone`.

        Parameters
        ----------
        data : array
            The target's.
        change : PixelChange
            What may have been done or taken back.
        edit : PixelChange or None
            What is known to have changed; the change must explain all of it.
        undone : bool
            Which of the two is asked.
        """
        if change.shape != tuple(data.shape):
            return False
        sample = self._sample(change)
        if not sample or not _is(data, sample, undone) or not _is(data, change, undone):
            return False
        if edit is None:
            return True
        flat = np.ravel_multi_index(change.coordinates, change.shape)
        touched = np.ravel_multi_index(edit.coordinates, change.shape)
        return bool(np.isin(touched, flat).all())

    def _sample(self, change: PixelChange) -> PixelChange:
        if change not in self._samples:
            if len(self._samples) >= _MOST_KEPT:
                self._samples.clear()
            self._samples[change] = change.sample(_SAMPLES)
        return self._samples[change]


def _is(data: Any, change: PixelChange, undone: bool) -> bool:
    values = change.before if undone else change.after
    return np.array_equal(take(data, change.coordinates), values)
