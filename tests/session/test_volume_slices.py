"""Slices of an object: interpolated, crossed by others, scored, locked, listed."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np
import pytest
from napari.layers import Image
from volumes import (
    OTHER,
    SHAPE,
    TUBE,
    PartPredictor,
    begun,
    centre,
    check,
    check_same,
    made,
    picture,
    plane,
    preview,
    snapshot,
    tube,
)

from napari_segnext.core.interpolation import interpolate
from napari_segnext.errors import LayerError, PromptError
from napari_segnext.session.making import Row, constrained, spans_between
from napari_segnext.session.measuring import pixel_size, spacing, time_axes
from napari_segnext.session.pixels import PlaneMask
from napari_segnext.session.plain import from_plain, to_plain
from napari_segnext.session.planes import PlaneKey

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rooms import Room

    Rooms = Callable[..., Room]


# interpolation ------------------------------------------------------------------------


def test_given_two_keys_when_interpolated_plainly_then_masks_lie_between_them(
    room: Rooms,
) -> None:
    here = begun(room, 2)
    here.session.add_click(centre(7))
    here.session.interpolate(snap=False)
    here.wait()

    expected = interpolate({2: TUBE[2], 7: TUBE[7]}, range(SHAPE[0]))
    assert made(here) == list(expected) == [3, 4, 5, 6]
    for z, mask in expected.items():
        np.testing.assert_array_equal(preview(here)[z], mask)
    infos = here.session.slices
    assert {infos[plane(z)].kind for z in expected} == {"interpolated"}
    assert {infos[plane(z)].score for z in expected} == {None}
    assert "interpolate" in here.session._history.last.text
    check(here.session)


def test_given_two_keys_when_snapped_then_masks_are_the_images(room: Rooms) -> None:
    here = begun(room, 2)
    here.session.add_click(centre(7))
    here.session.interpolate()
    here.wait()
    np.testing.assert_array_equal(preview(here)[2:8], TUBE[2:8])
    assert all(here.session.slices[plane(z)].score > 0 for z in range(3, 7))


def test_given_interpolated_slices_when_corrected_then_they_follow_alike(
    room: Rooms,
) -> None:
    here = begun(room, 0)
    here.session.add_click(centre(8))
    here.session.interpolate(snap=False)
    here.wait()
    before = snapshot(here.session)
    here.session.add_click(centre(4))
    here.wait()
    keys = {0: TUBE[0], 4: preview(here)[4], 8: TUBE[8]}
    for z, mask in interpolate(keys, range(SHAPE[0])).items():
        np.testing.assert_array_equal(preview(here)[z], mask)
    assert {info.kind for info in here.session.slices.values()} == {
        "keyed",
        "interpolated",
    }
    here.session.undo()
    check_same(before, snapshot(here.session))


def test_given_propagated_ends_when_interpolated_between_then_they_stay(
    room: Rooms,
) -> None:
    here = begun(room, 3)
    here.session.add_click(centre(6))
    here.session.propagate()
    here.wait()
    here.session.interpolate(snap=False)
    here.wait()
    kinds = [info.kind for info in here.session.slices.values()]
    assert kinds == [
        *["propagated"] * 3,
        *["keyed", "interpolated", "interpolated", "keyed"],
        *["propagated"] * 3,
    ]


# planes that cross --------------------------------------------------------------------


def test_given_a_plane_by_hand_that_crosses_when_propagated_then_it_has_its_way(
    room: Rooms,
) -> None:
    here = begun(room)
    own = np.zeros((SHAPE[0], SHAPE[2]), bool)
    own[2:9, 10:20] = True
    own[6] = False
    here.session.add_mask(own, PlaneKey((13,), (0, 2)))
    here.session.propagate()
    here.wait()
    for z in set(range(SHAPE[0])) - {4}:
        expected = TUBE[z].copy()
        shown = np.array(preview(here)[z])
        answer = here.session._preview.masks[PlaneKey((13,), (0, 2))]
        expected[13] = answer.plane((SHAPE[0], SHAPE[2]))[z]
        np.testing.assert_array_equal(shown, expected)
    here.session.accept()
    assert not (here.session.target.data[6, 13] > 0).any()


def test_given_made_slices_when_a_crossing_plane_is_corrected_then_they_follow_it(
    room: Rooms,
) -> None:
    here = begun(room)
    here.session.propagate()
    here.wait()
    before = snapshot(here.session)
    here.viewer.dims.order = (1, 0, 2)
    here.show(1, 13)
    here.session.add_click((6, 13, 15))
    here.wait()
    answer = here.session._preview.masks[PlaneKey((13,), (0, 2))]
    line = answer.plane((SHAPE[0], SHAPE[2]))
    states = here.session._history.state.object.planes
    for z in set(range(SHAPE[0])) - {4}:
        stored = states[plane(z)].stored.plane(SHAPE[1:])
        np.testing.assert_array_equal(stored[13], line[z])
    here.session.undo()
    here.viewer.dims.order = (0, 1, 2)
    check_same(before, snapshot(here.session))


def test_given_slices_made_along_another_axis_when_made_anew_then_the_newest_count(
    room: Rooms,
) -> None:
    here = begun(room)
    here.session.propagate()
    here.wait()
    here.session.lock(1)
    before = snapshot(here.session)
    here.viewer.dims.order = (1, 0, 2)
    here.show(1, 12)
    here.session.add_click((4, 12, 12))
    here.session.propagate()
    here.wait()
    infos = here.session.slices
    assert {key.displayed for key, info in infos.items() if info.kind != "keyed"} == {
        (0, 2),
        (1, 2),
    }
    assert [key.index for key in infos if key.displayed == (1, 2)] == [(1,), (4,)]
    check(here.session)
    here.session.undo()
    here.session.undo()
    here.viewer.dims.order = (0, 1, 2)
    check_same(before, snapshot(here.session))


def test_given_planes_that_cross_when_constrained_then_background_counts_too() -> None:
    shape = (4, 5, 6)
    mask = PlaneMask.from_plane(np.ones((5, 6), bool))
    xz = PlaneKey((2,), (0, 2))
    yz = PlaneKey((3,), (0, 1))
    hand = np.zeros((4, 6), bool)
    hand[1, 3] = True
    found = constrained(mask, PlaneKey((1,), (1, 2)), {}, shape)
    assert found is mask
    crossing = {
        xz: PlaneMask.from_plane(hand),
        yz: PlaneMask(),
        PlaneKey((0,), (1, 2)): PlaneMask(),  # parallel: says nothing
    }
    found = constrained(mask, PlaneKey((1,), (1, 2)), crossing, shape)
    expected = np.ones((5, 6), bool)
    expected[2] = expected[:, 3] = False
    expected[2, 3] = True
    np.testing.assert_array_equal(found.plane((5, 6)), expected)
    # in a movie: only at the same time
    there = PlaneKey((0, 2), (1, 3))
    here = PlaneKey((1, 1), (2, 3))
    assert constrained(mask, here, {there: PlaneMask()}, (2, *shape)) is mask


# scores, locks, reviews ---------------------------------------------------------------


def test_given_scores_when_the_next_worst_is_asked_for_then_the_lowest_comes_first(
    room: Rooms,
) -> None:
    here = begun(room)
    assert here.session.next_worst() is None
    here.session.propagate()
    here.wait()
    scores = {key: info.score for key, info in here.session.slices.items()}
    order = sorted((it, key) for key, it in scores.items() if it is not None)
    here.show(0, 4)
    here.show(0, order[2][1].index[0])  # wherever she is: the worst comes first
    assert here.session.next_worst() == order[0][1]
    assert here.viewer.dims.current_step[0] == order[0][1].index[0]
    assert here.session.next_worst() == order[1][1]
    assert here.session.next_worst(-1) == order[0][1]
    here.session.review_slice()
    here.show(0, 4)
    assert here.session.next_worst() == order[1][1]
    here.session.lock()
    here.show(0, 4)
    assert here.session.next_worst() == order[2][1]
    assert here.session.next_worst(-1) == order[-1][1]


def test_given_marks_when_undone_then_they_go(room: Rooms) -> None:
    here = begun(room)
    here.session.propagate()
    here.wait()
    before = snapshot(here.session)
    here.session.lock(6)
    here.session.lock(6)  # no news, no act
    here.session.review_slice(7)
    assert here.session.slices[plane(6)].locked
    assert here.session.slices[plane(7)].reviewed
    here.session.undo()
    assert not here.session.slices[plane(7)].reviewed
    here.session.undo()
    check_same(before, snapshot(here.session))
    here.session.redo()
    here.session.lock(6, False)
    assert not here.session.slices[plane(6)].locked
    check(here.session)


def test_given_an_accepted_object_in_focus_when_marked_then_that_is_known(
    room: Rooms,
) -> None:
    here = begun(room)
    here.session.propagate()
    here.wait()
    here.session.accept()
    here.session.go_to_object(1)
    here.session.lock(7)
    here.session.review_slice(6)
    assert here.session.slices[plane(7)].locked
    here.session.edit(1)
    assert here.session.slices[plane(7)].locked
    assert here.session.slices[plane(6)].reviewed
    here.session.undo()
    here.session.undo()
    assert here.session.slices[plane(7)].locked
    assert not here.session.slices[plane(6)].reviewed


def test_given_nothing_there_when_marked_then_one_sentence_says_so(
    room: Rooms,
) -> None:
    here = room(picture(TUBE), PartPredictor())
    with pytest.raises(PromptError, match="No object is open"):
        here.session.lock()
    here.session.add_click(centre(4))
    here.wait()
    with pytest.raises(PromptError, match="has a mask"):
        here.session.review_slice(5)
    with pytest.raises(PromptError, match="no plane"):
        here.session.lock(99)
    here.session.accept()
    here.session.go_to_object(1)
    with pytest.raises(PromptError, match="has a mask"):
        here.session.lock(9)


def test_given_a_made_slice_when_corrected_then_undo_brings_its_mark_back(
    room: Rooms,
) -> None:
    here = begun(room)
    here.session.propagate()
    here.wait()
    here.session.lock(6)
    info = here.session.slices[plane(6)]
    here.session.follow = False
    here.session.add_click((6, 24, 8))
    here.wait()
    assert here.session.slices[plane(6)].kind == "keyed"
    assert here.session.slices[plane(6)].locked
    prompts = here.session.objects[1].prompts[plane(6)]
    np.testing.assert_array_equal(prompts.mask.array > 0, TUBE[6])
    np.testing.assert_array_equal(preview(here)[6], (TUBE | OTHER)[6])
    here.session.undo()
    assert here.session.slices[plane(6)] == info
    check(here.session)


# the log as plain values --------------------------------------------------------------


def test_given_acts_on_slices_when_made_plain_then_they_come_back(
    room: Rooms,
) -> None:
    here = begun(room)
    here.session.propagate()
    here.wait()
    here.session.lock(7)
    here.session.add_click((6, 24, 8))
    here.wait()
    acts = here.session._history.acts
    assert [from_plain(to_plain(act)) for act in acts] == list(acts)
    assert acts[-1].follows


# the table ----------------------------------------------------------------------------


def test_given_objects_when_listed_then_volumes_are_in_physical_units(
    room: Rooms, tmp_path: Path
) -> None:
    image = Image(
        picture(TUBE, OTHER),
        scale=(0.5, 0.2, 0.1),
        units=("um", "um", "um"),
        name="cells",
    )
    here = room(image=image, predictor=PartPredictor())
    here.session.add_click(centre(4))
    here.session.propagate()
    here.wait()
    here.session.accept()
    here.session.add_click((2, 25, 8))
    here.wait()

    first, second = here.session.table()

    assert (first.label, first.slices, first.keyed, first.state) == (
        *(1, SHAPE[0], 1),
        "accepted",
    )
    assert first.volume == pytest.approx(TUBE.sum() * 0.01)
    assert first.unit == "µm³"
    assert 0 < first.score <= 1
    assert (second.label, second.slices, second.state) == (2, 1, "open")
    assert second.volume == pytest.approx(OTHER[2].sum() * 0.01)
    assert second.score is None
    assert (first.reviewed, second.reviewed) == (True, False)

    path = here.session.export_table(tmp_path / "objects.csv")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows] == ["1", "2"]
    assert float(rows[0]["volume"]) == pytest.approx(first.volume)
    assert rows[1]["score"] == ""
    assert [entry.name for entry in tmp_path.iterdir()] == ["objects.csv"]
    with pytest.raises(LayerError, match="cannot be written"):
        here.session.export_table(tmp_path / "no folder" / "objects.csv")
    with pytest.raises(LayerError, match="cannot be written"):
        here.session.export_table(tmp_path / "objects.csv" / "objects.csv")


def test_given_painting_when_listed_again_then_the_table_follows(room: Rooms) -> None:
    here = room(picture(TUBE), PartPredictor())
    assert here.session.table() == []
    here.session.target.data_setitem((np.array([2]), np.array([3]), np.array([4])), 9)
    (row,) = here.session.table()
    assert (row.label, row.slices, row.volume, row.state) == (9, 1, 1, "found")
    here.session.delete(9)
    assert here.session.table() == []


def scaled(shape: tuple[int, ...], **options: object) -> Image:
    return Image(np.zeros(shape, np.uint8), **options)


@pytest.mark.parametrize(
    ("image", "size", "unit", "times", "spaced"),
    [
        (scaled((4, 5)), 1, "px²", (), None),
        (scaled((3, 4, 5)), 1, "px³", (), 1),
        (scaled((3, 4, 5), scale=(4, 2, 2)), 16, "", (), 2),
        (scaled((3, 4, 5), scale=(-4, 2, 2)), 16, "", (), 2),
        (scaled((3, 4, 5), scale=(3, 2, 0.5), rotate=30), 3, "", (), 3),
        (scaled((3, 4, 5), scale=(-1, 1, 1)), 1, "px³", (), 1),
        (scaled((2, 3, 4, 5)), 1, "px³", (0,), 1),
        (scaled((2, 3, 4, 5), scale=(60, 4, 2, 2)), 16, "", (0,), 2),
        (
            scaled((2, 3, 4, 5), axis_labels=("z", "t", "y", "x")),
            *(1, "px³", (1,), 1),
        ),
        (scaled((2, 2, 3, 4, 5)), 1, "px³", (0, 1), 1),
        (
            scaled((3, 4, 5), scale=(200, 0.1, 0.1), units=("nm", "um", "um")),
            *(0.002, "µm³", (), 2),
        ),
        (
            scaled((3, 4, 5), scale=(60, 0.1, 0.1), units=("s", "um", "um")),
            *(0.01, "µm²", (0,), 1),
        ),
        (scaled((3, 4, 5), axis_labels=("t", "y", "x")), 1, "px²", (0,), 1),
        (
            scaled(
                (2, 3, 4, 5),
                scale=(9, 2, 1, 1),
                units=("s", "um", "um", "um"),
            ),
            *(2, "µm³", (0,), 2),
        ),
    ],
)
def test_given_scales_and_units_when_measured_then_volumes_and_distances_are_right(
    image: Image, size: float, unit: str, times: tuple[int, ...], spaced: float | None
) -> None:
    found, name = pixel_size(image)
    assert found == pytest.approx(size)
    assert name == unit
    assert time_axes(image) == times
    if spaced is not None:
        displayed = (image.ndim - 2, image.ndim - 1)
        assert spacing(image, image.ndim - 3, displayed) == pytest.approx(spaced)


# spans --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "limits", "expected"),
    [
        ((4,), range(10), [(range(4), range(4)), (range(5, 10), range(5, 10))]),
        ((4,), range(6, 8), [(range(5, 8), range(6, 8))]),
        ((2, 6), range(4, 5), [(range(3, 6), range(4, 5))]),
        ((2, 3), range(2, 4), []),
        ((0, 9), range(10), [(range(1, 9), range(1, 9))]),
    ],
)
def test_given_keys_when_spans_are_asked_for_then_they_lie_between(
    keys: tuple[int, ...], limits: range, expected: list[tuple[range, range]]
) -> None:
    row = Row.through(plane(0), 0, 10)
    mask = PlaneMask.from_plane(tube(SHAPE, (10, 8))[0])
    masks = dict.fromkeys(keys, mask)
    spans = spans_between(row, masks, limits, "propagation", 1)
    assert [(span.indices, span.written) for span in spans] == expected
