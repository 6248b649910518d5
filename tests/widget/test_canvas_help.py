"""Polarity, tool, label and hint in the corner of the canvas."""

from __future__ import annotations

import pytest
from napari.settings import get_plugin_settings
from npe2 import PluginManifest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_segnext.session import text as session_text
from napari_segnext.widget import text
from napari_segnext.widget.actions import TOOLS
from napari_segnext.widget.canvas_help import CanvasHelp
from napari_segnext.widget.overlay import canvas_of


@pytest.fixture
def corner(widget) -> CanvasHelp:
    return widget._help.corner


def test_it_says_polarity_tool_label_and_what_to_do(widget, corner) -> None:
    assert not corner.isHidden()
    assert corner.polarity.text() == "+ object"
    assert corner.what.text() == f"{TOOLS['point'].text} · label 1"
    assert corner.hint.text() == widget.session.hint == session_text.BEGIN
    before = corner.polarity.styleSheet()
    widget.session.toggle_polarity()
    assert corner.polarity.text() == text.POLARITIES["negative"]
    assert corner.polarity.styleSheet() != before


def test_it_follows_the_session_and_says_why_nothing_happens(
    widget, viewer, corner
) -> None:
    session = widget.session
    session.activate("box")
    session.label = 7
    QApplication.processEvents()  # a layer came, and is looked at in the next turn
    assert corner.what.text() == f"{TOOLS['box'].text} · label 7"
    session.each = True
    assert corner.what.text() == f"{TOOLS['box'].text} · several objects"
    session.each = False
    session.add_click((45, 20, 20), positive=False)
    assert corner.hint.text() == session_text.NO_POSITIVE
    viewer.dims.ndisplay = 3
    widget.session.sync()
    assert not corner.isHidden()
    assert corner.hint.text() == session_text.SWITCH_TO_2D


def test_while_clicks_go_to_another_layer_no_tool_is_shown(widget, stack, qtbot):
    tools, hint = widget.panel.controls.tools, widget.panel.hint
    assert tools["point"].isChecked()
    widget.session.viewer.layers.selection.active = stack  # to change its contrast
    qtbot.waitUntil(lambda: not tools["point"].isChecked())
    assert hint.text() == session_text.CHOOSE_A_TOOL
    assert "Point" not in widget._help.corner.what.text()
    tools["point"].click()
    assert tools["point"].isChecked()
    assert hint.text() == session_text.BEGIN


def test_it_takes_no_mouse_and_leaves_naparis_overlay_alone(
    widget, viewer, corner, mouse_of
) -> None:
    assert corner.testAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    canvas = canvas_of(viewer)
    assert canvas.childAt(corner.geometry().center()) is None
    assert not viewer.canvas.overlays.text.visible
    assert viewer.canvas.overlays.text.text == ""


def test_it_stays_in_the_corner_of_the_canvas_in_the_grid_too(
    widget, viewer, corner, qtbot
) -> None:
    canvas = canvas_of(viewer)
    window = viewer.window.main_menu.parentWidget()
    with qtbot.waitExposed(window):
        window.show()
    for width, is_grid in ((1300, False), (900, True)):
        viewer.canvas.grid.enabled = is_grid
        before = canvas.width()
        window.resize(width, 700)
        qtbot.waitUntil(lambda before=before: canvas.width() != before)
        assert canvas.rect().contains(corner.geometry())
        assert canvas.width() - corner.geometry().right() < 20
        assert corner.geometry().top() < 20


def test_a_long_hint_is_wrapped_not_cut(widget, corner) -> None:
    short = corner.height()
    widget.session.add_click((45, 20, 20), positive=False)
    widget.session.wait(60)
    assert corner.height() > short
    assert corner.height() >= corner.layout().heightForWidth(corner.width())


def test_without_a_session_it_is_not_there(viewer, widget, stack, corner) -> None:
    viewer.layers.remove(stack)
    QApplication.processEvents()
    assert widget.session is None
    assert corner.isHidden()


def test_it_can_be_switched_off_and_on_in_preferences(
    npe2pm, plugin_settings, stack, open_widget
) -> None:
    npe2pm.register(PluginManifest.from_distribution("napari-segnext"))
    stored = get_plugin_settings("napari-segnext").interaction
    stored.canvas_help = False
    widget = open_widget()
    assert widget._help.corner is None
    stored.canvas_help = True
    assert not widget._help.corner.isHidden()
    stored.canvas_help = False
    assert widget._help.corner is None


def test_it_is_painted_again_only_for_a_change_and_goes_with_the_widget(
    widget, viewer, corner
) -> None:
    corner.hint.setText("mark")  # what a needless setText would overwrite
    corner.show_session(widget.session)
    assert corner.hint.text() == "mark"
    viewer.window.remove_dock_widget(widget)
    assert corner.parentWidget() is None
    assert canvas_of(viewer).findChild(CanvasHelp) is None
