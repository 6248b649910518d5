"""Whatever happens to a layer: no traceback, no stale mask, a clear state.

A table of acts, each on a session with prompts of several types, and what must hold
after every one of them.
"""

from __future__ import annotations

import warnings
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from fakes import TIMEOUT_S, BlockedPredictor, expected
from hand import Hand
from napari.layers import Labels, Layer, Points, Shapes
from rooms import STACK_SHAPE, make_stack

from napari_segnext.core.prompts import Click, Prompts, Stroke
from napari_segnext.errors import LayerError, PromptError
from napari_segnext.session.layers import role_of
from napari_segnext.session.planes import PlaneKey
from napari_segnext.session.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooms import Room

    Rooms = Callable[..., Room]
    Act = Callable[[Room], Any]

PLANE = PlaneKey((2,), (1, 2))
SHAPE = STACK_SHAPE[1:]


def with_prompts(room: Rooms, **options: Any) -> Room:
    """A click of either polarity, a box and a painted stroke; on slice 2."""
    there = room(**options)
    there.show(0, 2)
    session = there.session
    session.add_click((2, 10, 10))
    session.add_click((2, 12, 18), positive=False)
    session.add_box((2, 4, 4), (2, 16, 22))
    session.scribbles.data_setitem(painted(), 1)
    there.wait()
    return there


def painted() -> tuple[np.ndarray, ...]:
    rows, cols = np.mgrid[33:36, 5:15]
    return np.full(rows.size, 2), rows.ravel(), cols.ravel()


def stroke() -> Stroke:
    plane = np.zeros(SHAPE, bool)
    plane[33:36, 5:15] = True
    return Stroke.from_array(plane)


def prompts_of(room: Room) -> Prompts:
    return room.session._history.state.object.prompts(PLANE)


def fresh(session: Session, plane: PlaneKey) -> np.ndarray:
    """Predict the prompts that stand on `plane` anew, with the recorded previous."""
    shape = plane.shape_in(STACK_SHAPE)
    entry = session._history.entry(plane)
    if entry is None or not entry.prompts:
        return np.zeros(shape, bool)
    answer = None
    for one in session._history.chain(entry):
        answer = expected(shape, one.prompts, answer)
    assert answer is not None
    return answer


def check(room: Room) -> None:
    """What must hold after every act, as long as the session is open."""
    session = room.session
    room.wait()
    shown = np.zeros(STACK_SHAPE, bool)
    for plane in session._history.state.object.planes:
        shown[plane.slices] |= fresh(session, plane)
    np.testing.assert_array_equal(np.asarray(session.preview.data) > 0, shown)
    np.testing.assert_array_equal(session.mask(), shown[session.plane.index])
    for role in ("points", "preview", "target"):
        assert session.has(role)
    assert not session.is_busy
    assert session.hint
    before = prompts_of(room)
    if session.undo():
        assert session.redo()
        room.wait()
        assert prompts_of(room) == before
    for role in ("points", "shapes"):
        if session.has(role):
            layer = getattr(session, role)
            assert len(layer.features) == len(layer.data)


@dataclass(frozen=True)
class Case:
    """An act, and what it does to the prompts: types that go, and what is said."""

    act: Act
    goes: tuple[str, ...] = ()
    says: str | None = None


def duplicate(room: Room) -> None:
    from napari.layers._layer_actions import _duplicate_layer

    layers = room.viewer.layers
    layers.selection = {layer for layer in layers if role_of(layer) is not None}
    _duplicate_layer(layers)
    room.session.sync()
    for layer in list(layers):
        if layer.name.endswith(" copy"):
            assert role_of(layer) is None
            if isinstance(layer, Points | Shapes):
                layer.selected_data = set(range(len(layer.data)))
                layer.remove_selected()
            elif isinstance(layer, Labels):
                layer.data = np.ones(STACK_SHAPE, np.uint8)
            room.session.sync()
            layers.remove(layer)


def rename(room: Room) -> None:
    for layer in room.viewer.layers:
        layer.name = "the same"


def hide(room: Room) -> None:
    for layer in room.viewer.layers:
        layer.visible = False


def assign(role: str, change: Callable[[pd.DataFrame], Any]) -> Act:
    """Assign features wholesale, as a user's script or a table does."""

    def act(room: Room) -> None:
        layer = getattr(room.session, role)
        # napari's own: where a column that gives colours is left out, or is all NaN
        with warnings.catch_warnings(), suppress(KeyError):
            warnings.filterwarnings("ignore", "property used", RuntimeWarning)
            layer.features = change(layer.features.copy())

    return act


