from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from napari.layers import Labels

from napari_segnext.errors import JournalError, LayerError, PromptError
from napari_segnext.session.history import History
from napari_segnext.session.plain import from_plain, to_plain
from napari_segnext.session.planes import PlaneKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooms import Room

    Rooms = Callable[..., Room]


def made_elsewhere() -> Labels:
    """Two objects over several slices, and a third."""
    data = np.zeros((5, 40, 50), np.uint8)
    data[1:4, 5:15, 5:25] = 3
    data[1:4, 15:25, 5:25] = 5
    data[0, 30:35, 30:35] = 9
    return Labels(data)


def test_objects_made_elsewhere_are_known_and_the_next_label_is_free(
    room: Rooms,
) -> None:
    there = room(target=made_elsewhere())
    assert there.session.label == 10
    objects = there.session.objects
    assert {label: info.state for label, info in objects.items()} == {
        3: "found",
        5: "found",
        9: "found",
    }


def test_an_object_says_where_it_stands(room: Rooms) -> None:
    there = room()
    there.session.add_click((2, 10, 10))
    there.wait()
    assert there.session.objects[1].state == "open"
    there.session.accept()
    info = there.session.objects[1]
    assert info.state == "accepted"
    assert info.keyed == (PlaneKey((2,), (1, 2)),)
    assert len(info.prompts[info.keyed[0]].clicks) == 1


def test_delete_erases_one_label_and_undo_brings_it_back(room: Rooms) -> None:
    there = room(target=made_elsewhere())
    before = there.session.target.data.copy()
    there.session.delete(5)
    np.testing.assert_array_equal(
        there.session.target.data, np.where(before == 5, 0, before)
    )
    assert 5 not in there.session.objects
    assert there.session.undo()
    np.testing.assert_array_equal(there.session.target.data, before)
    assert there.session.redo()
    assert not (there.session.target.data == 5).any()


def test_deleting_the_object_that_is_open_for_editing_closes_it(room: Rooms) -> None:
    there = room(target=made_elsewhere())
    there.session.edit(9)
    there.session.delete(9)
    assert not there.session.preview.data.any()
    assert there.session.label == 6
    assert there.session.undo()
    assert there.session.preview.data.any()
    assert there.session.label == 9


def test_several_are_deleted_in_one_act_with_the_open_one_among_them(
    room: Rooms,
) -> None:
    there = room(target=made_elsewhere())
    before = there.session.target.data.copy()
    there.session.add_click((2, 38, 48))
    there.wait()
    there.session.label = 77
    acts = len(there.session._history.acts)
    there.session.delete([5, 77, 9])
    assert len(there.session._history.acts) == acts + 1
    np.testing.assert_array_equal(
        there.session.target.data, np.where(np.isin(before, [5, 9]), 0, before)
    )
    assert not there.session.preview.data.any()
    assert there.session.label == 77
    assert not {5, 9, 77} & set(there.session.objects)
    assert there.session.undo()
    np.testing.assert_array_equal(there.session.target.data, before)
    assert there.session.preview.data.any()
    assert {5, 9, 77} <= set(there.session.objects)
    with pytest.raises(LayerError):
        there.session.delete([5, 1234])
    np.testing.assert_array_equal(there.session.target.data, before)


def test_merge_gives_all_the_lowest_label_and_keeps_the_rest(room: Rooms) -> None:
    there = room(target=made_elsewhere())
    before = there.session.target.data.copy()
    assert there.session.merge([5, 3]) == 3
    np.testing.assert_array_equal(
        there.session.target.data, np.where(before == 5, 3, before)
    )
    assert there.session.undo()
    np.testing.assert_array_equal(there.session.target.data, before)
    with pytest.raises(LayerError, match="two different"):
        there.session.merge([3, 3])
    with pytest.raises(LayerError, match="no object with label 4"):
        there.session.merge([3, 4])


