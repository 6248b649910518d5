"""Which layer plays which role in a session: made on access, watched, let go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Labels, Points, Shapes

from napari_segnext.session.adopting import adopt, check_apart
from napari_segnext.session.layers import (
    PROMPT_ROLES,
    TRANSFORM,
    make,
    set_defaults,
    transform_of,
)
from napari_segnext.session.mending import dress, mend
from napari_segnext.session.mouse import Drafts, OppositePolarity
from napari_segnext.session.planes import (
    Affine,
    PlaneKey,
    displayed_plane,
    is_tilted,
    shape_of,
    view_axes,
)
from napari_segnext.session.strokes import painted_planes

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel
    from napari.layers import Image, Layer

__all__ = ["Roles"]

_MOVED = ("scale", "translate", "rotate", "shear", "affine")
_WATCHED = {
    "points": ("data", "features", *_MOVED),
    "shapes": ("data", "features", "edge_width", *_MOVED),
    "scribbles": ("data", "paint", "set_data", *_MOVED),
    "preview": (),
    "target": ("data", "paint", "set_data"),
    "cuts": ("data",),
}
_BEFORE_THE_ACT = ("adding", "changing", "removing")


class Roles:
    """Owns which layer plays which role.

    Parameters
    ----------
    viewer : ViewerModel
        Where the layers are.
    image : Image
        Whose shape and transform new layers take.
    adopted : dict of str to layer
        The user's own layers by role.
    on_change : callable
        Called when a layer may have changed, from inside napari's events.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        image: Image,
        adopted: dict[str, Any],
        on_change: Callable[[], None],
    ) -> None:
        self.viewer = viewer
        self.image = image
        self.polarity = "positive"
        self.dirty: set[str] = set()
        # what napari told of the target since it was looked at, and its undo atoms
        self.target_events: set[str] = set()
        self.target_atoms: list[Any] = []
        self._layers: dict[str, Layer] = {}
        self._made: list[Layer] = []
        self._dirty_planes: set[PlaneKey] = set()
        self._scan_all = False
        self._scribbles_plane: PlaneKey | None = None  # at their last event
        self._told: dict[str, list[str]] = {}  # complaints about a layer, by role
        self._writing = False
        self._is_turned = self._is_mending = False
        self._on_change = on_change
        self._opposite = OppositePolarity(
            viewer, self._turn_polarity, self._before_press
        )
        self._drafts = Drafts(viewer)
        self._place = Affine.data_to_world(image)
        accepted = {
            role: adopt(role, layer, image)
            for role, layer in adopted.items()
            if layer is not None
        }
        check_apart(accepted)
        for role, layer in accepted.items():
            if layer not in viewer.layers:
                viewer.layers.append(layer)
            self._take(role, layer)
        self._scan_all = "scribbles" in accepted
        for name in TRANSFORM:
            getattr(image.events, name).connect(self._on_image_moved)

    @property
    def axes(self) -> tuple[int, int]:
        """The axes of planes on display, ascending."""
        axes = view_axes(self.viewer.dims, self.image)
        row, col = axes or (self.image.ndim - 2, self.image.ndim - 1)
        return min(row, col), max(row, col)

    @property
    def plane(self) -> PlaneKey | None:
        """The plane on display."""
        return displayed_plane(self.viewer.dims, self.image)

    @property
    def is_tilted(self) -> bool:
        """Whether the view cuts obliquely through the image's slices."""
        return is_tilted(self.viewer.dims, self.image, self._place)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the image, without the colour axis."""
        return shape_of(self.image)

    @property
    def points(self) -> Points:
        """The Points layer, made if need be."""
        layer = self.get("points")
        assert isinstance(layer, Points)  # noqa: S101 - for the type checker
        return layer

    @property
    def shapes(self) -> Shapes:
        """The Shapes layer, made if need be."""
        layer = self.get("shapes")
        assert isinstance(layer, Shapes)  # noqa: S101 - for the type checker
        return layer

    def labels(self, role: str) -> Labels:
        """Return one of the Labels layers, made if need be."""
        layer = self.get(role)
        assert isinstance(layer, Labels)  # noqa: S101 - for the type checker
        return layer

    def has(self, role: str) -> bool:
        """Whether the layer of a role is in the viewer."""
        layer = self._layers.get(role)
        return layer is not None and layer in self.viewer.layers

    def get(self, role: str) -> Layer:
        """Return the layer of a role; it is made and put on top if need be."""
        if not self.has(role):
            self.forget(role)
            layer = make(role, self.image, self.axes)
            active = self.viewer.layers.selection.active
            self.viewer.layers.append(layer)
            self._made.append(layer)
            self._take(role, layer)
            # a new layer becomes the active one; what the user works on should stay
            if active is not None and active in self.viewer.layers:
                self.viewer.layers.selection.active = active
        return self._layers[role]

    def lost(self) -> list[str]:
        """Roles whose layer was removed from the viewer."""
        return [role for role in self._layers if not self.has(role)]

    def last(self, role: str) -> Layer | None:
        """Return the layer that plays or last played a role, without making one."""
        return self._layers.get(role)

    def plays(self, layer: Layer) -> bool:
        """Whether a layer plays a role."""
        return any(layer is own for own in self._layers.values())

    def forget(self, role: str) -> None:
        """Stop watching the layer of a role, and forget it."""
        self._unwatch(role)
        self._layers.pop(role, None)
        self._told.pop(role, None)

    def drop(self, role: str) -> None:
        """Remove the layer of a role from the viewer, if it is there; no act."""
        layer = self._layers.get(role)
        self.forget(role)
        self.dirty.discard(role)
        if layer is not None and layer in self.viewer.layers:
            self.viewer.layers.remove(layer)
        if layer in self._made:
            self._made.remove(layer)

    def is_being_drawn(self, role: str) -> bool:
        """Whether the user is in the middle of drawing a shape."""
        # private: napari has no public name for that
        return bool(getattr(self._layers.get(role), "_is_creating", False))

    def is_being_painted(self, role: str) -> bool:
        """Whether the user is in the middle of a stroke, which is one when it ends."""
        # private: napari has no public name for that
        return bool(getattr(self._layers.get(role), "_block_history", False))

    def _unwatch(self, role: str) -> None:
        layer = self._layers.get(role)
        if layer is not None:
            for name in _WATCHED[role]:
                getattr(layer.events, name).disconnect(self._listener(role))
            if role in ("points", "shapes"):
                layer.events.feature_defaults.disconnect(self._on_defaults)
            if role in PROMPT_ROLES:
                self._opposite.detach(layer)
            if isinstance(layer, Shapes):
                self._drafts.detach(layer)

    def close(self) -> None:
        """Stop watching, and remove the layers that were made, but the target."""
        target = self._layers.get("target")
        for role in self._layers:
            self._unwatch(role)
        self._opposite.close()
        self._drafts.close()
        for name in TRANSFORM:
            getattr(self.image.events, name).disconnect(self._on_image_moved)
        for layer in self._made:
            if layer is not target and layer in self.viewer.layers:
                self.viewer.layers.remove(layer)
        self._made.clear()

    def set_polarity(self, polarity: str) -> None:
        """Make new prompts of all types positive or negative."""
        self.polarity = polarity
        self._opposite.keep_brush()
        self.refresh_defaults()

    def refresh_defaults(self) -> None:
        """Make new points and shapes have the polarity and axes that hold now."""
        polarity = self.polarity
        if self._is_turned:
            polarity = "negative" if polarity == "positive" else "positive"
        for role in ("points", "shapes"):
            layer = self._layers.get(role)
            if isinstance(layer, Points | Shapes):
                set_defaults(layer, polarity, self.axes)

    def mend(self, role: str, layer: Points | Shapes) -> None:
        """Put the features of a prompt layer right, and show every polarity."""
        if self.is_being_drawn(role) or self._is_mending:
            return
        self._is_mending = True
        try:
            is_ours = layer in self._made
            mend(layer, self.axes, is_ours)
            if is_ours:
                dress(layer)
        finally:
            self._is_mending = False

    def end_draft(self, layer: Shapes) -> None:
        """End the shape that is being drawn: closed if it can be, or given up."""
        self._drafts.end(layer)

    def _before_press(self, layer: Layer) -> None:
        for role in ("points", "shapes"):
            if layer is self._layers.get(role) and isinstance(layer, Points | Shapes):
                self.mend(role, layer)

    def _turn_polarity(self, is_turned: bool) -> None:
        """Give the prompt that is being drawn the opposite polarity, or no longer."""
        self._is_turned = is_turned
        self.refresh_defaults()

    def _take(self, role: str, layer: Layer) -> None:
        self._layers[role] = layer
        if role == "scribbles":
            self._scribbles_plane = self.plane
        has_features = role in ("points", "shapes")
        if has_features and isinstance(layer, Points | Shapes):
            self.mend(role, layer)
            set_defaults(layer, self.polarity, self.axes)
            layer.events.feature_defaults.connect(self._on_defaults)
        for name in _WATCHED[role]:
            getattr(layer.events, name).connect(self._listener(role))
        if role in PROMPT_ROLES:
            self._opposite.attach(layer)
        if isinstance(layer, Shapes):
            self._drafts.attach(layer)
        self.dirty.add(role)

    def _listener(self, role: str) -> Callable[[Any], None]:
        listeners: dict[str, Callable[[Any], None]] = {
            "points": self._on_points,
            "shapes": self._on_shapes,
            "scribbles": self._on_scribbles,
            "target": self._on_target,
            "cuts": self._on_cuts,
        }
        return listeners[role]

    def _on_points(self, event: Any) -> None:
        self._on_prompts("points", event)

    def _on_shapes(self, event: Any) -> None:
        self._on_prompts("shapes", event)

    def _on_prompts(self, role: str, event: Any) -> None:
        if getattr(event, "action", None) in _BEFORE_THE_ACT:
            return
        layer = self._layers.get(role)
        if event.type == "features" and isinstance(layer, Points | Shapes):
            # at once: with a column less napari cannot even take the next click
            self.mend(role, layer)
            if not self._writing:
                self.refresh_defaults()  # the table's last row became the default
        self._mark(role)

    def _on_image_moved(self, event: Any) -> None:
        """Take the layers along that lay where the image lay, if they are ours."""
        before, self._place = self._place, Affine.data_to_world(self.image)
        here = transform_of(self.image)
        for layer in self._made:
            if Affine.data_to_world(layer).is_close_to(before):
                for name, value in here.items():
                    setattr(layer, name, value)
        for role in PROMPT_ROLES:
            if self.has(role):
                self._mark(role)

    def _on_cuts(self, event: Any) -> None:
        if getattr(event, "action", None) not in _BEFORE_THE_ACT:
            self._mark("cuts")

    def _on_scribbles(self, event: Any) -> None:
        if event.type == "data":
            self._scan_all = True
        elif event.type == "paint":
            self._dirty_planes |= painted_planes(event.value, self.axes)
        else:  # another slice on display, or napari's undo on any slice
            self._scan_all |= self.plane == self._scribbles_plane
            if self.plane is not None:
                self._dirty_planes.add(self.plane)
        self._scribbles_plane = self.plane
        self._mark("scribbles")

    def _on_target(self, event: Any) -> None:
        self.target_events.add(event.type)
        if event.type == "paint":
            self.target_atoms += event.value
        self._mark("target")

    def _on_defaults(self, event: Any) -> None:
        # selecting a prompt makes napari give its polarity to the next one
        if not self._writing:
            self.refresh_defaults()

    def _mark(self, role: str) -> None:
        self.dirty.add(role)
        self._on_change()
