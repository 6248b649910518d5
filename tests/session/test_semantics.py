"""What the session means; one heading for each rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from fakes import TIMEOUT_S, BlockedPredictor, FailingPredictor, expected
from napari.layers import Labels, Points

from napari_segnext.core.prompts import Click, Mask, Prompts
from napari_segnext.errors import JournalError, LayerError, PromptError
from napari_segnext.session.acts import (
    Accepted,
    Cleared,
    Edited,
    PromptsChanged,
    TargetEdited,
)
from napari_segnext.session.planes import PlaneKey

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rooms import Room

    Rooms = Callable[..., Room]

PLANE = (40, 50)
A, B, C = Click(10, 10), Click(20, 20), Click(30, 40)


def clicks(*values: Click) -> Prompts:
    return Prompts(values)


def at(plane: int, click: Click) -> tuple[float, float, float]:
    return (plane, click.row, click.col)


def acts(room: Room) -> tuple[object, ...]:
    return room.session._history.acts


def xy(index: int) -> PlaneKey:
    return PlaneKey((index,), (1, 2))


# 1: deleted layers ----------------------------------------------------------------


def test_given_prompts_when_their_layer_is_deleted_then_one_act_and_undo_restores(
    room: Rooms,
) -> None:
    there = room()
    there.session.add_click(at(2, A))
    there.session.add_click(at(3, B))
    there.wait()
    count = len(acts(there))

    there.viewer.layers.remove(there.session.points)
    assert not there.session.mask().any()
    assert len(acts(there)) == count + 1
    assert there.session.points in there.viewer.layers
    assert len(there.session.points.data) == 0
    assert not there.session.preview.data.any()

    assert there.session.undo()
    assert len(there.session.points.data) == 2
    np.testing.assert_array_equal(
        there.session.preview.data[2] > 0, expected(PLANE, clicks(A))
    )
    np.testing.assert_array_equal(
        there.session.preview.data[3] > 0, expected(PLANE, clicks(B))
    )


def test_given_a_mask_when_the_preview_is_deleted_then_one_act_and_undo_restores(
    room: Rooms,
) -> None:
    there = room()
    there.session.add_click(at(2, A))
    there.wait()

    there.viewer.layers.remove(there.session.preview)
    there.session.sync()
    assert isinstance(acts(there)[-1], Cleared)
    assert len(there.session.points.data) == 0
    assert not there.session.preview.data.any()

    assert there.session.undo()
    np.testing.assert_array_equal(
        there.session.preview.data[2] > 0, expected(PLANE, clicks(A))
    )


@pytest.mark.parametrize("role", ["points", "shapes", "preview", "target"])
@pytest.mark.parametrize(
    ("tool", "own", "mode"),
    [("point", "points", "add"), ("box", "shapes", "add_rectangle")],
)
def test_given_a_tool_when_a_selected_layer_is_deleted_then_the_tool_goes_on(
    room: Rooms, role: str, tool: str, own: str, mode: str
) -> None:
    there = room()
    there.session.activate("box")
    there.session.activate(tool)
    there.viewer.layers.selection = {getattr(there.session, role)}

    there.viewer.layers.remove_selected()  # napari makes a neighbour active
    there.session.sync()

    active = there.viewer.layers.selection.active
    assert active is getattr(there.session, own)
    assert active.mode == mode


def test_given_several_layers_selected_when_they_are_deleted_then_the_tool_goes_on(
    room: Rooms,
) -> None:
    there = room()
    there.session.activate("point")
    there.viewer.layers.selection = {there.session.points, there.session.preview}

    there.viewer.layers.remove_selected()
    there.session.sync()

    assert there.viewer.layers.selection.active is there.session.points


def test_given_another_layer_in_use_when_one_of_ours_is_removed_then_it_stays_active(
    room: Rooms,
) -> None:
    there = room()
    there.session.activate("point")
    there.viewer.layers.selection.active = there.image

    there.viewer.layers.remove(there.session.preview)
    there.session.sync()

    assert there.viewer.layers.selection.active is there.image


def test_given_a_session_when_all_layers_are_cleared_then_it_ends_and_says_so(
    room: Rooms,
) -> None:
    there = room()
    there.session.add_click(at(2, A))
    there.viewer.layers.clear()

    with pytest.raises(LayerError, match="image was removed"):
        there.session.sync()

    assert there.session.is_closed
    assert len(there.viewer.layers) == 0


def test_given_a_running_prediction_when_the_points_are_deleted_then_its_answer_drops(
    room: Rooms,
) -> None:
    there = room(predictor=BlockedPredictor())
    there.session.add_click(at(2, A))
    there.predictor.wait_until_started()

    there.viewer.layers.remove(there.session.points)
    there.session.sync()
    there.predictor.let_go()
    there.wait()

    assert there.predictor.stops == [True]
    assert not there.session.preview.data.any()


# 2: answers by wait and by the next call --------------------------------------------


def test_given_no_event_loop_when_an_answer_is_ready_then_the_next_call_delivers(
    room: Rooms,
) -> None:
    there = room()
    there.session.add_click(at(2, A))
    assert there.session._worker._state is not None
    with there.session._worker._state:
        there.session._worker._state.wait_for(
            lambda: (
                bool(there.session._worker._answers)
                and not there.session._worker._queue
                and not there.session._worker._running
            ),
            TIMEOUT_S,
        )

    assert there.session.mask().any()


def test_given_a_blocked_job_when_waiting_with_a_timeout_then_timeout_error(
    room: Rooms,
) -> None:
    there = room(predictor=BlockedPredictor())
    there.session.add_click(at(2, A))
    with pytest.raises(TimeoutError):
        there.session.wait(0.01)
    there.predictor.let_go()
    there.wait()
    assert there.session.mask().any()


def test_given_a_failing_job_then_wait_raises_it_and_the_signal_says_it(
    room: Rooms,
) -> None:
    error = ValueError("broken")
    there = room(predictor=FailingPredictor(error))
    there.session.add_click(at(2, A))

    with pytest.raises(ValueError, match="broken"):
        there.wait()
    assert there.errors == [error]
    there.wait()  # told once

    there.predictor.error = None
    there.session.add_click(at(2, B))
    there.wait()
    first = expected(PLANE, clicks(A))
    np.testing.assert_array_equal(
        there.session.mask(), expected(PLANE, clicks(A, B), first)
    )


# 3: all planes are read, those on display and those named are predicted ---------------


def test_given_points_on_many_planes_by_hand_then_only_the_displayed_is_predicted(
    room: Rooms,
) -> None:
    there = room()
    there.show(0, 2)
    there.session.points.data = [at(2, A), at(3, B), at(4, C)]
    there.wait()
    assert there.predictor.asked == [clicks(A)]
    assert set(there.session.objects[1].prompts) == {xy(2), xy(3), xy(4)}

    there.show(0, 3)
    there.wait()
    assert there.predictor.asked == [clicks(A), clicks(B)]
    np.testing.assert_array_equal(there.session.mask(), expected(PLANE, clicks(B)))


def test_given_a_click_moved_to_another_slice_then_that_is_predicted_when_shown(
    room: Rooms,
) -> None:
    there = room()
    there.show(0, 2)
    there.session.add_click(at(2, A))
    there.wait()
    there.session.points.data = [at(4, A)]  # one act on two planes
    there.wait()
    assert not there.session.preview.data.any()
    there.show(0, 4)
    there.wait()
    np.testing.assert_array_equal(there.session.mask(), expected(PLANE, clicks(A)))


def test_given_an_answer_on_another_slice_when_its_prompts_change_then_it_follows(
    room: Rooms,
) -> None:
    there = room()
    there.session.points.data = [at(3, A)]
    there.show(0, 3)
    there.wait()
    there.show(0, 1)
    there.session.points.data = [at(3, B)]
    there.wait()
    np.testing.assert_array_equal(
        there.session.preview.data[3] > 0, expected(PLANE, clicks(B))
    )


# 4: one current object ------------------------------------------------------------


def test_given_prompts_on_two_slices_when_accepted_then_both_are_one_label_in_one_act(
    room: Rooms,
) -> None:
    there = room()
    there.session.add_click(at(1, A))
    there.session.add_click(at(3, B))
    there.wait()
    count = len(acts(there))

    assert there.session.accept() == 1

    assert len(acts(there)) == count + 1
    assert isinstance(acts(there)[-1], Accepted)
    data = there.session.target.data
    np.testing.assert_array_equal(data[1], expected(PLANE, clicks(A)))
    np.testing.assert_array_equal(data[3], expected(PLANE, clicks(B)))
    there.session.target.undo()
    assert not data.any()


def test_given_a_label_set_by_hand_then_the_object_goes_on_on_the_next_slice(
    room: Rooms,
) -> None:
    there = room()
    there.session.add_click(at(1, A))
    there.wait()
    there.session.accept()
    there.session.label = 1
    there.session.add_click(at(2, A))
    there.wait()

    assert there.session.accept() == 1

    assert there.session.label == 2
    assert set(there.session.objects[1].keyed) == {xy(1), xy(2)}
    assert (there.session.target.data[1:3] == 1).any(axis=(1, 2)).all()


# 5: accept -----------------------------------------------------------------------


def test_given_a_pending_request_when_accepted_then_it_is_cancelled_and_shown_is_kept(
    room: Rooms,
) -> None:
    there = room(predictor=BlockedPredictor())
    there.predictor.let_go()
    there.session.add_click(at(2, A))
    there.wait()
    there.predictor.wait_until_started()
    there.session.add_click(at(2, B))
    there.predictor.wait_until_started()

    assert there.session.accept() == 1
    there.predictor.let_go()
    there.wait()

    np.testing.assert_array_equal(
        there.session.target.data[2], expected(PLANE, clicks(A))
    )
    assert there.predictor.stops == [False, True]
    assert not there.session.preview.data.any()


def test_given_a_neighbour_when_accepted_then_its_pixels_are_kept(room: Rooms) -> None:
    there = room()
    there.session.target.data[2, 8:10, :] = 7
    there.session.target.refresh()
    there.session.add_click(at(2, A))
    there.wait()
    there.session.label = 9
    there.session.accept()
    target = there.session.target.data[2]
    assert (target[8:10] == 7).all()
    np.testing.assert_array_equal(
        target == 9, expected(PLANE, clicks(A)) & (target != 7)
    )


# 6: undo and redo ------------------------------------------------------------------


def test_given_sixty_clicks_when_all_are_undone_and_redone_then_it_is_as_before(
    room: Rooms,
) -> None:
    there = room()
    rng = np.random.default_rng(1)
    for row, col in rng.integers(2, 38, (60, 2)):
        there.session.add_click((1, row, col), positive=bool(rng.integers(2)))
    there.wait()
    there.show(0, 1)
    mask = there.session.mask()
    signs = sorted(there.session.points.features["polarity"])
    assert set(signs) == {"positive", "negative"}

    for _ in range(60):
        assert there.session.undo()
    assert not there.session.undo()
    assert not there.session.mask().any()
    for _ in range(60):
        assert there.session.redo()
    assert not there.session.redo()
    there.wait()

    np.testing.assert_array_equal(there.session.mask(), mask)
    assert sorted(there.session.points.features["polarity"]) == signs


def test_given_an_act_elsewhere_when_undone_then_the_slider_goes_there(
    room: Rooms,
) -> None:
    there = room()
    there.session.add_click(at(1, A))
    there.wait()
    there.show(0, 4)

    assert there.session.undo()

    assert there.session.plane == xy(1)
    there.show(0, 4)
    assert there.session.redo()
    assert there.session.plane == xy(1)


def test_given_a_new_act_after_undo_then_redo_has_nothing(room: Rooms) -> None:
    there = room()
    there.session.add_click(at(1, A))
    there.session.undo()
    there.session.add_click(at(1, B))
    assert not there.session.redo()
    assert there.session.can_undo
    assert not there.session.can_redo


def test_given_a_locked_target_when_an_accept_is_undone_then_false_and_nothing_moves(
    room: Rooms,
) -> None:
    there = room()
    there.session.add_click(at(1, A))
    there.wait()
    there.session.accept()
    there.session.target.editable = False

    assert not there.session.undo()

    assert isinstance(there.errors[-1], LayerError)
    assert there.session.target.data.any()
    there.session.target.editable = True
    assert there.session.undo()
    assert not there.session.target.data.any()


def test_given_a_closed_session_then_undo_and_redo_are_false(room: Rooms) -> None:
    there = room()
    there.session.add_click(at(1, A))
    there.session.close()
    assert not there.session.undo()
    assert not there.session.redo()


# 7: clear and edit -----------------------------------------------------------------


def test_given_prompts_on_two_slices_when_cleared_then_all_go_and_undo_restores(
    room: Rooms,
) -> None:
    there = room()
    there.session.add_click(at(1, A))
    there.session.add_click(at(3, B))
    there.wait()

    there.session.clear()
    assert not there.session.preview.data.any()
    assert len(there.session.points.data) == 0
    there.session.undo()
    assert len(there.session.points.data) == 2
    assert there.session.preview.data[1].any()
    assert there.session.preview.data[3].any()


def test_given_an_accepted_object_when_edited_then_shown_without_inference(
    room: Rooms,
) -> None:
    there = room()
    there.session.add_click(at(1, A))
    there.wait()
    shown = there.session.preview.data.copy()
    there.session.accept()
    asked = list(there.predictor.asked)
    before = there.session.target.data.copy()

    there.session.edit(1)
    there.wait()

    assert there.predictor.asked == asked
    np.testing.assert_array_equal(there.session.preview.data, shown)
    np.testing.assert_array_equal(there.session.target.data, before)
    np.testing.assert_array_equal(there.session.points.data, [at(1, A)])
    assert there.session.label == 1

    there.session.add_click((1, 10, 10.5), positive=False)
    there.wait()
    assert there.session.accept() == 1
    after = there.session.target.data[1]
    first = expected(PLANE, clicks(A))
    corrected = expected(PLANE, clicks(A, Click(10, 10.5, False)), first)
    np.testing.assert_array_equal(after, corrected)
    assert (after != before[1]).any()  # the label's pixels were replaced

    assert there.session.undo()
    np.testing.assert_array_equal(there.session.target.data, before)


def test_given_a_foreign_label_when_edited_then_its_mask_is_the_prompt(
    room: Rooms,
) -> None:
    target = Labels(np.zeros((5, 40, 50), np.uint8))
    target.data[1:3, 5:15, 5:20] = 4
    there = room(target=target)
    own = target.data[1] == 4

    there.session.edit(4)
    there.wait()
    assert there.predictor.asked == []
    np.testing.assert_array_equal(there.session.preview.data > 0, target.data == 4)

    there.session.add_click(at(1, C))
    there.wait()
    prompts = Prompts((C,), mask=Mask.from_array(own))
    assert there.predictor.asked == [prompts]
    there.session.accept()
    np.testing.assert_array_equal(target.data[1] == 4, expected(PLANE, prompts))
    np.testing.assert_array_equal(target.data[2] == 4, own)


def test_given_an_open_object_when_another_is_edited_then_it_goes_in_the_same_act(
    room: Rooms,
) -> None:
    there = room()
    there.session.add_click(at(1, A))
    there.wait()
    there.session.accept()
    there.session.add_click(at(1, B))
    there.wait()
    shown = there.session.preview.data.copy()
    count = len(acts(there))

    there.session.edit(1)
    assert len(acts(there)) == count + 1
    assert isinstance(acts(there)[-1], Edited)
    np.testing.assert_array_equal(there.session.points.data, [at(1, A)])

    there.session.undo()
    np.testing.assert_array_equal(there.session.points.data, [at(1, B)])
    np.testing.assert_array_equal(there.session.preview.data, shown)
    assert there.session.label == 2


def test_given_no_such_label_when_edited_then_a_layer_error(room: Rooms) -> None:
    with pytest.raises(LayerError, match="no object with label 5"):
        room().session.edit(5)


# 9: previous is recorded ------------------------------------------------------------


def test_given_clicks_one_by_one_then_each_answer_feeds_the_next(room: Rooms) -> None:
    there = room()
    for click in (A, B, C):
        there.session.add_click(at(2, click))  # without waiting: the same answer
    there.wait()
    first = expected(PLANE, clicks(A))
    second = expected(PLANE, clicks(A, B), first)
    third = expected(PLANE, clicks(A, B, C), second)
    np.testing.assert_array_equal(there.session.mask(), third)
    assert [act.changes[0].previous for act in acts(there)] == [None, 1, 2]


def test_given_a_click_removed_in_the_middle_then_the_longest_prefix_is_fed_back(
    room: Rooms,
) -> None:
    there = room()
    for click in (A, B, C):
        there.session.add_click(at(2, click))
    there.wait()
    there.session.points.remove([1])
    there.wait()

    first = expected(PLANE, clicks(A))
    np.testing.assert_array_equal(
        there.session.mask(), expected(PLANE, clicks(A, C), first)
    )
    assert acts(there)[-1].changes[0].previous == 1


def test_given_the_first_click_moved_then_nothing_is_fed_back(room: Rooms) -> None:
    there = room()
    there.session.add_click(at(2, A))
    there.session.add_click(at(2, B))
    there.wait()
    data = there.session.points.data.copy()
    data[0] = at(2, C)
    there.session.points.data = data
    there.wait()
    np.testing.assert_array_equal(there.session.mask(), expected(PLANE, clicks(B, C)))
    assert acts(there)[-1].changes[0].previous is None


def test_given_the_last_click_removed_by_hand_then_the_answer_is_the_one_before(
    room: Rooms,
) -> None:
    there = room()
    there.session.add_click(at(2, A))
    there.wait()
    before = there.session.mask()
    there.session.add_click(at(2, B))
    there.wait()
    there.session.points.remove([1])
    there.wait()
    np.testing.assert_array_equal(there.session.mask(), before)


def test_given_a_changed_mask_prompt_then_nothing_is_fed_back(room: Rooms) -> None:
    there = room()
    there.show(0, 2)
    mask = np.zeros(PLANE, bool)
    mask[3:6, 3:6] = True
    there.session.add_mask(mask)
    there.session.add_click(at(2, C))
    there.wait()
    there.session.add_mask(~mask)
    there.wait()
    np.testing.assert_array_equal(
        there.session.mask(), expected(PLANE, Prompts((C,), mask=~mask))
    )
    assert acts(there)[-1].changes[0].previous is None


def test_given_no_auto_run_when_run_then_all_prompts_are_answered_at_once(
    room: Rooms,
) -> None:
    there = room(auto_run=False)
    there.session.add_click(at(2, A))
    there.session.add_click(at(2, B))
    there.wait()
    assert there.predictor.asked == []
    assert there.session.can_run
    with pytest.raises(PromptError, match="run the prompts"):
        there.session.accept()
    there.session.run()
    there.wait()
    assert there.predictor.asked == [clicks(A, B)]
    assert not there.session.can_run
    there.session.add_click(at(2, C))
    there.session.run()
    there.wait()
    first = expected(PLANE, clicks(A, B))
    np.testing.assert_array_equal(
        there.session.mask(), expected(PLANE, clicks(A, B, C), first)
    )


# 10: senseless prompts ----------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        lambda session: session.add_click((2, 100, 10)),
        lambda session: session.add_click((9, 10, 10)),
        lambda session: session.add_click((2, np.nan, 10)),
        lambda session: session.add_click((10, 10)),
        lambda session: session.add_box((2, 5, 5), (2, 5, 9)),
        lambda session: session.add_box((2, 5, 5), (3, 8, 9)),
        lambda session: session.add_polygon([(2, 5, 5), (2, 9, 9)]),
        lambda session: session.add_scribble([(2, 5, 5)]),
        lambda session: session.add_scribble([]),
        lambda session: session.add_mask(np.zeros(PLANE, bool)),
        lambda session: session.add_mask(np.ones((3, 3), bool)),
        lambda session: session.add_mask(np.ones(PLANE, bool), plane=9),
        lambda session: session.add_mask(np.ones(PLANE, bool), plane=(1, 1)),
    ],
)
def test_given_a_senseless_prompt_then_a_prompt_error_and_no_change(
    room: Rooms, call: Callable[..., None]
) -> None:
    there = room()
    with pytest.raises(PromptError):
        call(there.session)
    assert acts(there) == ()
    assert not there.session.can_clear


def test_given_negative_prompts_alone_then_an_empty_answer(room: Rooms) -> None:
    there = room()
    there.show(0, 2)
    there.session.add_click(at(2, A), positive=False)
    there.wait()
    assert not there.session.mask().any()
    assert "+ object" in there.session.hint
    with pytest.raises(PromptError):
        there.session.accept()


# 11: close ---------------------------------------------------------------------------


def test_given_an_open_session_when_closed_twice_then_only_image_and_target_stay(
    room: Rooms,
) -> None:
    there = room()
    there.session.add_click(at(2, A))
    there.session.add_box((2, 20, 20), (2, 25, 25))
    there.wait()
    there.session.accept()
    target = there.session.target
    closed = []
    there.session.closed.connect(lambda: closed.append(True))

    there.session.close()
    there.session.close()

    assert list(there.viewer.layers) == [there.image, target]
    assert closed == [True]
    assert there.session.target is target
    assert not there.session._worker.is_alive
    there.show(0, 4)  # nobody listens any more
    target.data_setitem((np.array([0]),) * 3, 3)
    with pytest.raises(LayerError, match="closed"):
        there.session.add_click(at(2, A))


def test_given_adopted_layers_when_closed_then_they_stay(room: Rooms) -> None:
    points = Points(np.empty((0, 3)), ndim=3)
    there = room(points=points)
    there.session.close()
    assert points in there.viewer.layers


# 12: the user's own undo on the target ------------------------------------------------


def test_given_an_accept_when_napari_undoes_it_then_the_cursor_moves(
    room: Rooms,
) -> None:
    there = room()
    there.show(0, 2)
    there.session.add_click(at(2, A))
    there.wait()
    there.session.accept()
    count = len(acts(there))

    there.session.target.undo()
    there.session.sync()
    assert len(acts(there)) == count - 1
    assert len(there.session.points.data) == 1  # the object is open again
    assert there.session.label == 1

    there.session.target.redo()
    there.session.sync()
    assert len(acts(there)) == count
    assert there.session.label == 2
    assert there.session.undo()
    assert not there.session.target.data.any()


def test_given_our_undo_of_an_accept_when_napari_undoes_that_then_it_is_redone(
    room: Rooms,
) -> None:
    there = room()
    there.show(0, 2)
    there.session.add_click(at(2, A))
    there.wait()
    there.session.accept()
    there.session.undo()
    there.session.target.undo()
    assert there.session.target.data.any()
    there.session.sync()
    assert isinstance(acts(there)[-1], Accepted)
    assert not there.session.can_redo


def test_given_an_accept_on_another_slice_when_napari_undoes_it_then_that_is_seen(
    room: Rooms,
) -> None:
    there = room()
    there.session.add_click(at(2, A))
    there.wait()
    there.session.accept()
    there.show(0, 4)
    there.session.sync()

    there.session.target.undo()
    there.session.sync()

    assert there.session.label == 1
    assert set(there.session.objects) == {1}
    assert there.session.objects[1].state == "open"
    assert there.session.can_redo


def test_given_painting_in_the_target_then_it_is_an_act_that_can_be_undone(
    room: Rooms,
) -> None:
    there = room()
    there.show(0, 2)
    target = there.session.target
    target.selected_label = 5
    target.paint((2, 20, 20), 5)
    there.session.sync()
    painted = target.data.copy()
    assert painted.any()
    assert isinstance(acts(there)[-1], TargetEdited)

    assert there.session.undo()
    assert not target.data.any()
    assert there.session.redo()
    np.testing.assert_array_equal(target.data, painted)


def test_given_painting_over_an_accepted_object_when_the_accept_is_undone_then_it_stays(
    room: Rooms,
) -> None:
    there = room()
    there.show(0, 2)
    there.session.add_click(at(2, A))
    there.wait()
    there.session.accept()
    there.show(0, 3)  # where the painting is not seen, and so is no act
    there.session.sync()
    there.session.target.data[2, 10, 10] = 9

    assert there.session.undo()

    assert there.session.target.data[2, 10, 10] == 9
    assert (there.session.target.data != 0).sum() == 1


def test_given_two_prompts_by_hand_when_synced_then_one_act(room: Rooms) -> None:
    there = room()
    there.session.points.data = [at(2, A), at(2, B)]
    there.session.sync()
    there.session.sync()
    assert len(acts(there)) == 1
    assert isinstance(acts(there)[0], PromptsChanged)


def test_given_a_journal_that_cannot_be_written_then_a_journal_error(
    room: Rooms, tmp_path: Path
) -> None:
    with pytest.raises(JournalError, match="folder that exists"):
        room(journal=tmp_path / "nowhere" / "log.jsonl")
    path = tmp_path / "log.jsonl"
    assert room(journal=path).session.journal == path
