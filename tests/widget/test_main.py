"""The dock widget on a real viewer: it forwards to the session and shows it."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from napari.layers import Labels
from qtpy.QtWidgets import QApplication

from napari_segnext.errors import ImageError, PromptError
from napari_segnext.samples import load_sample
from napari_segnext.session import text as session_text
from napari_segnext.widget import text
from napari_segnext.widget.actions import TOOLS
from napari_segnext.widget.main import SegNextWidget


def real(layer):
    """The layer behind the proxy that a plugin gets."""
    return getattr(layer, "__wrapped__", layer)


def accept_nucleus(widget: SegNextWidget, z: int = 45, y: int = 64, x: int = 62) -> int:
    """One accepted object; its label."""
    session = widget.session
    label = session.label
    session.add_click((z, y, x))
    session.wait(60)
    widget.panel.controls.buttons["accept"].click()
    assert (session.target.data == label).any()
    return label


def errors_in(notifications) -> list[str]:
    return [it.message for it in notifications if it.severity == "error"]


# ---- images come and go


def test_without_an_image_there_is_no_session_and_it_says_what_to_do(
    open_widget,
) -> None:
    widget = open_widget()
    panel = widget.panel
    assert widget.session is None
    assert panel.hint.text() == text.NO_IMAGE
    assert not panel.choices.isEnabled()
    assert not any(button.isEnabled() for button in panel.controls.buttons.values())
    assert not any(button.isEnabled() for button in panel.controls.tools.values())


def test_keys_and_buttons_do_nothing_without_an_image(open_widget) -> None:
    widget = open_widget()
    for name in ("accept", "undo", "run", "preview", "next_tool"):
        widget.perform(name)
    assert widget.session is None


def test_the_first_image_opens_a_session(viewer, open_widget) -> None:
    widget = open_widget()
    image = real(viewer.add_image(np.zeros((64, 64), np.uint8)))
    assert widget.session is not None
    assert widget.session.image is image


def test_the_first_image_opens_a_session_by_itself(viewer, open_widget, qtbot) -> None:
    widget = open_widget()
    viewer.add_image(np.zeros((64, 64), np.uint8), name="cells")
    qtbot.waitUntil(lambda: widget.panel.choices.image.currentText() == "cells")
    assert widget.panel.controls.tools["point"].isEnabled()


def test_an_image_that_is_there_opens_a_session_at_once(
    stack, open_widget, predictor
) -> None:
    predictor.loading.clear()
    widget = open_widget()
    assert widget.session.image is stack
    choices = widget.panel.choices
    assert choices.image.layer is stack
    assert choices.target.layer is widget.session.target
    assert choices.states["image"].text() == "100 x 100 x 100, uint8"
    assert choices.states["model"].text() == text.MODEL_STATES["loading"]
    predictor.loading.set()
    widget.session.wait(60)
    assert choices.states["model"].text() == text.MODEL_STATES["ready"]
    assert widget.panel.hint.text() == widget.session.hint


def test_removing_the_image_ends_the_session(viewer, stack, widget) -> None:
    session = widget.session
    viewer.layers.remove(stack)
    assert widget.session is None
    assert session.is_closed
    assert widget.panel.hint.text() == text.NO_IMAGE
    assert not widget.panel.controls.buttons["accept"].isEnabled()


def test_clearing_all_layers_ends_the_session(viewer, widget) -> None:
    viewer.layers.clear()
    assert widget.session is None
    assert len(viewer.layers) == 0


def test_removing_the_image_goes_on_with_another_one(viewer, stack, widget) -> None:
    other = real(viewer.add_image(np.zeros((32, 32), np.uint8)))
    viewer.layers.remove(stack)
    assert widget.session.image is other


def test_a_renamed_image_is_shown_by_its_new_name(stack, widget, qtbot) -> None:
    stack.name = "leaf"
    qtbot.waitUntil(lambda: widget.panel.choices.image.currentText() == "leaf")


def test_choosing_another_image_opens_a_session_for_it(viewer, stack, widget) -> None:
    other = real(viewer.add_image(np.zeros((32, 32), np.uint8), name="other"))
    session = widget.session
    choose(widget.panel.choices.image, "other", widget)
    assert session.is_closed
    assert widget.session.image is other


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # napari divides by its size
def test_an_image_that_cannot_be_segmented_is_refused_in_words(
    viewer, open_widget, notifications
) -> None:
    viewer.add_image(np.zeros((0, 8, 8), np.uint8), name="empty")
    widget = open_widget()
    assert widget.session is None
    assert widget.panel.hint.text() == text.WRONG_IMAGE
    assert errors_in(notifications)
    good = real(viewer.add_image(np.zeros((32, 32), np.uint8), name="good"))
    assert widget.session is None  # it does not jump away from the user's choice
    choose(widget.panel.choices.image, "good")
    assert widget.session.image is good


# ---- model and target


def choose(combo, name: str, widget: SegNextWidget | None = None) -> None:
    """Choose an entry as the user does, who sees layers that just came."""
    assert widget is None or widget.session is not None
    index = combo.findText(name)
    assert index >= 0
    combo.setCurrentIndex(index)
    combo.activated.emit(index)


def test_choosing_a_model_keeps_image_and_target(stack, widget) -> None:
    session, target = widget.session, widget.session.target
    label = accept_nucleus(widget)
    choose(widget.panel.choices.model, "vitb_sax1")
    assert widget.session is not session
    assert session.is_closed
    assert widget.session.image is stack
    assert widget.session.target is target
    assert widget.session.label == label + 1


def test_a_checkpoint_file_can_be_chosen(widget, monkeypatch) -> None:
    path = "/models/mine.safetensors"
    monkeypatch.setattr(
        "qtpy.QtWidgets.QFileDialog.getOpenFileName",
        lambda *_args: (path, ""),
    )
    session = widget.session
    choose(widget.panel.choices.model, text.FROM_FILE)
    assert widget.panel.choices.model.model_name == path
    assert widget.panel.choices.model.currentText() == "mine.safetensors"
    assert widget.session is not session


def test_no_file_chosen_changes_nothing(widget, monkeypatch) -> None:
    monkeypatch.setattr(
        "qtpy.QtWidgets.QFileDialog.getOpenFileName", lambda *_args: ("", "")
    )
    session = widget.session
    choose(widget.panel.choices.model, text.FROM_FILE)
    assert widget.session is session
    assert widget.panel.choices.model.currentText() == "segnext-lite"


def test_the_labels_of_yesterday_can_be_the_target(viewer, stack, widget) -> None:
    labels = np.zeros(stack.data.shape, np.uint16)
    labels[45, 10:20, 10:20] = 7
    layer = real(viewer.add_labels(labels, name="yesterday", scale=stack.scale))
    layer.units, layer.axis_labels = stack.units, stack.axis_labels
    assert widget.session is not None
    choose(widget.panel.choices.target, "yesterday")
    assert widget.session.target is layer
    assert widget.session.label == 8
    assert widget.panel.controls.label.value() == 8
    assert widget.panel.hint.text().endswith("press Edit (Shift-E).")


def test_a_target_of_another_shape_is_refused_in_words(
    viewer, widget, notifications
) -> None:
    label = accept_nucleus(widget)
    target = widget.session.target
    viewer.add_labels(np.zeros((5, 5), np.uint8), name="small")
    choose(widget.panel.choices.target, "small", widget)
    assert errors_in(notifications)
    assert widget.session.target is target  # the work goes on as it was
    assert widget.session.label == label + 1
    assert widget.panel.choices.target.layer is target


def test_previews_and_scribbles_are_no_targets(viewer, widget) -> None:
    widget.session.activate("scribble")
    names = [
        widget.panel.choices.target.itemText(index)
        for index in range(widget.panel.choices.target.count())
    ]
    assert widget.session.preview.name not in names
    assert widget.session.scribbles.name not in names
    assert widget.session.target.name in names


# ---- prompts


def test_polarity_buttons_and_session_agree(widget) -> None:
    controls, session = widget.panel.controls, widget.session
    controls.negative.click()
    assert session.polarity == "negative"
    assert controls.negative.isChecked()
    assert not controls.positive.isChecked()
    session.toggle_polarity()
    assert controls.positive.isChecked()
    widget.perform("polarity")
    assert session.polarity == "negative"


@pytest.mark.parametrize("tool", TOOLS)
def test_each_tool_activates_its_layer(viewer, widget, tool: str) -> None:
    controls = widget.panel.controls
    controls.tools[tool].click()
    assert widget.session.tool == tool
    checked = [name for name, button in controls.tools.items() if button.isChecked()]
    assert checked == [tool]
    role = {"point": "points", "box": "shapes", "polygon": "shapes"}
    layer = getattr(widget.session, role.get(tool, "scribbles"))
    assert viewer.layers.selection.active == layer


@pytest.mark.parametrize(
    ("tool", "entry", "layer", "mode"),
    [
        ("polygon", 0, "shapes", "add_polygon"),
        ("polygon", 1, "shapes", "add_polygon_lasso"),
        ("scribble", 0, "scribbles", "paint"),
        ("scribble", 1, "shapes", "add_path"),
    ],
)
def test_tools_have_further_ways_to_draw(
    widget, tool: str, entry: int, layer: str, mode: str
) -> None:
    widget.panel.controls.tools[tool].menu().actions()[entry].trigger()
    assert getattr(widget.session, layer).mode == mode


def test_the_next_tool_key_goes_round(widget) -> None:
    seen = []
    for _ in range(len(TOOLS)):
        seen.append(widget.session.tool)
        widget.perform("next_tool")
    assert seen == list(TOOLS)
    assert widget.session.tool == "point"


def test_a_click_of_the_mouse_becomes_an_accepted_object(
    make_napari_viewer_proxy, predictor, mouse_of, qtbot
) -> None:
    viewer = make_napari_viewer_proxy(show=True)
    sample = load_sample("nuclei_3d")
    image = real(viewer.add_image(sample.image, **sample.metadata))
    viewer.dims.set_current_step(0, 45)
    widget = SegNextWidget(napari_viewer=viewer)
    viewer.window.add_dock_widget(widget, name="SegNext")
    mouse, session = mouse_of(viewer), widget.session
    session.wait(60)

    mouse.click(image, 45, 64, 62)
    qtbot.waitUntil(lambda: bool(session.can_accept), timeout=20_000)
    assert len(session.points.data) == 1
    np.testing.assert_allclose(session.points.data[0], (45, 64, 62), atol=0.5)
    assert session.mask()[64, 62]
    mouse.key("Q")
    mouse.click(image, 45, 64, 68)
    qtbot.waitUntil(lambda: not session.mask()[64, 68], timeout=20_000)
    mouse.key("G")
    assert session.target.data[45, 64, 58] == 1
    assert session.target.data[45, 64, 68] == 0
    assert session.label == 2
    assert widget.panel.controls.label.value() == 2
    mouse.key("U")
    assert not session.target.data.any()
    mouse.key("Shift-U")
    assert session.target.data.any()


# ---- buttons


def test_buttons_are_enabled_when_they_make_sense(widget) -> None:
    session, buttons = widget.session, widget.panel.controls.buttons

    def enabled() -> set[str]:
        return {name for name, button in buttons.items() if button.isEnabled()}

    history = {"accept", "undo", "redo", "clear", "same_object"}
    assert enabled() & history == set()
    session.add_click((45, 64, 62))
    session.wait(60)
    assert enabled() & history == {"accept", "undo", "clear"}
    buttons["undo"].click()
    assert enabled() & history == {"redo"}
    buttons["redo"].click()
    session.wait(60)
    buttons["accept"].click()
    assert enabled() & history == {"undo", "same_object"}
    assert session.undo_text in buttons["undo"].toolTip()


def test_clear_drops_the_open_object(widget) -> None:
    session = widget.session
    session.add_click((45, 64, 62))
    session.wait(60)
    widget.panel.controls.buttons["clear"].click()
    assert not session.mask().any()
    assert len(session.points.data) == 0


def test_the_label_box_and_the_session_agree(widget) -> None:
    session, box = widget.session, widget.panel.controls.label
    assert box.value() == session.label == 1
    box.setValue(12)
    assert session.label == 12
    session.label = 5
    assert box.value() == 5


def test_same_again_goes_on_with_the_object_accepted_last(widget) -> None:
    label = accept_nucleus(widget)
    assert widget.session.label == label + 1
    widget.panel.controls.buttons["same_object"].click()
    assert widget.session.label == label
    assert accept_nucleus(widget, z=46) == label
    assert {*np.unique(widget.session.target.data)} == {0, label}


def test_without_auto_run_the_run_button_predicts(widget) -> None:
    session, controls = widget.session, widget.panel.controls
    controls.auto_run.click()
    assert session.auto_run is False
    session.add_click((45, 64, 62))
    assert not session.mask().any()
    assert controls.buttons["run"].isEnabled()
    controls.buttons["run"].click()
    session.wait(60)
    assert session.mask()[64, 62]


def test_hiding_the_preview_and_showing_it_again(widget) -> None:
    assert widget.session.preview.visible
    widget.perform("preview")
    assert not widget.session.preview.visible
    widget.perform("preview")
    assert widget.session.preview.visible


def test_the_number_of_objects_is_shown(widget) -> None:
    accept_nucleus(widget)
    accept_nucleus(widget, y=17, x=68)
    state = widget.panel.choices.states["target"].text()
    assert state == text.counted(text.OBJECTS_DONE, 2)


def test_busy_is_shown_while_the_network_works(widget, predictor, qtbot) -> None:
    busy = widget.panel.controls.busy
    assert busy.maximum() == 1
    predictor.gate.clear()
    widget.session.add_click((45, 64, 62))
    qtbot.waitUntil(lambda: busy.maximum() == 0)
    predictor.gate.set()
    qtbot.waitUntil(lambda: busy.maximum() == 1)
    assert widget.session.mask()[64, 62]


def test_predictions_run_on_a_thread_of_their_own(widget, predictor) -> None:
    accept_nucleus(widget)
    assert predictor.threads
    assert threading.main_thread() not in predictor.threads


def test_an_answer_that_comes_while_the_panel_is_shown_is_shown_too(
    widget, predictor, monkeypatch
) -> None:
    session, objects = widget.session, widget.panel.objects
    show = objects.show_session

    def show_and_let_the_answer_come(*args) -> None:
        show(*args)
        predictor.gate.set()
        session.wait(60)

    monkeypatch.setattr(objects, "show_session", show_and_let_the_answer_come)
    predictor.gate.clear()
    session.add_click((45, 64, 62))
    assert session.can_accept
    assert widget.panel.controls.buttons["accept"].isEnabled()


# ---- errors


def test_a_mistake_of_the_user_is_a_sentence_in_the_panel(
    widget, notifications
) -> None:
    hint = widget.panel.hint
    widget.perform("accept")
    assert hint.text().startswith("Nothing is shown that could be accepted")
    widget.session.toggle_polarity()  # something else is the case
    assert hint.text() == widget.session.hint
    assert notifications == []


def test_refused_prompts_are_a_sentence_in_the_panel(
    widget, predictor, notifications, qtbot
) -> None:
    sentence = "This is outside; click inside."
    predictor.failure = PromptError(sentence)
    widget.session.add_click((45, 64, 62))
    qtbot.waitUntil(lambda: widget.panel.hint.text() == sentence)
    assert notifications == []


def test_a_failed_job_is_a_sentence(widget, predictor, notifications, qtbot) -> None:
    predictor.failure = ImageError("There are no pixels here; choose another image.")
    widget.session.add_click((45, 64, 62))
    qtbot.waitUntil(lambda: errors_in(notifications) != [])
    assert errors_in(notifications) == [str(predictor.failure)]


def test_a_bug_is_reported_with_its_traceback(
    widget, predictor, notifications, qtbot
) -> None:
    predictor.failure = ZeroDivisionError("a bug")
    widget.session.add_click((45, 64, 62))
    qtbot.waitUntil(lambda: len(notifications) > 0)
    assert isinstance(notifications[-1].exception, ZeroDivisionError)


# ---- closing


def test_closing_the_dock_closes_the_session_and_keeps_the_labels(
    viewer, stack, widget
) -> None:
    label = accept_nucleus(widget)
    session, target = widget.session, widget.session.target
    viewer.window.remove_dock_widget(widget)
    assert session.is_closed
    assert list(viewer.layers) == [stack, target]
    assert (target.data == label).any()


def test_opening_again_takes_the_work_up(viewer, widget, open_widget) -> None:
    label = accept_nucleus(widget)
    target = widget.session.target
    viewer.window.remove_dock_widget(widget)
    again = open_widget()
    assert again.session.target is target
    assert again.session.label == label + 1


def test_a_widget_put_back_into_the_window_goes_on(viewer, widget) -> None:
    accept_nucleus(widget)
    target = widget.session.target
    viewer.window.remove_dock_widget(widget)
    assert widget.session is None
    viewer.window.add_dock_widget(widget, name="again")
    assert widget.session.target is target


def test_going_back_to_an_image_takes_its_work_up(viewer, stack, widget) -> None:
    accept_nucleus(widget)
    target = widget.session.target
    viewer.add_image(np.zeros((32, 32), np.uint8), name="other")
    choose(widget.panel.choices.image, "other", widget)
    assert widget.session.target is not target
    choose(widget.panel.choices.image, stack.name)
    assert widget.session.target is target


def test_a_second_widget_works_beside_the_first(viewer, widget, open_widget) -> None:
    second = open_widget()
    second.session.wait(60)
    assert second.session is not widget.session
    assert second.session.target is not widget.session.target
    accept_nucleus(second)
    assert not widget.session.target.data.any()
    viewer.window.remove_dock_widget(second)
    accept_nucleus(widget)


def test_closing_the_widget_itself_closes_the_session(widget) -> None:
    session = widget.session
    widget.close()
    assert session.is_closed


def test_closing_the_viewer_ends_the_thread(
    make_napari_viewer_proxy, predictor
) -> None:
    before = set(threading.enumerate())
    viewer = make_napari_viewer_proxy()
    viewer.add_image(np.zeros((32, 32), np.uint8))
    widget = SegNextWidget(napari_viewer=viewer)
    viewer.window.add_dock_widget(widget, name="SegNext")
    session = widget.session
    session.wait(60)
    viewer.close()
    assert session.is_closed
    assert {it for it in set(threading.enumerate()) - before if it.is_alive()} == set()


@pytest.mark.parametrize("role", ["points", "shapes", "scribbles", "preview", "target"])
def test_deleting_a_layer_of_ours_leaves_the_widget_working(
    viewer, widget, notifications, role: str
) -> None:
    widget.session.activate("box")
    widget.session.activate("scribble")
    viewer.layers.remove(getattr(widget.session, role))
    accept_nucleus(widget)
    assert errors_in(notifications) == []


# ---- looks


@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_it_fits_a_narrow_dock(widget, qtbot, scale: float) -> None:
    font = widget.font()
    font.setPointSizeF(font.pointSizeF() * scale)
    widget.setFont(font)
    width = round(230 * scale)
    body = widget.panel.widget()
    assert body.minimumSizeHint().width() <= width
    # it is never cut: the dock keeps at least the width of the content
    least = widget.panel.minimumSizeHint().width()
    assert body.minimumSizeHint().width() <= least <= width + 20
    widget.resize(width, 800)
    for button in widget.panel.controls.buttons.values():
        assert button.minimumSizeHint().height() <= button.sizeHint().height()


def test_the_buttons_stay_where_they_are_when_the_hint_changes(viewer, widget) -> None:
    viewer.window.show()
    widget.panel.setFixedSize(300, 800)
    places = set()
    for sentence in (session_text.BEGIN, session_text.CORRECT_OR_ACCEPT):
        widget.panel.hint.setText(sentence.format(label=12))
        QApplication.processEvents()
        places.add(widget.panel.controls.y())
    assert len(places) == 1
    widget.panel.hint.setText("a very long sentence " * 10)  # none is cut off
    QApplication.processEvents()
    assert widget.panel.controls.y() > max(places)


def test_of_a_long_name_beginning_and_end_are_shown(
    viewer, stack, widget, qtbot
) -> None:
    viewer.window.show()
    widget.panel.setFixedSize(260, 800)
    stack.name = "a confocal stack of nuclei, the third of May"
    choice = widget.panel.choices.image
    qtbot.waitUntil(lambda: choice.currentText() == stack.name)
    assert "…" in choice.shown_text
    assert choice.shown_text[:3] == stack.name[:3]
    assert choice.shown_text[-3:] == stack.name[-3:]


def test_every_control_has_a_tooltip_with_its_key(widget) -> None:
    controls = widget.panel.controls
    for name, button in controls.buttons.items():
        assert button.toolTip(), name
    assert "(G)" in controls.buttons["accept"].toolTip()
    assert "(Q)" in controls.positive.toolTip()
    assert all(button.toolTip() for button in controls.tools.values())
    assert controls.auto_run.toolTip()
    assert controls.label.toolTip()


def test_a_label_beyond_what_the_box_can_hold_is_no_error(
    viewer, stack, widget, notifications
) -> None:
    high = np.zeros(stack.data.shape, np.uint32)
    high[0, :4, :4] = 2**31 + 6
    labels = Labels(high, name="ids", scale=stack.scale, units=stack.units)
    viewer.layers.append(labels)
    widget._desk.choose_target(labels)
    assert widget.session.label == 2**31 + 7
    assert not widget.panel.controls.label.isEnabled()
    assert not notifications
