"""Newest wins, whatever the worker is doing; driven by events, without sleeps."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fakes import (
    TIMEOUT_S,
    BlockedPredictor,
    DiskPredictor,
    FakeFeatures,
    expected,
)

from napari_segnext.core.prompts import Click, Prompts
from napari_segnext.errors import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooms import Room

    Rooms = Callable[..., Room]

PLANE = (40, 50)


def test_given_a_running_request_when_corrected_then_it_stops_and_the_newest_shows(
    room: Rooms,
) -> None:
    there = room(predictor=BlockedPredictor())
    there.session.add_click((2, 10, 10))
    there.predictor.wait_until_started()
    there.session.add_click((2, 20, 20))

    there.predictor.let_go(3)
    there.wait()

    assert there.predictor.stops == [True, False, False]  # then both, in order
    first = expected(PLANE, Prompts([Click(10, 10)]))
    both = expected(PLANE, Prompts([Click(10, 10), Click(20, 20)]), first)
    np.testing.assert_array_equal(there.session.preview.data[2] > 0, both)


def test_given_a_running_request_when_undone_then_its_answer_is_not_shown(
    room: Rooms,
) -> None:
    there = room(predictor=BlockedPredictor())
    shown = []
    there.session.predicted.connect(lambda: shown.append(True))
    there.session.add_click((2, 10, 10))
    there.predictor.wait_until_started()

    there.session.undo()
    there.predictor.let_go()
    there.wait()

    assert there.predictor.stops == [True]
    assert shown == []
    assert not there.session.preview.data.any()


def test_given_a_running_request_when_cleared_then_its_answer_is_not_shown(
    room: Rooms,
) -> None:
    there = room(predictor=BlockedPredictor())
    there.session.add_click((2, 10, 10))
    there.predictor.wait_until_started()
    there.session.clear()
    there.predictor.let_go()
    there.wait()
    assert not there.session.preview.data.any()


def test_given_a_running_request_when_the_slice_changes_then_it_lands_on_its_own(
    room: Rooms,
) -> None:
    there = room(predictor=BlockedPredictor())
    there.show(0, 2)
    there.session.add_click((2, 10, 10))
    there.predictor.wait_until_started()
    there.show(0, 4)
    there.predictor.let_go()
    there.wait()
    assert not there.session.mask().any()
    np.testing.assert_array_equal(
        there.session.preview.data[2] > 0, expected(PLANE, Prompts([Click(10, 10)]))
    )


def test_given_a_running_request_when_closed_then_the_thread_is_joined(
    room: Rooms,
) -> None:
    there = room(predictor=BlockedPredictor())
    there.session.add_click((2, 10, 10))
    there.predictor.wait_until_started()
    there.predictor.let_go()
    there.session.close()
    assert not there.session._worker.is_alive
    assert there.predictor.stops in ([True], [False])


def test_given_a_running_request_when_the_image_is_removed_then_it_ends_quietly(
    room: Rooms,
) -> None:
    there = room(predictor=BlockedPredictor())
    there.session.add_click((2, 10, 10))
    there.predictor.wait_until_started()
    there.viewer.layers.remove(there.image)
    there.predictor.let_go()
    assert not there.session.undo()
    assert there.session.is_closed
    assert [type(error).__name__ for error in there.errors] == ["LayerError"]


def test_given_work_then_busy_says_true_once_and_false_once(room: Rooms) -> None:
    there = room(predictor=BlockedPredictor())
    there.predictor.let_go()
    there.wait()
    said = []
    there.session.busy.connect(said.append)
    there.session.add_click((2, 10, 10))
    assert said == [True]
    there.wait()
    assert said == [True, False]
    assert not there.session.is_busy


def test_given_a_factory_then_it_is_called_on_the_worker_and_model_ready_is_said(
    room: Rooms,
) -> None:
    made: list[DiskPredictor] = []
    names: list[str] = []

    def factory() -> DiskPredictor:
        import threading

        names.append(threading.current_thread().name)
        made.append(DiskPredictor())
        return made[-1]

    there = room(predictor=factory)
    there.wait()
    assert names == ["segnext"]
    assert there.session.model_state == "ready"


def test_given_a_model_that_cannot_be_loaded_then_wait_raises_and_the_state_says_so(
    room: Rooms,
) -> None:
    def factory() -> Any:
        raise CheckpointError("The file is damaged; fetch it again.")

    there = room(predictor=factory)
    with pytest.raises(CheckpointError):
        there.wait()
    assert there.session.model_state == "failed"
    assert "could not be loaded" in there.session.hint
    there.session.add_click((2, 10, 10))
    with pytest.raises(CheckpointError):
        there.wait()


class PartlyFailing(DiskPredictor):
    def encode(self, plane: Any, *args: Any, **kwargs: Any) -> FakeFeatures:
        if len(self.encoded) == 1:
            self.encoded.append(plane)
            raise RuntimeError("out of memory")
        return super().encode(plane, *args, **kwargs)


def test_given_a_failure_on_one_plane_then_the_other_stays_and_looking_again_retries(
    room: Rooms,
) -> None:
    there = room(predictor=PartlyFailing())
    there.session.add_click((1, 10, 10))
    there.wait()
    there.session.add_click((3, 10, 10))
    with pytest.raises(RuntimeError):
        there.wait()
    assert there.session.preview.data[1].any()
    assert not there.session.preview.data[3].any()
    there.show(0, 3)
    there.wait()
    assert there.session.mask().any()


@pytest.mark.parametrize("change", ["another prompt", "undo"])
def test_a_failure_is_not_raised_once_the_prompts_have_changed(
    room: Rooms, change: str
) -> None:
    there = room(predictor=PartlyFailing())
    there.session.add_click((1, 10, 10))
    there.wait()
    there.session.add_click((3, 10, 10))
    end = time.monotonic() + TIMEOUT_S
    while not there.errors and time.monotonic() < end:
        there.session.deliver()
        time.sleep(0.01)
    assert [str(error) for error in there.errors] == ["out of memory"]
    if change == "undo":
        there.session.undo()
    else:
        there.session.add_click((1, 20, 20))
    there.wait()
    assert there.session.preview.data[1].any()


def test_a_plane_is_encoded_once_however_many_prompts(room: Rooms) -> None:
    there = room()
    for row in (5, 10, 15, 20):
        there.session.add_click((2, row, 10))
        there.wait()
    there.session.accept()
    there.session.add_click((2, 30, 30))
    there.session.wait(TIMEOUT_S)
    assert len(there.predictor.encoded) == 1


def test_contrast_is_the_stacks_percentiles_or_the_layers(room: Rooms) -> None:
    there = room()
    there.session.add_click((1, 10, 10))
    there.session.add_click((3, 10, 10))
    there.wait()
    first, second = there.predictor.limits
    assert first == second
    assert first is not None

    other = room(contrast="layer")
    other.image.contrast_limits = (100, 200)
    other.session.add_click((1, 10, 10))
    other.wait()
    frozen = other.predictor.limits[0]
    assert frozen != (100, 200)
    other.session.refresh_contrast()
    other.wait()
    assert other.predictor.limits[-1] == (100, 200)


def test_gamma_is_applied_where_the_layers_contrast_is_used(room: Rooms) -> None:
    there = room(contrast="layer")
    there.image.contrast_limits = (0, 1000)
    there.image.gamma = 0.5
    there.session.refresh_contrast()
    there.session.add_click((1, 10, 10))
    there.wait()
    assert there.predictor.limits == [(0.0, 1.0)]
    np.testing.assert_allclose(
        there.predictor.encoded[0], (there.image.data[1] / 1000) ** 0.5, rtol=1e-5
    )


def test_a_single_plane_is_left_to_the_predictors_own_percentiles(room: Rooms) -> None:
    there = room(np.zeros((40, 50)))
    there.session.add_click((10, 10))
    there.wait()
    assert there.predictor.limits == [None]


def test_changed_is_said_when_something_did_and_only_then(room: Rooms) -> None:
    there = room()
    there.wait()
    said = []
    there.session.changed.connect(lambda: said.append(there.session.points))
    there.session.sync()
    assert said == []
    there.session.polarity = "negative"
    assert len(said) == 1
    there.session.add_click((2, 10, 10))
    assert len(said) > 1
