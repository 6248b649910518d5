"""The cheat sheet over the canvas: what is in it, and that it gets out of the way."""

from __future__ import annotations

import pytest
from napari.settings import get_plugin_settings
from npe2 import PluginManifest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QLabel

from napari_segnext.widget import text
from napari_segnext.widget.actions import ACTIONS, GROUPS, TOOLS
from napari_segnext.widget.overlay import canvas_of


@pytest.fixture
def canvas(widget, viewer):
    return canvas_of(viewer)


@pytest.fixture
def resized(canvas, qtbot):
    """Give the window, which is shown, another size."""
    with qtbot.waitExposed(canvas.window()):
        canvas.window().show()

    def resize(width: int, height: int) -> None:
        before = canvas.size()
        canvas.window().resize(width, height)
        qtbot.waitUntil(lambda: canvas.size() != before)
        QApplication.processEvents()

    return resize


@pytest.fixture
def sheet(widget, canvas):
    widget.perform("keys")
    return widget._help.sheet


def shown(sheet) -> str:
    return "".join(label.text() for label in sheet.findChildren(QLabel))


def test_the_canvas_is_the_one_that_napari_draws_on(widget, viewer, canvas) -> None:
    real = getattr(viewer, "__wrapped__", viewer)
    assert canvas is real.window._qt_viewer.canvas.native


def test_it_lists_every_key_every_group_and_the_mouse(sheet) -> None:
    assert sheet.is_open
    html = shown(sheet)
    for action in ACTIONS.values():
        assert f"<b>{action.key}</b>" in html
        assert action.tip.replace("'", "&#x27;") in html
    for title in (*GROUPS.values(), text.MOUSE, *(tool.tip for tool in TOOLS.values())):
        assert title in html
    assert "<b>Alt with it</b>" in html


def test_every_group_of_the_actions_is_a_group_of_the_sheet() -> None:
    assert {action.group for action in ACTIONS.values()} == set(GROUPS)


@pytest.mark.parametrize("how", ["same key", "escape", "click", "button"])
def test_it_closes(sheet, widget, viewer, mouse_of, how: str) -> None:
    prompts = len(widget.session.points.data)
    if how == "same key":
        mouse_of(viewer).key(ACTIONS["keys"].key)
    elif how == "escape":
        QTest.keyClick(sheet.parentWidget(), Qt.Key.Key_Escape)
    elif how == "click":
        left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        QTest.mouseClick(sheet, left, none, QPoint(5, 5))
    else:
        QTest.mouseClick(widget.panel.controls.keys, Qt.MouseButton.LeftButton)
    assert not sheet.is_open
    assert len(widget.session.points.data) == prompts


def test_a_click_on_a_line_of_it_closes_it(sheet) -> None:
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QTest.mouseClick(sheet._sections[0], left, none)
    assert not sheet.is_open


def test_the_canvas_has_its_mouse_and_keys_while_it_is_closed(
    sheet, widget, viewer, mouse_of
) -> None:
    widget.perform("keys")
    mouse = mouse_of(viewer)
    session = widget.session
    mouse.click(session.points, 45, 30, 30)
    assert len(session.points.data) == 1
    session.activate("polygon")
    QTest.keyClick(sheet.parentWidget(), Qt.Key.Key_Escape)  # napari's own again
    mouse.key("Q")
    assert session.polarity == "negative"


def test_it_covers_the_canvas_whatever_its_size(sheet, canvas, resized) -> None:
    columns = []
    for width, height in ((1800, 1000), (900, 600)):
        resized(width, height)
        assert sheet.geometry() == canvas.rect()
        assert canvas.rect().contains(sheet._card.geometry())
        first, second = (label.geometry() for label in sheet._sections)
        columns.append(second.left() > first.right())
    assert columns == [True, False]


def test_it_fits_a_usual_window_without_scrolling(widget, resized) -> None:
    resized(1600, 1000)
    widget.perform("keys")
    QApplication.processEvents()
    area = widget._help.sheet._area
    assert area.viewport().height() > 300
    assert area.verticalScrollBar().maximum() == 0


def test_it_shows_the_keys_that_the_user_chose(
    npe2pm, plugin_settings, widget, canvas
) -> None:
    npe2pm.register(PluginManifest.from_distribution("napari-segnext"))
    stored = get_plugin_settings("napari-segnext").keys
    stored.accept, stored.undo = "F4", ""
    widget.perform("keys")
    html = shown(widget._help.sheet)
    assert "<b>F4</b>" in html
    assert "<b>G</b>" not in html
    assert ACTIONS["undo"].tip not in html


def test_it_can_be_asked_for_without_an_image(viewer, open_widget) -> None:
    widget = open_widget()
    assert widget.session is None
    widget.perform("keys")
    assert widget._help.sheet.is_open


def test_it_goes_with_the_widget(sheet, widget, viewer, canvas) -> None:
    viewer.window.remove_dock_widget(widget)
    assert widget._help.sheet is None
    assert sheet.parentWidget() is None
    assert sheet not in canvas.children()
