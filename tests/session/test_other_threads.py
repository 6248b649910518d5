"""A session belongs to the thread that made it."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_segnext.errors import SegNextError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooms import Room

    from napari_segnext.session.session import Session

    Rooms = Callable[..., Room]

ACTS: dict[str, Callable[[Session], object]] = {
    "click": lambda it: it.add_click((2, 30, 30)),
    "accept": lambda it: it.accept(),
    "propagate": lambda it: it.propagate(),
    "undo": lambda it: it.undo(),
    "redo": lambda it: it.redo(),
    "tool": lambda it: it.activate("box"),
    "wait": lambda it: it.wait(),
    "deliver": lambda it: it.deliver(),
    "layer": lambda it: it.shapes,
    "close": lambda it: it.close(),
}


def elsewhere(act: Callable[[], object]) -> Exception | None:
    """Do it on another thread, and return what it raises."""
    raised: list[Exception] = []

    def run() -> None:
        try:
            act()
        except Exception as error:  # noqa: BLE001 - returned
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return raised[0] if raised else None


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_given_another_thread_then_every_act_is_a_sentence_and_nothing_changes(
    room: Rooms, act: Callable[[Session], object]
) -> None:
    here = room()
    here.session.add_click((2, 20, 20))
    here.wait()
    shown = here.session.mask()
    error = elsewhere(lambda: act(here.session))
    assert isinstance(error, SegNextError)
    assert "belongs to the thread that made it" in str(error)
    assert not here.errors
    np.testing.assert_array_equal(here.session.mask(), shown)
    assert here.session.accept() == 1


def test_given_a_window_then_no_other_thread_opens_a_session(
    room: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    from napari.components import ViewerModel

    window = SimpleNamespace()
    monkeypatch.setattr(ViewerModel, "window", window, raising=False)
    error = elsewhere(room)
    assert isinstance(error, SegNextError)
    assert "with a window to the main one" in str(error)
