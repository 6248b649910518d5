"""Propagation on volumes with known truth: shapes, images, the embedded model."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from volumes_known import Seer, Volume, ball, tube, written

from napari_segnext.core.carrying import mined_prompts
from napari_segnext.core.ending import EndRule
from napari_segnext.core.features import Features
from napari_segnext.core.models import load_model
from napari_segnext.core.patches import Patch
from napari_segnext.core.predictor import Predictor
from napari_segnext.core.propagation import propagate, snap
from napari_segnext.errors import PromptError, SegNextError

SHAPE = (24, 64, 64)


class Images:
    """Slices of a noisy image of a truth, brighter than their surroundings."""

    def __init__(self, truth, digest, noise=0.05, level=0.5):
        rng = np.random.default_rng(5)
        smooth = ndimage.gaussian_filter(truth.astype(float), (0, 0.7, 0.7))
        self.stack = (0.2 + level * smooth + rng.normal(0, noise, truth.shape)).astype(
            np.float32
        )
        self.digest = digest
        self.features = {}
        self.asked = []

    def __call__(self, index, near):
        self.asked.append(index)
        if index not in self.features:
            self.features[index] = Features(
                self.stack[index], ((0.0, 1.0),), self.digest
            )
        return self.features[index]


@pytest.fixture(scope="module")
def model():
    return Predictor(load_model("segnext-lite"), device="cpu")


def iou(one, other):
    return (one & other).sum() / (one | other).sum()


def found_by(predictor, features, truth, keyed, **options):
    keys = {1: {index: truth[index] for index in keyed}}
    steps = list(propagate(predictor, features, keys, range(len(truth)), **options))
    volume = written(steps, truth.shape)
    for index in keyed:
        volume[index] = truth[index]
    return volume, steps


def two_branches(shape):
    """One tube that splits into two in the middle."""
    stem = tube(shape, lambda z: (32, 32), 7)
    for index in range(shape[0] // 2, shape[0]):
        apart = 5 + (index - shape[0] // 2)
        left = tube(shape, lambda _, col=32 - apart: (32, col), 6)[0]
        right = tube(shape, lambda _, col=32 + apart: (32, col), 6)[0]
        stem[index] = left | right
    return stem


def test_an_object_that_splits_goes_on_in_both_profiles():
    truth = two_branches(SHAPE)
    found, _ = found_by(Seer(), Volume(truth), truth, [4])
    assert iou(found, truth) == 1
    assert ndimage.label(found[-1])[1] == 2


def test_a_split_survives_with_the_embedded_model(model):
    truth = two_branches(SHAPE)
    found, _ = found_by(model, Images(truth, model.model.digest), truth, [8])
    assert iou(found, truth) > 0.8
    assert ndimage.label(found[20])[1] == 2


def test_a_ball_is_found_by_the_embedded_model_and_ends(model):
    truth = ball(SHAPE, (12, 30, 33), 9.4)
    found, steps = found_by(model, Images(truth, model.model.digest), truth, [12])
    assert iou(found, truth) > 0.85
    ends = {e.index for step in steps for e in step.endings.values()}
    assert len(ends) == 2
    assert max(abs(min(ends) - 2), abs(max(ends) - 22)) <= 2


def test_slices_far_apart_are_the_same_object_seen_less_often(model):
    truth = ball(SHAPE, (12, 30, 33), 18.4, spacing=2.5)
    images = Images(truth, model.model.digest)
    found, _ = found_by(model, images, truth, [12], spacing=2.5)
    assert iou(found, truth) > 0.8


@pytest.mark.parametrize("radius", [5, 8])
def test_a_hole_survives(model, radius):
    hole = tube(SHAPE, lambda z: (32, 32), radius)
    truth = tube(SHAPE, lambda z: (32, 32), 16) & ~hole
    found, _ = found_by(model, Images(truth, model.model.digest), truth, [6])
    assert iou(found, truth) > 0.95
    assert not found[:, 30:35, 30:35].any()


def test_a_hole_is_a_negative_click_and_a_nick_of_a_few_pixels_is_none():
    ring = tube((1, 64, 64), lambda z: (32, 30), 16)[0]
    ring &= ~tube((1, 64, 64), lambda z: (30, 28), 5)[0]
    ring[40:42, 40:42] = False
    prompts = mined_prompts(Patch.of(ring), ring.shape)
    assert all(ring[int(c.row), int(c.col)] for c in prompts.clicks if c.positive)
    assert [(c.row, c.col) for c in prompts.clicks if not c.positive] == [(30, 28)]


def test_objects_that_touch_do_not_share_pixels(model):
    left = tube(SHAPE, lambda z: (32, 22), 9)
    right = tube(SHAPE, lambda z: (32, 41), 9) & ~left
    images = Images(left | right, model.model.digest)
    keys = {"left": {10: left[10]}, "right": {10: right[10]}}

    steps = list(propagate(model, images, keys, range(4, 17)))

    volumes = {name: written(steps, SHAPE, name) for name in keys}
    assert not (volumes["left"] & volumes["right"]).any()
    assert iou(volumes["left"][4:10], left[4:10]) > 0.8
    assert iou(volumes["right"][11:17], right[11:17]) > 0.8


def test_pixels_keyed_for_another_object_are_not_taken():
    truth = tube(SHAPE, lambda z: (32, 32), 8)
    other = np.zeros(SHAPE[1:], bool)
    other[:, 32:] = True
    keys = {1: {5: truth[5]}, 2: {8: other & truth[8]}}

    steps = list(propagate(Seer(), Volume(truth), keys, range(5, 9)))

    assert not written(steps, SHAPE, 1)[8][other].any()
    assert written(steps, SHAPE, 1)[8].any()


def test_between_two_keys_an_object_the_network_loses_is_interpolated():
    truth = tube(SHAPE, lambda z: (32, 32), 8)
    dark = truth.copy()
    dark[10] = False

    found, steps = found_by(Seer(), Volume(dark), truth, [8, 12])

    assert iou(found[10], truth[10]) > 0.9
    between = [step for step in steps if step.index == 10]
    assert not any(step.endings for step in between)
    assert between[-1].answers[1].score == 0


def test_a_gap_said_by_an_empty_key_is_not_bridged():
    truth = tube(SHAPE, lambda z: (32, 32), 8)
    dark = truth.copy()
    dark[9:12] = False
    keys = {1: {6: truth[6], 10: dark[10], 15: truth[15]}}

    steps = list(propagate(Seer(), Volume(dark), keys, range(24)))

    found = written(steps, SHAPE)
    assert not found[9:12].any()
    np.testing.assert_array_equal(found[12:15], truth[12:15])


def test_only_slices_that_are_asked_for_are_read_each_few_times(model):
    truth = tube((60, 64, 64), lambda z: (32, 32), 8)
    images = Images(truth, model.model.digest)

    steps = list(propagate(model, images, {1: {30: truth[30]}}, range(27, 34)))

    assert {step.index for step in steps} == {27, 28, 29, 31, 32, 33}
    assert set(images.asked) == set(range(27, 34))
    assert max(images.asked.count(index) for index in set(images.asked)) <= 2


@pytest.mark.parametrize("make", [propagate, snap])
def test_a_stack_of_one_slice_has_nothing_to_do(make):
    mask = ball((1, 20, 20), (0, 10, 10), 5)
    assert list(make(Seer(), Volume(mask), {1: {0: mask[0]}}, range(1))) == []


@pytest.mark.parametrize("make", [propagate, snap])
@pytest.mark.parametrize("spacing", [0, -1.0, float("nan"), float("inf")])
def test_a_spacing_that_makes_no_sense_is_refused_at_once(make, spacing):
    mask = np.ones((4, 4), bool)
    with pytest.raises(SegNextError, match="spacing"):
        make(Seer(), Volume(mask[None]), {1: {0: mask}}, [0], spacing=spacing)


def test_masks_of_another_shape_than_the_slices_are_refused():
    truth = ball((5, 20, 20), (2, 10, 10), 6)
    steps = propagate(Seer(), Volume(truth), {1: {2: np.ones((9, 9))}}, range(5))
    with pytest.raises(PromptError, match=r"\(9, 9\), but the slice has \(20, 20\)"):
        next(steps)


def test_a_rule_of_ones_own_is_kept():
    truth = ball(SHAPE, (12, 32, 32), 9.4)
    _, steps = found_by(
        Seer(), Volume(truth), truth, [12], rule=EndRule(min_area_px=150)
    )
    endings = [e for step in steps for e in step.endings.values()]
    assert len(endings) == 2
    assert all("below 150 px" in ending.reason for ending in endings)
    areas = [int(step.answers[1].crop.sum()) for step in steps if step.answers]
    assert min(areas) >= 150


def test_scores_fall_with_the_distance_from_the_key(model):
    truth = tube(SHAPE, lambda z: (32, 32), 9)
    _, steps = found_by(model, Images(truth, model.model.digest), truth, [4])
    scores = {step.index: step.answers[1].score for step in steps if step.answers}
    assert all(0 <= score <= 1 for score in scores.values())
    assert scores[5] > scores[20]
