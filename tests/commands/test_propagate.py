"""`napari-segnext propagate`: what it writes, and what it says is wrong."""

from __future__ import annotations

import csv
import json
import re
import shlex
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
import zarr
from tubes import (
    KEY,
    PROMPTS,
    SHAPE,
    BrightPredictor,
    go,
    make_job,
    make_stack,
    make_truth,
    read_labels,
    truth_keys,
    write_inputs,
    write_keys,
)

from napari_segnext.cli import main, make_parser
from napari_segnext.commands.propagation import planes, writing
from napari_segnext.commands.propagation.keys import read_given
from napari_segnext.commands.propagation.running import run_job
from napari_segnext.commands.propagation.stacks import open_stack
from napari_segnext.core.features import Features
from napari_segnext.core.propagation import Slice, Step, propagate
from napari_segnext.errors import PromptError

if TYPE_CHECKING:
    from collections.abc import Iterator

TRUTH = make_truth()


@pytest.mark.parametrize("name", ["labels.zarr", "labels.tif"])
def test_labels_hold_keys_and_what_propagation_finds(tmp_path: Path, name: str) -> None:
    write_inputs(tmp_path)
    go(tmp_path, name, prompts=write_keys(tmp_path))
    labels = read_labels(tmp_path / name)

    expected = np.zeros(SHAPE, np.uint16)
    keys, stack = truth_keys(), make_stack()
    limits = make_job(tmp_path).stack.sample().limits
    assert limits is not None
    steps = propagate(
        BrightPredictor(),
        lambda index, _: Features(stack[index], (limits,), "bright"),
        keys,
        range(SHAPE[0]),
    )
    for label, masks in keys.items():
        for index, mask in masks.items():
            expected[index][mask] = label
    for step in steps:
        for label, answer in step.answers.items():
            plane = expected[step.index]
            plane[plane == label] = 0
            plane[answer.mask(SHAPE[1:]) & (plane == 0)] = label
    np.testing.assert_array_equal(labels, expected)
    # and that is right: the tubes are found, also those that touch, and end
    assert (labels == TRUTH).mean() > 0.99
    for label in (1, 2, 3, 7):
        on = np.flatnonzero((labels == label).any(axis=(1, 2)))
        np.testing.assert_array_equal(
            on, np.flatnonzero((TRUTH == label).any(axis=(1, 2)))
        )
    # the keys are what was given, to the pixel
    for label, masks in keys.items():
        for index, mask in masks.items():
            np.testing.assert_array_equal(labels[index] == label, mask)


@pytest.mark.parametrize("axis", [1, 2])
def test_another_axis_is_the_transposed_stack(tmp_path: Path, axis: int) -> None:
    write_inputs(tmp_path)
    go(tmp_path, "z.tif", prompts=write_keys(tmp_path))
    for name in ("stack.npy", "keys.npy"):
        np.save(tmp_path / name, np.moveaxis(np.load(tmp_path / name), 0, axis))
    for name in ("turned.tif", "turned.zarr"):
        go(tmp_path, name, prompts=tmp_path / "keys.npy", axis=axis)
        turned = np.moveaxis(read_labels(tmp_path / name), axis, 0)
        np.testing.assert_array_equal(turned, read_labels(tmp_path / "z.tif"))


def test_only_the_slices_asked_for_and_keys_are_written(tmp_path: Path) -> None:
    write_inputs(tmp_path)
    go(tmp_path, slices=range(4, 8))
    labels = read_labels(tmp_path / "labels.zarr")
    written = np.flatnonzero(labels.any(axis=(1, 2)))
    assert written.tolist() == [4, 5, 6, 7, 10]


def test_objects_that_share_a_keyed_slice_share_its_pixels(tmp_path: Path) -> None:
    write_inputs(tmp_path)
    go(tmp_path)
    labels = read_labels(tmp_path / "labels.zarr")
    # the predictor answers both tubes for each click: the nearer click wins
    assert (labels[KEY] == 2).sum() == pytest.approx((TRUTH[KEY] == 2).sum(), abs=8)
    assert (labels[KEY] == 3).sum() == pytest.approx((TRUTH[KEY] == 3).sum(), abs=8)


def test_negative_prompts_alone_say_that_the_object_is_not_there(
    tmp_path: Path,
) -> None:
    one = {"clicks": [{"row": 25, "col": 18}]}
    no = {"clicks": [{"row": 25, "col": 18, "positive": False}]}
    write_inputs(tmp_path, {"objects": [{"slices": {"5": one, "8": no}}]})
    go(tmp_path)
    on = np.flatnonzero(read_labels(tmp_path / "labels.zarr").any(axis=(1, 2)))
    assert on.tolist() == list(range(8))


