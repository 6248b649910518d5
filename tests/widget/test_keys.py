"""The keys: with every kind of layer active, beside napari's own, and gone on close."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from app_model import Application
from napari.layers import (
    Image,
    Labels,
    Points,
    Shapes,
    Surface,
    Tracks,
    Vectors,
)
from napari.settings import get_settings
from napari.utils.key_bindings import coerce_keybinding
from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QKeyEvent, QShortcut
from qtpy.QtWidgets import QApplication

from napari_segnext.widget.actions import ACTIONS
from napari_segnext.widget.main import SegNextWidget

OWN = ("points", "shapes", "scribbles", "preview", "target")
FOREIGN = {
    "image": lambda: Image(np.zeros((8, 8), np.uint8)),
    "labels": lambda: Labels(np.zeros((8, 8), np.uint8)),
    "points": lambda: Points(np.zeros((1, 2))),
    "shapes": lambda: Shapes([np.array([[0, 0], [4, 4]])], shape_type="line"),
    "vectors": lambda: Vectors(np.zeros((1, 2, 2))),
    "tracks": lambda: Tracks(np.array([[0, 0, 1, 1], [0, 1, 2, 2]])),
    "surface": lambda: Surface(
        (np.array([[0, 0], [0, 4], [4, 4]]), np.array([[0, 1, 2]]), np.ones(3))
    ),
}
KEYS = {name: action.key for name, action in ACTIONS.items()}


@pytest.fixture
def performed(monkeypatch) -> list[str]:
    """Names of the actions that keys ask for, instead of doing them."""
    names: list[str] = []
    monkeypatch.setattr(
        SegNextWidget, "perform", lambda _self, name: names.append(name)
    )

    def hold(_self, name: str, held_s: float | None) -> None:
        if held_s is None:
            names.append(name)

    monkeypatch.setattr(SegNextWidget, "hold", hold)
    return names


@pytest.fixture
def keys(performed, stack, open_widget, viewer, mouse_of):
    """The widget with all its layers, and a keyboard over the canvas."""
    widget = open_widget()
    widget.session.activate("box")
    widget.session.activate("scribble")
    return widget, mouse_of(viewer).key


def press_all(key) -> None:
    for text in KEYS.values():
        key(text)


@pytest.mark.parametrize("role", OWN)
def test_every_key_works_with_each_of_our_layers_active(
    viewer, keys, performed, role: str
) -> None:
    widget, key = keys
    viewer.layers.selection.active = getattr(widget.session, role)
    press_all(key)
    assert performed == list(KEYS)


@pytest.mark.parametrize("kind", FOREIGN)
def test_every_key_works_with_each_kind_of_layer_active(
    viewer, keys, performed, kind: str
) -> None:
    _widget, key = keys
    viewer.layers.append(FOREIGN[kind]())
    viewer.layers.selection.active = viewer.layers[-1]
    press_all(key)
    assert performed == list(KEYS)


def test_every_key_works_with_no_layer_active(viewer, keys, performed) -> None:
    _widget, key = keys
    viewer.layers.selection.clear()
    press_all(key)
    assert performed == list(KEYS)


def test_each_key_is_used_once_and_free_in_napari() -> None:
    from napari import Viewer

    assert max(Counter(KEYS.values()).values()) == 1
    kinds = (Viewer, Image, Labels, Points, Shapes, Surface, Tracks, Vectors)
    taken = {
        key
        for kind in kinds
        for it in kind.__mro__
        for key in vars(it).get("class_keymap", {})
    }
    assert len(taken) > 50
    assert not taken & {coerce_keybinding(key) for key in KEYS.values()}
    assert coerce_keybinding("T") not in map(coerce_keybinding, KEYS.values())


def test_napari_keeps_its_own_keys(viewer, keys, performed) -> None:
    widget, _key = keys
    ours = {coerce_keybinding(key) for key in KEYS.values()}
    assert set(real(viewer).keymap) == ours
    for role in OWN:
        assert set(getattr(widget.session, role).keymap) == ours


def test_a_key_that_somebody_bound_before_is_left_alone(
    stack, viewer, open_widget, performed, mouse_of
) -> None:
    pressed = []
    viewer.bind_key("G", lambda _viewer: pressed.append("G"))
    widget = open_widget()
    key = mouse_of(viewer).key
    viewer.layers.selection.active = stack
    key("G")
    assert pressed == ["G"]
    viewer.layers.selection.active = widget.session.points
    key("G")
    assert performed == ["accept"]
    viewer.window.remove_dock_widget(widget)
    viewer.layers.selection.active = stack
    key("G")
    assert pressed == ["G", "G"]


def test_keys_are_gone_after_closing(viewer, keys, performed) -> None:
    widget, key = keys
    target = widget.session.target
    viewer.window.remove_dock_widget(widget)
    press_all(key)
    assert performed == []
    assert real(viewer).keymap == {}
    assert target.keymap == {}


def test_the_keys_of_a_second_widget_are_for_its_own_layers(
    viewer, keys, open_widget, monkeypatch
) -> None:
    first, key = keys
    asked = []
    monkeypatch.setattr(SegNextWidget, "perform", lambda it, name: asked.append(it))
    first = open_widget_after(viewer, first, open_widget)
    second = open_widget()
    viewer.layers.selection.active = second.session.points
    key("G")
    viewer.layers.selection.active = first.session.points
    key("G")
    assert asked == [second, first]


def test_a_second_widget_takes_over_the_keys_of_one_that_closed(
    viewer, stack, keys, open_widget, performed
) -> None:
    first, key = keys
    second = open_widget()
    viewer.window.remove_dock_widget(first)
    second.session.toggle_polarity()
    viewer.layers.selection.active = stack
    press_all(key)
    assert performed == list(KEYS)


def open_widget_after(viewer, old, open_widget):
    """Replace a widget, so that the newest `perform` is what its keys call."""
    viewer.window.remove_dock_widget(old)
    return open_widget()


def test_a_layer_made_again_has_the_keys(viewer, keys, performed) -> None:
    widget, key = keys
    viewer.layers.remove(widget.session.points)
    widget.session.activate("point")
    assert viewer.layers.selection.active == widget.session.points
    press_all(key)
    assert performed == list(KEYS)


def real(layer):
    return getattr(layer, "__wrapped__", layer)


def test_no_key_is_one_of_the_menus_of_the_window(viewer) -> None:
    window = real(viewer).window.main_menu.parentWidget()
    # napari's fixtures give every viewer an app of this name
    menus = {rule.keybinding for rule in Application.get_app("test_app").keybindings}
    shortcuts = {
        shortcut.key().toString() for shortcut in window.findChildren(QShortcut)
    }
    assert len(menus) > 10
    assert "Ctrl+M" in shortcuts
    ours = {coerce_keybinding(key) for key in KEYS.values()}
    assert not ours & menus
    assert not {str(key) for key in ours} & shortcuts


class HeldKey:
    """Presses a key over the canvas, repeats it as a keyboard does, lets it go."""

    def __init__(self, viewer) -> None:
        self._canvas = real(viewer).window._qt_viewer.canvas.native

    def press(self, code: Qt.Key) -> None:
        self._send(QEvent.Type.KeyPress, code, repeated=False)

    def repeat(self, code: Qt.Key) -> None:
        # under X11 a held key is a row of releases and presses
        self._send(QEvent.Type.KeyRelease, code, repeated=True)
        self._send(QEvent.Type.KeyPress, code, repeated=True)

    def release(self, code: Qt.Key) -> None:
        self._send(QEvent.Type.KeyRelease, code, repeated=False)

    def _send(self, kind: QEvent.Type, code: Qt.Key, repeated: bool) -> None:
        none = Qt.KeyboardModifier.NoModifier
        event = QKeyEvent(kind, code, none, chr(int(code)), repeated)
        QApplication.sendEvent(self._canvas, event)


KEY_8 = Qt.Key.Key_8


@pytest.fixture
def held(widget, viewer) -> HeldKey:
    """The key "several" with a click prompt at hand."""
    viewer.layers.selection.active = widget.session.points
    return HeldKey(viewer)


@pytest.fixture
def always_long(monkeypatch) -> None:
    """Make every press of a key a long one, without waiting for it."""
    monkeypatch.setattr(get_settings().application, "hold_button_delay", 0)


def test_a_tap_on_several_switches_it_on_and_the_next_one_off(widget, held) -> None:
    held.press(KEY_8)
    held.release(KEY_8)
    assert widget.session.each
    assert not widget.session.each_once
    held.press(KEY_8)
    held.release(KEY_8)
    assert not widget.session.each


def test_several_held_is_for_the_prompts_made_meanwhile(
    widget, held, mouse_of, viewer, always_long
) -> None:
    session = widget.session
    held.press(KEY_8)
    held.repeat(KEY_8)
    held.repeat(KEY_8)
    mouse = mouse_of(viewer)
    mouse.click(session.points, 45, 20, 20)
    mouse.click(session.points, 45, 60, 60)
    held.release(KEY_8)
    session.wait(60)
    assert session.each
    assert session.each_once
    session.accept()
    assert not session.each
    assert {1, 2} <= set(np.unique(session.target.data[45]))


def test_several_held_for_nothing_changes_nothing(widget, held, always_long) -> None:
    held.press(KEY_8)
    assert widget.session.each
    held.release(KEY_8)
    assert not widget.session.each
    assert not widget.session.each_once


def test_more_prompts_can_be_added_by_holding_several_again(
    widget, held, always_long, notifications
) -> None:
    session = widget.session
    for row in (20, 60):
        held.press(KEY_8)
        session.add_click((45, row, row))
        held.release(KEY_8)
    assert session.each
    assert session.each_once
    assert not notifications


def test_several_while_another_object_is_open_is_one_sentence(
    widget, held, notifications
) -> None:
    widget.session.add_click((45, 20, 20))
    held.press(KEY_8)
    held.release(KEY_8)
    assert not widget.session.each
    assert "accept or clear" in widget.panel.hint.text()
    widget.session.wait(60)
    assert "accept or clear" in widget.panel.hint.text(), "gone before it was read"
    widget.session.add_click((45, 60, 60))
    assert "accept or clear" not in widget.panel.hint.text()
    assert not notifications


def test_a_key_held_while_another_image_is_chosen_does_nothing_to_it(
    widget, held, viewer, always_long
) -> None:
    held.press(KEY_8)
    other = Image(np.zeros((32, 32), np.uint8), name="other")
    viewer.layers.append(other)
    widget._desk.choose_image(other)
    widget.session.each = True
    held.release(KEY_8)
    assert widget.session.each
