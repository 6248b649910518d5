from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from napari.layers import Labels

from napari_segnext.errors import LayerError, PromptError
from napari_segnext.session.acts import Reviewed
from napari_segnext.session.found import find, spans_of
from napari_segnext.session.plain import from_plain, to_plain
from napari_segnext.session.planes import PlaneKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooms import Room

    Rooms = Callable[..., Room]


def made_elsewhere() -> Labels:
    """Two objects over several slices, and a third in two parts with a gap."""
    data = np.zeros((5, 40, 50), np.uint8)
    data[1:4, 5:15, 5:25] = 3
    data[1:3, 15:25, 5:25] = 5
    data[0, 30:35, 30:35] = 9
    data[4, 30:35, 30:35] = 9
    return Labels(data)


def reviewed(there: Room) -> set[int]:
    return {label for label, info in there.session.objects.items() if info.reviewed}


# which object is where -------------------------------------------------------------


@pytest.mark.parametrize(
    ("position", "label"),
    [
        ((1, 10, 10), 3),
        ((1.4, 14.4, 10), 3),
        ((1, 14.6, 10), 5),
        ((0, 10, 10), 0),
        ((-1, 10, 10), 0),
        ((4, 10, 1000), 0),
        ((1, float("nan"), 10), 0),
    ],
)
def test_given_a_position_then_its_label_is_told_and_0_where_there_is_none(
    room: Rooms, position: tuple[float, ...], label: int
) -> None:
    there = room(target=made_elsewhere())
    assert there.session.label_at(position) == label


def test_given_a_position_of_another_dimension_then_a_sentence(room: Rooms) -> None:
    there = room(target=made_elsewhere())
    with pytest.raises(PromptError, match="3 numbers"):
        there.session.label_at((10, 10))


def test_given_an_object_when_gone_to_then_its_middle_plane_is_shown_and_it_is_in_focus(
    room: Rooms,
) -> None:
    there = room(target=made_elsewhere())
    session = there.session
    there.show(0, 3)
    assert session.focus is None
    changes: list[int | None] = []
    session.changed.connect(lambda: changes.append(session.focus))

    session.go_to_object(3)

    assert session.plane == PlaneKey((2,), (1, 2))
    assert session.focus == 3
    assert changes[-1] == 3
    session.go_to_object(9)  # the middle between its parts is empty
    assert session.plane in (PlaneKey((0,), (1, 2)), PlaneKey((4,), (1, 2)))
    with pytest.raises(LayerError, match="no object with label 4"):
        session.go_to_object(4)
    assert session.focus == 9


def test_given_another_view_then_the_middle_along_its_slider_is_shown(
    room: Rooms,
) -> None:
    there = room(target=made_elsewhere())
    there.viewer.dims.order = (1, 0, 2)
    there.session.go_to_object(5)
    assert there.session.plane == PlaneKey((20,), (0, 2))


def test_given_a_flat_image_then_objects_are_gone_to_as_well(room: Rooms) -> None:
    data = np.zeros((20, 30), np.uint16)
    data[3:6, 3:6] = 4
    there = room(data=np.zeros((20, 30)), target=Labels(data))
    assert there.session.next_object() == 4
    assert there.session.focus == 4
    assert there.session.label_at((4, 4)) == 4


def test_given_steps_then_objects_come_in_order_of_labels_and_wrap_round(
    room: Rooms,
) -> None:
    there = room(target=made_elsewhere())
    session = there.session
    assert [session.next_object() for _ in range(4)] == [3, 5, 9, 3]
    assert [session.next_object(-1) for _ in range(3)] == [9, 5, 3]
    assert session.next_object(2) == 9
    session.go_to_object(5)
    session.delete(5)
    assert session.focus is None  # it is gone, but its place is not forgotten
    assert session.next_object() == 9
    assert session.undo()


def test_given_no_focus_then_going_back_begins_with_the_last(room: Rooms) -> None:
    assert room(target=made_elsewhere()).session.next_object(-1) == 9


