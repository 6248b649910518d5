"""What an evaluation found: figures, table, CSV and plot."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_segnext.errors import SegNextError
from napari_segnext.evaluation import metrics
from napari_segnext.evaluation.plotting import new_figure, save_figure, unwritable

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    import numpy.typing as npt

__all__ = ["Report", "ScoredObject"]

_THRESHOLDS = (0.8, 0.85, 0.9, 0.95)
_CLICKS = (1, 2, 3, 5, 10, 15, 20)


@dataclass(frozen=True, slots=True)
class ScoredObject:
    """One object of an evaluation.

    Parameters
    ----------
    image : int
        Index of its image, from 0.
    label : int
        Its id in the annotation.
    area_px : int
        Number of its pixels.
    boundary_iou : float
        Boundary IoU of the last answer.
    """

    image: int
    label: int
    area_px: int
    boundary_iou: float


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """IoU after each click of each object, and what follows from it.

    Parameters
    ----------
    ious : list of array of float32
        IoU after each click, one array per object. An object is left alone once it
        reaches `target_iou`, so the arrays differ in length.
    objects : list of ScoredObject
        Which objects these were.
    max_clicks : int
        Clicks an object may take.
    target_iou : float
        IoU at which an object is done.
    """

    ious: list[npt.NDArray[np.float32]]
    objects: list[ScoredObject]
    max_clicks: int
    target_iou: float

    def noc(self, threshold: float) -> float:
        """Mean number of clicks to reach an IoU of `threshold` (NoC@threshold).

        Raises
        ------
        SegNextError
            If objects were left alone before it could be known.
        """
        self._check(threshold)
        return metrics.noc(self.ious, threshold, self.max_clicks)

    def nof(self, threshold: float) -> int:
        """Count the objects that take all clicks or fail (NoF@threshold).

        Success exactly at the last click counts as a failure, as in the reference.

        Raises
        ------
        SegNextError
            If objects were left alone before it could be known.
        """
        self._check(threshold)
        return metrics.nof(self.ious, threshold, self.max_clicks)

    def mean_iou(self, clicks: int) -> float:
        """Mean IoU after `clicks` clicks, from 1 to `max_clicks`.

        An object that was done earlier counts with its last IoU.

        Raises
        ------
        SegNextError
            If there were not so many clicks.
        """
        whole = isinstance(clicks, (int, np.integer))
        if not whole or not 1 <= clicks <= self.max_clicks:
            raise SegNextError(
                f"There is no mean IoU after {clicks} clicks; "
                f"ask for a whole number from 1 to {self.max_clicks}."
            )
        values = [metrics.value_after(curve, int(clicks)) for curve in self.ious]
        return float(np.mean(values, dtype=np.float64))

    def mean_boundary_iou(self) -> float:
        """Mean boundary IoU of the objects' last answers."""
        return float(np.mean([one.boundary_iou for one in self.objects]))

    @property
    def table(self) -> str:
        """A few lines of text with the usual figures."""
        known = [t for t in _THRESHOLDS if not self._cut_short(t)]
        rows = [("objects", str(len(self.ious)))]
        rows += [
            (f"mean IoU after {k} click{'s' * (k > 1)}", f"{self.mean_iou(k):.4f}")
            for k in _CLICKS
            if k <= self.max_clicks
        ]
        rows.append(("mean boundary IoU at the end", f"{self.mean_boundary_iou():.4f}"))
        rows += [(f"NoC@{t:.0%}", f"{self.noc(t):.2f}") for t in known]
        rows += [(f"NoF@{t:.0%}", f"{self.nof(t)}") for t in known]
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"{name:<{width}}  {value:>8}" for name, value in rows)

    def __str__(self) -> str:
        """Return the table."""
        return self.table

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write one line per object: what it is, and the IoU after each click.

        Raises
        ------
        SegNextError
            If the file cannot be written.
        """
        columns = [f"iou_{click}" for click in range(1, self.max_clicks + 1)]
        try:
            with Path(path).open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(["image", "label", "area_px", "boundary_iou", *columns])
                for one, curve in zip(self.objects, self.ious, strict=True):
                    facts = (one.image, one.label, one.area_px, one.boundary_iou)
                    writer.writerow([*facts, *(f"{value:.6f}" for value in curve)])
        except OSError as error:
            raise unwritable(path, error) from error

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw the mean IoU over the number of clicks into an image file.

        Raises
        ------
        SegNextError
            If matplotlib is missing or the file cannot be written.
        """
        figure = new_figure(6, 4)
        from matplotlib.ticker import MaxNLocator

        clicks = np.arange(1, self.max_clicks + 1)
        axes = figure.add_subplot(
            xlabel="clicks",
            ylabel="IoU",
            ylim=(0, 1),
            title=f"{len(self.ious)} objects",
        )
        low, high = self._quartiles(clicks)
        axes.fill_between(clicks, low, high, alpha=0.2, label="middle half of objects")
        means = [self.mean_iou(int(click)) for click in clicks]
        axes.plot(clicks, means, marker="o", label="mean")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.legend(loc="lower right")
        save_figure(figure, path)

    def _quartiles(self, clicks: Sequence[int] | np.ndarray) -> np.ndarray:
        curves = [
            [metrics.value_after(curve, int(click)) for click in clicks]
            for curve in self.ious
        ]
        result: np.ndarray = np.percentile(curves, (25, 75), axis=0)
        return result

    def _cut_short(self, threshold: float) -> bool:
        """Whether some object was left alone before it reached `threshold`."""
        return any(
            len(curve) < self.max_clicks and curve[-1] < np.float32(threshold)
            for curve in self.ious
        )

    def _check(self, threshold: float) -> None:
        if not 0 < threshold <= 1:
            raise SegNextError(
                f"The IoU {threshold} is not above 0 and at most 1; ask for 0.9, say."
            )
        if self._cut_short(threshold):
            raise SegNextError(
                f"Objects were left alone at an IoU of {self.target_iou}, so it is not "
                f"known when they reach {threshold}; evaluate with "
                f"target_iou={threshold} or more."
            )
