"""The tables of a benchmark, as text for a terminal and as Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_segnext.evaluation.figures import (
    AFTER_CLICKS,
    BOUNDARY_AFTER,
    MEAN,
    THRESHOLDS,
    baseline_figures,
    by_set,
    click_figures,
    figures_of,
    mean_figures,
    prompt_figures,
    transfer_figures,
)
from napari_segnext.evaluation.prompting import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from napari_segnext.evaluation.benchmark import ItemScores, Settings
    from napari_segnext.evaluation.figures import Figures

    Row = tuple[str, str, Callable[[float], str]]  # key, name, how it is shown

__all__ = ["VIEW_NAMES", "Table", "baselines_by_set", "make_tables", "view_figures"]

VIEW_NAMES = {"plane": "whole planes", "crop": "object-centred crops"}


@dataclass(frozen=True, slots=True)
class Table:
    """A heading and rows of cells; the first cell of a row is its name."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def text(self) -> str:
        """For a terminal."""
        lines = [self.header, *self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        body = [
            "  ".join(
                cell.ljust(width) if number == 0 else cell.rjust(width)
                for number, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        ]
        return "\n".join([self.title, "-" * len(self.title), *body])

    @property
    def markdown(self) -> str:
        """For a page."""
        marks = ("---", *("---:" for _ in self.header[1:]))
        lines = [self.header, marks, *self.rows]
        body = ["| " + " | ".join(line) + " |" for line in lines]
        return "\n".join([f"## {self.title}", "", *body])


def view_figures(
    results: Iterable[ItemScores], view: str, settings: Settings
) -> dict[str, Figures]:
    """Figures of clicks and of first prompts: set -> name -> value.

    Parameters
    ----------
    results : iterable of ItemScores
        Of all images.
    view : {"plane", "crop"}
        Which of the two was given to the model.
    settings : Settings
        What was measured.
    """

    def measure(items: tuple[ItemScores, ...]) -> Figures:
        objects = [it for one in items for it in one.objects if it.view == view]
        return click_figures(objects, settings.rule) | prompt_figures(objects)

    return figures_of(by_set(results), measure)


def make_tables(results: Sequence[ItemScores], settings: Settings) -> list[Table]:
    """Every table of the report that there is something to put in."""
    tables = []
    for view in settings.views:
        found = view_figures(results, view, settings)
        where = VIEW_NAMES[view]
        tables.append(_table(f"Clicks on {where}", _click_rows(settings), found))
        rows: list[Row] = [(f"prompt_{it}", f"one {it}", _iou) for it in KINDS]
        rows.append(("rough_mask", "(the rough mask itself)", _iou))
        tables.append(_table(f"IoU after one prompt on {where}", rows, found))
    if any(one.transfers for one in results):
        columns = [it for it in by_set(results) if any(x.transfers for x in it.items)]
        found = figures_of(
            columns,
            lambda items: transfer_figures([x for it in items for x in it.transfers]),
        )
        rows = [
            ("pairs", "objects on two slices", _count),
            ("transfer", "previous slice's true mask as prompt: IoU", _iou),
            ("copied", "the mask merely copied: IoU", _iou),
            ("carried", "one step of propagation, which sees both: IoU", _iou),
        ]
        tables.append(_table("From slice to slice", rows, found))
    if any(one.baselines for one in results):
        tables.append(_baseline_table(results, settings))
    return tables


def baselines_by_set(
    results: Sequence[ItemScores], settings: Settings
) -> dict[str, dict[str, Figures]]:
    """Figures of the classical tools: set -> method -> name -> value."""
    found: dict[str, dict[str, Figures]] = {}
    for column in by_set(results):
        if not column.counts:
            continue
        curves: dict[str, list[Sequence[float]]] = {}
        for one in column.items:
            planes = {it.label: it.ious for it in one.objects if it.view == "plane"}
            for score in one.baselines:
                curves.setdefault(score.method, []).append(score.ious)
                if score.method == "model" and score.label in planes:
                    whole = curves.setdefault("model, whole planes", [])
                    whole.append(planes[score.label])
        if curves:
            found[column.name] = baseline_figures(curves, settings.rule)
    if len(found) > 1:
        methods = list(next(iter(found.values())))
        found[MEAN] = {
            method: mean_figures([of[method] for of in found.values() if method in of])
            for method in methods
        }
    return found


def _click_rows(settings: Settings) -> list[Row]:
    most = settings.rule.max_clicks
    rows: list[Row] = [("objects", "objects", _count)]
    rows += [
        (f"iou_{k}", f"mean IoU after {k} click{'s' * (k > 1)}", _iou)
        for k in AFTER_CLICKS
        if k <= most
    ]
    rows += [(f"noc_{t:.2f}", f"NoC@{t:.0%} (of {most})", _clicks) for t in THRESHOLDS]
    rows += [(f"nof_{t:.2f}", f"NoF@{t:.0%} (share)", _share) for t in THRESHOLDS]
    rows += [
        (f"boundary_iou_{k}", f"boundary IoU after {k} click{'s' * (k > 1)}", _iou)
        for k in BOUNDARY_AFTER
        if k <= most
    ]
    rows.append(("hurting_clicks", "added clicks that hurt", _share))
    rows.append(("hurt_objects", "objects hurt at least once", _share))
    return rows


def _table(title: str, rows: Sequence[Row], found: dict[str, Figures]) -> Table:
    return Table(
        title,
        ("", *found),
        tuple(
            (name, *(show(figures[key]) for figures in found.values()))
            for key, name, show in rows
        ),
    )


def _baseline_table(results: Sequence[ItemScores], settings: Settings) -> Table:
    shown = ("objects", "iou_1", "iou_3", "iou_5", "iou_10", "noc_0.85", "clicks_ratio")
    shows = (_count, *([_iou] * 4), _clicks, _ratio)
    rows = [
        (
            f"{name}: {method}",
            *(show(figures[key]) for key, show in zip(shown, shows, strict=True)),
        )
        for name, methods in baselines_by_set(results, settings).items()
        for method, figures in methods.items()
    ]
    header = ("", "objects", *(f"IoU after {k}" for k in (1, 3, 5, 10)), "NoC@85%")
    title = "Beside classical tools, on the same object-centred crops"
    return Table(title, (*header, "clicks / model's"), tuple(rows))


def _known(text: str, value: float) -> str:
    return "-" if np.isnan(value) else text


def _count(value: float) -> str:
    return f"{value:.0f}"


def _iou(value: float) -> str:
    return _known(f"{value:.3f}", value)


def _clicks(value: float) -> str:
    return _known(f"{value:.2f}", value)


def _share(value: float) -> str:
    return _known(f"{value:.1%}", value)


def _ratio(value: float) -> str:
    return _known(f"{value:.2f}x", value)
