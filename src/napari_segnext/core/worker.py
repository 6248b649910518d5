"""One inference thread: the newest request of a key wins, stale answers are dropped.

Every request has a key (what it is about, for instance an object on a plane) and
gets a generation, a number that only rises. A request is stale once a newer one of
the same key was submitted or the key was cancelled. A stale request that still
waits is never started, one that runs is asked to stop, and its answer is dropped
however late it comes. Requests of different keys do not disturb each other; the one
submitted last runs first, because it is what the user looks at.

Beside the requests there is one *spare* job, for which nobody waits: it runs while
there is no request, is asked to stop as soon as there is one, and is not begun again.

Answers are handed over on the owner's thread only: inside :meth:`Worker.deliver`,
which the owner calls, or which `dispatch` is asked to call there.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_segnext.errors import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    _Job = Callable[[Callable[[], bool]], object]

__all__ = ["Worker"]


@dataclass(frozen=True, slots=True)
class _Request:
    key: Hashable
    generation: int
    job: Callable[..., Any]
    on_done: Callable[[Any], None]
    on_error: Callable[[Exception], None]
    on_part: Callable[[Any], None] | None


@dataclass(frozen=True, slots=True)
class _Answer:
    request: _Request
    value: Any = None
    error: Exception | None = None
    is_part: bool = False


class Worker:
    """Run jobs one at a time on a thread of its own.

    Parameters
    ----------
    dispatch : callable, optional
        Called on the worker's thread as ``dispatch(self.deliver)`` when a job has
        ended; it should arrange that its argument is called on the owner's thread.
        None where the owner calls :meth:`deliver` or :meth:`wait` itself.
    name : str
        Name of the thread.
    """

    def __init__(
        self,
        dispatch: Callable[[Callable[[], object]], None] | None = None,
        name: str = "segnext",
    ) -> None:
        self._dispatch = dispatch
        self._state = threading.Condition()
        self._queue: dict[Hashable, _Request] = {}  # in the order of submission
        self._running: _Request | None = None
        self._spare: _Job | None = None
        self._spare_running: _Job | None = None
        self._newest: dict[Hashable, int] = {}
        self._answers: deque[_Answer] = deque()
        self._generation = 0
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits, runs, or is still to be delivered."""
        with self._state:
            return not (self._queue or self._running or self._answers)

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def submit(
        self,
        key: Hashable,
        job: Callable[..., Any],
        on_done: Callable[[Any], None],
        on_error: Callable[[Exception], None],
        on_part: Callable[[Any], None] | None = None,
    ) -> int:
        """Queue `job`, making every earlier request of `key` stale.

        Parameters
        ----------
        key : hashable
            What the request is about.
        job : callable
            Called on the worker's thread with ``should_stop``, a function that says
            whether the answer is no longer wanted. It may raise `Cancelled` then.
            With `on_part` also with ``tell``, a function that hands a part over.
        on_done, on_error : callable
            Called on the owner's thread with what the job returned or raised, unless
            the request is stale by then.
        on_part : callable, optional
            Called on the owner's thread with each part that the job told, in order and
            before the others, unless the request is stale by then.

        Returns
        -------
        int
            The generation of the request; 0 if the worker is closed.
        """
        with self._state:
            if self._closing:
                return 0
            self._generation += 1
            request = _Request(key, self._generation, job, on_done, on_error, on_part)
            self._newest[key] = request.generation
            self._queue.pop(key, None)
            self._queue[key] = request
            self._state.notify_all()
            return request.generation

    def spare(self, job: Callable[[Callable[[], bool]], object] | None) -> None:
        """Run `job` when there is nothing else to do, in the place of an earlier one.

        Parameters
        ----------
        job : callable or None
            Called on the worker's thread with ``should_stop``, which says True once
            there is a request, or another spare job. What it returns or raises is
            dropped; `is_idle` and :meth:`wait` do not know of it.
        """
        with self._state:
            if not self._closing:
                self._spare, self._spare_running = job, None
                self._state.notify_all()

    def cancel(self, key: Hashable | None = None) -> None:
        """Make all requests of `key` stale, or those of every key."""
        with self._state:
            if key is None:
                self._newest.clear()
                self._queue.clear()
            else:
                self._newest.pop(key, None)
                self._queue.pop(key, None)
            self._state.notify_all()

    def is_pending(self, key: Hashable) -> bool:
        """Whether an answer to the newest request of `key` is still to come."""
        with self._state:
            return key in self._newest

    def deliver(self) -> int:
        """Hand over the answers that are ready; call it on the owner's thread.

        Returns
        -------
        int
            How many answers were handed over (stale ones are not counted).
        """
        count = 0
        while True:
            with self._state:
                if not self._answers:
                    return count
                answer = self._answers.popleft()
                if self._is_stale(answer.request):
                    continue
                if not answer.is_part:
                    del self._newest[answer.request.key]
            count += 1
            if answer.is_part and answer.request.on_part is not None:
                answer.request.on_part(answer.value)
            elif answer.error is None:
                answer.request.on_done(answer.value)
            else:
                answer.request.on_error(answer.error)

    def wait(self, timeout: float | None = None) -> bool:
        """Deliver answers until idle; call it on the owner's thread.

        Parameters
        ----------
        timeout : float, optional
            Seconds after which to give up; None waits for ever.

        Returns
        -------
        bool
            Whether the worker is idle; False after the timeout.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            self.deliver()
            with self._state:
                if self._answers:
                    continue
                if not (self._queue or self._running):
                    return True
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return False
                self._state.wait(left)

    def close(self, timeout: float | None = None) -> bool:
        """Drop everything, stop the thread and join it; harmless when repeated.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait for a job that does not ask ``should_stop``.

        Returns
        -------
        bool
            Whether the thread has ended.
        """
        with self._state:
            self._closing = True
            self._spare = None
            self._newest.clear()
            self._queue.clear()
            self._answers.clear()
            self._state.notify_all()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _is_stale(self, request: _Request) -> bool:
        return self._newest.get(request.key) != request.generation

    def _run(self) -> None:
        while True:
            with self._state:
                while not (self._queue or self._spare or self._closing):
                    self._state.wait()
                if self._closing:
                    return
                request, spare = None, self._spare
                if self._queue:
                    _, request = self._queue.popitem()
                    self._running = request
                else:
                    self._spare, self._spare_running = None, spare
            if request is not None:
                self._run_request(request)
            elif spare is not None:
                self._run_spare(spare)
            # while this thread waits it must not keep alive whoever asked
            request = spare = None

    def _run_request(self, request: _Request) -> None:
        answer = self._answer(request)
        with self._state:
            self._running = None
            if answer is not None and not self._is_stale(request):
                self._answers.append(answer)
            self._state.notify_all()
        if self._dispatch is not None and not self._closing:
            self._dispatch(self.deliver)

    def _run_spare(self, job: _Job) -> None:
        def should_stop() -> bool:
            return bool(self._queue) or self._closing or self._spare_running is not job

        # nobody asked for it: a request that meets the same error will tell
        with contextlib.suppress(Exception):
            job(should_stop)
        with self._state:
            if self._spare_running is job:
                self._spare_running = None  # keeps nothing alive

    def _answer(self, request: _Request) -> _Answer | None:
        def should_stop() -> bool:
            return self._closing or self._is_stale(request)

        def tell(part: Any) -> None:
            with self._state:
                if self._is_stale(request):
                    return
                is_first = not self._answers
                self._answers.append(_Answer(request, part, is_part=True))
                self._state.notify_all()
            if is_first and self._dispatch is not None and not self._closing:
                self._dispatch(self.deliver)

        given = (should_stop,) if request.on_part is None else (should_stop, tell)
        try:
            return _Answer(request, value=request.job(*given))
        except Cancelled:
            if should_stop():
                return None
            return _Answer(
                request, error=RuntimeError("The job gave up without being asked to.")
            )
        except Exception as error:  # noqa: BLE001 - handed over to the owner
            return _Answer(request, error=error)
