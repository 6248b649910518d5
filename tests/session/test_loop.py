"""With a window, answers and acts come by the event loop; Qt's, here."""

from __future__ import annotations

import gc
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING

from napari_segnext.session.loop import MainLoop

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

WITH_WINDOW = SimpleNamespace(window=object())


class Owner:
    def __init__(self, viewer: object) -> None:
        self.calls: list[threading.Thread] = []
        self.loop = MainLoop(viewer, self.on_turn)
        self.loop.start()

    def on_turn(self) -> None:
        self.calls.append(threading.current_thread())


def test_soon_is_one_call_at_the_next_turn_however_often_asked(qtbot: QtBot) -> None:
    owner = Owner(WITH_WINDOW)
    owner.loop.soon()
    owner.loop.soon()
    assert owner.calls == []
    qtbot.waitUntil(lambda: bool(owner.calls))
    assert owner.calls == [threading.main_thread()]
    owner.loop.soon()
    qtbot.waitUntil(lambda: len(owner.calls) == 2)
    owner.loop.close()


def test_dispatch_from_a_thread_calls_on_the_main_thread(qtbot: QtBot) -> None:
    owner = Owner(WITH_WINDOW)
    thread = threading.Thread(target=owner.loop.dispatch, args=(lambda: None,))
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: bool(owner.calls))
    assert owner.calls == [threading.main_thread()]
    owner.loop.close()


def test_after_close_nothing_is_called(qtbot: QtBot) -> None:
    owner, other = Owner(WITH_WINDOW), Owner(WITH_WINDOW)
    thread = threading.Thread(target=owner.loop.dispatch, args=(lambda: None,))
    thread.start()
    thread.join()
    owner.loop.close()
    owner.loop.close()
    owner.loop.soon()
    other.loop.soon()
    qtbot.waitUntil(lambda: bool(other.calls))
    assert owner.calls == []
    other.loop.close()


def test_an_owner_that_is_gone_is_not_called(qtbot: QtBot) -> None:
    owner, other = Owner(WITH_WINDOW), Owner(WITH_WINDOW)
    calls = owner.calls
    thread = threading.Thread(target=owner.loop.dispatch, args=(lambda: None,))
    thread.start()
    thread.join()
    del owner
    gc.collect()
    other.loop.soon()
    qtbot.waitUntil(lambda: bool(other.calls))
    assert calls == []
    other.loop.close()


def test_without_a_window_nothing_is_started() -> None:
    owner = Owner(SimpleNamespace())
    before = threading.active_count()
    owner.loop.soon()
    owner.loop.dispatch(lambda: None)
    assert threading.active_count() == before
    assert not owner.loop.is_running
    owner.loop.close()
