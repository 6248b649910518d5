"""`napari-segnext evaluate` with the model that ships, on real cells."""

from __future__ import annotations

import pytest
import tifffile

from napari_segnext.cli import main
from napari_segnext.samples import load_sample


@pytest.fixture
def data(tmp_path):
    cells, nuclei = load_sample("nuclei_2d"), load_sample("nuclei_3d")
    for part, array in (("images", cells.image), ("labels", cells.labels)):
        folder = tmp_path / "data" / "cells" / part
        folder.mkdir(parents=True)
        tifffile.imwrite(folder / "a.tif", array[:128, :128])
    folder = tmp_path / "data" / "stacks"
    folder.mkdir()
    for suffix, array in (("", nuclei.image), ("_labels", nuclei.labels)):
        path = folder / f"nuclei{suffix}.tif"
        tifffile.imwrite(path, array[44:47], photometric="minisblack")
    return tmp_path / "data"


def test_the_whole_report_of_a_folder_of_sets(data, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = [str(data), "--out", str(out), "--clicks", "3", "--objects", "2"]
    more = ["--every", "2", "--baselines", "--limit", "1"]
    assert main(["evaluate", *arguments, *more]) == 0
    printed = capsys.readouterr().out
    page = (out / "report.md").read_text(encoding="utf-8")
    for told in (
        "Clicks on whole planes",
        "mean IoU after 3 clicks",
        "IoU after one prompt on object-centred crops",
        "previous slice's true mask as prompt",
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
    ],
)
def test_what_makes_no_sense_is_told_before_anything_is_done(
    data, tmp_path, capsys, arguments, says
):
    out = tmp_path / "out"
    assert main(["evaluate", str(data), "--out", str(out), *arguments]) == 1
    assert says in capsys.readouterr().err
    assert not out.exists()
