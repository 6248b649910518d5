"""Tasks in several processes, some of which do not survive."""

from __future__ import annotations

import pytest
from jobs import make_doubler, make_nothing

from napari_segnext.errors import SegNextError
from napari_segnext.evaluation.parallel import Lost, work_through


def test_every_task_is_done_once():
    assert dict(work_through(make_doubler, range(7), 2)) == {
        task: 2 * task for task in range(7)
    }


def test_a_process_that_dies_takes_only_its_task_along():
    tasks = [1, 13, 2, 13, 3]
    done = list(work_through(make_doubler, tasks, 2))
    assert sorted(index for index, _ in done) == [0, 1, 2, 3, 4]
    assert dict(done) == {0: 2, 1: Lost(3), 2: 4, 3: Lost(3), 4: 6}


def test_no_task_needs_no_process():
    assert list(work_through(make_nothing, [], 2)) == []


def test_processes_that_cannot_begin_are_given_up():
    with pytest.raises(SegNextError, match=r"exit code 5\); try fewer"):
        list(work_through(make_nothing, range(9), 1))
