from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from napari.layers import Labels

from napari_segnext.errors import LayerError, PromptError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooms import Room

    Rooms = Callable[..., Room]


def made_elsewhere(dtype: type = np.uint8) -> Labels:
    data = np.zeros((5, 40, 50), dtype)
    data[1:4, 5:16, 5:25] = 3
    data[1:4, 16:25, 5:25] = 5
    return Labels(data)


def with_a_box_over_both(room: Rooms, **options: object) -> Room:
    """A room where the preview lies over labels 3 and 5, and over free pixels."""
    there = room(target=made_elsewhere(), **options)
    there.session.add_box((2, 10, 15), (2, 20, 30))
    there.wait()
    return there


def counts() -> dict[int, int]:
    data = made_elsewhere().data[2, 10:21, 15:31]
    return {label: int((data == label).sum()) for label in (3, 5)}


def changed_labels(there: Room) -> set[int]:
    before, after = made_elsewhere().data, there.session.target.data
    return {int(value) for value in np.unique(before[before != after])}


def test_given_a_preview_over_others_then_it_says_how_much_it_would_take(
    room: Rooms,
) -> None:
    there = with_a_box_over_both(room)
    assert there.session.overlaps() == counts()
    there.session.target.preserve_labels = True
    assert there.session.overlaps() == {}
    there.session.clear()
    there.session.target.preserve_labels = False
    assert there.session.overlaps() == {}


def test_given_an_object_over_planes_that_cross_then_no_pixel_counts_twice(
    room: Rooms,
) -> None:
    there = with_a_box_over_both(room)
    there.session.add_box((0, 12, 15), (4, 12, 30))
    there.wait()
    shown = there.session.preview.data > 0
    data = there.session.target.data
    assert there.session.overlaps() == {
        label: int((shown & (data == label)).sum()) for label in (3, 5)
    }


def test_given_keep_which_is_the_default_then_neighbours_keep_every_pixel(
    room: Rooms,
) -> None:
    there = with_a_box_over_both(room)
    assert there.session.overlap == "keep"
    there.session.accept()
    assert changed_labels(there) == {0}


@pytest.mark.parametrize("wrong", ["", "Keep", None, 3])
def test_given_a_policy_that_is_none_then_a_sentence_and_the_policy_stays(
    room: Rooms, wrong: object
) -> None:
    there = room()
    there.session.overlap = "overwrite"
    with pytest.raises(PromptError, match=r"'keep'.*'overwrite'.*'ask'"):
        there.session.overlap = wrong  # type: ignore[assignment]
    assert there.session.overlap == "overwrite"


def test_given_another_policy_then_the_session_has_changed(room: Rooms) -> None:
    there = room()
    there.wait()
    seen: list[str] = []
    there.session.changed.connect(lambda: seen.append(there.session.overlap))
    there.session.overlap = "ask"
    assert seen == ["ask"]


@pytest.mark.parametrize(
    ("answer", "changed"), [("keep", {0}), ("overwrite", {0, 3, 5})]
)
def test_given_ask_then_accept_does_what_is_answered_and_undo_takes_it_back(
    room: Rooms, answer: str, changed: set[int]
) -> None:
    there = with_a_box_over_both(room)
    asked: list[dict[int, int]] = []
    there.session.overlap = "ask"
    there.session.on_overlap = lambda found: asked.append(found) or answer

    there.session.accept()

    assert asked == [counts()]
    assert changed_labels(there) == changed
    assert there.session.undo()
    assert changed_labels(there) == set()
    assert there.session.redo()  # is not asked again
    assert changed_labels(there) == changed
    assert len(asked) == 1


@pytest.mark.parametrize("answer", [None, "ask", "yes", 3])
def test_given_ask_when_no_good_answer_comes_then_nothing_changes(
    room: Rooms, answer: object
) -> None:
    there = with_a_box_over_both(room)
    there.session.overlap = "ask"
    there.session.on_overlap = lambda _: answer  # type: ignore[assignment,return-value]
    shown = there.session.preview.data.copy()
    undo_text = there.session.undo_text

    with pytest.raises(PromptError):
        there.session.accept()

    assert changed_labels(there) == set()
    np.testing.assert_array_equal(there.session.preview.data, shown)
    assert there.session.undo_text == undo_text


