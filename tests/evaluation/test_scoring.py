"""One object, played through by hand."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from scripted_models import Answer, Painter, image_of, squares

from napari_segnext.errors import SegNextError
from napari_segnext.evaluation.items import Plane
from napari_segnext.evaluation.scoring import (
    StopRule,
    click_curve,
    object_crop,
    score_object,
    score_transfer,
    truth_of,
)

LABELS = squares().astype(np.int32)
HERE = Painter().encode(image_of(LABELS))


def scripted(ious):
    """Answers of a given IoU on an object of 100 px in a row, one after the other."""
    truth = np.zeros((1, 200), np.int8)
    truth[0, :100] = 1
    remaining = iter(ious)

    def answer(_prompts, _previous):
        mask = np.zeros(truth.shape, bool)
        mask[0, : round(100 * next(remaining))] = True
        return Answer(mask)

    return answer, truth


@pytest.mark.parametrize(
    ("ious", "clicks"),
    [
        ([0.5, 0.96], 2),  # good enough
        ([0.95], 1),  # exactly the target
        ([0.91, *[0.8] * 30], 10),  # has reached 0.9: nothing to learn any more
        ([*[0.5] * 11, 0.9, *[0.5] * 30], 12),
        ([0.5] * 30, 20),
    ],
)
def test_an_object_is_left_alone_as_the_rule_says(ious, clicks):
    curve, boundary = click_curve(*scripted(ious), StopRule())
    assert curve == ious[:clicks]
    assert len(boundary) == clicks


def test_few_clicks_are_never_cut_by_the_rule_for_many():
    curve, _ = click_curve(*scripted([0.92] * 30), StopRule(max_clicks=4))
    assert len(curve) == 4


@pytest.mark.parametrize(
    ("rule", "known"),
    [
        (StopRule(), {0.8: True, 0.9: True, 0.95: False}),
        (StopRule(target_iou=0.85), {0.8: True, 0.85: True, 0.9: False}),
        (StopRule(max_clicks=10, target_iou=1), {0.9: True, 0.95: True}),
    ],
)
def test_the_rule_tells_what_is_known(rule, known):
    assert {threshold: rule.knows(threshold) for threshold in known} == known


@pytest.mark.parametrize(
    "arguments", [{"max_clicks": 0}, {"target_iou": 0}, {"target_iou": 1.1}]
)
def test_rules_that_make_no_sense_are_refused(arguments):
    with pytest.raises(SegNextError, match="use"):
        StopRule(**arguments)


@pytest.mark.parametrize(
    ("rows", "cols", "crop"),
    [
        ((100, 110), (100, 150), (slice(55, 155), slice(75, 175))),
        ((100, 110), (100, 110), (slice(73, 137), slice(73, 137))),  # 64 px at least
        ((0, 50), (190, 200), (slice(0, 100), slice(100, 200))),  # pushed inside
        ((0, 190), (0, 10), (slice(0, 200), slice(0, 200))),  # no larger than the plane
    ],
)
def test_a_crop_is_twice_the_object_and_inside_the_plane(rows, cols, crop):
    truth = np.zeros((200, 200), np.int8)
    truth[slice(*rows), slice(*cols)] = 1
    assert object_crop(truth) == crop


def test_the_boundary_does_not_depend_on_the_size_of_the_plane():
    found = []
    for size in (70, 700):
        truth = np.zeros((size, size), np.int8)
        truth[10:40, 10:40] = 1
        answer = partial(Painter().predict, Painter().encode(truth))
        found.append(click_curve(answer, truth, StopRule(max_clicks=3)))
    assert found[0] == found[1]
    # one square of 11 px, all of it inside: its band of 2 px is not the object's
    assert found[0][1][0] == 0


def test_unknown_pixels_do_not_count():
    labels = LABELS.copy()
    labels[20:35, 46:55] = -1
    assert np.unique(truth_of(labels, 7)).tolist() == [-1, 0, 1]
    truth = truth_of(labels, 7)
    answer = partial(Painter().predict, Painter().encode(truth))
    (first,), _ = click_curve(answer, truth, StopRule(max_clicks=1))
    # known of it are 15 x 6 px; the click at (22, 42) paints 11 x 11 px, of which
    # 8 x 2 are unknown and 8 x 6 right
    assert first == 48 / (90 + 121 - 16 - 48)


def test_every_kind_of_first_prompt_is_scored():
    scores = score_object(
        Painter(), HERE, LABELS, 3, StopRule(), view="plane", key=(0, "a")
    )
    assert scores.ious == (1.0,)  # the click in the middle paints the very square
    assert scores.boundary_ious == (1.0,)
    assert scores.area_px == 121
    assert set(scores.prompt_ious) == {"click", "box", "polygon", "scribble", "mask"}
    assert scores.prompt_ious["click"] == 1.0
    assert scores.prompt_ious["box"] > 0.7
    # this predictor gives the rough mask back as it is
    assert scores.prompt_ious["mask"] == scores.rough_iou < 1


def test_prompts_depend_on_seed_and_name_alone():
    found = [
        score_object(
            Painter(), HERE, LABELS, 7, StopRule(), view="plane", key=key
        ).prompt_ious
        for key in ((0, "a"), (0, "a"), (1, "a"), (0, "b"))
    ]
    assert found[0] == found[1]
    assert found[0] != found[2]
    assert found[0] != found[3]


def test_transfer_gives_the_mask_of_the_slice_before():
    labels = squares(3).astype(np.int32)
    before = Plane(image_of(labels), labels)
    plane = Plane(image_of(LABELS), LABELS, before=before)
    seen = Painter().encode(before.image), HERE
    scores = score_transfer(Painter(), seen, plane, 3)
    copied = 11 * 8 / (11 * 14)
    assert scores.copied_iou == pytest.approx(copied)
    assert scores.iou == pytest.approx(copied)  # this predictor copies, too
    assert scores.carried_iou > copied + 0.1  # the images say where it went
    assert scores.area_px == 121
