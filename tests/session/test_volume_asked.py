"""What propagation says where it cannot be, and in which views and layers it can."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dask.array
import numpy as np
import pytest
from napari.layers import Image
from volumes import (
    SHAPE,
    TUBE,
    GatedPredictor,
    PartPredictor,
    centre,
    check,
    picture,
    preview,
    tube,
)

from napari_segnext.errors import LayerError, PromptError, SegNextError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooms import Room

    Rooms = Callable[..., Room]


# what is said -------------------------------------------------------------------------


def sentence(error: pytest.ExceptionInfo[SegNextError]) -> str:
    text = str(error.value)
    assert text.endswith(".")
    assert text[0].isupper() or text[0] == "`"
    return text


def test_given_nothing_to_go_on_when_asked_then_one_sentence_says_so(
    room: Rooms,
) -> None:
    here = room(picture(TUBE), PartPredictor())
    session = here.session
    for ask in (session.propagate, session.interpolate):
        with pytest.raises(PromptError, match="No object is open") as error:
            ask()
        sentence(error)
        with pytest.raises(LayerError, match="no object with label 3") as error:
            ask(3)
        sentence(error)
        with pytest.raises(SegNextError) as error:
            ask([])
        sentence(error)
        with pytest.raises(SegNextError) as error:
            ask("nucleus")
        sentence(error)
    session.add_click(centre(4))
    here.wait()
    for axis in (1, 2, -1, 3, -4, "z"):
        with pytest.raises(PromptError, match="on a slider") as error:
            session.propagate(axis=axis)
        sentence(error)
    for slices in (range(30, 40), range(0), range(0, 8, 2), slice(2, 4), 5):
        with pytest.raises(PromptError, match="slices") as error:
            session.propagate(slices=slices)
        sentence(error)
    with pytest.raises(PromptError, match="free") as error:
        session.propagate(slices=range(4, 5))
    sentence(error)
    with pytest.raises(PromptError, match="two slices by hand") as error:
        session.interpolate()
    sentence(error)
    assert len(session._history.acts) == 1
    check(session)
    session.close()
    for call in (
        session.propagate,
        session.interpolate,
        session.cancel,
        session.lock,
        session.review_slice,
        session.next_worst,
        session.table,
    ):
        with pytest.raises(LayerError, match="closed"):
            call()
    assert not session.is_propagating


def test_given_a_key_without_a_mask_when_propagated_then_one_sentence_says_so(
    room: Rooms,
) -> None:
    here = room(picture(TUBE), PartPredictor())
    here.session.add_click((4, 0, 35))  # nothing is bright there
    here.wait()
    with pytest.raises(PromptError, match="with a mask"):
        here.session.propagate()
    assert not here.session.is_propagating


def test_given_a_key_not_answered_yet_when_it_has_no_mask_then_wait_says_so(
    room: Rooms,
) -> None:
    predictor = GatedPredictor()
    here = room(picture(TUBE), predictor)
    predictor.holds_clicks = True
    here.session.add_click((4, 0, 35))  # nothing is bright there
    here.session.propagate()
    assert here.session.is_propagating
    predictor.let_go()
    with pytest.raises(PromptError, match="with a mask"):
        here.wait()
    assert not here.session.is_propagating


@pytest.mark.parametrize("shape", [(20, 24), (1, 20, 24)])
def test_given_one_slice_only_when_propagated_then_one_sentence_says_so(
    room: Rooms, shape: tuple[int, ...]
) -> None:
    data = np.zeros(shape, np.uint16)
    data[..., 5:12, 5:12] = 9
    here = room(data, PartPredictor())
    here.session.add_click((0, 8, 8)[3 - len(shape) :])
    here.wait()
    with pytest.raises(PromptError, match="one slice only") as error:
        here.session.propagate()
    sentence(error)
    assert here.session.slices


# views, axes and layers ---------------------------------------------------------------


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (2, 1, 0)])
@pytest.mark.parametrize("is_moved", [False, True])
def test_given_any_view_when_propagated_then_it_goes_along_the_slider(
    room: Rooms, order: tuple[int, ...], is_moved: bool
) -> None:
    ball = np.indices((14, 14, 14)) - 7
    ball = (ball**2).sum(axis=0) <= 30
    moved = {"scale": (3, 0.5, 0.5), "translate": (5, 1, 2), "rotate": (0, 0, 0)}
    image = Image(picture(ball), name="ball", **(moved if is_moved else {}))
    here = room(image=image, predictor=PartPredictor())
    here.viewer.dims.order = order
    here.show(order[0], 7)
    here.session.add_click((7, 7, 7))
    here.session.propagate()
    here.wait()
    np.testing.assert_array_equal(preview(here), ball)
    here.session.accept()
    np.testing.assert_array_equal(here.session.target.data == 1, ball)


@pytest.mark.parametrize("axis", [0, 1, None])
def test_given_a_movie_when_propagated_then_along_the_axis_that_is_named(
    room: Rooms, axis: int | None
) -> None:
    small = tube((6, 20, 24), (10, 8), (0.5, 0.5), 3)
    movie = np.stack([picture(small)] * 4)
    here = room(movie, PartPredictor())
    here.show(0, 2)
    here.show(1, 3)
    here.session.add_click((2, 3, 11, 9))
    here.session.propagate(axis=axis)
    here.wait()
    expected = np.zeros(movie.shape, bool)
    if axis == 0:
        expected[:, 3] = small[3]
    else:
        expected[2] = small
    np.testing.assert_array_equal(preview(here), expected)
    here.session.add_click((2, 3, 0, 23), positive=False)
    here.wait()
    np.testing.assert_array_equal(preview(here), expected)


def test_given_rgb_dask_and_zarr_when_propagated_then_only_slices_needed_are_read(
    room: Rooms,
) -> None:
    read: list[int] = []
    data = picture(TUBE)

    def block(block_info: dict) -> np.ndarray:
        z = block_info[None]["array-location"][0][0]
        read.append(z)
        return np.repeat(data[z : z + 1, ..., None], 3, axis=-1).astype(np.uint8)

    lazy = dask.array.map_blocks(
        block,
        chunks=((1,) * SHAPE[0], (SHAPE[1],), (SHAPE[2],), (3,)),
        dtype=np.uint8,
        meta=np.zeros((0, 0, 0, 0), np.uint8),
    )
    image = Image(lazy, rgb=True, name="lazy", contrast_limits=(0, 255))
    here = room(image=image, predictor=PartPredictor())
    here.session.add_click(centre(4))
    here.wait()
    read.clear()
    here.session.propagate(slices=range(3, 7))
    here.wait()
    assert set(read) <= {3, 5, 6, 4, 0}  # 0 is on display
    np.testing.assert_array_equal(preview(here)[3:7], TUBE[3:7])
