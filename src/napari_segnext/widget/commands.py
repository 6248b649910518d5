"""Commands of napari's palette: the actions of the widget that is open."""

from __future__ import annotations

import napari

from napari_segnext.widget.main import SegNextWidget

__all__ = [
    "accept",
    "clear",
    "next_tool",
    "polarity",
    "preview",
    "redo",
    "run",
    "same_object",
    "undo",
]


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


def accept() -> None:
    """Accept the object."""
    _perform("accept")


def undo() -> None:
    """Undo the last act."""
    _perform("undo")


def redo() -> None:
    """Redo what was undone."""
    _perform("redo")


def clear() -> None:
    """Clear the open object."""
    _perform("clear")


def run() -> None:
    """Predict now."""
    _perform("run")


def polarity() -> None:
    """Switch between object and background prompts."""
    _perform("polarity")


def next_tool() -> None:
    """Go on to the next prompt tool."""
    _perform("next_tool")


def same_object() -> None:
    """Go on with the object accepted last."""
    _perform("same_object")


def preview() -> None:
    """Show or hide the preview."""
    _perform("preview")
