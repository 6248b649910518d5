"""All objects as a table, with their volumes in physical units."""

from __future__ import annotations

import csv
import os
from contextlib import suppress
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from napari_segnext.errors import LayerError
from napari_segnext.session.measuring import pixel_size, time_axes
from napari_segnext.session.sizes import Sizes, measured
from napari_segnext.session.together import masks_apart
from napari_segnext.session.volume import Volume

__all__ = ["ObjectRow", "Table"]


@dataclass(frozen=True, slots=True)
class ObjectRow:
    """One object of the table.

    Parameters
    ----------
    label : int
        Its label, or the one it would get.
    slices : int
        How many slices it is on, parallel to the displayed one.
    keyed : int
        How many slices somebody prompted.
    volume : float
        Its size, in `unit`; of a movie: the mean of the time points that it is in.
    unit : str
        For instance "µm³"; "px²" for the area in a plane without a scale; "" where the
        layer has a scale without a unit.
    score : float or None
        Mean score of the slices that were made.
    state : {"open", "accepted", "found"}
        See `ObjectInfo`.
    reviewed : bool
        Whether somebody looked at it and found it good.
    """

    label: int
    slices: int
    keyed: int
    volume: float
    unit: str
    score: float | None
    state: str
    reviewed: bool


class Table(Volume):
    """The part of `Session` that lists the objects; see there."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._sizes = Sizes()

    def table(self) -> list[ObjectRow]:
        """List all objects, by label, with what is known of them.

        Returns
        -------
        list of ObjectRow
            Label, slices, size in the layer's units, score and state of each, and
            whether it is reviewed.
        """
        infos = self.objects
        size, unit = pixel_size(self._image)
        sizes = self._accepted_sizes()
        rows = []
        for label, info in sorted(infos.items()):
            if info.state == "open":
                slices, pixels = self._open_size(label)
            else:
                slices, pixels = sizes.get(label, (0, 0.0))
            scores = info.scores.values()
            score = float(np.mean(list(scores))) if scores else None
            volume = pixels * size
            keyed = len(info.keyed)
            about = (info.state, info.reviewed)
            rows.append(ObjectRow(label, slices, keyed, volume, unit, score, *about))
        return rows

    def export_table(self, path: str | os.PathLike[str]) -> Path:
        """Write the table to a CSV file: a line each, names of the columns first.

        Parameters
        ----------
        path : path
            The file; replaced if it is there.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        LayerError
            If it cannot be written. One that was there is as it was then.
        """
        rows = self.table()
        target = Path(os.fspath(path))
        draft = target.with_name(f".{target.name}.part")
        try:
            with draft.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(field.name for field in fields(ObjectRow))
                writer.writerows(astuple(row) for row in rows)
            draft.replace(target)
        except OSError as error:
            with suppress(OSError):
                draft.unlink()
            raise LayerError(
                f"The table cannot be written to {str(target)!r} "
                f"({error.strerror}); choose another file."
            ) from error
        return target

    def _open_size(self, label: int) -> tuple[int, float]:
        """Slices of an open object, and its pixels a time point."""
        shown = self._preview.masks
        current = self._history.state.object
        masks = {plane: shown[plane] for plane in current.planes if plane in shown}
        if current.labels:
            number = current.labels.index(label) + 1
            masks = masks_apart(masks, len(current.labels))[number]
        flat = [np.zeros(0, np.intp)]
        flat += [
            np.ravel_multi_index(
                plane.coordinates_of(mask.region, mask.crop), self._board.shape
            )
            for plane, mask in masks.items()
        ]
        pixels = np.unravel_index(np.unique(np.concatenate(flat)), self._board.shape)
        return measured(pixels, self._board.axes, time_axes(self._image))

    def _accepted_sizes(self) -> dict[int, tuple[int, float]]:
        return self._sizes.read(
            self._target.layer.data,
            self._target.labels,
            self._target.find,
            self._history.acts,
            self._board.axes,
            time_axes(self._image),
        )
