"""Neighbouring slices are encoded ahead, and nobody waits for that."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from encoding import WindowPredictor, numbered
from fakes import TIMEOUT_S, DiskPredictor

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooms import Room

    Rooms = Callable[..., Room]


class Desk:
    """Stands in for the worker's spare job: keeps it, and runs it when told."""

    def __init__(self, room: Room) -> None:
        self.jobs: list[Any] = []
        self.room = room
        room.session._worker.spare = self.jobs.append
        room.wait()
        warm, *more = self.jobs
        assert not more
        warm(lambda: False)  # nothing is planned while no object is open
        self.jobs.clear()

    def run(self, should_stop: Callable[[], bool] = lambda: False) -> list[int]:
        """Run the job that was planned last; the slices that it encoded."""
        job = self.jobs[-1]
        self.jobs.clear()
        before = len(self.room.predictor.prepared)
        job(should_stop)
        return [number for number, _ in self.room.predictor.prepared[before:]]

    def click(self, z: int, row: float = 20, col: float = 25) -> None:
        self.room.session.add_click((z, row, col))
        self.room.wait()

    def show(self, z: int) -> None:
        self.room.show(0, z)
        self.room.wait()


@pytest.fixture
def desk(room: Rooms) -> Callable[..., Desk]:
    def make(count: int = 12, start: int = 5, **options: Any) -> Desk:
        there = room(numbered(count), WindowPredictor(), **options)
        there.show(0, start)
        made = Desk(there)
        made.room.session._heading = None
        return made

    return make


def test_given_a_click_then_the_slices_beside_it_get_its_window(
    desk: Callable[..., Desk],
) -> None:
    here = desk()
    here.click(5)
    assert here.run() == [5, 6, 7, 8, 9, 4, 3, 2, 1]
    predictor = here.room.predictor
    assert len({window for _, window in predictor.prepared}) == 1
    assert predictor.clicked == [5]

    here.click(6)
    assert predictor.clicked == [5]  # it was there already
    assert predictor.opened == [5, 6, 7, 8, 9, 4, 3, 2, 1]


def test_given_a_slider_move_then_its_direction_comes_first(
    desk: Callable[..., Desk],
) -> None:
    here = desk()
    here.click(5)
    here.run()
    here.show(4)
    assert here.run() == [4, 3, 2, 1, 0, 5, 6, 7, 8]
    here.show(7)
    assert here.run() == [7, 8, 9, 10, 11, 6, 5, 4, 3]
    here.show(11)
    assert here.run() == [11, 10, 9, 8, 7]  # as far as there are slices


def test_given_nothing_new_then_nothing_is_planned_again(
    desk: Callable[..., Desk],
) -> None:
    here = desk()
    here.click(5)
    here.run()
    here.room.wait()
    here.room.session.sync()
    assert here.jobs == []
    here.click(5, row=35)  # another window
    assert set(here.run()) == {5, 6, 7, 8, 9, 4, 3, 2, 1}


def test_given_four_axes_then_the_one_that_was_moved_last_counts(room: Rooms) -> None:
    stack = numbered(30).reshape(5, 6, 40, 50)
    there = room(stack, WindowPredictor())
    here = Desk(there)
    there.show(1, 3)
    there.show(0, 1)
    there.wait()
    there.show(0, 2)
    there.wait()
    there.session.add_click((2, 3, 20, 25))
    there.wait()
    assert here.run() == [15, 21, 27, 9, 3]
    there.show(1, 2)
    there.wait()
    assert here.run() == [14, 13, 12, 15, 16, 17]


def test_given_an_object_elsewhere_then_its_nearest_slice_says_what_to_encode(
    desk: Callable[..., Desk],
) -> None:
    here = desk()
    here.click(5, row=10, col=10)
    here.run()
    here.show(9)
    here.click(9, row=30, col=40)
    here.run()
    windows = dict(here.room.predictor.prepared)
    here.room.predictor.prepared.clear()
    here.show(10)
    assert here.run()[0] == 10
    assert {w for _, w in here.room.predictor.prepared} == {windows[9]}


def _hide(here: Desk) -> None:
    here.room.image.visible = False


def _in_3d(here: Desk) -> None:
    here.room.viewer.dims.ndisplay = 3


def _roll(here: Desk) -> None:
    here.room.viewer.dims.order = (1, 0, 2)


def _accept(here: Desk) -> None:
    here.room.session.accept()


def _clear(here: Desk) -> None:
    here.room.session.clear()


def _undo(here: Desk) -> None:
    here.room.session.undo()


