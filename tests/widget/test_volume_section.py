"""The section for the slices of a volume, on a real viewer with a real session."""

from __future__ import annotations

import csv
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from qtpy.QtCore import QItemSelectionModel, QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog

from napari_segnext.widget import text

if TYPE_CHECKING:
    from napari_segnext.widget.main import SegNextWidget

_COLUMNS = {name: at for at, name in enumerate(text.TABLE_COLUMNS)}
# nuclei of the sample on slice 45
P, Q = (45, 64, 62), (45, 17, 68)
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


@pytest.fixture
def unfolded(widget) -> SegNextWidget:
    """The widget beside the stack, with volume and table unfolded."""
    for name in ("volume", "table"):
        widget.panel.sections[name].toggleButton().click()
    return widget


def click_at(widget: SegNextWidget, position: tuple[int, ...]) -> None:
    widget.session.add_click(position)
    widget.session.wait(60)


def propagate(widget: SegNextWidget, first: int, last: int) -> None:
    """By the section's own controls."""
    section = widget.panel.volume
    section.until_end.setChecked(False)
    section.first.setValue(first)
    section.last.setValue(last)
    section.controls["propagate"].click()
    widget.session.wait(60)


def choose_new(viewer, widget: SegNextWidget, data: np.ndarray, **known) -> None:
    image = viewer.add_image(data, **known)
    widget._desk.choose_image(getattr(image, "__wrapped__", image))


def kinds(widget: SegNextWidget) -> dict[int, str]:
    return {plane.index[0]: it.kind for plane, it in widget.session.slices.items()}


