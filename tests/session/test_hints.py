"""What the session says to do next: in every tool, and where clicks go nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from napari.layers import Image
from rooms import make_stack

from napari_segnext.session import text

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooms import Room

    Rooms = Callable[..., Room]


def hint(room: Room) -> str:
    room.session.sync()
    return room.session.hint


@pytest.fixture
def there(room: Rooms) -> Room:
    """A session that waits for the first click."""
    there = room()
    there.session.activate("point")
    there.wait()
    return there


def test_the_first_hint_says_what_the_tool_does(there: Room) -> None:
    assert hint(there) == text.BEGIN
    for (tool, shape), sentence in text.BEGIN_WITH.items():
        there.session.activate(tool, shape)
        assert hint(there) == sentence
    there.session.activate("point")
    assert hint(there) == text.BEGIN


def test_an_object_does_not_begin_with_background(there: Room) -> None:
    there.session.polarity = "negative"
    assert hint(there) == text.BEGIN_WITH_OBJECT
    there.session.activate("mask")  # a rough mask has no polarity
    assert hint(there) == text.BEGIN_WITH["mask", None]


def test_several_objects_do_not_begin_with_background_either(there: Room) -> None:
    there.session.each = True
    assert hint(there) == text.SEVERAL_BEGIN
    there.session.polarity = "negative"
    assert hint(there) == text.BEGIN_WITH_OBJECT


def test_while_another_layer_is_active_a_tool_is_to_be_chosen(there: Room) -> None:
    there.viewer.layers.selection.active = there.image
    assert hint(there) == text.CHOOSE_A_TOOL
    assert there.session.tool_in_hand is None
    there.session.add_click((2, 10, 20))
    there.wait()
    assert hint(there) == text.CHOOSE_OR_ACCEPT.format(label=1)
    there.session.activate("box")
    assert hint(there) == text.CORRECT_OR_ACCEPT.format(label=1)
    assert there.session.tool_in_hand == "box"


def test_a_mode_that_draws_nothing_is_told_but_not_panning(there: Room) -> None:
    there.session.points.mode = "select"
    assert hint(there) == text.CHOOSE_A_TOOL
    there.session.points.mode = "pan_zoom"  # napari's own, while Space is held
    assert hint(there) == text.BEGIN


def test_what_is_hidden_is_told(there: Room) -> None:
    session = there.session
    there.image.visible = False
    assert hint(there) == text.IMAGE_HIDDEN
    there.image.visible = True
    session.points.visible = False
    assert hint(there) == text.PROMPTS_HIDDEN
    session.activate("point")
    assert hint(there) == text.BEGIN
    session.preview.visible = False
    assert hint(there) == text.BEGIN  # there is nothing to be seen in it
    session.add_click((2, 10, 20))
    there.wait()
    assert hint(there) == text.PREVIEW_HIDDEN
    session.preview.visible = True
    assert hint(there) == text.CORRECT_OR_ACCEPT.format(label=1)


def test_in_a_grid_it_is_said_why_prompts_are_not_over_the_image(there: Room) -> None:
    there.viewer.canvas.grid.enabled = True
    assert hint(there) == text.IN_A_GRID
    there.viewer.canvas.grid.enabled = False
    assert hint(there) == text.BEGIN


def test_in_3d_an_open_object_can_be_accepted(there: Room) -> None:
    there.viewer.dims.ndisplay = 3
    assert hint(there) == text.SWITCH_TO_2D
    there.session.add_click((2, 10, 20))
    there.wait()
    assert hint(there) == text.OPEN_IN_3D


def test_a_closed_session_listens_to_no_layer(there: Room) -> None:
    active = there.viewer.layers.selection.events.active
    grid = there.viewer.canvas.grid.events.enabled
    layers = there.image, there.session.points, there.session.preview
    emitters = [active, grid, *(layer.events.visible for layer in layers)]
    emitters += [layer.events.mode for layer in layers]
    assert all("Sights" in str(emitter.callbacks) for emitter in emitters)
    there.session.close()
    assert not any("Sights" in str(emitter.callbacks) for emitter in emitters)


@pytest.mark.filterwarnings("ignore:Non-orthogonal slicing")  # napari's own words
@pytest.mark.parametrize(
    ("row", "col", "value", "is_tilted"),
    [
        (0, 1, 0.3, True),  # slices rise with y
        (0, 1, 0.005, False),  # by a fifth of a slice over the whole picture
        (1, 0, 0.3, False),  # slices are shifted, but stay parallel to the view
        (1, 2, 0.3, False),  # sheared within the slice
    ],
)
def test_a_view_that_cuts_obliquely_through_the_slices_is_told(
    row: int, col: int, value: float, is_tilted: bool, room: Rooms
) -> None:
    affine = np.eye(4)
    affine[row, col] = value
    there = room(image=Image(make_stack(), affine=affine))
    there.show(0, 2)
    there.wait()
    assert (hint(there) == text.TILTED) == is_tilted
    there.image.affine = np.eye(4)
    assert hint(there) != text.TILTED
