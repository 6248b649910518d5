"""The target: written in undo steps, watched for changes from outside."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segnext.errors import LayerError
from napari_segnext.session.acts import TargetEdited
from napari_segnext.session.bulk import write_in_bulk
from napari_segnext.session.compose import check_change, write
from napari_segnext.session.found import find, parts_of, spans_of
from napari_segnext.session.outside import (
    Likeness,
    changed_by_assignment,
    changed_on_plane,
    changed_pixels,
    painted_pixels,
)
from napari_segnext.session.planes import PlaneKey

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt
    from napari.layers import Labels

    from napari_segnext.session.board import Board
    from napari_segnext.session.found import Found
    from napari_segnext.session.pixels import PixelChange

    Spans = dict[int, tuple[int, int]]

__all__ = ["Target"]

# where more labels go at once, all are counted anew
_MOST_LOOKED_FOR = 16
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
        self._data: Any = None  # the layer's array when it was looked at
        self._spans: Spans | None = None
        self._likeness = Likeness()

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

    def check_shape(self) -> None:
        """Check that the layer has the image's shape still.

        Raises
        ------
        LayerError
            If not.
        """
        layer = self.layer
        if tuple(layer.data.shape) != self._board.shape:
            raise LayerError(
                f"The labels {layer.name!r} now have shape {tuple(layer.data.shape)} "
                f"instead of {self._board.shape}; give them the image's shape again, "
                "or delete the layer to get a new one."
            )

    def write(self, change: PixelChange | None, in_bulk: bool = False) -> None:
        """Write `change` in one undo step of napari's.

        What is in bulk, or very much, is no step of napari's; then its own undo history
        would be about a layer that was another, and is cleared.

        Raises
        ------
        LayerError
            If the layer cannot be written, or is being painted. It is as it was then,
            but where it refuses that, too; what stays is an act of its own.
        """
        if change is not None and change:
            check_change(self.layer, change)
            self._check_not_painted()
            try:
                self._write(change, in_bulk or len(change) > _MOST_BY_NAPARI)
            except Exception as error:  # files and networks raise nearly anything
                problem = (
                    f"The labels {self.layer.name!r} cannot be written "
                    f"({type(error).__name__}: {error})"
                )
                if self._put_back(change):
                    raise LayerError(
                        f"{problem}; make room, or check where they are kept, and do "
                        "it again."
                    ) from error
                raise LayerError(
                    f"{problem}, and a part may stay that could not be put back; make "
                    "room, or check where they are kept, then undo takes it back."
                ) from error
        self.accept_as_is()

    def _write(self, change: PixelChange, in_bulk: bool) -> None:
        if in_bulk:
            write_in_bulk(self.layer.data, change)
            _clear_undo_history(self.layer)
            self.layer.refresh()
            self._spans = None
        elif write(self.layer, change):
            self._count(change)
        else:
            self._spans = None

    def _check_not_painted(self) -> None:
        if self._board.is_being_painted("target"):
            raise LayerError(
                f"The labels {self.layer.name!r} are being painted; end the stroke, "
                "then do it again."
            )

    def _put_back(self, change: PixelChange) -> bool:
        """Undo what was written of a change before the rest was refused.

        Where that is refused, too, what stays will be seen as if it was painted.

        Returns
        -------
        bool
            Whether the layer is as it was.
        """
        is_back = False
        with suppress(Exception):
            write_in_bulk(self.layer.data, change.inverse())
            is_back = True
        self._spans = None
        self.layer.refresh()
        self.accept_as_is()
        if not is_back:
            atom = change.coordinates, change.before, change.after
            self._board.target_atoms.append(atom)
            self._board.dirty.add("target")
        return is_back

    def accept_as_is(self) -> None:
        """Take what the layer holds now as what it should hold."""
        self.look_at(self._plane)
        self._take_events()

    def _take_events(self) -> tuple[set[str], list[Any]]:
        """Return what napari told since this was called last, and forget it."""
        board = self._board
        events, atoms = board.target_events, board.target_atoms
        board.target_events, board.target_atoms = set(), []
        board.dirty.discard("target")
        return events, atoms

    def look_at(self, plane: PlaneKey | None) -> None:
        """Remember what the layer holds on `plane` now."""
        self._plane = plane
        self._expected = None
        self._data = self.layer.data
        if plane is not None and plane.is_in(self._data.shape):
            self._expected = np.array(self._data[plane.slices])

    def forget(self) -> None:
        """Forget a layer that was removed."""
        self._plane = self._expected = self._data = self._spans = None

    def edited(self, layer: Labels | None = None) -> TargetEdited | None:
        """Return what was changed from outside since the last look, as an act.

        What was painted, and another array in the place of the one before, is known on
        all planes; what else was written into the array, on the one on display.

        Parameters
        ----------
        layer : Labels, optional
            The one to look at, where it was removed from the viewer since.
        """
        events, atoms = self._take_events()
        plane, expected = self._plane, self._expected
        data = (self.layer if layer is None else layer).data
        # where nothing but another slice is on display, most likely nothing changed
        is_still_there = self._board.plane == plane
        if "data" in events or ("set_data" in events and is_still_there):
            self._spans = None
        parts = []
        if plane is not None and expected is not None:
            found = (
                changed_on_plane(data, plane, expected) if _has(data, plane) else None
            )
            if found is None:
                self.look_at(plane)
            else:
                parts.append(found)
        if "data" not in events:
            parts += painted_pixels(atoms)
        else:
            found = changed_by_assignment(self._data, data, _MOST_BY_NAPARI)
            parts += [] if found is None else [found]
        change = changed_pixels(data, parts)
        if not change:
            return None
        if layer is None:
            self._count(change)
            self.look_at(plane)
        return TargetEdited(self.plane_of(change), change)

    def plane_of(self, change: PixelChange) -> PlaneKey:
        """Return the plane on display if `change` is there too, or one where it is."""
        where = change.coordinates
        if self._plane is not None and self._plane.pixels_on(where)[0].size:
            return self._plane
        axes = self._board.axes
        fixed = [axis for axis in range(len(where)) if axis not in axes]
        return PlaneKey(tuple(int(where[axis][0]) for axis in fixed), axes)

    def found(
        self, edit: TargetEdited | None, changes: Iterable[tuple[PixelChange, bool]]
    ) -> int | None:
        """Tell which of several changes somebody else did, or took back.

        All pixels of it have their value after (or before) it, and the edit that is
        seen, if any, touches no others. Of several, the one of most pixels: the others
        are a part of it, or are in it by chance.

        Parameters
        ----------
        edit : TargetEdited or None
            What `edited` found.
        changes : iterable of (PixelChange, bool)
            Changes, and whether they would have been taken back.

        Returns
        -------
        int or None
            Which of them.
        """
        seen = None if edit is None else edit.pixels
        listed = list(changes)
        sizes = {
            index: len(change)
            for index, (change, undone) in enumerate(listed)
            if self._likeness.has_become(self.layer.data, change, seen, undone)
        }
        if not sizes:
            return None
        best = max(sizes, key=lambda index: sizes[index])
        self._spans = None  # it may have been several steps, and one was recognised
        return best

    def taken_back(self, change: PixelChange) -> TargetEdited:
        """Return the act of somebody who took `change` back."""
        return TargetEdited(self.plane_of(change), change.inverse())


def _has(data: Any, plane: PlaneKey) -> bool:
    return plane.is_in(data.shape)


def _clear_undo_history(layer: Labels) -> None:
    """Make napari forget its own undo steps of a layer.

    It does so when a layer is locked, and leaves the mode then.
    """
    mode = layer.mode
    layer.editable = False
    layer.editable = True
    layer.mode = mode
