"""What is cut off in the middle: a write that is refused, a stroke of the brush."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from failing import Refusing, with_an_answer
from hand import Hand

from napari_segnext.errors import LayerError
from napari_segnext.session.acts import TargetEdited

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooms import Room

    Rooms = Callable[..., Room]


def test_given_labels_that_cannot_be_put_back_either_then_undo_does_it_later(
    room: Rooms,
) -> None:
    here, data = with_an_answer(room, Refusing)
    session = here.session
    shown = np.array(session.preview.data)
    before = data.array.copy()

    data.fails = "write"
    with pytest.raises(LayerError, match=r"a part may stay .*then undo takes it back"):
        session.accept()
    assert 0 < (data.array == 10).sum() < shown.sum()
    data.mend()
    assert session.undo()
    np.testing.assert_array_equal(data.array, before)
    np.testing.assert_array_equal(session.preview.data, shown)
    assert session.accept() == 10
    after = data.array.copy()
    assert (after == 10).sum() == shown.sum()

    data.fails = "write"
    assert not session.undo()
    assert "a part may stay" in str(here.errors[-1])
    data.mend()
    assert session.undo()
    np.testing.assert_array_equal(data.array, after)
    assert session.undo()
    np.testing.assert_array_equal(data.array, before)
    np.testing.assert_array_equal(session.preview.data, shown)


def strokes(session: Any) -> list[TargetEdited]:
    acts = session._history.acts
    return [act for act in acts if isinstance(act, TargetEdited)]


def begin_a_stroke(there: Room) -> Hand:
    """Accept an object on the slice on display, and paint label 5 half the way."""
    there.show(0, 2)
    there.session.add_click((2, 30, 10))
    there.wait()
    there.session.accept()
    target = there.session.target
    there.viewer.layers.selection.active = target
    target.mode, target.brush_size, target.selected_label = "paint", 3, 5
    hand = Hand(there.viewer, there.image)
    hand.hover((2, 5, 5))
    hand.press((2, 5, 5))
    hand.drag((2, 5, 15))
    return hand


@pytest.mark.parametrize("event", ["refreshed", "another slice and back", "predicted"])
def test_given_a_stroke_when_layers_are_read_in_the_middle_then_it_is_one_act(
    room: Rooms, event: str
) -> None:
    there = room()
    hand = begin_a_stroke(there)
    session, target = there.session, there.session.target
    before = np.where(target.data == 5, 0, target.data)
    if event == "refreshed":
        target.refresh()
    elif event == "another slice and back":
        there.show(0, 1)
        session.sync()
        there.show(0, 2)
    else:
        session.add_click((2, 20, 40))
        there.wait()
        session.undo()
    session.sync()
    assert not strokes(session)
    hand.drag((2, 5, 30))
    hand.release()
    session.sync()
    painted = np.array(target.data)
    assert len(strokes(session)) == 1
    assert session.undo()
    np.testing.assert_array_equal(target.data, before)
    assert session.redo()
    np.testing.assert_array_equal(target.data, painted)


def test_given_a_stroke_when_the_labels_are_to_be_written_then_it_is_a_sentence(
    room: Rooms,
) -> None:
    there = room()
    hand = begin_a_stroke(there)
    session, target = there.session, there.session.target
    session.add_click((2, 20, 25))
    there.wait()
    with pytest.raises(LayerError, match="are being painted; end the stroke"):
        session.accept()
    hand.release((2, 5, 30))
    session.sync()
    painted = np.array(target.data)
    assert session.accept() == 2
    assert session.undo()
    np.testing.assert_array_equal(target.data, painted)
    assert session.undo()
    assert not (target.data == 5).any()
    assert (target.data == 1).any()
