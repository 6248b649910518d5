"""Corrections, and whatever else happens while slices are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from napari.components import ViewerModel
from volumes import (
    OTHER,
    SHAPE,
    TUBE,
    GatedPredictor,
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
)

from napari_segnext.errors import SegNextError
from napari_segnext.session.acts import PromptsChanged
from napari_segnext.session.recovering import recover
from napari_segnext.session.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rooms import Room

    Rooms = Callable[..., Room]


# corrections --------------------------------------------------------------------------


def test_given_a_correction_when_answered_then_the_slices_beside_it_follow(
    room: Rooms,
) -> None:
    here = begun(room)
    here.session.propagate()
    here.wait()
    before = snapshot(here.session)
    here.show(0, 7)
    here.session.add_click((7, 24, 8))  # the other tube belongs to it, too

    here.wait()

    both = TUBE | OTHER
    np.testing.assert_array_equal(preview(here)[7:], both[7:])
    np.testing.assert_array_equal(preview(here)[:5], TUBE[:5])
    assert here.session.slices[plane(7)].kind == "keyed"
    assert here.session._history.last.follows
    check(here.session)
    after = snapshot(here.session)
    assert here.session.undo()
    check_same(before, snapshot(here.session))
    assert here.session.redo()
    check_same(after, snapshot(here.session))
    assert not here.session.redo()


def test_given_follow_off_when_corrected_then_only_that_slice_changes(
    room: Rooms,
) -> None:
    here = begun(room)
    here.session.propagate()
    here.wait()
    here.session.follow = False
    here.session.add_click((7, 24, 8))
    here.wait()
    assert not (preview(here) & OTHER)[[0, 5, 6, 8, 9]].any()
    assert (preview(here) & OTHER)[7].any()
    assert isinstance(here.session._history.last, PromptsChanged)


def test_given_a_corrected_slice_when_its_prompts_are_removed_then_it_is_made_again(
    room: Rooms,
) -> None:
    here = begun(room)
    here.session.propagate()
    here.wait()
    here.show(0, 7)
    here.session.add_click((7, 24, 8))
    here.wait()
    here.session.points.data = here.session.points.data[:1]
    here.session.scribbles.data = np.zeros(SHAPE, np.uint8)
    here.session.sync()
    here.wait()
    assert 7 in made(here)
    np.testing.assert_array_equal(preview(here), TUBE)
    check(here.session)


def test_given_a_range_when_corrected_in_it_then_what_follows_keeps_to_it(
    room: Rooms,
) -> None:
    here = begun(room)
    here.session.propagate(slices=range(3, 8))
    here.wait()
    here.session.add_click((6, 24, 8))
    here.wait()
    assert made(here) == [3, 5, 7]
    np.testing.assert_array_equal(preview(here)[7], (TUBE | OTHER)[7])


# at every moment ----------------------------------------------------------------------


def test_given_a_run_when_cancelled_at_any_slice_then_what_is_done_is_one_act(
    room: Rooms,
) -> None:
    here = begun(room, predictor=GatedPredictor())
    before = snapshot(here.session)
    for count in range(SHAPE[0] - 1):
        here.session.propagate()
        here.predictor.step(here.session, count)

        here.session.cancel()

        assert not here.session.is_propagating
        here.predictor.let_one_go()
        here.wait()
        assert len(made(here)) == count
        assert len(here.session._history.acts) == 1 + bool(count)
        check(here.session)
        if count:
            after = snapshot(here.session)
            here.session.undo()
            check_same(before, snapshot(here.session))
            here.session.redo()
            check_same(after, snapshot(here.session))
            here.session.undo()
    here.session.propagate()
    here.predictor.let_go()
    here.wait()
    np.testing.assert_array_equal(preview(here), TUBE)


def test_given_a_run_when_corrected_at_any_slice_then_all_ends_as_without_haste(
    room: Rooms,
) -> None:
    here = begun(room, predictor=GatedPredictor())
    both = TUBE | OTHER
    for count in range(SHAPE[0] - 1):
        here.session.clear()
        here.session.add_click(centre(4))
        here.predictor.wait(here)
        here.session.propagate()
        here.predictor.step(here.session, count)

        z = (count * 7) % SHAPE[0]
        here.session.add_click(centre(z))
        here.session.add_click((z, round(26 - 0.3 * z), 8))
        here.predictor.wait(here)

        assert here.session.slices[plane(z)].kind == "keyed"
        beyond = range(z + 1) if z < 4 else range(z, SHAPE[0])
        for at in set(beyond) - {4}:
            np.testing.assert_array_equal(preview(here)[at], both[at])
        assert (preview(here) & TUBE == TUBE).all()
        check(here.session)
        here.session.undo()
        check(here.session)


def paint(session: Session) -> None:
    session.target.data_setitem((np.array([0]),) * 3, 5)


# what ends a run, and what it goes on through
ENDING: dict[str, Callable[[Session], object]] = {
    "accept": lambda session: session.accept(),
    "clear": lambda session: session.clear(),
    "label": lambda session: setattr(session, "label", 7),
    "undo": lambda session: session.undo(),
    "delete": lambda session: session.delete(1),
    "edit": lambda session: session.edit(1),
    "lock": lambda session: session.lock(4),
    "review_slice": lambda session: session.review_slice(4),
    "review": lambda session: session.review(1, reviewed=False),
    "paint": paint,
    "refresh_contrast": lambda session: session.refresh_contrast(),
    "new image": lambda session: setattr(
        session.image, "data", np.array(session.image.data)
    ),
    "cancel": lambda session: session.cancel(),
    "no preview": lambda session: session.viewer.layers.remove(session.preview),
    "no clicks": lambda session: session.viewer.layers.remove(session.points),
    "no target": lambda session: session.viewer.layers.remove(session.target),
}
KEEPING: dict[str, Callable[[Session], object]] = {
    "redo": lambda session: session.redo(),
    "polarity": lambda session: session.toggle_polarity(),
    "tool": lambda session: session.activate("box"),
    "slider": lambda session: session.viewer.dims.set_point(0, 1),
    "other slider": lambda session: session.next_worst(),
    "3D": lambda session: setattr(session.viewer.dims, "ndisplay", 3),
    "2D": lambda session: setattr(session.viewer.dims, "ndisplay", 2),
    "read": lambda session: (session.objects, session.slices, session.table()),
    "again": lambda session: session.propagate(),
    "order": lambda session: setattr(session.viewer.dims, "order", (1, 0, 2)),
}


@pytest.mark.parametrize("names", [ENDING, KEEPING])
def test_given_a_run_when_anything_else_is_done_then_all_stays_consistent(
    room: Rooms, names: dict[str, Callable[[Session], object]]
) -> None:
    here = begun(room, predictor=GatedPredictor())
    session = here.session
    for number, (name, act) in enumerate(names.items()):
        count = number % 3
        session.label = 1
        session.add_click(centre(4))
        here.predictor.wait(here)
        session.accept()
        session.add_click((4, 25, 8))
        here.predictor.wait(here)
        session.propagate()
        here.predictor.step(session, count)

        act(session)

        here.predictor.wait(here)
        assert not session.is_propagating, name
        check(session)
        if names is KEEPING and name != "order":
            np.testing.assert_array_equal(preview(here), OTHER, err_msg=name)
        if names is ENDING and name != "review":
            assert len(made(here)) < SHAPE[0] - 1, name
        while session.undo():
            pass
        check(session)
        assert not session.target.data.any()
        assert not here.errors


@pytest.mark.parametrize("count", [0, 2])
@pytest.mark.parametrize("act", ["close", "leave", "remove the image", "other shape"])
def test_given_a_run_when_the_session_ends_then_nothing_is_left_of_it(
    room: Rooms, act: str, count: int
) -> None:
    here = begun(room, predictor=GatedPredictor())
    here.session.propagate()
    here.predictor.step(here.session, count)
    if act == "remove the image":
        here.viewer.layers.remove(here.image)
    elif act == "other shape":
        here.image.data = np.zeros((3, 20, 20), np.uint16)
    here.predictor.let_go()
    if act in ("close", "leave"):
        getattr(here.session, act)()
    else:
        with pytest.raises(SegNextError):
            here.session.sync()
    assert not here.session.is_propagating
    assert not here.session._worker.is_alive


def test_given_a_run_when_the_process_dies_then_the_journal_has_what_was_made(
    room: Rooms, tmp_path: Path
) -> None:
    path = tmp_path / "it.journal"
    here = room(picture(TUBE, OTHER), GatedPredictor(), journal=path)
    here.session.add_click(centre(4))
    here.predictor.wait(here)
    here.session.propagate()
    here.predictor.step(here.session, 5)
    infos, shown = here.session.slices, preview(here)
    copy = tmp_path / "copy.journal"
    copy.write_bytes(path.read_bytes())

    viewer = ViewerModel()
    image = viewer.add_image(np.array(here.image.data))
    recovered = recover(viewer, image, copy, model=PartPredictor())
    recovered.wait()

    assert recovered.slices == infos
    np.testing.assert_array_equal(recovered.preview.data > 0, shown)
    check(recovered)
    assert recovered.undo()
    assert len(recovered.slices) == 1
    recovered.close()


def test_given_an_accepted_object_when_corrected_then_it_goes_no_further_than_it_was(
    room: Rooms,
) -> None:
    here = begun(room)
    here.session.propagate(slices=range(2, 8))
    here.wait()
    here.session.accept()
    here.session.edit(1)
    here.session.add_click((6, 24, 8))
    here.wait()
    assert made(here) == [2, 3, 5, 7]
    np.testing.assert_array_equal(preview(here)[7], (TUBE | OTHER)[7])


def test_given_work_left_in_a_run_when_resumed_then_what_was_made_is_there(
    room: Rooms,
) -> None:
    here = begun(room, predictor=GatedPredictor())
    here.session.propagate()
    here.predictor.step(here.session, 3)
    before = preview(here)
    infos = here.session.slices
    here.predictor.let_go()
    target = here.session.target
    work = here.session.leave()
    session = Session(here.viewer, here.image, PartPredictor(), target=target)
    session.resume(work)
    session.wait()
    assert session.slices == infos
    np.testing.assert_array_equal(session.preview.data > 0, before)
    assert session.undo()
    assert len(session.slices) == 1
    session.close()


def test_given_a_failing_predictor_when_propagated_then_the_error_is_told_once(
    room: Rooms,
) -> None:
    here = begun(room, predictor=GatedPredictor())
    here.session.propagate()
    here.predictor.step(here.session, 2)
    here.predictor.error = RuntimeError("out of memory")
    here.predictor.let_go()

    with pytest.raises(RuntimeError, match="out of memory"):
        here.wait()

    here.wait()
    assert not here.session.is_propagating
    assert len(made(here)) == 2
    check(here.session)
    here.predictor.error = None
    here.session.propagate()
    here.wait()
    np.testing.assert_array_equal(preview(here), TUBE)


def test_given_a_run_without_a_slice_yet_when_undone_then_only_the_run_is_given_up(
    room: Rooms,
) -> None:
    here = begun(room, predictor=GatedPredictor())
    before = snapshot(here.session)
    here.session.propagate()
    assert here.session.undo()
    here.predictor.let_go()
    here.wait()
    check_same(before, snapshot(here.session))


@pytest.mark.parametrize("shape", [(3, 4, 5), (4, 4), SHAPE], ids=str)
def test_given_a_run_when_the_preview_is_given_other_data_then_it_is_drawn_anew(
    room: Rooms, shape: tuple[int, ...]
) -> None:
    here = begun(room, predictor=GatedPredictor())
    session = here.session
    session.propagate()
    here.predictor.step(session, 2)
    session.preview.data = np.ones(shape, np.uint16)
    assert session.mask().shape == SHAPE[1:]
    here.predictor.wait(here)
    np.testing.assert_array_equal(preview(here), TUBE)
    check(session)
    assert session.undo()
    check(session)
    assert session.redo()
    session.accept()
    np.testing.assert_array_equal(session.target.data == 1, TUBE)
    assert not here.errors
