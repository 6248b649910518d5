"""What the model sees, as layers: where it belongs, live, gone when off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fakes import BlockedPredictor, DiskPredictor, FailingPredictor
from napari.components import ViewerModel
from napari.layers import Image
from rooms import Room, make_stack

from napari_segnext.errors import ImageError, LayerError, SegNextError
from napari_segnext.session.layers import METADATA_KEY, SEEN_ROLES
from napari_segnext.session.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    Rooms = Callable[..., Room]


def layer_of(room: Room, role: str) -> Image:
    (layer,) = (
        layer
        for layer in room.viewer.layers
        if layer.metadata.get(METADATA_KEY) == role
    )
    return layer


def clicked(
    room: Rooms, place: tuple[int, int, int] = (2, 20, 30), **kwargs: Any
) -> Room:
    here = room(**kwargs)
    here.show(0, place[0])
    here.session.sees = True
    here.session.add_click(place)
    here.wait()
    return here


def shows_nothing(room: Room) -> bool:
    pictures = [layer_of(room, role).data for role in SEEN_ROLES]
    empty = [not (data[..., 3:].any() or data.shape[-1] == 3) for data in pictures]
    assert empty[0] == empty[1]
    return all(empty)


def test_it_is_off_at_first_and_then_makes_two_layers_above_the_image(
    room: Rooms,
) -> None:
    here = room()
    assert not here.session.sees
    here.session.sees = True
    assert here.session.sees
    index = here.viewer.layers.index(here.image)
    above = [layer.metadata[METADATA_KEY] for layer in here.viewer.layers[index + 1 :]]
    assert tuple(above[:2]) == SEEN_ROLES
    assert all(here.session.has(role) for role in SEEN_ROLES)
    assert shows_nothing(here)

    here.session.sees = False
    assert not here.session.sees
    assert not any(here.session.has(role) for role in SEEN_ROLES)
    assert not [
        layer
        for layer in here.viewer.layers
        if layer.metadata.get(METADATA_KEY) in SEEN_ROLES
    ]


def test_it_shows_the_window_and_the_prompts_of_the_answer(room: Rooms) -> None:
    here = clicked(room)
    expected = make_stack()[2, ::2, ::2] / 1000
    shown = layer_of(here, "seen image").data
    np.testing.assert_allclose(shown, np.repeat(expected[None, ..., None], 3, -1), 1e-6)
    prompts = layer_of(here, "seen prompts").data
    assert prompts.shape == (1, 20, 25, 4)
    assert prompts[0, 10, 15].tolist() == [0x00, 0x72, 0xB2, 153]  # positive: blue
    assert not prompts[0, 0, 0, 3]
    assert here.predictor.threads == {"segnext"}  # never the caller's


@pytest.mark.parametrize(("first", "colour"), [(True, "green"), (False, "orange")])
def test_the_channels_have_the_colours_of_the_prompts(
    room: Rooms, first: bool, colour: str
) -> None:
    here = clicked(room)
    if first:  # what is fed back
        here.session.add_click((2, 4, 4))
    else:
        here.session.add_click((2, 20, 30), positive=False)
        here.session.add_click((2, 6, 6), positive=False)
    here.wait()
    at = (10, 15) if first else (3, 3)
    red, green, blue, _ = layer_of(here, "seen prompts").data[0][at].tolist()
    if colour == "green":  # and the blue of the click that is still there
        assert green > 0x72
    else:
        assert (red, green, blue) == (0xE6, 0x9F, 0x00)


@pytest.mark.parametrize(
    "place",
    [
        {},
        {"scale": (3, 0.5, 0.25), "translate": (5, -7, 9), "units": "um"},
        {"rotate": 30, "shear": (0, 0, 0.2), "scale": (2, 1, 1)},
        {"affine": np.diag([2.0, -3, 4, 1])},
    ],
)
def test_its_pixels_lie_where_they_were_taken(room: Rooms, place: dict) -> None:
    here = clicked(room, image=Image(make_stack(), name="stack", **place))
    for role in SEEN_ROLES:
        layer = layer_of(here, role)
        for row, col in ((0, 0), (10, 15), (19, 24)):
            expected = here.image.data_to_world((2, 2 * row + 0.5, 2 * col + 0.5))
            found = layer.data_to_world((0, row, col))
            np.testing.assert_allclose(found, expected, atol=1e-6)
        assert layer.units == here.image.units


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 0, 1), (0, 2, 1)])
def test_in_rolled_and_transposed_views_it_lies_on_the_plane_on_display(
    room: Rooms, order: tuple[int, ...]
) -> None:
    here = room()
    here.viewer.dims.order = order
    here.session.sees = True
    fixed = order[0]
    here.show(fixed, 4)
    position = [20, 20, 20]
    position[0], position[fixed] = 3, 4
    here.session.add_click(position)
    here.wait()

    layer = layer_of(here, "seen image")
    assert layer.data.shape[fixed] == 1
    zero = here.image.world_to_data(layer.data_to_world((0, 0, 0)))
    expected = np.full(3, 0.5)
    expected[fixed] = 4
    np.testing.assert_allclose(zero, expected, atol=1e-6)
    slices: list[Any] = [slice(None, None, 2)] * 3
    slices[fixed] = slice(4, 5)
    found = layer.data[..., 0]
    np.testing.assert_allclose(found, make_stack()[tuple(slices)] / 1000, rtol=1e-6)


def test_it_follows_answers_slices_undo_and_clear(room: Rooms) -> None:
    here = clicked(room)
    first = layer_of(here, "seen prompts").data.copy()
    here.session.add_click((2, 5, 5), positive=False)
    here.wait()
    assert (layer_of(here, "seen prompts").data != first).any()
    here.session.undo()
    here.wait()
    np.testing.assert_array_equal(layer_of(here, "seen prompts").data, first)

    here.show(0, 3)
    here.wait()
    assert shows_nothing(here)
    here.session.add_click((3, 5, 5))
    here.wait()
    world = layer_of(here, "seen image").data_to_world((0, 0, 0))
    assert world[0] == 3
    here.show(0, 2)
    here.wait()
    np.testing.assert_array_equal(layer_of(here, "seen prompts").data, first)

    here.session.clear()
    here.wait()
    assert shows_nothing(here)
    assert here.session.sees


def test_nothing_is_shown_of_prompts_that_nobody_answered(room: Rooms) -> None:
    here = clicked(room)
    here.session.auto_run = False
    here.session.add_click((2, 5, 5))
    here.wait()
    assert shows_nothing(here)
    here.session.run()
    here.wait()
    assert not shows_nothing(here)


def test_while_an_answer_is_to_come_the_last_one_stays(room: Rooms) -> None:
    predictor = BlockedPredictor()
    here = room(predictor=predictor)
    here.show(0, 2)
    here.session.sees = True
    here.session.add_click((2, 20, 30))
    predictor.let_go()
    here.wait()
    first = layer_of(here, "seen prompts").data.copy()

    here.session.add_click((2, 5, 5))
    predictor.wait_until_started()
    here.session.sync()
    np.testing.assert_array_equal(layer_of(here, "seen prompts").data, first)
    predictor.let_go()
    here.wait()
    assert (layer_of(here, "seen prompts").data != first).any()


def test_it_is_looked_at_once_for_an_answer(room: Rooms) -> None:
    here = clicked(room)
    looked: list[Any] = []
    look = here.predictor.look
    here.predictor.look = lambda *args, **kwargs: (
        looked.append(args) or look(*args, **kwargs)
    )
    for _ in range(3):
        here.session.sync()
        here.wait()
    assert looked == []
    here.session.add_click((2, 5, 5))
    here.wait()
    here.session.sync()
    assert len(looked) == 1


def test_a_moved_image_takes_it_along(room: Rooms) -> None:
    here = clicked(room)
    here.image.scale = (1, 4, 4)
    here.session.sync()
    here.wait()
    found = layer_of(here, "seen image").data_to_world((0, 0, 0))
    np.testing.assert_allclose(found, (2, 2, 2))


@pytest.mark.parametrize("role", SEEN_ROLES)
def test_deleting_one_by_hand_turns_it_off(room: Rooms, role: str) -> None:
    here = clicked(room)
    here.viewer.layers.remove(layer_of(here, role))
    assert not here.session.sees
    here.session.sync()
    assert not any(here.session.has(other) for other in SEEN_ROLES)
    here.session.add_click((2, 5, 5))
    here.wait()
    assert not here.errors
    here.session.sees = True
    here.wait()
    assert not shows_nothing(here)


def test_deleting_one_while_it_is_worked_out(room: Rooms) -> None:
    predictor = BlockedPredictor()
    here = room(predictor=predictor)
    here.show(0, 2)
    here.session.sees = True
    here.session.add_click((2, 20, 30))
    predictor.wait_until_started()
    here.viewer.layers.remove(layer_of(here, "seen image"))
    predictor.let_go()
    here.wait()
    assert not here.session.sees
    assert here.session.mask().any()


def test_closing_takes_the_layers_away(room: Rooms) -> None:
    here = clicked(room)
    here.session.close()
    names = {layer.metadata.get(METADATA_KEY) for layer in here.viewer.layers}
    assert not names & set(SEEN_ROLES)
    assert not here.session.sees
    with pytest.raises(LayerError, match="session is closed"):
        here.session.sees = True


def test_what_is_selected_stays_selected_and_sliders_keep_their_steps(
    room: Rooms,
) -> None:
    here = room()
    here.viewer.layers.selection.active = here.session.points
    before = here.viewer.dims.range
    here.session.sees = True
    assert here.viewer.layers.selection.active is here.session.points
    here.show(0, 2)
    here.session.add_click((2, 20, 30))
    here.wait()
    assert here.viewer.dims.range[0] == before[0]
    here.viewer.dims.order = (1, 0, 2)
    here.session.sync()
    here.wait()
    assert here.viewer.dims.range == before
    assert not here.errors


def test_it_can_be_no_image_and_no_target(room: Rooms) -> None:
    here = clicked(room)
    shown = layer_of(here, "seen image")
    with pytest.raises(ImageError, match="choose the image itself"):
        Session(here.viewer, shown, DiskPredictor())
    with pytest.raises(LayerError, match="must be a Labels layer"):
        Session(here.viewer, here.image, DiskPredictor(), target=shown)
    assert here.session.objects.keys() == {1}  # no prompts but the click
    assert len(here.session.objects[1].prompts) == 1


def test_negative_prompts_alone_are_shown(room: Rooms) -> None:
    here = room()
    here.show(0, 2)
    here.session.sees = True
    here.session.add_click((2, 20, 30), positive=False)
    here.wait()
    red, green, blue, _ = layer_of(here, "seen prompts").data[0, 10, 15].tolist()
    assert (red, green, blue) == (0xE6, 0x9F, 0x00)


def test_several_objects_show_one_of_them(room: Rooms) -> None:
    here = room()
    here.show(0, 2)
    here.session.each = True
    here.session.sees = True
    here.session.add_click((2, 10, 10))
    here.session.add_click((2, 30, 40))
    here.wait()
    alpha = layer_of(here, "seen prompts").data[0, ..., 3]
    assert not alpha[5, 5]
    assert alpha[15, 20]


class Blind(DiskPredictor):
    """Cannot tell what it sees."""

    look = None


def test_a_predictor_that_cannot_tell_gets_a_sentence_and_it_is_off(
    room: Rooms,
) -> None:
    here = room(predictor=Blind())
    here.show(0, 2)
    here.session.sees = True
    here.session.add_click((2, 20, 30))
    with pytest.raises(SegNextError, match="does not tell what it sees"):
        here.wait()
    assert not here.session.sees
    assert here.session.mask().any()
    here.wait()


def test_a_failed_answer_shows_nothing(room: Rooms) -> None:
    predictor = FailingPredictor(None)
    here = room(predictor=predictor)
    here.show(0, 2)
    here.session.sees = True
    here.session.add_click((2, 20, 30))
    here.wait()
    predictor.error = RuntimeError("out of memory")
    here.session.add_click((2, 5, 5))
    with pytest.raises(RuntimeError, match="out of memory"):
        here.wait()
    here.session.sync()
    assert shows_nothing(here)
    assert here.session.sees


def test_turning_it_on_and_off_is_seen_from_outside(room: Rooms) -> None:
    here = room()
    here.wait()
    seen: list[bool] = []
    here.session.changed.connect(lambda: seen.append(here.session.sees))
    here.session.sees = True
    here.session.sees = True
    here.session.sees = False
    assert seen == [True, False]


def test_with_the_model_of_a_2d_rgb_image() -> None:
    image = Image(np.random.default_rng(0).integers(0, 255, (70, 90, 3), np.uint8))
    viewer = ViewerModel()
    viewer.layers.append(image)
    session = Session(viewer, image, "segnext-lite", journal=None)
    try:
        session.sees = True
        session.add_click((30, 40))
        session.wait(120)
        shown = next(
            layer
            for layer in viewer.layers
            if layer.metadata.get(METADATA_KEY) == "seen image"
        )
        assert shown.data.shape == (256, 256, 3)
        middle = np.array(shown.world_to_data((30, 40)))
        row, col = np.round(middle).astype(int)
        assert np.abs(middle - (row, col)).max() <= 0.5
        expected = image.data[28:33, 38:43].mean(axis=(0, 1)) / 255
        step = shown.data_to_world((1, 1))[0] - shown.data_to_world((0, 0))[0]
        reach = round(2.5 / step)
        found = shown.data[row - reach : row + reach + 1, col - reach : col + reach + 1]
        np.testing.assert_allclose(found.mean(axis=(0, 1)), expected, atol=0.05)
    finally:
        session.close()
