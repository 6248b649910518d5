from __future__ import annotations

import numpy as np
import pytest

from napari_segnext.core.prediction import Prediction
from napari_segnext.errors import SegNextError
from napari_segnext.evaluation.volume_objects import (
    TrueObject,
    overlap_3d,
    pick_objects,
    track_one_profile,
)
from napari_segnext.evaluation.volumes import Player, slice_by_slice


class _Model:
    digest = "bright"
    threshold = 0.5


class Bright:
    """Answers each prompt with what is bright, less a rim that clicks give back."""

    model = _Model()

    def __init__(self, rim=False):
        self.rim = rim
        self.asked = 0

    def predict_many(self, features, prompts, previous=None, *, should_stop=None):
        return [self.predict(features, one) for one in prompts]

    def predict(self, features, prompts, previous=None, *, should_stop=None):
        self.asked += 1
        mask = features.plane > 0.5
        if self.rim and len(prompts.clicks) < 2:
            mask[:, 20:] = False
        return Prediction(mask.shape, (0, 0, *mask.shape), mask.astype(np.float32), 0.5)


@pytest.fixture
def labels():
    """A ball of radius 7 at (10, 20, 20)."""
    z, y, x = np.indices((21, 40, 40))
    return ((z - 10) ** 2 + (y - 20) ** 2 + (x - 20) ** 2 <= 7.2**2).astype(np.int32)


def player(labels, rim=False):
    return Player(Bright(rim), labels.astype(np.float32), labels, (0.0, 1.0))


def test_things_are_drawn_from_those_that_are_large_enough(labels):
    labels[0, 0, 0] = 2
    labels[5:8, 30:33, 30:33] = 3

    true_objects = pick_objects(labels, min_voxels=20, min_slices=3)

    assert [
        (true_object.label, true_object.middle) for true_object in true_objects
    ] == [(1, 10), (3, 6)]
    one = pick_objects(labels, min_voxels=20, min_slices=3, count=1, seed=4)
    assert one == pick_objects(labels, min_voxels=20, min_slices=3, count=1, seed=4)
    assert one[0] in true_objects


def test_overlap_counts_voxels():
    one, other = np.zeros((2, 3, 3), bool), np.zeros((2, 3, 3), bool)
    assert overlap_3d(one, other) == 1
    one[0], other[:, 0] = True, True
    assert overlap_3d(one, other) == pytest.approx(3 / 12)


def test_one_profile_is_followed_through_a_branch():
    truth = np.zeros((5, 20, 40), bool)
    truth[:, 5:15, 5:15] = True
    truth[3:, 5:9, 30:35] = True  # the smaller branch
    truth[3, :, 33:] = False

    kept = track_one_profile(truth, 1)

    np.testing.assert_array_equal(kept[:, :, :20], truth[:, :, :20])
    assert not kept[:, :, 20:].any()


def test_a_perfect_model_needs_one_click(labels):
    true_object = TrueObject(1, tuple(range(3, 18)), int(labels.sum()))
    robot = player(labels)

    result = robot.propagate_from(
        true_object, robot.first_mask(true_object, true_object.middle)
    )

    assert result.key_iou == 1
    assert result.iou > 0.9
    assert all(abs(off) <= 2 for off in result.ends_off)
    assert len(result.scores) == len(result.ious) >= 12
    state = robot.correct(true_object, 0.9, 10)
    assert len(state.curve) == 1
    assert sorted(state.keys) == [10]


def test_the_robot_clicks_where_most_is_wrong_and_stops_at_its_limit(labels):
    true_object = TrueObject(1, tuple(range(3, 18)), int(labels.sum()))

    state = player(labels, rim=True).correct(true_object, 0.99, 4)

    assert len(state.curve) == len(state.slice_ious) == 4
    assert len(state.prompts[10].clicks) == 2  # the middle was the worst, twice
    assert state.curve[-1] > state.curve[0]
    for index, mask in state.keys.items():
        np.testing.assert_array_equal(state.volume[index], mask)
        assert index not in state.scores


def test_the_end_is_told_once_where_the_object_is_not(labels):
    bright = labels.copy()
    bright[16:] = labels[14]  # looks like the object, and is not
    labels[16:] = 0
    true_object = TrueObject(1, tuple(range(3, 16)), int(labels.sum()))
    robot = Player(Bright(), bright.astype(np.float32), labels, (0.0, 1.0))

    state = robot.correct(true_object, 0.97, 6)

    assert not state.keys[16].any()
    assert not state.volume[16:].any()


def test_slice_by_slice_every_slice_gets_a_click_and_bad_ones_more(labels):
    true_object = TrueObject(1, tuple(range(3, 18)), int(labels.sum()))

    assert slice_by_slice(player(labels), true_object, 0.9) == pytest.approx(
        [n / 15 for n in range(1, 16)]
    )
    curve = slice_by_slice(player(labels, rim=True), true_object, 1.0)
    assert len(curve) == 30
    assert curve[-1] == 1


def test_slices_between_keys_are_filled_in_four_ways(labels):
    true_object = TrueObject(1, tuple(range(3, 18)), int(labels.sum()))

    found = player(labels).between_keys(true_object, every=7)

    assert {len(ious) for ious in found.values()} == {12}
    means = {name: np.mean(ious) for name, ious in found.items()}
    assert means["plain"] < means["interpolated"] < means["snapped"] == 1
    assert means["propagated"] > 0.9


def test_labels_of_another_shape_are_refused(labels):
    with pytest.raises(SegNextError, match="one shape"):
        Player(Bright(), np.zeros((3, 4, 4)), labels)
