"""Help over the canvas, and keys that follow Preferences, for one widget."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from napari.utils.notifications import show_warning
from qtpy.QtCore import QTimer

from napari_segnext.widget.canvas_help import CanvasHelp
from napari_segnext.widget.cheat_sheet import CheatSheet
from napari_segnext.widget.overlay import canvas_of
from napari_segnext.widget.settings import read_settings, watch_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_segnext.widget.desk import Desk
    from napari_segnext.widget.overlay import Overlay

__all__ = ["Help"]

_TYPED_MS = 500


class Help:
    """Owns the cheat sheet and the help on the canvas while the desk is open.

    Parameters
    ----------
    desk : Desk
        Whose session is shown and whose keys are bound.

    Attributes
    ----------
    sheet : CheatSheet or None
        All keys, once they were asked for.
    corner : CanvasHelp or None
        The state in the corner of the canvas, unless it is switched off.
    """

    def __init__(self, desk: Desk) -> None:
        self.sheet: CheatSheet | None = None
        self.corner: CanvasHelp | None = None
        self._desk = desk
        self._unwatch: list[Callable[[], None]] = []
        # Preferences change a key with every letter that is typed
        self._typed = QTimer()
        self._typed.setSingleShot(True)
        self._typed.timeout.connect(self.apply_keys)
        desk.changed.connect(self._on_desk_changed)
        desk.closed.connect(self._on_desk_closed)

    def toggle_sheet(self) -> None:
        """Show all keys, or hide them."""
        if self.sheet is None:
            canvas = canvas_of(self._desk.viewer)
            if canvas is None:
                return
            self.sheet = CheatSheet(canvas)
        self.sheet.toggle()

    def apply_keys(self) -> None:
        """Bind the keys as Preferences say now, and tell which cannot be."""
        self._typed.stop()
        for complaint in self._desk.rebind_keys():
            show_warning(complaint)
        if self.sheet is not None and self.sheet.is_open:
            self.sheet.refresh()

    def _open(self) -> None:
        self._unwatch = [
            watch_settings("keys", lambda _event: self._typed.start(_TYPED_MS)),
            watch_settings("interaction", lambda _event: self._show_corner()),
        ]
        for complaint in self._desk.key_complaints:
            show_warning(complaint)

    def _on_desk_changed(self) -> None:
        if not self._unwatch:
            self._open()
        self._show_corner()

    def _show_corner(self) -> None:
        if not read_settings().canvas_help:
            _remove(self.corner)
            self.corner = None
            return
        if self.corner is None:
            canvas = canvas_of(self._desk.viewer)
            if canvas is None:
                return
            self.corner = CanvasHelp(canvas)
        self.corner.show_session(self._desk.session, self._desk.hint)

    def _on_desk_closed(self) -> None:
        unwatch, self._unwatch = self._unwatch, []
        for end in unwatch:
            end()
        corner, self.corner = self.corner, None
        sheet, self.sheet = self.sheet, None
        # however the widget ends: by then parts of Qt may have gone before us
        with suppress(RuntimeError):
            self._typed.stop()
        _remove(corner)
        _remove(sheet)


def _remove(overlay: Overlay | None) -> None:
    # the window, and with it the canvas and what lies over it, may have gone before
    if overlay is not None:
        with suppress(RuntimeError):
            overlay.hide()
            overlay.setParent(None)
            overlay.deleteLater()
