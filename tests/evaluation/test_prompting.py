"""First prompts on a whole plane lie where the object is."""

from __future__ import annotations

import numpy as np
import pytest
from scripted_models import squares

from napari_segnext.core.prompt_map import check_prompts
from napari_segnext.errors import PromptError
from napari_segnext.evaluation import prompting
from napari_segnext.evaluation.metrics import iou
from napari_segnext.evaluation.prompting import KINDS, draw_first_prompt

LABELS = squares().astype(np.int32)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("label", [3, 7, 8])
def test_every_kind_is_one_prompt_on_the_object(kind, label):
    truth = LABELS == label
    rows, cols = np.nonzero(truth)
    for seed in range(10):
        prompts = draw_first_prompt(kind, truth, LABELS, np.random.default_rng(seed))
        check_prompts(prompts, truth.shape)
        assert len(prompts) == 1
        assert prompts.has_positive
        prompt = prompts.mask if kind == "mask" else next(iter(prompts))
        row0, col0, row1, col1 = prompt.bounds
        # a shaky hand, but not another object
        assert abs((row0 + row1) / 2 - rows.mean()) < 8
        assert abs((col0 + col1) / 2 - cols.mean()) < 8


def test_strokes_and_clicks_lie_inside_the_object():
    truth = LABELS == 7
    for seed in range(20):
        rng = np.random.default_rng(seed)
        (click,) = draw_first_prompt("click", truth, LABELS, rng).clicks
        assert truth[int(click.row), int(click.col)]
        for stroke in draw_first_prompt("scribble", truth, LABELS, rng).strokes:
            assert stroke.shape == truth.shape
            row0, col0, row1, col1 = stroke.region
            assert (truth[row0:row1, col0:col1] | ~stroke.crop).all()


def test_rough_masks_are_near_the_truth_but_not_the_truth():
    truth = LABELS == 7
    values = [
        iou(
            truth,
            draw_first_prompt(
                "mask", truth, LABELS, np.random.default_rng(seed)
            ).mask.array,
        )
        for seed in range(20)
    ]
    assert 0.4 < np.mean(values) < 0.95


def test_an_object_at_the_border_keeps_its_prompts_on_the_plane():
    truth = np.zeros((50, 40), bool)
    truth[40:, :12] = True
    for kind in KINDS:
        for seed in range(5):
            rng = np.random.default_rng(seed)
            prompts = draw_first_prompt(kind, truth, truth.astype(np.int32), rng)
            check_prompts(prompts, truth.shape)


def test_the_same_state_draws_the_same_prompt():
    truth = LABELS == 7
    for kind in KINDS:
        one, other, third = (
            draw_first_prompt(kind, truth, LABELS, np.random.default_rng(seed))
            for seed in (4, 4, 5)
        )
        assert one == other
        assert one != third


def test_an_object_without_an_area_cannot_be_outlined(monkeypatch):
    def fail(_truth, _rng):
        raise PromptError("no area")

    monkeypatch.setitem(prompting._SAMPLERS, "polygon", fail)
    truth = LABELS == 7
    with pytest.raises(PromptError, match=r"225 px is too small for a polygon"):
        draw_first_prompt("polygon", truth, LABELS, np.random.default_rng(0))
