"""What each prompt looks like in the dense map."""

import numpy as np
import pytest

from napari_segnext.core.prompt_map import Grid, PromptStyle, draw_prompts, prompt_map
from napari_segnext.core.prompts import (
    Box,
    Click,
    Polygon,
    Prompts,
    Scribble,
    Stroke,
)
from napari_segnext.errors import PromptError

SHAPE = (20, 30)
ROWS, COLS = np.mgrid[: SHAPE[0], : SHAPE[1]]
BLOB = (ROWS > 4) & (ROWS < 9) & (COLS > 10) & (COLS < 20)


def disk(row, col, radius=5):
    return (ROWS - row) ** 2 + (COLS - col) ** 2 <= radius**2


def chain(start, end, radius=5):
    steps = np.linspace(start, end, 200)
    whole = np.floor(steps + 0.5)
    return np.any([disk(row, col, radius) for row, col in whole], axis=0)


# name -> (prompts, expected positive channel, expected negative channel)
NONE = np.zeros(SHAPE, bool)
TRIANGLE = [(2, 2), (2, 22), (16, 2)]
CASES = {
    "click is a disk with d^2 <= 25": (
        Prompts(clicks=[Click(10, 15)]),
        disk(10, 15),
        NONE,
    ),
    "negative click": (Prompts(clicks=[Click(10, 15, False)]), NONE, disk(10, 15)),
    "disk is clipped at the border": (
        Prompts(clicks=[Click(0, 29)]),
        disk(0, 29),
        NONE,
    ),
    "half pixels round up": (Prompts(clicks=[Click(9.5, 15)]), disk(10, 15), NONE),
    "both polarities": (
        Prompts(clicks=[Click(5, 5), Click(15, 25, False)]),
        disk(5, 5),
        disk(15, 25),
    ),
    "box is filled": (
        Prompts(boxes=[Box(3, 4, 8, 20)]),
        (ROWS >= 3) & (ROWS <= 8) & (COLS >= 4) & (COLS <= 20),
        NONE,
    ),
    "box beyond the plane is clipped": (
        Prompts(boxes=[Box(-50, -50, 8, 20, False)]),
        NONE,
        (ROWS <= 8) & (COLS <= 20),
    ),
    "polygon is filled": (
        Prompts(polygons=[Polygon(TRIANGLE)]),
        (ROWS >= 2) & (COLS >= 2) & (20 * (ROWS - 2) + 14 * (COLS - 2) <= 20 * 14),
        NONE,
    ),
    "scribble is a chain of disks": (
        Prompts(scribbles=[Scribble([(10, 3), (10, 25)])]),
        chain((10, 3), (10, 25)),
        NONE,
    ),
    "wide scribble honours its width": (
        Prompts(scribbles=[Scribble([(10, 8), (10, 20)], width=16)]),
        chain((10, 8), (10, 20), 8),
        NONE,
    ),
    "scribble from outside is clipped, not bent": (
        Prompts(scribbles=[Scribble([(10, -1000), (10, 12)])]),
        chain((10, -10), (10, 12)),
        NONE,
    ),
    "stroke is its pixels, widened like clicks": (
        Prompts(strokes=[Stroke.from_array(disk(10, 15, 0), False)]),
        NONE,
        disk(10, 15),
    ),
}


@pytest.mark.parametrize(("prompts", "positive", "negative"), CASES.values(), ids=CASES)
def test_each_prompt_is_drawn_in_its_channel(prompts, positive, negative):
    maps = prompt_map(prompts, SHAPE)
    assert maps.dtype == np.float32
    np.testing.assert_array_equal(maps[0], 0)
    if prompts.polygons:  # which pixels of a slanted border count is a convention
        assert (maps[1] != positive).sum() <= 14
    else:
        np.testing.assert_array_equal(maps[1], positive)
    np.testing.assert_array_equal(maps[2], negative)


def test_mask_prompt_goes_to_the_channel_of_the_previous_mask():
    maps = prompt_map(Prompts(mask=BLOB), SHAPE)
    np.testing.assert_array_equal(maps[0], BLOB)
    assert not maps[1:].any()


def test_previous_takes_the_place_of_the_mask_prompt():
    previous = np.full(SHAPE, 0.3)
    maps = prompt_map(Prompts(mask=BLOB), SHAPE, previous=previous)
    np.testing.assert_allclose(maps[0], 0.3, rtol=1e-6)


def test_style_decides_radius_outline_and_value():
    style = PromptStyle(click_radius=1, box="outline", area_value=0.5)
    prompts = Prompts(clicks=[Click(5, 12)], boxes=[Box(3, 4, 8, 20)])
    positive = prompt_map(prompts, SHAPE, style=style)[1]
    assert (positive == 1).sum() == 5
    assert (positive == 0.5).sum() == 2 * 17 + 2 * 4
    assert positive[6, 16] == 0


def test_outline_of_a_polygon_that_leaves_the_plane_keeps_its_slope():
    style = PromptStyle(polygon="outline")
    polygon = Polygon([(0, 0), (1000, 1000), (1000, -1000)])
    positive = prompt_map(Prompts(polygons=[polygon]), SHAPE, style=style)[1]
    np.testing.assert_array_equal(positive[:, 1:], (ROWS == COLS)[:, 1:])


