from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fakes import TIMEOUT_S, DiskPredictor
from napari.layers import Image, Labels, Points

from napari_segnext.errors import LayerError, PromptError
from napari_segnext.session.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rooms import Room

    from napari_segnext.session.resuming import Work

    Rooms = Callable[..., Room]
    Reopen = Callable[..., Session]


def made_elsewhere() -> Labels:
    data = np.zeros((5, 40, 50), np.uint16)
    data[1:4, 5:15, 5:25] = 3
    return Labels(data, name="cells")


def worked_in(room: Rooms, **options: Any) -> Room:
    """An accepted object, a review, an undone act, and an object open on two slices."""
    there = room(target=made_elsewhere(), **options)
    session = there.session
    there.show(0, 2)
    session.add_click((2, 30, 10))
    there.wait()
    session.accept()
    session.review(3)
    session.add_click((2, 30, 40))
    session.add_box((3, 20, 30), (3, 28, 38))
    session.add_polygon([(2, 33, 33), (2, 38, 33), (2, 38, 39)], positive=False)
    there.wait()
    session.scribbles.paint((2, 22, 40), 1)
    there.wait()
    session.label = 12
    session.add_click((2, 36, 45))
    there.wait()
    session.undo()
    session.go_to_object(3)
    return there


def seen(session: Session) -> dict[str, Any]:
    """All that a user sees of a session."""
    session.sync()
    prompts = {
        plane: sorted(map(repr, state.prompts))
        for plane, state in session._history.state.object.planes.items()
    }
    return {
        "prompts": prompts,
        "preview": session.preview.data.tolist(),
        "target": session.target.data.tolist(),
        "reviewed": [n for n, info in session.objects.items() if info.reviewed],
        "states": {n: info.state for n, info in session.objects.items()},
        "label": session.label,
        "focus": session.focus,
        "undo": session.undo_text,
        "redo": session.redo_text,
        "each": session.each,
    }


@pytest.fixture
def reopen() -> Iterator[Reopen]:
    """Open another session in the same viewer."""
    sessions: list[Session] = []

    def make(there: Room, image: Image | None = None, **options: Any) -> Session:
        options.setdefault("journal", None)
        image = there.image if image is None else image
        sessions.append(Session(there.viewer, image, there.predictor, **options))
        return sessions[-1]

    yield make
    for session in sessions:
        session.close()


def test_given_work_left_when_resumed_then_all_is_as_it_was_and_nothing_is_predicted(
    room: Rooms, reopen: Reopen
) -> None:
    there = worked_in(room)
    before, target = seen(there.session), there.session.target
    work = there.session.leave()
    assert there.session.is_closed
    assert target in there.viewer.layers
    asked = len(there.predictor.asked)

    session = reopen(there, target=target)
    session.resume(work)

    session.wait(TIMEOUT_S)
    assert seen(session) == before
    assert len(there.predictor.asked) == asked


def test_given_resumed_work_then_undo_and_redo_go_over_all_of_it_without_inference(
    room: Rooms, reopen: Reopen
) -> None:
    there = worked_in(room)
    target = there.session.target
    work = there.session.leave()
    asked = len(there.predictor.asked)
    session = reopen(there, target=target)
    session.resume(work)
    states = [seen(session)]

    while session.undo():
        session.wait(TIMEOUT_S)
        states.append(seen(session))
    np.testing.assert_array_equal(session.target.data, made_elsewhere().data)
    for state in states[-2::-1]:
        assert session.redo()
        session.wait(TIMEOUT_S)
        assert seen(session) == state
    assert session.redo()  # what was undone before the session was left
    assert not session.redo()
    assert len(there.predictor.asked) == asked


def test_given_resumed_work_then_the_next_click_builds_on_the_last_answer(
    room: Rooms, reopen: Reopen
) -> None:
    there, other = worked_in(room), worked_in(room)
    target = there.session.target
    work = there.session.leave()
    session = reopen(there, target=target)
    session.resume(work)
    for one in (session, other.session):
        one.add_click((2, 35, 20))
        one.wait(TIMEOUT_S)
    assert seen(session) == seen(other.session)
    assert session.accept() == other.session.accept()
    assert seen(session) == seen(other.session)
    while other.session.undo():
        assert session.undo()
    assert not session.undo()


