from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_segnext.core.borders import drawn_to_line, line_of
from napari_segnext.core.features import Features
from napari_segnext.core.interpolation import signed_distance
from napari_segnext.core.patches import EMPTY, Patch, overlap

ROWS, COLS = np.indices((70, 70))
CELL = (ROWS - 33) ** 2 + (COLS - 36) ** 2 <= 15**2


def plane(image):
    noisy = image + np.random.default_rng(0).normal(0, 0.03, image.shape)
    return Features(noisy.astype(np.float32), ((0.0, 1.0),), "none")


def membrane(mask, sign):
    """The same grey on both sides of a line, 3 px wide, around a mask."""
    line = np.abs(signed_distance(mask)) < 1.5
    return plane(0.5 + 0.3 * sign * ndimage.gaussian_filter(line * 1.0, 0.7))


@pytest.mark.parametrize(
    ("features", "line"),
    [
        (membrane(CELL, -1), -1),
        (membrane(CELL, 1), 1),
        (plane(np.where(CELL, 0.7, 0.3)), 0),  # a nucleus: brighter, but no line
        (plane(np.where(CELL, 0.3, 0.7)), 0),
        (plane(np.full(CELL.shape, 0.5)), 0),
        ("no image", 0),
    ],
)
def test_a_line_differs_from_both_its_sides(features, line):
    assert line_of(Patch.of(CELL), features) == line


def test_nothing_has_no_border():
    assert line_of(EMPTY, membrane(CELL, 1)) == 0


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize(
    "wrong",
    [
        ndimage.binary_dilation(CELL),
        ndimage.binary_dilation(CELL, iterations=2),
        ndimage.binary_erosion(CELL, iterations=2),
        np.roll(CELL, (1, -1), (0, 1)),
    ],
)
def test_a_mask_that_is_nearly_right_is_drawn_to_the_line(sign, wrong):
    truth, features = Patch.of(CELL), membrane(CELL, sign)

    drawn = drawn_to_line(Patch.of(wrong), features, sign)

    assert 1 - overlap(drawn, truth) < 0.75 * (1 - overlap(Patch.of(wrong), truth))


def test_a_mask_that_is_right_stays():
    drawn = drawn_to_line(Patch.of(CELL), membrane(CELL, -1), -1)
    assert overlap(drawn, Patch.of(CELL)) > 0.96


def test_holes_and_parts_survive():
    truth = CELL & ((ROWS - 33) ** 2 + (COLS - 36) ** 2 > 6**2)
    truth[58:66, 5:30] = True

    drawn = drawn_to_line(Patch.of(truth), membrane(truth, -1), -1).plane(truth.shape)

    assert ndimage.label(drawn)[1] == 2
    assert not drawn[31:36, 34:39].any()


def test_at_the_edge_of_the_plane_and_in_the_smallest_of_masks_nothing_is_lost():
    edge = np.zeros_like(CELL)
    edge[:20, :30] = True
    drawn = drawn_to_line(Patch.of(edge), membrane(edge, -1), -1)
    assert overlap(drawn, Patch.of(edge)) > 0.9

    dot = Patch.of(np.ones((1, 1)), (40, 40))
    assert drawn_to_line(dot, membrane(CELL, -1), -1).plane(CELL.shape)[40, 40]

    whole = Patch.of(np.ones(CELL.shape))
    assert drawn_to_line(whole, membrane(CELL, -1), -1).area == CELL.size
