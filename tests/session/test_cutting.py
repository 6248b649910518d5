"""Objects cut by a line that is drawn over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hand import Hand
from napari.layers import Image, Labels
from rooms import STACK_SHAPE, make_stack

from napari_segnext.errors import LayerError, PromptError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooms import Room

    Rooms = Callable[..., Room]


def cells() -> np.ndarray:
    """Two cells on slice 2: label 3 on the left, label 5 on the right."""
    data = np.zeros(STACK_SHAPE, np.uint16)
    data[2, 10:20, 5:20] = 3
    data[2, 10:20, 25:45] = 5
    return data


def with_cells(room: Rooms, **options: Any) -> Room:
    image = Image(make_stack(), name="stack", **options)
    target = Labels(cells(), name="cells", **options)
    there = room(image=image, target=target)
    there.show(0, 2)
    there.session.sync()
    return there


def cut(room: Room, *path: tuple[float, float], shape: str | None = None) -> None:
    room.session.activate("cut", shape)
    Hand(room.viewer, room.image).draw([(2, *at) for at in path])
    room.session.sync()


def labels_of(room: Room) -> set[int]:
    return set(np.unique(room.session.target.data).tolist()) - {0}


@pytest.mark.parametrize(
    "options",
    [{}, {"scale": (2, 0.5, 0.25), "translate": (1, 2, 3)}],
    ids=["pixels", "scaled"],
)
def test_a_line_drawn_across_an_object_cuts_it(
    room: Rooms, options: dict[str, Any]
) -> None:
    there = with_cells(room, **options)
    cut(there, (5, 10), (25, 10))
    cell = there.session.target.data[2, 10:20, 5:20]
    assert set(np.unique(cell[:, :5])) == {6}  # the smaller part
    assert set(np.unique(cell[:, 6:])) == {3}
    other = np.where(there.session.target.data == 6, 3, there.session.target.data)
    np.testing.assert_array_equal(other, cells())
    assert there.errors == []


def test_the_line_goes_and_the_tool_before_comes_back(room: Rooms) -> None:
    there = with_cells(room)
    there.session.activate("polygon", "lasso")
    names = [layer.name for layer in there.viewer.layers]
    there.session.activate("cut")
    assert there.session.tool == "cut"
    assert there.session.has("cuts")
    assert there.viewer.layers.selection.active.mode == "add_line"
    cut(there, (5, 10), (25, 10))
    assert there.session.tool == "polygon"
    assert there.session.shapes.mode == "add_polygon_lasso"
    assert there.viewer.layers.selection.active is there.session.shapes
    assert [layer.name for layer in there.viewer.layers] == names
    assert not there.session.has("cuts")


def test_without_a_tool_before_the_layer_before_is_active_again(room: Rooms) -> None:
    there = with_cells(room)
    there.viewer.layers.selection.active = there.image
    cut(there, (5, 10), (25, 10))
    assert there.session.tool is None
    assert there.viewer.layers.selection.active is there.image


def test_a_cut_is_one_act(room: Rooms) -> None:
    there = with_cells(room)
    cut(there, (5, 10), (25, 10))
    after = there.session.target.data.copy()
    assert "split" in there.session.undo_text
    assert there.session.undo()
    np.testing.assert_array_equal(there.session.target.data, cells())
    assert not there.session.can_undo
    assert there.session.redo()
    np.testing.assert_array_equal(there.session.target.data, after)


def test_a_crooked_line_cuts_too(room: Rooms) -> None:
    there = with_cells(room)
    cut(there, (5, 30), (12, 33), (16, 30), (25, 33), shape="path")
    assert labels_of(there) == {3, 5, 6}
    assert there.session.tool is None
    assert there.errors == []


def test_of_two_objects_the_one_that_is_crossed_most_is_cut(room: Rooms) -> None:
    there = with_cells(room)
    cut(there, (12, 15), (12, 49))  # ends inside label 3, crosses label 5
    assert set(np.unique(there.session.target.data[2, :, :20])) == {0, 3}
    assert set(np.unique(there.session.target.data[2, :, 20:])) == {0, 5, 6}
    assert there.errors == []


def test_an_object_that_is_only_touched_gives_way_to_one_that_is_cut(
    room: Rooms,
) -> None:
    there = with_cells(room)
    cut(there, (15, 40), (15, 22), (22, 22), (22, 15), (8, 15), shape="path")
    assert there.errors == []
    assert set(np.unique(there.session.target.data[2, :, :20])) == {0, 3, 6}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ([(30, 5), (30, 40)], "crosses no accepted object"),
        ([(12, 8), (17, 8)], "does not cut label 3"),
    ],
    ids=["nothing", "not across"],
)
def test_a_line_that_cuts_nothing_is_a_sentence_and_goes(
    room: Rooms, path: list[tuple[float, float]], text: str
) -> None:
    there = with_cells(room)
    there.session.activate("point")
    for _ in range(2):  # told again when it is done again
        cut(there, *path)
        np.testing.assert_array_equal(there.session.target.data, cells())
        assert text in there.session.hint
        assert there.session.tool == "point"
        assert not there.session.has("cuts")
    assert [type(error) for error in there.errors] == [PromptError] * 2
    assert not there.session.can_undo
    cut(there, (5, 10), (25, 10))
    assert text not in there.session.hint


def test_an_object_that_is_open_for_editing_is_not_cut(room: Rooms) -> None:
    there = with_cells(room)
    there.session.edit(3)
    there.wait()
    cut(there, (5, 10), (25, 10))
    assert "open for editing" in there.session.hint
    np.testing.assert_array_equal(there.session.target.data, cells())


def test_open_prompts_stay_when_another_object_is_cut(room: Rooms) -> None:
    there = with_cells(room)
    there.session.add_click((2, 30, 30))
    there.wait()
    shown = there.session.mask()
    cut(there, (5, 10), (25, 10))
    there.wait()
    np.testing.assert_array_equal(there.session.mask(), shown)
    assert labels_of(there) == {3, 5, 6}
    assert there.session.accept() not in (3, 5, 6)


def test_in_the_middle_of_the_line_nothing_happens_yet(room: Rooms) -> None:
    there = with_cells(room)
    there.session.activate("cut")
    hand = Hand(there.viewer, there.image)
    hand.press((2, 5, 10))
    hand.drag((2, 15, 10))
    there.session.sync()
    assert there.session.has("cuts")
    assert labels_of(there) == {3, 5}
    hand.drag((2, 25, 10))
    hand.release()
    there.session.sync()
    assert labels_of(there) == {3, 5, 6}


def test_another_tool_puts_the_knife_away(room: Rooms) -> None:
    there = with_cells(room)
    there.session.activate("cut")
    there.session.activate("box")
    assert not there.session.has("cuts")
    assert there.session.tool == "box"
    there.session.activate("cut")
    there.session.activate("cut", "path")
    assert there.viewer.layers.selection.active.mode == "add_path"
    there.session.activate("box")
    assert there.session.tool == "box"


def test_deleting_the_layer_of_the_line_is_no_harm(room: Rooms) -> None:
    there = with_cells(room)
    there.session.activate("box")
    there.session.activate("cut")
    there.viewer.layers.remove(there.viewer.layers.selection.active)
    there.session.sync()
    assert there.session.tool == "box"
    assert there.viewer.layers.selection.active is there.session.shapes
    cut(there, (5, 10), (25, 10))
    assert labels_of(there) == {3, 5, 6}


def test_a_closed_session_takes_the_layer_of_the_line_along(room: Rooms) -> None:
    there = with_cells(room)
    there.session.activate("cut")
    there.session.close()
    assert [layer.name for layer in there.viewer.layers] == ["stack", "cells"]
    with pytest.raises(LayerError, match="closed"):
        there.session.activate("cut")
    with pytest.raises(PromptError, match="no tool"):
        there.session.activate("cut", "lasso")


def test_across_a_stack_all_slices_are_cut_in_a_rolled_view(room: Rooms) -> None:
    there = with_cells(room)
    there.viewer.dims.order = (1, 0, 2)
    there.viewer.dims.set_point(1, 15)
    there.session.activate("cut")
    Hand(there.viewer, there.image).draw([(0, 15, 10), (4, 15, 10)])
    there.session.sync()
    assert labels_of(there) == {3, 5, 6}
    assert set(np.unique(there.session.target.data[2, 10:20, 5:10])) == {6}
