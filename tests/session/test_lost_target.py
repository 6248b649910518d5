from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import zarr
from napari.layers import Labels

from napari_segnext.session import bulk, following
from napari_segnext.session.acts import TargetRemoved
from napari_segnext.session.bulk import clearing, write_in_bulk
from napari_segnext.session.pixels import PixelChange
from napari_segnext.session.plain import from_plain, to_plain

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rooms import Room

    Rooms = Callable[..., Room]


def made_elsewhere(dtype: Any = np.uint32) -> Labels:
    data = np.zeros((5, 40, 50), dtype)
    data[1:4, 5:15, 5:25] = 3
    data[1:3, 15:25, 5:25] = np.iinfo(dtype).max
    return Labels(data, name="cells")


def worked_in(room: Rooms) -> Room:
    """A room with an accepted object, a painted one, a review and an open object."""
    there = room(target=made_elsewhere())
    session = there.session
    there.show(0, 2)
    session.add_click((2, 30, 10))
    there.wait()
    session.label = 7
    session.accept()
    session.target.paint((2, 30, 30), 8)
    session.review(3)
    session.add_click((2, 30, 40))
    there.wait()
    return there


def remove_target(there: Room) -> None:
    there.viewer.layers.remove(there.session._board.last("target"))
    there.session.sync()


def test_given_the_labels_are_deleted_then_new_ones_are_there_and_undo_brings_all_back(
    room: Rooms,
) -> None:
    there = worked_in(room)
    session = there.session
    before = session.target.data.copy()
    objects, shown = session.objects, session.mask()
    old = session.target

    remove_target(there)

    new = session.target
    assert new is not old
    assert new in there.viewer.layers
    assert (new.name, new.data.dtype) == ("cells", np.uint32)
    assert not new.data.any()
    assert "undo" in session.hint
    assert session.undo_text == "remove the labels"
    assert {info.state for info in session.objects.values()} == {"open"}
    assert session.label == 1
    np.testing.assert_array_equal(session.mask(), shown)

    assert session.undo()
    assert session.target is new
    np.testing.assert_array_equal(new.data, before)
    assert session.objects == objects
    assert "undo" not in session.hint
    np.testing.assert_array_equal(session.mask(), shown)
    assert session.redo()
    assert not new.data.any()
    assert session.label == 1
    assert there.errors == []


def test_given_a_deletion_undone_then_all_acts_before_it_can_be_undone_and_redone(
    room: Rooms,
) -> None:
    there = worked_in(room)
    session = there.session
    remove_target(there)
    while session.undo():
        pass
    np.testing.assert_array_equal(session.target.data, made_elsewhere().data)
    while session.redo():
        pass
    assert not session.target.data.any()
    assert session.undo()
    assert (session.target.data == 7).any()
    assert (session.target.data == 8).any()


def test_given_work_after_a_deletion_then_undo_goes_back_over_it(room: Rooms) -> None:
    there = worked_in(room)
    session = there.session
    before = session.target.data.copy()
    remove_target(there)
    session.accept()
    session.target.paint((2, 5, 5), 200_000)
    session.sync()
    remove_target(there)
    session.add_click((2, 10, 10))
    there.wait()
    session.accept()
    after = session.target.data.copy()
    texts = []
    while session.undo():
        texts.append(session.redo_text)
    assert texts.count("remove the labels") == 2
    np.testing.assert_array_equal(session.target.data, made_elsewhere().data)
    while session.redo():
        if session.redo_text == "remove the labels":
            removed = session.target.data.copy()
            if (removed == 7).any():
                np.testing.assert_array_equal(removed, before)
    np.testing.assert_array_equal(session.target.data, after)
    assert there.errors == []


def test_given_painting_just_before_the_deletion_then_both_are_acts(
    room: Rooms,
) -> None:
    there = room(target=made_elsewhere())
    there.show(0, 2)
    there.session.target.paint((2, 30, 30), 8)
    remove_target(there)
    assert there.session.undo()
    assert (there.session.target.data == 8).any()
    assert there.session.undo_text == "painting in the labels"
    assert there.session.undo()
    np.testing.assert_array_equal(there.session.target.data, made_elsewhere().data)


def test_given_an_object_open_for_editing_when_labels_are_deleted_then_it_stays_open(
    room: Rooms,
) -> None:
    there = room(target=made_elsewhere())
    session = there.session
    session.edit(3)
    remove_target(there)
    assert session.label == 3
    assert session.preview.data.any()
    session.accept()
    np.testing.assert_array_equal(session.target.data == 3, made_elsewhere().data == 3)
    assert session.undo()
    assert session.undo()
    np.testing.assert_array_equal(session.target.data, made_elsewhere().data)


