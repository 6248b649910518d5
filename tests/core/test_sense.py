"""Prompts that contradict one another are told in one sentence."""

from __future__ import annotations

import numpy as np
import pytest

from napari_segnext.core.prompts import (
    Box,
    Click,
    Mask,
    Polygon,
    Prompts,
    Scribble,
    Stroke,
)
from napari_segnext.core.sense import complaint

SHAPE = (40, 50)
TRIANGLE = [(5, 5), (5, 25), (25, 5)]
LINE = [(5, 5), (5, 25), (20, 30)]


def square(row0: int, col0: int, row1: int, col1: int) -> np.ndarray:
    plane = np.zeros(SHAPE, bool)
    plane[row0:row1, col0:col1] = True
    return plane


def stroke(positive: bool = True, *where: int) -> Stroke:
    return Stroke.from_array(square(*(where or (5, 5, 10, 30))), positive)


SENSELESS: dict[str, tuple[Prompts, str]] = {
    "only a negative click": (Prompts([Click(9, 9, False)]), "positive prompt"),
    "only negatives of all types": (
        Prompts(
            [Click(30, 40, False)],
            [Box(1, 1, 4, 4, False)],
            [Polygon(TRIANGLE, False)],
            [Scribble(LINE, False)],
            [stroke(False)],
        ),
        "Nothing says where the object is",
    ),
    "positive click in a negative box": (
        Prompts([Click(9, 9)], [Box(5, 5, 20, 20, False)]),
        "positive click at row 9, column 9 lies in a negative box",
    ),
    "positive click on the rim of a negative box": (
        Prompts([Click(5, 9)], [Box(5, 5, 20, 20, False)]),
        "lies in a negative box",
    ),
    "positive click in a negative polygon": (
        Prompts([Click(9, 9)], polygons=[Polygon(TRIANGLE, False)]),
        "lies in a negative polygon",
    ),
    "positive click on a negative scribble": (
        Prompts([Click(6, 15)], scribbles=[Scribble(LINE, False, 4)]),
        "lies in a negative scribble",
    ),
    "positive click on a negative stroke": (
        Prompts([Click(6, 15)], strokes=[stroke(False)]),
        "lies in a negative stroke",
    ),
    "negative click on a positive stroke": (
        Prompts([Click(6, 15, False)], strokes=[stroke()]),
        "negative click at row 6, column 15 lies on a positive stroke",
    ),
    "negative click on a positive scribble": (
        Prompts([Click(5, 15, False)], scribbles=[Scribble(LINE)]),
        "lies on a positive scribble",
    ),
    "both clicks at one place": (
        Prompts([Click(9, 9), Click(9.5, 10, False)]),
        "positive and a negative click at row 9, column 9",
    ),
    "one box of both polarities": (
        Prompts(boxes=[Box(5, 5, 9, 9), Box(5, 5, 9, 9, False)]),
        "box is there twice",
    ),
    "one area, once as a box, once as a polygon": (
        Prompts(
            boxes=[Box(5, 5, 9, 9)],
            polygons=[Polygon([(9, 9), (9, 5), (5, 5), (5, 9)], False)],
        ),
        "box is there twice",
    ),
    "one polygon of both polarities": (
        Prompts(polygons=[Polygon(TRIANGLE), Polygon(TRIANGLE, False)]),
        "polygon is there twice",
    ),
    "one scribble of both polarities, drawn the other way": (
        Prompts(scribbles=[Scribble(LINE), Scribble(LINE[::-1], False)]),
        "scribble is there twice",
    ),
    "one stroke of both polarities": (
        Prompts(strokes=[stroke(), stroke(False)]),
        "stroke is there twice",
    ),
    "a box, and a click elsewhere": (
        Prompts([Click(30, 40)], [Box(5, 5, 20, 20)]),
        "click at row 30, column 40 lies outside all boxes",
    ),
    "two boxes, one without a click, and a click elsewhere": (
        Prompts([Click(9, 9), Click(30, 40)], [Box(5, 5, 20, 20), Box(22, 5, 30, 9)]),
        "no click in it",
    ),
    "a mask in a negative box": (
        Prompts(
            boxes=[Box(5, 5, 20, 20, False)],
            mask=Mask.from_array(square(6, 6, 20, 20)),
        ),
        "mask lies wholly inside a negative box",
    ),
    "a mask in a negative polygon": (
        Prompts(
            polygons=[Polygon(TRIANGLE, False)],
            mask=Mask.from_array(square(7, 7, 12, 12)),
        ),
        "mask lies wholly inside a negative polygon",
    ),
    "nowhere left": (
        Prompts(boxes=[Box(-5, -5, 60, 60, False)], strokes=[stroke()]),
        "whole plane",
    ),
}


