"""Prompts are frozen values: checked, rounded, comparable, and JSON round trips."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_segnext.core.prompts import (
    Box,
    Click,
    Mask,
    Polygon,
    Prompts,
    Scribble,
    Stroke,
    prompts_bounds,
)
from napari_segnext.errors import PromptError

NAN = float("nan")

BAD = {
    "click that is not a number": lambda: Click("here", 1),
    "click that is NaN": lambda: Click(NAN, 1),
    "click at infinity": lambda: Click(1, float("inf")),
    "box without height": lambda: Box(3, 1, 3, 9),
    "box thinner than the rounding": lambda: Box(3, 1, 3.001, 9),
    "box with NaN": lambda: Box(0, 0, NAN, 3),
    "polygon of two points": lambda: Polygon([(0, 0), (5, 5)]),
    "polygon on one line": lambda: Polygon([(0, 0), (5, 5), (9, 9)]),
    "polygon of triples": lambda: Polygon([(0, 0, 0), (0, 5, 5), (0, 9, 1)]),
    "scribble of one point": lambda: Scribble([(3, 3)]),
    "scribble that stands still": lambda: Scribble([(3, 3), (3, 3)]),
    "scribble without width": lambda: Scribble([(3, 3), (4, 4)], width=0),
    "empty mask": lambda: Mask.from_array(np.zeros((4, 4), bool)),
    "mask of a volume": lambda: Mask.from_array(np.ones((2, 4, 4), bool)),
    "mask beyond probabilities": lambda: Mask.from_array(np.full((4, 4), 2.0)),
    "mask with NaN": lambda: Mask.from_array(np.full((4, 4), NAN)),
    "mask of text": lambda: Mask.from_array(np.full((4, 4), "x")),
    "empty stroke": lambda: Stroke.from_array(np.zeros((4, 4))),
    "clicks that are boxes": lambda: Prompts(clicks=[Box(0, 0, 1, 1)]),
    "one click, no list": lambda: Prompts(clicks=Click(1, 1)),
    "added text": lambda: Prompts().add("click"),
    "broken JSON": lambda: Prompts.from_json("{"),
    "unknown kind in JSON": lambda: Prompts.from_json('{"circles": []}'),
    "JSON that is a list": lambda: Prompts.from_json("[1]"),
    "dict of a click without a column": lambda: Prompts.from_dict({"clicks": [{}]}),
    "false as a string": lambda: Prompts.from_dict(
        {"clicks": [{"row": 1, "col": 1, "positive": "false"}]}
    ),
    "mask that is damaged": lambda: Prompts.from_dict(
        {"mask": {"shape": [9, 9], "region": [0, 0, 3, 3], "values": "AAAA"}}
    ),
    "stroke between pixels": lambda: Prompts.from_dict(
        {"strokes": [{"shape": [9, 9], "region": [0.5, 0, 3, 3], "bits": "//8="}]}
    ),
    "stroke without a pixel": lambda: Prompts.from_dict(
        {"strokes": [{"shape": [9, 9], "region": [0, 0, 3, 3], "bits": "AAAA"}]}
    ),
    "unknown key in JSON": lambda: Prompts.from_json('{"clicks": [{"x": 1}]}'),
}


def test_a_prompt_without_names_is_told_how_to_write_it() -> None:
    with pytest.raises(PromptError, match=r"A click is \[30, 40\]; write .*\"row\""):
        Prompts.from_dict({"clicks": [[30, 40]]})


@pytest.mark.parametrize("make", BAD.values(), ids=BAD.keys())
def test_senseless_prompt_is_a_prompt_error(make):
    with pytest.raises(PromptError, match=r"\w+ .*[.]$"):
        make()


def test_coordinates_are_rounded_to_a_64th_as_float32_keeps_them():
    click = Click(10.1, 20.7)
    assert click == Click(float(np.float32(10.1)), float(np.float32(20.7)))
    assert click.row * 64 == round(10.1 * 64)


def test_box_sorts_its_corners():
    assert Box(9, 8, 1, 2) == Box(1, 2, 9, 8)


def test_prompts_are_hashable_and_take_lists():
    prompts = Prompts(clicks=[Click(1, 2)], mask=np.eye(3))
    assert hash(prompts) == hash(Prompts(clicks=(Click(1, 2),), mask=np.eye(3)))


def test_mask_keeps_probabilities_and_place():
    plane = np.zeros((7, 9), np.float32)
    plane[2:4, 5:8] = 0.25
    mask = Mask.from_array(plane)
    assert mask.region == (2, 5, 4, 8)
    np.testing.assert_array_equal(mask.array, plane)


def test_integer_mask_means_any_label():
    labels = np.zeros((5, 5), np.int32)
    labels[1, 1:3] = 300
    np.testing.assert_array_equal(Mask.from_array(labels).array, labels > 0)


def test_stroke_keeps_exactly_the_painted_pixels():
    painted = np.random.default_rng(0).random((13, 17)) > 0.7
    stroke = Stroke.from_array(painted, positive=False)
    row0, col0, row1, col1 = stroke.region
    np.testing.assert_array_equal(stroke.crop, painted[row0:row1, col0:col1])
    assert painted.sum() == stroke.crop.sum()


def test_add_and_remove_are_inverse():
    one, two = Click(1, 1), Scribble([(0, 0), (5, 5)], positive=False)
    prompts = Prompts().add(one, two)
    assert prompts.remove(two) == Prompts(clicks=[one])
    assert len(prompts) == 2


def test_removing_what_is_not_there_is_an_error():
    with pytest.raises(PromptError, match="no such prompt"):
        Prompts().remove(Click(1, 1))


def test_equal_prompts_are_removed_one_at_a_time():
    twice = Prompts(clicks=[Click(1, 1), Click(1, 1)])
    assert twice.remove(Click(1, 1)) == Prompts(clicks=[Click(1, 1)])


CONTAINED = [
    (Prompts(), True),
    (Prompts(clicks=[Click(1, 1)]), True),
    (Prompts(clicks=[Click(2, 2)]), True),
    (Prompts(clicks=[Click(1, 1), Click(1, 1)]), False),
    (Prompts(clicks=[Click(1, 1, False)]), False),
    (Prompts(clicks=[Click(1, 1)], mask=np.eye(3)), False),
]


@pytest.mark.parametrize(("part", "expected"), CONTAINED)
def test_contains_counts_prompts_and_compares_masks(part, expected):
    assert Prompts(clicks=[Click(1, 1), Click(2, 2)]).contains(part) is expected


def test_only_negative_prompts_have_no_positive():
    assert not Prompts(clicks=[Click(1, 1, False)]).has_positive
    assert Prompts(mask=np.eye(3)).has_positive


def test_bounds_hold_every_prompt():
    stroke = Stroke.from_array(np.pad(np.ones((2, 3)), ((4, 0), (7, 0))))
    bounds = prompts_bounds([Click(2, 9), Box(3, 1, 5, 4), stroke])
    assert bounds == (2, 1, 5, 9)


coordinates = st.floats(-1e5, 1e5)
points = st.tuples(coordinates, coordinates)
clicks = st.builds(Click, coordinates, coordinates, st.booleans())
shapes = st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), min_size=4)


@st.composite
def any_prompts(draw):
    row, col = draw(points)
    corner = st.builds(
        lambda height, width, positive: Box(
            row, col, row + height, col + width, positive
        ),
        st.floats(0.1, 50),
        st.floats(0.1, 50),
        st.booleans(),
    )
    triangle = Polygon(
        [(row, col), (row + 4, col), (row, col + 5)], draw(st.booleans())
    )
    line = Scribble([(row, col), (row + 1, col - 2)], width=draw(st.floats(0.5, 20)))
    plane = np.zeros((6, 7), np.float32)
    plane[draw(st.integers(0, 5)), draw(st.integers(0, 6))] = draw(
        st.floats(0.0625, 1, width=32)
    )
    return Prompts(
        clicks=draw(st.lists(clicks, max_size=4)),
        boxes=draw(st.lists(corner, max_size=2)),
        polygons=[triangle] * draw(st.integers(0, 2)),
        scribbles=[line] * draw(st.integers(0, 2)),
        strokes=[Stroke.from_array(plane)] * draw(st.integers(0, 1)),
        mask=plane if draw(st.booleans()) else None,
    )


@given(any_prompts())
def test_json_round_trip_is_the_identity(prompts):
    again = Prompts.from_json(prompts.to_json())
    assert again == prompts
    assert again.digest() == prompts.digest()


@given(any_prompts(), clicks)
def test_digest_changes_with_the_content(prompts, click):
    assert prompts.add(click).digest() != prompts.digest()
