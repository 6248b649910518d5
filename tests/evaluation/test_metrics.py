"""IoU and click counts, against the reference and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from golden_cases import golden
from scipy.ndimage import binary_erosion

from napari_segnext.errors import PromptError
from napari_segnext.evaluation.metrics import (
    boundary_iou,
    clicks_needed,
    iou,
    noc,
    nof,
)


@pytest.fixture(scope="module")
def curves():
    case = golden("noc")
    return np.split(case["ious"], np.cumsum(case["lens"])[:-1])


def test_iou_is_that_of_the_reference_in_every_case():
    cases = golden("clicker")
    for i in range(int(cases["n"])):
        assert iou(cases[f"gt{i}"], cases[f"pred{i}"]) == cases[f"iou{i}"]


def test_clicks_and_failures_are_those_of_the_reference(curves):
    case = golden("noc")
    for i, threshold in enumerate(case["thr"]):
        for value in (threshold, float(threshold)):
            needed = clicks_needed(curves, value, 20)
            assert noc(curves, value, 20) == case["noc"][i]
            assert needed.std() == case["std"][i]
            assert nof(curves, value, 20) == case["over"][i]


def test_an_iou_equal_to_the_threshold_reaches_it():
    curve = np.array([0.5, 0.9, 0.95], np.float32)
    assert clicks_needed([curve, curve[:1]], 0.9, 7).tolist() == [2, 7]


def test_success_at_the_last_click_counts_as_a_failure():
    curves = [np.array([0.1, 0.2, 0.9]), np.array([0.1, 0.9])]
    assert nof(curves, 0.9, 3) == 1
    assert noc(curves, 0.9, 3) == 2.5


@pytest.mark.parametrize(
    ("truth", "mask", "expected"),
    [
        ([[1, 1, 0, 0]], [[0, 1, 1, 0]], 1 / 3),
        ([[1, 1, -1, 0]], [[0, 1, 1, 0]], 1 / 2),
        ([[0, 0]], [[0, 0]], 1),
        ([[7, 0]], [[0, 255]], 0),
        ([[True, False]], [[0.3, 0.0]], 1),
    ],
)
def test_iou_by_hand(truth, mask, expected):
    assert iou(np.array(truth), np.array(mask)) == expected


def test_boundary_iou_compares_what_erosion_would_remove():
    rng = np.random.default_rng(3)
    for _ in range(5):
        truth, mask = (rng.random((2, 40, 50)) > 0.2).cumprod(axis=1).astype(bool)
        truth[5:30, 8:40] = mask[8:35, 4:44] = True
        width = round(0.05 * np.hypot(40, 50))
        cross = np.ones((3, 3))
        bands = [m & ~binary_erosion(m, cross, width) for m in (truth, mask)]
        expected = (bands[0] & bands[1]).sum() / (bands[0] | bands[1]).sum()
        assert boundary_iou(truth, mask, 0.05) == expected


def test_boundary_iou_does_not_count_what_nobody_knows():
    truth = np.zeros((20, 20), int)
    truth[5:15, 5:15] = 1
    mask = truth > 0
    truth[:, 10:] = -1
    assert boundary_iou(truth, mask) < 1  # the annotation ends at column 10
    mask[:, 10:] = False
    assert boundary_iou(truth, mask) == 1


@pytest.mark.parametrize("metric", [iou, boundary_iou])
def test_other_shapes_are_refused(metric):
    with pytest.raises(PromptError, match=r"\(3, 4\).*\(4, 3\)"):
        metric(np.zeros((3, 4)), np.zeros((4, 3)))
