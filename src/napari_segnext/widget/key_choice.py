"""Which key does what: the table's defaults, as the user changed them, where possible.

A key that napari does not know or needs itself, or that is asked for twice, is left at
its default, with a sentence that says so.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app_model import Application
from app_model.types import KeyBinding, KeyCode
from napari.components import ViewerModel
from napari.layers import Image, Labels, Points, Shapes, Surface, Tracks, Vectors
from napari.utils.key_bindings import coerce_keybinding

from napari_segnext.widget import text

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["KeyChoice", "choose_keys", "parsed_key", "taken_by_napari"]

_APP = "napari"
_PROVIDERS = (ViewerModel, Image, Labels, Points, Shapes, Surface, Tracks, Vectors)


@dataclass(frozen=True, slots=True)
class KeyChoice:
    """The keys in use.

    Parameters
    ----------
    keys : dict of str to str
        Name of an action to its key, for instance "Shift-U"; "" is no key. Never
        changed in place.
    complaints : tuple of str
        A sentence for every key that could not be as the user wants it.
    """

    keys: dict[str, str]
    complaints: tuple[str, ...] = ()


def choose_keys(
    wanted: Mapping[str, str],
    defaults: Mapping[str, str],
    titles: Mapping[str, str],
    taken: Collection[str],
) -> KeyChoice:
    """Take the wanted keys, and defaults for those that cannot be.

    Parameters
    ----------
    wanted, defaults : mapping of str to str
        Name of an action to its key; "" is no key.
    titles : mapping of str to str
        What the actions are called in a complaint.
    taken : collection of str
        Keys of napari, written as :func:`parsed_key` does.

    Returns
    -------
    KeyChoice
        No key in it is used twice, if none of the defaults is.
    """
    keys: dict[str, str] = {}
    complaints: list[str] = []

    def complain(sentence: str, name: str, key: str) -> None:
        complaints.append(
            sentence.format(key=key, title=titles[name], default=defaults[name])
        )

    for name, default in defaults.items():
        key = wanted.get(name, default).strip()
        known = key if key in ("", default) else parsed_key(key)
        if known is None:
            complain(text.KEY_UNKNOWN, name, key)
        elif known != default and known in taken:
            complain(text.KEY_OF_NAPARI, name, known)
            known = None
        keys[name] = default if known is None else known
    # a default that comes back may itself be wanted by another action
    while second := _second_use(keys, defaults):
        complain(text.KEY_TWICE, second, keys[second])
        keys[second] = defaults[second]
    return KeyChoice(keys, tuple(complaints))


def _second_use(keys: dict[str, str], defaults: Mapping[str, str]) -> str | None:
    """Return an action that must give up its key, if any; the last of the table."""
    uses = Counter(keys.values())
    return next(
        (
            name
            for name in reversed(keys)
            if uses[keys[name]] > 1 and keys[name] not in ("", defaults[name])
        ),
        None,
    )


def parsed_key(key: str) -> str | None:
    """Return a key as the table writes it; None where no key press can be it."""
    try:
        binding = coerce_keybinding(key.strip().replace("+", "-"))
    except (ValueError, IndexError):
        return None
    return _written(binding)


def _written(binding: KeyBinding) -> str | None:
    if len(binding.parts) != 1:
        return None
    part = binding.parts[0]
    name = str(part.key) if part.key is not None else ""
    if part.key in (None, KeyCode.UNKNOWN) or part.is_modifier_key():
        return None
    is_letter = len(name) == 1 and name.isalpha()
    # Shift and "8" arrive as what the keyboard writes with them, without Shift
    if part.shift and len(name) == 1 and not is_letter and not part.ctrl:
        return None
    modifiers = (
        ("Ctrl", part.ctrl),
        ("Shift", part.shift),
        ("Alt", part.alt),
        ("Meta", part.meta),
    )
    return "-".join([*(title for title, is_held in modifiers if is_held), name])


def taken_by_napari() -> frozenset[str]:
    """Return the keys of napari: of every kind of layer, the viewer and the menus.

    They are as the user has them, who may have changed them in napari's Preferences.
    """
    bindings = [
        binding
        for provider in _PROVIDERS
        for kind in provider.__mro__
        for binding in vars(kind).get("class_keymap", {})
        if isinstance(binding, KeyBinding)  # an Ellipsis stands for every key
    ]
    app = Application.get_app(_APP)
    if app is not None:
        bindings += [rule.keybinding for rule in app.keybindings]
    return frozenset(key for key in map(_written, bindings) if key is not None)