def test_given_no_object_then_next_is_none_and_nothing_moves(room: Rooms) -> None:
    there = room()
    plane = there.session.plane
    assert there.session.next_object() is None
    assert there.session.plane == plane


def test_given_a_focus_that_was_merged_then_the_merged_object_is_in_focus(
    room: Rooms,
) -> None:
    there = room(target=made_elsewhere())
    there.session.go_to_object(5)
    there.session.merge([3, 5])
    assert there.session.focus == 3


@pytest.mark.parametrize("act", ["delete", "merge", "split"])
def test_given_an_act_on_an_object_elsewhere_when_undone_then_the_slider_goes_there(
    room: Rooms, act: str
) -> None:
    there = room(target=made_elsewhere())
    session = there.session
    there.show(0, 4)
    if act == "delete":
        session.delete(5)
    elif act == "merge":
        session.merge([3, 5])
    else:
        session.split(3, [(2, 0, 12), (2, 39, 12)])
    session.sync()
    for move in (session.undo, session.redo):
        there.show(0, 4)
        assert move()
        assert session.plane in (PlaneKey((z,), (1, 2)) for z in (1, 2, 3))
    there.show(0, 2)
    assert session.undo()
    assert session.plane == PlaneKey((2,), (1, 2))  # it is seen there already


# reviewed --------------------------------------------------------------------------


def test_given_an_accepted_object_then_it_is_reviewed_and_others_are_not(
    room: Rooms,
) -> None:
    there = room(target=made_elsewhere())
    there.session.add_click((2, 30, 10))
    there.wait()
    assert there.session.accept() == 10
    assert reviewed(there) == {10}
    assert there.session.undo()
    assert reviewed(there) == set()
    assert there.session.redo()
    assert reviewed(there) == {10}


def test_given_several_accepted_at_once_then_all_are_reviewed(room: Rooms) -> None:
    there = room(target=made_elsewhere())
    there.session.each = True
    there.session.add_click((2, 30, 10))
    there.session.add_click((2, 30, 40))
    there.wait()
    there.session.accept()
    assert reviewed(there) == {10, 11}


def test_given_a_review_then_it_is_an_act_of_its_own_and_moves_nothing(
    room: Rooms,
) -> None:
    there = room(target=made_elsewhere())
    session = there.session
    session.add_click((2, 30, 10))
    there.wait()
    there.show(0, 4)
    session.review(5)
    session.review(5)  # nothing new
    assert reviewed(there) == {5}
    assert session.objects[5].state == "found"
    assert session.undo_text == "review label 5"
    assert session.undo()
    assert reviewed(there) == set()
    assert session.plane == PlaneKey((4,), (1, 2))
    assert session.redo()
    session.review(5, reviewed=False)
    assert reviewed(there) == set()
    assert session.undo()
    assert reviewed(there) == {5}
    with pytest.raises(LayerError):
        session.review(77)
    assert session.objects[10].state == "open"
    assert session.preview.data.any()


def test_given_unreviewed_only_then_reviewed_objects_are_passed_over(
    room: Rooms,
) -> None:
    there = room(target=made_elsewhere())
    session = there.session
    session.review(5)
    assert [session.next_object(unreviewed=True) for _ in range(3)] == [3, 9, 3]
    session.review(3)
    assert session.next_object(unreviewed=True) == 9
    session.review(9)
    assert session.next_object(unreviewed=True) is None
    assert session.focus == 9


def test_given_reviewed_objects_when_deleted_merged_or_split_then_it_is_kept_sensibly(
    room: Rooms,
) -> None:
    there = room(target=made_elsewhere())
    session = there.session
    session.review(3)
    session.merge([3, 5])
    assert reviewed(there) == set()  # half of it nobody has looked at
    assert session.undo()
    session.review(5)
    session.merge([3, 5])
    assert reviewed(there) == {3}
    assert session.undo()
    new = session.split(3, [(2, 0, 12), (2, 39, 12)])
    assert reviewed(there) == {3, 5, new}
    session.delete(5)
    assert reviewed(there) == {3, new}
    for _ in range(2):
        assert session.undo()
    assert reviewed(there) == {3, 5}
    while session.undo():
        pass
    assert reviewed(there) == set()
    while session.redo():
        pass
    assert reviewed(there) == {3, new}