def test_given_ask_and_nobody_to_ask_then_the_labels_are_named(room: Rooms) -> None:
    there = with_a_box_over_both(room)
    there.session.overlap = "ask"
    with pytest.raises(PromptError, match="label 3, 5"):
        there.session.accept()
    assert changed_labels(there) == set()


def test_given_ask_when_nothing_overlaps_then_nobody_is_asked(room: Rooms) -> None:
    there = room(target=made_elsewhere())
    there.session.overlap = "ask"
    there.session.add_click((2, 35, 40))
    there.wait()
    there.session.accept()
    assert changed_labels(there) == {0}


def test_given_an_own_object_edited_then_its_own_pixels_are_no_overlap(
    room: Rooms,
) -> None:
    there = room(target=made_elsewhere())
    there.session.overlap = "ask"
    there.session.edit(3)
    assert there.session.overlaps() == {}
    there.session.label = 30
    assert there.session.overlaps() == {}
    assert there.session.accept() == 30


def test_given_several_at_once_then_the_overlaps_of_all_are_counted(
    room: Rooms,
) -> None:
    there = room(target=made_elsewhere())
    session = there.session
    session.each = True
    session.add_box((2, 10, 10), (2, 20, 20))
    session.add_box((2, 10, 23), (2, 20, 30))
    session.add_click((2, 35, 45))
    there.wait()
    session.overlap = "ask"
    asked: list[dict[int, int]] = []
    session.on_overlap = lambda found: asked.append(found) or "overwrite"
    shown = session.preview.data > 0
    data = session.target.data.copy()
    first = session.accept()
    assert asked == [{n: int((shown & (data == n)).sum()) for n in (3, 5)}]
    assert set(np.unique(session.target.data[shown])) == {first, first + 1, first + 2}


def test_given_the_session_changes_while_it_asks_then_nothing_is_accepted(
    room: Rooms,
) -> None:
    there = with_a_box_over_both(room)

    def answer(_: dict[int, int]) -> str:
        there.session.add_click((2, 35, 40))  # the window lives on behind a dialog
        there.wait()
        return "overwrite"

    there.session.overlap = "ask"
    there.session.on_overlap = answer
    with pytest.raises(PromptError, match="changed while you were asked"):
        there.session.accept()
    assert changed_labels(there) == set()


def test_given_accept_is_called_by_what_is_asked_then_it_is_not_asked_again(
    room: Rooms,
) -> None:
    there = with_a_box_over_both(room)
    there.session.overlap = "ask"

    def answer(_: dict[int, int]) -> str:
        with pytest.raises(PromptError):
            there.session.accept()
        return "keep"

    there.session.on_overlap = answer
    there.session.accept()
    assert changed_labels(there) == {0}


def test_given_the_session_closes_while_it_asks_then_nothing_is_written(
    room: Rooms,
) -> None:
    there = with_a_box_over_both(room)
    target = there.session.target

    def answer(_: dict[int, int]) -> str:
        there.session.close()
        return "overwrite"

    there.session.overlap = "ask"
    there.session.on_overlap = answer
    with pytest.raises(LayerError, match="closed"):
        there.session.accept()
    np.testing.assert_array_equal(target.data, made_elsewhere().data)


@pytest.mark.parametrize("policy", ["keep", "overwrite", "ask"])
def test_given_preserve_labels_then_no_policy_takes_a_pixel(
    room: Rooms, policy: str
) -> None:
    there = with_a_box_over_both(room)
    there.session.overlap = policy
    there.session.target.preserve_labels = True
    there.session.accept()
    assert changed_labels(there) == {0}


def test_given_a_locked_target_then_nobody_is_asked_in_vain(room: Rooms) -> None:
    there = with_a_box_over_both(room)
    there.session.overlap = "ask"
    there.session.on_overlap = lambda _: pytest.fail("asked")
    there.session.target.editable = False
    with pytest.raises(LayerError, match="locked"):
        there.session.accept()
