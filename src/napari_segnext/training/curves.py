"""The course of a run: loss and validation as CSV files and as a picture."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_segnext.errors import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    Row = dict[str, float]

__all__ = ["Curves", "write_whole"]

_SHOWN = {  # column of validation.csv -> name and line in the picture
    "score": ("score", "-"),
    "click1": ("1 click", ":"),
    "click3": ("3 clicks", ":"),
    "click5": ("5 clicks", ":"),
    "box": ("box", "--"),
    "mask": ("rough mask", "--"),
}


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file, whole or not at all.

    Raises
    ------
    CheckpointError
        If it cannot be written.
    """
    partial = path.with_name(f"{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        raise CheckpointError(
            f"'{path}' cannot be written ({error.strerror}); free some space, or "
            "choose another --out and copy checkpoint.pt there to go on."
        ) from error


@dataclass
class Curves:
    """Rows of ``loss.csv`` and ``validation.csv``; both begin with step and minutes.

    They are part of the checkpoint, so that a resumed run writes what it knew then.
    """

    losses: list[Row] = field(default_factory=list)
    scores: list[Row] = field(default_factory=list)

    def write(self, folder: Path) -> None:
        """Write ``loss.csv``, ``validation.csv`` and ``curves.png`` anew.

        Without matplotlib there is no picture; without validation no file of it.

        Raises
        ------
        CheckpointError
            If `folder` cannot be written to.
        """
        for name, rows in (("loss", self.losses), ("validation", self.scores)):
            if rows:
                write_whole(folder / f"{name}.csv", _as_csv(rows))
        if not self.losses:
            return
        try:
            picture = self._draw()
        except ImportError:
            return
        write_whole(folder / "curves.png", picture)

    def _draw(self) -> bytes:
        from matplotlib.figure import Figure  # no pyplot: no window, no global state

        figure = Figure(figsize=(9, 4))
        figure.subplots_adjust(left=0.08, right=0.98, bottom=0.13, wspace=0.25)
        left, right = figure.subplots(1, 2)
        left.plot(*_columns(self.losses, "loss"), color="tab:gray")
        left.set(xlabel="minutes", ylabel="loss")
        for column, (label, line) in _SHOWN.items():
            if self.scores:
                points = _columns(self.scores, column)
                width = 2.5 if column == "score" else 1.2
                right.plot(*points, line, label=label, linewidth=width)
        right.set(xlabel="minutes", ylabel="mean IoU on held-out objects")
        if self.scores:
            right.legend()
        else:
            right.text(
                0.5, 0.5, "no validation", ha="center", transform=right.transAxes
            )
        for axes in (left, right):
            axes.grid(alpha=0.3)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=120)
        return buffer.getvalue()


def _columns(rows: Sequence[Row], name: str) -> tuple[list[float], list[float]]:
    return [row["minutes"] for row in rows], [row[name] for row in rows]


def _as_csv(rows: Sequence[Row]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[-1]), restval="", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: f"{value:.6g}" for key, value in row.items()})
    return text.getvalue().encode()
