"""The public API against the reference implementation, from file to probability."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from golden_cases import golden, save_official
from torch.nn import functional as F

import napari_segnext as ns

CASES = ("tiny64_sax1", "tiny_sax2")


@pytest.fixture(params=CASES)
def case(request):
    return golden(request.param)


@pytest.fixture
def predictor(case, tmp_path):
    model = ns.load_model(save_official(tmp_path / "tiny.pth", case))
    return ns.Predictor(model, device="cpu")


def clicks_of(case, count: int) -> ns.Prompts:
    rows = case["clicks"][:count].tolist()
    return ns.Prompts(clicks=[ns.Click(r, c, positive=bool(p)) for p, r, c in rows])


def test_probabilities_after_each_click_are_those_of_the_reference(case, predictor):
    features = predictor.encode(case["image"])
    previous = None
    for count in range(1, len(case["clicks"]) + 1):
        previous = predictor.predict(features, clicks_of(case, count), previous)
        expected = case[f"prob{count - 1}"]
        every = int(case["sub"])
        found = previous.probability[::every, ::every]
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() < 1e-4
        assert np.array_equal(previous.mask, previous.probability > 0.49)


def test_an_evaluation_is_the_loop_of_the_reference(case, predictor):
    rng = np.random.default_rng(5)
    height, width = case["image"].shape[:2]
    labels = np.zeros((height, width), np.int32)
    labels[10:60, 20:70] = 4
    labels[40:80, 50:95] = 9
    labels[rng.random((height, width)) < 0.02] = -1
    report = ns.evaluate(
        predictor, [(case["image"], labels)], 4, target_iou=0.9, progress=False
    )
    expected = [
        reference_loop(predictor.model, case["image"], labels, label)
        for label in (4, 9)
    ]
    assert len(report.ious) == 2
    for found, curve in zip(report.ious, expected, strict=True):
        assert found.dtype == np.float32
        assert found == pytest.approx(curve, abs=1e-6)


def reference_loop(model, image, labels, label) -> list[float]:
    """The paper's protocol with the bare network, written down independently."""
    truth = np.where(labels < 0, -1, labels == label)
    size, shape = model.size, truth.shape
    mean, std = (torch.tensor(x).view(3, 1, 1) for x in (model.mean, model.std))
    rgb = torch.from_numpy(image).permute(2, 0, 1)[None] / 255
    squashed = F.interpolate((rgb - mean) / std, (size, size), mode="bilinear")
    features = model.network.encode(squashed)
    previous = torch.zeros(1, 1, *shape)
    mask = np.zeros(shape, bool)
    clicks: list[ns.Click] = []
    curve = []
    for _ in range(4):
        clicks.append(ns.next_click(truth, mask, clicks))
        maps = torch.zeros(1, 3, size, size)
        maps[:, :1] = F.interpolate(previous, (size, size), mode="bilinear")
        for click in clicks:
            row = int(click.row * (size / shape[0]) + 0.5)
            col = int(click.col * (size / shape[1]) + 0.5)
            rows, cols = np.mgrid[:size, :size]
            disk = (rows - row) ** 2 + (cols - col) ** 2 <= 25
            maps[0, 1 if click.positive else 2][torch.from_numpy(disk)] = 1
        logits = model.network.decode(features, maps)
        previous = F.interpolate(logits, shape, mode="bilinear").sigmoid()
        mask = previous[0, 0].numpy() > 0.49
        counted = truth >= 0
        both = (mask & (truth == 1) & counted).sum()
        either = ((mask | (truth == 1)) & counted).sum()
        curve.append(both / either)
        if curve[-1] >= 0.9:
            break
    return curve
