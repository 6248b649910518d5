"""Keys as the user wants them: what can be, what cannot, and all that shows them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from napari.settings import get_plugin_settings
from npe2 import PluginManifest

from napari_segnext.widget.actions import (
    ACTIONS,
    key_of,
    read_keys,
    tooltip,
)
from napari_segnext.widget.key_choice import choose_keys, parsed_key, taken_by_napari
from napari_segnext.widget.main import SegNextWidget

DEFAULTS = {"accept": "G", "undo": "U", "redo": "Shift-U", "run": "J"}
TITLES = {name: name.title() for name in DEFAULTS}
TAKEN = frozenset({"P", "Ctrl-S"})


def choose(**wanted: str):
    return choose_keys(wanted, DEFAULTS, TITLES, TAKEN)


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("g", "G"),
        ("shift+u", "Shift-U"),
        (" Shift-U ", "Shift-U"),
        ("Alt-Control-x", "Ctrl-Alt-X"),
        ("8", "8"),
        (".", "."),
        ("F4", "F4"),
        ("Shift-F4", "Shift-F4"),
        ("Foo", None),
        ("ä", None),
        ("", None),
        ("Shift", None),
        ("G-G", None),
        ("Ctrl-K Ctrl-S", None),
        ("Shift-8", None),  # arrives as what is written above the 8
    ],
)
def test_a_key_is_parsed_as_napari_delivers_it(written: str, key: str | None) -> None:
    assert parsed_key(written) == key


def test_defaults_are_written_as_keys_are_parsed() -> None:
    assert all(parsed_key(action.key) == action.key for action in ACTIONS.values())


def test_a_free_key_is_taken() -> None:
    choice = choose(accept="shift-g")
    assert choice.keys == {**DEFAULTS, "accept": "Shift-G"}
    assert choice.complaints == ()


def test_keys_can_be_exchanged() -> None:
    choice = choose(accept="U", undo="G")
    assert choice.keys == {**DEFAULTS, "accept": "U", "undo": "G"}
    assert choice.complaints == ()


def test_no_key_at_all_can_be_wanted_by_many() -> None:
    choice = choose(accept="", undo=" ")
    assert choice.keys == {**DEFAULTS, "accept": "", "undo": ""}
    assert choice.complaints == ()


@pytest.mark.parametrize(
    ("wanted", "parts"),
    [
        ({"accept": "Foo"}, ("Accept stays on G", "no key Foo")),
        ({"accept": "p"}, ("Accept stays on G", "P is a key of napari")),
        ({"accept": "u"}, ("Accept stays on G", "U does something else")),
        ({"accept": "F4", "run": "f4"}, ("Run stays on J", "F4 does something else")),
        # undo wants what accept falls back on
        ({"accept": "Foo", "undo": "G"}, ("Accept stays on G", "Undo stays on U")),
    ],
)
def test_a_key_that_cannot_be_is_a_sentence_and_the_default(
    wanted: dict[str, str], parts: tuple[str, ...]
) -> None:
    choice = choose(**wanted)
    told = " ".join(choice.complaints)
    assert all(part in told for part in parts)
    assert all(sentence.count(".") == 1 for sentence in choice.complaints)
    for name in DEFAULTS:
        if f"{TITLES[name]} stays" in told:
            assert choice.keys[name] == DEFAULTS[name]


KEYS = st.sampled_from(["G", "U", "Shift-U", "J", "P", "F4", "F5", "", "Foo"])


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(DEFAULTS, KEYS)))
def test_whatever_is_wanted_no_key_is_used_twice_or_is_naparis(wanted) -> None:
    choice = choose(**wanted)
    used = [key for key in choice.keys.values() if key]
    assert len(used) == len(set(used))
    assert not TAKEN & set(used)
    assert list(choice.keys) == list(DEFAULTS)
    for name, key in choice.keys.items():
        assert key in (DEFAULTS[name], wanted.get(name))


def test_the_keys_of_napari_are_those_of_layers_viewer_and_menus(
    viewer, monkeypatch
) -> None:
    # napari's fixtures give every viewer an app of another name
    monkeypatch.setattr("napari_segnext.widget.key_choice._APP", "test_app")
    taken = taken_by_napari()
    assert {"P", "M", "C", "Shift-L", "Ctrl-Shift-C", "Escape"} <= taken
    assert {"Ctrl-Shift-P", "Ctrl-O", "Alt-S"} <= taken
    assert not taken & {action.key for action in ACTIONS.values()}


# ---- with the plugin registered


@pytest.fixture
def stored(npe2pm, plugin_settings):
    """The user's keys in napari's Preferences."""
    npe2pm.register(PluginManifest.from_distribution("napari-segnext"))
    return get_plugin_settings("napari-segnext").keys


@pytest.fixture
def performed(monkeypatch) -> list[str]:
    names: list[str] = []
    monkeypatch.setattr(
        SegNextWidget, "perform", lambda _self, name: names.append(name)
    )
    return names


def test_the_manifest_has_every_key_with_its_default(stored) -> None:
    assert stored.model_dump() == {name: it.key for name, it in ACTIONS.items()}
    for name, field in type(stored).model_fields.items():
        assert field.title == ACTIONS[name].text
        assert field.description.startswith(ACTIONS[name].tip)


def test_without_the_plugin_registered_keys_are_the_defaults(
    npe2pm, plugin_settings
) -> None:
    assert read_keys().keys == {name: it.key for name, it in ACTIONS.items()}


def test_tooltips_show_the_key_in_use(stored) -> None:
    stored.accept = "F4"
    stored.undo = ""
    assert key_of("accept") == "F4"
    assert tooltip("accept").endswith("(F4)")
    assert tooltip("undo") == ACTIONS["undo"].tip


def test_keys_follow_preferences_while_the_widget_is_open(
    stored, performed, widget, viewer, mouse_of, qtbot
) -> None:
    key = mouse_of(viewer).key
    stored.accept = "Shift-G"
    qtbot.waitUntil(lambda: not widget._help._typed.isActive(), timeout=20_000)
    viewer.layers.selection.active = widget.session.points
    key("Shift-G")
    key("G")
    viewer.layers.selection.clear()
    key("Shift-G")
    key("G")
    assert performed == ["accept", "accept"]
    assert widget.panel.controls.buttons["accept"].toolTip().endswith("(Shift-G)")


def test_a_key_is_not_complained_of_while_it_is_typed(
    stored, widget, qtbot, notifications
) -> None:
    for typed in ("S", "Sh", "Shift-", "Shift-G"):
        stored.accept = typed
    qtbot.waitUntil(lambda: not widget._help._typed.isActive(), timeout=20_000)
    assert not notifications


def test_a_key_that_cannot_be_is_told_once_when_the_widget_opens(
    stored, performed, stack, viewer, open_widget, mouse_of, notifications
) -> None:
    stored.accept = "P"
    widget = open_widget()
    widget.session.wait(60)
    (message,) = notifications
    assert message.message == (
        "Accept stays on G: P is a key of napari itself; choose another one in "
        "Preferences."
    )
    mouse_of(viewer).key("G")
    assert performed == ["accept"]


def test_closing_lets_go_of_the_settings(stored, widget, viewer) -> None:
    viewer.window.remove_dock_widget(widget)
    stored.accept = "Shift-G"
    assert not widget._help._typed.isActive()
