"""What the network sees: exactly what it got for the answer, lying where it belongs."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import torch

from napari_segnext.core.lite import LiteConfig, SegNextLite
from napari_segnext.core.models import Model, load_model
from napari_segnext.core.predictor import Predictor
from napari_segnext.core.prompt_map import PromptStyle
from napari_segnext.core.prompts import Box, Click, Mask, Polygon, Prompts, Scribble
from napari_segnext.errors import Cancelled, PromptError, SegNextError


@dataclass
class Spy:
    """The network, and what it was given: each encoding's input, each prompt map."""

    network: object
    images: list = field(default_factory=list)
    decoded: list = field(default_factory=list)

    def encode(self, image, should_stop=None):
        tensors = self.network.encode(image, should_stop)
        self.images.append((tensors, image.clone()))
        return tensors

    def decode(self, tensors, maps):
        image = next(
            image
            for known, image in self.images
            if all(one is other for one, other in zip(known, tensors, strict=True))
        )
        self.decoded.append((image, maps.clone()))
        return self.network.decode(tensors, maps)


def spied(model, window=None):
    predictor = Predictor(model, device="cpu", window=window)
    predictor._windows.network = Spy(predictor._windows.network)
    return predictor


def tiny_model():
    torch.manual_seed(0)
    network = SegNextLite(LiteConfig(64, 8, 8, 16, 1, 1, 1, 2))
    return Model(
        name="tiny",
        network=network.eval().requires_grad_(False),
        kind="lite",
        config={},
        threshold=0.5,
        style=PromptStyle(3, area_value=0.5),
        digest="tiny",
        default_window="auto",
        mean=(0.3, 0.5, 0.6),
        std=(0.2, 0.5, 0.25),
        size=64,
    )


def cells(shape=(300, 420)):
    """Bright blobs of several sizes on a dark ground."""
    rows, cols = np.indices(shape)
    image = np.random.default_rng(1).normal(100, 5, shape)
    for row, col, radius in ((40, 50, 6), (150, 200, 40), (80, 350, 15)):
        image[(rows - row) ** 2 + (cols - col) ** 2 <= radius**2] += 200
    return image.astype(np.float32)


@pytest.fixture(scope="module")
def lite():
    return load_model("segnext-lite")


BODY = np.zeros((300, 420), bool)
BODY[120:180, 170:230] = True
PROMPTS = {
    "a click on a small object, looked at again": Prompts([Click(40, 50)]),
    "a click on a large object": Prompts([Click(150, 200)]),
    "positive and negative": Prompts([Click(80, 350), Click(80, 380, False)]),
    "a box": Prompts(boxes=[Box(60, 330, 100, 370)]),
    "a polygon and a scribble": Prompts(
        polygons=[Polygon([(100, 150), (200, 150), (150, 260)])],
        scribbles=[Scribble([(150, 180), (150, 220)], width=5)],
    ),
    "a mask": Prompts([Click(150, 200)], mask=Mask.from_array(BODY)),
}


CASES = [
    *(("auto", name) for name in PROMPTS),
    ("whole", "positive and negative"),
    ("whole", "a mask"),
]


@pytest.mark.parametrize(("window", "name"), CASES)
def test_it_is_what_the_network_got_for_the_answer(lite, window, name):
    predictor = spied(lite, window)
    features = predictor.encode(cells())
    spy = predictor._windows.network
    predictor.predict(features, PROMPTS[name])
    image, maps = spy.decoded[-1]

    seen = predictor.look(features, PROMPTS[name])

    assert spy.decoded[-1][0] is image  # the same window
    np.testing.assert_array_equal(seen.prompt_map, maps[0].numpy())
    mean, std = (np.array(values, np.float32) for values in (lite.mean, lite.std))
    fed = ((seen.image - mean) / std).transpose(2, 0, 1)
    np.testing.assert_allclose(fed, image[0].numpy(), atol=1e-5)
    assert seen.image.shape == (lite.size, lite.size, 3)
    assert seen.image.dtype == seen.prompt_map.dtype == np.float32
    assert seen.image.min() >= 0
    assert seen.image.max() <= 1


def test_with_an_answer_fed_back_it_is_in_the_map(lite):
    predictor = spied(lite)
    features = predictor.encode(cells())
    first = predictor.predict(features, Prompts([Click(150, 200)]))
    both = Prompts([Click(150, 200), Click(110, 200, positive=False)])
    predictor.predict(features, both, first)

    seen = predictor.look(features, both, first)

    fed = predictor._windows.network.decoded[-1][1][0].numpy()
    np.testing.assert_array_equal(seen.prompt_map, fed)
    assert seen.prompt_map[0].max() > 0.9


def test_a_small_object_is_seen_through_the_last_of_several_windows(lite):
    predictor = spied(lite)
    features = predictor.encode(cells())
    predictor.predict(features, PROMPTS["a click on a small object, looked at again"])
    assert len(predictor._windows.network.decoded) > 1
    seen = predictor.look(features, Prompts([Click(40, 50)]))
    assert seen.step < (1, 1)


