"""The worker is driven by events and barriers only; nothing here sleeps."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING

import pytest

from napari_segnext.core.worker import Worker
from napari_segnext.errors import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TIMEOUT_S = 20


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    assert worker.close(TIMEOUT_S)


class Blocking:
    """A job that says when it started and ends when it is let go."""

    def __init__(self, value: object) -> None:
        self.value = value
        self.started = threading.Event()
        self.release = threading.Event()
        self.asked_to_stop: bool | None = None

    def __call__(self, should_stop: Callable[[], bool]) -> object:
        self.started.set()
        assert self.release.wait(TIMEOUT_S)
        self.asked_to_stop = should_stop()
        return self.value


def _fail(error: Exception) -> None:
    raise AssertionError(f"unexpected {error!r}")


def test_given_a_job_when_waiting_then_its_answer_comes_on_the_owners_thread(
    worker: Worker,
) -> None:
    threads = []
    answers = []

    def job(should_stop: Callable[[], bool]) -> int:
        threads.append(threading.current_thread())
        return 7

    def done(value: int) -> None:
        threads.append(threading.current_thread())
        answers.append(value)

    worker.submit("a", job, done, _fail)

    assert worker.wait(TIMEOUT_S)
    assert answers == [7]
    assert threads[0] is not threading.current_thread()
    assert threads[1] is threading.current_thread()
    assert worker.is_idle


def test_given_a_running_job_when_its_key_comes_again_then_only_the_newest_counts(
    worker: Worker,
) -> None:
    answers: list[object] = []
    old, never, new = Blocking("old"), Blocking("never"), Blocking("new")
    first = worker.submit("a", old, answers.append, _fail)
    assert old.started.wait(TIMEOUT_S)
    second = worker.submit("a", never, answers.append, _fail)
    third = worker.submit("a", new, answers.append, _fail)
    assert first < second < third

    for job in (old, never, new):
        job.release.set()
    assert worker.wait(TIMEOUT_S)

    assert answers == ["new"]
    assert old.asked_to_stop is True
    assert not never.started.is_set()
    assert new.asked_to_stop is False


def test_given_an_undelivered_answer_when_a_newer_request_comes_then_it_is_dropped(
    worker: Worker,
) -> None:
    answers: list[object] = []
    delivered = threading.Event()
    notified = Worker(dispatch=lambda deliver: delivered.set())
    notified.submit("a", lambda stop: "old", answers.append, _fail)
    assert delivered.wait(TIMEOUT_S)  # ready, but nobody has called deliver yet

    notified.submit("a", lambda stop: "new", answers.append, _fail)

    assert notified.wait(TIMEOUT_S)
    assert answers == ["new"]
    assert notified.close(TIMEOUT_S)


def test_given_other_keys_then_they_do_not_disturb_each_other_and_the_newest_runs_first(
    worker: Worker,
) -> None:
    answers: list[object] = []
    blocker = Blocking("blocker")
    worker.submit("x", blocker, answers.append, _fail)
    assert blocker.started.wait(TIMEOUT_S)
    worker.submit("a", lambda stop: "a", answers.append, _fail)
    worker.submit("b", lambda stop: "b", answers.append, _fail)
    assert worker.is_pending("a")

    blocker.release.set()
    assert worker.wait(TIMEOUT_S)

    assert answers == ["blocker", "b", "a"]
    assert not worker.is_pending("a")


@pytest.mark.parametrize("key", ["a", None])
def test_given_a_running_job_when_cancelled_then_no_answer_comes(
    worker: Worker, key: str | None
) -> None:
    answers: list[object] = []
    job = Blocking("old")
    worker.submit("a", job, answers.append, _fail)
    assert job.started.wait(TIMEOUT_S)

    worker.cancel(key)
    job.release.set()

    assert worker.wait(TIMEOUT_S)
    assert answers == []
    assert job.asked_to_stop is True


def test_given_a_job_that_raises_then_the_error_is_delivered_and_the_thread_lives_on(
    worker: Worker,
) -> None:
    errors: list[Exception] = []
    answers: list[object] = []

    def job(should_stop: Callable[[], bool]) -> None:
        raise ValueError("broken")

    worker.submit("a", job, answers.append, errors.append)
    assert worker.wait(TIMEOUT_S)
    worker.submit("a", lambda stop: 1, answers.append, errors.append)
    assert worker.wait(TIMEOUT_S)

    assert [str(error) for error in errors] == ["broken"]
    assert answers == [1]


def test_given_a_job_that_gives_up_when_asked_then_nothing_is_delivered(
    worker: Worker,
) -> None:
    answers: list[object] = []
    started = threading.Event()
    cancelled = threading.Event()

    def job(should_stop: Callable[[], bool]) -> None:
        started.set()
        assert cancelled.wait(TIMEOUT_S)
        if should_stop():
            raise Cancelled
        answers.append("went on")

    worker.submit("a", job, answers.append, _fail)
    assert started.wait(TIMEOUT_S)
    worker.cancel("a")
    cancelled.set()

    assert worker.wait(TIMEOUT_S)
    assert answers == []


def test_given_a_job_that_gives_up_unasked_then_that_is_an_error(
    worker: Worker,
) -> None:
    errors: list[Exception] = []

    def job(should_stop: Callable[[], bool]) -> None:
        raise Cancelled

    worker.submit("a", job, _fail, errors.append)

    assert worker.wait(TIMEOUT_S)
    assert isinstance(errors[0], RuntimeError)


def test_given_a_blocked_job_when_waiting_with_a_timeout_then_false(
    worker: Worker,
) -> None:
    job = Blocking(1)
    worker.submit("a", job, lambda value: None, _fail)
    assert job.started.wait(TIMEOUT_S)

    assert not worker.wait(0.01)

    job.release.set()
    assert worker.wait(TIMEOUT_S)


def test_given_a_dispatch_when_an_answer_is_ready_then_it_gets_deliver(
    worker: Worker,
) -> None:
    calls: list[Callable[[], object]] = []
    ready = threading.Event()
    answers: list[object] = []

    def dispatch(deliver: Callable[[], object]) -> None:
        calls.append(deliver)
        ready.set()

    notified = Worker(dispatch)
    notified.submit("a", lambda stop: 3, answers.append, _fail)
    assert ready.wait(TIMEOUT_S)
    assert answers == []

    assert calls[0]() == 1
    assert answers == [3]
    assert calls[0]() == 0  # late calls find nothing
    assert notified.close(TIMEOUT_S)


def test_given_an_answer_that_submits_more_when_waiting_then_that_is_waited_for_too(
    worker: Worker,
) -> None:
    answers: list[object] = []

    def again(value: object) -> None:
        worker.submit("b", lambda stop: "second", answers.append, _fail)

    worker.submit("a", lambda stop: "first", again, _fail)

    assert worker.wait(TIMEOUT_S)
    assert answers == ["second"]


def test_given_a_running_job_when_closed_then_joined_and_nothing_delivered() -> None:
    worker = Worker()
    answers: list[object] = []
    job = Blocking("late")
    worker.submit("a", job, answers.append, _fail)
    worker.submit("b", lambda stop: "queued", answers.append, _fail)
    # "b" was submitted last and may have run already; "a" must have started
    assert job.started.wait(TIMEOUT_S)

    assert not worker.close(0.01)  # still blocked
    job.release.set()

    assert worker.close(TIMEOUT_S)
    assert worker.close(TIMEOUT_S)  # again: harmless
    assert not worker.is_alive
    assert job.asked_to_stop is True
    assert worker.submit("a", lambda stop: 1, answers.append, _fail) == 0
    assert worker.wait(0.01)
    assert answers == []


class Spare(Blocking):
    """Goes on until it is asked to stop; says what it was told at first."""

    def __init__(self) -> None:
        super().__init__("spare")
        self.ended = threading.Event()
        self.first: bool | None = None

    def __call__(self, should_stop: Callable[[], bool]) -> object:
        self.first = should_stop()
        self.started.set()
        try:
            while not should_stop():
                assert self.release.wait(TIMEOUT_S)
            raise Cancelled
        finally:
            self.ended.set()


def test_given_a_spare_job_then_nobody_waits_for_it_and_a_request_stops_it(
    worker: Worker,
) -> None:
    answers: list[object] = []
    job = Spare()
    worker.spare(job)
    assert job.started.wait(TIMEOUT_S)

    assert job.first is False
    assert worker.is_idle
    assert worker.wait(0.01)
    assert worker.deliver() == 0

    worker.submit("a", lambda stop: "asked for", answers.append, _fail)
    job.release.set()
    assert worker.wait(TIMEOUT_S)
    assert job.ended.is_set()
    assert answers == ["asked for"]


def test_given_requests_that_wait_then_a_spare_job_comes_after_all_of_them(
    worker: Worker,
) -> None:
    order: list[object] = []
    blocker = Blocking("blocker")
    done = threading.Event()
    worker.submit("x", blocker, order.append, _fail)
    assert blocker.started.wait(TIMEOUT_S)

    def spare(should_stop: Callable[[], bool]) -> None:
        order.append("spare")
        done.set()

    worker.spare(spare)
    for key in "ab":
        worker.submit(key, lambda stop, key=key: order.append(key), id, _fail)
    blocker.release.set()
    assert done.wait(TIMEOUT_S)

    assert [name for name in order if name != "blocker"] == ["b", "a", "spare"]


def test_given_a_newer_spare_job_or_none_then_the_one_that_runs_is_asked_to_stop(
    worker: Worker,
) -> None:
    for newer in (lambda stop: None, None):
        job, never = Spare(), Spare()
        worker.spare(job)
        assert job.started.wait(TIMEOUT_S)
        worker.spare(never)
        worker.spare(newer)
        job.release.set()
        assert job.ended.wait(TIMEOUT_S)
        assert worker.wait(TIMEOUT_S)
        assert not never.started.is_set()


def test_given_a_spare_job_that_fails_then_nobody_is_told_and_the_thread_lives_on() -> (
    None
):
    calls: list[object] = []
    worker = Worker(dispatch=calls.append)
    failed = threading.Event()

    def spare(should_stop: Callable[[], bool]) -> None:
        failed.set()
        raise ValueError("broken")

    worker.spare(spare)
    assert failed.wait(TIMEOUT_S)
    answers: list[object] = []
    worker.submit("a", lambda stop: 1, answers.append, _fail)

    assert worker.wait(TIMEOUT_S)
    assert answers == [1]
    assert worker.close(TIMEOUT_S)
    assert len(calls) <= 1  # of the request alone


def test_given_a_running_spare_job_when_closed_then_it_stops_and_no_other_begins() -> (
    None
):
    worker = Worker()
    job, late = Spare(), Spare()
    worker.spare(job)
    assert job.started.wait(TIMEOUT_S)
    job.release.set()

    worker.close(0)
    worker.spare(late)

    assert worker.close(TIMEOUT_S)
    assert job.ended.is_set()
    assert not late.started.is_set()


def test_a_waiting_thread_does_not_keep_the_last_owner_alive(worker: Worker) -> None:
    class Owner:
        def done(self, value: object) -> None:
            pass

    owner = Owner()
    for number in range(3):
        worker.submit(number, lambda stop: None, owner.done, _fail)
        assert worker.wait(TIMEOUT_S)
    gone = threading.Event()
    weakref.finalize(owner, gone.set)
    del owner

    assert gone.wait(TIMEOUT_S)
