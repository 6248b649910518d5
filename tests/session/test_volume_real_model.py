"""Volumes in a session with the embedded model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import ndimage
from volumes import check, tube

import napari_segnext as ns
from napari_segnext.session.planes import PlaneKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooms import Room

    Rooms = Callable[..., Room]

SHAPE = (8, 96, 112)
CELL = tube(SHAPE, (34, 36), (1.5, 2), 11)
NEIGHBOUR = tube(SHAPE, (68, 70), (-0.5, 0.5), 10)


@pytest.fixture(scope="module")
def predictor() -> ns.Predictor:
    return ns.Predictor(ns.load_model("segnext-lite"))


def stack() -> np.ndarray:
    """Two blurred, slanted cells on a noisy ground, uint16."""
    rng = np.random.default_rng(3)
    bright = ndimage.gaussian_filter((CELL | NEIGHBOUR).astype(float), (0, 1.2, 1.2))
    return (bright * 800 + 100 + rng.normal(0, 25, SHAPE)).astype(np.uint16)


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    return float((first & second).sum() / (first | second).sum())


def test_given_one_click_when_propagated_then_the_cell_is_found_on_all_slices(
    room: Rooms, predictor: ns.Predictor
) -> None:
    here = room(stack(), predictor)
    session = here.session
    session.add_click((4, 40, 44))
    session.propagate()
    session.wait(120)

    shown = np.asarray(session.preview.data) > 0
    assert overlap(shown, CELL) > 0.85
    infos = session.slices
    assert len(infos) == SHAPE[0]
    assert all(info.score > 0.5 for info in infos.values() if info.kind != "keyed")
    check(session)

    # a correction is followed, and both go back together
    before = shown.copy()
    session.add_click((6, 65, 73))
    session.wait(120)
    after = np.asarray(session.preview.data) > 0
    assert (after[7] & NEIGHBOUR[7]).sum() > NEIGHBOUR[7].sum() / 2
    assert session.undo()
    np.testing.assert_array_equal(np.asarray(session.preview.data) > 0, before)
    session.accept()
    assert overlap(session.target.data == 1, CELL) > 0.85


def test_given_every_seventh_slice_when_snapped_then_the_others_fit_the_image(
    room: Rooms, predictor: ns.Predictor
) -> None:
    here = room(stack(), predictor)
    for z in (0, 7):
        here.session.add_mask(CELL[z], PlaneKey((z,), (1, 2)))
    here.session.interpolate()
    here.session.wait(120)
    shown = np.asarray(here.session.preview.data) > 0
    assert overlap(shown[1:7], CELL[1:7]) > 0.85


def test_given_two_cells_when_propagated_together_then_each_is_found(
    room: Rooms, predictor: ns.Predictor
) -> None:
    here = room(stack(), predictor)
    data = here.session.target.data
    data[3][CELL[3]], data[3][NEIGHBOUR[3]] = 1, 2
    here.session.target.refresh()
    here.session.propagate([1, 2])
    here.session.wait(120)
    here.session.accept()
    assert overlap(here.session.target.data == 1, CELL) > 0.85
    assert overlap(here.session.target.data == 2, NEIGHBOUR) > 0.85
