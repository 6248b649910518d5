"""Volumes whose truth is known, a predictor that finds it, and what must hold."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
from fakes import TIMEOUT_S, DiskPredictor, FakeFeatures, FakePrediction
from scipy import ndimage

from napari_segnext.errors import Cancelled
from napari_segnext.session.planes import PlaneKey

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rooms import Room

    from napari_segnext.core.prompts import Prompts
    from napari_segnext.session.session import Session

    Rooms = Callable[..., Room]

BRIGHT = 1000
SHAPE = (10, 32, 36)


def tube(
    shape: tuple[int, int, int],
    start: tuple[float, float],
    step: tuple[float, float] = (0, 0),
    radius: float = 4,
    slices: range | None = None,
) -> np.ndarray:
    """A slanted tube: a disk a slice, bool."""
    depth, height, width = shape
    rows, cols = np.indices((height, width))
    result = np.zeros(shape, bool)
    for z in range(depth) if slices is None else slices:
        row, col = start[0] + z * step[0], start[1] + z * step[1]
        result[z] = (rows - row) ** 2 + (cols - col) ** 2 <= radius**2
    return result


def picture(*objects: np.ndarray) -> np.ndarray:
    """An image in which they are bright, uint16."""
    return (np.any(objects, axis=0) * BRIGHT).astype(np.uint16)


TUBE = tube(SHAPE, (10, 8), (0.8, 1.2))
OTHER = tube(SHAPE, (26, 8), (-0.3, 0), 3)


class PartPredictor(DiskPredictor):
    """Answers the bright parts of the plane that positive clicks are on.

    Those that negative clicks are on are left out; and what was there before stays.
    """

    def predict(
        self,
        features: FakeFeatures,
        prompts: Prompts,
        previous: FakePrediction | None = None,
        *,
        should_stop: Callable[[], bool] | None = None,
    ) -> FakePrediction:
        self.asked.append(prompts)
        plane = features.plane
        if plane.ndim == 3:
            plane = plane[..., 0]
        parts, _ = ndimage.label(plane > 0)
        result = np.zeros(plane.shape, bool)
        if previous is not None:
            result |= previous.crop_mask
        elif prompts.mask is not None:
            result |= (prompts.mask.array > 0.5) & (plane > 0)
        for positive in (True, False):
            for click in prompts.clicks:
                part = parts[round(click.row), round(click.col)]
                if click.positive is positive and part:
                    result[parts == part] = positive
        crop = np.where(result, np.float32(0.9), np.float32(0))
        return FakePrediction((0, 0, *plane.shape), crop)


class GatedPredictor(PartPredictor):
    """Waits before each slice of a run until it is let go; a click is answered."""

    holds_clicks = False  # waits for these as well

    def __init__(self) -> None:
        super().__init__()
        self.started = threading.Semaphore(0)
        self.release = threading.Semaphore(0)
        self.is_open = False
        self.error: Exception | None = None

    def predict(self, *args: Any, **kwargs: Any) -> FakePrediction:
        if self.holds_clicks:
            assert self.is_open or self.release.acquire(timeout=TIMEOUT_S)
        return super().predict(*args, **kwargs)

    def predict_many(
        self,
        features: FakeFeatures,
        prompts: Sequence[Prompts],
        *,
        should_stop: Callable[[], bool] | None = None,
    ) -> list[FakePrediction]:
        self.started.release()
        assert self.is_open or self.release.acquire(timeout=TIMEOUT_S)
        if should_stop is not None and should_stop():
            raise Cancelled
        if self.error is not None:
            raise self.error
        return super().predict_many(features, prompts, should_stop=should_stop)

    def step(self, session: Session, count: int) -> None:
        """Let `count` slices be made, and have them delivered."""
        for _ in range(count):
            assert self.started.acquire(timeout=TIMEOUT_S)
            self.release.release()
        # the next one has begun: those before have been handed over
        assert self.started.acquire(timeout=TIMEOUT_S)
        self.started.release()
        session.deliver()

    def let_one_go(self) -> None:
        """Let the slice that has begun end."""
        assert self.started.acquire(timeout=TIMEOUT_S)
        self.release.release()

    def wait(self, room: Room) -> None:
        """Let everything go until the session is idle, and then nothing any more."""
        self.is_open = True
        self.release.release()
        try:
            room.session.sync()
            room.wait()
        finally:
            self.is_open = False
        self.started, self.release = threading.Semaphore(0), threading.Semaphore(0)

    def let_go(self, count: int = 1) -> None:
        """Let everything go from now on."""
        self.is_open = True
        self.release.release(count)


def plane(z: int, *leading: int) -> PlaneKey:
    ndim = 3 + len(leading)
    return PlaneKey((*leading, z), (ndim - 2, ndim - 1))


def centre(z: int) -> tuple[float, float, float]:
    return z, round(10 + 0.8 * z), round(8 + 1.2 * z)


def begun(room: Rooms, z: int = 4, predictor: PartPredictor | None = None) -> Room:
    """A room with the tube prompted on one slice."""
    here = room(picture(TUBE, OTHER), predictor or PartPredictor())
    here.show(0, z)
    here.session.add_click(centre(z))
    here.wait()
    return here


def made(here: Room) -> list[int]:
    infos = here.session.slices
    return [key.index[-1] for key, info in infos.items() if info.kind != "keyed"]


def preview(here: Room) -> np.ndarray:
    return np.asarray(here.session.preview.data) > 0


def check(session: Session) -> None:
    """The preview shows what the log says, and the log folds to the state it is in."""
    history = session._history
    shape = session._board.shape
    planes = history.state.object.planes
    if len({plane.displayed for plane in planes}) < 2:
        shown = np.zeros(shape, bool)
        for plane in planes:
            mask = session._found(plane)
            shown[plane.slices] = mask.plane(plane.shape_in(shape))
        np.testing.assert_array_equal(np.asarray(session.preview.data) > 0, shown)
    fold = history.copy()
    states = [fold.state]
    while fold.back() is not None:
        states.append(fold.state)
    for state in reversed(states):
        assert fold.state == state
        fold.forth()


def snapshot(session: Session) -> dict[str, Any]:
    """Everything that undo must bring back."""
    state = session._history.state
    return {
        "state": state,
        "preview": np.array(session.preview.data),
        "target": np.array(session.target.data),
        "points": sorted(map(tuple, np.asarray(session.points.data).tolist())),
    }


def check_same(before: dict[str, Any], after: dict[str, Any]) -> None:
    for name, value in before.items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(after[name], value, err_msg=name)
        else:
            assert after[name] == value, name
