"""Commands of napari's palette: the actions of the widget that is open.

The manifest names `napari_segnext.widget.commands:<action>` for every action of
`actions.ACTIONS`; the functions are made when they are asked for (PEP 562), so that
they cannot differ from the table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import napari

from napari_segnext.widget.actions import ACTIONS
from napari_segnext.widget.main import SegNextWidget

if TYPE_CHECKING:
    from collections.abc import Callable

__all__: list[str] = []


def __getattr__(name: str) -> Callable[[], None]:
    if name not in ACTIONS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def command() -> None:
        _perform(name)

    command.__name__ = command.__qualname__ = name
    command.__doc__ = ACTIONS[name].tip
    return command


def _perform(name: str) -> None:
    viewer = napari.current_viewer()
    if viewer is None:
        return
    for widget in viewer.window.dock_widgets.values():
        if isinstance(widget, SegNextWidget):
            widget.perform(name)
            return
    _dock, widget = viewer.window.add_plugin_dock_widget("napari-segnext", "SegNext")
    widget.perform(name)
