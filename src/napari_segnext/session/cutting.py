"""Cut accepted objects by drawing lines over them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Shapes

from napari_segnext.errors import PromptError, SegNextError
from napari_segnext.session.objects import Objects
from napari_segnext.session.planes import Affine

if TYPE_CHECKING:
    import numpy.typing as npt
    from napari.layers import Layer

    FloatArray = npt.NDArray[np.float64]

__all__ = ["Cutting"]


class Cutting(Objects):
    """The part of `Session` with the tool that cuts; see there.

    A line drawn with it splits the object that it crosses, and goes with its layer.
    """

    # tool, shape and active layer to go back to
    _before_cut: tuple[str | None, str | None, Layer | None] = (None, None, None)

    def activate(self, tool: str, shape: str | None = None) -> None:
        """Make the layer of a tool active, in the mode to use it.

        Parameters
        ----------
        tool : {"point", "box", "polygon", "scribble", "mask", "cut"}
            The prompt to draw. "cut": a line across an accepted object splits it, and
            the tool before is active again.
        shape : {"lasso", "path"}, optional
            "lasso" draws polygons freehand, "path" draws scribbles and cuts as lines
            of many vertices.

        Raises
        ------
        PromptError
            If there is no such tool.
        LayerError
            If the session is closed.
        """
        if tool == "cut" and self._tool != "cut":
            active = self._viewer.layers.selection.active
            before = (self._tool, self._tool_shape, active)
            super().activate(tool, shape)
            self._before_cut = before
            self._complaint = ""
            return
        super().activate(tool, shape)
        if tool != "cut":
            self._board.drop("cuts")

    def stop_cutting(self) -> str | None:
        """Go back to the tool that was active before "cut"; harmless without it.

        Returns
        -------
        str or None
            The tool that is active now, as `tool`.
        """
        self._sync()
        if self._tool == "cut":
            self._put_knife_away()
        return self._tool

    def _sync(self) -> None:
        super()._sync()
        if self._tool != "cut" or self._board.is_being_drawn("cuts"):
            return
        if not self._board.has("cuts"):  # deleted by the user
            self._put_knife_away()
        elif "cuts" in self._board.dirty:
            self._look_at_cuts()

    def _look_at_cuts(self) -> None:
        layer = self._board.get("cuts")
        self._board.dirty.discard("cuts")
        if not isinstance(layer, Shapes) or not layer.data:
            return
        to_image = Affine.between(layer, self._image)
        lines = [to_image(vertices) for vertices in layer.data]
        self._put_knife_away()
        for line in lines:
            try:
                self._cut_along(line)
            except SegNextError as error:
                self._complain(str(error))
        self._update()

    def _put_knife_away(self) -> None:
        """Go back to the tool that was active before, and drop the line's layer."""
        tool, shape, active = self._before_cut
        self._tool = self._tool_shape = None
        self._board.drop("cuts")
        if tool is not None:
            self.activate(tool, shape)
        elif active is not None and active in self._viewer.layers:
            self._viewer.layers.selection.active = active
        self._update()

    def _cut_along(self, line: FloatArray) -> None:
        """Split the object of which most is under the line and which it cuts in two."""
        labels = self._labels_under(line)
        if not labels:
            raise PromptError(
                "The line crosses no accepted object; draw it across one, from side "
                "to side."
            )
        first_error: SegNextError | None = None
        for label in labels:
            try:
                self.split(label, line.tolist())
            except SegNextError as error:
                first_error = first_error or error
            else:
                return
        if first_error is not None:
            raise first_error

    def _labels_under(self, line: FloatArray) -> list[int]:
        """Return the labels of the target under a line, the most crossed one first."""
        from skimage.draw import line as pixels_between

        plane, flat = self._placed(line.tolist())
        if not plane.is_in(self._board.shape):
            return []
        labels = np.asarray(self._target.layer.data[plane.slices])
        corners = np.round(flat).astype(int)
        parts = [
            np.stack(pixels_between(*start, *end), axis=1)
            for start, end in pairwise(corners)
        ]
        pixels = np.unique(np.concatenate(parts), axis=0)
        pixels = pixels[((pixels >= 0) & (pixels < labels.shape)).all(axis=1)]
        found, counts = np.unique(labels[tuple(pixels.T)], return_counts=True)
        order = np.argsort(-counts, kind="stable")
        return [int(label) for label in found[order] if label]
