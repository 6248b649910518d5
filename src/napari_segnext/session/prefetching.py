"""A session that encodes ahead what the user is likely to look at next.

While the worker has nothing to do and an object is open, the slices on both sides of
the displayed one are encoded where the object is, those in the direction of the last
slider move first. Nobody waits for that, any request goes first, and what fails is not
told: the click that meets the same failure tells.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from napari_segnext.errors import Cancelled
from napari_segnext.session.features import Ahead, CacheInfo, middle_of
from napari_segnext.session.following import Following

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from types import EllipsisType

    from napari_segnext.session.engine import Engine
    from napari_segnext.session.planes import PlaneKey
    from napari_segnext.session.state import OpenObject

__all__ = ["Prefetching"]

_REACH = 4  # slices on each side


class Prefetching(Following):
    """The part of `Session` that knows the cache of features; see there."""

    _heading: tuple[int, int] | None = None  # axis and direction of the last move
    _planned: tuple[object, ...] = ()
    _interrupted: threading.Event | None = None
    _is_warm = False

    @property
    def cache(self) -> CacheInfo:
        """What encoded slices take in memory and on disk, and what they may take."""
        return self._engine.planes.info

    def set_cache(
        self,
        memory_budget: int | None = None,
        disk_budget: int | None = None,
        folder: str | os.PathLike[str] | EllipsisType | None = ...,
    ) -> None:
        """Change where encoded slices are kept, and how many of them.

        Answers never depend on it, only how soon they come.

        Parameters
        ----------
        memory_budget, disk_budget : int, optional
            Bytes; None leaves a budget as it is.
        folder : path or None
            Where on disk, shared with other sessions; None keeps nothing there. By
            default as it is: a folder of the user's cache folder.

        Raises
        ------
        SegNextError
            If a budget is no number of bytes, or the folder cannot be written.
        """
        self._check_open()
        self._engine.planes.set(memory_budget, disk_budget, folder)
        self._planned = ()
        self._update()

    def _look(self) -> None:
        before = self._plane
        super()._look()
        after = self._plane
        if before is None or after is None or before.displayed != after.displayed:
            return
        moves = [
            (axis, new - old)
            for axis, old, new in zip(
                after.fixed, before.index, after.index, strict=True
            )
            if new != old
        ]
        if moves:
            axis, step = moves[-1]
            self._heading = axis, 1 if step > 0 else -1

    def _update(self) -> None:
        super()._update()
        if not self._closed and self._worker.is_idle:
            self._look_ahead()

    def _look_ahead(self) -> None:
        """Plan what is to be encoded ahead, unless that is planned or done already."""
        wanted = self._wanted_ahead()
        if wanted is None:
            if not self._is_warm and self._model_state == "ready":
                self._is_warm = True
                self._worker.spare(self._engine.planes.warm)
            elif self._planned:
                self._planned = ()
                self._worker.spare(None)
            return
        entry = self._history.entry(wanted.origin)
        plan = (
            wanted.source.version,
            wanted.origin,
            wanted.near,
            wanted.planes,
            wanted.in_use,
            entry and entry.number,
        )
        was_interrupted = self._interrupted is not None and self._interrupted.is_set()
        if plan != self._planned or was_interrupted:
            self._planned = plan
            self._interrupted = threading.Event()
            self._worker.spare(_job(self._engine, wanted, self._interrupted))

    def _wanted_ahead(self) -> Ahead | None:
        """Return what to encode ahead as things stand, or None."""
        plane, current = self._plane, self._history.state.object
        if (
            plane is None
            or not plane.index
            or self._model_state != "ready"
            or self._viewer.dims.ndisplay != 2
            or not self._image.visible
        ):
            return None
        known = [
            other
            for other, state in current.planes.items()
            if other.displayed == plane.displayed and (state.prompts or state.stored)
        ]
        if not known:
            return None
        origin = min(known, key=lambda other: _distance(other, plane))
        neighbours = self._neighbours(plane)
        return Ahead(
            self._source,
            origin,
            self._place(current, origin),
            (plane, *neighbours),
            tuple(other for other in known if current.prompts(other)),
        )

    def _neighbours(self, plane: PlaneKey) -> list[PlaneKey]:
        """Return the planes beside `plane`, those that are likely to be next first."""
        axis, direction = plane.fixed[-1], 1
        if self._heading is not None and self._heading[0] in plane.fixed:
            axis, direction = self._heading
        here = plane.index[plane.fixed.index(axis)]
        neighbours = [
            plane.at(axis, here + sign * step)
            for sign in (direction, -direction)
            for step in range(1, _REACH + 1)
        ]
        return [other for other in neighbours if other.is_in(self._board.shape)]

    def _place(self, current: OpenObject, plane: PlaneKey) -> tuple[float, float]:
        """Return the middle of the object on a plane, inside of it."""
        mask = self._preview.masks.get(plane) or current.planes[plane].stored
        if mask:
            row0, col0, row1, col1 = mask.region
            return (row0 + row1 - 1) / 2, (col0 + col1 - 1) / 2
        row, col = middle_of(current.prompts(plane))
        height, width = plane.shape_in(self._board.shape)
        return min(max(row, 0.0), height - 1.0), min(max(col, 0.0), width - 1.0)

    def _close(self) -> None:
        super()._close()
        self._engine.planes.close()


def _distance(one: PlaneKey, other: PlaneKey) -> int:
    return sum(abs(a - b) for a, b in zip(one.index, other.index, strict=True))


def _job(
    engine: Engine, wanted: Ahead, interrupted: threading.Event
) -> Callable[[Callable[[], bool]], Any]:
    """Return the job that encodes ahead; it holds nothing of the session."""

    def ahead(should_stop: Callable[[], bool]) -> None:
        try:
            engine.ahead(wanted, should_stop)
        except Cancelled:
            interrupted.set()
            raise

    return ahead
