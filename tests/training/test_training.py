"""Crops, batches, losses and steps: what training is made of."""

from dataclasses import replace

import numpy as np
import torch
from made import TINY, discs
from scipy import ndimage

from napari_segnext.core.lite import SegNextLite
from napari_segnext.core.prompt_map import PromptStyle
from napari_segnext.evaluation.prompting import sample_prompts
from napari_segnext.training.batches import Batches, Recipe
from napari_segnext.training.crops import (
    augment_intensity,
    centred_crop,
    random_crop,
)
from napari_segnext.training.data import Annotated, read_sets
from napari_segnext.training.learner import Learner
from napari_segnext.training.losses import (
    correction_clicks,
    error_depth,
    near_border,
    segmentation_loss,
)

SIZE = 64
STYLE = PromptStyle(3, area_value=0.5)
RECIPE = Recipe(2, 2, SIZE, STYLE, (0.5,) * 3, (0.5,) * 3, seed=5)


def test_crops_show_the_object_they_are_made_around(folder):
    plane = read_sets(folder)["nuclei"][1]
    rng = np.random.default_rng(0)
    shares = []
    for instance in plane.instances() * 10:
        crop = random_crop(plane, instance, SIZE, rng)
        assert crop.image.shape == (SIZE, SIZE, 3)
        assert crop.neighbours is not None
        np.testing.assert_array_equal(np.isnan(crop.image[..., 0]), crop.labels < 0)
        own = crop.labels == instance.label
        shares.append(own.mean())
        if own.sum() > 50:
            others = crop.labels == 0
            if others.any():
                assert np.nanmean(crop.image[own]) > np.nanmean(crop.image[others])
    assert np.mean(np.array(shares) > 0) > 0.9


def test_centred_crops_have_the_object_in_the_middle_at_the_size_asked_for(folder):
    plane = read_sets(folder)["nuclei"][1]
    instance = plane.instances()[1]  # far from the border
    crop = centred_crop(plane, instance, SIZE, 0.4)
    rows, cols = np.nonzero(crop.labels == instance.label)
    assert abs(np.ptp(rows) + 1 - 0.4 * SIZE) <= 2
    assert abs(rows.mean() - (SIZE - 1) / 2) < 1
    assert abs(cols.mean() - (SIZE - 1) / 2) < 1
    assert crop.neighbours is not None
    again = centred_crop(plane, instance, SIZE, 0.4)
    np.testing.assert_array_equal(crop.image, again.image)


def test_augmentation_keeps_the_range_and_the_outside():
    rng = np.random.default_rng(0)
    image = rng.random((SIZE, SIZE, 3)).astype(np.float32)
    image[:5] = np.nan
    for _ in range(30):
        changed = augment_intensity(image, rng)
        assert np.isnan(changed[:5]).all()
        assert 0 <= changed[5:].min() <= changed[5:].max() <= 1


def test_first_prompts_of_every_type_lie_on_the_object():
    labels = discs((100, 100)).astype(np.int32)
    labels[30:40, 20:90] = 4  # long, so that a stroke has somewhere to go
    truth = labels == 4
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(80):
        prompts = sample_prompts(truth, labels, None, rng)
        assert prompts.has_positive
        seen |= {type(prompt).__name__ for prompt in prompts}
        seen |= {"Mask"} if prompts.mask is not None else set()
        for click in prompts.clicks:
            assert truth[int(click.row), int(click.col)] == click.positive
    assert seen >= {"Click", "Box", "Polygon", "Scribble", "Stroke", "Mask"}


def test_batches_are_the_same_for_a_seed_and_go_on_where_a_run_stopped(folder):
    sets = read_sets(folder)
    first = iter(Batches(sets, {}, RECIPE))
    batches = [next(first) for _ in range(3)]
    resumed = next(iter(Batches(sets, {}, RECIPE, first=2)))
    for name, value in batches[2].items():
        torch.testing.assert_close(resumed[name], value)
    assert batches[0]["images"].shape == (2, 3, SIZE, SIZE)
    assert batches[0]["maps"].shape == (4, 3, SIZE, SIZE)
    assert torch.isfinite(batches[0]["images"]).all()


