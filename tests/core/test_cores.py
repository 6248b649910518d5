"""Cores are those that are lent, not those that the machine has."""

import os

import pytest

from napari_segnext.core.cores import count_cores
from napari_segnext.widget.settings import Settings


@pytest.fixture
def two_of_sixty_four(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {5, 9}, raising=False)


@pytest.mark.usefixtures("two_of_sixty_four")
def test_where_two_cores_are_lent_the_network_gets_one_and_the_window_one():
    assert count_cores() == 2
    assert Settings().thread_count == 1
    assert Settings(threads=7).thread_count == 7  # as the user wants it


@pytest.mark.usefixtures("two_of_sixty_four")
def test_where_no_system_says_what_is_lent_all_count(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity")
    assert count_cores() == 64
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert count_cores() == 1
