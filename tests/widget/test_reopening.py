"""Work is taken up again: the widget closed and opened, images and targets changed."""

from __future__ import annotations

import copy
import gc
import pickle
import threading
import weakref

import numpy as np
from qtpy.QtWidgets import QApplication

import napari_segnext as ns
from napari_segnext.widget.main import SegNextWidget

P, Q = (45, 64, 62), (45, 17, 68)  # nuclei of the sample


def real(layer):
    return getattr(layer, "__wrapped__", layer)


def work_on(widget: SegNextWidget) -> None:
    """Accept one object, begin another one, and take its second click back."""
    session = widget.session
    session.add_click(P)
    session.wait(60)
    widget.panel.controls.buttons["accept"].click()
    session.add_click(Q)
    session.wait(60)
    session.add_click((45, 20, 68))
    session.wait(60)
    session.undo()


def check_work(widget: SegNextWidget) -> None:
    """Check that all of `work_on` is there, and can be undone and redone."""
    session = widget.session
    session.wait(60)
    assert session.mask()[Q[1:]]
    assert len(session.points.data) == 1
    assert widget.panel.controls.buttons["redo"].isEnabled()
    assert session.redo()
    assert len(session.points.data) == 2
    session.undo()
    session.undo()  # the click
    session.undo()  # the accept
    assert session.target.data[P] == 0
    session.wait(60)
    assert session.mask()[P[1:]]
    assert session.redo()
    assert session.target.data[P] == 1


def choose(widget: SegNextWidget, which: str, name: str) -> None:
    assert widget.session is not None  # sees the layers that came
    choice = getattr(widget.panel.choices, which)
    choice.setCurrentIndex(choice.findText(name))
    choice.activated.emit(choice.currentIndex())


def test_a_widget_that_is_opened_again_goes_on(
    viewer, widget, open_widget, predictor, notifications
) -> None:
    work_on(widget)
    target = widget.session.target
    viewer.window.remove_dock_widget(widget)
    assert list(viewer.layers)[-1] == target
    predictor.gate.clear()
    again = open_widget()
    assert again is not widget
    assert again.session.target is target
    assert again.session.mask()[Q[1:]]  # without inference
    predictor.gate.set()
    check_work(again)
    assert notifications == []


def test_the_options_come_back_too(viewer, widget, open_widget) -> None:
    session = widget.session
    session.overlap, session.polarity = "ask", "negative"
    session.postprocess = ns.PostProcess(fill_holes=True)
    session.auto_run = False
    session.activate("box")
    choose(widget, "model", "vitb_sax1")
    viewer.window.remove_dock_widget(widget)
    again = open_widget()
    assert again.session.overlap == "ask"
    assert again.session.polarity == "negative"
    assert again.session.postprocess == ns.PostProcess(fill_holes=True)
    assert not again.panel.controls.auto_run.isChecked()
    assert again.session.tool == "box"
    assert again.panel.choices.model.model_name == "vitb_sax1"


def test_an_image_that_comes_back_brings_its_work(
    viewer, stack, widget, monkeypatch
) -> None:
    monkeypatch.setattr("napari_segnext.widget.main.ask_to_accept", lambda _: False)
    work_on(widget)
    other = real(viewer.add_image(np.zeros((32, 32), np.uint8), name="other"))
    choose(widget, "image", "other")
    assert widget.session.image is other
    assert not widget.session.can_undo
    choose(widget, "image", stack.name)
    check_work(widget)


def test_a_target_that_comes_back_brings_its_work(
    viewer, stack, widget, monkeypatch
) -> None:
    monkeypatch.setattr("napari_segnext.widget.main.ask_to_accept", lambda _: False)
    work_on(widget)
    target = widget.session.target
    target.name = "mine"
    widget._desk.choose_target(None)
    assert widget.session.target is not target
    assert not widget.session.can_undo
    choose(widget, "target", "mine")
    assert widget.session.target is target
    check_work(widget)


def test_another_model_answers_what_is_open(widget, predictor) -> None:
    work_on(widget)
    choose(widget, "model", "vitb_sax1")
    check_work(widget)


