from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_segnext.core.features import Features
from napari_segnext.core.motion import moved
from napari_segnext.core.patches import Patch, overlap


def textured(shape, seed=0):
    """An image with structures of a few pixels, from 0 to 1."""
    noise = np.random.default_rng(seed).random(shape)
    image = ndimage.gaussian_filter(noise, 2)
    return (image - image.min()) / np.ptp(image)


def plane(image):
    return Features(image.astype(np.float32), ((0.0, 1.0),), "none")


@pytest.mark.parametrize("shift", [(0, 0), (2, 0), (-1, 3)])
def test_a_mask_goes_where_the_image_goes(shift):
    image = textured((90, 90))
    y, x = np.indices(image.shape)
    mask = (y - 45) ** 2 + (x - 42) ** 2 <= 15**2

    region, probability = moved(
        Patch.of(mask), plane(image), plane(np.roll(image, shift, (0, 1)))
    )

    found = Patch.of(probability > 0.5, region[:2])
    assert overlap(found, Patch.of(np.roll(mask, shift, (0, 1)))) > 0.93


def test_a_brighter_slice_alone_moves_nothing():
    image = textured((80, 80)) * 0.6
    mask = np.zeros(image.shape, bool)
    mask[25:55, 30:50] = True

    region, probability = moved(Patch.of(mask), plane(image), plane(image + 0.05))

    assert overlap(Patch.of(probability > 0.5, region[:2]), Patch.of(mask)) > 0.9


def test_a_hole_and_two_parts_survive():
    image = textured((90, 90))
    mask = np.zeros(image.shape, bool)
    mask[20:50, 20:50] = True
    mask[30:40, 30:40] = False
    mask[60:75, 60:75] = True

    region, probability = moved(Patch.of(mask), plane(image), plane(image))

    found = Patch.of(probability > 0.5, region[:2]).plane(mask.shape)
    assert ndimage.label(found)[1] == 2
    assert not found[33:37, 33:37].any()


def test_a_large_object_is_seen_reduced_and_a_tiny_plane_not_at_all():
    image = textured((700, 640))
    mask = np.zeros(image.shape, bool)
    mask[51:640, 40:601] = True
    region, probability = moved(Patch.of(mask), plane(image), plane(image))
    assert probability.shape == (region[2] - region[0], region[3] - region[1])
    assert overlap(Patch.of(probability > 0.5, region[:2]), Patch.of(mask)) > 0.97

    tiny = np.zeros((9, 9), bool)
    tiny[3:6, 3:7] = True
    pair = plane(textured((9, 9))), plane(textured((9, 9), 1))
    region, probability = moved(Patch.of(tiny), *pair)
    np.testing.assert_array_equal(probability > 0.5, tiny)
