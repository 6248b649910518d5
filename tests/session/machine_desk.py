"""One image of the machine's viewer, its session, and what it has to show."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from fakes import TIMEOUT_S
from machine_model import Fold, Oracle
from machine_predictor import BLOCKED, FAILING, MoodyPredictor, ScriptedFailureError
from napari.layers import Image, Labels, Points, Shapes

from napari_segnext.core.image import contrast_limits
from napari_segnext.errors import SegNextError
from napari_segnext.session.planes import PlaneKey, planes_along
from napari_segnext.session.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel

SHAPES = {
    "plane": (24, 28),
    "stack": (4, 24, 28),
    "rgb": (24, 28, 3),
    "hyperstack": (2, 3, 22, 20),
}
ROLES = ("points", "shapes", "scribbles", "preview", "target")


@dataclass(frozen=True)
class Setup:
    """How a desk is laid out."""

    kind: str = "stack"
    seed: int = 0
    is_moved: bool = False
    contrast: str = "percentile"
    auto_run: bool = True
    target: str | None = None  # a dtype: the user's own, with objects in it
    points: bool = False  # the user's own layers, lying elsewhere
    shapes: bool = False
    scribbles: bool = False


def pixels(shape: tuple[int, ...], seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if len(shape) == 3 and shape[-1] == 3:
        data = rng.integers(1, 256, shape).astype(np.uint8)
    else:
        data = rng.integers(1, 1000, shape).astype(np.uint16)
    data[rng.random(shape) < 0.05] = 0
    return data


def found_elsewhere(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    data = np.zeros(shape, dtype)
    data[..., 3:9, 3:10] = 3
    data[..., 9:14, 3:10] = 250
    data[(0,) * (len(shape) - 2)][16:20, 15:22] = 7
    return data


class Desk:
    """An image, its session, its predictor, and the user's dealings with them."""

    def __init__(self, viewer: ViewerModel, setup: Setup, name: str) -> None:
        self.viewer, self.setup, self.name = viewer, setup, name
        data = pixels(SHAPES[setup.kind], setup.seed)
        ndim = 2 if setup.kind == "rgb" else data.ndim
        self.moved: dict[str, Any] = {}
        if setup.is_moved:
            scale = (2.0, 3.0, 0.5, 0.25)[-ndim:]
            self.moved = {"scale": scale, "translate": (4.0, -6.0, 8.0, 1.0)[-ndim:]}
        self.image = Image(data, name=name, rgb=setup.kind == "rgb", **self.moved)
        viewer.layers.append(self.image)
        self.shape = data.shape[:ndim]
        self.predictor = MoodyPredictor()
        self.journals = TemporaryDirectory()
        self.sessions = 0
        self.kept: dict[str, Any] = {}
        if setup.target:
            self.kept["target"] = Labels(
                found_elsewhere(self.shape, setup.target), **self.moved
            )
        if setup.points:
            nothing = np.empty((0, ndim))
            self.kept["points"] = Points(nothing, ndim=ndim, scale=[2] * ndim)
        if setup.shapes:
            self.kept["shapes"] = Shapes(None, ndim=ndim, translate=[1.0] * ndim)
        if setup.scribbles:
            self.kept["scribbles"] = Labels(
                np.zeros(self.shape, np.uint8), **self.moved
            )
        self.open()

    def open(self) -> None:
        """Begin a session, the first or the next."""
        self.predictor.mood = "well"
        self.errors: list[Exception] = []
        self.oracle = Oracle()
        self.named: set[PlaneKey] = set()
        self.lenient = False  # whether answers may be missing
        self.was_refused = False
        if "target" in self.kept:
            self.kept["target"].editable = True
        self.sessions += 1
        self.session = Session(
            self.viewer,
            self.image,
            self.predictor,
            journal=Path(self.journals.name) / f"{self.sessions}.journal",
            contrast=self.setup.contrast,
            auto_run=self.setup.auto_run,
            **self.kept,
        )
        self.session.error.connect(self.errors.append)
        self.take_limits()
        self.first = np.array(self.session.target.data)
        self.touched = np.zeros(self.shape, bool)
        self.first_target = self.session.target

    def keep_layers(self) -> None:
        """Take the same labels and layers for the next session, if they are there."""
        self.kept["target"] = self.session.target
        self.kept = {
            role: layer
            for role, layer in self.kept.items()
            if layer in self.viewer.layers
        }

    def take_limits(self) -> None:
        """Remember the contrast that the session should use from now on."""
        self.oracle.renew()
        self.data = np.array(self.image.data)
        self.low = 1.0
        if self.image.rgb:
            return
        if self.setup.contrast == "layer":
            self.low = float(self.image.contrast_limits[0])
            if self.image.gamma != 1:
                self.low = 0.0
                # what is stretched and clipped from 0 to 1 is never below 0
        elif np.prod(self.shape[:-2]) > 1:
            planes = self.data.reshape(-1, *self.shape[-2:])
            self.low = contrast_limits(planes)[0]

    # the view ------------------------------------------

    @property
    def axes(self) -> tuple[int, int]:
        dims = self.viewer.dims
        leading = dims.ndim - len(self.shape)
        shown = sorted(axis - leading for axis in dims.order[-2:])
        if shown[0] < 0:
            return len(self.shape) - 2, len(self.shape) - 1
        return shown[0], shown[1]

    @property
    def planes(self) -> list[PlaneKey]:
        return list(planes_along(self.shape, self.axes))

    @property
    def shown(self) -> PlaneKey | None:
        dims = self.viewer.dims
        leading = dims.ndim - len(self.shape)
        if min(dims.order[-2:]) < leading:
            return None
        place = np.array(self.image.world_to_data(dims.point), float)
        fixed = [axis for axis in range(len(self.shape)) if axis not in self.axes]
        index = tuple(int(np.round(place[axis])) for axis in fixed)
        plane = PlaneKey(index, self.axes)
        return plane if plane.is_in(self.shape) else None

    def place(self, spot: tuple[int, int, int]) -> tuple[PlaneKey, float, float]:
        """A plane and a position on it; mostly the plane on display."""
        which, row, col = spot
        plane = self.shown
        if which > 3 or plane is None:
            plane = self.planes[which % len(self.planes)]
        height, width = plane.shape_in(self.shape)
        return plane, row / 4 % height, col / 4 % width

    def show(self, plane: PlaneKey) -> None:
        dims = self.viewer.dims
        leading = dims.ndim - len(self.shape)
        position = np.array(self.image.world_to_data(dims.point), float)
        for axis, index in zip(plane.fixed, plane.index, strict=True):
            position[axis] = index
        world = self.image.data_to_world(position)
        for axis in plane.fixed:
            dims.set_point(axis + leading, world[axis])

    # the session ------------------------------------------

    @property
    def is_open(self) -> bool:
        return not self.session.is_closed

    @property
    def fold(self) -> Fold:
        return Fold.of(self.session._history.acts)

    @property
    def target(self) -> np.ndarray:
        return np.array(self.session.target.data)

    @property
    def labels(self) -> list[int]:
        return [int(value) for value in np.unique(self.target) if value]

    def call(self, act: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Do something that may be refused, with one sentence; None then."""
        self.was_refused = False
        try:
            return act(*args, **kwargs)
        except SegNextError as error:
            check_sentence(error)
            self.was_refused = True
            return None

    def prompt(self, plane: PlaneKey, act: Callable[..., Any], *args: Any) -> None:
        """Place a prompt by script: its plane is answered even if it is not shown."""
        self.call(act, *args)
        if not self.was_refused:
            self.named.add(plane)

    def settle(self) -> None:
        """Wait for all answers, or read the layers where the predictor is blocked."""
        if not self.is_open:
            return
        try:
            if self.predictor.mood == BLOCKED:
                self.session.sync()
                self.lenient = True
            else:
                self.session.wait(TIMEOUT_S)
        except SegNextError as error:
            check_sentence(error)
        except ScriptedFailureError:
            assert self.predictor.mood == FAILING or self.lenient
        if self.predictor.mood == FAILING:
            self.lenient = True

    def touch(self, before: np.ndarray) -> None:
        """Note which pixels of the target somebody else changed."""
        if self.is_open:
            after = np.asarray(self.session.target.data)
            if after.shape == before.shape:
                self.touched |= after != before


def check_sentence(error: Exception) -> None:
    text = str(error)
    assert re.fullmatch(r"[A-Za-z`'].*[.]", text), f"not a sentence: {text!r}"
    assert "\n" not in text
