"""The sections of the panel that fold, on a real viewer, by mouse, button and key."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from napari.settings import get_settings
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QAbstractButton, QComboBox, QSpinBox, QWidget

import napari_segnext as ns
from napari_segnext.samples import load_sample
from napari_segnext.widget import text
from napari_segnext.widget.main import SegNextWidget

# nuclei of the sample on slice 45
P, Q = (45, 64, 62), (45, 17, 68)


def accept_at(widget: SegNextWidget, *positions: tuple[int, int, int]) -> None:
    for position in positions:
        widget.session.add_click(position)
        widget.session.wait(60)
        widget.session.accept()


def labels_of(widget: SegNextWidget) -> set[int]:
    return {int(label) for label in np.unique(widget.session.target.data)} - {0}


def unfold(widget: SegNextWidget) -> None:
    for section in widget.panel.sections.values():
        section.toggleButton().click()


def controls_of(widget: QWidget) -> list[QWidget]:
    kinds = (QAbstractButton, QComboBox, QSpinBox)
    return [
        child
        for kind in kinds
        for child in widget.findChildren(kind)
        if child.objectName() != "qt_spinbox_lineedit"
    ]


def show_alone(widget: SegNextWidget, width: int, qtbot) -> None:
    """Show the widget outside the window, as wide as that, without a scroll bar."""
    widget.panel.setParent(None)
    widget.panel.resize(width, 1400)
    with qtbot.waitExposed(widget.panel):
        widget.panel.show()
    qtbot.addWidget(widget.panel)


def test_the_first_view_is_simple_and_what_is_unfolded_stays_so(
    viewer, stack, widget
) -> None:
    sections = widget.panel.sections
    assert list(sections) == ["objects", "volume", "table", "neighbours", "view"]
    assert not any(section.isExpanded() for section in sections.values())
    assert not any(section.body.isVisibleTo(widget) for section in sections.values())
    QTest.keyClick(sections["view"].toggleButton(), Qt.Key.Key_Space)
    assert sections["view"].body.isVisibleTo(widget)
    viewer.layers.remove(stack)
    assert widget.session is None
    assert not sections["view"].body.isEnabled()
    viewer.add_image(np.zeros((32, 32), np.uint8))
    assert widget.session is not None
    expanded = [name for name, section in sections.items() if section.isExpanded()]
    assert expanded == ["view"]
    assert sections["view"].body.isEnabled()


def test_every_control_tells_what_it_is_and_is_reached_by_tab(widget) -> None:
    unfold(widget)
    accept_at(widget, P)
    controls = controls_of(widget.panel)
    assert len(controls) > 35
    reached = set()
    place = widget.panel
    while place not in reached:
        reached.add(place)
        place = place.nextInFocusChain()
    for control in controls:
        name = control.accessibleName()
        assert name, control
        assert control.toolTip(), name
        assert control in reached, name


def test_tab_goes_from_top_to_bottom(widget, qtbot) -> None:
    unfold(widget)
    show_alone(widget, 300, qtbot)
    column = widget.panel.widget()
    tops: list[tuple[str, int]] = []
    place = widget.panel.choices.image
    while place is not widget.panel.view.sees:
        if place.focusPolicy() & Qt.FocusPolicy.TabFocus and place.isVisible():
            top = place.mapTo(column, place.rect().center()).y()
            tops.append((place.accessibleName(), top))
        place = place.nextInFocusChain()
    assert len(tops) > 30
    # what is side by side may differ by a little
    back = [(one, two) for one, two in pairwise(tops) if two[1] < one[1] - 12]
    assert back == []


def test_going_through_the_objects_by_buttons(widget) -> None:
    section = widget.panel.objects
    buttons = section.controls
    assert not any(
        buttons[name].isEnabled()
        for name in ("next_object", "previous_object", "edit", "delete", "merge", "cut")
    )
    accept_at(widget, P, Q)
    assert section.count.text() == text.counted(text.OBJECTS_COUNT, 2, to_review=0)
    assert not buttons["edit"].isEnabled()
    buttons["previous_object"].click()
    assert section.focus.text() == text.FOCUS.format(label=2)
    assert widget.panel.hint.text() == text.AT_OBJECT.format(label=2)
    assert section.reviewed.isChecked()
    section.reviewed.click()
    assert widget.session.objects[2].reviewed is False
    assert section.count.text() == text.counted(text.OBJECTS_COUNT, 2, to_review=1)
    buttons["next_object"].click()
    assert section.focus.text() == text.FOCUS.format(label=1)
    buttons["next_unreviewed"].click()
    assert section.focus.text() == text.FOCUS.format(label=2)


def test_changing_objects_by_buttons(widget, notifications) -> None:
    buttons = widget.panel.objects.controls
    accept_at(widget, P, Q)
    buttons["next_object"].click()
    buttons["merge"].click()
    assert "Shift-M" in widget.panel.hint.text()
    buttons["next_object"].click()
    buttons["merge"].click()
    assert labels_of(widget) == {1}
    buttons["edit"].click()
    assert widget.session.objects[1].state == "open"
    widget.session.clear()
    buttons["delete"].click()
    assert labels_of(widget) == set()
    assert widget.panel.hint.text() == text.DELETED.format(label=1)
    for _ in range(3):  # delete, clear, edit
        widget.panel.controls.buttons["undo"].click()
    buttons["cut"].click()
    assert widget.session.tool == "cut"
    assert notifications == []


def test_several_objects_are_switched_unless_one_is_open(widget) -> None:
    several = widget.panel.objects.several
    several.click()
    assert widget.session.each
    widget.session.each = False
    assert not several.isChecked()
    widget.session.add_click(P)
    several.click()
    assert not widget.session.each
    assert not several.isChecked()
    assert widget.panel.hint.text().startswith("An object is open")


def test_neighbours_and_clean_up_set_the_session(widget) -> None:
    section, session = widget.panel.neighbours, widget.session
    section.overlap.setCurrentIndex(section.overlap.findData("overwrite"))
    section.overlap.activated.emit(section.overlap.currentIndex())
    assert session.overlap == "overwrite"
    section.touched.click()
    section.fill_holes.click()
    section.smooth_px.setValue(2)
    section.min_size_px.setValue(30)
    assert session.postprocess == ns.PostProcess(True, True, 2, 30)
    session.overlap = "ask"
    session.postprocess = ns.PostProcess(smooth_px=1)
    assert section.overlap.currentData() == "ask"
    assert not section.touched.isChecked()
    assert (section.smooth_px.value(), section.min_size_px.value()) == (1, 0)
    assert section.min_size_px.text() == text.OFF


def test_what_the_model_sees_and_a_label_to_start_from(
    viewer, stack, widget, notifications
) -> None:
    section, session = widget.panel.view, widget.session
    assert section.source.layer is None
    section.controls["start_from_label"].click()
    assert widget.panel.hint.text() == text.CHOOSE_LABELS
    labels = np.zeros(stack.data.shape, np.uint8)
    labels[45, 10:30, 10:30] = 9
    place = {name: getattr(stack, name) for name in ("scale", "units", "axis_labels")}
    viewer.add_labels(labels, name="yesterday", **place)
    assert widget.session is session  # sees the layers that came
    section.source.setCurrentIndex(section.source.findText("yesterday"))
    section.source.chosen.emit()
    section.label.setValue(9)
    section.controls["start_from_label"].click()
    (prompts,) = session.objects[session.label].prompts.values()
    assert prompts.mask.region == (10, 10, 30, 30)
    section.label.setValue(4)
    section.controls["start_from_label"].click()
    assert "4" in widget.panel.hint.text()  # there is no such label, it says
    assert notifications == []


def test_keys_are_about_the_object_under_the_mouse(
    make_napari_viewer_proxy, predictor, mouse_of, notifications
) -> None:
    viewer = make_napari_viewer_proxy(show=True)
    sample = load_sample("nuclei_3d")
    image = viewer.add_image(sample.image, **sample.metadata)
    viewer.dims.set_current_step(0, 45)
    widget = SegNextWidget(napari_viewer=viewer)
    viewer.window.add_dock_widget(widget, name="SegNext")
    widget.session.wait(60)
    accept_at(widget, P, Q)
    hint, mouse = widget.panel.hint, mouse_of(viewer)

    mouse.move(image, 45, 40, 10)
    mouse.key("Shift-D")
    assert hint.text() == text.NO_OBJECT_HERE
    mouse.move(image, *P)
    mouse.key("Shift-M")
    mouse.move(image, *Q)
    mouse.key("Shift-M")
    assert labels_of(widget) == {1}
    mouse.key("U")
    assert labels_of(widget) == {1, 2}
    mouse.key("Shift-D")
    assert labels_of(widget) == {1}
    assert hint.text() == text.DELETED.format(label=2)
    mouse.move(image, *P)
    mouse.key("Shift-E")
    assert widget.session.objects[1].state == "open"
    widget.session.clear()
    mouse.key("Shift-F")
    assert widget.session.objects[widget.session.label].prompts
    assert notifications == []


def test_the_tools_have_the_font_that_naparis_settings_give_buttons(widget) -> None:
    appearance = get_settings().appearance
    controls = widget.panel.controls
    for size in (14, 9):
        appearance.font_size = size
        accept = controls.buttons["accept"].font()
        assert accept.pointSize() == size + 1  # so do napari's themes
        for button in (*controls.tools.values(), controls.keys):
            assert button.font().pointSize() == accept.pointSize()


@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_unfolded_it_fits_a_narrow_dock_and_nothing_is_cut(
    widget, qtbot, scale: float
) -> None:
    font = widget.font()
    font.setPointSizeF(font.pointSizeF() * scale)
    widget.panel.setFont(font)
    unfold(widget)
    accept_at(widget, P)
    width = round(250 * scale)
    body = widget.panel.widget()
    assert body.minimumSizeHint().width() <= width
    show_alone(widget, width, qtbot)
    for section in widget.panel.sections.values():
        for control in section.body.findChildren(QWidget):
            if control.isVisible() and control.parent() is section.body:
                assert control.height() >= control.minimumSizeHint().height(), control
                assert section.body.rect().contains(control.geometry()), control
        for control in controls_of(section.body):
            if isinstance(control, QAbstractButton):
                needed = control.fontMetrics().horizontalAdvance(control.text())
                assert control.width() >= needed, control.text()
