"""The user's own layers hold the prompts, by choice; nothing is lost on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from napari.layers import Labels, Points, Shapes

if TYPE_CHECKING:
    from napari_segnext.widget.main import SegNextWidget

P, Q = (45, 64, 62), (45, 17, 68)  # nuclei of the sample


def place_of(stack) -> dict[str, object]:
    return {name: getattr(stack, name) for name in ("scale", "units", "axis_labels")}


def choose(widget: SegNextWidget, role: str, name: str) -> None:
    """Choose a layer as the user does."""
    assert widget.session is not None  # sees the layers that came
    choice = widget.panel.view.choices[role]
    index = choice.findText(name)
    assert index >= 0, name
    choice.setCurrentIndex(index)
    choice.activated.emit(index)


def clicks_of(widget: SegNextWidget) -> set[tuple[float, float]]:
    widget.session.sync()
    info = widget.session.objects.get(widget.session.label)
    prompts = {} if info is None else info.prompts
    return {(it.row, it.col) for found in prompts.values() for it in found.clicks}


@pytest.fixture
def mine(viewer, stack) -> Points:
    """A Points layer of the user's with one point on the slice shown."""
    layer = Points([P], name="mine", **place_of(stack))
    viewer.layers.append(layer)
    return layer


def test_points_of_the_user_become_clicks_beside_those_there_are(
    viewer, widget, mine, notifications
) -> None:
    widget.session.add_click(Q)
    widget.session.wait(60)
    own = widget.session.points
    choose(widget, "points", "mine")
    session = widget.session
    session.wait(60)
    assert session.points is mine
    assert own not in viewer.layers
    assert widget.panel.view.choices["points"].layer is mine
    assert clicks_of(widget) == {P[1:], Q[1:]}
    assert session.mask()[P[1:]]
    assert session.mask()[Q[1:]]
    assert len(mine.data) == 2  # what was open is in the user's layer too
    session.undo()
    assert clicks_of(widget) == {Q[1:]}
    assert notifications == []


def test_a_click_in_the_users_layer_is_a_prompt(widget, mine) -> None:
    choose(widget, "points", "mine")
    widget.session.clear()
    mine.add([Q])
    widget.session.wait(60)
    assert clicks_of(widget) == {Q[1:]}
    assert widget.session.mask()[Q[1:]]


def test_going_back_keeps_the_users_layer_and_the_prompts(viewer, widget, mine) -> None:
    choose(widget, "points", "mine")
    choice = widget.panel.view.choices["points"]
    choice.setCurrentIndex(0)
    choice.activated.emit(0)
    assert widget.session.points is not mine
    assert mine in viewer.layers
    assert len(mine.data) == 1
    assert clicks_of(widget) == {P[1:]}
    assert choice.layer is None


def test_objects_and_undo_survive_adopting(widget, mine) -> None:
    session = widget.session
    session.add_click(Q)
    session.wait(60)
    session.accept()
    choose(widget, "points", "mine")
    assert widget.session.target.data[Q] == 1
    widget.session.undo()  # the user's point
    widget.session.undo()
    assert widget.session.target.data[Q] == 0
    assert clicks_of(widget) == {Q[1:]}


def test_shapes_and_strokes_of_the_user(viewer, stack, widget, notifications) -> None:
    box = np.array([(45, 50, 46), (45, 50, 78), (45, 80, 78), (45, 80, 46)])
    shapes = Shapes([box], shape_type="rectangle", name="boxes", **place_of(stack))
    strokes = np.zeros(stack.data.shape, np.uint8)
    strokes[45, 15:20, 60:70] = 1
    painted = Labels(strokes, name="painted", **place_of(stack))
    viewer.layers.extend([shapes, painted])
    choose(widget, "shapes", "boxes")
    choose(widget, "scribbles", "painted")
    widget.session.wait(60)
    assert widget.session.shapes is shapes
    assert widget.session.scribbles is painted
    (prompts,) = widget.session.objects[widget.session.label].prompts.values()
    assert len(prompts.boxes) == 1
    assert len(prompts.strokes) == 1
    assert widget._desk.adopted == {"shapes": shapes, "scribbles": painted}
    assert notifications == []


def test_scribbles_that_became_labels_are_let_go_with_the_next_session(
    viewer, stack, widget, notifications
) -> None:
    painted = Labels(np.zeros(stack.data.shape, np.uint8), name="painted")
    viewer.layers.append(painted)
    choose(widget, "scribbles", "painted")
    widget.session.add_click(Q)
    widget.session.wait(60)
    painted.data[3, 5:9, 5:9] = 5  # an object, as in any labels layer
    widget._desk.choose_model("segnext-lite")
    assert widget.session.scribbles is not painted
    assert clicks_of(widget) == {Q[1:]}
    assert sum("labels of objects" in told.message for told in notifications) == 1
    viewer.window.remove_dock_widget(widget)
    assert (painted.data[3, 5:9, 5:9] == 5).all()


def test_a_layer_that_cannot_hold_prompts_is_refused_in_words(
    viewer, stack, widget, notifications
) -> None:
    widget.session.add_click(Q)
    widget.session.wait(60)
    small = Labels(np.zeros((5, 5, 5), np.uint8), name="small", **place_of(stack))
    viewer.layers.append(small)
    choose(widget, "scribbles", "small")
    assert len(notifications) == 1
    assert "small" in notifications[0].message
    assert clicks_of(widget) == {Q[1:]}
    assert widget.session.mask()[Q[1:]]
    assert widget.panel.view.choices["scribbles"].layer is None


def test_only_the_users_own_layers_are_offered(viewer, stack, widget, mine) -> None:
    viewer.layers.append(Points(np.zeros((0, 2)), ndim=2, name="flat"))
    widget.session.activate("box")
    widget.session.activate("scribble")
    choices = widget.panel.view.choices
    offered = {
        role: [choice.itemText(index) for index in range(1, choice.count())]
        for role, choice in choices.items()
    }
    assert offered == {"points": ["mine"], "shapes": [], "scribbles": []}


def test_adopted_layers_are_adopted_again_when_the_widget_opens(
    viewer, widget, mine, open_widget
) -> None:
    choose(widget, "points", "mine")
    widget.session.wait(60)
    viewer.window.remove_dock_widget(widget)
    assert mine in viewer.layers
    mine.add([Q])  # meanwhile
    again = open_widget()
    assert again.session.points is mine
    assert clicks_of(again) == {P[1:], Q[1:]}


def test_an_adopted_layer_that_is_deleted_is_replaced(viewer, widget, mine) -> None:
    choose(widget, "points", "mine")
    viewer.layers.remove(mine)
    assert widget.session.points is not mine
    assert widget.panel.view.choices["points"].layer is None
    assert clicks_of(widget) == set()
    widget.session.undo()
    assert clicks_of(widget) == {P[1:]}
