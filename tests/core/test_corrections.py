"""Corrections change the previous mask only where a prompt touches the change."""

from dataclasses import replace

import numpy as np
import pytest

from napari_segnext.core.corrections import keep_prompted_changes, keep_prompted_parts
from napari_segnext.core.prediction import Prediction
from napari_segnext.core.prompt_map import PromptStyle
from napari_segnext.core.prompts import Box, Click, Mask, Prompts, Scribble

SHAPE = (40, 60)
STYLE = PromptStyle(click_radius=2)
OBJECT = (slice(10, 20), slice(10, 20))
GROWN = (slice(10, 20), slice(20, 25))  # what the new answer adds on the right
ISLAND = (slice(30, 35), slice(50, 55))  # and far away
HOLE = (slice(12, 15), slice(11, 14))  # and what it removes


def prediction(*parts, without=(), region=(0, 0, *SHAPE)):
    probability = np.full(SHAPE, 0.1, np.float32)
    for part in parts:
        probability[part] = 0.9
    for part in without:
        probability[part] = 0.2
    row0, col0, row1, col1 = region
    return Prediction(SHAPE, region, probability[row0:row1, col0:col1], 0.5)


def mask(*parts, without=()):
    return prediction(*parts, without=without).mask


BEFORE = prediction(OBJECT)
AFTER = prediction(OBJECT, GROWN, ISLAND, without=[HOLE])
CASES = {
    "a positive click adds the part it lies on": (
        Prompts(clicks=[Click(15, 22)]),
        mask(OBJECT, GROWN),
    ),
    "and reaches as far as its disk": (
        Prompts(clicks=[Click(15, 26)]),
        mask(OBJECT, GROWN),
    ),
    "a positive click removes nothing": (
        Prompts(clicks=[Click(13, 12)]),
        mask(OBJECT),
    ),
    "a negative click removes the part it lies on": (
        Prompts(clicks=[Click(13, 12, positive=False)]),
        mask(OBJECT, without=[HOLE]),
    ),
    "a negative click adds nothing": (
        Prompts(clicks=[Click(32, 52, positive=False)]),
        mask(OBJECT),
    ),
    "every prompt counts": (
        Prompts(clicks=[Click(15, 22), Click(32, 52)]),
        mask(OBJECT, GROWN, ISLAND),
    ),
    "a scribble touches along its line": (
        Prompts(scribbles=[Scribble([(15, 22), (32, 52)], width=1)]),
        mask(OBJECT, GROWN, ISLAND),
    ),
    "a positive box adds and removes": (
        Prompts(boxes=[Box(8, 8, 22, 27)]),
        mask(OBJECT, GROWN, without=[HOLE]),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_changes_stay_where_prompts_are(name):
    prompts, expected = CASES[name]
    settled = keep_prompted_changes(AFTER, BEFORE, prompts, STYLE)
    np.testing.assert_array_equal(settled.mask, expected)


def test_undone_parts_keep_the_previous_probability():
    settled = keep_prompted_changes(
        AFTER, BEFORE, Prompts(clicks=[Click(15, 22)]), STYLE
    )
    np.testing.assert_array_equal(
        settled.probability[ISLAND], BEFORE.probability[ISLAND]
    )
    np.testing.assert_array_equal(settled.probability[HOLE], BEFORE.probability[HOLE])
    np.testing.assert_array_equal(settled.probability[GROWN], AFTER.probability[GROWN])


def test_nothing_to_undo_gives_the_answer_itself():
    answer = prediction(OBJECT, GROWN)
    prompts = Prompts(clicks=[Click(15, 22)])
    assert keep_prompted_changes(answer, BEFORE, prompts, STYLE) is answer


def test_an_empty_previous_mask_restricts_nothing():
    empty = prediction()
    prompts = Prompts(clicks=[Click(0, 0)])
    assert keep_prompted_changes(AFTER, empty, prompts, STYLE) is AFTER


def test_a_mask_that_reaches_out_of_the_window_is_not_cut():
    wide = (slice(10, 20), slice(10, 50))
    before = prediction(wide)
    answer = prediction(OBJECT, GROWN, region=(0, 0, 32, 32))
    settled = keep_prompted_changes(
        answer, before, Prompts(clicks=[Click(15, 15)]), STYLE
    )
    np.testing.assert_array_equal(settled.mask, mask(wide))


CLICK = Prompts(clicks=[Click(15, 15)])
TWO = prediction(OBJECT, ISLAND)
PARTS = {
    "a part that nobody pointed at goes": (TWO, None, CLICK, mask(OBJECT)),
    "a part with a click of its own stays": (
        TWO,
        None,
        CLICK.add(Click(32, 52)),
        mask(OBJECT, ISLAND),
    ),
    "a negative click keeps nothing": (
        TWO,
        None,
        CLICK.add(Click(32, 52, positive=False)),
        mask(OBJECT),
    ),
    "a box keeps everything in it": (
        TWO,
        None,
        Prompts(boxes=[Box(5, 5, 38, 58)]),
        mask(OBJECT, ISLAND),
    ),
    "the mask prompt keeps what it lies on": (
        TWO,
        None,
        replace(CLICK, mask=Mask.from_array(mask(ISLAND))),
        mask(OBJECT, ISLAND),
    ),
    "a part of the previous mask that no prompt made stays": (
        TWO,
        prediction(OBJECT, ISLAND),
        CLICK,
        mask(OBJECT, ISLAND),
    ),
    "what is left over of a part that was clicked on goes": (
        prediction(OBJECT, ISLAND),
        prediction((slice(10, 36), slice(10, 56))),
        CLICK,
        mask(OBJECT),
    ),
    "where no part would be left all stay": (
        TWO,
        None,
        Prompts(clicks=[Click(2, 40)]),
        mask(OBJECT, ISLAND),
    ),
}


@pytest.mark.parametrize("name", PARTS)
def test_parts_stay_that_prompts_ask_for(name):
    answer, before, prompts, expected = PARTS[name]
    kept = keep_prompted_parts(answer, before, prompts, STYLE)
    np.testing.assert_array_equal(kept.mask, expected)
