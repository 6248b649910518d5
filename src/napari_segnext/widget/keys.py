"""Binds the keys of `actions.ACTIONS` and takes them off again.

napari looks a key up in the active layer first and in the viewer then. Our own layers
get every key; the viewer gets those that nobody else took, never by overwriting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.utils.key_bindings import coerce_keybinding

from napari_segnext.widget.actions import ACTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.utils.key_bindings import KeymapProvider

__all__ = ["KeyBinder"]


class KeyBinder:
    """Keys of one widget.

    Parameters
    ----------
    perform : callable
        Called with the name of an action when its key is pressed.
    """

    def __init__(self, perform: Callable[[str], None]) -> None:
        self._perform = perform
        self._bound: list[tuple[KeymapProvider, Any, Callable[..., None]]] = []

    def bind(self, provider: KeymapProvider) -> None:
        """Bind every free key on a viewer or a layer; a second call does nothing."""
        if any(provider is known for known, _, _ in self._bound):
            return
        for name, action in ACTIONS.items():
            key = coerce_keybinding(action.key)
            if _is_taken(provider, key):
                continue
            function = _presser(self._perform, name)
            provider.bind_key(key, function)
            self._bound.append((provider, key, function))

    def unbind(self) -> None:
        """Take our keys off everything, leaving those that others rebound."""
        for provider, key, function in self._bound:
            if provider.keymap.get(key) is function:
                provider.bind_key(key, None)
        self._bound.clear()

    def forget_missing(self, alive: Callable[[object], bool]) -> None:
        """Let go of layers that are gone, so that they are not kept in memory."""
        self._bound = [entry for entry in self._bound if alive(entry[0])]


def _is_taken(provider: KeymapProvider, key: Any) -> bool:
    keymaps = [vars(kind).get("class_keymap", {}) for kind in type(provider).__mro__]
    return any(key in keymap for keymap in (provider.keymap, *keymaps))


def _presser(perform: Callable[[str], None], name: str) -> Callable[[object], None]:
    # napari asks for the name of what it calls, which a partial has not
    def press(_provider: object) -> None:
        perform(name)

    return press
