"""Whole images: the same figures in any number of processes, and none is lost."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from scripted_models import Painter, Quitter, Stumbler, squares
from test_items import write_set, write_stack

from napari_segnext.errors import SegNextError
from napari_segnext.evaluation.benchmark import Settings, make_jobs, measure_all
from napari_segnext.evaluation.items import find_items
from napari_segnext.evaluation.publish import (
    ObjectsFile,
    make_page,
    plot_all,
    write_tables,
)
from napari_segnext.evaluation.scoring import StopRule

SETTINGS = Settings(StopRule(max_clicks=4))


def measure(folder, make=Painter, settings=SETTINGS, processes=1):
    jobs = make_jobs(find_items(folder), settings)
    return list(measure_all(jobs, make, settings, processes))


@pytest.fixture
def data(tmp_path):
    write_set(tmp_path / "cells", squares(), ("a", "b"))
    write_stack(tmp_path / "stacks", "one", 3)
    return tmp_path


def test_every_object_is_measured_on_planes_and_on_crops(data):
    first, *_ = measure(data)
    assert [(it.view, it.label) for it in first.objects] == [
        *(("plane", label) for label in (3, 7, 8)),
        *(("crop", label) for label in (3, 7, 8)),
    ]
    on_plane, on_crop = first.objects[0], first.objects[3]
    assert on_plane.ious == on_crop.ious == (1.0,)
    assert on_plane.area_px == on_crop.area_px == 121


def test_slices_are_handed_on_where_there_is_one_before(data):
    results = measure(data)
    transfers = [one.transfers for one in results]
    assert [len(found) for found in transfers] == [0, 0, 0, 3, 3]
    by_label = {it.label: it for it in transfers[3]}
    assert by_label[7].copied_iou == 1
    assert by_label[3].copied_iou == pytest.approx(110 / 132)  # shifted by one of 11


def test_few_objects_are_drawn_by_the_seed(data):
    labels = [
        [it.label for it in measure(data, settings=settings)[0].objects]
        for settings in (
            replace(SETTINGS, objects=1, views=("plane",), seed=seed)
            for seed in (0, 0, *range(1, 6))
        )
    ]
    assert all(len(found) == 1 for found in labels)
    assert labels[0] == labels[1]
    assert len({found[0] for found in labels}) > 1


def white_image(data):
    write_set(data / "cells", squares(), ("aa",))
    tifffile.imwrite(data / "cells/images/b.tif", np.full((60, 90, 3), 255, np.uint8))
    (data / "cells/images/b.png").unlink()


def test_an_image_that_crashes_loses_no_other(data):
    white_image(data)
    results = measure(data, Stumbler)
    errors = [one.error for one in results]
    assert errors == ["", "", "RuntimeError: nothing but white", "", "", ""]
    assert all(len(one.objects) == 6 for one in results if not one.error)


def test_two_processes_find_what_one_finds_even_if_one_of_them_dies(data):
    white_image(data)
    settings = replace(SETTINGS, baselines=2)
    alone = measure(data, Stumbler, settings)
    together = measure(data, Quitter, settings, processes=2)
    assert alone[2].error
    assert together[2].error == "its process ended with exit code 3"
    assert [*alone[:2], *alone[3:]] == [*together[:2], *together[3:]]


def test_an_image_that_is_none_is_told(data):
    (data / "cells/labels/a.png").write_bytes(b"nothing")
    results = measure(data, settings=replace(SETTINGS, baselines=1))
    assert "a.png' cannot be read" in results[0].error
    assert all(one.objects for one in results[1:])


def test_no_process_at_all_is_refused(data):
    with pytest.raises(SegNextError, match="1 or more"):
        measure(data, processes=0)


def test_classical_tools_get_some_objects_of_each_set(data):
    results = measure(data, settings=replace(SETTINGS, views=("plane",), baselines=2))
    drawn = {
        group: {
            (one.item.name, it.label)
            for one in results
            if one.item.group == group
            for it in one.baselines
        }
        for group in ("cells", "stacks")
    }
    assert [len(found) for found in drawn.values()] == [2, 2]
    assert all(it.view == "plane" for one in results for it in one.objects)
    scores = next(one.baselines for one in results if one.baselines)
    assert [it.method for it in scores][:3] == ["model", "random walker", "watershed"]


def test_the_report_is_written(data, tmp_path):
    white_image(data)
    settings = replace(SETTINGS, baselines=2)
    results = measure(data, Stumbler, settings)
    out = tmp_path / "out"
    file = ObjectsFile(out, settings.rule.max_clicks)
    for one in results:
        file.add(one)
    file.close()
    write_tables(out, results, settings)
    page = make_page(results, settings, "a model", "cells")
    names = plot_all(out, results, settings)
    assert names == ["clicks.png", "prompts.png", "baselines.png"]
    for name in names:
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    for heading in (
        "# Benchmark of a model",
        "## Clicks on whole planes",
        "## IoU after one prompt on object-centred crops",
        "## From slice to slice",
        "## Beside classical tools",
        "## 1 images could not be measured",
        "- cells, b: RuntimeError: nothing but white",
    ):
        assert heading in page
    objects = read_csv(out / "objects.csv")
    assert len(objects) == sum(len(one.objects) for one in results)
    first = results[0].objects[1]
    assert [float(objects[1][f"iou_{k}"]) for k in (1, 2)] == pytest.approx(
        first.ious[:2], abs=1e-6
    )
    assert len(read_csv(out / "transfer.csv")) == 6
    assert {row["method"] for row in read_csv(out / "baselines.csv")} >= {"model"}
    summary = {
        (row["view"], row["set"], row["figure"]): row["value"]
        for row in read_csv(out / "summary.csv")
    }
    assert float(summary["plane", "cells", "objects"]) == 6


def read_csv(path):
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(SegNextError, match="cannot be written"):
        ObjectsFile(tmp_path / "out", 4)
