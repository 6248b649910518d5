"""Pictures of the worst objects show those, and say why they cannot be drawn."""

from pathlib import Path

import numpy as np
import pytest
from scripted_models import Painter
from skimage.io import imread
from test_items import write_set

import napari_segnext as ns
from napari_segnext.errors import SegNextError
from napari_segnext.evaluation.benchmark import (
    ItemScores,
    Settings,
    make_jobs,
    measure_all,
)
from napari_segnext.evaluation.figures import Column
from napari_segnext.evaluation.items import Item, find_items
from napari_segnext.evaluation.pictures import draw_worst, find_worst
from napari_segnext.evaluation.scoring import ObjectScores, StopRule

DATA = Path(__file__).parents[1] / "data" / "dsb2018"


def scores(name, **ious):
    item = Item("set", "set", name, Path(name), Path(name))
    found = [ObjectScores("plane", int(k[1:]), 50, v) for k, v in ious.items()]
    return ItemScores(item, found)


def test_the_worst_after_three_clicks_come_first_one_of_each_image():
    column = Column(
        "set",
        (
            scores("a", o1=(0.1, 0.2, 0.9, 0.1), o2=(0.9, 0.9, 0.5)),
            scores("b", o1=(0.1, 0.2, 0.3), o2=(0.2, 0.1, 0.2)),
            scores("c", o7=(0.95,)),
            scores("nothing"),
        ),
        counts=True,
    )
    worst = [(item.name, label) for item, label in find_worst(column, 9)]
    assert worst == [("b", 2), ("a", 2), ("c", 7)]
    assert len(find_worst(column, 2)) == 2


def test_objects_seen_only_in_crops_are_not_drawn():
    one = scores("a")
    one.objects.append(ObjectScores("crop", 1, 50, (0.1,)))
    assert find_worst(Column("set", (one,), counts=True), 3) == []


def test_a_picture_of_real_objects_is_written(tmp_path):
    predictor = ns.Predictor(ns.load_model("segnext-lite"))
    settings = Settings(StopRule(max_clicks=1), objects=1, views=("plane",))
    jobs = make_jobs(find_items(DATA)[:2], settings)
    results = list(measure_all(jobs, lambda: predictor, settings))
    path = tmp_path / "worst.png"
    draw_worst(path, results, predictor, count=2)
    picture = imread(path)
    assert picture.shape[1] > picture.shape[0] > 100
    orange = (picture[..., 0] > 200) & (picture[..., 2] < 60)  # the answers' outlines
    assert orange.sum() > 50


def test_a_plane_of_one_row_is_drawn(tmp_path):
    labels = np.zeros((1, 200), np.uint8)
    labels[0, :80] = 1
    write_set(tmp_path / "rows", labels)
    settings = Settings(StopRule(max_clicks=1), views=("plane",))
    jobs = make_jobs(find_items(tmp_path), settings)
    results = list(measure_all(jobs, Painter, settings))
    draw_worst(tmp_path / "worst.png", results, Painter())
    assert (tmp_path / "worst.png").read_bytes().startswith(b"\x89PNG")


def test_no_object_on_a_whole_plane_is_said(tmp_path):
    predictor = ns.Predictor(ns.load_model("segnext-lite"))
    with pytest.raises(SegNextError, match="--protocol"):
        draw_worst(tmp_path / "worst.png", [scores("a")], predictor)