@pytest.mark.parametrize("click", [(40, 50), (150, 200), (299, 419)])
def test_a_pixel_of_the_input_lies_where_origin_and_step_say(lite, click):
    predictor = Predictor(lite, device="cpu")
    seen = predictor.look(predictor.encode(cells()), Prompts([Click(*click)]))
    rows, cols = np.nonzero(seen.prompt_map[1])
    middle = np.array([rows.mean(), cols.mean()])
    found = np.array(seen.origin) + np.array(seen.step) * middle
    # a disk is drawn on whole pixels of the input, and cut at the plane's corner
    reach = 3 if click == (299, 419) else 1
    np.testing.assert_allclose(found, click, atol=reach * max(seen.step))


@pytest.mark.parametrize(
    ("window", "shape"),
    [
        ("auto", (300, 420)),
        ("auto", (50, 30)),
        ("auto", (700, 700)),
        ("whole", (300, 420)),
    ],
)
def test_the_image_lies_where_origin_and_step_say(lite, window, shape):
    rows, cols = (grid.astype(np.float32) for grid in np.indices(shape))
    plane = np.stack([rows, cols, rows + cols], -1)
    predictor = Predictor(lite, device="cpu", window=window)
    most = float(max(plane.shape))
    features = predictor.encode(plane, (0.0, most))
    click = Prompts([Click(shape[0] / 2, shape[1] / 2)])
    seen = predictor.look(features, click)

    index = np.indices(seen.image.shape[:2])
    origin, step = np.array(seen.origin), np.array(seen.step)
    where = origin[:, None, None] + step[:, None, None] * index
    shown = seen.image[..., :2].transpose(2, 0, 1) * most
    ends = np.array(shape)[:, None, None] - 1
    inside = ((where > step.max()) & (where < ends - step.max())).all(axis=0)
    assert inside.sum() > 100
    np.testing.assert_allclose(shown[:, inside], where[:, inside], atol=1e-2)


def test_beyond_the_plane_it_is_the_models_grey():
    model = tiny_model()
    predictor = Predictor(model, device="cpu")
    plane = np.full((20, 30), 7, np.uint8)
    seen = predictor.look(predictor.encode(plane, (0, 7)), Prompts([Click(10, 15)]))
    row0, col0, row1, col1 = seen.region
    assert (row0, col0) == (0, 0)
    assert row1 > 20
    assert col1 > 30
    height, width = (round(size / seen.step[0]) for size in plane.shape)
    bright = seen.image[: height - 1, : width - 1]  # what lies between is both
    np.testing.assert_allclose(bright, 1, atol=1e-6)
    grey = seen.image[height + 1 :, width + 1 :]
    np.testing.assert_allclose(grey, np.broadcast_to(model.mean, grey.shape), atol=1e-6)


def test_negative_prompts_alone_are_shown_though_nobody_is_asked():
    predictor = spied(tiny_model())
    features = predictor.encode(cells())
    prompts = Prompts([Click(40, 50, positive=False)])
    seen = predictor.look(features, prompts)
    assert predictor._windows.network.decoded == []
    assert seen.prompt_map[2].any()
    assert not seen.prompt_map[:2].any()


def test_looking_changes_no_answer(lite):
    predictor = Predictor(lite, device="cpu")
    features = predictor.encode(cells())
    before = predictor.predict(features, PROMPTS["a box"])
    predictor.look(features, PROMPTS["a click on a large object"])
    after = predictor.predict(features, PROMPTS["a box"])
    np.testing.assert_array_equal(before.crop, after.crop)


def test_what_cannot_be_predicted_cannot_be_looked_at():
    predictor = Predictor(tiny_model(), device="cpu")
    features = predictor.encode(cells())
    with pytest.raises(PromptError, match="lies outside the plane"):
        predictor.look(features, Prompts([Click(1000, 0)]))
    other = Predictor(replace(tiny_model(), digest="other"), device="cpu")
    with pytest.raises(SegNextError, match="another model"):
        other.look(features, Prompts([Click(1, 1)]))
    with pytest.raises(Cancelled):
        predictor.look(features, Prompts([Click(1, 1)]), should_stop=lambda: True)


class TwoBlobs:
    """Always answers the same two squares."""

    def encode(self, image, should_stop=None):
        return (image,)

    def decode(self, tensors, maps):
        logits = torch.full((len(maps), 1, 64, 64), -5.0)
        logits[..., 10:15, 10:15] = logits[..., 40:45, 40:45] = 5.0
        return logits


def test_the_papers_squash_gives_the_networks_own_answer():
    """Dropping parts is for windows; a small object must not switch it on here."""
    predictor = Predictor(tiny_model(), device="cpu", window="whole")
    predictor._windows.network = TwoBlobs()
    features = predictor.encode(np.zeros((64, 64), np.uint8))
    answer = predictor.predict(features, Prompts([Click(12, 12)]))
    assert answer.mask[12, 12]
    assert answer.mask[42, 42]
