"""The features of a session's planes: in memory, on disk, and encoded ahead."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segnext.core.feature_store import (
    DEFAULT_DISK_BYTES,
    FeatureStore,
    default_folder,
)
from napari_segnext.core.features import FeatureCache
from napari_segnext.core.prompts import prompts_bounds
from napari_segnext.core.zarr_extra import NO_ZARR, has_zarr
from napari_segnext.errors import Cancelled, SegNextError
from napari_segnext.session.reading import Reader

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from pathlib import Path
    from types import EllipsisType

    from napari_segnext.core.features import Features
    from napari_segnext.core.prompts import Prompts
    from napari_segnext.session.planes import PlaneKey
    from napari_segnext.session.reading import Source

__all__ = ["Ahead", "CacheInfo", "PlaneFeatures", "middle_of"]

_MOST_WINDOWS = 3  # of one object: at its natural scale, closer, or further away


@dataclass(frozen=True, slots=True)
class CacheInfo:
    """What the features of a session take, and may take.

    Parameters
    ----------
    memory_bytes, memory_budget : int
        In memory, of this session.
    disk_bytes, disk_budget : int
        On disk, of all sessions that share the folder.
    folder : Path or None
        Where on disk; None where nothing is kept there.
    problem : str
        Why nothing is written to disk, one sentence; "" while all is well.
    """

    memory_bytes: int
    memory_budget: int
    disk_bytes: int
    disk_budget: int
    folder: Path | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Ahead:
    """What is to be encoded before anybody asks for it.

    Parameters
    ----------
    source : Source
        Where planes are read.
    origin : PlaneKey
        A plane on which the object was answered: its windows are the ones to encode.
    near : (row, col)
        Where the object is.
    planes : tuple of PlaneKey
        To be encoded, in this order.
    in_use : tuple of PlaneKey
        Whose features must not be dropped for that.
    """

    source: Source
    origin: PlaneKey
    near: tuple[float, float]
    planes: tuple[PlaneKey, ...]
    in_use: tuple[PlaneKey, ...]


class PlaneFeatures:
    """Handles to the planes of an image; `get` and `ahead` on the worker's thread."""

    def __init__(self) -> None:
        self._memory = FeatureCache()
        self._disk_budget = DEFAULT_DISK_BYTES
        self._why_none = ""
        self._store = self._new_store(default_folder())
        self._reader = Reader()
        self._version = 0

    @property
    def info(self) -> CacheInfo:
        """What is taken, and may be taken."""
        memory, store = self._memory, self._store
        return CacheInfo(
            memory.nbytes,
            memory.max_bytes,
            0 if store is None else store.nbytes,
            self._disk_budget,
            None if store is None else store.folder,
            self._why_none if store is None else store.problem,
        )

    def set(
        self,
        memory_budget: int | None = None,
        disk_budget: int | None = None,
        folder: str | os.PathLike[str] | EllipsisType | None = ...,
    ) -> None:
        """Change budgets and folder; see `Session.set_cache`."""
        for budget in (memory_budget, disk_budget):
            if budget is None:
                continue
            if not (
                isinstance(budget, int | float | np.number) and 0 <= budget < math.inf
            ):
                raise SegNextError(
                    f"A budget is a number of bytes, not {budget!r}; give 0 or more."
                )
        if memory_budget is not None:
            self._memory.max_bytes = int(memory_budget)
            self._memory.trim()
        if disk_budget is not None:
            self._disk_budget = int(disk_budget)
        if folder is not ...:
            store = self._new_store(folder)
            if store is not None:
                store.check()
            self.close()
            self._store = store
            self._memory.clear()  # handles write where they were told to
        if self._store is not None and self._store.max_bytes != self._disk_budget:
            self._store.max_bytes = self._disk_budget
            self._store.trim()

    def warm(self, should_stop: Callable[[], bool]) -> None:
        """Import what the disk needs, which takes a while, before a click needs it."""
        if self._store is not None:
            import zarr.codecs  # noqa: F401

    def close(self) -> None:
        """Write no more to disk than what waits already."""
        if self._store is not None:
            self._store.close()

    def flush(self) -> None:
        """Wait until disk has what is there to be written."""
        if self._store is not None:
            self._store.flush()

    def get(
        self,
        predictor: Any,
        source: Source,
        plane: PlaneKey,
        near: tuple[float, float] | None,
        should_stop: Callable[[], bool],
    ) -> Features:
        """Return a handle to a plane; see `Engine.features`."""
        if source.version != self._version:
            self._memory.clear()
            self._version = source.version
        self._memory.trim()  # what was handed out before has grown since
        features = self._memory.get(plane)
        if features is None:
            pixels, limits = self._reader.pixels(source, plane)
            if _opens(predictor):  # a prediction encodes what it needs, no more
                features = predictor.open(pixels, limits, store=self._store)
            else:
                features = predictor.encode(
                    pixels, limits, near, should_stop=should_stop
                )
            self._memory.put(plane, features)
        return features

    def ahead(
        self, predictor: Any, wanted: Ahead, should_stop: Callable[[], bool]
    ) -> None:
        """Encode planes as far as memory has room beside what is in use.

        Does nothing with a predictor that cannot encode one window by itself.

        Raises
        ------
        Cancelled
            If `should_stop` said so.
        """
        if wanted.source.version != self._version or not _opens(predictor):
            return
        in_use = {*wanted.in_use, wanted.origin}
        for plane in in_use:
            self._memory.get(plane)  # counts as used: others are dropped first
        origin = self._memory.get(wanted.origin)
        windows = [] if origin is None else _windows_at(origin, wanted.near)
        size = 0 if origin is None else origin.nbytes
        for plane in wanted.planes:
            if should_stop():
                raise Cancelled
            in_use.discard(plane)
            if self._memory.bytes_of(in_use) + size > self._memory.max_bytes:
                return
            features = self.get(predictor, wanted.source, plane, None, should_stop)
            predictor.prepare(features, windows, wanted.near, should_stop=should_stop)
            in_use.add(plane)
            size = features.nbytes
        self._memory.trim()

    def _new_store(self, folder: str | os.PathLike[str] | None) -> FeatureStore | None:
        self._why_none = "" if folder is None or has_zarr() else NO_ZARR
        if folder is None or self._why_none:
            return None
        return FeatureStore(folder, self._disk_budget)


def middle_of(prompts: Prompts) -> tuple[float, float]:
    """Return the (row, col) around which prompts lie."""
    masks = () if prompts.mask is None else (prompts.mask,)
    row0, col0, row1, col1 = prompts_bounds((*prompts, *masks))
    return (row0 + row1) / 2, (col0 + col1) / 2


def _opens(predictor: Any) -> bool:
    return hasattr(predictor, "open") and hasattr(predictor, "prepare")


def _windows_at(features: Features, near: tuple[float, float]) -> list[Any]:
    """Return the windows used last through which a place was looked at."""
    row, col = near
    windows = [
        window
        for window in features.windows
        if window.row <= row < window.row + window.height
        and window.col <= col < window.col + window.width
    ]
    return windows[-_MOST_WINDOWS:]
