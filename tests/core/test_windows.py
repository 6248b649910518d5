"""Windows follow from what is known of the object, and nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_segnext.core.windows import (
    Window,
    first_look,
    fit,
    next_look,
    union,
    whole,
)

SIZE = 256
CAMERA = (2048, 2048)

LEVELS = [  # extent in pixels -> level whose half side holds it
    (1, -2),
    (20, -2),
    (32, -2),
    (33, -1),
    (64, -1),
    (128, 0),
    (129, 1),
    (500, 2),
    (2048, 3),
]


@pytest.mark.parametrize(("extent", "level"), LEVELS)
def test_level_makes_the_object_fill_a_quarter_to_half(extent, level):
    bounds = (1000, 1000, 1000 + extent - 1, 1005)
    if extent == 2048:
        bounds = (0, 0, 2047, 5)
    assert fit(bounds, CAMERA, SIZE).level == level


shapes = st.tuples(st.integers(1, 3000), st.integers(1, 3000))


@given(shapes, st.data())
def test_window_holds_the_object_and_lies_on_the_plane(shape, data):
    rows = sorted(data.draw(st.tuples(*[st.integers(0, shape[0] - 1)] * 2)))
    cols = sorted(data.draw(st.tuples(*[st.integers(0, shape[1] - 1)] * 2)))
    bounds = (rows[0], cols[0], rows[1], cols[1])
    for choose in (fit, first_look):
        window = choose(bounds, shape, SIZE)
        row0, col0, row1, col1 = window.region(shape)
        assert 0 <= row0 <= rows[0] <= rows[1] < row1 <= shape[0]
        assert 0 <= col0 <= cols[0] <= cols[1] < col1 <= shape[1]
        assert window.level >= -2


def test_first_look_does_not_magnify():
    click = (500, 500, 500, 500)
    assert first_look(click, CAMERA, SIZE).level == 0
    assert fit(click, CAMERA, SIZE).level == -2


def test_neighbouring_clicks_share_a_window():
    windows = {first_look((r, 500, r, 500), CAMERA, SIZE) for r in range(480, 520)}
    assert len(windows) <= 2


def test_cut_mask_asks_for_one_level_up():
    window = Window(512, 512, 256, 256, SIZE)
    seen = (512, 600, 560, 640)
    wider = next_look(window, seen, seen, CAMERA, may_shrink=False)
    assert wider is not None
    assert wider.level == 1
    assert wider.row < 512


def test_mask_at_the_border_of_the_plane_is_not_cut():
    window = Window(0, 0, 256, 256, SIZE)
    seen = (0, 0, 60, 60)
    assert next_look(window, seen, seen, CAMERA, may_shrink=False) is None


def test_small_answer_asks_to_go_closer_only_if_allowed():
    window = Window(512, 512, 256, 256, SIZE)
    seen = (600, 600, 615, 615)
    closer = next_look(window, seen, seen, CAMERA, may_shrink=True)
    assert closer is not None
    assert closer.level == -2
    assert next_look(window, seen, seen, CAMERA, may_shrink=False) is None


def test_nothing_is_above_the_window_that_holds_the_plane():
    window = Window(0, 0, 2048, 2048, SIZE)
    seen = (0, 0, 2047, 2047)
    assert next_look(window, seen, seen, CAMERA, may_shrink=False) is None


def test_whole_is_the_squash_of_the_plane():
    window = whole((150, 101), 64)
    assert window.region((150, 101)) == (0, 0, 150, 101)
    np.testing.assert_allclose(window.grid.scale, (64 / 150, 64 / 101))
    assert window.grid.corner_aligned


def test_union_holds_both():
    assert union((1, 9, 4, 10), (2, 3, 8, 4)) == (1, 3, 8, 10)