def test_given_an_object_open_for_editing_when_resumed_then_it_is_still_the_same(
    room: Rooms, reopen: Reopen
) -> None:
    there = room(target=made_elsewhere())
    there.session.edit(3)
    there.session.add_click((2, 20, 20))
    there.wait()
    before, target = seen(there.session), there.session.target
    asked = len(there.predictor.asked)
    session = reopen(there, target=target)
    session.resume(there.session.leave())
    assert seen(session) == before
    assert session.accept() == 3
    assert session.undo()
    assert session.undo()
    assert session.undo()
    assert not session.preview.data.any()
    assert len(there.predictor.asked) == asked


def test_given_several_at_once_when_resumed_then_it_goes_on_with_several(
    room: Rooms, reopen: Reopen
) -> None:
    there = room(target=made_elsewhere())
    there.session.each = True
    there.session.add_click((2, 30, 10))
    there.session.add_click((2, 30, 40))
    there.wait()
    before, target = seen(there.session), there.session.target
    session = reopen(there, target=target)
    session.resume(there.session.leave())
    assert seen(session) == before
    session.accept()
    assert set(np.unique(target.data)) == {0, 3, 4, 5}


def test_given_a_prediction_that_had_not_come_when_left_then_it_is_asked_for_again(
    room: Rooms, reopen: Reopen
) -> None:
    there = room(target=made_elsewhere())
    target = there.session.target
    there.show(0, 2)
    there.session.add_click((2, 30, 10))
    work = there.session.leave()
    session = reopen(there, target=target)
    session.resume(work)
    session.wait(TIMEOUT_S)
    assert session.preview.data[2].any()


@pytest.mark.parametrize("what", ["model", "contrast", "pixels"])
def test_given_what_the_model_sees_changed_then_open_prompts_are_answered_anew(
    room: Rooms, reopen: Reopen, what: str
) -> None:
    there = worked_in(room)
    before, target = seen(there.session), there.session.target
    work = there.session.leave()
    options: dict[str, Any] = {}
    if what == "model":
        there.predictor = DiskPredictor()
    elif what == "contrast":
        options["contrast"] = "layer"
    else:
        there.image.data = there.image.data.copy()
    asked = len(there.predictor.asked)
    session = reopen(there, target=target, **options)
    session.resume(work)
    session.wait(TIMEOUT_S)
    assert len(there.predictor.asked) > asked
    assert seen(session) == before
    assert session.undo()
    assert session.redo()
    session.wait(TIMEOUT_S)
    assert seen(session) == before


def test_given_labels_painted_in_between_then_they_are_safe_and_the_label_is_free(
    room: Rooms, reopen: Reopen
) -> None:
    there = room(target=made_elsewhere())
    target = there.session.target
    there.show(0, 2)
    there.session.add_click((2, 30, 10))
    there.wait()
    there.session.accept()
    there.session.add_click((2, 30, 40))
    there.wait()
    assert there.session.label == 5
    work = there.session.leave()
    target.data[2, 30, 10] = 77
    target.data[0, 0, 0] = 5
    session = reopen(there, target=target)
    session.resume(work)
    assert session.label == 78
    assert session.undo()
    assert session.undo()
    expected = made_elsewhere().data
    expected[2, 30, 10], expected[0, 0, 0] = 77, 5
    np.testing.assert_array_equal(target.data, expected)


def test_given_other_labels_when_resumed_then_only_open_prompts_and_a_sentence(
    room: Rooms, reopen: Reopen
) -> None:
    there = worked_in(room)
    prompts = seen(there.session)["prompts"]
    work = there.session.leave()
    session = reopen(there, target=Labels(np.zeros((5, 40, 50), np.uint16)))
    session.resume(work)
    session.wait(TIMEOUT_S)
    assert "another layer" in session.hint
    assert seen(session)["prompts"] == prompts
    assert session.preview.data[2].any()
    assert not session.target.data.any()
    assert session.label == 1
    assert session.undo()  # one act
    assert not session.can_undo


