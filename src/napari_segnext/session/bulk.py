"""Whole layers as changes: made and written part by part, in bounded memory."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segnext.session.found import parts_of
from napari_segnext.session.pixels import PixelChange

if TYPE_CHECKING:
    import numpy.typing as npt

    IntArray = npt.NDArray[np.int64]

__all__ = ["MOST_PIXELS", "clearing", "write_in_bulk"]

# what is kept of a removed layer: at most so many labelled pixels, and a quarter of a
# gigabyte of runs while they are packed
MOST_PIXELS = 100_000_000
_MOST_RUNS = 8_000_000


def clearing(data: Any, most_pixels: int = MOST_PIXELS) -> PixelChange | None:
    """Return the change of all labelled pixels of an array to 0.

    Parameters
    ----------
    data : array
        Numpy, zarr or similar; read part by part along its first axis.
    most_pixels : int
        How many there may be.

    Returns
    -------
    PixelChange or None
        None if there are more.
    """
    tables: list[IntArray] = []
    start = pixels = runs = 0
    for part in parts_of(data):
        flat = np.asarray(part).ravel()
        table = _runs(flat)
        table[0] += start
        start += flat.size
        pixels += int(table[1].sum())
        runs += table.shape[1]
        if pixels > most_pixels or runs > _MOST_RUNS:
            return None
        tables.append(table)
    table = np.concatenate(tables, axis=1)
    del tables
    shape = tuple(int(size) for size in data.shape)
    return PixelChange(shape, zlib.compress(table.astype("<i8").tobytes(), 1))


def _runs(flat: npt.NDArray[Any]) -> IntArray:
    """Return the table of a `PixelChange` that makes all values of `flat` 0."""
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    starts = np.concatenate([[0], edges]).astype(np.int64)
    lengths = np.diff(np.append(starts, flat.size))
    values = flat[starts].astype(np.int64)
    kept = values != 0
    zeros = np.zeros(int(kept.sum()), np.int64)
    return np.stack([starts[kept], lengths[kept], values[kept], zeros])


def write_in_bulk(data: Any, change: PixelChange) -> None:
    """Write a change, part by part, where the pixels have their value before it.

    Nothing is refreshed and no undo step of napari's is made.
    """
    starts, lengths, before, after = change.table
    stops = starts + lengths
    is_plane = len(change.shape) == 2
    size = int(np.prod(change.shape[0 if is_plane else 1 :]))
    for index in range(1 if is_plane else change.shape[0]):
        low, high = index * size, (index + 1) * size
        # runs may go on from one part to the next
        here = slice(
            int(np.searchsorted(stops, low, "right")),
            int(np.searchsorted(starts, high, "left")),
        )
        if here.start >= here.stop:
            continue
        begin = np.maximum(starts[here], low) - low
        counts = np.minimum(stops[here], high) - low - begin
        skipped = np.repeat(begin - np.append(0, np.cumsum(counts)[:-1]), counts)
        pixels = skipped + np.arange(int(counts.sum()))
        part = np.array(data if is_plane else data[index])
        flat = part.reshape(-1)
        same = flat[pixels] == np.repeat(before[here], counts)
        new = np.repeat(after[here], counts)
        flat[pixels[same]] = new[same].astype(flat.dtype)
        if is_plane:
            data[:] = part
        else:
            data[index] = part
