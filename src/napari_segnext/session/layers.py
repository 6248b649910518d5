"""Make the layers of a session, and know which ones they are.

Layers are made as real objects and appended by the caller: what ``viewer.add_points``
returns through a plugin's proxy is a proxy itself.
"""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from napari.layers import Labels, Points, Shapes
from napari.utils.colormaps import DirectLabelColormap
from napari.utils.colormaps.standardize_color import transform_color

from napari_segnext.session.planes import shape_of

if TYPE_CHECKING:
    from napari.layers import Layer

__all__ = [
    "COLORS",
    "METADATA_KEY",
    "POLARITIES",
    "PROMPT_ROLES",
    "ROLES",
    "SCRIBBLES",
    "SCRIBBLE_MASK",
    "SCRIBBLE_NEGATIVE",
    "SCRIBBLE_POSITIVE",
    "SEEN_ROLES",
    "TRANSFORM",
    "axes_text",
    "colour_by_polarity",
    "make",
    "role_of",
    "set_defaults",
    "transform_of",
    "unwrapped",
]

METADATA_KEY = "napari_segnext"
_OWNER_KEY = "napari_segnext_of"  # a duplicate copies the role, but not who it is
PROMPT_ROLES = ("points", "shapes", "scribbles")
ROLES = (*PROMPT_ROLES, "preview", "target", "cuts")
SEEN_ROLES = ("seen image", "seen prompts")
# attributes and events of a layer that say where it lies
TRANSFORM = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")
POLARITIES = ("positive", "negative")
# blue and orange of Okabe and Ito: told apart with every kind of colour vision
COLORS = {
    "positive": "#0072B2",
    "negative": "#E69F00",
    "mask": "#009E73",
    "cut": "#D55E00",
}
# the first for one object; several at once go round
_PREVIEW_COLORS = ("#56B4E9", "#F0E442", "#CC79A7", "#009E73", "#D55E00")
SCRIBBLES = SCRIBBLE_POSITIVE, SCRIBBLE_NEGATIVE, SCRIBBLE_MASK = 1, 2, 3
_MAX_EDGE_WIDTH_PX = 3  # of shapes; a line is a scribble as wide as its edge
_BRUSH_SIZE_PX = 5
_ON_CANVAS_PX = (8, 20)  # of a point, at any zoom: seen, and hiding no small object
_CUT_WIDTH_PX = 1


def unwrapped(value: Any) -> Any:
    """Return the real viewer or layer behind the proxy that a plugin gets."""
    return getattr(value, "__wrapped__", value)


def axes_text(axes: tuple[int, int]) -> str:
    """How the axes of a plane are written in a layer's features."""
    return f"{min(axes)},{max(axes)}"


def transform_of(image: Layer) -> dict[str, Any]:
    """Return the keyword arguments that put a layer where `image` is."""
    affine = image.affine.affine_matrix
    return {"affine": affine} | {
        name: getattr(image, name) for name in TRANSFORM if name != "affine"
    }


def make(role: str, image: Layer, axes: tuple[int, int]) -> Layer:
    """Make the layer of a role for `image`; it is not yet in the viewer.

    Parameters
    ----------
    role : str
        One of `ROLES`.
    image : Layer
        The image whose shape and transform it takes.
    axes : (int, int)
        The axes of planes on display, for new prompts.
    """
    maker = {
        "points": _make_points,
        "shapes": _make_shapes,
        "scribbles": _make_scribbles,
        "preview": _make_preview,
        "target": _make_target,
        "cuts": _make_cuts,
    }[role]
    layer = maker(image, axes)
    _mark_role(layer, role)
    return layer


def _mark_role(layer: Layer, role: str) -> None:
    """Note in a layer's metadata which role it plays."""
    layer.metadata[METADATA_KEY] = role
    layer.metadata[_OWNER_KEY] = str(layer.unique_id)


def role_of(layer: Layer) -> str | None:
    """Return the role that a session made `layer` for; None for all others.

    A duplicate of such a layer is the user's own: it has no role.
    """
    if layer.metadata.get(_OWNER_KEY) != str(layer.unique_id):
        return None
    role: str | None = layer.metadata.get(METADATA_KEY)
    return role


def _features(axes: tuple[int, int]) -> dict[str, Any]:
    polarity = pd.Series([], dtype=pd.CategoricalDtype(list(POLARITIES)))
    plane = pd.Series([], dtype=object)
    return {
        "features": pd.DataFrame({"polarity": polarity, "plane": plane}),
        "feature_defaults": {"polarity": "positive", "plane": axes_text(axes)},
    }