def test_given_an_object_reviewed_when_edited_and_accepted_then_it_is_again(
    room: Rooms,
) -> None:
    there = room(target=made_elsewhere())
    there.session.edit(9)
    assert there.session.focus == 9
    there.session.accept()
    assert reviewed(there) == {9}
    assert there.session.objects[9].state == "accepted"
    assert there.session.undo()
    assert reviewed(there) == set()


def test_given_a_review_then_it_survives_json(room: Rooms) -> None:
    there = room(target=made_elsewhere())
    there.session.review(5)
    act = there.session._history.last
    assert isinstance(act, Reviewed)
    assert from_plain(json.loads(json.dumps(to_plain(act)))) == act


def test_given_a_label_painted_away_when_it_is_used_again_then_it_is_another_object(
    room: Rooms,
) -> None:
    there = room()
    session = there.session
    session.add_click((1, 10, 10))
    there.wait()
    session.accept()
    session.review(1, reviewed=False)  # so that this is not taken for an undo of accept
    session.target.data = np.zeros((5, 40, 50), np.uint16)
    assert session.next_object() is None
    session.label = 1
    session.add_click((3, 10, 10))
    there.wait()
    session.accept()
    assert session.objects[1].keyed == (PlaneKey((3,), (1, 2)),)


# where objects are -----------------------------------------------------------------


class Counted:
    """An array that counts how often each of its planes is read."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array
        self.shape, self.dtype, self.ndim = array.shape, array.dtype, array.ndim
        self.reads = [0] * len(array)

    def __getitem__(self, index: int) -> np.ndarray:
        self.reads[index] += 1
        return self.array[index]

    def __len__(self) -> int:
        return len(self.array)


def test_given_a_stack_then_finding_an_object_reads_only_its_planes_and_each_once() -> (
    None
):
    array = np.zeros((9, 20, 20), np.uint16)
    array[3, 2:5, 3:9] = 7
    array[6, 10, 4] = 7
    array[0, 0, 0] = 8
    data = Counted(array)
    found = find(data, 7, spans_of(array)[7])
    assert data.reads == [0, 0, 0, 1, 1, 1, 1, 0, 0]
    assert found.offset == (3, 2, 3)
    assert found.mask.shape == (4, 9, 6)
    back = np.zeros(array.shape, bool)
    back[found.coordinates] = True
    np.testing.assert_array_equal(back, array == 7)
    for axes in ((1, 2), (0, 2), (0, 1)):
        for key in found.keys(axes):
            mask = found.on_plane(key)
            whole = mask.plane(key.shape_in(array.shape))
            np.testing.assert_array_equal(whole, array[key.slices] == 7)
        planes = len(list(found.keys(axes)))
        assert planes == (array == 7).any(axis=axes).sum()


def test_given_acts_on_objects_then_the_account_of_labels_equals_a_new_one(
    room: Rooms,
) -> None:
    there = room(target=made_elsewhere())
    session = there.session
    target = session._target

    def check() -> None:
        fresh = spans_of(session.target.data)
        assert target.labels == set(fresh)
        for label, (first, last) in fresh.items():
            low, high = target._known_spans[label]
            assert low <= first <= last <= high
            expected = session.target.data == label
            found = target.find(label)
            assert len(found.coordinates[0]) == expected.sum()

    check()
    for act in (
        lambda: session.merge([3, 9]),
        lambda: session.split(3, [(2, 0, 12), (2, 39, 12)]),
        lambda: session.delete(5),
        session.undo,
        session.undo,
        session.undo,
        session.redo,
        session.redo,
        session.redo,
        lambda: session.target.paint((0, 20, 20), 9),
        lambda: session.target.fill((0, 30, 30), 0),
        session.undo,
        session.target.undo,
    ):
        act()
        session.sync()
        check()
