"""Layers of a viewer that come, go, change places or names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel
    from napari.utils.events import Event

__all__ = ["LayerListWatcher"]


class LayerListWatcher:
    """Tells that the list of layers is another one; napari is in the middle of it.

    Parameters
    ----------
    viewer : ViewerModel
        Whose layers.
    on_change : callable
        Called without arguments.
    """

    def __init__(self, viewer: ViewerModel, on_change: Callable[[], None]) -> None:
        self._layers = viewer.layers
        self._on_change = on_change

    def start(self) -> None:
        """Begin to watch."""
        for signal, slot in self._slots():
            signal.connect(slot)
        for layer in self._layers:
            layer.events.name.connect(self._on_change)

    def stop(self) -> None:
        """Watch no more."""
        for signal, slot in self._slots():
            signal.disconnect(slot)
        for layer in self._layers:
            layer.events.name.disconnect(self._on_change)

    def _slots(self) -> tuple[tuple[Any, Any], ...]:
        events = self._layers.events
        return (
            (events.inserted, self._on_inserted),
            (events.removed, self._on_removed),
            (events.reordered, self._on_change),
        )

    def _on_inserted(self, event: Event) -> None:
        event.value.events.name.connect(self._on_change)
        self._on_change()

    def _on_removed(self, event: Event) -> None:
        event.value.events.name.disconnect(self._on_change)
        self._on_change()
