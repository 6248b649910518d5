"""Runs through the slices of a movie of stacks: each object along its own row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from napari.layers import Image
from volumes import OTHER, SHAPE, TUBE, PartPredictor, centre, check, picture, plane

from napari_segnext.errors import PromptError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooms import Room

    Rooms = Callable[..., Room]

MOVIE = (3, *SHAPE)


def filmed(room: Rooms, *places: tuple[int, float, float, float]) -> Room:
    """Both objects at every time, prompted at places (t, z, row, col) and accepted."""
    here = room(np.stack([picture(TUBE, OTHER)] * MOVIE[0]), PartPredictor())
    for place in places:
        here.session.add_click(place)
        here.wait()
        here.session.accept()
    return here


def test_given_objects_at_two_times_when_propagated_then_each_goes_along_its_own_time(
    room: Rooms,
) -> None:
    here = filmed(room, (0, *centre(4)), (2, 2, 25, 8))
    here.show(0, 0)
    here.session.propagate([1, 2], axis=1)
    here.wait()
    here.session.accept()
    target = np.asarray(here.session.target.data)
    np.testing.assert_array_equal(target[0], TUBE)
    assert not target[1].any()
    np.testing.assert_array_equal(target[2], OTHER * 2)
    check(here.session)


@pytest.mark.parametrize("names", [None, 1])
def test_given_an_object_at_another_time_only_when_propagated_then_it_goes_there(
    room: Rooms, names: int | None
) -> None:
    here = filmed(room, (2, *centre(4)))
    if names is None:
        here.session.edit(1)
    here.show(0, 1)
    here.session.propagate(names)
    here.wait()
    here.session.accept()
    target = np.asarray(here.session.target.data)
    np.testing.assert_array_equal(target[2], TUBE)
    assert not target[:2].any()


def test_given_two_keyed_times_when_filled_from_elsewhere_then_it_says_where_they_are(
    room: Rooms,
) -> None:
    here = filmed(room)
    for t in (0, 2):
        here.session.add_click((t, *centre(4)))
        here.wait()
    here.show(0, 1)
    with pytest.raises(
        PromptError, match=r"by hand at 0 along axis 0, 2 along axis 0, not at 1 along"
    ):
        here.session.propagate()
    here.show(0, 2)
    here.session.propagate()
    here.wait()
    made = [key for key, it in here.session.slices.items() if it.kind != "keyed"]
    assert {key.index[0] for key in made} == {2}
    assert here.session.slices[plane(4, 0)].kind == "keyed"


def test_given_several_when_one_is_at_two_other_times_then_it_is_named(
    room: Rooms,
) -> None:
    here = filmed(room, (1, *centre(4)))
    for t in (0, 2):
        here.session.target.data[t, 2][OTHER[2]] = 2
    here.session.target.refresh()
    here.show(0, 1)
    with pytest.raises(PromptError, match="Label 2 has slices by hand at 0 along"):
        here.session.propagate([1, 2], axis=1)
    assert not here.session.is_propagating


@pytest.mark.parametrize(
    ("axis", "labels"), [(1, None), (0, None), (0, ("z", "t", "y", "x"))]
)
def test_given_an_axis_that_is_time_or_has_one_slice_then_the_other_is_gone_along(
    room: Rooms, axis: int, labels: tuple[str, ...] | None
) -> None:
    stack = picture(TUBE)
    pixels = np.stack([stack] * (1 if labels is None else 2), axis=1 - axis)
    here = room(image=Image(pixels, axis_labels=labels), predictor=PartPredictor())
    place = list(centre(4))
    place.insert(1 - axis, 0)
    here.session.add_click(place)
    here.session.propagate()
    here.wait()
    here.session.accept()
    found = np.moveaxis(np.asarray(here.session.target.data), 1 - axis, 0)
    np.testing.assert_array_equal(found[0], TUBE)
    assert not found[1:].any()