@pytest.mark.parametrize(("prompts", "text"), SENSELESS.values(), ids=SENSELESS)
def test_what_makes_no_sense_is_one_sentence(prompts: Prompts, text: str) -> None:
    sentence = complaint(prompts, SHAPE)
    assert sentence is not None
    assert text in sentence
    assert sentence.endswith(".")
    assert sentence[0].isupper()
    assert ". " not in sentence  # one sentence


SENSIBLE: dict[str, Prompts] = {
    "nothing": Prompts(),
    "a click": Prompts([Click(9, 9)]),
    "clicks side by side": Prompts([Click(9, 9), Click(9, 12, False)]),
    "a negative click inside a positive box": Prompts(
        [Click(9, 9, False)], [Box(5, 5, 20, 20)]
    ),
    "a negative click inside a positive polygon": Prompts(
        [Click(9, 9, False)], polygons=[Polygon(TRIANGLE)]
    ),
    "a positive click beside a negative polygon, in its bounds": Prompts(
        [Click(22, 22)], polygons=[Polygon(TRIANGLE, False)]
    ),
    "a box with its click": Prompts([Click(9, 9)], [Box(5, 5, 20, 20)]),
    "a box and a click elsewhere, and one inside": Prompts(
        [Click(9, 9), Click(30, 40)], [Box(5, 5, 20, 20)]
    ),
    "a box alone": Prompts(boxes=[Box(5, 5, 20, 20)]),
    "two boxes of one object": Prompts(boxes=[Box(5, 5, 9, 9), Box(20, 20, 30, 30)]),
    "a negative box in a positive one": Prompts(
        boxes=[Box(5, 5, 20, 20), Box(8, 8, 12, 12, False)]
    ),
    "a mask partly in a negative box": Prompts(
        boxes=[Box(5, 5, 20, 20, False)], mask=Mask.from_array(square(15, 15, 30, 30))
    ),
    "a mask in the bounds of a negative polygon": Prompts(
        polygons=[Polygon(TRIANGLE, False)],
        mask=Mask.from_array(square(20, 20, 24, 24)),
    ),
    "a click beside a negative stroke": Prompts(
        [Click(12, 15)], strokes=[stroke(False)]
    ),
    "a click beside a negative scribble": Prompts(
        [Click(9, 15)], scribbles=[Scribble(LINE, False, 3)]
    ),
    "a positive stroke over a negative scribble": Prompts(
        scribbles=[Scribble(LINE, False)], strokes=[stroke()]
    ),
    "a faint mask": Prompts(
        boxes=[Box(5, 5, 20, 20, False)],
        mask=Mask.from_array(square(6, 6, 9, 9).astype(np.float32) * 0.3),
    ),
}


@pytest.mark.parametrize("prompts", SENSIBLE.values(), ids=SENSIBLE)
def test_what_makes_sense_is_not_complained_of(prompts: Prompts) -> None:
    assert complaint(prompts, SHAPE) is None


def test_swapping_all_polarities_of_a_contradiction_is_one_too() -> None:
    for yes, no in [(True, False), (False, True)]:
        prompts = Prompts([Click(9, 9, yes), Click(9, 9, no)])
        assert complaint(prompts, SHAPE) is not None
