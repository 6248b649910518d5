"""What a user interface needs of a session: tools, state, layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_segnext.errors import LayerError, PromptError
from napari_segnext.session.layers import (
    SCRIBBLE_MASK,
    SCRIBBLE_NEGATIVE,
    SCRIBBLE_POSITIVE,
)
from napari_segnext.session.placing import Placing

if TYPE_CHECKING:
    from typing import Any

    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Layer, Points, Shapes

    from napari_segnext.session.planes import PlaneKey

__all__ = ["TOOLS", "Tools"]

TOOLS = ("point", "box", "polygon", "scribble", "mask")
# tool, shape -> role of the layer, mode of the layer
_MODES = {
    ("point", None): ("points", "add"),
    ("box", None): ("shapes", "add_rectangle"),
    ("polygon", None): ("shapes", "add_polygon"),
    ("polygon", "lasso"): ("shapes", "add_polygon_lasso"),
    ("scribble", None): ("scribbles", "paint"),
    ("scribble", "path"): ("shapes", "add_path"),
    ("mask", None): ("scribbles", "paint"),
    ("cut", None): ("cuts", "add_line"),
    ("cut", "path"): ("cuts", "add_path"),
}


class Tools(Placing):
    """The part of `Session` that a user interface uses; see there."""

    _tool_shape: str | None = None

    # layers -----------------------------------------------------------------------

    @property
    def points(self) -> Points:
        """The Points layer with the clicks; made on access."""
        layer: Points = self._layer("points")
        return layer

    @property
    def shapes(self) -> Shapes:
        """The Shapes layer with boxes, polygons and scribbles; made on access."""
        layer: Shapes = self._layer("shapes")
        return layer

    @property
    def scribbles(self) -> Labels:
        """The Labels layer with painted strokes; made on access.

        1 is the object, 2 the background, 3 a rough mask.
        """
        layer: Labels = self._layer("scribbles")
        return layer

    @property
    def preview(self) -> Labels:
        """The Labels layer that shows the answers, of the image's shape."""
        layer: Labels = self._layer("preview")
        return layer

    @property
    def target(self) -> Labels:
        """The Labels layer that accepted objects go to; 0 is the background."""
        layer: Labels = self._layer("target")
        return layer

    def has(self, role: str) -> bool:
        """Whether the layer of a role is in the viewer; see `Seeing.has`."""
        return self._board.has(role)

    def _layer(self, role: str) -> Any:
        if self._closed:
            layer: Layer | None = self._board.last(role)
            if layer is None:
                raise LayerError("The session is closed; it has no such layer.")
            return layer
        self._sync()
        return self._board.get(role)

    # tools ------------------------------------------------------------------------

    @property
    def tool(self) -> str | None:
        """The tool that was activated last, or None; see `activate`."""
        return self._tool

    def activate(self, tool: str, shape: str | None = None) -> None:
        """Make the layer of a tool active; see `Cutting.activate`."""
        if (tool, shape) not in _MODES:
            raise PromptError(
                f"There is no tool {tool!r} with shape {shape!r}; "
                f"use one of {(*TOOLS, 'cut')}."
            )
        self._check_open()
        role, mode = _MODES[tool, shape]
        layer = self._layer(role)
        self._tool, self._tool_shape = tool, shape
        layer.visible = True
        self._viewer.layers.selection.active = layer
        layer.mode = mode
        self._update_brush()
        self._update()

    @property
    def _tool_role(self) -> str | None:
        """The role of the layer of the tool, which may not be there any more."""
        return None if self._tool is None else _MODES[self._tool, self._tool_shape][0]

    def _sync(self) -> None:
        super()._sync()
        if self._lost_in_use:
            self._lost_in_use = False
            self._take_tool_up()

    def _take_tool_up(self) -> None:
        """Make the tool's layer active again, so that the next click is a prompt."""
        is_gone = self._tool == "cut" and not self._board.has("cuts")
        if self._tool is not None and not is_gone:
            self.activate(self._tool, self._tool_shape)

    def _update_brush(self) -> None:
        if not self._board.has("scribbles"):
            return
        layer = self._board.labels("scribbles")
        if self._tool == "mask":
            layer.selected_label = SCRIBBLE_MASK
        elif self._board.polarity == "positive":
            layer.selected_label = SCRIBBLE_POSITIVE
        else:
            layer.selected_label = SCRIBBLE_NEGATIVE

    # state ------------------------------------------------------------------------

    @property
    def viewer(self) -> ViewerModel:
        """The viewer that the session works in."""
        return self._viewer

    @property
    def image(self) -> Image:
        """The image that is segmented."""
        return self._image

    @property
    def plane(self) -> PlaneKey | None:
        """The plane on display; None where the image has none there."""
        return self._board.plane

    @property
    def model_name(self) -> str:
        """Name of the model, as `list_models` has it, or of its file."""
        return self._engine.name

    @property
    def model_state(self) -> str:
        """One of "loading", "ready", "failed"."""
        return self._model_state

    @property
    def hint(self) -> str:
        """One line that says what to do now."""
        return self._hint

    @property
    def is_busy(self) -> bool:
        """Whether the model is being loaded or an answer is to come."""
        return self._is_busy

    @property
    def is_closed(self) -> bool:
        """Whether the session has ended."""
        return self._closed

    @property
    def can_undo(self) -> bool:
        """Whether there is an act to take back."""
        return not self._closed and self._history.last is not None

    @property
    def can_redo(self) -> bool:
        """Whether there is an act to do again."""
        return not self._closed and self._history.next is not None

    @property
    def can_accept(self) -> bool:
        """Whether anything is shown that could be accepted."""
        return not self._closed and bool(self._preview.masks)

    @property
    def can_clear(self) -> bool:
        """Whether there is anything to drop."""
        return not self._closed and not self._history.state.object.is_blank

    @property
    def can_run(self) -> bool:
        """Whether prompts wait to be answered."""
        if self._closed:
            return False
        entries = map(self._history.entry, self._history.state.object.planes)
        return any(
            entry is not None
            and bool(entry.prompts)
            and self._engine.answers.get(entry.number, entry.plane) is None
            for entry in entries
        )

    @property
    def undo_depth(self) -> int:
        """How many acts undo could take back.

        What followed a correction is an act of its own, which goes with the correction.
        """
        return len(self._history.acts)

    @property
    def undo_text(self) -> str | None:
        """What undo would take back, in a few words; None if there is nothing."""
        act = self._history.last
        return None if act is None else act.text

    @property
    def redo_text(self) -> str | None:
        """What redo would do again, in a few words; None if there is nothing."""
        act = self._history.next
        return None if act is None else act.text
