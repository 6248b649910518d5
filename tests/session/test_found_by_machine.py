"""What the state machine found, each as a short story of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from fakes import (
    TIMEOUT_S,
    BlockedPredictor,
    FakeFeatures,
    FakePrediction,
    expected,
)
from napari.layers import Image

from napari_segnext.core.prompts import Click, Prompts

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooms import Room

    Rooms = Callable[..., Room]

PLANE = (40, 50)
A, B = Click(10, 10), Click(20, 20)


def at(plane: int, click: Click) -> tuple[float, float, float]:
    return (plane, click.row, click.col)


def test_given_no_auto_run_when_undone_then_no_answer_to_what_is_gone_stays(
    room: Rooms,
) -> None:
    there = room(auto_run=False)
    there.show(0, 2)
    there.session.add_click(at(2, A))
    there.session.add_click(at(2, B))
    there.session.run()
    there.wait()
    both = there.session.mask()
    assert both.any()

    there.session.undo()  # to a click that nobody asked an answer for
    there.wait()
    assert not there.session.mask().any()
    there.session.redo()
    np.testing.assert_array_equal(there.session.mask(), both)


def test_given_no_auto_run_when_a_correction_is_undone_and_done_then_it_shows_the_same(
    room: Rooms,
) -> None:
    there = room(auto_run=False)
    there.show(0, 2)
    there.session.add_click(at(2, A))
    there.session.run()
    there.wait()
    first = expected(PLANE, Prompts([A]))
    there.session.add_click(at(2, B))
    there.wait()
    np.testing.assert_array_equal(there.session.mask(), first)  # until `run`
    there.session.undo()
    there.session.redo()
    np.testing.assert_array_equal(there.session.mask(), first)


def test_given_a_chosen_label_when_undone_and_done_again_then_it_is_chosen_still(
    room: Rooms,
) -> None:
    there = room()
    there.session.add_click(at(2, A))
    there.wait()
    there.session.accept()
    there.session.label = 7
    there.session.label = 9  # two choices in a row are one act
    there.session.add_click(at(2, B))
    for _ in range(3):
        there.session.undo()
    assert there.session.label == 1
    there.session.redo()
    assert there.session.label == 2
    assert there.session.redo_text == "choose label 9"
    there.session.redo()
    there.session.redo()
    assert there.session.label == 9


def test_given_a_hidden_target_when_the_view_is_turned_then_accept_and_undo_write(
    room: Rooms,
) -> None:
    there = room()
    there.session.add_click(at(2, A))
    there.wait()
    there.session.target.visible = False
    there.viewer.dims.order = (1, 0, 2)
    there.session.accept()
    np.testing.assert_array_equal(
        there.session.target.data[2], expected(PLANE, Prompts([A]))
    )
    there.viewer.dims.order = (2, 0, 1)
    assert there.session.undo()
    assert not there.session.target.data.any()


def test_given_no_auto_run_when_the_image_is_replaced_then_its_old_answer_goes(
    room: Rooms,
) -> None:
    there = room(auto_run=False)
    there.show(0, 2)
    there.session.add_click(at(2, A))
    there.session.run()
    there.wait()
    there.session.add_click(at(2, B))  # for which nobody asked
    there.image.data = there.image.data[::-1].copy()
    there.wait()
    assert not there.session.mask().any()


def test_given_a_plane_in_a_3d_view_when_a_line_is_drawn_by_script_then_it_is_there(
    room: Rooms,
) -> None:
    there = room(np.ones(PLANE))
    there.viewer.layers.append(Image(np.ones((3, *PLANE))))
    assert there.session.shapes.ndim == 2
    there.viewer.dims.ndisplay = 3
    there.session.add_scribble([(5, 5), (9, 20)])
    assert there.viewer.dims.ndisplay == 3
    assert len(there.session.shapes.data) == 1
    there.session.undo()
    there.session.redo()
    assert len(there.session.shapes.data) == 1


def test_given_a_stroke_on_another_slice_when_napari_undoes_it_then_its_prompt_goes(
    room: Rooms,
) -> None:
    there = room()
    there.show(0, 1)
    there.session.scribbles.paint((1, 10, 10), 1)
    there.wait()
    there.show(0, 3)
    there.wait()
    assert there.session.preview.data[1].any()

    there.session.scribbles.undo()
    there.wait()
    assert not there.session.can_clear
    assert not there.session.preview.data.any()

    there.session.scribbles.redo()
    there.wait()
    assert there.session.can_clear


def test_given_two_undos_of_napari_when_synced_then_no_object_is_listed_that_is_gone(
    room: Rooms,
) -> None:
    there = room()
    there.session.add_click(at(2, A))
    there.wait()
    there.session.accept()
    there.session.split(1, [(2, 10, 0), (2, 10, 49)])
    assert set(there.session.objects) == {1, 2}
    there.session.target.undo()
    there.session.target.undo()
    assert not there.session.target.data.any()
    assert not any(i.state != "open" for i in there.session.objects.values())


class LatePredictor(BlockedPredictor):
    """Answers that there is nothing where the plane is 0; asks nobody."""

    def predict(self, features: FakeFeatures, *args: Any, **_: Any) -> FakePrediction:
        self.started.release()
        assert self.release.acquire(timeout=TIMEOUT_S)
        mask = (features.plane > 0).astype(np.float32)
        return FakePrediction((0, 0, *mask.shape), mask)


def test_given_an_answer_on_its_way_when_the_image_is_replaced_then_it_is_not_taken(
    room: Rooms,
) -> None:
    there = room(np.ones(PLANE, np.uint8), predictor=LatePredictor())
    there.session.add_click((10, 10))
    there.predictor.wait_until_started()
    there.image.data = np.eye(*PLANE, dtype=np.uint8)
    there.session.sync()
    there.predictor.let_go(2)
    there.wait()
    np.testing.assert_array_equal(there.session.mask(), np.eye(*PLANE, dtype=bool))
