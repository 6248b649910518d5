"""A negative box or polygon says "not here", and nothing of the mask is there then."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from napari_segnext.core.corrections import clear_negative_areas, keep_prompted_changes
from napari_segnext.core.models import load_model
from napari_segnext.core.prediction import Prediction
from napari_segnext.core.predictor import Predictor
from napari_segnext.core.prompt_map import PromptStyle
from napari_segnext.core.prompts import Box, Click, Mask, Polygon, Prompts, Scribble
from napari_segnext.core.prompts import Stroke as Painted
from napari_segnext.evaluation.datasets import read_pairs
from napari_segnext.samples import load_sample

SHAPE = (40, 60)
OBJECT = np.s_[10:30, 10:50]
ALL = np.zeros(SHAPE, bool)
ALL[OBJECT] = True
HERE = Box(0, 30, 39, 59, positive=False)


def cut(*parts):
    result = ALL.copy()
    for part in parts:
        result[part] = False
    return result


RIGHT = np.s_[:, 30:]
CASES = {
    "a box takes what is in it": (Prompts([Click(20, 20)], [HERE]), cut(RIGHT)),
    "a polygon takes what is in it": (
        Prompts(
            [Click(20, 20)],
            polygons=[Polygon([(0, 30), (0, 59), (39, 59), (39, 30)], False)],
        ),
        cut(RIGHT),
    ),
    "a positive box takes nothing": (Prompts(boxes=[Box(0, 30, 39, 59)]), ALL),
    "negative clicks and scribbles leave that to the network": (
        Prompts([Click(20, 40, False)], scribbles=[Scribble([(12, 45), (28, 45)], 0)]),
        ALL,
    ),
    "a box around it wants what is not in the negative one": (
        Prompts(boxes=[Box(5, 5, 35, 55), HERE]),
        cut(RIGHT),
    ),
    "a positive click inside wants the part it lies on": (
        Prompts([Click(20, 20), Click(20, 40)], [HERE]),
        ALL,
    ),
    "and only that": (
        Prompts([Click(20, 40)], [HERE, Box(0, 0, 39, 20, False)]),
        cut(np.s_[:, :21]),
    ),
    "a positive box inside wants its own inside": (
        Prompts([Click(20, 20)], [HERE, Box(15, 35, 20, 40)]),
        cut(np.s_[:, 30:35], np.s_[:, 41:], np.s_[:15, 30:], np.s_[21:, 30:]),
    ),
    "a scribble that lies across it does not": (
        Prompts(boxes=[HERE], scribbles=[Scribble([(20, 15), (20, 45)], width=1)]),
        cut(RIGHT),
    ),
    "a scribble inside wants the part it lies on": (
        Prompts(boxes=[HERE], scribbles=[Scribble([(20, 35), (20, 45)], width=1)]),
        ALL,
    ),
    "a stroke too": (
        Prompts(boxes=[HERE], strokes=[Painted.from_array(cut(np.s_[:, :40]))]),
        ALL,
    ),
    "the mask prompt is no exception": (
        Prompts(boxes=[HERE], mask=Mask.from_array(ALL)),
        cut(RIGHT),
    ),
    "areas count together": (
        Prompts([Click(20, 20)], [HERE, Box(0, 0, 15, 59, False)]),
        cut(RIGHT, np.s_[:16]),
    ),
}


@pytest.mark.parametrize("region", [(0, 0, *SHAPE), (5, 8, 35, 52)])
@pytest.mark.parametrize("name", CASES)
def test_a_negative_area(name, region):
    prompts, expected = CASES[name]
    row0, col0, row1, col1 = region
    crop = np.where(ALL, 0.9, 0.1).astype(np.float32)[row0:row1, col0:col1]
    answer = clear_negative_areas(Prediction(SHAPE, region, crop, 0.5), prompts)
    np.testing.assert_array_equal(answer.mask, expected)
    outside = answer.mask[row0:row1, col0:col1] | (crop < 0.5)
    np.testing.assert_array_equal(answer.crop[outside], crop[outside])


def test_a_negative_area_changes_nothing_beside_it():
    shrunk = cut(np.s_[:, 25:])  # the network gives up more than it was asked to
    before, answer = (
        Prediction(SHAPE, (0, 0, *SHAPE), np.where(mask, 0.9, 0.1), 0.5)
        for mask in (ALL, shrunk)
    )
    prompts = Prompts([Click(20, 20)], [HERE])
    kept = keep_prompted_changes(answer, before, prompts, PromptStyle(3))
    np.testing.assert_array_equal(kept.mask, ALL)
    cleared = clear_negative_areas(kept, prompts)
    np.testing.assert_array_equal(cleared.mask, cut(RIGHT))


# the embedded model, on real objects half of which are forbidden


@dataclass(frozen=True)
class Halved:
    features: object
    click: Click
    area: Box
    inside: np.ndarray
    kept: np.ndarray


def images():
    sample = load_sample("nuclei_2d")
    yield sample.image, sample.labels
    data = Path(__file__).parents[1] / "data"
    for name in ("axon_sem", "dsb2018", "usiigaci"):
        yield next(iter(read_pairs(data / name, max_objects=None, min_area_px=200)))


@pytest.fixture(scope="module")
def lite():
    return Predictor(load_model("segnext-lite"), device="cpu")


@pytest.fixture(scope="module")
def halved(lite):
    """Objects, a click on their left half, and a negative box over the right one."""
    found = []
    for image, labels in images():
        features = lite.encode(image)
        ids, sizes = np.unique(labels[labels > 0], return_counts=True)
        for label in ids[sizes >= 200][:2]:
            rows, cols = np.nonzero(labels == label)
            middle = int(np.median(cols))
            kept = labels == label
            kept[:, middle:] = False
            depth = ndimage.distance_transform_edt(np.pad(kept, 1))[1:-1, 1:-1]
            row, col = np.unravel_index(depth.argmax(), depth.shape)
            area = Box(rows.min() - 3, middle, rows.max() + 3, cols.max() + 3, False)
            inside = np.zeros(labels.shape, bool)
            top = max(rows.min() - 3, 0)
            inside[top : rows.max() + 4, middle : cols.max() + 4] = True
            found.append(Halved(features, Click(row, col), area, inside, kept))
    return found


@pytest.mark.parametrize("fed_back", [False, True])
def test_nothing_of_an_answer_lies_in_a_negative_box(lite, halved, fed_back):
    leaked = 0
    for case in halved:
        first = lite.predict(case.features, Prompts([case.click]))
        leaked += (first.mask & case.inside).any()
        both = Prompts([case.click], [case.area])
        answer = lite.predict(case.features, both, first if fed_back else None)
        assert not (answer.mask & case.inside).any()
        assert answer.mask[round(case.click.row), round(case.click.col)]
    assert leaked >= 6  # without the box, answers do lie there


def test_the_other_half_stays(lite, halved):
    scores = []
    for case in halved:
        first = lite.predict(case.features, Prompts([case.click]))
        both = Prompts([case.click], [case.area])
        mask = lite.predict(case.features, both, first).mask
        scores.append((mask & case.kept).sum() / (mask | case.kept).sum())
    assert np.median(scores) > 0.7


def test_the_papers_squash_is_left_as_published(halved):
    whole = Predictor(load_model("segnext-lite"), device="cpu", window="whole")
    inside = 0
    for case in halved:
        both = Prompts([case.click], [case.area])
        features = whole.encode(case.features.plane)
        inside += (whole.predict(features, both).mask & case.inside).sum()
    assert inside > 0
