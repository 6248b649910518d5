"""The predictor of the state machine: scripted, and of changing mood."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
from fakes import DiskPredictor, FakeFeatures, FakePrediction, expected

from napari_segnext.errors import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_segnext.core.prompts import Prompts

WELL, BLOCKED, FAILING = "well", "blocked", "failing"


class ScriptedFailureError(RuntimeError):
    """What a failing predictor raises."""


def holes(plane: np.ndarray, low: float) -> np.ndarray:
    """Where a plane has no object: the answer depends on image and contrast too."""
    grey = plane[..., 0] if plane.ndim == 3 else plane
    return grey < low


def low_of(limits: tuple[float, float] | None) -> float:
    return 1.0 if limits is None else limits[0]


def answer(
    plane: np.ndarray, low: float, prompts: Prompts, previous: np.ndarray | None
) -> np.ndarray:
    """What the predictor answers: (H, W) bool."""
    return expected(plane.shape[:2], prompts, previous) & ~holes(plane, low)


class MoodyPredictor(DiskPredictor):
    """Answers, waits until it is released, or fails.

    It asks `should_stop` when it is released or not at all, so that answers which
    nobody wants any more come too.
    """

    def __init__(self) -> None:
        super().__init__()
        self._state = threading.Condition()
        self._mood = WELL
        self.asks = True

    @property
    def mood(self) -> str:
        return self._mood

    @mood.setter
    def mood(self, mood: str) -> None:
        with self._state:
            self._mood = mood
            self._state.notify_all()

    def predict(
        self,
        features: FakeFeatures,
        prompts: Prompts,
        previous: FakePrediction | None = None,
        *,
        should_stop: Callable[[], bool] | None = None,
    ) -> FakePrediction:
        with self._state:
            self._state.wait_for(lambda: self._mood != BLOCKED)
        if self.asks and should_stop is not None and should_stop():
            raise Cancelled
        if self._mood == FAILING:
            raise ScriptedFailureError("out of memory")
        plane, before = features.plane, None
        if previous is not None:
            before = np.zeros(plane.shape[:2], bool)
            row0, col0, row1, col1 = previous.region
            before[row0:row1, col0:col1] = previous.crop_mask
        mask = answer(plane, low_of(features.limits), prompts, before)
        return FakePrediction((0, 0, *mask.shape), mask.astype(np.float32))

    def predict_many(
        self, features: FakeFeatures, prompts: Any, **options: Any
    ) -> list[FakePrediction]:
        return [self.predict(features, one, **options) for one in prompts]
