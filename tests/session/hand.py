"""A mouse for viewers without a window: the events that napari's canvas would send."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.interactions import (
    mouse_double_click_callbacks,
    mouse_move_callbacks,
    mouse_press_callbacks,
    mouse_release_callbacks,
)
from wrapt import ObjectProxy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from napari.layers import Image

ZOOM = 10  # canvas pixels per data pixel: large against napari's thresholds

Position = tuple[float, ...]


class Hand:
    """Moves a mouse over data positions of an image; the active layer hears it.

    `keys` are the modifiers held down, as napari names them; change them any time.
    """

    def __init__(self, viewer: ViewerModel, image: Image, button: int = 1) -> None:
        self.viewer = viewer
        self.image = image
        self.button = button
        self.keys: tuple[str, ...] = ()
        self._is_down = False
        self._at: Position = ()

    def hover(self, at: Position) -> None:
        """Move without a button, as a mouse does before it is pressed."""
        self._send("mouse_move", mouse_move_callbacks, at)

    def press(self, at: Position) -> None:
        self._is_down = True
        self._send("mouse_press", mouse_press_callbacks, at)

    def drag(self, at: Position) -> None:
        self._send("mouse_move", mouse_move_callbacks, at)

    def release(self, at: Position | None = None) -> None:
        self._is_down = False
        self._send("mouse_release", mouse_release_callbacks, at or self._at)

    def click(self, at: Position) -> None:
        self.hover(at)
        self.press(at)
        self.release(at)

    def double_click(self, at: Position) -> None:
        """A click, and the second of two as Qt sends it."""
        self.click(at)
        self._send("mouse_double_click", mouse_double_click_callbacks, at)
        self.release(at)

    def draw(self, path: Sequence[Position], hover: bool = True) -> None:
        """Press at the first position, pass the others, release at the last."""
        if hover:
            self.hover(path[0])
        self.press(path[0])
        for at in path[1:]:
            self.drag(at)
        self.release(path[-1])

    def _send(self, kind: str, callbacks: Any, at: Position) -> None:
        self._at = at
        dims = self.viewer.dims
        event = SimpleNamespace(
            type=kind,
            position=tuple(np.asarray(self.image.data_to_world(at))),
            pos=np.array([at[axis] for axis in dims.displayed[::-1]]) * ZOOM,
            view_direction=None,
            up_direction=None,
            dims_displayed=list(dims.displayed),
            dims_point=list(dims.point),
            button=self.button,
            buttons=[self.button] if self._is_down else [],
            modifiers=self.keys,
            is_dragging=self._is_down and kind == "mouse_move",
            handled=False,
            camera_zoom=1.0,
        )
        # one event a time, in a wrapper: napari puts the next one into the first
        wrapped = ObjectProxy(event)
        callbacks(self.viewer, wrapped)
        layer = self.viewer.layers.selection.active
        if layer is not None:
            layer.scale_factor = 1 / ZOOM  # as a canvas does when it is drawn
            callbacks(layer, wrapped)