def strip_column(widget: SegNextWidget, index: int) -> QPoint:
    strip = widget.panel.volume.strip
    return QPoint(strip.column_of(index), strip.height() // 2)


# ---- when it is there


def test_it_follows_the_image_that_is_chosen(viewer, stack, widget) -> None:
    section = widget.panel.volume
    assert section.isVisibleTo(widget)
    assert not section.axis.isVisibleTo(section)
    assert section.extent.axis is None
    section.toggleButton().click()
    assert section.follow.isChecked()
    section.follow.click()
    assert widget.session.follow is False

    choose_new(viewer, widget, np.zeros((32, 32), np.uint8))
    assert not section.isVisibleTo(widget)
    assert widget.panel.table.isVisibleTo(widget)

    movie = np.zeros((5, 7, 40, 40), np.uint8)
    choose_new(viewer, widget, movie, axis_labels=("z", "t", "y", "x"))
    assert section.extent.axis == 0
    choose_new(viewer, widget, movie, axis_labels=("t", "z", "y", "x"))
    assert section.isVisibleTo(widget)
    assert section.axis.isVisibleTo(section)
    names = [section.axis.itemText(it) for it in range(section.axis.count())]
    assert names == ["t", "z"]
    assert section.extent.axis == 1
    assert section.last.maximum() == 6
    section.axis.setCurrentIndex(0)
    section.axis.activated.emit(0)
    assert section.extent.axis == 0
    assert section.last.maximum() == 4

    viewer.dims.axis_labels = ("-4", "depth", "y", "x")  # as beside the sliders
    widget._desk.changed.emit()
    names = [section.axis.itemText(it) for it in range(section.axis.count())]
    assert names == ["slider -4", "depth"]
    assert section.extent.axis == 0

    choose_new(viewer, widget, movie[:, :1])
    assert not section.axis.isVisibleTo(section)
    assert section.extent.axis == 0
    assert section.last.maximum() == 4

    widget._desk.choose_image(stack)
    assert not section.axis.isVisibleTo(section)
    assert section.last.maximum() == 99
    assert widget.session.follow is False  # what the user chose is kept
    assert not section.follow.isChecked()


def test_one_is_not_many(unfolded) -> None:
    click_at(unfolded, P)
    assert "1 slice, 1 by hand" in unfolded.panel.volume.told.text()
    unfolded.session.accept()
    assert unfolded.panel.objects.count.text() == "1 object, 0 to review"
    assert unfolded.panel.choices.states["target"].text() == "1 object in it"


# ---- propagating


def test_propagate_fills_the_range_and_the_strip_shows_it(unfolded) -> None:
    section, session = unfolded.panel.volume, unfolded.session
    buttons = section.controls
    assert section.told.text() == text.NO_SLICES
    for name in ("propagate", "interpolate", "cancel", "next_worst"):
        assert not buttons[name].isEnabled(), name
    assert not section.reviewed.isEnabled()
    click_at(unfolded, P)
    assert buttons["propagate"].isEnabled()
    assert not buttons["next_worst"].isEnabled()  # all of it is by hand
    assert section.reviewed.isEnabled()
    session.clear()
    assert not buttons["propagate"].isEnabled()

    click_at(unfolded, P)
    propagate(unfolded, 40, 50)
    assert sorted(kinds(unfolded)) == list(range(40, 51))
    assert kinds(unfolded)[45] == "keyed"
    assert set(kinds(unfolded).values()) == {"keyed", "propagated"}
    for index in (40, 44, 50):
        assert "propagated" in section.strip.describe(index)
    assert "nothing of the object" in section.strip.describe(51)
    assert "by hand" in section.told.text()
    assert text.counted(text.SLICES_COUNT, 11, keyed=1) in section.told.text()
    session.accept()
    assert all((session.target.data[z] == 1).any() for z in range(40, 51))


def test_a_run_unfolds_the_section_once(widget) -> None:
    section = widget.panel.volume
    click_at(widget, P)
    section.until_end.setChecked(False)
    section.first.setValue(44)
    section.last.setValue(46)
    widget.perform("propagate")
    widget.session.wait(60)
    assert section.isExpanded()
    assert "propagated" in section.strip.describe(46)
    section.toggleButton().click()
    widget.perform("propagate")
    widget.session.wait(60)
    assert not section.isExpanded()


def test_an_accepted_object_in_focus_is_propagated_by_the_key(
    unfolded, viewer, mouse_of
) -> None:
    session = unfolded.session
    click_at(unfolded, P)
    session.accept()
    unfolded.panel.volume.until_end.setChecked(False)
    viewer.layers.selection.active = session.points
    mouse = mouse_of(viewer)
    mouse.key("Shift-T")
    assert unfolded.panel.hint.text() == text.NO_OBJECT_TO_ACT_ON
    session.go_to_object(1)
    unfolded.panel.volume.first.setValue(44)
    unfolded.panel.volume.last.setValue(46)
    mouse.key("Shift-T")
    session.wait(60)
    assert session.objects[1].state == "open"
    assert sorted(kinds(unfolded)) == [44, 45, 46]


def test_interpolate_fills_what_lies_between(unfolded) -> None:
    section = unfolded.panel.volume
    click_at(unfolded, P)
    click_at(unfolded, (50, 64, 62))
    section.controls["interpolate"].click()
    unfolded.session.wait(60)
    found = kinds(unfolded)
    assert sorted(found) == list(range(45, 51))
    assert {found[index] for index in range(46, 50)} == {"interpolated"}
    assert "interpolated" in section.strip.describe(47)


def test_a_run_scrolls_to_the_strip(viewer, widget, qtbot) -> None:
    viewer.window.show()
    panel = widget.panel
    panel.sections["objects"].toggleButton().click()
    panel.setFixedHeight(250)
    assert not _is_in_sight(panel, panel.volume)
    click_at(widget, P)
    widget.perform("propagate")
    qtbot.waitUntil(lambda: _is_in_sight(panel, panel.volume.strip))
    widget.session.wait(60)


def _is_in_sight(panel, control) -> bool:
    top = control.mapTo(panel, QPoint(0, 0)).y()
    return control.isVisible() and 0 <= top <= panel.height() - control.height()


def test_where_it_ended_is_told_and_the_strip_says_why(
    unfolded, monkeypatch, predictor
) -> None:
    click_at(unfolded, P)
    deep = predictor.encode

    def empty_below(plane, *args, **kwargs):
        features = deep(plane, *args, **kwargs)
        features.is_empty = not np.asarray(plane).any()
        return features

    predict = predictor.predict

    def nothing_there(features, prompts, *args, **kwargs):
        answer = predict(features, prompts, *args, **kwargs)
        if features.is_empty:
            answer.crop[:] = 0.01
        return answer

    monkeypatch.setattr(predictor, "encode", empty_below)
    monkeypatch.setattr(predictor, "predict", nothing_there)
    image = unfolded.session.image
    data = image.data.copy()
    data[:42] = 0
    data[48:] = 0
    image.data = data
    unfolded.session.wait(60)
    unfolded.panel.volume.controls["propagate"].click()
    unfolded.session.wait(60)
    assert sorted(kinds(unfolded)) == list(range(42, 48))
    ended = {plane.index[0]: why for plane, why in unfolded.session.endings.items()}
    assert sorted(ended) == [41, 48]
    hint = unfolded.panel.hint.text()
    assert hint == text.counted(text.RUN_ENDED, 2, slices="41, 48")
    strip = unfolded.panel.volume.strip
    for index, reason in ended.items():
        assert reason in strip.describe(index)
        assert text.ENDED.format(index=index, reason=reason) in strip.tip_at(45)


# ---- looking and marking


def test_the_strip_the_worst_slice_and_marks(viewer, unfolded) -> None:
    section, session = unfolded.panel.volume, unfolded.session
    strip = section.strip
    click_at(unfolded, P)
    propagate(unfolded, 43, 47)
    QTest.mouseClick(strip, LEFT, NONE, strip_column(unfolded, 70))
    assert abs(viewer.dims.current_step[0] - 70) <= 1
    assert session.plane.index[0] == viewer.dims.current_step[0]
    session.sync()
    before = viewer.dims.current_step[0]
    QTest.keyClick(strip, Qt.Key.Key_Right)
    assert viewer.dims.current_step[0] == before + 1
    viewer.dims.set_current_step(0, 12)
    session.sync()
    assert section.told.text().startswith("Slice 12: nothing")
    assert strip.accessibleDescription().startswith("Slice 12")

    viewer.dims.set_current_step(0, 46)
    session.sync()
    assert not section.lock.isChecked()
    section.lock.click()
    assert session.slices[session.plane].locked
    assert section.lock.isChecked()
    assert "locked" in strip.describe(46)
    viewer.dims.set_current_step(0, 44)
    session.sync()
    assert not section.lock.isChecked()
    unfolded.panel.controls.buttons["undo"].click()
    assert not any(info.locked for info in session.slices.values())

    seen = set()
    for _ in range(4):
        section.controls["next_worst"].click()
        index = viewer.dims.current_step[0]
        assert unfolded.panel.hint.text().startswith(f"Slice {index}: propagated")
        assert unfolded.panel.hint.text().endswith("reviewed (Shift-Y).")
        seen.add(index)
        section.reviewed.click()
        assert session.slices[session.plane].reviewed
    assert seen == {43, 44, 46, 47}
    section.controls["next_worst"].click()
    assert unfolded.panel.hint.text() == text.NO_WORST


# ---- three dimensions


def test_in_3d_volume_and_preview_are_shown_and_it_says_what_can_be_done(
    viewer, unfolded
) -> None:
    section, session = unfolded.panel.volume, unfolded.session
    click_at(unfolded, Q)
    propagate(unfolded, 43, 47)
    session.accept()
    click_at(unfolded, P)
    assert not section.place.isVisibleTo(section)
    viewer.dims.ndisplay = 3
    session.sync()
    assert section.place.isVisibleTo(section)
    propagate(unfolded, 43, 47)
    for layer in (session.target, session.preview):
        assert layer.visible
        drawn = np.asarray(layer._data_view)
        assert drawn.ndim == 3
        assert set(np.nonzero(drawn)[0]) == set(range(43, 48))
    QTest.mouseClick(section.strip, LEFT, NONE, strip_column(unfolded, 20))
    session.sync()
    assert session.plane.index[0] == 20
    unfolded.perform("accept")
    assert set(np.unique(session.target.data)) == {0, 1, 2}
    viewer.dims.ndisplay = 2
    session.sync()
    assert not section.place.isVisibleTo(section)


# ---- the table


@pytest.fixture
def with_objects(unfolded, qtbot) -> SegNextWidget:
    for z, y, x in (P, Q, (60, 30, 30)):
        click_at(unfolded, (z, y, x))
        unfolded.session.accept()
    table = unfolded.panel.table.table
    qtbot.waitUntil(lambda: len(table.rows_model.rows) == 3)
    return unfolded


def test_of_a_flat_image_the_table_says_nothing_of_slices(
    viewer, with_objects, qtbot
) -> None:
    table = with_objects.panel.table.table
    hidden = {name for name, at in _COLUMNS.items() if table.isColumnHidden(at)}
    assert not hidden
    choose_new(viewer, with_objects, np.zeros((64, 64), np.uint8))
    qtbot.waitUntil(lambda: not table.rows_model.rows)
    hidden = {name for name, at in _COLUMNS.items() if table.isColumnHidden(at)}
    assert hidden == {"slices", "keyed", "score"}


def choose_rows(widget: SegNextWidget, *labels: int) -> None:
    """As with Ctrl held."""
    table = widget.panel.table.table
    flags = QItemSelectionModel.SelectionFlag
    known = [row.label for row in table.rows_model.rows]
    for number, label in enumerate(labels):
        at = table.rows_model.index(known.index(label), 0)
        flag = flags.Select if number else flags.ClearAndSelect
        table.selectionModel().setCurrentIndex(at, flag | flags.Rows)


def test_the_table_and_what_is_in_focus_go_together(
    viewer, with_objects, qtbot, monkeypatch
) -> None:
    section, session = with_objects.panel.table, with_objects.session
    table = section.table
    choose_rows(with_objects, 3)
    assert session.focus == 3
    assert viewer.dims.current_step[0] == 60
    assert with_objects.panel.hint.text() == text.AT_OBJECT.format(label=3)
    choose_rows(with_objects, 1)
    assert viewer.dims.current_step[0] == 45
    session.go_to_object(2)
    qtbot.waitUntil(lambda: table.labels == [2])

    click_at(with_objects, (30, 50, 50))
    model = table.rows_model
    qtbot.waitUntil(lambda: [row.state for row in model.rows][-1] == "open")
    choose_rows(with_objects, 4)  # it is open: its slice is shown
    assert viewer.dims.current_step[0] == 30
    session.undo()
    qtbot.waitUntil(lambda: len(model.rows) == 3)

    section.toggleButton().click()  # folded, it is not read
    monkeypatch.setattr(type(session), "table", lambda _self: 1 / 0)
    click_at(with_objects, (30, 50, 50))
    section.refresh()
    assert len(model.rows) == 3


def test_rows_are_propagated_merged_and_deleted(with_objects, qtbot) -> None:
    section, session = with_objects.panel.table, with_objects.session
    assert not section.rows["merge"].isEnabled()
    choose_rows(with_objects, 1)
    assert section.rows["delete"].isEnabled()
    assert not section.rows["merge"].isEnabled()
    volume = with_objects.panel.volume
    volume.until_end.setChecked(False)
    volume.first.setValue(44)
    volume.last.setValue(46)
    choose_rows(with_objects, 1, 2)
    section.rows["propagate"].click()
    session.wait(60)
    assert {session.objects[label].state for label in (1, 2)} == {"open"}
    assert sorted(kinds(with_objects)) == [44, 45, 46]
    session.accept()
    for _z, y, x in (P, Q):
        column = session.target.data[43:48, y, x]
        assert (column > 0).tolist() == [False, True, True, True, False]

    qtbot.waitUntil(lambda: len(section.table.rows_model.rows) == 3)
    choose_rows(with_objects, 1, 2)
    section.rows["merge"].click()
    assert sorted(session.objects) == [1, 3]
    qtbot.waitUntil(lambda: len(section.table.rows_model.rows) == 2)
    choose_rows(with_objects, 1, 3)
    section.rows["delete"].click()
    assert not session.target.data.any()
    assert with_objects.panel.hint.text() == text.ROWS_DELETED.format(count=2)
    session.undo()
    assert sorted(session.objects) == [1, 3]
    session.undo()
    assert sorted(np.unique(session.target.data)) == [0, 1, 2, 3]


def test_a_disk_that_cannot_be_written_is_seen(unfolded, tmp_path) -> None:
    session, shown = unfolded.session, unfolded.panel.volume.cache
    folder = tmp_path / "cache"
    session.set_cache(folder=folder)
    assert text.CACHE_NO_DISK not in shown.text()
    shutil.rmtree(folder)
    folder.write_text("somebody else's")
    session._engine.planes._store.put("0" * 40, (np.zeros(4, np.float32),))
    session._engine.planes.flush()
    click_at(unfolded, P)
    assert text.CACHE_NO_DISK in shown.text()
    assert "choose another folder" in shown.toolTip()
    assert session.mask().any()


def test_the_table_is_exported_where_the_dialog_says(
    with_objects, monkeypatch, tmp_path
) -> None:
    path = tmp_path / "cells.csv"
    answers = ["", str(path), str(tmp_path / "nowhere" / "cells.csv")]
    monkeypatch.setattr(
        QFileDialog, "getSaveFileName", lambda *_args: (answers.pop(0), "")
    )
    button = with_objects.panel.table.controls["export_table"]
    button.click()
    assert not path.exists()
    button.click()
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows] == ["1", "2", "3"]
    assert float(rows[0]["volume"]) > 0
    assert str(path) in with_objects.panel.hint.text()
    button.click()
    assert "cannot be written" in with_objects.panel.hint.text()

    for label in (1, 2, 3):
        with_objects.session.delete(label)
    with_objects.perform("export_table")  # and asks for no file
    assert with_objects.panel.hint.text() == text.NOTHING_TO_EXPORT
