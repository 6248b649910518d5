"""Propagation as a user and a script see it: one act, nothing by hand is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from volumes import (
    OTHER,
    SHAPE,
    TUBE,
    PartPredictor,
    begun,
    centre,
    check,
    check_same,
    made,
    picture,
    plane,
    preview,
    snapshot,
    tube,
)

from napari_segnext.session.acts import PromptsChanged, Propagated

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooms import Room

    Rooms = Callable[..., Room]


# one run ------------------------------------------------------------------------------


def test_given_a_click_when_propagated_then_the_object_is_found_as_one_act(
    room: Rooms,
) -> None:
    here = begun(room)
    progress: list[tuple[int, int]] = []
    here.session.progressed.connect(lambda *numbers: progress.append(numbers))

    here.session.propagate()
    assert here.session.is_propagating
    here.wait()

    assert not here.session.is_propagating
    np.testing.assert_array_equal(preview(here), TUBE)
    assert [type(act) for act in here.session._history.acts] == [
        PromptsChanged,
        Propagated,
    ]
    assert len(here.session.slices) == SHAPE[0]
    assert progress[-1][0] == progress[-1][1] >= SHAPE[0] - 1
    check(here.session)


def test_given_a_run_when_undone_and_redone_then_it_is_exact_and_without_inference(
    room: Rooms,
) -> None:
    here = begun(room)
    before = snapshot(here.session)
    here.session.propagate()
    here.wait()
    after = snapshot(here.session)
    asked = len(here.predictor.asked)

    assert here.session.undo()
    check_same(before, snapshot(here.session))
    assert here.session.redo()
    check_same(after, snapshot(here.session))

    here.wait()
    assert len(here.predictor.asked) == asked
    check(here.session)


def test_given_no_wait_when_propagated_at_once_then_it_starts_from_the_answer(
    room: Rooms,
) -> None:
    here = room(picture(TUBE, OTHER), PartPredictor())
    here.session.add_click(centre(7))
    here.session.propagate()
    here.wait()
    np.testing.assert_array_equal(preview(here), TUBE)


def test_given_auto_run_off_when_propagated_then_what_is_by_hand_is_answered_first(
    room: Rooms,
) -> None:
    here = room(picture(TUBE), PartPredictor(), auto_run=False)
    here.session.add_click(centre(7))
    here.session.propagate()
    here.wait()
    np.testing.assert_array_equal(preview(here), TUBE)


@pytest.mark.parametrize(
    ("slices", "expected"),
    [
        (range(2, 7), [2, 3, 5, 6]),
        (range(6, 1, -1), [2, 3, 5, 6]),
        (range(6, 9), [6, 7, 8]),
        (range(-5, 3), [0, 1, 2]),
        (range(8, 100), [8, 9]),
        (range(5, 6), [5]),
    ],
)
def test_given_a_range_when_propagated_then_only_that_changes(
    room: Rooms, slices: range, expected: list[int]
) -> None:
    here = begun(room)
    here.session.propagate(slices=slices)
    here.wait()
    assert made(here) == expected
    for z in expected:
        np.testing.assert_array_equal(preview(here)[z], TUBE[z])


def test_given_an_object_that_ends_when_propagated_then_it_says_where_and_why(
    room: Rooms,
) -> None:
    short = tube(SHAPE, (10, 8), (0.8, 1.2), slices=range(2, 7))
    here = room(picture(short), PartPredictor())
    here.session.add_click(centre(4))
    here.session.propagate()
    here.wait()

    np.testing.assert_array_equal(preview(here), short)
    assert set(here.session.endings) == {plane(1), plane(7)}
    assert all("too small: 0 px" in reason for reason in here.session.endings.values())
    here.session.accept()
    assert not here.session.endings  # of the object that is open now


def test_given_keys_of_two_sizes_when_propagated_then_the_largest_says_where_it_ends(
    room: Rooms,
) -> None:
    truth = tube(SHAPE, (16, 16), radius=10, slices=range(4))
    truth |= tube(SHAPE, (16, 16), radius=2)  # below a twentieth of it
    here = room(picture(truth), PartPredictor())
    for z in (2, 5, 6):
        here.session.add_click((z, 16, 16))
    here.session.propagate()
    here.wait()

    reason = here.session.endings[plane(7)]
    assert "below 5% of the 317 px of the largest slice" in reason
    assert not preview(here)[7:].any()


def test_given_an_object_on_one_slice_when_propagated_then_it_is_told_why_not(
    room: Rooms,
) -> None:
    flat = tube(SHAPE, (10, 8), (0.8, 1.2), slices=range(4, 5))
    here = room(picture(flat), PartPredictor())
    here.session.add_click(centre(4))
    here.session.propagate()
    here.wait()
    assert len(here.session._history.acts) == 1
    assert "too small: 0 px" in str(here.errors[-1])
    assert here.session.hint.startswith("No slice was added. It became too small: 0 px")


def test_given_slices_that_the_object_does_not_reach_when_asked_then_it_is_told_why_not(
    room: Rooms,
) -> None:
    short = tube(SHAPE, (10, 8), (0.8, 1.2), slices=range(6))
    here = room(picture(short), PartPredictor())
    here.session.add_click(centre(4))
    here.session.propagate(slices=range(8, 10))
    here.wait()
    assert list(here.session.endings) == [plane(6)]
    assert str(here.errors[-1]).startswith("No slice was added. It became too small")
    assert not preview(here)[5:].any()  # on the way to them, and not asked for


def test_given_made_slices_when_made_again_then_those_that_end_earlier_are_gone(
    room: Rooms,
) -> None:
    here = begun(room)
    here.session.propagate()
    here.wait()
    here.show(0, 7)
    here.session.add_click((7, 0, 35))
    here.session.add_click(centre(7), positive=False)  # "not here"
    here.wait()
    assert not preview(here)[7:].any()
    np.testing.assert_array_equal(preview(here)[:7], TUBE[:7])
    check(here.session)


# by hand is sacred --------------------------------------------------------------------


def test_given_locked_slices_when_propagated_then_they_stay_and_are_starting_points(
    room: Rooms,
) -> None:
    here = begun(room)
    here.session.propagate()
    here.wait()
    here.session.lock(6)
    here.session.lock(8)
    before = preview(here)
    wrong = np.array(here.image.data)
    wrong[6:9] = 0
    here.image.data = wrong  # the network finds nothing there any more
    here.session.propagate()
    here.wait()

    np.testing.assert_array_equal(preview(here)[[6, 8]], before[[6, 8]])
    infos = here.session.slices
    assert infos[plane(6)].locked
    assert infos[plane(6)].kind == "propagated"
    assert infos[plane(4)].kind == "keyed"


def test_given_an_empty_locked_slice_when_propagated_then_the_object_ends_there(
    room: Rooms,
) -> None:
    here = begun(room)
    here.session.lock(7)
    here.session.propagate()
    here.wait()
    assert made(here) == [0, 1, 2, 3, 5, 6]
    assert not preview(here)[7:].any()
    here.session.undo()
    here.session.undo()  # the lock
    here.session.propagate()
    here.wait()
    np.testing.assert_array_equal(preview(here), TUBE)


# accepting and opening again ----------------------------------------------------------


def test_given_a_made_object_when_accepted_and_edited_then_it_is_known_as_before(
    room: Rooms,
) -> None:
    here = begun(room)
    here.session.propagate()
    here.wait()
    here.session.review_slice(6)
    here.session.lock(7)
    infos = here.session.slices

    here.session.accept()
    np.testing.assert_array_equal(here.session.target.data == 1, TUBE)
    assert here.session.objects[1].keyed == (plane(4),)
    assert len(here.session.objects[1].scores) == SHAPE[0] - 1
    here.session.go_to_object(1)
    assert here.session.slices == infos
    here.session.edit(1)
    assert here.session.slices == infos

    here.session.undo()
    here.session.undo()
    assert not here.session.target.data.any()
    assert here.session.slices == infos


def test_given_a_slice_painted_over_since_when_edited_then_it_is_by_hand(
    room: Rooms,
) -> None:
    here = begun(room)
    here.session.propagate()
    here.wait()
    here.session.accept()
    here.session.target.data_setitem(
        (np.array([6, 6]), np.array([0, 1]), np.array([0, 0])), 1
    )
    here.session.edit(1)
    assert here.session.slices[plane(6)].kind == "keyed"
    assert here.session.slices[plane(5)].kind == "propagated"
    here.session.propagate()
    here.wait()
    here.session.accept()
    assert here.session.target.data[6, 0, 0] == 1


def test_given_an_object_from_elsewhere_when_propagated_then_all_it_has_is_by_hand(
    room: Rooms,
) -> None:
    here = room(picture(TUBE), PartPredictor())
    here.session.target.data[3:5] = TUBE[3:5] * 6
    here.session.target.refresh()
    here.session.propagate(6)
    here.wait()
    assert made(here) == [0, 1, 2, 5, 6, 7, 8, 9]
    assert here.session.accept() == 6
    np.testing.assert_array_equal(here.session.target.data == 6, TUBE)
    here.session.undo()
    here.session.undo()
    np.testing.assert_array_equal(
        here.session.target.data.any(axis=(1, 2)), np.isin(range(10), [3, 4])
    )


def test_given_a_shorter_object_when_made_again_and_accepted_then_pixels_are_freed(
    room: Rooms,
) -> None:
    here = begun(room)
    here.session.propagate()
    here.wait()
    here.session.accept()
    here.session.edit(1)
    here.session.lock(6)
    short = np.array(here.image.data)
    short[8:] = 0
    here.image.data = short
    here.session.propagate()
    here.wait()
    here.session.accept()
    np.testing.assert_array_equal(here.session.target.data[:8] == 1, TUBE[:8])
    assert not here.session.target.data[8:].any()
