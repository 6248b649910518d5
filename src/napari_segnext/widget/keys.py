"""Binds the keys of the actions and takes them off again.

napari looks a key up in the active layer first and in the viewer then. Our own layers
get every key; the viewer gets those that nobody else took, never by overwriting.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from napari.utils.key_bindings import coerce_keybinding

from napari_segnext.widget.actions import HELD, read_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari.utils.key_bindings import KeymapProvider

__all__ = ["KeyBinder"]


class KeyBinder:
    """Keys of one widget.

    Parameters
    ----------
    perform : callable
        Called with the name of an action when its key is pressed.
    hold : callable
        Called for the actions of `actions.HELD` instead: with the name and None when
        the key is pressed, and with the name and the seconds it was held when it is
        let go.

    Attributes
    ----------
    complaints : tuple of str
        Why some keys are not as the user wants them, a sentence each.
    """

    def __init__(
        self,
        perform: Callable[[str], None],
        hold: Callable[[str, float | None], None],
    ) -> None:
        self._perform = perform
        self._hold = hold
        self._bound: list[tuple[KeymapProvider, Any, Callable[..., object]]] = []
        self._read()

    def bind(self, provider: KeymapProvider) -> None:
        """Bind every free key on a viewer or a layer; a second call does nothing."""
        if any(provider is known for known, _, _ in self._bound):
            return
        for name, written in self._keys.items():
            if not written:  # the user wants none
                continue
            key = coerce_keybinding(written)
            if _is_taken(provider, key):
                continue
            function = self._presser(name)
            provider.bind_key(key, function)
            self._bound.append((provider, key, function))

    def unbind(self) -> None:
        """Take our keys off everything, leaving those that others rebound."""
        for provider, key, function in self._bound:
            if provider.keymap.get(key) is function:
                provider.bind_key(key, None)
        self._bound.clear()

    def rebind(self) -> None:
        """Bind the keys as the settings are now, where they were bound before."""
        providers = {id(provider): provider for provider, _, _ in self._bound}
        self.unbind()
        self._read()
        for provider in providers.values():
            self.bind(provider)

    def forget_missing(self, alive: Callable[[object], bool]) -> None:
        """Let go of layers that are gone, so that they are not kept in memory."""
        self._bound = [entry for entry in self._bound if alive(entry[0])]

    def _read(self) -> None:
        choice = read_keys()
        self._keys, self.complaints = choice.keys, choice.complaints

    def _presser(self, name: str) -> Callable[[object], object]:
        # napari asks for the name of what it calls, which a partial has not
        def press(_provider: object) -> None:
            self._perform(name)

        # napari runs a generator on to its end when the key is let go, and drops the
        # repeated presses of a key that is held
        def press_and_release(_provider: object) -> Iterator[None]:
            begin = time.monotonic()
            self._hold(name, None)
            yield
            self._hold(name, time.monotonic() - begin)

        return press_and_release if name in HELD else press


def _is_taken(provider: KeymapProvider, key: Any) -> bool:
    keymaps = [vars(kind).get("class_keymap", {}) for kind in type(provider).__mro__]
    return any(key in keymap for keymap in (provider.keymap, *keymaps))