def test_the_older_layout_of_prompts_says_the_same(tmp_path: Path) -> None:
    one, other = CLICK, {"clicks": [{"row": 25, "col": 18}]}
    listed = [
        {"label": 4, "plane": [8], **one},
        {"plane": [5], **other},  # its label is 2, its place in the list
        {"label": 4, "plane": [3], **one},
    ]
    older = {"objects": [{"label": 4, "slices": {"3": one, "8": one}}]}
    older["objects"].append({"slices": {"5": other}})
    stack = open_stack(write_inputs(tmp_path)[0])
    given = []
    for name, content in (("listed.json", listed), ("older.json", older)):
        (tmp_path / name).write_text(json.dumps(content))
        given.append(read_given(tmp_path / name, stack))
    assert given[0].prompts == given[1].prompts
    assert given[0].digest == given[1].digest  # runs that were cut off go on


def test_prompts_that_find_nothing_are_told(tmp_path: Path) -> None:
    dark = {"5": {"clicks": [{"row": 1, "col": 1}]}}
    write_inputs(tmp_path, {"objects": [{"slices": dark}]})
    with pytest.raises(PromptError, match="nothing was found at its prompts on slice"):
        go(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "prompts.json",
        "stack.npy",
    ]


def test_scores_tell_of_every_object_and_slice(tmp_path: Path) -> None:
    write_inputs(tmp_path)
    go(tmp_path, scores=tmp_path / "scores.csv")
    with (tmp_path / "scores.csv").open(encoding="utf-8") as file:
        rows = {
            (int(row["label"]), int(row["slice"])): row for row in csv.DictReader(file)
        }
    labels = read_labels(tmp_path / "labels.zarr")
    present = {
        (int(label), index)
        for index in range(SHAPE[0])
        for label in np.unique(labels[index])
        if label
    }
    assert {place for place, row in rows.items() if row["kind"] != "ended"} == present
    keyed = {place for place, row in rows.items() if row["kind"] == "keyed"}
    assert keyed == {(1, 5), (2, 5), (3, 5), (7, 5), (2, 10), (3, 10)}
    for row in rows.values():
        if row["kind"] == "propagated":
            assert 0 < float(row["score"]) <= 1
        else:
            assert row["score"] == ""
    ended = {place for place, row in rows.items() if row["kind"] == "ended"}
    assert ended == {(1, 1), (1, 10), (7, 2)}  # the others reach the last slices
    assert all("too small" in rows[place]["reason"] for place in ended)


def test_the_file_tells_the_size_of_voxels(tmp_path: Path) -> None:
    write_inputs(tmp_path)
    metadata = {
        "axes": "ZYX",
        "PhysicalSizeZ": 284,
        "PhysicalSizeZUnit": "nm",
        "PhysicalSizeY": 0.127,
        "PhysicalSizeX": 0.127,
    }
    tifffile.imwrite(tmp_path / "o.tif", make_stack(), ome=True, metadata=metadata)
    job = make_job(tmp_path, stack=tmp_path / "o.tif")
    voxel = job.stack.voxel
    job = make_job(tmp_path, stack=tmp_path / "o.tif", voxel=voxel)
    assert job.spacing == pytest.approx(0.284 / 0.127)
    for name in ("labels.tif", "labels.zarr"):
        go(tmp_path, name, stack=tmp_path / "o.tif", voxel=voxel)
    with tifffile.TiffFile(tmp_path / "labels.tif") as file:
        assert 'PhysicalSizeZ="0.284' in file.ome_metadata
        assert file.series[0].axes == "ZYX"
    attributes = zarr.open_array(tmp_path / "labels.zarr", mode="r").attrs
    assert attributes["scale"] == pytest.approx([0.284, 0.127, 0.127])


def test_a_long_lazy_stack_is_read_where_it_is_needed(tmp_path: Path) -> None:
    _, prompts = write_inputs(tmp_path, {"objects": [PROMPTS["objects"][1]]})
    content = json.loads(prompts.read_text().replace('"5"', '"1005"'))
    del content["objects"][0]["slices"]["10"]
    prompts.write_text(json.dumps(content))
    data = zarr.create_array(
        tmp_path / "long.zarr",
        shape=(2000, *SHAPE[1:]),
        chunks=(1, *SHAPE[1:]),
        dtype="uint16",
    )
    data[980:1040] = np.tile(make_stack()[KEY], (60, 1, 1))
    job = make_job(tmp_path, stack=tmp_path / "long.zarr", slices=range(985, 1035))
    read: list[int] = []
    volume = job.stack._volume
    counting = Counting(volume.data, read)
    object.__setattr__(volume, "data", counting)
    run_job(job, BrightPredictor(), progress=False)
    samples = np.round(np.linspace(0, 1999, 8)).astype(int).tolist()
    assert sorted(read) == sorted([*samples, *range(985, 1035)])
    labels = zarr.open_array(tmp_path / "labels.zarr", mode="r")
    assert labels.nchunks_initialized == 50


