"""The target: written in undo steps, watched for changes from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_segnext.session.acts import TargetEdited
from napari_segnext.session.bulk import write_in_bulk
from napari_segnext.session.compose import check_change, write
from napari_segnext.session.found import find, parts_of, spans_of
from napari_segnext.session.pixels import PixelChange, take

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt
    from napari.layers import Labels

    from napari_segnext.session.board import Board
    from napari_segnext.session.found import Found
    from napari_segnext.session.planes import PlaneKey

    Spans = dict[int, tuple[int, int]]

__all__ = ["Target"]

# where more labels go at once, all are counted anew
_MOST_LOOKED_FOR = 16
_SAMPLES = 64
# more pixels in one step would fill the memory with napari's undo history
_MOST_BY_NAPARI = 10_000_000


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
        self._spans: Spans | None = None

    @property
    def layer(self) -> Labels:
        """The layer, made if need be."""
        return self._board.labels("target")

    @property
    def labels(self) -> set[int]:
        """All labels in the layer but 0."""
        return set(self._known_spans)

    @property
    def _known_spans(self) -> Spans:
        if self._spans is None:
            self._spans = spans_of(self.layer.data)
        return self._spans

    def find(self, label: int) -> Found:
        """Find an object, looking only where it can be, and once."""
        data = self.layer.data
        found = find(data, label, self._known_spans.get(label, (0, -1)))
        if found and data.ndim > 2:
            first = found.offset[0]
            self._known_spans[label] = first, first + found.mask.shape[0] - 1
        return found

    def _count(self, change: PixelChange) -> None:
        """Keep account of the labels that a change brings and takes, and where."""
        spans = self._spans
        if spans is None or not change:
            return
        brought, where = np.unique(change.after, return_inverse=True)
        taken = {int(value) for value in np.unique(change.before)} - {0}
        taken -= {int(value) for value in brought}
        if len(taken) > _MOST_LOOKED_FOR:
            self._spans = None
            return
        is_plane = len(change.shape) == 2
        parts = np.zeros(len(where), int) if is_plane else change.coordinates[0]
        first = np.full(len(brought), np.iinfo(int).max)
        last = np.full(len(brought), -1)
        np.minimum.at(first, where, parts)
        np.maximum.at(last, where, parts)
        for value, low, high in zip(brought, first, last, strict=True):
            if value:
                old_low, old_high = spans.get(int(value), (int(low), int(high)))
                spans[int(value)] = min(old_low, int(low)), max(old_high, int(high))
        for label in taken & set(spans):
            if not self._is_there(label, spans[label]):
                del spans[label]

    def _is_there(self, label: int, span: tuple[int, int]) -> bool:
        parts = parts_of(self.layer.data)
        return any(
            (np.asarray(parts[index]) == label).any()
            for index in range(span[0], span[1] + 1)
        )

    def next_free(self, taken: Iterable[int] = ()) -> int:
        """Return a label that is not used, above all others where there is room.

        Where all are taken: one above all others, which `widen_target` makes room for.
        """
        used = self.labels | set(taken)
        label = max(used, default=0) + 1
        if label > np.iinfo(self.layer.data.dtype).max:
            gaps = (gap for gap in range(1, label) if gap not in used)
            label = next(gaps, label)
        return label

    def write(self, change: PixelChange | None, in_bulk: bool = False) -> None:
        """Write `change` in one undo step of napari's.

        What is in bulk, or very much, is no step of napari's; then its own undo history
        would be about a layer that was another, and is cleared.
        """
        if change is not None and change:
            if in_bulk or len(change) > _MOST_BY_NAPARI:
                check_change(self.layer, change)
                write_in_bulk(self.layer.data, change)
                _clear_undo_history(self.layer)
                self.layer.refresh()
                self._spans = None
            elif write(self.layer, change):
                self._count(change)
            else:
                self._spans = None
        self.accept_as_is()

    def accept_as_is(self) -> None:
        """Take what the layer holds now as what it should hold."""
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
        self._plane = self._expected = self._spans = None

    def edited(self, layer: Labels | None = None) -> TargetEdited | None:
        """Return what was changed from outside since the last look, as an act.

        Parameters
        ----------
        layer : Labels, optional
            The one to look at, where it was removed from the viewer since.
        """
        plane, expected = self._plane, self._expected
        self._board.dirty.discard("target")
        known, self._spans = self._spans, None  # what is not on display is not known
        if self._board.plane != plane and not self._board.target_painted:
            self._spans = known  # most likely nothing but another slice on display
        self._board.target_painted = False
        if plane is None or expected is None:
            return None
        data = (self.layer if layer is None else layer).data
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
        if layer is None:
            self._spans = known
            self._count(change)
            self.look_at(plane)
        return TargetEdited(plane, change)

    def have_become(
        self, edit: TargetEdited | None, changes: Iterable[PixelChange | None]
    ) -> int | None:
        """Tell which of several changes somebody else did exactly.

        All pixels of it have their value after it, and the edit that is seen on the
        plane on display, if any, touches no others. Of several, the one of most pixels:
        the others are a part of it, or are in it by chance.
        """
        sizes = {
            index: len(change)
            for index, change in enumerate(changes)
            if change is not None and self._has_become(edit, change)
        }
        return max(sizes, key=lambda index: sizes[index], default=None)

    def _has_become(self, edit: TargetEdited | None, change: PixelChange) -> bool:
        data = self.layer.data
        if not change or change.shape != tuple(data.shape):
            return False
        # most often it is nothing of the kind, and a few pixels tell
        where, after = change.sample(_SAMPLES)
        if not np.array_equal(take(data, where), after):
            return False
        if not np.array_equal(take(data, change.coordinates), change.after):
            return False
        if edit is None:
            return True
        flat = np.ravel_multi_index(change.coordinates, change.shape)
        touched = np.ravel_multi_index(edit.pixels.coordinates, change.shape)
        return bool(np.isin(touched, flat).all())


def _clear_undo_history(layer: Labels) -> None:
    """Make napari forget its own undo steps of a layer.

    It does so when a layer is locked, and leaves the mode then.
    """
    mode = layer.mode
    layer.editable = False
    layer.editable = True
    layer.mode = mode
