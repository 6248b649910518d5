"""What the preview layer shows: one mask per plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_segnext.core.regions import joined_region
from napari_segnext.session.pixels import PlaneMask

if TYPE_CHECKING:
    import numpy.typing as npt
    from napari.layers import Labels

    from napari_segnext.core.regions import Region
    from napari_segnext.session.board import Board
    from napari_segnext.session.planes import PlaneKey

__all__ = ["Preview"]


class Preview:
    """The masks on show, and the layer that shows them.

    Parameters
    ----------
    board : Board
        Owns the layer.
    """

    def __init__(self, board: Board) -> None:
        self._board = board
        self._masks: dict[PlaneKey, PlaneMask] = {}
        self.revision = 0  # rises with every change

    @property
    def masks(self) -> dict[PlaneKey, PlaneMask]:
        """The masks that are not empty, by plane; a copy."""
        return dict(self._masks)

    def show(self, masks: dict[PlaneKey, PlaneMask]) -> bool:
        """Show `masks` on their planes, leaving the other planes as they are.

        Returns
        -------
        bool
            Whether the layer had to be changed.
        """
        changed = {
            plane: self._masks.get(plane, PlaneMask())
            for plane, mask in masks.items()
            if self._masks.get(plane, PlaneMask()) != mask
        }
        for plane in changed:
            self._masks.pop(plane, None)
            if masks[plane]:
                self._masks[plane] = masks[plane]
        if not changed:
            return False
        self.revision += 1
        layer = self._layer()
        self._draw(layer, changed)
        if any(self._is_seen(plane) for plane in changed):
            layer.refresh()
        return True

    def _is_seen(self, plane: PlaneKey) -> bool:
        """Whether anything of a plane is on display; what is not napari reads later."""
        shown = self._board.plane
        is_parallel = shown is not None and shown.displayed == plane.displayed
        return (
            not is_parallel or plane == shown or self._board.viewer.dims.ndisplay == 3
        )

    def forget(self) -> None:
        """Forget all masks, without touching the layer."""
        self._masks.clear()

    def read(self, plane: PlaneKey, region: Region | None) -> npt.NDArray[np.bool_]:
        """Return a region of a plane as it is on show, bool."""
        height, width = plane.shape_in(self._board.shape)
        if region is None:
            region = (0, 0, height, width)
        row0, col0 = max(region[0], 0), max(region[1], 0)
        row1 = max(row0, min(region[2], height))
        col1 = max(col0, min(region[3], width))
        data = self._layer().data
        crop = np.asarray(data[plane.region_slices((row0, col0, row1, col1))])
        return crop.astype(bool)

    def _layer(self) -> Labels:
        """Return the layer; all is drawn anew where somebody gave it other data."""
        layer = self._board.labels("preview")
        data = layer.data
        if (tuple(data.shape), data.dtype) != (self._board.shape, np.uint8):
            layer.data = np.zeros(self._board.shape, np.uint8)
            self._draw(layer, dict.fromkeys(self._masks, PlaneMask()))
            layer.refresh()
        return layer

    def _draw(self, layer: Labels, changed: dict[PlaneKey, PlaneMask]) -> None:
        """Draw planes, of which is known what was drawn there before."""
        crossing = {
            axes: [key for key in self._masks if key.displayed != axes]
            for axes in {plane.displayed for plane in changed}
        }
        for plane, before in changed.items():
            after = self._masks.get(plane, PlaneMask())
            region = joined_region([before.region, after.region])
            drawn = self._drawn(plane, region, crossing[plane.displayed])
            layer.data[plane.region_slices(region)] = drawn

    def _drawn(
        self, plane: PlaneKey, region: Region, crossing: list[PlaneKey]
    ) -> npt.NDArray[np.uint8]:
        """Draw the plane's own mask, and lines of those that cross it."""
        row0, col0, row1, col1 = region
        result = np.zeros((row1 - row0, col1 - col0), np.uint8)
        own = self._masks.get(plane)
        if own is not None:  # the region covers it
            top, left, bottom, right = own.region
            here = result[top - row0 : bottom - row0, left - col0 : right - col0]
            crop = own.crop
            here[crop] = own.values[crop]
        for key in crossing:
            mask = self._masks[key]
            crop = mask.crop
            pixels = key.coordinates_of(mask.region, crop)
            inside = _is_in(pixels, plane, region)
            rows, cols = (pixels[axis][inside] for axis in plane.displayed)
            result[rows - row0, cols - col0] = mask.values[crop][inside]
        return result


def _is_in(
    pixels: tuple[npt.NDArray[np.intp], ...], plane: PlaneKey, region: Region
) -> npt.NDArray[np.bool_]:
    """Which of the pixels at D index arrays lie in a region of a plane."""
    rows, cols = (pixels[axis] for axis in plane.displayed)
    inside = (rows >= region[0]) & (rows < region[2])
    inside &= (cols >= region[1]) & (cols < region[3])
    for axis, position in zip(plane.fixed, plane.index, strict=True):
        inside &= pixels[axis] == position
    return inside
