"""Prompts -> Points and Shapes layers: rows are removed and appended, others stay."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from napari.layers import Shapes

from napari_segnext.core.prompts import Box, Click, Polygon, Scribble
from napari_segnext.session.layers import axes_text
from napari_segnext.session.planes import Affine, PlaneKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy.typing as npt
    from napari.layers import Layer, Points

    from napari_segnext.core.prompts import Prompt
    from napari_segnext.session.prompt_layers import Reading, Row

    Outlined = Box | Polygon | Scribble

    _P = TypeVar("_P", bound=Prompt)

_SHAPE_TYPES = {Box: "rectangle", Polygon: "polygon", Scribble: "path"}

__all__ = ["OwnRows", "write_points", "write_shapes"]


@dataclass(frozen=True, slots=True, eq=False)
class _OwnRow:
    features: dict[str, Any]
    kind: str = ""  # of a shape, and its vertices in data coordinates of the image
    vertices: npt.NDArray[np.float64] | None = None


class OwnRows:
    """What rows say beyond their prompts, kept while they are out of their layer.

    A point of the user's own has features, and an ellipse is more than the polygon
    that is read from it: undo is to bring them back as they were.
    """

    def __init__(self) -> None:
        self._rows: dict[Row, _OwnRow] = {}

    def put_away(
        self, layer: Points | Shapes, image: Layer, rows: list[tuple[int, Row]]
    ) -> None:
        """Keep rows of `layer`, each with its index, before they are removed."""
        to_image, table = Affine.between(layer, image), layer.features
        for index, row in rows:
            features = dict(table.iloc[index])
            if isinstance(layer, Shapes):
                vertices = to_image(layer.data[index])
                self._rows[row] = _OwnRow(features, layer.shape_type[index], vertices)
            else:
                self._rows[row] = _OwnRow(features)

    def features(self, row: Row) -> dict[str, Any]:
        """Return what the features of a row were, as far as that is known."""
        known = self._rows.get(row)
        return {} if known is None else known.features

    def shape(self, row: tuple[PlaneKey, Outlined]) -> tuple[Any, str]:
        """Return a shape's vertices in data coordinates of the image, and its type."""
        known = self._rows.get(row)
        if known is None or known.vertices is None:
            plane, prompt = row
            return plane.lift(prompt.vertices), _SHAPE_TYPES[type(prompt)]
        return known.vertices, known.kind


def _difference(
    rows: list[Row | None], wanted: Iterable[tuple[PlaneKey, _P]]
) -> tuple[list[tuple[int, Row]], list[tuple[PlaneKey, _P]]]:
    """Rows to remove, and prompts to append, so that a layer says what is wanted."""
    missing: Counter[Any] = Counter(wanted)
    superfluous = []
    for index, row in enumerate(rows):
        if row is None:
            continue
        if missing[row] > 0:
            missing[row] -= 1
        else:
            superfluous.append((index, row))
    return superfluous, list(missing.elements())


def write_points(
    layer: Points,
    image: Layer,
    reading: Reading,
    wanted: Iterable[tuple[PlaneKey, Click]],
    own: OwnRows,
) -> None:
    """Remove and append points until `layer` says what is wanted.

    Points that make no sense, and other columns of the features, stay.

    Parameters
    ----------
    layer : Points
        The layer.
    image : Layer
        The image that the prompts are for.
    reading : Reading
        What the layer says.
    wanted : iterable of (PlaneKey, Click)
        What it is to say.
    own : OwnRows
        Takes what is removed, and knows what was removed before.
    """
    to_layer = Affine.between(image, layer)

    def add(group: list[tuple[PlaneKey, Click]]) -> None:
        positions = [plane.lift((click.row, click.col)) for plane, click in group]
        layer.add(to_layer(np.concatenate(positions)))

    _rewrite(layer, image, reading, wanted, own, add)


def write_shapes(
    layer: Shapes,
    image: Layer,
    reading: Reading,
    wanted: Iterable[tuple[PlaneKey, Outlined]],
    own: OwnRows,
) -> None:
    """Remove and append shapes until `layer` says what is wanted.

    See `write_points`.
    """
    to_layer = Affine.between(image, layer)

    def add(group: list[tuple[PlaneKey, Outlined]]) -> None:
        shapes = [own.shape(row) for row in group]
        layer.add(
            [to_layer(vertices) for vertices, _ in shapes],
            shape_type=[kind for _, kind in shapes],
            edge_width=[
                prompt.width * to_layer.magnification(plane.displayed)
                if isinstance(prompt, Scribble)
                else layer.current_edge_width
                for plane, prompt in group
            ],
        )

    _rewrite(layer, image, reading, wanted, own, add)


def _rewrite(
    layer: Points | Shapes,
    image: Layer,
    reading: Reading,
    wanted: Iterable[tuple[PlaneKey, _P]],
    own: OwnRows,
    add: Callable[[list[tuple[PlaneKey, _P]]], None],
) -> None:
    """Remove what is not wanted, and `add` what is missing, alike rows together."""
    superfluous, missing = _difference(reading.rows, wanted)
    if not (superfluous or missing):
        return
    defaults = _defaults(layer)
    layer.selected_data = set()
    if superfluous:
        own.put_away(layer, image, superfluous)
        layer.remove([index for index, _ in superfluous])
    for group in _alike(missing, own):
        before = own.features(group[0])
        known = {name: before[name] for name in defaults if name in before}
        _set_row_defaults(layer, defaults | known, *group[0])
        add(group)
    layer.selected_data = set()
    layer.feature_defaults = defaults


def _alike(
    rows: list[tuple[PlaneKey, _P]], own: OwnRows
) -> list[list[tuple[PlaneKey, _P]]]:
    """Rows of the same features together: adding is what takes time."""
    groups: dict[Any, list[tuple[PlaneKey, _P]]] = {}
    for row in rows:
        features = tuple(map(str, own.features(row).values()))
        key = (row[1].positive, row[0].displayed, features)
        groups.setdefault(key, []).append(row)
    return list(groups.values())


def _defaults(layer: Points | Shapes) -> dict[str, Any]:
    return {name: values.iloc[0] for name, values in layer.feature_defaults.items()}


def _set_row_defaults(
    layer: Points | Shapes, defaults: dict[str, Any], plane: PlaneKey, prompt: Prompt
) -> None:
    layer.feature_defaults = {
        **defaults,
        "polarity": "positive" if prompt.positive else "negative",
        "plane": axes_text(plane.displayed),
    }
