"""Several objects through the slices together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from volumes import (
    OTHER,
    SHAPE,
    TUBE,
    GatedPredictor,
    PartPredictor,
    centre,
    check,
    picture,
    plane,
    preview,
    snapshot,
    tube,
)

from napari_segnext.errors import LayerError, PromptError
from napari_segnext.session.groups import GroupMask
from napari_segnext.session.pixels import PlaneMask
from napari_segnext.session.planes import PlaneKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooms import Room

    Rooms = Callable[..., Room]


def accepted(room: Rooms, predictor: PartPredictor | None = None) -> Room:
    """Two objects, accepted on a slice each."""
    here = room(picture(TUBE, OTHER), predictor or PartPredictor())
    here.session.add_click(centre(4))
    here.wait()
    here.session.accept()
    here.session.add_click((2, 25, 8))
    here.wait()
    here.session.accept()
    return here


def test_given_labels_when_propagated_together_then_each_is_accepted_as_its_own(
    room: Rooms,
) -> None:
    here = accepted(room)
    before = snapshot(here.session)
    here.predictor.batches.clear()
    here.predictor.encoded.clear()

    here.session.propagate([1, 2])
    here.wait()

    shown = np.asarray(here.session.preview.data)
    np.testing.assert_array_equal(shown == 1, TUBE)
    np.testing.assert_array_equal(shown == 2, OTHER)
    assert max(here.predictor.batches) == 2
    assert len(here.predictor.encoded) <= SHAPE[0]
    infos = here.session.objects
    assert infos[1].state == infos[2].state == "open"
    assert [row.slices for row in here.session.table()] == [SHAPE[0]] * 2

    assert here.session.accept() == 1
    target = here.session.target.data
    np.testing.assert_array_equal(target == 1, TUBE)
    np.testing.assert_array_equal(target == 2, OTHER)
    assert here.session.objects[1].keyed == (plane(4),)
    assert here.session.objects[2].keyed == (plane(2),)
    assert len(here.session.objects[2].scores) == SHAPE[0] - 1
    assert here.session.label == 3
    check(here.session)

    for _ in range(3):
        assert here.session.undo()
    after = snapshot(here.session)
    np.testing.assert_array_equal(after["target"], before["target"])
    assert after["state"].known == before["state"].known
    for _ in range(3):
        assert here.session.redo()
    np.testing.assert_array_equal(here.session.target.data == 2, OTHER)


def test_given_objects_accepted_together_when_one_is_corrected_then_only_that_changes(
    room: Rooms,
) -> None:
    here = accepted(room)
    here.session.propagate([2, 1])
    here.wait()
    assert here.session.accept() == 2
    here.session.edit(1)
    assert here.session.slices[plane(4)].kind == "keyed"
    assert here.session.slices[plane(5)].kind == "propagated"
    here.session.add_click((8, 0, 35))
    here.wait()
    here.session.accept()
    np.testing.assert_array_equal(here.session.target.data == 2, OTHER)
    np.testing.assert_array_equal(here.session.target.data == 1, TUBE)


def test_given_touching_objects_when_propagated_together_then_no_pixel_is_lost(
    room: Rooms,
) -> None:
    here = room(picture(TUBE), PartPredictor())
    data = here.session.target.data
    left = np.zeros(SHAPE, bool)
    left[4, :, :13] = True
    data[4][TUBE[4] & left[4]] = 1
    data[4][TUBE[4] & ~left[4]] = 2
    here.session.target.refresh()
    here.session.propagate([1, 2])
    here.wait()
    here.session.accept()
    np.testing.assert_array_equal(here.session.target.data > 0, TUBE)
    np.testing.assert_array_equal(here.session.target.data[4] == 1, TUBE[4] & left[4])


def test_given_objects_opened_together_when_prompted_then_one_sentence_says_no(
    room: Rooms,
) -> None:
    here = accepted(room)
    here.session.propagate([1, 2])
    here.wait()
    before = preview(here)
    with pytest.raises(PromptError, match="Several objects are open"):
        here.session.add_click(centre(4))
    here.session.points.add([(4, 10, 10)])
    here.session.sync()
    assert "Several objects are open" in str(here.errors[-1])
    assert len(here.session.points.data) == 0
    np.testing.assert_array_equal(preview(here), before)
    with pytest.raises(LayerError, match="open for editing"):
        here.session.merge([1, 2])
    here.session.delete(2)
    assert not preview(here).any()
    check(here.session)


def test_given_planes_that_cross_when_one_goes_then_the_other_keeps_its_numbers(
    room: Rooms,
) -> None:
    here = room(picture(TUBE), PartPredictor())
    show = here.session._preview.show
    going, staying = plane(4), PlaneKey((12,), (0, 2))
    mask = PlaneMask.from_plane(TUBE[4])
    show({going: mask})
    show({staying: GroupMask.from_parts({2: PlaneMask.from_plane(TUBE[:, 12])})})
    show({going: PlaneMask()})
    expected = np.zeros(SHAPE, np.uint8)
    expected[:, 12][TUBE[:, 12]] = 2
    np.testing.assert_array_equal(here.session.preview.data, expected)


def test_given_several_labels_when_one_is_not_there_then_nothing_happens(
    room: Rooms,
) -> None:
    here = accepted(room)
    with pytest.raises(LayerError, match="no object with label 7"):
        here.session.propagate([1, 7])
    assert not here.session.is_propagating
    assert not here.session.slices or here.session.focus


def test_given_a_shared_run_when_cancelled_anywhere_then_it_is_consistent(
    room: Rooms,
) -> None:
    here = accepted(room, GatedPredictor())
    depth = len(here.session._history.acts)
    for count in range(0, 11, 3):
        here.session.propagate([1, 2])
        here.predictor.step(here.session, count)
        here.session.cancel()
        here.predictor.wait(here)
        check(here.session)
        shown = np.array(here.session.preview.data)
        assert (TUBE | (shown != 1)).all()
        assert (OTHER | (shown != 2)).all()
        here.session.accept()
        np.testing.assert_array_equal(here.session.target.data == 1, shown == 1)
        while len(here.session._history.acts) > depth:
            here.session.undo()


def test_given_objects_with_a_prompt_each_when_propagated_then_each_gets_a_label(
    room: Rooms,
) -> None:
    here = room(picture(TUBE, OTHER), PartPredictor())
    here.show(0, 4)
    here.session.each = True
    here.session.add_click(centre(4))
    here.session.add_click((4, 25, 8))
    here.wait()
    here.session.propagate()
    here.wait()
    shown = np.asarray(here.session.preview.data)
    np.testing.assert_array_equal(shown == 1, TUBE)
    np.testing.assert_array_equal(shown == 2, OTHER)
    assert here.session.hint.startswith("2 objects;")
    here.session.accept()
    np.testing.assert_array_equal(here.session.target.data == 1, TUBE)
    np.testing.assert_array_equal(here.session.target.data == 2, OTHER)
    assert here.session.objects[2].keyed == (plane(4),)
    assert len(here.session.objects[1].scores) == SHAPE[0] - 1
    here.session.edit(2)
    assert here.session.slices[plane(5)].kind == "propagated"


def test_given_a_prompt_each_when_one_is_removed_then_numbers_stay_with_objects(
    room: Rooms,
) -> None:
    third = tube(SHAPE, (6, 28), (0, 0), 3)
    here = room(picture(TUBE, OTHER, third), PartPredictor())
    here.show(0, 4)
    here.session.each = True
    for at in (centre(4), (4, 25, 8), (4, 6, 28)):
        here.session.add_click(at)
    here.wait()
    here.session.propagate()
    here.wait()
    before = snapshot(here.session)
    here.session.follow = False
    here.session.points.data = here.session.points.data[[0, 2]]
    here.session.sync()
    here.wait()
    shown = np.asarray(here.session.preview.data)
    np.testing.assert_array_equal(shown == 1, TUBE)
    np.testing.assert_array_equal(shown == 2, third)
    here.session.undo()
    np.testing.assert_array_equal(here.session.preview.data, before["preview"])
    check(here.session)


def test_given_prompts_each_on_two_slices_when_propagated_then_one_sentence_says_no(
    room: Rooms,
) -> None:
    here = room(picture(TUBE, OTHER), PartPredictor())
    here.session.each = True
    here.session.add_click(centre(4))
    here.session.add_click((2, 25, 8))
    here.wait()
    with pytest.raises(PromptError, match="nothing says which"):
        here.session.propagate()
