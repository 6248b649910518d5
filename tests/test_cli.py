"""The command line, as a user calls it."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from skimage.io import imread

import napari_segnext
from napari_segnext.cli import main
from napari_segnext.commands import doctor
from napari_segnext.commands.options import read_image, write_labels
from napari_segnext.commands.prompt_file import Entry
from napari_segnext.commands.segment import segment
from napari_segnext.core.image import contrast_limits
from napari_segnext.errors import ImageError
from napari_segnext.samples import load_sample

if TYPE_CHECKING:
    from pathlib import Path


def iou(mask: np.ndarray, truth: np.ndarray) -> float:
    return float((mask & truth).sum() / (mask | truth).sum())


def test_version(capsys) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert napari_segnext.__version__ in capsys.readouterr().out


def test_the_package_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "napari_segnext", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == napari_segnext.__version__


@pytest.mark.skipif(sys.platform == "win32", reason="there, no error is of its own")
def test_output_that_nobody_reads_is_no_traceback() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    run = "import sys; from napari_segnext.cli import main; sys.exit(main(['models']))"
    done = subprocess.run(
        [sys.executable, "-c", run], stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert done.returncode == 141
    assert done.stderr == b""


def test_no_command_is_a_usage_error(capsys) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([])
    assert "COMMAND" in capsys.readouterr().err


def test_every_command_explains_itself(capsys) -> None:
    names = "demo segment propagate evaluate train convert models replay doctor"
    commands = names.split()
    for command in commands:
        with pytest.raises(SystemExit, match="0"):
            main([command, "--help"])
        assert command in capsys.readouterr().out


def test_models_lists_the_registry(capsys) -> None:
    assert main(["models"]) == 0
    printed = capsys.readouterr().out
    for info in napari_segnext.list_models():
        assert info.name in printed
        assert info.licence in printed


def test_demo_without_a_window_segments_the_nuclei(tmp_path: Path, capsys) -> None:
    out = tmp_path / "out"
    assert main(["demo", "--headless", str(out)]) == 0
    sample = load_sample("nuclei_3d")
    labels = tifffile.imread(out / "labels.tif")
    with (out / "clicks.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    printed = capsys.readouterr().out

    assert labels.shape == sample.labels.shape
    slices = {(int(row["nucleus"]), int(row["slice"])) for row in rows}
    objects = {nucleus for nucleus, _ in slices}
    assert len(objects) >= 4
    assert len(slices) >= 3 * len(objects)  # each one over several slices
    last = {(row["nucleus"], row["slice"]): float(row["iou"]) for row in rows}
    for (nucleus, index), reached in last.items():
        mask = labels[int(index)] == int(nucleus)
        truth_label = np.bincount(sample.labels[int(index)][mask]).argmax()
        # what was accepted is what was scored, on that slice
        truth = sample.labels[int(index)] == truth_label
        assert iou(mask, truth) == pytest.approx(reached, abs=0.02)
    assert np.mean(list(last.values())) > 0.8
    assert imread(out / "overlay.png").shape[2] == 3
    assert "IoU" in printed
    assert "clicks.csv" in printed


def test_demo_without_a_display_says_what_to_do(monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    assert main(["demo"]) == 1
    assert "--headless" in capsys.readouterr().err


@pytest.fixture
def prompts_file(tmp_path: Path):
    """Centres of two nuclei of slice 45 as prompts: the file, and the truths."""
    labels = load_sample("nuclei_3d").labels[45]
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    objects, truths = [], []
    for label in np.argsort(sizes)[-2:]:
        rows, cols = np.nonzero(labels == label)
        click = {"row": float(rows.mean()), "col": float(cols.mean())}
        objects.append({"plane": [45], "clicks": [click]})
        truths.append(labels == label)
    path = tmp_path / "prompts.json"
    path.write_text(json.dumps(objects))
    return path, truths


def test_segment_writes_a_label_for_each_object(tmp_path: Path, prompts_file) -> None:
    path, truths = prompts_file
    image, out = tmp_path / "image.tif", tmp_path / "labels.tif"
    tifffile.imwrite(image, load_sample("nuclei_3d").image)
    arguments = ["segment", str(image), "--prompts", str(path), "--out", str(out)]
    assert main(arguments) == 0
    labels = tifffile.imread(out)
    assert labels.shape == (100, 100, 100)
    assert set(np.unique(np.delete(labels, 45, axis=0))) == {0}
    for label, truth in enumerate(truths, start=1):
        assert iou(labels[45] == label, truth) > 0.3
    # the very answer of a script, the stack's contrast being the same for all slices
    stack = load_sample("nuclei_3d").image
    predictor = napari_segnext.Predictor(napari_segnext.load_model())
    features = predictor.encode(stack[45], contrast_limits=contrast_limits(stack))
    click = json.loads(path.read_text())[0]["clicks"][0]
    prompts = napari_segnext.Prompts(clicks=[napari_segnext.Click(**click)])
    answer = predictor.predict(features, prompts).mask
    np.testing.assert_array_equal(labels[45] == 1, answer)


def test_segment_encodes_a_plane_once_for_all_objects_on_it(monkeypatch) -> None:
    stack = load_sample("nuclei_3d").image[44:46, :64, :64]
    limits = contrast_limits(stack)
    model = napari_segnext.load_model()
    predictor = napari_segnext.Predictor(model, device="cpu", window="whole")
    # from plane to plane and back
    places = [(0, 12, 34), (1, 37, 40), (0, 37, 40), (1, 12, 34), (0, 50, 10)]
    entries, one_by_one = [], np.zeros(stack.shape, np.uint16)
    for label, (plane, row, col) in enumerate(places, start=1):
        prompts = napari_segnext.Prompts(clicks=[napari_segnext.Click(row, col)])
        entries.append(Entry(label, (plane,), prompts))
        features = predictor.encode(stack[plane], contrast_limits=limits)
        mask = predictor.predict(features, prompts).mask
        one_by_one[plane][mask & (one_by_one[plane] == 0)] = label

    encoded = []
    encode = model.network.encode
    monkeypatch.setattr(
        model.network, "encode", lambda *args: encoded.append(args) or encode(*args)
    )
    labels = segment(predictor, stack, entries)
    assert len(encoded) == 2  # one for each plane
    assert len(np.unique(labels)) > 3
    np.testing.assert_array_equal(labels, one_by_one)


def test_segment_tells_colours_from_planes_by_the_prompts() -> None:
    stack = load_sample("nuclei_3d").image[44:47, :64, :64].astype(np.uint16) * 200
    predictor = napari_segnext.Predictor(napari_segnext.load_model(), device="cpu")
    prompts = napari_segnext.Prompts(clicks=[napari_segnext.Click(12, 34)])
    colours = np.moveaxis(stack, 0, -1)
    labels = segment(predictor, colours, [Entry(1, (), prompts)])
    assert labels.shape == (64, 64)
    assert labels[12, 34] == 1
    prompts = napari_segnext.Prompts(clicks=[napari_segnext.Click(34, 1)])
    labels = segment(predictor, colours, [Entry(1, (12,), prompts)])
    assert labels.shape == colours.shape
    assert labels[12, 34, 1] == 1


@pytest.mark.parametrize("content", [b"", b"hello", b"\x93NUMPY\x01\x00"])
def test_a_numpy_file_without_an_array_is_a_sentence(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "image.npy"
    path.write_bytes(content)
    with pytest.raises(ImageError, match="cannot be read as an image"):
        read_image(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("nonsense", "not JSON"),
        ("{}", "list of objects"),
        ("[]", "holds no object"),
        ('[{"clicks": [{"row": 1, "col": 1}]}]', "one index per leading axis"),
        ('[{"plane": [999], "clicks": [{"row": 1, "col": 1}]}]', "leading axis"),
        ('[{"plane": 5, "clicks": [{"row": 1, "col": 1}]}]', "as a list"),
        ('[{"plane": [5], "label": "a", "clicks": []}]', "whole numbers from 1"),
        ('[{"plane": [5], "label": 0, "clicks": []}]', "whole numbers from 1"),
        ('[{"plane": [5], "circles": []}]', "there are clicks, boxes, polygons"),
        ('[{"plane": [5], "clicks": null}]', "give a list"),
        (
            '[{"plane": [5], "clicks": [{"row": 1, "column": 1}]}]',
            "A click has row, column; write row, col, positive.",
        ),
        ('[{"plane": [5], "boxes": [{}]}]', "A box has nothing; write row0, col0"),
        ('[{"plane": [5], "clicks": [{"row": 5000, "col": 1}]}]', "outside"),
    ],
)
def test_segment_says_what_is_wrong_with_the_prompts(
    tmp_path: Path, capsys, content: str, says: str
) -> None:
    image, prompts = tmp_path / "image.tif", tmp_path / "prompts.json"
    tifffile.imwrite(image, load_sample("nuclei_3d").image)
    prompts.write_text(content)
    out = tmp_path / "labels.tif"
    arguments = ["segment", str(image), "--prompts", str(prompts), "--out", str(out)]
    assert main(arguments) == 1
    assert says in capsys.readouterr().err
    assert not out.exists()


def test_labels_above_65535_are_written_as_32_bits(tmp_path: Path) -> None:
    image, prompts = tmp_path / "image.tif", tmp_path / "prompts.json"
    tifffile.imwrite(image, load_sample("nuclei_2d").image)
    prompts.write_text('[{"label": 70000, "clicks": [{"row": 53, "col": 225}]}]')
    out = tmp_path / "labels.tif"
    arguments = ["segment", str(image), "--prompts", str(prompts), "--out", str(out)]
    assert main(arguments) == 0
    assert set(np.unique(tifffile.imread(out))) == {0, 70000}


@pytest.mark.filterwarnings("default:The image has NaN")
def test_what_was_not_found_and_what_is_warned_of_is_said_in_a_line_each(
    tmp_path: Path, capsys
) -> None:
    image, prompts = tmp_path / "image.npy", tmp_path / "prompts.json"
    pixels = load_sample("nuclei_2d").image.astype(np.float32)
    pixels[0, 0] = np.nan
    np.save(image, pixels)
    prompts.write_text('[{"clicks": [{"row": 53, "col": 225, "positive": false}]}]')
    out = tmp_path / "labels.tif"
    arguments = ["segment", str(image), "--prompts", str(prompts), "--out", str(out)]
    assert main(arguments) == 0
    said = capsys.readouterr()
    assert "label 1: 0 px" in said.out
    (line,) = said.err.splitlines()
    assert line.startswith("napari-segnext: The image has NaN")


@pytest.mark.parametrize("values", [["a", "b"], [1 + 2j, 3]])
def test_pixels_that_are_no_real_numbers_are_one_sentence(
    tmp_path: Path, prompts_file, capsys, values: list[Any]
) -> None:
    image, out = tmp_path / "image.npy", tmp_path / "labels.tif"
    np.save(image, np.array([values] * 2))
    arguments = ["segment", str(image), "--prompts", str(prompts_file[0])]
    assert main([*arguments, "--out", str(out)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "convert them to real numbers first" in line


def test_a_place_where_nothing_can_be_written_is_one_sentence(
    tmp_path: Path, prompts_file, capsys
) -> None:
    image, out = tmp_path / "image.tif", tmp_path / "no folder" / "labels.tif"
    tifffile.imwrite(image, load_sample("nuclei_3d").image)
    arguments = ["segment", str(image), "--prompts", str(prompts_file[0])]
    assert main([*arguments, "--out", str(out)]) == 1
    assert "choose another --out" in capsys.readouterr().err
    assert main(["demo", "--headless", str(image / "out")]) == 1
    assert "name another one" in capsys.readouterr().err


@pytest.mark.parametrize("linked", [False, True])
def test_what_is_read_is_never_written_over(
    tmp_path: Path, prompts_file, capsys, linked: bool
) -> None:
    image, out = tmp_path / "image.tif", tmp_path / "labels.tif"
    tifffile.imwrite(image, load_sample("nuclei_3d").image)
    before = image.read_bytes()
    if linked:
        out.symlink_to(image)
    arguments = ["segment", str(image), "--prompts", str(prompts_file[0]), "--out"]
    assert main([*arguments, str(out if linked else image)]) == 1
    assert "is read, too, and would be lost" in capsys.readouterr().err
    assert image.read_bytes() == before


def test_labels_that_cannot_be_written_whole_leave_the_older_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "labels.tif"
    write_labels(out, np.ones((3, 4), np.uint16))

    def write_half(path: Path, *_: object, **__: object) -> None:
        path.write_bytes(b"II*")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tifffile, "imwrite", write_half)
    with pytest.raises(ImageError, match="No space left"):
        write_labels(out, np.zeros((3, 4), np.uint16))
    assert tifffile.imread(out).all()


def test_segment_says_that_the_image_is_missing(tmp_path: Path, capsys) -> None:
    prompts = tmp_path / "prompts.json"
    prompts.write_text("[]")
    missing = tmp_path / "missing.tif"
    arguments = ["segment", str(missing), "--prompts", str(prompts), "--out", "x.tif"]
    assert main(arguments) == 1
    assert "missing.tif" in capsys.readouterr().err


def test_a_model_that_is_not_there_is_one_sentence(
    tmp_path: Path, prompts_file, capsys
) -> None:
    image, out = tmp_path / "image.tif", tmp_path / "labels.tif"
    tifffile.imwrite(image, load_sample("nuclei_3d").image)
    arguments = ["segment", str(image), "--prompts", str(prompts_file[0])]
    assert main([*arguments, "--out", str(out), "--model", "no-such-model"]) == 1
    assert "no-such-model" in capsys.readouterr().err


def test_evaluate_writes_a_report_of_a_folder(tmp_path: Path, capsys) -> None:
    sample = load_sample("nuclei_2d")
    for folder, array in (("images", sample.image), ("labels", sample.labels)):
        (tmp_path / folder).mkdir()
        tifffile.imwrite(tmp_path / folder / "cells.tif", array[:128, :128])
    out = tmp_path / "report"
    arguments = ["evaluate", str(tmp_path), "--clicks", "3", "--out", str(out)]
    assert main(arguments) == 0
    assert "mean IoU after 3 clicks" in capsys.readouterr().out
    assert {path.suffix for path in out.iterdir()} >= {".csv", ".png"}


def test_evaluate_says_what_a_folder_must_hold(tmp_path: Path, capsys) -> None:
    assert main(["evaluate", str(tmp_path)]) == 1
    assert "images" in capsys.readouterr().err


def test_doctor_finds_this_installation_healthy(capsys) -> None:
    assert main(["doctor"]) == 0
    printed = capsys.readouterr().out
    for what in ("torch", "OpenGL", "threads", "weights of segnext-lite", "user data"):
        assert what in printed
    assert "PROBLEM" not in printed


def test_doctor_tells_a_problem_and_what_to_do(monkeypatch, capsys) -> None:
    monkeypatch.setattr(doctor, "_OPENGL_CODE", "import os; os.abort()")
    monkeypatch.setattr(doctor, "_TORCH_CODE", "raise OSError('c10.dll not found')")
    assert main(["doctor"]) == 1
    printed = capsys.readouterr().out
    assert "c10.dll not found" in printed
    assert "Mesa" in printed  # a driver that aborts does not take the doctor along
    assert "2 problem(s)" in printed


def test_doctor_without_a_display_is_a_note(monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert main(["doctor"]) == 0
    assert "xvfb-run" in capsys.readouterr().out


def test_the_installed_program_runs() -> None:
    code = "from napari_segnext.cli import main; raise SystemExit(main(['models']))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert "segnext-lite" in done.stdout
