"""The most usual sequences of steps: layers that come and go, the window, the view."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
from napari.settings import get_settings
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication
from sequences import (
    PLACES,
    Sequence,
    User,
    box,
    click,
    do,
    hints,
    holds,
    key,
    labels,
    over,
    panel_says,
    shows,
    shows_not,
    shows_nothing,
    slice_,
    stroke,
    tool,
)

import napari_segnext as ns
from napari_segnext.widget import text

__all__ = ["WINDOW"]

_ARROW_PX = 14  # beside the text of a tool with a menu
_ACCEPT = key("accept")
_HOLD = do("the answer takes its time", lambda user: user.hold_answers())
_COME = do("the answer comes", lambda user: user.let_answers_come())


def _delete(role: str):
    """Select the layer of a role and press napari's Delete in the layer list."""

    def delete(user: User) -> None:
        layers = user.viewer.layers
        layers.selection = {getattr(user.session, role)}
        user.settle()
        view = user.viewer.window._qt_viewer.layers  # private: the list of layers
        QTest.keyClick(view, Qt.Key.Key_Delete)
        user.settle()

    return do(f"delete the layer of the {role} in napari's list", delete)


def _disturb_layers(user: User) -> None:
    layers, session = user.viewer.layers, user.session
    session.points.name = "my clicks"
    session.preview.opacity = 0.9
    layers.move(layers.index(session.points), 0)
    session.points.visible = False


def _replace_image(user: User) -> None:
    user.image.data = user.image.data[::-1, ::-1].copy()


def _open_second_image(user: User) -> None:
    limits = user.image.contrast_limits
    turned = user.image.data.T.copy()
    user.viewer.add_image(turned, name="turned", contrast_limits=limits)
    user.settle()


def _hide_second_image(user: User) -> None:
    user.viewer.layers["turned"].visible = False


def _choose_image(name: str, button: str = ""):
    def choose(user: User) -> None:
        def act() -> None:
            user.choose(user.widget.panel.choices.image, name)

        if button:
            user.answer_dialog(act, button)
        else:
            act()

    words = f"choose the image {name}"
    return do(f"{words}, press {button}" if button else words, choose)


def _is_about(name: str):
    def check(user: User) -> None:
        assert user.session.image.name == name

    return check


def _session_has_ended(user: User) -> None:
    assert user.session is None
    assert user.widget.panel.hint.text() == text.NO_IMAGE
    assert not user.buttons["accept"].isEnabled()


_AUTO_RUN_OFF = do(
    "Auto-run off", lambda user: user.widget.panel.controls.auto_run.click()
)


def _show_3d(user: User) -> None:
    user.viewer.dims.ndisplay = 3


def _show_2d(user: User) -> None:
    user.notes["hint"] = user.session.hint
    user.viewer.dims.ndisplay = 2


def _was_told_to_come_back(user: User) -> None:
    assert "2D view" in user.notes["hint"]


def _look_from_the_side(user: User) -> None:
    user.viewer.dims.order = (1, 0, 2)
    user.viewer.dims.set_current_step(1, 64)
    user.viewer.reset_view()


def _activate(role: str):
    def act(user: User) -> None:
        user.viewer.layers.selection.active = getattr(user.session, role)

    return do(f"the layer of the {role} is active", act)


def _paint_in_target(user: User) -> None:
    layer = user.session.target
    user.viewer.layers.selection.active = layer
    layer.selected_label, layer.brush_size, layer.mode = 5, 12, "paint"
    row, col = PLACES["B"]
    user.draw([(row, col - 8), (row, col), (row, col + 8)])


def _sheet_is_open(user: User) -> None:
    assert user.widget._help.sheet.is_open


def _make_dock_narrow(user: User) -> None:
    """At one and a half times the size of letters, as narrow as it gets."""
    appearance = get_settings().appearance
    before = user.buttons["accept"].font().pointSize()
    appearance.font_size = round(1.5 * appearance.font_size)
    dock = user.widget.parentWidget()
    window = user.viewer.window._qt_window
    window.resizeDocks([dock], [1], Qt.Orientation.Horizontal)
    for _ in range(5):
        QApplication.processEvents()
    assert user.buttons["accept"].font().pointSize() >= 1.4 * before


def _nothing_is_cut_off(user: User) -> None:
    panel = user.widget.panel
    body = panel.widget()
    assert body.minimumSizeHint().width() <= panel.viewport().width()
    for button in (*user.buttons.values(), *panel.controls.tools.values()):
        arrow_px = _ARROW_PX if getattr(button, "menu", bool)() else 0
        text_px = button.fontMetrics().horizontalAdvance(button.text())
        assert text_px + arrow_px <= button.width(), button.text()