def test_loss_prefers_the_truth():
    truth = torch.zeros(1, 1, SIZE, SIZE)
    truth[..., 20:40, 20:40] = 1
    known = torch.ones_like(truth)
    right = segmentation_loss(20 * truth - 10, truth, known)
    shifted = segmentation_loss(20 * truth.roll(4, 2) - 10, truth, known)
    wrong = segmentation_loss(10 - 20 * truth, truth, known)
    assert right < 0.05
    assert shifted > 10 * right
    assert wrong > 10 * right


def test_the_border_is_three_pixels_wide_on_both_sides_and_the_edge_is_none():
    truth = np.zeros((SIZE, SIZE), bool)
    truth[10:40, :25] = True
    near = ndimage.binary_dilation(truth, np.ones((7, 7)))
    near &= ~ndimage.binary_erosion(truth, np.ones((7, 7)), border_value=1)
    found = near_border(torch.from_numpy(truth)[None, None].float())
    np.testing.assert_array_equal(found[0, 0], near)


def test_depth_of_an_error_counts_erosions_and_the_edge_is_its_end():
    errors = np.zeros((2, SIZE, SIZE), bool)
    errors[0, 10:23, 30:45] = True
    errors[1, :9] = True
    depth = error_depth(torch.from_numpy(errors)[None].float())
    expected = [
        ndimage.distance_transform_cdt(np.pad(it, 1))[1:-1, 1:-1] for it in errors
    ]
    np.testing.assert_array_equal(depth[0], expected)


def test_correction_click_lands_in_the_larger_error():
    truth = torch.zeros(2, 1, SIZE, SIZE)
    truth[:, :, 10:50, 10:30] = 1
    answers = torch.zeros_like(truth)  # first: everything missing
    answers[1] = truth[1]
    answers[1, :, 10:50, 30:60] = 1  # second: too much
    maps = correction_clicks(
        torch.zeros(2, 3, SIZE, SIZE),
        answers,
        truth,
        torch.ones_like(truth),
        3,
        torch.Generator().manual_seed(0),
    )
    centre = maps[0, 1].nonzero().float().mean(0).round().long()
    assert truth[0, 0, centre[0], centre[1]] == 1
    assert not maps[0, 2].any()
    centre = maps[1, 2].nonzero().float().mean(0).round().long()
    assert centre[1] >= 30
    assert not maps[1, 1].any()


def test_rendered_planes_come_into_batches_by_their_share_and_by_number(folder):
    calls = []

    def rendered(rng):
        calls.append(1)
        labels = np.roll(discs(), rng.integers(-5, 6), axis=1).astype(np.int32)
        image = rng.integers(0, 256, (*labels.shape, 3)).astype(np.uint8)
        return Annotated(image, labels)

    sets = {**read_sets(folder), "rendered": rendered}
    made = iter(Batches(sets, {"rendered": 2.0}, RECIPE))
    batches = [next(made) for _ in range(8)]  # 16 crops, half of them rendered
    assert 3 <= len(calls) <= 13
    again = next(iter(Batches(sets, {"rendered": 2.0}, RECIPE, first=7)))
    for name, value in batches[7].items():
        assert torch.equal(again[name], value)


def test_steps_lower_the_loss(folder):
    torch.manual_seed(0)
    learner = Learner(SegNextLite(replace(TINY, width4=16, width8=16)), seed=1)
    cells = {"cells": read_sets(folder)["cells"]}
    batch = next(iter(Batches(cells, {}, RECIPE)))
    losses = [learner.learn(batch, 1e-2) for _ in range(45)]
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])


def test_a_step_without_a_finite_loss_changes_nothing(folder):
    learner = Learner(SegNextLite(TINY), seed=1)
    batch = next(iter(Batches(read_sets(folder), {}, RECIPE)))
    batch["images"][:] = np.nan
    before = learner.averaged_state()
    assert np.isnan(learner.learn(batch, 1e-2))
    for name, value in learner.averaged_state().items():
        assert torch.equal(value, before[name])
