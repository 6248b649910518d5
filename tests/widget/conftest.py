"""A real viewer as a plugin gets it, a quick predictor, and a mouse."""

from __future__ import annotations

import gc
import os
import sys
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_segnext.core.prediction import Prediction
from napari_segnext.samples import load_sample
from napari_segnext.widget.main import SegNextWidget

if TYPE_CHECKING:
    from collections.abc import Callable

RADIUS_PX = 8
_MOVES_APART_MS = 12  # the canvas drops moves that follow within 10 ms


@pytest.fixture(autouse=True, scope="session")
def _a_display() -> None:
    # without one Qt aborts the whole process: say why, and fail; never skip
    has_display = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if sys.platform == "linux" and not has_display:
        pytest.fail("The GUI tests need a display: xvfb-run -a python -m pytest")


@pytest.fixture(autouse=True, scope="module")
def _quick_collections():
    """What was imported is garbage never: looking at it took a second a viewer."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


class DiskPredictor:
    """Answers with disks around positive clicks, less those around negative ones.

    While `gate` is not set, predictions wait, and loading while `loading` is not;
    `failure` is raised instead of an answer.
    """

    def __init__(self) -> None:
        self.loading = threading.Event()
        self.loading.set()
        self.gate = threading.Event()
        self.gate.set()
        self.failure: Exception | None = None
        self.threads: set[threading.Thread] = set()

    def load(self) -> DiskPredictor:
        assert self.loading.wait(60)
        return self

    def encode(self, plane, contrast_limits=None, near=None, *, should_stop=None):
        return SimpleNamespace(shape=np.shape(plane)[:2], nbytes=0)

    def predict(self, features, prompts, previous=None, *, should_stop=None):
        self.threads.add(threading.current_thread())
        assert self.gate.wait(60)
        if self.failure is not None:
            raise self.failure
        rows, cols = np.indices(features.shape)
        crop = np.zeros(features.shape, np.float32)
        for click in sorted(prompts.clicks, key=lambda it: not it.positive):
            near = np.hypot(rows - click.row, cols - click.col) <= RADIUS_PX
            crop[near] = 0.9 if click.positive else 0.1
        for box in prompts.boxes:
            row = (rows >= box.row0) & (rows <= box.row1)
            crop[row & (cols >= box.col0) & (cols <= box.col1)] = 0.9
        return Prediction(features.shape, (0, 0, *features.shape), crop, 0.5)

    def predict_many(self, features, prompts, *, should_stop=None):
        return [self.predict(features, one, should_stop=should_stop) for one in prompts]


@pytest.fixture
def predictor(monkeypatch) -> DiskPredictor:
    """Stands in for the network in every session that a widget opens."""
    predictor = DiskPredictor()
    loader = "napari_segnext.widget.opening.PredictorLoader.__call__"
    monkeypatch.setattr(loader, lambda _self: predictor.load())
    return predictor


@pytest.fixture
def notifications():
    """Messages of what the user was told, newest last."""
    notification_manager.records.clear()
    return notification_manager.records


@pytest.fixture
def viewer(make_napari_viewer_proxy, predictor):
    return make_napari_viewer_proxy()


@pytest.fixture
def stack(viewer):
    """The sample stack in the viewer, slice 45 on display."""
    sample = load_sample("nuclei_3d")
    layer = viewer.add_image(sample.image, **sample.metadata)
    viewer.dims.set_current_step(0, 45)
    return getattr(layer, "__wrapped__", layer)


@pytest.fixture
def open_widget(viewer) -> Callable[[], SegNextWidget]:
    """Open the widget in a dock, as napari does."""

    def open_() -> SegNextWidget:
        widget = SegNextWidget(napari_viewer=viewer)
        viewer.window.add_dock_widget(widget, name=f"SegNext {id(widget)}")
        return widget

    return open_


@pytest.fixture
def widget(stack, open_widget) -> SegNextWidget:
    """The widget beside the stack, its model loaded."""
    widget = open_widget()
    widget.session.wait(60)
    return widget


class Mouse:
    """Clicks and drags on the canvas of a viewer that is shown."""

    def __init__(self, viewer) -> None:
        self._viewer = getattr(viewer, "__wrapped__", viewer)

    def click(self, layer, *position: float, held: str = "No") -> None:
        self.drag(layer, [position], held=held)

    def drag(
        self, layer, positions: list[tuple[float, ...]], *, held: str = "No"
    ) -> None:
        """Press at the first, move through the others, release at the last.

        `held`: "Alt", "Control" or "Shift", a key that is held meanwhile.
        """
        native = self._canvas.native
        points = [self._pixel(layer, position) for position in positions]
        left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        modifier = getattr(Qt.KeyboardModifier, f"{held}Modifier")
        self._move(points[0], none, modifier)
        QTest.mousePress(native, left, modifier, points[0])
        for point in points[1:]:
            self._move(point, left, modifier)
        QTest.mouseRelease(native, left, modifier, points[-1])

    def double_click(self, layer, *position: float) -> None:
        point = self._pixel(layer, position)
        left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        QTest.mouseDClick(self._canvas.native, left, none, point)

    def move(self, layer, *position: float) -> None:
        self._viewer.mouse_over_canvas = True  # the real pointer may be elsewhere
        none, no_key = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
        self._move(self._pixel(layer, position), none, no_key)

    def _move(self, point: QPoint, button, modifier) -> None:
        """Send the event itself: QTest.mouseMove forgets what is held."""
        if not self._viewer.mouse_over_canvas:
            QApplication.sendEvent(self._canvas.native, QEvent(QEvent.Type.Enter))
        at = QPointF(point), QPointF(self._canvas.native.mapToGlobal(point))
        none = Qt.MouseButton.NoButton
        event = QMouseEvent(QEvent.Type.MouseMove, *at, none, button, modifier)
        QApplication.sendEvent(self._canvas.native, event)
        QTest.qWait(_MOVES_APART_MS)

    def key(self, key: str) -> None:
        """Press a key over the canvas, for instance "Shift-U"."""
        *held, name = key.split("-")
        modifier = getattr(Qt.KeyboardModifier, f"{(held or ['No'])[0]}Modifier")
        QTest.keyClick(self._canvas.native, getattr(Qt.Key, f"Key_{name}"), modifier)

    @property
    def _canvas(self):
        return self._viewer.window._qt_viewer.canvas

    def _pixel(self, layer, position: tuple[float, ...]) -> QPoint:
        """Canvas pixel of a data position, from the canvas's own map."""
        QApplication.processEvents()  # docks may have changed the canvas's size
        shown = list(self._viewer.dims.displayed)
        world = np.array(layer.data_to_world(position))[shown]
        view = self._canvas.view
        corners = [(0, 0), (100, 0), (0, 100)]
        mapped = np.array([self._canvas._map_canvas2world(at, view) for at in corners])
        mapped = mapped[:, shown]
        origin, steps = mapped[0], (mapped[1:] - mapped[0]).T / 100
        x, y = np.linalg.solve(steps, world - origin)
        return QPoint(round(x), round(y))


@pytest.fixture
def mouse_of() -> type[Mouse]:
    """Make a mouse for a viewer that is shown."""
    return Mouse
