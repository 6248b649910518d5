from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from napari.components import ViewerModel
from napari.layers import Image, Points

from napari_segnext.errors import ImageError, PromptError
from napari_segnext.session.planes import (
    Affine,
    PlaneKey,
    displayed_plane,
    is_transposed_view,
    plane_of_points,
    planes_along,
    read_plane,
)

SHAPE = (3, 4, 5, 6)
_angles = st.floats(-180, 180)
_scales = st.floats(0.05, 20)
_shifts = st.floats(-1000, 1000)


@st.composite
def transforms(draw: st.DrawFn, ndim: int) -> dict[str, object]:
    # a scalar turns the last two axes; napari slices no others when they are turned
    return {
        "scale": [draw(_scales) for _ in range(ndim)],
        "translate": [draw(_shifts) for _ in range(ndim)],
        "rotate": draw(_angles),
    }


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_affine_maps_many_points_as_napari_maps_one(data: st.DataObject) -> None:
    ndim = data.draw(st.sampled_from([2, 3]))
    points = np.array(
        data.draw(
            st.lists(st.tuples(*[st.floats(-500, 500)] * ndim), min_size=1, max_size=4)
        )
    )
    layer = Points(np.zeros((1, ndim)), **data.draw(transforms(ndim)))
    to_world = Affine.data_to_world(layer)

    world = to_world(points)

    one_by_one = [layer.data_to_world(point) for point in points]
    np.testing.assert_allclose(world, one_by_one, atol=1e-6, rtol=1e-9)
    np.testing.assert_allclose(to_world.inverse()(world), points, atol=1e-5)


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(transforms(3), transforms(3))
def test_between_two_layers_goes_through_the_world(
    first: dict[str, object], second: dict[str, object]
) -> None:
    source, target = (
        Points(np.zeros((1, 3)), **first),
        Points(np.zeros((1, 3)), **second),
    )
    point = np.array([1.5, -20, 300])

    moved = Affine.between(source, target)(point)[0]

    world = np.array(source.data_to_world(point))
    np.testing.assert_allclose(target.data_to_world(moved), world, rtol=1e-6, atol=1e-4)
    there = Affine.between(source, source)
    np.testing.assert_array_equal(there(point)[0], point)  # exactly


@pytest.mark.parametrize(
    "order", [(0, 1, 2), (1, 0, 2), (2, 0, 1), (1, 2, 0), (0, 2, 1)]
)
def test_the_plane_on_display_follows_sliders_order_and_transform(
    order: tuple[int, int, int],
) -> None:
    viewer = ViewerModel()
    image = Image(np.zeros((5, 6, 7)), scale=(2, 0.5, 0.25), translate=(10, 20, 30))
    viewer.layers.append(image)
    viewer.dims.order = order
    wanted = (4, 1, 3)
    viewer.dims.set_point(range(3), image.data_to_world(wanted))

    plane = displayed_plane(viewer.dims, image)

    axes = tuple(sorted(order[1:]))
    assert plane == PlaneKey((wanted[order[0]],), axes)
    assert is_transposed_view(viewer.dims, image) == (order[1] > order[2])


def test_a_2d_image_in_a_3d_viewer_has_one_plane() -> None:
    viewer = ViewerModel()
    viewer.layers.append(Image(np.zeros((5, 6, 7))))
    flat = Image(np.zeros((6, 7)))
    viewer.layers.append(flat)
    viewer.dims.set_point(0, 3)
    assert displayed_plane(viewer.dims, flat) == PlaneKey((), (0, 1))
    viewer.dims.order = (1, 0, 2)
    assert displayed_plane(viewer.dims, flat) is None


def test_a_slider_beyond_the_image_shows_no_plane() -> None:
    viewer = ViewerModel()
    short = Image(np.zeros((3, 6, 7)))
    viewer.layers.append(Image(np.zeros((9, 6, 7))))
    viewer.layers.append(short)
    viewer.dims.set_point(0, 2)
    assert displayed_plane(viewer.dims, short) == PlaneKey((2,), (1, 2))
    viewer.dims.set_point(0, 5)
    assert displayed_plane(viewer.dims, short) is None


@pytest.mark.parametrize("axes", [(0, 1), (1, 3), (2, 3), (0, 3)])
def test_lift_and_drop_are_inverse_and_slices_cut_the_plane(
    axes: tuple[int, int],
) -> None:
    data = np.arange(np.prod(SHAPE)).reshape(SHAPE)
    plane = next(p for p in planes_along(SHAPE, axes) if min(p.index) >= 1)
    flat = np.array([[1, 2], [0, 1]])

    points = plane.lift(flat)

    np.testing.assert_array_equal(plane.drop(points), flat)
    pixels = read_plane(data, plane)
    assert pixels.shape == plane.shape_in(SHAPE) == (SHAPE[axes[0]], SHAPE[axes[1]])
    for (row, col), point in zip(flat, points.astype(int), strict=True):
        assert pixels[row, col] == data[tuple(point)]
    assert plane_of_points(points, axes) == plane


def test_axes_are_put_in_order_and_senseless_ones_refused() -> None:
    assert PlaneKey((1,), (2, 0)) == PlaneKey((1,), (0, 2))
    with pytest.raises(PromptError):
        PlaneKey((1,), (1, 1))
    with pytest.raises(PromptError):
        PlaneKey((1,), (1, 3))


def test_points_on_two_planes_are_refused() -> None:
    with pytest.raises(PromptError, match="one plane"):
        plane_of_points(np.array([[0.0, 1, 1], [1, 1, 1]]), (1, 2))


def test_a_plane_that_is_not_there_cannot_be_read() -> None:
    with pytest.raises(ImageError):
        read_plane(np.zeros((2, 3, 4)), PlaneKey((2,), (1, 2)))


def test_crossing_planes_know_their_common_pixels() -> None:
    crop = np.ones((3, 6), bool)
    xz = PlaneKey((2,), (0, 2))
    coordinates = xz.coordinates_of((0, 0, 3, 6), crop)
    rows, cols = PlaneKey((1,), (1, 2)).pixels_on(coordinates)
    assert set(rows) == {2}
    np.testing.assert_array_equal(cols, np.arange(6))
