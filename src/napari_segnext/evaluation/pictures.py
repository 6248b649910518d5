"""Pictures of the objects on which a model did worst."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segnext.errors import SegNextError
from napari_segnext.evaluation.figures import by_set
from napari_segnext.evaluation.items import Reader
from napari_segnext.evaluation.metrics import iou, value_after
from napari_segnext.evaluation.plotting import new_figure, save_figure
from napari_segnext.evaluation.robot import play
from napari_segnext.evaluation.scoring import encode_near, object_crop, truth_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from napari_segnext.core.predictor import Predictor
    from napari_segnext.core.prompts import Click, Prompts
    from napari_segnext.evaluation.benchmark import ItemScores
    from napari_segnext.evaluation.figures import Column
    from napari_segnext.evaluation.items import Item

__all__ = ["CLICKS", "draw_worst", "find_worst"]

CLICKS = 3
_TRUTH, _ANSWER = "#56b4e9", "#e69f00"  # told apart by the colour-blind, too


def find_worst(column: Column, count: int) -> list[tuple[Item, int]]:
    """Objects with the lowest IoU on whole planes after three clicks, worst first.

    At most one of an image, so that one bad image does not hide the others.

    Parameters
    ----------
    column : Column
        A set and what was measured on its images.
    count : int
        How many.
    """
    worst: list[tuple[float, Item, int]] = []
    for one in column.items:
        found = [
            (value_after(it.ious, CLICKS), it.label)
            for it in one.objects
            if it.view == "plane"
        ]
        if found:
            value, label = min(found)
            worst.append((value, one.item, label))
    worst.sort(key=lambda it: it[0])
    return [(item, label) for _, item, label in worst[:count]]


def draw_worst(
    path: Path, results: Sequence[ItemScores], predictor: Predictor, count: int = 4
) -> None:
    """Draw each set's worst objects with their truth, three clicks and the answer.

    Parameters
    ----------
    path : Path
        Of the image file.
    results : sequence of ItemScores
        Of an evaluation that included whole planes.
    predictor : Predictor
        The model that was evaluated.
    count : int
        Objects of each set.

    Raises
    ------
    SegNextError
        If matplotlib is missing, whole planes were not measured, or the file cannot be
        written.
    """
    rows = [(it.name, find_worst(it, count)) for it in by_set(results) if it.counts]
    rows = [(name, worst) for name, worst in rows if worst]
    if not rows:
        raise SegNextError(
            "There is no object on a whole plane to draw; evaluate with --protocol "
            "planes or both."
        )
    figure = new_figure(2.4 * count, 2.7 * len(rows), "Pictures need")
    grid = figure.subplots(len(rows), count, squeeze=False)
    reader = Reader()
    for axes_row, (name, worst) in zip(grid, rows, strict=True):
        for axes in axes_row:
            axes.set_axis_off()
        for axes, (item, label) in zip(axes_row, worst, strict=False):
            _draw(axes, reader, predictor, item, label)
        axes_row[0].text(
            -0.06, 0.5, name, rotation=90, va="center", transform=axes_row[0].transAxes
        )
    save_figure(figure, path, dpi=100)


def _draw(
    axes: Axes, reader: Reader, predictor: Predictor, item: Item, label: int
) -> None:
    plane = reader.read(item)
    truth = truth_of(plane.labels, label)
    features = encode_near(predictor, plane.image, truth, plane.limits)
    clicks: Sequence[Click] = ()

    def answer(prompts: Prompts, last: Any) -> Any:
        nonlocal clicks
        clicks = prompts.clicks
        return predictor.predict(features, prompts, last)

    *_, (_, mask) = islice(play(answer, truth), CLICKS)
    rows, cols = _with_margin(object_crop(truth), truth.shape)
    extent = (cols.start - 0.5, cols.stop - 0.5, rows.stop - 0.5, rows.start - 0.5)
    axes.imshow(plane.rgb[rows, cols], extent=extent)
    for outlined, colour in ((truth > 0, _TRUTH), (mask, _ANSWER)):
        part = outlined[rows, cols]
        # one row or column has no outline to draw
        if part.any() and not part.all() and min(part.shape) > 1:
            axes.contour(
                np.arange(cols.start, cols.stop),
                np.arange(rows.start, rows.stop),
                part,
                levels=[0.5],
                colors=colour,
                linewidths=1.2,
            )
    for click in clicks:
        axes.plot(
            click.col,
            click.row,
            "+" if click.positive else "_",
            color="white",
            markeredgewidth=2,
        )
    axes.set_title(f"{item.name}\nIoU {iou(truth, mask):.2f}", fontsize=7)


def _with_margin(
    part: tuple[slice, slice], shape: tuple[int, ...]
) -> tuple[slice, slice]:
    """Half as much again on every side, inside the plane."""
    rows, cols = (
        slice(
            max(along.start - (along.stop - along.start) // 2, 0),
            min(along.stop + (along.stop - along.start) // 2, size),
        )
        for along, size in zip(part, shape, strict=True)
    )
    return rows, cols
