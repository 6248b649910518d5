"""The protocol, played against predictors whose answers are known."""

from __future__ import annotations

import csv
import sys
from dataclasses import dataclass, field

import numpy as np
import pytest

from napari_segnext.core.prompts import Click, Prompts
from napari_segnext.errors import ImageError, SegNextError
from napari_segnext.evaluation.evaluate import evaluate
from napari_segnext.evaluation.report import Report, ScoredObject


@dataclass
class Answer:
    mask: np.ndarray


@dataclass
class Painter:
    """Draws a square of 7 px around each positive click, and records every call."""

    encoded: list = field(default_factory=list)
    asked: list = field(default_factory=list)

    def encode(self, plane, contrast_limits=None, near=None, *, should_stop=None):
        self.encoded.append((plane, near))
        return plane.shape[:2]

    def predict(self, features, prompts, previous=None, *, should_stop=None):
        mask = np.zeros(features, bool)
        for click in prompts.clicks:
            row, col = int(click.row), int(click.col)
            around = slice(max(row - 3, 0), row + 4), slice(max(col - 3, 0), col + 4)
            mask[around] = click.positive
        answer = Answer(mask)
        self.asked.append((prompts, previous, answer))
        return answer


def two_objects() -> tuple[np.ndarray, np.ndarray]:
    labels = np.zeros((40, 60), np.uint16)
    labels[10:17, 10:17] = 3
    labels[20:27, 30:44] = 7
    return np.zeros((40, 60, 3), np.uint8), labels


def test_objects_are_clicked_until_they_are_done():
    painter = Painter()
    report = evaluate(painter, [two_objects()], max_clicks=4)
    assert [one.label for one in report.objects] == [3, 7]
    assert report.ious[0].tolist() == [1.0]
    assert report.ious[1].dtype == np.float32
    assert report.ious[1][0] == pytest.approx(0.5)
    assert 1 < len(report.ious[1]) <= 4
    first, *others = painter.asked[1:]
    assert first[0] == Prompts(clicks=[Click(23, 33, positive=True)])
    assert first[1] is None
    for before, after in zip(painter.asked[1:], others, strict=False):
        assert after[1] is before[2]
        assert after[0].clicks[: len(before[0].clicks)] == before[0].clicks


def test_an_image_is_encoded_once_near_its_first_object():
    painter = Painter()
    evaluate(painter, [two_objects(), two_objects()], max_clicks=2)
    assert [near for _, near in painter.encoded] == [(13, 13), (13, 13)]


def test_images_without_objects_are_not_encoded():
    image, labels = two_objects()
    painter = Painter()
    report = evaluate(painter, [(image, labels * 0), (image, labels)], max_clicks=1)
    assert len(painter.encoded) == 1
    assert [one.image for one in report.objects] == [1, 1]


def test_unknown_pixels_do_not_count():
    image, labels = two_objects()
    labels = labels.astype(np.int32)
    labels[labels == 7] = -1
    labels[20:27, 30:37] = 7
    report = evaluate(Painter(), [(image, labels)], max_clicks=1)
    assert report.ious[1].tolist() == [1.0]
    assert report.objects[1] == ScoredObject(0, 7, 49, 1.0)


def test_other_objects_are_background():
    labels = np.zeros((20, 20), int)
    labels[5:12, 5:10] = 1
    labels[5:12, 10:12] = 2  # the click at (7, 7) paints 4 to 10
    report = evaluate(Painter(), [(np.zeros((20, 20)), labels)], max_clicks=1)
    assert report.ious[0][0] == np.float32(30 / 54)


