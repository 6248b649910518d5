"""Encoded planes, and a cache of them bounded by bytes."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    import numpy as np
    import numpy.typing as npt
    import torch

    from napari_segnext.core.feature_store import Shelf
    from napari_segnext.core.image import Limits
    from napari_segnext.core.windows import Window

__all__ = ["FeatureCache", "Features"]

DEFAULT_MEMORY_BYTES = 1024 * 2**20
MAX_WINDOW_BYTES = 256 * 2**20  # of all windows of one plane


class Features:
    """A handle to one encoded plane; made by :meth:`Predictor.encode`.

    Windows are encoded when a prediction needs them and kept up to 256 MiB, the least
    recently used going first; those that a store on disk has are read from there.
    That changes how long an answer takes, never the answer.

    Parameters
    ----------
    plane : array (H, W) or (H, W, C)
        Copied, so that later changes of the image do not mix into the answers.
    limits : sequence of (low, high)
        Contrast limits of each channel.
    model_digest : str
        Which weights the windows were encoded with.
    shelf : Shelf, optional
        Where windows of this model lie on disk.
    """

    def __init__(
        self,
        plane: npt.NDArray[np.generic],
        limits: Limits,
        model_digest: str,
        shelf: Shelf | None = None,
    ) -> None:
        self.plane = plane.copy()
        self.limits = limits
        self.model_digest = model_digest
        self._shelf = shelf
        self._windows: OrderedDict[Window, tuple[torch.Tensor, ...]] = OrderedDict()
        self._lock = Lock()

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the plane in pixels."""
        return self.plane.shape[0], self.plane.shape[1]

    @property
    def nbytes(self) -> int:
        """Bytes held: the plane and its encoded windows."""
        with self._lock:
            return self.plane.nbytes + self._window_bytes()

    @property
    def windows(self) -> tuple[Window, ...]:
        """The windows that are encoded now, the one used last at the end."""
        with self._lock:
            return tuple(self._windows)

    def get(self, window: Window) -> tuple[torch.Tensor, ...] | None:
        """Return the tensors of an encoded window, from memory or disk, or None."""
        with self._lock:
            tensors = self._windows.get(window)
            if tensors is not None:
                self._windows.move_to_end(window)
                return tensors
        if self._shelf is None:
            return None
        tensors = self._shelf.get(self._crop(window), self.limits, window)
        if tensors is not None:
            self._keep(window, tensors)
        return tensors

    def put(self, window: Window, tensors: tuple[torch.Tensor, ...]) -> None:
        """Keep the tensors of a window, dropping old ones beyond 256 MiB."""
        self._keep(window, tensors)
        if self._shelf is not None:
            self._shelf.put(self._crop(window), self.limits, window, tensors)

    def _keep(self, window: Window, tensors: tuple[torch.Tensor, ...]) -> None:
        with self._lock:
            self._windows[window] = tensors
            while len(self._windows) > 1 and self._window_bytes() > MAX_WINDOW_BYTES:
                self._windows.popitem(last=False)

    def _crop(self, window: Window) -> npt.NDArray[np.generic]:
        row0, col0, row1, col1 = window.region(self.shape)
        return self.plane[row0:row1, col0:col1]

    def _window_bytes(self) -> int:
        return sum(t.nbytes for tensors in self._windows.values() for t in tensors)


class FeatureCache:
    """Least recently used features go first once `max_bytes` are exceeded.

    Safe to use from several threads.

    Parameters
    ----------
    max_bytes : int
        Budget; the newest entry is kept even if it alone exceeds it. May be changed;
        :meth:`trim` then drops what is too much.
    """

    def __init__(self, max_bytes: int = DEFAULT_MEMORY_BYTES) -> None:
        self.max_bytes = max_bytes
        self._entries: OrderedDict[Hashable, Features] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        """Count the cached planes."""
        return len(self._entries)

    @property
    def nbytes(self) -> int:
        """Bytes held by all entries."""
        with self._lock:
            return self._total()

    def get(self, key: Hashable) -> Features | None:
        """Return the entry of `key`, or None; it counts as used now."""
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
            return self._entries.get(key)

    def put(self, key: Hashable, features: Features) -> None:
        """Keep `features`, dropping what was not used for longest."""
        with self._lock:
            self._entries[key] = features
            self._entries.move_to_end(key)
            self._trim()

    def bytes_of(self, keys: Iterable[Hashable]) -> int:
        """Return the bytes held by those of `keys` that are cached."""
        with self._lock:
            return sum(self._entries[k].nbytes for k in keys if k in self._entries)

    def trim(self) -> None:
        """Drop what no longer fits: entries grow as their windows are encoded."""
        with self._lock:
            self._trim()

    def clear(self) -> None:
        """Drop everything."""
        with self._lock:
            self._entries.clear()

    def _trim(self) -> None:
        sizes = {key: features.nbytes for key, features in self._entries.items()}
        total = sum(sizes.values())
        while len(self._entries) > 1 and total > self.max_bytes:
            key, _ = self._entries.popitem(last=False)
            total -= sizes[key]

    def _total(self) -> int:
        return sum(features.nbytes for features in self._entries.values())
