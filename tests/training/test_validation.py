"""Validation asks the same of every network, and the figures mean what they say."""

import numpy as np
import pytest
import torch
from made import TINY, discs

from napari_segnext.core.lite import SegNextLite
from napari_segnext.core.prompt_map import PromptStyle
from napari_segnext.training.batches import Recipe
from napari_segnext.training.data import Annotated
from napari_segnext.training.validation import FIGURES, Validation

RECIPE = Recipe(1, 1, 64, PromptStyle(3, area_value=0.5), (0.5,) * 3, (0.5,) * 3, 7)


def bright_discs(positions=1):
    """Planes with bright discs on black: the image itself is the answer."""
    found = []
    for shift in range(positions):
        labels = np.roll(discs((128, 128)), 4 * shift, axis=1).astype(np.int32)
        labels[labels > 1] = 0
        image = np.repeat(np.where(labels > 0, 255, 0)[..., None], 3, axis=2)
        found.append(Annotated(image.astype(np.uint8), labels))
    return found


class Answering:
    """A network that answers by a rule, and counts the positive clicks it saw."""

    def __init__(self, rule):
        self.rule = rule

    def eval(self):
        return self

    def encode(self, images):
        return (images,)

    def decode(self, features, maps):
        return self.rule(features[0], maps)


def bright(images, maps):
    return images[:, :1] * 20


def nothing(images, maps):
    return torch.full_like(maps[:, :1], -20)


def what_the_mask_shows(images, maps):
    return maps[:, :1] * 40 - 20


def the_object_after_two_clicks(images, maps):
    clicked = maps[:, 1].flatten(1).sum(1) > 29  # one disk has 29 pixels
    return torch.where(clicked[:, None, None, None], images[:, :1] * 20, -20.0)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (bright, dict.fromkeys(FIGURES, (0.9, 1))),
        (nothing, dict.fromkeys(FIGURES, (0, 0))),
        (what_the_mask_shows, {"click5": (0, 0), "box": (0, 0), "mask": (0.5, 0.99)}),
        (the_object_after_two_clicks, {"click1": (0, 0), "mask": (0, 0)}),
    ],
)
def test_each_figure_is_of_its_own_prompts(rule, expected):
    validation = Validation({"a": bright_discs(4)}, RECIPE)
    scores = validation.score(Answering(rule), "cpu")
    for name, (least, most) in expected.items():
        assert least <= scores[name] <= most, name
    mean = np.mean([scores[name] for name in FIGURES])
    assert scores["score"] == pytest.approx(mean)
    assert scores["score a"] == pytest.approx(mean)


def test_clicks_follow_the_answers():
    validation = Validation({"a": bright_discs(2)}, RECIPE)
    scores = validation.score(Answering(the_object_after_two_clicks), "cpu")
    # nothing is found after one click, so that the second lies on the object again
    assert scores["click1"] == 0
    assert scores["click3"] > 0.8


def test_sets_count_alike_whatever_their_size():
    dark = [Annotated(255 - plane.image, plane.labels) for plane in bright_discs(1)]
    validation = Validation({"large": bright_discs(9), "small": dark}, RECIPE)
    assert validation.objects == {"large": 9, "small": 1}
    scores = validation.score(Answering(bright), "cpu")
    mean = (scores["score large"] + scores["score small"]) / 2
    assert scores["score large"] - scores["score small"] > 0.5
    assert scores["score"] == pytest.approx(mean)


def test_the_same_seed_asks_the_same_and_touches_no_other_randomness():
    torch.manual_seed(0)
    network = SegNextLite(TINY)
    state = torch.get_rng_state()
    planes = [
        Annotated(plane.image, discs((128, 128)).astype(np.int32))
        for plane in bright_discs(1)
    ]
    one, same = (Validation({"a": planes}, RECIPE) for _ in range(2))
    assert one.digest == same.digest
    assert one.score(network, "cpu") == same.score(network, "cpu")
    assert one.digest != Validation({"b": planes}, RECIPE).digest
    assert one.digest != Validation({"a": bright_discs(1)}, RECIPE).digest
    assert torch.equal(torch.get_rng_state(), state)


def test_many_objects_are_sampled_from_all_planes():
    labels = np.kron(np.arange(1, 101).reshape(10, 10), np.ones((12, 12), int))
    crowded = Annotated(np.zeros((120, 120, 3), np.uint8), labels.astype(np.int32))
    validation = Validation({"a": [crowded, *bright_discs(3)]}, RECIPE)
    assert validation.objects == {"a": 32}
    bare = Validation({"a": bright_discs(3)}, RECIPE)
    images = {probe.image.numpy().tobytes() for probe in validation._probes["a"]}
    assert len(bare.objects) == 1
    assert len(images) > 10
