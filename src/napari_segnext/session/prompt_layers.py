"""Points and Shapes layers -> prompts; the way back is in `prompt_writing`.

A row is one point or one shape. It reads as a plane and a prompt, or as nothing where
it makes no sense (outside the image, not on one plane, of no area).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from napari_segnext.core.prompt_map import check_prompts
from napari_segnext.core.prompts import Box, Click, Polygon, Prompts, Scribble
from napari_segnext.errors import PromptError
from napari_segnext.session.layers import POLARITIES
from napari_segnext.session.planes import (
    SAME_PX,
    Affine,
    PlaneKey,
    plane_of_points,
    shape_of,
    varying_axes,
)

if TYPE_CHECKING:
    import numpy.typing as npt
    from napari.layers import Layer, Points, Shapes

    from napari_segnext.core.prompts import Prompt

    Row = tuple[PlaneKey, Prompt]
    Outlined = Box | Polygon | Scribble

    _P = TypeVar("_P", bound=Prompt)

__all__ = [
    "Reading",
    "read_points",
    "read_shapes",
    "take_over",
]

_ELLIPSE_VERTICES = 48


@dataclass(slots=True)
class Reading:
    """What a Points or Shapes layer says.

    Parameters
    ----------
    rows : list of (PlaneKey, Prompt) or None
        One for every point or shape; None where it makes no sense.
    complaints : list of str
        Why, one sentence for each of those.
    """

    rows: list[Row | None] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def by_plane(self) -> dict[PlaneKey, list[Prompt]]:
        """Return the prompts of every plane, in the order of the layer."""
        result: dict[PlaneKey, list[Prompt]] = {}
        for row in self.rows:
            if row is not None:
                result.setdefault(row[0], []).append(row[1])
        return result


def read_points(layer: Points, image: Layer, axes: tuple[int, int]) -> Reading:
    """Read clicks from a Points layer.

    Parameters
    ----------
    layer : Points
        May have another transform than the image.
    image : Layer
        The image they are meant for.
    axes : (int, int)
        Axes of planes, for points whose features do not say.
    """
    reading = Reading()
    if not len(layer.data):
        return reading
    points = Affine.between(layer, image)(layer.data)
    for position, (polarity, plane_text) in zip(points, _said(layer), strict=True):
        _append(
            reading,
            position[None],
            _axes_of(plane_text, image.ndim) or axes,
            image,
            lambda flat, polarity=polarity: Click(
                flat[0, 0], flat[0, 1], _is_positive(polarity)
            ),
        )
    return reading


def read_shapes(layer: Shapes, image: Layer, axes: tuple[int, int]) -> Reading:
    """Read boxes, polygons and scribbles from a Shapes layer.

    Upright rectangles are boxes; turned ones, ellipses and polygons are polygons;
    lines and paths are scribbles as wide as their edge. See `read_points`.
    """
    reading = Reading()
    to_image = Affine.between(layer, image)
    rows = zip(
        layer.data, layer.shape_type, layer.edge_width, _said(layer), strict=True
    )
    for vertices, kind, width, (polarity, plane_text) in rows:
        points = to_image(vertices)
        own_axes = _axes_of(plane_text, image.ndim) or varying_axes(points, axes)
        # along the layer's axes: those of the image, but for a turned layer
        width_px = width * to_image.magnification(own_axes)
        _append(
            reading,
            points,
            own_axes,
            image,
            lambda flat, kind=kind, width=width_px, polarity=polarity: _shape_prompt(
                flat, kind, width, _is_positive(polarity)
            ),
        )
    return reading


def _append(
    reading: Reading,
    points: npt.NDArray[np.float64],
    axes: tuple[int, int],
    image: Layer,
    make: Any,
) -> None:
    try:
        plane = plane_of_points(points, axes)
        shape = shape_of(image)
        if not plane.is_in(shape):
            raise PromptError("A prompt lies outside the image; place it inside.")
        prompt = make(plane.drop(points))
        check_prompts(Prompts().add(prompt), plane.shape_in(shape))
    except PromptError as error:
        reading.rows.append(None)
        reading.complaints.append(str(error))
    else:
        reading.rows.append((plane, prompt))


def _shape_prompt(
    flat: npt.NDArray[np.float64], kind: str, width_px: float, positive: bool
) -> Prompt:
    vertices = tuple((float(row), float(col)) for row, col in flat)
    if kind in ("line", "path"):
        return Scribble(vertices, positive, width_px)
    if kind == "rectangle" and _is_upright(flat):
        (row0, col0), (row1, col1) = flat.min(axis=0), flat.max(axis=0)
        return Box(row0, col0, row1, col1, positive)
    if kind == "ellipse":
        angles = np.linspace(0, 2 * np.pi, _ELLIPSE_VERTICES, endpoint=False)
        half_a, half_b = (flat[1] - flat[0]) / 2, (flat[3] - flat[0]) / 2
        outline = flat.mean(axis=0) + (
            np.cos(angles)[:, None] * half_a + np.sin(angles)[:, None] * half_b
        )
        vertices = tuple((float(row), float(col)) for row, col in outline)
    return Polygon(vertices, positive)


def _is_upright(corners: npt.NDArray[np.float64]) -> bool:
    sides = np.abs(np.diff(corners, axis=0, append=corners[:1]))
    return bool((sides.min(axis=1) < SAME_PX).all())


def _said(layer: Points | Shapes) -> list[tuple[str, str]]:
    """Polarity and plane axes of every row, as the features say."""
    features = layer.features
    columns = zip(features["polarity"], features["plane"], strict=True)
    return [(str(polarity), str(plane)) for polarity, plane in columns]


def _is_positive(polarity: str) -> bool:
    if polarity not in POLARITIES:
        raise PromptError(
            f"The polarity of a prompt is {polarity!r}; write 'positive' (the object) "
            "or 'negative' (the background)."
        )
    return polarity == "positive"


def _axes_of(text: str, ndim: int) -> tuple[int, int] | None:
    parts = text.split(",")
    if len(parts) != 2 or not all(part.strip().isdigit() for part in parts):
        return None
    row, col = sorted(int(part) for part in parts)
    return (row, col) if row < col < ndim else None


def take_over(
    now: dict[PlaneKey, Prompts],
    reading: Reading,
    kinds: tuple[type, ...],
    names: tuple[str, ...],
) -> None:
    """Put what a layer says in the place of the prompts of its kinds.

    Parameters
    ----------
    now : dict of PlaneKey to Prompts
        Changed in place. What stays keeps the order that it had.
    reading : Reading
        What the layer says.
    kinds, names : tuple
        The kinds of prompts in the layer, and their fields in `Prompts`.
    """
    read = reading.by_plane()
    for plane in dict.fromkeys([*now, *read]):
        before = now.get(plane, Prompts())
        left = list(read.get(plane, []))
        stayed = Prompts()
        for prompt in before:
            if not isinstance(prompt, kinds):
                continue
            if prompt in left:
                left.remove(prompt)
                stayed = stayed.add(prompt)
        after = stayed.add(*left)
        changed = replace(before, **{name: getattr(after, name) for name in names})
        if changed or plane in now:
            now[plane] = changed
