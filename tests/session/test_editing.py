"""Any object can be edited, of whoever made it: what is not corrected stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import zarr
from napari.layers import Labels

from napari_segnext.errors import PromptError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooms import Room

    Rooms = Callable[..., Room]

SHAPE = (5, 40, 50)


def found_by_another_tool(dtype: Any = np.uint16) -> np.ndarray:
    """Objects as Cellpose or StarDist leave them, touching, in parts, with gaps."""
    data = np.zeros(SHAPE, dtype)
    data[0:5, 2:12, 2:14] = 1  # on all slices
    data[1, 2:12, 14:20] = data[3, 2:12, 14:20] = 2  # a gap between slices
    data[2, 20:25, 5:10] = data[2, 30:35, 30:40] = 3  # two parts
    data[2, 20:25, 10] = 4  # touches a part
    data[4, 39, 49] = 5  # a single pixel in the corner
    rows, cols = np.indices(SHAPE[1:])
    ring = (rows - 25) ** 2 + (cols - 42) ** 2
    data[1:3, (ring <= 36) & (ring > 9)] = 6  # with a hole
    data[1:3, (ring <= 4)] = 7  # in the hole of another
    return data


@pytest.fixture
def target() -> Labels:
    return Labels(found_by_another_tool())


def pixels(there: Room) -> np.ndarray:
    return np.array(there.session.target.data[:])


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 1, 0)])
def test_given_any_object_when_edited_and_accepted_then_no_pixel_changes(
    room: Rooms, target: Labels, order: tuple[int, ...]
) -> None:
    there = room(target=target)
    there.viewer.dims.order = order
    for label in range(1, 8):
        there.session.edit(label)
        np.testing.assert_array_equal(
            there.session.preview.data > 0, found_by_another_tool() == label
        )
        assert there.session.accept() == label
        np.testing.assert_array_equal(pixels(there), found_by_another_tool())
        there.session.edit(label)  # now that its prompts are known
        assert there.session.accept() == label
        np.testing.assert_array_equal(pixels(there), found_by_another_tool())
    assert there.predictor.asked == []
    while there.session.undo():
        np.testing.assert_array_equal(pixels(there), found_by_another_tool())
    assert not there.session.preview.data.any()
    assert there.errors == []


def test_given_labels_in_a_zarr_when_edited_then_the_same_holds(room: Rooms) -> None:
    stored = zarr.array(found_by_another_tool(), chunks=(1, 20, 25))
    there = room(target=Labels(stored))
    there.show(0, 2)
    there.session.edit(3)
    there.session.accept()
    np.testing.assert_array_equal(pixels(there), found_by_another_tool())
    there.session.edit(3)
    there.session.add_click((2, 22, 14))
    there.wait()
    now = there.session.preview.data[2] > 0
    there.session.accept()
    free = np.isin(found_by_another_tool()[2], [0, 3])
    np.testing.assert_array_equal(pixels(there)[2] == 3, now & free)
    while there.session.undo():
        pass
    np.testing.assert_array_equal(pixels(there), found_by_another_tool())


def test_given_another_view_between_edit_and_accept_then_no_pixel_changes(
    room: Rooms, target: Labels
) -> None:
    there = room(target=target)
    there.session.edit(2)
    there.viewer.dims.order = (1, 0, 2)
    there.session.accept()
    there.session.edit(2)
    there.viewer.dims.order = (0, 1, 2)
    there.session.accept()
    np.testing.assert_array_equal(pixels(there), found_by_another_tool())


@pytest.mark.parametrize(
    ("label", "click", "positive"),
    [
        (1, (2, 7, 16), True),  # grows into free ground
        (1, (2, 7, 8), False),  # loses what is around
        (3, (2, 22, 6), False),  # one part of two
        (3, (2, 22, 14), True),  # towards a neighbour
        (2, (2, 7, 17), True),  # fills the gap between its slices
        (6, (1, 25, 42), True),  # over the object in its hole
    ],
)
def test_given_a_correction_when_accepted_then_only_what_was_corrected_changes(
    room: Rooms,
    target: Labels,
    label: int,
    click: tuple[int, int, int],
    positive: bool,
) -> None:
    there = room(target=target)
    before = found_by_another_tool()
    there.show(0, click[0])
    there.session.edit(label)
    shown = there.session.preview.data > 0
    there.session.add_click(click, positive)
    there.wait()
    now = there.session.preview.data > 0
    corrected = shown != now
    assert corrected.any()
    assert not corrected[np.arange(5) != click[0]].any()  # other slices stay

    there.session.accept()

    after = pixels(there)
    others = ~np.isin(before, [0, label])
    np.testing.assert_array_equal(after[others], before[others])
    np.testing.assert_array_equal(after[~corrected], before[~corrected])
    np.testing.assert_array_equal(after == label, now & ~others)
    texts = []
    while there.session.undo():
        texts.append(there.session.redo_text)
    assert texts == [f"accept label {label}", "add a prompt", f"edit label {label}"]
    np.testing.assert_array_equal(pixels(there), before)
    while there.session.redo():
        pass
    np.testing.assert_array_equal(pixels(there), after)
    assert there.errors == []


def test_given_nothing_is_left_of_an_object_then_accept_says_that_delete_is_meant(
    room: Rooms, target: Labels
) -> None:
    there = room(target=target)
    there.session.edit(5)
    there.session.add_click((4, 39, 49), positive=False)
    there.wait()
    with pytest.raises(PromptError, match="delete"):
        there.session.accept()
    np.testing.assert_array_equal(pixels(there), found_by_another_tool())
    there.session.delete(5)
    assert not (pixels(there) == 5).any()
    assert there.session.undo()
    np.testing.assert_array_equal(pixels(there), found_by_another_tool())


def test_given_corrections_on_slices_and_across_them_then_the_rest_stays(
    room: Rooms, target: Labels
) -> None:
    there = room(target=target)
    before = found_by_another_tool()
    session = there.session
    session.edit(1)
    shown = session.preview.data > 0
    session.add_click((1, 16, 5))
    session.add_box((0, 14, 8), (4, 14, 12))  # on a plane across the slices
    there.wait()
    now = session.preview.data > 0
    session.accept()
    after = pixels(there)
    np.testing.assert_array_equal(after == 1, now & np.isin(before, [0, 1]))
    np.testing.assert_array_equal(after[shown == now], before[shown == now])
    session.edit(1)
    session.accept()
    np.testing.assert_array_equal(pixels(there), after)


def test_given_painting_while_an_object_is_open_then_accept_leaves_it_there(
    room: Rooms,
) -> None:
    there = room(target=Labels(found_by_another_tool()))
    session = there.session
    there.show(0, 2)
    session.edit(3)
    session.target.brush_size = 3
    session.target.paint((2, 35, 10), 3)  # of the open object, by hand
    session.target.paint((2, 37, 20), 9)
    painted = pixels(there)
    session.add_click((2, 22, 6), positive=False)
    there.wait()
    session.accept()
    after = pixels(there)
    assert after[2, 35, 10] == 3
    assert after[2, 37, 20] == 9
    assert session.undo()
    np.testing.assert_array_equal(pixels(there), painted)


def test_given_two_corrections_one_after_the_other_then_each_is_an_undo_of_its_own(
    room: Rooms, target: Labels
) -> None:
    there = room(target=target)
    states = [pixels(there)]
    for label, click in ((3, (2, 35, 45)), (1, (0, 15, 5)), (3, (2, 38, 45))):
        there.session.edit(label)
        there.session.add_click(click)
        there.wait()
        there.session.accept()
        states.append(pixels(there))
    for state in states[-2::-1]:
        for _ in range(3):
            assert there.session.undo()
        np.testing.assert_array_equal(pixels(there), state)
    assert not there.session.can_undo