def _preview_is_hidden(user: User) -> None:
    assert not user.session.preview.visible


def _model_view_is_shown(user: User) -> None:
    names = [layer.name for layer in user.viewer.layers]
    assert {"nuclei 2D seen image", "nuclei 2D seen prompts"} <= set(names)


def _turn_on_fill_holes(user: User) -> None:
    section = user.widget.panel.neighbours
    section.expand(animate=False)
    section.fill_holes.click()


def _fills_holes(user: User) -> None:
    assert user.session.postprocess.fill_holes


def _break_network(user: User) -> None:
    failure = user.notes["failure"] = RuntimeError("no memory left")
    network = ns.Predictor if user.predictor is None else user.predictor
    broken = user.notes["broken"] = patch.object(network, "predict")
    broken.start().side_effect = failure


def _mend_network(user: User) -> None:
    user.notes["broken"].stop()


def _own_keys_are_gone(user: User) -> None:
    assert not user.notes["keys"]


def _close(user: User) -> None:
    user.close_widget()
    user.notes["keys"] = dict(user.viewer.keymap)


def _ring(middle: tuple[int, int], radius: int) -> list[tuple[float, float]]:
    angles = np.linspace(0, 2 * np.pi, 17)
    return [
        (middle[0] + radius * np.sin(it), middle[1] + radius * np.cos(it))
        for it in angles
    ]


