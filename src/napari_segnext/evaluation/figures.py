"""From the scores of objects to the figures of sets, and their mean over sets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_segnext.evaluation.metrics import noc, nof, value_after
from napari_segnext.evaluation.prompting import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import numpy.typing as npt

    from napari_segnext.evaluation.benchmark import ItemScores
    from napari_segnext.evaluation.scoring import (
        ObjectScores,
        StopRule,
        TransferScores,
    )

    Figures = dict[str, float]

__all__ = [
    "AFTER_CLICKS",
    "BASELINES_REACH",
    "BOUNDARY_AFTER",
    "MEAN",
    "THRESHOLDS",
    "Column",
    "baseline_figures",
    "by_set",
    "click_figures",
    "falls",
    "figures_of",
    "mean_after",
    "mean_figures",
    "prompt_figures",
    "transfer_figures",
]

AFTER_CLICKS = (1, 2, 3, 5, 10)
THRESHOLDS = (0.8, 0.85, 0.9)
BOUNDARY_AFTER = (1, 5)
BASELINES_REACH = 0.85  # the IoU whose NoC is asked of classical tools
MEAN = "mean of sets"
_FALL = 0.02
_COUNTS = ("objects", "pairs")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Parameters
    ----------
    name : str
        Of a set, a group of sets, or the mean of all.
    items : tuple of ItemScores
        What it is made of; empty for the mean.
    counts : bool
        Whether it is one of those whose mean is taken.
    """

    name: str
    items: tuple[ItemScores, ...]
    counts: bool


def by_set(results: Iterable[ItemScores]) -> list[Column]:
    """Put images together: each set, and each group of several sets after its own."""
    groups: dict[str, dict[str, list[ItemScores]]] = {}
    for one in results:
        sets = groups.setdefault(one.item.group, {})
        sets.setdefault(one.item.set_name, []).append(one)
    columns = []
    for group, sets in groups.items():
        if len(sets) == 1:
            ((name, alone),) = sets.items()
            columns.append(Column(name, tuple(alone), counts=True))
        else:
            columns += [
                Column(f"{group}/{name}", tuple(of), counts=False)
                for name, of in sets.items()
            ]
            everything = tuple(one for of in sets.values() for one in of)
            columns.append(Column(group, everything, counts=True))
    return columns


def figures_of(
    columns: Sequence[Column], measure: Callable[[tuple[ItemScores, ...]], Figures]
) -> dict[str, Figures]:
    """Column -> figure -> value, with the mean of sets last where there are several.

    A figure that is NaN for a set, because it was not measured there, does not enter
    the mean.
    """
    found = {column.name: measure(column.items) for column in columns}
    counted = [found[column.name] for column in columns if column.counts]
    if len(counted) > 1:
        found[MEAN] = mean_figures(counted)
    return found


def mean_figures(figures: Sequence[Figures]) -> Figures:
    """Mean of each figure over several sets, leaving out NaN; counts are added up."""
    return {
        name: sum(one[name] for one in figures)
        if name in _COUNTS
        else _mean([one[name] for one in figures])
        for name in figures[0]
    }


def mean_after(curves: Sequence[Sequence[float]], clicks: int) -> float:
    """Mean value after so many clicks; an object that was done counts with its last."""
    if not curves:
        return float("nan")
    return float(np.mean([value_after(curve, clicks) for curve in curves]))


def falls(curve: Sequence[float]) -> int:
    """Count the added clicks after which the IoU fell by more than 0.02."""
    return int(np.count_nonzero(-np.diff(curve) > _FALL))


def click_figures(objects: Sequence[ObjectScores], rule: StopRule) -> Figures:
    """All figures that follow from clicks alone.

    NoF is a share of the objects, hurting clicks are a share of the added clicks (all
    but the first), hurt objects a share of the objects.
    """
    curves = [one.ious for one in objects]
    nothing = float("nan")
    figures: Figures = {"objects": len(curves)}
    for clicks in AFTER_CLICKS:
        if clicks <= rule.max_clicks:
            figures[f"iou_{clicks}"] = mean_after(curves, clicks)
    for name, function in (("noc", noc), ("nof", nof)):
        for threshold in THRESHOLDS:
            value = nothing
            if curves and rule.knows(threshold):
                value = function(_arrays(curves), threshold, rule.max_clicks)
                value /= len(curves) if name == "nof" else 1
            figures[f"{name}_{threshold:.2f}"] = value
    for clicks in BOUNDARY_AFTER:
        if clicks <= rule.max_clicks:
            boundaries = [one.boundary_ious for one in objects]
            figures[f"boundary_iou_{clicks}"] = mean_after(boundaries, clicks)
    added = sum(len(curve) - 1 for curve in curves)
    fallen = [falls(curve) for curve in curves]
    figures["hurting_clicks"] = sum(fallen) / added if added else nothing
    figures["hurt_objects"] = (
        float(np.mean(np.array(fallen) > 0)) if curves else nothing
    )
    return figures


def prompt_figures(objects: Sequence[ObjectScores]) -> Figures:
    """Mean IoU after one prompt of each kind, and of the rough masks themselves."""
    figures = {}
    for kind in KINDS:
        values = [it.prompt_ious[kind] for it in objects if kind in it.prompt_ious]
        figures[f"prompt_{kind}"] = _mean(values)
    figures["rough_mask"] = _mean([it.rough_iou for it in objects])
    return figures


def transfer_figures(transfers: Sequence[TransferScores]) -> Figures:
    """Mean IoU of masks handed on to the next slice, copied, and propagated."""
    return {
        "pairs": len(transfers),
        "transfer": _mean([one.iou for one in transfers]),
        "copied": _mean([one.copied_iou for one in transfers]),
        "carried": _mean([one.carried_iou for one in transfers]),
    }


def baseline_figures(
    curves_of: Mapping[str, Sequence[Sequence[float]]], rule: StopRule
) -> dict[str, Figures]:
    """Compare tools; `clicks_ratio` is a tool's NoC@85 over that of "model".

    Parameters
    ----------
    curves_of : mapping of str to sequence
        Method -> IoU after each click of each object, the same objects for all;
        "model" is among them.
    rule : StopRule
        When objects were left alone; what it cuts short is NaN.

    Returns
    -------
    dict
        Method -> figures, in the order of `curves_of`.
    """
    result = {}
    for method, curves in curves_of.items():
        figures: Figures = {"objects": len(curves)}
        for clicks in (1, 3, 5, 10):
            is_known = clicks <= rule.max_clicks
            figures[f"iou_{clicks}"] = mean_after(curves if is_known else (), clicks)
        figures["noc_0.85"] = float("nan")
        if rule.knows(BASELINES_REACH):
            needed = noc(_arrays(curves), BASELINES_REACH, rule.max_clicks)
            figures["noc_0.85"] = needed
        result[method] = figures
    for figures in result.values():
        figures["clicks_ratio"] = figures["noc_0.85"] / result["model"]["noc_0.85"]
    return result


def _arrays(curves: Iterable[Sequence[float]]) -> list[npt.NDArray[np.float64]]:
    return [np.array(curve, np.float64) for curve in curves]


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")