@pytest.mark.parametrize("act", [_hide, _in_3d, _roll, _accept, _clear, _undo])
def test_given_no_object_in_view_then_nothing_is_encoded_ahead(
    desk: Callable[..., Desk], act: Callable[[Desk], None]
) -> None:
    here = desk()
    here.click(5)
    here.jobs.clear()
    act(here)
    here.room.wait()
    assert set(here.jobs) <= {None}  # what was planned is taken back
    here.show(8)
    assert set(here.jobs) <= {None}


def test_given_a_2d_image_then_nothing_is_encoded_ahead(room: Rooms) -> None:
    there = room(numbered(1)[0], WindowPredictor())
    here = Desk(there)
    there.session.add_click((20, 25))
    there.wait()
    assert here.jobs == []


def test_given_a_predictor_that_cannot_then_only_what_is_asked_for_is_encoded(
    room: Rooms,
) -> None:
    there = room(numbered(12), DiskPredictor())
    there.session.add_click((0, 20, 25))
    there.wait()
    wanted = there.session._wanted_ahead()
    assert wanted is not None
    there.session._engine.ahead(wanted, lambda: False)
    assert len(there.predictor.encoded) == 1


def test_given_little_memory_then_what_is_in_use_stays(
    desk: Callable[..., Desk],
) -> None:
    here = desk()
    one = 40 * 50 * 2 + 1000
    here.room.session.set_cache(memory_budget=4 * one)
    here.click(5)
    here.click(7, row=21)
    here.show(6)
    here.click(6)
    assert here.run() == [6, 7, 8]  # beside 5, 6 and 7 there is room for one more
    opened = list(here.room.predictor.opened)
    for z in (5, 6, 7):
        here.click(z, row=22)
    assert here.room.predictor.opened == opened
    assert here.room.session.cache.memory_bytes <= 4 * one


def test_given_a_far_slice_that_nobody_uses_then_it_makes_room(
    desk: Callable[..., Desk],
) -> None:
    here = desk()
    one = 40 * 50 * 2 + 1000
    here.room.session.set_cache(memory_budget=3 * one)
    for z in (0, 11):
        here.show(z)
        here.click(z)
        here.room.session.accept()
    here.show(5)
    here.room.session._heading = None
    here.click(5)
    assert here.run() == [5, 6, 7]
    opened = list(here.room.predictor.opened)
    here.click(6)
    here.click(7)
    assert here.room.predictor.opened == opened


# with the worker itself ------------------------------------------------------------


def test_given_a_click_while_encoding_ahead_then_it_goes_first_and_the_rest_follows(
    room: Rooms,
) -> None:
    predictor = WindowPredictor()
    there = room(numbered(12), predictor)
    there.show(0, 5)
    there.wait()
    predictor.gate = threading.Semaphore(0)
    there.session.add_click((5, 20, 25))
    there.wait()
    assert predictor.started.acquire(timeout=TIMEOUT_S)  # encodes ahead, and is held up
    assert not there.session.is_busy
    there.session.wait(0.01)  # not waited for
    assert predictor.prepared == []

    there.session.add_click((5, 35, 45))
    predictor.let_go()  # notices that there is a request
    there.wait()
    assert predictor.prepared == []
    assert there.session.mask()[35, 45]

    predictor.let_go(100)
    numbers = predictor.wait_prepared(9)
    assert set(numbers) == {5, 6, 7, 8, 9, 4, 3, 2, 1}
    assert there.errors == []


def test_given_a_failure_ahead_then_nobody_is_told_and_the_click_works(
    room: Rooms,
) -> None:
    predictor = WindowPredictor()
    predictor.error = RuntimeError("no memory")
    there = room(numbered(12), predictor)
    there.show(0, 0)
    there.session.add_click((0, 20, 25))
    there.wait()
    assert predictor.started.acquire(timeout=TIMEOUT_S)
    there.session.add_click((0, 30, 25))
    there.wait()
    assert there.session.mask()[30, 25]
    assert there.errors == []
    assert not there.session.is_busy


def test_given_a_close_while_encoding_ahead_then_it_ends(room: Rooms) -> None:
    predictor = WindowPredictor()
    predictor.gate = threading.Semaphore(0)
    there = room(numbered(12), predictor)
    there.session.add_click((0, 20, 25))
    there.wait()
    assert predictor.started.acquire(timeout=TIMEOUT_S)
    predictor.let_go()
    there.session.close()
    assert len(predictor.prepared) <= 1
    assert not there.session._worker.is_alive


def test_encoding_ahead_changes_no_answer(room: Rooms) -> None:
    stack = numbered(12)
    masks = []
    for predictor in (WindowPredictor(), DiskPredictor()):
        there = room(stack, predictor)
        for z in (3, 4, 5):
            there.show(0, z)
            there.session.add_click((z, 10 + z, 20))
            there.wait()
        masks.append(np.array(there.session.preview.data))
    np.testing.assert_array_equal(*masks)
    assert masks[0].any()
