"""Labels, planes and axes as numpy has them, for instance from ``np.unique``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_segnext.errors import LayerError
from napari_segnext.session.plain import to_plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooms import Room

    from napari_segnext.session.session import Session

    Rooms = Callable[..., Room]

ONE, TWO = np.uint16(1), np.int64(2)
ACTS: dict[str, Callable[[Session], Any]] = {
    "edit": lambda it: it.edit(ONE),
    "delete": lambda it: it.delete(TWO),
    "delete several": lambda it: it.delete(np.unique(it.target.data)[1:]),
    "merge": lambda it: it.merge(np.array([1, 2], np.uint8)),
    "split": lambda it: it.split(ONE, np.array([(2, 20, 5), (2, 20, 40)])),
    "review": lambda it: it.review(ONE, np.False_),
    "propagate": lambda it: it.propagate(np.array([ONE, TWO]), axis=np.int8(0)),
    "label": lambda it: setattr(it, "label", np.uint8(9)),
    "mask": lambda it: it.add_mask(np.eye(40, 50) > 0, plane=np.int64(1)),
    "taken": lambda it: it.add_label(it.target, ONE, plane=(np.int64(2),)),
    "lock": lambda it: (it.edit(ONE), it.lock(np.int64(2), np.True_)),
    "slice": lambda it: (it.edit(ONE), it.review_slice((np.int8(2),), np.True_)),
}


@pytest.fixture
def two_objects(room: Rooms) -> Room:
    here = room()
    here.show(0, 2)
    for row, col in ((20, 20), (20, 40)):
        here.session.add_click((2, row, col))
        here.wait()
        here.session.accept()
    return here


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_given_numpy_numbers_then_acts_are_kept_as_plain_ones(
    two_objects: Room, act: Callable[[Session], Any]
) -> None:
    session = two_objects.session
    before = session.undo_depth
    act(session)
    two_objects.wait()
    assert session.undo_depth > before
    json.dumps([to_plain(entry) for entry in session._history.acts])
    assert session.undo()
    assert not two_objects.errors


def test_going_to_an_object_by_a_numpy_number(two_objects: Room) -> None:
    two_objects.session.go_to_object(TWO)
    assert two_objects.session.focus == 2
    assert two_objects.session.next_object(np.int64(1)) == 1


@pytest.mark.parametrize("labels", ["ab", [1.5], [[1, 2]], None, [None]])
def test_given_no_numbers_then_it_is_a_sentence(two_objects: Room, labels: Any) -> None:
    session = two_objects.session
    for act in (session.merge, session.delete, session.propagate, session.edit):
        if act == session.propagate and labels is None:
            continue  # the open object
        with pytest.raises(LayerError, match="Labels are whole numbers"):
            act(labels)
