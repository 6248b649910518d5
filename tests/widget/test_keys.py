"""The keys: with every kind of layer active, beside napari's own, and gone on close."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from napari.layers import (
    Image,
    Labels,
    Points,
    Shapes,
    Surface,
    Tracks,
    Vectors,
)
from napari.utils.key_bindings import coerce_keybinding

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
