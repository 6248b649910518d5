"""Layers in all their variety: views, transforms, types of data, whose they are."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import zarr
from fakes import expected
from napari.components import ViewerModel
from napari.layers import Image, Labels, Points, Shapes
from napari.utils.interactions import (
    mouse_move_callbacks,
    mouse_press_callbacks,
    mouse_release_callbacks,
)
from rooms import make_stack

from napari_segnext.core.prompts import (
    Box,
    Click,
    Mask,
    Polygon,
    Prompts,
    Scribble,
    Stroke,
)
from napari_segnext.errors import ImageError, LayerError, PromptError
from napari_segnext.session.planes import PlaneKey
from napari_segnext.session.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooms import Room

    Rooms = Callable[..., Room]

TRANSFORM: dict[str, Any] = {
    "scale": (2.0, 0.5, 0.25),
    "translate": (10, -20, 30),
    "rotate": 0,
    "shear": [0.0, 0.0, 0.1],
    "units": ("um", "um", "um"),
    "axis_labels": ("z", "y", "x"),
}


def prompts_of(room: Room, plane: PlaneKey) -> Prompts:
    return room.session.objects[room.session.label].prompts[plane]


def press(room: Room, layer: Any, position: tuple[float, ...], **more: Any) -> None:
    """Click on the canvas at a data position of the image, as napari does."""
    world = room.image.data_to_world(position)
    event = SimpleNamespace(
        position=world,
        pos=np.array(position[-2:]),
        view_direction=None,
        dims_displayed=list(room.viewer.dims.displayed),
        dims_point=list(room.viewer.dims.point),
        type="mouse_press",
        button=1,
        buttons=[1],
        modifiers=[],
        is_dragging=False,
        handled=False,
        camera_zoom=1.0,
        inverted=False,
        **more,
    )
    mouse_press_callbacks(layer, event)
    event.type = "mouse_release"
    mouse_release_callbacks(layer, event)


@pytest.mark.parametrize("role", ["points", "shapes", "scribbles", "preview", "target"])
def test_every_layer_lies_where_the_image_lies(room: Rooms, role: str) -> None:
    image = Image(make_stack(), **TRANSFORM)
    layer = getattr(room(image=image).session, role)
    for name in ("scale", "translate", "rotate", "shear"):
        np.testing.assert_allclose(getattr(layer, name), getattr(image, name))
    np.testing.assert_allclose(layer.affine.affine_matrix, image.affine.affine_matrix)
    assert layer.units == image.units
    assert layer.axis_labels == image.axis_labels
    assert layer.ndim == image.ndim


def test_points_are_seen_at_every_zoom_and_hide_no_small_object(room: Rooms) -> None:
    for shape in ((40, 50), (8192, 8192)):
        least, most = room(np.zeros(shape, np.uint8)).session.points.canvas_size_limits
        assert 5 <= least < most <= 25  # napari's own are 2 and 10,000


def test_what_is_made_of_a_mask_is_seen_through_it(room: Rooms) -> None:
    layer = room().session.scribbles
    stroke, mask = (layer.get_color(value)[3] for value in (1, 3))
    assert stroke == 1
    assert 0.2 < mask < 0.5


def test_shapes_and_scribbles_are_made_on_first_use_only(room: Rooms) -> None:
    there = room()
    assert there.session.has("points")
    assert not there.session.has("shapes")
    assert not there.session.has("scribbles")
    active = there.viewer.layers.selection.active
    assert there.session.shapes in there.viewer.layers
    assert there.session.scribbles in there.viewer.layers
    assert there.viewer.layers.selection.active is active


@pytest.mark.parametrize(
    "order", [(0, 1, 2), (1, 0, 2), (2, 0, 1), (1, 2, 0), (0, 2, 1)]
)
def test_mouse_clicks_in_every_view_are_prompts_of_the_plane_on_display(
    room: Rooms, order: tuple[int, int, int]
) -> None:
    there = room(image=Image(make_stack((20, 40, 50)), scale=(2, 0.5, 0.25)))
    position = (7, 20, 30)
    there.viewer.dims.order = order
    there.viewer.dims.set_point(range(3), there.image.data_to_world(position))
    there.session.activate("point")

    press(there, there.session.points, position)
    there.wait()

    axes = tuple(sorted(order[1:]))
    plane = PlaneKey((position[order[0]],), axes)
    click = Click(position[axes[0]], position[axes[1]])
    assert prompts_of(there, plane) == Prompts([click])
    mask = expected(plane.shape_in((20, 40, 50)), Prompts([click]))
    np.testing.assert_array_equal(there.session.preview.data[plane.slices] > 0, mask)
    as_shown = mask if order[1] < order[2] else mask.T
    np.testing.assert_array_equal(there.session.mask(), as_shown)
    np.testing.assert_array_equal(there.session.mask((5, 4, 9, 8)), as_shown[5:9, 4:8])


def test_a_point_stays_on_its_plane_when_the_view_is_rolled(room: Rooms) -> None:
    there = room()
    there.session.add_click((2, 10, 20))
    there.wait()
    there.viewer.dims.order = (1, 0, 2)
    there.session.points.refresh()
    there.session.points.features = there.session.points.features.copy()
    there.wait()
    assert list(there.session.objects[1].prompts) == [PlaneKey((2,), (1, 2))]


def test_planes_that_cross_share_pixels_in_the_preview(room: Rooms) -> None:
    there = room(make_stack((20, 40, 50)))
    there.session.add_click((7, 20, 30))
    there.viewer.dims.order = (1, 0, 2)
    there.session.add_click((7, 20, 30))
    there.wait()
    mask = expected((40, 50), Prompts([Click(20, 30)]))
    other = expected((20, 50), Prompts([Click(7, 30)]))
    both = np.zeros((20, 40, 50), bool)
    both[7] |= mask
    both[:, 20] |= other
    np.testing.assert_array_equal(there.session.preview.data > 0, both)
    there.session.undo()
    np.testing.assert_array_equal(there.session.preview.data[7] > 0, mask)
    assert there.session.preview.data.sum() == mask.sum()


@pytest.mark.parametrize("polarity", ["positive", "negative"])
def test_the_polarity_that_is_set_is_what_the_next_click_gets(
    room: Rooms, polarity: str
) -> None:
    there = room()
    there.show(0, 2)
    there.session.add_click((2, 5, 5), positive=polarity == "negative")
    there.session.activate("point")
    there.session.polarity = polarity
    points = there.session.points
    points.selected_data = {0}  # napari now gives its polarity to new points
    press(there, points, (2, 20, 20))
    there.wait()
    assert list(points.features["polarity"]) == (
        ["negative", "positive"] if polarity == "positive" else ["positive", "negative"]
    )


def test_changing_the_polarity_leaves_the_selected_point_as_it_is(room: Rooms) -> None:
    there = room()
    there.show(0, 2)
    there.session.activate("point")
    press(there, there.session.points, (2, 20, 20))
    assert there.session.points.selected_data == {0}
    there.session.toggle_polarity()
    there.wait()
    assert list(there.session.points.features["polarity"]) == ["positive"]
    assert prompts_of(there, PlaneKey((2,), (1, 2))) == Prompts([Click(20, 20)])


def test_the_polarity_in_the_features_table_counts(room: Rooms) -> None:
    there = room()
    there.session.add_click((2, 20, 20))
    features = there.session.points.features.copy()
    features.loc[0, "polarity"] = "negative"
    there.session.points.features = features
    there.wait()
    assert prompts_of(there, PlaneKey((2,), (1, 2))) == Prompts([Click(20, 20, False)])


@pytest.mark.parametrize("wrong", ["sideways", "", None])
def test_an_unknown_polarity_is_refused(room: Rooms, wrong: Any) -> None:
    with pytest.raises(PromptError):
        room().session.polarity = wrong


def test_all_shapes_read_back_as_the_prompts_they_were(room: Rooms) -> None:
    there = room(image=Image(make_stack(), **TRANSFORM))
    session = there.session
    session.add_box((2, 3.1, 4.2), (2, 13.3, 14.4))
    session.add_box((2, 20, 4), (2, 23, 14), positive=False)
    session.add_polygon([(2, 3.1, 30), (2, 13, 31.7), (2, 12, 40)])
    session.add_scribble([(2, 30, 30), (2, 35.2, 31.7)], positive=False, width=4.5)
    known = prompts_of(there, PlaneKey((2,), (1, 2)))
    count = len(session._history.acts)

    session.shapes.features = session.shapes.features.copy()
    session.sync()

    assert len(session._history.acts) == count == 4
    assert known == Prompts(
        boxes=[Box(3.1, 4.2, 13.3, 14.4), Box(20, 4, 23, 14, False)],
        polygons=[Polygon([(3.1, 30), (13, 31.7), (12, 40)])],
        scribbles=[Scribble([(30, 30), (35.2, 31.7)], False, 4.5)],
    )
    assert session.shapes.shape_type == ["rectangle", "rectangle", "polygon", "path"]


@pytest.mark.parametrize(
    ("kind", "vertices", "found"),
    [
        ("rectangle", [(5, 5), (5, 9), (8, 9), (8, 5)], Box),
        ("rectangle", [(5, 5), (8, 8), (6, 10), (3, 7)], Polygon),
        ("ellipse", [(5, 5), (5, 15), (25, 15), (25, 5)], Polygon),
        ("polygon", [(5, 5), (5, 15), (25, 15)], Polygon),
        ("path", [(5, 5), (5, 15), (25, 15)], Scribble),
        ("line", [(5, 5), (5, 15)], Scribble),
    ],
)
def test_shapes_drawn_by_hand_become_prompts(
    room: Rooms, kind: str, vertices: list[tuple[float, float]], found: type
) -> None:
    there = room()
    there.show(0, 3)
    there.session.shapes.add(
        np.array([(3, *vertex) for vertex in vertices]), shape_type=kind
    )
    there.wait()
    (prompt,) = prompts_of(there, PlaneKey((3,), (1, 2)))
    assert isinstance(prompt, found)
    assert prompt.bounds == pytest.approx(
        (*np.min(vertices, axis=0), *np.max(vertices, axis=0)), abs=0.1
    )


def test_a_shape_of_no_area_or_outside_is_told_once_and_ignored(room: Rooms) -> None:
    there = room()
    there.session.shapes.add(
        np.array([(3, 5, 5), (3, 5, 9), (3, 5, 9), (3, 5, 5)]), shape_type="rectangle"
    )
    there.session.sync()
    there.session.sync()
    assert [type(error) for error in there.errors] == [PromptError]
    assert there.session.hint == str(there.errors[0])
    there.session.points.add((3, 500, 5))
    there.wait()
    assert len(there.errors) == 2
    assert there.predictor.asked == []
    there.session.add_click((3, 10, 10))
    there.wait()
    assert len(there.session.points.data) == 2  # the user's own point stays


def test_adopted_prompts_of_another_transform_are_carried_through_the_world(
    room: Rooms,
) -> None:
    image = Image(make_stack(), scale=(2, 0.5, 0.25), translate=(1, 2, 3))
    world = np.array(image.data_to_world((2, 10, 20)))
    points = Points([world / 4], scale=(4, 4, 4), name="mine")
    box = [
        image.data_to_world((2, *corner)) for corner in ((5, 5), (5, 9), (8, 9), (8, 5))
    ]
    shapes = Shapes(
        [np.array(box) / 8], shape_type="rectangle", scale=(8, 8, 8), name="too"
    )
    there = room(image=image, points=points, shapes=shapes)
    there.show(0, 2)

    there.wait()

    assert prompts_of(there, PlaneKey((2,), (1, 2))) == Prompts(
        [Click(10, 20)], [Box(5, 5, 8, 9)]
    )
    there.session.add_click((2, 20, 30), positive=False)
    there.session.undo()
    there.session.redo()
    np.testing.assert_allclose(
        points.data_to_world(points.data[1]), image.data_to_world((2, 20, 30))
    )
    assert prompts_of(there, PlaneKey((2,), (1, 2))).clicks[1] == Click(20, 30, False)


def test_labels_without_a_place_are_laid_over_the_image(room: Rooms) -> None:
    image = Image(make_stack(), **TRANSFORM)
    from_file = Labels(np.zeros(image.data.shape, np.uint16))
    strokes = Labels(np.zeros(image.data.shape, np.uint8))
    there = room(image=image, target=from_file, scribbles=strokes)
    for layer in (from_file, strokes):
        np.testing.assert_allclose(
            layer.data_to_world((1, 2, 3)), image.data_to_world((1, 2, 3))
        )
        assert layer.units == image.units
    there.session.close()

    elsewhere = Labels(np.zeros(image.data.shape, np.uint16), translate=(0, 1, 0))
    with pytest.raises(LayerError, match="lies elsewhere"):  # somebody put it there
        room(image=Image(make_stack(), **TRANSFORM), target=elsewhere)
    assert tuple(elsewhere.translate) == (0, 1, 0)


def test_other_columns_of_adopted_features_survive_undo(room: Rooms) -> None:
    features = pd.DataFrame({"who": ["me", "you"]})
    points = Points([(2, 10, 10), (2, 20, 20)], features=features)
    there = room(points=points)
    there.session.add_click((2, 30, 30))
    there.session.undo()
    assert list(points.features["who"]) == ["me", "you"]


def test_the_users_own_points_and_shapes_come_back_as_they_were(room: Rooms) -> None:
    who = pd.DataFrame({"who": ["me", "you"]})
    points = Points([(2, 10, 10), (2, 20, 20)], features=who)
    shapes = Shapes(
        [
            [(2, 10, 10), (2, 10, 30), (2, 20, 30), (2, 20, 10)],
            [(2, 5, 5), (2, 30, 30)],
        ],
        shape_type=["ellipse", "line"],
        features=who,
    )
    there = room(points=points, shapes=shapes)
    there.wait()
    before = [np.array(shape) for shape in shapes.data]
    there.session.accept()
    assert len(points.data) == len(shapes.data) == 0
    for again in (there.session.undo, there.session.clear, there.session.undo):
        again()
    assert list(points.features["who"]) == list(shapes.features["who"])
    assert list(points.features["who"]) == ["me", "you"]
    assert list(shapes.shape_type) == ["ellipse", "line"]
    np.testing.assert_allclose(shapes.data[0], before[0])
    np.testing.assert_allclose(shapes.data[1], before[1])
    assert there.session.can_redo  # nothing was read anew, as if it were changed


@pytest.mark.parametrize(
    ("role", "layer"),
    [
        ("points", lambda: Shapes(None, ndim=3)),
        ("points", lambda: Points(np.empty((0, 2)), ndim=2)),
        ("shapes", lambda: Points(np.empty((0, 3)), ndim=3)),
        ("scribbles", lambda: Labels(np.zeros((5, 40, 49), np.uint8))),
        ("scribbles", lambda: Labels(np.zeros((5, 40, 50), np.uint8), scale=(2, 1, 1))),
        ("target", lambda: Labels(np.zeros((4, 40, 50), np.uint8))),
        ("target", lambda: Image(np.zeros((5, 40, 50), np.uint8))),
        ("target", lambda: Labels(da.zeros((5, 40, 50), dtype=np.uint8))),
        (
            "target",
            lambda: Labels(
                [np.zeros((5, 40, 50), np.uint8), np.zeros((5, 20, 25), np.uint8)],
                multiscale=True,
            ),
        ),
        ("target", lambda: _read_only()),
        ("target", lambda: Labels(np.zeros((5, 40, 50), ">u2"))),
    ],
)
def test_layers_that_cannot_play_their_part_are_refused_in_one_sentence(
    role: str, layer: Callable[[], Any]
) -> None:
    viewer = ViewerModel()
    image = viewer.add_image(make_stack())
    with pytest.raises(LayerError) as caught:
        Session(viewer, image, object(), journal=None, **{role: layer()})
    assert str(caught.value).endswith(".")
    assert list(viewer.layers) == [image]


def _read_only() -> Labels:
    data = np.zeros((5, 40, 50), np.uint8)
    data.flags.writeable = False
    return Labels(data)


def test_what_is_no_image_of_the_viewer_is_refused() -> None:
    viewer = ViewerModel()
    labels = viewer.add_labels(np.zeros((4, 5), np.uint8))
    with pytest.raises(ImageError):
        Session(viewer, labels, object())
    with pytest.raises(ImageError):
        Session(viewer, Image(np.zeros((4, 5))), object())
    image = viewer.add_image(np.zeros((4, 5)))
    with pytest.raises(ImageError):
        Session(viewer, image, object(), contrast="vivid")


@pytest.mark.parametrize("kind", ["dask", "zarr", "multiscale", "rgb", "2d", "5d"])
def test_images_of_all_kinds_are_read_plane_by_plane(room: Rooms, kind: str) -> None:
    stack = make_stack()
    index: tuple[int, ...] = (2,)
    image = Image(stack)
    if kind == "dask":
        image = Image(da.from_array(stack, chunks=(1, 40, 50)))
    elif kind == "zarr":
        image = Image(zarr.array(stack, chunks=(1, 40, 50)))
    elif kind == "multiscale":
        image = Image([stack, stack[:, ::2, ::2]], multiscale=True)
    elif kind == "rgb":
        stack = make_stack((5, 40, 50, 3)).astype(np.uint8)
        image = Image(stack, rgb=True)
    elif kind == "2d":
        stack, index = stack[0], ()
        image = Image(stack)
    elif kind == "5d":
        stack, index = make_stack((2, 3, 2, 40, 50)), (1, 2, 0)
        image = Image(stack)
    there = room(image=image)
    plane = PlaneKey(index, (len(index), len(index) + 1))

    there.session.add_click((*index, 10, 20))
    there.wait()

    np.testing.assert_array_equal(there.predictor.encoded[0], stack[index])
    mask = expected((40, 50), Prompts([Click(10, 20)]))
    np.testing.assert_array_equal(there.session.preview.data[plane.slices] > 0, mask)
    there.session.accept()
    np.testing.assert_array_equal(there.session.target.data[plane.slices], mask)
    assert there.session.target.data.sum() == mask.sum()


def test_a_zarr_target_is_written_and_undone(room: Rooms) -> None:
    target = Labels(zarr.zeros((5, 40, 50), chunks=(1, 40, 50), dtype=np.uint8))
    there = room(target=target)
    there.session.add_click((2, 10, 20))
    there.wait()
    there.session.accept()
    mask = expected((40, 50), Prompts([Click(10, 20)]))
    np.testing.assert_array_equal(np.asarray(target.data[2]), mask)
    assert there.session.undo()
    assert not np.asarray(target.data[:]).any()


def test_painted_strokes_are_prompts_of_their_own(room: Rooms) -> None:
    there = room()
    there.show(0, 2)
    there.session.activate("scribble")
    scribbles = there.session.scribbles
    assert scribbles.mode == "paint"
    scribbles.paint((2, 10, 10), scribbles.selected_label)
    there.session.sync()
    first = scribbles.data[2] == 1
    there.session.polarity = "negative"
    scribbles.paint((2, 30, 30), scribbles.selected_label)
    there.session.sync()
    second = scribbles.data[2] == 2
    there.session.activate("mask")
    scribbles.paint((2, 20, 20), scribbles.selected_label)
    there.wait()

    assert prompts_of(there, PlaneKey((2,), (1, 2))) == Prompts(
        strokes=[Stroke.from_array(first), Stroke.from_array(second, False)],
        mask=Mask.from_array(scribbles.data[2] == 3),
    )
    painted = scribbles.data.copy()
    for _ in range(3):
        assert there.session.undo()
    assert not scribbles.data.any()
    for _ in range(3):
        assert there.session.redo()
    np.testing.assert_array_equal(scribbles.data, painted)
    scribbles.undo()  # napari's own: whatever it does is read as it stands
    there.wait()
    assert prompts_of(there, PlaneKey((2,), (1, 2))).mask is None


def test_a_stroke_that_is_erased_in_part_is_cut(room: Rooms) -> None:
    there = room()
    there.show(0, 2)
    scribbles = there.session.scribbles
    scribbles.brush_size = 9
    scribbles.paint((2, 10, 10), 1)
    there.session.sync()
    scribbles.brush_size = 3
    scribbles.paint((2, 10, 10), 0)
    there.session.sync()
    (stroke,) = prompts_of(there, PlaneKey((2,), (1, 2))).strokes
    assert stroke == Stroke.from_array(scribbles.data[2] == 1)


def test_a_probability_mask_keeps_its_values_while_the_layer_shows_its_half(
    room: Rooms,
) -> None:
    there = room()
    there.show(0, 2)
    probability = np.zeros((40, 50), np.float32)
    probability[5:10, 5:10] = 0.3
    probability[7:9, 7:9] = 0.9
    there.session.add_mask(probability)
    there.session.scribbles.refresh()
    there.wait()
    known = prompts_of(there, PlaneKey((2,), (1, 2)))
    np.testing.assert_array_equal(known.mask.array, probability)
    np.testing.assert_array_equal(
        there.session.scribbles.data[2], 3 * (probability >= 0.5)
    )


def test_in_a_3d_view_there_is_a_hint_and_no_error(room: Rooms) -> None:
    there = room()
    there.viewer.dims.ndisplay = 3
    there.session.add_click((2, 10, 20))
    there.wait()
    assert "2D" in there.session.hint
    assert there.errors == []
    assert there.session.preview.data[2].any()
    there.viewer.dims.ndisplay = 2
    there.session.sync()
    assert "2D" not in there.session.hint


def test_where_the_image_has_no_slice_there_is_a_hint(room: Rooms) -> None:
    there = room()
    there.viewer.layers.append(Image(np.zeros((20, 40, 50))))
    there.show(0, 15)
    there.session.sync()
    assert there.session.plane is None
    assert "no slice" in there.session.hint
    with pytest.raises(PromptError):
        there.session.mask()


def test_a_replaced_image_is_read_anew_and_one_of_another_shape_ends_it(
    room: Rooms,
) -> None:
    there = room()
    there.session.add_click((2, 10, 20))
    there.wait()
    there.image.data = make_stack() + 1
    there.wait()
    np.testing.assert_array_equal(there.predictor.encoded[-1], make_stack()[2] + 1)
    there.image.data = make_stack((4, 40, 50))
    with pytest.raises(ImageError, match="shape"):
        there.session.sync()
    assert there.session.is_closed


def test_renamed_hidden_and_moved_layers_do_not_matter(room: Rooms) -> None:
    there = room()
    there.session.add_click((2, 10, 20))
    for layer in (there.session.points, there.session.preview, there.session.target):
        layer.name = "x"
        layer.visible = False
    there.viewer.layers.move(0, 3)
    there.wait()
    assert there.session.accept() == 1
    assert there.session.target.data.any()


def test_two_sessions_on_one_image_do_not_disturb_each_other(room: Rooms) -> None:
    there = room()
    other = Session(there.viewer, there.image, there.predictor, journal=None)
    there.session.add_click((2, 10, 20))
    there.wait()
    other.wait(20)
    assert not other.preview.data.any()
    assert there.session.preview.data.any()
    other.close()
    there.session.add_click((2, 20, 20))
    there.wait()
    assert there.session.points in there.viewer.layers


@pytest.mark.parametrize(
    ("tool", "shape", "role", "mode"),
    [
        ("point", None, "points", "add"),
        ("box", None, "shapes", "add_rectangle"),
        ("polygon", None, "shapes", "add_polygon"),
        ("polygon", "lasso", "shapes", "add_polygon_lasso"),
        ("scribble", None, "scribbles", "paint"),
        ("scribble", "path", "shapes", "add_path"),
        ("mask", None, "scribbles", "paint"),
    ],
)
def test_activating_a_tool_makes_its_layer_ready_to_draw(
    room: Rooms, tool: str, shape: str | None, role: str, mode: str
) -> None:
    there = room()
    there.session.activate(tool, shape)
    layer = getattr(there.session, role)
    assert there.viewer.layers.selection.active is layer
    assert layer.mode == mode
    assert there.session.tool == tool
    with pytest.raises(PromptError):
        there.session.activate("chisel")


def test_a_box_drawn_by_mouse_is_one_prompt(room: Rooms) -> None:
    there = room()
    there.show(0, 2)
    there.session.activate("box")
    shapes = there.session.shapes
    event = SimpleNamespace(
        position=(2, 5, 5),
        pos=np.array((5, 5)),
        view_direction=None,
        dims_displayed=[1, 2],
        dims_point=[2, 0, 0],
        type="mouse_press",
        button=1,
        buttons=[1],
        modifiers=[],
        is_dragging=False,
        handled=False,
        camera_zoom=1.0,
    )
    mouse_press_callbacks(shapes, event)
    event.type, event.is_dragging, event.position = "mouse_move", True, (2, 15, 25)
    event.pos = np.array((15, 25))
    mouse_move_callbacks(shapes, event)
    there.session.sync()  # in the middle of drawing: not a prompt yet
    assert there.session.objects == {}
    event.type = "mouse_release"
    mouse_release_callbacks(shapes, event)
    there.wait()
    assert prompts_of(there, PlaneKey((2,), (1, 2))) == Prompts(
        boxes=[Box(5, 5, 15, 25)]
    )
    assert there.errors == []


def test_labels_of_objects_are_not_taken_for_scribbles(room: Rooms) -> None:
    cells = np.zeros(make_stack().shape, np.uint16)
    cells[2, 10:20, 10:20], cells[4, 5:9, 5:9] = 1, 17
    with pytest.raises(LayerError, match=r"labels of objects.*`add_label`"):
        room(scribbles=Labels(cells))
    assert set(np.unique(cells)) == {0, 1, 17}

    strokes = np.where(cells == 17, 0, cells)
    there = room(scribbles=Labels(strokes))
    assert prompts_of(there, PlaneKey((2,), (1, 2))).strokes


def test_one_layer_cannot_be_target_and_scribbles(room: Rooms) -> None:
    both = Labels(np.zeros(make_stack().shape, np.uint16), name="both")
    with pytest.raises(LayerError, match="'both' cannot be both"):
        room(target=both, scribbles=both)


@pytest.mark.parametrize("region", [(-20, 0, -5, 10), (0, -9, 5, -1), (90, 0, 95, 5)])
def test_a_region_beside_the_plane_has_no_pixels(
    region: tuple[int, int, int, int], room: Rooms
) -> None:
    there = room()
    there.session.add_click((2, 10, 10))
    assert there.session.mask(region).size == 0


def test_a_plane_that_cannot_be_read_spoils_no_other(room: Rooms) -> None:
    def read(block_info: Any = None) -> np.ndarray:
        z = block_info[None]["chunk-location"][0]
        if z == 3:
            raise OSError("bad chunk")
        return make_stack()[z : z + 1]

    data = da.map_blocks(read, chunks=((1,) * 5, 40, 50), dtype=np.uint16)
    there = room(image=Image(data, contrast_limits=(0, 1000)))
    there.show(0, 2)
    there.session.add_click((2, 10, 10))
    there.wait()
    assert there.session.mask().any()
    there.session.add_click((3, 10, 10))
    with pytest.raises(ImageError, match="bad chunk"):
        there.wait()
