"""Whether the user's own layers can play a part in a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels, Points, Shapes

from napari_segnext.errors import ImageError, LayerError
from napari_segnext.session.found import spans_of
from napari_segnext.session.layers import (
    METADATA_KEY,
    SCRIBBLES,
    SEEN_ROLES,
    transform_of,
    unwrapped,
)
from napari_segnext.session.planes import Affine, shape_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.layers import Layer

__all__ = ["adopt", "check_apart", "check_image", "check_writable", "lies_where"]

_LAYER_TYPES: dict[str, type[Layer]] = {
    "points": Points,
    "shapes": Shapes,
    "scribbles": Labels,
    "preview": Labels,
    "target": Labels,
    "cuts": Shapes,
}


def check_image(image: Any) -> Image:
    """Return `image` if a session can work on it.

    Raises
    ------
    ImageError
        If it is not an Image layer of two or more dimensions with pixels.
    """
    if not isinstance(image, Image):
        raise ImageError(
            f"A session needs an image layer, not {type(image).__name__}; "
            "choose the layer that shows your image."
        )
    if image.metadata.get(METADATA_KEY) in SEEN_ROLES:
        raise ImageError(
            f"The layer {image.name!r} shows what a model sees of an image; "
            "choose the image itself."
        )
    if image.ndim < 2 or not all(shape_of(image)):
        raise ImageError(
            f"The image {image.name!r} of shape {shape_of(image)} has no planes to "
            "segment; open one of two or more dimensions."
        )
    return image


def adopt(role: str, layer: Any, image: Layer) -> Layer:
    """Return the user's own `layer` for a role, if it can play it.

    Points and Shapes may have a transform of their own; their prompts are carried
    over through the world. A Labels layer must have the image's pixels; one without a
    place of its own, as files give it, is laid over the image.

    Raises
    ------
    LayerError
        If the layer is of another type, or of another shape or transform than the
        image; if labels cannot be written, or those for scribbles hold other values
        than scribbles have.
    """
    layer = unwrapped(layer)
    kind = _LAYER_TYPES[role]
    if not isinstance(layer, kind):
        raise LayerError(
            f"`{role}` must be a {kind.__name__} layer, "
            f"not {type(layer).__name__}; choose or make one."
        )
    if layer.ndim != image.ndim:
        raise LayerError(
            f"The layer {layer.name!r} has {layer.ndim} dimensions and the image "
            f"{image.ndim}; make one with {image.ndim}."
        )
    if isinstance(layer, Labels):
        check_writable(layer)
        if shape_of(layer) != shape_of(image):
            raise LayerError(
                f"The layer {layer.name!r} has shape {shape_of(layer)} and the image "
                f"{shape_of(image)}; choose one of the same shape."
            )
        if _has_no_place(layer):
            for name, value in transform_of(image).items():
                setattr(layer, name, value)
        if not lies_where(layer, image):
            raise LayerError(
                f"The layer {layer.name!r} lies elsewhere than the image (scale, "
                "translate, rotate, shear or affine differ); give it the image's."
            )
        if role == "scribbles":
            _check_strokes(layer)
    return layer


def _check_strokes(scribbles: Labels) -> None:
    """Refuse labels of objects: what is not a stroke would be painted over."""
    if not set(spans_of(scribbles.data)) <= set(SCRIBBLES):
        raise LayerError(
            f"The layer {scribbles.name!r} holds labels of objects; scribbles have 1 "
            "(object), 2 (background) and 3 (mask) only, so choose an empty layer. To "
            "start from one of its objects use Shift-F, or `add_label`."
        )


def check_apart(layers: Mapping[str, Layer]) -> None:
    """Check that no layer has two roles: one would be painted over with the other.

    Raises
    ------
    LayerError
        If one has.
    """
    roles: dict[int, str] = {}
    for role, layer in layers.items():
        other = roles.setdefault(id(layer), role)
        if other != role:
            raise LayerError(
                f"The layer {layer.name!r} cannot be both `{other}` and `{role}`; "
                "choose another one for either."
            )


def lies_where(layer: Layer, image: Layer) -> bool:
    """Whether a layer has the transform of the image."""
    return Affine.data_to_world(layer).is_close_to(Affine.data_to_world(image))


def _has_no_place(layer: Layer) -> bool:
    place = Affine.data_to_world(layer)
    is_identity = place.is_close_to(Affine(np.eye(layer.ndim), np.zeros(layer.ndim)))
    return is_identity and all(str(unit) == "pixel" for unit in layer.units)


def check_writable(target: Labels) -> None:
    """Check that masks can be written into a Labels layer.

    Raises
    ------
    LayerError
        If it is multiscale, computed lazily, in a foreign byte order, read-only or
        locked.
    """
    data = target.data
    name = target.name
    if target.multiscale:
        raise LayerError(
            f"The labels {name!r} are multiscale and cannot be written; "
            "add their full-resolution level as a layer of its own."
        )
    if not hasattr(data, "__setitem__") or type(data).__module__.startswith("dask"):
        raise LayerError(
            f"The labels {name!r} are computed lazily and cannot be written; "
            "load them into memory (numpy) or into a zarr array first."
        )
    if not getattr(data.dtype, "isnative", True):
        # napari itself, its brush too, writes 256 for 1 into such arrays of uint16
        raise LayerError(
            f"The labels {name!r} have a byte order ({data.dtype}) that napari writes "
            f"wrongly; first do layer.data = layer.data.astype({data.dtype.name!r})."
        )
    flags = getattr(data, "flags", None)
    if getattr(data, "read_only", False) or (
        flags is not None and not getattr(flags, "writeable", True)
    ):
        raise LayerError(
            f"The labels {name!r} are read-only; make a copy of them and use that."
        )
    if not target.editable:
        raise LayerError(
            f"The labels {name!r} are locked; unlock them, or choose other labels."
        )