class Counting:
    """A zarr array that notes every chunk that is read."""

    def __init__(self, array: zarr.Array, read: list[int]) -> None:
        self.shape, self.dtype, self.chunks = array.shape, array.dtype, array.chunks
        self._array, self._read = array, read

    def __getitem__(self, index: tuple[Any, ...]) -> np.ndarray:
        self._read.extend(range(*index[0].indices(self.shape[0])))
        return self._array[index]


def test_memory_does_not_grow_with_the_number_of_slices(
    tmp_path: Path, monkeypatch
) -> None:
    def straight(
        _: Any, features: Any, keys: Any, slices: range, **__: Any
    ) -> Iterator[Step]:
        """Take the keyed mask everywhere: reading and writing alone are measured."""
        ((label, masks),) = keys.items()
        region, crop = (0, 0, *masks[KEY].shape), masks[KEY]
        for index in slices:
            features(index, None)
            if index != KEY:
                answer = Slice(region, crop, 1.0, 1.0, 1.0)
                yield Step(index, {label: answer}, {}, index + 1, len(slices))

    monkeypatch.setattr(writing, "propagate", straight)
    monkeypatch.setattr(planes, "_CACHE_BYTES", 2**17)
    write_inputs(tmp_path, {"objects": [PROMPTS["objects"][0]]})
    slice_bytes = SHAPE[1] * SHAPE[2] * 2
    peaks = []
    for count in (50, 500):
        stack = np.tile(make_stack()[KEY], (count, 1, 1))
        np.save(tmp_path / f"{count}.npy", stack)
        tracemalloc.start()
        go(tmp_path, f"{count}.tif", stack=tmp_path / f"{count}.npy")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert len(read_labels(tmp_path / f"{count}.tif").any(axis=(1, 2))) == count
    # a row of the scores is kept for each slice, but no pixels
    assert peaks[1] - peaks[0] < 450 * slice_bytes / 3


def change(**entries: Any) -> dict[str, Any]:
    return {"objects": [{**PROMPTS["objects"][0], **entries}]}


