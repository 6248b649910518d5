"""What the model sees, on a real canvas."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Image

import napari_segnext as ns


def shot(viewer: Any, row: float, col: float) -> np.ndarray:
    """Colour of the canvas, 0..255, where (row, col) of the world is in the middle."""
    viewer.scene.camera.center = (0, row, col)
    viewer.scene.camera.zoom = 10
    picture = viewer.screenshot(canvas_only=True, flash=False)
    return picture[picture.shape[0] // 2, picture.shape[1] // 2, :3].astype(int)


def test_the_window_the_prompts_and_the_grey_beyond_the_plane_are_drawn(
    make_napari_viewer: Any,
) -> None:
    viewer = make_napari_viewer(show=True)
    plane = np.full((50, 50), 20, np.uint8)
    plane[15:30, 15:30] = 220
    image = Image(plane, contrast_limits=(0, 10_000), name="dark as displayed")
    viewer.add_layer(image)
    session = ns.Session(viewer, image, "segnext-lite", journal=None)
    session.add_click((22, 22))
    session.wait(120)
    session.points.visible = session.preview.visible = False
    assert shot(viewer, 17, 17).max() < 10

    session.sees = True
    session.wait(120)
    bright, click, beyond = (
        shot(viewer, at, at)
        for at in (17, 22, 55)  # in the object, on the click, beyond the plane
    )
    assert bright.min() > 200
    assert click[2] > click[0] + 50  # blue
    assert np.abs(beyond - 127).max() < 12

    session.sees = False
    assert shot(viewer, 17, 17).max() < 10
    assert shot(viewer, 55, 55).max() < 10
    session.close()
