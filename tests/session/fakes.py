"""Small predictors whose answers can be worked out by hand."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segnext.core.prompts import Box, Click, Polygon, Prompts
from napari_segnext.core.seen import Seen
from napari_segnext.errors import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TIMEOUT_S = 20
RADIUS_PX = 4


@dataclass(frozen=True)
class FakeFeatures:
    """The plane itself."""

    plane: np.ndarray
    limits: tuple[float, float] | None

    @property
    def nbytes(self) -> int:
        return int(self.plane.nbytes)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.plane.shape[:2]


@dataclass(frozen=True)
class FakePrediction:
    """The part of a prediction that a session uses."""

    region: tuple[int, int, int, int]
    crop: np.ndarray

    @property
    def crop_mask(self) -> np.ndarray:
        return self.crop > 0.5


def disk(shape: tuple[int, int], row: float, col: float) -> np.ndarray:
    rows, cols = np.indices(shape)
    return (rows - row) ** 2 + (cols - col) ** 2 <= RADIUS_PX**2


def expected(
    shape: tuple[int, int], prompts: Prompts, previous: np.ndarray | None = None
) -> np.ndarray:
    """What `DiskPredictor` answers: (H, W) bool.

    The union of disks at positive prompts and of what was before, less disks at the
    negative ones. Fed-back answers are moved down one row, so that it shows.
    """
    result = np.zeros(shape, bool)
    if previous is not None:
        result[1:] |= previous[:-1]
    elif prompts.mask is not None:
        result |= prompts.mask.array > 0.5
    for positive in (True, False):
        for prompt in prompts:
            if prompt.positive is positive:
                result[_area(shape, prompt)] = positive
    return result


def _area(shape: tuple[int, int], prompt: Any) -> np.ndarray:
    if isinstance(prompt, Click):
        return disk(shape, prompt.row, prompt.col)
    area = np.zeros(shape, bool)
    if hasattr(prompt, "crop"):
        row0, col0, row1, col1 = prompt.region
        area[row0:row1, col0:col1] = prompt.crop
    elif isinstance(prompt, Box | Polygon):
        row0, col0, row1, col1 = (round(value) for value in prompt.bounds)
        area[max(row0, 0) : row1 + 1, max(col0, 0) : col1 + 1] = True
    else:
        for row, col in prompt.vertices:
            area |= disk(shape, row, col)
    return area


@dataclass
class DiskPredictor:
    """Answers disks around clicks; remembers what it was asked."""

    encoded: list[np.ndarray] = field(default_factory=list)
    limits: list[tuple[float, float] | None] = field(default_factory=list)
    asked: list[Prompts] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)
    batches: list[int] = field(default_factory=list)

    def encode(
        self,
        plane: Any,
        contrast_limits: tuple[float, float] | None = None,
        near: tuple[float, float] | None = None,
        *,
        should_stop: Callable[[], bool] | None = None,
    ) -> FakeFeatures:
        self.threads.add(threading.current_thread().name)
        self.encoded.append(np.asarray(plane))
        self.limits.append(contrast_limits)
        return FakeFeatures(np.asarray(plane), contrast_limits)

    def predict(
        self,
        features: FakeFeatures,
        prompts: Prompts,
        previous: FakePrediction | None = None,
        *,
        should_stop: Callable[[], bool] | None = None,
    ) -> FakePrediction:
        self.threads.add(threading.current_thread().name)
        self.asked.append(prompts)
        height, width = features.plane.shape[:2]
        before = None
        if previous is not None:
            before = np.zeros((height, width), bool)
            row0, col0, row1, col1 = previous.region
            before[row0:row1, col0:col1] = previous.crop_mask
        mask = expected((height, width), prompts, before)
        return FakePrediction((0, 0, height, width), mask.astype(np.float32))

    def predict_many(
        self,
        features: FakeFeatures,
        prompts: Sequence[Prompts],
        *,
        should_stop: Callable[[], bool] | None = None,
    ) -> list[FakePrediction]:
        self.batches.append(len(prompts))
        return [self.predict(features, one, should_stop=should_stop) for one in prompts]

    def look(
        self,
        features: FakeFeatures,
        prompts: Prompts,
        previous: FakePrediction | None = None,
        *,
        should_stop: Callable[[], bool] | None = None,
    ) -> Seen:
        """The plane at half its resolution, and what the prompts cover there."""
        self.threads.add(threading.current_thread().name)
        height, width = features.plane.shape[:2]
        maps = np.zeros((3, height, width), np.float32)
        if previous is not None:
            row0, col0, row1, col1 = previous.region
            maps[0, row0:row1, col0:col1] = previous.crop
        for prompt in prompts:
            maps[1 if prompt.positive else 2][_area((height, width), prompt)] = 1
        grey = features.plane.astype(np.float32)[::2, ::2] / 1000
        image = np.repeat(grey[..., None], 3, axis=-1)
        rows, cols = (2 * size for size in image.shape[:2])
        return Seen((0, 0, rows, cols), image, maps[:, ::2, ::2])


class BlockedPredictor(DiskPredictor):
    """Waits in `predict` until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.started = threading.Semaphore(0)
        self.release = threading.Semaphore(0)
        self.stops: list[bool] = []

    def predict(
        self,
        features: FakeFeatures,
        prompts: Prompts,
        previous: FakePrediction | None = None,
        *,
        should_stop: Callable[[], bool] | None = None,
    ) -> FakePrediction:
        self.started.release()
        assert self.release.acquire(timeout=TIMEOUT_S)
        assert should_stop is not None
        self.stops.append(should_stop())
        if self.stops[-1]:
            raise Cancelled
        return super().predict(features, prompts, previous)

    def wait_until_started(self) -> None:
        assert self.started.acquire(timeout=TIMEOUT_S)

    def let_go(self, count: int = 1) -> None:
        self.release.release(count)


class FailingPredictor(DiskPredictor):
    """Raises `error` while it is set."""

    def __init__(self, error: Exception | None) -> None:
        super().__init__()
        self.error = error

    def predict(self, *args: Any, **kwargs: Any) -> FakePrediction:
        if self.error is not None:
            raise self.error
        return super().predict(*args, **kwargs)