def test_split_cuts_an_object_on_all_its_slices(room: Rooms) -> None:
    there = room(target=made_elsewhere())
    before = there.session.target.data.copy()
    new = there.session.split(3, [(2, 0, 12), (2, 39, 12)])
    assert new == 10
    after = there.session.target.data
    assert set(np.unique(after[1:4, 5:15, 13:25])) == {3}
    assert set(np.unique(after[1:4, 5:15, 5:12])) == {10}
    np.testing.assert_array_equal(after[before != 3], before[before != 3])
    assert (after[before == 3] != 0).all()
    assert there.session.label == 11
    assert there.session.undo()
    np.testing.assert_array_equal(there.session.target.data, before)


@pytest.mark.parametrize(
    "line", [[(2, 0, 12), (2, 8, 12)], [(2, 30, 0), (2, 30, 49)], [(2, 5, 5)], []]
)
def test_a_line_that_does_not_cut_through_changes_nothing(
    room: Rooms, line: list[tuple[float, ...]]
) -> None:
    there = room(target=made_elsewhere())
    before = there.session.target.data.copy()
    with pytest.raises(PromptError):
        there.session.split(3, line)
    np.testing.assert_array_equal(there.session.target.data, before)
    assert not there.session.can_undo


def test_an_object_open_for_editing_cannot_be_merged_or_split(room: Rooms) -> None:
    there = room(target=made_elsewhere())
    there.session.edit(3)
    with pytest.raises(LayerError, match="open for editing"):
        there.session.merge([3, 5])
    with pytest.raises(LayerError, match="open for editing"):
        there.session.split(3, [(2, 0, 12), (2, 39, 12)])


def test_an_edited_object_accepted_under_another_label_moves_there(room: Rooms) -> None:
    there = room(target=made_elsewhere())
    before = there.session.target.data.copy()
    there.session.edit(9)
    there.session.label = 20
    assert there.session.accept() == 20
    np.testing.assert_array_equal(
        there.session.target.data, np.where(before == 9, 20, before)
    )
    assert set(there.session.objects) == {3, 5, 20}
    assert there.session.undo()
    np.testing.assert_array_equal(there.session.target.data, before)


def test_edit_goes_to_the_object_when_it_is_not_on_display(room: Rooms) -> None:
    there = room(target=made_elsewhere())
    there.show(0, 4)
    there.session.edit(9)
    assert there.session.plane == PlaneKey((0,), (1, 2))


@pytest.mark.parametrize("wrong", [0, -1, 1.5, float("nan"), "x", None])
def test_a_label_is_a_positive_whole_number(room: Rooms, wrong: float) -> None:
    there = room()
    with pytest.raises(LayerError):
        there.session.label = wrong  # type: ignore[assignment]


def test_a_label_too_high_for_the_target_is_refused_and_nothing_is_lost(
    room: Rooms,
) -> None:
    target = Labels(np.zeros((5, 40, 50), np.uint8))
    target.data[4, 0, 0] = 255
    there = room(target=target)
    assert there.session.label == 1  # 256 does not fit: the lowest gap
    there.session.label = 256
    there.session.add_click((2, 10, 10))
    there.wait()
    shown = there.session.preview.data.copy()
    before = target.data.copy()

    with pytest.raises(LayerError, match="room for labels 1 to 255"):
        there.session.accept()

    np.testing.assert_array_equal(target.data, before)
    np.testing.assert_array_equal(there.session.preview.data, shown)
    there.session.label = 254
    assert there.session.accept() == 254


def test_overwrite_takes_neighbours_and_preserve_labels_forbids_it(
    room: Rooms,
) -> None:
    there = room(target=made_elsewhere())
    there.session.overlap = "overwrite"
    there.session.add_box((2, 10, 10), (2, 20, 20))
    there.wait()
    there.session.target.preserve_labels = True
    with pytest.raises(PromptError, match="belongs to other labels"):
        there.session.accept()
    there.session.target.preserve_labels = False
    label = there.session.accept()
    assert (there.session.target.data[2, 10:21, 10:21] == label).all()
    assert there.session.undo()
    np.testing.assert_array_equal(there.session.target.data, made_elsewhere().data)