def test_two_widgets_that_are_closed_are_taken_up_one_by_one(
    viewer, widget, open_widget
) -> None:
    second = open_widget()
    second.session.wait(60)
    first_target, second_target = widget.session.target, second.session.target
    work_on(widget)
    viewer.window.remove_dock_widget(widget)
    viewer.window.remove_dock_widget(second)
    third, fourth = open_widget(), open_widget()
    assert third.session.target is second_target  # what was left last
    assert not third.session.can_undo
    assert fourth.session.target is first_target
    check_work(fourth)


def test_a_duplicate_of_the_target_does_not_pass_for_it(
    viewer, widget, open_widget
) -> None:
    work_on(widget)
    target = widget.session.target
    viewer.window.remove_dock_widget(widget)
    state = target.as_layer_data_tuple()
    duplicate = type(target)(target.data.copy(), **{**state[1], "name": "copy"})
    viewer.layers.append(duplicate)
    assert open_widget().session.target is target


def test_files_and_copies_know_nothing_of_what_waits(viewer, widget) -> None:
    target = widget.session.target
    viewer.window.remove_dock_widget(widget)
    left = [it for it in target.metadata.values() if not isinstance(it, str)]
    assert len(left) == 1
    assert copy.deepcopy(left) == [None]
    assert pickle.loads(pickle.dumps(left)) == [None]


def test_two_viewers_do_not_mix(make_napari_viewer_proxy, predictor) -> None:
    widgets = []
    for _ in range(2):
        viewer = make_napari_viewer_proxy()
        viewer.add_image(np.zeros((64, 64), np.uint8), name="cells")
        widget = SegNextWidget(napari_viewer=viewer)
        viewer.window.add_dock_widget(widget, name="SegNext")
        widgets.append(widget)
    first, second = widgets
    first.session.add_click((30, 30))
    first.session.wait(60)
    first.perform("accept")
    assert first.session.target.data.any()
    assert not second.session.target.data.any()
    assert not second.session.can_undo
    second.perform("polarity")
    assert first.session.polarity == "positive"


def test_nothing_outlives_a_closed_widget(viewer, stack, open_widget) -> None:
    threads = set(threading.enumerate())
    assert our_callbacks(viewer, stack) == []
    widget = open_widget()
    session = widget.session
    session.wait(60)
    for section in widget.panel.sections.values():
        section.expand(animate=False)
    work_on(widget)
    session.activate("scribble")
    widget.perform("keys")
    assert len(our_callbacks(viewer, stack)) > 10
    layers = [session.points, session.scribbles, session.preview]
    parts = [session, session._engine, session._worker, widget._desk]
    watched = [weakref.ref(it) for it in (*layers, *parts)]
    viewer.window.remove_dock_widget(widget)
    del session, layers, parts, widget
    for _ in range(3):
        QApplication.sendPostedEvents()
        QApplication.processEvents()
        gc.collect()
    assert [it() for it in watched if it() is not None] == []
    alive = {it for it in set(threading.enumerate()) - threads if it.is_alive()}
    assert alive == set()
    assert our_callbacks(viewer, stack) == []


def test_a_closed_widget_that_is_kept_keeps_no_picture(
    viewer, widget, open_widget
) -> None:
    image = weakref.ref(real(viewer.add_image(np.zeros((64, 64), np.uint8))))
    widget._desk.choose_image(image())
    widget.session.wait(60)
    watched = [image, weakref.ref(widget.session), weakref.ref(widget.session.target)]
    viewer.window.remove_dock_widget(widget)
    for layer in list(viewer.layers)[1:]:
        viewer.layers.remove(layer)
    del layer
    for _ in range(3):
        QApplication.processEvents()
        gc.collect()
    assert [it() for it in watched if it() is not None] == []


def our_callbacks(viewer, image) -> list[str]:
    """Name what of ours listens to a viewer, an image and keys."""
    viewer, image = real(viewer), real(image)
    groups = (
        viewer.dims.events,
        viewer.layers.events,
        viewer.layers.selection.events,
        image.events,
    )
    callbacks = [
        callback
        for group in groups
        for emitter in group.emitters.values()
        for callback in emitter.callbacks
    ]
    callbacks += [*viewer.keymap.values(), *image.keymap.values()]
    return [name for name in map(where_from, callbacks) if "segnext" in name]


def where_from(callback) -> str:
    # napari keeps a bound method as a weak reference and a name
    owner = callback[0]() if isinstance(callback, tuple) else callback
    return str(getattr(owner, "__module__", type(owner).__module__))
