"""Which object the user points at, and whether it can be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels

from napari_segnext.session.layers import role_of
from napari_segnext.session.planes import Affine, level_0

if TYPE_CHECKING:
    import numpy.typing as npt
    from napari.components import ViewerModel
    from napari.layers import Layer

    from napari_segnext.session.session import Session

    FloatArray = npt.NDArray[np.float64]

__all__ = [
    "bring_into_view",
    "label_under_cursor",
    "object_pointed_at",
    "sources_of",
]

_NO_SOURCES = ("preview", "scribbles")


def sources_of(viewer: ViewerModel) -> list[Labels]:
    """Return the Labels layers that an object can be started from, the topmost first.

    Not previews and scribbles. The active layer comes before all others.
    """
    active = viewer.layers.selection.active
    found = [
        layer
        for layer in reversed(viewer.layers)
        if isinstance(layer, Labels) and role_of(layer) not in _NO_SOURCES
    ]
    return sorted(found, key=lambda layer: layer is not active)


def label_under_cursor(viewer: ViewerModel, layer: Labels) -> int:
    """Return the label of `layer` under the mouse; 0 if there is none.

    The mouse has to be over the canvas, and the canvas has to show planes.
    """
    world = _cursor(viewer)
    if world is None or layer.ndim > len(world):
        return 0
    data = level_0(layer)
    index = np.round(layer.world_to_data(world)).astype(int)
    if ((index < 0) | (index >= data.shape)).any():
        return 0
    return int(np.asarray(data[tuple(index)]))


def object_pointed_at(viewer: ViewerModel, session: Session) -> int | None:
    """Return the object under the mouse, else the one in focus, if any."""
    target = session.target
    world = _cursor(viewer)
    if world is not None and target.ndim <= len(world):
        label = session.label_at(target.world_to_data(world))
        if label:
            return label
    return session.focus


def bring_into_view(viewer: ViewerModel, session: Session, label: int) -> None:
    """Move the camera to an object on the plane on display, if it is out of sight."""
    plane, target = session.plane, session.target
    if plane is None or viewer.dims.ndisplay != 2:
        return
    rows, cols = np.nonzero(np.asarray(target.data[plane.slices]) == label)
    if not rows.size:
        return
    row0, row1, col0, col1 = rows.min(), rows.max(), cols.min(), cols.max()
    corners = [(row0, col0), (row0, col1), (row1, col0), (row1, col1)]
    box = _on_canvas(viewer, target, plane.lift(corners))
    camera = viewer.scene.camera
    center = np.array(camera.center[-2:])
    half = np.array(viewer.canvas.size) / camera.zoom / 2
    is_small = (np.ptp(box, axis=0) <= 2 * half).all()
    shown = box if is_small else box.mean(axis=0, keepdims=True)
    if (np.abs(shown - center) > half).any():
        camera.center = (camera.center[0], *box.mean(axis=0).tolist())


def _cursor(viewer: ViewerModel) -> FloatArray | None:
    """Where the mouse is in the world; None where that is not over a plane."""
    dims = viewer.dims
    position = viewer.cursor.position
    if not viewer.mouse_over_canvas or dims.ndisplay != 2:
        return None
    if len(position) != dims.ndim:  # of before a layer with more axes came
        return None
    # the mouse may have rested while the sliders moved
    world = np.array(dims.point, float)
    shown = list(dims.displayed)
    world[shown] = np.array(position, float)[shown]
    return world


def _on_canvas(viewer: ViewerModel, layer: Layer, points: Any) -> FloatArray:
    """(N, D) data positions of `layer` -> (N, 2) world positions on display."""
    world = Affine.data_to_world(layer)(points)
    leading = viewer.dims.ndim - layer.ndim
    shown = [axis - leading for axis in viewer.dims.displayed]
    return world[:, shown]