def test_given_all_layers_of_the_session_deleted_at_once_then_each_loss_can_be_undone(
    room: Rooms,
) -> None:
    there = worked_in(room)
    session = there.session
    before, shown = session.target.data.copy(), session.mask()
    for layer in list(there.viewer.layers):
        if layer is not there.image:
            there.viewer.layers.remove(layer)
    session.sync()
    assert not session.target.data.any()
    assert len(session.points.data) == 0
    while session.undo_text != "add a prompt":
        assert session.undo()
    there.wait()
    np.testing.assert_array_equal(session.target.data, before)
    np.testing.assert_array_equal(session.mask(), shown)
    assert there.errors == []


def test_given_empty_labels_deleted_then_there_is_nothing_to_undo(room: Rooms) -> None:
    there = room()
    remove_target(there)
    assert not there.session.can_undo
    there.session.add_click((2, 10, 10))
    there.wait()
    assert there.session.accept() == 1


def test_given_more_pixels_than_can_be_kept_then_it_says_that_they_are_gone(
    room: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = worked_in(room)
    monkeypatch.setattr(following, "clearing", lambda data: clearing(data, 100))
    remove_target(there)
    assert "100 million" in there.session.hint
    assert "cannot be undone" in there.session.hint
    assert not there.session.can_undo
    assert not there.session.undo()
    assert {info.state for info in there.session.objects.values()} == {"open"}
    assert there.session.accept() == 1
    assert there.session.undo()
    assert not there.session.target.data.any()
    assert there.errors == []


def test_given_napari_undo_after_a_deletion_was_undone_then_no_old_step_is_replayed(
    room: Rooms,
) -> None:
    there = worked_in(room)
    session = there.session
    remove_target(there)
    session.target.mode = "paint"
    session.target.paint((2, 5, 5), 9)
    session.sync()
    session.undo()
    session.undo()
    after = session.target.data.copy()
    assert (after == 7).any()
    for _ in range(3):
        session.target.undo()
        session.target.redo()
    np.testing.assert_array_equal(session.target.data, after)
    assert session.target.mode == "paint"
    session.sync()
    assert session.redo_text == "remove the labels"


def test_given_a_deletion_then_the_act_survives_json(room: Rooms) -> None:
    there = worked_in(room)
    remove_target(there)
    act = there.session._history.last
    assert isinstance(act, TargetRemoved)
    assert from_plain(json.loads(json.dumps(to_plain(act)))) == act


# in bulk ---------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(7, 9), (4, 7, 9), (2, 3, 5, 7)])
def test_given_any_labels_then_clearing_and_its_inverse_are_exact(
    shape: tuple[int, ...],
) -> None:
    data = np.random.default_rng(1).integers(0, 3, shape).astype(np.uint16) * 30_000
    change = clearing(data)
    assert change is not None
    assert len(change) == np.count_nonzero(data)
    made = PixelChange.from_arrays(shape, np.nonzero(data), data[data > 0], 0)
    np.testing.assert_array_equal(change.coordinates, made.coordinates)
    np.testing.assert_array_equal(change.before, made.before)
    emptied = data.copy()
    write_in_bulk(emptied, change)
    assert not emptied.any()
    write_in_bulk(emptied, change.inverse())
    np.testing.assert_array_equal(emptied, data)


def test_given_runs_over_several_planes_then_they_are_written_in_bulk_as_well() -> None:
    data = np.full((4, 5, 6), 2, np.uint8)
    data[0, 0, 0] = 1
    where = np.nonzero(data == 2)
    change = PixelChange.from_arrays(data.shape, where, 2, 9)
    assert change.table.shape[1] == 1
    data[2, 2] = 7  # has another value by now
    stored = zarr.array(data, chunks=(1, 5, 6))
    expected = np.where(data == 2, 9, data)
    write_in_bulk(data, change)
    write_in_bulk(stored, change)
    np.testing.assert_array_equal(data, expected)
    np.testing.assert_array_equal(stored[:], expected)


def test_given_too_many_pixels_or_runs_then_clearing_gives_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = np.eye(40, dtype=np.uint8)
    assert clearing(data, 39) is None
    assert clearing(data, 40) is not None
    monkeypatch.setattr(bulk, "_MOST_RUNS", 39)
    assert clearing(data) is None


def test_given_very_many_pixels_at_once_then_they_are_no_step_of_naparis(
    room: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = room(target=made_elsewhere())
    monkeypatch.setattr("napari_segnext.session.target._MOST_BY_NAPARI", 100)
    session = there.session
    session.target.paint((2, 35, 35), 8)
    session.delete(3)
    deleted = session.target.data.copy()
    assert not (deleted == 3).any()
    session.target.undo()  # of what was there before: forgotten
    np.testing.assert_array_equal(session.target.data, deleted)
    assert 3 not in session.objects
    assert session.undo()
    assert 3 in session.objects
    np.testing.assert_array_equal(session.target.data == 3, made_elsewhere().data == 3)
