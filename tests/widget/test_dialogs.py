"""The questions of the widget, asked by real dialogs and answered by real buttons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from qtpy.QtCore import Qt, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QMessageBox

from napari_segnext.widget import text

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_segnext.widget.main import SegNextWidget

P = (45, 64, 62)  # a nucleus of the sample
CANCEL, YES, NO = "Cancel", "Yes", "No"


@pytest.fixture
def answer(qtbot) -> Callable[[str], list[str]]:
    """Press a button of the next dialog, by its text; what the dialog said."""
    said: list[str] = []

    def press(name: str) -> None:
        box = QApplication.activeModalWidget()
        if not isinstance(box, QMessageBox):
            QTimer.singleShot(20, lambda: press(name))
            return
        said.append(box.text())
        buttons = {it.text().replace("&", ""): it for it in box.buttons()}
        QTest.mouseClick(buttons[name], Qt.MouseButton.LeftButton)

    def answer_(name: str) -> list[str]:
        QTimer.singleShot(0, lambda: press(name))
        return said

    return answer_


def accept(widget: SegNextWidget) -> None:
    widget.panel.controls.buttons["accept"].click()


@pytest.fixture
def beside_a_neighbour(widget) -> SegNextWidget:
    """An open object, half over one that was accepted as label 1."""
    session = widget.session
    session.add_click(P)
    session.wait(60)
    session.accept()
    session.overlap = "ask"
    session.add_click((45, 64, 68))
    session.wait(60)
    return widget


@pytest.mark.parametrize(
    ("button", "grows", "shrinks"),
    [(text.ASK_KEEP, True, False), (text.ASK_OVERWRITE, True, True)],
)
def test_who_gets_the_pixels_of_a_neighbour_is_asked(
    beside_a_neighbour, answer, notifications, button: str, grows: bool, shrinks: bool
) -> None:
    session = beside_a_neighbour.session
    before = (session.target.data == 1).sum()
    count = session.overlaps()[1]
    said = answer(button)
    accept(beside_a_neighbour)
    names = text.ASK_OVERLAP_LABEL.format(label=1, count=count)
    assert said == [text.ASK_OVERLAP.format(labels=names)]
    assert (session.target.data == 2).any() == grows
    assert ((session.target.data == 1).sum() < before) == shrinks
    assert notifications == []


def test_cancelling_the_question_accepts_nothing_and_says_so(
    beside_a_neighbour, answer, notifications
) -> None:
    session = beside_a_neighbour.session
    before = session.target.data.copy()
    answer(CANCEL)
    accept(beside_a_neighbour)
    np.testing.assert_array_equal(session.target.data, before)
    assert session.can_accept
    assert beside_a_neighbour.panel.hint.text().startswith("Nothing was accepted")
    assert notifications == []


@pytest.fixture
def full(stack, viewer, open_widget) -> SegNextWidget:
    """A uint8 target in which 255 objects are, and an open one."""
    labels = np.zeros(stack.data.shape, np.uint8)
    labels[0].flat[:255] = np.arange(1, 256)
    place = {name: getattr(stack, name) for name in ("scale", "units", "axis_labels")}
    layer = viewer.add_labels(labels, **place)
    widget = open_widget()
    widget.session.wait(60)
    widget._desk.choose_target(getattr(layer, "__wrapped__", layer))
    widget.session.wait(60)
    widget.session.add_click(P)
    widget.session.wait(60)
    return widget


def test_full_labels_are_widened_and_the_object_accepted(
    full, answer, notifications
) -> None:
    said = answer(YES)
    accept(full)
    session = full.session
    assert "256" in said[0]
    assert session.target.data.dtype == np.uint16
    assert session.target.data[P] == 256
    assert (session.target.data[0].flat[:255] == np.arange(1, 256)).all()
    assert session.label == 257
    full.panel.controls.buttons["undo"].click()
    assert session.target.data[P] == 0
    assert session.can_accept
    assert notifications == []


def test_full_labels_stay_as_they_are_if_the_user_wants_that(
    full, answer, notifications
) -> None:
    answer(CANCEL)
    accept(full)
    assert full.session.target.data.dtype == np.uint8
    assert full.session.target.data[P] == 0
    assert full.session.can_accept
    assert "256" in full.panel.hint.text()
    assert notifications == []


@pytest.mark.parametrize("button", [YES, NO, CANCEL])
def test_leaving_an_open_object_is_asked(
    viewer, stack, widget, answer, button: str
) -> None:
    viewer.add_image(np.zeros((32, 32), np.uint8), name="other")
    session, target = widget.session, widget.session.target
    session.add_click(P)
    session.wait(60)
    choice = widget.panel.choices.image
    said = answer(button)
    choice.setCurrentIndex(choice.findText("other"))
    choice.activated.emit(choice.currentIndex())
    assert said == [text.ASK_ACCEPT]
    assert (widget.session is session) == (button == CANCEL)
    assert (target.data[P] > 0) == (button == YES)
    if button == NO:  # it waits
        choice.setCurrentIndex(choice.findText(stack.name))
        choice.activated.emit(choice.currentIndex())
        assert widget.session.mask()[P[1:]]
