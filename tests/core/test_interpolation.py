from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from volumes_known import ball, tube

from napari_segnext.core.interpolation import interpolate, signed_distance
from napari_segnext.core.patches import EMPTY, Patch, overlap
from napari_segnext.core.regions import joined_region
from napari_segnext.errors import PromptError

masks = st.integers(0, 2**32 - 1).map(
    lambda seed: np.random.default_rng(seed).random((9, 11)) > 0.7
)


def test_a_disk_between_two_disks_has_the_radius_between_theirs():
    small = (np.indices((41, 41)) - 20) ** 2
    keys = {0: small.sum(0) <= 36, 4: small.sum(0) <= 196}

    found = interpolate(keys, range(5), by_size=False)

    assert sorted(found) == [1, 2, 3]
    for index, radius in ((1, 8), (2, 10), (3, 12)):
        disk = small.sum(0) <= radius**2
        assert (found[index] & disk).sum() / (found[index] | disk).sum() > 0.9


def test_by_size_a_ball_is_blunter_than_a_cone():
    truth = ball((21, 41, 41), (10, 20, 20), 9.5)
    keys = {index: truth[index] for index in (2, 10, 18)}

    found, cone = (
        interpolate(keys, range(21)),
        interpolate(keys, range(21), by_size=False),
    )

    def wrong(masks):
        return sum(int((mask ^ truth[index]).sum()) for index, mask in masks.items())

    assert wrong(found) < wrong(cone) / 2


def test_nothing_is_made_outside_of_keys_on_keys_or_beside_an_empty_one():
    truth = tube((12, 20, 20), lambda z: (10, 10), 4)
    keys = {2: truth[2], 5: truth[5], 8: np.zeros((20, 20), bool), 10: truth[10]}

    assert sorted(interpolate(keys, range(12))) == [3, 4]


def test_a_split_and_a_hole_survive():
    y, x = np.indices((40, 40))
    ring = ((y - 20) ** 2 + (x - 20) ** 2 <= 144) & ((y - 20) ** 2 + (x - 20) ** 2 > 25)
    found = interpolate({0: ring, 3: ring}, range(4))
    np.testing.assert_array_equal(found[1], ring)

    two = (abs(y - 20) < 6) & (abs(abs(x - 20) - 10) < 5)
    found = interpolate({0: two, 3: two}, range(4))
    np.testing.assert_array_equal(found[2], two)


def test_the_border_of_the_plane_is_no_border_of_the_object_that_fills_it():
    full = np.ones((6, 7), bool)
    assert interpolate({0: full, 2: full}, [1])[1].all()


def test_keys_of_different_shapes_are_refused():
    with pytest.raises(PromptError, match="one shape"):
        interpolate({0: np.ones((3, 3)), 2: np.ones((4, 3))}, [1])


@given(masks)
@settings(deadline=None, max_examples=30)
def test_signed_distances_are_positive_inside_alone(mask):
    if mask.any():
        np.testing.assert_array_equal(signed_distance(mask) > 0, mask)


@given(masks, masks)
@settings(deadline=None, max_examples=30)
def test_patches_are_the_masks_they_are_made_of(one, other):
    first, second = Patch.of(one), Patch.of(other)
    np.testing.assert_array_equal(first.plane(one.shape), one)
    union = np.count_nonzero(one | other)
    expected = np.count_nonzero(one & other) / union if union else 1.0
    assert overlap(first, second) == pytest.approx(expected)
    region = joined_region([first.region, second.region], one.shape, margin=1)
    np.testing.assert_array_equal(
        first.on(region), one[region[0] : region[2], region[1] : region[3]]
    )


def test_an_empty_mask_is_the_empty_patch():
    assert Patch.of(np.zeros((4, 5))) is EMPTY
    assert joined_region([EMPTY.region]) == (0, 0, 0, 0)
