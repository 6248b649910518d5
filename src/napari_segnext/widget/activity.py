"""A run of propagation in napari's activity dock, and the keys that cancel it."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING
from weakref import ref

from napari.utils.progress import cancelable_progress
from qtpy.QtCore import QEvent, QObject, Qt, QTimer, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QKeyEvent

from napari_segnext.widget import text
from napari_segnext.widget.overlay import canvas_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtWidgets import QWidget

    from napari_segnext.session.session import Session
    from napari_segnext.widget.desk import Desk

__all__ = ["Activity"]

_SHOWN_EVERY_MS = 100
_SHOWN_AFTER_S = 0.3  # what is over sooner needs no bar


class Activity(QObject):
    """Follows the runs of the session on a desk.

    Parameters
    ----------
    desk : Desk
        Whose session is followed.
    parent : QWidget
        Where Esc cancels a run, as it does over the canvas.

    Attributes
    ----------
    began, ended : Signal()
        A run began, or is over.
    moved : Signal(int, int)
        How far it is: done, and in all; 0 of 0 when it is over.
    """

    began = Signal()
    ended = Signal()
    moved = Signal(int, int)

    def __init__(self, desk: Desk, parent: QWidget) -> None:
        super().__init__(parent)
        self._desk = desk
        self._session: Callable[[], Session | None] = _none
        self._bar: cancelable_progress | None = None
        self._heard: list[QObject] = []
        self._done, self._total = 0, 0
        self._begun_s = 0.0
        self._is_drawing = self._has_news = False
        # not at each slice: napari spins the event loop whenever a bar moves
        self._timer = QTimer(self)
        self._timer.setInterval(_SHOWN_EVERY_MS)
        self._timer.timeout.connect(self._on_timer)
        desk.changed.connect(self._on_desk_changed)
        desk.closed.connect(self._on_desk_closed)

    @property
    def is_running(self) -> bool:
        """Whether a run is followed."""
        return self._timer.isActive()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Cancel at Esc; the layer below does not hear it."""
        if (
            event is None
            or event.type() != QEvent.Type.KeyPress
            or not isinstance(event, QKeyEvent)
            or event.key() != Qt.Key.Key_Escape
        ):
            return False
        self._cancel()
        return True

    # ---- what happens

    def _on_desk_changed(self) -> None:
        session = self._desk.session
        if session is not self._session():
            self._leave()
            self._follow(session)
        is_running = session is not None and session.is_propagating
        # a short run may be over before anybody asks
        had_news, self._has_news = self._has_news, False
        if (is_running or had_news) and not self.is_running:
            self._begin()
        if not is_running and self.is_running:
            self._end()
            self.ended.emit()

    def _on_desk_closed(self) -> None:
        with suppress(RuntimeError):  # however it ends: parts of Qt may have gone
            self._leave()

    def _on_progressed(self, done: int, total: int) -> None:
        self._done, self._total = done, total
        self._has_news = True

    def _on_timer(self) -> None:
        if self._is_drawing or time.monotonic() - self._begun_s < _SHOWN_AFTER_S:
            return
        # by what moves a bar events are handled, and in them all may end
        self._is_drawing = True
        try:
            self._draw()
        finally:
            self._is_drawing = False

    def _draw(self) -> None:
        if self._bar is None:
            bar = cancelable_progress(total=self._total, desc=text.PROPAGATING)
            if not self.is_running:
                bar.close()
                return
            self._bar = bar
        bar = self._bar
        if bar.is_canceled:
            self._cancel()
            return
        if self._total and bar.total != self._total:
            bar.total = self._total
        if self._done != bar.n:
            self.moved.emit(self._done, self._total)
            bar.update(self._done - bar.n)

    # ---- a run

    def _follow(self, session: Session | None) -> None:
        self._session = _none if session is None else ref(session)
        if session is not None:
            session.progressed.connect(self._on_progressed)

    def _leave(self) -> None:
        session, self._session = self._session(), _none
        if session is not None:
            session.progressed.disconnect(self._on_progressed)
        if self.is_running:
            self._end()

    def _begin(self) -> None:
        self._begun_s = time.monotonic()
        self._timer.start()
        parent = self.parent()
        heard = [canvas_of(self._desk.viewer), parent]
        self._heard = [it for it in heard if it is not None]
        for widget in self._heard:
            widget.installEventFilter(self)
        self.began.emit()

    def _end(self) -> None:
        self._timer.stop()
        self.moved.emit(0, 0)
        heard, self._heard = self._heard, []
        bar, self._bar = self._bar, None
        self._done, self._total = 0, 0
        if bar is not None:
            bar.close()
        for widget in heard:
            with suppress(RuntimeError):  # the window may have gone before
                widget.removeEventFilter(self)

    def _cancel(self) -> None:
        session = self._session()
        if session is not None and session.is_propagating:
            session.cancel()
            self._desk.tell(text.STOPPED)


def _none() -> None:
    """Be a reference to nothing."""
