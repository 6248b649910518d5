"""The main promise: click, preview, correct, accept, undo, go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from fakes import TIMEOUT_S, DiskPredictor, FailingPredictor, expected

from napari_segnext.core.prompts import Click, Prompts
from napari_segnext.errors import CheckpointError, PromptError
from napari_segnext.session import text

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooms import Room

    Rooms = Callable[..., Room]

PLANE = (40, 50)


def test_given_a_stack_when_clicked_then_the_mask_is_on_that_slice_only(
    room: Callable[..., Room],
) -> None:
    there = room()

    there.session.add_click((2, 10, 20))
    there.wait()

    mask = expected(PLANE, Prompts([Click(10, 20)]))
    np.testing.assert_array_equal(there.session.preview.data[2] > 0, mask)
    assert there.session.preview.data.sum() == mask.sum()
    np.testing.assert_array_equal(there.session.points.data, [[2, 10, 20]])


def test_given_clicks_when_accepted_then_one_label_one_undo_step_and_no_prompts(
    room: Callable[..., Room],
) -> None:
    there = room()
    session = there.session
    there.show(0, 2)
    session.add_click((2, 10, 20))
    there.wait()
    session.add_click((2, 20, 20))
    there.wait()
    first = expected(PLANE, Prompts([Click(10, 20)]))
    both = expected(PLANE, Prompts([Click(10, 20), Click(20, 20)]), first)
    np.testing.assert_array_equal(session.mask(), both)

    assert session.accept() == 1

    np.testing.assert_array_equal(session.target.data[2], both)
    assert session.label == 2
    assert not session.mask().any()
    assert len(session.points.data) == 0
    session.target.undo()  # napari's own
    assert not session.target.data.any()


def test_given_an_accept_when_undone_and_redone_then_all_is_as_it_was(
    room: Callable[..., Room],
) -> None:
    there = room()
    session = there.session
    there.show(0, 2)
    session.add_click((2, 10, 20))
    there.wait()
    shown = session.mask()
    session.accept()
    asked = len(there.predictor.asked)

    assert session.undo()
    assert not session.target.data.any()
    assert session.label == 1
    np.testing.assert_array_equal(session.mask(), shown)
    np.testing.assert_array_equal(session.points.data, [[2, 10, 20]])
    assert session.undo()
    assert not session.mask().any()
    assert len(session.points.data) == 0
    assert not session.undo()

    assert session.redo()
    np.testing.assert_array_equal(session.mask(), shown)
    assert session.redo()
    np.testing.assert_array_equal(session.target.data[2] == 1, shown)
    assert not session.redo()
    there.wait()
    assert len(there.predictor.asked) == asked  # stored answers, no inference


def test_given_nothing_shown_when_accepted_then_a_prompt_error(
    room: Callable[..., Room],
) -> None:
    with pytest.raises(PromptError, match="Nothing is shown"):
        room().session.accept()


def test_given_a_session_then_the_predictor_runs_on_its_own_thread_only(
    room: Callable[..., Room],
) -> None:
    predictor = DiskPredictor()
    there = room(predictor=predictor)
    there.session.add_click((0, 10, 20))
    there.wait()
    assert predictor.threads == {"segnext"}


def test_accepting_before_all_is_answered_says_what_was_left_out(
    room: Rooms,
) -> None:
    there = room(auto_run=False)
    there.show(0, 3)
    for z in (1, 2, 3):
        there.session.points.add((z, 20, 25))
    there.session.sync()
    there.session.run()
    there.wait()
    assert there.session.accept() == 1
    assert list(np.unique(np.nonzero(there.session.target.data)[0])) == [3]
    assert there.session.hint.startswith("Prompts without an answer on 2 ")
    assert [str(error) for error in there.errors] == [there.session.hint]

    there.session.undo()
    assert len(there.session.points.data) == 3
    for z in (1, 2):
        there.show(0, z)
        there.session.run()
    there.wait()
    there.session.accept()
    assert list(np.unique(np.nonzero(there.session.target.data)[0])) == [1, 2, 3]
    assert "without an answer" not in there.session.hint


def test_an_answer_shows_that_the_model_is_there_after_all(
    room: Rooms,
) -> None:
    calls: list[int] = []

    def load() -> DiskPredictor:
        calls.append(1)
        if len(calls) == 1:
            raise CheckpointError("The file is being copied; try again.")
        return DiskPredictor()

    there = room(predictor=load)
    with pytest.raises(CheckpointError):
        there.wait()
    assert there.session.hint == text.MODEL_FAILED
    there.session.add_click((2, 20, 20))
    there.wait()
    assert there.session.mask().any()
    assert there.session.hint != text.MODEL_FAILED


def test_an_error_is_told_by_wait_whatever_slice_was_looked_at_since(
    room: Rooms,
) -> None:
    there = room(predictor=FailingPredictor(ValueError("broken")))
    there.session.add_click((0, 20, 20))
    assert there.session._worker.wait(TIMEOUT_S)
    assert there.errors
    there.show(0, 3)
    with pytest.raises(ValueError, match="broken"):
        there.wait()
