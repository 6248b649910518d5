"""`napari-segnext evaluate` with the model that ships, on real cells."""

from __future__ import annotations

from csv import DictReader
from pathlib import Path

import pytest
import tifffile

from napari_segnext.cli import main
from napari_segnext.samples import load_sample

SETS = Path(__file__).parents[1] / "data"  # crops of four real sets


@pytest.fixture
def data(tmp_path):
    cells = load_sample("nuclei_2d")
    for part, array in (("images", cells.image), ("labels", cells.labels)):
        folder = tmp_path / "data" / "cells" / part
        folder.mkdir(parents=True)
        tifffile.imwrite(folder / "a.tif", array[:128, :128])
    return tmp_path / "data"


def test_the_whole_report_of_a_folder_of_sets(tmp_path, capsys):
    out = tmp_path / "out"
    arguments = [str(SETS), "--out", str(out), "--protocol", "planes", "--every", "9"]
    more = ["--clicks", "2", "--objects", "1", "--baselines", "--limit", "1"]
    assert main(["evaluate", *arguments, *more]) == 0
    printed = capsys.readouterr().out
    page = (out / "report.md").read_text(encoding="utf-8")
    for told in (
        "Clicks on whole planes",
        "mean IoU after 2 clicks",
        "IoU after one prompt on whole planes",
        "previous slice's true mask as prompt",
        "stacks/plant_1136_mini",
        "watershed",
        "mean of sets",
    ):
        assert told in printed
        assert told in page
    assert "could not be measured" not in page
    assert {path.name for path in out.iterdir()} == {
        *("report.md", "objects.csv", "summary.csv", "transfer.csv", "baselines.csv"),
        *("clicks.png", "prompts.png", "baselines.png"),
    }
    with (out / "summary.csv").open(encoding="utf-8") as file:
        rows = {(row["set"], row["figure"]): row["value"] for row in DictReader(file)}
    sets = ("axon_sem", "dsb2018", "stacks", "usiigaci")
    ious = [float(rows[name, "iou_2"]) for name in sets]
    assert float(rows["mean of sets", "iou_2"]) == pytest.approx(
        sum(ious) / 4, abs=1e-5
    )
    assert max(ious) > 0.5  # it is the model, and these are cells


def test_a_broken_image_is_told_and_the_others_are_measured(data, capsys):
    for part in ("images", "labels"):
        (data / "cells" / part / "b.tif").write_bytes(b"nothing")
    arguments = [str(data / "cells"), "--clicks", "1", "--objects", "1"]
    assert main(["evaluate", *arguments, "--protocol", "planes"]) == 1
    told = capsys.readouterr()
    assert "mean IoU after 1 click" in told.out
    assert "cells, b could not be measured" in told.err


def test_nothing_but_broken_images_is_one_sentence(data, capsys):
    (data / "cells" / "labels" / "a.tif").write_bytes(b"nothing")
    assert main(["evaluate", str(data / "cells")]) == 1
    assert "'a' could not be measured" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--clicks", "0"], "0 clicks"),
        (["--target-iou", "2"], "target IoU is 2"),
        (["--objects", "0"], "--objects is 0"),
        (["--limit", "0"], "--limit is 0"),
        (["--processes", "0"], "--processes is 0"),
        (["--every", "0"], "Every 0"),
        (["--model", "no-such-model"], "no-such-model"),
        (["--seed", "-1"], "--seed is -1"),
        (["--pictures", "-1"], "--pictures is -1"),
        (["--pictures", "1", "--protocol", "crops"], "--protocol planes"),
        (["--device", "abacus", "--processes", "2"], "abacus"),
    ],
)
def test_what_makes_no_sense_is_told_before_anything_is_done(
    data, tmp_path, capsys, arguments, says
):
    out = tmp_path / "out"
    assert main(["evaluate", str(data), "--out", str(out), *arguments]) == 1
    assert says in capsys.readouterr().err
    assert not out.exists()


def test_pictures_without_a_folder_are_told_before_anything_is_done(data, capsys):
    assert main(["evaluate", str(data), "--pictures", "1"]) == 1
    assert "--out" in capsys.readouterr().err