def test_the_target_can_be_perfection():
    report = evaluate(Painter(), [two_objects()], max_clicks=3, target_iou=1)
    assert report.ious[0].tolist() == [1.0]
    assert report.target_iou == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target_iou": 0}, "target_iou is 0"),
        ({"target_iou": 1.01}, "target_iou is 1.01"),
        ({"target_iou": float("nan")}, "target_iou is nan"),
        ({"max_clicks": 0}, "max_clicks is 0"),
        ({"max_clicks": 2.5}, "max_clicks is 2.5"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments, message):
    with pytest.raises(SegNextError, match=message):
        evaluate(Painter(), [two_objects()], **arguments)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros((40, 60), float), "float64"),
        (np.zeros((40, 60, 3), int), r"\(40, 60, 3\)"),
        (np.ones((40, 61), int), r"\(40, 61\)"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels, message):
    with pytest.raises(ImageError, match=message):
        evaluate(Painter(), [(two_objects()[0], labels)])


def test_no_object_at_all_is_an_error():
    with pytest.raises(SegNextError, match="no object"):
        evaluate(Painter(), [])


def test_progress_is_shown_unless_told(capsys):
    evaluate(Painter(), [two_objects()], max_clicks=1, progress=False)
    assert capsys.readouterr().err == ""
    evaluate(Painter(), [two_objects()], max_clicks=1)
    assert "2object" in capsys.readouterr().err


@pytest.fixture
def report() -> Report:
    curves = [np.array(x, np.float32) for x in ([0.5, 0.7, 0.96], [0.97], [0.2] * 4)]
    objects = [ScoredObject(0, i, 10 * i, i / 4) for i in (1, 2, 3)]
    return Report(curves, objects, max_clicks=4, target_iou=0.95)


def test_figures_of_a_report(report):
    assert report.noc(0.7) == pytest.approx((2 + 1 + 4) / 3)
    assert report.nof(0.95) == 1
    assert report.mean_iou(1) == pytest.approx((0.5 + 0.97 + 0.2) / 3)
    assert report.mean_iou(4) == pytest.approx((0.96 + 0.97 + 0.2) / 3)
    assert report.mean_boundary_iou() == 0.5


@pytest.mark.parametrize("threshold", [0, 1.1])
def test_thresholds_that_make_no_sense_are_refused(report, threshold):
    with pytest.raises(SegNextError, match="above 0"):
        report.noc(threshold)


def test_what_is_not_known_is_not_told(report):
    for figure in (report.noc, report.nof):
        with pytest.raises(SegNextError, match=r"target_iou=0.99"):
            figure(0.99)


@pytest.mark.parametrize("clicks", [0, 5, 1.5])
def test_there_are_only_so_many_clicks(report, clicks):
    with pytest.raises(SegNextError, match="from 1 to 4"):
        report.mean_iou(clicks)


def test_the_table_has_the_usual_figures(report):
    lines = str(report).splitlines()
    assert lines[0].split() == ["objects", "3"]
    assert "mean IoU after 3 clicks" in str(report)
    assert "NoC@95%" in str(report)
    assert len({len(line) for line in lines}) == 1


def test_the_csv_has_one_line_per_object(report, tmp_path):
    path = tmp_path / "report.csv"
    report.to_csv(path)
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    assert [row["area_px"] for row in rows] == ["10", "20", "30"]
    assert float(rows[0]["iou_3"]) == pytest.approx(0.96)
    assert rows[1]["iou_2"] is None


def test_the_plot_is_an_image(report, tmp_path):
    path = tmp_path / "report.png"
    report.plot(path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_a_plot_without_matplotlib_says_what_to_install(report, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(SegNextError, match=r"napari-segnext\[plot\]"):
        report.plot(tmp_path / "report.png")


@pytest.mark.parametrize("method", ["to_csv", "plot"])
def test_files_that_cannot_be_written_are_named(report, tmp_path, method):
    with pytest.raises(SegNextError, match="cannot be written"):
        getattr(report, method)(tmp_path / "missing" / "report.png")


def test_an_ending_that_no_plot_has_is_named(report, tmp_path):
    with pytest.raises(SegNextError, match="cannot be written"):
        report.plot(tmp_path / "report.xyz")
