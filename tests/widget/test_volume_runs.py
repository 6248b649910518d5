"""Runs of propagation in the window: shown, cancelled, and ended by what closes."""

from __future__ import annotations

import gc
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest
from napari.utils.progress import cancelable_progress, progress
from qtpy.QtCore import Qt, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QLabel, QPushButton, QWidget

from napari_segnext.session import text as session_text
from napari_segnext.widget import activity, text
from napari_segnext.widget.overlay import canvas_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_segnext.widget.main import SegNextWidget

P = (45, 64, 62)


@pytest.fixture(autouse=True)
def _bars_at_once(monkeypatch) -> None:
    monkeypatch.setattr(activity, "_SHOWN_AFTER_S", 0)


@pytest.fixture
def running(widget, predictor, qtbot) -> SegNextWidget:
    """The widget in the middle of a run: some slices are done, the next one waits."""
    widget.panel.volume.toggleButton().click()
    session = widget.session
    session.add_click(P)
    session.wait(60)
    predict = predictor.predict_many
    seen: list[object] = []

    def wait_at_the_fourth(features, prompts, *, should_stop=None):
        seen.append(features)
        if len(seen) == 4:
            predictor.gate.clear()
        return predict(features, prompts, should_stop=should_stop)

    predictor.predict_many = wait_at_the_fourth
    widget.perform("propagate")
    assert session.is_propagating
    qtbot.waitUntil(lambda: len(session.slices) == 4)
    yield widget
    predictor.gate.set()


def bars() -> list[progress]:
    """Ours among what napari's activity dock shows."""
    return [bar for bar in progress._all_instances if bar.desc.startswith("SegNext")]


def dock_of(viewer) -> QWidget:
    """napari's activity dock, which has no public name."""
    real = getattr(viewer, "__wrapped__", viewer)
    return real.window._qt_window._activity_dialog


def labelled(widget: SegNextWidget) -> list[int]:
    return sorted(plane.index[0] for plane in widget.session.slices)


def test_a_run_is_shown_in_the_activity_dock_and_goes_when_it_ends(
    running, predictor, qtbot, viewer
) -> None:
    qtbot.waitUntil(lambda: len(bars()) == 1)
    (bar,) = bars()
    qtbot.waitUntil(lambda: (bar.n, bar.total) == (3, 99))
    shown = [label.text() for label in dock_of(viewer).findChildren(QLabel)]
    assert f"{text.PROPAGATING}: " in shown
    controls = running.panel.volume.controls
    assert controls["cancel"].isEnabled()
    assert not controls["propagate"].isEnabled()
    # between the portions in which slices come, the events of others are handled
    beats: list[int] = []
    timer = QTimer()
    timer.timeout.connect(lambda: beats.append(len(running.session.slices)))
    timer.start(1)
    predictor.gate.set()
    qtbot.waitUntil(lambda: not running.session.is_propagating, timeout=60_000)
    timer.stop()
    assert len(set(beats)) > 5
    assert labelled(running) == list(range(100))
    assert bars() == []
    assert not controls["cancel"].isEnabled()
    assert controls["propagate"].isEnabled()


def cancel_by_button(widget: SegNextWidget, _viewer) -> None:
    widget.panel.volume.controls["cancel"].click()


def cancel_by_escape(_widget: SegNextWidget, viewer) -> None:
    QTest.keyClick(canvas_of(viewer), Qt.Key.Key_Escape)


def cancel_by_escape_in_the_panel(widget: SegNextWidget, _viewer) -> None:
    QTest.keyClick(widget.panel.volume.strip, Qt.Key.Key_Escape)


def cancel_in_the_dock(_widget: SegNextWidget, viewer) -> None:
    (bar,) = bars()
    assert isinstance(bar, cancelable_progress)
    buttons = dock_of(viewer).findChildren(QPushButton)
    (button,) = [it for it in buttons if it.text() == "Cancel"]
    button.click()


def test_while_it_runs_it_is_said_how_to_stop(running, predictor) -> None:
    assert running.panel.hint.text() == session_text.GOING_THROUGH
    running.session.undo()
    predictor.gate.set()
    running.session.wait(60)
    told = session_text.CORRECT_OR_ACCEPT.format(label=1)
    assert running.panel.hint.text() == told


@pytest.mark.parametrize(
    "cancel",
    [
        cancel_by_button,
        cancel_by_escape,
        cancel_by_escape_in_the_panel,
        cancel_in_the_dock,
    ],
)
def test_cancelled_what_is_done_stays_and_undo_takes_it_back(
    running, predictor, qtbot, viewer, cancel: Callable[..., None]
) -> None:
    session = running.session
    qtbot.waitUntil(lambda: len(bars()) == 1)
    cancel(running, viewer)
    qtbot.waitUntil(lambda: not session.is_propagating)
    predictor.gate.set()
    session.wait(60)
    assert labelled(running) == [42, 43, 44, 45]
    assert running.panel.hint.text() == text.STOPPED
    assert bars() == []
    running.perform("undo")
    assert labelled(running) == [45]
    running.perform("cancel")
    assert running.panel.hint.text() == text.NOTHING_TO_CANCEL
    QTest.keyClick(canvas_of(viewer), Qt.Key.Key_Escape)  # the canvas's own again
    assert running.panel.hint.text() == text.NOTHING_TO_CANCEL


def test_closing_the_widget_during_a_run_is_clean(
    running, predictor, viewer, qtbot, notifications
) -> None:
    session = running.session
    qtbot.waitUntil(lambda: len(bars()) == 1)
    predictor.gate.set()
    viewer.window.remove_dock_widget(running)
    assert session.is_closed
    assert bars() == []
    QApplication.processEvents()
    assert not [it for it in threading.enumerate() if it.name == "segnext"]
    assert notifications == []


def test_closing_the_viewer_during_a_run_is_clean(
    running, predictor, viewer, qtbot, notifications
) -> None:
    session = running.session
    qtbot.waitUntil(lambda: len(bars()) == 1)
    predictor.gate.set()
    viewer.close()
    gc.collect()
    QApplication.processEvents()
    assert session.is_closed
    assert bars() == []
    assert not [it for it in threading.enumerate() if it.name == "segnext"]
    assert notifications == []


def test_removing_the_image_during_a_run_is_clean(
    running, predictor, viewer, stack, qtbot, notifications
) -> None:
    qtbot.waitUntil(lambda: len(bars()) == 1)
    predictor.gate.set()
    viewer.layers.remove(stack)
    assert running.session is None
    assert bars() == []
    assert not running.panel.volume.isVisibleTo(running)
    assert notifications == []


def test_a_correction_is_followed_and_undone_together(running, predictor) -> None:
    session = running.session
    predictor.gate.set()
    session.wait(60)
    session.add_click((60, 30, 30))
    session.wait(60)
    kinds = {plane.index[0]: it.kind for plane, it in session.slices.items()}
    assert kinds[60] == "keyed"
    assert session.preview.data[61, 30, 30]
    assert session.preview.data[45, 30, 30] == 0
    running.perform("undo")
    session.wait(60)
    assert not session.preview.data[:, 30, 30].any()
    assert np.all(session.preview.data[:, 64, 62])
