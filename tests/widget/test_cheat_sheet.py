"""The cheat sheet over the canvas: what is in it, and that it gets out of the way."""

from __future__ import annotations

from html import escape

import pytest
from napari.settings import get_plugin_settings
from npe2 import PluginManifest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QLabel, QWidget

from napari_segnext.widget import text
from napari_segnext.widget.actions import ACTIONS, GROUPS, TOOLS
from napari_segnext.widget.cheat_sheet import CheatSheet
from napari_segnext.widget.overlay import canvas_of

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


class Canvas(QWidget):
    """Stands in for what napari draws on, and notes the clicks that reach it."""

    def __init__(self) -> None:
        super().__init__()
        self.clicks: list[str] = []

    def mousePressEvent(self, event) -> None:
        self.clicks.append("press")

    def mouseReleaseEvent(self, event) -> None:
        self.clicks.append("release")


@pytest.fixture
def canvas(qtbot) -> Canvas:
    canvas = Canvas()
    qtbot.addWidget(canvas)
    canvas.resize(1200, 800)
    with qtbot.waitExposed(canvas):
        canvas.show()
    return canvas


@pytest.fixture
def sheet(canvas) -> CheatSheet:
    """It lies open over the canvas."""
    sheet = CheatSheet(canvas)
    sheet.toggle()
    return sheet


def words(sheet: CheatSheet) -> str:
    return "".join(label.text() for label in sheet.findChildren(QLabel))


def test_it_lists_every_key_every_group_and_the_mouse(sheet) -> None:
    html = words(sheet)
    for action in ACTIONS.values():
        assert f"<b>{action.key}</b>" in html
        assert escape(action.tip) in html
    for title in (*GROUPS.values(), text.MOUSE, *(tool.tip for tool in TOOLS.values())):
        assert title in html
    assert "<b>Ctrl with it</b>" in html


def test_every_group_of_the_actions_is_a_group_of_the_sheet() -> None:
    assert {action.group for action in ACTIONS.values()} == set(GROUPS)


def test_escape_closes_it_and_is_the_canvass_own_again_then(sheet, canvas) -> None:
    heard = []
    canvas.keyPressEvent = lambda event: heard.append(event.key())
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert not sheet.is_open
    assert heard == []
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert heard == [Qt.Key.Key_Escape]


@pytest.mark.parametrize("where", ["beside the card", "on a line of it"])
def test_a_click_closes_it_and_is_no_prompt(sheet, canvas, where: str) -> None:
    if where == "beside the card":
        QTest.mouseClick(sheet, LEFT, NONE, QPoint(5, 5))
    else:
        QTest.mouseClick(sheet._sections[0], LEFT, NONE)
    assert not sheet.is_open
    assert canvas.clicks == []
    assert canvas.childAt(canvas.rect().center()) is None


def test_it_covers_the_canvas_whatever_its_size(sheet, canvas) -> None:
    columns = []
    for width, height in ((1300, 900), (500, 400)):
        canvas.resize(width, height)
        QApplication.processEvents()
        assert sheet.geometry() == canvas.rect()
        assert canvas.rect().contains(sheet._card.geometry())
        first, second = (label.geometry() for label in sheet._sections)
        columns.append(second.left() > first.right())
    assert columns == [True, False]
    assert sheet._area.verticalScrollBar().maximum() > 0


@pytest.mark.parametrize("font_scale", [1, 1.5])
def test_it_fits_a_usual_canvas_without_scrolling(canvas, font_scale: float) -> None:
    font = canvas.font()
    font.setPointSizeF(font_scale * font.pointSizeF())
    canvas.setFont(font)
    canvas.resize(1400, 950)
    sheet = CheatSheet(canvas)
    sheet.toggle()
    QApplication.processEvents()
    area = sheet._area
    assert area.viewport().height() > 300
    assert area.verticalScrollBar().maximum() == 0


def test_it_shows_the_keys_that_the_user_chose(npe2pm, plugin_settings, sheet) -> None:
    npe2pm.register(PluginManifest.from_distribution("napari-segnext"))
    stored = get_plugin_settings("napari-segnext").keys
    stored.accept, stored.undo = "F4", ""
    sheet.refresh()
    html = words(sheet)
    assert "<b>F4</b>" in html
    assert "<b>G</b>" not in html
    assert ACTIONS["undo"].tip not in html


# ---- in napari


def test_its_key_and_its_button_open_and_close_it(widget, viewer, mouse_of) -> None:
    mouse, button = mouse_of(viewer), widget.panel.controls.keys
    viewer.layers.selection.active = widget.session.points
    for opener, closer in (("key", "button"), ("button", "key")):
        for how, is_open in ((opener, True), (closer, False)):
            if how == "key":
                mouse.key(ACTIONS["keys"].key)
            else:
                QTest.mouseClick(button, LEFT)
            assert widget._help.sheet.is_open is is_open
    mouse.click(widget.session.points, 45, 30, 30)
    assert len(widget.session.points.data) == 1


def test_it_lies_over_naparis_canvas_and_goes_with_the_widget(
    viewer, open_widget
) -> None:
    widget = open_widget()  # without an image, too
    canvas = canvas_of(viewer)
    real = getattr(viewer, "__wrapped__", viewer)
    assert canvas is real.window._qt_viewer.canvas.native
    widget.perform("keys")
    sheet = widget._help.sheet
    assert sheet.is_open
    assert sheet.parentWidget() is canvas
    viewer.window.remove_dock_widget(widget)
    assert widget._help.sheet is None
    assert canvas.findChild(CheatSheet) is None
