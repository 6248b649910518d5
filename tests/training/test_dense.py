"""Dense losses: targets of known labels, and that they are learned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from made import TINY, discs

from napari_segnext.core.lite import SegNextLite
from napari_segnext.core.prompt_map import PromptStyle
from napari_segnext.training.batches import Batches, Recipe
from napari_segnext.training.data import Annotated
from napari_segnext.training.dense import DenseHead, dense_loss, dense_targets
from napari_segnext.training.learner import Learner


def test_targets_of_two_squares_that_touch():
    labels = np.zeros((40, 40), np.int32)
    labels[8:24, 4:20], labels[8:24, 20:36] = 7, 3
    labels[36:] = -1
    known, inside, border, rows, cols = dense_targets(labels)
    assert known[:18].all()
    assert not known[18:].any()
    assert inside.sum() == 2 * 8 * 8
    assert border[7, 9:11].all()  # between the two
    assert not border[6:10, 4:8].any()
    # eight pixels wide at half the size, so that edges are 3.5 / 8 from the middle
    np.testing.assert_allclose(rows[4:12, 5], (np.arange(8) - 3.5) / 8, rtol=1e-6)
    np.testing.assert_allclose(cols[5, 2:10], (np.arange(8) - 3.5) / 8, rtol=1e-6)
    np.testing.assert_allclose(cols[5, 10:18], cols[5, 2:10])
    assert not rows[inside == 0].any()


def test_offsets_in_a_long_object_are_limited():
    labels = np.zeros((64, 64), np.int32)
    labels[30:32] = 1
    assert np.abs(dense_targets(labels)[4]).max() == 2


def test_a_crop_without_objects_has_targets():
    known, *rest = dense_targets(np.zeros((16, 16), np.int32))
    assert known.all()
    assert not np.any(rest)


def test_the_right_answer_costs_nothing_and_what_is_unknown_does_not_count():
    targets = torch.from_numpy(dense_targets(discs()))[None].float()
    right = torch.cat([targets[:, 1:3] * 60 - 30, targets[:, 3:]], dim=1)
    assert dense_loss(right, targets) < 1e-6
    assert dense_loss(-right, targets) > 10
    targets[:, 0] = 0
    assert dense_loss(-right, targets) == 0


def test_dense_losses_fall_and_reach_the_encoder():
    sets = {"discs": [Annotated(np.repeat(discs()[..., None] * 80, 3, 2), discs())]}
    recipe = Recipe(2, 2, 64, PromptStyle(3), (0.5,) * 3, (0.5,) * 3, dense=True)
    batch = next(iter(Batches(sets, {}, recipe)))
    assert batch["dense"].shape == (2, 5, 32, 32)
    learners = []
    for share in (0.0, 1.0):
        torch.manual_seed(0)
        learner = Learner(SegNextLite(replace(TINY, width4=16, width8=16)), seed=1)
        before = cost(learner, batch)
        for _ in range(40):
            learner.learn(batch, 1e-2, share)
        learners.append(learner)
    without, with_them = learners
    assert cost(without, batch) == before
    assert cost(with_them, batch) < 0.8 * before
    stems = [one.averaged_state()["encoder.stem.weight"] for one in learners]
    assert not torch.equal(*stems)


def cost(learner: Learner, batch: dict[str, torch.Tensor]) -> float:
    features = learner.network.encode(batch["images"])[0]
    head = DenseHead(features.shape[1])
    head.load_state_dict(learner.state()["dense"])
    return float(dense_loss(head(features), batch["dense"]).detach())
