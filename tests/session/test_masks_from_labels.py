"""Any label of any Labels layer as the mask that an object starts from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import pytest
import zarr
from napari.layers import Image, Labels, Shapes
from rooms import STACK_SHAPE, make_stack

from napari_segnext.core.prompts import Click, Mask, Prompts
from napari_segnext.errors import LayerError, PromptError
from napari_segnext.session.planes import PlaneKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooms import Room

    Rooms = Callable[..., Room]

AXES = (1, 2)
SHOWN = PlaneKey((2,), AXES)


def blobs(dtype: Any = np.int32) -> np.ndarray:
    """Label 7 on slices 1 to 3, another square on each; label 9 on slice 4 only."""
    data = np.zeros(STACK_SHAPE, dtype)
    for index in (1, 2, 3):
        data[index, 5 + index : 15 + index, 10:20] = 7
    data[4, 30:33, 40:44] = 9
    return data


def one_pixel() -> np.ndarray:
    data = np.zeros((9, 9), np.uint8)
    data[0, 0] = 1
    return data


def mask_of(room: Room, plane: PlaneKey = SHOWN) -> np.ndarray:
    mask = room.session.objects[room.session.label].prompts[plane].mask
    assert mask is not None
    assert set(np.unique(mask.array)) <= {0, 1}
    return mask.array > 0


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint32, np.int64])
def test_a_label_is_the_mask_prompt_and_the_layer_stays_as_it_is(
    room: Rooms, dtype: Any
) -> None:
    there = room()
    there.show(0, 2)
    data = blobs(dtype)
    layer = there.viewer.add_labels(data.copy())
    there.session.add_label(layer, 7)
    there.wait()
    np.testing.assert_array_equal(mask_of(there), data[2] == 7)
    np.testing.assert_array_equal(there.session.mask(), data[2] == 7)
    np.testing.assert_array_equal(layer.data, data)
    assert there.session.undo()
    assert not there.session.mask().any()
    assert there.session.redo()
    np.testing.assert_array_equal(there.session.mask(), data[2] == 7)


def test_without_a_number_it_is_the_label_that_is_selected(room: Rooms) -> None:
    there = room()
    there.show(0, 4)
    layer = there.viewer.add_labels(blobs())
    layer.selected_label = 9
    there.session.add_label(layer)
    np.testing.assert_array_equal(mask_of(there, PlaneKey((4,), AXES)), blobs()[4] == 9)


@pytest.mark.parametrize("plane", [3, (3,), PlaneKey((3,), AXES)])
def test_another_plane_than_the_displayed_one_can_be_named(
    room: Rooms, plane: Any
) -> None:
    there = room()
    there.session.add_label(Labels(blobs()), 7, plane)
    there.wait()
    shown = there.session.mask(plane=plane)
    assert shown.any()
    np.testing.assert_array_equal(shown, there.session.preview.data[3] > 0)
    assert not there.session.mask().any()
    np.testing.assert_array_equal(mask_of(there, PlaneKey((3,), AXES)), blobs()[3] == 7)


@pytest.mark.parametrize("plane", [(), (1, 3), [1, 3, 5]])
def test_a_plane_of_too_many_or_few_indices_is_told_how_many(
    room: Rooms, plane: Any
) -> None:
    there = room()
    with pytest.raises(PromptError, match=r"give an index along each of the axes \(0,"):
        there.session.add_label(Labels(blobs()), 7, plane)


def test_a_flat_image_has_no_plane_to_name(room: Rooms) -> None:
    there = room(blobs()[2])
    with pytest.raises(PromptError, match="it has only one, so name none"):
        there.session.add_label(Labels(blobs()[2]), 7, 0)
    there.session.add_label(Labels(blobs()[2]), 7, ())


def test_a_second_label_takes_the_place_of_the_first_and_clicks_add_to_it(
    room: Rooms,
) -> None:
    there = room()
    there.show(0, 2)
    data = blobs()
    data[2, 30:35, 30:35] = 8
    there.session.add_label(Labels(data), 7)
    there.session.add_click((2, 10, 10))
    there.session.add_label(Labels(data), 8)
    there.wait()
    known = there.session.objects[1].prompts[SHOWN]
    assert known == Prompts([Click(10, 10)], mask=Mask.from_array(data[2] == 8))


def test_an_object_accepted_in_the_target_can_be_started_from(room: Rooms) -> None:
    there = room()
    there.show(0, 2)
    there.session.add_click((2, 20, 20))
    there.wait()
    assert there.session.accept() == 1
    expected = there.session.target.data[2] == 1
    there.session.add_label(there.session.target, 1)
    there.wait()
    np.testing.assert_array_equal(mask_of(there), expected)
    assert there.session.label == 2


def test_a_layer_with_another_transform_is_looked_up_through_the_world(
    room: Rooms,
) -> None:
    image = Image(make_stack(), scale=(2, 0.5, 0.5), translate=(10, 0, 5))
    there = room(image=image)
    there.show(0, 2)
    # half as many pixels, twice as large, and their origin elsewhere
    coarse = np.zeros((8, 20, 25), np.uint8)
    coarse[5, 4:8, 6:10] = 3
    layer = Labels(coarse, scale=(2, 1, 1), translate=(4, 0.25, 5.25))
    there.session.add_label(layer, 3)
    expected = np.zeros((40, 50), bool)
    expected[8:16, 12:20] = True
    np.testing.assert_array_equal(mask_of(there), expected)


def test_a_turned_and_sheared_layer_gives_what_the_viewer_shows(room: Rooms) -> None:
    there = room()
    there.show(0, 2)
    data = blobs()
    layer = there.viewer.add_labels(
        data, rotate=20, shear=[0.0, 0.0, 0.2], translate=(0, 6, -3), name="turned"
    )
    there.session.add_label(layer, 7)
    seen = np.zeros((40, 50), bool)
    for row, col in np.ndindex(40, 50):
        seen[row, col] = layer.get_value((2, row, col), world=True) == 7
    assert 50 < seen.sum() < seen.size
    assert (mask_of(there) != seen).mean() < 0.002  # ties of rounding only


def test_a_part_outside_the_image_is_left_out(room: Rooms) -> None:
    there = room()
    there.show(0, 2)
    data = np.full((5, 60, 60), 4, np.uint8)
    there.session.add_label(Labels(data, translate=(0, 30, -20)), 4)
    expected = np.zeros((40, 50), bool)
    expected[30:, :40] = True
    np.testing.assert_array_equal(mask_of(there), expected)


@pytest.mark.parametrize("index", [0, 3])
def test_flat_labels_over_a_stack_mean_the_displayed_plane(
    room: Rooms, index: int
) -> None:
    there = room()
    there.show(0, index)
    layer = there.viewer.add_labels(blobs()[2])
    there.session.add_label(layer, 7)
    np.testing.assert_array_equal(
        mask_of(there, PlaneKey((index,), AXES)), blobs()[2] == 7
    )


def test_a_stack_of_labels_over_a_flat_image_is_taken_at_the_sliders_place(
    room: Rooms,
) -> None:
    there = room(make_stack()[0])
    layer = there.viewer.add_labels(blobs(), scale=(3, 1, 1))
    there.viewer.dims.set_point(0, 9)  # its slice 3
    there.session.add_label(layer, 7)
    np.testing.assert_array_equal(mask_of(there, PlaneKey((), (0, 1))), blobs()[3] == 7)


@pytest.mark.parametrize("order", [(1, 0, 2), (2, 0, 1), (2, 1, 0), (0, 2, 1)])
def test_in_every_view_it_is_the_label_on_the_plane_on_display(
    room: Rooms, order: tuple[int, int, int]
) -> None:
    there = room()
    there.viewer.dims.order = order
    there.viewer.dims.set_point(range(3), (2, 12, 15))
    data = blobs()
    there.session.add_label(Labels(data), 7)
    there.wait()
    shown = np.moveaxis(data == 7, order, range(3))[(2, 12, 15)[order[0]]]
    np.testing.assert_array_equal(there.session.mask(), shown)


class Counted:
    """A lazy stack that notes which parts of it were read."""

    def __init__(self) -> None:
        self.read: list[int] = []

    def array(self, data: np.ndarray) -> da.Array:
        def note(block: np.ndarray, block_info: Any = None) -> np.ndarray:
            if block_info:
                self.read.append(block_info[0]["chunk-location"][0])
            return block

        lazy = da.from_array(data, chunks=(1, *data.shape[1:]))
        return lazy.map_blocks(note, dtype=data.dtype, meta=np.empty((0, 0, 0)))


@pytest.mark.parametrize("scale", [(1, 1, 1), (1, 2, 2)])
def test_of_a_lazy_layer_only_the_plane_is_read(
    room: Rooms, scale: tuple[float, ...]
) -> None:
    there = room()
    there.show(0, 2)
    counted = Counted()
    layer = Labels(counted.array(blobs()), scale=scale)
    counted.read.clear()
    there.session.add_label(layer, 7)
    assert set(counted.read) == {2}
    assert mask_of(there).any()


def test_of_a_multiscale_layer_it_is_the_finest_level(room: Rooms) -> None:
    there = room()
    there.show(0, 2)
    data = blobs(np.uint8)
    layer = Labels([zarr.array(data), zarr.array(data[:, ::2, ::2])], multiscale=True)
    there.session.add_label(layer, 7)
    np.testing.assert_array_equal(mask_of(there), data[2] == 7)


WRONG: dict[str, tuple[Callable[[Room], Any], type[Exception], str]] = {
    "shapes": (
        lambda room: room.session.add_label(Shapes(None, ndim=3), 1),
        LayerError,
        "Labels layer",
    ),
    "background": (
        lambda room: room.session.add_label(Labels(blobs()), 0),
        PromptError,
        "other than 0",
    ),
    "no number": (
        lambda room: room.session.add_label(Labels(blobs()), "7"),  # type: ignore[arg-type]
        PromptError,
        "whole number",
    ),
    "on another slice": (
        lambda room: room.session.add_label(Labels(blobs(), name="cells"), 9),
        PromptError,
        "Label 9 of 'cells' is not on this plane; it is on slice 4",
    ),
    "the nearest of several": (
        lambda room: room.session.add_label(Labels(blobs()), 7, 0),
        PromptError,
        "it is on slice 1",
    ),
    "nowhere": (
        lambda room: room.session.add_label(Labels(blobs()), 55),
        PromptError,
        "There is no label 55",
    ),
    "no such plane": (
        lambda room: room.session.add_label(Labels(blobs()), 7, 11),
        PromptError,
        "no plane",
    ),
    "far away": (
        lambda room: room.session.add_label(
            Labels(blobs(), translate=(0, 500, 500)), 7
        ),
        LayerError,
        "do not lie on this plane",
    ),
    "in a corner off the image": (
        lambda room: room.session.add_label(
            Labels(blobs(), translate=(0, 0, -30)), 7, 2
        ),
        PromptError,
        "outside the image",
    ),
    "too small": (
        lambda room: room.session.add_label(
            Labels(one_pixel(), scale=(0.1, 0.1), translate=(3.6, 2.6)), 1
        ),
        PromptError,
        "smaller than a pixel",
    ),
}


@pytest.mark.parametrize(("act", "error", "text"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_a_mask_is_one_sentence_and_changes_nothing(
    room: Rooms,
    act: Callable[[Room], Any],
    error: type[Exception],
    text: str,
) -> None:
    there = room()
    there.show(0, 2)
    there.session.add_click((2, 10, 20))
    there.wait()
    before = there.session.mask()
    with pytest.raises(error, match=r"\w .*[.]$") as caught:
        act(there)
    assert text in str(caught.value)
    there.wait()
    np.testing.assert_array_equal(there.session.mask(), before)
    assert len(there.session.objects[1].prompts[SHOWN]) == 1


def test_flat_labels_do_not_lie_on_a_plane_across_the_stack(room: Rooms) -> None:
    there = room()
    there.viewer.dims.order = (1, 0, 2)
    with pytest.raises(LayerError, match="do not lie"):
        there.session.add_label(Labels(blobs()[2]), 7)


def test_where_a_lazy_label_is_is_looked_for_nearby_first(room: Rooms) -> None:
    there = room()
    there.show(0, 3)
    counted = Counted()
    layer = Labels(counted.array(blobs()))
    counted.read.clear()
    with pytest.raises(PromptError, match="slice 4"):
        there.session.add_label(layer, 9)
    assert set(counted.read) <= {2, 3, 4}
