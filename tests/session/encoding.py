"""Predictors that tell what they encoded."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from fakes import TIMEOUT_S, DiskPredictor

import napari_segnext as ns
from napari_segnext.core.features import Features
from napari_segnext.core.windows import Window, first_look
from napari_segnext.errors import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = 16


def numbered(count: int, shape: tuple[int, int] = (40, 50)) -> np.ndarray:
    """A stack whose slices say which ones they are."""
    stack = np.zeros((count, *shape), np.uint16)
    stack += np.arange(count, dtype=np.uint16)[:, None, None]
    return stack


def number_of(features: Features) -> int:
    return int(features.plane.flat[0])


class WindowPredictor(DiskPredictor):
    """Looks through windows of 16 px; can encode them ahead; can be held up."""

    def __init__(self) -> None:
        super().__init__()
        self.prepared: list[tuple[int, Window]] = []
        self.opened: list[int] = []
        self.clicked: list[int] = []  # encoded because an answer needed it
        self.error: Exception | None = None
        self.started = threading.Semaphore(0)
        self.gate: threading.Semaphore | None = None
        self._changed = threading.Condition()

    def open(self, plane: Any, limits: Any = None, *, store: Any = None) -> Features:
        self.opened.append(int(np.asarray(plane).flat[0]))
        return Features(np.asarray(plane), ((0.0, 1.0),), "none")

    def prepare(
        self,
        features: Features,
        windows: Any = (),
        near: tuple[float, float] | None = None,
        *,
        should_stop: Callable[[], bool],
    ) -> None:
        self.started.release()
        if self.gate is not None:
            assert self.gate.acquire(timeout=TIMEOUT_S)
        if should_stop():
            raise Cancelled
        if self.error is not None:
            raise self.error
        assert near is not None
        for window in windows or [self._at(features, (*near, *near))]:
            if features.get(window) is None:
                features.put(window, (np.zeros(1000, np.uint8),))
            with self._changed:
                self.prepared.append((number_of(features), window))
                self._changed.notify_all()

    def predict(self, features: Any, prompts: Any, *args: Any, **options: Any) -> Any:
        click = prompts.clicks[-1]
        window = self._at(features, (click.row, click.col) * 2)
        if features.get(window) is None:
            self.clicked.append(number_of(features))
            features.put(window, (np.zeros(1000, np.uint8),))
        return super().predict(features, prompts, *args, **options)

    def wait_prepared(self, count: int) -> list[int]:
        """The first `count` slices that were encoded ahead, once they are."""
        with self._changed:
            assert self._changed.wait_for(
                lambda: len(self.prepared) >= count, TIMEOUT_S
            ), self.prepared
            return [number for number, _ in self.prepared[:count]]

    def let_go(self, count: int = 1) -> None:
        if self.gate is not None:
            self.gate.release(count)

    @staticmethod
    def _at(features: Features, bounds: Any) -> Window:
        return first_look(bounds, features.shape, SIZE)


class CountingNetwork:
    """The network of a model; counts how often it encodes."""

    def __init__(self, network: Any) -> None:
        self.network = network
        self.count = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.network, name)

    def encode(self, *args: Any) -> Any:
        self.count += 1
        return self.network.encode(*args)


def counting(model: Any) -> tuple[ns.Predictor, CountingNetwork]:
    """A predictor of a real model, and what counts its encodings."""
    network = CountingNetwork(model.network)
    return ns.Predictor(replace(model, network=network), device="cpu"), network


class Slow:
    """An array that is read when it is asked for; remembers which slices were."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array
        self.shape, self.dtype, self.ndim = array.shape, array.dtype, array.ndim
        self.read: list[int] = []
        self._lock = threading.Lock()

    def __getitem__(self, key: Any) -> np.ndarray:
        with self._lock:
            first = key[0] if isinstance(key, tuple) else key
            if isinstance(first, slice):
                self.read += range(*first.indices(self.shape[0]))
            else:
                self.read.append(int(first))
        return self.array[key]
