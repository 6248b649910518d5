"""Training reads folders, makes batches as a person prompts, learns and resumes."""

import numpy as np
import pytest
import tifffile
import torch
from skimage.io import imsave

import napari_segnext as ns
from napari_segnext.core.lite import LiteConfig, SegNextLite
from napari_segnext.core.prompt_map import PromptStyle
from napari_segnext.errors import ImageError
from napari_segnext.evaluation.prompting import sample_prompts
from napari_segnext.training.batches import Batches, Recipe
from napari_segnext.training.crops import augment_intensity, random_crop
from napari_segnext.training.data import read_sets
from napari_segnext.training.loop import Plan, Trainer
from napari_segnext.training.losses import correction_clicks, segmentation_loss

SIZE = 64
STYLE = PromptStyle(3, area_value=0.5)
RECIPE = Recipe(2, 2, SIZE, STYLE, (0.5,) * 3, (0.5,) * 3, seed=5)


def discs(shape=(80, 100), radius=11):
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    labels = np.zeros(shape, np.uint16)
    for label, (row, col) in enumerate([(20, 25), (55, 70), (60, 20)], start=1):
        labels[(rows - row) ** 2 + (cols - col) ** 2 < radius**2] = label
    return labels


@pytest.fixture
def folder(tmp_path):
    labels = discs()
    rng = np.random.default_rng(0)
    image = rng.normal(60, 10, labels.shape) + 120 * (labels > 0)
    for name in ("images", "labels"):
        (tmp_path / "cells" / name).mkdir(parents=True)
    imsave(tmp_path / "cells/images/a.png", image.astype(np.uint8))
    imsave(tmp_path / "cells/labels/a.png", labels, check_contrast=False)
    (tmp_path / "stacks").mkdir()
    stack = np.stack([image] * 3).astype(np.uint16)
    tifffile.imwrite(tmp_path / "stacks/nuclei.tif", stack, photometric="minisblack")
    tifffile.imwrite(
        tmp_path / "stacks/nuclei_labels.tif",
        np.stack([labels] * 3),
        photometric="minisblack",
    )
    return tmp_path


def test_folders_and_stacks_are_read(folder):
    sets = read_sets(folder)
    assert {name: len(planes) for name, planes in sets.items()} == {
        "cells": 1,
        "nuclei": 3,
    }
    assert [len(plane.neighbours) for plane in sets["nuclei"]] == [1, 2, 1]
    assert len(sets["cells"][0].instances()) == 3


def test_empty_folder_is_refused(tmp_path):
    with pytest.raises(ImageError, match="no images/"):
        read_sets(tmp_path)


def test_image_and_labels_must_agree(folder):
    imsave(folder / "cells/labels/a.png", discs((50, 50)), check_contrast=False)
    with pytest.raises(ImageError, match="must agree"):
        read_sets(folder)


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


def make_trainer(folder, out, steps):
    torch.manual_seed(0)
    network = SegNextLite(LiteConfig(SIZE, 8, 8, 16, 1, 1, 1, 2))
    sets = read_sets(folder)
    return Trainer(
        network,
        lambda first: Batches(sets, {}, RECIPE, first),
        Plan(steps=steps, seed=1),
        out,
        loaders=0,
    )


def test_a_killed_run_goes_on_as_if_nothing_had_happened(folder, tmp_path):
    through = make_trainer(folder, tmp_path / "through", 6)
    through.run()
    killed = make_trainer(folder, tmp_path / "killed", 6)
    killed._log = lambda figures: None
    for batch, _ in zip(killed._loader(), range(3), strict=False):
        killed._set_learning_rate()
        killed._train(batch)
        killed.step += 1
    killed.save()
    resumed = make_trainer(folder, tmp_path / "killed", 6)
    assert resumed.resume()
    resumed.run()
    for name, value in through.averaged_state().items():
        torch.testing.assert_close(resumed.averaged_state()[name], value)


def test_training_lowers_the_loss_and_writes_the_curve(folder, tmp_path):
    trainer = make_trainer(folder, tmp_path / "out", 40)
    batch = next(iter(trainer._loader()))
    trainer.step = 100
    trainer._set_learning_rate = lambda: None
    for group in trainer._optimiser.param_groups:
        group["lr"] = 1e-2
    losses = [trainer._train(batch) for _ in range(50)]
    assert np.mean(losses[-5:]) < 0.85 * np.mean(losses[:3])
    assert not trainer.resume()


def test_train_command_fine_tunes_the_embedded_model(folder, tmp_path, capsys):
    from napari_segnext.cli import main

    out = tmp_path / "out"
    arguments = ["train", "--data", str(folder), "--out", str(out), "--steps", "1"]
    assert main([*arguments, "--device", "cpu"]) == 0
    model = ns.load_model(out / "segnext-lite.safetensors")
    assert model.style == STYLE
    assert (out / "loss.csv").read_text().count("\n") == 2
    assert main(arguments[:-2]) == 1
    assert "--minutes or --steps" in capsys.readouterr().err