def move(role: str, **transform: Any) -> Act:
    def act(room: Room) -> None:
        layer: Layer = getattr(room.session, role)
        for name, value in transform.items():
            setattr(layer, name, value)

    return act


def calibrate(room: Room) -> None:
    room.image.scale = (3, 0.5, 0.5)
    room.image.translate = (7, 8, 9)
    for role in ("points", "shapes", "scribbles", "preview", "target"):
        layer = getattr(room.session, role)
        np.testing.assert_allclose(layer.scale, room.image.scale)
        np.testing.assert_allclose(layer.translate, room.image.translate)


def drag_point(room: Room) -> None:
    points = room.session.points
    points.mode = "select"
    room.viewer.layers.selection.active = points
    Hand(room.viewer, room.image).draw([(2, 10, 10), (2, 12, 12), (2, 15, 14)])
    room.session.sync()
    assert Click(15, 14) in prompts_of(room).clicks
    points.mode = "pan_zoom"
    points.selected_data = set()


def switch_modes(room: Room) -> None:
    for role in ("points", "shapes", "scribbles"):
        layer = getattr(room.session, role)
        room.viewer.layers.selection.active = layer
        for mode in layer._modeclass:
            layer.mode = mode
            room.session.sync()
        layer.mode = "pan_zoom"


def look_elsewhere(room: Room) -> None:
    for index in (0, 4, 2):
        room.show(0, index)
        room.session.sync()
    room.viewer.dims.order = (1, 0, 2)
    room.session.sync()
    room.viewer.dims.order = (0, 1, 2)
    room.show(0, 2)


def thick_slices(room: Room) -> None:
    room.viewer.dims.margin_left = room.viewer.dims.margin_right = (1, 0, 0)
    room.session.points.projection_mode = "all"
    room.image.projection_mode = "mean"


def select_and_delete(role: str) -> Act:
    def act(room: Room) -> None:
        layer = getattr(room.session, role)
        layer.selected_data = {0}
        layer.remove_selected()

    return act


def recolour(room: Room) -> None:
    room.session.points.face_color = "red"
    room.session.points.symbol = "star"
    room.session.points.size = 40
    room.session.shapes.edge_color = "green"
    room.session.scribbles.opacity = 0.1


def remove(role: str) -> Act:
    return lambda room: room.viewer.layers.remove(getattr(room.session, role))


def remove_all_prompts(room: Room) -> None:
    for role in ("points", "shapes", "scribbles"):
        room.viewer.layers.remove(getattr(room.session, role))


