"""Several objects at once: a prompt each, a mask each, a label each, one act."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from fakes import disk

from napari_segnext.core.prompts import Box, Click, Prompts
from napari_segnext.errors import PromptError
from napari_segnext.session.groups import GroupAnswer, GroupMask, apart
from napari_segnext.session.pixels import PlaneMask

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooms import Room

    from napari_segnext.session.session import Session

    Rooms = Callable[..., Room]

PLACES = [(10, 10), (10, 30), (30, 20)]
PLANE = (40, 50)


def click_all(room: Room, z: int = 2) -> None:
    for row, col in PLACES:
        room.session.add_click((z, row, col))
    room.wait()


def test_given_several_when_clicked_then_each_click_is_a_label_in_one_act(
    room: Rooms,
) -> None:
    here = room()
    here.show(0, 2)
    here.session.each = True
    click_all(here)

    assert here.session.accept() == 1

    for label, (row, col) in enumerate(PLACES, 1):
        found = here.session.target.data[2] == label
        assert np.array_equal(found, disk(PLANE, row, col))
    assert here.session.label == 4
    assert set(here.session.objects) == {1, 2, 3}
    here.session.undo()
    assert not here.session.target.data.any()
    assert here.session.mask().any()
    assert len(here.session.points.data) == 3
    here.session.redo()
    assert set(np.unique(here.session.target.data)) == {0, 1, 2, 3}


def test_given_several_when_one_is_added_then_only_that_one_is_predicted(
    room: Rooms,
) -> None:
    here = room()
    here.session.each = True
    for row, col in PLACES:
        here.session.add_click((0, row, col))
        here.wait()  # two that come while the worker is busy are one request

    assert here.predictor.batches == [1, 1, 1]
    assert len(here.predictor.encoded) == 1


def test_given_prompts_at_once_then_one_encoding_and_one_batch(room: Rooms) -> None:
    here = room()
    here.show(0, 0)
    here.session.each = True
    here.session.points.data = [(0, row, col) for row, col in PLACES]
    here.wait()

    assert here.predictor.batches == [3]
    assert len(here.predictor.encoded) == 1
    assert set(np.unique(here.session.preview.data[0])) == {0, 1, 2, 3}


def test_given_objects_that_touch_then_the_more_probable_has_the_pixel() -> None:
    one = _Answer((0, 0, 1, 4), [[0.9, 0.8, 0.6, 0.1]])
    two = _Answer((0, 1, 1, 5), [[0.6, 0.7, 0.9, 0.9]])

    group = GroupAnswer.from_answers([one, two])

    assert group.region == (0, 0, 1, 5)
    assert group.crop.tolist() == [[1, 1, 2, 2, 2]]


def test_given_negative_prompts_then_they_count_for_every_object() -> None:
    off = Click(1, 1, positive=False)
    prompts = Prompts(clicks=[Click(5, 5), off], boxes=[Box(0, 0, 4, 4)])

    singles = apart(prompts)

    assert singles == (
        Prompts(clicks=[off, Click(5, 5)]),
        Prompts(clicks=[off], boxes=[Box(0, 0, 4, 4)]),
    )


def test_given_an_object_of_several_when_edited_then_only_its_own_prompt_is_back(
    room: Rooms,
) -> None:
    here = room()
    here.show(0, 2)
    here.session.each = True
    click_all(here)
    here.session.accept()

    here.session.edit(2)

    assert not here.session.each
    assert here.session.points.data.tolist() == [[2, 10, 30]]
    here.session.add_click((2, 14, 30))
    here.wait()
    here.session.accept()
    wanted = disk(PLANE, 10, 30) | disk(PLANE, 14, 30)
    assert np.array_equal(here.session.target.data[2] == 2, wanted)
    assert (here.session.target.data[2] == 3).sum() == disk(PLANE, 30, 20).sum()


def test_given_a_neighbour_when_several_are_accepted_then_it_keeps_its_pixels(
    room: Rooms,
) -> None:
    here = room()
    here.session.add_click((0, 10, 10))
    here.wait()
    here.session.accept()
    here.show(0, 0)
    before = here.session.target.data.copy()
    here.session.each = True
    here.session.points.data = [(0, 12, 10), (0, 10, 10), (0, 30, 30)]
    here.wait()
    here.session.accept()

    kept = here.session.target.data == 1
    assert np.array_equal(kept, before == 1)
    # of three objects one belongs to label 1 altogether, and gets no label
    assert set(np.unique(here.session.target.data)) == {0, 1, 2, 3}


def test_given_several_when_all_belongs_to_others_then_a_sentence(room: Rooms) -> None:
    here = room()
    here.session.add_click((0, 10, 10))
    here.wait()
    here.session.accept()
    here.session.each = True
    here.session.add_click((0, 10, 10))
    here.wait()

    with pytest.raises(PromptError, match="belongs to other labels"):
        here.session.accept()


def test_given_an_open_object_when_changed_to_several_then_a_sentence(
    room: Rooms,
) -> None:
    here = room()
    here.session.add_click((0, 10, 10))

    with pytest.raises(PromptError, match="accept or clear it before"):
        here.session.each = True
    assert not here.session.each


def test_changing_between_one_and_several_is_undone_like_any_act(room: Rooms) -> None:
    here = room()
    here.session.each = True
    here.session.add_click((0, 10, 10))
    here.session.undo()
    here.session.undo()
    assert not here.session.each
    here.session.redo()
    assert here.session.each


@pytest.mark.parametrize("once", [True, False])
def test_several_stays_after_accept_unless_once(room: Rooms, once: bool) -> None:
    here = room()
    here.session.each = True
    here.session.each_once = once
    here.session.add_click((0, 10, 10))
    here.wait()
    here.session.accept()

    assert here.session.each is not once


def test_given_several_then_the_hint_counts_them(room: Rooms) -> None:
    here = room()
    here.session.each = True
    here.wait()
    assert "each" in here.session.hint
    click_all(here, z=0)
    assert here.session.hint.startswith("3 objects")


def test_a_group_mask_gives_its_parts_back() -> None:
    parts = {
        number: PlaneMask.from_plane(disk(PLANE, row, col))
        for number, (row, col) in enumerate(PLACES, 1)
    }

    group = GroupMask.from_parts(parts)

    assert group.parts == parts
    assert np.array_equal(group.plane(PLANE), sum(disk(PLANE, *at) for at in PLACES))


def test_more_objects_than_colours_are_all_shown() -> None:
    parts = {
        number: PlaneMask.from_crop((0, number, 1, number + 1), [[1]])
        for number in range(1, 601)
    }

    group = GroupMask.from_parts(parts)

    assert (group.values > 0).all()
    assert len(group.parts) == 600


def test_the_embedded_model_gives_a_mask_for_each_box(
    nuclei: tuple[Session, list[tuple[int, ...]]],
) -> None:
    session, boxes = nuclei
    session.each = True
    for row0, col0, row1, col1 in boxes:
        session.add_box((row0, col0), (row1, col1))
    session.wait(120)
    session.accept()

    for label, (row0, col0, row1, col1) in enumerate(boxes, 1):
        rows, cols = np.nonzero(session.target.data == label)
        middle = (rows.mean(), cols.mean())
        assert row0 < middle[0] < row1
        assert col0 < middle[1] < col1


@pytest.fixture
def nuclei(room: Rooms) -> tuple[Session, list[tuple[int, ...]]]:
    from skimage.measure import regionprops

    from napari_segnext.samples import load_sample

    sample = load_sample("nuclei_2d")
    here = room(data=sample.image, predictor="segnext-lite")
    boxes = [region.bbox for region in regionprops(sample.labels)[:4]]
    return here.session, boxes


class _Answer:
    def __init__(self, region: tuple[int, int, int, int], crop: list) -> None:
        self.region = region
        self.crop = np.array(crop, np.float32)
        self.crop_mask = self.crop > 0.5
