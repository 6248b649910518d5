"""Write a benchmark down: CSV files, plots and a page of tables."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segnext.evaluation.baselines import available_methods
from napari_segnext.evaluation.figures import (
    BASELINES_REACH,
    MEAN,
    by_set,
    mean_after,
)
from napari_segnext.evaluation.plotting import new_figure, save_figure, unwritable
from napari_segnext.evaluation.prompting import KINDS
from napari_segnext.evaluation.tables import (
    VIEW_NAMES,
    baselines_by_set,
    make_tables,
    view_figures,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from napari_segnext.evaluation.benchmark import ItemScores, Settings

__all__ = ["NO_GRABCUT", "ObjectsFile", "make_page", "plot_all", "write_tables"]

NO_GRABCUT = (
    "GrabCut was left out because OpenCV is not installed; "
    "`pip install opencv-python-headless` brings it."
)
_OBJECT_COLUMNS = ("set", "image", "label", "view", "area_px")


class ObjectsFile:
    """One line per object and view, written as soon as an image is measured.

    Parameters
    ----------
    folder : Path
        Receives ``objects.csv``.
    max_clicks : int
        Number of columns ``iou_1``, ``iou_2``, ...

    Raises
    ------
    SegNextError
        If the file cannot be written.
    """

    def __init__(self, folder: Path, max_clicks: int) -> None:
        columns = [f"iou_{click}" for click in range(1, max_clicks + 1)]
        prompts = [f"prompt_{kind}" for kind in KINDS]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # closed by `close`; a context manager would hold all of the run
            path = folder / "objects.csv"
            self._file = path.open("w", newline="", encoding="utf-8")
        except OSError as error:
            raise unwritable(folder, error, "folder") from error
        self._max_clicks = max_clicks
        self._writer = csv.writer(self._file)
        self._writer.writerow(
            [*_OBJECT_COLUMNS, *prompts, "rough_mask", "boundary_iou_last", *columns]
        )

    def add(self, scores: ItemScores) -> None:
        """Write the objects of one image."""
        for one in scores.objects:
            facts = (one.label, one.view, one.area_px)
            prompts = [one.prompt_ious.get(kind) for kind in KINDS]
            figures = [*prompts, one.rough_iou, one.boundary_ious[-1], *one.ious]
            row = [scores.item.set_name, scores.item.name, *facts]
            row += [_number(value) for value in figures]
            row += [""] * (self._max_clicks - len(one.ious))
            self._writer.writerow(row)
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def write_tables(
    folder: Path, results: Sequence[ItemScores], settings: Settings
) -> None:
    """Write ``summary.csv``, ``transfer.csv`` and ``baselines.csv``.

    Files that would be empty are not written.

    Raises
    ------
    SegNextError
        If a file cannot be written.
    """
    summary = [
        [view, name, key, _number(value)]
        for view in settings.views
        for name, figures in view_figures(results, view, settings).items()
        for key, value in figures.items()
    ]
    _write_csv(folder / "summary.csv", ["view", "set", "figure", "value"], summary)
    transfers = [
        [
            *(one.item.set_name, one.item.index, it.label, it.area_px),
            *map(_number, (it.iou, it.copied_iou, it.carried_iou)),
        ]
        for one in results
        for it in one.transfers
    ]
    ious = ["iou", "copied_iou", "carried_iou"]
    header = ["set", "slice", "label", "area_px", *ious]
    _write_csv(folder / "transfer.csv", header, transfers)
    baselines = [
        [one.item.set_name, one.item.name, it.label, it.method, *map(_number, it.ious)]
        for one in results
        for it in one.baselines
    ]
    clicks = [f"iou_{click}" for click in range(1, settings.rule.max_clicks + 1)]
    header = ["set", "image", "label", "method", *clicks]
    _write_csv(folder / "baselines.csv", header, baselines)


def make_page(
    results: Sequence[ItemScores], settings: Settings, model: str, data: str
) -> str:
    """Return all tables as one Markdown page.

    Parameters
    ----------
    results : sequence of ItemScores
        Of all images.
    settings : Settings
        What was measured.
    model, data : str
        What was measured on what, in a few words.
    """
    rule = settings.rule
    objects = (
        "all objects"
        if settings.objects is None
        else (f"at most {settings.objects} objects")
    )
    failed = [one for one in results if one.error]
    lines = [
        f"# Benchmark of {model}",
        "",
        f"{data}: {len(results)} images, {objects} of 40 px or more per image (seed "
        f"{settings.seed}). At most {rule.max_clicks} clicks; an object is left alone "
        f"at an IoU of {rule.target_iou:g}, or after {rule.enough_clicks} clicks once "
        f"it has reached {rule.enough_iou:g}.",
        "",
        "What each figure means is said in docs/evaluation.md.",
        "",
    ]
    lines += [f"{table.markdown}\n" for table in make_tables(results, settings)]
    if settings.baselines and "GrabCut" not in available_methods():
        lines += [NO_GRABCUT, ""]
    if failed:
        lines += [f"## {len(failed)} images could not be measured to their end", ""]
        lines += [f"- {it.item.set_name}, {it.item.name}: {it.error}" for it in failed]
        lines.append("")
    return "\n".join(lines)


def plot_all(
    folder: Path, results: Sequence[ItemScores], settings: Settings
) -> list[str]:
    """Draw ``clicks.png``, ``prompts.png`` and, where measured, ``baselines.png``.

    Returns
    -------
    list of str
        Names of the files.

    Raises
    ------
    SegNextError
        If matplotlib is missing or a file cannot be written.
    """
    views = settings.views
    needs = "The tables were written; plots need"
    clicks = new_figure(6 * len(views), 4.5, needs)
    prompts = new_figure(8, 4 * len(views), needs)
    for number, view in enumerate(views, start=1):
        _draw_clicks(clicks.add_subplot(1, len(views), number), results, view, settings)
        _draw_prompts(
            prompts.add_subplot(len(views), 1, number), results, view, settings
        )
    figures = {"clicks.png": clicks, "prompts.png": prompts}
    has_baselines = any(one.baselines for one in results)
    if has_baselines and settings.rule.knows(BASELINES_REACH):
        figures["baselines.png"] = new_figure(8, 4, needs)
        _draw_baselines(figures["baselines.png"].add_subplot(), results, settings)
    for name, figure in figures.items():
        save_figure(figure, folder / name)
    return list(figures)


def _draw_clicks(
    axes: Axes, results: Sequence[ItemScores], view: str, settings: Settings
) -> None:
    """Mean IoU over the number of clicks, a line for each set."""
    # later than this some objects were left alone
    last = min(settings.rule.max_clicks, settings.rule.enough_clicks)
    numbers = range(1, last + 1)
    lines = []
    for column in by_set(results):
        curves = [x.ious for it in column.items for x in it.objects if x.view == view]
        if column.counts and curves:
            lines.append([mean_after(curves, number) for number in numbers])
            label = f"{column.name} ({len(curves)})"
            axes.plot(numbers, lines[-1], marker="o", markersize=3, label=label)
    if len(lines) > 1:
        axes.plot(numbers, np.mean(lines, axis=0), "k--", linewidth=2, label=MEAN)
    axes.set(xlabel="clicks", ylabel="mean IoU", ylim=(0, 1), title=VIEW_NAMES[view])
    axes.set_xticks(list(numbers))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")


def _draw_prompts(
    axes: Axes, results: Sequence[ItemScores], view: str, settings: Settings
) -> None:
    """Mean IoU after one prompt, a group of bars for each set."""
    found = view_figures(results, view, settings)
    counted = {it.name for it in by_set(results) if it.counts} | {MEAN}
    names = [name for name in found if name in counted]
    width = 0.8 / len(KINDS)
    for number, kind in enumerate(KINDS):
        places = np.arange(len(names)) + (number - (len(KINDS) - 1) / 2) * width
        heights = [found[name][f"prompt_{kind}"] for name in names]
        axes.bar(places, heights, width * 0.9, label=kind)
    axes.set(ylabel="mean IoU after one prompt", ylim=(0, 1), title=VIEW_NAMES[view])
    axes.set_xticks(range(len(names)), names)
    axes.grid(axis="y", alpha=0.3)
    axes.legend(ncols=len(KINDS), loc="upper center", bbox_to_anchor=(0.5, -0.08))


def _draw_baselines(
    axes: Axes, results: Sequence[ItemScores], settings: Settings
) -> None:
    """Clicks to an IoU of 0.85, a group of bars for each set."""
    found = baselines_by_set(results, settings)
    methods = list(next(iter(found.values())))
    width = 0.8 / len(methods)
    for number, method in enumerate(methods):
        places = np.arange(len(found)) + (number - (len(methods) - 1) / 2) * width
        heights = [of[method]["noc_0.85"] for of in found.values()]
        axes.bar(places, heights, width * 0.9, label=method)
    axes.set(ylabel="clicks to an IoU of 0.85")
    axes.set_xticks(range(len(found)), list(found))
    axes.grid(axis="y", alpha=0.3)
    axes.legend()


def _write_csv(path: Path, header: list[str], rows: Iterable[list[Any]]) -> None:
    rows = list(rows)
    if not rows:
        return
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *rows])
    except OSError as error:
        raise unwritable(path, error, "folder") from error


def _number(value: float | None) -> str:
    return "" if value is None or np.isnan(value) else f"{value:.6f}"
