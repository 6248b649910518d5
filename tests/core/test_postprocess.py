"""Post-processing: each option does what it says, prompts win, nothing vanishes."""

import numpy as np
import pytest

import napari_segnext as ns
from napari_segnext.core.postprocess import PostProcess
from napari_segnext.core.prompts import Box, Click, Mask, Prompts, Scribble, Stroke
from napari_segnext.errors import PromptError

SHAPE = (60, 80)
PLANE = (0, 0, *SHAPE)
NOTHING = Prompts(clicks=[Click(0, 0, positive=False)])


def mask(*parts, without=()):
    result = np.zeros(SHAPE, bool)
    for part in parts:
        result[part] = True
    for part in without:
        result[part] = False
    return result


BODY = np.s_[10:30, 10:30]
ISLAND = np.s_[40:50, 50:60]
HOLE = np.s_[18:22, 18:22]
SPECK = np.s_[5:7, 70:72]


def stroke(row, col):
    return Stroke.from_array(mask(np.s_[row : row + 2, col : col + 2]))


TOUCHED = {
    "the part under a click": (Prompts(clicks=[Click(12, 12)]), mask(BODY)),
    "negative clicks keep nothing": (
        Prompts(clicks=[Click(12, 12), Click(45, 55, positive=False)]),
        mask(BODY),
    ),
    "the part that a scribble crosses": (
        Prompts(scribbles=[Scribble([(35, 45), (45, 55)], width=1)]),
        mask(ISLAND),
    ),
    "the parts in a box": (Prompts(boxes=[Box(8, 8, 55, 65)]), mask(BODY, ISLAND)),
    "the part under a stroke": (Prompts(strokes=[stroke(44, 54)]), mask(ISLAND)),
    "the part under the mask prompt": (
        Prompts(mask=Mask.from_array(mask(np.s_[44:46, 52:54]))),
        mask(ISLAND),
    ),
    "all where a click lies beside them": (
        Prompts(clicks=[Click(35, 40)]),
        mask(BODY, ISLAND, SPECK),
    ),
}


@pytest.mark.parametrize("name", TOUCHED)
def test_touched_keeps(name):
    prompts, expected = TOUCHED[name]
    found = PostProcess(touched=True).apply(mask(BODY, ISLAND, SPECK), prompts, PLANE)
    np.testing.assert_array_equal(found, expected)


def test_by_default_nothing_changes():
    rough = np.random.default_rng(0).random(SHAPE) > 0.7
    found = PostProcess().apply(rough, Prompts(clicks=[Click(3, 3)]), PLANE)
    np.testing.assert_array_equal(found, rough)
    assert found is not rough


def test_fill_holes_fills_holes_but_no_bay():
    bay = np.s_[15:25, 25:30]
    found = PostProcess(fill_holes=True).apply(
        mask(BODY, without=[HOLE, bay]), NOTHING, PLANE
    )
    np.testing.assert_array_equal(found, mask(BODY, without=[bay]))


def test_a_hole_that_was_asked_for_stays():
    other = np.s_[12:14, 12:14]
    prompts = Prompts(clicks=[Click(15, 15), Click(20, 20, positive=False)])
    found = PostProcess(fill_holes=True).apply(
        mask(BODY, without=[HOLE, other]), prompts, PLANE
    )
    np.testing.assert_array_equal(found, mask(BODY, without=[HOLE]))


def test_smoothing_takes_spikes_and_notches_and_keeps_the_body():
    spike, notch = np.s_[20:21, 30:38], np.s_[19:20, 10:14]
    rough = mask(BODY, spike, without=[notch])
    found = PostProcess(smooth_px=2).apply(rough, NOTHING, PLANE)
    assert not found[20, 34]
    assert found[19, 12]
    inside, around = mask(np.s_[13:27, 13:27]), mask(np.s_[8:32, 8:32])
    assert found[inside].all()
    assert not found[~around].any()


def test_smoothing_keeps_a_part_that_it_would_lose():
    found = PostProcess(smooth_px=5).apply(mask(BODY, SPECK), NOTHING, PLANE)
    np.testing.assert_array_equal(found[:8, 60:], mask(SPECK)[:8, 60:])
    thin = mask(np.s_[30:31, 10:60])
    alone = PostProcess(smooth_px=50).apply(thin, NOTHING, PLANE)
    np.testing.assert_array_equal(alone, thin)


