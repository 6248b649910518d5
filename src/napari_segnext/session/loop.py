"""The hop to the thread that owns the session, without importing Qt.

With a window there is an event loop, and psygnal's queue is emptied by it: answers
arrive and layers are read at its next turn. Without one nothing happens by itself:
answers arrive by ``wait()`` and by the next public call.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakMethod, WeakSet, ref

from psygnal import Signal

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MainLoop", "has_window"]

_INTERVAL_MS = 10


def has_window(viewer: Any) -> bool:
    """Whether a viewer has a window, and therefore an event loop."""
    return getattr(viewer, "window", None) is not None


class MainLoop:
    """Calls `callback` on the main thread soon, where there is an event loop.

    Parameters
    ----------
    viewer : ViewerModel
        One with a window has an event loop.
    callback : callable
        A bound method without arguments that raises nothing. It is not kept alive.
    """

    _woken = Signal()
    # psygnal's timer is one for the whole process: the last loop stops it
    _running: ClassVar[WeakSet[MainLoop]] = WeakSet()

    def __init__(self, viewer: Any, callback: Callable[[], None]) -> None:
        self._viewer_has_window = has_window(viewer)
        self.is_running = False
        self._asked = False
        self._callback = WeakMethod(callback)

    def start(self) -> None:
        """Begin to call."""
        if self._viewer_has_window:
            self.is_running = True
            from psygnal.qt import start_emitting_from_queue

            start_emitting_from_queue(_INTERVAL_MS)
            self._running.add(self)
            this = ref(self)

            def on_woken() -> None:
                # a wake-up may still wait in psygnal's queue when the loop is gone
                loop = this()
                if loop is not None:
                    loop._on_woken()

            self._woken.connect(on_woken, thread="main")

    def soon(self) -> None:
        """Ask for a call at the next turn; asking twice is asking once."""
        if self.is_running and not self._asked:
            self._asked = True
            # psygnal calls at once when it is emitted on the thread that it queues for
            threading.Thread(target=self._woken.emit, daemon=True).start()

    def dispatch(self, deliver: Callable[[], object]) -> None:
        """Ask for a call; used by the worker on its thread."""
        if self.is_running:
            self._woken.emit()

    def close(self) -> None:
        """Ask for nothing any more; harmless when repeated."""
        if self.is_running:
            self.is_running = False
            self._woken.disconnect()
            self._running.discard(self)
            if not self._running:
                from psygnal.qt import stop_emitting_from_queue

                stop_emitting_from_queue()

    def _on_woken(self) -> None:
        self._asked = False
        callback = self._callback() if self.is_running else None
        if callback is not None:
            callback()
