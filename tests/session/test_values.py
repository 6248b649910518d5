"""Pixel changes, plane masks, history: values without a viewer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from napari_segnext.core.prompts import Click, Prompts
from napari_segnext.session.acts import PlaneChange, PromptsChanged
from napari_segnext.session.history import History
from napari_segnext.session.pixels import PixelChange, PlaneMask
from napari_segnext.session.planes import PlaneKey

PLANE = PlaneKey((0,), (1, 2))


@given(st.data())
def test_a_pixel_change_says_what_changed_and_its_inverse_the_way_back(
    data: st.DataObject,
) -> None:
    shape = data.draw(array_shapes(min_dims=2, max_dims=4, max_side=5))
    values = st.integers(0, 3)
    before = data.draw(arrays(np.uint8, shape, elements=values))
    after = data.draw(arrays(np.uint8, shape, elements=values))
    everywhere = tuple(axis.ravel() for axis in np.indices(shape))

    change = PixelChange.from_arrays(shape, everywhere, before.ravel(), after.ravel())

    assert len(change) == (before != after).sum()
    assert bool(change) == (before != after).any()
    done = before.copy()
    np.testing.assert_array_equal(done[change.coordinates], change.before)
    done[change.coordinates] = change.after
    np.testing.assert_array_equal(done, after)
    back = change.inverse()
    done[back.coordinates] = back.after
    np.testing.assert_array_equal(done, before)
    assert back.inverse() == change


def test_a_pixel_named_twice_counts_once_as_first_said() -> None:
    twice = (np.array([1, 1]), np.array([2, 2]))
    change = PixelChange.from_arrays((3, 4), twice, [0, 0], [5, 6])
    assert len(change) == 1
    assert change.after.tolist() == [5]


def test_long_runs_are_stored_short() -> None:
    plane = np.indices((500, 500)).reshape(2, -1)
    change = PixelChange.from_arrays((500, 500), tuple(plane), 0, 7)
    assert len(change) == 250_000
    assert len(change.runs) < 100


@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=9)))
def test_a_plane_mask_is_the_mask_it_was_made_of(mask: np.ndarray) -> None:
    value = PlaneMask.from_plane(mask)
    assert bool(value) == mask.any()
    np.testing.assert_array_equal(value.plane(mask.shape), mask)
    assert value == PlaneMask.from_plane(value.plane(mask.shape))
    row0, col0, row1, col1 = value.region
    assert value.crop.shape == (row1 - row0, col1 - col0)


def add(history: History, *clicks: Click, asked: set[int]) -> PromptsChanged:
    before = history.state.object.prompts(PLANE)
    after = Prompts(clicks)
    previous = history.previous_of(PLANE, after, {(n, PLANE) for n in asked})
    change = PlaneChange(PLANE, before, after, previous)
    act = PromptsChanged(history.new_number(), 1, (change,))
    history.push(act)
    return act


A, B, C = Click(1, 1), Click(2, 2), Click(3, 3)


@pytest.mark.parametrize(
    ("steps", "asked", "previous"),
    [
        ([[A]], {1}, None),
        ([[A], [A, B]], {1}, 1),
        ([[A], [A, B]], set(), None),  # nobody asked for the first answer
        ([[A], [A, B], [A, B, C]], {1, 2}, 2),
        ([[A], [A, B], [A, B, C]], {1}, 1),
        ([[A], [A, B], [A, B, C], [A, C]], {1, 2, 3}, 1),
        ([[A], [A, B], [B, C]], {1, 2}, None),  # the first was moved
        ([[A], [A, B], [A]], {1, 2}, None),  # as it was answered at first
        ([[A], [A, B], [A], [A, C]], {1, 2, 3}, 3),
        ([[A], [], [A, B]], {1, 2}, 1),
        ([[A], [A, A]], {1}, 1),
    ],
)
def test_what_is_fed_back(
    steps: list[list[Click]], asked: set[int], previous: int | None
) -> None:
    history = History()
    for step in steps:
        act = add(history, *step, asked=asked)
    assert act.changes[0].previous == previous


def test_the_chain_of_an_entry_is_all_it_builds_on() -> None:
    history = History()
    asked = {1, 2, 3}
    add(history, A, asked=asked)
    add(history, A, B, asked=asked)
    add(history, A, B, C, asked=asked)
    history.back()
    add(history, A, C, asked=asked)
    entry = history.entry(PLANE)
    assert entry is not None
    assert [found.number for found in history.chain(entry)] == [1, 4]


def test_numbers_are_never_used_twice_even_after_undo() -> None:
    history = History()
    add(history, A, asked=set())
    history.back()
    assert add(history, B, asked=set()).number == 2
    assert len(history.acts) == 1
    assert history.next is None


def test_back_and_forth_give_the_states_back() -> None:
    history = History()
    states = [history.state]
    for clicks in ([A], [A, B], [B]):
        add(history, *clicks, asked={1, 2, 3})
        states.append(history.state)
    for state in reversed(states[:-1]):
        history.back()
        assert history.state == state
    assert history.back() is None
    for state in states[1:]:
        history.forth()
        assert history.state == state
    assert history.forth() is None