def test_smoothing_adds_nothing_under_a_negative_prompt():
    notch = np.s_[19:21, 10:20]
    cut = Prompts(
        clicks=[Click(12, 12)],
        scribbles=[Scribble([(19.5, 5), (19.5, 19)], False, width=2)],
    )
    found = PostProcess(smooth_px=3).apply(mask(BODY, without=[notch]), cut, PLANE)
    assert not found[19:21, 10:19].any()


def test_smoothing_does_not_pull_an_object_from_the_border():
    at_border = mask(np.s_[0:30, 0:30])
    found = PostProcess(smooth_px=3).apply(at_border, NOTHING, PLANE)
    assert found[0, :25].all()
    assert found[:25, 0].all()


def test_small_parts_are_dropped_but_never_the_largest():
    parts = mask(BODY, ISLAND, SPECK)
    for least, expected in (
        (1, parts),
        (4, parts),
        (5, mask(BODY, ISLAND)),
        (101, mask(BODY)),
        (10_000, mask(BODY)),
    ):
        found = PostProcess(min_size_px=least).apply(parts, NOTHING, PLANE)
        np.testing.assert_array_equal(found, expected, err_msg=str(least))


def test_options_work_together_in_their_order():
    rough = mask(BODY, ISLAND, SPECK, without=[HOLE])
    options = PostProcess(touched=True, fill_holes=True, min_size_px=50)
    found = options.apply(rough, Prompts(clicks=[Click(11, 11)]), PLANE)
    np.testing.assert_array_equal(found, mask(BODY))


ALL = PostProcess(touched=True, fill_holes=True, smooth_px=2, min_size_px=20)


def test_a_part_of_the_plane_is_treated_as_the_plane_is():
    prompts = Prompts(clicks=[Click(12, 12), Click(20, 20, positive=False)])
    rough = mask(BODY, ISLAND, SPECK, without=[HOLE])
    whole = ALL.apply(rough, prompts, PLANE)
    region = (0, 0, 45, 55)
    part = ALL.apply(rough[:45, :55], prompts, region)
    np.testing.assert_array_equal(part, whole[:45, :55])


@pytest.mark.parametrize("seed", range(20))
def test_a_mask_never_becomes_empty_and_negative_pixels_are_never_added(seed):
    rng = np.random.default_rng(seed)
    rough = rng.random(SHAPE) > rng.choice([0.5, 0.9, 0.999])
    rough[tuple(rng.integers(0, SHAPE))] = True
    clicks = [Click(*rng.integers(0, SHAPE), positive=p) for p in (True, False)]
    row, col = rng.integers(0, 40, 2)
    prompts = Prompts(clicks=clicks, boxes=[Box(row, col, row + 15, col + 9, False)])
    options = PostProcess(
        touched=bool(rng.integers(2)),
        fill_holes=bool(rng.integers(2)),
        smooth_px=int(rng.integers(8)),
        min_size_px=int(rng.integers(40)),
    )
    found = options.apply(rough, prompts, PLANE)
    assert found.any()
    assert not (found & ~rough)[row : row + 16, col : col + 10].any()


def test_an_empty_mask_stays_empty():
    assert not ALL.apply(mask(), Prompts(clicks=[Click(3, 3)]), PLANE).any()


@pytest.mark.parametrize(
    "values",
    [
        {"smooth_px": -1},
        {"smooth_px": 1.5},
        {"smooth_px": 101},
        {"smooth_px": "2"},
        {"min_size_px": -3},
        {"min_size_px": None},
    ],
)
def test_numbers_that_make_no_sense_are_a_sentence(values):
    (name,) = values
    with pytest.raises(PromptError, match=rf"`{name}` is .*use a whole number"):
        PostProcess(**values)


def test_numbers_of_numpy_are_numbers():
    found = PostProcess(np.True_, 0, np.int64(2), np.uint8(3))
    assert found == ns.PostProcess(True, False, 2, 3)
    assert type(found.smooth_px) is int


def test_a_mask_of_another_shape_than_its_region_is_a_sentence():
    with pytest.raises(PromptError, match="give the region's mask"):
        ALL.apply(mask(BODY), NOTHING, (0, 0, 10, 10))
