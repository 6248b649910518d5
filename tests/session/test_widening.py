from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import zarr
from napari.layers import Labels

from napari_segnext.errors import LabelRangeError, LayerError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rooms import Room

    Rooms = Callable[..., Room]

SHAPE = (5, 40, 50)


def full_target() -> Labels:
    """All labels from 1 to 255, one pixel each, on the last slice."""
    data = np.zeros(SHAPE, np.uint8)
    data[4].flat[1:256] = np.arange(1, 256)
    return Labels(data, name="full")


def full_room(room: Rooms) -> Room:
    """A room where all labels are taken and an object is shown."""
    there = room(target=full_target())
    there.show(0, 2)
    there.session.add_click((2, 20, 20))
    there.wait()
    return there


def test_given_all_labels_taken_when_accepted_then_the_sentence_names_the_way_out(
    room: Rooms,
) -> None:
    there = full_room(room)
    before = there.session.target.data.copy()
    shown = there.session.preview.data.copy()
    with pytest.raises(LabelRangeError, match=r"1 to 255.*make room for more"):
        there.session.accept()
    np.testing.assert_array_equal(there.session.target.data, before)
    np.testing.assert_array_equal(there.session.preview.data, shown)


def test_given_all_labels_taken_when_split_then_so_too(room: Rooms) -> None:
    there = full_room(room)
    there.session.target.data[0, 5:9, 5:9] = 7
    there.session.target.refresh()
    with pytest.raises(LabelRangeError, match="make room for more"):
        there.session.split(7, [(0, 0, 7), (0, 20, 7)])


def test_given_a_gap_then_it_is_the_next_label_and_nothing_must_be_widened(
    room: Rooms,
) -> None:
    there = full_room(room)
    there.session.delete(77)
    there.session.clear()
    there.session.label = there.session._target.next_free()
    there.session.add_click((2, 20, 20))
    there.wait()
    assert there.session.accept() == 77


def test_given_a_wider_target_then_it_is_the_same_layer_and_accept_goes_on(
    room: Rooms,
) -> None:
    there = full_room(room)
    target = there.session.target
    target.selected_label = 9
    target.mode = "paint"
    values = target.data.copy()

    assert there.session.widen_target() == np.uint16

    assert there.session.target is target
    assert target.data.dtype == np.uint16
    np.testing.assert_array_equal(target.data, values)
    assert (target.selected_label, target.mode) == (9, "paint")
    assert there.session.accept() == 256
    assert (target.data == 256).sum() == (values[2] != 0).sum() + 49
    assert there.session.label == 257


def test_given_acts_before_and_after_widening_then_undo_and_redo_go_over_it(
    room: Rooms,
) -> None:
    there = full_room(room)
    session = there.session
    start = session.target.data.copy()
    session.delete(200)
    session.merge([3, 4])
    session.widen_target()
    session.accept()
    session.add_click((1, 30, 30))
    there.wait()
    session.accept()
    after = session.target.data.copy()
    assert after.max() == 257

    while session.undo():
        pass

    np.testing.assert_array_equal(session.target.data, start)
    assert session.target.data.dtype == np.uint16
    while session.redo():
        pass
    np.testing.assert_array_equal(session.target.data, after)
    assert there.errors == []


def test_given_widening_when_napari_undoes_what_was_before_then_values_are_right(
    room: Rooms,
) -> None:
    there = full_room(room)
    session, target = there.session, there.session.target
    start = target.data.copy()
    target.paint((2, 5, 5), 250)
    session.sync()
    painted = target.data.copy()
    session.delete(250)
    deleted = target.data.copy()
    session.widen_target()
    session.accept()
    accepted = target.data.copy()
    texts = [session.undo_text]

    for expected in (deleted, painted, start):
        target.undo()
        session.sync()
        np.testing.assert_array_equal(target.data, expected)
        texts.append(session.undo_text)
    for expected in (painted, deleted, accepted):
        target.redo()
        session.sync()
        np.testing.assert_array_equal(target.data, expected)

    assert texts == [
        *("accept label 256", "delete label 250"),
        *("painting in the labels", "add a prompt"),
    ]
    assert session.undo_text == texts[0]
    assert session.undo()
    np.testing.assert_array_equal(target.data, deleted)
    assert there.errors == []


def test_given_our_undo_before_widening_when_napari_undoes_it_then_it_is_redone(
    room: Rooms,
) -> None:
    there = full_room(room)
    session, target = there.session, there.session.target
    start = target.data.copy()
    session.delete(250)
    session.undo()
    session.widen_target()
    target.undo()
    session.sync()
    np.testing.assert_array_equal(target.data, np.where(start == 250, 0, start))
    assert session.undo_text == "delete label 250"
    assert not session.can_redo


def test_given_painting_just_before_widening_then_it_is_still_an_act(
    room: Rooms,
) -> None:
    there = full_room(room)
    start = there.session.target.data.copy()
    there.session.target.paint((2, 5, 5), 250)
    there.session.widen_target()
    assert there.session.undo_text == "painting in the labels"
    assert there.session.undo()
    np.testing.assert_array_equal(there.session.target.data, start)


@pytest.mark.parametrize(
    ("dtype", "wider"),
    [
        *((np.uint8, np.uint16), (np.uint16, np.uint32), (np.uint32, np.uint64)),
        *((np.int8, np.int16), (np.int16, np.int32), (np.int32, np.int64)),
    ],
)
def test_given_a_type_then_the_next_wider_one_holds_all_its_labels(
    room: Rooms, dtype: type, wider: type
) -> None:
    data = np.zeros(SHAPE, dtype)
    data[0, 0, 0] = highest = np.iinfo(dtype).max
    there = room(target=Labels(data))
    assert there.session.widen_target() == wider
    assert there.session.target.data[0, 0, 0] == highest
    there.session.label = int(highest) + 1
    there.session.add_click((2, 20, 20))
    there.wait()
    assert there.session.accept() == int(highest) + 1
    assert (there.session.target.data == int(highest) + 1).sum() == 49


@pytest.mark.parametrize("dtype", [np.uint64, np.int64])
def test_given_the_widest_type_then_a_sentence(room: Rooms, dtype: type) -> None:
    there = room(target=Labels(np.zeros(SHAPE, dtype)))
    with pytest.raises(LayerError, match="cannot be wider"):
        there.session.widen_target()


def test_given_a_locked_target_then_it_stays_as_it_is(room: Rooms) -> None:
    there = room(target=full_target())
    there.session.target.editable = False
    with pytest.raises(LayerError, match="locked"):
        there.session.widen_target()
    assert there.session.target.data.dtype == np.uint8
    assert not there.session.target.editable


def test_given_labels_in_a_file_then_a_sentence_and_the_file_stays_in_use(
    room: Rooms, tmp_path: Path
) -> None:
    mapped = np.memmap(tmp_path / "labels.raw", np.uint8, "w+", shape=SHAPE)
    stored = zarr.array(np.zeros(SHAPE, np.uint8), chunks=(1, 40, 50))
    for data in (mapped, mapped[:], stored):
        there = room(target=Labels(data))
        with pytest.raises(LayerError, match="uint16 and open them again"):
            there.session.widen_target()
        assert there.session.target.data.dtype == np.uint8
