"""What lies over the canvas of a viewer's window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtWidgets import QFrame

if TYPE_CHECKING:
    from qtpy.QtCore import QObject
    from qtpy.QtWidgets import QWidget

__all__ = ["Overlay", "canvas_of"]


def canvas_of(viewer: Any) -> QWidget | None:
    """Return what `viewer` draws on; None for a viewer without a window.

    napari names its canvas in private places only; in Qt's tree of widgets it is what
    draws with OpenGL, and the window is found by its menu, which is public.
    """
    window = getattr(viewer, "window", None)
    if window is None:
        return None
    canvas: QWidget | None = window.main_menu.parentWidget().findChild(QOpenGLWidget)
    return canvas


class Overlay(QFrame):
    """A widget over the canvas that follows its size.

    Parameters
    ----------
    canvas : QWidget
        Its parent.
    """

    def __init__(self, canvas: QWidget) -> None:
        super().__init__(canvas)
        self.hide()
        canvas.installEventFilter(self)

    def place(self, canvas: QWidget) -> None:
        """Take the place that belongs to the size of `canvas`."""
        raise NotImplementedError

    def on_canvas_event(self, event: QEvent) -> bool:
        """See an event of the canvas before it does; True keeps it from the canvas."""
        return False

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Follow the canvas."""
        canvas = self.parentWidget()
        if event is None or canvas is None or watched is not canvas:
            return False
        if event.type() == QEvent.Type.Resize:
            self.place(canvas)
        return self.on_canvas_event(event)
