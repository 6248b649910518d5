"""Encode once, predict many: pure, batched, through windows or the paper's squash."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_segnext.core.features import FeatureCache
from napari_segnext.core.lite import LiteConfig, SegNextLite
from napari_segnext.core.models import Model, load_model
from napari_segnext.core.prediction import Prediction
from napari_segnext.core.predictor import Predictor
from napari_segnext.core.prompt_map import PromptStyle
from napari_segnext.core.prompts import Box, Click, Polygon, Prompts, Scribble
from napari_segnext.errors import Cancelled, ImageError, PromptError, SegNextError

RNG = np.random.default_rng(3)
IMAGE = RNG.random((90, 120)).astype(np.float32)
CLICK = Prompts(clicks=[Click(40, 50)])


def tiny_model(seed=0, **changes):
    torch.manual_seed(seed)
    config = LiteConfig(64, 8, 8, 16, 1, 1, 1, 2)
    network = SegNextLite(config).eval().requires_grad_(False)
    model = Model(
        name="tiny",
        network=network,
        kind="lite",
        config={},
        threshold=0.5,
        style=PromptStyle(3, area_value=0.5),
        digest=f"tiny{seed}",
        default_window="auto",
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        size=64,
    )
    return replace(model, **changes)


@pytest.fixture(scope="module")
def predictor():
    return Predictor(tiny_model(), device="cpu")


@pytest.fixture(scope="module")
def lite():
    return Predictor(load_model("segnext-lite"), device="cpu")


@pytest.mark.parametrize("window", ["auto", "whole"])
def test_same_arguments_give_the_same_answer_whatever_came_before(window):
    predictor = Predictor(tiny_model(), device="cpu", window=window)
    features = predictor.encode(IMAGE)
    first = predictor.predict(features, CLICK)
    predictor.predict(features, Prompts(boxes=[Box(0, 0, 80, 110)]), previous=first)
    predictor.predict(features, Prompts(clicks=[Click(1, 1)]))
    again = predictor.predict(features, CLICK)
    fresh = predictor.predict(predictor.encode(IMAGE, near=(2, 2)), CLICK)
    for other in (again, fresh):
        assert other.region == first.region
        np.testing.assert_array_equal(other.crop, first.crop)


def test_changing_the_image_later_does_not_change_answers(predictor):
    plane = IMAGE.copy()
    features = predictor.encode(plane)
    before = predictor.predict(predictor.encode(IMAGE), CLICK)
    plane[:] = 0
    np.testing.assert_array_equal(predictor.predict(features, CLICK).crop, before.crop)


def test_full_plane_is_the_crop_in_its_region(predictor):
    answer = predictor.predict(predictor.encode(IMAGE), CLICK)
    row0, col0, row1, col1 = answer.region
    plane = answer.probability
    assert plane.shape == answer.mask.shape == IMAGE.shape
    assert plane.dtype == np.float32
    np.testing.assert_array_equal(plane[row0:row1, col0:col1], answer.crop)
    assert np.count_nonzero(plane) <= answer.crop.size
    np.testing.assert_array_equal(answer.mask, plane > 0.5)


def test_many_objects_in_one_go_equal_one_by_one(predictor):
    features = predictor.encode(IMAGE)
    several = [
        Prompts(clicks=[Click(int(row), int(col))])
        for row, col in RNG.integers(0, 90, (11, 2))
    ]
    several.append(Prompts(clicks=[Click(3, 3, False)]))
    together = predictor.predict_many(features, several)
    for prompts, answer in zip(several, together, strict=True):
        alone = predictor.predict(features, prompts)
        assert alone.region == answer.region
        np.testing.assert_allclose(alone.crop, answer.crop, atol=1e-5)


def test_only_negative_prompts_give_an_empty_answer(predictor):
    features = predictor.encode(IMAGE)
    answer = predictor.predict(features, Prompts(clicks=[Click(4, 4, False)]))
    assert not answer.probability.any()


SHAPES = [(1, 1), (1, 300), (300, 1), (5, 2000), (63, 65), (257, 256)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("window", ["auto", "whole"])
def test_any_shape_of_plane_is_answered(shape, window):
    predictor = Predictor(tiny_model(), device="cpu", window=window)
    features = predictor.encode(RNG.random(shape))
    last = Click(shape[0] - 1, shape[1] - 1)
    answer = predictor.predict(features, Prompts(clicks=[last]))
    again = predictor.predict(features, Prompts(clicks=[last]), previous=answer)
    assert again.probability.shape == shape
    assert np.isfinite(again.crop).all()


@pytest.mark.parametrize("kind", ["bool", "uint8", "int16", "uint64", "float16"])
def test_any_dtype_is_answered(kind, predictor):
    plane = (IMAGE * 100).astype(kind)
    assert predictor.predict(predictor.encode(plane), CLICK).shape == IMAGE.shape


def test_nan_is_replaced_with_a_warning(predictor):
    plane = IMAGE.copy()
    plane[3, 3] = np.nan
    plane[4, 4] = np.inf
    with pytest.warns(UserWarning, match="NaN or infinite"):
        features = predictor.encode(plane)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isfinite(predictor.predict(features, CLICK).crop).all()


def test_contrast_limits_take_part_in_the_answer(predictor):
    normal = predictor.predict(predictor.encode(IMAGE), CLICK)
    dark = predictor.predict(predictor.encode(IMAGE, contrast_limits=(0, 50)), CLICK)
    assert np.abs(normal.crop.mean() - dark.crop.mean()) > 1e-6


def test_previous_as_array_or_prediction_is_the_same(predictor):
    features = predictor.encode(IMAGE)
    before = predictor.predict(features, CLICK)
    more = CLICK.add(Click(60, 60))
    given = predictor.predict(features, more, previous=before)
    array = predictor.predict(features, more, previous=before.probability)
    assert given.region == array.region
    np.testing.assert_allclose(given.crop, array.crop, atol=1e-5)


@pytest.mark.parametrize(
    "prompts",
    [
        Prompts(boxes=[Box(10, 10, 40, 60)]),
        Prompts(polygons=[Polygon([(10, 10), (10, 60), (60, 30)])]),
        Prompts(scribbles=[Scribble([(10, 10), (40, 60)], width=4)]),
        Prompts(mask=IMAGE > 0.9),
        Prompts(mask=IMAGE, clicks=[Click(3, 3, False)]),
    ],
)
@pytest.mark.parametrize("window", ["auto", "whole"])
def test_every_type_of_prompt_is_answered(prompts, window):
    predictor = Predictor(tiny_model(), device="cpu", window=window)
    answer = predictor.predict(predictor.encode(IMAGE), prompts)
    assert answer.crop.size > 0
    assert 0 <= answer.crop.min() <= answer.crop.max() <= 1


def test_a_window_far_from_the_object_is_not_looked_at(predictor):
    features = predictor.encode(np.zeros((2048, 2048), np.uint16), near=(100, 100))
    assert len(features.windows) == 1
    answer = predictor.predict(features, Prompts(clicks=[Click(100, 100)]))
    assert answer.region[2] <= 512


ERRORS = {
    "no prompts": (lambda p, f: p.predict(f, Prompts()), PromptError),
    "outside": (
        lambda p, f: p.predict(f, Prompts(clicks=[Click(90, 5)])),
        PromptError,
    ),
    "wrong previous": (
        lambda p, f: p.predict(f, CLICK, previous=np.zeros((3, 3))),
        PromptError,
    ),
    "previous of another plane": (
        lambda p, f: p.predict(
            f, CLICK, previous=Prediction((3, 3), (0, 0, 3, 3), np.zeros((3, 3)), 0.5)
        ),
        PromptError,
    ),
    "previous for some": (
        lambda p, f: p.predict_many(f, [CLICK, CLICK], [None]),
        PromptError,
    ),
    "near outside": (lambda p, f: p.encode(IMAGE, near=(500, 5)), PromptError),
    "a volume": (lambda p, f: p.encode(np.zeros((9, 9, 9))), ImageError),
    "no pixels": (lambda p, f: p.encode(np.zeros((0, 9))), ImageError),
    "another model": (
        lambda p, f: Predictor(tiny_model(1), device="cpu").predict(f, CLICK),
        SegNextError,
    ),
    "a name": (lambda p, f: Predictor("segnext-lite"), SegNextError),
    "unknown device": (lambda p, f: Predictor(tiny_model(), "toaster"), SegNextError),
    "unknown window": (
        lambda p, f: Predictor(tiny_model(), "cpu", window="small"),
        SegNextError,
    ),
}


@pytest.mark.parametrize(("act", "error"), ERRORS.values(), ids=ERRORS)
def test_user_errors_are_one_clear_sentence(act, error, predictor):
    features = predictor.encode(IMAGE)
    with pytest.raises(error, match=r"[.]$"):
        act(predictor, features)


def test_a_long_encode_can_be_dropped(predictor):
    asked = iter([False, False, True])
    with pytest.raises(Cancelled):
        predictor.encode(IMAGE, should_stop=lambda: next(asked))


def test_feature_cache_drops_the_least_recently_used(predictor):
    features = [predictor.encode(IMAGE + index) for index in range(3)]
    cache = FeatureCache(max_bytes=2 * features[0].nbytes)
    cache.put("a", features[0])
    cache.put("b", features[1])
    assert cache.get("a") is features[0]
    cache.put("c", features[2])
    assert cache.get("b") is None
    assert cache.get("a") is features[0]
    assert len(cache) == 2
    assert cache.nbytes <= cache.max_bytes


INSIDE = {
    "click": Prompts(clicks=[Click(1300, 700)]),
    "scribble": Prompts(scribbles=[Scribble([(1295, 690), (1300, 710)])]),
    "negative box beside it": Prompts(
        clicks=[Click(1300, 700)], boxes=[Box(1290, 760, 1310, 780, positive=False)]
    ),
}
AROUND = {
    "box": Prompts(boxes=[Box(1290, 690, 1310, 710)]),
    "polygon": Prompts(polygons=[Polygon([(1290, 700), (1310, 690), (1310, 710)])]),
}


@pytest.mark.parametrize("prompts", INSIDE.values(), ids=INSIDE)
def test_what_lies_inside_the_object_does_not_tell_its_size(lite, prompts):
    features = lite.encode(np.zeros((2048, 2048), np.uint8))
    before = set(features.windows)
    lite.predict(features, prompts)
    looked = [window for window in features.windows if window not in before]
    assert looked[0].level >= 0


@pytest.mark.parametrize("prompts", AROUND.values(), ids=AROUND)
def test_what_surrounds_the_object_tells_its_size(lite, prompts):
    features = lite.encode(np.zeros((2048, 2048), np.uint8))
    before = set(features.windows)
    lite.predict(features, prompts)
    looked = [window for window in features.windows if window not in before]
    assert looked[0].level == -2


def disks(shape, centres, radius):
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    labels = np.zeros(shape, np.int32)
    for label, (row, col) in enumerate(centres, start=1):
        labels[(rows - row) ** 2 + (cols - col) ** 2 <= radius**2] = label
    return labels


@pytest.mark.parametrize("radius", [6, 10, 30, 90])
def test_embedded_model_finds_a_cell_of_any_size_in_a_camera_frame(lite, radius):
    centre = (1300, 700)
    truth = disks((2048, 2048), [centre, (200, 200), (1800, 1500)], radius)
    rng = np.random.default_rng(0)
    image = rng.normal(200, 20, truth.shape) + 400 * (truth > 0)
    features = lite.encode(image.astype(np.uint16), near=centre)
    answer = lite.predict(features, Prompts(clicks=[Click(*centre)])).mask
    target = truth == 1
    overlap = (answer & target).sum() / (answer | target).sum()
    assert overlap > 0.8


class _Scripted(torch.nn.Module):
    """Answers everything with one mask, whatever the prompts."""

    def __init__(self, mask):
        super().__init__()
        self.logits = torch.from_numpy(np.where(mask, 9.0, -9.0).astype(np.float32))

    def encode(self, image, should_stop=None):
        return (image,)

    def decode(self, features, maps):
        return self.logits[None, None].expand(len(maps), -1, -1, -1)


OBJECT = np.zeros((64, 64), bool)
OBJECT[4:60, 2:20] = True  # so long that no closer window is looked through
ISLAND = np.zeros((64, 64), bool)
ISLAND[30:40, 45:55] = True
LOWER = OBJECT & (np.arange(64) >= 32)[:, None]


def scripted(mask, window):
    predictor = Predictor(tiny_model(network=_Scripted(mask)), "cpu", window=window)
    return predictor, predictor.encode(np.zeros((64, 64), np.float32))


@pytest.mark.parametrize(
    ("window", "expected"), [("auto", OBJECT), ("whole", OBJECT | ISLAND)]
)
def test_parts_that_nobody_pointed_at_are_dropped_but_not_by_the_papers_squash(
    window, expected
):
    predictor, features = scripted(OBJECT | ISLAND, window)
    answer = predictor.predict(features, Prompts(clicks=[Click(10, 10)]))
    np.testing.assert_array_equal(answer.mask, expected)


@pytest.mark.parametrize(
    ("window", "expected"), [("auto", OBJECT), ("whole", OBJECT & ~LOWER)]
)
def test_a_correction_changes_only_what_it_touches_but_in_the_papers_squash(
    window, expected
):
    predictor, features = scripted(OBJECT & ~LOWER, window)
    prompts = Prompts(clicks=[Click(10, 10), Click(20, 10)])
    answer = predictor.predict(features, prompts, OBJECT.astype(np.float32))
    np.testing.assert_array_equal(answer.mask, expected)


def test_the_embedded_model_knows_how_wide_its_strokes_may_be(lite):
    """Wide brushes on small objects were answered with the stroke itself."""
    truth = np.zeros((200, 200), bool)
    truth[90:110, 90:110] = True
    image = np.random.default_rng(0).normal(60, 10, truth.shape) + 100 * truth
    features = lite.encode(image.astype(np.float32))
    for width in (1, 9, 14):
        stroke = Scribble([(95, 95), (104, 105)], width=width)
        found = lite.predict(features, Prompts(scribbles=[stroke])).mask
        assert (found & truth).sum() / (found | truth).sum() > 0.8
