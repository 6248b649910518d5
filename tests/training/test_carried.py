"""Prompts as propagation carries them: where they come from, how wrong they are."""

from __future__ import annotations

import numpy as np
import pytest

from napari_segnext.evaluation.metrics import iou
from napari_segnext.training.carried import sample_carried_prompts

SIZE = 96


def disc(row: int, col: int, radius: int = 20) -> np.ndarray:
    rows, cols = np.ogrid[:SIZE, :SIZE]
    return (rows - row) ** 2 + (cols - col) ** 2 <= radius**2


@pytest.fixture
def drawn() -> list:
    rng = np.random.default_rng(0)
    truth, neighbour = disc(48, 48), disc(52, 55)
    return [sample_carried_prompts(truth, neighbour, rng) for _ in range(200)]


def test_masks_are_the_neighbours_or_nearer_to_the_truth(drawn) -> None:
    truth, neighbour = disc(48, 48), disc(52, 55)
    masks = [prompts.mask.array > 0 for prompts in drawn]
    copied = [np.array_equal(mask, neighbour) for mask in masks]
    assert 0.5 < np.mean(copied) < 0.7
    others = [
        iou(truth, mask) for mask, same in zip(masks, copied, strict=True) if not same
    ]
    assert np.median(others) > iou(truth, neighbour)
    assert min(others) < 0.9 < max(others)


def test_half_have_clicks_and_those_are_right(drawn) -> None:
    truth = disc(48, 48)
    clicks = [click for prompts in drawn for click in prompts.clicks]
    assert 0.4 < np.mean([bool(prompts.clicks) for prompts in drawn]) < 0.6
    assert all(
        click.positive and truth[int(click.row), int(click.col)] for click in clicks
    )


def test_clicks_lie_where_the_mask_meets_the_object() -> None:
    rng = np.random.default_rng(0)
    truth, neighbour = disc(20, 20, 8), disc(70, 70, 8)
    for _ in range(20):
        prompts = sample_carried_prompts(truth, neighbour, rng)
        assert prompts.mask.array.any()
        for click in prompts.clicks:
            assert truth[int(click.row), int(click.col)]
