from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from rooms import Room

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def room() -> Iterator[Callable[..., Room]]:
    """A factory of rooms that are closed in the end, with nothing left running."""
    rooms: list[Room] = []

    def make(*args: Any, **kwargs: Any) -> Room:
        rooms.append(Room(*args, **kwargs))
        return rooms[-1]

    yield make
    for made in rooms:
        if hasattr(made.predictor, "let_go"):
            made.predictor.let_go(1000)
        made.session.close()
    assert "segnext" not in {thread.name for thread in threading.enumerate()}