CLICK = {"clicks": [{"row": 9, "col": 10}]}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("nonsense", "not JSON"),
        ({}, "no list of objects"),
        ([], "holds no object"),
        ({"objects": []}, "holds no object"),
        (change(label=0), "0 is the background"),
        (change(label=-3), "whole numbers from 1"),
        (change(label="a"), "whole numbers from 1"),
        (change(label=2**32), "the largest that fits"),
        ({"objects": [PROMPTS["objects"][0]] * 2}, "twice"),
        ([{"label": 1, "plane": [5], **CLICK}] * 2, "twice on slice 5"),
        ([CLICK], "lies on plane []; give the number of its slice"),
        ([{"plane": [0, 5], **CLICK}], "lies on plane [0, 5]"),
        ([{"plane": 5, **CLICK}], "as a list"),
        ([{"plane": [-1], **CLICK}], "slices 0 to 11 along z"),
        (change(slices={}), "needs planes"),
        (change(plane=[3]), "needs planes"),
        (change(slices={"12": CLICK}), "slices 0 to 11 along z"),
        (change(slices={"-1": CLICK}), "whole numbers from 0"),
        (change(slices={"5": {"clicks": [{"row": 99, "col": 1}]}}), "slice 5: The cli"),
        (change(slices={"5": {"circles": []}}), "Unknown kinds"),
        (change(slices={"5": {}}), "no prompt"),
    ],
)
def test_wrong_prompts_are_one_sentence(
    tmp_path: Path, capsys, content: Any, says: str
) -> None:
    stack, prompts = write_inputs(tmp_path, content)
    if isinstance(content, str):
        prompts.write_text(content)
    out = tmp_path / "labels.zarr"
    arguments = ["propagate", str(stack), "--prompts", str(prompts), "--out", str(out)]
    assert main(arguments) == 1
    told = capsys.readouterr().err
    assert says in told
    assert told.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "prompts.json",
        "stack.npy",
    ]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--out", "{0}/labels.png"], ".zarr or .tif"),
        (["--out", "{0}/nowhere/labels.tif"], "There is no folder"),
        (["--out", "{0}/stack.npy.tif", "--axis", "t"], "use z, y or x"),
        (["--axis", "x", "--prompts", "{0}/deep.json"], "slices 0 to 43 along x"),
        (["--slices", "5"], "--slices is '5'"),
        (["--slices", "8:4"], "A < B <= 12"),
        (["--slices", "0:13"], "A < B <= 12"),
        (["--spacing", "0"], "--spacing is '0'"),
        (["--spacing", "1,2"], "--spacing is '1,2'"),
        (["--dtype", "uint8", "--prompts", "{0}/large.json"], "does not fit"),
        (["--prompts", "{0}/missing.json"], "There is no"),
        (["--prompts", "{0}/empty.npy"], "no labels above 0"),
        (["--prompts", "{0}/small.npy"], "have shape"),
        (["--prompts", "{0}/float.npy"], "float64"),
        (["--prompts", "{0}/minus.npy"], "whole numbers from 1"),
        (["--prompts", "{0}/plane.npy"], "(36, 44)"),
        (["--prompts", "{0}/plane.npy", "--key-slice", "12"], "slices 0 to 11"),
        (["--key-slice", "3"], "names its slices itself"),
        (
            ["--scores", "{0}/stack.npy"],
            "let it end in .csv",
        ),
        (["--scores", "{0}/nowhere/scores.csv"], "choose another --scores"),
        (["--model", "no-such-model"], "no-such-model"),
    ],
)
def test_wrong_options_are_one_sentence(
    tmp_path: Path, capsys, arguments: list[str], says: str
) -> None:
    stack, prompts = write_inputs(tmp_path)
    (tmp_path / "deep.json").write_text(json.dumps(change(slices={"50": CLICK})))
    (tmp_path / "large.json").write_text(json.dumps(change(label=256)))
    ones = np.ones(SHAPE, np.int16)
    for name, array in {
        "empty": 0 * ones,
        "small": ones[:, 1:],
        "float": ones.astype(float),
        "minus": -ones,
        "plane": ones[0],
    }.items():
        np.save(tmp_path / f"{name}.npy", array)
    before = sorted(tmp_path.iterdir())
    given = [part.format(tmp_path) for part in arguments]
    required = ["--prompts", str(prompts), "--out", str(tmp_path / "labels.tif")]
    assert main(["propagate", str(stack), *required, *given]) == 1
    told = capsys.readouterr().err
    assert says in told
    assert told.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def test_the_model_that_ships_propagates_real_nuclei(tmp_path: Path, capsys) -> None:
    folder = Path(__file__).parents[1] / "data" / "stacks"
    truth = tifffile.imread(folder / "plant_1136_mini_labels.tif")[3:8] == 1
    rows, cols = np.nonzero(truth[2])
    click = {"clicks": [{"row": float(rows.mean()), "col": float(cols.mean())}]}
    prompts = tmp_path / "prompts.json"
    prompts.write_text(json.dumps({"objects": [{"slices": {"5": click}}]}))
    out = tmp_path / "labels.zarr"
    stack = folder / "plant_1136_mini.tif"
    arguments = ["propagate", str(stack), "--prompts", str(prompts), "--out", str(out)]
    more = ["--slices", "3:8", "--spacing", "0.284,0.127,0.127"]
    assert main([*arguments, *more]) == 0
    assert "label 1: 5 slices from 3 to 7, 1 of them keyed" in capsys.readouterr().out
    found = read_labels(out)[3:8] == 1
    assert (found & truth).sum() / (found | truth).sum() > 0.7
    assert main([*arguments, *more]) == 0
    assert "was finished before" in capsys.readouterr().out


def test_the_documentation_is_true(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "propagate.md").read_text("utf-8")
    (code,) = re.findall(r'^python -c "(.*)"$', page, re.MULTILINE)
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    (prompts,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    (tmp_path / "prompts.json").write_text(prompts)
    (command,) = re.findall(r"^napari-segnext (propagate nuc.*)$", page, re.MULTILINE)
    arguments = make_parser().parse_args(shlex.split(command))
    stack = open_stack(tmp_path / arguments.stack)
    assert stack.volume_shape == (100, 100, 100)
    given = read_given(tmp_path / arguments.prompts, stack)
    assert list(given.prompted) == [36, 38, 45, 54]
    # every option has its line, and every line its option
    (commands,) = [
        action.choices for action in make_parser()._actions if action.dest == "command"
    ]
    options = set(re.findall(r"--[a-z-]+", commands["propagate"].format_usage()))
    told = " ".join(re.findall(r"^\| (`.*?`) \|", page, re.MULTILINE))
    assert set(re.findall(r"--[a-z-]+", told)) == options
