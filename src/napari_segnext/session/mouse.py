"""What the mouse does in the prompt layers beyond what napari does.

A modifier held at the press gives the one prompt that is begun the opposite polarity.
napari reads the polarity of shapes and the label of the brush at the press, that of
points at the release: ours is the first to hear a press and the last to hear a release.

Ctrl (Cmd on macOS) is free in every mode in which prompts are drawn. Alt is free in
Points and Shapes; over a Labels layer in paint mode napari changes the size of the
brush with it, and paints nothing once the mouse has moved. The right button is no
choice: in paint mode it fills what is encircled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Labels, Points, Shapes

from napari_segnext.session.layers import SCRIBBLE_NEGATIVE, SCRIBBLE_POSITIVE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari.components import ViewerModel
    from napari.layers import Layer

__all__ = ["MODIFIERS", "Drafts", "OppositePolarity"]

MODIFIERS = ("Control", "Alt")
_OPPOSITE_LABEL = {
    SCRIBBLE_POSITIVE: SCRIBBLE_NEGATIVE,
    SCRIBBLE_NEGATIVE: SCRIBBLE_POSITIVE,
}
_PAINTING = ("paint", "fill")


class OppositePolarity:
    """Turns the polarity round while a prompt is drawn with a modifier held.

    Parameters
    ----------
    viewer : ViewerModel
        Where the layers are. A layer that is no longer active hears no release.
    turn : callable
        Called with True and False: the next point or shape has the opposite polarity,
        or the session's again.
    prepare : callable
        Called with the layer before each press is heard.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        turn: Callable[[bool], None],
        prepare: Callable[[Layer], None],
    ) -> None:
        self._viewer = viewer
        self._turn = turn
        self._prepare = prepare
        self._layer: Layer | None = None  # in which a prompt is being drawn
        self._labels: tuple[int, int] | None = None  # the brush's, and the opposite
        viewer.layers.selection.events.active.connect(self._on_active)

    def attach(self, layer: Layer) -> None:
        """Listen to the mouse in `layer`."""
        layer.mouse_drag_callbacks.insert(0, self._on_press)
        layer.mouse_drag_callbacks.append(self._until_release)

    def detach(self, layer: Layer) -> None:
        """Stop listening to the mouse in `layer`; its polarity is as before."""
        if layer is self._layer:
            self.end()
        for callback in (self._on_press, self._until_release):
            while callback in layer.mouse_drag_callbacks:
                layer.mouse_drag_callbacks.remove(callback)
            # private: what napari would go on with at the next move of the mouse
            generator = layer._mouse_drag_gen.pop(callback, None)
            layer._persisted_mouse_event.pop(generator, None)

    def close(self) -> None:
        """Stop listening to the viewer."""
        self.end()
        self._viewer.layers.selection.events.active.disconnect(self._on_active)

    def end(self) -> None:
        """Make the next prompt have the session's polarity again."""
        layer, self._layer = self._layer, None
        if layer is None:
            return
        if isinstance(layer, Labels):
            if self._labels is not None and layer.selected_label == self._labels[1]:
                layer.selected_label = self._labels[0]
            self._labels = None
        else:
            self._turn(False)

    def keep_brush(self) -> None:
        """Leave the label of the brush as it is: it was set anew meanwhile."""
        if isinstance(self._layer, Labels):
            self._layer = self._labels = None

    def _begin(self, layer: Layer) -> None:
        self._layer = layer
        if isinstance(layer, Labels):
            brush = int(layer.selected_label)
            self._labels = brush, _OPPOSITE_LABEL[brush]
            layer.selected_label = _OPPOSITE_LABEL[brush]
        else:
            self._turn(True)

    def _on_press(self, layer: Layer, event: Any) -> None:
        self.end()  # of one whose release was never heard
        self._prepare(layer)
        callbacks = layer.mouse_drag_callbacks
        if self._until_release in callbacks:  # last, whatever mode was chosen since
            callbacks.remove(self._until_release)
            callbacks.append(self._until_release)
        if set(MODIFIERS) & set(event.modifiers) and _is_drawn_in(layer):
            self._begin(layer)

    def _until_release(self, layer: Layer, event: Any) -> Iterator[None]:
        if layer is not self._layer:
            return
        yield
        while event.type == "mouse_move":
            yield
        self.end()

    def _on_active(self, event: Any) -> None:
        if self._layer is not self._viewer.layers.selection.active:
            self.end()


def _is_drawn_in(layer: Layer) -> bool:
    """Whether a press in `layer` begins a prompt that has a polarity."""
    if isinstance(layer, Labels):
        is_stroke = int(layer.selected_label) in _OPPOSITE_LABEL
        return is_stroke and str(layer.mode) in _PAINTING
    return isinstance(layer, Points | Shapes) and str(layer.mode).startswith("add")


class Drafts:
    """Ends shapes that are half drawn when the user turns to something else.

    napari 0.9 does not: a polygon that is being drawn goes on when another layer
    becomes active, and on a change of mode it keeps the vertex that follows the
    cursor. Here it is closed, as with Escape, if it has enough vertices to enclose
    something; otherwise it goes. Undo takes it back.

    Parameters
    ----------
    viewer : ViewerModel
        Where the layers are.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._modes: dict[Shapes, Any] = {}
        viewer.layers.selection.events.active.connect(self._on_active)

    def attach(self, layer: Shapes) -> None:
        """Watch `layer`."""
        self._modes[layer] = layer._mode  # private: `mode` tells a name of it only
        layer.events.mode.connect(self._on_mode)

    def detach(self, layer: Shapes) -> None:
        """Stop watching `layer`."""
        if self._modes.pop(layer, None) is not None:
            layer.events.mode.disconnect(self._on_mode)

    def close(self) -> None:
        """Stop watching the viewer."""
        self._viewer.layers.selection.events.active.disconnect(self._on_active)

    # private: napari has no public name for a shape being drawn, nor for ending it

    def end(self, layer: Shapes) -> None:
        """End the shape that is being drawn in `layer`, if there is one."""
        if layer._is_creating:
            layer._finish_drawing()
            # a drag that goes on would look for the shape at its release
            generator = layer._mouse_drag_gen.pop(layer._drag_modes[layer._mode], None)
            layer._persisted_mouse_event.pop(generator, None)

    def _on_mode(self, event: Any) -> None:
        layer = event.source
        before, now = self._modes.get(layer), layer._mode
        self._modes[layer] = now
        if layer._is_creating and before is not None:
            layer._mode = before  # what it does depends on the mode
            try:
                self.end(layer)
            finally:
                layer._mode = now

    def _on_active(self, event: Any) -> None:
        for layer in tuple(self._modes):
            if layer is not self._viewer.layers.selection.active:
                self.end(layer)