WINDOW = [
    Sequence(
        "clicks_deleted_while_answering",
        "The layer of the clicks is deleted while the network is at work.",
        (click("A"), _HOLD, click("H"), _delete("points"), _COME, click("B")),
        (shows("B"), shows_not("A", "H"), holds(points=1)),
    ),
    Sequence(
        "clicks_deleted_and_undone",
        "Undo brings the layer's prompts back.",
        (click("A"), click("B"), _delete("points"), key("undo")),
        (shows("A", "B"), holds(points=2)),
    ),
    Sequence(
        "preview_deleted",
        "Deleting the preview drops the open object; the next click begins anew.",
        (click("A"), _delete("preview"), click("B")),
        (shows("B"), shows_not("A"), holds(points=1)),
    ),
    Sequence(
        "labels_deleted_and_undone",
        "Even the labels come back.",
        (click("A"), _ACCEPT, click("B"), _ACCEPT, _delete("target"), key("undo")),
        (labels(A=1, B=2),),
    ),
    Sequence(
        "layers_in_disorder",
        "Layers may be renamed, moved, hidden.",
        (
            do("rename, move and hide the clicks", _disturb_layers),
            *(tool("point"), click("A"), click("A's lower end")),
        ),
        (shows("A", "A's lower end"), holds(points=2)),
    ),
    Sequence(
        "image_removed",
        "Without its image the session ends, and it is said what to do.",
        (
            click("A"),
            do("remove the image", lambda user: user.viewer.layers.remove(user.image)),
        ),
        (_session_has_ended,),
        comes_back=False,
        shows="panel",
    ),
    Sequence(
        "image_replaced",
        "Another picture in the same layer: the prompts are answered anew.",
        (click("A"), do("other pixels in the same layer", _replace_image)),
        (holds(points=1), hints("label 1")),
    ),
    Sequence(
        "second_image",
        "Another image, and back: the open object waits.",
        (
            *(click("A"), _ACCEPT, click("B")),
            do("open a second image", _open_second_image),
            *(_choose_image("turned", "No"), _choose_image("nuclei 2D")),
            do("hide the second image", _hide_second_image),
        ),
        (_is_about("nuclei 2D"), labels(A=1), shows("B"), holds(points=1)),
    ),
    Sequence(
        "closed_and_opened_again",
        "The panel is closed and opened again: labels, prompts and undo are there.",
        (
            *(click("A"), _ACCEPT, click("B")),
            do("close the panel", _close),
            do("open it again", lambda user: user.reopen_widget()),
        ),
        (labels(A=1), shows("B"), holds(points=1), _own_keys_are_gone),
    ),
    Sequence(
        "run_by_hand",
        "Auto-run off: J answers.",
        (
            _AUTO_RUN_OFF,
            *(click("A"), click("A's lower end"), key("run")),
        ),
        (shows("A", "A's lower end"), holds(points=2)),
    ),
    Sequence(
        "not_yet_run",
        "Until then nothing is shown, and the hint says why.",
        (
            _AUTO_RUN_OFF,
            click("A"),
        ),
        (shows_nothing, hints("Run to see the result")),
    ),
    Sequence(
        "slider_while_answering",
        "The slider moves on while the network is at work: the answer goes where "
        "the click was.",
        (_HOLD, click("P"), slice_(46), _COME),
        (shows_nothing, lambda user: _p_is_shown_on(user, 45)),
        sample="nuclei_3d",
    ),
    Sequence(
        "three_dimensions_and_back",
        "In the 3D view the hint asks to come back; all is as it was then.",
        (click("P"), do("3D view", _show_3d), do("2D view", _show_2d), click("Q")),
        (shows("P", "Q"), holds(points=2), _was_told_to_come_back),
        sample="nuclei_3d",
    ),
    Sequence(
        "from_the_side",
        "A stack is annotated from the side as well.",
        (
            do("napari's view from the side", _look_from_the_side),
            click("P, from the side"),
            _ACCEPT,
        ),
        (lambda user: _is_labelled_from_the_side(user), holds()),
        sample="nuclei_3d",
    ),
    Sequence(
        "naparis_own_undo",
        "Ctrl-Z in the labels, by napari itself, and our redo after it.",
        (
            *(click("A"), _ACCEPT, click("B"), _ACCEPT, _activate("target")),
            do("Ctrl-Z", lambda user: user.press("Control-Z")),
        ),
        (labels(A=1, B=0),),
    ),
    Sequence(
        "paint_in_the_labels",
        "Painting by hand in the labels is an act like others.",
        (
            *(click("A"), _ACCEPT),
            do("paint over B with label 5", _paint_in_target),
        ),
        (labels(A=1, B=5),),
    ),
    Sequence(
        "undo_painting",
        "U takes it back.",
        (
            *(click("A"), _ACCEPT),
            do("paint over B with label 5", _paint_in_target),
            key("undo"),
        ),
        (labels(A=1, B=0),),
    ),
    Sequence(
        "keys_with_the_image_active",
        "Keys work whichever layer is active.",
        (
            *(click("A"), _activate("image"), _ACCEPT, _activate("preview")),
            *(key("undo"), _activate("target"), key("redo")),
        ),
        (labels(A=1),),
    ),
    Sequence(
        "hide_the_preview",
        "H hides the preview; what is hidden can be accepted.",
        (click("A"), key("preview")),
        (_preview_is_hidden, shows("A")),
    ),
    Sequence(
        "what_the_model_sees",
        "Shift-S shows what the model sees: its window, and the prompts in it.",
        (tool("box"), box("A"), tool("point"), click("A"), key("sees")),
        (_model_view_is_shown, shows("A")),
    ),
    Sequence(
        "holes_filled",
        "Clean-up is a choice: holes are filled here.",
        (
            tool("scribble"),
            stroke("paint a ring in B", *_ring(PLACES["B"], 14)),
            do("Fill holes", _turn_on_fill_holes),
        ),
        (shows("B"), _fills_holes),
    ),
    Sequence(
        "network_fails",
        "The network fails once: it is told, and the next click works.",
        (
            click("A"),
            do("no memory is left", _break_network),
            click("B"),
            do("there is again", _mend_network),
            click("C"),
        ),
        (shows("A", "B", "C"), holds(points=3)),
        told="no memory left",
    ),
    Sequence(
        "all_keys",
        "Shift-H shows all keys.",
        (click("A"), key("keys")),
        (_sheet_is_open, shows("A")),
        comes_back=False,  # keys close it
        shows="window",
    ),
    Sequence(
        "narrow_panel",
        "A narrow panel with letters half as large again: nothing is cut off.",
        (click("A"), do("narrow, with large letters", _make_dock_narrow)),
        (_nothing_is_cut_off, shows("A")),
        shows="window",
    ),
    Sequence(
        "delete_with_nothing_there",
        "A key that can do nothing says why.",
        (over("the background", "delete"),),
        (panel_says("No object here"), shows_nothing),
        shows="window",
    ),
]


def _p_is_shown_on(user: User, index: int) -> None:
    row, col = PLACES["P"]
    assert user.session.preview.data[index, row, col]


def _is_labelled_from_the_side(user: User) -> None:
    data = np.asarray(user.session.target.data)
    assert data[45, 64, 62] == 1
    assert set(np.nonzero(data)[1]) == {64}
