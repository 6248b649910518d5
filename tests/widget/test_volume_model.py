"""A nucleus through a small stack by the embedded model, by keys in a real window."""

from __future__ import annotations

import numpy as np

from napari_segnext.samples import load_sample
from napari_segnext.widget.main import SegNextWidget

FIRST, LAST = 42, 49
CLICK = (3, 64, 62)


def test_a_nucleus_is_followed_through_a_small_stack_and_accepted(
    make_napari_viewer_proxy, mouse_of, qtbot
) -> None:
    sample = load_sample("nuclei_3d")
    image, truth = sample.image[FIRST:LAST], sample.labels[FIRST:LAST]
    viewer = make_napari_viewer_proxy()
    viewer.add_image(image, **sample.metadata)
    viewer.dims.set_current_step(0, CLICK[0])
    widget = SegNextWidget(napari_viewer=viewer)
    viewer.window.add_dock_widget(widget, name="SegNext")
    session = widget.session
    session.add_click(CLICK)
    session.wait(120)
    viewer.layers.selection.active = session.points
    keyboard = mouse_of(viewer)
    keyboard.key("Shift-T")
    qtbot.waitUntil(lambda: not session.is_propagating, timeout=120_000)
    assert len(session.slices) == LAST - FIRST
    scores = [it.score for it in session.slices.values() if it.kind != "keyed"]
    assert all(0 < score <= 1 for score in scores)
    assert "propagated, score" in widget.panel.volume.strip.describe(0)
    keyboard.key("G")
    found, nucleus = np.asarray(session.target.data) == 1, truth == truth[CLICK]
    assert (found & nucleus).sum() / (found | nucleus).sum() > 0.7
    (row,) = session.table()
    assert row.slices == LAST - FIRST
    assert row.volume > 0