REJECTED = {
    "no prompts": Prompts(),
    "click above": Prompts(clicks=[Click(-1, 5)]),
    "click to the right": Prompts(clicks=[Click(5, 29.5)]),
    "box outside": Prompts(boxes=[Box(100, 100, 110, 110)]),
    "scribble outside": Prompts(scribbles=[Scribble([(5, -9), (8, -3)])]),
    "mask of another plane": Prompts(mask=np.ones((3, 3), bool)),
    "stroke of another plane": Prompts(strokes=[Stroke.from_array(np.ones((3, 3)))]),
    "not prompts": [Click(1, 1)],
}


@pytest.mark.parametrize("prompts", REJECTED.values(), ids=REJECTED)
def test_prompts_that_do_not_fit_the_plane_are_refused(prompts):
    with pytest.raises(PromptError, match=r"[.]$"):
        prompt_map(prompts, SHAPE)


def test_previous_of_another_shape_is_refused():
    with pytest.raises(PromptError, match="previous mask has shape"):
        prompt_map(Prompts(clicks=[Click(1, 1)]), SHAPE, previous=np.zeros((2, 2)))


@pytest.mark.parametrize(
    "settings", [{"click_radius": -1}, {"box": "dots"}, {"area_value": 0}]
)
def test_senseless_style_is_refused(settings):
    with pytest.raises(PromptError):
        PromptStyle(**settings)


def test_reference_scaling_has_no_half_pixel_shift():
    grid = Grid((0, 0), (64 / 150, 64 / 101), (64, 64), corner_aligned=True)
    style = PromptStyle(click_radius=0)
    prompts = Prompts(clicks=[Click(70, 33), Click(149, 100)])
    drawn = np.argwhere(draw_prompts(prompts, grid, style)[1])
    expected = [
        [int(row * 64 / 150 + 0.5), int(col * 64 / 101 + 0.5)]
        for row, col in [(70, 33), (149, 100)]
    ]
    # the last one rounds to 64, beyond the map, and is clipped
    np.testing.assert_array_equal(drawn, [e for e in expected if max(e) < 64])


@pytest.mark.parametrize("scale", [4.0, 2.0, 1.0, 0.5, 0.25])
def test_masks_keep_their_area_at_every_scale(scale):
    side = 64
    plane = np.zeros((side, side), np.float32)
    plane[13:39, 21:50] = 1
    size = round(side * scale)
    grid = Grid((0, 0), (scale, scale), (size, size))
    drawn = draw_prompts(Prompts(mask=plane), grid, PromptStyle())[0]
    assert drawn.sum() / scale**2 == pytest.approx(plane.sum(), rel=1e-4)
    rows, cols = np.nonzero(drawn)
    assert (rows.mean() + 0.5) / scale == pytest.approx((13 + 39) / 2, abs=1)
    assert (cols.mean() + 0.5) / scale == pytest.approx((21 + 50) / 2, abs=1)


def test_click_lands_on_the_same_spot_as_the_mask_under_it():
    plane = np.zeros((64, 64), np.float32)
    plane[30, 40] = 1
    grid = Grid((16, 32), (4, 4), (128, 128))
    prompts = Prompts(clicks=[Click(30, 40)], mask=plane)
    maps = draw_prompts(prompts, grid, PromptStyle(click_radius=0))
    assert maps[0][maps[1] > 0] == 1


@pytest.mark.parametrize("width", [2, 9, 30])
def test_a_scribble_is_not_drawn_wider_than_the_model_has_learned(width):
    scribble = Prompts(scribbles=[Scribble([(20, 10), (20, 50)], width=width)])
    style = PromptStyle(click_radius=2, max_stroke_radius=4)
    drawn = prompt_map(scribble, (40, 60), style=style)[1]
    assert drawn[:, 30].sum() == 2 * min(max(width // 2, 2), 4) + 1


def test_a_painted_stroke_is_drawn_as_its_middle_line_where_width_is_limited():
    painted = np.zeros((60, 80), bool)
    painted[20:35, 10:70] = True
    stroke = Prompts().add(Stroke.from_array(painted))
    whole, middle = (
        prompt_map(stroke, painted.shape, style=style)[1]
        for style in (PromptStyle(2), PromptStyle(2, max_stroke_radius=4))
    )
    assert (whole[painted] == 1).all()
    assert middle[:, 40].sum() == 5  # a click's disk wide
    assert middle[27, 20:60].all()
    assert not (middle > whole).any()


def test_thin_strokes_are_drawn_alike():
    painted = np.eye(50, dtype=bool)
    stroke = Prompts().add(Stroke.from_array(painted))
    np.testing.assert_array_equal(
        prompt_map(stroke, (50, 50), style=PromptStyle(3)),
        prompt_map(stroke, (50, 50), style=PromptStyle(3, max_stroke_radius=4)),
    )


def test_a_senseless_stroke_radius_is_refused():
    with pytest.raises(PromptError, match="max_stroke_radius"):
        PromptStyle(max_stroke_radius=0)
