"""The mouse in prompt layers: the opposite polarity, shapes left half drawn, looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hand import Hand
from napari.layers import Labels, Points, Shapes
from napari.utils.colormaps.standardize_color import transform_color
from skimage.color import rgb2lab

from napari_segnext.core.prompts import Prompts
from napari_segnext.session.layers import COLORS, POLARITIES
from napari_segnext.session.planes import PlaneKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooms import Room

    Rooms = Callable[..., Room]

PLANE = PlaneKey((2,), (1, 2))
BOX = [(2, 5, 5), (2, 10, 10), (2, 20, 25)]
LOOP = [(2, 5, 5), (2, 5, 25), (2, 15, 30), (2, 25, 20), (2, 20, 8), (2, 6, 5)]

# tool, shape, how it is drawn
DRAWN: dict[str, tuple[str, str | None, Callable[[Hand], None]]] = {
    "click": ("point", None, lambda hand: hand.click((2, 10, 20))),
    "box": ("box", None, lambda hand: hand.draw(BOX)),
    "polygon": ("polygon", None, lambda hand: corners(hand)),
    "lasso": ("polygon", "lasso", lambda hand: hand.draw(LOOP)),
    "line": ("scribble", "path", lambda hand: hand.draw(LOOP)),
    # without a move before: Alt and a move change the size of the brush
    "stroke": ("scribble", None, lambda hand: hand.draw(BOX, hover=False)),
}


def corners(hand: Hand) -> None:
    for at in LOOP[:4]:
        hand.click(at)
    hand.double_click(LOOP[4])


def ready(room: Room, tool: str, shape: str | None = None) -> Hand:
    room.show(0, 2)
    room.session.activate(tool, shape)
    return Hand(room.viewer, room.image)


def prompts_of(room: Room) -> Prompts:
    room.wait()
    found = room.session.objects.get(room.session.label)
    return Prompts() if found is None else found.prompts[PLANE]


def polarities(room: Room) -> list[bool]:
    return [prompt.positive for prompt in prompts_of(room)]


@pytest.mark.parametrize("key", ["Control", "Alt"])
@pytest.mark.parametrize("polarity", POLARITIES)
@pytest.mark.parametrize(("tool", "shape", "draw"), DRAWN.values(), ids=DRAWN)
def test_with_the_key_held_this_prompt_alone_is_of_the_opposite_polarity(
    room: Rooms,
    tool: str,
    shape: str | None,
    draw: Callable[[Hand], None],
    polarity: str,
    key: str,
) -> None:
    there = room()
    hand = ready(there, tool, shape)
    there.session.polarity = polarity
    hand.keys = (key,)
    draw(hand)
    hand.keys = ()
    assert polarities(there) == [polarity == "negative"]
    assert there.session.polarity == polarity
    draw_elsewhere(there, hand, tool, shape)
    assert sorted(polarities(there)) == [False, True]
    assert there.errors == []


def draw_elsewhere(room: Room, hand: Hand, tool: str, shape: str | None) -> None:
    room.session.activate(tool, shape)
    if tool == "point":
        hand.click((2, 30, 40))
    elif tool == "box" or (tool, shape) == ("scribble", None):
        hand.draw([(2, 30, 35), (2, 33, 38), (2, 37, 45)])
    elif (tool, shape) == ("polygon", None):
        for at in [(2, 30, 35), (2, 30, 45), (2, 37, 45)]:
            hand.click(at)
        hand.double_click((2, 37, 35))
    else:
        hand.draw([(2, 30, 35), (2, 30, 45), (2, 37, 45), (2, 37, 36), (2, 31, 35)])


def test_without_a_key_nothing_is_turned_round(room: Rooms) -> None:
    there = room()
    for tool, shape, draw in DRAWN.values():
        draw(ready(there, tool, shape))
        there.session.sync()
    assert polarities(there) == [True] * len(DRAWN)


def test_alt_over_the_brush_changes_its_size_and_ctrl_still_paints(room: Rooms) -> None:
    there = room()
    hand = ready(there, "scribble")
    scribbles = there.session.scribbles
    size = scribbles.brush_size
    hand.keys = ("Alt",)
    hand.hover((2, 10, 10))
    hand.hover((2, 10, 12))
    hand.press((2, 10, 12))
    hand.release()
    assert scribbles.brush_size != size
    assert not scribbles.data.any()
    assert scribbles.selected_label == 1
    hand.keys = ("Control",)
    hand.draw(BOX)
    assert polarities(there) == [False]
    assert scribbles.selected_label == 1


@pytest.mark.parametrize("tool", ["mask", "scribble"])
def test_what_has_no_opposite_stays_as_it_is(room: Rooms, tool: str) -> None:
    there = room()
    hand = ready(there, tool)
    if tool == "scribble":
        hand.draw(BOX)
        there.session.scribbles.mode = "erase"
    hand.keys = ("Control",)
    hand.draw(BOX)
    label = there.session.scribbles.selected_label
    assert label == (3 if tool == "mask" else 1)
    found = prompts_of(there)
    assert (found.mask is not None) == (tool == "mask")
    assert len(found.strokes) == 0


@pytest.mark.parametrize(("tool", "shape", "draw"), DRAWN.values(), ids=DRAWN)
def test_keys_pressed_or_let_go_in_the_middle_do_not_count(
    room: Rooms, tool: str, shape: str | None, draw: Callable[[Hand], None]
) -> None:
    for at_press, wanted in ((("Control",), False), ((), True)):
        there = room()
        hand = ready(there, tool, shape)
        hand.hover(BOX[0])
        hand.keys = at_press
        hand.press(BOX[0])
        hand.keys = () if at_press else ("Control",)
        if tool == "point":
            hand.release()
        elif shape is None and tool == "polygon":
            hand.release()
            corners(hand)
        else:
            for at in LOOP[1:]:
                hand.drag(at)
            hand.release()
        assert polarities(there) == [wanted]
        assert defaults(there) == ["positive"] * len(defaults(there))


def defaults(room: Room) -> list[str]:
    layers = [getattr(room.session, name) for name in ("points", "shapes")]
    return [layer.feature_defaults["polarity"].iloc[0] for layer in layers]


INTERRUPTIONS: dict[str, Callable[[Room, Any], None]] = {
    "another layer becomes active": lambda room, layer: setattr(
        room.viewer.layers.selection, "active", room.image
    ),
    "the layer is removed": lambda room, layer: room.viewer.layers.remove(layer),
    "all layers are removed": lambda room, layer: room.viewer.layers.clear(),
    "the session is closed": lambda room, layer: room.session.close(),
    "another tool": lambda room, layer: room.session.activate("mask"),
}


@pytest.mark.parametrize("interrupt", INTERRUPTIONS.values(), ids=INTERRUPTIONS)
@pytest.mark.parametrize("tool", ["point", "box", "scribble"])
def test_a_release_that_is_never_heard_leaves_no_trace(
    room: Rooms, tool: str, interrupt: Callable[[Room, Any], None]
) -> None:
    there = room()
    hand = ready(there, tool)
    layer = there.viewer.layers.selection.active
    hand.keys = ("Control",)
    hand.press((2, 10, 10))
    hand.drag((2, 12, 14))
    interrupt(there, layer)
    assert there.session.polarity == "positive"
    if tool == "scribble":
        assert layer.selected_label in (1, 3)
    else:
        assert layer.feature_defaults["polarity"].iloc[0] == "positive"


def test_a_key_press_that_toggles_in_the_middle_counts_for_the_next(
    room: Rooms,
) -> None:
    there = room()
    hand = ready(there, "scribble")
    hand.keys = ("Control",)
    hand.press(BOX[0])
    there.session.polarity = "negative"
    hand.drag(BOX[1])
    hand.release()
    hand.keys = ()
    assert there.session.scribbles.selected_label == 2
    assert set(polarities(there)) == {False}


def test_adopted_layers_too_and_they_are_let_go_in_the_end(room: Rooms) -> None:
    points = Points(np.empty((0, 3)), ndim=3)
    shapes = Shapes(None, ndim=3)
    scribbles = Labels(np.zeros((5, 40, 50), np.uint8))
    layers = [points, shapes, scribbles]
    before = [list(layer.mouse_drag_callbacks) for layer in layers]
    there = room(points=points, shapes=shapes, scribbles=scribbles)
    for tool in ("point", "box", "scribble"):
        hand = ready(there, tool)
        hand.keys = ("Control",)
        hand.draw([BOX[0], (2, 5.1, 5.1)] if tool == "point" else BOX)
    assert polarities(there) == [False] * 3
    there.session.close()
    for layer in layers:
        layer.mode = "pan_zoom"
        assert not layer._mouse_drag_gen
    after = [list(layer.mouse_drag_callbacks) for layer in layers]
    assert [len(now) for now in after] == [len(then) + 1 for then in before]  # napari's


# shapes left half drawn --------------------------------------------------------------


@pytest.mark.parametrize("shape", [None, "lasso"])
@pytest.mark.parametrize(
    ("tool", "other"), [("box", None), ("point", None), ("scribble", "path")]
)
def test_another_tool_closes_a_half_drawn_polygon_that_encloses_something(
    room: Rooms, tool: str, other: str | None, shape: str | None
) -> None:
    there = room()
    hand = ready(there, "polygon", shape)
    if shape is None:
        for at in LOOP[:3]:
            hand.click(at)
    else:
        hand.press(LOOP[0])
        for at in LOOP[1:-1]:
            hand.drag(at)
    hand.drag((2, 36, 36))
    there.session.activate(tool, other)
    (polygon,) = prompts_of(there).polygons
    wanted = {(float(row), float(col)) for _, row, col in LOOP[: 3 if not shape else 5]}
    assert set(polygon.vertices) == wanted
    assert there.errors == []
    assert there.session.undo()
    assert prompts_of(there) == Prompts()


@pytest.mark.parametrize("tool", ["box", "point", "polygon", "cut"])
def test_another_tool_drops_a_polygon_of_too_few_vertices(
    room: Rooms, tool: str
) -> None:
    there = room()
    hand = ready(there, "polygon")
    hand.click(LOOP[0])
    hand.click(LOOP[1])
    there.session.activate(tool, "lasso" if tool == "polygon" else None)
    assert there.session.objects == {}
    assert there.session.shapes.nshapes == 0
    assert len(there.session.shapes.features) == 0
    there.session.polarity = "negative"
    hand = ready(there, "box")
    hand.draw(BOX)
    assert polarities(there) == [False]
    np.testing.assert_allclose(
        there.session.shapes.edge_color, transform_color(COLORS["negative"])
    )
    assert there.errors == []


def test_escape_on_a_begun_polygon_leaves_nothing_behind(room: Rooms) -> None:
    there = room()
    hand = ready(there, "polygon")
    hand.click(LOOP[0])
    hand.click(LOOP[1])
    there.session.shapes._finish_drawing()  # what napari's Escape key does
    there.session.polarity = "negative"
    hand = ready(there, "box")
    hand.draw(BOX)  # before anything was read
    assert polarities(there) == [False]
    assert len(there.session.shapes.features) == 1
    assert there.errors == []


def test_tools_can_be_switched_again_and_again_in_the_middle_of_drawing(
    room: Rooms,
) -> None:
    there = room()
    tools = [(tool, shape) for tool, shape, _ in DRAWN.values()]
    for turn in range(12):
        hand = ready(there, *tools[turn % len(tools)])
        hand.press(LOOP[0])
        hand.drag(LOOP[1])
        there.session.activate(*tools[(turn + 1) % len(tools)])
        hand.release()
    there.session.activate("point")
    there.wait()
    assert there.errors == []
    assert not there.session.shapes._is_creating
    assert len(there.session.shapes.features) == there.session.shapes.nshapes


def test_a_script_may_add_prompts_while_a_polygon_is_being_drawn(room: Rooms) -> None:
    there = room()
    hand = ready(there, "polygon")
    for at in LOOP[:3]:
        hand.click(at)
    there.session.add_click((2, 30, 40))
    hand.click(LOOP[3])
    hand.double_click(LOOP[4])
    found = prompts_of(there)
    assert len(found.polygons) == len(found.clicks) == 1


@pytest.mark.parametrize("act", ["undo", "clear", "accept"])
def test_acts_in_the_middle_of_drawing_do_no_harm(room: Rooms, act: str) -> None:
    there = room()
    there.session.add_box((2, 3, 3), (2, 9, 9))
    there.wait()
    hand = ready(there, "polygon")
    for at in LOOP[:3]:
        hand.click(at)
    getattr(there.session, act)()
    hand.hover(LOOP[3])
    hand.click(LOOP[3])
    there.wait()
    assert there.errors == []
    there.session.activate("point")
    there.wait()
    assert len(there.session.shapes.features) == there.session.shapes.nshapes
    assert there.errors == []


@pytest.mark.parametrize("tool", ["point", "box", "scribble"])
def test_a_hidden_prompt_layer_comes_back_with_its_tool(room: Rooms, tool: str) -> None:
    there = room()
    ready(there, tool)
    layer = there.viewer.layers.selection.active
    mode = layer.mode
    layer.visible = False
    there.session.activate(tool)
    assert layer.visible
    assert layer.mode == mode
    DRAWN[{"point": "click", "scribble": "stroke"}.get(tool, tool)][2](
        Hand(there.viewer, there.image)
    )
    assert polarities(there) == [True]


# polarity without colour -------------------------------------------------------------


def symbols(room: Room) -> list[str]:
    return [str(symbol) for symbol in room.session.points.symbol]


def test_points_show_their_polarity_by_symbol(room: Rooms) -> None:
    there = room()
    there.session.add_click((2, 10, 10))
    there.session.add_click((2, 20, 20), positive=False)
    hand = ready(there, "point")
    hand.keys = ("Control",)
    hand.click((2, 30, 30))
    there.wait()
    assert symbols(there) == ["disc", "x", "x"]
    acts = len(there.session._history.acts)
    assert there.session.undo()
    assert symbols(there) == ["disc", "x"]
    features = there.session.points.features.copy()
    features["polarity"] = features["polarity"].iloc[::-1].to_numpy()
    there.session.points.features = features
    assert symbols(there) == ["x", "disc"]
    assert polarities(there) == [False, True]
    assert len(there.session._history.acts) == acts  # undo less one, edit one more


def test_a_changed_symbol_is_no_act_and_nothing_loops(room: Rooms) -> None:
    there = room()
    there.session.add_click((2, 10, 10))
    there.wait()
    changes: list[int] = []
    there.session.changed.connect(lambda: changes.append(1))
    points = there.session.points
    asked = len(there.predictor.asked)
    emitted: list[int] = []
    points.events.symbol.connect(lambda: emitted.append(1))
    points.symbol = "star"
    for _ in range(3):
        there.session.sync()
    assert len(emitted) == 1  # the user's own; it stays until the features change
    assert symbols(there) == ["star"]
    assert changes == []
    assert len(there.predictor.asked) == asked
    points.features = points.features.copy()
    there.session.sync()
    assert symbols(there) == ["disc"]
    assert len(emitted) == 2
    assert len(there.session._history.acts) == 1


def test_the_symbols_of_adopted_points_are_their_owners(room: Rooms) -> None:
    points = Points([(2, 10, 10), (2, 20, 20)], symbol=["star", "ring"])
    there = room(points=points)
    there.session.add_click((2, 30, 30), positive=False)
    there.wait()
    assert symbols(there)[:2] == ["star", "ring"]


def test_shapes_show_their_polarity_by_lightness_and_by_a_filled_face(
    room: Rooms,
) -> None:
    there = room()
    there.session.add_box((2, 5, 5), (2, 10, 10))
    there.session.add_box((2, 15, 15), (2, 20, 20), positive=False)
    shapes = there.session.shapes
    assert list(shapes.face_color[:, 3] > 0) == [False, True]
    light = rgb2lab(shapes.edge_color[:, None, :3])[:, 0, 0]
    assert abs(light[0] - light[1]) > 20
    colours = shapes.edge_color.copy()
    features = shapes.features.copy()
    features["polarity"] = pd.Categorical(
        ["negative", "positive"], categories=POLARITIES
    )
    shapes.features = features  # napari does not colour them again by itself
    np.testing.assert_allclose(shapes.edge_color, colours[::-1])
    assert list(shapes.face_color[:, 3] > 0) == [True, False]


def test_scribbles_of_either_polarity_and_masks_differ_in_lightness() -> None:
    lights = {
        name: float(rgb2lab(transform_color(COLORS[name])[:, None, :3])[0, 0, 0])
        for name in (*POLARITIES, "mask")
    }
    assert abs(lights["positive"] - lights["negative"]) > 20
    assert abs(lights["mask"] - lights["negative"]) > 10
    assert abs(lights["mask"] - lights["positive"]) > 10
