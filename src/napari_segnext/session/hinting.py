"""What a session says to do next, or why nothing happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_segnext.core.sense import complaint
from napari_segnext.session import text
from napari_segnext.session.together import count_apart
from napari_segnext.session.tools import Tools

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from napari.components import ViewerModel
    from napari.layers import Layer

    from napari_segnext.core.prompts import Prompts

__all__ = ["Hinting"]

# modes in which the mouse draws; napari pans while Space is held, and then goes back
_DRAWING = ("add", "paint", "fill", "polygon", "pan_zoom")


class Hinting(Tools):
    """The part of `Session` that says what to do next; see there."""

    def _start(self) -> None:
        self._sights = Sights(self._viewer, self._on_layer_changed)
        super()._start()

    def _close(self) -> None:
        self._sights.close()
        super()._close()

    def _update(self) -> None:
        layers = [self._there(role) for role in (self._tool_role, "preview")]
        self._sights.follow([self._image, *filter(None, layers)])
        super()._update()

    def _visible(self) -> tuple[object, ...]:
        return (*super()._visible(), self.tool_in_hand)

    @property
    def tool_in_hand(self) -> str | None:
        """The tool that the next click is for.

        None while clicks go elsewhere: to another layer that is active, or to one in
        a mode that draws nothing.
        """
        layer = self._there(self._tool_role)
        if layer is None or layer is not self._viewer.layers.selection.active:
            return None
        return self._tool if str(layer.mode).startswith(_DRAWING) else None

    def _find_hint(self) -> str:
        if self._model_state == "failed":
            return text.MODEL_FAILED
        if going_on := super()._find_hint():
            return going_on
        if self._viewer.dims.ndisplay == 3:
            return text.OPEN_IN_3D if self._preview.masks else text.SWITCH_TO_2D
        if self._board.is_tilted:
            return text.TILTED
        if self._plane is None:
            return text.NO_PLANE
        prompts = self._history.state.object.prompts(self._plane)
        return self._find_trouble(prompts) or self._find_next_step(prompts)

    def _find_trouble(self, prompts: Prompts) -> str:
        """Say what makes no sense, or keeps the user from seeing what happens."""
        if self._complaint:
            return self._complaint
        if not self._image.visible:
            return text.IMAGE_HIDDEN
        if prompts and not prompts.has_positive:
            return text.NO_POSITIVE
        if not self._history.state.object.each:
            if self._board.complaint:
                return self._board.complaint
            assert self._plane is not None  # noqa: S101 - for the type checker
            shape = self._plane.shape_in(self._board.shape)
            if sentence := complaint(prompts, shape):
                return sentence
        layer, preview = self._there(self._tool_role), self._there("preview")
        if layer is not None and not layer.visible:
            return text.PROMPTS_HIDDEN
        if self._preview.masks and preview is not None and not preview.visible:
            return text.PREVIEW_HIDDEN
        return ""

    def _there(self, role: str | None) -> Layer | None:
        """Return the layer of a role, unless it was removed."""
        if role is None or not self._board.has(role):
            return None
        return self._board.last(role)

    def _find_next_step(self, prompts: Prompts) -> str:
        state = self._history.state
        has_tool = self._tool is None or self.tool_in_hand is not None
        if state.object.each:
            if count := count_apart(state.object, self._preview.masks):
                return text.SEVERAL_SHOWN.format(count=count)
        elif self._preview.masks:
            step = text.CORRECT_OR_ACCEPT if has_tool else text.CHOOSE_OR_ACCEPT
            return step.format(label=state.label)
        elif prompts and not self._auto_run:
            return text.RUN
        if not has_tool:
            return text.CHOOSE_A_TOOL
        if self._viewer.canvas.grid.enabled:
            return text.IN_A_GRID
        if self._model_state == "loading" and not state.object.each:
            return text.MODEL_LOADING
        if self._board.polarity == "negative" and self._tool not in ("mask", "cut"):
            return text.BEGIN_WITH_OBJECT
        if state.object.each:
            return text.SEVERAL_BEGIN
        tool = self._tool or "point"
        return text.BEGIN_WITH.get((tool, self._tool_shape), text.BEGIN)


class Sights:
    """Tells when layers are shown, hidden, laid in a grid, taken in hand or put aside.

    Parameters
    ----------
    viewer : ViewerModel
        Whose active layer and grid count.
    on_change : callable
        Called from inside napari's events.
    """

    def __init__(self, viewer: ViewerModel, on_change: Callable[[], None]) -> None:
        self._viewer = viewer
        self._on_change = on_change
        self._layers: list[Layer] = []
        viewer.layers.selection.events.active.connect(self._on_event)
        viewer.canvas.grid.events.enabled.connect(self._on_event)

    def follow(self, layers: Iterable[Layer]) -> None:
        """Listen to these layers, and no longer to others."""
        wanted = list(layers)
        for layer in self._layers:
            if layer not in wanted:
                layer.events.visible.disconnect(self._on_event)
                layer.events.mode.disconnect(self._on_event)
        for layer in wanted:
            if layer not in self._layers:
                layer.events.visible.connect(self._on_event)
                layer.events.mode.connect(self._on_event)
        self._layers = wanted

    def close(self) -> None:
        """Listen to nothing any more; harmless when repeated."""
        self.follow([])
        self._viewer.layers.selection.events.active.disconnect(self._on_event)
        self._viewer.canvas.grid.events.enabled.disconnect(self._on_event)

    def _on_event(self, event: Any) -> None:
        self._on_change()
