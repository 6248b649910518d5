"""Ours and napari's undo, and painting by hand, in every mixture."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import dask.array
import numpy as np
import pytest
from napari.layers import Labels

from napari_segnext.session.acts import TargetEdited
from napari_segnext.session.found import spans_of
from napari_segnext.session.outside import (
    Likeness,
    changed_by_assignment,
    painted_pixels,
)
from napari_segnext.session.pixels import PixelChange
from napari_segnext.session.planes import PlaneKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooms import Room

    Rooms = Callable[..., Room]


def made_elsewhere() -> np.ndarray:
    data = np.zeros((5, 40, 50), np.uint8)
    data[1:4, 5:15, 5:25] = 3
    data[1:4, 15:25, 5:25] = 5
    data[0, 30:35, 30:35] = 9
    return data


def accept(there: Room) -> None:
    there.session.add_click((2, 30, 10))
    there.wait()
    there.session.accept()


def accept_elsewhere(there: Room) -> None:
    there.session.add_click((4, 10, 40))
    there.wait()
    there.session.accept()


ACTS: dict[str, Callable[[Room], object]] = {
    "accept": accept,
    "accept on another slice": accept_elsewhere,
    "paint": lambda there: there.session.target.paint((2, 20, 40), 5),
    "paint over": lambda there: there.session.target.paint((2, 10, 10), 9),
    "paint on another slice": lambda there: there.session.target.paint((4, 20, 40), 7),
    "erase": lambda there: there.session.target.paint((2, 10, 10), 0),
    "fill": lambda there: there.session.target.fill((2, 10, 10), 9),
    "delete": lambda there: there.session.delete(5),
    "delete elsewhere": lambda there: there.session.delete(9),
    "merge": lambda there: there.session.merge([3, 5]),
    "split": lambda there: there.session.split(3, [(2, 0, 12), (2, 39, 12)]),
}


def do(there: Room, name: str) -> None:
    ACTS[name](there)
    there.session.sync()


def pixels(there: Room) -> np.ndarray:
    return np.array(there.session.target.data)


def check_account(there: Room) -> None:
    """What the session says of labels is what is there."""
    assert set(spans_of(pixels(there))) == there.session._target.labels


@pytest.mark.parametrize(
    ("name", "widened"),
    [(name, False) for name in ACTS]
    + [(name, True) for name in ("accept", "paint over", "merge")],
)
def test_given_an_act_when_undone_and_redone_by_napari_then_the_log_follows(
    room: Rooms, name: str, widened: bool
) -> None:
    there = room(target=Labels(made_elsewhere()))
    there.show(0, 2)
    session = there.session
    do(there, name)
    after, log = pixels(there), session._history.acts
    if widened:
        session.widen_target()
    session.target.undo()
    session.sync()
    np.testing.assert_array_equal(pixels(there), made_elsewhere())
    assert session._history.acts == log[:-1]
    check_account(there)
    session.target.redo()
    session.sync()
    np.testing.assert_array_equal(pixels(there), after)
    assert session._history.acts == log
    check_account(there)
    while session.undo():
        pass
    np.testing.assert_array_equal(pixels(there), made_elsewhere())
    assert there.errors == []


# where the second finds nothing to do any more
SENSELESS = {
    *(("delete", "delete"), ("delete", "merge")),
    *(("paint over", "fill"), ("paint over", "paint over")),
}
PAIRS = [
    (first, second)
    for first in ("delete", "paint over")
    for second in ACTS
    if (first, second) not in SENSELESS
]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_given_two_acts_when_napari_undoes_both_then_so_does_the_log(
    room: Rooms, first: str, second: str
) -> None:
    there = room(target=Labels(made_elsewhere()))
    there.show(0, 2)
    session = there.session
    do(there, first)
    between, log_between = pixels(there), len(session._history.acts)
    do(there, second)
    after, log_after = pixels(there), len(session._history.acts)

    session.target.undo()
    session.sync()
    np.testing.assert_array_equal(pixels(there), between)
    check_account(there)
    session.target.redo()
    session.sync()
    np.testing.assert_array_equal(pixels(there), after)
    assert len(session._history.acts) == log_after
    assert session.undo()
    np.testing.assert_array_equal(pixels(there), between)
    session.target.undo()  # takes our undo back
    session.sync()
    np.testing.assert_array_equal(pixels(there), after)
    assert len(session._history.acts) == log_after
    while len(session._history.acts) > log_between:
        assert session.undo()
    np.testing.assert_array_equal(pixels(there), between)
    while session.undo():
        pass
    np.testing.assert_array_equal(pixels(there), made_elsewhere())
    check_account(there)
    assert there.errors == []


@pytest.mark.parametrize("seed", range(3))
def test_given_any_mixture_then_undoing_all_of_it_gives_the_first_pixels_back(
    room: Rooms, seed: int
) -> None:
    there = room(target=Labels(made_elsewhere()))
    there.show(0, 2)
    session = there.session
    dice = random.Random(seed)
    for _ in range(25):
        step = dice.choice(["act", "act", "undo", "redo", "Ctrl-Z", "Shift-Ctrl-Z"])
        before = pixels(there)
        if step == "act":
            name = dice.choice(list(ACTS))
            needed = {"delete": [5], "delete elsewhere": [9], "merge": [3, 5]}
            if set(needed.get(name, [])) <= set(session.objects) and name != "split":
                do(there, name)
        elif step == "undo":
            session.undo()
        elif step == "redo":
            session.redo()
        elif step == "Ctrl-Z":
            session.target.undo()
        else:
            session.target.redo()
        session.sync()
        check_account(there)
        after = pixels(there)
        if (before != after).any() and session.undo():
            if step in ("act", "redo"):
                np.testing.assert_array_equal(pixels(there), before)
            assert session.redo()
            np.testing.assert_array_equal(pixels(there), after)
    while session.undo():
        pass
    np.testing.assert_array_equal(pixels(there), made_elsewhere())
    assert there.errors == []


def test_given_prompts_since_an_accept_when_napari_undoes_it_then_that_is_an_act(
    room: Rooms,
) -> None:
    there = room(target=Labels(made_elsewhere()))
    session = there.session
    there.show(0, 2)
    accept_elsewhere(there)  # not on display
    after = pixels(there)
    session.add_click((2, 30, 30))
    there.wait()
    session.target.undo()
    session.sync()
    assert isinstance(session._history.last, TargetEdited)
    assert session._history.last.plane == PlaneKey((4,), (1, 2))
    assert set(session.objects) == {3, 5, 9, session.label}
    assert session.preview.data[2].any()
    assert session.undo()
    np.testing.assert_array_equal(pixels(there), after)
    assert session.redo()
    np.testing.assert_array_equal(pixels(there), made_elsewhere())
    session.target.undo()  # of the redo
    session.sync()
    np.testing.assert_array_equal(pixels(there), after)
    assert not isinstance(session._history.last, TargetEdited)


def test_given_two_acts_and_a_prompt_when_napari_undoes_both_then_both_are_known(
    room: Rooms,
) -> None:
    there = room(target=Labels(made_elsewhere()))
    session = there.session
    there.show(0, 2)
    do(there, "paint")
    do(there, "delete")
    after = pixels(there)
    session.add_click((2, 30, 30))
    session.target.undo()
    session.sync()
    session.target.undo()
    session.sync()
    np.testing.assert_array_equal(pixels(there), made_elsewhere())
    assert session.undo()
    assert session.undo()
    np.testing.assert_array_equal(pixels(there), after)


def test_given_two_acts_on_two_slices_when_napari_undoes_both_then_none_comes_late(
    room: Rooms,
) -> None:
    there = room(target=Labels(made_elsewhere()))
    session = there.session
    accept_elsewhere(there)
    accept(there)
    after = pixels(there)
    there.show(0, 2)
    session.add_click((2, 30, 30))
    there.wait()
    session.target.undo()
    session.target.undo()  # on a slice that is not on display
    session.sync()
    acts = len(session._history.acts)
    while session.undo():
        pass
    for _ in range(acts - 2):
        assert session.redo()
    np.testing.assert_array_equal(pixels(there), after)
    assert session.redo()
    assert session.redo()
    np.testing.assert_array_equal(pixels(there), made_elsewhere())
    assert not session.redo()


def test_given_painting_on_a_slice_not_on_display_then_it_is_an_act_there(
    room: Rooms,
) -> None:
    there = room(target=Labels(made_elsewhere()))
    there.show(0, 2)
    there.session.target.paint((4, 20, 40), 7)
    painted = pixels(there)
    there.session.sync()
    assert there.session.undo()
    np.testing.assert_array_equal(pixels(there), made_elsewhere())
    there.show(0, 1)
    assert there.session.redo()
    np.testing.assert_array_equal(pixels(there), painted)
    assert there.session.plane == PlaneKey((4,), (1, 2))


def test_given_another_array_when_assigned_then_it_is_an_act_on_all_slices(
    room: Rooms,
) -> None:
    there = room(target=Labels(made_elsewhere()))
    there.show(0, 2)
    there.session.sync()
    changed = made_elsewhere()
    changed[0, 3:6, 3:6] = 11
    changed[2, 10, 10] = 0
    changed[4, 20:22, 40] = 3
    there.session.target.data = changed.copy()
    there.session.sync()
    assert 11 in there.session.objects
    assert there.session.undo()
    np.testing.assert_array_equal(pixels(there), made_elsewhere())
    assert 11 not in there.session.objects
    assert there.session.redo()
    np.testing.assert_array_equal(pixels(there), changed)


def test_given_other_arrays_then_what_differs_is_found_unless_it_is_too_much() -> None:
    before = made_elsewhere()
    after = before.astype(np.uint16)
    assert changed_by_assignment(before, before, 9) is None
    assert changed_by_assignment(before, after, 9) is None
    assert changed_by_assignment(before, after[1:], 9) is None
    assert changed_by_assignment(before[:0], after[:0], 9) is None
    assert changed_by_assignment(before, dask.array.asarray(after), 9) is None
    after[0, 30:33, 30:33] = 1
    where, values = changed_by_assignment(before, after, 9)
    np.testing.assert_array_equal(values, 9)
    np.testing.assert_array_equal(np.transpose(where), np.argwhere(before != after))
    assert changed_by_assignment(before, after, 8) is None


@pytest.mark.parametrize("ndisplay", [2, 3])
def test_given_a_fill_through_all_slices_then_undo_takes_back_all_of_it(
    room: Rooms, ndisplay: int
) -> None:
    there = room(target=Labels(made_elsewhere()))
    there.show(0, 2)
    there.session.sync()
    there.viewer.dims.ndisplay = ndisplay
    target = there.session.target
    target.n_edit_dimensions = 3
    target.fill((2, 10, 10), 8)
    there.session.sync()
    filled = pixels(there)
    assert (filled == 8).sum() == (made_elsewhere() == 3).sum()
    assert 3 not in there.session.objects
    assert there.session.undo()
    np.testing.assert_array_equal(pixels(there), made_elsewhere())
    assert there.session.redo()
    np.testing.assert_array_equal(pixels(there), filled)
    there.session.target.undo()
    there.session.sync()
    np.testing.assert_array_equal(pixels(there), made_elsewhere())
    assert there.session.can_redo


def test_given_strokes_over_one_another_then_one_undo_gives_what_was_below(
    room: Rooms,
) -> None:
    there = room(target=Labels(made_elsewhere()))
    there.show(0, 0)
    target = there.session.target
    for label in (7, 8, 0, 9):
        target.paint((2, 10, 10), label)  # the session looks at none of them
    there.session.sync()
    assert there.session.undo()
    np.testing.assert_array_equal(pixels(there), made_elsewhere())
    assert not there.session.can_undo


def test_given_pixels_written_by_a_script_then_the_plane_on_display_is_an_act(
    room: Rooms,
) -> None:
    there = room(target=Labels(made_elsewhere()))
    there.show(0, 2)
    there.session.sync()
    there.session.target.data[2:4, 0, :5] = 77
    there.session.target.refresh()
    assert 77 in there.session.objects
    assert there.session.undo()
    assert (pixels(there) == 77).sum() == 5  # what is on another slice was not seen
    assert 77 in there.session.objects


def test_given_pixels_named_by_a_script_in_any_way_then_they_are_understood(
    room: Rooms,
) -> None:
    there = room(target=Labels(made_elsewhere()))
    target = there.session.target
    seen: list[object] = []
    target.events.paint.connect(lambda event: seen.extend(event.value))
    before = pixels(there)
    where = np.array([1, 1, 2]), np.array([0, 5, 6]), np.array([7, 7, 7])
    target.data_setitem(where, np.array([4, 5, 4]))
    target.data_setitem(tuple(np.array([[3], [3], [3]])), np.array([6]))
    target.paint_polygon([(2, 20, 20), (2, 30, 20), (2, 30, 30)], 8)
    after = pixels(there)
    restored = after.copy()
    for where, values in reversed(painted_pixels(seen)):
        restored[where] = values
    np.testing.assert_array_equal(restored, before)
    assert there.session.undo()
    np.testing.assert_array_equal(pixels(there), before)


def test_given_many_questions_then_answers_do_not_depend_on_what_is_kept() -> None:
    data = np.zeros((30, 30), np.uint8)
    likeness = Likeness()
    changes = []
    for index in range(30):
        where = (np.full(5, index), np.arange(5))
        changes.append(PixelChange.from_arrays(data.shape, where, 0, index % 3 + 1))
        if index % 2:
            data[where] = index % 3 + 1
    for _ in range(2):
        for index, change in enumerate(changes):
            assert likeness.has_become(data, change, None, False) == (index % 2 == 1)
            assert likeness.has_become(data, change, None, True) == (index % 2 == 0)
