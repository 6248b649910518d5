"""The most usual sequences of a user, by real mouse and keys on a real viewer.

With ``SEGNEXT_GALLERY=DIR`` they are played with the embedded model instead of the
scripted one, and a picture of each end is left in that folder.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication
from sequence_objects import OBJECTS
from sequence_table import PROMPTS
from sequence_volumes import VOLUMES
from sequence_window import WINDOW
from sequences import ScriptedPredictor, User

import napari_segnext as ns
from napari_segnext.samples import load_sample
from napari_segnext.widget.main import SegNextWidget

if TYPE_CHECKING:
    from sequences import Sequence

GALLERY = os.environ.get("SEGNEXT_GALLERY")
SEQUENCES = [*PROMPTS, *OBJECTS, *VOLUMES, *WINDOW]
_SMOOTH = Qt.TransformationMode.SmoothTransformation
_PICTURE_PX, _TEST_PX = (1400, 800), (900, 600)
_MOST_BYTES = 60_000
BY_NAME = {sequence.name: sequence for sequence in SEQUENCES}


@pytest.fixture
def predictor(monkeypatch) -> ScriptedPredictor | None:
    """Stands in for the network, unless pictures are taken."""
    if GALLERY:
        return None
    predictor = ScriptedPredictor()
    loader = "napari_segnext.widget.opening.PredictorLoader.__call__"
    monkeypatch.setattr(loader, lambda _self: predictor)
    return predictor


@pytest.fixture
def user_of(make_napari_viewer_proxy, predictor, mouse_of):
    """Open a sample with the widget beside it."""

    def open_(sample_name: str) -> User:
        viewer = make_napari_viewer_proxy(show=True)
        viewer.window.resize(*(_PICTURE_PX if GALLERY else _TEST_PX))
        sample = load_sample(sample_name)
        viewer.add_image(sample.image, **sample.metadata)
        if sample.image.ndim == 3:
            viewer.dims.set_current_step(0, 45)

        def open_widget() -> SegNextWidget:
            widget = SegNextWidget(napari_viewer=viewer)
            viewer.window.add_dock_widget(widget, name="SegNext")
            widget.session.wait(60)
            return widget

        user = User(viewer, open_widget, mouse_of(viewer), predictor)
        if GALLERY:  # the docks took room: the whole picture is to be seen
            user.viewer.reset_view(margin=0.14)  # the help above it, too
        return user

    return open_


@pytest.mark.parametrize("name", BY_NAME)
def test_sequence(user_of, notifications, name: str) -> None:
    sequence = BY_NAME[name]
    user = user_of(sequence.sample)
    for step in sequence.steps:
        step.act(user)
        user.settle()
    for check in sequence.then:
        check(user)
    errors_are_as_told(sequence)
    what_is_shown_is_what_was_asked(user)
    if GALLERY:
        take_picture(user, sequence, Path(GALLERY))
    if sequence.comes_back:
        undoing_all_and_redoing_all_comes_back(user)
    # napari 0.9 on Mesa crashes when a canvas whose image was removed is drawn anew
    if user.image in user.viewer.layers:
        user.leave()
    assert not [it.name for it in threading.enumerate() if it.name == "segnext"]


def errors_are_as_told(sequence: Sequence) -> None:
    errors = [
        it.message
        for it in notification_manager.records
        if str(it.severity) in ("error", "warning")
    ]
    assert bool(errors) == bool(sequence.told), errors
    assert all(sequence.told in message for message in errors), errors


def what_is_shown_is_what_was_asked(user: User) -> None:
    """The preview is the answer to the prompts that are there now."""
    session, predictor = user.session, user.predictor
    if session is None or predictor is None or session.each or not session.auto_run:
        return
    if session.postprocess != ns.PostProcess():
        return
    info = session.objects.get(session.label)
    if session.plane is None or info is None or info.state != "open":
        return
    made = session.slices.get(session.plane)
    if made is not None and made.kind != "keyed":
        return
    prompts = info.prompts.get(session.plane)
    expected = predictor.mask(prompts, user.shown.shape)
    np.testing.assert_array_equal(session.mask(), expected)
    np.testing.assert_array_equal(user.shown, expected)


def undoing_all_and_redoing_all_comes_back(user: User) -> None:
    """By keys: back to a blank start, and again to where it ended."""
    session = user.session
    end, objects = arrays_of(user), session.objects
    steps = 0
    while session.can_undo:
        user.perform("undo")
        user.settle()
        steps += 1
        assert steps < 100
    assert not session.can_clear
    assert not user.shown.any()
    for _ in range(steps):
        assert session.can_redo
        user.perform("redo")
        user.settle()
    assert session.objects == objects
    for name, value in arrays_of(user).items():
        np.testing.assert_array_equal(value, end[name], err_msg=name)


def arrays_of(user: User) -> dict[str, np.ndarray]:
    session = user.session
    return {
        "target": np.array(session.target.data),
        "preview": np.array(session.preview.data),
        "points": np.array(len(session.points.data)),
        "shapes": np.array(len(session.shapes.data) if session.has("shapes") else 0),
        "painted": np.array(session.scribbles.data if session.has("scribbles") else 0),
        "label": np.array(session.label),
    }


def take_picture(user: User, sequence: Sequence, folder: Path) -> None:
    """Save what the window, or its canvas, shows."""
    for _ in range(20):
        QApplication.processEvents()
    window = user.viewer.window._qt_window
    canvas = user.viewer.window._qt_viewer.canvas.native
    # without a canvas that has lost its image: see `test_sequence`
    of_panel = sequence.shows == "panel"
    picture = user.widget.grab() if of_panel else window.grab()
    if of_panel:
        picture = picture.scaledToWidth(320, _SMOOTH)
    elif sequence.shows == "canvas":
        corner = canvas.mapTo(window, canvas.rect().topLeft())
        picture = picture.copy(canvas.rect().translated(corner))
        picture = picture.scaledToWidth(420, _SMOOTH)
    else:
        picture = picture.scaledToWidth(900, _SMOOTH)
    path = folder / f"{sequence.name}.jpg"
    for quality in (80, 70, 60, 50):
        picture.save(str(path), "JPG", quality)
        if path.stat().st_size <= _MOST_BYTES:
            break
