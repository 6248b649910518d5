"""Features of prompt layers put right, and polarity made visible without colour.

Users edit the features table, assign it wholesale, or leave columns out; napari itself
leaves a row behind when a polygon is given up half drawn. After `mend` every row has
the columns of a prompt, of types that take every polarity.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from napari.layers import Points, Shapes

from napari_segnext.session.layers import POLARITIES, axes_text, colour_by_polarity

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["dress", "mend"]

_SYMBOLS = {"positive": "disc", "negative": "x"}


def mend(layer: Points | Shapes, axes: tuple[int, int], is_ours: bool) -> None:
    """Give every row of the features what a prompt needs.

    What is missing becomes positive; words that are no polarity stay, for the user to
    see. Other columns stay as they are.

    Parameters
    ----------
    layer : Points or Shapes
        The prompt layer.
    axes : (int, int)
        Axes of planes, for points that do not say.
    is_ours : bool
        Whether the session made the layer, so that polarity gives its colours.
    """
    features = layer.features
    count = len(layer.data)
    polarity = _polarities(features.get("polarity", ()), count)
    # a shape tells its plane by its geometry, a point does not
    text = axes_text(axes) if isinstance(layer, Points) else ""
    plane = _planes(features.get("plane", ()), count, text)
    if (
        len(features) == count
        and _is_same(features.get("polarity"), polarity)
        and _is_same(features.get("plane"), plane)
    ):
        return
    gives_colour = is_ours and _gives_colour(layer)
    if gives_colour:
        _unbind(layer)
    if isinstance(layer, Shapes):
        _drop_colours_left_behind(layer, count)
    others = features.iloc[:count].drop(columns=["polarity", "plane"], errors="ignore")
    layer.features = others.reindex(range(count)).assign(polarity=polarity, plane=plane)
    if gives_colour:
        colour_by_polarity(layer)


def _gives_colour(layer: Points | Shapes) -> bool:
    """Whether polarity gives the colours, or gave them until its column was lost."""
    if "polarity" not in layer.features:
        return True
    if isinstance(layer, Points):
        return str(layer.face_color_mode) == "cycle"
    return str(layer.edge_color_mode) == "cycle"


def _unbind(layer: Points | Shapes) -> None:
    """Give plain colours: napari cannot map a column whose type changes."""
    layer.face_color = "transparent"
    if isinstance(layer, Shapes):
        layer.edge_color = "white"


def dress(layer: Points | Shapes) -> None:
    """Show the polarity of every prompt of a layer: by colour, points by symbol too.

    Nothing is changed where all is right already.
    """
    words = [str(word) for word in layer.features["polarity"]]
    if isinstance(layer, Points):
        wanted = [_SYMBOLS.get(word, "ring") for word in words]
        if [str(symbol) for symbol in layer.symbol] != wanted:
            layer.symbol = wanted
    elif layer.edge_color_mode == "cycle" and layer.nshapes:
        colours = layer.edge_color_cycle_map
        known = [
            (index, colours[word])
            for index, word in enumerate(words)
            if word in colours
        ]
        if any(not np.allclose(layer.edge_color[at], colour) for at, colour in known):
            layer.refresh_colors()


def _polarities(column: Iterable[Any], count: int) -> pd.Series[Any]:
    words = [_word(value) for value in column][:count]
    words += ["positive"] * (count - len(words))
    others = sorted(set(words) - set(POLARITIES))
    # a category for either polarity: without it napari would make the next one NaN
    kind = pd.CategoricalDtype([*POLARITIES, *others])
    return pd.Series(words, dtype=kind)


def _word(value: Any) -> str:
    text = "" if pd.isna(value) else str(value).strip()
    if not text:
        return "positive"
    return text.lower() if text.lower() in POLARITIES else text


def _planes(column: Iterable[Any], count: int, text: str) -> pd.Series[Any]:
    planes = ["" if pd.isna(value) else str(value) for value in column][:count]
    return pd.Series(planes + [text] * (count - len(planes)), dtype=object)


def _is_same(column: pd.Series[Any] | None, wanted: pd.Series[Any]) -> bool:
    return (
        column is not None
        and column.dtype == wanted.dtype
        and list(column) == list(wanted)
    )


def _drop_colours_left_behind(layer: Shapes, count: int) -> None:
    """Forget the colours of shapes that were given up half drawn.

    napari 0.9 keeps them, and gives them to the next shape; they are private.
    """
    view = layer._data_view
    view._edge_color = view._edge_color[:count]
    view._face_color = view._face_color[:count]
