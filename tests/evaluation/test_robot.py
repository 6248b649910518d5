"""The robot user clicks where the reference's clicks."""

from __future__ import annotations

import numpy as np
import pytest
from golden_cases import golden

from napari_segnext.core.prompts import Click
from napari_segnext.errors import PromptError
from napari_segnext.evaluation.robot import next_click


def test_all_sixty_clicks_are_those_of_the_reference():
    cases = golden("clicker")
    equal = 0
    for i in range(int(cases["n"])):
        clicked: list[Click] = []
        for positive, row, col in cases[f"next{i}"].tolist():
            click = next_click(cases[f"gt{i}"], cases[f"pred{i}"], clicked)
            equal += click == Click(row, col, positive=bool(positive))
            clicked.append(click)
    assert equal == 60


def test_a_missed_object_is_clicked_in_its_middle():
    truth = np.zeros((30, 40), int)
    truth[10:17, 20:27] = 5
    click = next_click(truth, np.zeros_like(truth))
    assert click == Click(13, 23, positive=True)


def test_too_much_is_clicked_away():
    mask = np.zeros((30, 40), bool)
    mask[10:17, 20:27] = True
    assert next_click(~mask * 0, mask) == Click(13, 23, positive=False)


def test_equal_errors_give_a_negative_click():
    truth, mask = np.zeros((2, 9, 20), bool)
    truth[2:7, 2:7] = mask[2:7, 12:17] = True
    assert next_click(truth, mask) == Click(4, 14, positive=False)


def test_unknown_pixels_are_no_error():
    truth = np.full((9, 9), -1)
    truth[0, 3] = 1
    assert next_click(truth, np.ones((9, 9))) == Click(0, 0, positive=False)
    assert next_click(truth, np.zeros((9, 9))) == Click(0, 3, positive=True)


def test_a_pixel_is_not_clicked_twice():
    truth = np.zeros((9, 9), bool)
    truth[4, 4:6] = True
    nothing = np.zeros((9, 9), bool)
    first = next_click(truth, nothing)
    second = next_click(truth, nothing, [first])
    third = next_click(truth, nothing, [(4, 4), (4.0, 5.0)])
    assert [first.col, second.col] == [4, 5]
    assert third == Click(0, 0, positive=False)


def test_cropping_to_the_errors_changes_nothing():
    rng = np.random.default_rng(1)
    truth, mask = np.zeros((2, 64, 80), bool)
    truth[30:50, 40:70] = rng.random((20, 30)) > 0.1
    mask[25:45, 35:60] = rng.random((20, 25)) > 0.1
    rows, cols = slice(20, 55), slice(30, 75)
    inner = next_click(truth[rows, cols], mask[rows, cols])
    outer = next_click(truth, mask)
    assert outer == Click(inner.row + 20, inner.col + 30, inner.positive)


def test_other_shapes_are_refused():
    with pytest.raises(PromptError, match="same shape"):
        next_click(np.zeros((3, 4)), np.zeros((3, 5)))
