"""Classical tools find what is easy, on one screen of a crop."""

from __future__ import annotations

import numpy as np
import pytest

from napari_segnext.core.prompts import Click, Prompts
from napari_segnext.evaluation import baselines
from napari_segnext.evaluation.baselines import (
    METHODS,
    Scene,
    available_methods,
    make_answer,
)
from napari_segnext.evaluation.metrics import iou
from napari_segnext.evaluation.scoring import StopRule, click_curve

RULE = StopRule(max_clicks=3)


def bright_disc(size=64, radius=14, centre=None):
    rows, cols = np.mgrid[:size, :size]
    row, col = centre or (size // 2, size // 2)
    truth = ((rows - row) ** 2 + (cols - col) ** 2 < radius**2).astype(np.int8)
    noise = np.random.default_rng(0).normal(0, 6, truth.shape)
    grey = (np.where(truth > 0, 180, 40) + noise).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2), truth


@pytest.mark.parametrize("method", available_methods())
def test_every_tool_finds_a_bright_disc_with_one_click(method):
    rgb, truth = bright_disc()
    curve, _ = click_curve(make_answer(method, Scene(rgb, truth)), truth, RULE)
    assert curve[0] > 0.85


@pytest.mark.parametrize("method", available_methods())
def test_every_tool_works_on_reduced_large_crops_and_gives_them_back(method):
    rgb, truth = bright_disc(400, 100)
    scene = Scene(rgb, truth)
    assert max(scene.shape) < 400
    answer = make_answer(method, scene)(Prompts(clicks=[Click(200, 200)]), None)
    assert answer.mask.shape == truth.shape
    assert iou(truth, answer.mask) > 0.85


@pytest.mark.parametrize("method", available_methods())
def test_every_tool_answers_the_same_again(method):
    rgb, truth = bright_disc()
    curves = [
        click_curve(make_answer(method, Scene(rgb, truth)), truth, RULE)
        for _ in range(2)
    ]
    assert curves[0] == curves[1]


@pytest.mark.parametrize("method", ["random walker", "watershed", "flood fill"])
def test_a_negative_click_takes_a_touching_neighbour_away(method):
    _, truth = bright_disc(centre=(32, 20))
    _, other = bright_disc(centre=(32, 47))
    grey = np.where(truth + other > 0, 180, 40).astype(np.uint8)
    grey[:, 33:35] = 110  # a faint border
    scene = Scene(np.repeat(grey[..., None], 3, axis=2), truth)
    answer = make_answer(method, scene)
    first = answer(Prompts(clicks=[Click(32, 20)]), None)
    clicks = [Click(32, 20), Click(32, 47, positive=False)]
    second = answer(Prompts(clicks=clicks), first)
    assert not second.mask[32, 47]
    assert second.mask[32, 20]
    assert iou(truth, second.mask) > 0.7


def test_parts_that_nobody_clicked_are_dropped(monkeypatch):
    rgb, truth = bright_disc()
    everything = np.ones((64, 64), bool)
    everything[:, 40] = False
    monkeypatch.setitem(METHODS, "watershed", lambda *_: everything)
    answer = make_answer("watershed", Scene(rgb, truth))
    mask = answer(Prompts(clicks=[Click(32, 32)]), None).mask
    assert mask[:, :40].all()
    assert not mask[:, 40:].any()


def test_the_rim_is_background_and_clicks_are_where_they_were_made():
    rgb, truth = bright_disc()
    clicks = [Click(32, 32), Click(33, 33, positive=False)]
    seeds = Scene(rgb, truth).seeds(Prompts(clicks=clicks))
    assert (seeds[0] == 2).all()
    assert (seeds[:, -1] == 2).all()
    assert seeds[32, 32] == 1
    assert seeds[33, 33] == 2
    assert seeds[20, 20] == 0


def test_colour_is_seen():
    rgb, truth = bright_disc()
    rgb[..., 0] = 100
    rgb[..., 1] = np.where(truth > 0, 60, 140)
    rgb[..., 2] = np.where(truth > 0, 140, 60)  # as bright as the rest
    scene = Scene(rgb, truth)
    assert scene.image.shape == (64, 64, 3)
    curve, _ = click_curve(make_answer("watershed", scene), truth, RULE)
    assert curve[0] > 0.85


def test_without_opencv_there_is_no_grabcut(monkeypatch):
    monkeypatch.setattr(baselines, "find_spec", lambda _name: None)
    assert available_methods() == ["random walker", "watershed", "flood fill"]