def test_given_an_image_of_another_shape_then_prompts_that_fit_and_a_sentence(
    room: Rooms, reopen: Reopen
) -> None:
    there = worked_in(room)
    work = there.session.leave()
    image = Image(np.zeros((3, 40, 42), np.uint16))
    there.viewer.layers.append(image)
    session = reopen(there, image)
    session.resume(work)
    session.wait(TIMEOUT_S)
    assert "another shape" in session.hint
    assert set(seen(session)["prompts"]) == {plane_2()}
    assert len(session.points.data) == 1
    session.accept()

    flat = Image(np.zeros((40, 50)))
    there.viewer.layers.append(flat)
    other = reopen(there, flat)
    other.resume(work)
    assert seen(other)["prompts"] == {}


def plane_2() -> Any:
    from napari_segnext.session.planes import PlaneKey

    return PlaneKey((2,), (1, 2))


def test_given_points_of_the_users_own_then_what_she_changed_meanwhile_counts(
    room: Rooms, reopen: Reopen
) -> None:
    points = Points(np.empty((0, 3)), ndim=3)
    there = room(target=made_elsewhere(), points=points)
    target = there.session.target
    there.show(0, 2)
    there.session.add_click((2, 30, 10))
    there.session.add_click((2, 30, 40))
    there.wait()
    work = there.session.leave()
    points.data = [(2, 30, 40), (2, 36, 25)]
    session = reopen(there, target=target, points=points)
    session.resume(work)
    session.wait(TIMEOUT_S)
    np.testing.assert_array_equal(points.data, [(2, 30, 40), (2, 36, 25)])
    assert session.preview.data[2, 36, 25]
    assert session.undo()
    assert sorted(map(tuple, points.data)) == [(2, 30, 10), (2, 30, 40)]


def test_given_points_of_the_users_that_are_new_then_they_join_what_is_open(
    room: Rooms, reopen: Reopen
) -> None:
    there = room(target=made_elsewhere())
    target = there.session.target
    there.show(0, 2)
    there.session.add_click((2, 30, 10))
    there.wait()
    work = there.session.leave()
    points = Points([(2, 30, 40)], ndim=3)
    session = reopen(there, target=target, points=points)
    session.resume(work)
    session.wait(TIMEOUT_S)
    assert sorted(map(tuple, points.data)) == [(2, 30, 10), (2, 30, 40)]
    assert session.preview.data[2, 30, 10]
    assert session.preview.data[2, 30, 40]
    assert session.undo()
    np.testing.assert_array_equal(points.data, [(2, 30, 10)])


def test_given_work_resumed_twice_then_the_two_do_not_disturb_each_other(
    room: Rooms, reopen: Reopen
) -> None:
    there = worked_in(room)
    target = there.session.target
    work = there.session.leave()
    session = reopen(there, target=target)
    session.resume(work)
    before = seen(session)
    session.add_click((2, 35, 20))
    session.wait(TIMEOUT_S)
    while session.undo():
        pass
    while session.redo():
        if seen(session)["undo"] == before["undo"]:
            break
    session.close()
    other = reopen(there, target=target)
    other.resume(work)
    assert seen(other)["redo"] == before["redo"]
    assert seen(other)["prompts"] == before["prompts"]


def test_given_what_is_no_work_or_a_session_that_has_begun_then_a_sentence(
    room: Rooms, reopen: Reopen
) -> None:
    there = worked_in(room)
    target = there.session.target
    work = there.session.leave()
    with pytest.raises(LayerError, match="closed"):
        there.session.leave()
    session = reopen(there, target=target)
    with pytest.raises(PromptError, match="what `leave` returned"):
        session.resume("work")  # type: ignore[arg-type]
    session.add_click((2, 10, 10))
    with pytest.raises(PromptError, match="begun already"):
        session.resume(work)
    session.close()
    with pytest.raises(LayerError, match="closed"):
        session.resume(work)


def test_given_work_then_it_keeps_no_layer_no_session_and_no_viewer_alive(
    room: Rooms,
) -> None:
    def left() -> tuple[Work, list[weakref.ref[Any]]]:
        there = worked_in(room)
        there.predictor.encoded.clear()  # parts of the image
        things = [there.session, there.viewer, there.image, there.session.target]
        things += [there.session.points, there.session.preview, there.image.data]
        return there.session.leave(), [weakref.ref(thing) for thing in things]

    work, references = left()
    # the factory still has the room
    cells = [cell.cell_contents for cell in room.__closure__ or ()]
    next(content for content in cells if isinstance(content, list)).clear()
    gc.collect()
    assert all(reference() is None for reference in references)
    assert work._target() is None
    assert work._pixels() is None
