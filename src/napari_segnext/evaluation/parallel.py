"""Work through a list of tasks in several processes, whatever happens to one."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, TypeVar

from napari_segnext.errors import SegNextError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

__all__ = ["Lost", "work_through"]

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")
_MAX_LOSSES = 3  # in a row, of processes that had not finished anything


@dataclass(frozen=True, slots=True)
class Lost:
    """The process that worked on a task ended; `exit_code` is negative for signals."""

    exit_code: int | None


@dataclass(slots=True)
class _Helper:
    process: BaseProcess
    connection: Connection
    task: int = -1
    finished: int = 0


def work_through(
    make_work: Callable[[], Callable[[_Task], _Result]],
    tasks: Sequence[_Task],
    processes: int,
) -> Iterator[tuple[int, _Result | Lost]]:
    """Do every task once, in fresh ("spawn") processes.

    Parameters
    ----------
    make_work : callable
        Called once in each process; returns what does one task. Must be picklable, as
        tasks and results must.
    tasks : sequence
        What to do.
    processes : int
        How many at once.

    Yields
    ------
    (int, result or Lost)
        Index of the task and what came of it, in the order in which they end. A
        process that dies takes only its own task along, and is replaced.

    Raises
    ------
    SegNextError
        If processes die before they finish anything, three times in a row.
    """
    waiting = deque(range(len(tasks)))
    count = min(processes, len(tasks))
    helpers = [_start(make_work) for _ in range(count)]
    losses = 0
    try:
        for helper in helpers:
            _give(helper, waiting, tasks)
        while busy := {helper.connection: helper for helper in helpers}:
            for connection in wait(list(busy)):
                helper = busy[connection]  # type: ignore[index]
                try:
                    result = helper.connection.recv()
                except (EOFError, OSError):
                    helper.process.join()
                    losses = 0 if helper.finished else losses + 1
                    helpers.remove(helper)
                    yield helper.task, Lost(helper.process.exitcode)
                    if losses >= _MAX_LOSSES:
                        raise SegNextError(
                            "Processes end before they finish an image (exit code "
                            f"{helper.process.exitcode}); try fewer of them."
                        ) from None
                    if waiting:
                        helpers.append(_start(make_work))
                        _give(helpers[-1], waiting, tasks)
                    continue
                helper.finished += 1
                yield helper.task, result
                if not _give(helper, waiting, tasks):
                    helpers.remove(helper)
                    helper.process.join()
    finally:
        for helper in helpers:
            helper.process.terminate()
            helper.process.join()


def _start(make_work: Callable[[], Callable[[Any], Any]]) -> _Helper:
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, make_work), daemon=True)
    process.start()
    theirs.close()  # so that the end of the process ends the connection
    return _Helper(process, ours)


def _give(helper: _Helper, waiting: deque[int], tasks: Sequence[Any]) -> bool:
    """Hand over the next task; without one the process ends."""
    task = tasks[waiting[0]] if waiting else None
    with suppress(OSError):  # a process that died meanwhile is noticed when heard
        helper.connection.send(task)
    if waiting:
        helper.task = waiting.popleft()
    return task is not None


def _serve(
    connection: Connection, make_work: Callable[[], Callable[[Any], Any]]
) -> None:
    work = make_work()
    while (task := connection.recv()) is not None:
        connection.send(work(task))
