"""The target: written in undo steps, watched for changes from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_segnext.session.acts import TargetEdited
from napari_segnext.session.compose import write
from napari_segnext.session.pixels import PixelChange, take

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt
    from napari.layers import Labels

    from napari_segnext.session.board import Board
    from napari_segnext.session.planes import PlaneKey

__all__ = ["Target"]


class Target:
    """The target layer, and what the log expects of its plane on display.

    Parameters
    ----------
    board : Board
        Owns the layer.
    """

    def __init__(self, board: Board) -> None:
        self._board = board
        self._plane: PlaneKey | None = None
        self._expected: npt.NDArray[np.generic] | None = None
        self._labels: set[int] | None = None

    @property
    def layer(self) -> Labels:
        """The layer, made if need be."""
        return self._board.labels("target")

    @property
    def labels(self) -> set[int]:
        """All labels in the layer but 0."""
        if self._labels is None:
            data = self.layer.data
            # plane by plane, because sorting a whole stack takes time and memory
            parts = data if data.ndim > 2 else [data]
            found = {int(value) for part in parts for value in np.unique(part)}
            self._labels = found - {0}
        return set(self._labels)

    def _count(self, change: PixelChange) -> None:
        """Keep account of the labels that a change brings and takes."""
        if self._labels is None:
            return
        brought = {int(value) for value in np.unique(change.after)}
        taken = {int(value) for value in np.unique(change.before)} - brought - {0}
        self._labels |= brought - {0}
        self._labels -= {label for label in taken if not self._is_there(label)}

    def _is_there(self, label: int) -> bool:
        data = self.layer.data
        parts = data if data.ndim > 2 else [data]
        return any((np.asarray(part) == label).any() for part in parts)

    def next_free(self, taken: Iterable[int] = ()) -> int:
        """Return a label that is not used, above all others where there is room."""
        used = self.labels | set(taken)
        label = max(used, default=0) + 1
        if label > np.iinfo(self.layer.data.dtype).max:
            gaps = (gap for gap in range(1, label) if gap not in used)
            label = next(gaps, label)
        return label

    def write(self, change: PixelChange | None) -> None:
        """Write `change` in one undo step of napari's."""
        if change is not None and change:
            write(self.layer, change)
            self._count(change)
            self.look_at(self._plane)
        self._board.dirty.discard("target")
        self._board.target_painted = False

    def look_at(self, plane: PlaneKey | None) -> None:
        """Remember what the layer holds on `plane` now."""
        self._plane = plane
        self._expected = None
        if plane is not None and plane.is_in(self.layer.data.shape):
            self._expected = np.array(self.layer.data[plane.slices])

    def forget(self) -> None:
        """Forget a layer that was removed."""
        self._plane = self._expected = self._labels = None

    def edited(self) -> TargetEdited | None:
        """Return what was changed from outside since the last look, as an act."""
        plane, expected = self._plane, self._expected
        self._board.dirty.discard("target")
        known, self._labels = self._labels, None  # what is not on display is not known
        if self._board.plane != plane and not self._board.target_painted:
            self._labels = known  # most likely nothing but another slice on display
        self._board.target_painted = False
        if plane is None or expected is None:
            return None
        data = self.layer.data
        if not plane.is_in(data.shape):
            self.look_at(None)
            return None
        actual = np.asarray(data[plane.slices])
        if actual.shape != expected.shape:
            self.look_at(plane)
            return None
        rows, cols = np.nonzero(actual != expected)
        if not rows.size:
            return None
        here = plane.coordinates_of((0, 0, *actual.shape), actual != expected)
        change = PixelChange.from_arrays(
            data.shape, here, expected[rows, cols], actual[rows, cols]
        )
        self._labels = known
        self._count(change)
        self.look_at(plane)
        return TargetEdited(plane, change)

    def has_become(self, edit: TargetEdited | None, change: PixelChange | None) -> bool:
        """Whether somebody else did exactly `change`.

        True where all pixels of `change` have their value after it, and the edit that
        is seen on the plane on display, if any, touches no others.
        """
        data = self.layer.data
        if change is None or not change or change.shape != tuple(data.shape):
            return False
        if not np.array_equal(take(data, change.coordinates), change.after):
            return False
        if edit is None:
            return True
        flat = np.ravel_multi_index(change.coordinates, change.shape)
        touched = np.ravel_multi_index(edit.pixels.coordinates, change.shape)
        return bool(np.isin(touched, flat).all())