CASES: dict[str, Case] = {
    "renamed": Case(rename),
    "reordered": Case(lambda room: room.viewer.layers.reverse()),
    "hidden": Case(hide),
    "duplicated": Case(duplicate),
    "recoloured": Case(recolour),
    "points deleted": Case(remove("points"), ("clicks",)),
    "shapes deleted": Case(remove("shapes"), ("boxes",)),
    "scribbles deleted": Case(remove("scribbles"), ("strokes",)),
    "all prompts deleted": Case(remove_all_prompts, ("clicks", "boxes", "strokes")),
    "preview deleted": Case(remove("preview"), ("clicks", "boxes", "strokes")),
    "points assigned": Case(
        lambda room: setattr(room.session.points, "data", [(2, 5, 5)] * 4), ("old",)
    ),
    "points emptied": Case(
        lambda room: setattr(room.session.points, "data", np.empty((0, 3))),
        ("clicks",),
    ),
    "shapes assigned": Case(
        lambda room: setattr(
            room.session.shapes,
            "data",
            [([[2, 5, 5], [2, 5, 9], [2, 9, 9]], "polygon")] * 3,
        ),
        ("boxes",),
    ),
    "shapes emptied": Case(
        lambda room: setattr(room.session.shapes, "data", []), ("boxes",)
    ),
    "scribbles assigned": Case(
        lambda room: setattr(
            room.session.scribbles, "data", np.zeros(STACK_SHAPE, np.uint8)
        ),
        ("strokes",),
    ),
    "scribbles of nonsense": Case(
        lambda room: setattr(
            room.session.scribbles, "data", np.full(STACK_SHAPE, 77, np.uint8)
        ),
        ("strokes",),
    ),
    "a point selected and deleted": Case(select_and_delete("points"), ("old",)),
    "a shape selected and deleted": Case(select_and_delete("shapes"), ("boxes",)),
    "a point outside": Case(
        lambda room: room.session.points.add([(2, 500, 3)]), says="outside the plane"
    ),
    "a point on no slice": Case(
        lambda room: room.session.points.add([(9, 5, 3)]), says="outside the image"
    ),
    "a point dragged": Case(drag_point, ("old",)),
    "modes switched": Case(switch_modes),
    "other slices and views": Case(look_elsewhere),
    "thick slices": Case(thick_slices),
    "image renamed": Case(lambda room: setattr(room.image, "name", "other")),
    "image hidden": Case(lambda room: setattr(room.image, "visible", False)),
    "contrast changed": Case(
        lambda room: setattr(room.image, "contrast_limits", (0, 10))
    ),
    "image replaced": Case(lambda room: setattr(room.image, "data", make_stack() // 2)),
    "image calibrated": Case(calibrate),
    "points scaled": Case(move("points", scale=(1, 0.5, 0.5)), ("old",)),
    "points moved off the image": Case(
        move("points", translate=(0, 500, 0)), ("clicks",), says="outside the plane"
    ),
    "shapes moved": Case(move("shapes", translate=(0, 1, 1)), ("old",)),
    "scribbles moved": Case(
        move("scribbles", translate=(0, 5, 5)), says="lies elsewhere"
    ),
    "preview moved": Case(move("preview", translate=(0, 5, 5))),
    "a wrong polarity": Case(
        assign("points", lambda f: f.assign(polarity=["sideways", "negative"])),
        ("old",),
        says="'sideways'",
    ),
    "polarity as a human writes it": Case(
        assign("points", lambda f: f.assign(polarity=[" Positive", "NEGATIVE"]))
    ),
    "polarity empty": Case(
        assign("points", lambda f: f.assign(polarity=[np.nan, "negative"]))
    ),
    "polarity all empty": Case(
        assign("points", lambda f: f.assign(polarity=[np.nan, np.nan]))
    ),
    "polarity numbers": Case(
        assign("points", lambda f: f.assign(polarity=[1.5, 2.5])),
        ("clicks",),
        says="'1.5'",
    ),
    "polarity of one category": Case(
        assign(
            "points",
            lambda f: f.assign(polarity=pd.Categorical(["positive", "positive"])),
        ),
        ("old",),
    ),
    "polarity left out": Case(
        assign("points", lambda f: f.drop(columns="polarity")), ("old",)
    ),
    "plane left out": Case(assign("points", lambda f: f.drop(columns="plane"))),
    "plane of nonsense": Case(assign("points", lambda f: f.assign(plane="7,0,2"))),
    "all columns left out": Case(assign("points", lambda f: {}), ("old",)),
    "other columns added": Case(
        assign("points", lambda f: f.assign(who=["me", "you"]))
    ),
    "polarity of shapes left out": Case(
        assign("shapes", lambda f: f.drop(columns="polarity"))
    ),
    "a wrong polarity of a shape": Case(
        assign("shapes", lambda f: f.assign(polarity="up")), ("boxes",), says="'up'"
    ),
    "all columns of shapes left out": Case(assign("shapes", lambda f: {})),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_after_every_act_the_session_is_in_a_clear_state(
    room: Rooms, case: Case
) -> None:
    there = with_prompts(room)
    before = prompts_of(there)
    assert before == Prompts(
        [Click(10, 10), Click(12, 18, False)], before.boxes, strokes=[stroke()]
    )

    case.act(there)
    check(there)

    after = prompts_of(there)
    if case.goes == ("old",):
        assert after != before
        assert after.strokes == before.strokes
    else:
        for name in ("clicks", "boxes", "strokes"):
            wanted = () if name in case.goes else getattr(before, name)
            assert getattr(after, name) == wanted, name
    said = [str(error) for error in there.errors]
    if case.says is None:
        assert said == []
    else:
        assert any(case.says in sentence for sentence in said)
        assert len(set(said)) == len(said)
        assert case.says in there.session.hint

    for layer in there.viewer.layers:
        layer.visible = True
    there.show(0, 2)
    there.session.polarity = "positive"
    there.session.activate("point")
    Hand(there.viewer, there.image).click((2, 25, 40))
    check(there)
    assert any(
        click.positive and (round(click.row), round(click.col)) == (25, 40)
        for click in prompts_of(there).clicks
    ) or not np.allclose(there.session.points.scale, there.image.scale)


UNDOABLE = ["points deleted", "shapes deleted", "scribbles deleted", "preview deleted"]


@pytest.mark.parametrize("name", [*UNDOABLE, "points emptied", "shapes assigned"])
def test_what_went_with_a_layer_comes_back_by_undo(room: Rooms, name: str) -> None:
    there = with_prompts(room)
    before, mask = prompts_of(there), there.session.mask()
    CASES[name].act(there)
    there.wait()
    assert there.session.undo()
    assert prompts_of(there) == before
    np.testing.assert_array_equal(there.session.mask(), mask)
    check(there)


@pytest.mark.parametrize("role", ["points", "shapes", "scribbles", "preview", "target"])
def test_a_layer_deleted_while_a_prediction_runs(room: Rooms, role: str) -> None:
    predictor = BlockedPredictor()
    predictor.let_go(1000)
    there = with_prompts(room, predictor=predictor)
    while predictor.release.acquire(blocking=False):
        pass
    while predictor.started.acquire(blocking=False):
        pass
    there.session.add_click((2, 25, 40))
    predictor.wait_until_started()
    there.viewer.layers.remove(getattr(there.session, role))
    there.session.sync()
    predictor.let_go(1000)
    check(there)


def test_the_image_deleted_while_a_prediction_runs(room: Rooms) -> None:
    predictor = BlockedPredictor()
    there = room(predictor=predictor)
    there.session.add_click((2, 25, 40))
    predictor.wait_until_started()
    there.viewer.layers.remove(there.image)
    predictor.let_go(1000)
    with pytest.raises(LayerError, match="image was removed"):
        there.session.sync()
    assert there.session.is_closed
    assert [layer.name for layer in there.viewer.layers] == ["stack labels"]


def test_a_deleted_point_layer_is_not_read_and_is_let_go(room: Rooms) -> None:
    there = with_prompts(room)
    old = there.session.points
    there.viewer.layers.remove(old)
    there.session.sync()
    old.add((2, 30, 40))
    old.features = old.features.copy()
    check(there)
    assert prompts_of(there).clicks == ()
    assert there.session.points is not old


def listeners(layer: Any) -> int:
    count = sum(
        len(emitter.callbacks) for emitter in layer.events.emitters.values() if emitter
    )
    return count + len(layer.mouse_drag_callbacks) + len(layer.mouse_move_callbacks)


def test_adopted_layers_are_released_as_they_were_but_for_their_prompts(
    room: Rooms,
) -> None:
    points = Points([(2, 10, 10)], ndim=3, name="mine")
    shapes = Shapes(None, ndim=3, name="mine too")
    scribbles = Labels(np.zeros(STACK_SHAPE, np.uint8), name="and mine")
    target = Labels(np.zeros(STACK_SHAPE, np.uint16), name="found")
    layers = [points, shapes, scribbles, target]
    before = [listeners(layer) for layer in layers]
    there = room(points=points, shapes=shapes, scribbles=scribbles, target=target)
    there.show(0, 2)
    there.session.add_click((2, 20, 20), positive=False)
    there.session.add_box((2, 5, 5), (2, 15, 15))
    check(there)
    assert there.session.points is points
    there.session.close()
    in_viewer = [listeners(layer) for layer in layers]
    for layer in layers:
        assert layer in there.viewer.layers
        there.viewer.layers.remove(layer)
    assert [listeners(layer) for layer in layers] <= in_viewer
    assert [listeners(layer) for layer in layers] == before
    assert len(points.data) == 2


def test_a_second_session_on_adopted_layers_takes_the_prompts_up(room: Rooms) -> None:
    points = Points([(2, 10, 10)], ndim=3, name="mine")
    there = room(points=points)
    there.wait()
    there.session.close()
    second = Session(
        there.viewer, there.image, there.predictor, points=points, journal=None
    )
    second.wait(TIMEOUT_S)
    assert second.objects[1].prompts[PLANE] == Prompts([Click(10, 10)])
    np.testing.assert_array_equal(
        np.asarray(second.preview.data[2]) > 0,
        expected(SHAPE, Prompts([Click(10, 10)])),
    )
    second.close()


def test_every_act_one_after_the_other_on_one_session(room: Rooms) -> None:
    there = with_prompts(room)
    for name, case in CASES.items():
        if "nonsense" in name or "moved" in name or "scaled" in name:
            continue
        for layer in there.viewer.layers:
            layer.visible = True
        there.session.clear()
        there.session.points.data = np.empty((0, 3))
        there.session.shapes.data = []
        there.viewer.dims.order = (0, 1, 2)
        there.show(0, 2)
        there.session.add_click((2, 10, 10))
        there.session.add_click((2, 12, 18), positive=False)
        there.session.add_box((2, 4, 4), (2, 16, 22))
        there.session.scribbles.data_setitem(painted(), 1)
        there.wait()
        case.act(there)
        check(there)
    with pytest.raises(PromptError):
        there.session.add_click((9, 9, 9))