def _make_points(image: Layer, axes: tuple[int, int]) -> Points:
    longer_px = _longer_px(image, axes)
    layer = Points(
        np.empty((0, image.ndim)),
        ndim=image.ndim,
        name=f"{image.name} prompts: points",
        border_color="white",
        border_width=0.15,
        size=float(np.clip(longer_px / 64, 2, 16)),
        canvas_size_limits=_ON_CANVAS_PX,
        **_features(axes),
        **transform_of(image),
    )
    colour_by_polarity(layer)
    return layer


def _longer_px(image: Layer, axes: tuple[int, int]) -> int:
    """Length of the longer side of a plane."""
    shape = shape_of(image)
    return max(shape[axes[0]], shape[axes[1]])


def _make_shapes(image: Layer, axes: tuple[int, int]) -> Shapes:
    layer = Shapes(
        None,
        ndim=image.ndim,
        name=f"{image.name} prompts: shapes",
        # thin on a small image, where it would hide the outline of the object
        edge_width=float(np.clip(_longer_px(image, axes) / 128, 1, _MAX_EDGE_WIDTH_PX)),
        **_features(axes),
        **transform_of(image),
    )
    colour_by_polarity(layer)
    return layer


def colour_by_polarity(layer: Points | Shapes) -> None:
    """Colour prompts by their polarity; negative areas are filled, too."""
    if isinstance(layer, Points):
        layer.face_color_cycle = {name: COLORS[name] for name in POLARITIES}
        layer.face_color = "polarity"
        return
    colors = {
        "edge": {name: transform_color(COLORS[name])[0] for name in POLARITIES},
        "face": {
            "positive": np.zeros(4, np.float32),
            "negative": transform_color(COLORS["negative"])[0] * [1, 1, 1, 0.25],
        },
    }
    layer.edge_color = layer.face_color = "polarity"  # each makes both maps anew
    for part, by_name in colors.items():
        # by name: a cycle would give the first colour to whatever is drawn first
        setattr(layer, f"{part}_color_cycle_map", by_name)
    layer.refresh_colors()


def _make_scribbles(image: Layer, axes: tuple[int, int]) -> Labels:
    layer = Labels(
        np.zeros(shape_of(image), np.uint8),
        name=f"{image.name} prompts: scribbles",
        colormap=DirectLabelColormap(
            color_dict={
                None: "transparent",
                0: "transparent",
                SCRIBBLE_POSITIVE: COLORS["positive"],
                SCRIBBLE_NEGATIVE: COLORS["negative"],
                # what is made of it is seen through it: it may be as large
                SCRIBBLE_MASK: transform_color(COLORS["mask"])[0] * [1, 1, 1, 0.35],
            }
        ),
        opacity=0.6,
        **transform_of(image),
    )
    layer.brush_size = _BRUSH_SIZE_PX
    return layer


def _make_preview(image: Layer, axes: tuple[int, int]) -> Labels:
    colors: dict[int | None, str] = {None: "transparent", 0: "transparent"}
    colors.update(zip(range(1, 256), cycle(_PREVIEW_COLORS), strict=False))
    layer = Labels(
        np.zeros(shape_of(image), np.uint8),
        name=f"{image.name} preview",
        colormap=DirectLabelColormap(color_dict=colors),
        opacity=0.6,
        **transform_of(image),
    )
    layer.editable = False  # it shows answers; what the user paints goes elsewhere
    return layer


def _make_target(image: Layer, axes: tuple[int, int]) -> Labels:
    return Labels(
        np.zeros(shape_of(image), np.uint16),
        name=f"{image.name} labels",
        **transform_of(image),
    )


def _make_cuts(image: Layer, axes: tuple[int, int]) -> Shapes:
    return Shapes(
        None,
        ndim=image.ndim,
        name=f"{image.name} cut",
        edge_color=COLORS["cut"],
        edge_width=_CUT_WIDTH_PX,
        **transform_of(image),
    )


def set_defaults(
    layer: Points | Shapes, polarity: str, axes: tuple[int, int] | None
) -> None:
    """Make the next prompt in `layer` have a polarity and plane axes.

    `feature_defaults` and not `current_properties`, which would rewrite the selected
    prompt, and the one just added is selected.
    """
    wanted: dict[str, Any] = {"polarity": polarity}
    if axes is not None:
        wanted["plane"] = axes_text(axes)
    current = layer.feature_defaults
    if any(
        name not in current or current[name].iloc[0] != value
        for name, value in wanted.items()
    ):
        kept = {name: current[name].iloc[0] for name in current if name not in wanted}
        layer.feature_defaults = {**kept, **wanted}
