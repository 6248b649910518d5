"""Post-processing in a session: shown and accepted at once, never fed back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fakes import DiskPredictor, FakeFeatures, FakePrediction, disk
from scipy import ndimage

from napari_segnext import PostProcess
from napari_segnext.errors import PromptError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooms import Room

    from napari_segnext.core.prompts import Prompts

    Rooms = Callable[..., Room]

PLANE = (40, 50)
HOLES = PostProcess(fill_holes=True)


def ring(row: float, col: float) -> np.ndarray:
    full = disk(PLANE, row, col)
    return full & ~ndimage.binary_erosion(full, iterations=2)


@dataclass
class RingPredictor(DiskPredictor):
    """Answers rings around clicks and filled boxes; remembers what was fed back."""

    def __post_init__(self) -> None:
        self.fed_back: list[np.ndarray | None] = []

    def predict(
        self,
        features: FakeFeatures,
        prompts: Prompts,
        previous: FakePrediction | None = None,
        **options: Any,
    ) -> FakePrediction:
        self.asked.append(prompts)
        self.fed_back.append(None if previous is None else previous.crop_mask)
        result = np.zeros(PLANE, bool)
        for click in prompts.clicks:
            result |= ring(click.row, click.col)
        for box in prompts.boxes:
            row0, col0, row1, col1 = (int(value) for value in box.bounds)
            result[row0 : row1 + 1, col0 : col1 + 1] = True
        return FakePrediction((0, 0, *PLANE), result.astype(np.float32))


def ringed(room: Rooms, *places: tuple[int, int]) -> Room:
    here = room(predictor=RingPredictor())
    here.show(0, 2)
    for place in places:
        here.session.add_click((2, *place))
    here.wait()
    return here


def test_by_default_the_answer_is_shown_as_it_is(room: Rooms) -> None:
    here = ringed(room, (20, 20))
    assert here.session.postprocess == PostProcess()
    np.testing.assert_array_equal(here.session.mask(), ring(20, 20))


def test_an_option_shows_the_open_object_anew_at_once_without_inference(
    room: Rooms,
) -> None:
    here = ringed(room, (20, 20))
    asked = len(here.predictor.asked)

    here.session.postprocess = HOLES

    np.testing.assert_array_equal(here.session.mask(), disk(PLANE, 20, 20))
    here.session.postprocess = PostProcess()
    np.testing.assert_array_equal(here.session.mask(), ring(20, 20))
    here.wait()
    assert len(here.predictor.asked) == asked


def test_what_is_fed_back_is_the_raw_answer(room: Rooms) -> None:
    here = ringed(room, (20, 20))
    here.session.postprocess = HOLES
    here.session.add_click((2, 20, 40))
    here.wait()

    shown = disk(PLANE, 20, 20) | disk(PLANE, 20, 40)
    np.testing.assert_array_equal(here.session.mask(), shown)
    np.testing.assert_array_equal(here.predictor.fed_back[-1], ring(20, 20))


def test_accept_writes_what_is_shown_and_undo_and_redo_keep_to_it(room: Rooms) -> None:
    here = ringed(room, (20, 20))
    here.session.postprocess = HOLES
    here.session.accept()
    full = disk(PLANE, 20, 20)
    np.testing.assert_array_equal(here.session.target.data[2] == 1, full)
    asked = len(here.predictor.asked)

    here.session.undo()
    np.testing.assert_array_equal(here.session.mask(), full)
    assert not here.session.target.data.any()
    here.session.redo()
    np.testing.assert_array_equal(here.session.target.data[2] == 1, full)
    here.wait()
    assert len(here.predictor.asked) == asked


def test_accepted_objects_stay_as_they_are(room: Rooms) -> None:
    here = ringed(room, (20, 20))
    here.session.accept()
    here.session.postprocess = HOLES
    np.testing.assert_array_equal(here.session.target.data[2] == 1, ring(20, 20))

    here.session.edit(1)
    np.testing.assert_array_equal(here.session.mask(), ring(20, 20))
    here.session.add_click((2, 20, 40))
    here.wait()
    both = disk(PLANE, 20, 20) | disk(PLANE, 20, 40)
    np.testing.assert_array_equal(here.session.mask(), both)


def test_all_planes_of_the_open_object_are_shown_anew(room: Rooms) -> None:
    here = room(predictor=RingPredictor())
    for index in (0, 3):
        here.session.add_click((index, 20, 20))
    here.wait()
    here.session.postprocess = HOLES
    for index in (0, 3):
        shown = here.session.preview.data[index] > 0
        np.testing.assert_array_equal(shown, disk(PLANE, 20, 20))


def test_negative_prompts_alone_show_nothing(room: Rooms) -> None:
    here = room()
    here.session.postprocess = PostProcess(True, True, 2, 10)
    here.session.add_click((0, 20, 20), positive=False)
    here.wait()
    assert not here.session.mask().any()


def test_several_objects_are_each_processed_by_themselves(room: Rooms) -> None:
    here = room(predictor=RingPredictor())
    here.show(0, 2)
    here.session.each = True
    here.session.postprocess = HOLES
    here.session.points.data = [(2, 20, 20), (2, 20, 40)]
    here.session.add_box((2, 19, 19), (2, 21, 20))  # in the first one's hole
    here.wait()

    shown = here.session.preview.data[2]
    inside = np.zeros(PLANE, bool)
    inside[19:22, 19:21] = True
    np.testing.assert_array_equal(shown == 1, disk(PLANE, 20, 20) & ~inside)
    np.testing.assert_array_equal(shown == 2, disk(PLANE, 20, 40))
    np.testing.assert_array_equal(shown == 3, inside)


def test_changing_it_is_seen_from_outside(room: Rooms) -> None:
    here = room()
    here.wait()
    seen: list[PostProcess] = []
    here.session.changed.connect(lambda: seen.append(here.session.postprocess))
    here.session.postprocess = HOLES
    assert seen == [HOLES]
    here.session.postprocess = HOLES
    assert seen == [HOLES]


def test_anything_else_is_a_sentence(room: Rooms) -> None:
    here = room()
    with pytest.raises(PromptError, match="takes a PostProcess, not dict"):
        here.session.postprocess = {"fill_holes": True}
    assert here.session.postprocess == PostProcess()


def test_an_answer_that_was_dropped_is_had_again(room: Rooms) -> None:
    here = ringed(room, (20, 20))
    here.session._engine.answers.clear(here.session._source.version)
    here.session.postprocess = HOLES
    here.wait()
    np.testing.assert_array_equal(here.session.mask(), disk(PLANE, 20, 20))


def test_a_new_image_gets_answers_of_its_own(room: Rooms) -> None:
    here = ringed(room, (20, 20))
    here.session.postprocess = HOLES
    here.predictor.predict = lambda *args, **kwargs: FakePrediction(
        (0, 0, *PLANE), disk(PLANE, 30, 30).astype(np.float32)
    )
    here.image.data = here.image.data + 1
    here.wait()
    np.testing.assert_array_equal(here.session.mask(), disk(PLANE, 30, 30))
