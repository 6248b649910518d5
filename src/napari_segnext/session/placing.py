"""What the positions and planes that somebody names mean, and how to go there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from napari_segnext.errors import PromptError
from napari_segnext.session.following import Following
from napari_segnext.session.planes import (
    PlaneKey,
    go_to_plane,
    plane_of_points,
    varying_axes,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

__all__ = ["Placing"]


class Placing(Following):
    """The part of `Session` that knows where things are; see there."""

    def _positions(self, points: Sequence[Sequence[float]]) -> npt.NDArray[np.float64]:
        """Return data positions as an array (N, D) of one or more.

        Raises
        ------
        PromptError
            If they are none.
        """
        ndim = self._image.ndim
        try:
            rows = [np.asarray(point, float).ravel() for point in points]
        except (TypeError, ValueError) as error:
            raise PromptError(
                f"A position is numbers (..., y, x), not {points!r}."
            ) from error
        if not rows or any(len(row) != ndim for row in rows):
            raise PromptError(
                f"A position in this image is {ndim} numbers (..., y, x); "
                f"not {[len(row) for row in rows]}."
            )
        return np.stack(rows)

    def _placed(
        self, points: Sequence[Sequence[float]]
    ) -> tuple[PlaneKey, npt.NDArray[np.float64]]:
        """Find the plane on which data positions lie, and where (N, 2) on it."""
        positions = self._positions(points)
        axes = varying_axes(positions, self._board.axes)
        plane = plane_of_points(positions, axes)
        return plane, plane.drop(positions)

    def _shown_plane(self) -> PlaneKey:
        """Return the plane on display.

        Raises
        ------
        PromptError
            If there is none.
        """
        plane = self._board.plane
        if plane is None:
            raise PromptError(
                "The image has no slice at the sliders' place; move them onto it."
            )
        return plane

    def _named_plane(self, plane: PlaneKey | int | Sequence[int] | None) -> PlaneKey:
        """Return the plane that is meant; None: the displayed one.

        Raises
        ------
        PromptError
            If the image has no such plane.
        """
        if plane is None:
            return self._shown_plane()
        if not isinstance(plane, PlaneKey):
            index = tuple(plane) if isinstance(plane, Iterable) else (plane,)
            shape, axes = self._board.shape, self._board.axes
            sliders = tuple(axis for axis in range(len(shape)) if axis not in axes)
            if len(index) != len(sliders):
                raise PromptError(
                    f"Plane {plane!r} is not one of the image of shape {shape}; "
                    + (
                        f"give an index along each of the axes {sliders}."
                        if sliders
                        else "it has only one, so name none."
                    )
                )
            try:
                plane = PlaneKey(index, axes)
            except (TypeError, ValueError) as error:
                raise PromptError(
                    f"A plane is named by whole numbers, not {plane!r}; give its index."
                ) from error
        if not plane.is_in(self._board.shape):
            raise PromptError(
                f"The image of shape {self._board.shape} has no plane {plane.index}; "
                "name one that it has."
            )
        return plane

    def _go_to(self, planes: Sequence[PlaneKey]) -> None:
        """Move the sliders to the first of `planes`, unless one of them is shown."""
        if not planes or self._board.plane in planes:
            return
        go_to_plane(self._viewer.dims, self._image, planes[0])
        self._look()
