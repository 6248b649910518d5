"""Planes of any dtype become RGB from 0 to 1."""

import numpy as np
import pytest

from napari_segnext.core.image import contrast_limits, normalise, plane_limits
from napari_segnext.errors import ImageError

RNG = np.random.default_rng(0)
KINDS = "bool uint8 int8 uint16 int16 uint32 int32 uint64 int64 float16 float32 float64"


@pytest.mark.parametrize("kind", KINDS.split())
@pytest.mark.parametrize("channels", [None, 1, 2, 3, 4])
def test_every_dtype_and_channel_count_becomes_rgb(kind, channels):
    shape = (12, 17) if channels is None else (12, 17, channels)
    plane = (RNG.random(shape) * 120 * (RNG.random(shape) > 0.5)).astype(kind)
    rgb = normalise(plane)
    assert rgb.shape == (12, 17, 3)
    assert rgb.dtype == np.float32
    assert rgb.min() >= 0
    assert 0.5 < rgb[..., 0].max() <= 1 or (kind == "uint8" and channels in (3, 4))


def test_uint8_rgb_is_taken_as_it_is():
    plane = RNG.integers(50, 90, (8, 9, 3), dtype=np.uint8)
    np.testing.assert_array_equal(normalise(plane), plane / np.float32(255))
    with_alpha = np.concatenate([plane, np.zeros((8, 9, 1), np.uint8)], axis=2)
    np.testing.assert_array_equal(normalise(with_alpha), normalise(plane))


def test_grey_is_repeated_and_stretched():
    plane = np.linspace(1000, 5000, 10_000).reshape(100, 100).astype(np.uint16)
    rgb = normalise(plane)
    assert rgb[0, 0, 0] == 0
    assert rgb[-1, -1, 0] == 1
    np.testing.assert_array_equal(rgb[..., 0], rgb[..., 2])


def test_two_channels_are_red_and_green():
    plane = RNG.random((6, 6, 2))
    rgb = normalise(plane)
    assert not rgb[..., 2].any()
    assert rgb[..., :2].any(axis=(0, 1)).all()


def test_wide_integers_keep_small_differences():
    plane = (2**60 + np.arange(100).reshape(10, 10) * 2**20).astype(np.uint64)
    assert len(np.unique(normalise(plane))) > 50


def test_few_hot_pixels_do_not_darken_the_rest():
    plane = RNG.normal(100, 10, (100, 100))
    plane[0, :5] = 1e6
    assert normalise(plane)[1:].std() > 0.1


def test_limits_are_obeyed_and_clip():
    plane = np.array([[0.0, 10.0, 20.0, 40.0]])
    np.testing.assert_allclose(
        normalise(plane, plane_limits(plane, (10, 30)))[0, :, 0], [0, 0, 0.5, 1]
    )


def test_nan_and_infinity_become_the_ends():
    plane = np.array([[0.0, np.nan, np.inf, -np.inf, 2.0]], np.float32)
    np.testing.assert_array_equal(
        normalise(plane, ((0, 4),))[0, :, 0], [0, 0, 1, 0, 0.5]
    )


def test_constant_plane_is_black_and_all_nan_too():
    assert not normalise(np.full((5, 5), 7)).any()
    assert not normalise(np.full((5, 5), np.nan)).any()


@pytest.mark.parametrize("value", [0, 7, -3.5, 1e30, np.nan])
def test_limits_are_always_a_range(value):
    plane = np.full((4, 4), value)
    low, high = contrast_limits(plane)
    assert low < high
    assert not normalise(plane, ((low, high),)).any()


def test_limits_of_a_mostly_dark_plane_are_its_whole_range():
    plane = np.zeros((100, 100))
    plane[0, 0] = 5
    assert contrast_limits(plane) == (0, 5)


BAD = {
    "volume": np.zeros((3, 8, 8)),
    "five channels": np.zeros((8, 8, 5)),
    "one line": np.zeros(8),
    "no pixels": np.zeros((0, 8)),
    "complex": np.zeros((8, 8), complex),
    "text": np.full((8, 8), "a"),
    "objects": np.full((8, 8), None),
}


@pytest.mark.parametrize("plane", BAD.values(), ids=BAD)
def test_what_is_no_plane_is_an_image_error(plane):
    with pytest.raises(ImageError, match=r"[.]$"):
        normalise(plane)


@pytest.mark.parametrize("limits", [(1, 1), (2, 1), (np.nan, 1), (0, np.inf)])
def test_senseless_limits_are_refused(limits):
    with pytest.raises(ImageError, match="no range"):
        plane_limits(np.zeros((4, 4)), limits)
