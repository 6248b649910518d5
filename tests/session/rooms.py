"""A viewer, an image and a session, as most tests of sessions need them."""

from __future__ import annotations

from typing import Any

import numpy as np
from fakes import TIMEOUT_S, DiskPredictor
from napari.components import ViewerModel
from napari.layers import Image

from napari_segnext.session.session import Session

STACK_SHAPE = (5, 40, 50)


def make_stack(shape: tuple[int, ...] = STACK_SHAPE) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 1000, shape).astype(np.uint16)


class Room:
    def __init__(
        self,
        data: Any = None,
        predictor: Any = None,
        image: Image | None = None,
        **options: Any,
    ) -> None:
        self.viewer = ViewerModel()
        if image is None:
            image = Image(make_stack() if data is None else data, name="stack")
        self.image = image
        self.viewer.layers.append(image)
        self.predictor = DiskPredictor() if predictor is None else predictor
        options.setdefault("journal", None)
        self.session = Session(self.viewer, image, self.predictor, **options)
        self.errors: list[Exception] = []
        self.session.error.connect(self.errors.append)

    def show(self, axis: int, index: int) -> None:
        position = np.array(self.image.world_to_data(self.viewer.dims.point), float)
        position[axis] = index
        world = self.image.data_to_world(position)
        self.viewer.dims.set_point(axis, world[axis])

    def wait(self) -> None:
        self.session.wait(TIMEOUT_S)
