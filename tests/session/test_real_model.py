"""The session with the embedded model, against the predictor by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import ndimage

import napari_segnext as ns
from napari_segnext.core.image import contrast_limits
from napari_segnext.session.planes import PlaneKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooms import Room

    Rooms = Callable[..., Room]


@pytest.fixture(scope="module")
def predictor() -> ns.Predictor:
    return ns.Predictor(ns.load_model("segnext-lite"))


def cells() -> np.ndarray:
    """Three slices with bright, blurred, touching blobs on a noisy ground."""
    rng = np.random.default_rng(3)
    truth = np.zeros((3, 96, 128))
    rows, cols = np.indices((96, 128))
    for row, col, radius in ((30, 40, 12), (60, 70, 10), (32, 62, 9)):
        truth[:, (rows - row) ** 2 + (cols - col) ** 2 <= radius**2] = 1
    image = ndimage.gaussian_filter(truth, (0, 1, 1)) * 800 + 100
    return (image + rng.normal(0, 20, image.shape)).astype(np.uint16)


def test_the_preview_is_the_predictors_own_answer_with_the_recorded_previous(
    room: Rooms, predictor: ns.Predictor
) -> None:
    stack = cells()
    there = room(stack, predictor)
    there.show(0, 1)
    there.session.add_click((1, 30, 40))
    there.session.add_click((1, 32, 62), positive=False)
    there.wait()

    features = predictor.encode(stack[1], contrast_limits(stack))  # of all slices
    first = predictor.predict(features, ns.Prompts([ns.Click(30, 40)]))
    both = ns.Prompts([ns.Click(30, 40), ns.Click(32, 62, positive=False)])
    second = predictor.predict(features, both, first)
    np.testing.assert_array_equal(there.session.mask(), second.mask)
    assert first.mask.any()

    there.session.undo()
    np.testing.assert_array_equal(there.session.mask(), first.mask)


def test_a_2d_image_is_answered_as_the_predictor_answers_it(
    room: Rooms, predictor: ns.Predictor
) -> None:
    plane = cells()[0]
    there = room(plane, predictor)
    there.session.add_box((18, 28), (42, 52))
    there.wait()
    prompts = ns.Prompts(boxes=[ns.Box(18, 28, 42, 52)])
    alone = predictor.predict(predictor.encode(plane), prompts)
    np.testing.assert_array_equal(there.session.mask(), alone.mask)


def test_objects_over_slices_by_name_of_the_model(room: Rooms) -> None:
    there = room(cells(), "segnext-lite")
    there.wait()
    assert there.session.model_state == "ready"
    assert there.session.model_name == "segnext-lite"
    for plane in range(3):
        there.session.label = 1
        there.session.add_click((plane, 30, 40))
        there.session.wait(120)
        assert there.session.accept() == 1
    there.session.add_click((1, 60, 70), positive=True)
    there.session.wait(120)
    assert there.session.accept() == 2
    target = there.session.target.data
    assert (target == 1).any(axis=(1, 2)).all()
    assert target[1, 60, 70] == 2
    assert set(there.session.objects[1].keyed) == {
        PlaneKey((plane,), (1, 2)) for plane in range(3)
    }
    there.session.add_click((1, 5, 5), positive=False)
    there.session.wait(120)
    assert not there.session.preview.data.any()