def test_a_locked_target_refuses_and_keeps_the_preview(room: Rooms) -> None:
    there = room()
    there.session.add_click((2, 10, 10))
    there.wait()
    there.session.target.editable = False
    with pytest.raises(LayerError, match="locked"):
        there.session.accept()
    assert there.session.preview.data.any()
    assert not there.session.target.data.any()
    there.session.target.editable = True
    assert there.session.accept() == 1


def busy_session(room: Rooms) -> Room:
    """A session with acts of every kind in its log."""
    there = room(target=made_elsewhere())
    session = there.session
    there.show(0, 2)
    session.add_click((2, 30, 10))
    session.add_box((2, 28, 28), (2, 33, 33), positive=False)
    session.add_mask(np.eye(40, 50, dtype=np.float32) * 0.75)
    session.scribbles.paint((2, 30, 30), 1)
    there.wait()
    session.accept()
    session.add_click((2, 38, 48))
    session.clear()
    session.edit(5)
    there.wait()
    session.accept()
    session.delete(9)
    session.split(3, [(2, 0, 12), (2, 39, 12)])
    session.merge([3, 5])
    session.target.paint((2, 2, 45), 77)
    session.sync()
    return there


def test_every_act_survives_json_and_the_log_folds_to_the_same_state(
    room: Rooms,
) -> None:
    there = busy_session(room)
    history = there.session._history
    kinds = {type(act).__name__ for act in history.acts}
    assert kinds == {
        *("PromptsChanged", "Accepted", "Cleared", "Edited", "Deleted"),
        *("Split", "Merged", "TargetEdited"),
    }

    read = [from_plain(json.loads(json.dumps(to_plain(act)))) for act in history.acts]

    assert tuple(read) == history.acts
    again = History()
    again.start(10)
    pixels = made_elsewhere().data
    for act in read:
        again.push(act)
        if act.pixels is not None:
            pixels[act.pixels.coordinates] = act.pixels.after
    assert again.state == history.state
    np.testing.assert_array_equal(pixels, there.session.target.data)


def test_all_acts_undone_give_the_labels_from_elsewhere_back(room: Rooms) -> None:
    there = busy_session(room)
    after = there.session.target.data.copy()
    count = 0
    while there.session.undo():
        count += 1
    np.testing.assert_array_equal(there.session.target.data, made_elsewhere().data)
    assert set(there.session.objects) == {3, 5, 9}
    for _ in range(count):
        assert there.session.redo()
    np.testing.assert_array_equal(there.session.target.data, after)
    assert set(there.session.objects) == set(np.unique(after)) - {0}
    assert there.errors == []


@pytest.mark.parametrize(
    "plain",
    [
        *({}, {"type": "Click"}, {"type": "PlaneKey"}, {"type": "Cleared"}),
        {"type": "Prompts", "clicks": [{}]},
    ],
)
def test_what_no_journal_holds_is_refused(plain: object) -> None:
    with pytest.raises(JournalError):
        from_plain(plain)


@pytest.mark.parametrize("role", ["points", "shapes", "scribbles"])
def test_any_prompt_layer_deleted_is_one_act_and_comes_back(
    room: Rooms, role: str
) -> None:
    there = room()
    there.show(0, 2)
    there.session.add_click((2, 30, 10))
    there.session.add_box((2, 5, 5), (2, 9, 9))
    there.session.add_scribble([(2, 20, 20), (2, 20, 30)], positive=False)
    there.session.scribbles.paint((2, 30, 30), 1)
    there.wait()
    before = there.session.objects[1].prompts
    mask = there.session.mask()
    there.viewer.layers.remove(getattr(there.session, role))
    there.wait()
    assert there.session.objects[1].prompts != before
    assert there.session.undo()
    assert there.session.objects[1].prompts == before
    there.wait()
    np.testing.assert_array_equal(there.session.mask(), mask)
    assert there.session.has(role)
